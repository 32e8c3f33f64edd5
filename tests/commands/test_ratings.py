"""``reliability --ratings``: what it writes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mriparaspinal as mp
from mriparaspinal.stats.ratings import PAIR_COLUMNS, RATING_COLUMNS
from tests.support.builders.study import fingerprint, read_csv, run

ROWS = [
    "participant_id,segment,side,anna,ben,cleo", "ALS_1,L4,left,0,0,1", "ALS_1,L4,right,1,1,1",
    "ALS_2,L4,left,0,0,0", "ALS_2,L4,right,2,1,2", "ALS_3,L4,left,4,4,", "ALS_3,L4,right,3,4,3",
    "ALS_4,L4,left,1,1,1", "ALS_4,L4,right,2,2,2",
]  # fmt: skip


@pytest.fixture
def ratings(tmp_path):
    path = tmp_path / "goutallier.csv"
    path.write_text("\n".join(ROWS) + "\n")
    return path


def test_it_writes_tables_figures_and_notes(ratings, tmp_path):
    out = tmp_path / "agreement"
    done = run("reliability", "--ratings", ratings, "--grades", "0,1,2,3,4", "--out", out)
    assert done.code == 0, done.err
    assert {path.name for path in out.iterdir()} == {
        "rating_agreement.csv", "rating_pairs.csv",
        "rating_table.csv", "rating_table.md", "rating_table.xlsx",
        *(f"{figure}{end}" for figure in ("rating_agreement_figure", "rating_pairs_figure")
          for end in (".png", ".svg", "_data.csv")),
        "notes.txt", "reliability.json",
    }  # fmt: skip
    table = pd.DataFrame(read_csv(out / "rating_agreement.csv"))
    assert tuple(table.columns) == RATING_COLUMNS
    assert tuple(read_csv(out / "rating_pairs.csv")[0]) == PAIR_COLUMNS
    assert "raters: 3, targets: 8; agreement" in done.err
    notes = (out / "notes.txt").read_text()
    assert "raters 1: anna, 2: ben, 3: cleo" in notes
    assert "anna" not in (out / "reliability.json").read_text()
    assert "anna–ben" in (out / "rating_table.md").read_text()


def test_files_of_each_rater_and_python_give_the_same(ratings, tmp_path):
    whole = pd.read_csv(ratings, dtype=str)
    files = []
    for rater in ("anna", "ben", "cleo"):
        files.append(tmp_path / f"{rater}.csv")
        rows = whole[["participant_id", "segment", "side", rater]].rename(columns={rater: "grade"})
        rows.to_csv(files[-1], index=False)
    scale = ("--grades", "0,1,2,3,4", "--seed", "7")
    assert run("reliability", "--ratings", *files, *scale, "--out", tmp_path / "a").code == 0
    mp.rating_agreement(ratings, grades=[*"01234"], seed=7).save(tmp_path / "b")
    a, b = (fingerprint(tmp_path / name) for name in "ab")
    assert {name for name in a if a[name] != b[name]} == {"reliability.json"}  # the inputs
    assert "seed 7" in (tmp_path / "a" / "notes.txt").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--metric", "fi"], "--ratings: was given with --table"),
        (["--require-cv", "5"], "--ratings: was given with --table"),
        (
            ["--grades", "0,1"],
            "--ratings: goutallier.csv: row 4, rater anna: grade '2'; expected one of 0, 1",
        ),
        (["--grades", "0"], "--grades: '0' was found; expected two or more different grades"),
        (["nowhere.csv"], "--ratings: nowhere.csv"),
    ],
)
def test_what_is_refused(ratings, tmp_path, more, said):
    done = run("reliability", "--ratings", ratings, *more, "--out", tmp_path / "agreement")
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "agreement").exists()


def test_a_scale_needs_ratings(ratings, tmp_path):
    done = run("reliability", "--table", ratings, "--grades", "0,1", "--out", tmp_path / "agreement")
    assert (done.code, "--grades: given without --ratings" in done.err) == (2, True)


def test_raters_are_told_by_their_files(ratings, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / ratings.name
    twin.write_text(ratings.read_text())
    done = run("reliability", "--ratings", ratings, twin, "--out", tmp_path / "agreement")
    assert (done.code, "two files of this name" in done.err) == (2, True)


def test_targets_that_are_nearly_the_same_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("target,grade\nALS_1,0\nALS_2,1\n")
    (tmp_path / "b.csv").write_text("target,grade\nALS_1,0\nALS-2,1\n")
    found = mp.rating_agreement([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert any("ALS_2 in a, ALS-2 in b: not joined" in note for note in found.notes)


def test_many_raters_have_no_figure_of_pairs(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"target": range(20), **{f"r{i}": rng.integers(0, 3, 20) for i in range(7)}})
    found = mp.rating_agreement(table)
    assert list(found.figures) == ["rating_agreement_figure"]
    assert any("more than 6 raters" in note for note in found.notes)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"target\n", b"target,a,b\n", b"\xff\xfe,a\n1,2\n"]
)
def test_tables_that_are_none(content, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    done = run("reliability", "--ratings", tmp_path / "t.csv", "--out", tmp_path / "out")
    assert done.code == 2
    assert done.err.startswith("mriparaspinal: --ratings: ")
    assert done.err.count("\n") == 1
