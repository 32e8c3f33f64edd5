"""NIfTI volumes as stacks of slices. Read only."""

from __future__ import annotations

import functools
import gzip
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.imageglobals import logger
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header, Nifti2Image

from mriparaspinal.files.folder import UnreadableFileError
from mriparaspinal.volume import Picture, Series, Values, plane_name, radiological, slice_axis, volume_plane

ENDINGS = (".nii", ".nii.gz")
#: More voxels than any lumbar volume has: what is read is held in memory.
_VOXEL_LIMIT = 60_000_000
_SLICES_LIMIT = 10_000
#: More bytes than stand before the voxels: the header, and what tools write after it.
_OFFSET_LIMIT = 10_000_000
#: NIfTI's world is RAS+; ours is LPS+.
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: Numbers of an affine beyond it are no places, and their products no numbers.
_FARTHEST_MM = 1e9
_MILLIMETRES = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}


def is_nifti(name: str) -> bool:
    """Whether a file's name is that of a NIfTI volume."""
    return name.lower().endswith(ENDINGS)


def read_volume(path: Path, place: str) -> Series:
    """The slices of a volume; their pixels are read when asked for.

    The slices are those of the axis that the volume was sliced along; their numbers count along it
    as it is stored, from 1. Raises :class:`UnreadableFileError`.
    """
    image, affine = _header(path)
    axis = slice_axis(affine)
    shape = tuple(int(n) for n in image.shape[:3])
    if shape[axis] > _SLICES_LIMIT:
        found = f"{shape[axis]} slices; expected at most {_SLICES_LIMIT}"
        raise UnreadableFileError(found, "check what the file is")
    planes = [volume_plane(affine, axis, index) for index in range(shape[axis])]
    if planes[0] is None:
        found = "axes that are not perpendicular to each other; expected a volume of square corners"
        raise UnreadableFileError(found, "resample it, or take the original series")
    pictures = [Picture(number, plane) for number, plane in enumerate(planes, 1)]
    # Foot to head, as a DICOM series.
    up = len(planes) < 2 or planes[-1].position_mm() > planes[0].position_mm()  # type: ignore[union-attr]
    pictures = pictures if up else pictures[::-1]
    voxels = functools.cache(lambda: _voxels(path))

    def read(index: int) -> Values:
        number = pictures[index].number or 1
        with np.errstate(invalid="ignore"):  # a NaN of another kind
            values = voxels().take(number - 1, axis).astype(np.float64)
        return np.where(np.isfinite(values), values, np.nan)

    sides = [n for a, n in enumerate(shape) if a != axis]
    return Series(
        kind="NIfTI",
        key=place,
        number=None,
        place=place,
        size=(sides[0], sides[1]),
        sequence="",
        te_ms=None,
        tr_ms=None,
        modality="",
        pictures=tuple(pictures),
        read=read,
    )


def read_whole(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    """All voxels, (i, j, k), and the affine, 4×4, voxel index → mm in LPS+.

    The affine is None where the file has neither sform nor qform. Raises :class:`UnreadableFileError`.
    """
    _, affine = _header(path, placed=False)
    return _voxels(path), affine


@dataclass(frozen=True, slots=True)
class Stored:
    """An image as it is stored: of three dimensions, or of four with several volumes."""

    voxels: np.ndarray[Any, Any]
    """(i, j, k) or (i, j, k, volumes), before ``slope`` and ``intercept``."""
    slope: float
    intercept: float
    affine: np.ndarray[Any, Any]
    """4×4, voxel index → mm in LPS+."""
    header: Any


def read_stored(path: Path, most_voxels: int) -> Stored:
    """A whole image of at most so many voxels. Raises :class:`UnreadableFileError`.

    The checksum of a .gz is held against what it unpacks to: nibabel alone stops before it, and a damaged
    file could give wrong voxels.
    """
    if not is_nifti(path.name) or not path.is_file():
        found = "is no file" if path.exists() else "does not exist"
        found = f"the name does not end in {' or '.join(ENDINGS)}" if path.is_file() else found
        raise UnreadableFileError(f"{found}; expected a NIfTI image", "check the path")
    try:
        with _quietly():
            _check_extensions(path)
            with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
                return _stored(file, most_voxels)
    except UnreadableFileError:
        raise
    except PermissionError:
        raise UnreadableFileError("may not be read; expected a readable file", "check its rights") from None
    except MemoryError:
        raise UnreadableFileError("larger than the memory; expected one image", "check the file") from None
    except Exception:
        raise _broken("the image") from None


def _stored(file: Any, most_voxels: int) -> Stored:
    second = file.read(8)[4:7] == b"n+2"
    file.seek(0)
    kind: Any = Nifti2Image if second else Nifti1Image
    image = kind.from_stream(file)
    shape = tuple(int(n) for n in image.shape)
    voxels = "×".join(map(str, shape))
    # (i, j, k, 1, volumes) is how some tools store several volumes.
    sizes = (*shape[:3], *(n for n in shape[3:] if n != 1))
    if len(shape) < 3 or len(sizes) > 4 or min(shape) < 1:
        found = f"{voxels} voxels; expected three dimensions, or four"
        raise UnreadableFileError(found, "check what the file is")
    if math.prod(shape) > most_voxels:
        found = f"{voxels} voxels; expected at most {most_voxels / 1e6:.0f} million"
        raise UnreadableFileError(found, "cut out what is needed")
    if image.header.get_data_dtype().kind not in "iuf":
        found = "colour or complex voxels; expected one number each"
        raise UnreadableFileError(found, "export the magnitude")
    affine = _affine(image)
    assert affine is not None  # without, it raises
    values = np.array(image.dataobj.get_unscaled()).reshape(sizes)
    # Reading on to the end is what checks a .gz; what stands behind the voxels is of no use.
    for _ in range(_OFFSET_LIMIT // _CHUNK):
        if not file.read(_CHUNK):
            break
    return Stored(values, float(image.dataobj.slope), float(image.dataobj.inter), affine, image.header)


#: Bytes that are read at a time behind the voxels.
_CHUNK = 100_000


@contextmanager
def _quietly() -> Iterator[None]:
    """Nothing that nibabel has to say of a header reaches the terminal: what matters, we say."""
    # Taking its handlers away, as its own LoggingOutputSuppressor does, would leave logging's last resort.
    before = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = before


def _load(path: Path) -> Any:
    """The image as nibabel opens it; what a damaged file makes it raise can be anything."""
    try:
        with _quietly():
            _check_extensions(path)
            return nibabel.load(path)
    except UnreadableFileError:
        raise
    except FileNotFoundError:
        raise UnreadableFileError("does not exist; expected a NIfTI volume", "check the path") from None
    except Exception:
        raise _broken("the header") from None


def _check_extensions(path: Path) -> None:
    """Refuse extensions that are none: nibabel reads them whole, and a few bytes can unpack to gigabytes."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        start = file.read(544)
        second = start[4:7] == b"n+2"
        kind: Any = Nifti2Header if second else Nifti1Header
        header = kind(start[: 540 if second else 348], check=False)
        begin = 544 if second else 352
        end = float(header["vox_offset"])
        if not end <= _OFFSET_LIMIT:
            found = f"voxels that begin at byte {end:g}; expected at most {_OFFSET_LIMIT}"
            raise UnreadableFileError(found, "check what the file is")
        if not start[begin - 4 : begin - 3].strip(b"\0"):
            return
        if end < begin:
            raise _broken("the header")
        extensions = (start[begin:] + file.read(int(end)))[: int(end) - begin]
    at = 0
    while at + 16 <= len(extensions):
        size = int.from_bytes(extensions[at : at + 4], "big" if header.endianness == ">" else "little")
        at += size
        if size < 8 or at > _OFFSET_LIMIT:
            raise _broken("the extensions of the header")


def _broken(what: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{what} cannot be read as NIfTI (cut off or damaged); expected a whole volume", "export it again"
    )


def _header(path: Path, placed: bool = True) -> tuple[Any, Any]:
    """The image and its affine; where it need not be ``placed``, the affine can be None."""
    image = _load(path)
    try:
        with _quietly():
            _check_shape(image)
            return image, _affine(image, placed)
    except UnreadableFileError:
        raise
    except Exception:
        raise _broken("the header") from None


def _check_shape(image: Any) -> None:
    shape = image.shape
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        found = f"{'×'.join(map(str, shape))} voxels; expected one volume of three dimensions"
        raise UnreadableFileError(found, "take one volume out of it")
    if not 0 < math.prod(shape) <= _VOXEL_LIMIT or min(shape) < 1:
        found = f"{'×'.join(map(str, shape))} voxels; expected at most {_VOXEL_LIMIT / 1e6:.0f} million"
        raise UnreadableFileError(found, "cut the lumbar spine out of it")
    if image.header.get_data_dtype().kind not in "iuf":
        raise UnreadableFileError("colour or complex voxels; expected grey levels", "export the magnitude")


def _affine(image: Any, placed: bool = True) -> np.ndarray[Any, Any] | None:
    """Voxel index → mm in LPS+, from the header's sform or qform."""
    header = image.header
    (sform, with_s), (qform, with_q) = header.get_sform(coded=True), header.get_qform(coded=True)
    if not with_s and not with_q and not placed:
        return None
    if not with_s and not with_q:
        found = "neither sform nor qform; expected one: left and right are not known without"
        raise UnreadableFileError(found, "convert the DICOM series again")
    scale = _MILLIMETRES[header.get_xyzt_units()[0]]
    affines = [_lps(form, scale) for form, there in ((sform, with_s), (qform, with_q)) if there]
    for affine in affines:
        if not (abs(affine) < _FARTHEST_MM).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise UnreadableFileError("a broken affine; expected one", "convert the DICOM series again")
    if len(affines) == 2 and not _agree(*affines):
        found = "sform and qform with different orientations or spacings; expected one"
        raise UnreadableFileError(found, "convert the DICOM series again")
    return affines[0]


def _lps(affine: np.ndarray[Any, Any], scale: float) -> np.ndarray[Any, Any]:
    return np.diag([scale, scale, scale, 1.0]) @ _TO_LPS @ np.asarray(affine, dtype=np.float64)


def _agree(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Whether two affines lead to the same picture and spacing."""
    steps, others = (np.linalg.norm(affine[:3, :3], axis=0) for affine in (one, other))
    return bool(np.allclose(steps, others, rtol=0.01)) and _display(one) == _display(other)


def _display(affine: np.ndarray[Any, Any]) -> tuple[object, ...]:
    """What becomes of the corners of a slice on the display."""
    axis = slice_axis(affine)
    plane = volume_plane(affine, axis, 0)
    if plane is None or plane_name(plane) != "axial":
        return axis, plane and plane_name(plane)
    corners, _ = radiological(np.arange(4).reshape(2, 2), plane)
    return axis, *corners.ravel().tolist()


def _check_sum(path: Path, most: int) -> None:
    """Hold a .gz against its own checksum, which nibabel does not read: damage could give wrong voxels.

    ``most``: bytes that it may unpack to; a file of more goes unchecked behind them.
    """
    with gzip.open(path) as file:
        while most > 0 and (chunk := file.read(_CHUNK)):
            most -= len(chunk)


def _voxels(path: Path) -> np.ndarray[Any, Any]:
    image = _load(path)
    try:
        with _quietly():
            voxels = np.asarray(image.dataobj).reshape(image.shape[:3])
            if path.name.lower().endswith(".gz"):
                _check_sum(path, voxels.nbytes + _OFFSET_LIMIT)
            return voxels
    except MemoryError:
        raise UnreadableFileError("larger than the memory; expected one volume", "check the file") from None
    except Exception:
        raise _broken("the voxels") from None
