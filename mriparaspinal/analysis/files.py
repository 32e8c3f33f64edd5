"""Figures (PNG, SVG, PDF, TIFF) and printed tables (CSV, Markdown, XLSX) as bytes, always the same."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from PIL import Image
from xlsxwriter import Workbook

from mriparaspinal.io.png import png_of
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.present.style import style

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

    from mriparaspinal.present.table_layout import PaperTable


#: The font of all figures: it comes with matplotlib.
_FONT = "DejaVu Sans"

#: What an SVG asks for: the first of these that the reader's machine has.
_JOURNAL_FONTS = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"

DPI, TIFF_DPI = 300, 600

#: Ids inside the file are random unless they are salted with something fixed.
_SVG = {"svg.fonttype": "none", "svg.hashsalt": "mriparaspinal"}


def every_letter(figure: Figure) -> None:
    """Set texts that DejaVu Sans has no letters for (Chinese, say) in a font of this machine that has them.

    Other texts stay as they are. What no font has is a box; :func:`missing_letters` tells it.
    """
    own = _letters_of(_own_font())
    for text in figure.findobj(Text):
        lacking = _letters(text.get_text()) - own
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
    dpi = _dpi(DPI)
    return png_of(np.asarray(_pixels(figure, dpi)), dpi)


def tiff_bytes(figure: Figure) -> bytes:
    """A TIFF of 600 dpi, as journals ask for line art, compressed without loss."""
    dpi = _dpi(TIFF_DPI)
    return _saved(_pixels(figure, dpi), format="TIFF", dpi=(dpi, dpi), compression="tiff_lzw")


def svg_bytes(figure: Figure) -> bytes:
    """An SVG, without a date or the name of a program.

    Its texts are texts, in the font that journals ask for where it is there; ours, by which it is laid out,
    is wider, so that none runs into its neighbour.
    """
    with _drawing(figure) as content, matplotlib.rc_context(_SVG):
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None, "Creator": None})
    own = f"'{_FONT}'".encode()
    return content.getvalue().replace(own, _JOURNAL_FONTS.encode())


def pdf_bytes(figure: Figure) -> bytes:
    """A PDF with its fonts in it, without a date or the name of a program."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf  # with fontTools, for those who ask for it

    with _drawing(figure) as content, matplotlib.rc_context({"pdf.fonttype": 42}):
        nobody = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        FigureCanvasPdf(figure).print_pdf(content, metadata=nobody)
    return content.getvalue()


@contextmanager
def _drawing(figure: Figure) -> Iterator[io.BytesIO]:
    """Where to write a figure; it is drawn once, which matplotlib's ``savefig`` does twice."""
    canvas, dpi = figure.canvas, figure.dpi
    every_letter(figure)
    try:
        with style():
            yield io.BytesIO()
    finally:
        figure.set_canvas(canvas)
        figure.dpi = dpi


def _dpi(ours: int) -> float:
    """The resolution of the user's style, else ours."""
    with style():
        asked = matplotlib.rcParams["savefig.dpi"]
    return ours if asked == "figure" else float(asked)


def _pixels(figure: Figure, dpi: float) -> Image.Image:
    with _drawing(figure):
        figure.dpi = dpi
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _saved(picture: Image.Image, **how: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, **how)
    return content.getvalue()


#: The earliest time that a workbook can hold stands for no time at all.
_NO_TIME = datetime.datetime(1980, 1, 1)

_HEADER_ROW = 2

#: How a text begins that a spreadsheet would take for a formula when somebody edits the cell.
_FORMULA = {"=", "+", "-", "@", "\t", "\r"}

_MOST_CHARACTERS = 60

_SHEET_NAME = 31

#: More characters than that no cell can hold, and these none at all.
_CELL_LIMIT = 32767

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


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
    written = io.BytesIO()
    with Workbook(written, {"in_memory": True}) as book:
        book.set_properties({"author": "mriparaspinal", "created": _NO_TIME})
        for number, table in enumerate(tables, 1):
            name = table.name
            short = name if len(name) <= _SHEET_NAME else f"{name[: _SHEET_NAME - 4]}_{number}"
            _fill(book, book.add_worksheet(short), table)
    return written.getvalue()


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_text(text: str) -> str:
    r"""A text that Markdown shows as it is; ``< 0.001`` needs no escape, a tag would.

    >>> print(_markdown_text("a|b *c* < 0.001 <b>"))
    a\|b \*c\* < 0.001 \<b>
    """
    one_line = " ".join(text.split())
    return re.sub(r"[\\|*`]|<(?=[A-Za-z/!?])", r"\\\g<0>", one_line)


def _fill(book: Workbook, sheet: Worksheet, table: PaperTable) -> None:
    _write(book, sheet, (0, 0), table.title, {})
    last = _HEADER_ROW + len(table.rows)
    for row_number, row in enumerate((table.header, *table.rows), _HEADER_ROW):
        for column, text in enumerate(row):
            look = {
                "align": "center" if column else "left",
                "bold": (row_number - _HEADER_ROW - 1, column) in table.bold,
                "top": int(row_number == _HEADER_ROW),
                "bottom": int(row_number in (_HEADER_ROW, last)),
            }
            _write(book, sheet, (row_number, column), text, look)
    for row_number, footnote in enumerate(table.footnotes, last + 2):
        _write(book, sheet, (row_number, 0), footnote, {})
    for column, texts in enumerate(zip(table.header, *table.rows, strict=True)):
        sheet.set_column(column, column, min(max(map(len, texts)), _MOST_CHARACTERS) + 2)
    sheet.freeze_panes(_HEADER_ROW + 1, 1)


def _write(
    book: Workbook, sheet: Worksheet, at: tuple[int, int], text: str, look: Mapping[str, object]
) -> None:
    """Put a text into a cell, as a text even where it looks like a formula."""
    look = {**look, "quote_prefix": text[:1] in _FORMULA}
    text = _NOT_IN_XML.sub("", re.sub(r"\r\n?", "\n", text))
    sheet.write_string(*at, text[:_CELL_LIMIT], book.add_format(look))
