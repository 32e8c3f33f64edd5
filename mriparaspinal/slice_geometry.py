"""Where the slices of a dataset lie in the patient: the geometry columns of ``slices.csv``.

``prepare`` writes them. With them, label maps, contours and volumes that are in the patient's coordinates
can be laid onto a slice without guessing. Coordinates are those of DICOM, LPS+, in mm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mriparaspinal.text import read_cell, read_number
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
    spacing = read_cell(told["slice_spacing_mm"])
    numbers = [read_number(told[name]) for name in (*_SPACINGS, *COLUMNS[1:])]
    known = [number for number in numbers if number is not None]
    if spacing is None or len(known) < len(numbers):
        return None
    rows, columns, *places = known
    position, across, down = (_vector(places[at : at + 3]) for at in (0, 3, 6))
    plane = square_plane(across, down, position, (rows, columns))
    apart = None if math.isnan(spacing) else spacing
    good = all(0 < mm < 100 for mm in (rows, columns, apart or 1.0))
    return SlicePlace(plane, apart) if plane is not None and good else None


def _vector(numbers: Sequence[float]) -> Vector:
    x, y, z = numbers
    return x, y, z
