"""``python -m fuzz``: many unsound inputs through every door, each within 5 s and 1 GB.

Two engines. The plain one mutates sound inputs. The other is atheris (libFuzzer), which follows the coverage
of the package's code and uses the same mutations; it runs where atheris is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
from typing import Any

from fuzz.plain import DOORS, ROOT, Tally, plain

_HEARD: dict[str, Any] = {
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "text": True,
    "errors": "replace",
}


def guided(names: list[str], seconds: int, seed: int, jobs: int) -> dict[str, Tally]:
    """The coverage-guided engine: each door in a process of its own, for its share of the time."""
    shares = sum(DOORS[name].share for name in names)
    tallies = {name: Tally() for name in names}
    running: list[tuple[str, subprocess.Popen[str]]] = []
    pending = list(names)
    while pending or running:
        while pending and len(running) < jobs:
            name = pending.pop(0)
            share = max(3, round(seconds * jobs * DOORS[name].share / shares))
            command = [sys.executable, "-m", "fuzz.guided", name, str(share), str(seed)]
            running.append((name, subprocess.Popen(command, cwd=ROOT, **_HEARD)))
        name, process = running.pop(0)
        said = process.communicate()[0]
        done = re.search(r"Done (\d+) runs", said) or re.search(
            r"stat::number_of_executed_units:\s*(\d+)", said
        )
        tally = tallies[name]
        tally.read = int(done[1]) if done else 0
        if process.returncode:
            tally.failed = 1
            tally.kinds[f"exit code {process.returncode}"] += 1
            print(said[-3000:], flush=True)
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument(
        "--inputs", type=int, default=100_000, help="inputs of the plain engine, over all doors"
    )
    parser.add_argument(
        "--seconds", type=int, default=120, help="time of the coverage-guided engine; 0: none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--door", action="append", choices=list(DOORS), help="only this door")
    options = parser.parse_args()
    names = options.door or list(DOORS)
    began = time.monotonic()
    tallies = plain(names, options.inputs, options.seed, options.jobs) if options.inputs else {}
    print(f"\n{'door':<13}{'inputs':>9}{'read':>9}{'refused':>9}{'failed':>8}{'slowest':>10}")
    for name, t in tallies.items():
        total = t.read + t.refused + t.failed
        print(f"{name:<13}{total:>9}{t.read:>9}{t.refused:>9}{t.failed:>8}{t.slowest:>8.2f} s")
    inputs = sum(t.read + t.refused + t.failed for t in tallies.values())
    failed = sum(t.failed for t in tallies.values())
    print(f"plain engine: {inputs} inputs, {failed} failed, {time.monotonic() - began:.0f} s")
    for name, t in tallies.items():
        for kind, times in t.kinds.most_common():
            print(f"  {name}: {times} × {kind}")
    if options.seconds and importlib.util.find_spec("atheris"):
        began = time.monotonic()
        found = guided(names, options.seconds, options.seed, options.jobs)
        runs = {name: t.read for name, t in found.items()}
        broken = sum(t.failed for t in found.values())
        failed += broken
        print("coverage-guided engine (atheris): " + ", ".join(f"{name} {n}" for name, n in runs.items()))
        print(f"{sum(runs.values())} inputs, {broken} failed, {time.monotonic() - began:.0f} s")
    elif options.seconds:
        print(
            "coverage-guided engine: not run, atheris is not installed (it has no wheel for every platform)"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
