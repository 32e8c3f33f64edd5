"""Which contour is which region, on which side of the patient: labels and positions against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mriparaspinal.core.labels import Meanings, Region, meanings_of, means_hole
from mriparaspinal.core.model import OURS, SAT, Contour, Problem, Settings
from mriparaspinal.dataset.contour_faults import (
    OUTSIDE,
    fault_of_all,
    look_at,
    mostly,
    outside_finding,
    traced_again,
)
from mriparaspinal.dataset.mislabelled import take_out_mislabelled, without_same_drawings
from mriparaspinal.dataset.parts import look_for_holes, overlaps, unite
from mriparaspinal.dataset.plausibility import off_centre
from mriparaspinal.dataset.regions import Anatomy, Placed, RegionKey, error_of, warning_of
from mriparaspinal.dataset.sides import with_sides
from mriparaspinal.imaging.outlines import Outline, outlines_of
from mriparaspinal.imaging.rasterise import Patch, frame_of, rasterise_all


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

    A region of which one contour is faulty is left out entirely: what remains would be too small.
    ``file`` is the annotation's name for the problems; ``broken`` are the regions of shapes that
    the reader could not use; ``meanings`` those of all labels of the file, where they are known already.
    """
    contours = list(contours)
    if meanings is None:
        meanings = meanings_of((contour.label for contour in contours), aliases)
    faulty: set[RegionKey] = {*broken, *meanings.unclear.values()}
    anatomy = Anatomy(seen=set(faulty))
    anatomy.problems += _numbered_labels(meanings, file)
    known, holes = _by_label(contours, meanings, anatomy)
    ours = [contour for contour, _ in known]
    outlines = outlines_of(ours)
    if finding := fault_of_all(ours, outlines, shape):
        anatomy.problems.append(error_of(file, "", finding))
        anatomy.seen |= {(region.name, region.side) for _, region in known}
        return anatomy
    placed, outside = _placed(known, outlines, shape, settings, file, anatomy, faulty)
    if outside:
        labels = ", ".join(dict.fromkeys(outside))
        anatomy.problems.append(error_of(file, labels, outside_finding(outside, ours, shape)))
    if mostly(outside, ours):
        anatomy.problems = [problem for problem in anatomy.problems if problem.code != "leaves-image"]
        anatomy.seen |= {(region.name, region.side) for _, region in known}
        return anatomy
    placed = without_same_drawings(placed, file, anatomy, faulty)
    placed = with_sides(placed, settings, file, anatomy, faulty)
    parts = unite(placed, faulty, set(meanings.unclear.values()), file, anatomy)
    take_out_mislabelled(parts, file, anatomy)
    anatomy.problems += overlaps(parts, anatomy.patches, file)
    anatomy.problems += _off_centre(anatomy.patches, shape, file)
    look_for_holes(holes, shape, file, anatomy)
    return anatomy


def _by_label(
    contours: list[Contour], meanings: Meanings, anatomy: Anatomy
) -> tuple[list[tuple[Contour, Region]], list[Contour]]:
    """The contours whose label names a region, and those that are labelled as holes."""
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
    return known, holes


def _placed(
    known: list[tuple[Contour, Region]],
    outlines: list[Outline],
    shape: tuple[int, int],
    settings: Settings,
    file: str,
    anatomy: Anatomy,
    faulty: set[RegionKey],
) -> tuple[list[Placed], list[str]]:
    """The contours that have pixels on the image, and the labels of those that lie outside of it."""
    placed: list[Placed] = []
    outside: list[str] = []
    boxes = [outline.box for outline in outlines]
    patches = rasterise_all([contour for contour, _ in known], boxes, shape, settings.mask_rule)
    for (contour, region), outline, patch in zip(known, outlines, patches, strict=True):
        fault, warnings = look_at(contour, outline, shape)
        anatomy.problems += [warning_of(file, contour.label, warning) for warning in warnings]
        fault = fault or traced_again(outline, patch, shape)
        if fault or patch is None:
            if fault in (None, OUTSIDE):
                outside.append(contour.label)
            else:
                anatomy.problems.append(error_of(file, contour.label, fault))
            anatomy.seen.add((region.name, region.side))
            faulty.add((region.name, region.side))
        else:
            placed.append(Placed(contour, region, patch, outline.area_px))
    return placed, outside


def _numbered_labels(meanings: Meanings, file: str) -> list[Problem]:
    """Labels with a number that may be that of another part, or of a level."""
    problems = []
    for label, region in meanings.unclear.items():
        level = f", or {region} of this slice's level" if label[-1:].isdigit() or label[-1:] in ")]" else ""
        found = f"is it another part of {region}{level}? expected labels of one meaning"
        remedy = f"label it {region} if it is a part, else delete it: the region is not measured in part"
        problems.append(error_of(file, label, ("unclear-number", found, remedy)))
    if meanings.lone:
        read = ", ".join(f"{label} as {region}" for label, region in meanings.lone.items())
        found = (
            f"read {read}: no other part of the region is there; expected the name alone, or several parts"
        )
        remedy = "check that the number is not the level of another slice, and label it without"
        labels = ", ".join(meanings.lone)
        problems.append(warning_of(file, labels, ("unclear-number", found, remedy)))
    return problems


def _off_centre(patches: Mapping[RegionKey, Patch], shape: tuple[int, int], file: str) -> list[Problem]:
    ours = {key: patch for key, patch in patches.items() if key[0] in OURS}
    if not {"left", "right"} <= {side for _, side in ours}:
        return []
    references = [patches[key] for key in (("IVD", ""), ("VB", "")) if key in patches]
    middle = (references[0].left + references[0].right) / 2 if references else None
    finding = off_centre(frame_of([p for key, p in ours.items() if key[0] != SAT]), middle, shape)
    return [warning_of(file, "", finding)] if finding else []
