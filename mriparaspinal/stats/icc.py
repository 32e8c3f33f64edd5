"""Intraclass correlation coefficients with their intervals (McGraw & Wong 1996), and the CV of raters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import f as f_distribution

from mriparaspinal.core.text import count_of
from mriparaspinal.stats.limits import LIMITS_FACTOR, Matrix, of_usual_size

#: The forms of the intraclass correlation, as McGraw & Wong name them, in the order of the table.
FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")

#: Components of the ratings below this many units of their last digit are rounding, not variance.
_ROUNDING = 16 * float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True)
class Icc:
    """One form of the intraclass correlation; None is what the ratings do not determine."""

    form: str
    icc: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    f: float | None = None
    """F test of ICC = 0, with ``df1`` and ``df2`` degrees of freedom and its ``p``."""
    df1: int | None = None
    df2: int | None = None
    p: float | None = None
    sem: float | None = None
    """Standard error of measurement, in the unit of the ratings."""

    @property
    def mdc95(self) -> float | None:
        """Minimal detectable change, 1.96·√2·SEM."""
        return None if self.sem is None else LIMITS_FACTOR * math.sqrt(2) * self.sem


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    """Mean squares of the two-way layout of n ≥ 2 targets by k ≥ 2 raters without repeats."""

    n: int
    k: int
    targets: float
    raters: float
    error: float
    within: float


def icc_table(matrix: ArrayLike) -> tuple[list[Icc], list[str]]:
    """The six intraclass correlations of ``matrix`` (n targets, k raters), all finite, in the order of FORMS.

    Estimates, F tests of ICC = 0 and 95 % confidence intervals after McGraw & Wong 1996; the degrees of
    freedom of the (A,·) intervals are Satterthwaite's. What the ratings do not determine is None and said
    in the notes: all for fewer than two targets or raters, the ICCs without variance between targets, F and
    intervals of an ICC that is 1 for want of any error.

    The six targets and four judges of Shrout & Fleiss 1979, who print .17, .29 and .71:

    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> forms, notes = icc_table(ratings)
    >>> [f"{form.form} {form.icc:.2f}" for form in forms[:3]]
    ['ICC(1,1) 0.17', 'ICC(A,1) 0.29', 'ICC(C,1) 0.71']
    """
    x = np.asarray(matrix, dtype=float)
    if x.ndim != 2 or not of_usual_size(x).all():
        raise ValueError("matrix: expected finite numbers, targets by raters")
    n, k = x.shape
    if k < 2:
        return _undefined(None, None), [f"{count_of(k, 'rater')}: agreement needs two"]
    if n == 0:
        return _undefined(None, None), ["no complete target: nothing was computed"]
    if n == 1:
        return _undefined(float(x.var(ddof=1)), None), ["1 complete target: an ICC needs two"]
    ms = _mean_squares(x)
    if ms.targets == 0:
        return _undefined(ms.within, ms.error), ["no variance between targets: the ICCs are undefined"]
    agreement, notes = _agreement_forms(ms)
    if ms.within == 0:
        notes = ["all raters gave the same values: F and the intervals of the ICCs are undefined"]
    elif ms.error == 0:
        notes += ["raters differ by constants only: F and the intervals of the ICC(C,·) are undefined"]
    one_way = _one_ratio_forms("1", ms, ms.within, n * (k - 1))
    consistency = _one_ratio_forms("C", ms, ms.error, (n - 1) * (k - 1))
    found = {icc.form: icc for icc in (*one_way, *agreement, *consistency)}
    return [found[form] for form in FORMS], notes


def cv_of_raters(matrix: ArrayLike) -> tuple[float | None, list[str]]:
    """Coefficient of variation of ``matrix`` (n targets, k raters) in per cent: 100·√mean(s²/m²).

    s² (with k − 1) and m are variance and mean of one target's ratings, and the root mean square over
    targets is taken (Glüer et al. 1995, *Osteoporos Int* 5:262–270). A target of mean 0 has none: it is
    left out and noted. None where nothing is left.

    >>> cv_of_raters([[99.0, 101.0], [10.0, 10.0]])
    (1.0, [])
    """
    x = np.asarray(matrix, dtype=float)
    if x.shape[0] == 0 or x.shape[1] < 2:
        return None, []
    mean = x.mean(axis=1)
    has_mean = np.abs(mean) > _ROUNDING * np.abs(x).max(axis=1)
    notes = []
    if not has_mean.all():
        notes.append(f"CV: {count_of(int((~has_mean).sum()), 'target')} of mean 0 left out")
    if not has_mean.any():
        return None, notes
    # Deviations from the first rater have the same variance, and are exactly 0 for equal ratings.
    deviation = (x - x[:, :1])[has_mean] / mean[has_mean, np.newaxis]
    return 100 * math.sqrt(deviation.var(axis=1, ddof=1).mean()), notes


def _mean_squares(x: Matrix) -> _MeanSquares:
    n, k = x.shape
    floor = _ROUNDING * float(np.abs(x).max())
    centred = x - x.mean()
    targets = centred.mean(axis=1, keepdims=True)
    raters = centred.mean(axis=0, keepdims=True)
    return _MeanSquares(
        n=n,
        k=k,
        targets=k * _sum_of_squares(targets, floor) / (n - 1),
        raters=n * _sum_of_squares(raters, floor) / (k - 1),
        error=_sum_of_squares(centred - targets - raters, floor) / ((n - 1) * (k - 1)),
        within=_sum_of_squares(centred - targets, floor) / (n * (k - 1)),
    )


def _sum_of_squares(component: Matrix, floor: float) -> float:
    """The sum of squares, 0 where nothing rises above rounding: else F would be a ratio of noise."""
    return 0.0 if np.abs(component).max() <= floor else float((component**2).sum())


def _undefined(within: float | None, error: float | None) -> list[Icc]:
    """The six forms without an ICC, with the SEM where the mean square is known."""
    squares = {"1": within, "A": within, "C": error}
    return [Icc(form, sem=_root(squares[form[4]])) for form in FORMS]


def _one_ratio_forms(letter: str, ms: _MeanSquares, error: float, df2: int) -> tuple[Icc, Icc]:
    """ICC(1,·) or ICC(C,·): those that depend on one F, targets over ``error``."""
    k, df1, sem = ms.k, ms.n - 1, math.sqrt(error)
    single = (ms.targets - error) / (ms.targets + (k - 1) * error)
    average = (ms.targets - error) / ms.targets
    if error == 0:
        return Icc(f"ICC({letter},1)", single, sem=sem), Icc(f"ICC({letter},k)", average, sem=sem)
    f = ms.targets / error
    p = float(f_distribution.sf(f, df1, df2))
    low = f / float(f_distribution.ppf(0.975, df1, df2))
    high = f * float(f_distribution.ppf(0.975, df2, df1))
    of_single = _interval((low - 1) / (low + k - 1), single, (high - 1) / (high + k - 1))
    of_average = _interval(1 - 1 / low, average, 1 - 1 / high)
    return (
        Icc(f"ICC({letter},1)", single, *of_single, f, df1, df2, p, sem),
        Icc(f"ICC({letter},k)", average, *of_average, f, df1, df2, p, sem),
    )


def _agreement_forms(ms: _MeanSquares) -> tuple[tuple[Icc, Icc], list[str]]:
    """ICC(A,1) and ICC(A,k).

    The formulas of the average are those of one rating stepped up by Spearman–Brown. Where raters err much
    more than targets vary, their denominators reach 0 and beyond it turn round: no value is given there.
    """
    n, k, targets, raters, error = ms.n, ms.k, ms.targets, ms.raters, ms.error
    single = n * (targets - error) / (n * targets + k * raters + (k * n - k - n) * error)
    average = _ratio(n * (targets - error), n * targets + raters, error)
    single_low = single_high = average_low = average_high = None
    df = _satterthwaite(ms, single)
    if df is not None:
        down = float(f_distribution.ppf(0.975, n - 1, df))
        up = float(f_distribution.ppf(0.975, df, n - 1))
        rest = k * raters + (k * n - k - n) * error
        single_low, single_high = _interval(
            n * (targets - down * error) / (down * rest + n * targets),
            single,
            n * (up * targets - error) / (rest + n * up * targets),
        )
    if average is not None and single_low is not None:
        average_low = _ratio(n * (targets - down * error), down * raters + n * targets, down * error)
        average_high = _ratio(n * (up * targets - error), raters + n * up * targets, error)
        average_low = None if average_low is None else min(average_low, average)
        average_high = None if average_high is None else max(average_high, average)
    notes = []
    if average is None:
        notes.append("raters err too much for the formula of ICC(A,k): it is left empty")
    if single_low is None and error > 0:
        notes.append("ICC(A,·) too far below 0 for Satterthwaite's approximation: no interval")
    elif average is not None and average_low is None and error > 0:
        notes.append("ICC(A,k) has no lower bound: it is left empty")
    f, df1, df2, p = None, None, None, None
    if error > 0:
        f, df1, df2 = targets / error, n - 1, (n - 1) * (k - 1)
        p = float(f_distribution.sf(f, df1, df2))
    sem = math.sqrt(ms.within)
    return (
        Icc("ICC(A,1)", single, single_low, single_high, f, df1, df2, p, sem),
        Icc("ICC(A,k)", average, average_low, average_high, f, df1, df2, p, sem),
    ), notes


def _satterthwaite(ms: _MeanSquares, icc: float) -> float | None:
    """Degrees of freedom of a·MS_raters + b·MS_error, None where both are 0.

    a and b are multiplied by n·(1 − ICC), which the ratio does not feel, to have no division by 0 at ICC 1.
    """
    a = ms.k * icc * ms.raters
    b = (ms.n * (1 + (ms.k - 1) * icc) - ms.k * icc) * ms.error
    variance = a**2 / (ms.k - 1) + b**2 / ((ms.n - 1) * (ms.k - 1))
    return None if variance == 0 or a + b == 0 else (a + b) ** 2 / variance


def _interval(low: float, icc: float, high: float) -> tuple[float | None, float | None]:
    """Both bounds, tidied of rounding, or neither where they do not enclose the estimate.

    With a negative ICC(A,1) one of Satterthwaite's weights is negative, his degrees of freedom can fall
    towards 0, and the bounds then shrink to a point beside the estimate or change places.
    """
    at_low, at_high = math.isclose(low, icc, rel_tol=1e-12), math.isclose(high, icc, rel_tol=1e-12)
    if not ((low < icc or at_low) and (icc < high or at_high)):
        return None, None
    return min(low, icc), max(high, icc)


def _ratio(numerator: float, plus: float, minus: float) -> float | None:
    """The ratio numerator / (plus − minus), None where the denominator is not clearly positive."""
    denominator = plus - minus
    return numerator / denominator if denominator > 1e-12 * plus else None


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(square)
