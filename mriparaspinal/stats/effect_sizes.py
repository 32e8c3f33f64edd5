"""Intervals of effect sizes for which no closed formula does: by the noncentral t, and by inversion."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from mriparaspinal.stats.limits import CONFIDENCE, Z975

Floats = NDArray[np.float64]

#: Beyond this t its noncentral distribution cannot be computed with certainty.
_LARGEST_T = 300.0


def hedges_g_unpooled(a: Floats, b: Floats) -> tuple[float, float, float]:
    """Hedges' g of two arms whose variances differ, and its 95 % interval.

    g = J·(mean_a − mean_b)/√((s_a² + s_b²)/2), the average of the two variances (Delacre et al. 2021). The
    degrees of freedom are Welch and Satterthwaite's, J = Γ(df/2)/(√(df/2)·Γ((df − 1)/2)). The interval
    inverts the noncentral t distribution of Welch's t and is scaled by J, as R's
    ``effectsize::hedges_g(pooled_sd = FALSE)`` does. Its ends are NaN where t is beyond 300. ``a`` and ``b``
    are 1-D with two values at least, not both of one value.
    """
    errors = np.array([a.var(ddof=1) / a.size, b.var(ddof=1) / b.size])
    error = math.sqrt(errors.sum())
    df = float(errors.sum() ** 2 / (errors**2 / (a.size - 1, b.size - 1)).sum())
    spread = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    correction = _small_sample_factor(df)
    difference = float(a.mean() - b.mean())
    low, high = _noncentrality(difference / error, df)
    scale = correction * error / spread
    return correction * difference / spread, low * scale, high * scale


def hedges_g_z(differences: Floats) -> tuple[float, float, float]:
    """Hedges' g of paired samples, g_z = J·mean/SD of the differences, and its 95 % interval.

    J as for :func:`hedges_g_unpooled` with df = n − 1 (Lakens, Front Psychol 2013;4:863); the interval
    inverts the noncentral t distribution, as R's ``effectsize::hedges_g(paired = TRUE)`` does.
    ``differences`` is 1-D with three values at least, not all equal.
    """
    n = differences.size
    correction = _small_sample_factor(n - 1)
    g = float(differences.mean() / differences.std(ddof=1))
    low, high = _noncentrality(g * math.sqrt(n), n - 1)
    scale = correction / math.sqrt(n)
    return correction * g, low * scale, high * scale


def matched_rank_biserial(differences: Floats) -> tuple[float, float, float]:
    """The matched-pairs rank-biserial correlation, and its 95 % interval.

    r = (R₊ − R₋)/(R₊ + R₋) of the rank sums of Wilcoxon's test (Kerby, Compr Psychol 2014;3:11.IT.3.1). The
    interval is that of R's ``effectsize::rank_biserial(paired = TRUE)``: tanh(atanh r ± 1.96·SE) with
    SE = √(n(n + 1)(2n + 1)/6)/(n(n + 1)/2) and n the differences that are not zero; none at r = ±1.
    ``differences`` is 1-D, not all zero.

    >>> [round(number, 3) for number in matched_rank_biserial(np.array([1.0, 2.0, -3.0, 4.0, 0.0, 6.0]))]
    [0.6, -0.269, 0.931]
    """
    differences = differences[differences != 0]
    n = differences.size
    ranks = stats.rankdata(np.abs(differences))
    r = float((ranks * np.sign(differences)).sum() / ranks.sum())
    if abs(r) >= 1:
        return r, math.nan, math.nan
    error = math.sqrt(n * (n + 1) * (2 * n + 1) / 6) / (n * (n + 1) / 2)
    half = Z975 * error
    return r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def _small_sample_factor(df: float) -> float:
    """J = Γ(df/2)/(√(df/2)·Γ((df − 1)/2)); of logarithms, as Γ itself is too large from df = 342 on."""
    return math.exp(special.gammaln(df / 2) - math.log(df / 2) / 2 - special.gammaln((df - 1) / 2))


def _noncentrality(t: float, df: float) -> tuple[float, float]:
    """The 95 % interval of the noncentrality of a t that was observed."""
    if t < 0:
        low, high = _noncentrality(-t, df)
        return -high, -low
    if t > _LARGEST_T:
        return math.nan, math.nan
    tail = (1 - CONFIDENCE) / 2
    return _noncentrality_at(t, df, 1 - tail), _noncentrality_at(t, df, tail)


def _noncentrality_at(t: float, df: float, share: float) -> float:
    """The noncentrality with this share of its distribution below t, which is not negative."""
    reach = 8 * math.sqrt(1 + t**2 / (2 * df)) + t / math.sqrt(df)

    def beyond(noncentrality: float) -> float:
        below = float(special.nctdtr(df, noncentrality, t))
        # SciPy gives NaN far out, where the share is 0 or 1 to all digits.
        return (float(noncentrality < t) if math.isnan(below) else below) - share

    return float(optimize.brentq(beyond, t - reach, t + reach, xtol=1e-12))


def rank_biserial_interval(r: float, n_a: int, n_b: int) -> tuple[float, float]:
    """The 95 % interval of a rank-biserial correlation of arms of n_a and n_b values.

    Method 5 of Newcombe (Stat Med 2006;25:559–573) for θ = (r + 1)/2 = U_a/(n_a·n_b), the area under the
    ROC curve: all θ with |θ̂ − θ| ≤ 1.96·√V(θ), where
    V(θ) = θ(1 − θ)/(n_a·n_b)·(1 + h·((1 − θ)/(2 − θ) + θ/(1 + θ))) with h = (n_a + n_b)/2 − 1 is Hanley and
    McNeil's variance with the mean of both sizes in place of each. There is an interval at r = ±1, too.

    >>> [round(limit, 3) for limit in rank_biserial_interval(1.0, 10, 10)]
    [0.6, 1.0]
    """
    area = (r + 1) / 2
    low = 2 * _lower_area(area, n_a, n_b) - 1
    high = 1 - 2 * _lower_area(1 - area, n_a, n_b)
    return low, high


def _lower_area(area: float, n_a: int, n_b: int) -> float:
    """The smallest θ that method 5 does not reject."""
    if area <= 0:
        return 0.0
    z2 = Z975**2
    h = (n_a + n_b) / 2 - 1

    def beyond(theta: float) -> float:
        """(θ̂ − θ)² − z²·V(θ), times n_a·n_b·(2 − θ)(1 + θ), which is positive."""
        off = n_a * n_b * (2 - theta) * (1 + theta)
        spread = z2 * theta * (2 + h + (1 + 2 * h) * theta * (1 - theta))
        if area >= 1:  # then both terms have the factor 1 − θ
            return off * (1 - theta) - spread
        return off * (area - theta) ** 2 - spread * (1 - theta)

    return float(optimize.brentq(beyond, 0.0, min(area, 1.0), xtol=1e-14))


def response_mean(mean: float, sd: float, n: int) -> tuple[float, float, float]:
    """The standardised response mean of n changes, mean / SD, and its 95 % interval.

    The interval inverts the noncentral t distribution of √n·SRM with n − 1 degrees of freedom. NaN without
    a spread; the ends are NaN where t is beyond 300.
    """
    if not sd > 0:
        return math.nan, math.nan, math.nan
    root = math.sqrt(n)
    low, high = _noncentrality(root * mean / sd, n - 1)
    return mean / sd, low / root, high / root
