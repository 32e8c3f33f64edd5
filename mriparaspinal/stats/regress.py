"""Linear regression: the muscles' metrics on clinical variables, or any columns on others."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.linear_model import OLS

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.stats import design
from mriparaspinal.stats.adjust import adjust
from mriparaspinal.stats.bootstrap import Clusters, clusters_of
from mriparaspinal.stats.cells import never_has, require_named, without
from mriparaspinal.stats.clustered_correlation import ONE_DECIDES, TOO_FEW
from mriparaspinal.stats.design import ALL_METRICS, Array
from mriparaspinal.stats.imputation import Imputation, impute, pool, pooled_test, why_not
from mriparaspinal.stats.robust import FEW_DF, clustered_fit, robust_errors, wald_p

COLUMNS = [
    "segment",
    "muscle",
    "metric",
    "role",
    "outcome",
    "term",
    "n",
    "df",
    "b",
    "se",
    "beta",
    "t",
    "p",
    "ci_low",
    "ci_high",
    "r2",
    "r2_adjusted",
    "model_p",
    "covariates",
    "p_adjusted",
]

#: These follow with ``cluster``.
CLUSTER_COLUMNS = ["cluster", "clusters"]
#: Those that follow where predictors are imputed.
IMPUTED_COLUMNS = ["n_complete", "cells_imputed", "sets", "fmi"]

INTERCEPT = "(Intercept)"

#: The columns of a measurement that differ from muscle to muscle, with those that it may have.
_POSSIBLE_METRICS = (*ALL_METRICS, *BY_NAME)

#: From here on a variance inflation factor is named in a note.
VIF_LIMIT = 10.0

#: Fewer participants than this per term are named in a note.
CASES_PER_TERM = 10


@dataclass(frozen=True)
class _Model:
    metric: str
    outcome: str
    predictors: tuple[str, ...]


def regress(
    cohort: pd.DataFrame,
    outcomes: Sequence[str],
    predictors: Sequence[str],
    covariates: Sequence[str] = (),
    roles: Sequence[str] = ("symptomatic",),
    group: str | None = None,
    *,
    hc3: bool = False,
    cluster: str | None = None,
    metrics: Sequence[str] = _POSSIBLE_METRICS,
    imputation: Imputation | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Fit outcome = intercept + predictors + covariates by ordinary least squares.

    One model per segment × muscle × role and outcome that is a metric, with all predictors in it.
    Where the outcome is not a metric (a clinical score), one model per metric among the predictors,
    each with the predictors that are no metrics. In a plain table all predictors enter one model per
    outcome, and ``metric`` is empty.

    b with its standard error, t = b/se, two-sided p and 95 % interval from Student's t with
    df = n − 1 − terms; ``beta`` = b·sd(x)/sd(y), the standardised coefficient; R², adjusted R², and
    ``model_p``, the F test that all coefficients but the intercept are zero.
    ``p_adjusted`` is Benjamini–Hochberg's over all rows of one predictor that have a p; intercepts and
    covariates are not adjusted. With ``hc3`` the
    standard errors, and all that follows from them, are MacKinnon and White's HC3 (1985). With ``cluster``
    they are CR2 with Satterthwaite's df, and ``model_p`` is that of the approximate Hotelling's T² (see
    ``stats.robust``); the table has :data:`CLUSTER_COLUMNS`, too.

    A text column enters as 0/1 columns, the first level in alphabetical order being the reference
    (term ``sex[M]``: M against F).

    Args:
        cohort: long table, one row per participant × segment × muscle × side; or a plain table with
            ``segment``, ``muscle``, ``role`` empty, one row per participant.
        outcomes: columns of numbers.
        predictors: columns of numbers or categories.
        covariates: columns of numbers or categories.
        roles: some of ``symptomatic``, ``contralateral``, ``bilateral``; not looked at in a plain table.
        group: keep this group; None: all.
        hc3: standard errors that allow for unequal variances.
        cluster: column whose rows with one value are not independent, such as ``participant_id``.
        metrics: which columns belong to the muscle (not to the participant).
        imputation: impute missing predictors and covariates, and pool by Rubin's rules: see ``imputation``.
            ``model_p`` is then that of D1, R² pooled by Fisher's z, and :data:`IMPUTED_COLUMNS` follow.

    Returns:
        One row per term, ordered by segment, muscle, metric, role, outcome, then intercept,
        predictors, covariates; complete cases only; none of a muscle or side that has no such measure.
        Where a model cannot be fitted its cells from
        ``df`` on are empty, and a note says why. Further notes: variance inflation factors over 10,
        fewer than 10 participants per term.

    Raises:
        UsageError: a column is missing, holds text or both kinds, or is asked for twice; group or role
            are unknown; no metric takes part; a participant has more than one row in a model.
    """
    require_named({"outcome": outcomes, "predictor": predictors})
    for given, other in ((hc3, "hc3"), (imputation is not None, "impute")):
        if given and cluster is not None:
            name = argument("cluster")
            raise UsageError(f"{name}: given with {argument(other)}; expected one of them; leave one out")
    design.require_distinct([*outcomes, *predictors, *covariates])
    design.require_columns(cohort, ["segment", "muscle", "role"])
    table_mode = design.is_table_mode(cohort)
    models = _models(outcomes, predictors, None if table_mode else metrics)
    explaining = [*predictors, *covariates]
    numbers = [*outcomes, *(name for name in explaining if name in metrics and not table_mode)]
    free = [name for name in explaining if name not in numbers]
    imputed = [name for name in explaining if imputation is not None and name != "group"]
    cells, notes = design.select(cohort, numbers, free, roles, group, cluster, imputed)
    records, findings = _fit_all(cells, models, covariates, hc3, cluster, imputation)
    _adjust(records, predictors)
    table = _table(records, imputation is not None)
    if cluster is not None:
        table = table.assign(cluster=cluster, clusters=[record.get("clusters") for record in records])
    made = {(record["metric"], record["outcome"]) for record in records}
    unmade = [model for model in models if cells and (model.metric, model.outcome) not in made]
    lacking = [
        [name for name in (model.outcome, *model.predictors, *covariates) if name in metrics]
        for model in unmade
    ]
    return table, [*notes, *without(map(" with ".join, lacking)), *design.gather_notes(findings)]


def _fit_all(
    cells: Sequence[design.RegionRows],
    models: Sequence[_Model],
    covariates: Sequence[str],
    hc3: bool,
    cluster: str | None,
    imputation: Imputation | None,
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """(one record per term of each model, (place, what is worth a note))."""
    records: list[dict[str, Any]] = []
    findings: list[tuple[str, str]] = []
    for cell, metric in itertools.product(cells, dict.fromkeys(model.metric for model in models)):
        of_metric = [model for model in models if model.metric == metric]
        for (role, rows), model in itertools.product(cell.by_role.items(), of_metric):
            parts = (cell.segment, cell.muscle, metric, role, model.outcome)
            place = " ".join(part for part in dict.fromkeys(parts) if part)
            names = [*model.predictors, *covariates]
            if any(never_has(rows, name).all() for name in (model.outcome, *names)):
                continue
            if imputation is None:
                terms, found = _fit(rows, model.outcome, names, hc3, cluster)
            else:
                terms, found = _fit_imputed(rows, model.outcome, names, hc3, imputation, place)
            findings += [(place, what) for what in found]
            keys = dict(zip(COLUMNS, parts, strict=False))
            records += [keys | term | {"covariates": "+".join(covariates)} for term in terms]
    return records, findings


def _adjust(records: Sequence[dict[str, Any]], predictors: Sequence[str]) -> None:
    """Over the rows of each predictor, all levels of a category together."""
    for name in predictors:
        adjust(row for row in records if row["term"] == name or row["term"].startswith(f"{name}["))


def _models(
    outcomes: Sequence[str], predictors: Sequence[str], metrics: Sequence[str] | None
) -> list[_Model]:
    """``metrics`` None: a plain table, with one model per outcome."""
    if metrics is None:
        return [_Model("", outcome, tuple(predictors)) for outcome in outcomes]
    models = []
    for outcome in outcomes:
        if outcome in metrics:
            models.append(_Model(outcome, outcome, tuple(predictors)))
            continue
        alternatives = [name for name in predictors if name in metrics]
        if not alternatives:
            raise UsageError(
                f"{outcome}: neither it nor a predictor belongs to a muscle; expected a metric such as "
                "fi or rcsa among them; name one, or give the participants as a plain table"
            )
        for metric in alternatives:
            others = set(alternatives) - {metric}
            models.append(_Model(metric, outcome, tuple(name for name in predictors if name not in others)))
    return models


def _fit(
    rows: pd.DataFrame, outcome: str, names: Sequence[str], hc3: bool, cluster: str | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """(one record per term, what is worth a note) of one model over the complete cases of ``rows``."""
    complete = rows.dropna(subset=[outcome, *names])
    matrix, terms = design.encode(complete, names)
    y = complete[outcome].to_numpy(dtype=float)
    columns: dict[str, Any] = {"term": [INTERCEPT, *terms], "n": len(y)}
    notes = [_unfit(y, matrix, outcome, terms)]
    if not notes[0]:
        numbers, notes, _ = _estimate(
            y, matrix, hc3, None if cluster is None else clusters_of(complete[cluster])
        )
        columns |= numbers
        notes += _cautions(matrix, terms)
    records: list[dict[str, Any]] = pd.DataFrame(columns).to_dict("records")
    return records, notes


def _fit_imputed(
    rows: pd.DataFrame, outcome: str, names: Sequence[str], hc3: bool, how: Imputation, place: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """The same with missing predictors imputed; of the complete cases alone where they cannot be."""
    records, notes = _fit(rows, outcome, names, hc3, None)
    rows = rows.dropna(subset=[name for name in names if name == "group"])  # nobody is put into a group
    known = rows.dropna(subset=[outcome])
    cells = int(known[list(names)].isna().sum().sum())
    told = {"n_complete": records[0]["n"], "cells_imputed": cells}
    reason = why_not(rows, outcome, names)
    if not cells or reason or np.isnan(records[0].get("se", np.nan)):
        told |= {"cells_imputed": 0}
        notes += [f"nothing is imputed, complete cases only: {reason}"] if reason else []
        return [record | told for record in records], notes
    fits, covariances = [], []
    for complete in impute(rows, outcome, names, how, place):
        matrix, terms = design.encode(complete, names)
        y = complete[outcome].to_numpy(dtype=float)
        fit, _, covariance = _estimate(y, matrix, hc3, None)
        fits.append(fit)
        covariances.append(covariance)
    if not all("se" in fit for fit in fits):
        return [record | told | {"cells_imputed": 0} for record in records], [
            *notes, "an imputed data set has no standard errors: complete cases only",
        ]  # fmt: skip
    b, se, beta = (np.array([fit[name] for fit in fits]) for name in ("b", "se", "beta"))
    pooled = pool(b, se**2, fits[0]["df"])
    model_p = pooled_test(b[:, 1:], np.array(covariances)[:, 1:, 1:], fits[0]["df"])
    if np.isnan(model_p):
        notes.append("too few imputed data sets or cases for a test of the model as a whole")
    r2 = np.tanh(np.mean(np.arctanh([np.sqrt(np.clip(fit["r2"], 0, 1 - 1e-15)) for fit in fits]))) ** 2
    columns = {
        "term": [INTERCEPT, *terms], "n": len(y), "df": pooled.df, "b": pooled.estimate, "se": pooled.se,
        "beta": beta.mean(axis=0), "t": pooled.estimate / pooled.se, "p": pooled.p, "ci_low": pooled.low,
        "ci_high": pooled.high, "r2": r2, "r2_adjusted": 1 - (1 - r2) * (len(y) - 1) / fits[0]["df"],
        "model_p": model_p, **told, "sets": how.sets, "fmi": pooled.fmi,
    }  # fmt: skip
    if how.sets < 100 * pooled.fmi.max():
        notes.append(
            f"a fraction of missing information of up to {pooled.fmi.max():.2f} asks for "
            f"{int(np.ceil(100 * pooled.fmi.max()))} imputed data sets or more"
        )
    found: list[dict[str, Any]] = pd.DataFrame(columns).to_dict("records")
    return found, notes


def _unfit(y: Array, matrix: Array, outcome: str, terms: Sequence[str]) -> str:
    """Why the model cannot be fitted; empty where it can."""
    if len(y) - 1 - len(terms) < 1:
        cases = "1 complete case" if len(y) == 1 else f"{len(y)} complete cases"
        return f"{cases} for {len(terms) + 1} coefficients is too few"
    if design.is_constant(y):
        return f"{outcome} has the same value in all complete cases"
    redundant = design.redundant_terms(matrix, terms)
    if redundant:
        return f"{', '.join(redundant)}: constant, or determined by the other terms"
    return ""


def _estimate(
    y: Array, matrix: Array, hc3: bool, clusters: Clusters | None
) -> tuple[dict[str, Any], list[str], Array]:
    """(columns of numbers for the intercept and each column of ``matrix``, what is worth a note, covariance).

    The columns are standardised and y is centred for the fit, so that units and offsets cost no
    digits; ``back`` turns the coefficients into those of the columns as they are.
    """
    n, k = matrix.shape
    mean, sd = matrix.mean(axis=0), matrix.std(axis=0, ddof=1)
    scaled = np.column_stack([np.ones(n), (matrix - mean) / sd])
    back = np.diag(np.concatenate([[1.0], 1 / sd]))
    back[0, 1:] = -mean / sd
    fit = OLS(y - y.mean(), scaled).fit()
    b = back @ fit.params
    b[0] += y.mean()
    beta = np.concatenate([[np.nan], b[1:] * sd / y.std(ddof=1)])
    table = {"b": b, "beta": beta, "df": n - 1 - k, "r2": fit.rsquared, "r2_adjusted": fit.rsquared_adj}
    if design.is_nothing(fit.resid, y):
        return table, ["the terms determine the outcome exactly: no standard errors"], np.empty((0, 0))
    covariance = fit.cov_params(r_matrix=back)
    if clusters is not None:
        numbers, notes = _clustered(fit, scaled, back, b, clusters)
        return table | numbers, notes, covariance
    if hc3:
        leverage = np.sum(np.linalg.qr(scaled)[0] ** 2, axis=1)
        if leverage.max() > 1 - 1e-9:
            return (
                table,
                ["one participant alone determines a coefficient: no HC3 standard errors"],
                covariance,
            )
        fit = fit.get_robustcov_results(cov_type="HC3", use_t=True)
        robust = fit.cov_params(r_matrix=back)
        # Where all residuals that bear on a coefficient are zero, its variance is rounding only.
        if np.any(np.diag(robust) < 1e-12 * np.diag(covariance)):
            return (
                table,
                ["residuals of zero leave a coefficient no variance: no HC3 standard errors"],
                covariance,
            )
        covariance = robust
    se = np.sqrt(np.diag(covariance))
    half = stats.t.ppf(0.975, n - 1 - k) * se
    model_p, notes = _model_p(fit, k)
    table |= {
        "se": se,
        "t": b / se,
        "p": 2 * stats.t.sf(np.abs(b / se), n - 1 - k),
        "ci_low": b - half,
        "ci_high": b + half,
        "model_p": model_p,
    }
    return table, notes, covariance


def _clustered(
    fit: Any, scaled: Array, back: Array, b: Array, clusters: Clusters
) -> tuple[dict[str, Any], list[str]]:
    """The columns that allow for clusters, and what is worth a note."""
    numbers: dict[str, Any] = {"df": None, "clusters": clusters.count}
    found = clustered_fit(scaled, fit.resid, clusters)
    if found is None:
        return numbers, [ONE_DECIDES]
    se, df = robust_errors(found, back)
    if np.any(se < 1e-6 * np.sqrt(np.diag(fit.cov_params(r_matrix=back)))):
        return numbers, [
            "residuals of zero leave a coefficient no variance: no cluster-robust standard errors"
        ]
    half = stats.t.ppf(0.975, df) * se
    numbers |= {
        "df": df,
        "se": se,
        "t": b / se,
        "p": 2 * stats.t.sf(np.abs(b / se), df),
        "ci_low": b - half,
        "ci_high": b + half,
        "model_p": wald_p(found, fit.params, np.eye(len(b))[1:]),
    }
    return numbers, [TOO_FEW] if df[1:].min() < FEW_DF else []


def _model_p(fit: Any, k: int) -> tuple[float, list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a covariance of lower rank, which is looked at next
        test = fit.f_test(np.eye(k + 1)[1:])
    if test.df_num != k:
        return np.nan, ["the covariance of the coefficients is singular: no test of the model"]
    return float(test.pvalue), []


def _cautions(matrix: Array, terms: Sequence[str]) -> list[str]:
    """Notes on few cases per term, and on terms whose variance the others inflate."""
    notes = []
    if len(matrix) < CASES_PER_TERM * len(terms):
        notes.append(f"fewer than {CASES_PER_TERM} participants per term; take the coefficients with caution")
    correlations = np.atleast_2d(np.corrcoef(matrix, rowvar=False))
    inflation = np.diag(np.linalg.inv(correlations))
    high = [term for term, factor in zip(terms, inflation, strict=True) if factor > VIF_LIMIT]
    if high:
        notes.append(
            f"{', '.join(high)}: variance inflation factor over {VIF_LIMIT:g}; "
            "the terms are collinear and their coefficients unstable"
        )
    return notes


def _table(records: list[dict[str, Any]], imputed: bool) -> pd.DataFrame:
    table = pd.DataFrame(records, columns=[*COLUMNS, *(IMPUTED_COLUMNS if imputed else ())])
    whole = [name for name in ("n_complete", "cells_imputed", "sets") if imputed]
    table = table.astype(dict.fromkeys(whole, "Int64"))
    floats = [*COLUMNS[COLUMNS.index("b") : COLUMNS.index("covariates")], "p_adjusted"]
    df = pd.Series([record.get("df") for record in records], dtype=object)
    return table.astype(dict.fromkeys(floats, float)).assign(df=df)
