"""Rubin's rules against R's mice, the draws against their own distributions, ``regress`` against both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.imputation import Imputation, impute, pool, pooled_test, why_not
from mriparaspinal.stats.regress import COLUMNS, IMPUTED_COLUMNS, regress

HERE = Path(__file__).parent / "r"


def holed(n: int, seed: int, share: float = 0.25) -> pd.DataFrame:
    """A plain table with cells missing in a number and in a category."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 8, n)
    sex = np.where(rng.random(n) < 0.5, "F", "M").astype(object)
    y = 0.05 * age + 0.8 * (sex == "M") + rng.normal(0, 1, n)
    table = pd.DataFrame({"y": y, "age": age, "sex": sex, "bmi": rng.normal(25, 3, n)})
    table.loc[rng.random(n) < share, "age"] = np.nan
    table.loc[rng.random(n) < share, "sex"] = ""
    ids = [f"P_{number:03d}" for number in range(n)]
    return table.assign(participant_id=ids, segment="", muscle="", role="")


def selected(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(sex=table["sex"].where(table["sex"] != "", None))


def test_pooling_of_single_terms_against_mice() -> None:
    given, answers = (pd.read_csv(HERE / f"imputation_scalars{end}.csv") for end in ("", "_pooled"))
    assert given["table"].nunique() == len(answers) == 240
    for (_, rows), oracle in zip(given.groupby("table"), answers.itertuples(), strict=True):
        df = rows["n"].iloc[0] - rows["k"].iloc[0]
        found = pool(rows[["estimate"]].to_numpy(), rows[["variance"]].to_numpy(), df)
        for name in ("estimate", "se", "df", "fmi", "p"):
            assert getattr(found, name)[0] == pytest.approx(getattr(oracle, name), rel=1e-6), name


def test_pooling_of_regressions_against_mice() -> None:
    given, answers = (pd.read_csv(HERE / f"imputation_{end}.csv") for end in ("tables", "pooled"))
    oracles = answers.groupby("table")
    for number, rows in given.groupby("table"):
        fits = [sm.OLS(one["y"], sm.add_constant(one[["x", "z"]])).fit() for _, one in rows.groupby("set")]
        estimates = np.array([fit.params for fit in fits])
        found = pool(estimates, np.array([fit.bse**2 for fit in fits]), fits[0].df_resid)
        oracle = oracles.get_group(number)
        for name in ("estimate", "se", "df", "fmi", "p"):
            assert getattr(found, name) == pytest.approx(oracle[name].to_numpy(), rel=1e-6), (number, name)


def test_the_pooled_test_of_a_model_against_mice() -> None:
    given, answers = (pd.read_csv(HERE / f"imputation_{end}.csv") for end in ("tables", "d1"))
    seen = 0
    for number, rows in given.groupby("table"):
        fits = [sm.OLS(one["y"], sm.add_constant(one[["x", "z"]])).fit() for _, one in rows.groupby("set")]
        estimates = np.array([fit.params[1:] for fit in fits])
        covariances = np.array([fit.cov_params().to_numpy()[1:, 1:] for fit in fits])
        found = pooled_test(estimates, covariances, fits[0].df_resid)
        oracle = answers.set_index("table").loc[number]
        if not oracle["df2"] > 4:  # the approximation begins at 4: too few sets or cases
            assert np.isnan(found)
            continue
        assert found == pytest.approx(oracle["p"], rel=1e-6)
        seen += 1
    assert seen == 15


def test_three_levels_are_imputed_as_by_mice() -> None:
    """1,000 sets of each: estimates within what 1,000 sets tell.

    mice's polyreg takes the coefficients of the multinomial model as known, so that its sets are too much
    alike; the variance between them is that of coefficients drawn by nnet and MASS.
    """
    table = pd.read_csv(HERE / "imputation_levels_table.csv", keep_default_na=False)
    table["region"] = table["region"].where(table["region"] != "", None)
    names = ["region", "x"]
    assert not why_not(table, "y", names)
    fits = []
    for one in impute(table, "y", names, Imputation(1000)):
        matrix = pd.DataFrame({level: one["region"].eq(level).astype(float) for level in ("lower", "upper")})
        fits.append(sm.OLS(one["y"], sm.add_constant(matrix.assign(x=one["x"]))).fit())
    oracle = pd.read_csv(HERE / "imputation_levels.csv")
    estimates = np.array([fit.params for fit in fits])
    error = np.sqrt(2 * oracle["drawn_between"].to_numpy() / 1000)
    for theirs in ("estimate", "drawn_estimate"):
        assert (np.abs(estimates.mean(axis=0) - oracle[theirs]) < 4 * error).all()
    within = np.mean([fit.bse**2 for fit in fits], axis=0)
    assert within == pytest.approx(oracle["within"].to_numpy(), rel=0.02)
    assert estimates.var(axis=0, ddof=1) == pytest.approx(oracle["drawn_between"].to_numpy(), rel=0.2)


def test_levels_are_drawn_with_the_shares_of_the_multinomial_model() -> None:
    rng = np.random.default_rng(6)
    y = rng.normal(size=601)
    y[600] = 0.8
    shares = np.exp(np.column_stack([np.zeros(601), 0.3 + y, -0.2 - 0.7 * y]))
    shares /= shares.sum(axis=1, keepdims=True)
    drawn = (rng.random((601, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    level = np.array(["a", "b", "c"], dtype=object)[drawn]
    level[600] = None
    table = pd.DataFrame({"y": y, "level": level})
    fit = sm.MNLogit(drawn[:600], sm.add_constant(y[:600])).fit(disp=False)
    expected = fit.predict([[1, 0.8]])[0]
    found = pd.Series([one["level"].iloc[600] for one in impute(table, "y", ["level"], Imputation(1000))])
    assert found.value_counts(normalize=True).sort_index().to_numpy() == pytest.approx(expected, abs=0.05)


def test_regress_pools_its_own_sets() -> None:
    """The table is what statsmodels and the rules give of the sets that are drawn with this seed."""
    table = holed(40, 1)
    how = Imputation(7, seed=3)
    found, notes = regress(table, ["y"], ["age"], ["sex", "bmi"], imputation=how)
    assert list(found) == [*COLUMNS, *IMPUTED_COLUMNS]
    sets = impute(selected(table), "y", ["age", "sex", "bmi"], how, "y")
    fits = []
    for one in sets:
        matrix = one[["age"]].assign(male=one["sex"].eq("M").astype(float), bmi=one["bmi"])
        fits.append(sm.OLS(one["y"], sm.add_constant(matrix)).fit())
    pooled = pool(
        np.array([fit.params for fit in fits]), np.array([fit.bse**2 for fit in fits]), fits[0].df_resid
    )
    names = {"b": "estimate", "ci_low": "low", "ci_high": "high"}
    for column in ("b", "se", "df", "p", "ci_low", "ci_high", "fmi"):
        name = names.get(column, column)
        assert found[column].astype(float).to_numpy() == pytest.approx(getattr(pooled, name), rel=1e-6), (
            column
        )
    complete = selected(table).dropna()
    assert set(found["n"]) == {40}
    assert set(found["n_complete"]) == {len(complete)}
    assert set(found["cells_imputed"]) == {int(selected(table)[["age", "sex"]].isna().sum().sum())}
    assert set(found["sets"]) == {7}
    covariances = np.array([fit.cov_params().to_numpy()[1:, 1:] for fit in fits])
    estimates = np.array([fit.params[1:] for fit in fits])
    assert found["model_p"].to_numpy() == pytest.approx(
        pooled_test(estimates, covariances, fits[0].df_resid), rel=1e-6
    )
    z = np.mean([np.arctanh(np.sqrt(fit.rsquared)) for fit in fits])
    assert found["r2"].to_numpy() == pytest.approx(np.tanh(z) ** 2)
    assert any("asks for" in note for note in notes)
    assert "age: empty for" in " ".join(notes)
    assert not any(note.startswith(("age", "sex")) and "left out" in note for note in notes)


def test_what_is_known_stays_and_what_is_drawn_may_be() -> None:
    table = selected(holed(60, 2))
    for one in impute(table, "y", ["age", "sex", "bmi"], Imputation(5)):
        assert not one[["y", "age", "sex", "bmi"]].isna().any(axis=None)
        assert set(one["sex"]) == {"F", "M"}
        for name in ("y", "age", "sex", "bmi"):
            there = table[name].notna()
            assert one.loc[there, name].tolist() == table.loc[there, name].tolist()


def test_draws_have_the_distribution_of_the_regression() -> None:
    """Of 300 known cases the posterior predictive distribution is nearly N(x'b, s²)."""
    rng = np.random.default_rng(4)
    y = rng.normal(0, 1, 301)
    x = 2 * y + rng.normal(0, 0.5, 301)
    x[300] = np.nan
    table = pd.DataFrame({"y": y, "x": x})
    drawn = np.array([one["x"].iloc[300] for one in impute(table, "y", ["x"], Imputation(1000))])
    fit = sm.OLS(x[:300], sm.add_constant(y[:300])).fit()
    expected = fit.predict([[1, y[300]]])[0]
    spread = np.sqrt(fit.scale)
    assert drawn.mean() == pytest.approx(expected, abs=4 * spread / np.sqrt(1000))
    assert drawn.std() == pytest.approx(spread, rel=0.1)


def test_categories_have_the_distribution_of_the_logistic_regression() -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(0, 1, 401)
    male = rng.random(401) < 1 / (1 + np.exp(-1.5 * y))
    table = pd.DataFrame({"y": y, "sex": np.where(male, "M", "F").astype(object)})
    table.loc[400, ["y", "sex"]] = [0.8, None]
    drawn = [one["sex"].iloc[400] == "M" for one in impute(table, "y", ["sex"], Imputation(1000))]
    fit = sm.Logit(male[:400].astype(float), sm.add_constant(y[:400])).fit(disp=0)
    assert np.mean(drawn) == pytest.approx(fit.predict([[1, 0.8]])[0], abs=0.06)


def test_separated_categories_are_drawn_all_the_same() -> None:
    y = np.arange(20.0)
    sex = pd.Series(np.where(y < 10, "F", "M"), dtype=object)
    sex[[3, 15]] = None
    drawn = impute(pd.DataFrame({"y": y, "sex": sex}), "y", ["sex"], Imputation(50))
    assert np.mean([one["sex"][3] == "F" for one in drawn]) > 0.6
    assert np.mean([one["sex"][15] == "M" for one in drawn]) > 0.6


def test_seed_and_place_decide_the_numbers_and_the_order_does_not() -> None:
    table = selected(holed(30, 6))
    first, again, other, elsewhere = (
        impute(table, "y", ["age", "sex"], Imputation(2, seed), place)[0]
        for seed, place in ((1, "a"), (1, "a"), (2, "a"), (1, "b"))
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["age"].equals(other["age"])
    assert not first["age"].equals(elsewhere["age"])
    shuffled = holed(30, 6).sample(frac=1, random_state=1)
    one, two = (regress(t, ["y"], ["age"], imputation=Imputation(3))[0] for t in (holed(30, 6), shuffled))
    pd.testing.assert_frame_equal(one, two)


def test_without_gaps_all_is_as_without_imputation() -> None:
    table = holed(30, 7, share=0)
    with_it, notes = regress(table, ["y"], ["age", "sex"], imputation=Imputation(5))
    without, same = regress(table, ["y"], ["age", "sex"])
    pd.testing.assert_frame_equal(with_it[COLUMNS], without)
    assert notes == same
    assert set(with_it["cells_imputed"]) == {0}
    assert with_it[["sets", "fmi"]].isna().all(axis=None)


def test_rows_without_outcome_are_left_out() -> None:
    table = holed(30, 8)
    table.loc[:4, "y"] = np.nan
    found, notes = regress(table, ["y"], ["age"], imputation=Imputation(3))
    assert set(found["n"]) == {25}
    assert any(note.startswith("y: empty for 5 of 30 participants, left out") for note in notes)


def test_nobody_is_put_into_a_group() -> None:
    table = holed(40, 10).assign(group=["A", "B"] * 20)
    table.loc[:2, "group"] = ""
    found, notes = regress(table, ["y"], ["group"], ["age"], imputation=Imputation(3))
    assert set(found["n"]) == {37}
    assert "group: empty for 3 of 40 participants, left out of its tests" in notes


CANNOT = {
    "too few": (lambda t: t[:8], "complete cases are too few to impute from"),
    "eight levels": (
        lambda t: t.assign(sex=np.where(t["sex"] == "", "", [f"X{n % 8}" for n in range(30)]))[:26],
        "known cells are too few to impute 8 levels from, 26 are needed",
    ),
    "one level": (
        lambda t: t.assign(sex=np.where(t["sex"] == "", "", "F")),
        "sex: there is one level only, so nothing tells where another would be",
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_imputed_is_left_out_and_said(name: str) -> None:
    change, words = CANNOT[name]
    table = change(holed(30, 9))
    assert words in why_not(selected(table), "y", ["age", "sex"])
    found, notes = regress(table, ["y"], ["age", "sex"], imputation=Imputation(3))
    without, _ = regress(table, ["y"], ["age", "sex"])
    pd.testing.assert_frame_equal(found[COLUMNS], without)
    assert any("nothing is imputed, complete cases only" in note and words in note for note in notes)
    assert set(found["cells_imputed"]) == {0}


@pytest.mark.parametrize("sets", [-1, 0, 1, 1001])
def test_a_number_of_sets_that_is_none(sets: int) -> None:
    with pytest.raises(UsageError, match=f"impute: {sets} was found; expected 2 to 1000"):
        Imputation(sets)
