"""Ren et al. 2026, Table 4: p from r, controlling for age and BMI, with the degrees of freedom they imply."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.stats.correlate import correlate, p_from_r

PAPER = Path(__file__).parents[3] / "shared" / "papers" / "001-paraspinal-mri-als-lr.txt"
#: With two covariates n = df + 4: 36 patients at L1, 37 at L2 to L5.
DF = {"L1": 32, "L2": 33, "L3": 33, "L4": 33, "L5": 33}
CELL = re.compile(r"r = (-?\d\.\d+), p = (\d\.\d+)")
HALF = 0.0005  # r and p are printed to three decimals


@pytest.fixture(scope="module")
def printed():
    """(segment, muscle, metric) → (r, p) as printed."""
    if not PAPER.exists():
        pytest.skip("the paper's text is not here")
    lines = PAPER.read_text(encoding="utf-8").split("TABLE 4 ", 1)[1].splitlines()
    found, segment = {}, ""
    for line in lines:
        first, *cells = line.strip().split("\t")
        if first in DF:
            segment = first
        elif first in ("MF", "ES", "PM"):
            for metric, cell in zip(("fi", "rcsa"), cells, strict=True):
                r, p = CELL.search(cell).groups()
                found[segment, first, metric] = (float(r), float(p))
        elif first.startswith("ALS-FRS"):
            break
    return found


def p_range(r, df):
    """The p that the r behind a printed one can have."""
    return p_from_r(np.sign(r) * (abs(r) + HALF), df), p_from_r(np.sign(r) * (abs(r) - HALF), df)


def agrees(r, p, df):
    low, high = p_range(r, df)
    return low <= p + HALF and p - HALF <= high


def test_the_table_was_read(printed):
    assert len(printed) == 30
    assert printed["L1", "MF", "fi"] == (-0.393, 0.021)
    assert printed["L5", "PM", "rcsa"] == (0.389, 0.201)


def test_28_of_30_p_values_follow_from_r(printed):
    differ = {key for key, (r, p) in printed.items() if not agrees(r, p, DF[key[0]])}
    assert differ == {("L5", "MF", "rcsa"), ("L5", "PM", "rcsa")}


def test_no_other_degrees_of_freedom_fit(printed):
    for (segment, *_), (r, p) in printed.items():
        for other in {*range(28, 38)} - {DF[segment]}:
            assert not agrees(r, p, other)


@pytest.mark.parametrize(("key", "p"), [("MF", 0.048), ("PM", 0.021)])
def test_the_two_others(printed, key, p):
    """What the two r of L5 that disagree with their p (0.147, 0.201) give with the df of the other rows.

    (Student's t of r, by hand: t = 2.056 and 2.426 on 33 degrees of freedom.)
    """
    r, printed_p = printed["L5", key, "rcsa"]
    assert p_from_r(r, 33) == pytest.approx(p, abs=HALF)
    assert printed_p > 0.1


def test_a_cohort_of_that_size_has_these_degrees_of_freedom():
    rng = np.random.default_rng(0)
    sizes = {"L1": 36, "L3": 37}
    cohort = pd.DataFrame(
        [
            {"participant_id": f"ALS_{i}", "segment": segment, "muscle": "MF", "role": "symptomatic"}
            for segment, n in sizes.items()
            for i in range(n)
        ]
    )
    for column in ("fi", "rcsa", "alsfrs_lower", "age", "bmi"):
        cohort[column] = rng.random(len(cohort))
    found, _ = correlate(cohort, ["alsfrs_lower"], ["age", "bmi"])
    assert [(row.segment, row.df) for row in found.itertuples()] == [
        (segment, DF[segment]) for segment in sizes for _ in ("fi", "rcsa")
    ]
