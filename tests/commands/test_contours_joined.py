"""``contours`` from several sources: one LabelMe file for each slice, with the regions of all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.builders.contours import in_patient, write_places, write_rtstruct
from tests.support.builders.slices import SHAPES, own_image, write_image
from tests.support.builders.study import fingerprint, one_line, read_csv, rows_of, run

LABELS = np.zeros((100, 100), dtype=np.uint8)
for _value, _shape in zip((6, 5, 4, 3, 2, 1, 9), SHAPES, strict=True):
    (_x0, _y0), _, (_x1, _y1), _ = _shape["points"]
    LABELS[int(_y0) : int(_y1) + 1, int(_x0) : int(_x1) + 1] = _value

#: Both sides in one number, as ParaspinalSeg: 1 psoas, 3 erector spinae, 4 multifidus.
BOTH = np.array([0, 4, 4, 3, 3, 1, 1, 0, 0, 0], dtype=np.uint8)[LABELS]


@pytest.fixture
def home(tmp_path) -> Path:
    for stem in ("ALS_1_3", "ALS_1_4"):
        write_image(tmp_path / "scans" / f"{stem}.png", own_image(stem))
        write_image(tmp_path / "muscles" / f"{stem}_mask.png", BOTH)
        write_image(tmp_path / "discs" / f"{stem}_mask.png", np.where(LABELS == 9, 20, 0).astype(np.uint8))
    return tmp_path


def contours(home: Path, *options: object):
    outcome = run("contours", home / "muscles", home / "discs", "--dataset", home / "scans", *options)
    assert "Traceback" not in outcome.err
    return outcome


NUMBERED = ("--numbering", "paraspinalseg", "--numbering", "totalsegmentator_mr")


def labels_of(path: Path) -> list[str]:
    return sorted(shape["label"] for shape in json.loads(path.read_bytes())["shapes"])


ALL = ["ES_L", "ES_R", "IVD", "MF_L", "MF_R", "PM_L", "PM_R"]


def test_muscles_and_discs_in_one_file(home):
    outcome = contours(home, *NUMBERED, "--no-draft")
    assert outcome.code == 0, outcome.err
    assert "made contours of 2 of 2 slices" in outcome.err
    assert (
        "contours: warning: numbers that hold both sides of a muscle were split at the middle of IVD (on 2"
        in outcome.err
    )
    for stem in ("ALS_1_3", "ALS_1_4"):
        assert labels_of(home / "scans" / f"{stem}.json") == ALL
    shapes = json.loads((home / "scans" / "ALS_1_3.json").read_bytes())["shapes"]
    assert {shape["label"]: shape["flags"] for shape in shapes} == {
        label: {} if label == "IVD" else {"sides-split": True} for label in ALL
    }
    assert run("quantify", home / "scans", "--out", home / "drawn").code == 0
    (problem,) = read_csv(home / "drawn" / "problems.csv")
    assert (problem["file"], problem["code"]) == ("contours", "sides-split")
    assert "(on 2 slices, first ALS_1_3.png)" in problem["message"]
    masks = ("--masks", home / "muscles", "--masks", home / "discs")
    assert run("quantify", home / "scans", *masks, *NUMBERED, "--out", home / "mapped").code == 0
    for ours, theirs in zip(rows_of(home / "drawn"), rows_of(home / "mapped"), strict=True):
        for column in ("csa_px", "fat_px", "reference_px", "rcsa", "fi"):
            assert ours[column] == theirs[column]
    assert contours(home, *NUMBERED, "--no-draft").code == 0  # again: nothing changes


def test_a_draft_names_both_sources(home):
    assert contours(home, *NUMBERED).code == 0
    assert {row["made_from"] for row in read_csv(home / "scans" / "drafts.csv")} == {"muscles + discs"}
    assert json.loads((home / "scans" / "ALS_1_3.json").read_bytes())["flags"] == {"draft": True}


def test_a_region_in_both_is_left_out(home):
    both = BOTH.copy()
    both[LABELS == 9] = 7
    write_image(home / "muscles" / "ALS_1_3_mask.png", both)
    (home / "table.csv").write_text("value,label\n1,PM\n3,ES\n4,MF\n7,IVD\n", encoding="utf-8")
    outcome = contours(home, "--numbering", home / "table.csv", "--numbering", "totalsegmentator_mr")
    assert outcome.code == 4
    assert (
        "ALS_1_3.png: IVD: error: muscles/ALS_1_3_mask.png and discs/ALS_1_3_mask.png both have IVD"
        in outcome.err
    )
    assert labels_of(home / "scans" / "ALS_1_3.json") == [label for label in ALL if label != "IVD"]
    assert labels_of(home / "scans" / "ALS_1_4.json") == ALL


def test_a_slice_without_one_of_them(home):
    (home / "discs" / "ALS_1_3_mask.png").unlink()
    outcome = contours(home, *NUMBERED)
    assert (
        "contours: warning: no annotation of ALS_1_3.png in discs; expected one for each slice" in outcome.err
    )
    assert labels_of(home / "scans" / "ALS_1_3.json") == [label for label in ALL if label != "IVD"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--numbering", "paraspinalseg"), "1 numbering for 2 folders"),
        ((), "SOURCE"),
        ((*NUMBERED, "--numbering", "musclemap"), "3 numberings for 2 folders"),
    ],
)
def test_numberings_that_do_not_fit(home, options, said):
    before = fingerprint(home)
    outcome = contours(home, *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert fingerprint(home) == before


def test_two_folders_of_one_name(home):
    """A region in both is found, and both are told apart."""
    (home / "a").mkdir()
    (home / "muscles").rename(home / "a" / "maps")
    (home / "discs").rename(home / "maps")
    both = BOTH.copy()
    both[LABELS == 9] = 7
    write_image(home / "a" / "maps" / "ALS_1_3_mask.png", both)
    (home / "table.csv").write_text("value,label\n1,PM\n3,ES\n4,MF\n7,IVD\n", encoding="utf-8")
    outcome = run(
        *("contours", home / "a" / "maps", home / "maps", "--dataset", home / "scans"),
        *("--numbering", home / "table.csv", "--numbering", "totalsegmentator_mr"),
    )
    assert outcome.code == 4
    assert "a/maps/ALS_1_3_mask.png and " in outcome.err
    assert labels_of(home / "scans" / "ALS_1_3.json") == [label for label in ALL if label != "IVD"]


def test_one_source_twice(home):
    outcome = run(
        *("contours", home / "discs", home / "discs" / ".." / "discs", "--dataset", home / "scans"),
        *("--numbering", "totalsegmentator_mr"),
    )
    assert "was given twice; expected each once" in one_line(outcome, 2)


def test_a_map_and_an_rtstruct(tmp_path):
    """Muscles as numbers, the disc as an outline of a planning system: one numbering, for the one map."""
    write_places(tmp_path / "scans", ["ALS_1_3"], shape=(100, 100))
    write_image(tmp_path / "muscles" / "ALS_1_3_mask.png", BOTH)
    (tmp_path / "discs").mkdir()
    corners = np.array([[35.0, 20.0], [64.0, 20.0], [64.0, 49.0], [35.0, 49.0]])
    write_rtstruct(tmp_path / "discs" / "ALS_1.dcm", [("IVD", [in_patient(corners)])])
    outcome = contours(tmp_path, "--numbering", "paraspinalseg", "--no-draft")
    assert outcome.code == 0, outcome.err
    assert labels_of(tmp_path / "scans" / "ALS_1_3.json") == ALL
