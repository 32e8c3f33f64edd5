"""Smooth closed curves in millimetres, and where they lie in the image: the geometry of the phantom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FIELD_OF_VIEW_MM = 224.0


def smooth_curve(points: Array, steps: int = 14) -> Array:
    """A closed Catmull–Rom curve through the points, as a dense polygon."""
    before, start, end, after = (np.roll(points, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    curve = (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    ) / 2
    return np.asarray(curve.reshape(-1, 2))


def enclosed_area(outline: Array) -> float:
    """Area that a closed polygon encloses (shoelace)."""
    x, y = (outline - outline[0]).T
    return float(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2)


def crossings(outline: Array, rows: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which edges cross each horizontal line, and at which x: two arrays (rows, edges)."""
    (x0, y0), (x1, y1) = outline.T[:, None, :], np.roll(outline, -1, axis=0).T[:, None, :]
    y = rows[:, None]
    crossed = (y0 <= y) != (y1 <= y)
    slope = (x1 - x0) / np.where(y1 == y0, 1.0, y1 - y0)
    return crossed, x0 + (y - y0) * slope


def mirrored(half: list[tuple[float, float]]) -> Array:
    """A smooth closed curve from its right half, which runs from the midline to the midline."""
    return smooth_curve(np.array([*half, *((-x, y) for x, y in half[-2:0:-1])], dtype=np.float64))


def ellipse(x: float, y: float, rx: float, ry: float, degrees: float = 0.0) -> Array:
    """An ellipse around (x, y), turned by degrees; radii in mm."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.column_stack([rx * np.cos(turn), ry * np.sin(turn)])
    return np.asarray(circle @ rotation(degrees) + (x, y))


def rotation(degrees: float) -> Array:
    """The matrix that turns points (rows of x, y) by degrees."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@dataclass(frozen=True, slots=True)
class Placement:
    """How the patient lies in the field of view."""

    shift: tuple[float, float]
    """Where the centre of the disc is, mm from the centre of the image."""
    degrees: float

    def pixels(self, points: Array, size: int) -> Array:
        """Image coordinates in which pixel i spans i to i + 1, as on LabelMe's canvas."""
        mm = points @ rotation(self.degrees) + self.shift
        return np.asarray((mm / FIELD_OF_VIEW_MM + 0.5) * size)
