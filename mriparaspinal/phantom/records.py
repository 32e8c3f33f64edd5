"""Clinical records of a synthetic cohort, item by item: what ``score`` turns into one row per participant.

The ALSFRS-R items add up to the cohort's own ``alsfrs_r`` and ``alsfrs_lower``. Fasciculation is as frequent
as in the ultrasound study (BMC Neurol 2021;21:441, Figure 1B): in three of four muscle groups in ALS, in one
of five elsewhere, and of higher grade in ALS.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mriparaspinal.clinical.instrument import Instrument, all_cells
from mriparaspinal.phantom.model import GROUPS, Participant

#: Streams of random numbers, apart from those of the drawings.
_ITEMS, _FASCICULATION = 101, 102

_LOWER = slice(6, 9)


def alsfrs_records(participants: Sequence[Participant], seed: int) -> list[list[str | int]]:
    """One row per participant with ALS: id and the twelve items of the ALSFRS-R."""
    rows: list[list[str | int]] = []
    for who in participants:
        if who.alsfrs_r is None or who.alsfrs_lower is None:
            continue
        rng = _stream(who, seed, _ITEMS)
        items = np.zeros(12, dtype=int)
        others = np.ones(12, dtype=bool)
        others[_LOWER] = False
        items[_LOWER] = _items_of(who.alsfrs_lower, 3, rng)
        items[others] = _items_of(who.alsfrs_r - who.alsfrs_lower, 9, rng)
        rows.append([who.participant_id, *items.tolist()])
    return rows


def _items_of(total: int, count: int, rng: np.random.Generator) -> list[int]:
    """Items from 0 to 4 that add up to a total: points are lost one by one."""
    items = [4] * count
    for _ in range(4 * count - total):
        left = [number for number, item in enumerate(items) if item > 0]
        items[left[int(rng.integers(len(left)))]] -= 1
    return items


def fasciculation_records(
    participants: Sequence[Participant], instrument: Instrument, seed: int
) -> list[list[str | int]]:
    """Rows ``participant_id,muscle_group,side,sites,rate`` for each muscle group and side."""
    rows: list[list[str | int]] = []
    for who in participants:
        rng = _stream(who, seed, _FASCICULATION)
        als = who.group == "ALS"
        share = float(np.clip(rng.normal(0.73 if als else 0.18, 0.15), 0, 1))
        for item, side in all_cells(instrument):
            # Always four draws, so that one muscle group does not move those after it.
            there, many, often, more = rng.random(4)
            found = there < share * (0.5 if item.tag("region") == "bulbar" else 1)
            sites = 1 + int(more * 2) if many > (0.42 if als else 0.12) else 3 + int(more * 4)
            rate = 1 + int(more * 3) if often > (0.55 if als else 0.35) else 4 + int(more * 12)
            counts = [sites, rate] if found else [0, 0]
            rows.append([who.participant_id, item.label, side, *counts])
    return rows


def _stream(who: Participant, seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, GROUPS.index(who.group), who.number, purpose])
