"""A few clicks around a region become a smooth line that follows the edges of the slice.

A closed spline through the clicks says where the line may run: in a band around it, a random walker (Grady
2006, doi 10.1109/TPAMI.2006.233; scikit-image) that starts at a pixel comes first inside or first outside,
depending on the edges between. Each point of the spline moves towards the walker's border as far as the edge
there can be trusted: it has to be stronger than what the region shows within, and the more of the border is
so, the more it counts. A shift of the whole border in or out that clicks do not explain is not followed: a
dark fascia around the muscle does that. Where the slice shows no edge, the spline stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
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

Array = NDArray[np.float64]

#: Lengths as a fraction of the square root of the region's area, so that they hold at any size of pixels: the
#: band, the blur before the walk, and how evenly neighbouring points of the line move.
_BAND, _BLUR, _EVEN = 0.08, 0.02, 0.05

#: In the same unit: how far a point of the outline may lie from the line that it simplifies; at most 0.5 px.
_TOLERANCE = 0.0025

#: In the same unit: how far one click lies from the border, as a rule. Of n clicks the mean is 1/√n of it.
_CLICK = 0.034

#: How much the walker minds edges: scikit-image's ``beta``, on grey levels scaled to 0–1.
_EDGES = 1000

#: An edge is half trusted where it is that many times as steep as the slopes within the region.
_OVER_TEXTURE = 1.7

#: The least that slopes within the region count as: this part of the grey levels around, over a length of 1.
_FAINT = 0.5

#: In px: the narrowest default band, and its rim, in which no pixel is free, so that the line stays in it.
_NARROWEST, _RIM = 2.0, 1.5

#: In px: how finely the border is looked for across the line.
_STEP = 0.25


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

    No region takes what another holds: where two borders overlap, the region in which it lies deeper has the
    pixel. Regions that were clicked over each other stay so, to be seen.
    Two lines of one name are parts of one region, and may overlap.
    """
    strips = [_strip(grey, np.asarray(points, dtype=np.float64), band) for _, points in regions]
    refined = []
    for (name, _), strip in zip(regions, strips, strict=True):
        others = np.zeros(strip.within.shape)
        for (other, _), near in zip(regions, strips, strict=True):
            if other != name:
                strip.raise_to(others, near)
        # In the band alone: beyond it the person has told where the region is.
        others[strip.depth >= strip.band] = 0
        contested = (others > 0) & (strip.within > 0)
        found = _outline(strip.within - others) if contested.any() else None
        outline = strip.moved if found is None else found + strip.corner
        tolerance = min(0.5, _TOLERANCE * float(np.sqrt(enclosed_area(strip.line))))
        refined.append(_against(strip.line, simplify(outline, tolerance)))
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
    """A spline, the line that it became, and how deep each pixel around lies in either."""

    line: Points
    moved: Points
    corner: Points = field(default_factory=lambda: np.zeros(2))
    """(x, y) of the upper left pixel of the arrays."""
    band: float = 0.0
    depth: Array = field(default_factory=lambda: np.zeros((0, 0)))
    within: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """Below ``moved``, in px; without pixels where the line is no region of the slice."""

    def raise_to(self, depths: Array, other: _Strip) -> None:
        """Raise ``depths``, on these pixels, to those in another strip where they overlap."""
        start = (other.corner - self.corner)[::-1].astype(int)
        own = tuple(
            slice(max(0, s), max(0, min(n, s + m)))
            for s, n, m in zip(start.tolist(), depths.shape, other.within.shape, strict=True)
        )
        others = tuple(slice(o.start - s, o.stop - s) for o, s in zip(own, start.tolist(), strict=True))
        if not all(o.stop > o.start for o in own):
            return
        # Clicks that put more than a border into both regions contradict each other: a person has to see it.
        cores = (self.depth[own] >= self.band) & (other.depth[others] >= other.band)
        if not cores.any():
            np.maximum(depths[own], other.within[others], out=depths[own])


def _strip(grey: NDArray[np.uint8], points: Points, band: float | None) -> _Strip:
    line = closed_spline(points, 0.5)
    if len(line) < 3 or is_crossing(points) or is_crossing(line):
        return _Strip(line, line)  # no region is meant by it: it stays, to be seen
    band = (default_band(points) if band is None else band) - _RIM
    size = float(np.sqrt(enclosed_area(line)))
    margin = int(np.ceil(band + _RIM)) + 4
    rows, columns = grey.shape
    left, top = np.maximum(np.floor(line.min(axis=0)).astype(int) - margin, 0).tolist()
    right, bottom = (np.ceil(line.max(axis=0)).astype(int) + margin).tolist()
    crop = grey[top : max(0, min(bottom, rows)), left : max(0, min(right, columns))]
    corner = np.array([left, top], dtype=np.float64)
    if crop.size == 0:
        return _Strip(line, line)
    shape = crop.shape[0], crop.shape[1]
    depth = depth_below(line - corner, shape)
    allowed = _CLICK * size / float(np.sqrt(len(points)))
    moved = _moved(crop, line - corner, depth, band, size, allowed) + corner
    return _Strip(line, moved, corner, band, depth, depth_below(moved - corner, shape))


def _moved(
    crop: NDArray[np.uint8], line: Points, depth: Array, band: float, size: float, allowed: float
) -> Points:
    """A line moved to the edges that can be trusted; as it is where slice or band leave no choice."""
    edges = _edges(crop, size)
    inside = None if edges is None else _walk(edges, depth, band)
    if edges is None or inside is None:
        return line
    outwards = _outwards(line)
    border, is_found = _border(line, outwards, inside, band)
    trust = _trust(line + border[:, None] * outwards, outwards, edges, depth >= band, size)
    moves = _moves(border, np.where(is_found, trust, 0.0), line, size, allowed)
    moved = line + np.clip(moves, -band, band)[:, None] * outwards
    return line if is_crossing(moved) else moved


def _edges(crop: NDArray[np.uint8], size: float) -> Array | None:
    """The blurred grey levels, scaled to 0–1; None where all are alike."""
    # The square root: an edge between dark tissues counts as one between bright ones does.
    smooth = np.sqrt(ndimage.gaussian_filter(crop.astype(np.float64), _BLUR * size))
    low, high = float(smooth.min()), float(smooth.max())
    return None if high - low < 1e-6 else (smooth - low) / (high - low)


def _walk(edges: Array, depth: Array, band: float) -> Array | None:
    """The probability of each pixel to lie inside; None where the band leaves no choice."""
    seeds = np.zeros(edges.shape, dtype=np.int8)
    seeds[depth >= band] = 1
    seeds[depth <= -band] = 2
    if not all((seeds == kind).any() for kind in range(3)):
        return None
    inside: Array = random_walker(edges, seeds, beta=_EDGES, mode="bf", return_full_prob=True)[0]
    return inside


def _outwards(line: Points) -> Points:
    """The unit vector out of a closed line, at each of its points."""
    along = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-12)[:, None]
    x, y = (line - line.mean(axis=0)).T
    turn = np.sign(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    return np.asarray(turn * np.column_stack((along[:, 1], -along[:, 0])))


def _at(array: Array, points: Points, beyond: str) -> Array:
    """The values of an array of pixels at points (x, y) of any shape."""
    return np.asarray(
        ndimage.map_coordinates(array, [points[..., 1] - 0.5, points[..., 0] - 0.5], order=1, mode=beyond)
    )


def _border(line: Points, outwards: Points, inside: Array, band: float) -> tuple[Array, NDArray[np.bool_]]:
    """How far out the walker's border lies at each point of a line, and whether there is one in the band."""
    offsets = np.linspace(-band, band, int(np.ceil(2 * band / _STEP)) + 1)
    share = _at(inside, line[:, None] + offsets[:, None] * outwards[:, None], "nearest") - 0.5
    here, next_ = share[:, :-1], share[:, 1:]
    is_border = (here > 0) & (next_ <= 0)
    step = offsets[1] - offsets[0]
    places = np.where(is_border, offsets[:-1] + step * here / np.where(is_border, here - next_, 1.0), np.inf)
    nearest = np.take_along_axis(places, np.abs(places).argmin(axis=1)[:, None], axis=1)[:, 0]
    is_found = np.isfinite(nearest)
    return np.where(is_found, nearest, 0.0), is_found


def _trust(border: Points, outwards: Points, edges: Array, core: NDArray[np.bool_], size: float) -> Array:
    """How far each point of a border can be trusted, 0–1: the slope there, against those in the core."""
    down, right = (ndimage.correlate1d(edges, [-0.5, 0.0, 0.5], axis, mode="nearest") for axis in (0, 1))
    slope = _at(right, border, "constant") * outwards[:, 0] + _at(down, border, "constant") * outwards[:, 1]
    texture = np.sqrt(np.mean(right[core] ** 2 + down[core] ** 2))
    ratio = slope / (_OVER_TEXTURE * max(float(texture), _FAINT / size))
    return np.asarray(ratio**4 / (1 + ratio**4))


def _moves(border: Array, trust: Array, line: Points, size: float, allowed: float) -> Array:
    """How far out each point of a line goes; ``allowed``: a shift of the whole that clicks explain."""
    if not trust.any():
        return np.zeros(len(line))
    shift = float(np.average(border, weights=trust))
    overall = float(trust.mean())
    spacing = float(np.hypot(*(np.roll(line, -1, axis=0) - line).T).mean())
    pull = overall * trust * (border - shift)
    moves = ndimage.gaussian_filter1d(pull, _EVEN * size / spacing, mode="wrap")
    return np.asarray(moves - moves.mean() + overall**2 * shift / (1 + (shift / allowed) ** 2))


def _outline(depth: Array) -> Points | None:
    """The longest line around what is positive."""
    lines = find_contours(np.pad(depth, 1, constant_values=-0.5), 0.0)
    outlines = [line[:-1, ::-1] - 0.5 for line in lines if len(line) > 3]
    return max(outlines, key=enclosed_area, default=None)
