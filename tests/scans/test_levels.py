"""levels.csv: good rows are used, each bad one is named."""

from __future__ import annotations

import pytest

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.scans.levels import COLUMNS, parse_levels

GOOD = ("s", "ALS", "7", "3", "12")


def test_a_good_row():
    (level,), problems = parse_levels(COLUMNS, [GOOD])
    assert (level.row, level.group, level.patient) == (2, "ALS", "7")
    assert (level.slices, level.segment) == ((12,), "L3")
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
    assert [level.row for level in levels] == [3]
    assert (problem.file, problem.shape, problem.severity) == ("levels.csv", "row 2", "error")


def test_position_instead_of_slice():
    columns = (*COLUMNS[:4], "position_mm", "series")
    (level,), _ = parse_levels(columns, [(*GOOD[:4], "-12.5", "8")])
    assert (level.slices, level.position_mm, level.series) == ((), -12.5, 8)
    both = parse_levels((*COLUMNS, "position_mm"), [(*GOOD, "3")])
    assert "slice and position_mm were found" in both[1][0].message


def test_one_image_cannot_come_from_two_spellings_of_a_group():
    levels, problems = parse_levels(
        COLUMNS, [GOOD, ("s", "als", "7", "L3", "5"), ("s", "ALS", "8", "3", "1")]
    )
    assert [level.row for level in levels] == [4]
    assert [problem.code for problem in problems] == ["duplicate-slice"] * 2


def test_several_rows_and_ranges_are_stacks():
    rows = [GOOD, ("s", "ALS", "7", "L3", "13"), ("s", "ALS", "8", "3", "10-14")]
    levels, problems = parse_levels(COLUMNS, rows)
    assert [level.slices for level in levels] == [(12,), (13,), (10, 11, 12, 13, 14)]
    assert problems == []


@pytest.mark.parametrize("cell", ["14-10", "1-27", "10-", "-10", "14-Oct", "1-2-3", "1,2", "²"])
def test_ranges_that_are_none(cell):
    levels, (problem,) = parse_levels(COLUMNS, [(*GOOD[:4], cell)])
    assert not levels
    assert "10-14" in problem.message


MAPPED = (*COLUMNS, "label_map")


def test_a_label_map_stands_for_one_segment_or_all():
    rows = [("s", "ALS", "7", "", "", "m.nii"), ("s", "ALS", "8", "4", "", "m.nii")]
    levels, problems = parse_levels(MAPPED, rows)
    assert [(level.segment, level.label_map) for level in levels] == [(None, "m.nii"), ("L4", "m.nii")]
    assert problems == []
    assert parse_levels(("source", "group", "patient", "segment", "label_map"), [(*rows[0][:4], "m.nii")])[0]


@pytest.mark.parametrize(
    "row",
    [("s", "ALS", "7", "3", "", ""), ("s", "ALS", "7", "3", "1", "m.nii"), ("s", "ALS", "7", "", "1", "")],
)
def test_one_way_to_find_a_slice_is_needed(row):
    assert [p.code for p in parse_levels(MAPPED, [row])[1]] == ["bad-level"]


def test_a_level_by_its_map_and_by_a_slice_is_not_clear():
    rows = [
        ("s", "ALS", "7", "", "", "m.nii"),
        ("s", "ALS", "7", "5", "3", ""),
        ("s", "ALS", "8", "5", "3", ""),
    ]
    levels, problems = parse_levels(MAPPED, rows)
    assert [level.row for level in levels] == [4]
    assert [(p.shape, p.code) for p in problems] == [
        ("row 2", "duplicate-slice"),
        ("row 3", "duplicate-slice"),
    ]
    assert "ALS_7 L5" in problems[0].message


@pytest.mark.parametrize(
    "columns", [(*COLUMNS, "confirmed"), (*COLUMNS, "Confirmed"), (*COLUMNS, "proposal")]
)
@pytest.mark.parametrize("answer", ["yes", "no", "", "by spacing"])
def test_a_proposal_counts_once_a_person_has_said_yes(columns, answer):
    levels, problems = parse_levels(columns, [(*GOOD, answer)])
    yes = answer == ("" if "proposal" in columns else "yes")
    no = answer == "no" and "proposal" not in columns
    assert len(levels) == yes
    assert [problem.code for problem in problems] == ["unconfirmed-level"] * (not yes and not no)


@pytest.mark.parametrize(("columns", "rows"), [(COLUMNS[1:], []), (COLUMNS, []), (COLUMNS[:4], [GOOD[:4]])])
def test_tables_that_cannot_be_used(columns, rows):
    with pytest.raises(NoInputError, match=r"levels\.csv: .*; expected .*; "):
        parse_levels(columns, rows)
