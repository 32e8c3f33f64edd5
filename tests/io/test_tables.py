"""Tables as spreadsheets save them, and as we write them."""

from __future__ import annotations

import csv
import io
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.io.tables import as_it_was, csv_bytes, escape_formula, parse_table, read_table

WANTED = (("participant_id", "bmi", "note"), (("ALS_1", "22.5", "a, b"), ("LR_1", "", "Müller")))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('participant_id,bmi,note\nALS_1,22.5,"a, b"\nLR_1,,Müller\n', True),
        ('participant_id,bmi,note\r\nALS_1,22.5,"a, b"\r\nLR_1,,Müller\r\n', True),
        ('participant_id,bmi,note\rALS_1,22.5,"a, b"\rLR_1,,Müller', True),
        ('participant_id;bmi;note\r\nALS_1;22,5;"a, b"\r\nLR_1;;Müller\r\n', False),
        ("participant_id\tbmi\tnote\nALS_1\t22.5\ta, b\nLR_1\t\tMüller\n", False),
        ('participant_id,bmi,note\n\nALS_1,22.5,"a, b"\n,,\nLR_1,,Müller\n\n\n', True),
        (' participant_id , bmi ,note\n ALS_1 , 22.5 ,"a, b"\nLR_1,,Müller', True),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_table_in_many_dresses(text, plain, mark):
    table = parse_table(mark + text.encode(), "t.csv")
    assert (table.columns, table.rows) == WANTED
    assert table.plain == (plain and not mark)


def test_quoted_cells():
    table = parse_table(b'a,b\n"x ""y"" z","1\n2"\n', "t.csv")
    assert table.rows == (('x "y" z', "1\n2"),)


@pytest.mark.parametrize(
    ("cell", "read"),
    [("1,5", "1.5"), ("-0,25", "-0.25"), ("+3,0", "+3.0"), ("a,b", "a,b"), ("1,2,3", "1,2,3"), (",5", ",5")],
)
def test_decimal_commas_only_where_the_comma_parts_no_cells(cell, read):
    assert parse_table(f"a;b\n{cell};x\n".encode(), "t.csv").rows == ((read, "x"),)
    assert parse_table(f"a\tb\n{cell}\tx\n".encode(), "t.csv").rows == ((read, "x"),)
    assert parse_table(f'a,b\n"{cell}",x\n'.encode(), "t.csv").rows == ((cell, "x"),)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_comma_that_may_part_thousands_is_left_to_be_refused(separator):
    def cells(*texts: str) -> list[str]:
        lines = ["a;b", *(f"{text};x" for text in texts)]
        return [
            row[0] for row in parse_table("\n".join(lines).replace(";", separator).encode(), "t.csv").rows
        ]

    assert cells("1,234", "12,500") == ["1,234", "12,500"], "1234, or 1.234"
    assert cells("1,234", "0,987") == ["1.234", "0.987"], "0,987 is decimal, so commas are"
    assert cells("1,234", "12,5") == ["1.234", "12.5"]
    assert cells("0,123") == ["0.123"]
    assert cells("1,2345") == ["1.2345"]
    assert cells("1,234", "12,5", "0.5") == ["1,234", "12.5", "0.5"], "both signs are decimal in this table"
    assert cells("1 234", "1.234,5", "1'234") == ["1 234", "1.234,5", "1'234"]
    assert cells("1.234", "2.345") == ["1.234", "2.345"], "no comma anywhere: decimal points"


def test_a_point_among_decimal_commas_may_part_thousands():
    with pytest.raises(NoInputError, match=r"^t\.csv: column b: '1\.234' is among decimal commas; "):
        parse_table(b"a;b\nx;0,5\ny;1.234\n", "t.csv")
    assert parse_table(b"a;b\nx;0,5\ny;12.5\n", "t.csv").rows == (("x", "0.5"), ("y", "12.5"))


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"a,b\n1,2\n3\n", "row 3 has 1 cells; expected 2"),
        (b"a,b\n1,2,3\n", "row 2 has 3 cells; expected 2"),
        (b"a,a\n1,2\n", "'a'"),
        (b"a,,\n1,2,3\n", "2 of 3 columns of the first row have no name"),
        (b"", "no rows"),
        (b"\n , \n", "no rows"),
        (b"\xef\xbb\xbf", "no rows"),
        ("a,b\nM\xfcller,1\n".encode("latin-1"), "byte 6 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "zero bytes"),
        (b'a,b\n"1,2\n', "t.csv"),
        (b'a,b\n"1"x,2\n', "t.csv"),
        (b"PK\x03\x04\x00\x00\xff\xfe", "not UTF-8"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "limit"),
    ],
)
def test_what_is_no_table_is_one_line(raw, found):
    with pytest.raises(NoInputError) as caught:
        parse_table(raw, "t.csv")
    message = str(caught.value)
    assert message.startswith("t.csv: ")
    assert found in message
    assert "; expected" in message
    assert message.count("; ") == 2, "what was found; what was expected; what to do"
    assert "\n" not in message


@pytest.mark.parametrize("name", ["none.csv", "."])
def test_a_table_that_cannot_be_read(tmp_path, name):
    with pytest.raises(NoInputError) as caught:
        read_table(tmp_path / name)
    assert str(caught.value).startswith(f"{(tmp_path / name).name}: ")


def test_written_tables():
    rows = [[1, 0.1, None, "a,b"], [-2, 1e-7, "", 'say "x"'], [0, 1 / 3, "=1", "two\nlines"]]
    assert csv_bytes(["i", "f", "n", "t"], rows) == (
        b'i,f,n,t\n1,0.1,,"a,b"\n-2,1e-07,,"say ""x"""\n0,0.3333333333333333,\'=1,"two\nlines"\n'
    )


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_come_back_bit_for_bit(numbers):
    raw = csv_bytes(["n", "x"], [(i, x) for i, x in enumerate(numbers)])
    back = [float(row["x"]) for row in csv.DictReader(io.StringIO(raw.decode()))]
    assert [x.hex() for x in back] == [x.hex() for x in numbers]


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"])) | st.text("'=+-@\t1.a"), min_size=2, max_size=2
    )
)
def test_texts_come_back(cells):
    """But for carriage returns, which no two readers treat alike; letters in one spelling (NFC)."""
    raw = csv_bytes(["a", "b"], [cells])
    assert b"\r" not in raw
    back = list(csv.reader(io.StringIO(raw.decode(), newline="")))[1]
    written = [escape_formula(unicodedata.normalize("NFC", cell)) for cell in cells]
    assert back == [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in written]
    assert [as_it_was(escape_formula(cell)) for cell in cells] == cells
    assert not any(cell[:1] in {"=", "@", "\t"} for cell in back)


def test_a_formula_that_becomes_another_letter_is_none():
    """U+0338 is laid over the letter before it: = becomes ≠, with which no formula begins."""
    assert csv_bytes(["a"], [["=\u0338x"]]) == "a\n\u2260x\n".encode()


def test_numbers_of_numpy_are_written_as_numbers():
    assert csv_bytes(["a"], [[np.float64(0.1)], [np.int64(3)]]) == b"a\n0.1\n3\n"


def test_names_that_are_not_utf8_can_be_written():
    assert csv_bytes(["file"], [["M\udcfcller.png"]]) == b"file\nM\\udcfcller.png\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "+x", "-x", "-", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-x"])
def test_no_formula_is_left(text):
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "MF_L", "a=b", "ALS_1_3.png", "'a", "-1", "-1.5e-7", "-.5", "'"])
def test_harmless_texts_stay(text):
    assert escape_formula(text) == text


def test_texts_that_are_formulas_come_back_by_our_own_reader():
    texts = ["=1+1", "'=1", "''-x", "@x", "'a", "-1", "+", "-"]
    table = parse_table(csv_bytes(["=name", "b"], [[text, "x"] for text in texts]), "t.csv")
    assert table.columns == ("=name", "b")
    assert [row[0] for row in table.rows] == texts


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            b"id,age\nALS_1,63,5\n",
            "t.csv: row 2 has 3 cells; expected 2 as in the header; correct the row (a decimal comma",
        ),
        (b"id,age,sex\nALS_1,63\n", "t.csv: row 2 has 2 cells; expected 3 as in the header; correct the row"),
        (
            b"PK\x03\x04\xff",
            "t.csv: not UTF-8 text but an Excel workbook or a ZIP archive was found; expected a text table",
        ),
    ],
)
def test_a_table_that_is_none_says_what_may_have_happened(raw: bytes, told: str) -> None:
    with pytest.raises(NoInputError) as caught:
        parse_table(raw, "t.csv")
    assert str(caught.value).startswith(told)
    assert ("decimal comma" in str(caught.value)) == ("decimal comma" in told)
