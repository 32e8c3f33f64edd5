"""How good drafts of a lab's own slices are: each reviewed slice is drafted from the others and compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

#: Resamples of the bootstrap, and its seed.
_RESAMPLES, _SEED = 2000, 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One region of one reviewed slice: its draft against the contour of the person."""

    participant_id: str
    region: str
    """``MF``, ``ES``, …: the two sides are one kind."""
    dice: float
    area_error_pct: float
    """(draft − person) / person, of the pixels."""
    fi_error: float
    """Draft − person, 0–1."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What leave-one-out found of a region; intervals of 95 % from a bootstrap over participants."""

    region: str
    n: int
    """Contours that were compared."""
    dice: float
    dice_low: float | None
    dice_high: float | None
    area_error_pct: float
    area_error_low: float | None
    area_error_high: float | None
    fi_error: float
    fi_error_low: float | None
    fi_error_high: float | None


COLUMNS = tuple(field.name for field in fields(Quality))


def compare(
    participant: str,
    region: str,
    draft: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    fat: NDArray[np.bool_],
) -> Comparison:
    """Compare two masks of (rows, columns); ``fat``: the pixels of the slice that count as fat."""
    drawn, true = int(draft.sum()), int(truth.sum())
    overlap = int((draft & truth).sum())
    fi = [int((mask & fat).sum()) / max(1, count) for mask, count in ((draft, drawn), (truth, true))]
    return Comparison(
        participant, region, 2 * overlap / (drawn + true), 100 * (drawn - true) / true, fi[0] - fi[1]
    )


def qualities(comparisons: Iterable[Comparison], order: Sequence[str]) -> list[Quality]:
    """Means by region, with their intervals (none for one participant), in the order of the regions."""
    all_ = list(comparisons)
    found = []
    for region in order:
        rows = [c for c in all_ if c.region == region]
        if rows:
            numbers = np.array([[c.dice, c.area_error_pct, c.fi_error] for c in rows])
            low, high = _interval(numbers, [c.participant_id for c in rows])
            dice, area, fi = numbers.mean(axis=0).tolist()
            (dice_low, area_low, fi_low), (dice_high, area_high, fi_high) = low, high
            of_dice, of_area, of_fi = (
                (dice, dice_low, dice_high),
                (area, area_low, area_high),
                (fi, fi_low, fi_high),
            )
            found.append(Quality(region, len(rows), *of_dice, *of_area, *of_fi))
    return found


def _interval(
    numbers: NDArray[np.float64], participants: Sequence[str]
) -> tuple[Sequence[float | None], Sequence[float | None]]:
    """Percentiles of the means over participants that are drawn again, each with all of its rows."""
    names = sorted(set(participants))
    if len(names) < 2:
        return (None,) * 3, (None,) * 3
    who = np.array([names.index(name) for name in participants])
    sums = np.stack([numbers[who == i].sum(axis=0) for i in range(len(names))])
    counts = np.bincount(who)
    drawn = np.random.default_rng(_SEED).multinomial(
        len(names), np.full(len(names), 1 / len(names)), _RESAMPLES
    )
    means = (drawn @ sums) / (drawn @ counts)[:, None]
    low, high = np.percentile(means, (2.5, 97.5), axis=0).tolist()
    return low, high
