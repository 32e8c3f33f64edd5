"""Slices per second against the floor: reading both files, SHA-256, PNG decode, JSON parse, nothing more.

Both are timed in turn, in one process and one run, on the same 512×512 slices; the ratio is what counts.
Run: ``python benchmarks/throughput.py [slices] [size]``.
"""

from __future__ import annotations

import hashlib
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image, ImageDraw

from mriparaspinal.files.phantom_writer import write_cohort
from mriparaspinal.model import Settings
from mriparaspinal.phantom import Effects, make_cohort, make_slices
from mriparaspinal.pipeline import measure_slices
from mriparaspinal.study import open_study

ROUNDS = 7


def floor(root: Path, names: list[tuple[str, str]], decode: Callable[[bytes], object]) -> None:
    """What cannot be left out: read, hash, decode the image, parse the JSON with ``decode``."""
    for image, annotation in names:
        raw_image, raw_json = (root / image).read_bytes(), (root / annotation).read_bytes()
        hashlib.sha256(raw_image).hexdigest()
        hashlib.sha256(raw_json).hexdigest()
        np.asarray(Image.open(io.BytesIO(raw_image)))
        decode(raw_json)


def naive(root: Path, names: list[tuple[str, str]]) -> None:
    """The script that one writes first: json, a full canvas per contour, boolean indexing."""
    for image, annotation in names:
        grey = np.array(Image.open(root / image))
        for shape in json.loads((root / annotation).read_text())["shapes"]:
            canvas = Image.new("L", grey.shape[::-1])
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
            mask = np.array(canvas, dtype=bool)
            (grey[mask] > 50).sum() / mask.sum()


def main(slices: int = 100, size: int = 512) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        participants = make_cohort(-(-slices // 5), 0, 1)
        write_cohort(root, participants, make_slices(participants, 1, size, Effects()))
        settings = Settings()
        study = open_study(root, settings)
        names = [(s.image or "", s.annotation) for s in study.dataset.slices]
        contenders = {
            # The quickest parser that is known, and the one that a script would take.
            "floor": lambda: floor(root, names, msgspec.json.Decoder().decode),
            "floor with json": lambda: floor(root, names, json.loads),
            "mriparaspinal": lambda: measure_slices(root, study.dataset.slices, settings),
            "naive script": lambda: naive(root, names),
        }
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, work in contenders.items():
                start = time.perf_counter()
                work()
                times[name].append(time.perf_counter() - start)
    best = {name: statistics.median(values) for name, values in times.items()}
    print(f"{len(names)} slices of {size}×{size}, one process, median of {ROUNDS} rounds")
    for name, seconds in best.items():
        rate = len(names) / seconds
        print(f"{name:15} {rate:8.0f} slices/s   {best['floor'] / seconds:5.2f} of the floor's rate")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
