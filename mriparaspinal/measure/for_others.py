"""The tables of results that other programs open; this one reads ``L1.csv`` … and never these."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mriparaspinal.core import meanings
from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.filenames import (
    MEASUREMENTS,
    MEASUREMENTS_SAV,
    PARTICIPANTS,
    WIDE,
    WIDE_SAV,
    WORKBOOK,
)
from mriparaspinal.core.meanings import Meaning
from mriparaspinal.core.model import COLUMNS, SPINE, OwnRegion
from mriparaspinal.io.tables import TextTable, as_it_was, csv_lines, parse_table, table_bytes, table_rows

#: Their names. To take them away changes nothing; to change them is refused.
FOR_OTHERS = (MEASUREMENTS, WIDE, WORKBOOK, WIDE_SAV, MEASUREMENTS_SAV)

PROBLEMS = "problems.csv"

_SEGMENT_TABLES = tuple(f"{segment}.csv" for segment in SPINE)

#: Columns of the sheet that explains all others.
DICTIONARY = ("sheet", "column", "meaning", "unit", "values")


def measurements_csv(files: Mapping[str, bytes]) -> bytes:
    """The rows of ``L1.csv`` … ``L5.csv`` one after another: all have the same columns."""
    tables = [content for name, content in files.items() if name in _SEGMENT_TABLES]
    # A share may have none.
    header = tables[0][: tables[0].index(b"\n")] if tables else csv_lines([COLUMNS]).rstrip(b"\n")
    # Views: of 20,000 slices the rows take as much memory as all else.
    return b"".join([header, b"\n", *(memoryview(content)[len(header) + 1 :] for content in tables)])


def refuse_other_measurements(folder: Path, names: Sequence[str]) -> None:
    """Raise :class:`NoInputError` where ``measurements.csv`` was changed: its rows would not be read."""
    path = folder / MEASUREMENTS
    if not path.is_file():
        return
    header, *rows = table_rows(table_bytes(path), MEASUREMENTS)
    tables = [list(table_rows(table_bytes(folder / name), name)) for name in names]
    there = [row for _, *own in tables for row in own]
    if (header, sorted(rows)) != (tables[0][0], sorted(there)):
        found = f"other rows than in {', '.join(names)}, which are read"
        remedy = "take it out of the folder, or correct them if it is right"
        raise NoInputError(f"{path}: {found}; expected the same; {remedy}")


def own_table(raw: bytes, name: str) -> TextTable:
    """A table of the results: one that is always written by us may have any number of cells."""
    if name not in (MEASUREMENTS, WIDE):
        return parse_table(raw, name)
    columns, *rows = (tuple(map(as_it_was, row)) for row in csv.reader(io.StringIO(raw.decode(), newline="")))
    return TextTable(columns, tuple(rows), plain=True)


def further_tables(
    files: Mapping[str, bytes], xlsx: bool, sav: bool, regions: Sequence[OwnRegion] = ()
) -> dict[str, bytes]:
    """``results.xlsx``, and ``results.sav`` with ``measurements.sav``, where they are asked for, of the CSVs.

    ``regions``: those of the study's own.

    Raises :class:`UsageError` where the library for SPSS is not installed, or Excel cannot hold a table.
    """
    found: dict[str, bytes] = {}
    if not xlsx and not sav:
        return found
    names = (MEASUREMENTS, WIDE, PARTICIPANTS, PROBLEMS)
    tables = {name: own_table(files[name], name) for name in names if name in files}
    values = meanings.values_with(regions)
    if xlsx:
        from mriparaspinal.io.workbook_out import workbook_bytes

        sheets = {_sheet(name): (table.columns, table.rows) for name, table in tables.items()}
        sheets["dictionary"] = DICTIONARY, tuple(dictionary_rows(tables, values))
        found[WORKBOOK] = workbook_bytes(sheets)
    if sav:
        from mriparaspinal.io.spss import sav_bytes

        for name, out in ((WIDE, WIDE_SAV), (MEASUREMENTS, MEASUREMENTS_SAV)):
            columns, rows = tables[name].columns, tables[name].rows
            found[out] = sav_bytes(columns, rows, meanings_of(name, columns), values)
    return found


def meanings_of(table: str, columns: Sequence[str]) -> dict[str, Meaning]:
    """What the columns of a table of results mean, by the name of the table."""
    if table == WIDE:
        return {column: meanings.wide_meaning(column) for column in columns}
    if table == PARTICIPANTS:
        return {column: meanings.participant_meaning(column) for column in columns}
    known = meanings.PROBLEMS if table == PROBLEMS else meanings.MEASUREMENTS
    return {column: known.get(column, Meaning("")) for column in columns}


def dictionary_rows(
    tables: Mapping[str, TextTable], values: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, ...]]:
    """A row for each column of each table: its meaning, its unit and what its ``values`` stand for."""
    for name, table in tables.items():
        for column, meaning in meanings_of(name, table.columns).items():
            told = "; ".join(f"{value} {text}" for value, text in values.get(column, {}).items())
            yield _sheet(name), column, meaning.text, meaning.unit, told


def _sheet(name: str) -> str:
    return name.removesuffix(".csv")
