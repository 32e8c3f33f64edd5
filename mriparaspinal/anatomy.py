"""Which contour is which region, on which side of the patient: labels and positions against each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mriparaspinal.model import MUSCLES, Contour, Problem, Settings
from mriparaspinal.outlines import Outline, outlines_of
from mriparaspinal.rasterise import (
    Patch,
    centroid_column,
    is_flat,
    rasterise,
    rasterise_all,
    shared_px,
    united,
)
from mriparaspinal.vocabulary import Region, region_of

RegionKey = tuple[str, str]
"""Region and side of the patient; the side of a reference is empty."""

_OPPOSITE = {"left": "right", "right": "left"}
#: Pixels of canvas that the contours of a slice may take to draw, and rows that their edges may run up and
#: down in all: more than any slice of 4096 × 4096 pixels needs, and still drawn in seconds.
_CANVAS_LIMIT = 200_000_000
_ROWS_LIMIT = 5_000_000


@dataclass(slots=True)
class Anatomy:
    """The regions of one slice; filled step by step by :func:`sort_contours`."""

    patches: dict[RegionKey, Patch] = field(default_factory=dict)
    areas_px: dict[RegionKey, float | None] = field(default_factory=dict)
    seen: set[RegionKey] = field(default_factory=set)
    """Every region that a label names, usable or not; the side is empty where it could not be told."""
    ignored: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A contour, the region of its label, its pixels, and the area that it encloses."""

    contour: Contour
    region: Region
    patch: Patch
    area_px: float


def sort_contours(
    contours: Iterable[Contour],
    shape: tuple[int, int],
    settings: Settings,
    aliases: Mapping[str, str],
    file: str,
    broken: tuple[Region, ...] = (),
) -> Anatomy:
    """Sort the contours of one slice of (rows, columns) into regions.

    A region of which one contour is faulty is left out as a whole: what remains would be too small.
    ``file`` is the annotation's name for the problems; ``broken`` are the regions of shapes that
    the reader could not use.
    """
    placed: list[_Placed] = []
    faulty: set[RegionKey] = set(broken)
    anatomy = Anatomy(seen=set(broken))
    known: list[tuple[Contour, Region]] = []
    for contour in contours:
        region = region_of(contour.label, aliases)
        if region is None:
            anatomy.ignored.append(contour.label)
        else:
            known.append((contour, region))
    ours = [contour for contour, _ in known]
    outlines = outlines_of(ours)
    if _endless(ours, outlines, shape):
        anatomy.problems.append(_error(file, "", _ENDLESS))
        anatomy.seen |= {(region.name, region.side) for _, region in known}
        return anatomy
    patches = rasterise_all(ours, [outline.box for outline in outlines], shape, settings.mask_rule)
    for (contour, region), outline, patch in zip(known, outlines, patches, strict=True):
        fault, warnings = _look_at(contour, outline, shape)
        anatomy.problems += [_warning(file, contour.label, warning) for warning in warnings]
        if fault or patch is None:
            anatomy.problems.append(_error(file, contour.label, fault or _OUTSIDE))
            anatomy.seen.add((region.name, region.side))
            faulty.add((region.name, region.side))
        else:
            placed.append(_Placed(contour, region, patch, outline.area_px))
    placed = _with_sides(placed, settings, file, anatomy, faulty)
    _unite(placed, faulty, file, anatomy)
    _report_overlaps(file, anatomy)
    return anatomy


_Finding = tuple[str, str, str]
"""Code, message (what was found; what was expected), remedy."""

_OUTSIDE: _Finding = (
    "outside-image",
    "the contour covers no pixel of the image; expected it on the image",
    "draw it again, or check that the JSON belongs to this image",
)
_ENDLESS: _Finding = (
    "too-much-to-draw",
    "contours that fill or cross the image thousands of times; expected those of one slice",
    "check what the file is",
)
_FLAT: _Finding = (
    "no-area",
    "the contour encloses no area; expected an outline around the region",
    "draw the contour again",
)


def _endless(contours: list[Contour], outlines: list[Outline], shape: tuple[int, int]) -> bool:
    """Whether drawing the contours would take more memory or time than those of any slice."""
    rows, columns = shape
    heights = [min(bottom, rows) - max(top, 0) + 1 for _, top, _, bottom in (o.box for o in outlines)]
    width = min(max((outline.box[2] for outline in outlines), default=0) + 1, columns)
    if width * sum(height for height in heights if height > 0) > _CANVAS_LIMIT:
        return True
    most = sum(len(c.points) * height for c, height in zip(contours, heights, strict=True) if height > 0)
    return most > _ROWS_LIMIT and sum(_rows_along(contour, rows) for contour in contours) > _ROWS_LIMIT


def _rows_along(contour: Contour, rows: int) -> float:
    """How many rows of the image the edges of a contour run up and down."""
    return float(np.abs(np.diff(contour.xy[:, 1].clip(0, rows))).sum())


def _look_at(
    contour: Contour, outline: Outline, shape: tuple[int, int]
) -> tuple[_Finding | None, list[_Finding]]:
    """The fault of a contour, if it has one, and the warnings about it."""
    # A line drawn forth and back encloses nothing, either, though its points do not lie on one line.
    retraced = outline.area_px < 1e-9 and not outline.crosses_itself
    if retraced or (outline.area_px < 1 and is_flat(contour)):
        return _FLAT, []
    warnings = []
    left, top, right, bottom = outline.box
    rows, columns = shape
    if left < 0 or top < 0 or right > columns or bottom > rows:
        if right < 0 or bottom < 0 or left >= columns or top >= rows:
            return _OUTSIDE, []
        found = f"the contour leaves the image of {columns}×{rows} px; expected it inside"
        remedy = "only the part inside is measured: check it on an overlay"
        warnings.append(("leaves-image", found, remedy))
    if outline.crosses_itself:
        found = "the contour crosses itself; expected a simple outline"
        remedy = "check on an overlay what is filled, or draw it again"
        warnings.append(("self-crossing", found, remedy))
    return None, warnings


def _with_sides(
    placed: list[_Placed], settings: Settings, file: str, anatomy: Anatomy, faulty: set[RegionKey]
) -> list[_Placed]:
    """Give each muscle contour its side, and take out those whose side is missing or contradicted."""
    muscles = [p for p in placed if p.region.is_muscle]
    good = [p for p in placed if not p.region.is_muscle]
    reference = _reference_column([p for p in placed if (p.region.name, "") not in faulty], settings)
    midline = _middle_of_pairs(muscles) if reference is None else reference
    contradicting = []
    for p in muscles:
        if p.region.side:
            shown = _side_shown(p.patch, midline, settings)
            if shown and shown != p.region.side:
                contradicting.append(p)
            else:
                good.append(p)
        # Without a reference no side is guessed: the middle of pairs only checks labels that tell theirs.
        elif fault := _unsided_fault(p, reference):
            anatomy.problems.append(_error(file, p.contour.label, fault))
            anatomy.seen.add((p.region.name, ""))
        else:
            side = _side_shown(p.patch, reference, settings)
            good.append(replace(p, region=p.region._replace(side=side)))
    if midline is not None:
        anatomy.problems += _unusual_places(good, midline, file)
    if contradicting:
        sided = [p for p in muscles if p.region.side]
        anatomy.problems += _contradictions(contradicting, sided, settings, file)
        for p in contradicting:
            anatomy.seen.add((p.region.name, p.region.side))
            faulty.add((p.region.name, p.region.side))
    return good


def _reference_column(placed: list[_Placed], settings: Settings) -> float | None:
    """The column of the reference's centroid, which parts left from right; None without a reference."""
    for name in dict.fromkeys((settings.reference, "IVD", "VB")):
        reference = [p.patch for p in placed if p.region.name == name]
        if reference:
            return centroid_column(united(reference))
    return None


def _middle_of_pairs(muscles: list[_Placed]) -> float | None:
    """The mean column between left and right contours of the same muscle; None without such a pair."""
    middles = []
    for name in MUSCLES:
        left = [centroid_column(p.patch) for p in muscles if p.region == Region(name, "left")]
        right = [centroid_column(p.patch) for p in muscles if p.region == Region(name, "right")]
        if left and right:
            middles.append((sum(left) / len(left) + sum(right) / len(right)) / 2)
    return sum(middles) / len(middles) if middles else None


def _side_shown(patch: Patch, midline: float | None, settings: Settings) -> str:
    """The patient's side on which the display shows a patch's centroid; empty where it cannot be told."""
    if midline is None:
        return ""
    # Most patches lie wholly on one side, and their centroid with them.
    if patch.right - 1 < midline:
        return settings.image_left
    if patch.left > midline:
        return _OPPOSITE[settings.image_left]
    column = centroid_column(patch)
    if column == midline:
        return ""
    return settings.image_left if column < midline else _OPPOSITE[settings.image_left]


def _unusual_places(placed: list[_Placed], midline: float, file: str) -> list[Problem]:
    """Multifidus farther from the midline than erector spinae of the same side: names swapped, perhaps."""
    away: dict[RegionKey, float] = {}
    for p in placed:
        if p.region.name in ("MF", "ES"):
            middle = (p.patch.left + p.patch.right - 1) / 2
            away[p.region.name, p.region.side] = abs(middle - midline)
    problems = []
    for side in ("left", "right"):
        if away.get(("MF", side), 0) > away.get(("ES", side), math.inf):
            found = "the multifidus lies farther from the midline than the erector spinae; expected it nearer"
            remedy = "check on an overlay that the two names are not swapped"
            names = f"{Region('MF', side)}, {Region('ES', side)}"
            problems.append(_warning(file, names, ("unusual-place", found, remedy)))
    return problems


def _unsided_fault(p: _Placed, reference: float | None) -> _Finding | None:
    if reference is None:
        return (
            "side-unknown",
            "no side in the label and no sound reference contour to tell it from; expected a label such as "
            f"{p.region.name}_L",
            "name the side in the label, or draw the reference",
        )
    if p.patch.left <= reference <= p.patch.right - 1:
        return (
            "crosses-midline",
            "a contour without a side in its label crosses the middle of the reference; "
            "expected one contour per side",
            "draw each side by itself, or name the side in the label",
        )
    return None


def _contradictions(
    contradicting: list[_Placed], sided: list[_Placed], settings: Settings, file: str
) -> list[Problem]:
    left = settings.image_left
    display = f"the patient's {left} at the left of the image (--image-left {left})"
    if len(contradicting) == len(sided):
        labels = ", ".join(p.contour.label for p in sided)
        found = f"all {len(sided)} labels with a side contradict the display; expected {display}"
        remedy = (
            "mirror the image back or swap the labels; if all images show the patient's "
            f"{_OPPOSITE[left]} at the left, use --image-left {_OPPOSITE[left]}"
        )
        return [_error(file, labels, ("side-contradicts-display", found, remedy))]
    problems = []
    for p in contradicting:
        shown = _OPPOSITE[p.region.side]
        found = f"labelled {p.region.side}, but it lies on the patient's {shown}; expected {display}"
        remedy = "correct the label's side, or the contour"
        problems.append(_error(file, p.contour.label, ("side-contradicts-display", found, remedy)))
    return problems


def _unite(placed: list[_Placed], faulty: set[RegionKey], file: str, anatomy: Anatomy) -> None:
    shapes: dict[RegionKey, list[_Placed]] = defaultdict(list)
    for p in placed:
        shapes[p.region.name, p.region.side].append(p)
    for key, parts in shapes.items():
        anatomy.seen.add(key)
        if key in faulty:
            found = "another contour of the same region is faulty; expected all of them to be sound"
            remedy = "mend the other contour: the region is not measured in part"
            anatomy.problems.append(_error(file, str(Region(*key)), ("faulty-part", found, remedy)))
            continue
        anatomy.patches[key] = united([p.patch for p in parts])
        anatomy.areas_px[key] = sum(p.area_px for p in parts)
        if len(parts) > 1 and _really_overlap(parts):
            anatomy.areas_px[key] = None
            found = "several contours of the region overlap; expected them apart"
            remedy = "each pixel is counted once and contour_area_px is left empty: check it on an overlay"
            anatomy.problems.append(_warning(file, str(Region(*key)), ("parts-overlap", found, remedy)))


def _really_overlap(parts: list[_Placed]) -> bool:
    """Whether the areas of contours overlap, not only the edges that Pillow's rule draws."""
    shape = (max(p.patch.bottom for p in parts) + 1, max(p.patch.right for p in parts) + 1)
    inner = [patch for p in parts if (patch := rasterise(p.contour, shape, "centre")) is not None]
    if len(inner) < 2:
        return False
    # Not each with each: a file may have thousands of parts.
    return sum(map(_count, inner)) > _count(united(inner))


def _count(patch: Patch) -> int:
    return int(np.count_nonzero(patch.pixels))


def _report_overlaps(file: str, anatomy: Anatomy) -> None:
    frames = [(key, patch, patch.frame) for key, patch in anatomy.patches.items()]
    for i, (a, patch_a, frame_a) in enumerate(frames):
        for b, patch_b, frame_b in frames[:i]:
            # A slice between disc and vertebra shows both, one over the other.
            if not frame_a.touches(frame_b) or {a[0], b[0]} == {"IVD", "VB"}:
                continue
            size = shared_px(patch_a, patch_b)
            if size:
                names = f"{Region(*b)}, {Region(*a)}"
                found = f"the contours share {size} px; expected them apart"
                remedy = "the shared pixels count for both: check it on an overlay"
                anatomy.problems.append(_warning(file, names, ("overlap", found, remedy)))


def _error(file: str, label: str, finding: _Finding) -> Problem:
    return Problem(file, label, "error", *finding)


def _warning(file: str, label: str, finding: _Finding) -> Problem:
    return Problem(file, label, "warning", *finding)
