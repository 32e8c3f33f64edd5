"""What ``check`` shows of many faults: kinds, the participants by segments, gaps; what a person reads."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path

import pytest

import mriparaspinal as mp
from mriparaspinal.cli.kinds import KINDS
from mriparaspinal.cli.problems import problem_lines
from mriparaspinal.core.model import Problem
from tests.support.builders.mistakes import MISTAKES, relabelled, write_faults
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_dataset, write_slice
from tests.support.builders.study import check, finish, run, start

#: The muscles' labels, and those labels without their sides.
UNSIDED = {label: label[:2] for label in ("PM_L", "PM_R", "ES_L", "ES_R", "MF_L", "MF_R")}


@pytest.fixture(scope="module")
def faults(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("faults") / "data"
    assert write_faults(root) == 400
    return root


def rows_of_terminal(text: str, width: int) -> int:
    """How many lines a terminal takes to show a text."""
    return sum(max(1, -(-len(line) // width)) for line in text.splitlines())


def test_400_faults_are_400_errors_on_one_screen(faults, tmp_path):
    outcome, problems = check(faults, tmp_path / "p.json")
    assert outcome.code == 4
    assert len([p for p in problems if p["severity"] == "error"]) == 400, "one fault, one error"
    assert rows_of_terminal(outcome.err, 80) <= 40
    # All of them in the table.
    assert len(outcome.out.splitlines()) == len(problems) + 1
    lines = outcome.err.splitlines()
    assert re.match(r"56 × error: .*\(side-contradicts-display\): ALS_", lines[0])
    severities = [re.match(r" *\d+ × (\w+):", line)[1] for line in lines if re.match(r" *\d+ × ", line)]
    assert severities == sorted(severities), "errors first"
    assert "--verbose" in outcome.err
    assert lines[-2] == "checked 342 slices: 400 errors, 1 warning"


def test_every_problem_is_told_on_request_and_in_the_log(faults, tmp_path):
    full = run("check", faults, "--verbose", "--log-file", tmp_path / "log")
    assert full.err.count(": error: ") == 400
    assert (tmp_path / "log").read_text(encoding="utf-8").count(": error: ") == 400
    brief = run("check", faults, "--quiet")
    assert len(brief.err.splitlines()) <= 20


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (80, 40), (100, 40)])
def test_the_terminal_shows_all_that_is_said_at_once(faults, columns, rows):
    parent, child = pytest.importorskip("pty").openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm"}
    environment["PYTHONIOENCODING"] = "utf-8"
    process = start("check", faults, stdout=child, stderr=child, env=environment, text=False)
    os.close(child)
    told = b""
    try:
        while piece := os.read(parent, 10_000):
            told += piece
    except OSError:  # Linux: the other end is closed
        pass
    os.close(parent)
    assert finish(process).code == 4
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told.decode().split("\x1b[?25h")[-1]).replace("\r", "")
    assert rows_of_terminal(text, columns) < rows, "the prompt has a line, too"
    assert rows_of_terminal(text, columns) >= rows - 4, "and no room is wasted"
    assert "checked 342 slices: 400 errors" in text
    assert "✗" in text
    assert "bad-json\t" not in text, "no table of all rows"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_mistake_is_one_error(tmp_path, mistake):
    shapes, code = MISTAKES[mistake]
    write_slice(tmp_path / "data", "LR_1_3", grey_image(seed=7))
    write_slice(tmp_path / "data", "ALS_1_3", shapes=shapes)
    _, problems = check(tmp_path / "data", tmp_path / "p.json")
    assert [(p["severity"], p["code"]) for p in problems] == [("error", code)]


@pytest.mark.parametrize(
    ("labels", "shape", "parts"),
    [
        ({"MF_L": "MF_LL"}, "MF_LL", ["did you mean MF_L?", "no row"]),
        ({"MF_R": "MF_X"}, "MF_X", ["did you mean MF_R?"]),
        ({"ES_L": "ES links"}, "ES links", ["did you mean ES_L?"]),
        ({"PM_R": "L3_PM_R"}, "L3_PM_R", ["did you mean PM_R?"]),
        ({"IVD": "IVDD"}, "IVDD", ["did you mean IVD?", "rcsa"]),
        ({"MF_L": "multifids", "MF_R": "multifids"}, "multifids", ["MF_L and MF_R, which are missing"]),
        ({"MF_R": "MF_L"}, "MF_L", ["where MF_R is missing", "other contours of MF_L"]),
        ({"MF_R": "MF_L", "MF_L": "MF_R"}, "MF_L, MF_R", ["exchanged"]),
        ({"ES_L": "MF_L"}, "MF_L", ["several contours of MF_L and none of ES_L", "neither is measured"]),
        ({"PM_L": "ES_L"}, "ES_L", ["several contours of ES_L and none of PM_L"]),
        (UNSIDED | {"IVD": ""}, "IVD", ["PM, ES, MF have no side"]),
        (UNSIDED | {"IVD": "IVDD"}, "IVDD", ["did you mean IVD?", "PM, ES, MF have no side"]),
    ],
)
def test_a_mislabelled_contour_is_one_error_that_names_its_label(tmp_path, labels, shape, parts):
    write_slice(tmp_path / "data", "LR_1_3", grey_image(seed=7))
    write_slice(tmp_path / "data", "ALS_1_3", shapes=relabelled(**labels))
    _, problems = check(tmp_path / "data", tmp_path / "p.json")
    ((severity, shape_, text),) = [
        (p["severity"], p["shape"], f"{p['message']}; {p['remedy']}") for p in problems
    ]
    assert (severity, shape_) == ("error", shape)
    assert all(part in text for part in parts), text


def test_a_mistyped_label_changes_no_row(tmp_path):
    """The rows are those of a slice on which the contour is not drawn at all."""
    tables = []
    for name, label in (("mistyped", "MF_LL"), ("not drawn", "")):
        write_slice(tmp_path / name, "ALS_1_3", shapes=relabelled(MF_L=label))
        tables.append(mp.quantify(tmp_path / name).contents["L3.csv"])
    assert tables[0] == tables[1]


def test_other_labels_stay_one_warning_where_nothing_is_missing(tmp_path):
    shapes = [*SHAPES, polygon("MF_X", box(1, 1, 5, 5)), polygon("zebra", box(1, 1, 5, 5))]
    write_slice(tmp_path / "data", "ALS_1_3", shapes=shapes)
    (problem,) = check(tmp_path / "data", tmp_path / "p.json")[1]
    assert (problem["severity"], problem["code"], problem["shape"]) == ("warning", "unknown-label", "")


def test_a_faulty_reference_takes_the_sides_with_it_in_one_error(tmp_path):
    shapes = [*relabelled(**UNSIDED)[:-1], polygon("IVD", [(35, 20), (64, 49)])]
    write_slice(tmp_path / "data", "ALS_1_3", shapes=shapes)
    (problem,) = check(tmp_path / "data", tmp_path / "p.json")[1]
    assert (problem["code"], problem["shape"]) == ("too-few-points", "IVD")
    assert problem["remedy"].endswith(": hence PM, ES, MF have no side, and no row")


# Participants by segments


@pytest.fixture
def gaps(tmp_path) -> Path:
    root = write_dataset(tmp_path / "data", 3, 2, (1, 2, 3))
    (root / "ALS_1_2.json").write_text("{")
    write_slice(root, "ALS_2_1", grey_image(seed=1), relabelled(MF_L=""))
    for ending in (".json", ".png"):
        (root / f"LR_2_3{ending}").unlink()
        (root / f"LR_1_1{ending}").rename(root / f"LR-1-1{ending}")
    write_slice(root, "ALS_3_2", grey_image(seed=2), flags={"draft": True})
    people = "participant_id,onset_side\nALS_1,left\nALS_2,\nALS_3,right\nLR_1,\nLR_2,\n"
    (root / "participants.csv").write_text(people)
    return root


def test_the_picture_of_a_dataset(gaps):
    outcome = run("check", gaps)
    lines = outcome.err.splitlines()
    (head,) = [number for number, line in enumerate(lines) if line.lstrip().startswith("L1 L2 L3")]
    rows = {
        row[0]: row[1:]
        for line in lines[head + 1 : head + 4]
        for row in (part.split() for part in re.split(r" {4,}", line.strip()))
        if row
    }
    assert rows["ALS_1"] == ["m", "E", "m"]
    assert rows["ALS_2"] == ["p", "m", "m"]
    assert rows["ALS_3"] == ["m", "d", "m"]
    assert rows["LR_1"] == ["E", "m", "m"], "a file under a wrong name is not missing"
    assert rows["LR_2"] == ["m", "m", "."]
    assert "(m measured, p in part, E error, . missing, d draft)" in lines
    assert "segments missing     LR_2 (L3)" in lines
    assert "no onset side        ALS_2" in lines, "in LR nobody has one"
    assert outcome.err.isascii() or "×" in outcome.err


def test_the_picture_for_programs(gaps):
    found = json.loads(run("check", gaps, "--json", "-").out)
    assert found["segments_by_participant"]["ALS_1"] == {"L1": "measured", "L2": "error", "L3": "measured"}
    assert found["segments_missing"] == {"LR_2": ["L3"]}
    assert found["no_onset_side"] == ["ALS_2"]
    table = mp.check(gaps).segments.set_index("participant_id")
    assert list(table.columns) == ["L1", "L2", "L3"]
    assert table.loc["LR_2", "L3"] == "missing"
    assert table.loc["ALS_3", "L2"] == "draft"


def test_people_of_a_follow_up_are_counted_once_and_who_lacks_a_session_is_named(tmp_path):
    root = tmp_path / "data"
    for person in (1, 2, 3):
        for session in ("v1", "v2") if person < 3 else ("v1",):
            write_slice(root, f"ALS_{person}_{session}_3", grey_image(seed=10 * person + int(session[1])))
    (root / "ALS_2_v2_3.json").write_text("{")
    lines = run("check", root).err.splitlines()
    assert "participants         3 (ALS 3)" in lines
    assert "sessions missing     ALS_3 (v2)" in lines
    assert json.loads(run("check", root, "--json", "-").out)["sessions_missing"] == {"ALS_3": ["v2"]}


def test_many_participants_take_few_lines(tmp_path):
    root = write_dataset(tmp_path / "data", 60, 0, (3, 4))
    (root / "ALS_7_3.json").unlink()
    lines = run("check", root).err.splitlines()
    assert "ALS_7 E  m" in lines
    assert "59 other participants: L3, L4 measured" in lines


def test_a_slice_under_a_mistyped_name_is_traced_to_its_participant(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 1, (3, 4))
    for ending in (".json", ".png"):
        (root / f"ALS_2_4{ending}").rename(root / f"AL_2_4{ending}")
    assert "one participant?     AL_2 and ALS_2: each has what the other lacks" in run("check", root).err


def test_what_a_review_excludes_is_no_gap(tmp_path):
    root = write_dataset(tmp_path / "data", 1, 1, (3, 4))
    review = tmp_path / "review.csv"
    review.write_text("image,region,reader,verdict,reason,comment\nALS_1_3.png,,A,exclude,motion,\n")
    outcome = run("check", root, "--review", review)
    assert outcome.code == 0
    assert "ALS_1 x  m" in outcome.err.splitlines()
    assert "segments missing" not in outcome.err


# Near misses


@pytest.mark.parametrize("name", ["ALS-7-3", "ALS 7 3", "ALS7_3", "ALS_7_L03", "ALS_7_LL3", "(ALS_7_3)"])
def test_a_wrong_file_name_is_told_with_the_right_one(tmp_path, name):
    root = write_dataset(tmp_path / "data", 1, 1)
    write_slice(root, name, grey_image(seed=9))
    (problem,) = check(root, tmp_path / "p.json")[1]
    assert problem["code"] == "bad-name"
    assert problem["message"].endswith(": did you mean ALS_7_3?")


@pytest.mark.parametrize(
    ("image", "annotation"),
    [("ALS_1_L3.png", "ALS_1_3.json"), ("ALS_1_3.png", "AL_1_3.json"), ("ALS_13.png", "ALS_1_3.json")],
)
def test_an_image_and_a_json_whose_names_have_a_slip_are_one_error(tmp_path, image, annotation):
    root = tmp_path / "data"
    path = write_slice(root, "x", imagePath=...)
    path.with_suffix(".png").rename(root / image)
    path.rename(root / annotation)
    outcome, problems = check(root, tmp_path / "p.json")
    assert [(p["file"], p["severity"], p["code"]) for p in problems] == [(image, "error", "names-differ")]
    assert outcome.code == 4


def test_a_json_with_its_own_image_is_measured_beside_an_image_of_nearly_its_name(tmp_path):
    root = tmp_path / "data"
    image = write_slice(root, "ALS_1_3").with_suffix(".png")
    raw = base64.b64encode(image.read_bytes()).decode()
    write_slice(root, "ALS_1_3", imageData=raw)
    image.rename(root / "AL_1_3.png")
    found = mp.quantify(root)
    assert sorted(found.problems["code"]) == ["embedded-image", "image-without-json"]
    assert len(found.table) == 9


@pytest.mark.parametrize(("name", "segment"), [("ALS_7_6", "6"), ("ALS_7_S1", "S1"), ("ALS_7_T12", "T12")])
def test_a_segment_that_is_none_is_named(tmp_path, name, segment):
    root = write_dataset(tmp_path / "data", 1, 1)
    write_slice(root, name, grey_image(seed=9))
    (problem,) = check(root, tmp_path / "p.json")[1]
    told = f": {segment} is no segment (1 to 5, or L1 to L5)"
    option = f", unless segments in paraspinal.toml lists {segment}" if segment != "6" else ""
    assert problem["message"].endswith(told + option)


@pytest.mark.parametrize("name", ["sheet_1", "overview", "ALS73", "IM0001"])
def test_other_file_names_are_told_without(tmp_path, name):
    root = write_dataset(tmp_path / "data", 1, 1)
    write_slice(root, name, grey_image(seed=9))
    (problem,) = check(root, tmp_path / "p.json")[1]
    assert "did you mean" not in problem["message"]


def test_ids_with_a_slip_are_one_warning(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 1)
    (root / "participants.csv").write_text("participant_id,age\nALS_1,50\nAL_2,50\nsub-LR1,50\n")
    problems = check(root, tmp_path / "p.json")[1]
    assert [(p["code"], p["shape"]) for p in problems] == [("ids-alike", "ALS_2"), ("ids-alike", "LR_1")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("onset_sid", "onset_side"),
        ("side of onset", "onset_side"),
        ("alsfrs", "alsfrs_r"),
        ("age (years)", "age"),
    ],
)
def test_columns_with_a_slip_are_told(tmp_path, written, meant):
    root = write_dataset(tmp_path / "data", 1, 1)
    (root / "participants.csv").write_text(f"participant_id,{written}\nALS_1,\nLR_1,\n")
    (problem,) = check(root, tmp_path / "p.json")[1]
    assert (problem["code"], f"expected {meant}" in problem["message"]) == ("column-alike", True)


# Kinds of problems


def test_few_problems_are_written_out_as_they_are(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 1)
    (root / "ALS_1_3.json").write_text("{")
    (root / "ALS_2_4.json").unlink()
    outcome, problems = check(root, tmp_path / "p.json")
    for p in problems:
        assert f"{p['file']}: {p['severity']}: {p['message']}; {p['remedy']}" in outcome.err.splitlines()
    assert "×" not in outcome.err


def test_a_kind_of_problem_is_one_line_of_80_characters():
    """With a name as long as they usually are, whatever the count and the severity."""
    for code in KINDS:
        problems = [Problem(f"ALS_{n}_3.json", "MF_L", "warning", code, "x" * 80, "") for n in range(10, 150)]
        line, _ = problem_lines(problems, 2)
        assert len(line[1]) <= 80, line
        assert "ALS_10_3" in line[1]


def problems_of_kinds(*counts: tuple[str, str, int]) -> list[Problem]:
    return [
        Problem(f"ALS_{n}_3.json", "MF_L", severity, code, f"{code} {n} was found; expected none", "draw it")
        for severity, code, count in counts
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("most", [8, 18, 30])
@pytest.mark.parametrize("errors", [0, 1, 5, 40])
@pytest.mark.parametrize("warnings", [0, 2, 40])
def test_problems_never_take_more_lines_than_they_may(most, errors, warnings):
    kinds = [("error", f"kind-{n}", 3 * n + 1) for n in range(errors)]
    kinds += [("warning", f"doubt-{n}", n + 1) for n in range(warnings)]
    problems = problems_of_kinds(*kinds)
    lines = problem_lines(problems, most)
    assert sum(-(-len(text) // 80) for _, text in lines) <= most
    told = [severity for severity, _ in lines if severity]
    assert told == sorted(told), "errors first"
    assert len(set(told)) == bool(errors) + bool(warnings), "warnings have their share"
    whole = {problem.line() for problem in problems}.issubset({text for _, text in lines})
    assert whole == (lines == [] or "--verbose" not in lines[-1][1])


def test_more_kinds_than_have_room_are_counted():
    lines = problem_lines(problems_of_kinds(*(("error", f"kind-{n:02}", 2) for n in range(20))), 10)
    assert lines[-2:] == [
        ("error", "13 more kinds, 26 errors: kind-07, kind-08, kind-09, kind-10, kind-11 and 8 more"),
        ("", "--verbose lists all problems, one by one"),
    ]
