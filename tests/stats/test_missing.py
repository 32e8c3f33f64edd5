"""What is missing, counted by pandas in another way, and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.stats.missing import COLUMN_COLUMNS, REGION_COLUMNS, missing_columns, missing_regions

PLACES = list(itertools.product(("L3", "L4"), ("MF", "ES", "PM"), ("left", "right")))
KEYS = ["participant_id", "segment", "muscle", "side"]


def test_by_hand() -> None:
    rows = pd.DataFrame(
        [("A_1", "L4", "QL", "left"), ("A_1", "L4", "QL", "both"), ("B_1", "L4", "MF", "left")], columns=KEYS
    )
    groups = {"A_1": "A", "A_2": "A", "A_10": "A", "B_1": "B"}
    refused = {("A_2", "L4", "MF", "left"), ("B_1", "L4", "MF", "left")}  # the second was measured after all
    found = missing_regions(rows, groups, refused)
    assert list(found) == REGION_COLUMNS
    assert list(found["muscle"].unique()) == ["MF", "ES", "PM", "QL"]
    by_place = found.set_index(["group", "muscle", "side"])
    assert by_place.loc[("A", "MF", "left")].tolist() == ["L4", 3, 0, 1, 2, "A_1, A_2, A_10"]
    assert by_place.loc[("B", "MF", "left")].tolist() == ["L4", 1, 1, 0, 0, ""]
    assert by_place.loc[("A", "QL", "left")].tolist() == ["L4", 3, 1, 0, 2, "A_2, A_10"]
    assert by_place.loc[("A", "QL", "right"), "measured"] == 0


@pytest.mark.parametrize("seed", range(100))
def test_regions_against_pandas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = [f"{'AB'[i % 2]}_{i}" for i in range(rng.integers(2, 15))]
    everything = pd.DataFrame([(who, *place) for who in ids for place in PLACES], columns=KEYS)
    state = pd.Series(rng.choice(["measured", "refused", "missing"], len(everything), p=[0.7, 0.1, 0.2]))
    state[0] = "measured"
    rows = everything[state == "measured"].sample(frac=1, random_state=seed)
    refused = set(everything[state == "refused"].itertuples(index=False, name=None))
    found = missing_regions(rows, {who: who[0] for who in ids}, refused)
    assert (found["expected"] == found[["measured", "refused", "missing"]].sum(axis=1)).all()
    wanted = everything.assign(group=everything["participant_id"].str[0], state=state)
    counts = wanted.groupby(["group", "segment", "muscle", "side", "state"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["measured", "refused", "missing"], fill_value=0)
    seen = set(wanted.loc[state != "missing", "segment"])
    assert set(found["segment"]) == seen
    for _, row in found.iterrows():
        key = (row["group"], row["segment"], row["muscle"], row["side"])
        assert row[["measured", "refused", "missing"]].tolist() == counts.loc[key].tolist()


@pytest.mark.parametrize("seed", range(100))
def test_columns_against_pandas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 20))
    people = pd.DataFrame(
        {"participant_id": [f"P_{i}" for i in range(n)], "group": rng.choice(["A", "B"], n)}
    )
    people["age"] = np.where(rng.random(n) < 0.3, np.nan, rng.integers(1, 9, n))
    people["sex"] = rng.choice(["F", "M", "", "NA"], n)
    listed = people[rng.random(n) < 0.8]
    groups = dict(zip(people["participant_id"], people["group"], strict=True))
    found = missing_columns(listed, groups, ["age", "sex"])
    assert list(found) == COLUMN_COLUMNS
    there = people.copy()
    there.loc[~there.index.isin(listed.index), ["age", "sex"]] = np.nan
    there["sex"] = there["sex"].where(there["sex"].isin(["F", "M"]))
    counted = there.drop(columns="participant_id").groupby("group").agg(lambda cells: cells.isna().sum())
    sizes = there.groupby("group").size()
    for _, row in found.iterrows():
        assert row["missing"] == counted.loc[row["group"], row["column"]]
        assert row["expected"] == sizes[row["group"]]
        assert row["missing_pct"] == pytest.approx(100 * row["missing"] / row["expected"])
