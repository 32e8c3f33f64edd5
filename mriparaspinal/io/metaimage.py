"""MetaImage volumes of ITK: ``.mha``, and ``.mhd`` with a file of voxels. Positions are LPS+, in mm."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import unreadable
from mriparaspinal.imaging.slice_position import SlicePlace, map_affine, map_spacing
from mriparaspinal.io.stored_voxels import (
    HEADER_LIMIT,
    Encoding,
    StoredVoxels,
    data_file,
    first_of,
    header_fenced,
    numbers_of,
    placed,
    require_volume,
    whole_numbers_of,
)

ENDINGS = (".mha", ".mhd")

#: A "long" of this format has four bytes.
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip

_LOCAL = ("LOCAL", "Local", "local")


@dataclass(frozen=True, slots=True)
class MetaImage:
    """The header of a volume."""

    stored: StoredVoxels
    affine: NDArray[np.float64] | None
    """4×4, voxel index → mm in LPS+; None if the file does not give its position."""

    def voxels(self) -> NDArray[Any]:
        """(i, j, k); raises :class:`UnreadableError`."""
        voxels = self.stored.read()
        return voxels[..., None] if voxels.ndim == 2 else voxels.reshape(voxels.shape[:3])


def read_metaimage(path: Path) -> MetaImage:
    """The header of a volume; raises :class:`UnreadableError`."""
    with header_fenced("MetaImage"):
        fields, offset = _fields(path)
        if fields.get("ObjectType", "Image") != "Image":
            raise unreadable(
                f"an object of type {fields['ObjectType'][:40]!r}", "an image", "export the image"
            )
        sizes = whole_numbers_of(fields["DimSize"])
        if whole_numbers_of(fields["NDims"]) != (len(sizes),):
            raise ValueError("sizes")
        kind = fields["ElementType"]
        if kind not in _TYPES or fields.get("ElementNumberOfChannels", "1") != "1":
            found = f"voxels of type {kind[:40]!r}, or of several numbers each"
            raise unreadable(found, "one number each", "export grey levels or labels")
        if len(sizes) < 2 or any(n != 1 for n in sizes[3:]):
            found = f"{'×'.join(map(str, sizes))} voxels"
            raise unreadable(found, "one volume of three dimensions", "take one volume out of it")
        require_volume(sizes, np.dtype(_TYPES[kind]))
        return MetaImage(_stored(path, fields, sizes, _TYPES[kind], offset), _affine(fields, len(sizes)))


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields, of which ElementDataFile is the last, and where they end."""
    with path.open("rb") as file:
        head = file.read(HEADER_LIMIT)
    fields: dict[str, str] = {}
    at = 0
    while at < len(head):
        end = head.find(b"\n", at)
        end = len(head) if end < 0 else end
        name, sign, value = head[at:end].decode("utf-8", "replace").partition("=")
        at = end + 1
        if not sign:
            if name.strip():
                raise ValueError("a line that is no field")
            continue
        name = name.strip()
        if name in fields:
            raise unreadable(f"the field {name[:40]!r} twice", "it once", "export it again")
        fields[name] = value.strip()
        if name == "ElementDataFile":
            return fields, at
    raise ValueError("no ElementDataFile")


def _stored(
    path: Path, fields: Mapping[str, str], sizes: tuple[int, ...], kind: str, offset: int
) -> StoredVoxels:
    binary, packed = _true(fields, "BinaryData", default=True), _true(fields, "CompressedData")
    encoding: Encoding = "packed" if packed else "raw" if binary else "text"
    big = _true(fields, "BinaryDataByteOrderMSB", "ElementByteOrderMSB")
    dtype = np.dtype(kind).newbyteorder(">" if big else "<")
    named = fields["ElementDataFile"]
    (skipped,) = whole_numbers_of(fields.get("HeaderSize", "0"))
    if named in _LOCAL:
        if skipped:
            raise ValueError("HeaderSize")
    else:
        if named.split()[:1] == ["LIST"] or "%" in named:
            raise unreadable("voxels in several files", "one", "export it as one file .mha")
        path, offset = data_file(path, named), skipped
    if offset < -1 or (offset == -1 and encoding != "raw"):
        raise ValueError("HeaderSize")
    return StoredVoxels(path, offset, sizes, dtype, encoding)


def _true(fields: Mapping[str, str], *names: str, default: bool = False) -> bool:
    text = first_of(fields, *names)
    if text is None:
        return default
    return {"true": True, "1": True, "false": False, "0": False}[text.casefold()]


def _affine(fields: Mapping[str, str], dimensions: int) -> NDArray[np.float64] | None:
    """None where the file leaves out a part, or is of two dimensions: that is no place in a patient."""
    directions = first_of(fields, "TransformMatrix", "Rotation", "Orientation")
    origin = first_of(fields, "Offset", "Position", "Origin")
    spacing = first_of(fields, "ElementSpacing", "ElementSize")
    if directions is None or origin is None or spacing is None or dimensions < 3:
        return None
    if fields.get("DistanceUnits", "mm") not in ("mm", "?"):
        raise unreadable("positions that are not in mm", "mm", "export it again")
    # One row for each axis of the volume.
    rows = np.array(numbers_of(directions)).reshape(dimensions, dimensions)[:3, :3]
    steps = rows.T * np.array(numbers_of(spacing)[:3])
    return placed(steps, numbers_of(origin)[:3])


def metaimage_bytes(
    labels: NDArray[np.uint8], place: SlicePlace | None, spacing_mm: tuple[float, float] | None
) -> bytes:
    """The label map of one slice, (rows, columns), as a volume of (columns, rows, 1) voxels.

    Without a ``place`` the file has no position. The same input gives the same bytes.
    """
    rows, columns = labels.shape
    packed = zlib.compress(np.ascontiguousarray(labels).tobytes())
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(len(packed)),
    }
    spacing: Iterable[float] = map_spacing(spacing_mm)
    if place is not None:
        affine = map_affine(place)
        spacing = np.linalg.norm(affine[:3, :3], axis=0).tolist()
        fields["TransformMatrix"] = _numbers_text((affine[:3, :3] / list(spacing)).T.ravel().tolist())
        fields["Offset"] = _numbers_text(affine[:3, 3].tolist())
        fields["CenterOfRotation"] = "0 0 0"
    fields |= {
        "ElementSpacing": _numbers_text(spacing),
        "DimSize": f"{columns} {rows} 1",
        "ElementType": "MET_UCHAR",
        "ElementDataFile": "LOCAL",
    }
    return "".join(f"{name} = {value}\n" for name, value in fields.items()).encode() + packed


def _numbers_text(numbers: Iterable[float]) -> str:
    return " ".join(repr(float(number) + 0.0) for number in numbers)
