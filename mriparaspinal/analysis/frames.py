"""Data frames from tables on disk, and back: for the statistics, which work on frames."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.model import COLUMNS, OPTIONAL_COLUMNS, PROBLEM_COLUMNS, Measurement, Problem
from mriparaspinal.core.participants import NUMBERS, Participants
from mriparaspinal.core.text import is_missing, read_cell, read_number
from mriparaspinal.io.tables import Cell, TextTable, csv_bytes, parse_table

#: Columns of the measurement tables that hold numbers.
NUMBER_COLUMNS = tuple(
    f.name
    for f in dataclasses.fields(Measurement)
    if f.type in ("int", "float", "int | None", "float | None")
)


def read_measurements(contents: Mapping[str, bytes], names: Iterable[str]) -> pd.DataFrame:
    """The rows of per-segment tables, of which ``contents`` has the bytes, columns as :data:`COLUMNS`.

    Columns that a table of other origin lacks are empty; the optional ones are there where a table
    has them. Raises :class:`NoInputError`.
    """
    frames: list[dict[str, pd.Series]] = []
    rows: list[int] = []
    once: dict[str, str] = {}
    for name in names:
        table = parse_table(contents[name], name)
        needed = {"participant_id", "segment", "muscle", "side"} - set(table.columns)
        if needed:
            found = f"no column {', '.join(sorted(needed))}"
            raise NoInputError(f"{name}: {found}; expected a table as quantify writes it; check the file")
        columns = [*COLUMNS, *(column for column in OPTIONAL_COLUMNS if column in table.columns)]
        frames.append({column: _column(table, name, column, once) for column in columns})
        rows.append(len(table.rows))
        del table  # before the next one is read
    # One column after the other: all of them at once would be in memory twice.
    whole: dict[str, pd.Series] = {}
    for column in list(dict.fromkeys(itertools.chain.from_iterable(frames))):
        parts = [
            frame.pop(column) if column in frame else pd.Series([math.nan] * n)
            for frame, n in zip(frames, rows, strict=True)
        ]
        whole[column] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(whole, copy=False)


def _column(table: TextTable, file: str, name: str, once: dict[str, str]) -> pd.Series:
    """A column of a table of measurements, equal texts as one object; empty where the table lacks it."""
    place = table.columns.index(name) if name in table.columns else None
    cells = [""] * len(table.rows) if place is None else [row[place] for row in table.rows]
    if name in NUMBER_COLUMNS:
        return _numbers(cells, file, name)
    return pd.Series([once.setdefault(cell, cell) for cell in cells], dtype=object)


def _numbers(cells: Sequence[str], file: str, name: str) -> pd.Series:
    """A column of texts as floats; raises :class:`NoInputError` for a text that is no number."""
    values = []
    for row, text in enumerate(cells, 2):
        value = read_cell(text)
        if value is None:
            found = f"row {row}, column {name}: {text!r} was found"
            raise NoInputError(f"{file}: {found}; expected a finite number or nothing; correct it")
        values.append(value)
    return pd.Series(values, dtype=np.float64)


def participants_frame(participants: Participants) -> pd.DataFrame:
    """Normalised participants as a frame: known numbers and all-number columns as float, else text."""
    frame = pd.DataFrame({"participant_id": list(participants.rows)}, dtype=object)
    for column in participants.columns:
        texts = [row[column] for row in participants.rows.values()]
        numeric = column in NUMBERS or column == "psa"
        frame[column] = pd.Series(texts, dtype=object) if column == "group" else _typed(texts, numeric)
    return frame


def table_frame(table: TextTable) -> pd.DataFrame:
    """Any table as a frame: columns in which all filled cells are numbers as float, else text."""
    columns: dict[str, Any] = {}
    for place, name in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        # Ids and groups may be called NA: they are texts, where a cell is no number.
        whole = name == "participant_id" or (
            name == "group" and None in map(read_number, filter(None, cells))
        )
        columns[name] = pd.Series(cells, dtype=object) if whole else _typed(cells, numeric=False)
    return pd.DataFrame(columns, columns=list(table.columns))


def _typed(texts: list[str], numeric: bool) -> pd.Series:
    values = [read_cell(text) for text in texts]
    known = [value for value in values if value is not None]
    if numeric or (len(known) == len(values) and any(map(math.isfinite, known))):
        return pd.Series([math.nan if value is None else value for value in values], dtype=np.float64)
    cleaned = ["" if is_missing(text) else text for text in texts]
    return pd.Series(cleaned, dtype=object)


def problems_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as a table with the columns of ``problems.csv``."""
    rows = [[getattr(problem, column) for column in PROBLEM_COLUMNS] for problem in problems]
    return pd.DataFrame(rows, columns=list(PROBLEM_COLUMNS), dtype=object)


def frame_csv(frame: pd.DataFrame) -> bytes:
    """A frame as CSV by the rules of :func:`csv_bytes`; NaN and None are empty cells."""
    rows = (tuple(map(_cell, row)) for row in frame.itertuples(index=False, name=None))
    return csv_bytes([str(column) for column in frame.columns], rows)


def _cell(value: object) -> Cell:
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    return str(value)
