"""Linear mixed models by restricted maximum likelihood (REML), as Bates et al. fit them in lme4.

y = X·β + Z·b + e, with b ~ N(0, σ²·Λ·Λ') and e ~ N(0, σ²): J Stat Softw 2015;67(1):1–48. The first random
effect (the participants) may have a slope; further ones (sites, scanners) have an intercept and may be
crossed with it. Λ is made of θ, one number per variance and correlation, relative to σ.

All that the likelihood needs are sums of products, gathered once: for the participants one small block each,
which are eliminated first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from mriparaspinal.stats.design import Array

#: A standard deviation below this part of the residual one counts as zero (as lme4's isSingular).
SINGULAR = 1e-4

#: So much the deviance may still fall, by Newton's reckoning, where the fit has converged.
_FLAT = 1e-6

#: A shorter step of Newton's method changes nothing.
_SHORTEST = 1e-9

#: A curvature below this part of the largest is rounding.
_STRAIGHT = 1e-8

#: A curvature downwards, or a slope where there is no curvature, that is larger is no minimum.
_FALLING = 1e-5

#: Of Newton's method; it needs three or four.
_MOST_STEPS = 15

#: Beyond this ratio of standard deviations the residual one is rounding.
_LARGEST = 1e4

#: Where the search begins: standard deviations relative to the residual one.
_STARTS = (1.0, 0.2)


@dataclass(frozen=True, eq=False)
class Grouping:
    """A random effect: whose, and for which columns."""

    name: str
    codes: NDArray[np.intp]
    """(rows,) 0 … levels − 1"""
    columns: Array
    """(rows, 1 or 2) ones; and the column of a slope."""

    @property
    def levels(self) -> int:
        """How many participants, or sites."""
        return int(self.codes.max()) + 1

    @property
    def width(self) -> int:
        """How many columns."""
        return int(self.columns.shape[1])


@dataclass(frozen=True, eq=False)
class Products:
    """Sums of products of one data set; X has orthonormal columns here."""

    first: Grouping
    others: tuple[Grouping, ...]
    n: int
    blocks: Array
    """(levels, width, width) Z'Z of each level of the first random effect."""
    across: Array
    """(levels, width, w) its Z'W, where W has the columns of the other random effects, X and y."""
    rest: Array
    """(w, w) W'W"""
    to_x: Array
    """(columns, columns) R of X = Q·R."""
    start: Array
    """(columns,) least squares on Q. Its residuals stand in the place of y: no offset costs digits."""
    scale: float
    """What they were divided by."""
    sizes: Array
    """(width,) what the columns of the first random effect were divided by: months or days are the same."""

    @property
    def fixed(self) -> int:
        """How many columns X has."""
        return len(self.to_x)

    @property
    def border(self) -> int:
        """How many levels the other random effects have."""
        return len(self.rest) - self.fixed - 1

    @property
    def parameters(self) -> int:
        """How many θ there are."""
        width = self.first.width
        return width * (width + 1) // 2 + len(self.others)

    def factor(self, theta: Array) -> Array:
        """(width, width) Λ of one level of the first random effect: lower triangular, row by row."""
        width = self.first.width
        lower = np.zeros((width, width))
        lower[np.tril_indices(width)] = theta[: self.parameters - len(self.others)]
        return lower

    def border_scale(self, theta: Array) -> Array:
        """(border,) θ of each level of the other random effects."""
        own = theta[self.parameters - len(self.others) :]
        return np.repeat(own, [grouping.levels for grouping in self.others])


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A fit that has converged."""

    products: Products
    theta: Array
    variance: float
    """σ², of the residuals."""
    beta: Array
    deviance: float
    """−2 log REML likelihood."""
    covariance: Array
    """Of β."""

    @property
    def random_covariance(self) -> Array:
        """(width, width) of the first random effect."""
        lower = self.products.factor(self.theta)
        return np.asarray(
            self.variance * lower @ lower.T / np.outer(self.products.sizes, self.products.sizes)
        )

    @property
    def other_variances(self) -> Array:
        """(other random effects,)"""
        return np.asarray(self.variance * self.theta[len(self.theta) - len(self.products.others) :] ** 2)

    @property
    def is_singular(self) -> bool:
        """Whether a variance is zero, or a correlation ±1."""
        diagonal = np.abs(np.diag(self.products.factor(self.theta)))
        others = np.abs(self.theta[len(self.theta) - len(self.products.others) :])
        return bool(min(diagonal.min(), others.min(initial=np.inf)) < SINGULAR)


def gather(y: Array, x: Array, groupings: Sequence[Grouping]) -> Products:
    """The products of y (rows,), X (rows, columns; full rank) and the random effects."""
    first, *others = groupings
    q, r = np.linalg.qr(x)
    start = q.T @ y
    left = y - q @ start
    again = q.T @ left  # what rounding has left
    start, left = start + again, left - q @ again
    scale = float(np.std(left)) or 1.0
    indicators = [np.eye(grouping.levels)[grouping.codes] for grouping in others]
    w = np.hstack([*indicators, q, (left / scale)[:, None]])
    order = np.argsort(first.codes, kind="stable")
    starts = np.flatnonzero(np.diff(first.codes[order], prepend=-1))
    sizes = np.sqrt((first.columns**2).mean(axis=0))
    z = first.columns[order] / sizes

    def summed(columns: Array) -> Array:
        return np.stack([np.add.reduceat(z[:, [j]] * columns, starts) for j in range(first.width)], axis=1)

    return Products(
        first, tuple(others), len(y), summed(z), summed(w[order]), w.T @ w, r, start, scale, sizes
    )


def reduced(products: Products, theta: Array) -> tuple[float, Array]:
    """Log |V| and [X y]'·V⁻¹·[X y], where V is the covariance of y over σ²."""
    lower, n = products.factor(theta), products.first.width
    inner = np.linalg.cholesky(lower.T @ products.blocks @ lower + np.eye(n))
    solved = lower.T @ products.across
    for j in range(n):
        for k in range(j):
            solved[:, j] -= inner[:, j, k, None] * solved[:, k]
        solved[:, j] /= inner[:, j, j, None]
    flat = solved.reshape(-1, solved.shape[2])
    log_v = 2 * float(np.log(np.einsum("ijj->ij", inner)).sum())
    left = products.rest - flat.T @ flat
    if products.border:
        s, at = products.border_scale(theta), products.border
        factor = np.linalg.cholesky(left[:at, :at] * np.outer(s, s) + np.eye(at))
        beside = np.linalg.solve(factor, s[:, None] * left[:at, at:])
        log_v += 2 * float(np.log(np.diag(factor)).sum())
        left = left[at:, at:] - beside.T @ beside
    return log_v, left


@dataclass(frozen=True, eq=False)
class Profile:
    """What follows from θ: X is orthonormal and y scaled, as in the products."""

    log_determinants: float
    """log |V| + log |X'·V⁻¹·X|"""
    residual: float
    """r² = (y − X·β)'·V⁻¹·(y − X·β)"""
    beta: Array
    inverse: Array
    """(X'·V⁻¹·X)⁻¹"""


def profile(products: Products, theta: Array) -> Profile:
    """β and all that the likelihood has of θ."""
    log_v, left = reduced(products, theta)
    factor = np.linalg.cholesky(left[:-1, :-1])
    half = np.linalg.solve(factor, np.column_stack([left[:-1, -1], np.eye(len(factor))]))
    beta = half[:, 1:].T @ half[:, 0]
    residual = float(left[-1, -1] - half[:, 0] @ half[:, 0])
    log_x = 2 * float(np.log(np.diag(factor)).sum())
    return Profile(log_v + log_x, residual, beta, half[:, 1:].T @ half[:, 1:])


def fit_reml(products: Products) -> MixedFit | None:
    """The fit of the highest likelihood; None where the search has not converged.

    The deviance is the same for θ and −θ, so the search needs no bounds: a variance of zero is an
    ordinary minimum.
    """
    free = products.n - products.fixed

    def deviance(theta: Array) -> float:
        try:
            found = profile(products, theta)
        except np.linalg.LinAlgError:
            return np.inf
        return found.log_determinants + free * np.log(found.residual) if found.residual > 0 else np.inf

    with np.errstate(all="ignore"):  # where the search tries what cannot be
        best = min((_search(deviance, products, start) for start in _STARTS), key=deviance)
        best, is_minimum = _polished(deviance, best)
    if not is_minimum or np.abs(best).max() > _LARGEST:
        return None
    theta = _signs_settled(products, best)
    found = profile(products, theta)
    variance = found.residual / free * products.scale**2
    back = np.linalg.inv(products.to_x)
    total = found.log_determinants + free * (1 + np.log(2 * np.pi * variance))
    total += 2 * float(np.log(np.abs(np.diag(products.to_x))).sum())
    return MixedFit(
        products,
        theta,
        variance,
        back @ (found.beta * products.scale + products.start),
        total,
        variance * back @ found.inverse @ back.T,
    )


def _search(deviance: Callable[[Array], float], products: Products, start: float) -> Array:
    """θ near a minimum."""
    lower = np.eye(products.first.width)[np.tril_indices(products.first.width)]
    theta = start * np.concatenate([lower, np.ones(len(products.others))])
    return np.asarray(optimize.minimize(deviance, theta, method="BFGS", options={"gtol": 1e-3}).x)


def _polished(deviance: Callable[[Array], float], theta: Array) -> tuple[Array, bool]:
    """θ after Newton's steps; and whether it is a minimum, flat and bent upwards."""
    is_minimum = False
    for _ in range(_MOST_STEPS):
        slope, bend = gradient(deviance, theta), hessian(deviance, theta)
        if not (np.isfinite(slope).all() and np.isfinite(bend).all()):
            return theta, False
        values, vectors = np.linalg.eigh(bend)
        size = max(1.0, float(np.abs(values).max()))
        along = vectors.T @ slope
        # Where the deviance does not bend, as it may if a variance is zero, a step has no measure.
        bent = np.abs(values) > _STRAIGHT * size
        step = -vectors[:, bent] @ (along[bent] / np.abs(values[bent]))
        falls = float(-step @ slope)
        flat = float(np.abs(along[~bent]).max(initial=0)) < _FALLING * size
        is_minimum = falls < _FLAT and flat and bool(values.min() > -_FALLING * size)
        here = deviance(theta)
        while deviance(theta + step) > here and np.abs(step).max() > _SHORTEST:
            step = step / 2
        if np.abs(step).max() <= _SHORTEST:
            break
        theta = theta + step
    return theta, is_minimum


def _signs_settled(products: Products, theta: Array) -> Array:
    """The θ whose standard deviations are positive, of those with the same likelihood."""
    lower = products.factor(theta)
    lower = lower * np.where(np.diag(lower) < 0, -1.0, 1.0)
    own = lower[np.tril_indices(len(lower))]
    return np.concatenate([own, np.abs(theta[len(own) :])])


def _steps(theta: Array) -> Array:
    return 0.01 * np.maximum(np.abs(theta), 0.1)


def gradient(function: Callable[[Array], float | Array], theta: Array) -> Array:
    """(θ, …) first derivatives, by central differences of two widths (Richardson)."""
    h = _steps(theta)
    found = []
    for i, e in enumerate(np.diag(h)):
        near = np.asarray(function(theta + e)) - np.asarray(function(theta - e))
        far = np.asarray(function(theta + 2 * e)) - np.asarray(function(theta - 2 * e))
        found.append((8 * near - far) / (12 * h[i]))
    return np.asarray(found)


def hessian(function: Callable[[Array], float], theta: Array) -> Array:
    """(θ, θ) second derivatives, in the same way."""
    h = _steps(theta)
    here = function(theta)

    def second(i: int, j: int, e: Array, f: Array) -> float:
        if i == j:
            return function(theta + e) - 2 * here + function(theta - e)
        pairs = (
            function(theta + e + f)
            + function(theta - e - f)
            - function(theta + e - f)
            - function(theta - e + f)
        )
        return pairs / 4

    found = np.empty((len(theta), len(theta)))
    steps = np.diag(h)
    for i, j in itertools.combinations_with_replacement(range(len(theta)), 2):
        near, far = (second(i, j, k * steps[i], k * steps[j]) / k**2 for k in (1, 2))
        found[i, j] = found[j, i] = (4 * near - far) / (3 * h[i] * h[j])
    return found


def random_effects(fit: MixedFit) -> tuple[Array, list[Array]]:
    """The predicted random effects: of the first (levels, width), and of each of the others (levels,)."""
    products, at = fit.products, fit.products.border
    lower, s = products.factor(fit.theta), products.border_scale(fit.theta)
    # Z' of y − X·β: the residuals of least squares, and what their coefficients and β differ by.
    beyond = np.append((products.start - products.to_x @ fit.beta), products.scale)
    of_first = products.across[:, :, at:] @ beyond
    of_others = products.rest[:at, at:] @ beyond
    shared = products.across[:, :, :at]
    inner = lower @ np.linalg.inv(lower.T @ products.blocks @ lower + np.eye(len(lower))) @ lower.T
    held = np.einsum("nij,njk->nik", inner, shared)
    whole = products.rest[:at, :at] - np.einsum("nik,nij->kj", shared, held)
    right = of_others - np.einsum("nik,ni->k", held, of_first)
    b = s * np.linalg.solve(whole * np.outer(s, s) + np.eye(at), s * right)
    effects = np.einsum("nij,nj->ni", inner, of_first - shared @ b)
    ends = np.cumsum([0, *(grouping.levels for grouping in products.others)])
    return effects / products.sizes, [b[i:j] for i, j in itertools.pairwise(ends)]
