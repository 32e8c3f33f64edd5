"""``regress``: linear models of a cohort, with their table and figures."""

from __future__ import annotations

from collections.abc import Sequence

from mriparaspinal.analysis.correlate import in_order_of_contents, require_results, require_rows, roles_of
from mriparaspinal.analysis.inputs import Cohort, metrics_of
from mriparaspinal.analysis.result import Analysis, notes_bytes
from mriparaspinal.stats.imputation import Imputation
from mriparaspinal.stats.regress import regress


def regress_cohort(
    cohort: Cohort,
    predictors: Sequence[str],
    covariates: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    hc3: bool = False,
    imputation: Imputation | None = None,
) -> Analysis:
    """Fit the outcomes on the predictors and covariates by least squares; see ``stats.regress``.

    Defaults and errors as in :func:`correlate_cohort`, outcomes in place of metrics.
    """
    require_rows(cohort.table)
    names, notes = metrics_of(cohort.table, outcomes, {*predictors, *covariates})
    sides = roles_of(cohort.table, roles)
    rows = in_order_of_contents(cohort.table, names, [*predictors, *covariates], group)
    table, found = regress(rows, names, predictors, covariates, sides, group, hc3=hc3, imputation=imputation)
    require_results(table, sides)
    settings: dict[str, Sequence[str]] = {
        "outcome": names, "predictor": predictors, "covariate": covariates, "group": [group or "all"],
        "role": sides, "standard errors": ["HC3" if hc3 else "ordinary least squares"],
    }  # fmt: skip
    if imputation is not None:
        settings |= {"imputed data sets": [str(imputation.sets)], "seed": [str(imputation.seed)]}
    notes = [*cohort.notes, *notes, *found]
    contents = {"regressions.csv": table, "notes.txt": notes_bytes(settings, notes)}
    return Analysis(table, tuple(notes), contents, "regressions.json", settings, cohort.inputs)
