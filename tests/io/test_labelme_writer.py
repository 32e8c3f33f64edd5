"""LabelMe files as they are written: read back, by LabelMe itself where it is installed, never in the way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.tracing import mask_shapes
from mriparaspinal.io.beside import write_beside
from mriparaspinal.io.labelme import labelme_bytes, read_annotation
from tests.support.builders.slices import write_image
from tests.support.builders.study import fingerprint

RING = np.ones((7, 5), dtype=bool)
RING[2:5, 2:4] = False


def contours() -> list[Contour]:
    canvas = np.zeros((30, 40), dtype=bool)
    canvas[10:17, 20:25] = RING
    return [
        Contour("MF_L", "polygon", ((1.5, 2.5), (9.5, 2.5), (5.5, 8.5))),
        *mask_shapes(canvas, "autochthon é"),
    ]


def test_what_is_written_is_read_back():
    raw = labelme_bytes("ALS_1_3.png", (30, 40), contours())
    assert raw == labelme_bytes("ALS_1_3.png", (30, 40), contours())
    found = read_annotation(raw)
    assert (found.image_path, found.image_size, found.broken) == ("ALS_1_3.png", (30, 40), ())
    assert list(found.contours) == contours()
    assert np.array_equal(found.contours[1].mask, RING)
    assert found.contours[1].points == ((20, 10), (24, 16))
    content = json.loads(raw)
    assert set(content) == {
        *("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")
    }
    fields = {"label", "points", "group_id", "description", "shape_type", "flags", "mask"}
    assert all(set(shape) == fields for shape in content["shapes"])


def test_labelme_itself_reads_it(tmp_path):
    label_file = pytest.importorskip("labelme._label_file", reason="LabelMe is not installed")
    shapes_to_label = pytest.importorskip("labelme.utils.shape").shapes_to_label
    write_image(tmp_path / "ALS_1_3.png", np.zeros((30, 40), dtype=np.uint8))
    (tmp_path / "ALS_1_3.json").write_bytes(labelme_bytes("ALS_1_3.png", (30, 40), contours()))
    shapes = label_file.LabelFile(str(tmp_path / "ALS_1_3.json")).shapes
    assert [shape["shape_type"] for shape in shapes] == ["polygon", "mask"]
    values, _ = shapes_to_label((30, 40), shapes, {"MF_L": 1, "autochthon é": 2})
    expected = np.zeros((30, 40), dtype=bool)
    expected[10:17, 20:25] = RING
    assert np.array_equal(values == 2, expected)
    assert (values == 1).sum() > 20


# Into a dataset


def test_new_files_are_written_and_the_same_ones_left(tmp_path):
    (tmp_path / "sub").mkdir()
    files = {"a.json": b"1", "sub/b.json": b"2"}
    assert write_beside(tmp_path, files) == 2
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert write_beside(tmp_path, {**files, "c.json": b"3"}) == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert sorted(fingerprint(tmp_path)) == ["a.json", "c.json", "sub/b.json"]


@pytest.mark.parametrize("name", ["b.json", "B.JSON"])
def test_a_file_in_the_way_stops_all(tmp_path, name):
    (tmp_path / name).write_bytes(b"by hand")
    (tmp_path / "d.json").write_bytes(b"by hand")
    before = fingerprint(tmp_path)
    with pytest.raises(UsageError) as caught:
        write_beside(tmp_path, {"a.json": b"1", "b.json": b"2", "c.json": b"3", "d.json": b"4"})
    assert "b.json, d.json there already, with other contours; expected" in str(caught.value)
    assert fingerprint(tmp_path) == before


def test_a_link_to_nowhere_is_in_the_way(tmp_path):
    (tmp_path / "a.json").symlink_to(tmp_path / "none")
    with pytest.raises(UsageError, match=r"a\.json there already"):
        write_beside(tmp_path, {"a.json": b"1"})


def test_a_folder_is_in_the_way(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(UsageError, match=r"a\.json there already"):
        write_beside(tmp_path, {"a.json": b"1"})


def test_where_one_cannot_be_written_none_is(tmp_path):
    before = fingerprint(tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        write_beside(tmp_path, {"a.json": b"1", "missing/b.json": b"2"})
    assert fingerprint(tmp_path) == before
    assert list(tmp_path.iterdir()) == []
