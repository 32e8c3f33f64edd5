"""Helpers for the tests of ``prepare``: series as scanners write them, and tables of levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

#: Secret text that a DICOM file carries in every text element.
SECRET = "SECRETNAME"


def mr(pixels, number, plane, series=5, invert=False, secret=False) -> Dataset:
    """A slice; ``plane``: directions of columns and rows, position, spacings of rows and columns."""
    across, down, position, spacing = plane
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[f"series {series}"])
    data.Modality, data.SeriesNumber, data.InstanceNumber = "MR", series, number
    data.ImageOrientationPatient = [f"{v:.10f}" for v in (*across, *down)]
    data.ImagePositionPatient = [f"{v:.8f}" for v in position]
    data.PixelSpacing = [f"{v:.8f}" for v in spacing]
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if invert else "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PixelData = np.ascontiguousarray(pixels).astype("<u2").tobytes()
    data.WindowCenter, data.WindowWidth = 500.5, 1001  # LINEAR: exactly 0 to 1000
    if secret:
        hide(data)
    return data


def hide(data: Dataset) -> None:
    """Write a secret into every kind of text element, and into an overlay."""
    names = ("PatientName", "PatientID", "SeriesDescription", "StudyDescription", "ProtocolName")
    names += (
        "InstitutionName",
        "OperatorsName",
        "ReferringPhysicianName",
        "ImageComments",
        "BodyPartExamined",
    )
    names += ("ScanningSequence", "SequenceVariant", "StationName", "AccessionNumber", "SequenceName")
    names += ("Manufacturer", "WindowCenterWidthExplanation", "RescaleType", "AdditionalPatientHistory")
    for name in names:
        setattr(data, name, SECRET)
    data.PatientBirthDate = "19010203"
    data.Modality = SECRET[:8]
    block = data.private_block(0x0029, SECRET, create=True)
    block.add_new(1, "LO", SECRET)
    data.add_new(0x60003000, "OB", SECRET.encode() * 40)
    data.add_new(0x60000022, "LO", SECRET)


def write(folder: Path, slices: list[Dataset], compress: str = "") -> Path:
    """Write a series; ``compress``: ``RLE``, or the name of a lossless transfer syntax of gdcm."""
    folder.mkdir(parents=True)
    for n, data in enumerate(slices):
        path = folder / f"IM{n:04d}"
        if compress == "RLE":
            data.compress(RLELossless)
        data.save_as(path, enforce_file_format=True)
        if compress not in ("", "RLE"):
            transcode(path, compress)
    return folder


def transcode(path: Path, name: str) -> None:
    """Write a file again with compressed pixels."""
    import gdcm

    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(path))
    assert writer.Write()


def levels(path: Path, *rows: str, columns: str = "source,group,patient,segment,slice") -> Path:
    path.write_text("\n".join([columns, *rows]) + "\n")
    return path


def body() -> np.ndarray:
    """Values by x to the patient's left, y to the back, z to the head; a mark at the right front."""
    voxels = np.random.default_rng(2).integers(0, 900, (6, 8, 5)).astype(np.uint16)
    voxels[0, 0, :] = 1000
    return voxels


def lps_slices(voxels, swap, rows, columns, tilt=0.0, steps=(2.0, 1.5, 4.0), **options) -> list[Dataset]:
    """The slices of ``body()``, foot to head, as a scanner may store them in another order."""
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    x, y, z = turn.T
    found = []
    for k in range(voxels.shape[2]):
        pixels = voxels[:, :, k].T
        corner = z * k * steps[2]
        across, down, spacing = x, y, (steps[1], steps[0])
        if rows < 0:
            corner, down = corner + y * steps[1] * (pixels.shape[0] - 1), -y
        if columns < 0:
            corner, across = corner + x * steps[0] * (pixels.shape[1] - 1), -x
        pixels = pixels[::rows, ::columns]
        if swap:
            pixels, across, down, spacing = pixels.T, down, across, spacing[::-1]
        # Numbered from head to foot, so that the order of the numbers is not that of the places.
        pixels = 1000 - pixels if options.get("invert") else pixels
        found.append(mr(pixels, voxels.shape[2] - k, (across, down, corner, spacing), **options))
    return found
