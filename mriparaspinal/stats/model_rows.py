"""Which rows and columns take part in a model: checked, and told where they cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.text import and_more, natural_key
from mriparaspinal.stats import design
from mriparaspinal.stats.cells import as_text, counted, id_list, require_named, texts
from mriparaspinal.stats.formula import Term, columns_of
from mriparaspinal.stats.mixed_df import Method
from mriparaspinal.stats.mixed_model import Grouping

ID = "participant_id"

#: Where the rows of a participant come from, for the order of the rows and the figure's data.
PLACES = ("segment", "muscle", "side", "role")

#: With fewer levels the variance between them is hardly known.
_FEW_LEVELS = 5

#: A column of so few different whole numbers may be one of categories.
_FEW_NUMBERS = 6


class Means(NamedTuple):
    """Categories whose means are estimated, and those within which they are compared."""

    factors: tuple[str, ...]
    by: tuple[str, ...] = ()


def parse_means(text: str) -> Means:
    """Means as they are written: ``FACTOR:FACTOR|BY:BY``.

    >>> parse_means("group:role|segment")
    Means(factors=('group', 'role'), by=('segment',))
    """
    factors, bar, by = text.partition("|")
    names = [tuple(name.strip() for name in part.split(":")) for part in (factors, *([by] if bar else []))]
    if any(not name for part in names for name in part):
        raise _wrong("means", repr(text), "a name is empty", "categories such as group:role", "correct it")
    return Means(*(tuple(dict.fromkeys(part)) for part in names))


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """What is fitted, and what is asked of the fit."""

    terms: tuple[Term, ...]
    slope: str | None = None
    """Column whose effect differs from participant to participant."""
    random: tuple[str, ...] = ()
    """Further columns with a random intercept, such as site."""
    df: Method = "satterthwaite"
    means: tuple[Means, ...] = ()


def typed_rows(rows: pd.DataFrame, metrics: Sequence[str], plan: ModelPlan) -> pd.DataFrame:
    """The columns that take part, as numbers or categories, in an order that the file's does not change.

    Raises UsageError for a column that is missing, holds texts where numbers are expected, or cannot have
    that part in the model.
    """
    explaining = columns_of(plan.terms)
    require_named({argument("metric"): metrics})
    _check_parts(rows, metrics, explaining, plan)
    table = design.typed(rows.reset_index(drop=True), metrics, explaining)
    for name in (*plan.random, *([ID] if ID in table else [])):
        cells = texts(table[name])
        table[name] = cells.where(cells != "", None)
    _require_one_group(table)
    for name in [name for asked in plan.means for name in (*asked.factors, *asked.by)]:
        if pd.api.types.is_numeric_dtype(table[name]):
            raise _wrong("means", name, "is a column of numbers", "categories", "leave it out")
    kept = dict.fromkeys([ID, *PLACES, *explaining, *plan.random, *metrics])
    table = table[[name for name in kept if name in table]]
    return table.sort_values(list(table.columns), kind="stable", ignore_index=True)


def _require_one_group(table: pd.DataFrame) -> None:
    """Raise UsageError for a participant in two groups: a slip in an id or a group."""
    if not {ID, "group"} <= set(table):
        return
    groups = texts(table["group"]).where(lambda names: names != "")
    counts = groups.groupby(table[ID]).nunique()
    if (counts > 1).any():
        who = counts.index[counts > 1][0]
        there = " and ".join(sorted(set(groups[table[ID] == who].dropna())))
        found, remedy = f"the groups {there} were found", "correct the id or the group"
        raise UsageError(Fault(f"participant {who}", found, "one group", remedy))


def _check_parts(
    rows: pd.DataFrame, metrics: Sequence[str], explaining: Sequence[str], plan: ModelPlan
) -> None:
    design.require_columns(rows, [*metrics, *explaining, *plan.random])
    for name in explaining:
        if name in metrics:
            raise _wrong("formula", name, "is the metric", "what explains it", "leave it out")
        if name == ID or name in plan.random:
            found = "is a random effect" if name in plan.random else "is the random effect already"
            raise _wrong("formula", name, found, "fixed effects", "leave it out")
    for name in plan.random:
        if name == ID:
            raise _wrong("random", name, "is a random effect already", "another column", "leave it out")
    if plan.slope is not None and (plan.slope,) not in plan.terms:
        expected = "its mean slope there, as the slopes of the participants differ from it"
        raise _wrong("slope", plan.slope, "is no term of the formula", expected, "add it to the formula")
    for name in [name for asked in plan.means for name in (*asked.factors, *asked.by)]:
        if name not in explaining:
            expected = f"one of {', '.join(explaining)}"
            raise _wrong("means", name, "is not in the formula", expected, "correct it")


def complete_rows(table: pd.DataFrame, metric: str, plan: ModelPlan) -> tuple[pd.DataFrame, list[str]]:
    """The rows without missing cells; and who is left out, by column.

    Raises UsageError where a category has one level only.
    """
    required = [*([ID] if ID in table else []), *columns_of(plan.terms), *plan.random, metric]
    notes = []
    for name in required:
        empty = table[name].isna()
        if empty.any():
            rows = "1 row" if empty.sum() == 1 else f"{empty.sum()} rows"
            ids = table.loc[empty, ID].dropna() if ID in table else []
            of = f" of {counted(ids)}, left out: {id_list(ids)}" if len(ids) else ", left out"
            notes.append(f"{name}: empty in {rows}{of}")
    complete = table.dropna(subset=required).reset_index(drop=True)
    for name in columns_of(plan.terms):
        if len(complete) and not pd.api.types.is_numeric_dtype(complete[name]):
            levels = complete[name].unique()
            if len(levels) < 2:
                found = f"has one level only ({levels[0]}) in the rows that are left"
                raise _wrong("formula", name, found, "two or more", "leave it out")
    return complete, notes


def of_numbers(table: pd.DataFrame, terms: Sequence[Term]) -> list[str]:
    """Notes on columns that were taken as numbers where a reader may think of something else."""
    notes = []
    for name in columns_of(terms):
        if not pd.api.types.is_numeric_dtype(table[name]):
            continue
        values = np.unique(table[name].dropna())
        if 2 < len(values) <= _FEW_NUMBERS and (values == np.round(values)).all():
            shown = ", ".join(map(as_text, values))
            notes.append(
                f"{name}: taken as a number ({shown}), with one slope; write texts (such as {name}_1) where "
                "these are categories"
            )
        beside = [
            other
            for term in terms
            if name in term
            for other in term
            if not pd.api.types.is_numeric_dtype(table[other])
        ]
        if beside:
            tested = ", ".join(dict.fromkeys(beside))
            notes.append(
                f"{name}: interacts with {tested}, whose own tests and coefficients are therefore those at "
                f"{name} = 0; the estimated means are at its mean"
            )
    return notes


def groupings_of(rows: pd.DataFrame, plan: ModelPlan) -> tuple[list[Grouping], list[str]]:
    """The random effects: the participant, where any has two rows or more, then the further ones; and notes.

    Raises UsageError for one that cannot be told from another, or from the residuals.
    """
    ones = np.ones((len(rows), 1))
    found: list[Grouping] = []
    notes: list[str] = []
    if ID in rows and rows[ID].duplicated().any():
        slope = [_slope_of(rows, plan.slope)] if plan.slope else []
        found.append(Grouping(ID, pd.factorize(rows[ID])[0], np.column_stack([ones, *slope])))
        several = sorted({str(who) for who in rows[ID][rows[ID].duplicated()]}, key=natural_key)
        if 2 * len(several) < rows[ID].nunique():
            notes.append(
                f"{ID}: several rows of {len(several)} of {rows[ID].nunique()} participants only: "
                f"{and_more(several)}; correct the id where that is a slip"
            )
    elif plan.slope:
        raise _wrong(
            "slope",
            plan.slope,
            "every participant has one row",
            "several rows of a participant",
            "leave it out",
        )
    else:
        why = "one row per participant" if ID in rows else f"no {ID}: every row counts as a participant"
        notes.append(f"{why}; no random effect of the participant")
    for name in plan.random:
        codes, levels = pd.factorize(rows[name])
        if len(levels) < 2:
            raise _wrong("random", name, f"has one level only ({levels[0]})", "two or more", "leave it out")
        if any(_same(codes, other.codes) for other in found) or len(levels) == len(rows):
            known = "participant" if ID in rows else "row"
            raise _wrong("random", name, f"has a level for each {known}", "fewer", "leave it out")
        found.append(Grouping(name, codes, ones))
    notes += [
        f"{one.name}: {one.levels} levels only; their variance, and all that rests on it, is hardly known"
        for one in found
        if one.levels < _FEW_LEVELS
    ]
    return found, notes


def _slope_of(rows: pd.DataFrame, name: str) -> design.Array:
    """(rows,) a number, or 0 and 1 of a category of two levels."""
    column = rows[name]
    if not pd.api.types.is_numeric_dtype(column):
        levels = sorted(set(column))
        if len(levels) != 2:
            raise _wrong("slope", name, f"has {len(levels)} levels", "a number or two levels", "leave it out")
        column = (column == levels[1]).astype(float)
    if column.groupby(rows[ID]).nunique().max() < 2:
        found = "is the same in all rows of a participant, for each of them"
        raise _wrong("slope", name, found, "a column that changes, such as months", "leave it out")
    return np.asarray(column, dtype=float)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two groupings are one."""
    pairs = len(set(zip(a.tolist(), b.tolist(), strict=True)))
    return pairs == len(set(a.tolist())) == len(set(b.tolist()))


def _wrong(option: str, name: str, found: str, expected: str, remedy: str) -> UsageError:
    return UsageError(Fault(f"{argument(option)} {name}", found, expected, remedy))
