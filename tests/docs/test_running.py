"""The pages on clusters and unattended runs, followed to the letter as far as one machine allows."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support.pages import SAMPLE, blocks, shell


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    (folder / "scans").mkdir(parents=True)
    for path in sorted(SAMPLE.iterdir()):
        if re.match(r"(ALS_[12]|LR_1)_[34]\.|participants", path.name):
            shutil.copy(path, folder / "scans")
    people = (folder / "scans" / "participants.csv").read_text().splitlines()
    kept = [line for line in people if re.match(r"participant_id|ALS_[12],|LR_1,", line)]
    (folder / "scans" / "participants.csv").write_text("\n".join(kept) + "\n")
    (folder / "scans" / "paraspinal.toml").write_text('contrasts = ["side:ALS"]\n')  # few figures
    return folder


def same(one: Path, other: Path) -> bool:
    names = {path.name for path in one.iterdir()}
    assert names == {path.name for path in other.iterdir()}
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_shares_are_joined_to_the_bytes_of_one_run(study: Path) -> None:
    (script,) = (b for b in blocks("cluster.md") if b.heading == "Shares")
    assert shell(script.text, study)[0] == 0
    assert shell("mriparaspinal quantify scans --out whole", study)[0] == 0
    assert same(study / "results", study / "whole")


@pytest.mark.skipif(shutil.which("timeout") is None, reason="no timeout of coreutils")
def test_the_line_for_cron(study: Path) -> None:
    (block,) = (b for b in blocks("recipes.md") if b.heading == "Unattended runs")
    *schedule, command = block.text.strip().split(" ", 5)
    assert re.fullmatch(r"[0-9*/,-]+( [0-9*/,-]+){4}", " ".join(schedule))
    assert "%" not in command  # cron takes it for the end of the line
    command = command.replace("/data/study", ".").replace("/opt/mriparaspinal/bin/", "")
    assert shell(command, study) == (0, ""), "nothing for cron to mail"
    assert (study / "nightly" / "comparison" / "comparisons.csv").is_file()
    log = (study / "nightly.log").read_text()
    assert "ran: 6 of 6 slices measured" in log
    assert log.rstrip().splitlines()[-1].split("] ")[1].startswith("ended: exit code 0, after")
    (study / "scans" / "LR_1_3.json").write_text("{")
    code, printed = shell(f"{command} || [ $? -eq 4 ]", study)
    assert code == 0
    assert len(printed.splitlines()) == 1
    assert os.linesep + "LR_1_3" not in log
