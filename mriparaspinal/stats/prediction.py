"""How a logistic model would do in new patients: optimism by bootstrap, leave-pair-out.

Harrell's bootstrap: the model is made anew in each resample; the optimism is how much better it is there than
on the patients themselves, on average (Harrell, Lee & Mark 1996, *Stat Med* 15:361–387). The interval of the
area is that of the resamples, shifted by the optimism (Noma et al. 2021, *Stat Med* 40:5691–5701).
Leave-pair-out: the share of the pairs (positive, negative) that a model made without both ranks rightly
(Airola et al. 2011, *Comput Stat Data Anal* 55:1828–1844).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from mriparaspinal.core.text import count_of
from mriparaspinal.stats.calibration import recalibrated
from mriparaspinal.stats.decision import THRESHOLDS, net_benefit
from mriparaspinal.stats.limits import CONFIDENCE, Mask, Vector
from mriparaspinal.stats.logistic_fits import linear_predictor
from mriparaspinal.stats.logistic_model import LogisticModel
from mriparaspinal.stats.resampling import resampled_counts

#: The columns of ``roc_validation.csv``.
VALIDATION_COLUMNS = (
    "measure", "n_positive", "n_negative", "apparent", "optimism", "corrected", "ci_low", "ci_high",
    "leave_pair_out", "resamples",
)  # fmt: skip

#: More pairs are not left out one by one.
MOST_PAIRS = 50_000
#: So many refits are in hand at once.
_REFITS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Optimism:
    """What the models of the resamples reach: (resamples used,) or, of net benefit, (resamples used, 99)."""

    there: dict[str, Vector]
    """By measure: in their own resample."""
    here: dict[str, Vector]
    """By measure: on the patients of the study."""

    def of(self, measure: str) -> Any:
        """The mean optimism of a measure; NaN without resamples."""
        there, here = self.there[measure], self.here[measure]
        return (there - here).mean(axis=0) if len(there) else np.full(there.shape[1:], math.nan)


def validate(model: LogisticModel, optimism: Optimism, notes: list[str]) -> pd.DataFrame:
    """Area, Brier score and calibration: apparent, optimism, corrected; with ``VALIDATION_COLUMNS``."""
    shared = {"n_positive": int(model.is_positive.sum()), "n_negative": int((~model.is_positive).sum())}
    linear = linear_predictor(model.coefficients[None], model.design)
    ones = np.ones_like(linear)
    apparent = {
        "auc": float(weighted_area(linear[0], model.is_positive, ones[0])),
        "brier": float(_brier(linear, model.is_positive, ones)[0]),
    }
    rows: list[dict[str, Any]] = []
    for measure, value in apparent.items():
        expected = float(optimism.of(measure))
        row = {"measure": measure, **shared, "apparent": value, "optimism": expected}
        row |= {"corrected": value - expected, "resamples": len(optimism.there[measure])}
        rows.append(row)
    if len(optimism.there["auc"]):
        ends = np.percentile(optimism.there["auc"], [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
        limits = np.clip(ends - rows[0]["optimism"], 0, 1)
        if ends[0] < ends[1]:
            rows[0] |= {"ci_low": float(limits[0]), "ci_high": float(limits[1])}
        else:
            notes.append("validation: the area has no interval: it is the same in all resamples")
    rows[0]["leave_pair_out"] = _leave_pair_out(model, notes)
    rows += _calibration(model, linear, optimism, shared, notes)
    return pd.DataFrame(rows, columns=list(VALIDATION_COLUMNS)).astype({"resamples": "Int64"})


def _calibration(
    model: LogisticModel, linear: Vector, optimism: Optimism, shared: dict[str, int], notes: list[str]
) -> list[dict[str, Any]]:
    apparent = np.array([[0.0, 1.0]])  # what maximum likelihood gives by itself
    if model.is_firth:
        apparent = recalibrated(linear, model.is_positive)
    if np.isnan(apparent).any():
        notes.append(
            "calibration: left empty: the model separates the arms, so its slope has no finite value"
        )
    rows = []
    for k, measure in enumerate(("calibration_intercept", "calibration_slope")):
        tested = optimism.here[measure]
        usable = tested[~np.isnan(tested)]
        row: dict[str, Any] = {"measure": measure, **shared, "apparent": float(apparent[0, k])}
        if len(usable) and not np.isnan(apparent).any():
            corrected = float(usable.mean())
            row |= {"optimism": row["apparent"] - corrected, "corrected": corrected}
            row["resamples"] = len(usable)
        rows.append(row)
    return rows


def bootstrap(model: LogisticModel, times: int, seed: int, notes: list[str]) -> Optimism:
    """The model made anew in ``times`` resamples of the patients, and judged in both."""
    rng = np.random.default_rng(seed)
    found: list[tuple[dict[str, Vector], dict[str, Vector]]] = []
    penalised = 0
    for weights in resampled_counts(len(model.design), times, rng, _REFITS):
        coefficients, usable, firth = model.refit(weights)
        penalised += firth
        linear = linear_predictor(coefficients[usable], model.design)
        found.append(_judged(linear, model.is_positive, weights[usable]))
    there, here = (
        {name: np.concatenate([parts[k][name] for parts in found]) for name in found[0][k]} for k in (0, 1)
    )
    left_out = times - len(there["auc"])
    if left_out:
        notes.append(
            f"{left_out} of {times} resamples left out: one arm only, or predictors that are constant or "
            "collinear in it"
        )
    if penalised and not model.is_firth:
        notes.append(f"{penalised} of {times} resamples have separated arms: Firth's estimates there")
    return Optimism(there, here)


def _judged(
    linear: Vector, is_positive: Mask, weights: Vector
) -> tuple[dict[str, Vector], dict[str, Vector]]:
    """The measures of models (models, n) in their resamples, and on all patients."""
    ones = np.ones_like(weights)
    probability = expit(linear)
    slopes = recalibrated(linear, is_positive)
    there, here = (
        {
            "auc": np.array([weighted_area(*of) for of in _each(linear, is_positive, counts)]),
            "brier": _brier(linear, is_positive, counts),
            "net_benefit": net_benefit(probability, is_positive, counts, THRESHOLDS),
        }
        for counts in (weights, ones)
    )
    return there, here | {"calibration_intercept": slopes[:, 0], "calibration_slope": slopes[:, 1]}


def _each(linear: Vector, is_positive: Mask, weights: Vector) -> list[tuple[Vector, Mask, Vector]]:
    return [(one, is_positive, counts) for one, counts in zip(linear, weights, strict=True)]


def weighted_area(scores: Vector, is_positive: Mask, weights: Vector) -> float:
    """The area under the ROC curve of (n,) scores, each of which counts ``weights`` times."""
    values, place = np.unique(scores, return_inverse=True)
    positives = np.bincount(place, weights * is_positive, minlength=len(values))
    negatives = np.bincount(place, weights * ~is_positive, minlength=len(values))
    below = np.cumsum(negatives) - negatives / 2
    return float((positives * below).sum() / (positives.sum() * negatives.sum()))


def _brier(linear: Vector, is_positive: Mask, weights: Vector) -> Vector:
    squares = (expit(linear) - is_positive) ** 2
    return np.asarray((weights * squares).sum(axis=1) / weights.sum(axis=1), dtype=float)


def _leave_pair_out(model: LogisticModel, notes: list[str]) -> float:
    positives, negatives = np.flatnonzero(model.is_positive), np.flatnonzero(~model.is_positive)
    pairs = np.array([(i, j) for i in positives for j in negatives])
    if len(pairs) > MOST_PAIRS:
        notes.append(f"leave-pair-out: left empty: {len(pairs)} pairs, more than {MOST_PAIRS}")
        return math.nan
    scores: list[float] = []
    for first in range(0, len(pairs), _REFITS):
        part = pairs[first : first + _REFITS]
        weights = np.ones((len(part), len(model.design)))
        weights[np.arange(len(part))[:, None], part] = 0
        coefficients, usable, _ = model.refit(weights)
        linear = linear_predictor(coefficients[usable], model.design)
        row = np.arange(len(linear))
        higher = linear[row, part[usable, 0]] - linear[row, part[usable, 1]]
        scores += (np.sign(higher) / 2 + 0.5).tolist()
    if len(scores) < len(pairs):
        left = len(pairs) - len(scores)
        notes.append(
            f"leave-pair-out: {left} of {count_of(len(pairs), 'pair')} left out: no model without them"
        )
    return float(np.mean(scores)) if scores else math.nan
