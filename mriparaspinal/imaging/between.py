"""The space between two bodies in a stack of parallel slices: a disc between two vertebrae."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import unreadable

Mask = NDArray[np.bool_]

#: A slice of a vertebra is one of its body where that part has at least this share of the largest such area:
#: processes, which reach down to the disc, have less.
_BODY = 0.5

#: A slice shows the whole endplate from this share on: nearer to the disc, a tilted one is cut in part.
_ENDPLATE = 0.85

#: The endplates of neighbours are nearer to each other, mm; there is a vertebra between others.
_NEAR_MM = 25.0

#: The outline of a body has hardly any bay: it fills this share of its convex hull. With an arch it does not.
_SOLID = 0.85

#: A hole in a slice of a vertebra is its canal from this share of the slice on.
_CANAL = 0.02


@dataclass(frozen=True, slots=True)
class Between:
    """What lies between two bodies on a slice."""

    pixels: Mask
    """(rows, columns)"""
    above: str
    below: str


def between_bodies(stacks: Mapping[str, Mask], at: int, spacing_mm: tuple[float, float, float]) -> Between:
    """The footprint of the space between the two bodies that lie next above and below a slice.

    ``stacks``: vertebra → its voxels, (slices from foot to head, rows from front to back, columns);
    ``at``: the slice; ``spacing_mm``: of (slices, rows, columns). It is interpolated between the outlines of
    the two endplates by their signed distances, in proportion to the distances of the slice from both.

    Raises :class:`UnreadableError` where the slice cuts a body, or the two bodies are not clear.
    """
    bodies = {name: _bodies(stack) for name, stack in stacks.items()}
    for name, body in bodies.items():
        if body and min(body) <= at <= max(body):
            raise unreadable(
                f"the slice cuts the body of {name}",
                "a slice between two vertebrae, or a map with discs",
                "measure such slices by VB, or take the slice through the disc",
            )
    above = {min(body): name for name, body in bodies.items() if body and min(body) > at}
    below = {max(body): name for name, body in bodies.items() if body and max(body) < at}
    if not above or not below:
        missing = "above" if not above else "below"
        raise unreadable(
            f"no vertebra {missing} the slice",
            "the bodies above and below it, a number for each",
            "name each vertebra in the numbering, or take a larger volume",
        )
    top, bottom = min(above), max(below)
    if (top - bottom) * spacing_mm[0] > _NEAR_MM:
        raise unreadable(
            f"{(top - bottom) * spacing_mm[0]:.3g} mm between {above[top]} and {below[bottom]}",
            f"at most {_NEAR_MM:g} mm between neighbours",
            "name the vertebra between them in the numbering",
        )
    high, upper = _endplate(bodies[above[top]], at)
    low, lower = _endplate(bodies[below[bottom]], at)
    for name, outline in ((above[top], upper), (below[bottom], lower)):
        if _solidity(outline) < _SOLID:
            raise unreadable(
                f"the endplate of {name} cannot be told from its arch",
                "bodies alone, or a canal that parts body and arch",
                "give a map of vertebral bodies",
            )
    part = (at - low) / (high - low)
    space = part * _signed(upper, spacing_mm[1:]) + (1 - part) * _signed(lower, spacing_mm[1:]) <= 0
    for stack in stacks.values():
        space &= ~stack[at]
    return Between(space, above[top], below[bottom])


def _bodies(stack: Mask) -> dict[int, Mask]:
    """The body of a vertebra on the slices that cut it."""
    parts = {n: _in_front(stack[n]) for n in range(len(stack)) if stack[n].any()}
    most = max((np.count_nonzero(part) for part in parts.values()), default=0)
    return {n: part for n, part in parts.items() if np.count_nonzero(part) >= _BODY * most}


def _endplate(body: Mapping[int, Mask], at: int) -> tuple[int, Mask]:
    """The slice nearest to another one that shows the whole body, and its outline."""
    most = max(np.count_nonzero(mask) for mask in body.values())
    whole = [n for n, mask in body.items() if np.count_nonzero(mask) >= _ENDPLATE * most]
    nearest = min(whole, key=lambda n: abs(n - at))
    return nearest, body[nearest]


def _in_front(mask: Mask) -> Mask:
    """What lies in front of the canal, where the mask encloses it; of several parts the largest."""
    from scipy import ndimage

    holes = ndimage.binary_fill_holes(mask) & ~mask
    if np.count_nonzero(holes) > _CANAL * np.count_nonzero(mask):
        canal = _largest(holes)
        mask = mask.copy()
        mask[int(np.flatnonzero(canal.any(axis=1))[0]) :] = False
    return _largest(mask)


def _largest(mask: Mask) -> Mask:
    from scipy import ndimage

    numbers, count = ndimage.label(mask)
    if count < 2:
        return mask
    return np.asarray(numbers == 1 + int(np.argmax(np.bincount(numbers.ravel())[1:])))


def _solidity(mask: Mask) -> float:
    from skimage.morphology import convex_hull_image

    return float(np.count_nonzero(mask) / np.count_nonzero(convex_hull_image(mask)))


def _signed(mask: Mask, spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    """The distance of each pixel's centre from the edge of a mask, mm; negative inside."""
    from scipy import ndimage

    half = min(spacing_mm) / 2
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    inside = ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    return np.asarray(np.where(mask, half - inside, outside - half), dtype=np.float64)
