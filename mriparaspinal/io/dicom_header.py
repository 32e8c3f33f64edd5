"""DICOM objects that are no images: opened by their kind. Read only.

Only the attributes that are asked for are kept: no name, date or UID of a patient comes in here.
What a damaged file makes pydicom raise can be anything, and its words may quote the file; so every
call into it is fenced, and the message is ours.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
)

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.core.text import read_number
from mriparaspinal.imaging.window import LookupTable
from mriparaspinal.io.folder import FILE_SIZE_LIMIT

#: The decoders of syntaxes that the extra "dicom" cannot decode.
_HTJ2K = 'pylibjpeg "pylibjpeg-openjpeg>=2"'

_OWN_DECODERS = dict.fromkeys((HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), _HTJ2K)

_KIND = ("SOPClassUID", "Modality", "SpecificCharacterSet")


def modality_of(path: Path) -> str:
    """``RTSTRUCT``, ``SEG`` …; empty for what is no DICOM file. Raises :class:`UnreadableError`."""
    header = _read(path, (), pixels=False)
    if header is None:
        return ""
    with fenced("the header"):
        return str(header.get("Modality", "")).strip().upper()


def read_object(path: Path, keywords: Sequence[str]) -> Dataset:
    """The attributes of a file that are asked for; raises :class:`UnreadableError`."""
    found = _read(path, keywords, pixels=True)
    if found is None:
        raise _broken("the file")
    return found


def _read(path: Path, keywords: Sequence[str], pixels: bool) -> Dataset | None:
    try:
        with path.open("rb") as file:
            start = file.read(132)
        if path.stat().st_size > FILE_SIZE_LIMIT:
            found = f"more than {FILE_SIZE_LIMIT / 1e6:.0f} MB"
            raise unreadable(found, "contours or a segmentation", "check what the file is")
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise unreadable(found, "a readable file", "check that it is there and its rights") from None
    # Without the preamble a file may be anything: it has to begin as a data set does, in group 2 or 8.
    bare = start[128:132] != b"DICM"
    if bare and start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return None
    with fenced("the file"):
        try:
            require_inflatable(path, bare)
            with WithinFile(io.FileIO(str(path))) as file:
                tags = [*_KIND, *keywords]
                return pydicom.dcmread(file, force=bare, stop_before_pixels=not pixels, specific_tags=tags)
        except InvalidDicomError:
            return None


class WithinFile(io.BufferedReader):
    """Reads no more than the file holds: for a damaged length of 4 GB the plain reader sets them aside."""

    def read(self, size: int | None = -1) -> bytes:
        """As the plain reader; what the file does not hold is not asked for."""
        if size is not None and size > 1 << 16:
            size = min(size, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


def require_inflatable(path: Path, bare: bool) -> None:
    """Raise :class:`UnreadableError` for a file that unpacks to more than any that is read as a whole.

    pydicom unpacks the deflated syntax at once, however large it becomes. ``bare``: without a preamble.
    """
    if bare:
        return
    size = 0
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    with WithinFile(io.FileIO(str(path))) as file:
        read_preamble(file, False)
        if _transfer_syntax(file) != DeflatedExplicitVRLittleEndian:
            return
        while packed := unpack.unconsumed_tail or file.read(1 << 20):
            size += len(unpack.decompress(packed, 1 << 20))
            if size > FILE_SIZE_LIMIT:
                found = f"deflated from more than {FILE_SIZE_LIMIT / 1e6:.0f} MB"
                raise unreadable(found, "slices or contours", "export it uncompressed")


def _transfer_syntax(file: WithinFile) -> UID | None:
    """What the file meta tells; the file then stands where the data set begins, whatever length is told."""
    start = file.tell()
    for implicit in (False, True):  # the second is wrong, but there are such files
        file.seek(start)
        meta = read_dataset(file, implicit, True, stop_when=lambda tag, *_: tag >> 16 != 2)
        with contextlib.suppress(NotImplementedError):
            syntax: UID | None = meta.get("TransferSyntaxUID")
            return syntax
    return None


def require_decoder(syntax: UID) -> None:
    """Raise :class:`UnreadableError`, which says what to install, where pixels cannot be decoded."""
    remedy = "export it uncompressed"
    try:
        if get_decoder(syntax).is_available:
            return
        install = _OWN_DECODERS.get(syntax, '"mriparaspinal[dicom]"')
        remedy = f"install its decoder with pip install {install}, or {remedy}"
    except NotImplementedError:  # there is none
        pass
    name = "with a private transfer syntax" if syntax.is_private else f"as {syntax.name}"
    raise unreadable(f"compressed {name}", "a syntax that there is a decoder for", remedy)


@contextlib.contextmanager
def fenced(what: str) -> Iterator[None]:
    """Turns whatever is raised inside into :class:`UnreadableError`, and keeps warnings quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableError:
        raise
    except MemoryError:
        raise unreadable("larger than the memory", "one patient", "check the file") from None
    except Exception:
        raise _broken(what) from None


def _broken(what: str) -> UnreadableError:
    found = f"{what} cannot be read as DICOM (truncated or damaged)"
    return unreadable(found, "a complete DICOM file", "export it again")


#: More bytes of pixels than any file of slices has, and all that is read into memory at once.
_SIZE_LIMIT = 1_000_000_000

_FRAME_LIMIT = 4096 * 4096

_FRAMES_LIMIT = 10_000

_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "ImageType",
    "Modality",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "ProtocolName",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "InstanceNumber",
    "ScanningSequence",
    "SequenceVariant",
    "EchoTime",
    "RepetitionTime",
    "NumberOfFrames",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "LossyImageCompression",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]

_PIXEL_TAGS = [
    *_TAGS,
    "PlanarConfiguration",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
]


def read_header(path: Path, pixels: bool) -> Dataset | None:
    """The header (or all) of a file; None where it is no DICOM file. Raises :class:`UnreadableError`."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
            if os.fstat(file.fileno()).st_size > 4 * _SIZE_LIMIT:
                raise unreadable("more than 4 GB", "DICOM slices", "check what the file is")
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise unreadable(found, "a readable file", "check that it is there and its rights") from None
    # Without the preamble a file may be anything: it has to begin as a data set does, in group 2 or 8.
    bare = start[128:132] != b"DICM"
    if bare and start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            require_inflatable(path, bare)
            with WithinFile(io.FileIO(str(path))) as file:
                header = pydicom.dcmread(
                    file,
                    force=bare,
                    stop_before_pixels=not pixels,
                    specific_tags=list(_PIXEL_TAGS if pixels else _TAGS),
                )
            if "Rows" not in header and bare:
                return None
            _settle_syntax(header)
            return header
    except InvalidDicomError:
        return None
    except UnreadableError:
        raise
    except MemoryError:
        raise unreadable("larger than the memory", "one series", "check the file") from None
    except Exception:
        if bare:
            return None
        raise broken_dicom("the header") from None


def _settle_syntax(header: Dataset) -> None:
    """Where the file meta tells no transfer syntax: the one that the data set was read in."""
    if header.file_meta.get("TransferSyntaxUID"):
        return
    implicit, little = header.original_encoding
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    header.file_meta.TransferSyntaxUID = syntax if little else ExplicitVRBigEndian


def broken_dicom(what: str) -> UnreadableError:
    """The error of a part of a file that is damaged or cut off."""
    return unreadable(f"{what} cannot be read as DICOM", "a complete DICOM file", "export the file again")


def claims_image(header: Dataset) -> bool:
    """True for an object whose class says that it has an image."""
    kind = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")
    return kind is not None and "Image Storage" in pydicom.uid.UID(str(kind)).name


def count_frames(header: Dataset) -> int:
    """The number of frames, checked against what a file can hold."""
    frames = max(1, to_integer(header.get("NumberOfFrames")) or 1)
    rows, columns = int(header.Rows), int(header.Columns)
    size = rows * columns * (to_integer(header.get("BitsAllocated")) or 16) // 8
    too_large = rows * columns > _FRAME_LIMIT or frames > _FRAMES_LIMIT or size * frames > _SIZE_LIMIT
    if rows < 1 or columns < 1 or too_large:
        found = f"{frames} frames of {rows}×{columns} pixels"
        raise unreadable(found, "slices", "check what the file is")
    return frames


Finder = Callable[[str, str], Any]


def attribute_finder(header: Dataset, frame: int) -> Finder:
    """Finds an attribute of a frame: in its functional groups, in the shared ones, or at the top."""
    groups: list[Dataset] = []
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    if per_frame:
        frames = max(1, to_integer(header.get("NumberOfFrames")) or 1)
        if len(per_frame) != frames:
            remedy = "export the file again"
            expected = "one for each"
            raise unreadable(f"{len(per_frame)} descriptions of frames for {frames} frames", expected, remedy)
        groups.append(per_frame[frame])
    shared = header.get("SharedFunctionalGroupsSequence")
    if shared:
        groups.append(shared[0])

    def find(group: str, keyword: str) -> Any:
        for functional in groups:
            items = functional.get(group)
            if items and keyword in items[0]:
                return items[0].get(keyword)
        return header.get(keyword)

    return find


def lookup_table(item: Dataset) -> LookupTable | None:
    """The lookup table of a sequence item (VOI or modality); None for one that is incomplete."""
    descriptor = item.get("LUTDescriptor")
    data = item.get("LUTData")
    if descriptor is None or data is None or len(descriptor) != 3:
        return None
    count, first, bits = (int(value) for value in descriptor)
    count = count or 65536
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if item.is_little_endian is not False else ">u2")
    entries = tuple(int(value) for value in data)[:count]
    if len(entries) != count or not 8 <= bits <= 16 or not all(0 <= e < 2**bits for e in entries):
        return None
    return LookupTable(first, entries, bits)


def to_integer(value: Any) -> int | None:
    """An attribute as a whole number; None where it is missing or no number."""
    try:
        return None if value is None or value == "" else int(value)
    except (ValueError, TypeError, OverflowError):
        return None


def first_number(value: Any) -> float | None:
    """The first of the numbers of an attribute."""
    if isinstance(value, (pydicom.multival.MultiValue, list, tuple)):
        value = value[0] if len(value) else None
    return None if value is None else read_number(str(value))  # as it was written: float takes 0_5 for 5


def to_floats(value: Any, count: int) -> list[float] | None:
    """An attribute as so many numbers; None where it has others."""
    if value is None or isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return None
    numbers = [number for number in (read_number(str(number)) for number in value) if number is not None]
    return numbers if len(numbers) == count == len(value) else None


def to_milliseconds(value: Any) -> float | None:
    """A time of the sequence in ms; None where it is missing or impossible."""
    number = first_number(value)
    return number if number is not None and 0 <= number < 1e6 else None
