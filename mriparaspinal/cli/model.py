"""``mriparaspinal model``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.cli.summary import print_json
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows that take part."""

    segment: Annotated[
        tuple[str, ...], opt.option("--segment", "Only this segment (repeat) [default: all].", "L1…L5")
    ] = ()
    muscle: Annotated[
        tuple[str, ...], opt.option("--muscle", "Only this muscle (repeat) [default: all].", "NAME")
    ] = ()
    role: Annotated[
        tuple[str, ...],
        opt.option("--role", "Only this side (repeat) [default: left and right].", "ROLE"),
    ] = ()
    group: Annotated[
        tuple[str, ...], opt.option("--group", "Only this group (repeat) [default: all].", "NAME")
    ] = ()


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What is fitted, and asked of it."""

    formula: Annotated[
        str, opt.option("--formula", "Columns joined by +, * and :, such as 'group * role + age'.", "TERMS")
    ]
    slope: Annotated[
        str | None,
        opt.option("--slope", "Column whose effect differs from participant to participant.", "COL"),
    ] = None
    random: Annotated[
        tuple[str, ...],
        opt.option("--random", "Further random effect, such as site or scanner (repeat).", "COL"),
    ] = ()
    df: Annotated[
        Literal["satterthwaite", "kenward-roger"],
        opt.option("--df", "Method of the degrees of freedom.", show_default=True),
    ] = "satterthwaite"
    means: Annotated[
        tuple[str, ...],
        opt.option(
            "--means", "Categories whose means are estimated, such as group:role (repeat).", "COL[:COL]"
        ),
    ] = ()
    by: Annotated[
        tuple[str, ...], opt.option("--by", "Category within which means are compared (repeat).", "COL")
    ] = ()

    @property
    def asked_means(self) -> list[str]:
        """The same for the function; raises :class:`UsageError` for categories without means."""
        if self.by and not self.means:
            found = f"--by {self.by[0]}: given without --means"
            raise UsageError(f"{found}; expected categories whose means are compared; name them, too")
        return ["|".join(filter(None, (means, ":".join(self.by)))) for means in self.means]


@opt.command
def model(
    *,
    out: opt.Out,
    effects: Effects,
    study: opt.Study,
    rows: Rows,
    metric: Annotated[
        tuple[str, ...],
        opt.option(
            "--metric", "Column to explain (repeat) [default: fi and rcsa; of a table all numbers].", "COL"
        ),
    ] = (),
    figures: opt.Figures,
    as_json: opt.AsJson = False,
) -> None:
    """One linear mixed model over segments, muscles and sides, or an analysis of covariance.

    The participant is a random effect where any has several rows. Writes models.csv, f_tests.csv,
    fixed_effects.csv, random_effects.csv, with --means estimated_means.csv and mean_differences.csv, figures
    of residuals and means, and notes.txt.

    \b
    Example:
      mriparaspinal model results --formula 'group * role * segment' --muscle MF --means group:role --out m
      mriparaspinal model results --formula 'group + age' --segment L4 --muscle MF --role symptomatic --out a
    """
    import mriparaspinal as api

    how = figures.how
    found = api.model(
        study.data,
        effects.formula,
        metrics=metric,
        random=effects.random,
        slope=effects.slope,
        df=effects.df,
        means=effects.asked_means,
        where=vars(rows),
        participants=study.participants,
        join=study.join,
    )
    save(found, out, how)
    said = found.summary
    say(
        f"fitted {said['fitted']} of {count_of(said['models'], 'model')} into {out}; "
        f"{said['p_below_0_05']} of {count_of(said['tests'], 'F test')} with p < 0.05"
    )
    if as_json:
        print_json({"command": "model", **said})
    end(found.problem_list)
