"""DICOM SEG: segmented frames in the patient's space. Of the file, only pixels, places and segment labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.text import read_number
from mriparaspinal.imaging.planes import Plane, square_plane
from mriparaspinal.io.dicom_header import fenced, read_object, require_decoder
from mriparaspinal.io.rtstruct import AUTOMATIC

_TAGS = (
    "SegmentationType",
    "MaximumFractionalValue",
    "SegmentSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)

_FRAME_LIMIT = 4096 * 4096


@dataclass(frozen=True, slots=True)
class SegFrame:
    """One segmented frame: its place, and the distance of frames, mm, where the file tells it."""

    plane: Plane
    spacing_mm: float | None


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The frames of a file; their pixels are read when asked for."""

    frames: tuple[SegFrame, ...]
    size: tuple[int, int]
    """Rows and columns of each frame."""
    read: Callable[[int], list[tuple[str, NDArray[np.bool_]]]]
    """The segments of a frame: label and pixels (rows, columns). Raises ``UnreadableError``."""
    automatic: bool = False
    """Whether it says that a program made some of them."""


def read_segmentation(path: Path) -> Segmentation:
    """The frames of a SEG file; raises :class:`UnreadableError`."""
    header = read_object(path, _TAGS)
    with fenced("the segmentation"):
        kind = str(header.get("SegmentationType", "")).strip().upper()
        if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
            found = "a segmentation of unknown type"
            raise unreadable(found, "BINARY, LABELMAP or FRACTIONAL", "export it as BINARY")
        if not 0 < int(header.Rows) * int(header.Columns) <= _FRAME_LIMIT or "PixelData" not in header:
            raise unreadable("no frames of pixels", "a segmentation", "export it again")
        labels = {
            int(item.SegmentNumber): str(item.get("SegmentLabel") or f"segment {int(item.SegmentNumber)}")
            for item in header.get("SegmentSequence") or []
        }
        groups = header.get("PerFrameFunctionalGroupsSequence") or []
        shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
        count = int(header.get("NumberOfFrames") or 1)
        if len(groups) != count:
            found = f"{len(groups)} descriptions of frames for {count} frames"
            raise unreadable(found, "one for each", "export it again")
        require_decoder(header.file_meta.TransferSyntaxUID)
        _require_length(header, count)
        frames = tuple(_frame(item, shared[0]) for item in groups)
        segments = [None if kind == "LABELMAP" else _segment_of(item, shared[0]) for item in groups]

    def read(index: int) -> list[tuple[str, NDArray[np.bool_]]]:
        with fenced("the pixels"):
            values = _pixels(header, index, count)
            if values.shape != (int(header.Rows), int(header.Columns)):
                raise ValueError("the shape of the pixels")
            if kind == "FRACTIONAL":
                _require_whole(values, header)
            number = segments[index]
            if number is not None:
                return [(labels.get(number, f"segment {number}"), values != 0)]
            there = [int(value) for value in np.unique(values) if value]
            return [(labels.get(value, f"segment {value}"), values == value) for value in there]

    said = {
        str(item.get("SegmentAlgorithmType") or "").strip().upper()
        for item in header.get("SegmentSequence") or []
    }
    size = (int(header.Rows), int(header.Columns))
    return Segmentation(frames, size, read, bool(said & set(AUTOMATIC)))


def _native(header: Dataset) -> bool:
    return not header.file_meta.TransferSyntaxUID.is_encapsulated


def _require_length(header: Dataset, count: int) -> None:
    """Raise where there are not as many bytes as the frames need, to which one may be added to make it even.

    Frames of single bits run on without a gap (PS3.5 8.1.1): of a file that begins each one with a byte of
    its own, all but the first would be shifted.
    """
    if not _native(header):
        return
    pixels, bits = int(header.Rows) * int(header.Columns), int(header.BitsAllocated)
    needed, there = -(-pixels * count * bits // 8), len(header.PixelData)
    if needed <= there <= needed + needed % 2:
        return
    padded = -(-pixels * bits // 8) * count
    what = ", as where each begins with a byte of its own" if padded <= there <= padded + padded % 2 else ""
    found = f"{there} bytes of pixels for {count} frames of {header.Rows}×{header.Columns}{what}"
    raise unreadable(found, f"{needed}", "export it again, with another tool or version")


def _pixels(header: Dataset, index: int, count: int) -> NDArray[Any]:
    """The stored values of a frame, (rows, columns)."""
    if not (_native(header) and int(header.BitsAllocated) == 1):
        return np.asarray(pixel_array(header, index=index if count > 1 else None, raw=True))
    rows, columns = int(header.Rows), int(header.Columns)
    first = index * rows * columns
    end = first + rows * columns
    packed = np.frombuffer(header.PixelData, np.uint8)[first // 8 : -(-end // 8)]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][: rows * columns]
    return bits.reshape(rows, columns)


def _require_whole(values: NDArray[Any], header: Dataset) -> None:
    most = int(header.get("MaximumFractionalValue") or 0)
    if not np.isin(values, (0, most)).all():
        found = "fractional segments"
        remedy = "choose a threshold in the tool that made it, export it as BINARY"
        raise unreadable(found, "pixels that are in or out (0 or the maximum)", remedy)


def _group(item: Dataset, shared: Dataset, name: str) -> Dataset:
    sequence = item.get(name) or shared.get(name)
    if not sequence:
        remedy = "export it from the original series"
        expected = "position, orientation and spacing"
        raise unreadable("a frame without its place in the patient", expected, remedy)
    found: Dataset = sequence[0]
    return found


def _segment_of(item: Dataset, shared: Dataset) -> int:
    return int(_group(item, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber)


def _floats(values: Any) -> list[float]:
    """Numbers as they are written; NaN, which no plane has, for what is not one (``float`` takes ``0_5``)."""
    numbers = [read_number(str(value)) for value in values]
    return [math.nan if number is None else number for number in numbers]


def _frame(item: Dataset, shared: Dataset) -> SegFrame:
    directions = _floats(_group(item, shared, "PlaneOrientationSequence").ImageOrientationPatient)
    x, y, z = _floats(_group(item, shared, "PlanePositionSequence").ImagePositionPatient)
    measures = _group(item, shared, "PixelMeasuresSequence")
    rows, columns = _floats(measures.PixelSpacing)
    ax, ay, az, dx, dy, dz = directions
    plane = square_plane((ax, ay, az), (dx, dy, dz), (x, y, z), (rows, columns))
    if plane is None or not all(math.isfinite(mm) and 0 < mm < 100 for mm in (rows, columns)):
        found = "a frame with invalid orientation or pixel spacing"
        raise unreadable(found, "those of the series", "export it from the original series")
    between = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness")
    (spacing,) = _floats([between]) if between else (0.0,)
    return SegFrame(plane, spacing if math.isfinite(spacing) and 0 < spacing < 100 else None)
