"""Where the voxels of an image lie, and whether those of two images are the same. Nothing is resampled."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault

#: How far apart, in voxels, two voxels may lie that are one: what rounding does to a header, and no more.
SAME = 0.1

#: Our coordinates are LPS+; NIfTI's, and those of most viewers of brain images, are RAS+. It leads back, too.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Grid:
    """The voxels of a volume."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    """4×4, voxel index → mm in LPS+."""

    def voxel_mm3(self) -> float:
        """The volume of one voxel."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance between neighbouring voxels along each axis, (3,)."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether two grids have the same voxels: shapes equal, and no corner a tenth of a voxel apart."""
    return one.shape == other.shape and distance_mm(one, other) <= SAME * float(one.spacing_mm().min())


def same_but_origin(one: Grid, other: Grid) -> bool:
    """Whether two grids would be the same if the first voxels lay in one place."""
    affine = other.affine.copy()
    affine[:3, 3] = one.affine[:3, 3]
    return same_grid(one, Grid(other.shape, affine))


def distance_mm(one: Grid, other: Grid) -> float:
    """How far apart the same corner of two grids of one shape lies, the farthest of the eight."""
    corners = np.array([(*c, 1) for c in itertools.product(*((0, n - 1) for n in one.shape))], dtype=float)
    apart = (corners @ (one.affine - other.affine).T)[:, :3]
    return float(np.linalg.norm(apart, axis=1).max())


def described(grid: Grid) -> str:
    """A grid in words, in NIfTI's own coordinates.

    >>> described(Grid((10, 8, 2), np.diag([-2.0, -2.0, 2.5, 1.0])))
    '10×8×2 voxels of 2×2×2.5 mm, RAS, first voxel at (0, 0, 0) mm'
    """
    from nibabel.orientations import aff2axcodes  # here: measuring a dataset needs no nibabel

    ras = LPS_TO_RAS @ grid.affine
    sizes = "×".join(map(str, grid.shape))
    steps = "×".join(f"{step:.4g}" for step in grid.spacing_mm())
    x, y, z = (f"{round(value, 2) + 0.0:.10g}" for value in ras[:3, 3])
    axes = "".join(aff2axcodes(ras))  # type: ignore[no-untyped-call]
    return f"{sizes} voxels of {steps} mm, {axes}, first voxel at ({x}, {y}, {z}) mm"


def difference(one: Grid, other: Grid) -> tuple[str, str]:
    """Two grids that differ, in words: the first, and the other with how far apart they lie."""
    apart = ""
    if one.shape == other.shape:
        apart = f", up to {distance_mm(one, other):.3g} mm apart"
    return described(one), f"{described(other)}{apart}"


@dataclass(frozen=True, slots=True)
class LabelVolume:
    """A label map in three dimensions."""

    voxels: NDArray[np.integer]
    """(i, j, k)"""
    affine: NDArray[np.float64] | None
    """4×4, voxel index → mm in LPS+; None if the file does not give its position."""
    remark: Fault | None = None
    """What is to be said about its place."""
    names: Mapping[int, str] | None = None
    """Label → name, where the file tells; a label of several segments has their names with ``+`` between."""
    layers: int = 1
    """Of a segmentation whose segments overlap, as many as it has: its labels are ours then."""
