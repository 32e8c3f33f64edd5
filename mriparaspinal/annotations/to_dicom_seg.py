"""DICOM SEG files of what is measured: one for each series and orientation of a participant.

A SEG refers to the images that it was drawn on. A dataset has no UIDs of them, so their folder is given, and
a slice is taken for a picture of an image only if it lies in the same place and its grey levels follow the
image's values pixel by pixel: places alone are alike in several patients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.annotations.overlay import in_maps
from mriparaspinal.annotations.to_masks import put_in_place
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError, unreadable
from mriparaspinal.core.model import DERIVED_DISC, Problem, Settings, Slice
from mriparaspinal.dataset.made import told_once
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.dataset.read import OpenSlice, read_slice
from mriparaspinal.imaging.planes import Plane, Values, pixel_order
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.dicom import read_series
from mriparaspinal.io.dicom_seg_file import SegmentedImage, segmentation_bytes
from mriparaspinal.io.folder import find_name, list_files
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.write import sha256

_ENDING = ".dcm"

#: How far apart, in mm, a slice and its source may lie.
_SAME_MM = 0.1


@dataclass(frozen=True, slots=True)
class _Image:
    """One image of a participant's source, or a frame of one."""

    path: Path
    plane: Plane
    size: tuple[int, int]
    key: tuple[str, str]
    """Of its series, and of its file where this has several frames."""
    number: int
    frame: bool
    read: Callable[[], Values]


def draw_segmentations(
    study: Dataset,
    folder: OutputFolder,
    settings: Settings,
    source: Path,
    progress: Callable[[], None] | None = None,
) -> tuple[int, list[Problem]]:
    """Write the SEG files of a dataset; ``source``: the folder of DICOM folders, by participant.

    Returns the number of slices in them and all problems. Raises :class:`UsageError` for a source that is
    not there, and :class:`NoInputError` where no slice is in any.
    """
    people: dict[str, list[Slice]] = defaultdict(list)
    for slice_ in study.dataset.slices:
        people[slice_.scan].append(slice_)
    if not source.is_dir():
        found = f"{source} is no folder; expected the DICOM series, a folder for each participant"
        raise UsageError(f"--source: {found}; check the path")
    problems = list(study.dataset.problems)
    digests: dict[str, str] = {}
    drawn = 0
    for who, slices in people.items():
        files, count, found_there = _of_participant(
            study, settings, source, who, slices, len(people) == 1, progress
        )
        for name, content in files.items():
            folder.put(name, content)
            digests[name] = sha256(content)
        drawn += count
        problems += found_there
    if not drawn:
        told = "\n".join(problem.line() for problem in problems if problem.severity == "error")
        none = f"{study.root}: no slice could be drawn; expected annotated slices and their DICOM images"
        raise NoInputError(f"{told}\n{none}; see docs/label-maps.md".strip())
    mine = {name for who in people for name in (f"{who}{_ENDING}", who)}
    stale = {
        name
        for name in folder.written_before()
        if name.endswith(_ENDING)
        and name not in digests
        and (not study.share or name in mine or name.partition("/")[0] in mine)
    }
    put_in_place(folder, digests, stale, {})
    return drawn, told_once(problems, "contours")


def _of_participant(
    study: Dataset,
    settings: Settings,
    source: Path,
    who: str,
    slices: Sequence[Slice],
    alone: bool,
    progress: Callable[[], None] | None,
) -> tuple[dict[str, bytes], int, list[Problem]]:
    """The SEG files of a participant, the number of slices in them, and what was found on the way."""
    problems: list[Problem] = []
    images: list[_Image] | UnreadableError
    try:
        images = _images(source, who, alone)
    except UnreadableError as error:
        images = error
    groups: dict[tuple[object, ...], list[tuple[_Image, SegmentedImage]]] = defaultdict(list)
    automatic = False
    for slice_ in slices:
        found = read_slice(study.root, slice_, settings, study.source)
        problems += found.problems
        if found.image is not None and found.anatomy is not None and in_maps(found.anatomy.patches):
            try:
                if isinstance(images, UnreadableError):
                    raise images
                image, segmented = _segmented(found, study.places.get(slice_.name), images)
                groups[image.key, image.size, image.plane.across, image.plane.down].append((image, segmented))
                derived = any(contour.made == DERIVED_DISC for _, contour in found.anatomy.contours)
                automatic |= found.draft or found.as_drawn > 0 or derived
            except UnreadableError as error:
                problems.append(error.fault.at(slice_.name, "no-source-image").problem())
        if progress is not None:
            progress()
    files: dict[str, bytes] = {}
    count = 0
    ordered = sorted(groups.values(), key=lambda group: (group[0][0].number, group[0][0].plane.position_mm()))
    for number, group in enumerate(ordered, 1):
        group.sort(key=lambda pair: pair[0].plane.position_mm())
        name = f"{who}{_ENDING}" if len(ordered) == 1 else f"{who}/{who}_{number}{_ENDING}"
        try:
            files[name] = segmentation_bytes([pair[1] for pair in group], number, automatic)
            count += len(group)
        except UnreadableError as error:
            problems.append(error.fault.at(who, "no-source-image").problem())
    return files, count, problems


def _images(source: Path, who: str, alone: bool) -> list[_Image]:
    """The images of a participant's folder of DICOM files; of the only one they may lie in ``source``."""
    own = find_name(source, who)
    if own is None and not alone:
        found = f"no folder {who} in --source"
        raise unreadable(found, "the DICOM series of the participant in one", "put it there")
    folder = source if own is None else source / own
    if not folder.is_dir():
        raise unreadable(f"{who} in --source is no folder", "a folder of DICOM files", "put the series there")
    images = []
    for name in list_files(folder)[0]:
        path = folder / name
        # What cannot be read is left out: of a slice whose image it is, it is said that it has none.
        stacks = read_series([(name, path)])[0]
        several = sum(len(series.pictures) for series in stacks) > 1
        for series in stacks:
            key = (series.key, name if several else "")
            for index, picture in enumerate(series.pictures):
                if picture.plane is not None:
                    read = partial(series.read, index)
                    number = series.number or 0
                    images.append(_Image(path, picture.plane, series.size, key, number, several, read))
    return images


def _segmented(
    found: OpenSlice, place: SlicePlace | None, images: Sequence[_Image]
) -> tuple[_Image, SegmentedImage]:
    """The image that a slice is a picture of, and the slice's regions on it."""
    assert found.image is not None
    assert found.anatomy is not None
    if place is None:
        found_there = "slices.csv does not say where the slice lies in the patient"
        raise unreadable(found_there, "its place", "make the slices with 'prepare', which writes it")
    grey = np.asarray(found.image)
    shape = (grey.shape[0], grey.shape[1])
    here, pictured = 0, []
    for image in images:
        offset = np.subtract(image.plane.position, place.plane.position)
        if abs(float(np.dot(offset, place.plane.normal()))) > _SAME_MM:
            continue
        order = pixel_order(image.plane, image.size, place.plane, shape)
        if order is None:
            continue
        here += 1
        values = image.read()
        if values.shape == image.size and _is_picture(grey, values.ravel()[order]):
            pictured.append((image, order))
    if len(pictured) != 1:
        raise UnreadableError(_which(here, len(pictured), len(images)))
    image, order = pictured[0]
    regions = {}
    for key, patch in in_maps(found.anatomy.patches).items():
        on_slice = np.zeros(shape, dtype=bool)
        on_slice[patch.top : patch.bottom, patch.left : patch.right] = patch.pixels
        stored = np.zeros(image.size[0] * image.size[1], dtype=bool)
        stored[order[on_slice]] = True
        regions[key] = stored.reshape(image.size)
    return image, SegmentedImage(image.path, image.plane, image.frame, regions, place.slice_spacing_mm)


def _which(here: int, pictured: int, images: int) -> Fault:
    if pictured > 1:
        found, remedy = f"{pictured} images in --source that the slice may be a picture of", "keep one series"
    elif here:
        found = f"{here} images in --source at the slice's place, with other pixels"
        remedy = "give the series that the slice was prepared from: is it another patient's?"
    else:
        found = f"none of {images} images in --source is at the slice's place"
        remedy = "give the series that the slice was prepared from"
    return Fault("", found, "the one that the slice was prepared from", remedy)


def _is_picture(grey: NDArray[np.uint8], values: Values) -> bool:
    """Whether grey levels follow values pixel by pixel, as a window makes them, rising or falling."""
    known = np.isfinite(values)
    order = np.argsort(values[known], kind="stable")
    levels, below = grey[known][order].astype(np.int16), values[known][order]
    steps = np.diff(levels)
    same = np.diff(below) == 0
    return not steps[same].any() and bool((steps >= 0).all() or (steps <= 0).all())
