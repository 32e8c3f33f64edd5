"""Sizes for the next study: the spread by NumPy and R's lmerTest, the sizes by statsmodels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats import power
from mriparaspinal.stats.contrasts import resolve
from mriparaspinal.stats.planning import CURVE_COLUMNS, GIVEN_COLUMNS, PLAN_COLUMNS, plan, plan_given
from mriparaspinal.stats.power import Target

HERE = Path(__file__).parent / "r"
END = "end of its interval nearer to zero"


def plain(a: list[float], b: list[float]) -> pd.DataFrame:
    """A table with one row per participant."""
    values = [*a, *b]
    groups = ["A"] * len(a) + ["B"] * len(b)
    ids = [f"P_{n}" for n in range(len(values))]
    return pd.DataFrame(
        {"participant_id": ids, "group": groups, "x": values, "segment": "", "muscle": "", "role": ""}
    )


def sided(n: int, seed: int, shift: float = 0.5) -> pd.DataFrame:
    """Both sides of a group, one muscle at one segment."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 1, n)
    rows = [
        (f"A_{i}", "A", "L4", "MF", side, role, own[i] + rng.normal(mean, 0.7))
        for i in range(n)
        for side, role, mean in (("left", "symptomatic", shift), ("right", "contralateral", 0.0))
    ]
    return pd.DataFrame(rows, columns=["participant_id", "group", "segment", "muscle", "side", "role", "fi"])


def planned(cohort: pd.DataFrame, contrast: str, metric: str, target: Target, roles=("symptomatic",)):
    return plan(cohort, [resolve(contrast, cohort)], [metric], roles, target)


@pytest.mark.parametrize("seed", range(30))
def test_two_arms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(rng.uniform(0, 2), 1, rng.integers(4, 20)).round(1)
    b = rng.normal(0, rng.uniform(0.5, 2), rng.integers(4, 20)).round(1)
    target = Target(power=0.9, tests=int(rng.integers(1, 16)), ratio=float(rng.choice([0.5, 1, 2])))
    table, curve, notes = planned(plain(list(a), list(b)), "group:A-B", "x", target, ())
    assert list(table) == PLAN_COLUMNS
    assert list(curve) == CURVE_COLUMNS
    assert any("poor guide" in note for note in notes)
    rows = table.set_index(["assumed", "test"])
    welch = rows.loc[("observed", "welch_t")]
    assert welch["difference"] == pytest.approx(a.mean() - b.mean())
    assert (welch["sd_a"], welch["sd_b"]) == pytest.approx((a.std(ddof=1), b.std(ddof=1)))
    low, high = CompareMeans(DescrStatsW(a), DescrStatsW(b)).tconfint_diff(usevar="unequal")
    end = rows.loc[(END, "welch_t")]
    if low < 0 < high:
        assert math.isnan(end["difference"])
        assert end["needed_a"] is pd.NA
    else:
        assert end["difference"] == pytest.approx(min(low, high, key=abs))
    u = sum((x > y) + (x == y) / 2 for x in a for y in b) / (a.size * b.size)
    assert rows.loc[("observed", "mann_whitney_u"), "effect_size"] == pytest.approx(u)
    assert rows.loc[("observed", "auc"), "effect_size"] == pytest.approx(max(u, 1 - u))
    level = 0.05 / target.tests
    for name, row in rows[rows["needed_a"].notna()].iterrows():
        sizes = [(n, max(2, math.ceil(n * target.ratio))) for n in (row["needed_a"], row["needed_a"] - 1)]
        reached = {
            "welch_t": lambda n, m, d=row["difference"]: power.welch_power(
                d, a.std(ddof=1), b.std(ddof=1), n, m, level
            ),
            "mann_whitney_u": lambda n, m, s=row["effect_size"]: power.mann_whitney_power(s, n, m, level),
            "auc": lambda n, m, s=row["effect_size"]: power.auc_power(s, 0.5, n, m, level),
        }[name[1]]
        assert row["needed_b"] == sizes[0][1]
        assert reached(*sizes[0]) == pytest.approx(row["power_reached"])
        assert reached(*sizes[0]) >= 0.9
        assert sizes[1][0] < 2 or reached(*sizes[1]) < 0.9
    for row in curve.query("assumed == 'observed' and test == 'welch_t'").itertuples():
        assert row.power == pytest.approx(
            power.welch_power(welch["difference"], a.std(ddof=1), b.std(ddof=1), row.n_a, row.n_b, level)
        )


@pytest.mark.parametrize("seed", range(20))
def test_two_sides(seed: int) -> None:
    cohort = sided(6 + seed, seed)
    table, curve, _ = planned(cohort, "side:A", "fi", Target())
    x, y = (cohort[cohort["role"] == role]["fi"].to_numpy() for role in ("symptomatic", "contralateral"))
    rows = table.set_index(["assumed", "test"])
    row = rows.loc[("observed", "paired_t")]
    assert row["correlation"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert row["sd_difference"] == pytest.approx((x - y).std(ddof=1))
    dz = (x - y).mean() / (x - y).std(ddof=1)
    assert row["effect_size"] == pytest.approx(dz)
    assert row["needed_a"] == max(2, math.ceil(TTestPower().solve_power(abs(dz), alpha=0.05, power=0.8)))
    assert row["needed_b"] is pd.NA
    wilcoxon = rows.loc[("observed", "wilcoxon")]
    assert wilcoxon["needed_a"] >= row["needed_a"]
    assert wilcoxon["needed_a"] == pytest.approx(row["needed_a"] * math.pi / 3, abs=1.1)
    low, high = stats.ttest_rel(x, y).confidence_interval()
    end = rows.loc[(END, "paired_t"), "difference"]
    assert (math.isnan(end) and low < 0 < high) or end == pytest.approx(min(low, high, key=abs))
    assert set(curve["test"]) == {"paired_t", "wilcoxon"}


def test_the_mixed_model_against_lmertest() -> None:
    """Its variance components, and that its F test is the t-test of the participants' means."""
    tables, answers = (pd.read_csv(HERE / name) for name in ("plan_tables.csv", "plan.csv"))
    seen = 0
    for number, data in tables.groupby("table"):
        oracle = answers.set_index("table").loc[number]
        if oracle["sd_participant"] < 1e-3:
            continue  # at the boundary R leaves the intercept out
        cohort = data.assign(muscle="MF", role="symptomatic", side="left").drop(columns="table")
        table, _, _ = planned(cohort, "group:A-B", "fi", Target(difference=1.0))
        (row,) = table[table["test"] == "mixed_model"].to_dict("records")
        assert row["levels"] == data["segment"].nunique()
        assert row["sd_participant"] == pytest.approx(oracle["sd_participant"], rel=1e-4)
        assert row["sd_residual"] == pytest.approx(oracle["sd_residual"], rel=1e-4)
        means = data.groupby(["group", "participant_id"])["fi"].mean()
        test = stats.ttest_ind(means["A"], means["B"])
        assert test.pvalue == pytest.approx(oracle["p"], abs=1e-5)
        assert test.df == pytest.approx(oracle["df"], abs=1e-2)
        spread = math.sqrt(row["sd_participant"] ** 2 + row["sd_residual"] ** 2 / row["levels"])
        assert row["effect_size"] == pytest.approx(1.0 / spread)
        assert row["power_simulated"] == pytest.approx(row["power_reached"], abs=0.045)
        seen += 1
    assert seen >= 30


def test_participants_without_all_segments_are_told() -> None:
    """The mixed model's sizes are those of complete data; who has gaps is left out, and that is said."""
    tables = pd.read_csv(HERE / "plan_tables.csv")
    data = tables[tables["table"] == tables["table"].max()].drop(columns="table")
    data = data.assign(muscle="MF", role="symptomatic", side="left")
    who = data["participant_id"].iloc[0]
    gap = data.drop(index=data.index[data["participant_id"] == who][0])
    table, _, notes = planned(gap, "group:A-B", "fi", Target(difference=1.0))
    (told,) = (note for note in notes if "mixed_model" in note)
    assert "MF fi symptomatic: mixed_model: 1 participant without a value at each segment left out" in told
    without, _, silent = planned(
        data[data["participant_id"] != who], "group:A-B", "fi", Target(difference=1.0)
    )
    assert not [note for note in silent if "mixed_model" in note]
    one, other = (t[t["test"] == "mixed_model"]["sd_participant"].iloc[0] for t in (table, without))
    assert one == pytest.approx(other)


def test_a_difference_that_is_given_counts_alone() -> None:
    cohort = plain([1, 2, 3, 4], [2, 3, 5, 9])
    for target, difference in ((Target(difference=3), 3.0), (Target(effect_size=0.5), None)):
        table, _, notes = planned(cohort, "group:A-B", "x", target, ())
        assert set(table["assumed"]) == {"given"}
        assert notes == []
        row = table.set_index("test").loc["welch_t"]
        unit = math.sqrt((row["sd_a"] ** 2 + row["sd_b"] ** 2) / 2)
        assert row["difference"] == pytest.approx(difference or 0.5 * unit)
        share = stats.norm.cdf(row["difference"] / math.sqrt(row["sd_a"] ** 2 + row["sd_b"] ** 2))
        assert table.set_index("test").loc["mann_whitney_u", "effect_size"] == pytest.approx(share)


def test_what_cannot_be_planned_is_an_empty_cell_and_a_note() -> None:
    table, _, notes = planned(plain([1, 2, 3], [1, 2, 3]), "group:A-B", "x", Target(), ())
    assert table["needed_a"].isna().all()
    assert "no size in 3 of 6 rows: more than 100,000 would be needed" in notes
    assert any("holds zero" in note for note in notes)
    table, _, notes = planned(
        plain([1, 2, math.nan], [5, math.nan, math.nan]), "group:A-B", "x", Target(), ()
    )
    assert table.empty
    assert notes == ["group:A-B: no two values in each arm, or all are equal: nothing to plan from"]
    table, _, notes = planned(plain([1, 1, 1], [2, 2, 2]), "group:A-B", "x", Target(), ())
    assert table.empty
    assert len(notes) == 1


def test_the_order_of_the_rows_changes_nothing() -> None:
    cohort = sided(9, 4)
    first, second = (planned(rows, "side:A", "fi", Target())[0] for rows in (cohort, cohort[::-1]))
    pd.testing.assert_frame_equal(first, second)


def test_icc_and_auc() -> None:
    target = Target(icc=0.75, icc_null=0.5, icc_width=0.2, raters=3, auc=0.8, auc_width=0.2, ratio=2)
    found = plan_given(target)
    assert list(found) == GIVEN_COLUMNS
    by_aim = found.set_index(["measure", "aim"])["needed_a"]
    assert by_aim[("icc", "width")] == 52  # presize::prec_icc(0.75, 3, conf.width = 0.2)
    assert by_aim[("icc", "power")] == pytest.approx(24, abs=1)  # ICC.Sample.Size, which approximates
    n = by_aim[("auc", "width")]
    assert power.auc_width(0.8, n, 2 * n) <= 0.2 < power.auc_width(0.8, n - 1, 2 * (n - 1))
    n = by_aim[("auc", "power")]
    assert (
        power.auc_power(0.8, 0.5, n, 2 * n, 0.05) >= 0.8 > power.auc_power(0.8, 0.5, n - 1, 2 * n - 2, 0.05)
    )
    assert plan_given(Target()).empty


BAD = {
    "power of 1": ({"power": 1}, "power: 1 was found; expected a number between 0 and 1"),
    "power below alpha": ({"power": 0.04}, "power: 0.04 was found; expected more than alpha"),
    "alpha": ({"alpha": 0}, "alpha: 0 was found; expected a number between 0 and 1"),
    "tests": ({"tests": 0}, "tests: 0 was found; expected 1 or more"),
    "ratio": ({"ratio": 0}, "ratio: 0 was found"),
    "nan": ({"difference": math.nan}, "difference: nan was found; expected a number other than 0"),
    "no difference": ({"difference": 0}, "difference: 0 was found"),
    "both": ({"difference": 1, "effect_size": 1}, "difference and effect_size were both given"),
    "icc": ({"icc": 1.2, "icc_width": 0.1}, "icc: 1.2 was found"),
    "icc alone": ({"icc": 0.9}, "icc: given alone; expected icc_null or icc_width with it"),
    "icc below its null": ({"icc": 0.6, "icc_null": 0.7}, "icc_null: 0.7 was found"),
    "raters": ({"icc": 0.6, "icc_null": 0.1, "raters": 1}, "raters: 1 was found; expected 2 or more"),
    "auc": ({"auc": 0.4}, "auc: 0.4 was found; expected more than 0.5"),
    "auc below its null": ({"auc": 0.6, "auc_null": 0.7}, "auc_null: 0.7 was found"),
    "width without auc": ({"auc_width": 0.1}, "auc_width: given alone; expected auc with it"),
}


@pytest.mark.parametrize("name", BAD)
def test_targets_that_cannot_be_met(name: str) -> None:
    given, words = BAD[name]
    with pytest.raises(UsageError, match="^" + words.replace("(", r"\(")):
        plan_given(Target(**given))


def test_one_difference_is_for_one_metric() -> None:
    cohort = plain([1, 2, 3], [3, 4, 6]).assign(y=[1, 2, 4, 3, 5, 9])
    with pytest.raises(UsageError, match="difference: a difference for 2 metrics; expected one"):
        plan(cohort, [resolve("group:A-B", cohort)], ["x", "y"], (), Target(difference=1))
