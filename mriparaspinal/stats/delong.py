"""Areas under ROC curves: Hanley–McNeil and DeLong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from mriparaspinal.stats.limits import Z975, Vector


@dataclass(frozen=True, slots=True, eq=False)
class AreaUnderCurve:
    """The area under one curve and what its variance is made of."""

    auc: float
    se: float
    """Hanley–McNeil."""
    wins_positive: Vector
    """(n_positive,) for each positive, the negatives it outranks, ties as a half."""
    wins_negative: Vector
    """(n_negative,) for each negative, the positives that outrank it, ties as a half."""


def pairwise_ranks(values: Vector, others: Vector) -> tuple[Vector, Vector]:
    """For each of ``values``, how many of ``others`` lie below it and how many are level with it."""
    others = np.sort(others)
    below = np.searchsorted(others, values, side="left")
    return below.astype(float), (np.searchsorted(others, values, side="right") - below).astype(float)


def pairs_above(above: Vector, level: Vector) -> Vector:
    """How many ordered pairs (with repetition) rank above as a pair: of two that are level, a third does."""
    return above**2 + above * level + level**2 / 3


def normal_interval(estimate: float, se: float, lowest: float, highest: float) -> tuple[float, float]:
    """The 95 % interval estimate ± 1.96 SE, cut at the lowest and highest possible value."""
    return max(estimate - Z975 * se, lowest), min(estimate + Z975 * se, highest)


def p_of_half(auc: float, n1: int, n2: int) -> float:
    """SPSS's asymptotic significance of an area, null hypothesis 0.5."""
    return two_sided_p((auc - 0.5) / math.sqrt((n1 + n2 + 1) / (12 * n1 * n2)))


def two_sided_p(z: float) -> float:
    """The two-sided p of a standard normal z."""
    return float(2 * norm.sf(abs(z)))


def delong_se(wins_positive: Vector, wins_negative: Vector) -> float:
    """DeLong's standard error of an area, or of a difference between two (DeLong 1988, equations 3–6).

    The structural components V₁₀ and V₀₁ are the wins over the number of opponents. Counts from sorted arrays
    give the same as the midranks of Sun & Xu 2014, and as multiples of a half they are exact.
    """
    n1, n2 = len(wins_positive), len(wins_negative)
    v10 = float(np.sort(wins_positive).var(ddof=1)) / n2**2
    v01 = float(np.sort(wins_negative).var(ddof=1)) / n1**2
    return math.sqrt(v10 / n1 + v01 / n2)
