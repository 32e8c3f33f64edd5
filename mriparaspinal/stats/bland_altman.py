"""Bland–Altman limits of agreement, of one value per participant and of several."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2
from scipy.stats import t as t_distribution

from mriparaspinal.stats.bootstrap import Clusters
from mriparaspinal.stats.limits import LIMITS_FACTOR, Matrix


@dataclass(frozen=True, slots=True, eq=False)
class BlandAltman:
    """Limits of agreement of two raters, in the unit of the ratings; differences are second minus first."""

    n: int
    mean: Matrix
    """(n,) mean of the two ratings of each target."""
    difference: Matrix
    """(n,) second rating minus first."""
    bias: float | None = None
    bias_ci_low: float | None = None
    bias_ci_high: float | None = None
    sd: float | None = None
    loa_low: float | None = None
    loa_low_ci_low: float | None = None
    loa_low_ci_high: float | None = None
    loa_high: float | None = None
    loa_high_ci_low: float | None = None
    loa_high_ci_high: float | None = None


def bland_altman(a: ArrayLike, b: ArrayLike) -> BlandAltman:
    """Bias and 95 % limits of agreement of two raters' values ``a`` and ``b``, both (n,) and finite.

    Differences are b − a; the limits are bias ± 1.96·SD (n − 1). Confidence intervals (95 %) are those of
    Bland & Altman 1986: t with n − 1 degrees of freedom times √(SD²/n) for the bias and, approximately,
    √(3·SD²/n) for each limit. One target has a bias only, none has nothing.

    >>> limits = bland_altman([10, 20, 30], [11, 22, 33])
    >>> limits.bias, limits.sd, round(limits.loa_high, 2)
    (2.0, 1.0, 3.96)
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or not np.isfinite([first, second]).all():
        raise ValueError("a and b: expected finite numbers of the same targets")
    n, mean, difference = len(first), (first + second) / 2, second - first
    if n == 0:
        return BlandAltman(n, mean, difference)
    bias = float(difference.mean())
    if n == 1:
        return BlandAltman(n, mean, difference, bias)
    sd = float(difference.std(ddof=1))
    low, high = bias - LIMITS_FACTOR * sd, bias + LIMITS_FACTOR * sd
    t = float(t_distribution.ppf(0.975, n - 1))
    half_bias, half_limit = t * sd / math.sqrt(n), t * sd * math.sqrt(3 / n)
    return BlandAltman(
        n, mean, difference,
        bias, bias - half_bias, bias + half_bias,
        sd,
        low, low - half_limit, low + half_limit,
        high, high - half_limit, high + half_limit,
    )  # fmt: skip


#: The fields of :class:`RepeatedLimits`.
REPEATED_COLUMNS = (
    "variance_within", "variance_between", "sd", "bias_ci_low", "bias_ci_high", "loa_low", "loa_low_ci_low",
    "loa_low_ci_high", "loa_high", "loa_high_ci_low", "loa_high_ci_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepeatedLimits:
    """Limits of agreement where participants have several values; None without repeats."""

    variance_within: float | None = None
    variance_between: float | None = None
    """Of the participants' mean differences, 0 where its estimate is below."""
    sd: float | None = None
    """√(variance_within + variance_between)."""
    bias_ci_low: float | None = None
    bias_ci_high: float | None = None
    loa_low: float | None = None
    loa_low_ci_low: float | None = None
    loa_low_ci_high: float | None = None
    loa_high: float | None = None
    loa_high_ci_low: float | None = None
    loa_high_ci_high: float | None = None


def repeated_limits(difference: Matrix, clusters: Clusters) -> RepeatedLimits:
    """Limits of agreement from ``difference`` (n,) of targets whose true values vary within participants.

    Bland & Altman 2007 (*J Biopharm Stat* 17:571–582): the variances within and between participants from a
    one-way analysis of variance of the differences; limits bias ± 1.96·√(their sum), where the bias is the
    mean of all differences. Intervals of the limits by MOVER, from those of the bias and the two mean squares
    (Zou 2013, *Stat Methods Med Res* 22:630–642); of the bias by Student's t with m − 1 degrees of freedom
    of m participants.

    >>> limits = repeated_limits(np.array([1.0, 3, 4, 6, 8, 8]), Clusters(np.array([0, 0, 1, 1, 2, 2]), 3))
    >>> round(limits.variance_within, 3), round(limits.variance_between, 3), round(limits.loa_high, 2)
    (1.333, 8.333, 11.09)
    """
    n, m = len(difference), clusters.count
    if m < 2 or n == m:
        return RepeatedLimits()
    bias = float(difference.mean())
    each = clusters.sums(np.ones(n))
    means = clusters.sums(difference) / each
    within = float(((difference - means[clusters.of_row]) ** 2).sum()) / (n - m)
    between_square = float((each * (means - bias) ** 2).sum()) / (m - 1)
    per_participant = (n - float((each**2).sum()) / n) / (m - 1)
    between = max((between_square - within) / per_participant, 0.0)
    variance = within + between
    share = 1 / per_participant if between > 0 else 0.0
    parts = ((share * between_square, m - 1), ((1 - share) * within, n - m))
    down = math.sqrt(sum((square * (1 - df / chi2.ppf(0.975, df))) ** 2 for square, df in parts))
    up = math.sqrt(sum((square * (df / chi2.ppf(0.025, df) - 1)) ** 2 for square, df in parts))
    error = math.sqrt(within / n + between * float((each**2).sum()) / n**2)
    half = float(t_distribution.ppf(0.975, m - 1)) * error
    sd = math.sqrt(variance)
    inner = math.hypot(half, LIMITS_FACTOR * (sd - math.sqrt(max(variance - down, 0.0))))
    outer = math.hypot(half, LIMITS_FACTOR * (math.sqrt(variance + up) - sd))
    low, high = bias - LIMITS_FACTOR * sd, bias + LIMITS_FACTOR * sd
    return RepeatedLimits(
        within, between, sd,
        bias - half, bias + half,
        low, low - outer, low + inner,
        high, high - inner, high + outer,
    )  # fmt: skip
