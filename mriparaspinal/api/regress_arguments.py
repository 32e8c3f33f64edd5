"""What ``regress`` may be asked for beside its model."""

from __future__ import annotations

from typing import TypedDict

from mriparaspinal.stats.imputation import Imputation


class RegressArguments(TypedDict, total=False):
    """What :func:`regress` does on request."""

    each: bool
    """A model of its own for each predictor."""
    cluster: str | None
    """Column whose rows with one value are not independent."""
    impute: int | None
    """Imputed data sets; None: complete cases only."""
    seed: int
    """Of the imputations."""


def imputation_of(given: RegressArguments) -> Imputation | None:
    """How to impute, for the statistics; raises :class:`UsageError` for a number of sets that is none."""
    sets = given.get("impute")
    return None if sets is None else Imputation(sets, given.get("seed", 1))
