"""Clinical records as one row per participant: the files around the scorer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mriparaspinal.clinical.computed import Value
from mriparaspinal.clinical.instrument import Instrument
from mriparaspinal.clinical.rating_reader import template
from mriparaspinal.clinical.score import Scored, read_reference, score
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import PROBLEM_COLUMNS, Problem
from mriparaspinal.core.participants import KEY, Participants, read_participants
from mriparaspinal.core.spelling import near_names, near_notes
from mriparaspinal.core.text import natural_key, read_number
from mriparaspinal.io.tables import Cell, TextTable, csv_bytes, read_table


def score_file(instrument: Instrument, records: Path, reference: Path | None = None) -> Scored:
    """Score a table of records.

    Raises :class:`UsageError` for a table that cannot be used, and where no participant could be scored: then
    with a line for every fault.
    """
    if instrument.standardised and reference is None:
        raise UsageError(
            f"{instrument.name}: no --reference was given; expected a table item,mean,sd of the laboratory; "
            "name it"
        )
    if reference is not None and not instrument.standardised:
        raise UsageError(
            f"--reference {reference}: {instrument.name} has no use for it; expected none; leave it out"
        )
    table = read_any(records)
    norms = None
    if reference is not None:
        values = read_any(reference, "--reference: ")
        norms = read_reference(instrument, values.columns, values.rows)
    found = score(instrument, table.columns, table.rows, records.name, norms)
    if not found.rows:
        lines = [problem.line() for problem in found.problems if problem.severity == "error"]
        nothing = f"{records.name}: no records were found; expected at least one row; fill it"
        raise UsageError("\n".join(lines) or nothing)
    return found


def read_any(path: Path, where: str = "") -> TextTable:
    """A table that was named on the command line; raises :class:`UsageError`."""
    try:
        return read_table(path)
    except NoInputError as error:
        raise UsageError(f"{where}{error}") from None


def read_people(path: Path) -> tuple[Participants, tuple[Problem, ...]]:
    """The participants table and what is wrong with it; raises :class:`UsageError`."""
    table = read_any(path, "--participants: ")
    people, problems = read_participants(table.columns, table.rows, path.name)
    if not people.rows:
        lines = [problem.line() for problem in problems if problem.severity == "error"]
        nothing = f"{path.name}: no participants were found; expected one row each; fill it"
        raise UsageError("--participants: " + ("\n".join(lines) or nothing))
    return people, problems


def template_csv(instrument: Instrument, people: Participants | None = None) -> bytes:
    """An empty table with the columns of the records, with the participants' ids where they are given."""
    columns, rows = template(instrument, sorted(people.rows, key=natural_key) if people else ())
    return csv_bytes(columns, rows)


def scores_csv(scored: Scored) -> bytes:
    """One row per participant who was scored, in natural order."""
    rows = [[who, *map(_number, scored.rows[who])] for who in scored.rows]
    return csv_bytes([KEY, *scored.columns], rows)


def joined_csv(scored: Scored, people: Participants) -> tuple[bytes, list[str]]:
    """The participants table with the scores as further columns, and notes on who is in one of them only.

    A score that the table already has must be the same there, or empty.

    Raises :class:`UsageError` where it is another.
    """
    own = [column for column in people.columns if column not in scored.columns]
    everyone = sorted({*people.rows, *scored.rows}, key=natural_key)
    rows: list[list[Cell]] = []
    for who in everyone:
        scores = scored.rows.get(who, (None,) * len(scored.columns))
        cells: list[Cell] = [_unsigned(people.value(who, column)) for column in own]
        rows.append([who, *cells, *_merged(who, people, scored.columns, scores)])
    notes = near_notes(scored.rows, people.rows, "the records", "the participants table")
    alike = near_names(scored.rows, people.rows)
    for missing, what in (
        (set(scored.rows) - set(people.rows) - alike, "scored, but not in the participants table"),
        (set(people.rows) - set(scored.rows) - alike, "in the participants table without scores"),
    ):
        if missing:
            notes.append(f"{what}: {', '.join(sorted(missing, key=natural_key))}")
    return csv_bytes([KEY, *own, *scored.columns], rows), notes


def _merged(who: str, people: Participants, columns: Sequence[str], scores: Sequence[Value]) -> list[Cell]:
    cells: list[Cell] = []
    for column, value in zip(columns, scores, strict=True):
        there = people.value(who, column)
        if there and value is not None and not _same(there, value):
            raise UsageError(
                f"{who}: {column} is {there} in the participants table and {_number(value)} by its records; "
                "expected the same; correct one of them, or empty the cell of the participants table"
            )
        cells.append(_number(value) if value is not None else there)
    return cells


def _unsigned(cell: str) -> str:
    """A number without its plus sign, with which formulas begin, too."""
    return cell.removeprefix("+") if read_number(cell) is not None else cell


def _same(text: str, value: float | str) -> bool:
    return text == value if isinstance(value, str) else read_number(text) == value


def _number(value: Value) -> Cell:
    """Whole numbers without a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def problems_csv(problems: Sequence[Problem]) -> bytes:
    """What was wrong, as a table; nothing at all where nothing was."""
    if not problems:
        return b""
    return csv_bytes(PROBLEM_COLUMNS, [[getattr(p, column) for column in PROBLEM_COLUMNS] for p in problems])
