"""Where slices lie in the patient, and how they are turned to the radiological display.

All directions and positions are in the patient's coordinates of DICOM, LPS+: x grows to the patient's
left, y to the back, z to the head; millimetres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault
from mriparaspinal.imaging.window import Voi

Vector = tuple[float, float, float]

Values = NDArray[np.float64]
"""Pixels of one slice, (rows, columns); NaN where the source has no value (padding)."""

#: How far two directions of one image may be from perpendicular (cosine), and from length 1.
_SQUARE = 0.01

#: Slices whose normals differ by less belong to one stack (cosine of 1 degree).
_PARALLEL = math.cos(math.radians(1))

#: An axis whose steps are this many times longer than the others' is the one that was sliced along.
_SLICED = 1.5

#: The greatest angle, in degrees, between the body axis and the normal of a slice that can be axial.
STEEPEST = 60

#: Slices that lie nearer to each other, in mm, lie in one place.
_ONE_PLACE = 0.01

_LEFT, _BACK, _HEAD = np.eye(3)


@dataclass(frozen=True, slots=True)
class Plane:
    """The place of one slice: unit vectors of growing column and row, the first pixel's centre, spacing."""

    across: Vector
    """Direction in which the column number grows."""
    down: Vector
    """Direction in which the row number grows."""
    position: Vector
    """Centre of the pixel (0, 0), mm."""
    row_spacing_mm: float | None
    """Distance between rows; None if the source does not give it."""
    col_spacing_mm: float | None

    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the slice, the one that points to the head."""
        normal = np.cross(self.across, self.down)
        unit: NDArray[np.float64] = normal / np.linalg.norm(normal)
        return -unit if unit[2] < 0 else unit

    def position_mm(self) -> float:
        """Where the slice lies along its normal, growing to the head."""
        return float(np.dot(self.position, self.normal()))


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One slice that can be chosen."""

    number: int | None
    """InstanceNumber, frame number, or the index in the volume (from 1)."""
    plane: Plane | None
    """None if the source does not give its orientation."""
    voi: Voi | None = None
    inverted: bool = False
    """True for MONOCHROME1: the lowest value is shown white."""
    lossy: bool = False
    """True where its pixels have been compressed with loss."""
    mosaic: bool = False
    """True for a Siemens mosaic: many slices as tiles of one picture, whose position is not given."""
    twin: bool = False
    """True where another file has its SOPInstanceUID and other content."""


@dataclass(frozen=True, slots=True)
class Series:
    """A stack of parallel slices, foot to head."""

    kind: Literal["DICOM", "NIfTI", "NRRD", "MetaImage"]
    key: str
    """What a series has of its own; stacks of one series share it. Never shown."""
    number: int | None
    """SeriesNumber."""
    place: str
    """Its folder or file below the source, for the list on the terminal."""
    size: tuple[int, int]
    """Rows and columns of its first slice, as stored."""
    sequence: str
    te_ms: float | None
    tr_ms: float | None
    modality: str
    pictures: tuple[SourceImage, ...]
    read: Callable[[int], Values]
    """The pixels of the slice at an index of ``pictures``; raises ``UnreadableError``."""
    remark: Fault | None = None
    """What is to be said about its place."""
    among_axial: bool = True
    """False for a series whose source has axial ones in another series: if steep, it is not taken for one."""
    name: str = ""
    """What the scanner calls it, in the words of the field alone."""
    space: str = ""
    """What series share whose positions can be compared; empty where it is not known. Never shown."""

    @property
    def steep(self) -> bool:
        """Whether its slices are beyond 45°, and can be axial all the same."""
        plane = self.pictures[0].plane
        return plane is not None and is_steep(plane)

    def plane_name(self) -> str:
        """``axial``, ``sagittal``, ``coronal``, ``mosaic`` or ``unknown``."""
        plane = self.pictures[0].plane
        if plane is None:
            return "mosaic" if self.pictures[0].mosaic else "unknown"
        return "axial" if self.steep and self.among_axial else plane_name(plane)

    def slice_spacing_mm(self) -> float | None:
        """Median distance of neighbours along the normal; None for a single slice.

        Several images of one place, such as two echoes, are no neighbours.
        """
        steps = np.diff([p.plane.position_mm() for p in self.pictures if p.plane])
        steps = steps[steps > _ONE_PLACE]
        return float(np.median(steps)) if len(steps) else None


def square_plane(
    across: Vector, down: Vector, position: Vector, spacing: tuple[float, float] | None
) -> Plane | None:
    """A plane from directions as they were read; None where they are not two perpendicular directions.

    ``spacing``: distance between rows, distance between columns, mm.
    """
    first, second = np.asarray(across, dtype=float), np.asarray(down, dtype=float)
    if not np.isfinite([*first, *second, *position]).all():
        return None
    # Before they are squared: huge numbers would overflow.
    if np.abs([first, second]).max() > 1 + _SQUARE:
        return None
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    if max(abs(length - 1) for length in lengths) > _SQUARE or abs(first @ second) > _SQUARE:
        return None
    rows, columns = spacing or (None, None)
    return Plane(_vector(first / lengths[0]), _vector(second / lengths[1]), position, rows, columns)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def plane_name(plane: Plane) -> str:
    """``axial`` where the normal is within 45° of the body axis, else ``sagittal`` or ``coronal``."""
    x, y, z = np.abs(plane.normal())
    if z >= math.cos(math.radians(45)) - 1e-6:
        return "axial"
    return "sagittal" if x >= y else "coronal"


def tilt_degrees(plane: Plane) -> float:
    """The angle between the slice's normal and the body axis."""
    return math.degrees(math.acos(min(1.0, abs(float(plane.normal()[2])))))


def is_steep(plane: Plane) -> bool:
    """Whether the normal is 45° to 60° from the body axis, tilted to the front or back.

    Slices along the endplate of S1 can be; but so can those along the sacrum, of a coronal series.
    """
    x, _, z = np.abs(plane.normal())
    return bool(plane_name(plane) == "coronal" and z >= math.cos(math.radians(STEEPEST)) - 1e-6 and x < z)


def parallel(one: Plane | None, other: Plane | None) -> bool:
    """Whether two slices can belong to one stack."""
    if one is None or other is None:
        return one is other
    return abs(float(one.normal() @ other.normal())) >= _PARALLEL


def radiological(pixels: NDArray[np.generic], plane: Plane) -> tuple[NDArray[np.generic], Plane]:
    """Turn an axial slice so that image left = patient right, anterior up. No pixel is resampled.

    Of the four ways to turn the image that do not mirror the patient, the one whose columns run
    best to the patient's left and whose rows run best to the back. Returns the pixels and
    their plane, with the spacing in the new order.
    """
    turned = _best_turn(pixels, plane, _LEFT, _BACK, from_the_feet=True)
    if turned is None:
        raise ValueError("not an axial slice")
    return turned


def upright(pixels: NDArray[np.generic], plane: Plane) -> tuple[NDArray[np.generic], Plane]:
    """Turn a sagittal or coronal slice: head up; the front, or the patient's right, at the left."""
    across = _BACK if plane_name(plane) == "sagittal" else _LEFT
    turned = _best_turn(pixels, plane, across, -_HEAD, from_the_feet=False)
    assert turned is not None  # of eight ways, one is the best
    return turned


def _best_turn(
    pixels: NDArray[np.generic],
    plane: Plane,
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    from_the_feet: bool,
) -> tuple[NDArray[np.generic], Plane] | None:
    """The turn whose columns and rows run best in two directions; only those seen from the feet, if asked."""
    best: tuple[float, NDArray[np.generic], Plane] | None = None
    for swap in (False, True):
        for flip_rows in (False, True):
            for flip_columns in (False, True):
                turned, at = _turn(pixels, plane, swap, flip_rows, flip_columns)
                if from_the_feet and np.cross(at.across, at.down)[2] <= 0:
                    continue  # a mirror image of the patient
                fit = float(np.dot(at.across, across) + np.dot(at.down, down))
                if best is None or fit > best[0]:
                    best = fit, turned, at
    return None if best is None else (np.ascontiguousarray(best[1]), best[2])


def _turn(
    pixels: NDArray[np.generic], plane: Plane, swap: bool, flip_rows: bool, flip_columns: bool
) -> tuple[NDArray[np.generic], Plane]:
    across, down = np.asarray(plane.across), np.asarray(plane.down)
    corner = np.asarray(plane.position)
    rows, columns = plane.row_spacing_mm, plane.col_spacing_mm
    if swap:
        pixels, across, down, rows, columns = pixels.T, down, across, columns, rows
    if flip_rows:
        corner = corner + down * (pixels.shape[0] - 1) * (rows or 0.0)
        pixels, down = pixels[::-1], -down
    if flip_columns:
        corner = corner + across * (pixels.shape[1] - 1) * (columns or 0.0)
        pixels, across = pixels[:, ::-1], -across
    return pixels, Plane(_vector(across), _vector(down), _vector(corner), rows, columns)


def slice_axis(affine: NDArray[np.float64]) -> int:
    """The axis of a volume along which it was sliced: 0, 1 or 2.

    ``affine``: 4×4, voxel index → mm. It is the axis with clearly the longest steps; in a volume of
    about equal steps, the one whose slices are nearest to axial.
    """
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    longest = int(np.argmax(steps))
    if steps[longest] >= _SLICED * np.delete(steps, longest).max():
        return longest
    directions = affine[:3, :3] / steps
    normals = [np.cross(directions[:, (k + 1) % 3], directions[:, (k + 2) % 3]) for k in range(3)]
    return int(np.argmax([abs(normal[2]) for normal in normals]))


def volume_plane(affine: NDArray[np.float64], axis: int, index: int) -> Plane | None:
    """The plane of one slice of a volume whose pixels are ``voxels.take(index, axis)``.

    ``affine``: 4×4, voxel index → mm in LPS+. None where the axes are not perpendicular.
    """
    row_axis, column_axis = (a for a in range(3) if a != axis)
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.isfinite(steps).all() and (steps > 0).all()):
        return None
    directions = affine[:3, :3] / steps
    if abs(directions.T @ directions - np.eye(3)).max() > _SQUARE:
        return None
    corner = affine[:3, 3] + affine[:3, axis] * index
    return square_plane(
        _vector(directions[:, column_axis]),
        _vector(directions[:, row_axis]),
        _vector(corner),
        (float(steps[row_axis]), float(steps[column_axis])),
    )


def affine_of(plane: Plane, slice_step_mm: float) -> NDArray[np.float64]:
    """Voxel (column, row, slice) → mm in LPS+, 4×4; a spacing that is not known is 1 mm."""
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(plane.across, plane.col_spacing_mm or 1.0)
    affine[:3, 1] = np.multiply(plane.down, plane.row_spacing_mm or 1.0)
    affine[:3, 2] = plane.normal() * slice_step_mm
    affine[:3, 3] = plane.position
    return affine


def pixel_order(
    stored: Plane, size: tuple[int, int], plane: Plane, shape: tuple[int, int]
) -> NDArray[np.int64] | None:
    """Which stored pixel, counted row by row, is each pixel of a slice of (rows, columns).

    ``stored``, ``size``: the image as it is stored, of (rows, columns). None where its pixels are not those
    of the slice.
    """
    if stored.row_spacing_mm is None or stored.col_spacing_mm is None:
        return None
    numbered = np.arange(size[0] * size[1]).reshape(size)
    order = on_plane(numbered.T[:, :, None], affine_of(stored, 1.0), plane, shape)
    return None if order is None else order.astype(np.int64)


#: How far, in voxels, the pixels of a slice may lie from the voxels of a volume that are taken for them.
_ON_GRID = 0.1


def on_plane(
    voxels: NDArray[np.generic],
    affine: NDArray[np.float64],
    plane: Plane,
    shape: tuple[int, int],
    cropped: bool = False,
) -> NDArray[np.generic] | None:
    """The voxels of a volume that are the pixels of a slice of (rows, columns); nothing is resampled.

    ``voxels``: (i, j, k); ``affine``: 4×4, voxel index → mm in LPS+. None where the slice's pixels do not
    lie on voxels (within a tenth of one), or some lie outside the volume; of one that is ``cropped``, those
    are 0.
    """
    if plane.row_spacing_mm is None or plane.col_spacing_mm is None:
        return None
    rows, columns = shape
    across = np.asarray(plane.across) * plane.col_spacing_mm
    down = np.asarray(plane.down) * plane.row_spacing_mm
    ends = [(0, 0), (rows - 1, 0), (0, columns - 1), (rows - 1, columns - 1)]
    corners = np.array([plane.position + r * down + c * across for r, c in ends])
    index = (np.linalg.inv(affine) @ np.column_stack([corners, np.ones(4)]).T)[:3].T
    at = np.rint(index).astype(np.int64)
    outside = bool((at < 0).any() or (at >= np.asarray(voxels.shape[:3])).any())
    if abs(index - at).max() > _ON_GRID or (outside and not cropped):
        return None
    row_step, column_step = at[1] - at[0], at[2] - at[0]
    # Each of the two directions is one axis of the volume, at one voxel per pixel, forth or back.
    for step, count in ((row_step, rows), (column_step, columns)):
        if sorted(abs(step)) != [0, 0, count - 1]:
            return None
    r, c = np.mgrid[:rows, :columns]
    steps = (row_step / max(rows - 1, 1), column_step / max(columns - 1, 1))
    i, j, k = ((at[0][axis] + r * steps[0][axis] + c * steps[1][axis]).astype(np.int64) for axis in range(3))
    if not outside:
        taken: NDArray[np.generic] = voxels[i, j, k]
        return taken
    inside = np.logical_and.reduce(
        [(n >= 0) & (n < end) for n, end in zip((i, j, k), voxels.shape, strict=True)]
    )
    taken = np.zeros(shape, dtype=voxels.dtype)
    taken[inside] = voxels[i[inside], j[inside], k[inside]]
    return taken
