"""Which contour becomes which region: labels, positions, displays, parts and faults."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import Contour, Settings
from mriparaspinal.dataset.anatomy import sort_contours
from tests.support.builders.slices import box

SHAPE = (100, 120)
#: A whole slice in radiological display; the midline is column 60.
SIDED = {
    "PM_R": (10, 20, 29, 39),
    "PM_L": (91, 20, 110, 39),
    "ES_R": (15, 60, 34, 89),
    "ES_L": (86, 60, 105, 89),
    "MF_R": (40, 65, 54, 84),
    "MF_L": (66, 65, 80, 84),
}
IVD = (40, 20, 80, 49)
MUSCLES = {(name[:2], "left" if name[-1] == "L" else "right") for name in SIDED}


def shape_of(label, corners):
    return Contour(label, "polygon", tuple(map(tuple, box(*corners))))


def contours_of(sided, **others):
    return [shape_of(label, corners) for label, corners in {**sided, **others}.items()]


def sort(contours, broken=(), aliases=None, **settings):
    return sort_contours(contours, SHAPE, Settings(**settings), aliases or {}, "a.json", broken)


def codes(anatomy):
    return sorted(problem.code for problem in anatomy.problems)


def drawn(*outlines):
    """The union of polygons, each drawn by Pillow on the full canvas."""
    together = np.zeros(SHAPE, dtype=bool)
    for points in outlines:
        canvas = Image.new("L", SHAPE[::-1])
        ImageDraw.Draw(canvas).polygon(list(map(tuple, points)), outline=1, fill=1)
        together |= np.asarray(canvas) > 0
    return together


# ---------------------------------------------------------------- a sound slice


def test_a_whole_slice():
    anatomy = sort(contours_of(SIDED, IVD=IVD))
    assert anatomy.problems == []
    assert set(anatomy.patches) == anatomy.seen == MUSCLES | {("IVD", "")}
    for label, corners in {**SIDED, "IVD": IVD}.items():
        key = next(k for k in anatomy.patches if str(Region(*k)) == label)
        assert (anatomy.patches[key].full(SHAPE) == drawn(box(*corners))).all()
        assert anatomy.areas_px[key] == (corners[2] - corners[0]) * (corners[3] - corners[1])


@pytest.mark.parametrize("image_left", ["right", "left"])
@pytest.mark.parametrize("reference", ["IVD", "VB"])
def test_muscles_without_a_side_take_that_of_their_place(image_left, reference):
    contours = [shape_of(label[:2], corners) for label, corners in SIDED.items()]
    anatomy = sort([*contours, shape_of(reference, IVD)], image_left=image_left)
    assert anatomy.problems == []
    assert set(anatomy.patches) == MUSCLES | {(reference, "")}
    for label, corners in SIDED.items():
        right_of_patient = (corners[0] < 60) == (image_left == "right")
        key = (label[:2], "right" if right_of_patient else "left")
        assert (anatomy.patches[key].full(SHAPE) == drawn(box(*corners))).all()


def test_the_reference_that_was_asked_for_parts_left_from_right():
    # The disc lies askew: its centroid is column 30, that of the vertebral body 60.
    contours = [
        shape_of("MF", SIDED["MF_R"]),
        shape_of("IVD", (20, 20, 40, 49)),
        shape_of("VB", (40, 5, 80, 30)),
    ]
    assert ("MF", "right") in sort(contours, reference="VB").patches
    assert ("MF", "left") in sort(contours, reference="IVD").patches


def test_aliases_name_regions():
    contours = contours_of({"Muskel eins": SIDED["MF_L"], "Scheibe": IVD})
    anatomy = sort(contours, aliases={"muskel eins": "left multifidus", "scheibe": "IVD"})
    assert set(anatomy.patches) == {("MF", "left"), ("IVD", "")}


def test_other_labels_are_handed_back_in_order():
    anatomy = sort(contours_of(SIDED, fat=IVD, IVD=IVD, MF_X=IVD))
    assert anatomy.ignored == ["fat", "MF_X"]
    assert anatomy.problems == []


# ---------------------------------------------------------------- sides that are missing or contradict


def test_an_unsided_contour_across_the_midline_is_an_error():
    anatomy = sort(contours_of(SIDED | {"ES": (50, 60, 70, 89)}, IVD=IVD))
    (problem,) = [p for p in anatomy.problems if p.severity == "error"]
    assert (problem.code, problem.shape) == ("crosses-midline", "ES")
    assert ("MF", "left") in anatomy.patches
    assert ("ES", "") in anatomy.seen


def test_an_unsided_contour_that_ends_just_beside_the_midline_has_a_side():
    # The disc's pixels are the columns 40 to 80: their mean is 60.
    for corners, side in (((20, 60, 59, 89), "right"), ((61, 60, 90, 89), "left")):
        anatomy = sort(contours_of({"ES": corners}, IVD=IVD))
        assert set(anatomy.patches) == {("ES", side), ("IVD", "")}
    for corners in ((20, 60, 60, 89), (60, 60, 90, 89)):
        assert codes(sort(contours_of({"ES": corners}, IVD=IVD))) == ["crosses-midline"]


@pytest.mark.parametrize("rule", ["labelme", "centre"])
def test_an_unsided_contour_that_leaves_the_image_at_the_top_does_not_cross_the_midline(rule):
    anatomy = sort(contours_of({"PM": (91, -5, 110, 39)}, IVD=IVD), mask_rule=rule)
    assert set(anatomy.patches) == {("PM", "left"), ("IVD", "")}
    assert codes(anatomy) == ["leaves-image"]


def test_a_label_with_a_side_may_cross_the_midline():
    anatomy = sort(contours_of({"MF_L": (55, 65, 80, 84)}, IVD=IVD))
    assert set(anatomy.patches) == {("MF", "left"), ("IVD", "")}
    assert anatomy.problems == []


def test_no_side_without_a_reference():
    anatomy = sort(contours_of({"MF": SIDED["MF_R"], "ES_L": SIDED["ES_L"], "ES_R": SIDED["ES_R"]}))
    assert codes(anatomy) == ["side-unknown"]
    assert set(anatomy.patches) == {("ES", "left"), ("ES", "right")}
    assert "MF_L" in anatomy.problems[0].message


def test_no_side_from_a_reference_that_is_only_there_in_part():
    # Its left half is broken: the right half's middle, column 70, lies right of the left multifidus.
    contours = contours_of({"MF": (62, 65, 68, 84), "IVD": (61, 20, 80, 49)})
    anatomy = sort(contours, broken=(Region("IVD", ""),))
    assert anatomy.patches == {}
    assert codes(anatomy) == ["faulty-part", "side-unknown"]


def test_sides_without_a_reference_are_checked_against_each_other():
    anatomy = sort(contours_of(SIDED))
    assert set(anatomy.patches) == MUSCLES
    assert anatomy.problems == []


def mirrored(sided):
    return {
        label: (120 - right, top, 120 - left, bottom) for label, (left, top, right, bottom) in sided.items()
    }


@pytest.mark.parametrize("with_reference", [True, False])
@pytest.mark.parametrize("image_left", ["right", "left"])
def test_where_all_labels_contradict_the_display_one_message_names_the_option(with_reference, image_left):
    sided = mirrored(SIDED) if image_left == "right" else SIDED
    others = {"IVD": IVD} if with_reference else {}
    anatomy = sort(contours_of(sided, **others), image_left=image_left)
    (problem,) = anatomy.problems
    assert (problem.code, problem.severity) == ("side-contradicts-display", "error")
    other = "left" if image_left == "right" else "right"
    assert f"--image-left {other}" in problem.remedy
    assert all(label in problem.shape for label in SIDED)
    assert set(anatomy.patches) == ({("IVD", "")} if with_reference else set())
    assert anatomy.seen >= MUSCLES
    # and the option that the message names is right
    again = sort(contours_of(sided, **others), image_left=other)
    assert again.problems == []
    assert set(again.patches) >= MUSCLES


@pytest.mark.parametrize("with_reference", [True, False])
def test_one_swapped_pair_is_one_error_and_costs_that_pair(with_reference):
    swapped = SIDED | {"MF_L": SIDED["MF_R"], "MF_R": SIDED["MF_L"]}
    anatomy = sort(contours_of(swapped, **({"IVD": IVD} if with_reference else {})))
    (problem,) = anatomy.problems
    assert (problem.code, problem.shape) == ("side-contradicts-display", "MF_L, MF_R")
    assert "exchanged" in problem.message
    assert "--image-left left" not in problem.remedy
    assert set(anatomy.patches) - {("IVD", "")} == {key for key in MUSCLES if key[0] != "MF"}


def test_one_label_on_the_wrong_side():
    anatomy = sort(contours_of(SIDED | {"PM_L": (12, 45, 30, 55)}, IVD=IVD))
    (problem,) = anatomy.problems
    assert (problem.code, problem.shape) == ("side-contradicts-display", "PM_L")
    assert "labelled left" in problem.message
    assert ("PM", "left") not in anatomy.patches
    assert ("PM", "right") in anatomy.patches


# ---------------------------------------------------------------- several shapes of one region


def test_parts_that_lie_apart_are_one_region():
    parts = [(15, 60, 24, 70), (15, 75, 34, 89)]
    anatomy = sort([*contours_of({"IVD": IVD}), *(shape_of("ES_R", part) for part in parts)])
    assert anatomy.problems == []
    assert (anatomy.patches["ES", "right"].full(SHAPE) == drawn(*(box(*p) for p in parts))).all()
    assert anatomy.areas_px["ES", "right"] == 9 * 10 + 19 * 14


def test_parts_that_touch_have_each_pixel_once_and_their_whole_area():
    parts = [(15, 60, 24, 70), (15, 70, 24, 80)]
    anatomy = sort([shape_of("ES_R", part) for part in parts])
    assert anatomy.problems == []
    assert anatomy.patches["ES", "right"].pixels.sum() == 10 * 21
    assert anatomy.areas_px["ES", "right"] == 9 * 20


def test_parts_that_overlap_have_each_pixel_once_and_no_area():
    parts = [(15, 60, 24, 72), (15, 68, 24, 80)]
    anatomy = sort([shape_of("ES_R", part) for part in parts])
    assert codes(anatomy) == ["parts-overlap"]
    assert anatomy.problems[0].severity == "warning"
    assert anatomy.patches["ES", "right"].pixels.sum() == 10 * 21
    assert anatomy.areas_px["ES", "right"] is None


def test_a_label_with_and_one_without_a_side_can_be_parts_of_one_region():
    anatomy = sort(contours_of({"ES_R": (15, 60, 24, 70), "ES": (15, 75, 34, 89)}, IVD=IVD))
    assert anatomy.problems == []
    assert anatomy.patches["ES", "right"].pixels.sum() == 10 * 11 + 20 * 15


@pytest.mark.parametrize("fault", ["outside", "flat", "wrong side", "broken"])
def test_one_faulty_part_drops_its_region_alone(fault):
    part = {
        "outside": (200, 60, 220, 70),
        "flat": (15, 60, 15, 60),
        "wrong side": (86, 60, 105, 65),
        "broken": None,
    }[fault]
    contours = contours_of(SIDED, IVD=IVD)
    broken = (Region("ES", "right"),) if part is None else ()
    contours += [] if part is None else [shape_of("ES_R", part)]
    anatomy = sort(contours, broken=broken)
    assert set(anatomy.patches) == MUSCLES - {("ES", "right")} | {("IVD", "")}
    assert "faulty-part" in codes(anatomy)
    assert ("ES", "right") in anatomy.seen


# ---------------------------------------------------------------- outside the image


@pytest.mark.parametrize(
    "corners",
    [
        (-40, 60, -5, 89),
        (121, 60, 140, 89),
        (15, -30, 34, -2),
        (15, 101, 34, 120),
        # touches no pixel, though its box does
        (120, 60, 140, 89),
        (15, 100, 34, 130),
    ],
)
def test_a_contour_wholly_outside_is_an_error(corners):
    anatomy = sort(contours_of({"ES_R": corners}))
    assert anatomy.patches == {}
    assert codes(anatomy) == ["outside-image"]
    assert anatomy.problems[0].severity == "error"
    assert anatomy.seen == {("ES", "right")}


def test_a_contour_in_a_corner_beside_the_image_is_outside():
    beside = Contour("ES_R", "polygon", ((-10.0, 5.0), (5.0, -10.0), (-10.0, -10.0)))
    anatomy = sort([beside], mask_rule="centre")
    assert anatomy.patches == {}
    assert "outside-image" in codes(anatomy)


@pytest.mark.parametrize(
    "corners", [(-10, 60, 34, 89), (86, 60, 130, 89), (15, -10, 34, 20), (15, 80, 34, 110)]
)
def test_a_contour_partly_outside_is_measured_inside_with_a_warning(corners):
    label = "ES_R" if corners[0] < 60 else "ES_L"
    anatomy = sort(contours_of({label: corners}))
    (problem,) = anatomy.problems
    assert (problem.code, problem.severity) == ("leaves-image", "warning")
    (patch,) = anatomy.patches.values()
    assert (patch.full(SHAPE) == drawn(box(*corners))).all()
    area = (corners[2] - corners[0]) * (corners[3] - corners[1])
    assert list(anatomy.areas_px.values()) == [area]


def test_a_contour_along_the_edges_of_the_image_is_inside():
    assert sort(contours_of({"VB": (0, 0, 120, 100)})).problems == []


@pytest.mark.parametrize(("left", "top", "leaves"), [(116, 96, False), (117, 96, True), (116, 97, True)])
def test_a_mask_leaves_the_image_with_its_last_column_or_row(left, top, leaves):
    pixels = np.ones((4, 4), dtype=bool)
    corners = ((float(left), float(top)), (left + 3.0, top + 3.0))
    anatomy = sort([Contour("ES_L", "mask", corners, pixels)])
    assert codes(anatomy) == (["leaves-image"] if leaves else [])
    assert anatomy.patches["ES", "left"].pixels.sum() == (12 if leaves else 16)
    assert anatomy.areas_px["ES", "left"] == 16


# ---------------------------------------------------------------- warnings about contours


def test_a_flat_contour_is_an_error_also_where_rounding_hides_it():
    for points in (((5, 5), (50, 50), (30, 30)), ((10.1, 10.3), (10.2, 10.6), (10.3, 10.9), (30.1, 70.3))):
        anatomy = sort([Contour("MF_L", "polygon", points)])
        assert codes(anatomy) == ["no-area"]
        assert anatomy.patches == {}


def test_a_contour_that_crosses_itself_is_measured_with_a_warning():
    anatomy = sort([Contour("MF_L", "polygon", ((10, 10), (30, 30), (30, 10), (10, 30)))])
    assert codes(anatomy) == ["self-crossing"]
    assert ("MF", "left") in anatomy.patches


@pytest.mark.parametrize("moved", range(3, 30, 3))
def test_the_warning_of_overlap_tells_how_many_pixels(moved):
    a, b = (15, 60, 34, 89), (15 + moved, 60 + moved, 50, 95)
    anatomy = sort(contours_of({"ES_R": a, "MF_R": b}))
    size = int((drawn(box(*a)) & drawn(box(*b))).sum())
    assert size == max(0, 20 - moved) * max(0, 30 - moved)
    # Without the last row and column, which the rule adds to each box of corners on whole pixels.
    if moved < 19:
        (problem,) = anatomy.problems
        assert (problem.code, problem.severity, problem.shape) == ("overlap", "warning", "ES_R, MF_R")
        # Of that, by hand, the common area of the two boxes.
        area = (19 - moved) * (29 - moved)
        assert f"share {size} px, {area} of them beyond the edges" in problem.message
    else:
        assert anatomy.problems == []
    assert anatomy.patches["ES", "right"].pixels.sum() == 20 * 30


@pytest.mark.parametrize("other", [(34, 80, 50, 95), (34, 60, 50, 80), (15, 80, 34, 95)])
def test_contours_that_touch_share_only_what_the_rule_adds(other):
    a = (15, 60, 34, 80)
    assert (drawn(box(*a)) & drawn(box(*other))).any()
    assert sort(contours_of({"ES_R": a, "MF_R": other})).problems == []


@pytest.mark.parametrize("width", [0.1, 0.2, 0.4])
def test_an_overlap_thinner_than_the_edges_that_the_rule_draws_is_none(width):
    # The centres of a column of pixels lie in both, and both draw that column as their edge.
    a, b = (15, 60, 50.5 + width / 2, 89), (50.5 - width / 2, 60, 80, 89)
    both = drawn(box(*a)) & drawn(box(*b))
    assert np.flatnonzero(both.any(axis=0)).tolist() == [50]
    assert sort(contours_of({"ES_R": a, "MF_R": b})).problems == []


def test_an_overlap_of_masks_counts_each_pixel():
    one, other = np.ones((10, 10), dtype=bool), np.ones((10, 10), dtype=bool)
    contours = [
        Contour("ES_R", "mask", ((10.0, 60.0), (19.0, 69.0)), one),
        Contour("MF_R", "mask", ((19.0, 60.0), (28.0, 69.0)), other),
    ]
    (problem,) = sort(contours).problems
    assert problem.message == "the contours share 10 px; expected them apart"


def test_overlap_of_one_pixel_is_told():
    # Under the rule that adds nothing: one pixel; Pillow's masks share 2 × 2.
    (problem,) = sort(contours_of({"ES_R": (15, 60, 34, 80), "MF_R": (33, 79, 50, 95)})).problems
    assert "share 4 px, 1 of them beyond" in problem.message


def test_overlap_of_three_regions_is_told_for_each_pair():
    places = {"ES_R": (15, 60, 34, 89), "MF_R": (20, 60, 39, 89), "PM_R": (25, 60, 44, 89)}
    problems = sort(contours_of(places)).problems
    # By hand: columns 20 … 34, 25 … 39 and 25 … 34 of 30 rows.
    assert [(p.shape, p.message.split(",")[0]) for p in problems] == [
        ("ES_R, MF_R", "the contours share 450 px"),
        ("ES_R, PM_R", "the contours share 300 px"),
        ("MF_R, PM_R", "the contours share 450 px"),
    ]


def test_disc_and_vertebra_may_lie_over_each_other():
    assert sort(contours_of({}, IVD=IVD, VB=IVD)).problems == []


def test_the_order_of_contours_changes_no_region():
    contours = contours_of(SIDED | {"ES_r": (15, 50, 34, 62)}, IVD=IVD)
    forth, back = sort(contours), sort(contours[::-1])
    assert forth.areas_px == back.areas_px
    for key, patch in forth.patches.items():
        assert (patch.full(SHAPE) == back.patches[key].full(SHAPE)).all()
    assert sorted(map(dataclasses.astuple, forth.problems)) == sorted(map(dataclasses.astuple, back.problems))


def test_no_contours():
    anatomy = sort([])
    assert (anatomy.patches, anatomy.problems, anatomy.seen) == ({}, [], set())


def test_a_line_drawn_forth_and_back_encloses_nothing():
    retraced = Contour("MF_L", "polygon", ((70.0, 60.0), (80.0, 60.0), (80.0, 70.0), (80.0, 60.0)))
    anatomy = sort([shape_of("IVD", IVD), retraced])
    assert ("MF", "left") not in anatomy.patches
    assert codes(anatomy) == ["no-area"]


def test_swapped_names_of_multifidus_and_erector_spinae_are_warned_of():
    swapped = dict(SIDED)
    for side in "LR":
        swapped[f"MF_{side}"], swapped[f"ES_{side}"] = SIDED[f"ES_{side}"], SIDED[f"MF_{side}"]
    anatomy = sort(contours_of(swapped, IVD=IVD))
    assert [(p.code, p.shape) for p in anatomy.problems] == [
        ("unusual-place", "MF_L, ES_L"),
        ("unusual-place", "MF_R, ES_R"),
    ]
    assert set(anatomy.patches) == MUSCLES | {("IVD", "")}


def circle(x, y, radius, points=24):
    turn = np.arange(points) * 2 * np.pi / points
    return list(zip(x + radius * np.cos(turn), y + radius * np.sin(turn), strict=True))


AROUND = circle(73, 75, 9)
AGAIN = [AROUND, AROUND[::2], AROUND[1::3], AROUND * 2, circle(73, 75, 9, 72), AROUND[:12]]


@pytest.mark.parametrize("rule", ["labelme", "centre"])
@pytest.mark.parametrize("again", AGAIN)
def test_a_contour_traced_again_is_refused(again, rule):
    others = contours_of({name: corners for name, corners in SIDED.items() if name != "MF_L"}, IVD=IVD)
    once = Contour("MF_L", "polygon", tuple(AROUND))
    assert codes(sort([*others, once], mask_rule=rule)) == []
    anatomy = sort([*others, Contour("MF_L", "polygon", tuple(AROUND + again))], mask_rule=rule)
    assert codes(anatomy) in (["retraced"], ["self-crossing"])
    if "retraced" in codes(anatomy):
        assert set(anatomy.patches) == {*(MUSCLES - {("MF", "left")}), ("IVD", "")}
