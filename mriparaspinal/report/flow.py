"""Who was measured and compared, who was left out, and why: the flow of participants (STROBE, item 13)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mriparaspinal.core.text import and_more, count_of, natural_key
from mriparaspinal.present.words import contrast_in_words
from mriparaspinal.report.slices import SliceView

#: So many names stand behind a reason.
_MOST_NAMES = 8

_SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A reason, and whom it keeps out of a step."""

    reason: str
    number: int
    who: str
    """Their ids, the first few of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the flow: who is still there, in all and by group, and who is not."""

    name: str
    number: int
    by_group: tuple[tuple[str, int], ...]
    left_out: tuple[LeftOut, ...]
    aside: bool = False
    """Said of those measured; whoever is left out here is measured all the same."""


def flow(people: pd.DataFrame | None, rows: pd.DataFrame, views: Sequence[SliceView]) -> tuple[Step, ...]:
    """The steps from the participants table to the measured; the last two are parts of the measured.

    ``people``: the participants table (``participant_id``, ``group`` if known), None where there is none;
    ``rows``: the long table of the statistics (``participant_id``, ``group``, ``segment``, ``muscle``,
    ``side``, ``role``); ``views``: the slices of the dataset with their problems.
    """
    groups = _groups(people, rows, views)
    listed = set() if people is None else set(people["participant_id"])
    with_slices = {view.participant_id for view in views}
    measured = set(rows["participant_id"])
    onset = set(rows.loc[rows["role"].isin(["symptomatic", "contralateral"]), "participant_id"])
    reasons = _reasons(views)
    gaps = _gaps(rows)

    def step(
        name: str,
        there: Collection[str],
        out: Collection[str],
        why: Callable[[str], str],
        aside: bool = False,
    ) -> Step:
        return Step(name, len(there), _by_group(there, groups), _left_out(out, why), aside)

    everybody = listed | with_slices | measured
    without_slices = everybody - with_slices
    steps = [step("in the study", everybody, (), str, False)]
    if without_slices:
        steps.append(
            step("with slices", with_slices, without_slices, lambda _: "no slice in the dataset", False)
        )
    unread = with_slices - measured
    steps.append(
        step("measured", measured, unread, lambda who: reasons.get(who, "no muscle was measured"), False)
    )
    complete = measured - gaps.keys()
    steps.append(step("measured at every level, on both sides", complete, gaps, gaps.__getitem__, True))
    if onset:
        unknown = measured - onset
        steps.append(step("with a known onset side", onset, unknown, lambda _: "not known", True))
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Analysed:
    """How many participants the rows of a contrast rest on."""

    contrast: str
    """In words."""
    arm_a: str
    arm_b: str
    """The smallest and the largest number of an arm."""


def analysed(comparisons: pd.DataFrame) -> tuple[Analysed, ...]:
    """The numbers of each contrast of ``comparisons.csv``, over all its rows that were tested."""
    tested = comparisons[comparisons["p"].notna()]
    found = []
    for text, rows in tested.groupby("contrast", sort=False):
        first = rows.iloc[0]
        words = contrast_in_words(str(text), first["label_a"], first["label_b"])
        found.append(Analysed(words, _span(rows["n_a"]), _span(rows["n_b"])))
    return tuple(found)


def _span(numbers: pd.Series) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return str(low) if low == high else f"{low} to {high}"


def _groups(people: pd.DataFrame | None, rows: pd.DataFrame, views: Iterable[SliceView]) -> dict[str, str]:
    """The group of each participant; the table of the statistics knows best."""
    known = {view.participant_id: view.group for view in views}
    for table in (people, rows):
        if table is not None and "group" in table:
            known |= dict(zip(table["participant_id"], table["group"], strict=True))
    return known


def _by_group(there: Collection[str], groups: dict[str, str]) -> tuple[tuple[str, int], ...]:
    names = sorted({str(group) for group in groups.values()}, key=natural_key)
    return tuple((name, sum(groups.get(who) == name for who in there)) for name in names)


def _left_out(out: Collection[str], why: Callable[[str], str]) -> tuple[LeftOut, ...]:
    by_reason: dict[str, list[str]] = {}
    for who in sorted(out, key=natural_key):
        by_reason.setdefault(why(who), []).append(who)
    found = [LeftOut(reason, len(ids), and_more(ids, _MOST_NAMES)) for reason, ids in by_reason.items()]
    return tuple(sorted(found, key=lambda one: -one.number))


def _reasons(views: Sequence[SliceView]) -> dict[str, str]:
    """Why nothing of a participant was measured: the first reason of their slices."""
    reasons: dict[str, str] = {}
    for view in views:
        if not view.rows:
            reasons.setdefault(view.participant_id, view.why_not)
    return reasons


def _gaps(rows: pd.DataFrame) -> dict[str, str]:
    """What is missing of those who have some but not all of what was measured in anybody."""
    sided = rows[rows["side"].isin(_SIDES)]
    places = list(dict.fromkeys(zip(sided["segment"], sided["muscle"], strict=True)))
    wanted = {(segment, muscle, side) for segment, muscle in places for side in _SIDES}
    gaps = {}
    for who, own in rows.groupby("participant_id", sort=False):
        there = set(zip(own["segment"], own["muscle"], own["side"], strict=True))
        missing = wanted - there
        if missing:
            whole = sorted({s for s, _, _ in wanted} - {s for s, _, _ in there}, key=natural_key)
            parts = list(whole)
            other = sum(segment not in whole for segment, _, _ in missing)
            if other:
                parts.append(count_of(other, "muscle") + (" elsewhere" if whole else ""))
            gaps[str(who)] = f"{', '.join(parts)} missing"
    return gaps
