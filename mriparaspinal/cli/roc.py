"""``mriparaspinal roc``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Positives:
    """Who is positive."""

    outcome: Annotated[str, opt.option("--outcome", "Column that says who is positive.", "COL")]
    positive: Annotated[str, opt.option("--positive", "Its value of the positives.", "VALUE")]
    negative: Annotated[
        str | None, opt.option("--negative", "Its value of the negatives [default: all others].", "VALUE")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Further:
    """What is reported beside the curves of the predictors."""

    combine: Annotated[
        bool, opt.option("--combine", "Also all predictors together, by logistic regression.")
    ] = False
    validate: Annotated[
        bool,
        opt.option("--validate", "A logistic model of all predictors, as it would do in new patients."),
    ] = False
    specificity: Annotated[
        tuple[float, ...],
        opt.option("--specificity", "Also the sensitivity at this specificity (repeat).", "X", min=0, max=1),
    ] = ()
    sensitivity: Annotated[
        tuple[float, ...],
        opt.option("--sensitivity", "Also the specificity at this sensitivity (repeat).", "X", min=0, max=1),
    ] = ()
    partial_auc: Annotated[
        str | None,
        opt.option(
            "--partial-auc",
            "Also the area within these specificities, such as 0.8-1; or sensitivity:0.8-1.",
            "LOW-HIGH",
        ),
    ] = None
    bootstrap: Annotated[
        int | None,
        opt.option(
            "--bootstrap",
            "Resamples of --validate and --partial-auc [default: 2000].",
            "N",
            min=100,
            max=100_000,
        ),
    ] = None
    seed: Annotated[int | None, opt.option("--seed", "Seed of the resamples [default: 1].", "N", min=0)] = (
        None
    )


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
    further: Further,
    role: Annotated[
        opt.Role | None, opt.option("--role", "Which side of the results [default: symptomatic].")
    ] = None,
    people: opt.AtSession,
    join: opt.Join = (),
    figures: opt.Figures,
) -> None:
    """Separate two groups by a cut-off: areas under the ROC curve, with intervals.

    Writes roc.csv, roc_points.csv, roc_differences.csv (of two predictors or more), the figure, and
    notes.txt; --validate, --specificity, --sensitivity and --partial-auc add tables: see docs/roc.md. The
    columns of a folder of results are called METRIC_SEGMENT_MUSCLE, such as rcsa_L4_MF.

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
        role=role,
        participants=people.participants,
        join=join,
        **vars(further),
    )
    save(found, out, how)
    single = found.table[: len(predictor)]  # without the combination, whose area is optimistic
    best = single.loc[single["auc"].idxmax()]
    say(
        f"made {count_of(int(found.table['auc'].notna().sum()), 'ROC curve')} into {out}; largest area "
        f"{best['auc']:.3f} ({best['ci_low']:.3f}–{best['ci_high']:.3f}): {best['predictor']}"
    )
    if further.validate:
        say_expected(found.tables["roc_validation"], len(predictor))
    end(found.problem_list)


def say_expected(validation: pd.DataFrame, predictors: int) -> None:
    """Say what is expected of the model in new patients, where there is one, and where it is hardly known."""
    from mriparaspinal.stats.assess import is_small

    for row in validation[validation["measure"] == "auc"].dropna(subset=["corrected"]).to_dict("records"):
        known = row["ci_low"] == row["ci_low"]
        interval = f"({row['ci_low']:.3f}–{row['ci_high']:.3f})" if known else "(no interval)"
        few = is_small(row["n_positive"], row["n_negative"], predictors)
        said = f"model of all predictors: area {row['apparent']:.3f}, expected in new patients"
        say(
            f"{said} {row['corrected']:.3f} {interval}{'; too few participants to rely on it' if few else ''}"
        )
