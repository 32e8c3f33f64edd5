"""What ``roc`` tells beside the curves, against R on random tables, and by hand."""

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


@functools.cache
def made(number: int) -> tuple[LogisticModel | str, Optimism | None]:
    _, values, positive = random_table(number)
    names = [f"x{k}" for k in range(values.shape[1])]
    model = fit_model(*complete_rows(values, positive), names)
    return model, None if isinstance(model, str) else bootstrap(model, TIMES, number, [])


def theirs(number: int, *columns: str) -> list[float]:
    return R.loc[number, list(columns)].tolist()


def same(found, expected, tolerance=1e-6) -> None:
    assert np.asarray(found, dtype=float) == pytest.approx(
        expected, rel=tolerance, abs=tolerance, nan_ok=True
    )


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
    table = model_table(model, [])
    same(table["b"].iloc[0], theirs(number, "b0")[0])
    for k, row in enumerate(table[1:].itertuples(), 1):
        same(
            [row.b, row.ci_low, row.ci_high, row.p],
            theirs(number, *(f"{w}{k}" for w in ("b", "low", "high", "p"))),
        )
        same(
            np.log([row.odds_ratio, row.odds_ratio_low, row.odds_ratio_high]),
            [row.b, row.ci_low, row.ci_high],
        )


@pytest.mark.parametrize("number", NUMBERS)
def test_the_validation_and_the_decision_curve(number: int) -> None:
    model, optimism = made(number)
    if isinstance(model, str):
        return
    table = validate(model, optimism, []).set_index("measure")
    same(table.loc["auc", ["apparent", "optimism", "ci_low", "ci_high", "leave_pair_out"]],
         theirs(number, "auc", "auc_optimism", "auc_low", "auc_high", "left_out"))  # fmt: skip
    same(table.loc["brier", ["apparent", "optimism"]], theirs(number, "brier", "brier_optimism"))
    for measure in ("intercept", "slope"):
        same(table.loc[f"calibration_{measure}", "corrected"], theirs(number, measure)[0])
    assert table.loc["auc", "resamples"] == theirs(number, "used")[0]
    curve = decision_table(model.probability, model.is_positive, optimism.of("net_benefit"))
    curve = curve.set_index("threshold").loc[THRESHOLDS]
    same(curve["net_benefit"], theirs(number, *(f"nb{k}" for k in range(1, 6))))
    same(
        curve["net_benefit"] - curve["net_benefit_corrected"],
        theirs(number, *(f"nb_optimism{k}" for k in range(1, 6))),
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_fixed_rates_and_partial_areas(number: int) -> None:
    _, values, positive = random_table(number)
    predictor = Predictor("x", "higher", values[:, 0])
    rates = fixed_rates([predictor], positive, [0.8, 1], [0.9], [])
    found = [[getattr(row, other), row.ci_low, row.ci_high]
             for row, other in zip(rates.itertuples(), ("sensitivity", "sensitivity", "specificity"), strict=True)]  # fmt: skip
    same(np.ravel(found), theirs(number, *(f"fixed{k}" for k in range(1, 10))))
    columns = ["partial_auc", "standardised", "ci_low", "ci_high"]
    areas = [
        partial_areas([predictor], positive, read_range(text), TIMES, number, [])[columns].iloc[0]
        for text in ("0.8-1", "sensitivity:0.6-0.95")
    ]
    same(np.ravel(areas), theirs(number, *(f"partial{k}" for k in range(1, 9))))
