"""Hodges–Lehmann estimates: how far two samples, or two sides, lie apart in the unit of the data.

Both estimates are medians of many differences, and the ends of their intervals are ordered differences of the
same kind (Hodges and Lehmann, Ann Math Stat 1963;34:598–611): the k-th from below and from above, with k from
the distribution of the rank test's statistic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mriparaspinal.stats.exact_ranks import (
    MOST_DIFFERENCES,
    PAIRS_OF_VALUES,
    Counts,
    signed_rank_counts,
    u_counts,
)
from mriparaspinal.stats.limits import CONFIDENCE

Floats = NDArray[np.float64]

#: Up to so many differences are made one by one; more are counted.
_MOST_AT_ONCE = 1_000_000

#: Differences that are closer than this share of the largest value are equal but for rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Shift:
    """An estimate with its interval; the ends are NaN where there is none."""

    estimate: float
    low: float = math.nan
    high: float = math.nan


def hodges_lehmann(a: Floats, b: Floats, confidence: float = CONFIDENCE) -> Shift:
    """The median of all differences a − b, and the interval that inverts the Mann–Whitney test.

    Where n_a·n_b is below 400 and no value occurs twice in an arm, k is the exact quantile of U, as in R's
    ``wilcox.test(conf.int = TRUE)``; else k = ⌊n_a·n_b/2 − z·σ⌋ + 1 with the σ of U that is corrected for
    ties within the arms and without a continuity correction (R: ``exact = FALSE, correct = FALSE``). There is
    no interval where the arms are too small for this confidence, or all differences are equal. ``a`` and
    ``b`` are 1-D, finite and not empty.

    >>> hodges_lehmann(np.array([1.0, 4.0, 9.0, 16.0]), np.array([2.0, 3.0, 5.0, 7.0]))
    Shift(estimate=2.0, low=-6.0, high=14.0)
    """
    m, n = a.size, b.size
    total = m * n
    ties = [np.unique(arm, return_counts=True)[1] for arm in (a, b)]
    if total < PAIRS_OF_VALUES and all(counts.max() == 1 for counts in ties):
        k = _exact_quantile(u_counts, (m, n), confidence)
    else:
        tied = sum(float(np.sum(counts.astype(float) ** 3 - counts)) for counts in ties)
        variance = total / 12 * (m + n + 1 - tied / ((m + n) * (m + n - 1)))
        k = _normal_quantile(total, variance, confidence)
    size = float(max(np.abs(a).max(), np.abs(b).max()))
    if total <= _MOST_AT_ONCE:
        return _shift(k, total, size, lambda ranks: _ordered(np.subtract.outer(a, b).ravel(), ranks))
    b = np.sort(b)

    def count(limit: float) -> int:
        """How many differences are not above a limit."""
        return total - int(np.searchsorted(b, a - limit, side="left").sum())

    return _shift(k, total, size, lambda ranks: _searched(count, a.min() - b[-1], a.max() - b[0], ranks))


def pseudo_median(differences: Floats, confidence: float = CONFIDENCE) -> Shift:
    """The median of all Walsh averages (d_i + d_j)/2, i ≤ j, and the interval that inverts Wilcoxon's test.

    Differences of zero stay in. Where there are 20 at most and no two are equal, k is the exact quantile of
    the signed-rank sum, else ⌊M/2 − z·σ⌋ + 1 with M = n(n + 1)/2, as for :func:`hodges_lehmann`.
    ``differences`` is 1-D, finite and not empty.

    >>> pseudo_median(np.array([-1.0, 2.0, 3.0, 5.0, 8.0, 12.0]))
    Shift(estimate=5.0, low=-1.0, high=12.0)
    """
    n = differences.size
    total = n * (n + 1) // 2
    counts = np.unique(differences, return_counts=True)[1].astype(float)
    if n <= MOST_DIFFERENCES and counts.max() == 1:
        k = _exact_quantile(signed_rank_counts, (n,), confidence)
    else:
        variance = n * (n + 1) * (2 * n + 1) / 24 - float(np.sum(counts**3 - counts)) / 48
        k = _normal_quantile(total, variance, confidence)
    size = float(np.abs(differences).max())
    if total <= _MOST_AT_ONCE:
        first, second = np.triu_indices(n)
        averages = (differences[first] + differences[second]) / 2
        return _shift(k, total, size, lambda ranks: _ordered(averages, ranks))
    ordered = np.sort(differences)

    def count(limit: float) -> int:
        """How many Walsh averages are not above a limit: half of all pairs, and those of one value."""
        pairs = int(np.searchsorted(ordered, 2 * limit - ordered, side="right").sum())
        return (pairs + int(np.searchsorted(ordered, limit, side="right"))) // 2

    return _shift(k, total, size, lambda ranks: _searched(count, ordered[0], ordered[-1], ranks))


def without_rounding_errors(values: Floats, size: float) -> Floats:
    """To 13 digits of ``size``, the largest value: 0.3 − 0.2 and 0.2 − 0.1 are ties and share a rank."""
    if size == 0:
        return values
    return np.round(values, 13 - math.ceil(math.log10(size)))


def _shift(k: int, total: int, size: float, ordered: Callable[[Sequence[int]], list[float]]) -> Shift:
    """From the differences at places that are counted from 1: those in the middle, and the k-th.

    ``size``: the largest value.
    """
    low_middle, high_middle, low, high, first, last = ordered(
        [(total + 1) // 2, total // 2 + 1, max(k, 1), total + 1 - max(k, 1), 1, total]
    )
    estimate = (low_middle + high_middle) / 2
    return Shift(estimate, low, high) if k >= 1 and last - first > _ROUNDING * size else Shift(estimate)


@lru_cache(maxsize=1000)
def _exact_quantile(counts: Callable[..., Counts], sizes: tuple[int, ...], confidence: float) -> int:
    """The smallest statistic with at least half of the error at or below it; 0 for no interval.

    Where the least statistic alone has just that half, the interval between the extremes has the confidence.
    """
    below = np.cumsum(counts(*sizes)) * round(2 / (1 - confidence))  # whole numbers: one in forty is 2.5 %
    total = below[-1] // round(2 / (1 - confidence))
    return 1 if below[0] == total else int(np.argmax(below >= total))


def _normal_quantile(total: int, variance: float, confidence: float) -> int:
    return (
        math.floor(total / 2 - float(special.ndtri((1 + confidence) / 2)) * math.sqrt(max(variance, 0.0))) + 1
    )


def _ordered(differences: Floats, ranks: Sequence[int]) -> list[float]:
    places = np.array(ranks) - 1
    return [float(value) for value in np.partition(differences, np.unique(places))[places]]


def _searched(count: Callable[[float], int], low: float, high: float, ranks: Sequence[int]) -> list[float]:
    """The smallest numbers that so many differences do not exceed, by halving ``low`` to ``high``."""
    found = []
    for rank in ranks:
        below, above = math.nextafter(low, -math.inf), float(high)
        while below < (middle := below + (above - below) / 2) < above:
            below, above = (below, middle) if count(middle) >= rank else (middle, above)
        found.append(above)
    return found
