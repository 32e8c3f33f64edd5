"""The figures: a table goes in, a :class:`matplotlib.figure.Figure` comes out, one function per figure.

Sizes are a journal's column widths (85 and 174 mm), no text is smaller than 7 points, colours are Okabe and
Ito's, and nothing hangs on colour alone. A panel without data says so. ``files.figure_files`` turns a figure
into PNG or SVG.
"""

from __future__ import annotations

import dataclasses
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib import style as mpl_style
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray
from scipy.stats import norm

from mriparaspinal.cohort import as_text, texts
from mriparaspinal.contrasts import SIDE, Conditions, Contrast, members, parse_contrast
from mriparaspinal.design import require_columns, select
from mriparaspinal.errors import UsageError
from mriparaspinal.model import MUSCLES, SEGMENTS, Measurement
from mriparaspinal.participants import VALUE_NAMES
from mriparaspinal.stats.correlate import Method, Residuals, residuals
from mriparaspinal.stats.reliability import BlandAltman
from mriparaspinal.stats.roc import RocResult

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

#: Widths of one and of two columns of a journal.
COLUMN_MM, PAGE_MM = 85.0, 174.0
ALPHA = 0.05

#: Of Okabe and Ito's colours those that show on white; neighbours differ in grey print, too.
COLOURS = ("#D55E00", "#56B4E9", "#009E73", "#E69F00", "#0072B2", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
_GREY, _PALE = "#595959", "#BBBBBB"
_TEXT_PT = 7.0
#: One line of text above an axes, in points.
_LINE_PT = 10.0
#: Beyond so many pairs their lines are drawn together, so many at once.
_MANY_PAIRS = 500
_STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "font.size": _TEXT_PT,
    "axes.titlesize": 8.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": _TEXT_PT,
    "xtick.labelsize": _TEXT_PT,
    "ytick.labelsize": _TEXT_PT,
    "legend.fontsize": _TEXT_PT,
    "legend.title_fontsize": _TEXT_PT,
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

#: How the columns of the tables are called on an axis; any other goes by its own name.
_NAMES = {
    "fi": "FI",
    "rcsa": "rCSA",
    "lean_rcsa": "lean rCSA",
    "csa_px": "CSA",
    "csa_mm2": "CSA",
    "contour_area_px": "contour area",
    "fat_px": "fat",
    "lean_px": "lean CSA",
    "reference_px": "reference",
    "mean_intensity": "mean intensity",
    "asymmetry_pct": "asymmetry",
    "alsfrs_r": "ALSFRS-R",
    "alsfrs_lower": "ALSFRS-R, lower limb",
    "bmi": "BMI",
    "disease_duration": "disease duration",
    "age_onset": "age at onset",
}
_UNITS = {f.name: str(f.metadata.get("unit", "")) for f in dataclasses.fields(Measurement)} | {
    "fi": "share, 0–1",
    "bmi": "kg/m²",
    "disease_duration": "months",
    "age": "years",
    "age_onset": "years",
}
_TESTS = {
    "student_t": "Student’s t-test",
    "welch_t": "Welch’s t-test",
    "mann_whitney_u": "Mann–Whitney U test",
    "paired_t": "paired t-test",
    "wilcoxon": "Wilcoxon’s signed-rank test",
}


@contextmanager
def style() -> Iterator[None]:
    """The defaults of matplotlib and this module's on top, whatever the user's matplotlibrc says."""
    with mpl_style.context(["default", _STYLE]), warnings.catch_warnings():
        # Told as a note once the files are there; control characters of a name have no letters at all.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


# --- box-and-whisker plots ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Arm:
    label: str
    rows: Mask
    """Which rows of the cohort."""


@dataclass(frozen=True, slots=True)
class _Bracket:
    """The two arms (by number) that a p-value belongs to, and where it stands in the comparisons."""

    first: int
    second: int
    contrast: str
    role: str


@dataclass(frozen=True, slots=True)
class _Sample:
    """The points of one box."""

    participants: tuple[str, ...]
    values: Floats


@style()
def sides_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    group: str = "ALS",
    metric: str = "rcsa",
    segments: Sequence[str] | None = None,
) -> Figure:
    """The symptomatic against the contralateral side of a group: Figure 3 of Ren et al. 2026.

    Left against right where no onset side is known. Box: median and quartiles at (n + 1)·p (SPSS's
    HAVERAGE), as in the tables; whiskers: full range; one point per participant, a grey line between the two
    sides of one. The p-value is the paired test's of the contrast ``side:GROUP`` in ``comparisons``, as the
    lines show pairs; not adjusted, bold below 0.05. ``metric`` is a column of ``cohort``, or a quotient as
    ``compare`` makes it for a divisor (``fi/bmi``). ``segments``: those of L3, L4 and L5 that are there, else
    all.

    Raises UsageError for a metric that is no column, ValueError where ``comparisons`` were not made from
    ``cohort`` (another n or median), as their p-values would stand over the wrong points.
    """
    one_sided = _members(cohort, (("group", group),)) & _is_in(cohort["side"], ("left", "right"))
    column, names = "role", ("symptomatic", "contralateral")
    if not (one_sided & _is_in(cohort["role"], names)).any():
        column, names = "side", ("left", "right")
    arms = [_Arm(name, one_sided & _is_in(cohort[column], (name,))) for name in names]
    brackets = [_Bracket(0, 1, f"side:{group}", "")]
    note = f"{group}. Grey lines: the two sides of one participant."
    return _box_figure(
        cohort, comparisons, metric, _lower(cohort, arms, segments), arms, brackets, p_text, note, paired=True
    )


@style()
def groups_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    contrasts: Sequence[Contrast],
    metric: str = "rcsa",
    role: str = "symptomatic",
    segments: Sequence[str] | None = None,
) -> Figure:
    """All arms of ``contrasts`` beside each other: Figure 5 of Ren et al. 2026 (ALS, lower-limb ALS, LR).

    ``contrasts`` come from ``contrasts.default_contrasts`` or ``resolve``; an arm that several of them share
    is drawn once, arms a on the left, and a bracket carries the p of each contrast. ``role`` is
    ``symptomatic`` or ``bilateral``; in a table without segments it is not looked at. Boxes, ``metric``,
    ``segments`` and errors as in :func:`sides_figure`.
    """
    arms, brackets = _arms_of(cohort, contrasts, role)
    note = "" if _is_plain(cohort) else _ROLE_NOTES.get(role, "")
    return _box_figure(
        cohort, comparisons, metric, _lower(cohort, arms, segments), arms, brackets, p_text, note
    )


@style()
def psa_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    group: str = "ALS",
    metric: str = "fi",
    role: str = "symptomatic",
) -> Figure:
    """Patients with and without pathological spontaneous activity: Figure 4 of Ren et al. 2026.

    All segments, with stars (and their key) for the p-values of the contrast ``psa:1-0[group=GROUP]``.
    Boxes, ``metric`` and errors as in :func:`sides_figure`.
    """
    within = (("group", group),)
    contrast = Contrast(f"psa:1-0[group={group}]", "psa", "1", "0", within, within)
    arms, brackets = _arms_of(cohort, [contrast], role)
    segments = _in_order(cohort.loc[arms[0].rows | arms[1].rows, "segment"], SEGMENTS)
    note = f"{group}. {_ROLE_NOTES.get(role, '')}"
    return _box_figure(cohort, comparisons, metric, segments, arms, brackets, stars, note)


_ROLE_NOTES = {
    "symptomatic": "Symptomatic side.",
    "contralateral": "Contralateral side.",
    "bilateral": "Both sides.",
}


def p_text(p: float) -> str:
    """A p-value as a paper prints it; four decimals where three would hide that it is below 0.05.

    >>> [p_text(p) for p in (0.0004, 0.021, 0.0497, 0.9998, float("nan"))]
    ['p < 0.001', 'p = 0.021', 'p = 0.0497', 'p > 0.999', 'no test']
    """
    if math.isnan(p):
        return "no test"
    if p < 0.001:
        return "p < 0.001"
    if p > 0.999:
        return "p > 0.999"
    if round(p, 3) == ALPHA and p < ALPHA:
        # Cut, not rounded: 0.04999 is not 0.0500.
        return f"p = {math.floor(p * 1e4) / 1e4:.4f}"
    return f"p = {p:.3f}"


def stars(p: float) -> str:
    """The usual stars.

    >>> [stars(p) for p in (0.0004, 0.004, 0.04, 0.05, float("nan"))]
    ['***', '**', '*', 'ns', 'no test']
    """
    if math.isnan(p):
        return "no test"
    return "***" if p < 0.001 else "**" if p < 0.01 else "*" if p < ALPHA else "ns"


def _lower(cohort: pd.DataFrame, arms: Sequence[_Arm], segments: Sequence[str] | None) -> Sequence[str]:
    """The segments asked for, else those of L3 to L5 that are there, else all."""
    if segments is not None:
        return segments
    there = _in_order(cohort.loc[_any_row(cohort, arms), "segment"], SEGMENTS)
    return [name for name in there if name in SEGMENTS[2:]] or there


def _any_row(cohort: pd.DataFrame, arms: Sequence[_Arm]) -> Mask:
    rows = np.zeros(len(cohort), dtype=bool)
    for arm in arms:
        rows |= arm.rows
    return rows


def _members(cohort: pd.DataFrame, conditions: Conditions) -> Mask:
    """Which rows meet all conditions; none where a column is not there."""
    if not all(column in cohort for column, _ in conditions):
        return np.zeros(len(cohort), dtype=bool)
    return members(cohort, conditions)


def _arms_of(
    cohort: pd.DataFrame, contrasts: Sequence[Contrast], role: str
) -> tuple[list[_Arm], list[_Bracket]]:
    """Each arm once, arms a first, and the brackets between them, short ones first."""
    plain = _is_plain(cohort)
    rows = np.ones(len(cohort), dtype=bool) if plain else _is_in(cohort["role"], (role,))
    named = {c.conditions_a: _arm_name(c, 0) for c in contrasts}
    named |= {c.conditions_b: _arm_name(c, 1) for c in contrasts if c.conditions_b not in named}
    number = {conditions: i for i, conditions in enumerate(named)}
    width = max(6, 48 // max(1, len(named)))  # letters that fit under one box
    arms = [
        _Arm("\n".join(textwrap.fill(part, width) for part in name), rows & _members(cohort, conditions))
        for conditions, name in named.items()
    ]
    brackets = [
        _Bracket(number[c.conditions_a], number[c.conditions_b], c.text, "" if plain else role)
        for c in contrasts
    ]
    return arms, sorted(brackets, key=lambda b: abs(b.second - b.first))


def _box_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    metric: str,
    segments: Sequence[str],
    arms: Sequence[_Arm],
    brackets: Sequence[_Bracket],
    label: Callable[[float], str],
    note: str,
    paired: bool = False,
) -> Figure:
    """Segments down, muscles across; one scale for each muscle."""
    values = _metric_values(cohort, metric)
    shown = _any_row(cohort, arms) & _is_in(cohort["segment"], segments)
    muscles = _in_order(cohort.loc[shown, "muscle"], MUSCLES) or [""]
    segments = segments or [""]
    text_lines = 1 + len(brackets) + max((2 + arm.label.count("\n") for arm in arms), default=0)
    figure, grid = _grid(len(segments), len(muscles), row_mm=24 + 3.6 * text_lines)
    tests = set()
    for (i, j), axes in np.ndenumerate(grid):
        segment, muscle = segments[i], muscles[j]
        here = _is_in(cohort["segment"], (segment,)) & _is_in(cohort["muscle"], (muscle,))
        samples = [_sample(cohort, values, here & arm.rows) for arm in arms]
        _draw_boxes(axes, [arm.label for arm in arms], samples)
        if paired:
            _join_pairs(axes, *samples)
        judged = _judged(comparisons, brackets, samples, segment=segment, muscle=muscle, metric=metric)
        for level, (bracket, row) in enumerate(judged):
            p, test = ("paired_p", "paired_test") if paired else ("p", "test")
            _draw_bracket(axes, bracket, float(row[p]), label, level)
            tests.add(_TESTS.get(as_text(row[test]), ""))
        axes.set_title(_place(muscle, segment), pad=4 + _LINE_PT * len(judged))
    for column in grid.T:
        _share_scale(column)
    for axes in grid[:, 0]:
        axes.set_ylabel(metric_label(metric))
    _footnote(figure, f"{note} Box: median and quartiles; whiskers: full range; points: participants.")
    if tests - {""}:
        key = "* p < 0.05, ** p < 0.01, *** p < 0.001, ns p ≥ 0.05" if label is stars else "bold: p < 0.05"
        names = ", ".join(sorted(tests - {""}))
        kind = "paired samples" if paired else "independent samples"
        _footnote(figure, f"p: {kind} ({names}), not adjusted; {key}.")
    return _finished(figure)


def _sample(cohort: pd.DataFrame, values: Floats, rows: Mask) -> _Sample:
    rows = rows & np.isfinite(values)
    ids = cohort.loc[rows, "participant_id"] if "participant_id" in cohort else []
    return _Sample(tuple(ids), values[rows])


def _draw_boxes(axes: Any, labels: Sequence[str], samples: Sequence[_Sample]) -> None:
    for i, sample in enumerate(samples):
        values, colour = sample.values, COLOURS[i % len(COLOURS)]
        if len(values) > 1:
            _draw_box(axes, i, values, colour)
        if len(values):
            axes.scatter(
                _side_by_side(i, values), values, s=6, marker=MARKERS[i % len(MARKERS)], color=colour,
                edgecolors="black", linewidths=0.25, zorder=3, clip_on=False,
            )  # fmt: skip
        elif any(len(other.values) for other in samples):
            _say(axes, "no data", at=i)
    if not any(len(sample.values) for sample in samples):
        _say_no_data(axes)
    axes.set_xlim(-0.6, max(len(samples), 1) - 0.4)
    lines = max((name.count("\n") for name in labels), default=0)
    padded = [name + "\n" * (lines - name.count("\n")) for name in labels]
    names = [f"{name}\nn = {len(s.values)}" for name, s in zip(padded, samples, strict=True)]
    axes.set_xticks(range(len(samples)), names)
    axes.tick_params(axis="x", length=0)


def _draw_box(axes: Any, at: int, values: Floats, colour: str) -> None:
    q1, median, q3 = np.percentile(values, [25, 50, 75], method="weibull")
    box = {"q1": q1, "med": median, "q3": q3, "whislo": values.min(), "whishi": values.max()}
    thin = {"color": "black", "linewidth": 0.7}
    axes.bxp(
        [box], positions=[at], widths=0.55, showfliers=False, patch_artist=True, manage_ticks=False,
        boxprops={"facecolor": (colour, 0.25), "linewidth": 0.7, "zorder": 2}, whiskerprops=thin,
        capprops=thin, medianprops={"color": "black", "linewidth": 1.5, "zorder": 4},
    )  # fmt: skip


def _side_by_side(at: int, values: Floats) -> Floats:
    """Places of the points on x: golden steps keep neighbours in value apart, and are the same every time."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(at + 0.36 * ((rank * 0.618034 + 0.5) % 1 - 0.5), dtype=float)


def _join_pairs(axes: Any, a: _Sample, b: _Sample) -> None:
    ends = [
        dict(zip(s.participants, zip(_side_by_side(i, s.values), s.values, strict=True), strict=True))
        for i, s in enumerate((a, b))
    ]
    pairs = [(ends[0][who], ends[1][who]) for who in ends[0] if who in ends[1]]
    # Ten thousand lines are much memory and time: many are drawn as few, with gaps (NaN) in them.
    together = 1 if len(pairs) <= _MANY_PAIRS else _MANY_PAIRS
    gap = (math.nan, math.nan)
    for start in range(0, len(pairs), together):
        points = [point for a, b in pairs[start : start + together] for point in (a, b, gap)][:-1]
        axes.plot(*zip(*points, strict=True), color=_PALE, linewidth=0.4, zorder=1)


def _draw_bracket(axes: Any, bracket: _Bracket, p: float, label: Callable[[float], str], level: int) -> None:
    """A line between two arms above the axes, ``level`` lines of text up, and its label."""
    first, second = sorted((bracket.first, bracket.second))
    axes.plot(
        [first + 0.05, second - 0.05], [1, 1], color="black", linewidth=0.6, clip_on=False,
        marker=3, markersize=2.5, markeredgewidth=0.6,  # caps that point down
        transform=_above(axes, 4 + _LINE_PT * level),
    )  # fmt: skip
    axes.text(
        (first + second) / 2, 1, label(p), ha="center", va="bottom",
        fontweight="bold" if p < ALPHA else "normal", transform=_above(axes, 4.5 + _LINE_PT * level),
    )  # fmt: skip


def _above(axes: Any, points: float) -> Any:
    """A transform: x in data, y in heights of the axes, moved up by ``points``."""
    return axes.get_xaxis_transform() + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)


def _share_scale(column: Iterable[Any]) -> None:
    """One y scale for axes that have points; those without keep none."""
    filled = [axes for axes in column if axes.collections]
    if filled:
        values = np.concatenate(
            [points.get_offsets()[:, 1] for axes in filled for points in axes.collections]
        )
        low, high = float(values.min()), float(values.max())
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
        for axes in filled:
            axes.set_ylim(low - margin, high + margin)
            _set_ticks(axes.yaxis)


def _judged(
    comparisons: pd.DataFrame, brackets: Sequence[_Bracket], samples: Sequence[_Sample], **place: str
) -> list[tuple[_Bracket, pd.Series]]:
    """The brackets between two arms with data that the comparisons have a row for, and that row."""
    found = []
    for bracket in brackets:
        row = _row_of(comparisons, contrast=bracket.contrast, role=bracket.role, **place)
        a, b = samples[bracket.first].values, samples[bracket.second].values
        if row is not None and len(a) and len(b):
            _check_same_data(row, a, b)
            found.append((bracket, row))
    return found


def _row_of(table: pd.DataFrame, **cells: str) -> pd.Series | None:
    """The row with these cells, of which there is one or none."""
    found = np.ones(len(table), dtype=bool)
    for column, value in cells.items():
        found &= _is_in(texts(table[column]), (value,))
    return table[found].iloc[0] if found.any() else None


def _check_same_data(row: pd.Series, a: Floats, b: Floats) -> None:
    """A p-value must not stand over points that it was not made from."""
    for letter, values in (("a", a), ("b", b)):
        n, median = int(row[f"n_{letter}"]), float(row[f"median_{letter}"])
        if n != len(values) or not math.isclose(median, np.median(values), rel_tol=1e-9, abs_tol=1e-12):
            raise ValueError(
                f"{row['contrast']} {row['segment']} {row['muscle']} {row['metric']}: comparisons with "
                f"n = {n}, median {median}; expected {len(values)}, {np.median(values)} as in the cohort"
            )


# --- the heat map of effects --------------------------------------------------------------------------------


#: Diverging, safe for colour-blind readers, white at no effect.
_EFFECT_MAP, _EFFECT_SCALE = colormaps["PuOr"], Normalize(-1, 1)


@style()
def effect_map(comparisons: pd.DataFrame) -> Figure:
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
        return _empty_figure()
    names = {tuple(line): None for line in table[["contrast", "role", "label_a", "label_b"]].values}
    plain = not table["muscle"].any() and not table["segment"].any()
    metrics = list(dict.fromkeys(table["metric"]))
    segments = _in_order(table["segment"], SEGMENTS)
    places = [(muscle, segment) for muscle in _in_order(table["muscle"], MUSCLES) for segment in segments]
    panels = [[(metric, *place) for metric in metrics for place in places]]
    if not plain:
        panels = [[(metric, *place) for place in places] for metric in metrics]
    key = ["contrast", "role", "label_a", "label_b", "metric", "muscle", "segment"]
    cells = {tuple(row[name] for name in key): row for row in table.to_dict("records")}

    below_mm = _upright_mm(panels[0]) if plain else 0.0
    figure = _figure(PAGE_MM, len(panels) * (14 + 7.2 * len(names)) + 16 + below_mm)
    grid = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    mesh: Any = None
    for axes, columns in zip(grid, panels, strict=True):
        found = [[cells.get((*name, *column)) for column in columns] for name in names]
        sizes = np.array([[math.nan if c is None else _common_effect(c) for c in line] for line in found])
        # Where a cell is empty, the hatched background of the axes shows.
        axes.patch.set(facecolor="#F0F0F0", edgecolor="#A0A0A0", hatch="//////", linewidth=0)
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(sizes),
            cmap=_EFFECT_MAP,
            norm=_EFFECT_SCALE,
            edgecolors="white",
            linewidth=0.6,
        )
        _write_effects(axes, found, sizes, numbers=len(columns) <= 20)
        _name_effects(axes, columns, [_row_name(*name) for name in names], plain)
    bar = figure.colorbar(mesh, ax=list(grid), orientation="horizontal", aspect=50, shrink=0.6, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("◄ second arm larger      rank-biserial correlation      first arm larger ►")
    _footnote(figure, "Rank-biserial correlation: P(first > second) − P(first < second).")
    _footnote(figure, "Italics: 2·Φ(g/√2) − 1, converted from Hedges’ g. Hatched: no test.")
    _footnote(figure, "•: p < 0.05, not adjusted; ••: p < 0.05 after Benjamini–Hochberg’s adjustment, too.")
    return _finished(figure)


def _common_effect(cell: Mapping[str, Any]) -> float:
    """On the scale of the rank-biserial correlation; NaN where there was no test."""
    size = float(cell["effect_size"])
    if cell["effect"] == "hedges_g":
        return float(2 * norm.cdf(size / math.sqrt(2)) - 1)
    return size if cell["effect"] == "rank_biserial" else math.nan


def _write_effects(
    axes: Any, found: Sequence[Sequence[Mapping[str, Any] | None]], sizes: Floats, numbers: bool
) -> None:
    for (i, j), size in np.ndenumerate(sizes):
        cell = found[i][j]
        if cell is None or math.isnan(size):
            continue
        dots = "••" if cell["p_adjusted"] < ALPHA else "•" if cell["p"] < ALPHA else ""
        darkness = 1 - np.dot(_EFFECT_MAP(_EFFECT_SCALE(size))[:3], (0.299, 0.587, 0.114))
        number = f"{size:+z.2f}".replace("0.", ".", 1).replace("-", "−") if numbers else ""
        axes.text(
            j + 0.5, i + 0.5, f"{number}\n{dots}".strip(), ha="center", va="center", linespacing=0.85,
            color="white" if darkness > 0.5 else "black",
            fontstyle="italic" if cell["effect"] == "hedges_g" else "normal",
        )  # fmt: skip


#: About as wide is a letter of a tick's label; so many stand in one line across the page.
_LETTER_MM = 1.6
_LETTERS_ACROSS = 80


def _upright_mm(columns: Sequence[tuple[str, str, str]]) -> float:
    """The room that the names of metrics take below the axes; 0 where they lie side by side."""
    longest = max(len(metric_label(metric)) for metric, _, _ in columns)
    beside = len(columns) <= 4 and len(columns) * (longest + 2) <= _LETTERS_ACROSS
    return 0.0 if beside else longest * _LETTER_MM


def _name_effects(
    axes: Any, columns: Sequence[tuple[str, str, str]], rows: Sequence[str], plain: bool
) -> None:
    """Rows by contrast, columns by segment below and muscle above; metrics below in a plain table."""
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if plain:
        labels = [metric_label(metric) for metric, _, _ in columns]
        axes.set_xticks(np.arange(len(columns)) + 0.5, labels, rotation=90 if _upright_mm(columns) else 0)
        return
    axes.set_xticks(np.arange(len(columns)) + 0.5, [segment for _, _, segment in columns])
    muscles = [muscle for _, muscle, _ in columns]
    for muscle in dict.fromkeys(muscles):
        first, n = muscles.index(muscle), muscles.count(muscle)
        axes.text(first + n / 2, 1, muscle, ha="center", va="bottom", transform=_above(axes, 2))
        if first:
            axes.axvline(first, color="white", linewidth=3)
    axes.set_title(metric_label(columns[0][0]), pad=4 + _LINE_PT)


# --- correlation --------------------------------------------------------------------------------------------


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
) -> Figure:
    """What a partial correlation sees: the residuals of score over metric, segments down, muscles across.

    The arguments are those of ``stats.correlate.correlate``, which made ``correlations``; r, p (not adjusted)
    and n come from there. The line is least squares through the residuals (ranks for ``spearman``).

    Raises UsageError as ``correlate``, ValueError where ``correlations`` do not belong to ``cohort``.
    """
    cells, _ = select(cohort, [metric, score], covariates, [role], group)
    by_place = {(cell.segment, cell.muscle): cell for cell in cells}
    segments = list(dict.fromkeys(cell.segment for cell in cells)) or [""]
    muscles = _in_order([cell.muscle for cell in cells], MUSCLES) or [""]
    figure, grid = _grid(len(segments), len(muscles), row_mm=38 if len(muscles) > 1 else 56)
    what = "residual" if covariates else "minus mean"
    unit = "rank" if method == "spearman" else ""
    for (i, j), axes in np.ndenumerate(grid):
        axes.set_title(_place(muscles[j], segments[i]), pad=4 + _LINE_PT)
        if i == len(segments) - 1:
            axes.set_xlabel(f"{unit} {metric_label(metric)}, {what}".strip())
        cell = by_place.get((segments[i], muscles[j]))
        for found_role, rows in cell.by_role.items() if cell else ():
            left = residuals(rows, metric, score, covariates, method)
            row = _row_of(
                correlations, segment=segments[i], muscle=muscles[j], metric=metric, role=found_role,
                score=score, method=method,
            )  # fmt: skip
            _draw_residuals(axes, left, row)
        if not axes.collections and not axes.texts:
            _say_no_data(axes)
    figure.supylabel(f"{unit} {metric_label(score)}, {what}".strip(), fontsize=_TEXT_PT)
    given = f"Residuals after {' and '.join(covariates)}. " if covariates else ""
    who = f"{group}. " if group else ""
    kind = "Spearman" if method == "spearman" else "Pearson"
    partial = "partial correlation" if covariates else "correlation"
    side = "" if _is_plain(cohort) else _ROLE_NOTES.get(role, "") + " "
    _footnote(figure, f"{who}{side}{given}r: {kind}’s {partial}; p not adjusted, bold: p < 0.05.")
    return _finished(figure)


def _draw_residuals(axes: Any, left: Residuals, row: pd.Series | None) -> None:
    if left.problem:
        if left.participants:
            _say_no_data(axes, f"no correlation:\n{left.problem}")
        return
    x, y = left.metric, left.score
    axes.scatter(x, y, s=8, color=COLOURS[4], edgecolors="black", linewidths=0.25, zorder=3)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, ends * float(x @ y) / float(x @ x), color=COLOURS[0], linewidth=1.2)
    _set_ticks(axes.xaxis, axes.yaxis)
    if row is None:
        return
    r, p, n = float(row["r"]), float(row["p"]), int(row["n"])
    if n != len(x) or not math.isclose(r, float(np.corrcoef(x, y)[0, 1]), abs_tol=1e-9):
        raise ValueError(
            f"{row['segment']} {row['muscle']} {row['metric']}: correlation r = {r}, n = {n}; "
            f"expected {np.corrcoef(x, y)[0, 1]}, {len(x)} as in the cohort"
        )
    axes.annotate(
        f"r = {_signed(r)}, {p_text(p)}, n = {n}", (0, 1), (0, 4), xycoords="axes fraction",
        textcoords="offset points", fontweight="bold" if p < ALPHA else "normal",
    )  # fmt: skip


# --- ROC ----------------------------------------------------------------------------------------------------


@style()
def roc_figure(result: RocResult) -> Figure:
    """The ROC curves of all predictors of ``stats.roc.roc``, with areas and cut-offs.

    Straight lines between the points, as the area counts a tie as a half. The legend has the area, its
    Hanley–McNeil interval and the Youden cut-off, which is marked on the curve.
    """
    rows = result.table.to_dict("records")
    figure = _figure(COLUMN_MM, COLUMN_MM + 7.5 * len(rows) + 6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.6, linestyle=(0, (2, 2)))
    handles: list[Any] = []
    labels = []
    for i, row in enumerate(rows):
        name = str(row["predictor"])
        points = result.points[_is_in(texts(result.points["predictor"]), (name,))]
        colour = COLOURS[i % len(COLOURS)]
        marked = not math.isnan(row["cutoff"])
        (line,) = axes.plot(
            1 - points["specificity"].to_numpy(dtype=float), points["sensitivity"].to_numpy(dtype=float),
            color=colour, linewidth=1.3, linestyle=DASHES[i % len(DASHES)], clip_on=False,
        )  # fmt: skip
        if marked:
            axes.plot(
                1 - row["specificity"], row["sensitivity"], marker=MARKERS[i % len(MARKERS)], markersize=6,
                color=colour, markeredgecolor="black", markeredgewidth=0.6, linestyle="none",
                clip_on=False, zorder=3,
            )  # fmt: skip
        handles.append((line, axes.lines[-1]))
        labels.append(_roc_label(row))
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="1 − specificity", ylabel="sensitivity")
    if not rows:
        _say_no_data(axes)
    else:
        figure.legend(
            handles, labels, loc="outside lower left", alignment="left", handlelength=5,
            title="Predictor (n positive, n negative):\narea under the curve (95 % CI, Hanley–McNeil)",
        )  # fmt: skip
    return _finished(figure)


def _roc_label(row: Mapping[str, Any]) -> str:
    name = f"{row['predictor']} ({row['n_positive']}, {row['n_negative']}):"
    if name.startswith("_"):
        name = f" {name}"  # matplotlib before 3.10 leaves names that begin with _ out of a legend
    if math.isnan(row["auc"]):
        return textwrap.fill(f"{name} no curve", 60)
    # The numbers of the interval stay together on one line.
    area = f"{row['auc']:.3f} ({row['ci_low']:.3f}–{row['ci_high']:.3f})"
    text = textwrap.fill(f"{name} {area.replace(' ', chr(160))}", 60).replace(chr(160), " ")
    if math.isnan(row["cutoff"]):
        return f"{text}\nno cut-off"
    sign = "≤" if row["direction"] == "lower" else "≥"
    shares = f"sens. {100 * row['sensitivity']:.1f} %, spec. {100 * row['specificity']:.1f} %"
    return f"{text}\npositive if {sign} {_signed(row['cutoff'], '.4g')}: {shares}"


# --- agreement ----------------------------------------------------------------------------------------------


@style()
def bland_altman_figure(
    regions: Mapping[str, BlandAltman], metric: str, rater_a: str, rater_b: str
) -> Figure:
    """Bland–Altman plots, one panel per region (its title is the key), three in a row.

    Each of ``regions`` comes from ``stats.reliability.bland_altman(a, b)``. Solid line: bias; dashed lines:
    95 % limits of agreement; bands: their 95 % confidence intervals; the numbers stand beside them.
    """
    across = max(1, min(3, len(regions)))
    figure, grid = _grid(max(1, math.ceil(len(regions) / across)), across, row_mm=58)
    named = list(regions.items())
    for i, axes in enumerate(grid.flat):
        if i >= max(1, len(named)):
            axes.set_axis_off()
            continue
        title, limits = named[i] if named else ("", None)
        axes.set_title(title)
        axes.set_title(
            f"n = {limits.n if limits else 0}", loc="right", fontsize=_TEXT_PT, fontweight="normal"
        )
        if limits is None or limits.n == 0:
            _say_no_data(axes)
        else:
            _draw_limits(axes, limits)
        axes.set_xlabel(f"mean of both, {metric_label(metric)}")
        if i % across == 0:
            axes.set_ylabel(textwrap.fill(f"{rater_b} − {rater_a}, {metric_label(metric)}", 36))
    _footnote(figure, "Solid: bias; dashed: 95 % limits of agreement; bands: 95 % confidence intervals.")
    return _finished(figure)


def _draw_limits(axes: Any, limits: BlandAltman) -> None:
    axes.scatter(
        limits.mean, limits.difference, s=6, color=_GREY, edgecolors="black", linewidths=0.25, zorder=3
    )
    axes.axhline(0, color=_GREY, linewidth=0.5, linestyle=":")
    _set_ticks(axes.xaxis, axes.yaxis)
    lines = _limit_lines(limits)
    for line in lines:
        axes.axhline(line.value, color=line.colour, linewidth=1.0, linestyle=line.dash)
        if line.low is not None and line.high is not None:
            axes.axhspan(line.low, line.high, color=line.colour, alpha=0.15, linewidth=0)
    for line, height in zip(lines, _label_heights(axes, [line.value for line in lines]), strict=True):
        digits = _decimals(limits.sd or line.value)
        text = f"{line.name}\n{_signed(line.value, digits)}"
        if line.low is not None and line.high is not None:
            text += f"\n({_signed(line.low, digits)} to\n{_signed(line.high, digits)})"
        axes.text(1.02, height, text, va="center", color=line.colour, transform=axes.transAxes)


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
    colour: str = COLOURS[4]


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
        _Line("upper limit", upper, limits.loa_high_ci_low, limits.loa_high_ci_high, "--", COLOURS[0]),
        _Line("lower limit", lower, limits.loa_low_ci_low, limits.loa_low_ci_high, "--", COLOURS[0]),
    ]


def _decimals(size: float) -> str:
    """A format with the decimals that show two digits of ``size``, six at most.

    >>> _decimals(0.0331), _decimals(512.0), _decimals(0.0)
    ('.3f', '.0f', '.2f')
    """
    return f".{min(6, max(0, 1 - math.floor(math.log10(abs(size)))))}f" if size else ".2f"


# --- the threshold ------------------------------------------------------------------------------------------


@style()
def sweep_figure(sweep: pd.DataFrame, threshold: int = 50) -> Figure:
    """FI over the grey level above which a pixel counts as fat, one curve per muscle.

    ``sweep`` has the columns ``muscle, threshold, fi_median, fi_q1, fi_q3``, one row per muscle and
    threshold 0–255: median and quartiles (shares 0–1; none for a single region) over the measured regions, of
    one segment or of all together, as in ``stats.sweep.sweep_table``. The band is the interquartile range;
    the vertical line is the study's own ``threshold``.

    Raises ValueError where a muscle has two rows for one threshold (several segments at once).
    """
    figure = _figure(COLUMN_MM, 64)
    axes = figure.subplots()
    names = texts(sweep["muscle"])
    for i, muscle in enumerate(_in_order(names, MUSCLES)):
        rows = sweep[_is_in(names, (muscle,))].sort_values("threshold")
        if rows["threshold"].duplicated().any():
            raise ValueError(
                f"{muscle}: several rows for one threshold; expected one segment, or all together"
            )
        x = rows["threshold"].to_numpy(dtype=float)
        low, middle, high = (rows[c].to_numpy(dtype=float) for c in ("fi_q1", "fi_median", "fi_q3"))
        if not np.isfinite(middle).any():
            continue
        colour = COLOURS[i % len(COLOURS)]
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, middle, color=colour, linewidth=1.3, linestyle=DASHES[i % len(DASHES)], label=muscle)
    axes.set(xlim=(0, 255), ylim=(0, 1), xlabel="threshold (grey level)", ylabel=metric_label("fi"))
    axes.axvline(threshold, color="black", linewidth=0.7, linestyle=":")
    axes.text(threshold, 1, f" {threshold}", va="bottom", ha="center", transform=_above(axes, 1))
    if len(axes.lines) == 1:
        _say_no_data(axes)
    else:
        axes.legend(loc="upper right", handlelength=3)
        _footnote(figure, "Lines: median; bands: interquartile range; dotted: the study’s threshold.")
    return _finished(figure)


# --- words --------------------------------------------------------------------------------------------------


def metric_label(metric: str) -> str:
    """A metric with its unit, for an axis.

    >>> metric_label("rcsa"), metric_label("csa_mm2"), metric_label("fi/bmi"), metric_label("fvc")
    ('rCSA (ratio)', 'CSA (mm²)', 'FI / BMI', 'fvc')
    """
    if "/" in metric:
        return " / ".join(_NAMES.get(part, part) for part in metric.split("/", 1))
    unit = _UNITS.get(metric, "")
    return _NAMES.get(metric, metric) + (f" ({unit})" if unit else "")


def _place(muscle: str, segment: str) -> str:
    return " ".join(part for part in (muscle, segment) if part)


def _condition_name(column: str, value: str) -> str:
    if column == "group":
        return value
    return VALUE_NAMES.get((column.casefold(), value.casefold()), f"{column} {value}")


def _arm_name(contrast: Contrast, which: int) -> tuple[str, ...]:
    """An arm of a group contrast, condition by condition; a filter that holds for both is left out."""
    arm = (contrast.arm_a, contrast.arm_b)[which]
    own = (contrast.filter_a, contrast.filter_b)[which] if contrast.filter_a != contrast.filter_b else ()
    return tuple(_condition_name(*condition) for condition in ((contrast.column, arm), *own))


def _row_name(text: str, role: str, label_a: str, label_b: str) -> str:
    """A contrast in words, as far as it can be read without the data."""
    try:
        contrast = parse_contrast(text)
    except UsageError:
        return f"{text}\n{role}".strip()
    shared = contrast.filter_a if contrast.filter_a == contrast.filter_b else ()
    within = ", ".join(_condition_name(*condition) for condition in shared)
    if contrast.column == SIDE:
        return f"{', '.join(filter(None, (contrast.arm_a, within)))}\n{label_a} vs {label_b}"
    arms = " vs ".join(", ".join(_arm_name(contrast, i)) for i in (0, 1))
    side = {"symptomatic": "symptomatic side", "bilateral": "both sides"}.get(role, role)
    return f"{arms}\n{', '.join(filter(None, (within, side)))}".strip()


def _signed(number: float, digits: str = ".2f") -> str:
    """With a true minus sign, and none before zero."""
    return f"{number:z{digits}}".replace("-", "−")


# --- tables -------------------------------------------------------------------------------------------------


def _is_plain(cohort: pd.DataFrame) -> bool:
    """A table with one row per participant: no segments, no muscles."""
    return not texts(cohort["segment"]).any()


def _is_in(column: pd.Series, values: Sequence[str]) -> Mask:
    return np.asarray(column.isin(list(values)), dtype=bool)


def _in_order(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Each name once: an empty one first, then in the order of ``known``, then the others."""
    rank = {"": -1} | {name: i for i, name in enumerate(known)}
    return sorted(set(names), key=lambda name: (rank.get(name, len(known)), name))


def _metric_values(cohort: pd.DataFrame, metric: str) -> Floats:
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


def _figure(width_mm: float, height_mm: float) -> Figure:
    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")


def _grid(rows: int, columns: int, row_mm: float) -> tuple[Figure, NDArray[Any]]:
    """A figure as wide as a column for one panel across, else as a page; and its axes, (rows, columns)."""
    figure = _figure(COLUMN_MM if columns == 1 else PAGE_MM, rows * row_mm)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _empty_figure() -> Figure:
    figure = _figure(COLUMN_MM, 40)
    _say_no_data(figure.subplots())
    return _finished(figure)


def _footnote(figure: Figure, text: str) -> None:
    """One more sentence below the panels, which makes the figure higher: what the picture shows."""
    before = f"{figure.get_supxlabel()}\n" if figure.get_supxlabel() else ""
    width_mm = figure.get_figwidth() * 25.4
    text = re.sub(" ([<≥]) ", "\u00a0\\1\u00a0", text.strip())  # no line break inside p < 0.05
    lines = textwrap.fill(text, int(width_mm / 1.33))
    figure.set_figheight(figure.get_figheight() + _LINE_PT / 72 * (lines.count("\n") + 1))
    figure.supxlabel(before + lines, x=0.01, ha="left", fontsize=_TEXT_PT, color=_GREY)


def _set_ticks(*each: Any) -> None:
    """Ticks that do not depend on the length of the axis, as its length depends on the ticks' labels."""
    for axis in each:
        axis.set_major_locator(MaxNLocator(5))


def _say(axes: Any, text: str, at: float) -> None:
    axes.text(at, 0.5, text, ha="center", va="center", color=_GREY, transform=axes.get_xaxis_transform())


def _say_no_data(axes: Any, text: str = "no data") -> None:
    axes.text(
        0.5, 0.5, textwrap.fill(text, 34), ha="center", va="center", color=_GREY, transform=axes.transAxes
    )
    axes.set(xticks=[], yticks=[])


def _finished(figure: Figure) -> Figure:
    """With its layout fixed, so that drawing it once more does not move anything."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
