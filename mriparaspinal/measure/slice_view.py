"""One slice as the groups of measures see it: its grey levels and the masks of its regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import MUSCLES, REFERENCES, Side, Spacing

Values = dict[tuple[str, str], dict[str, float]]
"""By region and side (``both``, too: of both sides, or of a region without), then by column; what cannot be
computed is not there."""


@dataclass(frozen=True, slots=True)
class SliceView:
    """The whole canvas of a slice; all arrays are (rows, columns)."""

    grey: NDArray[np.uint8]
    masks: Mapping[tuple[str, str], NDArray[np.bool_]]
    """Of each region that is measured, by region and side; the side of a reference and of SAT is empty."""
    fat: NDArray[np.bool_]
    """The pixels that are fat by the rule, in the regions and beside them."""
    spacing_mm: Spacing | None
    """Of rows and columns; None where it is not known."""
    image_left: Side
    """The patient's side that the left of the image shows."""
    reference: str
    """The reference of the settings; empty where they have none: then it is the one that is drawn."""
    rows: tuple[str, ...] = MUSCLES
    """The regions that have rows, in their order: the muscles, and one's own but for the reference."""

    @property
    def measured(self) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """The masks of what has rows, in their order; a region without sides is ``both``."""
        keys = ((name, side) for name in self.rows for side in ("left", "right", ""))
        found = ((key, self.masks.get(key)) for key in keys)
        return {
            (name, side or "both"): mask for (name, side), mask in found if mask is not None and mask.any()
        }

    @property
    def divisor(self) -> str:
        """The region that areas are divided by, of this slice; empty where none or several could be it."""
        drawn = [name for name in REFERENCES if (name, "") in self.masks]
        return self.reference or (drawn[0] if len(drawn) == 1 else "")
