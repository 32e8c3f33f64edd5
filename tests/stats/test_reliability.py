"""Rater agreement against printed examples, pingouin, statsmodels' ANOVA and sums by hand."""

from __future__ import annotations

import itertools
import math
import statistics
import warnings

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import COLUMNS
from mriparaspinal.stats.bland_altman import bland_altman
from mriparaspinal.stats.icc import FORMS, cv_of_raters, icc_table
from mriparaspinal.stats.raters import mean_of_raters
from mriparaspinal.stats.reliability import (
    BLAND_ALTMAN_COLUMNS,
    RELIABILITY_COLUMNS,
    RatedRegion,
    agreement_of_table,
    bland_altman_table,
    exceeding,
    rating_matrices,
    ratings_of_table,
    reliability,
)

# Shrout & Fleiss 1979, Psychol Bull 86:420, Table 2: six targets, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)

# Bland & Altman 1986, Lancet 327:307: peak flow (l/min) by large and mini meter, first readings.
LARGE_METER = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI_METER = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

matrices = st.tuples(st.integers(3, 8), st.integers(2, 4)).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(0, 200).map(float))
)


def random_matrix(seed, n=12, k=3, target_sd=2.0, rater_sd=1.0):
    rng = np.random.default_rng(seed)
    return (
        10
        + target_sd * rng.normal(size=(n, 1))
        + rater_sd * rng.normal(size=(1, k))
        + rng.normal(size=(n, k))
    )


def long_of(matrix):
    n, k = np.shape(matrix)
    return pd.DataFrame(
        {"target": np.repeat(np.arange(n), k), "rater": np.tile(np.arange(k), n), "value": np.ravel(matrix)}
    )


def of_pingouin(data):
    """The ICCs of a long table ``target, rater, value``: rows FORMS, columns ICC, F, df1, df2, pval, CI95."""
    full = {name: None for name in pingouin.options if name.startswith("round.column.CI95")}
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # pingouin uses what pandas is about to drop
        for name, digits in full.items():
            patch.setitem(pingouin.options, name, digits)
        found = pingouin.intraclass_corr(data, "target", "rater", "value")
    # Before 0.6 the same six rows, in the same order, were ICC1, ICC2, ICC3, ICC1k …, with CI95%.
    return found.rename(columns={"CI95%": "CI95"}).set_axis(list(FORMS))


def same_numbers(a, b, rel=1e-9):
    for first, second in zip(a, b, strict=True):
        for name in ("icc", "ci_low", "ci_high", "f", "p"):
            one, other = getattr(first, name), getattr(second, name)
            if one is None or other is None:
                assert one is other, (first.form, name)
            else:
                assert one == pytest.approx(other, rel=rel, abs=rel), (first.form, name)


# --- intraclass correlations ---


def test_shrout_and_fleiss_as_printed():
    forms, notes = icc_table(SHROUT_FLEISS)
    assert [form.form for form in forms] == list(FORMS)
    assert [round(form.icc, 2) for form in forms] == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    assert notes == []


def test_shrout_and_fleiss_intervals_as_in_r():
    # psych::ICC of R prints these bounds for the example (help page of ICC).
    forms, _ = icc_table(SHROUT_FLEISS)
    bounds = [(round(form.ci_low, 2), round(form.ci_high, 2)) for form in forms]
    assert bounds == [(-0.13, 0.72), (0.02, 0.76), (0.34, 0.95), (-0.88, 0.91), (0.07, 0.93), (0.68, 0.99)]


@pytest.mark.parametrize(
    "matrix",
    [
        SHROUT_FLEISS,
        random_matrix(1),
        random_matrix(2, n=40, k=2, target_sd=5),
        random_matrix(3, n=7, k=5, target_sd=0.3),
        random_matrix(4, n=15, k=4, target_sd=0.5, rater_sd=6),
        random_matrix(5, n=3, k=2),
    ],
)
def test_all_six_forms_are_pingouins(matrix):
    expected = of_pingouin(long_of(matrix))
    forms, _ = icc_table(matrix)
    for form in forms:
        row = expected.loc[form.form]
        assert form.icc == pytest.approx(row["ICC"], rel=1e-9)
        assert [form.f, form.p] == pytest.approx([row["F"], row["pval"]], rel=1e-9)
        assert (form.df1, form.df2) == (row["df1"], row["df2"])
        assert [form.ci_low, form.ci_high] == pytest.approx(list(row["CI95"]), rel=1e-9)


def test_sem_and_mdc_are_those_of_the_mean_squares_of_statsmodels():
    matrix = random_matrix(6, n=9, k=3)
    aov = anova_lm(ols("value ~ C(target) + C(rater)", long_of(matrix)).fit())
    within = aov["sum_sq"].iloc[1:].sum() / aov["df"].iloc[1:].sum()
    error = aov.loc["Residual", "mean_sq"]
    for form in icc_table(matrix)[0]:
        expected = math.sqrt(error if "C" in form.form.removeprefix("ICC") else within)
        assert form.sem == pytest.approx(expected, rel=1e-9)
        assert form.mdc95 == pytest.approx(1.96 * math.sqrt(2) * expected, rel=1e-9)


def test_the_satterthwaite_interval_covers_the_truth_in_95_of_100():
    # Targets' SD 2, raters' 1, error 1: ICC(A,1) = 4/6.
    hits = 0
    for seed in range(400):
        form = icc_table(random_matrix(seed, n=15, k=3))[0][1]
        hits += form.ci_low <= 4 / 6 <= form.ci_high
    assert 0.92 <= hits / 400 <= 0.98


@given(matrices, st.integers(-50, 50), st.sampled_from([0.25, 3.0]), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_what_leaves_the_icc_as_it_is(matrix, constant, factor, random):
    forms, notes = icc_table(matrix)
    shuffled = matrix[random.sample(range(len(matrix)), len(matrix))]
    for other in (shuffled, matrix + constant, matrix * factor, matrix[:, ::-1]):
        others, other_notes = icc_table(other)
        same_numbers(forms, others, rel=1e-6)
        assert other_notes == notes
    for form, scaled in zip(forms, icc_table(matrix * factor)[0], strict=True):
        assert scaled.sem == pytest.approx(form.sem * factor, rel=1e-6, abs=1e-12)


@given(matrices)
@settings(max_examples=100, deadline=None)
def test_numbers_are_finite_and_in_their_range(matrix):
    forms, notes = icc_table(matrix)
    for form in forms:
        numbers = [form.icc, form.ci_low, form.ci_high, form.f, form.p, form.sem, form.mdc95]
        assert all(number is None or math.isfinite(number) for number in numbers)
        assert form.icc is None or form.icc <= 1 + 1e-12
        assert None not in (form.icc, form.ci_low, form.ci_high, form.f, form.p) or notes
        if form.ci_low is not None:
            assert form.ci_low <= form.icc
        if form.ci_high is not None:
            assert form.icc <= form.ci_high


@given(matrices, st.integers(0, 3), st.integers(-30, 30))
@settings(max_examples=40, deadline=None)
def test_a_rater_who_is_off_by_a_constant_changes_agreement_but_not_consistency(matrix, which, constant):
    assume(which < matrix.shape[1])
    moved = matrix.copy()
    moved[:, which] += constant
    for before, after in zip(icc_table(matrix)[0], icc_table(moved)[0], strict=True):
        if "C" in before.form.removeprefix("ICC") and before.f is not None:
            assert after.icc == pytest.approx(before.icc, rel=1e-6, abs=1e-9)


def test_averages_step_up_by_spearman_brown():
    matrix = random_matrix(8, n=10, k=4)
    found = {form.form: form.icc for form in icc_table(matrix)[0]}
    for letter in "1AC":
        single = found[f"ICC({letter},1)"]
        assert found[f"ICC({letter},k)"] == pytest.approx(4 * single / (1 + 3 * single), rel=1e-9)


# --- where there is nothing to compute ---


def test_identical_ratings_have_icc_1_without_f():
    forms, notes = icc_table([[0.1, 0.1, 0.1], [0.3, 0.3, 0.3], [0.7, 0.7, 0.7]])
    for form in forms:
        assert (form.icc, form.sem, form.mdc95) == (1.0, 0.0, 0.0)
        assert form.f is form.p is form.df1 is form.df2 is form.ci_low is form.ci_high is None
    assert notes == ["all raters gave the same values: F and the intervals of the ICCs are undefined"]


def test_a_constant_difference_is_consistent_but_not_agreement():
    values = np.array([0.1, 0.37, 0.52, 0.9])
    forms, notes = icc_table(np.column_stack([values, values + 0.1]))
    found = {form.form: form for form in forms}
    assert found["ICC(C,1)"].icc == found["ICC(C,k)"].icc == 1.0
    assert found["ICC(C,1)"].f is found["ICC(A,1)"].f is None
    assert found["ICC(C,1)"].sem == 0.0
    # MS_targets = 2·var, MS_raters = 4·0.1²/2, no error: ICC(A,1) = MS_t/(MS_t + 2·MS_r/4).
    targets, raters = 2 * statistics.variance(values), 4 * 0.1**2 / 2
    assert found["ICC(A,1)"].icc == pytest.approx(targets / (targets + raters / 2))
    # With no error McGraw & Wong's v is k − 1 = 1.
    low = stats.f.ppf(0.975, 3, 1)
    high = stats.f.ppf(0.975, 1, 3)
    assert found["ICC(A,1)"].ci_low == pytest.approx(4 * targets / (low * 2 * raters + 4 * targets))
    assert found["ICC(A,1)"].ci_high == pytest.approx(4 * high * targets / (2 * raters + 4 * high * targets))
    assert found["ICC(1,1)"].f is not None
    assert notes == ["raters differ by constants only: F and the intervals of the ICC(C,·) are undefined"]


def test_targets_that_do_not_vary_have_no_icc():
    forms, notes = icc_table([[1, 3], [3, 1], [2, 2]])
    assert all(form.icc is form.f is form.ci_low is None for form in forms)
    # Within targets: squares 2 + 2 + 0 over 3.
    assert forms[0].sem == pytest.approx(math.sqrt(4 / 3))
    assert notes == ["no variance between targets: the ICCs are undefined"]


def test_all_values_equal():
    forms, notes = icc_table(np.full((4, 3), 0.1))
    assert all(form.icc is None and form.sem == 0 for form in forms)
    assert notes == ["no variance between targets: the ICCs are undefined"]


def test_the_average_form_is_empty_where_its_formula_turns_round():
    # n·MS_targets + MS_raters − MS_error < 0: the formula would give an "ICC" above 1.
    matrix = np.array([[0, 10], [10, 0], [0, 10], [10.1, 0]])
    forms, notes = icc_table(matrix)
    found = {form.form: form for form in forms}
    assert of_pingouin(long_of(matrix)).loc["ICC(A,k)", "ICC"] > 1
    assert found["ICC(A,k)"].icc is found["ICC(A,k)"].ci_low is found["ICC(A,k)"].ci_high is None
    assert found["ICC(A,1)"].icc < 0
    assert any("ICC(A,k)" in note for note in notes)


def test_a_negative_agreement_has_no_interval_where_the_approximation_breaks_down():
    # Satterthwaite's degrees of freedom are nearly 0: the formula gives an "interval" beside the estimate.
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(6, 3))
    matrix = noise - noise.mean(axis=1, keepdims=True) + 0.001 * rng.normal(size=(6, 1))
    row = of_pingouin(long_of(matrix)).loc["ICC(A,1)"]
    assert not row["CI95"][0] <= row["ICC"] <= row["CI95"][1]
    forms, notes = icc_table(matrix)
    found = {form.form: form for form in forms}
    assert found["ICC(A,1)"].icc == pytest.approx(row["ICC"])
    assert found["ICC(A,1)"].ci_low is found["ICC(A,1)"].ci_high is found["ICC(A,k)"].ci_high is None
    assert "ICC(A,·) too far below 0 for Satterthwaite's approximation: no interval" in notes


def test_the_average_form_has_no_lower_bound_where_its_formula_turns_round():
    matrix = np.array([[4.0, 0.0], [4.0, 6.0], [4.0, 3.0]])
    row = of_pingouin(long_of(matrix)).loc["ICC(A,k)"]
    assert row["CI95"][0] > row["CI95"][1]
    forms, notes = icc_table(matrix)
    found = {form.form: form for form in forms}
    assert found["ICC(A,k)"].icc == 0
    assert found["ICC(A,k)"].ci_low is None
    assert found["ICC(A,k)"].ci_high == pytest.approx(row["CI95"][1])
    assert found["ICC(A,1)"].ci_low is not None
    assert notes == ["ICC(A,k) has no lower bound: it is left empty"]


def test_one_target():
    forms, notes = icc_table([[4, 6]])
    assert [form.sem for form in forms] == [math.sqrt(2), math.sqrt(2), None] * 2
    assert all(form.icc is None for form in forms)
    assert notes == ["1 complete target: an ICC needs two"]


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ((0, 2), "no complete target: nothing was computed"),
        ((5, 1), "1 rater: agreement needs two"),
        ((5, 0), "0 raters: agreement needs two"),
    ],
)
def test_nothing_to_compare(shape, note):
    forms, notes = icc_table(np.ones(shape))
    assert [form.form for form in forms] == list(FORMS)
    assert all(form.icc is form.sem is form.mdc95 is None for form in forms)
    assert notes == [note]


@pytest.mark.parametrize("matrix", [[1.0, 2.0], [[1.0, math.nan], [2.0, 3.0]], [[1.0, math.inf], [2.0, 3.0]]])
def test_a_matrix_with_holes_is_refused(matrix):
    with pytest.raises(ValueError, match="finite"):
        icc_table(matrix)


# --- coefficient of variation ---


@given(matrices)
@settings(max_examples=60, deadline=None)
def test_cv_by_the_standard_library(matrix):
    cv_pct, notes = cv_of_raters(matrix)
    with_mean = [list(row) for row in matrix if any(row)]
    if not with_mean:
        assert cv_pct is None
    else:
        squares = [statistics.variance(row) / statistics.fmean(row) ** 2 for row in with_mean]
        assert cv_pct == pytest.approx(100 * math.sqrt(statistics.fmean(squares)), rel=1e-9, abs=1e-9)
    assert bool(notes) == (len(with_mean) < len(matrix))


def test_a_target_whose_mean_is_0_but_for_rounding_is_left_out():
    assert sum([0.1, 0.2, -0.3]) != 0
    assert cv_of_raters([[0.1, 0.2, -0.3], [9.0, 10.0, 11.0]]) == (
        pytest.approx(10.0),
        ["CV: 1 target of mean 0 left out"],
    )


# --- Bland and Altman ---


def test_the_peak_flow_example_as_printed():
    # Printed: mean −2.1, SD 38.8 (large minus mini); SE of a limit 16.3, t = 2.12.
    found = bland_altman(MINI_METER, LARGE_METER)
    assert (found.n, round(found.bias, 1), round(found.sd, 1)) == (17, -2.1, 38.8)
    assert [round(found.bias_ci_low, 1), round(found.bias_ci_high, 1)] == pytest.approx(
        [-22.0, 17.8], abs=0.11
    )
    assert (found.loa_low_ci_high - found.loa_low) / 2.12 == pytest.approx(16.3, abs=0.05)
    assert found.loa_high == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)


def test_limits_and_their_intervals_by_hand():
    difference = np.array([1.0, 2.0, 4.0, 1.0])
    first = np.array([10.0, 20.0, 30.0, 40.0])
    found = bland_altman(first, first + difference)
    sd = statistics.stdev(difference)
    assert (found.bias, found.sd) == (2.0, pytest.approx(sd))
    assert [found.loa_low, found.loa_high] == pytest.approx([2 - 1.96 * sd, 2 + 1.96 * sd])
    interval = stats.t.interval(0.95, 3, loc=2.0, scale=sd / 2)
    assert [found.bias_ci_low, found.bias_ci_high] == pytest.approx(list(interval))
    for limit, low, high in [
        (found.loa_low, found.loa_low_ci_low, found.loa_low_ci_high),
        (found.loa_high, found.loa_high_ci_low, found.loa_high_ci_high),
    ]:
        expected = stats.t.interval(0.95, 3, loc=limit, scale=math.sqrt(3 * sd**2 / 4))
        assert [low, high] == pytest.approx(list(expected))
    np.testing.assert_array_equal(found.difference, difference)
    np.testing.assert_array_equal(found.mean, [10.5, 21.0, 32.0, 40.5])


@given(matrices)
@settings(max_examples=40, deadline=None)
def test_swapping_the_raters_turns_the_sign(matrix):
    there, back = bland_altman(matrix[:, 0], matrix[:, 1]), bland_altman(matrix[:, 1], matrix[:, 0])
    assert [there.bias, there.loa_low, there.loa_high] == pytest.approx(
        [-back.bias, -back.loa_high, -back.loa_low], abs=1e-9
    )


def test_too_few_targets_for_limits():
    one = bland_altman([3.0], [5.0])
    assert (one.n, one.bias, one.sd, one.loa_low, one.bias_ci_low) == (1, 2.0, None, None, None)
    none = bland_altman([], [])
    assert (none.n, none.bias, none.loa_high) == (0, None, None)


@pytest.mark.parametrize(("a", "b"), [([1.0, 2.0], [1.0]), ([1.0, math.nan], [1.0, 2.0]), ([[1.0]], [[2.0]])])
def test_values_that_are_no_pairs_are_refused(a, b):
    with pytest.raises(ValueError, match="same targets"):
        bland_altman(a, b)


# --- the table of the results folders ---


def ratings(seed=0, raters=("A", "B"), participants=6, segments=("L1", "L3"), muscles=("ES", "MF")):
    """Ratings in a shuffled order, with ``both`` rows that have to be left out."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, segment, muscle, side in itertools.product(
        range(1, participants + 1), segments, muscles, ("left", "right", "both")
    ):
        truth = rng.uniform(0.1, 0.5)
        for rater in raters:
            rows.append(
                (rater, f"ALS_{number}", segment, side, muscle, truth + rng.normal(0, 0.02), 3 * truth)
            )
    columns = ["rater", "participant_id", "segment", "side", "muscle", "fi", "rcsa"]
    order = [0, *(1 + rng.permutation(len(rows) - 1))]
    return pd.DataFrame([rows[i] for i in order], columns=columns)


def pingouin_of_ratings(rows, metric):
    rows = rows[rows["side"] != "both"]
    target = rows["participant_id"] + rows["segment"] + rows["side"]
    return of_pingouin(pd.DataFrame({"target": target, "rater": rows["rater"], "value": rows[metric]}))


def test_rows_and_columns_of_the_contract():
    table, _ = reliability(ratings(), ["rcsa", "fi"])
    assert tuple(table.columns) == RELIABILITY_COLUMNS
    expected = [
        (segment, muscle, metric, form)
        for segment in ("", "L1", "L3")
        for muscle in ("MF", "ES")
        for metric in ("rcsa", "fi")
        for form in FORMS
    ]
    assert list(table[["segment", "muscle", "metric", "form"]].itertuples(index=False, name=None)) == expected
    assert set(table["raters"]) == {2}
    assert dict(table.groupby("segment")["n"].first()) == {"": 24, "L1": 12, "L3": 12}


def test_each_region_is_pingouins_over_its_targets():
    rows = ratings(3, raters=("A", "B", "C"))
    table, _ = reliability(rows, ["fi"])
    for (segment, muscle), block in table.groupby(["segment", "muscle"]):
        chosen = rows[(rows["muscle"] == muscle) & ((rows["segment"] == segment) | (segment == ""))]
        expected = pingouin_of_ratings(chosen, "fi")
        assert list(block["icc"]) == pytest.approx(list(expected["ICC"]), rel=1e-9)
        wide = chosen[chosen["side"] != "both"].groupby(["participant_id", "segment", "side"])["fi"]
        squares = (wide.std() / wide.mean()) ** 2
        assert list(block["cv_pct"]) == pytest.approx([100 * math.sqrt(squares.mean())] * 6, rel=1e-9)
    assert table[["bias", "loa_low", "loa_high"]].isna().all(axis=None)


def test_the_bias_is_the_second_rater_minus_the_first_in_the_order_given():
    rows = ratings()
    sides = rows[(rows["side"] != "both") & (rows["muscle"] == "MF")].set_index("rater")["fi"]
    expected = sides["B"].mean() - sides["A"].mean()
    table, notes = reliability(rows, ["fi"], ["A", "B"])
    assert table["bias"].iloc[0] == pytest.approx(expected)
    assert "bias and limits of agreement: B minus A" in notes
    turned, notes = reliability(rows, ["fi"], ["B", "A"])
    assert turned["bias"].iloc[0] == pytest.approx(-expected)
    assert turned["loa_low"].iloc[0] == pytest.approx(-table["loa_high"].iloc[0])
    assert "bias and limits of agreement: A minus B" in notes


def test_targets_of_one_participant_are_said_to_depend():
    _, notes = reliability(ratings(), ["fi"])
    assert any("not independent" in note for note in notes)


def test_incomplete_targets_are_left_out_and_named():
    rows = ratings()
    gone = (rows["rater"] == "B") & (rows["participant_id"] == "ALS_2") & (rows["side"] == "left")
    gone &= (rows["segment"] == "L3") & (rows["muscle"] == "MF")
    hole = (rows["rater"] == "A") & (rows["participant_id"] == "ALS_4") & (rows["side"] == "right")
    hole &= (rows["segment"] == "L1") & (rows["muscle"] == "ES")
    assert (gone.sum(), hole.sum()) == (1, 1)
    rows.loc[hole, "rcsa"] = np.nan
    table, notes = reliability(rows[~gone], ["fi", "rcsa"])
    n = table.groupby(["segment", "muscle", "metric"])["n"].first()
    assert dict(n[""]) == {("ES", "fi"): 24, ("ES", "rcsa"): 23, ("MF", "fi"): 23, ("MF", "rcsa"): 23}
    assert n["L3", "MF", "fi"] == 11
    assert n["L1", "MF", "fi"] == 12
    assert "MF fi: 1 of 24 targets left out, no value from: ALS_2 L3 left (B)" in notes
    assert "ES rcsa: 1 of 24 targets left out, no value from: ALS_4 L1 right (A)" in notes
    assert not any(note.startswith("ES fi: 1 of") for note in notes)


def test_incomplete_targets_are_all_named():
    rows = ratings()
    rows.loc[(rows["rater"] == "B") & (rows["segment"] == "L3"), "fi"] = np.nan
    table, notes = reliability(rows, ["fi"])
    (note,) = (note for note in notes if note.startswith("MF fi: 12 of 24 targets"))
    assert note.count(" L3 ") == 12
    empty = table[(table["segment"] == "L3") & (table["muscle"] == "MF")]
    assert list(empty["n"]) == [0] * 6
    assert empty[["icc", "f", "df1", "p", "cv_pct", "sem", "mdc95", "bias", "loa_low"]].isna().all(axis=None)
    assert "L3 MF fi: no complete target: nothing was computed" in notes


def test_empty_cells_reach_the_csv_as_empty_cells():
    rows = ratings(participants=1, segments=("L1",), muscles=("MF",))
    rows = rows[rows["side"] == "left"]
    table, notes = reliability(rows, ["fi"])
    text = table.to_csv(index=False)
    assert "nan" not in text.lower()
    assert "inf" not in text.lower()
    assert text.splitlines()[1].startswith(',MF,fi,1,2,"ICC(1,1)",,,,,,,,')
    assert not any("nan" in note.lower().split() for note in notes)


def test_whole_numbers_stay_whole():
    text = reliability(ratings(), ["fi"])[0].to_csv(index=False)
    assert ',24,2,"ICC(1,1)",' in text
    assert ",23,24," in text


def test_different_settings_of_the_raters_are_noted():
    rows = ratings()
    rows["reference"] = np.where(rows["rater"] == "A", "IVD", "VB")
    rows["threshold"] = 50
    _, notes = reliability(rows, ["fi"])
    assert "raters differ in reference (A: IVD; B: VB): the agreement includes this difference" in notes
    assert not any("threshold" in note for note in notes)


def test_the_matrices_are_the_ratings():
    rows = ratings()
    found, _ = rating_matrices(rows, ["fi"], ["B", "A"])
    wide = found[RatedRegion("L3", "MF", "fi")]
    assert list(wide.columns) == ["B", "A"]
    assert len(wide) == 12
    key = ["participant_id", "segment", "side", "muscle"]
    by_target = rows.set_index([*key, "rater"])["fi"]
    for target, values in wide.iterrows():
        assert (values["A"], values["B"]) == (by_target[(*target, "A")], by_target[(*target, "B")])


def test_a_muscle_that_only_one_rater_drew_has_no_targets():
    extra = ratings(muscles=("QL",)).query("rater == 'A'")
    table, notes = reliability(pd.concat([ratings(), extra]), ["fi"])
    assert set(table.loc[table["muscle"] == "QL", "n"]) == {0}
    assert any(note.startswith("QL fi: 24 of 24 targets left out") for note in notes)


def error_of(function, *arguments):
    with pytest.raises((UsageError, NoInputError)) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return caught.value


def test_one_rater_is_not_enough():
    error = error_of(reliability, ratings(raters=("A",)), ["fi"])
    assert error.exit_code == 2
    assert str(error).startswith("raters: only A found; two or more were expected")


@pytest.mark.parametrize("raters", [["A"], ["A", "B", "C"], ["A", "A"]])
def test_an_order_that_is_not_of_these_raters(raters):
    assert "A, B found in the ratings" in str(error_of(reliability, ratings(), ["fi"], raters))


def test_a_column_that_is_missing():
    error = error_of(reliability, ratings().drop(columns="side"), ["fi"])
    assert str(error).startswith("ratings: no column side")
    assert "no column csa_px" in str(error_of(reliability, ratings(), ["csa_px"]))


def test_no_metric():
    assert str(error_of(reliability, ratings(), [])).startswith("metrics: none found")


def test_a_target_that_a_rater_has_twice():
    rows = ratings()
    left = rows[(rows["side"] == "left") & (rows["rater"] == "A")]
    first = left.iloc[:1]
    error = error_of(reliability, pd.concat([rows, first]), ["fi"])
    named = " ".join(first.iloc[0][["participant_id", "segment", "side", "muscle"]])
    assert str(error).startswith(f"ratings: {named} found twice for rater A")


def test_text_among_the_numbers_of_the_ratings():
    rows = ratings().astype({"fi": object})
    rows.iloc[4, rows.columns.get_loc("fi")] = "0,31"
    assert str(error_of(reliability, rows, ["fi"])).startswith("fi: '0,31' found in row 5")


def test_only_rows_of_both_sides():
    rows = ratings()
    error = error_of(reliability, rows[rows["side"] == "both"], ["fi"])
    assert error.exit_code == 3


def test_raters_of_different_participants():
    rows = ratings()
    rows["participant_id"] += rows["rater"]
    error = error_of(reliability, rows, ["fi"])
    assert error.exit_code == 3
    assert "no target with a value from every rater" in str(error)


# --- any table ---


def test_a_long_table_gives_one_region_without_names():
    matrix = random_matrix(11, n=8, k=3)
    table, notes = agreement_of_table(long_of(matrix))
    assert tuple(table.columns) == RELIABILITY_COLUMNS
    assert set(table["segment"]) | set(table["muscle"]) == {""}
    assert set(table["metric"]) == {"value"}
    assert list(table["icc"]) == pytest.approx(list(of_pingouin(long_of(matrix))["ICC"]), rel=1e-9)
    assert notes == []


def test_raters_of_a_table_come_in_the_order_of_their_rows():
    table = pd.DataFrame(
        {"target": ["t1", "t1", "t2", "t2"], "rater": ["Z", "A", "Z", "A"], "value": ["1", " 3 ", "2", "5"]}
    )
    found, notes = agreement_of_table(table)
    assert found["bias"].iloc[0] == 2.5
    assert notes[0] == "bias and limits of agreement: A minus Z"
    assert agreement_of_table(table, ["A", "Z"])[0]["bias"].iloc[0] == -2.5


def test_an_empty_value_leaves_its_target_out():
    table = long_of(random_matrix(12, n=6, k=2)).astype({"value": object})
    table.loc[3, "value"] = None
    table.loc[4, "value"] = ""
    found, notes = agreement_of_table(table)
    assert set(found["n"]) == {4}
    assert "value: 2 of 6 targets left out, no value from: 1 (1); 2 (0)" in notes


@pytest.mark.parametrize("cell", ["abc", "1,5", "1_000", "inf", "1e300", "True"])
def test_a_value_that_is_no_number_is_named_with_its_row(cell):
    table = long_of(random_matrix(13, n=4, k=2)).astype({"value": object})
    table.loc[2, "value"] = cell
    error = error_of(agreement_of_table, table)
    assert error.exit_code == 2
    assert str(error).startswith(f"value: {cell!r} found in row 3; a number was expected")


def test_a_target_and_rater_twice_in_a_table():
    table = pd.DataFrame({"target": ["t1", "t1"], "rater": ["A", "A "], "value": [1, 2]})
    assert str(error_of(agreement_of_table, table)).startswith("ratings: t1 found twice for rater A")


@pytest.mark.parametrize("column", ["target", "rater"])
def test_a_row_without_target_or_rater(column):
    table = long_of(random_matrix(13, n=4, k=2)).astype({column: object})
    table.loc[1, column] = None
    assert str(error_of(ratings_of_table, table)).startswith(f"table: no {column} in row 2")


def test_a_table_without_its_columns():
    error = error_of(ratings_of_table, pd.DataFrame({"target": [1], "score": [2]}))
    assert str(error).startswith("table: no column rater, value; found target, score")


# --- Bland–Altman table and gate ---


def test_the_bland_altman_table_has_each_pair_of_raters():
    rows = ratings(raters=("A", "B", "C"))
    table, _ = bland_altman_table(rows, ["fi"], ["A", "B", "C"])
    assert tuple(table.columns) == BLAND_ALTMAN_COLUMNS
    assert list(table["rater_a"] + table["rater_b"]) == ["AB", "AC", "BC"] * 6
    assert list(table["segment"])[::6] == ["", "L1", "L3"]
    wide = rating_matrices(rows, ["fi"])[0][RatedRegion("L1", "MF", "fi")]
    row = table.query("segment == 'L1' and muscle == 'MF' and rater_a == 'A' and rater_b == 'C'").iloc[0]
    difference = wide["C"] - wide["A"]
    assert [row["bias"], row["sd"]] == pytest.approx([difference.mean(), difference.std()])
    assert row["loa_high_ci_high"] == pytest.approx(
        difference.mean() + difference.std() * (1.96 + stats.t.ppf(0.975, 11) * math.sqrt(3 / 12))
    )


def test_one_target_has_no_limits_in_the_bland_altman_table():
    rows = ratings(participants=1, segments=("L1",), muscles=("MF",)).query("side == 'left'")
    table, notes = bland_altman_table(rows, ["fi"])
    assert table["bias"].notna().all()
    assert table[["sd", "loa_low", "loa_high_ci_high"]].isna().all(axis=None)
    assert "MF fi: 1 complete target: limits of agreement need two" in notes


def test_the_gate_names_what_exceeds_and_what_is_unknown():
    # Of MF the raters differ by 10 % (CV 7.4 %), of ES not at all; PM was drawn by one rater only.
    rows = [
        (rater, f"ALS_{number}", "L1", "left", muscle, number * (1 + (rater == "B") * (muscle == "MF") / 10))
        for rater in "AB"
        for number in (1, 2, 3)
        for muscle in ("MF", "ES", "PM")
        if muscle != "PM" or rater == "A"
    ]
    frame = pd.DataFrame(rows, columns=["rater", "participant_id", "segment", "side", "muscle", "fi"])
    table, _ = reliability(frame, ["fi"])
    found = exceeding(table, 5)
    assert list(found.columns) == ["segment", "muscle", "metric", "n", "cv_pct"]
    assert list(found["segment"] + found["muscle"]) == ["MF", "PM", "L1MF", "L1PM"]
    expected = 100 * math.sqrt(0.1**2 / 2) / 1.05
    assert list(found["cv_pct"])[::2] == pytest.approx([expected, expected])
    assert found["cv_pct"][1::2].isna().all()
    assert list(exceeding(table, expected + 1e-9)["muscle"]) == ["PM", "PM"]


@pytest.mark.parametrize("limit", [-1.0, math.nan, math.inf])
def test_a_limit_that_is_none(limit):
    table, _ = reliability(ratings(), ["fi"])
    assert str(error_of(exceeding, table, limit)).startswith("--require-cv")


# --- the mean of the raters ---


def results(**changes):
    """Three rows of one patient as quantify writes them, with columns changed."""
    rows = pd.DataFrame(
        {
            "participant_id": "ALS_1", "group": "ALS", "segment": "L3", "muscle": "MF",
            "side": ["left", "right", "both"], "role": ["symptomatic", "contralateral", "bilateral"],
            "csa_px": [100, 110, 210], "csa_mm2": np.nan, "contour_area_px": [95.5, 104.5, 200.0],
            "fat_px": [20, 11, 31], "fi": [0.2, 0.1, 31 / 210], "lean_px": [80, 99, 179],
            "reference": "IVD", "reference_px": [400, 400, 400], "rcsa": [0.25, 0.275, 0.525],
            "lean_rcsa": [0.2, 0.2475, 0.4475], "mean_intensity": [40.0, 35.0, 37.4],
            "asymmetry_pct": [np.nan, np.nan, 200 / 21], "threshold": 50, "fat_rule": ">",
            "mask_rule": "labelme", "image": "ALS_1_3.png",
        }
    )  # fmt: skip
    return rows.assign(**changes)


def test_the_mean_is_that_of_each_cell():
    second = results(csa_px=[103, 110, 213], fi=[0.3, 0.1, 0.2], asymmetry_pct=[np.nan, np.nan, 6.0])
    mean, notes = mean_of_raters([results(), second], ["A", "B"])
    assert tuple(mean.columns) == COLUMNS
    assert list(mean["side"]) == ["left", "right", "both"]
    assert list(mean["csa_px"]) == [101.5, 110.0, 211.5]
    assert list(mean["fi"]) == pytest.approx([0.25, 0.1, (31 / 210 + 0.2) / 2])
    assert mean["asymmetry_pct"].iloc[2] == pytest.approx((200 / 21 + 6) / 2)
    assert mean["asymmetry_pct"].iloc[:2].isna().all()
    assert mean["csa_mm2"].isna().all()
    assert list(mean["threshold"]) == [50, 50, 50]
    assert ",50," in mean.to_csv(index=False)
    assert set(mean["image"]) == {"ALS_1_3.png"}
    assert notes == []


def test_the_mean_of_one_table_with_itself_is_the_table():
    mean, _ = mean_of_raters([results(), results(), results()], ["A", "B", "C"])
    pd.testing.assert_frame_equal(mean, results()[list(COLUMNS)], check_dtype=False)


def test_rows_that_one_rater_lacks_are_left_out_and_listed():
    first = pd.concat([results(), results(participant_id="ALS_2")])
    second = pd.concat([results(participant_id="LR_1"), results().iloc[[2, 0]]])
    mean, notes = mean_of_raters([first, second], ["A", "B"])
    assert list(mean["participant_id"] + mean["side"]) == ["ALS_1left", "ALS_1both"]
    assert notes == [
        "left out of the mean, 4 rows without a measurement of B: ALS_1 L3 MF right; ALS_2 L3 MF left; "
        "ALS_2 L3 MF right; ALS_2 L3 MF both",
        "left out of the mean, 3 rows without a measurement of A: LR_1 L3 MF left; LR_1 L3 MF right; "
        "LR_1 L3 MF both",
    ]


def test_a_cell_that_one_rater_lacks_is_empty_not_the_other_ones():
    second = results(rcsa=[0.25, np.nan, np.nan])
    mean, notes = mean_of_raters([results(), second], ["A", "B"])
    assert mean["rcsa"].isna().tolist() == [False, True, True]
    assert notes == [
        "rcsa: left empty where not every rater has a value: ALS_1 L3 MF right; ALS_1 L3 MF both"
    ]


def test_an_empty_text_agrees_with_any():
    mean, _ = mean_of_raters([results(role=np.nan), results()], ["A", "B"])
    assert list(mean["role"]) == ["symptomatic", "contralateral", "bilateral"]
    mean, _ = mean_of_raters([results(role=""), results(role=None)], ["A", "B"])
    assert list(mean["role"]) == ["", "", ""]


def test_images_that_differ_are_left_empty():
    second = results(image=["ALS_1_3.png", "other.png", "ALS_1_3.png"])
    mean, notes = mean_of_raters([results(), second], ["A", "B"])
    assert list(mean["image"]) == ["ALS_1_3.png", "", "ALS_1_3.png"]
    assert notes == ["image: left empty where the raters' differ: ALS_1 L3 MF right"]


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("group", "LR"), ("role", "bilateral"), ("reference", "VB"), ("threshold", 60), ("fat_rule", ">="),
        ("mask_rule", "centre"),
    ],
)  # fmt: skip
def test_settings_that_differ_are_refused(column, other):
    message = str(error_of(mean_of_raters, [results(), results(**{column: other})], ["A", "B"]))
    assert message.startswith(f"ALS_1 L3 MF left: {column} ")
    assert f"{other}" in message
    assert "(B)" in message


def test_no_row_in_common():
    error = error_of(mean_of_raters, [results(), results(segment="L4")], ["A", "B"])
    assert error.exit_code == 3


def test_a_row_twice():
    twice = pd.concat([results(), results().iloc[:1]])
    message = str(error_of(mean_of_raters, [results(), twice], ["A", "B"]))
    assert message.startswith("results of B: ALS_1 L3 MF left found twice")


def test_a_results_column_missing():
    message = str(error_of(mean_of_raters, [results(), results().drop(columns="fi")], ["A", "B"]))
    assert message.startswith("results of B: no column fi")


def test_text_among_the_results():
    message = str(error_of(mean_of_raters, [results(), results(fi=["0.2", "x", "0.1"])], ["A", "B"]))
    assert message.startswith("fi: 'x' found in row 2")


@pytest.mark.parametrize("raters", [["A"], ["A", "A"]])
def test_the_mean_needs_two_raters(raters):
    error = error_of(mean_of_raters, [results() for _ in raters], raters)
    assert error.exit_code == 2


def test_a_threshold_that_a_rule_finds_in_each_slice_is_averaged():
    rater = _rater_table_for_thresholds
    with pytest.raises(UsageError, match="threshold"):
        mean_of_raters([rater("fixed", 50), rater("fixed", 60)], ["a", "b"])
    mean, _ = mean_of_raters([rater("otsu", 50), rater("otsu", 61)], ["a", "b"])
    assert mean["threshold"].tolist() == [55.5]


def _rater_table_for_thresholds(rule, threshold):
    row = dict.fromkeys(COLUMNS, "") | {"participant_id": "ALS_1", "segment": "L3", "muscle": "MF"}
    row |= {"side": "left", "csa_px": 10, "fi": 0.1, "fat_rule": rule, "threshold": threshold}
    return pd.DataFrame([row])
