"""Box plots of sides and groups: the paper's Figures 3 to 5."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mriparaspinal.core.model import MUSCLES, SEGMENTS
from mriparaspinal.core.names import TEST_NAMES
from mriparaspinal.present.style import (
    COLOURS,
    LINE_PT,
    MARKERS,
    PALE,
    Floats,
    Mask,
    figure_grid,
    footnote,
    is_among,
    is_plain,
    metric_values,
    points_above,
    set_ticks,
    style,
    with_fixed_layout,
    write_across,
    write_no_data,
)
from mriparaspinal.present.words import (
    arm_conditions,
    in_known_order,
    metric_label,
    p_text,
    place_name,
    stars,
)
from mriparaspinal.stats.cells import as_text, texts
from mriparaspinal.stats.contrasts import Conditions, Contrast, members
from mriparaspinal.stats.limits import ALPHA

#: Beyond so many pairs their lines are drawn together, so many at once.
_MANY_PAIRS = 500


# --- box-and-whisker plots ----------------------------------------------------------------------------------


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
    one_sided = _members(cohort, (("group", group),)) & is_among(cohort["side"], ("left", "right"))
    column, names = "role", ("symptomatic", "contralateral")
    if not (one_sided & is_among(cohort["role"], names)).any():
        column, names = "side", ("left", "right")
    arms = [_Arm(name, one_sided & is_among(cohort[column], (name,))) for name in names]
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
    """All arms of ``contrasts`` side by side: Figure 5 of Ren et al. 2026 (ALS, lower-limb ALS, LR).

    ``contrasts`` come from ``contrasts.default_contrasts`` or ``resolve``; an arm that several of them share
    is drawn once, arms a on the left, and a bracket carries the p of each contrast. ``role`` is
    ``symptomatic`` or ``bilateral``; in a table without segments it is not looked at. Boxes, ``metric``,
    ``segments`` and errors as in :func:`sides_figure`.
    """
    arms, brackets = _arms_of(cohort, contrasts, role)
    note = "" if is_plain(cohort) else ROLE_NOTES.get(role, "")
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
    segments = in_known_order(cohort.loc[arms[0].rows | arms[1].rows, "segment"], SEGMENTS)
    note = f"{group}. {ROLE_NOTES.get(role, '')}"
    return _box_figure(cohort, comparisons, metric, segments, arms, brackets, stars, note)


ROLE_NOTES = {
    "symptomatic": "Symptomatic side.",
    "contralateral": "Contralateral side.",
    "bilateral": "Both sides.",
}


def _lower(cohort: pd.DataFrame, arms: Sequence[_Arm], segments: Sequence[str] | None) -> Sequence[str]:
    """The segments asked for, else those of L3 to L5 that are there, else all."""
    if segments is not None:
        return segments
    there = in_known_order(cohort.loc[_any_row(cohort, arms), "segment"], SEGMENTS)
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
    plain = is_plain(cohort)
    rows = np.ones(len(cohort), dtype=bool) if plain else is_among(cohort["role"], (role,))
    named = {c.conditions_a: arm_conditions(c, 0) for c in contrasts}
    named |= {c.conditions_b: arm_conditions(c, 1) for c in contrasts if c.conditions_b not in named}
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
    values = metric_values(cohort, metric)
    shown = _any_row(cohort, arms) & is_among(cohort["segment"], segments)
    muscles = in_known_order(cohort.loc[shown, "muscle"], MUSCLES) or [""]
    segments = segments or [""]
    text_lines = 1 + len(brackets) + max((2 + arm.label.count("\n") for arm in arms), default=0)
    figure, grid = figure_grid(len(segments), len(muscles), row_mm=24 + 3.6 * text_lines)
    tests = set()
    for (i, j), axes in np.ndenumerate(grid):
        segment, muscle = segments[i], muscles[j]
        here = is_among(cohort["segment"], (segment,)) & is_among(cohort["muscle"], (muscle,))
        samples = [_sample(cohort, values, here & arm.rows) for arm in arms]
        _draw_boxes(axes, [arm.label for arm in arms], samples)
        if paired:
            _join_pairs(axes, *samples)
        judged = _judged(comparisons, brackets, samples, segment=segment, muscle=muscle, metric=metric)
        for level, (bracket, row) in enumerate(judged):
            p, test = ("paired_p", "paired_test") if paired else ("p", "test")
            _draw_bracket(axes, bracket, float(row[p]), label, level)
            name = TEST_NAMES.get(as_text(row[test]))
            tests.add("" if name is None else name.long)
        axes.set_title(place_name(muscle, segment), pad=4 + LINE_PT * len(judged))
    for column in grid.T:
        _share_scale(column)
    for axes in grid[:, 0]:
        axes.set_ylabel(metric_label(metric))
    footnote(figure, f"{note} Box: median and quartiles; whiskers: full range; points: participants.")
    if tests - {""}:
        key = "* p < 0.05, ** p < 0.01, *** p < 0.001, ns p ≥ 0.05" if label is stars else "bold: p < 0.05"
        names = ", ".join(sorted(tests - {""}))
        kind = "paired samples" if paired else "independent samples"
        footnote(figure, f"p: {kind} ({names}), not adjusted; {key}.")
    return with_fixed_layout(figure)


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
            write_across(axes, "no data", at=i)
    if not any(len(sample.values) for sample in samples):
        write_no_data(axes)
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
        axes.plot(*zip(*points, strict=True), color=PALE, linewidth=0.4, zorder=1)


def _draw_bracket(axes: Any, bracket: _Bracket, p: float, label: Callable[[float], str], level: int) -> None:
    """A line between two arms above the axes, ``level`` lines of text up, and its label."""
    first, second = sorted((bracket.first, bracket.second))
    axes.plot(
        [first + 0.05, second - 0.05], [1, 1], color="black", linewidth=0.6, clip_on=False,
        marker=3, markersize=2.5, markeredgewidth=0.6,  # caps that point down
        transform=points_above(axes, 4 + LINE_PT * level),
    )  # fmt: skip
    axes.text(
        (first + second) / 2, 1, label(p), ha="center", va="bottom",
        fontweight="bold" if p < ALPHA else "normal", transform=points_above(axes, 4.5 + LINE_PT * level),
    )  # fmt: skip


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
            set_ticks(axes.yaxis)


def _judged(
    comparisons: pd.DataFrame, brackets: Sequence[_Bracket], samples: Sequence[_Sample], **place: str
) -> list[tuple[_Bracket, pd.Series]]:
    """The brackets between two arms with data that the comparisons have a row for, and that row."""
    found = []
    for bracket in brackets:
        row = row_of(comparisons, contrast=bracket.contrast, role=bracket.role, **place)
        a, b = samples[bracket.first].values, samples[bracket.second].values
        if row is not None and len(a) and len(b):
            _check_same_data(row, a, b)
            found.append((bracket, row))
    return found


def row_of(table: pd.DataFrame, **cells: str) -> pd.Series | None:
    """The row with these cells, of which there is one or none."""
    found = np.ones(len(table), dtype=bool)
    for column, value in cells.items():
        found &= is_among(texts(table[column]), (value,))
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
