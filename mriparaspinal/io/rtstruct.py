"""DICOM RTSTRUCT: the outlines of regions in the patient's space. Of the file, only these and their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.text import read_number
from mriparaspinal.imaging.patient_contours import SpaceOutline
from mriparaspinal.io.dicom_header import fenced, read_object

#: What DICOM calls regions that a program drew, with a person's help or without.
AUTOMATIC = ("AUTOMATIC", "SEMIAUTOMATIC")

#: The types that enclose an area.
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")

#: No point of a patient is as far from the origin, in mm.
_FARTHEST_MM = 1e5


@dataclass(frozen=True, slots=True)
class StructureSet:
    """The outlines of a file, and the names of regions that have points, open lines or the like in it."""

    outlines: tuple[SpaceOutline, ...]
    without_area: tuple[str, ...]
    automatic: bool = False
    """Whether it says that a program drew some of them."""


def read_structures(path: Path) -> StructureSet:
    """The regions of an RTSTRUCT file; raises :class:`UnreadableError`."""
    header = read_object(path, ["StructureSetROISequence", "ROIContourSequence"])
    with fenced("the contours"):
        names = {
            int(item.ROINumber): str(item.get("ROIName") or "")
            for item in header.get("StructureSetROISequence") or []
        }
        outlines: list[SpaceOutline] = []
        without_area: list[str] = []
        for item in header.get("ROIContourSequence") or []:
            number = int(item.ReferencedROINumber)
            label = names.get(number) or f"ROI {number}"
            for contour in item.get("ContourSequence") or []:
                closed = str(contour.get("ContourGeometricType", "")).strip() in _CLOSED
                points = _points(contour.get("ContourData"))
                if closed and len(points) >= 3:
                    outlines.append(SpaceOutline(number, label, points))
                else:
                    without_area.append(label)
        said = {
            str(item.get("ROIGenerationAlgorithm") or "").strip().upper()
            for item in header.get("StructureSetROISequence") or []
        }
        automatic = bool(said & set(AUTOMATIC))
        return StructureSet(tuple(outlines), tuple(dict.fromkeys(without_area)), automatic)


def _points(data: Any) -> NDArray[np.float64]:
    # As they are written: float takes 0_5 for 5. None becomes NaN, which is no position.
    points = np.array([read_number(str(value)) for value in data or []], dtype=np.float64)
    if len(points) % 3 or not (abs(points) <= _FARTHEST_MM).all():
        found = "an outline with invalid coordinates"
        raise unreadable(found, "x, y, z in mm of each point", "export the file again")
    return points.reshape(-1, 3)
