"""Several contours of one region, holes, and regions that overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import OURS, Contour, Problem
from mriparaspinal.dataset.plausibility import spot_of
from mriparaspinal.dataset.regions import (
    Anatomy,
    Finding,
    Placed,
    RegionKey,
    error_of,
    may_overlap,
    warning_of,
)
from mriparaspinal.imaging.rasterise import Patch, crosses_itself, rasterise, shared_px, union

_TINY: Finding = (
    "smaller-than-pixel",
    "the region encloses less than one pixel; expected an outline around the region, in pixels",
    "draw the contour again, or check the units of its coordinates",
)


Parts = dict[RegionKey, list[Placed]]


def unite(
    placed: list[Placed], faulty: set[RegionKey], told: Collection[RegionKey], file: str, anatomy: Anatomy
) -> Parts:
    """Make one region of all its contours; returns these. Regions in ``told`` are not reported again."""
    shapes: Parts = defaultdict(list)
    for p in placed:
        shapes[p.region.name, p.region.side].append(p)
    for key, parts in shapes.items():
        anatomy.seen.add(key)
        if key in faulty:
            if key not in told:
                found = "another contour of the same region is faulty; expected all of them to be valid"
                remedy = "correct the other contour: the region is not measured in part"
                anatomy.problems.append(error_of(file, str(Region(*key)), ("faulty-part", found, remedy)))
            continue
        # Of all its contours together: those traced around single pixels of a label map are this small.
        if sum(max(p.area_px, _size_of_loops(p)) for p in parts) < 1:
            anatomy.problems.append(error_of(file, str(Region(*key)), _TINY))
            continue
        anatomy.patches[key] = union([p.patch for p in parts])
        anatomy.contours += [(key, p.contour) for p in parts]
        anatomy.areas_px[key] = sum(p.area_px for p in parts)
        if len(parts) > 1 and _really_overlap(parts):
            anatomy.areas_px[key] = None
            inner = _inside_another(parts)
            anatomy.problems += [_hole(p, str(Region(*key)), file) for p in inner]
            if inner and not _really_overlap([p for p in parts if p not in inner]):
                continue
            found = "several contours of the region overlap; expected them apart"
            remedy = "each pixel is counted once and contour_area_px is left empty: check it on an overlay"
            anatomy.problems.append(warning_of(file, str(Region(*key)), ("parts-overlap", found, remedy)))
    return shapes


def _size_of_loops(p: Placed) -> int:
    """Pixels of a contour whose loops may cancel out, such as a figure of eight; 0 for the others."""
    return count(p.patch) if p.area_px < 1 and crosses_itself(p.contour) else 0


def _really_overlap(parts: list[Placed]) -> bool:
    """Whether the areas of contours overlap, not only the edges that Pillow's rule draws."""
    inner = centres(parts)
    if len(inner) < 2:
        return False
    # Not each with each: a file may have thousands of parts.
    return sum(map(count, inner)) > count(union(inner))


def centres(parts: list[Placed]) -> list[Patch]:
    """The pixels whose centre lies inside of contours, without the edges that the mask rule adds."""
    found = (_centre_patch(p) for p in parts)
    return [patch for patch in found if patch is not None]


def _centre_patch(p: Placed) -> Patch | None:
    return rasterise(p.contour, (p.patch.bottom + 1, p.patch.right + 1), "centre")


def count(patch: Patch) -> int:
    """The pixels of a mask."""
    return int(np.count_nonzero(patch.pixels))


#: More contours of one region than are compared with each other for one inside of another.
_MOST_PARTS = 50


#: A contour lies inside another with this share of its pixels, and is smaller than this share of it.
INSIDE = 0.95


def _inside_another(parts: list[Placed]) -> list[Placed]:
    """Contours that lie inside of another one of the same region and are smaller: holes, perhaps."""
    if len(parts) > _MOST_PARTS:
        return []
    patches = [(p, patch) for p in parts if (patch := _centre_patch(p)) is not None]
    return [
        p
        for p, patch in patches
        if any(
            shared_px(patch, other) >= INSIDE * count(patch) and count(patch) < INSIDE * count(other)
            for q, other in patches
            if q is not p
        )
    ]


def _hole(p: Placed, region: str, file: str) -> Problem:
    spot = spot_of("", "", p.patch)
    size = f"{round(p.area_px)} px² at column {spot.column:.0f}, row {spot.row:.0f}"
    found = f"the contour of {size} lies inside of another one of {region}; expected contours apart"
    return warning_of(
        file, p.contour.label, ("hole-not-taken-out", f"{found}: as a hole {_COUNTED}", _CUT_OUT)
    )


_COUNTED = "it is not taken out, its pixels are counted"


_CUT_OUT = "if it is a hole, draw the region as one outline that runs around it, else delete it"


def look_for_holes(holes: list[Contour], shape: tuple[int, int], file: str, anatomy: Anatomy) -> None:
    """Tell of contours labelled as a hole that lie on a region; the others are ignored labels."""
    for contour in holes:
        patch = rasterise(contour, shape, "centre")
        if patch is None:
            anatomy.ignored.append(contour.label)
            continue
        told = [key for key, region in anatomy.patches.items() if _cuts(patch, region)]
        for key in told:
            region = str(Region(*key))
            where = (
                f"column {patch.left + patch.pixels.shape[1] // 2}, row {patch.top + len(patch.pixels) // 2}"
            )
            found = f"{contour.label!r} marks a hole in {region} at {where}; expected {region} without a hole"
            finding = ("hole-not-taken-out", f"{found}: {_COUNTED}", _CUT_OUT)
            anatomy.problems.append(warning_of(file, region, finding))
        if not told:
            anatomy.ignored.append(contour.label)


def _cuts(hole: Patch, region: Patch) -> bool:
    """Whether a hole takes a part of a region away: not all of it, as the ground around it would."""
    shared = shared_px(hole, region)
    return shared > 0.1 * count(hole) and shared < INSIDE * count(region)


def overlaps(parts: Parts, patches: Mapping[RegionKey, Patch], file: str) -> list[Problem]:
    """Warnings about regions that share more than the edges that the mask rule adds where they touch."""
    problems = []
    frames = [(key, patch, patch.frame) for key, patch in patches.items()]
    for i, (a, patch_a, frame_a) in enumerate(frames):
        for b, patch_b, frame_b in frames[:i]:
            if not frame_a.touches(frame_b) or may_overlap(a[0], b[0]):
                continue
            size = shared_px(patch_a, patch_b)
            # One's own region may be a part of another, or hold it.
            if {a[0], b[0]} - OURS and size >= INSIDE * min(count(patch_a), count(patch_b)):
                continue
            beyond = _beyond_edges(patch_a, parts[a], patch_b, parts[b]) if size else 0
            if beyond:
                names = f"{Region(*b)}, {Region(*a)}"
                found = f"the contours share {size} px"
                if beyond < size:
                    found += f", {beyond} of them beyond the edges that the mask rule draws for both"
                remedy = "the shared pixels count for both: check it on an overlay"
                problems.append(warning_of(file, names, ("overlap", f"{found}; expected them apart", remedy)))
    return problems


def _beyond_edges(patch: Patch, parts: list[Placed], other: Patch, others: list[Placed]) -> int:
    """Pixels whose centre lies inside of contours of both regions; 0 where all are edge pixels of both.

    Such an overlap is thinner than the edges that the mask rule draws: the contours touch.
    """
    inner, inner_too = centres(parts), centres(others)
    if not (inner and inner_too):
        return 0
    patches = union(inner), union(inner_too), patch, other
    size = shared_px(*patches[:2])
    # Where the masks share no more than that, the rule adds no edges.
    if size in (0, shared_px(patch, other)):
        return size
    shape = max(p.bottom for p in patches), max(p.right for p in patches)
    one, two, drawn, drawn_too = (p.full(shape) for p in patches)
    return size if (one & two & ~(_edge(drawn) & _edge(drawn_too))).any() else 0


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that border on others: above, below, left or right."""
    around = np.pad(mask, 1)
    return mask & ~(around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:])
