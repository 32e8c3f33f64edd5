"""Participants one by one: the numbers of each beside those of the others of the group."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from mriparaspinal.core.model import SPINE
from mriparaspinal.core.text import natural_key
from mriparaspinal.core.visits import SESSION
from mriparaspinal.report.slices import RowView, SliceView
from mriparaspinal.stats.cells import muscles_of, regions_alone

#: Columns of the participants table that are shown, and how.
_FACTS = {
    "sex": "sex {}",
    "age": "age {} years",
    "onset_side": "onset side {}",
    "onset_region": "onset region {}",
    "disease_duration": "disease duration {} months",
    "alsfrs_r": "ALSFRS-R {}",
    "psa": "PSA {}",
}

_METRICS = ("rcsa", "fi")

_NAME_LENGTH = 80

#: Names that Windows has for devices, whatever their ending.
_OF_WINDOWS = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)

_NONE = "–"


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """One muscle on one slice: both sides, and what is usual in the group."""

    segment: str
    muscle: str
    left: RowView | None
    right: RowView | None
    both: RowView | None
    usual: dict[str, str]
    """By metric: median (lowest–highest) of the others of the group."""
    others: int
    """How many participants these are."""


@dataclass(frozen=True, slots=True)
class PersonView:
    """The page of one participant."""

    participant_id: str
    group: str
    facts: tuple[str, ...]
    """What the participants table says, in words."""
    slices: tuple[SliceView, ...]
    overview: tuple[OverviewRow, ...]


def person_views(
    views: Iterable[SliceView], rows: pd.DataFrame, participants: pd.DataFrame | None
) -> list[PersonView]:
    """The participants of a study in the order of their names.

    ``rows``: one per slice, muscle and side, columns as ``L3.csv``.
    """
    own: dict[str, list[SliceView]] = {}
    for view in views:
        own.setdefault(view.participant_id, []).append(view)
    one_side = rows[regions_alone(rows)]
    # Those of other sessions are the same people again.
    session = one_side[SESSION] if SESSION in one_side else pd.Series("", one_side.index)
    cells = dict(
        list(one_side.groupby([one_side["group"], one_side["segment"], session, one_side["muscle"]]))
    )
    muscles = sorted({str(muscle) for muscle in rows["muscle"]}, key=partial(_in_order, muscles_of(rows)))
    people = []
    for who in sorted(own, key=natural_key):
        slices = sorted(own[who], key=lambda v: (v.session, _from_above(v), natural_key(v.image)))
        # A muscle that was refused on both sides has its line, too.
        overview = tuple(row for view in slices for row in _overview(view, muscles, cells))
        people.append(PersonView(who, slices[0].group, _facts(who, participants), tuple(slices), overview))
    return people


def _in_order(known: Sequence[str], muscle: str) -> tuple[int, str]:
    return (known.index(muscle) if muscle in known else len(known), muscle)


def _from_above(view: SliceView) -> tuple[int, str]:
    """Where a slice lies, from the head down."""
    segment = view.segment.split(" ")[0]
    return (SPINE.index(segment) if segment in SPINE else len(SPINE), view.segment)


def _overview(
    view: SliceView, muscles: Sequence[str], cells: dict[tuple[str, str, str, str], pd.DataFrame]
) -> Iterable[OverviewRow]:
    by_key = {(row.muscle, row.side): row for row in view.rows}
    segment = view.segment.split(" ")[0]
    for muscle in muscles:
        cell = cells.get((view.group, segment, view.session, muscle))
        others = None if cell is None else cell[cell["participant_id"] != view.participant_id]
        yield OverviewRow(
            view.segment,
            muscle,
            by_key.get((muscle, "left")),
            by_key.get((muscle, "right")),
            by_key.get((muscle, "both")),
            usual={metric: _NONE if others is None else _usual(others[metric]) for metric in _METRICS},
            others=0 if others is None else others["participant_id"].nunique(),
        )


def _usual(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return _NONE
    if len(known) == 1:
        return f"{known.iloc[0]:.2f}"
    return f"{known.median():.2f} ({known.min():.2f}–{known.max():.2f})"


def _facts(who: str, participants: pd.DataFrame | None) -> tuple[str, ...]:
    if participants is None:
        return ()
    own = participants[participants["participant_id"] == who]
    if own.empty:
        return ()
    row = own.iloc[0]
    told = ((words, row[name]) for name, words in _FACTS.items() if name in participants)
    return tuple(words.format(_text(value)) for words, value in told if not pd.isna(value) and value != "")


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def page_names(ids: Sequence[str]) -> list[str]:
    """A file's name for the page of each participant, which every system takes.

    >>> page_names(["ALS_1", "als_1", "Müller, A./B", "aux.1"])
    ['ALS_1.html', 'als_1_2.html', 'Müller_A._B.html', 'aux_.1.html']
    """
    taken: set[str] = set()
    names = []
    for who in ids:
        stem = re.sub(r"[^\w.-]+", "_", who)[:_NAME_LENGTH].strip("_.") or "participant"
        stem = _OF_WINDOWS.sub(r"\1_", stem)
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(f"{name}.html")
    return names
