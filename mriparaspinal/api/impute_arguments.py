"""What ``regress`` may be asked for beside its model."""

from __future__ import annotations

from typing import TypedDict

from mriparaspinal.stats.imputation import Imputation


class ImputeArguments(TypedDict, total=False):
    """Whether and how missing predictors are imputed."""

    impute: int | None
    """Imputed data sets; None: complete cases only."""
    seed: int
    """Of the imputations."""


def imputation_of(given: ImputeArguments) -> Imputation | None:
    """The same for the statistics; raises :class:`UsageError` for a number of sets that is none."""
    sets = given.get("impute")
    return None if sets is None else Imputation(sets, given.get("seed", 1))
