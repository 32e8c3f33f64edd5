"""From a contour to the pixels that it covers, and the geometry of contours.

Coordinates are LabelMe's: (column, row) in pixels, where pixel (c, r) covers [c, c+1) × [r, r+1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mriparaspinal.model import Contour, MaskRule

#: Finding self-crossings takes time with the square of the points; no hand draws as many.
CROSSING_CHECK_LIMIT = 3000


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A mask where it is: ``pixels`` (rows, columns), bool, with its upper left pixel at (top, left)."""

    top: int
    left: int
    pixels: NDArray[np.bool_]

    @property
    def bottom(self) -> int:
        """The row below the last."""
        return self.top + self.pixels.shape[0]

    @property
    def right(self) -> int:
        """The column right of the last."""
        return self.left + self.pixels.shape[1]

    def on(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of an image (rows, columns) under the patch."""
        return image[self.top : self.bottom, self.left : self.right]

    def full(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The mask on the whole canvas of (rows, columns)."""
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
    return patch if patch is not None and patch.pixels.any() else None


def bounds(contour: Contour) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a contour, in pixels."""
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
    if right < 0 or bottom < 0 or left >= columns or top >= rows:
        return None
    # Pillow truncates coordinates towards zero. For a box without negative coordinates this is the
    # floor, and a shift by whole pixels changes nothing; otherwise the whole canvas must be drawn.
    whole = left < 0 or top < 0
    x0, y0 = (0, 0) if whole else (int(left), int(top))
    x1, y1 = min(int(right) + 1, columns), min(int(bottom) + 1, rows)
    canvas = Image.new("L", (x1 - x0, y1 - y0))
    draw = ImageDraw.Draw(canvas)
    if contour.shape_type in ("rectangle", "circle"):
        box = (left - x0, top - y0, right - x0, bottom - y0)
        fill = draw.rectangle if contour.shape_type == "rectangle" else draw.ellipse
        fill(box, outline=1, fill=1)
    else:
        draw.polygon([(x - x0, y - y0) for x, y in contour.points], outline=1, fill=1)
    return Patch(y0, x0, np.asarray(canvas).view(np.bool_))


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
    for (xa, ya), (xb, yb) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
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
    return np.array(contour.points, dtype=np.float64)


def contour_area(contour: Contour) -> float:
    """Area that the whole contour encloses, in px²: shoelace, πr², or the pixel count of a mask."""
    if contour.shape_type == "circle":
        return math.pi * _radius(contour) ** 2
    if contour.shape_type == "mask":
        return float(np.count_nonzero(contour.mask))
    corners = _corners(contour)
    x, y = corners[:, 0] - corners[0, 0], corners[:, 1] - corners[0, 1]
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)


def is_flat(contour: Contour) -> bool:
    """Whether all points lie on one line (or on each other), so that nothing is enclosed."""
    if contour.shape_type == "mask":
        return False
    if contour.shape_type == "circle":
        return _radius(contour) == 0
    corners = _corners(contour)
    offsets = corners - corners[0]
    far = offsets[np.argmax(np.abs(offsets).sum(axis=1))]
    return not (offsets[:, 0] * far[1] != offsets[:, 1] * far[0]).any()


def crosses_itself(contour: Contour) -> bool:
    """Whether two edges of a polygon cross each other (touching does not count).

    Contours of more than ``CROSSING_CHECK_LIMIT`` points are not looked at.
    """
    if contour.shape_type not in ("polygon", "oriented_rectangle"):
        return False
    if not 3 < len(contour.points) <= CROSSING_CHECK_LIMIT:
        return False
    x, y = np.array(contour.points, dtype=np.float64).T
    along_x, along_y = np.roll(x, -1) - x, np.roll(y, -1) - y
    # turn[i, j] > 0: point i lies on one side of edge j; < 0: on the other.
    turn = np.multiply.outer(x, along_y) - np.multiply.outer(y, along_x) - (x * along_y - y * along_x)
    # On which side rounding can no longer tell: such points count as touching.
    tolerance = 1e-9 * (np.abs(x).max() + np.abs(y).max() + 1) * (np.abs(along_x) + np.abs(along_y))
    above, below = turn > tolerance, turn < -tolerance
    parted = (above & np.roll(below, -1, axis=0)) | (below & np.roll(above, -1, axis=0))
    return bool((parted & parted.T).any())


def united(patches: list[Patch]) -> Patch:
    """The union of patches, each pixel once."""
    if len(patches) == 1:
        return patches[0]
    top, left = min(p.top for p in patches), min(p.left for p in patches)
    bottom, right = max(p.bottom for p in patches), max(p.right for p in patches)
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
