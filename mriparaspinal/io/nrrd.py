"""NRRD volumes: ``.nrrd``, ``.nhdr`` with a file of voxels, and 3D Slicer's segmentations (``.seg.nrrd``).

What is not known here is refused, as are parts that no lumbar volume has: several files of voxels, lines or
bytes to pass over in what is packed, colours, tensors. Names of segments are UTF-8, as Slicer writes them.

pynrrd would do the first half of it, but drops the letters of names that are not ASCII, unpacks without a
bound and follows a header to any file; SimpleITK takes 260 MB and writes on the terminal. The tests compare
with the latter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.imaging.slice_position import SlicePlace, map_affine, map_spacing
from mriparaspinal.io.stored_voxels import (
    HEADER_LIMIT,
    Encoding,
    StoredVoxels,
    data_file,
    first_of,
    gzipped,
    header_fenced,
    numbers_of,
    placed,
    require_volume,
    whole_numbers_of,
)

ENDINGS = (".seg.nrrd", ".nrrd", ".nhdr")

_TYPES = {
    "signed char": "i1", "int8": "i1", "int8_t": "i1",
    "uchar": "u1", "unsigned char": "u1", "uint8": "u1", "uint8_t": "u1",
    "short": "i2", "short int": "i2", "signed short": "i2", "signed short int": "i2",
    "int16": "i2", "int16_t": "i2",
    "ushort": "u2", "unsigned short": "u2", "unsigned short int": "u2", "uint16": "u2", "uint16_t": "u2",
    "int": "i4", "signed int": "i4", "int32": "i4", "int32_t": "i4",
    "uint": "u4", "unsigned int": "u4", "uint32": "u4", "uint32_t": "u4",
    "longlong": "i8", "long long": "i8", "long long int": "i8", "signed long long": "i8",
    "signed long long int": "i8", "int64": "i8", "int64_t": "i8",
    "ulonglong": "u8", "unsigned long long": "u8", "unsigned long long int": "u8",
    "uint64": "u8", "uint64_t": "u8",
    "float": "f4", "double": "f8",
}  # fmt: skip

_ENCODINGS: Mapping[str, Encoding] = {
    "raw": "raw", "gz": "packed", "gzip": "packed", "bz2": "bzip2", "bzip2": "bzip2",
    "txt": "text", "text": "text", "ascii": "text",
}  # fmt: skip

#: What the axes of the patient are multiplied by to be LPS+.
_SPACES = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip

_SEGMENT = re.compile(r"Segment([0-9]{1,6})_(\w+)")

#: More layers than overlapping segments need.
_LAYERS_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a ``.seg.nrrd``."""

    name: str
    layer: int
    value: int
    colour: tuple[float, float, float] | None = None
    """Red, green, blue, each from 0 to 1; only for what is written."""


@dataclass(frozen=True, slots=True)
class Nrrd:
    """The header of a volume."""

    stored: StoredVoxels
    layers_axis: int | None
    """The axis of the layers of a segmentation; None where there is one layer."""
    affine: NDArray[np.float64] | None
    """4×4, voxel index → mm in LPS+; None if the file does not give its position."""
    segments: tuple[Segment, ...]
    """Of a segmentation of 3D Slicer."""

    def layers(self) -> NDArray[Any]:
        """The voxels, (layers, i, j, k); raises :class:`UnreadableError`."""
        voxels = self.stored.read()
        voxels = voxels[None] if self.layers_axis is None else np.moveaxis(voxels, self.layers_axis, 0)
        return voxels[..., None] if voxels.ndim == 3 else voxels


def read_nrrd(path: Path) -> Nrrd:
    """The header of a volume; raises :class:`UnreadableError`."""
    with header_fenced("NRRD"):
        fields, pairs, offset = _parts(path)
        dimension = whole_numbers_of(fields["dimension"])[0]
        sizes = whole_numbers_of(fields["sizes"])
        if len(sizes) != dimension:
            raise ValueError("sizes")
        kind = fields["type"].casefold()
        if kind not in _TYPES:
            raise unreadable(
                f"voxels of type {kind[:40]!r}", "one number each", "export grey levels or labels"
            )
        require_volume(sizes, np.dtype(_TYPES[kind]))
        segments = _segments(pairs)
        directions = _directions(fields, dimension)
        list_axis = _list_axis(fields, directions, sizes, bool(segments))
        steps = np.array([step for axis, step in enumerate(directions) if axis != list_axis])
        affine = _affine(fields, steps)
        stored = _stored(path, fields, sizes, _TYPES[kind], offset)
        layers = 1 if list_axis is None else sizes[list_axis]
        numbered = _numbered(segments, layers) if segments else ()
        return Nrrd(stored, list_axis, affine, numbered)


def has_segments(path: Path) -> bool:
    """Whether a file is a segmentation of 3D Slicer, which names its labels itself."""
    if not path.name.lower().endswith(ENDINGS):
        return False
    try:
        return bool(read_nrrd(path).segments)
    except UnreadableError:
        return False


def _parts(path: Path) -> tuple[dict[str, str], dict[str, str], int]:
    """The fields, the keys and their values, and where the header ends."""
    with path.open("rb") as file:
        head = file.read(HEADER_LIMIT)
    if not re.match(rb"NRRD000[1-5]\r?\n", head):
        raise ValueError("no NRRD")
    # The blank line that ends an attached header; a detached one may end with the file.
    end = re.search(rb"\n\r?\n", head)
    if end is None and len(head) == HEADER_LIMIT:
        raise ValueError("no end")
    text = head[: end.start() if end else len(head)].decode("utf-8", "replace")
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        match = re.match(r"([^:]+):(=|\s*)(.*)", line, re.DOTALL)
        if match is None:
            raise ValueError("a line that is no field")
        name, sign, value = match.groups()
        into, name = (pairs, name) if sign == "=" else (fields, name.strip().casefold())
        if name in into:
            raise unreadable(f"the field {name[:40]!r} twice", "it once", "export it again")
        into[name] = value.strip()
    return fields, pairs, end.end() if end else -1


def _stored(
    path: Path, fields: Mapping[str, str], sizes: tuple[int, ...], kind: str, offset: int
) -> StoredVoxels:
    encoding = _ENCODINGS.get(fields["encoding"].casefold())
    if encoding is None:
        found = f"voxels in the encoding {fields['encoding'][:40]!r}"
        raise unreadable(found, "raw, gzip, bzip2 or text", "export it again")
    dtype = np.dtype(kind)
    if dtype.itemsize > 1 and encoding != "text":
        dtype = _in_order(dtype, fields["endian"].casefold())
    named = first_of(fields, "data file", "datafile")
    if named is not None:
        if named.split()[:1] == ["LIST"] or "%" in named:
            found = "voxels in several files"
            raise unreadable(found, "one", "export it as one file .nrrd")
        path, offset = data_file(path, named), 0
    elif offset < 0:
        raise ValueError("no voxels")
    lines = whole_numbers_of(first_of(fields, "line skip", "lineskip") or "0")
    skipped = whole_numbers_of(first_of(fields, "byte skip", "byteskip") or "0")
    if lines != (0,) or len(skipped) != 1 or skipped[0] < -1 or (skipped[0] and encoding != "raw"):
        found = "lines or packed bytes to pass over"
        raise unreadable(found, "voxels right behind the header", "export it again")
    offset = -1 if skipped[0] == -1 else offset + skipped[0]
    return StoredVoxels(path, offset, sizes, dtype, encoding)


def _in_order(dtype: np.dtype[Any], endian: str) -> np.dtype[Any]:
    if endian not in ("little", "big"):
        raise ValueError("endian")
    return dtype.newbyteorder("<" if endian == "little" else ">")


def _directions(fields: Mapping[str, str], dimension: int) -> list[tuple[float, ...] | None]:
    """The step of each axis; None for an axis that leads nowhere, and for all where none is told."""
    text = fields.get("space directions")
    if text is None:
        return [None] * dimension
    words = re.findall(r"\([^()]*\)|none", text, re.IGNORECASE)
    if len(words) != dimension or re.sub(r"\([^()]*\)|none|\s", "", text, flags=re.IGNORECASE):
        raise ValueError("directions")
    return [None if word.casefold() == "none" else _vector(word) for word in words]


def _vector(text: str) -> tuple[float, ...]:
    inner = text.strip()
    if not (inner.startswith("(") and inner.endswith(")")):
        raise ValueError("a vector")
    return numbers_of(inner[1:-1].replace(",", " "))


def _list_axis(
    fields: Mapping[str, str],
    directions: list[tuple[float, ...] | None],
    sizes: tuple[int, ...],
    segmented: bool,
) -> int | None:
    """The axis of the layers; raises :class:`UnreadableError` where the axes are not those of a volume."""
    kinds = fields.get("kinds", "").casefold().split()
    if "space directions" in fields:
        nowhere = [axis for axis, step in enumerate(directions) if step is None]
    else:
        nowhere = [axis for axis, kind in enumerate(kinds) if kind not in ("domain", "space", "???", "none")]
    space = len(sizes) - len(nowhere)
    one_list = len(nowhere) == 1 and segmented and space == 3 and sizes[nowhere[0]] <= _LAYERS_LIMIT
    if space in (2, 3) and (not nowhere or one_list):
        return nowhere[0] if nowhere else None
    found = f"{'×'.join(map(str, sizes))} voxels with {space} axes in space"
    raise unreadable(found, "one volume of three dimensions", "export grey levels or labels alone")


def _affine(fields: Mapping[str, str], steps: NDArray[Any]) -> NDArray[np.float64] | None:
    scale = _SPACES.get(fields.get("space", "").casefold())
    origin = fields.get("space origin")
    if scale is None or origin is None or "space directions" not in fields:
        return None
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", "")))
    if units - {"mm", ""}:
        raise unreadable("positions that are not in mm", "mm", "export it again")
    return placed(np.asarray(steps, dtype=float).T, _vector(origin), scale)


def _segments(pairs: Mapping[str, str]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for key, value in pairs.items():
        match = _SEGMENT.fullmatch(key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = value.replace("\\n", " ").replace("\\\\", "\\")
    return {number: segment for number, segment in sorted(found.items()) if {"Name", "ID"} & set(segment)}


def _clean(name: str) -> str:
    """A name as one line of text that any program can show."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:200]


def _numbered(segments: Mapping[int, Mapping[str, str]], layers: int) -> tuple[Segment, ...]:
    """The segments with their layers and values; before Slicer 4.11 each has a layer of its own, of ones."""
    told = [segment for segment in segments.values() if "LabelValue" in segment]
    if not told and len(segments) != layers:
        found = f"{len(segments)} segments without label values in {layers} layers"
        raise unreadable(found, "a label value for each", "save it with a newer 3D Slicer")
    if told and len(told) < len(segments):
        raise unreadable("a segment without a label value", "one for each", "save it again in 3D Slicer")
    numbered = []
    for order, (number, segment) in enumerate(segments.items()):
        name = _clean(segment.get("Name") or segment.get("ID") or "") or f"segment {number}"
        (value,) = whole_numbers_of(segment["LabelValue"]) if told else (1,)
        (layer,) = whole_numbers_of(segment.get("Layer", "0")) if told else (order,)
        if not 0 <= layer < layers or value < 1:
            found = f"segment {name[:60]!r} in layer {layer} with value {value}"
            raise unreadable(found, f"layers 0 to {layers - 1}, values from 1", "save it again in 3D Slicer")
        numbered.append(Segment(name, layer, value))
    places = {(segment.layer, segment.value) for segment in numbered}
    if len(places) < len(numbered):
        found = "two segments with one layer and value"
        raise unreadable(found, "each its own", "save it again in 3D Slicer")
    return tuple(numbered)


def nrrd_bytes(
    layers: NDArray[np.uint8],
    place: SlicePlace | None,
    spacing_mm: tuple[float, float] | None,
    segments: Sequence[Segment] = (),
) -> bytes:
    """The label map of one slice, (layers, rows, columns), as a volume of (columns, rows, 1) voxels.

    With ``segments``, as 3D Slicer has it, by their names. Without a ``place`` the file has no space. The
    same input gives the same bytes.
    """
    count, rows, columns = layers.shape
    several = count > 1
    voxels = layers.transpose(0, 2, 1)[..., None] if several else layers[0].T[..., None]
    lines = ["NRRD0004", "type: unsigned char", f"dimension: {voxels.ndim}"]
    if place is not None:
        affine = map_affine(place)
        steps = [_vector_text(affine[:3, axis]) for axis in range(3)]
        lines.append("space: left-posterior-superior")
    lines.append(f"sizes: {' '.join(map(str, voxels.shape))}")
    if place is not None:
        lines.append(f"space directions: {' '.join(['none'] * several + steps)}")
    else:
        apart = [repr(float(step)) for step in map_spacing(spacing_mm)]
        lines.append(f"spacings: {' '.join(['NaN'] * several + apart)}")
    lines += [f"kinds: {'list ' * several}domain domain domain", "encoding: gzip"]
    if place is not None:
        lines.append(f"space origin: {_vector_text(affine[:3, 3])}")
    for number, segment in enumerate(segments):
        told = {
            "ID": segment.name,
            "Name": segment.name,
            "NameAutoGenerated": "0",
            "Color": " ".join(f"{part:.6g}" for part in segment.colour or (0.5, 0.5, 0.5)),
            "ColorAutoGenerated": "0",
            "Extent": f"0 {columns - 1} 0 {rows - 1} 0 0",
            "LabelValue": str(segment.value),
            "Layer": str(segment.layer),
        }
        lines += [f"Segment{number}_{key}:={value}" for key, value in told.items()]
    if segments:
        lines += [
            "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
            "Segmentation_MasterRepresentation:=Binary labelmap",
            "Segmentation_ReferenceImageExtentOffset:=0 0 0",
            "Segmentation_SourceRepresentation:=Binary labelmap",
        ]
    return "\n".join([*lines, "", ""]).encode() + gzipped(voxels.tobytes(order="F"))


def _vector_text(vector: NDArray[np.float64]) -> str:
    return f"({','.join(repr(number + 0.0) for number in vector.tolist())})"
