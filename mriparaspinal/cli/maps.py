"""``mriparaspinal maps``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say
from mriparaspinal.cli.steps import refuse_inputs
from mriparaspinal.core.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

#: The images of each kind, by option: those that it needs, and those that it can do without.
_NEEDED = {
    "dti": ("--data", "--bval", "--bvec"),
    "mtr": ("--mt", "--no-mt"),
    "ratio": ("--numerator", "--denominator"),
    "fat-fraction": ("--fat", "--water"),
}

_PAIR = ("--same-voxels",)

_OPTIONAL = {"dti": ("--mask",), "mtr": _PAIR, "ratio": _PAIR, "fat-fraction": _PAIR}


def _image(flag: str, text: str) -> Callable[[F], F]:
    return click.option(flag, type=opt.PATH, metavar="FILE", help=text)


@opt.command
@click.argument(
    "kind", type=click.Choice(list(_NEEDED)), metavar="KIND", help=f"What to compute: {', '.join(_NEEDED)}."
)
@click.option(
    "--out", type=opt.PATH, required=True, metavar="FILE|DIR", help="The map, .nii.gz; of dti a folder."
)
@_image("--data", "dti: the diffusion series (4-D).")
@_image("--bval", "dti: its b-values, as FSL has them.")
@_image("--bvec", "dti: its directions, as FSL has them.")
@_image("--mask", "dti: the voxels to fit [default: all with signal].")
@_image("--mt", "mtr: the image with the saturation pulse.")
@_image("--no-mt", "mtr: the image without it.")
@_image("--numerator", "ratio: the image to divide.")
@_image("--denominator", "ratio: the image to divide by.")
@_image("--fat", "fat-fraction: the fat image (magnitude).")
@_image("--water", "fat-fraction: the water image (magnitude).")
@click.option(
    "--same-voxels", is_flag=True, help="The two images are one grid, though the origin of one is lost."
)
@opt.affine
@opt.quiet
@opt.verbose
def maps(
    kind: str,
    out: Path,
    data: Path | None,
    bval: Path | None,
    bvec: Path | None,
    mask: Path | None,
    mt: Path | None,
    no_mt: Path | None,
    numerator: Path | None,
    denominator: Path | None,
    fat: Path | None,
    water: Path | None,
    same_voxels: bool,
    affine: Literal["qform", "sform"] | None,
    quiet: bool,
    verbose: bool,
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
    given = {
        "--data": data, "--bval": bval, "--bvec": bvec, "--mask": mask, "--mt": mt, "--no-mt": no_mt,
        "--numerator": numerator, "--denominator": denominator, "--fat": fat, "--water": water,
    }  # fmt: skip
    images = {option: path for option, path in given.items() if path is not None}
    _check(kind, images, same_voxels)
    from mriparaspinal.brain import make as making
    from mriparaspinal.io.nifti_maps import is_map
    from mriparaspinal.io.output import OutputFolder, write_file

    if kind == "dti":
        data, bval, bvec = (images[option] for option in _NEEDED[kind])
        series = making.open_diffusion(data, bval, bvec, mask, affine)
        with progress_bar("fitting", series.series.grid.shape[2], quiet) as advance:
            made = making.make_tensor(series, advance)
    else:
        making.require_nifti_name(out)
        make = {
            "mtr": making.make_mtr,
            "ratio": making.make_ratio,
            "fat-fraction": making.make_fat_fraction,
        }[kind]
        first, second = (images[option] for option in _NEEDED[kind])
        made = make(first, second, out, same_voxels, affine)
    folder = out if kind == "dti" else out.parent
    refuse_inputs("--out", [folder / name for name in made.files], images.values())
    if kind == "dti":
        with OutputFolder(out, making.MAPS, keep_changed=True) as whole:
            whole.replace({**made.files, making.MAPS: making.maps_manifest(made.files)})
    else:
        write_file(out, made.files[out.name], is_map)
    for line in made.summaries if verbose else ():
        say(line, quiet)
    for note in made.notes:
        say(f"note: {note}", quiet)
    say(
        f"made {', '.join(name.removesuffix('.gz').removesuffix('.nii') for name in made.files)} into {out}",
        quiet,
    )


def _check(kind: str, images: dict[str, Path], same_voxels: bool) -> None:
    """Raise :class:`UsageError` where an image of a kind is missing, or one is of another kind."""
    missing = [option for option in _NEEDED[kind] if option not in images]
    if missing:
        needed = ", ".join(_NEEDED[kind])
        raise UsageError(f"maps {kind}: no {missing[0]}; expected {needed}; name the image")
    known = [*_NEEDED[kind], *_OPTIONAL[kind]]
    asked = [*images, *(["--same-voxels"] if same_voxels else [])]
    for option in asked:
        if option not in known:
            raise UsageError(f"maps {kind}: {option} is of no use; expected {', '.join(known)}; leave it out")
