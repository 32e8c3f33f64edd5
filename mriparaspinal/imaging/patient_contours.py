"""Outlines in the patient's space: which of them lie on a slice, where on its pixels, and which are holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage.measure import points_in_poly

from mriparaspinal.core.errors import Fault
from mriparaspinal.core.model import Contour, MaskRule
from mriparaspinal.imaging.planes import Plane, affine_of, on_plane
from mriparaspinal.imaging.rasterise import rasterise
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.imaging.tracing import mask_shapes

#: Outlines whose distances from a slice differ by at most the first lie on one plane, by the second on two.
_ONE_PLANE_MM, _TWO_PLANES_MM = 0.25, 0.5

#: Points of one outline may differ in their distance from the slice by so much.
_PARALLEL_MM = 0.5

#: How near an outline must lie to a slice that has no neighbour to tell the distance of slices.
_NEAR_MM = 0.5

#: Decimals of pixel coordinates: enough for any use, few enough to be the same on every machine.
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class SpaceOutline:
    """A closed outline in the patient."""

    roi: int
    """Number of the region that it is part of."""
    label: str
    points: NDArray[np.float64]
    """(n, 3), mm in LPS+."""


_AGAIN = "export it again on the series that the slice was prepared from"


@dataclass(frozen=True, slots=True)
class OnSlice:
    """The outlines of one region that were drawn on a slice."""

    polygons: tuple[NDArray[np.float64], ...]
    """Each (n, 2), in LabelMe's pixels (column, row)."""
    away_mm: float
    """How far the farthest point lies from the slice's plane."""
    fault: Fault | None = None
    """What makes it unclear which outlines are meant; None where it is clear."""


def reach_mm(place: SlicePlace) -> float:
    """How far from a slice's plane something drawn may lie to be taken for drawn on it."""
    return _NEAR_MM if place.slice_spacing_mm is None else place.slice_spacing_mm / 2


def on_slice(outlines: Sequence[SpaceOutline], place: SlicePlace) -> OnSlice | None:
    """The outlines of one region on a slice; None if there are none.

    All points must lie within half a slice distance of the slice's plane (0.5 mm where that is not
    known); of outlines on several planes those of the nearest count.
    """
    normal = place.plane.normal()
    near: list[tuple[float, NDArray[np.float64], NDArray[np.float64]]] = []
    for outline in outlines:
        away = (outline.points - place.plane.position) @ normal
        if abs(away).max() <= reach_mm(place):
            near.append((float(away.mean()), away, outline.points))
    if not near:
        return None
    nearest = min((mean for mean, _, _ in near), key=abs)
    chosen = [one for one in near if abs(one[0] - nearest) <= _ONE_PLANE_MM]
    others = [mean for mean, _, _ in near if abs(mean - nearest) > _ONE_PLANE_MM]
    fault = None
    if any(np.ptp(away) > _PARALLEL_MM for _, away, _ in chosen):
        fault = Fault("", "outlines that are not parallel to the slice", "those of its own series", _AGAIN)
    elif any(abs(mean - nearest) < _TWO_PLANES_MM for mean in others):
        fault = Fault("", "outlines on planes less than 0.5 mm apart", "one plane for each slice", _AGAIN)
    elif any(abs(abs(mean) - abs(nearest)) <= _ONE_PLANE_MM for mean in others):
        fault = Fault("", "outlines on two planes that are equally near", "one plane for each slice", _AGAIN)
    polygons = tuple(_on_pixels(points, place) for _, _, points in chosen)
    return OnSlice(polygons, max(float(abs(away).max()) for _, away, _ in chosen), fault)


def _on_pixels(points: NDArray[np.float64], place: SlicePlace) -> NDArray[np.float64]:
    plane = place.plane
    across = np.asarray(plane.across) * (plane.col_spacing_mm or 1.0)
    down = np.asarray(plane.down) * (plane.row_spacing_mm or 1.0)
    # Solved, not multiplied out: the two directions of a header are never perpendicular to the last digit.
    steps, *_ = np.linalg.lstsq(np.column_stack((across, down)), (points - plane.position).T, rcond=None)
    # The centre of pixel (c, r) is (c + 0.5, r + 0.5) in LabelMe's coordinates.
    pixels: NDArray[np.float64] = np.round(steps.T + 0.5, _DECIMALS)
    return pixels


def is_near(plane: Plane, size: tuple[int, int], place: SlicePlace) -> bool:
    """Whether the middle of a frame of (rows, columns) lies at a slice, within half a slice distance."""
    rows, columns = plane.row_spacing_mm or 0.0, plane.col_spacing_mm or 0.0
    across, down = np.asarray(plane.across), np.asarray(plane.down)
    middle = plane.position + across * columns * (size[1] - 1) / 2 + down * rows * (size[0] - 1) / 2
    return bool(abs((middle - place.plane.position) @ place.plane.normal()) <= reach_mm(place))


def lay_frame(
    pixels: NDArray[np.bool_],
    plane: Plane,
    spacing_mm: float | None,
    place: SlicePlace,
    shape: tuple[int, int],
) -> NDArray[np.bool_] | None:
    """The pixels of a frame as those of a slice of (rows, columns); None where the grids do not fit.

    ``spacing_mm``: distance of frames, a tenth of which they may lie off the slice. Nothing is resampled.
    """
    step = spacing_mm or place.slice_spacing_mm or plane.row_spacing_mm or 1.0
    affine = affine_of(plane, step)
    laid: NDArray[np.bool_] | None = on_plane(pixels.T[:, :, None], affine, place.plane, shape)  # type: ignore[assignment]
    return laid


def with_holes(
    polygons: Sequence[NDArray[np.float64]], label: str, shape: tuple[int, int], rule: MaskRule = "labelme"
) -> list[Contour] | None:
    """The outlines of one region as contours: one inside another is a hole, one in a hole is filled again.

    Without holes each outline stays a polygon. With holes: the pixels (type ``mask``) that the ``rule`` of
    the study has for outlines: ``labelme`` those that the line itself touches, too, ``centre`` those whose
    centre is inside. None where two outlines overlap in part, or are the same: it is unclear whether
    their common part is meant to be in or out.
    """
    contours = [Contour(label, "polygon", tuple((x, y) for x, y in points.tolist())) for points in polygons]
    around = _around(contours, shape)
    if around is None:
        return None
    nested = {i for i, outer in enumerate(around) if outer}
    nested.update(*around)
    found = [contour for i, contour in enumerate(contours) if i not in nested]
    if nested and rule == "centre":
        return found + even_odd([polygons[i] for i in sorted(nested)], label, shape)
    if nested:
        canvas = Image.new("L", (shape[1], shape[0]))
        draw = ImageDraw.Draw(canvas)
        # From the outermost to the innermost: each is filled or emptied, and its line is drawn.
        for i in sorted(nested, key=lambda i: len(around[i])):
            hole = len(around[i]) % 2 == 1
            if hole and not _centres(contours[i], shape).any():
                continue  # within a pixel: its line is all that there is of it
            draw.polygon(contours[i].xy.ravel().tolist(), outline=1, fill=0 if hole else 1)
        found += mask_shapes(np.asarray(canvas).astype(bool), label)
    return found


def _around(contours: list[Contour], shape: tuple[int, int]) -> list[set[int]] | None:
    """For each outline those that it lies inside of; None where two overlap in part."""
    inside = [_centres(contour, shape) for contour in contours]
    around: list[set[int]] = [set() for _ in contours]
    for i, outer in enumerate(contours):
        for j, inner in enumerate(contours[:i]):
            common = inside[i] & inside[j]
            if not common.any():
                # Too small to hold the centre of a pixel: told by the points themselves.
                if not inside[j].any() and points_in_poly(inner.xy, outer.xy).all():
                    around[j].add(i)
                elif not inside[i].any() and points_in_poly(outer.xy, inner.xy).all():
                    around[i].add(j)
                continue
            j_in_i, i_in_j = np.array_equal(common, inside[j]), np.array_equal(common, inside[i])
            if j_in_i == i_in_j:
                return None
            if j_in_i:
                around[j].add(i)
            else:
                around[i].add(j)
    return around


def _centres(contour: Contour, shape: tuple[int, int]) -> NDArray[np.bool_]:
    patch = rasterise(contour, shape, "centre")
    return np.zeros(shape, dtype=bool) if patch is None else patch.full(shape)


def even_odd(paths: Sequence[NDArray[np.float64]], label: str, shape: tuple[int, int]) -> list[Contour]:
    """The pixels whose centre lies inside an odd number of paths, as at most one shape of type ``mask``."""
    pixels = np.zeros(shape, dtype=bool)
    for points in paths:
        pixels ^= _centres(Contour(label, "polygon", tuple((x, y) for x, y in points.tolist())), shape)
    return mask_shapes(pixels, label)
