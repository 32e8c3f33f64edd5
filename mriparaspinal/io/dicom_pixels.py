"""The pixels of a DICOM file as the scanner's values."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.core.text import read_number
from mriparaspinal.imaging.planes import Values
from mriparaspinal.io.dicom_decoder import decode
from mriparaspinal.io.dicom_header import (
    Finder,
    attribute_finder,
    broken_dicom,
    count_frames,
    first_number,
    lookup_table,
    read_header,
    require_decoder,
    to_integer,
)


def read_values(path: Path, frame: int) -> Values:
    """The values of one slice after rescaling, NaN where it is padded; raises UnreadableError."""
    header = read_header(path, pixels=True)
    if header is None:
        raise broken_dicom("the file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_pixels(header)
            stored = _stored(path, header, frame)
            return _rescaled(header, stored, frame)
    except UnreadableError:
        raise
    except MemoryError:
        raise unreadable("larger than the memory", "one series", "check the file") from None
    except Exception:
        found = "the pixels cannot be decoded (truncated or damaged)"
        raise unreadable(found, "a complete DICOM file", "export the file again") from None


def _check_pixels(header: Dataset) -> None:
    if not any(name in header for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        found = "no pixels, as in a truncated file"
        raise unreadable(found, "an image", "export the file again")
    count_frames(header)
    photometric = str(header.get("PhotometricInterpretation", ""))
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        found = "colour or an unknown kind of pixels"
        raise unreadable(
            f"{found}", "MONOCHROME1 or MONOCHROME2", "choose the original series, not a copy of a screen"
        )
    require_decoder(header.file_meta.TransferSyntaxUID)


def _stored(path: Path, header: Dataset, frame: int) -> np.ndarray[Any, Any]:
    multi = (to_integer(header.get("NumberOfFrames")) or 1) > 1
    index = frame if multi else None
    if header.file_meta.TransferSyntaxUID.is_compressed:
        stored = decode(path, index)
    else:
        stored = np.asarray(pixel_array(header, index=index, raw=True))
    if stored.shape != (int(header.Rows), int(header.Columns)):
        raise broken_dicom("the pixels")
    if stored.dtype.kind not in "iu":
        return stored
    # Bits beyond those stored hold overlays in old files, and are no part of the value.
    bits, high = int(header.BitsStored), to_integer(header.get("HighBit"))
    shift = (high + 1 - bits) if high is not None else 0
    if not 0 < bits <= int(header.BitsAllocated) or shift < 0:
        raise broken_dicom("the pixels")
    if shift:
        found = f"HighBit {high} with {bits} BitsStored: whether the values are in the upper bits or in the "
        found += "lower ones is not known"
        raise unreadable(found, f"HighBit {bits - 1}", "export it again, with another tool")
    values = stored.astype(np.int64) & ((1 << bits) - 1)
    if int(header.get("PixelRepresentation") or 0) == 1:
        values = np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    return values


def _rescaled(header: Dataset, stored: np.ndarray[Any, Any], frame: int) -> Values:
    find = attribute_finder(header, frame)
    tables = header.get("ModalityLUTSequence")
    if tables:
        table = lookup_table(tables[0])
        if table is None:
            raise broken_dicom("the modality table")
        places = np.clip(stored - table.first, 0, len(table.entries) - 1).astype(np.int64)
        values = np.asarray(table.entries, dtype=np.float64)[places]
    else:
        slope = _rescale(find, "RescaleSlope", 1.0)
        intercept = _rescale(find, "RescaleIntercept", 0.0)
        if slope == 0:
            found = "RescaleSlope 0, which makes all pixels alike"
            raise unreadable(found, "another factor", "export the file again")
        values = stored * slope + intercept
    return np.where(_padded(header, stored), np.nan, values.astype(np.float64))


def _rescale(find: Finder, name: str, without: float) -> float:
    """A factor or summand of the pixels, ``without`` where there is none; raises for what is not a number."""
    value = find("PixelValueTransformationSequence", name)
    if value is None or str(value).strip() == "":
        return without
    number = read_number(str(value))  # of several numbers none
    if number is None:
        found = f"a {name} that is not one plain number"
        raise unreadable(found, f"one such as {without:g}", "export the file again")
    return number


def _padded(header: Dataset, stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    padding = first_number(header.get("PixelPaddingValue"))
    if padding is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = first_number(header.get("PixelPaddingRangeLimit"))
    low, high = sorted((padding, padding if limit is None else limit))
    return (stored >= low) & (stored <= high)
