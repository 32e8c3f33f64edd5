"""Tables in and CSV out, as text cells. Reading forgives what spreadsheets do; writing is always the same."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import read_number
from mriparaspinal.io.folder import read_bytes

Cell = str | int | float | None

#: More bytes and cells than any table has: the tables of 20,000 slices have a tenth of them.
TABLE_SIZE_LIMIT = 50_000_000

CELLS_LIMIT = 5_000_000

#: What a spreadsheet takes for the beginning of a formula, maybe behind apostrophes.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

_DOUBTFUL = frozenset("'=+-@\t\r")

#: Names of workbooks; but for the first two, only to say that they are not read.
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers")

#: Names of tables of SPSS.
SPSS = (".sav", ".zsav")

#: Characters among which the separator is looked for.
_HEADER = 10_000


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table as it was read: names of the columns, and rows of as many texts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    plain: bool
    """True where the file already was UTF-8 with commas and decimal points."""
    notes: tuple[Fault, ...] = ()
    """What of the file was not read."""


def read_table(path: Path) -> TextTable:
    """Read a CSV, TSV, Excel or SPSS file; raises :class:`NoInputError` with one line that names the file."""
    return parse_table(table_bytes(path), path.name)


def table_bytes(path: Path) -> bytes:
    """The bytes of a table; raises :class:`NoInputError` with one line that names the file."""
    try:
        return read_bytes(path, TABLE_SIZE_LIMIT)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(path.name)) from None


def parse_table(raw: bytes, name: str, tells_notes: bool = False) -> TextTable:
    r"""Parse the bytes of a table; the separator (comma, semicolon, tab) is told from the first line.

    A workbook (``.xlsx``) is its first sheet, and refused if others hold something, unless the caller
    ``tells_notes``; for ``.sav`` see :func:`.read_sav`. With semicolons or tabs a decimal comma is read as a
    point. Texts are put into one spelling, NFC.

    >>> parse_table(b"a;b\r\n1,5;x\r\n", "t.csv").rows
    (('1.5', 'x'),)
    """
    if name.casefold().endswith((*WORKBOOKS, *SPSS)):
        return _of_program(raw, name, tells_notes)
    text, plain = _decoded(raw, name)
    separator = _separator(text[:_HEADER])
    _require_table(text.count(separator) + text.count("\n"), "\0" in text, name)
    records = list(_records(_shared(_lines(text), separator), name))
    columns = records.pop(0)
    if separator != ",":
        _require_one_point(columns, records, name)
        thousands = not _has_decimal_commas(records)
        for index, record in enumerate(records):
            records[index] = tuple(_decimal_point(cell, thousands) for cell in record)
    return TextTable(columns, tuple(records), plain=separator == "," and plain)


def table_rows(raw: bytes, name: str) -> Iterator[tuple[str, ...]]:
    """The header and then the rows of a table, as :func:`parse_table` has them, of commas one at a time.

    Raises :class:`NoInputError`, for a row when it comes.
    """
    start = raw[:_HEADER].decode("ascii") if raw.isascii() else ";"
    if not name.casefold().endswith((*WORKBOOKS, *SPSS)) and _separator(start) == ",":
        _require_table(raw.count(b",") + raw.count(b"\n"), b"\0" in raw, name)
        lines = io.TextIOWrapper(io.BytesIO(raw), "ascii", newline="")
        yield from _records(csv.reader(lines, strict=True), name)
        return
    table = parse_table(raw, name)
    yield table.columns
    yield from table.rows


def _decoded(raw: bytes, name: str) -> tuple[str, bool]:
    """The text of a table, and whether it stands in the file as it is here."""
    if raw.startswith(b"PK\x03\x04"):
        found = "not UTF-8 text but an Excel workbook or a ZIP archive was found"
        remedy = "name it .xlsx, save it as CSV UTF-8 in the spreadsheet, or unpack it"
        raise NoInputError(Fault(name, found, "a text table", remedy))
    try:
        marked = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found, remedy = f"byte {error.start + 1} is not UTF-8 text", "save it as CSV UTF-8 in the spreadsheet"
        raise NoInputError(Fault(name, found, "a UTF-8 table", remedy)) from None
    # The mark that begins a file of Windows; tools that join files leave others further on.
    text = composed(marked.replace("\ufeff", ""))
    return text, text == marked


def _separator(start: str) -> str:
    first = re.sub(r'"[^"]*("|$)', "", start.lstrip("\r\n")).split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _require_table(cells: int, zeros: bool, name: str) -> None:
    """Raise :class:`NoInputError` for zero bytes, and for more cells than any table has."""
    if zeros:
        raise NoInputError(Fault(name, "zero bytes were found", "a text table", "save it as CSV UTF-8"))
    if cells > CELLS_LIMIT:
        expected = f"at most {CELLS_LIMIT}"
        raise NoInputError(Fault(name, f"{cells} cells", expected, "check what the file is"))


def _records(lines: Iterable[Iterable[str]], name: str) -> Iterator[tuple[str, ...]]:
    """The header and the rows, as many cells in each, without empty rows."""
    number = width = 0
    try:
        for line in lines:
            record = tuple(as_it_was(cell.strip()) for cell in line)
            if not any(record):
                continue
            number += 1
            if number == 1:
                _check_header(record, name)
                width = len(record)
            elif len(record) != width:
                found, expected = f"row {number} has {len(record)} cells", f"{width} as in the header"
                comma = " (a decimal comma, or a comma in a text, ends a cell: put such a cell in quotes)"
                remedy = f"correct the row{comma if len(record) > width else ''}"
                raise NoInputError(Fault(name, found, expected, remedy))
            yield record
    except csv.Error as error:
        remedy = "save it again as CSV UTF-8"
        raise NoInputError(Fault(name, f"{error}", "a CSV table", remedy)) from None
    if not number:
        raise NoInputError(Fault(name, "no rows were found", "a header and rows", "check the file"))


#: Texts up to this length are kept once in a table: words, ids and whole numbers, which come again and again.
_SHORT = 12


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, as a file opened with ``newline=""`` has them; unlike StringIO no copy."""
    return (line[0] for line in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text))


def _shared(lines: Iterable[str], separator: str) -> Iterator[Iterable[str]]:
    once: dict[str, str] = {}
    for line in csv.reader(lines, delimiter=separator, strict=True):
        cells = map(str.strip, line)
        yield (once.setdefault(cell, cell) if len(cell) <= _SHORT else cell for cell in cells)


def _of_program(raw: bytes, name: str, tells_notes: bool) -> TextTable:
    """A table of Excel or SPSS."""
    notes: tuple[Fault, ...] = ()
    if name.casefold().endswith(SPSS):
        from mriparaspinal.io.spss import read_sav

        records = read_sav(raw, name, CELLS_LIMIT)
    else:
        from mriparaspinal.io.workbooks import read_workbook

        records, notes = read_workbook(raw, name, CELLS_LIMIT, not tells_notes)
    if not records:
        raise NoInputError(Fault(name, "no rows were found", "a header and rows", "check the first sheet"))
    # A CSV that was saved in such a program still has its apostrophes.
    columns, *rows = (tuple(as_it_was(composed(cell)) for cell in record) for record in records)
    _check_header(columns, name)
    return TextTable(columns, tuple(rows), plain=False, notes=notes)


def _check_header(columns: tuple[str, ...], name: str) -> None:
    nameless = columns.count("")
    if nameless > 1:
        found = f"{nameless} of {len(columns)} columns of the first row have no name"
        remedy = "remove what is above them, or name each"
        raise NoInputError(Fault(name, found, "the columns' names there", remedy))
    twice = sorted(column for column, times in Counter(columns).items() if times > 1)
    if twice:
        found = f"column {', '.join(map(repr, twice))} appears more than once"
        raise NoInputError(Fault(name, found, "each name once", "rename or remove one"))


#: A comma that can only be a decimal one: 1,5 and 0,123, but not 1,234, which may be a thousand.
_DECIMAL_COMMA = re.compile(r"[-+]?(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|0+,[0-9]+|[0-9]{4,},[0-9]+)")

_ANY_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")

_DECIMAL_POINT = re.compile(r"[-+]?[0-9]+\.[0-9]+")

#: A point that may part thousands where commas are decimal.
_THOUSANDS_POINT = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+")


def _decimal_point(cell: str, thousands: bool) -> str:
    """A decimal comma as a point; with ``thousands`` 1,234 stays as it is: those who read it refuse it."""
    if "," not in cell or not _ANY_COMMA.fullmatch(cell):
        return cell
    return cell if thousands and not _DECIMAL_COMMA.fullmatch(cell) else cell.replace(",", ".")


def _has_decimal_commas(records: Sequence[Sequence[str]]) -> bool:
    """Whether the commas in a table's numbers are surely decimal ones, as no number has a point."""
    cells = [cell for record in records for cell in record if "," in cell or "." in cell]
    commas = any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return commas and not any(_DECIMAL_POINT.fullmatch(cell) for cell in cells)


def _require_one_point(columns: Sequence[str], records: Sequence[Sequence[str]], name: str) -> None:
    """Raise :class:`NoInputError` where 1.234 stands in a column of decimal commas: it may be 1234."""
    for place, column in enumerate(columns):
        cells = [record[place] for record in records]
        doubtful = next((cell for cell in cells if _THOUSANDS_POINT.fullmatch(cell)), None)
        if doubtful and any(_ANY_COMMA.fullmatch(cell) for cell in cells):
            found = f"column {column}: {doubtful!r} is among decimal commas"
            remedy = "write the thousands without a point"
            raise NoInputError(Fault(name, found, "one decimal sign", remedy))


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    r"""A table as CSV: UTF-8, commas, ``\n``; missing is empty; floats with the digits to round-trip.

    No cell is a formula (:func:`escape_formula`); :func:`parse_table` gives the texts as they were.

    >>> csv_bytes(["a", "b"], [[0.1, None], [2, "x,y"]])
    b'a,b\n0.1,\n2,"x,y"\n'
    """
    # In one spelling first: = and a stroke that is laid over it make another character, ≠.
    columns = [escape_formula(composed(column)) for column in columns]
    rows = (
        [escape_formula(composed(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    # Quoted where a reader could take a column for two: the separator is told from this line.
    doubtful = any(mark in column for column in columns for mark in ";\t")
    header = ",".join(_quoted(column) for column in columns).encode() + b"\n" if doubtful else b""
    return (header or csv_lines([columns])) + csv_lines(rows)


def _quoted(cell: str) -> str:
    return '"' + composed(cell).replace('"', '""').replace("\r\n", "\n").replace("\r", "\n") + '"'


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows of a table without its header, as :func:`csv_bytes` writes them."""
    rows = list(rows)
    text = _written(rows)
    if "\r" in text:
        # A carriage return by itself would stand there unquoted, and end the row for some readers.
        text = _written([[_one_line_end(cell) for cell in row] for row in rows])
    # Names of files that are not UTF-8 hold characters that cannot be written as such.
    return composed(text).encode("utf-8", "backslashreplace")


def _written(rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    # The writer itself turns None into nothing and a float into the digits to round-trip.
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _one_line_end(cell: Cell) -> Cell:
    return cell.replace("\r\n", "\n").replace("\r", "\n") if isinstance(cell, str) else cell


def escape_formula(text: str) -> str:
    """A text so that a spreadsheet shows it and does not run it as a formula; a negative number stays.

    A text that already stands behind apostrophes gets one more: :func:`as_it_was` takes one away.

    >>> escape_formula("=1+1"), escape_formula("MF_L"), escape_formula("-1.5"), escape_formula("'=1+1")
    ("'=1+1", 'MF_L', '-1.5', "''=1+1")
    """
    if text[:1] not in _DOUBTFUL or not _FORMULA.match(text):
        return text
    return text if text[0] == "-" and read_number(text) is not None else f"'{text}"


def as_it_was(text: str) -> str:
    """The text that :func:`escape_formula` was given.

    >>> as_it_was("'=1+1"), as_it_was("'MF_L"), as_it_was("''=1+1")
    ('=1+1', "'MF_L", "'=1+1")
    """
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text
