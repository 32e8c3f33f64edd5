"""Power and sample size: of two arms, pairs, areas under the ROC curve, ICC; a random-intercept model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import integrate, stats

#: Nobody plans a study of more participants per arm.
MOST = 100_000

#: From this noncentrality on the noncentral t is integrated.
_FAR = 30.0

#: Asymptotic relative efficiency of Wilcoxon's signed-rank test to the t-test, of normal differences.
WILCOXON_ARE = 3 / math.pi


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a study is planned for."""

    power: float = 0.8
    """The power that is wanted."""
    alpha: float = 0.05
    """Two-sided level of significance of all tests together."""
    tests: int = 1
    """How many tests share alpha, after Bonferroni."""
    ratio: float = 1.0
    """Participants of arm b for each of arm a."""
    difference: float | None = None
    """Difference to detect, in the unit of the metric; None: what was observed."""
    effect_size: float | None = None
    """The same in SD: of the two arms (root mean square), or of the paired differences."""
    icc: float | None = None
    """ICC that is expected."""
    icc_null: float | None = None
    """ICC that it has to be shown to exceed."""
    icc_width: float | None = None
    """Width of the 95 % interval that it is to have."""
    raters: int = 2
    """Readings of each target."""
    auc: float | None = None
    """Area under the ROC curve that is expected."""
    auc_null: float = 0.5
    """Area that it has to be shown to differ from."""
    auc_width: float | None = None
    """Width of the 95 % interval that it is to have."""
    seed: int = 1
    """Of the simulation of the mixed model."""

    @property
    def level(self) -> float:
        """The level of each test."""
        return self.alpha / self.tests


def welch_power(difference: float, sd_a: float, sd_b: float, n_a: float, n_b: float, level: float) -> float:
    """Power of Welch's t-test: noncentral t with Satterthwaite's degrees of freedom at the true SDs.

    Both tails count. With equal SDs and sizes it is Student's.

    >>> round(welch_power(1.0, 1.0, 1.0, 17, 17, 0.05), 4)  # power.t.test(17, 1, strict = TRUE)
    0.807
    """
    a, b = sd_a**2 / n_a, sd_b**2 / n_b
    df = (a + b) ** 2 / (a**2 / (n_a - 1) + b**2 / (n_b - 1))
    return _t_power(difference / math.sqrt(a + b), df, level)


def pooled_power(difference: float, sd: float, n_a: float, n_b: float, level: float) -> float:
    """Power of Student's t-test, and of the group effect of a balanced random-intercept model.

    There ``sd`` is that of a participant's mean, √(σ²_participant + σ²_residual / regions): the F test of
    the group is then the t-test of the participants' means.
    """
    return _t_power(difference / (sd * math.sqrt(1 / n_a + 1 / n_b)), n_a + n_b - 2, level)


def paired_power(standardised: float, n: float, level: float) -> float:
    """Power of the paired t-test; ``standardised``: mean difference / SD of the differences."""
    return _t_power(standardised * math.sqrt(n), n - 1, level)


def wilcoxon_power(standardised: float, n: float, level: float) -> float:
    """Power of Wilcoxon's signed-rank test: that of the t-test of 3/π times as many pairs."""
    effective = n * WILCOXON_ARE
    return paired_power(standardised, effective, level) if effective > 1 else 0.0


def mann_whitney_power(superiority: float, n_a: float, n_b: float, level: float) -> float:
    """Power of the Mann–Whitney test after Noether (1987); ``superiority``: P(a > b) + P(a = b)/2."""
    z = abs(superiority - 0.5) * math.sqrt(12 * n_a * n_b / (n_a + n_b))
    return float(stats.norm.cdf(z - stats.norm.isf(level / 2)))


def auc_error(auc: float, n_positive: float, n_negative: float) -> float:
    """Standard error of an area under the ROC curve after Hanley and McNeil (1982).

    >>> round(auc_error(0.8, 30, 30), 3)
    0.058
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_positive - 1) * (q1 - auc**2) + (n_negative - 1) * (q2 - auc**2)
    return math.sqrt(max(spread, 0.0) / (n_positive * n_negative))


def auc_power(auc: float, null: float, n_positive: float, n_negative: float, level: float) -> float:
    """Power to tell an area from ``null``: Φ((|AUC − null| − z·SE(null)) / SE(AUC))."""
    beyond = abs(auc - null) - float(stats.norm.isf(level / 2)) * auc_error(null, n_positive, n_negative)
    error = auc_error(auc, n_positive, n_negative)
    return float(stats.norm.cdf(beyond / error)) if error else float(beyond > 0)


def auc_width(auc: float, n_positive: float, n_negative: float, level: float = 0.05) -> float:
    """Width of the interval of an area, 2·z·SE."""
    return 2 * float(stats.norm.isf(level / 2)) * auc_error(auc, n_positive, n_negative)


def icc_power(icc: float, null: float, targets: float, raters: int, level: float) -> float:
    """Power of the one-sided F test of ICC = ``null`` against a larger one (Walter et al. 1998).

    With θ(ρ) = 1 + kρ/(1 − ρ), F/θ is distributed as F with n − 1 and n(k − 1) degrees of freedom.
    """
    df = targets - 1, targets * (raters - 1)
    shrunk = (1 + raters * null / (1 - null)) / (1 + raters * icc / (1 - icc))
    return float(stats.f.sf(shrunk * stats.f.isf(level, *df), *df))


def icc_targets(icc: float, width: float, raters: int, level: float = 0.05) -> float:
    """Targets for an interval of such a width after Bonett (2002), not rounded.

    >>> round(icc_targets(0.85, 0.2, 4), 1)
    19.2
    """
    z = float(stats.norm.isf(level / 2))
    spread = ((1 - icc) * (1 + (raters - 1) * icc)) ** 2 / (raters * (raters - 1))
    more = 5 * icc if raters == 2 and icc >= 0.7 else 0.0
    return 8 * z**2 * spread / width**2 + 1 + more


def smallest(power_at: Callable[[int], float], wanted: float, least: int = 2) -> int | None:
    """The smallest size at which a power that grows with it is reached; None beyond :data:`MOST`."""
    low, high = least - 1, least
    while not power_at(high) >= wanted:
        low, high = high, 2 * high
        if low >= MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if power_at(middle) >= wanted:
            high = middle
        else:
            low = middle
    return high if high <= MOST else None


def simulated_power(
    difference: float,
    sds: tuple[float, float],
    sizes: tuple[int, int],
    regions: int,
    level: float,
    seed: int,
    replications: int = 2000,
) -> float:
    """Share of simulated studies in which a random-intercept model finds the group's effect.

    Each participant has a normal intercept, each region a normal residual (``sds``: their SDs); the model is
    balanced, so that the F test of the group with its exact degrees of freedom is the t-test of the
    participants' means. The error of the share is √(p(1 − p) / replications), 0.009 at p = 0.8.
    """
    rng = np.random.default_rng(seed)
    means = []
    for size, shift in zip(sizes, (difference, 0.0), strict=True):
        own = shift + sds[0] * rng.standard_normal((replications, size))
        residual = sum(rng.standard_normal((replications, size)) for _ in range(regions))
        means.append(own + sds[1] * residual / regions)
    p = stats.ttest_ind(*means, axis=1).pvalue
    return float(np.mean(p < level))


def _t_power(noncentrality: float, df: float, level: float) -> float:
    """Both tails of the noncentral t; integrated where SciPy has no answer, far out."""
    beyond = float(stats.t.isf(level / 2, df))
    distance = abs(noncentrality)
    lower, upper = (float(stats.nct.cdf(-beyond, df, distance)), float(stats.nct.sf(beyond, df, distance)))
    if math.isnan(upper) or distance > _FAR:
        ends = stats.chi2.ppf(1e-15, df), stats.chi2.isf(1e-15, df)
        upper, _ = integrate.quad(
            lambda x: stats.norm.cdf(distance - beyond * math.sqrt(x / df)) * stats.chi2.pdf(x, df), *ends
        )
    return min(upper + (0.0 if math.isnan(lower) else lower), 1.0)
