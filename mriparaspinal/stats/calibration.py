"""Calibration of predicted probabilities: intercept and slope, and observed shares in groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from statsmodels.stats.proportion import proportion_confint

from mriparaspinal.stats.limits import Mask, Vector
from mriparaspinal.stats.logistic_fits import fit_many

#: The columns of ``roc_calibration.csv``.
CALIBRATION_COLUMNS = ("group", "n", "n_positive", "predicted", "observed", "ci_low", "ci_high")

#: Patients in a group, at least (but for ties); and groups at most.
_IN_GROUP, _MOST_GROUPS = 5, 10
#: Probabilities that differ by less are equal.
_DIGITS = 12
#: A linear predictor whose SD is smaller is constant.
_CONSTANT = 1e-12


def recalibrated(linear: Vector, is_positive: Mask) -> Vector:
    """(models, 2) intercept and slope of the outcome's logistic regression on linear predictors (models, n).

    0 and 1 for a model that is right (Cox 1958, *Biometrika* 45:562–565); NaN where they are not finite.
    """
    centre, spread = linear.mean(axis=1, keepdims=True), linear.std(axis=1, keepdims=True)
    found = np.full((len(linear), 2), np.nan)
    there = (spread[:, 0] > _CONSTANT) & np.isfinite(spread[:, 0])
    if not there.any():
        return found
    scaled = (linear[there] - centre[there]) / spread[there]
    design = np.stack([np.ones_like(scaled), scaled], axis=2)
    fits = fit_many(design, is_positive, np.ones_like(scaled), penalised=False)
    slope = fits.coefficients[:, 1] / spread[there, 0]
    intercept = fits.coefficients[:, 0] - slope * centre[there, 0]
    found[there] = np.where(fits.converged[:, None], np.column_stack([intercept, slope]), np.nan)
    return found


def calibration_groups(probability: Vector, is_positive: Mask) -> pd.DataFrame:
    """Groups of five patients or more by predicted probability, with ``CALIBRATION_COLUMNS``.

    At most ten groups, of about equal size; equal probabilities stay together. The intervals of the
    observed shares are Wilson's.
    """
    n = len(probability)
    groups = min(max(n // _IN_GROUP, 1), _MOST_GROUPS)
    ranks = rankdata(np.round(probability, _DIGITS))
    group = np.minimum(((ranks - 0.5) * groups / n).astype(int), groups - 1)
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(np.unique(group), 1):
        mine = group == one
        count, size = int(is_positive[mine].sum()), int(mine.sum())
        low, high = proportion_confint(count, size, method="wilson")
        row = {"group": number, "n": size, "n_positive": count, "predicted": float(probability[mine].mean())}
        # Wilson's limits at 0 and n are 0 and 1, but for the rounding of the formula.
        limits = {"ci_low": 0.0 if count == 0 else low, "ci_high": 1.0 if count == size else high}
        rows.append({**row, "observed": count / size, **limits})
    return pd.DataFrame(rows, columns=list(CALIBRATION_COLUMNS))
