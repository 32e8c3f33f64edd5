"""Calibration of predicted probabilities."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mriparaspinal.present.style import (
    COLUMN_MM,
    GREY,
    PaperFigure,
    colour,
    new_figure,
    style,
    with_fixed_layout,
    write_no_data,
)
from mriparaspinal.present.words import signed
from mriparaspinal.stats.assess import Assessment


@style()
def calibration_figure(result: Assessment) -> PaperFigure:
    """Observed shares of groups with Wilson's intervals, and the line that is expected in new patients.

    The line is logit(observed) = intercept + slope · logit(predicted), both corrected for optimism, over the
    range of the groups.
    """
    figure = new_figure(COLUMN_MM, COLUMN_MM + 8, "constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=(0, (2, 2)))
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="predicted probability", ylabel="observed share")
    groups = result.calibration
    if groups.empty:
        write_no_data(axes, "no model")
        return with_fixed_layout(figure)
    figure.drawn += [{"drawn": "group", **row} for row in groups.to_dict("records")]
    observed = groups["observed"].to_numpy(dtype=float)
    reach = np.array([observed - groups["ci_low"], groups["ci_high"] - observed], dtype=float)
    axes.errorbar(
        groups["predicted"], observed, yerr=np.maximum(reach, 0), fmt="o", color=colour(0), markersize=4,
        linewidth=0.8, clip_on=False, label="groups of these patients (95 % CI, Wilson)",
    )  # fmt: skip
    intercept, slope = (
        _corrected(result.validation, f"calibration_{name}") for name in ("intercept", "slope")
    )
    if not math.isnan(slope):
        figure.drawn.append({"drawn": "line", "intercept": intercept, "slope": slope})
        told = signed(slope, ".2f"), signed(intercept, ".2f")
        inner = np.clip(groups["predicted"].to_numpy(dtype=float), 0.001, 0.999)
        ends = np.log(inner / (1 - inner))
        logits = np.linspace(float(ends.min()), float(ends.max()), 101)
        axes.plot(
            1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-(intercept + slope * logits))), color=colour(4),
            linewidth=1.3, label=f"expected in new patients: slope {told[0]}, intercept {told[1]}",
        )  # fmt: skip
    figure.legend(loc="outside lower left", alignment="left")
    return with_fixed_layout(figure)


def _corrected(validation: pd.DataFrame, measure: str) -> float:
    return float(validation.set_index("measure")["corrected"][measure])
