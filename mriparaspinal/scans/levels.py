"""``levels.csv``: which slice of which source is which segment of which patient."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mriparaspinal.core.errors import Fault, NoInputError
from mriparaspinal.core.model import SEGMENTS, SPINE, Problem
from mriparaspinal.core.text import is_missing, read_number

COLUMNS = ("source", "group", "patient", "segment", "slice")

#: Columns of which a row fills in one: how its slice is found.
PLACES = ("slice", "position_mm", "label_map")

TABLE = "levels.csv"

#: Columns of a table with proposals: why a slice is proposed, and what a person says to it, yes or no.
PROPOSAL, CONFIRMED = "proposal", "confirmed"

#: What the names of a dataset can hold.
_GROUP = re.compile(r"[^\W\d_](?:[^\W_]|-)*")

#: The slices of one segment are told apart by a letter.
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Level:
    """One row of ``levels.csv``. Of ``slices``, ``position_mm`` and ``label_map`` one is given."""

    row: int
    """Its number in the file as a spreadsheet shows it; the header is row 1."""
    source: str
    group: str
    patient: str
    segment: str | None
    """None: every segment that its label map has."""
    slices: tuple[int, ...] = ()
    """InstanceNumbers, frame numbers or indices from 1, growing."""
    position_mm: float | None = None
    label_map: str | None = None
    """The file of a label map below a source."""
    series: int | None = None


def image_name(group: str, patient: str, segment: str, letter: str = "") -> str:
    """The name of an image in the dataset.

    >>> image_name("ALS", "7", "L3"), image_name("ALS", "7", "L3", "b"), image_name("ALS", "7", "S1")
    ('ALS_7_3.png', 'ALS_7_3_b.png', 'ALS_7_S1.png')
    """
    told = segment.removeprefix("L")
    return f"{group}_{patient}_{told}{letter and '_' + letter}.png"


def row_problem(
    row: int, code: str, message: str, remedy: str, severity: Literal["error", "warning"] = "error"
) -> Problem:
    """A finding about one row."""
    return Problem(TABLE, f"row {row}", severity, code, message, remedy)


def problem_of_row(row: int, fault: Fault, severity: Literal["error", "warning"] = "error") -> Problem:
    """A fault of one row, as a problem."""
    return fault.at(TABLE, shape=f"row {row}").problem(severity)


def parse_levels(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[Level], list[Problem]]:
    """The rows that can be used, and what is wrong with the others.

    Raises :class:`NoInputError` where a column is missing or there is no row.
    """
    needed = [c for c in COLUMNS if c != "slice" or not set(PLACES) & set(columns)]
    missing = [column for column in needed if column not in columns]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise NoInputError(f"{TABLE}: {found}; expected {', '.join(COLUMNS)}; add it")
    if not rows:
        raise NoInputError(f"{TABLE}: a header without rows; expected one row per slice; fill it in")
    levels: list[Level] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows, 2):
        cells = dict(zip(columns, row, strict=True))
        if _refused(cells):
            continue
        parsed = _unconfirmed(number, cells) or _parse(number, cells)
        if isinstance(parsed, Problem):
            problems.append(parsed)
        else:
            levels.append(parsed)
    return _without_clashes(levels, problems)


def count_refused(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many rows a person has said no to."""
    return sum(_refused(dict(zip(columns, row, strict=True))) for row in rows)


def _answer(cells: dict[str, str]) -> str:
    """What a person says to a row: "yes" where its table has no proposals."""
    known = {column.casefold(): cell for column, cell in cells.items()}
    return known.get(CONFIRMED, "" if known.get(PROPOSAL) else "yes")


def _refused(cells: dict[str, str]) -> bool:
    return _answer(cells).casefold() == "no"


def _unconfirmed(row: int, cells: dict[str, str]) -> Problem | None:
    """What is wrong with a row that may be a proposal: nobody has said yes to it."""
    answer = _answer(cells)
    if answer.casefold() == "yes":
        return None
    found = f"{CONFIRMED} {answer!r} was found; expected yes, or no to leave the row out"
    remedy = "look at its slice on the contact sheet, correct the row, and write yes"
    return row_problem(row, "unconfirmed-level", found, remedy)


def _parse(row: int, cells: dict[str, str]) -> Level | Problem:
    def wrong(column: str, expected: str) -> Problem:
        found = f"{column} {cells.get(column, '')!r} was found; expected {expected}"
        return row_problem(row, "bad-level", found, "correct the row")

    for column in {"slice", "position_mm", "label_map", "series"} & set(cells):
        if is_missing(cells[column], number=column != "label_map"):
            cells[column] = ""
    group, patient = cells["group"], cells["patient"]
    if not _GROUP.fullmatch(group):
        return wrong("group", "letters and digits such as ALS")
    if not re.fullmatch(r"[0-9]{1,9}", patient):
        return wrong("patient", "a number such as 7")
    given = [column for column in PLACES if cells.get(column)]
    if len(given) != 1:
        found = f"{' and '.join(given)} were found" if given else f"neither {', '.join(PLACES)} was found"
        return row_problem(row, "bad-level", f"{found}; expected one of them", "correct the row")
    of_map = given == ["label_map"]
    segment = _segment(cells["segment"], SEGMENTS if of_map else SPINE, every=of_map)
    if segment == "":
        return _wrong_segment(row, cells["segment"], of_map)
    series = cells.get("series", "")
    if series and not re.fullmatch(r"[0-9]{1,9}", series):
        return wrong("series", "a SeriesNumber, or nothing")
    slices = _slices(cells.get("slice", ""))
    if slices is None:
        return wrong("slice", f"an InstanceNumber or index from 1, or at most {len(LETTERS)}, such as 10-14")
    place = read_number(cells.get("position_mm", ""))
    if cells.get("position_mm") and place is None:
        return wrong("position_mm", "a number in mm")
    label_map = cells.get("label_map") or None
    number = int(series) if series else None
    return Level(row, cells["source"], group, patient, segment, slices, place, label_map, number)


def _segment(text: str, known: Sequence[str], every: bool) -> str | None:
    """The segment; None for every segment; empty where it is none."""
    if not text and every:
        return None
    return next((name for name in (text.upper(), f"L{text}") if name in known), "")


def _wrong_segment(row: int, text: str, of_map: bool) -> Problem:
    expected, remedy = "1 to 5, L1 to L5, or a declared one such as T12 or S1", "correct the row"
    if text.upper().removeprefix("L") == "6":
        remedy = "of six lumbar vertebrae, decide which five are L1 to L5, for all patients alike"
    elif of_map:
        expected = "1 to 5 or L1 to L5 of a label map"
        remedy = "give the slice of another segment by its number"
    return row_problem(row, "bad-level", f"segment {text!r} was found; expected {expected}", remedy)


def _slices(text: str) -> tuple[int, ...] | None:
    """The numbers of a cell, ``12`` or ``10-14``; none where it is empty, None where it is not understood."""
    if not text:
        return ()
    match = re.fullmatch(r"([0-9]{1,9})(?:\s*[-–]\s*([0-9]{1,9}))?", text, re.ASCII)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return tuple(range(first, last + 1)) if first <= last < first + len(LETTERS) else None


def _without_clashes(levels: list[Level], problems: list[Problem]) -> tuple[list[Level], list[Problem]]:
    """Leave out the rows of a segment that cannot be one stack, whatever their sources hold."""
    members: dict[tuple[str, str, str], list[Level]] = defaultdict(list)
    for level in levels:
        for segment in SEGMENTS if level.segment is None else (level.segment,):
            # Without regard to case: some disks take ALS_1_3.png and als_1_3.png for one file.
            members[level.group.casefold(), level.patient, segment].append(level)
    clashes: dict[int, str] = {}
    for (_, patient, segment), same in members.items():
        if len(same) < 2:
            continue
        rows = f"rows {', '.join(str(level.row) for level in same)}"
        groups = sorted({level.group for level in same})
        if len(groups) > 1:
            clash = f"{rows} write one group as {' and '.join(groups)}; expected one spelling"
        elif any(level.label_map for level in same):
            name = f"{groups[0]}_{patient} {segment}"
            clash = f"{rows} are all {name}, by a label map; expected one row for it, or rows by slice"
        else:
            continue
        for level in same:
            clashes.setdefault(level.row, clash)
    problems += [
        row_problem(row, "duplicate-slice", clash, "keep one of them") for row, clash in clashes.items()
    ]
    return [level for level in levels if level.row not in clashes], problems
