"""Three samples or more against each other: the tests of one row of ``omnibus.csv``.

The rule is that of two arms: groups that are all normal by analysis of variance, or Welch's where Levene's
test finds unequal variances; all others by Kruskal and Wallis's test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from mriparaspinal.stats.arms import (
    NOT_JUDGED,
    Arm,
    Normality,
    decimals_of,
    describe,
    finite_sample,
    is_constant,
    levene_p,
)
from mriparaspinal.stats.limits import ALPHA, CONFIDENCE, Vector
from mriparaspinal.stats.post_hoc import Pair, dunn, games_howell, tukey

_NAN = math.nan

#: A group takes part with so many values.
FEWEST = 2

#: For larger ones η² has no interval.
LARGEST_F = 1e6

NO_ETA_INTERVAL = "no interval for an η² this large (F beyond 1000000)"

NO_OMNIBUS = "no test (fewer than three groups with two values, or all values equal)"

#: The test of all pairs after each test of all groups.
POST_HOC: dict[str, tuple[str, Callable[[Sequence[Vector]], list[Pair]]]] = {
    "anova": ("tukey_hsd", tukey),
    "welch_anova": ("games_howell", games_howell),
    "kruskal_wallis": ("dunn_holm", dunn),
}


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Several independent groups; without a test, ``test`` and ``effect`` are empty and the numbers NaN."""

    groups: tuple[Arm, ...]
    """All, in their order."""
    tested: tuple[int, ...] = ()
    """The numbers of those that took part."""
    levene_p: float = _NAN
    """Where all groups are normal."""
    test: str = ""
    """``anova``, ``welch_anova`` or ``kruskal_wallis``."""
    statistic: float = _NAN
    """F, or H."""
    df1: float = _NAN
    df2: float = _NAN
    p: float = _NAN
    effect: str = ""
    """``eta_squared``, ``omega_squared`` or ``epsilon_squared``."""
    effect_size: float = _NAN
    effect_ci_low: float = _NAN
    effect_ci_high: float = _NAN
    pairs: tuple[Pair, ...] = ()
    """Of the groups that took part, by their numbers among all."""
    remarks: tuple[str, ...] = ()

    @property
    def summaries(self) -> tuple[str, ...]:
        """Each group as ``mean ± SD`` or ``median (IQR)``, by its own normality."""
        digits = decimals_of([abs(x) for arm in self.groups for x in (arm.mean, arm.median, arm.sd)])
        return tuple(arm.summary(digits) for arm in self.groups)


def compare_groups(samples: Sequence[ArrayLike], normality: Normality = "lilliefors") -> GroupComparison:
    """Compare independent samples; each is 1-D, values that are not finite are left out.

    - One-way analysis of variance, with η² = SS_between/SS_total and its interval from the noncentral F
      distribution (Steiger, Psychol Methods 2004;9:164–182); then Tukey's test of all pairs.
    - Welch's (Biometrika 1951;38:330–336), with ω² = df1(F − 1)/(df1(F − 1) + N), never below 0 (Hays), which
      has no usual interval; then Games and Howell's test.
    - Kruskal and Wallis's (J Am Stat Assoc 1952;47:583–621), corrected for ties, with ε² = H/(N − 1)
      (Kelley); then Dunn's test with Holm's adjustment.

    Three groups need two values each, and not all values may be equal; smaller groups take no part.

    >>> found = compare_groups([[1, 2, 3, 4], [2, 3, 4, 6], [7, 8, 9, 9]])
    >>> found.test, found.df1, found.df2, round(found.statistic, 3)
    ('anova', 2.0, 9.0, 19.955)
    """
    values = [finite_sample(sample) for sample in samples]
    arms = tuple(describe(x, normality) for x in values)
    tested = tuple(i for i, x in enumerate(values) if x.size >= FEWEST)
    chosen = [values[i] for i in tested]
    if len(chosen) < 3 or is_constant(np.concatenate(chosen)):
        return GroupComparison(arms, tested, remarks=(NO_OMNIBUS,))
    if not all(arms[i].normal for i in tested):
        judged = not any(math.isnan(arms[i].normality_p) for i in tested)
        test, levene, remarks = "kruskal_wallis", _NAN, () if judged else (NOT_JUDGED,)
        numbers = kruskal_wallis(chosen)
    else:
        levene, remarks = levene_p(chosen), ()
        test = "anova" if levene >= ALPHA else "welch_anova"
        numbers = anova(chosen) if test == "anova" else welch_anova(chosen)
    if numbers.effect == "eta_squared" and math.isnan(numbers.effect_ci_low):
        remarks = (NO_ETA_INTERVAL,)
    pairs = tuple(_numbered(pair, tested) for pair in POST_HOC[test][1](chosen))
    return GroupComparison(arms, tested, levene, test, *numbers, pairs, remarks)


def eta_squared_interval(f: float, df1: float, df2: float) -> tuple[float, float]:
    """The 95 % interval of η² from an F: λ/(λ + N) of the noncentralities λ that put F at 2.5 % and 97.5 %.

    N is df1 + df2 + 1; an end that no noncentrality reaches is 0. NaN for an F beyond :data:`LARGEST_F`,
    where the noncentral distribution cannot be computed.
    """
    if f > LARGEST_F:
        return _NAN, _NAN
    n = df1 + df2 + 1

    def end(share: float) -> float:
        if special.fdtr(df1, df2, f) <= share:
            return 0.0
        far = max(f * df1, 1.0)
        while special.ncfdtr(df1, df2, far, f) > share:
            far *= 2
        root = optimize.brentq(lambda nc: special.ncfdtr(df1, df2, nc, f) - share, 0.0, far, xtol=1e-11)
        return float(root / (root + n))

    return end((1 + CONFIDENCE) / 2), end((1 - CONFIDENCE) / 2)


class Omnibus(NamedTuple):
    """The numbers of one test of all groups; what it does not have is NaN."""

    statistic: float
    df1: float
    df2: float
    p: float
    effect: str
    effect_size: float
    effect_ci_low: float = _NAN
    effect_ci_high: float = _NAN


def anova(samples: Sequence[Vector]) -> Omnibus:
    """One-way analysis of variance."""
    found = stats.f_oneway(*samples)
    f, df1, df2 = (
        float(found.statistic),
        len(samples) - 1.0,
        float(sum(x.size for x in samples)) - len(samples),
    )
    eta = f * df1 / (f * df1 + df2)
    return Omnibus(f, df1, df2, float(found.pvalue), "eta_squared", eta, *eta_squared_interval(f, df1, df2))


def welch_anova(samples: Sequence[Vector]) -> Omnibus:
    """Welch's analysis of variance, which takes no variances for equal."""
    k = len(samples)
    sizes = np.array([x.size for x in samples], dtype=float)
    means = np.array([x.mean() for x in samples])
    weights = sizes / np.array([x.var(ddof=1) for x in samples])
    centre = weights @ means / weights.sum()
    lost = float(((1 - weights / weights.sum()) ** 2 / (sizes - 1)).sum()) / (k**2 - 1)
    f = float(weights @ (means - centre) ** 2) / (k - 1) / (1 + 2 * (k - 2) * lost)
    df1, df2 = k - 1.0, 1 / (3 * lost)
    above = df1 * max(f - 1, 0.0)
    omega = above / (above + float(sizes.sum()))
    return Omnibus(f, df1, df2, float(special.fdtrc(df1, df2, f)), "omega_squared", omega)


def kruskal_wallis(samples: Sequence[Vector]) -> Omnibus:
    """Kruskal and Wallis's test, corrected for ties."""
    found = stats.kruskal(*samples)
    h, n = float(found.statistic), sum(x.size for x in samples)
    return Omnibus(h, len(samples) - 1.0, _NAN, float(found.pvalue), "epsilon_squared", h / (n - 1))


def _numbered(pair: Pair, numbers: Sequence[int]) -> Pair:
    return Pair(
        numbers[pair.a], numbers[pair.b], pair.difference, pair.statistic, pair.p, pair.df,
        pair.ci_low, pair.ci_high,
    )  # fmt: skip
