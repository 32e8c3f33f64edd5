"""A cohort's correlations and regressions as files: the tables, the paper's Table 4, figures and notes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mriparaspinal.analysis import Cohort
from mriparaspinal.design import is_table_mode, select
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.figures import scatter_residuals
from mriparaspinal.files.figure_files import png_bytes, svg_bytes
from mriparaspinal.files.frames import frame_csv
from mriparaspinal.files.sheets import to_csv_bytes, to_markdown, to_xlsx_bytes
from mriparaspinal.paper_tables import table4
from mriparaspinal.stats.correlate import Method, correlate
from mriparaspinal.stats.regress import regress

METRICS = ("fi", "rcsa")
ROLES = ("symptomatic",)
#: Columns that say what a row is; they are no metrics, even where they hold numbers.
_KEYS = ("participant_id", "group", "segment", "muscle", "side", "role")
#: So many characters of a column's name go into the name of a file.
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a command has found: the main table, the notes on it, and all files by name."""

    table: pd.DataFrame
    notes: tuple[str, ...]
    files: dict[str, bytes]
    leftovers: tuple[str, ...] = ()
    """Names, or patterns of names, that a run with other options may have written, and this one has not."""


def correlate_cohort(
    cohort: Cohort,
    scores: Sequence[str],
    covariates: Sequence[str] = (),
    metrics: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    method: Method = "pearson",
) -> Analysis:
    """Correlate the metrics with the scores, the covariates held constant; see ``stats.correlate``.

    Without ``metrics``: FI and rCSA; in a plain table every column of numbers that has no other part.
    Without ``roles``: the symptomatic side.

    Raises :class:`UsageError` for a column, group or role that is not there or not what it has to be,
    :class:`NoInputError` where no row is left.
    """
    _require_rows(cohort.table)
    names, notes = _metrics(cohort.table, metrics, {*scores, *covariates})
    sides = _roles(cohort.table, roles)
    rows = _in_order(cohort.table, [*names, *scores], covariates, group)
    table, found = correlate(rows, scores, covariates, names, sides, group, method)
    _require_results(table, sides)
    settings = {
        "score": scores, "covariate": covariates, "metric": names, "group": [group or "all"],
        "role": sides, "method": [method],
    }  # fmt: skip
    notes = [*cohort.notes, *notes, *found]
    files = {"correlations.csv": frame_csv(table)}
    paper, remarks = table4(table)
    notes += remarks
    if paper is not None:
        if group is not None:
            paper = dataclasses.replace(paper, footnotes=(*paper.footnotes, f"Participants: {group}."))
        files["table4.csv"] = to_csv_bytes(paper)
        files["table4.md"] = to_markdown(paper).encode()
        files["tables.xlsx"] = to_xlsx_bytes([paper])
    for metric, score, role in _pictures(table):
        figure = scatter_residuals(rows, table, metric, score, covariates, role, group, method)
        name = file_name("_".join(part for part in ("scatter", metric, score, role) if part), files)
        files[f"{name}.png"], files[f"{name}.svg"] = png_bytes(figure), svg_bytes(figure)
    files["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(table, tuple(notes), files, ("scatter_*.png", "scatter_*.svg"))


def regress_cohort(
    cohort: Cohort,
    predictors: Sequence[str],
    covariates: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    hc3: bool = False,
) -> Analysis:
    """Fit the outcomes on the predictors and covariates by least squares; see ``stats.regress``.

    Defaults and errors as in :func:`correlate_cohort`, outcomes in place of metrics.
    """
    _require_rows(cohort.table)
    names, notes = _metrics(cohort.table, outcomes, {*predictors, *covariates})
    sides = _roles(cohort.table, roles)
    rows = _in_order(cohort.table, names, [*predictors, *covariates], group)
    table, found = regress(rows, names, predictors, covariates, sides, group, hc3=hc3)
    _require_results(table, sides)
    settings = {
        "outcome": names, "predictor": predictors, "covariate": covariates, "group": [group or "all"],
        "role": sides, "standard errors": ["HC3" if hc3 else "ordinary least squares"],
    }  # fmt: skip
    notes = [*cohort.notes, *notes, *found]
    files = {"regressions.csv": frame_csv(table), "notes.txt": notes_bytes(settings, notes)}
    return Analysis(table, tuple(notes), files)


def notes_bytes(settings: Mapping[str, Sequence[str]], notes: Sequence[str]) -> bytes:
    """``notes.txt``: the settings, which the tables alone do not show, and the notes, one per line."""
    said = "; ".join(f"{name} {', '.join(values)}" for name, values in settings.items() if values)
    return "".join(f"{line}\n" for line in (f"settings: {said}", *notes)).encode()


def file_name(stem: str, taken: Container[str]) -> str:
    """A name that every file system takes, made of names of columns, and unlike those that are ``taken``.

    >>> file_name("scatter_FA/CST (left)", {"scatter_fa_cst_left.png"})
    'scatter_fa_cst_left_2'
    """
    # In small letters: "FA" and "fa" are one file on some systems.
    short = re.sub(r"([^\w.-]|_)+", "_", stem.casefold())[:_NAME_LENGTH].strip("_.")
    name, number = short, 1
    while f"{name}.png" in taken:
        number += 1
        name = f"{short}_{number}"
    return name


def _metrics(table: pd.DataFrame, asked: Sequence[str], taken: set[str]) -> tuple[list[str], list[str]]:
    """The columns to look at, and notes on those that a text among their numbers keeps out."""
    if asked:
        return list(asked), []
    if not is_table_mode(table):
        return list(METRICS), []
    free = [name for name in table if name not in taken and name not in _KEYS]
    numbers = [name for name in free if pd.api.types.is_numeric_dtype(table[name])]
    if not numbers:
        raise UsageError(
            "--table: no column of numbers is left beside those that were named; expected at least one; "
            "add it, or correct the texts in it"
        )
    notes = [
        f"{name}: left out, as it holds texts beside numbers; correct it to have it, too"
        for name in free
        if name not in numbers and pd.to_numeric(table[name], errors="coerce").notna().any()
    ]
    return numbers, notes


def _roles(table: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    if not is_table_mode(table):
        return list(dict.fromkeys(asked)) or list(ROLES)
    if asked:
        found = "the table has no column role, or an empty one"
        raise UsageError(f"--role {asked[0]}: {found}; expected results with roles; leave it out")
    return []


def _in_order(
    table: pd.DataFrame, numbers: Sequence[str], free: Sequence[str], group: str | None
) -> pd.DataFrame:
    """A plain table's rows ordered by what they hold, so that their order in the file changes no digit."""
    if not is_table_mode(table):
        return table
    select(table, numbers, free, (), group)  # complains of a cell by its row in the file, before it moves
    return table.sort_values(list(table.columns), kind="stable", ignore_index=True)


def _require_rows(table: pd.DataFrame) -> None:
    if table.empty:
        raise NoInputError("table: no rows were found; expected one per participant; fill it")


def _require_results(table: pd.DataFrame, roles: Sequence[str]) -> None:
    if table.empty:
        raise NoInputError(
            f"--role {', '.join(roles)}: no row has it; expected onset sides in the participants table; "
            "give them, or name --role bilateral"
        )


def _pictures(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Metric, score and role of each figure, in the order of the table."""
    keys = table[["metric", "score", "role"]].drop_duplicates()
    return list(keys.itertuples(index=False, name=None))
