"""The two arms of an outcome: which rows of a table are positive, and which negative."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.text import read_cell
from mriparaspinal.stats.cells import as_text, list_first
from mriparaspinal.stats.limits import Mask


def split_by_outcome(
    table: pd.DataFrame, outcome: str, positive: object, negative: object, notes: list[str]
) -> tuple[Mask, Mask]:
    """Which rows are used, and which of the used ones are positive."""
    labels = np.array([as_text(value) for value in table[outcome].tolist()], dtype=object)
    n_of = {label: int((labels == label).sum()) for label in sorted(set(labels) - {""})}
    if not n_of:
        raise NoInputError(
            f"{outcome}: no row has a value; expected '{as_text(positive)}' and others; "
            "fill the column or name another with --outcome"
        )
    its_positive = _find(positive, n_of, outcome, "--positive")
    its_negative = None if negative is None else _find(negative, n_of, outcome, "--negative")
    for label, chosen in itertools.product(n_of, filter(None, (its_positive, its_negative))):
        if label != chosen and label.casefold() == chosen.casefold():
            raise UsageError(
                f"{outcome}: both '{chosen}' and '{label}' are found; expected one spelling; correct it"
            )
    is_positive = labels == its_positive
    others = [label for label in n_of if label != its_positive]
    if its_negative is not None:
        if its_negative == its_positive:
            raise UsageError(
                f"--negative: '{its_negative}' is the positive value too; expected another of '{outcome}'; "
                f"choose from {list_first(others) or 'another column'}"
            )
        is_negative = labels == its_negative
    else:
        is_negative = ~is_positive & (labels != "")
        if not is_negative.any():
            raise NoInputError(
                f"{outcome}: all {n_of[its_positive]} rows are '{its_positive}'; expected others to compare; "
                "add them to the table or name another column with --outcome"
            )
        if len(others) > 1:
            counts = ", ".join(f"{label} (n = {n_of[label]})" for label in others)
            notes.append(f"{outcome}: negative are all rows that are not {its_positive}: {counts}")
    empty = int((labels == "").sum())
    neither = len(labels) - empty - int((is_positive | is_negative).sum())
    if empty:
        notes.append(f"{outcome}: {empty} of {len(labels)} rows left out: no value")
    if neither:
        notes.append(
            f"{outcome}: {neither} of {len(labels)} rows left out: neither {its_positive} nor {its_negative}"
        )
    used = np.asarray(is_positive | is_negative, dtype=bool)
    return used, np.asarray(is_positive, dtype=bool)[used]


def _find(value: object, n_of: dict[str, int], outcome: str, option: str) -> str:
    """The outcome that ``value`` means: a number matches however it is written (``1``, ``1.0``)."""
    candidates = [as_text(value)]
    if isinstance(value, str):
        number = number_of(value)
        if number is not None and math.isfinite(number):
            candidates.append(as_text(number))
    for label in candidates:
        if label in n_of:
            return label
    raise UsageError(
        f"{option}: no row of '{outcome}' is '{candidates[0]}'; expected one of {list_first(n_of)}; "
        "check the spelling against the table"
    )


def number_of(value: Any) -> float | None:
    """A cell as a number, NaN where it is empty, None where it is something else."""
    if isinstance(value, str):
        return read_cell(value)
    if pd.isna(value):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
