"""Where the fat of a muscle lies: FI by bands and rings, in its deepest part, and between muscle and fascia.

Bands have equal areas. From medial to lateral they follow the patient's own axis, not that of the image;
from deep to superficial the one at right angles to it, anterior to posterior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.distribution import BANDS, DEEPEST_PCT, RINGS, band_column
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import MUSCLES, Problem
from mriparaspinal.dataset.regions import RegionKey

if TYPE_CHECKING:
    from mriparaspinal.measure.slice_view import SliceView, Values

Mask = NDArray[np.bool_]

Bands = NDArray[np.int64]
"""(n,) the band of each pixel of a mask, from 0; -1: in none."""

Masks = Mapping[RegionKey, Mask]
"""By region and side, each (rows, columns)."""

#: Positions that differ by less are one: fractions of a mm, or of a pixel.
_DECIMALS = 6

#: How much of the smaller of two outlines may lie outside of the larger one: what the hand does not see.
_OUTSIDE = 0.05


class Axes(NamedTuple):
    """Two unit vectors of the patient on the image, (x, y) each, in mm or, without spacing, in pixels."""

    left: tuple[float, float]
    """Towards the patient's left."""
    back: tuple[float, float]
    """Towards the patient's back."""


def patient_axes(masks: Masks, spacing_mm: tuple[float, float] | None, image_left: str) -> Axes:
    """The patient's axes: left is where the left muscles lie as seen from their right counterparts.

    The centres of all muscles that have both sides count, each pair by its distance; where there is no such
    muscle, those of one's own regions. Without any pair, the axes of the image. ``image_left``: the patient's
    side that the left of the image shows, which tells in which direction at right angles the back lies.
    """
    x = y = 0.0
    pairs = [name for name, side in masks if side == "left" and (name, "right") in masks]
    for name in [name for name in pairs if name in MUSCLES] or pairs:
        left, right = (_centre(masks[name, side], spacing_mm) for side in ("left", "right"))
        x, y = x + left[0] - right[0], y + left[1] - right[1]
    length = math.hypot(x, y)
    handed = 1.0 if image_left == "right" else -1.0
    x, y = (x / length, y / length) if length > 1e-9 else (handed, 0.0)
    return Axes((x, y), (-handed * y, handed * x))


def _centre(mask: Mask, spacing_mm: tuple[float, float] | None) -> tuple[float, float]:
    x, y = _positions(mask, spacing_mm)
    return float(x.mean()), float(y.mean())


def _positions(
    mask: Mask, spacing_mm: tuple[float, float] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) each: columns and rows of a mask's pixels, row by row, in mm where the spacing is known."""
    rows, columns = (places.astype(np.float64) for places in np.nonzero(mask))
    down, across = spacing_mm or (1.0, 1.0)
    return columns * across, rows * down


def positions(
    mask: Mask, side: str, axes: Axes, spacing_mm: tuple[float, float] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far lateral and how far superficial each pixel of a muscle lies, from the muscle's centre.

    Of a region without sides (``both``): how far to the patient's left.
    """
    x, y = _positions(mask, spacing_mm)
    x, y = x - x.mean(), y - y.mean()
    outwards = -1.0 if side == "right" else 1.0
    lateral = outwards * (x * axes.left[0] + y * axes.left[1])
    superficial = x * axes.back[0] + y * axes.back[1]
    return np.round(lateral, _DECIMALS), np.round(superficial, _DECIMALS)


def equal_bands(along: NDArray[np.float64], across: NDArray[np.float64], bands: int) -> Bands:
    """The band of each pixel, of ``bands`` whose pixel counts differ by one at most.

    Pixels are taken in the order of ``along``, at one place in that of ``across``, so that neither the
    order of pixels nor a mirror image changes the bands.
    """
    ends = [(k * along.size + bands // 2) // bands for k in range(1, bands)]
    return _cut(np.lexsort((across, along)), ends)


def _cut(order: NDArray[np.intp], ends: list[int]) -> Bands:
    """The number of the part in which each pixel lies, of an order cut at ``ends``."""
    parts = np.empty(order.size, dtype=np.int64)
    parts[order] = np.searchsorted(ends, np.arange(order.size), side="right")
    return parts


def depth_rings(mask: Mask, spacing_mm: tuple[float, float] | None, rings: int = RINGS) -> Bands:
    """The ring of each pixel of a mask, counted from its border: equal parts of the greatest depth.

    The depth of a pixel is the distance of its centre from that of the nearest pixel outside, less half a
    pixel (the shorter side): a pixel at the border has nearly none. The image's edge is a border, too.
    """
    from scipy.ndimage import distance_transform_edt

    rows, columns = np.nonzero(mask)
    box = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    spacing = spacing_mm or (1.0, 1.0)
    inside: NDArray[np.float64] = distance_transform_edt(np.pad(box, 1), sampling=spacing)[1:-1, 1:-1][box]
    depth = inside - min(spacing) / 2
    ring: Bands = np.ceil(np.round(rings * depth / depth.max(), _DECIMALS)).astype(np.int64) - 1
    return ring


def nearest(
    mask: Mask, centre: tuple[float, float], spacing_mm: tuple[float, float] | None, ties: NDArray[np.float64]
) -> Bands:
    """0 for the pixels nearest to ``centre``, :data:`DEEPEST_PCT` per cent of them, and -1 for the others.

    ``ties``: (2, n) what decides between pixels at one distance, the last row first.
    """
    x, y = _positions(mask, spacing_mm)
    away = np.round(np.hypot(x - centre[0], y - centre[1]), _DECIMALS)
    return -_cut(np.lexsort((*ties, away)), [(DEEPEST_PCT * away.size + 50) // 100])


@dataclass(frozen=True, slots=True)
class Compartment:
    """What lies within a muscle's fascia: the muscle, and what is between both."""

    muscle: Mask
    between: Mask


def compartment(masks: Masks, muscle: str, side: str) -> Compartment | None:
    """A muscle and the room between it and its fascia; None where nothing drawn tells them apart.

    Of ``MF`` and ``MF_CSA`` the one that lies within the other is the muscle, and the other one its fascia:
    laboratories differ in which they draw. ``EFT``, the fat between erector spinae and fascia, is no muscle.
    None, too, where two outlines cross, neither within the other.
    """
    own = masks[muscle, side]
    other = masks.get((f"{muscle}_CSA", side))
    tent = masks.get(("EFT", side)) if muscle == "ES" else None
    if (other is None and tent is None) or (other is not None and _cross(own, other)):
        return None
    inner, outer = (own, own) if other is None else sorted((own, other), key=np.count_nonzero)
    if tent is None:
        return Compartment(inner, outer & ~inner)
    return Compartment(inner & ~tent, outer & ~inner | tent)


def _cross(one: Mask, other: Mask) -> bool:
    """Whether neither of two masks lies within the other."""
    smallest = min(np.count_nonzero(one), np.count_nonzero(other))
    return bool(smallest - np.count_nonzero(one & other) > _OUTSIDE * smallest)


def crossing_outlines(masks: Masks, file: str) -> list[Problem]:
    """Warnings about second outlines of a muscle that cross its first one."""
    problems = []
    for (name, side), other in masks.items():
        muscle = name.removesuffix("_CSA")
        own = masks.get((muscle, side))
        if muscle == name or own is None or not _cross(own, other):
            continue
        shared, smallest = np.count_nonzero(own & other), min(map(np.count_nonzero, (own, other)))
        outlines = f"{Region(muscle, side)}, {Region(name, side)}"
        found = f"they share {shared} of the {smallest} px of the smaller one; expected one within the other"
        remedy = "draw one along the muscle and one along its fascia: the columns of fat between are empty"
        problems.append(Problem(file, outlines, "warning", "crossing-outlines", found, remedy))
    return problems


@dataclass(frozen=True, slots=True)
class Count:
    """Pixels, and those of them that are fat."""

    pixels: int
    fat: int

    def __add__(self, other: Count) -> Count:
        return Count(self.pixels + other.pixels, self.fat + other.fat)


Counts = dict[str, Count]
"""By the name of the band, ring or part."""


def count_bands(bands: Bands, fat: Mask, how_many: int) -> list[Count]:
    """Pixels and fat pixels of each band; ``fat`` (n,) of the same pixels."""
    pixels = np.bincount(bands[bands >= 0], minlength=how_many)
    fatty = np.bincount(bands[(bands >= 0) & fat], minlength=how_many)
    return [Count(int(n), int(f)) for n, f in zip(pixels, fatty, strict=True)]


def distribution_of(view: SliceView) -> Values:
    """The columns of ``distribution`` by region and side; both sides: the counts of both together."""
    axes = patient_axes(view.measured, view.spacing_mm, view.image_left)
    counts = {key: _counts(view, key, mask, axes) for key, mask in view.measured.items()}
    for name in view.rows:
        left, right = counts.get((name, "left")), counts.get((name, "right"))
        if left is not None and right is not None:
            counts[name, "both"] = {part: left[part] + right[part] for part in left if part in right}
    return {key: _values(own) for key, own in counts.items()}


def _counts(view: SliceView, key: RegionKey, mask: Mask, axes: Axes) -> Counts:
    """Pixels and fat of each part of a region on one side, or of one without sides, of which none is medial.

    What cannot be told is left out.
    """
    spacing = view.spacing_mm
    fat = view.fat[mask]
    lateral, superficial = positions(mask, key[1], axes, spacing)
    found: Counts = {}
    ways = [("ml", lateral, superficial), ("ds", superficial, lateral)]
    for bands in BANDS:
        for way, along, across in ways if key[1] != "both" else ways[1:]:
            parts = count_bands(equal_bands(along, across, bands), fat, bands)
            found |= {band_column(way, k, bands): part for k, part in enumerate(parts, 1)}
    rings = count_bands(depth_rings(mask, spacing), fat, RINGS)
    found |= {band_column("ring", k, RINGS): part for k, part in enumerate(rings, 1)}
    reference = view.masks.get((view.divisor, ""))
    if reference is not None and reference.any():
        near = nearest(mask, _centre(reference, spacing), spacing, np.stack([lateral, superficial]))
        found |= {f"fi_deepest{DEEPEST_PCT}": count_bands(near, fat, 1)[0]}
    if key[0] in MUSCLES and (room := compartment(view.masks, *key)) is not None:
        for part, pixels in (("between", room.between), ("within", room.muscle)):
            found[part] = Count(*(int(np.count_nonzero(m)) for m in (pixels, pixels & view.fat)))
    return found


def _values(counts: Counts) -> dict[str, float]:
    """FI of each part that has pixels, and the fat on either side of the muscle's border."""
    found = {name: n.fat / n.pixels for name, n in counts.items() if name.startswith("fi_") and n.pixels}
    if "between" in counts:
        between, within = counts["between"], counts["within"]
        whole = between + within
        found |= {
            "compartment_px": whole.pixels,
            "intermuscular_fat_px": between.fat,
            "intramuscular_fat_px": within.fat,
        }
        found |= {"intermuscular_share": between.fat / whole.fat} if whole.fat else {}
        found |= {"intramuscular_fi": within.fat / within.pixels} if within.pixels else {}
    return found
