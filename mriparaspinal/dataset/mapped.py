"""The regions of a slice in label maps: those of all folders, joined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mriparaspinal.core.errors import Fault, UnreadableError
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import DERIVED_DISC, REFERENCES, SIDES_SPLIT, Contour, Problem, Settings, Slice
from mriparaspinal.dataset.both_sides import (
    canvas,
    may_hold_both,
    midline_of,
    one_sided,
    own_midline,
    split,
)
from mriparaspinal.dataset.label_maps import (
    PLACED_BY_DIRECTIONS,
    SourceRegions,
    contour_of,
    files_of,
    read_files,
)
from mriparaspinal.dataset.map_sources import LabelMaps, words_of


@dataclass(slots=True)
class MappedSlice:
    """What the label maps of a slice say."""

    contours: list[Contour] = field(default_factory=list)
    broken: list[Region] = field(default_factory=list)
    """Regions that are there and not clear."""
    unknown: list[int] = field(default_factory=list)
    """Values without a label."""
    names: list[str] = field(default_factory=list)
    """The files, for messages."""
    sha256: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_regions(maps: LabelMaps, slice_: Slice, shape: tuple[int, int], settings: Settings) -> MappedSlice:
    """The regions of a slice of (rows, columns) in all folders; what is wrong becomes problems."""
    words = words_of(settings)
    found = MappedSlice()
    parts = []
    for source in maps.sources:
        try:
            files = files_of(source, slice_, words.is_used)
            if not files.names:
                continue
            part = read_files(maps, source, files, slice_, shape, settings.image_left, words)
        except UnreadableError as error:
            found.problems.append(error.fault.at(slice_.name).problem())
            continue
        parts.append(part)
        found.names += [source.shown(name) for name, _ in part.sha256]
        found.unknown += part.unknown
        found.sha256 += [(source.own_name(name), digest) for name, digest in part.sha256]
        if part.unchecked:
            message = f"{part.name} tells its place in the patient, slices.csv not the slice's; expected both"
            found.problems.append(
                Problem(slice_.name, "", "warning", "mask-place-unknown", message, PLACED_BY_DIRECTIONS)
            )
        for name, remark in part.remarks:
            found.problems.append(remark.at(source.own_name(name), "two-places").problem("warning"))
    joined = join(parts, maps, slice_, shape, settings)
    found.contours, found.broken = joined.contours, joined.broken
    found.problems += [fault.at(slice_.name).problem() for fault in joined.faults]
    found.problems += [note.at(slice_.name).problem("warning") for note in joined.notes]
    return found


@dataclass(slots=True)
class Joined:
    """The regions of several sources as those of one."""

    contours: list[Contour] = field(default_factory=list)
    broken: list[Region] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)


def join(
    parts: Sequence[SourceRegions], maps: LabelMaps, slice_: Slice, shape: tuple[int, int], settings: Settings
) -> Joined:
    """Derive the disc that is asked for, split what holds both sides, and refuse what two sources have."""
    words = words_of(settings)
    found = Joined()
    told = [(part.name, contour) for part in parts for contour in part.contours]
    told += _derived(parts, maps, slice_, shape, found)
    told = _sides(told, shape, settings, words.region, found)
    sources: dict[Region, dict[str, None]] = defaultdict(dict)
    for name, contour in told:
        region = words.region(contour.label)
        if region is not None:
            sources[region][name] = None
    twice = {region: list(names) for region, names in sources.items() if len(names) > 1}
    for region, names in twice.items():
        message = f"{' and '.join(names)} both have {region} on this slice"
        remedy = "leave its value out of the numbering, or its file out of the folder, that is not meant"
        found.faults.append(Fault("", message, "it in one of them", remedy, "two-sources", f"{region}"))
        found.broken.append(region)
    found.contours = [contour for _, contour in told if words.region(contour.label) not in twice]
    return found


Told = list[tuple[str, Contour]]


def _derived(
    parts: Sequence[SourceRegions],
    maps: LabelMaps,
    slice_: Slice,
    shape: tuple[int, int],
    found: Joined,
) -> Told:
    """The disc between two vertebrae of each source that has vertebrae for it."""
    told: Told = []
    for part in parts:
        if not part.vertebrae:
            continue
        from mriparaspinal.dataset.disc_between import derive

        place = maps.places.get(slice_.name)
        try:
            disc, between = derive(part.vertebrae, place, shape)
        except UnreadableError as error:
            found.faults.append(error.fault.about(part.name).at("", "no-disc", "IVD"))
            found.broken.append(Region("IVD", ""))
            continue
        told.append((f"{part.name} (derived)", contour_of("IVD", disc, DERIVED_DISC)))
        message = "IVD is no structure of the label map: it was derived between two vertebrae"
        remedy = f"check it on an overlay ({slice_.name}: {' and '.join(between)})"
        found.notes.append(Fault("", message, "a disc", remedy, DERIVED_DISC, "IVD"))
    return told


def _sides(
    told: Told,
    shape: tuple[int, int],
    settings: Settings,
    region_in: Callable[[str], Region | None],
    found: Joined,
) -> Told:
    """The contours, with two in place of each that holds both sides."""
    whole = [(name, contour, region_in(contour.label)) for name, contour in told]
    if not any(may_hold_both(contour, region, settings.regions) for _, contour, region in whole):
        return told
    regions = [(region, canvas(contour, shape)) for _, contour, region in whole if region is not None]
    reference = None
    for kind in dict.fromkeys((settings.reference, *REFERENCES)):
        masks = [mask for region, mask in regions if region.name == kind and mask.any()]
        if kind and masks:
            reference = midline_of(np.logical_or.reduce(masks), kind)
            break
    midline = reference or own_midline(regions, shape[1])
    at_fault = {}
    for unsided in {
        region for _, c, region in whole if region and may_hold_both(c, region, settings.regions)
    }:
        both = np.logical_or.reduce([mask for region, mask in regions if region == unsided])
        at_fault[unsided] = one_sided(unsided, both, midline) if midline else None
    kept: Told = []
    split_any = False
    for name, contour, region in whole:
        if region is None or not may_hold_both(contour, region, settings.regions):
            kept.append((name, contour))
            continue
        sides = at_fault[region] or split(region, canvas(contour, shape), midline, settings.image_left)
        if isinstance(sides, Fault):
            found.faults.append(sides.about(name).at("", shape=region.name))
            found.broken.append(region)
            continue
        # A number for each side, whose names do not tell the side, is told by its place alone.
        made = SIDES_SPLIT if len(sides) > 1 or reference is None else ""
        split_any |= bool(made)
        labelled = [(str(region._replace(side=side)), mask) for side, mask in sides.items()]
        kept += [(name, contour_of(label, mask, made)) for label, mask in labelled]
    if split_any and midline is not None:
        message = f"numbers that hold both sides of a muscle were split {midline.how}"
        remedy = "check the sides on an overlay"
        found.notes.append(Fault("", message, "a number for each side", remedy, SIDES_SPLIT))
    broken = set(found.broken)
    return [(name, contour) for name, contour in kept if _unsided(region_in(contour.label)) not in broken]


def _unsided(region: Region | None) -> Region | None:
    return region and region._replace(side="")
