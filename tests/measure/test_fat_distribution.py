"""Where the fat lies: against a plain computation, by hand, and what turning a slice must not change."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

import mriparaspinal as mp
from mriparaspinal.core.distribution import COLUMNS
from mriparaspinal.core.measure_columns import columns_of
from mriparaspinal.measure.fat_distribution import (
    Axes,
    compartment,
    depth_rings,
    distribution_of,
    equal_bands,
    patient_axes,
    positions,
)
from mriparaspinal.measure.slice_view import SliceView
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_dataset, write_slice
from tests.support.builders.study import problems_of, rows_of, run

MIRRORED = {"left": "right", "right": "left", "both": "both", "": ""}


def view_of(masks, fat, spacing=None, image_left="right", reference=""):
    grey = np.where(fat, 200, 10).astype(np.uint8)
    return SliceView(grey, masks, fat, spacing, image_left, reference)


def ellipse(shape, row, column, half_height, half_width, turn=0.0):
    """A mask; ``turn`` in degrees around (0.5, 0.5) of the image, as seen on the screen, clockwise."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    x0, y0 = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    x, y = x0 + c * (x - x0) + s * (y - y0), y0 - s * (x - x0) + c * (y - y0)
    return ((y - row) / half_height) ** 2 + ((x - column) / half_width) ** 2 <= 1


def slice_like(seed, shape=(130, 160), turn=0.0):
    """Muscles of both sides, unlike in size, and a disc."""
    random = np.random.default_rng(seed)
    size = iter(random.uniform(0.8, 1.2, 12))
    places = {"MF": (85, 14, 13, 8), "ES": (85, 40, 16, 14), "PM": (45, 38, 13, 10)}
    masks = {
        (name, side): ellipse(shape, row, 79.5 + sign * away, tall * next(size), wide * next(size), turn)
        for name, (row, away, tall, wide) in places.items()
        for side, sign in (("left", 1), ("right", -1))
    }
    masks["IVD", ""] = ellipse(shape, 45, 79.5, 14, 20, turn)
    return masks, random.random(shape) < 0.3


# ------------------------------------------------------------------ a plain computation, without the package


def _share(fat: Iterable[bool]) -> float | None:
    fat = list(fat)
    return sum(fat) / len(fat) if fat else None


def plainly(masks, fat, image_left="right", spacing=(1.0, 1.0), disc="IVD"):
    """FI of bands, rings and deepest part, by lists of pixels that are sorted and cut."""
    pixels = {key: [(int(r), int(c)) for r, c in np.argwhere(mask)] for key, mask in masks.items()}
    down, across = spacing

    def centre(key):
        own = pixels[key]
        return sum(c for _, c in own) * across / len(own), sum(r for r, _ in own) * down / len(own)

    muscles = [key for key in masks if key[1]]
    pairs = [name for name, side in muscles if side == "left" and (name, "right") in masks]
    x = sum(centre((name, "left"))[0] - centre((name, "right"))[0] for name in pairs)
    y = sum(centre((name, "left"))[1] - centre((name, "right"))[1] for name in pairs)
    angle = math.atan2(y, x)
    sign = 1 if image_left == "right" else -1
    found = {}
    for key in muscles:
        x0, y0 = centre(key)
        outward = 1 if key[1] == "left" else -1
        table = []
        for r, c in pixels[key]:
            dx, dy = c * across - x0, r * down - y0
            lateral = outward * (dx * math.cos(angle) + dy * math.sin(angle))
            deep = sign * (dy * math.cos(angle) - dx * math.sin(angle))
            table.append((round(lateral, 6), round(deep, 6), bool(fat[r, c]), r, c))
        n = len(table)
        own = {}
        for way, first, second in (("ml", 0, 1), ("ds", 1, 0)):
            ordered = [row[2] for row in sorted(table, key=lambda row: (row[first], row[second]))]
            for bands in (3, 4):
                ends = [math.floor(k * n / bands + 0.5) for k in range(bands + 1)]
                for k in range(bands):
                    own[f"fi_{way}_{k + 1}of{bands}"] = _share(ordered[ends[k] : ends[k + 1]])
        outside = np.argwhere(~np.pad(masks[key], 1)) - 1
        inside = np.array(pixels[key])
        away = cKDTree(outside * spacing).query(inside * spacing)[0] - min(spacing) / 2
        ring = [max(1, math.ceil(round(5 * a / away.max(), 6))) for a in away]
        for k in range(1, 6):
            own[f"fi_ring_{k}of5"] = _share(row[2] for row, r in zip(table, ring, strict=True) if r == k)
        if (disc, "") in masks:
            x1, y1 = centre((disc, ""))
            ordered = sorted(
                table,
                key=lambda row: (
                    round(math.hypot(row[4] * across - x1, row[3] * down - y1), 6),
                    row[1],
                    row[0],
                ),
            )
            own["fi_deepest15"] = _share(row[2] for row in ordered[: math.floor(0.15 * n + 0.5)])
        found[key] = {name: value for name, value in own.items() if value is not None}
    return found


def assert_same(found, expected):
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=1e-12, abs=1e-15), key


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("turn", [0, 9.5])
def test_random_slices_against_a_plain_computation(seed, turn):
    masks, fat = slice_like(seed, turn=turn)
    assert_same(distribution_of(view_of(masks, fat)), plainly(masks, fat))


def test_pixels_that_are_no_squares():
    masks, fat = slice_like(7, turn=6)
    found = distribution_of(view_of(masks, fat, (0.5, 0.8)))
    assert_same(found, plainly(masks, fat, spacing=(0.5, 0.8)))


def test_other_display():
    masks, fat = slice_like(8)
    masks = {(name, MIRRORED[side]): mask for (name, side), mask in masks.items()}
    assert_same(distribution_of(view_of(masks, fat, image_left="left")), plainly(masks, fat, "left"))


def test_a_real_slice_against_a_plain_computation(shared):
    folder = shared / "real" / "TUM01"
    result = mp.quantify(folder, settings={"measures": ["distribution"]})
    table = result.table.set_index(["segment", "muscle", "side"])
    for path in sorted(folder.glob("HV_1_*.json")):
        image = np.asarray(Image.open(path.with_suffix(".png")))
        masks = {}
        for shape in json.loads(path.read_text(encoding="utf-8"))["shapes"]:
            canvas = Image.new("1", image.shape[::-1])
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
            name, _, side = shape["label"].partition("_")
            key = name, {"L": "left", "R": "right", "": ""}[side]
            masks[key] = masks.get(key, False) | np.asarray(canvas)
        for (muscle, side), expected in plainly(masks, image > 50).items():
            row = table.loc[f"L{path.stem[-1]}", muscle, side]
            assert row[list(expected)].to_dict() == pytest.approx(expected, rel=1e-12)
            quarters = [row[f"fi_ml_{k}of4"] for k in range(1, 5)]
            assert np.mean(quarters) == pytest.approx(row["fi"], abs=1 / row["csa_px"])


# ------------------------------------------------------------------ what must hold


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 7, 20, 199])
def test_bands_have_equal_areas_and_add_up(pixels):
    random = np.random.default_rng(pixels)
    mask = np.zeros((30, 30), dtype=bool)
    mask.ravel()[random.choice(900, pixels, replace=False)] = True
    fat = random.random((30, 30)) < 0.4
    along, across = positions(mask, "left", Axes((1.0, 0.0), (0.0, 1.0)), None)
    own = fat[mask]
    for parts, equal in (
        (equal_bands(along, across, 3), 3),
        (equal_bands(across, along, 4), 4),
        (depth_rings(mask, None), None),
    ):
        counts = np.bincount(parts)
        assert counts.sum() == pixels
        if equal:
            counts = np.bincount(parts, minlength=equal)
            assert counts.max() - counts.min() <= 1
        weighted = sum(own[parts == k].mean() * n for k, n in enumerate(counts) if n)
        assert weighted == pytest.approx(own.sum())


@pytest.mark.parametrize("turn", [0, 12.5])
def test_a_mirrored_slice_has_mirrored_numbers(turn):
    masks, fat = slice_like(3, turn=turn)
    found = distribution_of(view_of(masks, fat))
    turned = {(name, MIRRORED[side]): mask[:, ::-1] for (name, side), mask in masks.items()}
    mirrored = distribution_of(view_of(turned, fat[:, ::-1]))
    assert {(name, MIRRORED[side]): values for (name, side), values in mirrored.items()} == found


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_slice_turned_by_right_angles_has_the_same_numbers(quarters):
    masks, fat = slice_like(4, turn=5)
    found = distribution_of(view_of(masks, fat))
    turned = {key: np.rot90(mask, quarters) for key, mask in masks.items()}
    again = distribution_of(view_of(turned, np.rot90(fat, quarters)))
    assert {key: pytest.approx(values, rel=1e-12) for key, values in found.items()} == again


def test_an_oblique_patient_has_nearly_the_same_numbers():
    shape = (390, 480)

    def made(turn):
        masks = {
            ("MF", "left"): ellipse(shape, 250, 282, 40, 25, turn),
            ("MF", "right"): ellipse(shape, 250, 197, 40, 25, turn),
            ("IVD", ""): ellipse(shape, 130, 239.5, 40, 60, turn),
        }
        # All medial and deep of an oblique line is fat.
        fat = ellipse(shape, 230, 239.5, 30, 50, turn)
        return distribution_of(view_of(masks, fat))

    upright, oblique = made(0), made(17)
    for key, values in upright.items():
        assert oblique[key] == pytest.approx(values, abs=0.02), key
    assert upright["MF", "left"]["fi_ml_1of4"] > 0.5 > 0.01 >= upright["MF", "left"]["fi_ml_4of4"]


def test_medial_and_deep_are_what_they_say():
    masks, _ = slice_like(1)
    fat = np.zeros((130, 160), dtype=bool)
    fat[:, 66:94] = True  # the middle of the image
    found = distribution_of(view_of(masks, fat))
    for side in ("left", "right", "both"):
        own = found["MF", side]
        assert own["fi_ml_1of3"] > own["fi_ml_3of3"] == 0
    fat[:] = False
    fat[:80] = True  # anterior
    found = distribution_of(view_of(masks, fat))
    assert found["ES", "left"]["fi_ds_1of4"] == 1
    assert found["ES", "left"]["fi_ds_4of4"] == 0


def test_both_sides_are_the_pixels_of_both():
    masks, fat = slice_like(6)
    found = distribution_of(view_of(masks, fat))
    left, right = (np.count_nonzero(masks["MF", side]) for side in ("left", "right"))
    for name in ("fi_ml_1of4", "fi_ring_5of5", "fi_deepest15"):
        one, other = found["MF", "left"][name], found["MF", "right"][name]
        assert min(one, other) <= found["MF", "both"][name] <= max(one, other)
    n, m = (left + 1) // 3, (right + 1) // 3
    expected = (found["MF", "left"]["fi_ml_1of3"] * n + found["MF", "right"]["fi_ml_1of3"] * m) / (n + m)
    assert found["MF", "both"]["fi_ml_1of3"] == pytest.approx(expected)


def test_without_a_pair_the_axes_are_those_of_the_image():
    masks, fat = slice_like(2, turn=20)
    one_side = {key: mask for key, mask in masks.items() if key[1] == "left"}
    assert patient_axes(one_side, None, "right") == Axes((1.0, 0.0), (0.0, 1.0))
    assert patient_axes(one_side, None, "left") == Axes((-1.0, 0.0), (0.0, 1.0))
    found = distribution_of(view_of(one_side, fat))
    assert set(found) == {("MF", "left"), ("ES", "left"), ("PM", "left")}
    assert "fi_deepest15" not in found["MF", "left"], "no reference"
    both = masks | {("VB", ""): masks["IVD", ""]}
    assert "fi_deepest15" not in distribution_of(view_of(both, fat))["MF", "left"], "which of two?"
    assert "fi_deepest15" in distribution_of(view_of(both, fat, reference="VB"))["MF", "left"]


def test_masks_of_few_pixels():
    def of(pixels):
        mask = np.zeros((9, 9), dtype=bool)
        mask.ravel()[pixels] = True
        disc = np.zeros((9, 9), dtype=bool)
        disc[1, 4] = True
        fat = np.ones((9, 9), dtype=bool)
        return distribution_of(view_of({("MF", "left"): mask, ("IVD", ""): disc}, fat))["MF", "left"]

    # By hand: ends of 1 pixel are at 1/3 → 0, 2/3 → 1; 1/4 → 0, 2/4 → 1 (half upwards), 3/4 → 1.
    assert of([60]) == {"fi_ml_2of3": 1, "fi_ds_2of3": 1, "fi_ml_2of4": 1, "fi_ds_2of4": 1, "fi_ring_5of5": 1}
    three = of([60, 61, 62])
    assert {f"fi_ml_{k}of3" for k in (1, 2, 3)} <= set(three)
    assert sum(f"fi_ml_{k}of4" in three for k in (1, 2, 3, 4)) == 3
    assert "fi_deepest15" not in three
    assert of([60, 61, 62, 63])["fi_deepest15"] == 1


def test_two_parts_all_fat_no_fat_and_the_edge_of_the_image():
    masks, fat = slice_like(5)
    masks["MF", "left"] = masks["MF", "left"] | ellipse(fat.shape, 110, 95, 4, 4)
    masks["PM", "right"] = ellipse(fat.shape, 45, 2, 12, 12)  # cut off by the image
    assert_same(distribution_of(view_of(masks, fat)), plainly(masks, fat))
    for some, expected in ((np.ones_like(fat), 1.0), (np.zeros_like(fat), 0.0)):
        for values in distribution_of(view_of(masks, some)).values():
            assert set(values.values()) == {expected}


# ------------------------------------------------------------------ fascia


def outlines():
    muscle, fascia = np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool)
    fascia[4:16, 4:16] = True  # 144
    muscle[6:16, 5:15] = True  # 100
    fat = np.zeros((20, 20), dtype=bool)
    fat[:9] = True  # rows 6, 7, 8 of the muscle: 30; of the fascia: 60
    return muscle, fascia, fat


@pytest.mark.parametrize("drawn", ["muscle", "fascia"])
def test_whichever_outline_is_the_inner_one_is_the_muscle(drawn):
    muscle, fascia, fat = outlines()
    own, other = (muscle, fascia) if drawn == "muscle" else (fascia, muscle)
    masks = {("MF", "left"): own, ("MF_CSA", "left"): other}
    found = distribution_of(view_of(masks, fat))
    assert set(found) == {("MF", "left")}
    expected = {
        "compartment_px": 144,
        "intermuscular_fat_px": 30,
        "intramuscular_fat_px": 30,
        "intermuscular_share": 0.5,
        "intramuscular_fi": 0.3,
    }
    assert {name: found["MF", "left"][name] for name in expected} == expected


def test_the_tent_is_no_muscle_within_its_outline_or_beside_it():
    muscle, _, fat = outlines()
    tent = np.zeros((20, 20), dtype=bool)
    tent[4:8, 5:15] = True  # 20 of its 40 px lie within the muscle
    masks = {("ES", "left"): muscle, ("EFT", "left"): tent}
    own = distribution_of(view_of(masks, fat))["ES", "left"]
    assert (own["compartment_px"], own["intermuscular_fat_px"], own["intramuscular_fat_px"]) == (120, 40, 10)
    assert own["intermuscular_share"] == 0.8
    assert own["intramuscular_fi"] == 10 / 80
    masks = {("MF", "left"): muscle, ("EFT", "left"): tent}
    assert "compartment_px" not in distribution_of(view_of(masks, fat))["MF", "left"], "it is that of ES"
    both = {("ES", "left"): muscle, ("ES_CSA", "left"): outlines()[1], ("EFT", "left"): tent}
    room = compartment(both, "ES", "left")
    assert (np.count_nonzero(room.muscle), np.count_nonzero(room.between)) == (80, 64)


def test_fat_between_without_any_fat_has_no_share():
    muscle, fascia, fat = outlines()
    masks = {("MF", "left"): muscle, ("MF_CSA", "left"): fascia}
    own = distribution_of(view_of(masks, np.zeros_like(fat)))["MF", "left"]
    assert own["intermuscular_fat_px"] == own["intramuscular_fi"] == 0
    assert "intermuscular_share" not in own


def test_outlines_that_cross_give_no_number():
    muscle, fascia, fat = outlines()
    masks = {("MF", "left"): muscle, ("MF_CSA", "left"): np.roll(fascia, 4, axis=1)}
    assert "compartment_px" not in distribution_of(view_of(masks, fat))["MF", "left"]
    # By hand: 5 of 100 px outside are within what is taken for the hand, 6 are not.
    for shift, there in ((0, True), (5, True), (6, False)):
        other = fascia.copy()
        other[15, 5 : 5 + shift] = False
        masks["MF_CSA", "left"] = other
        assert ("compartment_px" in distribution_of(view_of(masks, fat))["MF", "left"]) == there


# ------------------------------------------------------------------ as a command

INSIDE = [
    polygon("MF_CSA_R", box(33, 63, 46, 86)),
    polygon("MF_CSA_L", box(53, 63, 66, 86)),
    polygon("ES_CSA_L", box(72, 62, 87, 87)),
    polygon("EFT_R", box(12, 84, 27, 92)),
]


def test_second_outlines_make_no_rows_and_change_no_other_column(tmp_path):
    image = grey_image()
    write_slice(tmp_path / "plain", "ALS_1_3", image)
    write_slice(tmp_path / "more", "ALS_1_3", image, [*SHAPES, *INSIDE])
    plain, more = (
        mp.quantify(tmp_path / name, settings={"measures": ["distribution"]}) for name in ("plain", "more")
    )
    new = [name for name, *_ in COLUMNS if "muscular" in name or name == "compartment_px"]
    assert list(columns_of(["distribution"])) == [name for name, *_ in COLUMNS]
    assert more.table.drop(columns=new).equals(plain.table.drop(columns=new))
    assert plain.table[new].isna().all(axis=None)
    assert list(more.problems["code"]) == list(plain.problems["code"])
    row = more.table.set_index(["muscle", "side"])
    # Pillow fills the corners, too: 14 × 24 pixels.
    outer, inner = image[63:87, 33:47] > 50, image[65:85, 35:45] > 50
    assert row.loc[("MF", "right"), "compartment_px"] == 14 * 24
    assert row.loc[("MF", "right"), "intermuscular_fat_px"] == outer.sum() - inner.sum()
    assert (
        row.loc[("MF", "right"), "intramuscular_fat_px"] == inner.sum() == row.loc[("MF", "right"), "fat_px"]
    )
    inner = image[62:88, 72:88] > 50
    assert row.loc[("ES", "left"), "intramuscular_fat_px"] == inner.sum()
    assert row.loc[("ES", "left"), "compartment_px"] == row.loc[("ES", "left"), "csa_px"]
    assert row.loc[("ES", "both"), "intermuscular_fat_px"] == sum(
        row.loc[("ES", side), "intermuscular_fat_px"] for side in ("left", "right")
    )
    assert row.loc[["PM"], new].isna().all(axis=None)


def test_one_contour_may_be_muscle_and_fascia(tmp_path):
    same = [polygon("MF_CSA_L", box(55, 65, 64, 84))]
    write_slice(tmp_path, "ALS_1_3", shapes=[*SHAPES, *same])
    result = mp.quantify(tmp_path, settings={"measures": ["distribution"]})
    own = result.table.set_index(["muscle", "side"]).loc[("MF", "left")]
    assert (own["compartment_px"], own["intermuscular_fat_px"]) == (own["csa_px"], 0)
    assert "two-labels" not in set(result.problems["code"])


def test_crossing_outlines_are_told_only_where_they_count(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3", shapes=[*SHAPES, polygon("MF_CSA_L", box(58, 60, 67, 79))])
    told = ("ALS_1_3.json", "MF_L, MF_CSA_L", "warning", "crossing-outlines")
    run("quantify", tmp_path / "data", "--out", tmp_path / "out", "--measure", "distribution", "--quiet")
    assert told in problems_of(tmp_path / "out")
    (row,) = (r for r in rows_of(tmp_path / "out") if (r["muscle"], r["side"]) == ("MF", "left"))
    assert row["compartment_px"] == ""
    assert row["fi_ml_1of3"] != ""
    run("quantify", tmp_path / "data", "--out", tmp_path / "without", "--quiet")
    assert told not in problems_of(tmp_path / "without")


def test_it_is_told_where_no_muscle_has_both_sides(tmp_path):
    left = [shape for shape in SHAPES if shape["label"].endswith(("_L", "IVD"))]
    write_slice(tmp_path, "ALS_1_3", shapes=left)
    write_slice(tmp_path, "ALS_1_4")
    result = mp.quantify(tmp_path, settings={"measures": ["distribution"]})
    (told,) = result.problems.loc[result.problems["code"] == "image-axes", "message"]
    assert "in 1 of 2 slices, among them ALS_1_3.png" in told
    assert "image-axes" not in set(mp.quantify(tmp_path).problems["code"])


def test_a_second_outline_on_the_wrong_side_is_refused(tmp_path):
    write_slice(tmp_path, "ALS_1_3", shapes=[*SHAPES, polygon("EFT_L", box(10, 60, 29, 89))])
    result = mp.quantify(tmp_path, settings={"measures": ["distribution"]})
    found = result.problems[result.problems["code"] == "side-contradicts-display"]
    assert list(found["shape"]) == ["EFT_L"]
    assert len(result.table) == 9, "the muscles are measured"


def test_masks_and_overlays_with_second_outlines(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3", shapes=[*SHAPES, *INSIDE])
    write_slice(tmp_path / "plain", "ALS_1_3")
    for name in ("data", "plain"):
        assert run("masks", tmp_path / name, "--out", tmp_path / f"{name}-out", "--quiet").code == 0
    masks = [(tmp_path / f"{name}-out" / "ALS_1_3_mask.png").read_bytes() for name in ("data", "plain")]
    assert masks[0] == masks[1], "the label map has the muscles alone"


def test_compare_takes_a_band_and_draws_the_profiles(tmp_path):
    write_dataset(tmp_path, 6, 4, segments=(3,))
    results = mp.quantify(tmp_path, settings={"measures": ["distribution"]})
    compared = mp.compare(results, metrics=["fi_ml_1of4"])
    assert set(compared.table["metric"]) == {"fi_ml_1of4"}
    figure = compared.contents["figure_distribution_L3"].draw()
    (median,) = (
        row
        for row in figure.drawn
        if (row["muscle"], row["arm"], row["metric"]) == ("ES", "ALS", "fi_ds_2of4")
    )
    table = results.table
    own = (table["muscle"] == "ES") & (table["side"] == "both") & (table["group"] == "ALS")
    assert (median["n"], median["band"], median["profile"]) == (6, 2, "deep to superficial")
    # Quartiles as SPSS gives them: of 6 values at 1.75 and 5.25.
    values = np.sort(table.loc[own, "fi_ds_2of4"])
    assert median["median"] == pytest.approx((values[2] + values[3]) / 2)
    assert median["q1"] == pytest.approx(values[0] + 0.75 * (values[1] - values[0]))
    few = [row for row in figure.drawn if row["arm"] == "LR"]
    assert few
    assert not any("q1" in row for row in few), "of four values there are no quartiles"
    without = mp.compare(mp.quantify(tmp_path))
    assert not any("distribution" in name for name in without.contents)


def test_the_report_shows_the_quarters_of_each_slice(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3", shapes=[*SHAPES, *INSIDE])
    results, page = tmp_path / "results", tmp_path / "report.html"
    run("quantify", tmp_path / "data", "--out", results, "--measure", "distribution", "--quiet")
    made = run("report", results, "--dataset", tmp_path / "data", "--out", page, "--quiet")
    assert made.code == 0, made.err
    html = page.read_text(encoding="utf-8")
    assert html.count('fat-bands"') == 1
    tiles = html.split('fat-bands"')[1].split("</svg>")[0]
    assert tiles.count("<rect") == 3 * 2 * 8, "of three muscles, both sides, four quarters either way"
    (row,) = (r for r in rows_of(results) if (r["muscle"], r["side"]) == ("PM", "left"))
    assert f">{float(row['fi_ml_4of4']):.2f}<".replace(">0.", ">.") in tiles


def test_view_is_not_changed():
    masks, fat = slice_like(1)
    view = view_of(masks, fat)
    before = {key: mask.copy() for key, mask in masks.items()}
    distribution_of(view)
    again = distribution_of(replace(view, grey=np.zeros_like(view.grey)))
    assert again == distribution_of(view), "fat decides, not grey"
    assert all(np.array_equal(before[key], masks[key]) for key in masks)
