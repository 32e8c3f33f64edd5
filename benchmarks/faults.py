"""Runs that are killed (-9), many times: what lies in the folder is whole and of one run, or is refused.

Each run has a threshold of its own, which stands in every row. Half are killed at a random moment, half in
the milliseconds after the first new file is written. Run: ``python benchmarks/faults.py [runs] [seed]``.
"""

from __future__ import annotations

import csv
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from many import write_many

from mriparaspinal.errors import NoInputError
from mriparaspinal.files.output import MARK
from mriparaspinal.files.results import open_results

SLICES = 100


def thresholds(out: Path) -> set[str] | None:
    """Those of all rows of a folder of results; None where it is refused."""
    try:
        open_results(out)
    except NoInputError:
        return None
    found = {str(json.loads((out / "quantify.json").read_bytes())["settings"]["threshold"])}
    rows = 0
    for path in out.glob("L*.csv"):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                found.add(row["threshold"])
                rows += 1
    assert rows == 9 * SLICES, f"{rows} rows"
    return found


def start(data: Path, out: Path, threshold: int, jobs: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mriparaspinal", "quantify", str(data), "--out", str(out), "--quiet"]
    return subprocess.Popen([*command, "--threshold", str(threshold), "--jobs", str(jobs)])


def main(runs: int = 100, seed: int = 1) -> None:
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        data, out = write_many(Path(name), SLICES, 128), Path(name) / "out"
        began = time.monotonic()
        assert start(data, out, 200, 1).wait() == 0
        whole_run = time.monotonic() - began
        current = {"200"}
        for number in range(runs):
            threshold = number % 199
            process = start(data, out, threshold, 1 + number // 2 % 2)
            when = "at a random moment"
            if number % 2:
                when = "after the first write"
                while not any(out.glob(".*.new")) and process.poll() is None:
                    time.sleep(0.0002)
                time.sleep(chance.uniform(0, 0.01))
            else:
                time.sleep(chance.uniform(0, whole_run))
            process.send_signal(signal.SIGKILL)
            killed = process.wait() == -signal.SIGKILL
            found = thresholds(out)
            if found is None:
                outcomes[f"killed {when}: refused, a run was cut off"] += 1
            elif found == {str(threshold)}:
                outcomes[f"killed {when}: the new results, whole" if killed else "was quicker"] += 1
            elif found == current:
                outcomes[f"killed {when}: the old results, whole"] += 1
            else:
                raise SystemExit(f"run {number}: MIXED results: {found}, old {current}, new {threshold}")
            if found is None:
                # The next run takes the folder over, whatever was left in it.
                assert start(data, out, 255, 1).wait() == 0
                found = thresholds(out)
                assert found == {"255"}, found
            current = found
        assert not (out / MARK).exists() or thresholds(out) is None
        assert start(data, out, 254, 2).wait() == 0
        left = {path.name for path in out.iterdir() if path.name.startswith(".")}
        assert thresholds(out) == {"254"}
        assert not left, left
    print(f"{runs} runs killed with -9, of {SLICES} slices, by one process and two")
    for text, times in sorted(outcomes.items()):
        print(f"{times:5}  {text}")
    print("    0  mixed or lost results")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
