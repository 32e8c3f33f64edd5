"""The bar on a terminal: the step's name from the first to the last, in one line, and nothing elsewhere."""

from __future__ import annotations

import contextlib
import os
import re
import sys

import pytest

from tests.support.builders.study import PROJECT, copy_sample, run

pty = pytest.importorskip("pty", reason="no pseudo-terminals here")

#: What moves the cursor up: there never is a second line.
UP = "\x1b[1A"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def on_terminal(*arguments, stdout=None, term="xterm-256color"):
    """What a command writes onto a terminal, and its exit code; ``stdout`` may be a file."""
    words = [sys.executable, "-m", "mriparaspinal", *map(str, arguments)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ |= {"TERM": term, "COLUMNS": "100", "PYTHONPATH": str(PROJECT)}
        if stdout is not None:
            os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT), 1)
        os.execv(words[0], words)
    said = b""
    with contextlib.suppress(OSError):  # at the end of the terminal
        while part := os.read(terminal, 65536):
            said += part
    os.close(terminal)
    return said.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def plain(said):
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", said)


def test_run_names_its_steps_in_one_line(tmp_path):
    scans = copy_sample(tmp_path / "scans", "*_[12]_3.*")
    (scans / "paraspinal.toml").write_text('contrasts = ["side:ALS", "side:LR"]\n')  # few figures
    said, code = on_terminal("run", scans, "--out", tmp_path / "study")
    assert code == 0
    assert UP not in said[: said.index(SHOW)]
    assert said.index(HIDE) < said.index("comparing") < said.index(SHOW)
    steps = re.findall(
        r"measuring|writing the results|comparing|drawing the figures|checking the results|writing the page",
        said,
    )
    expected = ["comparing", "drawing the figures", "checking the results", "writing the page"]
    # Four slices may be measured before the bar is seen.
    early = ("measuring", "writing the results")
    assert [step for step in dict.fromkeys(steps) if step not in early] == expected
    counted = [
        tuple(map(int, of)) for of in re.findall(r"drawing the figures +\S+ +(\d+)/(\d+)", plain(said))
    ]
    assert counted == sorted(counted), "each figure is counted once"
    assert len({total for _, total in counted}) == 1
    assert counted[-1][0] > 0
    lines = plain(said).replace("\r\n", "\n").split("\n")
    # Above the bar.
    assert any(
        "participants.csv: ALS_3: warning: a row, but no slices in the dataset" in line for line in lines
    )
    assert lines[-3].startswith("ran: 4 of 4 slices measured")


@pytest.mark.parametrize("command", ["check", "quantify"])
def test_nothing_of_it_is_left_and_stdout_has_none_of_it(command, tmp_path):
    scans = copy_sample(tmp_path / "scans", "*_1_*.*")
    (scans / "participants.csv").unlink()
    for name in ("more", "again"):
        copy_sample(scans / name, "*_[2-6]_*.*").joinpath("participants.csv").unlink()
    out = () if command == "check" else ("--out", tmp_path / "results")
    stdout = tmp_path / "stdout"
    said, _ = on_terminal(command, scans, *out, stdout=stdout)
    assert command == "check" or stdout.read_bytes() == b""
    assert b"\x1b" not in stdout.read_bytes()
    assert UP not in said[: said.index(SHOW)]
    assert said.count(HIDE) == said.count(SHOW) == 1
    after = said[said.index(SHOW) :]
    assert "━" not in after
    assert "slices measured" in after


@pytest.mark.parametrize("how", ["--quiet", "dumb"])
def test_a_quiet_command_and_a_terminal_that_cannot_have_none(how, tmp_path):
    scans = copy_sample(tmp_path / "scans", "*_1_3.*")
    quiet = ("--quiet",) if how == "--quiet" else ()
    term = "dumb" if how == "dumb" else "xterm"
    said, code = on_terminal("quantify", scans, "--out", tmp_path / "results", *quiet, term=term)
    assert code == 0
    assert HIDE not in said
    assert "━" not in said


def test_an_error_takes_it_away(tmp_path):
    said, code = on_terminal("quantify", tmp_path / "none", "--out", tmp_path / "results")
    assert code == 3
    after = plain(said[said.index(SHOW) :])
    assert after.strip().startswith(f"mriparaspinal: {tmp_path / 'none'}: does not exist")


def test_there_is_none_where_nobody_looks(tmp_path):
    scans = copy_sample(tmp_path / "scans", "*_1_3.*")
    outcome = run("quantify", scans, "--out", tmp_path / "results")
    assert outcome.code == 0
    assert "\x1b" not in outcome.err
