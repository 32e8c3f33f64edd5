"""The geometry of all contours of a slice at once: a few array operations, not a few per contour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.model import Contour
from mriparaspinal.rasterise import POLYGONS, Box, bounds, contour_area, crosses_itself


class Outline(NamedTuple):
    """What is known of a contour without its pixels."""

    box: Box

    area_px: float
    """Area that it encloses, in px²."""
    crosses_itself: bool


def outlines_of(contours: Sequence[Contour]) -> list[Outline]:
    """Box, area and self-crossing of each contour, equal to what the functions for one contour say."""
    found: list[Outline] = [_NONE] * len(contours)
    polygons = [i for i, contour in enumerate(contours) if contour.shape_type in POLYGONS]
    if polygons:
        for i, outline in zip(polygons, _outlines_of_polygons([contours[i] for i in polygons]), strict=True):
            found[i] = outline
    for i, contour in enumerate(contours):
        if contour.shape_type not in POLYGONS:
            found[i] = Outline(bounds(contour), contour_area(contour), False)
    return found


_NONE = Outline((0, 0, 0, 0), 0, False)


def _outlines_of_polygons(polygons: list[Contour]) -> list[Outline]:
    # All points in one array, each polygon closed by its first point.
    xy = np.concatenate([part for polygon in polygons for part in (polygon.xy, polygon.xy[:1])])
    counts = np.array([len(polygon.points) + 1 for polygon in polygons])
    ends = np.cumsum(counts)
    starts = ends - counts
    low, high = np.minimum.reduceat(xy, starts), np.maximum.reduceat(xy, starts)
    # Shoelace from the first point of each: where one polygon ends and the next begins, nothing is added.
    x, y = (xy - np.repeat(xy[starts], counts, axis=0)).T
    doubled = np.add.reduceat(x[:-1] * y[1:] - x[1:] * y[:-1], starts)
    # Mirrored where need be, so that all go round the same way.
    x, y = (xy - np.repeat((low + high) / 2, counts, axis=0)).T
    y = y * np.repeat(np.where(doubled < 0, -1.0, 1.0), counts)
    simple = _go_round_once(x, y, starts, ends)
    return [
        Outline((left, top, right, bottom), area, not sure and crosses_itself(polygon))
        for (left, top), (right, bottom), area, sure, polygon in zip(
            low.tolist(), high.tolist(), (abs(doubled) / 2).tolist(), simple, polygons, strict=True
        )
    ]


def _go_round_once(
    x: NDArray[np.float64], y: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> list[bool]:
    """Which outlines go round the origin once without turning back: those cannot cross themselves.

    A quick yes for most muscles; a no means that nothing is known.
    """
    turn = x[:-1] * y[1:] - x[1:] * y[:-1]
    # From start to end of each outline, without the step to the next outline.
    spans = np.column_stack((starts, ends - 1)).ravel()[:-1]
    least, most = np.minimum.reduceat(turn, spans)[::2], np.maximum.reduceat(turn, spans)[::2]
    rounds = np.add.reduceat(((y[:-1] < 0) & (y[1:] >= 0)).astype(np.int64), spans)[::2]
    simple: list[bool] = ((least > 1e-9 * most) & (rounds == 1)).tolist()
    return simple
