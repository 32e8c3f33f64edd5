"""What annotations of other tools say of a slice: label maps, ROI sets of ImageJ, DICOM RTSTRUCT and SEG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.annotations.sources import SourceFiles, Sources
from mriparaspinal.core.errors import Fault, UnreadableError, unreadable
from mriparaspinal.core.model import Contour, MaskRule, Settings, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import and_more
from mriparaspinal.dataset.label_maps import (
    PLACED_BY_DIRECTIONS,
    SliceFiles,
    SourceRegions,
    read_files,
    values_text,
)
from mriparaspinal.dataset.map_sources import LabelMaps, words_of
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.imaging.patient_contours import even_odd, is_near, lay_frame, on_slice, with_holes
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.imaging.tracing import mask_shapes, pixels_of
from mriparaspinal.io.dicom_header import modality_of
from mriparaspinal.io.dicom_seg import Segmentation
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.imagej import read_rois
from mriparaspinal.io.rtstruct import StructureSet

#: Outlines farther than this from the slice's plane, mm, are reported.
_OFF_PLANE_MM = 0.5


@dataclass(frozen=True, slots=True)
class Annotations:
    """A dataset, and the annotations for its slices in one folder of another tool."""

    study: Dataset
    settings: Settings
    sources: Sources
    maps: LabelMaps
    """This folder alone, and what the numbers of label maps in it mean."""
    structures: Callable[[Path], StructureSet]
    segmentation: Callable[[Path], Segmentation]

    @property
    def told(self) -> str:
        """What messages call the folder."""
        (source,) = self.maps.sources
        return source.told

    @property
    def slices(self) -> Sequence[Slice]:
        """The slices of the dataset."""
        return self.study.dataset.slices


@dataclass(slots=True)
class Drawn:
    """What the source of one slice says: outlines, and regions of pixels as contours of type ``mask``."""

    contours: list[Contour] = field(default_factory=list)
    faulty: dict[str, Fault] = field(default_factory=dict)
    """Labels of which something is unclear, and what."""
    notes: list[Fault] = field(default_factory=list)
    """Warnings."""
    automatic: bool = False
    """Whether a program drew them, or may have."""
    mapped: SourceRegions | None = None
    """The label map that it is."""


def read_drawn(claim: SourceFiles, slice_: Slice, shape: tuple[int, int], given: Annotations) -> Drawn:
    """What a claim says of a slice of (rows, columns); raises :class:`UnreadableError`."""
    return _READERS[claim.kind](claim, slice_, shape, given)


def listed(names: Sequence[str], show: Callable[[str], str] = str) -> str:
    """Names for a message, none of them too long, and not more than ten."""
    return and_more(show(name[:100]) for name in names)


def _clean(label: str) -> str:
    """A label as one line of text that any program can read."""
    return " ".join(label.encode("utf-8", "replace").decode().replace("\0", " ").split())[:200]


# Label maps


def _read_label_map(claim: SourceFiles, slice_: Slice, shape: tuple[int, int], given: Annotations) -> Drawn:
    own = len(given.slices) == 1 or claim.own
    files = SliceFiles(claim.names, own, claim.kind == "structures")
    (source,) = given.maps.sources
    words = words_of(given.settings)
    found = read_files(given.maps, source, files, slice_, shape, given.settings.image_left, words)
    drawn = Drawn(automatic=True, mapped=found)  # a label map does not tell who made it
    if found.unchecked:
        message = f"slices.csv does not say where the slice lies, so {found.name} cannot be compared with it"
        drawn.notes.append(Fault("", message, "its place", PLACED_BY_DIRECTIONS, "mask-place-unknown"))
    drawn.notes += [remark.about(name).at("", "two-places") for name, remark in found.remarks]
    drawn.contours = found.contours
    if found.unknown:
        message = f"{found.name}: {values_text(found.unknown)} without a name in the numbering"
        remedy = "name them in the numbering if they are regions"
        drawn.notes.append(Fault("", message, "a name for each", remedy, "unknown-value"))
    return drawn


# ROI sets of ImageJ


def _read_roi_set(claim: SourceFiles, slice_: Slice, shape: tuple[int, int], given: Annotations) -> Drawn:
    drawn = Drawn()
    without_area = []
    for name in claim.names:
        try:
            rois = read_rois(read_bytes(given.sources.folder / name), _roi_name(name, slice_))
        except UnreadableError as error:
            raise UnreadableError(error.fault.about(name).at("", "unreadable-source")) from None
        for number, roi in enumerate(rois, 1):
            label = _clean(roi.label) or f"ROI {number}"
            if roi.fault is not None:
                drawn.faulty[label] = roi.fault.about(name)
            elif roi.no_area:
                without_area.append(f"{label!r} ({roi.no_area})")
            elif roi.traced:
                found = even_odd([points + _TIE for points in roi.paths], label, shape)
                drawn.contours += found
                if not found:
                    found_there = f"{name}: a selection that covers no pixel of the image"
                    remedy = "check that it was made on this slice"
                    drawn.faulty[label] = Fault("", found_there, "it on the image", remedy)
            else:
                drawn.contours += [
                    _as_imagej_fills(label, points, shape, given.settings.mask_rule) for points in roi.paths
                ]
    if without_area:
        drawn.notes.append(no_area_note(without_area))
    return drawn


def _roi_name(name: str, slice_: Slice) -> str:
    """A file's name without the slice's: ``ALS_7_3_MF_L.roi`` is ``MF_L.roi``."""
    names = (composed(text).rpartition("/")[2] for text in (name, slice_.name))
    file, stem = next(names), next(names).rpartition(".")[0]
    return file.removeprefix(f"{stem}_")


#: A pixel whose centre lies exactly on an edge is ImageJ's at the right edge, not at the left one; the rule
#: ``centre`` takes it the other way round. So far to the right no other pixel changes.
_TIE = np.array([2.0**-10, 0.0])


def _as_imagej_fills(
    label: str, points: NDArray[np.float64], shape: tuple[int, int], rule: MaskRule
) -> Contour:
    """The polygon that fills what ImageJ fills, under the rule ``centre``: moved only where it must be."""
    polygon = _polygon(label, points)
    if rule != "centre" or (points * 2 % 1).any():
        return polygon
    moved = _polygon(label, points + _TIE)
    same = np.array_equal(pixels_of([polygon], shape, rule), pixels_of([moved], shape, rule))
    return polygon if same else moved


def _polygon(label: str, points: NDArray[np.float64]) -> Contour:
    return Contour(label, "polygon", tuple((x, y) for x, y in points.tolist()))


def no_area_note(names: Sequence[str]) -> Fault:
    """The warning about what encloses no area."""
    found = f"{listed(names)} enclose no area and were passed over"
    return Fault("", found, "outlines of regions", "draw a closed outline if a region is meant", "no-area")


# DICOM


def _read_dicom(claim: SourceFiles, slice_: Slice, shape: tuple[int, int], given: Annotations) -> Drawn:
    place = given.study.places.get(slice_.name)
    if place is None:
        found = "slices.csv does not say where the slice lies in the patient"
        expected = "its position and directions, which DICOM contours and segmentations are laid onto"
        raise unreadable(found, expected, "make the slices with 'prepare', which writes them", "no-place")
    drawn = Drawn()
    from_file: dict[str, str] = {}
    for name in claim.names:
        part = Drawn()
        path = given.sources.folder / name
        try:
            if modality_of(path) == "RTSTRUCT":
                structures = given.structures(path)
                drawn.automatic |= structures.automatic
                _read_structures(structures, place, shape, given.settings.mask_rule, part)
            else:
                segmentation = given.segmentation(path)
                drawn.automatic |= segmentation.automatic
                _read_segments(segmentation, place, shape, part)
        except UnreadableError as error:
            raise UnreadableError(error.fault.about(name).at("", "unreadable-source")) from None
        for label in dict.fromkeys([contour.label for contour in part.contours] + list(part.faulty)):
            if label in from_file:
                found = f"{from_file[label]} and {name} both have {label[:60]!r} on this slice"
                raise unreadable(found, "it in one file", "keep the one that is meant", "several-sources")
            from_file[label] = name
        drawn.contours += part.contours
        drawn.faulty |= {label: fault.about(name) for label, fault in part.faulty.items()}
        drawn.notes += [note.about(name) for note in part.notes]
    return drawn


def _read_structures(
    found: StructureSet, place: SlicePlace, shape: tuple[int, int], rule: MaskRule, drawn: Drawn
) -> None:
    by_roi = defaultdict(list)
    for outline in found.outlines:
        by_roi[outline.roi].append(outline)
    away = 0.0
    for roi, outlines in by_roi.items():
        here = on_slice(outlines, place)
        if here is None:
            continue
        label = _clean(outlines[0].label) or f"ROI {roi}"
        away = max(away, here.away_mm)
        contours = None if here.fault is not None else with_holes(here.polygons, label, shape, rule)
        if here.fault is not None:
            drawn.faulty[label] = here.fault
        elif contours is None:
            message = "outlines that overlap in part or are the same"
            remedy = "it is unclear whether a union or a hole is meant: draw it again"
            drawn.faulty[label] = Fault("", message, "them apart or one in another", remedy)
        else:
            drawn.contours += contours
    if away > _OFF_PLANE_MM:
        message = f"outlines up to {away:.2g} mm off the slice's plane"
        remedy = "they were drawn on another series: check on an overlay that they fit"
        drawn.notes.append(Fault("", message, "them on it", remedy, "off-plane"))
    if found.without_area and drawn.contours:
        drawn.notes.append(no_area_note([repr(label[:60]) for label in found.without_area]))


def _read_segments(found: Segmentation, place: SlicePlace, shape: tuple[int, int], drawn: Drawn) -> None:
    near = [i for i, frame in enumerate(found.frames) if is_near(frame.plane, found.size, place)]
    pixels: dict[str, NDArray[np.bool_]] = {}
    on_grid = False
    for index in near:
        frame = found.frames[index]
        # Whether the grids fit is decided before anything is decoded.
        lay = partial(lay_frame, plane=frame.plane, spacing_mm=frame.spacing_mm, place=place, shape=shape)
        if lay(np.zeros(found.size, dtype=bool)) is None:
            continue
        on_grid = True
        for name, segment in found.read(index):
            label, laid = _clean(name), lay(segment)
            if laid is not None:
                pixels[label] = laid | pixels[label] if label in pixels else laid
    if near and not on_grid:
        message = "its frames lie at this slice, but their pixels are not the slice's"
        remedy = "make the segmentation on the series that the slice was prepared from: nothing is resampled"
        raise unreadable(message, "the same grid", remedy)
    for label, there in pixels.items():
        drawn.contours += mask_shapes(there, label)


_READERS = {
    "label map": _read_label_map,
    "structures": _read_label_map,
    "ROI set": _read_roi_set,
    "DICOM": _read_dicom,
}
