"""Regions of the brain in the colours of a statistic: slices of three planes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from mriparaspinal.present.cell_texts import with_minus_signs
from mriparaspinal.present.style import GREY, PAGE_MM, PaperFigure, new_figure, style, with_fixed_layout

#: Plane → the axis across it, those to the right and upwards (of right, anterior, superior), and the
#: letters at the left and the right edge.
_PLANES = {
    "sagittal": (0, 1, 2, "A", "P"),
    "coronal": (1, 0, 2, "R", "L"),
    "axial": (2, 0, 1, "R", "L"),
}

_SLICES = 4

#: Of the voxels of the atlas that are not painted.
_SILHOUETTE = ListedColormap(["#DDDDDD"])


@style()
def painted_figure(
    values: NDArray[np.floating],
    inside: NDArray[np.bool_],
    affine: NDArray[np.float64],
    label: str,
    regions: Sequence[Mapping[str, object]],
) -> PaperFigure:
    """Four slices of each plane through what is painted, seen from the front and from below.

    ``values``, ``inside``: (i, j, k), towards right, anterior and superior: the statistic (NaN where there is
    none), and the voxels of the atlas. ``affine``: their place in mm. ``label``: of the colour bar.
    ``regions``: the rows of the table beside the figure.
    """
    figure = new_figure(PAGE_MM, 112, "constrained")
    grid = figure.subplots(len(_PLANES), _SLICES, squeeze=False)
    limit = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    there = np.isfinite(values) if limit else inside
    shown = None
    for row, (plane, (across, right, up, left_letter, right_letter)) in zip(
        grid, _PLANES.items(), strict=True
    ):
        window = (_extent(inside, up), _extent(inside, right))
        places = _places(there, across)
        for axes, index in zip(row, places, strict=False):
            # Rows of the picture go up, columns to the left: of the patient's right, or of the front.
            cut, brain = (
                np.take(volume, index, axis=across).T[window][:, ::-1] for volume in (values, inside)
            )
            drawn = {"origin": "lower", "interpolation": "nearest", "aspect": spacing[up] / spacing[right]}
            axes.imshow(np.ma.masked_equal(brain, False), cmap=_SILHOUETTE, **drawn)
            edges = {"origin": "lower", "extent": _around(brain)}
            axes.contour(np.pad(brain, 1), [0.5], colors=GREY, linewidths=0.4, **edges)
            scale = {"vmin": -(limit or 1.0), "vmax": limit or 1.0}
            shown = axes.imshow(np.ma.masked_invalid(cut), cmap="RdBu_r", **scale, **drawn)
            where = f"{'xyz'[across]} = {_mm(affine, values.shape, across, index):z.0f} mm"
            first, last, low, high = _around(brain)
            axes.set(xlim=(first, last), ylim=(low, high))
            axes.set_title(with_minus_signs(where), loc="center", fontweight="normal")
        for axes in row:
            axes.set_axis_off()
        for text, x in ((plane, -0.35), (left_letter, -0.1), (right_letter, 1.1)):
            row[0].text(x, 0.5, text, transform=row[0].transAxes, ha="center", va="center")
    if shown is not None:
        figure.colorbar(shown, ax=grid, shrink=0.7, label=label)
    figure.drawn += [dict(region) for region in regions]
    return with_fixed_layout(figure)


def _places(there: NDArray[np.bool_], axis: int) -> list[int]:
    """Slices spread evenly over those that have something, each once."""
    others = tuple(other for other in range(3) if other != axis)
    full = np.flatnonzero(there.any(axis=others))
    if not len(full):
        return []
    wanted = (np.arange(_SLICES) + 0.5) / _SLICES * len(full)
    return sorted({int(full[int(place)]) for place in wanted})


def _extent(there: NDArray[np.bool_], axis: int) -> slice:
    """From the first to the last that has something."""
    others = tuple(other for other in range(3) if other != axis)
    full = np.flatnonzero(there.any(axis=others))
    return slice(int(full[0]), int(full[-1]) + 1) if len(full) else slice(None)


def _around(picture: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """The edges of a picture with one more voxel on each side."""
    rows, columns = picture.shape
    return -1.5, columns + 0.5, -1.5, rows + 0.5


def _mm(affine: NDArray[np.float64], shape: tuple[int, ...], axis: int, index: int) -> float:
    """Where the middle of a slice lies along its axis."""
    middle = [(length - 1) / 2 for length in shape]
    middle[axis] = index
    return float((affine @ [*middle, 1.0])[axis])
