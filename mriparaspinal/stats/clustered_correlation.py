"""Partial correlation of rows that share participants, or another cluster."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from mriparaspinal.stats import design
from mriparaspinal.stats.bootstrap import Clusters
from mriparaspinal.stats.design import Array
from mriparaspinal.stats.robust import FEW_DF, clustered_fit, robust_errors

ONE_DECIDES = "one cluster alone determines a coefficient: no cluster-robust standard errors"

#: An r beyond this is ±1 but for rounding.
_CERTAIN = 1 - 1e-9

TOO_FEW = f"fewer than {FEW_DF:g} degrees of freedom of clusters; take p and interval with caution"


def clustered_correlation(
    x: Array, y: Array, covariates: Array, clusters: Clusters, *, ranks: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Correlate a metric ``x`` and a score ``y`` (n,) given ``covariates`` (n, k): the numbers, and notes.

    r is that of all rows. p: the coefficient of the score in the regression of the metric on score and
    covariates, with CR2 standard error and Satterthwaite's ``df`` (:mod:`mriparaspinal.stats.robust`).
    Interval: tanh(atanh(r) ± t·se), se by the jackknife over the m clusters (Efron 1982), t with m − 1
    degrees of freedom. ``ranks``: of the values, anew without each cluster.
    """
    r = _partial_r(x, y, covariates, ranks)
    numbers: dict[str, Any] = {"r": r, "clusters": clusters.count}
    if clusters.count < 2:
        return numbers, ["all rows are of one cluster: r without p and interval"]
    values = [_ranked(v) for v in (x, y, covariates)] if ranks else [x, y, covariates]
    columns = np.column_stack([np.ones(len(x)), values[1], values[2]])
    columns[:, 1:] = (columns[:, 1:] - columns[:, 1:].mean(axis=0)) / columns[:, 1:].std(axis=0)
    b = np.linalg.lstsq(columns, values[0] - values[0].mean(), rcond=None)[0]
    left = values[0] - values[0].mean() - columns @ b
    if design.is_nothing(left, values[0]):
        return numbers, ["the score determines the metric exactly: no p and interval"]
    fit = clustered_fit(columns, left, clusters)
    if fit is None:
        return numbers, [ONE_DECIDES]
    (se,), (df,) = robust_errors(fit, np.eye(columns.shape[1])[1:2])
    numbers |= {"df": df, "p": float(2 * stats.t.sf(abs(b[1]) / se, df))}
    interval = _jackknife(r, x, y, covariates, clusters, ranks)
    notes = [TOO_FEW] if df < FEW_DF else []
    if not interval:
        notes.append("without one of the clusters r is ±1 or undefined: no interval")
    return numbers | interval, notes


def _jackknife(
    r: float, x: Array, y: Array, covariates: Array, clusters: Clusters, ranks: bool
) -> dict[str, float]:
    """The interval; nothing where r, or that without some cluster, is ±1 or undefined."""
    m = clusters.count
    without = np.array(
        [
            _partial_r(x[kept], y[kept], covariates[kept], ranks)
            for kept in (clusters.of_row != cluster for cluster in range(m))
        ]
    )
    if not (np.abs([*without, r]) < _CERTAIN).all():
        return {}
    z = np.arctanh(without)
    half = float(stats.t.ppf(0.975, m - 1)) * math.sqrt((m - 1) / m * ((z - z.mean()) ** 2).sum())
    return {"ci_low": math.tanh(math.atanh(r) - half), "ci_high": math.tanh(math.atanh(r) + half)}


def _ranked(values: Array) -> Array:
    return np.asarray(stats.rankdata(values, axis=0), dtype=float)


def _partial_r(x: Array, y: Array, covariates: Array, ranks: bool) -> float:
    """Pearson's correlation of the residuals; NaN where nothing varies."""
    if ranks:
        x, y, covariates = _ranked(x), _ranked(y), _ranked(covariates)
    if len(x) < 3 + covariates.shape[1] or design.redundant_terms(covariates, [""] * covariates.shape[1]):
        return math.nan
    a, b = design.residual(x, covariates), design.residual(y, covariates)
    if design.is_nothing(a, x) or design.is_nothing(b, y):
        return math.nan
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))
