"""A browser for the tests of the pages: the Chromium that the system has; none is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders.study import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def patient(make: Callable[..., Any]) -> Callable[..., Any]:
    """What makes contexts or pages; they wait for an event as long as all tests do."""

    def made(**options: Any) -> Any:
        there = make(**options)
        there.set_default_timeout(1000 * PATIENCE)
        return there

    return made


class Tab:
    """A tab for the tests of a module, one after the other: to open a new one takes longer than most tests.

    For each test it is as a new one: nothing that a page or a test left in it is there any more.
    """

    def __init__(self, browser: Any, **options: Any) -> None:
        self._context = browser.new_context(**options)
        self.tab = self._context.new_page()
        self._told = self._context.new_cdp_session(self.tab)
        self._heard: list[tuple[str, Callable[[Any], object]]] = []

    def listen(self, **events: Callable[[Any], object]) -> None:
        """Until it is cleared, an event of the tab calls a function."""
        for event, call in events.items():
            self.tab.on(event, call)
            self._heard.append((event, call))

    def leave(self) -> None:
        """Nothing of the page runs any more; what it says about that is still heard."""
        self.tab.unroute_all(behavior="ignoreErrors")
        self.tab.goto("about:blank")

    def clear(self, origin: str) -> None:
        """Forget the test before, and what its pages kept."""
        self.leave()
        for event, call in self._heard:
            self.tab.remove_listener(event, call)
        self._heard.clear()
        self.tab.emulate_media(media="null")
        self.tab.mouse.move(-10, -10)
        self._told.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})

    def close(self) -> None:
        self._context.close()


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
        how = {"executable_path": executable, "args": arguments, "timeout": 1000 * PATIENCE}
        chromium = driver.chromium.launch(**how)
        chromium.new_context, chromium.new_page = map(patient, (chromium.new_context, chromium.new_page))
        yield chromium
        chromium.close()
