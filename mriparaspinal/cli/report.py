"""``mriparaspinal report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_jobs, say_problems
from mriparaspinal.cli.outputs import end
from mriparaspinal.errors import UsageError

if TYPE_CHECKING:
    from mriparaspinal.analysis import Cohort


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
    from mriparaspinal.analysis import open_cohort
    from mriparaspinal.files.protocol import run_options

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
    from mriparaspinal.files.protocol import run_options
    from mriparaspinal.files.results import write_file
    from mriparaspinal.report.contents import gather
    from mriparaspinal.report.measured_from import open_measured
    from mriparaspinal.report.render import render

    _refuse_inputs(out, (results, comparison), (dataset, masks))
    _, jobs = run_options(dataset, None, jobs)
    source = open_measured(results, cohort.manifest, dataset, masks)
    slices = len(source.study.dataset.slices)
    with progress_bar("drawing", slices, quiet) as advance:
        contents = gather(results, cohort, source, comparison, jobs or 1, advance)
    write_file(out, render(contents))
    look = len(contents.first)
    say(f"wrote {out} with {counted(slices, 'slice')}; {counted(look, 'slice')} to look at first", quiet)


def _refuse_inputs(out: Path, made: Sequence[Path | None], given: Sequence[Path | None]) -> None:
    """Raise :class:`UsageError` for a page that would lie beside the files of an input, or is a folder."""
    if out.is_dir():
        raise UsageError(f"--out {out}: is a folder; expected the name of a file; add report.html, say")
    # What a study makes may lie in a folder of its own below the dataset.
    above = out.resolve().parents
    for folder, taken in (*((folder, above) for folder in made), *((folder, above[:1]) for folder in given)):
        if folder is not None and folder.resolve() in taken:
            raise UsageError(
                f"--out {out}: lies in the input {folder}; expected it elsewhere; choose another"
            )
