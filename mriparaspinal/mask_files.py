"""Which label map belongs to which slice, and how it is laid onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.model import Slice
from mriparaspinal.names import composed
from mriparaspinal.volume import Plane, Remark, on_plane

ENDINGS = (".png", ".nii.gz", ".nii")


@dataclass(frozen=True, slots=True)
class LabelVolume:
    """A label map in three dimensions."""

    voxels: NDArray[np.integer]
    """(i, j, k)"""
    affine: NDArray[np.float64] | None
    """4×4, voxel index → mm in LPS+; None where the file does not tell where it lies."""
    remark: Remark | None = None
    """What is to be said about its place."""


class OffGridError(Exception):
    """A label map that cannot be laid onto a slice: (what was found; what was expected), what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def mask_candidates(slice_: Slice) -> tuple[str, ...]:
    """The names (NFC) that the label map of a slice can have in a folder of label maps: first its own, then
    its participant's.

    >>> mask_candidates(Slice("ALS_7", "ALS", "L3", "sub/ALS_7_3.png", "sub/ALS_7_3.json"))[:2]
    ('sub/ALS_7_3_mask.png', 'sub/ALS_7_3_mask.nii.gz')
    """
    return own_candidates(slice_) + tuple(
        f"{slice_.participant_id}{end}" for end in (".nii.gz", "_mask.nii.gz", ".nii")
    )


def own_candidates(slice_: Slice) -> tuple[str, ...]:
    """The names of :func:`mask_candidates` that hold this slice alone."""
    stem = composed(slice_.name.rpartition(".")[0])
    return tuple(f"{stem}{end}" for end in ("_mask.png", "_mask.nii.gz", ".nii.gz", ".nii"))


def lay_on_slice(
    volume: LabelVolume, plane: Plane | None, shape: tuple[int, int], own: bool, image_left: str = "right"
) -> NDArray[np.integer]:
    """The labels of a slice of (rows, columns) out of a volume; nothing is resampled.

    ``plane``: the slice's place (``slices.csv``), None where it is not known. ``own``: the volume is of this
    slice alone. Where both places are known, they decide. A slice's own volume without a place, or of
    a slice without one, must be (columns, rows, 1) voxels: voxel (i, j) is the pixel of column i, row j.

    Raises :class:`OffGridError`.
    """
    if plane is not None and volume.affine is not None:
        labels: NDArray[Any] | None = on_plane(volume.voxels, volume.affine, plane, shape)
        if labels is None:
            found = f"the label map is {_grid(volume)}; expected the slice's {_slice_grid(plane, shape)}"
            remedy = "make the label map on the series that the slice was prepared from: nothing is resampled"
            raise OffGridError(found, remedy)
        return labels
    if own:
        voxels = volume.voxels
        if volume.affine is not None:
            voxels = _as_displayed(voxels, volume.affine, image_left)
        if voxels.shape == (shape[1], shape[0], 1):
            return voxels[:, :, 0].T
    if plane is None:
        found = "slices.csv does not tell where the slice lies in the patient, and so not which part of the"
        found += f" label map of {_size(volume)} voxels is its; expected its position and directions there"
        raise OffGridError(found, "prepare the slices with 'mriparaspinal prepare', or give each its own map")
    found = f"{_size(volume)} voxels, and no place in the patient; expected an sform or qform"
    raise OffGridError(found, "export it with the place of the series")


#: An axis of an axial slice runs this much along the patient's own axis: less than 45° away from it.
_ALONG = 0.7


def _as_displayed(
    voxels: NDArray[np.integer], affine: NDArray[np.float64], image_left: str
) -> NDArray[np.integer]:
    """The voxels, (columns, rows, slices), as an axial slice is displayed; raises :class:`OffGridError`."""
    steps = affine[:3, :3]
    length = np.linalg.norm(steps, axis=0)
    directions = steps / np.where(length > 0, length, 1)
    axes = [int(np.argmax(abs(directions[along]))) for along in range(3)]
    along = [float(directions[world, axis]) for world, axis in enumerate(axes)]
    if len(set(axes)) < 3 or min(map(abs, along)) < _ALONG or voxels.shape[axes[2]] > 1 == min(voxels.shape):
        found = (
            "the label map's affine is not that of one axial slice, and slices.csv does not tell where the"
        )
        found += " slice lies; expected a map of one axial slice"
        raise OffGridError(found, "prepare the slices with 'mriparaspinal prepare', which tells their place")
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
    steps = _listed(np.linalg.norm(volume.affine[:3, :3], axis=0), "×")
    return f"{_size(volume)} voxels of {steps} mm, the first at ({_listed(volume.affine[:3, 3])}) mm LPS"


def _slice_grid(plane: Plane, shape: tuple[int, int]) -> str:
    spacing = [mm for mm in (plane.col_spacing_mm, plane.row_spacing_mm) if mm is not None]
    of = f" of {_listed(spacing, '×')} mm" if spacing else ""
    return f"{shape[1]}×{shape[0]} px{of}, the first at ({_listed(plane.position)}) mm LPS"


def _listed(numbers: object, separator: str = ", ") -> str:
    return separator.join(f"{number + 0.0:.4g}" for number in np.asarray(numbers, dtype=float))
