"""``mriparaspinal regress``."""

from __future__ import annotations

from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.outputs import end, write_analysis


def regress(
    out: opt.OutFolder,
    predictor: opt.Predictors,
    results: opt.OptionalResults = None,
    covariate: opt.Covariates = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            "--outcome",
            metavar="COL",
            help="Column to explain (repeat) [default: fi and rcsa; of a table all numbers].",
        ),
    ] = None,
    group: opt.Group = None,
    role: opt.Roles = None,
    hc3: Annotated[
        bool, typer.Option("--hc3", help="Standard errors that allow for unequal variances (HC3).")
    ] = False,
    participants: opt.ParticipantsOfResults = None,
    table: opt.TableFile = None,
    join: opt.Joined = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Explain the muscles by clinical variables, or any column by others: linear regression.

    Writes regressions.csv, one row per term of each model, and notes.txt with the settings and all that
    was left out.

    \b
    Example:
      mriparaspinal regress results --predictor group --covariate age --covariate sex --out models
      mriparaspinal regress --table brain.csv --outcome mrc_sum --predictor fa_cst --covariate age --out b
    """
    from mriparaspinal.analysis import open_either
    from mriparaspinal.associations import regress_cohort
    from mriparaspinal.joining import join_tables

    cohort = join_tables(open_either(results, table, participants), join or [])
    say_problems(cohort.problems, quiet, verbose)
    found = regress_cohort(cohort, predictor, covariate or [], outcome or [], role or [], group, hc3)
    write_analysis(found, out, (results, table, participants, *(join or [])), quiet)
    models = found.table.drop_duplicates(["segment", "muscle", "metric", "role", "outcome"])
    say(
        f"fitted {counted(int(models['r2'].notna().sum()), 'model')} of {len(models)} into {out}; "
        f"{(models['model_p'] < 0.05).sum()} with p < 0.05 for the model",
        quiet,
    )
    end(cohort.problems)
