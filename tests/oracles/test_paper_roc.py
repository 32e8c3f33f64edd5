"""ROC numbers that are printed in papers and can be recomputed from the counts that they print."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.stats.roc import roc


def repeated(counts: dict[str, dict[float, int]]) -> pd.DataFrame:
    """One row per participant from counts per group and value."""
    rows = [
        (group, value) for group, values in counts.items() for value, n in values.items() for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["group", "score"])


@pytest.fixture(scope="module")
def fasciculation():
    """Maximum fasciculation score on muscle ultrasound, ALS against non-ALS: the counts of Fig. 1A."""
    table = repeated({"ALS": {4: 71, 3: 8, 2: 9}, "non-ALS": {4: 5, 2: 21, 1: 10, 0: 18}})
    return roc(table, "group", "ALS", ["score"]).table.iloc[0]


def test_fasciculation_area_and_spss_interval(fasciculation):
    """AUC 0.925 (95 % CI 0.873–0.977), as printed (SPSS 23); to four digits 0.9249."""
    assert (fasciculation["n_positive"], fasciculation["n_negative"]) == (88, 54)
    assert round(fasciculation["auc"], 4) == 0.9249
    assert round(fasciculation["ci_low"], 3) == 0.873
    assert round(fasciculation["ci_high"], 3) == 0.977


def test_fasciculation_delong_interval_is_a_little_narrower(fasciculation):
    assert round(fasciculation["delong_low"], 3) == 0.877
    assert round(fasciculation["delong_high"], 3) == 0.973


def test_fasciculation_cutoff(fasciculation):
    """Cut-off 2.5 with sensitivity 89.8 % and specificity 90.7 %, as printed."""
    assert fasciculation["cutoff"] == 2.5
    assert round(100 * fasciculation["sensitivity"], 1) == 89.8
    assert round(100 * fasciculation["specificity"], 1) == 90.7


def test_hanley_mcneil_ct_ratings():
    """Hanley & McNeil 1982, Table I: CT ratings 1–5 of 58 normal and 51 abnormal; W = 0.893, SE = 0.032."""
    table = repeated(
        {
            "normal": {1: 33, 2: 6, 3: 6, 4: 11, 5: 2},
            "abnormal": {1: 3, 2: 2, 3: 2, 4: 11, 5: 33},
        }
    )
    row = roc(table, "group", "abnormal", ["score"]).table.iloc[0]
    assert round(row["auc"], 3) == 0.893
    assert round(row["se"], 3) == 0.032


# Ovarian cancer, 43 patients (DeLong, DeLong & Clarke-Pearson 1988), as listed in the SAS/STAT User's Guide,
# PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves": albumin, total protein, total score
# (the K-G score is 10 minus it), outcome of surgery.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


@pytest.fixture(scope="module")
def ovarian():
    values = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    table = pd.DataFrame(values, columns=["albumin", "protein", "score", "outcome"])
    # The K-G score falls as the total score rises: the total score is positive where it is low.
    return roc(table, "outcome", 1, ["albumin", "protein", "score"], lower_is_positive=["score"])


@pytest.mark.parametrize(
    ("predictor", "auc", "low", "high"),
    [
        ("albumin", 0.7366, 0.5549, 0.9182),
        ("protein", 0.6478, 0.4518, 0.8439),
        ("score", 0.7258, 0.5243, 0.9273),
    ],
)
def test_delong_intervals_as_sas(ovarian, predictor, auc, low, high):
    row = ovarian.table.set_index("predictor").loc[predictor]
    assert round(row["auc"], 4) == auc
    assert round(row["delong_low"], 4) == low
    assert round(row["delong_high"], 4) == high


@pytest.mark.parametrize(
    ("predictor", "difference", "se", "low", "high", "chi_square", "p"),
    [
        ("albumin", 0.0108, 0.0953, -0.1761, 0.1976, 0.0127, 0.9102),
        ("protein", -0.0780, 0.1046, -0.2830, 0.1271, 0.5554, 0.4561),
    ],
)
def test_delong_test_against_the_kg_score_as_sas(
    ovarian, predictor, difference, se, low, high, chi_square, p
):
    row = ovarian.delong.set_index(["predictor_a", "predictor_b"]).loc[(predictor, "score")]
    assert round(row["difference"], 4) == difference
    assert round(row["se"], 4) == se
    assert round(row["ci_low"], 4) == low
    assert round(row["ci_high"], 4) == high
    assert round(row["z"] ** 2, 4) == chi_square
    assert round(row["p"], 4) == p
