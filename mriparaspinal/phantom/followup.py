"""A synthetic cohort over several sessions, half a year apart: the same anatomy, changed at a known pace.

Each participant has a pace of their own: FI grows and areas shrink in a straight line with time, in ALS half
as fast again on the onset side at L3 to L5, hardly at all in LR. Noise, the place on the table and the hand
that draws are new at each session.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mriparaspinal.phantom.curves import Placement
from mriparaspinal.phantom.model import GROUPS, Participant, Progression, TrueSlope, Visit, VisitTruth

#: Months between sessions, and how far each may be from them.
_APART, _JITTER = 6.0, 0.5

#: Streams of random numbers, apart from those of drawings and records.
_PACE, _TIMES, _TABLE = 103, 104, 105

#: Points of the ALSFRS-R, and of its items for the legs, that are lost in a month.
_POINTS, _POINTS_LOWER = 0.9, 0.3

#: How much faster the onset side changes at the affected levels.
_FASTER = 1.5


def make_visits(participants: Iterable[Participant], sessions: int, seed: int) -> list[Visit]:
    """Each participant at each session, ``v1`` … one after the other."""
    return [visit for who in participants for visit in _visits(who, sessions, seed)]


def _visits(who: Participant, sessions: int, seed: int) -> list[Visit]:
    jitter = _stream(who, seed, _TIMES).uniform(-_JITTER, _JITTER, sessions)
    visits = []
    for place in range(sessions):
        months = round(_APART * place + float(jitter[place]), 1) if place else 0.0
        now = {
            "age": round(who.age_onset + (who.disease_duration + months) / 12) if place else who.age,
            "disease_duration": round(who.disease_duration + months, 1),
            "alsfrs_r": _fewer(who.alsfrs_r, _POINTS * months),
            "alsfrs_lower": _fewer(who.alsfrs_lower, _POINTS_LOWER * months),
        }
        own = {f.name: getattr(who, f.name) for f in dataclasses.fields(Participant)} | now
        visits.append(Visit(**own, session=f"v{place + 1}", months=months))
    return visits


def _fewer(points: int | None, lost: float) -> int | None:
    return None if points is None else max(0, points - round(lost))


def progression(who: Participant, seed: int) -> Progression:
    """The pace of a participant."""
    rng = _stream(who, seed, _PACE)
    als = who.group == "ALS"
    fat = rng.normal(0.006, 0.0015) if als else rng.normal(0.0003, 0.0003)
    loss = rng.normal(0.010, 0.0025) if als else rng.normal(0.0005, 0.0005)
    return Progression(float(np.clip(fat, 0, 0.012)), float(np.clip(loss, 0, 0.02)))


def progress_of(who: Participant, seed: int) -> Callable[[bool], tuple[float, float]]:
    """What is left of an area, and what is added to FI, by whether the side and level are affected."""
    if not isinstance(who, Visit):
        return lambda _: (1.0, 0.0)
    pace, months = progression(who, seed), who.months

    def change(affected: bool) -> tuple[float, float]:
        faster = _FASTER if affected else 1.0
        return max(0.2, 1 - faster * pace.loss_per_month * months), faster * pace.fi_per_month * months

    return change


def lain_again(place: Placement, who: Visit, level: int, seed: int) -> Placement:
    """How the patient lies at a later session: a little otherwise than at the first."""
    if not who.place:
        return place
    across, down, turned = _stream(who, seed, _TABLE, who.place, level).normal(0, 1, 3)
    (x, y), degrees = place.shift, place.degrees
    return Placement((x + float(across), y + float(down)), degrees + float(turned))


def true_slopes(truth: Sequence[VisitTruth]) -> list[TrueSlope]:
    """The slopes of true FI and true relative area over the months, of each muscle."""
    discs = {(t.participant_id, t.segment, t.session): t.area_px for t in truth if t.fi is None}
    muscles: dict[tuple[str, str, str, str], list[VisitTruth]] = {}
    for t in truth:
        if t.fi is not None:
            muscles.setdefault((t.participant_id, t.segment, t.region, t.side), []).append(t)
    found = []
    for visits in muscles.values():
        first = visits[0]
        months = np.array([t.months for t in visits])
        fi = np.array([t.fi for t in visits], dtype=float)
        rcsa = np.array([t.area_px / discs[t.participant_id, t.segment, t.session] for t in visits])
        slopes = (float(np.polyfit(months, values, 1)[0]) for values in (fi, rcsa))
        found.append(
            TrueSlope(first.participant_id, first.group, first.segment, first.region, first.side, *slopes)
        )
    return found


def _stream(who: Participant, seed: int, *purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, GROUPS.index(who.group), who.number, *purpose])
