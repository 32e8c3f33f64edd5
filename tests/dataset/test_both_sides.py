"""Maps whose numbers hold both sides: split as the labels of a map with sides, or refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.builders.slices import grey_image, own_image, write_image
from tests.support.builders.study import problems_of, rows_of, run
from tests.support.builders.volumes import load, save, write_slices

#: ParaspinalSeg: 1 psoas, 2 quadratus lumborum, 3 erector spinae, 4 multifidus; and 9, a disc.
PS, ES, MF, DISC = 1, 3, 4, 9
TABLE = "value,label\n1,PM\n2,QL\n3,ES\n4,MF\n9,IVD\n"


def boxes(*parts: tuple[int, tuple[int, int, int, int]]) -> np.ndarray:
    """A map of 100×100 px with boxes of numbers: left, top, right, bottom, all inclusive."""
    labels = np.zeros((100, 100), dtype=np.uint8)
    for value, (left, top, right, bottom) in parts:
        labels[top : bottom + 1, left : right + 1] = value
    return labels


PAIRS = (
    *((PS, (5, 20, 24, 39)), (PS, (75, 20, 96, 39))),
    *((ES, (10, 60, 29, 89)), (ES, (70, 60, 90, 89))),
    *((MF, (35, 65, 44, 84)), (MF, (55, 65, 65, 84))),
)
WITH_DISC = (*PAIRS, (DISC, (35, 20, 64, 49)))


def measured(home: Path, labels: np.ndarray, *options: object, numbering: str | None = None):
    """The codes of problems, and csa_px by muscle and side, of one slice with such a map."""
    write_image(home / "scans" / "ALS_1_3.png", grey_image())
    write_image(home / "maps" / "ALS_1_3_mask.png", labels)
    (home / "maps" / "values.csv").write_text(TABLE, encoding="utf-8")
    given = ("--numbering", numbering) if numbering else ()
    shutil.rmtree(home / "results", ignore_errors=True)
    outcome = run(
        *("quantify", home / "scans", "--masks", home / "maps", *given, "--out", home / "results", *options)
    )
    assert "Traceback" not in outcome.err
    rows = rows_of(home / "results") if (home / "results").is_dir() else []
    sizes = {(r["muscle"], r["side"]): int(r["csa_px"]) for r in rows if r["side"] != "both"}
    codes = {code for *_, code in problems_of(home / "results")} if rows else set()
    return outcome, codes, sizes


EXPECTED = {
    ("PM", "right"): 400,
    ("PM", "left"): 440,
    ("ES", "right"): 600,
    ("ES", "left"): 630,
    ("MF", "right"): 200,
    ("MF", "left"): 220,
}


def test_by_the_middle_of_the_reference(tmp_path):
    outcome, codes, sizes = measured(tmp_path, boxes(*WITH_DISC))
    assert outcome.code == 0
    assert sizes == EXPECTED
    assert codes == {"sides-split"}
    assert (
        "masks: warning: numbers that hold both sides of a muscle were split at the middle of IVD (on 1 "
        "slice, first ALS_1_3.png); expected a number for each side" in outcome.err
    )


def test_by_the_gap_between_the_parts_where_there_is_no_reference(tmp_path):
    outcome, codes, sizes = measured(tmp_path, boxes(*PAIRS), numbering="paraspinalseg")
    assert outcome.code == 4  # the reference is missing
    assert sizes == EXPECTED
    assert codes == {"sides-split", "missing-reference"}
    assert "were split halfway between the parts of the two sides" in outcome.err


def test_the_display_says_which_side_is_which(tmp_path):
    *_, sizes = measured(tmp_path, boxes(*WITH_DISC), "--image-left", "left")
    other = {"left": "right", "right": "left"}
    assert sizes == {(muscle, other[side]): size for (muscle, side), size in EXPECTED.items()}


def test_small_parts_go_with_their_side(tmp_path):
    specks = ((MF, (46, 80, 47, 80)), (MF, (53, 70, 53, 70)), (ES, (31, 61, 31, 61)))
    _, _, sizes = measured(tmp_path, boxes(*WITH_DISC, *specks))
    assert sizes[("MF", "right")] == 202
    assert sizes[("MF", "left")] == 221
    assert sizes[("ES", "right")] == 601


def test_a_part_may_reach_over_a_little(tmp_path):
    """As real ones do where the spine is turned: one column of 16; two of 17 are more than a tenth."""
    *_, sizes = measured(tmp_path, boxes(*WITH_DISC, (MF, (45, 65, 50, 84))))
    assert sizes[("MF", "right")] == 16 * 20
    assert sizes[("MF", "left")] == 220
    _, codes, sizes = measured(tmp_path, boxes(*WITH_DISC, (MF, (45, 65, 51, 84))))
    assert "crosses-midline" in codes
    assert ("MF", "right") not in sizes


@pytest.mark.parametrize(
    ("name", "parts", "code", "lost"),
    [
        ("a bridge", ((MF, (45, 70, 54, 71)),), "crosses-midline", "MF"),
        ("a bridge of one pixel in height", ((ES, (30, 88, 69, 88)),), "crosses-midline", "ES"),
    ],
)
def test_a_part_across_the_midline_is_an_error(tmp_path, name, parts, code, lost):
    for base in (WITH_DISC, PAIRS):
        outcome, codes, sizes = measured(tmp_path, boxes(*base, *parts))
        assert outcome.code == 4
        assert code in codes
        assert {muscle for muscle, _ in sizes} == {"PM", "ES", "MF"} - {lost}
        lines = [line for line in outcome.err.splitlines() if "error" in line and lost in line]
        assert len(lines) == 1  # not: and it is missing


@pytest.mark.parametrize("speck", [(), ((MF, (93, 70, 95, 72)),)])
def test_both_sides_are_no_sum_where_the_reference_lies_beside_them(tmp_path, speck):
    """A disc of which the map has one end only: 420 px would be the right multifidus."""
    outcome, codes, sizes = measured(tmp_path, boxes(*PAIRS, *speck, (DISC, (66, 41, 72, 58))))
    assert outcome.code == 4
    assert "its two largest parts lie on one side" in outcome.err
    assert "missing-muscle" not in codes
    assert sizes == {key: size for key, size in EXPECTED.items() if key[0] != "MF"}


def test_a_muscle_in_several_pieces_on_each_side(tmp_path):
    pieces = ((2, 14), (17, 29), (70, 76), (78, 84), (86, 90))
    parts = [(ES, (left, 60, right, 89)) for left, right in pieces]
    *_, sizes = measured(tmp_path, boxes(*parts, *PAIRS[4:], WITH_DISC[-1]))
    assert (sizes["ES", "right"], sizes["ES", "left"]) == (2 * 13 * 30, (7 + 7 + 5) * 30)


def test_one_side_alone_is_an_error_where_its_side_is_not_known(tmp_path):
    outcome, *_ = measured(tmp_path, boxes(PAIRS[4]))
    assert outcome.code == 3
    assert "no label of the reference IVD or VB; expected one; add it" in outcome.err
    assert "and MF have no side and no row" in outcome.err
    # With a reference its side is known, and that the other is missing is told.
    outcome, codes, sizes = measured(tmp_path, boxes(PAIRS[4], (DISC, (35, 20, 64, 49))))
    assert sizes == {("MF", "right"): 200}
    assert "missing-muscle" in codes
    assert "sides-split" not in codes


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(((PS, (5, 20, 12, 39)), (PS, (18, 20, 24, 39))), id="two pieces of one side"),
        pytest.param(((PS, (5, 20, 24, 39)), (PS, (90, 20, 92, 22))), id="a speck for a counterpart"),
        pytest.param(((PS, (35, 20, 50, 39)), (PS, (40, 60, 60, 80))), id="one below the other"),
        pytest.param(
            ((PS, (30, 20, 44, 39)), (PS, (48, 20, 62, 39)), (MF, (30, 65, 49, 84)), (MF, (54, 65, 72, 84))),
            id="gaps that do not overlap",
        ),
    ],
)
def test_no_midline_is_guessed(tmp_path, parts):
    outcome, _, sizes = measured(tmp_path, boxes(*parts))
    assert outcome.code == 3
    assert re.search(r"and (PM|PM, MF|MF, PM) have no side and no row", outcome.err)
    assert sizes == {}


def test_numbers_with_and_without_sides_in_one_map(tmp_path):
    """ES has its sides: the gap between them is that of MF, too."""
    labels = boxes(*PAIRS)
    labels[(labels == ES) & (np.arange(100) > 50)] = 33
    outcome, *_ = measured(tmp_path, labels)
    assert "value 33" in outcome.err
    (tmp_path / "t.csv").write_text("value,label\n1,PM\n3,ES_R\n33,ES_L\n4,MF\n", encoding="utf-8")
    *_, sizes = measured(tmp_path, labels, numbering=str(tmp_path / "t.csv"))
    assert sizes == EXPECTED


def test_told_once_of_many_slices(tmp_path):
    for number in range(1, 6):
        write_image(tmp_path / "scans" / f"ALS_1_{number}.png", own_image(f"ALS_1_{number}"))
        write_image(tmp_path / "maps" / f"ALS_1_{number}_mask.png", boxes(*WITH_DISC))
    (tmp_path / "maps" / "values.csv").write_text(TABLE, encoding="utf-8")
    outcome = run("quantify", tmp_path / "scans", "--masks", tmp_path / "maps", "--out", tmp_path / "results")
    assert outcome.err.count("were split") == 1
    assert "(on 5 slices, first ALS_1_1.png)" in outcome.err


def test_real_muscles_whose_sides_are_taken_away(shared, tmp_path):
    """TUM01: 1 and 4 (ES), 2 and 3 (MF) become one number each; the split gives every pixel back."""
    volumes = shared / "real" / "TUM01" / "volumes"
    voxels, affine = load(volumes / "fat.nii.gz")
    labels, _ = load(volumes / "muscles_manual.nii.gz")
    both = np.where(np.isin(labels, (1, 4)), ES, np.where(np.isin(labels, (2, 3)), MF, 0))
    indices = {f"HV_1_{1 + k // 6}_{'abcdef'[k % 6]}": k for k in range(29)}
    write_slices(tmp_path / "scans", voxels / 2, affine, indices)
    for with_disc in (False, True):
        numbers = both.astype(np.int16)
        if with_disc:
            numbers[188:213, 130:160] = DISC  # around the gap between the two sides
        save(tmp_path / "maps" / "HV_1.nii.gz", numbers, affine)
        (tmp_path / "maps" / "values.csv").write_text(TABLE, encoding="utf-8")
        out = tmp_path / f"results {with_disc}"
        outcome = run("quantify", tmp_path / "scans", "--masks", tmp_path / "maps", "--out", out)
        assert outcome.code in (0, 4)
        found = {
            (row["image"], row["muscle"], row["side"]): int(row["csa_px"])
            for n in range(1, 6)
            for row in _slices(out, n)
        }
        for stem, k in indices.items():
            for value, key in (
                (1, ("ES", "right")),
                (2, ("MF", "right")),
                (3, ("MF", "left")),
                (4, ("ES", "left")),
            ):
                assert found[f"{stem}.png", *key] == np.count_nonzero(labels[:, :, k] == value), (stem, key)


def _slices(out: Path, n: int) -> list[dict[str, str]]:
    from tests.support.builders.study import read_csv

    return [row for row in read_csv(out / f"L{n}_slices.csv") if row["side"] != "both"]
