"""Write docs/simulation/roc17.csv: coverage and type-I error of what ``roc`` tells beside the curves.

Run: ``python docs/scripts/simulation_roc17.py`` (about two minutes on one core; the same table each time).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from mriparaspinal.stats.fixed_rates import needed, rate_interval
from mriparaspinal.stats.logistic_model import fit_model, model_table
from mriparaspinal.stats.partial_area import partial_areas, read_range
from mriparaspinal.stats.prediction import bootstrap, validate
from mriparaspinal.stats.roc_curve import Predictor

TABLE = Path(__file__).resolve().parents[1] / "simulation" / "roc17.csv"
SEED = 20261129
#: Patients in each of two groups.
SIZES = (8, 20, 40)
COLUMNS = ("what", "truth", *(f"n = {n} and {n}" for n in SIZES))

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = tuple[str, str, list[float]]


def main() -> None:
    """Write the table."""
    rows = [*models(0.0), *models(0.8), *rates(), *areas()]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([what, truth, *(f"{value:.3f}" for value in values)] for what, truth, values in rows)
    print(f"wrote {TABLE}")


def groups(rng: np.random.Generator, n: int, difference: float, predictors: int) -> tuple[Floats, Mask]:
    """Normal predictors of n positives and n negatives, SD 1; their means differ by ``difference``."""
    positive = np.arange(2 * n) < n
    return rng.standard_normal((2 * n, predictors)) + difference * positive[:, None], positive


def models(
    difference: float, replications: int = 120, resamples: int = 100, seed: int = SEED
) -> Iterator[Row]:
    """A model of two predictors: its areas, how often p is below 0.05, how often intervals have the truth.

    The truth of a model is its area in endless new patients: Φ(b'd/√(2b'b)).
    """
    names = ("area in the same patients", "corrected area", "leave-pair-out", "area in new patients")
    found: dict[str, list[float]] = {}
    for n in SIZES:
        rng = np.random.default_rng([seed, 1, n, round(10 * difference)])
        areas, below, holds, covers = [], [], [], []
        for number in range(replications):
            values, positive = groups(rng, n, difference, 2)
            model = fit_model(values, positive, ["a", "b"])
            assert not isinstance(model, str)
            row = validate(model, bootstrap(model, resamples, number, []), []).iloc[0]
            table = model_table(model, [])[1:]
            slopes = table["b"].to_numpy(dtype=float)
            new = norm.cdf(slopes.sum() * difference / math.sqrt(2 * (slopes @ slopes)))
            areas.append((row["apparent"], row["corrected"], row["leave_pair_out"], new))
            covers.append(row["ci_low"] <= new <= row["ci_high"])
            # The logistic slope of two normal groups of SD 1 is the difference of their means.
            holds += ((table["ci_low"] <= difference) & (difference <= table["ci_high"])).tolist()
            below += (table["p"] < 0.05).tolist()
        means = np.nanmean(areas, axis=0)
        values = dict(zip(names, means, strict=True)) | {
            "95 % interval has the area in new patients": np.mean(covers),
            "95 % interval has the coefficient": np.mean(holds),
            "p of a coefficient below 0.05": np.mean(below),
        }
        for name, value in values.items():
            found.setdefault(name, []).append(float(value))
    for name, numbers in found.items():
        yield f"model: {name}", f"difference {difference:g} SD", numbers


def rates(replications: int = 2000, seed: int = SEED) -> Iterator[Row]:
    """How often the interval of the sensitivity at a specificity of 0.9, and Wilson's, have the truth.

    Wilson's takes the cut-off as given.
    """
    for difference in (1.0, 2.0, 3.0):
        truth = float(norm.cdf(difference - norm.ppf(0.9)))
        covered: list[list[float]] = [[], []]
        for n in SIZES:
            rng = np.random.default_rng([seed, 2, n, round(difference)])
            least = needed(0.9, n)
            held = rng.standard_normal((replications, n))
            judged = rng.standard_normal((replications, n)) + difference
            ours = np.array([rate_interval(*both, least) for both in zip(held, judged, strict=True)])
            found = (judged > np.sort(held, axis=1)[:, [least - 1]]).sum(axis=1)
            wilson = np.transpose(proportion_confint(found, n, method="wilson"))
            for rates_of, ends in zip(covered, (ours, wilson), strict=True):
                rates_of.append(float(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()))
        yield "sensitivity at a specificity of 0.9", f"{truth:.3f}", covered[0]
        yield "the same, cut-off taken as given (Wilson)", f"{truth:.3f}", covered[1]


def areas(replications: int = 400, seed: int = SEED) -> Iterator[Row]:
    """How often the interval of the partial area at specificities of 0.8 to 1 has the truth."""
    part = read_range("0.8-1")
    for difference in (0.0, 1.0, 2.0):
        x = (np.arange(20_000) + 0.5) / 20_000 * 0.2
        truth = float(norm.sf(norm.isf(x) - difference).mean() * 0.2)
        covered = []
        for n in SIZES:
            rng = np.random.default_rng([seed, 3, n, round(difference)])
            hits = []
            for number in range(replications):
                values, positive = groups(rng, n, difference, 1)
                row = partial_areas([Predictor("x", "higher", values[:, 0])], positive, part, 500, number, [])
                hits.append(bool((row["ci_low"] <= truth).iloc[0] & (truth <= row["ci_high"]).iloc[0]))
            covered.append(float(np.mean(hits)))
        yield "partial area, specificity 0.8 to 1", f"{truth:.3f}", covered


if __name__ == "__main__":
    main()
