"""``mriparaspinal roc``."""

from __future__ import annotations

from pathlib import Path

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.steps import end, write_analysis


@opt.command
@click.argument(
    "table", type=opt.PATH, metavar="TABLE", help="Any CSV, one row per participant, or a folder of results."
)
@click.option("--outcome", required=True, metavar="COL", help="Column that tells who is positive.")
@click.option("--positive", required=True, metavar="VALUE", help="Its value of the positives.")
@opt.predictors
@opt.out_folder
@click.option("--negative", metavar="VALUE", help="Its value of the negatives [default: all others].")
@click.option(
    "--lower-is-positive",
    multiple=True,
    metavar="COL",
    help="Predictor that is low in positives, as rCSA is in ALS (repeat).",
)
@click.option("--combine", is_flag=True, help="Also all predictors together, by logistic regression.")
@click.option(
    "--role",
    type=click.Choice(["symptomatic", "contralateral", "bilateral"]),
    help="Which side of the results [default: symptomatic].",
)
@opt.participants_of_results
@opt.joined
@opt.quiet
@opt.verbose
def roc(
    table: Path,
    outcome: str,
    positive: str,
    predictor: tuple[str, ...],
    out: Path,
    negative: str | None,
    lower_is_positive: tuple[str, ...],
    combine: bool,
    role: str | None,
    participants: Path | None,
    join: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
) -> None:
    """Tell two groups apart by a cut-off: areas under the ROC curve, with intervals.

    Writes roc.csv, roc_points.csv, roc_differences.csv (of two predictors or more), the figure, and
    notes.txt. The columns of a folder of results are called METRIC_SEGMENT_MUSCLE, such as rcsa_L4_MF.

    \b
    Example:
      mriparaspinal roc scores.csv --outcome group --positive ALS --predictor max_score --out roc
      mriparaspinal roc results --outcome group --positive ALS --predictor fi_L4_MF --out roc_fi
    """
    from mriparaspinal.analysis.inputs import join_tables, open_wide
    from mriparaspinal.analysis.roc import discriminate

    cohort = join_tables(open_wide(table, participants, role), join)
    say_problems(cohort.problems, quiet, verbose)
    found = discriminate(cohort, outcome, positive, predictor, negative, lower_is_positive, combine)
    write_analysis(found, out, (table, participants, *join), quiet, cohort.sources)
    single = found.table[: len(predictor)]  # without the combination, whose area is optimistic
    best = single.loc[single["auc"].idxmax()]
    say(
        f"made {counted(int(found.table['auc'].notna().sum()), 'ROC curve')} into {out}; largest area "
        f"{best['auc']:.3f} ({best['ci_low']:.3f}–{best['ci_high']:.3f}): {best['predictor']}",
        quiet,
    )
    end(cohort.problems)
