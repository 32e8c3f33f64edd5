"""The page on models: its command, and the numbers that it shows."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from tests.support.pages import DOCS, blocks, shell

PAGE = (DOCS / "models.md").read_text(encoding="utf-8")


def table_of(header: str) -> list[list[str]]:
    block = PAGE[PAGE.index(header) :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_example_has_the_numbers_of_the_page(sample_results: Path, tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(sample_results)
    (block,) = blocks("models.md")
    code, printed = shell(block.text, tmp_path)[:2]
    assert code == 0, printed
    made = tmp_path / "model"
    tests = [
        [
            row["term"],
            row["df1"],
            f"{float(row['df2']):.1f}",
            f"{float(row['f']):.3f}",
            f"{float(row['p']):.3g}",
        ]
        for row in read(made / "f_tests.csv")
    ]
    assert table_of("| term |") == tests
    pairs = {(row["cell_a"], row["cell_b"]): row for row in read(made / "mean_differences.csv")}
    for cell_a, cell_b, difference, interval, df, p in table_of("| cell_a |"):
        row = {name: float(pairs[cell_a, cell_b][name]) for name in ("difference", "ci_low", "ci_high", "df")}
        assert difference == f"{row['difference']:.3f}".replace("-", "−")
        assert interval == f"{row['ci_low']:.3f} to {row['ci_high']:.3f}".replace("-", "−")
        assert df == f"{row['df']:.1f}"
        assert float(p) == float(f"{float(pairs[cell_a, cell_b]['p_adjusted']):.3g}")
    participant, residual = read(made / "random_effects.csv")
    sds = f"SD of {float(participant['sd']):.3f}, the rows of one with {float(residual['sd']):.3f}"
    assert f"{sds}: an ICC of {float(participant['icc']):.3f}" in PAGE
    stems = {re.sub("_data$", "", path.stem) for path in made.iterdir()}
    named = {name.split("_…")[0] for name in re.findall(r"`(\w+(?:_…)?)\.(?:csv|png)`", PAGE)}
    assert {name for name in named if not any(stem.startswith(name) for stem in stems)} == set()
