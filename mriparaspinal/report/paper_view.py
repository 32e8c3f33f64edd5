"""A table of the paper for the page: its segments as a column, so that it can be sorted and copied."""

from __future__ import annotations

from dataclasses import dataclass

from mriparaspinal.model import SEGMENTS
from mriparaspinal.paper_tables import PaperTable


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell: its text, and whether it is significant."""

    text: str
    bold: bool


@dataclass(frozen=True, slots=True)
class TableView:
    """A table with one row per line of numbers."""

    title: str
    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[CellView, ...], ...]
    footnotes: tuple[str, ...]


def table_view(table: PaperTable) -> TableView:
    """The table with the segment beside each row instead of above its rows."""
    segment = ""
    rows = []
    for number, row in enumerate(table.rows):
        if row[0] in SEGMENTS and not any(row[1:]):
            segment = row[0]
            continue
        cells = [CellView(text, (number, place) in table.bold) for place, text in enumerate(row)]
        rows.append((CellView(segment, False), *cells) if segment else tuple(cells))
    header = ("Segment", *table.header) if segment else table.header
    return TableView(table.title, f"{table.name}.csv", header, tuple(rows), table.footnotes)
