"""The middle of each lumbar level in a label map of discs or vertebrae, and the slices nearest to it.

A *disc* level Ln is the disc below vertebra Ln: L3 is the disc L3/L4, and L5 is L5/S1. A *vertebra* level
Ln is the vertebra itself. Coordinates are those of DICOM, LPS+, in mm: map and slices may have any grids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, UsageError, unreadable
from mriparaspinal.core.model import SEGMENTS
from mriparaspinal.core.text import and_more
from mriparaspinal.imaging.planes import Plane, Series
from mriparaspinal.io.numberings import published_table

Kind = Literal["disc", "vertebra"]

KINDS: tuple[Kind, ...] = ("disc", "vertebra")

#: Lumbar levels lie further apart than this, along the body, in everyone: else the numbers mean other things.
APART_MM = 10.0

#: Voxels that are further from the main part of a disc or vertebra are no part of it. The arch of a
#: vertebra can be apart from its body by the width of the spinal canal.
_FAR_MM: Mapping[Kind, float] = {"disc": 10.0, "vertebra": 25.0}

#: As a share of the main part: where more voxels lie apart from it, it is not clear which part is meant.
_UNCLEAR = 0.5

#: No disc is as thick, no vertebra with its processes as high: two of them have one number.
_THICK_MM: Mapping[Kind, float] = {"disc": 25.0, "vertebra": 85.0}


@dataclass(frozen=True, slots=True)
class LevelNumbering:
    """What the numbers of a label map mean."""

    name: str
    discs: Mapping[str, frozenset[int]]
    """Values by segment."""
    vertebrae: Mapping[str, frozenset[int]]
    largest: int | None = None
    """The largest value that there is in this numbering; None where it is not known."""
    sixth: frozenset[int] = frozenset()
    """Values of a sixth lumbar vertebra and its disc: which one is L5 is then not clear."""

    def values(self, at: Kind) -> Mapping[str, frozenset[int]]:
        """Values by segment of one kind of structure."""
        return self.discs if at == "disc" else self.vertebrae


@dataclass(frozen=True, slots=True)
class LevelRule:
    """How slices are taken from label maps."""

    numbering: LevelNumbering
    at: Kind
    slices: int = 1
    """How many slices of each level, an odd number."""


def parse_level_numbering(columns: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> LevelNumbering:
    """A numbering from a table with the columns ``value,segment`` and, if it likes, ``kind``.

    Several values may be one level. Without ``kind`` the values stand for what the map has, disc or
    vertebra. Rows of other segments, such as T12 or S1, are passed over. Raises :class:`UsageError`
    that tells all faults of the table.

    >>> numbering = parse_level_numbering(["value", "segment"], [["4", "L3"], ["5", "L4"]], "table.csv")
    >>> dict(numbering.discs) == dict(numbering.vertebrae) == {"L3": {4}, "L4": {5}}
    True
    """
    if not {"value", "segment"} <= set(columns):
        found = f"the columns {', '.join(columns)} were found"
        raise UsageError(f"{name}: {found}; expected value,segment or value,segment,kind; correct the table")
    values: dict[Kind, dict[str, set[int]]] = {kind: {} for kind in KINDS}
    seen: set[int] = set()
    faults = []
    for number, row in enumerate(rows, 2):
        cells = dict(zip(columns, row, strict=True))
        text, segment = cells["value"], cells["segment"].upper()
        kinds = _kinds(cells.get("kind"))
        segment = segment if segment.startswith(("L", "C", "T", "S")) else f"L{segment}"
        if not (text.isascii() and text.isdigit() and 0 < int(text[:12]) < 2**31):
            faults.append(f"row {number} has the value {text[:40]!r}")
        elif not kinds:
            faults.append(f"row {number} has the kind {cells['kind'][:40]!r}")
        elif int(text) in seen:
            faults.append(f"row {number} has the value {text} again")
        elif segment in SEGMENTS:
            for kind in kinds:
                values[kind].setdefault(segment, set()).add(int(text))
        elif segment[:1] == "L":
            faults.append(f"row {number} has the segment {cells['segment'][:40]!r}")
        if text.isascii() and text.isdigit():
            seen.add(int(text))
    if faults:
        expected = "expected each value once, a whole number from 1, segments L1 to L5, kind disc or vertebra"
        raise UsageError(f"{name}: {', '.join(faults)}; {expected}; correct the table")
    if not any(values.values()):
        raise UsageError(f"{name}: no lumbar level was found; expected rows for L1 to L5; add them")
    frozen = {kind: {s: frozenset(v) for s, v in sorted(values[kind].items())} for kind in KINDS}
    return LevelNumbering(name, frozen["disc"], frozen["vertebra"])


def _kinds(cell: str | None) -> tuple[Kind, ...]:
    """The kinds that a cell means: both where there is no such column, none where it is not understood."""
    if cell is None:
        return KINDS
    return tuple(kind for kind in KINDS if kind == cell.casefold())


def _published(name: str, largest: int) -> LevelNumbering:
    """The numbering ``levels/NAME.csv``, in the format that users write, but for a sixth lumbar vertebra."""
    columns, *rows = published_table(f"levels/{name}")
    sixth = frozenset(int(value) for value, segment, _ in rows if segment == "L6")
    five = parse_level_numbering(columns, [row for row in rows if row[1] != "L6"], name)
    return replace(five, largest=largest, sixth=sixth)


# totalspineseg, values of step 2's final output: github.com/neuropoly/totalspineseg, README.md ("List of
# Classes") and totalspineseg/resources/labels_maps/tss_map.json; 96 (L5-L6) is in totalspineseg/inference.py.
# Its first releases counted otherwise (discs from 202): their values are larger than any here.
# spineps, the vertebra instance mask ("seg-vert"): github.com/Hendrik-code/spineps, README.md ("Labels"):
# vertebra X, its disc 100 + X, its endplate 200 + X, where the disc is the one below the vertebra
# (spineps/phase_post.py, add_ivd_ep_vert_label). X: github.com/Hendrik-code/TPTBox,
# TPTBox/core/vert_constants.py, v_idx2name.
# totalsegmentator: github.com/wasserth/TotalSegmentator, totalsegmentator/map_to_binary.py,
# class_map["total"]. Version 3 calls 26 vertebrae_L6, version 2 vertebrae_S1
# (resources/improvements_in_v3.md): it tells nothing. Below it the same file's class_map["vertebrae_mr"].
_LARGEST = {
    "totalspineseg": 100,
    "spineps": 233,
    "totalsegmentator": 117,
    "totalsegmentator_vertebrae_mr": 25,
}

NUMBERINGS = {name: _published(name, largest) for name, largest in _LARGEST.items()}
"""Numberings by name."""


def level_rule(numbering: LevelNumbering, at: Kind | None, slices: int) -> LevelRule:
    """The rule for a numbering; raises :class:`UsageError` where it does not have what ``at`` asks for.

    ``at`` None: discs where the numbering has some, else vertebrae.
    """
    if slices < 1 or slices % 2 == 0:
        found = f"{slices} was found; expected an odd number, the middle slice and as many on both sides"
        raise UsageError(f"--slices-per-level: {found}; correct it")
    chosen: Kind = at or ("disc" if numbering.discs else "vertebra")
    if not numbering.values(chosen):
        other = "vertebrae" if chosen == "disc" else "discs"
        raise UsageError(
            f"--level-at: {chosen} was found, but the numbering {numbering.name} has {other} alone; "
            "expected what it has; choose another numbering or leave it out"
        )
    return LevelRule(numbering, chosen, slices)


@dataclass(frozen=True, slots=True)
class Structure:
    """A disc or vertebra in the patient: its main part, and what lies near it."""

    middle: NDArray[np.float64]
    """Mean of its voxels' centres, mm."""
    strays: int
    """Voxels of its number that lie far from the main part and were left out."""
    fault: str
    """Why its middle is not clear; empty where it is."""
    _hull: NDArray[np.float64] = field(repr=False)
    """Centres of voxels that hold all its ends, (n, 3), mm."""
    _steps: NDArray[np.float64] = field(repr=False)
    """The three steps from voxel to voxel as columns, mm."""

    def extent(self, normal: NDArray[np.float64]) -> tuple[float, float]:
        """From where to where it reaches along a direction, its voxels' edges included, mm."""
        along = self._hull @ normal
        half = float(np.abs(normal @ self._steps).sum()) / 2
        return float(along.min()) - half, float(along.max()) + half


@dataclass(frozen=True, slots=True)
class FoundLevels:
    """The levels of a label map."""

    levels: Mapping[str, Structure]
    """By segment, from L1 on."""
    unclear: frozenset[str] = frozenset()
    """Segments that the map has, but that may mean another vertebra: L5 where there is a sixth."""
    remark: Fault | None = None
    """What is to be said about the place of the map."""


def find_levels(voxels: NDArray[np.integer], affine: NDArray[np.float64], rule: LevelRule) -> FoundLevels:
    """The lumbar levels that a label map has.

    ``voxels``: (i, j, k); ``affine``: 4×4, voxel index → mm in LPS+. Raises :class:`UnreadableError`
    where the map's numbers are none of the numbering, or do not follow each other from head to foot.
    """
    numbering, values = rule.numbering, rule.numbering.values(rule.at)
    present = {int(value) for value in np.unique(voxels)} - {0}
    if not present:
        raise unreadable("a label map without labels", "some", "check the file", "empty-map")
    strange = sorted(v for v in present if v < 0 or v > (numbering.largest or v))
    if strange:
        found = f"values {and_more(strange, 20)} in the label map"
        remedy = "choose the numbering of the tool, or give a table"
        raise unreadable(found, f"those of {numbering.name} alone", remedy, "other-numbering")
    masks = {segment: present & values[segment] for segment in SEGMENTS if segment in values}
    levels = {s: _structure(np.isin(voxels, sorted(v)), affine, rule.at) for s, v in masks.items() if v}
    if not levels:
        found = f"values {and_more(sorted(present), 20)} in the label map"
        wanted = ", ".join(f"{and_more(sorted(v), 20)} ({s})" for s, v in values.items())
        message = f"{found}"
        remedy = "choose the numbering of the tool, or give a table (one value per level)"
        raise unreadable(message, f"some of {numbering.name}: {wanted}", remedy, "other-numbering")
    _check_order(levels)
    unclear = frozenset(["L5"] if present & numbering.sixth and "L5" in levels else [])
    return FoundLevels(levels, unclear)


def _structure(mask: NDArray[np.bool_], affine: NDArray[np.float64], kind: Kind) -> Structure:
    to_mm, origin = affine[:3, :3], affine[:3, 3]
    # What follows works on the box around the structure alone.
    along = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    mask = mask[tuple(slice(there[0], there[-1] + 1) for there in along)]
    origin = origin + to_mm @ np.array([there[0] for there in along])
    whole = int(np.count_nonzero(mask))
    mask, fault = _main_part(mask, affine, kind)
    voxels = int(np.count_nonzero(mask))
    # Means by the counts along each axis, and of each column of voxels only its two ends: little memory.
    counts = [mask.sum(axis=tuple(a for a in range(3) if a != axis), dtype=np.int64) for axis in range(3)]
    index = np.array([float(np.average(np.arange(len(count)), weights=count)) for count in counts])
    i, j = np.nonzero(mask.any(axis=2))
    columns = mask[i, j]
    first, last = columns.argmax(axis=1), columns.shape[1] - 1 - columns[:, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([i, j, k], axis=1) for k in (first, last)])
    hull = ends @ to_mm.T + origin
    fault = fault or _too_thick(hull, kind)
    middle = index @ to_mm.T + origin
    return Structure(middle, whole - voxels, fault, hull, to_mm)


def _main_part(
    mask: NDArray[np.bool_], affine: NDArray[np.float64], kind: Kind
) -> tuple[NDArray[np.bool_], str]:
    """The largest part of a structure with all that lies near it, and why it is not clear which one is meant.

    Parts are voxels that touch, if only by a corner.
    """
    from scipy import ndimage
    from scipy.spatial import KDTree

    parts, count = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=bool))
    if count < 2:
        return mask, ""
    sizes = np.bincount(parts.ravel())[1:]
    main = int(np.argmax(sizes))
    index = np.argwhere(mask)
    part_of = parts[mask] - 1  # in the same order
    points = index @ affine[:3, :3].T
    away = KDTree(points[part_of == main]).query(points)[0]
    # How far each part is: the distance of its nearest voxel.
    gaps = np.full(count, np.inf)
    np.minimum.at(gaps, part_of, away)
    far = gaps[part_of] > _FAR_MM[kind]
    lost = int(np.count_nonzero(far))
    kept = mask.copy()
    kept[tuple(index[far].T)] = False
    if lost > _UNCLEAR * (len(index) - lost):
        return kept, f"{lost} of its {len(index)} voxels lie apart from the others"
    return kept, ""


def _too_thick(hull: NDArray[np.float64], kind: Kind) -> str:
    """Why a structure is more than one disc or vertebra; empty where it may be one."""
    centred = hull - hull.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2] if len(hull) > 3 else np.eye(3)
    thin = float(np.ptp(centred @ axes.T, axis=0).min()) if kind == "disc" else float(np.ptp(hull[:, 2]))
    if thin <= _THICK_MM[kind]:
        return ""
    return f"it is {thin:.0f} mm {'thick' if kind == 'disc' else 'high'}"


def _check_order(levels: Mapping[str, Structure]) -> None:
    for (upper, above), (lower, below) in pairwise(levels.items()):
        fall = float(above.middle[2] - below.middle[2])
        steps = SEGMENTS.index(lower) - SEGMENTS.index(upper)
        if fall < APART_MM * steps:
            where = f"{fall:.0f} mm above" if fall >= 0 else f"{-fall:.0f} mm below"
            found = f"the middle of {upper} lies {where} that of {lower} in the label map"
            expected = f"the levels from head to foot, at least {APART_MM:.0f} mm apart"
            remedy = "check --level-numbering and the map's orientation"
            raise unreadable(found, expected, remedy, "other-numbering")


Place = tuple[Series, int, float]
"""A stack, the index of a slice in it, and how far the slice lies above the middle of a level, mm."""


def distance_mm(structure: Structure, plane: Plane) -> float:
    """How far a slice lies from the middle of a level along its normal, positive towards the head."""
    return plane.position_mm() - float(structure.middle @ plane.normal())


def cuts(structure: Structure, plane: Plane) -> bool:
    """Whether the plane of a slice goes through a structure, the edges of its voxels included."""
    low, high = structure.extent(plane.normal())
    return low <= plane.position_mm() <= high


def _shows(plane: Plane, size: tuple[int, int], point: NDArray[np.float64]) -> bool:
    """Whether a point, projected onto a slice, lies in its picture."""
    if plane.row_spacing_mm is None or plane.col_spacing_mm is None:
        return False
    rows, columns = size
    offset = point - np.asarray(plane.position)
    column = float(offset @ np.asarray(plane.across)) / plane.col_spacing_mm
    row = float(offset @ np.asarray(plane.down)) / plane.row_spacing_mm
    return -0.5 <= column <= columns - 0.5 and -0.5 <= row <= rows - 0.5


def nearest(structure: Structure, stacks: Iterable[Series]) -> list[Place]:
    """The slices whose pictures show the middle of a level, the nearest one first."""
    places: list[Place] = [
        (stack, index, distance_mm(structure, picture.plane))
        for stack in stacks
        for index, picture in enumerate(stack.pictures)
        if picture.plane and _shows(picture.plane, stack.size, structure.middle)
    ]
    return sorted(places, key=lambda place: abs(place[2]))  # stable: of equal ones the lower
