"""Estimated marginal means of a model, and their differences.

Searle, Speed and Milliken (Am Stat 1980;34:216–221): the model's prediction for every combination of levels,
at the mean of each number, averaged with equal weights over all categories but those that are asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mriparaspinal.core.model import MUSCLES, SPINE
from mriparaspinal.stats.cells import in_known_order
from mriparaspinal.stats.design import ROLES, Array
from mriparaspinal.stats.formula import columns_of
from mriparaspinal.stats.limits import Mask
from mriparaspinal.stats.mixed_df import Inference
from mriparaspinal.stats.model_matrix import ModelMatrix

MEAN_COLUMNS = ["metric", "factors", "cell", "by", "at", "mean", "se", "df", "ci_low", "ci_high"]

DIFFERENCE_COLUMNS = [
    *("metric", "factors", "by", "at", "cell_a", "cell_b", "difference", "se", "df", "t", "p", "p_adjusted"),
    *("ci_low", "ci_high"),
]

_ORDERS: Mapping[str, Sequence[str]] = {"segment": SPINE, "muscle": MUSCLES, "role": ROLES}


@dataclass(frozen=True)
class _Cells:
    """The cells whose means are asked for, by level of the columns within which they are compared."""

    factors: tuple[str, ...]
    by: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    places: tuple[tuple[str, ...], ...]


def estimated_means(
    matrix: ModelMatrix, inference: Inference, factors: Sequence[str], by: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means of each combination of levels of ``factors`` within each of ``by``; and their differences.

    Intervals are from Student's t with the degrees of freedom of each mean; p is adjusted by Holm's method
    (Scand J Stat 1979;6:65–70) within each combination of ``by``. Cells are empty where the data have no row
    that the mean could be told from.
    """
    by = tuple(name for name in by if name not in factors)
    levels = {name: in_known_order(matrix.levels[name], _ORDERS.get(name, ())) for name in matrix.levels}
    asked = _Cells(
        tuple(factors),
        by,
        tuple(itertools.product(*(levels[name] for name in factors))),
        tuple(itertools.product(*(levels[name] for name in by))),
    )
    rows, known = _mean_rows(matrix, asked, levels)
    keys = list(itertools.product(asked.places, asked.cells))
    means = pd.DataFrame(
        [
            {"factors": ":".join(factors), "cell": ":".join(cell), "by": ":".join(by), "at": ":".join(place)}
            for place, cell in keys
        ]
    )
    means[["mean", "se", "df", "ci_low", "ci_high"]] = _numbers(inference, rows, known)[:, [0, 1, 2, 5, 6]]
    return means, _differences(asked, inference, rows, known)


def _mean_rows(matrix: ModelMatrix, asked: _Cells, levels: Mapping[str, Sequence[str]]) -> tuple[Array, Mask]:
    """(means, columns) the sum of coefficients that each mean is, and whether the data can tell it."""
    grid = pd.DataFrame(itertools.product(*levels.values()), columns=list(levels), dtype=object)
    for name in columns_of(matrix.terms):
        if name not in levels:
            grid[name] = float(matrix.table[name].mean())
    if grid.empty:
        grid = pd.DataFrame(index=range(1))
    own = list(grid[[*asked.by, *asked.factors]].itertuples(index=False, name=None))
    weights = np.array(
        [
            [float(line == (*place, *cell)) for line in own]
            for place, cell in itertools.product(asked.places, asked.cells)
        ]
    )
    return matrix.mean_rows(grid, weights / weights.sum(axis=1, keepdims=True))


def _numbers(inference: Inference, rows: Array, known: Mask) -> Array:
    """(rows, 7) the same as :func:`t_numbers`; NaN where the data cannot tell."""
    found = np.full((len(rows), 7), np.nan)
    found[known] = t_numbers(inference, rows[known])
    return found


def t_numbers(inference: Inference, rows: Array) -> Array:
    """(rows, 7) estimate, standard error, df, t, p and 95 % interval of sums of coefficients."""
    estimates = rows @ inference.beta
    errors = np.sqrt(np.einsum("ij,jk,ik->i", rows, inference.covariance, rows))
    df = inference.df(rows) if len(rows) else np.empty(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = estimates / errors
    half = stats.t.ppf(0.975, df) * errors
    p = 2 * stats.t.sf(np.abs(t), df)
    return np.column_stack([estimates, errors, df, t, p, estimates - half, estimates + half])


def _differences(asked: _Cells, inference: Inference, rows: Array, known: Mask) -> pd.DataFrame:
    count = len(asked.cells)
    tables = []
    for i, place in enumerate(asked.places):
        pairs = np.array(list(itertools.combinations(range(i * count, (i + 1) * count), 2))).reshape(-1, 2)
        a, b = pairs.T
        found = _numbers(inference, rows[a] - rows[b], known[a] & known[b])
        table = pd.DataFrame(
            {
                "factors": ":".join(asked.factors),
                "by": ":".join(asked.by),
                "at": ":".join(place),
                "cell_a": [":".join(asked.cells[j - i * count]) for j in a],
                "cell_b": [":".join(asked.cells[j - i * count]) for j in b],
            }
        )
        table[["difference", "se", "df", "t", "p", "ci_low", "ci_high"]] = found
        tables.append(table.assign(p_adjusted=holm(found[:, 4])))
    return pd.concat(tables, ignore_index=True)


def holm(p: Array) -> Array:
    """P adjusted by Holm's method; NaN stays, and does not count.

    >>> holm(np.array([0.01, np.nan, 0.04, 0.03])).round(3).tolist()
    [0.03, nan, 0.06, 0.06]
    """
    found = np.full(len(p), np.nan)
    there = np.flatnonzero(~np.isnan(p))
    order = there[np.argsort(p[there], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found
