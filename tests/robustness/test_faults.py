"""Runs that are killed, stopped, crowded or without room: nothing is lost, the message says what to do."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.core.model import COLUMNS, Settings
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.write import DRAFT
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.measure.result_files import result_files
from mriparaspinal.measure.results import read_results
from tests.support.builders.faults import finished, fork
from tests.support.builders.slices import write_dataset, write_slice
from tests.support.builders.study import (
    PROJECT,
    fingerprint,
    finish,
    read_csv,
    rows_of,
    run,
    start,
    wait_until,
    write_many,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and mounts of POSIX")


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """So many slices that a run can be met in its middle."""
    return write_many(tmp_path_factory.mktemp("many"), 600)


@pytest.fixture
def data(tmp_path) -> Path:
    root = tmp_path / "data"
    write_dataset(root, 2, 1, (2, 3, 4))
    (root / "participants.csv").write_text("participant_id,onset_side\nALS_1,L\nALS_2,R\nLR_1,\n")
    return root


def is_whole(out: Path) -> str | None:
    """The threshold of the one run that all tables come from; None where the folder is refused.

    Fails where a folder is accepted that is not whole: that would be the silent mix.
    """
    for path in out.glob("*.csv"):
        with path.open(newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1, f"{path.name} was cut off in a row"
        assert path.read_bytes().endswith(b"\n")
    try:
        found = read_results(out)
    except NoInputError:
        return None
    assert found.manifest is not None
    assert found.tables == ("L2.csv", "L3.csv", "L4.csv")
    thresholds = {row["threshold"] for row in rows_of(out)}
    assert thresholds == {str(found.manifest.settings["threshold"])}
    assert len(rows_of(out)) == 81
    return thresholds.pop()


def test_killed_at_any_moment(data, tmp_path):
    """Sixteen runs, each with its own threshold: half killed anywhere, half while the tables are replaced."""
    out, said = tmp_path / "out", tmp_path / "said.txt"
    assert run("quantify", data, "--out", out, "--threshold", 200).code == 0
    clock = random.Random(7)
    began = time.monotonic()
    assert finished(fork(["quantify", str(data), "--out", str(out), "--threshold", "200"], said)) == 0
    whole_run = time.monotonic() - began
    current = "200"
    refused = 0
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    for number in range(16):
        threshold = str(10 + number)
        process = fork(["quantify", str(data), "--out", str(out), "--threshold", threshold], said)
        if number % 2:
            wait_until(lambda pid=process: any(out.glob(f"{DRAFT}*")) or os.waitid(os.P_PID, pid, look), 5)
            time.sleep(clock.uniform(0, 0.012))
        else:
            time.sleep(clock.uniform(0, whole_run))
        os.kill(process, signal.SIGKILL)
        assert finished(process) in (0, -signal.SIGKILL), said.read_text()
        found = is_whole(out)
        assert found in (None, current, threshold)
        refused += found is None
        current = found or current
        if found is None and number % 4 < 2:
            assert run("quantify", data, "--out", out, "--threshold", 99).code == 0, "the next run takes over"
            current = is_whole(out)
            assert current == "99"
    assert run("quantify", data, "--out", out, "--threshold", 255).code == 0
    assert is_whole(out) == "255"
    assert sorted(fingerprint(out)) == [
        "L2.csv",
        "L3.csv",
        "L4.csv",
        "measurements.csv",
        "participants.csv",
        "problems.csv",
        "quantify.json",
        "wide.csv",
    ]
    assert refused, "no run was met at work: the test has lost its teeth"


def test_a_killed_run_is_refused_by_name_and_says_what_to_do(many, tmp_path):
    out = tmp_path / "out"
    process = start("quantify", many, "--out", out)
    assert wait_until((out / MARK).exists)
    process.kill()
    finish(process)
    with pytest.raises(NoInputError, match=r"cut off.*; expected finished results; run quantify again"):
        read_results(out)
    outcome = run("compare", out, "--out", tmp_path / "comparison")
    assert outcome.code == 3
    assert "run quantify again" in outcome.err


def children_of(pid: int) -> list[int]:
    """The worker processes of a run."""
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")


@needs_proc
def test_a_worker_that_is_killed_is_one_clear_line(many, tmp_path):
    out = tmp_path / "out"
    process = start("quantify", many, "--out", out, "--jobs", 2)
    assert wait_until(lambda: len(children_of(process.pid)) == 2)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    outcome = finish(process)
    assert outcome.code == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith("mriparaspinal: --jobs: ")
    assert line.count("; ") == 2
    assert not out.exists(), "a run that came to nothing leaves nothing"


@needs_proc
def test_workers_do_not_outlive_a_killed_run_and_keep_no_lock(many, tmp_path):
    out = tmp_path / "out"
    process = start("quantify", many, "--out", out, "--jobs", 2)
    assert wait_until(lambda: len(children_of(process.pid)) == 2)
    workers = children_of(process.pid)
    process.kill()
    process.wait()
    assert wait_until(lambda: not any(map(is_alive, workers)), 30)
    finish(process)
    write_slice(tmp_path / "small", "ALS_1_3")
    assert run("quantify", tmp_path / "small", "--out", out).code == 0
    assert read_results(out).tables == ("L3.csv",)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c(many, tmp_path, jobs, whole_group):
    """From the keyboard the signal goes to all processes of the group."""
    out = tmp_path / "out"
    write_slice(tmp_path / "small", "ALS_1_2")
    run("quantify", tmp_path / "small", "--out", out)
    before = fingerprint(out)
    process = start("quantify", many, "--out", out, "--jobs", jobs)
    assert wait_until((out / MARK).exists)
    time.sleep(0.05)
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    outcome = finish(process)
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    assert len(outcome.err.splitlines()) <= 1
    assert fingerprint(out) == before, "the old results are whole, and the mark is gone"
    read_results(out)


def test_ctrl_c_in_the_middle_of_an_import(tmp_path):
    """A dataclass compiles its methods: ``python -m`` would end by the signal, not by the exit code."""
    (tmp_path / "interrupted.py").write_text(
        "import sys\n"
        "from mriparaspinal import cli\n"
        "cli.app.invoke = lambda context: exec('raise KeyboardInterrupt')\n"
        "sys.argv = ['mriparaspinal', 'check', '.']\n"
        "cli.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-m", "interrupted"]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (130, "mriparaspinal: stopped from the keyboard\n")


# Two at once


def test_a_second_run_into_the_same_folder_stops_with_a_clear_line(data, tmp_path):
    out = tmp_path / "out"
    with OutputFolder(out):
        outcome = run("quantify", data, "--out", out)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert "another run is writing into this folder; expected one at a time; wait for it" in line
    assert not out.exists()


def test_two_runs_at_once(many, tmp_path):
    out = tmp_path / "out"
    processes = [start("quantify", many, "--out", out, "--threshold", t) for t in (40, 60)]
    outcomes = [finish(process) for process in processes]
    codes = sorted(outcome.code for outcome in outcomes)
    assert codes in ([0, 2], [0, 0])
    if codes == [0, 2]:
        assert any("one at a time" in outcome.err for outcome in outcomes)
    manifest = read_results(out).manifest
    rows = read_csv(out / "L3.csv")
    assert {row["threshold"] for row in rows} == {str(manifest.settings["threshold"])}
    assert len(rows) == 5400


# No room, no rights


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 KB; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)], capture_output=True
    )
    if done.returncode:
        pytest.skip("no rights to mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def test_a_full_disk(data, small_disk):
    out = small_disk / "out"
    small = small_disk / "small"
    write_slice(small, "ALS_1_3", np.zeros((100, 100), dtype=np.uint8))
    assert run("quantify", small, "--out", out).code == 0
    before = fingerprint(out)
    fill(small_disk)
    outcome = run("quantify", data, "--out", out)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert f"{out}: cannot be written (No space left on device); expected " in line
    assert "free space; choose another place" in line
    assert fingerprint(out) == before
    assert read_results(out).tables == ("L3.csv",)
    (small_disk / "filler").unlink()
    shutil.rmtree(small)
    assert run("quantify", data, "--out", out, "--quiet").code == 0
    assert is_whole(out) == "50"


def test_a_disk_that_was_full_from_the_start(data, small_disk):
    fill(small_disk)
    outcome = run("quantify", data, "--out", small_disk / "out")
    assert outcome.code == 2
    assert "cannot be written (No space left on device)" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_limit_on_the_size_of_files(data, tmp_path):
    out = tmp_path / "out"
    run("quantify", data, "--out", out, "--threshold", 99)
    before = fingerprint(out)
    limit = (3000, 3000)
    process = start(
        "quantify", data, "--out", out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    )
    outcome = finish(process)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert "cannot be written (File too large); expected a writable folder with free space" in line
    assert fingerprint(out) == before
    assert is_whole(out) == "99"


def test_a_read_only_disk(data, small_disk):
    out = small_disk / "out"
    write_slice(small_disk / "small", "ALS_1_3", np.zeros((100, 100), dtype=np.uint8))
    run("quantify", small_disk / "small", "--out", out)
    before = fingerprint(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for place in (out, small_disk / "new"):
        outcome = run("quantify", data, "--out", place)
        assert outcome.code == 2
        (line,) = outcome.err.splitlines()
        assert f"{place}: cannot be written (Read-only file system); expected a writable folder" in line
    assert run("quantify", small_disk / "small", "--out", data.parent / "elsewhere").code == 0, (
        "inputs may be"
    )
    assert fingerprint(small_disk) == before


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/none"])
def test_an_output_that_can_be_no_folder(data, tmp_path, out):
    (tmp_path / "file").write_text("x")
    outcome = run("quantify", data, "--out", tmp_path / out)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert "cannot be written" in line
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user: needs root"
)
def test_a_folder_without_the_right_to_write(data, tmp_path):
    out = tmp_path / "out"
    run("quantify", data, "--out", out)
    before = fingerprint(out)
    code = (
        "import os, sys; from pathlib import Path; from mriparaspinal.io.output import OutputFolder\n"
        "os.chdir(sys.argv[1]); os.setuid(65534)\n"
        "try: OutputFolder(Path('.')).__enter__()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.startswith("UsageError "), done.stderr
    assert "Permission denied" in done.stdout
    assert fingerprint(out) == before


# File systems that hang


@pytest.fixture
def hang():
    """Make every read of a file hang, as on a network drive that is gone; only root may."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    listener = libc.fanotify_init(0x4 | 0x1 | 0x2, os.O_RDONLY) if hasattr(libc, "fanotify_init") else -1
    if listener < 0:
        pytest.skip("no rights to make a read hang (fanotify)")

    def mark(path: Path) -> None:
        # FAN_ACCESS_PERM: a read waits for a permission, which nobody gives.
        place = os.fsencode(path)
        assert libc.fanotify_mark(listener, 0x1, ctypes.c_uint64(0x20000), -100, place) == 0

    yield mark
    os.close(listener)


@pytest.mark.parametrize("jobs", [1, 2])
def test_slices_that_cannot_be_read_in_time_are_given_up(data, tmp_path, hang, jobs):
    hang(data / "ALS_1_3.png")
    hang(data / "LR_1_2.json")
    began = time.monotonic()
    process = start("quantify", data, "--out", tmp_path / "out", "--timeout", 1, "--jobs", jobs)
    outcome = finish(process)
    assert time.monotonic() - began < 60, "neither the run nor its end waits for the drive"
    assert outcome.code == 4
    lost = [line for line in outcome.err.splitlines() if "no result within 1 s; expected " in line]
    assert [line.split(":")[0] for line in lost] == ["ALS_1_3.png", "LR_1_2.png"]
    assert "measured 7 of 9 slices" in outcome.err
    manifest = read_results(tmp_path / "out").manifest
    assert manifest is not None
    assert "ALS_1_3.png" not in manifest.inputs
    assert len(rows_of(tmp_path / "out")) == 63


def test_a_time_that_suffices_changes_nothing(data, tmp_path):
    run("quantify", data, "--out", tmp_path / "a")
    run("quantify", data, "--out", tmp_path / "b", "--timeout", 60)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


# Files that come and go


def test_images_that_are_exchanged_during_the_run(tmp_path):
    """Each slice is measured on one of the two images, and the manifest tells on which."""
    import hashlib
    import json

    root, out = write_many(tmp_path / "data", 600), tmp_path / "out"
    images = {}
    for name, grey in (("dark", 10), ("bright", 200)):
        write_slice(tmp_path / name, "x_1_3", np.full((100, 100), grey, dtype=np.uint8))
        raw = (tmp_path / name / "x_1_3.png").read_bytes()
        images[hashlib.sha256(raw).hexdigest()] = (raw, float(grey > 50))
    raws = [raw for raw, _ in images.values()]
    names = [f"ALS_{number}_3.png" for number in range(1, 601)]
    for name in names:
        (root / name).write_bytes(raws[0])
    process = start("quantify", root, "--out", out, "--quiet", "--jobs", 2)
    assert wait_until((out / MARK).exists)
    turn = 0
    while process.poll() is None:
        turn += 1
        for name in names[turn % 7 :: 7]:
            (tmp_path / "new.png").write_bytes(raws[turn % 2])
            (tmp_path / "new.png").replace(root / name)
    assert finish(process).code == 0
    inputs = json.loads((out / "quantify.json").read_text())["inputs"]
    rows = read_csv(out / "L3.csv")
    assert len(rows) == 5400
    assert {float(row["fi"]) for row in rows} == {0.0, 1.0}, "no image was exchanged: the test has no teeth"
    for row in rows:
        assert float(row["fi"]) == images[inputs[row["image"]]][1]


def test_a_json_that_is_being_written(tmp_path):
    """At every length that its first part may have."""
    data = write_dataset(tmp_path / "data", 1, 1, (3,))
    path = data / "ALS_1_3.json"
    whole = path.read_bytes()
    expected = {key: value for key, value in fingerprint(data).items() if key != path.name}
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        measured = measure_dataset(open_dataset(data, Settings()), Settings())
        found = [(p.file, p.code) for p in measured.problems if p.severity == "error"]
        assert found == [(path.name, "bad-json")], length
    assert {key: value for key, value in fingerprint(data).items() if key != path.name} == expected


def test_links_that_lead_in_circles(data, tmp_path):
    (data / "loop").symlink_to(data)
    (data / "a.png").symlink_to("b.png")
    (data / "b.png").symlink_to("a.png")
    (data / "deep").mkdir()
    (data / "deep" / "up").symlink_to("../..")
    (tmp_path / "other").symlink_to(data)
    outcome = finish(start("quantify", data, "--out", tmp_path / "out"))
    assert outcome.code == 4
    assert "measured 9 of 9 slices" in outcome.err
    assert outcome.err.count("no file behind this name") == 2


def test_a_file_that_vanishes_between_the_scan_and_the_reading(data):
    study = open_dataset(data, Settings())
    (data / "ALS_1_3.png").unlink()
    (data / "ALS_2_3.json").unlink()
    (data / "LR_1_3.png").unlink()
    os.mkfifo(data / "LR_1_3.png")
    measured = measure_dataset(study, Settings())
    found = {(p.file, p.severity, p.code) for p in measured.problems}
    assert found == {
        ("ALS_1_3.png", "error", "unreadable-file"),
        ("ALS_2_3.json", "error", "unreadable-file"),
        ("LR_1_3.png", "error", "unreadable-file"),
    }
    assert measured.measured == 6
    files = result_files(measured, Settings())
    assert "L3.csv" not in files
    assert files["L2.csv"].decode().splitlines()[0] == ",".join(COLUMNS)


def test_a_reader_that_closes_the_pipe_is_no_failure(tmp_path):
    root = write_many(tmp_path / "data", 300)
    for path in root.glob("*.png"):
        path.write_bytes(b"x")
    with start("check", root) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_results_that_somebody_changed_are_refused_by_compare(data, tmp_path):
    out = tmp_path / "out"
    run("quantify", data, "--out", out)
    path = out / "L3.csv"
    path.write_text(path.read_text().replace("ALS_1", "ALS_9"))
    outcome = run("compare", out, "--out", tmp_path / "comparison")
    assert outcome.code == 3
    assert "L3.csv: changed since quantify wrote it" in outcome.err
    assert "Traceback" not in outcome.err
