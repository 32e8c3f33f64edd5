"""The geometry of all contours of a slice at once, by a few array operations, and what tells two apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.rasterise import POLYGONS, Box, bounds, contour_area, crosses_itself


class Outline(NamedTuple):
    """What is known of a contour without its pixels."""

    box: Box

    area_px: float
    """Area that it encloses, in px²."""
    crosses_itself: bool
    retraced: bool = False
    """Whether a part of it is drawn again the same way round, see :func:`is_retraced`."""


def outlines_of(contours: Sequence[Contour]) -> list[Outline]:
    """Box, area (within rounding) and self-crossing of each contour, as the functions for one tell them."""
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
    # Around the middle of each, so that large coordinates cost no digits of the area.
    x, y = (xy - np.repeat((low + high) / 2, counts, axis=0)).T
    turn = x[:-1] * y[1:] - x[1:] * y[:-1]
    # From start to end of each outline, without the step to the next outline.
    spans = np.empty(2 * len(counts), np.int64)
    spans[::2], spans[1::2] = starts, ends - 1
    spans = spans[:-1]
    doubled = np.add.reduceat(turn, spans)[::2]
    simple = _go_round_once(turn, y, spans)
    return [
        Outline(
            (left, top, right, bottom),
            area,
            not sure and crosses_itself(polygon),
            not sure and is_retraced(polygon),
        )
        for (left, top), (right, bottom), area, sure, polygon in zip(
            low.tolist(), high.tolist(), (abs(doubled) / 2).tolist(), simple, polygons, strict=True
        )
    ]


def _go_round_once(turn: NDArray[np.float64], y: NDArray[np.float64], spans: NDArray[np.int64]) -> list[bool]:
    """Which outlines go round the origin once without turning back: those cannot cross themselves.

    A quick yes for most muscles; a no means that nothing is known. ``turn``: of each step, twice the area
    that it sweeps, positive one way round; ``spans``: where outlines begin and end in it.
    """
    least, most = np.minimum.reduceat(turn, spans)[::2], np.maximum.reduceat(turn, spans)[::2]
    steady = (least > 1e-9 * most) | (most < 1e-9 * least)
    # Either way round, each round passes the height of the origin upwards once.
    below = y < 0
    rounds = np.add.reduceat(below[:-1] & ~below[1:], spans, dtype=np.int64)[::2]
    simple: list[bool] = (steady & (rounds == 1)).tolist()
    return simple


def is_retraced(contour: Contour) -> bool:
    """Whether an edge of a polygon is drawn twice in the same direction, as of an outline traced twice.

    The pixels inside both rounds count as outside then. A line forth and back, as the bridge to a hole, is
    no such edge.
    """
    points: list[tuple[float, float]] = []
    for point in contour.points:
        if points and points[-1] == point:
            continue
        # Forth and back: what was drawn in between encloses nothing.
        if len(points) > 1 and points[-2] == point:
            points.pop()
        else:
            points.append(point)
    edges = [edge for edge in pairwise([*points, *points[:1]]) if edge[0] != edge[1]]
    return len(set(edges)) < len(edges)


def drawing_of(contour: Contour) -> bytes:
    """The shape, place and type of a contour: of a mask its pixels, of a circle and others their points.

    Which point a polygon begins with does not matter, nor its direction.
    """
    points = [(x + 0.0, y + 0.0) for x, y in contour.points]  # -0.0 is 0.0
    if contour.mask is not None:
        rows, columns = contour.mask.shape
        return b"mask%r %d %d %s" % (points[0], rows, columns, np.packbits(contour.mask).tobytes())
    if contour.shape_type == "polygon":
        points = [point for point, _ in groupby(points)]
        if len(points) > 1 and points[0] == points[-1]:
            del points[-1]
        first = points.index(min(points))
        points = points[first:] + points[:first]
        if points[-1] < points[1 % len(points)]:
            points[1:] = points[:0:-1]
    return contour.shape_type.encode() + np.array(points).tobytes()
