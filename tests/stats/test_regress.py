"""Linear regression against statsmodels' formulas, pingouin, NumPy's least squares and NIST."""

import math

import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.datasets import longley
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.outliers_influence import variance_inflation_factor

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.regress import regress

COLUMNS = (
    "segment,muscle,metric,role,outcome,term,n,df,b,se,beta,t,p,ci_low,ci_high,"
    "r2,r2_adjusted,model_p,covariates,p_adjusted"
)


def plain(columns):
    """A plain table: no segment, no muscle, no role."""
    return pd.DataFrame(columns).assign(segment="", muscle="", role="")


def people(seed, n=40, missing=0.05):
    """Clinical score, two tract measures in awkward units, covariates; missing cells, a category of three."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 10, n)
    fa = rng.normal(0.45, 0.04, n) - 0.001 * (age - 60)
    table = plain(
        {
            "participant_id": [f"P_{i}" for i in range(n)],
            "mrc_sum": np.round(100 * fa + rng.normal(0, 4, n)),
            "fa_cst": fa,
            "rd_cst": rng.normal(5e-4, 5e-5, n),
            "volume": rng.normal(1.2e6, 1e5, n),
            "age": age,
            "duration": rng.integers(2, 60, n).astype(float),
        }
    )
    for column in ("mrc_sum", "fa_cst", "age", "duration"):
        table.loc[rng.random(n) < missing, column] = np.nan
    return table.assign(sex=rng.choice(["F", "M"], n), region=rng.choice(["bulbar", "lower", "upper"], n))


def cohort(seed, n=14):
    """A long table: 2 segments × 2 muscles × 3 roles."""
    rng = np.random.default_rng(seed)
    people = [
        {
            "participant_id": f"ALS_{i}",
            "group": "ALS",
            "age": rng.normal(60, 10),
            "alsfrs": rng.integers(0, 48),
        }
        for i in range(n)
    ]
    return pd.DataFrame(
        [
            {
                **one,
                "segment": segment,
                "muscle": muscle,
                "role": role,
                "fi": rng.random(),
                "rcsa": rng.random(),
            }
            for segment in ("L5", "L4")
            for muscle in ("ES", "MF")
            for role in ("bilateral", "contralateral", "symptomatic")
            for one in people
        ]
    )


def assert_is_fit(found, fit, rel=1e-9):
    """Rows of one model against a statsmodels result, term by term."""
    names = ["Intercept" if term == "(Intercept)" else term.replace("[", "[T.") for term in found.term]
    interval = fit.conf_int()
    for column, expected in (
        ("b", fit.params[names]),
        ("se", fit.bse[names]),
        ("t", fit.tvalues[names]),
        ("ci_low", interval[0][names]),
        ("ci_high", interval[1][names]),
        ("r2", fit.rsquared),
        ("r2_adjusted", fit.rsquared_adj),
    ):
        np.testing.assert_allclose(found[column], expected, rtol=rel, atol=1e-12)
    np.testing.assert_allclose(found.p, fit.pvalues[names], rtol=1e-7)
    np.testing.assert_allclose(found.model_p, float(fit.f_pvalue), rtol=1e-7)
    assert (set(found.n), set(found.df)) == ({fit.nobs}, {fit.df_resid})


@pytest.mark.parametrize("hc3", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_formula_interface(seed, hc3):
    table = people(seed)
    found, _ = regress(table, ["mrc_sum"], ["fa_cst"], ["age", "sex", "duration", "region"], hc3=hc3)
    terms = ["(Intercept)", "fa_cst", "age", "sex[M]", "duration", "region[lower]", "region[upper]"]
    assert list(found.term) == terms
    assert set(found.covariates) == {"age+sex+duration+region"}
    model = smf.ols("mrc_sum ~ fa_cst + age + sex + duration + region", table)
    assert_is_fit(found, model.fit(cov_type="HC3", use_t=True) if hc3 else model.fit())


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pingouin(seed):
    table = people(seed)
    found, _ = regress(table, ["mrc_sum"], ["fa_cst", "age"])
    oracle = pingouin.linear_regression(table[["fa_cst", "age"]], table["mrc_sum"], remove_na=True)
    # By position: the names of pingouin's columns changed between its versions.
    for i, column in enumerate(["b", "se", "t", "p", "r2", "r2_adjusted", "ci_low", "ci_high"], 1):
        np.testing.assert_allclose(found[column], oracle.iloc[:, i], rtol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_beta_is_the_slope_of_standardised_columns(seed):
    table = people(seed)
    found, _ = regress(table, ["mrc_sum"], ["rd_cst", "volume"], ["sex"])
    complete = table.dropna(subset=["mrc_sum"])
    x = np.column_stack([complete.rd_cst, complete.volume, complete.sex == "M"]).astype(float)
    slopes = np.linalg.lstsq(stats.zscore(x, ddof=1), stats.zscore(complete.mrc_sum, ddof=1), rcond=None)[0]
    assert math.isnan(found.beta[0])
    np.testing.assert_allclose(found.beta[1:], slopes, rtol=1e-9)


def test_hc3_by_its_definition():
    """(X'X)⁻¹ X' diag(e²/(1 − h)²) X (X'X)⁻¹, MacKinnon and White 1985."""
    table = people(7, missing=0)
    found, _ = regress(table, ["mrc_sum"], ["fa_cst", "age"], hc3=True)
    x = np.column_stack([np.ones(len(table)), table.fa_cst, table.age])
    inverse = np.linalg.inv(x.T @ x)
    left = table.mrc_sum.to_numpy() - x @ (inverse @ x.T @ table.mrc_sum.to_numpy())
    leverage = np.diag(x @ inverse @ x.T)
    covariance = inverse @ (x.T * (left / (1 - leverage)) ** 2) @ x @ inverse
    np.testing.assert_allclose(found.se, np.sqrt(np.diag(covariance)), rtol=1e-8)


def test_nist_longley():
    """NIST's certified values for Longley's data, a hard case for least squares."""
    data = longley.load_pandas().data
    names = ["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"]
    found, notes = regress(plain(data), ["TOTEMP"], names)
    b = [
        -3482258.63459582,
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
    se = [
        890420.383607373,
        84.9149257747669,
        0.334910077722432e-01,
        0.488399681651699,
        0.214274163161675,
        0.226073200069370,
        455.478499142212,
    ]
    np.testing.assert_allclose(found.b, b, rtol=1e-9)
    np.testing.assert_allclose(found.se, se, rtol=1e-9)
    assert found.r2[0] == pytest.approx(0.995479004577296, rel=1e-12)
    assert found.model_p[0] == pytest.approx(stats.f.sf(330.285339234588, 6, 9), rel=1e-9)
    assert set(found.df) == {9}
    x = np.column_stack([np.ones(16), data[names]])
    high = [name for i, name in enumerate(names, 1) if variance_inflation_factor(x, i) > 10]
    assert notes == [
        "TOTEMP: fewer than 10 participants per term; take the coefficients with caution",
        f"TOTEMP: {', '.join(high)}: variance inflation factor over 10; "
        "the terms are collinear and their coefficients unstable",
    ]
    assert "ARMED" not in high
    assert len(high) == 5


def test_anscombe():
    """Anscombe 1973, first set: y = 3.00 + 0.500 x, standard error 0.118, R² 0.667, t = 4.24."""
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    found, notes = regress(plain({"x": x, "y": y}), ["y"], ["x"])
    assert ",".join(found.columns) == COLUMNS
    assert list(found.b) == pytest.approx([3.0, 0.5], abs=5e-3)
    row = found.iloc[1]
    assert (row.se, row.t, row.r2) == pytest.approx((0.118, 4.24, 0.667), abs=5e-3)
    assert (row.p, row.model_p) == pytest.approx((0.00217, 0.00217), abs=5e-6)
    assert row.beta == pytest.approx(math.sqrt(row.r2), rel=1e-12)
    assert notes == []


def test_slope_of_a_category_is_the_difference_of_means():
    table = people(3).dropna(subset=["mrc_sum"])
    found, _ = regress(table, ["mrc_sum"], ["sex"])
    women, men = (table.mrc_sum[table.sex == sex] for sex in "FM")
    assert list(found.term) == ["(Intercept)", "sex[M]"]
    assert list(found.b) == pytest.approx([women.mean(), men.mean() - women.mean()], rel=1e-10)
    assert found.p[1] == pytest.approx(stats.ttest_ind(men, women).pvalue, rel=1e-9)


@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-7, 0.1, -3.0, 1e6]),
    shift=st.sampled_from([0.0, 1e3]),
)
def test_units_change_b_but_neither_t_nor_beta(seed, scale, shift):
    table = people(seed, n=20)
    before, _ = regress(table, ["mrc_sum"], ["fa_cst"], ["age"])
    after, _ = regress(table.assign(age=scale * (table.age + shift)), ["mrc_sum"], ["fa_cst"], ["age"])
    np.testing.assert_allclose(after.b[1:], before.b[1:] / [1, scale], rtol=1e-7, atol=1e-12)
    for column in ("t", "beta"):
        np.testing.assert_allclose(
            after[column][1:], before[column][1:] * [1, np.sign(scale)], rtol=1e-7, atol=1e-9
        )
    np.testing.assert_allclose(after.model_p, before.model_p, rtol=1e-7)


@given(seed=st.integers(0, 10**6))
def test_order_of_rows_changes_no_digit(seed):
    table = people(seed)
    arguments = (["mrc_sum"], ["fa_cst", "region"], ["age", "sex"])
    before, notes = regress(table, *arguments)
    after, notes_after = regress(table.sample(frac=1, random_state=seed), *arguments)
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert notes == notes_after


def test_metrics_as_outcomes():
    table = cohort(0)
    found, notes = regress(table, ["rcsa", "fi"], ["alsfrs"], ["age"], ("symptomatic", "bilateral"), "ALS")
    keys = ["segment", "muscle", "metric", "role", "outcome", "term"]
    assert list(found[keys].itertuples(index=False, name=None)) == [
        (segment, muscle, metric, role, metric, term)
        for segment in ("L4", "L5")
        for muscle in ("MF", "ES")
        for metric in ("rcsa", "fi")
        for role in ("symptomatic", "bilateral")
        for term in ("(Intercept)", "alsfrs", "age")
    ]
    rows = table.query("segment == 'L5' and muscle == 'ES' and role == 'bilateral'")
    assert_is_fit(found.tail(3), smf.ols("fi ~ alsfrs + age", rows).fit())
    places = [
        f"{segment} {muscle} {metric} {role}"
        for segment in ("L4", "L5")
        for muscle in ("MF", "ES")
        for metric in ("rcsa", "fi")
        for role in ("symptomatic", "bilateral")
    ]
    few = "fewer than 10 participants per term; take the coefficients with caution"
    assert notes == [f"{', '.join(places)}: {few}"]


def test_p_is_adjusted_over_the_rows_of_a_predictor():
    """All models of one predictor, all levels of a category; neither intercepts nor covariates."""
    table = cohort(7, n=20)
    chance = np.random.default_rng(8)
    region = dict(zip(table.participant_id.unique(), chance.choice(["a", "b", "c"], 20), strict=True))
    table["region"] = table.participant_id.map(region)
    found, _ = regress(table, ["fi", "rcsa"], ["age", "region"], ["alsfrs"])
    for name, number in (("age", 8), ("region[", 16)):
        rows = found[found.term.str.startswith(name)]
        assert len(rows) == number
        assert rows.p_adjusted.tolist() == pytest.approx(multipletests(rows.p, method="fdr_bh")[1], rel=1e-12)
    assert found[found.term.isin(["(Intercept)", "alsfrs"])].p_adjusted.isna().all()


def test_metrics_as_predictors_get_a_model_each():
    table = cohort(1)
    found, _ = regress(table, ["alsfrs"], ["fi", "age", "rcsa"])
    first = found.query("segment == 'L4' and muscle == 'MF'").reset_index(drop=True)
    assert list(first[["metric", "outcome", "term"]].itertuples(index=False, name=None)) == [
        (metric, "alsfrs", term)
        for metric, terms in (("fi", ("fi", "age")), ("rcsa", ("age", "rcsa")))
        for term in ("(Intercept)", *terms)
    ]
    rows = table.query("segment == 'L4' and muscle == 'MF' and role == 'symptomatic'")
    assert_is_fit(first[:3], smf.ols("alsfrs ~ fi + age", rows).fit())
    assert_is_fit(first[3:], smf.ols("alsfrs ~ age + rcsa", rows).fit())


def test_outcomes_of_both_kinds_are_ordered_by_metric():
    found, _ = regress(cohort(1), ["alsfrs", "rcsa"], ["fi"])
    first = found.query("segment == 'L4' and muscle == 'MF' and term == 'fi'")
    assert list(first[["metric", "outcome"]].itertuples(index=False, name=None)) == [
        ("fi", "alsfrs"),
        ("rcsa", "rcsa"),
    ]


def test_in_a_plain_table_metrics_are_columns_like_others():
    table = people(0).rename(columns={"fa_cst": "fi", "rd_cst": "rcsa"})
    found, _ = regress(table, ["mrc_sum", "duration"], ["fi", "rcsa"])
    assert list(found.term) == ["(Intercept)", "fi", "rcsa"] * 2
    assert list(found.outcome) == ["mrc_sum"] * 3 + ["duration"] * 3
    assert set(found.metric) == {""}
    assert_is_fit(found[:3], smf.ols("mrc_sum ~ fi + rcsa", table).fit(), rel=1e-8)


def test_missing_cells_are_counted_and_noted():
    table = people(0, missing=0)
    table.loc[[0, 3, 4], "age"] = np.nan
    table.loc[7, "sex"] = " "
    found, notes = regress(table, ["mrc_sum"], ["age"], ["sex"])
    assert set(found.n) == {36}
    assert notes == [
        "age: empty for 3 of 40 participants, left out of its tests",
        "sex: empty for 1 of 40 participants, left out of its tests",
    ]


def empty(table, *arguments, **options):
    """The rows of one model, which must be empty from ``df`` to ``model_p``, and the one note."""
    found, notes = regress(table, *arguments, **options)
    assert found.loc[:, "df":"model_p"].isna().all(axis=None)
    assert len(notes) == 1
    return found, notes[0]


def test_too_few():
    found, note = empty(people(0, n=3, missing=0), ["mrc_sum"], ["fa_cst"], ["age"])
    assert list(found.term) == ["(Intercept)", "fa_cst", "age"]
    assert set(found.n) == {3}
    assert note == "mrc_sum: 3 complete cases for 3 coefficients is too few"
    nobody = people(0, missing=0).assign(age=np.nan, participant_id="")
    found, notes = regress(nobody, ["mrc_sum"], ["age"], ["sex"])
    assert list(found.term) == ["(Intercept)", "age", "sex"]
    assert set(found.n) == {0}
    assert notes[-1] == "mrc_sum: 0 complete cases for 3 coefficients is too few"


@pytest.mark.parametrize("hc3", [False, True])
@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"mrc_sum": 60.0}, "mrc_sum has the same value in all complete cases"),
        ({"age": 50.0}, "age: constant, or determined by the other terms"),
        ({"sex": "F"}, "sex: constant, or determined by the other terms"),
        (lambda t: {"age": 2 * t.fa_cst + 1}, "age: constant, or determined by the other terms"),
        (
            lambda t: {"region": t.sex.map(str.lower)},
            "region[m]: constant, or determined by the other terms",
        ),
    ],
)
def test_no_fit(change, note, hc3):
    table = people(2, missing=0)
    table = table.assign(**(change(table) if callable(change) else change))
    _, found = empty(table, ["mrc_sum"], ["fa_cst"], ["age", "sex", "region"], hc3=hc3)
    assert found == f"mrc_sum: {note}"


def small_and_awkward(seed):
    """Up to 8 people, few distinct values, awkward units and offsets, holes: what breaks least squares."""
    rng = np.random.default_rng(seed)
    n, levels = rng.integers(0, 9), rng.integers(1, 5)
    table = pd.DataFrame(
        {
            name: rng.integers(0, levels, n) * rng.choice([1, 1e-9, 1e9]) + rng.choice([0, 1e3, -0.1])
            for name in ("fi", "y", "a", "b")
        }
    )
    return table.mask(rng.random(table.shape) < 0.1).assign(
        sex=rng.choice(["F", "M", ""], n), segment="", muscle="", role=""
    )


@given(seed=st.integers(0, 10**6), covariates=st.sets(st.sampled_from(["a", "b", "sex"])), hc3=st.booleans())
def test_all_or_nothing(seed, covariates, hc3):
    found, notes = regress(small_and_awkward(seed), ["y"], ["fi"], sorted(covariates), hc3=hc3)
    for columns in (["b", "df", "r2"], ["se", "t", "p", "ci_low", "ci_high"]):
        assert found[columns].notna().all(axis=None) or found[columns].isna().all(axis=None)
    assert found.se.notna().all() or notes
    assert not np.isinf(found.select_dtypes(float)).any(axis=None)
    assert "nan" not in " ".join(notes)


@pytest.mark.parametrize("hc3", [False, True])
def test_exact_fit_has_coefficients_but_no_errors(hc3):
    table = people(2, missing=0).assign(mrc_sum=lambda t: 3 + 2 * t.fa_cst - 0.1 * t.age)
    found, notes = regress(table, ["mrc_sum"], ["fa_cst", "age"], hc3=hc3)
    np.testing.assert_allclose(found.b, [3, 2, -0.1], rtol=1e-9)
    assert found.r2[0] == pytest.approx(1)
    assert found[["se", "t", "p", "ci_low", "ci_high", "model_p"]].isna().all(axis=None)
    assert notes == ["mrc_sum: the terms determine the outcome exactly: no standard errors"]


def test_hc3_with_a_level_of_one_participant():
    table = people(2, missing=0).assign(sex=["M"] + ["F"] * 39)
    found, notes = regress(table, ["mrc_sum"], ["fa_cst"], ["sex"], hc3=True)
    plain_fit, _ = regress(table, ["mrc_sum"], ["fa_cst"], ["sex"])
    np.testing.assert_array_equal(found.b, plain_fit.b)
    assert found[["se", "t", "p", "ci_low", "ci_high", "model_p"]].isna().all(axis=None)
    assert plain_fit.se.notna().all()
    assert notes == ["mrc_sum: one participant alone determines a coefficient: no HC3 standard errors"]


def test_hc3_with_a_level_whose_outcomes_are_all_equal():
    table = people(2, n=20, missing=0).assign(sex=["F", "M"] * 10)
    table.loc[table.sex == "F", "mrc_sum"] = 60.0  # the intercept, the mean of F, has no HC3 variance
    found, notes = regress(table, ["mrc_sum"], ["sex"], hc3=True)
    assert found.b.notna().all()
    assert found[["se", "t", "p", "ci_low", "ci_high", "model_p"]].isna().all(axis=None)
    assert notes == ["mrc_sum: residuals of zero leave a coefficient no variance: no HC3 standard errors"]


def test_hc3_with_one_degree_of_freedom():
    found, _ = regress(people(2, n=4, missing=0), ["mrc_sum"], ["fa_cst"], ["age"], hc3=True)
    assert set(found.df) == {1}
    assert found.se.notna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mrc_sum": ["60", "n.a."] + ["58"] * 38}, "mrc_sum: 'n.a.' for participant P_1; expected a number"),
        ({"age": ["60"] * 39 + ["54y"]}, "age: '54y' for participant P_39 among numbers; expected numbers"),
        ({"fa_cst": [-np.inf] + [0.4] * 39}, "fa_cst: '-inf' for participant P_0 among numbers"),
        ({"sex": ["m", "M"] * 20}, "sex: both 'M' and 'm' are found; expected one spelling"),
        ({"participant_id": "P_1"}, "participant P_1: 40 rows; expected one row per participant"),
    ],
)
def test_faulty_cells(change, message):
    with pytest.raises(UsageError) as error:
        regress(people(0, missing=0).assign(**change), ["mrc_sum"], ["fa_cst"], ["age", "sex"])
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_metric_of_texts_is_no_category():
    table = cohort(0).assign(fi="high")
    with pytest.raises(UsageError, match=r"^fi: 'high' for participant ALS_0; expected a number"):
        regress(table, ["alsfrs"], ["fi"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outcomes": ["mrc"]}, "mrc: no such column; expected one of participant_id, "),
        ({"predictors": ["fa"]}, "fa: no such column"),
        ({"covariates": ["weight"]}, "weight: no such column"),
        ({"covariates": ["fa_cst"]}, "fa_cst: asked for twice"),
        ({"predictors": ["mrc_sum"]}, "mrc_sum: asked for twice"),
        ({"outcomes": []}, "outcome: none; expected at least one column"),
        ({"predictors": []}, "predictor: none; expected at least one column"),
        ({"group": "HC"}, "group: no such column"),
    ],
)
def test_wrong_usage(options, message):
    with pytest.raises(UsageError) as error:
        regress(people(0), **{"outcomes": ["mrc_sum"], "predictors": ["fa_cst"], **options})
    assert str(error.value).startswith(message)


def test_no_metric_takes_part():
    with pytest.raises(
        UsageError, match=r"^alsfrs: neither it nor a predictor belongs to a muscle; expected a metric"
    ):
        regress(cohort(0), ["alsfrs"], ["age"], ["fi"])


def test_unknown_role_and_group():
    with pytest.raises(UsageError, match=r"^left: no such role; expected symptomatic"):
        regress(cohort(0), ["fi"], ["age"], roles=["left"])
    with pytest.raises(UsageError, match=r"^LR: no participant of this group; the table has ALS"):
        regress(cohort(0), ["fi"], ["age"], group="LR")


def test_no_row_of_the_role_gives_an_empty_table():
    found, notes = regress(cohort(0).query("role == 'bilateral'"), ["fi"], ["age"])
    assert ",".join(found.columns) == COLUMNS
    assert len(found) == 0
    assert len(notes) == 1


def test_an_outcome_whose_squares_vanish_is_refused():
    x = np.arange(14.0)
    with pytest.raises(UsageError, match=r"y: '.*e-171' for row 2; expected a number"):
        regress(plain(pd.DataFrame({"x": x, "y": np.sin(x) * 1e-170})), ["y"], ["x"])
