"""Other analyses of the same results: their main tables, estimate and interval before p, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.core.text import count_of, read_number
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.manifest import COMPARISON, AnalysisManifest, read_analysis_manifest
from mriparaspinal.io.tables import parse_table
from mriparaspinal.io.write import sha256
from mriparaspinal.present.p_values import p_text
from mriparaspinal.report.comparison import CellView, FigureView, TableView
from mriparaspinal.report.figure_svg import svg_picture

#: Manifest → the command, what it is called on the page, and the tables that are shown of it.
_KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "model.json": ("model", "Model", ("f_tests.csv", "mean_differences.csv", "random_effects.csv")),
    "change.json": ("change", "Follow-up", ("change_model.csv", "slopes.csv")),
    "correlations.json": ("correlate", "Correlations", ("correlations.csv",)),
    "regressions.json": ("regress", "Regressions", ("regressions.csv",)),
    "roc.json": ("roc", "ROC curves", ("roc.csv", "roc_validation.csv")),
    "reliability.json": ("reliability", "Agreement of raters", ("reliability.csv", "rating_agreement.csv")),
    "threshold_sweep.json": ("threshold-sweep", "Thresholds", ("sweep_contrasts.csv",)),
    "plan.json": ("plan", "The next study", ("plan.csv", "plan_icc_auc.csv")),
}

#: Columns that say which row it is, in this order; then the estimate with its interval, p, and the others.
_FIRST = (
    *("contrast", "quantity", "group", "segment", "muscle", "metric", "role", "score", "outcome"),
    "predictor",
    *("term", "effect", "column", "factors", "at", "cell_a", "cell_b", "form", "n", "participants"),
    *("difference", "b", "r", "auc", "icc", "value", "slope_per_month", "variance", "ci_low", "ci_high"),
    *("auc_ci_low", "auc_ci_high", "f", "df1", "df2", "p", "p_adjusted"),
)


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """One analysis, ready for the page."""

    title: str
    command: str
    settings: tuple[tuple[str, str], ...]
    tables: tuple[TableView, ...]
    figures: tuple[FigureView, ...]
    notes: tuple[str, ...]


def is_comparison(folder: Path) -> bool:
    """Whether a folder is to be read as what ``compare`` wrote: it has no manifest of another analysis."""
    return (folder / COMPARISON).exists() or not any((folder / name).exists() for name in _KINDS)


def read_analyses(folders: Sequence[Path], cohort: Cohort) -> tuple[AnalysisView, ...]:
    """The analyses in folders, which must be as they were written, and of the results of the ``cohort``.

    Raises :class:`NoInputError` where one is not.
    """
    return tuple(_read(folder, cohort) for folder in folders)


def _read(folder: Path, cohort: Cohort) -> AnalysisView:
    if (folder / MARK).exists():
        found = "a run was cut off here, or is still writing"
        raise NoInputError(Fault(f"{folder}", found, "a finished analysis", "run it again"))
    name = next(name for name in _KINDS if (folder / name).exists())
    command, title, tables = _KINDS[name]
    listed = read_analysis_manifest(folder / name, command)
    _require_same_results(folder / name, listed, cohort, command)
    shown = [file for file in listed.outputs if file in tables]
    figures = [file for file in listed.outputs if file.endswith(".svg")]
    contents = {file: _content(folder, file, listed, command) for file in (*shown, *figures, "notes.txt")}
    settings = [(key, ", ".join(values)) for key, values in listed.settings.items() if values]
    return AnalysisView(
        title,
        command,
        tuple(settings),
        tuple(_table(contents[file], file, title) for file in tables if file in shown),
        tuple(_figure(folder, contents[file], file, title) for file in figures),
        tuple(contents["notes.txt"].decode("utf-8", "replace").splitlines()[1:]),
    )


def _require_same_results(file: Path, listed: AnalysisManifest, cohort: Cohort, command: str) -> None:
    own = dict(cohort.inputs)
    for name, digest in listed.inputs.items():
        if name in own and name.startswith("results/L") and own[name] != digest:
            found = f"made from another {name.removeprefix('results/')} than that of these results"
            raise NoInputError(
                Fault(f"{file}", found, "an analysis of these results", f"run {command} again")
            )


def _content(folder: Path, name: str, listed: AnalysisManifest, command: str) -> bytes:
    try:
        content = read_bytes(folder / name)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{folder / name}")) from None
    if sha256(content) != listed.outputs.get(name):
        found = f"changed since {command} wrote it (its SHA-256 differs)"
        raise NoInputError(Fault(f"{folder / name}", found, "it untouched", f"run {command} again"))
    return content


def _table(content: bytes, name: str, title: str) -> TableView:
    """The columns that have something in some row, what identifies a row first, the estimate before p."""
    text = parse_table(content, name)
    filled = [c for i, c in enumerate(text.columns) if any(row[i] for row in text.rows)]
    first = [column for column in _FIRST if column in filled]
    header = (*first, *(column for column in filled if column not in first))
    places = [text.columns.index(column) for column in header]
    rows = tuple(
        tuple(CellView(_shown(column, row[i]), False) for column, i in zip(header, places, strict=True))
        for row in text.rows
    )
    return TableView(f"{title}: {count_of(len(rows), 'row')}", name, header, rows, ())


def _shown(column: str, cell: str) -> str:
    """A number with three digits, a p as everywhere on the page, and all else as it is."""
    number = read_number(cell)
    if number is None or number == int(number):
        return cell
    if column == "p" or column.startswith("p_") or column.endswith("_p"):
        return p_text(number).removeprefix("p ").removeprefix("= ")
    return f"{number:.3g}".replace("-", "−")


def _figure(folder: Path, content: bytes, name: str, title: str) -> FigureView:
    caption = f"{title}: {name.removesuffix('.svg').replace('_', ' ')}"
    try:
        return FigureView(name, caption, svg_picture(content, caption))
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{folder / name}")) from None
