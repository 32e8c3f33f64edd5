"""No command writes a cell that a spreadsheet would run: names and values come from tables of others."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.support.builders.study import run

#: Groups, columns and values as somebody hostile would name them.
GROUPS = ("=1+1", "@cmd")
X, Y = "=HYPERLINK(1)", "+x"


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("formulas") / "table.csv"
    chance = random.Random(1)
    rows = [
        [f"=P{i}", GROUPS[i % 2], chance.gauss(i % 2, 1), chance.gauss(0, 1), "-low" if i % 3 else "=up"]
        for i in range(24)
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["participant_id", "group", X, Y, "onset_region"], *rows])
    return path


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[0] != "+"


def require_no_formula(folder: Path) -> None:
    tables = [*folder.glob("*.csv"), *folder.glob("*.xlsx")]
    assert tables
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r"} or is_number(cell), (path, cell)
    for path in folder.glob("*.xlsx"):
        for sheet in load_workbook(path):
            for row in sheet.iter_rows():
                for one in row:
                    assert one.data_type != "f"
                    assert one.value is None or one.value[:1] not in "=+-@" or one.quotePrefix


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "--table", "TABLE", "--participants", "TABLE"),
        ("compare", "--table", "TABLE", "--contrast", "group:=1+1-@cmd", "--divide-by", Y),
        ("correlate", "--table", "TABLE", "--score", Y),
        ("regress", "--table", "TABLE", "--outcome", Y, "--predictor", X, "--covariate", "group"),
        ("roc", "TABLE", "--outcome", "group", "--positive", "=1+1", "--predictor", X, "--predictor", Y),
    ],
)
def test_no_cell_of_a_statistic_is_a_formula(table, tmp_path, words):
    outcome = run(*(table if word == "TABLE" else word for word in words), "--out", tmp_path / "out")
    assert outcome.code in (0, 4), outcome.err
    require_no_formula(tmp_path / "out")
    assert "\x1b" not in outcome.err


def test_no_cell_of_agreement_is_a_formula(tmp_path):
    rows = ["target,rater,value"]
    rows += [
        f"{target},{rater},{len(target) + ord(rater[0])}.5"
        for target in ("=a", "@bb", "-ccc")
        for rater in ("+A", "=BB")
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    outcome = run("reliability", "--table", tmp_path / "t.csv", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    require_no_formula(tmp_path / "out")
