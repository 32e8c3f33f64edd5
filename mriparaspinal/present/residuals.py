"""Whether a model suits its data: residuals against fitted values, and normal plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from mriparaspinal.present.style import (
    GREY,
    Floats,
    PaperFigure,
    colour,
    figure_grid,
    footnote,
    name_panel,
    place_panels,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.words import metric_label
from mriparaspinal.stats.model import Checks


@style()
def residuals_figure(checks: Checks, metric: str) -> PaperFigure:
    """Standardised residuals against fitted values; normal plots of them and of each random effect.

    In a normal plot the values, smallest first, stand over the quantiles of (i − 0.5)/n; points on the line
    are normal with the standard deviation that the model has found.
    """
    effects = list(checks.effects.groupby(["effect", "column"], sort=False))
    figure, grid = figure_grid(1, 2 + len(effects), row_mm=62)
    cells = grid[0]
    rows = checks.rows
    _draw_scatter(cells[0], rows["fitted"].to_numpy(dtype=float), rows["residual"].to_numpy(dtype=float))
    cells[0].set(xlabel=f"fitted, {metric_label(metric)}", ylabel="residual / SD")
    name_panel(cells[0], 0, grid.size, "Residuals")
    quantiles = _draw_normal(cells[1], rows["residual"].to_numpy(dtype=float))
    name_panel(cells[1], 1, grid.size, "Residuals, normal plot")
    columns = dict(zip(rows.to_dict("list"), rows.to_dict("list").values(), strict=True))
    figure.drawn += [
        {"drawn": "residual", **row, "normal_quantile": quantile}
        for row, quantile in zip(_records(columns), quantiles.tolist(), strict=True)
    ]
    for number, (axes, ((effect, column), found)) in enumerate(zip(cells[2:], effects, strict=True), 2):
        quantiles = _draw_normal(axes, found["value"].to_numpy(dtype=float))
        name_panel(axes, number, grid.size, _effect_name(str(effect), str(column)))
        figure.drawn += [
            {"drawn": "random effect", **row, "normal_quantile": quantile}
            for row, quantile in zip(found.to_dict("records"), quantiles.tolist(), strict=True)
        ]
    footnote(figure, "Each divided by the standard deviation that the model has found for it.")
    return place_panels(figure, grid)


def _records(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _effect_name(effect: str, column: str) -> str:
    name = "Participants" if effect == "participant_id" else effect
    return f"{name}, slope of {column}" if column != "(Intercept)" else name


def _draw_scatter(axes: Any, x: Floats, y: Floats) -> None:
    axes.scatter(x, y, s=6, color=colour(4), edgecolors="black", linewidths=0.5, zorder=3)
    axes.axhline(0, color=GREY, linewidth=0.6)
    for limit in (-2, 2):
        axes.axhline(limit, color=GREY, linewidth=0.5, linestyle=":")
    set_ticks(axes.xaxis, axes.yaxis)


def _draw_normal(axes: Any, values: Floats) -> Floats:
    """A normal plot, and the quantile of each value."""
    if len(values) < 2:
        write_no_data(axes)
        return np.full(len(values), np.nan)
    quantiles = np.empty(len(values))
    quantiles[np.argsort(values, kind="stable")] = norm.ppf((np.arange(len(values)) + 0.5) / len(values))
    axes.scatter(quantiles, values, s=6, color=colour(4), edgecolors="black", linewidths=0.5, zorder=3)
    ends = np.array([quantiles.min(), quantiles.max()])
    axes.plot(ends, ends, color=GREY, linewidth=0.8)
    axes.set(xlabel="normal quantile", ylabel="observed / SD")
    set_ticks(axes.xaxis, axes.yaxis)
    return quantiles
