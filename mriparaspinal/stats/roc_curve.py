"""One predictor and its ROC curve: the counts at each cut-off, and the area under it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.stats.delong import AreaUnderCurve, pairs_above, pairwise_ranks
from mriparaspinal.stats.limits import Mask, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """One column that is judged, or the combination of several."""

    name: str
    direction: str
    """``higher`` or ``lower``: which values go with a positive outcome."""
    values: Vector
    """(n,) one per participant, NaN where missing."""
    in_sample: bool = False

    def arms(self, positive: Mask, rows: Mask | None = None) -> tuple[Vector, Vector]:
        """The present values of the positives and of the negatives among ``rows`` (default: all)."""
        present = ~np.isnan(self.values) if rows is None else rows
        return self.values[present & positive], self.values[present & ~positive]

    def oriented_arms(self, positive: Mask) -> tuple[Vector, Vector]:
        """The same, with the sign by which higher values count as positive."""
        sign = -1.0 if self.direction == "lower" else 1.0
        positives, negatives = self.arms(positive)
        return sign * positives, sign * negatives


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Counts at the candidate cut-offs, ascending; the first and the last lie outside the data."""

    cutoffs: Vector
    true_positives: NDArray[np.int64]
    true_negatives: NDArray[np.int64]
    n_positive: int
    n_negative: int

    @property
    def sensitivity(self) -> Vector:
        """At each cut-off."""
        return self.true_positives / self.n_positive

    @property
    def specificity(self) -> Vector:
        """At each cut-off."""
        return self.true_negatives / self.n_negative

    @property
    def youden(self) -> Vector:
        """At each cut-off: sensitivity + specificity − 1."""
        # One division of whole numbers: equal cut-offs get equal values, whatever their two shares.
        counts = self.true_positives * self.n_negative + self.true_negatives * self.n_positive
        whole = self.n_positive * self.n_negative
        return np.asarray((counts - whole) / whole, dtype=float)


def area_of(predictor: Predictor, positives: Vector, negatives: Vector) -> AreaUnderCurve:
    """The area of these values, with Hanley and McNeil's standard error."""
    sign = -1.0 if predictor.direction == "lower" else 1.0
    positives, negatives = sign * positives, sign * negatives
    n1, n2 = len(positives), len(negatives)
    lower_negatives, level_negatives = pairwise_ranks(positives, negatives)
    lower_positives, level_positives = pairwise_ranks(negatives, positives)
    higher_positives = n1 - lower_positives - level_positives
    wins_positive = lower_negatives + level_negatives / 2
    wins_negative = higher_positives + level_positives / 2
    auc = float(wins_positive.sum()) / (n1 * n2)
    # Sorted before they are summed, here and below: the order of the rows must not reach the last digit.
    q1 = float(np.sort(pairs_above(higher_positives, level_positives)).mean()) / n1**2
    q2 = float(np.sort(pairs_above(lower_negatives, level_negatives)).mean()) / n2**2
    variance = (auc * (1 - auc) + (n1 - 1) * (q1 - auc**2) + (n2 - 1) * (q2 - auc**2)) / (n1 * n2)
    # Never negative but for rounding, where the area is 0 or 1.
    return AreaUnderCurve(auc, math.sqrt(max(variance, 0.0)), wins_positive, wins_negative)


def curve_of(predictor: Predictor, positives: Vector, negatives: Vector) -> Curve:
    """The counts at all cut-offs between these values."""
    observed = np.unique(np.concatenate([positives, negatives]))
    below, above = observed[:-1], observed[1:]
    between = below / 2 + above / 2
    # Between two neighbouring floating-point numbers there is none: take the one that parts them rightly.
    if predictor.direction == "higher":
        between = np.where(between > below, between, above)
    else:
        between = np.where(between < above, between, below)
    cutoffs = np.concatenate([[observed[0] - 1], between, [observed[-1] + 1]])
    positives, negatives = np.sort(positives), np.sort(negatives)
    n1, n2 = len(positives), len(negatives)
    if predictor.direction == "higher":
        true_positives = n1 - np.searchsorted(positives, cutoffs, side="left")
        true_negatives = np.searchsorted(negatives, cutoffs, side="left")
    else:
        true_positives = np.searchsorted(positives, cutoffs, side="right")
        true_negatives = n2 - np.searchsorted(negatives, cutoffs, side="right")
    return Curve(cutoffs, true_positives, true_negatives, n1, n2)
