"""The page on clinical scores: its examples are typed, and its numbers are those of the commands."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mriparaspinal.clinical import spirometry
from mriparaspinal.clinical.criteria import AWAJI, EL_ESCORIAL
from tests.support.pages import DOCS, blocks, commands_with_output, shell

PAGE = (DOCS / "scores.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scores") / "empty"
    folder.mkdir()
    for block in blocks("scores.md"):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
    for command, _ in commands_with_output("scores.md"):
        code, printed = shell(command, folder)
        assert code == 0, printed
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_kappa_of_the_two_readers(typed: Path) -> None:
    found = {
        row["weights"]: float(row["value"])
        for row in rows(typed / "agreement" / "rating_agreement_items.csv")
        if (row["item"], row["coefficient"]) == ("mf", "cohen_kappa")
    }
    # By hand: two of six pairs are one apart; by chance each grade of one meets each of the other.
    expected = sum((a - b) ** 2 for a in (2, 1, 4, 3, 0, 1) for b in (3, 1, 4, 3, 0, 0)) / 6
    assert found["quadratic"] == pytest.approx(1 - 2 / expected)
    assert f"here {found['quadratic']:.2f} with quadratic weights" in PAGE
    assert {row["participant_id"]: row["goutallier"] for row in rows(typed / "goutallier.csv")} == {
        "ALS_1": "2", "ALS_2": "4", "LR_1": "1",
    }  # fmt: skip


def test_the_ratios_are_compared(typed: Path) -> None:
    assert [row["metric"] for row in rows(typed / "spectra" / "comparisons.csv")] == ["naa_cr", "mins_naa"]


def test_equations_and_categories_are_those_of_the_code() -> None:
    for name in spirometry.COLUMNS:
        assert f"`{name}`" in PAGE
    for category in {*EL_ESCORIAL, *AWAJI}:
        assert f"| {category} |" in PAGE
    assert spirometry.predicted("ecsc1993", spirometry.MALE, 40, 170) == pytest.approx(
        0.0576 * 170 - 0.026 * 40 - 4.34
    )
