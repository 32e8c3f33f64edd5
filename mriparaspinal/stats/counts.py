"""How many comparisons there are, and how many stand out: counted here, told in many places."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mriparaspinal.stats.limits import ALPHA


@dataclass(frozen=True, slots=True)
class ComparisonCounts:
    """Rows of ``comparisons.csv``; one without a test, for want of values, is no comparison."""

    tested: int
    not_tested: int
    below: int
    """With p below 0.05, not adjusted."""
    adjusted_below: int
    """With an adjusted p below 0.05."""


def count_comparisons(comparisons: pd.DataFrame) -> ComparisonCounts:
    """Count the rows of comparisons, which have the columns ``p`` and ``p_adjusted``."""
    tested = int(comparisons["p"].notna().sum())
    below, adjusted = (int((comparisons[column] < ALPHA).sum()) for column in ("p", "p_adjusted"))
    return ComparisonCounts(tested, len(comparisons) - tested, below, adjusted)
