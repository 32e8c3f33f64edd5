"""Start-up times as ratios: ``--help`` against an empty typer app, ``quantify`` against its bare imports."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
EMPTY_APP = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = "x") -> None:
    pass
app()
"""


def main() -> None:
    sample = Path(__file__).parents[1] / "sample_data"
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder, "one")
        one.mkdir()
        for ending in ("png", "json"):
            (one / f"ALS_1_3.{ending}").write_bytes((sample / f"ALS_1_3.{ending}").read_bytes())
        empty = Path(folder, "empty.py")
        empty.write_text(EMPTY_APP)
        python = sys.executable
        tool = [python, "-m", "mriparaspinal"]
        commands = {
            "empty typer app --help": [python, str(empty), "--help"],
            "mriparaspinal --help": [*tool, "--help"],
            "import numpy, PIL.Image": [python, "-c", "import numpy, PIL.Image"],
            "quantify of one slice": [*tool, "quantify", str(one), "--out", f"{folder}/out", "--quiet"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, capture_output=True, check=True)
                times[name].append(time.perf_counter() - start)
    best = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in best.items():
        print(f"{name:26} {1000 * seconds:6.0f} ms")
    print(f"--help / empty app: {best['mriparaspinal --help'] / best['empty typer app --help']:.2f}")
    print(f"quantify / imports: {best['quantify of one slice'] / best['import numpy, PIL.Image']:.2f}")


if __name__ == "__main__":
    main()
