"""One slice from its two files to counts: which image belongs, what is refused, what is told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import unicodedata
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal.core.model import Settings, Slice
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.io.folder import list_files
from mriparaspinal.measure.slice import measure_slice, measure_slices
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    own_image,
    png_bytes,
    polygon,
    write_image,
    write_slice,
)

STEM = "ALS_1_3"


def measure(root, stem=STEM, image=True, **settings):
    slice_ = Slice("ALS_1", "ALS", "L3", f"{stem}.png" if image else None, f"{stem}.json")
    return measure_slice(root, slice_, Settings(**settings))


def told(result):
    return [(problem.severity, problem.code) for problem in result.problems]


def whole(result):
    return len(result.counts) == 7 and result.measurable


def check_wording(result):
    for problem in result.problems:
        assert re.fullmatch(r"[^;\n]+; expected [^;\n]+", problem.message), problem.message
        assert problem.remedy
        assert "\n" not in problem.line()
        assert problem.file


# ---------------------------------------------------------------- counts


@pytest.mark.parametrize("threshold", [0, 50, 128, 255])
def test_counts_are_those_of_masks_on_the_full_canvas(tmp_path, threshold):
    image = grey_image()
    write_slice(tmp_path, STEM, image)
    result = measure(tmp_path, threshold=threshold)
    assert result.problems == ()
    assert len(result.counts) == len(SHAPES)
    for shape in SHAPES:
        name, _, side = shape["label"].partition("_")
        count = result.counts[name, {"L": "left", "R": "right", "": ""}[side]]
        canvas = Image.new("L", (100, 100))
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
        levels = image[np.asarray(canvas) == 1].astype(int)
        assert count.csa_px == len(levels)
        assert count.fat_px == sum(level > threshold for level in levels)
        assert count.grey_sum == sum(levels)
        (left, top), (right, bottom) = shape["points"][0], shape["points"][2]
        assert count.contour_area_px == (right - left) * (bottom - top)


def test_the_threshold_itself_is_no_fat(tmp_path):
    image = np.full((100, 100), 50, dtype=np.uint8)
    image[70] = 51
    write_slice(tmp_path, STEM, image, [polygon("MF_L", box(40, 69, 49, 71))])
    count = measure(tmp_path).counts["MF", "left"]
    assert (count.csa_px, count.fat_px) == (30, 10)


def test_a_region_at_the_edge_of_the_image(tmp_path):
    image = grey_image((40, 50))
    write_slice(tmp_path, STEM, image, [polygon("MF_L", box(-5, -5, 60, 60))])
    result = measure(tmp_path)
    assert told(result) == [("warning", "leaves-image")]
    count = result.counts["MF", "left"]
    assert (count.csa_px, count.grey_sum) == (2000, int(image.sum()))
    assert count.contour_area_px == 65 * 65


def test_one_label_costs_only_itself(tmp_path):
    shapes = [*SHAPES[1:], polygon("PM_R", [(1, 1), (2, float("nan")), (3, 1)])]
    write_slice(tmp_path, STEM, shapes=shapes)
    result = measure(tmp_path)
    assert told(result) == [("error", "not-finite")]
    assert result.problems[0].shape == "PM_R"
    assert set(result.counts) == {("PM", "left")} | {
        *((muscle, side) for muscle in ("ES", "MF") for side in ("left", "right")),
        ("IVD", ""),
    }
    assert ("PM", "right") in result.seen
    check_wording(result)


def test_digests_are_those_of_the_two_files(tmp_path):
    path = write_slice(tmp_path, STEM)
    files = (path, path.with_suffix(".png"))
    expected = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert dict(measure(tmp_path).sha256) == expected


def test_a_window_is_applied(tmp_path):
    deep = grey_image().astype(np.uint16) * 16
    write_slice(tmp_path, STEM)
    (tmp_path / f"{STEM}.png").write_bytes(png_bytes(deep, 0, 16))
    assert told(measure(tmp_path)) == [("error", "image-bits")]
    windowed = measure(tmp_path, window=(0.0, 4080.0))
    write_slice(tmp_path, STEM)
    assert windowed.counts == measure(tmp_path).counts


def test_slices_come_back_in_their_order(tmp_path):
    stems = [f"ALS_{number}_3" for number in (3, 1, 2)]
    for seed, stem in enumerate(stems):
        write_slice(tmp_path, stem, grey_image(seed=seed))
    slices = tuple(Slice(stem[:-2], "ALS", "L3", f"{stem}.png", f"{stem}.json") for stem in stems)
    results = measure_slices(tmp_path, slices, Settings())
    assert [result.slice for result in results] == list(slices)
    assert len({result.counts["MF", "left"].grey_sum for result in results}) == 3


# ---------------------------------------------------------------- labels


def test_other_labels_are_one_warning_that_lists_them(tmp_path):
    shapes = [*SHAPES, *(polygon(label, box(1, 1, 3, 3)) for label in ("fat", "MF_X", "fat", "=1+1\n"))]
    shapes.append(polygon("a line", [[1, 1], [2, 2]], shape_type="line"))
    write_slice(tmp_path, STEM, shapes=shapes)
    result = measure(tmp_path)
    assert whole(result)
    assert told(result) == [("warning", "unknown-label")]
    for label in ("'fat'", "'MF_X'", "'a line'"):
        assert result.problems[0].message.count(label) == 1
    check_wording(result)


@pytest.mark.parametrize("labels", [[], ["fat", "bone"]])
def test_a_slice_without_any_known_label(tmp_path, labels):
    write_slice(tmp_path, STEM, shapes=[polygon(label, box(1, 1, 3, 3)) for label in labels])
    result = measure(tmp_path)
    assert told(result) == [("error", "no-known-label")]
    assert all(label in result.problems[0].message for label in labels)
    assert result.counts == {}
    check_wording(result)


def test_aliases_of_the_protocol(tmp_path):
    shapes = [polygon("Muskel 1", box(55, 65, 64, 84)), polygon("SCHEIBE", box(35, 20, 64, 49))]
    write_slice(tmp_path, STEM, shapes=shapes)
    result = measure(tmp_path, labels=(("muskel 1", "multifidus left"), ("Scheibe", "IVD")))
    assert set(result.counts) == {("MF", "left"), ("IVD", "")}
    assert result.problems == ()


# ---------------------------------------------------------------- which image belongs


@pytest.mark.parametrize(
    "image_path",
    [
        f"{STEM}.png",
        f"./{STEM}.png",
        f"./x/../{STEM}.png",
        f".\\{STEM}.png",
        f"..\\elsewhere\\{STEM}.png",
        f"../elsewhere/{STEM}.png",
        f"/home/anna/{STEM}.png",
        f"C:\\Users\\anna\\{STEM}.png",
        f"C:/Users/anna/{STEM}.png",
        f"\\\\server\\share\\{STEM}.png",
        STEM.lower() + ".PNG",
        "",
        None,
        5,
        ...,
    ],
)
def test_the_own_image_wherever_it_lay(tmp_path, image_path):
    write_slice(tmp_path, STEM, imagePath=image_path)
    result = measure(tmp_path)
    assert whole(result)
    assert result.problems == ()


@pytest.mark.parametrize(
    "image_path",
    [
        "missing.png",
        "sub/missing.png",
        "../../../../etc/missing.png",
        "/missing.png",
        "C:\\missing.png",
        "\\\\server\\share\\missing.png",
        "nul",
        "CON",
        "..",
        ".",
        "/",
        "x" * 5000,
        "a\0b.png",
        "\x1b[2J\nmissing.png",
        "a;b.png",
    ],
)
def test_a_missing_image_is_a_warning(tmp_path, image_path):
    write_slice(tmp_path, STEM, imagePath=image_path)
    result = measure(tmp_path)
    assert whole(result)
    assert told(result) == [("warning", "image-path-missing")]
    (problem,) = result.problems
    assert f"{STEM}.png" in problem.message
    assert problem.message.isprintable()
    assert len(problem.message) < 500
    assert "; expected " in problem.message


@pytest.mark.parametrize(
    ("stem", "other", "image_path"),
    [
        (STEM, "ALS_2_3.png", "ALS_2_3.png"),
        (STEM, "ALS_2_3.png", "./ALS_2_3.png"),
        (STEM, "ALS_2_3.png", "..\\lab\\ALS_2_3.png"),
        (STEM, "ALS_2_3.png", "C:\\lab\\ALS_2_3.png"),
        (STEM, "ALS_2_3.png", "/home/anna/ALS_2_3.png"),
        (STEM, "template.jpg", "template.jpg"),
        (STEM, "sub/ALS_2_3.png", "sub/ALS_2_3.png"),
        (STEM, "sub/ALS_2_3.png", "sub\\ALS_2_3.png"),
        (STEM, f"sub/{STEM}.png", f"sub/{STEM}.png"),
        (f"p1/{STEM}", "p2/ALS_2_3.png", "../p2/ALS_2_3.png"),
        (f"p1/{STEM}", "p1/ALS_2_3.png", "ALS_2_3.png"),
        (f"p1/{STEM}", f"p2/{STEM}.png", f"..\\p2\\{STEM}.png"),
    ],
)
def test_another_existing_image_is_an_error_that_names_both(tmp_path, stem, other, image_path):
    write_slice(tmp_path, stem, imagePath=image_path)
    write_image(tmp_path / other, grey_image())
    result = measure(tmp_path, stem)
    assert told(result) == [("error", "image-path-names-another")]
    assert (result.counts, result.measurable) == ({}, False)
    message = result.problems[0].message
    assert other in message
    assert f"{stem}.png" in message
    check_wording(result)


def test_an_existing_image_outside_the_dataset_is_as_good_as_missing(tmp_path):
    root = tmp_path / "dataset"
    other = write_image(tmp_path / "other.png", grey_image())
    for image_path in ("../other.png", "..\\other.png", "../dataset/../other.png", str(other)):
        write_slice(root, STEM, imagePath=image_path)
        assert told(measure(root)) == [("warning", "image-path-missing")]


def test_composed_and_decomposed_letters_are_one_name(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "ÄLS_1_3") for form in ("NFC", "NFD"))
    assert composed != decomposed
    write_slice(tmp_path, composed, imagePath=f"{decomposed}.png")
    assert measure(tmp_path, composed).problems == ()
    write_slice(tmp_path, decomposed, imagePath=f"{composed}.png")
    (tmp_path / f"{composed}.png").unlink()
    assert measure(tmp_path, decomposed).problems == ()


OPENED: list[str] | None = None


def note_open(event, arguments):
    # A number is a file that was opened by its name before.
    if event == "open" and OPENED is not None and not isinstance(arguments[0], int):
        OPENED.append(str(arguments[0]))


@contextmanager
def opened_files():
    """The names that are opened meanwhile."""
    global OPENED
    if not getattr(note_open, "added", False):
        sys.addaudithook(note_open)
        note_open.added = True
    OPENED = names = []
    try:
        yield names
    finally:
        OPENED = None


@pytest.mark.parametrize(
    "image_path",
    ["/etc/hostname", "../secret.png", "..\\secret.png", "ALS_2_3.png", "//server/x.png", f"{STEM}.png"],
)
def test_only_the_two_files_of_the_slice_are_opened(tmp_path, image_path):
    root = tmp_path / "dataset"
    write_slice(root, STEM, imagePath=image_path)
    write_slice(root, "ALS_2_3")
    write_image(tmp_path / "secret.png", grey_image())
    measure(root)  # so that everything is imported
    with opened_files() as names:
        measure(root)
    own = {str(root / f"{STEM}.json"), str(root / f"{STEM}.png")}
    assert str(root / f"{STEM}.json") in names
    assert {name for name in names if not name.endswith((".py", ".pyc"))} <= own


def test_a_size_that_is_not_the_images_is_an_error(tmp_path):
    for size in ({"imageHeight": 101}, {"imageWidth": 99}, {"imageHeight": 100.0, "imageWidth": 200.0}):
        write_slice(tmp_path, STEM, **size)
        result = measure(tmp_path)
        assert told(result) == [("error", "size-mismatch")]
        assert not result.measurable
        assert "100×100" in result.problems[0].message
        check_wording(result)


def test_a_file_of_no_known_size_is_measured_and_told(tmp_path):
    write_slice(tmp_path, STEM, imageHeight=..., imageWidth=...)
    result = measure(tmp_path)
    assert told(result) == [("warning", "size-unknown")]
    assert whole(result)
    check_wording(result)


@pytest.mark.parametrize("fields", [{"imageHeight": ...}, {"imageWidth": ...}, {"imageHeight": None}])
def test_each_side_is_checked_by_itself(tmp_path, fields):
    write_slice(tmp_path, STEM, **fields)
    assert measure(tmp_path).problems == ()
    write_slice(tmp_path, STEM, **({"imageHeight": 200, "imageWidth": 200} | fields))
    result = measure(tmp_path)
    assert told(result) == [("error", "size-mismatch")]
    assert "?" in result.problems[0].message
    check_wording(result)


@pytest.mark.parametrize("fields", [{}, {"imageHeight": 100}, {"imageWidth": 100}])
def test_a_file_without_a_size_has_that_of_its_picture(tmp_path, fields):
    fields = {"imageHeight": ..., "imageWidth": ...} | fields
    write_slice(tmp_path, STEM, imageData=embedded(own_image(STEM)), **fields)
    assert measure(tmp_path).problems == ()
    write_slice(tmp_path, STEM, imageData=embedded(grey_image((50, 50))), **fields)
    result = measure(tmp_path)
    assert told(result) == [("error", "size-mismatch")]
    assert "imageData" in result.problems[0].message
    assert not result.measurable
    check_wording(result)


def test_a_size_that_is_a_text_is_an_error(tmp_path):
    write_slice(tmp_path, STEM, imageHeight="100", imageWidth="100")
    result = measure(tmp_path)
    assert told(result) == [("error", "bad-json")]
    check_wording(result)


def test_height_and_width_that_were_exchanged(tmp_path):
    write_slice(tmp_path, STEM, grey_image((100, 120)), imageHeight=120, imageWidth=100)
    result = measure(tmp_path)
    assert told(result) == [("error", "size-mismatch")]
    assert "look exchanged" in result.problems[0].message
    check_wording(result)


# ---------------------------------------------------------------- the embedded image


def embedded(image):
    raw = png_bytes(image, 0)
    return base64.b64encode(raw).decode()


def test_the_embedded_image_is_measured_where_there_is_no_other(tmp_path):
    image = grey_image(seed=9)
    write_slice(tmp_path, STEM, image)
    expected = measure(tmp_path)
    path = write_slice(tmp_path, STEM, image, imageData=embedded(image))
    path.with_suffix(".png").unlink()
    result = measure(tmp_path, image=False)
    assert told(result) == [("warning", "embedded-image")]
    assert result.counts == expected.counts
    check_wording(result)


def test_the_image_beside_counts_before_the_embedded_one(tmp_path):
    write_slice(tmp_path, STEM)
    expected = measure(tmp_path)
    write_slice(tmp_path, STEM, imageData=embedded(grey_image(seed=9)))
    result = measure(tmp_path)
    assert told(result) == [("warning", "embedded-differs")]
    check_wording(result)
    assert result.counts == expected.counts


@pytest.mark.parametrize("data", [None, "", "AAAA", "?", 5])
def test_neither_an_image_nor_an_embedded_one(tmp_path, data):
    write_slice(tmp_path, STEM, imageData=data)
    (tmp_path / f"{STEM}.png").unlink()
    result = measure(tmp_path, image=False)
    assert [severity for severity, _ in told(result)][-1] == "error"
    assert (result.counts, result.measurable) == ({}, False)
    check_wording(result)


def test_an_embedded_image_of_another_size(tmp_path):
    write_slice(tmp_path, STEM, imageData=embedded(grey_image((90, 100))))
    (tmp_path / f"{STEM}.png").unlink()
    assert ("error", "size-mismatch") in told(measure(tmp_path, image=False))


# ---------------------------------------------------------------- files that cannot be used


def test_a_jpeg_is_measured_with_a_warning(tmp_path):
    path = write_slice(tmp_path, STEM, imagePath=f"{STEM}.jpg")
    Image.open(path.with_suffix(".png")).save(path.with_suffix(".jpg"), quality=100)
    path.with_suffix(".png").unlink()
    result = measure_slice(tmp_path, Slice("ALS_1", "ALS", "L3", f"{STEM}.jpg", f"{STEM}.json"), Settings())
    assert told(result) == [("warning", "lossy-image")]
    assert whole(result)
    check_wording(result)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "unreadable-image"),
        (b"text", "unreadable-image"),
        (png_bytes(grey_image(), 0)[:500], "unreadable-image"),
        (png_bytes(grey_image(), 0, 8)[:-30], "unreadable-image"),
        (png_bytes(np.dstack([grey_image(seed=s) for s in range(3)]), 2), "colour-image"),
        (png_bytes(grey_image().astype(np.uint16), 0, 16), "image-bits"),
    ],
)
def test_an_image_that_is_not_measured(tmp_path, raw, code):
    write_slice(tmp_path, STEM)
    (tmp_path / f"{STEM}.png").write_bytes(raw)
    result = measure(tmp_path)
    assert told(result) == [("error", code)]
    assert result.problems[0].file == f"{STEM}.png"
    assert (result.counts, result.measurable) == ({}, False)
    check_wording(result)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", "é".encode("latin-1"), b"[" * 100_000])
def test_a_json_that_is_not_labelme(tmp_path, raw):
    write_slice(tmp_path, STEM).write_bytes(raw)
    result = measure(tmp_path)
    assert told(result) == [("error", "bad-json")]
    assert result.problems[0].file == f"{STEM}.json"
    check_wording(result)


@pytest.mark.parametrize("ending", ["json", "png"])
def test_a_file_that_is_gone_or_a_folder(tmp_path, ending):
    path = write_slice(tmp_path, STEM).with_suffix(f".{ending}")
    path.unlink()
    result = measure(tmp_path)
    assert told(result) == [("error", "unreadable-file")]
    check_wording(result)
    path.mkdir()
    assert told(measure(tmp_path)) == [("error", "unreadable-file")]


def test_every_problem_is_worded_found_expected_remedy(tmp_path):
    shapes = [
        *SHAPES,
        polygon("MF", box(30, 92, 70, 98)),
        polygon("ES_L", box(5, 90, 9, 95)),
        polygon("PM_L", box(200, 200, 210, 210)),
        polygon("PM_R", [(3, 3), (3, 3), (3, 3)]),
        polygon("QL_L", [(90, 2), (98, 10), (98, 2), (90, 10)]),
        polygon("QL_R", box(-5, 2, 8, 10)),
        polygon("MF_R", [[1, 1]]),
        polygon("MF_L", [[1, 1], [2, 2]], shape_type="line"),
        polygon("IVD", box(40, 30, 50, 40)),
        polygon("VB", box(40, 30, 50, 40)),
        polygon("fat", box(40, 30, 50, 40)),
    ]
    write_slice(tmp_path, STEM, shapes=shapes, imagePath="gone.png")
    result = measure(tmp_path)
    check_wording(result)
    codes = {problem.code for problem in result.problems}
    assert codes >= {
        *("crosses-midline", "side-contradicts-display", "outside-image", "no-area", "self-crossing"),
        *("leaves-image", "too-few-points", "not-closed", "hole-not-taken-out", "unknown-label"),
        "image-path-missing",
    }
    # What follows from a faulty part is told with it.
    remedies = [problem.remedy for problem in result.problems if problem.shape == "MF_R"]
    assert any("hence the other contours of MF_R do not count" in remedy for remedy in remedies)


def test_regions_are_read_without_measuring(tmp_path):
    write_slice(tmp_path, STEM)
    found = read_slice(tmp_path, Slice("ALS_1", "ALS", "L3", f"{STEM}.png", f"{STEM}.json"), Settings())
    assert (np.asarray(found.image) == own_image(STEM)).all()
    assert {key: int(patch.pixels.sum()) for key, patch in found.anatomy.patches.items()} == {
        key: count.csa_px for key, count in measure(tmp_path).counts.items()
    }


def test_a_dataset_of_random_content_never_raises(tmp_path):
    rng = np.random.default_rng(5)
    text = json.dumps(json.loads(write_slice(tmp_path, STEM).read_text()))
    image = (tmp_path / f"{STEM}.png").read_bytes()
    for number in range(60):
        broken = bytearray(text.encode())
        for place in rng.integers(0, len(broken), 3):
            broken[place] = rng.integers(32, 127)
        (tmp_path / f"LR_{number}_3.json").write_bytes(bytes(broken))
        damaged = bytearray(image)
        if number % 2:
            damaged[rng.integers(0, len(damaged))] ^= 1 << rng.integers(0, 8)
        (tmp_path / f"LR_{number}_3.png").write_bytes(bytes(damaged))
    slices = find_slices(*list_files(tmp_path), Settings()).slices
    assert len(slices) == 61
    for result in measure_slices(tmp_path, slices, Settings()):
        for problem in result.problems:
            assert "; expected " in problem.message


def test_a_better_fit_elsewhere_is_not_told_where_its_cause_is(tmp_path):
    """All sides contradict, or the image is told to be another: the mirrored fit follows from that."""
    image = np.zeros((100, 100), np.uint8)
    image[:, 50:] = grey_image((100, 50), seed=4)
    mirrored = [
        shape | {"points": [[99 - x, y] for x, y in shape["points"]]}
        for shape in SHAPES
        if shape["label"] != "IVD"
    ]
    disc = [shape for shape in SHAPES if shape["label"] == "IVD"]
    write_slice(tmp_path, "ALS_1_3", image, mirrored + disc)
    slice_ = Slice("ALS_1", "ALS", "L3", "ALS_1_3.png", "ALS_1_3.json")
    result = measure_slice(tmp_path, slice_, Settings())
    assert [p.code for p in result.problems] == ["side-contradicts-display"]
    assert result.fit is None
    write_slice(tmp_path, "ALS_1_3", image)
    assert measure_slice(tmp_path, slice_, Settings()).fit is not None


@pytest.mark.parametrize("ending", ["webp", "heic", "nii.gz", "dcm"])
@pytest.mark.parametrize("told_path", [f"{STEM}.png", "", "scan.png"])
def test_an_image_of_a_format_that_is_not_read_is_named(tmp_path, ending, told_path):
    write_slice(tmp_path, STEM, grey_image(), imagePath=told_path)
    (tmp_path / f"{STEM}.png").rename(tmp_path / f"{STEM}.{ending}")
    (tmp_path / f"{STEM}.json.bak").write_bytes(b"")
    (problem,) = measure(tmp_path, image=False).problems
    assert (problem.severity, problem.code) == ("error", "unreadable-image")
    assert problem.message.startswith(f"{STEM}.{ending} is not read; expected")
