"""Targets that share a participant: bootstrap over participants, limits of repeated measures, against R."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.bland_altman import REPEATED_COLUMNS, bland_altman, repeated_limits
from mriparaspinal.stats.bootstrap import Clusters, cluster_bootstrap, clusters_of, expanded_percentiles
from mriparaspinal.stats.icc import FORMS, cv_of_raters, icc_table
from mriparaspinal.stats.icc_bootstrap import icc_and_cv
from mriparaspinal.stats.reliability import bland_altman_table, ratings_of_table, reliability
from tests.stats.r.clusters_tables import TABLES, tables

OF_R = Path(__file__).parent / "r"


def of_r(name):
    with (OF_R / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def close(ours, theirs, scale=1.0):
    if theirs == "":
        return ours is None or math.isnan(ours)
    return ours == pytest.approx(float(theirs), rel=1e-6, abs=1e-6 * scale)


def times_of(table):
    participants = table.who.max() + 1
    return np.array([np.bincount(drawn, minlength=participants) for drawn in table.drawn], dtype=float)


def test_the_intervals_of_given_samples_are_those_of_r():
    """220 tables (tiny, tied, shifted, constant), 40 samples of participants each, written out for R."""
    rows = of_r("clusters_icc.csv")
    assert len({row["table"] for row in rows}) == TABLES >= 200
    found = {}
    for number, table in enumerate(tables()):
        participants = int(table.who.max()) + 1
        samples = icc_and_cv(table.values, Clusters(table.who, participants))(times_of(table))
        found[str(number)] = expanded_percentiles(samples, participants)
    for row in rows:
        low, high = (ends[int(row["column"])] for ends in found[row["table"]])
        assert close(low, row["low"]), (row, low)
        assert close(high, row["high"]), (row, high)


def test_limits_of_repeated_measures_are_those_of_r():
    rows = {row["table"]: row for row in of_r("clusters_limits.csv")}
    assert len(rows) == TABLES
    for number, table in enumerate(tables()):
        difference = table.values[:, 1] - table.values[:, 0]
        limits = repeated_limits(difference, Clusters(table.who, int(table.who.max()) + 1))
        for name in REPEATED_COLUMNS:
            assert close(getattr(limits, name), rows[str(number)][name]), (number, name)


def test_samples_have_the_iccs_of_the_tables_written_out():
    for table in list(tables())[::20]:
        clusters = Clusters(table.who, int(table.who.max()) + 1)
        for drawn, ours in zip(table.drawn, icc_and_cv(table.values, clusters)(times_of(table)), strict=True):
            matrix = table.values[np.concatenate([np.flatnonzero(table.who == who) for who in drawn])]
            theirs = [*(form.icc for form in icc_table(matrix)[0]), cv_of_raters(matrix)[0]]
            assert all(
                math.isnan(a) if b is None else a == pytest.approx(b, rel=1e-8, abs=1e-8)
                for a, b in zip(ours, theirs, strict=True)
            )


def test_balanced_limits_are_those_of_subject_means():
    """With m each, Zou's variance: that of the participants' means + (1 − 1/m) times that within."""
    difference = np.random.default_rng(1).normal(size=(9, 4)) + np.arange(9)[:, None] / 3
    limits = repeated_limits(difference.ravel(), clusters_of(np.repeat(np.arange(9), 4)))
    within = difference.var(axis=1, ddof=1).mean()
    assert limits.variance_within == pytest.approx(within)
    assert limits.sd**2 == pytest.approx(difference.mean(axis=1).var(ddof=1) + 0.75 * within)
    assert limits.loa_high - limits.loa_low == pytest.approx(2 * 1.96 * limits.sd)


def test_limits_need_repeats_and_two_participants():
    values = np.array([1.0, 2.0, 4.0])
    for numbers in ([0, 1, 2], [0, 0, 0]):
        assert repeated_limits(values, clusters_of(numbers)).sd is None


def test_the_bootstrap_is_seeded_and_wide_enough():
    values = np.random.default_rng(3).normal(size=(30, 1))

    def mean(times):
        return times @ values / times.sum(axis=1, keepdims=True)

    low, high = cluster_bootstrap(mean, 30)
    again = cluster_bootstrap(mean, 30)
    assert (low, high) == again
    half = 2.045 * values.std(ddof=1) / math.sqrt(30)  # Student's t, 29 degrees of freedom
    assert [low[0], high[0]] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.1 * half)
    assert cluster_bootstrap(mean, 30, seed=2)[0] != low
    assert np.isnan(cluster_bootstrap(lambda times: times @ values[:1], 1)).all()


def test_samples_without_a_value_leave_no_interval_if_many():
    samples = np.linspace(0, 1, 100)[:, None] * np.ones(2)
    samples[:6, 1] = np.nan
    low, _ = expanded_percentiles(samples, 50)
    assert np.isfinite(low).tolist() == [True, False]


# --- in the tables of reliability ---------------------------------------------------------------------------


def ratings(each=4, participants=8, seed=1):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(participants), each)
    truth = rng.normal(size=participants)[who] + rng.normal(size=len(who))
    rows = {
        "participant_id": [f"p{i}" for i in who],
        "segment": np.tile(["L3", "L3", "L4", "L4"], participants),
    }
    rows |= {"side": np.tile(["left", "right"], 2 * participants), "muscle": "MF"}
    return pd.concat(
        [pd.DataFrame({"rater": r, **rows, "fi": 9 + truth + rng.normal(size=len(who))}) for r in "ab"]
    )


def test_the_table_has_an_interval_by_participants_beside_the_other():
    table, notes = reliability(ratings(), ["fi"])
    assert table["participants"].eq(8).all()
    assert table["form"].tolist() == [*FORMS] * 3
    assert table["ci_low_bootstrap"].lt(table["icc"]).all()
    assert table["ci_high_bootstrap"].gt(table["icc"]).all()
    assert table["cv_low_bootstrap"].lt(table["cv_pct"]).all()
    assert any("read ci_low_bootstrap" in note for note in notes)
    limits, _ = bland_altman_table(ratings(), ["fi"])
    wide = ratings().pivot(index=["participant_id", "segment", "side"], columns="rater", values="fi")
    theirs = repeated_limits((wide["b"] - wide["a"]).to_numpy(), clusters_of(wide.index.get_level_values(0)))
    assert limits["repeated_sd"][0] == pytest.approx(theirs.sd)
    assert limits["participants"].tolist() == [8, 8, 8]


def test_one_target_each_needs_no_bootstrap():
    rows = ratings()[lambda table: (table["segment"] == "L3") & (table["side"] == "left")]
    table, notes = reliability(rows, ["fi"])
    assert table["ci_low_bootstrap"].isna().all()
    assert not any("bootstrap" in note for note in notes)
    assert bland_altman_table(rows, ["fi"])[0]["repeated_sd"].isna().all()


def test_rows_and_raters_in_another_order_change_nothing():
    first, _ = reliability(ratings(), ["fi"], ["a", "b"])
    other, _ = reliability(ratings().sample(frac=1, random_state=1), ["fi"], ["a", "b"])
    pd.testing.assert_frame_equal(first, other)


def test_a_long_table_may_say_whose_targets_they_are():
    rows = ratings()
    table = pd.DataFrame(
        {
            "target": rows["participant_id"] + rows["segment"] + rows["side"], "rater": rows["rater"],
            "value": rows["fi"], "participant_id": rows["participant_id"],
        }
    )  # fmt: skip
    found, notes = reliability(ratings_of_table(table), ["value"])
    whole, _ = reliability(rows, ["fi"])
    columns = ["icc", "ci_low", "ci_low_bootstrap", "ci_high_bootstrap", "participants"]
    pd.testing.assert_frame_equal(found[columns], whole[columns][:6])
    assert any("those of one participant" in note for note in notes)
    without, notes = reliability(ratings_of_table(table.drop(columns="participant_id")), ["value"])
    assert without["ci_low_bootstrap"].isna().all()
    assert not notes[1:]
    table.loc[table.index[0], "participant_id"] = ["p1", "p2"]
    with pytest.raises(UsageError, match="of two participant_id"):
        ratings_of_table(table)


def test_the_limits_that_were_there_stay():
    wide = ratings().pivot(index=["participant_id", "segment", "side"], columns="rater", values="fi")
    limits = bland_altman(wide["a"], wide["b"])
    row = bland_altman_table(ratings(), ["fi"])[0].iloc[0]
    assert (row["loa_low"], row["loa_high_ci_high"]) == (limits.loa_low, limits.loa_high_ci_high)
