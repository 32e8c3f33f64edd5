"""DICOM series: headers first, pixels of one slice when they are asked for. Read only.

Only the attributes in ``_TAGS`` are kept of a header: no name or date comes in here, and of a description
only the words of the field.
What a damaged file makes pydicom raise can be anything, and its words may quote the file; so every
call into it is fenced, and the message is ours.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from mriparaspinal.core.errors import Fault, UnreadableError, unreadable
from mriparaspinal.imaging.planes import Plane, Series, SourceImage, parallel, square_plane
from mriparaspinal.imaging.window import Voi
from mriparaspinal.io.dicom_header import (
    Finder,
    attribute_finder,
    broken_dicom,
    claims_image,
    count_frames,
    first_number,
    lookup_table,
    read_header,
    to_floats,
    to_integer,
    to_milliseconds,
)
from mriparaspinal.io.dicom_pixels import read_values
from mriparaspinal.io.series_name import technical_words

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
    picture: SourceImage
    uid: str
    """SOPInstanceUID; empty if there is none."""
    key: str
    number: int | None
    size: tuple[int, int]
    sequence: str
    te_ms: float | None
    tr_ms: float | None
    modality: str
    name: str
    space: str


def read_series(files: Sequence[tuple[str, Path]]) -> tuple[list[Series], list[Fault]]:
    """The series among files, each cut into stacks of parallel slices.

    ``files``: name below the source, path. Also returns what could not be read: (name; what was
    found and expected; what to do). Files that are no DICOM, or hold no slices, are passed over.
    """
    images: list[_Image] = []
    broken: list[Fault] = []
    for name, path in files:
        try:
            images += _images(path, name)
        except UnreadableError as error:
            broken.append(error.fault.at(name))
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
        read=lambda index: read_values(images[index].path, images[index].frame),
        name=first.name,
        space=first.space,
    )


def _images(path: Path, name: str) -> list[_Image]:
    header = read_header(path, pixels=False)
    if header is None:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if str(header.get("Modality", "")) in _NO_SLICES:
                return []
            if "Rows" not in header:
                if claims_image(header):  # cut off before its rows, or it would say how many
                    found = "the header ends before its rows and columns"
                    raise unreadable(found, "a complete DICOM image", "export the file again")
                return []
            return [_image(header, path, name, frame) for frame in range(count_frames(header))]
    except UnreadableError:
        raise
    except Exception:
        raise broken_dicom("the header") from None


def _lossy(header: Dataset) -> bool:
    return (
        str(header.get("LossyImageCompression", "")) == "01" or header.file_meta.TransferSyntaxUID in _LOSSY
    )


def _image(header: Dataset, path: Path, name: str, frame: int) -> _Image:
    find = attribute_finder(header, frame)
    multi = (to_integer(header.get("NumberOfFrames")) or 1) > 1
    mosaic = "MOSAIC" in list(header.get("ImageType") or [])
    grouped = "PerFrameFunctionalGroupsSequence" in header
    picture = SourceImage(
        number=frame + 1 if multi else to_integer(header.get("InstanceNumber")),
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
        number=to_integer(header.get("SeriesNumber")),
        size=(int(header.Rows), int(header.Columns)),
        sequence=_sequence(header),
        te_ms=to_milliseconds(find("MREchoSequence", "EffectiveEchoTime") or header.get("EchoTime")),
        tr_ms=to_milliseconds(
            find("MRTimingAndRelatedParametersSequence", "RepetitionTime") or header.get("RepetitionTime")
        ),
        modality=modality if modality in _MODALITIES else "other" if modality else "",
        name=technical_words(str(header.get("SeriesDescription") or header.get("ProtocolName") or "")),
        space=_space(header),
    )


def _space(header: Dataset) -> str:
    """What images share whose positions can be held against each other; empty where it is not told."""
    study, frame = (str(header.get(name) or "") for name in ("StudyInstanceUID", "FrameOfReferenceUID"))
    return f"{study} {frame}" if study and frame else ""


def _plane(find: Finder) -> Plane | None:
    directions = to_floats(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    position = to_floats(find("PlanePositionSequence", "ImagePositionPatient"), 3)
    if directions is None or position is None:
        return None
    spacing = to_floats(find("PixelMeasuresSequence", "PixelSpacing"), 2)
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
    centre, width = (first_number(find(group, name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None:
        function = str(find(group, "VOILUTFunction") or "LINEAR").strip().upper()
        if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
            return None
        return Voi(function, centre, width)  # type: ignore[arg-type]
    tables = find(group, "VOILUTSequence")
    table = lookup_table(tables[0]) if tables else None
    return Voi("TABLE", table=table) if table else None


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
