"""A volume as a stack of slices."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, unreadable
from mriparaspinal.imaging.planes import Series, SourceImage, Values, slice_axis, volume_plane

_SLICES_LIMIT = 10_000


def volume_series(
    kind: Literal["NIfTI", "NRRD", "MetaImage"],
    path: Path,
    place: str,
    shape: tuple[int, int, int],
    affine: NDArray[np.float64],
    voxels: Callable[[], NDArray[Any]],
    remark: Fault | None = None,
) -> Series:
    """The slices of the axis that a volume was sliced along; their numbers count along it as stored, from 1.

    ``affine``: 4×4, voxel index → mm in LPS+; ``voxels``: reads them when a slice is asked for. Raises
    :class:`UnreadableError`.
    """
    axis = slice_axis(affine)
    if shape[axis] > _SLICES_LIMIT:
        found = f"{shape[axis]} slices"
        raise unreadable(found, f"at most {_SLICES_LIMIT}", "check what the file is")
    planes = [volume_plane(affine, axis, index) for index in range(shape[axis])]
    if planes[0] is None:
        found = "axes that are not perpendicular to each other"
        raise unreadable(found, "a volume of square corners", "resample it, or take the original series")
    pictures = [SourceImage(number, plane) for number, plane in enumerate(planes, 1)]
    # Foot to head, as a DICOM series.
    up = len(planes) < 2 or planes[-1].position_mm() > planes[0].position_mm()  # type: ignore[union-attr]
    pictures = pictures if up else pictures[::-1]
    all_voxels = functools.cache(voxels)

    def read(index: int) -> Values:
        number = pictures[index].number or 1
        with np.errstate(invalid="ignore"):  # a NaN of another kind
            values = all_voxels().take(number - 1, axis).astype(np.float64)
        return np.where(np.isfinite(values), values, np.nan)

    rows, columns = (n for a, n in enumerate(shape) if a != axis)
    return Series(
        kind=kind,
        key=place,
        number=None,
        place=place,
        size=(rows, columns),
        sequence="",
        te_ms=None,
        tr_ms=None,
        modality="",
        pictures=tuple(pictures),
        read=read,
        remark=remark,
        space=str(path.resolve().parent),
    )
