"""Three groups or more, standardised mean differences, regressions of each predictor: as a user sees them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook
from scipy import stats

from tests.support.builders.study import SAMPLE, read_csv, run

RNG = np.random.default_rng(5)
VALUES = {
    "ALS": RNG.normal(0.4, 0.1, 9).round(3),
    "LR": RNG.normal(0.5, 0.1, 8).round(3),
    "HC": RNG.normal(0.8, 0.1, 7).round(3),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """One row per participant, 24 of three groups."""
    lines = ["participant_id,group,fvc,age,sex,stage"]
    rows = [(group, value) for group, values in VALUES.items() for value in values]
    for number, (group, value) in enumerate(rows):
        sex, stage = "MF"[number % 2], ["one", "two", "three", ""][number % 4]
        lines.append(f"{group}_{number},{group},{value},{50 + number * 7 % 13},{sex},{stage}")
    file = tmp_path_factory.mktemp("groups") / "table.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def compared(table, tmp_path_factory):
    """What ``compare`` writes of three groups without being asked."""
    out = tmp_path_factory.mktemp("compared") / "out"
    outcome = run("compare", "--table", table, "--metric", "fvc", "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    return out, outcome


def test_three_groups_are_tested_at_once_without_being_asked_for(compared):
    """SciPy's analysis of variance and Tukey's test."""
    out, outcome = compared
    (row,) = read_csv(out / "omnibus.csv")
    expected = stats.f_oneway(*VALUES.values())
    assert (row["groups"], row["n"], row["test"]) == ("group", "ALS 9; LR 8; HC 7", "anova")
    assert (float(row["statistic"]), float(row["p"])) == pytest.approx((expected.statistic, expected.pvalue))
    assert float(row["p_adjusted"]) == float(row["p"])  # a family of one
    tukey = stats.tukey_hsd(*VALUES.values())
    interval = tukey.confidence_interval()
    pairs = read_csv(out / "post_hoc.csv")
    places = [(0, 1), (0, 2), (1, 2)]
    names = list(VALUES)
    assert [(p["label_a"], p["label_b"]) for p in pairs] == [(names[a], names[b]) for a, b in places]
    for pair, place in zip(pairs, places, strict=True):
        numbers = [float(pair[name]) for name in ("difference", "ci_low", "ci_high", "p_adjusted")]
        expected_numbers = [
            tukey.statistic[place],
            interval.low[place],
            interval.high[place],
            tukey.pvalue[place],
        ]
        assert numbers == pytest.approx(expected_numbers, abs=1e-7)
    assert [p["letters_a"] + p["letters_b"] for p in pairs] == ["aa", "ab", "ab"]
    assert "omnibus.csv tests all groups at once" in outcome.err
    assert "(--groups names another column)" in outcome.err
    assert re.search(r"all groups of group +1 and 1 of 1, not counted above", outcome.err)
    assert json.loads(outcome.out)["omnibus"] == {
        "groups": "group", "tests": 1, "p_below_0_05": 1, "p_adjusted_below_0_05": 1,
    }  # fmt: skip


def test_the_printed_table_has_letters_and_the_tests(compared):
    out, _ = compared
    page = (out / "table_groups.md").read_text()
    assert "ALS (n = 9)" in page
    assert re.search(
        r"\| 0\.\d\d ± 0\.\d\d a \| 0\.\d\d ± 0\.\d\d a \| 0\.\d\d ± 0\.\d\d b \| \*\*< 0.001\*\*", page
    )
    assert "Tukey’s test" in page
    assert "table_groups" in load_workbook(out / "tables.xlsx").sheetnames


def test_the_comparisons_are_what_they_were(compared, table, tmp_path):
    """The tests of all groups stand beside them and change nothing."""
    out, _ = compared
    asked = [f"--contrast=group:{pair}" for pair in ("ALS-LR", "ALS-HC", "HC-LR")]
    outcome = run("compare", "--table", table, "--metric", "fvc", *asked, "--out", tmp_path / "asked")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "asked" / "comparisons.csv").read_bytes() == (out / "comparisons.csv").read_bytes()
    assert not (tmp_path / "asked" / "omnibus.csv").exists()
    assert "note: group: 3 groups; --groups group tests all of them at once" in outcome.err


def test_another_column_and_who_is_in_none_of_its_groups(table, tmp_path):
    out = tmp_path / "out"
    outcome = run("compare", "--table", table, "--metric", "fvc", "--groups", "stage", "--out", out)
    assert outcome.code == 0, outcome.err
    (row,) = read_csv(out / "omnibus.csv")
    assert (row["groups"], row["n"]) == ("stage", "one 6; three 6; two 6")
    assert "omnibus of stage: left out, stage is empty: 6 participants" in outcome.err


def test_a_table_without_a_group_needs_no_contrast(tmp_path):
    lines = [f"p{n},{'abc'[n % 3]},{n * n % 11}" for n in range(15)]
    (tmp_path / "t.csv").write_text("\n".join(["participant_id,site,v", *lines]) + "\n")
    outcome = run("compare", "--table", tmp_path / "t.csv", "--groups", "site", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert len(read_csv(tmp_path / "out" / "post_hoc.csv")) == 3
    assert read_csv(tmp_path / "out" / "comparisons.csv") == []


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("sex", "groups 'sex': 2 different values were found (F, M); expected 3 to 10 groups"),
        ("site", "groups 'site': no such column was found; expected one of: group, fvc, age, sex, stage"),
        ("age", "groups 'age': 13 different values were found; expected 3 to 10 groups"),
        ("segment", "groups 'segment': it is a column of the measurements"),
    ],
)
def test_a_column_that_makes_no_groups(table, tmp_path, column, said):
    outcome = run(
        "compare", "--table", table, "--metric", "fvc", "--groups", column, "--out", tmp_path / "out"
    )
    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())


def test_a_group_that_is_too_small_and_rows_without_a_test(tmp_path):
    lines = [f"p{n},{'abcd'[n % 3 if n < 12 else 3]},{n},1" for n in range(13)]
    (tmp_path / "t.csv").write_text("\n".join(["participant_id,site,v,same", *lines]) + "\n")
    outcome = run("compare", "--table", tmp_path / "t.csv", "--groups", "site", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    v, same = read_csv(tmp_path / "out" / "omnibus.csv")
    assert (v["n"], bool(v["p"]), same["test"], same["p"]) == ("a 4; b 4; c 4; d 1", True, "", "")
    pairs = read_csv(tmp_path / "out" / "post_hoc.csv")
    assert len(pairs) == 12
    assert {p["letters_b"] for p in pairs if p["label_b"] == "d"} == {""}
    notes = (tmp_path / "out" / "notes.txt").read_text()
    assert "omnibus of site: d takes no part (fewer than 2 values): v" in notes
    assert "no test (fewer than three groups with two values, or all values equal): same" in notes


@pytest.fixture(scope="module")
def by_site(sample_results, tmp_path_factory):
    """``people.csv`` with three sites, and what ``compare`` makes of them."""
    home = tmp_path_factory.mktemp("sites")
    people = read_csv(sample_results / "participants.csv")
    header = [*people[0], "site"]
    lines = [",".join([*row.values(), "ABC"[n % 3]]) for n, row in enumerate(people)]
    (home / "people.csv").write_text("\n".join([",".join(header), *lines]) + "\n")
    outcome = run(
        *("compare", sample_results, "--participants", home / "people.csv", "--groups", "site", "--smd"),
        *("--contrast", "sex:M-F", "--metric", "fi", "--out", home / "out"),
    )
    assert outcome.code == 0, outcome.err
    return home


def test_the_letters_stand_over_the_boxes(by_site):
    drawn = read_csv(by_site / "out" / "figure_groups_letters_data.csv")
    pairs = read_csv(by_site / "out" / "post_hoc.csv")
    key = ("segment", "muscle")
    letters = {
        (*(pair[name] for name in key), pair[f"label_{arm}"]): pair[f"letters_{arm}"]
        for pair in pairs
        if pair["role"] == "symptomatic"
        for arm in "ab"
    }
    shown = {
        (*(row[name] for name in key), row["arm"]): row["letters"]
        for row in drawn
        if row["drawn"] == "letters"
    }
    assert shown == letters
    assert len(shown) == 45
    assert (by_site / "out" / "figure_groups_letters.svg").read_text().count(">a<") >= 30


def test_controls_without_an_onset_side_are_compared_on_both_sides(sample_results, tmp_path):
    """Three study groups, of which one has no symptomatic side."""
    people = read_csv(sample_results / "participants.csv")
    results = tmp_path / "results"
    results.mkdir()
    lines = (sample_results / "L4.csv").read_text().splitlines()
    copied = [line for line in lines[1:] if line.startswith("LR_")]
    for role in ("symptomatic", "contralateral"):
        copied = [line.replace(f",{role},", ",,") for line in copied]
    copied = [line.replace("LR_", "HC_").replace(",LR,", ",HC,") for line in copied]
    (results / "L4.csv").write_text("\n".join([*lines, *copied]) + "\n")
    rows = [*people, *({**row, "participant_id": row["participant_id"].replace("LR", "HC"), "group": "HC",
                        "onset_side": ""} for row in people if row["group"] == "LR")]  # fmt: skip
    header = list(people[0])
    text = [",".join(header), *(",".join(row[name] for name in header) for row in rows)]
    (tmp_path / "people.csv").write_text("\n".join(text) + "\n")
    given = ("--participants", tmp_path / "people.csv", "--metric", "fi")
    outcome = run("compare", results, *given, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    found = read_csv(tmp_path / "out" / "omnibus.csv")
    assert {row["role"] for row in found} == {"bilateral"}
    assert {row["n"] for row in found} == {"ALS 8; LR 8; HC 8"}
    assert "omnibus of group: no symptomatic rows in HC, so that role is left out" in outcome.err
    assert (tmp_path / "out" / "figure_groups_letters.png").exists()


# --- Table 1 ------------------------------------------------------------------------------------------------


def test_standardised_mean_differences_on_request(table, tmp_path):
    people = table  # a table of participants is one of participants' numbers, too
    outcome = run(
        *("compare", "--table", table, "--participants", people, "--metric", "fvc", "--smd"),
        *("--contrast", "group:ALS-LR", "--out", tmp_path / "out"),
    )
    assert outcome.code == 0, outcome.err
    rows = read_csv(tmp_path / "out" / "characteristics_group_als-lr.csv")
    by_name = {row["characteristic"]: row for row in rows}
    all_rows = read_csv(table)
    als, lr = ([float(row["age"]) for row in all_rows if row["group"] == group] for group in ("ALS", "LR"))
    by_hand = (np.mean(als) - np.mean(lr)) / np.sqrt((np.var(als, ddof=1) + np.var(lr, ddof=1)) / 2)
    assert float(by_name["age"]["smd"]) == pytest.approx(by_hand, rel=1e-12)
    p, q = 5 / 9, 4 / 8  # men
    by_hand = abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert float(by_name["sex"]["smd"]) == pytest.approx(by_hand, rel=1e-9)
    page = (tmp_path / "out" / "table1_group_als-lr.md").read_text()
    assert "| SMD |" in page
    assert "Yang and Dalton 2012" in page


def test_table_1_without_the_request_has_none(sample_comparison):
    rows = read_csv(sample_comparison / "characteristics.csv")
    assert "smd" not in rows[0]
    assert list(rows[0])[-1] == "p_exact"
    (region,) = [row for row in rows if row["characteristic"] == "onset_region"]
    # R: fisher.test(rbind(c(4, 3, 1), c(8, 0, 0))): 10/130
    assert (region["counts_a"], region["counts_b"]) == ("4/3/1", "8/0/0")
    assert float(region["p_exact"]) == pytest.approx(0.07692307692, abs=1e-10)
    assert "exact p = 0.077 (Fisher, Freeman and Halton)" in (sample_comparison / "table1.md").read_text()


# --- regress --each -----------------------------------------------------------------------------------------


def test_each_predictor_alone(table, tmp_path):
    """SciPy's linear regression of each pair."""
    out = tmp_path / "out"
    outcome = run(
        *("regress", "--table", table, "--outcome", "fvc", "--predictor", "age", "--predictor", "sex"),
        *("--each", "--out", out),
    )
    assert outcome.code == 0, outcome.err
    assert "fitted 2 models of 2" in outcome.err
    people = read_csv(table)
    y = [float(row["fvc"]) for row in people]
    rows = {row["term"]: row for row in read_csv(out / "regressions.csv") if row["term"] != "(Intercept)"}
    for term, predictor, x in (
        ("age", "age", [float(row["age"]) for row in people]),
        ("sex[M]", "sex", [float(row["sex"] == "M") for row in people]),
    ):
        expected = stats.linregress(x, y)
        row = rows[term]
        assert row["predictor"] == predictor
        assert (float(row["b"]), float(row["p"])) == pytest.approx((expected.slope, expected.pvalue))
    page = (out / "table_regressions.md").read_text()
    assert "| Outcome | age | sex[M] |" in page
    assert re.search(r"\| fvc \| −?[\d.]+ \(−?[\d.]+ to −?[\d.]+\), p = [\d.]+, R² = [\d.]+ \|", page)
    assert load_workbook(out / "table_regressions.xlsx").sheetnames == ["table_regressions"]


def test_each_refuses_what_stands_in_two_places(table, tmp_path):
    outcome = run(
        *("regress", "--table", table, "--outcome", "fvc", "--predictor", "age", "--predictor", "fvc"),
        *("--each", "--out", tmp_path / "out"),
    )
    assert outcome.code == 2
    assert "fvc: asked for twice" in outcome.err


def test_the_example_of_the_page() -> None:
    """The numbers of docs/methods.md, of R: TukeyHSD(aov(v ~ g)), anova, and the formulas beside them."""
    page = " ".join((Path(__file__).parents[2] / "docs" / "methods.md").read_text().split())
    from mriparaspinal.stats.exact_counts import fisher_freeman_halton
    from mriparaspinal.stats.letters import compact_letters
    from mriparaspinal.stats.omnibus import compare_groups
    from mriparaspinal.stats.smd import smd_of_counts

    found = compare_groups(
        [[0.31, 0.35, 0.38, 0.41, 0.44], [0.36, 0.40, 0.45, 0.47, 0.52], [0.55, 0.58, 0.61, 0.64, 0.70]]
    )
    numbers = f"{found.effect_size:.3f} ({found.effect_ci_low:.3f} to {found.effect_ci_high:.3f})"
    assert f"F(2, 12) = {found.statistic:.2f}, p < 0.001, η² = {numbers}" in page
    for pair, name in zip(found.pairs, ("A − B", "A − C", "B − C"), strict=True):
        text = f"{name} {pair.difference:.3f} ({pair.ci_low:.3f} to {pair.ci_high:.3f})".replace("-", "−")
        p = f"p = {pair.p:.3f}" if pair.p >= 0.001 else "p < 0.001"
        assert f"{text}, {p}" in page
    differ = [(pair.a, pair.b) for pair in found.pairs if pair.p < 0.05]
    a, b, c = compact_letters(3, differ)
    assert f"Letters: A {a}, B {b}, C {c}." in page
    assert f"`p_exact` {fisher_freeman_halton([[8, 3, 1], [2, 5, 4]]):.3f}" in page
    assert f"22/16 against 18/14: {smd_of_counts([22, 16], [18, 14]).smd:.3f}" in page
    half = 1.96 * np.sqrt((1 + 0.45**2 / 2) / 31)
    low, high = np.tanh(np.arctanh(-0.45) + np.array([-half, half]))
    assert f"r = −0.45, n = 34: −{-low:.3f} to −{-high:.3f}" in page


def test_the_report_shows_all_groups_and_refuses_other_numbers(by_site, sample_results, tmp_path):
    given = ("--participants", by_site / "people.csv")
    shutil.copytree(by_site / "out", tmp_path / "out")
    page = tmp_path / "page.html"
    report = ("report", sample_results, "--dataset", SAMPLE, "--comparison", tmp_path / "out", *given)
    outcome = run(*report, "--out", page)
    assert outcome.code == 0, outcome.err
    shown = page.read_text()
    assert "Table of groups. MRI data (FI) by site: A, B and C." in shown
    assert "All groups at once, with letters" in shown
    assert "The groups of site were also tested all at once" in shown
    assert "SMD, standardised mean difference" in shown
    file = tmp_path / "out" / "omnibus.csv"
    file.write_text(file.read_text().replace("A 6;", "A 7;", 1))
    outcome = run(*report, "--out", page)
    assert outcome.code == 3
    assert "another omnibus.csv" in outcome.err
