"""A logistic model of several predictors as it should be reported: validated, calibrated, with its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriparaspinal.core.text import count_of
from mriparaspinal.stats.calibration import CALIBRATION_COLUMNS, calibration_groups
from mriparaspinal.stats.decision import DECISION_COLUMNS, decision_table
from mriparaspinal.stats.limits import Mask, Vector
from mriparaspinal.stats.logistic_model import MODEL_COLUMNS, LogisticModel, fit_model, model_table
from mriparaspinal.stats.prediction import VALIDATION_COLUMNS, bootstrap, validate
from mriparaspinal.stats.roc_curve import Predictor

#: Fewer patients of the smaller arm for each predictor are few.
_FEW = 10

#: With fewer in the smaller arm there is no model: resamples hold one or two patients again and again.
_FEWEST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """The tables of a model; without rows where there is none."""

    name: str
    """How figures and notes call the model."""
    model: pd.DataFrame
    """One row per term, with ``MODEL_COLUMNS``."""
    validation: pd.DataFrame
    """One row per measure, with ``VALIDATION_COLUMNS``."""
    calibration: pd.DataFrame
    """One row per group of patients, with ``CALIBRATION_COLUMNS``."""
    decision: pd.DataFrame
    """One row per threshold probability, with ``DECISION_COLUMNS``."""


def assess(
    predictors: Sequence[Predictor], is_positive: Mask, times: int, seed: int, notes: list[str]
) -> Assessment:
    """The logistic regression on all predictors, in ``times`` resamples from ``seed``.

    It has the participants with all predictors. Where a plane parts the arms it is Firth's.
    """
    name = f"logistic({' + '.join(predictor.name for predictor in predictors)})"
    values = np.column_stack([predictor.values for predictor in predictors])
    complete = np.asarray(~np.isnan(values).any(axis=1), dtype=bool)
    missing = len(complete) - int(complete.sum())
    if missing:
        notes.append(f"{name}: {missing} of {len(complete)} participants left out: a predictor has no value")
    model = _fitted(values[complete], is_positive[complete], [predictor.name for predictor in predictors])
    if isinstance(model, str):
        notes.append(f"{name}: no model: {model}")
        empty = (MODEL_COLUMNS, VALIDATION_COLUMNS, CALIBRATION_COLUMNS, DECISION_COLUMNS)
        return Assessment(name, *(pd.DataFrame(columns=list(columns)) for columns in empty))
    _note(name, model, notes)
    coefficients = model_table(model, notes)
    optimism = bootstrap(model, times, seed, notes)
    return Assessment(
        name,
        coefficients,
        validate(model, optimism, notes),
        calibration_groups(model.probability, model.is_positive),
        decision_table(model.probability, model.is_positive, optimism.of("net_benefit")),
    )


def _fitted(values: Vector, is_positive: Mask, names: Sequence[str]) -> LogisticModel | str:
    """The model, or why there is none."""
    model = fit_model(values, is_positive, names)
    fewest = min(int(is_positive.sum()), int((~is_positive).sum()))
    if isinstance(model, str) or fewest >= _FEWEST:
        return model
    expected = f"{_FEWEST} at least, and better {_FEW} or more for each predictor, were expected"
    return f"{count_of(fewest, 'participant')} in the smaller arm; {expected}"


def is_small(n_positive: int, n_negative: int, predictors: int) -> bool:
    """Whether the smaller arm has few participants for so many predictors."""
    return min(n_positive, n_negative) < _FEW * predictors


def _note(name: str, model: LogisticModel, notes: list[str]) -> None:
    if model.is_firth:
        notes.append(
            f"{name}: the predictors separate the arms, so maximum likelihood has no finite solution: "
            "Firth's penalised estimates, with intervals and p of the penalised likelihood"
        )
    positives, n = int(model.is_positive.sum()), len(model.is_positive)
    fewest, count = min(positives, n - positives), len(model.names)
    if is_small(positives, n - positives, count):
        notes.append(
            f"{name}: {count_of(fewest, 'participant')} in the smaller arm for "
            f"{count_of(count, 'predictor')}; {_FEW * count} or more were expected; the model will probably "
            "do worse in new patients"
        )
    notes.append(
        f"{name}: probabilities and net benefit hold where {100 * positives / n:.0f} % are positive, as "
        "here; groups that were chosen have another share than a clinic"
    )
