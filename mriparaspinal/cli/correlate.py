"""``mriparaspinal correlate``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.outputs import end, write_analysis


class Method(StrEnum):
    """Which correlation."""

    pearson = "pearson"
    spearman = "spearman"


def correlate(
    out: opt.OutFolder,
    score: Annotated[
        list[str],
        typer.Option("--score", metavar="COL", help="Clinical score (repeat).", show_default=False),
    ],
    results: opt.OptionalResults = None,
    covariate: opt.Covariates = None,
    group: opt.Group = None,
    role: opt.Roles = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="COL",
            help="Column to correlate (repeat) [default: fi and rcsa; of a table all numbers].",
        ),
    ] = None,
    method: Annotated[Method, typer.Option("--method", help="Of values, or of ranks.")] = Method.pearson,
    participants: opt.ParticipantsOfResults = None,
    table: opt.TableFile = None,
    join: opt.Joined = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Correlate the muscles with a clinical score, other variables held constant.

    Writes correlations.csv, the paper's Table 4 (CSV, Markdown, XLSX), scatter plots of the residuals,
    and notes.txt with the settings and all that was left out.

    \b
    Example:
      mriparaspinal correlate results --score alsfrs_lower --covariate age --covariate bmi --group ALS --out r
      mriparaspinal correlate --table clinic.csv --score alsfrs_r --covariate age --out clinic
    """
    from mriparaspinal.analysis import open_either
    from mriparaspinal.associations import correlate_cohort
    from mriparaspinal.joining import join_tables

    cohort = join_tables(open_either(results, table, participants), join or [])
    say_problems(cohort.problems, quiet, verbose)
    found = correlate_cohort(cohort, score, covariate or [], metric or [], role or [], group, method.value)
    write_analysis(found, out, (results, table, participants, *(join or [])), quiet)
    p, adjusted = found.table["p"], found.table["p_adjusted"]
    say(
        f"made {counted(int(p.notna().sum()), 'correlation')} of {len(p)} into {out}; "
        f"{(p < 0.05).sum()} with p < 0.05, {(adjusted < 0.05).sum()} with adjusted p < 0.05",
        quiet,
    )
    end(cohort.problems)
