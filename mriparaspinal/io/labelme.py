"""LabelMe files: bytes in, contours and problems out.

The usual file is decoded and validated in one step. Where that fails, the file is read again
leniently, so that one broken shape (a NaN, a missing coordinate) costs that shape alone.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.core.draft_mark import FLAG, doubts, is_draft, is_ticked
from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.model import MADE, Contour
from mriparaspinal.io.encodings import likely_encodings
from mriparaspinal.io.image_limits import PIXEL_LIMIT
from mriparaspinal.io.images import decode_mask

#: No image that a scanner makes is wider; beyond it a number is not a pixel position.
COORDINATE_LIMIT = 1e6

#: In px; from about 27,000 on Pillow's integers overflow, and it may draw for ever.
RADIUS_LIMIT = 20_000

#: A slice has about ten shapes of some hundred points; a file with more than these would take minutes
#: and gigabytes. Each value of a JSON but the first of a list stands behind a comma, base64 has none.
VALUES_LIMIT = 4_000_000

SHAPES_LIMIT = 10_000

#: Pixels of all shapes of type ``mask``, each of which may be as large as the image.
MASK_PIXEL_LIMIT = 12 * PIXEL_LIMIT


@dataclass(frozen=True, slots=True)
class BrokenShape:
    """A shape that cannot be used, and why."""

    label: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a LabelMe file says."""

    contours: tuple[Contour, ...]
    broken: tuple[BrokenShape, ...]
    image_path: str
    """``imagePath`` as it is in the file; empty if there is none."""
    image_size: tuple[int | None, int | None]
    """(height, width) in pixels; None for one that the file does not say."""
    image_data: bytes
    """``imageData`` as it is in the file, a JSON text of base64; see :func:`embedded_image`."""
    draft: bool = False
    """Whether the image flag ``draft`` is ticked: nobody has judged the contours yet."""
    doubts: tuple[tuple[str, str], ...] = ()
    """Ticked flags that say not to use something: (flag, label); of the image without a label."""


class _Shape(msgspec.Struct):
    label: str
    points: list[tuple[float, float]]
    shape_type: str | None = None
    mask: str | None = None
    flags: Any = None


class _File(msgspec.Struct):
    shapes: list[_Shape]
    imagePath: str | None = None  # noqa: N815 (LabelMe's spelling)
    imageHeight: int | None = None  # noqa: N815
    imageWidth: int | None = None  # noqa: N815
    imageData: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 (megabytes that are rarely needed)
    flags: Any = None


_decode = msgspec.json.Decoder(_File).decode


def read_annotation(raw: bytes) -> Annotation:
    """Parse the bytes of a LabelMe file of any version.

    Raises :class:`UnreadableError` where the file is not JSON or not LabelMe.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")  # the byte order mark of Windows editors
    _require_at_most(raw.count(b","), VALUES_LIMIT, "values")
    try:
        file = _decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_leniently(raw)
    contours, broken = _sort_out([(shape.label, shape) for shape in file.shapes])
    return Annotation(
        contours,
        broken,
        file.imagePath or "",
        _image_size(file.imageHeight, file.imageWidth),
        bytes(file.imageData),
        is_draft({"flags": file.flags}),
        _doubts(file.flags, file.shapes),
    )


def _read_leniently(raw: bytes) -> Annotation:
    remedy = "save it again in LabelMe, or restore it from a backup"
    _refuse_other_encodings(raw)
    try:
        content = json.loads(raw.decode("utf-8"), parse_int=_parse_int)
    except json.JSONDecodeError as error:
        found = f"broken JSON at line {error.lineno}, column {error.colno} ({error.msg})"
        raise unreadable(found, "a complete LabelMe file", remedy) from None
    except RecursionError:
        raise unreadable("JSON nested too deeply", "a LabelMe file", remedy) from None
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise unreadable("no list of shapes", "a LabelMe file", remedy)
    _require_at_most(len(content["shapes"]), SHAPES_LIMIT, "shapes")
    shapes: list[tuple[str, _Shape | str]] = []
    for number, entry in enumerate(content["shapes"], 1):
        label = entry.get("label") if isinstance(entry, dict) else None
        name = label if isinstance(label, str) else f"shape {number}"
        try:
            shapes.append((name, msgspec.convert(entry, _Shape)))
        except (msgspec.ValidationError, RecursionError) as error:
            shapes.append((name, str(error).replace("`", "")))
    contours, broken = _sort_out(shapes)
    path, data = content.get("imagePath"), content.get("imageData")
    return Annotation(
        contours,
        broken,
        path.encode(errors="replace").decode() if isinstance(path, str) else "",
        _image_size(content.get("imageHeight"), content.get("imageWidth")),
        b"null" if data is None else b"0" if not isinstance(data, str) else json.dumps(data).encode(),
        is_draft(content),
        _doubts(content.get("flags"), [shape for _, shape in shapes if isinstance(shape, _Shape)]),
    )


def _refuse_other_encodings(raw: bytes) -> None:
    """Raise :class:`UnreadableError` for text that is not UTF-8, and say what it may be."""
    names = likely_encodings(raw)
    try:
        raw.decode("utf-8")
        if not names:
            return
        found = ""
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is not UTF-8 text"
    if not names:
        remedy = "restore it from a backup, or save it as UTF-8 in an editor that shows its labels right"
        raise unreadable(found, "the UTF-8 JSON of LabelMe", remedy)
    told = " or ".join(f"{name} ({where})" for name, where in names)
    found = f"{found}, but most likely {told}" if found else f"text in {told}, not UTF-8"
    name = names[0][0]
    remedy = (
        f"convert it, as by 'iconv -f {name} -t UTF-8 OLD.json > NEW.json', or open it as {name} in an "
        "editor and save it as UTF-8 (LabelMe cannot open it)"
    )
    raise unreadable(found, "the UTF-8 JSON of LabelMe", remedy)


def _require_at_most(count: int, limit: int, what: str) -> None:
    if count > limit:
        found = f"{count} {what}"
        raise unreadable(found, f"those of one slice, at most {limit}", "check what the file is")


def _parse_int(text: str) -> float:
    # A whole number of thousands of digits is no coordinate, and converting it would take minutes.
    return int(text) if len(text) < 300 else math.inf


def _image_size(height: Any, width: Any) -> tuple[int | None, int | None]:
    return _pixels("imageHeight", height), _pixels("imageWidth", width)


def _pixels(field: str, value: Any) -> int | None:
    """A side of the image; None where the file does not say it."""
    if value is None:
        return None
    whole = type(value) is int or (type(value) is float and value.is_integer())  # True is an int, too
    if whole and value > 0:
        return int(value)
    shown = json.dumps(value)[:40]
    found = f"{field} is {'the text ' * isinstance(value, str)}{shown}"
    remedy = f"write the {field.removeprefix('image').lower()} of the image that was annotated there"
    raise unreadable(found, "a whole number of pixels", remedy)


def _sort_out(shapes: list[Any]) -> tuple[tuple[Contour, ...], tuple[BrokenShape, ...]]:
    contours: list[Contour] = []
    broken: list[BrokenShape] = []
    masked = 0
    _require_at_most(len(shapes), SHAPES_LIMIT, "shapes")
    for label, shape in shapes:
        if isinstance(shape, str):
            found = f"not a LabelMe shape ({shape}); expected label and points"
            broken.append(BrokenShape(label, "bad-shape", found))
            continue
        result = _contour(shape)
        if isinstance(result, Contour):
            contours.append(result)
            if result.mask is not None:
                masked += result.mask.size
                _require_at_most(masked, MASK_PIXEL_LIMIT, "pixels of masks")
        else:
            broken.append(BrokenShape(label, *result))
    return tuple(contours), tuple(broken)


_POINTS_NEEDED = {"rectangle": 2, "circle": 2, "mask": 2, "oriented_rectangle": 4}

#: Shapes that X-AnyLabeling alone saves, and what they are called in LabelMe.
_X_ANYLABELING = {"rotation": "oriented_rectangle", "quadrilateral": "polygon"}


def _contour(shape: _Shape) -> Contour | tuple[str, str]:
    """The contour of a shape, or (code, what is wrong with it)."""
    kind = shape.shape_type or "polygon"
    points = shape.points
    if kind in _X_ANYLABELING:
        if len(points) != 4:
            return "bad-shape", f"a {kind} of {len(points)} points; expected 4"
        kind = _X_ANYLABELING[kind]
    if kind == "rectangle" and len(points) == 4:
        # X-AnyLabeling saves all corners, LabelMe two that lie opposite.
        if not _is_upright(points):
            return "bad-shape", "a rectangle of 4 points that is not upright; expected its corners in turn"
        points = [points[0], points[2]]
    if kind != "polygon" and kind not in _POINTS_NEEDED:
        return "not-closed", f"a {kind[:40]} encloses no area; expected a polygon or another closed shape"
    needed = _POINTS_NEEDED.get(kind)
    if needed is None and len(points) < 3:
        return "too-few-points", f"{len(points)} points; expected at least 3"
    if needed is not None and len(points) != needed:
        return "bad-shape", f"a {kind} of {len(points)} points; expected {needed}"
    contour = Contour(shape.label, kind, tuple(points), None, _made(shape))
    # A NaN goes through the maximum, and fails every comparison.
    if not abs(contour.xy).max() <= COORDINATE_LIMIT:
        return _not_a_position(points)
    if kind == "circle" and (radius := math.dist(*points)) > RADIUS_LIMIT:
        return "not-a-position", f"a circle of radius {radius:g} px; expected at most {RADIUS_LIMIT}"
    if kind == "mask":
        return _mask_contour(shape)
    return contour


def _is_upright(points: list[tuple[float, float]]) -> bool:
    """Whether four points are the corners of an upright rectangle, one after another."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    return (ay == by and bx == cx and cy == dy and dx == ax) or (
        ax == bx and by == cy and cx == dx and dy == ay
    )


def _not_a_position(points: list[tuple[float, float]]) -> tuple[str, str]:
    largest = max((abs(number) for point in points for number in point), key=lambda x: (x != x, x))
    if not math.isfinite(largest):
        return "not-finite", "a coordinate is not a finite number; expected pixel positions"
    return "not-a-position", f"a coordinate of {largest:g}; expected pixel positions"


def _mask_contour(shape: _Shape) -> Contour | tuple[str, str]:
    mask = decode_mask(_base64((shape.mask or "").encode("ascii", "replace")) or b"")
    if mask is None:
        return "bad-shape", "a mask without a readable image; expected the PNG that LabelMe embeds"
    # As LabelMe 7.1 places it: corners are rounded (halves to even), and where they lie between pixels the
    # mask keeps its own size, as each corner by itself may be rounded to the other side.
    (left, top), (right, bottom) = ((round(x), round(y)) for x, y in shape.points)
    rows, columns = mask.shape
    slack = 0 if all(float(n).is_integer() for point in shape.points for n in point) else 1
    expected = (bottom - top + 1, right - left + 1)
    if max(abs(rows - expected[0]), abs(columns - expected[1])) > slack:
        found = f"a mask of {rows}×{columns} pixels (rows×columns)"
        return "bad-shape", f"{found}; expected {expected[0]}×{expected[1]} from its two corners"
    corners = ((float(left), float(top)), (float(left + columns - 1), float(top + rows - 1)))
    return Contour(shape.label, "mask", corners, mask, _made(shape))


def _made(shape: _Shape) -> str:
    """The mark that ``contours`` gave to a shape; empty without one."""
    return next((mark for mark in MADE if is_ticked(shape.flags, mark)), "") if shape.flags else ""


def _doubts(flags: object, shapes: list[_Shape]) -> tuple[tuple[str, str], ...]:
    flagged = ((shape.label, shape.flags) for shape in shapes if shape.flags)
    return tuple((flag, label) for label, ticked in (("", flags), *flagged) for flag in doubts(ticked))


def embedded_image(annotation: Annotation) -> bytes | None:
    """The image that the file carries in ``imageData``; None if there is none that can be decoded."""
    data = annotation.image_data
    try:
        return binascii.a2b_base64(data[1:-1], strict_mode=True) or None
    except binascii.Error:
        pass  # escapes, line ends: every spelling of JSON
    text = "".join(_embedded_text(annotation).split())
    if text.startswith("data:"):  # as browsers and web tools write it
        text = text.partition(",")[2]
    return _base64(text.replace("-", "+").replace("_", "/").encode("ascii", "replace"))


def embeds_something(annotation: Annotation) -> bool:
    """Whether ``imageData`` holds anything, be it no base64 of an image."""
    return annotation.image_data.strip() not in (b"", b"null", b'""')


def _embedded_text(annotation: Annotation) -> str:
    try:
        return msgspec.json.decode(annotation.image_data, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def embeds(annotation: Annotation, image: bytes) -> bool:
    """Whether the file carries these very bytes; the usual spelling only, and without decoding it."""
    data = annotation.image_data
    return len(data) == 4 * -(-len(image) // 3) + 2 and data[1:-1] == base64.b64encode(image)


#: How a PNG of 8 bits of grey ends: the checksum of its lines, that of the chunk, and the last chunk.
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def embeds_same_stream(annotation: Annotation, image: bytes) -> bool:
    """Whether the file carries a PNG of the same lines, packed in another way; without decoding it.

    The stream of a PNG ends with the Adler-32 checksum of its lines. A False says nothing.
    """
    data = annotation.image_data
    try:
        head, tail = (binascii.a2b_base64(part, strict_mode=True) for part in (data[1:45], data[-45:-1]))
    except binascii.Error:
        return False
    # Signature and header: 33 bytes, with grey of 8 bits.
    if head != image[:33] or image[24:26] != b"\x08\0" or image[1:4] != b"PNG":
        return False
    ends = tail[-12:] == image[-12:] == _PNG_END
    return ends and tail[-20:-16] == image[-20:-16]


def _base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


#: The version whose format is written; LabelMe of any later version reads it.
VERSION = "5.5.0"


def labelme_bytes(
    image_name: str, shape: tuple[int, int], contours: Iterable[Contour], draft: bool = False
) -> bytes:
    """The file as LabelMe saves it beside an image of (rows, columns); always the same bytes.

    ``draft``: with the image flag that says that nobody has judged the contours.
    """
    rows, columns = shape
    content: dict[str, object] = {
        "version": VERSION,
        "flags": {FLAG: True} if draft else {},
        "shapes": [_shape(contour) for contour in contours],
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": rows,
        "imageWidth": columns,
    }
    return (json.dumps(content, separators=(",", ":")) + "\n").encode()


def _shape(contour: Contour) -> dict[str, object]:
    return {
        "label": contour.label,
        "points": contour.points,
        "group_id": None,
        "description": "",
        "shape_type": contour.shape_type,
        "flags": {contour.made: True} if contour.made else {},
        "mask": None if contour.mask is None else _png_base64(contour.mask),
    }


def _png_base64(mask: NDArray[np.bool_]) -> str:
    content = io.BytesIO()
    # Not compressed: the same bytes whatever compressor Pillow was built with.
    Image.fromarray(mask).save(content, "PNG", compress_level=0)
    return base64.b64encode(content.getvalue()).decode("ascii")
