"""A smooth closed line through the few points that a person clicked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import distance_transform_edt
from skimage.measure import approximate_polygon

from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.rasterise import crosses_itself, rasterise

Points = NDArray[np.float64]
"""(n, 2): columns x, rows y, in pixels."""

#: Parts that a pixel is divided into, along each side, to find distances from a line.
_FINE = 2


def closed_spline(points: Points, spacing_px: float = 1.0) -> Points:
    """Points of a closed cubic spline through some points, about ``spacing_px`` apart.

    The parameter grows with the square root of the distance between points (centripetal), so that points that
    lie close together make no loops.
    """
    points = points[np.hypot(*(points - np.roll(points, 1, axis=0)).T) > 1e-6]
    if len(points) < 3:
        return points
    closed = np.concatenate((points, points[:1]))
    steps = np.hypot(*np.diff(closed, axis=0).T)
    at = np.concatenate(([0.0], np.cumsum(np.sqrt(steps))))
    spline = CubicSpline(at, closed, bc_type="periodic")
    many = max(int(np.ceil(steps.sum() / spacing_px)), 4 * len(points))
    return np.asarray(spline(np.linspace(0, at[-1], many, endpoint=False)))


def depth_below(line: Points, shape: tuple[int, int]) -> NDArray[np.float64]:
    """How deep the centre of each pixel of (rows, columns) lies in a closed line, in px; outside negative."""
    fine = Contour("", "polygon", tuple(map(tuple, (line * _FINE).tolist())))
    patch = rasterise(fine, (shape[0] * _FINE, shape[1] * _FINE), "centre")
    inside = np.zeros((shape[0] * _FINE, shape[1] * _FINE), dtype=bool)
    if patch is not None:
        inside[patch.top : patch.bottom, patch.left : patch.right] = patch.pixels
    depth = np.where(inside, distance_transform_edt(inside) - 0.5, 0.5 - distance_transform_edt(~inside))
    rows, columns = shape
    mean: NDArray[np.float64] = depth.reshape(rows, _FINE, columns, _FINE).mean(axis=(1, 3)) / _FINE
    return mean


def is_crossing(line: Points) -> bool:
    """Whether a closed line crosses itself."""
    return crosses_itself(Contour("", "polygon", tuple(map(tuple, line.tolist()))))


def enclosed_area(line: Points) -> float:
    """The area within a closed line, in px² (shoelace)."""
    return abs(signed_area(line))


def signed_area(line: Points) -> float:
    """The same, negative for a line that runs the other way round."""
    if len(line) < 3:
        return 0.0
    x, y = (line - line.mean(axis=0)).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def simplify(line: Points, tolerance_px: float) -> Points:
    """A line of fewer points around the same area: what the chords cut off is given back all around."""
    if len(line) < 3:
        return line
    closed = np.concatenate((line, line[:1]))
    points: Points = approximate_polygon(closed, tolerance_px)[:-1]
    if len(points) < 3 or not enclosed_area(points):
        return line
    middle = points.mean(axis=0)
    return np.asarray(middle + (points - middle) * np.sqrt(enclosed_area(line) / enclosed_area(points)))
