"""The page on missing data: its commands are typed."""

from __future__ import annotations

import contextlib
import csv
import shutil
from pathlib import Path

import numpy as np

from mriparaspinal.stats.imputation import pool
from tests.support.pages import DOCS, SAMPLE, commands_with_output, shell, shows


def test_the_commands_of_the_page_run(sample_results: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_results, tmp_path / "results")
    shutil.copy(SAMPLE / "participants.csv", tmp_path)
    with contextlib.chdir(tmp_path):
        for command, shown in commands_with_output("missing-data.md"):
            code, printed = shell(command, tmp_path)
            assert code == 0, printed
            assert shown is None or shows(shown, printed), printed
    assert (tmp_path / "comparison" / "missing.csv").is_file()
    assert (tmp_path / "models" / "regressions.csv").is_file()


def test_the_numbers_of_the_page_are_those_of_the_simulation() -> None:
    with (DOCS / "simulation" / "imputation.csv").open(encoding="utf-8") as file:
        rows = {(row["predictor"], row["n"], row["method"]): row for row in csv.DictReader(file)}
    text = (DOCS / "missing-data.md").read_text(encoding="utf-8")
    for kind in ("number", "two levels"):
        for n in ("20", "40", "200"):
            cells = []
            for column in ("bias", "coverage_pct"):
                pair = [rows[kind, n, method][column] for method in ("complete cases", "imputed")]
                cells.append([cell.replace("-", "−") + (" %" if column != "bias" else "") for cell in pair])
            assert f"| {n} | {' → '.join(cells[0])} | {' → '.join(cells[1])} |" in text
    wider = [
        float(rows[kind, n, "imputed"]["width"]) / float(rows[kind, n, "complete cases"]["width"])
        for kind in ("number", "two levels")
        for n in ("20", "40", "200")
    ]
    assert f"{100 * min(wider) - 100:.0f} to {100 * max(wider) - 100:.0f} % wider" in text


def test_the_worked_example() -> None:
    found = pool(np.array([[1.0], [1.2], [1.4]]), np.full((3, 1), 0.1), 20)
    text = (DOCS / "missing-data.md").read_text(encoding="utf-8")
    assert f"standard error is {found.se[0]:.3f}" in " ".join(text.split())
    assert f"df = {found.df[0]:.2f}" in text
