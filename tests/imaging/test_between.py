"""The space between two bodies: cylinders, whose interpolation is known, vertebrae with arches, faults."""

from __future__ import annotations

import numpy as np
import pytest

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.between import between_bodies

ROWS, COLUMNS = 120, 140
Y, X = np.mgrid[:ROWS, :COLUMNS]


def disc(radius: float, row: float = 50, column: float = 70) -> np.ndarray:
    return (Y - row) ** 2 + (X - column) ** 2 <= radius**2


def stack(slices: int, **layers: np.ndarray) -> np.ndarray:
    """A stack; ``from_to=mask``: such a mask on the slices from … to, exclusively."""
    voxels = np.zeros((slices, ROWS, COLUMNS), dtype=bool)
    for name, mask in layers.items():
        first, last = map(int, name.split("_")[1:])
        voxels[first:last] = mask
    return voxels


def test_cylinders_of_two_radii():
    """Signed distances of circles about one centre are r − R: the interpolated circle has the mean radius."""
    lower, upper = stack(30, n_0_10=disc(20)), stack(30, n_16_30=disc(32))
    for at in range(10, 16):
        found = between_bodies({"L4": lower, "L3": upper}, at, (3.0, 1.0, 1.0))
        part = (at - 9) / (16 - 9)
        radius = 20 + part * 12
        assert (found.above, found.below) == ("L3", "L4")
        assert np.count_nonzero(found.pixels) == pytest.approx(np.pi * radius**2, rel=0.02)
        inside = np.hypot(Y - 50, X - 70)
        assert found.pixels[inside < radius - 1].all()
        assert not found.pixels[inside > radius + 1].any()


def test_the_same_outline_above_and_below_is_the_outline():
    square = (abs(Y - 50) <= 15) & (abs(X - 70) <= 22)
    found = between_bodies({"a": stack(9, n_0_3=square), "b": stack(9, n_6_9=square)}, 4, (4.0, 1.0, 1.0))
    assert np.array_equal(found.pixels, square)


def test_shifted_bodies_give_a_disc_halfway():
    below, above = stack(9, n_0_4=disc(20, column=67)), stack(9, n_5_9=disc(20, column=73))
    found = between_bodies({"a": below, "b": above}, 4, (4.0, 1.0, 1.0))
    rows, columns = np.nonzero(found.pixels)
    assert columns.mean() == pytest.approx(70, abs=0.1)
    assert rows.mean() == pytest.approx(50, abs=0.1)
    assert np.count_nonzero(found.pixels) == pytest.approx(np.pi * 400, rel=0.04)


def test_pixels_that_are_not_square():
    """Rows 2 mm, columns 1 mm: circles in mm are ellipses in pixels, and interpolate as circles do."""

    def circle(radius: float) -> np.ndarray:
        return np.hypot((Y - 50) * 2.0, X - 70.0) <= radius

    found = between_bodies(
        {"a": stack(9, n_0_4=circle(24)), "b": stack(9, n_5_9=circle(36))}, 4, (4.0, 2.0, 1.0)
    )
    assert np.count_nonzero(found.pixels) * 2 == pytest.approx(np.pi * 30**2, rel=0.03)


def vertebra(processes: bool = True) -> np.ndarray:
    """A vertebra on 12 slices: a body, in the upper half a closed arch around the canal; processes below."""
    body, canal = disc(22), disc(8, row=82)
    arch = disc(14, row=82) & ~canal
    pedicles = (abs(abs(X - 70) - 11) <= 4) & (Y >= 60) & (Y <= 85)
    spinous = (abs(X - 70) <= 3) & (Y >= 95) & (Y <= 115)
    whole = np.zeros((12, ROWS, COLUMNS), dtype=bool)
    whole[:] = body
    whole[6:11] |= (arch | pedicles | spinous) & ~canal
    if processes:
        whole[:6] |= spinous | disc(6, row=85, column=50) | disc(6, row=85, column=90)
    return whole


def test_arches_are_left_out():
    """The processes of the upper vertebra reach down beside the disc: they are no body, and no disc."""
    lower, upper = np.zeros((40, ROWS, COLUMNS), dtype=bool), np.zeros((40, ROWS, COLUMNS), dtype=bool)
    lower[0:12], upper[16:28] = vertebra(), vertebra()
    upper[10:16] |= (abs(X - 70) <= 3) & (Y >= 95) & (Y <= 115)
    found = between_bodies({"L4": lower, "L3": upper}, 13, (3.0, 1.0, 1.0))
    assert np.array_equal(found.pixels, disc(22))


def test_an_arch_that_is_closed_at_the_endplate_is_cut_at_the_canal():
    lower, upper = np.zeros((40, ROWS, COLUMNS), dtype=bool), np.zeros((40, ROWS, COLUMNS), dtype=bool)
    lower[1:12], upper[16:28] = vertebra()[:11], vertebra()
    lower[11] = False  # the topmost slice of the lower vertebra is one with pedicles
    found = between_bodies({"L4": lower, "L3": upper}, 13, (3.0, 1.0, 1.0))
    front = int(np.flatnonzero(disc(8, row=82).any(axis=1))[0])
    assert not found.pixels[front:].any()
    assert np.count_nonzero(found.pixels & ~disc(22)) < 0.1 * np.count_nonzero(disc(22))
    assert not np.count_nonzero(disc(22) & ~found.pixels)


def test_bone_on_the_slice_is_no_disc():
    """The upper endplate of the lower vertebra is tilted: a part of it is on the slice."""
    lower, upper = stack(30, n_0_10=disc(20)), stack(30, n_14_30=disc(20))
    lower[10:12] = disc(20) & (Y > 60)
    found = between_bodies({"L4": lower, "L3": upper}, 11, (2.0, 1.0, 1.0))
    assert np.array_equal(found.pixels, disc(20) & (Y <= 60))


@pytest.mark.parametrize(
    ("stacks", "at", "said"),
    [
        (
            {"L4": stack(30, n_0_10=disc(20)), "L3": stack(30, n_14_30=disc(20))},
            5,
            "the slice cuts the body of L4",
        ),
        (
            {"L4": stack(30, n_0_10=disc(20)), "L2": stack(30, n_25_30=disc(20))},
            12,
            "64 mm between L2 and L4",
        ),
        (
            {"L4": stack(30, n_0_10=disc(20)), "L5": stack(30, n_0_0=disc(20))},
            12,
            "no vertebra above the slice",
        ),
        ({"L4": stack(30, n_14_30=disc(20)), "L5": stack(30)}, 12, "no vertebra below the slice"),
        (
            {
                "L4": stack(30, n_0_10=disc(20) | ((abs(X - 70) < 3) & (Y > 50) & (Y < 115))),
                "L3": stack(30, n_14_30=disc(20)),
            },
            12,
            "the endplate of L4 cannot be told from its arch",
        ),
    ],
)
def test_what_cannot_be_derived(stacks, at, said):
    with pytest.raises(UnreadableError, match=said) as error:
        between_bodies(stacks, at, (4.0, 1.0, 1.0))
    assert "; expected " in str(error.value)


def test_random_bodies_stay_within_their_hull():
    """What lies in both outlines is disc, what lies in none of them, and not between, is not."""
    rng = np.random.default_rng(5)
    for _ in range(10):
        one, other = (disc(rng.uniform(15, 30), rng.uniform(45, 55), rng.uniform(65, 75)) for _ in range(2))
        gap = int(rng.integers(1, 6))
        stacks = {"a": stack(20, n_0_5=one), "b": np.roll(stack(20, n_0_5=other), 5 + gap, axis=0)}
        for at in range(5, 5 + gap):
            found = between_bodies(stacks, at, (4.0, 1.0, 1.0)).pixels
            assert found[one & other].all()
            assert not found[~(one | other)].any()
