"""``mriparaspinal contours``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say, say_problems
from mriparaspinal.core.errors import EXIT_PARTLY, NoInputError
from mriparaspinal.io.protocol import resolve_settings


@opt.command
def contours(
    *,
    source: Annotated[Path, opt.argument("Folder of annotations (or one file): see docs/contours.md.")],
    dataset: Annotated[Path, opt.option("--dataset", "Folder of the slices.", "DATASET")],
    numbering: Annotated[
        str | None,
        opt.option(
            "--numbering",
            "What the numbers of label maps mean: mriparaspinal, musclemap, "
            "totalsegmentator, totalsegmentator_mr, or a table value,label [default: values.csv in SOURCE].",
            "NAME|FILE.csv",
        ),
    ] = None,
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
    affine: opt.Affine = None,
    naming: opt.Naming,
    ui: opt.Ui,
) -> None:
    """Turn annotations of other tools into LabelMe files, to be corrected by hand and measured.

    Reads, for a slice ALS_7_3.png of participant ALS_7: label maps (ALS_7_3_mask.png, ALS_7_3.nii.gz,
    ALS_7.nii.gz), ROIs of ImageJ (ALS_7_3.zip, ALS_7_3_*.roi, ALS_7_3/*.roi), DICOM RTSTRUCT and SEG
    (ALS_7.dcm, or below ALS_7/).

    This command alone writes into the dataset: NAME.json next to NAME.png, where LabelMe opens it. It
    never replaces a file: where one is there with other contours, nothing is written at all.

    \b
    Example:
      mriparaspinal contours segmentations --dataset scans --numbering totalsegmentator_mr
      mriparaspinal contours masks --dataset scans --tolerance 0.7
    """
    from mriparaspinal.annotations.to_labelme import make_contours, open_annotations
    from mriparaspinal.io.labelme import write_beside

    settings = resolve_settings(dataset, opt.given(naming, affine=affine))
    annotations = open_annotations(source, dataset, settings, numbering)
    slices = len(annotations.slices)
    with progress_bar("making contours", slices, ui.quiet) as advance:
        made = make_contours(annotations, tolerance, advance)
    say_problems(made.problems, ui.quiet, ui.verbose)
    if not made.files:
        found = f"no contours could be made for any of {counted(slices, 'slice')}"
        raise NoInputError(
            f"{source}: {found}; expected annotations named as the slices; see docs/contours.md"
        )
    written = write_beside(dataset, made.files)
    kept = f", {len(made.files) - written} of them there already" if written < len(made.files) else ""
    done = f"made contours of {len(made.files)} of {counted(slices, 'slice')} in {dataset}{kept}"
    say(f"{done}; {counted(made.shapes, 'shape')}", ui.quiet)
    if tolerance > 0:
        changed = f"changed {made.changed_px} px in all, at most {made.most_changed_px} px in one region"
        say(f"the tolerance of {tolerance:g} px {changed}", ui.quiet)
    if any(problem.severity == "error" for problem in made.problems):
        raise SystemExit(EXIT_PARTLY)
