"""``contours``: annotations of other tools become LabelMe files that measure the same."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw
from roifile import ROI_TYPE, ImagejRoi

from mriparaspinal.core.labels import parse_label
from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.imaging.rasterise import rasterise
from mriparaspinal.imaging.tracing import trace
from mriparaspinal.io.labelme import read_annotation
from mriparaspinal.measure.dataset import measure_dataset
from tests.support.builders.contours import (
    PLANE,
    SHAPE,
    in_patient,
    shifted,
    write_places,
    write_rtstruct,
    write_seg,
)
from tests.support.builders.scans import SECRET, mr
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    polygon,
    write_dataset,
    write_image,
    write_slice,
)
from tests.support.builders.study import PROJECT, fingerprint, read_csv, rows_of, run, without_next
from tests.support.builders.volumes import LPS, load, save, write_slices

SIZES = ("csa_px", "fat_px", "fi", "reference_px", "rcsa", "mean_intensity", "asymmetry_pct")


def sizes(results: Path) -> dict[tuple[str, ...], list[str]]:
    keys = ("participant_id", "segment", "muscle", "side")
    return {tuple(row[k] for k in keys): [row[s] for s in SIZES] for row in rows_of(results)}


def images_of(dataset: Path, folder: Path) -> Path:
    """The images of a dataset, and its slices.csv, without its contours."""
    for path in dataset.rglob("*"):
        if path.suffix == ".png" or path.name == "slices.csv":
            (folder / path.relative_to(dataset)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.relative_to(dataset))
    return folder


def pixels_of(path: Path, shape: tuple[int, int] = SHAPE) -> dict[str, np.ndarray]:
    """The pixels of each label in a LabelMe file."""
    found: dict[str, np.ndarray] = {}
    for contour in read_annotation(path.read_bytes()).contours:
        patch = rasterise(contour, shape, "labelme")
        assert patch is not None
        found[contour.label] = found.get(contour.label, np.zeros(shape, dtype=bool)) | patch.full(shape)
    return found


def shapes_of(path: Path) -> list[tuple[str, str]]:
    return [(shape["label"], shape["shape_type"]) for shape in json.loads(path.read_text())["shapes"]]


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("kind", ["png", "nifti"])
def test_masks_and_back_measure_the_same(tmp_path, kind):
    """The sample cohort: contours → label maps → contours, and every count is what it was."""
    for path in sorted((PROJECT / "sample_data").glob("*_[34].*")):
        (tmp_path / "data").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "data")
    assert run("masks", tmp_path / "data", "--out", tmp_path / "maps", "--format", kind).code == 0
    scans = images_of(tmp_path / "data", tmp_path / "scans")
    outcome = run("contours", tmp_path / "maps", "--no-draft", "--dataset", scans)
    assert (outcome.code, outcome.out) == (0, "")
    assert without_next(outcome.err) == f"made contours of 32 of 32 slices in {scans}; 224 shapes\n"
    assert run("check", scans).code == 0
    for name, folder in (("before", tmp_path / "data"), ("after", scans)):
        assert run("quantify", folder, "--out", tmp_path / name, "--quiet").code == 0
    assert sizes(tmp_path / "after") == sizes(tmp_path / "before")
    assert len(sizes(tmp_path / "after")) == 32 * 9


def test_regions_with_holes_parts_and_thin_lines_measure_the_same(tmp_path):
    rng = np.random.default_rng(4)
    values = np.zeros((100, 100), dtype=np.uint8)
    for value, (left, top) in {1: (70, 60), 2: (10, 60), 9: (40, 20)}.items():
        blob = rng.random((25, 20)) < 0.5
        blob[2:12, 2:12] = True
        blob[5:8, 5:8] = False
        values[top : top + 25, left : left + 20][blob] = value
    write_image(tmp_path / "maps" / "ALS_1_3_mask.png", values)
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    options = ("--numbering", "mriparaspinal", "--no-draft")
    assert run("contours", tmp_path / "maps", "--dataset", tmp_path / "scans", *options).code == 0
    found = pixels_of(tmp_path / "scans" / "ALS_1_3.json", (100, 100))
    for value, label in {1: "MF_L", 2: "MF_R", 9: "IVD"}.items():
        assert np.array_equal(found[label], values == value)
    kinds = {kind for _, kind in shapes_of(tmp_path / "scans" / "ALS_1_3.json")}
    assert kinds == {"polygon", "mask"}
    run("quantify", tmp_path / "scans", "--out", tmp_path / "results")
    counted = {(row["muscle"], row["side"]): int(row["csa_px"]) for row in rows_of(tmp_path / "results")}
    assert counted["MF", "left"] == np.count_nonzero(values == 1)
    assert counted["MF", "right"] == np.count_nonzero(values == 2)


def test_real_label_maps_of_a_volume(tmp_path, shared):
    """TUM01: every voxel of the manual segmentation, on oblique turns of the display, as contours."""
    volumes = shared / "real" / "TUM01" / "volumes"
    voxels, affine = load(volumes / "fat.nii.gz")
    labels, _ = load(volumes / "muscles_manual.nii.gz")
    (tmp_path / "maps").mkdir()
    shutil.copy(volumes / "muscles_manual.nii.gz", tmp_path / "maps" / "HV_1.nii.gz")
    (tmp_path / "table.csv").write_text("value,label\n1,ES_R\n2,MF_R\n3,MF_L\n4,ES_L\n")
    indices = {"HV_1_2": 27, "HV_1_3": 18, "HV_1_4": 10, "HV_1_5": 2}
    write_slices(tmp_path / "scans", voxels / 2, affine, indices)
    options = ("--numbering", tmp_path / "table.csv")
    outcome = run("contours", tmp_path / "maps", "--no-draft", "--dataset", tmp_path / "scans", *options)
    assert (outcome.code, "4 of 4 slices" in outcome.err) == (0, True)
    measured = measure_dataset(open_dataset(tmp_path / "scans", Settings()), Settings())
    expected = {1: ("ES", "right"), 2: ("MF", "right"), 3: ("MF", "left"), 4: ("ES", "left")}
    for result in measured.results:
        here = labels[:, :, indices[f"HV_1_{result.slice.segment[1]}"]]
        for value, key in expected.items():
            assert result.counts[key].csa_px == np.count_nonzero(here == value)


def test_a_study_that_counts_centres_is_warned_of_traced_outlines(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    labels = np.zeros((100, 100), dtype=np.uint8)
    labels[20:40, 20:40] = 1
    write_image(tmp_path / "maps" / "ALS_1_3_mask.png", labels)
    command = (
        *("contours", tmp_path / "maps", "--no-draft", "--dataset", tmp_path / "scans"),
        *("--numbering", "mriparaspinal"),
    )
    assert "mask-rule" not in run(*command).err
    (tmp_path / "scans" / "paraspinal.toml").write_text('mask-rule = "centre"\n')
    outcome = run(*command)
    assert outcome.code == 0
    assert "1 outline around pixels, in a study of mask-rule centre" in outcome.err


def test_totalsegmentator_keeps_its_own_names(tmp_path, shared):
    source = shared / "real" / "totalseg_mr"
    voxels, affine = load(source / "ts_mr_sm.nii.gz")
    labels, _ = load(source / "ts_seg_mr.nii.gz")
    write_slices(tmp_path / "scans", voxels, affine, {"HV_2_4": 1})
    # One file for the one participant of the dataset: its name may be anything.
    outcome = run(
        *("contours", source / "ts_seg_mr.nii.gz", "--dataset", tmp_path / "scans"),
        *("--numbering", "totalsegmentator_mr"),
    )
    assert outcome.code == 0
    assert "labels that are not regions here: 'aorta', 'autochthon_L'" in outcome.err
    found = pixels_of(tmp_path / "scans" / "HV_2_4.json", (91, 117))
    assert {parse_label(label) for label in found} == {None, parse_label("IVD")}
    for label, value in {"autochthon_L": 46, "autochthon_R": 47, "iliopsoas_L": 48, "IVD": 20}.items():
        count = np.count_nonzero(labels[:, :, 1] == value)
        assert (np.count_nonzero(found[label]) if label in found else 0) == count
    left, right = (np.argwhere(found[f"autochthon_{side}"])[:, 1].mean() for side in "LR")
    assert left > right  # radiological display: the patient's left is at the right of the image


def test_values_without_a_name_are_listed(tmp_path):
    values = np.zeros((100, 100), dtype=np.uint8)
    values[10:20, 10:20], values[30:40, 30:40] = 3, 77
    write_image(tmp_path / "maps" / "ALS_1_3_mask.png", values)
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    outcome = run(
        *("contours", tmp_path / "maps", "--dataset", tmp_path / "scans", "--numbering", "mriparaspinal")
    )
    assert outcome.code == 0
    assert "ALS_1_3_mask.png: value 77 without a name in the numbering" in outcome.err
    assert shapes_of(tmp_path / "scans" / "ALS_1_3.json") == [("ES_L", "polygon")]


def test_two_regions_under_one_name_get_no_contour(tmp_path):
    # Side by side, they would be traced as one outline: nobody could see it any more.
    dataset, maps = tmp_path / "d", tmp_path / "maps"
    write_image(dataset / "ALS_1_3.png", grey_image())
    maps.mkdir()
    numbers = np.zeros((100, 100), dtype=np.uint8)
    regions = {"MF_L": (50, 60, 59, 79), "ES_L": (60, 60, 79, 79), "MF_R": (40, 60, 49, 79)}
    regions |= {"ES_R": (20, 60, 39, 79), "IVD": (35, 20, 64, 39)}
    for number, (left, top, right, bottom) in enumerate(regions.values(), 1):
        numbers[top : bottom + 1, left : right + 1] = number
    Image.fromarray(numbers).save(maps / "ALS_1_3_mask.png")
    names = ["MF_L", "ES_L", "MF_R", "MF_R", "IVD"]  # a slip: value 4 is ES_R
    (maps / "values.csv").write_text("value,label\n" + "".join(f"{n},{m}\n" for n, m in enumerate(names, 1)))
    outcome = run("contours", maps, "--dataset", dataset)
    assert outcome.code == 4
    assert "several contours of MF_R and none of ES_R" in outcome.err
    assert [label for label, _ in shapes_of(dataset / "ALS_1_3.json")] == ["MF_L", "ES_L", "IVD"]


def test_pixels_of_unknown_regions_are_an_error(tmp_path):
    shapes = [s for s in SHAPES if s["label"] != "ES_L"] + [polygon("ES_L", box(60, 60, 89, 89))]
    write_slice(tmp_path / "data", "ALS_1_3", shapes=shapes)
    for kind, code in (("png", 3), ("nifti", 0)):
        run("masks", tmp_path / "data", "--out", tmp_path / kind, "--format", kind)
        scans = images_of(tmp_path / "data", tmp_path / f"scans {kind}")
        outcome = run("contours", tmp_path / kind, "--no-draft", "--dataset", scans)
        assert outcome.code == code
        assert ("100 px of several regions" in outcome.err) is (kind == "png")
    run("quantify", tmp_path / "data", "--out", tmp_path / "before")
    run("quantify", tmp_path / "scans nifti", "--out", tmp_path / "after")
    assert sizes(tmp_path / "after") == sizes(tmp_path / "before")


def test_a_tolerance_makes_fewer_points_and_says_what_changed(tmp_path):
    (tmp_path / "data").mkdir()
    for path in (PROJECT / "sample_data").glob("ALS_[12]_*"):
        shutil.copy(path, tmp_path / "data")
    run("masks", tmp_path / "data", "--out", tmp_path / "maps")
    scans = images_of(tmp_path / "data", tmp_path / "scans")
    outcome = run("contours", tmp_path / "maps", "--no-draft", "--dataset", scans, "--tolerance", "1")
    assert outcome.code == 0
    points = changed = most = 0
    for path in scans.glob("*.json"):
        simple, drawn = pixels_of(path, (256, 256)), pixels_of(tmp_path / "data" / path.name, (256, 256))
        points += sum(len(s["points"]) for s in json.loads(path.read_text())["shapes"])
        for label, pixels in drawn.items():
            differ = np.count_nonzero(pixels ^ simple[label])
            changed, most = changed + differ, max(most, differ)
    assert f"changed {changed} px in all, at most {most} px in one region" in outcome.err
    assert 0 < most < 100
    assert points / 70 < 40


# ---------------------------------------------------------------- ROI sets of ImageJ


def roi(label, points, kind=ROI_TYPE.POLYGON) -> bytes:
    found = ImagejRoi.frompoints(np.array(points), name=label)
    found.roitype = kind
    return found.tobytes()


def roi_set(*rois: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, raw in rois:
            archive.writestr(f"{name}.roi", raw)
    return content.getvalue()


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    return folder


ALL = [(shape["label"], shape["points"]) for shape in SHAPES]


@pytest.mark.parametrize("way", ["zip", "files", "folder"])
def test_roi_sets_measure_as_the_same_contours_of_labelme(tmp_path, way):
    write_dataset(tmp_path / "data", 1, 0)
    files = {}
    for stem in ("ALS_1_3", "ALS_1_4"):
        rois = {label: roi(label, points) for label, points in ALL}
        if way == "zip":
            files[f"{stem}.zip"] = roi_set(*rois.items())
        else:
            between = "_" if way == "files" else "/"
            files |= {f"{stem}{between}{label}.roi": raw for label, raw in rois.items()}
    lay(tmp_path / "rois", files)
    scans = images_of(tmp_path / "data", tmp_path / "scans")
    outcome = run("contours", tmp_path / "rois", "--dataset", scans)
    assert (outcome.code, without_next(outcome.err)) == (
        0,
        f"made contours of 2 of 2 slices in {scans}; 14 shapes\n",
    )
    run("quantify", tmp_path / "data", "--out", tmp_path / "before")
    run("quantify", scans, "--out", tmp_path / "after")
    assert sizes(tmp_path / "after") == sizes(tmp_path / "before")
    before, after = (rows_of(tmp_path / name) for name in ("before", "after"))
    assert [row["contour_area_px"] for row in after] == [row["contour_area_px"] for row in before]


def test_pixels_of_imagej_are_those_of_its_own_count(tmp_path):
    """By --mask-rule centre an outline has ImageJ's pixels; a traced selection has them under either rule."""
    square = box(20, 30, 41, 52)
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    write_image(tmp_path / "scans" / "ALS_1_4.png", grey_image(seed=2))
    lay(
        tmp_path / "rois",
        {
            "ALS_1_3.roi": roi("MF_R", square, ROI_TYPE.FREEHAND),
            "ALS_1_4.roi": roi("MF_R", square, ROI_TYPE.TRACED),
        },
    )
    assert run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans").code == 0
    for rule, drawn, traced in (("labelme", 22 * 23, 21 * 22), ("centre", 21 * 22, 20 * 21)):
        settings = Settings(mask_rule=rule)
        found = measure_dataset(open_dataset(tmp_path / "scans", settings), settings).results
        assert [result.counts["MF", "right"].csa_px for result in found] == [drawn, traced]


def test_pixels_on_the_line_are_those_of_imagej(tmp_path):
    """A diamond whose edges run through pixel centres: ImageJ leaves those of the left edges out."""
    scans = tmp_path / "scans"
    write_image(scans / "ALS_1_3.png", grey_image())
    (scans / "paraspinal.toml").write_text('mask-rule = "centre"\n')
    diamond = [(25, 60), (30, 65), (25, 70), (20, 65)]
    lay(tmp_path / "rois", {"ALS_1_3.roi": roi("MF_R", diamond, ROI_TYPE.FREEHAND)})
    assert run("contours", tmp_path / "rois", "--dataset", scans).code == 0
    (contour,) = read_annotation((scans / "ALS_1_3.json").read_bytes()).contours
    expected = np.zeros((100, 100), dtype=bool)
    for row in range(5):
        for y in (60 + row, 69 - row):
            expected[y, 25 - row : 26 + row] = True
    patch = rasterise(contour, (100, 100), "centre")
    assert np.array_equal(patch.full((100, 100)), expected)
    # The rule labelme fills what it filled.
    canvas = Image.new("L", (100, 100))
    ImageDraw.Draw(canvas).polygon(diamond, outline=1, fill=1)
    assert np.array_equal(rasterise(contour, (100, 100), "labelme").full((100, 100)), np.asarray(canvas) > 0)


def test_regions_in_front_of_the_disc_get_no_contours(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    upside_down = [(label, roi(label, [(x, 100 - y) for x, y in points])) for label, points in ALL]
    lay(tmp_path / "rois", {"ALS_1_3.zip": roi_set(*upside_down)})
    outcome = run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")
    assert outcome.code == 3
    assert "from the bottom up" in outcome.err
    assert not (tmp_path / "scans" / "ALS_1_3.json").exists()


def test_names_that_imagej_gave_are_told(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    lay(
        tmp_path / "rois", {"ALS_1_3.zip": roi_set(*((n, roi(n, ALL[0][1])) for n in ("0165-0112", "MF_LL")))}
    )
    outcome = run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")
    assert "rename the ROI in its ROI Manager, did you mean MF_L?" in outcome.err


def test_a_fault_in_one_roi_costs_its_region(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    bad = ImagejRoi.frombytes(roi("MF_L", ALL[5][1]))
    bad.position = 4
    rois = [("a", roi("left multifidus", ALL[5][1])), ("b", bad.tobytes()), ("c", roi("IVD", ALL[6][1]))]
    rois += [("d", roi("mark", [(5, 5), (6, 6), (8, 9)], ROI_TYPE.POINT))]
    lay(tmp_path / "rois", {"ALS_1_3.zip": roi_set(*rois)})
    outcome = run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")
    assert outcome.code == 4
    assert "ALS_1_3.png: MF_L: error: ALS_1_3.zip: an ROI of image 4 of a stack; expected" in outcome.err
    assert "'mark' (point) enclose no area" in outcome.err
    assert shapes_of(tmp_path / "scans" / "ALS_1_3.json") == [("IVD", "polygon")]


def test_a_damaged_roi_costs_the_slice(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    write_image(tmp_path / "scans" / "ALS_1_4.png", grey_image())
    whole = roi("MF_L", ALL[5][1])
    lay(
        tmp_path / "rois",
        {"ALS_1_3.zip": roi_set(("a", whole), ("b", whole[:70])), "ALS_1_4_MF.roi": whole},
    )
    outcome = run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")
    assert outcome.code == 4
    assert "ALS_1_3.png: error: ALS_1_3.zip: not a complete ImageJ ROI" in outcome.err
    assert not (tmp_path / "scans" / "ALS_1_3.json").exists()
    assert shapes_of(tmp_path / "scans" / "ALS_1_4.json") == [("MF_L", "polygon")]


def test_an_roi_off_the_image(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    lay(tmp_path / "rois", {"ALS_1_3.roi": roi("MF_L", box(500, 500, 520, 520))})
    outcome = run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")
    assert outcome.code == 3
    assert "MF_L: error: an outline that covers no pixel of the image" in outcome.err


def test_files_of_slices_of_a_stack_are_kept_apart(tmp_path):
    for name in ("ALS_1_3_a", "ALS_1_3_b"):
        write_image(tmp_path / "scans" / f"{name}.png", grey_image())
    rois = {
        f"ALS_1_3_{c}.roi": roi(label, box(10, 10, 20, 20)) for c, label in (("a", "MF_R"), ("b", "ES_R"))
    }
    lay(tmp_path / "rois", rois)
    assert run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans").code == 0
    assert shapes_of(tmp_path / "scans" / "ALS_1_3_a.json") == [("MF_R", "polygon")]
    assert shapes_of(tmp_path / "scans" / "ALS_1_3_b.json") == [("ES_R", "polygon")]


# ---------------------------------------------------------------- DICOM

SLICES = ("ALS_1_3", "ALS_1_4")


@pytest.mark.parametrize("name", ["ALS_1.dcm", "ALS_1/a/IM0001", "ALS_1/rt.dcm"])
def test_an_rtstruct_lies_on_the_slices(tmp_path, name):
    """Slices 4 mm apart: the outline 0.3 mm off the first is its, the one on the second is the second's."""
    scans = write_places(tmp_path / "scans", SLICES)
    first, second = box(20, 30, 40.5, 50), box(60, 30, 80, 55)
    rois = [
        ("MF_R", [in_patient(first, above=0.3), in_patient(second, above=4)]),
        ("IVD", [in_patient(second)]),
    ]
    write_rtstruct(tmp_path / "rt" / name, rois)
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert (outcome.code, without_next(outcome.err)) == (
        0,
        f"made contours of 2 of 2 slices in {scans}; 3 shapes\n",
    )
    found = {
        stem: {c.label: c.points for c in read_annotation((scans / f"{stem}.json").read_bytes()).contours}
        for stem in SLICES
    }
    assert np.array(found["ALS_1_3"]["MF_R"]) == pytest.approx(np.array(first), abs=2e-4)
    assert np.array(found["ALS_1_3"]["IVD"]) == pytest.approx(np.array(second), abs=2e-4)
    assert np.array(found["ALS_1_4"]["MF_R"]) == pytest.approx(np.array(second), abs=2e-4)
    assert set(found["ALS_1_4"]) == {"MF_R"}


@pytest.mark.parametrize("name", ["ALS_1_v1.dcm", "ALS_1_v1/rt.dcm", "ALS_1.dcm", "ALS_1/v1/rt.dcm"])
def test_an_rtstruct_of_one_session_is_not_of_another(tmp_path, name):
    """Two scans at one place in their own coordinates: what tells them apart is the name of the session."""
    scans = write_places(tmp_path / "scans", ("ALS_1_v1_3", "ALS_1_v2_3"))
    header, first, _ = (scans / "slices.csv").read_text().splitlines()
    (scans / "slices.csv").write_text("\n".join([header, first, first.replace("v1", "v2")]) + "\n")
    write_rtstruct(tmp_path / "rt" / name, [("MF_R", [in_patient(box(20, 30, 40, 50))])])
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    made = {path.name for path in scans.glob("*.json")}
    assert made == ({"ALS_1_v1_3.json"} if name.startswith("ALS_1_v1") else set())
    if not made:
        assert f"{name} belong to no slice" in outcome.err
    alone = run("contours", tmp_path / "rt" / name, "--dataset", scans)
    assert "ALS_1_v2_3.json" not in {path.name for path in scans.glob("*.json")}, alone.err


def test_an_rtstruct_from_the_centres_of_edge_pixels_gives_the_pixels(tmp_path):
    """As tools that make RTSTRUCT of masks write it: the round trip keeps every pixel."""
    scans = write_places(tmp_path / "scans", SLICES[:1])
    r, c = np.mgrid[: SHAPE[0], : SHAPE[1]]
    blob = ((r - 45) / 30) ** 2 + ((c - 50) / 22) ** 2 < 1
    (polygon_,) = trace(blob, "x")
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", [("MF_L", [in_patient(polygon_.points)])])
    assert run("contours", tmp_path / "rt", "--dataset", scans).code == 0
    assert np.array_equal(pixels_of(scans / "ALS_1_3.json")["MF_L"], blob)


def test_a_hole_in_an_rtstruct(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    outlines = [in_patient(box(20, 20, 60, 60)), in_patient(box(30, 30, 40, 40))]
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", [("ES_L", outlines)])
    assert run("contours", tmp_path / "rt", "--dataset", scans).code == 0
    assert shapes_of(scans / "ALS_1_3.json") == [("ES_L", "mask")]
    # 41² pixels with the outer line; of the hole its inside of 9² is out, its line is in.
    assert np.count_nonzero(pixels_of(scans / "ALS_1_3.json")["ES_L"]) == 41**2 - 9**2
    # A study that counts centres gets the pixels whose centre is inside.
    (scans / "ALS_1_3.json").unlink()
    (scans / "paraspinal.toml").write_text('mask-rule = "centre"\n')
    assert run("contours", tmp_path / "rt", "--dataset", scans).code == 0
    assert np.count_nonzero(pixels_of(scans / "ALS_1_3.json")["ES_L"]) == 40**2 - 10**2


def test_aliases_of_the_protocol_hold_for_names_of_regions(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    (scans / "paraspinal.toml").write_text('[labels]\n"Multifidus re" = "MF_R"\n')
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", [("Multifidus re", [in_patient(box(20, 30, 40, 50))])])
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert (outcome.code, "not regions here" in outcome.err) == (0, False)
    assert shapes_of(scans / "ALS_1_3.json") == [("Multifidus re", "polygon")]


@pytest.mark.parametrize(
    ("outlines", "part"),
    [
        ([in_patient(box(20, 20, 60, 60)), in_patient(box(50, 50, 70, 70))], "overlap in part"),
        ([in_patient(box(20, 20, 60, 60))] * 2, "or are the same"),
        ([in_patient(box(20, 20, 60, 60), above=d) for d in (1.5, -1.5)], "equally near"),
        ([in_patient(box(500, 20, 560, 60))], "covers no pixel of the image"),
    ],
)
def test_outlines_that_cannot_be_told(tmp_path, outlines, part):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    rois = [("ES_L", outlines), ("IVD", [in_patient(box(5, 5, 15, 15))])]
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", rois)
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert outcome.code == 4
    assert "ALS_1_3.png: ES_L: error: " in outcome.err
    assert part in outcome.err
    assert shapes_of(scans / "ALS_1_3.json") == [("IVD", "polygon")]


def test_outlines_of_another_series_are_told(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", [("ES_L", [in_patient(box(20, 20, 60, 60), above=1.5)])])
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert outcome.code == 0
    assert "outlines up to 1.5 mm off the slice's plane" in outcome.err


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_a_segmentation_keeps_every_pixel(tmp_path, kind):
    scans = write_places(tmp_path / "scans", SLICES)
    rng = np.random.default_rng(6)
    one = rng.random(SHAPE) < 0.3
    two = (rng.random(SHAPE) < 0.5) & ~one
    most = {"BINARY": 1, "FRACTIONAL": 200, "LABELMAP": 1}[kind]
    above = shifted(PLANE, 4)
    if kind == "LABELMAP":
        frames = [(1, (one + 2 * two).astype(np.uint8), PLANE), (1, one.astype(np.uint8), above)]
    else:
        frames = [(1, one, PLANE), (2, two, PLANE), (1, one, above)]
        frames = [(n, (pixels * most).astype(np.uint8), plane) for n, pixels, plane in frames]
    write_seg(tmp_path / "seg" / "ALS_1" / "seg", {1: "MF_L", 2: "ES_L"}, frames, kind)
    assert run("contours", tmp_path / "seg", "--dataset", scans).code == 0
    found = pixels_of(scans / "ALS_1_3.json")
    assert np.array_equal(found["MF_L"], one)
    assert np.array_equal(found["ES_L"], two)
    assert set(pixels_of(scans / "ALS_1_4.json")) == {"MF_L"}


def test_a_segmentation_on_another_grid(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    x, y, z = np.asarray(PLANE.position) + 0.2 * np.asarray(PLANE.across)
    moved = PLANE.__class__(PLANE.across, PLANE.down, (x, y, z), PLANE.row_spacing_mm, PLANE.col_spacing_mm)
    write_seg(tmp_path / "seg" / "ALS_1.dcm", {1: "MF_L"}, [(1, np.ones(SHAPE, dtype=np.uint8), moved)])
    outcome = run("contours", tmp_path / "seg", "--dataset", scans)
    assert outcome.code == 3
    assert "their pixels are not the slice's; expected the same grid" in outcome.err


def test_two_files_with_other_regions_and_with_the_same(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    square = in_patient(box(20, 30, 40, 50))
    write_rtstruct(tmp_path / "rt" / "ALS_1" / "a", [("MF_R", [square])])
    write_rtstruct(tmp_path / "rt" / "ALS_1" / "b", [("ES_R", [square])])
    assert run("contours", tmp_path / "rt", "--dataset", scans).code == 0
    assert shapes_of(scans / "ALS_1_3.json") == [("MF_R", "polygon"), ("ES_R", "polygon")]
    write_rtstruct(tmp_path / "rt" / "ALS_1" / "c", [("MF_R", [square])])
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert outcome.code == 3
    assert "ALS_1/a and ALS_1/c both have 'MF_R' on this slice" in outcome.err


def test_dicom_needs_the_places_of_the_slices(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", [("MF_R", [in_patient(box(20, 30, 40, 50))])])
    outcome = run("contours", tmp_path / "rt", "--dataset", tmp_path / "scans")
    assert outcome.code == 3
    assert "slices.csv does not say where the slice lies in the patient; expected" in outcome.err
    assert "make the slices with 'prepare', which writes them" in outcome.err


def test_nothing_of_the_patient_is_written_or_said(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES)
    write_rtstruct(tmp_path / "in" / "ALS_1" / "rt", [("MF_R", [in_patient(box(20, 30, 40, 50))])])
    pixels = np.ones(SHAPE, dtype=np.uint8)
    write_seg(tmp_path / "in" / "ALS_1" / "seg", {1: "IVD"}, [(1, pixels, shifted(PLANE, 4))])
    outcome = run("contours", tmp_path / "in", "--dataset", scans, "--verbose")
    assert outcome.code == 0
    written = b"".join(path.read_bytes() for path in scans.glob("*.json"))
    texts = {
        value
        for path in scans.glob("*.json")
        for shape in json.loads(path.read_text())["shapes"]
        for value in (shape["label"], shape["description"], shape["shape_type"])
    }
    assert texts == {"MF_R", "IVD", "", "polygon"}
    assert SECRET.encode() not in written
    assert b"1.2.826" not in written
    assert str(tmp_path).encode() not in written
    assert SECRET not in outcome.err


# ---------------------------------------------------------------- sources and outputs


def simple(tmp_path, *stems):
    for stem in stems:
        write_image(tmp_path / "scans" / f"{stem}.png", grey_image())
        lay(tmp_path / "rois", {f"{stem}.roi": roi("MF_R", box(10, 60, 30, 80))})
    return ("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")


def test_nothing_is_replaced_and_all_in_the_way_is_listed(tmp_path):
    command = simple(tmp_path, "ALS_1_3", "ALS_1_4", "sub/ALS_2_3")
    (tmp_path / "scans" / "ALS_1_4.json").write_text("by hand")
    (tmp_path / "scans" / "sub" / "ALS_2_3.json").write_text("by hand")
    before = fingerprint(tmp_path)
    outcome = run(*command)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert "ALS_1_4.json, sub/ALS_2_3.json there already" in line
    assert "nothing was written" in line
    assert fingerprint(tmp_path) == before


def test_again_changes_nothing_and_new_slices_are_added(tmp_path):
    command = simple(tmp_path, "ALS_1_3")
    assert run(*command).code == 0
    before = fingerprint(tmp_path / "scans")
    assert "1 of 1 slice in" in run(*command).err
    assert fingerprint(tmp_path / "scans") == before
    outcome = run(*simple(tmp_path, "ALS_1_4"))
    assert "made contours of 2 of 2 slices" in outcome.err
    assert "1 of them there already" in outcome.err
    assert before.items() <= fingerprint(tmp_path / "scans").items()


def test_the_source_is_left_as_it_is(tmp_path):
    command = simple(tmp_path, "ALS_1_3")
    before = fingerprint(tmp_path / "rois")
    run(*command)
    assert fingerprint(tmp_path / "rois") == before


def test_a_source_inside_of_the_dataset(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    run("masks", tmp_path / "data", "--out", tmp_path / "data" / "masks")
    (tmp_path / "data" / "ALS_1_3.json").rename(tmp_path / "ALS_1_3.json")
    outcome = run("contours", tmp_path / "data" / "masks", "--dataset", tmp_path / "data")
    assert (outcome.code, "1 of 1 slice" in outcome.err) == (0, True)


def test_slices_without_an_annotation_and_the_other_way_round(tmp_path):
    command = simple(tmp_path, "ALS_1_3", "ALS_1_4")
    (tmp_path / "rois" / "ALS_1_4.roi").rename(tmp_path / "rois" / "ALS_14.roi")
    outcome = run(*command)
    assert outcome.code == 0
    assert "no annotation of ALS_1_4.png" in outcome.err
    assert "ALS_14.roi belong to no slice" in outcome.err


def test_two_sources_of_one_slice(tmp_path):
    command = simple(tmp_path, "ALS_1_3")
    write_image(tmp_path / "rois" / "ALS_1_3_mask.png", np.zeros((100, 100), dtype=np.uint8))
    outcome = run(*command, "--numbering", "mriparaspinal")
    assert outcome.code == 3
    assert "ALS_1_3_mask.png and ALS_1_3.roi are annotations of this slice; expected one" in outcome.err


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (("--numbering", "mriparaspinal"), 2, "no label map of a slice is in SOURCE"),
        (("--tolerance", "-1"), 2, "--tolerance"),
        (("--tolerance", "nan"), 2, "tolerance"),
        (("--name-pattern", "("), 2, "--name-pattern"),
    ],
)
def test_options_that_do_not_fit(tmp_path, options, code, part):
    outcome = run(*simple(tmp_path, "ALS_1_3"), *options)
    assert outcome.code == code
    assert part in outcome.err
    assert "Traceback" not in outcome.err
    assert not list((tmp_path / "scans").glob("*.json"))


def test_label_maps_without_a_numbering(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    write_image(tmp_path / "maps" / "ALS_1_3_mask.png", np.ones((100, 100), dtype=np.uint8))
    outcome = run("contours", tmp_path / "maps", "--no-draft", "--dataset", tmp_path / "scans")
    assert outcome.code == 2
    assert f"SOURCE {tmp_path / 'maps'}: no values.csv in it; expected mriparaspinal" in outcome.err


@pytest.mark.parametrize(("source", "dataset"), [("none", "scans"), ("rois", "none"), ("rois", "rois")])
def test_places_that_are_not_there(tmp_path, source, dataset):
    simple(tmp_path, "ALS_1_3")
    outcome = run("contours", tmp_path / source, "--dataset", tmp_path / dataset)
    assert outcome.code == 3
    assert len(outcome.err.splitlines()) == 1


def test_why_there_is_no_slice_is_told(tmp_path):
    for folder in ("anna", "berta"):
        write_image(tmp_path / "scans" / folder / "ALS_1_3.png", grey_image())
    (tmp_path / "rois").mkdir()
    outcome = run("contours", tmp_path / "rois", "--dataset", tmp_path / "scans")
    assert outcome.code == 3
    assert "are all ALS_1 L3" in outcome.err
    assert "--patient-from folder" in outcome.err
    assert outcome.err.splitlines()[-1].endswith("correct the problems above")


def test_one_file_for_one_slice_and_for_too_many(tmp_path):
    simple(tmp_path, "ALS_1_3")
    lay(tmp_path, {"any name.zip": roi_set(("x", roi("IVD", box(40, 40, 60, 60))))})
    command = ("contours", tmp_path / "any name.zip", "--dataset", tmp_path / "scans")
    assert run(*command).code == 0
    assert shapes_of(tmp_path / "scans" / "ALS_1_3.json") == [("IVD", "polygon")]
    write_image(tmp_path / "scans" / "ALS_1_4.png", grey_image())
    outcome = run(*command)
    assert outcome.code == 2
    assert "one file for 2 slices" in outcome.err
    write_image(tmp_path / "scans" / "LR_1_4.png", grey_image())
    assert "dataset of one participant" in run(*command).err


def test_one_file_by_its_name(tmp_path):
    simple(tmp_path, "ALS_1_3", "ALS_1_4")
    outcome = run("contours", tmp_path / "rois" / "ALS_1_4.roi", "--dataset", tmp_path / "scans")
    assert outcome.code == 0
    assert [path.name for path in (tmp_path / "scans").glob("*.json")] == ["ALS_1_4.json"]
    assert "no annotation of ALS_1_3.png" in outcome.err


def test_a_file_that_is_nothing_of_ours(tmp_path):
    simple(tmp_path, "ALS_1_3")
    (tmp_path / "notes.txt").write_text("x")
    outcome = run("contours", tmp_path / "notes.txt", "--dataset", tmp_path / "scans")
    assert outcome.code == 3
    assert "expected one of them" in outcome.err


def test_images_of_the_participant_are_passed_over(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    square = in_patient(box(20, 30, 40, 50))
    folder = write_rtstruct(tmp_path / "rt" / "ALS_1" / "a.dcm", [("MF_R", [square])]).parent
    plane = (PLANE.across, PLANE.down, PLANE.position, (PLANE.row_spacing_mm, PLANE.col_spacing_mm))
    mr(np.zeros(SHAPE), 1, plane).save_as(folder / "b.dcm", enforce_file_format=True)
    (folder / "notes").write_text("x")
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert (outcome.code, without_next(outcome.err)) == (
        0,
        f"made contours of 1 of 1 slice in {scans}; 1 shape\n",
    )


def test_a_file_that_is_called_dicom_and_is_not(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    lay(tmp_path / "rt", {"ALS_1.dcm": b"notes"})
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert outcome.code == 3
    assert "ALS_1.dcm: the file cannot be read as DICOM" in outcome.err


def test_outlines_that_are_lines_are_passed_over(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    outlines = [in_patient(box(20, 30, 40, 50)), in_patient([(50, 50), (55, 55), (60, 60)])]
    write_rtstruct(tmp_path / "rt" / "ALS_1.dcm", [("MF_R", outlines)])
    outcome = run("contours", tmp_path / "rt", "--dataset", scans)
    assert outcome.code == 0
    assert "ALS_1_3.png: MF_R: warning: outlines enclose no area and were passed over" in outcome.err
    assert shapes_of(scans / "ALS_1_3.json") == [("MF_R", "polygon")]


def test_one_dicom_file_for_the_one_participant(tmp_path):
    scans = write_places(tmp_path / "scans", SLICES)
    path = write_rtstruct(tmp_path / "RS.1.2.3", [("MF_R", [in_patient(box(20, 30, 40, 50), above=4)])])
    outcome = run("contours", path, "--dataset", scans)
    assert outcome.code == 0
    assert "nothing is marked on this slice" in outcome.err
    assert [p.name for p in scans.glob("*.json")] == ["ALS_1_4.json"]


def test_damaged_files_of_each_kind_are_one_line_each(tmp_path):
    """Fifty mutations of each kind through the whole command."""
    scans = write_places(tmp_path / "scans", SLICES[:1])
    square = in_patient(box(20, 30, 40, 50))
    whole = {
        "ALS_1_3.zip": roi_set(("x", roi("MF_R", box(20, 30, 40, 50)))),
        "ALS_1_3.roi": roi("MF_R", box(20, 30, 40, 50)),
    }
    labels = np.ones((SHAPE[1], SHAPE[0], 1), dtype=np.uint8)
    for name, path in (
        ("ALS_1.dcm", write_rtstruct(tmp_path / "a", [("MF_R", [square])])),
        ("ALS_1_3.nii.gz", save(tmp_path / "b.nii.gz", labels, LPS)),
    ):
        whole[name] = path.read_bytes()
    pixels = np.ones(SHAPE, dtype=np.uint8)
    seg = write_seg(tmp_path / "c", {1: "MF_R"}, [(1, pixels, PLANE)]).read_bytes()
    rng = random.Random(11)
    for name, raw in [*whole.items(), ("ALS_1.dcm", seg)]:
        for number in range(50):
            broken = bytearray(raw)
            for _ in range(rng.choice((1, 3, 10))):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            source = lay(tmp_path / f"{name} {number} {len(raw)}", {name: bytes(broken)})
            options = ("--numbering", "mriparaspinal") if ".nii" in name else ()
            outcome = run("contours", source, "--dataset", scans, "--quiet", *options)
            assert outcome.code in (0, 3, 4), outcome.err
            assert len(outcome.err.splitlines()) <= 3
            (scans / "ALS_1_3.json").unlink(missing_ok=True)


def test_files_that_contours_wrote_open_in_labelme(tmp_path):
    label_file = pytest.importorskip("labelme._label_file", reason="LabelMe is not installed")
    assert run(*simple(tmp_path, "ALS_1_3")).code == 0
    (shape,) = label_file.LabelFile(str(tmp_path / "scans" / "ALS_1_3.json")).shapes
    assert (shape["label"], shape["shape_type"]) == ("MF_R", "polygon")


# ---------------------------------------------------------------- drafts


def flags_of(path):
    return json.loads(path.read_text())["flags"]


def test_label_maps_are_drafts_until_a_person_says_otherwise(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    run("masks", tmp_path / "data", "--out", tmp_path / "maps")
    files = {}
    for name, options in {"default": (), "no": ("--no-draft",), "yes": ("--draft",)}.items():
        scans = images_of(tmp_path / "data", tmp_path / name)
        outcome = run("contours", tmp_path / "maps", "--dataset", scans, *options)
        assert outcome.code == 0
        assert ("1 file marked as drafts" in outcome.err) is (name != "no")
        files[name] = (scans / "ALS_1_3.json").read_bytes()
    assert files["default"] == files["yes"]
    assert flags_of(tmp_path / "yes" / "ALS_1_3.json") == {"draft": True}
    assert files["yes"].replace(b'{"draft":true}', b"{}") == files["no"]
    outcome = run("quantify", tmp_path / "default", "--out", tmp_path / "results")
    assert (outcome.code, "flag draft" in outcome.err) == (3, True)
    assert run("quantify", tmp_path / "default", "--out", tmp_path / "results", "--accept-drafts").code == 0
    assert not (tmp_path / "no" / "drafts.csv").exists()
    drawn = json.loads(files["default"])
    hashes = {shape["label"]: points_hash(shape["points"]) for shape in drawn["shapes"]}
    rows = read_csv(tmp_path / "default" / "drafts.csv")
    assert {row["label"]: row["sha256"] for row in rows} == hashes
    assert {(row["image"], row["command"], row["made_from"]) for row in rows} == {
        ("ALS_1_3.png", "contours", "maps")
    }


def test_a_label_map_that_was_unticked_but_not_changed_is_counted(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    run("masks", tmp_path / "data", "--out", tmp_path / "maps")
    scans = images_of(tmp_path / "data", tmp_path / "scans")
    assert run("contours", tmp_path / "maps", "--dataset", scans).code == 0
    drawn = json.loads((scans / "ALS_1_3.json").read_text())
    drawn["flags"]["draft"] = False
    drawn["shapes"][0]["points"][0][0] += 1  # a person moved one point of one contour
    (scans / "ALS_1_3.json").write_text(json.dumps(drawn))
    assert run("quantify", scans, "--out", tmp_path / "results").code == 0
    counts = json.loads((tmp_path / "results" / "quantify.json").read_text())["counts"]
    assert counts["accepted_as_drawn"] == len(drawn["shapes"]) - 1


def points_hash(points):
    """SHA-256 of ``x,y`` of every point with two decimals, parted by spaces."""
    return hashlib.sha256(" ".join(f"{x:.2f},{y:.2f}" for x, y in points).encode()).hexdigest()


@pytest.mark.parametrize("kind", ["RTSTRUCT", "SEG"])
@pytest.mark.parametrize(
    ("said", "draft"), [("AUTOMATIC", True), ("SEMIAUTOMATIC", True), ("MANUAL", False), ("", False)]
)
def test_dicom_is_a_draft_where_it_says_that_a_program_drew_it(tmp_path, kind, said, draft):
    scans = write_places(tmp_path / "scans", SLICES[:1])
    path = tmp_path / "source" / "ALS_1.dcm"
    if kind == "SEG":
        pixels = np.zeros(SHAPE, dtype=np.uint8)
        pixels[20:30, 20:30] = 1
        write_seg(path, {1: "MF_L"}, [(1, pixels, PLANE)])
    else:
        write_rtstruct(path, [("MF_L", [in_patient(box(20, 30, 40, 50))])])
    header = pydicom.dcmread(path)
    if kind == "SEG":
        header.SegmentSequence[0].SegmentAlgorithmType = said
    else:
        header.StructureSetROISequence[0].ROIGenerationAlgorithm = said
    header.save_as(path)
    assert run("contours", tmp_path / "source", "--dataset", scans).code == 0
    assert flags_of(scans / "ALS_1_3.json") == ({"draft": True} if draft else {})
