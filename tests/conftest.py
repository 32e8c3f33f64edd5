"""What all tests share; helpers that write inputs stand in ``tests/support``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.browser import browser
from tests.support.builders.study import SAMPLE, fingerprint, run, wait_until

__all__ = ["browser", "shared"]

# A time limit for each example fails on a busy machine, and says nothing of the code.
# Fifty examples, others in each run; more: --hypothesis-profile=many.
settings.register_profile("fifty", deadline=None, max_examples=50)
settings.register_profile("many", deadline=None, max_examples=500)
settings.load_profile("fifty")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; tests that need it are skipped where it is absent."""
    if not (_SHARED / "real").is_dir():
        pytest.skip("no real data: the folder ../shared is absent")
    return _SHARED


@pytest.fixture(scope="session", autouse=True)
def _signals_are_heard() -> None:
    """Tests started in the background, or by nohup, ignore signals; the commands that they start would, too.

    A signal that is caught, and not ignored, is the default's again in a new program.
    """
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@contextmanager
def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """A folder that the first process of pytest-xdist that needs it makes for all; nobody may change it."""
    home = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        home = home.parent
    folder, begun, done = home / name, home / f"{name}.begun", home / f"{name}.done"
    try:
        begun.touch(exist_ok=False)
    except FileExistsError:
        assert wait_until(done.exists, 300), f"{folder}: another process did not finish it"
    else:
        make(folder)
        done.touch()
    before = fingerprint(folder)
    yield folder
    assert fingerprint(folder) == before, f"{folder}: a test has changed what all tests share"


@pytest.fixture(scope="session")
def sample_results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The results of ``quantify sample_data``. Read only."""

    def make(folder: Path) -> None:
        assert run("quantify", SAMPLE, "--out", folder, "--quiet").code == 0

    with _made_once(tmp_path_factory, "sample_results", make) as folder:
        yield folder


@pytest.fixture(scope="session")
def sample_comparison(sample_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What ``compare`` makes of the results of the sample. Read only."""

    def make(folder: Path) -> None:
        assert run("compare", sample_results, "--out", folder, "--quiet").code == 0

    with _made_once(tmp_path_factory, "sample_comparison", make) as folder:
        yield folder


@pytest.fixture(scope="session")
def phantom_cohort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three participants of each group: ``scans`` with clinical records, and their ``results``. Read only."""

    def make(folder: Path) -> None:
        drawn = ("--als", 3, "--lr", 3, "--size", 128, "--seed", 4, "--clinical", "--quiet")
        assert run("phantom", folder / "scans", *drawn).code == 0
        assert run("quantify", folder / "scans", "--out", folder / "results", "--quiet").code == 0

    with _made_once(tmp_path_factory, "phantom_cohort", make) as folder:
        yield folder
