"""``mriparaspinal interpolate``."""

from __future__ import annotations

from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say, say_problems
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of


@opt.command
def interpolate(
    *,
    dataset: opt.Dataset,
    most_mm: Annotated[
        float,
        opt.option(
            "--largest-gap",
            "Contoured slices farther apart are no neighbours, where slices.csv tells their places.",
            "MM",
            min=0.1,
            max=100,
            show_default=True,
        ),
    ] = 20.0,
    protocol: opt.Protocol,
    naming: opt.Naming,
    jobs: opt.Jobs = None,
) -> None:
    """Draft the contours of slices that lie between two contoured slices of a stack.

    A stack is several slices of one segment (ALS_7_3_a.png, ALS_7_3_b.png, …), or all slices of a participant
    where slices.csv tells their places. Writes NAME.json beside NAME.png, with LabelMe's flag draft, and
    drafts.csv; it never replaces a LabelMe file.

    \b
    Example:
      mriparaspinal interpolate scans
    """
    import mriparaspinal as api

    made = api.interpolate(dataset, largest_gap=most_mm, settings=opt.given(protocol, naming), jobs=jobs)
    done = f"{count_of(len(made.rows), 'region')} of {count_of(made.count, 'slice')}"
    say_problems(made.problem_list)
    say(f"interpolated {done} in {dataset}")
    say_next("review", dataset, why="to judge them", **vars(protocol), **vars(naming))
    end(made.problem_list)
