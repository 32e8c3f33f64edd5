"""Where the slices of a dataset lie in the patient: the geometry columns of ``slices.csv``.

``prepare`` writes them. With them, label maps, contours and volumes that are in the patient's coordinates
can be laid onto a slice without guessing. Coordinates are those of DICOM, LPS+, in mm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mriparaspinal.volume import Plane, Vector, square_plane

COLUMNS = (
    "slice_spacing_mm",
    *(f"position_{axis}_mm" for axis in "xyz"),
    *(f"across_{axis}" for axis in "xyz"),
    *(f"down_{axis}" for axis in "xyz"),
)
"""Columns after the spacings: distance of neighbouring slices; centre of the upper left pixel;
unit vectors of growing column and of growing row."""
_SPACINGS = ("row_spacing_mm", "col_spacing_mm")


@dataclass(frozen=True, slots=True)
class SlicePlace:
    """The place of one slice in its patient."""

    plane: Plane
    slice_spacing_mm: float | None
    """Distance of neighbouring slices of its source; None where it has no neighbour."""


def cells(plane: Plane, slice_spacing_mm: float | None) -> tuple[float | None, ...]:
    """The cells of :data:`COLUMNS` for a slice."""
    # Adding 0 makes the zero of a turned direction, -0.0, a plain one.
    return (slice_spacing_mm, *(value + 0.0 for value in (*plane.position, *plane.across, *plane.down)))


def parse_places(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, SlicePlace]:
    """The places that a table of slices tells, by the text of its ``image`` cell.

    Rows without a whole, sound geometry are left out: what needs it says so.
    """
    if not {"image", *COLUMNS, *_SPACINGS} <= set(columns):
        return {}
    places = {}
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        place = _place(told)
        if place is not None:
            places[told["image"]] = place
    return places


def _place(told: dict[str, str]) -> SlicePlace | None:
    def vector(kind: str, unit: str = "") -> Vector:
        x, y, z = (float(told[f"{kind}_{axis}{unit}"]) for axis in "xyz")
        return x, y, z

    try:
        rows, columns = (float(told[name]) for name in _SPACINGS)
        plane = square_plane(vector("across"), vector("down"), vector("position", "_mm"), (rows, columns))
        spacing = float(told["slice_spacing_mm"]) if told["slice_spacing_mm"] else None
    except ValueError:
        return None
    good = all(math.isfinite(mm) and 0 < mm < 100 for mm in (rows, columns, spacing or 1.0))
    return SlicePlace(plane, spacing) if plane is not None and good else None
