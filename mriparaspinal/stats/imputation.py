"""Multiple imputation of missing predictors by chained equations, and Rubin's rules."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats import design
from mriparaspinal.stats.limits import CONFIDENCE

Array = NDArray[np.float64]

#: More complete cases than coefficients than this are needed; with fewer an imputed value may be anything.
SPARE_CASES = 5

#: Rounds of the chain before a set is taken.
CYCLES = 10

#: Below this share of the total variance the variance between the sets counts as this much, as in R's mice.
_LEAST_BETWEEN = 1e-4

#: Added to the diagonal of X'X, relative to it, against near collinearity.
_RIDGE = 1e-5


@dataclass(frozen=True, slots=True)
class Imputation:
    """How missing predictors are imputed."""

    sets: int
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise :class:`UsageError` for a number of sets that is none."""
        if not 2 <= self.sets <= 1000:
            found = f"{argument('impute')}: {self.sets} was found"
            raise UsageError(f"{found}; expected 2 to 1000 imputed data sets; correct it, 20 is usual")


@dataclass(frozen=True, slots=True)
class Pooled:
    """Estimates of several imputed data sets as one, by term."""

    estimate: Array
    se: Array
    df: Array
    """Barnard and Rubin's."""
    p: Array
    low: Array
    high: Array
    fmi: Array
    """Fraction of missing information."""


def pool(estimates: Array, variances: Array, df_complete: float) -> Pooled:
    """Rubin's rules.

    ``estimates``, ``variances``: (sets, terms); ``df_complete``: residual degrees of freedom of one set.

    The mean of the estimates; total variance T = Ū + (1 + 1/m)·B (Rubin 1987); degrees of freedom after
    Barnard and Rubin (1999): with λ = (1 + 1/m)·B/T, ν_old = (m − 1)/λ² and ν_obs = (ν + 1)/(ν + 3)·ν·(1 − λ)
    they are ν_old·ν_obs/(ν_old + ν_obs). The fraction of missing information is (r + 2/(df + 3))/(r + 1) with
    r = (1 + 1/m)·B/Ū. All as R's mice::pool.

    >>> found = pool(np.array([[1.0], [1.2], [1.4]]), np.array([[0.1], [0.1], [0.1]]), 20)
    >>> found.estimate.round(3).tolist(), found.se.round(3).tolist(), found.df.round(2).tolist()
    ([1.2], [0.392], [6.92])
    """
    sets = len(estimates)
    mean, within = estimates.mean(axis=0), variances.mean(axis=0)
    between = (1 + 1 / sets) * estimates.var(axis=0, ddof=1)
    total = within + between
    share = np.maximum(between / total, _LEAST_BETWEEN)
    old = (sets - 1) / share**2
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    df = old * observed / (old + observed)
    ratio = between / within
    se = np.sqrt(total)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, df) * se
    p = 2 * stats.t.sf(np.abs(mean / se), df)
    return Pooled(mean, se, df, p, mean - half, mean + half, (ratio + 2 / (df + 3)) / (ratio + 1))


def pooled_test(estimates: Array, covariances: Array, df_complete: float) -> float:
    """The p that all of several coefficients are 0; NaN with too few sets or cases for degrees of freedom.

    ``estimates``: (sets, terms); ``covariances``: (sets, terms, terms).

    D1 of Li, Raghunathan & Rubin (1991): F = Q̄'·Ū⁻¹·Q̄/(k·(1 + r)) with r = (1 + 1/m)·tr(B·Ū⁻¹)/k, and the
    denominator's degrees of freedom of Reiter (2007), as R's mice::D1 with ``dfcom``; k·(m − 1) > 4.
    """
    sets, k = estimates.shape
    mean, within = estimates.mean(axis=0), covariances.mean(axis=0)
    left = np.linalg.solve(within, np.column_stack([mean, np.atleast_2d(np.cov(estimates.T))]))
    r = (1 + 1 / sets) * float(np.trace(left[:, 1:])) / k
    t = k * (sets - 1)
    if t <= 4:
        return np.nan
    a = r * t / (t - 2)
    star = (df_complete + 1) / (df_complete + 3) * df_complete
    c1, c2 = star - 2 * (1 + a), star - 4 * (1 + a)
    if c2 <= 0:
        return np.nan
    more = (
        a**2 * c1 / ((1 + a) ** 2 * c2)
        + 8 * a**2 * c1 / ((1 + a) * c2**2)
        + 4 * a**2 / ((1 + a) * c2)
        + 4 * a**2 / (c2 * c1)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    df = 4 + 1 / (1 / c2 + more / (t - 4))
    return float(stats.f.sf(mean @ left[:, 0] / (k * (1 + r)), k, df))


def why_not(rows: pd.DataFrame, outcome: str, names: Sequence[str]) -> str:
    """Why missing predictors cannot be imputed; empty where they can, or where none is missing."""
    known = rows.dropna(subset=[outcome])
    missing = [name for name in names if known[name].isna().any()]
    complete = known.dropna(subset=list(names))
    _, terms = design.encode(complete, names)
    for name in missing:
        if pd.api.types.is_numeric_dtype(known[name]):
            continue
        there, levels = int(known[name].notna().sum()), known[name].nunique()
        if levels < 2:
            return f"{name}: there is one level only, so nothing tells where another would be"
        others = len(terms) - (complete[name].nunique() - 1) + 2  # with the outcome and an intercept
        least = (levels - 1) * others + SPARE_CASES
        if levels > 2 and there < least:
            return (
                f"{name}: {there} known cells are too few to impute {levels} levels from, {least} are needed"
            )
    needed = len(terms) + 1 + SPARE_CASES
    if missing and len(complete) < needed:
        return f"{len(complete)} complete cases are too few to impute from, {needed} are needed"
    return ""


def impute(
    rows: pd.DataFrame, outcome: str, names: Sequence[str], how: Imputation, place: str = ""
) -> list[pd.DataFrame]:
    """Data sets without missing predictors.

    Chained equations (van Buuren 2007): each predictor that has missing cells is drawn from its regression
    on the outcome and all other predictors, round after round: a number from a Bayesian linear regression
    (Rubin 1987, p. 167), a category from a Bayesian logistic one, multinomial for three levels or more,
    augmented against separation (White, Daniel & Royston 2010). The outcome predicts, but rows without it are
    left out: imputed outcomes add noise, no information (von Hippel 2007). ``place`` tells the random numbers
    of one model from those of another, so that neither its number nor its order matters. Ask :func:`why_not`
    first.
    """
    known = rows.dropna(subset=[outcome]).reset_index(drop=True)
    missing = sorted(
        (name for name in names if known[name].isna().any()), key=lambda n: known[n].isna().sum()
    )
    if not missing:
        return [known]
    rng = np.random.default_rng([how.seed, zlib.crc32(place.encode())])
    columns: dict[str, Array] = {}
    levels: dict[str, list[str]] = {}
    for name in (outcome, *names):
        if name in missing and not pd.api.types.is_numeric_dtype(known[name]):
            levels[name] = sorted(set(known[name].dropna()))
            coded = known[name].map({level: float(i) for i, level in enumerate(levels[name])})
            columns[name] = coded.to_numpy(dtype=float)[:, None]
        elif name in missing:
            columns[name] = known[name].to_numpy(dtype=float)[:, None]
        else:
            columns[name] = design.encode(known, [name])[0]
    found = []
    for _ in range(how.sets):
        chain = _chain(columns, missing, {name: len(of) for name, of in levels.items()}, rng)
        values = {name: _decoded(chain[name][:, 0], levels.get(name)) for name in missing}
        found.append(known.assign(**values))
    return found


def _decoded(values: Array, levels: Sequence[str] | None) -> pd.Series:
    if levels is None:
        return pd.Series(values)
    return pd.Series([levels[int(value)] for value in values], dtype=object)


def _chain(
    columns: dict[str, Array], missing: Sequence[str], levels: dict[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """One data set: begun with values that others have, then drawn round by round.

    ``levels``: how many an imputed category has, whose column holds their numbers.
    """
    filled = dict(columns)
    absent = {name: np.isnan(columns[name][:, 0]) for name in missing}
    for name, gone in absent.items():
        filled[name] = columns[name].copy()
        filled[name][gone, 0] = rng.choice(columns[name][~gone, 0], gone.sum())
    for _ in range(CYCLES if len(missing) > 1 else 1):
        for name, gone in absent.items():
            explaining = [
                _terms(values, levels.get(other)) for other, values in filled.items() if other != name
            ]
            others = _scaled(np.column_stack(explaining))
            known, there, wanted = columns[name][~gone, 0], others[~gone], others[gone]
            if name in levels:
                filled[name][gone, 0] = _draw_category(known, there, wanted, levels[name], rng)
            else:
                filled[name][gone, 0] = _draw_number(known, there, wanted, rng)
    return filled


def _terms(values: Array, levels: int | None) -> Array:
    """A column as it explains others: a category as 0/1 of each level but the first."""
    if levels is None:
        return values
    return np.column_stack([(values[:, 0] == level).astype(float) for level in range(1, levels)])


def _scaled(matrix: Array) -> Array:
    """Standardised columns behind an intercept; constant ones are left out."""
    spread = matrix.std(axis=0)
    kept = matrix[:, spread > 0]
    return np.column_stack([np.ones(len(matrix)), (kept - kept.mean(axis=0)) / spread[spread > 0]])


def _draw_number(y: Array, x: Array, wanted: Array, rng: np.random.Generator) -> Array:
    """From the posterior predictive distribution of a linear regression with the usual flat prior."""
    cross = x.T @ x
    inverse = np.linalg.inv(cross + _RIDGE * np.diag(np.diag(cross)))
    beta = inverse @ x.T @ y
    residual = y - x @ beta
    sigma = np.sqrt(residual @ residual / rng.chisquare(max(len(y) - x.shape[1], 1)))
    beta = beta + sigma * np.linalg.cholesky(inverse) @ rng.standard_normal(len(beta))
    return np.asarray(wanted @ beta + sigma * rng.standard_normal(len(wanted)))


def _draw_category(y: Array, x: Array, wanted: Array, levels: int, rng: np.random.Generator) -> Array:
    """From a logistic regression of level numbers, its coefficients drawn from their normal approximation."""
    x, y, weights = _augmented(x, y, levels)
    width = x.shape[1]
    is_level = (y[:, None] == np.arange(1, levels)).astype(float)
    beta = np.zeros((levels - 1) * width)
    for _ in range(25):
        p = _shares(x, beta)[:, 1:]
        spread = p[:, :, None] * (np.eye(levels - 1) - p[:, None, :])
        information = np.einsum("n,nab,ni,nj->aibj", weights, spread, x, x).reshape(len(beta), len(beta))
        information += 1e-8 * np.diag(np.diag(information))
        step = np.linalg.solve(information, ((weights[:, None] * (is_level - p)).T @ x).ravel())
        beta = beta + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-8:
            break
    beta = beta + np.linalg.cholesky(np.linalg.inv(information)) @ rng.standard_normal(len(beta))
    ends = np.cumsum(_shares(wanted, beta)[:, :0:-1], axis=1)  # of the last level first
    passed = (rng.uniform(size=(len(wanted), 1)) >= ends).sum(axis=1)
    return np.asarray(levels - 1 - passed, dtype=float)


def _shares(x: Array, beta: Array) -> Array:
    """(rows, levels) the probabilities of the levels, by the coefficients of all but the first."""
    linear = x @ beta.reshape(-1, x.shape[1]).T
    return np.asarray(special.softmax(np.column_stack([np.zeros(len(x)), linear]), axis=1))


def _augmented(x: Array, y: Array, levels: int) -> tuple[Array, Array, Array]:
    """With a few rows of small weight at ±1 SD of each predictor and each level: no separation."""
    middle = x.mean(axis=0)
    more = []
    for column in range(1, x.shape[1]):
        for shift in (-1.0, 1.0):
            row = middle.copy()
            row[column] += shift * x[:, column].std()
            more += [row] * levels
    added = np.array(more) if more else np.vstack([middle] * levels)
    weight = x.shape[1] / len(added)
    outcomes = np.tile(np.arange(levels, dtype=float), len(added) // levels)
    weights = np.concatenate([np.ones(len(y)), np.full(len(added), weight)])
    return np.vstack([x, added]), np.concatenate([y, outcomes]), weights
