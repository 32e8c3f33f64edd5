"""The folder that ``compare`` wrote: taken only if it is complete and belongs to the results."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Literal, cast

import pandas as pd

from mriparaspinal.analysis.compare import own_names, own_table1, paper_tables_of
from mriparaspinal.analysis.files import to_csv_bytes
from mriparaspinal.analysis.frames import frame_csv
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.omnibus import omnibus_of
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.core.errors import Fault, NoInputError, ParaspinalError, UnreadableError, UsageError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.core.model import SPINE
from mriparaspinal.core.names import name_of
from mriparaspinal.core.text import read_number
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.manifest import COMPARISON, AnalysisManifest, read_analysis_manifest
from mriparaspinal.io.tables import TextTable, parse_table, read_table
from mriparaspinal.io.write import sha256
from mriparaspinal.present.table_layout import PaperTable
from mriparaspinal.present.tables import table1, table2, table3, table4
from mriparaspinal.report.figure_svg import svg_picture
from mriparaspinal.report.findings import Sentence, caveats, main_findings
from mriparaspinal.report.flow import Analysed, analysed
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import resolve
from mriparaspinal.stats.counts import ComparisonCounts, count_comparisons
from mriparaspinal.stats.on_request import NOTHING, OnRequest, recorded

TABLE = "comparisons.csv"

#: Another build of SciPy may differ in the last digits.
_SAME = 1e-9

_CAPTIONS = {
    "figure_effects": "Effect sizes of all comparisons",
    "figure_missing_columns": "Values of the participants that are missing, by group",
    "figure_missing": "Who was not measured, by group, side, muscle and level",
    "figure3": "The two sides of each participant",
    "figure4": "With and without pathological spontaneous activity (PSA)",
    "figure5": "The groups side by side",
    "figure_distribution": "Where the fat lies, by group",
    "figure_differences": "Differences in the unit of the metric",
    "figure_groups": "All groups at once, with letters",
}

#: The columns of texts in ``characteristics.csv`` and the correlations; all others hold numbers.
_TEXTS = {
    *("characteristic", "item", "unit", "levels", "label_a", "label_b", "counts_a", "counts_b"),
    *("summary_a", "summary_b", "test", "remark"),
    *("segment", "muscle", "metric", "role", "score", "covariates", "method"),
}

_FIGURE = re.compile(
    r"figure(_effects|_missing(_columns)?|_differences_[\w.-]+|_distribution_\w+|_groups_letters(_\d+)?|[345]_[\w.-]+)\.svg"
)


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure of the comparison, ready for the page."""

    file: str
    caption: str
    markup: str

    @property
    def numbers(self) -> str:
        """The file of what is drawn."""
        stem = self.file.removesuffix(".svg")
        return f"{stem.removeprefix('figure_') if stem.startswith('figure_missing') else f'{stem}_data'}.csv"


@dataclass(frozen=True, slots=True)
class Compared:
    """What ``compare`` found, or why there is nothing."""

    missing: str = ""
    """Why there is no comparison; empty where there is one."""
    contrasts: tuple[str, ...] = ()
    normality: Literal["lilliefors", "shapiro"] = "lilliefors"
    divide_by: str | None = None
    asked: OnRequest = NOTHING
    findings: tuple[Sentence, ...] = ()
    """The main differences in sentences, and what the tests cannot say."""
    caveats: tuple[str, ...] = ()
    analysed: tuple[Analysed, ...] = ()
    """How many participants each contrast rests on."""
    counts: ComparisonCounts | None = None
    """How many there are, and how many stand out."""
    tables: tuple[PaperTable, ...] = ()
    groups: str | None = None
    """The column whose groups were compared at once."""
    effects: FigureView | None = None
    """The map of all effects."""
    figures: tuple[FigureView, ...] = ()
    """The others."""
    notes: tuple[str, ...] = ()


def open_comparison(folder: Path, cohort: Cohort, made: Analysis | None = None) -> Compared:
    """What ``compare`` wrote into a folder about a cohort.

    The comparisons are made again from the ``cohort`` and must come out the same; the tables of the folder
    must be those that its own numbers give. Raises :class:`NoInputError` otherwise.

    ``made``: the comparison that was just made from this cohort, and put there; it is not made again.
    """
    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder; expected what compare wrote; check --comparison")
    if (folder / MARK).exists():
        found = "a run was cut off here, or is still writing"
        raise NoInputError(f"{folder}: {found}; expected a finished comparison; run compare again")
    if not (folder / TABLE).is_file():
        if (skipped := _skipped(folder)) is not None:
            return Compared(missing=f"{skipped}; the comparison is skipped")
        raise NoInputError(f"{folder}: no {TABLE}; expected what compare wrote; check --comparison")
    listed = read_analysis_manifest(folder / COMPARISON, "compare")
    normality, divide_by = _settings(listed, folder / COMPARISON)
    notes = _notes(folder)
    asked = _on_request(listed, folder / COMPARISON)
    column = next(iter(listed.settings.get("groups", ())), None)
    if made is not None:
        comparisons = made.table
        tables = tuple(table for table in made.contents.values() if isinstance(table, PaperTable))
    else:
        try:
            settings = normality, divide_by, asked
            comparisons = _made_again(folder, read_table(folder / TABLE), cohort, settings)
        except _DiffersError as error:
            raise NoInputError(_cause(error.fault, folder, listed, cohort)) from None
        smd = bool(listed.settings.get("standardised mean differences"))
        _require_own_tables(folder, cohort, comparisons, normality, smd)
        tables = _tables(folder, comparisons, normality)
        if column:
            metrics = listed.settings.get("metric", ())
            tables += _groups_table(folder, cohort, column, metrics, (normality, divide_by))
    figures = _figures(folder, set(cohort.table["group"]))
    return Compared(
        contrasts=tuple(dict.fromkeys(comparisons["contrast"])),
        normality=normality,
        divide_by=divide_by,
        asked=asked,
        findings=tuple(main_findings(comparisons)),
        caveats=tuple(caveats(comparisons)),
        analysed=analysed(comparisons),
        counts=count_comparisons(comparisons),
        tables=tables,
        groups=column,
        effects=figures.pop("figure_effects.svg", None),
        figures=tuple(figures.values()),
        notes=notes,
    )


def session_of(folder: Path) -> str:
    """The session of a follow-up that ``compare`` looked at; empty where none is known."""
    file = folder / COMPARISON
    settings = read_analysis_manifest(file, "compare").settings if file.is_file() else {}
    return next(iter(settings.get("session", ())), "")


def _notes(folder: Path) -> tuple[str, ...]:
    """What ``compare`` had to say, but for the settings in the first line."""
    try:
        return tuple(read_bytes(folder / "notes.txt").decode("utf-8", "replace").splitlines()[1:])
    except UnreadableError as error:
        fault = replace(error.fault, file=f"{folder / 'notes.txt'}", remedy="run compare again")
        raise NoInputError(fault) from None


def _skipped(folder: Path) -> str | None:
    """Why ``run`` made no comparison; None where it is not known that it did not."""
    file = folder / COMPARISON
    settings = read_analysis_manifest(file, "compare").settings if file.is_file() else {}
    return "; ".join(settings["skipped"]) if "skipped" in settings else None


def _settings(listed: AnalysisManifest, file: Path) -> tuple[Normality, str | None]:
    """Test of normality and divisor."""
    (normality,) = listed.settings.get("normality", ("none",))[:1] or ("none",)
    if normality not in ("lilliefors", "shapiro"):
        found, expected = f"the test of normality {normality!r} was found", "lilliefors or shapiro"
        raise NoInputError(Fault(f"{file}", found, expected, "run compare again"))
    return cast(Normality, normality), next(iter(listed.settings.get("divided by", ())), None)


def _on_request(listed: AnalysisManifest, file: Path) -> OnRequest:
    """Margins and permutations."""
    try:
        return recorded(listed.settings)
    except UsageError as error:
        fault = replace(error.fault, file=f"{file}", remedy="run compare again")
        raise NoInputError(fault) from None


def _cause(fault: Fault, folder: Path, listed: AnalysisManifest, cohort: Cohort) -> Fault:
    """What is at fault where the comparisons come out otherwise: the settings, if all else is as it was."""
    same_table = listed.outputs.get(TABLE) == sha256((folder / TABLE).read_bytes())
    if not same_table or listed.inputs != dict(cohort.inputs):
        return fault
    found = f"its settings do not give the {TABLE} that it lists"
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
    again = parse_table(frame_csv(made), TABLE)
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
    return _DiffersError(Fault(f"{folder / TABLE}", f"{found} was found", expected, remedy))


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


def _figures(folder: Path, groups: Iterable[str]) -> dict[str, FigureView]:
    """The figures of the folder by file; the caption says of which group, segment or metric one is."""
    views = {}
    named = {group.casefold(): group for group in groups} | {name.casefold(): name for name in SPINE}
    for name in sorted(path.name for path in folder.glob("figure*.svg") if _FIGURE.fullmatch(path.name)):
        stem = name.removesuffix(".svg")
        kind = next(kind for kind in _CAPTIONS if stem.startswith(kind))
        caption, rest = _CAPTIONS[kind], stem.removeprefix(kind).removeprefix("_").split("_", 1)[-1]
        if kind == "figure_differences":
            caption = f"{caption}: {name_of(stem.removeprefix(kind).removeprefix('_')).label}"
        elif rest.casefold() in named:
            caption = f"{caption}: {named[rest.casefold()]}"
        try:
            content = read_bytes(folder / name)
            markup = svg_picture(content, f"{caption} ({name})")
        except UnreadableError:
            found = "cannot be read as SVG"
            raise NoInputError(
                f"{folder / name}: {found}; expected a figure of compare; run compare again"
            ) from None
        views[name] = FigureView(name, caption, markup)
    return views


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell: its text, and whether it is significant."""

    text: str
    bold: bool


@dataclass(frozen=True, slots=True)
class TableView:
    """A table with one row per line of numbers."""

    title: str
    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[CellView, ...], ...]
    footnotes: tuple[str, ...]


def table_view(table: PaperTable) -> TableView:
    """The table with the segment beside each row instead of above its rows."""
    segment = ""
    rows = []
    for number, row in enumerate(table.rows):
        if row[0] in SPINE and not any(row[1:]):
            segment = row[0]
            continue
        cells = [CellView(text, (number, place) in table.bold) for place, text in enumerate(row)]
        rows.append((CellView(segment, False), *cells) if segment else tuple(cells))
    header = ("Segment", *table.header) if segment else table.header
    return TableView(table.title, f"{table.name}.csv", header, tuple(rows), table.footnotes)
