"""``roc`` as a user runs it: the papers' numbers, SciPy and statsmodels on the same CSVs, every mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from PIL import Image
from scipy import integrate, stats

from tests.support.builders.study import fingerprint, finish, read_csv, run, start
from tests.support.builders.tables import write

#: As the contract has them.
COLUMNS = [
    *("predictor", "direction", "n_positive", "n_negative", "auc", "se", "ci_low", "ci_high"),
    *("delong_low", "delong_high", "p", "cutoff", "sensitivity", "specificity", "youden"),
]
GROUP = ("--outcome", "group", "--positive", "ALS")


@pytest.fixture(scope="module")
def results(sample_results):
    return sample_results


@pytest.fixture
def cases():
    """Two groups that overlap in two predictors, one of them low in ALS; ties, a missing cell."""
    rng = np.random.default_rng(8)
    n = 50
    group = rng.choice(["ALS", "LR"], n)
    table = pd.DataFrame(
        {
            "participant_id": [f"P{i:03d}" for i in range(n)],
            "group": group,
            "sex": rng.choice(["F", "M"], n),
            "score": rng.integers(0, 5, n) + (group == "ALS"),
            "rcsa": rng.normal(1.2, 0.2, n) - 0.15 * (group == "ALS"),
        }
    )
    table.loc[4, "rcsa"] = np.nan
    return table


def mann_whitney_area(table: pd.DataFrame, predictor: str, lower: bool = False) -> float:
    """The area is U of the positives over the number of pairs."""
    values = -table[predictor] if lower else table[predictor]
    arms = [values[table["group"] == name].dropna() for name in ("ALS", "LR")]
    return stats.mannwhitneyu(*arms).statistic / (len(arms[0]) * len(arms[1]))


def test_the_ultrasound_papers_numbers(tmp_path):
    """AUC 0.925 (0.873–0.977), cut-off 2.5, sensitivity 89.8 %, specificity 90.7 %, from its counts."""
    counts = {"ALS": {4: 71, 3: 8, 2: 9}, "non-ALS": {4: 5, 2: 21, 1: 10, 0: 18}}
    rows = [(group, v) for group, values in counts.items() for v, n in values.items() for _ in range(n)]
    file = write(pd.DataFrame(rows, columns=["group", "max_score"]), tmp_path / "scores.csv")
    outcome = run("roc", file, *GROUP, "--predictor", "max_score", "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == (
        f"made 1 ROC curve into {tmp_path / 'out'}; largest area 0.925 (0.873–0.977): max_score\n"
    )
    (row,) = pd.read_csv(tmp_path / "out" / "roc.csv").itertuples()
    assert [round(x, 3) for x in (row.auc, row.ci_low, row.ci_high)] == [0.925, 0.873, 0.977]
    assert (row.cutoff, round(100 * row.sensitivity, 1), round(100 * row.specificity, 1)) == (2.5, 89.8, 90.7)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("roc.csv", "roc_points.csv", "roc.png", "roc.svg", "roc_data.csv", "notes.txt", "roc.json")
    }
    assert (tmp_path / "out" / "notes.txt").read_text() == (
        "settings: outcome group; positive ALS; negative all others; predictor max_score\n"
    )
    with Image.open(tmp_path / "out" / "roc.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_two_predictors_and_their_combination(cases, tmp_path):
    out = tmp_path / "out"
    command = ("roc", write(cases, tmp_path / "cases.csv"), *GROUP, "--predictor", "score")
    command = (*command, "--predictor", "rcsa", "--lower-is-positive", "rcsa", "--combine")
    outcome = run(*command, "--out", out)
    assert outcome.code == 0
    table = pd.read_csv(out / "roc.csv")
    assert list(table) == COLUMNS
    assert list(table["predictor"]) == ["score", "rcsa", "logistic(score + rcsa) [in-sample]"]
    assert list(table["direction"]) == ["higher", "lower", "higher"]
    complete = cases.dropna().assign(positive=cases["group"].eq("ALS").astype(int))
    complete["probability"] = smf.logit("positive ~ score + rcsa", complete).fit(disp=0).predict()
    assert table["auc"].to_numpy() == pytest.approx(
        [
            mann_whitney_area(cases, "score"),
            mann_whitney_area(cases, "rcsa", lower=True),
            mann_whitney_area(complete, "probability"),
        ],
        rel=1e-9,
    )
    for row in table[:2].itertuples():
        low = row.direction == "lower"
        there = cases.dropna(subset=[row.predictor])
        called = there[row.predictor] < row.cutoff if low else there[row.predictor] > row.cutoff
        ill = there["group"] == "ALS"
        assert row.sensitivity == pytest.approx(called[ill].mean(), rel=1e-12)
        assert row.specificity == pytest.approx((~called[~ill]).mean(), rel=1e-12)
        assert row.youden == pytest.approx(row.sensitivity + row.specificity - 1, rel=1e-9)
    (difference,) = read_csv(out / "roc_differences.csv")
    assert (difference["predictor_a"], difference["predictor_b"]) == ("score", "rcsa")
    assert int(difference["n_positive"]) + int(difference["n_negative"]) == 49
    points = pd.read_csv(out / "roc_points.csv")
    for row, (_, of_one) in zip(table.itertuples(), points.groupby("predictor", sort=False), strict=True):
        curve = of_one.assign(x=1 - of_one["specificity"]).sort_values(["x", "sensitivity"])
        assert integrate.trapezoid(curve["sensitivity"], curve["x"]) == pytest.approx(row.auc, rel=1e-9)
    settings, *notes = (out / "notes.txt").read_text(encoding="utf-8").splitlines()
    assert settings.endswith("predictor score, rcsa; lower is positive rcsa")
    *said, last = outcome.err.splitlines()
    assert said == [f"note: {note}" for note in notes]
    best = table[:2].sort_values("auc").iloc[-1]  # of the single predictors: the model's area is optimistic
    assert last.startswith(f"made 3 ROC curves into {out}; largest area {best.auc:.3f} (")
    assert last.endswith(f": {best.predictor}")
    assert any("judged on the data it was fitted to" in note for note in notes)


@pytest.mark.parametrize("role", ["symptomatic", "contralateral", "bilateral"])
def test_straight_on_results(results, tmp_path, role):
    flags = [] if role == "symptomatic" else ["--role", role]
    predictors = ("--predictor", "fi_L4_MF", "--predictor", "rcsa_L5_PM", "--predictor", "age")
    command = ("roc", results, *GROUP, *predictors, "--lower-is-positive", "rcsa_L5_PM", *flags)
    assert run(*command, "--out", tmp_path / "out").code == 0
    found = pd.read_csv(tmp_path / "out" / "roc.csv").set_index("predictor")["auc"]
    for name in ("fi_L4_MF", "rcsa_L5_PM"):
        metric, segment, muscle = name.split("_")
        rows = pd.read_csv(results / f"{segment}.csv")
        rows = rows[(rows["muscle"] == muscle) & (rows["role"] == role)]
        assert found[name] == pytest.approx(mann_whitney_area(rows, metric, metric == "rcsa"), rel=1e-9)
    people = pd.read_csv(results / "participants.csv")
    assert found["age"] == pytest.approx(mann_whitney_area(people, "age"), rel=1e-9)
    assert f"role: {role}\n" in (tmp_path / "out" / "notes.txt").read_text()


def test_negatives_by_name(cases, tmp_path):
    controls = cases.assign(group="HC", score=0, participant_id=[f"H{i}" for i in range(len(cases))])
    file = write(pd.concat([cases, controls]), tmp_path / "cases.csv")
    command = ("roc", file, *GROUP, "--predictor", "score")
    outcome = run(*command, "--out", tmp_path / "all")
    assert "negative are all rows that are not ALS: HC (n = 50), LR" in outcome.err
    assert run(*command, "--negative", "LR", "--out", tmp_path / "lr").code == 0
    (row,) = pd.read_csv(tmp_path / "lr" / "roc.csv").itertuples()
    assert row.auc == pytest.approx(mann_whitney_area(cases, "score"), rel=1e-9)
    assert "negative LR" in (tmp_path / "lr" / "notes.txt").read_text()


@pytest.mark.parametrize("ids", [True, False])
def test_the_order_of_the_rows_changes_no_byte(cases, tmp_path, ids):
    table = cases if ids else cases.drop(columns="participant_id")
    prints = []
    for seed in (1, 2):
        file = write(table.sample(frac=1, random_state=seed), tmp_path / "cases.csv")
        out = tmp_path / f"out{seed}"
        command = ("roc", file, *GROUP, "--predictor", "score", "--predictor", "rcsa", "--combine")
        assert run(*command, "--out", out).code == 0
        (out / "roc.json").unlink()  # it knows the table by its bytes
        prints.append(fingerprint(out))
    assert prints[0] == prints[1]


def test_differences_of_an_earlier_run_do_not_stay(cases, tmp_path):
    file, out = write(cases, tmp_path / "cases.csv"), tmp_path / "out"
    assert run("roc", file, *GROUP, "--predictor", "score", "--predictor", "rcsa", "--out", out).code == 0
    assert (out / "roc_differences.csv").exists()
    assert run("roc", file, *GROUP, "--predictor", "score", "--out", out).code == 0
    assert not (out / "roc_differences.csv").exists()


def test_an_error_in_the_participants_table_is_exit_4(results, tmp_path):
    text = (results / "participants.csv").read_text().replace(",19.7,", ",thin,")
    (tmp_path / "people.csv").write_text(text)
    command = ("roc", results, *GROUP, "--predictor", "bmi", "--participants", tmp_path / "people.csv")
    outcome = run(*command, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert outcome.err.startswith("people.csv: ALS_1: error: bmi 'thin' was found; expected a number")
    assert read_csv(tmp_path / "out" / "roc.csv")[0]["n_positive"] == "7"


SCORE = ("--predictor", "score")
MISTAKES = {
    "no such file": ("no.csv", (*GROUP, *SCORE), 3, "no.csv: no such file or folder; expected a table or"),
    "no results": (
        "empty",
        (*GROUP, *SCORE),
        3,
        "empty: no L1.csv … L5.csv; expected the results of quantify",
    ),
    "no rows": ("header.csv", (*GROUP, *SCORE), 3, "group: no row has a value; expected 'ALS' and others"),
    "no such outcome": (
        "cases.csv",
        ("--outcome", "grp", "--positive", "ALS", *SCORE),
        2,
        "--outcome: there is no column 'grp'; expected one of 'participant_id', 'group'",
    ),
    "no such value": (
        "cases.csv",
        ("--outcome", "group", "--positive", "als", *SCORE),
        2,
        "--positive: no row of 'group' is 'als'; expected one of 'ALS', 'LR'",
    ),
    "no such predictor": (
        "cases.csv",
        (*GROUP, "--predictor", "x"),
        2,
        "--predictor: there is no column 'x'",
    ),
    "no such measurement": (
        "RESULTS",
        (*GROUP, "--predictor", "rcsa"),
        2,
        "--predictor: there is no column 'rcsa'; expected one of 'fi_L1_MF', 'rcsa_L1_MF'",
    ),
    "one group": ("one.csv", (*GROUP, *SCORE), 3, "rows are 'ALS'; expected others to compare"),
    "text as predictor": ("cases.csv", (*GROUP, "--predictor", "sex"), 2, "in row 1 below the header (P000)"),
    "text among numbers": ("typo.csv", (*GROUP, *SCORE), 2, "score: '2+' in row 3 below the header (P002)"),
    "lower, not named": (
        "cases.csv",
        (*GROUP, *SCORE, "--lower-is-positive", "rcsa"),
        2,
        "--lower-is-positive: 'rcsa' is not a predictor",
    ),
    "outcome as predictor": ("cases.csv", (*GROUP, "--predictor", "group"), 2, "'group' is the outcome too"),
    "a role without roles": (
        "cases.csv",
        (*GROUP, *SCORE, "--role", "bilateral"),
        2,
        "--role bilateral: cases",
    ),
    "no onset side": ("no_sides", (*GROUP, "--predictor", "fi_L4_MF"), 2, "--role: no row has 'symptomatic'"),
    "two rows each": (
        "twice.csv",
        (*GROUP, *SCORE),
        2,
        "participant_id: 'P000' has several rows; expected one",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(mistake, results, cases, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, options, code, words = MISTAKES[mistake]
    typo = cases.assign(score=cases["score"].astype(str))
    typo.loc[2, "score"] = "2+"
    write(cases, tmp_path / "cases.csv")
    write(cases[:0], tmp_path / "header.csv")
    write(cases[cases["group"] == "ALS"], tmp_path / "one.csv")
    write(typo, tmp_path / "typo.csv")
    write(pd.concat([cases, cases[:1]]), tmp_path / "twice.csv")
    (tmp_path / "empty").mkdir()
    (tmp_path / "no_sides").mkdir()
    write(
        pd.read_csv(results / "L4.csv").query("side != 'both'").assign(role=""), tmp_path / "no_sides/L4.csv"
    )
    outcome = run("roc", results if source == "RESULTS" else source, *options, "--out", tmp_path / "out")
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("mriparaspinal: ")
    assert words in outcome.err
    assert not (tmp_path / "out").exists()


def test_the_table_itself_is_never_written_over(cases, tmp_path):
    file = write(cases, tmp_path / "roc.csv")
    before = fingerprint(tmp_path)
    outcome = run("roc", file, *GROUP, *SCORE, "--out", tmp_path)
    assert outcome.code == 2
    assert f"{file} is an input and would be written over or into; expected another folder" in outcome.err
    assert fingerprint(tmp_path) == before


def test_a_missing_option_is_exit_2_without_traceback(tmp_path):
    outcome = finish(start("roc", tmp_path, "--outcome", "group", "--out", tmp_path / "out"))
    assert outcome.code == 2
    assert "--positive: not given" in outcome.err
    assert "Traceback" not in outcome.err
