"""The comparison of a folder made again from the results: the proof that both belong together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from mriparaspinal.analysis.compare import own_names, own_table1, paper_tables_of
from mriparaspinal.analysis.files import to_csv_bytes
from mriparaspinal.analysis.frames import frame_csv
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.omnibus import omnibus_of
from mriparaspinal.core.errors import Fault, NoInputError, ParaspinalError, UsageError
from mriparaspinal.core.filenames import COMPARISONS
from mriparaspinal.core.text import read_number
from mriparaspinal.io.manifest import COMPARISON, AnalysisManifest
from mriparaspinal.io.tables import TextTable, parse_table, read_table
from mriparaspinal.io.write import sha256
from mriparaspinal.present.table_layout import PaperTable
from mriparaspinal.present.tables import table1, table2, table3, table4
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import resolve
from mriparaspinal.stats.on_request import OnRequest

#: Another build of SciPy may differ in the last digits.
_SAME = 1e-9

#: The columns of texts in ``characteristics.csv`` and the correlations; all others hold numbers.
_TEXTS = {
    *("characteristic", "item", "unit", "levels", "label_a", "label_b", "counts_a", "counts_b"),
    *("summary_a", "summary_b", "test", "remark"),
    *("segment", "muscle", "metric", "role", "score", "covariates", "method"),
}


def made_again(
    folder: Path,
    listed: AnalysisManifest,
    cohort: Cohort,
    settings: tuple[Normality, str | None, OnRequest],
) -> tuple[pd.DataFrame, tuple[PaperTable, ...]]:
    """The comparisons and printed tables of a folder, computed from the cohort.

    ``listed``: its manifest; ``settings``: test of normality, divisor, and what was asked for. Raises
    :class:`NoInputError` where they are not those of the folder.
    """
    try:
        comparisons = _made_again(folder, read_table(folder / COMPARISONS), cohort, settings)
    except _DiffersError as error:
        raise NoInputError(_cause(error.fault, folder, listed, cohort)) from None
    normality, divide_by, _ = settings
    smd = bool(listed.settings.get("standardised mean differences"))
    _require_own_tables(folder, cohort, comparisons, normality, smd)
    tables = _tables(folder, comparisons, normality)
    if column := next(iter(listed.settings.get("groups", ())), None):
        metrics = listed.settings.get("metric", ())
        tables += _groups_table(folder, cohort, column, metrics, (normality, divide_by))
    return comparisons, tables


def _cause(fault: Fault, folder: Path, listed: AnalysisManifest, cohort: Cohort) -> Fault:
    """What is at fault where the comparisons come out otherwise: the settings, if all else is as it was."""
    same_table = listed.outputs.get(COMPARISONS) == sha256((folder / COMPARISONS).read_bytes())
    if not same_table or listed.inputs != dict(cohort.inputs):
        return fault
    found = f"its settings do not give the {COMPARISONS} that it lists"
    return Fault(f"{folder / COMPARISON}", found, "it as compare wrote it", "run compare again")


def _made_again(
    folder: Path, written: TextTable, cohort: Cohort, settings: tuple[Normality, str | None, OnRequest]
) -> pd.DataFrame:
    """The comparisons of the folder, computed from the cohort: the proof that both belong together."""
    normality, divide_by, asked = settings
    try:
        column = {name: [row[i] for row in written.rows] for i, name in enumerate(written.columns)}
        contrasts = [resolve(text, cohort.table) for text in dict.fromkeys(column["contrast"])]
        suffix = f"/{divide_by}" if divide_by else ""
        metrics = [name.removesuffix(suffix) for name in dict.fromkeys(column["metric"])]
        made, _ = compare(cohort.table, contrasts, metrics, normality, divide_by, asked)
    except KeyError as error:
        raise _differs(folder, f"no column {error}", "the columns of compare") from None
    except ParaspinalError as error:
        found = ": ".join(part for part in (error.fault.file, error.fault.found) if part)
        raise _differs(folder, found, "contrasts of these results") from None
    again = parse_table(frame_csv(made), COMPARISONS)
    absent = [name for name in again.columns if name not in written.columns]
    if absent and set(written.columns) < set(again.columns):
        found = f"a table of an older version, without {', '.join(absent)},"
        raise _differs(folder, found, "the columns of this version")
    if again.columns != written.columns or len(again.rows) != len(written.rows):
        found = f"{len(written.rows)} rows of {len(written.columns)} columns"
        raise _differs(folder, found, f"{len(again.rows)} of {len(again.columns)} as these results give")
    for old, new in zip(written.rows, again.rows, strict=True):
        for name, one, other in zip(written.columns, old, new, strict=True):
            if not _same(one, other):
                where = " ".join(part for part in old[:5] if part)
                raise _differs(
                    folder, f"{where}: {name} {one or 'empty'}", f"{other or 'empty'} as these results give"
                )
    return made


def _require_own_tables(
    folder: Path, cohort: Cohort, made: pd.DataFrame, normality: Normality, smd: bool
) -> None:
    """The numbers behind Tables 1 and 4, made again, too: they come from the participants table as well."""
    files: dict[str, pd.DataFrame] = {}
    own = _own_contrasts(folder, made)
    asked = [resolve(text, cohort.table) for text in own.values()]
    paper_tables_of(cohort, made, normality, files, asked, smd)
    _require_same(folder, files)


def _require_same(folder: Path, files: Mapping[str, pd.DataFrame]) -> None:
    """Raise where a file of the folder has other numbers than these."""
    for name, content in files.items():
        try:
            old = read_table(folder / name)
        except NoInputError:
            raise _differs(folder, f"no {name}", "it beside the comparisons") from None
        new = parse_table(frame_csv(content), name)
        cells = zip(chain.from_iterable(old.rows), chain.from_iterable(new.rows), strict=False)
        sizes = (old.columns, len(old.rows)) == (new.columns, len(new.rows))
        if not sizes or not all(_same(one, other) for one, other in cells):
            raise _differs(folder, f"another {name}", "what these results and participants give")


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    a, b = read_number(one), read_number(other)
    return a is not None and b is not None and math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME)


class _DiffersError(NoInputError):
    """The comparisons of the folder are not those of the cohort."""


def _differs(folder: Path, found: str, expected: str) -> _DiffersError:
    remedy = "give the comparison of these results (and its --participants), or run compare again"
    return _DiffersError(Fault(f"{folder / COMPARISONS}", f"{found} was found", expected, remedy))


def _tables(folder: Path, comparisons: pd.DataFrame, normality: Normality) -> tuple[PaperTable, ...]:
    found: list[PaperTable | None] = []
    if (folder / "characteristics.csv").is_file():
        found.append(table1(_typed(read_table(folder / "characteristics.csv")), normality)[0])
    for name, text in _own_contrasts(folder, comparisons).items():
        file = folder / f"characteristics_{name}.csv"
        if file.is_file():
            found.append(own_table1(_typed(read_table(file)), name, text, normality))
    found += [table2(comparisons, normality)[0], table3(comparisons, normality)[0]]
    correlations = "table4_correlations.csv"
    if (folder / correlations).is_file():
        found.append(table4(_typed(read_table(folder / correlations)), correlations)[0])
    tables = tuple(table for table in found if table is not None)
    _require_untouched(folder, tables)
    return tables


def _groups_table(
    folder: Path,
    cohort: Cohort,
    column: str,
    metrics: Sequence[str],
    settings: tuple[Normality, str | None],
) -> tuple[PaperTable, ...]:
    """The table of all groups at once, its numbers made again from the cohort."""
    try:
        contents, tables, _ = omnibus_of(cohort, column, metrics, *settings)
    except UsageError as error:
        raise _differs(folder, error.fault.found, error.fault.expected) from None
    _require_same(folder, {n: table for n, table in contents.items() if isinstance(table, pd.DataFrame)})
    _require_untouched(folder, tables)
    return tuple(tables)


def _require_untouched(folder: Path, tables: Sequence[PaperTable]) -> None:
    for table in tables:
        file = folder / f"{table.name}.csv"
        if not file.is_file() or file.read_bytes() != to_csv_bytes(table):
            found_there = "is not what its numbers give" if file.is_file() else "is missing"
            raise NoInputError(
                f"{file}: {found_there}; expected the table of compare, untouched; run compare again"
            )


def _own_contrasts(folder: Path, comparisons: pd.DataFrame) -> dict[str, str]:
    """The contrasts that have a Table 1 of their own, by its name: all of them or none."""
    if not any(folder.glob("characteristics_*.csv")):
        return {}
    return own_names(list(dict.fromkeys(comparisons["contrast"])))


def _typed(table: TextTable) -> pd.DataFrame:
    """A table of ours as a frame: texts as they are, all else as numbers, even where none is there."""
    cells = {name: [row[place] for row in table.rows] for place, name in enumerate(table.columns)}
    return pd.DataFrame(
        {
            name: pd.Series(column, dtype=object)
            if name in _TEXTS
            else pd.to_numeric(pd.Series(column, dtype=object), errors="coerce").astype(float)
            for name, column in cells.items()
        }
    )
