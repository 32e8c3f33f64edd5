"""What the README tells people to type, typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mriparaspinal
from mriparaspinal.cli import COMMANDS
from mriparaspinal.core.model import COLUMNS, PROBLEM_COLUMNS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(mriparaspinal.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder as the README has it: ``scans`` with some slices of the sample cohort."""
    folder = tmp_path / "the study"
    scans = folder / "scans"
    scans.mkdir(parents=True)
    for path in sorted((ROOT / "sample_data").iterdir()):
        if re.match(r"(ALS|LR)_[1-4]_[34]\.|participants", path.name):
            shutil.copy(path, scans)
    return folder


def environment(tmp_path: Path) -> dict[str, str]:
    """An environment where ``mriparaspinal`` is this one, whatever is installed elsewhere."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    script = programs / "mriparaspinal"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mriparaspinal "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def shell(command: str, folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )


def commands() -> list[str]:
    lines: list[str] = []
    for block in blocks("sh"):
        joined = re.sub(r"\s+#.*", "", block.replace("\\\n", " "))
        lines += [line.replace("~/mriparaspinal/bin/", "") for line in joined.splitlines()]
    return [re.sub(r" +", " ", line) for line in lines if line.startswith("mriparaspinal ")]


def test_the_commands_of_the_readme_run(study: Path, tmp_path: Path) -> None:
    typed = commands()
    assert [line.split()[1] for line in typed] == ["check", "run", "masks"]
    for line in typed:
        result = shell(line, study, tmp_path)
        assert result.returncode == 0, f"{line}\n{result.stderr}"
    assert (study / "study" / "report.html").is_file()
    assert (study / "study" / "comparison" / "comparisons.csv").is_file()


def test_every_command_and_column_of_the_readme_exists() -> None:
    known = set(COMMANDS)
    table = set(re.findall(r"^\| `mriparaspinal ([a-z-]+)", README, flags=re.MULTILINE))
    assert table == known
    section = README.split("| column | meaning |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z0-9_]+)`", section)) <= {*COLUMNS, *PROBLEM_COLUMNS}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        # The package may be installed, and no part of the folder.
        package = target.startswith("mriparaspinal/") and (PACKAGE.parent / target).exists()
        assert target.startswith("http") or package or (ROOT / target).exists(), target
