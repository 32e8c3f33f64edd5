"""``levels.csv``: which slice of which source is which segment of which patient."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mriparaspinal.errors import NoInputError
from mriparaspinal.model import SEGMENTS, Problem

COLUMNS = ("source", "group", "patient", "segment", "slice")
TABLE = "levels.csv"
#: What the names of a dataset can hold.
_GROUP = re.compile(r"[^\W\d_](?:[^\W_]|-)*")


@dataclass(frozen=True, slots=True)
class Level:
    """One row of ``levels.csv``."""

    row: int
    """Its number in the file as a spreadsheet shows it; the header is row 1."""
    source: str
    group: str
    patient: str
    segment: str
    slice: int | None
    """InstanceNumber, frame number or index from 1; None where ``position_mm`` is given."""
    position_mm: float | None
    series: int | None

    @property
    def image(self) -> str:
        """The name of its image in the dataset."""
        return f"{self.group}_{self.patient}_{self.segment[1:]}.png"


def row_problem(
    row: int, code: str, message: str, remedy: str, severity: Literal["error", "warning"] = "error"
) -> Problem:
    """A finding about one row."""
    return Problem(TABLE, f"row {row}", severity, code, message, remedy)


def parse_levels(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[Level], list[Problem]]:
    """The rows that can be used, and what is wrong with the others.

    Raises :class:`NoInputError` where a column is missing or there is no row.
    """
    needed = [c for c in COLUMNS if c != "slice" or "position_mm" not in columns]
    missing = [column for column in needed if column not in columns]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise NoInputError(f"{TABLE}: {found}; expected {', '.join(COLUMNS)}; add it")
    if not rows:
        raise NoInputError(f"{TABLE}: a header without rows; expected one row per slice; fill it in")
    levels: list[Level] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows, 2):
        parsed = _parse(number, dict(zip(columns, row, strict=True)))
        if isinstance(parsed, Problem):
            problems.append(parsed)
        else:
            levels.append(parsed)
    return _without_duplicates(levels, problems)


def _parse(row: int, cells: dict[str, str]) -> Level | Problem:
    def wrong(column: str, expected: str) -> Problem:
        found = f"{column} {cells.get(column, '')!r} was found; expected {expected}"
        return row_problem(row, "bad-level", found, "correct the row")

    group, patient = cells["group"], cells["patient"]
    segment = cells["segment"].upper()
    segment = segment if segment.startswith("L") else f"L{segment}"
    if not _GROUP.fullmatch(group):
        return wrong("group", "letters and digits such as ALS")
    if not re.fullmatch(r"[0-9]{1,9}", patient):
        return wrong("patient", "a number such as 7")
    if segment not in SEGMENTS:
        return wrong("segment", "1 to 5 or L1 to L5")
    series = cells.get("series", "")
    if series and not re.fullmatch(r"[0-9]{1,9}", series):
        return wrong("series", "a SeriesNumber, or nothing")
    slice_, position = cells.get("slice", ""), cells.get("position_mm", "")
    if bool(slice_) == bool(position):
        both = "both slice and position_mm" if slice_ else "neither slice nor position_mm"
        return row_problem(row, "bad-level", f"{both} were found; expected one of them", "correct the row")
    if slice_ and not re.fullmatch(r"[0-9]{1,9}", slice_):
        return wrong("slice", "an InstanceNumber or an index from 1")
    place = _number(position) if position else None
    if position and place is None:
        return wrong("position_mm", "a number in mm")
    return Level(
        row,
        cells["source"],
        group,
        patient,
        segment,
        int(slice_) if slice_ else None,
        place,
        int(series) if series else None,
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _without_duplicates(levels: list[Level], problems: list[Problem]) -> tuple[list[Level], list[Problem]]:
    # Without regard to case: some disks take ALS_1_3.png and als_1_3.png for one file.
    count = Counter(level.image.casefold() for level in levels)
    kept = []
    for level in levels:
        if count[level.image.casefold()] == 1:
            kept.append(level)
            continue
        rows = [str(other.row) for other in levels if other.image.casefold() == level.image.casefold()]
        found = f"rows {', '.join(rows)} are all {level.image}; expected one slice per patient and segment"
        problems.append(row_problem(level.row, "duplicate-slice", found, "keep one of them"))
    return kept, problems
