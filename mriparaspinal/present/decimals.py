"""The decimals of a variable: the same in all rows and columns of Tables 2 and 3."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mriparaspinal.stats.arms import Arm

_DESCRIBED = ("n", "mean", "sd", "median", "q1", "q3", "normality_p")


def with_even_decimals(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The comparisons, the summaries of each metric written with one number of decimals.

    ``summary_a`` and ``summary_b`` of ``comparisons.csv`` have the decimals that their own row needs.
    """
    if not {f"{name}_{letter}" for name in _DESCRIBED for letter in "ab"} <= set(comparisons):
        return comparisons
    written = {f"summary_{letter}": [""] * len(comparisons) for letter in "ab"}
    for places in comparisons.groupby("metric", sort=False).indices.values():
        rows = comparisons.iloc[places]
        digits = _decimals(rows)
        for letter in "ab":
            described = rows[[f"{name}_{letter}" for name in _DESCRIBED]]
            for place, (n, *numbers) in zip(
                places, described.itertuples(index=False, name=None), strict=True
            ):
                written[f"summary_{letter}"][place] = Arm(int(n), *numbers).summary(digits)
    return comparisons.assign(**written)


def _decimals(rows: pd.DataFrame) -> int:
    """Two, as in the paper; one more where two show nothing of a row; of tiny metrics three digits."""
    columns = [f"{name}_{letter}" for name in ("mean", "median", "sd") for letter in "ab"]
    sizes = rows[columns].abs().max(axis=1).dropna().to_numpy(dtype=float)
    needed = [_needed(size) for size in sizes[np.isfinite(sizes) & (sizes > 0)]]
    return min(max(needed), min(needed) + 1) if needed else 2


def _needed(size: float) -> int:
    """The decimals that show a row of this size."""
    return 2 if size >= 0.02 else 2 - math.floor(math.log10(size))
