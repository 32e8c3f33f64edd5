"""Change between sessions: the page's example by hand, and what cannot be computed."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.change import change, ordered_sessions
from mriparaspinal.stats.change_model import change_model
from mriparaspinal.stats.change_tests import change_differences, change_tests, of_groups, slopes_of_groups

PAGE = Path(__file__).resolve().parents[2] / "docs" / "follow-up.md"


def cohort(
    values: dict[str, list[float]], months: tuple[float, ...] = (0, 6, 12), group: str = "ALS"
) -> pd.DataFrame:
    rows = [
        (who, group, "L3", "MF", "left", "symptomatic", f"v{k + 1}", months[k], value)
        for who, own in values.items()
        for k, value in enumerate(own)
    ]
    columns = ["participant_id", "group", "segment", "muscle", "side", "role", "session", "months", "fi"]
    return pd.DataFrame(rows, columns=columns)


def of(rows: pd.DataFrame, sessions: tuple[str, ...] = ("v1", "v2")):
    changes, own, notes = change(rows, ["fi"], sessions)
    tests = change_tests(changes, sessions, "lilliefors")
    return changes, own, tests, change_differences(changes, own, sessions, "lilliefors"), notes


def test_the_example_of_the_page():
    first, second = [0.30, 0.35, 0.28, 0.40], [0.34, 0.38, 0.33, 0.46]
    rows = cohort({f"ALS_{n + 1}": [a, b] for n, (a, b) in enumerate(zip(first, second, strict=True))})
    _, own, tests, *_ = of(rows)
    (row,) = tests.to_dict("records")
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    told = re.search(
        r"mean 0.045, SD (\S+)\. The interval is .*? = (\S+) to (\S+); SRM = (\S+) \(95 % interval (\S+) to "
        r"(\S+)\); t = (\S+) with 3 degrees of freedom, p = (\S+)\. With",
        text,
    )
    assert told
    names = ("sd_change", "ci_low", "ci_high", "srm", "srm_ci_low", "srm_ci_high", "statistic", "p")
    for name, number in zip(names, told.groups(), strict=True):
        assert row[name] == pytest.approx(float(number), abs=0.6 * 10 ** -len(number.partition(".")[2])), name
    assert row["test"] == "paired_t"
    assert row["change"] == pytest.approx(0.045)
    by_scipy = stats.ttest_rel(second, first)
    assert (row["statistic"], row["p"]) == pytest.approx((by_scipy.statistic, by_scipy.pvalue))
    # The interval of the SRM leaves 2.5 % of the noncentral t on either side.
    for limit, share in ((row["srm_ci_low"], 0.975), (row["srm_ci_high"], 0.025)):
        assert stats.nct.cdf(row["statistic"], 3, 2 * limit) == pytest.approx(share, abs=1e-6)
    assert slopes_of_groups(own)["slope_per_month"].iloc[0] == pytest.approx(0.0075)


def test_a_missed_session_leaves_the_others():
    rows = cohort(
        {"ALS_1": [0.1, 0.2, 0.3], "ALS_2": [math.nan, 0.3, 0.5], "ALS_3": [0.2, math.nan, math.nan]}
    )
    changes, own, tests, _, notes = of(rows, ("v1", "v2", "v3"))
    slopes = own.set_index("participant_id")
    assert slopes.loc["ALS_2", ["n", "months"]].tolist() == [2, 6.0]
    assert slopes.loc["ALS_2", "slope_per_month"] == pytest.approx(0.2 / 6)
    assert math.isnan(slopes.loc["ALS_3", "slope_per_month"])
    assert changes.loc[changes["participant_id"] == "ALS_2", "change"].isna().all()
    assert tests["n"].tolist() == [1, 1, 2]
    assert "session v1: missing of 1 of 3: ALS_2" in notes
    assert "slope_per_month: empty for ALS_3: months of fewer than two sessions" in notes


def test_changes_that_are_all_equal_have_no_response_mean():
    rows = cohort({f"ALS_{n}": [0.1 * n, 0.1 * n + 0.2] for n in range(1, 6)})
    (row,) = of(rows)[2].to_dict("records")
    assert row["change"] == pytest.approx(0.2)
    assert row["sd_change"] == 0
    assert math.isnan(row["srm"])
    assert row["test"] == "wilcoxon"


def test_nothing_changes_and_nothing_is_tested():
    rows = cohort({f"ALS_{n}": [0.1 * n, 0.1 * n] for n in range(1, 4)})
    (row,) = of(rows)[2].to_dict("records")
    assert (row["change"], row["test"]) == (0, "")
    assert math.isnan(row["p"])


def test_without_months_there_are_changes_and_no_slopes():
    rows = cohort({"ALS_1": [0.1, 0.2], "ALS_2": [0.1, 0.25]}).assign(months=math.nan)
    changes, own, tests, _, notes = of(rows)
    assert own["slope_per_month"].isna().all()
    assert tests["n"].tolist() == [2]
    assert changes["change"].notna().sum() == 2
    assert "slope_per_month: empty, as months of two sessions are not known of anybody" in notes
    models, _ = change_model(changes, ["v1", "v2"])
    assert models.empty


def test_two_sessions_at_one_time_have_no_slope():
    rows = cohort({"ALS_1": [0.1, 0.2, 0.3]}, months=(6.1, 6.1, 6.1))
    assert of(rows, ("v1", "v2", "v3"))[1]["slope_per_month"].isna().all()


def test_the_order_of_the_rows_changes_nothing():
    rng = np.random.default_rng(5)
    parts = [
        cohort({f"{g}_{n}": (0.3 + rng.normal(0, 0.1, 3)).tolist() for n in range(1, 9)}, group=g)
        for g in ("ALS", "LR")
    ]
    rows = pd.concat(parts, ignore_index=True)
    shuffled = rows.sample(frac=1, random_state=2, ignore_index=True)
    for one, other in zip(
        of(rows, ("v1", "v2", "v3"))[:4], of(shuffled, ("v1", "v2", "v3"))[:4], strict=True
    ):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_two_rows_of_a_session_are_refused():
    rows = cohort({"ALS_1": [0.1, 0.2]})
    with pytest.raises(UsageError, match="ALS_1 v1 L3 MF left: found more than once"):
        change(pd.concat([rows, rows]), ["fi"], ["v1", "v2"])


@pytest.mark.parametrize(
    ("months", "by_name", "ordered"),
    [
        ({("a", "v1"): 0, ("a", "v2"): 6}, ["v1", "v2"], ["v1", "v2"]),
        ({("a", "v1"): 6, ("a", "v2"): 0}, ["v1", "v2"], ["v2", "v1"]),
        ({("a", "v1"): 0}, ["v1", "v2"], ["v1", "v2"]),
        ({("a", "v1"): 0, ("b", "v2"): 0}, ["v1", "v2"], ["v1", "v2"]),
    ],
)
def test_months_order_sessions_before_names(months, by_name, ordered):
    found, notes = ordered_sessions(months, ["v1", "v2"], by_name)
    assert found == ordered
    assert bool(notes) == (len(months) < 2 or ordered != by_name)


def test_sessions_without_an_order_are_refused():
    with pytest.raises(UsageError, match="no numbers that tell their order"):
        ordered_sessions({("a", "pre"): 0.0}, ["pre", "post"], None)


@pytest.mark.parametrize("times", [(6.0, 6.1, 6.2, 6.3), (0.0, 0.0, 0.0, 0.0)])
def test_a_group_that_came_once_has_no_slope(times):
    """Its participants differ in value and in months, which is no change of anybody."""
    noise = np.random.default_rng(5).normal(0, 0.01, (4, 3))
    als = cohort({f"ALS_{k}": list(0.3 + 0.01 * np.array([0, 6, 12]) + noise[k]) for k in range(4)})
    lr = [cohort({f"LR_{k}": [0.2 + 0.1 * k]}, (times[k],), "LR") for k in range(4)]
    changes, _, notes = change(pd.concat([als, *lr], ignore_index=True), ["fi"], ("v1", "v2", "v3"))
    models, said = change_model(changes, ["v1", "v2", "v3"])
    assert set(models["status"]) == {"not_fitted"}
    assert models[["difference", "p"]].isna().all(axis=None)
    assert "fewer than two participants of a group with values at two times" in said[0]
    assert any(note.startswith("slope_per_month: empty for LR_0, LR_1") for note in notes)


def test_notes_tell_what_is_missing_and_not_something_else():
    rows = cohort({"ALS_1": [0.3, 0.4, 0.5], "ALS_2": [0.3, 0.4, 0.6]})
    rows.loc[1, "months"] = math.nan
    assert (
        "months: unknown for ALS_1 v2, who are not in the slopes with it"
        in change(rows, ["fi"], ("v1", "v2", "v3"))[2]
    )
    notes = change(rows.assign(fi=math.nan), ["fi"], ("v1", "v2", "v3"))[2]
    assert "fi: no value in any session, so there is no change of it and no figure" in notes
    assert (
        "slope_per_month: empty, as nobody has values at two sessions whose months are known and differ"
        in notes
    )


def test_one_group_alone_is_told():
    one = cohort({"ALS_1": [0.1, 0.2], "ALS_2": [0.2, 0.4]})
    (note,) = of_groups(of(one)[0])
    assert note.startswith("group: one group only, ALS, so change_differences.csv and change_model.csv")
    other = cohort({"LR_1": [0.1, 0.2], "LR_2": [0.2, 0.4]}, group="LR")
    assert not of_groups(of(pd.concat([one, other], ignore_index=True))[0])
    (note,) = of_groups(of(one.assign(group=""))[0])
    assert note.startswith("group: no groups, so")
    assert note.endswith("nor do the tests within groups")
