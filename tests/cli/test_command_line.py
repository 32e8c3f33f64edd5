"""The command line itself: what is typed wrongly, and readers of the output that have gone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders_study import run

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for path in SAMPLE.glob("*_1_[34].*"):
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("quantif",), "No such command 'quantif'. Did you mean 'quantify'?"),
        (("nothing-like-it",), "No such command 'nothing-like-it'."),
        (("quantify", "x", "--out", "y", "--jobs", "0"), "'--jobs': 0 is not in the range x>=1."),
        (("quantify", "x", "--out", "y", "--jobs", "1.5"), "'--jobs': '1.5' is not a valid integer."),
        (("quantify", "x", "--out", "y", "--mask-rule", "z"), "'z' is not one of 'labelme', 'centre'."),
        (
            ("quantify", "x", "--out", "y", "--windo", "0,1"),
            "No such option '--windo'. Did you mean '--window",
        ),
        (("quantify", "x", "--out", "y", "--timeout", "nan"), "nan is not in the range"),
        (("quantify", "x", "--out", "y", "--timeout", "inf"), "inf is not in the range"),
        (("quantify", "x", "--out", "y", "--timeout", "1e10"), "is not in the range"),
        (("contours", "x", "--dataset", "y", "--tolerance", "nan"), "nan is not in the range 0<=x<=100."),
        (("quantify", "x", "--out", ""), "'--out': an empty text was found; expected a path"),
        (("quantify", "", "--out", "y"), "'DATASET': an empty text was found; expected a path"),
    ],
)
def test_what_is_typed_wrongly_is_told(typed, said):
    outcome = run(*typed)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in " ".join(outcome.err.split())


@pytest.mark.parametrize(
    ("command", "usage"),
    [("score", "[INSTRUMENT] [RECORDS.csv]"), ("reliability", "[RATER]..."), ("merge", "RESULTS...")],
)
def test_usage_tells_what_may_be_left_out_or_repeated(command, usage):
    assert f"{command} [OPTIONS] {usage}\n" in run(command, "--help").out


def piped(command: str) -> list[int]:
    """The exit codes of the parts of a pipeline that begins with the tool, by the name M."""
    line = command.replace("M ", f"{sys.executable} -m mriparaspinal ") + '; echo "${PIPESTATUS[@]}"'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    return list(map(int, done.stdout.split()))


def test_the_work_is_done_though_nobody_reads_what_is_said(scans, tmp_path):
    (scans / "ALS_1_3.json").write_text("{}")
    out, log = tmp_path / "out", tmp_path / "log"
    # The reader has gone before the first word.
    assert piped(f"(sleep 1; exec M quantify {scans} --out {out} --log-file {log}) 2>&1 | true") == [4, 0]
    assert (out / "L3.csv").exists()
    assert "ended: exit code 4" in log.read_text()
    assert piped(f"(sleep 1; exec M check {scans}) | true") == [4, 0]
    assert piped(f"(sleep 1; exec M check {scans} --json -) | true") == [4, 0]
    assert piped(f"(sleep 1; exec M quantify {scans} --out {out} --json --quiet) | true") == [4, 0]


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_closed_streams_change_nothing(closed, scans, tmp_path):
    out = tmp_path / "out"
    command = f"{sys.executable} -m mriparaspinal quantify {scans} --out {out} --json {closed}"
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0
    assert (out / "L3.csv").exists()
    command = f"{sys.executable} -m mriparaspinal score --list {closed}"
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0


def test_a_list_of_problems_takes_no_place_of_the_label_maps(scans, tmp_path):
    masks = tmp_path / "masks"
    assert run("masks", scans, "--out", masks, "--quiet").code == 0
    values = masks / "values.csv"
    numbering = shutil.copy(values, tmp_path / "own.csv")
    for options in (("--json", values), ("--numbering", numbering, "--json", numbering)):
        before = values.read_bytes(), numbering.read_bytes()
        outcome = run("check", scans, "--masks", masks, *options)
        assert outcome.code == 2
        assert " input" in outcome.err
        assert (values.read_bytes(), numbering.read_bytes()) == before


@pytest.mark.parametrize("inside", ["", "results", "comparison"])
def test_results_do_not_go_into_the_label_maps(inside, scans, tmp_path):
    masks = tmp_path / "out" / inside
    assert run("masks", scans, "--out", masks, "--quiet").code == 0
    before = sorted(path.name for path in masks.iterdir())
    outcome = run("run", scans, "--masks", masks, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "is the folder of --masks" in outcome.err
    assert sorted(path.name for path in masks.iterdir()) == before
