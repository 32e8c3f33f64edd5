"""Masks, contours, maps, pages and synthetic studies from Python: each is written where ``out`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from mriparaspinal.api.given import PathLike, Table, files, problems_frame
from mriparaspinal.api.measuring import StudyResults
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.model import SEGMENTS, Settings
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_beside_inputs, refuse_inputs
from mriparaspinal.io.protocol import resolve_settings, run_options, sound
from mriparaspinal.io.write import require_ours, write_file

#: The images that each kind of map needs, and those that it can do without.
_IMAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dti": (("data", "bval", "bvec"), ("mask",)),
    "mtr": (("mt", "no_mt"), ()),
    "ratio": (("numerator", "denominator"), ()),
    "fat-fraction": (("fat", "water"), ()),
}


@dataclass(frozen=True, eq=False)
class Made:
    """What was written, and what there is to say about it."""

    out: Path
    """The folder or file."""
    count: int
    """How many slices, maps or files."""
    problems: pd.DataFrame
    """In the columns of ``problems.csv``: file, shape, severity, code, message, remedy."""
    notes: tuple[str, ...] = ()


def masks(
    dataset: PathLike,
    out: PathLike,
    *,
    settings: Settings | None = None,
    format: Literal["png", "nifti"] = "png",
    only: Sequence[str] = (),
    jobs: int | None = None,
) -> Made:
    """Draw what is measured: an index image and an overlay of every slice, or NIfTI label maps.

    Parameters
    ----------
    dataset : str or Path
        Folder of slices and their LabelMe files.
    out : str or Path
        The folder to write; made if missing.
    settings, only, jobs : optional
        As for :func:`quantify`.
    format : {"png", "nifti"}
        ``NAME_mask.png`` with ``NAME_overlay.png``, or ``NAME_mask.nii.gz`` in the patient's space.

    Returns
    -------
    Made
        ``count`` slices that were drawn, and the ``problems``.

    Raises
    ------
    UsageError
        Where ``out`` is the dataset.
    NoInputError
        Where no slice could be drawn.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mp.masks("sample_data", f"{folder}/masks", only=["ALS_1"]).count
    5
    """
    from mriparaspinal.annotations.to_masks import MASKS, draw_slices
    from mriparaspinal.dataset.open import open_dataset

    root, folder = Path(dataset), Path(out)
    refuse_inputs("out", [folder], [root])
    if format not in ("png", "nifti"):
        raise UsageError(f"format: {format!r} was found; expected png or nifti; correct it")
    protocol = resolve_settings(root, {}) if settings is None else sound(settings)
    _, processes = run_options(root, None, jobs)
    with OutputFolder(folder, MASKS) as written:
        study = open_dataset(root, protocol, leave_out=folder, share=list(only))
        drawn, problems = draw_slices(study, written, protocol, processes, nifti=format == "nifti")
    return Made(folder, drawn, problems_frame(problems))


def contours(
    source: PathLike,
    dataset: PathLike,
    *,
    numbering: str | None = None,
    tolerance: float = 0.0,
    settings: Settings | None = None,
) -> Made:
    """Turn annotations of other tools into LabelMe files beside the slices, to be corrected by hand.

    This writes into the dataset: ``NAME.json`` beside ``NAME.png``. No file is ever replaced: where one is
    there with other contours, nothing is written at all.

    Parameters
    ----------
    source : str or Path
        Label maps, ROIs of ImageJ, DICOM RTSTRUCT or SEG: a folder, or one file.
    dataset : str or Path
        Folder of the slices, which the files are written into.
    numbering : str, optional
        What the numbers of label maps mean: a name, or a table's file.
    tolerance : float
        In pixels: points of outlines that lie this near to the rest are left out. 0 is exact.
    settings : Settings, optional
        As for :func:`quantify`.

    Returns
    -------
    Made
        ``count`` LabelMe files, and the ``problems``.

    Raises
    ------
    UsageError
        Where a file with other contours is there.
    NoInputError
        Where there are no annotations for any slice.

    Examples
    --------
    >>> import shutil, tempfile
    >>> from pathlib import Path
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = mp.masks("sample_data", f"{folder}/masks", only=["ALS_1"])
    ...     scans = Path(folder, "scans")
    ...     scans.mkdir()
    ...     _ = shutil.copy("sample_data/ALS_1_3.png", scans)
    ...     mp.contours(f"{folder}/masks", scans).count
    1
    """
    from mriparaspinal.annotations.to_labelme import make_contours, open_annotations
    from mriparaspinal.core.errors import NoInputError
    from mriparaspinal.io.labelme import write_beside

    root = Path(dataset)
    if not 0 <= tolerance <= 100:
        raise UsageError(f"tolerance: {tolerance} was found; expected 0 to 100 pixels; correct it")
    protocol = resolve_settings(root, {}) if settings is None else sound(settings)
    made = make_contours(open_annotations(Path(source), root, protocol, numbering), tolerance)
    if not made.files:
        found = "no contours could be made for any slice"
        lines = [problem.line() for problem in made.problems if problem.severity == "error"]
        expected = "expected annotations named as the slices; see the page on contours of other tools"
        raise NoInputError("\n".join([*lines[:20], f"{source}: {found}; {expected}"]))
    write_beside(root, made.files)
    return Made(root, len(made.files), problems_frame(made.problems))


def make_maps(
    kind: Literal["dti", "mtr", "ratio", "fat-fraction"],
    images: Mapping[str, PathLike],
    out: PathLike,
    *,
    same_voxels: bool = False,
    affine: Literal["qform", "sform"] | None = None,
) -> Made:
    """Compute a NIfTI map from others, voxel by voxel. Nothing is resampled.

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
        Which place of a header counts where its two disagree.

    Returns
    -------
    Made
        ``count`` maps, and ``notes`` on what is not defined. MTR is in %, the fraction 0–1, MD, AD and RD
        in mm²/s where the b-values are in s/mm².

    Raises
    ------
    UsageError
        For an image that is missing, of another kind, or of another grid.
    NoInputError
        For an image that cannot be read.

    Notes
    -----
    ``mtr`` = 100·(off − on)/off; ``fat-fraction`` = fat/(fat + water); ``dti`` by weighted least squares
    (dipy). Where a number is not defined, the voxel is NaN.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, value in (("on", 60.0), ("off", 80.0)):
    ...         image = nibabel.Nifti1Image(np.full((3, 3, 3), value), np.eye(4))
    ...         nibabel.save(image, f"{folder}/{name}.nii.gz")
    ...     images = {"mt": f"{folder}/on.nii.gz", "no_mt": f"{folder}/off.nii.gz"}
    ...     made = mp.make_maps("mtr", images, f"{folder}/mtr.nii.gz")
    ...     float(nibabel.load(made.out).get_fdata().mean())
    25.0
    """
    from mriparaspinal.brain import make as making
    from mriparaspinal.io.nifti_maps import is_map

    if kind not in _IMAGES:
        raise UsageError(f"kind: {kind!r} was found; expected {', '.join(_IMAGES)}; correct it")
    needed, optional = _IMAGES[kind]
    if not set(needed) <= set(images) <= {*needed, *optional} or (kind == "dti" and same_voxels):
        found = f"{', '.join(images)}{' and same_voxels' if same_voxels else ''} were found"
        raise UsageError(f"maps {kind}: {found}; expected {', '.join((*needed, *optional))}; correct them")
    path, read = Path(out), {name: Path(image) for name, image in images.items()}
    if kind == "dti":
        series = making.open_diffusion(read["data"], read["bval"], read["bvec"], read.get("mask"), affine)
        made = making.make_tensor(series)
    else:
        making.require_nifti_name(path)
        make = {"mtr": making.make_mtr, "ratio": making.make_ratio}.get(kind, making.make_fat_fraction)
        made = make(read[needed[0]], read[needed[1]], path, same_voxels, affine)
    folder = path if kind == "dti" else path.parent
    refuse_inputs("out", [folder / name for name in made.files], read.values())
    if kind == "dti":
        with OutputFolder(path, making.MAPS, keep_changed=True) as whole:
            whole.replace({**made.files, making.MAPS: making.maps_manifest(made.files)})
    else:
        write_file(path, made.files[path.name], is_map)
    return Made(path, len(made.files), problems_frame([]), made.notes)


def make_report(
    results: PathLike | StudyResults,
    dataset: PathLike,
    out: PathLike,
    *,
    comparison: PathLike | None = None,
    masks: PathLike | None = None,
    participants: Table | None = None,
    jobs: int = 1,
) -> Made:
    """Make one HTML page of a study: findings, every slice with its outlines, tables and figures.

    Parameters
    ----------
    results : StudyResults, str or Path
        Results of the study.
    dataset : str or Path
        The dataset that they were measured from.
    out : str or Path
        The page to write, ``.html``.
    comparison : str or Path, optional
        The folder that :func:`compare` on these results was saved into.
    masks : str or Path, optional
        The label maps, where the results were measured from those.
    participants : str, Path or DataFrame, optional
        Participants table in place of the results' own.
    jobs : int
        Processes to draw with: see :func:`quantify`.

    Returns
    -------
    Made
        ``count`` slices on the page, and the ``problems`` of the participants table.

    Raises
    ------
    UsageError
        Where ``out`` is an input, or a file that is no page of ours.
    NoInputError
        Where dataset, results and comparison do not belong together.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = mp.make_phantom(f"{folder}/scans", als=1, lr=0, size=128)
    ...     measured = mp.quantify(study.out)
    ...     mp.make_report(measured, study.out, f"{folder}/report.html").count
    5
    """
    from mriparaspinal.analysis.inputs import open_cohort
    from mriparaspinal.measure.reopen import open_measured
    from mriparaspinal.report.gather import gather
    from mriparaspinal.report.html import is_page, render

    path, root = Path(out), Path(dataset)
    compared, maps = (None if p is None else Path(p) for p in (comparison, masks))
    in_hand = isinstance(results, StudyResults)
    folder = results.read.folder if isinstance(results, StudyResults) else Path(results)
    made = () if isinstance(results, StudyResults) and not results.saved else (folder,)
    refuse_beside_inputs("out", path, (), (root, maps), (*made, compared))
    require_ours(path, is_page, "out")
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        cohort = open_cohort(results.read if isinstance(results, StudyResults) else folder, people)
    source = open_measured(folder, cohort.manifest, root, maps)
    contents = gather(cohort, source, compared, jobs)
    if made or not in_hand:
        for read in cohort.sources:
            read.require_same()
    write_file(path, render(contents), is_page)
    return Made(path, len(source.study.dataset.slices), problems_frame(cohort.problems), cohort.notes)


def make_phantom(
    out: PathLike,
    *,
    als: int = 8,
    lr: int = 8,
    seed: int = 1,
    size: int = 256,
    als_atrophy: float = 0.3,
    lr_atrophy: float = 0.0,
    als_fat: float = 0.0,
    lr_fat: float = 0.0,
    clinical: bool = False,
) -> Made:
    """Draw a synthetic study whose answers are known: slices, contours, participants and ``truth.csv``.

    Parameters
    ----------
    out : str or Path
        Folder for the dataset: new or empty.
    als, lr : int
        Patients of each group, 0–999.
    seed : int
        The same seed gives the same bytes.
    size : int
        Rows and columns of each image, 128–1024.
    als_atrophy, lr_atrophy : float
        Fraction of the area lost on the onset side at L3–L5, 0–0.8.
    als_fat, lr_fat : float
        Added to FI on the onset side at L3–L5, 0–0.5.
    clinical : bool
        Also clinical records, in ``records``.

    Returns
    -------
    Made
        ``count`` slices.

    Raises
    ------
    UsageError
        For a number out of its range, and a folder that holds files.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mp.make_phantom(f"{folder}/scans", als=1, lr=1, size=128).count
    10
    """
    from mriparaspinal.phantom.model import Effects
    from mriparaspinal.phantom.slices import make_cohort, make_slices
    from mriparaspinal.phantom.write import record_files, write_cohort

    for name, value, low, high in (
        ("als", als, 0, 999), ("lr", lr, 0, 999), ("seed", seed, 0, float("inf")), ("size", size, 128, 1024),
        ("als_atrophy", als_atrophy, 0, 0.8), ("lr_atrophy", lr_atrophy, 0, 0.8),
        ("als_fat", als_fat, 0, 0.5), ("lr_fat", lr_fat, 0, 0.5), ("als + lr", als + lr, 1, 1998),
    ):  # fmt: skip
        if not low <= value <= high:
            raise UsageError(f"{name}: {value} was found; expected {low} to {high}; correct it")
    people = make_cohort(als, lr, seed)
    slices = make_slices(people, seed, size, Effects(als_atrophy, lr_atrophy, als_fat, lr_fat))
    write_cohort(Path(out), people, slices, None, record_files(people, seed) if clinical else {})
    return Made(Path(out), len(people) * len(SEGMENTS), problems_frame([]))
