"""One slice under two names: the same image file, or contours that were carried over to another image."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from itertools import count, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.core.model import Contour, RegionCount, Slice, SliceResult
from mriparaspinal.measure.duplicates import drawing_digest, duplicate_problems
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
    drawing = repr(counts).encode() if counts else b""
    return SliceResult(slice_, regions, frozenset(regions), True, (), tuple(sha256), drawing=drawing)


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


def test_fifty_slices_under_very_many_names_give_fifty_warnings():
    results = [result(scaled(1 + n % 50 / 100), image=n % 50 + 1) for n in range(5000)]
    problems = duplicate_problems(results)
    assert [problem.code for problem in problems] == ["same-image"] * 50
    assert {problem.message.count("and 95 more") for problem in problems} == {1}


# The digest of contours

POINTS = ((10.5, 3.25), (20.0, 4.0), (18.0, 15.75), (3.0, 9.0), (12.0, 6.5))
CIRCLE = Contour("IVD", "circle", ((30.0, 30.0), (34.0, 30.0)))
MASK = np.array([[True, False], [True, True]])


def digest(*contours: Contour) -> bytes:
    return drawing_digest([((contour.label, ""), contour) for contour in contours])


def drawn(points: Sequence[tuple[float, float]], label: str = "MF") -> Contour:
    return Contour(label, "polygon", tuple(points))


@pytest.mark.parametrize("start", range(5))
def test_a_polygon_may_begin_anywhere_and_run_in_either_direction(start):
    expected = digest(drawn(POINTS))
    turned = POINTS[start:] + POINTS[:start]
    assert digest(drawn(turned)) == expected
    assert digest(drawn(turned[::-1])) == expected
    assert digest(drawn((*turned, turned[0]))) == expected, "closed, which says nothing new"


def test_the_order_of_several_shapes_does_not_matter():
    shapes = [drawn(POINTS), drawn([(x + 40, y) for x, y in POINTS]), CIRCLE]
    assert len({digest(*order) for order in permutations(shapes)}) == 1
    assert digest(*shapes) != digest(*shapes[:2])
    assert digest(*shapes) != digest(shapes[0], *shapes)


@pytest.mark.parametrize(
    "other",
    [
        drawn([*POINTS[:4], (12.0, 6.5000000001)]),
        drawn([(x + 1, y) for x, y in POINTS]),  # as large, and elsewhere
        drawn([POINTS[1], POINTS[0], *POINTS[2:]]),
        drawn(POINTS, "ES"),
        Contour("MF", "linestrip", POINTS),
    ],
)
def test_what_is_drawn_otherwise_has_another_digest(other):
    assert digest(other) != digest(drawn(POINTS))


def test_circles_go_by_their_points_and_masks_by_their_pixels():
    assert digest(CIRCLE) == digest(Contour("IVD", "circle", CIRCLE.points))
    assert digest(CIRCLE) != digest(Contour("IVD", "circle", CIRCLE.points[::-1]))
    corners = ((5.0, 6.0), (6.0, 7.0))
    mask = Contour("MF", "mask", corners, MASK)
    assert digest(mask) == digest(Contour("MF", "mask", corners, MASK.copy()))
    assert digest(mask) != digest(Contour("MF", "mask", corners, ~MASK))
    assert digest(mask) != digest(Contour("MF", "mask", ((5.0, 7.0), (6.0, 8.0)), MASK))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8), st.integers(0, 7))
def test_any_points_have_a_digest_and_those_of_a_simple_outline_one(points, start):
    expected = digest(drawn(points))
    if len(set(points)) == len(points):
        turned = points[start % len(points) :] + points[: start % len(points)]
        assert digest(drawn(turned[::-1])) == expected


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


def test_contours_that_begin_elsewhere_or_run_backwards_are_the_same(data, tmp_path):
    content = json.loads((data / "LR_1_4.json").read_text())
    for number, shape in enumerate(content["shapes"]):
        points = shape["points"]
        shape["points"] = points[number % 4 :] + points[: number % 4]
        if number % 2:
            shape["points"].reverse()
    content["shapes"].reverse()
    (data / "LR_1_4.json").write_text(json.dumps(content))
    run("quantify", data, "--out", tmp_path / "out")
    assert problems_of(tmp_path / "out") == EXPECTED


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
