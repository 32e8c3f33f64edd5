"""``regress`` as a user runs it: against statsmodels on the same CSVs, and its answer to every mistake."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from tests.support.builders.study import fingerprint, read_csv, run
from tests.support.builders.tables import write

#: As the contract has them.
COLUMNS = [
    *("segment", "muscle", "metric", "role", "outcome", "term", "n", "df", "b", "se", "beta", "t", "p"),
    *("ci_low", "ci_high", "r2", "r2_adjusted", "model_p", "covariates", "p_adjusted"),
]
CLINICAL = ("--predictor", "group", "--covariate", "age", "--covariate", "sex")
BRAIN = ("--outcome", "mrc_sum", "--predictor", "fa_cst", "--covariate", "age", "--covariate", "sex")


@pytest.fixture(scope="module")
def results(sample_results):
    return sample_results


@pytest.fixture
def brain():
    """The brain paper's kind of table, with ties, missing cells and unequal variances."""
    rng = np.random.default_rng(5)
    n = 60
    fa = rng.normal(0.5, 0.05, n)
    table = pd.DataFrame(
        {
            "participant_id": [f"P{i:03d}" for i in range(n)],
            "group": rng.choice(["ALS", "HC"], n),
            "sex": rng.choice(["F", "M"], n),
            "age": rng.normal(60, 9, n).round(1),
            "duration": rng.integers(3, 60, n),
            "fa_cst": fa,
            "mrc_sum": (100 * fa + rng.normal(0, 4 + 60 * abs(fa - 0.5), n)).round(),
        }
    )
    table.loc[[3, 7], "fa_cst"] = np.nan
    table.loc[[5], "sex"] = ""
    return table


def assert_is_statsmodels(found: pd.DataFrame, fit) -> None:
    """``found``: the rows of one model, the intercept first, terms in the order of the formula."""
    assert set(found["n"]) == {fit.nobs}
    assert set(found["df"]) == {fit.df_resid}
    for column, oracle in (("b", fit.params), ("se", fit.bse), ("t", fit.tvalues)):
        assert found[column].to_numpy() == pytest.approx(oracle.to_numpy(), rel=1e-7)
    assert found["p"].to_numpy() == pytest.approx(fit.pvalues.to_numpy(), rel=1e-6)
    assert found[["ci_low", "ci_high"]].to_numpy() == pytest.approx(fit.conf_int().to_numpy(), rel=1e-6)
    for column, value in (("r2", fit.rsquared), ("r2_adjusted", fit.rsquared_adj), ("model_p", fit.f_pvalue)):
        assert found[column].to_numpy() == pytest.approx(value, rel=1e-6)


def test_results_against_statsmodels(results, tmp_path):
    out = tmp_path / "out"
    outcome = run("regress", results, *CLINICAL, "--out", out)
    assert (outcome.code, outcome.out) == (0, "")
    table = pd.read_csv(out / "regressions.csv")
    assert list(table) == COLUMNS
    assert list(table["term"]) == ["(Intercept)", "group[LR]", "age", "sex[M]"] * 30
    assert set(table["covariates"]) == {"age+sex"}
    rows = pd.concat([pd.read_csv(results / f"L{n}.csv") for n in range(1, 6)])
    rows = rows.merge(pd.read_csv(results / "participants.csv").drop(columns="group"), on="participant_id")
    for key, found in table.groupby(["segment", "muscle", "metric", "role"], sort=False):
        *_, metric, role = key
        assert role == "symptomatic"
        data = rows[(rows[["segment", "muscle", "role"]] == [*key[:2], role]).all(axis=1)]
        # In the formula categories come first; in ours the order is the user's.
        fit = smf.ols(f"{metric} ~ group + age + sex", data).fit()
        order = ["Intercept", "group[T.LR]", "age", "sex[T.M]"]
        by_name = dict(zip(found["term"], found.to_dict("records"), strict=True))
        for ours, theirs in zip(by_name, order, strict=True):
            row = by_name[ours]
            assert (row["n"], row["df"]) == (15, 11)
            assert row["b"] == pytest.approx(fit.params[theirs], rel=1e-7)
            assert row["se"] == pytest.approx(fit.bse[theirs], rel=1e-7)
            assert row["p"] == pytest.approx(fit.pvalues[theirs], rel=1e-6)
            assert row["model_p"] == pytest.approx(fit.f_pvalue, rel=1e-6)
    settings, *notes = (out / "notes.txt").read_text(encoding="utf-8").splitlines()
    assert settings == (
        "settings: outcome fi, rcsa; predictor group; covariate age, sex; group all; role symptomatic; "
        "standard errors ordinary least squares"
    )
    *said, last = outcome.err.splitlines()
    # Long lists are cut on the terminal, after their beginning.
    assert [line[:60] for line in said] == [f"note: {note}"[:60] for note in notes]
    significant = (table.query("term == 'age'")["model_p"] < 0.05).sum()
    assert last == f"fitted 30 models of 30 into {out}; {significant} with p < 0.05 for the model"


@pytest.mark.parametrize("hc3", [False, True])
def test_the_brain_papers_model(brain, tmp_path, hc3):
    file = write(brain, tmp_path / "brain.csv")
    flags = ["--hc3"] if hc3 else []
    command = ("regress", "--table", file, *BRAIN, "--covariate", "duration", *flags)
    assert run(*command, "--out", tmp_path / "out").code == 0
    table = pd.read_csv(tmp_path / "out" / "regressions.csv")
    assert list(table["term"]) == ["(Intercept)", "fa_cst", "age", "sex[M]", "duration"]
    assert set(table["outcome"]) == {"mrc_sum"}
    assert table[["segment", "muscle", "metric", "role"]].isna().all(axis=None)
    data = brain[brain["sex"] != ""].assign(male=brain["sex"].eq("M").astype(float))
    model = smf.ols("mrc_sum ~ fa_cst + age + male + duration", data)
    fit = model.fit(cov_type="HC3", use_t=True) if hc3 else model.fit()
    assert_is_statsmodels(table, fit)
    assert "HC3" in (tmp_path / "out" / "notes.txt").read_text() or not hc3


def test_a_score_explained_by_each_muscle(results, tmp_path):
    command = ("regress", results, "--outcome", "alsfrs_lower", "--predictor", "rcsa", "--group", "ALS")
    assert run(*command, "--role", "bilateral", "--out", tmp_path / "out").code == 0
    table = pd.read_csv(tmp_path / "out" / "regressions.csv")
    assert len(table) == 2 * 15
    people = pd.read_csv(results / "participants.csv").drop(columns="group")
    rows = pd.read_csv(results / "L4.csv").merge(people, on="participant_id")
    data = rows.query("group == 'ALS' and muscle == 'PM' and role == 'bilateral'")
    assert_is_statsmodels(
        table.query("segment == 'L4' and muscle == 'PM'"), smf.ols("alsfrs_lower ~ rcsa", data).fit()
    )


def test_without_outcome_each_column_of_numbers_is_one(brain, tmp_path):
    file = write(brain, tmp_path / "brain.csv")
    command = ("regress", "--table", file, "--predictor", "age", "--covariate", "sex")
    assert run(*command, "--out", tmp_path / "out").code == 0
    outcomes = [row["outcome"] for row in read_csv(tmp_path / "out" / "regressions.csv")]
    assert list(dict.fromkeys(outcomes)) == ["duration", "fa_cst", "mrc_sum"]


@pytest.mark.parametrize("ids", [True, False])
def test_the_order_of_the_rows_changes_no_byte(brain, tmp_path, ids):
    table = brain if ids else brain.drop(columns="participant_id")
    prints = []
    for seed in (1, 2):
        file = write(table.sample(frac=1, random_state=seed), tmp_path / "brain.csv")
        out = tmp_path / f"out{seed}"
        assert run("regress", "--table", file, *BRAIN, "--hc3", "--out", out).code == 0
        (out / "regressions.json").unlink()  # it knows the table by its bytes
        prints.append(fingerprint(out))
    assert prints[0] == prints[1]


def test_what_cannot_be_fitted_is_an_empty_cell_and_a_note(brain, tmp_path):
    file = write(brain.assign(age=60), tmp_path / "brain.csv")
    outcome = run("regress", "--table", file, *BRAIN, "--out", tmp_path / "out")
    assert outcome.code == 0
    for row in read_csv(tmp_path / "out" / "regressions.csv"):
        assert {row[name] for name in COLUMNS[COLUMNS.index("df") : COLUMNS.index("covariates")]} == {""}
    assert "note: mrc_sum: age: constant, or determined by the other terms" in outcome.err
    assert "fitted 0 models of 1" in outcome.err


def test_an_error_in_the_participants_table_is_exit_4(results, tmp_path):
    text = (results / "participants.csv").read_text().replace(",19.7,", ",thin,")
    (tmp_path / "people.csv").write_text(text)
    command = ("regress", results, "--predictor", "bmi", "--participants", tmp_path / "people.csv")
    outcome = run(*command, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert outcome.err.startswith("people.csv: ALS_1: error: bmi 'thin' was found; expected a number")
    assert {row["n"] for row in read_csv(tmp_path / "out" / "regressions.csv")} == {"14"}


TABLE = ("--table", "brain.csv")
MISTAKES = {
    "neither": ((), ("--predictor", "age"), 2, "neither RESULTS nor --table was given"),
    "both": (("RESULTS", *TABLE), ("--predictor", "age"), 2, "were both given"),
    "no such folder": (("nowhere",), ("--predictor", "age"), 3, "nowhere: no such folder; expected"),
    "no such table": (("--table", "no.csv"), ("--predictor", "a"), 2, "--table: no.csv: cannot be read"),
    "no rows": (("--table", "header.csv"), ("--predictor", "a"), 3, "table: no rows were found; expected"),
    "no such outcome": (
        TABLE,
        ("--predictor", "age", "--outcome", "mrc"),
        2,
        "mrc: no such column; expected",
    ),
    "no such predictor": (("RESULTS",), ("--predictor", "x"), 2, "x: no such column; expected one of"),
    "no such group": (TABLE, ("--predictor", "age", "--group", "LR"), 2, "LR: no participant of this group"),
    "one column twice": (TABLE, ("--predictor", "age", "--covariate", "age"), 2, "age: asked for twice"),
    "text as outcome": (TABLE, ("--predictor", "age", "--outcome", "sex"), 2, "sex: 'F' for participant P00"),
    "text among numbers": (
        ("--table", "typo.csv"),
        ("--predictor", "age", "--outcome", "mrc_sum"),
        2,
        "age: '6o' for participant P002 among numbers; expected numbers throughout or texts throughout",
    ),
    "no metric in it": (("RESULTS",), ("--predictor", "age", "--outcome", "bmi"), 2, "bmi: neither it nor"),
    "a role without roles": (
        TABLE,
        ("--predictor", "age", "--role", "bilateral"),
        2,
        "--role bilateral: the",
    ),
    "a table that is none": (("--table", "."), ("--predictor", "age"), 2, "not a regular file; expected one"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(mistake, results, brain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, options, code, words = MISTAKES[mistake]
    typo = brain.assign(age=brain["age"].astype(str))
    typo.loc[2, "age"] = "6o"
    write(brain, tmp_path / "brain.csv")
    write(brain[:0], tmp_path / "header.csv")
    write(typo, tmp_path / "typo.csv")
    source = [results if word == "RESULTS" else word for word in source]
    outcome = run("regress", *source, *options, "--out", tmp_path / "out")
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("mriparaspinal: ")
    assert words in outcome.err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_into_the_results(results):
    before = fingerprint(results)
    outcome = run("regress", results, *CLINICAL, "--out", results)
    assert outcome.code == 2
    assert "is an input and would be written over or into; expected another folder" in outcome.err
    assert fingerprint(results) == before


def test_a_run_that_was_cut_off_is_no_input(results, tmp_path):
    cut_off = Path(shutil.copytree(results, tmp_path / "cut off"))
    (cut_off / ".unfinished").touch()
    outcome = run("regress", cut_off, *CLINICAL, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert "a run was cut off here" in outcome.err


def test_rows_of_one_participant_need_a_cluster(tmp_path):
    """Four rows per participant; without a cluster refused, with it the same b and other errors."""
    rng = np.random.default_rng(8)
    who = np.repeat([f"P{i}" for i in range(12)], 4)
    age = np.repeat(rng.normal(60, 8, 12), 4)
    fi = 0.01 * age + np.repeat(rng.normal(0, 0.2, 12), 4) + rng.normal(0, 0.1, 48)
    table = write(pd.DataFrame({"participant_id": who, "age": age, "fi": fi}), tmp_path / "t.csv")
    asked = ("regress", "--table", table, "--outcome", "fi", "--predictor", "age")
    refused = run(*asked, "--out", tmp_path / "a")
    assert refused.code == 2
    assert "or give --cluster participant_id" in refused.err
    done = run(*asked, "--cluster", "participant_id", "--out", tmp_path / "b")
    assert done.code == 0, done.err
    (_, row) = read_csv(tmp_path / "b" / "regressions.csv")
    fit = smf.ols("fi ~ age", pd.DataFrame({"fi": fi, "age": age})).fit()
    assert float(row["b"]) == pytest.approx(fit.params["age"])
    assert float(row["se"]) > 1.3 * fit.bse["age"]
    assert (row["cluster"], row["clusters"]) == ("participant_id", "12")
    assert "standard errors CR2 by participant_id" in (tmp_path / "b" / "notes.txt").read_text()
    correlated = run(
        *("correlate", "--table", table, "--metric", "fi", "--score", "age"),
        *("--cluster", "participant_id", "--out", tmp_path / "c"),
    )
    assert correlated.code == 0, correlated.err
    (found,) = read_csv(tmp_path / "c" / "correlations.csv")
    assert float(found["p"]) == pytest.approx(float(row["p"]), rel=1e-9)
    assert float(found["ci_low"]) < float(found["r"]) < float(found["ci_high"])
    assert "mixes differences between and within" in (tmp_path / "c" / "notes.txt").read_text()
    assert {path.suffix for path in (tmp_path / "c").iterdir()} >= {".png", ".svg", ".csv"}
