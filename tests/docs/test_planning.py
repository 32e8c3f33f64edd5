"""The page on planning: its commands are typed, its numbers computed."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.stats.power import smallest, welch_power
from tests.support.pages import DOCS, commands_with_output, shell, shows


def test_the_commands_of_the_page_run(sample_results: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_results, tmp_path / "results")
    with contextlib.chdir(tmp_path):
        for command, shown in commands_with_output("planning.md"):
            code, printed = shell(command, tmp_path)
            assert code == 0, printed
            assert shown is None or shows(shown, printed), printed
    assert (tmp_path / "plan" / "plan_curve.csv").is_file()
    sizes = pd.read_csv(tmp_path / "plan_reading" / "plan_icc_auc.csv")
    assert sizes["needed_a"].iloc[0] == 20


@pytest.mark.parametrize(("tests", "normal", "size"), [(1, "24.5", 26), (15, "44.6", 47)])
def test_the_worked_example(tests: int, normal: str, size: int) -> None:
    text = (DOCS / "planning.md").read_text(encoding="utf-8")
    z = stats.norm.isf(0.025 / tests) + stats.norm.isf(0.2)
    assert f"{z**2 * 2 * 0.1**2 / 0.08**2:.1f}" == normal
    assert smallest(lambda n: welch_power(0.08, 0.1, 0.1, n, n, 0.05 / tests), 0.8) == size
    assert normal in text
    assert f" {size}" in text
