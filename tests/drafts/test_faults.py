"""``refine`` and ``interpolate`` stopped, killed and without room: nothing half, no draft without hash."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path

import pytest

from tests.support.builders.faults import Trial, Writer, writers
from tests.support.builders.study import fingerprint, forked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Writer]:
    place = tmp_path_factory.mktemp("writers") / "in"
    found = writers(place)
    for path in (place / "rough").glob("LR_*"):  # two slices are as good as four
        path.unlink()
    return found


@pytest.mark.parametrize("name", ["refine", "interpolate"])
def test_stopped_or_killed(every: dict[str, Writer], tmp_path: Path, name: str) -> None:
    trial = Trial(every[name], tmp_path / "trial")
    for step in sorted({1, trial.steps // 2, trial.steps}):
        assert trial.cut_off(step, signal.SIGTERM) in ("old", "new")
        trial.cut_off(step, signal.SIGKILL)
        # Whatever was left: each draft that stands there has its row.
        for path in (trial.place / "out").glob("*.json"):
            document = json.loads(path.read_text())
            if document.get("flags") == {"draft": True}:
                assert f"{path.stem}.png," in (trial.place / "out" / "drafts.csv").read_text()


@pytest.mark.parametrize(
    ("name", "room"),
    [("refine", 300), ("interpolate", 300), pytest.param("interpolate", 2600, id="table only")],
)
def test_without_room(every: dict[str, Writer], tmp_path: Path, name: str, room: int) -> None:
    out = tmp_path / "out"
    every[name].start(out)
    before = fingerprint(out)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))  # noqa: E731
    outcome = forked(*every[name].command(out, every[name].other), before=limit)
    assert outcome.code == 2, outcome.err
    (line,) = outcome.err.splitlines()
    assert "cannot be written (File too large); expected a writable folder with free space" in line
    assert fingerprint(out) == before
