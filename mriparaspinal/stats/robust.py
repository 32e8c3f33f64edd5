"""Least squares with rows that are not independent: standard errors by clusters, for small numbers of them.

CR2, the "bias-reduced linearisation" of Bell & McCaffrey 2002 (*Survey Methodology* 28:169–181), with
Satterthwaite's degrees of freedom; the test of several coefficients is the approximate Hotelling's T² of
Pustejovsky & Tipton 2018 (*J Bus Econ Stat* 36:672–683). R: ``clubSandwich`` with ``vcov = "CR2"``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mriparaspinal.stats.bootstrap import Clusters
from mriparaspinal.stats.design import Array

#: Fewer degrees of freedom than this and p-values are not to be trusted.
FEW_DF = 4.0

#: Below this a cluster leaves nothing free: it determines a coefficient alone.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredFit:
    """A fit of least squares whose rows belong to clusters; :func:`clustered_fit` makes it."""

    basis: Array
    """(n, k) orthonormal, of the design."""
    inverse: Array
    """(k, k) of the triangle that makes the design of the basis."""
    adjusted: Array
    """(n, k) the basis with each cluster's rows adjusted for how far the fit follows them (A·q)."""
    residual: Array
    clusters: Clusters


def clustered_fit(design: Array, residual: Array, clusters: Clusters) -> ClusteredFit | None:
    """Prepare a fit with residuals (n,) on ``design`` (n, k); None where a cluster decides a coefficient."""
    basis, triangle = np.linalg.qr(design)
    adjusted = np.zeros_like(basis)
    for cluster in range(clusters.count):
        rows = clusters.of_row == cluster
        # (I − qq')^(−1/2) q, by the singular values s of q: s/√(1 − s²) along each.
        left, singular, right = np.linalg.svd(basis[rows], full_matrices=False)
        free = 1 - singular**2
        if free.min() < _NOTHING:
            return None
        adjusted[rows] = (left * (singular / np.sqrt(free))) @ right
    return ClusteredFit(basis, np.linalg.inv(triangle), adjusted, residual, clusters)


def robust_errors(fit: ClusteredFit, contrasts: Array) -> tuple[Array, Array]:
    """CR2 standard errors and degrees of freedom of ``contrasts`` (c, k) of the coefficients, (c,) each.

    Satterthwaite's degrees of freedom take the rows as independent with equal variances, as working model.

    >>> design = np.column_stack([np.ones(6), [1.0, 2, 3, 4, 5, 6]])
    >>> clusters = Clusters(np.array([0, 0, 1, 1, 2, 2]), 3)
    >>> fit = clustered_fit(design, np.array([0.1, -0.2, 0.1, 0.1, -0.2, 0.1]), clusters)
    >>> robust_errors(fit, np.eye(2))[1].round(2).tolist()
    [1.11, 1.24]
    """
    along = _along(fit, contrasts)
    scores = fit.clusters.sums(along * fit.residual[:, np.newaxis])
    df = np.empty(len(contrasts))
    for number, own in enumerate(along.T):
        p = _covariances(fit, own[:, np.newaxis])[:, :, 0, 0]
        df[number] = np.trace(p) ** 2 / (p**2).sum()
    return np.sqrt((scores**2).sum(axis=0)), df


def wald_p(fit: ClusteredFit, b: Array, contrasts: Array) -> float:
    """Test by the approximate Hotelling's T² that all ``contrasts`` (c, k) of the coefficients ``b`` are 0.

    NaN where the clusters are too few for it.
    """
    along = _along(fit, contrasts)
    scores = fit.clusters.sums(along * fit.residual[:, np.newaxis])
    values, q = contrasts @ b, len(contrasts)
    p = _covariances(fit, along)
    expected = np.einsum("iist->st", p)
    sizes, vectors = np.linalg.eigh(expected)
    if np.linalg.matrix_rank(scores) < q or sizes.min() <= _NOTHING * sizes.max():
        return np.nan
    root = (vectors / np.sqrt(sizes)) @ vectors.T
    p = root @ p @ root
    total = np.einsum("ijss,ijtt->", p, p) + np.einsum("ijst,ijts->", p, p)
    eta = q * (q + 1) / total
    df = eta - q + 1
    if df <= 0:
        return np.nan
    statistic = values @ np.linalg.solve(scores.T @ scores, values)
    return float(stats.f.sf(df / (eta * q) * statistic, q, df))


def _along(fit: ClusteredFit, contrasts: Array) -> Array:
    """(n, c) what each row's residual adds to each contrast."""
    return np.asarray(fit.adjusted @ (fit.inverse.T @ contrasts.T))


def _covariances(fit: ClusteredFit, along: Array) -> Array:
    """(m, m, c, c) of the clusters' scores where rows are independent with variance 1."""
    # G'(I − H)G of clusters i and j: G_i'G_i on the diagonal, less (q'G)_i'(q'G)_j.
    each = fit.clusters.sums(along[:, :, np.newaxis] * along[:, np.newaxis, :])
    shared = fit.clusters.sums(fit.basis[:, :, np.newaxis] * along[:, np.newaxis, :])
    found = -np.einsum("iks,jkt->ijst", shared, shared)
    index = np.arange(fit.clusters.count)
    found[index, index] += each
    return np.asarray(found)
