"""Every command explains itself: a summary, every option in words, and an example that parses."""

from __future__ import annotations

import inspect
import os
import shlex
import subprocess
import sys

import pytest

from mriparaspinal import __version__
from mriparaspinal.cli import COMMANDS as NAMES
from mriparaspinal.cli import load
from tests.support.builders.study import run as in_process

COMMANDS = {name: load(name) for name in NAMES}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mriparaspinal", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_words_for_everything_and_an_example(name: str) -> None:
    outcome = in_process(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"mriparaspinal {name}" in outcome.out.split("Example:", 1)[1]
    command = COMMANDS[name]
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_line_of_help_is_cut_off(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    outcome = in_process(*name.split(), "--help")
    assert outcome.code == 0
    text, _, examples = outcome.out.partition("Example:")
    assert "..." not in outcome.out.replace("[ARGS]...", "").split("\n", 1)[1]
    assert max(map(len, text.splitlines())) <= columns
    assert not set(outcome.out) & set("│╭╰─\x1b\b")
    written = inspect.cleandoc(COMMANDS[name].help or "").split("Example:")[1] if name else ""
    for line in filter(None, written.splitlines()):
        assert f"  {line}\n" in examples, "an example stands in lines as it is typed"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_say_less_and_more(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {"--quiet", "--verbose"} <= options


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_use_options_that_exist(name: str) -> None:
    command = COMMANDS[name]
    known = {option for parameter in command.params for option in parameter.opts}
    for line in (command.help or "").split("Example:", 1)[1].splitlines():
        words = shlex.split(line)
        if words[:2] == ["mriparaspinal", name]:
            assert {word for word in words if word.startswith("--")} <= known


def test_top_help_lists_every_command() -> None:
    text = run("--help").stdout
    assert all(f"  {name}" in text for name in COMMANDS)


def test_version_stands_in_one_place() -> None:
    assert run("--version").stdout == f"mriparaspinal {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["quantify"], ["quantify", "x", "--out", "y", "--jobs", "0"]]
)
def test_wrong_usage_is_exit_2_without_traceback(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
