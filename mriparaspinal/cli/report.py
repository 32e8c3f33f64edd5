"""``mriparaspinal report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_jobs, say_problems
from mriparaspinal.cli.steps import end
from mriparaspinal.io.overwrite import refuse_beside_inputs

if TYPE_CHECKING:
    from mriparaspinal.analysis.inputs import Cohort


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
    participants: opt.ResultsParticipants = None,
    jobs: opt.Jobs = None,
    ui: opt.Ui,
) -> None:
    """Make one HTML page of a study: findings, every slice with its outlines, tables and figures.

    The page is one file, needs no network, and opens in any browser. The dataset has to be the one that was
    measured, and the comparison that of these results.

    \b
    Example:
      mriparaspinal report results --dataset scans --comparison comparison --out report.html
    """
    from mriparaspinal.analysis.inputs import open_cohort
    from mriparaspinal.io.protocol import run_options

    say_jobs(run_options(dataset, None, jobs)[1], ui.quiet)
    cohort = open_cohort(results, participants)
    say_problems(cohort.problems, ui.quiet, ui.verbose)
    report_step(cohort, results, dataset, comparison, out, jobs, ui.quiet, masks)
    end(cohort.problems)


def report_step(
    cohort: Cohort,
    results: Path,
    dataset: Path,
    comparison: Path | None,
    out: Path,
    jobs: int | None,
    quiet: bool,
    masks: Path | None = None,
) -> None:
    """Make the page of a study and write it, whole or not at all."""
    from mriparaspinal.io.protocol import run_options
    from mriparaspinal.io.write import require_ours, write_file
    from mriparaspinal.measure.reopen import open_measured
    from mriparaspinal.report.gather import gather
    from mriparaspinal.report.html import render

    refuse_beside_inputs("--out", out, (), (dataset, masks), (results, comparison))
    require_ours(out, is_page)
    _, jobs = run_options(dataset, None, jobs)
    source = open_measured(results, cohort.manifest, dataset, masks)
    slices = len(source.study.dataset.slices)
    with progress_bar("drawing", slices, quiet) as advance:
        contents = gather(cohort, source, comparison, jobs or 1, advance)
    for read in cohort.sources:
        read.require_same()
    write_file(out, render(contents), is_page)
    look = len(contents.first)
    say(f"wrote {out} with {counted(slices, 'slice')}; {counted(look, 'slice')} to look at first", quiet)


def is_page(head: bytes) -> bool:
    """Whether a file begins as a page of ours does."""
    return b'<meta name="generator" content="mriparaspinal' in head
