"""``mriparaspinal maps``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import VERBOSE, progress_bar, say
from mriparaspinal.cli.steps import save
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    from mriparaspinal.analysis.drawing import FigureFiles
    from mriparaspinal.io.nifti import Form

Kind = Literal["dti", "mtr", "ratio", "fat-fraction", "paint"]


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


@dataclass(frozen=True, kw_only=True)
class Painted:
    """What regions of an atlas are painted with."""

    comparisons: Annotated[
        Path | None,
        opt.option("--comparisons", "paint: comparisons.csv of compare with a table of regions.", "FILE"),
    ] = None
    atlas: Annotated[Path | None, opt.option("--atlas", "paint: the atlas of labels.", "FILE")] = None
    table: Annotated[
        Path | None, opt.option("--table", "paint: names of the atlas: value,label or index,name.", "FILE")
    ] = None
    metric: Annotated[
        str | None, opt.option("--metric", "paint: how the metrics begin, such as fa_mean.", "NAME")
    ] = None
    contrast: Annotated[
        str | None, opt.option("--contrast", "paint: which, if there are several.", "CONTRAST")
    ] = None
    p_column: Annotated[
        Literal["p", "p_adjusted", "p_exact"] | None,
        opt.option("--p-column", "paint: the p-value [default: p]."),
    ] = None


@opt.command
def maps(
    *,
    kind: Annotated[Kind, opt.argument(f"What to compute: {', '.join(get_args(Kind))}.")],
    out: Annotated[Path, opt.option("--out", "The map, .nii.gz; of dti and paint a folder.", "FILE|DIR")],
    images: Images,
    painted: Painted,
    same_voxels: Annotated[
        bool, opt.option("--same-voxels", "The two images are one grid, though the origin of one is lost.")
    ] = False,
    affine: opt.Affine = None,
    figures: opt.FigureLook,
) -> None:
    """Compute a NIfTI map from others, voxel by voxel. Nothing is resampled.

    dti: FA, MD, AD and RD by weighted least squares (dipy, the extra "brain"); mtr: 100·(off − on)/off in %;
    ratio: numerator / denominator; fat-fraction: fat / (fat + water); paint: the regions of an atlas by
    −log10 p of a comparison, above 0 where the first group is larger. Where a number is not defined, the
    voxel is NaN. See docs/brain-maps.md.

    \b
    Example:
      mriparaspinal maps dti --data dwi.nii.gz --bval dwi.bval --bvec dwi.bvec --mask brain.nii.gz --out dti
      mriparaspinal maps mtr --mt mt_on.nii.gz --no-mt mt_off.nii.gz --out mtr.nii.gz
      mriparaspinal maps ratio --numerator t1.nii.gz --denominator t2.nii.gz --out t1_over_t2.nii.gz
      mriparaspinal maps fat-fraction --fat fat.nii.gz --water water.nii.gz --out ff.nii.gz
      mriparaspinal maps paint --comparisons compared/comparisons.csv --atlas atlas.nii.gz --table labels.csv
        --metric fa_mean --out painted
    """
    import mriparaspinal as api

    given = {name: path for name, path in vars(images).items() if path is not None}
    asked = {name: value for name, value in vars(painted).items() if value is not None}
    how = figures.drawn_by(None)
    if kind == "paint":
        return _paint(asked, [*given, *(["same_voxels"] if same_voxels else [])], out, affine, how)
    if asked or how.formats or how.style:
        only = argument(next(iter(asked), "figure_format" if how.formats else "style"))
        raise UsageError(f"maps {kind}: {only} does not apply; expected it with paint alone; leave it out")
    with progress_bar() as progress:
        made = api.make_maps(kind, given, out, same_voxels=same_voxels, affine=affine, progress=progress)
    for line in made.summary["values"]:
        say(line, VERBOSE)
    for note in made.notes:
        say(f"note: {note}")
    names = (name.removesuffix(".gz").removesuffix(".nii") for name in made.summary["maps"])
    say(f"made {', '.join(names)} into {out}")


def _paint(
    asked: dict[str, Any], others: list[str], out: Path, affine: Form | None, how: FigureFiles
) -> None:
    """The regions of an atlas, painted; ``others``: options of the other kinds."""
    import mriparaspinal as api

    needed = ("comparisons", "atlas", "table", "metric")
    for name in needed:
        if name not in asked:
            expected = ", ".join(map(argument, needed))
            raise UsageError(f"maps paint: no {argument(name)}; expected {expected}; name it")
    if others:
        raise UsageError(f"maps paint: {argument(others[0])} does not apply; leave it out")
    files = [asked.pop(name) for name in needed]
    found = api.paint_regions(*files, **asked, affine=affine)
    for name in save(found, out, how):
        say(f"wrote {name}", VERBOSE)
    counts = found.summary
    say(f"painted {counts['painted']} of {count_of(counts['regions'], 'region')} into {out}")
