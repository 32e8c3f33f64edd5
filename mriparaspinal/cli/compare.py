"""``mriparaspinal compare``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say_problems
from mriparaspinal.cli.outputs import end
from mriparaspinal.cli.steps import compare_step


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

    cohort = open_either(results, table, participants)
    say_problems(cohort.problems, quiet, verbose)
    inputs = (results, table, participants)
    compare_step(cohort, out, inputs, quiet, contrast, metric, normality and normality.value, divide_by)
    end(cohort.problems)
