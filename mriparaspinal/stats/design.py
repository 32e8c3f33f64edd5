"""Columns of a table to a design matrix: which rows take part, what is a number, what is a category."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import SPINE
from mriparaspinal.core.spelling import nearest
from mriparaspinal.core.text import and_more, is_missing, is_nearly_number, read_number
from mriparaspinal.stats.cells import as_text, muscles_of, never_has, texts, unsided
from mriparaspinal.stats.limits import of_usual_size

Array = NDArray[np.float64]

ROLES = ("symptomatic", "contralateral", "bilateral")

#: A residual shorter than this part of what it was made from is rounding, not variation (as in R's lm).
_NOTHING = 1e-7

#: So many different texts such as 3T may be categories; more are numbers that are written in another way.
_MOST_LEVELS = 6

#: Values that differ by less than this part of their size are the same but for rounding.
_CONSTANT = 1e-10


@dataclass(frozen=True)
class RegionRows:
    """The rows of one muscle at one segment, one row per participant in each role."""

    segment: str
    muscle: str
    by_role: dict[str, pd.DataFrame]


#: The columns of a measurement that differ from muscle to muscle.
ALL_METRICS = (
    "fi",
    "rcsa",
    "csa_px",
    "csa_mm2",
    "contour_area_px",
    "fat_px",
    "lean_px",
    "lean_rcsa",
    "mean_intensity",
    "asymmetry_pct",
    "reference_px",
)


def require_columns(table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise a UsageError for the first of ``names`` that ``table`` does not have."""
    for name in names:
        if name not in table.columns:
            there = and_more(table.columns, 20)
            near = nearest(name, map(str, table.columns))
            remedy = f"did you mean {near}?" if near else "name another or add it"
            raise UsageError(f"{name}: no such column; expected one of {there}; {remedy}")


def require_distinct(names: Sequence[str]) -> None:
    """Raise a UsageError if one column is asked for in two places (it would explain itself)."""
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"{name}: asked for twice; expected each column in one place; "
                "keep it as metric, score, outcome, predictor or covariate"
            )


def is_table_mode(cohort: pd.DataFrame) -> bool:
    """Whether ``cohort`` is a plain table: segment, muscle and role are empty in each row."""
    return all(texts(cohort[key]).eq("").all() for key in ("segment", "muscle", "role"))


def select(
    cohort: pd.DataFrame,
    numbers: Sequence[str],
    free: Sequence[str],
    roles: Sequence[str],
    group: str | None,
    cluster: str | None = None,
    imputed: Sequence[str] = (),
) -> tuple[list[RegionRows], list[str]]:
    """The rows that take part, cell by cell, with their columns checked.

    Args:
        cohort: one row per participant × segment × muscle × side, with a ``role``; or a plain
            table, whose segments, muscles and roles are empty (``roles`` is then not looked at).
        numbers: columns that must hold numbers.
        free: columns that may hold numbers or categories, but not both.
        roles: some of ``symptomatic``, ``contralateral``, ``bilateral``.
        group: keep this group; None: all.
        cluster: column whose rows with one value belong together: participants may have several rows.
        imputed: columns of which no missing cell leaves a participant out.

    Returns:
        The cells, L1 to L5, MF to QL, with ``numbers`` as floats, and ``free`` as floats or texts.
        Rows are sorted by participant, so that the order of the file changes no digit.
        And notes on the participants who are left out.

    Raises:
        UsageError: a column is missing, holds text or both kinds, the group or role is unknown, or a
            participant has two rows where one is expected.
    """
    named = [] if cluster is None else [cluster]
    require_columns(cohort, ["segment", "muscle", "role", *numbers, *free, *named])
    require_distinct([*numbers, *free, *named])
    rows = cohort.reset_index(drop=True)
    for name in named:
        rows[name] = _full(rows, name)
    for key in ("segment", "muscle", "role"):
        rows[key] = texts(rows[key])
    notes = []
    if group is not None:
        rows = _only_group(rows, group)
    else:
        notes += _pooled_groups(rows, free)
    wanted = ("",) if is_table_mode(cohort) else _known_roles(roles)
    for role in wanted:
        notes += _without_role(rows, role)
    notes += of_unsided(rows, wanted)
    rows = rows[rows["role"].isin(wanted)].reset_index(drop=True)
    rows = typed(rows, numbers, free)
    notes += _missing_cells(rows, [*numbers, *free], imputed)
    return list(_cells(rows, wanted, repeats=cluster is not None)), notes


def encode(rows: pd.DataFrame, names: Sequence[str]) -> tuple[Array, list[str]]:
    """Turn columns without missing cells into the columns of a design matrix (without intercept).

    A column of numbers stays as it is. A column of texts becomes one 0/1 column for each level but
    the first in alphabetical order, the reference: ``sex[M]`` is 1 for M. A text column with a single
    level has nothing to contrast and becomes a column of zeros.

    Returns:
        Matrix (rows × terms) and the names of the terms.

    >>> matrix, terms = encode(pd.DataFrame({"age": [60.0, 70.0], "sex": ["M", "F"]}), ["age", "sex"])
    >>> terms
    ['age', 'sex[M]']
    >>> matrix.tolist()
    [[60.0, 1.0], [70.0, 0.0]]
    """
    columns: list[Array] = []
    terms: list[str] = []
    for name in names:
        values = rows[name]
        if pd.api.types.is_numeric_dtype(values):
            columns.append(values.to_numpy(dtype=float))
            terms.append(name)
            continue
        levels = sorted(set(values))
        for level in levels[1:]:
            columns.append(np.array([float(value == level) for value in values]))
            terms.append(f"{name}[{level}]")
        if len(levels) < 2:
            columns.append(np.zeros(len(rows)))
            terms.append(name)
    matrix = np.column_stack(columns) if columns else np.empty((len(rows), 0))
    return matrix, terms


def is_constant(values: Array) -> bool:
    """Whether ``values`` (n,) do not vary beyond rounding."""
    return len(values) == 0 or bool(np.ptp(values) <= _CONSTANT * np.max(np.abs(values)))


def is_nothing(residual: Array, values: Array) -> bool:
    """Whether ``residual`` (n,) is only what rounding left of the variation of ``values`` (n,)."""
    return bool(np.linalg.norm(residual) <= _NOTHING * np.linalg.norm(values - values.mean()))


def residual(values: Array, matrix: Array) -> Array:
    """What ordinary least squares on an intercept and ``matrix`` (n × k) leaves of ``values`` (n,).

    The columns must not be redundant. They are centred and scaled first, so that neither units nor
    offsets cost digits.
    """
    centred: Array = values - values.mean()
    if matrix.shape[1] == 0:
        return centred
    q, _ = np.linalg.qr(_standardised(matrix))
    left = centred - q @ (q.T @ centred)
    return np.asarray(left - q @ (q.T @ left))  # once more: removes what rounding put back


def redundant_terms(matrix: Array, terms: Sequence[str]) -> list[str]:
    """The terms that do not vary, or that an intercept and the terms before them determine exactly."""
    kept: list[int] = []
    redundant = []
    for j, term in enumerate(terms):
        values = matrix[:, j]
        if is_constant(values) or is_nothing(residual(values, matrix[:, kept]), values):
            redundant.append(term)
        else:
            kept.append(j)
    return redundant


def gather_notes(findings: Sequence[tuple[str, str]]) -> list[str]:
    """One line per kind of finding, in order of appearance, from pairs (place, what was found).

    >>> gather_notes([("L1 MF fi", "constant"), ("L2 MF fi", "constant"), ("L2 MF fi", "too few")])
    ['L1 MF fi, L2 MF fi: constant', 'L2 MF fi: too few']
    """
    places: dict[str, list[str]] = {}
    for place, what in findings:
        places.setdefault(what, []).append(place)
    shown = {what: ", ".join(found) for what, found in places.items()}
    return [f"{where}: {what}" if where else what for what, where in shown.items()]


def _standardised(matrix: Array) -> Array:
    centred = matrix - matrix.mean(axis=0)
    return np.asarray(centred / np.linalg.norm(centred, axis=0))


def _only_group(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    require_columns(rows, ["group"])
    groups = texts(rows["group"])
    if not groups.eq(group).any():
        there = ", ".join(sorted(set(groups) - {""})) or "no group at all"
        raise UsageError(f"{group}: no participant of this group; the table has {there}; name one of these")
    return rows[groups.eq(group)]


def _pooled_groups(rows: pd.DataFrame, free: Sequence[str]) -> list[str]:
    if "group" not in rows.columns or "group" in free:
        return []
    groups = sorted(set(texts(rows["group"])) - {""})
    return [f"group: {', '.join(groups)} are pooled; choose one group to keep them apart"] * (len(groups) > 1)


def _known_roles(roles: Sequence[str]) -> tuple[str, ...]:
    if not roles:
        raise UsageError(f"role: none; expected {', '.join(ROLES)}; name at least one")
    for role in roles:
        if role not in ROLES:
            raise UsageError(f"{role}: no such role; expected {', '.join(ROLES)}; name one of these")
    return tuple(role for role in ROLES if role in roles)


def _without_role(rows: pd.DataFrame, role: str) -> list[str]:
    if "participant_id" not in rows.columns or role == "":
        return []
    ids = texts(rows["participant_id"])
    everyone = set(ids)
    absent = everyone - set(ids[rows["role"].eq(role)])
    if not absent:
        return []
    return [
        f"{role}: {len(absent)} of {len(everyone)} participants have no such row "
        "(side of onset unknown, or not measured) and are left out"
    ]


def of_unsided(rows: pd.DataFrame, roles: Sequence[str]) -> list[str]:
    """A note on regions without sides, which only the role of both sides together has."""
    names = unsided(rows)
    if not names or "bilateral" in roles or "" in roles:
        return []
    has = "has no sides and is" if len(names) == 1 else "have no sides and are"
    return [
        f"{', '.join(names)}: {has} left out of the role {', '.join(roles)}; name the role bilateral, too"
    ]


def typed(rows: pd.DataFrame, numbers: Sequence[str], free: Sequence[str]) -> pd.DataFrame:
    """The table with ``numbers`` as floats, and ``free`` as floats or texts; missing cells NaN or None."""
    columns = {name: _as_numbers(rows, name) for name in numbers}
    columns |= {name: _as_numbers_or_texts(rows, name) for name in free}
    return rows.assign(**columns)


def _as_numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    """The column as floats, missing cells NaN; a text or an infinite number is a UsageError."""
    values, faulty = _parse(rows[name])
    if faulty.any():
        raise UsageError(f"{_first(rows, name, faulty)}; expected a number or an empty cell; correct it")
    return values


def _as_numbers_or_texts(rows: pd.DataFrame, name: str) -> pd.Series:
    """The column as floats if all its cells are numbers, as texts if none is; else a UsageError."""
    values, faulty = _parse(rows[name])
    if not faulty.any():
        return values
    if values.notna().any():
        raise UsageError(
            f"{_first(rows, name, faulty)} among numbers; "
            "expected numbers throughout or texts throughout; correct it"
        )
    levels = texts(rows[name])
    _require_categories(rows, name, levels, faulty)
    _one_spelling(name, levels)
    return levels.where([text != "" and (name == "group" or not is_missing(text)) for text in levels], None)


def _parse(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """(floats with NaN where there is no number of usual size, whether a cell holds something else)."""
    cells = texts(column)
    missing = cells.map(lambda text: is_missing(text, number=True)).astype(bool)
    if pd.api.types.is_numeric_dtype(column):
        values = column.astype(float)
    else:
        values = pd.Series([read_number(text) for text in cells], column.index, dtype=float)
    values = values.where(of_usual_size(values))
    return values, ~missing & values.isna()


def _first(rows: pd.DataFrame, name: str, faulty: pd.Series) -> str:
    place = int(np.flatnonzero(faulty.to_numpy())[0])
    who = as_text(rows["participant_id"].iloc[place]) if "participant_id" in rows.columns else ""
    where = f"participant {who}" if who else f"row {place + 1}"
    return f"{name}: '{as_text(rows[name].iloc[place])}' for {where}"


def _require_categories(rows: pd.DataFrame, name: str, levels: pd.Series, faulty: pd.Series) -> None:
    """Raise a UsageError for many texts that are numbers but for a unit, a comma or the like."""
    different = {text for text in levels if not is_missing(text)}
    if len(different) > _MOST_LEVELS and all(map(is_nearly_number, different)):
        raise UsageError(
            f"{_first(rows, name, faulty)}; expected a plain number (with a decimal point, without a unit) "
            "or a category; correct the column"
        )


def _one_spelling(name: str, levels: pd.Series) -> None:
    seen: dict[str, str] = {}
    for level in sorted(set(levels)):
        other = seen.setdefault(level.casefold(), level)
        if other != level:
            raise UsageError(
                f"{name}: both '{other}' and '{level}' are found; expected one spelling; correct it"
            )


def _missing_cells(rows: pd.DataFrame, names: Sequence[str], imputed: Sequence[str]) -> list[str]:
    """Notes on the columns that are missing for a participant as a whole."""
    if "participant_id" not in rows.columns:
        return []
    ids = texts(rows["participant_id"])
    notes = []
    for name in names:
        if len(rows) and never_has(rows, name).all():
            continue
        known = set(ids[rows[name].notna()])
        unknown = set(ids) - known
        if unknown:
            done = "imputed where it can be" if name in imputed else "left out of its tests"
            notes.append(f"{name}: empty for {len(unknown)} of {len(set(ids))} participants, {done}")
    return notes


def _full(rows: pd.DataFrame, name: str) -> pd.Series:
    """A column of clusters as texts; a UsageError for an empty cell."""
    found = texts(rows[name])
    if found.eq("").any():
        row = int(found.eq("").to_numpy().argmax()) + 1
        raise UsageError(f"{argument('cluster')} {name}: empty in row {row}; expected a value; fill it in")
    return found


def _cells(rows: pd.DataFrame, roles: Sequence[str], *, repeats: bool) -> Iterator[RegionRows]:
    for segment in _ordered(rows["segment"], SPINE):
        of_segment = rows[rows["segment"] == segment]
        for muscle in _ordered(of_segment["muscle"], muscles_of(rows)):
            of_muscle = of_segment[of_segment["muscle"] == muscle]
            by_role = {role: _one_row_each(of_muscle[of_muscle["role"] == role], repeats) for role in roles}
            yield RegionRows(segment, muscle, {role: found for role, found in by_role.items() if len(found)})


def _ordered(column: pd.Series, order: Sequence[str]) -> list[str]:
    """The values: an empty one first, then those of ``order``, then the rest."""
    ranks = {"": -1} | {value: i for i, value in enumerate(order)}
    return sorted(set(column), key=lambda value: (ranks.get(value, len(order)), value))


def _one_row_each(rows: pd.DataFrame, repeats: bool) -> pd.DataFrame:
    if "participant_id" not in rows.columns:
        return rows.reset_index(drop=True)
    ids = texts(rows["participant_id"])
    repeated = ids[ids.duplicated() & ids.ne("")]
    if len(repeated) and not repeats:
        who = sorted(repeated)[0]
        found = rows[ids == who].iloc[0]
        place = " ".join(part for part in (found["segment"], found["muscle"], found["role"]) if part)
        raise UsageError(
            f"participant {who}: {int(ids.eq(who).sum())} rows{f' for {place}' if place else ''}; "
            "expected one row per participant, as the tests take rows to be independent; keep one of them, "
            f"or give {argument('cluster')} participant_id"
        )
    return rows.iloc[np.argsort(ids.to_numpy(dtype=str), kind="stable")].reset_index(drop=True)
