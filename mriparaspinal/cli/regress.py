"""``mriparaspinal regress``."""

from __future__ import annotations

from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_problems
from mriparaspinal.cli.steps import end, write_analysis


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
    hc3: Annotated[
        bool, opt.option("--hc3", "Standard errors that allow for unequal variances (HC3).")
    ] = False,
    ui: opt.Ui,
) -> None:
    """Linear regression of the muscles on clinical variables, or of any column on others.

    Writes regressions.csv, one row per term of each model, and notes.txt with the settings and all that
    was left out.

    \b
    Example:
      mriparaspinal regress results --predictor group --covariate age --covariate sex --out models
      mriparaspinal regress --table brain.csv --outcome mrc_sum --predictor fa_cst --covariate age --out b
    """
    from mriparaspinal.analysis.inputs import join_tables, open_either
    from mriparaspinal.analysis.regress import regress_cohort

    cohort = join_tables(open_either(study.results, study.table, study.participants), study.join)
    say_problems(cohort.problems, ui.quiet, ui.verbose)
    found = regress_cohort(cohort, predictor, covariate, outcome, role, group, hc3)
    write_analysis(found, out, study.paths, ui.quiet, cohort.sources)
    models = found.table.drop_duplicates(["segment", "muscle", "metric", "role", "outcome"])
    say(
        f"fitted {counted(int(models['r2'].notna().sum()), 'model')} of {len(models)} into {out}; "
        f"{(models['model_p'] < 0.05).sum()} with p < 0.05 for the model",
        ui.quiet,
    )
    end(cohort.problems)
