"""Agreement on grades against R (psych, Gwet's formulas), statsmodels, and printed examples."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from mriparaspinal.stats.agreement_coefficients import (
    COHEN,
    CONGER,
    FLEISS,
    GWET,
    LINEAR,
    PERCENT,
    QUADRATIC,
    UNWEIGHTED,
    coefficients,
    cohen,
    cross_table,
    weight_matrix,
)
from mriparaspinal.stats.bootstrap import clusters_of
from tests.stats.r.ratings_tables import TABLES, tables

OF_R = Path(__file__).parent / "r" / "ratings.csv"
NUMBERS = ("value", "se", "ci_low", "ci_high")
KINDS = (UNWEIGHTED, LINEAR, QUADRATIC)

# Gwet 2014, four raters: irrCAC prints its coefficients and standard errors.
FOUR_RATERS = np.array(
    [
        [0, 0, -1, 0], [1, 1, 2, 1], [2, 2, 2, 2], [2, 2, 2, 2], [1, 1, 1, 1], [0, 1, 2, 3], [3, 3, 3, 3],
        [0, 0, 1, 0], [1, 1, 1, 1], [-1, 4, 4, 4], [-1, -1, 0, 0], [-1, -1, 2, -1],
    ]
)  # fmt: skip


def all_of(codes, levels, kind):
    return {one.name: one for one in (*coefficients(codes, levels, kind), cohen(codes[:, :2], levels, kind))}


def test_every_coefficient_is_that_of_r():
    """220 tables: tiny, constant, missing grades, levels that nobody used, one rater who always says 0."""
    with OF_R.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {
        (str(number), kind, name): one
        for number, (levels, codes) in enumerate(tables())
        for kind in KINDS
        for name, one in all_of(codes, levels, kind).items()
    }
    assert len({row["table"] for row in rows}) == TABLES >= 200
    compared = 0
    for row in rows:
        one = found[row["table"], row["weights"], row["name"]]
        row |= bounded(row)
        for name in NUMBERS:
            ours = getattr(one, name)
            if row[name] == "":
                assert ours is None, (row, name)
                continue
            # The root of a variance that is rounding only is as large as 1e-8.
            assert ours == pytest.approx(float(row[name]), rel=1e-6, abs=1e-7), (row, name)
            compared += 1
    assert compared > 8000


def bounded(row):
    """The interval within what the coefficient can be; none of targets that all agree alike."""
    if not row["ci_low"]:
        return {}
    if float(row["se"]) < 1e-7:
        return {"ci_low": "", "ci_high": ""}
    least = 0 if row["name"] == PERCENT else -1
    return {"ci_low": str(max(float(row["ci_low"]), least)), "ci_high": str(min(float(row["ci_high"]), 1))}


def test_an_interval_stays_within_what_agreement_can_be():
    """Two of six targets: 1/3 ± t(0.975, 5)·√(8/36/5), as irrCAC has it, would begin below 0."""
    codes = np.array([[0, 0], [1, 1], [0, 1], [1, 0], [2, 0], [0, 2]])
    one = all_of(codes, 3, UNWEIGHTED)[PERCENT]
    half = 2.5705818 * math.sqrt(2 / 9 / 5)
    assert (one.value, one.ci_low) == (pytest.approx(1 / 3), 0)
    assert one.ci_high == pytest.approx(1 / 3 + half)


def test_targets_that_all_agree_alike_give_no_interval():
    """A standard error of 0 would make an interval of 1 to 1 of three targets."""
    codes = np.array([[0, 0], [1, 1], [2, 2]])
    for one in all_of(codes, 3, UNWEIGHTED).values():
        assert (one.value, one.se, one.ci_low, one.ci_high) == (1, pytest.approx(0, abs=1e-12), None, None)
    by_three = all_of(np.repeat(codes, 2, axis=0), 3, UNWEIGHTED)
    clusters = clusters_of(["p1", "p1", "p2", "p2", "p3", "p3"])
    for one in coefficients(np.repeat(codes, 2, axis=0), 3, UNWEIGHTED, clusters):
        assert (one.ci_low_bootstrap, one.ci_high_bootstrap) == (None, None)
        assert one.value == by_three[one.name].value


@pytest.mark.parametrize(
    ("name", "value", "se"),
    [
        (PERCENT, 0.81818, 0.12561),
        (GWET, 0.77544, 0.14295),
        (FLEISS, 0.76117, 0.15302),
        (CONGER, 0.76282, 0.14917),
    ],
)
def test_gwets_own_example(name, value, se):
    one = all_of(FOUR_RATERS, 5, UNWEIGHTED)[name]
    assert (round(one.value, 5), round(one.se, 5)) == (value, se)


def test_cohen_as_fleiss_cohen_and_everitt_print_it():
    """Psychol Bull 1969;72:323–327: 200 patients, κ = .429 with variance .002885."""
    table = np.array([[106, 10, 4], [22, 28, 10], [2, 12, 6]])
    codes = np.array([(i, j) for (i, j), count in np.ndenumerate(table) for _ in range(count)])
    one = cohen(codes, 3, UNWEIGHTED)
    assert round(one.value, 3) == 0.429
    assert one.se**2 == pytest.approx(0.002885, abs=5e-7)
    assert cross_table(codes, 3).tolist() == table.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_cohen_is_that_of_statsmodels(kind):
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 60)
    codes = np.column_stack([truth, np.where(rng.random(60) < 0.6, truth, rng.integers(0, 4, 60))])
    theirs = cohens_kappa(cross_table(codes, 4), wt=None if kind == UNWEIGHTED else kind)
    one = cohen(codes, 4, kind)
    assert (one.value, one.se) == pytest.approx((theirs.kappa, theirs.std_kappa), rel=1e-9)


def test_fleiss_is_that_of_statsmodels():
    codes = np.random.default_rng(5).integers(0, 3, (30, 4))
    one = all_of(codes, 3, UNWEIGHTED)[FLEISS]
    assert one.value == pytest.approx(fleiss_kappa(aggregate_raters(codes)[0]), rel=1e-12)


def test_weights_are_by_place():
    assert weight_matrix(3, LINEAR).tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    assert weight_matrix(2, QUADRATIC).tolist() == [[1, 0], [0, 1]]
    assert weight_matrix(1, LINEAR).tolist() == [[1]]


def test_one_grade_only_leaves_the_kappas_empty():
    found = all_of(np.zeros((6, 3), dtype=int), 3, UNWEIGHTED)
    assert [found[name].value for name in (CONGER, FLEISS, COHEN)] == [None] * 3
    assert (found[PERCENT].value, found[GWET].value, found[GWET].se) == (1, 1, 0)
    assert GWET not in all_of(np.zeros((6, 3), dtype=int), 1, UNWEIGHTED)


def test_nothing_rated_twice():
    codes = np.array([[0, -1], [-1, 1], [-1, -1]])
    assert {(one.n, one.value) for one in all_of(codes, 2, UNWEIGHTED).values()} == {(0, None)}


# --- targets that share a participant -----------------------------------------------------------------------


def graded(seed=1, participants=12, each=4):
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.integers(0, 3, participants), each)
    codes = np.where(rng.random((len(truth), 3)) < 0.7, truth[:, None], rng.integers(0, 3, (len(truth), 3)))
    codes[rng.random(codes.shape) < 0.1] = -1
    return codes, np.repeat([f"p{i}" for i in range(participants)], each)


def test_the_bootstrap_is_that_of_tables_that_are_drawn():
    """The same quantiles as of coefficients of the tables written out, by NumPy's own loop."""
    codes, ids = graded()
    clusters = clusters_of(ids)
    rng = np.random.default_rng(99)
    drawn = rng.integers(0, 12, size=(300, 12))
    rows = [np.concatenate([np.flatnonzero(ids == f"p{who}") for who in whom]) for whom in drawn]
    values = {
        name: [all_of(codes[chosen], 3, QUADRATIC)[name].value for chosen in rows]
        for name in (PERCENT, CONGER, FLEISS, GWET)
    }
    ours = {one.name: one for one in coefficients(codes, 3, QUADRATIC, clusters)}
    for name, samples in values.items():
        # 2000 other draws: the same spread within what 300 draws tell.
        spread = (ours[name].ci_high_bootstrap - ours[name].ci_low_bootstrap) / 2
        expected = np.std(samples) * 2.201 * math.sqrt(12 / 11)  # t with 11 degrees of freedom
        assert spread == pytest.approx(expected, rel=0.15)


def test_the_interval_does_not_depend_on_the_order_of_rows():
    codes, ids = graded()
    order = np.random.default_rng(2).permutation(len(ids))
    one = cohen(codes[:, :2], 3, LINEAR, clusters_of(ids))
    other = cohen(codes[order][:, :2], 3, LINEAR, clusters_of(ids[order]))
    assert one.ci_low_bootstrap == pytest.approx(other.ci_low_bootstrap, rel=1e-12)
    assert one.ci_low_bootstrap < one.value < one.ci_high_bootstrap


def test_no_bootstrap_where_nobody_has_two_targets():
    codes, _ = graded()
    found = coefficients(codes, 3, LINEAR, clusters_of(np.arange(len(codes))))
    assert {one.ci_low_bootstrap for one in found} == {None}
