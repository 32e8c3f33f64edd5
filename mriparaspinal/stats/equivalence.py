"""Two one-sided tests (TOST): is a difference smaller than a margin that was stated beforehand?

Schuirmann (J Pharmacokinet Biopharm 1987;15:657–680): equivalent at 5 % where both one-sided tests, against
−margin and against +margin, reject at 5 %, which is where the 90 % interval lies between the two. The p of
equivalence is the larger of both. Each is made by the test that the row has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from mriparaspinal.stats.arms import pair_differences
from mriparaspinal.stats.exact_ranks import MOST_DIFFERENCES, PAIRS_OF_VALUES
from mriparaspinal.stats.shift import Shift, hodges_lehmann, pseudo_median, without_rounding_errors

Floats = NDArray[np.float64]

#: Of the interval that goes with two one-sided tests at 5 %.
CONFIDENCE_OF_BOTH = 0.90


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether a difference is smaller than the margin; NaN without a test."""

    p: float = math.nan
    ci90_low: float = math.nan
    """Of the difference, in the unit of the values."""
    ci90_high: float = math.nan


def equivalence(a: ArrayLike, b: ArrayLike, test: str, margin: float) -> Equivalence:
    """Two one-sided tests of two independent arms; ``test``: what :func:`compare_arms` chose for them.

    ``student_t`` and ``welch_t``: t-tests. ``mann_whitney_u``: Mann–Whitney tests of a ± margin against b,
    exact where n_a·n_b is below 400 and no two values are equal, else asymptotic, corrected for ties, without
    continuity correction; the interval is Hodges and Lehmann's. No test where ``test`` is empty.

    >>> round(equivalence([1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 2.0, 4.0], "student_t", 5).p, 5)
    0.00051
    """
    x, y = (np.asarray(arm, dtype=float) for arm in (a, b))
    x, y = np.sort(x[np.isfinite(x)]), np.sort(y[np.isfinite(y)])
    if test in ("student_t", "welch_t"):
        equal = test == "student_t"
        p = float(ttost_ind(x, y, -margin, margin, usevar="pooled" if equal else "unequal")[0])
        interval = stats.ttest_ind(x, y, equal_var=equal).confidence_interval(CONFIDENCE_OF_BOTH)
        return Equivalence(p, float(interval.low), float(interval.high))
    if test != "mann_whitney_u":
        return Equivalence()
    size = float(max(np.abs(x).max(), np.abs(y).max(), margin))
    y = without_rounding_errors(y, size)

    def one_sided(moved: Floats, alternative: str) -> Any:
        distinct = np.unique(np.concatenate([moved, y])).size == x.size + y.size
        method = "exact" if distinct and x.size * y.size < PAIRS_OF_VALUES else "asymptotic"
        return stats.mannwhitneyu(moved, y, use_continuity=False, alternative=alternative, method=method)

    sides = ((x + margin, "greater"), (x - margin, "less"))
    p = max(float(one_sided(without_rounding_errors(m, size), way).pvalue) for m, way in sides)
    return _with(p, hodges_lehmann(x, y, CONFIDENCE_OF_BOTH))


def paired_equivalence(a: ArrayLike, b: ArrayLike, test: str, margin: float) -> Equivalence:
    """The same of pairs; ``test``: what :func:`compare_pairs` chose for them.

    ``paired_t``: t-tests. ``wilcoxon``: signed-rank tests of the differences ± margin, those of zero dropped,
    exact where there are 20 at most and no two ranks nor zeros are shared; the interval is that of the
    pseudo-median.
    """
    differences, size = pair_differences(a, b)
    if test == "paired_t":
        p = float(ttost_paired(differences, np.zeros(differences.size), -margin, margin)[0])
        interval = stats.ttest_1samp(differences, 0.0).confidence_interval(CONFIDENCE_OF_BOTH)
        return Equivalence(p, float(interval.low), float(interval.high))
    if test != "wilcoxon":
        return Equivalence()
    size = max(size, margin)
    differences = without_rounding_errors(differences, size)

    def one_sided(moved: Floats, alternative: str) -> float:
        left = moved[moved != 0]
        if left.size == 0:
            return 1.0  # all of them lie on the margin itself
        distinct = np.unique(np.abs(left)).size == differences.size
        method = "exact" if distinct and left.size <= MOST_DIFFERENCES else "asymptotic"
        return float(stats.wilcoxon(left, correction=False, alternative=alternative, method=method).pvalue)

    sides = ((differences + margin, "greater"), (differences - margin, "less"))
    p = max(one_sided(without_rounding_errors(moved, size), way) for moved, way in sides)
    return _with(p, pseudo_median(differences, CONFIDENCE_OF_BOTH))


def _with(p: float, interval: Shift) -> Equivalence:
    return Equivalence(p, interval.low, interval.high)
