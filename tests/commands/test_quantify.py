"""``quantify`` as a user runs it: its files, its exit codes, and no quiet number from wrong data."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal import __version__
from mriparaspinal.measure.results import read_results
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    polygon,
    write_dataset,
    write_image,
    write_slice,
)
from tests.support.builders.study import (
    MUSCLES_ONLY,
    VB,
    Outcome,
    fingerprint,
    finish,
    problems_of,
    read_csv,
    rows_of,
    run,
    start,
    write_many,
)

COLUMNS = (
    "participant_id,group,segment,muscle,side,role,csa_px,csa_mm2,contour_area_px,fat_px,fi,lean_px,reference,"
    "reference_px,rcsa,lean_rcsa,mean_intensity,asymmetry_pct,threshold,fat_rule,mask_rule,image"
)
PEOPLE = "participant_id,group,onset_side\nALS_1,ALS,L\nALS_2,ALS,R\nLR_1,LR,\nLR_2,LR,L\n"


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    write_dataset(root)
    (root / "participants.csv").write_text(PEOPLE)
    return root


def naive(shapes: list, image: np.ndarray, threshold: int = 50) -> dict[str, tuple[int, int, int]]:
    """csa_px, fat_px and sum of grey by label, from a full canvas as anybody would draw it."""
    counts = {}
    for shape in shapes:
        canvas = Image.new("L", image.shape[::-1], 0)
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
        levels = image[np.asarray(canvas) == 1].astype(int)
        counts[shape["label"]] = (levels.size, int((levels > threshold).sum()), int(levels.sum()))
    return counts


def assert_counts(rows: list[dict[str, str]], shapes: list, image: np.ndarray, threshold: int = 50) -> None:
    counts = naive(shapes, image, threshold)
    for row in rows:
        if row["side"] == "both":
            parts = [counts[f"{row['muscle']}_{side}"] for side in "LR"]
            px, fat, grey = map(sum, zip(*parts, strict=True))
        else:
            px, fat, grey = counts[f"{row['muscle']}_{row['side'][0].upper()}"]
        assert (int(row["csa_px"]), int(row["fat_px"])) == (px, fat)
        assert float(row["fi"]) == fat / px
        assert float(row["mean_intensity"]) == grey / px
        if row["reference_px"]:
            assert int(row["reference_px"]) == counts[row["reference"]][0]
            assert float(row["rcsa"]) == px / counts[row["reference"]][0]


# All files


def test_all_files(data, tmp_path):
    out = tmp_path / "neu" / "Ergebnisse für ALS"
    before = fingerprint(data)
    outcome = run("quantify", data, "--out", out)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.splitlines() == [
        "slices measured      8 of 8",
        "participants         4 (ALS 2, LR 2)",
        "slices per segment   L3 4, L4 4",
        "errors, warnings     0, 0",
        f"measured 8 of 8 slices into {out} (L3.csv, L4.csv); 0 errors, 0 warnings",
        f"next: mriparaspinal compare {shlex.quote(str(out))} --out comparison",
    ]
    assert sorted(fingerprint(out)) == [
        "L3.csv",
        "L4.csv",
        "measurements.csv",
        "participants.csv",
        "problems.csv",
        "quantify.json",
        "wide.csv",
    ]
    for name in ("L3.csv", "L4.csv"):
        assert (out / name).read_text().splitlines()[0] == COLUMNS
    assert (out / "problems.csv").read_text() == "file,shape,severity,code,message,remedy\n"
    assert (out / "participants.csv").read_text() == PEOPLE
    assert fingerprint(data) == before, "nothing is written beside the inputs"
    rows = read_csv(out / "L3.csv")
    assert [(r["participant_id"], r["muscle"], r["side"]) for r in rows] == [
        (who, muscle, side)
        for who in ("ALS_1", "ALS_2", "LR_1", "LR_2")
        for muscle in ("MF", "ES", "PM")
        for side in ("left", "right", "both")
    ]
    assert {(r["participant_id"], r["side"]): r["role"] for r in rows if r["muscle"] == "MF"} == {
        ("ALS_1", "left"): "symptomatic",
        ("ALS_1", "right"): "contralateral",
        ("ALS_1", "both"): "bilateral",
        ("ALS_2", "left"): "contralateral",
        ("ALS_2", "right"): "symptomatic",
        ("ALS_2", "both"): "bilateral",
        ("LR_1", "left"): "",
        ("LR_1", "right"): "",
        ("LR_1", "both"): "bilateral",
        ("LR_2", "left"): "symptomatic",
        ("LR_2", "right"): "contralateral",
        ("LR_2", "both"): "bilateral",
    }


def test_counts_are_those_of_a_naive_reading(data, tmp_path):
    run("quantify", data, "--out", tmp_path / "out", "--threshold", 77)
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 72
    for row in rows:
        image = np.asarray(Image.open(data / row["image"]))
        assert_counts([row], SHAPES, image, 77)
        assert row["threshold"] == "77"


def test_the_manifest(data, tmp_path):
    (data / "paraspinal.toml").write_text(
        'threshold = 60\ncontrasts = ["side:ALS"]\n[labels]\ndisk2 = "IVD"\n'
    )
    write_slice(data, "ALS_9_3", shapes=SHAPES[:-2])
    out = tmp_path / "out"
    assert run("quantify", data, "--out", out, "--image-left", "right", "--jobs", 2).code == 4
    text = (out / "quantify.json").read_text()
    manifest = json.loads(text)
    assert manifest["mriparaspinal"] == __version__
    assert manifest["settings"] == {
        "threshold": 60,
        "mask_rule": "labelme",
        "image_left": "right",
        "reference": "IVD",
        "patient_from": "name",
        "name_pattern": None,
        "window": None,
        "labels": {"disk2": "IVD"},
        "contrasts": ["side:ALS"],
        "normality": "lilliefors",
        "divide_by": None,
        "fat_rule": "fixed",
        "sat_fraction": 0.5,
        "same_voxels": False,
    }
    assert manifest["inputs"] == fingerprint(data)
    outputs = {name: digest for name, digest in fingerprint(out).items() if name != "quantify.json"}
    assert manifest["outputs"] == outputs
    assert set(manifest["libraries"]) >= {"python", "numpy", "pillow", "msgspec"}
    assert manifest["libraries"]["python"] == ".".join(map(str, sys.version_info[:3]))
    errors = [p for p in problems_of(out) if p[2] == "error"]
    counts = manifest["counts"]
    assert counts == {
        "slices_found": 9,
        "slices_measured": 9,
        "participants": 5,
        "rows": len(rows_of(out)),
        "errors": len(errors),
        "warnings": len(problems_of(out)) - len(errors),
    }
    for leak in (str(tmp_path), str(out), "jobs", str(Path.home())):
        assert leak not in text, "no path, no trace of how it was run"
    assert not re.search(r"20\d\d-\d\d-\d\d|\d\d:\d\d", text), "no clock"


def test_the_same_bytes_for_any_number_of_jobs_and_each_time(data, tmp_path):
    write_slice(data, "ALS_1_5", shapes=[*MUSCLES_ONLY[:4], polygon("zebra", box(1, 1, 5, 5))])
    prints = []
    for number, jobs in enumerate((1, 2, 3, 1)):
        outcome = run("quantify", data, "--out", tmp_path / str(number), "--jobs", jobs)
        assert outcome.code == 4
        prints.append(fingerprint(tmp_path / str(number)))
    assert prints[0] == prints[1] == prints[2] == prints[3]


def test_only_segments_that_exist_get_a_file(tmp_path):
    write_dataset(tmp_path / "data", 1, 0, (1, 5))
    run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out").glob("L*"))] == ["L1.csv", "L5.csv"]


def test_a_segment_of_which_nothing_was_measured_gets_no_file(data, tmp_path):
    write_slice(data, "ALS_1_5", shapes=[SHAPES[-1]])
    assert run("quantify", data, "--out", tmp_path / "out").code == 4
    assert not (tmp_path / "out" / "L5.csv").exists()
    assert {p[3] for p in problems_of(tmp_path / "out")} == {"missing-muscle"}


def test_a_second_run_on_less_removes_what_is_stale(data, tmp_path):
    out = tmp_path / "out"
    write_slice(data, "ALS_1_5")
    run("quantify", data, "--out", out)
    assert (out / "L5.csv").exists()
    (out / "notes.txt").write_text("mine")
    for name in ("ALS_1_5.png", "ALS_1_5.json", "participants.csv"):
        (data / name).unlink()
    assert run("quantify", data, "--out", out).code == 0
    assert sorted(fingerprint(out)) == [
        *("L3.csv", "L4.csv", "measurements.csv", "notes.txt", "problems.csv", "quantify.json", "wide.csv")
    ]
    assert read_results(out).tables == ("L3.csv", "L4.csv")
    assert {row["role"] for row in rows_of(out)} == {"", "bilateral"}


def test_a_users_own_table_in_the_output_folder_survives(data, tmp_path):
    """``quantify scans --out .`` where the lab's own participants.csv lies."""
    (data / "participants.csv").unlink()
    (tmp_path / "participants.csv").write_text("mine")
    for _ in range(2):
        assert run("quantify", data, "--out", tmp_path).code == 0
    assert (tmp_path / "participants.csv").read_text() == "mine"
    (data / "participants.csv").write_text(PEOPLE)
    outcome = run("quantify", data, "--out", tmp_path)
    assert outcome.code == 2
    assert "choose another --out" in outcome.err
    assert (tmp_path / "participants.csv").read_text() == "mine"
    (tmp_path / "participants.csv").write_text(PEOPLE)
    (data / "participants.csv").unlink()
    outcome = run("quantify", data, "--out", tmp_path, "--participants", tmp_path / "participants.csv")
    assert (outcome.code, (tmp_path / "participants.csv").read_text()) == (2, PEOPLE)


# What is said


def test_quiet_says_nothing_but_errors(data, tmp_path):
    assert run("quantify", data, "--out", tmp_path / "out", "--quiet") == Outcome(0, "", "")
    write_slice(data, "ALS_1_5", shapes=[*SHAPES, polygon("zebra", box(1, 1, 5, 5))])
    assert run("quantify", data, "--out", tmp_path / "out", "--quiet") == Outcome(0, "", "")
    (data / "ALS_1_5.png").write_bytes(b"")
    outcome = run("quantify", data, "--out", tmp_path / "out", "--quiet")
    assert (outcome.code, outcome.out) == (4, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("ALS_1_5.png: error: ")


def test_warnings_are_counted_and_listed_on_request(tmp_path):
    root = tmp_path / "data"
    for number in range(1, 31):
        write_slice(root, f"ALS_{number}_3", shapes=[*SHAPES, polygon("zebra", box(1, 1, 5, 5))])
    brief = run("quantify", root, "--out", tmp_path / "out")
    assert brief.code == 0
    assert brief.err.count("'zebra'") == 1
    assert "30 × warning: label that means no region (unknown-label): ALS_1_3" in brief.err
    full = run("quantify", root, "--out", tmp_path / "out", "--verbose")
    assert full.err.count("'zebra'") == 30
    assert len(problems_of(tmp_path / "out")) == 30


def test_a_summary_for_programs(data, tmp_path):
    (data / "ALS_1_4.png").write_bytes(b"")
    outcome = run("quantify", data, "--out", tmp_path / "out", "--json")
    assert outcome.code == 4
    assert json.loads(outcome.out) == {
        "command": "quantify",
        "slices_found": 8,
        "slices_measured": 7,
        "participants": 4,
        "participants_by_group": {"ALS": 2, "LR": 2},
        "slices_by_segment": {"L3": 4, "L4": 3},
        "errors": 1,
        "warnings": 0,
        "problems_by_code": {"unreadable-image": 1},
    }
    assert "problems             1 × unreadable-image" in outcome.err


def test_no_progress_bar_away_from_a_terminal(data, tmp_path):
    outcome = finish(start("quantify", data, "--out", tmp_path / "out"))
    assert (outcome.code, outcome.out) == (0, "")
    assert len(outcome.err.splitlines()) == 6
    assert "\x1b" not in outcome.err
    assert "\r" not in outcome.err


# Exit codes


def test_a_faulty_slice_does_not_stop_the_others(data, tmp_path):
    (data / "ALS_1_3.json").write_text("{")
    (data / "LR_2_4.png").unlink()
    out = tmp_path / "out"
    outcome = run("quantify", data, "--out", out)
    assert outcome.code == 4
    assert "measured 6 of 8 slices" in outcome.err
    assert len(rows_of(out)) == 54
    assert problems_of(out) == {
        ("ALS_1_3.json", "", "error", "bad-json"),
        ("LR_2_4.json", "", "error", "json-without-image"),
    }
    for file, *_ in problems_of(out):
        assert f"{file}: error: " in outcome.err
    read_results(out)


def test_warnings_do_not_change_the_exit_code(data, tmp_path):
    (data / "participants.csv").write_text("participant_id\nALS_1\nALS_77\n")
    outcome = run("quantify", data, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert {p[2] for p in problems_of(tmp_path / "out")} == {"warning"}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--threshold", "256"], "--threshold: 256 was found; expected a whole grey level"),
        (["--threshold", "-1"], "--threshold: -1 was found"),
        (["--threshold", "fat"], "--threshold"),
        (["--window", "5,5"], "LOW below HIGH"),
        (["--window", "5"], "LOW,HIGH"),
        (["--window", "0,nan"], "expected LOW,HIGH"),
        (["--mask-rule", "best"], "--mask-rule"),
        (["--image-left", "both"], "--image-left"),
        (["--reference", "T12"], "--reference"),
        (["--patient-from", "file"], "--patient-from"),
        (["--name-pattern", "("], "--name-pattern"),
        (["--name-pattern", "x"], "(?P<group>"),
        (["--participants", "none.csv"], "--participants: none.csv"),
        (["--jobs", "0"], "--jobs"),
        (["--colour", "red"], "--colour"),
        (["extra"], "extra"),
    ],
)
def test_wrong_usage_is_2_and_touches_nothing(data, tmp_path, arguments, part):
    out = tmp_path / "out"
    run("quantify", data, "--out", out)
    before = fingerprint(tmp_path)
    outcome = run("quantify", data, "--out", out, *arguments)
    assert outcome.code == 2
    assert part in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    assert fingerprint(tmp_path) == before


def test_missing_arguments_are_2(data):
    assert run("quantify", data).code == 2
    assert run("quantify").code == 2


@pytest.mark.parametrize("make", ["empty", "missing", "a file", "all faulty", "unknown labels"])
def test_no_usable_input_is_3_and_leaves_old_results(data, tmp_path, make):
    out = tmp_path / "out"
    run("quantify", data, "--out", out)
    before = fingerprint(out)
    root = tmp_path / "other"
    if make == "a file":
        root.write_text("x")
    elif make != "missing":
        root.mkdir()
    if make == "all faulty":
        write_slice(root, "ALS_1_3").write_text("{")
    elif make == "unknown labels":
        write_slice(root, "ALS_1_3", shapes=[polygon("tree", box(5, 5, 9, 9))])
    outcome = run("quantify", root, "--out", out)
    assert outcome.code == 3
    assert str(root) in outcome.err.splitlines()[-1]
    assert "; expected" in outcome.err.splitlines()[-1]
    assert fingerprint(out) == before


def test_mixed_references_are_2_and_leave_old_results(data, tmp_path):
    out = tmp_path / "out"
    run("quantify", data, "--out", out)
    before = fingerprint(out)
    write_slice(data, "LR_7_3", shapes=[*MUSCLES_ONLY, VB])
    outcome = run("quantify", data, "--out", out)
    assert outcome.code == 2
    assert "--reference" in outcome.err
    assert fingerprint(out) == before
    outcome = run("quantify", data, "--out", out, "--reference", "VB")
    assert outcome.code == 4
    known = {row["participant_id"] for row in rows_of(out) if row["rcsa"]}
    assert known == {"LR_7"}
    assert {row["reference"] for row in rows_of(out)} == {"VB"}


# Where the results go


def test_results_in_the_dataset_are_not_scanned(data):
    before = fingerprint(data)
    out = data / "results"
    first = run("quantify", data, "--out", out)
    assert (first.code, first.err.count("0 errors, 0 warnings")) == (0, 1)
    prints = fingerprint(out)
    assert run("quantify", data, "--out", out).err == first.err
    assert fingerprint(out) == prints
    assert {name: digest for name, digest in fingerprint(data).items() if "results" not in name} == before


def test_run_into_the_dataset_takes_its_own_figures_for_no_slices(data):
    figure = data / "study" / "comparison" / "figure3_sides_ALS.png"
    write_image(figure, grey_image())
    assert run("run", data, "--out", data / "study", "--quiet").code == 0
    assert problems_of(data / "study" / "results") == set()


@pytest.mark.parametrize("link", [False, True])
def test_the_dataset_itself_is_refused(data, tmp_path, link):
    out = data
    if link:
        out = tmp_path / "link"
        out.symlink_to(data)
    before = fingerprint(data)
    outcome = run("quantify", data, "--out", out)
    assert outcome.code == 2
    assert "is the dataset itself; expected another folder; choose another --out" in outcome.err
    assert fingerprint(data) == before


def test_a_folder_of_slices_is_refused(tmp_path):
    root = tmp_path / "data"
    write_slice(root, "p1/ALS_1_3")
    write_slice(root, "p2/ALS_2_3")
    before = fingerprint(root)
    outcome = run("quantify", root, "--out", root / "p1")
    assert outcome.code == 2
    assert "would not be measured" in outcome.err
    assert fingerprint(root) == before


# Wrong data: never a quiet number

MIRROR = [shape | {"points": [[99 - x, y] for x, y in shape["points"]]} for shape in SHAPES]
SWAPPED = [
    shape | {"label": shape["label"][:-1] + {"L": "R", "R": "L"}.get(shape["label"][-1], "D")}
    for shape in SHAPES
]


def wrong(data, tmp_path, shapes: list | None = None, image: np.ndarray | None = None, **fields):
    """ALS_1 L3 is made anew, wrongly: its rows, and the problems of all; the others must be as they were."""
    run("quantify", data, "--out", tmp_path / "before")
    write_slice(data, "ALS_1_3", image, shapes, **fields)
    outcome = run("quantify", data, "--out", tmp_path / "out")
    problems = problems_of(tmp_path / "out")
    errors = {p for p in problems if p[2] == "error"}
    assert outcome.code == (4 if errors else 0)
    assert all(f"{file}: {label}" in outcome.err for file, label, *_ in problems)
    rows = rows_of(tmp_path / "out")
    others = [row for row in rows if row["image"] != "ALS_1_3.png"]
    assert others == [row for row in rows_of(tmp_path / "before") if row["image"] != "ALS_1_3.png"]
    return [row for row in rows if row["image"] == "ALS_1_3.png"], problems


@pytest.mark.parametrize("how", ["mirrored slice", "swapped labels"])
def test_sides_that_contradict_the_display(data, tmp_path, how):
    if how == "mirrored slice":
        rows, problems = wrong(data, tmp_path, MIRROR, grey_image()[:, ::-1])
    else:
        rows, problems = wrong(data, tmp_path, [*SWAPPED[:-1], SHAPES[-1]])
    assert rows == []
    ((file, _, severity, code),) = problems
    assert (file, severity, code) == ("ALS_1_3.json", "error", "side-contradicts-display")


def test_a_whole_dataset_in_the_other_display(tmp_path):
    root = tmp_path / "data"
    for number in (1, 2):
        write_slice(root, f"ALS_{number}_3", grey_image()[:, ::-1], MIRROR)
    outcome = run("quantify", root, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert "--image-left left" in outcome.err
    assert not (tmp_path / "out" / "L3.csv").exists()
    assert run("quantify", root, "--out", tmp_path / "out", "--image-left", "left").code == 0
    assert_counts(rows_of(tmp_path / "out")[:9], MIRROR, grey_image()[:, ::-1])


@pytest.mark.parametrize(
    "told", ["LR_1_4.png", "./LR_1_4.png", "..\\data\\LR_1_4.png", "D:\\scans\\LR_1_4.png"]
)
def test_a_json_under_another_slices_name(data, tmp_path, told):
    rows, problems = wrong(data, tmp_path, imagePath=told)
    assert rows == []
    assert problems == {("ALS_1_3.json", "", "error", "image-path-names-another")}


EDGES = {
    "left": polygon("PM_R", [(-20, 20), (24, 20), (24, 39), (-20.5, 39)]),
    "right": polygon("PM_L", [(75, 20), (120, 20), (120.5, 39), (75, 39)]),
    "top": polygon("PM_L", [(75, -20.5), (94, -20), (94, 39), (75, 39)]),
    "bottom": polygon("ES_L", [(70, 60), (89, 60), (89, 130), (70, 130.5)]),
}


@pytest.mark.parametrize("edge", EDGES)
def test_a_contour_that_leaves_the_image_is_measured_inside(data, tmp_path, edge):
    shape = EDGES[edge]
    shapes = [shape if s["label"] == shape["label"] else s for s in SHAPES]
    rows, problems = wrong(data, tmp_path, shapes, grey_image(seed=3))
    assert problems == {("ALS_1_3.json", shape["label"], "warning", "leaves-image")}
    assert len(rows) == 9
    assert_counts(rows, shapes, grey_image(seed=3))
    side = {"L": "left", "R": "right"}[shape["label"][-1]]
    (row,) = [r for r in rows if (r["muscle"], r["side"]) == (shape["label"][:2], side)]
    assert float(row["contour_area_px"]) > 1.15 * int(row["csa_px"]), "the area is that of the whole contour"


@pytest.mark.parametrize("keep", ["one side", "one muscle", "none on one side and no disc"])
def test_half_of_the_muscles_missing(data, tmp_path, keep):
    if keep == "one side":
        shapes = [s for s in SHAPES if not s["label"].endswith("_L")]
        gone = {"MF_L", "ES_L", "PM_L"}
    elif keep == "one muscle":
        shapes = [s for s in SHAPES if s["label"][:2] in ("MF", "IV")]
        gone = {"ES_L", "ES_R", "PM_L", "PM_R"}
    else:
        shapes = [s for s in MUSCLES_ONLY if s["label"].endswith("_R")]
        gone = {"MF_L", "ES_L", "PM_L", "IVD"}
    rows, problems = wrong(data, tmp_path, shapes, grey_image(seed=3))
    assert {label for _, label, *_ in problems} == gone
    assert {p[2] for p in problems} == {"error"}
    left = {
        (s["label"][:2], {"L": "left", "R": "right"}[s["label"][-1]]) for s in shapes if s["label"] != "IVD"
    }
    assert {(r["muscle"], r["side"]) for r in rows if r["side"] != "both"} == left
    assert ("both" in {r["side"] for r in rows}) == (keep == "one muscle")
    if "IVD" in gone:
        assert {(r["rcsa"], r["lean_rcsa"], r["reference_px"], r["reference"]) for r in rows} == {
            ("", "", "", "IVD")
        }
    assert_counts(rows, shapes, grey_image(seed=3))


def test_a_faulty_contour_costs_itself_not_its_neighbours(data, tmp_path):
    shapes = [s for s in SHAPES if s["label"] != "ES_L"] + [polygon("ES_L", [(70, 60), (89, 60)])]
    rows, problems = wrong(data, tmp_path, shapes, grey_image(seed=3))
    assert problems == {("ALS_1_3.json", "ES_L", "error", "too-few-points")}
    assert len(rows) == 7
    assert not [r for r in rows if r["muscle"] == "ES" and r["side"] != "right"]
    assert_counts(rows, [s for s in shapes if s["label"] != "ES_L"], grey_image(seed=3))


def test_a_faulty_reference_costs_the_ratios_only(data, tmp_path):
    shapes = [*MUSCLES_ONLY, polygon("IVD", [(35, 20), (64, 49)])]
    rows, problems = wrong(data, tmp_path, shapes, grey_image(seed=3))
    assert problems == {("ALS_1_3.json", "IVD", "error", "too-few-points")}
    assert len(rows) == 9
    assert {(r["rcsa"], r["reference_px"]) for r in rows} == {("", "")}


def test_an_image_of_another_size(data, tmp_path):
    rows, problems = wrong(data, tmp_path, image=grey_image((100, 90)), imageWidth=100)
    assert rows == []
    assert problems == {("ALS_1_3.json", "", "error", "size-mismatch")}


# Images of more than 8 bits


def test_sixteen_bits_need_a_window(tmp_path):
    root, out = tmp_path / "data", tmp_path / "out"
    write_slice(root, "ALS_1_3")
    deep = np.random.default_rng(1).integers(0, 3000, (100, 100)).astype(np.uint16)
    write_image(root / "ALS_1_3.png", deep)
    outcome = run("quantify", root, "--out", out)
    assert outcome.code == 3
    assert "--window LOW,HIGH" in outcome.err
    assert not out.exists()
    assert run("quantify", root, "--out", out, "--window", "100,1300.5").code == 0
    scaled = [
        [min(max(int((255 * (int(x) - 100) / 1200.5 + 0.5) // 1), 0), 255) for x in row] for row in deep
    ]
    assert_counts(rows_of(out), SHAPES, np.array(scaled, dtype=np.uint8))
    assert json.loads((out / "quantify.json").read_text())["settings"]["window"] == [100.0, 1300.5]


def test_a_window_does_not_touch_8_bit_images(data, tmp_path):
    run("quantify", data, "--out", tmp_path / "a")
    run("quantify", data, "--out", tmp_path / "b", "--window", "0,1000")
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")


# The protocol, and large or odd folders


def test_flags_win_over_the_protocol(data, tmp_path):
    (data / "paraspinal.toml").write_text('threshold = 200\nmask-rule = "centre"\n')
    run("quantify", data, "--out", tmp_path / "a")
    assert {(r["threshold"], r["mask_rule"]) for r in rows_of(tmp_path / "a")} == {("200", "centre")}
    run("quantify", data, "--out", tmp_path / "b", "--threshold", 0)
    assert {(r["threshold"], r["mask_rule"]) for r in rows_of(tmp_path / "b")} == {("0", "centre")}
    (data / "paraspinal.toml").write_text('treshold = 200\nmask-rule = "center"\n')
    outcome = run("quantify", data, "--out", tmp_path / "c")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 2
    assert "treshold" in outcome.err
    assert "center" in outcome.err


def test_the_labs_own_labels(tmp_path):
    root = tmp_path / "data"
    names = {"MF_L": "Muskel 1 li", "MF_R": "Muskel 1 re", "IVD": "Bandscheibe"}
    write_slice(root, "ALS_1_3", shapes=[s | {"label": names.get(s["label"], s["label"])} for s in SHAPES])
    lines = ["[labels]", *(f'"{ours.upper()}" = "{label}"' for label, ours in names.items())]
    (root / "paraspinal.toml").write_text("\n".join(lines))
    assert run("quantify", root, "--out", tmp_path / "out").code == 0
    assert_counts(rows_of(tmp_path / "out"), SHAPES, grey_image())


def test_one_folder_per_patient(tmp_path):
    root = tmp_path / "data"
    for place in ("Müller Ä/ALS_1_3", "Müller Ä/ALS_2_4", "patient 10/LR_1_3", "patient 9/LR_1_3"):
        write_slice(root, place)
    outcome = run("quantify", root, "--out", tmp_path / "out", "--patient-from", "folder")
    assert outcome.code == 0
    rows = rows_of(tmp_path / "out")
    assert list(dict.fromkeys((r["participant_id"], r["segment"]) for r in rows)) == [
        ("Müller Ä", "L3"),
        ("patient 9", "L3"),
        ("patient 10", "L3"),
        ("Müller Ä", "L4"),
    ]
    assert rows[0]["image"] == "Müller Ä/ALS_1_3.png"


def test_hostile_things_in_a_folder(data, tmp_path):
    run("quantify", data, "--out", tmp_path / "before")
    for name in ("._ALS_1_3.png", "._ALS_1_3.json", ".hidden/ALS_7_3.png"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"\0\5\26\7")
    (data / "here").symlink_to(".")
    (data / "loop").symlink_to("loop")
    os.mkfifo(data / "ALS_8_3.png")
    os.mkfifo(data / "ALS_8_3.json")
    (data / "LR_8_3.png").symlink_to("/no/such/file")
    (data / "LR_8_3.json").write_bytes((data / "LR_1_3.json").read_bytes())
    outcome = run("quantify", data, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "before")
    assert {(p[0], p[3]) for p in problems_of(tmp_path / "out")} >= {
        ("ALS_8_3.png", "broken-link"),
        ("ALS_8_3.json", "broken-link"),
        ("LR_8_3.png", "broken-link"),
        ("loop", "broken-link"),
    }


def test_file_names_that_are_not_utf8(data, tmp_path):
    folder = bytes(data) + b"/M\xfcller"
    os.mkdir(folder)  # noqa: PTH102 (no text)
    for ending in (b".png", b".json"):
        os.rename(bytes(data) + b"/ALS_1_3" + ending, folder + b"/ALS_1_3" + ending)  # noqa: PTH104
    out = tmp_path / "out"
    assert run("quantify", data, "--out", out).code == 0
    assert len(rows_of(out)) == 72
    assert read_results(out).tables == ("L3.csv", "L4.csv")
    assert rows_of(out)[0]["image"] == "M\\udcfcller/ALS_1_3.png"


def test_two_thousand_files(tmp_path):
    root = write_many(tmp_path / "data", 1000)
    outcome = run("quantify", root, "--out", tmp_path / "out", "--jobs", 2, "--quiet")
    assert outcome == Outcome(0, "", "")
    rows = read_csv(tmp_path / "out" / "L3.csv")
    assert len(rows) == 9000
    assert [r["participant_id"] for r in rows[::9]] == [f"ALS_{n}" for n in range(1, 1001)]
    digest = hashlib.sha256((root / "ALS_1000_3.png").read_bytes()).hexdigest()
    inputs = json.loads((tmp_path / "out" / "quantify.json").read_text())["inputs"]
    assert len(inputs) == 2000
    assert inputs["ALS_1000_3.png"] == digest


@pytest.mark.parametrize("ending", ["tif", "TIFF", "bmp"])
def test_tiff_and_bmp_go_through_every_door(data, tmp_path, ending):
    png, other, mapped = (tmp_path / name for name in ("png", "other", "mapped"))
    assert run("quantify", data, "--out", png).code == 0
    for path in sorted(data.glob("*.png")):
        image = path.with_suffix(f".{ending}")
        Image.open(path).save(image, "BMP" if ending == "bmp" else "TIFF")
        text = path.with_suffix(".json").read_text()
        path.with_suffix(".json").write_text(text.replace(path.name, image.name))
        path.unlink()
    assert run("check", data).code == 0
    assert run("quantify", data, "--out", other).code == 0
    assert run("masks", data, "--out", tmp_path / "maps").code == 0
    assert run("quantify", data, "--masks", tmp_path / "maps", "--out", mapped).code == 0
    assert run("report", other, "--dataset", data, "--out", tmp_path / "report.html").code == 0
    for name in ("L3.csv", "L4.csv"):
        assert (other / name).read_text() == (png / name).read_text().replace(".png", f".{ending}")
        assert [row["fi"] for row in read_csv(mapped / name)] == [row["fi"] for row in read_csv(other / name)]
    assert not problems_of(other)
