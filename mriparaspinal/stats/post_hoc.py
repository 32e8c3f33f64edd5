"""Which of several groups differ: all pairs of one row, in one family."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mriparaspinal.stats.limits import Vector
from mriparaspinal.stats.studentized_range import range_p, range_quantile


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups, by their numbers, against each other; what a test does not have is NaN."""

    a: int
    b: int
    difference: float
    """Of the means; after Dunn's test of the mean ranks. Positive where group a is larger."""
    statistic: float
    """Studentized range q, or z; with the sign of the difference."""
    p: float
    """Adjusted within the family of all pairs."""
    df: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan


def tukey(samples: Sequence[Vector]) -> list[Pair]:
    """Tukey's honestly significant difference, for unequal sizes after Kramer (Biometrics 1956;12:307–310).

    q = difference / √(MS_within/2·(1/n_a + 1/n_b)) with N − k degrees of freedom, p from the studentized
    range of k means. The intervals hold together for all pairs.
    """
    df = sum(x.size for x in samples) - len(samples)
    within = sum(float(((x - x.mean()) ** 2).sum()) for x in samples) / df
    critical = range_quantile(len(samples), df)
    found = []
    for (i, x), (j, y) in itertools.combinations(enumerate(samples), 2):
        error = math.sqrt(within / 2 * (1 / x.size + 1 / y.size))
        found.append(_of_means(i, j, x, y, error, len(samples), df, critical))
    return found


def games_howell(samples: Sequence[Vector]) -> list[Pair]:
    """Games and Howell's test (J Educ Stat 1976;1:113–125), which takes no variances for equal.

    q = difference / √((s_a²/n_a + s_b²/n_b)/2) with Welch and Satterthwaite's degrees of freedom, p from the
    studentized range of all k means.
    """
    found = []
    for (i, x), (j, y) in itertools.combinations(enumerate(samples), 2):
        a, b = x.var(ddof=1) / x.size, y.var(ddof=1) / y.size
        df = float((a + b) ** 2 / (a**2 / (x.size - 1) + b**2 / (y.size - 1)))
        critical = range_quantile(len(samples), df)
        found.append(_of_means(i, j, x, y, math.sqrt((a + b) / 2), len(samples), df, critical))
    return found


def dunn(samples: Sequence[Vector]) -> list[Pair]:
    """Dunn's test (Technometrics 1964;6:241–252) with Holm's adjustment (Scand J Stat 1979;6:65–70).

    z = difference of the mean ranks among all N values / √(V·(1/n_a + 1/n_b)), where
    V = N(N + 1)/12 − Σ(t³ − t)/(12(N − 1)) with t values in each tie.
    """
    values = np.concatenate(list(samples))
    n = values.size
    ties = np.unique(values, return_counts=True)[1].astype(float)
    variance = n * (n + 1) / 12 - float((ties**3 - ties).sum()) / (12 * (n - 1))
    parts = np.split(stats.rankdata(values), np.cumsum([x.size for x in samples])[:-1])
    pairs = list(itertools.combinations(range(len(samples)), 2))
    gaps = [float(parts[i].mean() - parts[j].mean()) for i, j in pairs]
    sizes = [1 / parts[i].size + 1 / parts[j].size for i, j in pairs]
    z = [gap / math.sqrt(variance * size) for gap, size in zip(gaps, sizes, strict=True)]
    adjusted = holm([float(2 * stats.norm.sf(abs(one))) for one in z])
    return [Pair(*pair, *numbers) for pair, *numbers in zip(pairs, gaps, z, adjusted, strict=True)]


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's step-down method, in their order.

    >>> [round(one, 3) for one in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, dtype=float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(one) for one in adjusted]


def _of_means(
    i: int, j: int, x: Vector, y: Vector, error: float, groups: int, df: float, critical: float
) -> Pair:
    difference = float(x.mean() - y.mean())
    q = difference / error
    half = critical * error
    return Pair(i, j, difference, q, range_p(abs(q), groups, df), df, difference - half, difference + half)
