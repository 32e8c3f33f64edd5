"""Real LabelMe files of other fields: put under the names of slices, they are told apart clearly."""

from __future__ import annotations

import base64
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.io.labelme import embedded_image, read_annotation
from mriparaspinal.measure.dataset import measure_dataset

OLD = "v2-3_noversion_lineColor_chinese_embedded.json"
ALL_SHAPES = "v5.0.1_Mandrill_all_shapes.json"
BACKSLASH = "v5.0.1_backslash_imagePath.json"


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "real" / "labelme"


def put(folder, root, name, stem, image=None):
    root.mkdir(exist_ok=True)
    shutil.copy(folder / name, root / f"{stem}.json")
    if image is not None:
        image.save(root / f"{stem}.png")


def measured(root, **settings):
    settings = Settings(**settings)
    return measure_dataset(open_dataset(root, settings), settings)


def codes(result):
    return {problem.code for problem in result.problems}


def grey_of(folder, name):
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    size = (content["imageWidth"], content["imageHeight"])
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, size[::-1], dtype=np.uint8))


@pytest.mark.parametrize("name", [OLD, ALL_SHAPES, BACKSLASH])
def test_every_shape_is_read_as_it_stands_in_the_file(folder, name):
    raw = (folder / name).read_bytes()
    content = json.loads(raw)
    annotation = read_annotation(raw)
    closed = [
        s
        for s in content["shapes"]
        if s.get("shape_type") in (None, "polygon", "rectangle", "circle", "oriented_rectangle")
    ]
    assert [(c.label, c.points) for c in annotation.contours] == [
        (s["label"], tuple((float(x), float(y)) for x, y in s["points"])) for s in closed
    ]
    assert len(annotation.broken) == len(content["shapes"]) - len(closed)
    assert {broken.code for broken in annotation.broken} <= {"not-closed"}
    assert annotation.image_path == content["imagePath"]
    size = (content.get("imageHeight"), content.get("imageWidth"))
    assert annotation.image_size == size


def test_the_embedded_image_of_the_oldest_style(folder):
    raw = (folder / OLD).read_bytes()
    expected = base64.b64decode(json.loads(raw)["imageData"])
    assert embedded_image(read_annotation(raw)) == expected
    Image.open(io.BytesIO(expected)).verify()


def test_labels_of_another_field_are_listed_in_one_error(folder, tmp_path):
    put(folder, tmp_path, ALL_SHAPES, "ALS_1_3", grey_of(folder, ALL_SHAPES))
    result = measured(tmp_path)
    (problem,) = [p for p in result.problems if p.code == "no-known-label"]
    assert (problem.severity, problem.file) == ("error", "ALS_1_3.json")
    content = json.loads((folder / ALL_SHAPES).read_text(encoding="utf-8"))
    for label in {shape["label"] for shape in content["shapes"]}:
        assert repr(label) in problem.message
    # The contours were drawn on another image.
    assert "image-path-missing" in codes(result)


def test_the_template_that_lies_beside_is_named(folder, tmp_path):
    put(folder, tmp_path, ALL_SHAPES, "ALS_1_3", grey_of(folder, ALL_SHAPES))
    shutil.copy(folder / "Mandrill.jpg", tmp_path)
    result = measured(tmp_path)
    (problem,) = [p for p in result.problems if p.severity == "error" and p.file == "ALS_1_3.json"]
    assert problem.code == "image-path-names-another"
    assert "Mandrill.jpg" in problem.message
    assert "ALS_1_3.png" in problem.message


def test_a_coloured_picture_is_refused(folder, tmp_path):
    put(folder, tmp_path, ALL_SHAPES, "ALS_1_3")
    shutil.copy(folder / "Mandrill.jpg", tmp_path / "ALS_1_3.jpg")
    result = measured(tmp_path)
    assert "colour-image" in codes(result)
    assert result.measured == 0


def test_an_embedded_picture_in_colour_is_refused(folder, tmp_path):
    put(folder, tmp_path, OLD, "ALS_1_3")
    result = measured(tmp_path)
    assert {"embedded-image", "colour-image"} <= codes(result)
    assert result.measured == 0


def test_chinese_labels_can_be_named_in_the_protocol(folder, tmp_path):
    content = json.loads((folder / OLD).read_text(encoding="utf-8"))
    label = content["shapes"][0]["label"]
    assert not label.isascii()
    picture = Image.open(io.BytesIO(base64.b64decode(content["imageData"])))
    put(folder, tmp_path, OLD, "ALS_1_3", picture.convert("L"))
    settings = Settings(labels=((label, "IVD"),))
    study = open_dataset(tmp_path, settings)
    found = read_slice(tmp_path, study.dataset.slices[0], settings)
    assert ("IVD", "") in found.anatomy.seen
    assert ("IVD", "") not in found.anatomy.patches or found.anatomy.patches["IVD", ""].pixels.any()


def test_a_windows_path_is_no_reason_to_look_elsewhere(folder, tmp_path):
    put(folder, tmp_path, BACKSLASH, "ALS_1_3", grey_of(folder, BACKSLASH))
    result = measured(tmp_path)
    assert "\\" in json.loads((folder / BACKSLASH).read_text(encoding="utf-8"))["imagePath"]
    assert "image-path-names-another" not in codes(result)
    assert "no-known-label" in codes(result)


def test_all_together_every_problem_says_what_was_expected(folder, tmp_path):
    put(folder, tmp_path, ALL_SHAPES, "ALS_1_3", grey_of(folder, ALL_SHAPES))
    put(folder, tmp_path, OLD, "ALS_2_3")
    put(folder, tmp_path, BACKSLASH, "LR_1_3", grey_of(folder, BACKSLASH))
    shutil.copy(folder / BACKSLASH, tmp_path / "LR_2_3.json")
    result = measured(tmp_path)
    assert {problem.file for problem in result.problems} >= {
        *("ALS_1_3.json", "ALS_2_3.json", "LR_1_3.json", "LR_2_3.json"),
    }
    for problem in result.problems:
        assert "; expected " in problem.message
        assert problem.remedy
        assert problem.line().isprintable()
