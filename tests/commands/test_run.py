"""``mriparaspinal run``: all steps in one go."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import sys

import pandas as pd
import pytest

import mriparaspinal as mp
from mriparaspinal.analysis.files import png_bytes
from mriparaspinal.core.errors import NoInputError
from tests.support.builders.study import copy_sample, read_csv, run, without_next


@pytest.fixture
def scans(tmp_path):
    return copy_sample(tmp_path / "scans", "*_[12]_3.*")


@pytest.fixture
def brief(scans):
    """The same with one contrast in its protocol: few figures."""
    (scans / "paraspinal.toml").write_text('contrasts = ["side:ALS"]\n')
    return scans


def test_results_comparison_and_a_summary(scans, tmp_path):
    outcome = run("run", scans, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert {"L3.csv", "quantify.json"} <= {p.name for p in (tmp_path / "out" / "results").iterdir()}
    made = {p.name for p in (tmp_path / "out" / "comparison").iterdir()}
    assert {"comparisons.csv", "table2.md", "tables.xlsx", "figure3_sides_als.png", "notes.txt"} <= made
    lines = outcome.err.splitlines()
    assert "slices measured                      4 of 4" in lines
    assert lines[-2].startswith("ran: 4 of 4 slices measured, ")
    assert lines[-1] == f"next: open {tmp_path / 'out' / 'report.html'} in a browser, or let --open do it"


def test_a_summary_for_programs(scans, tmp_path):
    outcome = run("run", scans, "--out", tmp_path / "out", "--json", "--quiet")
    found = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert (found["command"], found["slices_measured"], found["participants"]) == ("run", 4, 4)
    rows = read_csv(tmp_path / "out" / "comparison" / "comparisons.csv")
    tested = sum(row["p"] != "" for row in rows)
    assert (found["comparisons"], found["not_tested"]) == (tested, len(rows) - tested)
    assert 0 < tested < len(rows)
    assert found["p_below_0_05"] == sum(float(row["p"] or 1) < 0.05 for row in rows)
    paired = [float(row["paired_p"]) for row in rows if row["paired_p"]]
    assert (found["paired"], found["paired_p_below_0_05"]) == (len(paired), sum(p < 0.05 for p in paired))
    assert found["paired"] > 0
    assert sum(c["comparisons"] for c in found["by_contrast"].values()) == tested


def test_an_error_in_one_slice_is_exit_4_with_the_comparison_made(scans, tmp_path):
    (scans / "paraspinal.toml").write_text('contrasts = ["group:ALS-LR"]\n')
    (scans / "ALS_1_3.json").write_text("{")
    assert run("run", scans, "--out", tmp_path / "out").code == 4
    assert (tmp_path / "out" / "comparison" / "comparisons.csv").is_file()


def test_two_processes_give_the_bytes_of_one(tmp_path):
    scans = copy_sample(tmp_path / "scans", "*_[1-4]_4.*")
    for jobs in (1, 2):
        assert run("run", scans, "--out", tmp_path / str(jobs), "--jobs", jobs).code == 0
    one, two = (
        {file.relative_to(place): file.read_bytes() for file in place.rglob("*") if file.is_file()}
        for place in (tmp_path / "1", tmp_path / "2")
    )
    assert len(one) > 30
    assert two == one
    table = pd.read_csv(tmp_path / "2" / "comparison" / "comparisons.csv")
    assert table["contrast"].nunique() > 3, "the contrasts of the protocol are made by several processes"


def test_figures_of_a_comparison_that_another_process_made_are_there_without_its_folder(brief, tmp_path):
    ran = mp.run(brief, tmp_path / "out", jobs=2)
    drawn = {file.stem: file.read_bytes() for file in (tmp_path / "out" / "comparison").glob("*.png")}
    shutil.rmtree(tmp_path / "out")
    assert set(ran.comparison.figures) == set(drawn) != set()
    for name, figure in ran.comparison.figures.items():
        assert png_bytes(figure) == drawn[name]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_dataset_that_changes_under_the_run_gets_a_comparison_and_no_page(brief, tmp_path, jobs):
    def changed(step):
        if isinstance(step, mp.StudyResults):
            (brief / "ALS_1_3.json").unlink()

    with pytest.raises(NoInputError, match="ALS_1_3"):
        mp.run(brief, tmp_path / "out", jobs=jobs, done=changed)
    assert (tmp_path / "out" / "comparison" / "comparisons.csv").is_file()
    assert not (tmp_path / "out" / "report.html").exists()
    assert not multiprocessing.active_children()


def test_an_old_comparison_never_stands_beside_new_results(brief, tmp_path):
    scans = brief
    out = tmp_path / "out"
    assert run("run", scans, "--out", out).code == 0
    table = scans / "participants.csv"
    text = table.read_text()
    table.write_text(text.replace("ALS_1,ALS", "ALS_1,LR"))
    outcome = run("run", scans, "--out", out)
    assert outcome.code == 3, "the group of the table contradicts the file names"
    assert {p.name for p in (out / "comparison").iterdir()} == {"notes.txt", "comparison.json"}
    table.write_text(text)
    for path in scans.glob("LR_*"):
        path.unlink()
    table.write_text("participant_id,age\nALS_1,60\nALS_2,61\n")
    (scans / "paraspinal.toml").unlink()
    outcome = run("run", scans, "--out", out)
    assert outcome.code == 0
    assert "nothing to compare" in (out / "comparison" / "notes.txt").read_text()
    assert not (out / "comparison" / "comparisons.csv").exists()


def test_what_the_protocol_says_is_read_once(scans, tmp_path):
    """Settings, run options and SHA-256 are those of one moment, whoever writes into the file meanwhile."""
    (scans / "paraspinal.toml").write_text('jobs = 1\nthreshold = 60\ncontrasts = ["side:ALS"]\n')
    opened = []
    watched = True

    def watch(event, arguments):
        if watched and event == "open" and str(arguments[0]).endswith("paraspinal.toml"):
            opened.append(arguments[0])

    sys.addaudithook(watch)
    assert run("run", scans, "--out", tmp_path / "out", "--quiet").code == 0
    watched = False
    assert len(opened) == 2, "once for what it says, once for the record of what has changed"
    manifest = json.loads((tmp_path / "out" / "results" / "quantify.json").read_text())
    assert manifest["settings"]["threshold"] == 60
    digest = hashlib.sha256((scans / "paraspinal.toml").read_bytes()).hexdigest()
    assert manifest["inputs"]["paraspinal.toml"] == digest


def test_nothing_to_measure_is_exit_3_and_leaves_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    assert run("run", tmp_path / "empty", "--out", tmp_path / "out").code == 3
    assert not (tmp_path / "out").exists()


def test_a_divisor_of_the_protocol_that_is_not_there_is_exit_2(scans, tmp_path):
    (scans / "paraspinal.toml").write_text('divide-by = "weight"')
    outcome = run("run", scans, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "weight" in outcome.err


def test_label_maps_go_through_all_steps(scans, tmp_path):
    (scans / "participants.csv").unlink()  # it names participants of whom no slices were copied
    drawn = tmp_path / "quantified"
    assert run("quantify", scans, "--out", drawn, "--quiet").code == 0
    masks = tmp_path / "maps"
    assert run("masks", scans, "--out", masks, "--quiet").code == 0
    for path in scans.glob("*.json"):
        path.unlink()
    # Without them, there is nothing: the label maps alone are measured.
    assert run("check", scans).code == 4
    outcome = run("check", scans, "--masks", masks)
    assert (outcome.code, outcome.out) == (0, "")
    assert without_next(outcome.err).splitlines()[-1] == "checked 4 slices: 0 errors, 0 warnings"

    outcome = run("run", scans, "--masks", masks, "--out", tmp_path / "out", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    here, there = (read_csv(folder / "L3.csv") for folder in (tmp_path / "out" / "results", drawn))
    for column in ("participant_id", "muscle", "side", "csa_px", "fat_px", "fi", "rcsa", "mean_intensity"):
        assert [row[column] for row in here] == [row[column] for row in there]
    assert {row["mask_rule"] for row in here} == {"mask"}


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_numbering_without_label_maps_is_one_line(command, scans, tmp_path):
    out = () if command == "check" else ("--out", tmp_path / "out")
    outcome = run(command, scans, *out, "--numbering", "musclemap")
    assert outcome.code == 2
    assert "--numbering: given without --masks" in outcome.err
