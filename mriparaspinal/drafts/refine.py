"""A few clicks around a region become a smooth line that follows the edges of the slice.

A closed spline through the clicks says where the line may run: in a band around it, a random walker (Grady
2006, doi 10.1109/TPAMI.2006.233; scikit-image) that starts at a pixel comes first inside or first outside,
depending on the edges between. Where the slice shows no edge, the spline stands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit
from skimage.measure import approximate_polygon, find_contours
from skimage.segmentation import random_walker

from mriparaspinal.drafts.splines import Points, closed_spline, depth_below, enclosed_area

#: Lengths as a fraction of the square root of the region's area, so that they hold at any size of pixels.
_BAND, _BLUR, _SOFT = 0.08, 0.02, 0.03

#: In the same unit: how far a point of the outline may lie from the line that it simplifies; at most 0.5 px.
_TOLERANCE = 0.0025

#: How much the walker minds edges: scikit-image's ``beta``, on grey levels scaled to 0–1.
_EDGES = 400

#: How much of the answer is the person's line; the rest is the walker's.
_TRUST = 0.8

#: In px: the narrowest default band, and its rim, in which no pixel is free, so that the line stays in it.
_NARROWEST, _RIM = 2.0, 1.5


def default_band(points: Points) -> float:
    """How far a line may move from the spline, in px: 8 % of the square root of its area, and a rim."""
    return _RIM + max(_NARROWEST, _BAND * float(np.sqrt(enclosed_area(closed_spline(points)))))


def refine_region(grey: NDArray[np.uint8], points: Points, band: float | None = None) -> Points:
    """The smooth outline of one region, from some points around it.

    Parameters
    ----------
    grey : ndarray of uint8, (rows, columns)
        The slice.
    points : ndarray of float, (n, 2)
        Points (x, y) on the border of the region, in turn; pixel (c, r) covers [c, c+1) × [r, r+1).
    band : float, optional
        In pixels: no point of the outline lies farther from the spline through ``points``.

    Returns
    -------
    ndarray of float, (m, 2)
        The outline, some 40–70 points; those of the spline where the slice tells nothing.
    """
    line = closed_spline(np.asarray(points, dtype=np.float64))
    if len(line) < 3:
        return line
    band = default_band(line) if band is None else band
    size = float(np.sqrt(enclosed_area(line)))
    margin = int(np.ceil(band)) + 4
    rows, columns = grey.shape
    left, top = np.maximum(np.floor(line.min(axis=0)).astype(int) - margin, 0).tolist()
    right, bottom = np.ceil(line.max(axis=0)).astype(int) + margin
    crop = grey[top : min(bottom, rows), left : min(right, columns)]
    if crop.size == 0:
        return _simple(line, size)
    corner = np.array([left, top], dtype=np.float64)
    depth = depth_below(line - corner, (crop.shape[0], crop.shape[1]))
    inside = _walk(crop, depth, band - _RIM, size)
    if inside is None:
        return _simple(line, size)
    share = (1 - _TRUST) * inside + _TRUST * expit(depth / max(0.5, _SOFT * size))
    outline = _outline(share)
    return _simple(line, size) if outline is None else _simple(outline + corner, size)


def _walk(
    crop: NDArray[np.uint8], depth: NDArray[np.float64], band: float, size: float
) -> NDArray[np.float64] | None:
    """The probability of each pixel to lie inside; None where the slice, or the band, leaves no choice."""
    seeds = np.zeros(crop.shape, dtype=np.int8)
    seeds[depth >= band] = 1
    seeds[depth <= -band] = 2
    if not all((seeds == kind).any() for kind in range(3)):
        return None
    # The square root: an edge between dark tissues counts as one between bright ones does.
    smooth = np.sqrt(ndimage.gaussian_filter(crop.astype(np.float64), _BLUR * size))
    low, high = float(smooth.min()), float(smooth.max())
    if high - low < 1e-6:
        return None
    edges = (smooth - low) / (high - low)
    inside: NDArray[np.float64] = random_walker(edges, seeds, beta=_EDGES, mode="bf", return_full_prob=True)[
        0
    ]
    return inside


def _outline(share: NDArray[np.float64]) -> Points | None:
    """The longest line on which as much speaks for inside as for outside."""
    lines = find_contours(np.pad(share, 1), 0.5)
    outlines = [line[:-1, ::-1] - 0.5 for line in lines if len(line) > 3]
    return max(outlines, key=enclosed_area, default=None)


def _simple(line: Points, size: float) -> Points:
    """A line of fewer points around the same area: what the chords cut off is given back all around."""
    closed = np.concatenate((line, line[:1]))
    points: Points = approximate_polygon(closed, min(0.5, _TOLERANCE * size))[:-1]
    if len(points) < 3 or not enclosed_area(points):
        return line
    middle = points.mean(axis=0)
    return middle + (points - middle) * np.sqrt(enclosed_area(line) / enclosed_area(points))
