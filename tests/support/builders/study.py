"""Helpers for the tests of whole datasets: run a command, read what it wrote, take a folder's fingerprint."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import mriparaspinal as mp
from mriparaspinal.analysis.frames import frame_csv
from mriparaspinal.cli import main
from tests.support.builders.slices import SHAPES, box, polygon, write_slice

PROJECT = Path(__file__).parents[3]
SAMPLE = PROJECT / "sample_data"

#: How long a test waits for what surely comes. A busy machine needs a minute for what an idle one does in a
#: second; where nothing is wrong, nobody waits as long.
PATIENCE = 300.0

#: The libraries of the statistics, whose import takes two seconds.
HEAVY = ("pandas", "scipy.stats", "statsmodels.api", "matplotlib.figure")

#: A second reference beside the disc, and the muscles without it.
VB = polygon("VB", box(35, 20, 64, 49))
MUSCLES_ONLY = [shape for shape in SHAPES if shape["label"] != "IVD"]


def without_next(err: str) -> str:
    """What was said but for the next command."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith("next"))


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: its exit code and what it said."""

    code: int
    out: str
    err: str


def run(*arguments: object, together: bool = False) -> Outcome:
    """Run ``mriparaspinal`` in this process, as the installed command would.

    ``together``: what went to stdout and to stderr, in the order in which it was said, as ``out``.
    """
    out = io.StringIO()
    err = out if together else io.StringIO()
    before = sys.argv
    sys.argv = ["mriparaspinal", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
            code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.argv = before
    return Outcome(code, out.getvalue(), "" if together else err.getvalue())


def one_line(outcome: Outcome, code: int) -> str:
    """The only line that a command said: what was found; what was expected; what to do."""
    assert outcome.code == code, outcome.err
    (line,) = outcome.err.splitlines()
    assert line.count("; ") == 2, line
    return line


def copy_sample(folder: Path, *patterns: str) -> Path:
    """The slices of the sample whose names match, and its participants, into a folder that may be new."""
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in (*patterns, "participants.csv"):
        for path in SAMPLE.glob(pattern):
            shutil.copy(path, folder)
    return folder


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start ``mriparaspinal`` in a process of its own, in a process group of its own."""
    command = [sys.executable, "-m", "mriparaspinal", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=PROJECT, start_new_session=True, **{**pipes, **options})


def finish(process: subprocess.Popen[str], seconds: float = PATIENCE) -> Outcome:
    """Wait for a started command; its whole group is ended where it takes too long."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return Outcome(process.returncode, out, err)


def forked(
    *arguments: object, before: Callable[[], object] | None = None, seconds: float = PATIENCE
) -> Outcome:
    """As ``finish(start(…))``, in a fork of this process: no library is imported once more. Short output."""
    for library in HEAVY:
        import_module(library)
    (out, to_out), (err, to_err) = os.pipe(), os.pipe()
    process = os.fork()
    if not process:
        become(map(str, arguments), to_out, to_err, before)
    os.close(to_out)
    os.close(to_err)
    try:
        ended = wait_until(
            lambda: os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT), seconds
        )
        if not ended:
            os.killpg(process, signal.SIGKILL)
        status = os.waitpid(process, 0)[1]
        assert ended, f"{arguments}: no end in {seconds} s"
        said = [os.read(stream, 1 << 16).decode() for stream in (out, err)]
    finally:
        os.close(out)
        os.close(err)
    return Outcome(os.waitstatus_to_exitcode(status), *said)


def become(
    arguments: Iterable[str], out: int, err: int, before: Callable[[], object] | None = None
) -> NoReturn:
    """Be the command, in a process that was just forked, and end; ``out``, ``err``: where it speaks."""
    code = 70
    try:
        os.setsid()
        # What was started in the background, or by nohup, ignores these; the command must not inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = (os.fdopen(os.dup(stream), "w") for stream in (1, 2))
        if before:
            before()
        sys.argv = ["mriparaspinal", *arguments]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def wait_until(condition: Any, seconds: float = PATIENCE) -> bool:
    """Look often until a condition holds; False where it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.0005)
    return False


def rows_of(results: Path) -> list[dict[str, str]]:
    """All rows of the per-segment tables of a folder of results."""
    return [row for n in range(1, 6) for row in read_csv(results / f"L{n}.csv")]


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV; none where it is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def comparisons_of(results: Path, **options: Any) -> list[dict[str, str]]:
    """The rows of ``comparisons.csv`` as ``compare`` would write them; no figure beside them is drawn."""
    table = frame_csv(mp.compare(results, **options).table)
    return list(csv.DictReader(io.StringIO(table.decode())))


def problems_of(results: Path) -> set[tuple[str, str, str, str]]:
    """(file, shape, severity, code) of every problem of a folder of results."""
    rows = read_csv(results / "problems.csv")
    return {(row["file"], row["shape"], row["severity"], row["code"]) for row in rows}


def check(dataset: Path, json_file: Path, *options: object) -> tuple[Outcome, list[dict[str, str]]]:
    """Run ``check`` and read the problems that it wrote as JSON."""
    outcome = run("check", dataset, "--json", json_file, *options)
    return outcome, json.loads(json_file.read_text(encoding="utf-8"))["problems"]


def fingerprint(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, hidden ones too, by relative name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_many(folder: Path, count: int, subfolder: str = "") -> Path:
    """``count`` slices of as many participants, quickly: the same two files under many names."""
    first = write_slice(folder / subfolder, "ALS_1_3", imagePath=...)
    image = first.with_suffix(".png").read_bytes()
    contours = first.read_bytes()
    for number in range(2, count + 1):
        (first.parent / f"ALS_{number}_3.png").write_bytes(image)
        (first.parent / f"ALS_{number}_3.json").write_bytes(contours)
    return folder


def repeat_results(results: Path, folder: Path, times: int) -> Path:
    """The results of ``times`` as many participants: those of a folder, under further numbers."""
    manifest = json.loads((results / "quantify.json").read_text())
    folder.mkdir(parents=True)
    for name in manifest["outputs"]:
        head, *lines = (results / name).read_text().splitlines()
        rows = [line.split("_", 1) for line in lines]  # GROUP, and the rest, which begins with the number
        numbers = [int(re.match(r"\d+", rest)[0]) for _, rest in rows]
        with (folder / name).open("w") as file:
            print(head, file=file)
            for turn in range(times):
                for (group, rest), number in zip(rows, numbers, strict=True):
                    print(f"{group}_{number + 1000 * turn}{rest[len(str(number)) :]}", file=file)
        manifest["outputs"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "quantify.json").write_text(json.dumps(manifest))
    return folder
