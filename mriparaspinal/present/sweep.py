"""How the answer of a study depends on the threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mriparaspinal.present.style import (
    COLUMN_MM,
    DASHES,
    PaperFigure,
    colour,
    explain,
    footnote,
    is_among,
    new_figure,
    place_panels,
    points_from,
    style,
    write_no_data,
)
from mriparaspinal.present.words import in_known_order, metric_label
from mriparaspinal.stats.cells import muscles_of, texts


@style()
def sweep_figure(sweep: pd.DataFrame, threshold: int = 50) -> PaperFigure:
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
    for i, muscle in enumerate(in_known_order(names, muscles_of(sweep))):
        rows = sweep[is_among(names, (muscle,))].sort_values("threshold")
        if rows["threshold"].duplicated().any():
            raise ValueError(
                f"{muscle}: several rows for one threshold; expected one segment, or all together"
            )
        x = rows["threshold"].to_numpy(dtype=float)
        low, middle, high = (rows[c].to_numpy(dtype=float) for c in ("fi_q1", "fi_median", "fi_q3"))
        if not np.isfinite(middle).any():
            continue
        axes.fill_between(x, low, high, color=colour(i), alpha=0.2, linewidth=0)
        axes.plot(x, middle, color=colour(i), linewidth=1.3, linestyle=DASHES[i % len(DASHES)], label=muscle)
        figure.drawn += rows[["muscle", "threshold", "fi_q1", "fi_median", "fi_q3"]].to_dict("records")
    axes.set(xlim=(0, 255), ylim=(0, 1), xlabel="threshold (grey level)", ylabel=metric_label("fi"))
    axes.axvline(threshold, color="black", linewidth=0.7, linestyle=":")
    axes.text(threshold, 1, f"{threshold}", va="bottom", ha="center", transform=points_from(axes, 1))
    if len(axes.lines) == 1:
        write_no_data(axes)
    else:
        axes.legend(loc="upper right", handlelength=3)
        footnote(figure, "Lines: median; bands: interquartile range; dotted: the study’s threshold.")
        explain(figure, in_known_order(names, muscles_of(sweep)), ["fi"])
    return place_panels(figure, np.array([[axes]]), measured=lambda axes: axes.texts)
