"""``mriparaspinal run``."""

from __future__ import annotations

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    fat_and_water,
    refuse_dataset_as_output,
    say,
    settings_from,
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


def run(
    dataset: opt.Dataset,
    out: opt.OutFolder,
    threshold: opt.Threshold = None,
    fat_rule: opt.FatRule = None,
    sat_fraction: opt.SatFraction = None,
    fat: opt.Fat = None,
    water: opt.Water = None,
    same_voxels: opt.SameVoxels = None,
    mask_rule: opt.MaskRuleOption = None,
    image_left: opt.ImageLeft = None,
    reference: opt.Reference = None,
    patient_from: opt.PatientFromOption = None,
    name_pattern: opt.NamePattern = None,
    window: opt.Window = None,
    participants: opt.ParticipantsFile = None,
    jobs: opt.Jobs = None,
    scheduler: opt.Scheduler = None,
    timeout: opt.Timeout = None,
    json_: opt.AsJson = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Check, quantify, compare and report a dataset in one go.

    Writes OUT/results, OUT/comparison and the page OUT/report.html, and ends with a summary.

    \b
    Example:
      mriparaspinal run scans --out study --jobs 4
    """
    from mriparaspinal.analysis import open_cohort

    settings = settings_from(dataset, locals())
    refuse_dataset_as_output(dataset, out)
    results = out / "results"
    dixon = fat_and_water(settings, fat, water)
    measured = quantify_step(
        dataset,
        results,
        settings,
        participants,
        jobs,
        quiet,
        verbose,
        out,
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
    report_step(cohort, results, dataset, out / "comparison", page, jobs, quiet)
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
        raise typer.Exit(EXIT_PARTLY)
