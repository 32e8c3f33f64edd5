"""Excel workbooks in place of CSV: the same table, at every door; and what no table can hold."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.io.tables import csv_bytes, parse_table
from tests.support.builders.slices import write_slice
from tests.support.builders.study import run

SHEET = "xl/worksheets/sheet1.xml"


def workbook(rows: Sequence[Sequence[object]], **sheets: Sequence[Sequence[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in sheets.items():
        other = book.create_sheet(title)
        for row in more:
            other.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(raw: bytes, change, name: str = SHEET) -> bytes:
    """A workbook with one part changed, as other programs would write it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.namelist():
            content = source.read(part)
            target.writestr(part, change(content) if part == name else content)
    return out.getvalue()


def message(raw: bytes, name: str = "participants.xlsx") -> str:
    with pytest.raises(NoInputError) as caught:
        parse_table(raw, name)
    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert line.count("; ") == 2, "what was found; what was expected; what to do"
    return line


def test_cells_are_what_a_person_wrote():
    rows = [
        ["participant_id", "id", "age", "bmi", "visit", "left", "note", "empty"],
        ["ALS_1", 7.0, 49, 22.53, datetime.datetime(2026, 1, 5), True, " a, b ", None],
        [None] * 8,
        ["ALS_2", 8, 0.3, -3.5, datetime.date(2026, 2, 1), False, "1,5", "NA"],
    ]
    table = parse_table(workbook(rows), "t.XLSX")
    assert table.columns == tuple(rows[0])
    assert table.rows == (
        ("ALS_1", "7", "49", "22.53", "2026-01-05", "TRUE", "a, b", ""),
        ("ALS_2", "8", "0.3", "-3.5", "2026-02-01", "FALSE", "1,5", "NA"),
    )
    assert not table.plain
    assert table.notes == ()


def test_ids_with_leading_zeros_by_format():
    book = Workbook()
    book.active.append(["participant_id"])
    book.active.append([7])
    book.active["A2"].number_format = "000"
    assert parse_table(saved(book), "t.xlsx").rows == (("007",),)


def formula(cell: bytes) -> bytes:
    raw = workbook([["participant_id", "age"], ["ALS_1", "=40+2"]])
    return with_part(raw, lambda sheet: re.sub(rb'<c r="B2".*?</c>', cell, sheet))


def test_formulas_are_what_was_last_computed():
    assert parse_table(formula(b'<c r="B2"><f>40+2</f><v>42</v></c>'), "t.xlsx").rows == (("ALS_1", "42"),)
    empty = formula(b'<c r="B2" t="str"><f>IF(1,"",2)</f><v></v></c>')
    assert parse_table(empty, "t.xlsx").rows == (("ALS_1", ""),)


def test_what_no_table_holds_is_one_line():
    rows = [["participant_id", "age"], ["ALS_1", "=40+2"]]
    assert "cell B2 holds a formula without a saved result" in message(workbook(rows))
    assert "cell B2 holds the error #N/A" in message(formula(b'<c r="B2" t="e"><f>NA()</f><v>#N/A</v></c>'))
    assert "cell B2 holds the error #DIV/0!" in message(formula(b'<c r="B2" t="e"><v>#DIV/0!</v></c>'))
    book = Workbook()
    for row in (["participant_id", "group"], ["ALS_1", "ALS"], ["ALS_2", None]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    assert "merged cells B2:B3" in message(saved(book))
    assert "no rows" in message(workbook([]))
    assert "'age'" in message(workbook([["participant_id", "age", "age"], ["a", 1, 2]]))


def test_what_is_no_workbook_is_one_line():
    good = workbook([["participant_id"], ["ALS_1"]])
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    assert "Excel 97–2003" in message(old)
    assert "Excel 97–2003" in message(old, "participants.xls")
    assert "password" in message(old + "EncryptedPackage".encode("utf-16-le"))
    assert "not a complete workbook" in message(good[:500])
    assert "not a complete workbook" in message(b"participant_id,age\nALS_1,49\n")
    assert "another kind" in message(good, "participants.ods")
    assert "cannot be read" in message(with_part(good, lambda _: b"<worksheet><sheetData><row"))
    assert "cannot be read" in message(with_part(good, lambda _: b"", "xl/workbook.xml"))
    bomb = with_part(good, lambda _: b" " * 250_000_000)
    assert len(bomb) < 1_000_000
    assert "MB unpacked; expected at most 200 MB" in message(bomb)
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet/>'
    assert "document type" in message(with_part(good, lambda _: entity))


def test_only_sheets_that_hold_something_count_as_others():
    rows = [["participant_id"], ["ALS_1"]]
    assert parse_table(workbook(rows, Sheet2=[]), "t.xlsx").notes == ()
    table = parse_table(workbook(rows, Old=[["participant_id"], ["ALS_9"]]), "t.xlsx", tells_notes=True)
    assert table.rows == (("ALS_1",),)
    assert [note.found for note in table.notes] == ["the first sheet, 'Sheet', is read, not 'Old'"]


def test_several_sheets_are_refused_where_no_note_would_be_told():
    several = workbook([["participant_id"], ["ALS_1"]], Old=[["participant_id"], ["ALS_9"]])
    assert message(several) == (
        "participants.xlsx: the sheets 'Sheet', 'Old' hold something, and nothing says which is meant; "
        "expected one sheet; save the sheet that is meant as CSV UTF-8, or in a workbook of its own"
    )


def test_a_hidden_sheet_is_not_the_first():
    book = Workbook()
    book.active.append(["lists"])
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("People")
    shown.append(["participant_id"])
    shown.append(["ALS_1"])
    assert parse_table(saved(book), "t.xlsx").rows == (("ALS_1",),)


# --- at the doors -------------------------------------------------------------------------------------------

PEOPLE = [["participant_id", "onset_side", "age"], ["ALS_1", "left", 49], ["LR_1", "R", 61.5]]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for stem in ("ALS_1_3", "LR_1_3"):
        write_slice(tmp_path / "data", stem)
    return tmp_path / "data"


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "quantify.json"}


def test_a_dataset_with_a_workbook_measures_as_with_the_csv(dataset, tmp_path):
    csv = "".join(",".join(map(str, row)) + "\n" for row in PEOPLE)
    (dataset / "participants.csv").write_text(csv)
    assert run("quantify", dataset, "--out", tmp_path / "a").code == 0
    (dataset / "participants.csv").unlink()
    (dataset / "participants.xlsx").write_bytes(workbook(PEOPLE))
    assert run("quantify", dataset, "--out", tmp_path / "b").code == 0
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")
    assert (tmp_path / "b" / "participants.csv").read_text() == csv


def test_two_participants_tables_are_refused(dataset, tmp_path):
    (dataset / "participants.csv").write_text("participant_id\nALS_1\n")
    (dataset / "participants.xlsx").write_bytes(workbook(PEOPLE))
    outcome = run("quantify", dataset, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "participants.csv and participants.xlsx were found" in outcome.err
    named = run(
        "quantify", dataset, "--out", tmp_path / "out", "--participants", dataset / "participants.xlsx"
    )
    assert named.code == 0


@pytest.mark.parametrize("name", ["participants.xls", "participants.ods"])
def test_a_table_of_another_kind_is_not_passed_over(dataset, tmp_path, name):
    (dataset / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    outcome = run("quantify", dataset, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert f"{name}: error:" in outcome.err
    (dataset / "participants.csv").write_text("participant_id\nALS_1\nLR_1\n")
    assert run("quantify", dataset, "--out", tmp_path / "out").code == 0


def test_several_sheets_are_a_warning(dataset, tmp_path):
    (dataset / "participants.xlsx").write_bytes(workbook(PEOPLE, Old=PEOPLE))
    outcome = run("check", dataset)
    assert outcome.code == 0
    assert "the first sheet, 'Sheet', is read, not 'Old'; expected one sheet" in outcome.err + outcome.out


def test_any_table_may_be_a_workbook(tmp_path):
    rows = [[f"P_{i}", "ALS" if i % 2 else "LR", i * 0.5] for i in range(12)]
    table = tmp_path / "t.xlsx"
    table.write_bytes(workbook([["participant_id", "group", "fa"], *rows]))
    outcome = run(
        "roc", table, "--outcome", "group", "--positive", "ALS", "--predictor", "fa", "--out", tmp_path / "o"
    )
    assert outcome.code == 0, outcome.err
    table.write_bytes(workbook([["participant_id", "group", "fa"], *rows], Notes=[["x"]]))
    told = run("compare", "--table", table, "--contrast", "group:ALS-LR", "--out", tmp_path / "o2")
    assert "t.xlsx: the first sheet, 'Sheet', is read, not 'Notes'" in told.err
    refused = run("reliability", "--table", table, "--out", tmp_path / "o3")
    assert refused.code == 2
    assert "t.xlsx: the sheets 'Sheet', 'Notes' hold something" in refused.err
    refused = run("compare", "--table", tmp_path / "t.xls", "--out", tmp_path / "o")
    assert refused.code == 2


def test_records_may_be_a_workbook(tmp_path):
    assert run("score", "alsfrs-r", "--template", "--out", tmp_path / "t.csv").code == 0
    columns = (tmp_path / "t.csv").read_text().strip().split(",")
    (tmp_path / "r.xlsx").write_bytes(workbook([columns, ["ALS_1", *[3] * (len(columns) - 1)]]))
    outcome = run("score", "alsfrs-r", tmp_path / "r.xlsx", "--out", tmp_path / "s.csv")
    assert outcome.code == 0, outcome.err
    total = (tmp_path / "s.csv").read_text().splitlines()[1].split(",")
    assert "36" in total, "twelve items of 3 points"


def test_a_table_that_was_saved_as_a_workbook_gives_its_texts_back():
    """A text that a CSV keeps behind an apostrophe has one in the workbook, too."""
    rows = [["participant_id", "'=remark"], ["A_1", "'=1+1"], ["A_2", "'left"], ["Jose\u0301", "''-x"]]
    table = parse_table(workbook(rows), "participants.xlsx")
    assert table.columns == ("participant_id", "=remark")
    assert table.rows == (("A_1", "=1+1"), ("A_2", "'left"), ("Jos\u00e9", "'-x"))
    assert csv_bytes(table.columns, table.rows).decode().splitlines()[1:] == [
        "A_1,'=1+1", "A_2,'left", "Jos\u00e9,''-x"
    ]  # fmt: skip
