"""Table 1's tests against SciPy, counts by hand, and the papers' own counts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.arms import NO_TEST
from mriparaspinal.stats.characteristics import CHARACTERISTIC_COLUMNS, characteristics, compare_counts


def people(n_als: int, n_lr: int, **columns: list[object]) -> pd.DataFrame:
    ids = [f"ALS_{i + 1}" for i in range(n_als)] + [f"LR_{i + 1}" for i in range(n_lr)]
    return pd.DataFrame(
        {"participant_id": ids, "group": ["ALS"] * n_als + ["LR"] * n_lr} | columns,
    )


def row(table: pd.DataFrame, name: str) -> pd.Series:
    (found,) = [record for _, record in table.iterrows() if record["characteristic"] == name]
    return found


PAPER = people(
    38,
    32,
    sex=["M"] * 22 + ["F"] * 16 + ["M"] * 18 + ["F"] * 14,
    psa=[1.0] * 27 + [0.0] * 11 + [1.0] * 20 + [0.0] * 12,
)


def test_counts_of_ren_table_1() -> None:
    table, notes = characteristics(PAPER)
    assert list(table.columns) == list(CHARACTERISTIC_COLUMNS)
    assert notes == []
    sex, psa = row(table, "sex"), row(table, "psa")
    assert (sex["item"], sex["summary_a"], sex["summary_b"]) == ("Sex (M/F)", "22/16", "18/14")
    assert (sex["test"], sex["df"], round(sex["p"], 3)) == ("chi_squared", 1, 0.890)
    assert (psa["item"], psa["summary_a"], psa["summary_b"]) == ("PSA (+/−)", "27/11", "20/12")
    assert round(psa["p"], 2) == 0.45


def test_sex_of_the_brain_paper() -> None:
    # 26 of 39 patients and 13 of 32 controls are men
    assert round(compare_counts([26, 13], [13, 19]).p, 3) == 0.028


COUNTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=6)


@given(COUNTS)
@settings(max_examples=150, deadline=None)
def test_counts_are_tested_as_scipy_does(counts: list[tuple[int, int]]) -> None:
    a, b = (list(column) for column in zip(*counts, strict=True))
    result = compare_counts(a, b)
    table = np.array([pair for pair in counts if sum(pair)]).reshape(-1, 2)
    if len(table) < 2 or not sum(a) or not sum(b):
        assert (result.test, math.isnan(result.p)) == ("", True)
        return
    chi = stats.chi2_contingency(table, correction=False)
    if table.shape == (2, 2) and chi.expected_freq.min() < 5:
        assert result.test == "fisher_exact"
        assert result.p == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-12)
    else:
        assert (result.test, result.df) == ("chi_squared", len(table) - 1)
        assert result.statistic == pytest.approx(chi.statistic, rel=1e-12, abs=1e-12)
        assert result.p == pytest.approx(chi.pvalue, rel=1e-12)
        assert bool(result.remark) == bool((chi.expected_freq < 5).any())


def test_chi_squared_by_hand() -> None:
    # n(ad − bc)²/((a+b)(c+d)(a+c)(b+d)), the textbook form without correction
    a, b, c, d = 22, 16, 18, 14
    by_hand = (a + b + c + d) * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    assert compare_counts([a, b], [c, d]).statistic == pytest.approx(by_hand, rel=1e-12)


def test_fishers_lady_tasting_tea() -> None:
    # 3 of 4 cups right: (16 + 1 + 1 + 16)/70 two-sided
    result = compare_counts([3, 1], [1, 3])
    assert result.test == "fisher_exact"
    assert result.p == pytest.approx(34 / 70, rel=1e-12)


def test_numbers_are_described_and_tested_as_scipy_and_numpy_do() -> None:
    rng = np.random.default_rng(4)
    als, lr = rng.normal(55, 11, 20), rng.normal(61, 12, 17)
    months = np.concatenate([rng.lognormal(2, 1.2, 20), rng.lognormal(2, 1.2, 17)])
    table, _ = characteristics(people(20, 17, age=[*als, *lr], disease_duration=list(months)))
    age, duration = row(table, "age"), row(table, "disease_duration")
    assert stats.levene(als, lr, center="mean").pvalue >= 0.05
    expected = stats.ttest_ind(als, lr)
    assert age["test"] == "student_t"
    assert (age["statistic"], age["df"], age["p"]) == pytest.approx(
        (expected.statistic, 35, expected.pvalue), rel=1e-9
    )
    assert age["summary_a"] == f"{np.mean(als):.1f} ± {np.std(als, ddof=1):.1f}"
    assert age["item"] == "Age (years)"
    rank = stats.mannwhitneyu(months[:20], months[20:], use_continuity=False, method="asymptotic")
    assert duration["test"] == "mann_whitney_u"
    assert (duration["statistic"], duration["p"]) == pytest.approx((rank.statistic, rank.pvalue), rel=1e-9)
    q1, median, q3 = np.quantile(months[:20], [0.25, 0.5, 0.75], method="weibull")
    assert duration["summary_a"] == f"{median:.1f} ({q3 - q1:.1f})"


def test_a_column_that_one_group_has() -> None:
    table, notes = characteristics(people(6, 5, alsfrs_lower=[8.0, 9, 10, 7, 12, math.nan, *[math.nan] * 5]))
    found = row(table, "alsfrs_lower")
    assert (found["n_a"], found["missing_a"], found["n_b"], found["missing_b"]) == (5, 1, 0, 5)
    assert found["summary_a"] == "9.2 ± 1.9"
    assert (found["summary_b"], found["test"], found["remark"]) == ("", "", "")
    assert math.isnan(found["p"])
    assert notes == []


def test_three_groups_give_three_pairs_with_one_description_each() -> None:
    table = pd.DataFrame(
        {
            "participant_id": [f"P_{i}" for i in range(30)],
            "group": ["HC", "ALS", "LR"] * 10,
            "age": np.random.default_rng(0).normal(60, 8, 30),
            "sex": ["F", "M"] * 15,
        }
    )
    found, _ = characteristics(table)
    ages = found[found["characteristic"] == "age"]
    assert list(zip(ages["label_a"], ages["label_b"], strict=True)) == [
        ("ALS", "LR"),
        ("ALS", "HC"),
        ("LR", "HC"),
    ]
    summaries = [*ages[["label_a", "summary_a"]].itertuples(index=False, name=None)]
    summaries += [*ages[["label_b", "summary_b"]].itertuples(index=False, name=None)]
    assert len(set(summaries)) == 3
    lr, hc = (table.loc[table["group"] == group, "age"] for group in ("LR", "HC"))
    equal = stats.levene(lr, hc, center="mean").pvalue >= 0.05
    assert ages["p"].iloc[2] == pytest.approx(stats.ttest_ind(lr, hc, equal_var=equal).pvalue, rel=1e-9)


def test_one_group_is_described_without_a_test() -> None:
    table, _ = characteristics(people(4, 0, age=[50.0, 60, 61, 62], sex=["M", "F", "F", "F"]))
    assert list(table["label_b"]) == ["", ""]
    assert list(table["test"]) == ["", ""]
    assert list(table["summary_a"]) == ["1/3", "58.2 ± 5.6"]
    assert list(table["summary_b"]) == ["", ""]


def test_which_other_columns_are_characteristics() -> None:
    table, notes = characteristics(
        people(
            4,
            4,
            smoker=[1.0, 0, 0, 1, 0, 0, math.nan, 1],
            name=[f"person {i}" for i in range(8)],
            surgeon=["A", "B", "A", "", "a", "B", "B", "B"],
            hospital=["one"] * 8,
            height=[1.6, 1.7, 1.8, 1.9, 1.5, 1.6, 1.7, 1.8],
            empty=[None] * 8,
        ),
    )
    assert list(table["characteristic"]) == ["smoker", "surgeon", "height"]
    assert list(table["item"]) == ["smoker (0/1)", "surgeon (A/B)", "height"]
    assert list(table["summary_a"]) == ["2/2", "2/1", "1.75 ± 0.13"]
    assert list(table["summary_b"]) == ["2/1", "1/3", "1.65 ± 0.13"]
    assert notes == [
        "name: 8 different texts, more than 6, left out",
        "hospital: the same for everyone, left out",
        "empty: no value, left out",
    ]


def test_nobody_is_named_in_a_small_cohort() -> None:
    table, notes = characteristics(people(2, 2, name=["Ann", "Bob", "Cleo", "Dan"]))
    assert table.empty
    assert notes == ["name: a different text for everyone, left out"]


def test_large_table_with_small_counts_keeps_chi_squared_and_says_so() -> None:
    table, notes = characteristics(
        people(4, 4, onset_region=["lower", "upper", "bulbar", "lower", *["upper"] * 4])
    )
    found = row(table, "onset_region")
    assert (found["levels"], found["summary_a"], found["test"]) == (
        "lower/upper/bulbar",
        "2/1/1",
        "chi_squared",
    )
    assert notes == ["onset_region, ALS against LR: χ² is approximate: 6 of 6 expected counts are below 5"]


def test_constant_columns_have_no_test() -> None:
    table, notes = characteristics(people(3, 3, sex=["M"] * 6, bmi=[22.0] * 6))
    assert list(table["test"]) == ["", ""]
    assert table["p"].isna().all()
    assert notes == [f"sex, ALS against LR: {NO_TEST}", f"bmi, ALS against LR: {NO_TEST}"]


def test_who_is_in_no_group_is_named() -> None:
    table = people(3, 3, age=[50.0, 51, 53, 60, 61, 63])
    table["group"] = ["ALS", "als", "", "LR", "LR", "HC"]
    found, notes = characteristics(table, groups=("ALS", "LR", "MMN"))
    assert list(found["n_a"]) == [2]
    assert notes[:2] == [
        "characteristics: no participant of group MMN",
        "characteristics: in none of the groups ALS, LR, MMN: 2 participants (ALS_3, LR_3)",
    ]


def test_without_groups_there_is_nothing_to_describe() -> None:
    table, notes = characteristics(PAPER.drop(columns="group"))
    assert table.empty
    assert list(table.columns) == list(CHARACTERISTIC_COLUMNS)
    assert notes == ["characteristics: no column group, so there are no groups to describe"]


def test_a_participant_with_two_rows_is_refused() -> None:
    with pytest.raises(UsageError, match="ALS_1 was found more than once; expected one row per participant"):
        characteristics(pd.concat([PAPER, PAPER.head(1)]))


@given(st.permutations(range(12)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_rows_changes_nothing(order: list[int]) -> None:
    table = people(6, 6, age=[50.1, 51.7, 53, 60, 61, 63, 40, 41, 43, 44, 50.3, 70], sex=["M", "F", "F"] * 4)
    pd.testing.assert_frame_equal(characteristics(table)[0], characteristics(table.iloc[order])[0])


def test_a_known_number_is_never_a_code():
    people = pd.DataFrame(
        {
            "participant_id": [f"P_{i}" for i in range(8)],
            "group": ["ALS"] * 4 + ["LR"] * 4,
            "alsfrs_lower": [1.0, 2.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0],
            "fallen": [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
        }
    )
    table, _ = characteristics(people)
    assert dict(zip(table.characteristic, table.levels, strict=True)) == {"alsfrs_lower": "", "fallen": "0/1"}
