"""Two samples against each other: the tests of one row of ``comparisons.csv``.

The rule of the paper's tables: an arm is normal if Lilliefors' test does not reject it at 0.05. Two normal
arms are compared by Student's t-test, or Welch's where Levene's test finds unequal variances; all others
by the Mann–Whitney U test. An arm whose normality cannot be judged (fewer than four values, or all equal)
counts as not normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors

from mriparaspinal.stats.effect_sizes import (
    hedges_g_unpooled,
    hedges_g_z,
    matched_rank_biserial,
    rank_biserial_interval,
)
from mriparaspinal.stats.exact_ranks import mann_whitney_exact, wilcoxon_exact
from mriparaspinal.stats.limits import ALPHA, CONFIDENCE
from mriparaspinal.stats.shift import Shift, hodges_lehmann, pseudo_median, without_rounding_errors

Normality = Literal["lilliefors", "shapiro"]

Floats = NDArray[np.float64]

#: A spread below this share of the largest value is rounding, not data.
_ROUNDING = 1e-12

_NAN = math.nan

NOT_JUDGED = "normality could not be judged (too few values, or all equal), taken as not normal"

NO_TEST = "no test (fewer than two values in an arm, or all values of both arms equal)"

NO_INTERVAL = "no interval for an effect size this large (t beyond 300)"

NO_DIFFERENCE_INTERVAL = "no interval of the difference (too few values for 95 %, or all differences equal)"

NO_PAIRED_TEST = "no paired test (fewer than two pairs, or no pair differs)"

PAIRS_NOT_JUDGED = "normality of the differences could not be judged, taken as not normal"

NO_PAIRED_INTERVAL = "no interval of the paired difference (too few pairs for 95 %, or all differences equal)"

NO_PAIRED_EFFECT = "no interval of the paired effect (all pairs differ in one direction, or t beyond 300)"


@dataclass(frozen=True, slots=True)
class Arm:
    """What describes one arm; what cannot be computed is NaN."""

    n: int
    mean: float
    sd: float
    """With n − 1."""
    median: float
    q1: float
    q3: float
    """Quartiles at (n + 1)·p, as SPSS's HAVERAGE; none for a single value."""
    normality_p: float

    @property
    def normal(self) -> bool:
        """True where normality could be judged and was not rejected."""
        return self.normality_p >= ALPHA

    def summary(self, digits: int) -> str:
        """``mean ± SD`` where the arm is normal, else ``median (IQR)``; empty for an empty arm."""
        if self.n == 0:
            return ""
        if self.normal:
            return f"{self.mean:z.{digits}f} ± {self.sd:z.{digits}f}"
        centre = f"{self.median:z.{digits}f}"
        return centre if self.n == 1 else f"{centre} ({self.q3 - self.q1:z.{digits}f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two independent arms; without a test, ``test`` and ``effect`` are empty and the numbers NaN."""

    a: Arm
    b: Arm
    test: str = ""
    """``student_t``, ``welch_t`` or ``mann_whitney_u``."""
    statistic: float = _NAN
    """t, positive where arm a is larger; or U of arm a."""
    df: float = _NAN
    p: float = _NAN
    effect: str = ""
    """``hedges_g`` or ``rank_biserial``, positive where arm a is larger."""
    effect_size: float = _NAN
    effect_ci_low: float = _NAN
    effect_ci_high: float = _NAN
    p_exact: float = _NAN
    """Of a Mann–Whitney test with n_a·n_b < 400."""
    remarks: tuple[str, ...] = ()
    """What could not be done, and why."""
    difference_kind: str = ""
    """``mean_difference`` or ``hodges_lehmann``."""
    difference: float = _NAN
    """In the unit of the values, positive where arm a is larger."""
    difference_ci_low: float = _NAN
    difference_ci_high: float = _NAN

    @property
    def summaries(self) -> tuple[str, str]:
        """Each arm as ``mean ± SD`` or ``median (IQR)``, by its own normality.

        >>> compare_arms([1, 2, 3, 4, 5], [2, 2, 2, 9]).summaries
        ('3.00 ± 1.58', '2.00 (5.25)')
        """
        digits = decimals_of([abs(x) for arm in (self.a, self.b) for x in (arm.mean, arm.median, arm.sd)])
        return self.a.summary(digits), self.b.summary(digits)


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """One arm against the other over pairs; without a test, ``test`` is empty and the numbers NaN."""

    test: str = ""
    """``paired_t`` or ``wilcoxon``."""
    statistic: float = _NAN
    """t of a − b, or the smaller rank sum."""
    p: float = _NAN
    p_exact: float = _NAN
    """Of a Wilcoxon test with 20 differences at most, zeros not counted."""
    remarks: tuple[str, ...] = ()
    n: int | None = None
    """Pairs with two values; None where nothing is paired."""
    difference: float = _NAN
    """Of a paired t-test the mean of a − b, of Wilcoxon's test the pseudo-median."""
    difference_ci_low: float = _NAN
    difference_ci_high: float = _NAN
    effect: str = ""
    """``hedges_g_z`` or ``matched_rank_biserial``, positive where arm a is larger."""
    effect_size: float = _NAN
    effect_ci_low: float = _NAN
    effect_ci_high: float = _NAN


def compare_arms(a: ArrayLike, b: ArrayLike, normality: Normality = "lilliefors") -> Comparison:
    """Compare two independent samples; ``a`` and ``b`` are 1-D, values that are not finite are left out.

    Both arms normal: Student's t-test, Welch's where Levene's test (centred on the mean) gives p < 0.05.
    Beside Student's test Hedges' g = d·(1 − 3/(4N − 9)), d with the pooled SD; its 95 % interval has the
    large-sample standard error of Hedges & Olkin 1985 (p. 86) and the t quantile with N − 2 degrees of
    freedom. Beside Welch's that of :func:`~mriparaspinal.stats.effect_sizes.hedges_g_unpooled`.
    Otherwise the Mann–Whitney U test (asymptotic, corrected for ties, no continuity correction; an exact p
    beside it where n_a·n_b < 400) and the rank-biserial correlation 2·U_a/(n_a·n_b) − 1 with the interval of
    :func:`~mriparaspinal.stats.effect_sizes.rank_biserial_interval`. Each arm needs two values, and not all
    values may be equal. ``difference`` is that of the means with the interval of the t-test, beside a
    Mann–Whitney test that of :func:`~mriparaspinal.stats.shift.hodges_lehmann`.

    >>> result = compare_arms([1, 2, 3, 4, 5], [2, 3, 4, 5, 9])
    >>> result.test, result.df, round(result.statistic, 3)
    ('student_t', 8.0, -1.143)
    """
    x, y = finite_sample(a), finite_sample(b)
    arm_a, arm_b = describe(x, normality), describe(y, normality)
    if min(x.size, y.size) < 2 or is_constant(np.concatenate([x, y])):
        return Comparison(arm_a, arm_b, remarks=(NO_TEST,))
    judged = not (math.isnan(arm_a.normality_p) or math.isnan(arm_b.normality_p))
    remarks: tuple[str, ...] = () if judged else (NOT_JUDGED,)
    if arm_a.normal and arm_b.normal:
        equal = levene_p((x, y)) >= ALPHA
        result = stats.ttest_ind(x, y, equal_var=equal)
        if equal:
            g = _hedges_g(x, y)
            low, high = _hedges_interval(g, x.size, y.size)
        else:
            g, low, high = hedges_g_unpooled(x, y)
            remarks = (NO_INTERVAL,) if math.isnan(low) else ()
        means = _with_interval(arm_a.mean - arm_b.mean, result)
        return Comparison(
            arm_a, arm_b, "student_t" if equal else "welch_t",
            float(result.statistic), float(result.df), float(result.pvalue),
            "hedges_g", g, low, high, _NAN, remarks, "mean_difference", means.estimate, means.low, means.high,
        )  # fmt: skip
    result = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
    u = float(result.statistic)
    r = 2 * u / (x.size * y.size) - 1
    low, high = rank_biserial_interval(r, x.size, y.size)
    shift = hodges_lehmann(x, y)
    remarks += (NO_DIFFERENCE_INTERVAL,) * math.isnan(shift.low)
    return Comparison(
        arm_a, arm_b, "mann_whitney_u", u, _NAN, float(result.pvalue),
        "rank_biserial", r, low, high, mann_whitney_exact(x, y), remarks,
        "hodges_lehmann", shift.estimate, shift.low, shift.high,
    )  # fmt: skip


def compare_pairs(a: ArrayLike, b: ArrayLike, normality: Normality = "lilliefors") -> PairedComparison:
    """Compare two samples of the same participants, a − b; pairs without two finite values are left out.

    ``paired_t`` if the differences are normal, with the mean difference and Hedges' g_z, else Wilcoxon's
    signed-rank test (asymptotic, corrected for ties, no continuity correction, zero differences dropped; an
    exact p beside it for 20 differences at most) with the pseudo-median and the matched-pairs rank-biserial
    correlation. ``a`` and ``b`` are 1-D, of one length.

    >>> compare_pairs([3, 5, 6, 9], [1, 1, 1, 1]).test
    'paired_t'
    """
    differences, size = pair_differences(a, b)
    n = differences.size
    rounded = without_rounding_errors(differences, size)
    if n < 2 or not rounded.any():
        return PairedComparison(n=n, remarks=(NO_PAIRED_TEST,))
    normal_p = _NAN if is_constant(differences, size) else _normality_p(differences, normality)
    if normal_p >= ALPHA:
        result = stats.ttest_1samp(differences, 0.0)
        shift = _with_interval(differences.mean(), result)
        test, effect, sizes, exact = "paired_t", "hedges_g_z", hedges_g_z(differences), _NAN
    else:
        result = stats.wilcoxon(rounded, correction=False, method="asymptotic")
        shift = pseudo_median(rounded)
        test, effect, sizes = "wilcoxon", "matched_rank_biserial", matched_rank_biserial(rounded)
        exact = wilcoxon_exact(rounded)
    remarks = (PAIRS_NOT_JUDGED,) * math.isnan(normal_p) + (NO_PAIRED_INTERVAL,) * math.isnan(shift.low)
    remarks += (NO_PAIRED_EFFECT,) * math.isnan(sizes[1])
    return PairedComparison(
        test, float(result.statistic), float(result.pvalue), exact, remarks,
        n, shift.estimate, shift.low, shift.high, effect, *sizes,
    )  # fmt: skip


def pair_differences(a: ArrayLike, b: ArrayLike) -> tuple[Floats, float]:
    """The differences a − b of complete pairs in ascending order, and the largest value of the pairs."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    complete = np.isfinite(x) & np.isfinite(y)
    x, y = x[complete], y[complete]
    return np.sort(x - y), float(max(np.abs(x).max(), np.abs(y).max())) if x.size else 0.0


def _with_interval(estimate: float, result: Any) -> Shift:
    """A mean difference with the 95 % interval of its t-test."""
    interval = result.confidence_interval(CONFIDENCE)
    return Shift(float(estimate), float(interval.low), float(interval.high))


def finite_sample(values: ArrayLike) -> Floats:
    """Finite values in ascending order, so that sums do not depend on the order of the rows."""
    x = np.asarray(values, dtype=np.float64)
    return np.sort(x[np.isfinite(x)])


def describe(x: Floats, normality: Normality) -> Arm:
    """One arm in numbers; ``x`` is that of :func:`finite_sample`."""
    if x.size == 0:
        return Arm(0, _NAN, _NAN, _NAN, _NAN, _NAN, _NAN)
    if x.size == 1:
        return Arm(1, float(x[0]), _NAN, float(x[0]), _NAN, _NAN, _NAN)
    q1, median, q3 = (float(q) for q in np.quantile(x, [0.25, 0.5, 0.75], method="weibull"))
    normal_p = _NAN if is_constant(x) else _normality_p(x, normality)
    return Arm(x.size, float(x.mean()), float(x.std(ddof=1)), median, q1, q3, normal_p)


def is_constant(x: Floats, size: float | None = None) -> bool:
    """All equal up to rounding, measured against ``size`` (the largest value of the data)."""
    return bool(np.ptp(x) <= _ROUNDING * (np.abs(x).max() if size is None else size))


def _normality_p(x: Floats, normality: Normality) -> float:
    """The p of a sample that is not constant; NaN where it is too small, or too large for Shapiro–Wilk."""
    if x.size < 3 or x.std(ddof=1) == 0:  # tiny numbers, whose squares are 0
        return _NAN
    if normality == "shapiro":
        return float(stats.shapiro(x).pvalue) if 3 <= x.size <= 5000 else _NAN
    return float(lilliefors(x, dist="norm", pvalmethod="approx")[1]) if x.size >= 4 else _NAN


def levene_p(samples: Sequence[Floats]) -> float:
    """Levene's test, centred on the mean; where no sample has deviations that vary, 1 or 0."""
    deviations = [np.abs(x - x.mean()) for x in samples]
    size = max(float(np.abs(x).max()) for x in samples)
    if all(is_constant(d, size) for d in deviations):
        # F is then 0/0 or infinite, whatever the rounding makes of it.
        return float(np.ptp([d[0] for d in deviations]) <= _ROUNDING * size)
    return float(stats.levene(*samples, center="mean").pvalue)


def _hedges_g(x: Floats, y: Floats) -> float:
    n = x.size + y.size
    pooled = ((x.size - 1) * x.var(ddof=1) + (y.size - 1) * y.var(ddof=1)) / (n - 2)
    return float((x.mean() - y.mean()) / math.sqrt(pooled) * (1 - 3 / (4 * n - 9)))


def _hedges_interval(g: float, n_a: int, n_b: int) -> tuple[float, float]:
    n = n_a + n_b
    error = math.sqrt(n / (n_a * n_b) + g**2 / (2 * n))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 2)) * error
    return g - half, g + half


def decimals_of(sizes: Sequence[float]) -> int:
    """Two, as in the paper; where two would show nothing of all these sizes, three significant digits."""
    largest = max((size for size in sizes if size == size), default=0.0)
    return 2 if largest >= 0.02 or largest == 0 else 2 - math.floor(math.log10(largest))
