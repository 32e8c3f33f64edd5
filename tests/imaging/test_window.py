"""Windows: the contract's formula and DICOM's, against pydicom's and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from mriparaspinal.core.errors import UsageError
from mriparaspinal.imaging.window import (
    LookupTable,
    Voi,
    linear_levels,
    parse_window,
    percentile_window,
    series_window,
    shown,
)


def test_the_contracts_formula_by_hand():
    x = np.array([-10.0, 0, 1, 50, 99, 100, 300, np.nan])
    # 255·0.01 + 0.5 = 3.05; 127.5 + 0.5 = 128; 252.45 + 0.5 = 252.95
    assert linear_levels(x, 0, 100).tolist() == [0, 0, 3, 128, 252, 255, 255, 0]


@given(st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]), st.integers(-500, 3000), st.integers(2, 4000))
def test_windows_agree_with_pydicom(function, centre, width):
    data = Dataset()
    data.WindowCenter, data.WindowWidth, data.VOILUTFunction = centre, width, function
    data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", 8, 0
    values = np.arange(0, 256)
    # pydicom scales to the range of the stored bits, here 0–255, without rounding.
    with np.errstate(over="ignore"):  # pydicom's own exponential
        expected = apply_windowing(values, data)
    grey, _ = shown(values.astype(float), Voi(function, centre, width), False)
    assert np.abs(grey - expected).max() <= 0.5 + 1e-6


@given(st.floats(-1e4, 1e4), st.floats(1, 1e4))
def test_inversion_is_the_formula_with_its_ends_swapped(low, width):
    values = np.linspace(low - 10, low + width + 10, 50)
    grey, limits = shown(values, (low, low + width), True)
    assert limits == (low + width, low)
    plain, _ = shown(values, (low, low + width), False)
    assert np.abs(grey.astype(int) + plain - 255).max() <= 1  # halves round up on both


def test_the_median_window_of_a_series_and_its_spread():
    vois = [Voi("LINEAR", c, w) for c, w in [(100, 200), (104, 210), (102, 400)]]
    voi, remark = series_window(vois)
    assert (voi.centre, voi.width) == (102, 210)
    assert "width" in remark
    assert "200 to 400" in remark
    assert "centre" not in remark


def test_series_without_one_window():
    assert series_window([None, Voi("LINEAR", 5, 1)]) == (None, "no usable VOI window in the series")
    mixed = series_window([Voi("LINEAR", 5, 9), Voi("SIGMOID", 5, 9)])
    assert mixed == (None, "VOI functions LINEAR and SIGMOID in one series")
    tables = [Voi("TABLE", table=LookupTable(0, (0, n), 8)) for n in (1, 2)]
    assert series_window(tables)[0] is None
    assert series_window(tables[:1])[0] == tables[0]


def test_percentiles_are_numpys():
    values = np.random.default_rng(1).normal(size=1000)
    expected = tuple(np.percentile(values, [1, 99]))
    assert percentile_window(values.copy()) == expected
    assert percentile_window(np.ones(5)) is None
    assert percentile_window(np.empty(0)) is None


@pytest.mark.parametrize("text", ["", "auto", "1", "5,5", "9,2", "nan,3", "1,inf", "1,2,3"])
def test_windows_that_are_none(text):
    with pytest.raises(UsageError, match="expected"):
        parse_window(text)
