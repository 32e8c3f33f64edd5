"""``mriparaspinal demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say
from mriparaspinal.cli.following import say_next, show_page
from mriparaspinal.core.text import count_of


@opt.command
def demo(
    *,
    out: Annotated[Path, opt.argument("Folder for the demonstration: new or empty.")],
    open_: opt.OpenPage = False,
) -> None:
    """Make a synthetic study of twelve patients, run it, and say what to open.

    OUT/scans has the slices with their contours, as a study of your own would; OUT/study has what 'run'
    makes of them: results, comparison and the page report.html.

    \b
    Example:
      mriparaspinal demo demo
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        ran = api.demo(out, progress=progress)
    study, slices = out / "study", count_of(ran.report.count, "slice")
    say(f"{out / 'scans'}: {slices} with contours, and participants.csv; each answer is in truth.csv")
    say(f"{study / 'results' / 'L4.csv'}: fatty infiltration and areas at L4, a row per muscle and side")
    say(f"{study / 'comparison' / 'comparisons.csv'}: {ran.summary['comparisons']} comparisons")
    page = Path(ran.report.out)
    say(f"{page}: all of it on one page; open this first")
    show_page(page, open_)
    say_next("review", out / "scans", why="to see and draw contours")
