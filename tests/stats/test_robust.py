"""Regression and correlation of rows that share participants, against clubSandwich and R's own functions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.bootstrap import clusters_of
from mriparaspinal.stats.clustered_correlation import clustered_correlation
from mriparaspinal.stats.correlate import COLUMNS as CORRELATION_COLUMNS
from mriparaspinal.stats.correlate import correlate
from mriparaspinal.stats.regress import CLUSTER_COLUMNS, COLUMNS, regress
from mriparaspinal.stats.robust import clustered_fit, robust_errors, wald_p
from tests.stats.r.robust_tables import TABLES, tables

OF_R = Path(__file__).parent / "r"
PREDICTORS = ["x", "z", "w"]


def of_r(name):
    with (OF_R / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(table):
    """A plain table as the commands read it: its rows are of patients."""
    return table.assign(segment="", muscle="", role="").reset_index(drop=True)


def fitted(table, names):
    """The same numbers as of ``regress``, which would take a minute for all tables."""
    design = np.column_stack([np.ones(len(table)), table[names]])
    b = np.linalg.lstsq(design, table["y"], rcond=None)[0]
    fit = clustered_fit(design, (table["y"] - design @ b).to_numpy(), clusters_of(table["patient"]))
    se, df = robust_errors(fit, np.eye(len(b)))
    p = 2 * stats.t.sf(np.abs(b / se), df)
    model_p = wald_p(fit, b, np.eye(len(b))[1:])
    rows = zip(("(Intercept)", *names), b, se, df, p, strict=True)
    return {row[0]: dict(zip(("b", "se", "df", "p"), row[1:], strict=True), model_p=model_p) for row in rows}


@pytest.fixture(scope="module")
def every():
    return list(tables())


def test_every_coefficient_is_that_of_club_sandwich(every):
    """220 tables, one to three terms: CR2, Satterthwaite's df, and the test of all terms (HTZ)."""
    rows = of_r("robust.csv")
    assert len({row["table"] for row in rows}) == TABLES >= 200
    found = {}
    for number, terms in {(row["table"], int(row["terms"])) for row in rows}:
        found[number, terms] = fitted(every[int(number)], PREDICTORS[:terms])
    for row in rows:
        ours = found[row["table"], int(row["terms"])][row["term"]]
        for name in ("b", "se", "df", "p", "model_p"):
            if row[name] == "":
                assert pd.isna(ours[name]), (row, name)
            else:
                assert ours[name] == pytest.approx(float(row[name]), rel=1e-6, abs=1e-9), (row, name)


def test_regress_has_the_numbers_of_the_fit(every):
    for table in every[1:221:44]:
        ours, _ = regress(plain(table), ["y"], PREDICTORS, cluster="patient", metrics=["y"])
        for term, numbers in fitted(table, PREDICTORS).items():
            row = ours[ours["term"] == term].iloc[0]
            assert row[list(numbers)].astype(float).to_dict() == pytest.approx(numbers, rel=1e-7)


def test_every_correlation_is_that_of_r(every):
    rows = of_r("robust_correlation.csv")
    assert len(rows) == 2 * TABLES
    for row in rows:
        if row["method"] == "spearman" and int(row["table"]) % 4:
            continue  # for time
        table = every[int(row["table"])]
        numbers, _ = clustered_correlation(
            table["y"].to_numpy(),
            table["x"].to_numpy(),
            table[["z"]].to_numpy(),
            clusters_of(table["patient"]),
            ranks=row["method"] == "spearman",
        )
        for name in ("r", "df", "p", "ci_low", "ci_high"):
            if row[name] in ("", "NaN"):
                assert name not in numbers, (row, name)
            else:
                assert numbers[name] == pytest.approx(float(row[name]), rel=1e-6, abs=1e-9), (row, name)


def test_rows_of_their_own_give_hc2(every):
    """Each row its own cluster: squared residuals over 1 − leverage."""
    table = every[12]
    design = np.column_stack([np.ones(len(table)), table["x"], table["z"]])
    inverse = np.linalg.inv(design.T @ design)
    residual = table["y"] - design @ inverse @ design.T @ table["y"]
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    expected = inverse @ (design.T * (residual.to_numpy() ** 2 / (1 - leverage))) @ design @ inverse
    fit = clustered_fit(design, residual.to_numpy(), clusters_of(np.arange(len(table))))
    assert robust_errors(fit, np.eye(3))[0] == pytest.approx(np.sqrt(np.diag(expected)))


def test_one_term_alone_is_tested_once(every):
    table = plain(every[12])
    found, _ = regress(table, ["y"], ["x"], cluster="patient", metrics=["y"])
    assert found["model_p"][1] == pytest.approx(found["p"][1])
    assert list(found) == [*COLUMNS, *CLUSTER_COLUMNS]
    assert set(found["clusters"]) == {table["patient"].nunique()}


def test_too_few_clusters_have_no_test_of_all_terms():
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(20), rng.normal(size=(20, 3))])
    residual = rng.normal(size=20)
    fit = clustered_fit(design, residual, clusters_of(np.repeat([0, 1, 2], [7, 7, 6])))
    assert np.isnan(wald_p(fit, np.ones(4), np.eye(4)[1:]))


def test_what_one_patient_determines_is_left_empty():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"patient": np.repeat([*"abcdef"], 4), "y": rng.normal(size=24)})
    table["x"] = (table["patient"] == "a").astype(float)
    found, notes = regress(plain(table), ["y"], ["x"], cluster="patient", metrics=["y"])
    assert found[["se", "p", "model_p"]].isna().all().all()
    assert found["b"].notna().all()
    assert any("one cluster alone determines" in note for note in notes)


def test_constant_and_exact_values_are_said():
    table = plain(pd.DataFrame({"patient": [*"aabbccdd"], "x": np.arange(8.0), "flat": 1.0}))
    table["line"] = 2 * table["x"]
    for outcome, said in (("flat", "same value"), ("line", "exactly")):
        found, notes = regress(table, [outcome], ["x"], cluster="patient", metrics=[outcome])
        assert found["p"].isna().all()
        assert any(said in note for note in notes)


def test_few_degrees_of_freedom_are_said(every):
    _, notes = regress(plain(every[0]), ["y"], ["x"], cluster="patient", metrics=["y"])
    assert any("fewer than 4 degrees of freedom" in note for note in notes)


def test_participants_with_several_rows_need_a_cluster(every):
    table = plain(every[12]).rename(columns={"patient": "participant_id"})
    with pytest.raises(UsageError, match="or give cluster participant_id"):
        regress(table, ["y"], ["x"], metrics=["y"])
    found, _ = regress(table, ["y"], ["x"], cluster="participant_id", metrics=["y"])
    assert found["n"].tolist() == [len(table)] * 2
    shuffled = table.sample(frac=1, random_state=3)
    other, _ = regress(shuffled, ["y"], ["x"], cluster="participant_id", metrics=["y"])
    pd.testing.assert_series_equal(found["p"], other["p"], rtol=1e-12)


def test_correlate_tells_what_r_is_of(every):
    table = plain(every[12]).rename(columns={"patient": "participant_id"})
    found, notes = correlate(table, ["x"], ["z"], ["y"], cluster="participant_id")
    assert list(found) == [*CORRELATION_COLUMNS, "cluster", "clusters"]
    assert found["ci_low"][0] < found["r"][0] < found["ci_high"][0]
    assert found["p_adjusted"][0] == found["p"][0]
    assert any("mixes differences between and within" in note for note in notes)
    one = table.assign(participant_id="a")
    found, notes = correlate(one, ["x"], [], ["y"], cluster="participant_id")
    assert found[["p", "ci_low"]].isna().all().all()
    assert any("of one cluster" in note for note in notes)


@pytest.mark.parametrize(
    ("cluster", "more", "said"),
    [
        ("site", {}, "site: no such column"),
        ("patient", {"hc3": True}, "cluster: given with hc3"),
        ("x", {}, "x: asked for twice"),
        ("gaps", {}, "cluster gaps: empty in row 2"),
    ],
)
def test_what_is_refused(every, cluster, more, said):
    table = plain(every[12]).assign(gaps=lambda rows: ["a", *[""] * (len(rows) - 1)])
    with pytest.raises(UsageError) as caught:
        regress(table, ["y"], ["x"], cluster=cluster, metrics=["y"], **more)
    assert said in str(caught.value)
