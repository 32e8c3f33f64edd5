"""The intraclass correlations and the CV of samples of participants, all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mriparaspinal.stats.bootstrap import Clusters, Statistic
from mriparaspinal.stats.limits import Matrix

#: A sum of squares below this share of what it is taken from is rounding.
_NOTHING = 1e-12


def icc_and_cv(matrix: ArrayLike, clusters: Clusters) -> Statistic:
    """The six ICCs of :mod:`mriparaspinal.stats.icc`, in their order, and the CV in per cent, of samples.

    ``matrix`` (n targets, k raters). The statistic takes how often each participant is in each sample,
    (samples, participants), and gives (samples, 7); NaN where a sample has no value.

    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> of_samples = icc_and_cv(ratings, Clusters(np.arange(6), 6))
    >>> of_samples(np.ones((1, 6))).round(2)[0, :3].tolist()
    [0.17, 0.29, 0.71]
    """
    x = np.asarray(matrix, dtype=float)
    k = x.shape[1]
    centred = x - x.mean()
    target = centred.mean(axis=1)
    # From the first rater: exactly 0 for equal ratings.
    apart = x - x[:, :1]
    within = ((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    mean = x.mean(axis=1)
    has_mean = np.abs(mean) > _NOTHING * np.abs(x).max(axis=1)
    relative = np.where(has_mean, within / (k - 1) / np.where(has_mean, mean, 1) ** 2, 0)
    columns = (np.ones(len(x)), target, target**2, within, has_mean, relative, *centred.T)
    sums = clusters.sums(np.column_stack(columns))

    def of_samples(times: Matrix) -> Matrix:
        n, targets, squares, within, with_mean, relative, *raters = (times @ sums).T
        with np.errstate(divide="ignore", invalid="ignore"):
            grand = targets / n
            of_targets = _above(k * (squares - n * grand**2), k * squares)
            of_raters = n * sum((rater / n - grand) ** 2 for rater in raters)
            iccs = _forms(n, k, of_targets, np.minimum(of_raters, within), within)
            cv = 100 * np.sqrt(relative / with_mean)
        return np.column_stack([*iccs, cv])

    return of_samples


def _above(part: Matrix, whole: Matrix) -> Matrix:
    """A sum of squares, 0 where it is rounding only."""
    return np.where(part > _NOTHING * whole, part, 0)


def _forms(n: Matrix, k: int, targets: Matrix, raters: Matrix, within: Matrix) -> list[Matrix]:
    """ICC(1,1), (A,1), (C,1), (1,k), (A,k), (C,k) from sums of squares of n targets and k raters."""
    t, r = targets / (n - 1), raters / (k - 1)
    e, w = _above(within - raters, within) / ((n - 1) * (k - 1)), within / (n * (k - 1))
    average = n * t + r - e
    found = [
        (t - w) / (t + (k - 1) * w),
        n * (t - e) / (n * t + k * r + (k * n - k - n) * e),
        (t - e) / (t + (k - 1) * e),
        (t - w) / t,
        np.where(average > _NOTHING * (n * t + r), n * (t - e) / average, np.nan),
        (t - e) / t,
    ]
    return [np.where(t > 0, icc, np.nan) for icc in found]
