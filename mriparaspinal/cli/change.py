"""``mriparaspinal change``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.steps import end, save
from mriparaspinal.cli.summary import print_json
from mriparaspinal.core.text import count_of


@opt.command
def change(
    *,
    results: opt.Results,
    out: opt.Out,
    metric: Annotated[
        tuple[str, ...], opt.option("--metric", "Column to follow (repeat) [default: fi and rcsa].", "COL")
    ] = (),
    mdc: Annotated[
        Path | None, opt.option("--mdc", "reliability.csv: tell changes beyond its MDC95.", "FILE")
    ] = None,
    normality: Annotated[
        Literal["lilliefors", "shapiro"] | None,
        opt.option("--normality", "Test of normality [default: lilliefors]."),
    ] = None,
    participants: opt.ResultsParticipants = None,
    figures: opt.Figures,
    as_json: opt.AsJson = False,
) -> None:
    """Follow the muscles from session to session: change, slope per month, and their tests.

    Writes changes.csv and participant_slopes.csv (each participant), change_tests.csv (within groups),
    change_differences.csv and change_model.csv (between groups), slopes.csv, a figure of each metric's lines
    and changes, and notes.txt with all that was left out.

    \b
    Example:
      mriparaspinal change results --out change
      mriparaspinal change results --mdc agreement/reliability.csv --out change
    """
    import mriparaspinal as api
    from mriparaspinal.api.results import results_in

    how = figures.how
    data = results_in(results)
    found = api.change(data, metrics=metric, mdc=mdc, normality=normality, participants=participants)
    save(found, out, how)
    tests, told = found.table, found.summary
    say(
        f"followed {count_of(told['participants'], 'participant')} over {', '.join(told['sessions'])} "
        f"into {out}; {(tests['p'] < 0.05).sum()} of {len(tests)} tests with p < 0.05, "
        f"{(tests['p_adjusted'] < 0.05).sum()} with adjusted p < 0.05"
    )
    if as_json:
        print_json({"command": "change", **told})
    end(found.problem_list)
