"""The pictures of a whole dataset folder, written slice by slice."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from mriparaspinal.errors import NoInputError
from mriparaspinal.files.results import write_file
from mriparaspinal.files.tables import csv_bytes
from mriparaspinal.model import Problem, Settings, Slice
from mriparaspinal.parallel import map_in_order
from mriparaspinal.pictures import index_image, overlay, value_table
from mriparaspinal.pipeline import read_slice
from mriparaspinal.study import Study


def draw_slices(
    study: Study, out: Path, settings: Settings, jobs: int = 1, progress: Callable[[], None] | None = None
) -> tuple[int, list[Problem]]:
    """Write index image and overlay of every slice, and the table of values.

    Returns the number of slices drawn and all problems. Raises :class:`NoInputError` where none could be.
    """
    work = partial(_draw_slice, study.root, out, settings)
    results = map_in_order(work, study.dataset.slices, jobs, progress)
    problems = [*study.dataset.problems, *(problem for _, found in results for problem in found)]
    drawn = sum(done for done, _ in results)
    if not drawn:
        raise NoInputError(f"{study.root}: no slice could be drawn; expected annotated slices; run 'check'")
    write_file(out / "values.csv", csv_bytes(("value", "region", "side"), value_table()))
    return drawn, problems


def _draw_slice(root: Path, out: Path, settings: Settings, slice_: Slice) -> tuple[bool, list[Problem]]:
    found = read_slice(root, slice_, settings)
    if found.image is None or found.anatomy is None or not found.anatomy.patches:
        return False, found.problems
    patches = found.anatomy.patches
    stem = PurePosixPath(slice_.annotation).with_suffix("")
    title = f"{slice_.participant_id}  {slice_.segment}"
    grey = np.asarray(found.image)
    shape = (grey.shape[0], grey.shape[1])
    write_file(out / f"{stem}_mask.png", _png(index_image(patches, shape)))
    picture = overlay(grey, patches, settings.threshold, title, settings.image_left)
    write_file(out / f"{stem}_overlay.png", _png(picture))
    return True, found.problems


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
