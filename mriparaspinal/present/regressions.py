"""The regressions of each outcome on each predictor alone, as a printed matrix."""

from __future__ import annotations

import math

import pandas as pd

from mriparaspinal.core.names import SIDE_NAMES
from mriparaspinal.core.text import join_names
from mriparaspinal.present.cell_texts import n_text, with_minus_signs
from mriparaspinal.present.p_values import is_significant, p_text
from mriparaspinal.present.table_layout import (
    ABSENT,
    Column,
    PaperTable,
    clinical_name,
    lay_out,
    metric_name,
    row_keys,
)
from mriparaspinal.stats.limits import ALPHA
from mriparaspinal.stats.regress_each import own_terms


def regression_matrix(regressions: pd.DataFrame, group: str | None = None, hc3: bool = False) -> PaperTable:
    """Outcomes down, predictors across: b with its interval, p and R² of each model.

    ``regressions`` is the table of :func:`mriparaspinal.stats.regress_each.regress_each`. A category has one
    column per level but the first.
    """
    rows = own_terms(regressions)
    rows = rows.assign(metric=rows["outcome"])
    columns: dict[tuple[str, str], Column] = {}
    for record in rows.to_dict("records"):
        role, term = str(record["role"]), str(record["term"])
        side = SIDE_NAMES[role].label if role and rows["role"].nunique() > 1 else ""
        column = columns.setdefault((term, role), Column(f"{_printed(term)} {side}".strip()))
        key = (str(record["segment"]), str(record["muscle"]), str(record["outcome"]))
        column.cells[key] = _cell(record)
        if is_significant(record["p"]):
            column.bold.add(key)
    covariates = str(rows["covariates"].iloc[0])
    held = (
        f", with {join_names([clinical_name(name) for name in covariates.split('+')])}" if covariates else ""
    )
    notes = [
        f"Each cell is a model of its own: one predictor{held}. b, the change of the outcome per unit of the "
        "predictor (95 % interval), p, R² of the model. name[level]: that level against the first.",
        *([f"Participants: {group}."] if group else []),
        *(
            f"{SIDE_NAMES[role].label}, {SIDE_NAMES[role].long}."
            for role in dict.fromkeys(rows["role"])
            if role
        ),
        *(["Standard errors that allow for unequal variances (HC3)."] if hc3 else []),
        f"{n_text(rows['n'])}; that of each model is in regressions.csv.",
        f"Bold: p < {ALPHA} before rounding, not adjusted for the number of models.",
    ]
    predictors = [_printed(str(name)) for name in dict.fromkeys(rows["predictor"])]
    title = f"Table of regressions. One model for each outcome and predictor ({join_names(predictors)})."
    return lay_out("table_regressions", title, "Outcome", list(columns.values()), row_keys(rows), notes)


def _printed(name: str) -> str:
    return name if "[" in name else metric_name(name)


def _cell(record: dict[str, object]) -> str:
    numbers = [float(str(record[name])) for name in ("b", "ci_low", "ci_high")]
    b, low, high = numbers
    if math.isnan(b):
        return ABSENT
    largest = max(abs(number) for number in numbers if not math.isnan(number))
    digits = max(0, 2 - math.floor(math.log10(largest))) if largest else 1
    if math.isnan(low):
        return with_minus_signs(f"{b:z.{digits}f}")
    interval = with_minus_signs(f"{b:z.{digits}f} ({low:z.{digits}f} to {high:z.{digits}f})")
    return f"{interval}, {p_text(float(str(record['p'])))}, R² = {float(str(record['r2'])):.3f}"
