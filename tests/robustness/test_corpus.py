"""What once failed, never fails again: the inputs in ``tests/corpus/``, one folder for each door.

They were found by ``make fuzz``. A new one is copied there from ``fuzz/failures/``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.doors import DOORS, attempt

CORPUS = Path(__file__).parents[1] / "corpus"
KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: str(path.relative_to(CORPUS)))
def test_what_once_failed_is_read_or_refused(path):
    assert path.stat().st_size < 20_000, "a large input is better made by a test"
    assert attempt(path.parent.name, path.read_bytes()) in ("read", "refused")


@pytest.mark.parametrize("name", DOORS)
def test_sound_inputs_are_read(name):
    outcomes = [attempt(name, raw) for raw in DOORS[name].seeds()]
    # Images: one has a transparent grey level, which is refused.
    assert outcomes.count("refused") == (1 if name == "image" else 0)


def test_every_folder_is_that_of_a_door():
    assert {path.relative_to(CORPUS).parts[0] for path in KEPT} <= set(DOORS)
