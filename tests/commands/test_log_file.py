"""``--log-file``: everything that is said, with the time; never among the data."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mriparaspinal import __version__
from tests.support.builders.slices import write_dataset
from tests.support.builders.study import fingerprint, finish, run, start

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d) mriparaspinal ([a-z-]+)\[\d+\] (.*)")


@pytest.fixture
def data(tmp_path) -> Path:
    root = write_dataset(tmp_path / "data", 2, 1)
    (root / "participants.csv").write_text("participant_id,onset_side\nALS_1,L\nALS_2,R\nLR_1,\n")
    (root / "LR_1_4.json").write_text("{")
    return root


def read_log(path: Path) -> list[tuple[str, str]]:
    """(command, text) of every line, each of which has a time."""
    matches = [LINE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(matches)
    return [(match[2], match[3]) for match in matches if match]


def test_all_that_is_said_stands_there_though_the_terminal_is_quiet(data, tmp_path):
    log = tmp_path / "logs" / "nightly.log"
    loud = run("quantify", data, "--out", tmp_path / "loud")
    quiet = run("quantify", data, "--out", tmp_path / "out", "--quiet", "--log-file", log)
    assert quiet.code == 4
    assert len(quiet.err.splitlines()) == 1, "errors alone"
    lines = read_log(log)
    assert {command for command, _ in lines} == {"quantify"}
    texts = [text for _, text in lines]
    assert texts[0].startswith(f"began: mriparaspinal {__version__}, Python ")
    assert "numpy " in texts[0]
    assert "arguments: " in texts[0]
    assert re.fullmatch(r"ended: exit code 4, after \d+\.\d s", texts[-1])
    assert any("LR_1_4.json: error: broken JSON" in text for text in texts)
    last = loud.err.splitlines()[-1].replace(str(tmp_path / "loud"), str(tmp_path / "out"))
    assert texts[-2] == last, "the last line of a run is the last in the log"
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "loud"), "the log changes no result"


def test_runs_are_appended_each_with_its_exit_code(data, tmp_path):
    log = tmp_path / "log"
    assert run("check", data, "--log-file", log).code == 4
    assert run("run", data, "--out", tmp_path / "study", "--quiet", "--log-file", log).code == 4
    assert run("compare", tmp_path / "none", "--out", tmp_path / "c", "--log-file", log).code == 3
    lines = read_log(log)
    ends = [(command, text.split(",")[0]) for command, text in lines if text.startswith("ended: ")]
    assert ends == [
        ("check", "ended: exit code 4"),
        ("run", "ended: exit code 4"),
        ("compare", "ended: exit code 3"),
    ]
    assert ("check", "LR_1_4.json: error: broken JSON") in [(c, t.split(" at ")[0]) for c, t in lines]
    assert "no such folder" in lines[-2][1]


def test_an_unexpected_failure_leaves_its_traceback(data, tmp_path):
    code = (
        "import sys, mriparaspinal.dataset.open as module\n"
        "def broken(*_, **__): raise ZeroDivisionError('as if a bug')\n"
        "module.open_dataset = broken\n"
        f"sys.argv = ['mriparaspinal', 'check', {str(data)!r}, '--log-file', {str(tmp_path / 'log')!r}]\n"
        "from mriparaspinal.cli import main; main()"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    texts = [text for _, text in read_log(tmp_path / "log")]
    assert texts[-2] == "ZeroDivisionError: as if a bug"
    assert texts[-1].startswith("ended: exit code 1,")


@pytest.mark.parametrize("place", ["data/log", "data/ALS_1_3.json", "data"])
def test_never_among_the_data(data, tmp_path, place):
    before = fingerprint(data)
    outcome = run("quantify", data, "--out", tmp_path / "out", "--log-file", tmp_path / place)
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert line.startswith("mriparaspinal: --log-file ")
    assert line.count("; ") == 2
    assert fingerprint(data) == before
    assert not (tmp_path / "out").exists()


def test_not_in_the_place_of_the_output(data, tmp_path):
    for command in (("quantify", data), ("check", data, "--json", tmp_path / "out")):
        out = ("--out", tmp_path / "out") if command[0] == "quantify" else ()
        assert run(*command, *out, "--log-file", tmp_path / "out").code == 2
        assert not (tmp_path / "out").exists()


def test_a_link_into_the_data_is_seen_through(data, tmp_path):
    (tmp_path / "elsewhere").symlink_to(data)
    assert run("check", data, "--log-file", tmp_path / "elsewhere" / "log").code == 2
    assert not (data / "log").exists()


def test_a_file_that_is_no_log_stays_as_it_is(data, tmp_path):
    table = tmp_path / "important.csv"
    table.write_text("participant_id,age\n")
    outcome = run("check", data, "--log-file", table)
    assert outcome.code == 2
    assert "it exists and is not a log of mriparaspinal" in outcome.err
    assert table.read_text() == "participant_id,age\n"
    assert run("check", data, "--log-file", tmp_path / "none" / ".." / "important.csv" / "log").code == 2


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_log_that_cannot_be_written_any_more_stops_nothing(data, tmp_path):
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))

    outcome = finish(start("check", data, "--log-file", tmp_path / "log", preexec_fn=limit))
    assert outcome.code == 4
    assert outcome.err.count("cannot be written (File too large)") == 1
    assert "checked 6 slices: 1 error" in outcome.err


def test_two_at_once_write_whole_lines(data, tmp_path):
    log = tmp_path / "log"
    started = [
        start("quantify", data, "--out", tmp_path / str(n), "--quiet", "--log-file", log) for n in range(4)
    ]
    assert [finish(process).code for process in started] == [4] * 4
    lines = read_log(log)
    assert sum(text.startswith("ended: ") for _, text in lines) == 4
    assert len(lines) % 4 == 0


def test_what_names_hold_cannot_forge_a_line(data, tmp_path):
    """A name with a line end is two lines, each with a time of its own."""
    (data / "x\n2020-01-01T00:00:00+00:00 mriparaspinal check[1] ended.png").write_bytes(b"")
    run("check", data, "--log-file", tmp_path / "log")
    read_log(tmp_path / "log")
    assert not [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("2020-")]


@pytest.mark.parametrize(
    ("typed", "name", "said"),
    [
        (("quantify", "DATA", "--outt", "x", "--log-file", "LOG"), "quantify", "--outt: unknown option; "),
        (("quantify", "--log-file=LOG", "--out", "OUT"), "quantify", "DATASET: not given; "),
        (("quantfy", "DATA", "--log-file", "LOG"), "mriparaspinal", "quantfy: unknown command; "),
    ],
)
def test_a_command_line_that_cannot_be_read_is_logged(data, tmp_path, typed, name, said):
    for word, path in (("DATA", data), ("LOG", tmp_path / "log"), ("OUT", tmp_path / "out")):
        typed = [part.replace(word, str(path)) for part in typed]
    assert run(*typed).code == 2
    lines = read_log(tmp_path / "log")
    assert {command for command, _ in lines} == {name}
    assert lines[0][1].startswith("began: ")
    assert lines[1][1].startswith(f"mriparaspinal: {said}")
    assert lines[2][1].startswith("ended: exit code 2,")


def test_a_command_line_that_cannot_be_read_is_not_logged_among_the_data(data, tmp_path):
    before = fingerprint(data)
    outcome = run("quantify", data, "--outt", "x", "--log-file", data / "log")
    assert outcome.err.startswith("mriparaspinal: --outt: unknown option; ")
    assert fingerprint(data) == before


def test_every_warning_and_what_verbose_says_stand_there(data, tmp_path):
    assert run("check", data, "--quiet", "--log-file", tmp_path / "log").code == 4
    texts = [text for _, text in read_log(tmp_path / "log")]
    assert any(text.endswith("regions could be measured") for text in texts)
