"""Sizes, colours and fonts of all figures."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from string import ascii_uppercase
from typing import Any, Literal

import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib import rcParams
from matplotlib import style as mpl_style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform, blended_transform_factory
from numpy.typing import NDArray

from mriparaspinal.present.words import abbreviations, metric_label
from mriparaspinal.stats.cells import texts
from mriparaspinal.stats.design import require_columns

Mask = NDArray[np.bool_]

Floats = NDArray[np.float64]

#: Millimetres of an inch.
MM = 25.4

#: Widths of one and of two columns of a journal.
COLUMN_MM, PAGE_MM = 85.0, 174.0

#: Of Okabe and Ito's colours those that show on white; neighbours differ in grey print, too.
COLOURS = ("#D55E00", "#56B4E9", "#009E73", "#E69F00", "#0072B2", "#CC79A7", "#000000")

MARKERS = ("o", "s", "^", "D", "v", "P", "X")

DASHES = ("-", "--", "-.", ":")

GREY, PALE = "#595959", "#BBBBBB"

TEXT_PT = 7.0

#: About as wide is a letter of it.
LETTER_MM = 1.6

#: One line of text above an axes, in points.
LINE_PT = 10.0

#: Room above all panels for the names of the series.
LEGEND_MM = 4.0

#: White along the edges of a figure, and between its panels.
EDGE_MM, GAP_MM = 1.0, 3.5

_STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "font.size": TEXT_PT,
    "axes.titlesize": 8.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize"), "medium"),
    **dict.fromkeys(("legend.fontsize", "legend.title_fontsize"), "medium"),
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.5,
    "axes.prop_cycle": cycler(color=COLOURS),
    "text.parse_math": False,  # a dollar sign in a column's name is a dollar sign
}


#: The user's settings, which are laid over ours.
_LAID_OVER: ContextVar[Mapping[str, Any] | None] = ContextVar("laid over", default=None)


@contextmanager
def laid_over(settings: Mapping[str, Any]) -> Iterator[None]:
    """Draw with settings of matplotlib in place of ours."""
    token = _LAID_OVER.set(settings)
    try:
        yield
    finally:
        _LAID_OVER.reset(token)


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults, ours and what is laid over them, whatever the user's matplotlibrc says."""
    settings = {**_STYLE, **(_LAID_OVER.get() or {})}
    with mpl_style.context(["default", settings]), warnings.catch_warnings():
        # Told as a note once the files are there; control characters of a name have no letters at all.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def points_from(axes: Any, edge: int) -> Transform:
    """A transform: x in data, y in points above an edge of the axes, 0 the bottom and 1 the top."""
    return blended_transform_factory(axes.transData, _in_points(axes, 0, edge))


def _in_points(axes: Any, x: int, y: int) -> Transform:
    """A transform: points from a corner of the axes."""
    corner: Transform = ScaledTranslation(x, y, axes.transAxes)
    in_points: Transform = Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans + corner
    return in_points


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


class PaperFigure(Figure):
    """A figure that knows what is drawn in it: :attr:`drawn` becomes the table beside it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.drawn: list[dict[str, object]] = []
        self.note: Text | None = None
        self.side_label: Text | None = None


def new_figure(
    width_mm: float, height_mm: float, layout: Literal["constrained"] | None = None
) -> PaperFigure:
    """An empty figure of a size in mm; for legends outside of the axes with matplotlib's own layout."""
    return PaperFigure(figsize=(width_mm / MM, height_mm / MM), layout=layout)


def figure_grid(rows: int, columns: int, row_mm: float) -> tuple[PaperFigure, NDArray[Any]]:
    """A figure as wide as a column for one panel across, else as a page; and its axes, (rows, columns)."""
    figure = new_figure(COLUMN_MM if columns == 1 else PAGE_MM, rows * row_mm)
    return figure, figure.subplots(rows, columns, squeeze=False)


def empty_figure() -> PaperFigure:
    """A figure that says that there are no data."""
    figure = new_figure(COLUMN_MM, 40)
    write_no_data(figure.subplots())
    return figure


def footnote(figure: PaperFigure, text: str) -> None:
    """One more sentence below the panels, which makes the figure higher: what the picture shows."""
    before = "" if figure.note is None else f"{figure.note.get_text()}\n"
    width_mm = figure.get_figwidth() * MM
    text = re.sub(" ([<≥]) ", "\u00a0\\1\u00a0", text.strip())  # no line break inside p < 0.05
    larger = rcParams["font.size"] / TEXT_PT
    lines = textwrap.fill(text, int(width_mm / 1.33 / larger))
    figure.set_figheight(figure.get_figheight() + larger * LINE_PT / 72 * (lines.count("\n") + 1))
    figure.note = figure.supxlabel(
        before + lines, x=0.01, y=0.01, ha="left", va="bottom", fontsize=rcParams["font.size"], color=GREY
    )


def explain(figure: PaperFigure, muscles: Iterable[str], metrics: Iterable[str]) -> None:
    """What the abbreviations of muscles and metrics mean, below the panels."""
    labels = (part for metric in metrics for part in metric_label(metric).split(" "))
    if text := abbreviations([*dict.fromkeys(muscles), *dict.fromkeys(labels)]):
        footnote(figure, text)


def name_panel(axes: Any, number: int, of: int, name: str, **look: Any) -> None:
    """The title of a panel, after the letter by which a legend refers to it where there are several."""
    before = ascii_uppercase[number // 26 - 1] if number >= 26 else ""
    letter = f"{before}{ascii_uppercase[number % 26]}" if of > 1 else ""
    axes.set_title(f"{letter}\u2002{name}".strip(), **look)


def name_groups(figure: PaperFigure, named: Mapping[str, Any]) -> None:
    """Names of series above all panels, in :data:`LEGEND_MM`: name → what is drawn of it."""
    if named:
        figure.legend(
            list(named.values()), list(named), loc="upper right", ncols=len(named), handlelength=2.4,
            borderaxespad=0.1,
        )  # fmt: skip


def handles_of(grid: NDArray[Any]) -> dict[str, Any]:
    """What is drawn of each series with a name, in any panel."""
    named: dict[str, Any] = {}
    for axes in grid.flat:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    return named


def set_ticks(*each: Any, most: int = 5) -> None:
    """Ticks that do not depend on the length of the axis, as its length depends on the ticks' labels."""
    for axis in each:
        axis.set_major_locator(MaxNLocator(most))


def write_no_data(axes: Any, text: str = "no data") -> None:
    """A text in the middle of empty axes."""
    axes.text(
        0.5, 0.5, textwrap.fill(text, 34), ha="center", va="center", color=GREY, transform=axes.transAxes
    )
    axes.set(xticks=[], yticks=[])


def colour(number: int) -> str:
    """The colour of a series: of ours, or of the user's style."""
    colours = rcParams["axes.prop_cycle"].by_key().get("color", COLOURS)
    return str(colours[number % len(colours)])


# --- layout -------------------------------------------------------------------------------------------------


def place_panels(
    figure: PaperFigure,
    grid: NDArray[Any],
    above_mm: float = 0.0,
    below_mm: float = 0.0,
    foot_pt: float = 0.0,
    measured: Callable[[Any], Sequence[Text]] = lambda _: (),
) -> PaperFigure:
    """Give all axes of a grid one size, with the room that the texts around them take, measured once.

    ``above_mm`` and ``below_mm`` are left free above and below all panels, as is what a footnote takes;
    ``foot_pt`` below each. Of the texts of axes themselves those ``measured`` count.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    mm = figure.dpi / MM
    around = np.zeros((*grid.shape, 4))
    for place, axes in np.ndenumerate(grid):
        if axes.axison:
            around[place] = _around(axes, renderer, measured(axes)) / mm
            _hold_labels(axes)
    left, right = (around[..., side].max(axis=0, initial=0) for side in (0, 1))
    bottom, top = (around[..., side].max(axis=1, initial=0) for side in (2, 3))
    bottom = np.maximum(bottom, foot_pt / 72 * MM)
    width, height = figure.get_figwidth() * MM, figure.get_figheight() * MM
    beside, note = (
        None if text is None else text.get_window_extent(renderer)
        for text in (figure.side_label, figure.note)
    )
    start = EDGE_MM + (0.0 if beside is None else beside.width / mm + EDGE_MM)
    end = EDGE_MM + below_mm + (0.0 if note is None else note.height / mm + 2 * EDGE_MM)
    across = (width - start - EDGE_MM - (left + right).sum() - GAP_MM * (len(left) - 1)) / len(left)
    down = (height - end - EDGE_MM - above_mm - (top + bottom).sum() - GAP_MM * (len(top) - 1)) / len(top)
    for (i, j), axes in np.ndenumerate(grid):
        x = start + left[: j + 1].sum() + right[:j].sum() + j * (across + GAP_MM)
        y = height - EDGE_MM - above_mm - top[: i + 1].sum() - bottom[:i].sum() - i * (down + GAP_MM) - down
        axes.set_position((x / width, y / height, across / width, down / height))
    if figure.side_label is not None:
        middle = (end + height - EDGE_MM - above_mm) / 2
        figure.side_label.set(position=(EDGE_MM / width, middle / height), ha="left", va="center")
    return figure


def _around(axes: Any, renderer: Any, measured: Sequence[Text]) -> Floats:
    """How far what belongs to axes reaches beyond them: left, right, bottom and top, in pixels."""
    inside = axes.get_window_extent(renderer)
    outside = axes.get_tightbbox(renderer, bbox_extra_artists=measured)
    left, bottom = inside.x0 - outside.x0, inside.y0 - outside.y0
    return np.array([left, outside.x1 - inside.x1, bottom, outside.y1 - inside.y1])


def _hold_labels(axes: Any) -> None:
    """Keep the labels of both axes where they are, so that no drawing measures the ticks again."""
    points = 72 / axes.figure.dpi
    corner = axes.get_window_extent()
    across = blended_transform_factory(axes.transAxes, _in_points(axes, 0, 0))
    up = blended_transform_factory(_in_points(axes, 0, 0), axes.transAxes)
    below = axes.xaxis.label.get_position()[1] - corner.y0
    beside = axes.yaxis.label.get_position()[0] - corner.x0
    axes.xaxis.set_label_coords(0.5, below * points, across)
    axes.yaxis.set_label_coords(beside * points, 0.5, up)


def with_fixed_layout(figure: PaperFigure) -> PaperFigure:
    """With matplotlib's layout fixed, so that drawing it once more does not move anything."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
