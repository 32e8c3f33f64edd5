"""The numbers of the page on raters and clusters."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mriparaspinal.stats.agreement_coefficients import UNWEIGHTED, coefficients, cohen
from mriparaspinal.stats.bland_altman import repeated_limits
from mriparaspinal.stats.bootstrap import clusters_of
from mriparaspinal.stats.ratings import RATING_COLUMNS, rating_agreement
from tests.docs.test_site import script
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


def test_the_simulation_says_what_the_page_says():
    with (Path(__file__).resolve().parents[2] / "docs" / "simulation" / "clusters.csv").open() as file:
        rows = list(csv.DictReader(file))

    def shares(what, column="by_patient", setting=""):
        chosen = [row for row in rows if row["what"] == what and setting in row["setting"]]
        assert {row["patients"] for row in chosen} == {"8", "20", "40"}
        return [float(row[column]) for row in chosen]

    def percent(values):
        return [f"{100 * value:.0f} %" for value in values]

    def range_of(values):
        return percent([min(values), max(values)])

    assert percent(shares("interval of ICC(A,1)", setting="0.66")) == ["95 %", "94 %", "94 %"]
    assert range_of(shares("interval of ICC(A,1)", "as_independent", "0.66")) == ["76 %", "83 %"]
    assert percent(shares("interval of Cohen's κ")) == ["93 %", "95 %", "95 %"]
    assert range_of(shares("interval of Cohen's κ", "as_independent")) == ["76 %", "78 %"]
    assert percent(shares("interval of Gwet's AC2")) == ["90 %", "92 %", "95 %"]
    assert range_of(shares("interval of Gwet's AC2", "as_independent")) == ["77 %", "80 %"]
    limits = "interval of a limit of agreement"
    assert range_of(shares(limits)) == ["95 %", "97 %"]
    assert range_of(shares(limits, "as_independent")) == ["65 %", "67 %"]
    errors = "type-I error of correlate and regress"
    assert 0.05 < min(shares(errors)) < max(shares(errors)) < 0.06
    assert percent(shares(errors, "as_independent")) == ["13 %", "13 %", "14 %"]
    assert percent(shares("interval of r")) == ["95 %", "94 %", "94 %"]


def test_the_simulation_is_the_same_each_time():
    simulation = script("simulation_clusters")
    assert list(simulation.limits(replications=4)) == list(simulation.limits(replications=4))
    assert list(simulation.slopes(replications=8)) == list(simulation.slopes(replications=8))
    assert [row.patients for row in simulation.grades(replications=1)] == [8, 8, 20, 20, 40, 40]
