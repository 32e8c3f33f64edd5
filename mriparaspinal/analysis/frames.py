"""Data frames from tables on disk, and back: for the statistics, which work on frames."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import COLUMNS, FIELDS, OPTIONAL_COLUMNS, PROBLEM_COLUMNS, Problem
from mriparaspinal.core.participants import NUMBERS, Participants
from mriparaspinal.core.text import is_missing, read_cell, read_number
from mriparaspinal.io.manifest import Manifest
from mriparaspinal.io.tables import Cell, TextTable, csv_bytes, table_rows
from mriparaspinal.stats.cells import OWN_REGIONS

#: Columns of the measurement tables that hold numbers.
NUMBER_COLUMNS = frozenset(BY_NAME).union(
    f.name for f in FIELDS if f.type in ("int", "float", "int | None", "float | None")
)

_ROWS_AT_ONCE = 1000


def give_back() -> None:
    """Hand memory that is free again back to the system, where it can be asked to take it (glibc)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def read_measurements(
    contents: Mapping[str, bytes], names: Iterable[str], keep: Callable[[str], bool] = lambda _: True
) -> pd.DataFrame:
    """The rows of per-segment tables, of which ``contents`` has the bytes, columns as :data:`COLUMNS`.

    Columns that a table of other origin lacks are empty; the optional ones are there where a table
    has them. ``keep``: whether a column is wanted; the numbers of others are read and let go. Raises
    :class:`NoInputError`.
    """
    columns = {name: _Cells(name) for name in COLUMNS if keep(name)}
    length = 0
    for name in names:
        rows = table_rows(contents[name], name)
        header = next(rows)
        needed = {"participant_id", "segment", "muscle", "side"} - set(header)
        if needed:
            found = f"no column {', '.join(sorted(needed))}"
            raise NoInputError(f"{name}: {found}; expected a table as quantify writes it; check the file")
        for column in (*OPTIONAL_COLUMNS, *BY_NAME):
            if column in header and keep(column):
                columns.setdefault(column, _Cells(column))
        # Some rows at a time: as texts, the cells of a table take six times the memory of their numbers.
        start = 2
        while block := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            for place, column in enumerate(header):
                cells = [row[place] for row in block]
                if column in NUMBER_COLUMNS:
                    numbers = _numbers(cells, name, column, start)
                    if column in columns:
                        columns[column].cells.extend(numbers)
                elif column in columns:
                    columns[column].add(cells)
            start += len(block)
            length += len(block)
        del rows  # with the bytes of the table, before those of the next
        for kept in columns.values():
            kept.fill(length)
    return pd.DataFrame({name: columns.pop(name).series() for name in list(columns)}, copy=False)


def with_own_regions(rows: pd.DataFrame, manifest: Manifest | None) -> pd.DataFrame:
    """The rows, with the order of the study's own regions, which the statistics and figures follow."""
    if manifest is not None and (own := manifest.measured_with.regions):
        rows.attrs[OWN_REGIONS] = tuple(region.name for region in own)
    return rows


class _Cells:
    """The cells of a column so far: numbers, or the places of its texts among those that differ."""

    def __init__(self, column: str) -> None:
        self.numeric = column in NUMBER_COLUMNS
        self.cells: array[Any] = array("d" if self.numeric else "i")
        self._places: dict[str, int] = {}

    def add(self, texts: Iterable[str]) -> None:
        places = self._places
        self.cells.extend([places.setdefault(text, len(places)) for text in texts])

    def fill(self, length: int) -> None:
        """Leave the cells empty up to a number of rows."""
        missing = length - len(self.cells)
        if self.numeric:
            self.cells.extend([math.nan] * missing)
        else:
            self.add([""] * missing)

    def series(self) -> pd.Series:
        if self.numeric:
            return pd.Series(np.asarray(self.cells), copy=False)
        # An array of objects, filled: of a list, NumPy would make one of texts of equal length.
        names = np.empty(len(self._places), dtype=object)
        names[:] = list(self._places)
        return pd.Series(names[np.asarray(self.cells)], copy=False)


def _numbers(cells: Iterable[str], file: str, name: str, start: int) -> list[float]:
    """Texts, from the row ``start`` on, as floats; raises :class:`NoInputError` for one that is no number."""
    values = []
    for row, text in enumerate(cells, start):
        value = read_cell(text)
        if value is None:
            found = f"row {row}, column {name}: {text!r} was found"
            raise NoInputError(f"{file}: {found}; expected a finite number or nothing; correct it")
        values.append(value)
    return values


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
