"""Implausible findings on an axial lumbar slice, from the position of regions and their grey levels.

Limits are far outside of what is seen on real slices; ``docs/plausibility.md`` gives the false alarms
of each check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median, median_low
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import OURS, SAT, Problem, SliceResult
from mriparaspinal.core.text import count_of
from mriparaspinal.imaging.rasterise import Box, Patch, PixelBox

Finding = tuple[str, str, str]
"""Code, message (what was found; what was expected), remedy."""

Key = tuple[str, str]
"""Region and side of the patient; the side of a reference is empty."""

#: A sided contour may reach over the midline with less than this share of its pixels.
_ACROSS = 0.25

#: A muscle lies clearly in front of the reference's middle from this part of the reference's size on.
_CLEARLY = 0.15

#: A mirrored fit is clearly better where its pooled variance is below this share of the own one.
_MIRRORED = 0.85

#: A region that is darker than this share of its own mean where it is mirrored fell on other tissue.
_OTHER_TISSUE = 0.5

#: A muscle has at least and at most this many times the area of the reference, and at most this share of the
#: image.
_RATIO_LIMITS = (0.005, 5.0)

_IMAGE_SHARE = 0.4

#: The same in mm²: muscles, and discs or vertebral bodies.
_MUSCLE_MM2 = (10.0, 10_000.0)

_REFERENCE_MM2 = (100.0, 8_000.0)

#: The reference's centre lies between these shares of the image's width.
_MIDDLE = (0.3, 0.7)

#: Every muscle is fat by more than this share, or less than this share of the surroundings is: grey levels of
#: another scale.
_ALL_FAT, _NO_FAT = 0.9, 0.01

#: Fat around the muscles is white, or nearly, as a PACS exports it; at least one pixel is as bright as this.
_BRIGHTEST = 100

#: A region of fewer pixels may well be of one grey level.
_FEWEST_PX = 20

#: More slices of unusual areas than these are reported in one message.
_TOLD = 3


# ---------------------------------------------------------------- from places


class Spot(NamedTuple):
    """Where a contour lies: the middle of its pixels, in columns and rows of the image."""

    name: str
    side: str
    """As its label gives it; empty if it does not."""
    column: float
    row: float
    size: float
    """Square root of its number of pixels."""


def spot_of(name: str, side: str, patch: Patch) -> Spot:
    """The spot of a patch: mean column and row of its pixels (their upper left corners)."""
    columns, rows = np.count_nonzero(patch.pixels, axis=0), np.count_nonzero(patch.pixels, axis=1)
    total = columns.sum()
    column = patch.left + float(columns @ np.arange(len(columns))) / total
    row = patch.top + float(rows @ np.arange(len(rows))) / total
    return Spot(name, side, column, row, float(total) ** 0.5)


def front_back_swapped(spots: Sequence[Spot], reference: Spot | None) -> tuple[list[Spot], int]:
    """Spots that clearly lie anterior in place of posterior, or the reverse, and how many could be judged.

    Multifidus and erector spinae lie posterior to the reference and the psoas (larger row), psoas anterior;
    the median position is compared, so that one wrong label does not make others look wrong.
    """
    back = [s for s in spots if s.name in ("MF", "ES")]
    psoas = [s for s in spots if s.name == "PM"]
    limits = [] if reference is None else [(reference.row, reference.size)]
    limits += [(median(s.row for s in psoas), median(s.size for s in psoas))] if psoas else []
    swapped = [s for s in back if any(s.row < row - _CLEARLY * size for row, size in limits)]
    told = len(back) if limits else 0
    if back:
        middle = median(s.row for s in back)
        swapped += [s for s in psoas if s.row > middle]
        told += len(psoas)
    return swapped, told


def surely_in_order(muscles: Sequence[tuple[str, Patch]], reference: Spot | None) -> bool:
    """Whether the bounding boxes alone, by muscle, exclude that anterior and posterior are swapped."""
    tops = [patch.top for name, patch in muscles if name in ("MF", "ES")]
    lowest = [patch.bottom - 1 for name, patch in muscles if name == "PM"]
    behind = reference is None or all(top >= reference.row for top in tops)
    return behind and (not tops or all(bottom <= median_low(tops) for bottom in lowest))


_Turn = Callable[[Spot], Spot]


def _turn(column: tuple[int, int], row: tuple[int, int]) -> _Turn:
    return lambda s: s._replace(
        column=column[0] * s.column + column[1] * s.row, row=row[0] * s.column + row[1] * s.row
    )


_UPSIDE_DOWN = "from the bottom up"

#: How coordinates can have been written, and what turns them back.
_TURNS: tuple[tuple[str, str, _Turn], ...] = (
    ("front-contradicts-back", f"rows counted {_UPSIDE_DOWN}", _turn((1, 0), (0, -1))),
    ("front-contradicts-back", "the image turned by 180°", _turn((-1, 0), (0, -1))),
    ("transposed-coordinates", "points written as (row, column)", _turn((0, 1), (1, 0))),
    ("transposed-coordinates", "the image turned by 90°", _turn((0, 1), (-1, 0))),
    ("transposed-coordinates", "the image turned by 90°", _turn((0, -1), (1, 0))),
    ("transposed-coordinates", "points written as (row, column), and turned", _turn((0, -1), (-1, 0))),
)


def turned_as_a_whole(
    spots: Sequence[Spot], reference: Spot | None, midline: float | None, image_left: str
) -> Finding | None:
    """Why all contours of a slice are misplaced: they fit if the coordinates are turned; else None.

    ``midline``: the column between left and right; ``image_left``: the patient's side at the left of
    the image. A mirror image, left and right alone, is found by the labels' sides.
    """
    swapped, told = front_back_swapped(spots, reference)
    sided = [s for s in spots if s.side]
    wrong = _wrong_sides(spots, midline, image_left)
    alone = _on_one_side(spots, midline)
    if not swapped and wrong in (0, len(sided)):
        return None
    for code, cause, turn in _TURNS:
        turned = [turn(s) for s in spots]
        middle = None if reference is None else turn(reference)
        if front_back_swapped(turned, middle)[0]:
            continue
        across = middle.column if middle is not None else _pairs_middle(turned)
        if _wrong_sides(turned, across, image_left) or _on_one_side(turned, across):
            continue
        if code == "front-contradicts-back":
            if len(swapped) < told:
                continue
        elif wrong + len(swapped) + alone < 2 or (len({s.side for s in sided}) < 2 and not alone):
            continue
        found = f"the contours fit a lumbar slice only as with {cause}: {_front_and_back(swapped, wrong)}"
        expected = "columns counted from the left and rows from the top, the patient's back at the bottom"
        remedy = "write (column, row) in pixels from the upper left corner, or put back the image they are of"
        return code, f"{found}; expected {expected}", remedy
    return None


def _front_and_back(swapped: Sequence[Spot], wrong: int) -> str:
    told = []
    if swapped:
        names = ", ".join(dict.fromkeys(s.name for s in swapped))
        told.append(f"front and back are exchanged for {names}")
    if wrong:
        told.append(f"{wrong} labels lie on the other side")
    return " and ".join(told)


def _wrong_sides(spots: Sequence[Spot], midline: float | None, image_left: str) -> int:
    if midline is None:
        return 0
    return sum(bool(s.side) and (s.column < midline) != (s.side == image_left) for s in spots)


def _on_one_side(spots: Sequence[Spot], midline: float | None) -> int:
    """Muscles of which several contours without a side in their labels all lie on one side."""
    if midline is None:
        return 0
    found = 0
    for name in {s.name for s in spots}:
        where = [s.column < midline for s in spots if s.name == name and not s.side]
        found += len(where) > 1 and len(set(where)) == 1
    return found


def _pairs_middle(spots: Sequence[Spot]) -> float | None:
    """The column between the left and right contours of the muscles that have both."""
    middles = []
    for name in {s.name for s in spots}:
        sides = [[s.column for s in spots if s.name == name and s.side == side] for side in ("left", "right")]
        if all(sides):
            middles.append(sum(sum(columns) / len(columns) for columns in sides) / 2)
    return sum(middles) / len(middles) if middles else None


def in_front(spot: Spot) -> Finding:
    """The warning about one contour that front and back do not fit, where others do."""
    if spot.name == "PM":
        found = "the psoas lies behind the multifidus and erector spinae; expected it in front of them"
    else:
        found = "the muscle lies in front of the middle of the reference or psoas; expected it behind"
    return "front-contradicts-back", found, "check on an overlay that the label is right"


def share_across(patch: Patch, midline: float) -> float:
    """The share of a patch's pixels on that side of a column that has fewer of them."""
    if patch.left > midline or patch.right - 1 < midline:
        return 0.0
    per_column = np.count_nonzero(patch.pixels, axis=0)
    centres = patch.left + np.arange(len(per_column))
    left = float(per_column[centres < midline].sum() / per_column.sum())
    return min(left, 1 - left)


def lies_on_both_sides(patch: Patch, midline: float) -> bool:
    """Whether a contour covers both sides of the patient, not only a little of the other one."""
    return share_across(patch, midline) > _ACROSS


def normalised(boxes: Sequence[Box], shape: tuple[int, int]) -> bool:
    """Whether all of several contours lie within 0 … 1 of an image of (rows, columns): no pixel positions."""
    if len(boxes) < 2 or min(shape) < 8:
        return False
    return all(
        left >= -0.5 and top >= -0.5 and max(right, bottom) <= 1.5 for left, top, right, bottom in boxes
    )


def off_centre(frame: PixelBox, middle: float | None, shape: tuple[int, int]) -> Finding | None:
    """The warning about contours of both sides that lie where no slice has them: of another image size?

    ``frame``: around all of them; ``middle``: the column in the middle of disc or vertebral body, if any.
    """
    rows, columns = shape
    left, top, right, bottom = frame
    across = right <= columns / 2 or left >= columns / 2
    in_quarter = across and (bottom <= rows / 2 or top >= rows / 2)
    if in_quarter:
        found = f"all contours lie in one quarter of the image of {columns}×{rows} px"
    elif middle is not None and not _MIDDLE[0] <= middle / columns <= _MIDDLE[1]:
        found = f"the reference lies at column {middle:.0f} of {columns}"
    else:
        return None
    remedy = "check on an overlay that they were drawn on an image of this size"
    return "off-centre", f"{found}; expected the spine near the image's middle", remedy


# ---------------------------------------------------------------- from areas


def unusual_areas(areas_px: Mapping[Key, int], image_px: int) -> list[tuple[Key, Finding]]:
    """Regions whose area no muscle has: against the reference of the slice, and the image (in pixels)."""
    reference = areas_px.get(("IVD", "")) or areas_px.get(("VB", ""))
    low, high = _RATIO_LIMITS
    remedy = "check on an overlay what was drawn"
    found = []
    for key, area in areas_px.items():
        if key[0] not in OURS:
            continue
        if key[1] and reference and not low <= area / reference <= high:
            told = f"{area / reference:.3g} times the area of the reference; expected {low:g} to {high:g}"
        elif area > _IMAGE_SHARE * image_px:
            told = f"{100 * area / image_px:.0f} % of the image; expected at most {100 * _IMAGE_SHARE:.0f} %"
        else:
            continue
        found.append((key, ("unusual-area", told, remedy)))
    return found


def unusual_mm2(areas_mm2: Mapping[Key, float]) -> tuple[Key, float, tuple[float, float]] | None:
    """The first region with an area in mm² that no human one has, its area, and the limits; else None."""
    for key, area in areas_mm2.items():
        limits = _MUSCLE_MM2 if key[1] else _REFERENCE_MM2
        if key[0] in OURS - {SAT} and not limits[0] <= area <= limits[1]:
            return key, area, limits
    return None


# ---------------------------------------------------------------- from grey levels


def without_signal(grey: NDArray[np.uint8], patches: Mapping[Key, Patch]) -> list[Key]:
    """Regions of which all pixels have one grey level: no tissue is so.

    ``grey`` (rows, columns) with ``patches`` placed on it. White can be fat that the window cut off, and
    counts only where all regions are white, the reference too.
    """
    found = []
    for key, patch in patches.items():
        levels = patch.on(grey)[patch.pixels]
        # The first and the middle one already differ in most regions.
        if levels.size < _FEWEST_PX or levels[0] != levels[levels.size // 2]:
            continue
        if (levels == levels[0]).all():
            found.append((key, levels[0] == 255))
    if len(found) < len(patches) or all(side for _, side in patches):
        found = [(key, white) for key, white in found if not white]
    return [key for key, _ in found]


def unusual_levels(grey: NDArray[np.uint8], patches: Mapping[Key, Patch], threshold: float) -> Finding | None:
    """Whether grey levels do not fit the threshold: all muscle is above it, or nothing around it is.

    ``grey`` (rows, columns) of the frame around the regions, with ``patches`` placed on it. Inverted grey
    levels are such, a window of another scale, and a sequence that suppresses fat.
    """
    back = {key: patch for key, patch in patches.items() if key[0] in ("MF", "ES")}
    if {side for _, side in back} < {"left", "right"} or not 0 < threshold < 255:
        return None
    above = grey > threshold
    found = ""
    if np.count_nonzero(above) < _NO_FAT * above.size:
        found = (
            f"less than {_NO_FAT:.0%} of the pixels around the contours is above the threshold {threshold:g}"
        )
    elif (brightest := int(grey.max())) < _BRIGHTEST:
        found = f"the brightest pixel around the contours has grey level {brightest} of 255"
    if found:
        remedy = "check the window of the export, and that the sequence does not suppress fat"
        return "unusual-levels", f"{found}; expected bright fat between and behind the muscles", remedy
    muscles = [patch for key, patch in patches.items() if key[1]]
    if all(above[p.top : p.bottom, p.left : p.right][p.pixels].mean() > _ALL_FAT for p in muscles):
        found = f"more than {_ALL_FAT:.0%} of each muscle is above the threshold {threshold:g}"
        remedy = "check the window, and that black and white are not exchanged"
        return "unusual-levels", f"{found}; expected muscle to be darker than fat", remedy
    return None


def mirror_fit(grey: NDArray[np.uint8], patches: Mapping[Key, Patch]) -> tuple[float, float]:
    """How far grey levels scatter within regions: Σ (g − mean of the region)², here and in the mirror image.

    ``grey`` (rows, columns): whole rows of the image, or as many columns taken from its left as from its
    right, with ``patches`` placed on it. Regions that fall on much darker ground in the mirror image do not
    count: air scatters little.
    """
    own = mirrored = 0.0
    turned = grey[:, ::-1]
    for patch in patches.values():
        here = patch.on(grey)[patch.pixels].astype(np.float64)
        there = patch.on(turned)[patch.pixels].astype(np.float64)
        sum_here, sum_there = float(here.sum()), float(there.sum())
        if sum_there < _OTHER_TISSUE * sum_here:
            continue
        own += float(here @ here) - sum_here * sum_here / here.size
        mirrored += float(there @ there) - sum_there * sum_there / here.size
    return own, mirrored


def fits_mirrored(own: float, mirrored: float) -> bool:
    """Whether contours fit the mirror image clearly better, by sums of :func:`mirror_fit` over slices."""
    return mirrored < _MIRRORED * own


class Gathered:
    """Findings that need several slices of a participant or a study; results are added one by one."""

    def __init__(self, spacings: Mapping[str, tuple[float, float]]) -> None:
        """``spacings``: image name → mm between rows and columns."""
        self._spacings = spacings
        self._fits: dict[str, tuple[str, int, float, float]] = {}
        self._odd: list[tuple[str, str, float, tuple[float, float]]] = []
        self._odd_slices = self._spaced = 0

    def add(self, result: SliceResult) -> None:
        """Take in what one slice gave."""
        slice_ = result.slice
        if result.fit is not None:
            first, slices, own, mirrored = self._fits.get(slice_.participant_id, (slice_.name, 0, 0.0, 0.0))
            sums = own + result.fit[0], mirrored + result.fit[1]
            self._fits[slice_.participant_id] = first, slices + 1, *sums
        if result.counts and slice_.name in self._spacings:
            rows, columns = self._spacings[slice_.name]
            self._spaced += 1
            odd = unusual_mm2({key: count.csa_px * rows * columns for key, count in result.counts.items()})
            if odd is not None:
                self._odd_slices += 1
                if len(self._odd) < _TOLD:
                    key, area, limits = odd
                    self._odd.append((slice_.name, str(Region(*key)), area, limits))

    def problems(self) -> list[Problem]:
        """The warnings about all that was taken in: one for each participant, one for the areas in mm²."""
        problems = []
        for first, slices, own, mirrored in self._fits.values():
            if fits_mirrored(own, mirrored):
                found = f"the contours of {count_of(slices, 'slice')} fit the mirror image better: "
                found += (
                    f"grey levels scatter less within them there (variance × {mirrored / own:.2f}); expected "
                )
                found += "them to fit the image itself"
                remedy = "check on an overlay that the image was not mirrored after it was annotated"
                problems.append(Problem(first, "", "warning", "fits-mirrored", found, remedy))
        for name, region, area, (low, high) in self._odd[: 1 if self._odd_slices > _TOLD else None]:
            found = f"{region} has an area of {area:.3g} mm²; expected {low:g} to {high:g}"
            if self._odd_slices > _TOLD:
                found += f", and so in {self._odd_slices} of {self._spaced} slices"
            remedy = "check the unit of the spacing in slices.csv (mm), and the contour on an overlay"
            problems.append(Problem(name, region, "warning", "unusual-area", found, remedy))
        return problems
