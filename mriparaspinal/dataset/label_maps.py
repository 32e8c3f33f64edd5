"""Label maps in place of contours: which file belongs to a slice, and which pixels are which region."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import (
    Fault,
    NoInputError,
    UnreadableError,
    UsageError,
    unreadable,
)
from mriparaspinal.core.model import Contour, Problem, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import and_more
from mriparaspinal.imaging.grids import LabelVolume
from mriparaspinal.imaging.planes import Plane, on_plane
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.folder import find_name, list_files, read_bytes
from mriparaspinal.io.label_volumes import decode_label_image, read_label_volume
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.nrrd import has_segments
from mriparaspinal.io.numberings import NUMBERINGS, OVERLAP_LABEL, labels_of, parse_numbering
from mriparaspinal.io.tables import read_table
from mriparaspinal.io.volumes import ENDINGS as VOLUMES
from mriparaspinal.io.volumes import volume_sha256

VALUES_TABLE = "values.csv"

#: What ``masks`` writes next to slices or label maps: pictures, but no slices.
_PICTURES = ("_mask.png", "_overlay.png")

#: More than the structures of one slice in any numbering; a grey image has more.
_MOST_VALUES = 128

#: What to do if a map's position cannot be compared with the slice's.
PLACED_BY_DIRECTIONS = (
    "its first voxel is taken for a corner of the image, its directions for those of the display: "
    "check it on an overlay"
)


@dataclass(frozen=True, slots=True)
class LabelMaps:
    """A folder of label maps and what their numbers mean."""

    folder: Path
    numbering: Mapping[int, str]
    """Value → label."""
    places: Mapping[str, SlicePlace]
    """Where slices lie, by the name of the slice."""
    affine: Literal["qform", "sform"] | None = None
    """Which one counts where the two places in a header disagree."""

    def own_name(self, name: str) -> str:
        """How a label map is called in the results: below ``masks/``, wherever the folder is."""
        return f"masks/{name}"


@dataclass(frozen=True, slots=True)
class SliceLabels:
    """The label map of one slice."""

    name: str
    """Its file, relative to the folder of label maps."""
    sha256: str
    labels: NDArray[np.integer]
    """(rows, columns) as the slice."""
    unchecked: bool
    """True if the file gives its position in the patient, but the slice's is not known."""
    remark: Fault | None = None
    """A note on the position that the file gives."""
    names: Mapping[int, str] | None = None
    """Label → name, where the file itself tells; they go before the numbering."""


def open_label_maps(folder: Path, numbering: str | None, option: str = "--masks") -> LabelMaps:
    """The label maps of a folder, whose numbers mean what ``numbering`` says: a name, or a table's path.

    Without it, ``values.csv`` in the folder says. Raises :class:`UsageError`, which names the folder as
    ``option``.
    """
    if not folder.is_dir():
        found = "is a file" if folder.is_file() else "does not exist"
        expected = "expected a folder of label maps such as ALS_7_3_mask.png or ALS_7.nii.gz"
        raise UsageError(f"{option} {folder}: {found}; {expected}; check the path")
    try:
        require_finished(folder, "label maps", "masks")
    except NoInputError as error:
        raise UsageError(f"{option} {error}") from None
    return LabelMaps(folder, _numbering(folder, numbering, option), {})


def _numbering(folder: Path, given: str | None, folder_option: str) -> dict[int, str]:
    known = ", ".join(NUMBERINGS)
    if given in NUMBERINGS:
        return NUMBERINGS[given]
    path = folder / VALUES_TABLE if given is None else Path(given)
    if given is None and not path.is_file() and any(has_segments(folder / n) for n in list_files(folder)[0]):
        return {}  # the files tell it
    if not path.is_file():
        found = f"no {VALUES_TABLE} in it" if given is None else "neither a known numbering nor a table"
        option = f"{folder_option} {folder}" if given is None else f"--numbering {given}"
        expected = f"expected {known}, or a CSV with value,label"
        raise UsageError(f"{option}: {found}; {expected}; say by --numbering what the numbers mean")
    try:
        table = read_table(path)
    except NoInputError as error:
        raise UsageError(f"--numbering: {error}") from None
    return parse_numbering(table.columns, table.rows, path.name)


def is_picture_of_masks(root: Path, name: str, maps: LabelMaps) -> bool:
    """Whether a file of the dataset lies in the folder of label maps and is one of them, or an overlay."""
    if not name.lower().endswith(_PICTURES):
        return False
    folder = maps.folder.resolve()
    return folder == root.resolve() or folder in (root / name).resolve().parents


def read_labels(
    maps: LabelMaps, slice_: Slice, shape: tuple[int, int], image_left: str = "right"
) -> SliceLabels:
    """The labels of a slice of (rows, columns); raises :class:`UnreadableError`."""
    name = _file_of(maps, slice_)
    own = composed(name) in own_candidates(slice_)
    return read_label_file(maps, name, slice_, shape, own, image_left)


def read_label_file(
    maps: LabelMaps, name: str, slice_: Slice, shape: tuple[int, int], own: bool, image_left: str
) -> SliceLabels:
    """The labels of a slice of (rows, columns) in a file of the folder; raises :class:`UnreadableError`.

    ``own``: the file is of this slice alone; ``image_left``: the patient's side at the left of the image.
    """
    path = maps.folder / name
    place = maps.places.get(slice_.name)
    plane = place.plane if place else None
    unchecked, remark, names = False, None, None
    try:
        if name.lower().endswith(".png"):
            raw = read_bytes(path)
            labels, digest = decode_label_image(raw), hashlib.sha256(raw).hexdigest()
        else:
            status = path.stat()
            volume, digest = _volume(path, (status.st_mtime_ns, status.st_size), maps.affine)
            labels = lay_on_slice(volume, plane, shape, own, image_left)
            unchecked = plane is None and volume.affine is not None
            remark, names = volume.remark, volume.names
    except UnreadableError as error:
        raise UnreadableError(error.fault.about(name).at("", "unreadable-mask")) from None
    except OSError as error:
        found = f"{name}: cannot be read ({error.strerror})"
        raise unreadable(found, "a readable file", "check its rights", "unreadable-mask") from None
    if labels.shape != shape:
        size = f"{labels.shape[1]}×{labels.shape[0]}"
        found = f"{name}: {size} px, but the image has {shape[1]}×{shape[0]}"
        raise unreadable(found, "the same size", "make the label map on this image", "size-mismatch")
    values = len(np.unique(labels))
    if values > _MOST_VALUES:
        found = f"{name}: {values} different numbers on this slice"
        raise unreadable(
            found, "the labels of a label map", "check that it is not the image itself", "no-label-map"
        )
    return SliceLabels(name, digest, labels, unchecked, remark, names)


def _file_of(maps: LabelMaps, slice_: Slice) -> str:
    candidates = mask_candidates(slice_)
    found_names = (find_name(maps.folder, name) for name in candidates)
    there = [name for name in found_names if name is not None and _is_file(maps.folder / name)]
    if len(there) > 1:
        found = f"{' and '.join(there)} are label maps of this slice"
        raise unreadable(found, "one", "keep the one that is meant", "several-masks")
    if not there:
        own, whole = candidates[0], f"{slice_.participant_id}.nii.gz"
        found = "no label map of this slice"
        remedy = "put it there, or take the image away"
        raise unreadable(found, f"{own}, or {whole} with all slices of the participant", remedy, "no-mask")
    return there[0]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


@functools.lru_cache(maxsize=1)
def _volume(
    path: Path, _state: tuple[int, int], form: Literal["qform", "sform"] | None
) -> tuple[LabelVolume, str]:
    """A volume and its SHA-256; one is held, since the slices of a participant come one after another.

    ``_state`` is when the file was changed and its size: a file that changed is another one.
    """
    return read_label_volume(path, form), volume_sha256(path)


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
            contours.append(_contour(label, pixels))
    return contours, unknown, overlap


def _contour(label: str, pixels: NDArray[np.bool_]) -> Contour:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    top, bottom, left, right = (int(n) for n in (rows[0], rows[-1], columns[0], columns[-1]))
    corners = ((float(left), float(top)), (float(right), float(bottom)))
    return Contour(label, "mask", corners, pixels[top : bottom + 1, left : right + 1])


def values_text(values: list[int]) -> str:
    """Values without a meaning, for a message; empty without values.

    >>> values_text([7, 12])
    'values 7, 12'
    """
    if not values:
        return ""
    return f"value{'s' if len(values) > 1 else ''} {and_more(values)}"


def masks_without_slice(maps: LabelMaps, slices: Iterable[Slice]) -> list[Problem]:
    """A warning that lists the label maps that belong to no slice; none where all do."""
    theirs = {name for slice_ in slices for name in mask_candidates(slice_)}
    names = list_files(maps.folder)[0]
    lost = [name for name in names if _is_label_map(name) and composed(name) not in theirs]
    if not lost:
        return []
    found = f"{and_more(lost)} belong to no slice; expected GROUP_N_L_mask.png, "
    found += "GROUP_N_L.nii.gz or GROUP_N.nii.gz as the slices are called"
    remedy = "correct the names, or take them away"
    return [Problem("masks", "", "warning", "mask-without-slice", found, remedy)]


def _is_label_map(name: str) -> bool:
    # A PNG among the masks may be anything; one that is called a mask is one.
    return name.endswith(ENDINGS) and (not name.endswith(".png") or name.endswith("_mask.png"))


def numbering_record(maps: LabelMaps) -> dict[str, Any]:
    """The numbering for ``quantify.json``."""
    return {str(value): label for value, label in sorted(maps.numbering.items())}


ENDINGS = (".png", *VOLUMES)


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
    whose = "_".join(filter(None, (slice_.participant_id, slice_.session)))
    return own_candidates(slice_) + tuple(f"{whose}{end}" for end in _OF_VOLUMES)


def own_candidates(slice_: Slice) -> tuple[str, ...]:
    """The names of :func:`mask_candidates` that hold this slice alone."""
    stem = composed(slice_.name.rpartition(".")[0])
    return tuple(f"{stem}{end}" for end in ("_mask.png", "_mask.nii.gz", ".nii.gz", *_OF_VOLUMES[2:]))


def lay_on_slice(
    volume: LabelVolume, plane: Plane | None, shape: tuple[int, int], own: bool, image_left: str = "right"
) -> NDArray[np.integer]:
    """The labels of a slice of (rows, columns) out of a volume; nothing is resampled.

    ``plane``: the slice's place (``slices.csv``), None if it is not known. ``own``: the volume is of this
    slice alone. Where both places are known, they decide. A slice's own volume without a place, or of
    a slice without one, must be (columns, rows, 1) voxels: voxel (i, j) is the pixel of column i, row j.

    Raises :class:`UnreadableError`.
    """
    if plane is not None and volume.affine is not None:
        # 3D Slicer may leave out what is outside of all segments.
        cropped = volume.names is not None
        labels: NDArray[Any] | None = on_plane(volume.voxels, volume.affine, plane, shape, cropped)
        if labels is None:
            found = f"the label map is {_grid(volume)}"
            remedy = "make the label map on the series that the slice was prepared from: nothing is resampled"
            raise unreadable(found, f"the slice's {_slice_grid(plane, shape)}", remedy, "mask-off-grid")
        return labels
    if own:
        voxels = volume.voxels
        if volume.affine is not None:
            voxels = _as_displayed(voxels, volume.affine, image_left)
        if voxels.shape == (shape[1], shape[0], 1):
            return voxels[:, :, 0].T
    if plane is None:
        found = "slices.csv does not say where the slice lies in the patient, and so not which part of the"
        found += f" label map of {_size(volume)} voxels is its"
        remedy = "prepare the slices with 'mriparaspinal prepare', or give each its own map"
        raise unreadable(found, "its position and directions there", remedy, "mask-off-grid")
    found = f"{_size(volume)} voxels, and no place in the patient"
    raise unreadable(found, "an sform or qform", "export it with the place of the series", "mask-off-grid")


#: An axis of an axial slice runs this much along the patient's own axis: less than 45° away from it.
_ALONG = 0.7


def _as_displayed(
    voxels: NDArray[np.integer], affine: NDArray[np.float64], image_left: str
) -> NDArray[np.integer]:
    """The voxels, (columns, rows, slices), as an axial slice is displayed."""
    steps = affine[:3, :3]
    length = np.linalg.norm(steps, axis=0)
    directions = steps / np.where(length > 0, length, 1)
    axes = [int(np.argmax(abs(directions[along]))) for along in range(3)]
    along = [float(directions[world, axis]) for world, axis in enumerate(axes)]
    if len(set(axes)) < 3 or min(map(abs, along)) < _ALONG or voxels.shape[axes[2]] > 1 == min(voxels.shape):
        found = "the label map's affine is not that of one axial slice, and slices.csv does not say where the"
        found += " slice lies"
        remedy = "prepare the slices with 'mriparaspinal prepare', which writes positions"
        raise unreadable(found, "a map of one axial slice", remedy, "mask-off-grid")
    turned = voxels.transpose(axes)
    # LPS+: x runs to the patient's left, y to the back.
    if (along[0] > 0) != (image_left == "right"):
        turned = turned[::-1]
    return turned if along[1] > 0 else turned[:, ::-1]


def _size(volume: LabelVolume) -> str:
    return "×".join(map(str, volume.voxels.shape))


def _grid(volume: LabelVolume) -> str:
    if volume.affine is None:
        return f"{_size(volume)} voxels"
    steps = _rounded(np.linalg.norm(volume.affine[:3, :3], axis=0), "×")
    return f"{_size(volume)} voxels of {steps} mm, the first at ({_rounded(volume.affine[:3, 3])}) mm LPS"


def _slice_grid(plane: Plane, shape: tuple[int, int]) -> str:
    spacing = [mm for mm in (plane.col_spacing_mm, plane.row_spacing_mm) if mm is not None]
    of = f" of {_rounded(spacing, '×')} mm" if spacing else ""
    return f"{shape[1]}×{shape[0]} px{of}, the first at ({_rounded(plane.position)}) mm LPS"


def _rounded(numbers: object, separator: str = ", ") -> str:
    return separator.join(f"{number + 0.0:.4g}" for number in np.asarray(numbers, dtype=float))
