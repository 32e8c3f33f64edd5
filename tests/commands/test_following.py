"""What stands last on the terminal: a next command that runs as pasted; the page, opened if asked for."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from mriparaspinal.cli import COMMANDS, load
from mriparaspinal.cli.following import program, quoted, say_next, show_page
from mriparaspinal.cli.panels import OTHER, PANELS, by_panel
from tests.support.builders.study import run
from tests.support.pages import SAMPLE, shell


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder whose name has a blank, and in it a dataset of four slices."""
    folder = tmp_path / "my study"
    (folder / "it's scans").mkdir(parents=True)
    for name in ("ALS_1_3", "ALS_1_4", "LR_1_3", "LR_1_4"):
        for ending in ("png", "json"):
            shutil.copy(SAMPLE / f"{name}.{ending}", folder / "it's scans")
    (folder / "it's scans" / "paraspinal.toml").write_text('contrasts = ["group:ALS-LR"]\n')  # few figures
    return folder


def pasted(err: str) -> str:
    last = err.splitlines()[-1]
    assert last.startswith("next")
    return last.partition(": ")[2]


def test_the_next_command_of_check_runs_with_the_same_settings(few: Path, monkeypatch) -> None:
    monkeypatch.chdir(few)
    monkeypatch.setattr(sys, "argv", ["mriparaspinal"])
    words = ("--reference", "IVD", "--window", "0,255.5", "--accept-drafts")
    found = run("check", "it's scans", *words)
    line = pasted(found.err)
    typed = shlex.split(line)
    assert typed[:5] == ["mriparaspinal", "run", "it's scans", "--out", "study"]
    assert sorted(typed[5:]) == sorted(words)
    code, printed = shell(line, few)
    assert code == 0, printed
    assert (few / "study" / "report.html").is_file()
    assert printed.splitlines()[-1] == "next: open study/report.html in a browser, or let --open do it"


def test_the_next_command_of_masks_runs_with_the_same_settings(few: Path, monkeypatch) -> None:
    monkeypatch.chdir(few)
    monkeypatch.setattr(sys, "argv", ["mriparaspinal"])
    words = ("--reference", "IVD", "--threshold", "60", "--accept-drafts")
    line = pasted(run("masks", "it's scans", "--out", "masks", *words).err)
    typed = shlex.split(line)
    assert typed[:5] == ["mriparaspinal", "run", "it's scans", "--out", "study"]
    assert sorted(typed[5:]) == sorted(words)
    assert shell(line, few)[0] == 0


def test_after_errors_check_comes_again(few: Path, monkeypatch) -> None:
    monkeypatch.chdir(few)
    monkeypatch.setattr(sys, "argv", ["mriparaspinal"])
    (few / "it's scans" / "ALS_1_3.json").write_text("{}")
    found = run("check", "it's scans", "--verbose")
    assert found.code == 4
    assert shlex.split(pasted(found.err)) == ["mriparaspinal", "check", "it's scans"]


def test_quiet_says_no_next_command(few: Path) -> None:
    assert run("check", few / "it's scans", "--quiet").err == ""


@pytest.mark.parametrize(
    ("started", "word"),
    [
        ("/somewhere/mriparaspinal/__main__.py", "python -m mriparaspinal"),
        ("/home/me/my env/bin/mriparaspinal", "'/home/me/my env/bin/mriparaspinal'"),
        ("pytest", "mriparaspinal"),
    ],
)
def test_the_program_is_named_as_it_was_started(started: str, word: str, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", [started])
    assert program() == word


@pytest.mark.parametrize("found", ["bin/mriparaspinal", "bin/mriparaspinal.EXE"])
def test_a_program_on_the_path_has_its_name_alone(found: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: str(tmp_path / found))
    monkeypatch.setattr(sys, "argv", ["bin/mriparaspinal"])
    assert program() == "mriparaspinal"


def test_options_that_were_not_given_are_not_said(monkeypatch, caplog) -> None:
    monkeypatch.setattr(sys, "argv", ["mriparaspinal"])
    with caplog.at_level("INFO", "mriparaspinal"):
        say_next(
            "review", Path("a b"), why="to judge", annotations=None, accept_drafts=False, jobs=2, role=("x",)
        )
    assert caplog.messages == ["next, to judge: mriparaspinal review 'a b' --jobs 2 --role x"]


def test_words_are_quoted_for_the_shell() -> None:
    assert shlex.split(quoted(["a b", "c'd", "$e", 'f"'])) == ["a b", "c'd", "$e", 'f"']


@pytest.mark.skipif(sys.platform == "win32", reason="BROWSER is read on Unix")
def test_open_starts_the_browser_with_the_page(tmp_path: Path) -> None:
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{seen}"\n')
    browser.chmod(0o755)
    page = tmp_path / "a page.html"
    page.touch()
    line = f"show_page(pathlib.Path('{page}'), True)"
    load_it = "import pathlib; from mriparaspinal.cli.following import show_page"
    assert shell(f'python -c "{load_it}; {line}"', tmp_path, BROWSER=f"{browser} %s")[0] == 0
    assert seen.read_text() == page.as_uri()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these always have a screen")
def test_without_a_screen_the_page_is_told(tmp_path: Path, monkeypatch, caplog) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    page = tmp_path / "report.html"
    with caplog.at_level("INFO", "mriparaspinal"):
        show_page(page, wanted=True)
        show_page(page, wanted=False)
    assert caplog.messages == [f"no browser here; open {page} in one"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_its_panel(name: str) -> None:
    options = [max(parameter.opts, key=len) for parameter in load(name).params]
    there = by_panel((option, option) for option in options if option.startswith("--"))
    assert OTHER not in there
    assert list(there) == [panel for panel in PANELS if panel in there]
