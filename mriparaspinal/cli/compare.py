"""``mriparaspinal compare``."""

from __future__ import annotations

from typing import Annotated, Literal

from mriparaspinal.analysis.counts import compared_summary
from mriparaspinal.cli import options as opt
from mriparaspinal.cli.steps import end, save, say_compared
from mriparaspinal.cli.summary import compared_rows, print_json, show


@opt.command
def compare(
    *,
    out: opt.Out,
    study: opt.Study,
    contrast: Annotated[
        tuple[str, ...],
        opt.option("--contrast", "side:ALS, group:ALS-LR, … (repeat) [default: the paper's].", "TEXT"),
    ] = (),
    metric: Annotated[
        tuple[str, ...], opt.option("--metric", "Column to compare (repeat) [default: fi and rcsa].", "COL")
    ] = (),
    divide_by: Annotated[
        str | None, opt.option("--divide-by", "Divide each metric by this column first.", "COL")
    ] = None,
    normality: Annotated[
        Literal["lilliefors", "shapiro"] | None,
        opt.option("--normality", "Test of normality [default: lilliefors]."),
    ] = None,
    missing: Annotated[
        bool, opt.option("--missing", "Also what is missing, by group, level, muscle and side.")
    ] = False,
    figures: opt.Figures,
    as_json: opt.AsJson = False,
) -> None:
    """Compare sides within groups, and groups with each other.

    Writes comparisons.csv, the paper's tables and figures (each with its data), and notes.txt with all that
    was left out.

    \b
    Example:
      mriparaspinal compare results --participants participants.csv --out comparison
      mriparaspinal compare results --contrast "group:ALS[onset_region=lower]-LR" --out lower
      mriparaspinal compare results --out print --figure-format pdf --figure-format tiff --style lab.mplstyle
    """
    import mriparaspinal as api

    how = figures.how
    found = api.compare(
        study.data,
        contrasts=contrast,
        metrics=metric,
        divide_by=divide_by,
        normality=normality,
        missing=missing,
        participants=study.participants,
        join=study.join,
    )
    save(found, out, how)
    show(compared_rows(compared_summary(found)))
    say_compared(found, out)
    if as_json:
        print_json({"command": "compare", **compared_summary(found)})
    end(found.problem_list)
