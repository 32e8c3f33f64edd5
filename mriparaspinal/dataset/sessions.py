"""Tables of sessions beside the participants table, as in BIDS: joined with it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.model import Problem, Slice
from mriparaspinal.core.participants import KEY
from mriparaspinal.core.text import natural_key
from mriparaspinal.core.visits import SESSION, has_sessions, session_label, without_dates
from mriparaspinal.io.tables import TextTable, parse_table, table_bytes
from mriparaspinal.io.write import sha256

_ENDINGS = ("sessions.csv", "sessions.tsv")


@dataclass(frozen=True, slots=True)
class SessionTables:
    """The rows of all tables of sessions: cells by participant and session."""

    columns: tuple[str, ...] = ()
    """Without the key and the session."""
    cells: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def session_tables(files: Sequence[str]) -> list[str]:
    """``sessions.csv`` (or ``.tsv``) of a dataset, and BIDS's ``sub-X/sub-X_sessions.tsv``."""
    own = [name for name in files if name.casefold() in _ENDINGS]
    return own + [n for n in files if "/" in n and n.casefold().endswith(tuple(f"_{e}" for e in _ENDINGS))]


def read_session_tables(root: Path, names: Sequence[str], slices: Sequence[Slice]) -> SessionTables:
    """Read them; one without ``participant_id`` is of the patient of the slices around it."""
    columns: dict[str, None] = {}
    cells: dict[tuple[str, str], dict[str, str]] = {}
    digests: dict[str, str] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            raw = table_bytes(root / name)
            text = parse_table(raw, name)
        except NoInputError as error:
            problems.append(error.fault.at(name, "bad-table").problem())
            continue
        digests[name] = sha256(raw)
        read = _with_key(text, name, slices)
        if isinstance(read, Problem):
            problems.append(read)
            continue
        table = without_dates(read.columns, read.rows, name)
        problems += table.problems
        columns |= dict.fromkeys(column for column in table.columns if column not in (KEY, SESSION))
        for row in table.rows:
            record = dict(zip(table.columns, row, strict=True))
            visit = record.pop(KEY).strip(), record.pop(SESSION)
            if not all(visit):
                found = "a row without participant or session; expected both"
                problems.append(Problem(name, " ".join(visit), "error", "no-session", found, "fill it in"))
            elif visit in cells:
                found = "found more than once; expected one row per participant and session"
                where = " ".join(visit)
                problems.append(
                    Problem(name, where, "error", "duplicate-participant", found, "keep one of them")
                )
            else:
                cells[visit] = record
    return SessionTables(tuple(columns), cells, digests, tuple(problems))


def _with_key(text: TextTable, name: str, slices: Sequence[Slice]) -> TextTable | Problem:
    if not has_sessions(text.columns):
        found = "no column session was found; expected one (in BIDS session_id)"
        return Problem(name, "", "error", "bad-table", found, "name the column of the sessions")
    if KEY in text.columns:
        return text
    folder = posixpath.dirname(name)
    around = {s.participant_id for s in slices if folder and s.annotation.startswith(f"{folder}/")}
    if len(around) != 1:
        found = f"no column {KEY}, and slices of {len(around)} participants around it; expected one of both"
        return Problem(name, "", "error", "no-participant-id", found, f"add the column {KEY}")
    whose = next(iter(around))
    return TextTable((KEY, *text.columns), tuple((whose, *row) for row in text.rows), text.plain)


def joined(
    people: TextTable | None, sessions: SessionTables, slices: Sequence[Slice]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The participants table with one row per session: columns and rows.

    Where both tables have a column, that of the sessions counts. Who is in no table of sessions has a row
    for each session of the slices.
    """
    columns = () if people is None else people.columns
    records: dict[str, Mapping[str, str]] = {}
    for row in () if people is None else people.rows:
        record = dict(zip(columns, row, strict=True))
        records.setdefault(record.get(KEY, "").strip(), record)
    visits = list(sessions.cells)
    known = {who for who, _ in visits}
    own = {(s.participant_id, session_label(s.session)) for s in slices if s.session}
    visits += [visit for visit in sorted(own, key=_in_order) if visit[0] not in known and visit[0] in records]
    kept = [name for name in columns if name != KEY and name not in sessions.columns]
    rows = []
    for who, session in sorted(visits, key=_in_order):
        theirs, cells = records.get(who, {}), sessions.cells.get((who, session), {})
        ends = [cells.get(name, "") for name in sessions.columns]
        rows.append((who, *(theirs.get(name, "") for name in kept), session, *ends))
    return (KEY, *kept, SESSION, *sessions.columns), tuple(rows)


def _in_order(visit: tuple[str, str]) -> tuple[object, ...]:
    return tuple(tuple(natural_key(part)) for part in visit)
