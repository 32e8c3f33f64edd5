"""NRRD, 3D Slicer's segmentations and MetaImage at every door: the numbers are those of NIfTI."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.imaging.slice_position import COLUMNS
from tests.support.builders.itk import load_itk, save_itk
from tests.support.builders.scans import levels
from tests.support.builders.slices import SHAPES, box, grey_image, labelme, polygon, write_slice
from tests.support.builders.study import fingerprint, read_csv, rows_of, run
from tests.support.builders.volumes import load, save, write_slices

TUM_TABLE = "value,label\n1,ES_R\n2,MF_R\n3,MF_L\n4,ES_L\n"

#: Slicer's names of the same regions, as its users write them.
NAMES = {1: "Right erector spinae", 2: "MF right", 3: "left multifidus", 4: "ES_L"}

ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd", "_mask.nrrd", ".seg.nrrd")

COUNTED = ("image", "muscle", "side", "csa_px", "fat_px", "fi", "mean_intensity", "asymmetry_pct")


def counted(results) -> list[list[str]]:
    rows = [[row[name] for name in COUNTED] for row in rows_of(results)]
    assert rows
    return rows


def segments(layers: dict[int, int] | None = None) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, (value, name) in enumerate(NAMES.items()):
        layer = (layers or {}).get(value, 0)
        told = {"ID": f"Segment_{value}", "Name": name, "LabelValue": str(value), "Layer": str(layer)}
        fields |= {f"Segment{number}_{key}": text for key, text in told.items()}
    return fields


@pytest.fixture(scope="module")
def tum(shared, tmp_path_factory):
    """Slices of the fat volume of TUM01, its manual label map, and what is counted of it as NIfTI."""
    home = tmp_path_factory.mktemp("tum")
    volumes = shared / "real" / "TUM01" / "volumes"
    fat, affine = load(volumes / "fat.nii.gz")
    write_slices(home / "scans", fat / 2, affine, {"HV_1_5": 3, "HV_1_3": 14})
    (home / "maps").mkdir()
    shutil.copy(volumes / "muscles_manual.nii.gz", home / "maps" / "HV_1.nii.gz")
    (home / "table.csv").write_text(TUM_TABLE)
    words = ("quantify", home / "scans", "--masks", home / "maps", "--numbering", home / "table.csv")
    assert run(*words, "--out", home / "results").code == 4  # no reference
    return home, load(volumes / "muscles_manual.nii.gz")[0], affine


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_real_label_map_in_each_format(tum, tmp_path, ending):
    home, labels, affine = tum
    fields = segments() if ending == ".seg.nrrd" else {}
    save_itk(tmp_path / "maps" / f"HV_1{ending}", labels.astype(np.uint8), affine, packed=True, **fields)
    numbering = () if fields else ("--numbering", home / "table.csv")
    words = ("quantify", home / "scans", "--masks", tmp_path / "maps", *numbering)
    outcome = run(*words, "--out", tmp_path / "results")
    assert outcome.code == 4, outcome.err  # no reference
    assert counted(tmp_path / "results") == counted(home / "results")


def test_a_segmentation_that_slicer_cropped(tum, tmp_path):
    """Only the box around the segments is in the file."""
    home, labels, affine = tum
    box_ = [(there.min(), there.max() + 1) for there in np.nonzero(labels)]
    inner = labels[tuple(slice(*ends) for ends in box_)].astype(np.uint8)
    assert inner.shape < labels.shape
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ [first for first, _ in box_]
    save_itk(tmp_path / "maps" / "HV_1.seg.nrrd", inner, moved, **segments())
    words = ("quantify", home / "scans", "--masks", tmp_path / "maps", "--out", tmp_path / "results")
    assert run(*words).code == 4
    assert counted(tmp_path / "results") == counted(home / "results")
    # A label map without names is none that was cropped: it may be of another series.
    save_itk(tmp_path / "plain" / "HV_1.nrrd", inner, moved)
    words = ("quantify", home / "scans", "--masks", tmp_path / "plain", "--numbering", home / "table.csv")
    outcome = run(*words, "--out", tmp_path / "none")
    assert outcome.code == 3
    assert "nothing is resampled" in outcome.err


def test_overlapping_layers_count_for_both(tum, tmp_path):
    home, labels, affine = tum
    medial = (labels == 4) & (np.arange(len(labels)) < np.argwhere(labels == 4)[:, 0].mean())[:, None, None]
    layers = np.stack([np.where(labels != 3, labels, 0), np.where((labels == 3) | medial, 3, 0)])
    fields = segments({3: 1})
    save_itk(tmp_path / "maps" / "HV_1.seg.nrrd", layers.astype(np.uint8), affine, **fields)
    outcome = run("quantify", home / "scans", "--masks", tmp_path / "maps", "--out", tmp_path / "results")
    assert outcome.code == 4
    assert "share" in outcome.err  # the overlap is reported
    rows = {(r["image"], r["muscle"], r["side"]): int(r["csa_px"]) for r in rows_of(tmp_path / "results")}
    for image, k in (("HV_1_5.png", 3), ("HV_1_3.png", 14)):
        assert rows[image, "MF", "left"] == (layers[1, :, :, k] == 3).sum()
        assert rows[image, "ES", "left"] == (labels[:, :, k] == 4).sum()


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".seg.nrrd"])
def test_contours_of_each_format(tum, tmp_path, ending):
    home, labels, affine = tum
    fields = segments() if ending == ".seg.nrrd" else {}
    save_itk(tmp_path / "maps" / f"HV_1{ending}", labels.astype(np.uint8), affine, **fields)
    shutil.copytree(home / "scans", tmp_path / "scans")
    numbering = () if fields else ("--numbering", home / "table.csv")
    words = ("contours", tmp_path / "maps", "--dataset", tmp_path / "scans", "--no-draft", *numbering)
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    assert run("quantify", tmp_path / "scans", "--out", tmp_path / "results").code == 4
    assert counted(tmp_path / "results") == counted(home / "results")


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
def test_prepare_from_each_format(tum, tmp_path, ending):
    """The same pictures and places as from the NIfTI volume of the same voxels."""
    _, labels, affine = tum
    grey = labels.astype(np.int16) * 100
    made = {}
    for name in (".nii.gz", ending):
        folder = tmp_path / name.strip(".")
        if name == ".nii.gz":
            save(folder / "t2.nii.gz", grey, affine)
        else:
            save_itk(folder / f"t2{name}", grey, affine, packed=True)
        table = levels(folder / "levels.csv", ",HV,1,3,14")
        words = ("prepare", folder / f"t2{name}", "--levels", table, "--window", "0,500")
        outcome = run(*words, "--out", folder / "scans")
        assert outcome.code == 0, outcome.err
        made[name] = fingerprint(folder / "scans")["HV_1_3.png"], read_csv(folder / "scans" / "slices.csv")
    (nifti, (row,)), (other, (same,)) = made.values()
    assert nifti == other
    places = ("row_spacing_mm", "col_spacing_mm", *COLUMNS)
    assert [float(row[n]) for n in places] == pytest.approx([float(same[n]) for n in places], abs=1e-4)
    outcome = run("prepare", tmp_path / ending.strip("."), "--list")
    assert f"t2{ending}" in outcome.out
    kind = "NRRD" if ending in (".nrrd", ".nhdr") else "MetaImage"
    outcome = run("prepare", tmp_path / ending.strip("."), "--levels", table, "--out", tmp_path / "x")
    assert f"{kind} volumes have no window" in outcome.err


@pytest.mark.parametrize("ending", [".nrrd", ".mhd"])
def test_fat_and_water_of_each_format(tmp_path, ending):
    scans = drawn(tmp_path / "scans", SHAPES)
    signals = np.random.default_rng(8).integers(0, 900, (2, 100, 100, 2)).astype(np.int16)
    results = []
    for end in (".nii.gz", ending):
        home = tmp_path / end.strip(".")
        for name, signal in zip(("fat", "water"), signals, strict=True):
            write = save if end == ".nii.gz" else save_itk
            write(home / name / f"ALS_1{end}", signal, AFFINE)
        words = ("--fat-rule", "dixon", "--fat", home / "fat", "--water", home / "water")
        outcome = run("quantify", scans, "--out", home / "results", *words)
        assert outcome.code == 0, outcome.err
        results.append([row["fi"] for row in rows_of(home / "results")])
    assert results[0] == results[1]
    assert len(set(results[0])) > 5


# ---------------------------------------------------------------- what masks writes

FORMATS = {"nifti": "_mask.nii.gz", "nrrd": "_mask.nrrd", "seg.nrrd": "_mask.seg.nrrd", "mha": "_mask.mha"}

OVERLAPPING = [s for s in SHAPES if s["label"] != "ES_L"] + [polygon("ES_L", box(60, 60, 89, 89))]

AFFINE = np.array([[0.6, 0, 0, -30], [0, 0.7, 0.2, -25], [0, -0.1, 4.0, 90], [0, 0, 0, 1]])
AFFINE[:3, 2] = np.cross(AFFINE[:3, 0], AFFINE[:3, 1]) / 0.42 * 4


def drawn(folder, shapes=OVERLAPPING):
    """Slices with places and contours."""
    voxels = np.stack([grey_image(seed=n).T for n in (1, 2)], axis=2)
    write_slices(folder, voxels, AFFINE, {"ALS_1_3": 1, "ALS_1_4": 0})
    for path in folder.glob("*.png"):
        path.with_suffix(".json").write_text(json.dumps(labelme(path.name, (100, 100), shapes)))
    return folder


@pytest.mark.parametrize("format", list(FORMATS))
def test_what_masks_writes_is_measured_alike(tmp_path, format):
    scans = drawn(tmp_path / "scans")
    assert run("quantify", scans, "--out", tmp_path / "drawn").code == 0
    for out in ("maps", "again"):
        outcome = run("masks", scans, "--out", tmp_path / out, "--format", format)
        assert outcome.code == 0, outcome.err
    assert fingerprint(tmp_path / "maps") == fingerprint(tmp_path / "again")
    assert f"ALS_1_3{FORMATS[format]}" in fingerprint(tmp_path / "maps")
    if format == "seg.nrrd":
        (tmp_path / "maps" / "values.csv").unlink()
    words = ("quantify", scans, "--masks", tmp_path / "maps", "--out", tmp_path / "read")
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    assert counted(tmp_path / "drawn") == counted(tmp_path / "read")


@pytest.mark.parametrize("format", ["nrrd", "seg.nrrd", "mha"])
def test_simpleitk_has_the_same_pixels_and_place(tmp_path, format):
    scans = drawn(tmp_path / "scans", SHAPES)
    for kind in (format, "png"):
        assert run("masks", scans, "--out", tmp_path / kind, "--format", kind).code == 0
    for stem, k in (("ALS_1_3", 1), ("ALS_1_4", 0)):
        voxels, affine, _ = load_itk(tmp_path / format / f"{stem}{FORMATS[format]}")
        index = np.asarray(Image.open(tmp_path / "png" / f"{stem}_mask.png"))
        assert np.array_equal(voxels[:, :, 0].T, index)
        expected = AFFINE.copy()
        expected[:3, 3] = AFFINE[:3, :3] @ (0, 0, k) + AFFINE[:3, 3]
        assert np.allclose(affine, expected, atol=1e-4)


def test_a_segmentation_keeps_overlaps_of_three(tmp_path):
    scans = drawn(tmp_path / "scans", [*OVERLAPPING, polygon("SAT", box(58, 60, 66, 70))])
    assert run("masks", scans, "--out", tmp_path / "seg", "--format", "seg.nrrd").code == 0
    voxels, _, fields = load_itk(tmp_path / "seg" / "ALS_1_3_mask.seg.nrrd")
    assert voxels.shape == (3, 100, 100, 1)
    numbers = sorted(int(key[7 : key.index("_")]) for key in fields if key.endswith("_LabelValue"))
    assert numbers == list(range(8))
    told = {fields[f"Segment{n}_Name"]: int(fields[f"Segment{n}_Layer"]) for n in numbers}
    assert len({told["MF_L"], told["ES_L"], told["SAT"]}) == 3
    assert fields["Segmentation_SourceRepresentation"] == "Binary labelmap"


def test_slices_without_a_place_have_maps_without_one(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    for format in FORMATS:
        outcome = run("masks", tmp_path / "scans", "--out", tmp_path / format, "--format", format)
        assert outcome.code == 0
        assert "their label maps have no position" in outcome.err
        words = ("quantify", tmp_path / "scans", "--masks", tmp_path / format)
        assert run(*words, "--out", tmp_path / "results" / format).code == 0
    rows = [counted(tmp_path / "results" / format) for format in FORMATS]
    assert all(row == rows[0] for row in rows)


def test_a_map_of_another_place_is_refused(tum, tmp_path):
    home, labels, affine = tum
    moved = affine.copy()
    moved[:3, 3] += (0.5, 0, 0)
    save_itk(tmp_path / "maps" / "HV_1.mha", labels.astype(np.uint8), moved)
    words = ("quantify", home / "scans", "--masks", tmp_path / "maps", "--numbering", home / "table.csv")
    outcome = run(*words, "--out", tmp_path / "results")
    assert outcome.code == 3
    assert "nothing is resampled" in outcome.err


def test_two_maps_of_one_participant(tum, tmp_path):
    home, labels, affine = tum
    for ending in (".mha", ".nrrd"):
        save_itk(tmp_path / "maps" / f"HV_1{ending}", labels.astype(np.uint8), affine)
    words = ("quantify", home / "scans", "--masks", tmp_path / "maps", "--numbering", home / "table.csv")
    outcome = run(*words, "--out", tmp_path / "results")
    assert outcome.code == 3
    assert "are label maps of this slice" in outcome.err


def test_the_levels_of_a_segmentation_of_several_layers_are_not_guessed(tum, tmp_path):
    _, labels, affine = tum
    save(tmp_path / "dicom" / "t2.nii.gz", labels.astype(np.int16), affine)
    layers = np.stack([labels, labels]).astype(np.uint8)
    fields = segments({3: 1})
    save_itk(tmp_path / "dicom" / "discs.seg.nrrd", layers, affine, **fields)
    columns = "source,group,patient,segment,label_map"
    table = levels(tmp_path / "levels.csv", "t2.nii.gz,HV,1,,discs.seg.nrrd", columns=columns)
    words = ("prepare", tmp_path / "dicom", "--levels", table, "--level-numbering", "totalspineseg")
    outcome = run(*words, "--window", "0,9", "--out", tmp_path / "scans")
    assert outcome.code != 0
    assert "a segmentation of several layers" in outcome.err
