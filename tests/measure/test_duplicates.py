"""One slice under two names: the same image file, or contours that were carried over to another image."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from mriparaspinal.core.model import RegionCount, Slice, SliceResult
from mriparaspinal.measure.duplicates import duplicate_problems
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    hand_drawn,
    polygon,
    write_dataset,
    write_slice,
)
from tests.support.builders.study import check, fingerprint, problems_of, read_csv, run

REGIONS = [(muscle, side) for muscle in ("MF", "ES", "PM") for side in ("left", "right")] + [("IVD", "")]
TWINS = {"same-image", "same-contours"}
numbers = count(1)

Counts = Sequence[tuple[int, float | None]]
"""Pixels and area of each region, in the order of REGIONS."""

#: Muscles of 512 × 512 px as a hand draws them, to more digits than pixels have.
DRAWN: Counts = [
    (1510, 1432.6183), (1498, 1421.0271), (2630, 2519.7719), (2588, 2480.3131),
    (2011, 1920.1643), (2077, 1983.9127), (3120, 3011.4417),
]  # fmt: skip


def result(counts: Counts, image: int | None = None, name: str = "", embedded: bool = False) -> SliceResult:
    """A measured slice; ``image`` is the number of its image file, by default one that no other has."""
    number = next(numbers)
    name = name or f"ALS_{number}_3"
    png = None if embedded else f"{name}.png"
    digest = f"{(number if image is None else -image) % 2**64:016x}" + "0" * 48
    sha256 = [(f"{name}.json", "f" * 64)] + ([] if png is None else [(png, digest)])
    regions = dict(zip(REGIONS, (RegionCount(px, area, 0, 0) for px, area in counts), strict=False))
    slice_ = Slice(f"ALS_{number}", "ALS", "L3", png, f"{name}.json")
    return SliceResult(slice_, regions, frozenset(regions), True, (), tuple(sha256))


def found(*results: SliceResult) -> list[tuple[str, str]]:
    problems = duplicate_problems(results)
    assert {(problem.severity, problem.shape) for problem in problems} <= {("warning", "")}
    return [(problem.file, problem.code) for problem in problems]


def scaled(factor: float, counts: Counts = DRAWN) -> Counts:
    return [(round(px * factor), None if area is None else area * factor) for px, area in counts]


# The same image


def test_slices_of_their_own_have_no_twins():
    assert not found()
    assert not found(result(DRAWN))
    assert not found(*(result(scaled(1 + n / 100)) for n in range(50)))


def test_the_same_image_names_the_others_in_the_order_of_the_slices():
    slices = [result(scaled(1 + n / 10), image=7 if n in (1, 3, 4) else None, name=f"s{n}") for n in range(6)]
    (problem,) = duplicate_problems(slices)
    assert (problem.file, problem.severity, problem.code) == ("s1.png", "warning", "same-image")
    assert "s3.png, s4.png; expected" in problem.message
    assert problem.line().count("; ") == 2


@pytest.mark.parametrize(("copies", "end"), [(4, "s4.png;"), (5, "s4.png and 1 more;"), (99, "and 95 more;")])
def test_no_more_than_four_names_are_told(copies, end):
    slices = [result(scaled(1 + n / 10), image=7, name=f"s{n}") for n in range(copies + 1)]
    (problem,) = duplicate_problems(slices)
    assert "as s1.png, s2.png, s3.png, s4.png" in problem.message
    assert end in problem.message
    assert "s5.png" not in problem.message


def test_sets_of_the_same_image_have_a_warning_each():
    slices = [result(scaled(1 + n / 10), image=n % 3 + 1, name=f"s{n}") for n in range(9)]
    assert found(*slices) == [("s0.png", "same-image"), ("s1.png", "same-image"), ("s2.png", "same-image")]


def test_images_without_a_file_or_unread_are_no_twins():
    embedded = [result(scaled(1 + n), embedded=True) for n in range(3)]
    unread = [SliceResult(r.slice, {}, frozenset(), False, (), ()) for r in (result([]), result([]))]
    assert not found(*embedded, *unread)


def test_a_slice_that_could_not_be_measured_can_have_the_image_of_another():
    lost = result([], image=4, name="b")
    assert found(result(DRAWN, image=4, name="a"), lost) == [("a.png", "same-image")]


# The same contours


def test_contours_carried_over_to_other_images():
    slices = [result(scaled(1.1)), result(DRAWN, name="a"), result(scaled(1.2)), result(DRAWN, name="b")]
    (problem,) = duplicate_problems(slices)
    assert (problem.file, problem.severity, problem.code) == ("a.json", "warning", "same-contours")
    assert "all 7 regions have the pixels and areas of b.json; expected" in problem.message
    assert problem.line().count("; ") == 2


def test_embedded_images_have_contours_too():
    assert found(*(result(DRAWN, name=name, embedded=True) for name in "ab")) == [("a.json", "same-contours")]


@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize("change", [(1, 0), (0, 0.001), (0, None)])
def test_all_regions_must_be_alike(place, change):
    px, area = DRAWN[place]
    moved = (px + change[0], None if change[1] is None else area + change[1])
    other = [*DRAWN[:place], moved, *DRAWN[place + 1 :]]
    assert not found(result(DRAWN), result(other))
    assert not found(result(DRAWN), result([*DRAWN[:place], *DRAWN[place + 1 :]]))


def test_the_same_areas_in_other_regions_are_other_contours():
    assert not found(result(DRAWN), result(DRAWN[::-1]))


def test_the_last_digits_of_an_area_do_not_matter():
    """The same corners, counted from another one, may differ there."""
    other = [(px, np.nextafter(area, 0)) for px, area in DRAWN]
    assert found(result(DRAWN, name="a"), result(other)) == [("a.json", "same-contours")]


def test_slices_of_one_image_are_not_named_again_for_their_contours():
    twins = [result(DRAWN, image=1, name=name) for name in "abc"]
    assert found(*twins) == [("a.png", "same-image")]


def test_slices_of_one_image_stand_as_one_beside_another_with_their_contours():
    slices = [result(DRAWN, image=1, name="a"), result(DRAWN, image=1, name="b"), result(DRAWN, name="c")]
    problems = duplicate_problems(slices)
    assert [(p.file, p.code) for p in problems] == [("a.png", "same-image"), ("a.json", "same-contours")]
    assert "c.json; expected" in problems[1].message
    assert "b.json" not in problems[1].message


def test_a_slice_of_one_image_whose_contours_are_those_of_a_third():
    slices = [result(scaled(2), image=1, name="a"), result(DRAWN, image=1, name="b"), result(DRAWN, name="c")]
    assert found(*slices) == [("a.png", "same-image"), ("b.json", "same-contours")]


# What may be alike by chance


def test_fewer_than_three_regions_tell_nothing():
    for n in (0, 1, 2):
        assert not found(result(DRAWN[:n]), result(DRAWN[:n]))
    assert found(result(DRAWN[:3], name="a"), result(DRAWN[:3])) == [("a.json", "same-contours")]


@pytest.mark.parametrize("n", [3, 6])
@pytest.mark.parametrize("radius", [10, 12.5, np.sqrt(150)])
def test_circles_of_one_size_in_each_muscle_are_a_protocol(n, radius):
    """The same area in every slice, for a reason; also where each muscle has a size of its own."""
    circle = (round(np.pi * radius**2) + 9, np.pi * radius**2)
    assert not found(*(result([circle] * n) for _ in range(3)))
    by_muscle = [(px * (i // 2 + 2), area * (i // 2 + 2)) for i, (px, area) in enumerate([circle] * 6)]
    assert not found(*(result(by_muscle) for _ in range(3)))


def test_two_regions_alike_by_chance_hide_nothing():
    alike = [DRAWN[0], DRAWN[0], *DRAWN[2:]]
    assert found(result(alike, name="a"), result(alike)) == [("a.json", "same-contours")]


def cohort(
    seed: int, slices: int, sizes: Sequence[float], steps_px: float, circles: bool = False
) -> list[Counts]:
    """Counts of honest slices: sizes of muscles vary by a fifth between them, left and right by less.

    ``steps_px``: the steps of areas, as the corners have them; 0 for label maps, whose areas are pixels.
    """
    random = np.random.default_rng(seed)
    found = []
    for _ in range(slices):
        body = random.normal(1, 0.15)
        areas = np.abs(np.array(sizes) * body * random.normal(1, 0.07, len(sizes))) + 5
        if circles:
            areas = np.pi * np.round(areas / np.pi)
        pixels = np.round(areas + 1.8 * np.sqrt(areas) + random.normal(0, 1, len(sizes)) * (steps_px > 0))
        if steps_px and not circles:
            areas = np.round(areas / steps_px) * steps_px
        found.append(
            [(int(px), float(area) if steps_px else int(px)) for px, area in zip(pixels, areas, strict=True)]
        )
    return found


@pytest.mark.parametrize(
    ("sizes", "steps_px", "circles"),
    [
        ((40, 42, 90), 0, False),  # label maps of few pixels and regions
        ((12, 12, 20, 20, 15, 15, 25), 0, False),  # and of very few pixels
        ((14, 14, 20), 0.5, False),  # polygons with corners on pixels
        ((14, 14, 20), 0.125, False),  # and half-way between, as around label maps
        ((100, 100, 200), 0.5, True),  # circles drawn from pixel to pixel
    ],
)
def test_slices_that_are_alike_by_chance_are_not_named(sizes, steps_px, circles):
    slices = cohort(1, 4000, sizes, steps_px, circles)
    by_chance = Counter(map(tuple, slices))
    assert max(by_chance.values()) > 1, "honest slices with the same counts"
    assert not found(*map(result, slices))


@pytest.mark.parametrize(
    ("sizes", "steps_px"),
    [
        ((1400, 1400, 2500, 2500, 1900, 1900, 3000), 0),  # label maps of 512 × 512
        ((400, 400, 700, 700, 500, 500, 800), 0),  # of 256 × 256
        ((1400, 1400, 2500, 2500, 3000), 0.5),  # corners on pixels
        ((60, 60, 100), 0.005),  # corners with one decimal
    ],
)
def test_a_copy_among_many_is_named_and_nothing_else(sizes, steps_px):
    slices = [result(counts) for counts in cohort(2, 4000, sizes, steps_px)]
    assert not found(*slices)
    original = slices[1234]
    copy = result([(c.csa_px, c.contour_area_px) for c in original.counts.values()])
    assert found(*slices, copy) == [(original.slice.annotation, "same-contours")]


# Very many slices


class Once(Sequence[SliceResult]):
    """Results that may be gone through once, and looked up one by one; the look-ups are counted."""

    def __init__(self, results: Sequence[SliceResult]) -> None:
        self.results, self.passes, self.looks = results, 0, 0

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, place):
        self.looks += 1
        return self.results[place]

    def __iter__(self) -> Iterator[SliceResult]:
        self.passes += 1
        return iter(self.results)


def test_fifty_slices_under_very_many_names_give_fifty_warnings():
    results = Once([result(scaled(1 + n % 50 / 100), image=n % 50 + 1) for n in range(5000)])
    problems = duplicate_problems(results)
    assert [problem.code for problem in problems] == ["same-image"] * 50
    assert {problem.message.count("and 95 more") for problem in problems} == {1}
    assert (results.passes, results.looks) == (1, 50 * 5)


# Whole datasets


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """ALS_2 L3 has the image of ALS_1 L3, LR_1 L4 the contours of ALS_1 L4; all else is its own."""
    root = tmp_path / "data"
    for number, stem in enumerate(f"{who}_{n}" for who in ("ALS_1", "ALS_2", "LR_1") for n in (3, 4)):
        write_slice(root, stem, grey_image(seed=number), hand_drawn(number))
    shutil.copy(root / "ALS_1_3.png", root / "ALS_2_3.png")
    carry_over(root, "ALS_1_4", "LR_1_4")
    return root


def carry_over(root: Path, here: str, there: str) -> None:
    """What LabelMe saves with "Keep Previous Annotation": the same shapes, and another imagePath."""
    shapes = json.loads((root / f"{here}.json").read_text())["shapes"]
    content = json.loads((root / f"{there}.json").read_text())
    (root / f"{there}.json").write_text(json.dumps(content | {"shapes": shapes}))


EXPECTED = {("ALS_1_3.png", "", "warning", "same-image"), ("ALS_1_4.json", "", "warning", "same-contours")}


def test_check_quantify_and_run_warn_and_end_well(data, tmp_path):
    outcome, problems = check(data, tmp_path / "problems.json")
    assert outcome.code == 0
    assert {(p["file"], p["shape"], p["severity"], p["code"]) for p in problems} == EXPECTED
    outcome = run("quantify", data, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "ALS_1_3.png: warning: the image file is the same, byte for byte, as ALS_2_3.png;" in outcome.err
    assert problems_of(tmp_path / "out") == EXPECTED
    assert run("run", data, "--out", tmp_path / "study", "--quiet").code == 0
    assert problems_of(tmp_path / "study" / "results") == EXPECTED


def test_contours_that_were_moved_a_little_are_no_twins(data, tmp_path):
    content = json.loads((data / "LR_1_4.json").read_text())
    content["shapes"][0]["points"][0][0] += 0.5
    (data / "LR_1_4.json").write_text(json.dumps(content))
    run("quantify", data, "--out", tmp_path / "out")
    assert {code for *_, code in problems_of(tmp_path / "out")} == {"same-image"}


def test_twins_in_several_shares_are_found_when_these_are_joined(data, tmp_path):
    run("quantify", data, "--out", tmp_path / "whole", "--quiet")
    for who in ("ALS_1", "ALS_2", "LR_1"):
        assert run("quantify", data, "--out", tmp_path / who, "--participant-label", who, "--quiet").code == 0
        assert not problems_of(tmp_path / who), "a share knows its own slices only"
    assert run("merge", *(tmp_path / who for who in ("LR_1", "ALS_2")), "--out", tmp_path / "some").code == 0
    assert not problems_of(tmp_path / "some")
    joined = run("merge", tmp_path / "some", tmp_path / "ALS_1", "--out", tmp_path / "joined")
    assert joined.code == 0
    assert problems_of(tmp_path / "joined") == EXPECTED
    assert fingerprint(tmp_path / "joined") == fingerprint(tmp_path / "whole")


def test_label_maps_that_were_carried_over(data, tmp_path):
    """They have no areas beyond their pixels, but seven regions of hundreds of pixels are enough."""
    assert run("masks", data, "--out", tmp_path / "masks", "--quiet").code == 0
    run("quantify", data, "--masks", tmp_path / "masks", "--out", tmp_path / "out")
    assert {code for *_, code in problems_of(tmp_path / "out")} == TWINS


def test_a_file_under_two_names_in_a_stack(tmp_path):
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3_a", shapes=hand_drawn(1), imagePath="")
    for ending in ("png", "json"):
        shutil.copy(root / f"ALS_1_3_a.{ending}", root / f"ALS_1_3_b.{ending}")
    assert run("quantify", root, "--out", tmp_path / "out").code == 0
    assert problems_of(tmp_path / "out") == {("ALS_1_3_a.png", "", "warning", "same-image")}
    (row, *_) = read_csv(tmp_path / "out" / "L3.csv")
    assert row["slices"] == "2", "both are measured: nothing is left out without a word"


def test_upright_rectangles_of_one_size_are_no_hand_of_anybody(tmp_path):
    """As the slices of these tests have them: left and right alike, corners on pixels."""
    root = write_dataset(tmp_path / "data", 3, 2)
    write_slice(root, "ALS_9_3", shapes=[*SHAPES, polygon("QL_L", box(66, 45, 70, 55))])
    run("quantify", root, "--out", tmp_path / "out", "--quiet")
    assert not TWINS & {code for *_, code in problems_of(tmp_path / "out")}
