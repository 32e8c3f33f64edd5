"""``mriparaspinal maps``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say
from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.overwrite import refuse_inputs

Kind = Literal["dti", "mtr", "ratio", "fat-fraction"]

#: The images of each kind, by option: those that it needs, and those that it can do without.
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "dti": ("--data", "--bval", "--bvec"),
    "mtr": ("--mt", "--no-mt"),
    "ratio": ("--numerator", "--denominator"),
    "fat-fraction": ("--fat", "--water"),
}

_PAIR = ("--same-voxels",)

_OPTIONAL = {"dti": ("--mask",), "mtr": _PAIR, "ratio": _PAIR, "fat-fraction": _PAIR}


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
    kind: Annotated[Kind, opt.argument(f"What to compute: {', '.join(_NEEDED)}.")],
    out: Annotated[Path, opt.option("--out", "The map, .nii.gz; of dti a folder.", "FILE|DIR")],
    images: Images,
    same_voxels: Annotated[
        bool, opt.option("--same-voxels", "The two images are one grid, though the origin of one is lost.")
    ] = False,
    affine: opt.Affine = None,
    ui: opt.Ui,
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
    files = {f"--{name.replace('_', '-')}": path for name, path in vars(images).items() if path is not None}
    _check(kind, files, same_voxels)
    from mriparaspinal.brain import make as making
    from mriparaspinal.io.nifti_maps import is_map
    from mriparaspinal.io.output import OutputFolder, write_file

    if kind == "dti":
        data, bval, bvec = (files[option] for option in _NEEDED[kind])
        series = making.open_diffusion(data, bval, bvec, images.mask, affine)
        with progress_bar("fitting", series.series.grid.shape[2], ui.quiet) as advance:
            made = making.make_tensor(series, advance)
    else:
        making.require_nifti_name(out)
        make = {
            "mtr": making.make_mtr,
            "ratio": making.make_ratio,
            "fat-fraction": making.make_fat_fraction,
        }[kind]
        first, second = (files[option] for option in _NEEDED[kind])
        made = make(first, second, out, same_voxels, affine)
    folder = out if kind == "dti" else out.parent
    refuse_inputs("--out", [folder / name for name in made.files], files.values())
    if kind == "dti":
        with OutputFolder(out, making.MAPS, keep_changed=True) as whole:
            whole.replace({**made.files, making.MAPS: making.maps_manifest(made.files)})
    else:
        write_file(out, made.files[out.name], is_map)
    for line in made.summaries if ui.verbose else ():
        say(line, ui.quiet)
    for note in made.notes:
        say(f"note: {note}", ui.quiet)
    say(
        f"made {', '.join(name.removesuffix('.gz').removesuffix('.nii') for name in made.files)} into {out}",
        ui.quiet,
    )


def _check(kind: Kind, images: dict[str, Path], same_voxels: bool) -> None:
    """Raise :class:`UsageError` where an image of a kind is missing, or one is of another kind."""
    missing = [option for option in _NEEDED[kind] if option not in images]
    if missing:
        needed = ", ".join(_NEEDED[kind])
        raise UsageError(f"maps {kind}: no {missing[0]}; expected {needed}; name the image")
    known = [*_NEEDED[kind], *_OPTIONAL[kind]]
    asked = [*images, *(["--same-voxels"] if same_voxels else [])]
    for option in asked:
        if option not in known:
            raise UsageError(f"maps {kind}: {option} does not apply; expected {', '.join(known)}; omit it")
