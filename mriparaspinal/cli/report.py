"""``mriparaspinal report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say_problems
from mriparaspinal.cli.following import show_page
from mriparaspinal.cli.steps import end, say_report


@opt.command
def report(
    *,
    results: opt.Results,
    dataset: opt.ResultsDataset,
    out: Annotated[Path, opt.option("--out", "The page to write.", "FILE.html")],
    comparison: Annotated[
        Path | None, opt.option("--comparison", "What 'compare' wrote on RESULTS [default: none].", "DIR")
    ] = None,
    masks: Annotated[
        Path | None, opt.option("--masks", "The label maps, where RESULTS were measured from those.", "DIR")
    ] = None,
    annotations: opt.Annotations = None,
    participants: opt.ResultsParticipants = None,
    by_participant: Annotated[
        bool, opt.option("--by-participant", "Also a page for each participant, in a folder beside it.")
    ] = False,
    pdf: Annotated[
        bool, opt.option("--pdf", "Also each page as PDF (needs Chromium, Chrome or Edge).")
    ] = False,
    jobs: opt.Jobs = None,
    open_: opt.OpenPage = False,
) -> None:
    """Make one HTML page of a study: findings, every slice with its outlines, tables and figures.

    The page is one file, needs no network, and opens in any browser. The dataset has to be the one that was
    measured, and the comparison that of these results.

    \b
    Example:
      mriparaspinal report results --dataset scans --comparison comparison --out report.html
    """
    import mriparaspinal as api

    also: list[Literal["participants", "pdf"]] = []
    also += ["participants"] * by_participant
    also += ["pdf"] * pdf
    with progress_bar() as progress:
        made = api.make_report(
            results,
            dataset,
            out=out,
            comparison=comparison,
            masks=masks,
            annotations=annotations,
            participants=participants,
            also=also,
            jobs=jobs,
            progress=progress,
        )
    say_problems(made.problem_list)
    say_report(made)
    show_page(out, open_)
    end(made.problem_list)
