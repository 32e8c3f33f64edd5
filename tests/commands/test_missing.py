"""``compare --missing``: what was left out of the dataset on purpose is told, by group and place."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import mriparaspinal as mp
from tests.support.builders.study import SAMPLE, Outcome, copy_sample, fingerprint, run


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of four slices: one without contours, one broken, one without MF_L, one with a bad ES_R."""
    home = tmp_path_factory.mktemp("gaps")
    scans = copy_sample(home / "scans", "ALS_[1-3]_4.*", "LR_[1-3]_4.*")
    (scans / "ALS_1_4.json").unlink()
    (scans / "LR_1_4.json").write_text("{")
    for name, label, keep in (("ALS_2_4", "MF_L", 0), ("LR_2_4", "ES_R", 2)):
        drawn = json.loads((scans / f"{name}.json").read_text())
        for shape in drawn["shapes"]:
            if shape["label"] == label:
                shape["points"] = shape["points"][:keep]
        drawn["shapes"] = [shape for shape in drawn["shapes"] if shape["points"]]
        (scans / f"{name}.json").write_text(json.dumps(drawn))
    people = pd.read_csv(SAMPLE / "participants.csv", dtype=str)
    people = people[people["participant_id"].isin([f"{g}_{n}" for g in ("ALS", "LR") for n in (1, 2, 3)])]
    people.to_csv(scans / "participants.csv", index=False)
    assert run("quantify", scans, "--out", home / "results", "--quiet").code == 4
    return home / "results"


#: One contrast: its figures are not those that are looked at here.
CONTRAST = ("--contrast", "group:ALS-LR", "--metric", "fi")


@pytest.fixture(scope="module")
def compared(gaps: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """What ``compare --missing`` says of the gaps, and its folder."""
    out = tmp_path_factory.mktemp("compared") / "out"
    return run("compare", gaps, *CONTRAST, "--missing", "--out", out), out


def test_what_is_missing_is_told(compared: tuple[Outcome, Path]) -> None:
    found, out = compared
    assert found.code == 0, found.err
    table = pd.read_csv(out / "missing.csv").set_index(["group", "muscle", "side"])
    assert set(table["segment"]) == {"L4"}
    assert set(table["expected"]) == {3}
    counts = table[["measured", "refused", "missing"]]
    assert counts.loc[("ALS", "MF", "left")].tolist() == [1, 0, 2]  # ALS_1 without contours, ALS_2 without MF
    assert counts.loc[("ALS", "MF", "right")].tolist() == [2, 0, 1]
    assert counts.loc[("LR", "ES", "right")].tolist() == [1, 2, 0]  # LR_1 broken, LR_2 with two points
    assert counts.loc[("LR", "PM", "left")].tolist() == [2, 1, 0]
    assert table.loc[("LR", "ES", "right"), "without"] == "LR_1, LR_2"
    columns = pd.read_csv(out / "missing_columns.csv").set_index(["group", "column"])
    assert columns.loc[("LR", "alsfrs_r"), "missing"] == 3
    assert columns.loc[("ALS", "age"), "missing"] == 0
    assert "missing: of 36 regions 22 were measured, 7 refused, 7 missing" in " ".join(found.err.split())
    for name in ("figure_missing", "figure_missing_columns"):
        assert (out / f"{name}.png").is_file()
        assert (out / f"{name}_data.csv").is_file()


@pytest.mark.parametrize("source", ["contours", "masks"])
def test_what_was_never_drawn_was_not_refused(tmp_path: Path, source: str) -> None:
    """An own region that is expected on each slice, and a slice without its label map."""
    scans = copy_sample(tmp_path / "scans", "ALS_[12]_4.*", "LR_[12]_4.*")
    words: tuple[object, ...] = ()
    if source == "contours":
        (scans / "paraspinal.toml").write_text("[regions.DS]\nsided = false\nexpected = true\n")
        drawn = json.loads((scans / "ALS_1_4.json").read_text())
        square = [[118, 20], [138, 20], [138, 40], [118, 40]]
        drawn["shapes"].append({"label": "DS", "shape_type": "polygon", "points": square})
        (scans / "ALS_1_4.json").write_text(json.dumps(drawn))
    else:
        assert run("masks", scans, "--out", tmp_path / "maps", "--quiet").code == 0
        (tmp_path / "maps" / "ALS_1_4_mask.png").unlink()
        words = ("--masks", tmp_path / "maps")
    assert run("quantify", scans, *words, "--out", tmp_path / "results", "--quiet").code == 4
    table = mp.compare(tmp_path / "results", missing=True).tables["missing"]
    assert ("DS" in set(table["muscle"])) == (source == "contours")
    assert table["missing"].sum() > 0
    assert table["refused"].sum() == 0


def test_the_picture_shows_the_table(gaps: Path) -> None:
    found = mp.compare(gaps, missing=True)
    table = found.tables["missing"]
    drawn = pd.DataFrame(found.figures["figure_missing"].drawn)
    key = ["group", "segment", "muscle", "side"]
    both = drawn.merge(table, on=key, suffixes=("_drawn", ""))
    assert len(both) == len(drawn) == len(table)
    assert (both["shown"] == 1 - both["measured"] / both["expected"]).all()
    words = [text.get_text() for text in found.figures["figure_missing"].axes[0].texts]
    assert {"0+2", "0+1", "2", "1"} <= set(words)


def test_all_else_stays_as_it_is(gaps: Path, compared: tuple[Outcome, Path], tmp_path: Path) -> None:
    assert run("compare", gaps, *CONTRAST, "--out", tmp_path / "without", "--quiet").code == 0
    before, after = fingerprint(tmp_path / "without"), fingerprint(compared[1])
    new = {name for name in after if "missing" in name}
    assert set(after) == set(before) | new
    assert {name for name in before if before[name] != after[name]} == {"comparison.json", "notes.txt"}


def test_a_plain_table_has_columns_alone(tmp_path: Path) -> None:
    words = ("--contrast", "group:ALS-LR", "--metric", "bmi", "--missing")
    assert run("compare", "--table", SAMPLE / "participants.csv", *words, "--out", tmp_path / "out").code == 0
    assert not (tmp_path / "out" / "missing.csv").exists()
    table = pd.read_csv(tmp_path / "out" / "missing_columns.csv").set_index(["group", "column"])
    people = pd.read_csv(SAMPLE / "participants.csv")
    for (group, column), row in table.iterrows():
        assert row["missing"] == people.loc[people["group"] == group, column].isna().sum()


def test_a_table_without_ids_says_why_there_is_none(tmp_path: Path) -> None:
    people = pd.read_csv(SAMPLE / "participants.csv").drop(columns="participant_id")
    people.to_csv(tmp_path / "people.csv", index=False)
    words = ("--contrast", "group:ALS-LR", "--metric", "bmi", "--missing")
    found = run("compare", "--table", tmp_path / "people.csv", *words, "--out", tmp_path / "out")
    assert found.code == 0
    assert "no missing_columns.csv: there is no participants table with ids" in " ".join(found.err.split())


def test_the_report_shows_the_pictures(gaps: Path, compared: tuple[Outcome, Path], tmp_path: Path) -> None:
    words = ("--dataset", gaps.parent / "scans", "--comparison", compared[1], "--quiet")
    assert run("report", gaps, *words, "--out", tmp_path / "report.html").code == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Who was not measured, by group, side, muscle and level (figure_missing.svg)" in page
    assert "Values of the participants that are missing, by group (figure_missing_columns.svg)" in page
    assert "Picture: figure_missing_columns.svg. Numbers: missing_columns.csv." in page
