"""Contours of slices that lie between two contoured ones of the same stack.

On a slice between, the border of a region is where the signed distances from its borders on the two slices,
weighted by how near each slice lies, add up to nothing (shape-based interpolation: Raya and Udupa 1990, doi
10.1109/42.52980).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.measure import find_contours

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.draft_mark import contour_hash
from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import WHOLE, Contour, Problem, Settings, Slice
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.drafts.draft import errors_of, slices_without_contours
from mriparaspinal.drafts.files import DraftRow, draft_bytes, polygon
from mriparaspinal.drafts.reviewed import is_draft_slice, told_of
from mriparaspinal.drafts.splines import Points, signed_area
from mriparaspinal.imaging.planes import Plane
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.imaging.tracing import pixels_of
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.images import decode_image
from mriparaspinal.parallel.map import map_in_order

RegionKey = tuple[str, str]

Masks = dict[RegionKey, NDArray[np.bool_]]

#: In px of an image of 512: how far the outline may lie from the polygon that is written.
_TOLERANCE = 1.0

#: Slices of one volume lie in parallel planes: the least cosine of the directions of their rows and columns.
_PARALLEL = 0.999

#: Parts of a region, beside its largest, that are kept: of at least this share of the largest.
_LEAST_PART = 0.1


@dataclass(frozen=True, slots=True)
class Between:
    """A slice without contours, its contoured neighbours, and where it lies between them."""

    slice: Slice
    before: Slice
    after: Slice
    share: float
    """How much of the way from the first to the second, 0–1."""
    gap_mm: float | None
    """From the first to the second; None where it is not known."""


@dataclass(slots=True)
class Interpolated:
    """The LabelMe files by name below the dataset, their rows, and what was found on the way."""

    files: dict[str, bytes] = field(default_factory=dict)
    rows: list[DraftRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def between(
    one: Mapping[RegionKey, NDArray[np.bool_]], other: Masks, share: float
) -> dict[RegionKey, list[Points]]:
    """The outlines of the regions that two slices have, at ``share`` of the way from one to the other.

    ``one``, ``other``: masks (rows, columns), on the same pixels. Outlines are points (x, y), one for each
    part of a region, the largest first; a region that vanishes on the way has none.
    """
    depths = {}
    for key in one:
        if key in other:
            first, second = _depth(one[key]), _depth(other[key])
            depths[key] = (1 - share) * first + share * second
    lines = {}
    for key, depth in depths.items():
        others = [d for k, d in depths.items() if k != key]
        own = depth - np.maximum(0, np.maximum.reduce(others)) if others else depth
        found = find_contours(np.pad(own, 1, constant_values=-1), 0.0)
        lines[key] = _parts([line[:-1, ::-1] - 0.5 for line in found if len(line) > 3])
    return lines


def _parts(lines: list[Points]) -> list[Points]:
    """The outlines of the parts of a region, the largest first; holes run the other way round."""
    areas = [signed_area(line) for line in lines]
    largest = max(areas, key=abs, default=0.0)
    kept = [i for i, area in enumerate(areas) if area * largest > 0 and area / largest >= _LEAST_PART]
    return [lines[i] for i in sorted(kept, key=lambda i: -abs(areas[i]))]


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How deep each pixel's centre lies in a mask, in px; outside negative."""
    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside))


def gaps(
    contoured: Sequence[Slice], bare: Sequence[Slice], places: Mapping[str, SlicePlace]
) -> Iterator[Between]:
    """The slices without contours that lie between two contoured ones of the same participant.

    Where ``places`` are known, along the normal of parallel planes with one grid of pixels; else by their
    letters, within a segment.
    """
    stacks: dict[tuple[str, str], list[Slice]] = defaultdict(list)
    for slice_ in sorted((*contoured, *bare), key=lambda s: s.name):
        who = slice_.visit
        if slice_.name not in places:
            stacks[who, slice_.segment].append(slice_)
            continue
        plane = places[slice_.name].plane
        mine = (key for key in stacks if key[0] == who and key[1] in places)
        key = next((k for k in mine if _one_stack(places[k[1]].plane, plane)), (who, slice_.name))
        stacks[key].append(slice_)
    known = {slice_.name for slice_ in contoured}
    for (_, first), slices in sorted(stacks.items()):
        placed = first in places
        if placed:
            normal = places[first].plane.normal()
            along = {s.name: float(np.dot(normal, places[s.name].plane.position)) for s in slices}
        else:
            along = {s.name: float(i) for i, s in enumerate(sorted(slices, key=lambda s: s.letter))}
        ordered = sorted(slices, key=lambda s: along[s.name])
        fixed = [i for i, s in enumerate(ordered) if s.name in known]
        for low, high in pairwise(fixed):
            before, after = ordered[low], ordered[high]
            length = along[after.name] - along[before.name]
            for one in ordered[low + 1 : high] if length > 0 else ():
                share = (along[one.name] - along[before.name]) / length
                yield Between(one, before, after, share, length if placed else None)


def _one_stack(one: Plane, other: Plane) -> bool:
    """Whether two planes are parallel, and the pixels of one lie above those of the other."""
    spacings = [(p.row_spacing_mm or 1.0, p.col_spacing_mm or 1.0) for p in (one, other)]
    away = np.subtract(other.position, one.position)
    return bool(
        np.dot(one.across, other.across) > _PARALLEL
        and np.dot(one.down, other.down) > _PARALLEL
        and np.allclose(spacings[0], spacings[1], rtol=0.01)
        and abs(np.dot(away, one.across)) <= spacings[0][1]
        and abs(np.dot(away, one.down)) <= spacings[0][0]
    )


def interpolate_slices(
    root: Path,
    settings: Settings,
    most_mm: float,
    jobs: int = 1,
    source: ContourSource = BESIDE,
) -> Interpolated:
    """Interpolate all slices of a dataset that lie between two whose contours a person has judged.

    ``source``: what a review excludes is not made use of.
    """
    bare, slices, images = slices_without_contours(root, settings)
    contoured = [s for s in slices if s.image and not is_draft_slice(root, s)]
    contoured = [s for s in contoured if WHOLE not in source.left_out(s.name)]
    todo, made = [], Interpolated(problems=errors_of(images))
    for one in gaps(contoured, bare, images.places):
        if one.gap_mm is None or one.gap_mm <= most_mm:
            todo.append(one)
            continue
        found = f"{one.before.name} and {one.after.name} are {one.gap_mm:.0f} mm apart"
        expected = f"expected at most {most_mm:g} mm ({argument('largest_gap')})"
        made.problems.append(_not_drafted(one.slice.name, f"{found}; {expected}"))
    for result in map_in_order(partial(_interpolate_one, root, settings, source), todo, jobs):
        made.files |= result.files
        made.rows += result.rows
        made.problems += result.problems
    made.problems = list(dict.fromkeys(made.problems))  # a contoured slice has up to two gaps
    return made


def _interpolate_one(root: Path, settings: Settings, source: ContourSource, given: Between) -> Interpolated:
    made = Interpolated()
    name = given.slice.name
    first, second = (
        _masks(root, settings, s, source.left_out(s.name), made) for s in (given.before, given.after)
    )
    if first is None or second is None:
        return made
    try:
        columns, rows = decode_image(read_bytes(root / name), (0.0, 1.0)).grey.size
    except UnreadableError as error:
        made.problems.append(error.fault.at(name, "unreadable-file").problem())
        return made
    shape = (rows, columns)
    if not shape == first[1] == second[1]:
        found = (
            f"it, {given.before.name} and {given.after.name} are not of one size; expected one grid of pixels"
        )
        made.problems.append(Problem(name, "", "error", "other-grid", found, "draw this slice by hand"))
        return made
    contours: list[Contour] = []
    lines = between(first[0], second[0], given.share)
    marks = first[2] | second[2]
    for key in dict.fromkeys((*first[0], *second[0])):
        label, many = str(Region(*key)), len(contours)
        for line in lines.get(key, ()):
            contour = polygon(label, line, min(_TOLERANCE, _TOLERANCE * max(shape) / 512))
            contours += [] if contour is None else [replace(contour, made=marks.get(key, ""))]
        if len(contours) == many:
            found = f"contoured on one of {given.before.name} and {given.after.name}; expected both"
            if key in lines:
                found = f"vanishes between {given.before.name} and {given.after.name}; expected an overlap"
            made.problems.append(_not_drafted(name, found, label))
    if not contours:
        return made
    stem, image = name.rpartition(".")[0], name.rpartition("/")[2]
    made.files[f"{stem}.json"] = draft_bytes(image, shape, contours)
    names = f"{given.before.name}; {given.after.name}"
    made.rows = [DraftRow(name, c.label, contour_hash(c.points), "interpolate", names) for c in contours]
    return made


def _not_drafted(name: str, found: str, label: str = "") -> Problem:
    return Problem(name, label, "warning", "not-drafted", found, "draw it by hand")


def _masks(
    root: Path, settings: Settings, slice_: Slice, left_out: frozenset[RegionKey], made: Interpolated
) -> tuple[Masks, tuple[int, int], dict[RegionKey, str]] | None:
    """The masks of a contoured slice, of the pixels whose centre lies inside, its (rows, columns), marks."""
    found = read_slice(root, slice_, settings)
    made.problems += told_of(found.problems)
    if found.image is None or found.anatomy is None:
        return None
    columns, rows = found.image.size
    parts: dict[RegionKey, list[Contour]] = defaultdict(list)
    for key, contour in found.anatomy.contours:
        if key not in left_out:
            parts[key].append(contour)
    masks = {key: pixels_of(part, (rows, columns), "centre") for key, part in parts.items()}
    marks = {key: contour.made for key, contour in found.anatomy.contours if contour.made}
    return masks, (rows, columns), marks
