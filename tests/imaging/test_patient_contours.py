"""Outlines in the patient's space on the pixels of a slice: planes, places and holes, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mriparaspinal.imaging.patient_contours import SpaceOutline, even_odd, lay_frame, on_slice, with_holes
from mriparaspinal.imaging.planes import Plane, radiological
from mriparaspinal.imaging.slice_position import SlicePlace
from tests.support.builders.contours import PLANE, SHAPE, in_patient, shifted
from tests.support.builders.slices import box

PLACE = SlicePlace(PLANE, 4.0)
SQUARE = box(10, 12, 30, 25)


def outline(points, above=0.0, tilt=0.0) -> SpaceOutline:
    space = in_patient(points, above=above)
    return SpaceOutline(1, "MF_L", space + np.outer(np.linspace(0, tilt, len(points)), PLANE.normal()))


@given(st.lists(st.tuples(st.floats(-50, 200), st.floats(-50, 200)), min_size=3, max_size=20))
def test_points_come_back_to_their_pixels(points) -> None:
    found = on_slice([outline(points)], PLACE)
    assert found is not None
    assert found.polygons[0] == pytest.approx(np.array(points), abs=1e-4)


def test_the_first_pixels_centre_is_half_a_pixel_in() -> None:
    found = on_slice([SpaceOutline(1, "x", np.array([PLANE.position] * 3))], PLACE)
    assert found is not None
    assert found.polygons[0].tolist() == [[0.5, 0.5]] * 3


@pytest.mark.parametrize(
    ("above", "taken"), [(0, True), (1.9, True), (-1.9, True), (2.1, False), (-4, False)]
)
def test_half_a_slice_distance(above, taken) -> None:
    found = on_slice([outline(SQUARE, above)], PLACE)
    assert (found is not None) is taken
    if found is not None:
        assert found.away_mm == pytest.approx(abs(above), abs=1e-6)
        assert found.fault is None


@pytest.mark.parametrize(("above", "taken"), [(0.4, True), (0.6, False)])
def test_half_a_millimetre_without_a_slice_distance(above, taken) -> None:
    assert (on_slice([outline(SQUARE, above)], SlicePlace(PLANE, None)) is not None) is taken


def test_of_several_planes_the_nearest() -> None:
    far, near = outline(box(50, 50, 60, 60), 1.2), outline(SQUARE, 0.2)
    found = on_slice([far, near], PLACE)
    assert found is not None
    assert len(found.polygons) == 1
    assert found.polygons[0] == pytest.approx(np.array(SQUARE), abs=1e-4)
    assert found.fault is None


def test_all_parts_on_the_nearest_plane() -> None:
    found = on_slice([outline(SQUARE, 0.2), outline(box(50, 50, 60, 60), 0.21)], PLACE)
    assert found is not None
    assert len(found.polygons) == 2


@pytest.mark.parametrize(
    ("outlines", "part"),
    [
        ([outline(SQUARE, 1.5), outline(SQUARE, -1.5)], "equally near"),
        ([outline(SQUARE, 0.1), outline(SQUARE, 0.5)], "less than 0.5 mm apart"),
        ([outline(SQUARE, -0.5, tilt=1.0)], "not parallel"),
    ],
)
def test_planes_that_are_not_clear(outlines, part) -> None:
    found = on_slice(outlines, PLACE)
    assert found is not None
    assert found.fault is not None
    assert part in found.fault.found


# Holes


def drawn(*steps) -> np.ndarray:
    """A canvas on which polygons were drawn in turn, each filled with 1 or 0, its line always 1."""
    canvas = Image.new("L", SHAPE[::-1])
    for points, fill in steps:
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in points], outline=1, fill=fill)
    return np.asarray(canvas).astype(bool)


def pixels(contour) -> np.ndarray:
    canvas = np.zeros(SHAPE, dtype=bool)
    (left, top), (right, bottom) = ((int(x), int(y)) for x, y in contour.points)
    canvas[top : bottom + 1, left : right + 1] = contour.mask
    return canvas


OUTER, HOLE, ISLAND = box(10, 10, 80, 80), box(20, 20, 60, 60), box(30, 30, 50, 50)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_hole_and_an_island_in_it(order) -> None:
    three = [np.array(p, dtype=float) for p in (OUTER, HOLE, ISLAND)]
    contours = with_holes([three[i] for i in order], "ES_L", SHAPE)
    assert contours is not None
    (mask,) = contours
    assert (mask.label, mask.shape_type) == ("ES_L", "mask")
    expected = drawn((OUTER, 1), (HOLE, 0), (ISLAND, 1))
    assert np.array_equal(pixels(mask), expected)
    # 71² pixels of the outer square with its line, less the 39² inside of the hole's line, and 21² again.
    assert expected.sum() == 71**2 - 39**2 + 21**2


def test_outlines_apart_stay_polygons() -> None:
    apart = [np.array(SQUARE, dtype=float), np.array(box(50, 50, 60, 60), dtype=float)]
    contours = with_holes(apart, "x", SHAPE)
    assert contours is not None
    assert [contour.shape_type for contour in contours] == ["polygon", "polygon"]
    assert [list(map(list, contour.points)) for contour in contours] == [SQUARE, box(50, 50, 60, 60)]


def test_a_hole_smaller_than_a_pixel() -> None:
    tiny = np.array([(40.1, 40.1), (40.3, 40.1), (40.2, 40.3)])
    contours = with_holes([np.array(OUTER, dtype=float), tiny], "x", SHAPE)
    assert contours is not None
    assert [contour.shape_type for contour in contours] == ["mask"]
    assert np.array_equal(pixels(contours[0]), drawn((OUTER, 1)))


@pytest.mark.parametrize("other", [box(60, 60, 85, 85), OUTER])
def test_outlines_that_overlap_in_part_or_are_the_same(other) -> None:
    assert with_holes([np.array(OUTER, dtype=float), np.array(other, dtype=float)], "x", SHAPE) is None


def test_paths_that_say_which_centres_are_in() -> None:
    (mask,) = even_odd([np.array(p, dtype=float) for p in (OUTER, HOLE)], "x", SHAPE)
    assert np.count_nonzero(mask.mask) == 70**2 - 40**2
    assert even_odd([np.array(box(500, 500, 510, 510), dtype=float)], "x", SHAPE) == []


# Frames


def test_a_frame_that_was_stored_in_any_order_of_its_axes() -> None:
    """All eight ways to turn and flip a frame give the slice's pixels."""
    rng = np.random.default_rng(3)
    expected = rng.random(SHAPE) < 0.3
    for swap in (False, True):
        for rows in (1, -1):
            for columns in (1, -1):
                frame, plane = turned(expected, PLANE, swap, rows, columns)
                laid = lay_frame(frame, plane, 4.0, PLACE, SHAPE)
                assert laid is not None
                assert np.array_equal(laid, expected)


def turned(frame, plane, swap, rows, columns):
    across, down = np.asarray(plane.across), np.asarray(plane.down)
    corner = np.asarray(plane.position)
    dr, dc = plane.row_spacing_mm, plane.col_spacing_mm
    if rows < 0:
        corner, down = corner + down * dr * (frame.shape[0] - 1), -down
    if columns < 0:
        corner, across = corner + across * dc * (frame.shape[1] - 1), -across
    frame = frame[::rows, ::columns]
    if swap:
        frame, across, down, dr, dc = frame.T, down, across, dc, dr
    return frame, Plane(tuple(across), tuple(down), tuple(corner), dr, dc)


@pytest.mark.parametrize(
    ("away", "fits"), [((0, 0, 0.3), True), ((0.03, 0, 0), True), ((0.2, 0, 0), False), ((0, 0.2, 0), False)]
)
def test_a_frame_must_lie_on_the_pixels(away, fits) -> None:
    """Tolerance: a tenth of a pixel of 0.5 × 0.8 mm, and of the slice distance of 4 mm."""
    step = away[0] * np.asarray(PLANE.across) + away[1] * np.asarray(PLANE.down) + away[2] * PLANE.normal()
    x, y, z = np.asarray(PLANE.position) + step
    moved = Plane(PLANE.across, PLANE.down, (x, y, z), PLANE.row_spacing_mm, PLANE.col_spacing_mm)
    assert (lay_frame(np.ones(SHAPE, dtype=bool), moved, 4.0, PLACE, SHAPE) is not None) is fits


def test_the_next_frame_is_not_this_slices() -> None:
    frame = np.ones(SHAPE, dtype=bool)
    assert lay_frame(frame, shifted(PLANE, 4.0), 4.0, PLACE, SHAPE) is None
    assert radiological(frame, PLANE)[1].across == PLANE.across  # the plane is a radiological one
