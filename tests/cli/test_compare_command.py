from __future__ import annotations

import json

import pytest
from builders_study import read_csv, run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    home = tmp_path_factory.mktemp("study")
    assert run("phantom", home / "scans", "--als", 8, "--lr", 8, "--size", 128, "--quiet").code == 0
    assert run("quantify", home / "scans", "--out", home / "results", "--quiet").code == 0
    return home / "results"


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_and_participants_without_groups(tmp_path):
    table = write(tmp_path / "v.csv", "participant_id,v", "p1,1", "p2,2", "p3,3", "p4,4", "p5,7", "p6,9")
    people = write(tmp_path / "people.csv", "participant_id,sex", "p1,M", "p2,F", "p3,M", "p4,F", "p7,F")
    outcome = run(
        *("compare", "--table", table, "--participants", people, "--contrast", "sex:M-F"),
        *("--out", tmp_path / "out"),
    )
    assert outcome.code == 0, outcome.err
    (row,) = read_csv(tmp_path / "out" / "comparisons.csv")
    assert (row["metric"], row["n_a"], row["n_b"]) == ("v", "2", "2")
    assert "participants table: no row for 2 participants with measurements: p5, p6" in outcome.err
    assert "participants table: 1 participant without measurements: p7" in outcome.err
    assert "sex:M-F: left out, sex is empty: 2 participants (p5, p6)" in outcome.err


def test_table_4_names_a_file_that_is_there(results, tmp_path):
    assert run("compare", results, "--out", tmp_path / "out", "--quiet").code == 0
    rows = read_csv(tmp_path / "out" / "table4_correlations.csv")
    assert len(rows) == 30
    assert {row["score"] for row in rows} == {"alsfrs_lower"}
    footnotes = (tmp_path / "out" / "table4.md").read_text()
    assert "those of each row are in table4_correlations.csv" in footnotes
    assert " correlations.csv" not in footnotes
    listed = json.loads((tmp_path / "out" / "comparison.json").read_text())["outputs"]
    assert "table4_correlations.csv" in listed


def test_no_empty_figures_where_no_onset_side_is_known(results, tmp_path):
    rows = read_csv(results / "participants.csv")
    people = write(
        tmp_path / "people.csv",
        "participant_id,group,psa",
        *(f"{row['participant_id']},{row['group']},{row['psa']}" for row in rows),
    )
    tables = tmp_path / "tables"
    tables.mkdir()
    for number in range(1, 6):
        text = (results / f"L{number}.csv").read_text()
        for role in ("symptomatic", "contralateral"):
            text = text.replace(f",{role},", ",,")
        (tables / f"L{number}.csv").write_text(text)
    outcome = run("compare", tables, "--participants", people, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "figure3_sides_als.png",
        "figure3_sides_lr.png",
        "figure_effects.png",
    }
