"""Tables of SPSS at every door, and what is written for SPSS."""

from __future__ import annotations

import builtins
import datetime
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import mriparaspinal as mp
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.dataset.fingerprint import NAME_ALONE, fingerprint
from mriparaspinal.io.tables import parse_table
from tests.support.builders.slices import write_slice
from tests.support.builders.study import run

pyreadstat = pytest.importorskip("pyreadstat")

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


def sav(tmp_path: Path, columns: dict[str, list], name: str = "t.sav", **more) -> bytes:
    path = tmp_path / name
    pyreadstat.write_sav(pd.DataFrame(columns), path, compress=name.endswith(".zsav"), **more)
    return path.read_bytes()


def columns_of(raw: bytes) -> dict[str, list[str]]:
    table = parse_table(raw, "t.sav")
    return {name: [row[place] for row in table.rows] for place, name in enumerate(table.columns)}


def test_cells_are_what_a_csv_would_hold(tmp_path):
    columns = {
        "participant_id": [1.0, 2.0, 3.0],
        "fvc": [80.5, np.nan, 1e-7],
        "note": ["größer, als", "", " x "],
        "date": [datetime.date(2024, 3, 31), None, datetime.date(2020, 1, 5)],
        "at": [datetime.datetime(2024, 3, 31, 12, 30)] * 3,
    }
    raw = sav(tmp_path, columns, variable_format={"participant_id": "N3"})
    assert parse_table(raw, "T.SAV").rows == (
        ("001", "80.5", "größer, als", "2024-03-31", "2024-03-31T12:30:00"),
        ("002", "", "", "", "2024-03-31T12:30:00"),
        ("003", "1e-07", "x", "2020-01-05", "2024-03-31T12:30:00"),
    )
    assert parse_table(sav(tmp_path, columns, "t.zsav"), "t.zsav").columns == tuple(columns)


def test_labels_are_read_where_every_number_has_one(tmp_path):
    both = {1.0: "Male", 2.0: "Female", 9.0: "not asked"}
    columns = {"sex": [1.0, 2.0, np.nan, 9.0], "kept": [1.0, 2.0, 3.0, 9.0], "sex4": [1.0, 2.0, 2.0, 1.0]}
    raw = sav(
        tmp_path,
        columns | {"age": [1.0, 2.0, 1.0, 2.0], "grade": [1.0, 2.0, 1.0, 2.0], "same": [1.0, 2.0, 1.0, 2.0]},
        variable_value_labels={
            "sex": both, "kept": {1.0: "none", 9.0: "most"}, "sex4": both, "age": both, "grade": both,
            "same": {1.0: "x", 2.0: "x"},
        },
        missing_ranges={"sex": [9]},
        variable_measure={"grade": "ordinal"},
    )  # fmt: skip
    found = columns_of(raw)
    assert found["sex"] == ["Male", "Female", "", ""], "9 is declared as missing"
    assert found["kept"] == ["1", "2", "3", "9"], "a scale of which the ends are named"
    assert found["sex4"] == ["Male", "Female", "Female", "Male"]
    assert found["age"] == ["1", "2", "1", "2"], "a number, whatever it is labelled"
    assert found["grade"] == ["1", "2", "1", "2"], "ordinal"
    assert found["same"] == ["1", "2", "1", "2"], "two values of one label stay two"


def test_user_missing_values_are_missing(tmp_path):
    columns = {"id": list("1234"), "score": [12.0, 99.0, 98.0, -1.0], "place": ["a", "zz", "b", ""]}
    ranges = {"score": [{"lo": 90, "hi": 100}, -1.0], "place": ["zz"]}
    raw = sav(tmp_path, columns, missing_ranges=ranges, variable_value_labels={"score": {99.0: "missing"}})
    found = columns_of(raw)
    assert found["score"] == ["12", "", "", ""]
    assert found["place"] == ["a", "", "b", ""]


def test_a_number_that_is_labelled_missing_and_not_declared_so_is_refused(tmp_path):
    raw = sav(tmp_path, {"score": [12.0, 99.0]}, variable_value_labels={"score": {99.0: "Missing"}})
    with pytest.raises(
        NoInputError, match="column score: 99 is labelled 'Missing', but not declared as missing; "
    ):
        parse_table(raw, "people.sav")


@pytest.mark.parametrize(
    "raw",
    [b"", b"participant_id,age\n", b"$FL2@(#) SPSS DATA FILE" + bytes(300), b"PK\x03\x04"],
    ids=["empty", "csv", "header", "zip"],
)
def test_what_is_none_is_refused_in_one_line(raw):
    with pytest.raises(NoInputError, match=r"^people.sav: [^;\n]+; expected [^;\n]+; [^;\n]+$"):
        parse_table(raw, "people.sav")


def test_half_a_table_is_refused(tmp_path):
    raw = sav(tmp_path, {"participant_id": ["ALS_1"] * 50, "age": [50.0] * 50})
    for size in (100, 400, len(raw) - 20):
        with pytest.raises(NoInputError):
            parse_table(raw[:size], "people.sav")


def test_a_table_of_too_many_cells_is_refused(tmp_path, monkeypatch):
    raw = sav(tmp_path, {"a": [1.0] * 6, "b": [2.0] * 6})
    assert len(parse_table(raw, "people.sav").rows) == 6
    monkeypatch.setattr("mriparaspinal.io.tables.CELLS_LIMIT", 10)
    with pytest.raises(NoInputError, match="more than 10 cells"):
        parse_table(raw, "people.sav")


def test_participants_scores_and_tables_may_be_sav(tmp_path):
    people = mp.read_results(_results(tmp_path)).participants
    raw = sav(tmp_path, {name: people[name].tolist() for name in people}, "people.sav")
    (tmp_path / "people.sav").write_bytes(raw)
    csv_out, sav_out = tmp_path / "results", tmp_path / "by_sav"
    given = run("quantify", SAMPLE, "--out", sav_out, "--participants", tmp_path / "people.sav")
    assert given.code == 0, given.err
    assert (sav_out / "L4.csv").read_bytes() == (csv_out / "L4.csv").read_bytes()
    by_csv, by_sav = (tmp_path / name for name in ("by_csv_table", "by_sav_table"))
    run("quantify", SAMPLE, "--out", csv_out, "--sav")
    what = ["--score", "alsfrs_r", "--metric", "MF_L4_S_fi"]
    assert run("correlate", "--table", csv_out / "wide.csv", *what, "--out", by_csv).code == 0
    assert run("correlate", "--table", csv_out / "results.sav", *what, "--out", by_sav).code == 0
    assert (by_sav / "correlations.csv").read_bytes() == (by_csv / "correlations.csv").read_bytes()


def _results(tmp_path: Path) -> Path:
    mp.quantify(SAMPLE, out=tmp_path / "results")
    return tmp_path / "results"


def test_a_table_of_the_dataset_itself_may_be_sav(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    sav(tmp_path, {"participant_id": ["ALS_1"], "onset_side": ["left"]}, "data/participants.sav")
    assert run("quantify", tmp_path / "data", "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "participants.csv").read_text() == "participant_id,onset_side\nALS_1,left\n"
    assert fingerprint(tmp_path / "data")["participants.sav"] != NAME_ALONE, "run looks into it"


def test_without_the_library_one_line_says_how_to_install_it(tmp_path, monkeypatch):
    raw = sav(tmp_path, {"participant_id": ["ALS_1"]})
    imported = builtins.__import__

    def without(name, *rest):
        if name == "pyreadstat":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        UsageError, match=r"^people.sav: [^\n]+; expected [^\n]+; install it: pip install 'mripara"
    ):
        parse_table(raw, "people.sav")
    with pytest.raises(
        UsageError, match=r"^--sav was given; expected the library pyreadstat[^\n]+mriparaspinal\[spss\]"
    ):
        mp.quantify(SAMPLE, only=["ALS_1"], sav=True)


# ---------------------------------------------------------------- what is written


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("spss") / "results"
    mp.quantify(SAMPLE, out=out, sav=True, xlsx=True)
    return out


def test_sav_is_the_csv_with_labels(written):
    for name, table in (("results.sav", "wide.csv"), ("measurements.sav", "measurements.csv")):
        found, meta = pyreadstat.read_sav(written / name)
        expected = pd.read_csv(written / table)
        assert list(found) == list(expected)
        for column in expected:
            if pd.api.types.is_numeric_dtype(expected[column]):
                np.testing.assert_allclose(found[column], expected[column].astype(float), rtol=1e-15)
            else:
                assert found[column].tolist() == expected[column].fillna("").tolist()
        assert all(meta.column_labels)
    assert meta.variable_value_labels["muscle"]["MF"] == "multifidus"
    assert meta.column_names_to_labels["fi"] == "FI (share, 0–1)"


def test_sav_has_no_time_and_always_the_same_bytes(written, tmp_path):
    raw = (written / "results.sav").read_bytes()
    assert raw[92:109] == b"01 Jan 8000:00:00"
    assert pyreadstat.read_sav(written / "results.sav")[1].creation_time == datetime.datetime(1980, 1, 1)
    mp.quantify(SAMPLE, out=tmp_path / "again", sav=True, xlsx=True, jobs=2)
    for name in ("results.sav", "measurements.sav", "results.xlsx"):
        assert (tmp_path / "again" / name).read_bytes() == (written / name).read_bytes()
        assert b"/tmp" not in raw


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_reads_the_labels(written, tmp_path):
    script = tmp_path / "read.R"
    script.write_text(
        'if (!requireNamespace("haven", quietly = TRUE)) { cat("no haven"); quit() }\n'
        "w <- haven::read_sav(commandArgs(TRUE)[1])\n"
        'cat(dim(w), sum(is.na(w$MF_L4_S_fi)), attr(w$MF_L4_S_fi, "label"), attr(w$psa, "labels"), sep = "|")'
    )
    command = ["Rscript", "--vanilla", script, written / "results.sav"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if said == "no haven":
        pytest.skip("haven is not installed")
    blank = pd.read_csv(written / "wide.csv")["MF_L4_S_fi"].isna().sum()
    assert said == f"16|637|{blank}|MF L4 symptomatic side: FI (share, 0–1)|1|0"


def test_xlsx_has_a_sheet_each_and_a_dictionary_of_all_columns(written):
    book = openpyxl.load_workbook(io.BytesIO((written / "results.xlsx").read_bytes()))
    assert book.sheetnames == ["measurements", "wide", "participants", "problems", "dictionary"]
    assert book.properties.created.year == 1980
    told: dict[str, list[str]] = {}
    for sheet, name, meaning, *_ in list(book["dictionary"].values)[1:]:
        told.setdefault(sheet, []).append(name)
        assert meaning, (sheet, name)
    for name in book.sheetnames[:-1]:
        header, *rows = book[name].values
        expected = pd.read_csv(written / f"{name}.csv")
        assert list(header) == list(expected) == told[name]
        assert len(rows) == len(expected)
        for place, column in enumerate(expected):
            cells = [row[place] for row in rows]
            if pd.api.types.is_numeric_dtype(expected[column]) and len(rows):
                numbers = [np.nan if cell is None else float(cell) for cell in cells]
                np.testing.assert_allclose(numbers, expected[column].astype(float), rtol=1e-15)
            else:
                assert ["" if cell is None else cell for cell in cells] == expected[column].fillna(
                    ""
                ).tolist()


def test_no_cell_becomes_a_formula_a_link_or_another_number(tmp_path):
    data = tmp_path / "data"
    write_slice(data, "ALS_1_3")
    write_slice(data, "ALS_2_3")
    note = "=1+1", "http://x.y"
    rows = "".join(f"ALS_{n},{'00' + str(n)},{text},{2**60 + n}\n" for n, text in enumerate(note, 1))
    (data / "participants.csv").write_text("participant_id,hospital no,note,long\n" + rows)
    assert run("quantify", data, "--out", tmp_path / "out", "--xlsx", "--sav").code == 0
    book = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx")
    sheet = list(book["wide"].values)
    assert [row[2:5] for row in sheet[:3]] == [
        ("hospital no", "note", "long"),
        ("001", "=1+1", f"{2**60 + 1}"),
        ("002", "http://x.y", f"{2**60 + 2}"),
    ]
    assert book["wide"]["D2"].data_type == "s"
    assert book["wide"]["D3"].hyperlink is None
    found, meta = pyreadstat.read_sav(tmp_path / "out" / "results.sav")
    assert found["hospital_no"].tolist() == ["001", "002"]
    assert meta.column_names_to_labels["hospital_no"] == "hospital no"
