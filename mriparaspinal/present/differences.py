"""Forest plots: how far two arms lie apart, in the unit of the metric."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.model import SPINE
from mriparaspinal.present.style import (
    EDGE_MM,
    GREY,
    PAGE_MM,
    PALE,
    PaperFigure,
    colour,
    empty_figure,
    explain,
    footnote,
    name_panel,
    new_figure,
    place_panels,
    set_ticks,
    style,
)
from mriparaspinal.present.words import contrast_name, in_known_order, metric_label, place_name
from mriparaspinal.stats.cells import muscles_of, texts
from mriparaspinal.stats.limits import ALPHA

#: Panels beside each other.
_ACROSS = 4

#: Letters in a line of a panel's title.
_TITLE = 22

#: Height of one difference, and of what stands above and below those of a panel.
_ROW_MM, _AROUND_MM = 3.5, 20.0


@style()
def difference_figure(comparisons: pd.DataFrame, metric: str) -> PaperFigure:
    """The differences of one metric with their 95 % intervals, a panel per contrast and role.

    Of sides the paired difference, else that of the two arms. Filled: p < 0.05 of the same test, not
    adjusted. Where the table has margins of equivalence, they are shaded.
    """
    table = comparisons[comparisons["metric"] == metric]
    table = table.assign(**{name: texts(table[name]) for name in ("contrast", "role", "segment", "muscle")})
    panels = list(table.groupby(["contrast", "role", "label_a", "label_b"], sort=False))
    if not panels:
        return empty_figure()
    segments = in_known_order(table["segment"], SPINE)
    places = [(m, s) for m in in_known_order(table["muscle"], muscles_of(table)) for s in segments]
    down, across = -(-len(panels) // _ACROSS), min(len(panels), _ACROSS)
    height = down * (len(places) * _ROW_MM + _AROUND_MM) + 2 * EDGE_MM
    figure = new_figure(PAGE_MM, height)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    reach = 0.0
    for number, (name, rows) in enumerate(panels):
        axes = grid.flat[number]
        lines = contrast_name(*map(str, name)).splitlines()
        title = "\n".join(textwrap.fill(line, _TITLE) for line in lines)
        name_panel(axes, number, len(panels), title, fontsize="medium")
        by_place = {(row["muscle"], row["segment"]): row for row in rows.to_dict("records")}
        for at, place in enumerate(places):
            shown = _shown(by_place.get(place))
            if shown is not None:
                reach = max(reach, *(abs(x) for x in shown["ends"] if x == x))
                _draw(axes, at, shown)
                figure.drawn.append(_drawn(name, place, metric, shown))
        _margin(axes, rows)
        labels = [place_name(*place) for place in places] if number % across == 0 else [""] * len(places)
        axes.set_yticks(range(len(places)), labels)
        axes.set_ylim(len(places) - 0.4, -0.6)
        axes.set_xlabel(f"difference in {metric_label(metric)}")
        set_ticks(axes.xaxis, most=3)
    for axes in grid.flat[: len(panels)]:
        axes.set_xlim(-1.05 * reach or -1, 1.05 * reach or 1)
    footnote(figure, "First minus second, with the 95 % interval: of means, or Hodges and Lehmann’s shift.")
    footnote(figure, "Of sides that of the pairs. Filled: p < 0.05, not adjusted.")
    if "margin" in table and table["margin"].notna().any():
        footnote(figure, "Shaded: margin of equivalence, which is judged by the (shorter) 90 % interval.")
    explain(figure, [muscle for muscle, _ in places], [metric])
    return place_panels(figure, grid)


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Difference, ends of its interval and p: of the pairs where there are some; None without a test."""
    if row is None:
        return None
    paired = bool(row["paired_test"]) and row["paired_difference"] == row["paired_difference"]
    prefix = "paired_" if paired else ""
    estimate = float(row[f"{prefix}difference"])
    if math.isnan(estimate):
        return None
    low, high = float(row[f"{prefix}difference_ci_low"]), float(row[f"{prefix}difference_ci_high"])
    return {"paired": paired, "ends": (estimate, low, high), "p": float(row[f"{prefix}p"])}


def _draw(axes: Any, at: int, shown: Mapping[str, Any]) -> None:
    estimate, low, high = shown["ends"]
    if low == low:
        axes.plot([low, high], [at, at], color="black", linewidth=0.8, zorder=2)
    filled = colour(0) if shown["p"] < ALPHA else "white"
    axes.scatter([estimate], [at], s=14, color=filled, edgecolors="black", linewidths=0.6, zorder=3)


def _margin(axes: Any, rows: pd.DataFrame) -> None:
    """The line of no difference, and the margin around it where there is one."""
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    margins = rows["margin"].dropna() if "margin" in rows else []
    if len(margins):
        margin = float(np.max(margins))
        axes.axvspan(-margin, margin, color=PALE, alpha=0.35, linewidth=0, zorder=0)


def _drawn(
    name: tuple[Any, ...], place: tuple[str, str], metric: str, shown: Mapping[str, Any]
) -> dict[str, object]:
    contrast, role, _, _ = name
    muscle, segment = place
    keys = {"contrast": contrast, "role": role, "segment": segment, "muscle": muscle, "metric": metric}
    numbers = dict(zip(("difference", "ci_low", "ci_high"), shown["ends"], strict=True))
    return {**keys, "paired": int(shown["paired"]), **numbers, "p": shown["p"]}
