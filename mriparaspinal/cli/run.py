"""``mriparaspinal run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    fat_and_water,
    label_maps,
    refuse_dataset_as_output,
    refuse_idle_affine,
    say,
)
from mriparaspinal.cli.report import report_step
from mriparaspinal.cli.steps import compare_step, quantify_step, skip_comparison
from mriparaspinal.cli.summary import (
    compared_rows,
    compared_summary,
    measured_rows,
    measured_summary,
    print_json,
    show,
)
from mriparaspinal.errors import EXIT_PARTLY, NothingToCompareError, ParaspinalError
from mriparaspinal.files.protocol import resolve_settings


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
    from mriparaspinal.analysis import open_cohort

    settings = resolve_settings(dataset, protocol)
    refuse_dataset_as_output(dataset, out)
    results = out / "results"
    maps = label_maps(masks, numbering, protocol["mask_rule"], out, results, out / "comparison")
    dixon = fat_and_water(settings, fat, water)
    refuse_idle_affine(protocol["affine"], masks, dixon)
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
    )
    page = out / "report.html"
    page.unlink(missing_ok=True)  # that of an earlier run must not stand beside these results
    summary = measured_summary(measured)
    rows = measured_rows(summary)
    try:
        cohort = open_cohort(results)
        compared = compare_step(cohort, out / "comparison", (), quiet, summary=False)
    except NothingToCompareError as reason:
        skip_comparison(out / "comparison", str(reason), quiet)
        rows.append(("comparisons", "none: nothing to compare"))
    except ParaspinalError as reason:
        # The comparison of an earlier run must not stand beside these results.
        skip_comparison(out / "comparison", str(reason), quiet=True)
        raise
    else:
        summary |= compared_summary(compared)
        rows += compared_rows(summary)
    report_step(cohort, results, dataset, out / "comparison", page, jobs, quiet, masks)
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
