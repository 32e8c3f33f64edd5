"""How cells are read: one table of cells and their meaning, held by every reader of numbers there is."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from mriparaspinal.analysis.frames import participants_frame, read_measurements, table_frame
from mriparaspinal.brain.maps import parse_gradients
from mriparaspinal.brain.measure import read_tiv
from mriparaspinal.cli import load
from mriparaspinal.clinical.instrument import Range
from mriparaspinal.clinical.records import joined_csv
from mriparaspinal.clinical.score import Scored
from mriparaspinal.core.errors import ParaspinalError, UsageError
from mriparaspinal.core.model import COLUMNS as RESULT_COLUMNS
from mriparaspinal.core.participants import Participants, read_participants
from mriparaspinal.core.text import is_missing, read_cell, read_number, read_whole
from mriparaspinal.imaging.slice_position import COLUMNS, parse_places
from mriparaspinal.imaging.window import parse_window
from mriparaspinal.io.dicom_header import first_number as dicom_number
from mriparaspinal.io.dicom_header import to_floats as dicom_numbers
from mriparaspinal.io.slices_table import read_spacings
from mriparaspinal.io.tables import parse_table
from mriparaspinal.scans.levels import parse_levels
from mriparaspinal.stats.characteristics import characteristics
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import matches, parse_contrast
from mriparaspinal.stats.design import select
from mriparaspinal.stats.reliability import ratings_of_table
from mriparaspinal.stats.roc import roc

MISSING, FAULT = "missing", "fault"
#: A cell, and what it is in a column of numbers: by the docs, not by the code.
CELLS: dict[str, float | str] = {
    "7": 7, "+5": 5, "0.5": 0.5, ".5": 0.5, "5.": 5, "1e1": 10, "2.5E-1": 0.25, " 5 ": 5,
    "": MISSING, "n/a": MISSING, "N/A": MISSING, "NA": MISSING, "na": MISSING, "NaN": MISSING, ".": MISSING,
    "None": MISSING, "null": MISSING, "NULL": MISSING,
    "0_5": FAULT, "1_0": FAULT, "1,5": FAULT, "1,234": FAULT, "1 234": FAULT, "1.234,5": FAULT,
    "1'234": FAULT,
    "1\u00a0234": FAULT, "1e400": FAULT, "inf": FAULT, "-Infinity": FAULT, "+nan": FAULT, "-nan": FAULT,
    "0x10": FAULT, "0b1": FAULT, "٠.٥": FAULT, "１２": FAULT, "५": FAULT,
    "²": FAULT, "½": FAULT,
    "45%": FAULT, "45 %": FAULT, "12 mm": FAULT, "<0.5": FAULT,
    "−5": FAULT, "–5": FAULT, "--5": FAULT, "1e": FAULT,
    "2026-01-05": FAULT, "5.1.2026": FAULT, "=1+1": FAULT, "True": FAULT, "#N/A": FAULT, "#DIV/0!": FAULT,
    "n.a.": FAULT, "-": FAULT, "abc": FAULT,
}  # fmt: skip
Reader = Callable[[str], float | str]


def _option(line: str, option: str, text: str) -> Any:
    """What a command reads of an option."""
    name, *words = line.split()
    context = load(name).make_context(name, [*words, f"{option}={text}"])
    return context.params[option.removeprefix("--").replace("-", "_")]


def _read(call: Callable[[str], float | None]) -> Reader:
    """A reader by what it gives: a number, NaN for a missing cell, None or one line of ours for a fault."""

    def read(text: str) -> float | str:
        try:
            value = call(text)
        except ParaspinalError:
            return FAULT
        return FAULT if value is None else MISSING if math.isnan(value) else float(value)

    return read


def _of_spacings(text: str) -> float | None:
    table = parse_table(b"image,row_spacing_mm,col_spacing_mm\n", "slices.csv")
    rows = (("a.png", text.strip(), text.strip()),)
    spacings, problems = read_spacings(type(table)(table.columns, rows, True), ["a.png"])
    if problems and problems[0].severity == "error":
        assert repr(text.strip()) in problems[0].message
        return None
    return spacings["a.png"][0] if spacings else math.nan


def _of_places(text: str) -> float | None:
    row = ("a.png", "0.5", "0.5", text, "0", "0", "0", "1", "0", "0", "0", "1", "0")
    place = parse_places(("image", "row_spacing_mm", "col_spacing_mm", *COLUMNS), [row]).get("a.png")
    return None if place is None else math.nan if place.slice_spacing_mm is None else place.slice_spacing_mm


def _of_levels(text: str) -> float | None:
    columns = ("source", "group", "patient", "segment", "slice", "position_mm")
    levels, problems = parse_levels(columns, [("s", "ALS", "7", "3", "", text)])
    if levels:
        return levels[0].position_mm
    return math.nan if "neither" in problems[0].message else None


def _of_participants(column: str) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        columns, rows = ("participant_id", column), [("ALS_1", text.strip()), ("ALS_2", "20")]
        people, problems = read_participants(columns, rows, "participants.csv")
        frame = participants_frame(people)
        if problems or not pd.api.types.is_numeric_dtype(frame[column]):
            return None
        return float(frame[column].iloc[0])

    return read


def _of_tables(text: str) -> float | None:
    table = parse_table(b"x\n1\n", "t.csv")
    column = table_frame(type(table)(("x",), ((text.strip(),), ("20",)), True))["x"]
    return float(column.iloc[0]) if pd.api.types.is_numeric_dtype(column) else None


def _column(text: str) -> pd.Series:
    return pd.Series([text, "20"], name="x", dtype=object)


def _of_design(text: str) -> float:
    table = pd.DataFrame(
        {"participant_id": ["A", "B"], "segment": "", "muscle": "", "role": "", "x": _column(text)}
    )
    (cell,), _ = select(table, ["x"], [], (), None)
    return float(cell.by_role[""]["x"].iloc[0])


def _of_ratings(text: str) -> float:
    table = pd.DataFrame({"target": ["1", "2"], "rater": "A", "value": _column(text)})
    return float(ratings_of_table(table)["value"].iloc[0])


def _of_results(text: str) -> float:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([RESULT_COLUMNS, [text if name == "fi" else "1" for name in RESULT_COLUMNS]])
    return float(read_measurements({"L3.csv": buffer.getvalue().encode()}, ["L3.csv"])["fi"].iloc[0])


def _two_groups(text: str) -> pd.DataFrame:
    table = pd.DataFrame({"participant_id": list("ABCD"), "group": ["ALS", "LR", "LR", "LR"]})
    return table.assign(x=pd.Series([text, "20", "30", "30"], dtype=object))


def _of_compare(text: str) -> float:
    cohort = _two_groups(text).assign(segment="L3", muscle="MF", side="left", role="symptomatic")
    return float(compare(cohort, [parse_contrast("group:ALS-LR")], ["x"])[0]["mean_a"].iloc[0])


def _of_roc(text: str) -> float:
    """The lowest cut-off is the lowest value − 1: that of the cell, or 15."""
    table = _two_groups(text)
    table.loc[1, ["group", "x"]] = ["ALS", "15"]
    lowest = float(roc(table, "group", "ALS", ["x"]).points["cutoff"].min()) + 1
    return math.nan if lowest == 15 else lowest


NUMBERS = (7, 5, 0.5, 10, 0.25)


def _of_scores(text: str) -> float | None:
    """The score that the participants table does not contradict."""
    people = Participants(("s",), {"A": {"s": text}})
    for number in NUMBERS:
        with contextlib.suppress(UsageError):
            joined_csv(Scored(("s",), {"A": (float(number),)}, {}, ()), people)
            return number
    return None


def _of_directions(text: str) -> float:
    vectors = "0 1 0 0 .6 .6 0\n0 0 1 0 .8 0 .6\n0 0 0 1 0 .8 .8"
    return float(parse_gradients(f"{text} 1000 1000 1000 1000 1000 1000", vectors, 7)[0][0])


def _of_tiv(text: str) -> float | None:
    number = read_tiv(text, None)
    return number if isinstance(number, float) else None


READERS: dict[str, Reader] = {
    "read_cell": _read(read_cell),
    "slices.csv": _read(_of_spacings),
    "slices.csv: geometry": _read(_of_places),
    "levels.csv": _read(_of_levels),
    "participants: age": _read(_of_participants("age")),
    "participants: a column of one's own": _read(_of_participants("mrc_sum")),
    "--table": _read(_of_tables),
    "results": _read(_of_results),
    "correlate, regress": _read(_of_design),
    "compare": _read(_of_compare),
    "roc": _read(_of_roc),
    "reliability": _read(_of_ratings),
}
#: Where nothing can be missing: a missing cell is a fault, too.
STRICT: dict[str, Reader] = {
    "read_number": _read(read_number),
    "--tolerance": _read(lambda text: _option("contours x --dataset y", "--tolerance", text)),
    "--sat-fraction": _read(lambda text: _option("quantify x --out y", "--sat-fraction", text)),
    "instrument": _read(Range(-100, 100, whole=False).number),
    "--window": _read(lambda text: _option("quantify x --out y", "--window", f"{text},1e9")[0]),
    "prepare --window": _read(lambda text: parse_window(f"{text},1e9")[0]),
    "scores": _read(_of_scores),
    "contrast": _read(lambda text: next((n for n in NUMBERS if _is(n, text)), None)),
    "DICOM": _read(lambda text: next(iter(dicom_numbers([text, "1"], 2) or [None]))),
    "DICOM, the first": _read(dicom_number),
    "--bval": _read(_of_directions),
}
#: What the command itself refuses; and the empty cell that a score fills.
_OTHER = {
    "--sat-fraction": ("NaN", "inf", "-Infinity", "+nan", "-nan"),
    "scores": ("",),
    "--window": (),
    "prepare --window": (),
}
#: ml: all but these are refused, as too small.
ML = {
    "1400": 1400.0,
    "1_400": FAULT,
    "１４００": FAULT,
    "1,400": FAULT,
    "1400 ml": FAULT,
    "inf": FAULT,
    "nan": FAULT,
}


def _is(number: float, text: str) -> bool:
    # Two texts that are no numbers are the same value where they are the same text.
    return bool(matches(pd.Series([number]), text)[0])


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_of_a_table_reads_a_cell_alike(reader: str) -> None:
    # A dash in a column with a known unit is missing.
    expected = CELLS | ({"-": MISSING} if reader == "participants: age" else {})
    assert {text: READERS[reader](text) for text in CELLS} == expected


@pytest.mark.parametrize("reader", STRICT)
def test_every_reader_of_a_number_refuses_the_same(reader: str) -> None:
    cells = {text: value for text, value in CELLS.items() if text not in _OTHER.get(reader, ())}
    expected = {text: FAULT if value == MISSING else value for text, value in cells.items()}
    assert {text: STRICT[reader](text) for text in cells} == expected


@pytest.mark.parametrize("option", ["--threshold", "--jobs"])
def test_options_of_whole_numbers(option: str) -> None:
    expected = dict.fromkeys(CELLS, FAULT) | {"7": 7, "+5": 5, " 5 ": 5}
    read = _read(lambda text: _option("quantify x --out y", option, text))
    assert {text: read(text) for text in CELLS} == expected
    assert {text: read_whole(text) for text in CELLS} == {
        text: None if number == FAULT else number for text, number in expected.items()
    }


def test_intracranial_volume() -> None:
    assert {text: _read(_of_tiv)(text) for text in ML} == ML


def test_characteristics_take_no_text_for_a_number() -> None:
    for text, value in CELLS.items():
        (mean,) = characteristics(_two_groups(text))[0]["mean_a"]
        assert math.isnan(mean) if isinstance(value, str) else mean == value, text


@pytest.mark.parametrize("text", ["None", "none", "null", "NULL"])
def test_in_a_column_of_texts_none_is_a_category(text: str) -> None:
    assert not is_missing(text)
    table = parse_table(f"drug\n{text}\nriluzole\nNA\n".encode(), "t.csv")
    assert table_frame(table)["drug"].tolist() == [text, "riluzole", ""]
    people, problems = read_participants(
        ("participant_id", "drug"), [("A", text), ("B", "riluzole"), ("C", ".")], "p.csv"
    )
    assert [people.value(who, "drug") for who in "ABC"] == [text, "riluzole", ""]
    assert problems == ()


def test_only_an_empty_id_or_group_is_missing() -> None:
    rows = [("NA", "NA"), ("n/a", "."), (".", "none"), ("None", "")]
    people, problems = read_participants(("participant_id", "group"), rows, "p.csv")
    assert {who: people.value(who, "group") for who in people.rows} == dict(rows)
    assert problems == ()
    table = parse_table(b"participant_id,group,fi\nNA,NA,0.1\nn/a,.,0.2\nB,,0.3\n", "t.csv")
    assert table_frame(table)["group"].tolist() == ["NA", ".", ""]
    assert table_frame(table)["participant_id"].tolist() == ["NA", "n/a", "B"]
