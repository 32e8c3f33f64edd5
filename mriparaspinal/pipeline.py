"""How one slice, then one folder, is measured. A newcomer starts here."""

from __future__ import annotations

import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL.Image import Image

from mriparaspinal.anatomy import Anatomy, sort_contours
from mriparaspinal.files.folder import UnreadableFileError, read_bytes
from mriparaspinal.files.images import UnreadableImageError, decode_image
from mriparaspinal.files.labelme import (
    Annotation,
    UnreadableAnnotationError,
    embedded_image,
    read_annotation,
)
from mriparaspinal.measure import count_region
from mriparaspinal.model import Problem, Settings, Slice, SliceResult
from mriparaspinal.parallel import map_in_order
from mriparaspinal.rasterise import frame_of
from mriparaspinal.vocabulary import alias_key, region_of


def measure_slices(
    root: Path,
    slices: tuple[Slice, ...],
    settings: Settings,
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
) -> list[SliceResult]:
    """Measure slices of the folder ``root``, in their order; the results do not depend on ``jobs``."""
    return map_in_order(partial(measure_slice, root, settings=settings), slices, jobs, progress)


def measure_slice(root: Path, slice_: Slice, settings: Settings) -> SliceResult:
    """Count every region of one slice. What is wrong with it becomes problems, never an exception."""
    found = read_slice(root, slice_, settings)
    if found.image is None or found.anatomy is None:
        return _lost(slice_, found)
    anatomy = found.anatomy
    counts = {}
    if anatomy.patches:
        # Only the part under the contours becomes an array: copying the rest takes longer than counting.
        frame = frame_of(anatomy.patches.values())
        grey = np.asarray(found.image.crop(frame))
        for key, patch in anatomy.patches.items():
            placed = patch.moved(-frame.top, -frame.left)
            counts[key] = count_region(grey, placed, anatomy.areas_px[key], settings.threshold)
    return SliceResult(
        slice_, counts, frozenset(anatomy.seen), True, tuple(found.problems), tuple(found.sha256)
    )


@dataclass(slots=True)
class OpenSlice:
    """A slice while it is read: its image, its regions, and the problems met on the way."""

    image: Image | None = None
    anatomy: Anatomy | None = None
    problems: list[Problem] = field(default_factory=list)
    sha256: list[tuple[str, str]] = field(default_factory=list)


def read_slice(root: Path, slice_: Slice, settings: Settings) -> OpenSlice:
    """Read both files of a slice and sort its contours; image and regions stay None where that fails."""
    found = OpenSlice()
    name = slice_.annotation
    raw = _read(root, name, found)
    if raw is None:
        return found
    try:
        annotation = read_annotation(raw)
    except UnreadableAnnotationError as error:
        found.problems.append(Problem(name, "", "error", "bad-json", error.message, error.remedy))
        return found
    if not _belongs_to(root, slice_, annotation, found):
        return found
    found.image = _read_image(root, slice_, annotation, settings, found)
    if found.image is None:
        return found
    columns, rows = found.image.size
    if annotation.image_size not in (None, (rows, columns)):
        height, width = annotation.image_size or (0, 0)
        message = f"drawn on {width}×{height} px, but the image has {columns}×{rows}; expected the same size"
        remedy = "put back the image that was annotated, or annotate this one"
        found.problems.append(Problem(name, "", "error", "size-mismatch", message, remedy))
        return found
    found.anatomy = _sort(annotation, (rows, columns), settings, name, found)
    return found


def _read(root: Path, name: str, found: OpenSlice) -> bytes | None:
    try:
        raw = read_bytes(root / name)
    except UnreadableFileError as error:
        found.problems.append(Problem(name, "", "error", "unreadable-file", error.message, error.remedy))
        return None
    found.sha256.append((name, hashlib.sha256(raw).hexdigest()))
    return raw


def _belongs_to(root: Path, slice_: Slice, annotation: Annotation, found: OpenSlice) -> bool:
    """Whether ``imagePath`` lets the annotation belong to this slice; no file is opened to tell."""
    told = annotation.image_path
    if not told:
        return True
    home = posixpath.dirname(slice_.annotation)
    beside = re.split(r"[\\/]", told)[-1]
    inside = posixpath.normpath(posixpath.join(home, told.replace("\\", "/")))
    own = slice_.image or ""
    if _same(inside, own):
        return True
    for candidate in (inside, posixpath.join(home, beside)):
        if not _same(candidate, own) and _is_file_inside(root, candidate):
            message = (
                f"imagePath names {candidate}, but {own or 'no image'} has the JSON's stem; expected one name"
            )
            remedy = "annotate this slice by itself if the JSON is a copy of another's, else mend imagePath"
            found.problems.append(
                Problem(slice_.annotation, "", "error", "image-path-names-another", message, remedy)
            )
            return False
    if not _same(beside, posixpath.basename(own)) and own:
        message = f"imagePath names {beside[:200]!r}, which is not there; expected {posixpath.basename(own)}"
        remedy = "check that the contours were drawn on this image"
        found.problems.append(
            Problem(slice_.annotation, "", "warning", "image-path-missing", message, remedy)
        )
    return True


def _same(a: str, b: str) -> bool:
    """Whether two names mean one file on some file system (case, composed or decomposed letters)."""
    return unicodedata.normalize("NFC", a).casefold() == unicodedata.normalize("NFC", b).casefold()


def _is_file_inside(root: Path, name: str) -> bool:
    outside = name.startswith(("/", "..")) or re.match("[A-Za-z]:", name)
    if not name or outside or "\0" in name or len(name) > 1000:
        return False
    try:
        return (root / name).is_file()
    except (OSError, ValueError):
        return False


def _read_image(
    root: Path, slice_: Slice, annotation: Annotation, settings: Settings, found: OpenSlice
) -> Image | None:
    name = slice_.name
    if slice_.image is not None:
        raw = _read(root, slice_.image, found)
    else:
        raw = embedded_image(annotation)
        if raw is None:
            message = "no image of this name beside it, and none embedded; expected a PNG with the same stem"
            remedy = "put the image beside the JSON"
            found.problems.append(Problem(name, "", "error", "json-without-image", message, remedy))
        else:
            message = (
                "no image of this name beside it; expected one: the image embedded in the JSON is measured"
            )
            remedy = "put the image beside the JSON"
            found.problems.append(Problem(name, "", "warning", "embedded-image", message, remedy))
    if raw is None:
        return None
    try:
        image, lossy = decode_image(raw, settings.window)
    except UnreadableImageError as error:
        found.problems.append(Problem(name, "", "error", error.code, error.message, error.remedy))
        return None
    if lossy:
        message = "a JPEG, which changes grey levels; expected a lossless PNG"
        remedy = "export the slice as PNG: FI near the threshold is not exact"
        found.problems.append(Problem(name, "", "warning", "lossy-image", message, remedy))
    return image


def _sort(
    annotation: Annotation, shape: tuple[int, int], settings: Settings, name: str, found: OpenSlice
) -> Anatomy:
    aliases = {alias_key(label): meaning for label, meaning in settings.labels}
    ours = []
    ignored = []
    for shape_ in annotation.broken:
        region = region_of(shape_.label, aliases)
        if region is None:
            ignored.append(shape_.label)
            continue
        ours.append(region)
        remedy = "draw the contour again"
        found.problems.append(Problem(name, shape_.label, "error", shape_.code, shape_.message, remedy))
    anatomy = sort_contours(annotation.contours, shape, settings, aliases, name, broken=tuple(ours))
    found.problems += anatomy.problems
    ignored += anatomy.ignored
    if not anatomy.seen:
        labels = _listed(ignored) or "no shapes"
        message = f"{labels} were found; expected labels such as MF_L, ES_R, IVD"
        remedy = "annotate the slice, or name the lab's labels in paraspinal.toml"
        found.problems.append(Problem(name, "", "error", "no-known-label", message, remedy))
    elif ignored:
        message = (
            f"other labels were found and ignored: {_listed(ignored)}; expected muscles and reference only"
        )
        remedy = "correct a mistyped label, or name it in paraspinal.toml"
        found.problems.append(Problem(name, "", "warning", "unknown-label", message, remedy))
    return anatomy


def _listed(labels: list[str]) -> str:
    return ", ".join(repr(label[:60]) for label in dict.fromkeys(labels))


def _lost(slice_: Slice, found: OpenSlice) -> SliceResult:
    return SliceResult(slice_, {}, frozenset(), False, tuple(found.problems), tuple(found.sha256))
