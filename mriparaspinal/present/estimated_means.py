"""Estimated marginal means of a model with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mriparaspinal.present.style import (
    DASHES,
    LEGEND_MM,
    MARKERS,
    PaperFigure,
    colour,
    empty_figure,
    explain,
    figure_grid,
    footnote,
    handles_of,
    name_groups,
    name_panel,
    place_panels,
    style,
    write_no_data,
)
from mriparaspinal.present.words import metric_label

#: Panels beside each other.
_ACROSS = 3


@style()
def means_figure(means: pd.DataFrame, metric: str) -> PaperFigure:
    """Means with 95 % intervals: a panel per level of ``by``, the last factor across, the others in colours.

    ``means``: the rows of ``estimated_means.csv`` of one metric and one set of factors.
    """
    if means.empty:
        return empty_figure()
    places = list(dict.fromkeys(means["at"]))
    across = min(_ACROSS, len(places))
    figure, grid = figure_grid(math.ceil(len(places) / across), across, row_mm=58)
    cells = [str(cell).rpartition(":") for cell in means["cell"]]
    means = means.assign(series=[series for series, _, _ in cells], level=[level for _, _, level in cells])
    levels, series = list(dict.fromkeys(means["level"])), list(dict.fromkeys(means["series"]))
    heights = means[["ci_low", "ci_high", "mean"]].to_numpy(dtype=float)
    for i, axes in enumerate(grid.flat):
        if i >= len(places):
            axes.set_axis_off()
            continue
        own = means[means["at"] == places[i]]
        name_panel(axes, i, len(places), str(places[i]).replace(":", ", "))
        for j, name in enumerate(series):
            line = own[own["series"] == name].set_index("level").reindex(levels)
            x = np.arange(len(levels)) + 0.12 * (j - (len(series) - 1) / 2)
            y = line["mean"].to_numpy(dtype=float)
            below, above = y - line["ci_low"].to_numpy(dtype=float), line["ci_high"].to_numpy(dtype=float) - y
            axes.errorbar(
                x, y, yerr=[below, above], color=colour(j), marker=MARKERS[j % len(MARKERS)], markersize=4,
                linestyle=DASHES[j % len(DASHES)], linewidth=1.0, capsize=2,
                label=str(name).replace(":", ", "),
            )  # fmt: skip
        if own["mean"].isna().all():
            write_no_data(axes)
            continue
        axes.set_xticks(range(len(levels)), levels)
        axes.set_xlim(-0.5, len(levels) - 0.5)
        if np.isfinite(heights).any():
            low, high = np.nanmin(heights), np.nanmax(heights)
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        if i % across == 0:
            axes.set_ylabel(metric_label(metric))
    numbers = ["factors", "by", "at", "cell", "mean", "ci_low", "ci_high"]
    figure.drawn += [{"drawn": "mean", **row} for row in means[numbers].to_dict("records")]
    footnote(figure, "Estimated marginal means with 95 % confidence intervals.")
    explain(figure, [], [metric])
    named = {} if series == [""] else handles_of(grid)
    name_groups(figure, named)
    return place_panels(figure, grid, LEGEND_MM if named else 0.0)
