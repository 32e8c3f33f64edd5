"""Commands on a dataset with several slices per segment."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

import mriparaspinal as mp
from mriparaspinal.imaging.slice_position import COLUMNS as GEOMETRY
from tests.support.builders.slices import SHAPES, grey_image, polygon, write_slice
from tests.support.builders.study import PROJECT, comparisons_of, fingerprint, read_csv, run

TUM01 = PROJECT.parent / "shared" / "real" / "TUM01" / "volumes"


def slices_csv(
    folder: Path, places: dict[str, tuple[float, ...]], spacings: tuple[float, float, float]
) -> None:
    """Image → position and both directions; ``spacings``: rows, columns, slices (mm)."""
    row, column, between = spacings
    lines = [["image", "row_spacing_mm", "col_spacing_mm", *GEOMETRY]]
    lines += [[image, row, column, between, *numbers] for image, numbers in places.items()]
    text = "\n".join(",".join(map(str, line)) for line in lines)
    (folder / "slices.csv").write_text(text + "\n", encoding="utf-8")


def stacks(folder: Path, shift: float = 0.0) -> Path:
    """Six participants with three slices of L3 and one of L4; ``shift`` moves the contours, in pixels."""
    shapes = [polygon(s["label"], np.add(s["points"], (shift, 0))) for s in SHAPES]
    places = {}
    for number, who in enumerate(f"{group}_{n}" for group in ("ALS", "LR") for n in (1, 2, 3)):
        for level, letter in ((3, "_a"), (3, "_b"), (3, "_c"), (4, "")):
            stem = f"{who}_{level}{letter}"
            z = len(places) % 4 * 5 if level == 3 else 100
            write_slice(folder, stem, grey_image(seed=10 * number + len(places)), shapes)
            places[f"{stem}.png"] = (0, 0, z, 1, 0, 0, 0, 1, 0)
    slices_csv(folder, places, (0.5, 0.5, 5))
    sides = "".join(f"{g}_{n},{g},left\n" for g in ("ALS", "LR") for n in (1, 2, 3))
    (folder / "participants.csv").write_text(f"participant_id,group,onset_side\n{sides}")
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("stacks")
    for name, shift in (("a", 0.0), ("b", 1.0)):
        stacks(home / f"scans_{name}", shift)
        assert run("quantify", home / f"scans_{name}", "--out", home / name, "--jobs", 2).code == 0
    return home


def test_quantify_writes_one_row_per_region_and_the_slices_beside(study):
    l3, l4 = read_csv(study / "a" / "L3.csv"), read_csv(study / "a" / "L4.csv")
    assert (len(l3), len(l4), len(read_csv(study / "a" / "L3_slices.csv"))) == (54, 54, 162)
    assert {(row["slices"], row["volume_ml"] == "") for row in l3} == {("3", False)}
    assert {(row["slices"], row["volume_ml"]) for row in l4} == {("1", "")}
    assert not (study / "a" / "L4_slices.csv").exists()
    outputs = json.loads((study / "a" / "quantify.json").read_text())["outputs"]
    assert {"L3.csv", "L3_slices.csv", "L4.csv"} <= set(outputs)


def test_check_counts_the_slices(study):
    outcome = run("check", study / "scans_a")
    assert outcome.code == 0
    assert "checked 24 slices: 0 errors, 0 warnings" in outcome.err


def test_compare_takes_the_segments_and_volumes_on_request(study):
    rows = comparisons_of(study / "a", metrics=["fi", "volume_ml"])
    volumes = [r for r in rows if r["metric"] == "volume_ml" and r["segment"] == "L3"]
    assert {(r["n_a"], r["n_b"]) for r in volumes} == {("3", "3")}
    assert {r["n_a"] for r in rows if r["metric"] == "fi"} == {"3"}


def test_a_participants_column_of_the_same_name_is_left_out_with_a_note(study, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("participant_id,group,slices\n" + "".join(f"ALS_{n},ALS,9\n" for n in (1, 2, 3)))
    said = "column slices left out: the measurements have a column of that name"
    assert said in "\n".join(mp.compare(study / "a", participants=people).notes)


def test_stacks_of_unlike_height_are_noted(study, tmp_path):
    stacks(tmp_path / "scans")
    for ending in ("png", "json"):
        (tmp_path / "scans" / f"ALS_1_3_c.{ending}").unlink()
    run("quantify", tmp_path / "scans", "--out", tmp_path / "results")
    unlike, alike = ("\n".join(mp.compare(folder).notes) for folder in (tmp_path / "results", study / "a"))
    assert "L3: rows stand for 2 to 3 slices" in unlike
    assert "rows stand for" not in alike


def test_threshold_sweep_adds_the_slices_of_a_stack(study, tmp_path):
    outcome = run("threshold-sweep", study / "a", "--dataset", study / "scans_a", "--out", tmp_path)
    assert outcome.code == 0, outcome.err
    swept = {
        (r["segment"], r["muscle"]): float(r["fi_mean"])
        for r in read_csv(tmp_path / "sweep.csv")
        if r["threshold"] == "100" and r["segment"]
    }
    grey = [
        np.stack([np.asarray(Image.open(study / "scans_a" / f"{who}_3_{c}.png")) for c in "abc"])
        for who in ("ALS_1", "ALS_2", "ALS_3", "LR_1", "LR_2", "LR_3")
    ]
    sides = [g[:, 65:85, columns] for g in grey for columns in (slice(35, 45), slice(55, 65))]
    expected = np.mean([np.count_nonzero(mf > 100) / mf.size for mf in sides])
    assert swept["L3", "MF"] == pytest.approx(expected, rel=1e-12)


def test_threshold_sweep_where_a_stack_is_not_whole(tmp_path):
    stacks(tmp_path / "scans")
    (tmp_path / "scans" / "paraspinal.toml").write_text('contrasts = ["group:ALS-LR"]\n')
    write_slice(tmp_path / "scans", "ALS_1_3_b", grey_image(seed=1), SHAPES[1:])
    (tmp_path / "scans" / "LR_1_3_c.json").unlink()
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "results").code == 4
    outcome = run(
        "threshold-sweep", tmp_path / "results", "--dataset", tmp_path / "scans", "--out", tmp_path / "s"
    )
    assert outcome.code == 0, outcome.err


def test_raters_agree_on_stacks_and_masks_are_compared_slice_by_slice(study, tmp_path):
    datasets = "--dataset", study / "scans_a", "--dataset", study / "scans_b"
    mean = tmp_path / "mean"
    outcome = run(
        "reliability", study / "a", study / "b", *datasets, "--out", tmp_path / "out", "--mean-out", mean
    )
    assert outcome.code == 0, outcome.err
    rows = read_csv(tmp_path / "out" / "overlap.csv")
    assert list(rows[0])[:5] == ["participant_id", "segment", "slice", "muscle", "side"]
    of_als_1 = [r["slice"] for r in rows if r["participant_id"] == "ALS_1" and r["muscle"] == "IVD"]
    assert of_als_1 == ["a", "b", "c", ""]
    # The boxes have 10 columns, and 9 of them in common.
    assert {float(r["dice"]) for r in rows if r["muscle"] == "MF"} == {0.9}
    assert {float(r["hausdorff_mm"]) for r in rows} == {0.5}
    key = {"participant_id": "LR_2", "muscle": "MF", "side": "left"}
    row, *raters = (
        next(r for r in read_csv(folder / "L3.csv") if key.items() <= r.items())
        for folder in (mean, study / "a", study / "b")
    )
    assert row["slices"] == "3"
    assert float(row["volume_ml"]) == pytest.approx(np.mean([float(r["volume_ml"]) for r in raters]))
    assert row["image"] == "LR_2_3_a.png;LR_2_3_b.png;LR_2_3_c.png"
    assert comparisons_of(mean, metrics=["volume_ml"])


def test_raters_of_unlike_stacks(study, tmp_path):
    """Two slices are not the three that the other rater measured: no number of slices, and a note."""
    stacks(tmp_path / "scans")
    for who in ("ALS_1", "LR_1"):
        for ending in ("png", "json"):
            (tmp_path / "scans" / f"{who}_3_c.{ending}").unlink()
    run("quantify", tmp_path / "scans", "--out", tmp_path / "c")
    outcome = run(
        "reliability", study / "a", tmp_path / "c", "--out", tmp_path / "out", "--mean-out", tmp_path / "m"
    )
    assert outcome.code == 0, outcome.err
    assert "slices: left empty where the raters' differ" in outcome.err
    assert "raters measured different numbers of slices" in outcome.err
    assert "ALS_1 L3, LR_1 L3\n" in outcome.err
    told = {r["participant_id"]: r["slices"] for r in read_csv(tmp_path / "m" / "L3.csv")}
    assert told == {"ALS_1": "", "ALS_2": "3", "ALS_3": "3", "LR_1": "", "LR_2": "3", "LR_3": "3"}


def test_a_rater_of_stacks_and_one_of_single_slices(study, tmp_path):
    stacks(tmp_path / "scans")
    for path in [*(tmp_path / "scans").glob("*_a.*"), *(tmp_path / "scans").glob("*_c.*")]:
        path.unlink()
    run("quantify", tmp_path / "scans", "--out", tmp_path / "c")
    mean = "--mean-out", tmp_path / "m"
    outcome = run("reliability", study / "a", tmp_path / "c", "--out", tmp_path / "out", *mean)
    assert "raters measured different numbers of slices" in outcome.err
    assert {r["slices"] for r in read_csv(tmp_path / "m" / "L3.csv")} == {""}
    assert {r["slices"] for r in read_csv(tmp_path / "m" / "L4.csv")} == {"1"}
    assert "volume_ml" not in read_csv(tmp_path / "m" / "L3.csv")[0]


def test_masks_keep_the_letter(study, tmp_path):
    assert run("masks", study / "scans_a", "--out", tmp_path).code == 0
    assert {"ALS_1_3_a_mask.png", "ALS_1_3_c_overlay.png", "ALS_1_4_mask.png"} <= set(fingerprint(tmp_path))


# Real volumes


def painted(label: str, mask: np.ndarray) -> dict:
    """A LabelMe shape of type mask for pixels (rows, columns)."""
    rows, columns = np.nonzero(mask)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    content = io.BytesIO()
    Image.fromarray(mask[top : bottom + 1, left : right + 1]).save(content, "PNG")
    points = [[left, top], [right, bottom]]
    return polygon(label, points, shape_type="mask", mask=base64.b64encode(content.getvalue()).decode())


@pytest.mark.skipif(not TUM01.is_dir(), reason="needs ../shared/real/TUM01/volumes")
def test_volumes_of_real_muscles_are_their_voxels(tmp_path):
    """Axes L-P-S: a slice of the array, transposed, is the radiological display."""
    labels = nibabel.load(TUM01 / "muscles_manual.nii.gz")
    fat = np.asarray(nibabel.load(TUM01 / "fat.nii.gz").dataobj, dtype=float)
    voxels = np.asarray(labels.dataobj).astype(int)
    grey = np.clip(fat / np.percentile(fat, 99) * 255, 0, 255).astype(np.uint8)
    x, y, z = labels.affine[:3, 3]
    steps = np.abs(np.diag(labels.affine)[:3])
    names = {1: "ES_R", 2: "MF_R", 3: "MF_L", 4: "ES_L"}
    whole = [k for k in range(voxels.shape[2]) if set(names) <= set(np.unique(voxels[:, :, k]))]
    assert len(whole) > 20
    places = {}
    for k in whole:
        shapes = [painted(name, value == voxels[:, :, k].T) for value, name in names.items()]
        write_slice(tmp_path / "scans", f"HV_1_3_{k}", grey[:, :, k].T, shapes)
        places[f"HV_1_3_{k}.png"] = (-x, -y, z + steps[2] * k, 1, 0, 0, 0, 1, 0)
    slices_csv(tmp_path / "scans", places, (steps[1], steps[0], steps[2]))
    pattern = r"(?P<group>[A-Z]+)_(?P<patient>\d+)_(?P<segment>\d)_(?P<slice>\d+)"
    outcome = run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--name-pattern", pattern)
    assert "no-volume" not in outcome.err
    rows = {f"{r['muscle']}_{r['side'][0].upper()}": r for r in read_csv(tmp_path / "out" / "L3.csv")}
    assert {row["slices"] for row in rows.values()} == {str(len(whole))}
    inside = voxels[:, :, whole]
    for value, name in names.items():
        mask = inside == value
        volume_ml = np.count_nonzero(mask) * abs(np.linalg.det(labels.affine[:3, :3])) / 1000
        assert float(rows[name]["volume_ml"]) == pytest.approx(volume_ml, rel=1e-12)
        assert float(rows[name]["csa_px"]) == pytest.approx(np.count_nonzero(mask) / len(whole))
        assert float(rows[name]["fi"]) == np.mean(grey[:, :, whole][mask] > 50)
    assert rows["MF_B"]["rcsa"] == ""

    del places[f"HV_1_3_{whole[5]}.png"]
    for ending in ("png", "json"):
        (tmp_path / "scans" / f"HV_1_3_{whole[5]}.{ending}").unlink()
    slices_csv(tmp_path / "scans", places, (steps[1], steps[0], steps[2]))
    run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--name-pattern", pattern)
    (row,) = (r for r in read_csv(tmp_path / "out" / "problems.csv") if r["code"] == "no-volume")
    assert "8 mm apart, at a slice spacing of 4 mm" in row["message"]
    assert "volume_ml" not in read_csv(tmp_path / "out" / "L3.csv")[0]
