"""Sensitivity at a fixed specificity, and specificity at a fixed sensitivity.

The interval allows for the cut-off, which is estimated, too: the bootstrap of Zhou & Qin 2005 (*Stat Med*
24:465–477, BTII), with Agresti and Coull's variance of a share in place of that of the resamples, which is 0
where all patients, or none, are found. All resamples are counted by their probabilities, none is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from mriparaspinal.stats.limits import Z975, Mask, Vector
from mriparaspinal.stats.roc_curve import Predictor, curve_of

#: The columns of ``roc_fixed.csv``.
FIXED_COLUMNS = (
    "predictor", "direction", "n_positive", "n_negative", "fixed", "at_least", "cutoff", "sensitivity",
    "specificity", "ci_low", "ci_high",
)  # fmt: skip

#: A share of patients that misses a whole number by less is that number.
_ROUNDING = 1e-9


def fixed_rates(
    predictors: Sequence[Predictor],
    is_positive: Mask,
    specificities: Sequence[float],
    sensitivities: Sequence[float],
    notes: list[str],
) -> pd.DataFrame:
    """One row per predictor and rate that is fixed, with ``FIXED_COLUMNS``; the interval is the other rate's.

    Of the cut-offs at which the fixed rate is reached, or more, the one with the highest other rate.
    """
    asked = [("specificity", value) for value in specificities]
    asked += [("sensitivity", value) for value in sensitivities]
    rows = [_row(one, is_positive, *of, notes) for one in predictors for of in asked]
    return pd.DataFrame(rows, columns=list(FIXED_COLUMNS))


def _row(
    predictor: Predictor, is_positive: Mask, fixed: str, value: float, notes: list[str]
) -> dict[str, Any]:
    positives, negatives = predictor.arms(is_positive)
    row: dict[str, Any] = dict.fromkeys(FIXED_COLUMNS, math.nan) | {
        "predictor": predictor.name,
        "direction": predictor.direction,
        "n_positive": len(positives),
        "n_negative": len(negatives),
        "fixed": fixed,
        "at_least": value,
    }
    if not len(positives) or not len(negatives):
        return row
    curve = curve_of(predictor, positives, negatives)
    counts = {"sensitivity": curve.true_positives, "specificity": curve.true_negatives}
    other = "sensitivity" if fixed == "specificity" else "specificity"
    least = needed(value, len(negatives if fixed == "specificity" else positives))
    reached = np.flatnonzero(counts[fixed] >= least)
    best = reached[np.lexsort((counts[fixed][reached], counts[other][reached]))[-1]]
    row |= {"sensitivity": float(curve.sensitivity[best]), "specificity": float(curve.specificity[best])}
    if 0 < best < len(curve.cutoffs) - 1:
        row["cutoff"] = float(curve.cutoffs[best])
    else:
        notes.append(f"{predictor.name}: no cut-off between two values has a {fixed} of {value:g} or more")
    positives, negatives = predictor.oriented_arms(is_positive)
    arms = (negatives, positives) if fixed == "specificity" else (-positives, -negatives)
    row["ci_low"], row["ci_high"] = rate_interval(*arms, least)
    return row


def needed(share: float, n: int) -> int:
    """So many of ``n`` are at least that share."""
    return max(math.ceil(share * n - _ROUNDING), 1)


def rate_interval(held: Vector, judged: Vector, least: int) -> tuple[float, float]:
    """The 95 % interval of the share of ``judged`` above a cut-off that has ``least`` of ``held`` below it.

    In a resample of ``held`` the cut-off lies just above its value number ``least``. That this is the k-th of
    them or a lower one has the probability that a binomial with k/n is ``least`` or more.
    """
    held, n, m = np.sort(held), len(held), len(judged)
    up_to = binom.sf(least - 1, n, np.arange(n + 1) / n)
    chance = np.diff(up_to)
    found = m - np.searchsorted(np.sort(judged), held, side="right")
    shares = (found + Z975**2 / 2) / (m + Z975**2)
    middle = float((chance * shares).sum())
    variance = float((chance * (shares * (1 - shares) / (m + Z975**2) + (shares - middle) ** 2)).sum())
    half = Z975 * math.sqrt(variance)
    return max(middle - half, 0.0), min(middle + half, 1.0)
