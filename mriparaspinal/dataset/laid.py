"""A volume of labels laid on a slice: which of its voxels are the slice's pixels. Nothing is resampled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import unreadable
from mriparaspinal.imaging.grids import LabelVolume
from mriparaspinal.imaging.planes import Plane, on_plane


def lay_on_slice(
    volume: LabelVolume, plane: Plane | None, shape: tuple[int, int], own: bool, image_left: str = "right"
) -> NDArray[np.integer]:
    """The labels of a slice of (rows, columns) out of a volume; nothing is resampled.

    ``plane``: the slice's place (``slices.csv``), None if it is not known. ``own``: the volume is of this
    slice alone. Where both places are known, they decide. A slice's own volume without a place, or of
    a slice without one, must be (columns, rows, 1) voxels: voxel (i, j) is the pixel of column i, row j.

    Raises :class:`UnreadableError`.
    """
    if plane is not None and volume.affine is not None:
        # 3D Slicer may leave out what is outside of all segments.
        cropped = volume.names is not None
        labels: NDArray[Any] | None = on_plane(volume.voxels, volume.affine, plane, shape, cropped)
        if labels is None:
            found = f"the label map is {_grid(volume)}"
            remedy = "make the label map on the series that the slice was prepared from: nothing is resampled"
            raise unreadable(found, f"the slice's {_slice_grid(plane, shape)}", remedy, "mask-off-grid")
        return labels
    if own:
        voxels = volume.voxels
        if volume.affine is not None:
            voxels = _as_displayed(voxels, volume.affine, image_left)
        if voxels.shape == (shape[1], shape[0], 1):
            return voxels[:, :, 0].T
    if plane is None:
        found = "slices.csv does not say where the slice lies in the patient, and so not which part of the"
        found += f" label map of {_size(volume)} voxels is its"
        remedy = "prepare the slices with 'mriparaspinal prepare', or give each its own map"
        raise unreadable(found, "its position and directions there", remedy, "mask-off-grid")
    found = f"{_size(volume)} voxels, and no place in the patient"
    raise unreadable(found, "an sform or qform", "export it with the place of the series", "mask-off-grid")


#: An axis of an axial slice runs this much along the patient's own axis: less than 45° away from it.
_ALONG = 0.7


def _as_displayed(
    voxels: NDArray[np.integer], affine: NDArray[np.float64], image_left: str
) -> NDArray[np.integer]:
    """The voxels, (columns, rows, slices), as an axial slice is displayed."""
    steps = affine[:3, :3]
    length = np.linalg.norm(steps, axis=0)
    directions = steps / np.where(length > 0, length, 1)
    axes = [int(np.argmax(abs(directions[along]))) for along in range(3)]
    along = [float(directions[world, axis]) for world, axis in enumerate(axes)]
    if len(set(axes)) < 3 or min(map(abs, along)) < _ALONG or voxels.shape[axes[2]] > 1 == min(voxels.shape):
        found = "the label map's affine is not that of one axial slice, and slices.csv does not say where the"
        found += " slice lies"
        remedy = "prepare the slices with 'mriparaspinal prepare', which writes positions"
        raise unreadable(found, "a map of one axial slice", remedy, "mask-off-grid")
    turned = voxels.transpose(axes)
    # LPS+: x runs to the patient's left, y to the back.
    if (along[0] > 0) != (image_left == "right"):
        turned = turned[::-1]
    return turned if along[1] > 0 else turned[:, ::-1]


def _size(volume: LabelVolume) -> str:
    return "×".join(map(str, volume.voxels.shape))


def _grid(volume: LabelVolume) -> str:
    if volume.affine is None:
        return f"{_size(volume)} voxels"
    steps = _rounded(np.linalg.norm(volume.affine[:3, :3], axis=0), "×")
    return f"{_size(volume)} voxels of {steps} mm, the first at ({_rounded(volume.affine[:3, 3])}) mm LPS"


def _slice_grid(plane: Plane, shape: tuple[int, int]) -> str:
    spacing = [mm for mm in (plane.col_spacing_mm, plane.row_spacing_mm) if mm is not None]
    of = f" of {_rounded(spacing, '×')} mm" if spacing else ""
    return f"{shape[1]}×{shape[0]} px{of}, the first at ({_rounded(plane.position)}) mm LPS"


def _rounded(numbers: object, separator: str = ", ") -> str:
    return separator.join(f"{number + 0.0:.4g}" for number in np.asarray(numbers, dtype=float))
