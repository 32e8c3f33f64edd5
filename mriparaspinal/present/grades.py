"""Figures 1 to 3 of the ultrasound study, for any instrument with grades: tables in, figures out."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from mriparaspinal.present.p_values import STARS_KEY, stars
from mriparaspinal.present.style import PAGE_MM, PaperFigure, colour, new_figure, style, with_fixed_layout
from mriparaspinal.stats.grades import ALL, DETECTED, ITEMS, PARTICIPANTS

_HATCHES = ("", "////", "....", "xxxx")

_BAR = {"edgecolor": "black", "linewidth": 0.5}


@style()
def distribution_figure(distribution: pd.DataFrame) -> PaperFigure:
    """Figure 1: shares of each grade, A of participants by their highest grade, B of all items."""
    figure = new_figure(PAGE_MM, 70, "constrained")
    titles = {PARTICIPANTS: "A  Highest grade of a participant", ITEMS: "B  Grade of each item and side"}
    for axes, (unit, title) in zip(figure.subplots(1, 2, sharey=True), titles.items(), strict=True):
        rows = distribution[distribution["unit"] == unit]
        groups = list(dict.fromkeys(rows["group"]))
        for number, group in enumerate(groups):
            of = rows[rows["group"] == group]
            at = of["grade"].to_numpy(dtype=float) + _beside(number, len(groups))
            label = f"{group} (n = {of['n'].iloc[0]})"
            bars = axes.bar(at, of["share"], 0.8 / len(groups), label=label, **_look(number))
            axes.bar_label(bars, [str(count) for count in of["count"]], padding=1)
        axes.set(title=title, xlabel="grade", xticks=sorted(set(rows["grade"])))
        axes.legend()
        _per_cent(axes.yaxis)
    figure.axes[0].set_ylabel("share of the group (%)")
    figure.drawn += distribution.to_dict("records")
    return with_fixed_layout(figure)


@style()
def detection_figure(detection: pd.DataFrame) -> PaperFigure:
    """Figure 2: how often each item has a grade above 0, with stars for p of the first two groups' test.

    With three groups or more there are bars and no stars: one star for several pairs would say nothing.
    """
    rows = detection[(detection["measure"] == DETECTED) & (detection["item"] != ALL)]
    labels = list(dict.fromkeys(rows["label"]))
    shares: dict[str, dict[str, float]] = {}
    for row in rows.to_dict("records"):
        for letter in "ab":
            shares.setdefault(row[f"label_{letter}"], {})[row["label"]] = row[f"share_{letter}"]
    height = 16 + len(labels) * (4 + 3 * len(shares))
    figure = new_figure(PAGE_MM, height, "constrained")
    axes = figure.subplots()
    for number, (group, of) in enumerate(shares.items()):
        at = np.arange(len(labels)) + _beside(number, len(shares))
        values = [of[label] for label in labels]
        bars = axes.barh(at, values, 0.8 / len(shares), label=group, **_look(number))
        axes.bar_label(bars, [f"{100 * value:.1f}" for value in values], padding=2)
    if len(shares) == 2:
        marks = dict(zip(rows["label"], rows["p"], strict=True))
        for row_number, label in enumerate(labels):
            axes.text(1.06, row_number, stars(marks[label]), va="center", ha="left", clip_on=False)
    axes.set(yticks=range(len(labels)), yticklabels=[textwrap.fill(label, 34) for label in labels])
    axes.set(xlim=(0, 1.05), xlabel="detected, of the items of the group (%)")
    axes.invert_yaxis()
    _per_cent(axes.xaxis)
    figure.legend(loc="outside upper right", ncols=len(shares))
    if len(shares) == 2:
        figure.supxlabel(f"{STARS_KEY}.", x=0.01, ha="left", fontsize="medium")
    figure.drawn += rows.to_dict("records")
    return with_fixed_layout(figure)


@style()
def places_figure(places: pd.DataFrame) -> PaperFigure:
    """Figure 3: where low and high grades are, as shares of all items of the group with a grade above 0."""
    groups = list(dict.fromkeys(places["group"]))
    names = list(dict.fromkeys(places["place"]))
    height = 22 + 9 * len(names)
    figure = new_figure(PAGE_MM, height, "constrained")
    grid = figure.subplots(1, len(groups), sharex=True, sharey=True, squeeze=False)[0]
    for axes, group in zip(grid, groups, strict=True):
        for number, level in enumerate(("high", "low")):
            of = places[(places["group"] == group) & (places["level"] == level)]
            at = np.arange(len(names)) + _beside(number, 2)
            bars = axes.barh(at, of["share"].fillna(0), 0.4, label=f"{level} grade", **_look(number))
            texts = [f"{100 * share:.1f}" if share == share else "–" for share in of["share"]]
            axes.bar_label(bars, texts, padding=2)
        n = places.loc[places["group"] == group, "n"].iloc[0]
        axes.set(title=f"{group} (n = {n})", yticks=range(len(names)), yticklabels=names)
        axes.margins(x=0.15)
        _per_cent(axes.xaxis)
    grid[0].invert_yaxis()
    figure.supxlabel("share of all items with a grade above 0 (%)", fontsize="medium")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    figure.drawn += places.to_dict("records")
    return with_fixed_layout(figure)


def _look(number: int) -> dict[str, Any]:
    """Nothing depends on colour alone: hatches distinguish the bars in grey, too."""
    return {"color": colour(number), "hatch": _HATCHES[number % len(_HATCHES)], **_BAR}


def _beside(number: int, count: int) -> float:
    return (number - (count - 1) / 2) * 0.8 / count


def _per_cent(axis: Any) -> None:
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
