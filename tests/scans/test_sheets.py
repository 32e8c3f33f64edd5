"""Contact sheets and the proposal for levels.csv: lines and levels are where the headers put them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.imaging.planes import Plane, upright
from mriparaspinal.io.series_name import technical_words
from tests.support.builders.scans import levels, mr, write
from tests.support.builders.study import read_csv, run

nibabel = pytest.importorskip("nibabel")

X, Y, Z = np.eye(3)

#: The colours of the lines on a scout: of a slice, and of one that is proposed.
YELLOW, CYAN = (240, 228, 66), (86, 220, 255)


def axial(folder: Path, heights: list[float], series: int = 5) -> Path:
    """Slices of 100 × 100 mm at such heights, numbered from the head."""
    disc = np.hypot(*np.mgrid[-50:50, -50:50]) < 45
    order = sorted(heights, reverse=True)
    slices = [
        mr(900 * disc, order.index(z) + 1, (X, Y, np.array([0, 0, z]), (1, 1)), series) for z in heights
    ]
    return write(folder, placed(slices, "1.2.4", "T2_tse_tra MUELLER"))


def sagittal(folder: Path, frame: str = "1.2.4") -> Path:
    """The plane x = 50 mm, from 200 mm to 0 mm of height, brighter towards the head."""
    pixels = np.repeat(np.arange(201)[:, None] * 4, 100, axis=1)  # stored with the feet up
    return write(
        folder, placed([mr(pixels, 1, (Y, Z, np.array([50, 0, 0]), (1, 1)), series=2)], frame, "t2 sag")
    )


def placed(slices, frame, name):
    for one in slices:
        one.StudyInstanceUID, one.FrameOfReferenceUID, one.SeriesDescription = "1.2.3", frame, name
    return slices


def sheet(folder: Path, number: int) -> np.ndarray:
    with Image.open(folder / f"sheet_{number}.png") as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def rows_of(picture: np.ndarray, colour: tuple[int, int, int]) -> list[float]:
    """The middles of the lines of a colour that run through the left of a sheet."""
    found = np.flatnonzero((abs(picture[:, 20:40] - colour).max(axis=2) < 40).all(axis=1))
    lines = np.split(found, np.flatnonzero(np.diff(found) > 1) + 1)
    return [float(line.mean()) for line in lines if len(line)]


def test_five_places_are_proposed_and_drawn_on_the_scout(tmp_path):
    axial(tmp_path / "in" / "ax", [30, 60, 95, 130, 160])
    sagittal(tmp_path / "in" / "sag")
    assert run("prepare", tmp_path / "in", "--contact-sheet", "--out", tmp_path / "out").code == 0
    rows = read_csv(tmp_path / "out" / "levels.csv")
    assert [(row["segment"], row["slice"], row["series"]) for row in rows] == [
        *(("L1", "1", "5"), ("L2", "2", "5"), ("L3", "3", "5"), ("L4", "4", "5"), ("L5", "5", "5"))
    ]
    assert all(row["source"] == "ax" and not row["confirmed"] for row in rows)
    assert rows[0]["proposal"] == "five places 30 to 35 mm apart, taken as L1 to L5: see sheet_2.png"
    lines = rows_of(sheet(tmp_path / "out", 2), CYAN)
    # 100 mm are 600 px, the head up: the slices from 160 mm down to 30 mm.
    assert np.allclose(np.diff(lines), [180, 210, 210, 180], atol=1.5)


@pytest.mark.parametrize("heights", [[10, 20, 30, 40, 50], [0, 30, 60, 90, 120, 150], [0, 30, 60, 90, 150]])
def test_other_places_are_not_proposed(tmp_path, heights):
    axial(tmp_path / "in", heights)
    assert run("prepare", tmp_path / "in", "--contact-sheet", "--out", tmp_path / "out").code == 0
    rows = read_csv(tmp_path / "out" / "levels.csv")
    assert [row["segment"] for row in rows] == ["L1", "L2", "L3", "L4", "L5"]
    assert not any(row["slice"] for row in rows)


def test_of_a_block_the_middle_slice_is_proposed(tmp_path):
    axial(tmp_path / "in", [z + step for z in (0, 35, 70, 105, 140) for step in (-4, 0, 4)])
    assert run("prepare", tmp_path / "in", "--contact-sheet", "--out", tmp_path / "out").code == 0
    assert [row["slice"] for row in read_csv(tmp_path / "out" / "levels.csv")] == ["2", "5", "8", "11", "14"]


def test_a_scout_of_other_coordinates_is_none(tmp_path):
    axial(tmp_path / "in" / "ax", [30, 40, 50])
    sagittal(tmp_path / "in" / "sag", frame="1.2.5")
    assert run("prepare", tmp_path / "in", "--contact-sheet", "--out", tmp_path / "out").code == 0
    assert not (abs(sheet(tmp_path / "out", 2) - YELLOW).max(axis=2) < 40).any()
    assert (tmp_path / "out" / "levels.csv").read_text().count("\n") == 1  # three slices are no five levels


def label_map(path: Path, heights: dict[int, int]) -> None:
    """Discs of 6 mm around such heights, in voxels of 2 mm."""
    voxels = np.zeros((20, 20, 110), np.int16)
    for value, z in heights.items():
        voxels[:, :, z // 2 - 1 : z // 2 + 2] = value
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])  # RAS+, from the LPS+ corner (30, 30, 0)
    affine[:2, 3] = -30
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def test_a_label_map_beside_the_series_is_proposed_confirmed_and_prepared(tmp_path):
    for series, who in enumerate(("P1", "P2"), 5):
        axial(tmp_path / "in" / who / "ax", list(range(0, 200, 5)), series)
    label_map(tmp_path / "in" / "P1" / "discs.nii.gz", {121: 130, 122: 100, 123: 70, 124: 40})
    more = ("--level-numbering", "spineps")
    out = tmp_path / "out"
    assert run("prepare", tmp_path / "in", "--contact-sheet", "--out", out, *more).code == 0
    found = {(r["source"], r["segment"]): r["slice"] for r in read_csv(out / "levels.csv")}
    # Slice 1 is at 195 mm, and each further one 5 mm lower.
    heights = {"L2": 130, "L3": 100, "L4": 70, "L5": 40}
    assert {s: found["P1/ax", s] for s in heights} == {s: str((195 - z) // 5 + 1) for s, z in heights.items()}
    assert not found["P1/ax", "L1"]
    why = {r["segment"]: r["proposal"] for r in read_csv(out / "levels.csv") if r["source"] == "P1/ax"}
    assert why["L3"] == "by P1/discs.nii.gz, 0.0 mm from the middle: see sheet_1.png"
    assert why["L1"] == "not found by P1/discs.nii.gz: see sheet_1.png"
    assert not any(found["P2/ax", segment] for segment in heights)  # the map of another patient
    assert sorted(path.name for path in out.glob("sheet_*")) == ["sheet_1.png", "sheet_2.png"]
    refused = run("prepare", tmp_path / "in", "--levels", out / "levels.csv", "--out", tmp_path / "scans")
    assert (refused.code, (tmp_path / "scans").exists()) == (3, False)
    rows = [f"P1/ax,ALS,1,{s},{found['P1/ax', s]},5,yes,seen" for s in heights]
    columns = (out / "levels.csv").read_text().splitlines()[0]
    table = levels(tmp_path / "mine.csv", *rows, "P2/ax,ALS,2,L1,3,6,no,seen", columns=columns)
    made = run("prepare", tmp_path / "in", "--levels", table, "--out", tmp_path / "scans")
    assert made.code == 0
    assert "prepared 4 slices of 4 rows" in made.err


def volume(path: Path, voxels: np.ndarray, steps: tuple[float, float, float] = (2, 2, 5)) -> Path:
    """A volume of such voxels (right to left, back to front, foot to head) in steps of so many mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-steps[0], steps[1], steps[2], 1.0])), path)
    return path


def body(slices: int = 6) -> np.ndarray:
    """Noise: fat around 1000, in it muscle around 100."""
    voxels = np.random.default_rng(1).normal(1000, 20, (50, 50, slices))
    voxels[15:35, 15:35] *= 0.1
    return voxels.round().astype(np.int16)


def sheets_of(sources: Path, out: Path, *options: object) -> str:
    """Write contact sheets; what was said."""
    outcome = run("prepare", sources, "--contact-sheet", "--out", out, *options)
    assert outcome.code == 0, outcome.err
    return outcome.err


def test_the_file_of_a_volume_stands_on_its_sheet(tmp_path):
    for name in ("fat", "water"):
        volume(tmp_path / name / f"{name}.nii.gz", body())
        sheets_of(tmp_path / name, tmp_path / f"{name}_out")
    one, other = (sheet(tmp_path / f"{name}_out", 1) for name in ("fat", "water"))
    assert (one != other).any(axis=(1, 2))[14:40].any(), "the first line tells them apart"
    assert (one == other)[40:].all()


def test_dark_muscle_can_be_seen(tmp_path):
    voxels = np.zeros((50, 50, 3), np.int16)
    voxels[1:-1, 1:-1], voxels[15:35, 15:35], voxels[20:30, 20:30] = 1000, 100, 50
    volume(tmp_path / "in" / "fat.nii.gz", voxels + np.arange(50, dtype=np.int16)[:, None, None] % 2)
    sheets_of(tmp_path / "in", tmp_path / "out")
    # 1000 is 255; the square root of 255 · 25.5 is 81, where a straight line would give 26.
    shown = sheet(tmp_path / "out", 1)[118:538, 14:434].mean(axis=2)
    assert np.median(shown[140:165, 140:165]) == pytest.approx(81, abs=3)


def test_a_label_map_has_no_sheet_and_no_rows(tmp_path):
    volume(tmp_path / "in" / "fat.nii.gz", body())
    muscles = np.zeros((50, 50, 6), np.float32)
    muscles[20:25, 20:30], muscles[25:30, 20:30] = 1, 2
    volume(tmp_path / "in" / "muscles.nii.gz", muscles)
    middles = np.zeros((50, 50, 6), np.int16)
    middles[25, 25, 1], middles[25, 25, 4] = 44, 43  # one voxel a level
    volume(tmp_path / "in" / "points.nii.gz", middles)
    said = sheets_of(tmp_path / "in", tmp_path / "out")
    assert "no sheet of muscles.nii.gz, points.nii.gz: a label map; if it has the levels, --" in said
    assert said.endswith("/out/levels.csv --out scans --window LOW,HIGH\n")
    assert [path.name for path in tmp_path.glob("out/sheet_*")] == ["sheet_1.png"]
    assert {row["source"] for row in read_csv(tmp_path / "out" / "levels.csv")} == {"fat.nii.gz"}


def test_an_image_of_eight_bits_is_no_label_map(tmp_path):
    volume(tmp_path / "in" / "t2.nii.gz", (body() // 5).astype(np.uint8))
    volume(tmp_path / "in" / "empty.nii.gz", np.zeros((50, 50, 6), np.uint8))
    sheets_of(tmp_path / "in", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.glob("out/sheet_*")) == ["sheet_1.png", "sheet_2.png"]


@pytest.mark.parametrize(("folder", "image"), [("TUM01/volumes", (1, 3)), ("totalseg_mr", (1,))])
def test_the_label_maps_of_real_volumes_are_found(shared, tmp_path, folder, image):
    sheets_of(shared / "real" / folder, tmp_path / "out")
    found = sorted(path.name for path in tmp_path.glob("out/sheet_*"))
    assert found == [f"sheet_{number}.png" for number in image]


@pytest.mark.parametrize("swap", [False, True])
def test_a_sagittal_volume_is_a_scout_however_it_is_stored(tmp_path, swap):
    """Columns along the body, as most converters write it, or rows."""
    volume(tmp_path / "in" / "ax.nii.gz", body(5), (2, 2, 30))
    voxels = np.random.default_rng(2).normal(500, 50, (5, 50, 141)).astype(np.int16)
    affine = np.diag([-8.0, 2.0, 1.0, 1.0])
    affine[:3, 3] = -34, 0, -10
    if swap:
        voxels, affine = voxels.swapaxes(1, 2), affine[:, [0, 2, 1, 3]]
    nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / "in" / "sag.nii.gz")
    sheets_of(tmp_path / "in", tmp_path / "out")
    lines = rows_of(sheet(tmp_path / "out", 1), CYAN)
    # 100 mm are 600 px; the highest slice, at 120 mm, lies 10.5 mm below the upper edge at 130.5 mm.
    top = 14 + 3 * 26 + 14
    assert np.allclose(lines, top + 6 * (130.5 - np.array([120, 90, 60, 30, 0])), atol=1.5)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("T2_TSE_tra", "T2 TSE tra"),
        ("t2 sag Meier Hans", "t2 sag …"),
        ("LASTNAME^FIRST", ""),
        ("19610312 t1", "… t1"),
    ],
)
def test_of_the_name_of_a_series_the_words_of_the_field_are_kept(text, kept):
    assert technical_words(text) == kept


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("flips", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_a_sagittal_slice_is_shown_with_the_head_up_and_the_front_left(swap, flips):
    shown = np.arange(12).reshape(3, 4)  # rows from the head, columns from the front
    across, down, pixels = Y * flips[1], -Z * flips[0], shown[:: flips[0], :: flips[1]]
    if swap:
        across, down, pixels = down, across, pixels.T
    plane = Plane(tuple(across), tuple(down), (0.0, 0.0, 0.0), 1.0, 1.0)
    turned, at = upright(pixels, plane)
    assert (turned == shown).all()
    assert np.allclose([at.across, at.down], [Y, -Z])
