"""From counts to the rows of the tables: both sides, roles, ratios; and what is missing in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import (
    DEFAULTS,
    EXPECTED_MUSCLES,
    MUSCLES,
    REFERENCES,
    SIDES,
    Measurement,
    Problem,
    RegionCount,
    Settings,
    Side,
    Slice,
    SliceResult,
    Spacing,
)
from mriparaspinal.core.participants import NOBODY, Participants
from mriparaspinal.measure.size import height_of, size_of
from mriparaspinal.measure.stacks import (
    Stack,
    added,
    has_stacks,
    in_every_slice,
    mean_values,
    slice_spacings,
    stacks_of,
)

if TYPE_CHECKING:
    from mriparaspinal.imaging.slice_position import SlicePlace


Regions = frozenset[tuple[str, str]]
"""Regions with their side, as in :class:`SliceResult`."""

_NOTHING: Mapping[str, float] = {}


def choose_reference(seen: Iterable[tuple[Slice, Regions]], settings: Settings) -> str:
    """The region that areas are divided by: the setting, else the one kind that the dataset has.

    ``seen``: slices, and the regions that their labels name. Empty where there is no reference at all.
    Raises :class:`UsageError` where slices differ or have both.
    """
    if settings.reference:
        return settings.reference
    first: dict[str, str] = {}
    for slice_, regions in seen:
        for name in REFERENCES:
            if (name, "") in regions:
                first.setdefault(name, slice_.name)
    if len(first) > 1:
        found = " and ".join(f"{name} (as in {file})" for name, file in first.items())
        expected, remedy = "one reference throughout", "choose --reference"
        raise UsageError(Fault("dataset", f"{found} were found", expected, remedy, "mixed-reference"))
    return next(iter(first), "")


def tabulate(
    results: Sequence[SliceResult],
    reference: str,
    settings: Settings,
    onset_sides: Mapping[str, str],
    spacings: Mapping[str, Spacing],
    places: Mapping[str, SlicePlace] | None = None,
) -> list[Measurement]:
    """The rows of all segments, in the order of the results, then by muscle and side.

    ``onset_sides``: participant id → ``left`` or ``right``; ``spacings``: image name → mm; ``places``:
    image name → where it lies. Several slices of one participant and segment give one row per muscle and
    side, with means of the areas and pooled ratios, where every slice has the region.
    """
    return list(each_row(results, reference, settings, onset_sides, spacings, places))


def each_row(
    results: Sequence[SliceResult],
    reference: str,
    settings: Settings,
    onset_sides: Mapping[str, str],
    spacings: Mapping[str, Spacing],
    places: Mapping[str, SlicePlace] | None = None,
    drafts: bool = False,
    people: Participants = NOBODY,
) -> Iterator[Measurement]:
    """The rows of :func:`tabulate`, one at a time; ``drafts``: each says whether its contours are a draft.

    ``people``: whose body height the measures ``size`` take.
    """
    several = has_stacks(results)
    shared = _Shared(reference, settings, onset_sides, spacings, places or {}, several, drafts, people)
    for stack in stacks_of(results):
        yield from _rows(stack, shared)


def tabulate_slices(
    results: Sequence[SliceResult],
    reference: str,
    settings: Settings,
    onset_sides: Mapping[str, str],
    spacings: Mapping[str, Spacing],
    drafts: bool = False,
    people: Participants = NOBODY,
) -> list[Measurement]:
    """The rows of each slice by itself, of the segments in which some participant has several."""
    if not has_stacks(results):
        return []
    segments = {stack[0].slice.segment for stack in stacks_of(results) if len(stack) > 1}
    shared = _Shared(reference, settings, onset_sides, spacings, {}, False, drafts, people)
    return [row for result in results if result.slice.segment in segments for row in _rows((result,), shared)]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all rows have in common; see :func:`tabulate`."""

    reference: str
    settings: Settings
    onset_sides: Mapping[str, str]
    spacings: Mapping[str, Spacing]
    places: Mapping[str, SlicePlace]
    several: bool
    drafts: bool
    """Whether some segment has several slices, so that the number of slices is told."""
    people: Participants


@dataclass(frozen=True, slots=True)
class _Segment:
    """What the rows of one segment of a participant have in common: found once, not for each row."""

    stack: Stack
    reference_px: int | None
    threshold: float
    image: str
    onset_side: str
    pixels_mm: tuple[Spacing, ...]
    """Spacing of the pixels in each slice; empty where that of one is not known."""
    slices_mm: tuple[float, ...] | str
    """See :func:`slice_spacings`."""
    sizes: tuple[Mapping[str, RegionCount], float | None]
    """For the measures ``size``: the references that every slice has, and the body height in cm."""


def _segment(stack: Stack, shared: _Shared) -> _Segment:
    references = in_every_slice(stack, (shared.reference, ""))
    spacings = [shared.spacings.get(result.slice.name) for result in stack]
    known = tuple(spacing for spacing in spacings if spacing is not None)
    return _Segment(
        stack,
        added(references).csa_px if references else None,
        _threshold(stack, shared.settings),
        ";".join(result.slice.name for result in stack),
        shared.onset_sides.get(stack[0].slice.participant_id, ""),
        known if len(known) == len(stack) else (),
        slice_spacings(stack, shared.places) if len(stack) > 1 else "",
        _sizes(stack, shared) if "size" in shared.settings.measures else ({}, None),
    )


def _sizes(stack: Stack, shared: _Shared) -> tuple[Mapping[str, RegionCount], float | None]:
    counts = {name: in_every_slice(stack, (name, "")) for name in REFERENCES}
    slice_ = stack[0].slice
    height_cm = height_of(shared.people, slice_.participant_id, slice_.session)
    return {name: added(count) for name, count in counts.items() if count}, height_cm


def _rows(stack: Stack, shared: _Shared) -> Iterator[Measurement]:
    segment = _segment(stack, shared)
    for muscle in shared.settings.muscles:
        if counts := in_every_slice(stack, (muscle, "")):  # a region without sides
            yield _row(segment, muscle, "both", counts, None, shared)
            continue
        left, right = in_every_slice(stack, (muscle, "left")), in_every_slice(stack, (muscle, "right"))
        both = tuple(map(added, zip(left, right, strict=True))) if left and right else ()
        for side, counts in zip(SIDES, (left, right, both), strict=True):
            if counts:
                asymmetry = _asymmetry_pct(added(left), added(right)) if side == "both" else None
                yield _row(segment, muscle, side, counts, asymmetry, shared)


def _asymmetry_pct(left: RegionCount, right: RegionCount) -> float:
    return 100 * abs(left.csa_px - right.csa_px) / ((left.csa_px + right.csa_px) / 2)


def role_of(side: str, onset_side: str) -> str:
    """What a side is to the disease: symptomatic is the onset side.

    >>> role_of("left", "left"), role_of("right", "left"), role_of("both", ""), role_of("left", "")
    ('symptomatic', 'contralateral', 'bilateral', '')
    """
    if side == "both":
        return "bilateral"
    if not onset_side:
        return ""
    return "symptomatic" if side == onset_side else "contralateral"


def _row(
    segment: _Segment,
    muscle: str,
    side: Side,
    counts: Sequence[RegionCount],
    asymmetry_pct: float | None,
    shared: _Shared,
) -> Measurement:
    """``counts``: of the region, in each slice of the segment."""
    first, n, divisor = segment.stack[0].slice, len(segment.stack), segment.reference_px
    count = added(counts)
    lean_px = count.csa_px - count.fat_px
    areas_mm2 = _areas_mm2(counts, segment.pixels_mm)
    return Measurement(
        participant_id=first.participant_id,
        group=first.group,
        segment=first.segment,
        muscle=muscle,
        side=side,
        role=role_of(side, segment.onset_side),
        csa_px=_mean(count.csa_px, n),
        csa_mm2=math.fsum(areas_mm2) / n if areas_mm2 else None,
        contour_area_px=None if count.contour_area_px is None else count.contour_area_px / n,
        fat_px=_mean(count.fat_px, n),
        fi=count.fat_px / count.csa_px,
        lean_px=_mean(lean_px, n),
        reference=shared.reference,
        reference_px=_mean(divisor, n) if divisor else None,
        rcsa=count.csa_px / divisor if divisor else None,
        lean_rcsa=lean_px / divisor if divisor else None,
        mean_intensity=count.grey_sum / count.csa_px,
        asymmetry_pct=asymmetry_pct,
        threshold=segment.threshold,
        fat_rule=shared.settings.fat_rule,
        mask_rule=shared.settings.mask_rule,
        image=segment.image,
        fat_fraction_mean=_ratio(count.dixon.fraction_sum, count.dixon.voxels) if count.dixon else None,
        fat_fraction_pooled=_ratio(count.dixon.fat_sum, count.dixon.signal_sum) if count.dixon else None,
        slices=n if shared.several else None,
        draft=int(any(result.draft for result in segment.stack)) if shared.drafts else None,
        volume_ml=_volume_ml(areas_mm2, segment.slices_mm),
        session=first.session or None,
        more=_more(segment, (muscle, side), count, areas_mm2, shared),
    )


def _more(
    segment: _Segment,
    region: tuple[str, str],
    count: RegionCount,
    areas_mm2: Sequence[float],
    shared: _Shared,
) -> Mapping[str, float]:
    """What the measures asked for give of a row."""
    if not shared.settings.measures:
        return _NOTHING
    values = mean_values(segment.stack, region)
    if "size" in shared.settings.measures:
        csa_mm2 = math.fsum(areas_mm2) / len(areas_mm2) if areas_mm2 else None
        values |= size_of(region, count, csa_mm2, *segment.sizes)
    return values


def _mean(total: int, n: int) -> float:
    """A mean of whole numbers, which stays one where it is one: ``12`` and not ``12.0``."""
    return total / n if total % n else total // n


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _areas_mm2(counts: Sequence[RegionCount], pixels_mm: Sequence[Spacing]) -> tuple[float, ...]:
    """The area in each slice; empty where the spacing of one is not known."""
    if not pixels_mm:
        return ()
    return tuple(count.csa_px * mm[0] * mm[1] for count, mm in zip(counts, pixels_mm, strict=True))


def _volume_ml(areas_mm2: Sequence[float], spacings_mm: tuple[float, ...] | str) -> float | None:
    if isinstance(spacings_mm, str) or not areas_mm2:
        return None
    return math.fsum(area * mm for area, mm in zip(areas_mm2, spacings_mm, strict=True)) / 1000


def _threshold(stack: Stack, settings: Settings) -> float:
    """That of the slices; where each has its own (rule ``otsu`` and such), their mean."""
    own = [settings.threshold if r.threshold is None else r.threshold for r in stack]
    return own[0] if len(set(own)) == 1 else math.fsum(own) / len(own)


def missing_regions(
    slices: Sequence[Slice],
    seen: Sequence[Regions],
    reference: str,
    mapped: bool = False,
    settings: Settings = DEFAULTS,
) -> list[Problem]:
    """Muscles and references that no label of a slice names, though they are expected there.

    ``seen``: of each slice, the regions that its labels name; empty where it was lost as a whole;
    ``mapped``: they are those of label maps, in which nothing is drawn.
    A muscle of the paper that no slice of the dataset has is left out by protocol: one warning.
    """
    drawn = {name for regions in set(seen) for name, _ in regions}
    what, draw = ("label", "add") if mapped else ("contour", "draw")
    problems = []
    for muscle in EXPECTED_MUSCLES:
        if muscle not in drawn and drawn:
            found = f"no slice has a {what} of {muscle}; expected {', '.join(EXPECTED_MUSCLES)}"
            remedy = "nothing to do if your protocol leaves it out"
            problems.append(Problem("dataset", muscle, "warning", "muscle-not-drawn", found, remedy))
    for slice_, regions in zip(slices, seen, strict=True):
        if not regions:
            continue
        file = slice_.annotation
        here = {name for name, _ in regions}
        problems += _missing_own(file, regions, settings, what, draw)
        for muscle in MUSCLES:
            if muscle not in drawn or (muscle == "QL" and muscle not in here) or (muscle, "") in regions:
                continue
            for side in ("left", "right"):
                if (muscle, side) not in regions:
                    found = f"no {what} of the {side} {muscle}; expected both sides"
                    label = f"{muscle}_{side[0].upper()}"
                    remedy = f"{draw} {label}: without it there is no row, nor one for both sides"
                    problems.append(Problem(file, label, "error", "missing-muscle", found, remedy))
        if not reference or (reference, "") not in regions:
            wanted = reference or " or ".join(REFERENCES)
            found = f"no {what} of the reference {wanted}; expected one"
            remedy = f"{draw} it: without it rcsa stays empty"
            problems.append(Problem(file, wanted, "error", "missing-reference", found, remedy))
    return problems


def _missing_own(file: str, regions: Regions, settings: Settings, what: str, draw: str) -> list[Problem]:
    """Regions of one's own that a slice lacks: those that are expected on each, and one of two sides."""
    problems = []
    there = {name for name, _ in regions}
    for region in settings.regions:
        unclear = region.sided and (region.name, "") in regions
        if region.name not in settings.muscles or unclear or not (region.expected or region.name in there):
            continue
        for side in settings.sides_of(region.name):
            if (region.name, side) not in regions:
                label = str(Region(region.name, side))
                expected = "both sides" if side else "one: it is declared as expected"
                found = f"no {what} of {f'the {side} ' if side else ''}{region.name}; expected {expected}"
                remedy = f"{draw} {label}: without it there is no row" + (
                    ", nor one for both sides" if side else ""
                )
                problems.append(Problem(file, label, "error", "missing-region", found, remedy))
    return problems
