"""Numbers at the ends of what a computer can hold: a note or one line, no traceback, no word of a library."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

import pytest

from tests.support.builders.study import run

N = 12
_chance = random.Random(7)
NORMAL = [_chance.gauss(0, 1) for _ in range(N)]
COLUMNS: dict[str, list[float | str]] = {
    "big": [1e308] * N,
    "mixed": [_chance.choice([1e308, -1e308, 1.0]) for _ in range(N)],
    "tiny": [_chance.choice([5e-324, 0.0, 1e-310]) for _ in range(N)],
    "equal": [3.3] * N,
    "rounded": [0.1 + 0.2 if i % 2 else 0.3 for i in range(N)],
    "arms": [1.0 if i < N // 2 else 2.0 for i in range(N)],
    "alone": [0.0] * (N - 1) + [1e308],
    "squares": [1e160 * x for x in NORMAL],
    "empty": [""] * N,
}


def write(path: Path, name: str, rows: int = N) -> Path:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["participant_id", "group", "normal", name])
        cells = list(zip(NORMAL, COLUMNS[name], strict=True))[:rows]
        table.writerows([f"P_{i}", "A" if i < N // 2 else "B", *pair] for i, pair in enumerate(cells))
    return path


ROC = "--outcome group --positive A --predictor normal --predictor NAME --combine"
COMMANDS = [
    ("compare", "--table", "TABLE"),
    ("compare", "--table", "TABLE", "--normality", "shapiro", "--divide-by", "NAME"),
    ("correlate", "--table", "TABLE", "--score", "NAME"),
    ("regress", "--table", "TABLE", "--outcome", "NAME", "--predictor", "normal"),
    ("regress", "--table", "TABLE", "--outcome", "normal", "--predictor", "NAME"),
    ("model", "--table", "TABLE", "--metric", "NAME", "--formula", "group + normal"),
    ("model", "--table", "TABLE", "--metric", "normal", "--formula", "group * NAME", "--means", "group"),
    ("roc", "TABLE", *ROC.split()),
]


@pytest.mark.parametrize("rows", [0, 1, N])
@pytest.mark.parametrize("name", COLUMNS)
def test_every_statistic_takes_them_or_refuses_them(tmp_path, name, rows):
    """The suite turns a library's warning into an error, so none is given."""
    table = write(tmp_path / "table.csv", name, rows)
    for number, words in enumerate(COMMANDS):
        named = {"TABLE": table, "NAME": name}
        out = tmp_path / str(number)
        outcome = run(*(named.get(word, word) for word in words), "--out", out)
        assert outcome.code in (0, 2, 3), outcome.err
        if outcome.code:
            assert len(outcome.err.strip().splitlines()) == 1
        for file in out.glob("*.csv"):
            for row in csv.reader(file.read_text().splitlines()):
                assert not {"nan", "inf", "-inf"} & {cell.lower() for cell in row}


def test_what_is_too_large_or_too_small_is_said(tmp_path):
    table = write(tmp_path / "table.csv", "tiny")
    words = ["--metric", "tiny", "--contrast", "group:A-B"]
    outcome = run("compare", "--table", table, *words, "--out", tmp_path)
    assert "nearer to zero than 1e-60, taken as missing" in outcome.err
    with (tmp_path / "comparisons.csv").open() as file:
        row = next(csv.DictReader(file))
    known = [value for value in COLUMNS["tiny"] if value == 0]
    assert int(row["n_a"]) + int(row["n_b"]) == len(known)
    assert math.isclose(float(row["mean_a"]), 0)
