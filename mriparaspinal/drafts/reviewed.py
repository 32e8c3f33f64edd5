"""The lab's own slices whose contours a person has judged, as drafts are made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.core.model import SPINE, WHOLE, Problem, Settings, Slice
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.dataset.read import OpenSlice, read_slice
from mriparaspinal.drafts.files import is_draft_file
from mriparaspinal.drafts.fusion import CANDIDATES, Atlas, RegionKey, make_atlas, regions_of
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.parallel.map import map_in_order

#: Fewer cannot vote; from so many on, drafts are worth their correction.
FEWEST, ADVISED = 5, 10

#: Warnings that contours may not be of their image: what is drafted from them would lie as wrong.
_DOUBTS = {"embedded-differs", "embedded-other-size", "image-path-missing", "size-unknown", "off-centre"}

#: Errors of judged slices that stand before the line that says that too few are left.
_ERRORS_TOLD = 20

Field = tuple[float, float] | None
"""Field of view of a slice, (height, width) in mm; None where the spacing is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Reviewed:
    """One such slice."""

    slice: Slice
    atlas: Atlas
    field_mm: Field
    greys: NDArray[np.float64]
    """How its grey levels are distributed, see :func:`grey_levels`."""


def grey_levels(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Quantiles of the square root of grey, from the 2nd to the 98th percentile, over its largest value."""
    return np.asarray(np.sqrt(np.percentile(grey, np.arange(2, 99, 4)) / 255.0))


def field_of(spacing: tuple[float, float] | None, shape: tuple[int, ...]) -> Field:
    """The field of view of an image of (rows, columns)."""
    return None if spacing is None else (spacing[0] * shape[0], spacing[1] * shape[1])


def masks_of(
    found: OpenSlice, settings: Settings
) -> tuple[NDArray[np.uint8], dict[RegionKey, NDArray[np.bool_]]] | None:
    """The grey levels (rows, columns) of a slice and the masks of its regions; None without any."""
    if found.image is None or found.anatomy is None:
        return None
    grey = np.asarray(found.image)
    shape = (grey.shape[0], grey.shape[1])
    regions = regions_of(settings)
    masks = {key: patch.full(shape) for key, patch in found.anatomy.patches.items() if key in regions}
    return (grey, masks) if masks else None


def _read_one(
    root: Path,
    settings: Settings,
    spacings: dict[str, tuple[float, float]],
    source: ContourSource,
    slice_: Slice,
) -> tuple[Reviewed | None, list[Problem]]:
    found = read_slice(root, slice_, settings, source)
    told = told_of(found.problems)
    read = masks_of(found, settings)
    if read is None:
        return None, told
    grey, masks = read
    field = field_of(spacings.get(slice_.name), grey.shape)
    atlas = make_atlas(grey, masks, regions_of(settings))
    return Reviewed(slice_, atlas, field, grey_levels(grey)), told


def told_of(problems: Sequence[Problem]) -> list[Problem]:
    """What is said of judged contours that others are drafted from: errors, and whether they lie there."""
    return [problem for problem in problems if problem.severity == "error" or problem.code in _DOUBTS]


def is_draft_slice(root: Path, slice_: Slice) -> bool:
    """Whether the LabelMe file of a slice is a draft."""
    try:
        return is_draft_file(read_bytes(root / slice_.annotation))
    except UnreadableError:
        return False


def read_reviewed(
    root: Path,
    settings: Settings,
    jobs: int = 1,
    source: ContourSource = BESIDE,
    progress: Callable[[], None] | None = None,
) -> tuple[list[Reviewed], list[Problem]]:
    """The slices of a dataset that have contours in ``source``, are no drafts, and are not excluded by it.

    And what is said of their contours, see :func:`told_of`. Raises :class:`NoInputError` for fewer than
    :data:`FEWEST` slices.
    """
    place = ContourSource(source.folder)
    study = open_dataset(root, settings, source=place)
    slices = [s for s in study.dataset.slices if s.image and not is_draft_slice(source.folder or root, s)]
    slices = [s for s in slices if WHOLE not in source.left_out(s.name)]
    drafts = len(study.dataset.slices) - len(slices)
    read = partial(_read_one, root, settings, study.spacings, source)
    results = list(map_in_order(read, slices, jobs, progress))
    found = [one for one, _ in results if one is not None]
    problems = [problem for _, some in results for problem in some]
    if len(found) < FEWEST:
        beside = f" ({drafts} more are drafts, excluded, or without an image)" if drafts else ""
        expected = f"expected at least {FEWEST}, better {ADVISED} of the same segment"
        remedy = "contour more slices and untick the flag draft of those that you have judged"
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            remedy = "correct the errors above, or contour more slices"
        many = f"{len(found)} slices with judged contours were found{beside}; {expected}; {remedy}"
        told = [error.line() for error in errors[:_ERRORS_TOLD]]
        raise NoInputError("\n".join([*told, f"{source.folder or root}: {many}"]))
    return found, problems


def choose(reviewed: Sequence[Reviewed], slice_: Slice) -> list[Reviewed]:
    """Those that one slice is drafted from: of its segment; of the nearest others where these are few."""
    level = SPINE.index(slice_.segment)
    chosen: list[Reviewed] = []
    for away in range(len(SPINE)):
        near = [r for r in reviewed if abs(SPINE.index(r.slice.segment) - level) == away]
        room = CANDIDATES // 2 if away == 0 else ADVISED
        room -= len(chosen)
        if room > 0 and near:
            spread = np.linspace(0, len(near) - 1, min(room, len(near))).round().astype(int)
            chosen += [near[i] for i in spread.tolist()]
    return chosen


def others_than(reviewed: Sequence[Reviewed], slice_: Slice) -> list[Reviewed]:
    """The slices of other participants; of all but this slice where those are too few."""
    others = [r for r in reviewed if r.slice.participant_id != slice_.participant_id]
    if len(others) >= FEWEST - 1:
        return others
    return [r for r in reviewed if r.slice.name != slice_.name]
