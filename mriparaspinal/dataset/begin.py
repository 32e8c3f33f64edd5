"""What a dataset folder holds before it has tables and contours, and the table that is to be filled in."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.model import Problem, Settings, Slice
from mriparaspinal.core.participants import KEY, KNOWN
from mriparaspinal.core.visits import MONTHS, SESSION
from mriparaspinal.dataset.find import find_slices, table_order
from mriparaspinal.dataset.sessions import session_tables
from mriparaspinal.dataset.strays import json_content
from mriparaspinal.io.folder import list_files, stands_for
from mriparaspinal.io.tables import csv_bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """The slices of a folder, with contours or without, and the tables that are there."""

    slices: tuple[Slice, ...]
    problems: tuple[Problem, ...]
    names: tuple[str, ...]
    """Of the files in the folder itself."""
    tells_sessions: bool
    """Whether a table of sessions is there, so that the participants table must have none."""

    def there(self, name: str) -> str:
        """The file of the folder that is in place of such a one; empty where there is none.

        Of tables any kind counts (``participants.xlsx``): two of them would contradict each other.
        """
        wanted = name.casefold()
        stem = wanted.partition(".")[0] if name == PARTICIPANTS else ""
        for found in self.names:
            own = (stands_for(found) or found).casefold()
            if own == wanted or (stem and own.partition(".")[0] == stem):
                return found
        return ""


def begin_dataset(root: Path, settings: Settings) -> Begun:
    """What is in a folder; raises :class:`NoInputError` where it is not there, UsageError for a pattern."""
    files, dead = list_files(root)
    content = partial(json_content, root)
    alone = find_slices(files, dead, settings, images_alone=True)
    drawn = find_slices(files, dead, settings, content=content)
    slices = {(s.participant_id, s.session, s.segment, s.letter): s for s in (*drawn.slices, *alone.slices)}
    own = tuple(name for name in (*files, *dead) if not posixpath.dirname(name))
    ordered = tuple(sorted(slices.values(), key=table_order))
    return Begun(ordered, alone.problems, own, bool(session_tables(files)))


def participants_template(slices: Sequence[Slice], sessions: bool = True) -> bytes:
    """A participants table: the ids, groups and ``sessions`` that are found, the other columns empty."""
    rows = list(dict.fromkeys((s.participant_id, s.group, s.session if sessions else "") for s in slices))
    visits = any(session for _, _, session in rows)
    others = [name for name in KNOWN if name != "group"]
    columns = (KEY, *(SESSION, MONTHS) * visits, "group", *others)
    blank = [""] * len(others)
    return csv_bytes(columns, [(who, *(session, "") * visits, group, *blank) for who, group, session in rows])
