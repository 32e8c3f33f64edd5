"""Two processes against one on a few thousand slices, and what the first process has to do alone.

The two take turns within one run; the ratio is what counts, on a machine that does nothing else. Where
something else runs, the seconds of CPU tell more: what the first process does itself is not shared.
Run: ``python benchmarks/parallel.py [slices] [jobs] [rounds]``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from many import write_many

#: The command, and at its end the CPU seconds of its own process and of those that it started.
MEASURED = """
import atexit, resource, sys
def tell():
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(*(one.ru_utime + one.ru_stime for one in used))
atexit.register(tell)
from mriparaspinal.cli import main
main()
"""


def timed(data: Path, out: Path, jobs: int) -> tuple[float, float, float]:
    """Seconds on the clock, of CPU in the first process, and of CPU in the others."""
    how = ["quantify", str(data), "--out", str(out), "--jobs", str(jobs), "--quiet"]
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MEASURED, *how], capture_output=True, text=True, check=True)
    own, others = map(float, done.stdout.split())
    return time.perf_counter() - start, own, others


def main(slices: int = 3000, jobs: int = 2, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = write_many(Path(name), slices)
        times: dict[int, list[tuple[float, float, float]]] = {1: [], jobs: []}
        for _ in range(rounds):
            for n in times:
                times[n].append(timed(data, Path(name) / "out", n))
    print(f"{slices} slices of 512×512, {os.cpu_count()} cores, median of {rounds} rounds")
    for n, found in times.items():
        wall, own, others = (statistics.median(one) for one in zip(*found, strict=True))
        print(
            f"--jobs {n}: {wall:6.2f} s on the clock; CPU {own:6.2f} s alone, {others:6.2f} s in the others"
        )
    alone = statistics.median(own for _, own, _ in times[1])
    bound = statistics.median(own + others / jobs for _, own, others in times[jobs])
    ratios = [one[0] / many[0] for one, many in zip(times[1], times[jobs], strict=True)]
    print(f"ratio on the clock: {statistics.median(ratios):.2f} (best round {max(ratios):.2f})")
    print(f"ratio by CPU, as if {jobs} cores were free: {alone / bound:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
