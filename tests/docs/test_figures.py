"""The page on figures: its command, its style sheet, the columns it names."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

from mriparaspinal.analysis.drawing import figure_files
from mriparaspinal.present.p_values import STARS_KEY
from tests.support.pages import DOCS, blocks, commands_with_output, shell, shows

PAGE = (DOCS / "figures.md").read_text(encoding="utf-8")


def test_the_command_writes_what_the_page_lists(sample_results: Path, tmp_path: Path) -> None:
    # L4 and L5 alone: fewer panels, the same figures.
    ignored = shutil.ignore_patterns("L[123].csv", "measurements.csv", "quantify.json")
    shutil.copytree(sample_results, tmp_path / "results", ignore=ignored)
    ((command, listed),) = commands_with_output("figures.md")
    code, printed = shell(command, tmp_path)[:2]
    assert code == 0
    assert listed is not None
    assert shows(listed, printed)
    with (tmp_path / "print" / "figure3_sides_als_data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["drawn"] for row in rows} == {"point", "box", "p"}
    table = PAGE[PAGE.index("| `drawn` |") :]
    named = re.findall(r"`(\w+)`", table)
    assert {name for name in rows[0] if name != "drawn"} <= set(named)
    stems = {path.name.removesuffix(".svg") for path in (tmp_path / "print").glob("*.svg")}
    patterns = [re.sub("GROUP", r"\\w+", name) for name in re.findall(r"^\| `(figure\w+)` \|", PAGE, re.M)]
    assert all(any(re.fullmatch(pattern, stem) for pattern in patterns) for stem in stems)


def test_the_style_sheet_is_one(tmp_path: Path) -> None:
    (sheet,) = (block.text for block in blocks("figures.md") if block.text.startswith("# lab.mplstyle"))
    file = tmp_path / "lab.mplstyle"
    file.write_text(sheet.replace("Arial", "DejaVu Sans"), encoding="utf-8")
    assert set(figure_files(style=file).style) == {
        "font.family", "font.size", "axes.prop_cycle", "savefig.dpi",
    }  # fmt: skip


def test_the_stars_are_those_of_the_legend() -> None:
    assert STARS_KEY in PAGE.replace("\\", "")
