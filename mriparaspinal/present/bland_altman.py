"""Bland–Altman plots."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rcParams

from mriparaspinal.present.style import (
    GREY,
    PaperFigure,
    colour,
    explain,
    figure_grid,
    footnote,
    name_panel,
    place_panels,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.words import metric_label, signed
from mriparaspinal.stats.bland_altman import BlandAltman


@style()
def bland_altman_figure(
    regions: Mapping[str, BlandAltman], metric: str, rater_a: str, rater_b: str
) -> PaperFigure:
    """Bland–Altman plots, one panel per region (its title is the key), three in a row.

    Each of ``regions`` comes from ``stats.reliability.bland_altman(a, b)``. Solid line: bias; dashed lines:
    95 % limits of agreement; bands: their 95 % confidence intervals; the numbers are next to them.
    """
    across = max(1, min(3, len(regions)))
    figure, grid = figure_grid(max(1, math.ceil(len(regions) / across)), across, row_mm=58)
    named = list(regions.items())
    for i, axes in enumerate(grid.flat):
        if i >= max(1, len(named)):
            axes.set_axis_off()
            continue
        title, limits = named[i] if named else ("", None)
        name_panel(axes, i, len(named), title)
        axes.set_title(
            f"n = {limits.n if limits else 0}",
            loc="right",
            fontsize=rcParams["font.size"],
            fontweight="normal",
        )
        if limits is None or limits.n == 0:
            write_no_data(axes)
        else:
            figure.drawn += _draw_limits(axes, limits, title)
        axes.set_xlabel(f"mean of both, {metric_label(metric)}")
        if i % across == 0:
            axes.set_ylabel(textwrap.fill(f"{rater_b} − {rater_a}, {metric_label(metric)}", 36))
    footnote(
        figure,
        "Solid: bias; dashed: 95 % limits of agreement (Bland and Altman 1986, targets taken as "
        "independent); bands: 95 % confidence intervals.",
    )
    explain(figure, regions, [metric])
    return place_panels(figure, grid, measured=lambda axes: axes.texts)


def _draw_limits(axes: Any, limits: BlandAltman, region: str) -> list[dict[str, object]]:
    """One panel, and what is drawn in it."""
    axes.scatter(
        limits.mean, limits.difference, s=6, color=GREY, edgecolors="black", linewidths=0.5, zorder=3
    )
    axes.axhline(0, color=GREY, linewidth=0.5, linestyle=":")
    set_ticks(axes.xaxis, axes.yaxis)
    lines = _limit_lines(limits)
    for line in lines:
        axes.axhline(line.value, color=colour(line.number), linewidth=1.0, linestyle=line.dash)
        if line.low is not None and line.high is not None:
            axes.axhspan(line.low, line.high, color=colour(line.number), alpha=0.15, linewidth=0)
    for line, height in zip(lines, _label_heights(axes, [line.value for line in lines]), strict=True):
        digits = _decimals(limits.sd or line.value)
        text = f"{line.name}\n{signed(line.value, digits)}"
        if line.low is not None and line.high is not None:
            text += f"\n({signed(line.low, digits)} to\n{signed(line.high, digits)})"
        axes.text(1.02, height, text, va="center", color=colour(line.number), transform=axes.transAxes)
    points = zip(limits.mean.tolist(), limits.difference.tolist(), strict=True)
    drawn: list[dict[str, object]] = [
        {"region": region, "drawn": "point", "mean": mean, "difference": difference}
        for mean, difference in points
    ]
    return drawn + [
        {"region": region, "drawn": e.name, "difference": e.value, "ci_low": e.low, "ci_high": e.high}
        for e in lines
    ]


def _label_heights(axes: Any, values: Sequence[float]) -> list[float]:
    """Heights (0–1) of the labels of bias, upper and lower limit: at their lines, but never on each other."""
    bottom, top = axes.get_ylim()
    heights = [(value - bottom) / (top - bottom) for value in values]
    if len(heights) == 1:
        return heights
    apart = min(max(heights[1] - heights[0], 0.31), 0.35)
    middle = min(max(heights[0], 0.15 + apart), 0.85 - apart)
    return [middle, middle + apart, middle - apart]


@dataclass(frozen=True, slots=True)
class _Line:
    """A horizontal line of a Bland–Altman plot, with its confidence interval if it has one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    dash: str = "-"
    number: int = 4
    """Of its colour."""


def _limit_lines(limits: BlandAltman) -> list[_Line]:
    """Bias, upper and lower limit; one line alone where there are no limits beside it."""
    bias, upper, lower = limits.bias, limits.loa_high, limits.loa_low
    if bias is None:
        return []
    if upper is None or lower is None:
        return [_Line("difference", bias)]
    if upper - lower <= 1e-12 * float(np.abs(limits.mean).max()):
        return [_Line("all differ by", bias)]
    return [
        _Line("bias", bias, limits.bias_ci_low, limits.bias_ci_high),
        _Line("upper limit", upper, limits.loa_high_ci_low, limits.loa_high_ci_high, "--", 0),
        _Line("lower limit", lower, limits.loa_low_ci_low, limits.loa_low_ci_high, "--", 0),
    ]


def _decimals(size: float) -> str:
    """A format with the decimals that show two digits of ``size``, six at most.

    >>> _decimals(0.0331), _decimals(512.0), _decimals(0.0)
    ('.3f', '.0f', '.2f')
    """
    return f".{min(6, max(0, 1 - math.floor(math.log10(abs(size)))))}f" if size else ".2f"
