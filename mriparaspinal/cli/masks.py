"""``mriparaspinal masks``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from mriparaspinal.io.protocol import resolve_settings


@opt.command
@opt.dataset
@opt.out_folder
@opt.mask_format
@opt.fat_threshold
@opt.protocol
@opt.participant_label
@opt.jobs
@opt.quiet
@opt.verbose
def masks(
    dataset: Path,
    out: Path,
    format_: str,
    participant_label: tuple[str, ...],
    jobs: int | None,
    quiet: bool,
    verbose: bool,
    **protocol: Any,
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
    from mriparaspinal.io.protocol import run_options

    settings = resolve_settings(dataset, protocol)
    refuse_dataset_as_output(dataset, out)
    _, jobs = run_options(dataset, None, jobs)
    say_jobs(jobs, quiet)
    with OutputFolder(out, MASKS) as folder:
        study = open_dataset(dataset, settings, leave_out=out, share=participant_label)
        with progress_bar("drawing", len(study.dataset.slices), quiet) as advance:
            nifti = format_ == "nifti"
            drawn, problems = draw_slices(study, folder, settings, jobs, advance, nifti)
    say_problems(problems, quiet, verbose)
    errors = sum(problem.severity == "error" for problem in problems)
    say(f"drew {drawn} of {counted(len(study.dataset.slices), 'slice')} into {out}", quiet)
    if errors:
        raise SystemExit(EXIT_PARTLY)
