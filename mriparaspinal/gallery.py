"""The pictures of a whole dataset folder, written slice by slice."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from mriparaspinal.errors import NoInputError
from mriparaspinal.files.label_volumes import label_volume_bytes
from mriparaspinal.files.results import write_file
from mriparaspinal.files.tables import csv_bytes
from mriparaspinal.model import Problem, Settings, Slice
from mriparaspinal.names import composed
from mriparaspinal.numbering import OVERLAP, VALUE_COLUMNS, value_table
from mriparaspinal.parallel import map_in_order
from mriparaspinal.pictures import index_image, label_map, overlay
from mriparaspinal.pipeline import read_slice, slice_threshold
from mriparaspinal.study import SLICES_TABLE, Study


def draw_slices(
    study: Study,
    out: Path,
    settings: Settings,
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
    nifti: bool = False,
) -> tuple[int, list[Problem]]:
    """Write index image and overlay of every slice, or with ``nifti`` its label map, and the table of values.

    Returns the number of slices drawn and all problems. Raises :class:`NoInputError` where none could be.
    """
    work: Callable[[Slice], tuple[bool, list[Problem]]] = partial(_draw_slice, study.root, out, settings)
    if nifti:
        work = partial(_write_label_map, study, out, settings)
    results = list(map_in_order(work, study.dataset.slices, jobs, progress))
    problems = [*study.dataset.problems, *(problem for _, found in results for problem in found)]
    drawn = sum(done for done, _ in results)
    if not drawn:
        raise NoInputError(f"{study.root}: no slice could be drawn; expected annotated slices; run 'check'")
    if nifti:
        problems += _without_place(study)
    write_file(out / "values.csv", csv_bytes(VALUE_COLUMNS, value_table(pairs=nifti)))
    return drawn, problems


def _write_label_map(
    study: Study, out: Path, settings: Settings, slice_: Slice
) -> tuple[bool, list[Problem]]:
    found = read_slice(study.root, slice_, settings)
    if found.image is None or found.anatomy is None or not found.anatomy.patches:
        return False, found.problems
    columns, rows = found.image.size
    labels = label_map(found.anatomy.patches, (rows, columns), pairs=True)
    several = int(np.count_nonzero(labels == OVERLAP))
    if several:
        message = f"{several} px belong to three regions or more; expected two at most"
        remedy = "the label map cannot hold which (value 255): correct the contours"
        problem = Problem(slice_.name, "", "warning", "overlap-in-mask", message, remedy)
        found.problems.append(problem)
    place, spacing = study.places.get(slice_.name), study.spacings.get(slice_.name)
    stem = PurePosixPath(composed(slice_.name)).with_suffix("")
    write_file(out / f"{stem}_mask.nii.gz", label_volume_bytes(labels, place, spacing))
    return True, found.problems


def _without_place(study: Study) -> list[Problem]:
    lost = [slice_.name for slice_ in study.dataset.slices if slice_.name not in study.places]
    if not lost:
        return []
    slices = len(study.dataset.slices)
    found = f"no place in the patient for {len(lost)} of {slices} slices, among them {lost[0]}"
    remedy = "their label maps have no space (codes 0): prepare the slices with 'mriparaspinal prepare'"
    return [Problem(SLICES_TABLE, "", "warning", "no-place", f"{found}; expected it in slices.csv", remedy)]


def _draw_slice(root: Path, out: Path, settings: Settings, slice_: Slice) -> tuple[bool, list[Problem]]:
    found = read_slice(root, slice_, settings)
    if found.image is None or found.anatomy is None or not found.anatomy.patches:
        return False, found.problems
    patches = found.anatomy.patches
    stem = PurePosixPath(composed(slice_.name)).with_suffix("")
    title = f"{slice_.participant_id}  {slice_.segment} {slice_.letter}".rstrip()
    grey = np.asarray(found.image)
    shape = (grey.shape[0], grey.shape[1])
    write_file(out / f"{stem}_mask.png", _png(index_image(patches, shape)))
    # Fat fractions are not in the picture: with the rule dixon no pixel can be marked.
    by_grey = settings.fat_rule != "dixon"
    threshold = slice_threshold(grey, patches, settings, slice_, found.problems) if by_grey else None
    picture = overlay(grey, patches, threshold, title, settings.image_left)
    write_file(out / f"{stem}_overlay.png", _png(picture))
    return True, found.problems


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
