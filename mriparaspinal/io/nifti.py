"""NIfTI volumes as stacks of slices. Read only."""

from __future__ import annotations

import gzip
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import nibabel
import numpy as np
from nibabel.imageglobals import logger
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header, Nifti2Image

from mriparaspinal.core.errors import Fault, UnreadableError, unreadable
from mriparaspinal.imaging.grids import LPS_TO_RAS, SAME, Grid, distance_mm
from mriparaspinal.imaging.planes import Series, plane_name, radiological, slice_axis, volume_plane
from mriparaspinal.io.volume_series import volume_series

Form = Literal["qform", "sform"]
"""The two places that a header can tell."""

ENDINGS = (".nii", ".nii.gz")

#: More voxels than any lumbar volume has: what is read is held in memory.
_VOXEL_LIMIT = 60_000_000

#: More bytes than stand before the voxels: the header, and what tools write after it.
_OFFSET_LIMIT = 10_000_000

#: Numbers of an affine beyond it are no places, and their products no numbers.
_FARTHEST_MM = 1e9

#: NIfTI's code of the scanner's own coordinates, and the names of all codes.
_SCANNER = 1

_CODES = {1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI", 5: "template"}

#: How exact the square of a quaternion's first part is, which is told by three numbers of 32 bits.
_QUATERNION = 3 * float(np.finfo(np.float32).eps)

_MILLIMETRES = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}


def is_nifti(name: str) -> bool:
    """Whether a file's name is that of a NIfTI volume."""
    return name.lower().endswith(ENDINGS)


def read_volume(path: Path, place: str, form: Form | None = None) -> Series:
    """The slices of a volume; their pixels are read when asked for.

    The slices are those of the axis that the volume was sliced along; their numbers count along it
    as it is stored, from 1. ``form``: which one counts where sform and qform disagree. Raises
    :class:`UnreadableError`.
    """
    image, affine, remark = _header(path, form)
    assert affine is not None  # without, it raises
    i, j, k = _sizes(image)
    return volume_series("NIfTI", path, place, (i, j, k), affine, lambda: _voxels(path), remark)


def read_whole(
    path: Path, form: Form | None = None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None, Fault | None]:
    """All voxels, (i, j, k), the affine, 4×4, voxel index → mm in LPS+, and what is to be said about it.

    The affine is None where the file has neither sform nor qform. ``form``: which one counts where the
    two disagree. Raises :class:`UnreadableError`.
    """
    image, affine, remark = _header(path, form, placed=False)
    if len(image.shape) == 2 and affine is not None and _is_flat(affine):
        affine = None
    return _voxels(path), affine, remark


def _is_flat(affine: np.ndarray[Any, Any]) -> bool:
    """Whether the place of an image of two dimensions is one on a picture, and none in the patient.

    Tools that know images of two dimensions write 0 for what has no meaning there.
    """
    plain = np.diag(np.diag(affine))
    plain[:2, 3] = affine[:2, 3]
    return bool((affine == plain).all() and affine[0, 0] > 0 and affine[1, 1] > 0)


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


def read_stored(path: Path, most_voxels: int, form: Form | None = None) -> Stored:
    """A whole image of at most so many voxels. Raises :class:`UnreadableError`.

    ``form``: which one counts where sform and qform disagree; without it such an image is refused, since a
    map that was registered to an atlas is meant by its sform, and one of the scanner by its qform.

    The checksum of a .gz is compared with what it unpacks to: nibabel alone stops before it, and a damaged
    file could give wrong voxels.
    """
    if not is_nifti(path.name) or not path.is_file():
        found = "is no file" if path.exists() else "does not exist"
        found = f"the name does not end in {' or '.join(ENDINGS)}" if path.is_file() else found
        raise unreadable(found, "a NIfTI image", "check the path")
    try:
        with _quietly():
            _check_extensions(path)
            with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
                return _stored(file, most_voxels, form)
    except UnreadableError:
        raise
    except PermissionError:
        raise unreadable("may not be read", "a readable file", "check its rights") from None
    except MemoryError:
        raise unreadable("larger than the memory", "one image", "check the file") from None
    except Exception:
        raise _broken("the image") from None


def _stored(file: Any, most_voxels: int, form: Form | None) -> Stored:
    second = file.read(8)[4:7] == b"n+2"
    file.seek(0)
    kind: Any = Nifti2Image if second else Nifti1Image
    image = kind.from_stream(file)
    shape = tuple(int(n) for n in image.shape)
    voxels = "×".join(map(str, shape))
    # (i, j, k, 1, volumes) is how some tools store several volumes.
    sizes = (*shape[:3], *(n for n in shape[3:] if n != 1))
    if len(shape) < 3 or len(sizes) > 4 or min(shape) < 1:
        found = f"{voxels} voxels"
        raise unreadable(found, "three dimensions, or four", "check what the file is")
    if math.prod(shape) > most_voxels:
        found = f"{voxels} voxels"
        raise unreadable(found, f"at most {most_voxels / 1e6:.0f} million", "cut out what is needed")
    if image.header.get_data_dtype().kind not in "iuf":
        found = "colour or complex voxels"
        raise unreadable(found, "one number each", "export the magnitude")
    affine, _ = _affine(image, form, settled=False)
    assert affine is not None  # without, it raises
    values = np.array(image.dataobj.get_unscaled()).reshape(sizes)
    # Reading on to the end is what checks a .gz; what follows the voxels is not needed.
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
    except UnreadableError:
        raise
    except FileNotFoundError:
        raise unreadable("does not exist", "a NIfTI volume", "check the path") from None
    except Exception:
        raise _broken("the header") from None


def _check_extensions(path: Path) -> None:
    """Refuse invalid extensions: nibabel reads them entirely, and a few bytes can unpack to gigabytes."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        start = file.read(544)
        second = start[4:7] == b"n+2"
        kind: Any = Nifti2Header if second else Nifti1Header
        header = kind(start[: 540 if second else 348], check=False)
        begin = 544 if second else 352
        end = float(header["vox_offset"])
        if not end <= _OFFSET_LIMIT:
            found = f"voxels that begin at byte {end:g}"
            raise unreadable(found, f"at most {_OFFSET_LIMIT}", "check what the file is")
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


def _broken(what: str) -> UnreadableError:
    return unreadable(
        f"{what} cannot be read as NIfTI (truncated or damaged)", "a complete volume", "export it again"
    )


def _header(
    path: Path, form: Form | None, placed: bool = True
) -> tuple[Any, np.ndarray[Any, Any] | None, Fault | None]:
    """The image, its affine and a remark; where it need not be ``placed``, the affine can be None."""
    image = _load(path)
    try:
        with _quietly():
            _check_shape(image)
            return image, *_affine(image, form, placed)
    except UnreadableError:
        raise
    except Exception:
        raise _broken("the header") from None


def _sizes(image: Any) -> tuple[int, int, int]:
    """Voxels along each axis; an image of two dimensions is one slice."""
    i, j, k = (*(int(n) for n in image.shape[:3]), 1)[:3]
    return i, j, k


def _check_shape(image: Any) -> None:
    shape = image.shape
    if len(shape) < 2 or any(n != 1 for n in shape[3:]):
        found = f"{'×'.join(map(str, shape))} voxels"
        raise unreadable(found, "one volume of three dimensions", "take one volume out of it")
    if not 0 < math.prod(shape) <= _VOXEL_LIMIT or min(shape) < 1:
        found = f"{'×'.join(map(str, shape))} voxels"
        raise unreadable(found, f"at most {_VOXEL_LIMIT / 1e6:.0f} million", "cut the lumbar spine out of it")
    if image.header.get_data_dtype().kind not in "iuf":
        raise unreadable("colour or complex voxels", "grey levels", "export the magnitude")


def _affine(
    image: Any, form: Form | None, placed: bool = True, settled: bool = True
) -> tuple[np.ndarray[Any, Any] | None, Fault | None]:
    """Voxel index → mm in LPS+, from the header's sform or qform, and what is to be said about it.

    Where the two disagree: the one that is asked for, else, if that is how it is ``settled``, the one that
    alone is the scanner's.
    """
    header = image.header
    (sform, with_s), (qform, with_q) = header.get_sform(coded=True), header.get_qform(coded=True)
    if not with_s and not with_q and not placed:
        return None, None
    if not with_s and not with_q:
        found = "neither sform nor qform"
        raise unreadable(found, "one: left and right are not known without", "convert the DICOM series again")
    scale = _MILLIMETRES[header.get_xyzt_units()[0]]
    told = (("sform", sform, with_s), ("qform", qform, with_q))
    affines = {name: _lps(affine, scale) for name, affine, code in told if code}
    for affine in affines.values():
        if not (abs(affine) < _FARTHEST_MM).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise unreadable("a broken affine", "one", "convert the DICOM series again")
    first = next(iter(affines.values()))
    if len(affines) == 1 or _agree(image, *affines.values()):
        return first, None
    if form is not None:
        return affines[form], None
    remark = _apart(image, affines, {"sform": int(with_s), "qform": int(with_q)})
    if not settled or not _alike(*affines.values()) or (with_s == _SCANNER) == (with_q == _SCANNER):
        raise UnreadableError(remark)
    taken, other = ("sform", "qform") if with_s == _SCANNER else ("qform", "sform")
    remedy = f"check the place on a picture, or give --affine {other}"
    return affines[taken], replace(remark, expected=f"{remark.expected}: the {taken} is taken", remedy=remedy)


def _apart(image: Any, affines: dict[str, np.ndarray[Any, Any]], codes: dict[str, int]) -> Fault:
    """Both places in words; and what to do where it is not known which one is meant."""
    grids = [Grid(_sizes(image), affine) for affine in affines.values()]
    names = [f"{name} (code {codes[name]}, {_CODES.get(codes[name], 'unknown')})" for name in affines]
    corners = [", ".join(f"{mm + 0.0:.5g}" for mm in affine[:3, 3].round(2)) for affine in affines.values()]
    words = f"{names[0]} and {names[1]}"
    if not _alike(*affines.values()):
        words = f"sform and qform with different orientations or spacings: {words}"
    found = f"{words} are up to {distance_mm(*grids):.3g} mm apart, with the first voxel at ({corners[0]}) "
    found += f"and at ({corners[1]}) mm LPS"
    return Fault("", found, "one place", "say by --affine sform or --affine qform which one is right")


def _agree(image: Any, sform: np.ndarray[Any, Any], qform: np.ndarray[Any, Any]) -> bool:
    """Whether all voxels lie in one place by both forms, within a tenth of a voxel.

    The corners are compared with the first voxel, too, as the quaternion of 32-bit numbers cannot tell a
    rotation near half a turn as exactly: its first part is what the others leave of 1.
    """
    if not _alike(sform, qform):
        return False
    header = image.header
    one, other = (Grid(_sizes(image), affine) for affine in (sform, qform))
    most = SAME * float(min(one.spacing_mm().min(), other.spacing_mm().min()))
    if float(np.linalg.norm(sform[:3, 3] - qform[:3, 3])) > most:
        return False
    rest = max(0.0, 1 - sum(float(header[f"quatern_{part}"]) ** 2 for part in "bcd"))
    slack = 2 * (math.sqrt(rest + _QUATERNION) - math.sqrt(max(0.0, rest - _QUATERNION)))  # radians
    reach = float(np.linalg.norm((np.asarray(one.shape) - 1) * one.spacing_mm()))
    return distance_mm(one, other) <= most + slack * reach


def _lps(affine: np.ndarray[Any, Any], scale: float) -> np.ndarray[Any, Any]:
    return np.diag([scale, scale, scale, 1.0]) @ LPS_TO_RAS @ np.asarray(affine, dtype=np.float64)


def _alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
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
            voxels = np.asarray(image.dataobj).reshape(_sizes(image))
            if path.name.lower().endswith(".gz"):
                _check_sum(path, voxels.nbytes + _OFFSET_LIMIT)
            return voxels
    except MemoryError:
        raise unreadable("larger than the memory", "one volume", "check the file") from None
    except Exception:
        raise _broken("the voxels") from None
