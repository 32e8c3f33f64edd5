"""The picture inside a LabelMe file against the image beside it: the same one, or which other?"""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.model import Settings, Slice
from mriparaspinal.io.labelme import embeds_same_stream, read_annotation
from mriparaspinal.measure.slice import measure_slice
from tests.support.builders.slices import SHAPES, grey_image, png_bytes, write_image, write_slice

STEM = "ALS_1_3"
#: Nothing about it is alike when it is turned.
NOISE = grey_image((100, 100), seed=5)


def smooth(shape=(100, 120), seed=3):
    """Structures of some pixels with a little noise, as tissue has them."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(20, 230, (shape[0] // 10, shape[1] // 10), dtype=np.uint8))
    fine = np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC)).astype(float)
    return np.clip(fine + random.normal(0, 3, shape), 0, 255).astype(np.uint8)


SMOOTH = smooth()


def encoded(image, kind="PNG", **options):
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **options)
    return content.getvalue()


def told(tmp_path, image, carried, ending="png", shapes=SHAPES, window=None, **fields):
    """The problems of a slice beside an image, as (code, message) without those of the image itself."""
    data = base64.b64encode(carried).decode()
    write_slice(tmp_path, STEM, np.zeros(image.shape[:2], np.uint8), shapes, imageData=data, **fields)
    (tmp_path / f"{STEM}.png").unlink()
    path = tmp_path / f"{STEM}.{ending}"
    write_image(path, image)
    slice_ = Slice("ALS_1", "ALS", "L3", path.name, f"{STEM}.json")
    problems = measure_slice(tmp_path, slice_, Settings(window=window)).problems
    for problem in problems:
        assert re.fullmatch(r"[^;\n]+; expected [^;\n]+", problem.message), problem.message
        assert problem.severity == "warning"
    of_image = ("lossy-image", "image-path-missing", "unusual-levels")
    own = [(p.code, p.message) for p in problems if p.code not in of_image]
    path.unlink()
    return own


def only(problems):
    ((code, message),) = problems
    return code, message


# ---------------------------------------------------------------- the same picture


@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_same_pixels_in_other_bytes_are_the_same_picture(tmp_path, level):
    assert told(tmp_path, NOISE, encoded(NOISE, compress_level=level)) == []
    assert told(tmp_path, NOISE, encoded(np.repeat(NOISE[..., None], 3, axis=2))) == []


def test_a_png_packed_in_another_way_is_told_by_its_checksum():
    def annotation(raw):
        text = base64.b64encode(raw)
        return read_annotation(b'{"shapes": [], "imageData": "' + text + b'"}')

    image = encoded(SMOOTH, compress_level=6)
    assert embeds_same_stream(annotation(encoded(SMOOTH, compress_level=1)), image)
    changed = SMOOTH.copy()
    changed[50, 50] ^= 1
    for other in (changed, SMOOTH[:, ::-1], SMOOTH[::-1], SMOOTH.T, np.roll(SMOOTH, 1, axis=0)):
        assert not embeds_same_stream(annotation(encoded(np.ascontiguousarray(other))), image)
    assert not embeds_same_stream(annotation(encoded(SMOOTH, "JPEG")), image)
    assert not embeds_same_stream(annotation(b""), image)
    assert not embeds_same_stream(annotation(image), encoded(SMOOTH, "BMP"))


@pytest.mark.parametrize("quality", [30, 50, 75, 85, 95])
@pytest.mark.parametrize("image", [NOISE, SMOOTH], ids=["noise", "smooth"])
@pytest.mark.parametrize("colour", [False, True])
def test_a_jpeg_of_the_image_is_the_same_picture(tmp_path, quality, image, colour):
    picture = Image.fromarray(image).convert("RGB" if colour else "L")
    for options in ({}, {"progressive": True}, {"optimize": True}):
        assert told(tmp_path, image, encoded(picture, "JPEG", quality=quality, **options)) == []


@pytest.mark.parametrize("ending", ["tif", "bmp"])
def test_what_labelme_embeds_of_a_tiff_or_bmp_is_the_same_picture(tmp_path, ending):
    assert told(tmp_path, SMOOTH, encoded(SMOOTH, "JPEG", quality=95), ending) == []


def test_a_jpeg_beside_the_picture_that_it_was_made_from(tmp_path):
    assert told(tmp_path, SMOOTH, encoded(SMOOTH), "jpg") == []
    assert told(tmp_path, SMOOTH, encoded(SMOOTH, "JPEG", quality=60), "jpg") == []


def test_what_was_blackened_away_from_the_contours_is_no_other_picture(tmp_path):
    named = NOISE.copy()
    named[:10] = 255
    assert told(tmp_path, NOISE, encoded(named)) == []


DEEP = (np.random.default_rng(8).integers(0, 3000, (100, 100)) + 7).astype(np.uint16)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_labelmes_own_eight_bits_of_a_deep_image_are_the_same_picture(tmp_path, ending):
    # From the lowest to the highest value, as LabelMe makes them, whatever the window of the study is.
    own = ((DEEP - DEEP.min()) / (DEEP.max() - DEEP.min()) * 255).astype(np.uint8)
    for carried in (encoded(own), encoded(own, "JPEG", quality=95)):
        assert told(tmp_path, DEEP, carried, ending, window=(100.0, 900.0)) == []
    windowed = np.floor(np.clip(255 * (DEEP - 100.0) / 800 + 0.5, 0, 255)).astype(np.uint8)
    assert told(tmp_path, DEEP, encoded(windowed), ending, window=(100.0, 900.0)) == []
    other = np.clip(DEEP / 6000 * 255, 0, 255).astype(np.uint8)
    problems = told(tmp_path, DEEP, encoded(other), ending, window=(100.0, 900.0))
    assert only(problems)[0] == "embedded-differs"


def test_more_bits_inside_than_beside(tmp_path):
    eight = np.floor((DEEP - DEEP.min()) * (255 / (DEEP.max() - DEEP.min())) + 0.5).astype(np.uint8)
    assert told(tmp_path, eight, encoded(DEEP)) == []
    code, message = only(told(tmp_path, np.minimum(eight, 250) // 2, encoded(DEEP)))
    assert code == "embedded-differs"
    assert "as by another window" in message


# ---------------------------------------------------------------- another picture

TURNS = {
    "is mirrored (left": lambda a: a[:, ::-1],
    "is flipped (top": lambda a: a[::-1],
    "is turned by 180°": lambda a: np.rot90(a, 2),
    "is inverted (black": lambda a: 255 - a,
    "is mirrored (left and right exchanged) and inverted": lambda a: 255 - a[:, ::-1],
}
SQUARE = {
    "is turned by 90° to the right": lambda a: np.rot90(a, -1),
    "is turned by 90° to the left": lambda a: np.rot90(a),
    "is transposed (rows": lambda a: a.T,
    "is transposed along the other": lambda a: np.rot90(a, 2).T,
}


@pytest.mark.parametrize("how", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("image", [NOISE, SMOOTH], ids=["noise", "smooth"])
def test_how_the_image_beside_was_turned_is_said(tmp_path, how, kind, image):
    beside = np.ascontiguousarray(TURNS[how](image))
    code, message = only(told(tmp_path, beside, encoded(image, kind)))
    assert code == "embedded-differs"
    assert how in message


@pytest.mark.parametrize("how", SQUARE)
def test_quarter_turns(tmp_path, how):
    beside = np.ascontiguousarray(SQUARE[how](NOISE))
    code, message = only(told(tmp_path, beside, encoded(NOISE)))
    assert code == "embedded-differs"
    assert how in message
    wide = np.ascontiguousarray(SQUARE[how](SMOOTH))
    code, message = only(told(tmp_path, wide, encoded(SMOOTH)))
    assert code == "embedded-other-size"
    assert how in message


def test_another_slice_is_another_picture(tmp_path):
    for kind in ("PNG", "JPEG"):
        code, message = only(told(tmp_path, SMOOTH, encoded(smooth(seed=4), kind)))
        assert code == "embedded-differs"
        assert " px around the contours" in message


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_another_window_is_said(tmp_path, kind):
    other = np.clip(SMOOTH * 1.3 - 20, 0, 255).astype(np.uint8)
    code, message = only(told(tmp_path, other, encoded(SMOOTH, kind)))
    assert code == "embedded-differs"
    assert "as by another window" in message


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_shift_and_a_few_other_pixels_are_seen(tmp_path, kind):
    assert only(told(tmp_path, np.roll(SMOOTH, 2, axis=1), encoded(SMOOTH, kind)))[0] == "embedded-differs"
    painted = SMOOTH.copy()
    painted[70:78, 36:44] = 255 - painted[70:78, 36:44] // 2
    assert only(told(tmp_path, painted, encoded(SMOOTH, kind)))[0] == "embedded-differs"


def test_another_size_is_said(tmp_path):
    carried = encoded(grey_image((50, 50)))
    code, message = only(told(tmp_path, NOISE, carried))
    assert code == "embedded-other-size"
    assert "50×50" in message
    assert "100×100" in message


def test_a_coloured_picture_and_one_that_cannot_be_read(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    assert only(told(tmp_path, NOISE, encoded(colours)))[0] == "embedded-differs"
    assert only(told(tmp_path, NOISE, b"no picture"))[0] == "embedded-unreadable"
    assert only(told(tmp_path, NOISE, encoded(NOISE)[:-300]))[0] == "embedded-unreadable"


def test_without_a_sound_contour_the_whole_picture_is_compared(tmp_path):
    data = base64.b64encode(png_bytes(grey_image(seed=7), 0)).decode()
    write_slice(tmp_path, STEM, NOISE, [], imageData=data)
    slice_ = Slice("ALS_1", "ALS", "L3", f"{STEM}.png", f"{STEM}.json")
    codes = [p.code for p in measure_slice(tmp_path, slice_, Settings()).problems]
    assert codes == ["no-known-label", "embedded-differs"]


# ---------------------------------------------------------------- no image beside


@pytest.mark.parametrize(
    "name", ["a.tif", "A.TIFF", "../x/scan.dcm", "c:\\x\\b.nii.gz", "", "noending", "a.pgm"]
)
def test_what_may_have_been_more_than_eight_bits_is_not_measured(tmp_path, name):
    data = base64.b64encode(encoded(NOISE, "JPEG")).decode()
    write_slice(tmp_path, STEM, NOISE, imageData=data, imagePath=name)
    (tmp_path / f"{STEM}.png").unlink()
    result = measure_slice(tmp_path, Slice("ALS_1", "ALS", "L3", None, f"{STEM}.json"), Settings())
    (problem,) = result.problems
    assert (problem.severity, problem.code) == ("error", "image-bits")
    assert re.fullmatch(r"[^;\n]+; expected [^;\n]+", problem.message)
    assert not result.counts


@pytest.mark.parametrize("name", ["a.png", "x\\A.PNG", "a.jpg", "a.bmp"])
def test_what_had_eight_bits_is_measured(tmp_path, name):
    data = base64.b64encode(encoded(NOISE)).decode()
    write_slice(tmp_path, STEM, NOISE, imageData=data, imagePath=name)
    (tmp_path / f"{STEM}.png").unlink()
    result = measure_slice(tmp_path, Slice("ALS_1", "ALS", "L3", None, f"{STEM}.json"), Settings())
    assert len(result.counts) == len(SHAPES)
    assert "embedded-image" in [p.code for p in result.problems]


WRITTEN = {
    "a data URL": lambda text: f"data:image/png;base64,{text}",
    "a data URL of several lines": lambda text: f"data:image/png;base64,\n{text[:76]}\n{text[76:]}",
    "letters of URLs": lambda text: text.replace("+", "-").replace("/", "_"),
}


@pytest.mark.parametrize("spelling", WRITTEN)
def test_other_spellings_of_base64_are_read(tmp_path, spelling):
    """As web tools write them: a mirrored picture must not pass because its text begins with ``data:``."""
    for carried, code in ((NOISE, None), (NOISE[:, ::-1], "embedded-differs")):
        data = base64.b64encode(encoded(np.ascontiguousarray(carried))).decode()
        write_slice(tmp_path, STEM, NOISE, imageData=WRITTEN[spelling](data))
        slice_ = Slice("ALS_1", "ALS", "L3", f"{STEM}.png", f"{STEM}.json")
        assert [p.code for p in measure_slice(tmp_path, slice_, Settings()).problems] == (
            [code] if code else []
        )


@pytest.mark.parametrize(
    "data", ["no base64!", "data:image/png;base64,", 5, ["iVBORw0KGgo="], {"a": 1}, True]
)
def test_image_data_that_is_no_base64_is_said_to_be_unreadable(tmp_path, data):
    write_slice(tmp_path, STEM, NOISE, imageData=data)
    slice_ = Slice("ALS_1", "ALS", "L3", f"{STEM}.png", f"{STEM}.json")
    (problem,) = measure_slice(tmp_path, slice_, Settings()).problems
    assert problem.code == "embedded-unreadable"


@pytest.mark.parametrize("data", [None, "", ...])
def test_no_image_data_is_no_problem(tmp_path, data):
    write_slice(tmp_path, STEM, NOISE, imageData=data)
    slice_ = Slice("ALS_1", "ALS", "L3", f"{STEM}.png", f"{STEM}.json")
    assert measure_slice(tmp_path, slice_, Settings()).problems == ()
