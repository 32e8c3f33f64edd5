"""On a system that lacks what Unix alone has, and starts processes anew: the same bytes, and no traceback.

Windows itself is tested where the wheel is released; here its lacks are simulated.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mriparaspinal.cli import COMMANDS, load
from mriparaspinal.parallel.map import aside, map_in_order
from mriparaspinal.report.people import page_names
from tests.parallel.test_map import pid_and_doubles, square, who
from tests.support.builders.study import PROJECT, SAMPLE, copy_sample, fingerprint, run

SCRIPT = str(PROJECT / "tests" / "support" / "without_posix.py")
PEOPLE = ("--participant-label", "ALS_1", "--participant-label", "LR_1")


def elsewhere(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command on such a system."""
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Path:
    """Results of two processes, on such a system."""
    home = tmp_path_factory.mktemp("windows")
    copy_sample(home / "scans", "*_[12]_[34].*")
    done = elsewhere("quantify", home / "scans", "--out", home / "results", "--jobs", 2, *PEOPLE)
    assert done.returncode == 0, done.stderr
    return home / "results"


def test_quantify_gives_the_same_bytes(measured, tmp_path) -> None:
    assert run("quantify", measured.parent / "scans", "--out", tmp_path / "here", *PEOPLE).code == 0
    assert fingerprint(measured) == fingerprint(tmp_path / "here")


def test_compare_gives_the_same_bytes(measured, tmp_path) -> None:
    words = ("compare", measured, "--contrast", "side:ALS", "--metric", "fi")
    done = elsewhere(*words, "--out", tmp_path / "there")
    assert done.returncode == 0, done.stderr
    assert run(*words, "--out", tmp_path / "here").code == 0
    assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")


def test_what_is_done_again_replaces_what_is_there(measured) -> None:
    before = fingerprint(measured)
    assert elsewhere("quantify", measured.parent / "scans", "--out", measured, *PEOPLE).returncode == 0
    assert fingerprint(measured) == before
    assert not [name for name in before if ".unfinished" in name or name.startswith(".mriparaspinal")]


def test_a_mistake_is_one_line(tmp_path) -> None:
    done = elsewhere("quantify", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)


def test_a_folder_that_is_taken_is_refused() -> None:
    """The lock of Windows keeps others from reading what is locked: it lies where no file has bytes."""
    code = f"""
import runpy; runpy.run_path({SCRIPT!r}, run_name="simulated")
from pathlib import Path; import os, tempfile
from mriparaspinal.io.lock import try_lock
path = Path(tempfile.mkdtemp(), "file"); path.write_bytes(b"text")
one, other = (os.open(path, os.O_RDWR) for _ in range(2))
print(try_lock(one), try_lock(other), os.read(one, 9), path.read_bytes())
os.close(one); print(try_lock(other))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout.split("\n")[:2] == ["True False b'text' b'text'", "True"]


# --- processes that begin anew ------------------------------------------------------------------------------


@pytest.fixture
def spawned(monkeypatch) -> None:
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.mark.usefixtures("spawned")
def test_processes_that_begin_anew_keep_the_order_and_end() -> None:
    assert list(map_in_order(square, range(37), 2)) == [n * n for n in range(37)]
    assert os.getpid() not in set(map_in_order(who, range(2), 2)) or multiprocessing.cpu_count() == 1
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("spawned")
def test_work_aside_in_a_process_that_begins_anew() -> None:
    with aside(pid_and_doubles) as (tell, answers):
        assert next(answers) != os.getpid()
        tell(3)
        with pytest.raises(ValueError, match="three"):
            next(answers)
    assert not multiprocessing.active_children()


# --- names and letters --------------------------------------------------------------------------------------


def test_names_that_windows_has_for_devices_are_no_names_of_pages() -> None:
    names = page_names(["con", "AUX", "nul.x", "com1", "lpt9", "console", "ALS_1"])
    assert names[-2:] == ["console.html", "ALS_1.html"]
    devices = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\.", re.IGNORECASE)
    assert not [name for name in names if devices.match(name)]


def test_what_is_written_has_names_that_windows_takes(measured) -> None:
    names = [part for path in measured.rglob("*") for part in path.relative_to(measured).parts]
    assert names
    assert not [name for name in names if re.search(r'[<>:"/\\|?*]|[ .]$', name)]


def test_a_terminal_of_few_letters_breaks_nothing(tmp_path) -> None:
    """Greek letters, minus signs and Chinese names are not in cp1252."""
    for name, copy in (("ALS_1_3", "健康_1_3"), ("ALS_1_4", "Ωx_1_4")):
        (tmp_path / f"{copy}.png").write_bytes((SAMPLE / f"{name}.png").read_bytes())
    few = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = elsewhere("check", tmp_path, **few)
    assert done.returncode == 4
    assert "\\u03a9x_1_4.png" in done.stdout
    assert "Traceback" not in done.stderr


def test_every_help_is_shown_on_a_terminal_of_few_letters() -> None:
    """Each in a terminal that takes less still: ASCII."""
    code = "import sys; from mriparaspinal.cli import COMMANDS, main\n"
    code += "for name in COMMANDS:\n sys.argv = ['mriparaspinal', name, '--help']\n"
    code += " try: main()\n except SystemExit as end: assert not end.code, name\n"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"mriparaspinal {name}".encode() in done.stdout for name in COMMANDS)
    assert any(
        "−" in (load(name).help or "") + "".join(p.help or "" for p in load(name).params) for name in COMMANDS
    )
