"""Fisher's exact test of a table of any size, after Freeman and Halton."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

#: So many ways to fill the columns so far are looked at together.
MOST_WAYS = 500_000

#: Probabilities that differ by less than this part are the same (as in R's fisher.test).
_SAME = 1e-7

_Counts = NDArray[np.int64]

_Floats = NDArray[np.float64]


def fisher_freeman_halton(counts: ArrayLike) -> float:
    """The share of all tables with the same margins that are no more probable than this one.

    Freeman and Halton (Biometrika 1951;38:141–149). ``counts``: (rows, columns). The tables are counted
    column by column; ways that leave the same row totals with the same probability are one. NaN where a
    table has fewer than two rows or columns with counts, or more than :data:`MOST_WAYS` ways.

    >>> round(fisher_freeman_halton([[3, 1], [1, 3]]), 4)  # 34/70
    0.4857
    """
    table = np.asarray(counts, dtype=np.int64)
    table = table[:, table.sum(axis=0) > 0][table.sum(axis=1) > 0]
    if min(table.shape) < 2:
        return math.nan
    if table.shape[0] > table.shape[1]:
        table = table.T
    rows, columns = table.sum(axis=1), np.sort(table.sum(axis=0))
    log_all = _log_ways(rows)
    observed = float(sum(_log_ways(column) for column in table.T)) - log_all
    left, logs, ways = rows[None, :], np.zeros(1), np.ones(1)
    for total in columns[:-1]:
        parts = _compositions(int(total), len(rows))
        if len(left) * len(parts) > MOST_WAYS:
            return math.nan
        left, logs, ways = _merged(*_extended(left, logs, ways, parts))
    # What is left over is the last column.
    logs = logs + special.gammaln(columns[-1] + 1) - special.gammaln(left + 1).sum(axis=1) - log_all
    chosen = logs <= observed + _SAME
    return float(min(1.0, (ways[chosen] * np.exp(logs[chosen])).sum()))


def _log_ways(counts: _Counts) -> float:
    """The logarithm of the multinomial coefficient."""
    return float(special.gammaln(counts.sum() + 1) - special.gammaln(counts + 1).sum())


def _compositions(total: int, parts: int) -> _Counts:
    """All ways to write a total as a sum of ``parts`` whole numbers from 0 on, (ways, parts)."""
    if parts == 1:
        return np.array([[total]], dtype=np.int64)
    found = []
    for first in range(total + 1):
        rest = _compositions(total - first, parts - 1)
        found.append(np.column_stack([np.full(len(rest), first, dtype=np.int64), rest]))
    return np.concatenate(found)


def _extended(
    left: _Counts, logs: _Floats, ways: _Floats, parts: _Counts
) -> tuple[_Counts, _Floats, _Floats]:
    """Each way so far with each filling of the next column that the row totals allow."""
    after = left[:, None, :] - parts[None, :, :]
    kept = (after >= 0).all(axis=2)
    own = special.gammaln(parts[0].sum() + 1) - special.gammaln(parts + 1).sum(axis=1)
    counts = np.broadcast_to(ways[:, None], kept.shape)
    return after[kept], (logs[:, None] + own[None, :])[kept], counts[kept]


def _merged(left: _Counts, logs: _Floats, ways: _Floats) -> tuple[_Counts, _Floats, _Floats]:
    """Ways with the same row totals left and the same probability as one."""
    place = np.ravel_multi_index(tuple(left.T), tuple(left.max(axis=0) + 1))
    rounded = np.round(logs * 1e9)
    order = np.lexsort((rounded, place))
    place, rounded = place[order], rounded[order]
    first = np.flatnonzero(np.r_[True, (np.diff(place) != 0) | (np.diff(rounded) != 0)])
    return left[order][first], logs[order][first], np.add.reduceat(ways[order], first)
