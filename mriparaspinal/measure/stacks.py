"""Several slices of one segment: what belongs together, whether it is complete, and how far apart it lies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeVar

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import (
    DEFAULTS,
    EXPECTED_MUSCLES,
    WHOLE,
    DixonSums,
    Problem,
    RegionCount,
    Settings,
    Slice,
    SliceResult,
    Spacing,
)
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.find import slices_per_segment

if TYPE_CHECKING:
    from mriparaspinal.imaging.slice_position import SlicePlace


Stack = tuple[SliceResult, ...]
"""The slices of one participant and segment, by letter; most often just one."""

#: How far the distance of two neighbours may be from the slice spacing, as a fraction of it.
_EVEN = 0.05

#: Normals of one stack differ by less (1 minus the cosine of 0.1°): across a slice that is below 0.5 mm.
_PARALLEL = 1 - math.cos(math.radians(0.1))

#: Pixel spacings that differ by less, as a fraction, are one that was rounded in two ways.
_SAME_SPACING = 1e-3

Severity = Literal["error", "warning"]

T = TypeVar("T")


def by_segment(found: Iterable[tuple[Slice, T]]) -> dict[tuple[str, str, str], list[T]]:
    """What was found in each slice, by (participant, session, segment), in the order of the first ones."""
    groups: dict[tuple[str, str, str], list[T]] = {}
    for slice_, value in found:
        groups.setdefault((slice_.participant_id, slice_.session, slice_.segment), []).append(value)
    return groups


def stacks_of(results: Sequence[SliceResult]) -> Iterator[Stack]:
    """The slices that are one segment of one participant, in the order of the first ones."""
    for stack in by_segment((result.slice, result) for result in results).values():
        yield tuple(sorted(stack, key=lambda result: natural_key(result.slice.letter)))


def has_stacks(results: Sequence[SliceResult]) -> bool:
    """Whether some segment of a participant has several slices."""
    return slices_per_segment(result.slice for result in results)


def in_every_slice(stack: Stack, region: tuple[str, str]) -> tuple[RegionCount, ...]:
    """The counts of a region in each slice; empty where a slice lacks it.

    The sum over fewer slices would be another quantity than in other participants.
    """
    counts = tuple([result.counts[region] for result in stack if region in result.counts])
    return counts if len(counts) == len(stack) else ()


def mean_values(stack: Stack, region: tuple[str, str]) -> dict[str, float]:
    """The mean of each further measure of a region over the slices, where every slice has a value."""
    first, *others = [result.more.get(region, {}) for result in stack]
    shared = [name for name in first if all(name in values for values in others)]
    if not others:
        return dict(first)
    return {n: math.fsum((first[n], *(values[n] for values in others))) / len(stack) for n in shared}


def added(counts: Sequence[RegionCount]) -> RegionCount:
    """Regions taken together: two sides, or the slices of a stack. Their order does not matter."""
    if len(counts) == 1:
        return counts[0]
    areas = [count.contour_area_px for count in counts if count.contour_area_px is not None]
    sums = [count.dixon for count in counts if count.dixon is not None]
    return RegionCount(
        csa_px=sum(count.csa_px for count in counts),
        contour_area_px=math.fsum(areas) if len(areas) == len(counts) else None,
        fat_px=sum(count.fat_px for count in counts),
        grey_sum=sum(count.grey_sum for count in counts),
        dixon=_added_dixon(sums) if len(sums) == len(counts) else None,
    )


def _added_dixon(sums: Sequence[DixonSums]) -> DixonSums:
    return DixonSums(
        voxels=sum(one.voxels for one in sums),
        fraction_sum=math.fsum(one.fraction_sum for one in sums),
        fat_sum=math.fsum(one.fat_sum for one in sums),
        signal_sum=math.fsum(one.signal_sum for one in sums),
    )


def slice_spacings(stack: Stack, places: Mapping[str, SlicePlace]) -> tuple[float, ...] | str:
    """The slice spacing of each slice of a stack in mm, or why the slices do not fill a volume.

    ``places``: image name → place. A volume is that of a pile of slabs, one per slice, as thick as the slice
    spacing (Cavalieri's principle): the slices have to be parallel neighbours, evenly spaced.
    """
    import numpy as np

    here = [(result.slice.name, places.get(result.slice.name)) for result in stack]
    unknown = [name for name, place in here if place is None or place.slice_spacing_mm is None]
    if unknown:
        return f"slices.csv does not give position and slice_spacing_mm of {', '.join(unknown)}"
    known = [place for _, place in here if place is not None]
    spacings = tuple(place.slice_spacing_mm or 0.0 for place in known)
    normals = [place.plane.normal() for place in known]
    if any(1 - abs(float(np.dot(normal, normals[0]))) > _PARALLEL for normal in normals):
        return "the slices are not parallel"
    depths = [float(np.dot(place.plane.position, normals[0])) for place in known]
    pile = sorted(zip(depths, spacings, strict=True))
    for (low, first), (high, second) in pairwise(pile):
        gap = high - low
        if any(abs(gap - spacing) > _EVEN * spacing for spacing in (first, second)):
            return (
                f"two slices next to each other are {gap:.4g} mm apart, at a slice spacing of {first:.4g} mm"
            )
    return spacings


def stack_problems(
    results: Sequence[SliceResult],
    spacings: Mapping[str, Spacing],
    places: Mapping[str, SlicePlace] | None,
    settings: Settings = DEFAULTS,
) -> list[Problem]:
    """What keeps stacks from their rows and volumes, at most one of each kind per stack.

    ``places`` is None where no table tells any: then volumes stay empty without a word, as areas in mm² do.
    """
    problems: list[Problem] = []
    for stack in stacks_of(results) if has_stacks(results) else ():
        if len(stack) > 1:
            problems += _lacking(stack, settings)
            if any(in_every_slice(stack, region) for region in stack[0].counts):
                problems += _mixed_pixels(stack, spacings)
                problems += _no_volume(stack, places)
    return problems


def _lacking(stack: Stack, settings: Settings) -> list[Problem]:
    """Regions that some slices of a stack have, and others have not: they get no row."""
    order = settings.muscles
    there = {key for result in stack for key in result.counts if key[0] in order}
    lacking: dict[str, list[tuple[str, str]]] = {}
    for result in stack:
        without = set() if WHOLE in result.left_out else there - set(result.counts) - result.left_out
        if without:
            lacking[result.slice.name] = sorted(without, key=lambda key: (order.index(key[0]), key[1]))
    if not lacking:
        return []
    regions = (", ".join(str(Region(*key)) for key in keys) for keys in lacking.values())
    listed = " and ".join(f"{name} lacks {labels}" for name, labels in zip(lacking, regions, strict=True))
    found = f"of the {len(stack)} slices of {_name(stack)}, {listed}; expected the same regions in each"
    remedy = "draw them, or take the slice away: else they have no row in the segment's table"
    muscles = {muscle for keys in lacking.values() for muscle, _ in keys}
    expected = {*EXPECTED_MUSCLES, *(region.name for region in settings.regions if region.expected)}
    severity: Severity = "error" if muscles & expected else "warning"
    return [Problem(next(iter(lacking)), "", severity, "incomplete-stack", found, remedy)]


def _mixed_pixels(stack: Stack, spacings: Mapping[str, Spacing]) -> list[Problem]:
    known = {
        result.slice.name: spacings[result.slice.name] for result in stack if result.slice.name in spacings
    }
    first = next(iter(known.values()), None)
    for name, spacing in known.items():
        if first and any(abs(a - b) > _SAME_SPACING * b for a, b in zip(spacing, first, strict=True)):
            found = (
                f"pixels of {spacing[0]:g} × {spacing[1]:g} mm in {_name(stack)}, whose first slice has "
                f"{first[0]:g} × {first[1]:g} mm; expected one size in a stack"
            )
            remedy = "take the slices from one series: means and ratios weigh each pixel alike"
            return [Problem(name, "", "warning", "mixed-spacing", found, remedy)]
    return []


def _no_volume(stack: Stack, places: Mapping[str, SlicePlace] | None) -> list[Problem]:
    reason = () if places is None else slice_spacings(stack, places)
    if not isinstance(reason, str):
        return []
    found = f"{reason}; expected evenly spaced neighbours whose places are known"
    remedy = f"add the slices or their places: volume_ml of {_name(stack)} stays empty without them"
    return [Problem(stack[0].slice.name, "", "warning", "no-volume", found, remedy)]


def _name(stack: Stack) -> str:
    return f"{stack[0].slice.visit} {stack[0].slice.segment}"
