"""The pictures of a whole dataset folder, written slice by slice."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from mriparaspinal.annotations.overlay import (
    in_maps,
    index_image,
    label_map,
    overlay,
    region_colour,
    region_layers,
)
from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.filenames import SLICES_TABLE, name_too_long
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import Problem, Settings, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.dataset.contour_source import ContourSource
from mriparaspinal.dataset.made import told_once
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.dataset.regions import RegionKey
from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.label_volumes import label_volume_bytes
from mriparaspinal.io.manifest import outputs_manifest
from mriparaspinal.io.metaimage import metaimage_bytes
from mriparaspinal.io.nrrd import Segment, nrrd_bytes
from mriparaspinal.io.numberings import OVERLAP, VALUE_COLUMNS, value_table, values_of
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.io.write import cannot_write, sha256, write_new
from mriparaspinal.measure.slice import slice_threshold
from mriparaspinal.parallel.map import map_in_order

#: The file that lists the others.
MASKS = "masks.json"

VALUES = "values.csv"

#: What follows the name of a slice in those of its files, by format.
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "png": ("_mask.png", "_overlay.png"),
    "nifti": ("_mask.nii.gz",),
    "nrrd": ("_mask.nrrd",),
    "seg.nrrd": ("_mask.seg.nrrd",),
    "mha": ("_mask.mha",),
}

#: Formats of which a file holds overlapping regions each by itself.
_LAYERED = ("seg.nrrd",)


def draw_slices(
    study: Dataset,
    folder: OutputFolder,
    settings: Settings,
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
    format: str = "png",
) -> tuple[int, list[Problem]]:
    """Write index image and overlay of every slice, or its label map, and the table of values.

    They are put in place together. What an earlier run drew of slices that cannot be drawn now goes.
    Returns the number of slices drawn and all problems. Raises :class:`NoInputError` where none could be.
    """
    volumes = format != "png"
    draw = (
        partial(_label_map_of, study, settings, format)
        if volumes
        else partial(_pictures_of, study.root, study.source, settings)
    )
    work = partial(_draw_slice, draw, folder.path, folder.stage)
    results = list(map_in_order(work, study.dataset.slices, jobs, progress))
    found = (problem for _, problems in results for problem in problems)
    problems = told_once([*study.dataset.problems, *found], "contours")
    drawn = sum(bool(digests) for digests, _ in results)
    if not drawn:
        raise NoInputError(f"{study.root}: no slice could be drawn; expected annotated slices; run 'check'")
    if volumes:
        problems += _without_place(study)
    digests = {name: digest for digests, _ in results for name, digest in digests.items()}
    values = csv_bytes(VALUE_COLUMNS, value_table(volumes and format not in _LAYERED, settings.regions))
    endings = ENDINGS[format]
    mine = {f"{_stem(slice_)}{ending}" for slice_ in study.dataset.slices for ending in endings}
    before = [name for name in folder.written_before() if name.endswith(endings)]
    # A share leaves those of the others, and each format those of the other.
    stale = {n for n in before if n not in digests and (not study.share or n in mine)}
    folder.staged(digests)
    put_in_place(folder, digests, stale, {VALUES: values})
    return drawn, problems


def put_in_place(
    folder: OutputFolder, digests: Mapping[str, str], stale: Collection[str], tables: Mapping[str, bytes]
) -> None:
    """Put the files that wait, and tables, in place of those that are ``stale``; the manifest is the last.

    ``digests``: of the files, which :meth:`OutputFolder.staged` or :meth:`~OutputFolder.put` know already.
    """
    before = folder.written_before()
    others = {n: d for n, d in before.items() if n not in stale and n != MASKS and d}
    outputs = {**others, **digests, **{name: sha256(content) for name, content in tables.items()}}
    files = {**tables, MASKS: outputs_manifest(dict(sorted(outputs.items())))}
    folder.replace(files, [name for name in stale if (folder.path / name).is_file()])


def _draw_slice(
    draw: Callable[[Slice], tuple[dict[str, bytes], list[Problem]]], out: Path, stage: Path, slice_: Slice
) -> tuple[dict[str, str], list[Problem]]:
    """Write the files of a slice where they wait for the others; their SHA-256 by name."""
    files, problems = draw(slice_)
    try:
        for name, content in files.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            write_new(stage / name, content)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise cannot_write(out, error) from None
        fault = name_too_long(max(files, key=len).removeprefix(_stem(slice_))).fault
        return {}, [*problems, fault.at(slice_.name).problem()]
    return {name: sha256(content) for name, content in files.items()}, problems


def _stem(slice_: Slice) -> str:
    return str(PurePosixPath(composed(slice_.name)).with_suffix(""))


def _label_map_of(
    study: Dataset, settings: Settings, format: str, slice_: Slice
) -> tuple[dict[str, bytes], list[Problem]]:
    found = read_slice(study.root, slice_, settings, study.source)
    patches = in_maps(found.anatomy.patches) if found.anatomy is not None else {}
    if found.image is None or not patches:
        return {}, found.problems
    columns, rows = found.image.size
    place, spacing = study.places.get(slice_.name), study.spacings.get(slice_.name)
    name = f"{_stem(slice_)}{ENDINGS[format][0]}"
    if format in _LAYERED:
        return {name: _segmentation(patches, (rows, columns), settings, place, spacing)}, found.problems
    labels = label_map(patches, (rows, columns), pairs=True, settings=settings)
    several = int(np.count_nonzero(labels == OVERLAP))
    if several:
        message = f"{several} px belong to three regions or more; expected two at most"
        if settings.regions:
            message = f"{several} px belong to regions that share no number; expected two regions at most"
        remedy = "the label map cannot hold which (value 255): correct the contours"
        problem = Problem(slice_.name, "", "warning", "overlap-in-mask", message, remedy)
        found.problems.append(problem)
    if format == "nifti":
        return {name: label_volume_bytes(labels, place, spacing)}, found.problems
    if format == "mha":
        return {name: metaimage_bytes(labels, place, spacing)}, found.problems
    return {name: nrrd_bytes(labels[None], place, spacing)}, found.problems


def _segmentation(
    patches: Mapping[RegionKey, Patch],
    shape: tuple[int, int],
    settings: Settings,
    place: SlicePlace | None,
    spacing: tuple[float, float] | None,
) -> bytes:
    layers, where = region_layers(patches, shape, settings)
    known = values_of(settings.regions)
    segments = []
    for key, layer in where.items():
        red, green, blue = (part / 255 for part in region_colour(*key, settings))
        segments.append(Segment(str(Region(*key)), layer, known[key], (red, green, blue)))
    return nrrd_bytes(layers, place, spacing, segments)


def _without_place(study: Dataset) -> list[Problem]:
    lost = [slice_.name for slice_ in study.dataset.slices if slice_.name not in study.places]
    if not lost:
        return []
    slices = len(study.dataset.slices)
    found = f"no place in the patient for {len(lost)} of {slices} slices, among them {lost[0]}"
    remedy = "their label maps have no position: prepare the slices with 'mriparaspinal prepare'"
    return [Problem(SLICES_TABLE, "", "warning", "no-place", f"{found}; expected it in slices.csv", remedy)]


def _pictures_of(
    root: Path, source: ContourSource, settings: Settings, slice_: Slice
) -> tuple[dict[str, bytes], list[Problem]]:
    found = read_slice(root, slice_, settings, source)
    if found.image is None or found.anatomy is None or not found.anatomy.patches:
        return {}, found.problems
    patches = found.anatomy.patches
    title = f"{slice_.visit}  {slice_.segment} {slice_.letter}".rstrip()
    grey = np.asarray(found.image)
    shape = (grey.shape[0], grey.shape[1])
    mask = _png(index_image(patches, shape, settings))
    # Fat fractions are not in the picture: with the rule dixon no pixel can be marked.
    by_grey = settings.fat_rule != "dixon"
    threshold = slice_threshold(grey, patches, settings, slice_, found.problems) if by_grey else None
    picture = overlay(grey, patches, threshold, title, settings)
    stem = _stem(slice_)
    mask_end, overlay_end = ENDINGS["png"]
    return {f"{stem}{mask_end}": mask, f"{stem}{overlay_end}": _png(picture)}, found.problems


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
