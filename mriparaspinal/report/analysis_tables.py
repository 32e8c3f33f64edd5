"""The main tables of other analyses as a page shows them: columns that answer the question, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mriparaspinal.core.names import EFFECT_NAMES, TEST_NAMES, name_of
from mriparaspinal.core.text import count_of, read_number
from mriparaspinal.io.tables import parse_table
from mriparaspinal.present.cell_texts import with_minus_signs
from mriparaspinal.present.p_values import p_number
from mriparaspinal.present.words import contrast_in_words
from mriparaspinal.report.comparison import CellView, TableView

#: Longer tables are named, not shown: nobody reads them on a page, and print would be a book.
MOST_ROWS = 300


class _Kind(NamedTuple):
    title: str
    columns: tuple[str, ...]
    """Those that are shown, if they have something in some row; the estimate and its interval before p."""


_WHERE = ("segment", "muscle", "metric", "role")

#: Two columns of the file that are one of the page.
_INTERVAL = "95 % CI"

_KINDS = {
    "f_tests.csv": _Kind("F tests of the terms", ("metric", "term", "f", "df1", "df2", "p")),
    "mean_differences.csv": _Kind(
        "Differences of the estimated means",
        ("metric", "by", "at", "cell_a", "cell_b", "difference", _INTERVAL, "t", "df", "p", "p_adjusted"),
    ),
    "random_effects.csv": _Kind(
        "Variances", ("metric", "effect", "column", "levels", "variance", "sd", "correlation", "icc")
    ),
    "change_model.csv": _Kind(
        "Differences of the slopes of the groups, per month",
        ("contrast", *_WHERE, "participants", "n", "difference", _INTERVAL, "df", "p", "p_adjusted"),
    ),
    "slopes.csv": _Kind(
        "Slopes of the groups, per month", ("group", *_WHERE, "n", "slope_per_month", _INTERVAL, "sd")
    ),
    "correlations.csv": _Kind(
        "Correlations",
        (*_WHERE, "score", "covariates", "method", "n", "df", "r", _INTERVAL, "p", "p_adjusted"),
    ),
    "regressions.csv": _Kind(
        "Regression coefficients",
        (*_WHERE, "outcome", "term", "n", "b", _INTERVAL, "beta", "p", "p_adjusted", "r2_adjusted"),
    ),
    "roc.csv": _Kind(
        "Areas under the curve and cut-offs",
        (
            *("predictor", "direction", "n_positive", "n_negative", "auc", _INTERVAL, "p", "cutoff"),
            *("sensitivity", "specificity", "youden"),
        ),
    ),
    "roc_validation.csv": _Kind(
        "The model in new patients",
        ("measure", "n_positive", "n_negative", "apparent", "optimism", "corrected", _INTERVAL, "resamples"),
    ),
    "reliability.csv": _Kind(
        "Agreement of the raters",
        (
            *("segment", "muscle", "metric", "n", "raters", "form", "icc", _INTERVAL, "cv_pct", "sem"),
            *("mdc95", "bias", "loa_low", "loa_high"),
        ),
    ),
    "rating_agreement.csv": _Kind(
        "Agreement of the grades",
        ("coefficient", "weights", "rater_a", "rater_b", "raters", "n", "value", _INTERVAL, "chance"),
    ),
    "slope.csv": _Kind(
        "Change of mean FI per grey level, at the threshold of the study",
        ("segment", "muscle", "threshold", "n", "fi_mean", "slope"),
    ),
    "sweep_contrasts.csv": _Kind(
        "FI compared at other thresholds",
        (
            *("contrast", "segment", "muscle", "role", "threshold", "test", "effect", "effect_size", "p"),
            "p_adjusted_fi",
        ),
    ),
    "plan.csv": _Kind(
        "Participants that are needed",
        (
            *("contrast", *_WHERE, "test", "assumed", "difference", "effect_size", "alpha", "power"),
            *("needed_a", "needed_b"),
        ),
    ),
    "plan_icc_auc.csv": _Kind(
        "Participants that are needed for agreement and for ROC curves",
        (
            *("measure", "aim", "expected", "null", "width", "raters", "alpha", "power", "needed_a"),
            "needed_b",
        ),
    ),
}

#: Column → its heading, where that is not its name with spaces.
_HEADINGS = {
    "f": "F",
    "b": "B",
    "beta": "β",
    "t": "t",
    "r2_adjusted": "adjusted R²",
    "auc": "AUC",
    "icc": "ICC",
    "sd": "SD",
    "cell_a": "first",
    "cell_b": "second",
    "p_adjusted": "adjusted p",
    "p_adjusted_fi": "adjusted p",
    "n_positive": "n positive",
    "n_negative": "n negative",
    "cutoff": "cut-off",
    "youden": "Youden’s J",
    "cv_pct": "CV, %",
    "sem": "SEM",
    "mdc95": "MDC95",
    "loa_low": "lower limit",
    "loa_high": "upper limit",
    "fi_mean": "mean FI",
    "effect_size": "effect size",
    "needed_a": "n of the first arm",
    "needed_b": "n of the second",
    "slope": "FI per grey level",
}

#: Columns that hold the names of other columns.
_NAMES = ("metric", "outcome", "score", "predictor", "term", "column", "measure")

_MEASURES = {
    "auc": "AUC",
    "brier": "Brier score",
    "calibration_intercept": "calibration, intercept",
    "calibration_slope": "calibration, slope",
    "icc": "ICC",
}


def table_of(content: bytes, name: str) -> TableView:
    """A table of an analysis; without rows where it has more than :data:`MOST_ROWS`."""
    text = parse_table(content, name)
    kind = _KINDS[name]
    records = [dict(zip(text.columns, row, strict=True)) for row in text.rows]
    title = f"{kind.title}: {count_of(len(records), 'row')}"
    if len(records) > MOST_ROWS:
        return TableView(f"{title}, too many for a page", name, (), (), ())
    shown = [column for column in kind.columns if any(_cell(record, column) for record in records)]
    rows = tuple(tuple(CellView(_cell(record, column), False) for column in shown) for record in records)
    headings = tuple(_HEADINGS.get(column, column.replace("_", " ")) for column in shown)
    return TableView(title, name, headings, rows, ())


def _cell(record: Mapping[str, str], column: str) -> str:
    """A number with three digits, a p as everywhere on the page, and what has a name by that."""
    if column == _INTERVAL:
        low, high = (number_text(record.get(f"ci_{end}", "")) for end in ("low", "high"))
        return f"{low} to {high}" if low or high else ""
    cell = record.get(column, "")
    if column == "p" or column.startswith("p_"):
        return p_number(number) if (number := read_number(cell)) is not None else cell
    if column == "contrast":
        return contrast_in_words(cell, record.get("label_a", ""), record.get("label_b", ""))
    if column == "test":
        return TEST_NAMES[cell].label if cell in TEST_NAMES else cell.replace("_", " ")
    if column == "effect" and cell in EFFECT_NAMES:
        return EFFECT_NAMES[cell].long
    if column == "covariates":
        return ", ".join(name_of(part).label for part in cell.split("+")) if cell else ""
    if column in _NAMES:
        return _MEASURES.get(cell) or name_of(cell).printed
    if column == "r" and (number := read_number(cell)) is not None:
        return with_minus_signs(f"{number:z.3f}")
    return number_text(cell)


def number_text(cell: str) -> str:
    """A number with three digits, trailing zeros kept; whole ones, and what is no number, as they are.

    >>> [number_text(cell) for cell in ("0.45", "-0.98999", "12", "1234.5", "24.04", "1.0", "", "L4")]
    ['0.450', '−0.990', '12', '1234', '24.0', '1', '', 'L4']
    """
    number = read_number(cell)
    if number is None:
        return cell
    if number == int(number):
        shown = f"{number:.0f}"
    else:
        shown = f"{number:.0f}" if abs(number) >= 1000 else f"{number:#.3g}".removesuffix(".")
    return shown.replace("-", "−")
