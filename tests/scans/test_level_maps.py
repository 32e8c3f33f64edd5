"""Levels from label maps: the middles are SciPy's, the numbers are those of the tools' own tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from mriparaspinal.core.errors import UnreadableError, UsageError
from mriparaspinal.imaging.planes import Plane, Series, SourceImage
from mriparaspinal.scans.level_maps import (
    NUMBERINGS,
    cuts,
    distance_mm,
    find_levels,
    level_rule,
    nearest,
    parse_level_numbering,
)

#: Names and values as the tools' own tables have them, from head to foot.
SPINES = {
    "totalspineseg": (
        "vertebrae_L1 41 disc_L1_L2 92 vertebrae_L2 42 disc_L2_L3 93 vertebrae_L3 43 disc_L3_L4 94 "
        "vertebrae_L4 44 disc_L4_L5 95 vertebrae_L5 45 disc_L5_S 100 sacrum 50"
    ),
    "spineps": "L1 20 L1_ivd 120 L2 21 L2_ivd 121 L3 22 L3_ivd 122 L4 23 L4_ivd 123 L5 24 L5_ivd 124 S1 26",
    "totalsegmentator": "vertebrae_L1 31 vertebrae_L2 30 vertebrae_L3 29 vertebrae_L4 28 vertebrae_L5 27",
    "totalsegmentator_vertebrae_mr": (
        "vertebrae_L1 6 vertebrae_L2 5 vertebrae_L3 4 vertebrae_L4 3 vertebrae_L5 2 sacrum 1"
    ),
}
AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])


def spine(values, step=15) -> np.ndarray:
    """Blocks of ``step`` mm under each other, the first one at the head."""
    voxels = np.zeros((3, 3, step * len(values)), dtype=np.int16)
    for n, value in enumerate(reversed(values)):
        voxels[1, 1, n * step : (n + 1) * step - 2] = value
    return voxels


@pytest.mark.parametrize("name", SPINES)
@pytest.mark.parametrize("at", ["disc", "vertebra"])
def test_each_level_is_the_structure_of_its_name(name, at):
    words = SPINES[name].split()
    names, values = words[::2], [int(value) for value in words[1::2]]
    numbering = NUMBERINGS[name]
    if at == "disc" and not numbering.discs:
        return
    found = find_levels(spine(values), AFFINE, level_rule(numbering, at, 1))
    assert list(found.levels) == ["L1", "L2", "L3", "L4", "L5"]
    for segment, structure in found.levels.items():
        # A disc is named after the vertebra above it: the structure under vertebra Ln is disc Ln.
        (vertebra,) = (n for n, word in enumerate(names) if word in (segment, f"vertebrae_{segment}"))
        block = vertebra + (at == "disc")
        low = 15 * (len(names) - 1 - block)
        assert structure.middle[2] == pytest.approx(low + 6)


@given(st.integers(0, 2**32 - 1))
def test_middle_and_ends_are_those_of_all_voxels(seed):
    chance = np.random.default_rng(seed)
    voxels = chance.random((4, 5, 6)) < 0.3
    voxels[1, 2, 3] = True
    affine = np.eye(4)
    affine[:3] = chance.normal(size=(3, 4)) * [0.5, 0.5, 0.5, 50]  # no voxel is far from the others
    table = parse_level_numbering(["value", "segment"], [["1", "3"]], "t")
    structure = find_levels(voxels.astype(np.int16), affine, level_rule(table, None, 1)).levels["L3"]
    middle = affine @ [*ndimage.center_of_mass(voxels), 1]
    assert np.allclose(structure.middle, middle[:3])
    normal = chance.normal(size=3)
    normal /= np.linalg.norm(normal)
    corners = np.argwhere(voxels)[:, None, :] + (np.indices((2, 2, 2)).reshape(3, -1).T - 0.5)
    along = (corners @ affine[:3, :3].T + affine[:3, 3]) @ normal
    assert np.allclose(structure.extent(normal), [along.min(), along.max()])


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        # TotalSegmentator's total_mr: one number for all vertebrae (19) and one for all discs (20).
        ([19, 20], "totalsegmentator", r"values 19, 20 in the label map; .* 29 \(L3\)"),
        ([19, 20], "totalspineseg", "values 19, 20"),
        # The first releases of TotalSpineSeg.
        ([22, 206, 21, 205, 20], "totalspineseg", "values 205, 206 .* totalspineseg alone"),
        ([31, 30, 29, 28, 27], "totalsegmentator_vertebrae_mr", "values 27, 28, 29, 30, 31"),
        # Iliac vessels of total_mr have the numbers that vertebrae have in total.
        ([27, 28, 29, 19], "totalsegmentator", "L3 lies 15 mm below that of L4"),
        ([-3], "totalsegmentator", "values -3"),
        ([0], "totalsegmentator", "without labels"),
    ],
)
def test_maps_of_other_numberings_are_refused(values, name, words):
    with pytest.raises(UnreadableError, match=words):
        find_levels(spine(values), AFFINE, level_rule(NUMBERINGS[name], None, 1))


def test_levels_that_are_too_near_are_other_things():
    with pytest.raises(UnreadableError, match="L2 lies 9 mm above that of L3"):
        find_levels(spine([93, 94], step=9), AFFINE, level_rule(NUMBERINGS["totalspineseg"], None, 1))
    # With a level between them left out, the two must lie twice as far apart.
    with pytest.raises(UnreadableError, match="L2 lies 15 mm above that of L4"):
        find_levels(spine([93, 95]), AFFINE, level_rule(NUMBERINGS["totalspineseg"], None, 1))


@pytest.mark.parametrize(
    ("name", "values"), [("totalspineseg", [44, 95, 45, 96, 46, 100]), ("spineps", [124, 25])]
)
def test_a_sixth_vertebra_makes_the_fifth_unclear(name, values):
    found = find_levels(spine(values), AFFINE, level_rule(NUMBERINGS[name], "disc", 1))
    assert found.unclear == {"L5"}


def stack(positions, across=(1, 0, 0), down=(0, 1, 0), size=(10, 10), corner=(0, 0)) -> Series:
    normal = np.cross(across, down)
    planes = [Plane(across, down, tuple(normal * z + [*corner, 0]), 1.0, 1.0) for z in positions]
    pictures = tuple(SourceImage(n, plane) for n, plane in enumerate(planes, 1))
    return Series("NIfTI", "s", None, "s", size, "", None, None, "", pictures, lambda _: np.zeros(size))


def level(middle, half=4):
    """A cube around a point."""
    voxels = np.zeros((20, 20, 20), np.int16)
    voxels[10 - half : 11 + half, 10 - half : 11 + half, 10 - half : 11 + half] = 1
    affine = np.eye(4)
    affine[:3, 3] = np.asarray(middle) - 10
    table = parse_level_numbering(["value", "segment"], [["1", "3"]], "t")
    return find_levels(voxels, affine, level_rule(table, None, 1)).levels["L3"]


def test_the_nearest_slice_that_shows_the_point():
    one = level((5, 5, 9))
    places = nearest(one, [stack([0, 4, 8, 12])])
    assert [(index, distance) for _, index, distance in places] == [(2, -1), (3, 3), (1, -5), (0, -9)]
    # A picture beside the point does not count, however near its plane is.
    beside = stack([9], corner=(20, 0))
    assert nearest(one, [beside, stack([4])])[0][2] == -5
    assert nearest(level((-0.5, 9.5, 0)), [stack([0])])  # at the very edge of pixels
    assert not nearest(level((-0.6, 5, 0)), [stack([0])])


def test_stacks_of_different_tilt():
    turned = np.radians(20)
    tilted = stack([3, 9], down=(0, np.cos(turned), np.sin(turned)))
    one = level((5, 5, 9))
    by_hand = 9 - (-np.sin(turned) * 5 + np.cos(turned) * 9)
    assert distance_mm(one, tilted.pictures[1].plane) == pytest.approx(by_hand)
    assert nearest(one, [stack([0, 20]), tilted])[0][:2] == (tilted, 1)


@pytest.mark.parametrize(("z", "cut"), [(4.4, False), (4.6, True), (13.4, True), (13.6, False)])
def test_a_slice_cuts_a_level_between_the_edges_of_its_voxels(z, cut):
    (plane,) = (picture.plane for picture in stack([z]).pictures)
    assert cuts(level((5, 5, 9)), plane) is cut


def test_tables_with_and_without_kinds():
    rows = [["1", "L3", "Disc"], ["2", "3", "vertebra"], ["12", "L3", "disc"], ["7", "T12", "vertebra"]]
    numbering = parse_level_numbering(["value", "segment", "kind"], rows, "t.csv")
    assert (dict(numbering.discs), dict(numbering.vertebrae)) == ({"L3": {1, 12}}, {"L3": {2}})


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        (["value", "label"], [["1", "L3"]], "the columns value, label"),
        (["value", "segment"], [["0", "L3"]], "value '0'"),
        (["value", "segment"], [["1.5", "L3"], ["²", "L3"]], "row 2 has the value '1.5', row 3"),
        (["value", "segment"], [["1", "L3"], ["1", "L4"]], "row 3 has the value 1 again"),
        (["value", "segment"], [["1", "L6"]], "segment 'L6'"),
        (["value", "segment"], [["1", ""]], "segment ''"),
        (["value", "segment", "kind"], [["1", "L3", "bone"]], "kind 'bone'"),
        (["value", "segment"], [["1", "T12"]], "no lumbar level"),
        (["value", "segment"], [], "no lumbar level"),
    ],
)
def test_tables_that_are_none(columns, rows, words):
    with pytest.raises(UsageError, match=rf"^t\.csv: .*{words}.*; expected .*; "):
        parse_level_numbering(columns, rows, "t.csv")


@pytest.mark.parametrize("slices", [0, 2, -1])
def test_an_even_number_has_no_middle(slices):
    with pytest.raises(UsageError, match="odd number"):
        level_rule(NUMBERINGS["spineps"], None, slices)


def test_discs_that_a_numbering_does_not_have():
    with pytest.raises(UsageError, match="totalsegmentator has vertebrae alone"):
        level_rule(NUMBERINGS["totalsegmentator"], "disc", 1)
    assert level_rule(NUMBERINGS["totalsegmentator"], None, 1).at == "vertebra"
    assert level_rule(NUMBERINGS["spineps"], None, 1).at == "disc"


def one_level(voxels, kind="disc", affine=AFFINE):
    table = parse_level_numbering(["value", "segment"], [["1", "3"]], "t")
    return find_levels(voxels, affine, level_rule(table, kind, 1)).levels["L3"]


def slab(shape=(60, 50, 160), low=60, high=70):
    """A disc of 50 × 36 × 10 mm."""
    voxels = np.zeros(shape, np.int16)
    voxels[5:55, 7:43, low:high] = 1
    return voxels


def test_voxels_far_from_the_others_do_not_move_the_middle():
    disc = slab()
    by_hand = ndimage.center_of_mass(disc)
    specks = disc.copy()
    specks[20:30, 20:30, 120:125] = 1  # 500 voxels, 5 cm above
    found = one_level(specks)
    assert (found.strays, found.fault) == (500, "")
    assert np.allclose(found.middle, by_hand)
    assert not cuts(found, stack([122]).pictures[0].plane)
    near = disc.copy()
    near[20:30, 20:30, 75:77] = 1  # 6 mm above: part of it
    assert one_level(near).strays == 0
    assert np.allclose(one_level(near).middle, ndimage.center_of_mass(near))


def test_the_arch_of_a_vertebra_can_be_apart_from_its_body():
    voxels = np.zeros((40, 80, 40), np.int16)
    voxels[5:35, 5:40, 5:32] = 1
    voxels[18:22, 60:75, 3:15] = 1  # its spinous process, 2 cm behind
    assert one_level(voxels, "vertebra").strays == 0
    assert one_level(voxels, "disc").strays == np.count_nonzero(voxels[:, 60:])


@pytest.mark.parametrize("bridge", [False, True])
def test_two_discs_of_one_number_have_no_middle(bridge):
    voxels = slab()
    voxels[5:55, 7:43, 95:105] = 1  # the next disc, 35 mm above
    if bridge:
        voxels[30, 20, 70:95] = 1
    # The two together reach over 45 mm, and over 36 mm from front to back, which is less.
    apart = "18000 of its 36000 voxels lie apart from the others"
    assert one_level(voxels).fault == ("it is 35 mm thick" if bridge else apart)


def test_two_vertebrae_of_one_number_have_no_middle():
    voxels = np.zeros((50, 40, 120), np.int16)
    voxels[5:45, 2:37, 5:35] = voxels[5:45, 2:37, 35:110] = 1
    assert one_level(voxels, "vertebra").fault == "it is 104 mm high"


def test_a_level_of_one_voxel():
    voxels = np.zeros((10, 10, 30), np.int16)
    voxels[4, 5, 17] = 1
    found = one_level(voxels)
    assert (found.strays, found.fault) == (0, "")
    assert np.allclose(found.middle, [4, 5, 17])
