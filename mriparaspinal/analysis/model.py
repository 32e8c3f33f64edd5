"""``model``: one linear mixed model of a cohort, or an analysis of covariance, with tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from mriparaspinal.analysis.correlate import require_rows
from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort, metrics_of
from mriparaspinal.analysis.result import Analysis, Content, file_name, notes_bytes
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, NoInputError, UsageError
from mriparaspinal.present.estimated_means import means_figure
from mriparaspinal.present.residuals import residuals_figure
from mriparaspinal.stats.cells import list_first, regions_alone, texts, unsided
from mriparaspinal.stats.design import is_table_mode, require_columns
from mriparaspinal.stats.formula import columns_of, parse_formula
from mriparaspinal.stats.mixed_df import Method
from mriparaspinal.stats.model import Model, fit_model
from mriparaspinal.stats.model_rows import ModelPlan, parse_means

#: Rows of both sides together are the sum of the two others: in one model they would count twice.
_BOTH, _BILATERAL = "both", "bilateral"


@dataclass(frozen=True, kw_only=True)
class ModelAsked:
    """What was asked for, as it was typed."""

    formula: str
    metrics: Sequence[str] = ()
    random: Sequence[str] = ()
    slope: str | None = None
    df: Method = "satterthwaite"
    means: Sequence[str] = ()
    where: Mapping[str, Sequence[str]] | None = None
    """Column → its values: the rows that take part."""


def model_cohort(cohort: Cohort, asked: ModelAsked) -> Analysis:
    """Fit the metrics on the formula; see ``stats.model.fit_model``.

    Defaults as of :func:`correlate_cohort`. Raises :class:`UsageError` for a formula, column or value that is
    not there or not what it has to be, :class:`NoInputError` where no row is left.
    """
    require_rows(cohort.table)
    terms = tuple(parse_formula(asked.formula))
    plan = ModelPlan(
        terms=terms,
        slope=asked.slope,
        random=tuple(dict.fromkeys(asked.random)),
        df=asked.df,
        means=tuple(dict.fromkeys(map(parse_means, asked.means))),
    )
    where = {name: list(dict.fromkeys(values)) for name, values in (asked.where or {}).items() if values}
    metrics, notes = metrics_of(cohort.table, asked.metrics, {*columns_of(terms), *plan.random})
    metrics = list(dict.fromkeys(metrics))
    rows, whole = _rows(cohort.table, where)
    found = fit_model(rows, metrics, plan)
    if not found.tables["models"]["n"].any():
        said = found.notes[0] if found.notes else "no row is left"
        raise NoInputError(f"model: {said}; expected rows with all columns of the formula; fill them in")
    settings = {
        "formula": [asked.formula], "metric": metrics, "random": plan.random,
        "slope": [plan.slope] if plan.slope else [], "df": [plan.df], "means": asked.means,
        **where,
    }  # fmt: skip
    notes = [*cohort.notes, *notes, *whole, *found.notes]
    contents: dict[str, Content] = {
        f"{name}.csv": table for name, table in found.tables.items() if len(table)
    }
    for metric in found.checks:
        contents |= _figures(found, metric, plan, contents)
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(
        found.tables["f_tests"],
        tuple(notes),
        contents,
        "model.json",
        settings,
        cohort.inputs,
        summary=_summary(found),
    )


def _figures(found: Model, metric: str, plan: ModelPlan, taken: Mapping[str, Content]) -> dict[str, Drawing]:
    drawings = {
        file_name(f"residuals_{metric}", taken): Drawing(
            partial(residuals_figure, found.checks[metric], metric)
        )
    }
    means = found.tables["estimated_means"]
    for asked in plan.means:
        factors, by = ":".join(asked.factors), ":".join(asked.by)
        keys = means[["metric", "factors", "by"]]
        chosen = means[(keys == [metric, factors, by]).all(axis=1)]
        stem = file_name(f"means_{metric}_{factors}_{by}", {*taken, *drawings})
        drawings[stem] = Drawing(partial(means_figure, chosen, metric))
    return drawings


def _summary(found: Model) -> dict[str, object]:
    models, tests = found.tables["models"], found.tables["f_tests"]
    fitted = models["status"].isin(["converged", "singular", "least_squares"])
    return {
        "models": len(models),
        "fitted": int(fitted.sum()),
        "singular": int((models["status"] == "singular").sum()),
        "tests": int(tests["p"].notna().sum()),
        "p_below_0_05": int((tests["p"] < 0.05).sum()),
    }


def _rows(table: pd.DataFrame, where: Mapping[str, Sequence[str]]) -> tuple[pd.DataFrame, list[str]]:
    """The rows asked for: of the sides left and right, unless both together was asked for; and a note."""
    require_columns(table, where)
    notes: list[str] = []
    asked_both = _BILATERAL in where.get("role", ()) or _BOTH in where.get("side", ())
    if not is_table_mode(table) and "side" in table and not asked_both:
        # A region without sides takes part where it is asked for by its name.
        one_side = regions_alone(table) if where.get("muscle") else table["side"] != _BOTH
        if one_side.any():
            if not where.get("muscle") and (whole := unsided(table)):
                name = argument("muscle")
                notes = [
                    f"{', '.join(whole)}: left out, without sides; name the regions by {name} to have it"
                ]
            table = table[one_side]
    for name, values in where.items():
        cells = texts(table[name])
        for value in values:
            if not cells.eq(value).any():
                there = sorted(set(cells) - {""})
                expected = f"one of {list_first(there)}" if there else "values; the column is empty"
                raise UsageError(Fault(argument(name), f"no row with {value}", expected, "name another"))
        table = table[cells.isin(values)]
    return table, notes
