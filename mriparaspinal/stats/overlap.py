"""Agreement of two masks of the same region on the same slice: Dice coefficient and Hausdorff distance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from mriparaspinal.core.errors import UsageError

Mask = NDArray[np.bool_]


def dice(mask_a: Mask, mask_b: Mask) -> float | None:
    """Dice's coefficient 2·|A ∩ B| / (|A| + |B|) of two boolean masks of one shape, 0–1 (Dice 1945).

    One empty mask gives 0; two empty masks give None: there is nothing to agree on.

    >>> dice(np.array([[True, True, False]]), np.array([[False, True, True]]))
    0.5
    """
    _check(mask_a, mask_b)
    total = int(mask_a.sum()) + int(mask_b.sum())
    if total == 0:
        return None
    return 2 * int((mask_a & mask_b).sum()) / total


def hausdorff(
    mask_a: Mask, mask_b: Mask, spacing: tuple[float, ...] = (1.0, 1.0), percentile: float = 100.0
) -> float | None:
    """Hausdorff distance between the boundaries of two boolean masks of one shape.

    The boundary of a mask is its pixels that touch a pixel outside it by an edge; what lies beyond the
    image is outside. From the centre of each boundary pixel of one mask the distance to the nearest
    boundary pixel of the other is taken, in both directions; the result is the larger of the two
    directions' maxima (Hausdorff), or with ``percentile=95`` of their 95th percentiles (linear
    interpolation), which a single stray pixel does not decide.

    ``spacing`` is the pixel size along each axis (rows, columns), in mm for a distance in mm; the default
    gives pixels. None where either mask is empty.

    >>> a = np.zeros((5, 9), dtype=bool)
    >>> b = a.copy()
    >>> a[1:4, 1:4] = b[1:4, 3:6] = True
    >>> hausdorff(a, b), hausdorff(a, b, spacing=(1.0, 0.5))
    (2.0, 1.0)
    """
    _check(mask_a, mask_b)
    if len(spacing) != mask_a.ndim or not all(0 < size < np.inf for size in spacing):
        raise ValueError(f"spacing {spacing}: expected {mask_a.ndim} positive numbers")
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile {percentile}: expected above 0 up to 100")
    if not mask_a.any() or not mask_b.any():
        return None
    edge_a, edge_b = _boundary(mask_a), _boundary(mask_b)
    a_to_b = _distance_to(edge_b, spacing)[edge_a]
    b_to_a = _distance_to(edge_a, spacing)[edge_b]
    return float(max(np.percentile(a_to_b, percentile), np.percentile(b_to_a, percentile)))


def _boundary(mask: Mask) -> Any:
    return mask & ~binary_erosion(mask)


def _distance_to(pixels: Mask, spacing: tuple[float, ...]) -> Any:
    """The distance of every pixel of the image to the nearest of ``pixels``."""
    return distance_transform_edt(~pixels, sampling=spacing)


def _check(mask_a: Mask, mask_b: Mask) -> None:
    # A label map taken for a mask would count label 2 twice, without a word.
    if mask_a.dtype != np.bool_ or mask_b.dtype != np.bool_:
        raise TypeError(f"masks of {mask_a.dtype} and {mask_b.dtype}: expected boolean arrays")
    if mask_a.shape != mask_b.shape:
        raise UsageError(
            f"masks: {mask_a.shape} and {mask_b.shape} pixels found; two masks of the same slice were "
            "expected; compare contours that were drawn on the same image"
        )
