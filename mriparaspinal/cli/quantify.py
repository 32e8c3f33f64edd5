"""``mriparaspinal quantify``."""

from __future__ import annotations

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import refuse_dataset_as_output, settings_from
from mriparaspinal.cli.steps import quantify_step
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
    jobs: opt.Jobs = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Measure fatty infiltration and areas of every muscle, side and segment of a dataset.

    Writes L1.csv … L5.csv, problems.csv, participants.csv (if there is one) and quantify.json.

    \b
    Example:
      mriparaspinal quantify scans --out results --jobs 4
    """
    settings = settings_from(dataset, locals())
    refuse_dataset_as_output(dataset, out)
    measured = quantify_step(dataset, out, settings, participants, jobs, quiet, verbose)
    if measured.errors:
        raise typer.Exit(EXIT_PARTLY)
