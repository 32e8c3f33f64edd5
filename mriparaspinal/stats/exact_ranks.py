"""Exact p-values of the rank tests for small samples, with ties: every arrangement counted, none drawn.

The shift algorithm of Streitberg and Röhmel (Statistical Software Newsletter 1986;12:10–17) counts how many
arrangements give each sum of ranks. Mid-ranks are doubled, which makes them whole numbers.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

Counts = NDArray[np.int64]

#: The Mann–Whitney test has an exact p where the product of the two sizes is below this.
PAIRS_OF_VALUES = 400

#: Wilcoxon's test has one up to so many differences that are not zero.
MOST_DIFFERENCES = 20


def mann_whitney_exact(a: Floats, b: Floats) -> float:
    """The exact two-sided p of the Mann–Whitney U test; NaN where n_a·n_b is 400 or more.

    P(|T − E| ≥ |t − E|) over all ways to deal the n_a + n_b mid-ranks into two arms of these sizes, with t
    the rank sum of arm a and E its mean (as R's ``coin``). ``a`` and ``b`` are 1-D, finite and not empty.

    >>> mann_whitney_exact(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    0.1
    """
    if a.size * b.size >= PAIRS_OF_VALUES:
        return math.nan
    ranks = _doubled_ranks(np.concatenate([a, b]))
    # Both arms are as far from their means as each other: count with the smaller one.
    own, size = (ranks[: a.size], a.size) if a.size <= b.size else (ranks[a.size :], b.size)
    ways = np.zeros((size + 1, int(ranks.sum()) + 1), dtype=np.int64)  # (values dealt, their sum)
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    # The mean of the doubled rank sum is size·(N + 1).
    return _two_sided(ways[size], int(own.sum()), 2 * size * (ranks.size + 1))


def wilcoxon_exact(differences: Floats) -> float:
    """The exact two-sided p of Wilcoxon's signed-rank test; NaN for more than 20 differences.

    Zeros are dropped first. P(|T − E| ≥ |t − E|) over the 2ⁿ ways to give the n mid-ranks of the absolute
    differences a sign, with t the sum of the positive ones. ``differences`` is 1-D, finite, not all zero.

    >>> wilcoxon_exact(np.array([1.0, 2.0, 3.0, 4.0, 0.0]))
    0.125
    """
    differences = differences[differences != 0]
    if differences.size > MOST_DIFFERENCES:
        return math.nan
    ranks = _doubled_ranks(np.abs(differences))
    total = int(ranks.sum())
    ways = np.zeros(total + 1, dtype=np.int64)
    ways[0] = 1
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    positive = int(ranks[differences > 0].sum())
    return _two_sided(ways, positive, total)


def u_counts(n_a: int, n_b: int) -> Counts:
    """How many ways to deal n_a + n_b different values into two arms give U = 0, 1, …, n_a·n_b.

    n_a·n_b is below 400, so that whole numbers of 64 bits hold them.

    >>> u_counts(2, 2).tolist()
    [1, 1, 2, 1, 1]
    """
    ways = np.zeros(n_a * n_b + 1, dtype=np.int64)
    ways[0] = 1
    for i in range(1, min(n_a, n_b) + 1):  # times (1 − q^(n + i))/(1 − q^i), a Gaussian binomial in the end
        step = max(n_a, n_b) + i
        ways[step:] -= ways[:-step].copy()
        for first in range(i):
            ways[first::i] = np.cumsum(ways[first::i])
    return ways


def signed_rank_counts(n: int) -> Counts:
    """How many of the 2ⁿ signs of the ranks 1 to n give a positive sum of 0, 1, …, n(n + 1)/2.

    >>> signed_rank_counts(3).tolist()
    [1, 1, 1, 2, 1, 1, 1]
    """
    ways = np.zeros(n * (n + 1) // 2 + 1, dtype=np.int64)
    ways[0] = 1
    for rank in range(1, n + 1):
        ways[rank:] += ways[:-rank].copy()
    return ways


def _doubled_ranks(values: Floats) -> Counts:
    return np.asarray(2 * rankdata(values), dtype=np.int64)


def _two_sided(ways: Counts, observed: int, twice_mean: int) -> float:
    """The share of the ways whose sum lies as far from the mean as the observed one, or farther."""
    distance = np.abs(2 * np.arange(ways.size) - twice_mean)
    return int(ways[distance >= abs(2 * observed - twice_mean)].sum()) / int(ways.sum())
