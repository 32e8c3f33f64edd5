"""Sessions of a follow-up held against each other: are they of one patient, and their levels in one order?

A patient's profile is the logarithm of each area, level by level, minus their mean: how large the image is,
and what changes alike in all muscles, does not count. Only what fits clearly better elsewhere is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import SEGMENTS, Problem, SliceResult

Floats = NDArray[np.float64]

#: So many times nearer another one must be.
_CLEARLY = 2.5

#: Sessions that differ by less (SD of the logarithms of areas) are one patient's in any case.
_NEAR = 0.06

#: Fewer areas in common never tell.
_FEWEST = 8


def session_problems(results: Sequence[SliceResult]) -> list[Problem]:
    """Warnings about sessions that fit another patient's clearly better, and about exchanged levels.

    Of the levels L1 to L5: the orders of more would be too many to look at.
    """
    visits: dict[tuple[str, str], list[SliceResult]] = {}
    for result in results:
        if result.slice.session and result.counts and result.slice.segment in SEGMENTS:
            visits.setdefault((result.slice.participant_id, result.slice.session), []).append(result)
    keys = list(visits)
    if len(keys) == len({who for who, _ in keys}):
        return []
    regions = sorted({key for found in visits.values() for result in found for key in result.counts})
    profiles = np.array([_profile(found, regions) for found in visits.values()])
    names = [found[0].slice.name for found in visits.values()]
    return [*_swapped(keys, names, profiles), *_exchanged(keys, names, profiles)]


def _profile(results: Sequence[SliceResult], regions: Sequence[tuple[str, str]]) -> Floats:
    """(segments, regions) logarithms of areas; NaN where there is none. Of a stack the mean area."""
    sums: dict[tuple[int, int], list[int]] = {}
    for result in results:
        level = SEGMENTS.index(result.slice.segment)
        for key, count in result.counts.items():
            if count.csa_px > 0:
                sums.setdefault((level, regions.index(key)), []).append(count.csa_px)
    profile = np.full((len(SEGMENTS), len(regions)), math.nan)
    for place, areas in sums.items():
        profile[place] = math.log(sum(areas) / len(areas))
    return profile


def _distances(one: Floats, others: Floats) -> Floats:
    """SD of the differences of one profile from others, (n,); infinite where few areas are in common."""
    differences = (others - one).reshape(len(others), -1)
    there = np.isfinite(differences)
    counts = there.sum(axis=1)
    filled = np.where(there, differences, 0.0)
    means = filled.sum(axis=1) / np.maximum(counts, 1)
    squares = (np.where(there, differences - means[:, None], 0.0) ** 2).sum(axis=1)
    return np.where(counts >= _FEWEST, np.sqrt(squares / np.maximum(counts, 1)), math.inf)


def _swapped(keys: Sequence[tuple[str, str]], names: Sequence[str], profiles: Floats) -> list[Problem]:
    """One warning for each two patients of whom a session fits the other clearly better than its own."""
    people = np.array([who for who, _ in keys])
    told: set[frozenset[str]] = set()
    problems = []
    for place, (who, session) in enumerate(keys):
        own = np.flatnonzero((people == who) & (np.arange(len(keys)) != place))
        if not len(own):
            continue
        from_own = float(_distances(profiles[place], profiles[own]).min())
        if not _NEAR < from_own < math.inf:
            continue
        distances = np.where(people == who, math.inf, _distances(profiles[place], profiles))
        nearest = int(distances.argmin())
        other, of = keys[nearest]
        pair = frozenset((who, other))
        if distances[nearest] * _CLEARLY > from_own or pair in told:
            continue
        told.add(pair)
        near, far = 100 * distances[nearest], 100 * from_own
        found = f"the areas of {who} {session} fit {other} {of} better ({near:.0f} % apart) than the other "
        found += f"sessions of {who} ({far:.0f} %); expected the sessions of one patient to be alike"
        remedy = "check whose images they are: are sessions exchanged between patients?"
        problems.append(Problem(names[place], "", "warning", "sessions-swapped", found, remedy))
    return problems


def _exchanged(keys: Sequence[tuple[str, str]], names: Sequence[str], profiles: Floats) -> list[Problem]:
    """One warning for each session whose levels fit the patient's first one in another order."""
    first: dict[str, int] = {}
    problems = []
    for place, (who, session) in enumerate(keys):
        start = first.setdefault(who, place)
        if start == place:
            continue
        one, other = profiles[start], profiles[place]
        both = np.isfinite(one).any(axis=1) & np.isfinite(other).any(axis=1)
        levels = np.flatnonzero(both).tolist()
        orders = list(permutations(levels))
        found = _distances(one[levels], np.array([other[list(order)] for order in orders]))
        best = int(found.argmin())
        if found[0] > _NEAR and found[best] * _CLEARLY <= found[0] < math.inf:
            named = ", ".join(SEGMENTS[i] for i in levels)
            better = ", ".join(SEGMENTS[i] for i in orders[best])
            near, far = 100 * found[best], 100 * found[0]
            message = f"the levels {named} of {who} {keys[start][1]} fit {better} of {session} better "
            message += f"({near:.0f} % apart, not {far:.0f} %); expected the same order of levels"
            remedy = "check the level of each slice: are they in one order in both sessions?"
            problems.append(Problem(names[place], "", "warning", "levels-exchanged", message, remedy))
    return problems
