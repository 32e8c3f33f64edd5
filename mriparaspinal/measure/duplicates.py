"""Duplicate slices: the same image, or the same contours, under two names."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from mriparaspinal.core.model import Contour, Problem, RegionCount, SliceResult
from mriparaspinal.core.text import and_more
from mriparaspinal.imaging.outlines import drawing_of

#: How many of the other names a message tells.
_TOLD = 4

#: Fewer regions never tell that contours are the same.
_FEWEST = 3


def drawing_digest(contours: Iterable[tuple[tuple[str, str], Contour]]) -> bytes:
    """16 bytes that tell the contours of a slice, each with its region and side, from all others.

    The order of the contours does not matter, nor which point a polygon begins with, nor its direction.
    """
    parts = sorted(
        b"%s\0%s" % ("/".join(region).encode(), drawing_of(contour)) for region, contour in contours
    )
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.digest()[:16]


def duplicate_problems(results: Sequence[SliceResult]) -> list[Problem]:
    """One warning for each set of slices with the same image file, and for each with the same contours.

    Slices that share their image as well are not told again for their contours.
    """
    problems = []
    original = list(range(len(results)))
    for places in _sets(map(_image_key, results)):
        for place in places:
            original[place] = places[0]
        problems.append(_same_image(results, places))
    for places in _sets(result.drawing for result in results):
        # Of those with one image the first stands for all.
        of_images: dict[int, int] = {}
        for place in places:
            of_images.setdefault(original[place], place)
        if len(of_images) > 1 and _is_drawn_by_hand(results[places[0]].counts.values()):
            problems.append(_same_contours(results, list(of_images.values())))
    return problems


def _sets(keys: Iterable[str | bytes]) -> list[list[int]]:
    """The places of equal keys, where there are several, in their order; an empty one is no key."""
    places: dict[str | bytes, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if key:
            places[key].append(place)
    return [found for found in places.values() if len(found) > 1]


def _image_key(result: SliceResult) -> str:
    """The image file's SHA-256; empty for an image that was not read, or is in the JSON."""
    return next((digest for name, digest in result.sha256 if name == result.slice.image), "")


def _is_drawn_by_hand(counts: Collection[RegionCount]) -> bool:
    """Whether regions differ in size as those of a hand do, but for one pair, which may be alike by chance.

    A protocol that lays the same circle into each muscle may lay it at the same place in all slices.
    """
    different = {(count.csa_px, count.contour_area_px) for count in counts}
    return len(different) >= max(_FEWEST, len(counts) - 1)


def _same_image(results: Sequence[SliceResult], places: Sequence[int]) -> Problem:
    first, *others = (results[place].slice.name for place in places[: _TOLD + 1])
    found = f"the image file is the same, byte for byte, as {and_more(others, count=len(places) - 1)}"
    remedy = "export the slice that it should be, or take the copies away: each counts as a slice of its own"
    return Problem(first, "", "warning", "same-image", f"{found}; expected a different image", remedy)


def _same_contours(results: Sequence[SliceResult], places: Sequence[int]) -> Problem:
    first, *others = (results[place].slice.annotation for place in places[: _TOLD + 1])
    regions = len(results[places[0]].counts)
    found = f"all {regions} regions have the pixels and areas of {and_more(others, count=len(places) - 1)}"
    carried = "contours carried over from another slice (LabelMe's Keep Previous Annotation)"
    remedy = f"draw {carried} anew, or leave them where both images show one slice"
    return Problem(first, "", "warning", "same-contours", f"{found}; expected its own contours", remedy)
