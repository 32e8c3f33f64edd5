"""ROC analysis: area under the curve, its intervals, cut-offs, DeLong's test, logistic combination.

The area, its standard error, its p-value and the cut-offs are those of SPSS's ``ROC`` (Hanley & McNeil 1982,
*Radiology* 143:29–36, non-parametric, with ties); DeLong's interval and test are added (DeLong,
DeLong & Clarke-Pearson 1988, *Biometrics* 44:837–845).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.stats.cells import as_text, list_first, require_column
from mriparaspinal.stats.delong import (
    AreaUnderCurve,
    delong_se,
    normal_interval,
    p_of_half,
    two_sided_p,
)
from mriparaspinal.stats.limits import Mask, Vector
from mriparaspinal.stats.logistic import logistic_probabilities
from mriparaspinal.stats.outcome import number_of, split_by_outcome
from mriparaspinal.stats.roc_curve import Curve, Predictor, area_of, curve_of

#: The columns of ``roc.csv``.
ROC_COLUMNS = (
    "predictor", "direction", "n_positive", "n_negative", "auc", "se", "ci_low", "ci_high", "delong_low",
    "delong_high", "p", "cutoff", "sensitivity", "specificity", "youden",
)  # fmt: skip

#: The columns of ``roc_points.csv``.
POINT_COLUMNS = (
    "predictor", "direction", "cutoff", "sensitivity", "sensitivity_low", "sensitivity_high", "specificity",
    "specificity_low", "specificity_high", "youden",
)  # fmt: skip

#: The columns of the table of differences between two areas.
DELONG_COLUMNS = (
    "predictor_a", "predictor_b", "n_positive", "n_negative", "auc_a", "auc_b", "difference", "se", "ci_low",
    "ci_high", "z", "p",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RocResult:
    """What ``roc`` gives: three tables and what there is to say about them."""

    table: pd.DataFrame
    """One row per predictor, with ``ROC_COLUMNS``."""
    points: pd.DataFrame
    """One row per predictor and candidate cut-off (ascending), with ``POINT_COLUMNS``."""
    delong: pd.DataFrame
    """One row per pair of predictors, with ``DELONG_COLUMNS``."""
    notes: list[str]
    """One line each: what was left out or left empty, and why."""
    predictors: tuple[Predictor, ...]
    """The predictors as they were used, and the combination behind them where there is one."""
    is_positive: Mask
    """(n,) who is positive of those used."""


def roc(
    table: pd.DataFrame,
    outcome: str,
    positive: object,
    predictors: Sequence[str],
    negative: object = None,
    lower_is_positive: Sequence[str] = (),
    combine: bool = False,
) -> RocResult:
    """ROC curves of ``predictors`` for the rows whose ``outcome`` is ``positive``.

    ``table`` has one row per participant. The outcome may be text or a number; negative are the rows with the
    value ``negative``, or, without it, all rows with any other value (a note lists them where there are
    several). Rows without an outcome, or with neither value, are left out and counted, as are missing cells,
    for each predictor by itself. (SPSS leaves a participant out of all curves if one predictor is missing.)

    *Direction*: ``higher`` values count as positive, ``lower`` ones for ``lower_is_positive``. It is never
    turned round: an area below 0.5 stays, with a note.

    *Area*: the share of the pairs (positive, negative) that are ranked rightly, ties as a half. ``se`` is
    √([A(1−A) + (n₁−1)(Q₁−A²) + (n₂−1)(Q₂−A²)] / (n₁n₂)), Hanley & McNeil 1982, with SPSS's non-parametric Q:
    Q₁ is the mean over the negatives of (g² + ge + e²/3)/n₁², g positives above it and e level with it;
    Q₂ likewise over the positives. ``ci_*`` is A ± 1.95996·se and ``delong_*`` the same with DeLong's
    standard error, both cut off at 0 and 1. ``p`` is SPSS's asymptotic significance, two-sided, for a true
    area of 0.5: z = (A − 0.5)/√((n₁+n₂+1)/(12n₁n₂)), without correction for ties.

    *Cut-off*: the one midway between two neighbouring observed values with the highest Youden index
    (sensitivity + specificity − 1); of equal ones the lowest. A value on the cut-off counts as positive.
    Where none is above 0 it stays empty. ``points`` lists all of them with Wilson's 95 % intervals, with
    SPSS's two ends: the lowest value − 1 and the highest + 1.

    *Differences*: DeLong's test for each pair of predictors, on the participants who have both.

    *Combination* (``combine``, two predictors or more): one more row, for the probability that a logistic
    regression on all predictors gives, ``[in-sample]``.

    Raises UsageError for columns or values that are not there, text or infinities among the numbers,
    participants on several rows; NoInputError where no predictor has both positives and negatives.

    >>> cases = pd.DataFrame({"group": ["ALS", "ALS", "LR", "LR"], "fi": [0.4, 0.2, 0.3, 0.1]})
    >>> roc(cases, "group", "ALS", ["fi"]).table[["auc", "sensitivity", "specificity"]].values.tolist()
    [[0.75, 1.0, 0.5]]
    """
    _check_names(table, outcome, predictors, lower_is_positive)
    notes: list[str] = []
    used, is_positive = split_by_outcome(table, outcome, positive, negative, notes)
    directions = ["lower" if name in lower_is_positive else "higher" for name in predictors]
    found = [Predictor(*of, _numbers(table, of[0])[used]) for of in zip(predictors, directions, strict=True)]
    judged = [_judge(predictor, is_positive, notes) for predictor in found]
    combined = _combination(found, is_positive, notes) if combine else []
    judged += [_judge(model, is_positive, notes) for model in combined]
    rows = [row for row, _ in judged]
    _require_area(rows, outcome, predictors)
    differences = [_difference(a, b, is_positive, notes) for a, b in itertools.combinations(found, 2)]
    return RocResult(
        pd.DataFrame(rows, columns=list(ROC_COLUMNS)),
        pd.DataFrame([point for _, points in judged for point in points], columns=list(POINT_COLUMNS)),
        pd.DataFrame(differences, columns=list(DELONG_COLUMNS)),
        notes,
        (*found, *combined),
        is_positive,
    )


# --- what goes in -------------------------------------------------------------------------------------------


def _check_names(table: pd.DataFrame, outcome: str, predictors: Sequence[str], lower: Sequence[str]) -> None:
    if not predictors:
        raise UsageError(
            "--predictor: none given; expected at least one column; name it with --predictor COL"
        )
    require_column(table, outcome, "--outcome")
    for name in predictors:
        require_column(table, name, "--predictor")
        if name == outcome:
            raise UsageError(f"--predictor: '{name}' is the outcome too; expected another column; name one")
        if list(predictors).count(name) > 1:
            raise UsageError(f"--predictor: '{name}' is given twice; expected each column once; remove one")
    for name in lower:
        if name not in predictors:
            raise UsageError(
                f"--lower-is-positive: '{name}' is not a predictor; "
                f"expected one of {list_first(predictors)}; name it with --predictor too"
            )
    if "participant_id" in table:
        repeated = table["participant_id"][table["participant_id"].notna()]
        repeated = repeated[repeated.duplicated() & (repeated.astype(str).str.strip() != "")]
        if len(repeated):
            raise UsageError(
                f"participant_id: '{repeated.iloc[0]}' has several rows; expected one row per participant; "
                "keep one row for each (one segment, muscle and side)"
            )


def _numbers(table: pd.DataFrame, name: str) -> Vector:
    """(n,) the column as numbers, NaN where empty."""
    numbers = []
    for position, value in enumerate(table[name].tolist()):
        number = number_of(value)
        if number is None or math.isinf(number):
            raise UsageError(
                f"{name}: '{value}' in {_row_name(table, position)}; expected a number; "
                "correct it, leave the cell empty, or recode the column as numbers"
            )
        numbers.append(number)
    return np.array(numbers, dtype=float)


def _row_name(table: pd.DataFrame, position: int) -> str:
    identifier = as_text(table["participant_id"].iloc[position]) if "participant_id" in table else ""
    row = f"row {position + 1} below the header"
    return f"{row} ({identifier})" if identifier else row


# --- one curve ----------------------------------------------------------------------------------------------


def _require_area(rows: Sequence[dict[str, Any]], outcome: str, predictors: Sequence[str]) -> None:
    if all(math.isnan(row["auc"]) for row in rows):
        raise NoInputError(
            f"{', '.join(predictors)}: no values on one side of '{outcome}'; "
            "expected positives and negatives with values; fill the column or name another with --predictor"
        )


def _judge(
    predictor: Predictor, is_positive: Mask, notes: list[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One row of the table and the points of its curve."""
    positives, negatives = predictor.arms(is_positive)
    row: dict[str, Any] = dict.fromkeys(ROC_COLUMNS, math.nan) | {
        "predictor": predictor.name,
        "direction": predictor.direction,
        "n_positive": len(positives),
        "n_negative": len(negatives),
    }
    # The combination has said before this why participants are missing from it, or all of them.
    missing = int(np.isnan(predictor.values).sum())
    if missing and not predictor.in_sample:
        notes.append(
            f"{predictor.name}: {missing} of {len(predictor.values)} participants left out: no value"
        )
    if not len(positives) or not len(negatives):
        if not predictor.in_sample:
            side = "positive" if not len(positives) else "negative"
            notes.append(f"{predictor.name}: no {side} has a value, so there is no curve")
        return row, []
    area = area_of(predictor, positives, negatives)
    curve = curve_of(predictor, positives, negatives)
    constant = len(curve.cutoffs) == 2
    low, high = normal_interval(area.auc, area.se, 0, 1)
    row |= {"auc": area.auc, "se": area.se, "ci_low": low, "ci_high": high}
    row["p"] = p_of_half(area.auc, len(positives), len(negatives))
    if constant:
        notes.append(
            f"{predictor.name}: all values are the same: area 0.5, no cut-off and no DeLong interval"
        )
    else:
        _fill_delong(row, predictor.name, area, notes)
        _fill_cutoff(row, predictor.name, curve, notes)
        _note_area(predictor, area.auc, notes)
    return row, _points(predictor, curve)


def _fill_delong(row: dict[str, Any], name: str, area: AreaUnderCurve, notes: list[str]) -> None:
    if min(len(area.wins_positive), len(area.wins_negative)) < 2:
        notes.append(f"{name}: DeLong's interval needs two positives and two negatives")
        return
    se = delong_se(area.wins_positive, area.wins_negative)
    row["delong_low"], row["delong_high"] = normal_interval(area.auc, se, 0, 1)


def _fill_cutoff(row: dict[str, Any], name: str, curve: Curve, notes: list[str]) -> None:
    # argmax takes the first of equals: the lowest cut-off. The two ends outside the data are no cut-offs.
    best = 1 + int(np.argmax(curve.youden[1:-1]))
    if curve.youden[best] <= 0:
        notes.append(f"{name}: no cut-off has a Youden index above 0")
        return
    for column in ("sensitivity", "specificity", "youden"):
        row[column] = float(getattr(curve, column)[best])
    row["cutoff"] = float(curve.cutoffs[best])


def _note_area(predictor: Predictor, auc: float, notes: list[str]) -> None:
    if auc < 0.5 and predictor.direction == "higher":
        notes.append(
            f"{predictor.name}: area {auc:.3f} below 0.5, left as it is; "
            "where lower values count as positive, name it with --lower-is-positive"
        )
    elif auc < 0.5:
        notes.append(
            f"{predictor.name}: area {auc:.3f} below 0.5, left as it is; "
            "where higher values count as positive, leave it out of --lower-is-positive"
        )
    if auc in (0.0, 1.0):
        notes.append(
            f"{predictor.name}: the arms do not overlap (area {auc:.0f}), so standard errors are 0 and the "
            "intervals a point; that is no certainty about other participants"
        )


def _points(predictor: Predictor, curve: Curve) -> list[dict[str, Any]]:
    columns: dict[str, Any] = {"cutoff": curve.cutoffs, "youden": curve.youden}
    for column, count, n in (
        ("sensitivity", curve.true_positives, curve.n_positive),
        ("specificity", curve.true_negatives, curve.n_negative),
    ):
        low, high = proportion_confint(count, n, method="wilson")
        columns |= {column: getattr(curve, column)}
        # Wilson's limits at 0 and n are 0 and 1, but for the rounding of the formula.
        columns |= {f"{column}_low": np.where(count == 0, 0.0, low)}
        columns |= {f"{column}_high": np.where(count == n, 1.0, high)}
    frame = pd.DataFrame(columns).assign(predictor=predictor.name, direction=predictor.direction)
    rows: list[dict[str, Any]] = frame[list(POINT_COLUMNS)].to_dict("records")
    return rows


# --- two curves ---------------------------------------------------------------------------------------------


def _difference(a: Predictor, b: Predictor, is_positive: Mask, notes: list[str]) -> dict[str, Any]:
    """DeLong's test between two predictors on the participants who have both."""
    both = ~np.isnan(a.values) & ~np.isnan(b.values)
    n1, n2 = int((both & is_positive).sum()), int((both & ~is_positive).sum())
    pair = f"{a.name}, {b.name}"
    row: dict[str, Any] = dict.fromkeys(DELONG_COLUMNS, math.nan) | {
        "predictor_a": a.name,
        "predictor_b": b.name,
        "n_positive": n1,
        "n_negative": n2,
    }
    left_out = len(both) - n1 - n2
    if left_out:
        notes.append(f"{pair}: compared without {left_out} of {len(both)} participants who lack one of them")
    if min(n1, n2) < 2:
        notes.append(
            f"{pair}: not compared: DeLong's test needs two positives and two negatives with both values"
        )
        return row
    area_a = area_of(a, *a.arms(is_positive, both))
    area_b = area_of(b, *b.arms(is_positive, both))
    difference = area_a.auc - area_b.auc
    se = delong_se(area_a.wins_positive - area_b.wins_positive, area_a.wins_negative - area_b.wins_negative)
    row |= {"auc_a": area_a.auc, "auc_b": area_b.auc, "difference": difference, "se": se}
    if se == 0:
        notes.append(f"{pair}: the difference of their areas has no variance, so there is no test")
        return row
    row["ci_low"], row["ci_high"] = normal_interval(difference, se, -1, 1)
    row["z"] = difference / se
    row["p"] = two_sided_p(row["z"])
    return row


# --- several predictors as one ------------------------------------------------------------------------------


def _combination(found: Sequence[Predictor], is_positive: Mask, notes: list[str]) -> list[Predictor]:
    """The predicted probability of a logistic regression on all predictors, as one more predictor.

    It has the participants who have them all. It is judged on the data it was fitted to, which its name says;
    for the same reason it is not compared by DeLong's test. Where the regression has no solution (a
    separation, collinear predictors), it is empty.
    """
    if len(found) < 2:
        notes.append("no combination: one predictor was named; two or more can be combined")
        return []
    name = f"logistic({' + '.join(predictor.name for predictor in found)}) [in-sample]"
    values = np.column_stack([predictor.values for predictor in found])
    complete = np.asarray(~np.isnan(values).any(axis=1), dtype=bool)
    missing = len(complete) - int(complete.sum())
    if missing:
        notes.append(
            f"{name}: {missing} of {len(complete)} participants left out: not all predictors have a value"
        )
    probability = np.full(len(complete), math.nan)
    fitted = logistic_probabilities(values[complete], is_positive[complete])
    if isinstance(fitted, str):
        notes.append(f"{name}: left empty: {fitted}")
        return [Predictor(name, "higher", probability, in_sample=True)]
    probability[complete] = fitted
    notes.append(
        f"{name}: the model is judged on the data it was fitted to, so its area, interval, p and cut-off are "
        "optimistic; it is not compared by DeLong's test, which does not hold for a model and its own parts"
    )
    return [Predictor(name, "higher", probability, in_sample=True)]
