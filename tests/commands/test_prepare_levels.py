"""``prepare`` with label maps of levels, and stacks of several slices."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from scipy import ndimage

from mriparaspinal.imaging import slice_position as slice_geometry
from mriparaspinal.scans.level_maps import NUMBERINGS
from tests.support.builders.scans import SECRET, levels, mr, write
from tests.support.builders.study import fingerprint, read_csv, run

nibabel = pytest.importorskip("nibabel")

COLUMNS = "source,group,patient,segment,label_map"
#: Discs of TotalSpineSeg: value, from and to along the body in mm. Slices lie at 0, 4, 8 … 116 mm.
DISCS = {93: (90.0, 100.0), 94: (61.0, 69.0), 95: (33.0, 41.0), 100: (6.0, 14.0)}
#: The slices at 96 (or 92), 64, 36 and 8 (or 12) mm hold 10 times their index.


def plane(z, corner=(0.0, 0.0)):
    return (1, 0, 0), (0, 1, 0), (*corner, z), (2.0, 2.0)


def picture(index) -> np.ndarray:
    return np.full((18, 20), 8 * index, np.uint16)


def series(folder: Path, which=range(30)) -> Path:
    """Axial slices every 4 mm, each all of one grey level, 8 times its index; numbered from the foot."""
    return write(folder, [mr(picture(k), k + 1, plane(4.0 * k)) for k in which])


def label_map(path: Path, discs=None, origin=(10.0, 10.0, 0.0), turn=None, dtype=np.int16) -> Path:
    """A map of its own grid, sagittal, 3 × 1 × 1 mm; ``origin``: of the middle of the discs, LPS."""
    voxels = np.zeros((5, 15, 125), dtype)
    for value, (low, high) in (DISCS if discs is None else discs).items():
        voxels[1:4, 2:13, round(low) : round(high) + 1] = value
    lps = np.diag([3.0, 1.0, 1.0, 1.0])
    lps[:3, 3] = origin - np.array([6.0, 7.0, 0.0])
    if turn is not None:
        lps = turn @ lps
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, -1, 1, 1]) @ lps), path)
    return path


def prepare(tmp_path, *rows, options=("--level-numbering", "totalspineseg"), columns=COLUMNS, code=0):
    table = levels(tmp_path / "levels.csv", *rows, columns=columns)
    out = tmp_path / "out"
    arguments = ("--levels", table, "--out", out, "--window", "0,255", *options)
    outcome = run("prepare", tmp_path / "study", *arguments)
    assert outcome.code == code, outcome.err
    return out, outcome


def indices(out: Path) -> dict[str, int]:
    """Which slice each picture is, told from its grey level."""
    return {path.stem: int(np.asarray(Image.open(path)).max()) // 8 for path in sorted(out.glob("*.png"))}


def distances(out: Path) -> dict[str, float]:
    return {Path(r["image"]).stem: float(r["level_distance_mm"]) for r in read_csv(out / "slices.csv")}


def problems(out: Path) -> list[tuple[str, str, str]]:
    return [(row["shape"], row["severity"], row["code"]) for row in read_csv(out / "problems.csv")]


def test_the_middle_slice_of_every_level_of_a_map(tmp_path):
    series(tmp_path / "study")
    label_map(tmp_path / "study" / "discs.nii.gz")  # among the slices, and no series of its own
    out, outcome = prepare(tmp_path, ",ALS,1,,discs.nii.gz")
    # Middles at 95, 65, 37 and 10 mm; of 8 and 12, equally near, the lower.
    assert indices(out) == {"ALS_1_2": 24, "ALS_1_3": 16, "ALS_1_4": 9, "ALS_1_5": 2}
    expected = {"ALS_1_2": 1, "ALS_1_3": -1, "ALS_1_4": -1, "ALS_1_5": -2}
    assert distances(out) == pytest.approx(expected, abs=1e-4)
    assert problems(out) == [("row 2", "warning", "no-level")]
    assert "no disc L1 in its label map" in outcome.err
    settings = json.loads((out / "prepare.json").read_text())["settings"]
    assert settings["level_numbering"] == {"L1": [92], "L2": [93], "L3": [94], "L4": [95], "L5": [100]}
    assert (settings["level_at"], settings["slices_per_level"]) == ("disc", 1)


def test_a_turned_map_gives_the_same_slices(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "plain.nii.gz")
    one, _ = prepare(tmp_path, "t2,ALS,1,,plain.nii.gz")
    image = nibabel.load(tmp_path / "study" / "plain.nii.gz")
    ornt = nibabel.orientations.axcodes2ornt(("S", "L", "A"))
    change = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), ornt)
    nibabel.save(image.as_reoriented(change), tmp_path / "study" / "turned.nii")
    before = fingerprint(one)
    out, _ = prepare(tmp_path, "t2,ALS,1,,turned.nii")
    assert fingerprint(out) == before


def test_rows_of_single_levels_and_rows_by_slice(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "m.nii")
    rows = ("t2,ALS,1,3,m.nii,", "t2,ALS,1,L4,m.nii,", "t2,ALS,1,5,,7", "t2,ALS,2,1,m.nii,")
    out, outcome = prepare(tmp_path, *rows, columns=f"{COLUMNS},slice", code=4)
    assert indices(out) == {"ALS_1_3": 16, "ALS_1_4": 9, "ALS_1_5": 6}
    assert [row["level_distance_mm"] != "" for row in read_csv(out / "slices.csv")] == [True, True, False]
    assert problems(out) == [("row 5", "error", "no-level")]
    assert "expected one of L2, L3, L4, L5" in outcome.err


def test_a_neighbour_where_the_nearest_slice_is_not_there(tmp_path):
    series(tmp_path / "study" / "t2", [k for k in range(30) if k not in (15, 16, 17)])
    label_map(tmp_path / "study" / "m.nii", {94: (55.0, 75.0)})
    out, outcome = prepare(tmp_path, "t2,ALS,1,3,m.nii")
    assert indices(out) == {"ALS_1_3": 18}
    assert distances(out) == pytest.approx({"ALS_1_3": 7.0}, abs=1e-4)
    assert problems(out) == [("row 2", "warning", "level-distance")]
    assert "slice 19 lies 7.0 mm above the middle of L3; expected one within 2.0 mm" in outcome.err


def test_a_neighbour_where_the_nearest_slice_is_broken(tmp_path):
    folder = series(tmp_path / "study" / "t2")
    whole = (folder / "IM0016").read_bytes()
    (folder / "IM0016").write_bytes(whole[:-100])
    label_map(tmp_path / "study" / "m.nii")
    out, outcome = prepare(tmp_path, "t2,ALS,1,3,m.nii")
    assert indices(out) == {"ALS_1_3": 17}
    assert distances(out) == pytest.approx({"ALS_1_3": 3.0}, abs=1e-4)
    assert "slice 17 cannot be read; slice 18 lies 3.0 mm above the middle of L3" in outcome.err
    # No neighbour cuts a thinner disc.
    label_map(tmp_path / "study" / "m.nii", {94: (63.0, 65.0)})
    _, outcome = prepare(tmp_path, "t2,ALS,1,3,m.nii", code=3)
    assert "no other slice cuts L3" in outcome.err


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (
            (10.0, 10.0, 500.0),
            "the nearest slice, 30, lies 449.0 mm below the middle of L3 and does not cut it",
        ),
        ((10.0, -200.0, 0.0), "no slice shows the middle of L3 (10.0, -200.0, 65.0 mm, LPS) in its picture"),
    ],
)
def test_a_map_that_has_lost_its_origin(tmp_path, origin, words):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "m.nii", origin=np.array(origin))
    _, outcome = prepare(tmp_path, "t2,ALS,1,3,m.nii", code=3)
    assert words in outcome.err
    assert "kept their origins" in outcome.err


def test_one_block_of_slices_for_each_disc(tmp_path):
    """Two blocks of one series, each tilted as its disc, as they are planned at the scanner."""
    turn = np.radians(25)
    back = np.array([0, np.cos(turn), np.sin(turn)])
    up = np.cross([1, 0, 0], back)
    middle = np.array([20.0, 18.0, 10.0])  # of the lower block's disc
    slices = [mr(picture(k), k + 1, plane(60.0 + 4 * k)) for k in range(3)]
    for k in range(3):
        corner = middle + up * 4 * (k - 1) - back * 18 - np.array([20.0, 0, 0])
        slices.append(mr(picture(10 + k), 4 + k, ((1, 0, 0), tuple(back), tuple(corner), (2.0, 2.0))))
    write(tmp_path / "study" / "t2", slices)
    label_map(tmp_path / "study" / "m.nii", {94: (61.0, 69.0), 100: (6.0, 14.0)}, origin=(20.0, 18.0, 0.0))
    out, outcome = prepare(tmp_path, "t2,ALS,1,,m.nii")
    assert indices(out) == {"ALS_1_3": 1, "ALS_1_5": 11}
    assert distances(out) == pytest.approx({"ALS_1_3": -1.0, "ALS_1_5": 0.0}, abs=1e-4)
    assert "position" not in outcome.err


def test_slices_around_the_middle(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "m.nii")
    options = ("--level-numbering", "totalspineseg", "--slices-per-level", "3")
    out, _ = prepare(tmp_path, "t2,ALS,1,4,m.nii", options=options)
    assert indices(out) == {"ALS_1_4_a": 8, "ALS_1_4_b": 9, "ALS_1_4_c": 10}
    expected = {"ALS_1_4_a": -5, "ALS_1_4_b": -1, "ALS_1_4_c": 3}
    assert distances(out) == pytest.approx(expected, abs=1e-4)


def test_slices_around_the_middle_that_are_not_there(tmp_path):
    series(tmp_path / "study" / "t2", [k for k in range(30) if k != 17])
    label_map(tmp_path / "study" / "m.nii")
    options = ("--level-numbering", "totalspineseg", "--slices-per-level", "5")
    out, _ = prepare(tmp_path, "t2,ALS,1,,m.nii", options=options, code=4)
    assert problems(out) == [
        ("row 2", "warning", "no-level"),
        ("row 2", "error", "uneven-stack"),
    ]
    assert sorted(indices(out).values()) == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 22, 23, 24, 25, 26]


def test_too_few_slices_around_the_middle(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "m.nii")
    options = ("--level-numbering", "totalspineseg", "--slices-per-level", "7")
    _, outcome = prepare(tmp_path, "t2,ALS,1,5,m.nii", options=options, code=3)
    assert (
        "slice 3, the middle of L5, is number 3 of 30 from the foot; expected 3 on both sides" in outcome.err
    )


def test_a_sixth_lumbar_vertebra_costs_the_fifth_level(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(
        tmp_path / "study" / "m.nii", {94: (61.0, 69.0), 95: (33.0, 41.0), 100: (6.0, 14.0), 46: (16.0, 30.0)}
    )
    out, outcome = prepare(tmp_path, "t2,ALS,1,,m.nii", code=4)
    assert indices(out) == {"ALS_1_3": 16, "ALS_1_4": 9}
    assert problems(out)[1:] == [("row 2", "error", "sixth-vertebra")]
    assert "give slice for L5" in outcome.err


def test_pixels_compressed_with_loss_are_a_warning(tmp_path):
    (data,) = [mr(picture(3), 1, plane(0.0))]
    data.LossyImageCompression = "01"
    write(tmp_path / "study", [data])
    out, _ = prepare(tmp_path, ",ALS,1,3,1", columns=STACK, options=())
    assert problems(out) == [("row 2", "warning", "lossy-pixels")]


def test_vertebrae_of_a_numbering_that_has_both(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "m.nii", {94: (61.0, 69.0), 43: (72.0, 88.0), 44: (44.0, 58.0)})
    options = ("--level-numbering", "totalspineseg", "--level-at", "vertebra")
    out, _ = prepare(tmp_path, "t2,ALS,1,,m.nii", options=options)
    assert indices(out) == {"ALS_1_3": 20, "ALS_1_4": 13}


STACK = "source,group,patient,segment,slice"


def test_rows_and_ranges_become_lettered_slices_foot_to_head(tmp_path):
    slices = [mr(picture(k), 30 - k, plane(4.0 * k)) for k in range(30)]  # numbered from the head
    write(tmp_path / "study", slices)
    rows = (",ALS,1,3,10", ",ALS,1,3,11", ",ALS,1,3,9", ",ALS,1,4,20-22", ",ALS,2,3,10")
    out, outcome = prepare(tmp_path, *rows, columns=STACK, options=())
    assert indices(out) == {
        "ALS_1_3_a": 19,
        "ALS_1_3_b": 20,
        "ALS_1_3_c": 21,
        "ALS_1_4_a": 8,
        "ALS_1_4_b": 9,
        "ALS_1_4_c": 10,
        "ALS_2_3": 20,
    }
    assert problems(out) == []
    assert "prepared 7 slices of 5 rows" in outcome.err
    assert [row["source"] for row in read_csv(out / "slices.csv")] == ["3", "2", "4", "5", "5", "5", "6"]


def test_stacks_that_are_none(tmp_path):
    series(tmp_path / "study" / "t2")
    series(tmp_path / "study" / "t1", [0, 1])
    rows = (
        *("t2,ALS,1,3,5", "t2,ALS,1,3,4-6"),  # 5 twice
        *("t2,ALS,2,3,1-14", "t2,ALS,2,3,15-28"),  # more than the alphabet
        *("t2,ALS,3,3,5", "t1,ALS,3,3,1"),  # two sources
        *("t2,ALS,4,3,5", "t2,ALS,4,3,6", "t2,ALS,4,3,9"),  # uneven, but asked for
        *("t2,ALS,5,3,29-31",),  # 31 is not there
    )
    out, outcome = prepare(tmp_path, *rows, columns=STACK, options=("--verbose",), code=4)
    found = problems(out)
    assert [(row, severity) for row, severity, _ in found] == [
        *((f"row {n}", "error") for n in (2, 3, 4, 5, 6, 7)),
        ("row 8", "warning"),
        ("row 11", "error"),
    ]
    assert {code for row, _, code in found if row < "row 8" and row != "row 11"} == {"duplicate-slice"}
    assert indices(out) == {"ALS_4_3_a": 4, "ALS_4_3_b": 5, "ALS_4_3_c": 8}
    for words in ("one slice twice", "28 slices; expected at most 26", "from several sources", "no slice 31"):
        assert words in outcome.err


def test_levels_run_from_head_to_foot_and_have_slices_of_their_own(tmp_path):
    """Slices are numbered from foot to head here."""
    series(tmp_path / "study")
    rows = (
        *(",ALS,1,3,5", ",ALS,1,4,7"),  # L3 below L4
        *(",ALS,2,3,9", ",ALS,2,4,9"),  # one slice
        *(",ALS,3,1,12", ",ALS,3,3,9", ",ALS,3,4,5"),
    )
    out, outcome = prepare(tmp_path, *rows, columns=STACK, options=("--verbose",), code=4)
    assert problems(out) == [(f"row {n}", "error", "levels-out-of-order") for n in (2, 3, 4, 5)]
    assert indices(out) == {"ALS_3_1": 11, "ALS_3_3": 8, "ALS_3_4": 4}
    assert "of ALS_1, L3 lies below L4 (rows 2 and 3); expected L1 nearest to the head" in outcome.err
    assert "of ALS_2, L3 is the slice of L4 (rows 4 and 5)" in outcome.err


def test_segments_beyond_the_lumbar_ones_by_slice(tmp_path):
    series(tmp_path / "study")
    rows = (",ALS,1,t12,20", ",ALS,1,1,15", ",ALS,1,S1,3-4", ",ALS,2,T12,8", ",ALS,2,L1,9")
    out, outcome = prepare(tmp_path, *rows, columns=STACK, options=("--verbose",), code=4)
    assert indices(out) == {"ALS_1_T12": 19, "ALS_1_1": 14, "ALS_1_S1_a": 2, "ALS_1_S1_b": 3}
    assert "of ALS_2, T12 lies below L1 (rows 5 and 6)" in outcome.err
    found = run("check", out)
    assert "unless segments in paraspinal.toml lists T12" in found.err + found.out


def test_segments_that_are_none(tmp_path):
    series(tmp_path / "study" / "t2")
    label_map(tmp_path / "study" / "m.nii")
    rows = ("t2,ALS,1,L6,,3", "t2,ALS,1,S1,m.nii,", "t2,ALS,1,X1,,4", "t2,ALS,1,5,m.nii,")
    out, outcome = prepare(tmp_path, *rows, columns=f"{COLUMNS},slice", code=4, options=(
        "--level-numbering", "totalspineseg", "--verbose"
    ))  # fmt: skip
    assert problems(out) == [(f"row {n}", "error", "bad-level") for n in (2, 3, 4)]
    assert "segment 'L6' was found; expected 1 to 5, L1 to L5, or a declared one" in outcome.err
    assert "of six lumbar vertebrae, decide which five are L1 to L5" in outcome.err
    assert "segment 'S1' was found; expected 1 to 5 or L1 to L5 of a label map" in outcome.err


def test_a_broken_slice_leaves_its_letter_empty(tmp_path):
    folder = series(tmp_path / "study")
    (folder / "IM0005").write_bytes((folder / "IM0005").read_bytes()[:-10])
    out, _ = prepare(tmp_path, ",ALS,1,3,5-7", columns=STACK, options=(), code=4)
    assert indices(out) == {"ALS_1_3_a": 4, "ALS_1_3_c": 6}
    assert problems(out) == [("row 2", "error", "unreadable-slice")]


def test_two_echoes_are_no_neighbours(tmp_path):
    slices = [mr(picture(k // 2), k + 1, plane(4.0 * (k // 2))) for k in range(60)]
    write(tmp_path / "study" / "t2", slices)
    label_map(tmp_path / "study" / "m.nii")
    _, outcome = prepare(tmp_path, "t2,ALS,1,3,m.nii", code=3)
    assert "2 slices at the middle of L3" in outcome.err
    out, _ = prepare(tmp_path, "t2,ALS,1,3,9", columns=STACK, options=())
    assert read_csv(out / "slices.csv")[0]["slice_spacing_mm"] == "4.0"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--level-numbering: not given, but row 2"),
        (("--level-numbering", "total_mr"), "'total_mr' was found; expected totalspineseg, spineps"),
        (("--level-numbering", "totalsegmentator", "--level-at", "disc"), "has vertebrae alone"),
        (("--level-numbering", "spineps", "--slices-per-level", "2"), "odd number"),
        (("--level-at", "disc"), "--level-at: given without --level-numbering"),
        (("--slices-per-level", "3"), "--slices-per-level: given without"),
    ],
)
def test_wrong_usage(tmp_path, options, words):
    series(tmp_path / "study", [0])
    label_map(tmp_path / "study" / "m.nii")
    _, outcome = prepare(tmp_path, ",ALS,1,3,m.nii", options=options, code=2)
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_numbering_that_nothing_needs(tmp_path):
    series(tmp_path / "study", [0])
    _, outcome = prepare(tmp_path, ",ALS,1,3,1", columns=STACK, code=2)
    assert "no usable row of levels.csv has a label_map" in outcome.err


def without_forms(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[252:256] = bytes(4)  # qform_code and sform_code
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_forms, "neither sform nor qform"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "cannot be read as NIfTI"),
        (lambda path: label_map(path, {94: (6.0, 14.0)}, dtype=np.float32), ""),
        (lambda path: label_map(path, {94.5: (6.0, 14.0)}, dtype=np.float32), "not whole"),
        (lambda path: label_map(path, {np.nan: (6.0, 14.0)}, dtype=np.float32), "not whole"),
        (lambda path: label_map(path, {}), "without labels"),
        (lambda path: label_map(path, {19: (9.0, 60.0), 20: (80.0, 90.0)}), "values 19, 20"),
        (
            lambda path: nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), np.eye(4)), path),
            "three dimensions",
        ),
        (lambda path: path.rename(path.with_name("other.nii")), "names no volume (NIfTI, NRRD, MetaImage)"),
        (lambda path: (path.unlink(), path.mkdir()), "names no volume (NIfTI, NRRD, MetaImage)"),
    ],
)
def test_maps_that_cannot_be_used(tmp_path, change, words):
    series(tmp_path / "study" / "t2")
    change(label_map(tmp_path / "study" / "m.nii"))
    _, outcome = prepare(tmp_path, "t2,ALS,1,3,m.nii", code=3 if words else 0)
    lines = [line for line in outcome.err.splitlines() if line.startswith("levels.csv: row 2")]
    assert len(lines) == (1 if words else 0)
    assert words in outcome.err


@pytest.mark.parametrize("name", ["../m.nii", "/etc/passwd", "t2", "t2/IM0000"])
def test_a_map_lies_below_a_source(tmp_path, name):
    series(tmp_path / "study" / "t2", [0])
    label_map(tmp_path / "m.nii")
    _, outcome = prepare(tmp_path, f"t2,ALS,1,3,{name}", code=3)
    assert "names no volume (NIfTI, NRRD, MetaImage)" in outcome.err


def numbers_and(words: set[str], cells: set[str]) -> set[str]:
    """The cells that are neither numbers nor among the words."""

    def is_number(cell: str) -> bool:
        try:
            float(cell)
        except ValueError:
            return False
        return True

    return {cell for cell in cells if cell not in words and not is_number(cell)}


LEVELS_AND_WINDOW = (
    *("window_low", "window_high", "source", "window"),
    *("voi_function", "voi_centre", "voi_width"),
)


def test_every_text_that_reaches_an_output_is_known(tmp_path):
    """Of scanner data and label maps only numbers: all the words are ours, or a row of levels.csv."""
    slices = [mr(picture(k), k + 1, plane(4.0 * k), secret=True) for k in range(30)]
    write(tmp_path / "study" / SECRET, slices)
    path = label_map(tmp_path / "study" / f"{SECRET}.nii")
    image = nibabel.load(path)
    image.header["descrip"] = image.header["aux_file"] = image.header["db_name"] = SECRET[:10].encode()
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj).copy(), image.affine, image.header), path)
    rows = [f"{SECRET},ALS,1,,{SECRET}.nii,", f"{SECRET},ALS,2,3,,40", f"{SECRET},ALS,3,3,,2-4"]
    rows.append(f"{SECRET},ALS,4,1,{SECRET}.nii,")
    out, outcome = prepare(tmp_path, *rows, columns=f"{COLUMNS},slice", code=4)
    columns = list(read_csv(out / "slices.csv")[0])
    assert columns[:10] == ["image", "row_spacing_mm", "col_spacing_mm", *LEVELS_AND_WINDOW]
    assert columns[10:] == [*slice_geometry.COLUMNS, "level_distance_mm"]
    cells = {cell for row in read_csv(out / "slices.csv") for cell in row.values()}
    images = {path.name for path in out.glob("ALS_[1-9]*.png")}
    assert not numbers_and({"", "low-high", "dicom-series", "LINEAR"} | images, cells)
    manifest = json.loads((out / "prepare.json").read_text())
    assert sorted(manifest) == ["counts", "libraries", "mriparaspinal", "outputs", "settings"]
    assert sorted(manifest["settings"]) == [
        "display",
        "level_at",
        "level_numbering",
        "percentiles",
        "slices_per_level",
        "window",
    ]
    assert set(manifest["outputs"]) == images | {"slices.csv", "labels.txt", "problems.csv"}
    assert {row["file"] for row in read_csv(out / "problems.csv")} == {"levels.csv"}
    texts = [path.read_bytes().decode("latin-1") for path in out.iterdir()]
    for text in (*texts, outcome.err, outcome.out):
        assert SECRET not in text
        assert SECRET[:8] not in text
        assert slices[0].SeriesInstanceUID not in text


#: Where the published slices of the real volume lie, and SPINEPS' numbers of their discs.
PUBLISHED = {"L5": (2, 124), "L4": (10, 123), "L3": (18, 122), "L2": (27, 121)}


@pytest.fixture
def real_spine(shared, tmp_path) -> Path:
    """``study/TUM01``: the real volume, and a map of discs where the published slices lie."""
    folder = tmp_path / "study" / "TUM01"
    folder.mkdir(parents=True)
    (folder / "fat.nii.gz").write_bytes((shared / "real/TUM01/volumes/fat.nii.gz").read_bytes())
    image = nibabel.load(folder / "fat.nii.gz")
    voxels = np.zeros((image.shape[0] // 4, image.shape[1] // 4, image.shape[2] * 2), np.uint8)
    affine = image.affine @ np.diag([4, 4, 0.5, 1])  # another grid: coarser in the plane, finer along
    for k, value in PUBLISHED.values():
        voxels[45:55, 35:50, 2 * k - 1 : 2 * k + 2] = value
    nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / "discs.nii.gz")
    return tmp_path


def blocks(language: str) -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "prepare.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def test_the_example_of_the_documentation_finds_the_published_slices(real_spine, monkeypatch):
    monkeypatch.chdir(real_spine)
    (example,) = (block for block in blocks("text") if "label_map" in block)
    (command,) = (block.strip() for block in blocks("sh") if "--level-numbering" in block)
    Path("levels.csv").write_text(example)
    outcome = run(*command.split()[1:])
    assert outcome.code == 0, outcome.err
    out = Path("scans")
    assert problems(out) == [("row 2", "warning", "no-level")]
    assert max(map(abs, distances(out).values())) < 0.01
    rows = [f"TUM01/fat.nii.gz,HV,1,{segment},{k + 1}" for segment, (k, _) in PUBLISHED.items()]
    table = levels(Path("hand.csv"), *rows, columns=STACK)
    assert run("prepare", "study", "--levels", table, "--out", "hand", "--window", "0,2000").code == 0
    by_map, by_hand = ({p.name: p.read_bytes() for p in Path(d).glob("*.png")} for d in ("scans", "hand"))
    assert by_map == by_hand
    assert sorted(by_map) == ["HV_1_2.png", "HV_1_3.png", "HV_1_4.png", "HV_1_5.png"]


def test_the_documentation_has_the_numbers_of_every_numbering():
    page = (Path(__file__).parents[2] / "docs" / "prepare.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .*? \| ([^|]*) \| ([^|]*) \|$", page, flags=re.MULTILINE)
    told = {name: cells for name, *cells in rows if name in NUMBERINGS}
    assert set(told) == set(NUMBERINGS)
    for name, cells in told.items():
        for cell, values in zip(cells, (NUMBERINGS[name].discs, NUMBERINGS[name].vertebrae), strict=True):
            first, _, last = cell.partition(" to ")
            numbers = list(range(int(first), int(last) + 1)) if last else re.findall(r"\d+", cell)
            assert [int(n) for n in numbers] == [v for level in values.values() for v in level]


def test_a_real_map_of_discs_with_a_table(shared, tmp_path):
    """One number for all discs tells no levels; split, and named in a table, they do."""
    source = shared / "real/totalseg_mr"
    study = tmp_path / "study"
    study.mkdir()
    (study / "mr.nii.gz").write_bytes((source / "ts_mr_sm.nii.gz").read_bytes())
    image = nibabel.load(source / "ts_seg_mr.nii.gz")
    seg = np.asarray(image.dataobj).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(seg, image.affine), study / "seg.nii.gz")
    _, outcome = prepare(tmp_path, "mr.nii.gz,HV,1,,seg.nii.gz", code=3)
    assert "expected some of totalspineseg" in outcome.err or "numbering" in outcome.err
    pieces, _ = ndimage.label(seg == 20)
    sizes = np.bincount(pieces.ravel())[1:]
    whole = [n + 1 for n in np.argsort(sizes)[::-1][:2]]
    heights = {n: (image.affine @ [*ndimage.center_of_mass(pieces == n), 1])[2] for n in whole}
    named = dict(zip(sorted(whole, key=heights.get, reverse=True), ("L3", "L4"), strict=False))
    nibabel.save(nibabel.Nifti1Image(pieces.astype(np.int16), image.affine), study / "seg.nii.gz")
    table = levels(tmp_path / "table.csv", *(f"{n},{s}" for n, s in named.items()), columns="value,segment")
    out, _ = prepare(tmp_path, "mr.nii.gz,HV,1,,seg.nii.gz", options=("--level-numbering", table))
    rows = {row["image"]: row for row in read_csv(out / "slices.csv")}
    for n, segment in named.items():
        row = rows[f"HV_1_{segment[1]}.png"]
        assert float(row["position_z_mm"]) - heights[n] == pytest.approx(
            float(row["level_distance_mm"]), abs=1e-3
        )
        assert abs(float(row["level_distance_mm"])) <= float(row["slice_spacing_mm"]) / 2


# ---------------------------------------------------------------- cases of public reports


@pytest.fixture
def cases(shared) -> Path:
    folder = shared / "cases"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/cases")
    return folder


def prepare_case(case: Path, out: Path, *options, table="levels.csv"):
    return run("prepare", case / "src", "--levels", case / table, "--out", out, *options)


def instances(out: Path, case: Path) -> dict[str, int]:
    """Which InstanceNumber each picture is, by the position in ``slices.csv`` and that in the files."""
    files = [pydicom.dcmread(path) for path in sorted((case / "src" / "P").iterdir())]
    found = {}
    for row in read_csv(out / "slices.csv"):
        place = [float(row[f"position_{axis}_mm"]) for axis in "xyz"]
        away = [np.abs(np.subtract(place, data.ImagePositionPatient)).max() for data in files]
        assert min(away) < 1e-3
        found[Path(row["image"]).stem] = int(files[int(np.argmin(away))].InstanceNumber)
    return found


def test_a_map_whose_sform_another_program_moved(cases, tmp_path):
    case, rule = cases / "sform-qform-shift", ("--level-numbering", "totalspineseg")
    outcome = prepare_case(case, tmp_path / "out", *rule)
    assert outcome.code == 0, outcome.err
    assert instances(tmp_path / "out", case) == {
        f"ALS_1_{n}": 5 * n + 3 for n in range(1, 6)
    }  # as the README
    assert problems(tmp_path / "out") == [("row 2", "warning", "two-places")]
    assert "(-38, -59.5, -88.5) and at (-38, -59.5, -124.5) mm LPS" in outcome.err
    assert "affine" not in json.loads((tmp_path / "out" / "prepare.json").read_text())["settings"]
    outcome = prepare_case(case, tmp_path / "q", *rule, "--affine", "qform")
    assert (outcome.code, problems(tmp_path / "q")) == (0, [])
    assert instances(tmp_path / "q", case) == instances(tmp_path / "out", case)
    assert json.loads((tmp_path / "q" / "prepare.json").read_text())["settings"]["affine"] == "qform"
    prepare_case(case, tmp_path / "s", *rule, "--affine", "sform")
    up = instances(tmp_path / "s", case)  # one level too high, and L1 at the end of its block
    assert up == {"ALS_1_1": 2, **{f"ALS_1_{n}": 5 * n - 2 for n in range(2, 6)}}


def test_a_map_of_single_voxels(cases, tmp_path):
    case = cases / "single-voxel-discs"
    outcome = prepare_case(case, tmp_path / "out", "--level-numbering", "totalspineseg")
    assert outcome.code == 0, outcome.err
    assert instances(tmp_path / "out", case) == dict(
        zip([f"ALS_1_{n}" for n in range(1, 6)], (3, 8, 13, 18, 23), strict=True)
    )
    assert problems(tmp_path / "out") == []


def test_a_steep_disc_is_taken_with_a_warning(cases, tmp_path):
    case = cases / "steep-l5s1"
    for table in ("levels_map.csv", "levels_slice.csv"):
        rule = ("--level-numbering", "totalspineseg") if "map" in table else ()
        outcome = prepare_case(case, tmp_path / table, *rule, table=table)
        assert outcome.code == 0, outcome.err
        assert instances(tmp_path / table, case) == {"ALS_1_5": 23}
        assert problems(tmp_path / table) == [("row 2", "warning", "steep-slice")]
        assert "tilted by 47° from the axial plane; expected at most 45°" in outcome.err
        assert "beyond 60° it is refused" in outcome.err


def test_the_window_of_a_file_is_that_of_its_series(cases, tmp_path):
    case = cases / "file-source-window"
    files = [pydicom.dcmread(path) for path in (case / "src" / "P").iterdir()]
    centre, width = (float(np.median([d[k].value for d in files])) for k in ("WindowCenter", "WindowWidth"))
    prepare_case(case, tmp_path / "a")
    (row,) = read_csv(tmp_path / "a" / "slices.csv")
    assert (float(row["voi_centre"]), float(row["voi_width"])) == (centre, width)
    assert float(row["window_low"]) == centre - 0.5 - (width - 1) / 2
    prepare_case(case, tmp_path / "b", "--window", "percentile")
    (row,) = read_csv(tmp_path / "b" / "slices.csv")
    values = np.concatenate([np.frombuffer(d.PixelData, "<u2") for d in files])
    limits = np.percentile(values, (1, 99)).tolist()
    assert [float(row["window_low"]), float(row["window_high"])] == limits
    # Files that are named one by one are a series, too; and what is said of it is said once.
    rows = [f"f02{n}.dcm,ALS,1,{n},{n + 1}" for n in (1, 2, 3)]
    table = levels(tmp_path / "levels.csv", *rows, columns="source,group,patient,segment,slice")
    out = tmp_path / "c"
    run("prepare", *sorted((case / "src" / "P").iterdir()), "--levels", table, "--out", out)
    rows = read_csv(out / "slices.csv")
    assert [float(row["voi_centre"]) for row in rows] == [centre] * 3
    assert problems(out) == [("row 2", "warning", "window-spread")]


@pytest.mark.parametrize("uids", [True, False])
def test_the_patients_window_is_not_that_of_another_series(tmp_path, uids):
    """A folder with two series: each row that names a file has the window of that file's series."""
    for number, (folder, low) in enumerate((("a", 100), ("b", 300)), 1):
        slices = [mr(picture(k), k + 1, plane(4.0 * k), series=number) for k in range(3)]
        for k, data in enumerate(slices):
            data.WindowCenter, data.WindowWidth = low + k, 101
            if not uids:
                del data.SeriesInstanceUID
        write(tmp_path / "study" / folder, slices)
    rows = ("a/IM0001,ALS,1,3,2", "b/IM0002,ALS,2,3,3")
    table = levels(tmp_path / "levels.csv", *rows, columns="source,group,patient,segment,slice")
    outcome = run("prepare", tmp_path / "study", "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert [row["voi_centre"] for row in read_csv(tmp_path / "out" / "slices.csv")] == ["101.0", "301.0"]


# ---------------------------------------------------------------- parts of a level, and steep slices


def test_specks_of_a_level_are_told_and_do_not_move_it(tmp_path):
    series(tmp_path / "study" / "t2")
    path = label_map(tmp_path / "study" / "m.nii")
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj).copy()
    voxels[2:4, 5:10, 110:118] = 94  # above L2
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine), path)
    out, outcome = prepare(tmp_path, "t2,ALS,1,,m.nii")
    assert indices(out) == {"ALS_1_2": 24, "ALS_1_3": 16, "ALS_1_4": 9, "ALS_1_5": 2}
    assert ("row 2", "warning", "stray-voxels") in problems(out)
    assert "80 voxels of L3 in the label map far from its main part" in outcome.err


def test_two_discs_of_one_number_are_no_level(tmp_path):
    series(tmp_path / "study" / "t2")
    path = label_map(tmp_path / "study" / "m.nii", {93: (90.0, 100.0), 94: (61.0, 69.0), 100: (6.0, 14.0)})
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj).copy()
    voxels[1:4, 2:13, 33:41] = 94  # the disc L4/L5 as L3/L4, too
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine), path)
    out, outcome = prepare(tmp_path, "t2,ALS,1,,m.nii", code=4)
    assert indices(out) == {"ALS_1_2": 24, "ALS_1_5": 2}
    assert ("row 2", "error", "unclear-level") in problems(out)
    assert "L3 in the label map is not one disc" in outcome.err


def tilted(degrees, number, series_number) -> list:
    """Three slices of one tilt about the left–right axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    across, down, normal = np.eye(3)[0], np.array([0, c, -s]), np.array([0, s, c])
    places = [(across, down, normal * 4 * k - [0, 0, 50], (2.0, 2.0)) for k in range(3)]
    return [mr(picture(k), number + k, place, series=series_number) for k, place in enumerate(places)]


@pytest.mark.parametrize(
    ("degrees", "alone", "code", "found"),
    [
        (44, False, 0, []),
        (46, False, 0, ["steep-slice"]),
        (59, False, 0, ["steep-slice"]),
        (61, False, 3, ["not-axial"]),
        (47, True, 0, ["steep-slice"]),
        (75, True, 3, ["not-axial"]),
    ],
)
def test_how_steep_a_slice_can_be(tmp_path, degrees, alone, code, found):
    axial = [] if alone else [mr(picture(k), k + 1, plane(4.0 * k), series=1) for k in range(3)]
    write(tmp_path / "study", axial + tilted(degrees, 11, 1))
    _, outcome = prepare(
        tmp_path, ",ALS,1,5,12", columns="source,group,patient,segment,slice", options=(), code=code
    )
    if code:
        assert found == ["not-axial"]
        assert "60° in a series of axial slices" in outcome.err
    else:
        assert [code for *_, code in problems(tmp_path / "out")] == found


def test_a_steep_series_beside_an_axial_one_has_to_be_asked_for(tmp_path):
    """As one along the sacrum, for the sacroiliac joints: it does not make the axial series ambiguous."""
    write(tmp_path / "study" / "a", [mr(picture(k), k + 1, plane(4.0 * k), series=1) for k in range(3)])
    write(tmp_path / "study" / "b", tilted(50, 11, 2))
    columns = "source,group,patient,segment,slice"
    out, _ = prepare(tmp_path, ",ALS,1,3,2", columns=columns, options=())
    assert problems(out) == []
    out, outcome = prepare(tmp_path, ",ALS,1,3,12,2", columns=f"{columns},series", options=())
    assert [code for *_, code in problems(out)] == ["steep-slice"]
    assert "tilted by 50°" in outcome.err


def test_copies_and_other_versions_of_a_slice(tmp_path):
    folder = series(tmp_path / "study" / "t2", range(4))
    (tmp_path / "study" / "again").mkdir()
    for path in folder.iterdir():
        (tmp_path / "study" / "again" / path.name).write_bytes(path.read_bytes())
    columns = "source,group,patient,segment,slice"
    out, outcome = prepare(tmp_path, ",ALS,1,3,2", columns=columns, options=())
    assert (indices(out), problems(out)) == ({"ALS_1_3": 1}, [])
    other = pydicom.dcmread(tmp_path / "study" / "again" / "IM0001")
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(tmp_path / "study" / "again" / "IM0001")
    _, outcome = prepare(tmp_path, ",ALS,1,3,2", columns=columns, options=(), code=3)
    assert (
        "2 slices with the number 2, whose files have one SOPInstanceUID and different content" in outcome.err
    )


def test_a_disc_between_blocks_does_not_take_the_slice_of_another(tmp_path):
    """The block of L5/S1, steep by 47°, reaches the back edge of the disc L4/L5, which has no block."""
    write(tmp_path / "study" / "t2", tilted(-47, 1, 1))
    c, s = np.cos(np.radians(47)), np.sin(np.radians(47))
    # The middle of the disc lies 15 mm above the middle slice along its normal, 11 mm above the upper one.
    normal, down = np.array([0, -s, c]), np.array([0, c, s])
    middle = normal * 4 - [0, 0, 50] + 15 * normal + 18 * down + [20, 0, 0]
    voxels = np.zeros((41, 61, 61), np.int16)
    voxels[1:40, 5:56, 25:36] = 95
    lps = np.eye(4)
    lps[:3, 3] = middle - [20, 30, 30]
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, -1, 1, 1]) @ lps), tmp_path / "study" / "m.nii")
    _, outcome = prepare(tmp_path, "t2,ALS,1,4,m.nii", code=3)
    words = "the nearest slice, 3, lies 11.0 mm below the middle of L4; expected one within 10 mm"
    assert words in outcome.err


@pytest.mark.parametrize(("change", "code"), [(1e-7, 0), (-1e-7, 0), (0.02, 3)])
def test_labels_that_are_nearly_whole(tmp_path, change, code):
    series(tmp_path / "study" / "t2")
    path = label_map(tmp_path / "study" / "m.nii")
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj) * (1 + change)
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine), path)
    out, outcome = prepare(tmp_path, "t2,ALS,1,,m.nii", code=code)
    if code:
        assert "numbers that are not whole, such as 96.9" in outcome.err
    else:
        assert indices(out) == {"ALS_1_2": 24, "ALS_1_3": 16, "ALS_1_4": 9, "ALS_1_5": 2}


def test_a_map_that_is_numbered_from_the_foot(tmp_path):
    series(tmp_path / "study" / "t2")
    turned = dict(zip(DISCS, reversed(DISCS.values()), strict=True))
    label_map(tmp_path / "study" / "m.nii", turned)
    _, outcome = prepare(tmp_path, "t2,ALS,1,,m.nii", code=3)
    assert "the middle of L2 lies 27 mm below that of L3 in the label map" in outcome.err
