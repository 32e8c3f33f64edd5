"""Which label map belongs to which slice, and how volumes of every orientation are laid onto slices."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.model import Slice
from mriparaspinal.dataset.label_maps import mask_candidates, own_candidates
from mriparaspinal.dataset.laid import lay_on_slice
from mriparaspinal.imaging.grids import LPS_TO_RAS, Grid, LabelVolume, described
from mriparaspinal.imaging.planes import Plane, radiological, volume_plane

AFFINE = np.array([[0.5, 0, 0, -10], [0, 0.75, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])
VOXELS = np.random.default_rng(5).integers(0, 9, (6, 5, 4)).astype(np.uint8)
PLANE = Plane((1, 0, 0), (0, 1, 0), (-10.0, 20.0, 38.0), 0.75, 0.5)


def a_slice(image: str, participant: str = "ALS_7") -> Slice:
    return Slice(participant, "ALS", "L3", image, image)


def test_the_names_of_the_label_maps_of_a_slice():
    others = [
        f"{mask}{end}" for end in (".seg.nrrd", ".nrrd", ".nhdr", ".mha", ".mhd") for mask in ("_mask", "")
    ]
    assert mask_candidates(a_slice("sub/ALS_7_3.png")) == (
        "sub/ALS_7_3_mask.png",
        "sub/ALS_7_3_mask.nii.gz",
        "sub/ALS_7_3.nii.gz",
        "sub/ALS_7_3.nii",
        *(f"sub/ALS_7_3{end}" for end in others),
        "ALS_7.nii.gz",
        "ALS_7_mask.nii.gz",
        "ALS_7.nii",
        *(f"ALS_7{end}" for end in others),
    )
    assert own_candidates(a_slice("ALS_7_3_a.png"))[0] == "ALS_7_3_a_mask.png"


def reoriented(stored=VOXELS):
    """The voxels and affines of the same label map, stored in all 48 orders and directions of its axes."""
    for order, flips in product(permutations(range(3)), product((1, -1), repeat=3)):
        voxels = stored.transpose(order)[tuple(slice(None, None, step) for step in flips)]
        affine = AFFINE[:, [*order, 3]].copy()
        for axis, step in enumerate(flips):
            if step < 0:
                affine[:, 3] += affine[:, axis] * (voxels.shape[axis] - 1)
                affine[:, axis] *= -1
        yield voxels, affine


def test_a_label_map_in_every_orientation_gives_the_same_slice():
    seen = 0
    for voxels, affine in reoriented():
        labels = lay_on_slice(LabelVolume(voxels, affine), PLANE, (5, 6), own=False)
        assert np.array_equal(labels, VOXELS[:, :, 2].T)
        seen += 1
    assert seen == 48


def test_slices_prepared_from_every_orientation_meet_their_label_map():
    for voxels, affine in reoriented():
        axis = int(np.argmax(np.abs(affine[2, :3])))
        plane = volume_plane(affine, axis, 1)
        assert plane is not None
        picture, turned = radiological(voxels.take(1, axis), plane)
        labels = lay_on_slice(LabelVolume(VOXELS, AFFINE), turned, picture.shape, own=False)
        assert np.array_equal(labels, picture)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a + np.array([[0, 0, 0, 0.25], [0] * 4, [0] * 4, [0] * 4]),  # half a pixel to the side
        lambda a: a + np.array([[0] * 4, [0] * 4, [0, 0, 0, 2.0], [0] * 4]),  # between two slices
        lambda a: a + np.array([[0] * 4, [0] * 4, [0, 0, 0, 400.0], [0] * 4]),  # elsewhere
        lambda a: a @ np.diag([2.0, 2.0, 1.0, 1.0]),  # larger pixels
        lambda a: a @ np.array([[0.98, -0.2, 0, 0], [0.2, 0.98, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    ],
)
def test_another_grid_is_never_resampled(change, own):
    with pytest.raises(UnreadableError) as error:
        lay_on_slice(LabelVolume(VOXELS, change(AFFINE)), PLANE, (5, 6), own)
    assert "the label map is 6×5×4 voxels of" in error.value.fault.message
    assert "6×5 px of 0.5×0.75 mm, the first at (-10, 20, 38) mm LPS" in error.value.fault.message


def test_a_larger_slice_than_the_label_map_is_not_filled_up():
    with pytest.raises(UnreadableError):
        lay_on_slice(LabelVolume(VOXELS, AFFINE), PLANE, (5, 7), own=False)


# ---------------------------------------------------------------- without a place


def test_a_map_of_the_slice_alone_needs_no_place():
    one = LabelVolume(VOXELS[:, :, 1:2], None)
    for plane in (None, PLANE):
        assert np.array_equal(lay_on_slice(one, plane, (5, 6), own=True), VOXELS[:, :, 1].T)


@pytest.mark.parametrize(
    ("voxels", "own"),
    [(VOXELS[:, :, :1], False), (VOXELS, True), (VOXELS[:, :, :1].transpose(1, 0, 2), True), (VOXELS, False)],
)
def test_what_is_not_surely_the_slice_is_refused(voxels, own):
    with pytest.raises(UnreadableError, match=r"slices\.csv does not say where"):
        lay_on_slice(LabelVolume(voxels, None), None, (5, 6), own)
    with pytest.raises(UnreadableError, match="no place in the patient"):
        lay_on_slice(LabelVolume(voxels, None), PLANE, (5, 6), own)


# ---------------------------------------------------------------- with a place, for a slice without one


@pytest.mark.parametrize("image_left", ["right", "left"])
def test_a_map_of_the_slice_alone_is_turned_as_it_is_displayed(image_left):
    """However it is stored: columns from the image's left, rows from the front."""
    expected = VOXELS[:, :, 1].T
    if image_left == "left":
        expected = expected[:, ::-1]
    for voxels, affine in reoriented(VOXELS[:, :, 1:2]):
        labels = lay_on_slice(LabelVolume(voxels, affine), None, (5, 6), own=True, image_left=image_left)
        assert np.array_equal(labels, expected)


def test_a_map_that_is_a_little_oblique_is_turned_too():
    tilt = np.deg2rad(30)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    for voxels, affine in reoriented(VOXELS[:, :, 1:2]):
        oblique = affine.copy()
        oblique[:3, :3] = turn @ affine[:3, :3]
        labels = lay_on_slice(LabelVolume(voxels, oblique), None, (5, 6), own=True)
        assert np.array_equal(labels, VOXELS[:, :, 1].T)


@pytest.mark.parametrize("order", [[2, 0, 1, 3], [1, 2, 0, 3], [0, 2, 1, 3]])
def test_sagittal_and_coronal_maps_are_refused(order):
    affine = np.eye(4)[order] * [1, -1, 1, 1]
    with pytest.raises(UnreadableError, match="not that of one axial slice"):
        lay_on_slice(LabelVolume(VOXELS[:, :, :1], affine), None, (5, 6), own=True)


def test_each_axis_of_an_oblique_grid_has_a_direction_of_its_own():
    """Turned by 40° twice, two axes are nearest to one direction of the patient."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [0, 40, 40], degrees=True).as_matrix()
    assert ", RAS, first voxel" in described(Grid((3, 4, 5), LPS_TO_RAS @ affine))
