"""``mriparaspinal correlate``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.steps import end, write_analysis


@opt.command
@opt.out_folder
@click.option("--score", multiple=True, required=True, metavar="COL", help="Clinical score (repeat).")
@opt.optional_results
@opt.covariates
@opt.group
@opt.roles
@click.option(
    "--metric",
    multiple=True,
    metavar="COL",
    help="Column to correlate (repeat) [default: fi and rcsa; of a table all numbers].",
)
@click.option(
    "--method",
    type=click.Choice(["pearson", "spearman"]),
    default="pearson",
    show_default=True,
    help="Of values, or of ranks.",
)
@opt.participants_of_results
@opt.table_file
@opt.joined
@opt.quiet
@opt.verbose
def correlate(
    out: Path,
    score: tuple[str, ...],
    results: Path | None,
    covariate: tuple[str, ...],
    group: str | None,
    role: tuple[str, ...],
    metric: tuple[str, ...],
    method: Literal["pearson", "spearman"],
    participants: Path | None,
    table: Path | None,
    join: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
) -> None:
    """Correlate the muscles with a clinical score, other variables held constant.

    Writes correlations.csv, the paper's Table 4 (CSV, Markdown, XLSX), scatter plots of the residuals,
    and notes.txt with the settings and all that was left out.

    \b
    Example:
      mriparaspinal correlate results --score alsfrs_lower --covariate age --covariate bmi --group ALS --out r
      mriparaspinal correlate --table clinic.csv --score alsfrs_r --covariate age --out clinic
    """
    from mriparaspinal.analysis.correlate import correlate_cohort
    from mriparaspinal.analysis.inputs import join_tables, open_either

    cohort = join_tables(open_either(results, table, participants), join)
    say_problems(cohort.problems, quiet, verbose)
    found = correlate_cohort(cohort, score, covariate, metric, role, group, method)
    write_analysis(found, out, (results, table, participants, *join), quiet, cohort.sources)
    p, adjusted = found.table["p"], found.table["p_adjusted"]
    say(
        f"made {counted(int(p.notna().sum()), 'correlation')} of {len(p)} into {out}; "
        f"{(p < 0.05).sum()} with p < 0.05, {(adjusted < 0.05).sum()} with adjusted p < 0.05",
        quiet,
    )
    end(cohort.problems)
