"""``mriparaspinal run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_notes, say_problems
from mriparaspinal.cli.following import show_page
from mriparaspinal.cli.steps import end, say_compared, say_faults, say_measured, say_notes_of, say_report
from mriparaspinal.cli.summary import compared_rows, compared_summary, measured_rows, print_json, show
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.api.making import Made
    from mriparaspinal.api.results import StudyResults


@opt.command
def run(
    *,
    dataset: opt.Dataset,
    out: opt.Out,
    options: opt.Measuring,
    as_json: opt.AsJson = False,
    open_: opt.OpenPage = False,
) -> None:
    """Check, quantify, compare and report a dataset in one go.

    Writes OUT/results, OUT/comparison and the page OUT/report.html, and ends with a summary.

    \b
    Example:
      mriparaspinal run scans --out study --jobs 4
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        ran = api.run(
            dataset, out, **options.arguments, progress=progress, done=lambda step: _say_step(step, out)
        )
    found = {} if ran.comparison.table is None else compared_summary(ran.comparison)
    summary = {**ran.results.summary, **found}
    rows = measured_rows(summary)
    rows += compared_rows(found) if found else [("comparisons", "none: nothing to compare")]
    show([*rows, ("report", str(ran.report.out))])
    say(
        f"ran: {summary['slices_measured']} of {count_of(summary['slices_found'], 'slice')} measured, "
        f"{count_of(summary.get('comparisons', 0), 'comparison')}, {say_faults(summary)} into {out}"
    )
    page = Path(ran.report.out)
    show_page(page, open_)
    if summary["errors"]:
        say(f"next: correct what {out / 'results' / 'problems.csv'} lists, and run again")
    elif not open_:
        say(f"next: open {page} in a browser, or let --open do it")
    if as_json:
        print_json({"command": "run", **summary})
    end(ran.results.problem_list)


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
