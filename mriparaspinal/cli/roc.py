"""``mriparaspinal roc``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Positives:
    """Who is positive."""

    outcome: Annotated[str, opt.option("--outcome", "Column that says who is positive.", "COL")]
    positive: Annotated[str, opt.option("--positive", "Its value of the positives.", "VALUE")]
    negative: Annotated[
        str | None, opt.option("--negative", "Its value of the negatives [default: all others].", "VALUE")
    ] = None


@opt.command
def roc(
    *,
    table: Annotated[Path, opt.argument("Any CSV, one row per participant, or a folder of results.")],
    who: Positives,
    predictor: opt.Predictors,
    out: opt.Out,
    lower_is_positive: Annotated[
        tuple[str, ...],
        opt.option(
            "--lower-is-positive", "Predictor that is low in positives, as rCSA is in ALS (repeat).", "COL"
        ),
    ] = (),
    combine: Annotated[
        bool, opt.option("--combine", "Also all predictors together, by logistic regression.")
    ] = False,
    role: Annotated[
        opt.Role | None, opt.option("--role", "Which side of the results [default: symptomatic].")
    ] = None,
    people: opt.AtSession,
    join: opt.Join = (),
    figures: opt.Figures,
) -> None:
    """Separate two groups by a cut-off: areas under the ROC curve, with intervals.

    Writes roc.csv, roc_points.csv, roc_differences.csv (of two predictors or more), the figure, and
    notes.txt. The columns of a folder of results are called METRIC_SEGMENT_MUSCLE, such as rcsa_L4_MF.

    \b
    Example:
      mriparaspinal roc scores.csv --outcome group --positive ALS --predictor max_score --out roc
      mriparaspinal roc results --outcome group --positive ALS --predictor fi_L4_MF --out roc_fi
    """
    import mriparaspinal as api

    how = figures.how
    found = api.roc(
        opt.at_session(table, people.session),
        predictors=predictor,
        **vars(who),
        lower_is_positive=lower_is_positive,
        combine=combine,
        role=role,
        participants=people.participants,
        join=join,
    )
    save(found, out, how)
    single = found.table[: len(predictor)]  # without the combination, whose area is optimistic
    best = single.loc[single["auc"].idxmax()]
    say(
        f"made {count_of(int(found.table['auc'].notna().sum()), 'ROC curve')} into {out}; largest area "
        f"{best['auc']:.3f} ({best['ci_low']:.3f}–{best['ci_high']:.3f}): {best['predictor']}"
    )
    end(found.problem_list)
