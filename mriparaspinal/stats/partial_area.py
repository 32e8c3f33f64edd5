"""Partial areas under ROC curves: raw, and standardised by McClish (1989, *Med Decis Making* 9:190–195)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import read_number
from mriparaspinal.stats.limits import CONFIDENCE, Mask, Vector
from mriparaspinal.stats.resampling import resampled_counts
from mriparaspinal.stats.roc_curve import Predictor

#: The columns of ``roc_partial.csv``.
PARTIAL_COLUMNS = (
    "predictor", "direction", "n_positive", "n_negative", "of", "from", "to", "partial_auc", "ci_low",
    "ci_high", "standardised", "standardised_low", "standardised_high",
)  # fmt: skip

#: A shorter interval is a point, but for rounding.
_POINT = 1e-12
#: So many numbers of resamples are in hand at once.
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Range:
    """The part of the curve that counts."""

    of: str
    """``specificity`` or ``sensitivity``."""
    low: float
    high: float

    @property
    def by_chance(self) -> float:
        """The area under the diagonal in it, where sensitivity and specificity add up to 1."""
        return (self.high - self.low) * (1 - (self.low + self.high) / 2)

    def standardised(self, area: float) -> float:
        """0.5 for the diagonal, 1 for all that there can be."""
        return (1 + (area - self.by_chance) / (self.high - self.low - self.by_chance)) / 2


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The values of both arms in ascending order."""

    positives: Vector
    negatives: Vector

    def areas(self, of_positives: Vector, of_negatives: Vector, part: Range) -> Vector:
        """(resamples,) the area within a range, each value counted as often as (resamples, n) say."""
        cutoffs = np.unique(np.concatenate([self.positives, self.negatives]))[::-1]
        sensitivity = _at_or_above(self.positives, of_positives, cutoffs)
        one_less_specificity = _at_or_above(self.negatives, of_negatives, cutoffs)
        if part.of == "specificity":
            return _between(one_less_specificity, sensitivity, 1 - part.high, 1 - part.low)
        return _between(sensitivity, 1 - one_less_specificity, part.low, part.high)


def _at_or_above(arm: Vector, counts: Vector, cutoffs: Vector) -> Vector:
    """(resamples, 1 + cutoffs) the share of an arm that reaches each of the descending cut-offs; first 0."""
    summed = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    below = summed[:, np.searchsorted(arm, cutoffs, side="left")]
    return np.concatenate([np.zeros((len(counts), 1)), 1 - below / summed[:, -1:]], axis=1)


def _between(x: Vector, y: Vector, low: float, high: float) -> Vector:
    """(resamples,) the area under lines through points (resamples, points), x ascending, from low to high."""
    left, right = (np.clip(ends, low, high) for ends in (x[:, :-1], x[:, 1:]))
    run = np.diff(x, axis=1)
    slope = np.divide(np.diff(y, axis=1), run, out=np.zeros_like(run), where=run > 0)
    middle = y[:, :-1] + slope * ((left + right) / 2 - x[:, :-1])
    return np.asarray(((right - left) * middle).sum(axis=1), dtype=float)


def partial_areas(
    predictors: Sequence[Predictor],
    is_positive: Mask,
    part: Range,
    times: int,
    seed: int,
    notes: list[str],
) -> pd.DataFrame:
    """One row per predictor, with ``PARTIAL_COLUMNS``: the area under the curve within the range.

    Straight lines between the points of the curve, as for the whole area. The intervals are percentiles of
    ``times`` resamples, drawn from each arm by itself.
    """
    rows = [_row(predictor, is_positive, part, times, seed, notes) for predictor in predictors]
    return pd.DataFrame(rows, columns=list(PARTIAL_COLUMNS))


def _row(
    predictor: Predictor, is_positive: Mask, part: Range, times: int, seed: int, notes: list[str]
) -> dict[str, Any]:
    positives, negatives = (np.sort(arm) for arm in predictor.oriented_arms(is_positive))
    row: dict[str, Any] = dict.fromkeys(PARTIAL_COLUMNS, math.nan) | {
        "predictor": predictor.name,
        "direction": predictor.direction,
        "n_positive": len(positives),
        "n_negative": len(negatives),
        "of": part.of,
        "from": part.low,
        "to": part.high,
    }
    if not len(positives) or not len(negatives):
        return row
    curve = _Steps(positives, negatives)
    area = float(curve.areas(np.ones((1, len(positives))), np.ones((1, len(negatives))), part)[0])
    # Each predictor has the same resamples, whichever others are named.
    at_once = max(_AT_ONCE // (len(positives) + len(negatives)), 1)
    draws = (
        resampled_counts(len(positives), times, np.random.default_rng([seed, 0]), at_once),
        resampled_counts(len(negatives), times, np.random.default_rng([seed, 1]), at_once),
    )
    found = [curve.areas(first, second, part) for first, second in zip(*draws, strict=True)]
    low, high = np.percentile(np.concatenate(found), [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    row |= {"partial_auc": area, "standardised": part.standardised(area)}
    if high - low < _POINT:
        notes.append(f"{predictor.name}: the partial area has no interval: it is the same in all resamples")
        return row
    row |= {"ci_low": float(low), "ci_high": float(high)}
    ends = {"standardised_low": float(low), "standardised_high": float(high)}
    return row | {column: part.standardised(value) for column, value in ends.items()}


def read_range(text: str) -> Range:
    """The range that a text names: LOW-HIGH of the specificity, or sensitivity:LOW-HIGH.

    >>> read_range("0.8-1"), read_range("sensitivity:0.9-1").of
    (Range(of='specificity', low=0.8, high=1.0), 'sensitivity')
    """
    of, colon, shares = text.rpartition(":")
    of = of.strip() if colon else "specificity"
    ends = [read_number(end) for end in shares.split("-")]
    if of in ("specificity", "sensitivity") and len(ends) == 2:
        low, high = ends
        if low is not None and high is not None and 0 <= low < high <= 1:
            return Range(of, low, high)
    raise UsageError(
        f"{argument('partial_auc')}: '{text}' was found; expected LOW-HIGH within 0 and 1, such as 0.8-1 (of "
        "the specificity) or sensitivity:0.8-1; correct it"
    )
