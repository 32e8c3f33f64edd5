"""Power against R (``tests/stats/r/power.R``), statsmodels, and numbers printed in papers and handbooks."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.power import TTestIndPower, TTestPower

from mriparaspinal.stats import power

HERE = Path(__file__).parent / "r"


@pytest.fixture(scope="module")
def both() -> list[tuple[dict[str, float], dict[str, float]]]:
    designs, answers = (pd.read_csv(HERE / name) for name in ("power_designs.csv", "power.csv"))
    assert len(designs) == len(answers) >= 200
    return list(zip(designs.to_dict("records"), answers.to_dict("records"), strict=True))


def test_every_design_has_the_power_that_r_finds(both) -> None:
    for d, r in both:
        n, sizes = d["n_a"], (d["n_a"], d["n_b"])
        found = {
            "welch": power.welch_power(d["difference"], d["sd_a"], d["sd_b"], *sizes, d["level"]),
            "student": power.pooled_power(d["difference"], d["sd_a"], n, n, d["level"]),
            "paired": power.paired_power(d["difference"] / d["sd_a"], n, d["level"]),
            "noether": power.mann_whitney_power(d["area"], *sizes, d["level"]),
            "auc_se": power.auc_error(d["area"], *sizes),
            "auc": power.auc_power(d["area"], d["null"], *sizes, d["level"]),
            "icc": power.icc_power(d["icc"], d["icc_null"], n, int(d["raters"]), d["level"]),
            "icc_targets": power.icc_targets(d["icc"], d["width"], int(d["raters"]), d["level"]),
        }
        assert found == pytest.approx(r, rel=1e-6, abs=1e-6), d


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8, 1.3])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("level", [0.05, 0.05 / 15])
def test_sizes_against_statsmodels(effect: float, ratio: float, level: float) -> None:
    size = power.smallest(lambda n: power.pooled_power(effect, 1, n, ratio * n, level), 0.8)
    wanted = TTestIndPower().solve_power(effect, alpha=level, power=0.8, ratio=ratio)
    assert size == math.ceil(wanted)
    pairs = power.smallest(lambda n: power.paired_power(effect, n, level), 0.9)
    assert pairs == math.ceil(TTestPower().solve_power(effect, alpha=level, power=0.9))


def test_sizes_that_are_printed() -> None:
    """Cohen 1988, Table 2.4.1; Noether 1987; Bonett 2002; ICC.Sample.Size and presize of R."""
    for effect, size in ((0.2, 394), (0.5, 64), (0.8, 26)):
        found = power.smallest(partial(lambda d, n: power.welch_power(d, 1, 1, n, n, 0.05), effect), 0.8)
        assert found == pytest.approx(size, abs=1)
    assert math.ceil(power.icc_targets(0.85, 0.2, 4)) == 20
    assert math.ceil(power.icc_targets(0.75, 0.2, 2)) == 79
    assert math.ceil(power.icc_targets(0.75, 0.2, 3)) == 52
    for raters, size in ((3, 24), (2, 36)):
        found = power.smallest(partial(lambda k, n: power.icc_power(0.75, 0.5, n, k, 0.05), raters), 0.8)
        assert found == pytest.approx(size, abs=1)
    # Noether's formula, by hand: (1.959964 + 0.841621)² / (12 · 0.25 · 0.2²) = 65.4
    found = power.smallest(lambda n: power.mann_whitney_power(0.7, n, n, 0.05), 0.8)
    assert found == math.ceil(65.4 / 2)


def test_no_effect_has_the_level_as_its_power_and_no_size() -> None:
    assert power.welch_power(0, 1, 2, 9, 12, 0.05) == pytest.approx(0.05)
    assert power.smallest(lambda n: power.welch_power(0, 1, 2, n, n, 0.05), 0.8) is None
    assert power.smallest(lambda n: power.welch_power(1e-6, 1, 2, n, n, 0.05), 0.8) is None
    assert power.smallest(lambda n: power.welch_power(90, 1, 1, n, n, 0.05), 0.8) == 2


def test_an_area_of_one_has_no_error() -> None:
    assert power.auc_power(1.0, 0.5, 20, 20, 0.05) == 1.0
    assert power.auc_power(1.0, 0.5, 2, 2, 0.05) == 0.0


def test_the_width_of_an_area_is_that_of_its_interval() -> None:
    wide = power.auc_width(0.8, 30, 30)
    assert wide == pytest.approx(2 * 1.959964 * power.auc_error(0.8, 30, 30), rel=1e-6)


@pytest.mark.parametrize("sds", [(1.0, 0.5), (0.5, 1.0), (0.0, 1.0)])
def test_the_simulated_model_has_the_power_of_the_formula(sds: tuple[float, float]) -> None:
    spread = math.sqrt(sds[0] ** 2 + sds[1] ** 2 / 5)
    expected = power.pooled_power(0.8 * spread, spread, 20, 30, 0.05)
    found = power.simulated_power(0.8 * spread, sds, (20, 30), 5, 0.05, seed=3, replications=4000)
    assert found == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 4000))
    again = power.simulated_power(0.8 * spread, sds, (20, 30), 5, 0.05, seed=3, replications=4000)
    assert again == found


def test_far_out_the_power_is_one() -> None:
    for difference in (5.0, 50.0, 5e5):
        assert power.welch_power(difference, 1, 1, 50, 50, 0.05) == pytest.approx(1.0, abs=1e-9)
    assert np.isfinite(power.paired_power(1e9, 3, 0.05))
