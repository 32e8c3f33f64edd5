"""A study that ``run`` would make again as it is, is not made again; anything that may change it is found."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

from mriparaspinal.core.errors import NoInputError, unreadable
from mriparaspinal.io.folder import read_bytes
from tests.support.builders.study import copy_sample, run

UNCHANGED = "inputs, settings and files are those of the last run; nothing was done"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of four slices, one of which has an error."""
    place = tmp_path_factory.mktemp("made")
    scans = copy_sample(place / "scans", "*_[12]_3.*")
    (scans / "ALS_1_3.json").write_text("{")
    outcome = run("run", scans, "--out", place / "study", "--json")
    assert outcome.code == 4
    return place, outcome


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A copy of it; a run that begins to measure ends there, with exit code 3."""

    monkeypatch.setattr("mriparaspinal.api.running.measure_into", _stop)
    shutil.copytree(made[0], tmp_path / "here")
    return tmp_path / "here"


def _stop(*_):
    raise NoInputError("made again")


def again(place, *options):
    return run("run", place / "scans", "--out", place / "study", *options)


def edit(path, old, new):
    """Change a file so that neither its size nor its times tell."""
    status, content = path.stat(), path.read_bytes()
    assert len(old) == len(new)
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_it_is_told_again_with_its_problems_its_numbers_and_its_exit_code(made, place):
    outcome = again(place)
    assert outcome.code == 4
    assert outcome.err.splitlines()[-2].startswith(f"{place / 'study'}: {UNCHANGED}; --force ")
    *_, error = (line for line in made[1].err.splitlines() if "ALS_1_3.json: error:" in line)
    assert error in outcome.err
    summary = [
        line for line in made[1].err.splitlines() if line.startswith(("slices", "comparisons", "  side"))
    ]
    assert len(summary) == 5
    assert set(summary) <= set(outcome.err.splitlines())


def test_a_program_gets_the_same_summary(made, place):
    assert json.loads(again(place, "--json", "--quiet").out) == json.loads(made[1].out)


@pytest.mark.parametrize("jobs", [1, 2])
def test_neither_times_nor_names_of_folders_nor_processes_count(place, jobs):
    for path in place.rglob("*"):
        os.utime(path, (1, 1))
    (place / "scans").rename(place / "other")
    (place / "study").rename(place / "elsewhere")
    outcome = run("run", place / "other", "--out", place / "elsewhere", "--jobs", jobs)
    assert UNCHANGED in outcome.err


def in_scans(name, content="x"):
    return lambda place: (place / "scans" / name).write_text(content)


def copied(place):
    for ending in ("json", "png"):
        shutil.copy(place / "scans" / f"LR_1_3.{ending}", place / "scans" / f"LR_1_2.{ending}")


def removed(name):
    return lambda place: (place / name).unlink()


def edited(name, old, new):
    return lambda place: edit(place / name, old, new)


def linked(place):
    (place / "scans" / "LR_2_3.png").rename(place / "gone.png")
    (place / "scans" / "LR_2_3.png").symlink_to("nowhere")


def swapped(place):
    """Two files change places: each digest is still there."""
    scans = place / "scans"
    (scans / "LR_1_3.json").rename(scans / "x")
    (scans / "LR_2_3.json").rename(scans / "LR_1_3.json")
    (scans / "x").rename(scans / "LR_2_3.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited("scans/LR_1_3.json", b'"MF_L"', b'"MF_R"'), "changed: LR_1_3.json"),
        (edited("scans/LR_1_3.png", b"IDAT", b"IDAU"), "changed: LR_1_3.png"),
        (edited("scans/participants.csv", b"LR_1,", b"LR_9,"), "changed: participants.csv"),
        (swapped, "changed: LR_1_3.json, LR_2_3.json"),
        (copied, "new: LR_1_2.json, LR_1_2.png"),
        (removed("scans/LR_2_3.json"), "no longer there: LR_2_3.json"),
        (linked, "changed: LR_2_3.png"),
        (in_scans("paraspinal.toml", "threshold = 50\n"), "new: paraspinal.toml"),
        (in_scans("slices.csv"), "new: slices.csv"),
        (in_scans("drafts.csv"), "new: drafts.csv"),
        (in_scans("letter.docx"), "new: letter.docx"),
        (in_scans("LR_3_3.png.part"), "new: LR_3_3.png.part"),
        (in_scans(".review-journal.jsonl"), "new: .review-journal.jsonl"),
        (edited("study/results/L3.csv", b"LR_1,", b"LR_9,"), "changed: results/L3.csv"),
        (edited("study/results/quantify.json", b"numpy", b"NUMPY"), "changed: results/quantify.json"),
        (edited("study/report.html", b"<body", b"<bodY"), "changed: report.html"),
        (removed("study/comparison/tables.xlsx"), "no longer there: comparison/tables.xlsx"),
        (removed("study/results/problems.csv"), "no longer there: results/problems.csv"),
        (removed("study/report.html"), "no longer there: report.html"),
        (lambda place: (place / "study/results/.unfinished").write_text(""), "cut off: results"),
        (lambda place: shutil.rmtree(place / "study/comparison"), "no longer there: comparison/"),
        (
            lambda place: shutil.copy(place / "study/results/L3.csv", place / "study/results/L2.csv"),
            "not of this run: results/L2.csv",
        ),
    ],
)
def test_whatever_is_changed_missing_or_new_is_said_and_the_study_is_made_again(place, change, said):
    change(place)
    outcome = again(place)
    assert f"note: {place / 'study'}: since the last run: {said}" in outcome.err
    assert "made again" in outcome.err
    assert UNCHANGED not in outcome.err


def test_an_output_that_somebody_edited_is_not_written_over(place):
    edit(place / "study/comparison/comparisons.csv", b"side:ALS", b"side:XXX")
    outcome = again(place)
    assert outcome.code == 2
    assert "was changed since it was written" in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--threshold", "60"], "threshold was 50, is 60"),
        (["--accept-drafts"], "accept_drafts was False, is True"),
        (["--mask-rule", "centre"], "mask_rule was labelme, is centre"),
    ],
)
def test_other_settings(place, options, said):
    assert f"since the last run: {said}; doing all steps" in again(place, *options).err


def test_the_threshold_that_is_the_default_is_no_other_setting(place):
    assert UNCHANGED in again(place, "--threshold", 50).err


def test_other_participants_and_a_review(place):
    other = place / "people.csv"
    shutil.copy(place / "scans" / "participants.csv", other)
    assert "since the last run: new: people.csv (participants)" in again(place, "--participants", other).err
    review = place / "review.csv"
    review.write_text("image,region,reader,verdict,reason,comment\nLR_1_3.png,,A,exclude,motion,\n")
    assert "new: review.csv (review)" in again(place, "--review", review).err


@pytest.mark.parametrize(
    ("name", "other", "said"),
    [
        ("__version__", "9.9", "mriparaspinal was 0.1.0, is 9.9"),
        ("program_sha256", lambda: "0" * 64, "the program itself is another one"),
        ("study_versions", lambda: {"python": "3.99"}, "is not there"),
    ],
)
def test_another_program_or_library(place, monkeypatch, name, other, said):
    import mriparaspinal

    if name == "__version__":
        said = said.replace("0.1.0", mriparaspinal.__version__)
    monkeypatch.setattr(f"mriparaspinal.api.unchanged.{name}", other)
    outcome = again(place)
    assert said in outcome.err
    assert "made again" in outcome.err


def few_figures(scans):
    """One contrast in the protocol of a dataset that is measured anew."""
    (scans / "paraspinal.toml").write_text('contrasts = ["side:LR"]\n')
    return scans


def test_label_maps(made, tmp_path, monkeypatch):
    maps, study = tmp_path / "maps", tmp_path / "study"
    scans = few_figures(shutil.copytree(made[0] / "scans", tmp_path / "scans"))
    assert run("masks", scans, "--out", maps).code == 4
    how = ("run", scans, "--masks", maps, "--out", study)
    assert run(*how).code in (0, 4)
    assert UNCHANGED in run(*how).err
    monkeypatch.setattr("mriparaspinal.api.running.measure_into", _stop)
    shutil.copy(maps / "LR_1_3_mask.png", maps / "LR_2_3_mask.png")
    assert "since the last run: changed: LR_2_3_mask.png (masks); doing" in run(*how).err
    assert "numbering" in run(*how, "--numbering", "musclemap").err


def test_force_makes_it_again(place):
    assert "made again" in again(place, "--force").err


@pytest.mark.parametrize("text", ["", "{", '{"mriparaspinal": 1}', '{\n  "mriparaspinal": "0.1.0"\n}'])
def test_a_record_that_is_none(place, text):
    record = place / "study" / "run.json"
    record.write_text(text)
    ours = not text or text.startswith('{\n  "mriparaspinal": ')
    assert again(place).code == (3 if ours else 2)


def test_a_record_that_was_edited_counts_for_nothing(place):
    edit(place / "study" / "run.json", b'"slices_measured": 3', b'"slices_measured": 4')
    assert "made again" in again(place).err


def test_a_study_that_was_cut_off_is_made_again(made, tmp_path, monkeypatch):
    place = shutil.copytree(made[0], tmp_path / "here")
    few_figures(place / "scans")

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mriparaspinal.api.running.write_page", stopped)
        outcome = again(place, "--force")
    assert outcome.code not in (0, 4)
    assert not (place / "study" / "run.json").exists()
    assert UNCHANGED not in again(place).err
    assert UNCHANGED in again(place).err, "all of it is there again"


def test_what_could_not_be_read_this_time_is_tried_again(made, tmp_path, monkeypatch):
    place = shutil.copytree(made[0], tmp_path / "here")
    few_figures(place / "scans")
    there = read_bytes

    def fails(path, limit):
        if str(path).endswith("LR_2_3.png"):
            raise unreadable("cannot be read (Input/output error)", "a readable file", "check the disk")
        return there(path, limit)

    monkeypatch.setattr("mriparaspinal.dataset.read.read_bytes", fails)
    assert "Input/output error" in again(place, "--force").err
    assert (place / "study" / "report.html").exists()
    assert not (place / "study" / "run.json").exists()


def test_every_file_that_a_run_opens_in_its_dataset_is_in_the_record(tmp_path):
    scans = copy_sample(tmp_path / "scans", "ALS_[12]_3.*")
    for name in (
        "stray.json",
        "ALS_9_3.png",
        "ALS_8_3.json",
        "letter.docx",
        "x.tsv",
        "volume.nii.gz",
        ".hidden",
    ):
        (scans / name).write_text("{}")
    (scans / "paraspinal.toml").write_text("threshold = 60\n")
    shutil.copy(scans / "ALS_1_3.png", scans / "ALS_1_3.tif")
    (scans / "sub").mkdir()
    shutil.copy(scans / "ALS_1_3.json", scans / "sub" / "ALS_7_3.json")
    opened = set()
    watched = True

    def watch(event, arguments):
        if watched and event == "open" and str(arguments[0]).startswith(f"{scans}/"):
            opened.add(str(arguments[0]).removeprefix(f"{scans}/"))

    sys.addaudithook(watch)
    assert run("quantify", scans, "--out", tmp_path / "results", "--quiet").code == 4
    assert run("run", scans, "--out", tmp_path / "study", "--quiet").code == 4
    watched = False
    told = json.loads((tmp_path / "study" / "run.json").read_text())["inputs"]["dataset"]
    assert told["letter.docx"] == told["volume.nii.gz"] == "not opened"
    files = {name for name in opened if (scans / name).is_file()}
    assert {"stray.json", "ALS_1_3.png", "participants.csv", "paraspinal.toml"} <= files
    assert {name for name in files if len(told.get(name, "")) != 64} == set()


def test_the_functions_give_the_same_study(made):
    import mriparaspinal as mp

    scans, study = made[0] / "scans", made[0] / "study"
    ran = mp.run(scans, study)
    assert ran.unchanged
    assert ran.report.count == 4
    assert [p.code for p in ran.results.problem_list if p.severity == "error"] == ["bad-json"]
    assert len(ran.results.table) == (study / "results" / "L3.csv").read_text().count("\n") - 1
    rows = (study / "comparison" / "comparisons.csv").read_text().count("\n") - 1
    assert len(ran.comparison.table) == rows
