"""The disc of a slice that a label map does not have, derived between its vertebrae."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import unreadable
from mriparaspinal.dataset.label_maps import VertebraOf
from mriparaspinal.imaging.between import between_bodies
from mriparaspinal.imaging.grids import LabelVolume
from mriparaspinal.imaging.planes import Plane, on_plane
from mriparaspinal.imaging.slice_position import SlicePlace

#: How far from the slice its neighbours are looked at, mm: more than a vertebra is high.
_REACH_MM = 45.0

#: The least cosine between the rows' direction and front to back: slices up to 60° steep have more.
_DOWN = 0.4


def derive(
    vertebrae: Mapping[str, VertebraOf], place: SlicePlace | None, shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], tuple[str, str]]:
    """The pixels of the disc on a slice of (rows, columns), and the vertebrae above and below it.

    Raises :class:`UnreadableError` where it cannot be derived.
    """
    volumes = {
        name: of.volume for name, of in vertebrae.items() if of.volume and of.volume.affine is not None
    }
    if place is None or len(volumes) < len(vertebrae):
        raise unreadable(
            "a disc is to be derived from a map without a volume, or on a slice without a position",
            "a volume of all slices with its place, and slices.csv",
            "prepare the slices with 'mriparaspinal prepare', and give the map as a volume",
        )
    if len(vertebrae) < 2:
        raise unreadable(
            f"one vertebra ({', '.join(vertebrae)})",
            "a number, or a file, for each vertebra",
            "a disc cannot be derived where one number holds all vertebrae: take a map that tells them apart",
        )
    plane = place.plane
    if plane.down[1] < _DOWN:
        raise unreadable(
            "the rows of the slice do not run from front to back",
            "axial slices in the usual display",
            "prepare the slices with 'mriparaspinal prepare'",
        )
    step = max(_step(volume, plane) for volume in volumes.values())
    reach = int(_REACH_MM // step)
    stacks = {name: _stack(vertebrae[name], volumes[name], plane, shape, step, reach) for name in volumes}
    spacing = (step, plane.row_spacing_mm or 1.0, plane.col_spacing_mm or 1.0)
    found = between_bodies(stacks, reach, spacing)
    return found.pixels, (found.above, found.below)


def _step(volume: LabelVolume, plane: Plane) -> float:
    """The distance of the volume's slices that are parallel to a plane, mm."""
    assert volume.affine is not None
    steps = volume.affine[:3, :3]
    along = abs(plane.normal() @ (steps / np.linalg.norm(steps, axis=0)))
    return float(np.linalg.norm(steps[:, int(np.argmax(along))]))


def _stack(
    of: VertebraOf, volume: LabelVolume, plane: Plane, shape: tuple[int, int], step: float, reach: int
) -> NDArray[np.bool_]:
    """A vertebra on the slices around a plane, foot to head; nothing where the volume has ended."""
    assert volume.affine is not None
    stack = np.zeros((2 * reach + 1, *shape), dtype=bool)
    cropped = volume.names is not None
    for n in range(-reach, reach + 1):
        x, y, z = (np.asarray(plane.position) + n * step * plane.normal()).tolist()
        at = replace(plane, position=(x, y, z))
        labels = on_plane(volume.voxels, volume.affine, at, shape, cropped)
        if labels is not None:
            stack[n + reach] = np.isin(labels, of.values) if of.values else labels != 0
    return stack
