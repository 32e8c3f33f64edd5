"""The participants table of a follow-up: one row per session."""

from __future__ import annotations

import pytest

from mriparaspinal.core.visits import (
    in_order_of_names,
    match_sessions,
    months_of,
    of_session,
    read_people,
    without_dates,
)

COLUMNS = ("participant_id", "session", "onset_side", "alsfrs_r", "months")


def read(*rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS):
    return read_people(columns, rows, "p.csv")


def test_what_holds_for_all_sessions_and_what_changes():
    people, problems = read(("ALS_7", "v1", "L", "40", "0"), ("ALS_7", "ses-v2", "", "36", "6.5"))
    assert not problems
    assert people.rows == {"ALS_7": {"onset_side": "left", "alsfrs_r": "", "months": ""}}
    assert of_session(people, "v2").rows == {
        "ALS_7": {"onset_side": "left", "alsfrs_r": "36", "months": "6.5"}
    }
    assert of_session(people, "v3").rows == {"ALS_7": {"onset_side": "left", "alsfrs_r": "", "months": ""}}
    assert months_of(people) == {("ALS_7", "v1"): 0.0, ("ALS_7", "v2"): 6.5}


def test_an_onset_side_that_changes_is_an_error_and_missing():
    people, (problem,) = read(("ALS_7", "v1", "L", "40", "0"), ("ALS_7", "v2", "right", "36", "6"))
    assert (problem.code, problem.severity, problem.shape) == ("sessions-differ", "error", "ALS_7")
    assert "left (v1) and right (v2)" in problem.message
    assert [of["onset_side"] for of in people.visits["ALS_7"].values()] == ["", ""]


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        (
            [("ALS_7", "v1", "L", "40", "0"), ("ALS_7", "v1", "L", "40", "0")],
            "duplicate-participant",
            "2 rows",
        ),
        ([("ALS_7", "", "L", "40", "0")], "no-session", "row 2 has no session"),
        ([("", "v1", "L", "40", "0")], "no-participant-id", "row 2"),
        ([("ALS_7", "v1", "L", "40", "six")], "bad-value", "months 'six'"),
        ([("ALS_7", "v1", "L", "400", "0")], "bad-value", "alsfrs_r '400'"),
        ([("ALS_7", "v1", "up", "40", "0")], "bad-value", "onset_side 'up'"),
    ],
)
def test_a_bad_cell_is_a_problem(rows, code, words):
    _, problems = read(*rows)
    assert [(p.code, p.severity) for p in problems] == [(code, "error")]
    assert words in problems[0].message


def test_dates_become_months_since_the_first_and_are_written_nowhere():
    # 2023-02-28 to 2023-08-31 are 184 days; 184 / 30.4375 = 6.04517453798768
    rows = [("A_1", "b", "2023-08-31"), ("A_1", "a", "2023-02-28"), ("A_2", "a", "NA"), ("A_2", "b", "x")]
    table = without_dates(("participant_id", "session_id", "date"), rows, "p.csv")
    assert table.columns == ("participant_id", "session", "months")
    assert [row[2] for row in table.rows] == ["6.04517453798768", "0", "", ""]
    assert [(p.code, p.shape) for p in table.problems] == [("bad-value", "A_2 b")]
    assert "2023" not in repr(table)
    assert "'x'" not in repr(table)


def test_a_table_without_sessions_stays_as_it_is():
    rows = (("ALS_7", "2024-01-01"),)
    assert without_dates(("participant_id", "date"), rows, "p.csv").rows == rows


def test_months_beside_dates_are_told():
    columns = ("participant_id", "session", "months", "date")
    table = without_dates(columns, [("A_1", "v1", "3", "2024-01-01")], "p.csv")
    assert (table.columns, table.rows) == (columns[:3], (("A_1", "v1", "3"),))
    assert [p.severity for p in table.problems] == ["warning"]


def test_sessions_of_names_and_of_the_table_are_compared():
    people, _ = read(
        ("ALS_7", "v1", "L", "40", "6"), ("ALS_7", "v2", "L", "36", "0"), ("LR_1", "v1", "", "", "0")
    )
    problems = match_sessions(people, [("ALS_7", "v1"), ("ALS_7", "v3"), ("LR_1", "v1")], "p.csv")
    told = [(p.code, p.shape) for p in problems]
    assert told == [
        ("other-sessions", "ALS_7"),
        ("other-sessions", "ALS_7"),
        ("sessions-out-of-order", "ALS_7"),
    ]
    assert "session v2 at 0 months, v1 at 6" in problems[-1].message


@pytest.mark.parametrize(
    ("sessions", "ordered"),
    [
        (["v2", "v1", "v10"], ["v1", "v2", "v10"]),
        (["2", "1"], ["1", "2"]),
        (["m12", "m06", "m0"], ["m0", "m06", "m12"]),
        (["V1", "v2"], ["V1", "v2"]),
        (["pre", "post"], None),
        (["bl", "m6"], None),
        (["v1", "v01"], None),
        (["a1b", "a2b"], None),
        (["pre"], ["pre"]),
    ],
)
def test_only_numbers_behind_one_word_tell_an_order(sessions, ordered):
    assert in_order_of_names(sessions) == ordered
