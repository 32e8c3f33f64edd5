"""What is counted in a region: its pixels, and those of them that are fat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.model import RegionCount
from mriparaspinal.rasterise import Patch


def count_region(
    image: NDArray[np.uint8], patch: Patch, contour_area_px: float | None, threshold: int
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
