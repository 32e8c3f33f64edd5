"""``mriparaspinal regress``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Further:
    """How the models are fitted."""

    cluster: opt.Cluster = None
    hc3: Annotated[bool, opt.option("--hc3", "Standard errors that allow for unequal variances (HC3).")] = (
        False
    )
    each: Annotated[
        bool, opt.option("--each", "A model of its own for each predictor, and a printed matrix of them.")
    ] = False
    impute: Annotated[
        int | None,
        opt.option(
            "--impute", "Impute missing predictors N times, such as 20, and pool [default: do not].", "N"
        ),
    ] = None
    seed: Annotated[int, opt.option("--seed", "Of the imputations [default: 1].", "N", min=0)] = 1


@opt.command
def regress(
    *,
    out: opt.Out,
    predictor: opt.Predictors,
    study: opt.Study,
    covariate: opt.Covariates = (),
    outcome: Annotated[
        tuple[str, ...],
        opt.option(
            "--outcome", "Column to explain (repeat) [default: fi and rcsa; of a table all numbers].", "COL"
        ),
    ] = (),
    group: opt.Group = None,
    role: opt.Roles = (),
    further: Further,
) -> None:
    """Linear regression of the muscles on clinical variables, or of any column on others.

    Writes regressions.csv, one row per term of each model, and notes.txt with the settings and all that
    was left out; with --each also the matrix table_regressions (Markdown, CSV, Excel).

    \b
    Example:
      mriparaspinal regress results --predictor group --covariate age --covariate sex --out models
      mriparaspinal regress --table brain.csv --outcome mrc_sum --predictor fa_cst --covariate age --out b
      mriparaspinal regress --table brain.csv --predictor fa_cst --predictor fa_striatum --each --out matrix
    """
    import mriparaspinal as api

    found = api.regress(
        study.data,
        predictor,
        covariates=covariate,
        outcomes=outcome,
        roles=role,
        group=group,
        **vars(further),
        participants=study.participants,
        join=study.join,
    )
    save(found, out)
    keys = ("segment", "muscle", "metric", "role", "outcome", "predictor")
    models = found.table.drop_duplicates([key for key in keys if key in found.table])
    say(
        f"fitted {count_of(int(models['r2'].notna().sum()), 'model')} of {len(models)} into {out}; "
        + (
            "pooled, without a test of the model"
            if further.impute
            else f"{(models['model_p'] < 0.05).sum()} with p < 0.05 for the model"
        )
    )
    end(found.problem_list)
