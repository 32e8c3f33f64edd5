"""The grey level above which a pixel is fat, where it is not fixed but found in the slice itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.model import MUSCLES, OURS, SAT, DixonSums, FatRule, RegionCount
from mriparaspinal.imaging.rasterise import Patch

#: The fat fraction above which a voxel is mostly fat (rule ``dixon``).
DIXON_THRESHOLD = 0.5

#: Lean, mixed and fat pixels: the classes of rule ``multiotsu``.
_CLASSES = 3


def grey_threshold(
    rule: FatRule, grey: NDArray[np.uint8], patches: Mapping[tuple[str, str], Patch], sat_fraction: float
) -> float:
    """The threshold of one slice; a pixel strictly brighter is fat.

    ``grey`` (rows, columns) 8-bit; ``patches`` by region and side, placed on it.

    - ``otsu``: parts the grey levels of all muscles of the slice, each pixel once, in two classes;
      regions of one's own take their place on a slice without any
      (Otsu 1979, IEEE Trans. Syst. Man Cybern. 9:62–66).
    - ``multiotsu``: in three classes; the upper threshold (Liao et al. 2001, J. Inf. Sci. Eng. 17:713–727).
    - ``reference``: ``sat_fraction`` × the median grey level of subcutaneous fat, the region ``SAT``.

    Raises :class:`UnreadableError`.
    """
    if rule == "reference":
        return sat_fraction * _sat_median(grey, patches)
    muscles = [patch for (region, _), patch in patches.items() if region in MUSCLES]
    own = [patch for (region, _), patch in patches.items() if region not in OURS]
    levels = _pixels_once(grey, muscles or own)
    classes = _CLASSES if rule == "multiotsu" else 2
    distinct = len(np.unique(levels))
    if distinct < classes:
        found = f"{distinct} grey levels in all muscles together"
        raise unreadable(found, f"at least {classes} for {rule}", "check the image, or use --fat-rule fixed")
    if rule == "multiotsu":
        from skimage.filters import threshold_multiotsu

        return float(threshold_multiotsu(levels, classes=classes)[-1])
    if rule != "otsu":
        raise ValueError(rule)
    from skimage.filters import threshold_otsu

    return float(threshold_otsu(levels))


def is_saturated(grey: NDArray[np.uint8], patches: Mapping[tuple[str, str], Patch]) -> bool:
    """Whether the window cuts subcutaneous fat off: its median is white, and the true one is not known."""
    return _sat_median(grey, patches) >= 255


def _sat_median(grey: NDArray[np.uint8], patches: Mapping[tuple[str, str], Patch]) -> float:
    patch = patches.get((SAT, ""))
    if patch is None:
        found = f"no valid contour {SAT} of subcutaneous fat"
        raise unreadable(found, "one for the rule reference", "draw it, or use another --fat-rule")
    return float(np.median(patch.on(grey)[patch.pixels]))


def _pixels_once(grey: NDArray[np.uint8], patches: Iterable[Patch]) -> NDArray[np.uint8]:
    """The grey levels under patches, those under several once, (n,)."""
    covered = np.zeros(grey.shape, dtype=bool)
    for patch in patches:
        covered[patch.top : patch.bottom, patch.left : patch.right] |= patch.pixels
    return grey[covered]


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
