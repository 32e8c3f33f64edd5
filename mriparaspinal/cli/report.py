"""``mriparaspinal report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say_problems
from mriparaspinal.cli.following import show_page
from mriparaspinal.cli.steps import end, say_report


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What is made beside the page, and whether it is opened."""

    by_participant: Annotated[
        bool, opt.option("--by-participant", "Also a page for each participant, in a folder beside it.")
    ] = False
    pdf: Annotated[bool, opt.option("--pdf", "Also each page as PDF (needs Chromium, Chrome or Edge).")] = (
        False
    )
    open_: opt.OpenPage = False

    @property
    def also(self) -> list[Literal["participants", "pdf"]]:
        """As the function takes it."""
        wanted: list[Literal["participants", "pdf"]] = []
        wanted += ["participants"] * self.by_participant
        wanted += ["pdf"] * self.pdf
        return wanted


@opt.command
def report(
    *,
    results: opt.Results,
    dataset: opt.ResultsDataset,
    out: Annotated[Path, opt.option("--out", "The page to write.", "FILE.html")],
    comparison: Annotated[
        tuple[Path, ...],
        opt.option(
            "--comparison",
            "What 'compare', 'model', 'change', … wrote on RESULTS (repeat) [default: none].",
            "DIR",
        ),
    ] = (),
    masks: Annotated[
        tuple[Path, ...],
        opt.option("--masks", "The label maps, where RESULTS were measured from those (repeat).", "DIR"),
    ] = (),
    annotations: opt.Annotations = None,
    participants: opt.ResultsParticipants = None,
    pages: Pages,
    jobs: opt.Jobs = None,
) -> None:
    """Make one HTML page of a study: findings, every slice with its outlines, tables and figures.

    The page is one file, needs no network, and opens in any browser. The dataset has to be the one that was
    measured, and the comparison that of these results.

    \b
    Example:
      mriparaspinal report results --dataset scans --comparison comparison --out report.html
      mriparaspinal report results --dataset scans --comparison comparison --comparison model --out all.html
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        made = api.make_report(
            results,
            dataset,
            out=out,
            comparison=comparison,
            masks=masks,
            annotations=annotations,
            participants=participants,
            also=pages.also,
            jobs=jobs,
            progress=progress,
        )
    say_problems(made.problem_list)
    say_report(made)
    show_page(out, pages.open_)
    end(made.problem_list)
