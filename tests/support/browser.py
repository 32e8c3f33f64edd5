"""A browser for the tests of the pages: the Chromium that the system has; none is downloaded."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, started once; the tests are skipped where there is none."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("no Chromium: install Debian's package chromium to test the page in a browser")
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install '.[dev]'")
    # Chromium's own sandbox does not work for root, as in containers.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        # On a busy machine the start alone can take longer than the 30 s that are the default.
        chromium = driver.chromium.launch(executable_path=executable, args=arguments, timeout=120_000)
        yield chromium
        chromium.close()
