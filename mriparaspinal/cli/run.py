"""``mriparaspinal run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    refuse_dataset_as_output,
    say,
)
from mriparaspinal.cli.report import is_page, report_step
from mriparaspinal.cli.steps import analysis_folder, compare_step, quantify_step, skip_comparison
from mriparaspinal.cli.summary import (
    compared_rows,
    compared_summary,
    measured_rows,
    measured_summary,
    print_json,
    show,
)
from mriparaspinal.core.errors import EXIT_PARTLY, NothingToCompareError, ParaspinalError

if TYPE_CHECKING:
    from mriparaspinal.analysis.inputs import Cohort
    from mriparaspinal.io.output import OutputFolder


@opt.command
def run(
    *, dataset: opt.Dataset, out: opt.Out, options: opt.Measuring, as_json: opt.AsJson = False, ui: opt.Ui
) -> None:
    """Check, quantify, compare and report a dataset in one go.

    Writes OUT/results, OUT/comparison and the page OUT/report.html, and ends with a summary.

    \b
    Example:
      mriparaspinal run scans --out study --jobs 4
    """
    from mriparaspinal.io.manifest import COMPARISON
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.io.write import require_ours

    settings = options.settings(dataset)
    refuse_dataset_as_output(dataset, out)
    results, comparison, page = (out / name for name in ("results", "comparison", "report.html"))
    images = options.images(settings, out, results, comparison)
    # Nobody else writes into it, nor into the folders in it, until all belongs together.
    require_ours(page, is_page)
    with OutputFolder(out):
        with analysis_folder(COMPARISON, comparison, ()) as folder:
            # What is not of an earlier run is refused before anything is measured.
            folder.require_ours([*folder.written_before(), COMPARISON, "comparisons.csv", "notes.txt"])

            def outdate() -> None:
                """What an earlier run made of other results goes before these stand."""
                folder.take_away()
                page.unlink(missing_ok=True)

            measured = quantify_step(
                dataset, results, settings, options, images, ui, out, summary=False, first=outdate
            )
            cohort, found = _compared(results, comparison, folder, ui.quiet)
        report_step(cohort, results, dataset, comparison, page, options.jobs, ui.quiet, options.masks)
    summary = measured_summary(measured)
    rows = measured_rows(summary)
    rows += [("comparisons", "none: nothing to compare")] if found is None else compared_rows(found)
    summary |= found or {}
    rows.append(("report", str(page)))
    show(rows, ui.quiet)
    say(
        f"ran: {measured.measured} of {counted(len(measured.results), 'slice')} measured, "
        f"{counted(summary.get('comparisons', 0), 'comparison')}, {counted(measured.errors, 'error')}, "
        f"{counted(measured.warnings, 'warning')} into {out}",
        ui.quiet,
    )
    if as_json:
        print_json({"command": "run", **summary})
    if measured.errors:
        raise SystemExit(EXIT_PARTLY)


def _compared(
    results: Path, out: Path, folder: OutputFolder, quiet: bool
) -> tuple[Cohort, dict[str, Any] | None]:
    """The cohort of the results, and what its comparison found; None where there is nothing to compare."""
    from mriparaspinal.analysis.inputs import open_cohort

    try:
        cohort = open_cohort(results)
        try:
            compared = compare_step(cohort, out, (), quiet, folder=folder)
        except NothingToCompareError as reason:
            skip_comparison(folder, str(reason), quiet)
            return cohort, None
    except ParaspinalError as reason:
        skip_comparison(folder, str(reason), quiet=True)
        raise
    return cohort, compared_summary(compared)
