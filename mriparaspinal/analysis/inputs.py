"""What the statistics start from (a folder of results, or any table, with the participants) and end with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mriparaspinal.analysis.frames import (
    give_back,
    participants_frame,
    read_measurements,
    table_frame,
    with_own_regions,
)
from mriparaspinal.analysis.sessions import (
    chosen_session,
    refuse_visits,
    require_one_session,
)
from mriparaspinal.brain.atlas import COLUMNS as REGION_COLUMNS
from mriparaspinal.brain.atlas import wide_table
from mriparaspinal.core.errors import NoInputError, SessionsError, UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import Problem
from mriparaspinal.core.participants import (
    KEY,
    NOBODY,
    WORDS,
    Column,
    Participants,
    meant,
    read_column,
    read_own,
)
from mriparaspinal.core.spelling import alike_notes, near_names, near_notes
from mriparaspinal.core.text import is_nearly_number, read_number
from mriparaspinal.core.visits import SESSION, has_sessions, of_session, read_people
from mriparaspinal.io.manifest import Manifest
from mriparaspinal.io.tables import TextTable, parse_table, table_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.results import Results, read_results, sessions_of
from mriparaspinal.stats.cells import as_text, counted, id_list, texts
from mriparaspinal.stats.cohort import NOTED, ROW_KEYS, absent, assemble
from mriparaspinal.stats.design import ALL_METRICS, is_table_mode
from mriparaspinal.stats.wide import widen

METRICS = ("fi", "rcsa")


@dataclass(frozen=True, slots=True)
class Cohort:
    """The long table of the statistics, and what was said on the way to it."""

    table: pd.DataFrame
    """One row per participant × segment × muscle × side, with the participant's columns."""
    participants: pd.DataFrame | None
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    manifest: Manifest | None = None
    """``quantify.json``; None if there is none."""
    sources: tuple[Results, ...] = ()
    """The folders of results that it was read from."""
    inputs: tuple[tuple[str, str], ...] = ()
    """The files that it was read from, and their SHA-256."""
    whole: Callable[[], Cohort] | None = None
    """Opens it again with all columns, where some were left out."""
    session: str = ""
    """Of a follow-up: the session whose rows these are."""

    @property
    def protocol(self) -> dict[str, Any]:
        """The settings that ``quantify`` saved; empty if there are none."""
        return {} if self.manifest is None else self.manifest.settings


def open_cohort(
    results: Path | Results, participants_file: Path | None = None, named: str | None = None
) -> Cohort:
    """Read a folder of results and the participants: those given, else the folder's own copy.

    ``named``: a text in which all columns stand that are wanted, beside those of the protocol; others are
    left out of the table, which at 10,000 participants takes a third of the memory. None: all are wanted.

    Raises :class:`NoInputError` where the folder is not whole or the tables contradict each other.
    """
    found = results if isinstance(results, Results) else read_results(results)
    people, problems, notes, inputs = people_of(found, participants_file)
    if not people.rows or "onset_region" not in people.columns:
        named = None  # the note that says so names the columns that are there
    elif named is not None and found.manifest is not None:
        settings = found.manifest.settings
        named = " ".join([named, *settings.get("contrasts", ()), settings.get("divide_by") or ""])

    def keep(column: str) -> bool:
        return named is None or column in ROW_KEYS or column in named

    wanted = (*NOTED, SESSION)
    measurements = [read_measurements(found.contents, found.tables, lambda c: keep(c) or c in wanted)]
    session, told = chosen_session(measurements, found.session)
    if session:
        people = of_session(people, session)
    refuse_visits(people, "participants table")
    give_back()
    frame = participants_frame(people) if people.rows else None
    # Handed over and not kept: the cohort would stand in memory twice.
    table, said = assemble(measurements.pop(), frame, keep)
    give_back()
    return Cohort(
        with_own_regions(table, found.manifest),
        frame,
        (*told, *notes, *said),
        problems,
        found.manifest,
        (found,),
        inputs,
        None if named is None else partial(open_cohort, found, participants_file),
        session,
    )


def people_of(
    found: Results, participants_file: Path | None
) -> tuple[Participants, tuple[Problem, ...], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The participants of results, what is wrong with them, notes, and the files that all is read from."""
    notes = [] if found.manifest else [f"{found.folder}: no quantify.json; the tables are taken as they are"]
    inputs = [(f"results/{name}", found.sha256(name)) for name in found.tables]
    people = NOBODY
    problems: tuple[Problem, ...] = ()
    read: tuple[str, ...] = ()
    if participants_file is not None:
        people, problems, read, file = _read_people(participants_file)
        inputs.append(file)
    elif (own := found.contents.get(PARTICIPANTS)) is not None:
        people, problems, read = _people(own, PARTICIPANTS)
        inputs.append((f"results/{PARTICIPANTS}", found.sha256(PARTICIPANTS)))
    return people, problems, (*notes, *read), tuple(inputs)


def open_participants(
    file: Path,
) -> tuple[pd.DataFrame | None, tuple[Problem, ...], tuple[str, ...], tuple[str, str]]:
    """The participants table, what is wrong with it, how its cells were read, and its name and SHA-256.

    Raises :class:`UsageError` where it cannot be read.
    """
    people, problems, notes, read = _read_people(file)
    refuse_visits(people, f"--participants: {file.name}")
    return participants_frame(people) if people.rows else None, problems, notes, read


def _read_people(
    file: Path,
) -> tuple[Participants, tuple[Problem, ...], tuple[str, ...], tuple[str, str]]:
    try:
        raw = table_bytes(file)
        people, problems, notes = _people(raw, file.name)
    except NoInputError as error:
        raise UsageError(f"--participants: {error}") from None
    return people, problems, notes, (file.name, sha256(raw))


def _people(raw: bytes, name: str) -> tuple[Participants, tuple[Problem, ...], tuple[str, ...]]:
    """The table, what is wrong with it, and how its cells were read."""
    text = parse_table(raw, name, tells_notes=True)
    people, problems = read_people(text.columns, text.rows, name)
    return people, problems, (*_file_notes(text), *people.notes)


def _file_notes(table: TextTable) -> list[str]:
    return [f"{note.file}: {note.found}" for note in table.notes]


def open_table(file: Path, participants_file: Path | None = None) -> Cohort:
    """Read any table, one row per participant, for the table mode of the statistics.

    Columns of the participants table are joined on ``participant_id`` where one is given.
    """
    try:
        raw = table_bytes(file)
        text = parse_table(raw, file.name, tells_notes=True)
    except NoInputError as error:
        raise UsageError(f"--table: {error}") from None
    if has_sessions(text.columns):
        require_one_session(text, file)
    if text.columns == REGION_COLUMNS:  # the long table of ``regions``
        text = TextTable(*_tuples(*wide_table(text.rows)), plain=text.plain, notes=text.notes)
    text, notes = _read_words(text, file.name)
    table = table_frame(text)
    people: pd.DataFrame | None = None
    problems: tuple[Problem, ...] = ()
    inputs = [(file.name, sha256(raw))]
    if "participant_id" in table:
        table["participant_id"] = [row[text.columns.index("participant_id")] for row in text.rows]
        notes += alike_notes(filter(None, table["participant_id"]))
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
    columns, notes = [], _file_notes(table)
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
    notes = [f"{name}: {', '.join(both)} are also in the participants table; {name} counts"] if both else []
    notes += absent(table, people.set_index("participant_id"))
    return table.merge(people, on="participant_id", how="left"), notes


def metrics_of(table: pd.DataFrame, asked: Sequence[str], taken: set[str]) -> tuple[list[str], list[str]]:
    """The columns to look at, and notes on those that a text among their numbers keeps out."""
    if asked:
        return list(asked), []
    if not is_table_mode(table):
        return list(METRICS), []
    free = [name for name in table if name not in taken and name not in ROW_KEYS]
    numbers = [name for name in free if pd.api.types.is_numeric_dtype(table[name])]
    if not numbers:
        raise UsageError(
            "--table: no column of numbers is left apart from those that were named; expected at least one; "
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


_KEY = "participant_id"

#: What tables are given for the statistics' sake; empty in a table with one row per participant.
_PLACES = ("segment", "muscle", "role")


def join_tables(cohort: Cohort, files: Sequence[Path]) -> Cohort:
    """The cohort with the columns of each table: a CSV, or a folder of results made wide.

    Of results that is FI and rCSA (``rcsa_L4_MF``), with the columns of their participants.

    The participants are those of the cohort: who stands in a table only is left out, and told. A column
    that is there already is the same one where no cell contradicts it.

    Raises :class:`UsageError` for a table without ids or with one twice, with nobody of the cohort, or with
    a column of the cohort's that says something else.
    """
    for file in files:
        cohort = _join(cohort, file)
    return cohort


def _join(cohort: Cohort, file: Path) -> Cohort:
    where = f"--join {file}"
    opened = _wide_results(file, cohort.session) if file.is_dir() else open_wide(file)
    there = [name for name in _PLACES if name in opened.table]
    table = opened.table.drop(columns=[name for name in there if texts(opened.table[name]).eq("").all()])
    own = _ids(cohort.table, "the table to join to")
    ids = _ids(table, where)
    repeated = ids[ids.duplicated()]
    if len(repeated):
        found = f"{repeated.iloc[0]} appears more than once"
        raise UsageError(f"{where}: {found}; expected one row per participant; keep one of them")
    common = set(own) & set(ids)
    if not common:
        found = f"no participant in common ({_some(set(ids))} here, {_some(set(own))} there)"
        found += "".join(f", {note}" for note in near_notes(ids, own, "this table", "those before")[:1])
        raise UsageError(f"{where}: {found}; expected the same ids; correct them in one of the tables")
    table = table.assign(**{_KEY: ids}).set_index(_KEY)
    table = table.drop(columns=_known(cohort.table, own, table, where))
    rows = table.reindex(own.to_numpy())
    for name in rows:
        if not pd.api.types.is_numeric_dtype(rows[name]):
            rows[name] = texts(rows[name])
    rows.index = cohort.table.index
    notes = [*cohort.notes, *(f"{file.name}: {note}" for note in opened.notes), *_absent(own, ids, file.name)]
    joined = pd.concat([cohort.table, rows], axis=1)
    problems = (*cohort.problems, *opened.problems)
    read = tuple((f"join/{name}", digest) for name, digest in opened.inputs)
    return dataclasses.replace(
        cohort,
        table=joined,
        notes=tuple(notes),
        problems=problems,
        sources=(*cohort.sources, *opened.sources),
        inputs=(*cohort.inputs, *read),
    )


def _wide_results(folder: Path, session: str) -> Cohort:
    """FI and rCSA of results, one row per participant: of the symptomatic side, where any is known.

    ``session``: of the cohort that they are joined to; it counts where they have sessions, too.
    """
    results = read_results(folder)
    there = sessions_of(results.contents, results.tables)
    if len(there) > 1 and not session:
        found = f"has the sessions {', '.join(there)}, and what it is joined to has none"
        remedy = "measure the slices of one session by themselves"
        raise SessionsError(f"--join {folder}: {found}; expected one session; {remedy}")
    cohort = open_cohort(dataclasses.replace(results, session=session if there else ""))
    role = ROLE if cohort.table["role"].eq(ROLE).any() else "bilateral"
    wide, notes = widen(cohort.table, METRICS, role)
    notes = [f"role: {role}", *notes]
    return dataclasses.replace(cohort, table=wide, notes=(*cohort.notes, *notes))


def _ids(table: pd.DataFrame, where: str) -> pd.Series:
    if _KEY not in table:
        raise UsageError(f"{where}: no column {_KEY}; expected one to join on; add it")
    ids = texts(table[_KEY])
    if ids.eq("").any():
        row = int(ids.eq("").to_numpy().argmax()) + 2
        raise UsageError(f"{where}: row {row} has no {_KEY}; expected one in each row; fill it in")
    return ids


def _known(cohort: pd.DataFrame, own: pd.Series, table: pd.DataFrame, where: str) -> list[str]:
    """The columns of a table that the cohort has, too, with the same values."""
    known = [name for name in table if name in cohort]
    for name in known:
        cells = {who: as_text(value) for who, value in table[name].items()}
        for who, value in zip(own, cohort[name], strict=True):
            other = cells.get(who, "")
            if other and other != as_text(value):
                before = as_text(value) or "nothing"
                found = f"column {name} is {other!r} for {who}, and {before!r} in a table before"
                raise UsageError(f"{where}: {found}; expected the same; rename or remove one of them")
    return known


def _absent(own: pd.Series, ids: pd.Series, name: str) -> list[str]:
    notes = near_notes(own, ids, "the tables before", name)
    alike = near_names(own, ids)
    if without := set(own) - set(ids) - alike:
        notes.append(f"{name}: no row for {counted(without)}, whose cells stay empty: {id_list(without)}")
    if left_out := set(ids) - set(own) - alike:
        notes.append(f"{name}: {counted(left_out)} left out, who are in no table before: {id_list(left_out)}")
    return notes


def _some(ids: set[str]) -> str:
    first = id_list(ids).split(", ")
    return first[0] + (" …" if len(first) > 1 else "")


ROLE = "symptomatic"


def open_wide(
    source: Path | Results, participants_file: Path | None = None, role: str | None = None
) -> Cohort:
    """One row per participant: a table as it is, or a folder of results made wide (``rcsa_L4_MF``).

    ``role``: which side of the results, ``symptomatic`` without it; a table has none to choose from.
    Raises as ``open_cohort`` and ``open_table`` do.
    """
    if isinstance(source, Results) or source.is_dir():
        cohort = open_cohort(source, participants_file)
        side = role or ROLE
        measured = [name for name in BY_NAME if name in cohort.table]
        wide, notes = widen(cohort.table, (*ALL_METRICS, *measured), side)
        # The results' own columns first: a message about a wrong name lists the first few.
        wide = wide[sorted(wide, key=lambda name: name in cohort.table)]
        return dataclasses.replace(cohort, table=wide, notes=(*cohort.notes, f"role: {side}", *notes))
    if not source.exists():
        found = "no such file or folder"
        raise NoInputError(f"{source}: {found}; expected a table or the results of quantify; check the path")
    if role is not None:
        found = f"{source.name} is a table, which has no sides to choose from"
        raise UsageError(f"--role {role}: {found}; expected a folder of results; leave it out")
    return open_table(source, participants_file)
