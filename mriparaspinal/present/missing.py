"""Pictures of what is missing of a study: shares by group and region, and by group and column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import Normalize

from mriparaspinal.present.style import (
    COLUMN_MM,
    LETTER_MM,
    LINE_PT,
    PAGE_MM,
    PALE,
    Floats,
    PaperFigure,
    empty_figure,
    footnote,
    new_figure,
    place_panels,
    points_from,
    style,
)

#: White where nothing is missing; safe for colour-blind readers, and in grey print.
_MAP, _SCALE = colormaps["Oranges"], Normalize(0, 1)

_ROW_MM = 6.0


@style()
def missing_regions_figure(regions: pd.DataFrame) -> PaperFigure:
    """Groups and sides down, muscles and segments across: how many of a group were not measured there.

    ``regions``: the table of ``stats.missing.missing_regions``. A cell shows missing + refused; an empty one
    means that all were measured. A refused part is told by a second number: ``3+1``.
    """
    if regions.empty:
        return empty_figure()
    places = list(dict.fromkeys(zip(regions["muscle"], regions["segment"], strict=True)))
    muscles = list(dict.fromkeys(muscle for muscle, _ in places))
    places.sort(key=lambda place: muscles.index(place[0]))  # segments stay in their order
    lines = list(dict.fromkeys(zip(regions["group"], regions["side"], strict=True)))
    cells = {
        (row["group"], row["side"], row["muscle"], row["segment"]): row for row in regions.to_dict("records")
    }
    # None: a side of a region without sides, or both of one that has them.
    grid = [[cells.get((*line, *place)) for place in places] for line in lines]
    shares = np.array([[1 - c["measured"] / c["expected"] if c else 0.0 for c in row] for row in grid])
    words = [[_words(cell) if cell else "·" for cell in row] for row in grid]
    figure = new_figure(PAGE_MM, 20 + _ROW_MM * len(lines))
    axes = figure.subplots(1, 1, squeeze=False)
    expected = {cell["group"]: cell["expected"] for row in grid for cell in row if cell}
    names = [f"{group or 'no group'} (n = {expected[group]}), {side}" for group, side in lines]
    _draw(axes[0, 0], shares, words, names)
    _name_places(axes[0, 0], places)
    axes[0, 0].set_title("Not measured", y=1, pad=4 + LINE_PT)
    for row, line in zip(grid, shares, strict=True):
        figure.drawn += [
            {k: cell[k] for k in ("group", "segment", "muscle", "side", "expected", "refused", "missing")}
            | {"shown": share}
            for cell, share in zip(row, line, strict=True)
            if cell
        ]
    footnote(
        figure, "Participants without a measurement; after a +, those whose contour or slice was refused."
    )
    footnote(figure, "Empty: all were measured. The darker, the larger the share of the group.")
    return place_panels(figure, axes, foot_pt=LINE_PT + 2)


@style()
def missing_columns_figure(columns: pd.DataFrame) -> PaperFigure:
    """Columns of the participants down, groups across: how many of the group have no value.

    ``columns``: the table of ``stats.missing.missing_columns``.
    """
    if columns.empty:
        return empty_figure()
    names = list(dict.fromkeys(columns["column"]))
    groups = list(dict.fromkeys(columns["group"]))
    cells = {(row["column"], row["group"]): row for row in columns.to_dict("records")}
    grid = [[cells[name, group] for group in groups] for name in names]
    shares = np.array([[cell["missing"] / cell["expected"] for cell in row] for row in grid])
    words = [[str(cell["missing"] or "") for cell in row] for row in grid]
    longest = max(map(len, names)) * LETTER_MM
    wide = min(PAGE_MM, max(COLUMN_MM, longest + 14 * len(groups)))
    figure = new_figure(wide, 12 + 4.5 * len(names))
    axes = figure.subplots(1, 1, squeeze=False)
    _draw(axes[0, 0], shares, words, names)
    labels = [f"{group or 'no group'}\nn = {grid[0][j]['expected']}" for j, group in enumerate(groups)]
    axes[0, 0].set_xticks(np.arange(len(groups)) + 0.5, labels)
    for row, line in zip(grid, shares, strict=True):
        figure.drawn += [
            {k: cell[k] for k in ("group", "column", "expected", "missing")} | {"shown": share}
            for cell, share in zip(row, line, strict=True)
        ]
    footnote(figure, "Participants without a value. Empty: none.")
    return place_panels(figure, axes)


def _words(cell: dict[str, Any]) -> str:
    if not cell["refused"]:
        return str(cell["missing"] or "")
    return f"{cell['missing']}+{cell['refused']}"


def _draw(axes: Any, shares: Floats, words: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    """Coloured cells with their numbers, and the names of the rows."""
    axes.pcolormesh(np.ma.masked_equal(shares, 0), cmap=_MAP, norm=_SCALE, edgecolors=PALE, linewidth=0.6)
    for (i, j), share in np.ndenumerate(shares):
        ink = "white" if share > 0.6 else "black"
        axes.text(j + 0.5, i + 0.5, words[i][j], ha="center", va="center", color=ink)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _name_places(axes: Any, places: Sequence[tuple[str, str]]) -> None:
    """Segments below, muscles above."""
    below, above = points_from(axes, 0), points_from(axes, 1)
    for j, (_, segment) in enumerate(places):
        axes.text(j + 0.5, -2, segment, ha="center", va="top", transform=below)
    muscles = [muscle for muscle, _ in places]
    for muscle in dict.fromkeys(muscles):
        first, n = muscles.index(muscle), muscles.count(muscle)
        axes.text(first + n / 2, 2, muscle, ha="center", va="bottom", transform=above)
        if first:
            axes.axvline(first, color="black", linewidth=0.8)
