"""``mriparaspinal refine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say, say_problems
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of


@opt.command
def refine(
    *,
    rough: Annotated[Path, opt.argument("Folder of slices with some points around each region.")],
    out: opt.Out,
    band: Annotated[
        float | None,
        opt.option(
            "--band",
            "No line moves farther from the spline through the points "
            "[default: 8 % of the square root of the region's area, at least 3.5].",
            "PX",
            min=0,
            max=100,
        ),
    ] = None,
    protocol: opt.Protocol,
    naming: opt.Naming,
    jobs: opt.Jobs = None,
) -> None:
    """Turn 6 to 15 clicks around each region into smooth contours that follow the slice.

    Writes the slices with their refined LabelMe files into a folder of their own, and drafts.csv with the
    change in area and the largest move of each line. The files carry LabelMe's flag draft, until a person
    unticks it.

    \b
    Example:
      mriparaspinal refine rough --out fine
    """
    import mriparaspinal as api

    made = api.refine(rough, out, band=band, settings=opt.given(protocol, naming), jobs=jobs)
    moved = max((row.largest_move_px or 0.0 for row in made.rows), default=0.0)
    done = f"refined {count_of(len(made.rows), 'region')} of {count_of(made.count, 'slice')} into {out}"
    say_problems(made.problem_list)
    say(f"{done}; no line moved farther than {moved:.1f} px")
    say_next("review", out, why="to judge them", **vars(protocol), **vars(naming))
    end(made.problem_list)
