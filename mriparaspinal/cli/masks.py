"""``mriparaspinal masks``."""

from __future__ import annotations

from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    progress_bar,
    refuse_dataset_as_output,
    say,
    say_jobs,
    say_problems,
)
from mriparaspinal.core.errors import EXIT_PARTLY
from mriparaspinal.io.protocol import read_protocol


@opt.command
def masks(
    *,
    dataset: opt.Dataset,
    out: opt.Out,
    format_: Annotated[
        Literal["png", "nifti"],
        opt.option(
            "--format", "Index images and overlays, or label maps in the patient's space.", show_default=True
        ),
    ] = "png",
    fat_rule: opt.FatRule,
    protocol: opt.Protocol,
    naming: opt.Naming,
    participant_label: opt.ParticipantLabel = (),
    jobs: opt.Jobs = None,
    ui: opt.Ui,
) -> None:
    """Draw what is measured: an index image and an overlay of every slice.

    Writes NAME_mask.png (pixel values as in values.csv) and NAME_overlay.png, in the
    folders of the dataset. With --format nifti, NAME_mask.nii.gz in the patient's space.

    \b
    Example:
      mriparaspinal masks scans --out masks
    """
    from mriparaspinal.annotations.to_masks import MASKS, draw_slices
    from mriparaspinal.dataset.open import open_dataset
    from mriparaspinal.io.output import OutputFolder

    there = read_protocol(dataset)
    settings = there.settings(opt.given(fat_rule, protocol, naming))
    refuse_dataset_as_output(dataset, out)
    _, jobs = there.run_options(None, jobs)
    say_jobs(jobs, ui.quiet)
    with OutputFolder(out, MASKS) as folder:
        study = open_dataset(dataset, settings, leave_out=out, share=participant_label)
        with progress_bar("drawing", len(study.dataset.slices), ui.quiet) as advance:
            nifti = format_ == "nifti"
            drawn, problems = draw_slices(study, folder, settings, jobs, advance, nifti)
    say_problems(problems, ui.quiet, ui.verbose)
    errors = sum(problem.severity == "error" for problem in problems)
    say(f"drew {drawn} of {counted(len(study.dataset.slices), 'slice')} into {out}", ui.quiet)
    if errors:
        raise SystemExit(EXIT_PARTLY)
