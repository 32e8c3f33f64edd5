"""The logistic combination of several predictors."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import linprog
from scipy.special import expit
from statsmodels.discrete.discrete_model import Logit

from mriparaspinal.stats.limits import TOO_LARGE, TOO_SMALL, Mask, Vector, of_usual_size


def logistic_probabilities(values: Vector, is_positive: Mask) -> Vector | str:
    """(n,) predicted probabilities from (n, k) predictors, or why there are none."""
    reason = why_no_regression(values, is_positive)
    if reason:
        return reason
    design = scaled_design(values)
    # In sorted order, so that the order of the table's rows does not reach the last digits.
    order = np.lexsort((is_positive, *values.T))
    if separated(design[order], is_positive[order]):
        return "the predictors separate the arms, so the regression has no finite solution"
    coefficients = _fit(design[order], is_positive[order])
    if coefficients is None:
        return "the regression did not converge"
    # Summed column by column: a matrix product may round equal rows differently, and break their tie.
    linear = sum(b * column for b, column in zip(coefficients, design.T, strict=True))
    return np.asarray(expit(linear), dtype=float)


def why_no_regression(values: Vector, is_positive: Mask) -> str:
    """Why there can be no regression on (n, k) predictors at all; empty where there can."""
    if is_positive.all() or not is_positive.any():
        return "not both positives and negatives have all predictors"
    if not of_usual_size(values).all():
        return f"a predictor has values beyond {TOO_LARGE:g}, or nearer to zero than {TOO_SMALL:g}"
    if (np.ptp(values, axis=0) == 0).any():
        return "a predictor is constant"
    design = scaled_design(values)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return "the predictors are collinear"
    return ""


def scaled_design(values: Vector) -> Vector:
    """(n, 1 + k) an intercept and the predictors scaled to 0–1.

    The probabilities are the same, and the fit does not depend on the units.
    """
    return np.column_stack([np.ones(len(values)), (values - values.min(axis=0)) / np.ptp(values, axis=0)])


def separated(design: Vector, is_positive: Mask) -> bool:
    """Whether a plane parts the arms, completely or with points on it (Konis 2007; Albert & Anderson 1984).

    The maximum-likelihood estimate exists only if none does. A linear program looks for a direction in which
    no participant lies on the wrong side and as much as possible on the right side. Where there is one, it
    can be stretched up to the bounds; where there is none, only 0 is left.
    """
    towards = np.where(is_positive[:, None], design, -design)
    found = linprog(-towards.sum(axis=0), A_ub=-towards, b_ub=np.zeros(len(design)), bounds=(-1, 1))
    return bool(found.success and np.abs(found.x).max() > 0.5)


def _fit(design: Vector, is_positive: Mask) -> Vector | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they would say is looked at below
        try:
            result = Logit(is_positive.astype(float), design).fit(disp=0, maxiter=100)
        except np.linalg.LinAlgError:
            return None
    coefficients = np.asarray(result.params, dtype=float)
    return coefficients if result.mle_retvals["converged"] and np.isfinite(coefficients).all() else None
