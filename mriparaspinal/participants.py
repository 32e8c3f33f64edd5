"""The participants table: what its columns mean, and what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mriparaspinal.model import Problem
from mriparaspinal.names import difference, loose_key, near_matches
from mriparaspinal.vocabulary import natural_key, plain_number

KEY = "participant_id"
#: Columns of numbers with a meaning: the range in which a value is believed, and the unit.
NUMBERS: dict[str, tuple[float, float, str]] = {
    "age": (0, 130, "years"),
    "age_onset": (0, 130, "years"),
    "bmi": (5, 150, "kg/m²"),
    "alsfrs_r": (0, 48, "points"),
    "alsfrs_lower": (0, 12, "points"),
    "disease_duration": (0, 1500, "months"),
}
#: Values of the participants' columns that have a name in the field.
VALUE_NAMES = {
    ("psa", "1"): "PSA+",
    ("psa", "0"): "PSA−",
    ("onset_region", "lower"): "lower-limb onset",
    ("onset_region", "upper"): "upper-limb onset",
    ("onset_region", "bulbar"): "bulbar onset",
}
#: All columns with a meaning.
_KNOWN = ("group", "onset_side", "onset_region", "psa", "sex", *NUMBERS)
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_PSA = {"1": "1", "1.0": "1", "+": "1", "0": "0", "0.0": "0", "-": "0", "−": "0", "–": "0"}
_MISSING = {"", "n/a", "na", "nan", "none", "null", "."}


@dataclass(frozen=True, slots=True)
class Participants:
    """One row per participant; every cell a normalised text, missing ones empty."""

    columns: tuple[str, ...]
    """Without the key."""
    rows: dict[str, dict[str, str]]

    def value(self, participant_id: str, column: str) -> str:
        """A cell, empty where the participant or the column is not there."""
        return self.rows.get(participant_id, {}).get(column, "")


NOBODY = Participants((), {})


def read_participants(
    columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], file: str
) -> tuple[Participants, tuple[Problem, ...]]:
    """Normalise a table of texts; a value that cannot be understood becomes empty and a problem.

    ``onset_side`` becomes ``left`` or ``right``, ``psa`` ``1`` or ``0``, numbers stay as written.
    """
    problems: list[Problem] = []
    if KEY not in columns:
        there = " ".join(", ".join(columns).split())  # one line
        found = f"the columns {there} were found; expected {KEY} among them"
        return NOBODY, (_error(file, "", "no-participant-id", found, f"name the column of ids {KEY}"),)
    problems += _alike(columns, file)
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    counted = Counter(record[KEY] for record in records)
    table: dict[str, dict[str, str]] = {}
    for number, record in enumerate(records, 2):
        who = record[KEY]
        if not who:
            found = f"row {number} has no {KEY}; expected one such as ALS_7"
            problems.append(_error(file, "", "no-participant-id", found, "fill it in"))
        elif counted[who] == 1:
            values = {column: cell for column, cell in record.items() if column != KEY}
            table[who] = {c: _normalised(who, c, v, file, problems) for c, v in values.items()}
    for who in sorted((who for who, n in counted.items() if n > 1 and who), key=natural_key):
        found = f"{counted[who]} rows were found; expected one row per participant"
        problems.append(_error(file, who, "duplicate-participant", found, "keep one of them"))
    return Participants(tuple(c for c in columns if c != KEY), table), tuple(problems)


def _alike(columns: tuple[str, ...], file: str) -> list[Problem]:
    """A column that is nearly one with a meaning has none: without a word, all roles would be empty."""
    problems = []
    for column in columns:
        meant = re.sub(r"[\s_.-]+", "_", column.casefold())
        if meant in _KNOWN and meant not in columns:
            found = f"the column {column!r} was found; expected {meant}"
            remedy = f"rename it if it is {meant}: it is taken as a column of your own"
            problems.append(Problem(file, "", "warning", "column-alike", found, remedy))
    return problems


def _normalised(who: str, column: str, value: str, file: str, problems: list[Problem]) -> str:
    text = value.strip()
    if text.casefold() in _MISSING:
        return ""
    if column == "onset_side":
        good, expected = _SIDES.get(text.casefold(), ""), "left, right, L, R or nothing"
    elif column == "psa":
        good, expected = _PSA.get(text, ""), "1, 0, +, - or nothing"
    elif column in NUMBERS:
        low, high, unit = NUMBERS[column]
        good, expected = _number(text, low, high), f"a number from {low:g} to {high:g} ({unit}) or nothing"
        if text in {"-", "–", "—"}:
            return ""
    else:
        return text
    if not good:
        found = f"{column} {text[:40]!r} was found; expected {expected}"
        problems.append(_error(file, who, "bad-value", found, "correct the cell; it is read as missing"))
    return good


def _number(text: str, low: float, high: float) -> str:
    value = plain_number(text)
    return text if value is not None and low <= value <= high else ""


def match_slices(participants: Participants, groups: dict[str, str], file: str) -> tuple[Problem, ...]:
    """Hold the table against the slices; ``groups``: participant id → group of the file names."""
    problems = []
    told: set[str] = set()
    for names, rows in near_matches(groups, participants.rows):
        problems.append(_nearly(names, rows, file))
        told.update(names, rows)
    for who in sorted(set(groups) - set(participants.rows) - told, key=natural_key):
        found = "slices, but no row in the participants table; expected one"
        remedy = "add a row: no role without it"
        problems.append(Problem(file, who, "warning", "slices-without-participant", found, remedy))
    for who in sorted(set(participants.rows) - set(groups) - told, key=natural_key):
        found = "a row, but no slices in the dataset; expected slices"
        remedy = "add the slices, or go on without"
        problems.append(Problem(file, who, "warning", "participant-without-slices", found, remedy))
    for who in sorted(set(groups) & set(participants.rows), key=natural_key):
        group = participants.value(who, "group")
        if group and group != groups[who]:
            found = f"group {group} in the table, {groups[who]} in the file names"
            alike = loose_key(group) == loose_key(groups[who])
            found += f", which differ in {difference(group, groups[who])}" if alike else ""
            found += "; expected the same"
            problems.append(
                _error(file, who, "group-differs", found, "correct the table or rename the files")
            )
    return tuple(problems)


def _nearly(names: tuple[str, ...], rows: tuple[str, ...], file: str) -> Problem:
    """Ids of slices and of rows that look alike and are not the same: never joined, but told."""
    mine = next((name for name in names if name not in rows), names[0])
    other = next(name for name in (*rows, *names) if name != mine)
    found = f"{' and '.join(rows)} in the table and {' and '.join(names)} in the file names"
    found += f" differ in {difference(mine, other)}; expected one spelling of one participant"
    remedy = "write the id as in the file names if they are the same: no role without its row"
    return Problem(file, mine, "warning", "ids-alike", found, remedy)


def _error(file: str, who: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(file, who, "error", code, message, remedy)
