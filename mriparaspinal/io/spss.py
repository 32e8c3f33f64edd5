"""Tables of SPSS (``.sav``, ``.zsav``): read as the texts that a CSV of them would hold, and written."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mriparaspinal.core.errors import Fault, NoInputError, UsageError
from mriparaspinal.core.meanings import Meaning
from mriparaspinal.core.participants import KEY, NUMBERS, UNKNOWN
from mriparaspinal.core.spss_names import spss_names
from mriparaspinal.core.text import is_missing
from mriparaspinal.io.sav_process import SavTable, read_apart
from mriparaspinal.io.typed_cells import number_text, numbers_in

_INSTALL = "pip install 'mriparaspinal[spss]'"

#: How tables of SPSS begin, plain and compressed.
_MARKS = (b"$FL2", b"$FL3", b"2LF$", b"3LF$")

#: Labels that say that a value is none; such a number must be declared as missing in SPSS.
_NO_VALUE = {
    *UNKNOWN,
    *("missing", "no data", "no answer", "not available", "not applicable", "not done", "refused"),
    *("fehlend", "fehlt", "keine angabe", "nicht bekannt", "manquant", "non disponible"),
}

#: Of a header that SPSS knows: name of the program, and the time, which is none here.
_PROGRAM = b"@(#) SPSS DATA FILE - mriparaspinal".ljust(60)

_NO_TIME = b"01 Jan 8000:00:00"

#: Where both stand (PSPP, System File Format: File Header Record).
_PROGRAM_AT, _TIME_AT = 4, 92

_LABEL_BYTES, _TEXT_BYTES = 255, 32767


def _library(found: str) -> Any:
    """The library; raises :class:`UsageError` with one line where it is not installed."""
    try:
        import pyreadstat
    except ImportError:
        expected = "the library pyreadstat, which is not installed"
        raise UsageError(f"{found}; expected {expected}; install it: {_INSTALL}") from None
    return pyreadstat


def require_spss() -> None:
    """Raise :class:`UsageError` where the library for ``--sav`` is not installed."""
    _library("--sav was given")


# --- reading ------------------------------------------------------------------------------------------------


def read_sav(raw: bytes, name: str, cells_limit: int) -> list[tuple[str, ...]]:
    """The header and the rows of an SPSS table that are not empty.

    User-missing values are missing. Numbers of which every one has a label of its own are read as the labels,
    unless the variable is ordinal, an id or a known number (:data:`NUMBERS`). Raises :class:`NoInputError`.
    """
    _library(f"{name}: an SPSS table was found")
    if not raw.startswith(_MARKS):
        remedy = "save it again in SPSS, or as CSV UTF-8"
        raise NoInputError(Fault(name, "no SPSS data file, whatever its name says", ".sav", remedy))
    try:
        table = read_apart(raw, cells_limit)
    except ValueError:  # that of msgspec, too
        found = "cannot be read as an SPSS table"
        raise NoInputError(Fault(name, found, "a .sav of SPSS", "save it again in SPSS")) from None
    if not table.columns:
        raise NoInputError(Fault(name, "no variables were found", "a table", "check what the file is"))
    rows = list(zip(*(_texts(table, place, name) for place in range(len(table.columns))), strict=True))
    if len(rows) * len(table.columns) > cells_limit:
        raise NoInputError(Fault(name, f"more than {cells_limit} cells", "a table", "check what the file is"))
    return [tuple(table.columns), *(row for row in rows if any(row))]


def _texts(table: SavTable, place: int, name: str) -> list[str]:
    column, values = table.columns[place], table.values[place]
    labels = {value: label.strip() for value, label in table.labels[place]}
    there = dict.fromkeys(value for value in values if isinstance(value, float))
    shown = [labels.get(value, "") for value in there]
    told = all(shown) and len(set(shown)) == len(shown)
    if shown and told and column not in (KEY, *NUMBERS) and table.measures[place] != "ordinal":
        return [labels[value] if isinstance(value, float) else value or "" for value in values]
    for value in there:
        if (label := labels.get(value, "")) and (label.casefold() in _NO_VALUE or is_missing(label)):
            found = (
                f"column {column}: {number_text(value)} is labelled {label!r}, but not declared as missing"
            )
            remedy = "declare it in SPSS (Variable View, column Missing)"
            raise NoInputError(Fault(name, found, "a missing value that SPSS knows as one", remedy))
    # A number of the format N3 has leading zeros.
    zeros = re.fullmatch(r"N([0-9]{1,2})(?:\.0)?", table.formats[place])
    digits = int(zeros[1]) if zeros else 0
    return [number_text(value, digits) if isinstance(value, float) else value or "" for value in values]


# --- writing ------------------------------------------------------------------------------------------------


def sav_bytes(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    meanings: Mapping[str, Meaning],
    values: Mapping[str, Mapping[str, str]],
) -> bytes:
    """A table of texts as SPSS reads it, always the same bytes: columns of numbers are numeric.

    A missing number is system-missing, a missing text an empty one. ``values``: what values of a column stand
    for. Raises :class:`UsageError` where the library is not installed.
    """
    library = _library("--sav was given")
    import pandas as pd

    names = dict(zip(columns, spss_names(columns), strict=True))
    frame: dict[str, pd.Series] = {}
    labels: dict[str, str] = {}
    measures: dict[str, str] = {}
    formats: dict[str, str] = {}
    of_values: dict[str, dict[Any, str]] = {}
    for place, column in enumerate(columns):
        cells = [row[place] for row in rows]
        numbers, name = numbers_in(column, cells), names[column]
        if meanings[column].unit and not any(cells):
            numbers = [None] * len(cells)
        labels[name] = _cut(meanings[column].label or column, _LABEL_BYTES)
        known = values.get(column, {})
        if numbers is None:
            frame[name] = pd.Series([_cut(cell, _TEXT_BYTES) for cell in cells], dtype=object)
            measures[name] = "nominal"
            of_values[name] = {value: text for value, text in known.items() if value in cells}
        else:
            frame[name] = pd.Series(numbers, dtype="float64")
            measures[name] = "nominal" if known else "scale"
            whole = all(number is None or number.is_integer() for number in numbers)
            formats[name] = "F8.0" if whole else "F12.4"
            of_values[name] = {float(value): text for value, text in known.items()}
    with tempfile.TemporaryDirectory(prefix="mriparaspinal-") as folder:
        path = Path(folder) / "table.sav"
        library.write_sav(
            pd.DataFrame(frame),
            path,
            column_labels=labels,
            variable_value_labels={name: known for name, known in of_values.items() if known},
            variable_measure=measures,
            variable_format=formats,
            row_compress=True,
        )
        raw = bytearray(path.read_bytes())
    raw[_PROGRAM_AT : _PROGRAM_AT + len(_PROGRAM)] = _PROGRAM
    raw[_TIME_AT : _TIME_AT + len(_NO_TIME)] = _NO_TIME
    return bytes(raw)


def _cut(text: str, most: int) -> str:
    """The beginning of a text, in as many bytes."""
    return text.encode("utf-8", "backslashreplace")[:most].decode("utf-8", "ignore")
