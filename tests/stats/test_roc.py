"""ROC analysis against pair counting, SciPy and statsmodels; what it leaves empty; what it refuses."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.stats import mannwhitneyu, norm
from statsmodels.stats.proportion import proportion_confint

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.stats.roc import DELONG_COLUMNS, POINT_COLUMNS, ROC_COLUMNS, RocResult, roc
from mriparaspinal.stats.wide import widen

Z = norm.ppf(0.975)
TIED = st.lists(st.integers(-3, 3), min_size=2, max_size=9)


def two_arms(positives, negatives, name="x") -> pd.DataFrame:
    groups = ["ALS"] * len(positives) + ["LR"] * len(negatives)
    return pd.DataFrame({"group": groups, name: [*positives, *negatives]})


def one_row(positives, negatives, **options) -> pd.Series:
    return roc(two_arms(positives, negatives), "group", "ALS", ["x"], **options).table.iloc[0]


def cohort(n=60, seed=1) -> pd.DataFrame:
    """Two overlapping groups with two related predictors and one without a relation."""
    rng = np.random.default_rng(seed)
    group = np.where(np.arange(n) % 5 < 3, "ALS", "LR")
    fi = rng.normal(0.3, 0.1, n) + 0.08 * (group == "ALS")
    rcsa = rng.normal(0.5, 0.15, n) - 0.1 * (group == "ALS") - 0.3 * fi
    ids = [f"P_{i}" for i in range(n)]
    return pd.DataFrame(
        {"participant_id": ids, "group": group, "fi": fi, "rcsa": rcsa, "noise": rng.normal(0, 1, n).round(1)}
    )


# --- against counting by hand -------------------------------------------------------------------------------


def score(a: float, b: float) -> float:
    return 1.0 if a > b else 0.5 if a == b else 0.0


def pair_score(a: float, b: float, c: float) -> float:
    """Whether a and b both rank above c; of three that are level, they do in a third of the orders."""
    if a == c and b == c:
        return 1 / 3
    return score(a, c) * score(b, c)


@given(TIED, TIED)
def test_area_and_standard_error_by_counting_pairs(positives, negatives):
    n1, n2 = len(positives), len(negatives)
    auc = sum(score(p, n) for p in positives for n in negatives) / (n1 * n2)
    q1 = sum(pair_score(p, q, n) for p in positives for q in positives for n in negatives) / (n1**2 * n2)
    q2 = sum(pair_score(-m, -n, -p) for p in positives for m in negatives for n in negatives) / (n2**2 * n1)
    variance = (auc * (1 - auc) + (n1 - 1) * (q1 - auc**2) + (n2 - 1) * (q2 - auc**2)) / (n1 * n2)
    row = one_row(positives, negatives)
    assert row["auc"] == pytest.approx(auc, abs=1e-12)
    assert row["se"] ** 2 == pytest.approx(variance, abs=1e-12)
    assert row["ci_low"] == pytest.approx(max(auc - Z * row["se"], 0), abs=1e-12)
    assert row["ci_high"] == pytest.approx(min(auc + Z * row["se"], 1), abs=1e-12)


def delong_by_loops(curves, n1, n2):
    """Areas and covariance matrix of DeLong 1988 for curves of (positives, negatives)."""
    areas, v10, v01 = [], [], []
    for positives, negatives in curves:
        kernel = [[score(p, n) for n in negatives] for p in positives]
        areas.append(sum(map(sum, kernel)) / (n1 * n2))
        v10.append([sum(row) / n2 for row in kernel])
        v01.append([sum(row[j] for row in kernel) / n1 for j in range(n2)])
    k = len(curves)
    covariance = np.zeros((k, k))
    for r, s in itertools.product(range(k), repeat=2):
        s10 = sum((v10[r][i] - areas[r]) * (v10[s][i] - areas[s]) for i in range(n1)) / (n1 - 1)
        s01 = sum((v01[r][j] - areas[r]) * (v01[s][j] - areas[s]) for j in range(n2)) / (n2 - 1)
        covariance[r, s] = s10 / n1 + s01 / n2
    return areas, covariance


@given(st.data(), st.integers(2, 7), st.integers(2, 7))
def test_delong_by_double_loops(data, n1, n2):
    def values(n):
        return data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))

    x, y = (values(n1), values(n2)), (values(n1), values(n2))
    table = two_arms(*x).assign(y=[*y[0], *y[1]])
    result = roc(table, "group", "ALS", ["x", "y"], lower_is_positive=["y"])
    turned = [[-value for value in arm] for arm in y]
    areas, covariance = delong_by_loops([x, turned], n1, n2)

    for k, row in result.table.iterrows():
        if len(set(table[row["predictor"]])) > 1:
            half = Z * math.sqrt(covariance[k, k])
            assert row["delong_low"] == pytest.approx(max(areas[k] - half, 0), abs=1e-7)
            assert row["delong_high"] == pytest.approx(min(areas[k] + half, 1), abs=1e-7)

    row = result.delong.iloc[0]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert row["difference"] == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert row["se"] ** 2 == pytest.approx(variance, abs=1e-12)
    if variance > 1e-9:
        assert row["z"] == pytest.approx((areas[0] - areas[1]) / math.sqrt(variance), abs=1e-9)
        assert row["p"] == pytest.approx(2 * (1 - norm.cdf(abs(row["z"]))), abs=1e-9)
        assert row["ci_low"] == pytest.approx(max(row["difference"] - Z * row["se"], -1), abs=1e-12)
        assert row["ci_high"] == pytest.approx(min(row["difference"] + Z * row["se"], 1), abs=1e-12)
    else:
        assert row[["ci_low", "ci_high", "z", "p"]].isna().all()


@given(TIED, TIED)
def test_area_is_the_share_of_u(positives, negatives):
    u = mannwhitneyu(positives, negatives, method="exact").statistic
    assert one_row(positives, negatives)["auc"] == pytest.approx(u / (len(positives) * len(negatives)))


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=20, unique=True), st.data())
def test_p_without_ties_is_that_of_mann_whitney(values, data):
    n1 = data.draw(st.integers(1, len(values) - 1))
    expected = mannwhitneyu(values[:n1], values[n1:], method="asymptotic", use_continuity=False).pvalue
    assert one_row(values[:n1], values[n1:])["p"] == pytest.approx(expected, abs=1e-12)


def test_p_with_ties_is_not_corrected_for_them():
    """SPSS: z = (A − 0.5)/√((n₁+n₂+1)/(12n₁n₂)); here A = 0.75, n = 2 and 2, z = 0.25/√(5/48)."""
    row = one_row([1, 2], [1, 1])
    assert row["auc"] == 0.75
    assert row["p"] == pytest.approx(2 * norm.sf(0.25 / math.sqrt(5 / 48)))


@given(TIED, TIED, st.sampled_from(["higher", "lower"]))
def test_every_point_by_counting(positives, negatives, direction):
    lower = ["x"] if direction == "lower" else []
    result = roc(two_arms(positives, negatives), "group", "ALS", ["x"], lower_is_positive=lower)
    observed = sorted({*positives, *negatives})
    middles = [(a + b) / 2 for a, b in itertools.pairwise(observed)]
    assert result.points["cutoff"].tolist() == [observed[0] - 1, *middles, observed[-1] + 1]
    assert set(result.points["direction"]) == {direction}

    def is_called_positive(value, cutoff):
        return value >= cutoff if direction == "higher" else value <= cutoff

    youdens = []
    for _, point in result.points.iterrows():
        hits = sum(is_called_positive(p, point["cutoff"]) for p in positives)
        passes = sum(not is_called_positive(n, point["cutoff"]) for n in negatives)
        assert point["sensitivity"] == hits / len(positives)
        assert point["specificity"] == passes / len(negatives)
        for name, count, n in (
            ("sensitivity", hits, len(positives)),
            ("specificity", passes, len(negatives)),
        ):
            low, high = proportion_confint(count, n, method="wilson")
            assert point[f"{name}_low"] == pytest.approx(low, abs=1e-12)
            assert point[f"{name}_high"] == pytest.approx(high, abs=1e-12)
            assert 0 <= point[f"{name}_low"] <= point[name] <= point[f"{name}_high"] <= 1
        youdens.append(hits * len(negatives) + passes * len(positives) - len(positives) * len(negatives))
        assert point["youden"] == pytest.approx(youdens[-1] / (len(positives) * len(negatives)))

    row = result.table.iloc[0]
    inner = youdens[1:-1]
    if inner and max(inner) > 0:
        assert row["cutoff"] == middles[inner.index(max(inner))]
        chosen = result.points.iloc[1 + inner.index(max(inner))]
        for name in ("sensitivity", "specificity", "youden"):
            assert row[name] == chosen[name]
    else:
        assert row[["cutoff", "sensitivity", "specificity", "youden"]].isna().all()


def test_of_equal_youden_values_the_lowest_cutoff():
    # Sensitivity and specificity are 1 and 1/2 at 1.5, 1/2 and 1 at 3.5: equal Youden values.
    assert one_row([2, 4], [1, 3])["cutoff"] == 1.5
    assert one_row([1, 3], [2, 4], lower_is_positive=["x"])["cutoff"] == 1.5
    # All three cut-offs with the index 1/3 are made of other shares; rounding must not choose among them.
    assert one_row([2, 4, 6], [1, 3, 5])["cutoff"] == 1.5


def test_neighbouring_floating_point_numbers_are_parted_rightly():
    a, b = 1.0, np.nextafter(1.0, 2.0)
    row = one_row([b, b], [a, a])
    assert (row["cutoff"], row["sensitivity"], row["specificity"]) == (b, 1, 1)
    row = one_row([a, a], [b, b], lower_is_positive=["x"])
    assert (row["cutoff"], row["sensitivity"], row["specificity"]) == (a, 1, 1)


def test_cutoff_of_very_large_values_does_not_overflow():
    row = one_row([1.2e308], [1.1e308])
    assert row["cutoff"] == pytest.approx(1.15e308)


# --- what must not change it --------------------------------------------------------------------------------


@given(TIED, TIED)
def test_negated_values_with_the_other_direction_are_the_same(positives, negatives):
    as_is = roc(two_arms(positives, negatives), "group", "ALS", ["x"])
    table = two_arms([-p for p in positives], [-n for n in negatives])
    turned = roc(table, "group", "ALS", ["x"], lower_is_positive=["x"])
    same = ["auc", "se", "ci_low", "ci_high", "delong_low", "delong_high", "p", "youden"]
    assert_frame_equal(as_is.table[same], turned.table[same])
    mirrored = turned.points.iloc[::-1].reset_index(drop=True)
    mirrored["cutoff"] = -mirrored["cutoff"]
    assert_frame_equal(as_is.points.drop(columns="direction"), mirrored.drop(columns="direction"))


@given(TIED, TIED)
def test_swapped_arms_give_the_complement(positives, negatives):
    row, swapped = one_row(positives, negatives), one_row(negatives, positives)
    assert swapped["auc"] == pytest.approx(1 - row["auc"])
    assert swapped["se"] == pytest.approx(row["se"], abs=1e-9)
    assert swapped["p"] == pytest.approx(row["p"])


def test_the_order_of_rows_changes_no_digit():
    table = cohort().round(2)
    shuffled = table.sample(frac=1, random_state=3)
    results = [
        roc(t, "group", "ALS", ["fi", "rcsa", "noise"], lower_is_positive=["rcsa"], combine=True)
        for t in (table, shuffled)
    ]
    for name in ("table", "points", "delong"):
        assert_frame_equal(getattr(results[0], name), getattr(results[1], name), check_exact=True)
    assert results[0].notes == results[1].notes


def test_table_is_not_changed():
    table = cohort()
    before = table.copy()
    roc(table, "group", "ALS", ["fi", "rcsa"], combine=True)
    assert_frame_equal(table, before)


# --- outcome and missing cells ------------------------------------------------------------------------------


def test_columns():
    result = roc(cohort(), "group", "ALS", ["fi", "rcsa"], combine=True)
    assert isinstance(result, RocResult)
    assert tuple(result.table.columns) == ROC_COLUMNS
    assert tuple(result.points.columns) == POINT_COLUMNS
    assert tuple(result.delong.columns) == DELONG_COLUMNS
    header = (
        "predictor,direction,n_positive,n_negative,auc,se,ci_low,ci_high,"
        "delong_low,delong_high,p,cutoff,sensitivity,specificity,youden\n"
    )
    assert result.table.iloc[:0].to_csv(index=False) == header


def test_one_predictor_has_no_differences_but_their_columns():
    result = roc(cohort(), "group", "ALS", ["fi"])
    assert result.delong.empty
    assert tuple(result.delong.columns) == DELONG_COLUMNS
    assert result.notes == []


@pytest.mark.parametrize(
    "outcome", [[1, 1, 0, 0], [1.0, 1.0, 0.0, 0.0], ["1", "1", "0", "0"], [" 1", "1 ", "0", "0"]]
)
@pytest.mark.parametrize("positive", [1, 1.0, "1", "1.0"])
def test_a_number_matches_however_it_is_written(outcome, positive):
    table = pd.DataFrame({"psa": outcome, "x": [3, 1, 2, 0]})
    row = roc(table, "psa", positive, ["x"]).table.iloc[0]
    assert (row["n_positive"], row["n_negative"], row["auc"]) == (2, 2, 0.75)


def test_nullable_columns_and_empty_texts():
    table = pd.DataFrame(
        {
            "group": pd.array(["ALS", "ALS", "LR", "LR", pd.NA], dtype="string"),
            "x": pd.array([3, 1, 2, 0, 9], dtype="Int64"),
            "y": ["3", " 1.0 ", "", "0", "2"],
        }
    )
    result = roc(table, "group", "ALS", ["x", "y"])
    assert result.table["auc"].tolist() == [0.75, 1.0]
    assert result.table["n_negative"].tolist() == [2, 1]
    assert "group: 1 of 5 rows left out: no value" in result.notes
    assert "y: 1 of 4 participants left out: no value" in result.notes


def test_all_other_values_are_negative_and_named():
    table = pd.DataFrame({"group": ["ALS", "ALS", "LR", "LR", "HC", ""], "x": [5, 4, 3, 2, 1, 0]})
    result = roc(table, "group", "ALS", ["x"])
    assert result.table.loc[0, "n_negative"] == 3
    assert result.notes[:2] == [
        "group: negative are all rows that are not ALS: HC (n = 1), LR (n = 2)",
        "group: 1 of 6 rows left out: no value",
    ]


def test_a_named_negative_leaves_the_others_out():
    table = pd.DataFrame({"group": ["ALS", "ALS", "LR", "LR", "HC"], "x": [5, 1, 3, 2, 9]})
    result = roc(table, "group", "ALS", ["x"], negative="LR")
    expected = roc(table.iloc[:4], "group", "ALS", ["x"])
    assert_frame_equal(result.table, expected.table)
    assert result.notes == ["group: 1 of 5 rows left out: neither ALS nor LR"]


def test_missing_cells_are_left_out_per_predictor_and_per_pair():
    table = cohort()
    table.loc[[0, 3], "fi"] = np.nan
    table.loc[[3, 5, 6], "rcsa"] = np.nan
    result = roc(table, "group", "ALS", ["fi", "rcsa"], combine=True)
    n = result.table["n_positive"] + result.table["n_negative"]
    assert n.tolist() == [58, 57, 56]
    for name, complete in (("fi", table.dropna(subset="fi")), ("rcsa", table.dropna(subset="rcsa"))):
        alone = roc(complete, "group", "ALS", [name]).table.iloc[0]
        assert alone["auc"] == result.table.set_index("predictor").loc[name, "auc"]
    both = roc(table.dropna(), "group", "ALS", ["fi", "rcsa"]).delong
    assert_frame_equal(result.delong, both)
    label = "logistic(fi + rcsa) [in-sample]"
    assert "fi: 2 of 60 participants left out: no value" in result.notes
    assert "fi, rcsa: compared without 4 of 60 participants who lack one of them" in result.notes
    assert f"{label}: 4 of 60 participants left out: not all predictors have a value" in result.notes


# --- what is left empty -------------------------------------------------------------------------------------


def test_area_below_half_is_not_turned_round():
    result = roc(two_arms([1, 2, 3], [2, 4, 5]), "group", "ALS", ["x"])
    row = result.table.iloc[0]
    assert row["direction"] == "higher"
    assert row["auc"] == pytest.approx(1.5 / 9)
    assert math.isnan(row["cutoff"])
    assert "x: area 0.167 below 0.5, left as it is; " in result.notes[1]
    assert "--lower-is-positive" in result.notes[1]
    result = roc(two_arms([3, 2], [2, 1]), "group", "ALS", ["x"], lower_is_positive=["x"])
    assert result.table.loc[0, "auc"] == 0.125
    assert any("leave it out of --lower-is-positive" in note for note in result.notes)


def test_constant_predictor():
    result = roc(two_arms([7, 7, 7], [7, 7]), "group", "ALS", ["x"])
    row = result.table.iloc[0]
    assert (row["auc"], row["p"]) == (0.5, 1)
    assert row[["delong_low", "delong_high", "cutoff", "sensitivity", "specificity", "youden"]].isna().all()
    assert result.points["cutoff"].tolist() == [6, 8]
    assert result.notes == ["x: all values are the same: area 0.5, no cut-off and no DeLong interval"]


def test_arms_that_do_not_overlap_are_noted():
    result = roc(two_arms([4, 5], [1, 2]), "group", "ALS", ["x"])
    row = result.table.iloc[0]
    assert row[["auc", "se", "ci_low", "ci_high", "delong_low", "delong_high"]].tolist() == [1, 0, 1, 1, 1, 1]
    assert (row["cutoff"], row["sensitivity"], row["specificity"]) == (3, 1, 1)
    assert "no certainty" in result.notes[0]


def test_one_participant_in_an_arm_has_no_delong_interval():
    result = roc(two_arms([4], [1, 5]).assign(y=[1, 2, 0]), "group", "ALS", ["x", "y"])
    assert result.table["auc"].tolist() == [0.5, 0.5]
    assert result.table["se"].notna().all()
    assert result.table[["delong_low", "delong_high"]].isna().all(axis=None)
    row = result.delong.iloc[0]
    assert row[list(DELONG_COLUMNS[4:])].isna().all()
    assert "x: DeLong's interval needs two positives and two negatives" in result.notes
    assert any(note.startswith("x, y: not compared") for note in result.notes)


def test_predictor_without_values_in_an_arm_is_an_empty_row():
    table = two_arms([4, 2], [1, 3]).assign(y=[np.nan, np.nan, 1, 2])
    result = roc(table, "group", "ALS", ["x", "y"])
    row = result.table.iloc[1]
    assert (row["n_positive"], row["n_negative"]) == (0, 2)
    assert row[list(ROC_COLUMNS[4:])].isna().all()
    assert set(result.points["predictor"]) == {"x"}
    assert "y: no positive has a value, so there is no curve" in result.notes


def test_predictors_with_the_same_ranks_have_no_test():
    table = two_arms([4, 2, 5], [1, 3, 2]).assign(y=lambda t: t["x"] * 10)
    result = roc(table, "group", "ALS", ["x", "y"])
    row = result.delong.iloc[0]
    assert (row["difference"], row["se"]) == (0, 0)
    assert row[["ci_low", "ci_high", "z", "p"]].isna().all()
    assert result.notes == ["x, y: the difference of their areas has no variance, so there is no test"]


# --- combination --------------------------------------------------------------------------------------------


def test_combination_against_the_formula_interface():
    table = cohort().assign(als=lambda t: (t["group"] == "ALS").astype(int))
    result = roc(table, "group", "ALS", ["fi", "rcsa", "noise"], lower_is_positive=["rcsa"], combine=True)
    probability = smf.logit("als ~ fi + rcsa + noise", table).fit(disp=0).predict(table)
    u = mannwhitneyu(probability[table["als"] == 1], probability[table["als"] == 0]).statistic
    row = result.table.iloc[3]
    assert row["predictor"] == "logistic(fi + rcsa + noise) [in-sample]"
    assert row["direction"] == "higher"
    assert row["auc"] == pytest.approx(u / (36 * 24))
    assert row["sensitivity"] == (probability[table["als"] == 1] >= row["cutoff"]).mean()
    assert row["specificity"] == (probability[table["als"] == 0] < row["cutoff"]).mean()
    observed = np.sort(probability)
    middles = (observed[1:] + observed[:-1]) / 2
    cutoffs = result.points.query("predictor == @row.predictor")["cutoff"]
    np.testing.assert_allclose(cutoffs.iloc[1:-1], middles, rtol=1e-6)
    assert len(result.delong) == 3
    assert not result.delong[["predictor_a", "predictor_b"]].isin([row["predictor"]]).any(axis=None)
    assert any("optimistic" in note for note in result.notes)


def test_combination_does_not_depend_on_units():
    table = cohort()
    scaled = table.assign(fi=table["fi"] * 1e6 + 5, rcsa=table["rcsa"] * 1e-6)
    rows = [roc(t, "group", "ALS", ["fi", "rcsa"], combine=True).table.iloc[2] for t in (table, scaled)]
    assert rows[0]["auc"] == rows[1]["auc"]
    assert rows[0]["cutoff"] == pytest.approx(rows[1]["cutoff"], rel=1e-6)


def test_equal_rows_are_tied_in_the_combination():
    """Equal predictors give equal probabilities: no more candidate cut-offs than different rows, and ends."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.integers(0, 3, (97, 3)) / 7, columns=["a", "b", "c"])
    table["group"] = np.where(rng.random(97) < 0.5, "ALS", "LR")
    points = roc(table, "group", "ALS", ["a", "b", "c"], combine=True).points
    assert (
        len(points[points["predictor"].str.startswith("logistic")])
        <= len(table[["a", "b", "c"]].drop_duplicates()) + 1
    )


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"a": [1, 2, 3, 4, 5, 6], "b": [1, 3, 2, 2, 1, 3]}, "separate the arms"),
        ({"a": [0, 0, 0, 0, 0, 1], "b": [1, 3, 2, 2, 1, 3]}, "separate the arms"),
        ({"a": [1, 4, 2, 3, 5, 2], "b": [2, 8, 4, 6, 10, 4]}, "collinear"),
        ({"a": [1, 4, 2, 3, 5, 2], "b": [1, 1, 1, 1, 1, 1]}, "constant"),
        (
            {"a": [1, 4, 2, 3, np.nan, np.nan], "b": [1, 3, 2, np.nan, 1, 3]},
            "not both positives and negatives",
        ),
    ],
    ids=["complete-separation", "quasi-complete-separation", "collinear", "constant", "one-arm-complete"],
)
def test_combination_without_a_solution_is_an_empty_row(columns, why):
    table = pd.DataFrame({"group": ["LR"] * 3 + ["ALS"] * 3} | columns)
    result = roc(table, "group", "ALS", ["a", "b"], combine=True)
    row = result.table.iloc[2]
    assert row["predictor"] == "logistic(a + b) [in-sample]"
    assert row[list(ROC_COLUMNS[4:])].isna().all()
    note = next(note for note in result.notes if "left empty" in note)
    assert why in note
    assert "optimistic" not in " ".join(result.notes)


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.booleans()), min_size=6, max_size=14))
def test_combination_is_empty_exactly_where_no_line_leaves_overlap(rows):
    """With whole coordinates every separating line can be turned until it passes through two participants."""
    table = pd.DataFrame(rows, columns=["a", "b", "als"])
    points = np.column_stack([np.ones(len(table)), table[["a", "b"]]])
    if table["als"].nunique() < 2 or np.linalg.matrix_rank(points) < 3:
        return
    side = np.where(table["als"], 1, -1)
    directions = [np.cross(points[i], points[j]) for i, j in itertools.combinations(range(len(points)), 2)]
    separated = any(
        (sign * side * (points @ d) >= 0).all() and (points @ d).any() for d in directions for sign in (1, -1)
    )
    row = roc(table, "als", True, ["a", "b"], combine=True).table.iloc[2]
    assert math.isnan(row["auc"]) == separated


def test_combination_of_one_is_only_a_note():
    result = roc(cohort(), "group", "ALS", ["fi"], combine=True)
    assert len(result.table) == 1
    assert result.notes == ["no combination: one predictor was named; two or more can be combined"]


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"outcome": "grp"},
            UsageError,
            "--outcome: there is no column 'grp'; expected one of 'participant_id', ",
        ),
        ({"predictors": ["FI"]}, UsageError, "--predictor: there is no column 'FI'; "),
        ({"predictors": []}, UsageError, "--predictor: none given; "),
        ({"predictors": ["fi", "fi"]}, UsageError, "--predictor: 'fi' is given twice; "),
        ({"predictors": ["group"]}, UsageError, "--predictor: 'group' is the outcome too; "),
        ({"lower_is_positive": ["rcsa"]}, UsageError, "--lower-is-positive: 'rcsa' is not a predictor; "),
        (
            {"positive": "als"},
            UsageError,
            "--positive: no row of 'group' is 'als'; expected one of 'ALS', 'LR'; ",
        ),
        ({"positive": ""}, UsageError, "--positive: no row of 'group' is ''; "),
        ({"negative": "HC"}, UsageError, "--negative: no row of 'group' is 'HC'; "),
        ({"negative": "ALS"}, UsageError, "--negative: 'ALS' is the positive value too; "),
    ],
)
def test_wrong_arguments(change, error, message):
    arguments = {"outcome": "group", "positive": "ALS", "predictors": ["fi"]} | change
    with pytest.raises(error) as raised:
        roc(cohort(), **arguments)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", ["high", "0,45", "1_000", "inf", np.inf, -np.inf])
def test_text_or_infinity_among_numbers_names_the_row(value):
    table = cohort().astype({"fi": object})
    table.loc[7, "fi"] = value
    with pytest.raises(
        UsageError, match=rf"^fi: '{value}' in row 8 below the header \(P_7\); expected a number; "
    ):
        roc(table, "group", "ALS", ["fi"])
    with pytest.raises(UsageError, match=rf"^fi: '{value}' in row 8 below the header; "):
        roc(table.drop(columns="participant_id"), "group", "ALS", ["fi"])


def test_repeated_participants():
    table = pd.concat([cohort(), cohort().iloc[[4]]])
    with pytest.raises(
        UsageError, match="participant_id: 'P_4' has several rows; expected one row per participant"
    ):
        roc(table, "group", "ALS", ["fi"])


def test_repeated_column():
    table = pd.concat([cohort(), cohort()[["fi"]]], axis=1)
    with pytest.raises(UsageError, match="the table has 2 columns 'fi'; expected one"):
        roc(table, "group", "ALS", ["fi"])


def test_nothing_to_compare_with():
    with pytest.raises(NoInputError, match=r"^group: all 3 rows are 'ALS'; expected others to compare; "):
        roc(two_arms([1, 2, 3], []), "group", "ALS", ["x"])
    with pytest.raises(NoInputError, match=r"^group: no row has a value; "):
        roc(pd.DataFrame({"group": [None, ""], "x": [1, 2]}), "group", "ALS", ["x"])
    with pytest.raises(NoInputError, match=r"^x: no values on one side of 'group'; "):
        roc(two_arms([np.nan, np.nan], [1, 2]), "group", "ALS", ["x"])


# --- from the long cohort table -----------------------------------------------------------------------------


@pytest.fixture
def long_table() -> pd.DataFrame:
    """Four participants, two segments, two muscles, three roles; P_4 has no onset side, only both sides."""
    rows = []
    for k, (participant, group) in enumerate([("P_1", "ALS"), ("P_2", "ALS"), ("P_3", "LR"), ("P_4", "LR")]):
        for segment, muscle in itertools.product(["L5", "L4"], ["PM", "MF"]):
            for side, role in (("left", "symptomatic"), ("right", "contralateral"), ("both", "bilateral")):
                base = 10 * int(segment[1]) + (muscle == "PM") + 100 * k
                rows.append(
                    {
                        "participant_id": participant,
                        "group": group,
                        "segment": segment,
                        "muscle": muscle,
                        "side": side,
                        "role": role if k < 3 or side == "both" else "",
                        "fi": base + (0.5 if side == "left" else 0.0),
                        "rcsa": base / 1000,
                        "csa_px": 7 + k,
                        "image": f"{participant}_{segment}.png",
                        "age": 50.0 + k,
                        "onset_region": "lower" if k else "",
                    }
                )
    return pd.DataFrame(rows)


def test_widen(long_table):
    wide, notes = widen(long_table, ["rcsa", "fi"], "symptomatic")
    assert list(wide.columns) == [
        "participant_id", "group", "age", "onset_region",
        "rcsa_L4_MF", "fi_L4_MF", "rcsa_L4_PM", "fi_L4_PM",
        "rcsa_L5_MF", "fi_L5_MF", "rcsa_L5_PM", "fi_L5_PM",
    ]  # fmt: skip
    assert wide["participant_id"].tolist() == ["P_1", "P_2", "P_3", "P_4"]
    assert wide["age"].tolist() == [50, 51, 52, 53]
    assert wide["fi_L5_PM"].tolist()[:3] == [51.5, 151.5, 251.5]
    assert wide["rcsa_L4_MF"].tolist()[:3] == [0.04, 0.14, 0.24]
    assert wide.loc[3, "rcsa_L4_MF":].isna().all()
    assert notes == ["1 of 4 participants have no symptomatic row: their cells stay empty"]
    wide, notes = widen(long_table, ["fi"], "bilateral")
    assert wide["fi_L5_PM"].tolist() == [51, 151, 251, 351]
    assert notes == []


def test_widen_feeds_roc(long_table):
    wide, _ = widen(long_table.sample(frac=1, random_state=2), ["fi"], "bilateral")
    row = roc(wide, "group", "LR", ["fi_L4_MF"]).table.iloc[0]
    assert (row["n_positive"], row["n_negative"], row["auc"], row["cutoff"]) == (2, 2, 1, 190)


def test_widen_in_table_mode_keeps_the_names():
    table = cohort().assign(segment="", muscle="", side="", role="")
    wide, notes = widen(table, ["fi", "rcsa"], "")
    assert_frame_equal(wide[["participant_id", "fi", "rcsa"]], table[["participant_id", "fi", "rcsa"]])
    assert notes == []


def test_widen_leaves_out_what_differs_within_a_participant(long_table):
    long_table["fi_by_age"] = long_table["fi"] / long_table["age"]
    wide, notes = widen(long_table, ["fi"], "bilateral")
    assert "fi_by_age" not in wide
    assert notes == ["fi_by_age: left out, as it differs within a participant"]


@pytest.mark.parametrize(
    ("change", "metric", "role", "message"),
    [
        (
            {},
            "fi",
            "affected",
            "--role: no row has 'affected'; expected one of '', 'bilateral', 'contralateral', ",
        ),
        ({"role": "bilateral", "side": "both"}, "fi", "symptomatic", "--role: no row has 'symptomatic'; "),
        ({"role": "bilateral"}, "fi", "bilateral", "P_1 L5 PM: two rows with the role 'bilateral'; "),
        ({}, "rCSA", "bilateral", "cohort: there is no column 'rCSA'; "),
        ({"fi_L4_MF": 1}, "fi", "bilateral", "fi_L4_MF: a column of the participants table; "),
    ],
)
def test_widen_refuses(long_table, change, metric, role, message):
    with pytest.raises(UsageError) as raised:
        widen(long_table.assign(**change), [metric], role)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_another_spelling_of_the_positives_is_no_negative():
    table = cohort()
    table.loc[0, "group"] = "als"
    for positive, negative in (("ALS", None), ("als", None), ("LR", "ALS")):
        with pytest.raises(UsageError, match=r"group: both '(ALS|als)' and '(ALS|als)' are found"):
            roc(table, "group", positive, ["fi"], negative)
