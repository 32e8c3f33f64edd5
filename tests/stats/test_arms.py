"""Two samples against each other: SciPy, pingouin, R, papers and values by hand."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from statsmodels.stats.diagnostic import lilliefors

from mriparaspinal.stats.arms import (
    NO_DIFFERENCE_INTERVAL,
    NO_INTERVAL,
    NO_PAIRED_TEST,
    NO_TEST,
    NOT_JUDGED,
    compare_arms,
    compare_pairs,
)
from mriparaspinal.stats.effect_sizes import rank_biserial_interval
from mriparaspinal.stats.exact_ranks import mann_whitney_exact, wilcoxon_exact


def sample(rng: np.random.Generator, n: int) -> np.ndarray:
    """One of several kinds of data: normal, skewed, uniform, with ties, in whole numbers."""
    kind = rng.integers(5)
    if kind == 0:
        return rng.normal(rng.uniform(-1, 1), rng.uniform(0.2, 3), n)
    if kind == 1:
        return rng.lognormal(0, 0.8, n)
    if kind == 2:
        return rng.uniform(0, 1, n)
    if kind == 3:
        return np.round(rng.normal(0.4, 0.2, n), 1)
    return rng.integers(0, 5, n).astype(float)


def is_normal(x: np.ndarray, normality: str) -> bool:
    if np.ptp(x) == 0 or len(x) < (4 if normality == "lilliefors" else 3):
        return False
    p = (
        lilliefors(x, dist="norm", pvalmethod="approx")[1]
        if normality == "lilliefors"
        else stats.shapiro(x)[1]
    )
    return p >= 0.05


def expect(value: float, oracle: float) -> None:
    assert value == pytest.approx(oracle, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("normality", ["lilliefors", "shapiro"])
@pytest.mark.parametrize("seed", range(60))
def test_arms_against_scipy_and_pingouin(seed, normality):
    rng = np.random.default_rng(seed)
    n_a, n_b = (int(rng.choice([2, 3, 4, 5, 8, 20, 38, 300])) for _ in "ab")
    x, y = sample(rng, n_a), sample(rng, n_b)
    if np.ptp(np.concatenate([x, y])) == 0:
        pytest.skip("all values equal")
    result = compare_arms(x, y, normality)
    for arm, values in ((result.a, x), (result.b, y)):
        assert arm.n == len(values)
        expect(arm.mean, values.mean())
        expect(arm.sd, values.std(ddof=1))
        assert [arm.q1, arm.median, arm.q3] == np.quantile(
            values, [0.25, 0.5, 0.75], method="weibull"
        ).tolist()
    if is_normal(x, normality) and is_normal(y, normality):
        equal = stats.levene(x, y, center="mean").pvalue >= 0.05
        oracle = stats.ttest_ind(x, y, equal_var=equal)
        assert (result.test, result.effect) == ("student_t" if equal else "welch_t", "hedges_g")
        table = pingouin.ttest(x, y, correction=not equal)
        expect(result.df, float(table.iloc[0][next(c for c in table if c.lower() in ("dof", "df"))]))
        expect(result.statistic, oracle.statistic)
        if equal:
            g = pingouin.compute_effsize(x, y, eftype="hedges")
            low, high = pingouin.compute_esci(g, n_a, n_b, eftype="hedges", decimals=12)
            assert result.effect_ci_low == pytest.approx(low, abs=1e-11)
            assert result.effect_ci_high == pytest.approx(high, abs=1e-11)
            expect(result.effect_size, g)
    else:
        oracle = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=False)
        wins = (x[:, None] > y).sum() + 0.5 * (x[:, None] == y).sum()
        assert (result.test, result.effect) == ("mann_whitney_u", "rank_biserial")
        assert result.statistic == wins
        assert math.isnan(result.df)
        expect(result.effect_size, ((x[:, None] > y).sum() - (x[:, None] < y).sum()) / (n_a * n_b))
        assert result.effect_ci_low <= result.effect_size <= result.effect_ci_high
        assert -1 <= result.effect_ci_low < result.effect_ci_high <= 1
    expect(result.p, oracle.pvalue)


@pytest.mark.parametrize("seed", range(40))
def test_pairs_against_scipy(seed):
    rng = np.random.default_rng(1000 + seed)
    n = int(rng.choice([2, 3, 4, 7, 20, 38, 120]))
    # Multiples of 1/64 subtract without rounding, so that ties are ties in the oracle too.
    x, y = (np.round(sample(rng, n) * 64) / 64 for _ in "ab")
    result = compare_pairs(x, y)
    differences = x - y
    if not differences.any():
        pytest.skip("no pair differs")
    if is_normal(differences, "lilliefors"):
        oracle = stats.ttest_rel(x, y)
        assert result.test == "paired_t"
    else:
        oracle = stats.wilcoxon(x, y, zero_method="wilcox", correction=False, method="asymptotic")
        assert result.test == "wilcoxon"
    expect(result.statistic, oracle.statistic)
    expect(result.p, oracle.pvalue)


def test_differences_that_tie_in_decimals_share_a_rank():
    """0.3 − 0.2 and 0.2 − 0.1 are one tenth each, though their floats differ."""
    a = [0.3, 0.1, 0.7, 0.5, 0.9] * 4 + [5.0]
    b = [0.2, 0.2, 0.5, 0.7, 0.2] * 4 + [0.0]
    result = compare_pairs(a, b)
    oracle = stats.wilcoxon([1, -1, 2, -2, 7] * 4 + [50], method="asymptotic")
    assert result.test == "wilcoxon"
    assert (result.statistic, result.p) == (oracle.statistic, pytest.approx(oracle.pvalue, rel=1e-12))


def test_by_hand():
    """t = −1.6 / √(4.9·2/5); d = −1.6/√4.9, J = 1 − 3/31."""
    result = compare_arms([1, 2, 3, 4, 5], [2, 3, 4, 5, 9])
    assert (result.test, result.df) == ("student_t", 8.0)
    expect(result.statistic, -1.6 / math.sqrt(4.9 * 2 / 5))
    expect(result.effect_size, -1.6 / math.sqrt(4.9) * (1 - 3 / 31))
    assert result.summaries == ("3.00 ± 1.58", "4.60 ± 2.70")


def test_ranks_by_hand():
    """Five of six pairs are won, so r = 2/3; the interval by R (reference.R).

    Arm b has the ranks 1 and 3: their sum lies 2 from the mean of 6, as far as 3, 4, 8 and 9 at least.
    """
    result = compare_arms([3, 4, 9], [1, 3.5])
    assert (result.test, result.statistic) == ("mann_whitney_u", 5.0)
    expect(result.effect_size, 2 / 3)
    assert result.effect_ci_low == pytest.approx(-0.374321323213, abs=1e-10)
    assert result.effect_ci_high == pytest.approx(0.961035844704, abs=1e-10)
    expect(result.p_exact, 4 / 10)
    assert NOT_JUDGED in result.remarks


#: Two samples and what R's effectsize::hedges_g(pooled_sd = FALSE) gives, printed by reference.R; the ends
#: of the interval solved to the last digit there, as effectsize stops after four to seven.
WELCH = [
    ([1, 2, 3, 4, 5, 6, 7, 8], [10, 30, 35, 44, 51, 58, 66, 90],
     -2.23863667568, -3.645342729023, -0.779419439759),
    ([0.41, 0.43, 0.44, 0.46, 0.47, 0.49], [0.2, 0.31, 0.38, 0.44, 0.5, 0.57, 0.66, 0.71, 0.85],
     -0.391003062433, -1.243132117491, 0.482777004534),
    (stats.norm.ppf((np.arange(30) + 0.5) / 30), 0.2 * stats.norm.ppf((np.arange(50) + 0.5) / 50) - 1,
     1.35778790175, 0.754175750332, 1.946164326192),
]  # fmt: skip


@pytest.mark.parametrize(("x", "y", "g", "low", "high"), WELCH)
def test_hedges_g_beside_welch_as_in_r(x, y, g, low, high):
    result = compare_arms(x, y)
    assert (result.test, result.effect) == ("welch_t", "hedges_g")
    found = (result.effect_size, result.effect_ci_low, result.effect_ci_high)
    assert found == pytest.approx((g, low, high), abs=1e-8)


@pytest.mark.parametrize("shift", [0.5, 1.3, 2.5, 8.0, 30.0])
def test_the_interval_beside_welch_against_quadrature(shift):
    """P(T ≤ t) is the mean of Φ(t·s − δ) over s² = χ²/df: 97.5 % at the lower end, 2.5 % at the upper one.

    SciPy's noncentral t has no value far out: large groups must not fail for it.
    """
    x = stats.norm.ppf((np.arange(38) + 0.5) / 38)
    y = 1.8 * stats.norm.ppf((np.arange(32) + 0.5) / 32) + shift
    result = compare_arms(x, y)
    assert result.test == "welch_t"
    per_unit = result.effect_size / result.statistic
    s = np.linspace(1e-6, 4, 400_001)
    weight = stats.chi2.pdf(result.df * s**2, result.df) * 2 * result.df * s
    for end, share in ((result.effect_ci_low, 0.975), (result.effect_ci_high, 0.025)):
        below = stats.norm.cdf(result.statistic * s - end / per_unit)
        assert integrate.trapezoid(below * weight, s) == pytest.approx(share, abs=1e-7)


def test_hedges_g_beside_student_keeps_the_pooled_sd():
    result = compare_arms([1, 2, 3, 4, 5], [2, 3, 4, 5, 9])
    assert result.test == "student_t"
    expect(result.effect_size, -1.6 / math.sqrt(4.9) * (1 - 3 / 31))


def test_a_welch_effect_beyond_all_measure_has_no_interval():
    """Where t is so large that its noncentral distribution cannot be relied on; the effect stays."""
    x = 1e-3 * stats.norm.ppf((np.arange(30) + 0.5) / 30)
    result = compare_arms(x, 5 * x + 1)
    assert result.test == "welch_t"
    assert math.isnan(result.effect_ci_low)
    assert result.remarks == (NO_INTERVAL,)
    assert result.effect_size < -100


#: θ̂ = U/(n_a·n_b), n_a, n_b and Newcombe's method 5 in R, on the scale of r (reference.R).
NEWCOMBE = [
    (38.5 / 42, 7, 6, 0.194638720078, 0.971995378740),
    (5 / 6, 3, 2, -0.374321323213, 0.961035844704),
    (0.5, 38, 32, -0.261936738792, 0.261936738792),
    (0.75, 8, 60, 0.0723281200544, 0.7599375945919),
    (1, 10, 10, 0.600427225762, 1),
    (0, 5, 12, -1, -0.461303571184),
]


@pytest.mark.parametrize(("theta", "n_a", "n_b", "low", "high"), NEWCOMBE)
def test_interval_of_the_rank_biserial_correlation_as_in_r(theta, n_a, n_b, low, high):
    assert rank_biserial_interval(2 * theta - 1, n_a, n_b) == pytest.approx((low, high), abs=1e-9)
    # The arms change places, and with them the signs.
    assert rank_biserial_interval(1 - 2 * theta, n_b, n_a) == pytest.approx((-high, -low), abs=1e-9)


def test_interval_of_the_example_published_for_nap():
    """Pustejovsky's SingleCaseES documents NAP = 0.917 with the interval 0.597 to 0.986 for these phases."""
    result = compare_arms([28, 25, 24, 27, 30, 30, 29], [20, 20, 26, 25, 22, 23], "shapiro")
    low, high = rank_biserial_interval(2 * 38.5 / 42 - 1, 7, 6)
    assert ((low + 1) / 2, (high + 1) / 2) == pytest.approx((0.597, 0.986), abs=6e-4)
    assert result.test == "student_t"  # a rank-biserial correlation stands beside the rank test alone
    assert math.isnan(result.p_exact)


#: Two samples and the exact p of R's coin (reference.R); the last has n_a·n_b = 399.
COIN_U = [
    ([20, 20, 26, 25, 22, 23], [28, 25, 24, 27, 30, 30, 29], 0.00932400932401),
    ([1, 1, 1, 2, 2, 9], [1, 2, 3, 3], 0.466666666667),
    ([5, 5, 5], [1, 2, 2, 3, 3, 3, 4, 5, 6], 0.118181818182),
    ([0, 0, 0, 0, 0, 3], [0, 0, 0, 1, 2, 4, 4, 5], 0.128205128205),
    ([k * k % 23 for k in range(1, 20)], [k * k % 29 + 3 for k in range(1, 22)], 0.00108549837512),
]


@pytest.mark.parametrize(("x", "y", "p"), COIN_U)
def test_exact_mann_whitney_as_in_coin(x, y, p):
    x, y = np.array(x, float), np.array(y, float)
    assert mann_whitney_exact(x, y) == pytest.approx(p, rel=1e-10)
    assert mann_whitney_exact(y, x) == pytest.approx(p, rel=1e-10)


#: Differences and the exact p of R's coin, zeros dropped.
COIN_W = [
    ([1, 2, -3, 4, 4, 5, 0], 0.15625),
    ([1, 1, 1, 1, 1], 0.0625),
    ([-1, -1, 2, 2, 3, 3, 3, 0, 0, 10], 0.03125),
    ([7, 3, -3, 5, 1, -1, 9, 9, 2, 4, 11, -6, 8, 8, 2, 20, 13, -4, 1, 6], 0.0028018951416),
]


@pytest.mark.parametrize(("differences", "p"), COIN_W)
def test_exact_wilcoxon_as_in_coin(differences, p):
    assert wilcoxon_exact(np.array(differences, float)) == pytest.approx(p, rel=1e-10)
    assert wilcoxon_exact(-np.array(differences, float)) == pytest.approx(p, rel=1e-10)


@pytest.mark.parametrize("seed", range(40))
def test_exact_p_against_every_arrangement(seed):
    """Each deal of the ranks, and each choice of signs, written out one by one."""
    rng = np.random.default_rng(seed)
    n_a, n_b = rng.integers(2, 7, 2)
    x, y = rng.integers(0, 5, n_a).astype(float), rng.integers(0, 6, n_b).astype(float)
    ranks = stats.rankdata(np.concatenate([x, y]))
    sums = np.array([ranks[list(c)].sum() for c in itertools.combinations(range(n_a + n_b), n_a)])
    off = np.abs(sums - n_a * (n_a + n_b + 1) / 2)
    observed = abs(ranks[:n_a].sum() - n_a * (n_a + n_b + 1) / 2)
    expect(mann_whitney_exact(x, y), np.mean(off >= observed))

    d = rng.integers(-4, 5, 8).astype(float)
    d[0] = 1.0
    rest = d[d != 0]
    ranks = stats.rankdata(np.abs(rest))
    signs = np.array(list(itertools.product([0, 1], repeat=len(rest))))
    off = np.abs(signs @ ranks - ranks.sum() / 2)
    expect(wilcoxon_exact(d), np.mean(off >= abs(ranks[rest > 0].sum() - ranks.sum() / 2)))


@pytest.mark.parametrize(("n_a", "n_b"), [(19, 21), (3, 133), (2, 199)])
def test_exact_p_without_ties_is_scipys(n_a, n_b):
    values = np.random.default_rng(n_b).permutation(n_a + n_b).astype(float)
    x, y = values[:n_a], values[n_a:]
    expect(mann_whitney_exact(x, y), stats.mannwhitneyu(x, y, method="exact").pvalue)


def test_exact_p_stands_beside_the_rank_tests_of_small_samples_alone():
    """n_a·n_b < 400 and 20 differences at most, zeros not counted; a t-test has none."""
    skewed = [float(2**k) for k in range(20)]
    assert math.isnan(compare_arms(skewed, [x + 0.5 for x in skewed]).p_exact)
    expect(
        compare_arms(skewed[1:], [x + 0.5 for x in skewed]).p_exact,
        stats.mannwhitneyu(skewed[1:], [x + 0.5 for x in skewed], method="exact").pvalue,
    )
    signs = [(-1) ** (k % 3 == 0) for k in range(21)]
    differences = [float(2**k) * sign for k, sign in zip(range(21), signs, strict=True)]
    assert compare_pairs(differences, [0.0] * 21).test == "wilcoxon"
    assert math.isnan(compare_pairs(differences, [0.0] * 21).p_exact)
    for zeros in (0, 5):
        found = compare_pairs([*differences[:20], *[0.0] * zeros], [0.0] * (20 + zeros))
        expect(found.p_exact, stats.wilcoxon(differences[:20], method="exact").pvalue)
    assert math.isnan(compare_pairs([3, 5, 6, 9], [1, 1, 1, 1]).p_exact)


def test_unequal_variances_give_welch():
    x = stats.norm.ppf((np.arange(30) + 0.5) / 30)
    result = compare_arms(x, 5 * x + 1)
    assert result.test == "welch_t"
    expect(result.df, (1 + 25) ** 2 * 29 / (1 + 25**2))


@pytest.mark.parametrize("n_a", [0, 1])
@pytest.mark.parametrize("n_b", [0, 1, 2, 9])
def test_an_arm_of_less_than_two(n_a, n_b):
    for result in (compare_arms(range(n_a), range(n_b)), compare_arms(range(n_b), range(n_a))):
        assert (result.test, result.effect) == ("", "")
        assert all(map(math.isnan, (result.p, result.statistic, result.df, result.effect_size)))
        assert result.remarks == (NO_TEST,)


def test_summaries_of_small_arms():
    assert compare_arms([], [0.374]).summaries == ("", "0.37")
    assert compare_arms([0.1, 0.2, 0.4], [-0.001]).summaries == ("0.20 (0.30)", "0.00")


def test_summaries_of_small_numbers_keep_three_digits():
    """FI/BMI is about 0.015, a diffusivity about 0.0007: two decimals would show nothing."""
    assert compare_arms([0.0151, 0.0152, 0.0154], [0.0149]).summaries == ("0.0152 (0.0003)", "0.0149")
    assert compare_arms([0.00071, 0.00072, 0.00074], []).summaries[0] == "0.000720 (0.000030)"
    assert compare_arms([0.0, 0.0], [0.02]).summaries == ("0.00 (0.00)", "0.02")


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_constant_arms(noise):
    x, y = np.full(9, 0.3), np.full(7, 0.3)
    x[0] += noise
    assert compare_arms(x, y).test == ""
    assert compare_arms(x, y).remarks == (NO_TEST,)
    result = compare_arms(x, y + 0.1)
    assert result.test == "mann_whitney_u"
    assert math.isnan(result.a.normality_p)
    assert (result.effect_size, result.effect_ci_low) == (-1.0, -1.0)
    assert -0.6 < result.effect_ci_high < -0.5
    assert result.difference == pytest.approx(-0.1, abs=1e-15)
    assert math.isnan(result.difference_ci_low)
    assert result.remarks == (NOT_JUDGED, NO_DIFFERENCE_INTERVAL)


def test_levene_without_variance_of_the_deviations():
    """Each value lies one spread from its mean: F would be 0/0 for equal spreads, infinite for others."""
    x = [0.1, 0.1, 0.4, 0.4]
    assert lilliefors(np.array(x), pvalmethod="approx")[1] >= 0.05
    assert compare_arms(x, [0.2, 0.2, 0.5, 0.5]).test == "student_t"
    assert compare_arms(x, [0.2, 0.2, 0.9, 0.9]).test == "welch_t"


def test_values_that_are_not_finite_are_left_out():
    x, y = [1, 2, 3, 4.5, 5], [2, 3, 4, 5, 9]
    assert compare_arms([*x, math.nan], [math.inf, *y, -math.inf]) == compare_arms(x, y)
    assert compare_pairs([*x, 1, math.inf], [*y, math.nan, 2]) == compare_pairs(x, y)


def test_pairs_that_cannot_be_tested():
    for a, b in (
        ([], []),
        ([1], [2]),
        ([1, 2, 3], [1, 2, 3]),
        ([0, 0], [0, 0]),
        ([0.3, 0.2], [0.1 + 0.2, 0.2]),
    ):
        result = compare_pairs(a, b)
        assert (result.test, result.remarks) == ("", (NO_PAIRED_TEST,))
        assert math.isnan(result.p)


def test_equal_differences_go_to_wilcoxon():
    result = compare_pairs([0.3, 0.5, 0.7, 0.9, 1.1], [0.2, 0.4, 0.6, 0.8, 1.0])
    oracle = stats.wilcoxon([1.0] * 5, method="asymptotic")
    assert (result.test, result.statistic, result.p) == ("wilcoxon", 0.0, oracle.pvalue)


finite = st.lists(st.integers(-40, 40).map(lambda k: k / 8), max_size=40)


@settings(max_examples=150, deadline=None)
@given(finite, finite)
def test_swapping_the_arms_turns_the_signs(x, y):
    one, two = compare_arms(x, y), compare_arms(y, x)
    assert (one.a, one.b, one.test, one.remarks) == (two.b, two.a, two.test, two.remarks)
    assert one.p == pytest.approx(two.p, rel=1e-9, nan_ok=True)
    assert one.effect_size == pytest.approx(-two.effect_size, abs=1e-12, nan_ok=True)
    assert one.effect_ci_low == pytest.approx(-two.effect_ci_high, abs=1e-12, nan_ok=True)
    if one.test == "mann_whitney_u":
        assert one.statistic + two.statistic == len(x) * len(y)
    else:
        assert one.statistic == pytest.approx(-two.statistic, rel=1e-9, nan_ok=True)


@settings(max_examples=150, deadline=None)
@given(finite, finite, st.sampled_from(["lilliefors", "shapiro"]))
def test_whatever_comes_is_a_number_or_empty(x, y, normality):
    result = compare_arms(x, y, normality)
    if result.test:
        assert 0 <= result.p <= 1
        assert math.isfinite(result.statistic)
    for text in result.summaries:
        assert re.fullmatch(r"(-?\d+\.\d+( ± \d+\.\d+| \(\d+\.\d+\))?)?", text)
    n = min(len(x), len(y))
    paired = compare_pairs(x[:n], y[:n], normality)
    assert not paired.test or 0 <= paired.p <= 1


@settings(max_examples=60, deadline=None)
@given(finite, finite, st.randoms(use_true_random=False))
def test_the_order_within_an_arm_does_not_matter(x, y, random):
    shuffled = random.sample(x, len(x))
    assert repr(compare_arms(x, y)) == repr(compare_arms(shuffled, y))
