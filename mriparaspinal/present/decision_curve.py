"""Decision curves."""

from __future__ import annotations

from mriparaspinal.present.style import (
    COLUMN_MM,
    DASHES,
    GREY,
    PaperFigure,
    colour,
    new_figure,
    style,
    with_fixed_layout,
    write_no_data,
)
from mriparaspinal.stats.assess import Assessment


@style()
def decision_figure(result: Assessment) -> PaperFigure:
    """Net benefit by threshold probability: of the model, of treating all, of treating nobody."""
    figure = new_figure(COLUMN_MM, COLUMN_MM + 8, "constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), xlabel="threshold probability", ylabel="net benefit")
    curves = result.decision
    if curves.empty:
        write_no_data(axes, "no model")
        return with_fixed_layout(figure)
    figure.drawn += curves.to_dict("records")
    series = (
        ("net_benefit_corrected", "model, corrected for optimism", colour(4), DASHES[0]),
        ("net_benefit", "model, in these patients", colour(0), DASHES[1]),
        ("treat_all", "all positive", GREY, DASHES[2]),
        ("treat_none", "none positive", "black", DASHES[3]),
    )
    for column, label, its_colour, dashes in series:
        axes.plot(
            curves["threshold"],
            curves[column],
            color=its_colour,
            linestyle=dashes,
            linewidth=1.3,
            label=label,
        )
    highest = float(curves[["net_benefit", "treat_all"]].to_numpy(dtype=float).max())
    # Treating all falls without end towards a threshold of 1.
    axes.set_ylim(-0.25 * highest, 1.1 * highest)
    figure.legend(loc="outside lower left", alignment="left", ncols=2)
    return with_fixed_layout(figure)
