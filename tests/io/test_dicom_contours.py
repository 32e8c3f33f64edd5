"""RTSTRUCT and SEG: what is read of them, pydicom's own files, highdicom's, and damaged ones."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.dicom_header import modality_of
from mriparaspinal.io.dicom_seg import read_segmentation
from mriparaspinal.io.rtstruct import read_structures
from tests.support.builders.contours import PLANE, SHAPE, in_patient, shifted, write_rtstruct, write_seg
from tests.support.builders.scans import SECRET, mr
from tests.support.builders.slices import box


def one_seg(path, **options):
    pixels = np.zeros(SHAPE, dtype=np.uint8)
    pixels[10:20, 30:50] = 1
    return write_seg(path, {1: "MF_L"}, [(1, pixels, PLANE)], **options)


def test_what_an_rtstruct_says(tmp_path):
    square = in_patient(box(10, 10, 20, 30))
    path = write_rtstruct(
        tmp_path / "x",
        [("MF_L", [square, (square, "POINT")]), ("", [square]), ("Ärm", [(square, "CLOSEDPLANAR_XOR")])],
    )
    found = read_structures(path)
    assert [(outline.roi, outline.label) for outline in found.outlines] == [
        (1, "MF_L"),
        (2, "ROI 2"),
        (3, "Ärm"),
    ]
    assert found.without_area == ("MF_L",)
    assert found.outlines[0].points == pytest.approx(square, abs=1e-5)
    assert SECRET not in repr(found)


def of_pydicom(name) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Path(pydicom.data.get_testdata_file(name))


def test_the_rtstruct_of_pydicom():
    path = of_pydicom("rtstruct.dcm")  # without a preamble
    assert modality_of(path) == "RTSTRUCT"
    found = read_structures(path)
    assert [(outline.label, len(outline.points)) for outline in found.outlines] == [
        ("patient", 5),
        ("patient", 6),
        ("patient", 6),
    ]
    assert found.outlines[0].points[0].tolist() == [-200, 150, -200]
    assert found.without_area == ("Isocenter 1", "Isocenter 2")


def test_the_segmentation_of_pydicom():
    path = of_pydicom("liver.dcm")
    assert modality_of(path) == "SEG"
    found = read_segmentation(path)
    expected = pydicom.dcmread(path).pixel_array.astype(bool)
    assert found.size == (512, 512)
    assert [frame.plane.position[2] for frame in found.frames] == [-128.69, -127.69, -126.69]
    for index, pixels in enumerate(expected):
        ((label, read),) = found.read(index)
        assert label == "Liver"
        assert np.array_equal(read, pixels)


def test_descriptions_of_more_frames_than_there_are():
    with pytest.raises(UnreadableError, match="3 descriptions of frames for 1 frames"):
        read_segmentation(of_pydicom("liver_1frame.dcm"))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_images_are_of_another_kind(name):
    assert modality_of(of_pydicom(name)) in ("CT", "MR")


def test_what_is_no_dicom(tmp_path):
    (tmp_path / "x").write_text("notes")
    assert modality_of(tmp_path / "x") == ""


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_the_kinds_of_segmentations(tmp_path, kind):
    rng = np.random.default_rng(1)
    first, second = (rng.random(SHAPE) < share for share in (0.2, 0.4))
    second &= ~first
    labels = {1: "MF_L", 4: "ES_L"}
    if kind == "LABELMAP":
        frames = [(1, first * 1 + second * 4, PLANE), (1, first * 4, shifted(PLANE, 4))]
    else:
        frames = [(1, first, PLANE), (4, second, PLANE), (4, first, shifted(PLANE, 4))]
    most = 200 if kind == "FRACTIONAL" else 1
    stored = [(number, (pixels * most).astype(np.uint8), plane) for number, pixels, plane in frames]
    found = read_segmentation(write_seg(tmp_path / "x", labels, stored, kind))
    read = [dict(found.read(i)) for i in range(len(frames))]
    if kind == "LABELMAP":
        assert np.array_equal(read[0]["MF_L"], first)
        assert np.array_equal(read[0]["ES_L"], second)
        assert np.array_equal(read[1]["ES_L"], first)
    else:
        assert np.array_equal(read[0]["MF_L"], first)
        assert np.array_equal(read[1]["ES_L"], second)
        assert np.array_equal(read[2]["ES_L"], first)
    assert found.frames[-1].plane.position == pytest.approx(shifted(PLANE, 4).position)
    assert found.frames[0].spacing_mm == 4


def test_fractions_are_not_given_a_threshold(tmp_path):
    pixels = np.full(SHAPE, 100, dtype=np.uint8)
    found = read_segmentation(write_seg(tmp_path / "x", {1: "MF_L"}, [(1, pixels, PLANE)], "FRACTIONAL"))
    with pytest.raises(UnreadableError, match="fractional segments; expected pixels that are in or out"):
        found.read(0)


def test_a_segmentation_as_highdicom_writes_it(tmp_path):
    hd = pytest.importorskip("highdicom")
    from pydicom.sr.codedict import codes

    voxels = np.random.default_rng(2).random((3, *SHAPE)) < 0.3
    spacing = (PLANE.row_spacing_mm, PLANE.col_spacing_mm)
    images = []
    for number in range(3):
        plane = (PLANE.across, PLANE.down, shifted(PLANE, 4 * number).position, spacing)
        image = mr(np.zeros(SHAPE), number + 1, plane)
        image.FrameOfReferenceUID = image.StudyInstanceUID = "1.2.3"
        for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"):
            setattr(image, name, "")
        for name in ("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"):
            setattr(image, name, "")
        image.SliceThickness = 4
        images.append(image)
    description = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="PM_R",
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Muscle,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
    segmentation = hd.seg.Segmentation(
        source_images=images,
        pixel_array=voxels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[description],
        series_instance_uid="1.2.4",
        series_number=1,
        sop_instance_uid="1.2.5",
        instance_number=1,
        manufacturer="x",
        manufacturer_model_name="x",
        software_versions="x",
        device_serial_number="x",
    )
    path = tmp_path / "seg.dcm"
    segmentation.save_as(path)
    found = read_segmentation(path)
    by_height = sorted(range(3), key=lambda i: found.frames[i].plane.position_mm())
    for number, index in enumerate(by_height):
        ((label, pixels),) = found.read(index)
        assert label == "PM_R"
        assert np.array_equal(pixels, voxels[number])


@pytest.mark.parametrize("drop", ["PlanePositionSequence", "PlaneOrientationSequence"])
def test_a_frame_without_its_place(tmp_path, drop):
    path = one_seg(tmp_path / "x")
    data = pydicom.dcmread(path)
    del data.PerFrameFunctionalGroupsSequence[0][drop]
    data.save_as(path)
    with pytest.raises(UnreadableError, match="a frame without its place"):
        read_segmentation(path)


def test_numbers_that_are_no_points(tmp_path):
    path = write_rtstruct(tmp_path / "x", [("MF_L", [np.zeros(7)])])
    with pytest.raises(UnreadableError, match="invalid coordinates; expected x, y, z"):
        read_structures(path)


def test_outlines_of_two_points_enclose_nothing(tmp_path):
    path = write_rtstruct(tmp_path / "x", [("MF_L", [np.zeros((2, 3))])])
    assert read_structures(path).outlines == ()
    assert read_structures(path).without_area == ("MF_L",)


@pytest.mark.parametrize("kind", ["RTSTRUCT", "SEG"])
def test_a_hundred_mutations(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "SEG":
        one_seg(path)
    else:
        write_rtstruct(path, [("MF_L", [in_patient(box(10, 10, 20, 30))])])
    raw = path.read_bytes()
    rng = random.Random(7)
    said = []
    for _ in range(100):
        broken = bytearray(raw)
        for _ in range(rng.choice((1, 4, 20))):
            broken[rng.randrange(132, len(broken))] = rng.randrange(256)
        path.write_bytes(broken[: rng.choice((len(broken), rng.randrange(140, len(broken))))])
        try:
            modality_of(path)
            if kind == "SEG":
                found = read_segmentation(path)
                for index in range(len(found.frames)):
                    assert all(pixels.shape == found.size for _, pixels in found.read(index))
            else:
                assert all(np.isfinite(outline.points).all() for outline in read_structures(path).outlines)
        except UnreadableError as error:
            said.append(str(error))
    assert said
    assert not [line for line in said if SECRET in line or "\n" in line]


def seg_of(folder, shape, frames=5, kind="BINARY", seed=3):
    """A segmentation of random frames, and its pixels, (frames, rows, columns)."""
    pixels = (np.random.default_rng(seed).random((frames, *shape)) < 0.4).astype(np.uint8)
    stored = [(1, frame, shifted(PLANE, 4 * n)) for n, frame in enumerate(pixels)]
    return write_seg(folder / "seg", {1: "MF_L"}, stored, kind), pixels


@pytest.mark.parametrize("shape", [(7, 9), (121, 139), (8, 8), (1, 1), (5, 5)])
def test_frames_of_bits_run_on_without_a_gap(tmp_path, shape):
    path, pixels = seg_of(tmp_path, shape)
    # As PS3.5 8.1.1 packs them: the first pixel is the lowest bit, and frames do not begin with a byte.
    packed = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    data = pydicom.dcmread(path)
    data.PixelData = packed + bytes(len(packed) % 2)
    data.save_as(path)
    found = read_segmentation(path)
    for index, frame in enumerate(pixels):
        ((label, read),) = found.read(index)
        assert label == "MF_L"
        assert np.array_equal(read, frame == 1)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
@pytest.mark.parametrize("change", ["short", "long", "padded"])
def test_pixels_of_another_length_than_the_frames_need(tmp_path, kind, change):
    path, pixels = seg_of(tmp_path, (9, 12), 8, kind)
    data = pydicom.dcmread(path)
    raw = data.PixelData
    if change == "padded":
        raw = b"".join(np.packbits(frame.ravel(), bitorder="little").tobytes() for frame in pixels)
        raw = raw if kind == "BINARY" else raw + bytes(len(data.PixelData))
    data.PixelData = {"short": raw[:-2], "long": raw + bytes(2), "padded": raw + bytes(len(raw) % 2)}[change]
    data.save_as(path)
    with pytest.raises(UnreadableError, match="bytes of pixels for 8 frames of 9×12") as refused:
        read_segmentation(path)
    assert ("a byte of its own" in refused.value.fault.message) is (change == "padded" and kind == "BINARY")


def test_the_segmentations_of_the_public_reports(shared):
    cases = shared / "cases"
    if not cases.is_dir():
        pytest.skip("no folder ../shared/cases")
    odd = cases / "seg-binary-odd-size" / "ALS_1.dcm"
    segread = pytest.importorskip("highdicom").seg.segread
    expected = segread(odd).pixel_array
    found = read_segmentation(odd)
    for index in range(len(found.frames)):
        assert np.array_equal(found.read(index)[0][1], expected[index] == 1)
    with pytest.raises(UnreadableError, match=r"19504 bytes .* byte of its own; expected 19500"):
        read_segmentation(cases / "seg-frames-padded" / "ALS_1.dcm")
