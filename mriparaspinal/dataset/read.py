"""One slice, with its image and its regions."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.labels import aliases_of, hint, meanings_of, region_of
from mriparaspinal.core.model import WHOLE, Contour, Problem, Settings, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.causes import with_consequences
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource
from mriparaspinal.dataset.embedded import embedded_problem, embedded_size
from mriparaspinal.dataset.made import made_problems
from mriparaspinal.dataset.regions import Anatomy
from mriparaspinal.imaging.rasterise import frame_of
from mriparaspinal.io.folder import find_name, read_bytes
from mriparaspinal.io.images import SLICE_FILE_LIMIT, SliceImage, decode_image
from mriparaspinal.io.labelme import Annotation, embedded_image, read_annotation

if TYPE_CHECKING:
    from mriparaspinal.dataset.map_sources import LabelMaps


#: Labels of no region that a message has a hint for.
_HINTS = 20

#: Longer labels are no mistyped ones.
_LONG = 60

#: Images whose grey levels LabelMe embeds as they are, or as a JPEG of them: it makes 8 bits of others by
#: itself, from the lowest to the highest value. A PNG of 16 bits is embedded with all of them.
_EIGHT_BITS = (".png", ".jpg", ".jpeg", ".bmp")


@dataclass(slots=True)
class OpenSlice:
    """A slice while it is read: its image, its regions, and the problems met on the way."""

    image: Image | None = None
    deep: bool = False
    """Whether the file has more than 8 bits, so that a window made its grey levels."""
    anatomy: Anatomy | None = None
    problems: list[Problem] = field(default_factory=list)
    sha256: list[tuple[str, str]] = field(default_factory=list)
    draft: bool = False
    """Whether nobody has judged the contours yet."""
    as_drawn: int = 0
    """How many contours a person let stand as the program drew them."""
    left_out: frozenset[tuple[str, str]] = frozenset()
    """The regions that a review leaves out; :data:`WHOLE` for the slice."""
    ignored: tuple[str, ...] = ()
    """The labels that mean no region, if they are as few as on a slice that a person drew."""
    refused: list[Contour] = field(default_factory=list)
    """Contours of regions, or that may be of one, that are not measured; ``problems`` say why."""


def read_slice(root: Path, slice_: Slice, settings: Settings, source: ContourSource = BESIDE) -> OpenSlice:
    """Read both files of a slice and sort its contours; image and regions stay None if that fails.

    A draft that nobody has judged is such a failure, unless ``source`` accepts it; what a review excludes is
    left out.
    """
    return _judged(lambda: _read_slice(root, slice_, settings, source), slice_, settings, source)


def _judged(
    read: Callable[[], OpenSlice], slice_: Slice, settings: Settings, source: ContourSource
) -> OpenSlice:
    """What was read of a slice, without what a review excludes: a whole slice is not even read."""
    told = source.judged(slice_.name)
    if not told:
        return read()
    problems = [one.problem(slice_.name) for one in told]
    left_out = source.left_out(slice_.name)
    if WHOLE in left_out:
        return OpenSlice(problems=problems, left_out=left_out)
    found = read()
    aliases = aliases_of(settings)
    for problem in found.problems:
        regions = [region_of(label, aliases) for label in problem.shape.split(", ")]
        # What is wrong with regions that are left out does not matter any more.
        if any(region is None or (region.name, region.side) not in left_out for region in regions):
            problems.append(problem)
    found.problems, found.left_out = problems, left_out
    if found.anatomy is not None:
        found.refused += [contour for key, contour in found.anatomy.contours if key in left_out]
        for key in left_out:
            found.anatomy.patches.pop(key, None)
    return found


def _read_slice(root: Path, slice_: Slice, settings: Settings, source: ContourSource) -> OpenSlice:
    found = OpenSlice()
    name = slice_.annotation
    both = read_files(root, slice_, settings, source, found)
    if both is None:
        return found
    annotation, image, raw = both
    beside = slice_.image is not None
    found.anatomy = _sort(annotation, image.grey.size[::-1], settings, slice_, found)
    if beside:
        patches = found.anatomy.patches.values()
        frame = frame_of(patches) if patches else None
        problem = embedded_problem(name, annotation, image, raw, settings.window, frame)
        if problem is not None:
            # Contours of another image's size lie off the middle of this one: that follows.
            resized = problem.code == "embedded-other-size"
            kept = [other for other in found.problems if not (resized and other.code == "off-centre")]
            found.problems = [*kept, problem]
    return found


def read_files(
    root: Path, slice_: Slice, settings: Settings, source: ContourSource, found: OpenSlice
) -> tuple[Annotation, SliceImage, bytes] | None:
    """What the JSON of a slice says, its image, and the bytes of the image.

    None, with its problems in ``found``, where they cannot be read or do not belong to each other.
    """
    name = slice_.annotation
    raw = _read(source.folder or root, slice_, name, found)
    if raw is None:
        return None
    try:
        annotation = read_annotation(raw)
    except UnreadableError as error:
        found.problems.append(error.fault.at(name, "bad-json").problem())
        return None
    if annotation.draft and not source.accept_drafts:
        message = "a draft that nobody has judged (LabelMe's flag draft); expected judged contours"
        remedy = "correct it and untick draft, or measure it by --accept-drafts"
        found.problems.append(Problem(name, "", "error", "unreviewed-draft", message, remedy))
        found.refused = list(annotation.contours)
        return None
    found.problems += _flagged(name, annotation)
    found.draft = annotation.draft
    found.as_drawn = 0 if annotation.draft else source.as_drawn(slice_, annotation.contours)
    if not _belongs_to(root, slice_, annotation, found):
        return None
    raw = _image_bytes(root, slice_, annotation, found)
    image = None if raw is None else _decode(raw, slice_, settings, found)
    if raw is None or image is None:
        return None
    found.image, found.deep = image.grey, image.values is not None
    columns, rows = image.grey.size
    if not _fits(annotation, (rows, columns), slice_.image is not None, name, found):
        found.refused = list(annotation.contours)
        return None
    return annotation, image, raw


def _flagged(name: str, annotation: Annotation) -> list[Problem]:
    """A warning for each ticked flag that says not to use what is measured all the same."""
    flags: dict[str, list[str]] = {}
    for flag, label in annotation.doubts:
        flags.setdefault(flag, []).append(label)
    problems = []
    for flag, labels in flags.items():
        # The flag of the image is about all that is on it.
        shape = "" if "" in labels else ", ".join(dict.fromkeys(labels))
        what = "contour" if shape else "slice"
        message = (
            f"the flag {flag!r} is ticked, but the {what} is measured all the same; expected no such flag"
        )
        remedy = "exclude it in a review (docs/review.md), delete the contour, or untick the flag"
        problems.append(Problem(name, shape, "warning", "ticked-flag", message, remedy))
    return problems


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


def read_mapped(
    root: Path, slice_: Slice, settings: Settings, maps: LabelMaps, source: ContourSource = BESIDE
) -> OpenSlice:
    """Like :func:`read_slice`, with the regions of a label map: its pixels are the regions' pixels."""
    return _judged(lambda: _read_mapped(root, slice_, settings, maps), slice_, settings, source)


def _read_mapped(root: Path, slice_: Slice, settings: Settings, maps: LabelMaps) -> OpenSlice:
    from mriparaspinal.dataset.label_maps import values_text
    from mriparaspinal.dataset.mapped import read_regions

    found = OpenSlice()
    name = slice_.name
    raw = _image_bytes(root, slice_, None, found)
    image = None if raw is None else _decode(raw, slice_, settings, found)
    if image is None:
        return found
    found.image, found.deep = image.grey, image.values is not None
    columns, rows = image.grey.size
    mapped = read_regions(maps, slice_, (rows, columns), settings)
    found.sha256 += mapped.sha256
    found.problems += mapped.problems
    if not mapped.names:
        return found
    aliases = aliases_of(settings)
    anatomy = sort_contours(mapped.contours, (rows, columns), settings, aliases, name, tuple(mapped.broken))
    found.problems += anatomy.problems
    others = ", ".join(filter(None, (_listed(anatomy.ignored, aliases), values_text(mapped.unknown))))
    files = " and ".join(mapped.names)
    if not anatomy.seen:
        message = f"{files}: {others or 'only background'} on this slice"
        message += "; expected labels such as MF_L, ES_R, IVD"
        remedy = "check the numbering, and that the label map is of this slice"
        found.problems.append(Problem(name, "", "error", "no-known-label", message, remedy))
    elif others:
        message = f"{files}: {others} were found and ignored; expected muscles and reference only"
        remedy = "name a label of the lab's own in paraspinal.toml, or its value in the numbering"
        found.problems.append(Problem(name, "", "warning", "unknown-label", message, remedy))
    found.anatomy = anatomy
    return found


def _read(root: Path, slice_: Slice, name: str, found: OpenSlice) -> bytes | None:
    try:
        raw = read_bytes(f"{root}/{name}", SLICE_FILE_LIMIT)
    except UnreadableError as error:
        found.problems.append(error.fault.at(name, "unreadable-file").problem())
        return None
    found.sha256.append((name, hashlib.sha256(raw).hexdigest()))
    if not raw:
        code = "bad-json" if name == slice_.annotation and name != slice_.image else "unreadable-image"
        message = "an empty file of 0 bytes, as an interrupted download or copy leaves; expected the file"
        found.problems.append(Problem(name, "", "error", code, message, "download or copy it again"))
        return None
    return raw


def _belongs_to(root: Path, slice_: Slice, annotation: Annotation, found: OpenSlice) -> bool:
    """Whether ``imagePath`` lets the annotation belong to this slice; no file is opened for this."""
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
                found.problems.append(_not_read(slice_.annotation, candidate))
                return False
            message = (
                f"imagePath names {candidate}, but {own or 'no image'} has the JSON's stem; expected one name"
            )
            remedy = "annotate this slice itself if the JSON is a copy of another's, else correct imagePath"
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
    """The image next to the annotation, else the one that it carries if those surely are its grey levels."""
    name = slice_.name
    if slice_.image is not None:
        return _read(root, slice_, slice_.image, found)
    raw = embedded_image(annotation) if annotation is not None else None
    other = _unread(root, slice_.annotation) if raw is None else ""
    if other:
        found.problems.append(_not_read(slice_.annotation, other))
        return None
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


def _not_read(annotation: str, image: str) -> Problem:
    message = f"{image} is not read; expected a PNG, JPEG, TIFF or BMP with the JSON's stem"
    remedy = "save it as 8-bit greyscale PNG beside the JSON"
    return Problem(annotation, "", "error", "unreadable-image", message, remedy)


def _unread(root: Path, annotation: str) -> str:
    """A file beside a JSON, of its stem and of a format that is not read; empty if there is none."""
    folder, own = posixpath.split(annotation)
    start = composed(own.rpartition(".")[0]).casefold() + "."
    try:
        names = sorted(path.name for path in (root / folder).iterdir())
    except OSError:
        return ""
    alike = (n for n in names if composed(n).casefold().startswith(start) and ".json" not in n.casefold())
    return next((posixpath.join(folder, name) for name in alike), "")


def _decode(raw: bytes, slice_: Slice, settings: Settings, found: OpenSlice) -> SliceImage | None:
    name = slice_.name
    try:
        image = decode_image(raw, settings.window)
    except UnreadableError as error:
        found.problems.append(error.fault.at(name).problem())
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
    aliases = aliases_of(settings)
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
    found.problems = with_consequences([*found.problems, *anatomy.problems], meanings)
    found.problems += made_problems(slice_.name, anatomy.contours)
    measured = {id(contour) for _, contour in anatomy.contours}
    named = {*meanings.regions, *meanings.unclear}
    found.refused = [c for c in annotation.contours if id(c) not in measured and c.label in named]
    ignored += anatomy.ignored
    if not anatomy.seen:
        labels = _listed(ignored, aliases) or "no shapes"
        message = f"{labels} were found; expected labels such as MF_L, ES_R, IVD"
        remedy = "annotate the slice, or name the lab's labels in paraspinal.toml"
        found.problems.append(Problem(name, "", "error", "no-known-label", message, remedy))
    elif ignored:
        found.problems.append(unknown_labels(name, ignored, aliases))
        others = tuple(dict.fromkeys(ignored))
        found.ignored = others if len(others) <= _HINTS and max(map(len, others)) <= _LONG else ()
    return anatomy


def unknown_labels(file: str, labels: Sequence[str], aliases: Mapping[str, str]) -> Problem:
    """The warning about labels of a file that mean no region."""
    message = f"other labels were found and ignored: {_listed(labels, aliases)}; "
    message += "expected muscles and reference only"
    remedy = "correct a mistyped label, or name it in paraspinal.toml"
    return Problem(file, "", "warning", "unknown-label", message, remedy)


def _listed(labels: Sequence[str], aliases: Mapping[str, str]) -> str:
    """Labels for a message, each hint at what they may have been meant as once."""
    told: list[str] = []
    hints: set[str] = set()
    for label in dict.fromkeys(labels):
        meant = hint(label, aliases) if len(told) < _HINTS else ""
        told.append(f"{label[:60]!r} ({meant})" if meant and meant not in hints else repr(label[:60]))
        hints.add(meant)
    return ", ".join(told)
