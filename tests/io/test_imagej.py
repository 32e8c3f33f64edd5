"""ROIs of ImageJ: every kind as roifile writes it, against areas known by hand."""

from __future__ import annotations

import builtins
import io
import math
import random
import struct
import zipfile

import numpy as np
import pytest
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from mriparaspinal.core.errors import UnreadableError, UsageError
from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.patient_contours import even_odd
from mriparaspinal.imaging.rasterise import contour_area
from mriparaspinal.io.imagej import read_rois

SQUARE = [(10, 12), (30, 12), (30, 25), (10, 25)]


def points(xy=SQUARE, name="MF_L", kind=ROI_TYPE.POLYGON, **fields) -> ImagejRoi:
    roi = ImagejRoi.frompoints(np.array(xy), name=name)
    roi.roitype = kind
    for field, value in fields.items():
        setattr(roi, field, value)
    return roi


def boxed(kind, name="IVD", **fields) -> ImagejRoi:
    roi = ImagejRoi()
    roi.roitype, roi.name = kind, name
    roi.left, roi.top, roi.right, roi.bottom = 10, 20, 50, 40
    for field, value in fields.items():
        setattr(roi, field, value)
    return roi


def one(roi: ImagejRoi, name="x.roi"):
    (found,) = read_rois(roi.tobytes(), name)
    return found


def zipped(*entries: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, raw in entries:
            archive.writestr(name, raw)
    return content.getvalue()


@pytest.mark.parametrize("kind", [ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND])
def test_outlines_keep_their_coordinates(kind):
    found = one(points(kind=kind))
    assert (found.label, found.traced, found.fault, found.no_area) == ("MF_L", False, None, "")
    assert found.paths[0].tolist() == [list(p) for p in SQUARE]


def test_fractions_of_pixels_are_kept():
    xy = [(10.25, 12.5), (30.75, 12.5), (30.75, 25.125)]
    assert one(points(xy)).paths[0].tolist() == [list(p) for p in xy]


def test_a_traced_selection_is_its_pixels():
    found = one(points(kind=ROI_TYPE.TRACED))
    assert found.traced
    (mask,) = even_odd(found.paths, "x", (60, 60))
    assert np.count_nonzero(mask.mask) == 20 * 13
    assert mask.points == ((10, 12), (29, 24))


def test_a_rectangle():
    found = one(boxed(ROI_TYPE.RECT))
    assert found.paths[0].tolist() == [[10, 20], [50, 20], [50, 40], [10, 40]]


def test_an_oval_encloses_its_area():
    (path,) = one(boxed(ROI_TYPE.OVAL)).paths
    area = contour_area(Contour("x", "polygon", tuple(map(tuple, path.tolist()))))
    assert area == pytest.approx(math.pi * 20 * 10, rel=1e-5)
    assert path.mean(axis=0) == pytest.approx((30, 30))


def test_a_fitted_ellipse_comes_with_its_corners():
    angles = np.arange(72) * (2 * math.pi / 72)
    xy = np.column_stack((30 + 10.5 * np.cos(angles), 30 + 7.25 * np.sin(angles)))
    found = one(points(xy, kind=ROI_TYPE.FREEHAND, subtype=ROI_SUBTYPE.ELLIPSE))
    assert found.paths[0] == pytest.approx(xy, abs=1e-5)


def composite(*paths) -> ImagejRoi:
    roi = boxed(ROI_TYPE.RECT, "ES_L")
    path = []
    for xy in paths:
        for number, (x, y) in enumerate(xy):
            path += [0.0 if number == 0 else 1.0, x, y]
        path.append(4.0)
    roi.multi_coordinates = np.array(path, dtype=np.float32)
    roi.shape_roi_size = len(path)
    return roi


def test_a_composite_with_a_hole_is_its_pixels():
    inner = [(15, 15), (20, 15), (20, 20), (15, 20)]
    found = one(composite(SQUARE, inner))
    assert found.traced
    (mask,) = even_odd(found.paths, "x", (60, 60))
    assert np.count_nonzero(mask.mask) == 20 * 13 - 25


def test_curves_in_a_composite_are_told():
    roi = composite(SQUARE)
    roi.multi_coordinates[3] = 3.0
    assert "curves; expected" in str(one(roi).fault)


@pytest.mark.parametrize(
    ("roi", "part"),
    [
        (points(position=3), "image 3 of a stack"),
        (points(z_position=7), "image 7 of a stack"),
        (points(options=ROI_OPTIONS.SPLINE_FIT), "a spline"),
        (boxed(ROI_TYPE.RECT, rounded_rect_arc_size=6), "rounded corners"),
    ],
)
def test_what_has_no_exact_area(roi, part):
    fault = one(roi).fault
    assert part in fault.found
    assert fault.expected
    assert fault.remedy


def test_the_first_image_of_a_stack_is_the_slice():
    assert one(points(position=1, z_position=1)).fault is None


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (ROI_TYPE.POINT, "point"),
        (ROI_TYPE.POLYLINE, "polyline"),
        (ROI_TYPE.FREELINE, "freeline"),
        (ROI_TYPE.ANGLE, "angle"),
    ],
)
def test_what_encloses_no_area(kind, part):
    assert one(points(kind=kind)).no_area == part


def test_an_empty_box_and_two_points():
    assert one(boxed(ROI_TYPE.RECT, right=10)).no_area == "empty box"
    assert one(points([(1, 1), (5, 5)])).no_area == "outline of 2 points"


# Names


def test_a_set_and_its_names():
    raw = zipped(
        ("0001.roi", points(name="MF_L").tobytes()),
        ("ES_R.roi", points(name="").tobytes()),
        ("notes.txt", b"x"),
        ("__MACOSX/._ES_R.roi", b"x"),
    )
    assert [roi.label for roi in read_rois(raw, "ALS_1_3.zip")] == ["MF_L", "ES_R"]


def test_a_second_part_that_the_roi_manager_numbered():
    raw = zipped(*((f"{name}.roi", points(name=name).tobytes()) for name in ("MF_L", "MF_L-1", "PM_L-1")))
    assert [roi.label for roi in read_rois(raw, "x.zip")] == ["MF_L", "MF_L", "PM_L-1"]


# Faults


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"", "x.roi"),
        (b"Iout", "x.roi"),
        (points().tobytes()[:70], "x.roi"),
        (b"PK\3\4 cut off", "x.zip"),
        (zipped(("notes.txt", b"x")), "x.zip"),
        (zipped(("x.roi", b"Ioux" + points().tobytes()[4:])), "x.zip"),
    ],
)
def test_damaged_files_are_one_line(raw, name):
    with pytest.raises(UnreadableError) as caught:
        read_rois(raw, name)
    assert "expected" in caught.value.fault.message
    assert "\n" not in caught.value.fault.message + caught.value.fault.remedy


def test_a_bomb_is_not_unpacked():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.roi", b"\0" * 50_000_000)
    with pytest.raises(UnreadableError, match="larger than any ROI set"):
        read_rois(content.getvalue(), "x.zip")


def test_a_hundred_mutations_of_each_kind():
    rng = random.Random(5)
    said = []
    whole = [points().tobytes(), points([(1.5, 2), (9, 3), (4, 8.25)]).tobytes(), composite(SQUARE).tobytes()]
    whole += [boxed(ROI_TYPE.OVAL).tobytes(), zipped(("a.roi", whole[0]), ("b.roi", whole[1]))]
    for raw in whole:
        for _ in range(100):
            broken = bytearray(raw)
            for _ in range(rng.choice((1, 1, 2, 8))):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            broken = broken[: rng.choice((len(broken), rng.randrange(len(broken) + 1)))]
            try:
                for roi in read_rois(bytes(broken), "x.zip" if raw[:2] == b"PK" else "x.roi"):
                    assert all(np.isfinite(path).all() and len(path) >= 3 for path in roi.paths)
            except UnreadableError as error:
                said.append(str(error))
    assert said
    assert not [line for line in said if "\n" in line]


def test_an_infinite_coordinate_is_refused():
    raw = bytearray(points([(1.5, 2), (9, 3), (4, 8.25)]).tobytes())
    place = raw.index(struct.pack(">f", 8.25))
    raw[place : place + 4] = struct.pack(">f", math.nan)
    with pytest.raises(UnreadableError):
        read_rois(bytes(raw), "x.roi")


def test_without_roifile_the_line_says_what_to_install(monkeypatch):
    raw, real = points().tobytes(), builtins.__import__

    def without(name, *rest):
        if name == "roifile":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r'pip install "mriparaspinal\[contours\]"'):
        read_rois(raw, "x.roi")


# Prefixes of the ROI Manager


def labels_of(*names):
    rois = read_rois(
        zipped(*((f"{i}.roi", points(name=name).tobytes()) for i, name in enumerate(names))), "x.zip"
    )
    return [(roi.label, bool(roi.fault)) for roi in rois]


def test_numbers_before_a_name_are_left_out():
    assert labels_of("0000-0003-IVD", "0001-0003-MF_L") == [("IVD", False), ("MF_L", False)]
    assert labels_of("0003-MF_L", "0003-MF_R-1") == [("MF_L", False), ("MF_R-1", False)]
    assert labels_of("0165-0112", "2-MF_L") == [("0165-0112", False), ("2-MF_L", False)]


@pytest.mark.parametrize(
    "names", [("0000-0003-MF_L", "0001-0004-MF_R"), ("0003-MF_L", "0004-MF_L"), ("0003-MF_L", "MF_L")]
)
def test_rois_of_several_slices_are_not_one_region(names):
    assert any(fault for _, fault in labels_of(*names))
