"""``--join``: further tables beside results or a table, and what cannot be joined."""

from __future__ import annotations

import tracemalloc

import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.analysis.compare import columns_named, compare_cohort
from mriparaspinal.analysis.inputs import join_tables, open_cohort, open_table
from mriparaspinal.core.errors import UsageError
from tests.support.builders.study import read_csv, repeat_results, run
from tests.support.builders.tables import write


@pytest.fixture(scope="module")
def results(sample_results):
    return sample_results


@pytest.fixture
def brain(tmp_path):
    """One number for each participant of the sample cohort, which LR has more of."""
    ids = [f"{group}_{n}" for group in ("LR", "ALS") for n in range(1, 9)]
    table = pd.DataFrame(
        {"participant_id": ids, "fa_mean_CST": [0.5 + 0.01 * (i % 5) - 0.1 * (i > 7) for i in range(16)]}
    )
    return write(table, tmp_path / "brain.csv")


def cells(cohort, column):
    return cohort.table.drop_duplicates("participant_id").set_index("participant_id")[column]


def test_each_row_of_the_results_gets_its_participants_cells(results, brain):
    before = open_cohort(results)
    after = join_tables(before, [brain])
    assert len(after.table) == len(before.table)
    pd.testing.assert_frame_equal(after.table[list(before.table)], before.table)
    expected = pd.read_csv(brain, converters={"fa_mean_CST": float}).set_index("participant_id")[
        "fa_mean_CST"
    ]
    assert dict(zip(after.table["participant_id"], after.table["fa_mean_CST"], strict=True)) == dict(expected)


def test_a_brain_map_correlates_with_the_spine(results, brain, tmp_path):
    words = ("--score", "fa_mean_CST", "--group", "ALS", "--metric", "fi", "--role", "bilateral")
    assert run("correlate", results, "--join", brain, *words, "--out", tmp_path / "r").code == 0
    rows = pd.read_csv(tmp_path / "r" / "correlations.csv")
    muscle = pd.read_csv(results / "L4.csv").query("muscle == 'MF' and side == 'both' and group == 'ALS'")
    both = muscle.merge(pd.read_csv(brain), on="participant_id")
    expected = stats.pearsonr(both["fi"], both["fa_mean_CST"])
    (row,) = rows.query("segment == 'L4' and muscle == 'MF'").itertuples()
    assert (row.n, row.r, row.p) == (8, pytest.approx(expected.statistic), pytest.approx(expected.pvalue))


def test_a_roc_of_both(results, brain, tmp_path):
    words = (
        "--outcome",
        "group",
        "--positive",
        "ALS",
        "--predictor",
        "rcsa_L4_MF",
        "--predictor",
        "fa_mean_CST",
    )
    lower = ("--lower-is-positive", "fa_mean_CST", "--lower-is-positive", "rcsa_L4_MF")
    assert run("roc", results, "--join", brain, *words, *lower, "--out", tmp_path / "roc").code == 0
    _, fa = read_csv(tmp_path / "roc" / "roc.csv")
    assert (fa["predictor"], float(fa["auc"])) == ("fa_mean_CST", 1.0)


def test_results_join_a_table(results, brain, tmp_path):
    out = tmp_path / "c"
    words = ("--contrast", "group:ALS-LR", "--metric", "fa_mean_CST", "--metric", "rcsa_L4_MF")
    assert run("compare", "--table", brain, "--join", results, *words, "--out", out).code == 0
    fa, rcsa = read_csv(out / "comparisons.csv")
    assert (fa["metric"], fa["n_a"], fa["n_b"], rcsa["metric"]) == ("fa_mean_CST", "8", "8", "rcsa_L4_MF")
    spine = pd.read_csv(results / "L4.csv").query("muscle == 'MF' and role == 'symptomatic'")
    for arm, group in (("a", "ALS"), ("b", "LR")):
        mine = spine[spine["group"] == group]["rcsa"]
        assert int(rcsa[f"n_{arm}"]) == len(mine)
        assert float(rcsa[f"mean_{arm}"]) == pytest.approx(mine.mean())


def test_who_is_in_one_table_only_is_told(brain, tmp_path):
    more = write(pd.DataFrame({"participant_id": ["ALS_1", "HC_1"], "x": [1.0, 2.0]}), tmp_path / "more.csv")
    joined = join_tables(open_table(brain), [more])
    assert cells(joined, "x").dropna().to_dict() == {"ALS_1": 1.0}
    assert any("more.csv: no row for 15 participants" in note for note in joined.notes)
    assert "more.csv: 1 participant left out, who are in no table before: HC_1" in joined.notes


def test_missing_texts_are_empty_not_nan(brain, tmp_path):
    more = write(pd.DataFrame({"participant_id": ["ALS_1"], "site": ["A"]}), tmp_path / "more.csv")
    assert set(cells(join_tables(open_table(brain), [more]), "site")) == {"A", ""}


def test_a_column_that_says_the_same_is_one(results, tmp_path):
    people = pd.read_csv(results / "participants.csv")[["participant_id", "age", "group", "onset_side"]]
    people.loc[0, "age"] = None  # nothing is said, and so nothing contradicted
    before = open_cohort(results)
    after = join_tables(before, [write(people, tmp_path / "again.csv")])
    assert list(after.table) == list(before.table)


def test_a_column_that_says_otherwise_is_refused(results, brain, tmp_path):
    people = pd.read_csv(results / "participants.csv")[["participant_id", "age"]]
    people.loc[3, "age"] += 1
    who = people.loc[3, "participant_id"]
    with pytest.raises(UsageError, match=rf"column age is '.*' for {who}, and '.*' in a table before"):
        join_tables(open_cohort(results), [write(people, tmp_path / "other.csv")])
    table = pd.DataFrame({"participant_id": ["ALS_1"], "fi": [0.5]})
    with pytest.raises(UsageError, match=r"column fi is '0\.5'"):
        join_tables(open_cohort(results), [write(table, tmp_path / "fi.csv")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("participant_id,x\nALS_1,1\nALS_1,2\n", "ALS_1 appears more than once"),
        (
            "participant_id,x\nsub-01,1\nsub-02,2\n",
            r"no participant in common \(sub-01 … here, ALS_1 … there\)",
        ),
        ("participant_id,x\nALS_1,1\n,2\n", "row 3 has no participant_id"),
        ("who,x\nALS_1,1\n", "no column participant_id"),
    ],
)
def test_tables_that_cannot_be_joined(brain, tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        join_tables(open_table(brain), [tmp_path / "t.csv"])


def test_a_table_without_ids_cannot_be_joined_to(brain, tmp_path):
    (tmp_path / "t.csv").write_text("x\n1\n")
    with pytest.raises(UsageError, match="the table to join to: no column participant_id"):
        join_tables(open_table(tmp_path / "t.csv"), [brain])


def test_a_joined_table_is_not_written_over(brain, results, tmp_path):
    found = run(
        "compare", "--table", brain, "--join", results, "--contrast", "group:ALS-LR", "--out", results
    )
    assert found.code == 2
    assert "is an input" in found.err


def test_a_missing_table_is_one_line(brain, tmp_path):
    found = run("compare", "--table", brain, "--join", tmp_path / "no.csv", "--out", tmp_path / "o")
    assert (found.code, found.err.count("\n")) == (3, 1)


def test_memory_for_each_row_of_a_large_cohort(results, tmp_path):
    """230 bytes at most for each row were measured: twice as much is a copy too many."""
    many = repeat_results(results, tmp_path / "many", 20)
    named = columns_named((), (), None)
    open_cohort(results, None, named)  # what is loaded once
    tracemalloc.start()
    try:
        table = open_cohort(many, None, named).table
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) == 20 * 16 * 5 * 9
    assert most / len(table) < 400


def test_columns_that_nobody_names_are_left_out_and_come_back_for_a_message(results):
    few = open_cohort(results, None, columns_named((), ("csa_px",), None))
    whole = open_cohort(results)
    assert {"csa_px", "age"} <= set(few.table) < set(whole.table)
    pd.testing.assert_frame_equal(few.table, whole.table[list(few.table)])
    for cohort in (few, whole):
        with pytest.raises(UsageError) as caught:
            compare_cohort(cohort, (), ("none",))
        assert "none: no such column was found for the metric" in str(caught.value)
        assert "mean_intensity" in str(caught.value), "all that are there are named"
