"""What all tests share; helpers that write inputs stand in builders.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.browser import browser

__all__ = ["browser", "shared"]

# A time limit for each example fails on a busy machine, and says nothing of the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; tests that need it are skipped where it is absent."""
    if not (_SHARED / "real").is_dir():
        pytest.skip("no real data: the folder ../shared is absent")
    return _SHARED
