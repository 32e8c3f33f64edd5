"""The most resident memory of ``quantify`` and ``check`` by slices, and of ``compare`` by participants.

Run: ``python benchmarks/memory.py [slices …]``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.builders.study import PROJECT, repeat_results

COUNTS = (100, 2000, 20000)

#: How often the 16 participants of the sample are repeated.
TIMES = (1, 625)


def peak(*arguments: object) -> tuple[float, float]:
    """The largest resident memory of a command in MB (of its largest process), and its seconds of CPU."""
    command = [sys.executable, "-m", "mriparaspinal", *map(str, arguments), "--quiet"]
    # This process stays small: Linux counts its memory for what it starts.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def main(*counts: int) -> None:
    print("slices   quantify        two processes   check        CPU of quantify")
    first = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in counts or COUNTS:
            maker = Path(__file__).with_name("many.py")
            subprocess.run([sys.executable, maker, folder, str(count)], check=True)
            data = folder / f"data-{count}"
            quantify, seconds = peak("quantify", data, "--out", folder / f"out-{count}")
            two, _ = peak("quantify", data, "--out", folder / f"two-{count}", "--jobs", 2)
            check, _ = peak("check", data)
            first = first or quantify
            told = f"{quantify:5.0f} MB ({quantify / first:.2f}×)   {two:5.0f} MB       {check:5.0f} MB"
            print(f"{count:6}   {told}     {1000 * seconds / count:6.2f} ms per slice")
        print("participants   compare")
        sample = folder / "sample"
        peak("quantify", PROJECT / "sample_data", "--out", sample)
        for times in TIMES:
            results = repeat_results(sample, folder / f"sample-{times}", times)
            compared, _ = peak("compare", results, "--out", folder / f"compared-{times}")
            print(f"{16 * times:12}   {compared:5.0f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
