"""Other analyses of the same results: their main tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.core.names import name_of
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.manifest import COMPARISON, AnalysisManifest, read_analysis_manifest
from mriparaspinal.io.write import sha256
from mriparaspinal.report.analysis_tables import table_of
from mriparaspinal.report.comparison import FigureView, TableView
from mriparaspinal.report.figure_svg import svg_picture

#: Manifest → the command, what it is called on the page, and the tables that are shown of it.
_KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "model.json": ("model", "Model", ("f_tests.csv", "mean_differences.csv", "random_effects.csv")),
    "change.json": ("change", "Follow-up", ("change_model.csv", "slopes.csv")),
    "correlations.json": ("correlate", "Correlations", ("correlations.csv",)),
    "regressions.json": ("regress", "Regressions", ("regressions.csv",)),
    "roc.json": ("roc", "ROC curves", ("roc.csv", "roc_validation.csv")),
    "reliability.json": ("reliability", "Agreement of raters", ("reliability.csv", "rating_agreement.csv")),
    "threshold_sweep.json": ("threshold-sweep", "Thresholds", ("slope.csv", "sweep_contrasts.csv")),
    "plan.json": ("plan", "The next study", ("plan.csv", "plan_icc_auc.csv")),
}

#: How the name of a figure's file begins → what it shows; the first that fits.
_CAPTIONS = {
    "residuals_": "Residuals of the model over the fitted values, and normal plots",
    "means_": "Estimated means of the model with their 95 % intervals",
    "spaghetti_": "Each participant from session to session",
    "change_": "Change since the first session",
    "scatter_": "Scatter plots of the correlations, a point for each participant",
    "roc_calibration": "Calibration: what the model predicts, and what is observed",
    "roc_decision": "Decision curves: net benefit of acting on the model",
    "roc": "ROC curves",
    "bland_altman_": "Differences of two raters over their mean (Bland and Altman)",
    "sweep": "FI at other thresholds",
    "power_": "Power by the number of participants",
}


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
        tuple(table_of(contents[file], file) for file in tables if file in shown),
        tuple(_figure(folder, contents[file], file, _caption(file, listed, title)) for file in figures),
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


def _caption(name: str, listed: AnalysisManifest, title: str) -> str:
    """What a figure shows, and of what: the rest of its file's name, with the metric as it is printed."""
    stem = name.removesuffix(".svg")
    prefix = next((prefix for prefix in _CAPTIONS if stem.startswith(prefix)), "")
    if not prefix:
        return f"{title}: {stem.replace('_', ' ')}"
    rest = stem.removeprefix(prefix)
    for metric in listed.settings.get("metric", ()):
        if rest == metric or rest.startswith(f"{metric}_"):
            rest = name_of(metric).label + rest.removeprefix(metric)
            break
    rest = rest.replace("_", " ").strip()
    return f"{_CAPTIONS[prefix]}: {rest}" if rest else _CAPTIONS[prefix]


def _figure(folder: Path, content: bytes, name: str, caption: str) -> FigureView:
    try:
        return FigureView(name, caption, svg_picture(content, caption))
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{folder / name}")) from None
