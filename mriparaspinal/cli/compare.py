"""``mriparaspinal compare``."""

from __future__ import annotations

from pathlib import Path

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say_problems
from mriparaspinal.cli.steps import compare_step, end
from mriparaspinal.cli.summary import compared_summary, print_json


@opt.command
@opt.out_folder
@opt.optional_results
@opt.participants_of_results
@click.option(
    "--contrast",
    multiple=True,
    metavar="TEXT",
    help="side:ALS, group:ALS-LR, … (repeat) [default: the paper's].",
)
@click.option(
    "--metric", multiple=True, metavar="COL", help="Column to compare (repeat) [default: fi and rcsa]."
)
@click.option("--divide-by", metavar="COL", help="Divide each metric by this column first.")
@click.option(
    "--normality",
    type=click.Choice(["lilliefors", "shapiro"]),
    help="Test of normality [default: lilliefors].",
)
@opt.table_file
@opt.joined
@opt.as_json
@opt.quiet
@opt.verbose
def compare(
    out: Path,
    results: Path | None,
    participants: Path | None,
    contrast: tuple[str, ...],
    metric: tuple[str, ...],
    divide_by: str | None,
    normality: str | None,
    table: Path | None,
    join: tuple[Path, ...],
    json_: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare sides within groups, and groups with each other.

    Writes comparisons.csv, the paper's tables and figures, and notes.txt with all that was left out.

    \b
    Example:
      mriparaspinal compare results --participants participants.csv --out comparison
      mriparaspinal compare results --contrast "group:ALS[onset_region=lower]-LR" --out lower
    """
    from mriparaspinal.analysis.inputs import join_tables, open_either

    cohort = join_tables(open_either(results, table, participants), join)
    say_problems(cohort.problems, quiet, verbose)
    inputs = (results, table, participants, *join)
    compared = compare_step(cohort, out, inputs, quiet, contrast, metric, normality, divide_by)
    if json_:
        print_json({"command": "compare", **compared_summary(compared)})
    end(cohort.problems)
