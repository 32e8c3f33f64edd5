"""A page printed into a PDF by the Chromium, Chrome or Edge of this computer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from mriparaspinal import __version__
from mriparaspinal.core.errors import UsageError

#: What the browser is called, and where it lies if it cannot be called by its name.
_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("msedge", "microsoft-edge", "microsoft-edge-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)

#: Alone, without a network, and with a profile that is thrown away.
_OPTIONS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions"),
    *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)

#: Seconds; 350 slices take less than a minute.
_LONGEST = 900

#: Bytes, among which Chromium describes the PDF.
_HEAD = 4096

_CREATOR = rb"/Creator \(((?:\\.|[^\\)])*)\)"

_DATES = rb"/(?:CreationDate|ModDate) \([^)]*\)"

#: The parts of a tagged PDF have numbers of the browser's own, which differ each time; their order does not.
_NODES = rb"\(node(\d{8})\)"


def find_browser() -> str:
    """The browser that prints; raises :class:`UsageError` where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        found = "no Chromium, Google Chrome or Microsoft Edge was found on this computer"
        remedy = "install one, or leave --pdf out, open the page in a browser and print it"
        raise UsageError(f"--pdf: {found}; expected one, which makes the PDF; {remedy}")
    return found


def printed(browser: str, page: bytes) -> bytes:
    """A page as PDF: the same page and browser give the same bytes.

    Raises :class:`UsageError` where the browser makes none.
    """
    with tempfile.TemporaryDirectory(prefix="mriparaspinal-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "page.html").write_bytes(page)
        made = folder / "page.pdf"
        # Chromium's own sandbox does not work for root, as in containers.
        alone = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        own = [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={made}"]
        command = [browser, *_OPTIONS, *alone, *own, (folder / "page.html").as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_LONGEST, check=False)
            content = made.read_bytes() if done.returncode == 0 and made.is_file() else b""
        except (OSError, subprocess.TimeoutExpired):
            content = b""
    if not content.startswith(b"%PDF"):
        found = f"{Path(browser).name} did not print the page"
        remedy = "leave --pdf out, open the page in a browser and print it"
        raise UsageError(f"--pdf: {found}; expected a PDF of it; {remedy}")
    return _settled(content)


def _settled(content: bytes) -> bytes:
    """The PDF without what differs each time, and with this program as its creator; no byte moves."""
    head, rest = content[:_HEAD], content[_HEAD:]
    head = re.sub(_DATES, lambda found: b" " * len(found[0]), head)
    head = re.sub(_CREATOR, lambda found: b"/Creator (" + _padded(len(found[1])) + b")", head, count=1)
    nodes = {number: place for place, number in enumerate(sorted(set(re.findall(_NODES, rest))), 1)}
    return head + re.sub(_NODES, lambda found: b"(node%08d)" % nodes[found[1]], rest)


def _padded(length: int) -> bytes:
    return f"mriparaspinal {__version__}".encode().ljust(length)[:length]


def is_pdf(head: bytes) -> bool:
    """Whether a file begins as a PDF of ours does."""
    return head.startswith(b"%PDF") and b"/Creator (mriparaspinal" in head
