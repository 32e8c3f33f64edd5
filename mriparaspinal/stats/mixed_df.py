"""Tests of fixed effects with the degrees of freedom that suit the model.

Residual ones for ordinary least squares; Satterthwaite's, as Kuznetsova et al. have them in lmerTest (J Stat
Softw 2017;82(13):1–26); Kenward and Roger's (Biometrics 1997;53:983–997), as Halekoh and Højsgaard have them
in pbkrtest (J Stat Softw 2014;59(9):1–32).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy import linalg

from mriparaspinal.stats.design import Array
from mriparaspinal.stats.mixed_model import MixedFit, Products, gradient, hessian, profile

Method: TypeAlias = Literal["satterthwaite", "kenward-roger"]

#: Eigenvalues below this part of the largest one are zero.
_RANK = 1e-8

#: Kenward and Roger's method takes matrices of as many rows as there are random effects.
MOST_EFFECTS = 4000


@dataclass(frozen=True, eq=False)
class Tested:
    """An F test."""

    f: float
    df1: int
    df2: float


class Inference(Protocol):
    """What can be said of the coefficients, and of sums of them."""

    @property
    def beta(self) -> Array:
        """(columns,)"""

    @property
    def covariance(self) -> Array:
        """(columns, columns) of β, as the method has it."""

    def df(self, rows: Array) -> Array:
        """(rows,) degrees of freedom of t, for sums of the coefficients (rows, columns)."""

    def f_test(self, rows: Array) -> Tested:
        """The test that all these sums are zero."""


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Of a model without random effects."""

    beta: Array
    covariance: Array
    residual_df: int

    def df(self, rows: Array) -> Array:
        """The same for each."""
        return np.full(len(rows), float(self.residual_df))

    def f_test(self, rows: Array) -> Tested:
        """The test that all these sums are zero."""
        squares, _ = _independent_squares(self.beta, self.covariance, rows)
        return Tested(float(squares.mean()), len(squares), float(self.residual_df))


@dataclass(frozen=True, eq=False)
class Satterthwaite:
    """df = 2·v²/var(v), with the variance of the variance v of a sum from the curvature of the likelihood."""

    beta: Array
    covariance: Array
    slopes: Array
    """(parameters, columns, columns) how the covariance changes with θ and σ."""
    spread: Array
    """(parameters, parameters) the covariance of θ and σ."""

    def df(self, rows: Array) -> Array:
        """Of each sum its own."""
        variances = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        changes = np.einsum("ij,pjk,ik->ip", rows, self.slopes, rows)
        return np.asarray(2 * variances**2 / np.einsum("ip,pq,iq->i", changes, self.spread, changes))

    def f_test(self, rows: Array) -> Tested:
        """F is a mean of independent t²; df2 that of the F whose mean is the same."""
        squares, directions = _independent_squares(self.beta, self.covariance, rows)
        df = self.df(directions)
        f, q = float(squares.mean()), len(squares)
        if q == 1 or np.ptp(df) < 1e-8:
            return Tested(f, q, float(df.mean()))
        if df.min() <= 2:
            return Tested(f, q, 2.0)
        mean = float((df / (df - 2)).sum())
        return Tested(f, q, 2 * mean / (mean - q))


@dataclass(frozen=True, eq=False)
class KenwardRoger:
    """The covariance of β enlarged for that of the variances, F scaled, and df2 from the moments of both."""

    beta: Array
    covariance: Array
    """The adjusted one."""
    plain: Array
    """The one that takes the variances as known."""
    first: Array
    """(variances, columns, columns) −X'·V⁻¹·G·V⁻¹·X of each variance."""
    spread: Array
    """(variances, variances) the covariance of the variances."""

    def df(self, rows: Array) -> Array:
        """Of each sum its own."""
        return np.array([self._scaled(row[None, :])[1] for row in rows])

    def f_test(self, rows: Array) -> Tested:
        """The scaled F test that all these sums are zero."""
        squares, _ = _independent_squares(self.beta, self.covariance, rows)
        scale, df2 = self._scaled(rows)
        return Tested(scale * float(squares.mean()), len(squares), df2)

    def _scaled(self, rows: Array) -> tuple[float, float]:
        """What F is multiplied by, and df2."""
        middle = rows @ self.plain @ rows.T
        theta = rows.T @ np.linalg.pinv(middle, rcond=_RANK, hermitian=True) @ rows
        q = int(np.linalg.matrix_rank(middle, tol=_RANK * np.abs(middle).max(), hermitian=True))
        each = np.einsum("ij,jk,pkl,lm->pim", theta, self.plain, self.first, self.plain)
        traces = np.einsum("pii->p", each)
        a1 = float(traces @ self.spread @ traces)
        a2 = float(np.einsum("pij,qji,pq->", each, each, self.spread))
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2) if a2 else np.nan
        below = 3 * q + 2 * (1 - g)
        c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
        v0, v1, v2 = 1 + c1 * b, 1 - c2 * b, 1 - c3 * b
        mean = 1 - a2 / q
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 1.0 if max(abs(mean), abs(v1)) < 1e-14 else np.divide(mean, v1)
            # With 4 degrees of freedom F has no variance, and v2 is 0.
            rho = np.divide(ratio**2 * v0 * (abs(v0) > 1e-10), v2) / q
            df2 = float(4 + (q + 2) / (q * rho - 1))
        return (1.0 if abs(df2 - 2) < 0.01 else float(df2 * mean / (df2 - 2))), df2


def _independent_squares(beta: Array, covariance: Array, rows: Array) -> tuple[Array, Array]:
    """The squares of t of independent sums that span the same as rows, and these sums (q, columns)."""
    middle = rows @ covariance @ rows.T
    values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    kept = values > _RANK * values.max()
    directions = vectors[:, kept].T @ rows
    return (directions @ beta) ** 2 / values[kept], directions


def satterthwaite(fit: MixedFit) -> Satterthwaite:
    """From the curvature of the REML deviance in θ and σ."""
    products, sigma = fit.products, np.sqrt(fit.variance) / fit.products.scale
    free = products.n - products.fixed
    back = np.linalg.inv(products.to_x) * products.scale

    def log_determinants(theta: Array) -> float:
        return profile(products, theta).log_determinants

    def residual(theta: Array) -> float:
        return profile(products, theta).residual

    k = len(fit.theta)
    bend = np.empty((k + 1, k + 1))
    bend[:k, :k] = hessian(log_determinants, fit.theta) + hessian(residual, fit.theta) / sigma**2
    bend[k, :k] = bend[:k, k] = -2 * gradient(residual, fit.theta) / sigma**3
    bend[k, k] = 4 * free / sigma**2
    values, vectors = np.linalg.eigh(bend)
    kept = values > _RANK * values.max()
    spread = 2 * (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    changes = gradient(lambda theta: profile(products, theta).inverse, fit.theta) * sigma**2
    slopes = np.concatenate([changes, 2 * sigma * profile(products, fit.theta).inverse[None]])
    return Satterthwaite(fit.beta, fit.covariance, back @ slopes @ back.T, spread)


def kenward_roger(fit: MixedFit) -> KenwardRoger:
    """From the expected information on the variances."""
    products = fit.products
    k, zx, xx = _crossproducts(products)
    parts = _derivatives(products)
    lower = _whole_factor(products, fit.theta)
    inner = lower.T @ k @ lower + np.eye(len(k))
    t = lower @ np.linalg.solve(inner, lower.T)
    j = np.eye(len(k)) - k @ t
    variance = fit.variance / products.scale**2
    # Z'·V⁻¹·X, Z'·V⁻¹·Z, and the same with V⁻².
    f1, m1 = j @ zx / variance, j @ k / variance
    f2, m2 = j @ f1 / variance, j @ m1 / variance
    tk = t @ k
    txs = [zx.T @ t @ zx, zx.T @ tk @ t @ zx, zx.T @ tk @ tk @ t @ zx]
    xv2x = (xx - 2 * txs[0] + txs[1]) / variance**2
    xv3x = (xx - 3 * txs[0] + 3 * txs[1] - txs[2]) / variance**3
    plain = profile(products, fit.theta).inverse * variance
    count = len(parts) + 1  # the variances of the random effects, and that of the residuals
    first = np.stack([*(-f1.T @ d @ f1 for d in parts), -xv2x])
    second = np.empty((count, count, *xx.shape))
    traces = np.empty((count, count))
    md = [m1 @ d for d in parts]
    for r, d in enumerate(parts):
        for s, e in enumerate(parts):
            second[r, s] = f1.T @ d @ m1 @ e @ f1
            traces[r, s] = np.einsum("ij,ji->", md[r], md[s])
        second[-1, r] = f2.T @ d @ f1
        second[r, -1] = second[-1, r].T
        traces[-1, r] = traces[r, -1] = np.einsum("ij,ji->", m2, d)
    second[-1, -1] = xv3x
    traces[-1, -1] = (products.n - 2 * np.trace(tk) + np.einsum("ij,ji->", tk, tk)) / variance**2
    pp = plain @ first
    information = traces - 2 * np.einsum("ij,rsij->rs", plain, second) + np.einsum("rij,sji->rs", pp, pp)
    spread = 2 * np.linalg.pinv((information + information.T) / 2, rcond=1e-10, hermitian=True)
    middle = second - np.einsum("rij,jk,skl->rsil", first, plain, first)
    change = np.einsum("rs,rsij->ij", spread, middle)
    adjusted = plain + 2 * plain @ ((change + change.T) / 2) @ plain
    back = np.linalg.inv(products.to_x) * products.scale
    forth = products.to_x.T / products.scale
    return KenwardRoger(
        fit.beta, back @ adjusted @ back.T, back @ plain @ back.T, forth @ first @ forth.T, spread
    )


def _crossproducts(products: Products) -> tuple[Array, Array, Array]:
    """Z'Z, Z'X and X'X, with the columns of Z level by level, those of the other random effects last."""
    at, width = products.border, products.first.width
    size = products.first.levels * width
    k = np.zeros((size + at, size + at))
    k[:size, :size] = linalg.block_diag(*products.blocks)
    across = products.across.reshape(size, -1)
    k[:size, size:] = across[:, :at]
    k[size:, :size] = across[:, :at].T
    k[size:, size:] = products.rest[:at, :at]
    zx = np.vstack([across[:, at:-1], products.rest[:at, at:-1]])
    return k, zx, products.rest[at:-1, at:-1]


def _whole_factor(products: Products, theta: Array) -> Array:
    blocks = [products.factor(theta)] * products.first.levels
    return np.asarray(linalg.block_diag(*blocks, np.diag(products.border_scale(theta))))


def _derivatives(products: Products) -> list[Array]:
    """By variance or covariance of the random effects the derivative of the covariance of all effects."""
    width, levels, at = products.first.width, products.first.levels, products.border
    size = width * levels
    found = []
    for i in range(width):
        for j in range(i + 1):
            one = np.zeros((width, width))
            one[i, j] = one[j, i] = 1.0
            found.append(linalg.block_diag(np.kron(np.eye(levels), one), np.zeros((at, at))))
    start = size
    for grouping in products.others:
        diagonal = np.zeros(size + at)
        diagonal[start : start + grouping.levels] = 1.0
        found.append(np.diag(diagonal))
        start += grouping.levels
    return found
