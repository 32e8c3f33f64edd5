"""Means and volumes of regions, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mriparaspinal.brain.atlas import (
    COLUMNS,
    AtlasRegion,
    MapValues,
    describe,
    labelled_regions,
    region_rows,
    weighted_region,
    wide_table,
)
from mriparaspinal.core.errors import UsageError

numbers = st.floats(-1e6, 1e6, allow_nan=False, width=32)
volumes = hnp.arrays(np.float64, st.integers(1, 60), elements=numbers)


@given(st.integers(0, 2**32 - 1), st.permutations([0, 3, 7, 12, 500]))
@settings(deadline=None, max_examples=60)
def test_shuffled_labels_are_numpys(seed, values):
    rng = np.random.default_rng(seed)
    labels = rng.choice(values, (5, 6, 7)).astype(np.int32)
    image = rng.normal(0.5, 0.2, (5, 6, 7))
    names = {value: f"region {value}" for value in values if value not in (0, 12)}
    regions, unnamed = labelled_regions(labels.ravel(order="F"), names)
    assert unnamed == {12: int((labels == 12).sum())}
    rows = region_rows("P", regions, [MapValues("m", image.ravel(order="F"))], voxel_mm3=8.0)
    assert [row.region for row in rows] == list(names.values())
    for value, row in zip(names, rows, strict=True):
        inside = image[labels == value]
        assert (row.n_voxels, row.n_used, row.n_nan, row.n_zero) == (inside.size, inside.size, 0, 0)
        assert row.volume_ml == pytest.approx(inside.size * 8 / 1000)
        assert row.mean == pytest.approx(inside.mean(), rel=1e-12)
        assert row.sd == pytest.approx(inside.std(ddof=1), rel=1e-12)
        assert row.median == np.median(inside)


@given(st.integers(0, 2**32 - 1), st.integers(2, 80))
@settings(deadline=None, max_examples=60)
def test_weighted_numbers_are_numpys(seed, n):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(1, 0.3, n), rng.uniform(0.05, 1, n)
    found = describe(values, weights)
    assert found.mean == pytest.approx(np.average(values, weights=weights), rel=1e-12)
    assert found.sd == pytest.approx(np.sqrt(np.cov(values, aweights=weights)), rel=1e-9)
    assert (weights[values < found.median]).sum() <= weights.sum() / 2 + 1e-9
    assert (weights[values > found.median]).sum() <= weights.sum() / 2 + 1e-9


@given(hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(1, 5)), st.integers(0, 1000))
@settings(deadline=None)
def test_weights_repeat_a_value_in_the_median(repeats, seed):
    values = np.random.default_rng(seed).integers(0, 10, len(repeats)).astype(float)
    expected = np.median(np.repeat(values, repeats))
    assert describe(values, repeats / 7).median == expected  # in sevenths, which round


@given(volumes)
def test_weights_of_one_change_nothing(values):
    plain, weighted = describe(values), describe(values, np.ones(len(values)))
    assert (plain.n_used, plain.median) == (weighted.n_used, weighted.median)
    assert weighted.mean == pytest.approx(plain.mean, rel=1e-9, abs=1e-6)
    if plain.sd is None:
        assert weighted.sd is None
    else:
        assert weighted.sd == pytest.approx(plain.sd, rel=1e-6, abs=1e-6)


def test_nan_is_left_out_and_counted_and_zero_is_a_value():
    values = np.array([0.0, 0.0, 4.0, np.nan, np.inf, 8.0])
    found = describe(values)
    assert (found.mean, found.median, found.n_used, found.n_nan, found.n_zero) == (3.0, 2.0, 4, 2, 2)
    found = describe(values, ignore_zero=True)
    assert (found.mean, found.median, found.n_used, found.n_nan, found.n_zero) == (6.0, 6.0, 2, 2, 2)
    weighted = describe(values, np.array([1, 1, 0.5, 1, 1, 0.25]), ignore_zero=True)
    assert weighted.mean == pytest.approx((2 + 2) / 0.75)
    assert weighted.n_used == 2


@pytest.mark.parametrize("weights", [None, np.ones(1)])
def test_one_voxel_has_no_sd(weights):
    found = describe(np.array([2.0]), weights)
    assert (found.mean, found.sd, found.median) == (2.0, None, 2.0)


@pytest.mark.parametrize("weights", [None, np.ones(2)])
def test_no_number_at_all_is_empty(weights):
    found = describe(np.array([np.nan, np.nan]), weights)
    assert (found.mean, found.sd, found.median, found.n_used, found.n_nan) == (None, None, None, 0, 2)


def test_a_tiny_weight_beside_a_whole_one_gives_no_sd_out_of_rounding():
    assert describe(np.array([1.0, 2.0]), np.array([1.0, 1e-20])).sd is None


def test_probabilities_weigh_the_volume():
    region = weighted_region("thalamus", np.array([0, 0.25, 0.5, np.nan, -1e-4]))
    assert region.where.tolist() == [1, 2]
    (row,) = region_rows("P", [region], [MapValues("m", np.array([9.0, 1, 4, 9, 9]))], voxel_mm3=1000)
    assert (row.volume_ml, row.mean, row.n_voxels) == (0.75, 3.0, 2)


def test_tissue_is_summed_and_unknown_tissue_is_not_guessed():
    region = AtlasRegion("precentral", np.array([0, 1, 2]))
    whole, hole = np.array([0.5, 1.0, 0.0, 1.0]), np.array([0.5, np.nan, 0.0, 1.0])
    maps = [MapValues("gm", whole, True), MapValues("wm", hole, True), MapValues("fa", whole)]
    gm, wm, fa = region_rows("P", [region], maps, voxel_mm3=1000, tiv_ml=1500.0)
    assert (gm.tissue_ml, gm.tissue_pct_tiv) == (1.5, 0.1)
    assert (wm.tissue_ml, wm.tissue_pct_tiv, wm.n_nan) == (None, None, 1)
    assert (fa.tissue_ml, fa.volume_ml, fa.volume_pct_tiv) == (None, 3.0, 0.2)


def test_volumes_that_are_nobodys_own_are_no_share_of_anybody():
    (row,) = region_rows("P", [AtlasRegion("a", np.array([0]))], [], 1000, tiv_ml=1500.0, own_volumes=False)
    assert (row.map, row.mean, row.volume_ml, row.volume_pct_tiv) == ("", None, 1.0, None)


# --- the wide table -----------------------------------------------------------------------------------------


def long(*cells, **columns):
    """A row as text: participant, region, map, and the columns that are named."""
    row = dict.fromkeys(COLUMNS, "") | dict(zip(("participant_id", "region", "map"), cells, strict=True))
    return [{**row, **columns}[name] for name in COLUMNS]


def test_one_row_per_participant_in_numeric_order():
    columns, rows = wide_table(
        [
            long("ALS_10", "CST (L)", "fa", mean="0.4", volume_ml="3"),
            long("ALS_9", "CST (L)", "fa", mean="0.5", volume_ml="4"),
            long("ALS_9", "CC", "fa", mean="0.6", volume_ml="5"),
        ]
    )
    assert columns == ["participant_id", "fa_mean_CST_L", "fa_mean_CC", "volume_ml_CST_L", "volume_ml_CC"]
    assert rows == [["ALS_9", "0.5", "0.6", "4", "5"], ["ALS_10", "0.4", "", "3", ""]]


def test_volumes_of_a_shared_atlas_are_no_measure():
    rows = [long(who, "CC", "fa", mean="1", volume_ml="5") for who in ("A", "B")]
    assert wide_table(rows)[0] == ["participant_id", "fa_mean_CC"]


def test_volumes_are_per_cent_where_that_is_known():
    cells = {"volume_ml": "3", "tissue_ml": "1"}
    rows = [
        long("A", "CC", "gm", **cells, volume_pct_tiv="0.3", tissue_pct_tiv="0.1"),
        long("B", "CC", "gm", volume_ml="4"),
    ]
    assert wide_table(rows) == (
        ["participant_id", "gm_pct_tiv_CC", "volume_pct_tiv_CC"],
        [["A", "0.1", "0.3"], ["B", "", ""]],
    )


def test_names_that_would_be_one_column_are_refused():
    rows = [long("A", name, "fa", mean="1") for name in ("CST L", "CST-L")]
    with pytest.raises(UsageError, match="fa_mean_CST_L"):
        wide_table(rows)


def test_two_rows_for_one_are_refused():
    with pytest.raises(UsageError, match="participant A, region CC, map fa: two rows"):
        wide_table([long("A", "CC", "fa", mean="1")] * 2)
