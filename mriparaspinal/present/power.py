"""Power against the number of participants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.model import SPINE
from mriparaspinal.present.style import (
    GREY,
    LEGEND_MM,
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
    style,
    write_no_data,
)
from mriparaspinal.present.words import contrast_name, in_known_order, place_name
from mriparaspinal.stats.cells import muscles_of

#: Test → number of its colour and dash, and its name; the area under the curve asks the same question as
#: Mann–Whitney's test.
_TESTS = {
    "welch_t": (0, "Welch’s t-test"),
    "paired_t": (0, "paired t-test"),
    "mann_whitney_u": (4, "Mann–Whitney U test"),
    "wilcoxon": (4, "Wilcoxon’s signed-rank test"),
    "mixed_model": (2, "mixed model"),
}

#: Of a test with the observed or given difference, and with the end of its interval nearer to zero: one has
#: another dash than the other, and than the other tests, for grey print.
_DASHES = {0: ("-", (0, (1, 1))), 4: ("--", (0, (3, 1, 1, 1, 1, 1))), 2: ("-.", ":")}


@style()
def power_figure(
    curve: pd.DataFrame, contrast: str, metric: str, role: str, wanted: float, level: float
) -> PaperFigure:
    """The curves of one contrast, metric and role: segments down, muscles across.

    ``curve``: the second table of ``stats.planning.plan``: of the difference as observed or given, and thin
    of the end of its interval nearer to zero. The dotted line is the power that is ``wanted``.
    """
    mine = (curve["contrast"] == contrast) & (curve["metric"] == metric) & (curve["role"] == role)
    rows = curve[mine & curve["test"].isin(list(_TESTS))]
    if rows.empty:
        return empty_figure()
    segments = in_known_order(rows["segment"], SPINE)
    segments = [*segments[1:], ""] if len(segments) > 1 and segments[0] == "" else segments
    muscles = in_known_order(rows["muscle"], muscles_of(rows))
    figure, grid = figure_grid(len(segments), len(muscles), row_mm=38 if len(muscles) > 1 else 56)
    for (i, j), axes in np.ndenumerate(grid):
        segment, muscle = segments[i], muscles[j]
        here = rows[(rows["segment"] == segment) & (rows["muscle"] == muscle)]
        name = place_name(muscle, segment)
        name = f"{name}, all segments" if not segment and len(segments) > 1 else name
        name_panel(axes, i * len(muscles) + j, grid.size, name)
        _draw(axes, here)
        axes.axhline(wanted, color=GREY, linewidth=0.7, linestyle=":")
        axes.set(ylim=(0, 1), xscale="log", xlim=(4, 200), xticks=[5, 10, 20, 50, 100, 200])
        axes.set_xticklabels(["5", "10", "20", "50", "100", "200"])
        axes.set_xticks([], minor=True)
        if i == len(segments) - 1:
            axes.set_xlabel("pairs" if "paired_t" in set(rows["test"]) else "participants of the first arm")
        if j == 0:
            axes.set_ylabel("power")
        if here.empty:
            write_no_data(axes)
        figure.drawn += here.to_dict("records")
    named = handles_of(grid)
    name_groups(figure, named)
    told = contrast_name(contrast, role, *_SIDES).replace("\n", ", ")
    ends = " Thin: of the end of the interval of the difference nearer to zero." if _has_ends(rows) else ""
    footnote(figure, f"{told}. Two-sided level {level:.3g}; dotted: power {wanted:g}.{ends}")
    explain(figure, muscles, [metric])
    return place_panels(figure, grid, LEGEND_MM)


#: The arms of a contrast of sides.
_SIDES = ("symptomatic", "contralateral")


def _has_ends(rows: pd.DataFrame) -> bool:
    return bool(rows["assumed"].astype(str).str.startswith("end").any())


def _draw(axes: Any, rows: pd.DataFrame) -> None:
    for (test, assumed), line in rows.groupby(["test", "assumed"], sort=False):
        number, name = _TESTS[str(test)]
        is_end = str(assumed).startswith("end")
        look = {"color": colour(number), "linestyle": _DASHES[number][is_end]}
        label = None if is_end else name
        axes.plot(line["n_a"], line["power"], linewidth=0.7 if is_end else 1.2, label=label, **look)
