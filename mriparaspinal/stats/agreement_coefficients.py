"""Agreement of two or more raters on grades, corrected for chance.

The formulas are those of Gwet's *Handbook of Inter-Rater Reliability* (4th edition, 2014), which hold for
missing grades, too; Cohen's κ of two raters has the standard error of Fleiss, Cohen and Everitt 1969
(*Psychol Bull* 72:323–327).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.stats.bootstrap import SEED, Clusters, cluster_bootstrap
from mriparaspinal.stats.limits import Z975, Matrix

UNWEIGHTED, LINEAR, QUADRATIC = "unweighted", "linear", "quadratic"

#: Cohen's, Conger's and Fleiss' κ, Gwet's AC.
PERCENT, COHEN, CONGER, FLEISS, GWET = "percent_agreement", "cohen", "conger", "fleiss", "gwet"

Codes = NDArray[np.intp]
"""(targets, raters) the place of each grade on the scale; −1 where it is missing."""

#: A standard error below this is that of targets that all agree alike: it says nothing of others.
_NO_SPREAD = 1e-7

#: A chance agreement this close to 1, or a coefficient to 0, is rounding.
_CERTAIN = 1e-12


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient of agreement; None is what the grades do not determine."""

    name: str
    weights: str
    n: int
    """Targets with two grades or more."""
    value: float | None = None
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    chance: float | None = None
    """Agreement that is expected by chance."""
    ci_low_bootstrap: float | None = None
    ci_high_bootstrap: float | None = None


def weight_matrix(levels: int, kind: str) -> Matrix:
    """How far two grades agree, 1 for the same and 0 for the first and the last, by their places.

    >>> weight_matrix(3, "quadratic").tolist()
    [[1.0, 0.75, 0.0], [0.75, 1.0, 0.75], [0.0, 0.75, 1.0]]
    """
    apart = np.abs(np.subtract.outer(np.arange(levels), np.arange(levels))).astype(float)
    if kind == UNWEIGHTED:
        return np.asarray(apart == 0, dtype=float)
    return np.asarray(1 - (apart / max(levels - 1, 1)) ** {LINEAR: 1, QUADRATIC: 2}[kind])


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What each target adds to the coefficients; or each participant, summed over the targets."""

    targets: Matrix
    """(n,) 1: the targets with a grade."""
    paired: Matrix
    """(n,) 1 for a target with two grades or more."""
    agree: Matrix
    """(n,) the weighted share of agreeing pairs of grades; 0 without a pair."""
    shares: Matrix
    """(n, q) of the target's grades."""
    chosen: Matrix
    """(n, r, q) 1 for the grade of each rater."""

    def by(self, clusters: Clusters) -> _Sums:
        """Summed over the targets of each participant."""
        return _Sums(*(clusters.sums(getattr(self, name)) for name in _Sums.__slots__))


def _sums_of(codes: Codes, weights: Matrix) -> _Sums:
    chosen = (codes[:, :, np.newaxis] == np.arange(len(weights))).astype(float)
    counts = chosen.sum(axis=1)
    number = counts.sum(axis=1)
    pairs = number * (number - 1)
    agree = (counts * (counts @ weights - 1)).sum(axis=1) / np.where(pairs > 0, pairs, 1)
    paired = (number > 1).astype(float)
    return _Sums(np.ones(len(codes)), paired, agree * paired, counts / number[:, np.newaxis], chosen)


@dataclass(frozen=True, slots=True, eq=False)
class _Agreement:
    """Observed and expected agreement of samples of the targets, (samples,) each; NaN: not determined."""

    observed: Matrix
    by_chance: dict[str, Matrix]

    def value(self, name: str) -> Matrix:
        if name == PERCENT:
            return self.observed
        chance = self.by_chance[CONGER if name == COHEN else name]
        free = np.where(1 - chance > _CERTAIN, 1 - chance, np.nan)
        return np.asarray((self.observed - chance) / free)


def _agreement(sums: _Sums, times: Matrix, weights: Matrix) -> _Agreement:
    """Of samples in which each target, or participant, is there so often: ``times`` (samples, n)."""
    r, q = sums.chosen.shape[1:]
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing paired, or a rater without grades
        observed = times @ sums.agree / (times @ sums.paired)
        shares = times @ sums.shares / (times @ sums.targets)[:, np.newaxis]
        of_rater = (times @ sums.chosen.reshape(len(sums.targets), r * q)).reshape(-1, r, q)
        of_rater = of_rater / of_rater.sum(axis=2, keepdims=True)
        total = of_rater.sum(axis=1)
        same = np.einsum("brk,kl,brl->b", of_rater, weights, of_rater)
        conger = (np.einsum("bk,kl,bl->b", total, weights, total) - same) / (r * (r - 1))
        gwet = weights.sum() / (q * (q - 1)) * (shares * (1 - shares)).sum(axis=1) if q > 1 else shares[:, 0]
    fleiss = np.einsum("bk,kl,bl->b", shares, weights, shares)
    return _Agreement(observed, {CONGER: conger, FLEISS: fleiss, GWET: gwet})


def _chance_of_each(name: str, codes: Codes, sums: _Sums, weights: Matrix) -> Matrix:
    """What each target adds to the chance agreement: its deviation from the mean, (n,), halved."""
    shares = sums.shares.mean(axis=0)
    if name == GWET:
        q = len(weights)
        each = weights.sum() / (q * (q - 1)) * (sums.shares @ (1 - shares))
        return np.asarray(each - each.mean())
    if name == FLEISS:
        each = sums.shares @ (weights @ shares)
        return np.asarray(each - each.mean())
    n, r = codes.shape
    rated = codes >= 0
    of_rater = sums.chosen.sum(axis=0) / rated.sum(axis=0)[:, np.newaxis]
    others = of_rater.sum(axis=0) - of_rater
    deviation = (sums.chosen - rated[:, :, np.newaxis] * of_rater) * (n / rated.sum(axis=0))[:, np.newaxis]
    return np.asarray(np.einsum("irk,kl,rl->i", deviation, weights, others) / (r * (r - 1)))


def _standard_error(name: str, codes: Codes, sums: _Sums, weights: Matrix, value: float) -> float:
    """Gwet's, from the linearised contribution of each target."""
    n = len(codes)
    scale = n / sums.paired.sum()
    if name == PERCENT:
        each = scale * sums.agree
    else:
        chance = float(_agreement(sums, np.ones((1, n)), weights).by_chance[name][0])
        each = scale * (sums.agree - chance * sums.paired) / (1 - chance)
        each = each - 2 * (1 - value) * _chance_of_each(name, codes, sums, weights) / (1 - chance)
    return math.sqrt(float(((each - value) ** 2).sum()) / (n * (n - 1)))


def cohen_standard_error(table: Matrix, weights: Matrix) -> float:
    """Of Cohen's κ, not assuming κ = 0, from the counts of two raters' grades (q × q).

    >>> table = np.array([[106.0, 10, 4], [22, 28, 10], [2, 12, 6]])  # Fleiss, Cohen and Everitt 1969
    >>> round(cohen_standard_error(table, np.eye(3)), 4)
    0.0537
    """
    n = table.sum()
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = (p * weights).sum(), rows @ weights @ columns
    means = np.add.outer(weights @ columns, rows @ weights)
    spread = (p * (weights * (1 - chance) - means * (1 - observed)) ** 2).sum()
    variance = (spread - (observed * chance - 2 * chance + observed) ** 2) / (n * (1 - chance) ** 4)
    return math.sqrt(max(float(variance), 0.0))


def coefficients(
    codes: Codes, levels: int, kind: str, clusters: Clusters | None = None, seed: int = SEED
) -> list[Coefficient]:
    """Per cent agreement, Conger's κ of three raters or more, Fleiss' κ and Gwet's AC of all raters.

    ``levels``: how many grades the scale has. Targets without a grade are left out; those with one grade
    count for the expected agreement, as in Gwet 2014.
    Intervals by Student's t with n − 1 degrees of freedom, within 0 (per cent agreement) or −1 and 1; none
    where all targets agree alike, so that the standard error is 0. Where ``clusters`` share targets, also
    intervals by :func:`mriparaspinal.stats.bootstrap.cluster_bootstrap`.

    Gwet's example of four raters, of whom each left out some of twelve targets:

    >>> codes = np.array([[0, 0, -1, 0], [1, 1, 2, 1], [2, 2, 2, 2], [2, 2, 2, 2], [1, 1, 1, 1],
    ...                   [0, 1, 2, 3], [3, 3, 3, 3], [0, 0, 1, 0], [1, 1, 1, 1], [-1, 4, 4, 4],
    ...                   [-1, -1, 0, 0], [-1, -1, 2, -1]])
    >>> [f"{one.name} {one.value:.3f}" for one in coefficients(codes, 5, "unweighted")]
    ['percent_agreement 0.818', 'conger 0.763', 'fleiss 0.761', 'gwet 0.775']
    """
    rated = np.asarray((codes >= 0).any(axis=1))
    weights = weight_matrix(levels, kind)
    codes = codes[rated]
    raters = codes.shape[1]
    names = [PERCENT, *([CONGER] if raters > 2 else []), FLEISS, *([GWET] if levels > 1 else [])]
    n = int((np.count_nonzero(codes >= 0, axis=1) > 1).sum())
    if n == 0:
        return [Coefficient(name, kind, 0) for name in names]
    sums = _sums_of(codes, weights)
    of_rows = None if clusters is None else _kept(clusters, rated)
    intervals = _bootstrapped(sums, weights, names, of_rows, seed)
    agreed = _agreement(sums, np.ones((1, len(codes))), weights)
    return [
        _with_interval(name, kind, n, codes, sums, weights, agreed, bounds)
        for name, bounds in zip(names, intervals, strict=True)
    ]


def _with_interval(
    name: str,
    kind: str,
    n: int,
    codes: Codes,
    sums: _Sums,
    weights: Matrix,
    agreed: _Agreement,
    bounds: tuple[float | None, float | None],
) -> Coefficient:
    value = _known(agreed.value(name)[0])
    chance = None if name == PERCENT else _known(agreed.by_chance[name][0])
    if value is None or len(codes) < 2:
        return Coefficient(name, kind, n, value, chance=chance)
    se = _standard_error(name, codes, sums, weights, value)
    if se < _NO_SPREAD:
        return Coefficient(name, kind, n, value, se, chance=chance)
    half = float(stats.t.ppf(0.975, len(codes) - 1)) * se
    low, high = max(value - half, 0.0 if name == PERCENT else -1.0), min(value + half, 1.0)
    return Coefficient(name, kind, n, value, se, low, high, chance, *bounds)


def cohen(
    codes: Codes, levels: int, kind: str, clusters: Clusters | None = None, seed: int = SEED
) -> Coefficient:
    """Cohen's κ of two raters, (n, 2), over the targets that both graded.

    The interval is κ ± 1.96·se within −1 and 1; none where the standard error is 0.
    """
    both = np.asarray((codes >= 0).all(axis=1))
    weights, codes = weight_matrix(levels, kind), codes[both]
    n = len(codes)
    if n == 0:
        return Coefficient(COHEN, kind, 0)
    sums = _sums_of(codes, weights)
    agreed = _agreement(sums, np.ones((1, n)), weights)
    value, chance = _known(agreed.value(COHEN)[0]), _known(agreed.by_chance[CONGER][0])
    if value is None or n < 2:
        return Coefficient(COHEN, kind, n, value, chance=chance)
    of_rows = None if clusters is None else _kept(clusters, both)
    se = cohen_standard_error(cross_table(codes, levels), weights)
    if se < _NO_SPREAD:
        return Coefficient(COHEN, kind, n, value, se, chance=chance)
    low, high = max(value - Z975 * se, -1.0), min(value + Z975 * se, 1.0)
    (bounds,) = _bootstrapped(sums, weights, [COHEN], of_rows, seed)
    return Coefficient(COHEN, kind, n, value, se, low, high, chance, *bounds)


def cross_table(codes: Codes, levels: int) -> Matrix:
    """How often two raters gave each pair of grades, (q, q), first rater by row; both must have one."""
    found = np.zeros((levels, levels))
    both = codes[(codes >= 0).all(axis=1)]
    np.add.at(found, (both[:, 0], both[:, 1]), 1.0)
    return found


def rater_pairs(raters: int) -> Iterator[tuple[int, int]]:
    """Each pair of raters, by their places."""
    return itertools.combinations(range(raters), 2)


def _kept(clusters: Clusters, rows: NDArray[np.bool_]) -> Clusters:
    """The participants of some of the rows, numbered anew."""
    names, numbers = np.unique(clusters.of_row[rows], return_inverse=True)
    return Clusters(numbers.reshape(-1), len(names))


def _bootstrapped(
    sums: _Sums, weights: Matrix, names: list[str], clusters: Clusters | None, seed: int
) -> list[tuple[float | None, float | None]]:
    if clusters is None or not clusters.shared:
        return [(None, None)] * len(names)
    of_each = sums.by(clusters)

    def values(times: Matrix) -> Matrix:
        agreed = _agreement(of_each, times, weights)
        return np.column_stack([agreed.value(name) for name in names])

    lows, highs = cluster_bootstrap(values, clusters.count, seed)
    return [(_known(low), _known(high)) for low, high in zip(lows, highs, strict=True)]


def _known(value: float) -> float | None:
    """A number without what rounding makes of 0; None where there is none."""
    return None if not math.isfinite(value) else float(value) if abs(value) > _CERTAIN else 0.0
