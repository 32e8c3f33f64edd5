"""``mriparaspinal quantify``."""

from __future__ import annotations

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    progress_bar,
    refuse_dataset_as_output,
    say,
    say_problems,
    settings_from,
)
from mriparaspinal.errors import EXIT_PARTLY


def quantify(
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
    jobs: opt.Jobs = 1,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    r"""Measure fatty infiltration and areas of every muscle, side and segment of a dataset.

    Writes L1.csv … L5.csv, problems.csv, participants.csv (if there is one) and quantify.json.

    \b
    Example:
      mriparaspinal quantify scans --out results --jobs 4
    """
    from mriparaspinal.files.results import OutputFolder, segment_tables
    from mriparaspinal.study import measure_study, open_study, result_files

    settings = settings_from(dataset, locals())
    refuse_dataset_as_output(dataset, out)
    with OutputFolder(out) as folder:
        study = open_study(dataset, settings, participants, leave_out=out)
        with progress_bar("measuring", len(study.dataset.slices), quiet) as advance:
            measured = measure_study(study, settings, jobs, advance)
        say_problems(measured.problems, quiet, verbose)
        files = result_files(measured, settings)
        stale = [name for name in [*segment_tables(out), "participants.csv"] if name not in files]
        folder.replace(files, stale)
    tables = ", ".join(name for name in files if name.startswith("L"))
    errors, slices = measured.errors, len(measured.results)
    say(
        f"measured {measured.measured} of {counted(slices, 'slice')} into {out} ({tables}); "
        f"{counted(errors, 'error')}, {counted(len(measured.problems) - errors, 'warning')}",
        quiet,
    )
    if errors:
        raise typer.Exit(EXIT_PARTLY)
