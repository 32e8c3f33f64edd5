from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from statsmodels.stats.diagnostic import lilliefors
from statsmodels.stats.multitest import multipletests

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.stats.arms import (
    NO_INTERVAL,
    NO_PAIRED_TEST,
    NO_TEST,
    NOT_JUDGED,
    compare_arms,
    compare_pairs,
)
from mriparaspinal.stats.cohort import assemble
from mriparaspinal.stats.compare import COMPARISON_COLUMNS, compare
from mriparaspinal.stats.contrasts import default_contrasts, resolve
from mriparaspinal.stats.effect_sizes import rank_biserial_interval
from mriparaspinal.stats.exact_ranks import mann_whitney_exact, wilcoxon_exact

MUSCLES = ("MF", "ES")
SEGMENTS = ("L1", "L2")


def study(
    seed: int, *, n_als: int = 14, n_lr: int = 11, tied: bool = False, unknown: int = 0
) -> pd.DataFrame:
    """A random cohort through the front door: left, right and both rows, 5 % of rCSA missing."""
    rng = np.random.default_rng(seed)
    rows, people = [], []
    for group, n in (("ALS", n_als), ("LR", n_lr)):
        for number in range(1, n + 1):
            who = f"{group}_{number}"
            people.append(
                {
                    "participant_id": who,
                    "onset_side": "" if number <= unknown else rng.choice(["left", "right"]),
                    "onset_region": rng.choice(["lower", "upper"]) if group == "ALS" else "",
                    "psa": float(number % 2),
                    "bmi": rng.uniform(18, 32),
                }
            )
            for segment in SEGMENTS:
                for muscle in MUSCLES:
                    for side in ("left", "right", "both"):
                        fi = rng.beta(2, 5) if muscle == "MF" else rng.normal(0.4, 0.1)
                        rows.append(
                            {
                                "participant_id": who, "group": group, "segment": segment, "muscle": muscle,
                                "side": side, "role": "", "fi": round(fi, 2) if tied else fi,
                                "rcsa": np.nan if rng.random() < 0.05 else rng.lognormal(-1, 0.4),
                            }
                        )  # fmt: skip
    return assemble(pd.DataFrame(rows), pd.DataFrame(people))[0]


def default_table(cohort: pd.DataFrame, **options: object) -> tuple[pd.DataFrame, list[str]]:
    return compare(cohort, default_contrasts(cohort)[0], **options)


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
    assert result.remarks == (NOT_JUDGED,)


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


# The whole table


def test_columns_and_order_of_the_rows():
    cohort = study(1)
    table, notes = default_table(cohort)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert list(dict.fromkeys(table.contrast)) == [
        "side:ALS", "side:LR", "group:ALS-LR", "group:ALS[onset_region=lower]-LR",
        "psa:1-0[group=ALS]", "psa:1-0[group=LR]",
    ]  # fmt: skip
    sides = table[table.contrast == "side:ALS"]
    assert list(zip(sides.segment, sides.muscle, sides.metric, strict=True)) == [
        (segment, muscle, metric) for segment in SEGMENTS for muscle in MUSCLES for metric in ("fi", "rcsa")
    ]
    assert set(zip(sides.role, sides.label_a, sides.label_b, strict=True)) == {
        ("", "symptomatic", "contralateral")
    }
    groups = table[table.contrast == "group:ALS[onset_region=lower]-LR"]
    assert groups.role.tolist() == ["symptomatic", "bilateral"] * 8
    assert set(zip(groups.label_a, groups.label_b, strict=True)) == {("ALS[onset_region=lower]", "LR")}
    psa = table[table.contrast == "psa:1-0[group=ALS]"]
    assert set(zip(psa.label_a, psa.label_b, strict=True)) == {("1", "0")}
    assert set(groups.paired_test) == {""}
    assert any(re.match(r"rcsa: \d+ cells missing: \d+ participants \(ALS_", note) for note in notes)


def pick(table: pd.DataFrame, contrast: str, role: str = "", metric: str = "fi") -> pd.Series:
    chosen = table[(table.contrast == contrast) & (table.role == role) & (table.metric == metric)]
    return chosen[(chosen.segment == "L2") & (chosen.muscle == "ES")].iloc[0]


@pytest.mark.parametrize("tied", [False, True])
def test_each_row_has_the_values_of_its_arms(tied):
    cohort = study(2, tied=tied)
    table, _ = default_table(cohort)
    here = cohort[(cohort.segment == "L2") & (cohort.muscle == "ES")]
    wanted = {
        ("side:ALS", ""): (
            "group == 'ALS' and role == 'symptomatic'",
            "group == 'ALS' and role == 'contralateral'",
        ),
        ("group:ALS-LR", "symptomatic"): (
            "group == 'ALS' and role == 'symptomatic'",
            "group == 'LR' and role == 'symptomatic'",
        ),
        ("group:ALS[onset_region=lower]-LR", "bilateral"): (
            "group == 'ALS' and onset_region == 'lower' and side == 'both'",
            "group == 'LR' and side == 'both'",
        ),
        ("psa:1-0[group=ALS]", "bilateral"): (
            "group == 'ALS' and psa == 1 and side == 'both'",
            "group == 'ALS' and psa == 0 and side == 'both'",
        ),
    }
    for metric in ("fi", "rcsa"):
        for (contrast, role), (a, b) in wanted.items():
            row = pick(table, contrast, role, metric)
            x, y = here.query(a)[metric].dropna().to_numpy(), here.query(b)[metric].dropna().to_numpy()
            assert (row.n_a, row.n_b) == (len(x), len(y))
            expect(row.mean_a, x.mean())
            expect(row.mean_b, y.mean())
            expect(row.normality_p_a, lilliefors(x, dist="norm", pvalmethod="approx")[1])
            if row.test == "mann_whitney_u":
                oracle = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
            else:
                oracle = stats.ttest_ind(x, y, equal_var=row.test == "student_t")
            expect(row.p, oracle.pvalue)
        row = pick(table, "side:ALS", "", metric)
        pairs = here[here.role.isin(["symptomatic", "contralateral"]) & (here.group == "ALS")]
        wide = pairs.pivot(index="participant_id", columns="role", values=metric).dropna()
        difference = (wide.symptomatic - wide.contralateral).round(12)
        if row.paired_test == "wilcoxon":
            oracle = stats.wilcoxon(difference, method="asymptotic")
        else:
            oracle = stats.ttest_1samp(difference, 0)
        expect(row.paired_p, oracle.pvalue)


def test_adjustment_is_within_a_contrast():
    table, _ = default_table(study(3))
    for _, block in table.groupby("contrast"):
        assert block.p_adjusted.tolist() == pytest.approx(
            multipletests(block.p, method="fdr_bh")[1], rel=1e-12
        )


def test_adjustment_counts_only_rows_with_a_p():
    cohort = study(3)
    cohort.loc[cohort.muscle == "ES", "fi"] = 0.5
    table, notes = compare(cohort, [resolve("group:ALS-LR", cohort)], metrics=["fi"])
    with_p = table[table.muscle == "MF"]
    assert with_p.p_adjusted.tolist() == pytest.approx(multipletests(with_p.p, method="fdr_bh")[1], rel=1e-12)
    assert table[table.muscle == "ES"][["p", "p_adjusted", "statistic", "effect_size"]].isna().all(axis=None)
    assert set(table[table.muscle == "ES"].test) == {""}
    (note,) = [n for n in notes if NO_TEST in n]
    assert note.endswith("L1 ES fi symptomatic, L1 ES fi bilateral, L2 ES fi symptomatic, L2 ES fi bilateral")


def test_shuffled_rows_give_the_same_table():
    cohort = study(4, tied=True)
    shuffled = cohort.sample(frac=1, random_state=7)
    (first, notes), (second, again) = default_table(cohort), default_table(shuffled)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert notes == again
    assert first.to_csv() == second.to_csv()


def test_participants_without_an_onset_side_are_left_out_once():
    cohort = study(5, unknown=2)
    table, notes = default_table(cohort)
    row = pick(table, "side:ALS")
    assert (row.n_a, row.n_b) == (12, 12)
    assert pick(table, "group:ALS-LR", "symptomatic").n_a == 12
    assert pick(table, "group:ALS-LR", "bilateral").n_a == 14
    assert [n for n in notes if n.startswith("side:ALS")][:1] == [
        "side:ALS: left out, no onset side known: 2 participants (ALS_1, ALS_2)"
    ]
    assert (
        "group:ALS-LR: left out of the symptomatic side, no onset side known: "
        "4 participants (ALS_1, ALS_2, LR_1, LR_2)" in notes
    )


def test_left_against_right_where_no_onset_side_is_known():
    cohort = study(6, unknown=99)
    table, notes = default_table(cohort)
    row = pick(table, "side:ALS")
    assert (row.label_a, row.label_b, row.n_a) == ("left", "right", 14)
    left = cohort.query("segment == 'L2' and muscle == 'ES' and side == 'left' and group == 'ALS'").fi
    expect(row.mean_a, left.mean())
    assert "side:ALS: no onset side is known, so left is compared with right" in notes
    assert set(table[table.contrast == "group:ALS-LR"].role) == {"bilateral"}
    assert "group:ALS-LR: no symptomatic rows in ALS and LR, so that role is left out" in notes


def test_a_missing_side_costs_the_pair_only():
    cohort = study(7)
    gone = (cohort.participant_id == "ALS_3") & (cohort.role == "contralateral")
    table, _ = compare(cohort[~gone], [resolve("side:ALS", cohort)])
    row = pick(table, "side:ALS")
    assert (row.n_a, row.n_b) == (14, 13)
    here = cohort.query("segment == 'L2' and muscle == 'ES' and group == 'ALS' and participant_id != 'ALS_3'")
    wide = here.pivot(index="participant_id", columns="role", values="fi")
    assert row.paired_p == pytest.approx(
        compare_pairs(wide.symptomatic, wide.contralateral).p, rel=1e-12
    )  # fmt: skip


def test_a_muscle_that_one_arm_lacks_keeps_its_row():
    cohort = study(8)
    gone = (cohort.group == "LR") & (cohort.muscle == "ES")
    table, notes = compare(cohort[~gone], [resolve("group:ALS-LR", cohort)], metrics=["fi"])
    row = pick(table, "group:ALS-LR", "bilateral")
    assert (row.n_a, row.n_b, row.summary_b, row.test) == (14, 0, "", "")
    assert row.summary_a
    assert any(NO_TEST in note for note in notes)


def test_infinite_values_are_missing_with_a_note():
    cohort = study(9)
    cohort.loc[(cohort.participant_id == "ALS_2") & (cohort.role == "symptomatic"), "fi"] = np.inf
    table, notes = compare(cohort, [resolve("side:ALS", cohort)], metrics=["fi"])
    assert set(table.n_a) == {13}
    assert "fi: 4 cells infinite, taken as missing: 1 participant (ALS_2)" in notes


def test_values_beyond_all_measure_are_missing_with_a_note():
    cohort = study(9)
    cohort.loc[(cohort.participant_id == "ALS_2") & (cohort.role == "symptomatic"), "fi"] = 1e200
    table, notes = compare(cohort, [resolve("side:ALS", cohort)], metrics=["fi"])
    assert set(table.n_a) == {13}
    assert np.isfinite(table.sd_a).all()
    assert "fi: 4 cells beyond 1e+60, taken as missing: 1 participant (ALS_2)" in notes


def test_who_is_in_no_arm_for_want_of_a_value_is_named():
    cohort = study(13)
    cohort.loc[cohort.participant_id.isin(["ALS_3", "LR_4"]), "psa"] = np.nan
    cohort.loc[cohort.participant_id == "ALS_5", "onset_region"] = ""
    table, notes = compare(
        cohort,
        [
            resolve(text, cohort)
            for text in ("psa:1-0[group=ALS]", "group:ALS[onset_region=lower]-LR", "group:ALS-LR")
        ],
        metrics=["fi"],
    )
    row = pick(table, "psa:1-0[group=ALS]", "bilateral", "fi")
    assert row.n_a + row.n_b == 13
    assert [note for note in notes if "is empty" in note] == [
        "psa:1-0[group=ALS]: left out, psa is empty: 1 participant (ALS_3)",
        "group:ALS[onset_region=lower]-LR: left out, onset_region is empty: 1 participant (ALS_5)",
    ]


def test_dividing_by_a_column():
    cohort = study(10)
    cohort.loc[cohort.participant_id == "ALS_1", "bmi"] = 0.0
    cohort.loc[cohort.participant_id == "ALS_2", "bmi"] = np.nan
    table, notes = compare(cohort, [resolve("group:ALS-LR", cohort)], metrics=["fi"], divide_by="bmi")
    row = pick(table, "group:ALS-LR", "bilateral", "fi/bmi")
    here = cohort.query(
        "segment == 'L2' and muscle == 'ES' and side == 'both' and group == 'ALS' and bmi > 0"
    )
    assert row.n_a == 12
    expect(row.mean_a, (here.fi / here.bmi).mean())
    assert "bmi: zero, negative or infinite, so nothing is divided by it: 1 participant (ALS_1)" in notes
    assert "bmi: missing, so nothing is divided by it: 1 participant (ALS_2)" in notes


def test_one_row_per_participant():
    rng = np.random.default_rng(11)
    wide = pd.DataFrame(
        {
            "participant_id": [f"S_{i}" for i in range(30)],
            "segment": "", "muscle": "", "role": "", "side": "",
            "group": ["ALS", "LR"] * 15, "fa": rng.normal(0.5, 0.05, 30), "volume": rng.lognormal(0, 1, 30),
        }
    )  # fmt: skip
    table, _ = compare(wide, [resolve("group:ALS-LR", wide)], metrics=["volume", "fa"])
    assert table[["metric", "segment", "muscle", "role"]].to_numpy().tolist() == [
        ["volume", "", "", ""],
        ["fa", "", "", ""],
    ]
    expect(table.p[1], stats.ttest_ind(wide.fa[::2], wide.fa[1::2]).pvalue)
    bare = wide.drop(columns=["participant_id", "side"])
    pd.testing.assert_frame_equal(
        compare(bare, [resolve("group:ALS-LR", bare)], metrics=["volume", "fa"])[0], table
    )


def test_shapiro_can_be_chosen():
    cohort = study(12)
    table, _ = default_table(cohort, normality="shapiro")
    x = cohort.query("segment == 'L2' and muscle == 'ES' and role == 'symptomatic' and group == 'ALS'").fi
    expect(pick(table, "side:ALS").normality_p_a, stats.shapiro(x).pvalue)


def test_no_text_is_ever_nan():
    cohort = study(13, n_als=3, n_lr=2)
    table, notes = default_table(cohort)
    texts = [
        c for c in COMPARISON_COLUMNS if "label" in c or "summary" in c or c.endswith("test") or c == "effect"
    ]
    assert not table[texts].isna().any(axis=None)
    assert not any("nan" in str(cell) for cell in table[texts].to_numpy().ravel())
    assert not any("nan" in note for note in notes)


def test_asking_twice_gives_one_block():
    cohort = study(14)
    contrast = resolve("side:ALS", cohort)
    assert len(compare(cohort, [contrast, contrast])[0]) == len(compare(cohort, [contrast])[0]) == 8


def test_nothing_to_compare():
    table, _ = compare(study(15), [])
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert len(table) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"metrics": ["fat"]},
            "fat: no such column was found for the metric; expected one of: fi, rcsa, psa, bmi",
        ),
        ({"metrics": ["onset_region"]}, "onset_region: 'lower' was found for the metric|'upper' was found"),
        ({"divide_by": "weight"}, "weight: no such column was found for the divisor"),
        ({"divide_by": "onset_region"}, "was found for the divisor; expected numbers"),
        ({"divide_by": "empty"}, "empty: no number was found"),
        ({"normality": "anderson"}, "normality: 'anderson' was found; expected lilliefors or shapiro"),
    ],
)
def test_wrong_options(options, message):
    cohort = study(16).assign(empty="")
    with pytest.raises(UsageError, match=message) as caught:
        compare(cohort, [resolve("group:ALS-LR", cohort)], **options)
    assert "\n" not in str(caught.value)


def test_a_row_that_is_there_twice():
    cohort = study(17)
    twice = pd.concat([cohort, cohort.iloc[[5]]], ignore_index=True)
    with pytest.raises(NoInputError, match="found more than once"):
        compare(twice, [resolve("side:ALS", cohort)])


def test_paired_p_is_adjusted_within_each_contrast_of_sides():
    table, _ = default_table(study(3))
    for contrast in ("side:ALS", "side:LR"):
        rows = table[(table.contrast == contrast) & table.paired_p.notna()]
        assert len(rows) == 8
        oracle = multipletests(rows.paired_p, method="fdr_bh")[1]
        assert rows.paired_p_adjusted.to_numpy() == pytest.approx(oracle, rel=1e-12)
    assert table[~table.contrast.str.startswith("side:")].paired_p_adjusted.isna().all()


def test_a_note_counts_where_the_exact_p_lies_on_the_other_side():
    """Four of 1, 2, 3 … against three larger ones: asymptotic 0.034, exact 2/35."""
    rows = [
        {"participant_id": f"p{k}", "group": "AB"[k > 4], "segment": "", "muscle": "", "side": "", "role": "",
         "v": float(k), "w": 1.0}
        for k in range(1, 8)
    ]  # fmt: skip
    cohort = pd.DataFrame(rows)
    table, notes = compare(cohort, [resolve("group:A-B", cohort)], ["v", "w"])
    assert table.p_exact[0] == pytest.approx(2 / 35)
    assert table.p[0] == pytest.approx(0.0339, abs=1e-4)
    assert math.isnan(table.p_exact[1])
    sides = "group:A-B: p and p_exact lie on different sides of 0.05"
    said = f"{sides} in 1 of 1 small samples; read p_exact there: v"
    assert said in notes
