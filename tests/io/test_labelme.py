"""LabelMe files of every version, and files that are broken in part or as a whole."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.labelme import COORDINATE_LIMIT, embedded_image, read_annotation
from tests.support.builders.slices import box, grey_image, labelme, polygon

TRIANGLE = [[1, 2], [10.5, 2], [4, 9]]


def read(content):
    return read_annotation(json.dumps(content).encode())


def with_shapes(*shapes, **fields):
    return labelme("ALS_1_3.png", (100, 120), list(shapes), **fields)


def png(image):
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def mask_shape(label, pixels, left=3, top=4, **fields):
    rows, columns = pixels.shape
    corners = [[left, top], [left + columns - 1, top + rows - 1]]
    text = base64.b64encode(png(pixels.astype(np.uint8))).decode()
    return polygon(label, corners, shape_type="mask", mask=text, **fields)


def fault(raw):
    with pytest.raises(UnreadableError) as caught:
        read_annotation(raw)
    assert "; expected " in caught.value.fault.message
    assert caught.value.fault.remedy
    assert "\n" not in caught.value.fault.message + caught.value.fault.remedy
    return caught.value.fault.message


# ---------------------------------------------------------------- files as LabelMe wrote them


def test_a_file_of_today():
    annotation = read(with_shapes(polygon("MF_L", TRIANGLE, description="", mask=None)))
    (contour,) = annotation.contours
    assert (contour.label, contour.shape_type) == ("MF_L", "polygon")
    assert contour.points == ((1, 2), (10.5, 2), (4, 9))
    assert (annotation.image_path, annotation.image_size) == ("ALS_1_3.png", (100, 120))
    assert (annotation.broken, embedded_image(annotation)) == ((), None)


def test_the_oldest_style_has_no_version_no_size_and_no_types():
    content = {
        "shapes": [{"label": "MF_L", "points": TRIANGLE, "line_color": None, "fill_color": [1, 2, 3, 4]}],
        "lineColor": [0, 255, 0, 128],
        "fillColor": [255, 0, 0, 128],
        "imagePath": "x.png",
        "imageData": "",
    }
    annotation = read(content)
    assert annotation.contours[0].shape_type == "polygon"
    assert annotation.image_size == (None, None)
    assert embedded_image(annotation) is None


@pytest.mark.parametrize("version", ["3.16.7", "4.5.13", "5.0.1", "5.4.1", None, 6, ["?"]])
def test_the_version_is_not_looked_at(version):
    assert len(read(with_shapes(polygon("MF_L", TRIANGLE), version=version)).contours) == 1


@pytest.mark.parametrize(
    "extra", [{"group_id": 3}, {"group_id": "a"}, {"flags": None}, {"attributes": {"x": [1]}}, {"score": 0.5}]
)
def test_other_fields_are_not_looked_at(extra):
    annotation = read(with_shapes(polygon("MF_L", TRIANGLE, **extra), **extra))
    assert (len(annotation.contours), annotation.broken) == (1, ())


def test_each_closed_type():
    annotation = read(
        with_shapes(
            polygon("a", TRIANGLE),
            polygon("b", TRIANGLE, shape_type=None),
            polygon("c", [[5, 6], [1, 2]], shape_type="rectangle"),
            polygon("d", [[5, 6], [1, 2]], shape_type="circle"),
            polygon("e", box(1, 2, 3, 4), shape_type="oriented_rectangle"),
            mask_shape("f", np.array([[1, 0, 1], [0, 1, 0]])),
        )
    )
    assert annotation.broken == ()
    kinds = ["polygon", "polygon", "rectangle", "circle", "oriented_rectangle", "mask"]
    assert [c.shape_type for c in annotation.contours] == kinds
    assert annotation.contours[5].mask.tolist() == [[True, False, True], [False, True, False]]
    assert annotation.contours[5].points == ((3, 4), (5, 5))


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("turn", [1, -1])
def test_a_rectangle_of_x_anylabeling_has_four_corners_from_any_one_on(start, turn):
    corners = box(1.5, 2, 7, 9.25)[::turn]
    shape = polygon("IVD", corners[start:] + corners[:start], shape_type="rectangle", kie_linking=[])
    (contour,) = read(with_shapes(shape)).contours
    assert contour.shape_type == "rectangle"
    assert sorted(map(sorted, zip(*contour.points, strict=True))) == [[1.5, 7], [2, 9.25]]


def test_other_shapes_of_x_anylabeling():
    tilted = [[10, 2], [18, 8], [12, 16], [4, 10]]
    annotation = read(
        with_shapes(
            polygon("a", tilted, shape_type="rotation", direction=0.6435),
            polygon("b", tilted, shape_type="quadrilateral", difficult=False),
            polygon("c", [[5, 6], [1, 2]], shape_type="circle", attributes={}),
            polygon("d", tilted[:2], shape_type="line"),
        )
    )
    assert [c.shape_type for c in annotation.contours] == ["oriented_rectangle", "polygon", "circle"]
    assert annotation.contours[0].points == annotation.contours[1].points == tuple(map(tuple, tilted))
    assert [b.code for b in annotation.broken] == ["not-closed"]


# Rounded to the nearest pixel, halves to the even one, as NumPy's round, which LabelMe 7.1 uses.
@pytest.mark.parametrize(
    ("left", "top", "place"),
    [
        (3.7, 4.2, (4, 4)),
        (3.5, 4.5, (4, 4)),
        (2.5, 5.5, (2, 6)),
        (-0.6, -2.5, (-1, -2)),
        (-0.4, 0.4, (0, 0)),
        (3.0, 4.0, (3, 4)),
    ],
)
def test_a_mask_between_pixels_lies_where_labelme_puts_it(left, top, place):
    pixels = np.array([[1, 0, 1], [0, 1, 0]])
    (contour,) = read(with_shapes(mask_shape("MF_L", pixels, left, top))).contours
    assert contour.points[0] == place == tuple(np.round([left, top]))
    assert contour.mask.tolist() == pixels.astype(bool).tolist()


def test_corners_that_are_rounded_apart_do_not_resize_a_mask():
    # 2.5 → 2 and 5.5 → 6: five columns between the corners, four in the mask.
    shape = mask_shape("MF_L", np.ones((2, 4))) | {"points": [[2.5, 4], [5.5, 5]]}
    (contour,) = read(with_shapes(shape)).contours
    assert contour.points == ((2, 4), (5, 5))
    assert contour.mask.shape == (2, 4)


@pytest.mark.parametrize("points", [[[2.5, 4], [9.5, 5]], [[2.5, 4], [2.6, 5]], [[2, 4], [6, 5]]])
def test_a_mask_of_another_size_than_its_corners_is_refused(points):
    (broken,) = read(with_shapes(mask_shape("MF_L", np.ones((2, 4))) | {"points": points})).broken
    assert broken.code == "bad-shape"


def test_the_byte_order_mark_of_windows_editors():
    raw = json.dumps(with_shapes(polygon("MF_L", TRIANGLE))).encode("utf-8-sig")
    assert read_annotation(raw).contours == read(with_shapes(polygon("MF_L", TRIANGLE))).contours


def test_of_a_name_that_stands_there_twice_the_last_counts_as_in_python():
    raw = b'{"shapes": [], "shapes": [{"label": "x", "label": "MF_L", "points": [[1,2],[3,4],[5,0]]}]'
    for end in (b"}", b', "x": NaN}'):
        assert [c.label for c in read_annotation(raw + end).contours] == ["MF_L"]


# ---------------------------------------------------------------- the embedded image


@pytest.mark.parametrize("end", ["}", ', "x": NaN}'])
def test_the_embedded_image_in_every_spelling_of_json(end):
    raw = png(grey_image((20, 20)))
    text = base64.b64encode(raw).decode()
    assert "/" in text
    assert "+" in text
    lines = "\\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    spellings = (text, text.replace("/", "\\/"), text.replace("/", "\\u002F").replace("+", "\\u002b"), lines)
    for spelling in spellings:
        content = '{"shapes": [], "imageData": "' + spelling + '"' + end
        assert embedded_image(read_annotation(content.encode())) == raw


@pytest.mark.parametrize("data", [None, "", "?", "AAA", "é", 5, [], {"a": 1}, True])
def test_what_is_no_embedded_image(data):
    annotation = read(with_shapes(polygon("MF_L", TRIANGLE), imageData=data))
    assert embedded_image(annotation) is None
    assert len(annotation.contours) == 1
    assert embedded_image(read({"shapes": []})) is None


# ---------------------------------------------------------------- the image's size and name


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (100, 120, (100, 120)),
        (100.0, 120.0, (100, 120)),
        (None, 120, (None, 120)),
        (100, None, (100, None)),
        (None, None, (None, None)),
        (10**40, 1, (10**40, 1)),
    ],
)
def test_the_size_that_the_file_tells(height, width, size):
    for extra in ({}, {"x": float("nan")}):
        content = with_shapes(polygon("MF_L", TRIANGLE), imageHeight=height, imageWidth=width, **extra)
        assert read(content).image_size == size


@pytest.mark.parametrize(
    "size",
    ["256", "", "x", "\ud800", 120.5, True, False, 0, -256, -1.0, [256], [], {"px": 1}, 1e999, float("nan")],
)
@pytest.mark.parametrize("field", ["imageHeight", "imageWidth"])
def test_a_size_that_is_no_number_of_pixels_is_refused(field, size):
    raw = json.dumps(with_shapes(polygon("MF_L", TRIANGLE)) | {field: size}).encode()
    assert fault(raw).startswith(f"{field} is ")


@pytest.mark.parametrize(
    ("path", "told"),
    [("a.png", "a.png"), ("", ""), (None, ""), (5, ""), ([], ""), ("..\\a.png", "..\\a.png")],
)
def test_the_image_that_the_file_names(path, told):
    assert read(with_shapes(imagePath=path)).image_path == told


def test_half_a_character_in_the_images_name_can_still_be_written():
    annotation = read_annotation(b'{"shapes": [], "imagePath": "\\ud800a.png"}')
    assert annotation.image_path.encode().endswith(b"a.png")


# ---------------------------------------------------------------- one broken shape

BROKEN_POINTS = {
    "[[NaN, 0], [5, 0], [5, 5]]": "not-finite",
    "[[0, 0], [5, Infinity], [5, 5]]": "not-finite",
    "[[0, 0], [5, -Infinity], [5, NaN]]": "not-finite",
    "[[1e999, 0], [5, 0], [5, 5]]": "not-finite",
    f"[[{10**400}, 0], [5, 0], [5, 5]]": "not-finite",
    f"[[-1{'0' * 5000}, 0], [5, 0], [5, 5]]": "not-finite",
    f"[[{10**30}, 0], [5, 0], [5, 5]]": "not-a-position",
    "[[1e7, 0], [5, 0], [5, 5]]": "not-a-position",
    "[[0, -1000001], [5, 0], [5, 5]]": "not-a-position",
    "[]": "too-few-points",
    "[[0, 0]]": "too-few-points",
    "[[0, 0], [5, 5]]": "too-few-points",
    "null": "bad-shape",
    "{}": "bad-shape",
    '"x"': "bad-shape",
    "[1, 2, 3]": "bad-shape",
    "[[0, 0, 0], [5, 0, 0], [5, 5, 0]]": "bad-shape",
    "[[0], [5, 0], [5, 5]]": "bad-shape",
    "[[], [5, 0], [5, 5]]": "bad-shape",
    '[["0", "0"], ["5", "0"], ["5", "5"]]': "bad-shape",
    "[[null, 0], [5, 0], [5, 5]]": "bad-shape",
    "[[true, 0], [5, 0], [5, 5]]": "bad-shape",
    '[{"x": 0, "y": 0}, [5, 0], [5, 5]]': "bad-shape",
}


@pytest.mark.parametrize(("points", "code"), BROKEN_POINTS.items(), ids=[p[:30] for p in BROKEN_POINTS])
def test_one_broken_shape_costs_that_shape(points, code):
    sound = json.dumps(polygon("ES_R", TRIANGLE))
    shapes = ", ".join([sound, f'{{"label": "MF_L", "points": {points}}}', sound])
    raw = f'{{"imagePath": "a.png", "imageHeight": 9, "imageWidth": 8, "shapes": [{shapes}]}}'
    annotation = read_annotation(raw.encode())
    assert [c.label for c in annotation.contours] == ["ES_R", "ES_R"]
    (broken,) = annotation.broken
    assert (broken.label, broken.code) == ("MF_L", code)
    assert len(broken.message) < 200
    assert (annotation.image_path, annotation.image_size) == ("a.png", (9, 8))


def test_the_largest_coordinates():
    points = [[COORDINATE_LIMIT, 0], [-COORDINATE_LIMIT, 3], [0, 9]]
    assert len(read(with_shapes(polygon("MF_L", points))).contours) == 1


@pytest.mark.parametrize(
    ("kind", "points", "code"),
    [
        ("line", TRIANGLE[:2], "not-closed"),
        ("linestrip", TRIANGLE, "not-closed"),
        ("point", TRIANGLE[:1], "not-closed"),
        ("points", TRIANGLE, "not-closed"),
        ("x" * 1000, TRIANGLE, "not-closed"),
        ("rectangle", TRIANGLE, "bad-shape"),
        ("rectangle", [[0, 0], [5, 1], [6, 6], [1, 5]], "bad-shape"),
        ("rectangle", [[0, 0], [5, 5], [5, 0], [0, 5]], "bad-shape"),
        ("rotation", TRIANGLE, "bad-shape"),
        ("quadrilateral", TRIANGLE, "bad-shape"),
        ("circle", TRIANGLE[:1], "bad-shape"),
        ("oriented_rectangle", TRIANGLE, "bad-shape"),
        ("mask", TRIANGLE[:2], "bad-shape"),
        (5, TRIANGLE, "bad-shape"),
    ],
)
def test_types_that_are_not_closed_or_have_other_points(kind, points, code):
    annotation = read(with_shapes(polygon("MF_L", points, shape_type=kind), polygon("ES_L", TRIANGLE)))
    assert [c.label for c in annotation.contours] == ["ES_L"]
    (broken,) = annotation.broken
    assert (broken.label, broken.code) == ("MF_L", code)
    assert len(broken.message) < 200


@pytest.mark.parametrize(
    "change",
    [
        {"mask": None},
        {"mask": ""},
        {"mask": "?"},
        {"mask": "é"},
        {"mask": base64.b64encode(b"no image").decode()},
        {"points": [[3, 4], [6, 5]]},
        {"points": [[5, 5], [3, 4]]},
        {"points": [[3, 4], [float("nan"), 5]]},
    ],
)
def test_a_mask_that_does_not_fit_its_corners_or_cannot_be_read(change):
    shape = mask_shape("MF_L", np.ones((2, 3))) | change
    annotation = read(with_shapes(shape, polygon("ES_L", TRIANGLE)))
    assert [c.label for c in annotation.contours] == ["ES_L"]
    assert [b.label for b in annotation.broken] == ["MF_L"]


@pytest.mark.parametrize("entry", [None, 1, "x", [], {}, {"label": "MF_L"}, {"points": TRIANGLE}])
def test_what_is_no_shape(entry):
    annotation = read(with_shapes(entry, polygon("ES_L", TRIANGLE)))
    assert [c.label for c in annotation.contours] == ["ES_L"]
    assert len(annotation.broken) == 1


@pytest.mark.parametrize("label", [None, 5, ["MF_L"], {"MF_L": 1}, True])
def test_a_label_that_is_no_text(label):
    annotation = read(with_shapes(polygon("ES_L", TRIANGLE), polygon(label, TRIANGLE)))
    assert [b.label for b in annotation.broken] == ["shape 2"]


# ---------------------------------------------------------------- files that are broken as a whole


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"5",
        b'"x"',
        b'{"shapes": null}',
        b'{"shapes": {}}',
        b'{"shapes": []} x',
        b'{"shapes": [],}',
        b"{'shapes': []}",
        b"\x89PNG\r\n\x1a\n",
        b"\0" * 50,
        b"[" * 200_000,
        b'{"shapes": ' + b"[" * 200_000,
        b'{"shapes": [], "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_no_labelme_file(raw):
    fault(raw)


def test_the_place_of_broken_json_is_told():
    assert "line 2, column 14" in fault(b'{\n"shapes": [] "x": 1}')


@pytest.mark.parametrize(
    ("label", "encoding", "told"),
    [
        ("多裂肌", "gb18030", "GB18030"),
        ("竖脊肌左", "gbk", "GB18030"),
        ("多裂筋", "cp932", "SHIFT_JIS"),
        ("たれつきん", "cp932", "SHIFT_JIS"),
        ("多裂肌", "big5", "BIG5"),
        ("다열근", "cp949", "EUC-KR"),
        ("Мышца", "cp1251", "WINDOWS-1251"),
        ("érecteur", "latin-1", "WINDOWS-1252"),
        ("Rückenmuskel µ", "cp1252", "WINDOWS-1252"),
        ("é", "utf-16", "UTF-16"),
        ("多裂肌", "utf-16-le", "UTF-16LE"),
        ("MF_L", "utf-16-be", "UTF-16BE"),
        ("MF_L", "utf-32", "UTF-32"),
    ],
)
def test_other_encodings_are_refused_and_named(label, encoding, told):
    raw = json.dumps(with_shapes(polygon(label, TRIANGLE)), ensure_ascii=False).encode(encoding)
    with pytest.raises(UnreadableError) as caught:
        read_annotation(raw)
    # What is named turns the bytes into the file that was meant.
    assert told in caught.value.fault.message
    assert "; expected the UTF-8 JSON of LabelMe" in caught.value.fault.message
    assert "iconv -f " in caught.value.fault.remedy
    assert json.loads(raw.decode(told))["shapes"][0]["label"] == label


def test_bytes_of_no_encoding_are_refused_without_a_name():
    raw = json.dumps(with_shapes(polygon("MF_L", TRIANGLE))).encode().replace(b"MF_L", b"\xffMF\x98")
    assert "is not UTF-8 text; expected the UTF-8 JSON" in fault(raw)


def test_a_file_cut_anywhere_is_refused():
    raw = json.dumps(with_shapes(polygon("MF_L", TRIANGLE))).encode()
    for length in range(len(raw)):
        fault(raw[:length])


# ---------------------------------------------------------------- both ways to read

numbers = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6), st.floats(allow_nan=False, allow_infinity=False)
)
valid_shapes = st.builds(
    polygon,
    st.sampled_from(["MF_L", "es r", "x", "多裂肌", 'a"\\\n']),
    st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=6),
    shape_type=st.sampled_from(["polygon", "rectangle", "circle", "oriented_rectangle", "line", None]),
)


@settings(deadline=None)
@given(st.lists(valid_shapes, max_size=5), st.sampled_from([None, 100, 100.0]), st.sampled_from([None, "a"]))
def test_the_quick_and_the_lenient_way_agree(shapes, height, path):
    content = with_shapes(*shapes, imageHeight=height, imagePath=path, imageData="QUJD")
    # A NaN in a field that is not looked at is no JSON: the file is read again leniently.
    quick, lenient = read(content), read(content | {"x": float("nan")})
    assert (quick.contours, quick.broken) == (lenient.contours, lenient.broken)
    assert (quick.image_path, quick.image_size) == (lenient.image_path, lenient.image_size)
    assert embedded_image(quick) == embedded_image(lenient) == b"ABC"
    if not quick.broken:
        told = [tuple((float(x), float(y)) for x, y in shape["points"]) for shape in shapes]
        assert [contour.points for contour in quick.contours] == told


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(10**400), numbers
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_a_file_is_read_or_refused(data):
    content = with_shapes(polygon("MF_L", TRIANGLE), mask_shape("ES_L", np.ones((2, 2))))
    place = content
    while isinstance(place, (dict, list)) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = data.draw(json_values)
            break
        place = place[key]
    try:
        annotation = read(content)
    except UnreadableError:
        return
    embedded_image(annotation)
    assert len(annotation.contours) + len(annotation.broken) == len(content["shapes"])
    for contour in annotation.contours:
        assert np.isfinite(contour.xy).all()
        assert (contour.mask is not None) == (contour.shape_type == "mask")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.binary(max_size=4))
def test_any_change_of_the_bytes_is_read_or_refused(start, length, inserted):
    raw = json.dumps(with_shapes(polygon("MF_L", TRIANGLE))).encode()
    try:
        read_annotation(raw[:start] + inserted + raw[start + length % 7 :])
    except UnreadableError:
        return


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw):
    with pytest.raises(UnreadableError):
        read_annotation(raw)
