"""A slice as data for the page: its part around the regions, outlines and contours, the histogram."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import MUSCLES, Contour
from mriparaspinal.dataset.regions import RegionKey
from mriparaspinal.imaging.rasterise import CROSSING_CHECK_LIMIT, Box, Patch, PixelBox, bounds

#: Around the regions, so much of their longer edge is shown, for the eye to find its way.
_MARGIN = 0.03

#: Grey levels that one bar of a histogram stands for.
_BAR = 4


@dataclass(frozen=True, slots=True)
class RegionOutline:
    """The mask of one region on the picture."""

    name: str
    side: str
    path: str
    """Its outline along the edges of its pixels, as the path of an SVG: only ``M h v z``, whole numbers."""
    x: float
    y: float
    """The middle of its pixels, in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class RefusedContour:
    """A contour that was not measured, as it was drawn."""

    label: str
    path: str
    """Its line, as the path of an SVG; empty for one of too many points to be a muscle's."""
    x: float
    y: float
    """The middle of its box, in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """The grey levels of one muscle, both sides together."""

    muscle: str
    path: str
    """Bars as the path of an SVG: one unit wide for each grey level, the highest bar 100, base at 100."""
    pixels: int


@dataclass(frozen=True, slots=True)
class SliceImage:
    """What the page shows of one slice."""

    columns: int
    rows: int
    """Of the whole slice."""
    whole: str
    """The whole slice, smaller and with loss, as ``data:`` address."""
    left: int
    top: int
    width: int
    height: int
    """The part that is shown first, in pixels of the slice."""
    uri: str
    """This part without loss, as ``data:`` address; empty where nothing was measured, and it is the whole."""
    step: int
    """1: every pixel as in the file; else grey levels outside the regions are in steps of so many."""
    regions: tuple[RegionOutline, ...]
    refused: tuple[RefusedContour, ...]
    not_drawn: int
    """How many more contours were not measured, which are too many to draw."""
    histograms: tuple[Histogram, ...]
    counts: Mapping[RegionKey, tuple[int, int]]
    """Pixels of each region, and those of them above the threshold."""


def shown_frame(boxes: Collection[Box], shape: tuple[int, int]) -> PixelBox:
    """The part of an image of (rows, columns) that is shown: what the boxes have on it, and a margin."""
    rows, columns = shape
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    left, top = (max(0, math.floor(min(edges))) for edges in (lefts, tops))
    right, bottom = min(columns, math.ceil(max(rights))), min(rows, math.ceil(max(bottoms)))
    margin = math.ceil(_MARGIN * max(right - left, bottom - top))
    return PixelBox(
        max(0, left - margin), max(0, top - margin), min(columns, right + margin), min(rows, bottom + margin)
    )


def coarser_outside(grey: NDArray[np.uint8], patches: Iterable[Patch], step: int) -> NDArray[np.uint8]:
    """The picture with grey levels outside all regions in steps of ``step``; inside they stay as they are."""
    if step == 1:
        return grey
    inside = np.zeros(grey.shape, dtype=bool)
    for patch in patches:
        inside[patch.top : patch.bottom, patch.left : patch.right] |= patch.pixels
    coarse = grey // step * step + step // 2
    shown: NDArray[np.uint8] = np.where(inside, grey, coarse).astype(np.uint8)
    return shown


def outlined(key: RegionKey, patch: Patch) -> RegionOutline:
    """A region with the outline of its mask."""
    rows, columns = np.nonzero(patch.pixels)
    return RegionOutline(
        *key,
        path=outline_path(patch),
        x=round(patch.left + float(columns.mean()) + 0.5, 1),
        y=round(patch.top + float(rows.mean()) + 0.5, 1),
    )


def refused_contour(contour: Contour, frame: PixelBox) -> RefusedContour:
    """A contour as it was drawn, on the part of the slice that ``frame`` shows."""
    left, top, right, bottom = bounds(contour)
    seen_x = _between((left + right) / 2, frame.left, frame.right)
    seen_y = _between((top + bottom) / 2, frame.top, frame.bottom)
    path = _drawn_path(contour, frame.left, frame.top)
    return RefusedContour(contour.label, path, seen_x - frame.left, seen_y - frame.top)


def _between(value: float, low: int, high: int) -> float:
    return round(min(max(value, low), high), 1)


def _drawn_path(contour: Contour, left: int, top: int) -> str:
    x0, y0, x1, y1 = bounds(contour)
    if contour.mask is not None:
        return outline_path(Patch(int(y0) - top, int(x0) - left, contour.mask))
    if contour.shape_type == "circle":
        r = (x1 - x0) / 2
        arcs = f"a{r:.6g} {r:.6g} 0 1 0 {2 * r:.6g} 0a{r:.6g} {r:.6g} 0 1 0 {-2 * r:.6g} 0z"
        return f"M{x0 - left:.6g} {(y0 + y1) / 2 - top:.6g}{arcs}"
    if len(contour.points) > CROSSING_CHECK_LIMIT:
        return ""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    points = corners if contour.shape_type == "rectangle" else contour.points
    return "M" + "L".join(f"{x - left:.6g} {y - top:.6g}" for x, y in points) + "z"


def outline_path(patch: Patch) -> str:
    """The edges between pixels in and out of a mask, as closed lines: filled even-odd they give it again.

    Nothing is simplified: straight runs are joined, and that is all.

    >>> outline_path(Patch(2, 5, np.array([[True, True], [False, True]])))
    'M5 2h2v2h-1v-1h-1v-1z'
    """
    rows, columns, after = _corners(patch.pixels)
    left = [True] * len(after)
    lines = []
    for start in range(len(after)):
        line, place = [], start
        while left[place]:
            left[place] = False
            line.append(place)
            place = after[place]
        if line:
            x, y = columns[line], rows[line]
            right, down = (np.roll(along, -1) - along for along in (x, y))
            runs = (f"h{h}" if h else f"v{v}" for h, v in zip(right.tolist(), down.tolist(), strict=True))
            lines.append(f"M{x[0] + patch.left} {y[0] + patch.top}{''.join(runs)}z")
    return "".join(lines)


def _corners(pixels: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """The corners of a mask: rows, columns, and the place of the one after each, with the mask on the right.

    Where two pixels touch by a corner alone, two lines meet, and it is there twice.
    """
    inside = np.pad(pixels, 1)
    (a, b), (c, d) = ((part[:, :-1], part[:, 1:]) for part in (inside[:-1], inside[1:]))
    times = np.where((a == d) & (b == c) & (a != b), 2, a ^ b ^ c ^ d)
    corners = np.repeat(np.arange(times.size), times.ravel())
    rows, columns = np.divmod(corners, times.shape[1])
    # In each row an edge lies between first and second, third and fourth, and so on; and so in each column.
    places = np.arange(corners.size)
    by_column = np.argsort(columns, kind="stable")
    below = np.empty_like(places)
    below[by_column] = by_column[places ^ 1]
    sideways = (d & ~b | a & ~c).ravel()[corners]
    return rows, columns, np.where(sideways, places ^ 1, below).tolist()


def first_fat_level(threshold: float) -> int:
    """The lowest grey level that is strictly brighter than a threshold.

    >>> first_fat_level(50), first_fat_level(87.5)
    (51, 88)
    """
    return math.floor(threshold) + 1


def histograms(
    grey: NDArray[np.uint8],
    patches: Mapping[RegionKey, Patch],
    threshold: float | None,
    muscles: Sequence[str] = MUSCLES,
) -> tuple[Histogram, ...]:
    """The grey levels of each muscle; an edge between bars lies at the threshold: no bar is half fat."""
    found = []
    origin = 0 if threshold is None else first_fat_level(threshold) % _BAR
    for muscle in muscles:
        levels = [patch.on(grey)[patch.pixels] for (name, _), patch in patches.items() if name == muscle]
        if levels:
            counts = np.bincount(np.concatenate(levels), minlength=256)
            found.append(Histogram(muscle, _bars(counts, origin), int(counts.sum())))
    return tuple(found)


def _bars(counts: NDArray[np.int64], origin: int) -> str:
    """Bars of pixels per grey level (the first and the last bar may be narrower)."""
    edges = np.unique(np.r_[0, np.arange(origin, 256, _BAR), 256])
    heights = np.add.reduceat(counts, edges[:-1]) / np.diff(edges)
    heights = np.rint(100 * heights / heights.max()).astype(int)
    text, level = ["M0 100"], 0
    for height, width in zip(heights.tolist(), np.diff(edges).tolist(), strict=True):
        text.append((f"v{level - height}" if height != level else "") + f"h{width}")
        level = height
    return "".join([*text, f"v{level}z"])
