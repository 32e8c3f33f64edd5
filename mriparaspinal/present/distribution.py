"""Where the fat lies, by group: FI from medial to lateral, from deep to superficial, from border to core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib import rcParams

from mriparaspinal.core.distribution import PROFILES, Profile
from mriparaspinal.present.box_samples import FEWEST, Arm, arms_of_groups
from mriparaspinal.present.boxes import ROLE_NOTES
from mriparaspinal.present.cell_texts import n_text
from mriparaspinal.present.style import (
    DASHES,
    LEGEND_MM,
    MARKERS,
    Floats,
    PaperFigure,
    colour,
    empty_figure,
    explain,
    figure_grid,
    footnote,
    handles_of,
    metric_values,
    name_groups,
    name_panel,
    place_panels,
    set_ticks,
    style,
    write_no_data,
)
from mriparaspinal.present.words import in_known_order, metric_label
from mriparaspinal.stats.cells import group_names, muscles_of, regions_alone, texts

#: How far the groups' points stand beside each other, of the distance of two bands.
_BESIDE = 0.16


def role_shown(cohort: pd.DataFrame) -> str:
    """The symptomatic side where every group has one, else both sides together."""
    with_side = cohort.loc[texts(cohort["role"]) == "symptomatic", "group"]
    return "symptomatic" if set(group_names(with_side)) == set(group_names(cohort["group"])) else "bilateral"


@style()
def distribution_figure(cohort: pd.DataFrame, segment: str, role: str) -> PaperFigure:
    """The profiles of all muscles of a segment, muscles down and profiles across: medians and quartiles.

    ``cohort``: one row per participant, segment, muscle and side, with the columns of the profiles.
    """
    here = cohort[(texts(cohort["segment"]) == segment).to_numpy()]
    muscles = in_known_order(texts(here["muscle"]), muscles_of(cohort))
    if not muscles:
        return empty_figure()
    groups = group_names(here["group"])
    whole = set(texts(here.loc[regions_alone(here) & (here["side"] == "both"), "muscle"]))
    values = {column: metric_values(here, column) for profile in PROFILES for column in profile.columns}
    figure, grid = figure_grid(len(muscles), len(PROFILES), row_mm=42)
    for (i, j), axes in np.ndenumerate(grid):
        profile, of_muscle = PROFILES[j], (texts(here["muscle"]) == muscles[i]).to_numpy()
        arms = arms_of_groups(here, "group", groups, "bilateral" if muscles[i] in whole else role)
        rows = [Arm(arm.label, arm.rows & of_muscle) for arm in arms]
        place = {"segment": segment, "muscle": muscles[i], "profile": profile.title}
        drawn = _lines(axes, profile, rows, values)
        figure.drawn += [{**place, **row} for row in drawn]
        name_panel(axes, i * len(PROFILES) + j, grid.size, f"{muscles[i]}, {profile.title}")
        axes.set_xlim(-0.5, len(profile.columns) - 0.5)
        if not drawn:
            write_no_data(axes)
            continue
        last = len(profile.columns) - 1
        axes.set_xticks(range(last + 1), [profile.first, *[""] * (last - 1), profile.last])
        set_ticks(axes.yaxis)
    _share_heights(grid)
    counts: dict[str, list[float]] = {group: [] for group in groups}
    for row in figure.drawn:
        counts[str(row["arm"])].append(cast("int", row["n"]))
    named = {f"{name} ({n_text(counts[name])})": handle for name, handle in handles_of(grid).items()}
    name_groups(figure, named)
    figure.side_label = figure.supylabel(metric_label("fi"), fontsize=rcParams["font.size"])
    note = f"{ROLE_NOTES.get(role, '')} {segment}. Median and quartiles; of fewer than {FEWEST}, the median."
    if whole and role != "bilateral":
        note += f" {', '.join(sorted(whole))}: as a whole."
    footnote(figure, f"{note} Quarters of equal area; rings of equal depth.")
    explain(figure, muscles, ["fi"])
    return place_panels(figure, grid, LEGEND_MM)


def _lines(
    axes: Any, profile: Profile, arms: Sequence[Arm], values: Mapping[str, Floats]
) -> list[dict[str, object]]:
    """The line of each group, and what is drawn."""
    drawn: list[dict[str, object]] = []
    for number, arm in enumerate(arms):
        rows = []
        for band, column in enumerate(profile.columns):
            sample = values[column][arm.rows & np.isfinite(values[column])]
            if len(sample):
                q1, median, q3 = np.percentile(sample, [25, 50, 75], method="weibull")
                quartiles = {"q1": q1, "q3": q3} if len(sample) >= FEWEST else {}
                place = {"arm": arm.label, "metric": column, "band": band + 1, "n": len(sample)}
                rows.append({"drawn": "median", **place, "median": median, **quartiles})
        if rows:
            x = np.array([row["band"] for row in rows]) - 1 + _BESIDE * (number - (len(arms) - 1) / 2)
            y = np.array([row["median"] for row in rows], dtype=float)
            low, high = (np.array([row.get(q, row["median"]) for row in rows]) for q in ("q1", "q3"))
            look = {"color": colour(number), "marker": MARKERS[number % len(MARKERS)], "markersize": 4}
            dash = DASHES[number % len(DASHES)]
            axes.errorbar(
                x, y, yerr=[y - low, high - y], linestyle=dash, linewidth=1.1, elinewidth=0.8, capsize=2,
                clip_on=False, label=arm.label, **look,
            )  # fmt: skip
        drawn += rows
    return drawn


def _share_heights(grid: Any) -> None:
    """One scale for all profiles of a muscle: they are the same fat, seen from three sides."""
    for row in grid:
        limits = [axes.get_ylim() for axes in row if axes.lines]
        if limits:
            low, high = min(low for low, _ in limits), max(high for _, high in limits)
            for axes in row:
                if axes.lines:
                    axes.set_ylim(max(0.0, low), high)
