"""Label maps that hold both sides of a muscle in one number: split where it is clear, else refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault
from mriparaspinal.core.labels import Own, Region, lacks_side
from mriparaspinal.core.model import MUSCLES, Contour
from mriparaspinal.dataset.regions import OPPOSITE
from mriparaspinal.imaging.rasterise import rasterise

#: A part crosses the midline if it has more than this share of its pixels on the other side …
_ACROSS = 0.1

#: … or reaches over by more than this share of its width.
_OVERHANG = 0.25

#: The smaller of the two sides' parts has at least this share of the larger one's pixels.
_ALIKE = 1 / 3

#: How far the middle between the two sides may lie from the image's middle, in widths of the image.
_OFF_MIDDLE = 0.1

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Midline:
    """The column that parts left from right, and how it was found."""

    column: float
    how: str


def canvas(contour: Contour, shape: tuple[int, int]) -> Mask:
    """The pixels of a contour on the whole image of (rows, columns)."""
    whole = np.zeros(shape, dtype=bool)
    patch = rasterise(contour, shape, "labelme")
    if patch is not None:
        whole[patch.top : patch.bottom, patch.left : patch.right] = patch.pixels
    return whole


def midline_of(reference: Mask, name: str) -> Midline:
    """The column of a reference's centroid."""
    return Midline(float(np.nonzero(reference)[1].mean()), f"at the middle of {name}")


def own_midline(regions: Sequence[tuple[Region, Mask]], width: int) -> Midline | None:
    """The middle of the gap between the two sides of all muscles; None where that is not clear.

    Of a muscle without a side those are its two largest parts, if they are alike in size, lie side by side,
    and the gaps of all muscles overlap in the middle of the image.
    """
    gaps = []
    names = {region.name for region, _ in regions if region.name in MUSCLES}
    for name in sorted(names):
        both = [mask for region, mask in regions if region == Region(name, "")]
        sides = [
            _union([mask for region, mask in regions if region == Region(name, side)])
            for side in ("left", "right")
        ]
        if both:
            sides = _two_largest(_union(both))
        gap = _gap(sides)
        if gap is not None:
            gaps.append(gap)
    if not gaps:
        return None
    low, high = max(gap[0] for gap in gaps), min(gap[1] for gap in gaps)
    middle = (low + high) / 2
    if low >= high or abs(middle - (width - 1) / 2) > _OFF_MIDDLE * width:
        return None
    return Midline(middle, "halfway between the parts of the two sides")


def _gap(sides: Sequence[Mask]) -> tuple[int, int] | None:
    """The last column of the one and the first of the other of two parts that are counterparts."""
    if len(sides) != 2 or not all(side.any() for side in sides):
        return None
    small, large = sorted(map(np.count_nonzero, sides))
    (first, second) = sorted(sides, key=lambda side: int(np.flatnonzero(side.any(axis=0))[0]))
    level = first.any(axis=1) & second.any(axis=1)
    left, right = np.flatnonzero(first.any(axis=0))[-1], np.flatnonzero(second.any(axis=0))[0]
    if small < _ALIKE * large or not level.any() or left >= right:
        return None
    return int(left), int(right)


def _union(masks: Sequence[Mask]) -> Mask:
    return np.logical_or.reduce(masks) if masks else np.zeros((1, 1), dtype=bool)


def _two_largest(mask: Mask) -> list[Mask]:
    """The two largest connected parts of a mask (pixels that share an edge), the smaller first."""
    from scipy import ndimage

    numbers, _ = ndimage.label(mask)
    sizes = np.bincount(numbers.ravel())[1:]
    return [numbers == 1 + number for number in np.argsort(sizes, kind="stable")[-2:]]


def split(region: Region, mask: Mask, midline: Midline | None, image_left: str) -> dict[str, Mask] | Fault:
    """The pixels of a muscle by side; a fault where they cannot be told apart.

    ``image_left``: the patient's side at the left of the image.
    """
    if midline is None:
        found = f"{region.name} may hold both sides in one number, and neither a reference nor the muscles"
        expected = "a disc or vertebral body, or two parts of each muscle left and right of the middle"
        remedy = f"label {region.name}_L and {region.name}_R in the map, or add a reference"
        return Fault("", f"{found} tell where the midline is", expected, remedy, "side-unknown")
    from scipy import ndimage

    numbers, parts = ndimage.label(mask)
    columns = np.nonzero(mask)[1]
    part = numbers[mask] - 1
    sizes = np.bincount(part, minlength=parts)
    at_left = np.bincount(part, columns, parts) / sizes < midline.column
    beyond = np.where(at_left[part], columns - midline.column, midline.column - columns)
    reach = np.zeros(parts)
    np.maximum.at(reach, part, beyond)
    first, last = np.full(parts, mask.shape[1]), np.full(parts, -1)
    np.minimum.at(first, part, columns)
    np.maximum.at(last, part, columns)
    across = np.bincount(part, beyond > 0, parts) > _ACROSS * sizes
    if (across | (reach > _OVERHANG * (last - first + 1))).any():
        found = f"{region.name} holds both sides in one number, and a part of it crosses the midline"
        expected = f"the parts of the two sides apart, {midline.how}"
        remedy = "part them in the map, or label each side by itself"
        return Fault("", found, expected, remedy, "crosses-midline")
    sides = {}
    for side, there in ((image_left, at_left), (OPPOSITE[image_left], ~at_left)):
        pixels = np.zeros_like(mask)
        pixels[mask] = there[part]
        if pixels.any():
            sides[side] = pixels
    return sides


def one_sided(region: Region, mask: Mask, midline: Midline) -> Fault | None:
    """A fault where two parts as those of two sides lie on one side: their sum is no muscle of that side.

    ``mask``: all pixels that are labelled as the muscle without its side.
    """
    largest = _two_largest(mask)
    at_left = np.nonzero(mask)[1] < midline.column
    few, many = sorted((np.count_nonzero(at_left), np.count_nonzero(~at_left)))
    there = {bool(np.nonzero(part)[1].mean() < midline.column) for part in largest}
    if _gap(largest) is None or len(there) > 1 or few >= _ALIKE * many:
        return None
    found = f"{region.name} holds both sides in one number, and its two largest parts lie on one side"
    expected = f"one on each side of the midline, {midline.how}"
    remedy = "check on an overlay that the reference is the whole one, or label each side by itself"
    return Fault("", found, expected, remedy, "side-unknown")


def may_hold_both(contour: Contour, region: Region | None, own: Own = ()) -> bool:
    """Whether pixels are labelled as a muscle without its side."""
    return contour.mask is not None and region is not None and lacks_side(region, own)
