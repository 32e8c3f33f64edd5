"""Measures that only some muscles or sides have, and regions without sides, in each statistic."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.stats.change import change
from mriparaspinal.stats.change_tests import change_tests
from mriparaspinal.stats.correlate import correlate
from mriparaspinal.stats.imputation import Imputation
from mriparaspinal.stats.regress import regress
from mriparaspinal.stats.regress_each import regress_each
from mriparaspinal.stats.reliability import bland_altman_table, reliability
from mriparaspinal.stats.wide import widen

SIDES = {"left": "symptomatic", "right": "contralateral", "both": "bilateral"}

#: Muscles, a region of one's own with sides, and one without.
PLACES = [*itertools.product(("MF", "PM", "GL"), SIDES), ("DS", "both")]

#: Of psoas_index the paper knows both sides of PM alone; the shape is that of one side, or of the whole DS.
HAS = {
    "fi": set(PLACES),
    "psoas_index": {("PM", "both")},
    "pm_mf_es_ratio": {("PM", side) for side in SIDES},
    "eccentricity": {place for place in PLACES if place[1] != "both" or place[0] == "DS"},
    "asymmetry_pct": {(muscle, "both") for muscle in ("MF", "PM", "GL")},
}


def cohort(n: int = 12, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for number, (muscle, side) in itertools.product(range(n), PLACES):
        place = {"segment": "L4", "muscle": muscle, "side": side, "role": SIDES[side]}
        values = {name: rng.random() if (muscle, side) in had else np.nan for name, had in HAS.items()}
        rows.append({"participant_id": f"ALS_{number}", "group": "ALS", **place, **values})
    scores = dict(zip(range(n), rng.normal(size=n), strict=True))
    return pd.DataFrame(rows).assign(
        score=lambda table: [scores[int(who.partition("_")[2])] for who in table["participant_id"]]
    )


def places(table: pd.DataFrame, metric: str) -> set[tuple[str, str]]:
    of_role = {role: side for side, role in SIDES.items()}
    rows = table[table["metric"] == metric]
    return {(m, of_role[role]) for m, role in zip(rows["muscle"], rows["role"], strict=True)}


@pytest.mark.parametrize("metric", [name for name in HAS if name != "asymmetry_pct"])
def test_correlations_and_regressions_are_of_what_a_muscle_has(metric: str) -> None:
    roles = list(SIDES.values())
    table, notes = correlate(cohort(), ["score"], metrics=[metric], roles=roles)
    assert places(table, metric) == HAS[metric]
    assert (table["n"] == 12).all()
    assert not notes
    for fit in (regress, regress_each):
        table, notes = fit(cohort(), [metric], ["score"], roles=roles)
        assert places(table, metric) == HAS[metric]
        assert (table["n"] == 12).all()
    table, _ = regress(cohort(), ["score"], [metric], roles=roles)  # as what explains a score
    assert places(table, metric) == HAS[metric]


def test_asymmetry_is_of_both_sides() -> None:
    rows = cohort()
    table, notes = correlate(rows[rows["muscle"] != "DS"], ["score"], metrics=["asymmetry_pct"])
    assert table.empty
    assert notes == ["there is no asymmetry_pct of these sides, so it is left out"]


def test_a_covariate_that_a_muscle_cannot_have_leaves_it_out() -> None:
    table, notes = regress(cohort(), ["fi"], ["score"], ["psoas_index"], roles=["bilateral"])
    assert set(table["muscle"]) == {"PM"}
    table, notes = regress(cohort(), ["psoas_index"], ["score"], ["eccentricity"], roles=list(SIDES.values()))
    assert table.empty
    assert "there is no psoas_index with eccentricity of these sides, so it is left out" in notes
    found, _ = regress(
        cohort(), ["fi"], ["psoas_index", "score"], roles=["bilateral"], imputation=Imputation(2)
    )
    assert set(found["muscle"]) == {"PM"}


def test_a_lost_value_is_no_measure_that_cannot_be() -> None:
    """A muscle that has the measure keeps its row, with n = 0, where all its values are lost."""
    rows = cohort()
    rows.loc[rows["muscle"] == "PM", "psoas_index"] = np.nan
    table, notes = correlate(rows, ["score"], metrics=["psoas_index"], roles=["bilateral"])
    assert list(table["n"]) == [0]
    assert "psoas_index: empty for 12 of 12 participants, left out of its tests" in notes


def test_changes_are_of_what_a_muscle_has() -> None:
    visits = [cohort(seed=k).assign(session=f"v{k}", months=6.0 * k) for k in (1, 2)]
    metrics = list(HAS)
    changes, slopes, notes = change(pd.concat(visits, ignore_index=True), metrics, ["v1", "v2"])
    tests = change_tests(changes, ["v1", "v2"], "lilliefors")
    for metric in (name for name in metrics if name != "asymmetry_pct"):
        for table in (changes, slopes, tests):
            assert places(table, metric) == HAS[metric]
    assert (tests.loc[tests["metric"] != "asymmetry_pct", "n"] == 12).all()
    assert not [note for note in notes if "no value" in note]
    only = pd.concat(visits, ignore_index=True).query("muscle == 'MF'")
    changes, _, notes = change(only, ["fi", "psoas_index"], ["v1", "v2"])
    assert set(changes["metric"]) == {"fi"}
    assert "there is no psoas_index of these sides, so it is left out" in notes


def test_agreement_is_of_what_one_side_has() -> None:
    ratings = pd.concat([cohort(seed=k).assign(rater=f"R{k}") for k in (1, 2)], ignore_index=True)
    table, notes = reliability(ratings, ["fi", "psoas_index", "eccentricity", "pm_mf_es_ratio"])
    muscles = {metric: set(rows["muscle"]) for metric, rows in table.groupby("metric")}
    whole = {"MF", "PM", "GL", "DS"}
    assert muscles == {"fi": whole, "eccentricity": whole, "pm_mf_es_ratio": {"PM"}}
    assert (table["n"] > 0).all()
    assert "there is no psoas_index of these sides, so it is left out" in notes
    limits, _ = bland_altman_table(ratings, ["fi", "psoas_index"])
    assert set(limits["metric"]) == {"fi"}
    with pytest.raises(NoInputError, match="psoas_index: there is none of left or right by itself"):
        reliability(ratings, ["psoas_index"])


# --- regions without sides ----------------------------------------------------------------------------------


def test_a_region_without_sides_that_is_left_out_is_told() -> None:
    told = "DS: has no sides and is left out of the role symptomatic; name the role bilateral, too"
    for table, notes in (
        correlate(cohort(), ["score"], metrics=["fi"]),
        regress(cohort(), ["fi"], ["score"]),
    ):
        assert "DS" not in set(table["muscle"])
        assert told in notes
    table, notes = correlate(cohort(), ["score"], metrics=["fi"], roles=["symptomatic", "bilateral"])
    assert "DS" in set(table["muscle"])
    assert told not in notes


def test_a_region_without_sides_has_its_column_in_each_role() -> None:
    rows = cohort()
    sac = rows[rows["muscle"] == "DS"].set_index("participant_id")["fi"]
    for role in SIDES.values():
        wide, notes = widen(
            rows[(rows["participant_id"] != "ALS_3") | (rows["muscle"] == "DS")], ["fi"], role
        )
        assert wide.set_index("participant_id")["fi_L4_DS"].to_dict() == sac.to_dict()
        own = rows[(rows["role"] == role) & (rows["muscle"] == "MF")].set_index("participant_id")["fi"]
        found = wide.set_index("participant_id")["fi_L4_MF"]
        assert found.dropna().to_dict() == own.drop("ALS_3").to_dict()
        same = "DS: without sides, so the same in each role"
        assert (same in notes) == (role != "bilateral")
        missing = "1 of 12 participants have no symptomatic row: their cells stay empty"
        assert (missing in notes) == (role == "symptomatic")
