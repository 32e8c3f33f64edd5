"""From the pixels of a region to shapes that LabelMe can edit, and that fill exactly these pixels again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours

from mriparaspinal.core.model import Contour, MaskRule
from mriparaspinal.imaging.rasterise import Patch, contour_area, crosses_itself, is_flat, rasterise

#: Pixels that touch at a corner belong together, as the outline that Pillow draws goes through them.
_NEIGHBOURS = np.ones((3, 3), dtype=np.int8)


def trace(pixels: NDArray[np.bool_], label: str) -> list[Contour]:
    """The shapes of a region on a canvas of (rows, columns): one for each connected part.

    A polygon through the centres of the part's edge pixels, where rule ``labelme`` fills exactly the part
    from it; else (holes, lines of one pixel, single pixels) a shape of type ``mask``. The polygon
    encloses less than the pixels cover: its line runs half a pixel inside of their outer edge.
    """
    parts, _ = ndimage.label(pixels, _NEIGHBOURS)
    contours = []
    for number, where in enumerate(ndimage.find_objects(parts), 1):
        top, left = where[0].start, where[1].start
        part = Patch(top, left, parts[where] == number)
        polygon = _polygon(part, label)
        exact = polygon is not None and _fills(polygon, part, (pixels.shape[0], pixels.shape[1]))
        contours.append(polygon if exact and polygon is not None else _mask_shape(part, label))
    return contours


def mask_shapes(pixels: NDArray[np.bool_], label: str) -> list[Contour]:
    """All pixels of a canvas of (rows, columns) as one shape of type ``mask``; none if there are none."""
    return [
        _mask_shape(Patch(rows.start, columns.start, pixels[rows, columns]), label)
        for rows, columns in ndimage.find_objects(pixels.astype(np.int8))
    ]


def _mask_shape(patch: Patch, label: str) -> Contour:
    corners = ((patch.left, patch.top), (patch.right - 1, patch.bottom - 1))
    return Contour(label, "mask", tuple((float(x), float(y)) for x, y in corners), patch.pixels)


def _polygon(part: Patch, label: str) -> Contour | None:
    """The polygon around a part without holes; None if there is none that encloses an area."""
    # At this level every point of the line lies next to the pixel inside of which it passes.
    lines = find_contours(np.pad(part.pixels, 1).astype(np.float64), 0.75, fully_connected="high")
    if len(lines) != 1:
        return None
    chain = np.rint(lines[0]).astype(np.int64)[:-1] - 1
    chain = chain[(chain != np.roll(chain, 1, axis=0)).any(axis=1)]
    if len(chain) < 3:
        return None
    corners = chain[(chain - np.roll(chain, 1, axis=0) != np.roll(chain, -1, axis=0) - chain).any(axis=1)]
    points = tuple((part.left + c + 0.5, part.top + r + 0.5) for r, c in corners.tolist())
    if len(points) < 3:
        return None
    polygon = Contour(label, "polygon", points)
    return polygon if encloses_area(polygon) else None


def encloses_area(contour: Contour) -> bool:
    """Whether a contour is more than a line; ``check`` calls those that are not an error (``no-area``)."""
    if contour.shape_type == "mask":
        return True
    # Loops of a figure of eight may cancel out: it encloses something all the same.
    return not is_flat(contour) and (contour_area(contour) > 1e-9 or crosses_itself(contour))


def _fills(polygon: Contour, part: Patch, shape: tuple[int, int]) -> bool:
    filled = rasterise(polygon, shape, "labelme")
    return (
        filled is not None
        and (filled.top, filled.left) == (part.top, part.left)
        and np.array_equal(filled.pixels, part.pixels)
    )


def simplified(contour: Contour, tolerance_px: float) -> Contour:
    """A polygon of fewer points, none of the old ones farther than the tolerance from its line.

    After Douglas and Peucker (scikit-image). What is no polygon, or would no longer be a simple outline,
    stays as it is.
    """
    if contour.shape_type != "polygon" or tolerance_px <= 0:
        return contour
    closed = np.concatenate((contour.xy, contour.xy[:1]))
    points = approximate_polygon(closed, tolerance_px)[:-1]
    if not 3 <= len(points) < len(contour.points):
        return contour
    simpler = Contour(contour.label, "polygon", tuple((x, y) for x, y in points.tolist()))
    broken = not encloses_area(simpler) or (crosses_itself(simpler) and not crosses_itself(contour))
    return contour if broken else simpler


def pixels_of(
    contours: list[Contour], shape: tuple[int, int], rule: MaskRule = "labelme"
) -> NDArray[np.bool_]:
    """All pixels of a canvas of (rows, columns) that some contours cover."""
    pixels = np.zeros(shape, dtype=bool)
    for contour in contours:
        patch = rasterise(contour, shape, rule)
        if patch is not None:
            pixels[patch.top : patch.bottom, patch.left : patch.right] |= patch.pixels
    return pixels
