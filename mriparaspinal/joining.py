"""Further tables joined to a cohort on ``participant_id``: scores, brain maps, results of the spine."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mriparaspinal.analysis import METRICS, Cohort, open_cohort
from mriparaspinal.cohort import as_text, counted, id_list, texts
from mriparaspinal.discrimination import ROLE, open_wide
from mriparaspinal.errors import UsageError
from mriparaspinal.names import near_names, near_notes
from mriparaspinal.stats.roc import widen

_KEY = "participant_id"
#: What tables are given for the statistics' sake; empty in a table with one row per participant.
_PLACES = ("segment", "muscle", "role")


def join_tables(cohort: Cohort, files: Sequence[Path]) -> Cohort:
    """The cohort with the columns of each table: a CSV, or a folder of results made wide.

    Of results that is FI and rCSA (``rcsa_L4_MF``), with the columns of their participants.

    The participants are those of the cohort: who stands in a table only is left out, and told. A column
    that is there already is the same one where no cell contradicts it.

    Raises :class:`UsageError` for a table without ids or with one twice, with nobody of the cohort, or with
    a column of the cohort's that says something else.
    """
    for file in files:
        cohort = _join(cohort, file)
    return cohort


def _join(cohort: Cohort, file: Path) -> Cohort:
    where = f"--join {file}"
    opened = _wide_results(file) if file.is_dir() else open_wide(file)
    there = [name for name in _PLACES if name in opened.table]
    table = opened.table.drop(columns=[name for name in there if texts(opened.table[name]).eq("").all()])
    own = _ids(cohort.table, "the table to join to")
    ids = _ids(table, where)
    repeated = ids[ids.duplicated()]
    if len(repeated):
        found = f"{repeated.iloc[0]} stands there more than once"
        raise UsageError(f"{where}: {found}; expected one row per participant; keep one of them")
    common = set(own) & set(ids)
    if not common:
        found = f"no participant in common ({_some(set(ids))} here, {_some(set(own))} there)"
        found += "".join(f", {note}" for note in near_notes(ids, own, "this table", "those before")[:1])
        raise UsageError(f"{where}: {found}; expected the same ids; correct them in one of the tables")
    table = table.assign(**{_KEY: ids}).set_index(_KEY)
    table = table.drop(columns=_known(cohort.table, own, table, where))
    rows = table.reindex(own.to_numpy())
    for name in rows:
        if not pd.api.types.is_numeric_dtype(rows[name]):
            rows[name] = texts(rows[name])
    rows.index = cohort.table.index
    notes = [*cohort.notes, *(f"{file.name}: {note}" for note in opened.notes), *_absent(own, ids, file.name)]
    joined = pd.concat([cohort.table, rows], axis=1)
    problems = (*cohort.problems, *opened.problems)
    read = tuple((f"join/{name}", digest) for name, digest in opened.inputs)
    return dataclasses.replace(
        cohort,
        table=joined,
        notes=tuple(notes),
        problems=problems,
        sources=(*cohort.sources, *opened.sources),
        inputs=(*cohort.inputs, *read),
    )


def _wide_results(folder: Path) -> Cohort:
    """FI and rCSA of results, one row per participant: of the symptomatic side, where any is known."""
    cohort = open_cohort(folder)
    role = ROLE if cohort.table["role"].eq(ROLE).any() else "bilateral"
    wide, notes = widen(cohort.table, METRICS, role)
    notes = [f"role: {role}", *notes]
    return dataclasses.replace(cohort, table=wide, notes=(*cohort.notes, *notes))


def _ids(table: pd.DataFrame, where: str) -> pd.Series:
    if _KEY not in table:
        raise UsageError(f"{where}: no column {_KEY}; expected one to join on; add it")
    ids = texts(table[_KEY])
    if ids.eq("").any():
        row = int(ids.eq("").to_numpy().argmax()) + 2
        raise UsageError(f"{where}: row {row} has no {_KEY}; expected one in each row; fill it in")
    return ids


def _known(cohort: pd.DataFrame, own: pd.Series, table: pd.DataFrame, where: str) -> list[str]:
    """The columns of a table that the cohort has, too, with the same values."""
    known = [name for name in table if name in cohort]
    for name in known:
        cells = {who: as_text(value) for who, value in table[name].items()}
        for who, value in zip(own, cohort[name], strict=True):
            other = cells.get(who, "")
            if other and other != as_text(value):
                before = as_text(value) or "nothing"
                found = f"column {name} is {other!r} for {who}, and {before!r} in a table before"
                raise UsageError(f"{where}: {found}; expected the same; rename or remove one of them")
    return known


def _absent(own: pd.Series, ids: pd.Series, name: str) -> list[str]:
    notes = near_notes(own, ids, "the tables before", name)
    alike = near_names(own, ids)
    if without := set(own) - set(ids) - alike:
        notes.append(f"{name}: no row for {counted(without)}, whose cells stay empty: {id_list(without)}")
    if left_out := set(ids) - set(own) - alike:
        notes.append(f"{name}: {counted(left_out)} left out, who are in no table before: {id_list(left_out)}")
    return notes


def _some(ids: set[str]) -> str:
    first = id_list(ids).split(", ")
    return first[0] + (" …" if len(first) > 1 else "")
