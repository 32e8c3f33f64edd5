"""The command line itself: what is typed wrongly, and readers of the output that have gone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builders.study import run

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
        (
            ("quantif",),
            "quantif: unknown command; expected a command that --help lists; did you mean quantify?",
        ),
        (("nothing-like-it",), "nothing-like-it: unknown command; "),
        (
            ("quantify", "x", "--out", "y", "--jobs", "0"),
            "--jobs: '0' was found; expected a whole number of 1 or more; ",
        ),
        (
            ("quantify", "x", "--out", "y", "--jobs", "1.5"),
            "--jobs: '1.5' was found; expected a whole number of 1 or more; ",
        ),
        (
            ("quantify", "x", "--out", "y", "--mask-rule", "z"),
            "--mask-rule: 'z' was found; expected one of labelme, centre; ",
        ),
        (
            ("quantify", "x", "--out", "y", "--windo", "0,1"),
            "--windo: unknown option; expected one of quantify --help; did you mean --window?",
        ),
        (
            ("quantify", "x", "--out", "y", "--timeout", "nan"),
            "--timeout: 'nan' was found; expected a number from 0.01 to 1000000; ",
        ),
        (
            ("quantify", "x", "--out", "y", "--timeout", "inf"),
            "--timeout: 'inf' was found; expected a number from ",
        ),
        (("quantify", "x", "--out", "y", "--timeout", "1e10"), "--timeout: '1e10' was found; "),
        (
            ("contours", "x", "--dataset", "y", "--tolerance", "nan"),
            "--tolerance: 'nan' was found; expected a number from 0 to 100; ",
        ),
        (("quantify", "x", "--out", ""), "--out: an empty text was found; expected a path; correct it"),
        (("quantify", "", "--out", "y"), "DATASET: an empty text was found; expected a path; correct it"),
        (("quantify", "x"), "--out: not given; expected DIR; add it"),
        (("quantify", "--out", "y"), "DATASET: not given; "),
        (("merge", "--out", "y"), "RESULTS: not given; "),
        (("quantify", "x", "--out"), "--out: no value was given; expected a value behind it; "),
        (
            ("quantify", "x", "--out", "y", "--quiet=1"),
            "--quiet: a value was given; expected the option alone; ",
        ),
        (("quantify", "x", "y", "--out", "z"), "y: one word too many; expected no more arguments; "),
        (("quantify", "x", "--out", "y", "--jobs", "1_0"), "--jobs: '1_0' was found; "),
        (
            ("quantify", "x", "--out", "y", "--threshold", "x"),
            "--threshold: 'x' was found; expected a whole ",
        ),
        (
            ("quantify", "x", "--out", "y", "--window", "1"),
            "--window: '1' was found; expected LOW,HIGH such as ",
        ),
        (("quantify", "x", "--out", "y", "--out", "z"), "--out: given 2 times; expected it once; "),
        (
            ("correlate", "x", "--out", "y", "--score", "s", "--role", "z"),
            "--role: 'z' was found; expected one of ",
        ),
        (("--quiet", "quantify"), "--quiet: unknown option; "),
    ],
)
def test_what_is_typed_wrongly_is_told_in_one_line(typed, said):
    outcome = run(*typed)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"mriparaspinal: {said}")
    assert line.count("; ") == 2


@pytest.mark.parametrize(
    ("words", "found"),
    [("qu", "quantify"), ("quantify --thre", "--threshold"), ("quantify --mask-rule c", "centre")],
)
def test_completion_in_bash(words, found, tmp_path):
    """The script that --show-completion prints, sourced, completes commands, options and choices."""
    tool = tmp_path / "mriparaspinal"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m mriparaspinal "$@"\n')
    tool.chmod(0o755)
    script = (
        f'PATH="{tmp_path}:$PATH"; eval "$(_MRIPARASPINAL_COMPLETE=source_bash mriparaspinal)"; '
        f"COMP_WORDS=(mriparaspinal {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_mriparaspinal_completion mriparaspinal; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert found in done.stdout.split(), done.stderr


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
