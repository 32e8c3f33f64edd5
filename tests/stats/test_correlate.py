"""Partial correlation against pingouin, SciPy and the inverse of the correlation matrix."""

import math

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.correlate import correlate, p_from_r, residuals

# pingouin rounds its intervals to two decimals by default, and to six at most.
for option in [name for name in pingouin.options if "CI95" in name]:
    pingouin.options[option] = None

COLUMNS = "segment,muscle,metric,role,score,covariates,method,n,df,r,ci_low,ci_high,p,p_adjusted"


def people(seed, n=24, missing=0.1):
    """A wide table with ties (scores), missing cells and unequal n."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 10, n)
    table = pd.DataFrame(
        {
            "participant_id": [f"ALS_{i}" for i in range(n)],
            "group": "ALS",
            "segment": "",
            "muscle": "",
            "role": "",
            "fi": 0.3 + 0.005 * (age - 60) + rng.normal(0, 0.1, n),
            "rcsa": rng.normal(1, 0.3, n),
            "alsfrs_lower": rng.integers(0, 13, n).astype(float),
            "mrc": np.round(70 - 0.3 * age + rng.normal(0, 2, n)),
            "age": age,
            "bmi": rng.normal(24, 3, n),
        }
    )
    for column in ("fi", "rcsa", "alsfrs_lower", "age", "bmi"):
        table.loc[rng.random(n) < missing, column] = np.nan
    return table.assign(sex=rng.choice(["F", "M"], n), region=rng.choice(["bulbar", "lower", "upper"], n))


def cohort(seed, n=12):
    """A long table: 2 segments × 2 muscles × 3 roles."""
    rng = np.random.default_rng(seed)
    people = [
        {
            "participant_id": f"{group}_{i}",
            "group": group,
            "alsfrs_lower": float(rng.integers(0, 13)),
            "age": rng.normal(60, 10),
        }
        for group in ("ALS", "LR")
        for i in range(n)
    ]
    return pd.DataFrame(
        [
            {
                **person,
                "segment": segment,
                "muscle": muscle,
                "role": role,
                "fi": rng.random(),
                "rcsa": rng.random(),
            }
            for segment in ("L2", "L1")
            for muscle in ("PM", "MF")
            for role in ("bilateral", "contralateral", "symptomatic")
            for person in people
        ]
    )


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("covariates", [(), ("age",), ("age", "bmi")])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_pingouin(seed, covariates, method):
    table = people(seed)
    found, _ = correlate(table, ["alsfrs_lower", "mrc"], covariates, method=method)
    assert list(found["metric"]) == ["fi", "fi", "rcsa", "rcsa"]
    for row in found.itertuples():
        if covariates:
            oracle = pingouin.partial_corr(
                table, x=row.metric, y=row.score, covar=list(covariates), method=method
            ).iloc[0]
        else:
            complete = table[[row.metric, row.score]].dropna()
            oracle = pingouin.corr(complete[row.metric], complete[row.score], method=method).iloc[0]
        n, r, interval, p = oracle.iloc[:4]  # by position: the names changed between versions
        assert row.n == n
        assert row.df == row.n - 2 - len(covariates)
        assert row.r == pytest.approx(r, rel=1e-9)
        assert row.p == pytest.approx(p, rel=1e-8)
        assert (row.ci_low, row.ci_high) == pytest.approx(tuple(interval), abs=1e-6)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_without_covariates_is_scipys(method):
    table = people(5)
    found = correlate(table, ["mrc"], metrics=["fi"], method=method)[0].iloc[0]
    complete = table.dropna(subset=["fi", "mrc"])
    oracle = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[method](complete.fi, complete.mrc)
    assert (found.r, found.p) == pytest.approx((oracle.statistic, oracle.pvalue), rel=1e-9)
    if method == "pearson":
        assert (found.ci_low, found.ci_high) == pytest.approx(tuple(oracle.confidence_interval()), rel=1e-9)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_categories_count_as_dummy_columns(method):
    table = people(1)
    found = correlate(table, ["mrc"], ["age", "sex", "region"], ["fi"], method=method)[0].iloc[0]
    dummies = table.assign(
        m=(table.sex == "M").astype(float),
        low=(table.region == "lower").astype(float),
        up=(table.region == "upper").astype(float),
    )
    oracle = pingouin.partial_corr(dummies, "fi", "mrc", ["age", "m", "low", "up"], method=method).iloc[0]
    assert (found.r, found.p) == pytest.approx((oracle.iloc[1], oracle.iloc[3]), rel=1e-8)
    assert found.df == found.n - 2 - 4
    assert found.covariates == "age+sex+region"
    # Another reference level spans the same space.
    other = table.assign(region=table.region.map({"bulbar": "z", "lower": "a", "upper": "b"}))
    assert correlate(other, ["mrc"], ["age", "sex", "region"], ["fi"], method=method)[0].iloc[
        0
    ].r == pytest.approx(found.r, rel=1e-9)


def test_first_order_formula():
    """r_xy.z = (r_xy − r_xz·r_yz)/√((1 − r_xz²)(1 − r_yz²)), Yule's formula, on whole numbers."""
    x, y, z = np.array([[1, 2, 3, 4, 5, 9], [2, 1, 4, 3, 7, 5], [1, 0, 2, 5, 3, 4]], dtype=float)
    table = pd.DataFrame({"fi": x, "score": y, "z": z, "segment": "", "muscle": "", "role": ""})
    found = correlate(table, ["score"], ["z"], ["fi"])[0].iloc[0]
    r = np.corrcoef([x, y, z])
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / math.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert found.r == pytest.approx(expected, rel=1e-12)
    assert (found.n, found.df) == (6, 3)


def test_anscombe():
    """Anscombe 1973, first set: r = 0.816 (0.81642 in full), p = 0.00217 with 9 degrees of freedom."""
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    table = pd.DataFrame({"fi": x, "score": y, "segment": "", "muscle": "", "role": ""})
    found = correlate(table, ["score"], metrics=["fi"])[0].iloc[0]
    assert found.r == pytest.approx(0.81642, abs=5e-6)
    assert found.p == pytest.approx(0.00217, abs=5e-6)
    assert found.df == 9


@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([-1e6, -0.01, 1e-7, 3.0]),
    shift=st.sampled_from([0.0, 1.0, -500.0]),
)
def test_units_and_mixtures_of_covariates_change_nothing(seed, scale, shift):
    table = people(seed, missing=0.05)
    before = correlate(table, ["mrc"], ["age", "bmi"], ["fi"])[0].iloc[0]
    changed = table.assign(
        fi=scale * table.fi, age=1000 * (table.age + shift), bmi=table.bmi - 0.5 * table.age
    )
    after = correlate(changed, ["mrc"], ["age", "bmi"], ["fi"])[0].iloc[0]
    # bmi − age/2 is missing where either is, as the complete cases of both are.
    assert after.n == before.n
    assert after.r == pytest.approx(np.sign(scale) * before.r, rel=1e-8, abs=1e-9)
    assert -1 <= before.ci_low <= before.r <= before.ci_high <= 1


@given(seed=st.integers(0, 10**6))
def test_order_of_rows_changes_no_digit(seed):
    table = people(seed)
    shuffled = table.sample(frac=1, random_state=seed % 2**32)
    arguments = (["alsfrs_lower", "mrc"], ["age", "sex"])
    before, notes = correlate(table, *arguments)
    after, notes_after = correlate(shuffled, *arguments)
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert notes == notes_after


def test_long_table_rows_order_and_group():
    table = cohort(0)
    found, notes = correlate(
        table, ["alsfrs_lower"], ["age"], ("rcsa", "fi"), ("bilateral", "symptomatic"), "ALS"
    )
    assert ",".join(found.columns) == COLUMNS
    assert list(found[["segment", "muscle", "metric", "role"]].itertuples(index=False, name=None)) == [
        (segment, muscle, metric, role)
        for segment in ("L1", "L2")
        for muscle in ("MF", "PM")
        for metric in ("rcsa", "fi")
        for role in ("symptomatic", "bilateral")
    ]
    assert notes == []
    assert set(found.n) == {12}
    rows = table.query("group == 'ALS' and segment == 'L2' and muscle == 'PM' and role == 'bilateral'")
    oracle = pingouin.partial_corr(rows, "fi", "alsfrs_lower", "age").iloc[0]
    assert found.iloc[-1].r == pytest.approx(oracle.r, rel=1e-9)


def test_p_adjusted_by_score():
    table = cohort(1).assign(mrc=lambda t: t.age + t.groupby("participant_id").ngroup() % 5)
    table.loc[(table.segment == "L1") & (table.muscle == "MF"), "fi"] = 0.5  # p empty: not of the family
    found, notes = correlate(table, ["alsfrs_lower", "mrc"], group="ALS")
    assert sum(found.p.isna()) == 2
    for _, family in found.dropna(subset=["p"]).groupby("score"):
        assert len(family) == 7
        assert list(family.p_adjusted) == pytest.approx(multipletests(family.p, method="fdr_bh")[1])
    assert notes == [
        "L1 MF fi symptomatic with alsfrs_lower, L1 MF fi symptomatic with mrc: "
        "fi has the same value in all complete cases"
    ]


def test_pooled_groups_and_absent_roles_are_noted():
    table = cohort(2)
    gone = table[(table.participant_id != "ALS_3") | (table.role != "symptomatic")]
    found, notes = correlate(gone, ["alsfrs_lower"])
    assert set(found.n) == {23}
    assert notes == [
        "group: ALS, LR are pooled; choose one group to keep them apart",
        "symptomatic: 1 of 24 participants have no such row (side of onset unknown, or not measured) "
        "and are left out",
    ]


def test_missing_cells_are_counted_and_noted():
    table = people(3, missing=0)
    table.loc[[1, 4], "age"] = np.nan
    table.loc[4, "alsfrs_lower"] = np.nan
    found, notes = correlate(table, ["alsfrs_lower"], ["age"])
    assert set(found.n) == {22}
    assert notes == [
        "alsfrs_lower: empty for 1 of 24 participants, left out of its tests",
        "age: empty for 2 of 24 participants, left out of its tests",
    ]


def empty(table, *arguments, **options):
    """The one row, which must be empty from ``df`` on, and the one note."""
    found, notes = correlate(table, *arguments, **options)
    assert len(found) == len(notes) == 1
    assert found.loc[0, "df":].isna().all()
    return found.loc[0], notes[0]


def test_too_few():
    found, note = empty(people(0, n=4, missing=0), ["mrc"], ["age", "bmi"], ["fi"])
    assert found.n == 4
    assert note == "fi with mrc: 4 complete cases with 2 covariate columns is too few"
    assert empty(people(0, n=1, missing=0), ["mrc"], [], ["fi"])[0].n == 1
    nobody = people(0, n=5, missing=0).assign(age=np.nan, participant_id="")
    assert correlate(nobody, ["mrc"], ["age"], ["fi"])[0].loc[0, "n"] == 0


def test_one_degree_of_freedom_has_no_interval():
    table = people(0, n=3, missing=0)
    found, notes = correlate(table, ["mrc"], metrics=["fi"])
    oracle = stats.pearsonr(table.fi, table.mrc)
    assert (found.r[0], found.p[0]) == pytest.approx((oracle.statistic, oracle.pvalue), rel=1e-9)
    assert found[["ci_low", "ci_high"]].isna().all(axis=None)
    assert notes == ["fi with mrc: too few complete cases for a confidence interval"]


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"fi": 0.1 + 0.2}, "fi has the same value in all complete cases"),
        ({"mrc": 7.0}, "mrc has the same value in all complete cases"),
        ({"age": 50.0}, "age: constant, or determined by the other covariates"),
        ({"sex": "F"}, "sex: constant, or determined by the other covariates"),
        (lambda t: {"bmi": 3 * t.age - 7}, "bmi: constant, or determined by the other covariates"),
        (lambda t: {"fi": 0.002 * t.age + 0.1}, "fi is determined by the covariates"),
        (lambda t: {"mrc": -t.bmi / 3}, "mrc is determined by the covariates"),
    ],
)
def test_nothing_to_correlate(change, note, method):
    table = people(2, missing=0)
    table = table.assign(**(change(table) if callable(change) else change))
    _, found = empty(table, ["mrc"], ["age", "bmi", "sex"], ["fi"], method=method)
    assert found == f"fi with mrc: {note}"


def test_values_that_differ_only_by_rounding_are_constant():
    table = people(2, missing=0).assign(fi=[0.3, 0.1 + 0.2] * 12)
    assert "same value" in empty(table, ["mrc"], [], ["fi"])[1]


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


@given(
    seed=st.integers(0, 10**6),
    covariates=st.sets(st.sampled_from(["a", "b", "sex"])),
    method=st.sampled_from(["pearson", "spearman"]),
)
def test_all_or_nothing(seed, covariates, method):
    found, notes = correlate(small_and_awkward(seed), ["y"], sorted(covariates), ["fi"], method=method)
    for row in found.itertuples():
        numbers = [row.df, row.r, row.p, row.p_adjusted]
        assert all(pd.notna(numbers)) or all(pd.isna(numbers))
        assert pd.notna(row.r) or notes
        assert pd.isna(row.ci_low) or -1 <= row.ci_low <= row.r + 1e-12 <= row.ci_high + 2e-12
    assert "nan" not in " ".join(notes)


def test_perfect_correlation():
    table = people(2, missing=0).assign(fi=lambda t: 5 - t.mrc)
    found = correlate(table, ["mrc"], metrics=["fi"])[0].iloc[0]
    assert (found.r, found.ci_low, found.ci_high) == pytest.approx((-1, -1, -1))
    assert found.p == pytest.approx(0, abs=1e-12)


def test_residuals_are_the_pairs_of_the_test():
    table = people(4)
    left = residuals(table, "fi", "mrc", ["age", "sex"])
    complete = table.dropna(subset=["fi", "mrc", "age"])
    x = np.column_stack([np.ones(len(complete)), complete.age, complete.sex == "M"]).astype(float)
    for name in ("fi", "mrc"):
        y = complete[name].to_numpy()
        expected = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        np.testing.assert_allclose(
            getattr(left, {"fi": "metric", "mrc": "score"}[name]), expected, atol=1e-12
        )
    assert left.participants == tuple(complete.participant_id)
    assert (left.n_terms, left.problem) == (2, "")
    found = correlate(table, ["mrc"], ["age", "sex"], ["fi"])[0].iloc[0]
    assert np.corrcoef(left.metric, left.score)[0, 1] == pytest.approx(found.r, rel=1e-12)


@given(r=st.floats(-0.999, 0.999), df=st.integers(1, 500))
def test_p_from_r_is_the_beta_distribution_of_r(r, df):
    # The null distribution of r on [-1, 1] is a symmetric beta with both shapes df/2.
    expected = 2 * stats.beta.sf(abs(r), df / 2, df / 2, loc=-1, scale=2)
    assert p_from_r(r, df) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("r", "df"), [(1.01, 5), (math.nan, 5), (0.5, 0)])
def test_p_from_r_refuses(r, df):
    with pytest.raises(ValueError, match="expected"):
        p_from_r(r, df)


def test_p_of_one():
    assert p_from_r(-1.0, 3) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"alsfrs_lower": ["9", "n.a."] + ["8"] * 22},
            "alsfrs_lower: 'n.a.' for participant ALS_1; expected a number",
        ),
        ({"fi": ["0,3"] * 24}, "fi: '0,3' for participant ALS_0; expected a number"),
        ({"fi": [np.inf] + [0.1] * 23}, "fi: 'inf' for participant ALS_0; expected a number"),
        ({"fi": [1e200] + [0.1] * 23}, "fi: '1e+200' for participant ALS_0; expected a number"),
        ({"age": ["60"] * 23 + ["54y"]}, "age: '54y' for participant ALS_23 among numbers; expected numbers"),
        ({"sex": ["m", "M"] * 12}, "sex: both 'M' and 'm' are found; expected one spelling"),
        ({"participant_id": "ALS_1"}, "participant ALS_1: 24 rows; expected one row per participant"),
    ],
)
def test_faulty_cells(change, message):
    table = people(0, missing=0).assign(**change)
    with pytest.raises(UsageError) as error:
        correlate(table, ["alsfrs_lower"], ["age", "sex"])
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_row_without_participant_is_named_by_its_number():
    table = people(0, missing=0).drop(columns="participant_id").assign(fi=["0.1"] * 2 + ["?"] + ["0.2"] * 21)
    with pytest.raises(UsageError, match=r"^fi: '\?' for row 3; expected a number"):
        correlate(table, ["mrc"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scores": ["alsfrs"]}, "alsfrs: no such column; expected one of participant_id, group, "),
        ({"covariates": ["weight"]}, "weight: no such column"),
        ({"metrics": ["fat"]}, "fat: no such column"),
        ({"scores": ["mrc"], "covariates": ["mrc"]}, "mrc: asked for twice"),
        ({"covariates": ["age", "age"]}, "age: asked for twice"),
        ({"group": "HC"}, "HC: no participant of this group; the table has ALS; name one of these"),
        ({"method": "kendall"}, "method: 'kendall'; expected pearson or spearman"),
        ({"scores": []}, "score: none; expected at least one column"),
        ({"metrics": []}, "metric: none; expected at least one column"),
    ],
)
def test_wrong_usage(options, message):
    with pytest.raises(UsageError) as error:
        correlate(people(0), **{"scores": ["alsfrs_lower"], **options})
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "meant"), [({"scores": ["ALSFRS lower"]}, "alsfrs_lower"), ({"metrics": ["FI"]}, "fi")]
)
def test_a_column_with_a_slip_is_told_with_the_right_one(options, meant):
    with pytest.raises(UsageError, match=rf"; did you mean {meant}\?$"):
        correlate(people(0), **{"scores": ["alsfrs_lower"], **options})


@pytest.mark.parametrize("roles", [["onset"], [""], []])
def test_unknown_role(roles):
    with pytest.raises(UsageError, match="expected symptomatic, contralateral, bilateral"):
        correlate(cohort(0), ["alsfrs_lower"], roles=roles)


def test_group_column_missing():
    with pytest.raises(UsageError, match=r"^group: no such column"):
        correlate(people(0).drop(columns="group"), ["mrc"], group="ALS")


def test_a_participant_twice_in_one_cell():
    table = cohort(0)
    with pytest.raises(
        UsageError, match=r"^participant ALS_0: 2 rows for L1 MF symptomatic; expected one row"
    ):
        correlate(pd.concat([table, table.query("participant_id == 'ALS_0' and segment == 'L1'")]), ["age"])


def test_numbers_as_texts_and_other_types_are_read():
    table = people(0)
    as_texts = table.assign(
        age=table.age.map(lambda x: "" if x != x else f" {x!r} "),
        fi=table.fi.astype("Float64"),
        mrc=table.mrc.astype("Int64"),
        sex=table.sex.astype("category"),
        group=1.0,
    )
    arguments = (["mrc"], ["age", "sex"], ["fi"])
    expected = correlate(table, *arguments)[0]
    pd.testing.assert_frame_equal(correlate(as_texts, *arguments, group="1")[0], expected, check_exact=True)


def test_the_input_is_left_as_it_was():
    table = people(0).assign(segment=None)
    before = table.copy(deep=True)
    assert list(correlate(table, ["mrc"])[0].segment) == ["", ""]
    pd.testing.assert_frame_equal(table, before)


def test_no_row_of_the_role_gives_an_empty_table():
    found, notes = correlate(cohort(0).query("role == 'bilateral'"), ["alsfrs_lower"], group="LR")
    assert ",".join(found.columns) == COLUMNS
    assert len(found) == 0
    assert len(notes) == 1
