"""``mriparaspinal roc``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.outputs import end, write_analysis


def roc(
    table: Annotated[
        Path,
        typer.Argument(
            help="Any CSV, one row per participant, or a folder of results.",
            metavar="TABLE",
            show_default=False,
        ),
    ],
    outcome: Annotated[
        str,
        typer.Option(
            "--outcome", metavar="COL", help="Column that tells who is positive.", show_default=False
        ),
    ],
    positive: Annotated[
        str,
        typer.Option("--positive", metavar="VALUE", help="Its value of the positives.", show_default=False),
    ],
    predictor: opt.Predictors,
    out: opt.OutFolder,
    negative: Annotated[
        str | None,
        typer.Option("--negative", metavar="VALUE", help="Its value of the negatives [default: all others]."),
    ] = None,
    lower_is_positive: Annotated[
        list[str] | None,
        typer.Option(
            "--lower-is-positive",
            metavar="COL",
            help="Predictor that is low in positives, as rCSA is in ALS (repeat).",
        ),
    ] = None,
    combine: Annotated[
        bool, typer.Option("--combine", help="Also all predictors together, by logistic regression.")
    ] = False,
    role: Annotated[
        opt.RoleName | None,
        typer.Option("--role", help="Which side of the results [default: symptomatic]."),
    ] = None,
    participants: opt.ParticipantsOfResults = None,
    join: opt.Joined = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Tell two groups apart by a cut-off: areas under the ROC curve, with intervals.

    Writes roc.csv, roc_points.csv, roc_differences.csv (of two predictors or more), the figure, and
    notes.txt. The columns of a folder of results are called METRIC_SEGMENT_MUSCLE, such as rcsa_L4_MF.

    \b
    Example:
      mriparaspinal roc scores.csv --outcome group --positive ALS --predictor max_score --out roc
      mriparaspinal roc results --outcome group --positive ALS --predictor fi_L4_MF --out roc_fi
    """
    from mriparaspinal.discrimination import discriminate, open_wide
    from mriparaspinal.joining import join_tables

    cohort = join_tables(open_wide(table, participants, role.value if role else None), join or [])
    say_problems(cohort.problems, quiet, verbose)
    found = discriminate(cohort, outcome, positive, predictor, negative, lower_is_positive or [], combine)
    write_analysis(found, out, (table, participants, *(join or [])), quiet)
    single = found.table[: len(predictor)]  # without the combination, whose area is optimistic
    best = single.loc[single["auc"].idxmax()]
    say(
        f"made {counted(int(found.table['auc'].notna().sum()), 'ROC curve')} into {out}; largest area "
        f"{best['auc']:.3f} ({best['ci_low']:.3f}–{best['ci_high']:.3f}): {best['predictor']}",
        quiet,
    )
    end(cohort.problems)
