"""Which contour is which region, on which side of the patient: labels and positions against each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mriparaspinal.core.labels import Meanings, Region, alias_key, may_be_lumbar, meanings_of, means_hole
from mriparaspinal.core.model import MUSCLES, SAT, Contour, Problem, Settings
from mriparaspinal.dataset.plausibility import (
    Spot,
    front_back_swapped,
    in_front,
    lies_on_both_sides,
    normalised,
    off_centre,
    spot_of,
    surely_in_order,
    turned_as_a_whole,
)
from mriparaspinal.imaging.outlines import Outline, outlines_of
from mriparaspinal.imaging.rasterise import (
    Patch,
    centroid_column,
    crosses_itself,
    frame_of,
    is_flat,
    rasterise,
    rasterise_all,
    shared_px,
    union,
)

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
    contours: list[tuple[RegionKey, Contour]] = field(default_factory=list)
    """What the patches were drawn from."""
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
    meanings: Meanings | None = None,
) -> Anatomy:
    """Sort the contours of one slice of (rows, columns) into regions.

    A region of which one contour is faulty is left out as a whole: what remains would be too small.
    ``file`` is the annotation's name for the problems; ``broken`` are the regions of shapes that
    the reader could not use; ``meanings`` those of all labels of the file, where they are known already.
    """
    contours = list(contours)
    if meanings is None:
        meanings = meanings_of((contour.label for contour in contours), aliases)
    placed: list[_Placed] = []
    faulty: set[RegionKey] = {*broken, *meanings.unclear.values()}
    anatomy = Anatomy(seen=set(faulty))
    anatomy.problems += _numbered_labels(meanings, file)
    known: list[tuple[Contour, Region]] = []
    holes: list[Contour] = []
    for contour in contours:
        region = meanings.regions.get(contour.label)
        if region is not None:
            known.append((contour, region))
        elif means_hole(contour.label):
            holes.append(contour)
        elif contour.label not in meanings.unclear:
            anatomy.ignored.append(contour.label)
    ours = [contour for contour, _ in known]
    outlines = outlines_of(ours)
    finding = None
    if _endless(ours, outlines, shape):
        finding = _ENDLESS
    elif not any(c.mask is not None for c in ours) and normalised([o.box for o in outlines], shape):
        finding = _NORMALISED
    if finding is not None:
        anatomy.problems.append(_error(file, "", finding))
        anatomy.seen |= {(region.name, region.side) for _, region in known}
        return anatomy
    outside: list[str] = []
    patches = rasterise_all(ours, [outline.box for outline in outlines], shape, settings.mask_rule)
    for (contour, region), outline, patch in zip(known, outlines, patches, strict=True):
        fault, warnings = _look_at(contour, outline, shape)
        anatomy.problems += [_warning(file, contour.label, warning) for warning in warnings]
        if fault or patch is None:
            if fault in (None, _OUTSIDE):
                outside.append(contour.label)
            else:
                anatomy.problems.append(_error(file, contour.label, fault))
            anatomy.seen.add((region.name, region.side))
            faulty.add((region.name, region.side))
        else:
            placed.append(_Placed(contour, region, patch, outline.area_px))
    if outside:
        anatomy.problems.append(
            _error(file, ", ".join(dict.fromkeys(outside)), _outside(outside, ours, shape))
        )
    if _mostly(outside, ours):
        anatomy.problems = [problem for problem in anatomy.problems if problem.code != "leaves-image"]
        anatomy.seen |= {(region.name, region.side) for _, region in known}
        return anatomy
    placed = _with_sides(placed, settings, file, anatomy, faulty)
    parts = _unite(placed, faulty, set(meanings.unclear.values()), file, anatomy)
    anatomy.problems += _overlaps(parts, anatomy.patches, file)
    anatomy.problems += _off_centre(anatomy.patches, shape, file)
    _look_for_holes(holes, shape, file, anatomy)
    return anatomy


def _mostly(outside: list[str], contours: list[Contour]) -> bool:
    """Whether most contours lie outside the image: then the others do not belong to it, either."""
    return len(outside) > 1 and len(outside) > len(contours) / 2


def _outside(outside: list[str], contours: list[Contour], shape: tuple[int, int]) -> _Finding:
    if not _mostly(outside, contours):
        return _OUTSIDE
    found = f"{len(outside)} of {len(contours)} contours lie outside the image of {shape[1]}×{shape[0]} px; "
    remedy = "put back the image that they were drawn on (of this size?): none of them is measured"
    return _OUTSIDE[0], f"{found}expected all of them on it", remedy


def _numbered_labels(meanings: Meanings, file: str) -> list[Problem]:
    """Labels with a number that may be that of another part, or of a level."""
    problems = []
    for label, region in meanings.unclear.items():
        level = f", or {region} of this slice's level" if label[-1:].isdigit() or label[-1:] in ")]" else ""
        found = f"is it another part of {region}{level}? expected labels of one meaning"
        remedy = f"label it {region} if it is a part, else delete it: the region is not measured in part"
        problems.append(_error(file, label, ("unclear-number", found, remedy)))
    if meanings.lone:
        read = ", ".join(f"{label} as {region}" for label, region in meanings.lone.items())
        found = (
            f"read {read}: no other part of the region is there; expected the name alone, or several parts"
        )
        remedy = "check that the number is not the level of another slice, and label it without"
        labels = ", ".join(meanings.lone)
        problems.append(_warning(file, labels, ("unclear-number", found, remedy)))
    return problems


def _off_centre(patches: Mapping[RegionKey, Patch], shape: tuple[int, int], file: str) -> list[Problem]:
    if not {"left", "right"} <= {side for _, side in patches}:
        return []
    references = [patches[key] for key in (("IVD", ""), ("VB", "")) if key in patches]
    middle = (references[0].left + references[0].right) / 2 if references else None
    finding = off_centre(frame_of([p for key, p in patches.items() if key[0] != SAT]), middle, shape)
    return [_warning(file, "", finding)] if finding else []


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

_NORMALISED: _Finding = (
    "normalised-coordinates",
    "all contours lie within 0 … 1: parts of the image's width and height; expected positions in pixels",
    "multiply the columns by the image's width and the rows by its height",
)

_TINY: _Finding = (
    "smaller-than-pixel",
    "the region encloses less than one pixel; expected an outline around the region, in pixels",
    "draw the contour again, or check the units of its coordinates",
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
    left, top, right, bottom = outline.box
    warnings = []
    rows, columns = shape
    if left < 0 or top < 0 or right > columns or bottom > rows:
        if right < 0 or bottom < 0 or left >= columns or top >= rows:
            return _OUTSIDE, []
        found = f"the contour leaves the image of {columns}×{rows} px; expected it inside"
        remedy = "only the part inside is measured: check it on an overlay"
        warnings.append(("leaves-image", found, remedy))
    if outline.crosses_itself:
        found = "the contour is self-intersecting; expected a simple outline"
        remedy = "check on an overlay what is filled, or draw it again"
        warnings.append(("self-crossing", found, remedy))
    return None, warnings


def _with_sides(
    placed: list[_Placed], settings: Settings, file: str, anatomy: Anatomy, faulty: set[RegionKey]
) -> list[_Placed]:
    """Give each muscle contour its side, and take out those whose side is missing or contradicted."""
    muscles = [p for p in placed if p.region.is_muscle]
    good = [p for p in placed if not p.region.is_muscle]
    sound = [p for p in placed if (p.region.name, "") not in faulty]
    reference_spot = _reference_spot(sound, settings)
    reference = None if reference_spot is None else reference_spot.column
    midline = _middle_of_pairs(muscles) if reference is None else reference
    sided = [p for p in muscles if p.region.side]
    contradicting = [p for p in sided if _side_shown(p.patch, midline, settings) == _OPPOSITE[p.region.side]]
    spots: dict[Spot, _Placed] = {}
    # Most slices are told by the frames of their contours, without a look at each pixel.
    if contradicting or not surely_in_order([(p.region.name, p.patch) for p in muscles], reference_spot):
        spots = {spot_of(*p.region, p.patch): p for p in muscles}
    finding = turned_as_a_whole(list(spots), reference_spot, midline, settings.image_left)
    problems = [_error(file, "", finding)] if finding else _lost_side(contradicting, sided, settings, file)
    if problems:
        anatomy.problems += problems
        anatomy.seen |= {(p.region.name, p.region.side) for p in muscles}
        return good
    wrong = _wrongly_sided(sided, contradicting, midline, settings, file)
    anatomy.problems += wrong.problems
    for p in wrong.contours:
        anatomy.seen.add((p.region.name, p.region.side))
        faulty.add((p.region.name, p.region.side))
    anatomy.seen |= {(name, "") for name in wrong.unclear}
    for p in muscles:
        if p.region.side:
            if p not in wrong.contours:
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
    swapped, _ = front_back_swapped(list(spots), reference_spot)
    in_place = [spot for spot in swapped if spots[spot] not in wrong.contours]
    anatomy.problems += [_warning(file, spots[spot].contour.label, in_front(spot)) for spot in in_place]
    return good


def _lost_side(
    contradicting: list[_Placed], sided: list[_Placed], settings: Settings, file: str
) -> list[Problem]:
    """The error about a slice of which all labels of one side, or most of all, contradict the display."""
    if len(contradicting) < 2 or len(contradicting) == len(sided) or _lumbar(contradicting, sided):
        return []
    for side in ("left", "right"):
        theirs = [p for p in sided if p.region.side == side]
        if len(theirs) > 1 and all(p in contradicting for p in theirs):
            which = f"all {len(theirs)} labels of the {side}"
            break
        # Those that lie there: labelled left as all the others are, for example.
        there = [p for p in contradicting if p.region.side == _OPPOSITE[side]]
        right_there = [p for p in theirs if p not in contradicting]
        if len(there) > 1 and not right_there:
            which = f"all {len(there)} contours on the patient's {side} are labelled {_OPPOSITE[side]}: they"
            break
    else:
        if len(contradicting) <= len(sided) / 2:
            return []
        which = f"{len(contradicting)} of {len(sided)} labels with a side"
    left = settings.image_left
    found = f"{which} contradict the display; expected the patient's {left} at the left of the image "
    found += f"(--image-left {left})"
    remedy = "check on an overlay where the contours lie: none of the slice's muscles is measured"
    labels = ", ".join(dict.fromkeys(p.contour.label for p in contradicting))
    return [_error(file, labels, ("side-contradicts-display", found, remedy))]


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Contours whose side is wrong or cannot be told, muscles of which it is not clear, what is said."""

    contours: list[_Placed]
    unclear: set[str]
    problems: list[Problem]


def _wrongly_sided(
    sided: list[_Placed],
    contradicting: list[_Placed],
    midline: float | None,
    settings: Settings,
    file: str,
) -> _Wrong:
    both = [p for p in sided if midline is not None and lies_on_both_sides(p.patch, midline)]
    lumbar = _lumbar([*contradicting, *both], sided)
    problems = []
    if lumbar:
        labels = ", ".join(dict.fromkeys(p.contour.label for p in lumbar))
        found = (
            f"{labels}: is the L left, or lumbar? It lies on both sides or on the right, and no label is of "
        )
        found += "the right; expected labels such as ES_L and ES_R"
        known = ", ".join(f'{p.contour.label} = "{p.region.name}"' for p in _one_each(lumbar))
        remedy = f"if it is lumbar, write [labels] {known} into paraspinal.toml: its position gives the side"
        problems.append(_error(file, labels, ("lumbar-or-left", found, remedy)))
    both = [p for p in both if p not in lumbar]
    for p in both:
        found = f"labelled {p.region.side}, but it covers both sides of the midline; "
        found += "expected one contour per side"
        finding = ("crosses-midline", found, "draw each side by itself")
        problems.append(_error(file, p.contour.label, finding))
    rest = [p for p in contradicting if p not in lumbar and p not in both]
    if rest:
        problems += _contradictions(rest, [p for p in sided if p not in lumbar], settings, file)
    contours = [*lumbar, *both, *rest]
    return _Wrong(contours, {p.region.name for p in (*lumbar, *both)}, problems)


def _lumbar(wrong: list[_Placed], sided: list[_Placed]) -> list[_Placed]:
    """Contours such as LES that do not lie on the left alone, in a file without a right one of the muscle."""
    names = {p.region.name for p in wrong if may_be_lumbar(p.contour.label)}
    names -= {p.region.name for p in sided if p.region.side == "right"}
    return [p for p in sided if p.region.name in names and may_be_lumbar(p.contour.label)]


def _one_each(placed: list[_Placed]) -> list[_Placed]:
    return list({alias_key(p.contour.label): p for p in placed}.values())


def _reference_spot(placed: list[_Placed], settings: Settings) -> Spot | None:
    """Where the reference's centroid lies, whose column parts left from right; None without a reference."""
    for name in dict.fromkeys((settings.reference, "IVD", "VB")):
        reference = [p.patch for p in placed if p.region.name == name]
        if reference:
            return spot_of("", "", union(reference))
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
            "no side in the label and no valid reference contour to derive it from; expected a label such as "
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


_Parts = dict[RegionKey, list[_Placed]]


def _unite(
    placed: list[_Placed], faulty: set[RegionKey], told: Collection[RegionKey], file: str, anatomy: Anatomy
) -> _Parts:
    """Make one region of all its contours; returns these. Of what is ``told`` nothing more is said."""
    shapes: _Parts = defaultdict(list)
    for p in placed:
        shapes[p.region.name, p.region.side].append(p)
    for key, parts in shapes.items():
        anatomy.seen.add(key)
        if key in faulty:
            if key not in told:
                found = "another contour of the same region is faulty; expected all of them to be valid"
                remedy = "correct the other contour: the region is not measured in part"
                anatomy.problems.append(_error(file, str(Region(*key)), ("faulty-part", found, remedy)))
            continue
        # Of all its contours together: those traced around single pixels of a label map are this small.
        if sum(max(p.area_px, _size_of_loops(p)) for p in parts) < 1:
            anatomy.problems.append(_error(file, str(Region(*key)), _TINY))
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
            anatomy.problems.append(_warning(file, str(Region(*key)), ("parts-overlap", found, remedy)))
    return shapes


def _size_of_loops(p: _Placed) -> int:
    """Pixels of a contour whose loops may cancel out, such as a figure of eight; 0 for the others."""
    return _count(p.patch) if p.area_px < 1 and crosses_itself(p.contour) else 0


def _really_overlap(parts: list[_Placed]) -> bool:
    """Whether the areas of contours overlap, not only the edges that Pillow's rule draws."""
    inner = _centres(parts)
    if len(inner) < 2:
        return False
    # Not each with each: a file may have thousands of parts.
    return sum(map(_count, inner)) > _count(union(inner))


def _centres(parts: list[_Placed]) -> list[Patch]:
    """The pixels whose centre lies inside of contours, without the edges that the mask rule adds."""
    found = (_centre_patch(p) for p in parts)
    return [patch for patch in found if patch is not None]


def _centre_patch(p: _Placed) -> Patch | None:
    return rasterise(p.contour, (p.patch.bottom + 1, p.patch.right + 1), "centre")


def _count(patch: Patch) -> int:
    return int(np.count_nonzero(patch.pixels))


#: More contours of one region than are held against each other for one inside of another.
_MOST_PARTS = 50

#: A contour lies inside another with this share of its pixels, and is smaller than this share of it.
_INSIDE = 0.95


def _inside_another(parts: list[_Placed]) -> list[_Placed]:
    """Contours that lie inside of another one of the same region and are smaller: holes, perhaps."""
    if len(parts) > _MOST_PARTS:
        return []
    patches = [(p, patch) for p in parts if (patch := _centre_patch(p)) is not None]
    return [
        p
        for p, patch in patches
        if any(
            shared_px(patch, other) >= _INSIDE * _count(patch) and _count(patch) < _INSIDE * _count(other)
            for q, other in patches
            if q is not p
        )
    ]


def _hole(p: _Placed, region: str, file: str) -> Problem:
    spot = spot_of("", "", p.patch)
    size = f"{round(p.area_px)} px² at column {spot.column:.0f}, row {spot.row:.0f}"
    found = f"the contour of {size} lies inside of another one of {region}; expected contours apart"
    return _warning(file, p.contour.label, ("hole-not-taken-out", f"{found}: as a hole {_COUNTED}", _CUT_OUT))


_COUNTED = "it is not taken out, its pixels are counted"

_CUT_OUT = "if it is a hole, draw the region as one outline that runs around it, else delete it"


def _look_for_holes(holes: list[Contour], shape: tuple[int, int], file: str, anatomy: Anatomy) -> None:
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
            anatomy.problems.append(_warning(file, region, finding))
        if not told:
            anatomy.ignored.append(contour.label)


def _cuts(hole: Patch, region: Patch) -> bool:
    """Whether a hole takes a part of a region away: not all of it, as the ground around it would."""
    shared = shared_px(hole, region)
    return shared > 0.1 * _count(hole) and shared < _INSIDE * _count(region)


def _overlaps(parts: _Parts, patches: Mapping[RegionKey, Patch], file: str) -> list[Problem]:
    """Warnings about regions that share more than the edges that the mask rule adds where they touch."""
    problems = []
    frames = [(key, patch, patch.frame) for key, patch in patches.items()]
    for i, (a, patch_a, frame_a) in enumerate(frames):
        for b, patch_b, frame_b in frames[:i]:
            # A slice between disc and vertebra shows both, one over the other.
            if not frame_a.touches(frame_b) or {a[0], b[0]} == {"IVD", "VB"}:
                continue
            size = shared_px(patch_a, patch_b)
            if size and _share_centres(parts[a], parts[b]):
                names = f"{Region(*b)}, {Region(*a)}"
                found = f"the contours share {size} px; expected them apart"
                remedy = "the shared pixels count for both: check it on an overlay"
                problems.append(_warning(file, names, ("overlap", found, remedy)))
    return problems


def _share_centres(one: list[_Placed], other: list[_Placed]) -> bool:
    """Whether a pixel's centre lies inside of contours of both regions."""
    inner, inner_too = _centres(one), _centres(other)
    return bool(inner and inner_too and shared_px(union(inner), union(inner_too)))


def _error(file: str, label: str, finding: _Finding) -> Problem:
    return Problem(file, label, "error", *finding)


def _warning(file: str, label: str, finding: _Finding) -> Problem:
    return Problem(file, label, "warning", *finding)
