"""CSV in and out, as text cells. Reading forgives what spreadsheets do; writing is always the same."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.errors import NoInputError
from mriparaspinal.files.folder import UnreadableFileError, read_bytes

Cell = str | int | float | None

#: More bytes and cells than any table has: the tables of 20,000 slices have a tenth of them.
TABLE_SIZE_LIMIT = 50_000_000
CELLS_LIMIT = 5_000_000
#: What a spreadsheet takes for the beginning of a formula, maybe behind apostrophes.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_DOUBTFUL = frozenset("'=+-@\t\r")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII).fullmatch
#: Characters among which the separator is looked for.
_HEADER = 10_000


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
        return read_bytes(path, TABLE_SIZE_LIMIT)
    except UnreadableFileError as error:
        raise NoInputError(f"{path.name}: {error.message}; {error.remedy}") from None


def parse_table(raw: bytes, name: str) -> TextTable:
    r"""Parse the bytes of a table; the separator (comma, semicolon, tab) is told from the first line.

    With semicolons or tabs a decimal comma is read as a point.

    >>> parse_table(b"a;b\r\n1,5;x\r\n", "t.csv").rows
    (('1.5', 'x'),)
    """
    try:
        marked = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is not UTF-8 text; expected a UTF-8 table"
        raise NoInputError(f"{name}: {found}; save it as CSV UTF-8 in the spreadsheet") from None
    # The mark that begins a file of Windows; tools that join files leave others further on.
    text = marked.replace("\ufeff", "")
    if "\0" in text:
        raise NoInputError(f"{name}: zero bytes were found; expected a text table; save it as CSV UTF-8")
    first = re.sub(r'"[^"]*("|$)', "", text[:_HEADER].lstrip("\r\n")).split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    if (cells := text.count(separator) + text.count("\n")) > CELLS_LIMIT:
        found = f"{cells} cells; expected at most {CELLS_LIMIT}"
        raise NoInputError(f"{name}: {found}; check what the file is")
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        records = [record for line in lines if any(record := tuple(map(str.strip, line)))]
        if "'" in text:
            records = [tuple(map(as_it_was, record)) for record in records]
    except csv.Error as error:
        raise NoInputError(f"{name}: {error}; expected a CSV table; save it again as CSV UTF-8") from None
    if not records:
        raise NoInputError(f"{name}: no rows were found; expected a header and rows; check the file")
    columns = records[0]
    _check_header(columns, name)
    for number, record in enumerate(records[1:], 2):
        if len(record) != len(columns):
            found = f"row {number} has {len(record)} cells; expected {len(columns)} as in the header"
            raise NoInputError(f"{name}: {found}; correct the row")
    del records[0]
    if separator != ",":
        for index, record in enumerate(records):
            records[index] = tuple(map(_decimal_point, record))
    return TextTable(columns, tuple(records), plain=separator == "," and text == marked)


def _check_header(columns: tuple[str, ...], name: str) -> None:
    twice = sorted(column for column, times in Counter(columns).items() if times > 1)
    if twice:
        found = f"column {', '.join(map(repr, twice))} stands there more than once"
        raise NoInputError(f"{name}: {found}; expected each name once; rename or remove one")


def _decimal_point(cell: str) -> str:
    return cell.replace(",", ".") if "," in cell and re.fullmatch(r"[-+]?\d+,\d+", cell) else cell


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    r"""A table as CSV: UTF-8, commas, ``\n``; missing is empty; floats with the digits to round-trip.

    No cell is a formula (:func:`harmless`); :func:`parse_table` gives the texts as they were.

    >>> csv_bytes(["a", "b"], [[0.1, None], [2, "x,y"]])
    b'a,b\n0.1,\n2,"x,y"\n'
    """
    columns = list(map(harmless, columns))
    rows = ([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    # Quoted where a reader could take a column for two: the separator is told from this line.
    doubtful = any(mark in column for column in columns for mark in ";\t")
    header = ",".join(_quoted(column) for column in columns).encode() + b"\n" if doubtful else b""
    return (header or csv_lines([columns])) + csv_lines(rows)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""').replace("\r\n", "\n").replace("\r", "\n") + '"'


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows of a table without its header, as :func:`csv_bytes` writes them."""
    rows = list(rows)
    text = _written(rows)
    if "\r" in text:
        # A carriage return by itself would stand there unquoted, and end the row for some readers.
        text = _written([[_one_line_end(cell) for cell in row] for row in rows])
    # Names of files that are not UTF-8 hold characters that cannot be written as such.
    return text.encode("utf-8", "backslashreplace")


def _written(rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    # The writer itself turns None into nothing and a float into the digits to round-trip.
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _one_line_end(cell: Cell) -> Cell:
    return cell.replace("\r\n", "\n").replace("\r", "\n") if isinstance(cell, str) else cell


def harmless(text: str) -> str:
    """A text so that a spreadsheet shows it and does not run it as a formula; a number stays as it is.

    A text that already stands behind apostrophes gets one more: :func:`as_it_was` takes one away.

    >>> harmless("=1+1"), harmless("MF_L"), harmless("-1.5"), harmless("'=1+1")
    ("'=1+1", 'MF_L', '-1.5', "''=1+1")
    """
    return f"'{text}" if text[:1] in _DOUBTFUL and _FORMULA.match(text) and not _NUMBER(text) else text


def as_it_was(text: str) -> str:
    """The text that :func:`harmless` was given.

    >>> as_it_was("'=1+1"), as_it_was("'MF_L"), as_it_was("''=1+1")
    ('=1+1', "'MF_L", "'=1+1")
    """
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text
