"""Grades of study groups against each other: how often, how high, and where.

The results of the ultrasound study (BMC Neurol 2021;21:441) as tables, for any instrument with grades: the
detection rate of each muscle group by Pearson's χ² (its Figure 2), grades by the Mann–Whitney U test (its
Table 4), their distribution (Figure 1), and the places of low and high grades (Figure 3).

``grades`` is one row per participant, item and side: ``participant_id,group,item,side,grade``. ``items`` is
the label of each item by its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.core.text import natural_key
from mriparaspinal.stats.adjust import adjust
from mriparaspinal.stats.characteristics import compare_counts

#: The columns of ``detection.csv``.
DETECTION_COLUMNS = (
    "item", "label", "measure", "label_a", "label_b", "n_a", "count_a", "share_a", "n_b", "count_b",
    "share_b", "test", "statistic", "df", "p", "p_adjusted",
)  # fmt: skip

#: The columns of ``grades.csv``.
GRADE_COLUMNS = (
    "item", "label", "unit", "label_a", "label_b", "n_a", "median_a", "q1_a", "q3_a", "n_b", "median_b",
    "q1_b", "q3_b", "mean_rank_a", "mean_rank_b", "u", "z", "p", "p_adjusted",
)  # fmt: skip

#: The columns of ``distribution.csv``.
DISTRIBUTION_COLUMNS = ("unit", "group", "grade", "n", "count", "share")

#: The columns of ``places.csv``.
PLACE_COLUMNS = ("group", "place", "level", "n", "count", "share")

ALL = "all"

ITEMS, PARTICIPANTS = "items", "participants"

DETECTED, HIGH = "detected", "high_grade"

Floats = NDArray[np.float64]


def group_pairs(groups: Sequence[str]) -> list[tuple[str, str]]:
    """Each pair of study groups, ALS first, then in natural order.

    >>> group_pairs(["non-ALS", "ALS", "ALS"])
    [('ALS', 'non-ALS')]
    """
    names = sorted(set(groups), key=lambda name: (name != "ALS", natural_key(name)))
    return list(itertools.combinations(names, 2))


def detection(grades: pd.DataFrame, items: Mapping[str, str], high_from: int) -> pd.DataFrame:
    """How often a grade is above 0 (``detected``), and of those how often it is high (``high_grade``).

    ``high_from``: the lowest grade that is high.

    One row per item (both sides together), and one for all items; ``high_grade`` for all items alone. The
    test is :func:`mriparaspinal.stats.characteristics.compare_counts`: χ² without continuity correction,
    Fisher's where a cell expects fewer than five. ``p_adjusted``: Benjamini–Hochberg over the items of a
    pair.
    """
    rows: list[dict[str, Any]] = []
    for a, b in group_pairs(list(grades["group"])):
        block = []
        for name, label, chosen in _items(grades, items):
            values = [chosen.loc[chosen["group"] == group, "grade"].to_numpy() for group in (a, b)]
            counts = [(len(v), int((v > 0).sum())) for v in values]
            block.append(_counted(name, label, DETECTED, (a, b), counts))
        adjust(block[1:])
        of_all = [grades.loc[grades["group"] == group, "grade"].to_numpy() for group in (a, b)]
        counts = [(int((v > 0).sum()), int((v >= high_from).sum())) for v in of_all]
        rows += [*block, _counted(ALL, _ALL_LABEL, HIGH, (a, b), counts)]
    return pd.DataFrame(rows, columns=list(DETECTION_COLUMNS))


_ALL_LABEL = "All"


def _items(grades: pd.DataFrame, items: Mapping[str, str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield ALL, _ALL_LABEL, grades
    for name, label in items.items():
        yield name, label, grades[grades["item"] == name]


def _counted(
    name: str, label: str, measure: str, groups: tuple[str, str], counts: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    row: dict[str, Any] = {"item": name, "label": label, "measure": measure}
    for letter, group, (n, count) in zip("ab", groups, counts, strict=True):
        row |= {f"label_{letter}": group, f"n_{letter}": n, f"count_{letter}": count}
        row[f"share_{letter}"] = count / n if n else np.nan
    found = compare_counts(*[(count, n - count) for n, count in counts])
    return row | {"test": found.test, "statistic": found.statistic, "df": found.df, "p": found.p}


def compare_grades(
    grades: pd.DataFrame, scores: pd.DataFrame, items: Mapping[str, str], score_names: Sequence[str]
) -> pd.DataFrame:
    """Medians, quartiles and the Mann–Whitney U test of each item, of all items, and of participants' scores.

    ``scores`` has ``group`` and the scores that are named, one row per participant (``unit`` is then
    ``participants``). Quartiles at (n + 1)·p. ``z`` is SPSS's, of the smaller U and so never above 0,
    corrected for ties, without continuity correction; ``u`` is that U. ``p_adjusted``: Benjamini–Hochberg
    over the items of a pair.
    """
    rows: list[dict[str, Any]] = []
    for a, b in group_pairs(list(grades["group"])):
        block = [
            _ranked(name, label, ITEMS, chosen, "grade", (a, b))
            for name, label, chosen in _items(grades, items)
        ]
        adjust(block[1:])
        rows += block
        rows += [_ranked(name, name, PARTICIPANTS, scores, name, (a, b)) for name in score_names]
    return pd.DataFrame(rows, columns=list(GRADE_COLUMNS))


def _ranked(
    name: str, label: str, unit: str, table: pd.DataFrame, column: str, groups: tuple[str, str]
) -> dict[str, Any]:
    samples = [
        np.sort(table.loc[table["group"] == group, column].dropna().to_numpy(dtype=float)) for group in groups
    ]
    row: dict[str, Any] = {"item": name, "label": label, "unit": unit}
    for letter, group, values in zip("ab", groups, samples, strict=True):
        row |= {f"label_{letter}": group, f"n_{letter}": len(values)}
        if len(values):
            quartiles = np.quantile(values, [0.25, 0.5, 0.75], method="weibull")
            row |= {
                f"{what}_{letter}": float(q)
                for what, q in zip(("q1", "median", "q3"), quartiles, strict=True)
            }
    return row | _mann_whitney(*samples)


def _mann_whitney(a: Floats, b: Floats) -> dict[str, float]:
    """Mean ranks, the smaller U, its z and p; nothing where a sample is empty, no test if all are equal."""
    if not len(a) or not len(b):
        return {}
    ranks = stats.rankdata(np.concatenate([a, b]))
    n, n_a, n_b = len(ranks), len(a), len(b)
    found = {"mean_rank_a": float(ranks[:n_a].mean()), "mean_rank_b": float(ranks[n_a:].mean())}
    if n < 3 or ranks.min() == ranks.max():
        return found
    u_a = float(ranks[:n_a].sum()) - n_a * (n_a + 1) / 2
    u = min(u_a, n_a * n_b - u_a)
    sd = np.sqrt(n_a * n_b * (n + 1) / 12 * stats.tiecorrect(ranks))
    z = float((u - n_a * n_b / 2) / sd)
    return found | {"u": u, "z": z, "p": float(2 * stats.norm.sf(abs(z)))}


def distribution(
    grades: pd.DataFrame, scores: pd.DataFrame, highest: str, all_grades: Sequence[int]
) -> pd.DataFrame:
    """How many items, and how many participants by their highest grade, have each grade.

    ``highest``: the column of ``scores`` that is a participant's highest grade.
    """
    rows = []
    for unit, table, column in ((PARTICIPANTS, scores, highest), (ITEMS, grades, "grade")):
        for group in _groups(grades):
            values = table.loc[table["group"] == group, column].dropna().to_numpy()
            for grade in all_grades:
                count = int((values == grade).sum())
                share = count / len(values) if len(values) else np.nan
                rows.append((unit, group, grade, len(values), count, share))
    return pd.DataFrame(rows, columns=list(DISTRIBUTION_COLUMNS))


def _groups(grades: pd.DataFrame) -> list[str]:
    return sorted(set(grades["group"]), key=lambda name: (name != "ALS", natural_key(name)))


def places(grades: pd.DataFrame, where: Mapping[str, str], high_from: int) -> pd.DataFrame:
    """Where low and high grades are: shares of all items of a group with a grade above 0 (``n``).

    ``where``: the place of each item by its name. ``high_from``: the lowest grade that is high.
    """
    rows = []
    for group in _groups(grades):
        positive = grades[(grades["group"] == group) & (grades["grade"] > 0)]
        at = positive["item"].map(where)
        high = positive["grade"] >= high_from
        for place in dict.fromkeys(where.values()):
            for level, chosen in (("low", ~high), ("high", high)):
                count = int(((at == place) & chosen).sum())
                share = count / len(positive) if len(positive) else np.nan
                rows.append((group, place, level, len(positive), count, share))
    return pd.DataFrame(rows, columns=list(PLACE_COLUMNS))
