"""No review that a test started outlives it, whatever became of the test."""

from __future__ import annotations

import pytest

from tests.support.review import STARTED


@pytest.fixture(autouse=True)
def _no_review_is_left():
    before = len(STARTED)
    yield
    for served in STARTED[before:]:
        if served.process.poll() is None:
            served.kill()
    del STARTED[before:]
