"""A whole dataset folder: its tables, what is wrong with them, and the files of its results."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import COLUMNS, PROBLEM_COLUMNS, Problem, Settings
from mriparaspinal.dataset.open import open_dataset, refuse_own_copy
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.measure.result_files import measurements_of, problems_csv, result_files
from tests.support.builders.slices import SHAPES, write_dataset, write_slice
from tests.support.builders.study import MUSCLES_ONLY, PROJECT, VB, run


def measured(root: Path, settings: Settings | None = None, jobs: int = 1, **options):
    settings = settings or Settings()
    study = open_dataset(root, settings, **options)
    return measure_dataset(study, settings, jobs)


def problems(root: Path, **options) -> list[tuple[str, str, str, str]]:
    found = open_dataset(root, Settings(), **options).problems
    return [(p.file, p.shape, p.severity, p.code) for p in found]


def areas(root: Path) -> dict[str, set[float | None]]:
    """csa_mm2 over csa_px, by image."""
    found: dict[str, set[float | None]] = {}
    for row in measurements_of(measured(root), Settings()):
        found.setdefault(row.image, set()).add(None if row.csa_mm2 is None else row.csa_mm2 / row.csa_px)
    return found


# slices.csv

HEAD = "image,row_spacing_mm,col_spacing_mm\n"


def spaced(root: Path, text: str, *stems: str) -> Path:
    for stem in stems or ("ALS_1_3", "ALS_1_4"):
        write_slice(root, stem)
    (root / "slices.csv").write_text(text, encoding="utf-8")
    return root


def test_areas_are_pixels_times_both_spacings(tmp_path):
    head = "source,col_spacing_mm,image,row_spacing_mm,window_low\n"
    root = spaced(tmp_path, f"{head}x,0.3,ALS_1_3.png,0.7,0\nx,0.31,ALS_1_4.png,0.71,0\n")
    assert not problems(root)
    for row in measurements_of(measured(root), Settings()):
        rows, columns = {"L3": (0.7, 0.3), "L4": (0.71, 0.31)}[row.segment]
        assert row.csa_mm2 == row.csa_px * rows * columns


def test_without_slices_csv_areas_in_mm_stay_empty_without_a_word(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    assert areas(tmp_path) == {"ALS_1_3.png": {None}}
    assert not problems(tmp_path)


@pytest.mark.parametrize(
    "bad", ["0,0.5", "-0.5,0.5", "0.5,", "x,0.5", "nan,0.5", "inf,0.5", "0.5,1000", '"0,5",0.5', "1e400,1"]
)
def test_a_bad_spacing_is_an_error_and_empty(tmp_path, bad):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,{bad}\nALS_1_4.png,0.5,0.5\n")
    assert problems(root) == [("slices.csv", "ALS_1_3.png", "error", "bad-spacing")]
    assert areas(root) == {"ALS_1_3.png": {None}, "ALS_1_4.png": {0.25}}


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("second", ["0.5,0.5", "0.6,0.5"])
def test_several_rows_for_one_image_count_for_nothing(tmp_path, times, second):
    rows = "ALS_1_3.png,0.5,0.5\n" + f"ALS_1_3.png,{second}\n" * (times - 1)
    root = spaced(tmp_path, f"{HEAD}{rows}ALS_1_4.png,0.5,0.5\n")
    assert problems(root) == [("slices.csv", "ALS_1_3.png", "error", "bad-spacing")]
    assert areas(root) == {"ALS_1_3.png": {None}, "ALS_1_4.png": {0.25}}


def test_names_with_and_without_their_folder(tmp_path):
    text = f"{HEAD}a/ALS_1_3.png,0.5,0.5\nLR_1_3.png,1,1\nALS_1_4.png,2,2\n"
    root = spaced(tmp_path, text, "a/ALS_1_3", "b/LR_1_3", "ALS_1_4")
    assert areas(root) == {"a/ALS_1_3.png": {0.25}, "b/LR_1_3.png": {1.0}, "ALS_1_4.png": {4.0}}
    assert not problems(root)


def test_a_name_that_fits_two_images_says_so(tmp_path):
    how = Settings(patient_from="folder")
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,0.5,0.5\n", "p1/ALS_1_3", "p2/ALS_1_3")
    study = open_dataset(root, how)
    (problem,) = study.problems
    assert (problem.shape, problem.severity, problem.code) == ("ALS_1_3.png", "error", "bad-spacing")
    assert "p1/ALS_1_3.png" in problem.message
    assert study.spacings == {}


def test_an_image_in_the_root_goes_by_its_whole_name(tmp_path):
    """Its path is its name: the same name in a folder below must not make it unclear."""
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,0.5,0.5\np/ALS_1_3.png,1,1\n", "ALS_1_3", "p/ALS_1_3")
    settings = Settings(name_pattern="(?P<group>ALS)_(?P<patient>1)_(?P<segment>3)")
    study = open_dataset(root, settings)
    assert [p.code for p in study.problems] == ["duplicate-slice", "no-spacing"] or not study.spacings
    (root / "p" / "ALS_1_3.png").rename(root / "p" / "ALS_2_3.png")
    (root / "p" / "ALS_1_3.json").rename(root / "p" / "ALS_2_3.json")
    (root / "slices.csv").write_text(f"{HEAD}ALS_1_3.png,0.5,0.5\np/ALS_2_3.png,1,1\n")
    assert open_dataset(root, Settings()).spacings == {"ALS_1_3.png": (0.5, 0.5), "p/ALS_2_3.png": (1.0, 1.0)}


@pytest.mark.parametrize("text", [HEAD, f"{HEAD}other.png,1,1\n", f"{HEAD}ALS_1_3.PNG,1,1\n"])
def test_images_without_a_row_are_counted_in_a_warning(tmp_path, text):
    root = spaced(tmp_path, text)
    (problem,) = open_dataset(root, Settings()).problems
    assert (problem.severity, problem.code) == ("warning", "no-spacing")
    assert "2 images" in problem.message
    assert "ALS_1_3.png" in problem.message


def test_a_source_that_does_not_know_its_spacing_is_no_fault(tmp_path):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,,\nALS_1_4.png,0.5,0.5\n")
    assert not problems(root)
    assert areas(root) == {"ALS_1_3.png": {None}, "ALS_1_4.png": {0.25}}


@pytest.mark.parametrize(
    "text", ["", "image,row_spacing_mm\nALS_1_3.png,1\n", f"{HEAD}ALS_1_3.png,1\n", "\0"]
)
def test_a_broken_slices_csv_is_a_problem_and_stops_nothing(tmp_path, text):
    root = spaced(tmp_path, text)
    found = open_dataset(root, Settings()).problems
    assert [(p.file, p.severity, p.code) for p in found] == [("slices.csv", "error", "bad-spacing")]
    assert "; expected" in found[0].message
    assert areas(root) == {"ALS_1_3.png": {None}, "ALS_1_4.png": {None}}


# Participants

PEOPLE = "participant_id,group,onset_side\nALS_1,ALS,L\nLR_1,LR,\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("participants.csv", PEOPLE.encode()),
        ("participants.tsv", PEOPLE.replace(",", "\t").encode()),
        ("participants.csv", b"\xef\xbb\xbf" + PEOPLE.replace("\n", "\r\n").encode()),
        ("participants.csv", PEOPLE.replace(",", ";").encode()),
        ("Participants.CSV", PEOPLE.encode()),
    ],
)
def test_roles_come_from_the_table_in_any_dress(tmp_path, name, content):
    write_dataset(tmp_path, 1, 1, (3,))
    (tmp_path / name).write_bytes(content)
    result = measured(tmp_path)
    assert not result.problems
    roles = {(r.group, r.side): r.role for r in measurements_of(result, Settings())}
    assert roles == {
        ("ALS", "left"): "symptomatic",
        ("ALS", "right"): "contralateral",
        ("ALS", "both"): "bilateral",
        ("LR", "left"): "",
        ("LR", "right"): "",
        ("LR", "both"): "bilateral",
    }
    copy = result_files(result, Settings())["participants.csv"]
    assert list(csv.reader(io.StringIO(copy.decode()))) == list(csv.reader(io.StringIO(PEOPLE)))
    assert result.study.sha256[name] == hashlib.sha256(content).hexdigest()


def test_a_plain_table_is_copied_byte_for_byte(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    content = b'participant_id,note,"x"\r\nALS_1,"=1+1, b", 7\r\n'
    (tmp_path / "participants.csv").write_bytes(content)
    assert result_files(measured(tmp_path), Settings())["participants.csv"] == content


def test_two_tables_are_not_chosen_between(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    for name in ("participants.csv", "participants.tsv"):
        (tmp_path / name).write_text("participant_id\nALS_1\n")
    with pytest.raises(
        UsageError, match=r"participants.csv and participants.tsv .*; expected one; .*--participants"
    ):
        open_dataset(tmp_path, Settings())
    assert open_dataset(tmp_path, Settings(), tmp_path / "participants.tsv").participants.rows == {
        "ALS_1": {}
    }


def test_the_file_that_was_asked_for_wins(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    (tmp_path / "data" / "participants.csv").write_text("participant_id,onset_side\nALS_1,L\n")
    other = tmp_path / "other.csv"
    other.write_text("participant_id,onset_side\nALS_1,R\n")
    study = open_dataset(tmp_path / "data", Settings(), other)
    assert study.participants.value("ALS_1", "onset_side") == "right"
    assert list(study.sha256) == ["other.csv"]


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1\n", b"\xff"])
def test_a_file_that_was_asked_for_and_is_no_table_is_wrong_usage(tmp_path, content):
    write_slice(tmp_path, "ALS_1_3")
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"^--participants: people.csv: .*; expected .*; "):
        open_dataset(tmp_path, Settings(), path)


@pytest.mark.parametrize("content", [b"", b"participant_id,b\nALS_1\n", b"\xff\xfe"])
def test_a_broken_table_beside_the_slices_is_a_problem_and_stops_nothing(tmp_path, content):
    write_slice(tmp_path, "ALS_1_3")
    (tmp_path / "participants.csv").write_bytes(content)
    assert problems(tmp_path) == [("participants.csv", "", "error", "bad-table")]
    files = result_files(measured(tmp_path), Settings())
    assert "L3.csv" in files
    assert "participants.csv" not in files, "a table that nobody could read must not be compared with"


def test_a_table_without_rows_still_has_no_row_for_the_slices(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    (tmp_path / "participants.csv").write_text("participant_id,group\n")
    assert problems(tmp_path) == [("participants.csv", "ALS_1", "warning", "slices-without-participant")]


def test_a_table_without_ids_says_so_once(tmp_path):
    write_dataset(tmp_path)
    (tmp_path / "participants.csv").write_text("id,group\nALS_1,ALS\n")
    assert problems(tmp_path) == [("participants.csv", "", "error", "no-participant-id")]


def test_a_broken_link_to_the_table_is_an_error(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    (tmp_path / "participants.csv").symlink_to("/no/such/file")
    assert problems(tmp_path) == [("participants.csv", "", "error", "broken-link")]


# The reference


def mixed(root: Path, folder: str = "") -> Path:
    write_slice(root, f"{folder}ALS_1_3")
    write_slice(root, f"{folder}ALS_2_3", shapes=[*MUSCLES_ONLY, VB])
    return root


@pytest.mark.parametrize("folder", ["", "a; b/", "dataset: /"])
def test_mixed_references(tmp_path, folder):
    result = measured(mixed(tmp_path, folder))
    (problem,) = result.problems
    assert (problem.file, problem.severity, problem.code) == ("dataset", "error", "mixed-reference")
    assert f"{folder}ALS_1_3.png" in problem.message
    assert "--reference" in problem.remedy
    with pytest.raises(UsageError, match="--reference"):
        result_files(result, Settings())


def test_with_a_reference_given_the_others_have_none(tmp_path):
    how = Settings(reference="VB")
    result = measured(mixed(tmp_path), how)
    assert [(p.file, p.code) for p in result.problems] == [("ALS_1_3.json", "missing-reference")]
    rows = measurements_of(result, how)
    assert {(r.participant_id, r.rcsa is None) for r in rows} == {("ALS_1", True), ("ALS_2", False)}
    assert {r.reference for r in rows} == {"VB"}


# What is written


def test_files_of_the_segments_that_exist(tmp_path):
    write_dataset(tmp_path, 1, 0, (2, 5))
    files = result_files(measured(tmp_path), Settings())
    assert list(files) == [
        *("L2.csv", "L5.csv", "measurements.csv", "wide.csv", "problems.csv", "quantify.json")
    ]
    assert files["problems.csv"].decode() == ",".join(PROBLEM_COLUMNS) + "\n"
    for name in ("L2.csv", "L5.csv"):
        rows = list(csv.reader(io.StringIO(files[name].decode())))
        assert tuple(rows[0]) == COLUMNS
        assert len(rows) == 10
        assert {row[2] for row in rows[1:]} == {name[:2]}


def test_every_number_in_a_csv_reads_back_as_it_was(tmp_path):
    write_dataset(tmp_path, 3, 0, (3,))
    result = measured(tmp_path)
    rows = list(csv.DictReader(io.StringIO(result_files(result, Settings())["L3.csv"].decode())))
    for row, measurement in zip(rows, measurements_of(result, Settings()), strict=True):
        for column in COLUMNS:
            value = getattr(measurement, column)
            if value is None:
                assert row[column] == ""
            elif isinstance(value, float):
                assert float(row[column]).hex() == value.hex()
            else:
                assert row[column] == str(value)


def test_problems_as_csv_cannot_run_and_stay_one_row_each():
    found = [
        Problem("=cmd/a.png", "@x", "error", "c", 'a, "b"\nc', "-x"),
        Problem("M\udcfc.png", "MF_L\r", "warning", "c", "m", "r"),
    ]
    rows = list(csv.reader(io.StringIO(problems_csv(found).decode())))
    assert rows[0] == ["file", "shape", "severity", "code", "message", "remedy"]
    assert rows[1] == ["'=cmd/a.png", "'@x", "error", "c", 'a, "b"\nc', "'-x"]
    assert [len(row) for row in rows] == [6, 6, 6]


def test_problems_are_sorted_by_file_with_numbers_in_numeric_order(tmp_path):
    for stem in ("LR_2_3", "ALS_10_3", "ALS_9_3", "ALS_9_4"):
        write_slice(tmp_path, stem, shapes=SHAPES[1:])
    write_slice(tmp_path, "ALS_9_5").unlink()
    files = [problem.file for problem in measured(tmp_path).problems]
    assert files == ["ALS_9_3.json", "ALS_9_4.json", "ALS_9_5.png", "ALS_10_3.json", "LR_2_3.json"]


def test_the_same_bytes_for_any_number_of_jobs_and_any_order_of_hashing(tmp_path):
    root = tmp_path / "data"
    write_dataset(root, 3, 2)
    write_slice(root, "ALS_9_3", shapes=[*SHAPES[:3], VB | {"label": "zebra"}, VB | {"label": "ant"}])
    (root / "slices.csv").write_text(f"{HEAD}ALS_1_3.png,0.5,0.5\n")
    (root / "participants.csv").write_text("participant_id,age\nALS_1,x\nALS_77,60\nLR_8,\n")
    settings = Settings()
    expected = result_files(measured(root), settings)
    for jobs in (2, 3):
        assert result_files(measured(root, jobs=jobs), settings) == expected
    code = (
        "import sys, hashlib, json; from pathlib import Path\n"
        "from mriparaspinal.core.model import Settings\n"
        "from mriparaspinal.dataset.open import open_dataset\n"
        "from mriparaspinal.measure.dataset import measure_dataset\n"
        "from mriparaspinal.measure.result_files import result_files\n"
        "how = Settings()\n"
        "files = result_files(measure_dataset(open_dataset(Path(sys.argv[1]), how), how), how)\n"
        "print(json.dumps({n: hashlib.sha256(c).hexdigest() for n, c in files.items()}))"
    )
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(root)],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
        )
        assert json.loads(done.stdout) == {n: hashlib.sha256(c).hexdigest() for n, c in expected.items()}


@pytest.mark.parametrize("make", ["nothing", "stray files", "faulty slices"])
def test_nothing_to_measure(tmp_path, make):
    if make == "stray files":
        (tmp_path / "README.txt").write_text("x")
    elif make == "faulty slices":
        write_slice(tmp_path, "ALS_1_3", shapes=[])
    with pytest.raises(NoInputError) as caught:
        result_files(measured(tmp_path), Settings())
    assert caught.value.exit_code == 3
    assert str(tmp_path) in str(caught.value)
    assert "; expected" in str(caught.value)


# What lies in the output folder is not read, and may be replaced


def test_an_output_folder_in_the_dataset_is_not_scanned(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    out = tmp_path / "results"
    out.mkdir()
    for name in ("L3.csv", "quantify.json", "participants.csv", "ALS_9_9.png"):
        (out / name).write_text("x")
    assert len(open_dataset(tmp_path, Settings(), leave_out=out).dataset.slices) == 1
    assert not problems(tmp_path, leave_out=out)


def test_slices_in_the_output_folder_would_be_lost(tmp_path):
    write_slice(tmp_path, "p1/ALS_1_3")
    write_slice(tmp_path, "p2/deep/LR_1_3")
    for out in ("p1", "p2"):
        with pytest.raises(
            UsageError, match=r"_1_3.png.*not be measured; expected no slices.*; choose another"
        ):
            open_dataset(tmp_path, Settings(), leave_out=tmp_path / out)


def test_an_output_folder_above_the_dataset_is_no_matter(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    assert len(open_dataset(tmp_path / "data", Settings(), leave_out=tmp_path).dataset.slices) == 1


def test_participants_that_the_results_would_replace_are_refused(tmp_path):
    table = tmp_path / "participants.csv"
    table.write_text("participant_id\nALS_1\n")
    with pytest.raises(UsageError, match=r"--participants: .*; expected it elsewhere; choose another --out"):
        refuse_own_copy(table, tmp_path / "x" / "..")
    refuse_own_copy(table, tmp_path / "results")
    refuse_own_copy(None, tmp_path)


# Slices of 8 bits and of more


def deepened(root: Path, *stems: str) -> Path:
    for stem in stems:
        path = root / f"{stem}.png"
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 4).save(path)
    return root


def depth_warnings(root: Path, **options):
    found = measured(root, Settings(window=(0.0, 1020.0), **options)).problems
    return [problem for problem in found if problem.code == "mixed-depth"]


def test_slices_of_different_depth_under_one_window_are_told_once(tmp_path):
    root = deepened(write_dataset(tmp_path / "data"), "ALS_1_4", "LR_2_3", "LR_2_4")
    (problem,) = depth_warnings(root)
    assert (problem.file, problem.severity) == ("dataset", "warning")
    assert "5 of 8 slices have 8 bits (first ALS_1_3.png), 3 have more (first ALS_1_4.png)" in problem.message
    assert len(depth_warnings(root, fat_rule="otsu")) == 1


def test_slices_of_one_depth_are_not_told(tmp_path):
    root = write_dataset(tmp_path / "data", als=1, lr=0)
    assert depth_warnings(root) == []
    assert depth_warnings(deepened(root, "ALS_1_3", "ALS_1_4")) == []


def test_depth_is_known_of_label_maps_and_of_shares_that_are_joined(tmp_path):
    root = deepened(write_dataset(tmp_path / "data", als=1, lr=1), "LR_1_3", "LR_1_4")
    maps = tmp_path / "maps"
    window = ("--window", "0,1020", "--out")
    assert run("masks", root, *window, maps).code == 0
    assert run("quantify", root, "--masks", maps, *window, tmp_path / "mapped").code == 0
    assert "mixed-depth" in (tmp_path / "mapped" / "problems.csv").read_text()
    for who in ("ALS_1", "LR_1"):
        share = ("--participant-label", who, *window, tmp_path / who)
        assert run("quantify", root, *share).code == 0
        assert "mixed-depth" not in (tmp_path / who / "problems.csv").read_text()
    assert run("merge", tmp_path / "ALS_1", tmp_path / "LR_1", "--out", tmp_path / "all").code == 0
    assert "mixed-depth" in (tmp_path / "all" / "problems.csv").read_text()


@pytest.mark.parametrize(
    ("spacing", "said"),
    [
        (
            "0.0391,0.0391",
            "0.0391 × 0.0391 mm; expected 0.05 to 5 mm (it is 0.391 × 0.391 mm if the table is in cm)",
        ),
        ("0.00039,0.00039", "(it is 0.39 × 0.39 mm if the table is in m)"),
        ("6,6", "6 × 6 mm; expected 0.05 to 5 mm"),
        ("0.5,4.0", "0.5 × 4 mm; expected pixels that are nearly square"),
        ("0.1,0.1", "in 100 × 100 px is a field of view of 10 × 10 mm; expected 30 to 1000 mm"),
    ],
)
def test_a_spacing_that_no_lumbar_slice_has_is_a_warning(tmp_path, spacing, said):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,{spacing}\nALS_1_4.png,0.5,0.5\n")
    (problem,) = open_dataset(root, Settings()).problems
    assert (problem.shape, problem.severity, problem.code) == ("ALS_1_3.png", "warning", "odd-spacing")
    assert said in problem.message


def test_an_odd_spacing_of_many_images_is_one_warning(tmp_path):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,0.039,0.039\nALS_1_4.png,0.039,0.039\n")
    (problem,) = open_dataset(root, Settings()).problems
    assert "in 2 images" in problem.message


def test_a_spacing_in_micrometres_is_refused_with_its_reading(tmp_path):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,390.6,390.6\nALS_1_4.png,0.5,0.5\n")
    (problem,) = open_dataset(root, Settings()).problems
    assert problem.code == "bad-spacing"
    assert "0.3906 × 0.3906 mm if the table is in µm" in problem.message


@pytest.mark.parametrize("spacing", ["0_5,0_5", "٠.٥,٠.٥", "0x1,0x1", "0.5 mm,0.5 mm"])
def test_a_spacing_only_python_reads_is_refused(tmp_path, spacing):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,{spacing}\nALS_1_4.png,0.5,0.5\n")
    assert problems(root) == [("slices.csv", "ALS_1_3.png", "error", "bad-spacing")]
    assert areas(root) == {"ALS_1_3.png": {None}, "ALS_1_4.png": {0.25}}


def test_a_missing_spacing_is_none_however_it_is_spelled(tmp_path):
    root = spaced(tmp_path, f"{HEAD}ALS_1_3.png,n/a,NA\nALS_1_4.png,0.5,0.5\n")
    assert not problems(root)
    assert areas(root) == {"ALS_1_3.png": {None}, "ALS_1_4.png": {0.25}}
