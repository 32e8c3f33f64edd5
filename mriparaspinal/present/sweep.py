"""How the answer of a study depends on the threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mriparaspinal.core.model import MUSCLES
from mriparaspinal.present.style import (
    COLOURS,
    COLUMN_MM,
    DASHES,
    footnote,
    is_among,
    new_figure,
    points_above,
    style,
    with_fixed_layout,
    write_no_data,
)
from mriparaspinal.present.words import in_known_order, metric_label
from mriparaspinal.stats.cells import texts

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
    figure = new_figure(COLUMN_MM, 64)
    axes = figure.subplots()
    names = texts(sweep["muscle"])
    for i, muscle in enumerate(in_known_order(names, MUSCLES)):
        rows = sweep[is_among(names, (muscle,))].sort_values("threshold")
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
    axes.text(threshold, 1, f" {threshold}", va="bottom", ha="center", transform=points_above(axes, 1))
    if len(axes.lines) == 1:
        write_no_data(axes)
    else:
        axes.legend(loc="upper right", handlelength=3)
        footnote(figure, "Lines: median; bands: interquartile range; dotted: the study’s threshold.")
    return with_fixed_layout(figure)
