"""The commands of the page on tables, as they stand there."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import openpyxl
import pytest

from tests.support.pages import SAMPLE, blocks, shell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    for path in SAMPLE.iterdir():
        if re.match(r"(ALS|LR)_[1-4]_4\.|participants", path.name):
            shutil.copy(path, tmp_path / "scans")
    book = openpyxl.Workbook()
    with (SAMPLE / "participants.csv").open() as file:
        for row in csv.reader(file):
            if not row[0].endswith(("6", "7", "8")):
                book.active.append(row)
    book.save(tmp_path / "people.xlsx")
    shutil.move(tmp_path / "scans" / "participants.csv", tmp_path / "participants.csv")
    return tmp_path


def test_the_commands(folder: Path) -> None:
    commands = [block.text for block in blocks("tables.md") if block.language == "sh"]
    assert len(commands) == 4
    for number, command in enumerate(commands):
        if number == 1:  # from here on the dataset has its own table
            shutil.move(folder / "participants.csv", folder / "scans" / "participants.csv")
        code, printed = shell(command, folder)
        assert code == 0, printed
    assert {path.name for path in (folder / "results").iterdir()} >= {"wide.csv", "measurements.csv"}
    assert (folder / "correlations" / "correlations.csv").is_file()
    assert (folder / "bids" / "sub-ALS1" / "anat").is_dir()
