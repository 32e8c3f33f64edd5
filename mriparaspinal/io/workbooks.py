"""Tables from Excel workbooks (``.xlsx``): the first sheet, as the texts that a CSV of it would hold."""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

from mriparaspinal.core.errors import Fault, NoInputError
from mriparaspinal.io.typed_cells import number_text

#: Bytes of all parts of a workbook once unpacked: a table of 20,000 participants has a tenth of them.
_UNPACKED_LIMIT = 200_000_000

_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

_SAVE = "save it as .xlsx or as CSV UTF-8"

_SAVE_AGAIN = "open it in Excel and save it again"

#: What the library for zip files raises for what is not one.
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*ref=\"([A-Z0-9:]+)\"")


def read_workbook(
    raw: bytes, name: str, cells_limit: int, alone: bool
) -> tuple[list[tuple[str, ...]], tuple[Fault, ...]]:
    """The rows of a workbook's first sheet that are not empty, all of one length, and notes.

    Numbers are texts as a person writes them (``7``, not ``7.0``), dates ISO texts, formulas what the
    spreadsheet last computed. Raises :class:`NoInputError` with one line for what a table cannot hold:
    merged cells, error values, formulas without a result; and, for a table that must stand ``alone``,
    other sheets that hold something.
    """
    _require_workbook(raw, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of drop-down lists and styles, which no value depends on
            sheet, titles = _first_sheet(raw, values=True)
            formulas, _ = _first_sheet(raw, values=False)
            merged = _merged(raw, sheet)
            rows = _rows(sheet, formulas, name, cells_limit)
    except NoInputError:
        raise
    except Exception as error:  # damaged parts fail in the library in many ways
        found = f"cannot be read as a workbook ({type(error).__name__})"
        raise NoInputError(Fault(name, found, "an Excel file", _SAVE_AGAIN)) from None
    if merged:
        found = f"merged cells {', '.join(merged[:3])}"
        raise NoInputError(Fault(name, found, "one value in each cell", "unmerge them and fill each"))
    width = max((i for row in rows for i, cell in enumerate(row, 1) if cell), default=0)
    whole = [(*row[:width], *[""] * (width - len(row))) for row in rows]
    if len(titles) < 2:
        return whole, ()
    others = ", ".join(map(repr, titles[1:]))
    remedy = "save the sheet that is meant as CSV UTF-8, or in a workbook of its own"
    if alone:
        found = f"the sheets {titles[0]!r}, {others} hold something, and nothing says which is meant"
        raise NoInputError(Fault(name, found, "one sheet", remedy))
    found = f"the first sheet, {titles[0]!r}, is read, not {others}"
    return whole, (Fault(name, found, "one sheet", remedy, "other-sheets"),)


def _require_workbook(raw: bytes, name: str) -> None:
    """Raise :class:`NoInputError` for what is no workbook of today's Excel, or hostile."""
    if raw.startswith(_OLD_EXCEL):
        if _ENCRYPTED in raw:
            remedy = "take the password away, or save it as CSV UTF-8"
            raise NoInputError(Fault(name, "a workbook with a password", "one without", remedy))
        raise NoInputError(Fault(name, "a workbook of Excel 97–2003", ".xlsx", _SAVE))
    if not name.casefold().endswith((".xlsx", ".xlsm")):
        raise NoInputError(Fault(name, "a spreadsheet of another kind", ".xlsx", _SAVE))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            if unpacked > _UNPACKED_LIMIT:
                found, most = f"{unpacked / 1e6:.0f} MB unpacked", f"at most {_UNPACKED_LIMIT / 1e6:.0f} MB"
                raise NoInputError(Fault(name, found, most, "check what the file is"))
            doubtful = any(b"<!DOCTYPE" in parts.read(part) for part in parts.infolist())
    except _BROKEN:
        raise NoInputError(Fault(name, "not a complete workbook", "an Excel file", _SAVE_AGAIN)) from None
    if doubtful:
        found = "a document type declaration, which no workbook has"
        raise NoInputError(Fault(name, found, "an Excel file", _SAVE))


def _first_sheet(raw: bytes, values: bool) -> tuple[Any, list[str]]:
    """The first worksheet that is not hidden, and its title with those of the others that hold something."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=values)
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    for sheet in shown:
        sheet.reset_dimensions()  # what the file says of its size may be wrong
    filled = [s.title for s in shown[1:] if any(any(row) for row in s.iter_rows(values_only=True))]
    return shown[0], [shown[0].title, *filled]


def _merged(raw: bytes, sheet: Any) -> list[str]:
    """Ranges of merged cells, which the library does not tell where it reads row by row."""
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        content = parts.read(sheet._worksheet_path)
    return [found.decode() for found in _MERGED.findall(content)]


def _rows(sheet: Any, formulas: Any, name: str, cells_limit: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    count = 0
    for cells, sources in zip(sheet.iter_rows(), formulas.iter_rows(), strict=True):
        count += len(cells)
        if count > cells_limit:
            found = f"more than {cells_limit} cells"
            raise NoInputError(Fault(name, found, "a table", "check what the file is"))
        _require_values(cells, sources, name)
        row = tuple(_text(cell) for cell in cells)
        if any(row):
            rows.append(row)
    return rows


def _require_values(cells: Iterable[Any], sources: Iterable[Any], name: str) -> None:
    for cell, source in zip(cells, sources, strict=True):
        # A formula whose result is an empty text is saved as one, of the type str.
        if cell.value is None and source.value is not None and cell.data_type != "str":
            found = f"cell {source.coordinate} holds a formula without a saved result"
            raise NoInputError(Fault(name, found, "its value", _SAVE_AGAIN))
        if cell.value is not None and cell.data_type == "e":
            found = f"cell {cell.coordinate} holds the error {cell.value}"
            raise NoInputError(Fault(name, found, "a value or an empty cell", "correct it"))


def _text(cell: Any) -> str:
    """A cell as the text that a person wrote.

    A number shown with leading zeros (format ``000``) has them.
    """
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        zeros = re.fullmatch(r"0{2,}", cell.number_format or "")
        return number_text(value, len(zeros[0]) if zeros else 0)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value).strip()
