"""One linear model of a metric over segments, muscles and sides, with the participant as random effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.text import and_more
from mriparaspinal.stats import design
from mriparaspinal.stats.design import Array
from mriparaspinal.stats.marginal_means import DIFFERENCE_COLUMNS, MEAN_COLUMNS, estimated_means, t_numbers
from mriparaspinal.stats.mixed_df import (
    MOST_EFFECTS,
    Inference,
    LeastSquares,
    kenward_roger,
    satterthwaite,
)
from mriparaspinal.stats.mixed_model import Grouping, MixedFit, fit_reml, gather, random_effects
from mriparaspinal.stats.model_matrix import ModelMatrix, hypotheses, make_matrix
from mriparaspinal.stats.model_rows import (
    ID,
    PLACES,
    ModelPlan,
    complete_rows,
    groupings_of,
    of_numbers,
    typed_rows,
)
from mriparaspinal.stats.regress import INTERCEPT

MODEL_COLUMNS = ["metric", "n", "participants", "coefficients", "status", "reml_deviance"]

FIXED_COLUMNS = ["metric", "term", "b", "se", "df", "t", "p", "ci_low", "ci_high"]

TEST_COLUMNS = ["metric", "term", "df1", "df2", "f", "p"]

RANDOM_COLUMNS = ["metric", "effect", "column", "levels", "variance", "sd", "correlation", "icc"]

#: By name the columns of each table.
TABLES = {
    "models": MODEL_COLUMNS,
    "f_tests": TEST_COLUMNS,
    "fixed_effects": FIXED_COLUMNS,
    "random_effects": RANDOM_COLUMNS,
    "estimated_means": MEAN_COLUMNS,
    "mean_differences": DIFFERENCE_COLUMNS,
}


@dataclass(frozen=True, eq=False)
class Checks:
    """What the figure of residuals shows."""

    rows: pd.DataFrame
    """Who and where, with ``fitted`` and the ``residual`` over its standard deviation."""
    effects: pd.DataFrame
    """``effect``, ``column``, ``level`` and the predicted ``value`` over its standard deviation."""


@dataclass(frozen=True, eq=False)
class Model:
    """What was fitted."""

    tables: dict[str, pd.DataFrame]
    """By the names of ``TABLES``, all metrics together."""
    checks: dict[str, Checks]
    """By metric; of those whose fit has converged."""
    notes: list[str]


@dataclass(frozen=True, eq=False)
class _Fitted:
    """The tables of one metric."""

    tables: dict[str, pd.DataFrame]
    checks: Checks | None
    notes: list[str]


def fit_model(rows: pd.DataFrame, metrics: Sequence[str], plan: ModelPlan) -> Model:
    """Fit each metric on the terms of the plan, with random effects where participants have several rows.

    REML and the tests of ``mixed_df``, or least squares where each participant has one row. F tests are of
    type III. Complete cases only.

    Args:
        rows: one row per participant, or several (segment, muscle, side, session).
        metrics: columns of numbers.
        plan: the model, and the means that are asked for.

    Raises:
        UsageError: a column is missing, holds texts where numbers are expected, or cannot have that part in
            the model.
    """
    table = typed_rows(rows, metrics, plan)
    notes = of_numbers(table, plan.terms)
    fitted: dict[str, _Fitted] = {}
    for metric in metrics:
        complete, missing = complete_rows(table, metric, plan)
        fitted[metric] = _fit_one(complete, metric, plan)
        notes += [note for note in (*missing, *fitted[metric].notes) if note not in notes]
    tables = {name: _stacked(name, fitted) for name in TABLES}
    checks = {metric: one.checks for metric, one in fitted.items() if one.checks is not None}
    return Model(tables, checks, notes)


def _stacked(name: str, fitted: dict[str, _Fitted]) -> pd.DataFrame:
    parts = [one.tables[name].assign(metric=metric) for metric, one in fitted.items() if name in one.tables]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return found.reindex(columns=TABLES[name])


def _fit_one(rows: pd.DataFrame, metric: str, plan: ModelPlan) -> _Fitted:
    participants = rows[ID].nunique() if ID in rows else len(rows)
    record: dict[str, object] = {"n": len(rows), "participants": participants, "status": "not_fitted"}

    def not_fitted(why: str, status: str = "not_fitted") -> _Fitted:
        return _Fitted({"models": pd.DataFrame([record | {"status": status}])}, None, [f"{metric}: {why}"])

    if not len(rows):
        return not_fitted("no row has all that the model needs; not fitted")
    matrix, aliased = make_matrix(rows, plan.terms)
    y = rows[metric].to_numpy(dtype=float)
    record["coefficients"] = matrix.x.shape[1]
    if len(rows) <= matrix.x.shape[1]:
        return not_fitted(f"{len(rows)} rows for {matrix.x.shape[1]} coefficients; not fitted")
    if design.is_constant(y) or design.is_nothing(_residual(y, matrix.x), y):
        return not_fitted("it is constant, or the terms determine it exactly; not fitted")
    notes = _of_aliased(metric, aliased)
    groupings, said = groupings_of(rows, plan)
    notes += said
    if not groupings:
        tables, checks = _by_least_squares(rows, y, matrix, plan)
        record["status"] = "least_squares"
        return _Fitted({"models": pd.DataFrame([record]), **tables}, checks, notes)
    effects = sum(one.levels * one.width for one in groupings)
    if groupings[0].levels * groupings[0].width >= len(rows):
        return not_fitted(f"{effects} random effects for {len(rows)} rows; not fitted; leave out the slope")
    if plan.df == "kenward-roger" and effects > MOST_EFFECTS:
        found = f"{effects} random effects"
        remedy = "leave it out: Satterthwaite's are the same in so large a study"
        raise UsageError(Fault(f"{argument('df')} {plan.df}", found, f"{MOST_EFFECTS} at most", remedy))
    fit = fit_reml(gather(y, matrix.x, groupings))
    if fit is None:
        why = "the fit did not converge, so there are no numbers; one with fewer terms or random effects may"
        return not_fitted(why, "not_converged")
    record |= {"status": "singular" if fit.is_singular else "converged", "reml_deviance": fit.deviance}
    notes += _of_fit(metric, fit)
    inference = (kenward_roger if plan.df == "kenward-roger" else satterthwaite)(fit)
    tables = {**_tested(matrix, inference, plan), "random_effects": _variances(fit, plan)}
    checks = _mixed_checks(rows, y, matrix, fit, plan)
    return _Fitted({"models": pd.DataFrame([record]), **tables}, checks, notes)


def _residual(y: Array, x: Array) -> Array:
    q, _ = np.linalg.qr(x)
    left: Array = y - q @ (q.T @ y)
    return left - q @ (q.T @ left)


def _of_aliased(metric: str, aliased: Sequence[str]) -> list[str]:
    if not aliased:
        return []
    return [
        f"{metric}: no rows tell {and_more(aliased)} from the other terms: left out, as are means that need "
        "it; the tests are those of what is left"
    ]


def _of_fit(metric: str, fit: MixedFit) -> list[str]:
    if not fit.is_singular:
        return []
    return [
        f"{metric}: singular fit: a variance of the random effects is 0, or their correlation ±1; the model "
        "has more random effects than these data can tell apart"
    ]


def _tested(matrix: ModelMatrix, inference: Inference, plan: ModelPlan) -> dict[str, pd.DataFrame]:
    """The tables of the fixed effects."""
    numbers = t_numbers(inference, np.eye(len(matrix.names)))
    fixed = pd.DataFrame(numbers, columns=FIXED_COLUMNS[2:])
    fixed.insert(0, "term", list(matrix.names))
    tests = []
    for term, rows in hypotheses(matrix).items():
        record: dict[str, object] = {"term": term}
        if not len(rows):
            tests.append(record)
            continue
        test = inference.f_test(rows)
        p = float(stats.f.sf(test.f, test.df1, test.df2)) if test.df2 > 0 else np.nan
        tests.append(record | {"df1": test.df1, "df2": test.df2, "f": test.f, "p": p})
    found = {"f_tests": pd.DataFrame(tests), "fixed_effects": fixed}
    means = [estimated_means(matrix, inference, *asked) for asked in plan.means]
    if means:
        found["estimated_means"] = pd.concat([one for one, _ in means], ignore_index=True)
        found["mean_differences"] = pd.concat([pairs for _, pairs in means], ignore_index=True)
    return found


def _by_least_squares(
    rows: pd.DataFrame, y: Array, matrix: ModelMatrix, plan: ModelPlan
) -> tuple[dict[str, pd.DataFrame], Checks]:
    q, r = np.linalg.qr(matrix.x)
    back = np.linalg.inv(r)
    left = _residual(y, matrix.x)
    df = len(y) - len(r)
    variance = float(left @ left) / df
    inference = LeastSquares(back @ (q.T @ y), variance * back @ back.T, df)
    random = pd.DataFrame(
        [{"effect": "residual", "levels": len(y), "variance": variance, "sd": variance**0.5}]
    )
    checks = Checks(_checked(rows, y - left, left / variance**0.5), pd.DataFrame(columns=_EFFECTS))
    return {**_tested(matrix, inference, plan), "random_effects": random}, checks


def _variances(fit: MixedFit, plan: ModelPlan) -> pd.DataFrame:
    """The variance of each random effect, and its share of all variance, that of a slope left aside."""
    first, others = fit.products.first, fit.products.others
    covariance = fit.random_covariance
    own = [(first, INTERCEPT, covariance[0, 0])]
    own += [(one, INTERCEPT, value) for one, value in zip(others, fit.other_variances, strict=True)]
    total = sum(value for _, _, value in own) + fit.variance
    records = [
        {"effect": one.name, "column": column, "levels": one.levels, "variance": value, "icc": value / total}
        for one, column, value in own
    ]
    if first.width == 2:
        slope = {
            "effect": first.name,
            "column": plan.slope,
            "levels": first.levels,
            "variance": covariance[1, 1],
        }
        size = np.sqrt(covariance[0, 0] * covariance[1, 1])
        slope["correlation"] = covariance[0, 1] / size if size > 0 else np.nan
        records.insert(1, slope)
    records.append({"effect": "residual", "levels": fit.products.n, "variance": fit.variance})
    return pd.DataFrame(records).assign(sd=lambda table: np.sqrt(table["variance"]))


_EFFECTS = ["effect", "column", "level", "value"]


def _checked(rows: pd.DataFrame, fitted: Array, residual: Array) -> pd.DataFrame:
    return rows[[name for name in (ID, *PLACES) if name in rows]].assign(fitted=fitted, residual=residual)


def _mixed_checks(
    rows: pd.DataFrame, y: Array, matrix: ModelMatrix, fit: MixedFit, plan: ModelPlan
) -> Checks:
    first, others = fit.products.first, fit.products.others
    of_first, of_others = random_effects(fit)
    fitted = matrix.x @ fit.beta + (first.columns * of_first[first.codes]).sum(axis=1)
    tables = []
    variances = np.diag(fit.random_covariance)
    names = (INTERCEPT, plan.slope)[: first.width]
    columns = [(first, name, of_first[:, j], variances[j]) for j, name in enumerate(names)]
    for one, values, variance in zip(others, of_others, fit.other_variances, strict=True):
        fitted = fitted + values[one.codes]
        columns.append((one, INTERCEPT, values, variance))
    for one, name, values, variance in columns:
        if variance > 0 and np.ptp(values) > 0:
            tables.append(_effect_table(rows, one, str(name), values / variance**0.5))
    effects = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_EFFECTS)
    return Checks(_checked(rows, fitted, (y - fitted) / fit.variance**0.5), effects)


def _effect_table(rows: pd.DataFrame, one: Grouping, column: str, values: Array) -> pd.DataFrame:
    level = pd.factorize(rows[one.name])[1]
    return pd.DataFrame({"effect": one.name, "column": column, "level": level, "value": values})
