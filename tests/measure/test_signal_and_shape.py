"""The measures signal and shape against NumPy, SciPy and scikit-image: on random slices and on a real one."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import stats
from skimage.measure import label, regionprops

import mriparaspinal as mp
from mriparaspinal.core.measure_columns import MEASURE_COLUMNS
from mriparaspinal.measure.shape import shape_of
from mriparaspinal.measure.signal import signal_of
from mriparaspinal.measure.slice_view import SliceView
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_slice

SIDES = {"L": "left", "R": "right"}
SIGNAL, SHAPE = ([c.name for c in MEASURE_COLUMNS[name]] for name in ("signal", "shape"))


def view(grey, masks, **fields):
    given = {"threshold": 50.0, "spacing_mm": None, "image_left": "right", "reference": ""} | fields
    return SliceView(grey, masks, fat=grey > given.pop("threshold"), **given)


def blob(random, shape=(60, 50)):
    """A region of random pixels, one in two, in a random rectangle."""
    top, left = random.integers(0, 30, 2)
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + 20, left : left + 15] = random.random((20, 15)) < 0.5
    return mask


def expected_signal(grey, masks, muscle, side, reference="IVD"):
    """Every column by the libraries' own functions."""
    sides = ("left", "right") if side == "both" else (side,)

    def levels(name):
        return np.concatenate([grey[masks[name, s]] for s in sides]).astype(float)

    own = levels(muscle)
    spread = stats.describe(own)
    found = {
        "grey_sd": own.std(),
        "grey_skewness": spread.skewness,
        "grey_kurtosis": spread.kurtosis,
        **{f"grey_p{p}": np.quantile(own, p / 100) for p in (5, 25, 50, 75, 95)},
    }
    for name, region in (("sat", "SAT"), ("reference", reference)):
        if (region, "") in masks:
            mean = np.mean(grey[masks[region, ""]])
            found |= {f"{name}_mean": mean, f"{name}_ratio": np.mean(own) / mean}
    if muscle == "PM":
        found["pm_mf_es_ratio"] = np.mean(own) / np.mean([*levels("MF"), *levels("ES")])
    return found


@pytest.mark.parametrize("seed", range(5))
def test_signal_of_random_slices(seed):
    random = np.random.default_rng(seed)
    grey = random.integers(0, 256, (60, 50), dtype=np.uint8)
    masks = {(m, s): blob(random) for m in ("MF", "ES", "PM", "QL") for s in ("left", "right")}
    masks |= {("IVD", ""): blob(random), ("SAT", ""): blob(random)}
    found = signal_of(view(grey, masks))
    assert set(found) == {(m, s) for m in ("MF", "ES", "PM", "QL") for s in ("left", "right", "both")}
    for (muscle, side), values in found.items():
        assert values == pytest.approx(expected_signal(grey, masks, muscle, side), rel=1e-12)


def test_what_a_slice_lacks_is_left_out():
    random = np.random.default_rng(1)
    grey = random.integers(1, 256, (60, 50), dtype=np.uint8)
    masks = {("PM", "left"): blob(random), ("MF", "left"): blob(random), ("VB", ""): blob(random)}
    found = signal_of(view(grey, masks))
    assert set(found) == {("PM", "left"), ("MF", "left")}
    # No ES: nothing to hold the psoas against. No SAT: neither its level nor the ratio.
    assert set(SIGNAL) - set(found["PM", "left"]) == {"pm_mf_es_ratio", "sat_mean", "sat_ratio"}
    # The reference of the settings is another one; of two that are drawn none is taken without.
    assert "reference_mean" not in signal_of(view(grey, masks, reference="IVD"))["PM", "left"]
    both = masks | {("IVD", ""): blob(random)}
    assert "reference_mean" not in signal_of(view(grey, both))["PM", "left"]
    chosen = signal_of(view(grey, both, reference="IVD"))["PM", "left"]
    assert chosen["reference_mean"] == pytest.approx(grey[both["IVD", ""]].mean())


def test_one_grey_level_has_a_spread_of_nothing_and_no_skewness():
    grey = np.full((20, 20), 30, dtype=np.uint8)
    mask = np.zeros((20, 20), dtype=bool)
    mask[3:9, 4:8] = True
    black = np.zeros((20, 20), dtype=bool)
    black[15, 15] = True
    grey[black] = 0
    found = signal_of(view(grey, {("MF", "left"): mask, ("SAT", ""): black}))["MF", "left"]
    assert found == {"grey_sd": 0, "sat_mean": 0} | {f"grey_p{p}": 30 for p in (5, 25, 50, 75, 95)}


def test_one_pixel_has_an_extent_and_no_axes():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 5] = True
    seen = view(np.full((9, 9), 7, np.uint8), {("MF", "left"): mask}, spacing_mm=(0.5, 0.25))
    extent = {"transverse_px": 1, "anteroposterior_px": 1, "transverse_mm": 0.25, "anteroposterior_mm": 0.5}
    assert shape_of(seen) == {("MF", "left"): extent | {"solidity": 1}}
    assert signal_of(seen)["MF", "left"]["grey_p5"] == 7


def test_shape_of_a_rectangle_by_hand():
    """Of n equal steps of d, the variance is (n² − 1) d² / 12; an axis is four standard deviations."""
    mask = np.zeros((60, 60), dtype=bool)
    mask[10:50, 20:30] = True  # 40 rows of 0.5 mm, 10 columns of 0.8 mm
    grey = np.zeros((60, 60), np.uint8)
    found = shape_of(view(grey, {("ES", "right"): mask, ("VB", ""): mask}, spacing_mm=(0.5, 0.8)))
    long, short = (4 * math.sqrt((n**2 - 1) / 12) * mm for n, mm in ((40, 0.5), (10, 0.8)))
    assert found == {("ES", "right"): pytest.approx({
        "transverse_px": 10, "anteroposterior_px": 40, "transverse_mm": 8, "anteroposterior_mm": 20,
        "major_axis_mm": long, "minor_axis_mm": short,
        "eccentricity": math.sqrt(1 - (short / long) ** 2), "solidity": 1,
    })}  # fmt: skip
    plain = shape_of(view(grey, {("ES", "right"): mask}))["ES", "right"]
    assert set(SHAPE) - set(plain) == {n for n in SHAPE if n.endswith("_mm")}
    assert plain["eccentricity"] == pytest.approx(math.sqrt(1 - (10**2 - 1) / (40**2 - 1)))


@pytest.mark.parametrize("spacing_mm", [None, (0.4, 0.9)])
@pytest.mark.parametrize("seed", range(3))
def test_shape_of_random_regions(seed, spacing_mm):
    random = np.random.default_rng(seed)
    masks = {("MF", "left"): blob(random), ("PM", "right"): blob(random)}
    found = shape_of(view(np.zeros((60, 50), np.uint8), masks, spacing_mm=spacing_mm))
    for key, mask in masks.items():
        across, down = spacing_mm[::-1] if spacing_mm else (1, 1)
        rows, columns = np.nonzero(mask)
        variances = np.linalg.eigvalsh(np.cov(rows * down, columns * across, ddof=0))
        assert found[key]["eccentricity"] == pytest.approx(math.sqrt(1 - variances[0] / variances[1]))
        assert found[key]["anteroposterior_px"] == rows.max() - rows.min() + 1
        assert found[key]["transverse_px"] == columns.max() - columns.min() + 1
        # Several pieces are one region.
        assert found[key]["solidity"] == pytest.approx(regionprops(mask.astype(int))[0].solidity)
        assert label(mask).max() > 1
        if spacing_mm:
            axes = found[key]["minor_axis_mm"], found[key]["major_axis_mm"]
            assert axes == pytest.approx(4 * np.sqrt(variances))


# ---------------------------------------------------------------- through the function of the package


def table_of(folder, measures, **settings):
    """(segment, muscle, side) → the row, without empty cells."""
    found = mp.quantify(folder, settings={"measures": measures, **settings})
    rows = found.table.to_dict("records")
    kept = [{name: value for name, value in row.items() if value == value} for row in rows]
    return {(row["segment"], row["muscle"], row["side"]): row for row in kept}, found


@pytest.fixture(scope="module")
def real(shared):
    """The slices of a real scan: (grey, masks) by segment, from the files by Pillow alone."""
    slices = {}
    for path in sorted((shared / "real" / "TUM01").glob("HV_1_*.json")):
        grey = np.asarray(Image.open(path.with_suffix(".png")))
        masks = {}
        for drawn in json.loads(path.read_text(encoding="utf-8"))["shapes"]:
            canvas = Image.new("L", grey.shape[::-1])
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in drawn["points"]], outline=1, fill=1)
            name, _, side = drawn["label"].partition("_")
            key = name, SIDES.get(side, "")
            masks[key] = masks.get(key, False) | (np.asarray(canvas) == 1)
        slices[f"L{path.stem[-1]}"] = grey, masks
    return slices


def test_a_real_scan(real, shared, tmp_path):
    rows, found = table_of(shared / "real" / "TUM01", ["signal", "shape"])
    assert len(rows) == 4 * 9
    for (segment, muscle, side), row in rows.items():
        grey, masks = real[segment]
        expected = expected_signal(grey, masks, muscle, side)
        assert {n: row[n] for n in SIGNAL if n in row} == pytest.approx(expected, rel=1e-12)
        if side != "both":
            (region,) = regionprops(masks[muscle, side].astype(int))
            assert row["eccentricity"] == pytest.approx(region.eccentricity)
            assert row["solidity"] == pytest.approx(region.solidity)
            assert row["transverse_px"] == region.bbox[3] - region.bbox[1]
        assert set(SHAPE) & set(row) == (set() if side == "both" else {n for n in SHAPE if "_mm" not in n})
    codes = [(p.code, p.shape) for p in found.problem_list]
    # The discs of this scan are black in its window, but for one; no subcutaneous fat is drawn.
    clipped = [s for s, (grey, masks) in real.items() if np.median(grey[masks["IVD", ""]]) == 0]
    assert codes.count(("clipped-reference", "IVD")) == len(clipped) > 0
    assert codes.count(("measure-lacks", "SAT")) == 1


SAT = polygon("SAT", box(2, 92, 97, 98))


def test_the_level_of_subcutaneous_fat_and_the_slices_without(tmp_path):
    write_slice(tmp_path, "ALS_1_3", grey_image(seed=3), [*SHAPES, SAT])
    write_slice(tmp_path, "ALS_1_4", grey_image(seed=4))
    rows, found = table_of(tmp_path, ["signal"])
    level = grey_image(seed=3)[92:99, 2:98].mean()
    assert rows["L3", "MF", "left"]["sat_mean"] == pytest.approx(level)
    assert rows["L3", "MF", "left"]["sat_ratio"] == pytest.approx(
        rows["L3", "MF", "left"]["mean_intensity"] / level
    )
    assert "sat_mean" not in rows["L4", "MF", "left"]
    (problem,) = (p for p in found.problem_list if p.code == "measure-lacks")
    assert "SAT of subcutaneous fat for 1 of 2 slices, among them ALS_1_4.png" in problem.message
    assert (problem.severity, problem.shape) == ("warning", "SAT")


@pytest.mark.parametrize("rule", ["fixed", "reference"])
def test_saturated_fat_is_said_once(tmp_path, rule):
    white = grey_image(seed=3)
    white[92:99, 2:98] = 255
    write_slice(tmp_path, "ALS_1_3", white, [*SHAPES, SAT])
    _, found = table_of(tmp_path, ["signal"], fat_rule=rule)
    assert [p.code for p in found.problem_list] == ["saturated-fat"]
    assert "saturated-fat" not in [p.code for p in mp.quantify(tmp_path).problem_list]


@pytest.mark.parametrize(
    ("low", "high", "function", "told"),
    [(0, 900, "", False), (-0.5, 1199.5, "LINEAR", False), (30, 900, "", True), (900, 0, "", True),
     ("", "", "SIGMOID", True), ("", "", "", False)],
)  # fmt: skip
def test_a_window_that_does_not_begin_at_no_signal(tmp_path, low, high, function, told):
    write_slice(tmp_path, "ALS_1_3", grey_image(seed=3), [*SHAPES, SAT])
    head = "image,row_spacing_mm,col_spacing_mm,window_low,window_high,voi_function"
    (tmp_path / "slices.csv").write_text(f"{head}\nALS_1_3.png,0.5,0.5,{low},{high},{function}\n")
    _, found = table_of(tmp_path, ["signal"])
    assert [p.code for p in found.problem_list] == ["shifted-grey"] * told
    assert mp.quantify(tmp_path).problem_list == ()


def test_a_window_given_for_deep_images(tmp_path):
    deep = grey_image(seed=3).astype(np.uint16) * 4
    write_slice(tmp_path, "ALS_1_3", deep, [*SHAPES, SAT])
    for window, told in (((0, 1020), 0), ((100, 1020), 1)):
        _, found = table_of(tmp_path, ["signal"], window=window)
        assert [p.code for p in found.problem_list] == ["shifted-grey"] * told
