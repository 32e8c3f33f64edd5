"""``mriparaspinal plan``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.cli.summary import print_json
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What the next study is to reach; the fields are those of ``stats.power.Target``."""

    power: Annotated[float, opt.option("--power", "Power that is wanted [default: 0.8].", "X")] = 0.8
    alpha: Annotated[float, opt.option("--alpha", "Two-sided level [default: 0.05].", "X")] = 0.05
    tests: Annotated[
        int, opt.option("--tests", "Tests that share it, after Bonferroni [default: 1].", "N", min=1)
    ] = 1
    ratio: Annotated[
        float, opt.option("--ratio", "Participants of arm b for each of arm a [default: 1].", "X")
    ] = 1.0
    difference: Annotated[
        float | None,
        opt.option("--difference", "Difference to detect, in the metric's unit [default: observed].", "X"),
    ] = None
    effect_size: Annotated[
        float | None, opt.option("--effect-size", "The same in SD [default: observed].", "X")
    ] = None
    icc: Annotated[float | None, opt.option("--icc", "ICC that is expected.", "X")] = None
    icc_null: Annotated[
        float | None, opt.option("--icc-null", "ICC that it has to be shown to exceed.", "X")
    ] = None
    icc_width: Annotated[
        float | None, opt.option("--icc-width", "Width that its 95 % interval is to have.", "X")
    ] = None
    raters: Annotated[int, opt.option("--raters", "Readings of each target [default: 2].", "N", min=2)] = 2
    auc: Annotated[float | None, opt.option("--auc", "Area under the curve that is expected.", "X")] = None
    auc_null: Annotated[
        float, opt.option("--auc-null", "Area that it has to differ from [default: 0.5].", "X")
    ] = 0.5
    auc_width: Annotated[
        float | None, opt.option("--auc-width", "Width that its 95 % interval is to have.", "X")
    ] = None
    seed: Annotated[int, opt.option("--seed", "Of the simulated mixed models [default: 1].", "N", min=0)] = 1


@opt.command
def plan(
    *,
    out: opt.Out,
    study: opt.Study,
    contrast: opt.Contrasts = (),
    metric: Annotated[
        tuple[str, ...], opt.option("--metric", "Column to plan for (repeat) [default: fi and rcsa].", "COL")
    ] = (),
    role: opt.Roles = (),
    aim: Aim,
    figures: opt.Figures,
    as_json: opt.AsJson = False,
) -> None:
    """Say how many participants the next study needs, from the spread of this one.

    Writes plan.csv, plan_curve.csv with a figure for each contrast and metric, and notes.txt; for --icc and
    --auc plan_icc_auc.csv, for which no RESULTS are needed.

    \b
    Example:
      mriparaspinal plan results --contrast group:ALS-LR --metric fi --difference 0.05 --tests 15 --out plan
      mriparaspinal plan --icc 0.9 --icc-width 0.1 --raters 3 --auc 0.8 --out plan
    """
    import mriparaspinal as api
    from mriparaspinal.stats.power import Target

    how = figures.how
    alone = study.results is None and study.table is None and not (aim.icc is None and aim.auc is None)
    found = api.plan(
        None if alone else study.data,
        contrasts=contrast,
        metrics=metric,
        roles=role,  # type: ignore[arg-type]
        target=Target(**vars(aim)),
        participants=study.participants,
        join=study.join,
    )
    save(found, out, how)
    sizes = found.table["needed_a"].notna()
    say(f"planned {count_of(int(sizes.sum()), 'size')} of {len(found.table)} into {out}")
    if as_json:
        print_json({"command": "plan", "rows": len(found.table), "sizes": int(sizes.sum())})
    end(found.problem_list)
