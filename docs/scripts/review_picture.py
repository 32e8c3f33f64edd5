"""Make the picture of the review page, ``docs/screens/review.png``: a slice of the sample, drawn by clicks.

Run: ``python docs/scripts/review_picture.py``. It needs Chromium and playwright. Letters look as they do on
the computer that makes it, so no test compares the picture.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data"
PICTURE = ROOT / "docs" / "screens" / "review.png"

_SIZE = 256
_DRAWN = ("MF_R", "MF_L", "ES_R")


def main() -> None:
    """Start the command, draw, and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        for level in range(1, 6):
            for ending in ("png", "json"):
                shutil.copy(SAMPLE / f"ALS_2_{level}.{ending}", folder)
        (Path(folder) / "ALS_2_4.json").unlink()
        command = [sys.executable, "-m", "mriparaspinal", "review", folder, "--no-browser"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr is not None
            said = (re.search(r"http://\S+", line) for line in process.stderr)
            address = next(found[0] for found in said if found)
            _take(address)
            process.terminate()
    print(f"wrote {PICTURE}")


def _take(address: str) -> None:
    browsers = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, browsers)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        tab.goto(address)
        tab.locator("#list button", has_text="ALS_2_4").click()
        tab.locator("#name", has_text="ALS_2_4").wait_for()
        for region in _DRAWN:
            for point in _border(region):
                tab.mouse.click(*_place(tab, point))
            tab.keyboard.press("Enter")
            tab.locator(f"#regions [data-region={region}] .numbers", has_text="FI").wait_for()
            tab.wait_for_timeout(1500)  # until it is refined, and measured again
            tab.keyboard.press("Enter")
        tab.keyboard.press("f")
        tab.keyboard.press("3")
        tab.wait_for_timeout(500)
        PICTURE.parent.mkdir(exist_ok=True)
        tab.screenshot(path=PICTURE)
        browser.close()


def _border(region: str) -> np.ndarray:
    shapes = json.loads((SAMPLE / "ALS_2_4.json").read_text(encoding="utf-8"))["shapes"]
    points = np.array(next(shape["points"] for shape in shapes if shape["label"] == region))
    return points[np.linspace(0, len(points), 10, endpoint=False).astype(int)]


def _place(tab: Any, point: np.ndarray) -> tuple[float, float]:
    """Where a point of the slice is on the screen."""
    frame = tab.locator("#canvas").bounding_box()
    scale = min(frame["width"], frame["height"]) / _SIZE
    left = frame["x"] + (frame["width"] - scale * _SIZE) / 2
    top = frame["y"] + (frame["height"] - scale * _SIZE) / 2
    return left + scale * float(point[0]), top + scale * float(point[1])


if __name__ == "__main__":
    main()
