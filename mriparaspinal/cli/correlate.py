"""``mriparaspinal correlate``."""

from __future__ import annotations

from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.core.text import count_of


@opt.command
def correlate(
    *,
    out: opt.Out,
    score: Annotated[tuple[str, ...], opt.option("--score", "Clinical score (repeat).", "COL")],
    study: opt.Study,
    covariate: opt.Covariates = (),
    group: opt.Group = None,
    role: opt.Roles = (),
    cluster: opt.Cluster = None,
    metric: Annotated[
        tuple[str, ...],
        opt.option(
            "--metric", "Column to correlate (repeat) [default: fi and rcsa; of a table all numbers].", "COL"
        ),
    ] = (),
    method: Annotated[
        Literal["pearson", "spearman"], opt.option("--method", "Of values, or of ranks.", show_default=True)
    ] = "pearson",
    figures: opt.Figures,
) -> None:
    """Correlate the muscles with a clinical score, controlling for covariates.

    Writes correlations.csv, the paper's Table 4 (CSV, Markdown, XLSX), scatter plots of the residuals,
    and notes.txt with the settings and all that was left out.

    \b
    Example:
      mriparaspinal correlate results --score alsfrs_lower --covariate age --covariate bmi --group ALS --out r
      mriparaspinal correlate --table clinic.csv --score alsfrs_r --covariate age --out clinic
    """
    import mriparaspinal as api

    how = figures.how
    found = api.correlate(
        study.data,
        score,
        covariates=covariate,
        metrics=metric,
        roles=role,
        group=group,
        method=method,
        cluster=cluster,
        participants=study.participants,
        join=study.join,
    )
    save(found, out, how)
    p, adjusted = found.table["p"], found.table["p_adjusted"]
    say(
        f"made {count_of(int(p.notna().sum()), 'correlation')} of {len(p)} into {out}; "
        f"{(p < 0.05).sum()} with p < 0.05, {(adjusted < 0.05).sum()} with adjusted p < 0.05"
    )
    end(found.problem_list)
