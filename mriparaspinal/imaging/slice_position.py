"""Where the slices of a dataset lie in the patient: the geometry columns of ``slices.csv``.

``prepare`` writes them. With them, label maps, contours and volumes that are in the patient's coordinates
can be laid onto a slice without guessing. Coordinates are those of DICOM, LPS+, in mm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mriparaspinal.core.text import read_cell, read_number
from mriparaspinal.imaging.planes import Plane, Vector, affine_of, square_plane

COLUMNS = (
    "slice_spacing_mm",
    *(f"position_{axis}_mm" for axis in "xyz"),
    *(f"across_{axis}" for axis in "xyz"),
    *(f"down_{axis}" for axis in "xyz"),
)
"""Columns after the spacings: distance of neighbouring slices; centre of the upper left pixel;
unit vectors of growing column and of growing row."""

_SPACINGS = ("row_spacing_mm", "col_spacing_mm")

#: The slice thickness of a label map whose slice has no neighbour to tell it by.
THICKNESS_MM = 1.0


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SlicePlace:
    """The place of one slice in its patient."""

    plane: Plane
    slice_spacing_mm: float | None
    """Distance of neighbouring slices of its source; None where it has no neighbour."""


def map_affine(place: SlicePlace) -> NDArray[np.float64]:
    """The affine, 4×4, (column, row, slice) → mm in LPS+, of the label map of one slice."""
    return affine_of(place.plane, abs(place.slice_spacing_mm or THICKNESS_MM))


def map_spacing(spacing_mm: tuple[float, float] | None) -> tuple[float, float, float]:
    """The spacing (column, row, slice), mm, of a label map without a place; unknown ones are 1 mm."""
    rows, columns = spacing_mm or (1.0, 1.0)
    return columns, rows, THICKNESS_MM


#: Pixel spacings of a lumbar slice, in mm; the sides of its field of view, in mm; the ratio of the spacings.
_SPACING_MM = (0.05, 5.0)

_FIELD_MM = (30.0, 1000.0)

_MOST_RATIO = 3.0

#: Units that a table may be in by mistake, and their mm.
_UNITS = (("cm", 10.0), ("m", 1000.0), ("µm", 0.001))


def spacing_doubt(spacing: tuple[float, float], size: tuple[int, int] | None) -> tuple[str, str] | None:
    """What is implausible in a pixel spacing (row, column, mm) of an image of (rows, columns), if anything.

    What was found, and what was expected.

    >>> spacing_doubt((0.0391, 0.0391), (256, 256))
    ('pixel spacing 0.0391 × 0.0391 mm', '0.05 to 5 mm (it is 0.391 × 0.391 mm if the table is in cm)')
    >>> spacing_doubt((0.5, 0.5), (256, 256))
    """
    found = f"pixel spacing {_by(spacing)}"
    low, high = _SPACING_MM
    if not all(low <= mm <= high for mm in spacing):
        return found, f"{low:g} to {high:g} mm{other_unit(spacing)}"
    if max(spacing) > _MOST_RATIO * min(spacing):
        return found, "pixels that are nearly square (is one the distance of the slices?)"
    if size is None:
        return None
    field = (spacing[0] * size[0], spacing[1] * size[1])
    low, high = _FIELD_MM
    if all(low <= mm <= high for mm in field):
        return None
    found = f"{found} in {size[1]} × {size[0]} px is a field of view of {_by(field)}"
    return found, f"{low:g} to {high:g} mm"


def other_unit(spacing: tuple[float, float]) -> str:
    """The mm that two numbers would be in a likely unit, in brackets; empty where none makes sense of them.

    >>> other_unit((390.6, 390.6))
    ' (it is 0.3906 × 0.3906 mm if the table is in µm)'
    """
    for unit, mm in _UNITS:
        meant = (spacing[0] * mm, spacing[1] * mm)
        if all(0.1 <= value <= 2 for value in meant):
            return f" (it is {_by(meant)} if the table is in {unit})"
    return ""


def _by(millimetres: tuple[float, float]) -> str:
    return f"{millimetres[0]:.4g} × {millimetres[1]:.4g} mm"


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
