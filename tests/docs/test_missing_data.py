"""The page on missing data: its commands are typed."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from tests.support.pages import SAMPLE, commands_with_output, shell, shows


def test_the_commands_of_the_page_run(sample_results: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_results, tmp_path / "results")
    shutil.copy(SAMPLE / "participants.csv", tmp_path)
    with contextlib.chdir(tmp_path):
        for command, shown in commands_with_output("missing-data.md"):
            code, printed = shell(command, tmp_path)
            assert code == 0, printed
            assert shown is None or shows(shown, printed), printed
    assert (tmp_path / "comparison" / "missing.csv").is_file()
