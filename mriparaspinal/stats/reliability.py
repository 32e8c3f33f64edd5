"""Agreement of raters: intraclass correlations, coefficients of variation, limits of agreement, means.

A *target* is what each rater measures once: one muscle of a participant, on one segment and one side.
The formulas are those of McGraw & Wong 1996 (*Psychol Methods* 1:30–46, with their correction on p. 390)
and Bland & Altman 1986 (*Lancet* 327:307–310).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from mriparaspinal.design import of_usual_size
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.model import COLUMNS, MUSCLES, OPTIONAL_COLUMNS, SEGMENTS
from mriparaspinal.text import read_cell

#: The forms of the intraclass correlation, as McGraw & Wong name them, in the order of the table.
FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")

#: The columns of ``reliability.csv``.
RELIABILITY_COLUMNS = (
    "segment", "muscle", "metric", "n", "raters", "form", "icc", "ci_low", "ci_high", "f", "df1", "df2", "p",
    "cv_pct", "sem", "mdc95", "bias", "loa_low", "loa_high",
)  # fmt: skip

#: The columns of the table behind the Bland–Altman figures.
BLAND_ALTMAN_COLUMNS = (
    "segment", "muscle", "metric", "rater_a", "rater_b", "n", "bias", "bias_ci_low", "bias_ci_high", "sd",
    "loa_low", "loa_low_ci_low", "loa_low_ci_high", "loa_high", "loa_high_ci_low", "loa_high_ci_high",
)  # fmt: skip

#: Half the width of the limits of agreement in SD, and the factor of the 95 % minimal detectable change.
Z95 = 1.96

_TARGET = ["participant_id", "segment", "side", "muscle"]
_ROW_KEY = ["participant_id", "segment", "muscle", "side"]
#: What has to be the same for all raters of one row; one rater's difference is a different measurement.
_AGREED = ("group", "role", "reference", "threshold", "fat_rule", "mask_rule")
_AVERAGED = (
    "csa_px", "csa_mm2", "contour_area_px", "fat_px", "fi", "lean_px", "reference_px", "rcsa", "lean_rcsa",
    "mean_intensity", "asymmetry_pct",
)  # fmt: skip
_SLICES = "slices"
_SETTINGS = ("reference", "threshold", "fat_rule", "mask_rule")
#: Components of the ratings below this many units of their last digit are rounding, not variance.
_ROUNDING = 16 * float(np.finfo(float).eps)

Matrix = NDArray[np.float64]


class Region(NamedTuple):
    """What one block of rows is about; an empty segment means all segments."""

    segment: str
    muscle: str
    metric: str

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


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
        return None if self.sem is None else Z95 * math.sqrt(2) * self.sem


@dataclass(frozen=True, slots=True, eq=False)
class BlandAltman:
    """Limits of agreement of two raters, in the unit of the ratings; differences are second minus first."""

    n: int
    mean: Matrix
    """(n,) mean of the two ratings of each target."""
    difference: Matrix
    """(n,) second rating minus first."""
    bias: float | None = None
    bias_ci_low: float | None = None
    bias_ci_high: float | None = None
    sd: float | None = None
    loa_low: float | None = None
    loa_low_ci_low: float | None = None
    loa_low_ci_high: float | None = None
    loa_high: float | None = None
    loa_high_ci_low: float | None = None
    loa_high_ci_high: float | None = None


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    """Mean squares of the two-way layout of n ≥ 2 targets by k ≥ 2 raters without repeats."""

    n: int
    k: int
    targets: float
    raters: float
    error: float
    within: float


def reliability(
    ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of ``reliability.csv``: six ICCs for each region, with CV, SEM, MDC and limits of agreement.

    ``ratings`` has one row per rater and target, with the columns ``rater, participant_id, segment, side,
    muscle`` and the ``metrics``; rows of side ``both`` are not used. Where it also has ``reference,
    threshold, fat_rule, mask_rule``, a difference between raters is noted. ``raters`` gives their order
    (default: as they appear), which decides the sign of the bias.

    Only targets with a value from every rater are used. The columns of one region that do not depend on the
    form (``cv_pct``, ``bias``, ``loa_*``) are repeated on its six rows. ``sem`` is √MS_within for the forms
    (1,·) and (A,·), √MS_error for (C,·). ``bias`` and limits are given for two raters only.

    Raises UsageError for missing columns, text among the numbers, a target that one rater has twice or fewer
    than two raters, NoInputError where no target has a value from every rater.
    """
    matrices, notes = rating_matrices(ratings, metrics, raters)
    rows: list[dict[str, Any]] = []
    for region, wide in matrices.items():
        matrix = wide.to_numpy(dtype=float)
        forms, icc_notes = icc_table(matrix)
        cv_pct, cv_notes = cv_of_raters(matrix)
        notes += [f"{region}: {note}" for note in icc_notes + cv_notes]
        same = {**region._asdict(), "n": len(wide), "raters": matrix.shape[1], "cv_pct": cv_pct}
        if matrix.shape[1] == 2:
            limits = bland_altman(matrix[:, 0], matrix[:, 1])
            same |= {"bias": limits.bias, "loa_low": limits.loa_low, "loa_high": limits.loa_high}
        rows += [{**same, **dataclasses.asdict(form), "mdc95": form.mdc95} for form in forms]
    return _table(rows, RELIABILITY_COLUMNS), notes


def ratings_of_table(table: pd.DataFrame) -> pd.DataFrame:
    """The ratings of any long table with the columns ``target, rater, value``, for the functions here.

    The target becomes ``participant_id``; ``segment, side, muscle`` are empty and the only metric is
    ``value``. Further columns are ignored. Raises UsageError for a missing column, an empty target or rater,
    a value that is not a number (rows are counted from 1, without the heading), and a target that a rater
    has twice. An empty value is a missing one.
    """
    _require_columns(table, ("target", "rater", "value"), "table")
    for column in ("target", "rater"):
        texts = _texts(table[column])
        if "" in texts:
            raise UsageError(
                f"table: no {column} in row {texts.index('') + 1}; each row needs a target, a rater and a "
                "value; fill it in or delete the row"
            )
    ratings = pd.DataFrame(
        {
            "rater": _texts(table["rater"]),
            "participant_id": _texts(table["target"]),
            "segment": "",
            "side": "",
            "muscle": "",
            "value": _numbers(table["value"]),
        }
    )
    _refuse_twice(ratings)
    return ratings


def agreement_of_table(
    table: pd.DataFrame, raters: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """``reliability`` of any long table ``target, rater, value`` (see ``ratings_of_table``)."""
    return reliability(ratings_of_table(table), ["value"], raters)


def rating_matrices(
    ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str] | None = None
) -> tuple[dict[Region, pd.DataFrame], list[str]]:
    """The complete ratings of each region as a wide table: one row per target, one column per rater.

    Regions come in the order of the tables: all segments together (segment ``""``), then each segment;
    muscles, then metrics within. A region that was rated but has no complete target has an empty table.
    Arguments and errors as in ``reliability``; the notes say what was left out.
    """
    rows = _checked(ratings, metrics)
    order = _rater_order(rows, raters)
    notes = _setting_notes(rows, order) + _dependence_notes(rows)
    if len(order) == 2:
        notes.append(f"bias and limits of agreement: {order[1]} minus {order[0]}")
    segments = ["", *_in_order([s for s in set(rows["segment"]) if s], SEGMENTS)]
    muscles = _in_order(set(rows["muscle"]), MUSCLES)
    found: dict[Region, pd.DataFrame] = {}
    for muscle, metric in itertools.product(muscles, metrics):
        of_muscle = rows[rows["muscle"] == muscle]
        wide = of_muscle.pivot(index=_TARGET, columns="rater", values=metric).reindex(columns=order)
        notes += _incomplete_notes(Region("", muscle, metric), wide)
        complete = wide.dropna()
        for segment in segments:
            if segment and not (wide.index.get_level_values("segment") == segment).any():
                continue
            in_segment = complete.index.get_level_values("segment") == segment
            found[Region(segment, muscle, metric)] = complete[in_segment] if segment else complete
    if all(wide.empty for wide in found.values()):
        raise NoInputError(
            f"ratings of {', '.join(order)}: no target with a value from every rater; the same participants, "
            "segments, sides and muscles were expected; check the ids"
        )
    regions = (Region(*names) for names in itertools.product(segments, muscles, metrics))
    return {region: found[region] for region in regions if region in found}, notes


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
        return _undefined(None, None), [f"{_count(k, 'rater')}: agreement needs two"]
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
        notes.append(f"CV: {_count(int((~has_mean).sum()), 'target')} of mean 0 left out")
    if not has_mean.any():
        return None, notes
    # Deviations from the first rater have the same variance, and are exactly 0 for equal ratings.
    deviation = (x - x[:, :1])[has_mean] / mean[has_mean, np.newaxis]
    return 100 * math.sqrt(deviation.var(axis=1, ddof=1).mean()), notes


def bland_altman(a: ArrayLike, b: ArrayLike) -> BlandAltman:
    """Bias and 95 % limits of agreement of two raters' values ``a`` and ``b``, both (n,) and finite.

    Differences are b − a; the limits are bias ± 1.96·SD (n − 1). Confidence intervals (95 %) are those of
    Bland & Altman 1986: t with n − 1 degrees of freedom times √(SD²/n) for the bias and, approximately,
    √(3·SD²/n) for each limit. One target has a bias only, none has nothing.

    >>> limits = bland_altman([10, 20, 30], [11, 22, 33])
    >>> limits.bias, limits.sd, round(limits.loa_high, 2)
    (2.0, 1.0, 3.96)
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or not np.isfinite([first, second]).all():
        raise ValueError("a and b: expected finite numbers of the same targets")
    n, mean, difference = len(first), (first + second) / 2, second - first
    if n == 0:
        return BlandAltman(n, mean, difference)
    bias = float(difference.mean())
    if n == 1:
        return BlandAltman(n, mean, difference, bias)
    sd = float(difference.std(ddof=1))
    low, high = bias - Z95 * sd, bias + Z95 * sd
    t = float(t_distribution.ppf(0.975, n - 1))
    half_bias, half_limit = t * sd / math.sqrt(n), t * sd * math.sqrt(3 / n)
    return BlandAltman(
        n, mean, difference,
        bias, bias - half_bias, bias + half_bias,
        sd,
        low, low - half_limit, low + half_limit,
        high, high - half_limit, high + half_limit,
    )  # fmt: skip


def bland_altman_table(
    ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Limits of agreement of each pair of raters for each region, differences ``rater_b`` − ``rater_a``.

    Arguments, targets and errors as in ``reliability``: with more than two raters a target still needs a
    value from every rater, so that all pairs speak of the same targets.
    """
    matrices, notes = rating_matrices(ratings, metrics, raters)
    rows: list[dict[str, Any]] = []
    for region, wide in matrices.items():
        if len(wide) < 2:
            notes.append(f"{region}: {_count(len(wide), 'complete target')}: limits of agreement need two")
        for rater_a, rater_b in itertools.combinations(wide.columns, 2):
            limits = bland_altman(wide[rater_a].to_numpy(), wide[rater_b].to_numpy())
            numbers = {name: getattr(limits, name) for name in BLAND_ALTMAN_COLUMNS[5:]}
            rows.append({**region._asdict(), "rater_a": rater_a, "rater_b": rater_b, **numbers})
    return _table(rows, BLAND_ALTMAN_COLUMNS), notes


def exceeding(table: pd.DataFrame, limit_pct: float) -> pd.DataFrame:
    """The regions of a ``reliability`` table whose CV is not known to be within ``limit_pct``, in its order.

    Columns ``segment, muscle, metric, n, cv_pct``. A region without a CV is among them, with an empty
    ``cv_pct``: what could not be computed does not pass a gate. Raises UsageError for a limit that is not a
    number of at least 0.
    """
    if not (0 <= limit_pct < math.inf):
        raise UsageError(
            f"--require-cv: {limit_pct} found; a number of at least 0 was expected; give the highest "
            "coefficient of variation to accept, in per cent"
        )
    regions = table[["segment", "muscle", "metric", "n", "cv_pct"]].drop_duplicates()
    return regions[~(regions["cv_pct"] <= limit_pct)].reset_index(drop=True)


def mean_of_raters(tables: Sequence[pd.DataFrame], raters: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """The mean of the raters, row by row, in the columns of ``L1.csv`` … ``L5.csv``: the optional ones, too,
    where every rater has them.

    ``tables`` are the raters' rows (one or all segments), ``raters`` their names. Each numeric column of
    each row is averaged by itself, as the paper does ("The mean value of the two measurements was used for
    analysis"). This holds for ``both`` rows too, nothing is computed anew: ``fi`` is the mean of the raters'
    proportions, not mean fat over mean area, and ``csa_px`` may be fractional. A cell that some rater lacks
    is empty, never the mean of the others. Rows keep the order of the first table; those that not every
    rater has are left out and listed in the notes.

    Raises UsageError for fewer than two raters, missing columns, a row that is there twice, text among the
    numbers, and where raters differ in group, role, reference, threshold, fat rule or mask rule (an empty
    cell agrees with any; a threshold that a fat rule finds in each slice is averaged), NoInputError where
    the raters have no row in common.
    """
    if len(tables) < 2 or len(tables) != len(raters) or len(set(raters)) != len(raters):
        raise UsageError(
            f"raters: {len(tables)} tables of {', '.join(raters) or 'nobody'} found; the rows of two or more "
            "different raters were expected; give one results folder per rater"
        )
    indexed = [_by_row(table, rater) for table, rater in zip(tables, raters, strict=True)]
    shared = indexed[0].index
    for table in indexed[1:]:
        shared = shared[shared.isin(table.index)]
    if shared.empty:
        raise NoInputError(
            f"ratings of {', '.join(raters)}: no row in common; the same participants, segments, muscles and "
            "sides were expected; check the ids"
        )
    notes = _left_out_notes(indexed, raters)
    aligned = [table.loc[shared] for table in indexed]
    mean = pd.DataFrame(index=shared)
    averaged = _finds_thresholds(aligned[0]["fat_rule"])
    for column in _AGREED:
        if column == "threshold" and averaged:
            continue
        mean[column] = _agreed([table[column].tolist() for table in aligned], column, raters, shared)
    optional = _shared_optional(tables)
    found_thresholds = ("threshold",) if averaged else ()
    for column in (*_AVERAGED, *found_thresholds, *(column for column in optional if column != _SLICES)):
        values = np.column_stack([table[column].to_numpy() for table in aligned])
        mean[column] = values.mean(axis=1)
        partly = np.isnan(values).any(axis=1) & ~np.isnan(values).all(axis=1)
        if partly.any():
            notes.append(f"{column}: left empty where not every rater has a value: {_names(shared[partly])}")
    for column in ("image", *(column for column in optional if column == _SLICES)):
        cells = pd.DataFrame(
            [list(map(_whole, table[column])) for table in aligned], columns=shared, dtype=object
        )
        mean[column] = cells.iloc[0].where(cells.nunique() == 1, "")
        if (cells.nunique() > 1).any():
            notes.append(
                f"{column}: left empty where the raters' differ: {_names(shared[cells.nunique() > 1])}"
            )
    return mean.reset_index()[[*COLUMNS, *optional]], notes


def _finds_thresholds(fat_rules: pd.Series) -> bool:
    """Whether the threshold comes out of each slice and its contours, so that raters differ in it."""
    return bool(fat_rules.isin(["otsu", "multiotsu", "reference"]).any())


def _shared_optional(tables: Sequence[pd.DataFrame]) -> list[str]:
    # Without that column, each row stands for one slice.
    return [
        column
        for column in OPTIONAL_COLUMNS
        if (any if column == _SLICES else all)(column in table for table in tables)
    ]


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


def _checked(ratings: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The left and right rows with the columns that are needed: texts as str, metrics as float."""
    if not metrics:
        raise UsageError("metrics: none found; at least one was expected; name a column of the results")
    texts = ["rater", *_TARGET, *(column for column in _SETTINGS if column in ratings.columns)]
    _require_columns(ratings, [*texts, *metrics], "ratings")
    columns: dict[str, Any] = {column: _texts(ratings[column]) for column in texts}
    columns |= {metric: _numbers(ratings[metric]) for metric in metrics}
    rows = pd.DataFrame(columns)
    rows = rows[rows["side"] != "both"]
    if rows.empty:
        raise NoInputError("ratings: no row of one side found; left or right was expected; check the tables")
    _refuse_twice(rows)
    return rows


def _rater_order(rows: pd.DataFrame, raters: Sequence[str] | None) -> list[str]:
    present = list(dict.fromkeys(rows["rater"]))
    order = present if raters is None else list(raters)
    if sorted(order) != sorted(present):
        raise UsageError(
            f"raters: {', '.join(present)} found in the ratings; {', '.join(order)} were expected; "
            "give each rater once, with ratings of one side at least"
        )
    if len(order) < 2:
        raise UsageError(f"raters: only {order[0]} found; two or more were expected; add another rater")
    return order


def _setting_notes(rows: pd.DataFrame, order: Sequence[str]) -> list[str]:
    notes = []
    for column in _SETTINGS:
        found_in_slices = "fat_rule" in rows.columns and _finds_thresholds(rows["fat_rule"])
        if column not in rows.columns or (column == "threshold" and found_in_slices):
            continue
        used = {rater: sorted(set(rows.loc[rows["rater"] == rater, column]) - {""}) for rater in order}
        if any(values != used[order[0]] for values in used.values()):
            found = "; ".join(f"{rater}: {', '.join(values) or 'none'}" for rater, values in used.items())
            notes.append(f"raters differ in {column} ({found}): the agreement includes this difference")
    return notes


def _dependence_notes(rows: pd.DataFrame) -> list[str]:
    if not rows.duplicated(["rater", "participant_id", "muscle"]).any():
        return []
    return [
        "targets are participant × segment × side (an empty segment means all): those of one participant are "
        "not independent, but the intervals and p take them as if they were"
    ]


def _incomplete_notes(region: Region, wide: pd.DataFrame) -> list[str]:
    missing = wide[wide.isna().any(axis=1)]
    if missing.empty:
        return []
    named = [
        f"{' '.join(part for part in target[:3] if part)} ({', '.join(row.index[row.isna()])})"
        for target, row in missing.iterrows()
    ]
    return [
        f"{region}: {len(missing)} of {_count(len(wide), 'target')} left out, no value from: "
        f"{'; '.join(named)}"
    ]


def _by_row(table: pd.DataFrame, rater: str) -> pd.DataFrame:
    """One rater's rows, cleaned, by participant, segment, muscle and side."""
    _require_columns(table, COLUMNS, f"results of {rater}")
    columns: dict[str, Any] = {column: _texts(table[column]) for column in COLUMNS}
    optional = [column for column in OPTIONAL_COLUMNS if column in table]
    columns |= {column: _numbers(table[column]) for column in (*_AVERAGED, "threshold", *optional)}
    if _SLICES not in columns:
        columns[_SLICES] = 1.0
    rows = pd.DataFrame(columns).set_index(_ROW_KEY)
    twice = rows.index[rows.index.duplicated()]
    if len(twice):
        raise UsageError(
            f"results of {rater}: {_names(twice[:1])} found twice; one row for each participant, segment, "
            "muscle and side was expected; measure the dataset again"
        )
    return rows


def _agreed(
    cells: Sequence[Sequence[Any]], column: str, raters: Sequence[str], rows: pd.MultiIndex
) -> list[Any]:
    """What the raters' cells of a column agree on, row by row; an empty cell agrees with any."""
    agreed = []
    for row, values in zip(rows, zip(*cells, strict=True), strict=True):
        given = {value for value in values if value != "" and pd.notna(value)}
        if len(given) > 1:
            found = ", ".join(f"{value} ({rater})" for value, rater in zip(values, raters, strict=True))
            raise UsageError(
                f"{' '.join(row)}: {column} {found} found; one {column} for all raters was expected; "
                "measure all datasets with the same settings and participants table"
            )
        value = given.pop() if given else ""
        agreed.append(_whole(value))
    return agreed


def _whole(value: Any) -> Any:
    """Whole numbers without a point; all else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _left_out_notes(indexed: Sequence[pd.DataFrame], raters: Sequence[str]) -> list[str]:
    """One note for each set of raters that lack rows, with all those rows."""
    every = dict.fromkeys(itertools.chain.from_iterable(table.index for table in indexed))
    lacking: dict[str, list[tuple[str, ...]]] = {}
    for row in every:
        without = [rater for rater, table in zip(raters, indexed, strict=True) if row not in table.index]
        if without:
            lacking.setdefault(", ".join(without), []).append(row)
    return [
        f"left out of the mean, {_count(len(rows), 'row')} without a measurement of {without}: {_names(rows)}"
        for without, rows in lacking.items()
    ]


def _names(rows: Any) -> str:
    return "; ".join(" ".join(row) for row in rows)


def _require_columns(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UsageError(
            f"{what}: no column {', '.join(missing)}; found {', '.join(map(str, table.columns)) or 'none'}; "
            "check the names in the heading"
        )


def _refuse_twice(rows: pd.DataFrame) -> None:
    key = ["rater", *_TARGET]
    twice = rows[rows.duplicated(key)]
    if not twice.empty:
        rater, *target = twice.iloc[0][key]
        raise UsageError(
            f"ratings: {' '.join(part for part in target if part)} found twice for rater {rater}; "
            "one value for each target and rater was expected; delete one, or give the second reading "
            "its own rater name"
        )


def _texts(column: pd.Series) -> list[str]:
    return ["" if pd.isna(cell) else str(cell).strip() for cell in column]


def _numbers(column: pd.Series) -> list[float]:
    """Cells as numbers, NaN for an empty one; UsageError for anything else, with its row counted from 1."""
    numbers = []
    for row, text in enumerate(_texts(column), start=1):
        number = read_cell(text)
        if number is None or not (math.isnan(number) or of_usual_size(number)):
            raise UsageError(
                f"{column.name}: {text!r} found in row {row}; a number was expected; correct the cell or "
                "leave it empty"
            )
        numbers.append(number)
    return numbers


def _in_order(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Names in the order of ``known``, further ones behind by alphabet."""
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def _table(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    texts = {"segment", "muscle", "metric", "form", "rater_a", "rater_b"}
    kinds = {"n": "int64", "raters": "int64", "df1": "Int64", "df2": "Int64"}
    return table.astype({name: kinds.get(name, "float64") for name in columns if name not in texts})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
