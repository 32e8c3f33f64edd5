"""CSV in and out, as text cells. Reading forgives what spreadsheets do; writing is always the same."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.errors import NoInputError
from mriparaspinal.files.folder import UnreadableFileError, read_bytes

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table as it was read: names of the columns, and rows of as many texts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    plain: bool
    """True where the file already was UTF-8 with commas and decimal points."""


def read_table(path: Path) -> TextTable:
    """Read a CSV or TSV file; raises :class:`NoInputError` with one line that names the file."""
    return parse_table(table_bytes(path), path.name)


def table_bytes(path: Path) -> bytes:
    """The bytes of a table; raises :class:`NoInputError` with one line that names the file."""
    try:
        return read_bytes(path)
    except UnreadableFileError as error:
        raise NoInputError(f"{path.name}: {error.message}; {error.remedy}") from None


def parse_table(raw: bytes, name: str) -> TextTable:
    r"""Parse the bytes of a table; the separator (comma, semicolon, tab) is told from the first line.

    With semicolons or tabs a decimal comma is read as a point.

    >>> parse_table(b"a;b\r\n1,5;x\r\n", "t.csv").rows
    (('1.5', 'x'),)
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is not UTF-8 text; expected a UTF-8 table"
        raise NoInputError(f"{name}: {found}; save it as CSV UTF-8 in the spreadsheet") from None
    if "\0" in text:
        raise NoInputError(f"{name}: zero bytes were found; expected a text table; save it as CSV UTF-8")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise NoInputError(f"{name}: {error}; expected a CSV table; save it again as CSV UTF-8") from None
    records = [[cell.strip() for cell in record] for record in records if any(map(str.strip, record))]
    if not records:
        raise NoInputError(f"{name}: no rows were found; expected a header and rows; check the file")
    columns = tuple(records[0])
    _check_header(columns, name)
    for number, record in enumerate(records[1:], 2):
        if len(record) != len(columns):
            found = f"row {number} has {len(record)} cells; expected {len(columns)} as in the header"
            raise NoInputError(f"{name}: {found}; correct the row")
    rows = tuple(tuple(record) for record in records[1:])
    if separator != ",":
        rows = tuple(tuple(map(_decimal_point, row)) for row in rows)
    return TextTable(columns, rows, plain=separator == "," and not raw.startswith(b"\xef\xbb\xbf"))


def _check_header(columns: tuple[str, ...], name: str) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        found = f"column {', '.join(map(repr, twice))} stands there more than once"
        raise NoInputError(f"{name}: {found}; expected each name once; rename or remove one")


def _decimal_point(cell: str) -> str:
    return cell.replace(",", ".") if re.fullmatch(r"[-+]?\d+,\d+", cell) else cell


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    r"""A table as CSV: UTF-8, commas, ``\n``; missing is empty; floats with the digits to round-trip.

    >>> csv_bytes(["a", "b"], [[0.1, None], [2, "x,y"]])
    b'a,b\n0.1,\n2,"x,y"\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell_text(cell) for cell in row] for row in rows)
    # Names of files that are not UTF-8 hold characters that cannot be written as such.
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(float(cell))
    # A carriage return by itself would stand there unquoted, and end the row for some readers.
    return str(cell).replace("\r\n", "\n").replace("\r", "\n")


def harmless(text: str) -> str:
    """A text from a file so that a spreadsheet shows it and does not run it as a formula.

    >>> harmless("=1+1"), harmless("MF_L")
    ("'=1+1", 'MF_L')
    """
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
