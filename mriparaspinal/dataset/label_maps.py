"""The label maps of a slice: which files are its, and which of their pixels are which region."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, UnreadableError, unreadable
from mriparaspinal.core.labels import alias_key, parse_label
from mriparaspinal.core.model import Contour, Problem, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import and_more
from mriparaspinal.dataset.laid import lay_on_slice
from mriparaspinal.dataset.map_sources import (
    ENDINGS,
    LabelMaps,
    MapSource,
    Words,
    is_label_map,
    is_mask,
)
from mriparaspinal.imaging.grids import LabelVolume
from mriparaspinal.io.folder import find_name, list_files, read_bytes
from mriparaspinal.io.label_volumes import decode_label_image, read_label_volume
from mriparaspinal.io.numberings import DISC_BETWEEN, OVERLAP_LABEL, class_label, labels_of
from mriparaspinal.io.volumes import ENDINGS as VOLUMES
from mriparaspinal.io.volumes import files_of as volume_files
from mriparaspinal.io.volumes import volume_sha256

#: More than the structures of one slice in any numbering; a grey image has more.
_MOST_VALUES = 128

#: What to do if a map's position cannot be compared with the slice's.
PLACED_BY_DIRECTIONS = (
    "its first voxel is taken for a corner of the image, its directions for those of the display: "
    "check it on an overlay"
)


Is = Callable[[str], bool]
"""Whether a label is of use: that of a region, or of vertebrae between which a disc is derived."""


@dataclass(frozen=True, slots=True)
class SliceFiles:
    """The files of a folder that hold the label map of a slice."""

    names: tuple[str, ...]
    """Relative to the folder."""
    own: bool
    """Whether they are of this slice alone."""
    of_structures: bool = False
    """Whether each holds one structure, which its name says."""


@dataclass(slots=True)
class SourceRegions:
    """What the label map in one folder says of a slice."""

    name: str
    """Its file, or the folder of files of one structure each, for messages."""
    contours: list[Contour] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    """Values without a label."""
    sha256: list[tuple[str, str]] = field(default_factory=list)
    """Of each file that was read, relative to the folder."""
    unchecked: bool = False
    """True if the file gives its position in the patient, but the slice's is not known."""
    remarks: list[tuple[str, Fault]] = field(default_factory=list)
    """Notes on the position that a file gives."""
    vertebrae: dict[str, VertebraOf] = field(default_factory=dict)
    """Those between which a disc is to be derived: by name, what lies where in the volume."""


@dataclass(frozen=True, slots=True)
class VertebraOf:
    """One vertebra in a volume; without values all that is not 0 is meant."""

    volume: LabelVolume | None
    """None where there is no volume with a place."""
    values: tuple[int, ...] = ()


def files_of(source: MapSource, slice_: Slice, is_used: Is) -> SliceFiles:
    """The files of a folder that hold the label map of a slice; raises :class:`UnreadableError`."""
    candidates = mask_candidates(slice_)
    found_names = (find_name(source.folder, name) for name in candidates)
    there = [name for name in found_names if name is not None and _is_file(source.folder / name)]
    by_structure = [files for files in structure_files(source, slice_, is_used) if files.names]
    if len(there) + len(by_structure) > 1:
        names = [source.shown(name) for name in (*there, *(files.names[0] for files in by_structure))]
        found = f"{' and '.join(names)} are label maps of this slice"
        raise unreadable(found, "one", "keep the one that is meant", "several-masks")
    if by_structure:
        return by_structure[0]
    if not there:
        own, whole = candidates[0], f"{slice_.scan}.nii.gz"
        found = f"no label map of this slice{f' in {source.told}' if source.joined else ''}"
        remedy = "put it there, or take the image away"
        raise unreadable(found, f"{own}, or {whole} with all slices of the participant", remedy, "no-mask")
    return SliceFiles((there[0],), composed(there[0]) in own_candidates(slice_))


def structure_files(source: MapSource, slice_: Slice, is_used: Is) -> list[SliceFiles]:
    """The files of one structure each, in the folders of the slice and of its participant."""
    found = []
    for folder, own in ((_stem(slice_), True), (slice_.scan, False)):
        there = find_name(source.folder, folder)
        if there is None or not (source.folder / there).is_dir():
            continue
        files = sorted(name for name in list_files(source.folder / there)[0] if "/" not in name)
        names = [f"{there}/{name}" for name in files if name.endswith(ENDINGS) and not is_mask(name)]
        names = [name for name in names if own or not name.endswith(".png")]
        used = tuple(name for name in names if is_used(structure_label(name, is_used)))
        found.append(SliceFiles(used, own, of_structures=True))
    return found


def structure_label(name: str, is_used: Is) -> str:
    """The label that the name of a file of one structure means."""
    stem = name.rpartition("/")[2]
    for end in ENDINGS:
        stem = stem.removesuffix(end)
    label = class_label(stem)
    return stem if is_used(stem) and not is_used(label) else label


def read_files(
    maps: LabelMaps,
    source: MapSource,
    files: SliceFiles,
    slice_: Slice,
    shape: tuple[int, int],
    image_left: str,
    words: Words,
) -> SourceRegions:
    """What files say of a slice of (rows, columns); raises :class:`UnreadableError`.

    ``image_left``: the patient's side at the left of the image. Vertebrae between which a disc is derived
    are no regions.
    """
    first = files.names[0]
    found = SourceRegions(source.shown(first.rpartition("/")[0] if files.of_structures else first))
    if files.of_structures:
        _require_each_once(source, files, words)
    for name in files.names:
        labels, volume = _read_one(maps, source, name, slice_, shape, files.own, image_left, found)
        shown = source.shown(name)
        if files.of_structures:
            label = structure_label(name, words.is_used)
            _require_same_structure(label, volume, shown, words)
            if len(np.unique(labels)) - bool((labels == 0).any()) > 1:
                raise unreadable(
                    f"{shown}: several numbers on this slice",
                    "one, as the mask of one structure has",
                    "call label maps of numbers as the slices are called",
                    "no-label-map",
                )
            if words.is_vertebra(label):
                found.vertebrae[label] = VertebraOf(volume)
            elif labels.any():
                found.contours.append(contour_of(label, labels != 0))
            continue
        # What a file tells of itself goes before the numbering.
        told = None if volume is None else volume.names
        numbering = source.numbering if told is None else told
        if not numbering and told is None:
            raise unreadable(
                f"{shown}: a label map of numbers, and nothing says what they mean",
                "a table values.csv in its folder",
                "say by --numbering what the numbers mean",
                "no-known-label",
            )
        found.contours, found.unknown, overlap = contours_of(labels, numbering)
        if overlap:
            found_here = f"{shown}: {overlap} px of several regions, of which their value does not say which"
            remedy = "measure the contours, or write the label maps with 'masks --format nifti'"
            raise unreadable(found_here, "one region for each pixel", remedy, "overlap-in-mask")
        found.contours = [contour for contour in found.contours if not words.is_vertebra(contour.label)]
        for value, label in numbering.items():
            for part in filter(words.is_vertebra, labels_of(label)):
                name_of = f"value {value}" if part.casefold() == DISC_BETWEEN else part
                before = found.vertebrae.get(name_of, VertebraOf(volume)).values
                found.vertebrae[name_of] = VertebraOf(volume, (*before, value))
    return found


def _require_each_once(source: MapSource, files: SliceFiles, words: Words) -> None:
    """Raise :class:`UnreadableError` for two files of one structure.

    Several structures may be one region by the lab's own labels.
    """
    before: dict[str, str] = {}
    for name in files.names:
        label = structure_label(name, words.is_used)
        structure = str(parse_label(label, words.aliases.own) or alias_key(label))
        if structure in before:
            found = f"{source.shown(before[structure])} and {source.shown(name)} are of one structure"
            raise unreadable(found, "a file for each", "keep the one that is meant", "several-masks")
        before[structure] = name


def _require_same_structure(label: str, volume: LabelVolume | None, shown: str, words: Words) -> None:
    """Raise :class:`UnreadableError` for a file of one structure whose segments say that it is another."""
    if volume is None or not volume.names:
        return
    (name, *others), region = volume.names.values(), words.region(label)
    same = words.region(name) == region and (region is not None or name == label)
    if others or (words.is_used(name) and not same):
        segments = and_more([repr(name[:60]) for name in volume.names.values()])
        remedy = "call segmentations as the slice or the participant is called, or correct the name"
        raise unreadable(f"{shown}: the segments {segments}", f"{label} alone", remedy, "no-label-map")


def _read_one(
    maps: LabelMaps,
    source: MapSource,
    name: str,
    slice_: Slice,
    shape: tuple[int, int],
    own: bool,
    image_left: str,
    found: SourceRegions,
) -> tuple[NDArray[np.integer], LabelVolume | None]:
    """The labels of a slice in one file, and the volume that they are of."""
    path, shown = source.folder / name, source.shown(name)
    place = maps.places.get(slice_.name)
    plane = place.plane if place else None
    volume = None
    try:
        if name.lower().endswith(".png"):
            raw = read_bytes(path)
            labels, digest = decode_label_image(raw), hashlib.sha256(raw).hexdigest()
        else:
            volume, digest = _volume(path, maps.affine, slice_.scan)
            labels = lay_on_slice(volume, plane, shape, own, image_left)
            found.unchecked |= plane is None and volume.affine is not None
            if volume.remark is not None:
                found.remarks.append((name, volume.remark))
    except UnreadableError as error:
        raise UnreadableError(error.fault.about(shown).at("", "unreadable-mask")) from None
    except OSError as error:
        raise unreadable(
            f"{shown}: cannot be read ({error.strerror})",
            "a readable file",
            "check its rights",
            "unreadable-mask",
        ) from None
    if labels.shape != shape:
        size = f"{labels.shape[1]}×{labels.shape[0]}"
        message = f"{shown}: {size} px, but the image has {shape[1]}×{shape[0]}"
        raise unreadable(message, "the same size", "make the label map on this image", "size-mismatch")
    values = len(np.unique(labels))
    if values > _MOST_VALUES:
        message = f"{shown}: {values} different numbers on this slice"
        raise unreadable(
            message, "the labels of a label map", "check that it is not the image itself", "no-label-map"
        )
    found.sha256.append((name, digest))
    return labels, volume


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _volume(path: Path, form: Literal["qform", "sform"] | None, whose: str) -> tuple[LabelVolume, str]:
    """A volume and its SHA-256; those of one participant are held, whose slices come one after another.

    A file that was changed meanwhile, by its time or its size, is another one.
    """
    held = _held(whose)
    stats = [(file, file.stat()) for file in volume_files(path)]
    key = (form, *((file, stat.st_mtime_ns, stat.st_size) for file, stat in stats))
    if key not in held:
        held[key] = read_label_volume(path, form), volume_sha256(path)
    return held[key]


@functools.lru_cache(maxsize=1)
def _held(_whose: str) -> dict[Any, tuple[LabelVolume, str]]:
    return {}


def contours_of(
    labels: NDArray[np.integer], numbering: Mapping[int, str]
) -> tuple[list[Contour], list[int], int]:
    """The regions of a label map, (rows, columns), each as a contour of type ``mask``.

    Returns with them the values that the numbering does not know, and the number of pixels of several
    regions whose value does not say which.
    """
    contours = []
    unknown = []
    overlap = 0
    for value in np.unique(labels).tolist():
        if value == 0:
            continue
        if value not in numbering:
            unknown.append(value)
            continue
        pixels = labels == value
        if numbering[value].casefold() == OVERLAP_LABEL:
            overlap += int(np.count_nonzero(pixels))
            continue
        for label in labels_of(numbering[value]):
            contours.append(contour_of(label, pixels))
    return contours, unknown, overlap


def contour_of(label: str, pixels: NDArray[np.bool_], made: str = "") -> Contour:
    """The pixels of a region, (rows, columns), as a contour of type ``mask``; ``made``: its mark."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    top, bottom, left, right = (int(n) for n in (rows[0], rows[-1], columns[0], columns[-1]))
    corners = ((float(left), float(top)), (float(right), float(bottom)))
    return Contour(label, "mask", corners, pixels[top : bottom + 1, left : right + 1], made)


def values_text(values: list[int]) -> str:
    """Values without a meaning, for a message; empty without values.

    >>> values_text([7, 12])
    'values 7, 12'
    """
    if not values:
        return ""
    return f"value{'s' if len(values) > 1 else ''} {and_more(values)}"


def masks_without_slice(maps: LabelMaps, slices: Iterable[Slice], is_used: Is) -> list[Problem]:
    """Warnings that list the label maps that belong to no slice, and the files of structures not measured."""
    slices = list(slices)
    theirs = {name for slice_ in slices for name in mask_candidates(slice_)}
    places = {f"{folder}/" for slice_ in slices for folder in (_stem(slice_), slice_.scan)}
    problems = []
    others: set[str] = set()
    for source in maps.sources:
        here = source.folder.resolve()
        others_of = [folder.resolve() for folder in maps.folders if here in folder.resolve().parents]
        inside = [f"{folder.relative_to(here).as_posix()}/" for folder in others_of]
        names = [name for name in list_files(source.folder)[0] if not name.startswith(tuple(inside))]
        of_structures = {
            name
            for name in names
            if name.endswith(ENDINGS)
            and not is_mask(name)
            and composed(name) not in theirs
            and f"{composed(name).rpartition('/')[0]}/" in places
        }
        labels = {structure_label(name, is_used) for name in of_structures if not name.endswith(".png")}
        others |= {label for label in labels if not is_used(label)}
        lost = [name for name in names if is_label_map(name) and composed(name) not in theirs]
        lost = [source.shown(name) for name in lost if name not in of_structures]
        if lost:
            found = f"{and_more(lost)} belong to no slice; expected GROUP_N_L_mask.png, "
            found += "GROUP_N_L.nii.gz or GROUP_N.nii.gz as the slices are called"
            remedy = "correct the names, or take them away"
            problems.append(Problem(source.told, "", "warning", "mask-without-slice", found, remedy))
    if others:
        found = f"files of {and_more(sorted(others))} were ignored; expected muscles and reference only"
        remedy = "name a structure in paraspinal.toml if it is to be measured"
        problems.append(Problem("masks", "", "warning", "unknown-label", found, remedy))
    return problems


#: What follows the name of a participant, or of a slice, in that of a volume.
_OF_VOLUMES = (
    ".nii.gz",
    "_mask.nii.gz",
    ".nii",
    *(f"{mask}{end}" for end in VOLUMES[2:] for mask in ("_mask", "")),
)


def mask_candidates(slice_: Slice) -> tuple[str, ...]:
    """The names (NFC) that the label map of a slice can have in a folder of label maps: first its own, then
    its participant's.

    >>> mask_candidates(Slice("ALS_7", "ALS", "L3", "sub/ALS_7_3.png", "sub/ALS_7_3.json"))[:2]
    ('sub/ALS_7_3_mask.png', 'sub/ALS_7_3_mask.nii.gz')
    """
    return own_candidates(slice_) + tuple(f"{slice_.scan}{end}" for end in _OF_VOLUMES)


def _stem(slice_: Slice) -> str:
    return composed(slice_.name.rpartition(".")[0])


def own_candidates(slice_: Slice) -> tuple[str, ...]:
    """The names of :func:`mask_candidates` that hold this slice alone."""
    return tuple(
        f"{_stem(slice_)}{end}" for end in ("_mask.png", "_mask.nii.gz", ".nii.gz", *_OF_VOLUMES[2:])
    )
