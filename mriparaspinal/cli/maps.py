"""``mriparaspinal maps``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import VERBOSE, progress_bar, say

Kind = Literal["dti", "mtr", "ratio", "fat-fraction"]


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of all kinds."""

    data: Annotated[Path | None, opt.option("--data", "dti: the diffusion series (4-D).", "FILE")] = None
    bval: Annotated[Path | None, opt.option("--bval", "dti: its b-values, as FSL has them.", "FILE")] = None
    bvec: Annotated[Path | None, opt.option("--bvec", "dti: its directions, as FSL has them.", "FILE")] = None
    mask: Annotated[
        Path | None, opt.option("--mask", "dti: the voxels to fit [default: all with signal].", "FILE")
    ] = None
    mt: Annotated[Path | None, opt.option("--mt", "mtr: the image with the saturation pulse.", "FILE")] = None
    no_mt: Annotated[Path | None, opt.option("--no-mt", "mtr: the image without it.", "FILE")] = None
    numerator: Annotated[Path | None, opt.option("--numerator", "ratio: the image to divide.", "FILE")] = None
    denominator: Annotated[
        Path | None, opt.option("--denominator", "ratio: the image to divide by.", "FILE")
    ] = None
    fat: Annotated[Path | None, opt.option("--fat", "fat-fraction: the fat image (magnitude).", "FILE")] = (
        None
    )
    water: Annotated[
        Path | None, opt.option("--water", "fat-fraction: the water image (magnitude).", "FILE")
    ] = None


@opt.command
def maps(
    *,
    kind: Annotated[Kind, opt.argument(f"What to compute: {', '.join(get_args(Kind))}.")],
    out: Annotated[Path, opt.option("--out", "The map, .nii.gz; of dti a folder.", "FILE|DIR")],
    images: Images,
    same_voxels: Annotated[
        bool, opt.option("--same-voxels", "The two images are one grid, though the origin of one is lost.")
    ] = False,
    affine: opt.Affine = None,
) -> None:
    """Compute a NIfTI map from others, voxel by voxel. Nothing is resampled.

    dti: FA, MD, AD and RD by weighted least squares (dipy, the extra "brain"); mtr: 100·(off − on)/off in %;
    ratio: numerator / denominator; fat-fraction: fat / (fat + water). Where a number is not defined, the
    voxel is NaN. See docs/brain-maps.md.

    \b
    Example:
      mriparaspinal maps dti --data dwi.nii.gz --bval dwi.bval --bvec dwi.bvec --mask brain.nii.gz --out dti
      mriparaspinal maps mtr --mt mt_on.nii.gz --no-mt mt_off.nii.gz --out mtr.nii.gz
      mriparaspinal maps ratio --numerator t1.nii.gz --denominator t2.nii.gz --out t1_over_t2.nii.gz
      mriparaspinal maps fat-fraction --fat fat.nii.gz --water water.nii.gz --out ff.nii.gz
    """
    import mriparaspinal as api

    given = {name: path for name, path in vars(images).items() if path is not None}
    with progress_bar() as progress:
        made = api.make_maps(kind, given, out, same_voxels=same_voxels, affine=affine, progress=progress)
    for line in made.summary["values"]:
        say(line, VERBOSE)
    for note in made.notes:
        say(f"note: {note}")
    names = (name.removesuffix(".gz").removesuffix(".nii") for name in made.summary["maps"])
    say(f"made {', '.join(names)} into {out}")
