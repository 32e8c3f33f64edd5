"""Many weighted logistic regressions at once, by maximum likelihood or by Firth's penalised likelihood.

Firth's penalty is half the log determinant of the information (Jeffreys' prior): it takes away the bias of
first order, and its estimates are finite for separated arms, too (Firth 1993, *Biometrika* 80:27–38; Heinze
& Schemper 2002, *Stat Med* 21:2409–2419).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from mriparaspinal.stats.limits import Mask, Vector

#: Newton's steps at most, the longest step, and the step at which it ends; predictors have an SD of about 1.
_STEPS, _LONGEST, _SHORTEST = 100, 5.0, 1e-9
#: Smallest over largest eigenvalue of the cross products, or of the information: as good as none below it.
_COLLINEAR = 1e-12
#: So many steps of Fisher's before Newton's, which ends sooner, but costs more.
_SCORING = 5
#: So many steps towards the maximum without a penalty from one start to the next.
_ON_THE_WAY = (2, 2, 3, 4)
#: Between the two slopes whose difference is the curvature.
_NUDGE = 1e-5
#: Relative to the trace.
_RIDGE = 1e-15
#: A step may lose as much of the likelihood by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """The results of ``fit_many``."""

    coefficients: Vector
    """(fits, terms)"""
    likelihood: Vector
    """(fits,) logarithm of the likelihood, penalised or not."""
    converged: Mask
    """(fits,) without it the rest of a fit is of no use."""


def with_intercept(values: Vector) -> Vector:
    """(n, 1 + k) the design of (n, k) predictors."""
    return np.column_stack([np.ones(len(values)), values])


def linear_predictor(coefficients: Vector, design: Vector) -> Vector:
    """(fits, n) from (fits, terms) and a design: equal rows give equal numbers, to the last digit."""
    columns = [coefficients[:, [j]] * design[..., j] for j in range(design.shape[-1])]
    return np.asarray(sum(columns[1:], start=columns[0]), dtype=float)


def can_be_fitted(design: Vector, is_positive: Mask, weights: Vector) -> Mask:
    """(fits,) whether weighted rows have both arms, and predictors neither constant nor collinear."""
    both = (weights[:, is_positive] > 0).any(axis=1) & (weights[:, ~is_positive] > 0).any(axis=1)
    return np.asarray(both & _is_definite(_cross_products(design, weights)), dtype=bool)


@np.errstate(over="ignore", invalid="ignore")
def fit_many(
    design: Vector,
    is_positive: Mask,
    weights: Vector,
    penalised: bool,
    start: Vector | None = None,
    free: Mask | None = None,
    steps: int = _STEPS,
) -> Fits:
    """One regression for each row of ``weights`` (fits, n), which say how often each row of the table counts.

    ``design``: (n, terms), or (fits, n, terms) where each fit has its own; with a column of ones.
    ``free``: which coefficients (terms,) are estimated; the others stay as in ``start`` (fits, terms).
    ``steps``: at most.
    Newton's method, its steps halved while they lead down. By maximum likelihood
    it does not converge where a plane parts the arms: every step is as long as the one before, until there is
    no information left.
    """
    fits, terms = len(weights), design.shape[-1]
    free = np.ones(terms, dtype=bool) if free is None else free
    coefficients = np.zeros((fits, terms)) if start is None else np.array(start, dtype=float)
    converged = np.zeros(fits, dtype=bool)
    left = np.arange(fits)
    for count in range(steps):
        theirs = design if design.ndim == 2 else design[left]
        curved = penalised and count >= _SCORING
        step = _step(theirs, is_positive, weights[left], coefficients[left], penalised, free, curved)
        moved = _walk(theirs, is_positive, weights[left], coefficients[left], step, penalised)
        length = np.abs(moved - coefficients[left]).max(axis=1, initial=0.0)
        coefficients[left] = moved
        # Halved to nothing is no convergence: the step itself has to be short.
        short = np.abs(step).max(axis=1, initial=0.0) < _SHORTEST * (1 + np.abs(moved).max(axis=1))
        converged[left[short]] = True
        left = left[~short & (length > 0)]
        if not len(left):
            break
    likelihood = _likelihood(design, is_positive, weights, coefficients, penalised)
    converged &= np.isfinite(likelihood)
    if not penalised:
        _, information = _score(design, is_positive, weights, coefficients, penalised)
        converged &= _is_definite(information)
    return Fits(coefficients, likelihood, converged)


def firth_many(
    design: Vector,
    is_positive: Mask,
    weights: Vector,
    start: Vector | None = None,
    free: Mask | None = None,
) -> Fits:
    """Firth's regression for each row of ``weights``, and the highest of its likelihood's peaks.

    Near separation there are several. Newton's method begins at ``start`` (or 0) and at places on the way
    from there to the maximum of the likelihood without a penalty, which lies far off or at infinity.
    """
    fits = len(weights)
    starts = [start if start is not None else np.zeros((fits, design.shape[-1]))]
    for steps in _ON_THE_WAY:
        further = fit_many(design, is_positive, weights, False, starts[-1], free, steps)
        starts.append(further.coefficients)
    found = fit_many(
        design, is_positive, np.tile(weights, (len(starts), 1)), True, np.concatenate(starts), free
    )
    heights = np.where(found.converged, found.likelihood, -np.inf).reshape(len(starts), fits)
    # Equal peaks but for rounding are one: the first.
    best = (heights > heights.max(axis=0) - _ROUNDING).argmax(axis=0) * fits + np.arange(fits)
    return Fits(found.coefficients[best], found.likelihood[best], found.converged[best])


def _is_definite(products: Vector) -> Mask:
    """(fits,) whether no direction is as good as without information."""
    eigenvalues = np.linalg.eigvalsh(products)
    return np.asarray(eigenvalues[:, 0] > _COLLINEAR * eigenvalues[:, -1], dtype=bool)


def _cross_products(design: Vector, weights: Vector) -> Vector:
    """(fits, terms, terms) X'WX."""
    weighted = np.swapaxes(design, -1, -2) * weights[:, None, :]
    return np.asarray(weighted @ design, dtype=float)


def _step(
    design: Vector,
    is_positive: Mask,
    weights: Vector,
    coefficients: Vector,
    penalised: bool,
    free: Mask,
    curved: bool,
) -> Vector:
    """Fisher's step; ``curved``: Newton's where the penalised likelihood is concave."""
    score, information = _score(design, is_positive, weights, coefficients, penalised)
    step = _solved(information, score, free)
    if curved:
        curvature = np.empty_like(information)
        for j, nudge in enumerate(_NUDGE * np.eye(coefficients.shape[1])):
            above, _ = _score(design, is_positive, weights, coefficients + nudge, penalised)
            below, _ = _score(design, is_positive, weights, coefficients - nudge, penalised)
            curvature[:, j] = (below - above) / (2 * _NUDGE)
        newton = _solved((curvature + np.swapaxes(curvature, 1, 2)) / 2, score, free)
        upwards = (newton * score).sum(axis=1) > 0
        step[upwards] = newton[upwards]
    longest = np.abs(step).max(axis=1, initial=0.0, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST)), dtype=float)


def _score(
    design: Vector, is_positive: Mask, weights: Vector, coefficients: Vector, penalised: bool
) -> tuple[Vector, Vector]:
    """The slope (fits, terms) of the likelihood, and Fisher's information."""
    probability = expit(linear_predictor(coefficients, design))
    variance = weights * probability * (1 - probability)
    information = _cross_products(design, variance)
    residual = weights * (is_positive - probability)
    if penalised:
        inverse = _inverse(information)
        leverage = variance * ((design @ inverse) * design).sum(axis=-1)
        residual = residual + leverage * (0.5 - probability)
    return np.asarray((residual[:, None, :] @ design)[:, 0], dtype=float), information


def _solved(curvature: Vector, score: Vector, free: Mask) -> Vector:
    step = np.zeros_like(score)
    step[:, free] = (_inverse(curvature[:, free][:, :, free]) @ score[:, free, None])[:, :, 0]
    return np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0)


def _inverse(matrices: Vector) -> Vector:
    """(fits, terms, terms) with a ridge far below all digits, so that none is singular."""
    size = np.abs(np.trace(matrices, axis1=1, axis2=2))[:, None, None]
    ridge = (_RIDGE * size + np.finfo(float).tiny) * np.eye(matrices.shape[1])
    return np.asarray(np.linalg.inv(matrices + ridge), dtype=float)


def _walk(
    design: Vector, is_positive: Mask, weights: Vector, coefficients: Vector, step: Vector, penalised: bool
) -> Vector:
    before = _likelihood(design, is_positive, weights, coefficients, penalised)
    share = np.ones((len(step), 1))
    for _ in range(30):
        moved = coefficients + share * step
        after = _likelihood(design, is_positive, weights, moved, penalised)
        lost = ~(after >= before - _ROUNDING * (1 + np.abs(before)))
        if not lost.any():
            return moved
        share[lost] /= 2
    share[lost] = 0
    return np.asarray(coefficients + share * step, dtype=float)


def _likelihood(
    design: Vector, is_positive: Mask, weights: Vector, coefficients: Vector, penalised: bool
) -> Vector:
    linear = linear_predictor(coefficients, design)
    likelihood = (weights * (is_positive * linear - np.logaddexp(0, linear))).sum(axis=1)
    if penalised:
        probability = expit(linear)
        information = _cross_products(design, weights * probability * (1 - probability))
        sign, logarithm = np.linalg.slogdet(information)
        likelihood = likelihood + np.where(sign > 0, logarithm / 2, -np.inf)
    return np.asarray(likelihood, dtype=float)
