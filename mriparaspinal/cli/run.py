"""``mriparaspinal run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_notes, say_problems
from mriparaspinal.cli.following import say_next, show_page
from mriparaspinal.cli.measuring import Measuring
from mriparaspinal.cli.steps import end, say_compared, say_faults, say_measured, say_notes_of, say_report
from mriparaspinal.cli.summary import compared_rows, measured_rows, print_json, show
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.api.making import Made
    from mriparaspinal.api.results import StudyResults
    from mriparaspinal.api.running import StudyRun


@opt.command
def run(
    *,
    dataset: opt.Dataset,
    out: opt.Out,
    options: Measuring,
    force: Annotated[
        bool,
        opt.option(
            "--force",
            "Do all steps again, even if nothing has changed since the last run. A file of the comparison "
            "that you edited is not replaced: move it away first.",
        ),
    ] = False,
    figures: opt.FigureLook,
    as_json: opt.AsJson = False,
    open_: opt.OpenPage = False,
) -> None:
    """Check, quantify, compare and report a dataset in one go.

    Writes OUT/results, OUT/comparison and the page OUT/report.html, and ends with a summary. Where nothing
    has changed since the last run (inputs, settings, files in OUT, program, libraries) it says so.

    \b
    Example:
      mriparaspinal run scans --out study --jobs 4
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        ran = api.run(
            dataset,
            out,
            **options.arguments,
            progress=progress,
            force=force,
            formats=figures.figure_format,
            style=figures.style,
            done=lambda step: _say_step(step, out),
        )
    if ran.unchanged:
        say_problems(ran.results.problem_list)
    _say_end(ran, out, open_)
    if as_json:
        print_json({"command": "run", **ran.summary})
    end(ran.results.problem_list)


def _say_end(ran: StudyRun, out: Path, open_: bool) -> None:
    """The summary, and the last lines; the page in the browser if asked for."""
    summary = ran.summary
    rows = measured_rows(summary)
    rows += (
        compared_rows(summary) if "comparisons" in summary else [("comparisons", "none: nothing to compare")]
    )
    show([*rows, ("report", str(ran.report.out))])
    if ran.unchanged:
        found = "inputs, settings and files are those of the last run"
        say(f"{out}: {found}; nothing was done; --force does all steps again")
    else:
        say(
            f"ran: {summary['slices_measured']} of {count_of(summary['slices_found'], 'slice')} measured, "
            f"{count_of(summary.get('comparisons', 0), 'comparison')}, {say_faults(summary)} into {out}"
        )
    page = Path(ran.report.out)
    show_page(page, open_)
    if summary["errors"]:
        say(f"next: correct what {out / 'results' / 'problems.csv'} lists, and run again")
    elif len(ran.results.sessions) > 1:
        say_next("change", out / "results", "--out", "change")
    elif not open_:
        say(f"next: open {page} in a browser, or let --open do it")


def _say_step(step: StudyResults | Analysis | Made, out: Path) -> None:
    """What a command of its own would say at the end of a step."""
    from mriparaspinal.api.making import Made
    from mriparaspinal.api.results import StudyResults

    if isinstance(step, StudyResults):
        say_problems(step.problem_list)
        say_measured(step, out / "results")
    elif isinstance(step, Made):
        say_report(step)
    elif step.table is None:
        say_notes(step.notes)
    else:
        say_notes_of(step)
        say_compared(step, out / "comparison")
