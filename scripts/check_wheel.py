"""The wheel alone, in an empty environment and a folder with blanks: ``demo``, ``init`` and ``run`` work.

``python scripts/check_wheel.py dist``, on any system. Nothing is left behind.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path


def main(dist: Path) -> None:
    (wheel,) = dist.resolve().glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="a wheel ") as folder:
        place = Path(folder) / "an environment"
        venv.create(place, with_pip=True)
        programs = place / ("Scripts" if os.name == "nt" else "bin")
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}

        def call(*words: object) -> None:
            subprocess.run(list(map(str, words)), cwd=folder, env=environment, check=True)

        quiet = ("--quiet", "--disable-pip-version-check")
        call(programs / "python", "-m", "pip", "install", *quiet, wheel)
        call(programs / "mriparaspinal", "--version")
        call(programs / "mriparaspinal", "demo", "the demo")
        scans = Path(folder) / "my scans"
        scans.mkdir()
        for slice_ in (Path(folder) / "the demo" / "scans").glob("*_*_[34].*"):
            shutil.copy(slice_, scans)
        call(programs / "mriparaspinal", "init", "my scans")
        call(programs / "mriparaspinal", "check", "my scans")
        call(programs / "mriparaspinal", "run", "my scans", "--out", "my study", "--jobs", "2")
        same(*(Path(folder) / study / "results" / "L4.csv" for study in ("my study", "the demo/study")))
        for name in ("participants.csv", "paraspinal.toml", "labels.txt"):
            require((scans / name).is_file(), f"init wrote no {name}")
        require((Path(folder) / "my study" / "report.html").is_file(), "run wrote no report.html")
    print(f"{wheel.name}: demo, init and run work")


def same(one: Path, other: Path) -> None:
    """The areas and fat of both are the same, whatever is known of the participants."""
    tables = []
    for path in (one, other):
        with path.open(encoding="utf-8", newline="") as file:
            tables.append([(row["csa_px"], row["fat_px"], row["fi"]) for row in csv.DictReader(file)])
    require(bool(tables[0]) and tables[0] == tables[1], f"{one.name}: other numbers than those of the demo")


def require(good: bool, fault: str) -> None:
    if not good:
        raise SystemExit(f"wheel: {fault}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
