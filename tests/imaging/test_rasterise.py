"""Masks and geometry, against Pillow on the full canvas, exact fractions, and numbers by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.outlines import is_retraced, outlines_of
from mriparaspinal.imaging.rasterise import (
    CROSSING_CHECK_LIMIT,
    Patch,
    bounds,
    centroid_column,
    contour_area,
    crosses_itself,
    is_flat,
    rasterise,
    rasterise_all,
    shared_px,
    union,
)

ROWS, COLUMNS = 23, 31


def contour(points, kind="polygon", mask=None):
    return Contour("", kind, tuple((float(x), float(y)) for x, y in points), mask)


def pixels_of(patch, shape=(ROWS, COLUMNS)):
    return np.zeros(shape, dtype=bool) if patch is None else patch.full(shape)


def drawn_on_full_canvas(points, kind, shape=(ROWS, COLUMNS)):
    """What LabelMe's own shape-to-mask draws: the rule of the contract, in its plainest form."""
    canvas = Image.new("L", (shape[1], shape[0]))
    draw = ImageDraw.Draw(canvas)
    if kind == "circle":
        (cx, cy), (px, py) = points
        d = math.sqrt((cx - px) ** 2 + (cy - py) ** 2)
        draw.ellipse(((cx - d, cy - d), (cx + d, cy + d)), outline=1, fill=1)
    elif kind == "rectangle":
        (xa, ya), (xb, yb) = points
        draw.rectangle(((min(xa, xb), min(ya, yb)), (max(xa, xb), max(ya, yb))), outline=1, fill=1)
    else:
        draw.polygon([tuple(point) for point in points], outline=1, fill=1)
    return np.asarray(canvas).astype(bool)


def all_drawn(contours, shape, rule="labelme"):
    return rasterise_all(contours, [outline.box for outline in outlines_of(contours)], shape, rule)


def art(text):
    return np.array([[mark == "#" for mark in line] for line in text.split()])


# ---------------------------------------------------------------- rule labelme, drawn out

#: Pillow 11.1.0 fills the first two with other pixels, Pillow up to 11.0.0 the last two.
DRAWN = {
    ((9, 5), (3, 2), (0, 3)): """
        ..........
        ..........
        ...#......
        ######....
        .....###..
        ........##
        ..........""",
    ((8, 1), (4, 2), (1, 0)): """
        .##.......
        ...######.
        ....#.....
        ..........
        ..........
        ..........
        ..........""",
    ((1, 5), (6, 4), (2, 0)): """
        ..#.......
        ..##......
        ..###.....
        .#####....
        .######...
        .#........
        ..........""",
    ((4, 6), (8, 2), (6, 1)): """
        ..........
        ......#...
        ......###.
        .....###..
        .....##...
        ....##....
        ....#.....""",
}


@pytest.mark.parametrize("points", DRAWN)
def test_small_polygons_fill_the_pixels_that_are_drawn_here(points):
    mask = pixels_of(rasterise(contour(points), (7, 10), "labelme"), (7, 10))
    assert (mask == art(DRAWN[points])).all()


def test_a_square_of_10_by_10_fills_121_px_with_its_boundary_and_100_px_by_centres():
    square = contour([(3, 4), (13, 4), (13, 14), (3, 14)])
    assert rasterise(square, (20, 20), "labelme").pixels.sum() == 121
    assert rasterise(square, (20, 20), "centre").pixels.sum() == 100
    assert contour_area(square) == 100


# ---------------------------------------------------------------- rule labelme, bit for bit


def coordinates(size):
    """Positions inside, around and far from a canvas, on whole, half and almost whole numbers."""
    whole = st.integers(-3, size + 3)
    return st.one_of(
        st.floats(0, size),
        st.floats(-3, size + 3),
        whole.map(float),
        st.integers(0, 2 * size).map(lambda n: n / 2),
        st.tuples(whole, st.sampled_from([0.5, 0.999999, 1e-7, -1e-6, 0.999999999999999])).map(sum),
        st.floats(-1, 1).map(lambda x: x + size),
        st.floats(-1, 1),
    )


NOTHING = st.nothing()
HUGE = st.floats(-1e6, 1e6)


def points_on(columns, rows, least, most, extra=NOTHING):
    point = st.tuples(coordinates(columns) | extra, coordinates(rows) | extra)
    return st.lists(point, min_size=least, max_size=most)


@settings(max_examples=200, deadline=None)
@given(points_on(COLUMNS, ROWS, 3, 9, HUGE), st.sampled_from(["polygon", "oriented_rectangle"]))
def test_polygons_are_those_of_the_full_canvas(points, kind):
    assume(kind == "polygon" or len(points) == 4)
    mask = pixels_of(rasterise(contour(points, kind), (ROWS, COLUMNS), "labelme"))
    assert (mask == drawn_on_full_canvas(points, kind)).all()


@settings(max_examples=150, deadline=None)
@given(st.lists(points_on(400, 300, 3, 12), min_size=1, max_size=6))
def test_polygons_of_one_image_are_those_of_the_full_canvas(outlines):
    patches = all_drawn([contour(points) for points in outlines], (300, 400))
    for points, patch in zip(outlines, patches, strict=True):
        drawn = drawn_on_full_canvas(points, "polygon", (300, 400))
        assert (pixels_of(patch, (300, 400)) == drawn).all()


@pytest.mark.parametrize("seed", range(4))
def test_random_polygons_inside_an_image_are_those_of_the_full_canvas(seed):
    # Pillow follows edges in single precision: a polygon shifted sideways is filled otherwise
    # about once in ten thousand times, which a few hundred examples do not find.
    rng = np.random.default_rng(seed)
    for _ in range(250):
        outlines = [np.floor(rng.uniform(0, 80, (4, 2))) / 2 for _ in range(8)]
        patches = all_drawn([contour(points) for points in outlines], (41, 41))
        for points, patch in zip(outlines, patches, strict=True):
            drawn = drawn_on_full_canvas(list(map(tuple, points)), "polygon", (41, 41))
            assert (pixels_of(patch, (41, 41)) == drawn).all()
            alone = rasterise(contour(points), (41, 41), "labelme")
            assert (pixels_of(alone, (41, 41)) == drawn).all()


def test_a_polygon_that_is_filled_otherwise_when_it_is_shifted_sideways():
    # Drawn into its own bounding box, one pixel more is filled.
    points = [
        (22.992701021285548, 4),
        (27.438085007416817, 27),
        (34.51876826554289, 22),
        (5.4145753434362005, 0),
    ]
    one = contour(points)
    for patch in (rasterise(one, (32, 39), "labelme"), all_drawn([one], (32, 39))[0]):
        assert patch.pixels.sum() == 163
        assert (patch.full((32, 39)) == drawn_on_full_canvas(points, "polygon", (32, 39))).all()


@settings(max_examples=150, deadline=None)
@given(points_on(COLUMNS, ROWS, 2, 2, HUGE))
def test_rectangles_are_those_of_the_full_canvas_whatever_the_order_of_points(points):
    expected = drawn_on_full_canvas(points, "rectangle")
    (xa, ya), (xb, yb) = points
    for corners in (points, points[::-1], [(xa, yb), (xb, ya)]):
        mask = pixels_of(rasterise(contour(corners, "rectangle"), (ROWS, COLUMNS), "labelme"))
        assert (mask == expected).all()


@settings(max_examples=150, deadline=None)
@given(points_on(COLUMNS, ROWS, 2, 2, st.floats(-300, 300)))
def test_circles_are_those_of_the_full_canvas(points):
    mask = pixels_of(rasterise(contour(points, "circle"), (ROWS, COLUMNS), "labelme"))
    assert (mask == drawn_on_full_canvas(points, "circle")).all()


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 45), st.integers(1, 45), st.integers(0, 10**6)
)
def test_masks_lie_where_their_first_point_says(left, top, width, height, seed):
    pixels = np.random.default_rng(seed).random((height, width)) < 0.5
    expected = np.zeros((ROWS, COLUMNS), dtype=bool)
    for row, column in zip(*np.nonzero(pixels), strict=True):
        if 0 <= row + top < ROWS and 0 <= column + left < COLUMNS:
            expected[row + top, column + left] = True
    corners = [(left, top), (left + width - 1, top + height - 1)]
    for rule in ("labelme", "centre"):
        patch = rasterise(contour(corners, "mask", pixels), (ROWS, COLUMNS), rule)
        assert (patch is None) == (not expected.any())
        assert (pixels_of(patch) == expected).all()


@settings(max_examples=200, deadline=None)
@given(points_on(COLUMNS, ROWS, 3, 6), st.sampled_from(["labelme", "centre"]))
def test_a_patch_ends_where_its_pixels_end(points, rule):
    for patch in (
        rasterise(contour(points), (ROWS, COLUMNS), rule),
        all_drawn([contour(points)], (ROWS, COLUMNS), rule)[0],
    ):
        if patch is not None:
            rows, columns = np.nonzero(patch.full((ROWS, COLUMNS)))
            assert (patch.top, patch.bottom) == (rows.min(), rows.max() + 1)
            assert (patch.left, patch.right) == (columns.min(), columns.max() + 1)


# ---------------------------------------------------------------- rule centre


def side_of_centre(points, column, row):
    """1 where the centre of a pixel lies inside (even-odd), 0 outside, None on an edge; exact, in eighths."""
    x, y = 8 * column + 4, 8 * row + 4
    corners = [(int(8 * a), int(8 * b)) for a, b in points]
    inside = 0
    for (xa, ya), (xb, yb) in zip(corners, corners[1:] + corners[:1], strict=True):
        turn = (xb - xa) * (y - ya) - (yb - ya) * (x - xa)
        if turn == 0 and min(xa, xb) <= x <= max(xa, xb) and min(ya, yb) <= y <= max(ya, yb):
            return None
        # The edge crosses the row to the right of the centre.
        if (ya > y) != (yb > y) and (turn > 0) == (yb > ya):
            inside ^= 1
    return inside


EIGHTHS = st.integers(-30, 150).map(lambda n: n / 8)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=3, max_size=8))
def test_pixels_whose_centre_lies_inside_are_those_of_exact_arithmetic(points):
    mask = pixels_of(rasterise(contour(points), (12, 14), "centre"), (12, 14))
    for row in range(12):
        for column in range(14):
            expected = side_of_centre(points, column, row)
            assert expected is None or mask[row, column] == expected


@settings(max_examples=100, deadline=None)
@given(points_on(40, 30, 3, 9))
def test_pixels_whose_centre_lies_inside_are_those_of_matplotlib(points):
    from matplotlib.path import Path

    assume(not crosses_itself(contour(points)))
    columns, rows = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
    centres = np.column_stack([columns.ravel(), rows.ravel()])
    outline = Path([*points, points[0]], closed=True)
    # A centre nearer to the outline than rounding could be told either way.
    surely_in, surely_out = (
        np.logical_and.reduce([outline.contains_points(centres + d) == told for d in SMALL_STEPS])
        for told in (True, False)
    )
    mask = pixels_of(rasterise(contour(points), (30, 40), "centre"), (30, 40)).ravel()
    near = distances_to(points, centres) < 1e-6
    assert mask[surely_in & ~near].all()
    assert not mask[surely_out & ~near].any()


SMALL_STEPS = [np.array(step) for step in ((0, 0), (1e-7, 0), (-1e-7, 0), (0, 1e-7), (0, -1e-7))]


def distances_to(points, centres):
    """Of each centre the distance to the nearest edge."""
    corners = np.array(points)
    along = np.roll(corners, -1, axis=0) - corners
    length = (along**2).sum(axis=1)
    beside = centres[:, None, :] - corners
    position = (beside * along).sum(axis=2) / np.where(length == 0, 1, length)
    foot = corners + np.clip(position, 0, 1)[..., None] * along
    return np.sqrt(((centres[:, None, :] - foot) ** 2).sum(axis=2)).min(axis=1)


def test_two_halves_of_a_square_share_no_pixel_and_leave_none_out():
    left = contour([(2, 2), (17, 2), (5, 18), (2, 18)])
    right = contour([(17, 2), (18, 2), (18, 18), (5, 18)])
    halves = [rasterise(half, (20, 20), "centre").full((20, 20)) for half in (left, right)]
    assert not (halves[0] & halves[1]).any()
    assert (halves[0] | halves[1]).sum() == 16 * 16


@pytest.mark.parametrize("scale", [100, 400, 1600])
def test_the_area_of_centres_comes_near_to_the_contours_area(scale):
    points = [(scale * x, scale * y) for x, y in ((0.1, 0.2), (0.5, 0.05), (0.9, 0.4), (0.6, 0.95))]
    count = rasterise(contour(points), (scale, scale), "centre").pixels.sum()
    perimeter = sum(math.dist(a, b) for a, b in zip(points, points[1:] + points[:1], strict=True))
    assert abs(count - contour_area(contour(points))) < 0.02 * perimeter
    circle = contour([(scale / 2, scale / 2), (scale / 2, scale / 10)], "circle")
    count = rasterise(circle, (scale, scale), "centre").pixels.sum()
    assert count == pytest.approx(math.pi * (0.4 * scale) ** 2, rel=2 / scale)


@settings(max_examples=100, deadline=None)
@given(st.tuples(EIGHTHS, EIGHTHS), st.integers(0, 80))
def test_a_circle_by_centres_has_the_pixels_nearer_than_its_radius(centre, eighths):
    (cx, cy), radius = centre, eighths / 8
    mask = pixels_of(rasterise(contour([centre, (cx, cy + radius)], "circle"), (12, 14), "centre"), (12, 14))
    # Eighths and their squares are exact in floating point.
    expected = [[(c + 0.5 - cx) ** 2 + (r + 0.5 - cy) ** 2 < radius**2 for c in range(14)] for r in range(12)]
    assert (mask == np.array(expected)).all()


@pytest.mark.parametrize("rule", ["labelme", "centre"])
def test_contours_beside_the_image_cover_no_pixel(rule):
    for dx, dy in ((-200, 0), (200, 0), (0, -200), (0, 200)):
        beside = [(x + dx, y + dy) for x, y in ((2, 2), (20, 3), (12, 18))]
        assert rasterise(contour(beside), (ROWS, COLUMNS), rule) is None
        assert rasterise(contour(beside[:2], "rectangle"), (ROWS, COLUMNS), rule) is None
        assert rasterise(contour(beside[:2], "circle"), (ROWS, COLUMNS), rule) is None


# ---------------------------------------------------------------- area, flat, crossings


@pytest.mark.parametrize(
    ("points", "kind", "area"),
    [
        ([(0, 0), (4, 0), (0, 3)], "polygon", 6),
        ([(0, 3), (4, 0), (0, 0)], "polygon", 6),
        ([(-5, -5), (5, -5), (5, 5), (-5, 5)], "polygon", 100),
        ([(1e6, 1e6), (1e6 - 0.5, 1e6), (1e6, 1e6 - 0.5)], "polygon", 0.125),
        ([(2.5, 8), (7, 3)], "rectangle", 22.5),
        ([(0, 0), (2, 2), (0, 4), (-2, 2)], "oriented_rectangle", 8),
        ([(5, 5), (8, 9)], "circle", 25 * math.pi),
        # an L of three unit squares
        ([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], "polygon", 3),
    ],
)
def test_area_of_figures_known_from_geometry(points, kind, area):
    assert contour_area(contour(points, kind)) == pytest.approx(area, rel=1e-12)


def test_area_of_a_regular_polygon():
    n, radius = 360, 40
    points = [
        (200 + radius * math.cos(a), 300 + radius * math.sin(a)) for a in np.arange(n) * 2 * math.pi / n
    ]
    assert contour_area(contour(points)) == pytest.approx(n / 2 * radius**2 * math.sin(2 * math.pi / n))


def test_area_of_a_mask_is_its_pixels_also_outside_the_image():
    pixels = np.ones((3, 5), dtype=bool)
    pixels[0, 0] = False
    assert contour_area(contour([(-2, -2), (2, 0)], "mask", pixels)) == 14


@pytest.mark.parametrize(
    ("points", "kind", "flat"),
    [
        ([(1, 1), (1, 1), (1, 1)], "polygon", True),
        ([(0, 0), (5, 5), (9, 9), (2, 2)], "polygon", True),
        ([(0.1, 0.3), (0.2, 0.6), (0.3, 0.9), (100.1, 300.3)], "polygon", True),
        ([(0, 0), (5, 5), (9, 9.001)], "polygon", False),
        ([(500, 500), (500.01, 500), (500, 500.01)], "polygon", False),
        ([(3, 1), (3, 9)], "rectangle", True),
        ([(3, 1), (3.5, 9)], "rectangle", False),
        ([(3, 1), (3, 1)], "circle", True),
        ([(3, 1), (3, 1.01)], "circle", False),
    ],
)
def test_flat_contours(points, kind, flat):
    assert is_flat(contour(points, kind)) is flat


def edges_cross(points):
    """Whether two edges cross in their insides: every pair, in fractions."""
    corners = [(Fraction(x), Fraction(y)) for x, y in points]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))

    def turn(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return any(
        turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0
        for i, (a, b) in enumerate(edges)
        for c, d in edges[:i]
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=9))
def test_crossings_are_those_of_every_pair_of_edges(points):
    assert crosses_itself(contour(points)) == edges_cross(points)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=3, max_size=12))
def test_crossings_are_those_of_every_pair_of_edges_in_eighths(points):
    assert crosses_itself(contour(points)) == edges_cross(points)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(0.1, 1), min_size=4, max_size=60),
    st.sampled_from([1, 60, 1e4]),
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    st.booleans(),
)
def test_a_star_never_crosses_itself(radii, size, centre, turned):
    angles = np.arange(len(radii)) * 2 * math.pi / len(radii)
    points = [
        (centre[0] + size * r * math.cos(a), centre[1] + size * r * math.sin(a))
        for r, a in zip(radii, angles, strict=True)
    ]
    assert not crosses_itself(contour(points[::-1] if turned else points))


def test_a_bow_tie_crosses_itself_wherever_it_lies():
    for offset in (0, 0.1, 1e3, 1e6 - 20):
        points = [(0, 0), (10, 10), (10, 0), (0, 10)]
        assert crosses_itself(contour([(x + offset, y - offset) for x, y in points]))


def test_a_star_of_five_points_goes_round_twice():
    points = [(50 + 40 * math.cos(a), 50 + 40 * math.sin(a)) for a in np.arange(5) * 4 * math.pi / 5]
    assert crosses_itself(contour(points))
    assert crosses_itself(contour(points[::-1]))


@pytest.mark.parametrize(
    "points",
    [
        # a point twice, one after the other and at the end
        [(0, 0), (0, 0), (9, 0), (9, 9), (0, 9), (0, 0)],
        # two squares that touch in a corner
        [(0, 0), (5, 0), (5, 5), (10, 5), (10, 10), (5, 10), (5, 5), (0, 5)],
        # a point on another edge
        [(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)],
        # an edge there and back
        [(0, 0), (10, 0), (10, 10), (15, 15), (10, 10), (0, 10)],
    ],
)
def test_touching_is_no_crossing(points):
    assert not crosses_itself(contour(points))


def test_a_spiral_does_not_cross_itself():
    turns = np.linspace(0, 6 * math.pi, 200)
    out = [(100 + (5 + 3 * t) * math.cos(t), 100 + (5 + 3 * t) * math.sin(t)) for t in turns]
    back = [(100 + (7 + 3 * t) * math.cos(t), 100 + (7 + 3 * t) * math.sin(t)) for t in turns[::-1]]
    assert not crosses_itself(contour(out + back))
    assert crosses_itself(contour(out))  # its last edge runs back through the turns


def test_a_circle_of_as_many_points_as_are_checked():
    angles = np.arange(CROSSING_CHECK_LIMIT) * 2 * math.pi / CROSSING_CHECK_LIMIT
    points = np.column_stack([200 + 90 * np.cos(angles), 200 + 90 * np.sin(angles)])
    assert not crosses_itself(contour(points))
    points[[10, 1500]] = points[[1500, 10]]
    assert crosses_itself(contour(points))


shapes = st.one_of(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=9).map(contour),
    st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=3, max_size=30).map(contour),
    points_on(COLUMNS, ROWS, 3, 9, HUGE).map(contour),
    points_on(COLUMNS, ROWS, 2, 2).map(lambda points: contour(points, "rectangle")),
    points_on(COLUMNS, ROWS, 2, 2).map(lambda points: contour(points, "circle")),
    st.builds(
        lambda sides, start: contour(
            [
                (20 + 9 * math.cos(start + 2 * math.pi * turn), 9 + 5 * math.sin(start + 2 * math.pi * turn))
                for turn in np.arange(sides) * 2 / sides
            ]
        ),
        st.integers(3, 40),
        st.floats(0, 7),
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(shapes, max_size=6))
def test_outlines_found_together_are_those_found_one_by_one(several):
    for one, outline in zip(several, outlines_of(several), strict=True):
        size = np.ptp(one.xy, axis=0).max()
        assert outline.box == bounds(one)
        assert outline.area_px == pytest.approx(contour_area(one), rel=1e-9, abs=1e-12 * size**2)
        assert outline.crosses_itself == crosses_itself(one)


# ---------------------------------------------------------------- patches against whole canvases

patches = st.builds(
    lambda top, left, rows, columns, seed: Patch(
        top, left, np.random.default_rng(seed).random((rows, columns)) < 0.4
    ),
    st.integers(0, 12),
    st.integers(0, 15),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(0, 10**6),
)


@settings(deadline=None)
@given(st.lists(patches, min_size=1, max_size=4))
def test_union_is_that_of_whole_canvases(several):
    together = union(several).full((ROWS, COLUMNS))
    assert (together == np.logical_or.reduce([p.full((ROWS, COLUMNS)) for p in several])).all()


@settings(deadline=None)
@given(patches, patches)
def test_shared_pixels_are_those_of_whole_canvases(a, b):
    common = a.full((ROWS, COLUMNS)) & b.full((ROWS, COLUMNS))
    assert shared_px(a, b) == shared_px(b, a) == common.sum()


@settings(deadline=None)
@given(patches)
def test_centroid_is_the_mean_column_of_the_whole_canvas(patch):
    assume(patch.pixels.any())
    assert centroid_column(patch) == pytest.approx(np.nonzero(patch.full((ROWS, COLUMNS)))[1].mean())


def test_bounds_are_the_edges_of_what_is_covered():
    assert bounds(contour([(1, 7), (4, 2), (3, 5)])) == (1, 2, 4, 7)
    assert bounds(contour([(5, 5), (8, 9)], "circle")) == (0, 0, 10, 10)
    assert bounds(contour([(2, 3), (4, 4)], "mask", np.ones((2, 3), dtype=bool))) == (2, 3, 5, 5)


# ---------------------------------------------------------------- traced more than once

SQUARE = [(2, 2), (12, 2), (12, 12), (2, 12)]


@pytest.mark.parametrize(
    "points",
    [
        SQUARE * 2,  # exactly twice: the inside cancels out
        SQUARE * 3,
        SQUARE + SQUARE[:3],  # on beyond the beginning
        [*SQUARE, SQUARE[0], *SQUARE],  # closed, and once again
        [(x, y) for x, y in SQUARE for _ in range(2)] * 2,  # each point doubled
    ],
)
def test_an_outline_that_is_traced_again_is_seen(points):
    assert is_retraced(contour(points))
    assert is_retraced(contour(points[::-1]))
    assert outlines_of([contour(points)])[0].retraced
    assert np.count_nonzero(pixels_of(rasterise(contour(SQUARE * 2), (ROWS, COLUMNS), "centre"))) == 0


@pytest.mark.parametrize(
    "points",
    [
        SQUARE,
        [*SQUARE, SQUARE[0]],
        [(x, y) for x, y in SQUARE for _ in range(3)],
        # A hole joined by a bridge, there and back.
        [*SQUARE, SQUARE[0], (5, 5), (5, 9), (9, 9), (9, 5), (5, 5)],
        # A hand that trembles: forth, back, and forth again.
        [(2, 2), (12, 2), (2, 2), (12, 2), (12, 12), (2, 12)],
    ],
)
def test_an_outline_that_goes_round_once_is_not_traced_again(points):
    assert not is_retraced(contour(points))
    assert not outlines_of([contour(points)])[0].retraced
