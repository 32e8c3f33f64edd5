"""Every outcome on every predictor alone: many small regressions as one table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mriparaspinal.stats import design
from mriparaspinal.stats.cells import require_named
from mriparaspinal.stats.imputation import Imputation
from mriparaspinal.stats.regress import regress


def regress_each(
    cohort: pd.DataFrame,
    outcomes: Sequence[str],
    predictors: Sequence[str],
    covariates: Sequence[str] = (),
    roles: Sequence[str] = ("symptomatic",),
    group: str | None = None,
    *,
    hc3: bool = False,
    cluster: str | None = None,
    imputation: Imputation | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Fit :func:`mriparaspinal.stats.regress.regress` once for each predictor, with the same covariates.

    Returns:
        The rows of all models, predictor by predictor, with the predictor of each in the last column; and
        notes, each once, with the predictors that it holds for where these are not all.

    Raises:
        UsageError: as ``regress`` does.
    """
    require_named({"outcome": outcomes, "predictor": predictors})
    design.require_distinct([*outcomes, *predictors, *covariates])
    tables = []
    notes: dict[str, list[str]] = {}
    for predictor in predictors:
        table, found = regress(
            cohort,
            outcomes,
            [predictor],
            covariates,
            roles,
            group,
            hc3=hc3,
            cluster=cluster,
            imputation=imputation,
        )
        tables.append(table.assign(predictor=predictor))
        for note in found:
            notes.setdefault(note, []).append(predictor)
    everywhere = len(predictors)
    told = [note if len(held) == everywhere else f"{', '.join(held)}: {note}" for note, held in notes.items()]
    return pd.concat(tables, ignore_index=True), told


def own_terms(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the predictors: without intercepts and covariates.

    >>> rows = pd.DataFrame({"term": ["(Intercept)", "sex[M]", "age"], "predictor": ["sex"] * 3})
    >>> own_terms(rows)["term"].tolist()
    ['sex[M]']
    """
    pairs = zip(table["term"], table["predictor"], strict=True)
    return table[[term == name or term.startswith(f"{name}[") for term, name in pairs]]
