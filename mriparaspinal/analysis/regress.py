"""``regress``: linear models of a cohort, with their table and figures."""

from __future__ import annotations

from collections.abc import Sequence

from mriparaspinal.analysis.correlate import in_order_of_contents, require_results, require_rows, roles_of
from mriparaspinal.analysis.inputs import Cohort, metrics_of
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.stats.imputation import Imputation
from mriparaspinal.stats.regress import regress
from mriparaspinal.stats.regress_each import regress_each


def regress_cohort(
    cohort: Cohort,
    predictors: Sequence[str],
    covariates: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    hc3: bool = False,
    each: bool = False,
    cluster: str | None = None,
    imputation: Imputation | None = None,
) -> Analysis:
    """Fit the outcomes on the predictors and covariates by least squares; see ``stats.regress``.

    Defaults and errors as in :func:`correlate_cohort`, outcomes in place of metrics. With ``each``, every
    predictor has a model of its own, and there is a printed matrix of them.
    """
    require_rows(cohort.table)
    own = set() if cluster is None else {cluster}
    names, notes = metrics_of(cohort.table, outcomes, {*predictors, *covariates, *own})
    sides = roles_of(cohort.table, roles)
    rows = in_order_of_contents(cohort.table, names, [*predictors, *covariates], group, cluster)
    fit = regress_each if each else regress
    table, found = fit(
        rows, names, predictors, covariates, sides, group, hc3=hc3, cluster=cluster, imputation=imputation
    )
    require_results(table, rows, sides)
    errors = "HC3" if hc3 else "ordinary least squares" if cluster is None else f"CR2 by {cluster}"
    settings: dict[str, Sequence[str]] = {
        "outcome": names, "predictor": predictors, "covariate": covariates, "group": [group or "all"],
        "role": sides, "standard errors": [errors],
        "models": ["each predictor alone"] if each else [],
    }  # fmt: skip
    if imputation is not None:
        settings |= {"imputed data sets": [str(imputation.sets)], "seed": [str(imputation.seed)]}
    notes = [*cohort.notes, *notes, *found]
    contents: dict[str, Content] = {"regressions.csv": table}
    if each:
        from mriparaspinal.present.regressions import regression_matrix

        matrix = regression_matrix(table, group, hc3)
        contents |= {matrix.name: matrix, f"{matrix.name}.xlsx": (matrix,)}
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(table, tuple(notes), contents, "regressions.json", settings, cohort.inputs)
