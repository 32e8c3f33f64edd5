"""Standardised mean differences: how far two groups are apart, whatever their sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mriparaspinal.stats.limits import Z975


class MeanDifference(NamedTuple):
    """A standardised mean difference with its 95 % interval; NaN where there is none."""

    smd: float = math.nan
    low: float = math.nan
    high: float = math.nan


def smd_of_numbers(a: ArrayLike, b: ArrayLike) -> MeanDifference:
    """Of two samples, 1-D: (mean a − mean b)/√((s_a² + s_b²)/2); values that are not finite are left out.

    >>> round(smd_of_numbers([1, 2, 3, 4, 5], [3, 4, 5, 6, 7]).smd, 3)
    -1.265
    """
    x, y = (np.asarray(values, dtype=float) for values in (a, b))
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    if min(x.size, y.size) < 2:
        return MeanDifference()
    spread = math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    size = max(float(np.abs(x).max()), float(np.abs(y).max()))
    if spread <= 1e-12 * size:
        return MeanDifference()
    return _with_interval(float(x.mean() - y.mean()) / spread, x.size, y.size)


def smd_of_counts(a: Sequence[int], b: Sequence[int]) -> MeanDifference:
    """Of how often each level occurs in two groups; never negative.

    √((p − q)ᵀ·S⁻¹·(p − q)) with the shares p and q of all levels but the last and S the mean of their two
    multinomial covariances (Yang and Dalton, SAS Global Forum 2012;335). Levels that neither group has are
    left out. NaN where S has no inverse, as where the groups have no level in common.

    >>> round(smd_of_counts([22, 16], [18, 14]).smd, 4)
    0.0332
    """
    counts = np.array([a, b], dtype=float)
    counts = counts[:, counts.sum(axis=0) > 0]
    sizes = counts.sum(axis=1)
    if counts.shape[1] < 2 or sizes.min() == 0:
        return MeanDifference()
    p, q = counts[:, :-1] / sizes[:, None]
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    if np.linalg.cond(covariance) > 1e12:
        return MeanDifference()
    squared = float((p - q) @ np.linalg.solve(covariance, p - q))
    return _with_interval(math.sqrt(max(squared, 0.0)), int(sizes[0]), int(sizes[1]))


def _with_interval(smd: float, n_a: int, n_b: int) -> MeanDifference:
    """The interval d ± 1.96·√((n_a + n_b)/(n_a·n_b) + d²/(2(n_a + n_b))) (Hedges and Olkin 1985, p. 86)."""
    n = n_a + n_b
    half = Z975 * math.sqrt(n / (n_a * n_b) + smd**2 / (2 * n))
    return MeanDifference(smd, smd - half, smd + half)
