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
    shutil.copy(study / "scans" / "participants.csv", study)
    pattern = re.search(r'"(\(\?P<group>.*?)"', README)
    assert pattern is not None
    for path in (study / "scans").glob("*_*_*.*"):
        assert not re.fullmatch(pattern[1], path.stem)
    typed = commands()
    commands_typed = [line.split()[1] for line in typed]
    assert commands_typed[:4] == ["check", "run", "masks", "quantify"]
    assert set(commands_typed[4:]) == {
        "compare",
        "correlate",
        "regress",
        "roc",
        "threshold-sweep",
        "reliability",
    }
    for line in typed:
        if " reliability " in line:
            for rater in ("rater_a", "rater_b"):
                shutil.copytree(study / "study" / "results", study / rater)
        result = shell(line, study, tmp_path)
        if "--name-pattern" in line:  # names of another lab: nothing here fits, and it says so
            assert result.returncode == 3
            assert "bad-name" not in result.stderr
            continue
        assert result.returncode in (0, 4), f"{line}\n{result.stderr}"
        assert "Traceback" not in result.stderr


def test_the_other_names_of_the_readme_are_read(study: Path, tmp_path: Path) -> None:
    for path in sorted((study / "scans").glob("*_*_*.*")):
        group, patient, segment = path.stem.split("_")
        path.rename(path.with_name(f"{group}{patient}-L{segment}{path.suffix}"))
    line = next(line for line in commands() if "--name-pattern" in line)
    result = shell(line, study, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "ALS_1,ALS,L3,MF,left" in (study / "results" / "L3.csv").read_text()


def test_the_cron_line_runs(study: Path, tmp_path: Path) -> None:
    (line,) = blocks("cron")
    schedule, command = line.strip().split(" ", 5)[:5], line.strip().split(" ", 5)[5]
    assert re.fullmatch(r"[0-9*/,-]+( [0-9*/,-]+){4}", " ".join(schedule))
    assert "%" not in command  # cron takes it for the end of the line
    command = command.replace("/data/study", ".").replace("/opt/mriparaspinal/bin/", "")
    result = shell(command, study, tmp_path)
    assert result.returncode == 0
    assert result.stdout == result.stderr == ""
    assert "measured 16 of 16 slices" in (study / "nightly.log").read_text()
    assert (study / "nightly" / "comparison" / "comparisons.csv").is_file()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_makefile_fragment_runs_and_does_nothing_twice(study: Path, tmp_path: Path) -> None:
    (fragment,) = blocks("make")
    (study / "Makefile").write_text(fragment)
    first = shell("make", study, tmp_path)
    assert first.returncode == 0, first.stderr
    assert (study / "comparison" / "comparisons.csv").is_file()
    again = shell("make", study, tmp_path)
    assert "up to date" in again.stdout
    (study / "scans" / "ALS_1_3.json").touch()
    assert "quantify" in shell("make", study, tmp_path).stdout
    (study / "scans" / "ALS_1_3.json").write_text("{broken")
    partly = shell("make", study, tmp_path)
    assert partly.returncode == 0  # exit code 4 goes on, as the README says
    assert "broken JSON" in partly.stderr


def test_the_protocol_of_the_readme_is_understood(study: Path, tmp_path: Path) -> None:
    (protocol,) = blocks("toml")
    (study / "scans" / "paraspinal.toml").write_text(protocol)
    annotation = study / "scans" / "ALS_1_3.json"
    annotation.write_text(annotation.read_text().replace('"MF_L"', '"dlj l"'))
    result = shell("mriparaspinal quantify scans --out results", study, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "ALS_1,ALS,L3,MF,left" in (study / "results" / "L3.csv").read_text()


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
