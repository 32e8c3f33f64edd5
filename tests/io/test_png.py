"""The quick way of decoding (extra ``fast``) gives Pillow's grey levels, or leaves the file to Pillow."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, PngImagePlugin

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.images import decode_image
from mriparaspinal.io.png import decode_plain_png
from tests.support.builders.slices import png_bytes, png_chunk

pytest.importorskip("kornia_rs", reason="the extra 'fast' is not installed")


def saved(image: np.ndarray, **options: object) -> bytes:
    raw = io.BytesIO()
    Image.fromarray(image).save(raw, "PNG", **options)
    return raw.getvalue()


@settings(deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)), st.integers(0, 9))
def test_the_same_grey_levels(image, level):
    raw = saved(image, compress_level=level)
    plain = decode_plain_png(raw)
    assert plain is not None
    assert plain.mode == "L"
    assert np.array_equal(np.asarray(plain), image)
    assert plain.crop((0, 0, 1, 1)).getpixel((0, 0)) == image[0, 0]


@pytest.mark.parametrize(
    "chunk", [(b"gAMA", struct.pack(">I", 45455)), (b"pHYs", struct.pack(">IIB", 9, 9, 1))]
)
def test_gamma_and_resolution_change_no_grey_level(chunk):
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    raw = png_bytes(image, 0, 8, chunk)
    plain = decode_plain_png(raw)
    assert plain is not None
    assert np.array_equal(np.asarray(plain), image)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(raw))), image)


def text(image: np.ndarray) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a word")
    return saved(image, pnginfo=info)


GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize(
    "raw",
    [
        saved(np.dstack([GREY] * 3)),
        saved(GREY.astype(np.uint16) * 9),
        saved(GREY > 9),
        saved(GREY, transparency=7),
        text(GREY),
        saved(GREY)[:-13],
        saved(GREY) + b"more",
        saved(GREY).replace(b"IHDR", b"IHDX"),
        b"",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_not_plain_is_left_to_pillow(raw):
    assert decode_plain_png(raw) is None


def test_a_damaged_plain_file_is_refused_in_pillows_words():
    raw = bytearray(saved(np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)))
    raw[200] ^= 255
    assert decode_plain_png(bytes(raw)) is None
    with pytest.raises(UnreadableError, match="not a complete PNG"):
        decode_image(bytes(raw))


def test_more_pixels_than_a_slice_are_never_decoded():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")
    raw = b"\x89PNG\r\n\x1a\n" + chunks
    assert decode_plain_png(raw) is None


def test_only_the_checksum_inside_the_stream_is_not_looked_at():
    """Pillow refuses it; the checksum of each chunk is right: the pixels are those that were stored."""
    lines = b"".join(b"\0" + row.tobytes() for row in GREY)
    stream = zlib.compress(lines)
    header = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)

    def png(compressed: bytes) -> bytes:
        chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", compressed) + png_chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + chunks

    wrong = png(stream[:-1] + bytes([stream[-1] ^ 1]))
    assert np.array_equal(np.asarray(decode_plain_png(png(stream))), GREY)
    assert np.array_equal(np.asarray(decode_plain_png(wrong)), GREY)
    # A chunk whose checksum is wrong is left to Pillow.
    assert decode_plain_png(png(stream).replace(stream[5:9], b"\0\0\0\0")) is None
