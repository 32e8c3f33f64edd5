"""Scatter plots of residuals, for correlations and regressions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams

from mriparaspinal.core.text import join_names
from mriparaspinal.present.boxes import ROLE_NOTES
from mriparaspinal.present.cell_texts import r_and_p
from mriparaspinal.present.p_values import is_significant
from mriparaspinal.present.style import (
    LINE_PT,
    PaperFigure,
    colour,
    explain,
    figure_grid,
    footnote,
    is_among,
    is_plain,
    name_panel,
    place_panels,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.table_layout import clinical_name
from mriparaspinal.present.words import in_known_order, metric_label, place_name
from mriparaspinal.stats.cells import muscles_of, texts
from mriparaspinal.stats.correlate import Method, Residuals, residuals
from mriparaspinal.stats.design import select


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
) -> PaperFigure:
    """What a partial correlation sees: the residuals of score over metric, segments down, muscles across.

    The arguments are those of ``stats.correlate.correlate``, which made ``correlations``; r, p (not adjusted)
    and n come from there. The line is least squares through the residuals (ranks for ``spearman``).

    Raises UsageError as ``correlate``, ValueError where ``correlations`` do not belong to ``cohort``.
    """
    cluster = str(correlations["cluster"].iloc[0]) if "cluster" in correlations else None
    cells, _ = select(cohort, [metric, score], covariates, [role], group, cluster)
    by_place = {(cell.segment, cell.muscle): cell for cell in cells}
    segments = list(dict.fromkeys(cell.segment for cell in cells)) or [""]
    muscles = in_known_order([cell.muscle for cell in cells], muscles_of(cohort)) or [""]
    figure, grid = figure_grid(len(segments), len(muscles), row_mm=38 if len(muscles) > 1 else 56)
    what = "residual" if covariates else "minus mean"
    unit = "rank" if method == "spearman" else ""
    for (i, j), axes in np.ndenumerate(grid):
        name = place_name(muscles[j], segments[i])
        name_panel(axes, i * len(muscles) + j, grid.size, name, pad=4 + LINE_PT)
        if i == len(segments) - 1:
            axes.set_xlabel(f"{unit} {metric_label(metric)}, {what}".strip())
        cell = by_place.get((segments[i], muscles[j]))
        for found_role, rows in cell.by_role.items() if cell else ():
            left = residuals(rows, metric, score, covariates, method)
            place = {"segment": segments[i], "muscle": muscles[j], "role": found_role}
            row = _row_of(correlations, **place, metric=metric, score=score, method=method)
            figure.drawn += _draw_residuals(axes, left, row, place)
        if not axes.collections and not axes.texts:
            write_no_data(axes)
    figure.side_label = figure.supylabel(
        f"{unit} {metric_label(score)}, {what}".strip(), fontsize=rcParams["font.size"]
    )
    given = f"Residuals after {join_names(map(clinical_name, covariates))}. " if covariates else ""
    who = f"{group}. " if group else ""
    kind = "Spearman" if method == "spearman" else "Pearson"
    partial = "partial correlation" if covariates else "correlation"
    side = "" if is_plain(cohort) else ROLE_NOTES.get(role, "") + " "
    allowed = f" for rows that share {cluster}" if cluster else ""
    footnote(figure, f"{who}{side}{given}r: {kind}’s {partial}; p{allowed} not adjusted, bold: p < 0.05.")
    explain(figure, muscles, [metric, score, *covariates])
    return place_panels(figure, grid)


def _row_of(table: pd.DataFrame, **cells: str) -> pd.Series | None:
    """The row with these cells, of which there is one or none."""
    found = np.ones(len(table), dtype=bool)
    for column, value in cells.items():
        found &= is_among(texts(table[column]), (value,))
    return table[found].iloc[0] if found.any() else None


def _draw_residuals(
    axes: Any, left: Residuals, row: pd.Series | None, place: Mapping[str, str]
) -> list[dict[str, object]]:
    """One panel, and what is drawn in it."""
    if left.problem:
        if left.participants:
            write_no_data(axes, f"no correlation:\n{left.problem}")
        return []
    x, y = left.metric, left.score
    axes.scatter(x, y, s=8, color=colour(4), edgecolors="black", linewidths=0.5, zorder=3)
    ends = np.array([x.min(), x.max()])
    heights = ends * float(x @ y) / float(x @ x)
    axes.plot(ends, heights, color=colour(0), linewidth=1.2)
    set_ticks(axes.xaxis, axes.yaxis)
    drawn = [
        {"drawn": kind, **place, "participant_id": who, "metric_shown": a, "score_shown": b}
        for kind, ids, across, up in (("point", left.participants, x, y), ("line", ("", ""), ends, heights))
        for who, a, b in zip(ids, across.tolist(), up.tolist(), strict=True)
    ]
    if row is None:
        return drawn
    r, p, n = float(row["r"]), float(row["p"]), int(row["n"])
    if n != len(x) or not math.isclose(r, float(np.corrcoef(x, y)[0, 1]), abs_tol=1e-9):
        raise ValueError(
            f"{row['segment']} {row['muscle']} {row['metric']}: correlation r = {r}, n = {n}; "
            f"expected {np.corrcoef(x, y)[0, 1]}, {len(x)} as in the cohort"
        )
    axes.annotate(
        f"{r_and_p(r, p)}, n = {n}", (0, 1), (0, 4), xycoords="axes fraction",
        textcoords="offset points", fontweight="bold" if is_significant(p) else "normal",
    )  # fmt: skip
    return [*drawn, {"drawn": "r", **place, "r": r, "p": p, "n": n}]
