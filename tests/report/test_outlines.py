"""Outlines and histograms of a slice, compared with the masks and grey levels that they stand for."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.report.outlines import coarser_outside, histograms, outline_path, shown_frame


def filled(path: str, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre lies inside the closed lines, by crossing number."""
    edges = []
    for x0, y0, runs in re.findall(r"M(\d+) (\d+)((?:[hv]-?\d+)+)z", path):
        x, y = int(x0), int(y0)
        for command, length in re.findall(r"([hv])(-?\d+)", runs):
            if command == "h":
                x += int(length)
            else:
                edges.append((x, min(y, y + int(length)), max(y, y + int(length))))
                y += int(length)
        assert (x, y) == (int(x0), int(y0)), "a line is closed by its own runs"
    canvas = np.zeros(shape, dtype=int)
    for x, top, bottom in edges:
        canvas[top:bottom, x:] += 1
    return canvas % 2 == 1


@given(
    arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(np.any),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_an_outline_filled_is_the_mask(pixels, top, left):
    path = outline_path(Patch(top, left, pixels))
    assert re.fullmatch(r"(M\d+ \d+([hv]-?\d+)+z)+", path)
    expected = np.zeros((15, 15), dtype=bool)
    expected[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    assert (filled(path, (15, 15)) == expected).all()


def test_straight_runs_are_joined():
    canvas = Image.new("1", (20, 20))
    ImageDraw.Draw(canvas).rectangle((3, 4, 12, 9), fill=1)
    assert outline_path(Patch(0, 0, np.asarray(canvas))) == "M3 4h10v6h-10v-6z"


@given(arrays(np.uint8, (12, 12)), st.floats(0, 255))
def test_no_bar_is_half_fat(grey, threshold):
    mask = np.ones((12, 12), dtype=bool)
    (histogram,) = histograms(grey, {("MF", "left"): Patch(0, 0, mask)}, threshold)
    widths = [int(width) for width in re.findall(r"h(\d+)", histogram.path)]
    assert sum(widths) == 256
    assert int(np.floor(threshold)) + 1 in np.cumsum([0, *widths])
    assert histogram.pixels == 144


def test_bars_are_pixels_per_grey_level():
    grey = np.array([[52, 53, 54, 51], [55, 55, 20, 21]], dtype=np.uint8)
    (histogram,) = histograms(grey, {("ES", "right"): Patch(0, 0, np.ones((2, 4), dtype=bool))}, 50)
    # Bars of four levels with an edge at 51: 19–22 has two pixels, 51–54 four, 55–58 two.
    assert histogram.path.startswith("M0 100h3h4h4h4h4v-50h4v50h4")
    assert "v-100h4v50h4v50h4" in histogram.path


@given(arrays(np.uint8, (8, 8)), arrays(bool, (8, 8)), st.sampled_from([1, 4, 8, 16, 32]))
def test_coarser_grey_leaves_the_regions_alone(grey, mask, step):
    shown = coarser_outside(grey, [Patch(0, 0, mask)], step)
    assert (shown[mask] == grey[mask]).all()
    assert (np.abs(shown.astype(int) - grey) <= step // 2).all()
    if step == 1:
        assert (shown == grey).all()


def test_the_margin_ends_at_the_image():
    patch = Patch(0, 90, np.ones((10, 10), dtype=bool))
    assert shown_frame([patch.frame], (100, 100)) == (89, 0, 100, 11)
