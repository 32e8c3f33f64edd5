"""Columns of a table as names or as numbers, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import MUSCLES, SIDES
from mriparaspinal.core.text import and_more, count_of, natural_key, read_cell
from mriparaspinal.stats.limits import of_usual_size

KEY = ["participant_id", "segment", "muscle", "side"]

#: The groups of the paper come first, in its order.
PAPER_GROUPS = ("ALS", "LR")


def as_text(value: object) -> str:
    """A cell as a person writes it: stripped, whole numbers without a point, empty where missing.

    >>> as_text(1.0), as_text(" ALS "), as_text(float("nan")), as_text(0.25)
    ('1', 'ALS', '', '0.25')
    """
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value).strip()


def texts(column: pd.Series) -> pd.Series:
    """A column as plain texts (:func:`as_text`), of dtype object whatever pandas' string dtype is."""
    return pd.Series([as_text(value) for value in column], index=column.index, dtype=object)


def group_names(column: Iterable[object]) -> list[str]:
    """The values of a column, those of the paper first; spellings that differ in case are one.

    >>> group_names(["LR", "als", "ALS", "HC", ""])
    ['ALS', 'LR', 'HC']
    """
    once: dict[str, str] = {}
    for name in sorted({as_text(value) for value in column} - {""}):
        once.setdefault(name.casefold(), name)
    names = sorted(once.values(), key=natural_key)
    first = [name for name in PAPER_GROUPS if name in names]
    return first + [name for name in names if name not in first]


def id_list(ids: Iterable[str]) -> str:
    """Participants for a sentence, each once, numbers in numeric order.

    >>> id_list(["ALS_10", "ALS_9", "ALS_10"])
    'ALS_9, ALS_10'
    """
    return ", ".join(sorted(set(ids), key=natural_key))


def counted(ids: Iterable[str]) -> str:
    """How many participants, in words for a note.

    >>> counted(["ALS_1"]), counted(["ALS_1", "ALS_2", "ALS_2"])
    ('1 participant', '2 participants')
    """
    return count_of(len(set(ids)), "participant")


def check_unique(rows: pd.DataFrame) -> None:
    """Raise NoInputError where a participant has two rows for one segment, muscle and side."""
    key = [column for column in KEY if column in rows]
    # Rows of one key share this number; what pandas does to tell them takes ten times the memory.
    numbers = np.zeros(len(rows), dtype=np.int64)
    for column in key:
        codes, names = pd.factorize(rows[column], use_na_sentinel=False)
        numbers = numbers * len(names) + codes
    if len(np.unique(numbers)) == len(rows):
        return
    repeated = rows[rows.duplicated(key)]
    if len(repeated):
        where = " ".join(as_text(value) for value in repeated.iloc[0][key] if as_text(value))
        raise NoInputError(f"{where}: found more than once; expected one row; keep one of them")


TARGET_COLUMNS = ["participant_id", "segment", "side", "muscle"]


def require_columns(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raise :class:`UsageError` where a table lacks columns."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UsageError(
            f"{what}: no column {', '.join(missing)}; found {and_more(table.columns, 20) or 'none'}; "
            "check the names in the heading"
        )


def require_column(table: pd.DataFrame, name: str, where: str) -> None:
    """Raise :class:`UsageError` where a table lacks a column, or has it twice."""
    count = list(table.columns).count(name)
    if count == 0:
        raise UsageError(
            f"{where}: there is no column '{name}'; expected one of {list_first(table.columns)}; "
            "check the spelling against the table's header"
        )
    if count > 1:
        raise UsageError(
            f"{where}: the table has {count} columns '{name}'; expected one; rename or remove the others"
        )


def list_first(names: Iterable[str]) -> str:
    """The first few names and how many more there are."""
    return and_more(f"'{name}'" for name in names)


def require_named(chosen: Mapping[str, Sequence[str]]) -> None:
    """Raise :class:`UsageError` where no column was named; ``chosen``: what the columns are for → names."""
    for what, names in chosen.items():
        if not names:
            raise UsageError(f"{what}: none; expected at least one column; name it")


def refuse_twice(rows: pd.DataFrame) -> None:
    """Raise :class:`UsageError` for two values of one target and rater."""
    key = ["rater", *TARGET_COLUMNS]
    twice = rows[rows.duplicated(key)]
    if not twice.empty:
        rater, *target = twice.iloc[0][key]
        raise UsageError(
            f"ratings: {' '.join(part for part in target if part)} found twice for rater {rater}; "
            "one value for each target and rater was expected; delete one, or give the second reading "
            "its own rater name"
        )


def text_cells(column: pd.Series) -> list[str]:
    """Cells as texts without outer space; missing ones empty."""
    return ["" if pd.isna(cell) else str(cell).strip() for cell in column]


def number_cells(column: pd.Series) -> list[float]:
    """Cells as numbers, NaN for an empty one; UsageError for anything else, with its row counted from 1."""
    numbers = []
    for row, text in enumerate(text_cells(column), start=1):
        number = read_cell(text)
        if number is None or not (math.isnan(number) or of_usual_size(number)):
            raise UsageError(
                f"{column.name}: {text!r} found in row {row}; a number was expected; correct the cell or "
                "leave it empty"
            )
        numbers.append(number)
    return numbers


#: Under this name a table carries the names of a study's own regions, in their order.
OWN_REGIONS = "own_regions"


def muscles_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The muscles, then the study's own regions, in their order."""
    return (*MUSCLES, *table.attrs.get(OWN_REGIONS, ()))


def regions_alone(rows: pd.DataFrame) -> pd.Series:
    """Which rows are of one region each: a side, or both of a region of one's own that has no sides."""
    one_side = rows["side"] != "both"
    sided = {*MUSCLES, *rows.loc[one_side, "muscle"]}
    return one_side | ~rows["muscle"].isin(sided)


def unsided(rows: pd.DataFrame) -> list[str]:
    """The regions of one's own that have no sides, in their order."""
    if not {"muscle", "side"} <= set(rows):
        return []
    whole = rows.loc[regions_alone(rows) & (rows["side"] == "both"), "muscle"]
    return in_known_order(set(whole) - {""}, muscles_of(rows))


#: Measures of some sides alone, beside those of ``--measure``.
_SIDES_OF = {"asymmetry_pct": ("both",)}


def never_has(rows: pd.DataFrame, metric: str) -> NDArray[np.bool_]:
    """The empty cells of muscles or sides that have no such measure: no psoas index of the multifidus."""
    column = BY_NAME.get(metric)
    muscles = column.muscles if column else ()
    sides = column.sides if column else _SIDES_OF.get(metric, SIDES)
    if not {"muscle", "side", metric} <= set(rows) or not (muscles or len(sides) < len(SIDES)):
        return np.zeros(len(rows), dtype=np.bool_)
    none = rows["side"].isin(SIDES) & ~rows["side"].isin(sides)
    if muscles:
        none |= (rows["muscle"] != "") & ~rows["muscle"].isin(muscles)
    return np.asarray((none & rows[metric].isna()).to_numpy(dtype=bool))


def without(lacking: Iterable[str]) -> list[str]:
    """Notes on measures of which there is nothing on the sides that were asked for."""
    return [f"there is no {name} of these sides, so it is left out" for name in lacking]


def in_known_order(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Names in the order of ``known``, further ones behind by alphabet."""
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def typed_table(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table whose columns have their types."""
    table = pd.DataFrame(rows, columns=list(columns))
    texts = {"segment", "muscle", "metric", "form", "rater_a", "rater_b"}
    kinds = {"n": "int64", "raters": "int64", "df1": "Int64", "df2": "Int64", "participants": "int64"}
    return table.astype({name: kinds.get(name, "float64") for name in columns if name not in texts})
