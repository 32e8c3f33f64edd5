"""Tables of grades in any usual form, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.ratings import (
    PAIR_COLUMNS,
    RATING_COLUMNS,
    grades_of_tables,
    pairs_of_grades,
    rating_agreement,
)

WIDE = pd.DataFrame(
    {
        "participant_id": ["ALS_2", "ALS_10", "ALS_2", "ALS_10"],
        "side": ["right", "left", "left", "right"],
        "anna": ["3", "0", "2", "1"],
        "ben": ["3", "", "2", "0"],
    }
)
LONG = WIDE.melt(["participant_id", "side"], var_name="rater", value_name="grade")
OF_EACH = {f"{rater}.csv": rows[["participant_id", "side", "grade"]] for rater, rows in LONG.groupby("rater")}


@pytest.mark.parametrize(
    "tables",
    [{"all.csv": WIDE}, {"all.csv": LONG}, {"all.csv": LONG.iloc[::-1]}, OF_EACH],
    ids=["wide", "long", "long, other order", "one each"],
)
def test_all_forms_give_the_same_grades(tables):
    found = grades_of_tables(tables)
    assert found.targets == ("ALS_2 left", "ALS_2 right", "ALS_10 left", "ALS_10 right")
    assert found.participants == ("ALS_2", "ALS_2", "ALS_10", "ALS_10")
    assert (found.raters, found.levels, found.ordered) == (("anna", "ben"), ("0", "1", "2", "3"), True)
    assert found.codes.tolist() == [[2, 2], [3, 3], [0, -1], [1, 0]]


def test_whole_numbers_are_the_scale_between_lowest_and_highest():
    table = pd.DataFrame({"target": ["a", "b"], "x": ["0", "3.0"], "y": ["0", "4"]})
    found = grades_of_tables({"t.csv": table})
    assert found.levels == ("0", "1", "2", "3", "4")
    assert "0, 1, 2, 3, 4, as found" in found.notes[0]
    assert grades_of_tables({"t.csv": table}, ["0", "1", "2", "3", "4", "5"]).levels[-1] == "5"


def test_texts_have_no_order_unless_it_is_given():
    table = pd.DataFrame(
        {"target": list("abc"), "x": ["mild", "none", "NA"], "y": ["none", "severe", "mild"]}
    )
    found = grades_of_tables({"t.csv": table})
    assert (found.levels, found.kinds) == (("mild", "none", "severe"), ("unweighted",))
    assert "without an order" in found.notes[0]
    ordered = grades_of_tables({"t.csv": table}, ["none", "mild", "severe"])
    assert (ordered.kinds, ordered.notes) == (("unweighted", "linear", "quadratic"), ())
    assert ordered.codes.tolist() == [[1, 0], [0, 2], [-1, 1]]


def test_a_sign_that_is_seen_or_not_needs_no_weights():
    table = pd.DataFrame({"target": list("ab"), "x": ["yes", "no"], "y": ["no", "no"]})
    found = grades_of_tables({"t.csv": table})
    assert (found.levels, found.kinds, found.notes) == (("no", "yes"), ("unweighted",), ())


ONE = pd.DataFrame({"target": ["a"], "grade": ["1"]})


def two(**columns):
    return {"t.csv": pd.DataFrame({"target": ["a", "b"], **columns})}


@pytest.mark.parametrize(
    ("tables", "scale", "said"),
    [
        ({}, (), "ratings: none"),
        ({"t.csv": pd.DataFrame({"x": ["1"], "y": ["2"]})}, (), "t.csv: the columns are x, y"),
        (two(x=["1", "2"]), (), "raters: only x was found"),
        (two(), (), "raters: none was found"),
        (two(grade=["1", "2"]), (), "t.csv: a column grade and no rater"),
        (two(rater=["x", ""], grade=["1", "2"]), (), "t.csv: no rater in row 2"),
        (two(x=["", ""], y=["", ""]), (), "ratings: no grade was found"),
        (two(x=["1", "2"], y=["1", "5"]), ("1", "2"), "row 2, rater y: grade '5'; expected one of 1, 2"),
        (two(x=["1", "2"], y=["1", "2"]), ("1",), "grades: '1' was found; expected two or more different"),
        (two(x=["1", "2"], y=["1", "2"]), ("1", "1.0"), "grades: '1,1.0' was found"),
        (two(x=["1", "2"], y=["1", "1.5"]), (), "row 2, rater y: grade '1.5'; expected whole numbers"),
        (two(x=["1", "2"], y=["1", "mild"]), (), "row 2, rater y: grade 'mild'; expected whole numbers"),
        (two(x=["0", "100"], y=["1", "2"]), (), "t.csv: 101 different grades; expected at most 20"),
        (two(x=["Yes", "no"], y=["yes", "no"]), (), "grade 'yes' beside 'Yes'; expected one spelling"),
        (
            {"t.csv": pd.DataFrame({"target": ["a", "a"], "x": ["1", "2"], "y": ["1", "2"]})},
            (),
            "t.csv: row 2, rater x: a twice for rater x; expected one grade",
        ),
        ({"t.csv": pd.DataFrame({"target": ["a", ""], "x": ["1", "2"]})}, (), "t.csv: no target in row 2"),
        ({"a.csv": ONE, "b.csv": ONE[["grade"]].assign(side="left")}, (), "b.csv: targets by side; expected"),
        ({"a.csv": ONE, "b.csv": ONE[["target"]]}, (), "b.csv: no column grade"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_in_one_line(tables, scale, said):
    with pytest.raises(UsageError) as caught:
        grades_of_tables(tables, scale)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# --- the tables ---------------------------------------------------------------------------------------------


def test_two_raters_by_hand():
    """Six targets, five agree: 0.8333; anna ⅓, ⅓, ⅓ and ben ⅓, ⅙, ½ agree by chance in ⅓: κ = 0.75."""
    grades = grades_of_tables(
        {
            "t.csv": pd.DataFrame(
                {"target": [*"uvwxyz"], "anna": [0, 1, 2, 0, 1, 2], "ben": [0, 1, 2, 0, 2, 2]}
            )
        }
    )
    table, notes = rating_agreement(grades)
    assert tuple(table.columns) == RATING_COLUMNS
    plain = table[table["weights"] == "unweighted"].set_index("coefficient")
    assert plain["value"].round(4).to_dict() == {
        "percent_agreement": 0.8333,
        "cohen_kappa": 0.75,
        "fleiss_kappa": round((5 / 6 - 50 / 144) / (94 / 144), 4),  # 4, 3 and 5 of 12 grades
        "gwet_ac1": round((5 / 6 - 94 / 288) / (194 / 288), 4),
    }
    assert set(table["coefficient"]) == {*plain.index, "gwet_ac2"}
    assert any("column participant_id" in note for note in notes)
    pairs = pairs_of_grades(grades)
    assert tuple(pairs.columns) == PAIR_COLUMNS
    assert pairs["count"].tolist() == [2, 0, 0, 0, 1, 1, 0, 0, 2]
    assert pairs["share"].sum() == pytest.approx(1)


def test_participants_with_several_targets_get_an_interval_of_their_own():
    rng = np.random.default_rng(4)
    truth = np.repeat(rng.integers(0, 3, 10), 4)
    table = pd.DataFrame({"participant_id": np.repeat(np.arange(10), 4), "target": np.tile([*"abcd"], 10)})
    for rater in "xyz":
        table[rater] = np.where(rng.random(40) < 0.7, truth, rng.integers(0, 3, 40)).astype(str)
    table.loc[39, ["x", "y"]] = ""
    table.loc[3, "z"] = ""
    found, notes = rating_agreement(grades_of_tables({"t.csv": table}))
    assert found["participants"].eq(10).all()
    assert found["ci_low_bootstrap"].lt(found["value"]).all()
    assert found["ci_high_bootstrap"].gt(found["value"]).all()
    cohen = found[(found["coefficient"] == "cohen_kappa") & (found["weights"] == "linear")]
    assert cohen[["rater_a", "rater_b", "n"]].values.tolist() == [
        ["x", "y", 39],
        ["x", "z", 38],
        ["y", "z", 38],
    ]
    assert any("read ci_low_bootstrap" in note for note in notes)
    assert any(note.startswith("1 target with fewer than two grades") for note in notes)
    assert any(note.startswith("1 target without a grade of every rater") for note in notes)
    again, _ = rating_agreement(grades_of_tables({"t.csv": table.iloc[::-1]}))
    pd.testing.assert_frame_equal(found, again)
    other, _ = rating_agreement(grades_of_tables({"t.csv": table}), seed=2)
    assert other["ci_low_bootstrap"].ne(found["ci_low_bootstrap"]).any()


def test_what_is_undefined_is_empty_and_said():
    table, notes = rating_agreement(grades_of_tables(two(x=["1", "1"], y=["1", "1"]), ["0", "1"]))
    assert table.set_index("coefficient")["value"].isna().to_dict() == {
        "percent_agreement": False, "cohen_kappa": True, "fleiss_kappa": True, "gwet_ac1": False,
    }  # fmt: skip
    assert any(note.startswith("cohen_kappa, fleiss_kappa: empty") for note in notes)


def test_an_interval_that_is_none_is_told():
    table = pd.DataFrame({"target": ["a", "b", "c"], "Anna": [0, 1, 2], "Ben": [0, 1, 2]})
    found, notes = rating_agreement(grades_of_tables({"t.csv": table}))
    assert found["ci_low"].isna().all()
    (note,) = (note for note in notes if "no interval" in note)
    assert note.endswith("no interval where all targets agree alike: their spread is 0")
