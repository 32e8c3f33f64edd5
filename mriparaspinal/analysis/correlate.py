"""``correlate``: correlations of a cohort, with their table and figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort, metrics_of
from mriparaspinal.analysis.result import Analysis, Content, file_name, notes_bytes
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.present.scatter import scatter_residuals
from mriparaspinal.present.tables import table4
from mriparaspinal.stats.correlate import Method, correlate
from mriparaspinal.stats.design import is_table_mode, select

ROLES = ("symptomatic",)


def correlate_cohort(
    cohort: Cohort,
    scores: Sequence[str],
    covariates: Sequence[str] = (),
    metrics: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    method: Method = "pearson",
    cluster: str | None = None,
) -> Analysis:
    """Correlate the metrics with the scores, the covariates held constant; see ``stats.correlate``.

    Without ``metrics``: FI and rCSA; in a plain table every column of numbers that has no other part.
    Without ``roles``: the symptomatic side.

    Raises :class:`UsageError` for a column, group or role that is not there or not what it has to be,
    :class:`NoInputError` where no row is left.
    """
    require_rows(cohort.table)
    own = set() if cluster is None else {cluster}
    names, notes = metrics_of(cohort.table, metrics, {*scores, *covariates, *own})
    sides = roles_of(cohort.table, roles)
    rows = in_order_of_contents(cohort.table, [*names, *scores], covariates, group, cluster)
    table, found = correlate(rows, scores, covariates, names, sides, group, method, cluster)
    require_results(table, rows, sides)
    settings = {
        "score": scores, "covariate": covariates, "metric": names, "group": [group or "all"],
        "role": sides, "method": [method], "cluster": [] if cluster is None else [cluster],
    }  # fmt: skip
    notes = [*cohort.notes, *notes, *found]
    contents: dict[str, Content] = {"correlations.csv": table}
    paper, remarks = table4(table)
    notes += remarks
    if paper is not None:
        if group is not None:
            paper = dataclasses.replace(paper, footnotes=(*paper.footnotes, f"Participants: {group}."))
        contents |= {"table4": paper, "table4.xlsx": (paper,)}
    for metric, score, role in _pictures(table):
        name = file_name("_".join(part for part in ("scatter", metric, score, role) if part), contents)
        draw = partial(scatter_residuals, rows, table, metric, score, covariates, role, group, method)
        contents[name] = Drawing(draw)
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(table, tuple(notes), contents, "correlations.json", settings, cohort.inputs)


def roles_of(table: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    """The roles to look at: those asked for, else all; none for a plain table. Raises UsageError there."""
    if not is_table_mode(table):
        return list(dict.fromkeys(asked)) or list(ROLES)
    if asked:
        found = "the table has no column role, or an empty one"
        raise UsageError(f"--role {asked[0]}: {found}; expected results with roles; leave it out")
    return []


def in_order_of_contents(
    table: pd.DataFrame,
    numbers: Sequence[str],
    free: Sequence[str],
    group: str | None,
    cluster: str | None = None,
) -> pd.DataFrame:
    """A plain table's rows ordered by what they hold, so that their order in the file changes no digit."""
    if not is_table_mode(table):
        return table
    select(
        table, numbers, free, (), group, cluster
    )  # complains of a cell by its row in the file, before it moves
    return table.sort_values(list(table.columns), kind="stable", ignore_index=True)


def require_rows(table: pd.DataFrame) -> None:
    """Raise :class:`NoInputError` for a table without rows."""
    if table.empty:
        raise NoInputError("table: no rows were found; expected one per participant; fill it")


def require_results(table: pd.DataFrame, rows: pd.DataFrame, roles: Sequence[str]) -> None:
    """Raise :class:`NoInputError` where no row has one of the roles, or none of those the measure."""
    if table.empty and rows["role"].isin(roles).any():
        raise NoInputError(
            f"--role {', '.join(roles)}: there is no such measure of these sides; expected one they have; "
            "name another role, or another measure"
        )
    if table.empty:
        raise NoInputError(
            f"--role {', '.join(roles)}: no row has it; expected onset sides in the participants table; "
            "give them, or name --role bilateral"
        )


def _pictures(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Metric, score and role of each figure, in the order of the table."""
    keys = table[["metric", "score", "role"]].drop_duplicates()
    return list(keys.itertuples(index=False, name=None))
