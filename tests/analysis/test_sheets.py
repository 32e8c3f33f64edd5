"""The written tables say what the table says, as text, and are the same bytes at any time."""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
import time
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mriparaspinal.analysis.files import to_csv_bytes, to_markdown, to_xlsx_bytes
from mriparaspinal.present.table_layout import PaperTable

TABLE = PaperTable(
    "table2",
    "Table 2. MRI data.",
    ("Item", "ALS S", "P value"),
    (("L3", "", ""), ("MF FI", "0.40 ± 0.19", "< 0.001"), ("=1+1", "a|b", "–")),
    frozenset({(1, 2)}),
    ("Bold: p < 0.05.", "–, not available."),
)


def test_csv() -> None:
    rows = list(csv.reader(io.StringIO(to_csv_bytes(TABLE).decode("utf-8"))))
    assert rows == [
        ["Item", "ALS S", "P value"],
        ["L3", "", ""],
        ["MF FI", "0.40 ± 0.19", "< 0.001"],
        ["'=1+1", "a|b", "–"],
    ]


def test_markdown() -> None:
    assert to_markdown(TABLE) == (
        "### Table 2. MRI data.\n\n"
        "| Item | ALS S | P value |\n"
        "| --- | :-: | :-: |\n"
        "| L3 |  |  |\n"
        "| MF FI | 0.40 ± 0.19 | **< 0.001** |\n"
        "| =1+1 | a\\|b | – |\n\n"
        "Bold: p < 0.05.\n\n"
        "–, not available.\n"
    )


TEXT = st.text(alphabet="ab|*\\<`> 1.±&x_/", max_size=8).map(lambda text: " ".join(text.split()))


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_markdown_cells_are_read_back_by_a_markdown_parser(rows: list[tuple[str, str]]) -> None:
    table = PaperTable("t", "T", ("a", "b"), tuple(rows), frozenset(), ())
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(table))
    cells = [
        "".join(child.content for child in token.children or [])
        for before, token in itertools.pairwise(tokens)
        if before.type == "td_open"
    ]
    plain = str.maketrans("", "", "_&")  # emphasis and entities are not what is looked at here
    assert [cell.translate(plain) for cell in cells] == [c.translate(plain) for row in rows for c in row]


def cells(sheet: openpyxl.worksheet.worksheet.Worksheet) -> list[list[str]]:
    return [["" if cell.value is None else cell.value for cell in row] for row in sheet.iter_rows()]


def test_workbook_opens_again_and_says_the_same() -> None:
    other = PaperTable(
        "table4", "Table 4.", ("Score", "FI"), (("MF", "r = −0.393"),), frozenset({(0, 1)}), ()
    )
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx_bytes([TABLE, other])))
    assert book.sheetnames == ["table2", "table4"]
    sheet = book["table2"]
    assert cells(sheet) == [
        ["Table 2. MRI data.", "", ""],
        ["", "", ""],
        ["Item", "ALS S", "P value"],
        ["L3", "", ""],
        ["MF FI", "0.40 ± 0.19", "< 0.001"],
        ["=1+1", "a|b", "–"],
        ["", "", ""],
        ["Bold: p < 0.05.", "", ""],
        ["–, not available.", "", ""],
    ]
    assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.font.bold] == ["C5"]
    assert [cell.coordinate for row in book["table4"].iter_rows() for cell in row if cell.font.bold] == ["B4"]
    assert sheet.column_dimensions["B"].width >= len("0.40 ± 0.19")


def test_the_look_of_a_sheet() -> None:
    """Lines above and below the header and below the last row, texts centred but in the first column."""
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx_bytes([TABLE])))["table2"]
    lined = [(cell.row, side) for cell in sheet["B"] for side in ("top", "bottom") if _line(cell, side)]
    assert lined == [(3, "top"), (3, "bottom"), (6, "bottom")]
    assert [cell.alignment.horizontal for cell in sheet[5]] == ["left", "center", "center"]
    assert sheet.freeze_panes == "B4"


def _line(cell: openpyxl.cell.Cell, side: str) -> bool:
    line = getattr(cell.border, side)
    return line is not None and line.style == "thin"


def test_a_text_longer_than_a_cell_is_cut_off() -> None:
    table = PaperTable("t", "T", ("a",), (("b" * 40_000,),), frozenset(), ("n" * 40_000,))
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx_bytes([table])))["t"]
    assert (len(sheet["A4"].value), len(sheet["A6"].value)) == (32_767, 32_767)


def test_what_looks_like_a_formula_is_text() -> None:
    raw = to_xlsx_bytes([TABLE])
    cell = openpyxl.load_workbook(io.BytesIO(raw))["table2"]["A6"]
    assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", "=1+1", True)
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_bytes_do_not_depend_on_the_time() -> None:
    first = to_xlsx_bytes([TABLE])
    time.sleep(2.1)  # a zip file counts in steps of two seconds
    assert to_xlsx_bytes([TABLE]) == first
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert parts.testzip() is None
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
    assert core.count("1980-01-01T00:00:00Z") == 2


def test_characters_that_a_workbook_cannot_hold_are_left_out() -> None:
    table = PaperTable("t", "T\x07", ("a",), (("b\x00c",), ("one\r\ntwo\rthree",)), frozenset(), ())
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx_bytes([table])))["t"]
    assert [sheet[cell].value for cell in ("A1", "A4", "A5")] == ["T", "bc", "one\ntwo\nthree"]


def test_a_workbook_needs_a_table() -> None:
    with pytest.raises(ValueError, match="no tables"):
        to_xlsx_bytes([])


def test_no_file_is_written_on_the_way_to_a_workbook() -> None:
    """A disk without room would keep the half of it."""
    import resource

    whole, limits = to_xlsx_bytes([TABLE]), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        assert to_xlsx_bytes([TABLE]) == whole
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_workbook_needs_no_temporary_file(monkeypatch):
    """Where no folder for them can be written, and so that no table is left there when the disk is full."""
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent/folder")
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx_bytes([TABLE])))
    assert [cell.value for cell in book["table2"][5]] == ["MF FI", "0.40 ± 0.19", "< 0.001"]
