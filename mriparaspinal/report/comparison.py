"""The folder that ``compare`` wrote: taken only if it is complete and belongs to the results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError
from mriparaspinal.core.filenames import COMPARISONS, MARK
from mriparaspinal.core.loading import quick_loading
from mriparaspinal.core.model import SPINE
from mriparaspinal.core.names import name_of
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.manifest import COMPARISON, AnalysisManifest, read_analysis_manifest
from mriparaspinal.present.table_layout import PaperTable
from mriparaspinal.report.figure_svg import svg_picture
from mriparaspinal.report.findings import Sentence, caveats, main_findings
from mriparaspinal.report.flow import Analysed, analysed
from mriparaspinal.stats.counts import ComparisonCounts, count_comparisons
from mriparaspinal.stats.on_request import NOTHING, OnRequest, recorded

if TYPE_CHECKING:
    from mriparaspinal.stats.arms import Normality

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
    if not (folder / COMPARISONS).is_file():
        if (skipped := _skipped(folder)) is not None:
            return Compared(missing=f"{skipped}; the comparison is skipped")
        raise NoInputError(f"{folder}: no {COMPARISONS}; expected what compare wrote; check --comparison")
    listed = read_analysis_manifest(folder / COMPARISON, "compare")
    normality, divide_by = _settings(listed, folder / COMPARISON)
    notes = _notes(folder)
    asked = _on_request(listed, folder / COMPARISON)
    column = next(iter(listed.settings.get("groups", ())), None)
    if made is not None:
        comparisons = made.table
        tables = tuple(table for table in made.contents.values() if isinstance(table, PaperTable))
    else:
        with quick_loading():  # all statistics, and the figures
            from mriparaspinal.report.made_again import made_again

        comparisons, tables = made_again(folder, listed, cohort, (normality, divide_by, asked))
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
    return cast("Normality", normality), next(iter(listed.settings.get("divided by", ())), None)


def _on_request(listed: AnalysisManifest, file: Path) -> OnRequest:
    """Margins and permutations."""
    try:
        return recorded(listed.settings)
    except UsageError as error:
        fault = replace(error.fault, file=f"{file}", remedy="run compare again")
        raise NoInputError(fault) from None


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
