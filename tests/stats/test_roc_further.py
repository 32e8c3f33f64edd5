"""What ``roc`` tells beside the curves, by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.assess import assess
from mriparaspinal.stats.calibration import calibration_groups
from mriparaspinal.stats.decision import decision_table
from mriparaspinal.stats.fixed_rates import fixed_rates, needed, rate_interval
from mriparaspinal.stats.logistic_model import fit_model, model_table
from mriparaspinal.stats.partial_area import Range, partial_areas, read_range
from mriparaspinal.stats.prediction import weighted_area
from mriparaspinal.stats.resampling import resampled_counts
from mriparaspinal.stats.roc_curve import Predictor
from tests.stats.test_roc_model_in_r import Z2, same


def test_the_interval_of_a_rate_counts_all_resamples() -> None:
    """Every resample of four negatives written down, in place of their probabilities."""
    held, judged, least = np.array([1.0, 3.0, 3.0, 6.0]), np.array([0.0, 2.0, 4.0, 5.0, 8.0]), 3
    cutoffs = [sorted(drawn)[least - 1] for drawn in itertools.product(held, repeat=4)]
    shares = np.array([((judged > cutoff).sum() + Z2 / 2) / (5 + Z2) for cutoff in cutoffs])
    half = np.sqrt(Z2 * ((shares * (1 - shares)).mean() / (5 + Z2) + shares.var()))
    assert rate_interval(held, judged, least) == pytest.approx((shares.mean() - half, shares.mean() + half))


def test_with_one_possible_cut_off_the_interval_is_agresti_and_coulls() -> None:
    middle = (7 + Z2 / 2) / (9 + Z2)
    half = np.sqrt(Z2 * middle * (1 - middle) / (9 + Z2))
    judged = np.array([0, 0, 2, 2, 2, 2, 2, 2, 2.0])
    assert rate_interval(np.ones(6), judged, 5) == pytest.approx((middle - half, min(middle + half, 1)))


@pytest.mark.parametrize(("share", "n", "expected"), [(0.9, 10, 9), (0.9, 8, 8), (0.8, 5, 4), (0.07, 100, 7)])
def test_a_share_of_patients_is_a_whole_number(share: float, n: int, expected: int) -> None:
    assert needed(share, n) == expected


def test_the_cut_off_of_a_fixed_rate_of_a_predictor_that_is_low_in_positives() -> None:
    positive = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    values = np.array([1, 2, 3, 7, 4, 5, 6, 8, 9.0])
    row = fixed_rates([Predictor("x", "lower", values)], positive, [0.8], [], []).iloc[0]
    assert (row["cutoff"], row["sensitivity"], row["specificity"]) == (3.5, 0.75, 1.0)
    row = fixed_rates([Predictor("x", "lower", values)], positive, [], [1], []).iloc[0]
    assert (row["cutoff"], row["sensitivity"], row["specificity"]) == (7.5, 1.0, 0.4)


def test_without_a_cut_off_it_is_empty_and_said() -> None:
    notes: list[str] = []
    predictor = Predictor("x", "higher", np.array([1, 2, 3, 4.0]))
    row = fixed_rates([predictor], np.array([1, 1, 0, 0], dtype=bool), [1], [], notes).iloc[0]
    assert (row["sensitivity"], row["specificity"]) == (0, 1)
    assert np.isnan(row["cutoff"])
    assert notes == ["x: no cut-off between two values has a specificity of 1 or more"]


def test_the_whole_range_is_the_whole_area() -> None:
    rng = np.random.RandomState(3)
    positive = rng.uniform(size=40) < 0.5
    values = rng.randint(0, 6, 40) + positive * 1.0
    whole = mannwhitneyu(values[positive], values[~positive]).statistic / (positive.sum() * (~positive).sum())
    for of in ("specificity", "sensitivity"):
        row = partial_areas([Predictor("x", "higher", values)], positive, Range(of, 0, 1), 100, 1, []).iloc[0]
        assert row["partial_auc"] == pytest.approx(whole, rel=1e-12)
        assert row["standardised"] == pytest.approx(whole, rel=1e-12)
    assert weighted_area(values, positive, np.ones(40)) == pytest.approx(whole, rel=1e-12)


def test_a_parted_predictor_has_all_of_the_partial_area_and_no_interval() -> None:
    notes: list[str] = []
    predictor = Predictor("x", "lower", np.array([1, 2, 3, 4.0]))
    row = partial_areas(
        [predictor], np.array([1, 1, 0, 0], dtype=bool), Range("specificity", 0.5, 0.9), 100, 1, notes
    )
    assert row["partial_auc"].iloc[0] == pytest.approx(0.4)
    assert row["standardised"].iloc[0] == pytest.approx(1)
    assert row[["ci_low", "standardised_high"]].isna().all(axis=None)
    assert notes == ["x: the partial area has no interval: it is the same in all resamples"]


def test_two_by_two_counts_have_the_odds_ratio_of_the_table() -> None:
    """30 of 40 with the sign are positive, 15 of 45 without it: 30·30/(10·15) = 6."""
    values = np.repeat([1, 1, 0, 0], [30, 10, 15, 30]).astype(float)
    positive = np.repeat([1, 0, 1, 0], [30, 10, 15, 30]).astype(bool)
    model = fit_model(values[:, None], positive, ["sign"])
    assert not isinstance(model, str)
    table = model_table(model, [])
    assert np.exp(table["b"]).tolist() == pytest.approx([0.5, 6])
    assert table["odds_ratio"].iloc[1] == pytest.approx(6 ** values.std(ddof=1))
    groups = calibration_groups(model.probability, model.is_positive)
    assert groups[["n", "n_positive", "observed"]].values.tolist() == [[45, 15, 15 / 45], [40, 30, 0.75]]
    assert groups["predicted"].tolist() == pytest.approx([15 / 45, 0.75])
    curve = decision_table(model.probability, positive[np.argsort(values, kind="stable")], 0.0)
    at_half = curve[curve["threshold"] == 0.5].iloc[0]
    assert at_half["net_benefit"] == pytest.approx((30 - 10) / 85)
    assert at_half["treat_all"] == pytest.approx((45 - 40) / 85)


def test_firth_of_a_table_with_an_empty_cell_adds_a_half_to_each() -> None:
    """With one 0/1 predictor Firth's estimate is the log odds ratio of counts + 0.5 (Firth 1993)."""
    values = np.repeat([1, 0, 0], [6, 3, 9]).astype(float)
    positive = np.repeat([1, 1, 0], [6, 3, 9]).astype(bool)
    model = fit_model(values[:, None], positive, ["sign"])
    assert not isinstance(model, str)
    assert model.is_firth
    assert model_table(model, [])["b"].iloc[1] == pytest.approx(np.log(6.5 * 9.5 / (0.5 * 3.5)), rel=1e-8)


def test_the_order_of_rows_and_the_units_do_not_matter() -> None:
    rng = np.random.RandomState(4)
    values, positive = rng.normal(size=(30, 2)).round(1), np.arange(30) < 14
    order = rng.permutation(30)
    notes: list[str] = []

    def of(rows, scale):
        found = [Predictor(name, "higher", values[rows, k] * scale) for k, name in enumerate("ab")]
        return assess(found, positive[rows], 100, 5, notes)

    first, second, scaled = of(np.arange(30), 1), of(order, 1), of(order, 1024)
    for name in ("model", "validation", "calibration", "decision"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)
    pd.testing.assert_frame_equal(first.validation, scaled.validation, rtol=1e-9)
    same(first.model["odds_ratio"], scaled.model["odds_ratio"])


def test_resamples_are_the_same_in_other_portions() -> None:
    rows = [
        np.concatenate(list(resampled_counts(7, 10, np.random.default_rng(2), at_once)))
        for at_once in (3, 10)
    ]
    assert (rows[0] == rows[1]).all()
    assert (rows[0].sum(axis=1) == 7).all()


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"a": [1, 1, 1, 1, 1]}, "a predictor is constant"),
        ({"a": [1, 2, 3, 4, 7], "b": [2, 4, 6, 8, 14]}, "the predictors are collinear"),
        ({"a": [1, 2, np.nan, np.nan, np.nan]}, "not both positives and negatives have all predictors"),
        ({"a": [1, 2, 3, 4, 1e80]}, "a predictor has values beyond 1e+60, or nearer to zero than 1e-60"),
    ],
)
def test_no_model_is_said_with_empty_tables(columns, reason: str) -> None:
    notes: list[str] = []
    found = [Predictor(name, "higher", np.array(values, dtype=float)) for name, values in columns.items()]
    made = assess(found, np.array([1, 1, 0, 0, 1], dtype=bool), 100, 1, notes)
    assert made.model.empty
    assert made.validation.empty
    assert notes[-1].endswith(f"no model: {reason}")


def test_what_a_model_of_few_participants_says() -> None:
    notes: list[str] = []
    values = np.arange(1, 21.0)
    made = assess([Predictor("a", "higher", values)], values > 15, 100, 1, notes)
    text = "\n".join(notes)
    for part in (
        "the predictors separate the arms", "5 participants in the smaller arm for 1 predictor; 10 or more",
        "hold where 25 % are positive", "calibration: left empty", "validation: the area has no interval",
    ):  # fmt: skip
        assert part in text
    area = made.validation.iloc[0]
    assert area["apparent"] == 1
    assert np.isnan(area["ci_low"])
    assert area["leave_pair_out"] == 1


@pytest.mark.parametrize("few", [1, 3, 4])
def test_too_few_participants_have_no_model(few: int) -> None:
    notes: list[str] = []
    values = np.arange(20.0)
    made = assess([Predictor("a", "higher", values)], values >= 20 - few, 100, 1, notes)
    assert not len(made.validation) + len(made.model) + len(made.calibration) + len(made.decision)
    assert "in the smaller arm; 5 at least, and better 10 or more for each predictor" in "\n".join(notes)


@pytest.mark.parametrize("text", ["", "0.8", "1-0.8", "0.8-1.2", "auc:0.8-1", "0.8-0.9-1", "a-b", "0.8-0.8"])
def test_a_range_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="expected LOW-HIGH within 0 and 1"):
        read_range(text)
