"""How one slice, then one folder, is measured. A newcomer starts here."""

from __future__ import annotations

import hashlib
import platform
import posixpath
import re
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
from mriparaspinal.embedded import embedded_problem, embedded_size
from mriparaspinal.errors import NoInputError
from mriparaspinal.files.folder import UnreadableFileError, find_name, read_bytes
from mriparaspinal.files.images import SLICE_FILE_LIMIT, SliceImage, UnreadableImageError, decode_image
from mriparaspinal.files.labelme import (
    Annotation,
    UnreadableAnnotationError,
    embedded_image,
    read_annotation,
)
from mriparaspinal.files.spool import Spool
from mriparaspinal.measure import count_region, dixon_sums
from mriparaspinal.model import SAT, Problem, Settings, Slice, SliceResult
from mriparaspinal.names import composed
from mriparaspinal.parallel import Spread, in_time, map_in_order
from mriparaspinal.plausibility import mirror_fit, unusual_areas, without_signal
from mriparaspinal.rasterise import Patch, frame_of
from mriparaspinal.vocabulary import Region, alias_key, hint, meanings_of

if TYPE_CHECKING:
    from mriparaspinal.dixon import DixonSource
    from mriparaspinal.label_maps import LabelMaps

Signal = NDArray[np.float64]
#: Labels of no region that a message has a hint for.
_HINTS = 20

#: Images whose grey levels LabelMe embeds as they are, or as a JPEG of them: it makes 8 bits of others by
#: itself, from the lowest to the highest value. A PNG of 16 bits is embedded with all of them.
_EIGHT_BITS = (".png", ".jpg", ".jpeg", ".bmp")


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
    fit = None
    if anatomy.patches:
        # Only the part under the contours and under their mirror image becomes an array: copying the rest
        # takes longer than counting.
        columns, rows = found.image.size
        frame = frame_of(anatomy.patches.values())
        margin = min(frame.left, columns - frame.right)
        frame = frame._replace(left=margin, right=columns - margin)
        grey = np.asarray(found.image.crop(frame))
        patches = {key: patch.moved(-frame.top, -frame.left) for key, patch in anatomy.patches.items()}
        fit = mirror_fit(grey, patches)
        found.problems += _implausible(grey, patches, rows * columns, found.problems, slice_)
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
        slice_,
        counts,
        frozenset(anatomy.seen),
        True,
        tuple(found.problems),
        tuple(found.sha256),
        threshold,
        found.deep,
        fit,
    )


def _implausible(
    grey: NDArray[np.uint8],
    patches: Mapping[RegionKey, Patch],
    image_px: int,
    known: list[Problem],
    slice_: Slice,
) -> list[Problem]:
    """Warnings about regions without signal, and about areas that no muscle has."""
    name = slice_.annotation
    problems = []
    if dark := without_signal(grey, patches):
        labels = ", ".join(str(Region(*key)) for key in dark)
        found = "all pixels of the region have one grey level; expected tissue, whose grey levels scatter"
        remedy = "check on an overlay that the contours were drawn on this image"
        problems.append(Problem(name, labels, "warning", "no-signal", found, remedy))
    areas = {key: int(np.count_nonzero(patch.pixels)) for key, patch in patches.items()}
    # Contours that leave the image have been told of: their areas follow from that.
    leave = any(problem.code == "leaves-image" for problem in known)
    for key, finding in () if leave else unusual_areas(areas, image_px):
        problems.append(Problem(name, str(Region(*key)), "warning", *finding))
    return problems


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
    deep: bool = False
    """Whether the file has more than 8 bits, so that a window made its grey levels."""
    anatomy: Anatomy | None = None
    problems: list[Problem] = field(default_factory=list)
    sha256: list[tuple[str, str]] = field(default_factory=list)


def read_slice(root: Path, slice_: Slice, settings: Settings) -> OpenSlice:
    """Read both files of a slice and sort its contours; image and regions stay None where that fails."""
    found = OpenSlice()
    name = slice_.annotation
    raw = _read(root, slice_, name, found)
    if raw is None:
        return found
    try:
        annotation = read_annotation(raw)
    except UnreadableAnnotationError as error:
        found.problems.append(Problem(name, "", "error", "bad-json", error.message, error.remedy))
        return found
    if not _belongs_to(root, slice_, annotation, found):
        return found
    raw = _image_bytes(root, slice_, annotation, found)
    image = None if raw is None else _decode(raw, slice_, settings, found)
    if raw is None or image is None:
        return found
    found.image, found.deep = image.grey, image.values is not None
    columns, rows = image.grey.size
    beside = slice_.image is not None
    if not _fits(annotation, (rows, columns), beside, name, found):
        return found
    found.anatomy = _sort(annotation, (rows, columns), settings, slice_, found)
    if beside:
        patches = found.anatomy.patches.values()
        frame = frame_of(patches) if patches else None
        problem = embedded_problem(name, annotation, image, raw, settings.window, frame)
        found.problems += [] if problem is None else [problem]
    return found


def _fits(annotation: Annotation, shape: tuple[int, int], beside: bool, name: str, found: OpenSlice) -> bool:
    """Whether the image of (rows, columns) has the size that the annotation was drawn on."""
    height, width = annotation.image_size
    source = ""
    rows, columns = shape
    # What the file says comes first; what it does not say is that of the picture it carries.
    if beside and None in (height, width) and height in (None, rows) and width in (None, columns):
        carried = embedded_size(annotation)
        if carried is not None:
            source = " (the picture in imageData)"
            height, width = height or carried[0], width or carried[1]
        elif height is None and width is None:
            message = "neither imageHeight and imageWidth nor imageData; expected the size that was annotated"
            remedy = "check the contours on an overlay, then save them in LabelMe, which writes the size"
            found.problems.append(Problem(name, "", "warning", "size-unknown", message, remedy))
    if height in (None, rows) and width in (None, columns):
        return True
    size = f"{'?' if width is None else width}×{'?' if height is None else height}"
    message = f"drawn on {size} px{source}, but the image has {columns}×{rows}"
    remedy = "put back the image that was annotated, or annotate this one"
    if (height, width) == (columns, rows):
        message += ": the image looks turned" if source else ": imageHeight and imageWidth look exchanged"
        if not source:
            known = "exchange the two numbers if the contours lie right on the image"
            remedy = f"{known}; if it was turned, {remedy}"
    message += "; expected the same size"
    found.problems.append(Problem(name, "", "error", "size-mismatch", message, remedy))
    return False


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
    from mriparaspinal.label_maps import (
        PLACED_BY_DIRECTIONS,
        LabelMapError,
        contours_of,
        read_labels,
        values_text,
    )

    found = OpenSlice()
    name = slice_.name
    raw = _image_bytes(root, slice_, None, found)
    image = None if raw is None else _decode(raw, slice_, settings, found)
    if image is None:
        return found
    found.image, found.deep = image.grey, image.values is not None
    columns, rows = image.grey.size
    try:
        mapped = read_labels(maps, slice_, (rows, columns), settings.image_left)
    except LabelMapError as error:
        found.problems.append(Problem(name, "", "error", error.code, error.message, error.remedy))
        return found
    found.sha256.append((maps.own_name(mapped.name), mapped.sha256))
    if mapped.unchecked:
        message = f"{mapped.name} tells its place in the patient, slices.csv not the slice's; expected both"
        remedy = PLACED_BY_DIRECTIONS
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
    others = ", ".join(filter(None, (_listed(anatomy.ignored, _aliases(settings)), values_text(unknown))))
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


def _read(root: Path, slice_: Slice, name: str, found: OpenSlice) -> bytes | None:
    try:
        raw = read_bytes(f"{root}/{name}", SLICE_FILE_LIMIT)
    except UnreadableFileError as error:
        found.problems.append(Problem(name, "", "error", "unreadable-file", error.message, error.remedy))
        return None
    found.sha256.append((name, hashlib.sha256(raw).hexdigest()))
    if not raw:
        code = "bad-json" if name == slice_.annotation and name != slice_.image else "unreadable-image"
        message = "an empty file of 0 bytes, as a cloud or a copy that was cut off leaves; expected the file"
        found.problems.append(Problem(name, "", "error", code, message, "download or copy it again"))
        return None
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
            if not own and _same(posixpath.splitext(candidate)[0], posixpath.splitext(slice_.annotation)[0]):
                message = f"{candidate} is not read; expected a PNG, JPEG, TIFF or BMP with the JSON's stem"
                remedy = "save it as 8-bit greyscale PNG beside the JSON"
                problem = Problem(slice_.annotation, "", "error", "unreadable-image", message, remedy)
                found.problems.append(problem)
                return False
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
    return composed(a).casefold() == composed(b).casefold()


def _is_file_inside(root: Path, name: str) -> bool:
    outside = name.startswith(("/", "..")) or re.match("[A-Za-z]:", name)
    if not name or outside or "\0" in name or len(name) > 1000:
        return False
    there = find_name(root, name)
    return there is not None and (root / there).is_file()


def _image_bytes(root: Path, slice_: Slice, annotation: Annotation | None, found: OpenSlice) -> bytes | None:
    """The image beside the annotation, else the one that it carries if those surely are its grey levels."""
    name = slice_.name
    if slice_.image is not None:
        return _read(root, slice_, slice_.image, found)
    raw = embedded_image(annotation) if annotation is not None else None
    if annotation is None or raw is None:
        message = "no image of this name beside it, and none embedded; expected a PNG with the same stem"
        remedy = "put the image beside the JSON"
        found.problems.append(Problem(name, "", "error", "json-without-image", message, remedy))
        return None
    if not annotation.image_path.lower().endswith(_EIGHT_BITS):
        source = re.split(r"[\\/]", annotation.image_path)[-1][:200]
        message = "no image beside it, and the one embedded was made from "
        message += f"{source!r}" if source else "an image without a name (imagePath)"
        message += ", perhaps of more than 8 bits; expected 8-bit grey levels as exported"
        remedy = "put the image beside the JSON, as PNG or TIFF with the same stem"
        found.problems.append(Problem(name, "", "error", "image-bits", message, remedy))
        return None
    message = "no image of this name beside it; expected one: the image embedded in the JSON is measured"
    remedy = "put the image beside the JSON"
    found.problems.append(Problem(name, "", "warning", "embedded-image", message, remedy))
    return raw


def _decode(raw: bytes, slice_: Slice, settings: Settings, found: OpenSlice) -> SliceImage | None:
    name = slice_.name
    try:
        image = decode_image(raw, settings.window)
    except UnreadableImageError as error:
        found.problems.append(Problem(name, "", "error", error.code, error.message, error.remedy))
        return None
    if image.lossy:
        message = "a JPEG, which changes grey levels; expected a lossless PNG"
        remedy = "export the slice as PNG: FI near the threshold is not exact"
        found.problems.append(Problem(name, "", "warning", "lossy-image", message, remedy))
    return image


def _sort(
    annotation: Annotation, shape: tuple[int, int], settings: Settings, slice_: Slice, found: OpenSlice
) -> Anatomy:
    name, segment = slice_.annotation, slice_.segment
    aliases = _aliases(settings)
    ours = []
    ignored = []
    drawn = [contour.label for contour in annotation.contours]
    meanings = meanings_of(drawn + [shape_.label for shape_ in annotation.broken], aliases, segment)
    for shape_ in annotation.broken:
        region = meanings.regions.get(shape_.label)
        if region is None:
            ignored.append(shape_.label)
            continue
        ours.append(region)
        remedy = "draw the contour again"
        found.problems.append(Problem(name, shape_.label, "error", shape_.code, shape_.message, remedy))
    anatomy = sort_contours(annotation.contours, shape, settings, aliases, name, tuple(ours), meanings)
    found.problems += anatomy.problems
    ignored += anatomy.ignored
    if not anatomy.seen:
        labels = _listed(ignored, aliases) or "no shapes"
        message = f"{labels} were found; expected labels such as MF_L, ES_R, IVD"
        remedy = "annotate the slice, or name the lab's labels in paraspinal.toml"
        found.problems.append(Problem(name, "", "error", "no-known-label", message, remedy))
    elif ignored:
        message = f"other labels were found and ignored: {_listed(ignored, aliases)}; "
        message += "expected muscles and reference only"
        remedy = "correct a mistyped label, or name it in paraspinal.toml"
        found.problems.append(Problem(name, "", "warning", "unknown-label", message, remedy))
    return anatomy


def _aliases(settings: Settings) -> dict[str, str]:
    return {alias_key(label): meaning for label, meaning in settings.labels}


def _listed(labels: list[str], aliases: Mapping[str, str]) -> str:
    """Labels for a message, each hint at what they may have been meant as once."""
    told: list[str] = []
    hints: set[str] = set()
    for label in dict.fromkeys(labels):
        meant = hint(label, aliases) if len(told) < _HINTS else ""
        told.append(f"{label[:60]!r} ({meant})" if meant and meant not in hints else repr(label[:60]))
        hints.add(meant)
    return ", ".join(told)


def _lost(slice_: Slice, found: OpenSlice) -> SliceResult:
    return SliceResult(slice_, {}, frozenset(), False, tuple(found.problems), tuple(found.sha256))
