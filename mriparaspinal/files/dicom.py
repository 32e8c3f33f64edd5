"""DICOM series: headers first, pixels of one slice when they are asked for. Read only.

Only the attributes in ``_TAGS`` are kept of a header: no name, date or description comes in here.
What a damaged file makes pydicom raise can be anything, and its words may quote the file; so every
call into it is fenced, and the message is ours.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from mriparaspinal.files.dicom_objects import WithinFile, require_decoder, require_inflatable
from mriparaspinal.files.folder import UnreadableFileError
from mriparaspinal.grey_window import Table, Voi
from mriparaspinal.text import read_number
from mriparaspinal.volume import Picture, Plane, Series, Values, parallel, square_plane

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
_LOSSY = {JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless}
#: The defined terms; anything else in these attributes is free text and stays where it is.
_SEQUENCES = {"SE", "IR", "GR", "EP", "RM"}
_VARIANTS = {"SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP"}
_MODALITIES = {"MR", "CT", "PT", "NM", "US", "CR", "DX", "XA", "OT"}
#: Modalities of images that are no slices of a patient's body.
_NO_SLICES = {"SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "PR", "KO", "SR", "REG", "RWV"}


@dataclass(frozen=True, slots=True)
class _Image:
    """One slice of one file, before it is known what series it belongs to."""

    path: Path
    place: str
    frame: int
    picture: Picture
    uid: str
    """SOPInstanceUID; empty where there is none."""
    key: str
    number: int | None
    size: tuple[int, int]
    sequence: str
    te_ms: float | None
    tr_ms: float | None
    modality: str


def read_series(files: Sequence[tuple[str, Path]]) -> tuple[list[Series], list[tuple[str, str, str]]]:
    """The series among files, each cut into stacks of parallel slices.

    ``files``: name below the source, path. Also returns what could not be read: (name; what was
    found and expected; what to do). Files that are no DICOM, or hold no slices, are passed over.
    """
    images: list[_Image] = []
    broken: list[tuple[str, str, str]] = []
    for name, path in files:
        try:
            images += _images(path, name)
        except UnreadableFileError as error:
            broken.append((name, error.message, error.remedy))
    by_series: dict[str, list[_Image]] = defaultdict(list)
    for image in _without_copies(images):
        by_series[image.key].append(image)
    series = [_series(stack) for members in by_series.values() for stack in _stacks(members)]
    return sorted(series, key=lambda s: (s.number is None, s.number or 0, s.place, s.plane_name())), broken


def _without_copies(images: Sequence[_Image]) -> list[_Image]:
    """Each file once, of those with the same bytes; of one SOPInstanceUID with other bytes both, marked."""
    files: dict[str, dict[Path, str]] = defaultdict(dict)
    for image in images:
        files[image.uid].setdefault(image.path, "")
    files.pop("", None)
    left_out: set[Path] = set()
    other: set[Path] = set()
    for paths in files.values():
        if len(paths) < 2:
            continue
        first: dict[str, Path] = {}
        for path in paths:
            digest = _digest(path)
            if first.setdefault(digest, path) != path:
                left_out.add(path)
        if len(first) > 1:
            other.update(first.values())
    kept = [image for image in images if image.path not in left_out]
    return [
        replace(image, picture=replace(image.picture, twin=True)) if image.path in other else image
        for image in kept
    ]


def _digest(path: Path) -> str:
    """What tells the content of a file; of one that cannot be read, its name."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)


def _stacks(images: list[_Image]) -> list[list[_Image]]:
    stacks: list[list[_Image]] = []
    for image in images:
        for stack in stacks:
            if parallel(stack[0].picture.plane, image.picture.plane):
                stack.append(image)
                break
        else:
            stacks.append([image])
    return stacks


def _series(images: list[_Image]) -> Series:
    def place(image: _Image) -> tuple[bool, float, bool, int, str]:
        number, plane = image.picture.number, image.picture.plane
        where = plane.position_mm() if plane else 0.0
        return plane is None, where, number is None, number or 0, image.place

    images = sorted(images, key=place)
    first = images[0]
    folders = [image.place for image in images]
    where = folders[0] if len(set(folders)) == 1 else os.path.commonpath(folders) or "."
    return Series(
        kind="DICOM",
        key=first.key,
        number=first.number,
        place=where,
        size=first.size,
        sequence=first.sequence,
        te_ms=first.te_ms,
        tr_ms=first.tr_ms,
        modality=first.modality,
        pictures=tuple(image.picture for image in images),
        read=lambda index: _read_values(images[index].path, images[index].frame),
    )


def _dataset(path: Path, pixels: bool) -> Dataset | None:
    """The header (or all) of a file; None where it is no DICOM file. Raises :class:`UnreadableFileError`."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
            if os.fstat(file.fileno()).st_size > 4 * _SIZE_LIMIT:
                raise UnreadableFileError("more than 4 GB; expected DICOM slices", "check what the file is")
    except OSError as error:
        found = f"cannot be read ({error.strerror}); expected a readable file"
        raise UnreadableFileError(found, "check that it is there and its rights") from None
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
    except UnreadableFileError:
        raise
    except MemoryError:
        raise UnreadableFileError("larger than the memory; expected one series", "check the file") from None
    except Exception:
        if bare:
            return None
        raise _broken("the header") from None


def _settle_syntax(header: Dataset) -> None:
    """Where the file meta tells no transfer syntax: the one that the data set was read in."""
    if header.file_meta.get("TransferSyntaxUID"):
        return
    implicit, little = header.original_encoding
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    header.file_meta.TransferSyntaxUID = syntax if little else ExplicitVRBigEndian


def _broken(what: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{what} cannot be read as DICOM; expected a whole DICOM file", "export the file again"
    )


def _images(path: Path, name: str) -> list[_Image]:
    header = _dataset(path, pixels=False)
    if header is None:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if str(header.get("Modality", "")) in _NO_SLICES:
                return []
            if "Rows" not in header:
                if _claims_image(header):  # cut off before its rows, or it would say how many
                    found = "the header ends before its rows and columns; expected a whole DICOM image"
                    raise UnreadableFileError(found, "export the file again")
                return []
            return [_image(header, path, name, frame) for frame in range(_frames(header))]
    except UnreadableFileError:
        raise
    except Exception:
        raise _broken("the header") from None


def _lossy(header: Dataset) -> bool:
    return (
        str(header.get("LossyImageCompression", "")) == "01" or header.file_meta.TransferSyntaxUID in _LOSSY
    )


def _claims_image(header: Dataset) -> bool:
    kind = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")
    return kind is not None and "Image Storage" in pydicom.uid.UID(str(kind)).name


def _frames(header: Dataset) -> int:
    frames = max(1, _integer(header.get("NumberOfFrames")) or 1)
    rows, columns = int(header.Rows), int(header.Columns)
    size = rows * columns * (_integer(header.get("BitsAllocated")) or 16) // 8
    too_large = rows * columns > _FRAME_LIMIT or frames > _FRAMES_LIMIT or size * frames > _SIZE_LIMIT
    if rows < 1 or columns < 1 or too_large:
        found = f"{frames} frames of {rows}×{columns} pixels; expected slices"
        raise UnreadableFileError(found, "check what the file is")
    return frames


def _image(header: Dataset, path: Path, name: str, frame: int) -> _Image:
    find = _finder(header, frame)
    multi = (_integer(header.get("NumberOfFrames")) or 1) > 1
    mosaic = "MOSAIC" in list(header.get("ImageType") or [])
    grouped = "PerFrameFunctionalGroupsSequence" in header
    picture = Picture(
        number=frame + 1 if multi else _integer(header.get("InstanceNumber")),
        # Many frames with one place between them: the place of each is not known.
        plane=None if mosaic or (multi and not grouped) else _plane(find),
        voi=_voi(find),
        inverted=header.get("PhotometricInterpretation") == "MONOCHROME1",
        lossy=_lossy(header),
        mosaic=mosaic,
    )
    modality = str(header.get("Modality") or "")
    return _Image(
        path=path,
        place=name if multi else os.path.dirname(name) or ".",  # noqa: PTH120  (a name, not a path)
        frame=frame,
        picture=picture,
        uid=str(header.get("SOPInstanceUID") or ""),
        # Without a UID, what a person would take for one series.
        key=str(header.get("SeriesInstanceUID") or f"{header.get('SeriesNumber')} {path.resolve().parent}"),
        number=_integer(header.get("SeriesNumber")),
        size=(int(header.Rows), int(header.Columns)),
        sequence=_sequence(header),
        te_ms=_milliseconds(find("MREchoSequence", "EffectiveEchoTime") or header.get("EchoTime")),
        tr_ms=_milliseconds(
            find("MRTimingAndRelatedParametersSequence", "RepetitionTime") or header.get("RepetitionTime")
        ),
        modality=modality if modality in _MODALITIES else "other" if modality else "",
    )


Finder = Callable[[str, str], Any]


def _finder(header: Dataset, frame: int) -> Finder:
    """Finds an attribute of a frame: in its functional groups, in the shared ones, or at the top."""
    groups: list[Dataset] = []
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    if per_frame:
        frames = max(1, _integer(header.get("NumberOfFrames")) or 1)
        if len(per_frame) != frames:
            raise UnreadableFileError(
                f"{len(per_frame)} descriptions of frames for {frames} frames; expected one for each",
                "export the file again",
            )
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


def _plane(find: Finder) -> Plane | None:
    directions = _floats(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    position = _floats(find("PlanePositionSequence", "ImagePositionPatient"), 3)
    if directions is None or position is None:
        return None
    spacing = _floats(find("PixelMeasuresSequence", "PixelSpacing"), 2)
    if spacing is not None and not all(0 < mm < 100 for mm in spacing):
        spacing = None
    across, down = directions[:3], directions[3:]
    pair = (spacing[0], spacing[1]) if spacing else None
    return square_plane(
        (across[0], across[1], across[2]),
        (down[0], down[1], down[2]),
        (position[0], position[1], position[2]),
        pair,
    )


def _voi(find: Finder) -> Voi | None:
    """The first VOI window of an image, else its VOI table, else None."""
    group = "FrameVOILUTSequence"
    centre, width = (_first(find(group, name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None:
        function = str(find(group, "VOILUTFunction") or "LINEAR").strip().upper()
        if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
            return None
        return Voi(function, centre, width)  # type: ignore[arg-type]
    tables = find(group, "VOILUTSequence")
    table = _table(tables[0]) if tables else None
    return Voi("TABLE", table=table) if table else None


def _table(item: Dataset) -> Table | None:
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
    return Table(first, entries, bits)


def _integer(value: Any) -> int | None:
    try:
        return None if value is None or value == "" else int(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _first(value: Any) -> float | None:
    """The first of the numbers of an attribute."""
    if isinstance(value, (pydicom.multival.MultiValue, list, tuple)):
        value = value[0] if len(value) else None
    return None if value is None else read_number(str(value))  # as it was written: float takes 0_5 for 5


def _floats(value: Any, count: int) -> list[float] | None:
    if value is None or isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return None
    numbers = [number for number in (read_number(str(number)) for number in value) if number is not None]
    return numbers if len(numbers) == count == len(value) else None


def _milliseconds(value: Any) -> float | None:
    number = _first(value)
    return number if number is not None and 0 <= number < 1e6 else None


def _sequence(header: Dataset) -> str:
    def terms(keyword: str, known: set[str]) -> list[str]:
        value = header.get(keyword)
        words = [value] if isinstance(value, str) else list(value or [])
        return [word for word in words if word in known]

    return "/".join(
        "+".join(words)
        for words in (terms("ScanningSequence", _SEQUENCES), terms("SequenceVariant", _VARIANTS))
        if words
    )


def _read_values(path: Path, frame: int) -> Values:
    """The values of one slice after rescaling, NaN where it is padded; raises UnreadableFileError."""
    header = _dataset(path, pixels=True)
    if header is None:
        raise _broken("the file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_pixels(header)
            stored = _stored(header, frame)
            return _rescaled(header, stored, frame)
    except UnreadableFileError:
        raise
    except MemoryError:
        raise UnreadableFileError("larger than the memory; expected one series", "check the file") from None
    except Exception:
        found = "the pixels cannot be decoded (cut off or damaged); expected a whole DICOM file"
        raise UnreadableFileError(found, "export the file again") from None


def _check_pixels(header: Dataset) -> None:
    if not any(name in header for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        found = "no pixels, as where a file is cut off; expected an image"
        raise UnreadableFileError(found, "export the file again")
    _frames(header)
    photometric = str(header.get("PhotometricInterpretation", ""))
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        found = "colour or an unknown kind of pixels"
        raise UnreadableFileError(
            f"{found}; expected MONOCHROME1 or MONOCHROME2",
            "choose the original series, not a copy of a screen",
        )
    require_decoder(header.file_meta.TransferSyntaxUID)


def _stored(header: Dataset, frame: int) -> np.ndarray[Any, Any]:
    multi = (_integer(header.get("NumberOfFrames")) or 1) > 1
    with _attended():
        stored = np.asarray(pixel_array(header, index=frame if multi else None, raw=True))
    if stored.shape != (int(header.Rows), int(header.Columns)):
        raise _broken("the pixels")
    if stored.dtype.kind not in "iu":
        return stored
    # Bits beyond those stored hold overlays in old files, and are no part of the value.
    bits, high = int(header.BitsStored), _integer(header.get("HighBit"))
    shift = (high + 1 - bits) if high is not None else 0
    if not 0 < bits <= int(header.BitsAllocated) or shift < 0:
        raise _broken("the pixels")
    if shift:
        found = f"HighBit {high} with {bits} BitsStored: whether the values are in the upper bits or in the "
        found += f"lower ones is not known; expected HighBit {bits - 1}"
        raise UnreadableFileError(found, "export it again, with another tool")
    values = stored.astype(np.int64) & ((1 << bits) - 1)
    if int(header.get("PixelRepresentation") or 0) == 1:
        values = np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    return values


@contextmanager
def _attended() -> Iterator[None]:
    """Decoders of compressed pixels tell of damage on stderr alone, and return pixels all the same.

    What they write does not reach the terminal; it raises :class:`UnreadableFileError`.
    """
    with TemporaryFile() as heard:
        try:
            terminal = os.dup(2)
        except OSError:  # closed: nothing can be heard
            yield
            return
        try:
            os.dup2(heard.fileno(), 2)
            yield
        finally:
            os.dup2(terminal, 2)
            heard.seek(0)
            said = heard.read()
            if b"\x1b" in said:  # a progress bar drew itself meanwhile
                os.write(terminal, said)
            os.close(terminal)
        if b"Corrupt JPEG" in said if b"\x1b" in said else said:
            found = "the pixels are damaged, as their decoder tells; expected a whole DICOM file"
            raise UnreadableFileError(found, "export the file again")


def _rescaled(header: Dataset, stored: np.ndarray[Any, Any], frame: int) -> Values:
    find = _finder(header, frame)
    tables = header.get("ModalityLUTSequence")
    if tables:
        table = _table(tables[0])
        if table is None:
            raise _broken("the modality table")
        places = np.clip(stored - table.first, 0, len(table.entries) - 1).astype(np.int64)
        values = np.asarray(table.entries, dtype=np.float64)[places]
    else:
        slope = _rescale(find, "RescaleSlope", 1.0)
        intercept = _rescale(find, "RescaleIntercept", 0.0)
        if slope == 0:
            found = "RescaleSlope 0, which makes all pixels alike; expected another factor"
            raise UnreadableFileError(found, "export the file again")
        values = stored * slope + intercept
    return np.where(_padded(header, stored), np.nan, values.astype(np.float64))


def _rescale(find: Finder, name: str, without: float) -> float:
    """A factor or summand of the pixels, ``without`` where there is none; raises for what is no number."""
    value = find("PixelValueTransformationSequence", name)
    if value is None or str(value).strip() == "":
        return without
    number = read_number(str(value))  # of several numbers none
    if number is None:
        found = f"a {name} that is not one plain number; expected one such as {without:g}"
        raise UnreadableFileError(found, "export the file again")
    return number


def _padded(header: Dataset, stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    padding = _first(header.get("PixelPaddingValue"))
    if padding is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = _first(header.get("PixelPaddingRangeLimit"))
    low, high = sorted((padding, padding if limit is None else limit))
    return (stored >= low) & (stored <= high)
