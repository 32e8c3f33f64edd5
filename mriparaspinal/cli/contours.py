"""``mriparaspinal contours``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of


@opt.command
def contours(
    *,
    source: Annotated[
        tuple[Path, ...],
        opt.argument(
            "Folder of annotations (or one file): see docs/contours.md. Of several the regions are joined.",
            "SOURCE",
        ),
    ],
    dataset: Annotated[Path, opt.option("--dataset", "Folder of the slices.", "DATASET")],
    numbering: opt.Numbering = (),
    tolerance: Annotated[
        float,
        opt.option(
            "--tolerance",
            "Leave out points of outlines that lie this near to the rest [default: 0, exact].",
            "PX",
            min=0,
            max=100,
        ),
    ] = 0.0,
    draft: Annotated[
        bool | None,
        opt.option(
            "--draft/--no-draft",
            "Mark the files as drafts, to be judged before they are measured "
            "[default: label maps, and SEG and RTSTRUCT that say they are automatic].",
        ),
    ] = None,
    affine: opt.Affine = None,
    naming: opt.Naming,
) -> None:
    """Turn annotations of other tools into LabelMe files, to be corrected by hand and measured.

    Reads, for a slice ALS_7_3.png of participant ALS_7: label maps (ALS_7_3_mask.png, ALS_7_3.nii.gz,
    ALS_7.nii.gz, also .nrrd, .seg.nrrd and .mha), ROIs of ImageJ (ALS_7_3.zip, ALS_7_3_*.roi,
    ALS_7_3/*.roi), DICOM RTSTRUCT and SEG (ALS_7.dcm, or below ALS_7/).

    Writes into the dataset: NAME.json next to NAME.png, where LabelMe opens it. It never replaces a file:
    where one is there with other contours, nothing is written at all.

    \b
    Example:
      mriparaspinal contours segmentations --dataset scans --numbering totalsegmentator_mr
      mriparaspinal contours masks --dataset scans --tolerance 0.7
      mriparaspinal contours muscles discs --dataset scans --numbering paraspinalseg --numbering discs.csv
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        made = api.contours(
            source,
            dataset,
            numbering=numbering,
            tolerance=tolerance,
            draft=draft,
            settings=opt.given(naming, affine=affine),
            progress=progress,
        )
    found, kept = made.summary, made.count - made.summary["written"]
    say_problems(made.problem_list)
    done = f"made contours of {made.count} of {count_of(found['slices'], 'slice')} in {dataset}"
    done += f", {kept} of them there already" if kept else ""
    say(f"{done}; {count_of(found['shapes'], 'shape')}")
    if found["drafts"]:
        say(f"{count_of(found['drafts'], 'file')} marked as drafts: judge them and untick draft in LabelMe")
    if tolerance > 0:
        changed = (
            f"changed {found['changed_px']} px in all, at most {found['most_changed_px']} px in one region"
        )
        say(f"the tolerance of {tolerance:g} px {changed}")
    say_next("review" if found["drafts"] else "check", dataset, **vars(naming))
    end(made.problem_list)
