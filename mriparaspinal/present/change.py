"""Figures of a follow-up: each participant's line through the sessions, and the change since the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams

from mriparaspinal.core.model import SPINE
from mriparaspinal.present.boxes import ROLE_NOTES
from mriparaspinal.present.style import (
    GREY,
    LEGEND_MM,
    MARKERS,
    PALE,
    PaperFigure,
    colour,
    empty_figure,
    explain,
    figure_grid,
    footnote,
    handles_of,
    name_groups,
    name_panel,
    place_panels,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.words import in_known_order, metric_label, place_name
from mriparaspinal.stats.cells import muscles_of
from mriparaspinal.stats.change import group_key
from mriparaspinal.stats.change_tests import interval_of_mean

#: How far the groups' points stand from each other, as a share of the distance of two sessions.
_BESIDE = 0.18


@style()
def spaghetti_figure(changes: pd.DataFrame, metric: str, role: str, sessions: Sequence[str]) -> PaperFigure:
    """One line per participant, segments down and muscles across, and the mean of each group.

    ``changes``: rows of ``changes.csv`` of one metric and role. Over the months where they are known of all,
    else over the sessions. The mean is that of the participants who have the session.
    """
    timed = bool(np.isfinite(changes["months"].to_numpy(dtype=float)).all())
    panel = partial(_lines, groups=_groups(changes), sessions=list(sessions), timed=timed)
    note = f"{ROLE_NOTES.get(role, '')} Thin: participants; thick: mean of those who have the session."
    return _panels(changes, panel, "months" if timed else "session", metric, note)


def _lines(
    axes: Any, rows: pd.DataFrame, groups: Sequence[str], sessions: list[str], timed: bool
) -> list[dict[str, object]]:
    """One panel of lines, and what is drawn in it."""

    def times(of: pd.DataFrame) -> list[float]:
        if timed:
            return [float(months) for months in of["months"]]
        return [float(sessions.index(session)) for session in of["session"]]

    drawn: list[dict[str, object]] = []
    for number, group in enumerate(groups):
        own = rows[(rows["group"] == group).to_numpy()].dropna(subset=["value"])
        for who, line in own.groupby("participant_id", sort=False):
            x, y = times(line), line["value"].tolist()
            axes.plot(x, y, color=colour(number), alpha=0.35, linewidth=0.6, marker=".", markersize=2)
            place = {"drawn": "participant", "group": group, "participant_id": who}
            drawn += [{**place, "x": a, "y": b} for a, b in zip(x, y, strict=True)]
        means = []
        for session in sessions:
            there = own[(own["session"] == session).to_numpy()]
            if len(there):
                x_mean = float(np.mean(np.sort(times(there))))
                y_mean = float(np.mean(np.sort(there["value"].to_numpy(dtype=float))))
                means.append((x_mean, y_mean))
                place = {"drawn": "mean", "group": group, "session": session, "n": len(there)}
                drawn.append({**place, "x": x_mean, "y": y_mean})
        if means:
            look = {"color": colour(number), "marker": _marker(number), "markersize": 4}
            axes.plot(*zip(*means, strict=True), linewidth=1.8, label=group, **look)
    if timed:
        set_ticks(axes.xaxis, axes.yaxis)
    else:
        axes.set_xticks(range(len(sessions)), sessions)
        set_ticks(axes.yaxis)
    return drawn


@style()
def change_figure(changes: pd.DataFrame, metric: str, role: str, sessions: Sequence[str]) -> PaperFigure:
    """The change since the first session: participants, mean of each group with its 95 % interval.

    The band is ± the minimal detectable change, where it is known.
    """
    panel = partial(_points, groups=_groups(changes), later=list(sessions[1:]))
    band = " Band: ± minimal detectable change." if changes["mdc95"].notna().any() else ""
    note = f"{ROLE_NOTES.get(role, '')} Since {sessions[0]}. Bars: 95 % interval of the mean.{band}"
    return _panels(changes, panel, "session", metric, note, of="change of ")


def _points(
    axes: Any, rows: pd.DataFrame, groups: Sequence[str], later: Sequence[str]
) -> list[dict[str, object]]:
    """One panel of changes, and what is drawn in it."""
    drawn: list[dict[str, object]] = []
    limit = rows["mdc95"].dropna().to_numpy(dtype=float)
    if len(limit):
        axes.axhspan(-limit[0], limit[0], color=PALE, alpha=0.4, linewidth=0)
        drawn.append({"drawn": "mdc95", "y": float(limit[0])})
    axes.axhline(0, color=GREY, linewidth=0.5)
    known = rows.dropna(subset=["change"]).sort_values("change", kind="stable")
    for (number, group), (place, session) in product(enumerate(groups), enumerate(later)):
        own = known[((known["group"] == group) & (known["session"] == session)).to_numpy()]
        values = own["change"].to_numpy(dtype=float)
        if not len(values):
            continue
        at = place + _BESIDE * (number - (len(groups) - 1) / 2)
        look = {"color": colour(number)}
        axes.scatter(np.full(len(values), at - 0.05), values, s=5, alpha=0.4, linewidths=0, **look)
        mean, _, low, high = interval_of_mean(values)
        bars = None if np.isnan(low) else [[mean - low], [high - mean]]
        look |= {"marker": _marker(number), "label": "_" if place else group}
        axes.errorbar([at + 0.03], [mean], yerr=bars, markersize=4, capsize=2, linewidth=1.2, **look)
        where = {"group": group, "session": session}
        people = zip(own["participant_id"], values.tolist(), strict=True)
        drawn += [{"drawn": "participant", **where, "participant_id": who, "y": y} for who, y in people]
        drawn.append({"drawn": "mean", **where, "n": len(values), "y": mean, "ci_low": low, "ci_high": high})
    axes.set_xlim(-0.5, len(later) - 0.5)
    axes.set_xticks(range(len(later)), later)
    set_ticks(axes.yaxis)
    return drawn


def _groups(changes: pd.DataFrame) -> list[str]:
    return sorted(set(changes["group"]), key=group_key)


def _marker(number: int) -> str:
    return MARKERS[number % len(MARKERS)]


def _panels(
    changes: pd.DataFrame,
    panel: Callable[[Any, pd.DataFrame], list[dict[str, object]]],
    across: str,
    metric: str,
    note: str,
    of: str = "",
) -> PaperFigure:
    """A panel per segment and muscle, drawn by ``panel``; the groups are named above."""
    if changes.empty:
        return empty_figure()
    segments = in_known_order(changes["segment"], SPINE)
    muscles = in_known_order(changes["muscle"], muscles_of(changes))
    figure, grid = figure_grid(len(segments), len(muscles), row_mm=38 if len(muscles) > 1 else 56)
    for (i, j), axes in np.ndenumerate(grid):
        here = (changes["segment"] == segments[i]) & (changes["muscle"] == muscles[j])
        name_panel(axes, i * len(muscles) + j, grid.size, place_name(muscles[j], segments[i]))
        place = {"segment": segments[i], "muscle": muscles[j]}
        figure.drawn += [{**place, **row} for row in panel(axes, changes[here.to_numpy()])]
        if not here.any():
            write_no_data(axes)
        if i == len(segments) - 1:
            axes.set_xlabel(across)
    counts = changes.groupby("group")["participant_id"].nunique()
    named = {f"{name} (n = {counts[name]})": handle for name, handle in handles_of(grid).items()}
    name_groups(figure, named)
    figure.side_label = figure.supylabel(f"{of}{metric_label(metric)}", fontsize=rcParams["font.size"])
    footnote(figure, note)
    explain(figure, muscles, [metric])
    return place_panels(figure, grid, LEGEND_MM)
