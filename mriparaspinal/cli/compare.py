"""``mriparaspinal compare``."""

from __future__ import annotations

from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say_problems
from mriparaspinal.cli.steps import compare_step, end
from mriparaspinal.cli.summary import compared_summary, print_json


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
    as_json: opt.AsJson = False,
    ui: opt.Ui,
) -> None:
    """Compare sides within groups, and groups with each other.

    Writes comparisons.csv, the paper's tables and figures, and notes.txt with all that was left out.

    \b
    Example:
      mriparaspinal compare results --participants participants.csv --out comparison
      mriparaspinal compare results --contrast "group:ALS[onset_region=lower]-LR" --out lower
    """
    from mriparaspinal.analysis.compare import columns_named
    from mriparaspinal.analysis.inputs import join_tables, open_either

    # What is joined is held against all columns.
    named = None if study.join else columns_named(contrast, metric, divide_by)
    cohort = join_tables(open_either(study.results, study.table, study.participants, named), study.join)
    say_problems(cohort.problems, ui.quiet, ui.verbose)
    compared = compare_step(cohort, out, study.paths, ui.quiet, contrast, metric, normality, divide_by)
    if as_json:
        print_json({"command": "compare", **compared_summary(compared)})
    end(cohort.problems)
