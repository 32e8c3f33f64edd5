"""One session of a follow-up: rows of several are the same participants again, and never taken together."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import SessionsError, UsageError
from mriparaspinal.core.participants import KEY, Participants
from mriparaspinal.core.text import natural_key
from mriparaspinal.core.visits import SESSION, session_label
from mriparaspinal.io.tables import TextTable


def chosen_session(measurements: list[pd.DataFrame], asked: str) -> tuple[str, list[str]]:
    """Leave the rows of one session in the one frame of a list; that session, and a note on it.

    Rows of several sessions are never taken together: they are the same participants again. Raises
    :class:`SessionsError` where there are several and none is chosen, and for one that is not there.
    """
    (rows,) = measurements
    there = list(dict.fromkeys(rows[SESSION])) if SESSION in rows else []
    named = sorted(filter(None, there), key=natural_key)
    label = session_label(asked)
    option = argument("at")
    if asked and label not in named:
        found = f"no such session ({', '.join(named)} are there)" if named else "the results have no sessions"
        remedy = "name one of them" if named else "leave it out"
        raise UsageError(f"{option} {asked}: {found}; expected one of the results; {remedy}")
    if not named:
        return "", []
    if not asked and len(there) > 1:
        found = f"the results have the sessions {', '.join(named)} of the same participants"
        remedy = f"choose with {option} {named[0]}, or compare sessions by 'change'"
        raise SessionsError(f"{option}: {found}; expected one; {remedy}")
    label = label or named[0]
    measurements[0] = rows[(rows[SESSION] == label).to_numpy()].drop(columns=SESSION).reset_index(drop=True)
    return label, [f"session: {label}" + (f" of {', '.join(named)}" if len(there) > 1 else "")]


def require_one_session(table: TextTable, file: Path) -> None:
    """Rows of several sessions are the same participants again."""
    if KEY in table.columns:
        ids = [row[table.columns.index(KEY)] for row in table.rows]
        if len(set(ids)) < len(ids):
            found = f"{file.name} has several rows of one participant, and a column for the session"
            raise SessionsError(f"--table: {found}; expected one row per participant; keep one session's")


def refuse_visits(people: Participants, where: str) -> None:
    """Raise :class:`SessionsError` for a participants table with rows of several sessions."""
    if people.visits:
        found = "has a row for each session, and no session is looked at"
        raise SessionsError(f"{where}: {found}; expected one row per participant; keep those of one session")
