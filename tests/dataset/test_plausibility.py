"""What cannot be on a lumbar slice: told, and never told of a real one or a phantom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.model import Contour, Settings
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.dataset.plausibility import (
    fits_mirrored,
    mirror_fit,
    off_centre,
    spot_of,
    unusual_areas,
    unusual_levels,
    unusual_mm2,
    without_signal,
)
from mriparaspinal.imaging.rasterise import Patch, PixelBox
from mriparaspinal.io.labelme import read_annotation
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slices
from mriparaspinal.phantom.write import write_cohort
from tests.support.builders.slices import SHAPES as BUILT
from tests.support.builders.slices import box, grey_image, polygon, write_slice

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "real" / "TUM01"
CASES = ROOT.parent / "shared" / "cases"
SHAPE = (100, 120)
#: A whole slice in radiological display; the midline is column 60.
SIDED = {
    "PM_R": (10, 20, 29, 39),
    "PM_L": (91, 20, 110, 39),
    "ES_R": (15, 60, 34, 89),
    "ES_L": (86, 60, 105, 89),
    "MF_R": (40, 65, 54, 84),
    "MF_L": (66, 65, 80, 84),
    "IVD": (40, 20, 80, 49),
}


def contours_of(regions, turn=lambda x, y: (x, y)):
    return [
        Contour(label, "polygon", tuple(turn(*point) for point in box(*corners)))
        for label, corners in regions.items()
    ]


def sort(contours, shape=SHAPE, **settings):
    return sort_contours(contours, shape, Settings(**settings), {}, "a.json")


def told(anatomy):
    return [(problem.severity, problem.code) for problem in anatomy.problems]


# ---------------------------------------------------------------- coordinates that are turned as a whole

TURNS = {
    "upside down": (lambda x, y: (x, 100 - y), "front-contradicts-back", "from the bottom up"),
    "turned by 180°": (lambda x, y: (120 - x, 100 - y), "front-contradicts-back", "180°"),
    "row, column": (lambda x, y: (y, x), "transposed-coordinates", "(row, column)"),
    "a quarter right": (lambda x, y: (100 - y, x), "transposed-coordinates", "90°"),
    "a quarter left": (lambda x, y: (y, 120 - x), "transposed-coordinates", "90°"),
    "row, column, turned": (lambda x, y: (100 - y, 120 - x), "transposed-coordinates", "(row, column)"),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("reference", ["IVD", "VB", None])
def test_coordinates_turned_as_a_whole_are_one_error_and_no_muscle(turn, reference):
    regions = {label: corners for label, corners in SIDED.items() if label != "IVD"}
    if reference:
        regions[reference] = SIDED["IVD"]
    change, code, cause = TURNS[turn]
    anatomy = sort(contours_of(regions, change), (130, 130))
    (problem,) = [p for p in anatomy.problems if p.severity == "error"]
    assert (problem.code, problem.shape) == (code, "")
    assert cause in problem.message
    assert not any(side for _, side in anatomy.patches)
    assert len(anatomy.seen) == len(regions)


@pytest.mark.parametrize("image_left", ["left", "right"])
def test_contours_that_are_upside_down_under_either_display(image_left):
    def change(x, y):
        return (x if image_left == "right" else 120 - x, 100 - y)

    assert told(sort(contours_of(SIDED, change), image_left=image_left)) == [
        ("error", "front-contradicts-back")
    ]


def test_without_sides_front_and_back_tell():
    regions = {
        label.partition("_")[0]: corners for label, corners in SIDED.items() if not label.endswith("R")
    }
    anatomy = sort(contours_of(regions, TURNS["upside down"][0]))
    assert told(anatomy) == [("error", "front-contradicts-back")]


def test_some_in_front_are_warnings():
    anatomy = sort(contours_of(SIDED | {"MF_L": (66, 2, 80, 12)}))
    assert told(anatomy) == [("warning", "front-contradicts-back")]
    assert anatomy.problems[0].shape == "MF_L"
    assert ("MF", "left") in anatomy.patches


def test_a_psoas_behind_the_back_muscles_is_a_warning():
    anatomy = sort(contours_of(SIDED | {"PM_L": (91, 92, 110, 99)}))
    assert told(anatomy) == [("warning", "front-contradicts-back")]


def test_names_of_psoas_and_multifidus_exchanged_are_told_of_the_two_alone():
    one = SIDED | {"PM_L": SIDED["MF_L"], "MF_L": (91, 25, 110, 48)}
    both = one | {"PM_R": SIDED["MF_R"], "MF_R": (10, 25, 29, 48)}
    for regions, expected in ((one, {"PM_L", "MF_L"}), (both, {"PM_L", "MF_L", "PM_R", "MF_R"})):
        anatomy = sort(contours_of(regions))
        named = [p for p in anatomy.problems if p.code == "front-contradicts-back"]
        assert {p.severity for p in named} == {"warning"}
        assert named
        assert {p.shape for p in named} <= expected


def test_transposed_coordinates_without_sides_are_one_error():
    regions = [(label.partition("_")[0], corners) for label, corners in SIDED.items()]
    contours = [
        Contour(label, "polygon", tuple((y, x) for x, y in box(*corners))) for label, corners in regions
    ]
    assert told(sort(contours, (130, 130))) == [("error", "transposed-coordinates")]


def test_contours_that_mostly_lie_outside_are_one_error_and_no_region():
    anatomy = sort(contours_of(SIDED, lambda x, y: (2 * x, 2 * y)))
    assert told(anatomy) == [("error", "outside-image")]
    assert "of 7 contours lie outside" in anatomy.problems[0].message
    assert (anatomy.patches, len(anatomy.seen)) == ({}, 7)


def test_two_of_seven_outside_are_one_error_and_the_others_are_measured():
    anatomy = sort(contours_of(SIDED | {"MF_L": (200, 65, 215, 84), "MF_R": (-90, 65, -80, 84)}))
    assert told(anatomy) == [("error", "outside-image")]
    assert anatomy.problems[0].shape == "MF_R, MF_L"
    assert len(anatomy.patches) == 5


def test_all_labels_of_one_side_is_one_error():
    contours = contours_of(SIDED)
    labels = [c.label.replace("_R", "_L") for c in contours]
    renamed = [Contour(label, c.shape_type, c.points) for c, label in zip(contours, labels, strict=True)]
    anatomy = sort(renamed)
    assert told(anatomy) == [("error", "side-contradicts-display")]
    assert "all 3 contours on the patient's right are labelled left" in anatomy.problems[0].message
    assert set(anatomy.patches) == {("IVD", "")}


def test_a_psoas_behind_the_disc_is_usual():
    # Its middle is row 44, the disc's 34.
    assert told(sort(contours_of(SIDED | {"PM_L": (91, 30, 110, 58)}))) == []


def test_a_whole_side_that_contradicts_drops_the_slice():
    # Half a pixel apart: point by point the same, they would be one contour under two labels.
    other = {label: tuple(x + 0.5 for x in SIDED[f"{label[:3]}L"]) for label in ("MF_R", "ES_R", "PM_R")}
    anatomy = sort(contours_of(SIDED | other))
    assert told(anatomy) == [("error", "side-contradicts-display")]
    assert "all 3 labels of the right" in anatomy.problems[0].message
    assert set(anatomy.patches) == {("IVD", "")}


# ---------------------------------------------------------------- both sides, parts, holes


def test_a_sided_contour_over_both_sides_is_not_measured():
    anatomy = sort(contours_of({**SIDED, "ES_L": (15, 60, 105, 89)}))
    assert ("error", "crosses-midline") in told(anatomy)
    assert ("ES", "left") not in anatomy.patches
    assert ("ES", "right") in anatomy.patches


@pytest.mark.parametrize(("left", "crosses"), [(56, False), (55, False), (48, True)])
def test_how_far_a_sided_contour_may_reach_over_the_midline(left, crosses):
    anatomy = sort(contours_of({"MF_L": (left, 65, 80, 84), "IVD": SIDED["IVD"]}))
    assert (("error", "crosses-midline") in told(anatomy)) == crosses


def test_lumbar_or_left_is_one_message():
    regions = {"LES": SIDED["ES_L"], "IVD": SIDED["IVD"]}
    both = [*contours_of(regions), *contours_of({"LES": SIDED["ES_R"]})]
    anatomy = sort(both)
    assert told(anatomy) == [("error", "lumbar-or-left")]
    assert '[labels] LES = "ES"' in anatomy.problems[0].remedy
    assert anatomy.seen >= {("ES", "left"), ("ES", "")}
    # and with the alias it is right
    named = sort_contours(both, SHAPE, Settings(), {"les": "ES"}, "a.json")
    assert set(named.patches) == {("ES", "left"), ("ES", "right"), ("IVD", "")}
    # a left one alone, and one beside a right one, is left
    assert told(sort(contours_of(regions))) == []
    assert told(sort(contours_of(regions | {"RES": SIDED["ES_R"]}))) == []


def test_a_contour_inside_another_one_of_the_region_may_be_a_hole():
    inner = {"mf-l": (70, 70, 76, 76)}
    for label in (*inner, "MF_L-2", "left multifidus"):
        anatomy = sort(contours_of({**SIDED, label: inner["mf-l"]}))
        assert told(anatomy) == [("warning", "hole-not-taken-out")]
        assert "column 73, row 73" in anatomy.problems[0].message
        assert anatomy.patches["MF", "left"].pixels.sum() == 15 * 20
        assert anatomy.areas_px["MF", "left"] is None


@pytest.mark.parametrize("label", ["_background_", "hole", "MF_L hole", "__ignore__", "Background", "hole-2"])
def test_a_contour_called_a_hole_in_a_region_is_told_of(label):
    anatomy = sort(contours_of({**SIDED, label: (70, 70, 76, 76)}))
    assert told(anatomy) == [("warning", "hole-not-taken-out")]
    assert anatomy.problems[0].shape == "MF_L"
    assert anatomy.ignored == []


@pytest.mark.parametrize("corners", [(0, 0, 119, 99), (2, 2, 8, 8), (81, 66, 85, 80)])
def test_ground_beside_and_around_regions_is_no_hole(corners):
    anatomy = sort(contours_of({**SIDED, "background": corners}))
    assert told(anatomy) == []
    assert anatomy.ignored == ["background"]


def test_a_second_drawing_of_a_region_is_no_hole():
    anatomy = sort([*contours_of(SIDED), *contours_of({"MF_L": SIDED["MF_L"]})])
    assert told(anatomy) == [("warning", "parts-overlap")]


# ---------------------------------------------------------------- units and sizes of coordinates


def test_normalised_coordinates_are_one_error():
    anatomy = sort(contours_of(SIDED, lambda x, y: (x / 120, y / 100)))
    assert told(anatomy) == [("error", "normalised-coordinates")]
    assert anatomy.patches == {}
    assert len(anatomy.seen) == len(SIDED)


def test_a_region_smaller_than_a_pixel_is_an_error():
    tiny = {"MF_L": (70.1, 70.1, 70.9, 70.9)}
    anatomy = sort(contours_of(SIDED | tiny))
    assert told(anatomy) == [("error", "smaller-than-pixel")]
    assert ("MF", "left") not in anatomy.patches
    assert ("MF", "left") in anatomy.seen


@pytest.mark.parametrize("scale", [0.4, 0.5])
def test_all_contours_in_one_quarter_are_a_warning(scale):
    anatomy = sort(contours_of(SIDED, lambda x, y: (scale * x, scale * y)))
    assert told(anatomy) == [("warning", "off-centre")]


def test_the_reference_far_from_the_middle_is_a_warning():
    assert told(sort(contours_of(SIDED), (100, 250))) == [("warning", "off-centre")]
    assert off_centre(PixelBox(40, 30, 200, 150), None, (200, 250)) is None


# ---------------------------------------------------------------- areas


def test_areas_that_no_muscle_has():
    areas = {("MF", "left"): 2, ("ES", "left"): 900, ("PM", "left"): 6000, ("IVD", ""): 1000}
    found = [(key, finding[0]) for key, finding in unusual_areas(areas, 10**6)]
    assert found == [(("MF", "left"), "unusual-area"), (("PM", "left"), "unusual-area")]
    assert [key for key, _ in unusual_areas({("MF", "left"): 5000}, 10_000)] == [("MF", "left")]


def test_areas_in_mm2():
    assert unusual_mm2({("MF", "left"): 700.0, ("IVD", ""): 1500.0}) is None
    key, area, _ = unusual_mm2({("IVD", ""): 1500.0, ("MF", "left"): 1.07})
    assert (key, area) == (("MF", "left"), 1.07)


def spaced(folder, mm):
    for number in range(1, 6):
        write_slice(folder, f"ALS_{number}_3", grey_image(seed=number))
    rows = "".join(f"ALS_{number}_3.png,{mm},{mm}\n" for number in range(1, 6))
    (folder / "slices.csv").write_text(f"image,row_spacing_mm,col_spacing_mm\n{rows}")
    return [p for p in problems_of(folder) if p.code in ("unusual-area", "odd-spacing")]


def test_areas_that_are_odd_in_all_slices_are_one_warning(tmp_path):
    (odd,) = spaced(tmp_path, 0.31)  # a field of view of 31 mm, which may be
    assert odd.code == "unusual-area"
    assert "5 of 5 slices" in odd.message


@pytest.mark.parametrize("mm", [0.0391, 0.08])
def test_an_odd_spacing_is_told_once_and_not_by_its_areas(tmp_path, mm):
    (odd,) = spaced(tmp_path, mm)
    assert odd.code == "odd-spacing"
    assert "in 5 images" in odd.message


def problems_of(folder):
    settings = Settings()
    return measure_dataset(open_dataset(folder, settings), settings).problems


# ---------------------------------------------------------------- grey levels


def test_regions_of_one_grey_level():
    grey = np.full((20, 40), 7, dtype=np.uint8)
    grey[:, 20:] = np.arange(20)
    patches = {
        ("MF", side): Patch(2, left, np.ones((8, 8), bool)) for side, left in (("left", 22), ("right", 2))
    }
    assert without_signal(grey, patches) == [("MF", "right")]
    # White alone can be fat that the window cut off; a few pixels can be alike by chance.
    white = np.full((20, 40), 255, np.uint8)
    assert without_signal(white, patches) == []
    # A disc is no fat: a slice that is white all over is none.
    with_disc = patches | {("IVD", ""): Patch(12, 12, np.ones((6, 6), bool))}
    assert without_signal(white, with_disc) == list(with_disc)
    assert without_signal(grey, {("MF", "left"): Patch(2, 2, np.ones((3, 3), bool))}) == []


def test_contours_on_black_are_one_warning_a_slice(tmp_path):
    write_slice(tmp_path, "ALS_1_3", np.zeros((100, 100), dtype=np.uint8))
    (problem,) = [p for p in problems_of(tmp_path) if p.code == "no-signal"]
    assert problem.severity == "warning"
    assert problem.shape.count(",") == 6


def levels_of(turn):
    """A muscle of grey 30 ± 9 in fat of 200, turned; and what is said of it."""
    grey = np.full((60, 80), 200, dtype=np.uint8)
    patches = {}
    for side, left in (("left", 50), ("right", 10)):
        grey[20:40, left : left + 20] = np.arange(400).reshape(20, 20) % 19 + 21
        patches["MF", side] = Patch(20, left, np.ones((20, 20), bool))
    return unusual_levels(turn(grey.astype(int)).clip(0, 255).astype(np.uint8), patches, 50)


@pytest.mark.parametrize(
    ("turn", "found"),
    [
        (lambda grey: 255 - grey, "more than 90% of each muscle is above the threshold 50"),
        (lambda grey: 3 * grey + 60, "more than 90% of each muscle is above the threshold 50"),
        (lambda grey: grey // 4, "less than 1% of the pixels around the contours"),
        (lambda grey: grey * 0.45, "the brightest pixel around the contours has grey level 90 of 255"),
        (lambda grey: grey * (grey < 50), "less than 1% of the pixels around the contours"),  # fat suppressed
    ],
)
def test_grey_levels_of_another_scale(turn, found):
    assert levels_of(lambda grey: grey) is None
    code, message, _ = levels_of(turn)
    assert code == "unusual-levels"
    assert message.startswith(found)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real slices are not there")
def test_a_real_slice_that_is_inverted_is_told_and_no_other(tmp_path):
    assert not [p for p in problems_of(REAL) if p.code == "unusual-levels"]
    image = np.asarray(Image.open(REAL / "HV_1_3.png"))
    Image.fromarray(255 - image).save(tmp_path / "HV_1_3.png")
    (tmp_path / "HV_1_3.json").write_bytes((REAL / "HV_1_3.json").read_bytes())
    (problem,) = [p for p in problems_of(tmp_path) if p.code == "unusual-levels"]
    assert (problem.file, problem.severity) == ("HV_1_3.png", "warning")


def test_the_scatter_is_that_of_numpy():
    rng = np.random.default_rng(3)
    grey = rng.integers(0, 256, (30, 40)).astype(np.uint8)
    masks = {("MF", "left"): (slice(3, 12), slice(2, 9)), ("IVD", ""): (slice(8, 20), slice(15, 30))}
    patches = {
        key: Patch(r.start, c.start, np.ones((r.stop - r.start, c.stop - c.start), bool))
        for key, (r, c) in masks.items()
    }
    own = sum(np.square(grey[w] - grey[w].mean()).sum() for w in masks.values())
    mirrored = sum(np.square(grey[:, ::-1][w] - grey[:, ::-1][w].mean()).sum() for w in masks.values())
    assert mirror_fit(grey, patches) == pytest.approx((own, mirrored), rel=1e-12)


def test_spot_of_a_patch():
    spot = spot_of("MF", "left", Patch(10, 20, np.array([[True, False], [True, True]])))
    assert spot[2:] == pytest.approx((20 + 1 / 3, 10 + 2 / 3, 3**0.5))


@pytest.mark.skipif(not REAL.exists(), reason="no real MRI beside the project")
def test_real_slices_fit_and_mirrored_ones_do_not(tmp_path):
    """Four slices of one person: pooled, as their participant's, the mirrored images are told of."""
    for path in sorted(REAL.glob("HV_1_*.png")):
        (tmp_path / "good").mkdir(exist_ok=True)
        (tmp_path / "mirrored").mkdir(exist_ok=True)
        for folder in ("good", "mirrored"):
            (tmp_path / folder / f"{path.stem}.json").write_bytes(path.with_suffix(".json").read_bytes())
        (tmp_path / "good" / path.name).write_bytes(path.read_bytes())
        with Image.open(path) as image:
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "mirrored" / path.name)
    assert problems_of(tmp_path / "good") == []
    (problem,) = problems_of(tmp_path / "mirrored")
    assert (problem.code, problem.severity) == ("fits-mirrored", "warning")
    assert "4 slices" in problem.message


def test_a_clearly_better_fit():
    assert fits_mirrored(100, 84)
    assert not fits_mirrored(100, 86)
    assert not fits_mirrored(0, 0)


# ---------------------------------------------------------------- inputs that went wrong


def case(name):
    folder = CASES / name
    if not folder.exists():
        pytest.skip("no inputs that went wrong beside the project")
    (annotation,) = (folder / "data").glob("*3.json")
    with Image.open(annotation.with_suffix(".png")) as image:
        shape = image.size[::-1]
    return sort(read_annotation(annotation.read_bytes()).contours, shape)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("y-up-coordinates", "front-contradicts-back"),
        ("transposed-coordinates", "transposed-coordinates"),
        ("normalised-coordinates", "normalised-coordinates"),
    ],
)
def test_known_inputs_without_a_row(name, code):
    anatomy = case(name)
    assert told(anatomy) == [("error", code)]
    assert not any(side for _, side in anatomy.patches)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("size-edited-points-stale", "off-centre"),
        ("hole-background-label", "hole-not-taken-out"),
        ("hole-difficult", "hole-not-taken-out"),
    ],
)
def test_known_inputs_with_a_warning(name, code):
    assert told(case(name)) == [("warning", code)]


def test_known_inputs_with_other_labels():
    assert case("second-part-numbered").patches["MF", "left"].pixels.sum() == 920
    assert set(case("fullwidth-label").patches) >= {("MF", "left"), ("MF", "right")}
    assert told(case("les-lumbar-erector")) == [("error", "lumbar-or-left")]
    assert ("ES", "left") not in case("les-both-sides-one-mask").patches


def test_shapes_of_the_builders_are_plausible(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    assert problems_of(tmp_path) == []


def test_no_phantom_is_told_of(tmp_path):
    people = make_cohort(1, 1, seed=9)
    write_cohort(tmp_path / "cohort", people, make_slices(people, 9, 160, Effects()))
    assert problems_of(tmp_path / "cohort") == []


@pytest.mark.parametrize("label", ["MF_L-3", "left multifidus 3", "mf l (3)"])
def test_a_number_that_may_be_the_level_costs_its_region(tmp_path, label):
    shapes = [*BUILT, polygon(label, box(70, 70, 74, 74))]
    write_slice(tmp_path, "ALS_1_3", shapes=shapes)
    (problem,) = problems_of(tmp_path)
    assert (problem.severity, problem.code, problem.shape) == ("error", "unclear-number", label)
    settings = Settings()
    (result,) = measure_dataset(open_dataset(tmp_path, settings), settings).results
    assert ("MF", "left") not in result.counts
    assert ("MF", "right") in result.counts


def test_numbers_of_another_level_are_one_warning(tmp_path):
    shapes = [{**shape, "label": f"{shape['label']}_4"} for shape in BUILT]
    write_slice(tmp_path, "ALS_1_3", shapes=shapes)
    (problem,) = problems_of(tmp_path)
    assert (problem.severity, problem.code) == ("warning", "unclear-number")
    assert problem.shape.count(",") == len(BUILT) - 1
