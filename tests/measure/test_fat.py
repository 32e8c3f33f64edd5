"""Thresholds found in the slice: against a search over all splits, and what becomes of slices without one."""

from __future__ import annotations

import csv
import json
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.measure.fat import grey_threshold, is_saturated
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_slice
from tests.support.builders.study import problems_of, rows_of, run

SAT = polygon("SAT", box(2, 92, 97, 98))


def between_class_variance(levels, cuts):
    """Σ n·(mean of the class − mean of all)² over the classes that the cuts make."""
    edges = [-1, *cuts, 255]
    total = 0.0
    for low, high in pairwise(edges):
        members = levels[(levels > low) & (levels <= high)]
        if len(members):
            total += len(members) * (members.mean() - levels.mean()) ** 2
    return total


def patches(*masks):
    names = [("MF", "left"), ("MF", "right"), ("ES", "left"), ("ES", "right")]
    return {name: Patch(0, 0, np.asarray(mask, dtype=bool)) for name, mask in zip(names, masks, strict=False)}


levels_of_muscles = st.lists(st.integers(0, 255), min_size=4, max_size=60).filter(lambda v: len(set(v)) > 2)


@settings(deadline=None)
@given(levels_of_muscles)
def test_otsu_parts_the_levels_as_no_other_cut_does_better(values):
    grey = np.array([values], dtype=np.uint8)
    found = grey_threshold("otsu", grey, patches(np.ones_like(grey)), 0.5)
    best = max(between_class_variance(grey.ravel().astype(float), [t]) for t in range(255))
    assert between_class_variance(grey.ravel().astype(float), [found]) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_multiotsu_gives_the_upper_of_the_two_best_cuts(seed):
    random = np.random.default_rng(seed)
    classes = [random.normal(m, 4, n) for m, n in ((25, 120), (70, 60), (140, 40))]
    grey = np.clip(np.concatenate(classes), 0, 255).round().astype(np.uint8)[None]
    found = grey_threshold("multiotsu", grey, patches(np.ones_like(grey)), 0.5)
    levels = grey.ravel().astype(float)
    cuts = combinations(range(int(levels.min()), int(levels.max())), 2)
    best = max(cuts, key=lambda pair: between_class_variance(levels, pair))
    # Between the classes there is a gap of levels that nobody has: each cut in it is as good.
    assert np.array_equal(levels > found, levels > best[1])


def test_all_muscles_together_each_pixel_once():
    grey = np.array([[10, 10, 10, 200, 20, 30]], dtype=np.uint8)
    lean, fat = [[1, 1, 1, 0, 0, 0]], [[0, 0, 1, 1, 1, 1]]
    found = grey_threshold("otsu", grey, patches(lean, fat), 0.5)
    assert 30 <= found < 200
    # The disc and what lies outside the muscles has no part in it.
    disc = {("IVD", ""): Patch(0, 0, np.ones((1, 6), dtype=bool))}
    assert (
        grey_threshold("otsu", np.hstack([grey, [[255]]]).astype(np.uint8), patches(lean, fat) | disc, 0.5)
        == found
    )


@pytest.mark.parametrize(("rule", "levels", "needed"), [("otsu", [7, 7, 7], 2), ("multiotsu", [7, 9, 7], 3)])
def test_too_few_grey_levels_give_no_threshold(rule, levels, needed):
    grey = np.array([levels], dtype=np.uint8)
    with pytest.raises(UnreadableError, match=f"expected at least {needed} for {rule}"):
        grey_threshold(rule, grey, patches(np.ones_like(grey)), 0.5)


def test_reference_is_a_fraction_of_the_median_of_subcutaneous_fat():
    grey = np.array([[100, 180, 250]], dtype=np.uint8)
    sat = {("SAT", ""): Patch(0, 0, np.ones((1, 3), dtype=bool))}
    assert grey_threshold("reference", grey, sat, 0.4) == pytest.approx(0.4 * 180)
    assert not is_saturated(grey, sat)
    assert is_saturated(np.full((1, 3), 255, dtype=np.uint8), sat)
    with pytest.raises(UnreadableError, match="no valid contour SAT"):
        grey_threshold("reference", grey, {}, 0.4)


# ---------------------------------------------------------------- through the command


def canvas(shape):
    (left, top), _, (right, bottom), _ = shape["points"]
    mask = np.zeros((100, 100), dtype=bool)
    mask[int(top) : int(bottom) + 1, int(left) : int(right) + 1] = True  # Pillow's rule, of upright boxes
    return mask


def region(row):
    return f"{row['muscle']}_{row['side'][0].upper()}"


@pytest.mark.parametrize("rule", ["otsu", "multiotsu"])
def test_every_row_has_the_threshold_of_its_slice(tmp_path, rule):
    for segment in (3, 4):
        image = grey_image(seed=segment) // segment
        write_slice(tmp_path / "scans", f"ALS_1_{segment}", image)
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--fat-rule", rule).code == 0
    masks = {shape["label"]: canvas(shape) for shape in SHAPES}
    muscles = np.logical_or.reduce([mask for label, mask in masks.items() if label != "IVD"])
    seen = {}
    for row in rows_of(tmp_path / "out"):
        image = grey_image(seed=int(row["segment"][1])) // int(row["segment"][1])
        threshold = float(row["threshold"])
        seen[row["segment"]] = threshold
        assert row["fat_rule"] == rule
        if row["side"] != "both":
            fat = np.count_nonzero(image[masks[region(row)]] > threshold)
            assert int(row["fat_px"]) == fat
        if rule == "otsu":
            levels = image[muscles].astype(float)
            best = max(between_class_variance(levels, [t]) for t in range(255))
            assert between_class_variance(levels, [threshold]) == pytest.approx(best, rel=1e-9)
    assert seen["L3"] != seen["L4"]
    saved = json.loads((tmp_path / "out" / "quantify.json").read_text())["settings"]
    assert saved["fat_rule"] == rule


def test_reference_from_the_protocol_and_its_fraction_as_a_flag(tmp_path):
    image = grey_image()
    image[92:99, 2:98] = 200
    image[92:99, 40] = 190  # fat is never all of one grey level
    write_slice(tmp_path / "scans", "ALS_1_3", image, [*SHAPES, SAT])
    (tmp_path / "scans" / "paraspinal.toml").write_text('fat-rule = "reference"\n')
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--sat-fraction", "0.45").code == 0
    rows = rows_of(tmp_path / "out")
    assert {row["threshold"] for row in rows} == {"90"}
    assert len(rows) == 9
    masks = {shape["label"]: canvas(shape) for shape in SHAPES}
    for row in rows:
        if row["side"] != "both":
            assert int(row["fat_px"]) == np.count_nonzero(image[masks[region(row)]] > 90)
    assert not problems_of(tmp_path / "out")


def test_a_slice_without_its_threshold_is_not_measured_and_the_others_are(tmp_path):
    image = grey_image()
    write_slice(tmp_path / "scans", "ALS_1_3", image, [*SHAPES, SAT])
    write_slice(tmp_path / "scans", "ALS_1_4", image)
    saturated = image.copy()
    saturated[92:99, 2:98] = 255
    write_slice(tmp_path / "scans", "ALS_1_5", saturated, [*SHAPES, SAT])
    done = run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--fat-rule", "reference")
    assert done.code == 4
    assert {row["segment"] for row in rows_of(tmp_path / "out")} == {"L3", "L5"}
    assert "ALS_1_4.json: error: no valid contour SAT of subcutaneous fat; expected" in done.err
    with (tmp_path / "out" / "problems.csv").open() as file:
        told = [(row["file"], row["severity"], row["code"]) for row in csv.DictReader(file)]
    assert ("ALS_1_4.json", "error", "no-threshold") in told
    assert ("ALS_1_5.json", "warning", "saturated-fat") in told


def test_sat_is_no_muscle_and_no_unknown_label(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3", grey_image(), [*SHAPES, SAT])
    write_slice(tmp_path / "plain", "ALS_1_3", grey_image())
    for name in ("scans", "plain"):
        assert run("quantify", tmp_path / name, "--out", tmp_path / f"{name}-out").code == 0
    assert not problems_of(tmp_path / "scans-out")
    assert rows_of(tmp_path / "scans-out") == rows_of(tmp_path / "plain-out")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--fat-rule", "otsu", "--threshold", "60"), "--threshold: given with the fat rule otsu"),
        (("--sat-fraction", "0.5"), "--sat-fraction: given with the fat rule fixed"),
        (
            ("--fat-rule", "reference", "--sat-fraction", "50"),
            "--sat-fraction: 50.0 was found; expected a number",
        ),
        (
            ("--fat-rule", "reference", "--sat-fraction", "nan"),
            "--sat-fraction: nan was found; expected a number",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path, options, line):
    write_slice(tmp_path / "scans", "ALS_1_3")
    done = run("quantify", tmp_path / "scans", "--out", tmp_path / "out", *options)
    assert done.code == 2
    assert line in done.err


def test_a_threshold_of_the_protocol_gives_way_to_a_rule_given_as_a_flag(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    (tmp_path / "scans" / "paraspinal.toml").write_text("threshold = 60\n")
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--fat-rule", "otsu").code == 0
    (tmp_path / "scans" / "paraspinal.toml").write_text('threshold = 60\nfat-rule = "otsu"\n')
    done = run("quantify", tmp_path / "scans", "--out", tmp_path / "out")
    assert done.code == 2
    assert "paraspinal.toml: threshold: given with the fat rule otsu" in done.err


def test_overlays_mark_what_the_rule_counts_as_fat(tmp_path):
    image = grey_image() // 4  # nothing is brighter than grey 63
    write_slice(tmp_path / "scans", "ALS_1_3", image)
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--fat-rule", "otsu").code == 0
    fat = {region(row): int(row["fat_px"]) for row in rows_of(tmp_path / "out") if row["side"] != "both"}
    assert run("masks", tmp_path / "scans", "--out", tmp_path / "m", "--fat-rule", "otsu").code == 0
    drawn = np.asarray(Image.open(tmp_path / "m" / "ALS_1_3_overlay.png").convert("RGB")).astype(int)
    scale = drawn.shape[1] // 100
    picture = drawn[drawn.shape[0] - 100 * scale :]
    # The middle of every enlarged pixel of a muscle's inside, away from its coloured edge and its name.
    pixels = picture[scale // 2 :: scale, scale // 2 :: scale]
    reddish = pixels[..., 0] > pixels[..., 1] + 20
    inside = np.zeros((100, 100), dtype=bool)
    inside[62:66, 12:28] = True  # ES_R without its edge
    threshold = float(rows_of(tmp_path / "out")[0]["threshold"])
    assert np.array_equal(reddish[inside], (image > threshold)[inside])
    assert fat["ES_R"] > 0


def test_no_overlay_pretends_to_know_fat_fractions(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3", grey_image())
    (tmp_path / "scans" / "paraspinal.toml").write_text('fat-rule = "dixon"\n')
    assert run("masks", tmp_path / "scans", "--out", tmp_path / "m").code == 0
    drawn = np.asarray(Image.open(tmp_path / "m" / "ALS_1_3_overlay.png").convert("RGB")).astype(int)
    scale = drawn.shape[1] // 100
    picture = drawn[drawn.shape[0] - 100 * scale :][scale // 2 :: scale, scale // 2 :: scale]
    assert (np.ptp(picture[62:66, 12:28], axis=2) == 0).all()


def test_a_sweep_of_thresholds_needs_the_fixed_rule(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3", grey_image())
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--fat-rule", "otsu").code == 0
    done = run(
        "threshold-sweep", tmp_path / "out", "--dataset", tmp_path / "scans", "--out", tmp_path / "sweep"
    )
    assert done.code == 2
    assert "were measured with the fat rule otsu, which has no one threshold; expected" in done.err
