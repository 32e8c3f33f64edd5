"""Every kind of problem that ``check`` promises, each made in a dataset of one sound and one faulty slice."""

from __future__ import annotations

import dataclasses
import json
import math
from multiprocessing import cpu_count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    polygon,
    write_dataset,
    write_image,
    write_slice,
)
from tests.support.builders.study import MUSCLES_ONLY, VB, check, fingerprint, run

#: The faulty slice; LR_1_3 beside it is sound.
STEM = "ALS_1_3"


def faulty(root: Path, shapes: list | None = None, image: np.ndarray | None = None, **fields) -> Path:
    return write_slice(root, STEM, image, shapes, **fields)


def replaced(label: str, *shapes: dict) -> list[dict]:
    """The whole slice with one of its shapes replaced by others."""
    return [shape for shape in SHAPES if shape["label"] != label] + list(shapes)


def truncated_image(root: Path) -> None:
    path = faulty(root).with_suffix(".png")
    path.write_bytes(path.read_bytes()[:-2000])


def no_image(root: Path) -> None:
    faulty(root).with_suffix(".png").write_bytes(b"this is no image")


def broken_json(root: Path) -> None:
    path = faulty(root)
    path.write_bytes(path.read_bytes()[:-40])


def json_without_image(root: Path) -> None:
    faulty(root).with_suffix(".png").unlink()


def image_without_json(root: Path) -> None:
    faulty(root).unlink()


def size_mismatch(root: Path) -> None:
    faulty(root)
    write_image(root / f"{STEM}.png", grey_image((100, 90)))


def bad_name(root: Path) -> None:
    for ending in (".json", ".png"):
        faulty(root).with_suffix(ending).rename(root / f"ALS-1-3{ending}")


def duplicate(root: Path) -> None:
    faulty(root)
    write_slice(root, "second/ALS_1_L3")


def with_coordinate(text: str):
    def make(root: Path) -> None:
        path = faulty(root)
        content = path.read_text()
        assert content.count("[55.0,") == 2
        path.write_text(content.replace("[55.0,", f"[{text},", 1))

    return make


def another_image_path(root: Path) -> None:
    faulty(root, imagePath="LR_1_3.png")


def sixteen_bit(root: Path) -> None:
    faulty(root)
    write_image(root / f"{STEM}.png", (grey_image().astype(np.uint16) * 16))


def colour(root: Path) -> None:
    faulty(root)
    write_image(root / f"{STEM}.png", np.dstack([grey_image(seed=s) for s in (1, 2, 3)]))


def lossy(root: Path) -> None:
    faulty(root).with_suffix(".png").unlink()
    Image.fromarray(grey_image()).save(root / f"{STEM}.jpg", quality=95)
    (root / f"{STEM}.json").write_text((root / f"{STEM}.json").read_text().replace(".png", ".jpg"))


def people(*rows: str):
    def make(root: Path) -> None:
        faulty(root)
        (root / "participants.csv").write_text("\n".join(["participant_id,group,age", *rows]) + "\n")

    return make


def drawn(*shapes: dict):
    return lambda root: faulty(root, list(shapes))


MIRROR = [shape | {"points": [[99 - x, y] for x, y in shape["points"]]} for shape in SHAPES]
BOW = [(55, 65), (64, 84), (64, 65), (55, 84)]

#: What is made, and the one problem that must be found: file, shape, severity, code, parts of the message.
CASES = {
    "truncated image": (truncated_image, ("png", "", "error", "unreadable-image", ["truncated", "PNG"])),
    "no image": (no_image, ("png", "", "error", "unreadable-image", ["PNG"])),
    "broken JSON": (broken_json, ("json", "", "error", "bad-json", ["line 1"])),
    "JSON without image": (json_without_image, ("json", "", "error", "json-without-image", ["image"])),
    "image without JSON": (image_without_json, ("png", "", "error", "image-without-json", [f"{STEM}.json"])),
    "size mismatch": (size_mismatch, ("json", "", "error", "size-mismatch", ["100×100", "90×100"])),
    "bad name": (bad_name, ("ALS-1-3.png", "", "error", "bad-name", ["ALS-1-3", "GROUP_N_L"])),
    "duplicate slice": (
        duplicate,
        ("png", "", "error", "duplicate-slice", ["ALS_1_3.png", "second/ALS_1_L3.png"]),
    ),
    "unknown labels": (
        drawn(*SHAPES, polygon("zebra", box(1, 1, 5, 5)), polygon("MF_X", box(1, 1, 5, 5))),
        ("json", "", "warning", "unknown-label", ["'zebra'", "'MF_X'"]),
    ),
    "no label of ours": (
        drawn(polygon("tree", box(1, 1, 5, 5))),
        ("json", "", "error", "no-known-label", ["'tree'", "MF_L"]),
    ),
    "no shapes": (drawn(), ("json", "", "error", "no-known-label", ["no shapes"])),
    "missing side": (drawn(*replaced("ES_L")), ("json", "ES_L", "error", "missing-muscle", ["left ES"])),
    "missing reference": (drawn(*MUSCLES_ONLY), ("json", "IVD", "error", "missing-reference", ["IVD"])),
    "no side and no reference": (
        drawn(*[s for s in MUSCLES_ONLY if s["label"] != "MF_L"], polygon("MF", box(55, 65, 64, 84))),
        ("json", "MF", "error", "side-unknown", ["MF_L"]),
    ),
    "no side across the midline": (
        drawn(*[s for s in replaced("MF_L") if s["label"] != "MF_R"], polygon("MF", box(35, 65, 64, 84))),
        ("json", "MF", "error", "crosses-midline", ["crosses the middle"]),
    ),
    "one side contradicts": (
        drawn(*replaced("PM_L", polygon("PM_L", box(10, 45, 20, 55)))),
        ("json", "PM_L", "error", "side-contradicts-display", ["--image-left right"]),
    ),
    "all sides contradict": (
        lambda root: faulty(root, MIRROR, grey_image()[:, ::-1]),
        (
            "json",
            "PM_R, PM_L, ES_R, ES_L, MF_R, MF_L",
            "error",
            "side-contradicts-display",
            ["--image-left left"],
        ),
    ),
    "imagePath of another slice": (
        another_image_path,
        ("json", "", "error", "image-path-names-another", ["LR_1_3.png", f"{STEM}.png"]),
    ),
    "imagePath of no file": (
        lambda root: faulty(root, imagePath="C:\\scans\\gone.png"),
        ("json", "", "warning", "image-path-missing", ["gone.png", f"{STEM}.png"]),
    ),
    "two points": (
        drawn(*replaced("MF_L", polygon("MF_L", [(55, 65), (64, 84)]))),
        ("json", "MF_L", "error", "too-few-points", ["2 points", "at least 3"]),
    ),
    "a line": (
        drawn(*replaced("MF_L", polygon("MF_L", [(55, 65), (64, 84)], shape_type="line"))),
        ("json", "MF_L", "error", "not-closed", ["line"]),
    ),
    "NaN": (with_coordinate("NaN"), ("json", "MF_L", "error", "not-finite", ["finite"])),
    "Infinity": (with_coordinate("Infinity"), ("json", "MF_L", "error", "not-finite", ["finite"])),
    "-Infinity": (with_coordinate("-Infinity"), ("json", "MF_L", "error", "not-finite", ["finite"])),
    "1e999": (with_coordinate("1e999"), ("json", "MF_L", "error", "not-finite", ["finite"])),
    "null": (with_coordinate("null"), ("json", "MF_L", "error", "bad-shape", [])),
    "outside": (
        drawn(*replaced("MF_L", polygon("MF_L", box(155, 65, 164, 84)))),
        ("json", "MF_L", "error", "outside-image", ["no pixel"]),
    ),
    "self-crossing": (
        drawn(*replaced("MF_L", polygon("MF_L", BOW))),
        ("json", "MF_L", "warning", "self-crossing", ["is self-intersecting"]),
    ),
    "16 bits": (sixteen_bit, ("png", "", "error", "image-bits", ["8 bits"])),
    "colour": (colour, ("png", "", "error", "colour-image", ["grey"])),
    "JPEG": (lossy, ("jpg", "", "warning", "lossy-image", ["JPEG"])),
    "participant without slices": (
        people("ALS_1,ALS,60", "LR_1,LR,50", "LR_2,LR,50"),
        ("participants.csv", "LR_2", "warning", "participant-without-slices", ["no slices"]),
    ),
    "slices without participant": (
        people("ALS_1,ALS,60"),
        ("participants.csv", "LR_1", "warning", "slices-without-participant", ["no row"]),
    ),
    "bad cell": (
        people("ALS_1,ALS,600", "LR_1,LR,50"),
        ("participants.csv", "ALS_1", "error", "bad-value", ["'600'", "0 to 130"]),
    ),
    "other group": (
        people("ALS_1,LR,60", "LR_1,LR,50"),
        ("participants.csv", "ALS_1", "error", "group-differs", ["LR", "ALS"]),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_problem(tmp_path, case):
    make, (file, shape, severity, code, parts) = CASES[case]
    root = tmp_path / "data"
    write_slice(root, "LR_1_3", grey_image(seed=7))
    make(root)
    before = fingerprint(root)
    outcome, problems = check(root, tmp_path / "p.json")
    file = f"{STEM}.{file}" if file in ("png", "json", "jpg") else file
    found = [p for p in problems if (p["file"], p["shape"], p["code"]) == (file, shape, code)]
    assert len(found) == 1, problems
    (problem,) = found
    assert problem["severity"] == severity
    assert all(part in f"{problem['message']}; {problem['remedy']}" for part in parts)
    errors = [p for p in problems if p["severity"] == "error"]
    assert outcome.code == (4 if errors else 0)
    assert outcome.code == 4 or severity == "warning"
    # As a table, too: one line per problem, all of it.
    lines = outcome.out.splitlines()
    assert len(lines) == len(problems) + 1
    assert "\t".join([file, shape, severity, code, problem["message"], problem["remedy"]]) in lines
    assert fingerprint(root) == before, "check writes nothing beside the inputs"


@pytest.mark.parametrize("case", CASES)
def test_every_message_says_what_was_found_what_was_expected_and_what_to_do(tmp_path, case):
    root = tmp_path / "data"
    write_slice(root, "LR_1_3", grey_image(seed=7))
    CASES[case][0](root)
    for problem in check(root, tmp_path / "p.json")[1]:
        found, _, expected = problem["message"].partition("; ")
        assert found
        assert expected.startswith("expected "), problem
        assert problem["remedy"]
        assert "nan" not in problem["message"].lower().split()
        assert set(problem) == {"file", "shape", "severity", "code", "message", "remedy"}


EDGES = {
    "left": polygon("PM_R", [(-20, 20), (24, 20), (24, 39), (-20.5, 39)]),
    "right": polygon("PM_L", [(75, 20), (120, 20), (120.5, 39), (75, 39)]),
    "top": polygon("PM_L", [(75, -20.5), (94, -20), (94, 39), (75, 39)]),
    "bottom": polygon("ES_L", [(70, 60), (89, 60), (89, 130), (70, 130.5)]),
}


@pytest.mark.parametrize("edge", EDGES)
def test_a_contour_that_leaves_the_image_is_a_warning(tmp_path, edge):
    shape = EDGES[edge]
    faulty(tmp_path / "data", replaced(shape["label"], shape))
    outcome, problems = check(tmp_path / "data", tmp_path / "p.json")
    assert outcome.code == 0
    assert [(p["shape"], p["severity"], p["code"]) for p in problems] == [
        (shape["label"], "warning", "leaves-image")
    ]
    assert "100×100" in problems[0]["message"]


def test_an_overlap_is_a_warning_with_its_size(tmp_path):
    other = polygon("ES_L", box(60, 60, 89, 89))
    faulty(tmp_path / "data", replaced("ES_L", other))
    canvases = []
    for shape in (other, next(s for s in SHAPES if s["label"] == "MF_L")):
        canvas = Image.new("1", (100, 100))
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
        canvases.append(np.asarray(canvas))
    shared = int((canvases[0] & canvases[1]).sum())
    assert shared == 100
    outcome, problems = check(tmp_path / "data", tmp_path / "p.json")
    (problem,) = problems
    assert (problem["severity"], problem["code"]) == ("warning", "overlap")
    # Of both boxes, the corners apart: 4 columns of 19 rows lie in both, by hand.
    assert f"share {shared} px, 76 of them beyond the edges" in problem["message"]
    assert {"ES_L", "MF_L"} == set(problem["shape"].split(", "))
    assert outcome.code == 0


def test_a_broken_shape_costs_that_shape_alone(tmp_path):
    with_coordinate("NaN")(tmp_path / "data")
    _, problems = check(tmp_path / "data", tmp_path / "p.json")
    assert [(p["shape"], p["code"]) for p in problems] == [("MF_L", "not-finite")]


def test_all_problems_at_once(tmp_path):
    root = tmp_path / "data"
    write_dataset(root, 1, 1)
    truncated_image(root)
    write_slice(root, "LR_7_3", shapes=MUSCLES_ONLY)
    write_slice(root, "LR_8_3", shapes=[*MUSCLES_ONLY, VB])
    write_slice(root, "nonsense")
    (root / "participants.csv").write_text("a,b\n1\n")
    (root / "slices.csv").write_text("nothing\n")
    (root / "LR_9_3.png").symlink_to("/no/such/file")
    outcome, problems = check(root, tmp_path / "p.json")
    assert outcome.code == 4
    assert {p["code"] for p in problems} >= {
        "unreadable-image",
        "mixed-reference",
        "bad-name",
        "bad-table",
        "bad-spacing",
        "broken-link",
    }
    assert "checked 6 slices: " in outcome.err


# Exit codes and outputs


def test_who_has_files_that_could_not_be_read_is_not_without_slices(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 1, (3,))
    (root / "ALS_1_3.json").unlink()
    (root / "ALS_2_3.png").unlink()
    (root / "participants.csv").write_text("participant_id,age\nALS_1,50\nALS_2,50\nLR_1,50\nLR_9,50\n")
    problems = check(root, tmp_path / "p.json")[1]
    assert sorted((p["code"], p["file"], p["shape"]) for p in problems) == [
        ("image-without-json", "ALS_1_3.png", ""),
        ("json-without-image", "ALS_2_3.json", ""),
        ("participant-without-slices", "participants.csv", "LR_9"),
    ]


def test_where_nothing_is_drawn_yet_the_next_command_draws(tmp_path):
    root = write_dataset(tmp_path / "data", 1, 1, (3,))
    for file in root.glob("*.json"):
        file.unlink()
    outcome = run("check", root)
    assert outcome.code == 4
    assert outcome.err.splitlines()[-1] == f"next, to draw contours: mriparaspinal review {root}"


def test_an_archive_is_to_be_unpacked(tmp_path):
    archive = tmp_path / "scans.zip"
    archive.write_bytes(b"PK")
    outcome = run("check", archive)
    assert outcome.code == 3
    assert outcome.err.endswith(
        "is not a folder; expected a dataset folder; unpack it, and give the folder\n"
    )


def test_a_folder_without_annotations_is_one_mistake(tmp_path):
    root = write_dataset(tmp_path / "data")
    (tmp_path / "empty").mkdir()
    outcome = run("check", root, "--annotations", tmp_path / "empty")
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"mriparaspinal: --annotations {tmp_path / 'empty'}: no LabelMe files were found")


def test_an_unknown_option_is_compared_with_options_alone(tmp_path):
    outcome = run("run", tmp_path, "--contrast", "ALS-LR", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "did you mean" not in outcome.err
    assert "two dashes" in run("check", tmp_path, "-reference", "IVD").err


def test_a_sound_dataset(tmp_path):
    write_dataset(tmp_path / "data")
    outcome, problems = check(tmp_path / "data", tmp_path / "new" / "p.json")
    assert (outcome.code, problems, outcome.out) == (0, [], "")
    assert outcome.err.splitlines() == [
        "4 participants: L3, L4 measured",
        "slices measured      8 of 8",
        "participants         4 (ALS 2, LR 2)",
        "slices per segment   L3 4, L4 4",
        "checked 8 slices: 0 errors, 0 warnings",
        f"next: mriparaspinal run {tmp_path / 'data'} --out study",
    ]


def test_images_without_contours_are_counted_and_participants_as_in_the_picture(tmp_path):
    write_dataset(tmp_path / "data")
    for annotation in (tmp_path / "data").glob("ALS_*.json"):
        annotation.unlink()
    lines = run("check", tmp_path / "data").err.splitlines()
    assert "slices measured      4 of 4, and 4 images without contours" in lines
    assert "participants         2 (LR 2), and 2 without a measured slice" in lines
    for annotation in (tmp_path / "data").glob("*.json"):
        annotation.unlink()
    lines = run("check", tmp_path / "data").err.splitlines()
    assert "slices measured      0, and 8 images without contours" in lines
    assert "participants         0, and 4 without a measured slice" in lines


def test_a_summary_for_programs_in_place_of_the_table(tmp_path):
    write_dataset(tmp_path / "data")
    (tmp_path / "data" / "ALS_1_3.json").write_text("{")
    outcome = run("check", tmp_path / "data", "--json", "-")
    found = json.loads(outcome.out)
    assert outcome.code == 4
    assert (found["command"], found["slices_found"], found["slices_measured"]) == ("check", 8, 7)
    assert found["participants_by_group"] == {"ALS": 2, "LR": 2}
    assert found["slices_by_segment"] == {"L3": 3, "L4": 4}
    assert (found["errors"], found["problems_by_code"]) == (1, {"bad-json": 1})
    assert [problem["file"] for problem in found["problems"]] == ["ALS_1_3.json"]
    assert not Path("-").exists()


def test_quiet(tmp_path):
    write_dataset(tmp_path / "data")
    assert run("check", tmp_path / "data", "--quiet") == run("check", tmp_path / "data", "--quiet")
    assert run("check", tmp_path / "data", "--quiet").err == ""


@pytest.mark.parametrize("jobs", [1, 2, 100_000])
def test_the_same_for_any_number_of_jobs(tmp_path, jobs):
    root = tmp_path / "data"
    write_dataset(root)
    truncated_image(root)
    faulty(root / "x", MIRROR, imagePath=...)
    one = run("check", root)
    outcome = run("check", root, "--jobs", jobs)
    said = [line for line in outcome.err.splitlines(keepends=True) if not line.startswith("note: --jobs")]
    assert dataclasses.replace(outcome, err="".join(said)) == one
    assert (len(said) < outcome.err.count("\n")) == (jobs > cpu_count())
    assert one.code == 4


def test_errors_alone_are_4_even_where_nothing_can_be_measured(tmp_path):
    broken_json(tmp_path / "data")
    assert check(tmp_path / "data", tmp_path / "p.json")[0].code == 4


@pytest.mark.parametrize("make", ["empty", "missing", "a file", "no slices"])
def test_no_input(tmp_path, make):
    root = tmp_path / "data"
    if make == "a file":
        root.write_text("x")
    elif make != "missing":
        root.mkdir()
    if make == "no slices":
        (root / "README.txt").write_text("x")
    outcome = run("check", root)
    assert outcome.code == 3
    (line,) = [line for line in outcome.err.splitlines() if line.startswith("mriparaspinal: ")]
    assert str(root) in line
    assert line.count("; ") == 2


def test_settings_count(tmp_path):
    root = tmp_path / "data"
    faulty(root, MIRROR, grey_image()[:, ::-1])
    assert check(root, tmp_path / "p.json")[0].code == 4
    assert check(root, tmp_path / "p.json", "--image-left", "left")[0].code == 0
    (root / "paraspinal.toml").write_text('image-left = "left"')
    assert check(root, tmp_path / "p.json")[0].code == 0
    assert check(root, tmp_path / "p.json", "--image-left", "right")[0].code == 4
    (root / "paraspinal.toml").write_text('image-left = "up"')
    outcome = run("check", root)
    assert (outcome.code, outcome.out) == (2, "")
    assert "paraspinal.toml: image_left: 'up' was found; expected right or left" in outcome.err


def test_mixed_references_are_told_with_the_option(tmp_path):
    root = tmp_path / "data"
    write_slice(root, "LR_1_3")
    faulty(root, [*MUSCLES_ONLY, VB])
    outcome, problems = check(root, tmp_path / "p.json")
    assert outcome.code == 4
    assert [(p["code"], p["remedy"]) for p in problems] == [("mixed-reference", "choose --reference")]


def test_names_that_a_terminal_cannot_show(tmp_path):
    root = tmp_path / "data"
    write_slice(root, "LR_1_3")
    for ending in (b".png", b".json"):
        source = (root / f"LR_1_3{ending.decode()}").read_bytes()
        with open(bytes(root) + b"/M\xfcller_1_3" + ending, "wb") as file:  # noqa: PTH123 (no text)
            file.write(source)
    outcome, problems = check(root, tmp_path / "p.json")
    assert outcome.code == 4
    assert [(p["file"], p["code"]) for p in problems] == [("M\udcfcller_1_3.png", "bad-name")]


def test_json_that_cannot_be_written(tmp_path):
    write_dataset(tmp_path / "data")
    (tmp_path / "file").write_text("x")
    outcome = run("check", tmp_path / "data", "--json", tmp_path / "file" / "p.json")
    assert outcome.code == 2
    assert "cannot be written" in outcome.err


@pytest.mark.parametrize("name", ["data/ALS_1_3.json", "people.csv"])
def test_json_never_takes_the_place_of_an_input(tmp_path, name):
    root = write_dataset(tmp_path / "data")
    people = tmp_path / "people.csv"
    people.write_text("participant_id,onset_side\nALS_1,left\n")
    before = fingerprint(tmp_path)
    outcome = run("check", root, "--participants", people, "--json", tmp_path / name)
    assert outcome.code == 2
    assert "; expected " in outcome.err
    assert fingerprint(tmp_path) == before


def test_json_replaces_an_earlier_list_of_problems(tmp_path):
    root = write_dataset(tmp_path / "data")
    for _ in range(2):
        assert run("check", root, "--json", tmp_path / "problems.json").code == 0
    assert json.loads((tmp_path / "problems.json").read_text()) == {"problems": []}
    outcome = run("check", root, "--json", root / "problems.json")
    assert outcome.code == 2, "nothing is written beside the inputs"
    assert not (root / "problems.json").exists()


def test_bad_window_is_told_in_numbers(tmp_path):
    outcome = run("check", write_dataset(tmp_path / "data"), "--window", "9,1")
    assert outcome.code == 2
    assert "--window: (9.0, 1.0) was found" in outcome.err


def test_real_files_of_other_fields_are_read_with_clear_problems(shared, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    for number, path in enumerate(sorted((shared / "real" / "labelme").glob("*.json")), 1):
        (root / f"X_{number}_1.json").write_bytes(path.read_bytes())
    outcome, problems = check(root, tmp_path / "p.json")
    assert outcome.code == 4
    assert json.loads((tmp_path / "p.json").read_text())["problems"] == problems
    assert len({p["file"] for p in problems if p["severity"] == "error"}) == len(list(root.iterdir()))


def test_no_message_holds_a_number_that_is_none(tmp_path):
    for text in ("NaN", "1e308", "-1e308"):
        with_coordinate(text)(tmp_path / "data")
        outcome, problems = check(tmp_path / "data", tmp_path / "p.json")
        assert outcome.code == 4
        assert len(problems) == 1
        assert not math.isnan(outcome.code)


def test_a_folder_of_what_a_scanner_writes_is_for_prepare(tmp_path):
    (tmp_path / "IM0001.dcm").write_bytes(bytes(128) + b"DICM")
    outcome = run("check", tmp_path)
    assert outcome.code == 3
    assert outcome.err.endswith("or make slices of DICOM and volumes by prepare\n")
