"""What ``roc`` reports beside the curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class RocArguments(TypedDict, total=False):
    """What is asked for beside the curves: further arguments of :func:`mriparaspinal.roc`."""

    validate: bool
    """A logistic model of all predictors, and how it would do in new patients."""
    specificity: Sequence[float]
    """Specificities, 0–1, at which the sensitivity is told."""
    sensitivity: Sequence[float]
    """Sensitivities, 0–1, at which the specificity is told."""
    partial_auc: str | None
    """The part of the curve whose area is told: ``0.8-1`` of the specificity, or ``sensitivity:0.8-1``."""
    bootstrap: int | None
    """Resamples of the model and of the partial area."""
    seed: int | None
    """Of the resamples."""
