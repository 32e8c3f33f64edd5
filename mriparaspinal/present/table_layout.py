"""How a printed table is laid out: columns, keys, missing cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from mriparaspinal.core.model import SPINE
from mriparaspinal.core.names import clinical_name_of, name_of
from mriparaspinal.core.text import natural_key
from mriparaspinal.stats.cells import muscles_of, texts

ABSENT = "–"


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table of texts, ready to be written in any format."""

    name: str
    """``table1`` … ``table4``: for files and sheets."""
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """As long as the header; the row of a segment has its name and empty cells."""
    bold: frozenset[tuple[int, int]]
    """(row, column) of the significant cells, counted from 0, without the header."""
    footnotes: tuple[str, ...]


_TEXT_COLUMNS = {
    "contrast", "segment", "muscle", "metric", "role", "label_a", "label_b", "summary_a", "summary_b", "test",
    "score", "covariates", "method", "characteristic", "item", "levels", "counts_a", "counts_b", "remark",
}  # fmt: skip

#: Segment, muscle and metric (or muscle alone: metric empty) of a row.
_Key = tuple[str, str, str]


@dataclass(slots=True)
class Column:
    """One column of a printed table: its header, its cells by key, and those in bold."""

    header: str
    cells: dict[_Key, str] = field(default_factory=dict)
    bold: set[_Key] = field(default_factory=set)


def with_empty_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Missing texts as empty ones: a table read back from its CSV has NaN there."""
    columns = [column for column in table if column in _TEXT_COLUMNS]
    return table.assign(**{column: texts(table[column]) for column in columns})


def contrasted_column(contrast: str) -> str:
    """The column that a contrast is about, such as ``side`` or ``group``."""
    return contrast.partition(":")[0].strip()


def lay_out(
    name: str,
    title: str,
    first: str,
    columns: Sequence[Column],
    keys: Sequence[_Key],
    footnotes: Sequence[str],
) -> PaperTable:
    """Columns under each other's keys, with a row above each segment."""
    rows: list[tuple[str, ...]] = []
    bold = set()
    segment = ""
    for key in keys:
        if key[0] != segment:
            segment = key[0]
            rows.append((segment, *[""] * len(columns)))
        for place, column in enumerate(columns, 1):
            if key in column.bold:
                bold.add((len(rows), place))
        label = " ".join(part for part in (key[1], metric_name(key[2])) if part)
        rows.append((label, *(column.cells.get(key, ABSENT) for column in columns)))
    header = (first, *(column.header for column in columns))
    notes = (*footnotes, *absent_note(rows))
    return PaperTable(name, title, header, tuple(rows), frozenset(bold), notes)


def row_keys(table: pd.DataFrame) -> list[_Key]:
    """Segments from L1 down, muscles as in the paper, metrics in the order of the table."""
    metrics = list(dict.fromkeys(table["metric"]))
    keys = set(zip(table["segment"], table["muscle"], table["metric"], strict=True))
    muscles = muscles_of(table)
    return sorted(
        keys, key=lambda key: (rank_of(key[0], SPINE), rank_of(key[1], muscles), metrics.index(key[2]))
    )


def rank_of(name: str, known: Sequence[str]) -> tuple[object, ...]:
    """Sort key: the known names in their order, others behind them."""
    return (known.index(name) if name in known else len(known), natural_key(name))


def row_key(record: dict[str, object]) -> _Key:
    """Segment, muscle and metric of a row."""
    return str(record["segment"]), str(record["muscle"]), str(record["metric"])


def superscripts(number: int) -> list[str]:
    """Superscripts that distinguish p-values; none for a single one.

    >>> superscripts(1), superscripts(2)
    ([''], ['¹', '²'])
    """
    if number == 1:
        return [""]
    superscript = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    return [str(i).translate(superscript) for i in range(1, number + 1)]


def absent_note(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The footnote on missing cells, where there are any."""
    return [f"{ABSENT}, not available."] if any(ABSENT in row for row in rows) else []


def metric_name(metric: str) -> str:
    """A metric as the paper writes it; the divisor of ``fi/bmi``, too."""
    return "/".join(name_of(part).printed for part in metric.split("/"))


def clinical_name(column: str) -> str:
    """The printed name of a clinical column."""
    name = clinical_name_of(column)
    return column if name is None else name.label
