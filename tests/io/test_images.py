"""Images: only what surely is the grey levels becomes grey levels; everything else is refused."""

from __future__ import annotations

import io
import math
import struct
import time
import zlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.images import decode_image, decode_mask
from mriparaspinal.io.label_volumes import decode_label_image
from tests.support.builders.slices import grey_image, png_bytes, png_chunk, png_stream


def decode_grey(raw, window=None):
    """The grey levels as an array, and whether the format is lossy."""
    image = decode_image(raw, window)
    assert image.grey.mode == "L"
    return np.asarray(image.grey), image.lossy


GREY = grey_image((20, 30))


def encoded(image, kind="PNG", **options):
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **options)
    return content.getvalue()


def refused(raw, window=None):
    with pytest.raises(UnreadableError) as caught:
        decode_grey(raw, window)
    error = caught.value
    assert "; expected " in error.fault.message
    assert "\n" not in error.fault.message + error.fault.remedy
    assert "BytesIO" not in error.fault.message
    assert error.fault.remedy
    return error.fault.code


# ---------------------------------------------------------------- eight bits


def test_eight_bit_grey_is_read_as_it_is():
    levels, lossy = decode_grey(encoded(GREY))
    assert (levels.dtype, levels.shape, lossy) == (np.uint8, (20, 30), False)
    assert (levels == GREY).all()


def test_a_window_changes_no_eight_bit_image():
    assert (decode_grey(encoded(GREY), (100, 200))[0] == GREY).all()


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
def test_a_png_written_by_hand_with_equal_channels_is_grey(colour_type):
    opaque = np.full_like(GREY, 255)
    channels = {0: [GREY], 2: [GREY] * 3, 4: [GREY, opaque], 6: [GREY] * 3 + [opaque]}[colour_type]
    levels, _ = decode_grey(png_bytes(np.stack(channels, axis=2), colour_type))
    assert (levels == GREY).all()


def test_a_palette_of_greys_is_grey_by_its_colours_not_by_its_indices():
    palette = bytes(v for i in range(256) for v in (255 - i,) * 3)
    levels, _ = decode_grey(png_bytes(GREY, 3, 8, (b"PLTE", palette)))
    assert (levels == 255 - GREY).all()


@pytest.mark.parametrize(("depth", "factor"), [(2, 85), (4, 17)])
def test_fewer_bits_are_spread_over_all_grey_levels(depth, factor):
    # As the PNG standard says: the highest value is white.
    samples = np.arange(16 * 8, dtype=np.uint8).reshape(16, 8) % 2**depth
    bits = np.unpackbits(samples[..., None], axis=2)[..., 8 - depth :].reshape(16, -1)
    lines = b"".join(b"\0" + line.tobytes() for line in np.packbits(bits, axis=1))
    header = struct.pack(">IIBBBBB", 8, 16, depth, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    levels, _ = decode_grey(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts))
    assert (levels == samples * factor).all()


def test_an_interlaced_png():
    levels, _ = decode_grey(adam7(GREY))
    assert (levels == GREY).all()


def test_side_data_changes_nothing():
    chunks = ((b"gAMA", struct.pack(">I", 45455)), (b"pHYs", struct.pack(">IIB", 3937, 2000, 1)))
    assert (decode_grey(png_bytes(GREY, 0, 8, *chunks))[0] == GREY).all()


def test_jpeg_is_read_and_told_to_be_lossy():
    smooth = np.tile(np.arange(0, 240, 8, dtype=np.uint8), (20, 1))
    for image in (smooth, np.repeat(smooth[..., None], 3, axis=2)):
        levels, lossy = decode_grey(encoded(image, "JPEG", quality=95))
        assert lossy
        assert abs(levels.astype(int) - smooth).max() < 12


# ---------------------------------------------------------------- colour, transparency, one bit


def test_one_coloured_pixel_is_enough_to_refuse():
    colours = np.repeat(GREY[..., None], 3, axis=2)
    for channel in range(3):
        changed = colours.copy()
        changed[19, 29, channel] ^= 1
        assert refused(encoded(changed)) == "colour-image"


def test_a_palette_with_colours_is_refused_if_it_is_used():
    palette = bytearray(v for i in range(256) for v in (i, i, i))
    palette[3 * 7 : 3 * 7 + 3] = (255, 0, 0)
    without = np.where(GREY == 7, 8, GREY).astype(np.uint8)
    assert (decode_grey(png_bytes(without, 3, 8, (b"PLTE", bytes(palette))))[0] == without).all()
    without[3, 3] = 7
    assert refused(png_bytes(without, 3, 8, (b"PLTE", bytes(palette)))) == "colour-image"


def test_transparent_pixels_are_refused():
    alpha = np.full_like(GREY, 255)
    alpha[5, 5] = 254
    assert refused(png_bytes(np.dstack([GREY, alpha]), 4)) == "colour-image"
    assert refused(png_bytes(np.dstack([GREY, GREY, GREY, alpha]), 6)) == "colour-image"


def test_a_transparent_grey_level_is_refused_where_a_pixel_has_it():
    absent = np.where(GREY == 9, 10, GREY).astype(np.uint8)
    raw = png_bytes(absent, 0, 8, (b"tRNS", b"\0\x09"))
    assert (decode_grey(raw)[0] == absent).all()
    absent[0, 0] = 9
    assert refused(png_bytes(absent, 0, 8, (b"tRNS", b"\0\x09"))) == "colour-image"
    grey_palette = bytes(v for i in range(256) for v in (i, i, i))
    chunks = ((b"PLTE", grey_palette), (b"tRNS", b"\xff" * 9 + b"\0"))
    assert refused(png_bytes(absent, 3, 8, *chunks)) == "colour-image"


def test_cmyk_is_refused():
    assert refused(encoded(Image.new("CMYK", (9, 9)), "JPEG")) == "colour-image"


def test_one_bit_is_refused():
    assert refused(encoded(Image.fromarray(GREY > 128))) == "image-bits"


# ---------------------------------------------------------------- more than eight bits

DEEP = np.random.default_rng(2).integers(0, 65536, (20, 30)).astype(np.uint16)


def test_sixteen_bit_grey_needs_a_window():
    assert refused(png_bytes(DEEP, 0, 16)) == "image-bits"
    assert refused(encoded(Image.fromarray(DEEP))) == "image-bits"
    # also where every value would fit into eight bits
    assert refused(png_bytes(DEEP % 256, 0, 16)) == "image-bits"


@pytest.mark.parametrize("window", [(0, 65535), (1000, 4000), (-500, 1500.5), (0.25, 0.75), (70000, 80000)])
def test_the_window_is_the_formula_of_the_contract(window):
    low, high = map(Fraction, window)
    exact = [
        [min(max(math.floor(255 * (int(x) - low) / (high - low) + Fraction(1, 2)), 0), 255) for x in row]
        for row in DEEP
    ]
    levels, lossy = decode_grey(png_bytes(DEEP, 0, 16), window)
    assert (levels.dtype, lossy) == (np.uint8, False)
    assert (levels == np.array(exact)).all()


def test_the_window_rounds_halves_up():
    # 255·x/510 = x/2
    levels, _ = decode_grey(png_bytes(np.array([[0, 1, 2, 3, 509, 510, 511]]), 0, 16), (0, 510))
    assert levels.tolist() == [[0, 1, 1, 2, 255, 255, 255]]


@settings(deadline=None)
@given(st.lists(st.integers(0, 65535), min_size=1, max_size=20), st.integers(-999, 999), st.integers(1, 9999))
def test_the_window_is_exact_for_whole_numbers(values, low, width):
    levels, _ = decode_grey(png_bytes(np.array([values]), 0, 16), (low, low + width))
    # floor(a/b + 1/2) = (2a + b) // 2b
    exact = [min(max((2 * 255 * (x - low) + width) // (2 * width), 0), 255) for x in values]
    assert levels.tolist() == [exact]


@pytest.mark.parametrize("colour_type", [2, 4, 6])
@pytest.mark.parametrize("window", [None, (0, 65535)])
def test_sixteen_bit_channels_are_never_cut_to_eight(colour_type, window):
    # Pillow itself drops the lower byte of these without a word.
    full = np.full_like(DEEP, 65535)
    channels = {2: [DEEP] * 3, 4: [DEEP, full], 6: [DEEP] * 3 + [full]}[colour_type]
    assert refused(png_bytes(np.stack(channels, axis=2), colour_type, 16), window) == "colour-image"


def test_sixteen_bit_grey_with_a_transparent_level_is_refused():
    assert refused(png_bytes(DEEP, 0, 16, (b"tRNS", b"\0\x09")), (0, 65535)) == "colour-image"


# ---------------------------------------------------------------- what viewers would show otherwise


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_orientation_that_turns_is_refused(kind):
    for orientation in range(2, 9):
        assert refused(encoded(GREY, kind, exif=exif(orientation))) == "image-orientation"
    assert decode_grey(encoded(GREY, kind, exif=exif(1)))[0].shape == (20, 30)


def test_an_orientation_behind_the_pixels_is_seen():
    raw = encoded(GREY)
    turned = raw[:-12] + png_chunk(b"eXIf", exif(6).tobytes()[6:]) + raw[-12:]
    assert refused(turned) == "image-orientation"


def test_side_data_that_is_broken_costs_nothing():
    for chunk in ((b"eXIf", b"II*\0\xff"), (b"acTL", b"\0"), (b"iTXt", b"x"), (b"zTXt", b"a\0\0zz")):
        raw = png_bytes(GREY, 0, 8, chunk)
        try:
            levels, _ = decode_grey(raw)
        except UnreadableError:
            continue
        assert (levels == GREY).all()


def test_a_broken_profile_behind_the_pixels_is_no_traceback():
    raw = encoded(GREY)
    assert refused(raw[:-12] + png_chunk(b"iCCP", b"xyz\0") + raw[-12:]) == "unreadable-image"


def test_an_animation_is_refused():
    frames = [Image.fromarray(grey_image(seed=seed)) for seed in range(3)]
    content = io.BytesIO()
    frames[0].save(content, "PNG", save_all=True, append_images=frames[1:])
    assert refused(content.getvalue()) == "image-frames"


# ---------------------------------------------------------------- broken and foreign files


@pytest.mark.parametrize("kind", ["GIF", "PPM", "WEBP"])
def test_other_formats_are_refused_whatever_their_name(kind):
    assert refused(encoded(Image.fromarray(GREY).convert("L"), kind)) == "unreadable-image"


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"hello\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b'{"shapes": []}', b"%PDF-1.7\n"]
)
def test_what_is_no_image_is_refused(raw):
    assert refused(raw) == "unreadable-image"


def test_an_empty_file_is_told_to_be_empty():
    with pytest.raises(UnreadableError, match="empty"):
        decode_grey(b"")


def levels_or_code(raw):
    try:
        return decode_grey(raw)[0]
    except UnreadableError as error:
        return error.fault.code


@pytest.mark.parametrize("level", [0, 6])
def test_a_png_cut_anywhere_gives_its_pixels_or_an_error(level):
    raw = encoded(GREY, compress_level=level)
    for length in range(len(raw)):
        found = levels_or_code(raw[:length])
        assert isinstance(found, str) or (found.shape == GREY.shape and (found == GREY).all())
    assert isinstance(levels_or_code(raw[: len(raw) // 2]), str)


@pytest.mark.parametrize("level", [0, 6])
def test_a_png_with_one_bit_turned_gives_its_pixels_or_an_error(level):
    # The checksums of a PNG tell: also where stored pixels themselves were changed.
    raw = encoded(GREY, compress_level=level)
    wrong = 0
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1 << place % 8
        found = levels_or_code(bytes(changed))
        wrong += not isinstance(found, str) and not np.array_equal(found, GREY)
    assert wrong == 0


def test_a_large_png_with_turned_bits_gives_its_pixels_or_an_error():
    large = grey_image((300, 300))
    raw = encoded(large, compress_level=0)
    for place in np.random.default_rng(3).integers(0, len(raw), 200):
        changed = bytearray(raw)
        changed[place] ^= 1 << int(place) % 8
        found = levels_or_code(bytes(changed))
        assert isinstance(found, str) or np.array_equal(found, large)


def test_a_jpeg_cut_anywhere_gives_its_pixels_or_an_error():
    raw = encoded(GREY, "JPEG")
    whole = decode_grey(raw)[0]
    for length in range(len(raw)):
        found = levels_or_code(raw[:length])
        assert isinstance(found, str) or np.array_equal(found, whole)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG"]),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=6),
    st.integers(0, 900),
)
def test_damage_never_raises_anything_else(kind, changes, length):
    raw = bytearray(encoded(GREY, kind))
    for place, value in changes:
        raw[place % len(raw)] = value
    levels_or_code(bytes(raw))
    levels_or_code(bytes(raw[:length]))
    decode_mask(bytes(raw))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [*(b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"zTXt", b"iTXt"), b"IDAT"]
            ),
            st.binary(max_size=40),
            st.booleans(),
        ),
        max_size=4,
    ),
    st.sampled_from([0, 2, 3, 4, 6]),
    st.sampled_from([8, 16]),
)
def test_unusual_chunks_never_raise_anything_else(chunks, colour_type, depth):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    pixels = np.zeros((4, 5, channels), dtype=np.uint8)
    before = [(name, content) for name, content, first in chunks if first]
    after = [(name, content) for name, content, first in chunks if not first]
    raw = png_bytes(pixels, colour_type, depth, *before)
    raw = raw[:-12] + b"".join(png_chunk(*chunk) for chunk in after) + raw[-12:]
    levels_or_code(raw)
    decode_mask(raw)


@pytest.mark.parametrize("size", [(60000, 60000), (2**31 - 1, 2**31 - 1), (8001, 8000), (1, 64_000_001)])
def test_a_header_that_claims_too_many_pixels_is_refused_at_once(size):
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    raw = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)
    start = time.perf_counter()
    assert refused(raw) == "image-too-large"
    assert decode_mask(raw) is None
    assert time.perf_counter() - start < 1


# ---------------------------------------------------------------- masks


def test_a_mask_is_what_is_not_zero():
    pixels = np.array([[0, 1, 2], [255, 0, 128]], dtype=np.uint8)
    expected = [[False, True, True], [True, False, True]]
    assert decode_mask(encoded(pixels)).tolist() == expected
    assert decode_mask(encoded(Image.fromarray(pixels > 0))).tolist() == expected
    assert decode_mask(encoded(pixels)).dtype == bool


@pytest.mark.parametrize("raw", [b"", b"x", encoded(GREY, "JPEG"), encoded(np.dstack([GREY] * 3))])
def test_what_is_no_mask(raw):
    assert decode_mask(raw) is None


def ends_early(image: Image.Image, kept: float) -> bytes:
    """A PNG whose stream, right in all its checksums, holds only the first part of its lines."""
    raw = io.BytesIO()
    image.save(raw, "PNG")
    raw = raw.getvalue()
    lines = zlib.decompress(png_stream(raw))
    line = len(lines) // image.height
    cut = png_chunk(b"IDAT", zlib.compress(lines[: line * int(kept * image.height)]))
    start = raw.index(b"IDAT") - 4
    return raw[:start] + cut + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "P", "I;16", "1"])
@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_an_image_that_ends_between_two_lines_is_refused(mode, kept):
    """Pillow takes the lines that are missing for black without a word."""
    levels = np.random.default_rng(1).integers(1, 256, (100, 90), dtype=np.uint8)
    image = Image.fromarray(levels.astype(np.uint16) * 200 if mode == "I;16" else levels)
    image = image if mode in ("I;16", "L") else image.convert(mode)
    raw = ends_early(image, kept)
    with pytest.raises(UnreadableError, match=r"not a complete PNG, JPEG"):
        decode_image(raw, (0.0, 60000.0))
    with pytest.raises(UnreadableError, match=r"not a complete PNG|colours"):
        decode_label_image(raw)
    assert decode_mask(raw) is None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(ends_early(image, 1)))), np.asarray(image))


@settings(deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)), st.booleans())
def test_black_last_lines_are_read(levels, interlaced):
    levels[-1] = 0
    raw = adam7(levels) if interlaced else png_bytes(levels, 0, 8)
    image = decode_image(raw).grey
    assert np.array_equal(np.asarray(image), levels)


def adam7(levels: np.ndarray) -> bytes:
    """An interlaced PNG of grey levels."""
    passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]
    lines = b"".join(
        b"\0" + row.tobytes() for x, y, dx, dy in passes for row in levels[y::dy, x::dx] if row.size
    )
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 8, 0, 0, 0, 1)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_an_interlaced_image_without_its_last_pass_is_refused():
    levels = np.random.default_rng(1).integers(1, 256, (9, 9), dtype=np.uint8)
    raw = adam7(levels)
    start = raw.index(b"IDAT") - 4
    lines = zlib.decompress(png_stream(raw))
    cut = raw[:start] + png_chunk(b"IDAT", zlib.compress(lines[: -4 * 10])) + png_chunk(b"IEND", b"")
    with pytest.raises(UnreadableError, match="not a complete PNG"):
        decode_image(cut)
