"""Dice and Hausdorff against sets, brute force and SciPy's directed Hausdorff distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, directed_hausdorff

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.overlap import dice, hausdorff

masks = arrays(bool, (7, 6))


def edge_pixels(mask):
    """Pixels of the mask with one of their four neighbours outside it, one by one."""
    rows, columns = mask.shape
    found = []
    for r, c in zip(*np.nonzero(mask), strict=True):
        around = [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]
        if any(not (0 <= i < rows and 0 <= j < columns and mask[i, j]) for i, j in around):
            found.append((r, c))
    return np.array(found, dtype=float).reshape(-1, 2)


def square(top, left, size, shape=(12, 12)):
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + size, left : left + size] = True
    return mask


def test_dice_of_shifted_squares_by_hand():
    # Two 4×4 squares, one column apart, share 4×3 pixels: 2·12/(16+16).
    assert dice(square(2, 2, 4), square(2, 3, 4)) == pytest.approx(0.75)


def test_hausdorff_of_a_square_within_a_square_is_the_distance_of_their_corners():
    # Boundaries 8×8 and 4×4 with the same centre: corner to corner 2 rows and 2 columns apart.
    outer, inner = square(1, 1, 8), square(3, 3, 4)
    assert hausdorff(outer, inner) == pytest.approx(np.sqrt(8))
    assert hausdorff(outer, inner, spacing=(0.5, 2.0)) == pytest.approx(np.hypot(1.0, 4.0))


def test_the_boundary_counts_not_the_inside():
    # All of the full square's pixels lie within 1 of the ring, but the hole's edge is no boundary of it.
    full = square(0, 0, 9, (9, 9))
    ring = full & ~square(3, 3, 3, (9, 9))
    assert hausdorff(full, ring) == pytest.approx(2.0)


def test_one_stray_pixel_decides_the_maximum_not_the_95th_percentile():
    a = square(2, 2, 8, (12, 40))
    b = a.copy()
    b[5, 39] = True
    assert hausdorff(a, b) == pytest.approx(30.0)
    assert hausdorff(a, b, percentile=95) == 0.0


@given(masks, masks)
@settings(max_examples=60, deadline=None)
def test_dice_is_that_of_the_sets_of_pixels(a, b):
    set_a, set_b = set(map(tuple, np.argwhere(a))), set(map(tuple, np.argwhere(b)))
    if not set_a | set_b:
        assert dice(a, b) is None
        return
    assert dice(a, b) == pytest.approx(2 * len(set_a & set_b) / (len(set_a) + len(set_b)))
    assert dice(a, b) == dice(b, a)
    assert dice(a, a) == (1.0 if set_a else None)


@given(masks, masks, st.sampled_from([(1.0, 1.0), (0.6, 1.7)]))
@settings(max_examples=60, deadline=None)
def test_hausdorff_is_scipys_over_the_boundaries_and_symmetric(a, b, spacing):
    found = hausdorff(a, b, spacing)
    edge_a, edge_b = edge_pixels(a) * spacing, edge_pixels(b) * spacing
    if not len(edge_a) or not len(edge_b):
        assert found is None
        return
    expected = max(directed_hausdorff(edge_a, edge_b)[0], directed_hausdorff(edge_b, edge_a)[0])
    assert found == pytest.approx(expected)
    assert hausdorff(b, a, spacing) == found
    distances = cdist(edge_a, edge_b)
    of_95 = max(np.percentile(distances.min(axis=1), 95), np.percentile(distances.min(axis=0), 95))
    assert hausdorff(a, b, spacing, percentile=95) == pytest.approx(of_95)


def test_empty_masks_have_no_distance():
    empty, full = np.zeros((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)
    assert dice(empty, full) == 0.0
    assert dice(empty, empty) is None
    assert hausdorff(empty, full) is None
    assert hausdorff(full, empty) is None
    assert hausdorff(empty, empty) is None


def test_masks_of_different_images_are_refused():
    with pytest.raises(UsageError, match=r"\(4, 4\) and \(4, 5\)"):
        dice(np.ones((4, 4), dtype=bool), np.ones((4, 5), dtype=bool))


def test_label_maps_are_refused():
    with pytest.raises(TypeError, match="uint8"):
        dice(np.ones((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=bool))


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, float("nan"))])
def test_spacing_has_to_fit_the_masks(spacing):
    mask = np.ones((4, 4), dtype=bool)
    with pytest.raises(ValueError, match="spacing"):
        hausdorff(mask, mask, spacing)


def test_percentile_has_to_be_one():
    mask = np.ones((4, 4), dtype=bool)
    with pytest.raises(ValueError, match="percentile"):
        hausdorff(mask, mask, percentile=0)
