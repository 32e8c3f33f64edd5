"""One slice that stands in a dataset twice: the same image, or the same contours, under two names."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import Problem, RegionCount, SliceResult

#: How many of the other names a message tells.
_TOLD = 4

#: Fewer regions never tell that contours are the same.
_FEWEST = 3

#: How many different drawings there must be room for before equal counts mean equal contours: 20,000 slices
#: are 2e8 pairs, so that one of a thousand such datasets has a pair that is equal by chance.
_ENOUGH = 2e11

_64_BITS = 2**64 - 1


Keys = NDArray[np.uint64]
"""What slices are held against each other by, 16 bytes for each, as there may be very many: (slices, 2)."""


def no_keys(slices: int) -> Keys:
    """Keys of so many slices, to be filled by :func:`key_of`."""
    return np.zeros((slices, 2), np.uint64)


def key_of(result: SliceResult) -> tuple[int, int]:
    """A number for the image of a slice, and one for its contours."""
    return _image_key(result), _contours_key(result)


def duplicate_problems(results: Sequence[SliceResult], keys: Keys | None = None) -> list[Problem]:
    """One warning for each set of slices with the same image file, and for each with the same contours.

    ``keys``: those of the results, where they are known already. Slices that share their image as well are
    not told again for their contours.
    """
    if keys is None:
        keys = no_keys(len(results))
        for place, result in enumerate(results):
            keys[place] = key_of(result)
    problems = []
    original = np.arange(len(results))
    for places in _sets(keys[:, 0]):
        original[places] = places[0]
        problems.append(_same_image(results, places))
    for places in _sets(keys[:, 1]):
        # Of those with one image the first stands for all.
        of_images: dict[int, int] = {}
        for place in places:
            of_images.setdefault(int(original[place]), place)
        if len(of_images) > 1 and _cannot_be_chance(results[places[0]].counts.values()):
            problems.append(_same_contours(results, list(of_images.values())))
    return problems


def _sets(keys: NDArray[np.uint64]) -> Iterator[list[int]]:
    """The places of equal keys, where there are several, in their order; 0 is no key.

    Of 64 bits, for which two of 20,000 different slices are taken for one in 1 of 10¹¹ datasets.
    """
    order = np.argsort(keys, kind="stable")
    _, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
    several = (counts > 1) & (keys[order[starts]] != 0)
    sets = zip(order[starts[several]], starts[several], counts[several], strict=True)
    for _, start, count in sorted(sets):
        yield order[start : start + count].tolist()


def _image_key(result: SliceResult) -> int:
    """The first 64 bits of the image file's SHA-256; 0 for an image that was not read, or is in the JSON."""
    digests = (digest for name, digest in result.sha256 if name == result.slice.image)
    return int(next(digests, "0")[:16], 16)


def _contours_key(result: SliceResult) -> int:
    """64 bits of the counts of all regions, which contours alone decide; 0 where there are too few.

    Python's own hash: another one in each run, but which sets it finds is the same.
    """
    if len(result.counts) < _FEWEST:
        return 0
    told = [
        (region, count.csa_px, _rounded(count.contour_area_px)) for region, count in result.counts.items()
    ]
    return hash(frozenset(told)) & _64_BITS


def _rounded(area_px: float | None) -> float:
    # The last digits of an area depend on the point that a contour begins with.
    return -1.0 if area_px is None else round(area_px, 6)


def _cannot_be_chance(counts: Collection[RegionCount]) -> bool:
    """Whether another drawing, made by itself, would have other counts in some region.

    Regions of one size do not tell: those of a protocol that lays the same circle into each muscle are alike
    in all slices, and then left and right are alike in one slice, too. So all regions must differ, but for
    one pair, which hand-drawn ones may have by chance.

    The others must have room for enough different drawings, or small regions would meet by chance. The
    size of a muscle varies by a quarter or so between patients, which n pixels meet with a chance of about
    1/n, and by less between neighbours or from left to right: 5/n is on the safe side. A label map's area,
    or that of corners on whole pixels, tells little beyond the pixels: it counts for nothing. That of
    corners between pixels does: with just one decimal areas have steps of 0.005 px², of which one and the
    same number of pixels leaves a thousand.
    """
    different = {(count.csa_px, count.contour_area_px) for count in counts}
    if len(different) < max(_FEWEST, len(counts) - 1):
        return False
    return math.prod(n / 5 * (1000 if _is_between_pixels(area) else 1) for n, area in different) >= _ENOUGH


def _is_between_pixels(area_px: float | None) -> bool:
    """Whether an area needs corners between pixels.

    Corners on whole pixels have areas in halves, those half-way between, as around label maps, in eighths,
    and circles from pixel to pixel have π times a whole number.
    """
    if area_px is None:
        return False
    return all(abs(steps - round(steps)) > 1e-6 for steps in (8 * area_px, area_px / math.pi))


def _same_image(results: Sequence[SliceResult], places: Sequence[int]) -> Problem:
    first, *others = (results[place].slice.name for place in places[: _TOLD + 1])
    found = f"the image file is the same, byte for byte, as {_listed(others, len(places) - 1)}"
    remedy = "export the slice that it should be, or take the copies away: each counts as a slice of its own"
    return Problem(first, "", "warning", "same-image", f"{found}; expected a different image", remedy)


def _same_contours(results: Sequence[SliceResult], places: Sequence[int]) -> Problem:
    first, *others = (results[place].slice.annotation for place in places[: _TOLD + 1])
    regions = len(results[places[0]].counts)
    found = f"all {regions} regions have the pixels and areas of {_listed(others, len(places) - 1)}"
    carried = "contours carried over from another slice (LabelMe's Keep Previous Annotation)"
    remedy = f"draw {carried} anew, or leave them where both images show one slice"
    return Problem(first, "", "warning", "same-contours", f"{found}; expected its own contours", remedy)


def _listed(names: Sequence[str], count: int) -> str:
    """The first of ``count`` names, and how many there are more."""
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return ", ".join(names) + more
