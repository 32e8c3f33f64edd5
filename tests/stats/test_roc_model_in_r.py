"""What ``roc`` tells beside the curves, against R on random tables."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.stats.decision import decision_table
from mriparaspinal.stats.fixed_rates import fixed_rates
from mriparaspinal.stats.logistic_model import LogisticModel, fit_model, model_table
from mriparaspinal.stats.partial_area import partial_areas, read_range
from mriparaspinal.stats.prediction import Optimism, bootstrap, validate
from mriparaspinal.stats.roc_curve import Predictor
from tests.stats.r.roc17_tables import TABLES, TIMES, complete_rows, random_table

R = pd.read_csv(Path(__file__).parent / "r" / "roc17.csv")
#: The thresholds that R was asked for.
THRESHOLDS = [0.1, 0.3, 0.5, 0.7, 0.9]
NUMBERS = range(len(R))
#: Firth's profile takes long: of the separated tables the intervals of one in three are computed.
EVERY = 3
#: A resample of this table has two peaks of one height: which of the two is the estimate is open.
EQUAL_PEAKS = {100}
#: R's optimiser ends at a lower peak of the profile of this table, so that its limits are narrower than ours.
LOWER_PEAK = {210}
#: brglm2 has not converged to 1e-6 there: two runs of it differ by 3e-5.
NOT_CONVERGED = {49}
Z2 = 1.959963984540054**2


@functools.cache
def made(number: int) -> tuple[LogisticModel | str, Optimism | None]:
    _, values, positive = random_table(number)
    names = [f"x{k}" for k in range(values.shape[1])]
    model = fit_model(*complete_rows(values, positive), names)
    return model, None if isinstance(model, str) else bootstrap(model, TIMES, number, [])


def theirs(number: int, *columns: str) -> list[float]:
    return R.loc[number, list(columns)].tolist()


def same(found, expected, tolerance=1e-6) -> None:
    found = np.asarray(found, dtype=float)
    assert found == pytest.approx(expected, rel=tolerance, abs=tolerance, nan_ok=True)


def test_r_has_judged_all_tables() -> None:
    assert len(R) == TABLES >= 200
    assert R["firth"].value_counts()[1] >= 40
    assert R["firth"].isna().sum() >= 20


@pytest.mark.parametrize("number", NUMBERS)
def test_the_model(number: int) -> None:
    model, _ = made(number)
    if isinstance(model, str):
        assert np.isnan(theirs(number, "firth", "auc")).all(), model
        return
    assert model.is_firth == theirs(number, "firth")[0]
    if number in NOT_CONVERGED:
        return
    slopes = model.coefficients[1:] / model.spread
    same(slopes, theirs(number, *(f"b{k}" for k in range(1, len(slopes) + 1))))
    same(model.coefficients[0] - slopes @ model.centre, theirs(number, "b0")[0])
    if model.is_firth and (number % EVERY or number in LOWER_PEAK):
        return
    table = model_table(model, [])
    for k, row in enumerate(table[1:].itertuples(), 1):
        mine = [row.b, row.ci_low, row.ci_high, row.p]
        same(mine, theirs(number, *(f"{column}{k}" for column in ("b", "low", "high", "p"))))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_validation_and_the_decision_curve(number: int) -> None:
    model, optimism = made(number)
    if isinstance(model, str) or number in EQUAL_PEAKS:
        return
    table = validate(model, optimism, []).set_index("measure")
    area = table.loc["auc", ["apparent", "optimism", "ci_low", "ci_high", "leave_pair_out", "resamples"]]
    same(area, theirs(number, "auc", "auc_optimism", "auc_low", "auc_high", "left_out", "used"))
    same(table.loc["brier", ["apparent", "optimism"]], theirs(number, "brier", "brier_optimism"))
    for measure in ("intercept", "slope"):
        same(table.loc[f"calibration_{measure}", "corrected"], theirs(number, measure)[0])
    curve = decision_table(model.probability, model.is_positive, optimism.of("net_benefit"))
    curve = curve.set_index("threshold").loc[THRESHOLDS]
    same(curve["net_benefit"], theirs(number, *(f"nb{k}" for k in range(1, 6))))
    lost = curve["net_benefit"] - curve["net_benefit_corrected"]
    same(lost, theirs(number, *(f"nb_optimism{k}" for k in range(1, 6))))


@pytest.mark.parametrize("number", NUMBERS)
def test_fixed_rates_and_partial_areas(number: int) -> None:
    _, values, positive = random_table(number)
    predictor = Predictor("x", "higher", values[:, 0])
    rates = fixed_rates([predictor], positive, [0.8, 1], [0.9], [])
    rates["rate"] = [*rates["sensitivity"][:2], rates["specificity"][2]]
    same(np.ravel(rates[["rate", "ci_low", "ci_high"]]), theirs(number, *(f"fixed{k}" for k in range(1, 10))))
    columns = ["partial_auc", "standardised", "ci_low", "ci_high"]
    areas = [
        partial_areas([predictor], positive, read_range(text), TIMES, number, [])[columns].iloc[0]
        for text in ("0.8-1", "sensitivity:0.6-0.95")
    ]
    same(np.ravel(areas), theirs(number, *(f"partial{k}" for k in range(1, 9))))
