"""Step-down max-T permutation: p-values adjusted for many rows of one contrast that are correlated.

Westfall and Young 1993 (Resampling-Based Multiple Testing, algorithm 4.1), as R's ``multtest::mt.maxT``.
Whole participants are permuted, so that their segments, muscles and sides keep together. The statistic is
|t|: Welch's for two arms, the paired one for sides; of mean ranks (signed ranks) in rows that a rank test
judges.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

Mask = NDArray[np.bool_]

#: A row has no p where more arrangements than this share leave it fewer than two values in an arm.
_MOST_EMPTY = 0.001

#: Numbers that are held at once.
_AT_ONCE = 4_000_000

#: A variance below this share of the row's own is rounding; statistics closer than this are equal.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class MaxT:
    """What the permutations gave."""

    p: Floats
    """One for each row; NaN where the arrangements leave it too few values."""
    arrangements: int
    complete: bool
    """Whether these are all that there are; else as many random ones, and the observed one."""


def max_t(values: Floats, is_a: Mask, ranked: Mask, permutations: int, seed: int) -> MaxT:
    """Adjusted p of two arms, by all arrangements where there are not more than ``permutations``.

    ``values``: (participants, rows), NaN where missing, which is left out per row. ``is_a``: who is in arm a.
    ``ranked``: which rows are tested by ranks. p is the share of arrangements in which the largest |t| of a
    row and all rows with a smaller one is as large as the row's own, made monotone.
    """
    order = np.lexsort([*values.T, is_a])  # so that the order of the participants changes no digit
    values, is_a = values[order], is_a[order]
    values = np.where(ranked, _ranks(values), values)
    values = values - np.nanmean(values, axis=0)
    there = np.isfinite(values)
    filled = np.where(there, values, 0.0)
    sums = np.hstack([there, filled, filled**2]).astype(float)
    total = sums.sum(axis=0)
    rows = values.shape[1]

    def statistics(labels: Floats) -> tuple[Floats, Mask]:
        own = labels @ sums
        (n_a, sum_a, squares_a), (n_b, sum_b, squares_b) = (
            (part[:, :rows], part[:, rows : 2 * rows], part[:, 2 * rows :]) for part in (own, total - own)
        )
        few = (n_a < 2) | (n_b < 2)
        n_a, n_b = np.maximum(n_a, 2), np.maximum(n_b, 2)
        difference = np.abs(sum_a / n_a - sum_b / n_b)
        of_row = total[2 * rows :]
        variance = np.zeros(few.shape)
        for n, part, squares in ((n_a, sum_a, squares_a), (n_b, sum_b, squares_b)):
            left = squares - part**2 / n
            variance += np.where(left > _ROUNDING * of_row, left, 0.0) / (n - 1) / n
        return _quotient(difference, variance, np.sqrt(of_row)), few

    number = math.comb(is_a.size, int(is_a.sum()))
    chunk = max(1, _AT_ONCE // (is_a.size + 8 * rows))
    if number <= permutations:
        return _adjusted(statistics, is_a, _all_labels(is_a, chunk), number, complete=True)
    return _adjusted(statistics, is_a, _random_labels(is_a, permutations, chunk, seed), permutations)


def max_t_paired(differences: Floats, ranked: Mask, permutations: int, seed: int) -> MaxT:
    """The same of pairs: the two sides of a participant change places in all rows together.

    ``differences``: (participants, rows), NaN where missing. In rows that are ``ranked`` differences of zero
    are left out, as in Wilcoxon's test.
    """
    differences = differences[np.lexsort(differences.T)]
    signed = np.where(differences == 0, np.nan, differences)
    values = np.where(ranked, np.sign(signed) * _ranks(np.abs(signed)), differences)
    there = np.isfinite(values)
    filled = np.where(there, values, 0.0)
    n, squares = np.maximum(there.sum(axis=0), 2), (filled**2).sum(axis=0)

    def statistics(signs: Floats) -> tuple[Floats, Mask]:
        mean = signs @ filled / n
        left = squares - n * mean**2
        variance = np.where(left > _ROUNDING * squares, left, 0.0) / (n - 1) / n
        few = np.broadcast_to(there.sum(axis=0) < 2, mean.shape)
        return _quotient(np.abs(mean), variance, np.sqrt(squares)), few

    people, rows = values.shape
    chunk = max(1, _AT_ONCE // (people + 4 * rows))
    observed = np.ones(people)
    if people < 60 and 2**people <= permutations:
        return _adjusted(statistics, observed, _all_signs(people, chunk), 2**people, complete=True)
    return _adjusted(statistics, observed, _random_signs(people, permutations, chunk, seed), permutations)


def _adjusted(
    statistics: Callable[[Floats], tuple[Floats, Mask]],
    observed: NDArray[np.generic],
    arrangements: Iterator[Floats],
    number: int,
    complete: bool = False,
) -> MaxT:
    own = statistics(observed[None].astype(float))[0][0]
    order = np.argsort(own, kind="stable")  # the smallest first
    reached = np.zeros(own.size, dtype=np.int64)
    empty = np.zeros(own.size, dtype=np.int64)
    limit = own[order] * (1 - _ROUNDING)
    for arrangement in arrangements:
        found, few = statistics(arrangement)
        empty += few.sum(axis=0)
        largest = np.maximum.accumulate(np.where(few, 0.0, found)[:, order], axis=1)
        reached += (largest >= limit).sum(axis=0)
    # A random sample of arrangements has the observed one added to it (Phipson and Smyth 2010).
    share = reached / number if complete else (reached + 1) / (number + 1)
    p = np.empty(own.size)
    p[order] = np.maximum.accumulate(share[::-1])[::-1]
    p[empty > _MOST_EMPTY * number] = np.nan
    return MaxT(p, number, complete)


def _quotient(difference: Floats, variance: Floats, size: Floats) -> Floats:
    """Difference over standard error; without variance infinite, or 0 where nothing differs."""
    certain = np.where(difference > _ROUNDING * size, np.inf, 0.0)
    return np.where(variance > 0, difference / np.sqrt(np.where(variance > 0, variance, 1.0)), certain)


def _ranks(values: Floats) -> Floats:
    return np.asarray(rankdata(values, axis=0, nan_policy="omit"), dtype=float)


def _all_labels(is_a: Mask, chunk: int) -> Iterator[Floats]:
    every = itertools.combinations(range(is_a.size), int(is_a.sum()))
    while chosen := list(itertools.islice(every, chunk)):
        labels = np.zeros((len(chosen), is_a.size))
        np.put_along_axis(labels, np.array(chosen), 1.0, axis=1)
        yield labels


def _random_labels(is_a: Mask, number: int, chunk: int, seed: int) -> Iterator[Floats]:
    chance = np.random.default_rng(seed)
    for size in _sizes(number, chunk):
        yield chance.permuted(np.tile(is_a.astype(float), (size, 1)), axis=1)


def _all_signs(people: int, chunk: int) -> Iterator[Floats]:
    bits = np.arange(people)
    for first in range(0, 2**people, chunk):
        numbers = np.arange(first, min(first + chunk, 2**people))
        yield np.asarray(1 - 2 * (numbers[:, None] >> bits & 1), dtype=float)


def _random_signs(people: int, number: int, chunk: int, seed: int) -> Iterator[Floats]:
    chance = np.random.default_rng(seed)
    for size in _sizes(number, chunk):
        yield np.asarray(1 - 2 * chance.integers(0, 2, (size, people)), dtype=float)


def _sizes(number: int, chunk: int) -> Iterator[int]:
    for first in range(0, number, chunk):
        yield min(chunk, number - first)
