"""A region's pixels as shapes: whatever the pixels are, Pillow fills exactly these again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage

from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.outlines import outlines_of
from mriparaspinal.imaging.tracing import mask_shapes, simplified, trace


def filled(contours: list[Contour], shape: tuple[int, int]) -> np.ndarray:
    """What LabelMe fills: each polygon by Pillow on a canvas of its own, each mask at its corner."""
    pixels = np.zeros(shape, dtype=bool)
    for contour in contours:
        if contour.shape_type == "mask":
            (left, top), (right, bottom) = ((int(x), int(y)) for x, y in contour.points)
            pixels[top : bottom + 1, left : right + 1] |= contour.mask
        else:
            assert contour.shape_type == "polygon"
            canvas = Image.new("L", shape[::-1])
            ImageDraw.Draw(canvas).polygon(list(contour.points), outline=1, fill=1)
            pixels |= np.asarray(canvas).astype(bool)
    return pixels


@st.composite
def blobs(draw: st.DrawFn) -> np.ndarray:
    """Smooth blobs, noise, thin lines and holes, up to the edges of the image."""
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    values = ndimage.gaussian_filter(rng.normal(size=(rows, columns)), draw(st.floats(0, 5)))
    pixels = values > np.quantile(values, draw(st.floats(0, 1)))
    for _ in range(draw(st.integers(0, 3))):  # lines of one pixel, some of them diagonal
        steps = np.arange(draw(st.integers(1, 30)))
        r = rng.integers(rows) + steps * rng.integers(-1, 2)
        c = rng.integers(columns) + steps * rng.integers(-1, 2)
        inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
        pixels[r[inside], c[inside]] = draw(st.booleans())
    return pixels


@settings(max_examples=250, deadline=None)
@given(blobs())
def test_the_shapes_fill_exactly_the_pixels(pixels: np.ndarray) -> None:
    contours = trace(pixels, "MF_L")
    assert np.array_equal(filled(contours, pixels.shape), pixels)
    assert len(contours) == ndimage.label(pixels, np.ones((3, 3)))[1]
    for contour, outline in zip(contours, outlines_of(contours), strict=True):
        assert contour.label == "MF_L"
        if contour.shape_type == "polygon":
            assert outline.area_px > 0
            assert not outline.crosses_itself
            assert not outline.retraced


@settings(max_examples=100, deadline=None)
@given(blobs())
def test_a_solid_part_is_a_polygon_that_can_be_edited(pixels: np.ndarray) -> None:
    """Only holes, and parts nowhere two pixels wide, need a mask."""
    parts, count = ndimage.label(pixels, np.ones((3, 3)))
    for number, contour in zip(range(1, count + 1), trace(pixels, "x"), strict=True):
        part = parts == number
        solid = np.array_equal(ndimage.binary_fill_holes(part), part)
        thick = ndimage.binary_opening(part, np.ones((2, 2))).any()
        if solid and thick:
            assert contour.shape_type == "polygon"
        if not solid:
            assert contour.shape_type == "mask"


def test_a_rectangle_is_four_corners_at_the_centres_of_its_pixels() -> None:
    pixels = np.zeros((10, 12), dtype=bool)
    pixels[2:6, 3:9] = True
    (contour,) = trace(pixels, "IVD")
    assert set(contour.points) == {(3.5, 2.5), (8.5, 2.5), (8.5, 5.5), (3.5, 5.5)}


def test_nothing_is_no_shape() -> None:
    assert trace(np.zeros((5, 5), dtype=bool), "x") == []
    assert mask_shapes(np.zeros((5, 5), dtype=bool), "x") == []


def circle() -> np.ndarray:
    r, c = np.mgrid[:80, :90]
    return (r - 40) ** 2 + (c - 45) ** 2 < 30**2


@pytest.mark.parametrize("tolerance", [0.5, 0.7, 1.5, 3.0])
def test_simpler_polygons_stay_near(tolerance: float) -> None:
    (exact,) = trace(circle(), "x")
    simple = simplified(exact, tolerance)
    assert 3 <= len(simple.points) < len(exact.points)
    assert set(simple.points) <= set(exact.points)
    near = ndimage.binary_dilation(circle(), iterations=int(np.ceil(tolerance)) + 1)
    core = ndimage.binary_erosion(circle(), iterations=int(np.ceil(tolerance)) + 1)
    after = filled([simple], (80, 90))
    assert not (after & ~near).any()
    assert not (core & ~after).any()


def test_without_a_tolerance_nothing_is_left_out() -> None:
    (exact,) = trace(circle(), "x")
    assert simplified(exact, 0.0) is exact


def test_a_polygon_is_never_simplified_away() -> None:
    (exact,) = trace(circle(), "x")
    simple = simplified(exact, 100.0)
    assert len(simple.points) >= 3
    assert filled([simple], (80, 90)).any()
