"""``mriparaspinal run``."""

from __future__ import annotations

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    refuse_dataset_as_output,
    settings_from,
    show_summary,
)
from mriparaspinal.cli.steps import compare_step, quantify_step, significant, skip_comparison
from mriparaspinal.errors import EXIT_PARTLY, NothingToCompareError, ParaspinalError


def run(
    dataset: opt.Dataset,
    out: opt.OutFolder,
    threshold: opt.Threshold = None,
    mask_rule: opt.MaskRuleOption = None,
    image_left: opt.ImageLeft = None,
    reference: opt.Reference = None,
    patient_from: opt.PatientFromOption = None,
    name_pattern: opt.NamePattern = None,
    window: opt.Window = None,
    participants: opt.ParticipantsFile = None,
    jobs: opt.Jobs = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Check, quantify and compare a dataset in one go.

    Writes OUT/results and OUT/comparison, and ends with a summary.

    \b
    Example:
      mriparaspinal run scans --out study --jobs 4
    """
    from mriparaspinal.analysis import open_cohort

    settings = settings_from(dataset, locals())
    refuse_dataset_as_output(dataset, out)
    results = out / "results"
    measured = quantify_step(dataset, results, settings, participants, jobs, quiet, verbose, leave_out=out)
    people = {result.slice.participant_id for result in measured.results if result.counts}
    rows = [
        ("slices measured", f"{measured.measured} of {len(measured.results)}"),
        ("participants", str(len(people))),
        ("errors, warnings", f"{measured.errors}, {measured.warnings}"),
    ]
    try:
        compared = compare_step(open_cohort(results), out / "comparison", (), quiet)
    except NothingToCompareError as reason:
        skip_comparison(out / "comparison", str(reason), quiet)
        rows.append(("comparisons", "none: nothing to compare"))
    except ParaspinalError as reason:
        # The comparison of an earlier run must not stand beside these results.
        skip_comparison(out / "comparison", str(reason), quiet=True)
        raise
    else:
        rows.append(("comparisons", str(len(compared.table))))
        rows.append(("with p < 0.05", str(significant(compared, "p"))))
        rows.append(("with adjusted p < 0.05", str(significant(compared, "p_adjusted"))))
    if not quiet:
        show_summary(rows)
    if measured.errors:
        raise typer.Exit(EXIT_PARTLY)
