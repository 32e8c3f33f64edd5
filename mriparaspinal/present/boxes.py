"""Box plots of sides and groups: the paper's Figures 3 to 5."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from mriparaspinal.core.names import TEST_NAMES
from mriparaspinal.present.box_samples import (
    FEWEST,
    OF_SEGMENT,
    Arm,
    Bracket,
    Panel,
    Sample,
    arms_of,
    members_of,
    panels_of,
)
from mriparaspinal.present.cell_texts import n_text
from mriparaspinal.present.p_values import is_significant, p_number
from mriparaspinal.present.style import (
    EDGE_MM,
    LETTER_MM,
    LINE_PT,
    MARKERS,
    MM,
    PALE,
    PaperFigure,
    colour,
    explain,
    figure_grid,
    footnote,
    is_among,
    is_plain,
    name_panel,
    place_panels,
    points_from,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.words import metric_label
from mriparaspinal.stats.contrasts import Contrast

#: The paper's metrics: a column of panels each.
METRICS = ("fi", "rcsa")

#: Height of a panel without what stands above and below it.
_PANEL_MM = 34.0


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
    one_sided = members_of(cohort, (("group", group),)) & is_among(cohort["side"], ("left", "right"))
    column, names = "role", ("symptomatic", "contralateral")
    if not (one_sided & is_among(cohort["role"], names)).any():
        column, names = "side", ("left", "right")
    arms = [Arm(name, one_sided & is_among(cohort[column], (name,))) for name in names]
    brackets = [Bracket(0, 1, f"side:{group}", "")]
    note = f"{group}. Grey lines: the two sides of one participant."
    panels, shown = panels_of(cohort, comparisons, arms, brackets, metrics, segments, paired=True)
    return box_figure(panels, shown, arms, note, paired=True)


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
    arms, brackets = arms_of(cohort, contrasts, role)
    note = "" if is_plain(cohort) else ROLE_NOTES.get(role, "")
    return box_figure(*panels_of(cohort, comparisons, arms, brackets, metrics, segments), arms, note)


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
    arms, brackets = arms_of(cohort, [contrast], role)
    note = f"{group}. {ROLE_NOTES.get(role, '')}"
    return box_figure(*panels_of(cohort, comparisons, arms, brackets, metrics), arms, note)


ROLE_NOTES = {
    "symptomatic": "Symptomatic side.",
    "contralateral": "Contralateral side.",
    "bilateral": "Both sides.",
}


def box_figure(
    panels: Sequence[Panel],
    segments: Sequence[str],
    arms: Sequence[Arm],
    note: str,
    paired: bool = False,
    more: Sequence[str] = (),
) -> PaperFigure:
    """Muscles down, metrics across; above the boxes the tests of the panels, below all the notes."""
    across = len(dict.fromkeys(panel.metric for panel in panels))
    levels = list(dict.fromkeys(test.bracket for panel in panels for test in panel.tests))
    levels.sort(key=lambda bracket: abs(bracket.second - bracket.first))
    above_pt = 4 + LINE_PT * (2 if any(panel.letters for panel in panels) else len(levels))
    row_mm = _PANEL_MM + (above_pt + 3.5 * LINE_PT) * MM / 72
    figure, grid = figure_grid(len(panels) // across, across, row_mm)
    filled = _filled(panels)
    counts = [
        [[len(sample.values) for sample in level] for level in panel.samples]
        for panel in compress(panels, filled)
    ]
    each = np.array(counts, dtype=int).reshape(-1, len(arms))
    each = each if len(each) else np.zeros((1, len(arms)), dtype=int)
    legend_mm = _name_arms(figure, [f"{arm.label} ({n_text(each[:, i])})" for i, arm in enumerate(arms)])
    place_mm = figure.get_figwidth() * MM / across / max(1, len(segments)) * OF_SEGMENT / len(arms)
    # Where n is not the same everywhere, and there is room, each has its own.
    counted = bool(np.ptp(each, axis=0).any()) and len(str(each.max())) * LETTER_MM < place_mm
    for number, (axes, panel) in enumerate(zip(grid.flat, panels, strict=True)):
        if not filled[number]:
            axes.set_axis_off()
            continue
        name_panel(axes, sum(filled[:number]), sum(filled), panel.muscle, y=1, pad=above_pt)
        axes.set_ylabel(metric_label(panel.metric))
        _draw_panel(axes, panel, segments, counted)
        _draw_brackets(axes, panel, levels)
        _write_letters(axes, panel)
        if paired:
            _join_pairs(axes, panel.samples)
        figure.drawn += _drawn(panel, segments, arms)
    _say_what_is_shown(figure, panels, note, paired)
    for text in more:
        footnote(figure, text)
    explain(figure, [panel.muscle for panel in panels], [panel.metric for panel in panels])
    return place_panels(figure, grid, legend_mm, foot_pt=LINE_PT * (1 + counted) + 2)


def _filled(panels: Sequence[Panel]) -> list[bool]:
    """The panels that are drawn: of a metric that only some muscles have, as a ratio of the psoas, theirs.

    Where no panel has a value, all are drawn, and say so.
    """
    filled = [any(len(sample.values) for level in panel.samples for sample in level) for panel in panels]
    return filled if any(filled) else [True] * len(panels)


def _say_what_is_shown(figure: PaperFigure, panels: Sequence[Panel], note: str, paired: bool) -> None:
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


def _draw_panel(axes: Any, panel: Panel, segments: Sequence[str], counted: bool) -> None:
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


def _draw_boxes(axes: Any, boxed: Sequence[tuple[int, Sample, Mapping[str, float]]]) -> None:
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


def _join_pairs(axes: Any, samples: Sequence[Sequence[Sample]]) -> None:
    """Lines between the two points of each participant."""
    pairs = []
    for both in samples:
        a, b = (dict(zip(s.participants, zip(s.x, s.values, strict=True), strict=True)) for s in both)
        pairs += [(point, b[who]) for who, point in a.items() if who in b]
    _draw_lines(axes, pairs, edgecolor=PALE, linewidth=0.5, zorder=1)


def _draw_brackets(axes: Any, panel: Panel, levels: Sequence[Bracket]) -> None:
    """Lines between two arms above the axes, each contrast on a level of its own, and their p."""
    above = points_from(axes, 1)
    lines = []
    rightmost = len(panel.samples) - 0.5 - 0.34  # half of a p-value is left of the edge
    for test in panel.tests:
        samples = panel.samples[test.segment]
        first, second = sorted((samples[test.bracket.first].at, samples[test.bracket.second].at))
        height = 4 + LINE_PT * levels.index(test.bracket)
        first, second = first + 0.02, second - 0.02
        lines.append([(first, height - 2), (first, height), (second, height), (second, height - 2)])
        axes.text(
            min((first + second) / 2, rightmost), height + 0.5, p_number(test.p) or "–", ha="center",
            va="bottom", fontweight="bold" if is_significant(test.p) else "normal", transform=above,
        )  # fmt: skip
    _draw_lines(axes, lines, linewidth=0.6, clip_on=False, transform=above)


def _write_letters(axes: Any, panel: Panel) -> None:
    """The letters of each group over its box, and over these the p of all groups."""
    above = {"ha": "center", "va": "bottom", "transform": points_from(axes, 1)}
    for samples, letters in zip(panel.samples, panel.letters, strict=False):
        for sample, text in zip(samples, letters, strict=True):
            axes.text(sample.at, 3, text, **above)
    for segment, p in enumerate(panel.omnibus):
        weight = "bold" if is_significant(p) else "normal"
        axes.text(segment, 3 + LINE_PT, p_number(p) or "–", fontweight=weight, **above)


def _drawn(panel: Panel, segments: Sequence[str], arms: Sequence[Arm]) -> list[dict[str, object]]:
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
        for arm, text in zip(arms, panel.letters[number] if panel.letters else (), strict=False):
            rows.append({"drawn": "letters", **place, "arm": arm.label, "letters": text})
        if panel.omnibus:
            rows.append({"drawn": "p of all groups", **place, "p": panel.omnibus[number]})
        for test in panel.tests:
            if test.segment == number:
                a, b = arms[test.bracket.first].label, arms[test.bracket.second].label
                rows.append({"drawn": "p", **place, "arm": a, "against": b, "test": test.name, "p": test.p})
    return rows
