"""How often something was found and how high it was graded, by study group, laid out for print."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.present.cell_texts import p_cell
from mriparaspinal.present.p_values import is_significant
from mriparaspinal.present.table_layout import ABSENT, PaperTable
from mriparaspinal.stats.grades import DETECTED


def detection_table(table: pd.DataFrame) -> PaperTable:
    """The detection rates as texts: ``138/176 (78.4 %)``."""
    names, said = _arms(table)
    rows = []
    for row in table.to_dict("records"):
        label = row["label"] if row["measure"] == DETECTED else "High grade, of those detected"
        cells = [f"{said(row, x)}{_share(row[f'count_{x}'], row[f'n_{x}'])}" for x in "ab"]
        test = {"chi_squared": "χ²", "fisher_exact": "Fisher's exact"}.get(row["test"], ABSENT)
        rows.append((label, *cells, _number(row["statistic"], 2), p_cell(row["p"]), test))
    return PaperTable(
        "detection_table",
        "Detection rate of each item by study group.",
        ("Item", *names, "χ²", "P value", "Test"),
        tuple(rows),
        _bold(table, 4),
        ("Both sides together. Several items of one participant are not independent.", "Bold: p < 0.05."),
    )


def grades_table(table: pd.DataFrame) -> PaperTable:
    """Medians (quartiles), mean ranks, Z and p as texts: Table 4 of the ultrasound study."""
    names, said = _arms(table)
    rows = []
    for row in table.to_dict("records"):
        cells = [(f"{said(row, x)}{row[f'n_{x}']}", _median(row, x)) for x in "ab"]
        ranks = [_number(row[f"mean_rank_{x}"], 2) for x in "ab"]
        z = _number(row["z"], 3)
        rows.append((row["label"], *itertools.chain.from_iterable(cells), *ranks, z, p_cell(row["p"])))
    header = [f"{what} {name}" for name in names for what in ("Number,", "Grade,")]
    header += [f"Mean rank, {name}" for name in names]
    notes = (
        "Grades: median (first–third quartile). Mann–Whitney U test, corrected for ties.",
        "Several items of one participant are not independent.",
        "Bold: p < 0.05.",
    )
    return PaperTable(
        "grades_table",
        "Grades by study group.",
        ("Item", *header, "Z", "P value"),
        tuple(rows),
        _bold(table, 8),
        notes,
    )


def _arms(table: pd.DataFrame) -> tuple[tuple[str, str], Callable[[Mapping[str, Any], str], str]]:
    """The two arms for the header; and what says in a cell which one it is, where there are several pairs."""
    pairs = list(dict.fromkeys(zip(table["label_a"], table["label_b"], strict=True)))
    if len(pairs) == 1:
        return pairs[0], lambda _row, _letter: ""
    return ("group a", "group b"), lambda row, letter: f"{row[f'label_{letter}']}: "


def _bold(table: pd.DataFrame, column: int) -> frozenset[tuple[int, int]]:
    return frozenset((number, column) for number, p in enumerate(table["p"]) if is_significant(p))


def _share(count: int, n: int) -> str:
    return f"{count}/{n} ({100 * count / n:.1f} %)" if n else ABSENT


def _median(row: Mapping[str, Any], letter: str) -> str:
    if not row[f"n_{letter}"]:
        return ABSENT
    return f"{row[f'median_{letter}']:g} ({row[f'q1_{letter}']:g}–{row[f'q3_{letter}']:g})"


def _number(value: float, digits: int) -> str:
    return ABSENT if np.isnan(value) else f"{value:z.{digits}f}".replace("-", "−")
