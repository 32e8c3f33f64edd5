"""The page on ROC: its command prints what it shows, and its numbers are those of the tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.pages import DOCS, SAMPLE, commands_with_output, shell, shows

TEXT = " ".join((DOCS / "roc.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the page's tables, and what the command printed."""
    folder = tmp_path_factory.mktemp("roc")
    (folder / "sample_data").mkdir()
    shutil.copy(SAMPLE / "participants.csv", folder / "sample_data")
    ((line, shown),) = commands_with_output("roc.md")
    code, printed = shell(line, folder)
    assert code == 0, printed
    assert shown is not None
    assert shows(shown, printed), printed
    return folder / "roc", printed


def test_the_numbers_of_the_example(typed: tuple[Path, str]) -> None:
    folder, _ = typed
    model = pd.read_csv(folder / "roc_model.csv").set_index("term").loc["bmi"]
    said = f"{model['odds_ratio']:.2f} ({model['odds_ratio_low']:.2f} to {model['odds_ratio_high']:.2f})"
    assert f"multiplies the odds by {said}, p = {model['p']:.3f}" in TEXT
    found = pd.read_csv(folder / "roc_validation.csv").set_index("measure")
    area = found.loc["auc"]
    assert f"{area['apparent']:.3f} − {area['optimism']:.3f} = {area['corrected']:.3f}" in TEXT
    assert f"a slope of {found['corrected']['calibration_slope']:.2f}" in TEXT
    fixed = pd.read_csv(folder / "roc_fixed.csv").iloc[0]
    interval = f"{fixed['ci_low']:.3f} to {fixed['ci_high']:.3f}"
    assert f"finds 4 of 8, sensitivity {fixed['sensitivity']:.3f} ({interval})" in TEXT
    part = pd.read_csv(folder / "roc_partial.csv").iloc[0]
    standardised = f"{part['standardised_low']:.3f} to {part['standardised_high']:.3f}"
    assert f"BMI {part['partial_auc']:.3f}, standardised {part['standardised']:.3f} ({standardised})" in TEXT


def test_the_numbers_by_hand() -> None:
    assert f"ln(6.5 · 9.5/(0.5 · 3.5)) = {np.log(6.5 * 9.5 / (0.5 * 3.5)):.3f}" in TEXT
    assert f"(30 − 10)/85 = {20 / 85:.3f}" in TEXT
    assert f"(45 − 40)/85 = {5 / 85:.3f}" in TEXT


def test_the_page_speaks_of_every_table(typed: tuple[Path, str]) -> None:
    folder, _ = typed
    tables = {path.name for path in folder.glob("roc_*.csv") if not path.name.endswith("_data.csv")}
    for name in tables - {"roc_points.csv", "roc_differences.csv"}:
        assert f"`{name}`" in TEXT
