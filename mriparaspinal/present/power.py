"""Power against the number of participants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.model import SPINE
from mriparaspinal.present.style import (
    DASHES,
    GREY,
    PaperFigure,
    colour,
    empty_figure,
    figure_grid,
    footnote,
    place_panels,
    style,
    write_no_data,
)
from mriparaspinal.present.words import in_known_order, place_name
from mriparaspinal.stats.cells import muscles_of

#: Test → colour and name; the area under the curve asks the same question as Mann–Whitney's test.
_TESTS = {
    "welch_t": (0, "Welch’s t"),
    "paired_t": (0, "paired t"),
    "mann_whitney_u": (4, "Mann–Whitney"),
    "wilcoxon": (4, "Wilcoxon"),
    "mixed_model": (2, "mixed model"),
}

#: What the colours are called in the footnote.
_WORDS = {0: "orange", 4: "blue", 2: "green"}


@style()
def power_figure(
    curve: pd.DataFrame, contrast: str, metric: str, role: str, wanted: float, level: float
) -> PaperFigure:
    """The curves of one contrast, metric and role: segments down, muscles across.

    ``curve``: the second table of ``stats.planning.plan``. Solid: as observed or given; dashed: the end of
    the interval nearer to zero. The dotted line is the power that is ``wanted``.
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
        axes.set_title(f"{name}, all segments" if not segment and len(segments) > 1 else name)
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
    used = set(rows["test"])
    told = ", ".join(f"{_WORDS[c]}: {name}" for test, (c, name) in _TESTS.items() if test in used)
    footnote(figure, f"{contrast}. {told}. Two-sided level {level:.3g}; dotted: power {wanted:g}.")
    footnote(
        figure, "Solid: difference as observed or given; dashed: the nearer end of its interval to zero."
    )
    return place_panels(figure, grid)


def _draw(axes: Any, rows: pd.DataFrame) -> None:
    for (test, assumed), line in rows.groupby(["test", "assumed"], sort=False):
        number, _ = _TESTS[str(test)]
        dash = DASHES[1] if str(assumed).startswith("end") else DASHES[0]
        axes.plot(line["n_a"], line["power"], color=colour(number), linewidth=1.2, linestyle=dash)
