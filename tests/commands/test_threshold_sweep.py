"""``threshold-sweep``: compared with quantify and compare at other thresholds, and with a plain recount."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mriparaspinal.stats.sweep import (
    CONTRAST_COLUMNS,
    SLOPE_COLUMNS,
    SWEEP_COLUMNS,
    Steadiness,
    fi_of_histograms,
    steadiness,
    sweep_table,
)
from tests.support.builders.slices import write_dataset
from tests.support.builders.study import (
    SAMPLE,
    comparisons_of,
    copy_sample,
    fingerprint,
    one_line,
    read_csv,
    rows_of,
    run,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The slices of L3 and L4 of the sample data, their results, and the sweep over them."""
    home = tmp_path_factory.mktemp("sweep")
    copy_sample(home / "scans", "*_3.*", "*_4.*")
    assert run("quantify", home / "scans", "--out", home / "results", "--quiet").code == 0
    outcome = sweep(home, home / "swept")
    assert outcome.code == 0, outcome.err
    (home / "said.txt").write_text(outcome.err)
    return home


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """L4 alone, two contrasts in the protocol: quick to sweep again."""
    home = tmp_path_factory.mktemp("few")
    copy_sample(home / "scans", "*_4.*")
    (home / "scans" / "paraspinal.toml").write_text(FEW)
    assert run("quantify", home / "scans", "--out", home / "results", "--quiet").code == 0
    outcome = sweep(home, home / "swept")
    assert outcome.code == 0, outcome.err
    return home


FEW = 'contrasts = ["side:ALS", "group:ALS-LR"]\n'


def sweep(study: Path, out: Path, *options: object, results: Path | None = None, scans: Path | None = None):
    dataset = scans or study / "scans"
    return run("threshold-sweep", results or study / "results", "--dataset", dataset, "--out", out, *options)


def test_files_and_columns(study):
    assert set(fingerprint(study / "swept")) == {
        *(
            "sweep.csv",
            "slope.csv",
            "sweep_contrasts.csv",
            "sweep.png",
            "sweep.svg",
            "sweep_data.csv",
            "notes.txt",
            "threshold_sweep.json",
        )
    }
    for name, columns in (
        ("sweep", SWEEP_COLUMNS),
        ("slope", SLOPE_COLUMNS),
        ("sweep_contrasts", CONTRAST_COLUMNS),
    ):
        assert tuple(pd.read_csv(study / "swept" / f"{name}.csv").columns) == columns
    rows = read_csv(study / "swept" / "sweep.csv")
    assert [(row["segment"], row["muscle"]) for row in rows[::256]] == [
        (segment, muscle) for segment in ("", "L3", "L4") for muscle in ("MF", "ES", "PM")
    ]
    assert [row["threshold"] for row in rows[:256]] == [str(level) for level in range(256)]
    assert {row["n"] for row in rows if row["segment"] == ""} == {"64"}


@pytest.mark.parametrize("threshold", [40, 57])
def test_contrasts_are_those_of_a_study_with_that_threshold(study, tmp_path, threshold):
    run("quantify", study / "scans", "--threshold", threshold, "--out", tmp_path / "results", "--quiet")
    expected = comparisons_of(tmp_path / "results", metrics=["fi"])
    swept = [
        row for row in read_csv(study / "swept" / "sweep_contrasts.csv") if row["threshold"] == str(threshold)
    ]
    columns = [column for column in CONTRAST_COLUMNS if column != "threshold"]
    # With FI alone the family of p_adjusted is that of p_adjusted_fi.
    named = ["p_adjusted" if column == "p_adjusted_fi" else column for column in columns]
    assert len(swept) > 50
    assert [[row[c] for c in columns] for row in swept] == [[row[c] for c in named] for row in expected]


def test_all_thresholds_from_40_to_60_stand_together(study):
    rows = read_csv(study / "swept" / "sweep_contrasts.csv")
    for start in range(0, len(rows), 21):
        block = rows[start : start + 21]
        assert [row["threshold"] for row in block] == [str(level) for level in range(40, 61)]
        assert len({(row["contrast"], row["segment"], row["muscle"], row["role"]) for row in block}) == 1


def levels_of(scans: Path, muscle: str, segment: int) -> list[np.ndarray]:
    """The grey levels inside every contour of a muscle, drawn on the whole canvas with Pillow alone."""
    found = []
    for path in sorted(scans.glob(f"*_{segment}.json")):
        with Image.open(path.with_suffix(".png")) as image:
            grey = np.array(image.convert("L"))
        for shape in json.loads(path.read_text())["shapes"]:
            if shape["label"] in (f"{muscle}_L", f"{muscle}_R"):
                canvas = Image.new("L", grey.shape[::-1])
                ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
                found.append(grey[np.asarray(canvas) == 1])
    return found


@pytest.mark.parametrize("threshold", [0, 25, 50, 140, 255])
def test_fi_is_that_of_a_recount(study, threshold):
    fi = [float((levels > threshold).mean()) for levels in levels_of(study / "scans", "ES", 3)]
    (row,) = (
        row
        for row in read_csv(study / "swept" / "sweep.csv")
        if (row["segment"], row["muscle"], row["threshold"]) == ("L3", "ES", str(threshold))
    )
    assert int(row["n"]) == len(fi) == 32
    q1, median, q3 = np.percentile(fi, [25, 50, 75], method="weibull")
    for column, expected in (("fi_median", median), ("fi_q1", q1), ("fi_q3", q3), ("fi_mean", np.mean(fi))):
        assert float(row[column]) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_fi_at_the_studys_threshold_is_that_of_the_results(study):
    table = pd.DataFrame(rows_of(study / "results"))
    fi = table[(table["side"] != "both") & (table["muscle"] == "PM")]["fi"].astype(float)
    swept = pd.read_csv(study / "swept" / "sweep.csv", keep_default_na=False)
    row = swept[(swept.segment == "") & (swept.muscle == "PM") & (swept.threshold == 50)].iloc[0]
    assert float(row["fi_median"]) == pytest.approx(fi.median(), rel=1e-12)
    assert float(row["fi_mean"]) == pytest.approx(fi.mean(), rel=1e-12)


def test_slope_is_the_central_difference_of_mean_fi(study):
    swept = pd.read_csv(study / "swept" / "sweep.csv", keep_default_na=False)
    mean = swept.set_index(["segment", "muscle", "threshold"])["fi_mean"]
    rows = read_csv(study / "swept" / "slope.csv")
    assert len(rows) == 9
    for row in rows:
        place = row["segment"], row["muscle"]
        assert row["threshold"] == "50"
        assert float(row["slope"]) < 0
        assert float(row["slope"]) == pytest.approx((mean[*place, 51] - mean[*place, 49]) / 2, rel=1e-9)


def test_the_summary_counts_what_stands_in_the_table(study):
    table = pd.read_csv(study / "swept" / "sweep_contrasts.csv", keep_default_na=False)
    table["p"] = pd.to_numeric(table["p"])
    table["effect_size"] = pd.to_numeric(table["effect_size"])
    wide = table.pivot(
        index=["contrast", "segment", "muscle", "role"], columns="threshold", values=["p", "effect_size"]
    )
    here = wide["p"][50] < 0.05
    steady = here & (wide["p"] < 0.05).all(axis=1) & (np.sign(wide["effect_size"]).nunique(axis=1) == 1)
    sometimes = ~here & (wide["p"] < 0.05).any(axis=1)
    sentence = (
        f"comparisons of FI with p < 0.05 at the threshold 50: {here.sum()}, of which "
        f"{steady.sum()} stay so, in the same direction, at every threshold from 40 to 60; "
        f"of the {(~here).sum()} others "
        f"{sometimes.sum()} have p < 0.05 at some threshold from 40 to 60"
    )
    assert here.sum() > 0
    assert sentence in (study / "said.txt").read_text().splitlines()
    assert sentence in (study / "swept" / "notes.txt").read_text().splitlines()


def test_two_processes_give_the_same_bytes_and_quiet_is_quiet(few, tmp_path):
    outcome = sweep(few, tmp_path, "--jobs", 2, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert fingerprint(tmp_path) == fingerprint(few / "swept")


def test_a_protocol_is_followed(tmp_path):
    write_dataset(tmp_path / "scans", als=5, lr=5, segments=(3,))
    (tmp_path / "scans" / "paraspinal.toml").write_text('threshold = 4\ncontrasts = ["group:LR-ALS"]\n')
    run("quantify", tmp_path / "scans", "--out", tmp_path / "results", "--quiet")
    outcome = sweep(tmp_path, tmp_path / "out")
    assert outcome.code == 0, outcome.err
    rows = read_csv(tmp_path / "out" / "sweep_contrasts.csv")
    assert {row["contrast"] for row in rows} == {"group:LR-ALS"}
    assert {int(row["threshold"]) for row in rows} == set(range(15))
    assert {row["threshold"] for row in read_csv(tmp_path / "out" / "slope.csv")} == {"4"}


def test_participants_may_come_from_elsewhere(few, tmp_path):
    bare = tmp_path / "scans"
    shutil.copytree(few / "scans", bare)
    (bare / "participants.csv").unlink()
    run("quantify", bare, "--out", tmp_path / "results", "--quiet")
    table = few / "scans" / "participants.csv"
    outcome = sweep(few, tmp_path / "out", "--participants", table, results=tmp_path / "results", scans=bare)
    assert outcome.code == 0, outcome.err
    for name in ("sweep.csv", "sweep_contrasts.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (few / "swept" / name).read_bytes()


def test_one_group_without_sides_is_swept_without_contrasts(tmp_path):
    write_dataset(tmp_path / "scans", als=3, lr=0, segments=(3,))
    run("quantify", tmp_path / "scans", "--out", tmp_path / "results", "--quiet")
    outcome = sweep(tmp_path, tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "no contrasts: nothing to compare" in outcome.err
    assert (tmp_path / "out" / "sweep_contrasts.csv").read_text() == f"{','.join(CONTRAST_COLUMNS)}\n"
    assert len(read_csv(tmp_path / "out" / "sweep.csv")) == 2 * 3 * 256


@pytest.mark.parametrize("kind", ["image", "contours", "missing image", "missing slice", "new slice"])
def test_another_dataset_than_the_measured_one_is_refused(study, tmp_path, kind):
    scans = shutil.copytree(study / "scans", tmp_path / "scans")
    image, contours = scans / "LR_2_4.png", scans / "LR_2_4.json"
    if kind == "image":
        image.write_bytes((scans / "LR_3_4.png").read_bytes())
        said = f"{image}: changed since it was measured"
    elif kind == "contours":
        contours.write_text(contours.read_text() + "\n")
        said = f"{contours}: changed since it was measured"
    elif kind == "missing image":
        image.unlink()
        said = f"{image}: was measured"
    elif kind == "missing slice":
        image.unlink()
        contours.unlink()
        said = f"{contours}: was measured"
    else:
        shutil.copy(SAMPLE / "LR_2_5.png", scans)
        shutil.copy(SAMPLE / "LR_2_5.json", scans)
        said = f"{scans / 'LR_2_5.json'}: was not measured"
    assert said in one_line(sweep(study, tmp_path / "out", scans=scans), 3)
    assert not list((tmp_path / "out").glob("*"))


def test_results_that_the_dataset_does_not_give_are_refused(study, tmp_path):
    """An FI that is a digit off, under a manifest that has been made to fit."""
    forged = shutil.copytree(study / "results", tmp_path / "results")
    table = (forged / "L4.csv").read_text().splitlines(keepends=True)
    columns = table[0].split(",")
    cells = table[1].split(",")
    place = columns.index("fi")
    cells[place] = repr(math.nextafter(float(cells[place]), 1))
    table[1] = ",".join(cells)
    seal(forged, "".join(table))
    line = one_line(sweep(study, tmp_path / "out", results=forged), 3)
    assert f"ALS_1 L4 MF left: fi {cells[place]} was found" in line
    seal(forged, "".join([table[0], *table[2:]]))
    line = one_line(sweep(study, tmp_path / "out", results=forged), 3)
    assert "ALS_1 L4 MF left: measured, but not in the tables" in line


def seal(folder: Path, table: str) -> None:
    """Write another L4.csv, and its SHA-256 into the manifest."""
    (folder / "L4.csv").write_text(table)
    manifest = json.loads((folder / "quantify.json").read_text())
    manifest["outputs"]["L4.csv"] = hashlib.sha256(table.encode()).hexdigest()
    (folder / "quantify.json").write_text(json.dumps(manifest))


def test_wrong_input_is_one_line(few, tmp_path):
    out = tmp_path / "out"
    bare = shutil.copytree(few / "results", tmp_path / "bare")
    (bare / "quantify.json").unlink()
    strange = shutil.copytree(few / "results", tmp_path / "strange")
    manifest = json.loads((strange / "quantify.json").read_text())
    manifest["settings"]["threshold"] = "fifty"
    (strange / "quantify.json").write_text(json.dumps(manifest))
    assert "no quantify.json" in one_line(sweep(few, out, results=bare), 3)
    assert "Expected `int`, got `str` - at `$.settings.threshold`" in one_line(
        sweep(few, out, results=strange), 3
    )
    assert "no such folder" in one_line(sweep(few, out, results=tmp_path / "none"), 3)
    assert "does not exist" in one_line(sweep(few, out, scans=tmp_path / "none"), 3)
    for folder in ("scans", "results"):
        refused = sweep(few, few / folder)
        assert "is an input and would be written over" in one_line(refused, 2)
    assert sweep(few, out, "--participants", tmp_path / "none.csv").code == 2
    assert run("threshold-sweep", few / "results", "--out", out).code == 2
    assert not out.exists()


@given(st.lists(st.lists(st.integers(0, 255), min_size=1, max_size=30), min_size=1, max_size=4))
def test_fi_of_histograms_is_a_count(regions):
    fi = fi_of_histograms(np.array([np.bincount(levels, minlength=256) for levels in regions]))
    expected = [[sum(level > t for level in levels) / len(levels) for t in range(256)] for levels in regions]
    assert fi.tolist() == expected
    assert (np.diff(fi, axis=1) <= 0).all()


def test_a_single_value_has_no_quartiles():
    table = sweep_table(pd.DataFrame({"segment": ["L3"], "muscle": ["MF"]}), np.full((1, 256), 0.25))
    assert set(table["fi_median"]) == {0.25}
    assert table[["fi_q1", "fi_q3"]].isna().all(axis=None)


def test_steadiness_on_a_drawn_out_table():
    """a stays, b loses its p, c its direction, d its test; e is significant at times; f is not counted.

    f has no test at the study's threshold.
    """
    drawn = {
        "a": ([0.01, 0.02, 0.03], [0.5, 0.4, 0.3]),
        "b": ([0.01, 0.02, 0.05], [0.5, 0.4, 0.3]),
        "c": ([0.01, 0.02, 0.03], [0.5, 0.4, -0.3]),
        "d": ([math.nan, 0.02, 0.03], [math.nan, 0.4, 0.3]),
        "e": ([0.04, 0.06, 0.06], [0.5, 0.4, 0.3]),
        "f": ([math.nan, math.nan, 0.9], [math.nan, math.nan, 0.1]),
    }
    rows = [
        {
            "contrast": name,
            "segment": "L3",
            "muscle": "MF",
            "role": "",
            "threshold": t,
            "p": p,
            "effect_size": e,
        }
        for name, (ps, effects) in drawn.items()
        for t, p, e in zip((49, 50, 51), ps, effects, strict=True)
    ]
    assert steadiness(pd.DataFrame(rows), 50) == Steadiness(significant=4, steady=1, other=1, sometimes=1)


def test_normality_is_judged_as_the_protocol_says(few, tmp_path):
    shutil.copytree(few / "scans", tmp_path / "scans")
    (tmp_path / "scans" / "paraspinal.toml").write_text(f'{FEW}normality = "shapiro"\ndivide-by = "bmi"\n')
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "results", "--quiet").code == 0
    outcome = sweep(tmp_path, tmp_path / "swept")
    assert outcome.code == 0, outcome.err
    assert "normality shapiro" in (tmp_path / "swept" / "notes.txt").read_text().splitlines()[0]
    assert "FI is not divided by bmi here" in outcome.err
    undivided = tmp_path / "plain"
    assert run("quantify", few / "scans", "--out", undivided, "--quiet").code == 0
    there = comparisons_of(undivided, normality="shapiro", metrics=["fi"])
    expected = [(row["test"], row["p"]) for row in there]
    swept = [row for row in read_csv(tmp_path / "swept" / "sweep_contrasts.csv") if row["threshold"] == "50"]
    assert [(row["test"], row["p"]) for row in swept] == expected
    lilliefors = [row for row in read_csv(few / "swept" / "sweep_contrasts.csv") if row["threshold"] == "50"]
    assert [row["p"] for row in lilliefors] != [row["p"] for row in swept]
