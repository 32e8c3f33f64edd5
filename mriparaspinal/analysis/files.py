"""A figure as the bytes of a file: the same figure gives the same bytes."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter

from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.present.style import style

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

    from mriparaspinal.present.table_layout import PaperTable


#: The font of all figures: it comes with matplotlib.
_FONT = "DejaVu Sans"

DPI = 300

_SVG = {"svg.fonttype": "path", "svg.hashsalt": "mriparaspinal"}


def every_letter(figure: Figure) -> None:
    """Set texts that DejaVu Sans has no letters for (Chinese, say) in a font of this machine that has them.

    Other texts stay as they are. What no font has is a box; :func:`missing_letters` tells it.
    """
    for text in figure.findobj(Text):
        lacking = _letters(text.get_text()) - _letters_of(_own_font())
        if lacking:
            names = [name for name, _ in fonts_for(frozenset(lacking))]
            text.set_fontfamily([_FONT, *names])


def missing_letters(texts: Iterable[str]) -> str:
    """The letters that no font of this machine has, in order; they are boxes in a figure."""
    lacking = frozenset(_letters("".join(texts)) - _letters_of(_own_font()))
    there = {letter for _, letters in fonts_for(lacking) for letter in letters}
    return "".join(sorted(lacking - there))


def _letters(text: str) -> set[str]:
    return {letter for letter in text if letter.isprintable()}


def _own_font() -> str:
    return font_manager.findfont(_FONT)


@lru_cache(maxsize=1000)
def _letters_of(path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # gone, or no font
        return frozenset()


@lru_cache(maxsize=100)
def fonts_for(lacking: frozenset[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The fewest fonts for letters, by name: of those that have most of what is left, the first."""
    fonts: dict[str, str] = {}
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        # A font of last resort has a box for each letter, and comes with matplotlib.
        own = entry.name == _FONT or entry.name.startswith("Last Resort")
        if lacking and entry.style == "normal" and entry.weight == 400 and not own:
            fonts.setdefault(entry.name, entry.fname)
    found = []
    while lacking:
        has = {name: lacking & _letters_of(path) for name, path in fonts.items()}
        best = max(has, key=lambda name: len(has[name]), default="")  # the first of several
        if not best or not has[best]:
            break
        found.append((best, has[best]))
        lacking -= has[best]
    return tuple(found)


def png_bytes(figure: Figure) -> bytes:
    """A PNG of 300 dpi, without a date or the name of a program."""
    content = io.BytesIO()
    every_letter(figure)
    with style():
        figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()


def svg_bytes(figure: Figure) -> bytes:
    """An SVG, without a date or the name of a program.

    Its letters are paths: text would be set in another font where DejaVu Sans is not installed, and would
    then run into its neighbours.
    """
    content = io.BytesIO()
    # Ids inside the file are random unless they are salted with something fixed.
    every_letter(figure)
    with style(), matplotlib.rc_context(_SVG):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()


#: The earliest time that a zip file can hold stands for no time at all.
_NO_TIME = datetime.datetime(1980, 1, 1)

_HEADER_ROW = 3

#: How a text begins that a spreadsheet would take for a formula when somebody edits the cell.
_FORMULA = {"=", "+", "-", "@", "\t", "\r"}

_MOST_CHARACTERS = 60

_SHEET_NAME = 31


def to_csv_bytes(table: PaperTable) -> bytes:
    """Header and rows as CSV; title, bold and footnotes are in the other formats."""
    return csv_bytes(table.header, table.rows)


def to_markdown(table: PaperTable) -> str:
    """Title, table with significant cells in ``**…**``, and footnotes, as GitHub-flavoured Markdown."""
    lines = [f"### {_markdown_text(table.title)}", "", _markdown_row(map(_markdown_text, table.header))]
    lines.append(_markdown_row(["---", *[":-:"] * (len(table.header) - 1)]))
    for number, row in enumerate(table.rows):
        cells = map(_markdown_text, row)
        marked = (f"**{c}**" if (number, i) in table.bold else c for i, c in enumerate(cells))
        lines.append(_markdown_row(marked))
    for footnote in table.footnotes:
        lines += ["", _markdown_text(footnote)]
    return "\n".join(lines) + "\n"


def to_xlsx_bytes(tables: Sequence[PaperTable]) -> bytes:
    """A workbook with one sheet per table, named as the table: title, table, footnotes; all cells are text.

    Excel takes 31 letters: of a longer name the first stand, and its number in the workbook.

    Significant cells are bold. Raises ValueError without tables: a workbook needs a sheet.
    """
    if not tables:
        raise ValueError("no tables; expected at least one for a workbook")
    book = Workbook()
    book.remove(book.active)
    book.properties.creator = "mriparaspinal"
    book.properties.created = _NO_TIME
    for number, table in enumerate(tables, 1):
        short = table.name if len(table.name) <= _SHEET_NAME else f"{table.name[: _SHEET_NAME - 4]}_{number}"
        _fill(book.create_sheet(short), table)
    book.properties.modified = _NO_TIME
    written = io.BytesIO()
    # Not book.save(): that takes the present time, which a zip file cannot hold before 1980 and from 2108 on.
    _InMemory(book, _TimelessZip(written, "w")).save()
    return written.getvalue()


class _InMemory(ExcelWriter):  # type: ignore[misc]  # openpyxl has no types
    """A writer without temporary files: their folder may be missing, and tables could be left there."""

    def write_worksheet(self, ws: Any) -> None:
        """Add a sheet that has neither charts nor images."""
        ws._drawing = SpreadsheetDrawing()
        content = io.BytesIO()
        writer = WorksheetWriter(ws, content)
        writer.write()
        ws._rels = writer._rels
        self._archive.writestr(ws.path[1:], content.getvalue())
        self.manifest.append(ws)


class _TimelessZip(zipfile.ZipFile):
    """An archive whose parts have no time, and are not compressed.

    Without compression the bytes do not depend on the zlib that is installed either.
    """

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Add a part."""
        part = zipfile.ZipInfo(zinfo_or_arcname, _NO_TIME.timetuple()[:6])
        part.create_system = 0  # the same on every system
        super().writestr(part, data)


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_text(text: str) -> str:
    r"""A text that Markdown shows as it is; ``<0.001`` needs no escape, a tag would.

    >>> print(_markdown_text("a|b *c* <0.001 <b>"))
    a\|b \*c\* <0.001 \<b>
    """
    one_line = " ".join(text.split())
    return re.sub(r"[\\|*`]|<(?=[A-Za-z/!?])", r"\\\g<0>", one_line)


def _fill(sheet: Worksheet, table: PaperTable) -> None:
    _write(sheet.cell(1, 1), table.title)
    line = Side(style="thin")
    last = _HEADER_ROW + len(table.rows)
    for row_number, row in enumerate((table.header, *table.rows), _HEADER_ROW):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(row_number, column)
            _write(cell, text)
            cell.alignment = Alignment(horizontal="left" if column == 1 else "center")
            cell.font = Font(bold=(row_number - _HEADER_ROW - 1, column - 1) in table.bold)
            cell.border = Border(
                top=line if row_number == _HEADER_ROW else None,
                bottom=line if row_number in (_HEADER_ROW, last) else None,
            )
    for row_number, footnote in enumerate(table.footnotes, last + 2):
        _write(sheet.cell(row_number, 1), footnote)
    for column, texts in enumerate(zip(table.header, *table.rows, strict=True), 1):
        width = min(max(map(len, texts)), _MOST_CHARACTERS) + 2
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = sheet.cell(_HEADER_ROW + 1, 2)


def _write(cell: Cell, text: str) -> None:
    """Put a text into a cell, as a text even where it looks like a formula."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    if text:
        cell.data_type = "s"
        cell.quotePrefix = text[:1] in _FORMULA
