"""The random tables of test_roc_further.py, and the resamples drawn from them, for R.

``python -m tests.stats.r.roc17_tables > FILE.json``, then ``Rscript tests/stats/r/roc17.R FILE.json``.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.stats.resampling import resampled_counts

KINDS = ("plain", "ties", "missing", "unequal", "tiny", "separated", "quasi-separated", "constant", "extreme")
TABLES = 225
#: Resamples of each table; the program takes 2000.
TIMES = 10

Floats = NDArray[np.float64]


def random_table(number: int) -> tuple[str, Floats, NDArray[np.bool_]]:
    """The kind of a table, its predictors (n, 1 to 3) with NaN where missing, and who is positive."""
    rng = np.random.RandomState(number)  # its stream never changes
    kind = KINDS[number % len(KINDS)]
    terms = 1 + (number // len(KINDS)) % 3
    n1, n2 = rng.randint(6, 14, 2)
    if kind == "unequal":
        n1, n2 = rng.randint(4, 7), rng.randint(18, 30)
    if kind == "tiny":
        n1, n2 = rng.randint(2, 6, 2)
    positive = rng.permutation(np.arange(n1 + n2) < n1)
    values = rng.normal(size=(n1 + n2, terms)) + rng.uniform(0, 1, terms) * positive[:, None]
    values = values * [1, 10, 0.05][:terms] + [0, 60, 0.4][:terms]
    if kind in ("ties", "quasi-separated"):
        values = (
            rng.randint(0, 4, values.shape).astype(float)
            + rng.randint(0, 2, values.shape) * positive[:, None]
        )
    if kind == "separated":
        values[:, 0] = np.abs(rng.normal(size=len(values))) * np.where(positive, 1, -1)
    if kind == "quasi-separated":
        values[:, 0] = np.where(positive, rng.randint(2, 4, len(values)), rng.randint(0, 3, len(values)))
    if kind == "constant":
        values[:, -1] = 7.0
    if kind == "extreme":
        values[rng.randint(len(values)), 0] *= 8
    if kind == "missing":
        values[rng.uniform(size=values.shape) < 0.12] = np.nan
    return kind, values, positive


def complete_rows(values: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """The rows without a missing value, sorted by predictors from the last to the first, then by arm."""
    there = ~np.isnan(values).any(axis=1)
    values, positive = values[there], positive[there]
    order = np.lexsort((positive, *values.T))
    return values[order], positive[order]


def for_r(number: int) -> dict[str, Any]:
    """A table with its resamples, how often each row counts."""
    kind, values, positive = random_table(number)
    rows, arms = complete_rows(values, positive)
    single = values[:, 0][~np.isnan(values[:, 0])], positive[~np.isnan(values[:, 0])]
    rng = np.random.default_rng(number)
    counts = next(resampled_counts(len(rows), TIMES, rng, TIMES))
    by_arm = [
        next(
            resampled_counts(
                int((single[1] == arm).sum()), TIMES, np.random.default_rng([number, seed]), TIMES
            )
        )
        for seed, arm in enumerate((True, False))
    ]
    return {
        "kind": kind,
        "x": rows.tolist(),
        "y": arms.astype(int).tolist(),
        "counts": counts.tolist(),
        "positives": sorted(single[0][single[1]].tolist()),
        "negatives": sorted(single[0][~single[1]].tolist()),
        "counts_positive": by_arm[0].tolist(),
        "counts_negative": by_arm[1].tolist(),
    }


if __name__ == "__main__":
    print(json.dumps([for_r(number) for number in range(TABLES)]))
