"""The grey level above which a pixel is fat, where it is not fixed but found in the slice itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.model import MUSCLES, SAT, FatRule
from mriparaspinal.rasterise import Patch

#: The fat fraction above which a voxel is mostly fat (rule ``dixon``).
DIXON_THRESHOLD = 0.5
#: Lean, mixed and fat pixels: the classes of rule ``multiotsu``.
_CLASSES = 3


class NoThresholdError(Exception):
    """A slice in which a rule finds no threshold: what was found and expected, what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def grey_threshold(
    rule: FatRule, grey: NDArray[np.uint8], patches: Mapping[tuple[str, str], Patch], sat_fraction: float
) -> float:
    """The threshold of one slice; a pixel strictly brighter is fat.

    ``grey`` (rows, columns) 8-bit; ``patches`` by region and side, placed on it.

    - ``otsu``: parts the grey levels of all muscles of the slice, each pixel once, in two classes
      (Otsu 1979, IEEE Trans. Syst. Man Cybern. 9:62–66).
    - ``multiotsu``: in three classes; the upper threshold (Liao et al. 2001, J. Inf. Sci. Eng. 17:713–727).
    - ``reference``: ``sat_fraction`` × the median grey level of subcutaneous fat, the region ``SAT``.

    Raises :class:`NoThresholdError`.
    """
    if rule == "reference":
        return sat_fraction * _sat_median(grey, patches)
    levels = _pixels_once(grey, (patch for (region, _), patch in patches.items() if region in MUSCLES))
    classes = _CLASSES if rule == "multiotsu" else 2
    distinct = len(np.unique(levels))
    if distinct < classes:
        found = f"{distinct} grey levels in all muscles together; expected at least {classes} for {rule}"
        raise NoThresholdError(found, "check the image, or use --fat-rule fixed")
    if rule == "multiotsu":
        from skimage.filters import threshold_multiotsu

        return float(threshold_multiotsu(levels, classes=classes)[-1])
    from skimage.filters import threshold_otsu

    return float(threshold_otsu(levels))


def is_saturated(grey: NDArray[np.uint8], patches: Mapping[tuple[str, str], Patch]) -> bool:
    """Whether the window cuts subcutaneous fat off: its median is white, and the true one is not known."""
    return _sat_median(grey, patches) >= 255


def _sat_median(grey: NDArray[np.uint8], patches: Mapping[tuple[str, str], Patch]) -> float:
    patch = patches.get((SAT, ""))
    if patch is None:
        found = f"no sound contour {SAT} of subcutaneous fat; expected one for the rule reference"
        raise NoThresholdError(found, "draw it, or use another --fat-rule")
    return float(np.median(patch.on(grey)[patch.pixels]))


def _pixels_once(grey: NDArray[np.uint8], patches: Iterable[Patch]) -> NDArray[np.uint8]:
    """The grey levels under patches, those under several once, (n,)."""
    covered = np.zeros(grey.shape, dtype=bool)
    for patch in patches:
        covered[patch.top : patch.bottom, patch.left : patch.right] |= patch.pixels
    return grey[covered]
