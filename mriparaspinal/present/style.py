"""Sizes, colours and fonts of all figures."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import style as mpl_style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from mriparaspinal.stats.cells import texts
from mriparaspinal.stats.design import require_columns

Mask = NDArray[np.bool_]

Floats = NDArray[np.float64]

#: Widths of one and of two columns of a journal.
COLUMN_MM, PAGE_MM = 85.0, 174.0

#: Of Okabe and Ito's colours those that show on white; neighbours differ in grey print, too.
COLOURS = ("#D55E00", "#56B4E9", "#009E73", "#E69F00", "#0072B2", "#CC79A7", "#000000")

MARKERS = ("o", "s", "^", "D", "v", "P", "X")

DASHES = ("-", "--", "-.", ":")

GREY, PALE = "#595959", "#BBBBBB"

TEXT_PT = 7.0

#: One line of text above an axes, in points.
LINE_PT = 10.0

_STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "font.size": TEXT_PT,
    "axes.titlesize": 8.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT_PT,
    "xtick.labelsize": TEXT_PT,
    "ytick.labelsize": TEXT_PT,
    "legend.fontsize": TEXT_PT,
    "legend.title_fontsize": TEXT_PT,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.4,
    "text.parse_math": False,  # a dollar sign in a column's name is a dollar sign
}


@contextmanager
def style() -> Iterator[None]:
    """The defaults of matplotlib and this module's on top, whatever the user's matplotlibrc says."""
    with mpl_style.context(["default", _STYLE]), warnings.catch_warnings():
        # Told as a note once the files are there; control characters of a name have no letters at all.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def points_above(axes: Any, points: float) -> Any:
    """A transform: x in data, y in heights of the axes, moved up by ``points``."""
    return axes.get_xaxis_transform() + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)


# --- tables -------------------------------------------------------------------------------------------------


def is_plain(cohort: pd.DataFrame) -> bool:
    """A table with one row per participant: no segments, no muscles."""
    return not texts(cohort["segment"]).any()


def is_among(column: pd.Series, values: Sequence[str]) -> Mask:
    """(rows,) True where a cell is one of the values."""
    return np.asarray(column.isin(list(values)), dtype=bool)


def metric_values(cohort: pd.DataFrame, metric: str) -> Floats:
    """(rows,) the metric, or the quotient of two columns; NaN where it is missing or not finite."""
    over = None
    if metric not in cohort and "/" in metric:
        metric, over = metric.split("/", 1)
    require_columns(cohort, [metric] if over is None else [metric, over])
    values = pd.to_numeric(cohort[metric]).to_numpy(dtype=float, na_value=np.nan)
    if over is not None:
        divisor = pd.to_numeric(cohort[over]).to_numpy(dtype=float, na_value=np.nan)
        # As compare does: nothing is divided by zero or less.
        values = values / np.where(divisor > 0, divisor, np.nan)
    return np.where(np.isfinite(values), values, np.nan)


# --- paper --------------------------------------------------------------------------------------------------


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """An empty figure of a size in mm, with a constrained layout."""
    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")


def figure_grid(rows: int, columns: int, row_mm: float) -> tuple[Figure, NDArray[Any]]:
    """A figure as wide as a column for one panel across, else as a page; and its axes, (rows, columns)."""
    figure = new_figure(COLUMN_MM if columns == 1 else PAGE_MM, rows * row_mm)
    return figure, figure.subplots(rows, columns, squeeze=False)


def empty_figure() -> Figure:
    """A figure that says that there are no data."""
    figure = new_figure(COLUMN_MM, 40)
    write_no_data(figure.subplots())
    return with_fixed_layout(figure)


def footnote(figure: Figure, text: str) -> None:
    """One more sentence below the panels, which makes the figure higher: what the picture shows."""
    before = f"{figure.get_supxlabel()}\n" if figure.get_supxlabel() else ""
    width_mm = figure.get_figwidth() * 25.4
    text = re.sub(" ([<≥]) ", "\u00a0\\1\u00a0", text.strip())  # no line break inside p < 0.05
    lines = textwrap.fill(text, int(width_mm / 1.33))
    figure.set_figheight(figure.get_figheight() + LINE_PT / 72 * (lines.count("\n") + 1))
    figure.supxlabel(before + lines, x=0.01, ha="left", fontsize=TEXT_PT, color=GREY)


def set_ticks(*each: Any) -> None:
    """Ticks that do not depend on the length of the axis, as its length depends on the ticks' labels."""
    for axis in each:
        axis.set_major_locator(MaxNLocator(5))


def write_across(axes: Any, text: str, at: float) -> None:
    """A text in the middle of the axes, at a position of x."""
    axes.text(at, 0.5, text, ha="center", va="center", color=GREY, transform=axes.get_xaxis_transform())


def write_no_data(axes: Any, text: str = "no data") -> None:
    """A text in the middle of empty axes."""
    axes.text(
        0.5, 0.5, textwrap.fill(text, 34), ha="center", va="center", color=GREY, transform=axes.transAxes
    )
    axes.set(xticks=[], yticks=[])


def with_fixed_layout(figure: Figure) -> Figure:
    """With its layout fixed, so that drawing it once more does not move anything."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
