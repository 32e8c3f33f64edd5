"""``mriparaspinal compare``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mriparaspinal.analysis.counts import compared_summary
from mriparaspinal.cli import options as opt
from mriparaspinal.cli.steps import end, save, say_compared
from mriparaspinal.cli.summary import compared_rows, print_json, show
from mriparaspinal.core.errors import UsageError


def _margin(text: str) -> tuple[str, float] | None:
    """METRIC=NUMBER such as fi=0.03"""
    from mriparaspinal.stats.on_request import read_margin

    return read_margin(text)


@dataclass(frozen=True, kw_only=True)
class Further:
    """What is added on request."""

    groups: Annotated[
        str | None,
        opt.option(
            "--groups",
            "Test all groups of this column at once, too [default: group, if it has three or more].",
            "COL",
        ),
    ] = None
    smd: Annotated[bool, opt.option("--smd", "Standardised mean differences in Table 1.")] = False
    missing: Annotated[
        bool, opt.option("--missing", "Also what is missing, by group, level, muscle and side.")
    ] = False
    margin: Annotated[  # Typer has no tuple of both
        tuple[Any, ...],
        opt.option(
            "--margin",
            "Test for equivalence within this margin of a metric, in its unit (repeat).",
            "METRIC=X",
            parser=_margin,
        ),
    ] = ()
    max_t: Annotated[
        int | None,
        opt.option("--max-t", "Adjust p by N max-T permutations, such as 10000, too [default: none].", "N"),
    ] = None
    seed: Annotated[int, opt.option("--seed", "Of the permutations [default: 1].", "N")] = 1

    @property
    def margins(self) -> dict[str, float]:
        """By metric; raises :class:`UsageError` for one that has two."""
        for metric, number in Counter(metric for metric, _ in self.margin).items():
            if number > 1:
                raise UsageError(
                    f"--margin: {metric} was found twice; expected one margin; leave the other out"
                )
        return dict(self.margin)


@opt.command
def compare(
    *,
    out: opt.Out,
    study: opt.Study,
    contrast: opt.Contrasts = (),
    metric: Annotated[
        tuple[str, ...], opt.option("--metric", "Column to compare (repeat) [default: fi and rcsa].", "COL")
    ] = (),
    divide_by: Annotated[
        str | None, opt.option("--divide-by", "Divide each metric by this column first.", "COL")
    ] = None,
    normality: Annotated[
        Literal["lilliefors", "shapiro"] | None,
        opt.option("--normality", "Test of normality [default: lilliefors]."),
    ] = None,
    further: Further,
    figures: opt.Figures,
    as_json: opt.AsJson = False,
) -> None:
    """Compare sides within groups, and groups with each other.

    Writes comparisons.csv, the paper's tables and figures (each with its data), and notes.txt with all that
    was left out.

    \b
    Example:
      mriparaspinal compare results --participants participants.csv --out comparison
      mriparaspinal compare results --contrast "group:ALS[onset_region=lower]-LR" --out lower
      mriparaspinal compare results --contrast interaction:ALS-LR --margin fi=0.03 --max-t 10000 --out more
      mriparaspinal compare results --groups site --smd --out sites
      mriparaspinal compare results --out print --figure-format pdf --figure-format tiff --style lab.mplstyle
    """
    import mriparaspinal as api

    how = figures.how
    found = api.compare(
        study.data,
        contrasts=contrast,
        metrics=metric,
        divide_by=divide_by,
        normality=normality,
        participants=study.participants,
        join=study.join,
        margins=further.margins,
        max_t=further.max_t,
        seed=further.seed,
        groups=further.groups,
        smd=further.smd,
        missing=further.missing,
        jobs=figures.jobs,
    )
    save(found, out, how)
    show(compared_rows(compared_summary(found)))
    say_compared(found, out)
    if as_json:
        print_json({"command": "compare", **compared_summary(found)})
    end(found.problem_list)
