"""``mriparaspinal masks``."""

from __future__ import annotations

from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of


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
    folders of the dataset. With --format nifti, NAME_mask.nii.gz in the patient's space.

    \b
    Example:
      mriparaspinal masks scans --out masks
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        made = api.masks(
            dataset,
            out,
            settings=opt.given(fat_rule, protocol, naming),
            format=format_,
            annotations=annotations,
            accept_drafts=accept_drafts,
            only=participant_label,
            jobs=jobs,
            progress=progress,
        )
    say_problems(made.problem_list)
    say(f"drew {made.count} of {count_of(made.summary['slices'], 'slice')} into {out}")
    if format_ == "png" and not any(problem.severity == "error" for problem in made.problem_list):
        settings = vars(fat_rule) | vars(protocol) | vars(naming)
        settings |= {"annotations": annotations, "accept_drafts": accept_drafts}
        looked = "when every overlay is right"
        say_next("run", dataset, "--out", "study", why=looked, **settings)
    end(made.problem_list)
