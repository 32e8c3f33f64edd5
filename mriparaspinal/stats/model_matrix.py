"""The matrix of a model with interactions: its columns, what they test, and its rows for any table."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.stats.design import Array
from mriparaspinal.stats.formula import Term, term_name
from mriparaspinal.stats.limits import Mask
from mriparaspinal.stats.regress import INTERCEPT

#: A column of which the others leave less than this part is determined by them (as in ``stats.design``).
_NOTHING = 1e-7

#: Of a column's own length so much may be rounding.
_ROUNDING = 1e-10

#: Coefficients of a hypothesis that are smaller are rounding.
_ZERO = 1e-9


@dataclass(frozen=True, eq=False)
class ModelMatrix:
    """A matrix of full rank, and how its columns came about."""

    table: pd.DataFrame
    terms: tuple[Term, ...]
    levels: Mapping[str, tuple[str, ...]]
    """Of each category its levels in alphabetical order, the first being the reference."""
    names: tuple[str, ...]
    """Of the columns, the intercept first."""
    of_term: tuple[Term, ...]
    """Of each column its term; of the intercept an empty one."""
    x: Array
    """(rows, columns)"""
    kept: Mask
    """(all columns,) which columns of the formula these are: the others are determined by them."""
    aliases: Array
    """(columns, all columns): all columns of the formula as sums of these."""
    distinct: NDArray[np.intp]
    """The first of each group of equal rows."""

    def mean_rows(self, table: pd.DataFrame, weights: Array) -> tuple[Array, Mask]:
        """Weighted means (means, columns) of the rows for another table; and which the data can tell of."""
        whole = weights @ np.hstack([values for _, _, values in _coded(table, self.terms, self.levels)])
        rows = whole[:, self.kept]
        gap = np.abs(whole - rows @ self.aliases).max(axis=1)
        return rows, gap <= 1e-6 * np.abs(whole).max(axis=1)

    def contains(self, larger: Term, term: Term) -> bool:
        """Whether a term is the larger one without some of its categories."""
        return set(term) < set(larger) and (set(larger) - set(term)) <= set(self.levels)


def make_matrix(table: pd.DataFrame, terms: Sequence[Term]) -> tuple[ModelMatrix, list[str]]:
    """The matrix of a table without missing cells; and the columns that others determine, left out of it.

    A number stays as it is. A category has a column for each level but the first in alphabetical order,
    or for each level where a term of the formula needs it (R's rule: ``a:b`` without ``b`` has all of a).
    """
    levels = {
        name: tuple(sorted(set(table[name])))
        for name in dict.fromkeys(name for term in terms for name in term)
        if not pd.api.types.is_numeric_dtype(table[name])
    }
    parts = _coded(table, terms, levels)
    names = [name for _, named, _ in parts for name in named]
    of_term = [term for term, named, _ in parts for _ in named]
    whole = np.hstack([values for _, _, values in parts])
    used = list(dict.fromkeys(name for term in terms for name in term))
    distinct = np.flatnonzero(~table.duplicated(used)) if used else np.zeros(1, dtype=np.intp)
    kept = _independent(whole)
    x = whole[:, kept]
    aliases: Array = np.linalg.lstsq(x[distinct], whole[distinct], rcond=None)[0].astype(float)
    matrix = ModelMatrix(
        table,
        tuple(terms),
        levels,
        tuple(itertools.compress(names, kept)),
        tuple(itertools.compress(of_term, kept)),
        x,
        kept,
        aliases,
        distinct,
    )
    return matrix, list(itertools.compress(names, ~kept))


def _coded(
    table: pd.DataFrame, terms: Sequence[Term], levels: Mapping[str, Sequence[str]]
) -> list[tuple[Term, list[str], Array]]:
    """The intercept and each term: names and values (rows, columns) of its columns."""
    found: list[tuple[Term, list[str], Array]] = [((), [INTERCEPT], np.ones((len(table), 1)))]
    there = {frozenset(term) for term in terms} | {frozenset[str]()}
    for term in terms:
        whole = {name for name in term if frozenset(term) - {name} not in there}
        found.append((term, *_term_columns(table, term, levels, whole)))
    return found


def hypotheses(matrix: ModelMatrix) -> dict[str, Array]:
    """By term the hypothesis of its type III test, (rows, columns): rows · coefficients = 0.

    The estimable functions of SAS (Goodnight 1980, SAS technical report R-101): in the matrix with a column
    for every level, those of a term are made orthogonal to those of the terms that contain it.
    """
    x, table = matrix.x[matrix.distinct], matrix.table.iloc[matrix.distinct]
    own = [_term_columns(table, term, matrix.levels, set(term)) for term in matrix.terms]
    names = [INTERCEPT, *(name for named, _ in own for name in named)]
    whole = np.hstack([np.ones((len(table), 1)), *(values for _, values in own)])
    # (columns, columns of every level)
    functions: Array = np.linalg.lstsq(x, whole, rcond=None)[0].astype(float)
    rows_of = {term: [i for i, of in enumerate(matrix.of_term) if of == term] for term in matrix.terms}
    for term in sorted(matrix.terms, key=len, reverse=True):
        above = [i for other in matrix.terms if matrix.contains(other, term) for i in rows_of[other]]
        if above and rows_of[term]:
            basis = functions[above].T
            mine = functions[rows_of[term]].T
            functions[rows_of[term]] = (mine - basis @ np.linalg.lstsq(basis, mine, rcond=None)[0]).T
    functions[np.abs(functions) < _ZERO] = 0.0
    as_coefficients = functions[:, [names.index(name) for name in matrix.names]]
    return {term_name(term): as_coefficients[rows] for term, rows in rows_of.items()}


def _term_columns(
    table: pd.DataFrame, term: Term, levels: Mapping[str, Sequence[str]], whole: Collection[str]
) -> tuple[list[str], Array]:
    """The columns of a term, the first level changing fastest; of categories in ``whole`` every level."""
    names, values = [""], np.ones((len(table), 1))
    for name in term:
        if name in levels:
            shown = levels[name] if name in whole else levels[name][1:]
            cells = table[name].to_numpy(dtype=object)
            own = np.column_stack([cells == level for level in shown]).astype(float)
            labels = [f"{name}[{level}]" for level in shown]
        else:
            own, labels = table[[name]].to_numpy(dtype=float), [name]
        names = [f"{left}:{right}".lstrip(":") for right in labels for left in names]
        values = np.hstack([values * own[:, [j]] for j in range(own.shape[1])])
    return names, values


def _independent(whole: Array) -> Mask:
    """Which columns those before them do not determine (Gram and Schmidt, twice)."""
    kept = np.zeros(whole.shape[1], dtype=bool)
    space = np.empty(whole.shape, order="F")
    basis = space[:, :0]
    for j, column in enumerate(whole.T):
        size = np.linalg.norm(column if j == 0 else column - column.mean())
        left = column - basis @ (basis.T @ column)
        left -= basis @ (basis.T @ left)
        length = np.linalg.norm(left)
        if length > _NOTHING * size and length > _ROUNDING * np.linalg.norm(column):
            space[:, kept.sum()] = left / length
            kept[j] = True
            basis = space[:, : kept.sum()]
    return kept
