"""Write docs/simulation/imputation.csv: bias and coverage of ``regress --impute`` where data are missing.

Run: ``python docs/scripts/simulation_imputation.py`` (a minute on one core; the same table each time).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from mriparaspinal.stats.imputation import Imputation, impute, pool, why_not

SEED = 20261129
TRUE = 0.5
SIZES = (8, 20, 40, 200)
SETS = 20
METHODS = ("all data", "complete cases", "imputed")
HEADER = [
    *("predictor", "n", "method", "studies", "refused_pct", "missing_pct", "bias", "coverage_pct", "width"),
]

Floats = NDArray[np.float64]


class Found(NamedTuple):
    """A coefficient with its interval."""

    b: float
    low: float
    high: float


def main(studies: int = 500) -> None:
    """Write the table."""
    file = Path(__file__).resolve().parents[1] / "simulation" / "imputation.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for kind in ("number", "two levels"):
            for n in SIZES:
                for row in simulated(kind, n, studies):
                    writer.writerow(row)
    print(f"wrote {file}")


def simulated(kind: str, n: int, studies: int) -> Iterator[tuple[object, ...]]:
    """One row per method; y = 0.5·x + 0.5·z + e, x missing the more often the larger y is (at random)."""
    rng = np.random.default_rng([SEED, n, len(kind)])
    found: dict[str, list[Found]] = {method: [] for method in METHODS}
    refused, gone = 0, 0.0
    for number in range(studies):
        data = study(kind, n, rng)
        absent = rng.random(n) < special.expit(1.2 * data["y"] - 1.2)
        gone += absent.mean()
        holed = data.assign(x=data["x"].where(~absent))
        found["all data"].append(fitted(data))
        complete = holed.dropna()
        if len(complete) > 4 and complete["x"].nunique() > 1:
            found["complete cases"].append(fitted(complete))
        if why_not(holed, "y", ["x", "z"]):
            refused += 1
            continue
        if not absent.any():
            found["imputed"].append(fitted(data))
            continue
        sets = impute(holed, "y", ["x", "z"], Imputation(SETS, seed=number))
        fits = [least_squares(one) for one in sets]
        pooled = pool(np.array([b for b, _ in fits]), np.array([v for _, v in fits]), n - 3)
        found["imputed"].append(Found(pooled.estimate[1], pooled.low[1], pooled.high[1]))
    for method, fits_ in found.items():
        left_out = 100 * refused / studies if method == "imputed" else 0.0
        numbers = ["", "", ""]
        if len(fits_) > studies / 2:
            b, low, high = (np.array(values) for values in zip(*fits_, strict=True))
            covered = 100 * np.mean((low <= TRUE) & (high >= TRUE))
            numbers = [f"{b.mean() - TRUE:.3f}", f"{covered:.1f}", f"{np.median(high - low):.2f}"]
        yield (kind, n, method, len(fits_), f"{left_out:.1f}", f"{100 * gone / studies:.0f}", *numbers)


def study(kind: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """All data of one study."""
    z = rng.normal(size=n)
    x = 0.4 * z + rng.normal(size=n)
    if kind == "two levels":
        x = (x > 0).astype(float)
    y = TRUE * x + 0.5 * z + rng.normal(size=n)
    labels = pd.Series(np.where(x > 0, "M", "F"), dtype=object)
    return pd.DataFrame({"y": y, "x": labels if kind == "two levels" else x, "z": z})


def least_squares(data: pd.DataFrame) -> tuple[Floats, Floats]:
    """Coefficients of intercept, x and z, and their variances."""
    x = data["x"].eq("M") if data["x"].dtype == object else data["x"]
    matrix = np.column_stack([np.ones(len(data)), x.astype(float), data["z"]])
    y = data["y"].to_numpy()
    inverse = np.linalg.pinv(matrix.T @ matrix)
    b = inverse @ matrix.T @ y
    residual = y - matrix @ b
    return b, residual @ residual / (len(y) - 3) * np.diag(inverse)


def fitted(data: pd.DataFrame) -> Found:
    """The coefficient of x with its interval."""
    b, variances = least_squares(data)
    half = stats.t.ppf(0.975, len(data) - 3) * np.sqrt(variances[1])
    return Found(b[1], b[1] - half, b[1] + half)


if __name__ == "__main__":
    main()
