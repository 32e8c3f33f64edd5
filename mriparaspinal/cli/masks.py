"""``mriparaspinal masks``."""

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


def masks(
    dataset: opt.Dataset,
    out: opt.OutFolder,
    format_: opt.MaskFormatOption = opt.MaskFormat.png,
    threshold: opt.Threshold = None,
    fat_rule: opt.FatRule = None,
    sat_fraction: opt.SatFraction = None,
    mask_rule: opt.MaskRuleOption = None,
    image_left: opt.ImageLeft = None,
    reference: opt.Reference = None,
    patient_from: opt.PatientFromOption = None,
    name_pattern: opt.NamePattern = None,
    window: opt.Window = None,
    participant_label: opt.ParticipantLabel = None,
    jobs: opt.Jobs = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Draw what is measured: an index image and an overlay of every slice.

    Writes NAME_mask.png (pixel values as in values.csv) and NAME_overlay.png, in the
    folders of the dataset. With --format nifti, NAME_mask.nii.gz in the patient's space.

    \b
    Example:
      mriparaspinal masks scans --out masks
    """
    from mriparaspinal.files.protocol import run_options
    from mriparaspinal.gallery import draw_slices
    from mriparaspinal.study import open_study

    settings = settings_from(dataset, locals())
    refuse_dataset_as_output(dataset, out)
    _, jobs = run_options(dataset, None, jobs)
    study = open_study(dataset, settings, leave_out=out, share=participant_label or ())
    with progress_bar("drawing", len(study.dataset.slices), quiet) as advance:
        nifti = format_ is opt.MaskFormat.nifti
        drawn, problems = draw_slices(study, out, settings, jobs, advance, nifti)
    say_problems(problems, quiet, verbose)
    errors = sum(problem.severity == "error" for problem in problems)
    say(f"drew {drawn} of {counted(len(study.dataset.slices), 'slice')} into {out}", quiet)
    if errors:
        raise typer.Exit(EXIT_PARTLY)
