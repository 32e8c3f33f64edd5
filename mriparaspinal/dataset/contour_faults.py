"""Faults of contours by themselves: off the image, without area, too many to draw."""

from __future__ import annotations

import numpy as np

from mriparaspinal.core.model import Contour
from mriparaspinal.dataset.plausibility import normalised
from mriparaspinal.dataset.regions import Finding
from mriparaspinal.imaging.outlines import Outline
from mriparaspinal.imaging.rasterise import Patch, is_flat

#: Pixels of canvas that the contours of a slice may take to draw, and rows that their edges may run up and
#: down in all: more than any slice of 4096 × 4096 pixels needs, and still drawn in seconds.
_CANVAS_LIMIT = 200_000_000


_ROWS_LIMIT = 5_000_000


OUTSIDE: Finding = (
    "outside-image",
    "the contour covers no pixel of the image; expected it on the image",
    "draw it again, or check that the JSON belongs to this image",
)


_ENDLESS: Finding = (
    "too-much-to-draw",
    "contours that fill or cross the image thousands of times; expected those of one slice",
    "check what the file is",
)


_NORMALISED: Finding = (
    "normalised-coordinates",
    "all contours lie within 0 … 1: parts of the image's width and height; expected positions in pixels",
    "multiply the columns by the image's width and the rows by its height",
)


_FLAT: Finding = (
    "no-area",
    "the contour encloses no area; expected an outline around the region",
    "draw the contour again",
)


_RETRACED: Finding = (
    "retraced",
    "the outline, or a part of it, is traced more than once, so that pixels inside count as outside; "
    "expected it once around the region",
    "draw the contour again",
)


def fault_of_all(contours: list[Contour], outlines: list[Outline], shape: tuple[int, int]) -> Finding | None:
    """What is wrong with all contours of a slice together: too much to draw, or other units than pixels."""
    if _endless(contours, outlines, shape):
        return _ENDLESS
    masks = any(contour.mask is not None for contour in contours)
    return _NORMALISED if not masks and normalised([o.box for o in outlines], shape) else None


def _endless(contours: list[Contour], outlines: list[Outline], shape: tuple[int, int]) -> bool:
    """Whether drawing the contours would take more memory or time than those of any slice."""
    rows, columns = shape
    heights = [min(bottom, rows) - max(top, 0) + 1 for _, top, _, bottom in (o.box for o in outlines)]
    width = min(max((outline.box[2] for outline in outlines), default=0) + 1, columns)
    if width * sum(height for height in heights if height > 0) > _CANVAS_LIMIT:
        return True
    most = sum(len(c.points) * height for c, height in zip(contours, heights, strict=True) if height > 0)
    return most > _ROWS_LIMIT and sum(_rows_along(contour, rows) for contour in contours) > _ROWS_LIMIT


def _rows_along(contour: Contour, rows: int) -> float:
    """How many rows of the image the edges of a contour run up and down."""
    return float(np.abs(np.diff(contour.xy[:, 1].clip(0, rows))).sum())


def look_at(
    contour: Contour, outline: Outline, shape: tuple[int, int]
) -> tuple[Finding | None, list[Finding]]:
    """The fault of a contour, if it has one, and the warnings about it."""
    # A line drawn forth and back encloses nothing, either, though its points do not lie on one line.
    retraced = outline.area_px < 1e-9 and not outline.crosses_itself
    if retraced or (outline.area_px < 1 and is_flat(contour)):
        return _FLAT, []
    if outline.retraced:
        return _RETRACED, []
    left, top, right, bottom = outline.box
    warnings = []
    rows, columns = shape
    if left < 0 or top < 0 or right > columns or bottom > rows:
        if right < 0 or bottom < 0 or left >= columns or top >= rows:
            return OUTSIDE, []
        found = f"the contour leaves the image of {columns}×{rows} px; expected it inside"
        remedy = "only the part inside is measured: check it on an overlay"
        warnings.append(("leaves-image", found, remedy))
    if outline.crosses_itself:
        found = "the contour is self-intersecting; expected a simple outline"
        remedy = "check on an overlay what is filled, or draw it again"
        warnings.append(("self-crossing", found, remedy))
    return None, warnings


def traced_again(outline: Outline, patch: Patch | None, shape: tuple[int, int]) -> Finding | None:
    """Whether far fewer pixels are filled than the outline goes round: rounds of it cancel each other out.

    Of a simple outline they differ by less than half its length, and the mask rule adds its boundary.
    """
    left, top, right, bottom = outline.box
    inside = left >= 0 and top >= 0 and right <= shape[1] and bottom <= shape[0]
    slack = (right - left) + (bottom - top)
    if not inside or outline.crosses_itself or outline.area_px <= slack + 1:
        return None
    filled = 0 if patch is None else np.count_nonzero(patch.pixels)
    return _RETRACED if outline.area_px > filled + slack else None


def mostly(outside: list[str], contours: list[Contour]) -> bool:
    """Whether most contours lie outside the image: then the others do not belong to it, either."""
    return len(outside) > 1 and len(outside) > len(contours) / 2


def outside_finding(outside: list[str], contours: list[Contour], shape: tuple[int, int]) -> Finding:
    """What is said of contours off the image, of which there may be more than of others."""
    if not mostly(outside, contours):
        return OUTSIDE
    found = f"{len(outside)} of {len(contours)} contours lie outside the image of {shape[1]}×{shape[0]} px; "
    remedy = "put back the image that they were drawn on (of this size?): none of them is measured"
    return OUTSIDE[0], f"{found}expected all of them on it", remedy
