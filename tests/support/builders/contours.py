"""Helpers for the tests of contours: RTSTRUCT and SEG files, and slices with a place in the patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from mriparaspinal.imaging.planes import Plane
from mriparaspinal.imaging.slice_position import COLUMNS, cells
from mriparaspinal.io.tables import csv_bytes
from tests.support.builders.scans import hide
from tests.support.builders.slices import write_image

#: An oblique plane: tilted by 20° about the patient's left–right axis, pixels of 0.8 (rows) × 0.5 mm.
TILT = np.deg2rad(20)
PLANE = Plane(
    across=(1.0, 0.0, 0.0),
    down=(0.0, float(np.cos(TILT)), float(np.sin(TILT))),
    position=(-40.0, 12.5, -300.25),
    row_spacing_mm=0.8,
    col_spacing_mm=0.5,
)
SPACING = 4.0
SHAPE = (90, 120)


def write_places(
    folder: Path, names: Sequence[str], plane: Plane = PLANE, spacing: float | None = SPACING, shape=SHAPE
) -> Path:
    """Slices ``NAME.png``, each ``spacing`` above the one before, and ``slices.csv`` with their places."""
    rows = []
    for number, name in enumerate(names):
        write_image(folder / f"{name}.png", np.full(shape, 40 + number, dtype=np.uint8))
        place = shifted(plane, number * (spacing or 1.0))
        rows.append((f"{name}.png", plane.row_spacing_mm, plane.col_spacing_mm, *cells(place, spacing)))
    header = ("image", "row_spacing_mm", "col_spacing_mm", *COLUMNS)
    (folder / "slices.csv").write_bytes(csv_bytes(header, rows))
    return folder


def shifted(plane: Plane, mm: float) -> Plane:
    """A plane parallel to another, so much farther to the head."""
    x, y, z = np.asarray(plane.position) + mm * plane.normal()
    return Plane(plane.across, plane.down, (x, y, z), plane.row_spacing_mm, plane.col_spacing_mm)


def in_patient(points: Any, plane: Plane = PLANE, above: float = 0.0) -> np.ndarray:
    """Points in LabelMe's pixels (column, row) as points in the patient, mm."""
    across, down = np.asarray(plane.across), np.asarray(plane.down)
    columns, rows = np.asarray(points, dtype=float).T - 0.5
    flat = np.outer(columns * plane.col_spacing_mm, across) + np.outer(rows * plane.row_spacing_mm, down)
    return flat + plane.position + above * plane.normal()


def _file(kind: str, modality: str) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = kind
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.SpecificCharacterSet = "ISO_IR 192"
    hide(data)
    data.Modality = modality
    return data


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def write_rtstruct(path: Path, rois: Sequence[tuple[str, Sequence[Any]]]) -> Path:
    """``rois``: name, and its outlines in mm, or (outline, geometric type)."""
    data = _file("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT")
    names, drawn = [], []
    for number, (name, outlines) in enumerate(rois, 1):
        names.append(_item(ROINumber=number, ROIName=name))
        contours = []
        for outline in outlines:
            points, kind = outline if isinstance(outline, tuple) else (outline, "CLOSED_PLANAR")
            values = [f"{value:.6f}" for value in np.asarray(points).ravel()]
            contours.append(
                _item(ContourGeometricType=kind, NumberOfContourPoints=len(values) // 3, ContourData=values)
            )
        drawn.append(_item(ReferencedROINumber=number, ContourSequence=Items(contours)))
    data.StructureSetROISequence, data.ROIContourSequence = Items(names), Items(drawn)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_seg(
    path: Path,
    labels: Mapping[int, str],
    frames: Sequence[tuple[int, np.ndarray, Plane]],
    kind: str = "BINARY",
    spacing: float = SPACING,
) -> Path:
    """``frames``: segment number, pixels (rows, columns), plane. FRACTIONAL pixels are 0–200."""
    data = _file("1.2.840.10008.5.1.4.1.1.66.4", "SEG")
    data.SegmentationType = kind
    data.MaximumFractionalValue = 200
    data.SegmentSequence = Items([_item(SegmentNumber=n, SegmentLabel=label) for n, label in labels.items()])
    groups = []
    for number, _, plane in frames:
        values = [f"{v:.8f}" for v in (*plane.across, *plane.down)]
        groups.append(
            _item(
                SegmentIdentificationSequence=Items([_item(ReferencedSegmentNumber=number)]),
                PlaneOrientationSequence=Items([_item(ImageOrientationPatient=values)]),
                PlanePositionSequence=Items(
                    [_item(ImagePositionPatient=[f"{v:.6f}" for v in plane.position])]
                ),
            )
        )
    first = frames[0][2]
    measures = _item(PixelSpacing=[first.row_spacing_mm, first.col_spacing_mm], SpacingBetweenSlices=spacing)
    data.SharedFunctionalGroupsSequence = Items([_item(PixelMeasuresSequence=Items([measures]))])
    data.PerFrameFunctionalGroupsSequence = Items(groups)
    data.NumberOfFrames = len(frames)
    stack = np.stack([pixels for _, pixels, _ in frames])
    data.Rows, data.Columns = stack.shape[1:]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    bits = 1 if kind == "BINARY" else 8
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    raw = (
        np.packbits(stack.astype(bool).ravel(), bitorder="little").tobytes() if bits == 1 else stack.tobytes()
    )
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path
