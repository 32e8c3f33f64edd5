"""ROC curves."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from mriparaspinal.present.style import (
    COLUMN_MM,
    DASHES,
    GREY,
    MARKERS,
    PaperFigure,
    colour,
    is_among,
    new_figure,
    style,
    with_fixed_layout,
    write_no_data,
)
from mriparaspinal.present.words import signed
from mriparaspinal.stats.cells import texts
from mriparaspinal.stats.roc import RocResult

#: So many letters stand beside the handle in the width of the figure.
_LETTERS = 46

#: What the legend says of a curve.
_NUMBERS = ("predictor", "auc", "ci_low", "ci_high", "cutoff", "sensitivity", "specificity")


@style()
def roc_figure(result: RocResult) -> PaperFigure:
    """The ROC curves of all predictors of ``stats.roc.roc``, with areas and cut-offs.

    Straight lines between the points, as the area counts a tie as a half. The legend has the area, its
    Hanley–McNeil interval and the Youden cut-off, which is marked on the curve.
    """
    rows = result.table.to_dict("records")
    figure = new_figure(COLUMN_MM, COLUMN_MM + 7.5 * len(rows) + 6, "constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=(0, (2, 2)))
    handles: list[Any] = []
    labels = []
    for i, row in enumerate(rows):
        name = str(row["predictor"])
        points = result.points[is_among(texts(result.points["predictor"]), (name,))]
        figure.drawn += [{"drawn": "curve", **point} for point in points.to_dict("records")]
        figure.drawn.append({"drawn": "area and cut-off", **{name: row[name] for name in _NUMBERS}})
        marked = not math.isnan(row["cutoff"])
        (line,) = axes.plot(
            1 - points["specificity"].to_numpy(dtype=float), points["sensitivity"].to_numpy(dtype=float),
            color=colour(i), linewidth=1.3, linestyle=DASHES[i % len(DASHES)], clip_on=False,
        )  # fmt: skip
        if marked:
            axes.plot(
                1 - row["specificity"], row["sensitivity"], marker=MARKERS[i % len(MARKERS)], markersize=6,
                color=colour(i), markeredgecolor="black", markeredgewidth=0.6, linestyle="none",
                clip_on=False, zorder=3,
            )  # fmt: skip
        handles.append((line, axes.lines[-1]))
        labels.append(_roc_label(row))
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="1 − specificity", ylabel="sensitivity")
    if not rows:
        write_no_data(axes)
    else:
        figure.legend(
            handles, labels, loc="outside lower left", alignment="left", handlelength=5,
            title="Predictor (n positive, n negative):\narea under the curve (95 % CI, Hanley–McNeil)",
        )  # fmt: skip
    return with_fixed_layout(figure)


def _roc_label(row: Mapping[str, Any]) -> str:
    name = f"{row['predictor']} ({row['n_positive']}, {row['n_negative']}):"
    if name.startswith("_"):
        name = f" {name}"  # matplotlib before 3.10 leaves names that begin with _ out of a legend
    if math.isnan(row["auc"]):
        return textwrap.fill(f"{name} no curve", _LETTERS)
    # The numbers of the interval stay together on one line.
    area = f"{row['auc']:.3f} ({row['ci_low']:.3f}–{row['ci_high']:.3f})"
    text = textwrap.fill(f"{name} {area.replace(' ', chr(160))}", _LETTERS).replace(chr(160), " ")
    if math.isnan(row["cutoff"]):
        return f"{text}\nno cut-off"
    sign = "≤" if row["direction"] == "lower" else "≥"
    shares = f"sens. {100 * row['sensitivity']:.1f} %, spec. {100 * row['specificity']:.1f} %"
    return f"{text}\npositive if {sign} {signed(row['cutoff'], '.4g')}: {shares}"
