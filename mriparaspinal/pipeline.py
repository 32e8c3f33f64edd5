"""How one slice, then one folder, is measured. A newcomer starts here."""

from __future__ import annotations

import hashlib
import platform
import posixpath
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from mriparaspinal.anatomy import Anatomy, RegionKey, sort_contours
from mriparaspinal.errors import NoInputError
from mriparaspinal.files.folder import UnreadableFileError, read_bytes
from mriparaspinal.files.images import SLICE_FILE_LIMIT, UnreadableImageError, decode_image
from mriparaspinal.files.labelme import (
    Annotation,
    UnreadableAnnotationError,
    embedded_image,
    read_annotation,
)
from mriparaspinal.files.spool import Spool
from mriparaspinal.measure import count_region, dixon_sums
from mriparaspinal.model import SAT, Problem, Settings, Slice, SliceResult
from mriparaspinal.parallel import Spread, in_time, map_in_order
from mriparaspinal.rasterise import Patch, frame_of
from mriparaspinal.vocabulary import alias_key, region_of

if TYPE_CHECKING:
    from mriparaspinal.dixon import DixonSource
    from mriparaspinal.label_maps import LabelMaps

Signal = NDArray[np.float64]


def measure_slices(
    root: Path,
    slices: Sequence[Slice],
    settings: Settings,
    spread: int | Spread = 1,
    progress: Callable[[], None] | None = None,
    maps: LabelMaps | None = None,
    dixon: DixonSource | None = None,
) -> Sequence[SliceResult]:
    """Measure slices of the folder ``root``, in their order; the results do not depend on ``spread``.

    With ``maps``, label maps take the place of contours; with ``dixon``, the fat fraction that of grey.
    Raises :class:`UsageError` where many results find no room on the disk.
    """
    from mriparaspinal.packed import PackedResults

    how = Spread(spread) if isinstance(spread, int) else spread
    if how.scheduler is not None:
        # Workers elsewhere know nothing of the folder that the command was given in.
        root = root.absolute()
        maps = maps and replace(maps, folder=maps.folder.absolute())
        dixon = dixon and replace(dixon, fat=dixon.fat.absolute(), water=dixon.water.absolute())
    measure: Callable[[Slice], SliceResult]
    measure = partial(measure_slice, root, settings=settings, maps=maps, dixon=dixon)
    if how.scheduler is not None:
        measure = partial(_measure_elsewhere, root, measure)
    if how.timeout is not None:
        measure = partial(in_time, measure, partial(_timed_out, how.timeout), how.timeout)
    # Closed, so that processes end with an error here, too.
    with closing(map_in_order(partial(_packed, measure), slices, how, progress)) as packed:
        return PackedResults(slices, Spool(packed))


def _packed(measure: Callable[[Slice], SliceResult], slice_: Slice) -> bytes:
    """A slice's result as bytes, which travel between processes at little cost."""
    from mriparaspinal.packed import pack

    return pack(measure(slice_))


def _measure_elsewhere(root: Path, measure: Callable[[Slice], SliceResult], slice_: Slice) -> SliceResult:
    """On another machine, which may lack the folder: else each slice would be an error of its own."""
    if not root.is_dir():
        found = f"no such folder on the worker {platform.node()}; expected the same path on each machine"
        raise NoInputError(f"{root}: {found}; mount the shared folder there")
    return measure(slice_)


def _timed_out(seconds: float, slice_: Slice) -> SliceResult:
    message = f"no result within {seconds:g} s; expected the slice to be read and measured in that time"
    remedy = "look at the disk or network drive that it lies on, or give a longer --timeout"
    problem = Problem(slice_.name, "", "error", "timed-out", message, remedy)
    return _lost(slice_, OpenSlice(problems=[problem]))


def measure_slice(
    root: Path,
    slice_: Slice,
    settings: Settings,
    maps: LabelMaps | None = None,
    dixon: DixonSource | None = None,
) -> SliceResult:
    """Count every region of one slice. What is wrong with it becomes problems, never an exception."""
    found = read_slice(root, slice_, settings) if maps is None else read_mapped(root, slice_, settings, maps)
    if found.image is None or found.anatomy is None:
        return _lost(slice_, found)
    anatomy = found.anatomy
    counts = {}
    threshold = None
    if anatomy.patches:
        # Only the part under the contours becomes an array: copying the rest takes longer than counting.
        frame = frame_of(anatomy.patches.values())
        grey = np.asarray(found.image.crop(frame))
        patches = {key: patch.moved(-frame.top, -frame.left) for key, patch in anatomy.patches.items()}
        threshold = slice_threshold(grey, patches, settings, slice_, found.problems)
        signals = None if dixon is None else _signals(dixon, slice_, found)
        if threshold is None or (dixon is not None and signals is None):
            return _lost(slice_, found)
        for key, patch in patches.items():
            counts[key] = count_region(grey, patch, anatomy.areas_px[key], threshold)
            if signals is not None:
                fat_px, sums = dixon_sums(*signals, anatomy.patches[key], threshold)
                counts[key] = replace(counts[key], fat_px=fat_px, dixon=sums)
    return SliceResult(
        slice_, counts, frozenset(anatomy.seen), True, tuple(found.problems), tuple(found.sha256), threshold
    )


def slice_threshold(
    grey: NDArray[np.uint8],
    patches: Mapping[RegionKey, Patch],
    settings: Settings,
    slice_: Slice,
    problems: list[Problem],
) -> float | None:
    """The grey level above which a pixel of the slice is fat; None, with a problem, where there is none.

    ``grey`` (rows, columns), 8-bit, with ``patches`` placed on it. Rule ``dixon``: the fat fraction.
    """
    if settings.fat_rule == "fixed":
        return settings.threshold
    from mriparaspinal.fat_rules import DIXON_THRESHOLD, NoThresholdError, grey_threshold, is_saturated

    if settings.fat_rule == "dixon":
        return DIXON_THRESHOLD
    name = slice_.annotation
    try:
        threshold = grey_threshold(settings.fat_rule, grey, patches, settings.sat_fraction)
    except NoThresholdError as error:
        problems.append(Problem(name, "", "error", "no-threshold", error.message, error.remedy))
        return None
    if settings.fat_rule == "reference" and is_saturated(grey, patches):
        found = "the median of subcutaneous fat is white (255), cut off by the window; expected it below"
        remedy = "export with a wider window: the threshold is too low by an unknown part"
        problems.append(Problem(name, SAT, "warning", "saturated-fat", found, remedy))
    return int(threshold) if threshold.is_integer() else threshold


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


def _signals(dixon: DixonSource, slice_: Slice, found: OpenSlice) -> tuple[Signal, Signal] | None:
    """Fat and water of the slice, (rows, columns) each; None, with a problem, where there are none."""
    from mriparaspinal.dixon import NoDixonError, read_dixon

    assert found.image is not None  # only slices that can be measured come here
    columns, rows = found.image.size
    try:
        read = read_dixon(dixon, slice_, (rows, columns))
    except NoDixonError as error:
        found.problems.append(Problem(slice_.name, "", "error", "no-dixon", error.message, error.remedy))
        return None
    found.sha256 += read.sha256
    found.problems += [Problem(file, "", "warning", "two-places", *remark) for file, remark in read.remarks]
    return read.fat, read.water


def read_mapped(root: Path, slice_: Slice, settings: Settings, maps: LabelMaps) -> OpenSlice:
    """Like :func:`read_slice`, with the regions of a label map: its pixels are the regions' pixels."""
    from mriparaspinal.label_maps import LabelMapError, contours_of, read_labels, values_text

    found = OpenSlice()
    name = slice_.name
    found.image = _read_image(root, slice_, None, settings, found)
    if found.image is None:
        return found
    columns, rows = found.image.size
    try:
        mapped = read_labels(maps, slice_, (rows, columns))
    except LabelMapError as error:
        found.problems.append(Problem(name, "", "error", error.code, error.message, error.remedy))
        return found
    found.sha256.append((maps.own_name(mapped.name), mapped.sha256))
    if mapped.unchecked:
        message = f"{mapped.name} tells its place in the patient, slices.csv not the slice's; expected both"
        remedy = "its voxel (i, j) is taken for the pixel of column i and row j: check that it is"
        found.problems.append(Problem(name, "", "warning", "mask-place-unknown", message, remedy))
    if mapped.remark is not None:
        file = maps.own_name(mapped.name)
        found.problems.append(Problem(file, "", "warning", "two-places", *mapped.remark))
    contours, unknown, overlap = contours_of(mapped.labels, maps.numbering)
    if overlap:
        message = f"{mapped.name}: {overlap} px of several regions, of which their value does not tell which"
        message += "; expected one region for each pixel"
        remedy = "measure the contours, or write the label maps with 'masks --format nifti'"
        found.problems.append(Problem(name, "", "error", "overlap-in-mask", message, remedy))
        return found
    anatomy = sort_contours(contours, (rows, columns), settings, _aliases(settings), name)
    found.problems += anatomy.problems
    others = ", ".join(filter(None, (_listed(anatomy.ignored), values_text(unknown))))
    if not anatomy.seen:
        message = f"{mapped.name}: {others or 'only background'} on this slice"
        message += "; expected labels such as MF_L, ES_R, IVD"
        remedy = "check the numbering, and that the label map is of this slice"
        found.problems.append(Problem(name, "", "error", "no-known-label", message, remedy))
    elif others:
        message = f"{mapped.name}: {others} were found and ignored; expected muscles and reference only"
        remedy = "name a label of the lab's own in paraspinal.toml, or its value in the numbering"
        found.problems.append(Problem(name, "", "warning", "unknown-label", message, remedy))
    found.anatomy = anatomy
    return found


def _read(root: Path, name: str, found: OpenSlice) -> bytes | None:
    try:
        raw = read_bytes(f"{root}/{name}", SLICE_FILE_LIMIT)
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
    root: Path, slice_: Slice, annotation: Annotation | None, settings: Settings, found: OpenSlice
) -> Image | None:
    name = slice_.name
    if slice_.image is not None:
        raw = _read(root, slice_.image, found)
    else:
        raw = embedded_image(annotation) if annotation is not None else None
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
    aliases = _aliases(settings)
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


def _aliases(settings: Settings) -> dict[str, str]:
    return {alias_key(label): meaning for label, meaning in settings.labels}


def _listed(labels: list[str]) -> str:
    return ", ".join(repr(label[:60]) for label in dict.fromkeys(labels))


def _lost(slice_: Slice, found: OpenSlice) -> SliceResult:
    return SliceResult(slice_, {}, frozenset(), False, tuple(found.problems), tuple(found.sha256))
