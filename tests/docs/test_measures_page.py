"""The page on further measures: its command runs, and it has a row for every column."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from mriparaspinal.core.measure_columns import MEASURE_COLUMNS, columns_of
from tests.support.pages import DOCS, SAMPLE, blocks, shell


def test_the_command_of_the_page_writes_its_columns(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for name in ("ALS_1_3.png", "ALS_1_3.json"):
        shutil.copy(SAMPLE / name, tmp_path / "scans")
    (command,) = (block.text for block in blocks("measures.md") if block.language == "sh")
    assert shell(command, tmp_path)[0] == 0
    header = (tmp_path / "results" / "L3.csv").read_text().splitlines()[0]
    assert header.endswith("," + ",".join(columns_of(re.findall(r"--measure (\w+)", command))))


def test_every_column_has_its_row() -> None:
    page = (DOCS / "measures.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (\w+)$", page, flags=re.MULTILINE)
    tables = dict(zip(parts[1::2], parts[2::2], strict=True))
    for group, columns in MEASURE_COLUMNS.items():
        first_cells = re.findall(r"^\| (`[^|]*) \|", tables[group], flags=re.MULTILINE)
        # `fi_ml_1of3` … `fi_ml_3of3`
        spans = re.compile(r"`(\w+_)1(of(\d))` … `\1\3\2`")
        listed = [
            spans.sub(lambda m: " ".join(f"`{m[1]}{k}{m[2]}`" for k in range(1, int(m[3]) + 1)), cell)
            for cell in first_cells
        ]
        named = [name for cell in listed for name in re.findall(r"`(\w+)`", cell)]
        assert sorted(named) == sorted(column.name for column in columns)
