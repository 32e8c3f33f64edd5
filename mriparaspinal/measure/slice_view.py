"""One slice as the groups of measures see it: its grey levels and the masks of its regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import Side, Spacing

Values = dict[tuple[str, str], dict[str, float]]
"""By muscle and side (``both``, too), then by column; what cannot be computed is not there."""


@dataclass(frozen=True, slots=True)
class SliceView:
    """The whole canvas of a slice; all arrays are (rows, columns)."""

    grey: NDArray[np.uint8]
    masks: Mapping[tuple[str, str], NDArray[np.bool_]]
    """Of each region that is measured, by region and side; the side of a reference and of SAT is empty."""
    threshold: float
    """A pixel above it is fat: a grey level; a fat fraction for the rule ``dixon``."""
    fat: NDArray[np.bool_]
    """The pixels that are fat by the rule, in the regions and beside them."""
    spacing_mm: Spacing | None
    """Of rows and columns; None where it is not known."""
    image_left: Side
    """The patient's side that the left of the image shows."""
    reference: str
    """The reference of the settings; empty where they have none: then it is the one that is drawn."""
