"""The mean of several raters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import COLUMNS, OPTIONAL_COLUMNS
from mriparaspinal.core.text import count_of
from mriparaspinal.stats.cells import number_cells, require_columns, text_cells

_ROW_KEY = ["participant_id", "segment", "muscle", "side"]

#: What has to be the same for all raters of one row; one rater's difference is a different measurement.
_AGREED = ("group", "role", "reference", "threshold", "fat_rule", "mask_rule")

_AVERAGED = (
    "csa_px", "csa_mm2", "contour_area_px", "fat_px", "fi", "lean_px", "reference_px", "rcsa", "lean_rcsa",
    "mean_intensity", "asymmetry_pct",
)  # fmt: skip

_SLICES = "slices"

#: Columns that a table may have.
_OPTIONAL = (*OPTIONAL_COLUMNS, *BY_NAME)


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
    averaged = finds_thresholds(aligned[0]["fat_rule"])
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


def finds_thresholds(fat_rules: pd.Series) -> bool:
    """Whether the threshold comes out of each slice and its contours, so that raters differ in it."""
    return bool(fat_rules.isin(["otsu", "multiotsu", "reference"]).any())


def _shared_optional(tables: Sequence[pd.DataFrame]) -> list[str]:
    # Without that column, each row stands for one slice.
    return [
        column
        for column in _OPTIONAL
        if (any if column == _SLICES else all)(column in table for table in tables)
    ]


def _by_row(table: pd.DataFrame, rater: str) -> pd.DataFrame:
    """One rater's rows, cleaned, by participant, segment, muscle and side."""
    require_columns(table, COLUMNS, f"results of {rater}")
    columns: dict[str, Any] = {column: text_cells(table[column]) for column in COLUMNS}
    optional = [column for column in _OPTIONAL if column in table]
    columns |= {column: number_cells(table[column]) for column in (*_AVERAGED, "threshold", *optional)}
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
        f"left out of the mean, {count_of(len(rows), 'row')} without a measurement of {without}: "
        f"{_names(rows)}"
        for without, rows in lacking.items()
    ]


def _names(rows: Any) -> str:
    return "; ".join(" ".join(row) for row in rows)
