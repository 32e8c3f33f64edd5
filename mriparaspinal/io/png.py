"""PNG files: are they complete, how many bits do they have, a quick decoder for plain ones, and a writer."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.io.image_limits import require_below, too_large

GreyImage = NDArray[np.uint8]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


_QUICK_LIMIT = 1_000_000

#: Chunks that change neither a grey level nor what the image is; text may hold EXIF, frames an animation.
_PLAIN_CHUNKS = {b"IDAT": None, b"IEND": 0, b"pHYs": 9, b"gAMA": 4, b"sRGB": 1, b"tIME": 7}


def png_of(pixels: NDArray[np.uint8], dpi: float) -> bytes:
    """A PNG of a drawing, (rows, columns, 3), without side data but its resolution.

    Its lines are not filtered: that is as small for line art, and three times as fast as Pillow.
    """
    rows, columns, channels = pixels.shape
    lines = np.zeros((rows, 1 + columns * channels), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)
    per_metre = round(dpi / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", zlib.compress(lines.tobytes(), 4)),
        (b"IEND", b""),
    )
    written = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return PNG_MAGIC + b"".join(written)


def decode_plain_png(raw: bytes) -> Image.Image | None:
    """An 8-bit grey PNG without side data by kornia-rs, where it is installed (extra ``fast``).

    None where it is not, or the file is anything but plain and whole: Pillow decodes that, or says why not.
    """
    decode = _quick_decoder()
    if decode is None or raw[:16] != PNG_MAGIC + b"\0\0\0\x0dIHDR" or raw[24:29] != b"\x08\0\0\0\0":
        return None
    width, height = struct.unpack(">II", raw[16:24])
    # What lies behind the last line may be unpacked, too: a few megabytes of it could be gigabytes.
    if len(raw) > min(_QUICK_LIMIT, (width + 1) * height + 1000):
        return None
    if width * height == 0 or too_large(width, height) or not _has_plain_chunks(raw):
        return None
    try:
        grey = decode(raw, (height, width), "mono")
    except Exception:  # it has no kind of its own
        return None
    if grey.shape != (height, width, 1) or grey.dtype != np.uint8:
        return None
    return Image.frombuffer("L", (width, height), grey, "raw", "L", 0, 1)


@functools.cache
def _quick_decoder() -> Callable[[bytes, tuple[int, int], str], GreyImage] | None:
    try:
        from kornia_rs.io import decode_image_png_u8
    except ImportError:
        return None
    decode: Callable[[bytes, tuple[int, int], str], GreyImage] = decode_image_png_u8
    return decode


def _has_plain_chunks(raw: bytes) -> bool:
    """Whether a PNG has just the chunks that say nothing more than its pixels, up to its end."""
    place, kind = 33, b""  # behind the header
    while kind != b"IEND" and place + 8 <= len(raw):
        length, kind = int.from_bytes(raw[place : place + 4], "big"), raw[place + 4 : place + 8]
        # Not all decoders look at such chunks, where Pillow refuses a file with a damaged one.
        expected = _PLAIN_CHUNKS.get(kind, -1)
        if expected is not None:
            end = place + 8 + length
            checksum = zlib.crc32(raw[place + 4 : end]).to_bytes(4, "big")
            if length != expected or raw[end : end + 4] != checksum:
                return False
        place += 12 + length
    return kind == b"IEND" and place == len(raw)


#: Channels of a pixel by the colour type of a PNG.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

#: Bytes that are unpacked at a time.
_BLOCK = 1 << 20


def require_complete_png(image: Image.Image, raw: bytes) -> None:
    """Raise :class:`ValueError` for a PNG whose compressed stream ends before the last line.

    Pillow says so only where it ends within a line, and else takes the rest for black without a word.
    """
    if image.format == "BMP" and image.mode == "L":
        from mriparaspinal.io.other_images import bmp_colours

        require_below(image, bmp_colours(raw))
    if not raw.startswith(PNG_MAGIC):
        return
    last = image.crop((0, image.height - 1, image.width, image.height))
    # A last line that is not black was there. Interlaced lines come in another order.
    if not image.info.get("interlace") and any(last.tobytes()):
        return
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", raw[16:29])
    bits = depth * _CHANNELS[colour]
    passes = _ADAM7 if interlaced else [(0, 0, 1, 1)]
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    expected = sum(
        rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if min(columns, rows) > 0
    )
    if _unpacked(raw, expected) < expected:
        raise ValueError("the image ends before its last line")


#: First column and row of the passes of an interlaced PNG, and their steps.
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def _unpacked(raw: bytes, enough: int) -> int:
    """How many bytes the stream of a PNG holds; not all are unpacked where there are ``enough``."""
    stream = zlib.decompressobj()
    count, place = 0, 8
    while count < enough and not stream.eof and place + 8 <= len(raw):
        length = int.from_bytes(raw[place : place + 4], "big")
        packed = raw[place + 8 : place + 8 + length] if raw[place + 4 : place + 8] == b"IDAT" else b""
        while packed and count < enough:
            count += len(stream.decompress(packed, _BLOCK))
            packed = stream.unconsumed_tail
        place += 12 + length
    return count


def bits_per_channel(raw: bytes) -> int | None:
    """Bits per channel in a PNG's header: Pillow itself cuts 16-bit colour down to 8 without a word."""
    if raw[:8] == PNG_MAGIC and raw[12:16] == b"IHDR" and len(raw) > 24:
        return raw[24]
    return None
