"""Who the groups are: sex, age, scores and every other characteristic of the participants, per group.

Table 1 of Ren et al. 2026. Numbers are tested as in ``comparisons.csv``; categories by Pearson's χ² without
continuity correction, or by Fisher's exact test where a 2 × 2 table expects fewer than five in a cell.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.names import name_of
from mriparaspinal.core.text import natural_key, read_number
from mriparaspinal.stats.arms import NO_TEST, NOT_JUDGED, Arm, Comparison, Normality, compare_arms
from mriparaspinal.stats.cells import counted, group_names, id_list, texts
from mriparaspinal.stats.contrasts import matches
from mriparaspinal.stats.exact_counts import fisher_freeman_halton
from mriparaspinal.stats.limits import ALPHA
from mriparaspinal.stats.smd import MeanDifference, smd_of_counts, smd_of_numbers

#: One row per characteristic and pair of groups; of a single group, label_b and all of its cells are empty.
CHARACTERISTIC_COLUMNS = (
    "characteristic", "item", "unit", "levels", "label_a", "label_b", "n_a", "n_b", "missing_a", "missing_b",
    "mean_a", "sd_a", "median_a", "q1_a", "q3_a", "counts_a",
    "mean_b", "sd_b", "median_b", "q1_b", "q3_b", "counts_b",
    "normality_p_a", "normality_p_b", "summary_a", "summary_b", "test", "statistic", "df", "p", "remark",
    "p_exact",
)  # fmt: skip

#: These follow on request.
SMD_COLUMNS = ("smd", "smd_ci_low", "smd_ci_high")

TOO_MANY_TABLES = "too many tables with these margins to count them for an exact p"


def _item(column: str) -> str:
    label = name_of(column).label
    return label[0].upper() + label[1:]


#: The characteristics of the paper, in its order: (item, unit). Others follow in the order of the table.
KNOWN: dict[str, tuple[str, str]] = {
    "sex": ("Sex", ""),
    **{name: (_item(name), name_of(name).unit) for name in ("age", "disease_duration", "age_onset", "bmi")},
    "alsfrs_r": (f"{_item('alsfrs_r')} (0–48)", "points"),
    "alsfrs_lower": (f"{_item('alsfrs_lower')} (0–12)", "points"),
    "psa": (_item("psa"), ""),
    "onset_region": ("Onset region", ""),
    "onset_side": ("Onset side", ""),
}

#: Levels that come first, without regard to case; the others follow in alphabetical order.
_FIRST_LEVELS = {"sex": ("m", "male"), "psa": ("1",), "onset_region": ("lower", "upper", "bulbar")}

_LEVEL_NAMES = {"psa": {"1": "+", "0": "−"}}

#: A column of numbers with only these values is a code, not a measurement.
_CODES = ({0.0, 1.0}, {1.0, 2.0})

_CATEGORIES = ("sex", "psa", "onset_region", "onset_side")

_MOST_LEVELS = 6

_SMALL = 5

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class CountTest:
    """A test of counts; without one, ``test`` is empty and the numbers NaN."""

    test: str = ""
    """``chi_squared`` or ``fisher_exact``."""
    statistic: float = _NAN
    """χ²; Fisher's test has none."""
    df: float = _NAN
    p: float = _NAN
    remark: str = ""
    """What could not be done, or is only approximate, and why."""


def characteristics(
    participants: pd.DataFrame,
    groups: Sequence[str] | None = None,
    normality: Normality = "lilliefors",
    smd: bool = False,
) -> tuple[pd.DataFrame, list[str]]:
    """Describe each group by each characteristic, and test each pair of groups.

    A column of numbers is a characteristic, and so is a column of two to six different texts or of the
    codes 0 and 1, or 1 and 2. Left out, with a note: columns of more texts, or of a different text for
    everyone (names, dates). Missing cells are left out per characteristic and counted.

    Args:
        participants: one row per participant, with ``participant_id``, ``group`` and any columns.
        groups: the groups, in this order; None: all, ALS and LR first.
        normality: the test of normality, of :func:`mriparaspinal.stats.arms.compare_arms`.
        smd: standardised mean differences, too, in :data:`SMD_COLUMNS`.

    Returns:
        The table with :data:`CHARACTERISTIC_COLUMNS` (missing numbers NaN, missing texts empty), and
        notes. ``summary_*`` is ``mean ± SD`` or ``median (IQR)`` by that group's own normality, or the
        counts in the order of ``levels``. Empty where there is no column ``group``, or none of ``groups``.

    Raises:
        UsageError: a participant has more than one row.
    """
    table, notes = participants.reset_index(drop=True), []
    _check_once_each(table)
    if "group" not in table:
        return _frame([], smd), ["characteristics: no column group, so there are no groups to describe"]
    members, remarks = _members(table, groups)
    notes += remarks
    rows: list[dict[str, object]] = []
    for name in _ordered([c for c in table if c not in ("participant_id", "group")]) if members else ():
        kind, remark = _kind(name, table[name][_any_of(members, len(table))])
        if remark:
            notes.append(f"{name}: {remark}")
        if kind == "numbers":
            values = _numbers(table[name])
            found = _number_rows(name, {g: values[rows] for g, rows in members.items()}, normality)
        elif kind == "category":
            cells = texts(table[name])
            found = _count_rows(name, {g: list(cells[rows]) for g, rows in members.items()})
        else:
            continue
        notes += [
            f"{name}, {row['label_a']} against {row['label_b']}: {row['remark']}"
            for row in found
            if row["remark"]
        ]
        notes += _exact_notes(found)
        rows += found
    return _frame(rows, smd), notes


def compare_counts(a: Sequence[int], b: Sequence[int]) -> CountTest:
    """Compare how often each level occurs in two groups; ``a`` and ``b`` count the same levels.

    Pearson's χ² without continuity correction (what SPSS calls Pearson chi-square), df = levels − 1; in a
    2 × 2 table that expects fewer than five in a cell, Fisher's exact test, two-sided. A larger table with
    such cells keeps χ², with a remark. Levels that neither group has are left out.

    Ren et al. 2026, Table 1: sex, 22/16 in ALS against 18/14 in LR.

    >>> round(compare_counts([22, 16], [18, 14]).p, 3)
    0.89
    """
    table = np.array([a, b], dtype=np.int64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] == 0 or not table.sum(axis=1).all():
        return CountTest()
    if table.shape[1] == 1:
        return CountTest(remark=NO_TEST)
    expected = stats.contingency.expected_freq(table)
    small = int((expected < _SMALL).sum())
    if small and table.shape == (2, 2):
        return CountTest("fisher_exact", p=float(stats.fisher_exact(table)[1]))
    result = stats.chi2_contingency(table, correction=False)
    remark = f"χ² is approximate: {small} of {table.size} expected counts are below 5" if small else ""
    return CountTest("chi_squared", float(result[0]), float(result[2]), float(result[1]), remark)


def _frame(rows: list[dict[str, object]], smd: bool) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*CHARACTERISTIC_COLUMNS, *(SMD_COLUMNS if smd else ())])


def _exact_notes(rows: Sequence[dict[str, object]]) -> list[str]:
    """Where the exact p of a table of counts could not be found, or says something else than χ²."""
    notes = []
    for row in rows:
        where = f"{row['characteristic']}, {row['label_a']} against {row['label_b']}"
        p, exact = row["p"], row["p_exact"]
        if not (isinstance(p, float) and isinstance(exact, float) and row["remark"]):
            continue
        if row["test"] == "chi_squared" and math.isnan(exact):
            notes.append(f"{where}: {TOO_MANY_TABLES}")
        elif (p < ALPHA) != (exact < ALPHA) and not math.isnan(exact):
            notes.append(f"{where}: p and p_exact lie on different sides of {ALPHA}; read p_exact")
    return notes


def _check_once_each(table: pd.DataFrame) -> None:
    if "participant_id" not in table:
        return
    ids = texts(table["participant_id"])
    repeated = ids[ids.duplicated() & (ids != "")]
    if len(repeated):
        raise UsageError(
            f"participants: {repeated.iloc[0]} was found more than once; expected one row per participant; "
            "keep one of them"
        )


def _members(
    table: pd.DataFrame, groups: Sequence[str] | None
) -> tuple[dict[str, NDArray[np.bool_]], list[str]]:
    """The rows of each group that has any, and notes on who is in none."""
    if groups is None:
        groups = group_names(table["group"])
    found = {group: np.asarray(matches(table["group"], group)) for group in dict.fromkeys(groups)}
    members = {group: rows for group, rows in found.items() if rows.any()}
    notes = [f"characteristics: no participant of group {group}" for group in found if group not in members]
    outside = ~_any_of(found, len(table))
    if outside.any():
        ids = texts(table["participant_id"])[outside] if "participant_id" in table else []
        who = f"{counted(ids)} ({id_list(ids)})" if len(ids) else f"{int(outside.sum())} rows"
        notes.append(f"characteristics: in none of the groups {', '.join(found) or '(none)'}: {who}")
    return members, notes


def _any_of(members: dict[str, NDArray[np.bool_]], size: int) -> NDArray[np.bool_]:
    anyone: NDArray[np.bool_] = np.any([np.zeros(size, dtype=bool), *members.values()], axis=0)
    return anyone


def _ordered(columns: Sequence[str]) -> list[str]:
    return [name for name in KNOWN if name in columns] + [name for name in columns if name not in KNOWN]


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    """The column as floats; what is not a finite number is NaN."""
    source = column if _is_number_type(column) else texts(column).map(read_number)
    numbers = source.astype(float).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _is_number_type(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _kind(name: str, column: pd.Series) -> tuple[str, str]:
    """``numbers``, ``category`` or nothing; and why a column is left out."""
    cells = [text for text in texts(column) if text]
    if not cells:
        return "", "no value, left out"
    numbers = _numbers(column)
    if _is_number_type(column) or np.isfinite(numbers).sum() == len(cells):
        codes = set(numbers[np.isfinite(numbers)])
        is_code = name not in KNOWN and codes in _CODES
        if name not in _CATEGORIES:
            return ("category" if is_code else "numbers"), ""
    levels = {text.casefold() for text in cells}
    if name in _CATEGORIES and len(levels) <= _MOST_LEVELS:
        return "category", ""
    if len(levels) > _MOST_LEVELS:
        return "", f"{len(levels)} different texts, more than {_MOST_LEVELS}, left out"
    if len(levels) == 1:
        return "", "the same for everyone, left out"
    if len(levels) == len(cells):
        return "", "a different text for everyone, left out"
    return "category", ""


def _number_rows(name: str, samples: dict[str, ArrayLike], normality: Normality) -> list[dict[str, object]]:
    item, unit = KNOWN.get(name, (name, ""))
    if unit and unit != "points":
        item = f"{item} ({unit})"
    arms = {group: compare_arms(values, [], normality).a for group, values in samples.items()}
    digits = _decimals(name, list(arms.values()))
    rows: list[dict[str, object]] = []
    for a, b in _pairs(samples):
        result = compare_arms(samples[a], samples.get(b, []), normality)
        row: dict[str, object] = {"characteristic": name, "item": item, "unit": unit, "levels": ""}
        row |= {"label_a": a, "label_b": b, "counts_a": "", "counts_b": ""}
        for letter, group, arm in (("a", a, result.a), ("b", b, result.b)):
            if not group:
                row |= {f"summary_{letter}": ""}
                continue
            for field in ("n", "mean", "sd", "median", "q1", "q3", "normality_p"):
                row[f"{field}_{letter}"] = getattr(arm, field)
            row[f"missing_{letter}"] = np.size(samples[group]) - arm.n
            row[f"summary_{letter}"] = arm.summary(digits)
        row |= {"test": result.test, "statistic": result.statistic, "df": result.df, "p": result.p}
        row |= {"remark": _remark(result), "p_exact": _NAN}
        row |= _smd_cells(smd_of_numbers(samples[a], samples.get(b, [])))
        rows.append(row)
    return rows


def _remark(result: Comparison) -> str:
    """What a reader of the row has to know; that a group has no values at all is plain to see."""
    if not (result.a.n and result.b.n):
        return ""
    if not result.test:
        return NO_TEST
    return NOT_JUDGED if math.isnan(result.a.normality_p + result.b.normality_p) else ""


def _count_rows(name: str, cells: dict[str, list[str]]) -> list[dict[str, object]]:
    spelling: dict[str, str] = {}
    for text in sorted({text for group in cells.values() for text in group} - {""}):
        spelling.setdefault(text.casefold(), text)
    keys = _level_order(name, list(spelling))
    names = _LEVEL_NAMES.get(name, {})
    levels = "/".join(names.get(key, spelling[key]) for key in keys)
    counts = {group: _counts(values, keys) for group, values in cells.items()}
    rows: list[dict[str, object]] = []
    for a, b in _pairs(cells):
        row: dict[str, object] = {"characteristic": name, "item": f"{KNOWN.get(name, (name,))[0]} ({levels})"}
        row |= {"unit": "", "levels": levels, "label_a": a, "label_b": b}
        for letter, group in (("a", a), ("b", b)):
            if not group:
                row |= {f"counts_{letter}": "", f"summary_{letter}": ""}
                continue
            n = sum(counts[group])
            row |= {f"n_{letter}": n, f"missing_{letter}": len(cells[group]) - n}
            text = "/".join(map(str, counts[group])) if n else ""
            row |= {f"counts_{letter}": text, f"summary_{letter}": text}
        result = compare_counts(counts[a], counts[b]) if b else CountTest()
        for field in ("test", "statistic", "df", "p", "remark"):
            row[field] = getattr(result, field)
        approximate = result.test == "chi_squared" and result.remark
        row["p_exact"] = fisher_freeman_halton([counts[a], counts[b]]) if approximate else _NAN
        row |= _smd_cells(smd_of_counts(counts[a], counts[b]) if b else MeanDifference())
        rows.append(row)
    return rows


def _smd_cells(found: MeanDifference) -> dict[str, object]:
    return dict(zip(SMD_COLUMNS, found, strict=True))


def _counts(values: list[str], keys: list[str]) -> list[int]:
    occurring = Counter(text.casefold() for text in values)
    return [occurring[key] for key in keys]


def _level_order(name: str, keys: list[str]) -> list[str]:
    first = [key for key in _FIRST_LEVELS.get(name, ()) if key in keys]
    return first + sorted((key for key in keys if key not in first), key=natural_key)


def _pairs(groups: dict[str, ArrayLike] | dict[str, list[str]]) -> list[tuple[str, str]]:
    """Each pair of groups; a single group with no one."""
    return list(itertools.combinations(groups, 2)) or [(group, "") for group in groups]


def _decimals(name: str, arms: Sequence[Arm]) -> int:
    """One for the paper's characteristics, as it prints them; else three significant digits."""
    if name in KNOWN:
        return 1
    sizes = (abs(x) for arm in arms for x in (arm.mean, arm.median, arm.sd))
    largest = max((size for size in sizes if not math.isnan(size)), default=0.0)
    return max(1, 2 - math.floor(math.log10(largest))) if largest else 1
