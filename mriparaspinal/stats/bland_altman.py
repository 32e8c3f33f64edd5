"""Bland–Altman limits of agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as t_distribution

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
