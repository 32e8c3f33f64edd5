"""The map of effect sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.text import Text
from scipy.stats import norm

from mriparaspinal.core.model import SPINE
from mriparaspinal.present.style import (
    EDGE_MM,
    LETTER_MM,
    LINE_PT,
    MM,
    PAGE_MM,
    Floats,
    Mask,
    PaperFigure,
    empty_figure,
    explain,
    footnote,
    new_figure,
    place_panels,
    points_from,
    style,
)
from mriparaspinal.present.words import contrast_name, in_known_order, metric_label
from mriparaspinal.stats.cells import muscles_of, texts
from mriparaspinal.stats.limits import ALPHA

#: Diverging, safe for colour-blind readers, white at no effect.
_EFFECT_MAP, _EFFECT_SCALE = colormaps["PuOr"], Normalize(-1, 1)


@style()
def effect_map(comparisons: pd.DataFrame) -> PaperFigure:
    """All effects of ``comparisons`` at one look: a panel per metric, contrasts down, muscles across.

    Every cell is on the scale of the rank-biserial correlation, P(a > b) − P(a < b) for one participant of
    each arm. Where the table has Hedges' g, the picture (not the table) shows what g means on that scale for
    two normal arms of equal variance, 2·Φ(g/√2) − 1 (McGraw & Wong 1992, *Psychol Bull* 111:361–365), in
    italics. One dot: p < 0.05; two: adjusted p < 0.05. Hatched: no test. In a table without segments and
    muscles the metrics are the columns of the only panel.
    """
    table = comparisons.copy()
    for column in ("contrast", "segment", "muscle", "metric", "role", "label_a", "label_b", "effect"):
        table[column] = texts(table[column])
    if table.empty:
        return empty_figure()
    names = {tuple(line): None for line in table[["contrast", "role", "label_a", "label_b"]].values}
    plain = not table["muscle"].any() and not table["segment"].any()
    metrics = list(dict.fromkeys(table["metric"]))
    segments = in_known_order(table["segment"], SPINE)
    places = [
        (muscle, segment)
        for muscle in in_known_order(table["muscle"], muscles_of(table))
        for segment in segments
    ]
    panels = [[(metric, *place) for metric in metrics for place in places]]
    if not plain:
        panels = [[(metric, *place) for place in places] for metric in metrics]
    key = ("contrast", "role", "label_a", "label_b", "metric", "muscle", "segment")
    cells = {tuple(row[name] for name in key): row for row in table.to_dict("records")}

    below_mm = _upright_mm(panels[0]) if plain else 0.0
    figure = new_figure(PAGE_MM, len(panels) * (14 + 7.2 * len(names)) + _BAR_MM + below_mm)
    grid = figure.subplots(len(panels), 1, squeeze=False)
    for axes, columns in zip(grid.flat, panels, strict=True):
        found = [[cells.get((*name, *column)) for column in columns] for name in names]
        sizes = np.array([[math.nan if c is None else _common_effect(c) for c in line] for line in found])
        _draw_effects(axes, sizes)
        _write_effects(axes, found, sizes, numbers=len(columns) <= 20)
        _name_effects(axes, columns, [contrast_name(*name) for name in names], plain)
        for (i, j), size in np.ndenumerate(sizes):
            place = {**dict(zip(key, (*list(names)[i], *columns[j]), strict=True)), "shown": size}
            cell = found[i][j] or {}
            figure.drawn.append({**place, **{name: cell.get(name) for name in _NUMBERS}})
    footnote(figure, "Rank-biserial correlation: P(first > second) − P(first < second).")
    footnote(figure, "Italics: 2·Φ(g/√2) − 1, converted from Hedges’ g. Hatched: no test.")
    footnote(figure, "•: p < 0.05, not adjusted; ••: p < 0.05 after Benjamini–Hochberg’s adjustment, too.")
    explain(figure, [muscle for muscle, _ in places], metrics)
    foot_pt = 0.0 if plain else LINE_PT + 2
    place_panels(figure, grid, below_mm=_BAR_MM, foot_pt=foot_pt, measured=_longest)
    _draw_bar(figure, grid[-1, 0])
    return figure


def _longest(axes: Any) -> list[Text]:
    """The longest name of a row, which is the widest."""
    names = [text for text in axes.texts if text.get_ha() == "right"]
    return [max(names, key=lambda text: len(text.get_text()))]


#: Height of the colour bar, with its ticks and label.
_BAR_MM = 14.0

#: What stands beside each cell in the figure's data.
_NUMBERS = ("effect", "effect_size", "p", "p_adjusted")


def _draw_effects(axes: Any, sizes: Floats) -> None:
    # Where a cell is empty, the hatched background of the axes shows.
    axes.patch.set(facecolor="#F0F0F0", edgecolor="#A0A0A0", hatch="//////", linewidth=0)
    axes.pcolormesh(
        np.ma.masked_invalid(sizes), cmap=_EFFECT_MAP, norm=_EFFECT_SCALE, edgecolors="white", linewidth=0.6
    )


def _draw_bar(figure: PaperFigure, above: Any) -> None:
    """The colours and their meaning, below the panels."""
    height = figure.get_figheight() * MM
    note = 0.0 if figure.note is None else LINE_PT / 72 * MM * (figure.note.get_text().count("\n") + 1)
    bottom = (2 * EDGE_MM + note + _BAR_MM - 5) / height
    box = above.get_position()
    axes = figure.add_axes((box.x0 + 0.2 * box.width, bottom, 0.6 * box.width, 2 / height))
    steps = np.linspace(-1, 1, 65)
    middles = [(steps[1:] + steps[:-1]) / 2]
    axes.pcolormesh(
        steps, [0, 1], middles, cmap=_EFFECT_MAP, norm=_EFFECT_SCALE, edgecolors="face", linewidth=0.5
    )
    axes.set(xticks=[-1, -0.5, 0, 0.5, 1], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel("rank-biserial correlation")
    beside: dict[str, Any] = {"va": "center", "transform": axes.transAxes}
    axes.text(-0.02, 0.5, "second arm larger ◄", ha="right", **beside)
    axes.text(1.02, 0.5, "► first arm larger", ha="left", **beside)


def _common_effect(cell: Mapping[str, Any]) -> float:
    """On the scale of the rank-biserial correlation; NaN where there was no test."""
    size = float(cell["effect_size"])
    if cell["effect"] == "hedges_g":
        return float(2 * norm.cdf(size / math.sqrt(2)) - 1)
    return size if cell["effect"] == "rank_biserial" else math.nan


def _write_effects(
    axes: Any, found: Sequence[Sequence[Mapping[str, Any] | None]], sizes: Floats, numbers: bool
) -> None:
    dark = _is_dark(_EFFECT_MAP(_EFFECT_SCALE(sizes))[..., :3])
    dots: dict[str, list[tuple[float, float]]] = {"white": [], "black": []}
    for (i, j), size in np.ndenumerate(sizes):
        cell = found[i][j]
        if cell is None or math.isnan(size):
            continue
        ink = "white" if dark[i, j] else "black"
        if cell["p_adjusted"] < ALPHA:
            dots[ink] += [(j + 0.46, i + 0.78), (j + 0.54, i + 0.78)]
        elif cell["p"] < ALPHA:
            dots[ink].append((j + 0.5, i + 0.78))
        if numbers:
            text = f"{size:+z.2f}".replace("0.", ".", 1).replace("-", "−")
            italic = cell["effect"] == "hedges_g"
            axes.text(
                j + 0.5, i + 0.45, text, ha="center", va="center", color=ink,
                fontstyle="italic" if italic else "normal",
            )  # fmt: skip
    for ink, places in dots.items():
        if places:
            axes.scatter(*zip(*places, strict=True), s=3, color=ink, linewidths=0)


def _is_dark(colours: Floats) -> Mask:
    """Where white has more contrast than black, by WCAG 2's relative luminance."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return np.asarray(1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05)


#: So many letters stand in one line across the page.
_LETTERS_ACROSS = 80


def _upright_mm(columns: Sequence[tuple[str, str, str]]) -> float:
    """The room that the names of metrics take below the axes; 0 where they lie side by side."""
    longest = max(len(metric_label(metric)) for metric, _, _ in columns)
    beside = len(columns) <= 4 and len(columns) * (longest + 2) <= _LETTERS_ACROSS
    return 0.0 if beside else longest * LETTER_MM


def _name_effects(
    axes: Any, columns: Sequence[tuple[str, str, str]], rows: Sequence[str], plain: bool
) -> None:
    """Rows by contrast, columns by segment below and muscle above; metrics below in a plain table."""
    axes.set_yticks([])
    for i, name in enumerate(rows):
        lines = name.split("\n")
        for number, line in enumerate(lines):
            # Each line by itself keeps to the right in the letters of another program, too.
            height = i + 0.5 + 0.4 * (number - (len(lines) - 1) / 2)
            axes.text(-0.01, height, line, ha="right", va="center", transform=axes.get_yaxis_transform())
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if plain:
        labels = [metric_label(metric) for metric, _, _ in columns]
        axes.set_xticks(np.arange(len(columns)) + 0.5, labels, rotation=90 if _upright_mm(columns) else 0)
        return
    axes.set_xticks([])
    below = points_from(axes, 0)
    for j, (_, _, segment) in enumerate(columns):
        axes.text(j + 0.5, -2, segment, ha="center", va="top", transform=below)
    muscles, above = [muscle for _, muscle, _ in columns], points_from(axes, 1)
    for muscle in dict.fromkeys(muscles):
        first, n = muscles.index(muscle), muscles.count(muscle)
        axes.text(first + n / 2, 2, muscle, ha="center", va="bottom", transform=above)
        if first:
            axes.axvline(first, color="white", linewidth=3)
    axes.set_title(metric_label(columns[0][0]), y=1, pad=4 + LINE_PT)
