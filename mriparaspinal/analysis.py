"""What the statistics start from (a folder of results, or any table, with the participants) and end with."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mriparaspinal import __version__
from mriparaspinal.cohort import absent, as_text, assemble
from mriparaspinal.design import is_table_mode
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.frames import participants_frame, read_measurements, table_frame
from mriparaspinal.files.manifest import Manifest
from mriparaspinal.files.output import manifest_bytes, sha256
from mriparaspinal.files.results import PARTICIPANTS, Results, read_results
from mriparaspinal.files.tables import TextTable, parse_table, table_bytes
from mriparaspinal.model import Problem
from mriparaspinal.participants import KEY, WORDS, Column, meant, read_column, read_own, read_participants
from mriparaspinal.regions import COLUMNS as REGION_COLUMNS
from mriparaspinal.regions import wide_table
from mriparaspinal.text import is_nearly_number, read_number

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
    sources: tuple[Results, ...] = ()
    """The folders of results that it was read from."""
    inputs: tuple[tuple[str, str], ...] = ()
    """The files that it was read from, and their SHA-256."""

    @property
    def protocol(self) -> dict[str, Any]:
        """The settings that ``quantify`` saved; empty where there are none."""
        return {} if self.manifest is None else self.manifest.settings


def open_cohort(results: Path, participants_file: Path | None = None) -> Cohort:
    """Read a folder of results and the participants: those given, else the folder's own copy.

    Raises :class:`NoInputError` where the folder is not whole or the tables contradict each other.
    """
    found = read_results(results)
    notes = [] if found.manifest else [f"{results}: no quantify.json; the tables are taken as they are"]
    measurements = [read_measurements(found.contents, found.tables)]
    inputs = [(f"results/{name}", sha256(found.contents[name])) for name in found.tables]
    people: pd.DataFrame | None = None
    problems: tuple[Problem, ...] = ()
    read: tuple[str, ...] = ()
    if participants_file is not None:
        people, problems, read, file = open_participants(participants_file)
        inputs.append(file)
    elif (own := found.contents.get(PARTICIPANTS)) is not None:
        people, problems, read = _people(own, PARTICIPANTS)
        inputs.append((f"results/{PARTICIPANTS}", sha256(own)))
    # Handed over and not kept: the cohort would stand in memory twice.
    table, said = assemble(measurements.pop(), people)
    return Cohort(table, people, (*notes, *read, *said), problems, found.manifest, (found,), tuple(inputs))


def open_participants(
    file: Path,
) -> tuple[pd.DataFrame | None, tuple[Problem, ...], tuple[str, ...], tuple[str, str]]:
    """The participants table, what is wrong with it, how its cells were read, and its name and SHA-256.

    Raises :class:`UsageError` where it cannot be read.
    """
    try:
        raw = table_bytes(file)
        people, problems, notes = _people(raw, file.name)
    except NoInputError as error:
        raise UsageError(f"--participants: {error}") from None
    return people, problems, notes, (file.name, sha256(raw))


def _people(raw: bytes, name: str) -> tuple[pd.DataFrame | None, tuple[Problem, ...], tuple[str, ...]]:
    """The table as a frame, what is wrong with it, and how its cells were read."""
    text = parse_table(raw, name)
    people, problems = read_participants(text.columns, text.rows, name)
    frame = participants_frame(people) if people.rows else None
    return frame, problems, (*text.notes, *people.notes)


def open_table(file: Path, participants_file: Path | None = None) -> Cohort:
    """Read any table, one row per participant, for the table mode of the statistics.

    Columns of the participants table are joined on ``participant_id`` where one is given.
    """
    try:
        raw = table_bytes(file)
        text = parse_table(raw, file.name)
    except NoInputError as error:
        raise UsageError(f"--table: {error}") from None
    if text.columns == REGION_COLUMNS:  # the long table of ``regions``
        text = TextTable(*_tuples(*wide_table(text.rows)), plain=text.plain, notes=text.notes)
    text, notes = _read_words(text, file.name)
    table = table_frame(text)
    people: pd.DataFrame | None = None
    problems: tuple[Problem, ...] = ()
    inputs = [(file.name, sha256(raw))]
    if "participant_id" in table:
        table["participant_id"] = [row[text.columns.index("participant_id")] for row in text.rows]
    if participants_file is not None:
        people, problems, read, source = open_participants(participants_file)
        inputs.append(source)
        table, found = _joined(table, people, file.name)
        notes = [*notes, *read, *found]
    for column in ("segment", "muscle", "role"):
        if column not in table:
            table[column] = ""
    return Cohort(table, people, tuple(notes), problems, inputs=tuple(inputs))


def _read_words(table: TextTable, file: str) -> tuple[TextTable, list[str]]:
    """A table with its missing cells empty and the words of a participants table normalised, and notes.

    Columns named ``psa`` or ``onset_side`` that hold something else are the table's own.
    """
    columns, notes = [], list(table.notes)
    for place, name in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        read = Column(tuple(cells), {}) if name in (KEY, "group") else read_own(name, cells)
        if meant(name) in WORDS and not (words := read_column(name, cells)).faults:
            read = words
        for doubt in read.doubts:
            if doubt.severity == "error":
                raise UsageError(f"--table: {file}: {doubt.message}; {doubt.remedy}")
            notes.append(f"{doubt.message}; {doubt.remedy}")
        notes += read.notes
        columns.append(read.cells)
    rows = tuple(zip(*columns, strict=True)) if table.rows else ()
    return TextTable(table.columns, rows, table.plain), notes


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
    manifest: str
    """The name of the file that lists the others."""
    settings: Mapping[str, Sequence[str]]
    """What was asked for, or taken in its place."""
    inputs: tuple[tuple[str, str], ...]
    """The files that it was made from, and their SHA-256."""

    def manifest_bytes(self) -> bytes:
        """The manifest: version, settings, and each input and output by its SHA-256."""
        return manifest_bytes(
            {
                "mriparaspinal": __version__,
                "settings": {name: list(values) for name, values in self.settings.items() if values},
                "inputs": dict(self.inputs),
                "outputs": {name: sha256(content) for name, content in self.files.items()},
            }
        )


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
        f"{name}: left out, as it holds {texts} {of}; correct it to have it, too"
        for name in free
        if name not in numbers
        for texts, of in [_beside_numbers([as_text(cell) for cell in table[name]])]
        if texts
    ]
    return numbers, notes


def _beside_numbers(cells: Sequence[str]) -> tuple[str, str]:
    """The first texts of a column that seems to be one of numbers, and beside what they stand."""
    odd = [cell for cell in dict.fromkeys(cells) if cell and read_number(cell) is None]
    shown = ", ".join(repr(cell[:40]) for cell in odd[:3]) + (" …" if len(odd) > 3 else "")
    if any(read_number(cell) is not None for cell in cells):
        return shown, "beside numbers"
    return (shown, "in place of numbers") if all(map(is_nearly_number, odd)) else ("", "")
