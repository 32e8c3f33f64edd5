"""TIFF and BMP: opened where Pillow surely reads their grey levels right, else refused."""

from __future__ import annotations

import io
import math
import struct
from typing import Any

from PIL import Image

from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.text import count_of

#: Compressions of a TIFF that keep every grey level, and JPEG; others are not read.
_LOSSLESS = {1, 5, 8, 32773, 32946, 34925, 50000}

_JPEG = 7

#: In a TIFF that is compressed as JPEG: its tables are not at hand, so that of a poor quality is taken.
TIFF_JPEG_LOSS = 12.0

#: The numbers of the tags.
_BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS = 258, 259, 262, 273

_ORIENTATION, _SAMPLES, _ROWS, _COUNTS = 274, 277, 278, 279

_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _FORMAT = 284, 322, 323, 324, 325, 339

_AS_PNG = "export the slice as 8-bit greyscale PNG"


def open_other(raw: bytes) -> Image.Image:
    """A TIFF or BMP, its pixels not yet decoded.

    Raises :class:`UnreadableError` for what is not read, :class:`ValueError` for what is not whole.
    """
    if raw.startswith(b"BM"):
        _require_full_levels(raw)
        return Image.open(io.BytesIO(raw), formats=("BMP",))
    image = Image.open(io.BytesIO(raw), formats=("TIFF",))
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    if getattr(image, "is_animated", False):
        found = "a TIFF of several pages"
        raise unreadable(found, "one slice", "export the slice as a still image", "image-frames")
    if tags.get(_ORIENTATION, 1) not in (0, 1):
        found = "a TIFF orientation that turns the image"
        raise unreadable(
            found, "pixels as they are shown", "export the slice without an orientation", "image-orientation"
        )
    _require_grey_levels(tags)
    _require_all_strips(image, tags, len(raw))
    return image


def _require_grey_levels(tags: Any) -> None:
    bits, formats = _tuple(tags.get(_BITS, 1)), set(_tuple(tags.get(_FORMAT, 1)))
    samples, photometric = tags.get(_SAMPLES, 1), tags.get(_PHOTOMETRIC)
    if photometric is None:
        raise ValueError("no photometric tag")
    if photometric not in (0, 1, 2):
        names = {3: "a palette of colours", 5: "CMYK colours", 6: "YCbCr colours"}
        found = f"a TIFF with {names.get(photometric, f'the photometric tag {photometric}')}"
        raise unreadable(found, "grey levels", _AS_PNG, "colour-image")
    if tags.get(_COMPRESSION, 1) not in _LOSSLESS | {_JPEG}:
        found = f"a TIFF of compression {tags.get(_COMPRESSION)}"
        raise unreadable(found, "none, LZW, deflate or PackBits", _AS_PNG, "unreadable-image")
    if len(bits) != samples:
        raise ValueError("its tags contradict each other")
    if set(bits) == {8} and formats == {1}:
        return
    # From 16 bits on Pillow does not turn grey levels round for which 0 is white.
    if bits == (16,) and photometric == 1 and formats <= {1, 2}:
        return
    what = {1: "", 2: " signed", 3: " floating-point"}.get(next(iter(formats)), " other")
    inverted = ", of which 0 is white" if photometric == 0 else ""
    found = f"a TIFF of{what} {bits[0]}-bit values{inverted}"
    raise unreadable(found, "8-bit grey levels", f"{_AS_PNG}, in the study's window", "image-bits")


def _require_all_strips(image: Image.Image, tags: Any, size: int) -> None:
    """Each row must be in the file: Pillow leaves black what it does not find."""
    tiled = _TILE_OFFSETS in tags
    width, height = image.size
    if tiled:
        columns, rows = tags[_TILE_WIDTH], tags[_TILE_HEIGHT]
    else:
        columns, rows = width, min(tags.get(_ROWS, height), height)
    offsets = _tuple(tags[_TILE_OFFSETS if tiled else _OFFSETS])
    counts = _tuple(tags[_TILE_COUNTS if tiled else _COUNTS])
    if min(columns, rows) < 1:
        raise ValueError("strips without a row")
    samples, apart = tags.get(_SAMPLES, 1), tags.get(_PLANAR, 1) == 2
    expected = math.ceil(width / columns) * math.ceil(height / rows) * (samples if apart else 1)
    if not len(offsets) == len(counts) == expected:
        raise ValueError(f"{len(offsets)} of {expected} parts of the image")
    if any(start + count > size for start, count in zip(offsets, counts, strict=True)):
        raise ValueError("the file ends before its last row")
    if tags.get(_COMPRESSION, 1) == 1:
        bytes_each = sum(_tuple(tags[_BITS])) // 8 // (samples if apart else 1)
        needed = expected * rows * columns if tiled else height * width * (samples if apart else 1)
        if sum(counts) < needed * bytes_each:
            raise ValueError("fewer bytes than pixels")


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _bmp_header(raw: bytes) -> tuple[int, int]:
    """Bits per pixel of a BMP, and how many colours its palette has (0: as many as the bits allow)."""
    if len(raw) < 54:
        raise ValueError("the file ends in its header")
    (header,) = struct.unpack("<I", raw[14:18])
    if header < 40:
        return int.from_bytes(raw[24:26], "little"), 0
    return int.from_bytes(raw[28:30], "little"), int.from_bytes(raw[46:50], "little")


def _require_full_levels(raw: bytes) -> None:
    bits, _ = _bmp_header(raw)
    if bits not in (8, 24, 32):
        found = f"a BMP of {count_of(bits, 'bit')} per pixel"
        raise unreadable(found, "256 grey levels", _AS_PNG, "image-bits")


def bmp_colours(raw: bytes) -> int:
    """How many values a pixel of a BMP with a palette may have."""
    bits, colours = _bmp_header(raw)
    return colours or 2**bits
