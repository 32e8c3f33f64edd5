"""``mriparaspinal report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_jobs, say_problems
from mriparaspinal.cli.steps import end, refuse_beside_inputs

if TYPE_CHECKING:
    from mriparaspinal.analysis.inputs import Cohort


@opt.command
@opt.results
@opt.dataset_of_results
@click.option("--out", type=opt.PATH, required=True, metavar="FILE.html", help="The page to write.")
@click.option(
    "--comparison", type=opt.PATH, metavar="DIR", help="What 'compare' wrote on RESULTS [default: none]."
)
@click.option(
    "--masks", type=opt.PATH, metavar="DIR", help="The label maps, where RESULTS were measured from those."
)
@opt.participants_of_results
@opt.jobs
@opt.quiet
@opt.verbose
def report(
    results: Path,
    dataset: Path,
    out: Path,
    comparison: Path | None,
    masks: Path | None,
    participants: Path | None,
    jobs: int | None,
    quiet: bool,
    verbose: bool,
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

    say_jobs(run_options(dataset, None, jobs)[1], quiet)
    cohort = open_cohort(results, participants)
    say_problems(cohort.problems, quiet, verbose)
    report_step(cohort, results, dataset, comparison, out, jobs, quiet, masks)
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
    from mriparaspinal.io.output import require_ours, write_file
    from mriparaspinal.io.protocol import run_options
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
