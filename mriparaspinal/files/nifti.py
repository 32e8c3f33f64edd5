"""NIfTI volumes as stacks of slices. Read only."""

from __future__ import annotations

import functools
import math
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.imageglobals import LoggingOutputSuppressor

from mriparaspinal.files.folder import UnreadableFileError
from mriparaspinal.volume import Picture, Series, Values, plane_name, radiological, slice_axis, volume_plane

ENDINGS = (".nii", ".nii.gz")
#: More voxels than any lumbar volume has: what is read is held in memory.
_VOXEL_LIMIT = 60_000_000
#: NIfTI's world is RAS+; ours is LPS+.
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
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


def _load(path: Path) -> Any:
    """The image as nibabel opens it; what a damaged file makes it raise can be anything."""
    try:
        with warnings.catch_warnings(), LoggingOutputSuppressor():
            warnings.simplefilter("ignore")
            return nibabel.load(path)
    except FileNotFoundError:
        raise UnreadableFileError("does not exist; expected a NIfTI volume", "check the path") from None
    except Exception:
        raise _broken("the header") from None


def _broken(what: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{what} cannot be read as NIfTI (cut off or damaged); expected a whole volume", "export it again"
    )


def _header(path: Path) -> tuple[Any, np.ndarray[Any, Any]]:
    image = _load(path)
    try:
        with warnings.catch_warnings(), LoggingOutputSuppressor():
            warnings.simplefilter("ignore")
            _check_shape(image)
            return image, _affine(image)
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


def _affine(image: Any) -> np.ndarray[Any, Any]:
    """Voxel index → mm in LPS+, from the header's sform or qform."""
    header = image.header
    (sform, with_s), (qform, with_q) = header.get_sform(coded=True), header.get_qform(coded=True)
    if not with_s and not with_q:
        found = "neither sform nor qform; expected one: left and right are not known without"
        raise UnreadableFileError(found, "convert the DICOM series again")
    scale = _MILLIMETRES[header.get_xyzt_units()[0]]
    affines = [_lps(form, scale) for form, there in ((sform, with_s), (qform, with_q)) if there]
    for affine in affines:
        if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
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


def _voxels(path: Path) -> np.ndarray[Any, Any]:
    image = _load(path)
    try:
        with warnings.catch_warnings(), LoggingOutputSuppressor():
            warnings.simplefilter("ignore")
            return np.asarray(image.dataobj).reshape(image.shape[:3])
    except MemoryError:
        raise UnreadableFileError("larger than the memory; expected one volume", "check the file") from None
    except Exception:
        raise _broken("the voxels") from None
