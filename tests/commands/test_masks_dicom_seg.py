"""``masks --format dicom-seg``: the drawn pixels on the images that they were drawn on."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from mriparaspinal.io.dicom_seg import read_segmentation
from tests.support.builders.scans import levels, lps_slices, write
from tests.support.builders.slices import SHAPES, box, labelme, polygon
from tests.support.builders.study import fingerprint, read_csv, rows_of, run

highdicom = pytest.importorskip("highdicom")

WAYS = [(False, 1, 1), (False, -1, 1), (True, 1, -1), (True, -1, -1)]

OVERLAPPING = [s for s in SHAPES if s["label"] != "ES_L"] + [polygon("ES_L", box(60, 60, 89, 89))]


def voxels_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1000, (100, 100, 4)).astype(np.uint16)


def write_series(folder, seed=1, swap=False, rows=1, columns=1, **attributes):
    slices = lps_slices(voxels_of(seed), swap, rows, columns, steps=(1.0, 1.0, 4.0), series=seed)
    told = {"PatientName": "Doe^Jane", "PatientID": "x", "StudyDate": "20200102", "StudyTime": "101112"}
    told |= {"PatientBirthDate": "", "PatientSex": "F", "StudyID": "1", "AccessionNumber": ""}
    for number, data in enumerate(slices):
        data.StudyInstanceUID = f"1.2.3.{seed}"
        data.FrameOfReferenceUID = f"1.2.3.{seed}.1"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{seed}.2.{number}"
        for name, value in (told | attributes).items():
            if value is not None:
                setattr(data, name, value)
    return write(folder, slices)


def make_dataset(tmp_path, people=("ALS_1",), shapes=OVERLAPPING, **way):
    """Prepared slices with contours, and the folder of their DICOM series."""
    rows = []
    for seed, who in enumerate(people, 1):
        write_series(tmp_path / "dicom" / who, seed, **way)
        group, number = who.split("_")
        rows += [f"{who},{group},{number},3,2", f"{who},{group},{number},4,3"]
    table = levels(tmp_path / "levels.csv", *rows)
    assert run("prepare", tmp_path / "dicom", "--levels", table, "--out", tmp_path / "scans").code == 0
    for path in (tmp_path / "scans").glob("*.png"):
        path.with_suffix(".json").write_text(json.dumps(labelme(path.name, (100, 100), shapes)))
    return tmp_path / "scans", tmp_path / "dicom"


def masks(tmp_path, out="seg", source="dicom", *more):
    words = ("masks", tmp_path / "scans", "--format", "dicom-seg", "--source", tmp_path / source)
    return run(*words, "--out", tmp_path / out, *more)


@pytest.mark.parametrize(("swap", "rows", "columns"), WAYS)
def test_the_pixels_are_those_of_the_source(tmp_path, swap, rows, columns):
    make_dataset(tmp_path, swap=swap, rows=rows, columns=columns)
    outcome = masks(tmp_path)
    assert outcome.code == 0, outcome.err
    assert sorted(fingerprint(tmp_path / "seg")) == ["ALS_1.dcm", "masks.json"]
    assert run("masks", tmp_path / "scans", "--out", tmp_path / "png").code == 0
    values = {(r["region"], r["side"]): int(r["value"]) for r in read_csv(tmp_path / "png" / "values.csv")}
    seg = highdicom.seg.segread(tmp_path / "seg" / "ALS_1.dcm")
    sources = [pydicom.dcmread(path) for path in sorted((tmp_path / "dicom" / "ALS_1").iterdir())]
    # InstanceNumbers count from the head: slices 2 and 3 are k = 2 and 1.
    for number, segment in ((2, 3), (3, 4)):
        (source,) = (data for data in sources if data.InstanceNumber == number)
        pixels = seg.get_pixels_by_source_instance(
            [source.SOPInstanceUID], assert_missing_frames_are_empty=True
        )[0]
        index = np.asarray(Image.open(tmp_path / "png" / f"ALS_1_{segment}_mask.png"))
        shown = index.T if swap else index  # what is stored, out of what is shown
        flips = (rows, columns) if not swap else (columns, rows)
        stored = shown[:: flips[0], :: flips[1]]
        for position, label in enumerate(seg.segment_numbers):
            name = seg.get_segment_description(label).SegmentLabel
            region, _, side = name.partition("_")
            side = {"L": "left", "R": "right", "": ""}[side]
            alone = stored == values[region, side]
            assert (pixels[..., position] >= alone).all(), name
            assert not (pixels[..., position] & ~alone & (stored != 255)).any(), name


def test_quantify_contours_and_back(tmp_path):
    scans, _ = make_dataset(tmp_path, people=("ALS_1", "LR_2"))
    assert run("quantify", scans, "--out", tmp_path / "drawn").code == 0
    outcome = masks(tmp_path)
    assert outcome.code == 0, outcome.err
    assert "drew 4 of 4 slices" in outcome.err
    again = tmp_path / "again"
    again.mkdir()
    for path in [*scans.glob("*.png"), scans / "slices.csv"]:
        (again / path.name).write_bytes(path.read_bytes())
    outcome = run("contours", tmp_path / "seg", "--dataset", again)
    assert outcome.code == 0, outcome.err
    assert "draft" not in outcome.err  # drawn by hand
    assert run("quantify", again, "--out", tmp_path / "read").code == 0
    same = ("image", "muscle", "side", "csa_px", "fat_px", "fi", "reference_px", "rcsa")
    rows = [[[row[name] for name in same] for row in rows_of(tmp_path / out)] for out in ("drawn", "read")]
    assert rows[0] == rows[1]
    assert len(rows[0]) > 20


def test_what_the_file_says(tmp_path):
    make_dataset(tmp_path)
    masks(tmp_path)
    seg = pydicom.dcmread(tmp_path / "seg" / "ALS_1.dcm")
    source = pydicom.dcmread(next((tmp_path / "dicom" / "ALS_1").iterdir()))
    for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientName", "PatientID", "StudyDate"):
        assert seg[name].value == source[name].value
    assert (seg.ContentDate, seg.ContentTime) == ("20200102", "101112")
    raw = (tmp_path / "seg" / "ALS_1.dcm").read_bytes()
    assert f"{datetime.now():%Y%m%d}".encode() not in raw
    assert str(tmp_path).encode() not in raw
    assert seg.SeriesInstanceUID != source.SeriesInstanceUID
    assert all(
        uid.startswith("2.25.") and len(uid) <= 64 for uid in (seg.SOPInstanceUID, seg.SeriesInstanceUID)
    )
    assert seg.DimensionOrganizationSequence[0].DimensionOrganizationUID.startswith("2.25.")
    codes = {}
    for item in seg.SegmentSequence:
        (kind,) = item.SegmentedPropertyTypeCodeSequence
        sides = [code.CodeValue for code in kind.get("SegmentedPropertyTypeModifierCodeSequence", [])]
        (category,) = item.SegmentedPropertyCategoryCodeSequence
        told = (item.SegmentAlgorithmType, category.CodeValue, kind.CodeValue, sides)
        codes[item.SegmentLabel] = told
    left, right = ["7771000"], ["24028007"]
    assert codes == {
        "PM_R": ("MANUAL", "91723000", "127954009", right),
        "PM_L": ("MANUAL", "91723000", "127954009", left),
        "ES_R": ("MANUAL", "91723000", "44947003", right),
        "ES_L": ("MANUAL", "91723000", "44947003", left),
        "MF_R": ("MANUAL", "91723000", "5709001", right),
        "MF_L": ("MANUAL", "91723000", "5709001", left),
        "IVD": ("MANUAL", "91723000", "360499006", []),
    }
    assert read_segmentation(tmp_path / "seg" / "ALS_1.dcm").automatic is False


def test_the_same_bytes_again(tmp_path):
    make_dataset(tmp_path, people=("ALS_1", "LR_2"))
    assert masks(tmp_path, "one").code == masks(tmp_path, "two").code == 0
    assert masks(tmp_path, "two").code == 0
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    assert len({pydicom.dcmread(p).SOPInstanceUID for p in (tmp_path / "one").glob("*.dcm")}) == 2


def test_frames_of_an_enhanced_image(tmp_path):
    make_dataset(tmp_path)
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "dicom" / "ALS_1").iterdir())]
    shutil.rmtree(tmp_path / "dicom" / "ALS_1")
    whole = slices[0]
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    groups = []
    for data in slices:
        position, orientation, measures, group = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = data.ImagePositionPatient
        orientation.ImageOrientationPatient = data.ImageOrientationPatient
        measures.PixelSpacing = data.PixelSpacing
        group.PlanePositionSequence, group.PlaneOrientationSequence = [position], [orientation]
        group.PixelMeasuresSequence = [measures]
        groups.append(group)
    pixels = b"".join(data.PixelData for data in slices)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        del whole[name]
    whole.NumberOfFrames, whole.PixelData = len(slices), pixels
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [Dataset()], groups
    (tmp_path / "dicom" / "ALS_1").mkdir()
    whole.save_as(tmp_path / "dicom" / "ALS_1" / "all")
    outcome = masks(tmp_path)
    assert outcome.code == 0, outcome.err
    seg = pydicom.dcmread(tmp_path / "seg" / "ALS_1.dcm")
    at = {
        float(g.PlanePositionSequence[0].ImagePositionPatient[2])
        for g in seg.PerFrameFunctionalGroupsSequence
    }
    assert at == {4.0, 8.0}
    for group in seg.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedSOPInstanceUID == whole.SOPInstanceUID
        z = groups[int(source.ReferencedFrameNumber) - 1].PlanePositionSequence[0].ImagePositionPatient
        assert z == group.PlanePositionSequence[0].ImagePositionPatient
    before = tmp_path / "again"
    before.mkdir()
    for path in [*(tmp_path / "scans").glob("*.png"), tmp_path / "scans" / "slices.csv"]:
        shutil.copy(path, before)
    assert run("contours", tmp_path / "seg", "--dataset", before).code == 0
    for folder in ("scans", "again"):
        assert run("quantify", tmp_path / folder, "--out", tmp_path / "results" / folder).code == 0
    drawn, again = (
        [(row["csa_px"], row["fi"]) for row in rows_of(tmp_path / "results" / folder)]
        for folder in ("scans", "again")
    )
    assert drawn == again


def test_a_share_leaves_the_files_of_the_others(tmp_path):
    make_dataset(tmp_path, people=("ALS_1", "LR_2"))
    assert masks(tmp_path).code == 0
    before = fingerprint(tmp_path / "seg")
    assert masks(tmp_path, "seg", "dicom", "--participant-label", "ALS_1").code == 0
    assert fingerprint(tmp_path / "seg") == before
    for path in (tmp_path / "scans").glob("LR_2*.json"):
        path.unlink()
    assert masks(tmp_path).code == 4
    assert sorted(fingerprint(tmp_path / "seg")) == ["ALS_1.dcm", "masks.json"]


def test_drafts_are_said_to_be_semiautomatic(tmp_path):
    scans, _ = make_dataset(tmp_path)
    for path in scans.glob("*.json"):
        if path.name.startswith("ALS"):
            path.write_text(json.dumps(json.loads(path.read_text()) | {"flags": {"draft": True}}))
    outcome = masks(tmp_path, "seg", "dicom", "--accept-drafts")
    assert outcome.code == 0, outcome.err
    seg = pydicom.dcmread(tmp_path / "seg" / "ALS_1.dcm")
    assert {item.SegmentAlgorithmType for item in seg.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert read_segmentation(tmp_path / "seg" / "ALS_1.dcm").automatic


def test_a_deidentified_study_without_dates(tmp_path):
    lacking = dict.fromkeys(("PatientName", "PatientID", "StudyDate", "StudyTime", "PatientSex", "StudyID"))
    make_dataset(tmp_path)
    for path in (tmp_path / "dicom" / "ALS_1").iterdir():
        data = pydicom.dcmread(path)
        for name in lacking:
            del data[name]
        data.save_as(path)
    outcome = masks(tmp_path)
    assert outcome.code == 0, outcome.err
    seg = pydicom.dcmread(tmp_path / "seg" / "ALS_1.dcm")
    assert (seg.ContentDate, seg.ContentTime, str(seg.PatientName)) == ("19000101", "000000", "")


def other_patient(tmp_path):
    (tmp_path / "dicom" / "ALS_1").rename(tmp_path / "away")
    write_series(tmp_path / "dicom" / "ALS_1", seed=7)


def without_uids(tmp_path):
    for path in (tmp_path / "dicom" / "ALS_1").iterdir():
        data = pydicom.dcmread(path)
        del data.FrameOfReferenceUID
        data.save_as(path)


def twice(tmp_path):
    for path in list((tmp_path / "dicom" / "ALS_1").iterdir()):
        data = pydicom.dcmread(path)
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{data.SOPInstanceUID}.9"
        data.SeriesInstanceUID = "1.2.3.99"
        data.save_as(path.with_name(f"{path.name}_again"))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (other_patient, "1 images in --source at the slice's place, with other pixels"),
        (twice, "2 images in --source that the slice may be a picture of"),
        (without_uids, "a source image without FrameOfReferenceUID"),
        (lambda t: (t / "scans" / "slices.csv").unlink(), "slices.csv does not say where the slice lies"),
        (lambda t: [p.write_bytes(b"x") for p in (t / "dicom" / "ALS_1").iterdir()], "none of 0 images"),
    ],
)
def test_what_no_seg_can_refer_to(tmp_path, change, found):
    make_dataset(tmp_path)
    change(tmp_path)
    outcome = masks(tmp_path)
    assert outcome.code == 3
    assert found in outcome.err
    assert "Traceback" not in outcome.err
    assert not list((tmp_path / "seg").glob("**/*.dcm"))


def test_a_participant_whose_folder_is_missing_does_not_stop_the_others(tmp_path):
    make_dataset(tmp_path, people=("ALS_1", "LR_2"))
    (tmp_path / "dicom" / "LR_2").rename(tmp_path / "elsewhere")
    outcome = masks(tmp_path)
    assert outcome.code == 4
    assert "LR_2_3.png: error: no folder LR_2 in --source" in outcome.err
    assert sorted(fingerprint(tmp_path / "seg")) == ["ALS_1.dcm", "masks.json"]


def test_a_file_for_each_orientation(tmp_path):
    make_dataset(tmp_path, people=("ALS_1", "LR_2"))
    steep = lps_slices(voxels_of(5), False, 1, 1, tilt=0.4, steps=(1.0, 1.0, 4.0), series=1)
    for number, data in enumerate(steep):
        data.StudyInstanceUID, data.FrameOfReferenceUID = "1.2.3.1", "1.2.3.1.1"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.8.{number}"
        data.InstanceNumber += 10
        data.save_as(tmp_path / "dicom" / "ALS_1" / f"block_{number}", enforce_file_format=True)
    table = levels(tmp_path / "levels.csv", "ALS_1,ALS,1,3,2", "ALS_1,ALS,1,4,12", "LR_2,LR,2,3,2")
    assert run("prepare", tmp_path / "dicom", "--levels", table, "--out", tmp_path / "more").code == 0
    for path in (tmp_path / "more").glob("*.png"):
        path.with_suffix(".json").write_text(json.dumps(labelme(path.name, (100, 100), SHAPES)))
    (tmp_path / "scans").rename(tmp_path / "before")
    (tmp_path / "more").rename(tmp_path / "scans")
    outcome = masks(tmp_path)
    assert outcome.code == 0, outcome.err
    names = ["ALS_1/ALS_1_1.dcm", "ALS_1/ALS_1_2.dcm", "LR_2.dcm", "masks.json"]
    assert sorted(fingerprint(tmp_path / "seg")) == names


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--format", "dicom-seg"), "--source: is missing; expected the folder of the DICOM images"),
        (("--format", "nrrd", "--source", "."), "--source: was given with nrrd"),
        (("--format", "dicom-seg", "--source", "none"), "none is no folder"),
    ],
)
def test_options_that_do_not_fit(tmp_path, words, found, monkeypatch):
    make_dataset(tmp_path)
    monkeypatch.chdir(tmp_path)
    outcome = run("masks", "scans", "--out", "out", *words)
    assert outcome.code == 2
    assert found in outcome.err
    assert outcome.err.count("\n") == 1


def test_without_highdicom_one_line_says_what_to_install(tmp_path, monkeypatch):
    make_dataset(tmp_path)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    outcome = masks(tmp_path)
    assert outcome.code == 2
    assert 'pip install "mriparaspinal[dicom-seg]"' in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_derived_disc_is_said_to_be_semiautomatic(tmp_path):
    scans, _ = make_dataset(tmp_path)
    path = next(scans.glob("ALS*.json"))
    document = json.loads(path.read_text())
    for shape in document["shapes"]:
        shape["flags"] = {"derived-disc": shape["label"] == "IVD"}
    path.write_text(json.dumps(document))
    outcome = masks(tmp_path)
    assert outcome.code == 0, outcome.err
    assert "IVD was derived between two vertebrae and not drawn (on 1 slice" in outcome.err
    seg = pydicom.dcmread(tmp_path / "seg" / "ALS_1.dcm")
    assert {item.SegmentAlgorithmType for item in seg.SegmentSequence} == {"SEMIAUTOMATIC"}
