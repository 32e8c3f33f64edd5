"""The measures ``shape``: how far a region reaches, and how long, round and hollowed it is.

They are of one side, or of a region without sides: a muscle of both sides has no shape of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import Spacing
from mriparaspinal.measure.slice_view import SliceView, Values


def shape_of(view: SliceView) -> Values:
    """The columns of ``shape`` by region and side; several contours of a region are one."""
    return {key: _shape(mask, view.spacing_mm) for key, mask in view.measured.items()}


def _shape(mask: NDArray[np.bool_], spacing_mm: Spacing | None) -> dict[str, float]:
    """On an axial slice, columns run from side to side, rows from front to back."""
    from skimage.measure import regionprops

    rows, columns = spacing_mm or (1.0, 1.0)
    region: Any = regionprops(mask.astype(np.uint8), spacing=(rows, columns))[0]
    top, left, bottom, right = region.bbox
    found = {"transverse_px": right - left, "anteroposterior_px": bottom - top}
    if spacing_mm:
        found |= {"transverse_mm": (right - left) * columns, "anteroposterior_mm": (bottom - top) * rows}
    long = region.axis_major_length
    if long > 0:  # one pixel has no axes
        if spacing_mm:
            found |= {"major_axis_mm": float(long), "minor_axis_mm": float(region.axis_minor_length)}
        found["eccentricity"] = float(region.eccentricity)
    return found | {"solidity": float(region.solidity)}
