"""``mriparaspinal compare``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say_problems
from mriparaspinal.cli.outputs import end
from mriparaspinal.cli.steps import compare_step
from mriparaspinal.cli.summary import compared_summary, print_json


class Normality(StrEnum):
    """The test that decides between parametric and rank tests."""

    lilliefors = "lilliefors"
    shapiro = "shapiro"


def compare(
    out: opt.OutFolder,
    results: opt.OptionalResults = None,
    participants: opt.ParticipantsOfResults = None,
    contrast: Annotated[
        list[str] | None,
        typer.Option(
            "--contrast", metavar="TEXT", help="side:ALS, group:ALS-LR, … (repeat) [default: the paper's]."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="COL", help="Column to compare (repeat) [default: fi and rcsa]."),
    ] = None,
    divide_by: Annotated[
        str | None,
        typer.Option("--divide-by", metavar="COL", help="Divide each metric by this column first."),
    ] = None,
    normality: Annotated[
        Normality | None, typer.Option("--normality", help="Test of normality [default: lilliefors].")
    ] = None,
    table: opt.TableFile = None,
    join: opt.Joined = None,
    json_: opt.AsJson = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Compare sides within groups, and groups with each other.

    Writes comparisons.csv, the paper's tables and figures, and notes.txt with all that was left out.

    \b
    Example:
      mriparaspinal compare results --participants participants.csv --out comparison
      mriparaspinal compare results --contrast "group:ALS[onset_region=lower]-LR" --out lower
    """
    from mriparaspinal.analysis import open_either
    from mriparaspinal.joining import join_tables

    cohort = join_tables(open_either(results, table, participants), join or [])
    say_problems(cohort.problems, quiet, verbose)
    inputs = (results, table, participants, *(join or []))
    judged_by = normality and normality.value
    compared = compare_step(cohort, out, inputs, quiet, contrast, metric, judged_by, divide_by)
    if json_:
        print_json({"command": "compare", **compared_summary(compared)})
    end(cohort.problems)
