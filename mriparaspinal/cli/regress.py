"""``mriparaspinal regress``."""

from __future__ import annotations

from pathlib import Path

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.steps import end, write_analysis


@opt.command
@opt.out_folder
@opt.predictors
@opt.optional_results
@opt.covariates
@click.option(
    "--outcome",
    multiple=True,
    metavar="COL",
    help="Column to explain (repeat) [default: fi and rcsa; of a table all numbers].",
)
@opt.group
@opt.roles
@click.option("--hc3", is_flag=True, help="Standard errors that allow for unequal variances (HC3).")
@opt.participants_of_results
@opt.table_file
@opt.joined
@opt.quiet
@opt.verbose
def regress(
    out: Path,
    predictor: tuple[str, ...],
    results: Path | None,
    covariate: tuple[str, ...],
    outcome: tuple[str, ...],
    group: str | None,
    role: tuple[str, ...],
    hc3: bool,
    participants: Path | None,
    table: Path | None,
    join: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
) -> None:
    """Explain the muscles by clinical variables, or any column by others: linear regression.

    Writes regressions.csv, one row per term of each model, and notes.txt with the settings and all that
    was left out.

    \b
    Example:
      mriparaspinal regress results --predictor group --covariate age --covariate sex --out models
      mriparaspinal regress --table brain.csv --outcome mrc_sum --predictor fa_cst --covariate age --out b
    """
    from mriparaspinal.analysis.inputs import join_tables, open_either
    from mriparaspinal.analysis.regress import regress_cohort

    cohort = join_tables(open_either(results, table, participants), join)
    say_problems(cohort.problems, quiet, verbose)
    found = regress_cohort(cohort, predictor, covariate, outcome, role, group, hc3)
    write_analysis(found, out, (results, table, participants, *join), quiet, cohort.sources)
    models = found.table.drop_duplicates(["segment", "muscle", "metric", "role", "outcome"])
    say(
        f"fitted {counted(int(models['r2'].notna().sum()), 'model')} of {len(models)} into {out}; "
        f"{(models['model_p'] < 0.05).sum()} with p < 0.05 for the model",
        quiet,
    )
    end(cohort.problems)
