"""Scatter plots of residuals, for correlations and regressions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mriparaspinal.core.model import MUSCLES
from mriparaspinal.present.boxes import ROLE_NOTES, row_of
from mriparaspinal.present.style import (
    COLOURS,
    LINE_PT,
    TEXT_PT,
    figure_grid,
    footnote,
    is_plain,
    set_ticks,
    style,
    with_fixed_layout,
    write_no_data,
)
from mriparaspinal.present.words import in_known_order, metric_label, p_text, place_name, signed
from mriparaspinal.stats.correlate import Method, Residuals, residuals
from mriparaspinal.stats.design import select
from mriparaspinal.stats.limits import ALPHA

# --- correlation --------------------------------------------------------------------------------------------


@style()
def scatter_residuals(
    cohort: pd.DataFrame,
    correlations: pd.DataFrame,
    metric: str,
    score: str,
    covariates: Sequence[str] = (),
    role: str = "symptomatic",
    group: str | None = None,
    method: Method = "pearson",
) -> Figure:
    """What a partial correlation sees: the residuals of score over metric, segments down, muscles across.

    The arguments are those of ``stats.correlate.correlate``, which made ``correlations``; r, p (not adjusted)
    and n come from there. The line is least squares through the residuals (ranks for ``spearman``).

    Raises UsageError as ``correlate``, ValueError where ``correlations`` do not belong to ``cohort``.
    """
    cells, _ = select(cohort, [metric, score], covariates, [role], group)
    by_place = {(cell.segment, cell.muscle): cell for cell in cells}
    segments = list(dict.fromkeys(cell.segment for cell in cells)) or [""]
    muscles = in_known_order([cell.muscle for cell in cells], MUSCLES) or [""]
    figure, grid = figure_grid(len(segments), len(muscles), row_mm=38 if len(muscles) > 1 else 56)
    what = "residual" if covariates else "minus mean"
    unit = "rank" if method == "spearman" else ""
    for (i, j), axes in np.ndenumerate(grid):
        axes.set_title(place_name(muscles[j], segments[i]), pad=4 + LINE_PT)
        if i == len(segments) - 1:
            axes.set_xlabel(f"{unit} {metric_label(metric)}, {what}".strip())
        cell = by_place.get((segments[i], muscles[j]))
        for found_role, rows in cell.by_role.items() if cell else ():
            left = residuals(rows, metric, score, covariates, method)
            row = row_of(
                correlations, segment=segments[i], muscle=muscles[j], metric=metric, role=found_role,
                score=score, method=method,
            )  # fmt: skip
            _draw_residuals(axes, left, row)
        if not axes.collections and not axes.texts:
            write_no_data(axes)
    figure.supylabel(f"{unit} {metric_label(score)}, {what}".strip(), fontsize=TEXT_PT)
    given = f"Residuals after {' and '.join(covariates)}. " if covariates else ""
    who = f"{group}. " if group else ""
    kind = "Spearman" if method == "spearman" else "Pearson"
    partial = "partial correlation" if covariates else "correlation"
    side = "" if is_plain(cohort) else ROLE_NOTES.get(role, "") + " "
    footnote(figure, f"{who}{side}{given}r: {kind}’s {partial}; p not adjusted, bold: p < 0.05.")
    return with_fixed_layout(figure)


def _draw_residuals(axes: Any, left: Residuals, row: pd.Series | None) -> None:
    if left.problem:
        if left.participants:
            write_no_data(axes, f"no correlation:\n{left.problem}")
        return
    x, y = left.metric, left.score
    axes.scatter(x, y, s=8, color=COLOURS[4], edgecolors="black", linewidths=0.25, zorder=3)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, ends * float(x @ y) / float(x @ x), color=COLOURS[0], linewidth=1.2)
    set_ticks(axes.xaxis, axes.yaxis)
    if row is None:
        return
    r, p, n = float(row["r"]), float(row["p"]), int(row["n"])
    if n != len(x) or not math.isclose(r, float(np.corrcoef(x, y)[0, 1]), abs_tol=1e-9):
        raise ValueError(
            f"{row['segment']} {row['muscle']} {row['metric']}: correlation r = {r}, n = {n}; "
            f"expected {np.corrcoef(x, y)[0, 1]}, {len(x)} as in the cohort"
        )
    axes.annotate(
        f"r = {signed(r)}, {p_text(p)}, n = {n}", (0, 1), (0, 4), xycoords="axes fraction",
        textcoords="offset points", fontweight="bold" if p < ALPHA else "normal",
    )  # fmt: skip
