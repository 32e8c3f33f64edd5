"""Sessions of a follow-up in the participants table: what holds for all of them, and when each was.

Dates stay in the table that they were read from: what is written has months since the first session.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mriparaspinal.core.model import Problem
from mriparaspinal.core.participants import KEY, Participants, read_participants
from mriparaspinal.core.text import and_more, is_missing, natural_key, read_number

SESSION = "session"

MONTHS = "months"

#: Days of a mean month: 365.25 / 12.
DAYS_PER_MONTH = 30.4375

#: How the columns may be called, as in BIDS.
_NAMES = {"session": SESSION, "session_id": SESSION, "months": MONTHS, "date": "date", "acq_time": "date"}

#: What does not change from session to session.
CONSTANT = ("group", "onset_side", "onset_region", "sex", "age_onset")

Rows = Sequence[tuple[str, ...]]


def session_label(text: str) -> str:
    """A session as the tables call it: BIDS writes ``ses-`` before.

    >>> session_label(" ses-01 "), session_label("v2")
    ('01', 'v2')
    """
    return text.strip().removeprefix("ses-")


def has_sessions(columns: Iterable[str]) -> bool:
    """Whether a table has one row per session."""
    return any(_named(column) == SESSION for column in columns)


def _named(column: str) -> str:
    return _NAMES.get(column.strip().casefold(), column)


@dataclass(frozen=True, slots=True)
class Dateless:
    """A table of sessions without dates."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...] = ()


def without_dates(columns: Sequence[str], rows: Iterable[tuple[str, ...]], file: str) -> Dateless:
    """A participants table with ``session`` and, in place of dates, ``months`` since the first of them.

    A table without sessions, or without dates, stays as it is. Months are days / 30.4375; a date that is not
    ISO (``2024-03-31``, a time may follow) is a problem and a missing cell.
    """
    rows = tuple(rows)
    if not has_sessions(columns):
        return Dateless(tuple(columns), rows)
    columns = tuple(map(_named, columns))
    twice = [name for name in (SESSION, MONTHS, "date") if columns.count(name) > 1]
    if twice or KEY not in columns:
        found = f"two columns of the {twice[0]} were found; expected one" if twice else ""
        problem = Problem(file, "", "error", "bad-table", found, "take one of them away")
        return Dateless((), (), (problem,)) if twice else Dateless(columns, rows)
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    problems: list[Problem] = []
    for record in records:
        record[SESSION] = session_label(record[SESSION])
    if "date" in columns and MONTHS in columns:
        found = "the columns months and date were found; expected one of them: months are read"
        problems.append(Problem(file, "", "warning", "bad-table", found, "take one of them away"))
    elif "date" in columns:
        problems += _count_months(records, file)
    kept = [name for name in columns if name != "date"]
    if "date" in columns and MONTHS not in columns:
        kept.insert(columns.index("date"), MONTHS)
    cells = tuple(tuple(record[name] for name in kept) for record in records)
    return Dateless(tuple(kept), cells, tuple(problems))


def _count_months(records: Sequence[dict[str, str]], file: str) -> list[Problem]:
    """Write the months since each participant's first date into the records."""
    days: list[datetime.date | None] = []
    first: dict[str, datetime.date] = {}
    problems = []
    for record in records:
        who, text = record[KEY], record["date"].strip()
        day = _date(text)
        days.append(day)
        if day is not None:
            first[who] = min(first.get(who, day), day)
        elif not is_missing(text):
            found = "a date was found that is not ISO; expected one such as 2024-03-31"
            where = f"{who} {record[SESSION]}"
            problems.append(
                Problem(file, where, "error", "bad-value", found, "correct it; it is missing now")
            )
    for record, day in zip(records, days, strict=True):
        months = "" if day is None else repr((day - first[record[KEY]]).days / DAYS_PER_MONTH)
        record[MONTHS] = months.removesuffix(".0")
    return problems


def _date(text: str) -> datetime.date | None:
    day = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?", text)
    try:
        return datetime.date.fromisoformat(day[1]) if day else None
    except ValueError:
        return None


def read_people(
    columns: Sequence[str], rows: Iterable[tuple[str, ...]], file: str
) -> tuple[Participants, tuple[Problem, ...]]:
    """Normalise a participants table of one row per participant, or per participant and session.

    As :func:`.read_participants`; in a table of sessions, what does not change (:data:`CONSTANT`) must be the
    same in all sessions of a participant, and is known in each where it is known in one.
    """
    table = without_dates(columns, rows, file)
    if SESSION not in table.columns or KEY not in table.columns:
        people, wrong = read_participants(table.columns, table.rows, file)
        return people, (*table.problems, *wrong)
    problems = list(table.problems)
    key, session = table.columns.index(KEY), table.columns.index(SESSION)
    kept: dict[str, tuple[str, str]] = {}
    flat = []
    for number, row in enumerate(table.rows, 2):
        if row[key].strip() and not row[session]:
            found = f"row {number} has no session; expected one such as v1"
            problems.append(Problem(file, row[key], "error", "no-session", found, "fill it in"))
            continue
        visit = f"{row[key]} {row[session]}" if row[key].strip() else ""
        kept[visit] = row[key], row[session]
        flat.append((visit, *row[:key], *row[key + 1 :]))
    names = (KEY, *table.columns[:key], *table.columns[key + 1 :])
    flattened, found_wrong = read_participants(names, flat, file)
    problems += found_wrong
    own = tuple(name for name in flattened.columns if name != SESSION)
    visits: dict[str, dict[str, dict[str, str]]] = {}
    for visit, cells in flattened.rows.items():
        who, label = kept[visit]
        visits.setdefault(who, {})[label] = {name: cells[name] for name in own}
    problems += _not_months(visits, file)
    problems += _contradictions(visits, own, file)
    common = {who: _of_all_sessions(of.values(), own) for who, of in visits.items()}
    return Participants(own, common, flattened.notes, visits), tuple(problems)


def _not_months(visits: Mapping[str, Mapping[str, dict[str, str]]], file: str) -> list[Problem]:
    """Months that are no numbers become missing."""
    problems = []
    for who, of in visits.items():
        for label, cells in of.items():
            text = cells.get(MONTHS, "")
            if text and read_number(text) is None:
                cells[MONTHS] = ""
                found = f"months {text[:40]!r} was found; expected a number, or nothing"
                remedy = "correct the cell; it is read as missing"
                problems.append(Problem(file, f"{who} {label}", "error", "bad-value", found, remedy))
    return problems


def _contradictions(
    visits: Mapping[str, Mapping[str, dict[str, str]]], columns: Sequence[str], file: str
) -> list[Problem]:
    """What does not change, made the same in all sessions; where it contradicts itself, missing in all."""
    problems = []
    for who, of in visits.items():
        for name in (name for name in CONSTANT if name in columns):
            there = {cells[name]: label for label, cells in reversed(list(of.items())) if cells[name]}
            value = next(iter(there), "")
            if len(there) > 1:
                value = ""
                told = " and ".join(f"{text} ({label})" for text, label in reversed(list(there.items())))
                found = f"{name} {told} were found; expected the same in all sessions"
                remedy = "correct it: it is read as missing in all"
                problems.append(Problem(file, who, "error", "sessions-differ", found, remedy))
            for cells in of.values():
                cells[name] = value
    return problems


def _of_all_sessions(visits: Iterable[Mapping[str, str]], columns: Sequence[str]) -> dict[str, str]:
    """The cells that all sessions share; those that change are empty."""
    visits = list(visits)
    return {c: visits[0][c] if len({cells[c] for cells in visits}) == 1 else "" for c in columns}


def of_session(people: Participants, session: str) -> Participants:
    """The participants as they were at a session; a table of one row per participant holds for all sessions.

    Who has no row for it has empty cells, but for what does not change.
    """
    if not people.visits:
        return people
    rows = {
        who: of.get(session)
        or {name: cell if name in CONSTANT else "" for name, cell in people.rows[who].items()}
        for who, of in people.visits.items()
    }
    return replace(people, rows=rows, visits={})


def months_of(people: Participants) -> dict[tuple[str, str], float]:
    """Months since the first session, by participant and session, as far as they are known."""
    found = {}
    for who, of in people.visits.items():
        for session, cells in of.items():
            months = read_number(cells.get(MONTHS, ""))
            if months is not None:
                found[who, session] = months
    return found


def in_order_of_names(sessions: Iterable[str]) -> list[str] | None:
    """Sessions in the order of their numbers (``v1``, ``v2``, ``v10``); None where names tell no order.

    >>> in_order_of_names(["v10", "v2"]), in_order_of_names(["pre", "post"]), in_order_of_names(["bl", "m6"])
    (['v2', 'v10'], None, None)
    """
    labels = sorted(set(sessions), key=natural_key)
    parts = [re.fullmatch(r"([^\W\d_]*)([0-9]+)", label) for label in labels]
    one_word = len({part[1].casefold() if part else label for part, label in zip(parts, labels, strict=True)})
    numbers = [int(part[2]) for part in parts if part]
    if len(labels) > 1 and (one_word > 1 or None in parts or len(set(numbers)) < len(labels)):
        return None
    return labels


def match_sessions(people: Participants, slices: Iterable[tuple[str, str]], file: str) -> tuple[Problem, ...]:
    """Compare the sessions of a table with those of the slices, (participant, session), and with time."""
    there: dict[str, set[str]] = {}
    for who, session in slices:
        there.setdefault(who, set()).add(session)
    problems: list[Problem] = []
    for who in sorted(set(there) & set(people.visits), key=natural_key):
        listed, own = set(people.visits[who]), there[who] - {""}
        pairs: tuple[tuple[set[str], str, str], ...] = (
            (own - listed, "slices, but no row in the participants table", "add the row: it has no months"),
            (listed - own, "a row, but no slices in the dataset", "add the slices, or go on without"),
        )
        for missing, what, remedy in pairs:
            if missing:
                names = sorted(missing, key=natural_key)
                found = f"session {and_more(names)}: {what}; expected the same sessions in both"
                problems.append(Problem(file, who, "warning", "other-sessions", found, remedy))
    months = months_of(people)
    for who, of in people.visits.items():
        times = [(s, months[who, s]) for s in in_order_of_names(of) or () if (who, s) in months]
        back = next(((a, b) for a, b in pairwise(times) if b[1] <= a[1]), None)
        if back:
            (one, early), (other, late) = back
            found = (
                f"session {other} at {late:.4g} months, {one} at {early:.4g}; expected {other} after {one}"
            )
            remedy = "check the dates: are sessions exchanged?"
            problems.append(Problem(file, who, "warning", "sessions-out-of-order", found, remedy))
    return tuple(problems)
