"""Brain maps from Python: made of images, and measured in the regions of an atlas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mriparaspinal.api.given import Found, PathLike, Progress, each
from mriparaspinal.api.making import Made
from mriparaspinal.brain import make
from mriparaspinal.brain import measure as regional
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.nifti_maps import is_map
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_beside_inputs, refuse_inputs
from mriparaspinal.io.write import Output, same_header, write_file, write_files

if TYPE_CHECKING:
    import pandas as pd

    from mriparaspinal.io.nifti import Form

Kind = Literal["dti", "mtr", "ratio", "fat-fraction"]

#: The images that each kind of map needs.
NEEDED: dict[str, tuple[str, ...]] = {
    "dti": ("data", "bval", "bvec"),
    "mtr": ("mt", "no_mt"),
    "ratio": ("numerator", "denominator"),
    "fat-fraction": ("fat", "water"),
}


def make_maps(
    kind: Kind,
    images: Mapping[str, PathLike],
    out: PathLike,
    *,
    same_voxels: bool = False,
    affine: Form | None = None,
    progress: Progress | None = None,
) -> Made:
    """Compute a NIfTI map from others, voxel by voxel. Nothing is resampled.

    ``mtr`` = 100·(off − on)/off; ``fat-fraction`` = fat/(fat + water); ``dti``: weighted least squares.

    Parameters
    ----------
    kind : {"dti", "mtr", "ratio", "fat-fraction"}
        What to compute.
    images : mapping of str to str or Path
        By name: ``data``, ``bval``, ``bvec`` and, if there is one, ``mask`` for ``dti``; ``mt`` and
        ``no_mt`` for ``mtr``; ``numerator`` and ``denominator``; ``fat`` and ``water``.
    out : str or Path
        The map, ``.nii.gz``; of ``dti`` a folder.
    same_voxels : bool
        The two images are one grid, though the origin of one is lost.
    affine : {"qform", "sform"}, optional
        Which position of a header counts if its two disagree.
    progress : callable, optional
        As for :func:`quantify`, for the slices of ``dti``.

    Returns
    -------
    Made
        ``count`` maps (MTR in %, fraction 0–1, MD, AD, RD in mm²/s), and ``notes`` on voxels that are NaN.

    Raises
    ------
    UsageError, NoInputError
        For an image that is missing, of another kind or grid, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     images = {"mt": f"{folder}/on.nii.gz", "no_mt": f"{folder}/off.nii.gz"}
    ...     for file, value in zip(images.values(), (60.0, 80.0)):
    ...         nibabel.save(nibabel.Nifti1Image(np.full((3, 3, 3), value), np.eye(4)), file)
    ...     made = mp.make_maps("mtr", images, f"{folder}/mtr.nii.gz")
    ...     float(nibabel.load(made.out).get_fdata().mean())
    25.0
    """
    path, read = Path(out), {name: Path(image) for name, image in images.items()}
    _check(kind, [*read, *(["same_voxels"] if same_voxels else [])])
    made = _computed(kind, read, path, same_voxels, affine, progress)
    _write(made, path, kind == "dti", read.values())
    summary = {"maps": tuple(made.files), "values": made.summaries}
    return Made(out=path, count=len(made.files), notes=made.notes, summary=summary)


def _computed(
    kind: str,
    images: Mapping[str, Path],
    out: Path,
    same_voxels: bool,
    affine: Form | None,
    progress: Progress | None,
) -> make.MadeMaps:
    if kind == "dti":
        data, bval, bvec = (images[name] for name in NEEDED[kind])
        series = make.open_diffusion(data, bval, bvec, images.get("mask"), affine)
        return make.make_tensor(series, each(progress, "fitting", series.series.grid.shape[2]))
    make.require_nifti_name(out)
    making = {"mtr": make.make_mtr, "ratio": make.make_ratio}.get(kind, make.make_fat_fraction)
    first, second = (images[name] for name in NEEDED[kind])
    return making(first, second, out, same_voxels, affine)


def _write(made: make.MadeMaps, out: Path, is_folder: bool, inputs: Iterable[Path]) -> None:
    """Put the maps in place; raises :class:`UsageError` over an input."""
    folder = out if is_folder else out.parent
    refuse_inputs(argument("out"), [folder / name for name in made.files], inputs)
    if is_folder:
        with OutputFolder(out, make.MAPS, keep_changed=True) as whole:
            whole.replace({**made.files, make.MAPS: make.maps_manifest(made.files)})
    else:
        write_file(out, made.files[out.name], is_map)


def _check(kind: str, given: Iterable[str]) -> None:
    """Raise :class:`UsageError` where an image of a kind is missing, or one is of another kind."""
    if kind not in NEEDED:
        raise UsageError(f"kind: {kind!r} was found; expected {', '.join(NEEDED)}; correct it")
    given, needed = list(given), NEEDED[kind]
    known = [argument(name) for name in (*needed, "mask" if kind == "dti" else "same_voxels")]
    for name in needed:
        if name not in given:
            expected = ", ".join(map(argument, needed))
            raise UsageError(f"maps {kind}: no {argument(name)}; expected {expected}; name the image")
    for name in map(argument, given):
        if name not in known:
            found = f"{name} does not apply; expected {', '.join(known)}"
            raise UsageError(f"maps {kind}: {found}; leave it out")


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionTables(Found):
    """Measurements of the regions of an atlas."""

    outputs: tuple[bytes, bytes] = field(repr=False)
    """The bytes of the long and the wide table."""
    inputs: tuple[Path, ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per participant, region and map."""
        return _frame(self.outputs[0])

    @cached_property
    def wide(self) -> pd.DataFrame:
        """One row per participant, columns such as ``fa_mean_REGION``."""
        return _frame(self.outputs[1])

    def save(self, file: PathLike, wide: PathLike | None = None) -> None:
        """Write the long table and, if it is named, the wide one."""
        refuse_tables(file, wide, self.inputs)
        named = ((file, self.outputs[0]), (wide, self.outputs[1]))
        tables = [(Path(path), content) for path, content in named if path is not None]
        # The long table is the last: it is what the wide one was made of.
        write_files([Output(path, content, same_header(content)) for path, content in reversed(tables)])


def refuse_tables(file: PathLike, wide: PathLike | None, inputs: Iterable[Path]) -> None:
    """Raise :class:`UsageError` where a table of regions is an input, or both are one file."""
    inputs = list(inputs)
    if wide is not None and Path(wide).resolve() == Path(file).resolve():
        found = f"is {argument('save')}, too; expected two files; choose another"
        raise UsageError(f"{argument('wide')} {wide}: {found}")
    for name, path in (("save", file), ("wide", wide)):
        if path is not None:
            refuse_beside_inputs(argument(name), Path(path), inputs, ())


def _frame(content: bytes) -> pd.DataFrame:
    from mriparaspinal.analysis.frames import table_frame
    from mriparaspinal.io.tables import parse_table

    return table_frame(parse_table(content, "regions"))


def measure_regions(
    maps: Mapping[str, PathLike],
    regions: tuple[PathLike, PathLike] | Mapping[str, PathLike],
    *,
    tissues: Mapping[str, PathLike] | None = None,
    percent: bool = False,
    ignore_zero: bool = False,
    affine: Form | None = None,
    subjects: PathLike | None = None,
    participant: str | None = None,
    tiv: float | str | tuple[str, PathLike] | None = None,
    progress: Progress | None = None,
) -> RegionTables:
    """Mean, SD, median and volume of NIfTI maps in the regions of an atlas. Nothing is resampled.

    Parameters
    ----------
    maps, tissues : mapping of str to str or Path
        By name: the maps to average, and maps of tissue shares, whose volume is wanted.
    regions : pair of str or Path; or mapping of str to str or Path
        An atlas (labels, or 4-D probabilities) and the table of its names; or by region a map or mask.
    percent, ignore_zero : bool
        Probabilities are 0–100, not 0–1; voxels in which a map is exactly 0 are left out.
    subjects, participant : str or Path, optional
        A folder of participants, for files with ``{participant_id}`` in their names; or whose files they are.
    tiv : float or str, or pair of str and path, optional
        Intracranial volume in ml, or the column of a participants table that has it.
    affine, progress : optional
        As for :func:`make_maps`.

    Returns
    -------
    Regions
        ``table`` and ``wide``, whose columns the data dictionary lists; volumes are in ml.

    Raises
    ------
    UsageError, NoInputError
        For images of another grid, and names that are missing; where nothing could be measured.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np
    >>> import mriparaspinal as mp
    >>> image = nibabel.Nifti1Image(np.full((3, 3, 3), 0.5), np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("fa", "cst"):
    ...         nibabel.save(image, f"{folder}/{name}.nii.gz")
    ...     found = mp.measure_regions({"fa": f"{folder}/fa.nii.gz"}, {"CST": f"{folder}/cst.nii.gz"})
    >>> found.table[["region", "map", "mean"]].values.tolist()
    [['CST', 'fa', 0.5]]
    """
    request = _request(maps, regions, tissues, percent=percent, ignore_zero=ignore_zero, affine=affine)
    regional.check_request(request, subjects is not None)
    volumes, table = _volumes(tiv)
    people = _people(subjects, participant, request)
    measured = regional.measure_regions(request, people, volumes, each(progress, "measuring", len(people)))
    names = [] if isinstance(regions, Mapping) else [regions[1]]
    return _tables(measured, map(Path, (*request.files(), *names, *table)))


def _volumes(
    tiv: float | str | tuple[str, PathLike] | None,
) -> tuple[Mapping[str, float] | float | None, tuple[Path, ...]]:
    """The intracranial volume, or volumes by participant, and the table that has them."""
    column, file = tiv if isinstance(tiv, tuple) else (tiv, None)
    table = None if file is None else Path(file)
    volumes = None if column is None else regional.read_tiv(str(column), table)
    return volumes, () if table is None else (table,)


def _people(
    subjects: PathLike | None, participant: str | None, request: regional.Request
) -> list[regional.Subject]:
    if subjects is None:
        return [regional.single_subject(participant, request)]
    if participant is not None:
        found = f"given with {argument('subjects')}, whose folders give it; leave one out"
        raise UsageError(f"{argument('participant')}: {found}")
    return regional.find_subjects(Path(subjects))


def _tables(measured: regional.Measured, inputs: Iterable[Path]) -> RegionTables:
    rows = measured.rows
    return RegionTables(
        problem_list=tuple(measured.problems),
        summary={
            "regions": len({row.region for row in rows}),
            "participants": measured.participants,
            "unnamed": not rows[0].participant_id,
        },
        outputs=(regional.long_csv(rows), regional.wide_csv(rows)),
        inputs=tuple(inputs),
    )


def _request(
    maps: Mapping[str, PathLike],
    regions: tuple[PathLike, PathLike] | Mapping[str, PathLike],
    tissues: Mapping[str, PathLike] | None,
    **options: Any,
) -> regional.Request:
    if twice := sorted(set(maps) & set(tissues or {})):
        found = f"a {argument('map')}, too; expected each name once; name one otherwise"
        raise UsageError(f"{argument('tissue')} {twice[0]}: {found}")
    atlas, names = ("", None) if isinstance(regions, Mapping) else regions
    return regional.Request(
        maps=_texts(maps),
        tissues=_texts(tissues or {}),
        atlas=str(atlas),
        names={} if names is None else regional.read_names(Path(names)),
        probabilities=_texts(regions if isinstance(regions, Mapping) else {}),
        **options,
    )


def _texts(files: Mapping[str, PathLike]) -> dict[str, str]:
    return {name: str(path) for name, path in files.items()}
