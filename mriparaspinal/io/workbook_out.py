"""Tables of results as one Excel workbook: a sheet each, numbers as numbers, always the same bytes."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Mapping, Sequence

from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.typed_cells import numbers_in

#: The earliest time that a workbook can hold stands for no time at all.
_NO_TIME = datetime.datetime(1980, 1, 1)

#: What a sheet of Excel holds at most, and a cell.
_ROWS, _COLUMNS, _CHARACTERS = 1_048_576, 16_384, 32_767

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_WIDEST = 60

Sheet = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Names of the columns, and rows of as many texts."""


def workbook_bytes(sheets: Mapping[str, Sheet]) -> bytes:
    """A workbook of tables by name; raises :class:`UsageError` for one that is too large for Excel."""
    from xlsxwriter import Workbook

    for name, (columns, rows) in sheets.items():
        if len(rows) >= _ROWS or len(columns) > _COLUMNS:
            found = f"{name} has {len(rows)} rows and {len(columns)} columns"
            expected = f"at most {_ROWS - 1} and {_COLUMNS}, which Excel holds"
            raise UsageError(f"--xlsx: {found}; expected {expected}; leave it out")
    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(written, options) as book:
        book.set_properties({"author": "mriparaspinal", "created": _NO_TIME})
        bold = book.add_format({"bold": True, "bottom": 1})
        for name, (columns, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, list(map(_clean, columns)), bold)
            for place, column in enumerate(columns):
                cells = [row[place] for row in rows]
                numbers = numbers_in(column, cells)
                for number, cell in enumerate(cells if numbers is None else numbers, 1):
                    if isinstance(cell, float):
                        sheet.write_number(number, place, cell)
                    elif cell:
                        sheet.write_string(number, place, _clean(cell))
                widest = max(map(len, (column, *cells[:100])))
                sheet.set_column(place, place, min(widest, _WIDEST) + 2)
            sheet.freeze_panes(1, 1)
            if rows:
                sheet.autofilter(0, 0, len(rows), len(columns) - 1)
    return written.getvalue()


def _clean(text: str) -> str:
    """What a cell can hold of a text."""
    text = _NOT_IN_XML.sub("", re.sub(r"\r\n?", "\n", text))
    return text.encode("utf-8", "backslashreplace").decode()[:_CHARACTERS]
