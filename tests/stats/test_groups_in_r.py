"""Omnibus tests, post-hoc tests, letters and exact counts against R on random tables (r/groups.R)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.stats.correlate import SPEARMAN_COLUMNS, correlate
from mriparaspinal.stats.exact_counts import fisher_freeman_halton
from mriparaspinal.stats.letters import compact_letters
from mriparaspinal.stats.omnibus import NO_ETA_INTERVAL, anova, compare_groups, kruskal_wallis, welch_anova
from mriparaspinal.stats.post_hoc import Pair, dunn, games_howell, tukey
from mriparaspinal.stats.regress_each import own_terms, regress_each
from mriparaspinal.stats.smd import smd_of_counts, smd_of_numbers
from mriparaspinal.stats.studentized_range import range_p, range_quantile
from tests.stats.r.groups_tables import Pairs, counts, groups, pairs, two_groups

FOLDER = Path(__file__).with_name("r")
GROUPS = [[x[np.isfinite(x)] for x in table] for table in groups()]
ANSWERS = pd.read_csv(FOLDER / "groups.csv").to_dict("records")
PAIRS = pd.read_csv(FOLDER / "groups_pairs.csv").groupby("table")

#: R's ptukey has four digits in the tails of fewer degrees of freedom; SciPy has all.
FEW = 12


def near(expected: object, unit: float = 1.0) -> object:
    return pytest.approx(expected, rel=1e-6, abs=1e-6 * unit)


def test_omnibus_tests() -> None:
    assert len(GROUPS) == len(ANSWERS) >= 200
    welch = 0
    for samples, row in zip(GROUPS, ANSWERS, strict=True):
        one, ranks = anova(samples), kruskal_wallis(samples)
        assert one[:4] == near((row["f"], len(samples) - 1, sum(map(len, samples)) - len(samples), row["p"]))
        assert one[5:] == near((row["eta"], row["eta_low"], row["eta_high"]))
        assert (ranks.statistic, ranks.p, ranks.effect_size) == near((row["h"], row["kw_p"], row["epsilon"]))
        if not np.isnan(row["welch_f"]):
            found = welch_anova(samples)
            assert (found.statistic, found.df2, found.p, found.effect_size) == near(
                (row["welch_f"], row["welch_df2"], row["welch_p"], row["omega"])
            )
            welch += 1
    assert welch >= 180


def expect_pairs(found: list[Pair], expected: pd.DataFrame, names: str, unit: float) -> None:
    for pair, row in zip(found, expected.to_dict("records"), strict=True):
        assert (pair.a, pair.b) == (row["a"], row["b"])
        difference, *others = names.split()
        assert pair.difference == near(row[difference], unit)
        for name in others:
            field = name.partition("_")[2]
            value = {"low": pair.ci_low, "high": pair.ci_high, "q": pair.statistic, "z": pair.statistic}
            value |= {"p": pair.p, "df": pair.df}
            if np.isnan(row[name]):  # R's ptukey has no answer below two degrees of freedom
                assert row["gh_df"] < 2
                continue
            if pair.df < FEW and field in ("low", "high", "p"):
                assert value[field] == pytest.approx(row[name], rel=1e-3, abs=1e-4 * unit)
                continue
            assert value[field] == near(row[name], unit if field in ("low", "high") else 1.0), (name, row)


@pytest.mark.parametrize("df", [2.0, 2.017, 3.03, 4.5, 7.0, 11.3, 40.0, 500.0])
def test_the_studentized_range_is_scipys(df: float) -> None:
    q = np.array([0.3, 2.0, 4.0, 9.0, 30.0])
    for groups_ in (3, 6, 10):
        expected = stats.studentized_range.sf(q, groups_, df)
        np.testing.assert_allclose([range_p(one, groups_, df) for one in q], expected, atol=3e-7)
        assert stats.studentized_range.sf(range_quantile(groups_, df), groups_, df) == pytest.approx(
            0.05, abs=1e-6
        )


def test_post_hoc_tests_and_letters() -> None:
    for number, (samples, row) in enumerate(zip(GROUPS, ANSWERS, strict=True)):
        expected = PAIRS.get_group(number)
        unit = float(np.ptp(np.concatenate(samples)))
        tests = {
            "tukey": (tukey, "tukey_d tukey_low tukey_high tukey_p"),
            "dunn": (dunn, "dunn_d dunn_z dunn_p"),
        }
        if not np.isnan(row["welch_f"]):  # no group is constant
            tests["gh"] = (games_howell, "tukey_d gh_low gh_high gh_q gh_p gh_df")
        for name, (test, columns) in tests.items():
            found = test(samples)
            expect_pairs(found, expected, columns, unit)
            differ = [(pair.a, pair.b) for pair in found if pair.p < 0.05]
            if isinstance(row[f"letters_{name}"], str):
                assert "|".join(compact_letters(len(samples), differ)) == row[f"letters_{name}"]


def test_the_rule_takes_the_test_that_levene_and_normality_say() -> None:
    chosen = [compare_groups(samples) for samples in GROUPS]
    for found, row in zip(chosen, ANSWERS, strict=True):
        normal = all(arm.normality_p >= 0.05 for arm in found.groups)
        equal = row["levene"] >= 0.05
        assert found.test == ("anova" if normal and equal else "welch_anova" if normal else "kruskal_wallis")
        expected = {"anova": row["p"], "welch_anova": row["welch_p"], "kruskal_wallis": row["kw_p"]}
        assert found.p == near(expected[found.test])
        if normal:
            assert found.levene_p == near(row["levene"])
    assert min(pd.Series([found.test for found in chosen]).value_counts()) >= 10


def test_fisher_freeman_halton() -> None:
    answers = pd.read_csv(FOLDER / "groups_counts.csv")["p"]
    found = [fisher_freeman_halton(table) for table in counts()]
    assert len(found) >= 200
    np.testing.assert_allclose(found, answers, atol=1e-6, rtol=1e-6)


def test_standardised_mean_differences() -> None:
    answers = pd.read_csv(FOLDER / "groups_smd.csv")
    tables = list(two_groups())
    assert len(tables) == len(answers) >= 200
    for number, ((a, b), row) in enumerate(zip(tables, answers.to_dict("records"), strict=True)):
        if number % 2:
            levels = sorted({*a, *b})
            found = smd_of_counts(*([int((x == level).sum()) for level in levels] for x in (a, b)))
        else:
            found = smd_of_numbers(a, b)
        assert tuple(found) == pytest.approx(
            (row["smd"], row["low"], row["high"]), rel=1e-6, abs=1e-6, nan_ok=True
        )


def one_per_participant(one: Pairs) -> pd.DataFrame:
    table = pd.DataFrame({"y": one.y, "x": one.x, "z": one.z})
    return table.assign(participant_id=[f"p{i:02}" for i in table.index], segment="", muscle="", role="")


def test_spearman_with_bonett_and_wrights_interval() -> None:
    tables, answers = list(pairs()), pd.read_csv(FOLDER / "groups_each.csv").to_dict("records")
    assert len(tables) == len(answers) >= 200
    for number, (one, row) in enumerate(zip(tables, answers, strict=True)):
        covariates, suffix = (("z",), "z") if number % 2 else ((), "")
        found, _ = correlate(one_per_participant(one), ["x"], covariates, ["y"], method="spearman")
        numbers = tuple(found.loc[0, ["r", "bonett_wright_low", "bonett_wright_high"]])
        expected = [row[name + suffix] for name in ("r", "low", "high")]
        if expected[1] == -1:  # R's infinite standard error
            expected[1:] = [np.nan, np.nan]
        assert numbers == pytest.approx(expected, abs=1e-6, nan_ok=True)
    found, _ = correlate(one_per_participant(tables[0]), ["x"], (), ["y"])
    assert not set(SPEARMAN_COLUMNS) & set(found)


def test_regressions_of_each_predictor_alone() -> None:
    answers = pd.read_csv(FOLDER / "groups_each.csv").to_dict("records")
    names = ["b", "b_low", "b_high", "p", "r2"]
    for number, (one, row) in enumerate(zip(pairs(), answers, strict=True)):
        covariates, suffix = (["z"], "z") if number % 2 else ([], "")
        predictors = ["x", "other"] if number < 10 else ["x"]
        table = one_per_participant(one).assign(other=np.arange(len(one.y)) % 3)
        found, _ = regress_each(table, ["y"], predictors, covariates)
        (own,) = own_terms(found[found["predictor"] == "x"]).to_dict("records")
        expected = [row["b" + suffix + name[1:] if name[0] == "b" else name + suffix] for name in names]
        values = [own[name] for name in ("b", "ci_low", "ci_high", "p", "r2")]
        unit = max(map(abs, expected[:3]))
        assert values[:3] == near(expected[:3], unit)
        assert values[3:] == near(expected[3:])
        assert own_terms(found)["term"].tolist() == predictors


def test_a_difference_beyond_all_others_has_no_interval_of_eta_squared() -> None:
    found = compare_groups([[k, k + 1e-7, k + 2.1e-7, k + 3e-7, k + 4e-7] for k in (1, 2, 3)])
    assert found.test == "anova"
    assert np.isnan(found.effect_ci_low)
    assert found.remarks == (NO_ETA_INTERVAL,)
    assert max(pair.p for pair in found.pairs) < 1e-12
