"""From a contour to the pixels that it covers, and the geometry of contours.

Coordinates are LabelMe's: (column, row) in pixels, where pixel (c, r) covers [c, c+1) × [r, r+1).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mriparaspinal.core.model import Contour, MaskRule

#: The types of shapes whose points are the corners of an outline.
POLYGONS = ("polygon", "oriented_rectangle")

#: A slice has about ten contours; a file with thousands would need a canvas of gigabytes.
_TOO_MANY_FOR_ONE_CANVAS = 100

#: Finding self-crossings takes time with the square of the points; no hand draws as many.
CROSSING_CHECK_LIMIT = 3000


Box = tuple[float, float, float, float]
"""(left, top, right, bottom), in pixels."""


class PixelBox(NamedTuple):
    """A rectangle of whole pixels; ``right`` and ``bottom`` lie just outside."""

    left: int
    top: int
    right: int
    bottom: int

    def touches(self, other: PixelBox) -> bool:
        """Whether two frames have a pixel in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A mask where it is: ``pixels`` (rows, columns), bool, with its upper left pixel at (top, left)."""

    top: int
    left: int
    pixels: NDArray[np.bool_]

    @property
    def bottom(self) -> int:
        """The row below the last."""
        return self.top + len(self.pixels)

    @property
    def right(self) -> int:
        """The column right of the last."""
        return self.left + int(self.pixels.shape[1])

    def on(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of an image (rows, columns) under the patch."""
        return image[self.top : self.bottom, self.left : self.right]

    @property
    def frame(self) -> PixelBox:
        """The rectangle that the patch fills."""
        return PixelBox(self.left, self.top, self.right, self.bottom)

    def moved(self, rows: int, columns: int) -> Patch:
        """The patch at another place."""
        return Patch(self.top + rows, self.left + columns, self.pixels)

    def full(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The mask on the full canvas of (rows, columns)."""
        canvas = np.zeros(shape, dtype=bool)
        canvas[self.top : self.bottom, self.left : self.right] = self.pixels
        return canvas


def rasterise(contour: Contour, shape: tuple[int, int], rule: MaskRule) -> Patch | None:
    """The pixels of a canvas of (rows, columns) that a contour covers; None where it covers none.

    Rule ``labelme``: what Pillow's ``ImageDraw`` fills with ``outline=1, fill=1``, as LabelMe's own
    shape-to-mask does. Rule ``centre``: the pixels whose centre lies inside (even-odd), half-open
    at the boundary. A shape of type ``mask`` brings its pixels along under either rule.
    """
    if contour.shape_type == "mask":
        patch = _stored_mask(contour, shape)
    elif rule == "centre":
        patch = _centres_inside(contour, shape)
    else:
        patch = _drawn_by_pillow(contour, shape)
    return None if patch is None else _trimmed(patch)


def rasterise_all(
    contours: Sequence[Contour], boxes: Sequence[Box], shape: tuple[int, int], rule: MaskRule
) -> list[Patch | None]:
    """The same as :func:`rasterise` for each contour, in less time.

    ``boxes`` are the contours' bounds. Polygons inside the image are drawn on one canvas, below each
    other or side by side: making a canvas and reading it back costs more than drawing.
    """
    if len(contours) > _TOO_MANY_FOR_ONE_CANVAS:
        return [rasterise(contour, shape, rule) for contour in contours]
    patches: list[Patch | None] = [None] * len(contours)
    inside: dict[int, PixelBox] = {}
    for i, (contour, (left, top, right, bottom)) in enumerate(zip(contours, boxes, strict=True)):
        within = left >= 0 and top >= 0 and right < shape[1] and bottom < shape[0]
        if rule == "labelme" and within and contour.shape_type in POLYGONS:
            inside[i] = PixelBox(int(left), int(top), int(right) + 1, int(bottom) + 1)
        else:
            patches[i] = rasterise(contour, shape, rule)
    if not inside:
        return patches
    rows, height = _stacked(inside)
    canvas = Image.new("L", (max(frame.right for frame in inside.values()), height))
    draw = ImageDraw.Draw(canvas)
    for i, frame in inside.items():
        # Rows are shifted, columns are not: see _drawn_by_pillow. Cut to whole pixels first, as Pillow
        # does: a shift could round them up.
        corners = contours[i].xy.astype(np.int64)
        corners[:, 1] -= frame.top - rows[i]
        draw.polygon(corners.ravel().tolist(), outline=1, fill=1)
    drawn = np.asarray(canvas).view(np.bool_)
    for i, (left, top, right, bottom) in inside.items():
        patches[i] = Patch(top, left, drawn[rows[i] : rows[i] + bottom - top, left:right])
    return patches


def _stacked(frames: Mapping[int, PixelBox]) -> tuple[dict[int, int], int]:
    """Rows at which frames can be drawn on one canvas without touching, and the rows that they need."""
    rows: dict[int, int] = {}
    shelves: list[tuple[int, list[PixelBox]]] = []
    height = 0
    # The highest first, so that all that follow fit on its shelf as far as their columns are free.
    for i, frame in sorted(frames.items(), key=lambda item: item[1].top - item[1].bottom):
        for row, others in shelves:
            if all(frame.right <= other.left or other.right <= frame.left for other in others):
                rows[i] = row
                others.append(frame)
                break
        else:
            rows[i] = height
            shelves.append((height, [frame]))
            height += frame.bottom - frame.top
    return rows, height


def _trimmed(patch: Patch) -> Patch | None:
    """The patch cut to its pixels, so that its edges tell where the region lies; None without pixels."""
    rows = np.flatnonzero(patch.pixels.any(axis=1))
    columns = np.flatnonzero(patch.pixels.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    # A copy: thousands of small shapes shall not keep a canvas each.
    pixels = patch.pixels[top : rows[-1] + 1, left : columns[-1] + 1].copy()
    return Patch(patch.top + top, patch.left + left, pixels)


def bounds(contour: Contour) -> Box:
    """(left, top, right, bottom) of a contour, in pixels."""
    if contour.mask is not None:
        left, top = map(int, contour.points[0])
        return left, top, left + contour.mask.shape[1], top + len(contour.mask)
    if contour.shape_type == "circle":
        (cx, cy), radius = contour.points[0], _radius(contour)
        return cx - radius, cy - radius, cx + radius, cy + radius
    columns, rows = zip(*contour.points, strict=True)
    return min(columns), min(rows), max(columns), max(rows)


def _radius(contour: Contour) -> float:
    (cx, cy), (px, py) = contour.points
    # Written out as LabelMe does: math.hypot may differ in the last bit, and so in a pixel.
    return math.sqrt((cx - px) ** 2 + (cy - py) ** 2)


def _drawn_by_pillow(contour: Contour, shape: tuple[int, int]) -> Patch | None:
    left, top, right, bottom = bounds(contour)
    rows, columns = shape
    if right <= -1 or bottom <= -1 or left >= columns or top >= rows:
        return None
    # Only the rows of the contour are drawn: a shift by whole rows changes no pixel, as long as no row
    # is negative (Pillow truncates towards zero). A shift of the columns would: Pillow follows edges in
    # single precision, so that where they fall exactly between two pixels depends on the column itself.
    y0 = max(int(top), 0)
    canvas = Image.new("L", (min(int(right) + 1, columns), min(int(bottom) + 1, rows) - y0))
    draw = ImageDraw.Draw(canvas)
    if contour.shape_type in ("rectangle", "circle"):
        fill = draw.rectangle if contour.shape_type == "rectangle" else draw.ellipse
        fill((left, top - y0, right, bottom - y0), outline=1, fill=1)
    else:
        draw.polygon([(x, y - y0) for x, y in contour.points], outline=1, fill=1)
    return Patch(y0, 0, np.asarray(canvas).view(np.bool_))


def _centres_inside(contour: Contour, shape: tuple[int, int]) -> Patch | None:
    left, top, right, bottom = bounds(contour)
    x0, y0 = max(math.floor(left), 0), max(math.floor(top), 0)
    x1, y1 = min(math.ceil(right) + 1, shape[1]), min(math.ceil(bottom) + 1, shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    if contour.shape_type == "circle":
        (cx, cy), radius = contour.points[0], _radius(contour)
        across = (np.arange(x0, x1) + 0.5 - cx) ** 2
        down = (np.arange(y0, y1) + 0.5 - cy) ** 2
        return Patch(y0, x0, down[:, None] + across[None, :] < radius**2)
    corners = _corners(contour)
    # Each edge switches inside and outside for all pixels to its right, in the rows that it passes.
    switches = np.zeros((y1 - y0, x1 - x0 + 1), dtype=np.uint8)
    following = np.roll(corners, -1, axis=0)
    # An outline may have a million points, but few of its edges pass the centre of a row.
    passing = np.ceil(corners[:, 1] - 0.5) != np.ceil(following[:, 1] - 0.5)
    for (xa, ya), (xb, yb) in zip(corners[passing], following[passing], strict=True):
        if ya > yb:
            xa, ya, xb, yb = xb, yb, xa, ya
        first = max(math.ceil(ya - 0.5), y0)
        last = min(math.ceil(yb - 0.5), y1)
        if first < last:
            rows = np.arange(first, last)
            crossing = xa + (rows + 0.5 - ya) * ((xb - xa) / (yb - ya))
            columns = np.clip(np.ceil(crossing - 0.5).astype(np.int64) - x0, 0, x1 - x0)
            switches[rows - y0, columns] ^= 1
    inside = np.bitwise_xor.accumulate(switches, axis=1)[:, :-1]
    return Patch(y0, x0, inside.view(np.bool_))


def _stored_mask(contour: Contour, shape: tuple[int, int]) -> Patch | None:
    if contour.mask is None:
        return None
    left, top = int(contour.points[0][0]), int(contour.points[0][1])
    x0, y0 = max(left, 0), max(top, 0)
    if left >= shape[1] or top >= shape[0]:
        return None
    pixels = contour.mask[y0 - top : shape[0] - top, x0 - left : shape[1] - left]
    return Patch(y0, x0, pixels) if pixels.size else None


def _corners(contour: Contour) -> NDArray[np.float64]:
    """Corners of a polygon or rectangle, shape (n, 2) as (column, row)."""
    if contour.shape_type == "rectangle":
        left, top, right, bottom = bounds(contour)
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return contour.xy


def contour_area(contour: Contour) -> float:
    """Area that the contour encloses, in px²: shoelace, πr², or the pixel count of a mask."""
    if contour.shape_type == "circle":
        return math.pi * _radius(contour) ** 2
    if contour.mask is not None:
        return float(np.count_nonzero(contour.mask))
    corners = _corners(contour)
    # Around its middle, so that large coordinates cost no digits.
    x, y = (corners - (corners.min(axis=0) + corners.max(axis=0)) / 2).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(np.roll(x, -1), y)) / 2)


def is_flat(contour: Contour) -> bool:
    """Whether all points lie on one line (or on each other) within rounding: nothing is enclosed."""
    if contour.shape_type == "mask":
        return False
    if contour.shape_type == "circle":
        return _radius(contour) == 0
    corners = _corners(contour)
    offsets = corners - corners[0]
    far = offsets[np.argmax(np.abs(offsets).sum(axis=1))]
    beside = np.abs(offsets[:, 0] * far[1] - offsets[:, 1] * far[0])
    return bool((beside <= 1e-9 * np.abs(far).sum() ** 2).all())


def crosses_itself(contour: Contour) -> bool:
    """Whether two edges of a polygon cross each other (touching does not count).

    Contours of more than ``CROSSING_CHECK_LIMIT`` points are not looked at.
    """
    if contour.shape_type not in POLYGONS:
        return False
    if not 3 < len(contour.points) <= CROSSING_CHECK_LIMIT:
        return False
    x, y = np.concatenate((contour.xy, contour.xy[:1])).T
    x, y = x - x.sum() / len(x), y - y.sum() / len(y)
    along_x, along_y = x[1:] - x[:-1], y[1:] - y[:-1]
    # turn[i, j] > 0: point i lies on one side of edge j; < 0: on the other.
    turn = x[:, None] * along_y - y[:, None] * along_x
    turn -= x[:-1] * along_y - y[:-1] * along_x
    # Below it, rounding can no longer tell the side: such points count as touching.
    tolerance = 1e-9 * (abs(x).max() + abs(y).max() + 1) * (abs(along_x) + abs(along_y))
    above, below = turn > tolerance, turn < -tolerance
    parted = (above[:-1] & below[1:]) | (below[:-1] & above[1:])
    return bool((parted & parted.T).any())


def frame_of(patches: Collection[Patch]) -> PixelBox:
    """The smallest frame around patches."""
    return PixelBox(
        min(p.left for p in patches),
        min(p.top for p in patches),
        max(p.right for p in patches),
        max(p.bottom for p in patches),
    )


def union(patches: list[Patch]) -> Patch:
    """The union of patches, each pixel once."""
    if len(patches) == 1:
        return patches[0]
    left, top, right, bottom = frame_of(patches)
    pixels = np.zeros((bottom - top, right - left), dtype=bool)
    for p in patches:
        pixels[p.top - top : p.bottom - top, p.left - left : p.right - left] |= p.pixels
    return Patch(top, left, pixels)


def shared_px(a: Patch, b: Patch) -> int:
    """How many pixels two patches have in common."""
    top, bottom = max(a.top, b.top), min(a.bottom, b.bottom)
    left, right = max(a.left, b.left), min(a.right, b.right)
    if top >= bottom or left >= right:
        return 0
    part_a = a.pixels[top - a.top : bottom - a.top, left - a.left : right - a.left]
    part_b = b.pixels[top - b.top : bottom - b.top, left - b.left : right - b.left]
    return int(np.count_nonzero(part_a & part_b))


def centroid_column(patch: Patch) -> float:
    """Mean column of a patch's pixels (their left edges), in pixels of the image."""
    per_column = np.count_nonzero(patch.pixels, axis=0)
    return patch.left + float(np.dot(per_column, np.arange(len(per_column))) / per_column.sum())
