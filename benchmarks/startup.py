"""Start-up times as ratios: ``--help`` against an empty Typer app, one slice against its bare imports.

The times are those of the processor, which other work on the machine changes little. All modules are compiled
before, as an installed package is. Run: ``python benchmarks/startup.py``.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 25
EMPTY_APP = """
from typing import Annotated
import typer
app = typer.Typer()
@app.command()
def main(name: Annotated[str, typer.Option(help="A name.")] = "x"):
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
        decoders = "import numpy, PIL.Image, PIL.ImageDraw, PIL.PngImagePlugin"
        commands = {
            "Python alone": [python, "-c", "pass"],
            "an empty Typer app, --help": [python, str(empty), "--help"],
            "mriparaspinal --help": [*tool, "--help"],
            "mriparaspinal quantify --help": [*tool, "quantify", "--help"],
            "import numpy, PIL.Image": [python, "-c", "import numpy, PIL.Image"],
            "the same, able to draw and to read PNG": [python, "-c", decoders],
            "quantify of one slice": [*tool, "quantify", str(one), "--out", f"{folder}/out", "--quiet"],
        }
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(ROUNDS + 1):
            for name, command in commands.items():
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run(command, capture_output=True, check=True, env=environment)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                if number:  # the first round compiles
                    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
                    times[name].append(used)
    best = {name: statistics.median(values) for name, values in times.items()}
    imports, help_ = best["import numpy, PIL.Image"], best["an empty Typer app, --help"]
    print(f"median of {ROUNDS} rounds\n")
    print("| command | ms of CPU | against an empty Typer app | against the imports |")
    print("| --- | ---: | ---: | ---: |")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds:.0f} | {seconds / help_:.2f} | {seconds / imports:.2f} |")


if __name__ == "__main__":
    main()
