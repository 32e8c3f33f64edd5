"""What is counted in a region: its pixels, and those of them that are fat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.model import DixonSums, RegionCount
from mriparaspinal.rasterise import Patch


def count_region(
    image: NDArray[np.uint8], patch: Patch, contour_area_px: float | None, threshold: float
) -> RegionCount:
    """Count a region's pixels, its fat pixels (grey level strictly above ``threshold``) and sum its grey.

    ``image`` (rows, columns) 8-bit grey levels; ``contour_area_px`` in px² goes through.
    The fixed threshold is that of Ren et al. 2026 (grey > 50).
    """
    levels = patch.on(image)[patch.pixels]
    return RegionCount(
        csa_px=levels.size,
        contour_area_px=contour_area_px,
        fat_px=int(np.count_nonzero(levels > threshold)),
        grey_sum=int(levels.sum()),
    )


def dixon_sums(
    fat: NDArray[np.float64], water: NDArray[np.float64], patch: Patch, threshold: float
) -> tuple[int, DixonSums]:
    """A region's voxels with a fat fraction above ``threshold``, and what its fat and water add up to.

    ``fat``, ``water`` (rows, columns): magnitudes ≥ 0. A voxel without signal (both 0, or no value) has no
    fat fraction: it is no fat and in no sum, though it counts for the area.
    """
    rows, columns = slice(patch.top, patch.bottom), slice(patch.left, patch.right)
    f, w = fat[rows, columns][patch.pixels], water[rows, columns][patch.pixels]
    signal = f + w
    known = signal > 0  # False for NaN, too
    f, signal = f[known], signal[known]
    fractions = f / signal
    sums = DixonSums(len(f), float(fractions.sum()), float(f.sum()), float(signal.sum()))
    return int(np.count_nonzero(fractions > threshold)), sums
