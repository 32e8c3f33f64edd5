"""levels.csv: good rows are used, each bad one is named."""

from __future__ import annotations

import pytest

from mriparaspinal.errors import NoInputError
from mriparaspinal.levels import COLUMNS, parse_levels

GOOD = ("s", "ALS", "7", "3", "12")


def test_a_good_row():
    (level,), problems = parse_levels(COLUMNS, [GOOD])
    assert (level.image, level.row, level.slice, level.segment) == ("ALS_7_3.png", 2, 12, "L3")
    assert problems == []


@pytest.mark.parametrize("segment", ["3", "L3", "l3"])
def test_segments_with_and_without_their_letter(segment):
    assert parse_levels(COLUMNS, [("s", "ALS", "7", segment, "1")])[0][0].segment == "L3"


@pytest.mark.parametrize(
    ("place", "cell"),
    [(1, ""), (1, "A/B"), (1, "../x"), (2, "seven"), (2, "-1"), (3, "6"), (3, ""), (4, "1.5"), (4, "")],
)
def test_each_bad_cell_is_a_problem_of_its_row(place, cell):
    row = list(GOOD)
    row[place] = cell
    levels, (problem,) = parse_levels(COLUMNS, [row, ("s", "LR", "1", "4", "2")])
    assert [level.image for level in levels] == ["LR_1_4.png"]
    assert (problem.file, problem.shape, problem.severity) == ("levels.csv", "row 2", "error")


def test_position_instead_of_slice():
    columns = (*COLUMNS[:4], "position_mm", "series")
    (level,), _ = parse_levels(columns, [(*GOOD[:4], "-12.5", "8")])
    assert (level.slice, level.position_mm, level.series) == (None, -12.5, 8)
    both = parse_levels((*COLUMNS, "position_mm"), [(*GOOD, "3")])
    assert "both slice and position_mm" in both[1][0].message


def test_one_image_cannot_come_from_two_rows():
    levels, problems = parse_levels(
        COLUMNS, [GOOD, ("s", "als", "7", "L3", "5"), ("s", "ALS", "8", "3", "1")]
    )
    assert [level.image for level in levels] == ["ALS_8_3.png"]
    assert [problem.code for problem in problems] == ["duplicate-slice"] * 2


@pytest.mark.parametrize(("columns", "rows"), [(COLUMNS[1:], []), (COLUMNS, []), (COLUMNS[:4], [GOOD[:4]])])
def test_tables_that_cannot_be_used(columns, rows):
    with pytest.raises(NoInputError, match=r"levels\.csv: .*; expected .*; "):
        parse_levels(columns, rows)
