"""What the columns of a participants table mean, and which of its cells are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.core.participants import NOBODY, WORDS, match_slices, read_participants


def cell(column: str, text: str) -> tuple[str, list[str]]:
    """One normalised cell, and the codes of the problems with it."""
    people, problems = read_participants(("participant_id", column), [("ALS_1", text)], "participants.csv")
    return people.value("ALS_1", column), [p.code for p in problems]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("left", "left"),
        ("L", "left"),
        ("l", "left"),
        (" Left ", "left"),
        ("RIGHT", "right"),
        ("r", "right"),
        ("", ""),
        ("n/a", ""),
        ("NA", ""),
        ("NaN", ""),
        (".", ""),
    ],
)
def test_onset_side(text, side):
    assert cell("onset_side", text) == (side, [])


@pytest.mark.parametrize("text", ["lef", "1", "left/right", "L R", "-", "=L", "d", "s"])
def test_an_onset_side_that_is_none_is_missing_and_an_error(text):
    assert cell("onset_side", text) == ("", ["bad-value"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("+", "1"),
        ("1.0", "1"),
        ("0", "0"),
        ("-", "0"),
        ("−", "0"),
        ("–", "0"),
        ("0.0", "0"),
        ("", ""),
        ("n/a", ""),
    ],
)
def test_psa(text, value):
    assert cell("psa", text) == (value, [])


@pytest.mark.parametrize("text", ["2", "yes", "++", "0.5", "−1", "true"])
def test_a_psa_that_is_none(text):
    assert cell("psa", text) == ("", ["bad-value"])


RANGES = {
    "age": (0, 130),
    "age_onset": (0, 130),
    "alsfrs_r": (0, 48),
    "alsfrs_lower": (0, 12),
    "bmi": (5, 150),
    "height": (100, 250),
    "disease_duration": (0, 1500),
}


@pytest.mark.parametrize(("column", "ends"), RANGES.items())
def test_numbers_within_their_range_stay_as_written(column, ends):
    for text in (str(ends[0]), str(ends[1]), f"{ends[0] + 1}.50", f"{ends[0] + 1}e0"):
        assert cell(column, text) == (text, [])


@pytest.mark.parametrize(("column", "ends"), RANGES.items())
@pytest.mark.parametrize("how", ["below", "above"])
def test_numbers_outside_their_range(column, ends, how):
    text = str(ends[0] - 1) if how == "below" else str(ends[1] + 0.001)
    assert cell(column, text) == ("", ["bad-value"])


@pytest.mark.parametrize(
    "text", ["six", "22,5", "inf", "1e999", "4 2", "42 years", "1_0", "٤٢", "0x10", "=40+2"]
)
def test_a_number_that_is_none(text):
    people, problems = read_participants(("participant_id", "age"), [("ALS_1", text)], "people.csv")
    assert people.value("ALS_1", "age") == ""
    assert len(problems) == 1
    line = problems[0].line()
    for part in ("people.csv: ALS_1: error: age", text, "expected a number from 0 to 130 (years)", "missing"):
        assert part in line


@pytest.mark.parametrize("text", ["", "n/a", "NA", "nan", "None", "-", "–", "."])
def test_numbers_that_are_missing(text):
    assert cell("alsfrs_r", text) == ("", [])


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "@SUM(A1)", "+cmd|' /C calc'!A0"])
def test_formulas_in_columns_with_a_meaning_are_refused_and_in_others_stay_text(text):
    for column in ("age", "psa", "onset_side"):
        assert cell(column, text) == ("", ["bad-value"])
    assert cell("note", text) == (text, [])


def test_other_columns_are_kept():
    rows = [("ALS_1", "ALS", "lower", " 7 "), ("LR_1", "LR", "n/a", "x")]
    people, problems = read_participants(("participant_id", "group", "onset_region", "iq"), rows, "p.csv")
    assert not problems
    assert people.columns == ("group", "onset_region", "iq")
    assert people.rows["ALS_1"] == {"group": "ALS", "onset_region": "lower", "iq": "7"}
    assert people.value("LR_1", "onset_region") == ""
    assert people.value("nobody", "group") == ""


def test_the_id_may_stand_in_any_column():
    people, problems = read_participants(("age", "participant_id"), [("60", "ALS_1")], "p.csv")
    assert not problems
    assert people.value("ALS_1", "age") == "60"


@pytest.mark.parametrize("columns", [("id", "age"), ("Participant_ID", "age"), ("", "age")])
def test_without_a_column_of_ids_nobody_is_known(columns):
    people, problems = read_participants(columns, [("ALS_1", "60")], "p.csv")
    assert people == NOBODY
    (problem,) = problems
    assert (problem.code, problem.severity) == ("no-participant-id", "error")
    assert "age" in problem.message
    assert "expected participant_id" in problem.message


def test_a_row_without_an_id():
    people, problems = read_participants(("participant_id", "age"), [("ALS_1", "60"), ("", "61")], "p.csv")
    assert list(people.rows) == ["ALS_1"]
    assert "row 3" in problems[0].message


def test_duplicate_ids_count_for_nobody():
    rows = [("ALS_1", "left"), ("ALS_2", "left"), ("ALS_1", "right"), ("ALS_1", "left")]
    people, problems = read_participants(("participant_id", "onset_side"), rows, "p.csv")
    assert list(people.rows) == ["ALS_2"], "which of the three rows is right cannot be known"
    (problem,) = problems
    assert (problem.shape, problem.code, problem.severity) == ("ALS_1", "duplicate-participant", "error")
    assert "3 rows" in problem.message


def test_every_bad_cell_is_told():
    columns = ("participant_id", "age", "bmi", "psa")
    _, problems = read_participants(columns, [("a", "x", "y", "z"), ("b", "1", "2", "3")], "p.csv")
    assert [(p.shape, p.message.split()[0]) for p in problems] == [
        ("a", "age"),
        ("a", "bmi"),
        ("a", "psa"),
        ("b", "bmi"),
        ("b", "psa"),
    ]


def test_the_table_against_the_slices():
    people, _ = read_participants(
        ("participant_id", "group"),
        [("ALS_1", "ALS"), ("LR_1", "ALS"), ("LR_10", ""), ("LR_9", "LR"), ("LR_2", "")],
        "p.csv",
    )
    groups = {"ALS_1": "ALS", "LR_1": "LR", "LR_2": "LR", "ALS_20": "ALS", "ALS_3": "ALS"}
    problems = match_slices(people, groups, "p.csv")
    assert [(p.severity, p.code, p.shape) for p in problems] == [
        ("warning", "slices-without-participant", "ALS_3"),
        ("warning", "slices-without-participant", "ALS_20"),
        ("warning", "participant-without-slices", "LR_9"),
        ("warning", "participant-without-slices", "LR_10"),
        ("error", "group-differs", "LR_1"),
    ]
    assert "group ALS in the table, LR in the file names" in problems[-1].message


def test_a_group_in_another_case_differs():
    people, _ = read_participants(("participant_id", "group"), [("ALS_1", "als")], "p.csv")
    assert [p.code for p in match_slices(people, {"ALS_1": "ALS"}, "p.csv")] == ["group-differs"]


@given(
    st.sampled_from(["age", "bmi", "psa", "onset_side", "alsfrs_r", "disease_duration"]), st.text(max_size=15)
)
def test_a_cell_is_understood_or_missing_with_a_word(column, text):
    """Whatever is written there: a value of the right kind, a missing one, or a problem."""
    value, problems = cell(column, text)
    if problems:
        assert value == ""
    elif value:
        if column in RANGES:
            assert RANGES[column][0] <= float(value) <= RANGES[column][1]
        else:
            assert value in {"psa": ("0", "1"), "onset_side": ("left", "right")}[column]


@pytest.mark.parametrize("column", ["Onset_Side", "onset side", "ONSET-SIDE"])
def test_a_column_that_is_nearly_one_with_a_meaning_is_told(column):
    people, (problem,) = read_participants(("participant_id", column), [("ALS_1", "left")], "p.csv")
    assert (problem.severity, problem.code) == ("warning", "column-alike")
    assert repr(column) in problem.message
    assert people.value("ALS_1", "onset_side") == ""


def test_a_column_beside_the_one_that_is_meant_is_nobodys_mistake():
    columns = ("participant_id", "onset_side", "Onset side")
    assert read_participants(columns, [("ALS_1", "left", "by EMG")], "p.csv")[1] == ()


@pytest.mark.parametrize(
    ("column", "spellings"),
    [
        ("sex M", "M m male Male MALE man männlich Mann homme Hombre masculino uomo ♂ 男 ｍ"),
        ("sex F", "F f female FEMALE woman w W weiblich Frau femme mujer donna ♀ 女"),
        ("sex 1", "1"),
        ("sex diverse", "diverse"),
        ("onset_side left", "left Left L l links Links gauche izquierda sinistra left-sided Left_side"),
        ("onset_side right", "right R r rechts droite derecha destra right.side"),
        (
            "onset_region lower",
            "lower Lower LL ll lower-limb lower_extremity Leg legs left-leg Bein lower-limb-onset",
        ),
        ("onset_region upper", "upper UL upper-limb Upper_Extremity arm arms right_arm upper-onset"),
        ("onset_region bulbar", "bulbar Bulbar bulbar-onset BULBAR.onset"),
        ("psa 1", "1 + 1.0 pos Positive PSA+"),
        ("psa 0", "0 - − – 0.0 neg negative PSA-"),
    ],
)
def test_spellings_of_one_word(column, spellings):
    name, word = column.split()
    for text in spellings.split():
        assert cell(name, text) == (word, [])
        if name != "psa":
            assert cell(name, text.replace("-", " ").title()) == (
                word if word != "diverse" else "Diverse",
                [],
            )


@pytest.mark.parametrize(
    "text",
    ["bilateral", "Both", "unknown", "L>R", "l > r", "R=L", "bds", "?", "both sides", "None"],
)
def test_an_onset_side_that_names_no_side_is_missing_and_told(text):
    rows = [("ALS_1", text), ("ALS_2", "left"), ("ALS_3", "NA")]
    people, problems = read_participants(("participant_id", "onset_side"), rows, "p.csv")
    assert [people.value(who, "onset_side") for who in people.rows] == ["", "left", ""]
    codes = [] if text == "None" else ["no-onset-side"]
    assert [(p.severity, p.code) for p in problems] == [("warning", code) for code in codes]
    for problem in problems:
        assert f"for 1 participant ({text} 1)" in problem.message


@pytest.mark.parametrize(
    "levels",
    [["H", "M"], ["h", "m", "H"], ["hombre", "mujer", "M"], ["M", "F", "H"], ["mulher", "M"], ["varón", "M"]],
)
def test_h_and_m_together_are_unclear(levels):
    rows = [(f"ALS_{i}", text) for i, text in enumerate(levels)]
    people, problems = read_participants(("participant_id", "sex"), rows, "p.csv")
    (problem,) = problems
    assert (problem.severity, problem.code) == ("error", "bad-value")
    assert "M may be a man or a woman" in problem.message
    unclear = [who for who, text in rows if text.casefold() in ("h", "m")]
    assert {people.value(who, "sex") for who in unclear} == {""}


@pytest.mark.parametrize(
    "levels", [["H", "F"], ["homme", "femme"], ["M", "W"], ["m", "f"], ["hombre", "mujer"]]
)
def test_other_pairs_of_letters_are_clear(levels):
    rows = [(f"ALS_{i}", text) for i, text in enumerate(levels)]
    people, problems = read_participants(("participant_id", "sex"), rows, "p.csv")
    assert [people.value(who, "sex") for who in people.rows] == ["M", "F"]
    assert problems == ()


def test_an_unknown_spelling_beside_others_is_told():
    def told(*texts: str) -> list[str]:
        rows = [(f"ALS_{i}", text) for i, text in enumerate(texts)]
        _, problems = read_participants(("participant_id", "sex"), rows, "p.csv")
        return [problem.code for problem in problems]

    assert told("M", "F", "femal") == ["mixed-spellings"]
    assert told("1", "2", "M") == ["mixed-spellings"]
    assert (
        told("1", "2", "1") == told("K", "M") == told("M", "F", "diverse") == told("M", "F", "unknown") == []
    )


def test_what_was_read_as_missing_or_as_one_word_is_noted():
    columns = ("participant_id", "alsfrs_r", "sex", "drug", "iq")
    rows = [
        ("a", "NA", "M", "None", "100"),
        ("b", ".", "male", "n/a", "null"),
        ("c", "na", "F", "riluzole", "98"),
        ("d", "", "unknown", "", "97,5"),
        ("e", "40", "F", "riluzole", "99"),
    ]
    people, problems = read_participants(columns, rows, "p.csv")
    assert problems == ()
    assert people.notes == (
        "alsfrs_r: 3 cells read as missing (. 1, NA 1, na 1)",
        "sex: 1 cell read as missing (unknown 1)",
        "sex: read as M: M 1, male 1",
        "drug: 1 cell read as missing (n/a 1)",
        "iq: no numbers, so the column is read as texts: 97,5 1",
    )
    assert [people.value(who, "drug") for who in "abc"] == ["None", "", "riluzole"]


def test_the_examples_of_the_docs_are_read_as_it_says():
    page = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(sex|onset_side|onset_region|psa)` \| (.*) \| (.*) \|$", page, re.M)
    assert {column for column, *_ in rows} == set(WORDS)
    for column, told, examples in rows:
        words = re.findall(r"`(.*?)`", told) or [""]
        for word, spellings in zip(words, examples.split(";"), strict=True):
            for spelling in re.findall(r"`(.*?)`", spellings):
                people, _ = read_participants(("participant_id", column), [("a", spelling)], "p.csv")
                assert people.value("a", column) == word, spelling


def test_a_column_nearly_named_so_is_read_with_its_words():
    rows = [("a", "male", "links", "x"), ("b", "M", "rechts", "+")]
    columns = ("participant_id", "Gender", "Onset side", "PSA")
    people, problems = read_participants(columns, rows, "p.csv")
    assert people.rows["a"] == {"Gender": "M", "Onset side": "left", "PSA": "x"}
    assert people.rows["b"] == {"Gender": "M", "Onset side": "right", "PSA": "+"}
    assert [problem.code for problem in problems] == ["column-alike", "column-alike"]
