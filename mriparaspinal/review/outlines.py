"""Pixels of any form as polygons that can be drawn on: several where one line cannot go round them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.tracing import trace

#: In px: half the height of a box that fills one row of pixels, and no other.
_THIN = 0.25


def outlines(pixels: NDArray[np.bool_]) -> list[list[list[float]]]:
    """Polygons (column, row) that together fill exactly these pixels of a canvas by rule ``labelme``.

    A part with a hole is cut through it; what is one pixel wide becomes a thin box for each row.
    """
    found: list[list[list[float]]] = []
    for contour in trace(pixels, ""):
        if contour.shape_type == "polygon":
            found.append([list(point) for point in contour.points])
        else:
            found += _of_part(contour, (pixels.shape[0], pixels.shape[1]))
    return found


def _of_part(part: Contour, shape: tuple[int, int]) -> list[list[list[float]]]:
    """The polygons of a part that no single line goes round."""
    assert part.mask is not None
    left, top = (int(number) for number in part.points[0])
    rows, columns = part.mask.shape
    if rows == 1:
        y, x0, x1 = top + 0.5, left + 0.5 - _THIN, left + columns - 0.5 + _THIN
        return [[[x0, y - _THIN], [x1, y - _THIN], [x1, y + _THIN], [x0, y + _THIN]]]
    holes = np.argwhere(ndimage.binary_fill_holes(part.mask) & ~part.mask)
    # Through the first hole; without one, through the middle of what is thin or pinched.
    is_across = bool(len(holes)) or (columns > rows)
    at = int(holes[0][1]) if len(holes) else (columns if is_across else rows) // 2
    at = max(1, at)
    found: list[list[list[float]]] = []
    for half in (slice(None, at), slice(at, None)):
        where = (slice(None), half) if is_across else (half, slice(None))
        canvas = np.zeros(shape, dtype=bool)
        patch = np.zeros_like(part.mask)
        patch[where] = part.mask[where]
        canvas[top : top + rows, left : left + columns] = patch
        found += outlines(canvas)
    return found
