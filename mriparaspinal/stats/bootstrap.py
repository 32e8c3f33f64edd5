"""Intervals by resampling whole participants, for values of one participant that are not independent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from mriparaspinal.stats.limits import CONFIDENCE, Matrix

#: Of the bootstrap: the same samples of participants each time.
SEED = 1

REPLICATIONS = 2000

#: An interval is given where so many of the samples, at least, have a value.
_ENOUGH = 0.95

#: Numbers held at once: participants times samples.
_AT_ONCE = 2_000_000

#: (samples, participants), how often each is drawn → (samples, values); NaN where a sample has no value.
Statistic = Callable[[Matrix], Matrix]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which rows belong to the same participant."""

    of_row: NDArray[np.intp]
    """(n,) number of each row's participant."""
    count: int

    @property
    def shared(self) -> bool:
        """Whether some participant has two rows or more."""
        return self.count < len(self.of_row)

    def sums(self, values: ArrayLike) -> Matrix:
        """Sums over the rows of each participant: (n, …) → (participants, …)."""
        rows = np.asarray(values, dtype=float)
        found = np.zeros((self.count, *rows.shape[1:]))
        np.add.at(found, self.of_row, rows)
        return found


def clusters_of(ids: ArrayLike) -> Clusters:
    """Rows by their participants, which are numbered in the order of their ids."""
    names, numbers = np.unique(np.asarray(ids, dtype=str), return_inverse=True)
    return Clusters(numbers.reshape(-1), len(names))


def cluster_bootstrap(
    statistic: Statistic, participants: int, seed: int = SEED, replications: int = REPLICATIONS
) -> tuple[Matrix, Matrix]:
    """The 95 % intervals of each value of a statistic, as (lows, highs); NaN where there is none.

    Participants are drawn with replacement, with all their rows. The bounds are the expanded percentiles of
    Hesterberg 2015 (*Am Stat* 69:371–386): those at Φ(∓t·√(m/(m − 1))), with the 97.5 % quantile t of
    Student's t and m − 1 degrees of freedom, of m participants. With few participants the usual percentiles
    are too narrow. Quantiles as NumPy's and R's default (type 7).

    >>> values = np.array([1.0, 2.0, 4.0, 5.0, 9.0])
    >>> low, high = cluster_bootstrap(lambda drawn: drawn @ values[:, None] / 5, 5)
    >>> bool(1 <= low[0] < 4.2 < high[0] <= 9)
    True
    """
    if participants < 2:
        nothing = np.full(statistic(np.ones((1, participants))).shape[1], np.nan)
        return nothing, nothing
    rng = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // participants)
    parts = []
    for start in range(0, replications, at_once):
        size = min(at_once, replications - start)
        drawn = rng.integers(0, participants, size=(size, participants))
        drawn += participants * np.arange(size)[:, np.newaxis]
        times = np.bincount(drawn.reshape(-1), minlength=size * participants)
        parts.append(statistic(times.reshape(size, participants).astype(float)))
    return expanded_percentiles(np.concatenate(parts), participants)


def expanded_percentiles(samples: Matrix, participants: int) -> tuple[Matrix, Matrix]:
    """The bounds of :func:`cluster_bootstrap` from the statistic's values (samples, values)."""
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, participants - 1))
    tail = float(stats.norm.sf(t * math.sqrt(participants / (participants - 1))))
    known = np.isfinite(samples)
    bounds = np.full((2, samples.shape[1]), np.nan)
    for column in np.flatnonzero(known.mean(axis=0) >= _ENOUGH):
        bounds[:, column] = np.quantile(samples[known[:, column], column], [tail, 1 - tail])
    return bounds[0], bounds[1]
