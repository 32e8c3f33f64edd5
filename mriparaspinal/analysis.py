"""What the statistics start from (a folder of results, or any table, with the participants) and end with."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mriparaspinal.cohort import absent, assemble
from mriparaspinal.design import is_table_mode
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.frames import participants_frame, read_measurements, table_frame
from mriparaspinal.files.manifest import Manifest
from mriparaspinal.files.results import open_results
from mriparaspinal.files.tables import TextTable, read_table
from mriparaspinal.model import Problem
from mriparaspinal.participants import Participants, read_participants
from mriparaspinal.regions import COLUMNS as REGION_COLUMNS
from mriparaspinal.regions import wide_table

PARTICIPANTS = "participants.csv"
METRICS = ("fi", "rcsa")
#: Columns that say what a row is; they are no metrics, even where they hold numbers.
_KEYS = ("participant_id", "group", "segment", "muscle", "side", "role")
#: So many characters of a column's name go into the name of a file.
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Cohort:
    """The long table of the statistics, and what was said on the way to it."""

    table: pd.DataFrame
    """One row per participant × segment × muscle × side, with the participant's columns."""
    participants: pd.DataFrame | None
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    manifest: Manifest | None = None
    """``quantify.json``; None where there is none."""

    @property
    def protocol(self) -> dict[str, Any]:
        """The settings that ``quantify`` saved; empty where there are none."""
        return {} if self.manifest is None else self.manifest.settings


def open_cohort(results: Path, participants_file: Path | None = None) -> Cohort:
    """Read a folder of results and the participants: those given, else the folder's own copy.

    Raises :class:`NoInputError` where the folder is not whole or the tables contradict each other.
    """
    manifest, names = open_results(results)
    notes = [] if manifest else [f"{results}: no quantify.json; the tables are taken as they are"]
    measurements = read_measurements(results, names)
    own = results / PARTICIPANTS
    file = participants_file or (own if own.is_file() else None)
    people, problems = open_participants(file, asked=participants_file is not None) if file else (None, ())
    table, found = assemble(measurements, people)
    return Cohort(table, people, (*notes, *found), problems, manifest)


def open_participants(file: Path, asked: bool) -> tuple[pd.DataFrame | None, tuple[Problem, ...]]:
    """The participants table as a frame, and what is wrong with it.

    Raises :class:`UsageError` for a file that was asked for and cannot be read.
    """
    try:
        text = read_table(file)
    except NoInputError as error:
        raise UsageError(f"--participants: {error}") if asked else error from None
    people, problems = read_participants(text.columns, text.rows, file.name)
    return _frame_or_none(people), problems


def _frame_or_none(people: Participants) -> pd.DataFrame | None:
    return participants_frame(people) if people.rows else None


def open_table(file: Path, participants_file: Path | None = None) -> Cohort:
    """Read any table, one row per participant, for the table mode of the statistics.

    Columns of the participants table are joined on ``participant_id`` where one is given.
    """
    try:
        text = read_table(file)
    except NoInputError as error:
        raise UsageError(f"--table: {error}") from None
    if text.columns == REGION_COLUMNS:  # the long table of ``regions``
        text = TextTable(*_tuples(*wide_table(text.rows)), plain=text.plain)
    table = table_frame(text)
    people: pd.DataFrame | None = None
    problems: tuple[Problem, ...] = ()
    notes: list[str] = []
    if "participant_id" in table:
        table["participant_id"] = [row[text.columns.index("participant_id")] for row in text.rows]
    if participants_file is not None:
        people, problems = open_participants(participants_file, asked=True)
        table, notes = _joined(table, people, file.name)
    for column in ("segment", "muscle", "role"):
        if column not in table:
            table[column] = ""
    return Cohort(table, people, tuple(notes), problems)


def _tuples(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    return tuple(columns), tuple(map(tuple, rows))


def _joined(table: pd.DataFrame, people: pd.DataFrame | None, name: str) -> tuple[pd.DataFrame, list[str]]:
    if people is None:
        return table, []
    if "participant_id" not in table:
        raise UsageError(f"--table: {name} has no participant_id; expected it to join --participants; add it")
    both = sorted(set(table.columns) & set(people.columns) - {"participant_id"})
    people = people.drop(columns=both)
    notes = [f"{name}: {', '.join(both)} also stand in the participants table; {name} counts"] if both else []
    notes += absent(table, people.set_index("participant_id"))
    return table.merge(people, on="participant_id", how="left"), notes


def open_either(results: Path | None, table: Path | None, participants_file: Path | None) -> Cohort:
    """The cohort of a folder of results, or of a table; raises :class:`UsageError` where both are given."""
    if results is not None and table is not None:
        raise UsageError(
            f"{results} and --table {table} were both given; expected one of them; leave one out"
        )
    if table is not None:
        return open_table(table, participants_file)
    if results is None:
        raise UsageError("neither RESULTS nor --table was given; expected one of them; name it")
    return open_cohort(results, participants_file)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a command has found: the main table, the notes on it, and all files by name."""

    table: pd.DataFrame
    notes: tuple[str, ...]
    files: dict[str, bytes]
    leftovers: tuple[str, ...] = ()
    """Names, or patterns of names, that a run with other options may have written, and this one has not."""


def notes_bytes(settings: Mapping[str, Sequence[str]], notes: Sequence[str]) -> bytes:
    """``notes.txt``: the settings, which the tables alone do not show, and the notes, one per line."""
    said = "; ".join(f"{name} {', '.join(values)}" for name, values in settings.items() if values)
    return "".join(f"{line}\n" for line in (f"settings: {said}", *notes)).encode()


def file_name(stem: str, taken: Container[str]) -> str:
    """A name that every file system takes, made of names of columns, and unlike those that are ``taken``.

    >>> file_name("scatter_FA/CST (left)", {"scatter_fa_cst_left.png"})
    'scatter_fa_cst_left_2'
    """
    # In small letters: "FA" and "fa" are one file on some systems.
    short = re.sub(r"([^\w.-]|_)+", "_", stem.casefold())[:_NAME_LENGTH].strip("_.")
    name, number = short, 1
    while f"{name}.png" in taken:
        number += 1
        name = f"{short}_{number}"
    return name


def metrics_of(table: pd.DataFrame, asked: Sequence[str], taken: set[str]) -> tuple[list[str], list[str]]:
    """The columns to look at, and notes on those that a text among their numbers keeps out."""
    if asked:
        return list(asked), []
    if not is_table_mode(table):
        return list(METRICS), []
    free = [name for name in table if name not in taken and name not in _KEYS]
    numbers = [name for name in free if pd.api.types.is_numeric_dtype(table[name])]
    if not numbers:
        raise UsageError(
            "--table: no column of numbers is left beside those that were named; expected at least one; "
            "add it, or correct the texts in it"
        )
    notes = [
        f"{name}: left out, as it holds texts beside numbers; correct it to have it, too"
        for name in free
        if name not in numbers and pd.to_numeric(table[name], errors="coerce").notna().any()
    ]
    return numbers, notes
