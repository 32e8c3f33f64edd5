"""Where the time of a slice goes: what each step takes, with what it calls left out of it.

Run: ``python benchmarks/stages.py [slices] [size]``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from mriparaspinal.core.model import Settings
from mriparaspinal.dataset import anatomy
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.measure import slice as pipeline
from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slices
from mriparaspinal.phantom.write import write_cohort

ROUNDS = 9
STEPS: list[tuple[ModuleType, str, str]] = [
    (pipeline, "read_bytes", "reading both files"),
    (pipeline, "_read", "SHA-256 of both"),
    (pipeline, "decode_image", "decoding the PNG"),
    (pipeline, "read_annotation", "parsing and checking the LabelMe file"),
    (anatomy, "outlines_of", "areas, boxes and self-crossings of the contours"),
    (anatomy, "rasterise_all", "drawing the contours (Pillow)"),
    (anatomy, "_with_sides", "sides against the display"),
    (anatomy, "_report_overlaps", "overlaps"),
    (pipeline, "count_region", "counting pixels and grey levels"),
    (pipeline, "_packed", "all else"),
]


def main(slices: int = 100, size: int = 512) -> None:
    own: Counter[str] = Counter()
    running: list[float] = []  # of each step that is under way: the time that it spent in others

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            running.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - start
                own[name] += spent - running.pop()
                if running:
                    running[-1] += spent

        return call

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        participants = make_cohort(-(-slices // 5), 0, 1)
        write_cohort(root, participants, make_slices(participants, 1, size, Effects()))
        study = open_dataset(root, Settings())
        for module, name, _ in STEPS:
            setattr(module, name, timed(name, getattr(module, name)))
        pipeline.measure_slices(root, study.dataset.slices, Settings())  # what is loaded once is not counted
        own.clear()
        for _ in range(ROUNDS):
            pipeline.measure_slices(root, study.dataset.slices, Settings())
    count = ROUNDS * len(study.dataset.slices)
    print(f"{len(study.dataset.slices)} slices of {size}×{size}, one process, mean of {ROUNDS} rounds\n")
    print("| step | ms per slice | share |")
    print("| --- | ---: | ---: |")
    for _, name, words in STEPS:
        print(f"| {words} | {1000 * own[name] / count:.3f} | {100 * own[name] / own.total():.0f} % |")
    print(f"| all | {1000 * own.total() / count:.3f} | 100 % |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
