"""Differences, paired effects, equivalence, interaction and max-T against R on random tables (r/units.R)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.stats.arms import compare_arms, compare_pairs, pair_differences
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import resolve
from mriparaspinal.stats.effect_sizes import hedges_g_z, matched_rank_biserial
from mriparaspinal.stats.equivalence import equivalence, paired_equivalence
from mriparaspinal.stats.max_t import max_t, max_t_paired
from mriparaspinal.stats.shift import Shift, hodges_lehmann, pseudo_median
from tests.stats.r.units_tables import Cohort, Table, cohorts, tables

FOLDER = Path(__file__).with_name("r")
ANSWERS = pd.read_csv(FOLDER / "units.csv").set_index("table")
TABLES = [table for number, table in enumerate(tables()) if number in ANSWERS.index]
ROWS = list(zip(TABLES, ANSWERS.to_dict("records"), strict=True))


def finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def expect(found: tuple[float, ...], row: dict[str, float], names: str, unit: float = 1.0) -> None:
    """Numbers as R's columns of these names have them, to 1e-6 of the unit; what R has not is NaN."""
    assert found == pytest.approx(tuple(row[name] for name in names.split()), abs=1e-6 * unit, nan_ok=True)


def test_there_are_enough_tables_of_each_kind() -> None:
    assert len(ROWS) >= 200
    for column in ANSWERS:
        assert ANSWERS[column].notna().sum() > 90, column
    assert (ANSWERS.shift_low.isna() & ANSWERS.shift_estimate.notna()).sum() > 5


@pytest.mark.parametrize("level", [95, 90])
def test_hodges_lehmann(level: int) -> None:
    end = "" if level == 95 else "90"
    for table, row in ROWS:
        a, b = finite(table.a), finite(table.b)
        found = hodges_lehmann(a, b, level / 100)
        names = f"shift_estimate shift_low{end} shift_high{end}"
        expect((found.estimate, found.low, found.high), row, names, np.ptp([*a, *b]))
        back = hodges_lehmann(b, a, level / 100)
        assert (-back.estimate, -back.high, -back.low) == pytest.approx(
            (found.estimate, found.low, found.high), abs=1e-12 * max(abs(a).max(), 1), nan_ok=True
        )


@pytest.mark.parametrize("level", [95, 90])
def test_pseudo_median(level: int) -> None:
    end = "" if level == 95 else "90"
    for table, row in ROWS:
        differences, size = pair_differences(*table.pairs)
        found = pseudo_median(differences, level / 100)
        expect(
            (found.estimate, found.low, found.high),
            row, f"pseudo_estimate pseudo_low{end} pseudo_high{end}", size,
        )  # fmt: skip


def test_differences_of_the_chosen_tests() -> None:
    names = {"student_t": "student", "welch_t": "welch", "mann_whitney_u": "shift"}
    chosen = set()
    for table, row in ROWS:
        found = compare_arms(table.a, table.b)
        if not found.test:
            continue
        chosen.add(found.test)
        name = names[found.test]
        expect(
            (found.difference, found.difference_ci_low, found.difference_ci_high),
            row, f"{name}_estimate {name}_low {name}_high", np.ptp([*finite(table.a), *finite(table.b)]),
        )  # fmt: skip
        kind = "hodges_lehmann" if name == "shift" else "mean_difference"
        assert found.difference_kind == kind
    assert chosen == set(names)


def test_differences_and_effects_of_pairs() -> None:
    chosen = set()
    for table, row in ROWS:
        found = compare_pairs(*table.pairs)
        differences, size = pair_differences(*table.pairs)
        assert found.n == differences.size
        if not found.test:
            continue
        chosen.add(found.test)
        shift, effect = ("paired", "g_z") if found.test == "paired_t" else ("pseudo", "biserial")
        found_shift = (found.difference, found.difference_ci_low, found.difference_ci_high)
        expect(found_shift, row, f"{shift}_estimate {shift}_low {shift}_high", size)
        assert found.effect == ("hedges_g_z" if effect == "g_z" else "matched_rank_biserial")
        if not math.isnan(row[f"{effect}_low"]):
            sizes = (found.effect_size, found.effect_ci_low, found.effect_ci_high)
            expect(sizes, row, f"{effect}_estimate {effect}_low {effect}_high")
    assert chosen == {"paired_t", "wilcoxon"}


def test_paired_effects() -> None:
    for table, row in ROWS:
        differences, _ = pair_differences(*table.pairs)
        if not math.isnan(row["g_z_estimate"]):
            expect(hedges_g_z(differences), row, "g_z_estimate g_z_low g_z_high")
        if differences.any():
            found = matched_rank_biserial(differences)
            expect(found, row, "biserial_estimate biserial_low biserial_high")


@pytest.mark.parametrize(
    ("test", "name", "interval"),
    [("student_t", "tost_student", ""), ("welch_t", "tost_welch", ""),
     ("mann_whitney_u", "tost_mann_whitney", "shift_low90 shift_high90")],
)  # fmt: skip
def test_equivalence(test: str, name: str, interval: str) -> None:
    count = 0
    for table, row in ROWS:
        if math.isnan(row[name]) or (interval == "" and min(map(np.ptp, map(finite, table[:2]))) == 0):
            continue  # the t-tests are not chosen for constant arms
        count += 1
        found = equivalence(table.a, table.b, test, table.margin)
        expect((found.p,), row, name)
        if interval:
            unit = np.ptp([*finite(table.a), *finite(table.b)])
            expect((found.ci90_low, found.ci90_high), row, interval, unit)
        else:  # the 90 % interval lies within the margin where both tests reject at 5 %
            inside = -table.margin < found.ci90_low and found.ci90_high < table.margin
            assert inside == (found.p < 0.05)
    assert count >= 200


@pytest.mark.parametrize(("test", "name"), [("paired_t", "tost_paired_t"), ("wilcoxon", "tost_wilcoxon")])
def test_paired_equivalence(test: str, name: str) -> None:
    count = 0
    for table, row in ROWS:
        if math.isnan(row[name]) or (test == "paired_t" and np.ptp(pair_differences(*table.pairs)[0]) == 0):
            continue
        count += 1
        expect((paired_equivalence(*table.pairs, test, table.margin).p,), row, name)
    assert count >= 200


# --- interaction and max-T ----------------------------------------------------------------------------------

COHORTS = list(cohorts())


def study_of(cohort: Cohort) -> pd.DataFrame:
    """The rows of a cohort as ``assemble`` makes them, one segment per row."""
    lines = []
    roles = (("symptomatic", "left"), ("contralateral", "right"))
    for group, sides in (("A", cohort.sides_a), ("B", cohort.sides_b)):
        for (role, side), values in zip(roles, sides, strict=True):
            for (person, row), value in np.ndenumerate(values):
                lines.append((f"{group}_{person}", group, f"L{row + 1}", "MF", side, role, value))
    columns = ["participant_id", "group", "segment", "muscle", "side", "role", "fi"]
    return pd.DataFrame(lines, columns=columns)


def test_the_interaction_is_the_term_of_the_mixed_model() -> None:
    """Of complete pairs and Student's test: t² = F of side × group with a random intercept; p is the same."""
    answers = pd.read_csv(FOLDER / "units_interaction.csv").set_index("cohort")
    tests = []
    for number, row in answers.iterrows():
        study = study_of(COHORTS[number])
        table, _ = compare(study, [resolve("interaction:A-B", study)], ["fi"])
        found = table.iloc[0]
        tests.append(found.test)
        names = {"student_t": "p_student", "welch_t": "p_welch", "mann_whitney_u": "p_mann_whitney"}
        assert found.p == pytest.approx(row[names[found.test]], abs=1e-6)
        if found.test == "student_t":
            assert found.statistic**2 == pytest.approx(row.t2, rel=1e-6)
            if not math.isnan(row.f_mixed):  # no singular fit
                assert found.statistic**2 == pytest.approx(row.f_mixed, rel=1e-4)
                assert found.p == pytest.approx(row.p_mixed, abs=1e-5)
    assert tests.count("student_t") > 15
    assert "mann_whitney_u" in tests


def test_max_t_by_every_arrangement() -> None:
    answers = pd.read_csv(FOLDER / "units_max_t.csv")
    for number, rows in answers.groupby("cohort"):
        cohort = COHORTS[number]
        a, b = cohort.sides_a[0], cohort.sides_b[0]
        is_a = np.repeat([True, False], [len(a), len(b)])
        found = max_t(np.vstack([a, b]), is_a, cohort.ranked, 100_000, 1)
        assert found.complete
        known = ~np.isnan(found.p)
        assert found.p[known] == pytest.approx(rows.groups.to_numpy()[known], abs=1e-9)
        sides = rows.sides.notna().to_numpy()
        differences = (cohort.sides_a[0] - cohort.sides_a[1])[:, sides]
        flipped = max_t_paired(differences, cohort.ranked[sides], 100_000, 1)
        assert flipped.p == pytest.approx(rows.sides.to_numpy()[sides], abs=1e-9)


def test_random_permutations_come_near_all_of_them() -> None:
    cohort = next(c for c in COHORTS if c.sides_a[0].shape[0] + c.sides_b[0].shape[0] > 20)
    values = np.hstack([np.vstack([cohort.sides_a[k], cohort.sides_b[k]]) for k in (0, 1)])
    is_a = np.repeat([True, False], [len(cohort.sides_a[0]), len(cohort.sides_b[0])])
    ranked = np.array([False, False])
    found = max_t(values, is_a, ranked, 20_000, 1)
    assert not found.complete
    again = max_t(values[::-1], is_a[::-1], ranked, 20_000, 1)
    assert again.p.tolist() == found.p.tolist()
    other = max_t(values, is_a, ranked, 20_000, 2)
    assert other.p == pytest.approx(found.p, abs=0.02)
    # The row with the larger t of two has the p of a permutation test of the maximum: above its own p.
    own = [
        stats.permutation_test(
            (values[is_a, k], values[~is_a, k]),
            lambda x, y, axis: np.abs(stats.ttest_ind(x, y, equal_var=False, axis=axis).statistic),
            n_resamples=9999, vectorized=True, alternative="greater", rng=np.random.default_rng(5),
        ).pvalue
        for k in (0, 1)
    ]  # fmt: skip
    assert found.p.max() == pytest.approx(max(own), abs=0.02)
    assert min(own) - 0.02 < found.p.min() <= 2 * min(own) + 0.02


# --- large samples ------------------------------------------------------------------------------------------


def test_many_values_are_counted_not_listed() -> None:
    """Above a million differences: the same order statistics as all of them give, up to rounding."""
    rng = np.random.default_rng(3)
    a, b = np.round(rng.normal(size=1201), 3), rng.normal(size=1100)
    found = hodges_lehmann(a, b)
    every = np.sort(np.subtract.outer(a, b).ravel())
    ties = np.unique(a, return_counts=True)[1]
    m, n = a.size, b.size
    sigma = math.sqrt(m * n / 12 * (m + n + 1 - float(np.sum(ties**3 - ties)) / ((m + n) * (m + n - 1))))
    k = math.floor(m * n / 2 - 1.959963984540054 * sigma) + 1
    expected = (np.median(every), every[k - 1], every[-k])
    assert (found.estimate, found.low, found.high) == pytest.approx(expected, abs=1e-14)
    c = rng.normal(size=1500)
    first, second = np.triu_indices(c.size)
    walsh = np.sort((c[first] + c[second]) / 2)
    shift = pseudo_median(c)
    k = math.floor(walsh.size / 2 - 1.959963984540054 * math.sqrt(1500 * 1501 * 3001 / 24)) + 1
    expected = (np.median(walsh), walsh[k - 1], walsh[-k])
    assert (shift.estimate, shift.low, shift.high) == pytest.approx(expected, abs=1e-14)


def test_no_interval_where_there_are_too_few() -> None:
    """Three against three: even the widest interval of differences covers 90 % only."""
    a, b = np.array([1.0, 2.0, 4.0]), np.array([0.5, 3.0, 7.0])
    assert str(hodges_lehmann(a, b)) == str(Shift(-1.0))
    assert hodges_lehmann(a, b, 0.90) == Shift(-1.0, -6.0, 3.5)
    assert isinstance(TABLES[0], Table)
