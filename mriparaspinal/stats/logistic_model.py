"""A logistic regression for prediction: maximum likelihood, or Firth's where the arms are separated.

Intervals and p are those of the profile likelihood: an interval has the coefficients at which twice the
logarithm of the likelihood lies by less than χ²₀.₉₅(1) below its maximum, all others estimated anew; p is the
likelihood-ratio test of 0. For Firth's estimates it is the penalised likelihood (Heinze & Schemper 2002,
*Stat Med* 21:2409–2419). A Wald interval would be wrong near separation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2

from mriparaspinal.stats.limits import CONFIDENCE, Mask, Vector
from mriparaspinal.stats.logistic import scaled_design, separated, why_no_regression
from mriparaspinal.stats.logistic_fits import (
    can_be_fitted,
    firth_many,
    fit_many,
    linear_predictor,
    with_intercept,
)

ML, FIRTH = "maximum_likelihood", "firth"

#: The columns of ``roc_model.csv``.
MODEL_COLUMNS = (
    "method", "term", "n_positive", "n_negative", "b", "ci_low", "ci_high", "sd", "odds_ratio",
    "odds_ratio_low", "odds_ratio_high", "p",
)  # fmt: skip

#: A limit is looked for up to so far from the estimate, for a predictor of SD 1.
_FARTHEST = 1e6
#: Intercepts at which the penalised likelihood's maximum is looked for.
_STARTS = 40
#: After so many steps the highest few are followed to their end.
_FIRST_STEPS, _PEAKS = 5, 2
#: Of the likelihood by which completely separated rows are told without a linear program.
_NEARLY_ONE = -1e-6


@dataclass(frozen=True, slots=True, eq=False)
class LogisticModel:
    """A fitted regression with its data, the rows in sorted order."""

    names: tuple[str, ...]
    design: Vector
    """(n, 1 + k) an intercept, and the predictors with mean 0 and SD 1."""
    is_positive: Mask
    coefficients: Vector
    """(1 + k,) for the design."""
    method: str
    """``maximum_likelihood`` or ``firth``."""
    centre: Vector
    spread: Vector
    likelihood: float = field(repr=False)

    @property
    def is_firth(self) -> bool:
        """Whether the arms are separated."""
        return self.method == FIRTH

    @property
    def probability(self) -> Vector:
        """(n,) of being positive."""
        return np.asarray(expit(linear_predictor(self.coefficients[None], self.design)[0]), dtype=float)

    def refit(self, weights: Vector) -> tuple[Vector, Mask, int]:
        """Coefficients (fits, 1 + k) of the same modelling with other weights (fits, n) of the rows.

        That is maximum likelihood, and Firth's where a plane parts the arms. Also which fits are of use, and
        how many of them are Firth's.
        """
        usable = can_be_fitted(self.design, self.is_positive, weights)
        coefficients = np.full((len(weights), self.design.shape[1]), np.nan)
        # Where all rows are separated, so is every part of them.
        parted = usable.copy() if self.is_firth else np.zeros(len(weights), dtype=bool)
        if not self.is_firth and usable.any():
            rows = np.flatnonzero(usable)
            fits = fit_many(self.design, self.is_positive, weights[rows], penalised=False)
            coefficients[rows] = fits.coefficients
            for row, likelihood in zip(rows[~fits.converged], fits.likelihood[~fits.converged], strict=True):
                there = weights[row] > 0
                parted[row] = likelihood > _NEARLY_ONE or separated(
                    self.design[there], self.is_positive[there]
                )
                usable[row] = parted[row]
        if parted.any():
            rows = np.flatnonzero(parted)
            fits = firth_many(self.design, self.is_positive, weights[rows])
            coefficients[rows] = fits.coefficients
            usable[rows] = fits.converged
        return coefficients, usable, int((parted & usable).sum())


def fit_model(values: Vector, is_positive: Mask, names: Sequence[str]) -> LogisticModel | str:
    """The regression of (n, k) predictors without missing values, or why there is none."""
    reason = why_no_regression(values, is_positive)
    if reason:
        return reason
    # In sorted order, so that the order of the table's rows does not reach the last digits, nor resamples.
    order = np.lexsort((is_positive, *values.T))
    values, is_positive = values[order], is_positive[order]
    centre, spread = values.mean(axis=0), values.std(axis=0)
    design = with_intercept((values - centre) / spread)
    parted = separated(scaled_design(values), is_positive)
    ones = np.ones((1, len(values)))
    fits = firth_many(design, is_positive, ones) if parted else fit_many(design, is_positive, ones, False)
    if not fits.converged[0]:
        return "the regression did not converge"
    return LogisticModel(
        tuple(names), design, is_positive, fits.coefficients[0], FIRTH if parted else ML, centre, spread,
        float(fits.likelihood[0]),
    )  # fmt: skip


def model_table(model: LogisticModel, notes: list[str]) -> pd.DataFrame:
    """The coefficients in the units of the table, with ``MODEL_COLUMNS``; the intercept in the first row.

    The odds ratios are those of one SD (n − 1) more of the predictor.
    """
    slopes = model.coefficients[1:] / model.spread
    intercept = float(model.coefficients[0] - (slopes * model.centre).sum())
    n = len(model.design)
    sd = model.spread * math.sqrt(n / (n - 1))
    shared: dict[str, Any] = {
        "method": model.method,
        "n_positive": int(model.is_positive.sum()),
        "n_negative": int((~model.is_positive).sum()),
    }
    rows = [{**shared, "term": "intercept", "b": intercept}]
    for term, name in enumerate(model.names, 1):
        low, high = (_limit(model, term, side) / model.spread[term - 1] for side in (-1, 1))
        if math.isnan(low) or math.isnan(high):
            notes.append(f"{name}: a limit of its interval is empty: it was not found")
        p = _p_of_zero(model, term)
        b = float(slopes[term - 1])
        row = {**shared, "term": name, "b": b, "ci_low": low, "ci_high": high, "sd": sd[term - 1], "p": p}
        ratios = {"odds_ratio": b, "odds_ratio_low": low, "odds_ratio_high": high}
        row |= {column: _exponential(value * sd[term - 1]) for column, value in ratios.items()}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(MODEL_COLUMNS))


def _exponential(value: float) -> float:
    """E to a power, NaN where that is no number of the computer."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.nan


class _NotFoundError(ArithmeticError):
    pass


def _profile(model: LogisticModel, term: int, value: float) -> float:
    """The largest likelihood with one coefficient held at a value."""
    start = model.coefficients[None].copy()
    if model.is_firth:
        # A steep slope has a peak for each gap between patients: begin at all of them, or at quantiles.
        held = model.coefficients.copy()
        held[term] = value
        held[0] = 0
        places = np.unique(-linear_predictor(held[None], model.design)[0])
        if len(places) > _STARTS:
            places = np.quantile(places, np.linspace(0, 1, _STARTS))
        start = np.repeat(start, len(places) + 1, axis=0)
        start[1:, 0] = places
    start[:, term] = value
    free = np.arange(start.shape[1]) != term
    ones = np.ones((len(start), len(model.design)))
    data = model.design, model.is_positive
    if model.is_firth:
        fits = fit_many(*data, ones, True, start, free, _FIRST_STEPS)
        # The estimate's own coefficients first, then the highest few.
        highest = 1 + np.argsort(-fits.likelihood[1:], kind="stable")[:_PEAKS]
        start = np.concatenate([start[:1], fits.coefficients[highest]])
        fits = firth_many(*data, ones[: len(start)], start, free)
    else:
        fits = fit_many(*data, ones, False, start, free)
    if not fits.converged.any():
        raise _NotFoundError
    return float(fits.likelihood[fits.converged].max())


def _limit(model: LogisticModel, term: int, side: int) -> float:
    """The lower (−1) or upper (1) end of the profile interval of a coefficient of the design; NaN without."""
    farthest = math.sqrt(float(chi2.ppf(CONFIDENCE, 1)))
    estimate = float(model.coefficients[term])

    def beyond(value: float) -> float:
        # The root of the test statistic, as it is nearly a straight line.
        drop = 2 * (model.likelihood - _profile(model, term, value))
        return math.sqrt(max(drop, 0.0)) - farthest

    inner, width = estimate, 0.5
    try:
        while width < _FARTHEST:
            outer = estimate + side * width
            if beyond(outer) > 0:
                return float(brentq(beyond, inner, outer, xtol=1e-9))
            inner, width = outer, 2 * width
    except _NotFoundError:
        pass
    return math.nan


def _p_of_zero(model: LogisticModel, term: int) -> float:
    """The p of the likelihood-ratio test of a coefficient of 0; NaN without."""
    try:
        at_zero = _profile(model, term, 0.0)
    except _NotFoundError:
        return math.nan
    return float(chi2.sf(max(2 * (model.likelihood - at_zero), 0.0), 1))
