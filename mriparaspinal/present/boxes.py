"""Box plots of sides and groups: the paper's Figures 3 to 5."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from mriparaspinal.core.model import MUSCLES, SEGMENTS
from mriparaspinal.core.names import TEST_NAMES
from mriparaspinal.present.cell_texts import n_text
from mriparaspinal.present.p_values import is_significant, p_number
from mriparaspinal.present.style import (
    EDGE_MM,
    LETTER_MM,
    LINE_PT,
    MARKERS,
    MM,
    PALE,
    Floats,
    Mask,
    PaperFigure,
    colour,
    figure_grid,
    footnote,
    is_among,
    is_plain,
    metric_values,
    place_panels,
    points_from,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.words import arm_conditions, in_known_order, metric_label
from mriparaspinal.stats.cells import as_text, texts
from mriparaspinal.stats.contrasts import Conditions, Contrast, members

#: The paper's metrics: a column of panels each.
METRICS = ("fi", "rcsa")

#: Of fewer values no quartiles are drawn: they are points alone.
FEWEST = 5

#: Height of a panel without what stands above and below it.
_PANEL_MM = 34.0

#: So much of the place of a segment is for its boxes, and of a box's place for the box.
_OF_SEGMENT, _OF_PLACE = 0.84, 0.72


@dataclass(frozen=True, slots=True)
class _Arm:
    label: str
    rows: Mask
    """Which rows of the cohort."""


@dataclass(frozen=True, slots=True)
class _Bracket:
    """The two arms (by number) that a p-value belongs to, and its row in the comparisons."""

    first: int
    second: int
    contrast: str
    role: str


@dataclass(frozen=True, slots=True)
class _Sample:
    """The points of one box: an arm in a segment."""

    at: float
    width: float
    participants: tuple[str, ...]
    values: Floats

    @property
    def x(self) -> Floats:
        """Places of the points: golden steps keep neighbours in value apart, and are the same every time."""
        rank = np.argsort(np.argsort(self.values, kind="stable"), kind="stable")
        return np.asarray(self.at + 0.7 * self.width * ((rank * 0.618034 + 0.5) % 1 - 0.5), dtype=float)

    @property
    def box(self) -> dict[str, float]:
        """What the box shows; nothing for too few values."""
        if len(self.values) < FEWEST:
            return {}
        q1, median, q3 = np.percentile(self.values, [25, 50, 75], method="weibull")
        low, high = self.values.min(), self.values.max()
        return {"lowest": low, "q1": q1, "median": median, "q3": q3, "highest": high}


@dataclass(frozen=True, slots=True)
class _Test:
    """A p-value over two arms of a segment."""

    segment: int
    bracket: _Bracket
    name: str
    p: float


@dataclass(frozen=True, slots=True)
class _Panel:
    """One muscle and metric: samples by segment and arm, and the tests between them."""

    muscle: str
    metric: str
    samples: Sequence[Sequence[_Sample]]
    tests: Sequence[_Test]


@style()
def sides_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    group: str = "ALS",
    metrics: Sequence[str] = METRICS,
    segments: Sequence[str] | None = None,
) -> PaperFigure:
    """The symptomatic against the contralateral side of a group: Figure 3 of Ren et al. 2026.

    Left against right where no onset side is known. Muscles down, metrics across, all segments (or those of
    ``segments``) in each panel. Box: median and quartiles at (n + 1)·p (SPSS's HAVERAGE), as in the tables;
    whiskers: full range; one point per participant, a grey line between the two sides of one. Fewer than five
    values are points alone. The p-value is the paired test's of the contrast ``side:GROUP`` in
    ``comparisons``, as the lines show pairs; not adjusted, bold below 0.05. A metric is a column of
    ``cohort``, or a quotient as ``compare`` makes it for a divisor (``fi/bmi``).

    Raises UsageError for a metric that is no column, ValueError where ``comparisons`` were not made from
    ``cohort`` (another n or median), as their p-values would stand over the wrong points.
    """
    one_sided = _members(cohort, (("group", group),)) & is_among(cohort["side"], ("left", "right"))
    column, names = "role", ("symptomatic", "contralateral")
    if not (one_sided & is_among(cohort["role"], names)).any():
        column, names = "side", ("left", "right")
    arms = [_Arm(name, one_sided & is_among(cohort[column], (name,))) for name in names]
    brackets = [_Bracket(0, 1, f"side:{group}", "")]
    note = f"{group}. Grey lines: the two sides of one participant."
    panels, shown = _panels(cohort, comparisons, arms, brackets, metrics, segments, paired=True)
    return _box_figure(panels, shown, arms, note, paired=True)


@style()
def groups_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    contrasts: Sequence[Contrast],
    metrics: Sequence[str] = METRICS,
    role: str = "symptomatic",
    segments: Sequence[str] | None = None,
) -> PaperFigure:
    """All arms of ``contrasts`` side by side: Figure 5 of Ren et al. 2026 (ALS, lower-limb ALS, LR).

    ``contrasts`` come from ``contrasts.default_contrasts`` or ``resolve``; an arm that several of them share
    is drawn once, arms a on the left, and a bracket carries the p of each contrast. ``role`` is
    ``symptomatic`` or ``bilateral``; in a table without segments it is not looked at. Boxes, ``metrics``,
    ``segments`` and errors as in :func:`sides_figure`.
    """
    arms, brackets = _arms_of(cohort, contrasts, role)
    note = "" if is_plain(cohort) else ROLE_NOTES.get(role, "")
    return _box_figure(*_panels(cohort, comparisons, arms, brackets, metrics, segments), arms, note)


@style()
def psa_figure(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    group: str = "ALS",
    metrics: Sequence[str] = METRICS,
    role: str = "symptomatic",
) -> PaperFigure:
    """Patients with and without pathological spontaneous activity: Figure 4 of Ren et al. 2026.

    The contrast is ``psa:1-0[group=GROUP]``. Boxes, ``metrics`` and errors as in :func:`sides_figure`.
    """
    within = (("group", group),)
    contrast = Contrast(f"psa:1-0[group={group}]", "psa", "1", "0", within, within)
    arms, brackets = _arms_of(cohort, [contrast], role)
    note = f"{group}. {ROLE_NOTES.get(role, '')}"
    return _box_figure(*_panels(cohort, comparisons, arms, brackets, metrics), arms, note)


ROLE_NOTES = {
    "symptomatic": "Symptomatic side.",
    "contralateral": "Contralateral side.",
    "bilateral": "Both sides.",
}


def _members(cohort: pd.DataFrame, conditions: Conditions) -> Mask:
    """Which rows meet all conditions; none where a column is not there."""
    if not all(column in cohort for column, _ in conditions):
        return np.zeros(len(cohort), dtype=bool)
    return members(cohort, conditions)


def _arms_of(
    cohort: pd.DataFrame, contrasts: Sequence[Contrast], role: str
) -> tuple[list[_Arm], list[_Bracket]]:
    """Each arm once, arms a first, and the brackets between them, short ones first."""
    plain = is_plain(cohort)
    rows = np.ones(len(cohort), dtype=bool) if plain else is_among(cohort["role"], (role,))
    named = {c.conditions_a: arm_conditions(c, 0) for c in contrasts}
    named |= {c.conditions_b: arm_conditions(c, 1) for c in contrasts if c.conditions_b not in named}
    number = {conditions: i for i, conditions in enumerate(named)}
    arms = [_Arm(", ".join(name), rows & _members(cohort, conditions)) for conditions, name in named.items()]
    brackets = [
        _Bracket(number[c.conditions_a], number[c.conditions_b], c.text, "" if plain else role)
        for c in contrasts
    ]
    return arms, sorted(brackets, key=lambda b: abs(b.second - b.first))


def _panels(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    arms: Sequence[_Arm],
    brackets: Sequence[_Bracket],
    metrics: Sequence[str],
    segments: Sequence[str] | None = None,
    paired: bool = False,
) -> tuple[list[_Panel], Sequence[str]]:
    """The panels, row by row, and the segments in each."""
    segment, muscle = (texts(cohort[name]).to_numpy() for name in ("segment", "muscle"))
    shown = np.logical_or.reduce([arm.rows for arm in arms])
    segments = in_known_order(segment[shown], SEGMENTS) if segments is None else segments
    shown &= np.isin(segment, list(segments))
    values = {metric: metric_values(cohort, metric) for metric in metrics}
    named = "participant_id" in cohort
    ids = texts(cohort["participant_id"]).to_numpy() if named else np.full(len(cohort), "")
    rows = _rows_of(comparisons, brackets)
    place = _OF_SEGMENT / len(arms)
    panels = []
    for name in in_known_order(muscle[shown], MUSCLES) or [""]:
        for metric in metrics:
            of_muscle = (muscle == name) & np.isfinite(values[metric])
            samples = []
            tests: list[_Test] = []
            for number, level in enumerate(segments):
                here = of_muscle & (segment == level)
                found = []
                for i, arm in enumerate(arms):
                    at = number + (i - (len(arms) - 1) / 2) * place
                    chosen = here & arm.rows
                    found.append(_Sample(at, _OF_PLACE * place, tuple(ids[chosen]), values[metric][chosen]))
                samples.append(found)
                tests += _tests(rows, brackets, found, (number, level, name, metric), paired)
            panels.append(_Panel(name, metric, samples, tests))
    return panels, segments


def _rows_of(
    comparisons: pd.DataFrame, brackets: Sequence[_Bracket]
) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """The rows of the contrasts by contrast, role, segment, muscle and metric."""
    rows = comparisons[is_among(texts(comparisons["contrast"]), [bracket.contrast for bracket in brackets])]
    key = ("contrast", "role", "segment", "muscle", "metric")
    return {tuple(as_text(row[name]) for name in key): row for row in rows.to_dict("records")}


def _tests(
    rows: Mapping[tuple[str, ...], Mapping[str, Any]],
    brackets: Sequence[_Bracket],
    samples: Sequence[_Sample],
    place: tuple[int, str, str, str],
    paired: bool,
) -> list[_Test]:
    """The tests of the brackets between two arms with data that the comparisons have a row for."""
    number, segment, muscle, metric = place
    p, test = ("paired_p", "paired_test") if paired else ("p", "test")
    found = []
    for bracket in brackets:
        row = rows.get((bracket.contrast, bracket.role, segment, muscle, metric))
        a, b = samples[bracket.first].values, samples[bracket.second].values
        if row is not None and len(a) and len(b):
            _check_same_data(row, a, b)
            found.append(_Test(number, bracket, as_text(row[test]), float(row[p])))
    return found


def _box_figure(
    panels: Sequence[_Panel],
    segments: Sequence[str],
    arms: Sequence[_Arm],
    note: str,
    paired: bool = False,
) -> PaperFigure:
    """Muscles down, metrics across."""
    across = len(dict.fromkeys(panel.metric for panel in panels))
    levels = list(dict.fromkeys(test.bracket for panel in panels for test in panel.tests))
    levels.sort(key=lambda bracket: abs(bracket.second - bracket.first))
    above_pt = 4 + LINE_PT * len(levels)
    row_mm = _PANEL_MM + (above_pt + 3.5 * LINE_PT) * MM / 72
    figure, grid = figure_grid(len(panels) // across, across, row_mm)
    counts = [[[len(sample.values) for sample in level] for level in panel.samples] for panel in panels]
    each = np.array(counts, dtype=int).reshape(-1, len(arms))
    each = each if len(each) else np.zeros((1, len(arms)), dtype=int)
    legend_mm = _name_arms(figure, [f"{arm.label} ({n_text(each[:, i])})" for i, arm in enumerate(arms)])
    place_mm = figure.get_figwidth() * MM / across / max(1, len(segments)) * _OF_SEGMENT / len(arms)
    # Where n is not the same everywhere, and there is room, each has its own.
    counted = bool(np.ptp(each, axis=0).any()) and len(str(each.max())) * LETTER_MM < place_mm
    for number, (axes, panel) in enumerate(zip(grid.flat, panels, strict=True)):
        letter = chr(ord("A") + number) if len(panels) > 1 else ""
        axes.set_title(f"{letter}\u2002{panel.muscle}".strip(), y=1, pad=above_pt)
        axes.set_ylabel(metric_label(panel.metric))
        _draw_panel(axes, panel, segments, counted)
        _draw_brackets(axes, panel, levels)
        if paired:
            _join_pairs(axes, panel.samples)
        figure.drawn += _drawn(panel, segments, arms)
    _say_what_is_shown(figure, panels, note, paired)
    return place_panels(figure, grid, legend_mm, foot_pt=LINE_PT * (1 + counted) + 2)


def _say_what_is_shown(figure: PaperFigure, panels: Sequence[_Panel], note: str, paired: bool) -> None:
    few = f"Box (n ≥ {FEWEST}): median and quartiles; whiskers: full range; points: participants."
    footnote(figure, f"{note} {few}")
    names = {test.name for panel in panels for test in panel.tests} - {""}
    if names:
        kind = "paired samples" if paired else "independent samples"
        tests = ", ".join(sorted(TEST_NAMES[name].long if name in TEST_NAMES else name for name in names))
        footnote(figure, f"Above: p, {kind} ({tests}), not adjusted; bold: p < 0.05.")


def _name_arms(figure: PaperFigure, names: Sequence[str]) -> float:
    """The legend above the panels; its height in mm."""
    figure.set_figheight(figure.get_figheight() + LINE_PT / 72)
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[i % len(MARKERS)], color=colour(i), **_EDGE)
        for i in range(len(names))
    ]
    width = figure.get_figwidth() * MM
    columns = max(1, min(len(names), int(width / LETTER_MM / (max(map(len, names)) + 4))))
    corner = (EDGE_MM / width, 1 - EDGE_MM / figure.get_figheight() / MM)
    figure.legend(
        handles, names, loc="upper left", bbox_to_anchor=corner, ncols=columns,
        borderaxespad=0, borderpad=0, handletextpad=0.2, columnspacing=1.5, markerscale=1.0,
    )  # fmt: skip
    return LINE_PT * MM / 72 * math.ceil(len(names) / columns) + EDGE_MM


_EDGE: Mapping[str, Any] = {"markersize": 3.5, "markeredgecolor": "black", "markeredgewidth": 0.5}


def _draw_panel(axes: Any, panel: _Panel, segments: Sequence[str], counted: bool) -> None:
    """Points and boxes: all of an arm are one artist, as are all lines of one look."""
    for i, samples in enumerate(zip(*panel.samples, strict=True)):
        x, y = (np.concatenate(each) for each in ([s.x for s in samples], [s.values for s in samples]))
        if len(x):
            axes.scatter(
                x, y, s=_EDGE["markersize"] ** 2 * 0.6, marker=MARKERS[i % len(MARKERS)], color=colour(i),
                edgecolors="black", linewidths=0.5, zorder=3, clip_on=False,
            )  # fmt: skip
    everything = [(i, sample) for samples in panel.samples for i, sample in enumerate(samples)]
    _draw_boxes(axes, [(i, sample, sample.box) for i, sample in everything if sample.box])
    values = [sample.values for _, sample in everything if len(sample.values)]
    axes.set(xlim=(-0.5, max(len(segments), 1) - 0.5), xticks=[])
    if not values:
        write_no_data(axes)
        return
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    axes.set_ylim(low - margin, high + margin)
    set_ticks(axes.yaxis)
    below = {"va": "top", "transform": points_from(axes, 0)}
    for number, segment in enumerate(segments):
        axes.text(number, -2 - LINE_PT * counted, segment, ha="center", **below)
    if counted:
        axes.text(-0.52, -2, "n", ha="right", **below)
        for _, sample in everything:
            axes.text(sample.at, -2, str(len(sample.values)), ha="center", **below)


def _draw_boxes(axes: Any, boxed: Sequence[tuple[int, _Sample, Mapping[str, float]]]) -> None:
    corners: dict[int, list[_Line]] = {}
    thin: list[_Line] = []
    thick: list[_Line] = []
    for i, sample, box in boxed:
        left, right = sample.at - sample.width / 2, sample.at + sample.width / 2
        low, high = box["q1"], box["q3"]
        corners.setdefault(i, []).append(
            [(left, low), (right, low), (right, high), (left, high), (left, low)]
        )
        thick.append([(left, box["median"]), (right, box["median"])])
        for end, quartile in (("lowest", "q1"), ("highest", "q3")):
            thin.append([(sample.at, box[quartile]), (sample.at, box[end])])
            thin.append([(sample.at + d * sample.width / 4, box[end]) for d in (-1, 1)])
    for i, lines in corners.items():
        _draw_lines(axes, lines, facecolor=to_rgba(colour(i), 0.25), linewidth=0.7, zorder=2)
    _draw_lines(axes, thin, linewidth=0.7, zorder=2)
    _draw_lines(axes, thick, linewidth=1.5, zorder=4)


_Line: TypeAlias = Sequence[tuple[float, float]]


def _draw_lines(axes: Any, lines: Sequence[_Line], **look: Any) -> None:
    """All lines as one artist, which is quick to draw, and one object for who edits the figure."""
    if lines:
        path = Path.make_compound_path(*(Path(line) for line in lines))
        look = {"edgecolor": "black", "facecolor": "none", **look}
        axes.add_artist(PathPatch(path, **look))


def _join_pairs(axes: Any, samples: Sequence[Sequence[_Sample]]) -> None:
    """Lines between the two points of each participant."""
    pairs = []
    for both in samples:
        a, b = (dict(zip(s.participants, zip(s.x, s.values, strict=True), strict=True)) for s in both)
        pairs += [(point, b[who]) for who, point in a.items() if who in b]
    _draw_lines(axes, pairs, edgecolor=PALE, linewidth=0.5, zorder=1)


def _draw_brackets(axes: Any, panel: _Panel, levels: Sequence[_Bracket]) -> None:
    """Lines between two arms above the axes, each contrast on a level of its own, and their p."""
    above = points_from(axes, 1)
    lines = []
    for test in panel.tests:
        samples = panel.samples[test.segment]
        first, second = sorted((samples[test.bracket.first].at, samples[test.bracket.second].at))
        height = 4 + LINE_PT * levels.index(test.bracket)
        first, second = first + 0.02, second - 0.02
        lines.append([(first, height - 2), (first, height), (second, height), (second, height - 2)])
        axes.text(
            (first + second) / 2, height + 0.5, p_number(test.p) or "–", ha="center", va="bottom",
            fontweight="bold" if is_significant(test.p) else "normal", transform=above,
        )  # fmt: skip
    _draw_lines(axes, lines, linewidth=0.6, clip_on=False, transform=above)


def _drawn(panel: _Panel, segments: Sequence[str], arms: Sequence[_Arm]) -> list[dict[str, object]]:
    """All points, boxes and p-values of a panel, for the table beside the figure."""
    rows: list[dict[str, object]] = []
    for number, segment in enumerate(segments):
        place = {"metric": panel.metric, "muscle": panel.muscle, "segment": segment}
        for arm, sample in zip(arms, panel.samples[number], strict=True):
            own = {**place, "arm": arm.label}
            for who, value in zip(sample.participants, sample.values.tolist(), strict=True):
                rows.append({"drawn": "point", **own, "participant_id": who, "value": value})
            shown = "box" if sample.box else "points alone"
            rows.append({"drawn": shown, **own, "n": len(sample.values), **sample.box})
        for test in panel.tests:
            if test.segment == number:
                a, b = arms[test.bracket.first].label, arms[test.bracket.second].label
                rows.append({"drawn": "p", **place, "arm": a, "against": b, "test": test.name, "p": test.p})
    return rows


def _check_same_data(row: Mapping[str, Any], a: Floats, b: Floats) -> None:
    """A p-value must not stand over points that it was not made from."""
    for letter, values in (("a", a), ("b", b)):
        n, median = int(row[f"n_{letter}"]), float(row[f"median_{letter}"])
        if n != len(values) or not math.isclose(median, np.median(values), rel_tol=1e-9, abs_tol=1e-12):
            raise ValueError(
                f"{row['contrast']} {row['segment']} {row['muscle']} {row['metric']}: comparisons with "
                f"n = {n}, median {median}; expected {len(values)}, {np.median(values)} as in the cohort"
            )
