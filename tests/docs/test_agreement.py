"""The numbers of the page on raters and clusters."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mriparaspinal.stats.agreement_coefficients import UNWEIGHTED, coefficients, cohen
from mriparaspinal.stats.bland_altman import repeated_limits
from mriparaspinal.stats.bootstrap import clusters_of
from mriparaspinal.stats.ratings import RATING_COLUMNS, rating_agreement
from tests.stats.test_agreement_coefficients import FOUR_RATERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "agreement.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


def test_gwets_example():
    found = {one.name: one for one in coefficients(FOUR_RATERS, 5, UNWEIGHTED)}
    assert (
        f"agreement {found['percent_agreement'].value:.3f}, Conger's κ {found['conger'].value:.3f}, "
        f"Fleiss' κ {found['fleiss'].value:.3f}, AC1 {found['gwet'].value:.3f} "
        f"(standard error {found['gwet'].se:.3f})"
    ) in WORDS


def test_the_example_of_1969():
    table = np.array([[106, 10, 4], [22, 28, 10], [2, 12, 6]])
    codes = np.array([(i, j) for (i, j), count in np.ndenumerate(table) for _ in range(count)])
    one = cohen(codes, 3, UNWEIGHTED)
    assert f"κ = {one.value:.3f}, variance {one.se**2:.6f}" in WORDS


def test_the_example_of_repeated_measures():
    found = repeated_limits(np.array([1.0, 3, 4, 6, 8, 8]), clusters_of([0, 0, 1, 1, 2, 2]))
    said = (
        f"within {found.variance_within:.3f}, between {found.variance_between:.3f}, bias 5, "
        f"limits −{-found.loa_low:.2f} and {found.loa_high:.2f}"
    )
    assert said in WORDS


def test_the_percentiles_of_eight_participants():
    tail = 100 * stats.norm.sf(stats.t.ppf(0.975, 7) * math.sqrt(8 / 7))
    assert f"the {tail:.1f}th and {100 - tail:.1f}th" in WORDS


@pytest.mark.parametrize(
    "name", [n for n in RATING_COLUMNS if n not in ("rater_a", "rater_b", "raters", "n", "value", "weights")]
)
def test_the_columns_are_spoken_of(name):
    assert f"`{name}`" in PAGE


def test_every_coefficient_is_spoken_of():
    import pandas as pd

    from mriparaspinal.stats.ratings import grades_of_tables

    table = pd.DataFrame({"target": [*"abc"], "x": [0, 1, 2], "y": [0, 2, 2], "z": [0, 1, 1]})
    found, _ = rating_agreement(grades_of_tables({"t.csv": table}))
    assert all(f"`{name}`" in PAGE for name in {*found["coefficient"], *found["weights"]})
