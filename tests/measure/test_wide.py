"""``measurements.csv`` and ``wide.csv``: the numbers of ``L1.csv`` … in other shapes, cell by cell."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mriparaspinal as mp
from mriparaspinal.core.spss_names import spss_names
from tests.support.builders.slices import write_slice
from tests.support.builders.study import run

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
RESERVED = ("ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH")
MEASURES = ["csa_px", "contour_area_px", "fat_px", "fi", "lean_px", "rcsa", "lean_rcsa", "mean_intensity"]


def texts(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wide") / "results"
    mp.quantify(SAMPLE, out=out)
    return out


def test_measurements_are_the_rows_of_all_segments(results):
    rows = [row for n in range(1, 6) for row in texts(results / f"L{n}.csv")]
    assert texts(results / "measurements.csv") == rows
    assert len(rows) == 720


def test_each_cell_of_wide_is_the_cell_of_its_row(results):
    """Made wide by pandas, cell by cell, as text: no digit is lost."""
    wide = pd.read_csv(results / "wide.csv", dtype=str, keep_default_na=False).set_index("participant_id")
    rows = texts(results / "measurements.csv")
    letters = {"left": "L", "right": "R", "both": "B"}
    roles = {"symptomatic": "S", "contralateral": "C"}
    expected: dict[tuple[str, str], str] = {}
    for row in rows:
        who = row["participant_id"]
        sides = [letters[row["side"]], *([roles[row["role"]]] if row["role"] in roles else [])]
        for side in sides:
            for name in (*MEASURES, "asymmetry_pct"):
                expected[who, f"{row['muscle']}_{row['segment']}_{side}_{name}"] = row[name]
        for name in ("reference_px", "threshold"):
            expected[who, f"{row['segment']}_{name}"] = row[name]
    measured = [name for name in wide if re.match(r"(L\d|[A-Z]{2}_L\d)_", name)]
    found = {(who, name): wide.loc[who, name] for who in wide.index for name in measured}
    assert {key: cell for key, cell in found.items() if cell} == {k: c for k, c in expected.items() if c}
    assert wide.index.tolist() == list(dict.fromkeys(row["participant_id"] for row in rows))
    assert wide.columns[:3].tolist() == ["group", "onset_side", "onset_region"]
    assert wide.columns[11:13].tolist() == ["L1_reference_px", "L1_threshold"]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) for name in wide)
    assert not any("csa_mm2" in name for name in wide), "nobody has a value"


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_reads_the_same_cells(results, tmp_path):
    code = "w <- read.csv(commandArgs(TRUE)[1]); for (n in names(w)) if (is.numeric(w[[n]])) "
    code += 'cat(n, sprintf("%.17g", w[[n]]), "\\n")'
    script = tmp_path / "read.R"
    script.write_text(code)
    said = subprocess.run(
        ["Rscript", "--vanilla", script, results / "wide.csv"], capture_output=True, text=True, check=True
    ).stdout
    here = pd.read_csv(results / "wide.csv")
    lines = [line.split() for line in said.splitlines()]
    assert len(lines) > 600
    for name, *cells in lines:
        there = [float("nan") if cell == "NA" else float(cell) for cell in cells]
        # R's own reader may be one unit in the last place off.
        pd.testing.assert_series_equal(
            pd.Series(there), here[name].astype(float), check_names=False, rtol=1e-15, atol=0
        )


def test_the_frame_is_the_file(results):
    read = mp.read_results(results).wide
    cells = [row["MF_L4_S_fi"] for row in texts(results / "wide.csv")]
    assert [repr(float(value)) for value in read["MF_L4_S_fi"]] == [cell or "nan" for cell in cells]
    assert mp.quantify(SAMPLE, only=["ALS_1"]).wide["participant_id"].tolist() == ["ALS_1"]


def test_who_was_not_measured_has_a_row(tmp_path):
    data = tmp_path / "data"
    write_slice(data, "ALS_1_3")
    write_slice(data, "ALS_2_3", shapes=[])
    (data / "participants.csv").write_text("participant_id,group,age\nALS_1,ALS,50\nLR_9,LR,NA\n")
    run("quantify", data, "--out", tmp_path / "out")
    rows = texts(tmp_path / "out" / "wide.csv")
    assert [(row["participant_id"], row["group"], row["age"]) for row in rows] == [
        ("ALS_1", "ALS", "50"), ("ALS_2", "ALS", ""), ("LR_9", "LR", "")
    ]  # fmt: skip
    assert [bool(row["MF_L3_L_fi"]) for row in rows] == [True, False, False]
    assert not any("_S_" in name or "_C_" in name for name in rows[0]), "the onset side is known of nobody"


def test_a_follow_up_has_a_row_for_each_session(tmp_path):
    data = tmp_path / "data"
    for name in ("ALS_1_v1_3", "ALS_1_v2_3", "ALS_1_v10_3", "LR_1_v1_3"):
        write_slice(data, name)
    (data / "participants.csv").write_text(
        "participant_id,session,sex,onset_side,alsfrs_r\n"
        "ALS_1,v1,F,left,40\nALS_1,v2,F,left,36\nALS_1,v10,F,left,\nLR_1,v1,M,,\n"
    )
    run("quantify", data, "--out", tmp_path / "out")
    rows = texts(tmp_path / "out" / "wide.csv")
    columns = ("participant_id", "session", "sex", "alsfrs_r")
    assert [tuple(row[c] for c in columns) for row in rows] == [
        ("ALS_1", "v1", "F", "40"),
        ("ALS_1", "v2", "F", "36"),
        ("ALS_1", "v10", "F", ""),
        ("LR_1", "v1", "M", ""),
    ]
    assert [row["MF_L3_S_fi"] for row in rows] == [*(row["MF_L3_L_fi"] for row in rows[:3]), ""]


def test_a_wide_table_as_participants_table_does_not_shadow_new_numbers(tmp_path):
    data = tmp_path / "data"
    write_slice(data, "ALS_1_3")
    (data / "participants.csv").write_text("participant_id,age,MF_L3_L_fi\nALS_1,50,99\n")
    run("quantify", data, "--out", tmp_path / "out")
    (row,) = texts(tmp_path / "out" / "wide.csv")
    measured = next(
        r for r in texts(tmp_path / "out" / "L3.csv") if (r["muscle"], r["side"]) == ("MF", "left")
    )
    assert (row["age"], row["MF_L3_L_fi"]) == ("50", measured["fi"])
    header = (tmp_path / "out" / "wide.csv").read_text().splitlines()[0].split(",")
    assert header.count("MF_L3_L_fi") == 1


def test_numbers_of_earlier_results_are_none_of_these(tmp_path):
    """L5 was measured before, not now; T1_image is a column of somebody's own."""
    data = tmp_path / "data"
    write_slice(data, "ALS_1_3")
    (data / "participants.csv").write_text(
        "participant_id,MF_L5_L_fi,L5_reference_px,MF_L3_L_grey_sd,T1_image\nALS_1,0.9,99,7,t1.nii\n"
    )
    run("quantify", data, "--out", tmp_path / "out", "--bids", tmp_path / "bids")
    (row,) = texts(tmp_path / "out" / "wide.csv")
    assert row["T1_image"] == "t1.nii"
    assert not {"MF_L5_L_fi", "L5_reference_px", "MF_L3_L_grey_sd"} & set(row)
    people = (tmp_path / "bids" / "participants.tsv").read_text().splitlines()
    assert people[0].split("\t")[-1] == "T1_image"


def test_no_cell_is_a_formula_and_other_programs_get_it_as_it_was(tmp_path):
    data = tmp_path / "data"
    write_slice(data, "ALS_1_3")
    (data / "participants.csv").write_text("participant_id,note,'=2+2,-x\nALS_1,=1+1,-3,-3\n")
    run("quantify", data, "--out", tmp_path / "out", "--xlsx")
    (row,) = texts(tmp_path / "out" / "wide.csv")
    assert (row["note"], row["'=2+2"], row["'-x"]) == ("'=1+1", "-3", "-3")
    sheet = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx")["wide"]
    cells = [[(cell.value, cell.data_type) for cell in line[2:5]] for line in sheet.iter_rows()]
    assert cells == [[("note", "s"), ("=2+2", "s"), ("-x", "s")], [("=1+1", "s"), (-3, "n"), (-3, "n")]]


def test_shares_joined_are_the_bytes_of_one_run(tmp_path):
    for who in ("ALS_1", "ALS_2", "LR_1"):
        write_slice(tmp_path / "data", f"{who}_3")
    more = ("--xlsx", "--sav")
    for who in ("ALS_1", "ALS_2", "LR_1"):
        run("quantify", tmp_path / "data", "--out", tmp_path / who, "--participant-label", who)
    run("merge", *(tmp_path / who for who in ("LR_1", "ALS_1", "ALS_2")), "--out", tmp_path / "joined", *more)
    run("quantify", tmp_path / "data", "--out", tmp_path / "whole", *more)
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "joined" / path.name).read_bytes() == path.read_bytes(), path.name
    assert [row["participant_id"] for row in texts(tmp_path / "ALS_2" / "wide.csv")] == ["ALS_2"]


@pytest.mark.parametrize("name", ["measurements.csv", "wide.csv", "results.xlsx", "results.sav"])
def test_a_table_that_somebody_edited_is_refused_and_one_that_is_gone_is_not_missed(tmp_path, name):
    write_slice(tmp_path / "data", "ALS_1_3")
    out = tmp_path / "out"
    run("quantify", tmp_path / "data", "--out", out, "--xlsx", "--sav")
    assert name in json.loads((out / "quantify.json").read_text())["outputs"]
    with (out / name).open("ab") as file:
        file.write(b"\n")
    outcome = run("compare", out, "--out", tmp_path / "compared")
    assert outcome.code == 3
    assert f"{name}: changed since quantify wrote it" in outcome.err
    assert "take it out of the folder (numbers are read from L1.csv …)" in outcome.err
    (out / name).unlink()
    assert len(mp.read_results(out).table) == 9
    assert mp.read_results(out).settings["threshold"] == 50


def test_without_the_manifest_measurements_must_say_what_is_read(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    out = tmp_path / "out"
    run("quantify", tmp_path / "data", "--out", out)
    (out / "quantify.json").unlink()
    path = out / "measurements.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]))
    assert len(mp.read_results(out).table) == 9, "another order is the same table"
    path.write_text(path.read_text().replace("labelme", "centre", 1))
    with pytest.raises(
        mp.errors.NoInputError, match=r"other rows than in L3\.csv, which are read; expected the same"
    ):
        mp.read_results(out)


def test_tables_of_a_run_with_more_go_and_strange_ones_stay_or_are_refused(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    out = tmp_path / "out"
    run("quantify", tmp_path / "data", "--out", out, "--xlsx", "--sav")
    run("quantify", tmp_path / "data", "--out", out)
    assert sorted(path.name for path in out.iterdir()) == [
        "L3.csv", "measurements.csv", "problems.csv", "quantify.json", "wide.csv"
    ]  # fmt: skip
    (out / "results.xlsx").write_bytes(b"mine")
    assert run("quantify", tmp_path / "data", "--out", out).code == 0
    outcome = run("quantify", tmp_path / "data", "--out", out, "--xlsx")
    assert outcome.code == 2
    assert "results.xlsx: is there and was not written by this command" in outcome.err
    assert (out / "results.xlsx").read_bytes() == b"mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "wide.csv").write_text("mine")
    assert "wide.csv: is there and was not written" in run("quantify", tmp_path / "data", "--out", other).err


def test_run_writes_them_and_tells_them_from_a_run_without(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    study, results = tmp_path / "study", tmp_path / "study" / "results"
    run("run", tmp_path / "data", "--out", study)
    assert "nothing was done" in run("run", tmp_path / "data", "--out", study).err
    first = run("run", tmp_path / "data", "--out", study, "--xlsx")
    assert "since the last run: xlsx was not there, is True" in first.err
    assert "nothing was done" in run("run", tmp_path / "data", "--out", study, "--xlsx").err
    (results / "wide.csv").unlink()
    again = run("run", tmp_path / "data", "--out", study, "--xlsx")
    assert "no longer there: results/wide.csv" in again.err
    assert (results / "wide.csv").is_file()
    run("run", tmp_path / "data", "--out", study)
    assert not (results / "results.xlsx").exists()


def test_an_argument_of_no_such_name_is_no_argument(tmp_path):
    with pytest.raises(TypeError, match="unexpected keyword argument 'xslx'"):
        mp.quantify(SAMPLE, xslx=True)


@given(st.lists(st.text(max_size=80), max_size=12))
def test_names_of_spss(columns):
    names = spss_names(columns)
    assert len({name.upper() for name in names}) == len(columns), "capitals are the same to SPSS"
    for name in names:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name)
        assert name.upper() not in RESERVED
    assert spss_names(names) == names, "what is one already stays"


def test_a_wrong_column_of_a_wide_table_is_told_in_a_line_that_can_be_read(results, tmp_path):
    outcome = run("compare", "--table", results / "wide.csv", "--metric", "fi", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "fi: no such column was found for the metric; expected one of: psa, age, " in outcome.err
    assert " more; name a column of numbers" in outcome.err
    assert len(outcome.err) < 600
    for command in (
        ["correlate", "--score", "age", "--metric"],
        ["regress", "--predictor", "age", "--outcome"],
    ):
        outcome = run(*command, "fii", "--table", results / "wide.csv", "--out", tmp_path / "out")
        assert outcome.code == 2
        assert "fii: no such column; expected one of participant_id, group, " in outcome.err
        assert len(outcome.err) < 600
