"""TIFF and BMP: read as Pillow and tifffile read them, or refused; never other grey levels."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.images import decode_image, image_size
from tests.support.builders.slices import grey_image

tifffile = pytest.importorskip("tifffile")

GREY = grey_image((21, 30))


def tiff(levels, **options):
    content = io.BytesIO()
    tifffile.imwrite(content, levels, **({"photometric": "minisblack", "metadata": None} | options))
    return content.getvalue()


def by_pillow(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def levels_of(raw, window=None):
    return np.asarray(decode_image(raw, window).grey)


def refused(raw, window=None):
    with pytest.raises(UnreadableError) as caught:
        decode_image(raw, window)
    assert "; expected " in caught.value.fault.message
    assert "\n" not in caught.value.fault.message + caught.value.fault.remedy
    return caught.value.fault.code


def with_tag(raw, tag, value, kind=3):
    """A little-endian TIFF in which an entry of one value says another one."""
    raw = bytearray(raw)
    (start,) = struct.unpack_from("<I", raw, 4)
    (count,) = struct.unpack_from("<H", raw, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", raw, place) == (tag,):
            struct.pack_into("<HHII", raw, place, tag, kind, 1, value)
            return bytes(raw)
    raise AssertionError(f"no tag {tag}")


# ---------------------------------------------------------------- TIFF that is read

KINDS = {
    "plain": {},
    "strips": {"rowsperstrip": 4},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "tiles": {"tile": (16, 16)},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_eight_bits_are_read_as_they_are(options):
    image = decode_image(tiff(GREY, **options))
    assert (image.lossy, image.values) == (False, None)
    assert np.array_equal(np.asarray(image.grey), GREY)


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "zstd"]
)
def test_compressions_that_keep_the_grey_levels(compression):
    raw = by_pillow(Image.fromarray(GREY), "TIFF", compression=compression)
    assert np.array_equal(levels_of(raw), GREY)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}])
def test_where_0_is_white_the_levels_are_those_that_are_shown(options):
    assert np.array_equal(levels_of(tiff(255 - GREY, photometric="miniswhite", **options)), GREY)


def test_colours_that_are_grey_and_colours_that_are_not():
    colour = np.repeat(GREY[..., None], 3, axis=2)
    for options in ({}, {"planarconfig": "separate"}):
        pixels = colour if not options else np.moveaxis(colour, 2, 0)
        assert np.array_equal(levels_of(tiff(pixels, photometric="rgb", **options)), GREY)
    colour[3, 4, 0] ^= 1
    assert refused(tiff(colour, photometric="rgb")) == "colour-image"


DEEP = np.random.default_rng(2).integers(0, 4000, (21, 30)).astype(np.uint16)


@pytest.mark.parametrize("options", [*KINDS.values(), {"compression": "zlib", "predictor": True}])
def test_sixteen_bits_need_a_window(options):
    raw = tiff(DEEP, **options)
    assert refused(raw) == "image-bits"
    expected = np.floor(np.clip(255.0 * (DEEP - 100.0) / 3000.0 + 0.5, 0, 255)).astype(np.uint8)
    image = decode_image(raw, (100.0, 3100.0))
    assert image.values is not None
    assert np.array_equal(np.asarray(image.grey), expected)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bits_with_a_sign(byteorder):
    signed = DEEP.astype(np.int16) - 2000
    expected = np.floor(np.clip(255.0 * (signed + 1000.0) / 2000.0 + 0.5, 0, 255)).astype(np.uint8)
    assert np.array_equal(levels_of(tiff(signed, byteorder=byteorder), (-1000.0, 1000.0)), expected)


def test_jpeg_inside_a_tiff_is_lossy():
    smooth = np.tile(np.arange(0, 240, 8, dtype=np.uint8), (24, 1))
    image = decode_image(by_pillow(Image.fromarray(smooth), "TIFF", compression="jpeg"))
    assert image.lossy
    assert abs(np.asarray(image.grey).astype(int) - smooth).max() < 20


# ---------------------------------------------------------------- TIFF that is refused


@pytest.mark.parametrize(
    "levels",
    [
        DEEP.astype(np.float32),
        DEEP.astype(np.float64),
        DEEP.astype(np.uint32),
        DEEP.astype(np.int32),
        GREY.astype(np.int8),
        np.repeat(DEEP[..., None], 3, axis=2),
        GREY > 128,
    ],
    ids=lambda levels: f"{levels.dtype}, {levels.ndim} axes",
)
@pytest.mark.parametrize("window", [None, (0.0, 4000.0)])
def test_other_numbers_are_refused(levels, window):
    photometric = "rgb" if levels.ndim == 3 else "minisblack"
    # Pillow does not know 64 bits.
    expected = "unreadable-image" if levels.dtype == np.float64 else "image-bits"
    assert refused(tiff(levels, photometric=photometric), window) == expected


def test_sixteen_bits_of_which_0_is_white_are_refused():
    # Pillow does not turn them round.
    assert refused(tiff(DEEP, photometric="miniswhite"), (0.0, 4000.0)) == "image-bits"


def test_palettes_cmyk_and_unknown_photometry_are_refused():
    palette = Image.fromarray(GREY).convert("P")
    assert refused(by_pillow(palette, "TIFF")) == "colour-image"
    assert refused(by_pillow(Image.new("CMYK", (9, 9)), "TIFF")) == "colour-image"
    assert refused(with_tag(tiff(GREY), 262, 32844)) in ("colour-image", "unreadable-image")


def test_several_pages_are_refused():
    assert refused(tiff(np.stack([GREY, GREY]))) == "image-frames"


@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_orientation_that_turns_is_refused(orientation):
    options = {"extratags": [(274, "H", 1, orientation, True)]}
    assert refused(tiff(GREY, **options)) == "image-orientation"
    assert levels_of(tiff(GREY, extratags=[(274, "H", 1, 1, True)])).shape == GREY.shape


def levels_or_code(raw):
    try:
        return levels_of(raw)
    except UnreadableError as error:
        return error.fault.code


@pytest.mark.parametrize(
    "raw",
    [
        tiff(GREY),
        tiff(GREY, rowsperstrip=4),
        tiff(GREY, compression="zlib"),
        tiff(GREY, tile=(16, 16)),
        by_pillow(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"),
        by_pillow(Image.fromarray(GREY), "TIFF", compression="packbits"),
        by_pillow(Image.fromarray(GREY), "BMP"),
    ],
    ids=["plain", "strips", "deflate", "tiles", "LZW", "PackBits", "BMP"],
)
def test_a_file_cut_anywhere_gives_its_pixels_or_an_error(raw):
    for length in range(len(raw)):
        found = levels_or_code(raw[:length])
        if isinstance(found, str):
            assert found in ("unreadable-image", "image-bits")
        else:
            assert np.array_equal(found, GREY)
    assert isinstance(levels_or_code(raw[: len(raw) * 9 // 10]), str)


def test_a_tiff_that_does_not_have_all_its_rows_is_refused():
    raw = tiff(GREY)
    assert refused(with_tag(raw, 257, 42)) == "unreadable-image"
    assert refused(with_tag(tiff(GREY, rowsperstrip=21), 278, 7)) == "unreadable-image"
    assert refused(with_tag(raw, 279, 7, 4)) == "unreadable-image"
    assert refused(with_tag(raw, 278, 0)) == "unreadable-image"


def test_too_large_an_image_is_refused():
    assert refused(with_tag(with_tag(tiff(GREY), 256, 60_000, 4), 257, 60_000, 4)) in (
        "image-too-large",
        "unreadable-image",
    )
    big = np.zeros((1, 20_000), np.uint8)
    assert refused(tiff(big)) == "image-too-large"
    assert refused(by_pillow(Image.fromarray(big), "BMP")) == "image-too-large"


# ---------------------------------------------------------------- BMP


def bmp(rows, bits, palette=None, compression=0, colours=0, top_down=False, size=None):
    """A BMP by hand: ``rows`` are the bytes of the pixels as they stand in the file."""
    width, height = size
    table = b"" if palette is None else b"".join(bytes((b, g, r, 0)) for r, g, b in palette)
    head = struct.pack(
        "<IiiHHIIiiII",
        *(40, width, -height if top_down else height, 1, bits, compression, len(rows)),
        *(0, 0, colours, 0),
    )
    start = 14 + 40 + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + table + rows


def padded(levels):
    """The rows of a BMP from the lowest on, each filled up to four bytes."""
    return b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in levels[::-1])


GREYS = [(i, i, i) for i in range(256)]
SIZE = (30, 21)


def test_eight_bits_of_a_bmp():
    assert np.array_equal(levels_of(by_pillow(Image.fromarray(GREY), "BMP")), GREY)
    assert np.array_equal(levels_of(bmp(padded(GREY), 8, GREYS, size=SIZE)), GREY)
    assert np.array_equal(levels_of(bmp(padded(GREY[::-1]), 8, GREYS, size=SIZE, top_down=True)), GREY)


def test_a_palette_is_read_by_its_colours():
    assert np.array_equal(levels_of(bmp(padded(GREY), 8, GREYS[::-1], size=SIZE)), 255 - GREY)
    coloured = [(255, 0, 0) if i == GREY[5, 5] else grey for i, grey in enumerate(GREYS)]
    assert refused(bmp(padded(GREY), 8, coloured, size=SIZE)) == "colour-image"


@pytest.mark.parametrize("order", [1, -1])
def test_a_pixel_without_a_colour_is_refused(order):
    few = GREY % 100
    palette = GREYS[:100][::order]
    expected = few if order == 1 else 99 - few
    assert np.array_equal(levels_of(bmp(padded(few), 8, palette, colours=100, size=SIZE)), expected)
    few[3, 3] = 200
    assert refused(bmp(padded(few), 8, palette, colours=100, size=SIZE)) == "unreadable-image"


def test_colours_of_24_and_32_bits():
    colour = np.repeat(GREY[..., None], 3, axis=2)
    assert np.array_equal(levels_of(by_pillow(Image.fromarray(colour), "BMP")), GREY)
    four = np.repeat(GREY[..., None], 4, axis=2)
    assert np.array_equal(levels_of(bmp(padded(four), 32, size=SIZE)), GREY)
    colour[0, 0, 2] ^= 1
    assert refused(by_pillow(Image.fromarray(colour), "BMP")) == "colour-image"


def test_run_lengths_of_a_bmp():
    levels = np.repeat(GREY[:, ::3], 3, axis=1)
    runs = b"".join(
        b"".join(bytes((3, level)) for level in row[::3]) + b"\0\0" for row in levels[::-1].tolist()
    )
    assert np.array_equal(levels_of(bmp(runs + b"\0\1", 8, GREYS, 1, size=SIZE)), levels)
    # What ends early would be black.
    half = runs[: len(runs) // 2]
    assert refused(bmp(half + b"\0\1", 8, GREYS, 1, size=SIZE)) == "unreadable-image"


@pytest.mark.parametrize("bits", [1, 4])
def test_fewer_bits_of_a_bmp_are_refused(bits):
    row = -(-30 * bits // 32) * 4
    raw = bmp(bytes(row * 21), bits, [(0, 0, 0), (255, 255, 255)] * 2 ** (bits - 1), size=SIZE)
    assert refused(raw) == "image-bits"


# ---------------------------------------------------------------- what a header says


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_the_size_in_a_header(kind):
    assert image_size(by_pillow(Image.fromarray(GREY), kind)) == (21, 30)
    assert image_size(by_pillow(Image.fromarray(GREY), kind)[:5]) is None
