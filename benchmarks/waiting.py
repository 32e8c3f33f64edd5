"""What a user waits for, as multiples of the bare imports of the libraries that the statistics need.

On the sample of 80 slices: ``quantify``, ``compare``, ``run`` with one process, and a ``run`` that finds
nothing changed, by the time of the processor, which other work on the machine changes little; two processes
against one by the clock. Then 350 slices of 512 px from ``check`` to the page, by both.
Run: ``python benchmarks/waiting.py [rounds]``.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = "import scipy.stats, statsmodels.api, matplotlib.pyplot, pandas"
SAMPLE = Path(__file__).parents[1] / "sample_data"
TOOL = [sys.executable, "-m", "mriparaspinal"]


def timed(*words: object) -> tuple[float, float]:
    """Seconds of the processor and on the clock that a command takes, with all processes that it starts."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*map(str, words)], capture_output=True, check=True)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, clock


def median(found: list[tuple[float, float]]) -> tuple[float, float]:
    """Of the processor, and on the clock."""
    processor, clock = (statistics.median(one) for one in zip(*found, strict=True))
    return processor, clock


def of_the_sample(place: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Every command on the sample, in turn."""
    results, study = place / "results", place / "study"
    commands = {
        "the imports": [sys.executable, "-c", IMPORTS],
        "`quantify`": [*TOOL, "quantify", SAMPLE, "--out", results, "--quiet"],
        "`compare`": [*TOOL, "compare", results, "--out", place / "comparison", "--quiet"],
        "`run --jobs 1`": [*TOOL, "run", SAMPLE, "--out", study, "--jobs", 1, "--force", "--quiet"],
        "`run --jobs 2`": [*TOOL, "run", SAMPLE, "--out", study, "--jobs", 2, "--force", "--quiet"],
        "`run`, nothing changed": [*TOOL, "run", SAMPLE, "--out", study, "--quiet"],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, words in commands.items():
            times[name].append(timed(*words))
    return {name: median(found) for name, found in times.items()}


def of_350_slices(place: Path) -> list[tuple[str, float, float]]:
    """The steps of a study of 350 slices, one after the other."""
    scans, results, comparison = place / "scans", place / "many", place / "compared"
    timed(*TOOL, "phantom", scans, "--als", 35, "--lr", 35, "--size", 512, "--quiet")
    page = ["--dataset", scans, "--comparison", comparison, "--out", place / "page.html"]
    steps = {
        "`check`": [scans],
        "`quantify`": [scans, "--out", results],
        "`compare`": [results, "--out", comparison],
        "`report`": [results, *page],
        "`run`": [scans, "--out", place / "whole"],
        "`run --jobs 2`": [scans, "--out", place / "whole", "--jobs", 2, "--force"],
    }
    return [
        (name, *timed(*TOOL, name.strip("`").split()[0], *words, "--quiet")) for name, words in steps.items()
    ]


def main(rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        sample = of_the_sample(place, rounds)
        imports = sample["the imports"]
        print(f"{os.cpu_count()} cores; the sample of 80 slices, median of {rounds} rounds\n")
        print("| what | s of CPU | × the imports | s on the clock |")
        print("| --- | ---: | ---: | ---: |")
        for what, (processor, clock) in sample.items():
            print(f"| {what} | {processor:.1f} | {processor / imports[0]:.1f} | {clock:.1f} |")
        ratio = sample["`run --jobs 2`"][1] / sample["`run --jobs 1`"][1]
        print(f"\ntwo processes take {ratio:.2f} of the time of one, on the clock\n")
        print("| 350 slices of 512 px | s of CPU | s on the clock | × the imports, on the clock |")
        print("| --- | ---: | ---: | ---: |")
        many = of_350_slices(place)
        check, whole = many[0], many[4]
        many.append(("`check` and `run`", check[1] + whole[1], check[2] + whole[2]))
        for what, processor, clock in many:
            print(f"| {what} | {processor:.1f} | {clock:.1f} | {clock / imports[1]:.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
