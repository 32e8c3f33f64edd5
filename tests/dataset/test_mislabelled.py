"""One contour under two labels, a region inside another, two regions under one label: none is measured."""

from __future__ import annotations

import numpy as np
import pytest

from mriparaspinal.core.model import Contour
from tests.dataset.test_anatomy import IVD, MUSCLES, SIDED, codes, contours_of, shape_of, sort
from tests.support.builders.slices import box

REFERENCE = ("IVD", "")


def told(anatomy):
    return [(p.severity, p.code, p.shape) for p in anatomy.problems]


def with_points(label, points):
    contours = [c for c in contours_of(SIDED, IVD=IVD) if c.label != label]
    return sort([*contours, Contour(label, "polygon", tuple(map(tuple, points)))])


MF_R = box(*SIDED["MF_R"])


@pytest.mark.parametrize(
    "points",
    [
        MF_R,
        MF_R[2:] + MF_R[:2],
        MF_R[::-1],
        [*MF_R, MF_R[0]],
        [point for point in MF_R for _ in range(2)],
    ],
    ids=["same", "another first point", "other direction", "closed", "each point twice"],
)
def test_one_contour_under_two_labels_of_a_side(points):
    anatomy = with_points("ES_R", points)
    assert told(anatomy) == [("error", "two-labels", "MF_R, ES_R")]
    assert set(anatomy.patches) == MUSCLES - {("ES", "right"), ("MF", "right")} | {REFERENCE}
    assert {("ES", "right"), ("MF", "right")} <= anatomy.seen, "not told to be missing as well"


def test_one_contour_as_left_and_as_right():
    anatomy = with_points("MF_L", MF_R)
    assert told(anatomy) == [("error", "two-labels", "MF_R, MF_L")]
    assert set(anatomy.patches) == MUSCLES - {("MF", "left"), ("MF", "right")} | {REFERENCE}


def test_one_contour_as_muscle_and_reference():
    anatomy = with_points("MF_R", box(*IVD))
    assert told(anatomy) == [("error", "two-labels", "IVD, MF_R")]
    assert REFERENCE not in anatomy.patches


def test_disc_and_vertebra_may_be_one_contour():
    anatomy = sort(contours_of(SIDED, IVD=IVD, VB=IVD))
    assert codes(anatomy) == []
    assert {REFERENCE, ("VB", "")} <= set(anatomy.patches)


def test_nearly_the_same_contour():
    # By hand, centres within both: 13 of 14 columns and all 19 rows; 13 · 19 / (14 · 19) = 0.93, and 0.97.
    left, top, right, bottom = SIDED["MF_R"]
    assert told(with_points("ES_R", box(left - 1, top, right, bottom)))[0][1] == "inside-another"
    anatomy = with_points("ES_R", box(left - 0.2, top - 0.2, right + 0.2, bottom + 0.2))
    assert told(anatomy) == [("error", "two-labels", "MF_R, ES_R")]


def test_a_region_inside_another():
    anatomy = with_points("ES_L", box(64, 60, 105, 89))
    assert told(anatomy) == [("error", "inside-another", "MF_L, ES_L")]
    # Pixels whose centres lie within 66 … 80 and 65 … 84: 14 × 19.
    assert "MF_L lies inside of ES_L (266 of 266 px)" in anatomy.problems[0].message
    assert set(anatomy.patches) == MUSCLES - {("ES", "left"), ("MF", "left")} | {REFERENCE}
    assert {key for key, _ in anatomy.contours} == set(anatomy.patches) == set(anatomy.areas_px)


def test_most_of_a_region_inside_another_stays_a_warning():
    # 12 of its 14 columns: 86 %.
    anatomy = with_points("ES_L", box(68, 60, 105, 89))
    assert told(anatomy) == [("warning", "overlap", "MF_L, ES_L")]
    assert set(anatomy.patches) == MUSCLES | {REFERENCE}


def test_subcutaneous_fat_may_lie_around_all():
    anatomy = sort(contours_of(SIDED, IVD=IVD, SAT=(2, 2, 117, 97)))
    assert set(codes(anatomy)) == {"overlap"}
    assert set(anatomy.patches) == MUSCLES | {REFERENCE, ("SAT", "")}


def test_a_mask_drawn_twice():
    mask = np.ones((20, 15), dtype=bool)
    masks = [Contour(label, "mask", ((40.0, 65.0), (54.0, 84.0)), mask) for label in ("MF_R", "ES_R")]
    others = [c for c in contours_of(SIDED, IVD=IVD) if c.label not in ("MF_R", "ES_R")]
    assert told(sort([*others, *masks])) == [("error", "two-labels", "MF_R, ES_R")]


@pytest.mark.parametrize("place", [SIDED["ES_L"], (64, 60, 105, 89), SIDED["MF_L"]], ids=str)
def test_a_second_region_under_the_label_of_the_first(place):
    contours = [c for c in contours_of(SIDED, IVD=IVD) if c.label != "ES_L"]
    anatomy = sort([*contours, shape_of("MF_L", place)])
    assert told(anatomy) == [("error", "one-label", "MF_L")]
    assert "none of ES_L" in anatomy.problems[0].message
    assert set(anatomy.patches) == MUSCLES - {("ES", "left"), ("MF", "left")} | {REFERENCE}
    assert ("ES", "left") in anatomy.seen


@pytest.mark.parametrize("left_out", [(), ("ES_L", "ES_R")])
def test_parts_are_parts_where_no_muscle_of_the_side_is_missing(left_out):
    parts = {"MF_L": (66, 65, 72, 84)}
    contours = [c for c in contours_of(SIDED | parts, IVD=IVD) if c.label not in left_out]
    anatomy = sort([*contours, shape_of("MF_L", (73, 65, 80, 84))])
    assert codes(anatomy) == []
    assert ("MF", "left") in anatomy.patches


def test_as_many_parts_on_either_side_are_parts():
    halves = {"MF_L": (66, 65, 72, 84), "MF_R": (40, 65, 46, 84)}
    contours = [c for c in contours_of(SIDED | halves, IVD=IVD) if c.label != "ES_L"]
    others = [shape_of("MF_L", (74, 65, 80, 84)), shape_of("MF_R", (48, 65, 54, 84))]
    assert codes(sort([*contours, *others])) == []
