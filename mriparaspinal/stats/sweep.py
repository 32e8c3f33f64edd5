"""How fatty infiltration depends on the grey level that parts fat from muscle.

All follows from one histogram of 256 bins per region: a pixel is fat if it is brighter than the threshold,
so FI at the threshold t is the share of pixels above bin t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.model import SPINE
from mriparaspinal.stats.cells import muscles_of
from mriparaspinal.stats.limits import ALPHA

Floats = NDArray[np.float64]

GREY_LEVELS = 256

#: The columns of ``sweep.csv``; an empty segment means all segments.
SWEEP_COLUMNS = ("segment", "muscle", "threshold", "n", "fi_median", "fi_q1", "fi_q3", "fi_mean")

#: The columns of ``slope.csv``.
SLOPE_COLUMNS = ("segment", "muscle", "threshold", "n", "fi_mean", "slope")

#: What names one comparison of ``sweep_contrasts.csv``, which has one row of it per threshold.
COMPARISON_KEY = ["contrast", "segment", "muscle", "role"]

#: The columns of ``sweep_contrasts.csv``. ``p_adjusted_fi``: over the rows of FI of a contrast alone, while
#: ``p_adjusted`` of ``comparisons.csv`` is over all its metrics.
CONTRAST_COLUMNS = (*COMPARISON_KEY, "threshold", "test", "p", "p_adjusted_fi", "effect", "effect_size")


def fi_of_histograms(histograms: NDArray[np.int64]) -> Floats:
    """FI at the thresholds 0–255, (n, 256), of n regions' histograms of grey levels, (n, 256).

    The share of pixels strictly brighter than the threshold (Ren et al. 2026: grey > 50). No histogram may
    be empty.

    >>> counts = np.zeros((1, 256), dtype=np.int64)
    >>> counts[0, [10, 50, 51, 200]] = 1
    >>> fi_of_histograms(counts)[0, [9, 49, 50, 51, 255]].tolist()
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    pixels = histograms.sum(axis=1, keepdims=True)
    shares: Floats = (pixels - histograms.cumsum(axis=1)) / pixels
    return shares


def sweep_table(regions: pd.DataFrame, fi: Floats) -> pd.DataFrame:
    """Median, quartiles and mean of FI at each threshold, per muscle: all segments together, then each.

    ``regions`` has one row per participant × segment × muscle × side, with the columns ``segment, muscle``;
    ``fi`` (n, 256) belongs to its rows. Quartiles at (n + 1)·p (SPSS's HAVERAGE), none for a single value.
    """
    blocks = []
    for segment, muscle, rows in _groups(regions):
        values = fi[rows]
        q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75], axis=0, method="weibull")
        if len(values) == 1:
            q1, q3 = np.full((2, GREY_LEVELS), np.nan)
        cells = (segment, muscle, range(GREY_LEVELS), len(values), median, q1, q3, values.mean(axis=0))
        blocks.append(pd.DataFrame(dict(zip(SWEEP_COLUMNS, cells, strict=True))))
    table = pd.concat(blocks, ignore_index=True)
    table.attrs.update(regions.attrs)
    return table


def slope_table(regions: pd.DataFrame, fi: Floats, threshold: int) -> pd.DataFrame:
    """By how much mean FI changes per grey level at ``threshold``: ½·(FI(t + 1) − FI(t − 1)).

    Arguments and order of the rows as in :func:`sweep_table`. At the ends of the scale FI is 1 below grey
    level 0 and 0 above 255, as every pixel, or none, is brighter.
    """
    rows = []
    for segment, muscle, chosen in _groups(regions):
        mean = np.concatenate(([1.0], fi[chosen].mean(axis=0), [0.0]))
        slope = (mean[threshold + 2] - mean[threshold]) / 2
        rows.append((segment, muscle, threshold, int(chosen.sum()), mean[threshold + 1], slope))
    return pd.DataFrame(rows, columns=list(SLOPE_COLUMNS))


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How many comparisons keep their answer when the threshold moves."""

    significant: int
    """With p < 0.05 at the study's threshold."""
    steady: int
    """Of these, with p < 0.05 and the same sign of the effect at every threshold."""
    other: int
    """Tested, but without p < 0.05 at the study's threshold."""
    sometimes: int
    """Of these, with p < 0.05 at some threshold."""


def steadiness(contrasts: pd.DataFrame, threshold: int, p: str = "p") -> Steadiness:
    """Count over a table with :data:`CONTRAST_COLUMNS`; ``p`` is the column that decides.

    A comparison without a test at some threshold is not steady; one without a test at the study's threshold
    is not counted.
    """
    significant = steady = sometimes = other = 0
    for _, rows in contrasts.groupby(COMPARISON_KEY, sort=False):
        below = (rows[p] < ALPHA).to_numpy()
        here = (rows["threshold"] == threshold).to_numpy()
        if below[here].any():
            significant += 1
            signs = np.sign(rows["effect_size"].to_numpy(dtype=float))
            steady += bool(below.all() and (signs == signs[0]).all())
        elif rows.loc[here, p].notna().any():
            other += 1
            sometimes += bool(below.any())
    return Steadiness(significant, steady, other, sometimes)


def _groups(regions: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Segment (empty: all), muscle, and which rows they are, in the order of the tables."""
    segments, muscles = (regions[column].to_numpy(dtype=object) for column in ("segment", "muscle"))
    for segment in ("", *(name for name in SPINE if name in segments)):
        for muscle in muscles_of(regions):
            rows = (muscles == muscle) & ((segments == segment) | (segment == ""))
            if rows.any():
                yield segment, muscle, rows
