"""``mriparaspinal masks``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The format of what is drawn, and what it needs."""

    format_: Annotated[
        Literal["png", "nifti", "nrrd", "seg.nrrd", "mha", "dicom-seg"],
        opt.option(
            "--format", "Index images and overlays, or label maps in the patient's space.", show_default=True
        ),
    ] = "png"
    source: Annotated[
        Path | None,
        opt.option(
            "--source", "The DICOM images for dicom-seg: a folder with one for each participant.", "FOLDER"
        ),
    ] = None


@opt.command
def masks(
    *,
    dataset: opt.Dataset,
    out: opt.Out,
    drawn: Drawn,
    annotations: opt.Annotations = None,
    accept_drafts: opt.AcceptDrafts = False,
    fat_rule: opt.FatRule,
    protocol: opt.Protocol,
    naming: opt.Naming,
    participant_label: opt.ParticipantLabel = (),
    jobs: opt.Jobs = None,
) -> None:
    """Draw what is measured: an index image and an overlay of every slice.

    Writes NAME_mask.png (pixel values as in values.csv) and NAME_overlay.png, in the
    folders of the dataset. Other formats hold label maps in the patient's space: NAME_mask.nii.gz,
    .nrrd, .seg.nrrd (3D Slicer, with names and colours), .mha, or DICOM SEG, PARTICIPANT.dcm.

    \b
    Example:
      mriparaspinal masks scans --out masks
      mriparaspinal masks scans --format seg.nrrd --out slicer
      mriparaspinal masks scans --format dicom-seg --source dicom --out seg
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        made = api.masks(
            dataset,
            out,
            settings=opt.given(fat_rule, protocol, naming),
            format=drawn.format_,
            source=drawn.source,
            annotations=annotations,
            accept_drafts=accept_drafts,
            only=participant_label,
            jobs=jobs,
            progress=progress,
        )
    say_problems(made.problem_list)
    say(f"drew {made.count} of {count_of(made.summary['slices'], 'slice')} into {out}")
    if drawn.format_ == "png" and not any(problem.severity == "error" for problem in made.problem_list):
        settings = vars(fat_rule) | vars(protocol) | vars(naming)
        settings |= {"annotations": annotations, "accept_drafts": accept_drafts}
        looked = "when every overlay is right"
        say_next("run", dataset, "--out", "study", why=looked, **settings)
    end(made.problem_list)
