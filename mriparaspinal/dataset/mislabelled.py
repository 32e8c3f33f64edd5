"""One contour under two labels, one region inside another, two regions under one label.

Nobody can tell which label is right, so that none of them is measured.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from itertools import combinations

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import FASCIA, MUSCLES, OURS, SAT
from mriparaspinal.core.text import join_names
from mriparaspinal.dataset.parts import INSIDE, Parts, centres, count
from mriparaspinal.dataset.regions import (
    OPPOSITE,
    Anatomy,
    Finding,
    Placed,
    RegionKey,
    error_of,
    may_overlap,
)
from mriparaspinal.imaging.outlines import drawing_of
from mriparaspinal.imaging.rasterise import PixelBox, shared_px, union

#: What follows from a second region under the label of the first: they overlap, or one lies elsewhere.
_HENCE = ("parts-overlap", "hole-not-taken-out", "front-contradicts-back")

_RELABEL = "correct the label that is wrong, or draw the other region: neither is measured"


def without_same_drawings(
    placed: list[Placed], file: str, anatomy: Anatomy, faulty: set[RegionKey]
) -> list[Placed]:
    """The contours without those that are point by point the same under labels of several regions.

    Neither the point that a polygon begins with matters, nor its direction. What is one of several parts of
    each region is shared by them, as label maps write it: that is an overlap.
    """
    parts = Counter(p.region for p in placed)
    by_frame: dict[PixelBox, list[Placed]] = defaultdict(list)
    for p in placed:
        by_frame[p.patch.frame].append(p)
    wrong: list[Placed] = []
    for here in by_frame.values():
        by_drawing: dict[bytes, list[Placed]] = defaultdict(list)
        if _are_several(p.region for p in here):
            for p in here:
                by_drawing[drawing_of(p.contour)].append(p)
        for same in by_drawing.values():
            if _are_several(p.region for p in same) and min(parts[p.region] for p in same) == 1:
                wrong += same
                names = list(dict.fromkeys(p.contour.label for p in same))
                anatomy.problems.append(error_of(file, ", ".join(names), _one_contour(names, "all points")))
    keys = {(p.region.name, p.region.side) for p in wrong}
    anatomy.seen |= keys
    faulty |= keys
    return [p for p in placed if p not in wrong] if wrong else placed


def _are_several(regions: Iterable[Region]) -> bool:
    """Whether contours of these regions may not be one."""
    return any(not may_overlap(a.name, b.name) for a, b in combinations(set(regions), 2))


def _one_contour(names: Collection[str], how: str) -> Finding:
    found = f"{join_names(names)} are one contour under several labels ({how} are the same)"
    return "two-labels", f"{found}; expected a contour for each region", _RELABEL


def take_out_mislabelled(parts: Parts, file: str, anatomy: Anatomy) -> None:
    """Take out regions that lie inside another one, and those that a second region is labelled as."""
    wrong: set[RegionKey] = set()
    # A region of one's own may be a part of another, or hold it.
    for a, b in combinations([key for key in anatomy.patches if key[0] in {*OURS, *FASCIA} - {SAT}], 2):
        if not may_overlap(a[0], b[0]) and (finding := _inside(a, b, parts, anatomy)):
            names = f"{Region(*a)}, {Region(*b)}"
            anatomy.problems.append(error_of(file, names, finding))
            wrong |= {a, b}
    for key in anatomy.patches:
        missing = [] if key in wrong else _labelled_as(key, parts, anatomy.seen)
        if missing:
            label, others = str(Region(*key)), " and ".join(str(Region(*gone)) for gone in missing)
            found = f"several contours of {label} and none of {others}; expected a label for each region"
            remedy = f"label one of them {others} if it is that, or draw {others}: neither is measured"
            labels = {label, *(p.contour.label for p in parts[key])}
            anatomy.problems = [p for p in anatomy.problems if p.code not in _HENCE or p.shape not in labels]
            anatomy.problems.append(error_of(file, label, ("one-label", found, remedy)))
            anatomy.seen |= set(missing)
            wrong.add(key)
    for key in wrong:
        del anatomy.patches[key], anatomy.areas_px[key]
    if wrong:
        anatomy.contours = [(key, contour) for key, contour in anatomy.contours if key not in wrong]


def _inside(a: RegionKey, b: RegionKey, parts: Parts, anatomy: Anatomy) -> Finding | None:
    """What is wrong where one region lies inside of the other, by the pixels whose centres are in both."""
    patches = anatomy.patches[a], anatomy.patches[b]
    drawn = shared_px(*patches)
    if not drawn or drawn < INSIDE * min(map(count, patches)) - 1:
        return None
    inner = [centres(parts[key]) for key in (a, b)]
    if not all(inner):
        return None
    one, other = map(union, inner)
    shared, sizes = shared_px(one, other), (count(one), count(other))
    small, large = (a, b) if sizes[0] <= sizes[1] else (b, a)
    if shared < INSIDE * min(sizes):
        return None
    names, how = (str(Region(*small)), str(Region(*large))), f"{shared} of {min(sizes)} px"
    if shared >= INSIDE * max(sizes):
        return _one_contour(names, how)
    found = f"{names[0]} lies inside of {names[1]} ({how}); expected them apart"
    remedy = f"draw {names[1]} without {names[0]}, or correct the labels: neither is measured"
    return "inside-another", found, remedy


def _labelled_as(key: RegionKey, parts: Parts, seen: Collection[RegionKey]) -> list[RegionKey]:
    """Muscles of a side that only the other side has, where this one has a contour more of ``key``."""
    name, side = key
    if not side or name in FASCIA or len(parts[key]) <= max(1, len(parts.get((name, OPPOSITE[side]), ()))):
        return []
    return [
        (muscle, side)
        for muscle in MUSCLES
        if (muscle, OPPOSITE[side]) in seen and not {(muscle, side), (muscle, "")} & set(seen)
    ]
