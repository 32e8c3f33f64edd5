"""``model`` as a user runs it: its files, what it says, and its answer to every mistake."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import statsmodels.formula.api as smf

import mriparaspinal as mp
from mriparaspinal.stats.model import TABLES
from tests.support.builders.study import fingerprint, read_csv, run
from tests.support.builders.tables import write

FORMULA = ("--formula", "group * role + segment", "--metric", "rcsa", "--muscle", "MF")


@pytest.fixture(scope="module")
def results(sample_results):
    return sample_results


@pytest.fixture(scope="module")
def rows(results) -> pd.DataFrame:
    """Left and right of all segments, as a reader of the CSVs has them, with the participants' columns."""
    table = pd.concat([pd.read_csv(results / f"L{n}.csv") for n in range(1, 6)])
    people = pd.read_csv(results / "participants.csv").drop(columns="group")
    return table[table["side"] != "both"].merge(people, on="participant_id")


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ConvergenceWarning")
def test_a_mixed_model_of_the_results(results, rows, tmp_path):
    out = tmp_path / "out"
    outcome = run("model", results, *FORMULA, "--means", "group:role", "--out", out)
    assert outcome.code == 0
    assert "fitted 1 of 1 model" in outcome.err
    for name, columns in TABLES.items():
        assert list(pd.read_csv(out / f"{name}.csv")) == columns
    assert {path.stem for path in out.glob("*.png")} == {"residuals_rcsa", "means_rcsa_group_role"}
    data = rows[(rows["muscle"] == "MF") & rows["role"].isin(["symptomatic", "contralateral"])]
    formula = "rcsa ~ C(segment) + group * role"
    fit = smf.mixedlm(formula, data, groups="participant_id").fit(reml=True)
    fixed = pd.read_csv(out / "fixed_effects.csv").set_index("term")
    assert fixed.loc["role[symptomatic]", "b"] == pytest.approx(fit.params["role[T.symptomatic]"], rel=1e-6)
    term = "group[LR]:role[symptomatic]"
    assert fixed.loc[term, "se"] == pytest.approx(fit.bse["group[T.LR]:role[T.symptomatic]"], rel=1e-3)
    random = pd.read_csv(out / "random_effects.csv").set_index("effect")
    assert random.loc["participant_id", "variance"] == pytest.approx(fit.cov_re.iloc[0, 0], rel=1e-2)
    assert random.loc["residual", "variance"] == pytest.approx(fit.scale, rel=1e-3)
    notes = (out / "notes.txt").read_text()
    assert "settings: formula group * role + segment; metric rcsa" in notes
    assert "role: empty in 10 rows of 1 participant, left out: ALS_5" in notes
    data = read_csv(out / "residuals_rcsa_data.csv")
    assert {row["drawn"] for row in data} == {"residual", "random effect"}
    assert len(data) == 150 + 15


def test_an_analysis_of_covariance(results, rows, tmp_path):
    out = tmp_path / "out"
    where = ("--segment", "L4", "--muscle", "MF", "--role", "symptomatic")
    words = ("--formula", "group + age + sex", "--metric", "fi", *where, "--means", "group", "--out", out)
    assert run("model", results, *words).code == 0
    data = rows[(rows[["segment", "muscle", "role"]] == ["L4", "MF", "symptomatic"]).all(axis=1)]
    fit = smf.ols("fi ~ group + age + sex", data).fit()
    fixed = pd.read_csv(out / "fixed_effects.csv")
    assert fixed["b"].to_numpy() == pytest.approx(
        fit.params[["Intercept", "group[T.LR]", "age", "sex[T.M]"]].to_numpy(), rel=1e-8
    )
    tests = pd.read_csv(out / "f_tests.csv").set_index("term")
    expected = fit.compare_f_test(smf.ols("fi ~ age + sex", data).fit())
    assert tests.loc["group", ["f", "p"]].tolist() == pytest.approx(expected[:2], rel=1e-8)
    assert pd.read_csv(out / "models.csv").loc[0, "status"] == "least_squares"
    assert "one row per participant" in (out / "notes.txt").read_text()


def test_sides_together_do_not_count_twice(results, tmp_path):
    words = ("model", results, "--formula", "segment", "--metric", "fi", "--muscle", "MF")
    assert run(*words, "--out", tmp_path / "sides").code == 0
    assert run(*words, "--role", "bilateral", "--out", tmp_path / "both").code == 0
    counts = [pd.read_csv(tmp_path / name / "models.csv").loc[0, "n"] for name in ("sides", "both")]
    assert counts == [160, 80]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ConvergenceWarning")
def test_a_long_table_of_any_origin(tmp_path):
    table = pd.DataFrame(
        {
            "participant_id": [f"P{i // 3}" for i in range(36)],
            "months": [0.0, 6.0, 12.0] * 12,
            "arm": ["a"] * 18 + ["b"] * 18,
            "score": [(7 * i * i) % 23 + i / 5 for i in range(36)],
        }
    )
    file = write(table, tmp_path / "long.csv")
    words = ("model", "--table", file, "--metric", "score", "--formula", "arm * months")
    outcome = run(*words, "--df", "kenward-roger", "--means", "arm", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    fit = smf.mixedlm("score ~ arm * months", table, groups="participant_id").fit(reml=True)
    fixed = pd.read_csv(tmp_path / "out" / "fixed_effects.csv")
    assert fixed["b"].to_numpy() == pytest.approx(
        fit.params[["Intercept", "arm[T.b]", "months", "arm[T.b]:months"]], rel=1e-5
    )
    assert "those at months = 0" in (tmp_path / "out" / "notes.txt").read_text()


def test_json_and_the_function(results, tmp_path):
    outcome = run("model", results, *FORMULA, "--out", tmp_path / "out", "--quiet", "--json")
    summary = json.loads(outcome.out)
    assert summary["command"] == "model"
    assert (summary["fitted"], summary["tests"]) == (1, 4)
    found = mp.model(results, "group * role + segment", metrics=["rcsa"], where={"muscle": ["MF"]})
    assert found.summary == {name: value for name, value in summary.items() if name != "command"}


def test_formats_of_figures(results, tmp_path):
    words = ("model", results, *FORMULA, "--figure-format", "pdf", "--jobs", "2", "--out", tmp_path / "out")
    assert run(*words).code == 0
    assert (tmp_path / "out" / "residuals_rcsa.pdf").exists()


def test_nothing_changes_with_the_number_of_processes(results, tmp_path):
    for jobs in ("1", "2"):
        words = ("model", results, *FORMULA, "--means", "group", "--jobs", jobs, "--out", tmp_path / jobs)
        assert run(*words).code == 0
    assert fingerprint(tmp_path / "1") == fingerprint(tmp_path / "2")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--formula", "fi ~ group"), 2, "--formula 'fi ~ group': '~' was found; expected"),
        (("--formula", "group *"), 2, "--formula 'group *': its end was found where a column should be"),
        (("--formula", "grp"), 2, "grp: no such column; expected one of"),
        (("--formula", "group", "--metric", "sex"), 2, "sex: 'F' for participant ALS_1; expected a number"),
        (("--formula", "group", "--slope", "age"), 2, "--slope age: is no term of the formula"),
        (("--formula", "group", "--random", "site"), 2, "site: no such column"),
        (("--formula", "group", "--segment", "T12"), 2, "--segment: no row with T12; expected one of"),
        (("--formula", "group", "--group", "HC"), 2, "--group: no row with HC; expected one of"),
        (("--formula", "group", "--by", "segment"), 2, "--by segment: given without --means"),
        (("--formula", "group", "--means", "role"), 2, "--means role: is not in the formula"),
        (("--formula", "group", "--df", "z"), 2, "--df"),
        (("--formula", "group", "--group", "ALS"), 2, "--formula group: has one level only (ALS)"),
        ((), 2, "--formula"),
    ],
)
def test_mistakes(results, tmp_path, options, code, message):
    outcome = run("model", results, *options, "--out", tmp_path / "out")
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_table_without_rows_that_count(tmp_path):
    table = pd.DataFrame({"participant_id": ["A", "B"], "y": ["", ""], "x": [1, 2]})
    file = write(table, tmp_path / "t.csv")
    outcome = run("model", "--table", file, "--metric", "y", "--formula", "x", "--out", tmp_path / "out")
    assert outcome.code == 3
    assert "y: empty in 2 rows of 2 participants, left out: A, B" in outcome.err
