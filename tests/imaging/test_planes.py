"""Orientation: left stays left, anterior up, whatever the order and the direction of the axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.imaging.planes import (
    Plane,
    plane_name,
    radiological,
    slice_axis,
    square_plane,
    volume_plane,
)

nibabel = pytest.importorskip("nibabel")

#: Rows to the back, columns to the patient's left, as it must come out: 3 × 4 pixels.
SHOWN = np.arange(12).reshape(3, 4)
ALL = [(swap, rows, columns) for swap, rows, columns in itertools.product((False, True), (1, -1), (1, -1))]


def stored(swap, rows, columns, tilt=0.0):
    """The same slice as a scanner could store it, and the directions that it would write."""
    across, down = np.array([1.0, 0, 0]), np.array([0, np.cos(tilt), np.sin(tilt)])
    pixels = SHOWN[::rows, ::columns]
    across, down = across * columns, down * rows
    spacing = (2.0, 5.0)
    if swap:
        pixels, across, down, spacing = pixels.T, down, across, spacing[::-1]
    return pixels, square_plane(tuple(across), tuple(down), (0.0, 0.0, 0.0), spacing)


@pytest.mark.parametrize(("swap", "rows", "columns"), ALL)
@pytest.mark.parametrize("tilt", [0.0, 0.4, -0.7])
def test_every_order_and_flip_comes_out_the_same(swap, rows, columns, tilt):
    pixels, plane = stored(swap, rows, columns, tilt)
    turned, at = radiological(pixels, plane)
    assert turned.tolist() == SHOWN.tolist()
    assert (at.row_spacing_mm, at.col_spacing_mm) == (2.0, 5.0)


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.floats(0, 0.78), st.floats(-3.14, 3.14))
def test_the_display_never_mirrors(axis, angle, spin):
    from scipy.spatial.transform import Rotation

    axis = np.array([axis[0], axis[1], 0.0])
    if np.linalg.norm(axis) < 0.1:
        axis = np.array([1.0, 0.0, 0.0])
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle) * Rotation.from_rotvec([0, 0, spin])
    across, down, _ = turn.as_matrix().T
    _, at = radiological(SHOWN, Plane(tuple(across), tuple(down), (0, 0, 0), 1, 1))
    assert np.cross(at.across, at.down)[2] > 0.7
    # In-plane turns of up to 45° are left as they are: half a right angle is the most that remains.
    assert at.across[0] + at.down[1] > 1


@given(st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from((1, -1))] * 3))
def test_volumes_agree_with_nibabel(order, signs):
    voxels = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    affine = np.diag([1.0, 2.0, 9.0, 1.0])
    image = nibabel.Nifti1Image(voxels.astype(np.int16), affine)  # RAS, by construction
    orientation = np.array([[place, sign] for place, sign in zip(order, signs, strict=True)])
    turned = image.as_reoriented(orientation)
    lps = np.diag([-1.0, -1, 1, 1]) @ turned.affine
    axis = slice_axis(lps)
    closest = np.asarray(nibabel.as_closest_canonical(turned).dataobj)
    heights = []
    for index in range(turned.shape[axis]):
        plane = volume_plane(lps, axis, index)
        pixels, at = radiological(np.asarray(turned.dataobj).take(index, axis), plane)
        k = round(plane.position_mm() / 9)
        heights.append(k)
        # RAS to the display: columns from right to left, rows from front to back.
        assert pixels.tolist() == closest[::-1, ::-1, k].T.tolist()
        assert (at.row_spacing_mm, at.col_spacing_mm) == (2.0, 1.0)
    assert sorted(heights) == list(range(6))


def test_thick_steps_are_the_axis_that_was_sliced_along():
    sagittal = np.diag([4.0, 0.6, 0.6, 1])
    assert slice_axis(sagittal) == 0
    assert plane_name(volume_plane(sagittal, 0, 0)) == "sagittal"
    assert slice_axis(np.diag([1.0, 1.0, 1.2, 1])) == slice_axis(np.diag([1.2, 1.0, 1.0, 1])) == 2


@pytest.mark.parametrize(("tilt", "name"), [(44, "axial"), (46, "coronal")])
def test_the_name_of_a_tilted_plane(tilt, name):
    angle = np.radians(tilt)
    plane = square_plane((1, 0, 0), (0, np.cos(angle), np.sin(angle)), (0, 0, 0), (1, 1))
    assert plane_name(plane) == name


@pytest.mark.parametrize(
    ("across", "down"), [((0, 0, 0), (0, 1, 0)), ((1, 0, 0), (1, 0, 0)), ((1, 0, 0), (0, np.nan, 0))]
)
def test_directions_that_are_none(across, down):
    assert square_plane(across, down, (0, 0, 0), (1, 1)) is None


def test_a_sheared_volume_has_no_planes():
    affine = np.diag([1.0, 1, 4, 1])
    affine[0, 1] = 0.3
    assert volume_plane(affine, 2, 0) is None
