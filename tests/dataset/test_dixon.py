"""Fat fractions: against NumPy on the volumes, and what is refused where the grids do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal.imaging.planes import Plane, radiological, volume_plane
from mriparaspinal.imaging.slice_position import COLUMNS, cells
from mriparaspinal.io.tables import csv_bytes
from tests.support.builders.scans import levels, lps_slices, write
from tests.support.builders.slices import SHAPES, grey_image, write_slice
from tests.support.builders.study import problems_of, rows_of, run

#: Voxel → mm (RAS+ as NIfTI has it): 1.5×2 mm pixels, 4 mm slices, axes L-P-S as the scanner stores them.
AFFINE = np.array([[-1.5, 0, 0, 70.0], [0, -2.0, 0, 90.0], [0, 0, 4.0, -30.0], [0, 0, 0, 1]])
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SLICE = 3


def volume(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    image = nibabel.Nifti1Image(voxels.astype(np.float32), affine)
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def signals(seed: int, shape=(100, 100, 6)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 900, shape).astype(np.float32)


def place_row(image: str, affine: np.ndarray = AFFINE, axis: int = 2, index: int = SLICE):
    plane = volume_plane(TO_LPS @ affine, axis, index)
    assert plane is not None
    _, turned = radiological(np.zeros((100, 100)), plane)
    return (image, turned.row_spacing_mm, turned.col_spacing_mm, *cells(turned, 4.0)), turned


def dataset(folder: Path, row=None, shapes=SHAPES) -> Path:
    write_slice(folder, "ALS_1_3", grey_image(), shapes)
    row = row or place_row("ALS_1_3.png")[0]
    (folder / "slices.csv").write_bytes(
        csv_bytes(("image", "row_spacing_mm", "col_spacing_mm", *COLUMNS), [row])
    )
    return folder


def boxes():
    for shape in SHAPES:
        (left, top), _, (right, bottom), _ = shape["points"]
        mask = np.zeros((100, 100), dtype=bool)
        mask[int(top) : int(bottom) + 1, int(left) : int(right) + 1] = True  # Pillow's rule, of upright boxes
        yield shape["label"], mask


def check_rows(results: Path, fat: np.ndarray, water: np.ndarray) -> None:
    """``fat``, ``water``: as displayed, (rows, columns)."""
    rows = {f"{row['muscle']}_{row['side'][0].upper()}": row for row in rows_of(results)}
    for label, mask in boxes():
        if label == "IVD":
            continue
        f, w = fat[mask].astype(np.float64), water[mask].astype(np.float64)
        known = f + w > 0
        fractions = f[known] / (f + w)[known]
        row = rows[label]
        assert float(row["fat_fraction_mean"]) == pytest.approx(fractions.mean(), rel=1e-12)
        assert float(row["fat_fraction_pooled"]) == pytest.approx(f.sum() / (f + w).sum(), rel=1e-12)
        assert int(row["fat_px"]) == np.count_nonzero(fractions > 0.5)
        assert int(row["csa_px"]) == np.count_nonzero(mask)
        assert (row["threshold"], row["fat_rule"]) == ("0.5", "dixon")
    left, right, both = rows["MF_L"], rows["MF_R"], rows["MF_B"]
    assert int(both["fat_px"]) == int(left["fat_px"]) + int(right["fat_px"])
    masks = dict(boxes())
    pooled = masks["MF_L"] | masks["MF_R"]
    assert float(both["fat_fraction_pooled"]) == pytest.approx(
        fat[pooled].sum(dtype=np.float64) / (fat[pooled] + water[pooled]).sum(dtype=np.float64), rel=1e-12
    )


def quantify(folder: Path, *options: object):
    given = ("--fat", folder / "fat", "--water", folder / "water")
    return run(
        "quantify", folder / "scans", "--out", folder / "out", "--fat-rule", "dixon", *(options or given)
    )


def displayed(voxels: np.ndarray) -> np.ndarray:
    # Axes L-P-S: the column number grows to the left, the row number to the back, as on the display.
    return voxels[:, :, SLICE].T


def test_fat_fractions_are_those_of_numpy(tmp_path):
    fat, water = signals(1), signals(2)
    fat[40:50, :, SLICE] = water[40:50, :, SLICE] = 0  # voxels without signal have no fraction
    dataset(tmp_path / "scans")
    volume(tmp_path / "fat" / "ALS_1.nii.gz", fat)
    volume(tmp_path / "water" / "ALS_1.nii.gz", water)
    done = quantify(tmp_path)
    assert done.code == 0, done.err
    check_rows(tmp_path / "out", displayed(fat), displayed(water))
    manifest = json.loads((tmp_path / "out" / "quantify.json").read_text())
    assert {"fat/ALS_1", "water/ALS_1"} <= set(manifest["inputs"])
    assert str(tmp_path) not in (tmp_path / "out" / "quantify.json").read_text()


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, 1)])
def test_images_stored_the_other_way_round_give_the_same(tmp_path, flips):
    fat, water = signals(1), signals(2)
    dataset(tmp_path / "scans")
    for name, voxels in (("fat", fat), ("water", water)):
        turned = voxels[:: flips[0], :: flips[1], :: flips[2]].transpose(1, 2, 0)
        change = np.eye(4)
        for axis, flip in enumerate(flips):
            if flip < 0:
                change[axis, axis], change[axis, 3] = -1, voxels.shape[axis] - 1
        permuted = (AFFINE @ change)[:, [1, 2, 0, 3]]
        volume(tmp_path / name / "ALS_1.nii", turned, permuted)
    assert quantify(tmp_path).code == 0
    check_rows(tmp_path / "out", displayed(fat), displayed(water))


def test_a_lost_origin_is_refused_until_it_is_said_that_the_voxels_are_the_same(tmp_path):
    fat, water = signals(1), signals(2)
    dataset(tmp_path / "scans")
    moved = AFFINE.copy()
    moved[:3, 3] = 0
    files = (
        "--fat",
        volume(tmp_path / "fat.nii.gz", fat),
        "--water",
        volume(tmp_path / "water.nii.gz", water, moved),
    )
    done = quantify(tmp_path, *files)
    assert done.code == 3  # the only slice is lost
    assert "no water image whose voxels are the slice's pixels" in done.err
    assert "--same-voxels" in done.err
    assert "(-70.0, -90.0, -30.0)" not in done.err  # it is fat that lies there
    done = quantify(tmp_path, *files, "--same-voxels")
    assert done.code == 0, done.err
    check_rows(tmp_path / "out", displayed(fat), displayed(water))
    assert json.loads((tmp_path / "out" / "quantify.json").read_text())["settings"]["same_voxels"] is True


@pytest.mark.parametrize("turn", [(False, 1, 1, 0.0), (True, 1, -1, 0.2), (False, -1, -1, -0.3)])
def test_dicom_series_of_fat_and_water(tmp_path, turn):
    """Prepared from the fat series, as the scanner stored it: turned, mirrored, tilted."""
    swap, rows, columns, tilt = turn
    fat, water = signals(1).astype(np.uint16), signals(2).astype(np.uint16)
    for series, (name, voxels) in enumerate((("fat", fat), ("water", water)), 5):
        # Voxels by x to the left and y to the back: what ``signals`` is on the display.
        write(tmp_path / name / "ALS_1", lps_slices(voxels, swap, rows, columns, tilt, series=series))
    slice_number = 6 - SLICE  # numbered from head to foot
    table = levels(tmp_path / "levels.csv", f"ALS_1,ALS,1,3,{slice_number}")
    scans = tmp_path / "scans"
    assert run("prepare", tmp_path / "fat" / "ALS_1", "--levels", table, "--out", scans).code == 0
    write_slice(tmp_path / "contours", "ALS_1_3", grey_image())
    (scans / "ALS_1_3.json").write_bytes((tmp_path / "contours" / "ALS_1_3.json").read_bytes())
    done = quantify(tmp_path)
    assert done.code == 0, done.err
    check_rows(tmp_path / "out", displayed(fat), displayed(water))
    # Two series in one folder are two images of one slice: nothing says which is meant.
    for path in (tmp_path / "water" / "ALS_1").iterdir():
        (tmp_path / "fat" / "ALS_1" / f"w{path.name}").write_bytes(path.read_bytes())
    done = quantify(tmp_path)
    assert done.code == 3
    assert "2 images lie on the slice; expected one" in done.err


def test_water_of_another_size_is_never_taken(tmp_path):
    dataset(tmp_path / "scans")
    volume(tmp_path / "fat" / "ALS_1.nii", signals(1))
    volume(tmp_path / "water" / "ALS_1.nii", signals(2, (100, 100, 7)), AFFINE @ np.diag([1, 1, 1.1, 1]))
    done = quantify(tmp_path, "--fat", tmp_path / "fat", "--water", tmp_path / "water", "--same-voxels")
    assert done.code == 3
    assert "0 water stacks of the size and orientation of fat; expected one" in done.err


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("no place", "where it lies in the patient is not known; expected its place in slices.csv"),
        ("no file", "nothing named ALS_1 in --water; expected one of ALS_1.nii.gz"),
        ("two files", "ALS_1.nii and ALS_1.nii.gz in --fat; expected one of"),
        ("negative", "fat values down to -5; expected magnitudes of 0 and more"),
        ("half a pixel", "no fat image whose voxels are the slice's pixels"),
        ("broken", "ALS_1.nii.gz: the header cannot be read as NIfTI"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, change, line):
    row = None
    if change == "half a pixel":
        shifted = AFFINE.copy()
        shifted[0, 3] += 0.75
        row = place_row("ALS_1_3.png", shifted)[0]
    dataset(tmp_path / "scans", row)
    fat = signals(1)
    if change == "negative":
        fat[50, 50, SLICE] = -5
    volume(tmp_path / "fat" / "ALS_1.nii.gz", fat)
    volume(tmp_path / "water" / "ALS_1.nii.gz", signals(2))
    if change == "no place":
        (tmp_path / "scans" / "slices.csv").unlink()
    if change == "no file":
        (tmp_path / "water" / "ALS_1.nii.gz").unlink()
    if change == "two files":
        volume(tmp_path / "fat" / "ALS_1.nii", fat)
    if change == "broken":
        (tmp_path / "fat" / "ALS_1.nii.gz").write_bytes(b"not a volume")
    done = quantify(tmp_path)
    assert done.code == 3
    assert line in done.err
    assert "Traceback" not in done.err
    assert str(tmp_path) not in done.err.split("mriparaspinal:")[0]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--fat-rule", "dixon"), "--fat-rule dixon: no --fat and --water"),
        (("--fat", "here"), "--fat, --water: given with the fat rule fixed"),
        (("--same-voxels",), "--same-voxels: given with the fat rule fixed"),
        (("--fat-rule", "dixon", "--fat", "nowhere", "--water", "nowhere"), "--fat: nowhere does not exist"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, options, line):
    dataset(tmp_path / "scans")
    done = run("quantify", tmp_path / "scans", "--out", tmp_path / "out", *options)
    assert done.code == 2
    assert line in done.err


def test_one_volume_for_several_participants_is_refused(tmp_path):
    dataset(tmp_path / "scans")
    write_slice(tmp_path / "scans", "ALS_2_3")
    one = volume(tmp_path / "one.nii", signals(1))
    done = quantify(tmp_path, "--fat", one, "--water", one)
    assert done.code == 2
    assert "--fat: one file for 2 participants; expected one for each" in done.err


def test_jobs_do_not_change_a_byte(tmp_path):
    dataset(tmp_path / "scans")
    for name, seed in (("fat", 1), ("water", 2)):
        volume(tmp_path / name / "ALS_1.nii.gz", signals(seed))
    outputs = []
    for jobs in (1, 2):
        options = ("--fat", tmp_path / "fat", "--water", tmp_path / "water", "--jobs", jobs)
        assert quantify(tmp_path, *options).code == 0
        outputs.append((tmp_path / "out" / "L3.csv").read_bytes())
    assert outputs[0] == outputs[1]


def test_the_real_volumes_with_their_lost_origin(tmp_path, shared):
    """TUM01: prepared from the fat volume; contours of the published slices; water's origin is lost."""
    volumes = shared / "real" / "TUM01" / "volumes"
    at = ((5, 2), (4, 10), (3, 18), (2, 27))
    levels(tmp_path / "levels.csv", *(f"fat.nii.gz,HV,1,{segment},{k + 1}" for segment, k in at))
    scans = tmp_path / "scans"
    done = run(
        "prepare", volumes, "--levels", tmp_path / "levels.csv", "--window", "percentile", "--out", scans
    )
    assert done.code == 0, done.err
    for path in (shared / "real" / "TUM01").glob("HV_1_*.json"):
        (scans / path.name).write_bytes(path.read_bytes())
    files = ("--fat", volumes / "fat.nii.gz", "--water", volumes / "water.nii.gz")
    done = run("quantify", scans, "--out", tmp_path / "out", "--fat-rule", "dixon", *files)
    assert done.code == 3
    assert "--same-voxels" in done.err
    done = run("quantify", scans, "--out", tmp_path / "out", "--fat-rule", "dixon", *files, "--same-voxels")
    assert done.code == 0, done.err
    fat, water = (
        np.asarray(nibabel.load(volumes / f"{name}.nii.gz").dataobj, dtype=np.float64)
        for name in ("fat", "water")
    )
    rows = [row for row in rows_of(tmp_path / "out") if row["side"] != "both"]
    assert len(rows) == 24
    for row in rows:
        k = {"L5": 2, "L4": 10, "L3": 18, "L2": 27}[row["segment"]]
        shapes = json.loads((scans / row["image"]).with_suffix(".json").read_text())["shapes"]
        label = f"{row['muscle']}_{row['side'][0].upper()}"
        canvas = Image.new("L", (400, 400))
        for shape in shapes:
            if shape["label"] == label:
                ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
        mask = np.asarray(canvas).T == 1  # the volume's axes are column, row, slice
        f, w = fat[:, :, k][mask], water[:, :, k][mask]
        assert float(row["fat_fraction_pooled"]) == pytest.approx(f.sum() / (f + w).sum(), rel=1e-12)
        assert float(row["fat_fraction_mean"]) == pytest.approx((f / (f + w))[f + w > 0].mean(), rel=1e-12)
    assert "error" not in {severity for _, _, severity, _ in problems_of(tmp_path / "out")}


def test_the_plane_of_the_test_is_the_display():
    _, turned = place_row("x.png")
    assert isinstance(turned, Plane)
    assert turned.across == pytest.approx((1, 0, 0))
    assert turned.down == pytest.approx((0, 1, 0))


@pytest.mark.parametrize("codes", [(2, 1), (2, 2)])
def test_fat_whose_header_tells_two_places(tmp_path, codes):
    """Fat and water were registered to something: the place of the scanner is in the qform alone."""
    voxels = {"fat": signals(1), "water": signals(2)}
    dataset(tmp_path / "scans")
    for name, values in voxels.items():
        image = nibabel.Nifti1Image(values, None)
        image.set_qform(AFFINE, code=codes[1])
        moved = AFFINE.copy()
        moved[2, 3] += 4
        image.set_sform(moved, code=codes[0])
        image.header.set_xyzt_units("mm")
        (tmp_path / name).mkdir()
        nibabel.save(image, tmp_path / name / "ALS_1.nii.gz")
    arguments = ["quantify", tmp_path / "scans", "--out", tmp_path / "out", "--fat-rule", "dixon"]
    arguments += ["--fat", tmp_path / "fat", "--water", tmp_path / "water"]
    outcome = run(*arguments)
    if codes == (2, 2):
        assert "say by --affine sform or --affine qform" in outcome.err
        outcome = run(*arguments, "--affine", "qform")
    else:
        told = {(file, code) for file, _, _, code in problems_of(tmp_path / "out") if code == "two-places"}
        assert told == {("fat/ALS_1", "two-places"), ("water/ALS_1", "two-places")}
    assert outcome.code == 0, outcome.err
    fat, water = (values[:, :, SLICE].T for values in voxels.values())
    fraction = fat / (fat + water)
    found = {
        (row["muscle"], row["side"]): float(row["fat_fraction_mean"]) for row in rows_of(tmp_path / "out")
    }
    for label, mask in boxes():
        muscle, _, side = label.partition("_")
        if side:
            key = muscle, {"L": "left", "R": "right"}[side]
            assert found[key] == pytest.approx(np.nanmean(fraction[mask]), rel=1e-12)


def test_a_study_of_fat_and_water_is_made_again_where_one_of_their_voxels_is_another(tmp_path):
    folder = dataset(tmp_path / "scans")
    fat = volume(tmp_path / "fat" / "ALS_1.nii.gz", signals(1))
    water = volume(tmp_path / "water" / "ALS_1.nii.gz", signals(2))
    how = ("--fat-rule", "dixon", "--fat", fat.parent, "--water", water.parent, "--out", tmp_path / "study")
    assert "ran: 1 of 1 slice measured" in run("run", folder, *how).err
    assert "nothing was done" in run("run", folder, *how).err
    voxels = signals(2)
    voxels[50, 50, SLICE] += 1
    volume(water, voxels)
    outcome = run("run", folder, *how)
    assert "since the last run: changed: ALS_1.nii.gz (water); doing all steps" in outcome.err
    assert "ran: 1 of 1 slice measured" in outcome.err
