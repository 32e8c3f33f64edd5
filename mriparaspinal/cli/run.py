"""``mriparaspinal run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    fat_and_water,
    label_maps,
    refuse_dataset_as_output,
    refuse_idle_affine,
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
from mriparaspinal.io.protocol import resolve_settings

if TYPE_CHECKING:
    from mriparaspinal.analysis.inputs import Cohort
    from mriparaspinal.io.output import OutputFolder


@opt.command
@opt.dataset
@opt.out_folder
@opt.label_map_folder
@opt.numbering
@opt.affine
@opt.fat_threshold
@opt.dixon_images
@opt.protocol
@opt.participants_file
@opt.jobs
@opt.scheduler
@opt.timeout
@opt.as_json
@opt.quiet
@opt.verbose
def run(
    dataset: Path,
    out: Path,
    masks: Path | None,
    numbering: str | None,
    fat: Path | None,
    water: Path | None,
    participants: Path | None,
    jobs: int | None,
    scheduler: str | None,
    timeout: float | None,
    json_: bool,
    quiet: bool,
    verbose: bool,
    **protocol: Any,
) -> None:
    """Check, quantify, compare and report a dataset in one go.

    Writes OUT/results, OUT/comparison and the page OUT/report.html, and ends with a summary.

    \b
    Example:
      mriparaspinal run scans --out study --jobs 4
    """
    from mriparaspinal.io.output import COMPARISON, OutputFolder, require_ours

    settings = resolve_settings(dataset, protocol)
    refuse_dataset_as_output(dataset, out)
    results, comparison, page = (out / name for name in ("results", "comparison", "report.html"))
    maps = label_maps(masks, numbering, protocol["mask_rule"], out, results, comparison)
    dixon = fat_and_water(settings, fat, water, out, results, comparison)
    refuse_idle_affine(protocol["affine"], masks, dixon)
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
                dataset,
                results,
                settings,
                participants,
                jobs,
                quiet,
                verbose,
                out,
                maps=maps,
                dixon=dixon,
                summary=False,
                scheduler=scheduler,
                timeout=timeout,
                first=outdate,
            )
            cohort, found = _compared(results, comparison, folder, quiet)
        report_step(cohort, results, dataset, comparison, page, jobs, quiet, masks)
    summary = measured_summary(measured)
    rows = measured_rows(summary)
    rows += [("comparisons", "none: nothing to compare")] if found is None else compared_rows(found)
    summary |= found or {}
    rows.append(("report", str(page)))
    show(rows, quiet)
    say(
        f"ran: {measured.measured} of {counted(len(measured.results), 'slice')} measured, "
        f"{counted(summary.get('comparisons', 0), 'comparison')}, {counted(measured.errors, 'error')}, "
        f"{counted(measured.warnings, 'warning')} into {out}",
        quiet,
    )
    if json_:
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
