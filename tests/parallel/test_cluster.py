"""``--scheduler``: a real Dask scheduler and workers on the loopback, one of them killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import mriparaspinal
from tests.support.builders.slices import write_dataset, write_slice
from tests.support.builders.study import (
    PATIENCE,
    PROJECT,
    Outcome,
    fingerprint,
    finish,
    one_line,
    run,
    start,
    wait_until,
    write_many,
)

pytest.importorskip("distributed", reason="needs the extra dask (pip install 'mriparaspinal[dask]')")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes as POSIX does")

LOOPBACK = "127.0.0.1"


@contextmanager
def process(*arguments: object, path: Path = PROJECT) -> Iterator[subprocess.Popen[str]]:
    """A process of Dask that ends with the test; ``path``: where it finds the package."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(path),
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20 seconds",
        "DASK_DISTRIBUTED__ADMIN__LOG_FORMAT": "%(message)s",
    }
    command = [sys.executable, "-m", *map(str, arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.Popen(command, env=environment, cwd="/", start_new_session=True, **quiet, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait(10)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[str]:
    """The address of a scheduler; the system chose its port."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    arguments = ("--host", LOOPBACK, "--port", 0, "--no-dashboard", "--no-show", "--scheduler-file", file)
    with process("distributed.cli.dask_scheduler", *arguments):
        assert wait_until(lambda: file.exists() and file.stat().st_size > 0)
        yield json.loads(file.read_text())["address"]


def worker(scheduler: str, folder: Path, path: Path = PROJECT, name: str = "one"):
    """One worker, its own process, without a nanny that would start it again."""
    how = ("--host", LOOPBACK, "--nthreads", 1, "--no-nanny", "--no-dashboard", "--name", name)
    return process("distributed.cli.dask_worker", scheduler, *how, "--local-directory", folder, path=path)


@contextmanager
def asking(scheduler: str) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
    """Asks the scheduler what a function of its own object gives, over one connection, which is quick."""
    from distributed import Client

    with Client(scheduler, timeout=PATIENCE, set_as_default=False) as client:
        yield lambda question: client.run_on_scheduler(lambda dask_scheduler: question(dask_scheduler))


def workers_come(scheduler: str, number: int) -> bool:
    """Wait for so many workers and no more, as those of the test before may still be leaving."""
    with asking(scheduler) as ask:
        return wait_until(lambda: ask(lambda dask: len(dask.workers)) == number)


def all_busy(dask: Any) -> bool:
    return all(worker.processing for worker in dask.workers.values())


def quantify(*arguments: object) -> Outcome:
    return finish(start("quantify", *arguments))


@pytest.fixture
def data(tmp_path) -> Path:
    root = write_dataset(tmp_path / "data", 2, 2, (3, 4, 5))
    (root / "participants.csv").write_text("participant_id,onset_side\nALS_1,L\nALS_2,R\nLR_1,\nLR_2,\n")
    (root / "LR_2_5.json").write_text("{")
    return root


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """Slices for some seconds. Read only."""
    return write_many(tmp_path_factory.mktemp("many") / "data", 1500)


def test_two_workers_one_killed_in_the_middle(scheduler, many, tmp_path):
    """Every slice is measured once, and the bytes are those of one process."""
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    assert run("quantify", many, "--out", whole, "--quiet").code == 0
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(worker(scheduler, tmp_path / name, name=name)) for name in ("one", "two")
        )
        assert workers_come(scheduler, 2)
        ask = stack.enter_context(asking(scheduler))
        relative = os.path.relpath(many, PROJECT)
        measuring = start("quantify", relative, "--out", shared, "--scheduler", scheduler, "--quiet")
        assert wait_until(lambda: ask(all_busy))
        first.send_signal(signal.SIGKILL)
        at_work = ask(all_busy)
        outcome = finish(measuring)
        assert second.poll() is None
    assert at_work, "the run was over before the worker was killed: the test has lost its teeth"
    assert (outcome.code, outcome.err) == (0, "")
    assert fingerprint(shared) == fingerprint(whole)


def test_a_scheduler_that_does_not_answer(data, tmp_path):
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))  # bound, but nobody listens
        address = f"tcp://{LOOPBACK}:{taken.getsockname()[1]}"
        began = time.monotonic()
        line = one_line(quantify(data, "--out", tmp_path / "out", "--scheduler", address), 2)
        assert time.monotonic() - began < 40, "imports of a busy machine included"
    assert f"--scheduler {address}: no scheduler answers within 5 s" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["localhost:8786", "", "tcp://"])
def test_an_address_that_is_none(data, tmp_path, address):
    line = one_line(run("quantify", data, "--out", tmp_path / "out", "--scheduler", address), 2)
    assert "expected" in line


@pytest.mark.parametrize("version", ["", "9.9.9"])
def test_workers_without_the_package_or_with_another_version(scheduler, data, tmp_path, version):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "mriparaspinal").mkdir(parents=True)
    if version:
        shutil.copytree(Path(mriparaspinal.__file__).parent, elsewhere / "mriparaspinal", dirs_exist_ok=True)
        (elsewhere / "mriparaspinal" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    else:
        (elsewhere / "mriparaspinal" / "__init__.py").write_text("raise ModuleNotFoundError('as if none')\n")
    with worker(scheduler, tmp_path / "w", elsewhere):
        assert workers_come(scheduler, 1)
        outcome = quantify(data, "--out", tmp_path / "out", "--scheduler", scheduler)
    line = one_line(outcome, 2)
    assert ("mriparaspinal 9.9.9" if version else "no package mriparaspinal") in line
    assert "install the same versions on both" in line
    assert not (tmp_path / "out").exists()


# From here on one worker serves all tests


@pytest.fixture(scope="module")
def alone(scheduler, tmp_path_factory) -> Iterator[subprocess.Popen[str]]:
    """The only worker."""
    with worker(scheduler, tmp_path_factory.mktemp("worker")) as living:
        assert workers_come(scheduler, 1)
        yield living


def test_the_same_bytes_and_the_same_problems(scheduler, alone, data, tmp_path):
    assert run("quantify", data, "--out", tmp_path / "whole").code == 4
    outcome = quantify(data, "--out", tmp_path / "shared", "--scheduler", scheduler, "--timeout", 60)
    assert outcome.code == 4
    assert "LR_2_5.json: error: broken JSON" in outcome.err
    assert fingerprint(tmp_path / "shared") == fingerprint(tmp_path / "whole")

    ran = finish(start("run", data, "--out", tmp_path / "run", "--scheduler", scheduler))
    assert ran.code == 4
    assert fingerprint(tmp_path / "run" / "results") == fingerprint(tmp_path / "whole")


def test_a_worker_that_does_not_see_the_folder(scheduler, alone, data, tmp_path):
    from mriparaspinal.core.errors import NoInputError
    from mriparaspinal.core.model import Settings
    from mriparaspinal.dataset.open import open_dataset
    from mriparaspinal.measure.slice import measure_slices
    from mriparaspinal.parallel.cluster import over_cluster
    from mriparaspinal.parallel.map import Execution

    slices = open_dataset(data, Settings()).dataset.slices
    with pytest.raises(NoInputError, match=r"no such folder on the worker .*; expected the same path"):
        measure_slices(tmp_path / "elsewhere", slices, Settings(), Execution(scheduler=scheduler))
    # An error of the function itself comes through as it is; the order is that of the input.
    with pytest.raises(ValueError, match="invalid literal"):
        list(over_cluster(int, ["1", "x"], scheduler))
    assert list(over_cluster(str, range(100), scheduler)) == [str(n) for n in range(100)]
    assert list(over_cluster(str, [], scheduler)) == []


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_not_the_cluster(scheduler, alone, many, tmp_path, sent, code):
    write_slice(tmp_path / "small", "ALS_1_3")
    with asking(scheduler) as ask:
        measuring = start("quantify", many, "--out", tmp_path / "out", "--scheduler", scheduler)
        assert wait_until(lambda: ask(all_busy))
        os.killpg(measuring.pid, sent)
    outcome = finish(measuring)
    assert outcome.code == code
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert not (tmp_path / "out").exists()
    assert alone.poll() is None
    small = tmp_path / "small"
    assert quantify(small, "--out", tmp_path / "out", "--scheduler", scheduler).code == 0
