"""A few clicks around a region become a smooth line that follows the edges of the slice.

A closed spline through the clicks says where the line may run: in a band around it, a random walker (Grady
2006, doi 10.1109/TPAMI.2006.233; scikit-image) that starts at a pixel comes first inside or first outside,
depending on the edges between. Where the slice shows no edge, the spline stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import expit
from skimage.measure import find_contours
from skimage.segmentation import random_walker

from mriparaspinal.drafts.splines import (
    Points,
    closed_spline,
    depth_below,
    enclosed_area,
    is_crossing,
    simplify,
)

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
    refined = refine_regions(grey, [("", points)], band)[0]
    return refined.points


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """One refined outline, against the spline through the clicks."""

    points: Points
    area_change_pct: float
    largest_move_px: float


def refine_regions(
    grey: NDArray[np.uint8], regions: Sequence[tuple[str, Points]], band: float | None = None
) -> list[Refined]:
    """The outlines of the regions of a slice, each a name and its clicks; see :func:`refine_region`.

    No region takes what another holds: where two bands overlap, the one that more speaks for has the pixel.
    Two lines of one name are parts of one region, and may overlap.
    """
    strips = [_strip(grey, np.asarray(points, dtype=np.float64), band) for _, points in regions]
    refined = []
    for (name, _), strip in zip(regions, strips, strict=True):
        outline = strip.line
        if strip.share is not None:
            # In the band alone: beyond it the person has told where the region is.
            others = np.full(strip.share.shape, 0.5)
            for (other, _), near in zip(regions, strips, strict=True):
                if other != name:
                    strip.raise_to(others, near)
            others[strip.depth >= strip.band] = 0.5
            found = _outline(strip.share - others)
            outline = strip.line if found is None else found + strip.corner
        tolerance = min(0.5, _TOLERANCE * float(np.sqrt(enclosed_area(strip.line))))
        points = simplify(outline, tolerance)
        refined.append(_against(strip.line, points))
    return refined


def _against(line: Points, points: Points) -> Refined:
    """What became of a spline: the change of its area, and the largest distance from it."""
    area = enclosed_area(line)
    change = 100 * (enclosed_area(points) / area - 1) if area > 0 else 0.0
    if not len(points):
        return Refined(points, 0.0, 0.0)
    nearest, _ = cKDTree(line).query(points)
    return Refined(points, change, float(np.max(nearest)))


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """A spline, and how much speaks for each pixel around it to lie inside."""

    line: Points
    corner: Points
    """(x, y) of the upper left pixel of the arrays."""
    band: float = 0.0
    depth: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    share: NDArray[np.float64] | None = None
    """None where the slice tells nothing."""

    def raise_to(self, shares: NDArray[np.float64], other: _Strip) -> None:
        """Raise ``shares``, on these pixels, to those of another strip where they overlap."""
        if other.share is None:
            return
        start = (other.corner - self.corner)[::-1].astype(int)
        own = tuple(
            slice(max(0, s), max(0, min(n, s + m)))
            for s, n, m in zip(start.tolist(), shares.shape, other.share.shape, strict=True)
        )
        others = tuple(slice(o.start - s, o.stop - s) for o, s in zip(own, start.tolist(), strict=True))
        if all(o.stop > o.start for o in own):
            np.maximum(shares[own], other.share[others], out=shares[own])


def _strip(grey: NDArray[np.uint8], points: Points, band: float | None) -> _Strip:
    line = closed_spline(points, 0.5)
    if len(line) < 3 or is_crossing(points) or is_crossing(line):
        return _Strip(line, np.zeros(2))  # no region is meant by it: it stays, to be seen
    band = default_band(points) if band is None else band
    size = float(np.sqrt(enclosed_area(line)))
    margin = int(np.ceil(band)) + 4
    rows, columns = grey.shape
    left, top = np.maximum(np.floor(line.min(axis=0)).astype(int) - margin, 0).tolist()
    right, bottom = (np.ceil(line.max(axis=0)).astype(int) + margin).tolist()
    crop = grey[top : max(0, min(bottom, rows)), left : max(0, min(right, columns))]
    corner = np.array([left, top], dtype=np.float64)
    if crop.size == 0:
        return _Strip(line, corner)
    depth = depth_below(line - corner, (crop.shape[0], crop.shape[1]))
    inside = _walk(crop, depth, band - _RIM, size)
    if inside is None:
        return _Strip(line, corner)
    share = (1 - _TRUST) * inside + _TRUST * expit(depth / max(0.5, _SOFT * size))
    return _Strip(line, corner, band - _RIM, depth, share)


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
    """The longest line around what is positive."""
    lines = find_contours(np.pad(share, 1, constant_values=-0.5), 0.0)
    outlines = [line[:-1, ::-1] - 0.5 for line in lines if len(line) > 3]
    return max(outlines, key=enclosed_area, default=None)
