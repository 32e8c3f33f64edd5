"""DICOM series: order, geometry, values; broken files give one clear line."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, AllTransferSyntaxes, ExplicitVRLittleEndian, RLELossless, generate_uid

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.window import shown
from mriparaspinal.io.dicom import read_series
from mriparaspinal.io.dicom_header import require_decoder
from tests.support.builders.scans import levels, transcode
from tests.support.builders.study import run

AXIAL = [1, 0, 0, 0, 1, 0]
SERIES = generate_uid(entropy_srcs=["series"])


def image(pixels, number=1, position=(0, 0, 0), directions=AXIAL, **attributes) -> Dataset:
    """One MR slice as a scanner would write it."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.SOPInstanceUID = generate_uid()
    data.SeriesInstanceUID = SERIES
    data.Modality, data.SeriesNumber, data.InstanceNumber = "MR", 4, number
    data.ImageOrientationPatient, data.ImagePositionPatient = list(directions), list(position)
    data.PixelSpacing = [0.5, 0.75]
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, int(pixels.dtype.kind == "i")
    data.WindowCenter, data.WindowWidth = 500, 1000
    data.PixelData = pixels.astype("<u2" if pixels.dtype.kind == "u" else "<i2").tobytes()
    for keyword, value in attributes.items():
        setattr(data, keyword, value)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def save(folder: Path, name: str, data: Dataset) -> tuple[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    data.save_as(folder / name, enforce_file_format=True)
    return name, folder / name


def only(tmp_path: Path, data: Dataset):
    (series,), broken = read_series([save(tmp_path, "a", data)])
    assert broken == []
    return series


PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100


def test_slices_are_sorted_along_the_normal_not_by_their_numbers(tmp_path):
    heights = [8, 0, 12, 4]
    files = [save(tmp_path, f"f{n}", image(PIXELS + n, n, (0, 0, z))) for n, z in enumerate(heights)]
    (series,), _ = read_series(files)
    assert [picture.number for picture in series.pictures] == [1, 3, 0, 2]
    assert series.slice_spacing_mm() == 4
    assert (series.read(0) == PIXELS + 1).all()


def test_a_series_of_three_planes_becomes_three_stacks(tmp_path):
    planes = [AXIAL, [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]]
    files = [save(tmp_path, f"f{n}", image(PIXELS, n, directions=d)) for n, d in enumerate(planes)]
    series, _ = read_series(files)
    assert sorted(s.plane_name() for s in series) == ["axial", "coronal", "sagittal"]


def test_slope_intercept_sign_and_padding(tmp_path):
    pixels = np.array([[-2000, -5], [0, 7]], dtype=np.int16)
    data = image(pixels, RescaleSlope=2, RescaleIntercept=10)
    data.add_new("PixelPaddingValue", "SS", -2000)
    values = only(tmp_path, data).read(0)
    assert np.isnan(values[0, 0])
    assert values[0, 1:].tolist() + values[1].tolist() == [0, 10, 24]


@pytest.mark.parametrize("name", ["RescaleSlope", "RescaleIntercept"])
@pytest.mark.parametrize("text", [b"2_0 ", b"2,5 ", b"abc ", b"inf ", b"2\\3 "])
def test_a_rescaling_that_is_no_number_is_refused(tmp_path, name, text):
    data = image(PIXELS)
    tag = Tag(name)
    data[tag] = RawDataElement(tag, "DS", len(text), text, 0, False, True)
    with pytest.raises(UnreadableError, match=f"a {name} that is not one plain number"):
        only(tmp_path, data).read(0)


@pytest.mark.parametrize(("text", "factor"), [(b"", 1), (b"  ", 1), (b" 2.5", 2.5), (b"1e1 ", 10)])
def test_a_rescaling_as_it_may_be_written(tmp_path, text, factor):
    data = image(PIXELS)
    tag = Tag("RescaleSlope")
    data[tag] = RawDataElement(tag, "DS", len(text), text, 0, False, True)
    assert (only(tmp_path, data).read(0) == PIXELS * factor).all()


def test_bits_above_those_stored_are_no_part_of_the_value(tmp_path):
    # As an overlay in bit 12 of old files.
    data = image(PIXELS | 0x1000, BitsStored=12, HighBit=11)
    assert (only(tmp_path, data).read(0) == PIXELS).all()


def test_modality_and_voi_tables(tmp_path):
    lut = Dataset()
    lut.LUTDescriptor, lut.LUTData = [3, 100, 8], [10, 100, 255]
    data = image(np.array([[99, 100], [101, 200]], np.uint16), VOILUTSequence=Sequence([lut]))
    for element in lut:
        element.VR = "US"
    del data.WindowCenter, data.WindowWidth
    series = only(tmp_path, data)
    grey, limits = shown(series.read(0), series.pictures[0].voi, False)
    assert grey.tolist() == [[10, 10], [100, 255]]
    assert limits is None


def test_the_first_of_several_windows(tmp_path):
    series = only(tmp_path, image(PIXELS, WindowCenter=[40, 300], WindowWidth=[80, 1500]))
    assert (series.pictures[0].voi.centre, series.pictures[0].voi.width) == (40, 80)


def test_row_spacing_comes_first(tmp_path):
    plane = only(tmp_path, image(PIXELS)).pictures[0].plane
    assert (plane.row_spacing_mm, plane.col_spacing_mm) == (0.5, 0.75)


def enhanced(frames: np.ndarray) -> Dataset:
    data = image(frames[0], NumberOfFrames=len(frames), PixelData=frames.astype("<u2").tobytes())
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "WindowCenter"):
        delattr(data, keyword)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient, measures.PixelSpacing = AXIAL, [2, 3]
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelMeasuresSequence = Sequence([measures])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    per_frame = []
    for n in range(len(frames)):
        position, voi, values, item = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, -5 * n]
        voi.WindowCenter, voi.WindowWidth = 100 + n, 200
        values.RescaleSlope, values.RescaleIntercept = n + 1, 0
        item.PlanePositionSequence, item.FrameVOILUTSequence = Sequence([position]), Sequence([voi])
        item.PixelValueTransformationSequence = Sequence([values])
        per_frame.append(item)
    data.PerFrameFunctionalGroupsSequence = Sequence(per_frame)
    return data


def test_enhanced_multi_frame_has_its_geometry_window_and_slope_per_frame(tmp_path):
    frames = np.stack([PIXELS, PIXELS + 1, PIXELS + 2])
    series = only(tmp_path, enhanced(frames))
    assert [p.number for p in series.pictures] == [3, 2, 1]
    assert [p.plane.position_mm() for p in series.pictures] == [-10, -5, 0]
    assert [p.voi.centre for p in series.pictures] == [102, 101, 100]
    assert series.pictures[0].plane.row_spacing_mm == 2
    assert (series.read(0) == frames[2] * 3.0).all()


def test_frames_without_places_have_no_orientation(tmp_path):
    data = image(PIXELS, NumberOfFrames=2, PixelData=np.stack([PIXELS] * 2).tobytes())
    assert {p.plane for p in only(tmp_path, data).pictures} == {None}


@pytest.mark.parametrize("missing", ["Modality", "InstanceNumber", "SeriesInstanceUID", "PixelSpacing"])
def test_missing_attributes_do_not_stop(tmp_path, missing):
    data = image(PIXELS)
    delattr(data, missing)
    assert (only(tmp_path, data).read(0) == PIXELS).all()


def test_no_file_meta_and_one_that_contradicts(tmp_path):
    raw = save(tmp_path, "whole", image(PIXELS))[1].read_bytes()
    length = int.from_bytes(raw[140:144], "little")
    (tmp_path / "bare").write_bytes(raw[144 + length :])
    # The meta says implicit, the data set is explicit.
    said = raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")
    assert said != raw
    (tmp_path / "lying").write_bytes(said)
    for name in ("bare", "lying"):
        (series,), broken = read_series([(name, tmp_path / name)])
        assert not broken
        assert (series.read(0) == PIXELS).all()


def test_what_is_not_dicom_is_passed_over(tmp_path):
    for name, raw in {"a.txt": b"text", "empty": b"", "b.json": b"{}", "c": b"\x08\x00" + b"x" * 900}.items():
        (tmp_path / name).write_bytes(raw)
    assert read_series([(path.name, path) for path in sorted(tmp_path.iterdir())]) == ([], [])


@pytest.mark.parametrize("photometric", ["RGB", "PALETTE COLOR"])
def test_colour_is_refused(tmp_path, photometric):
    series = only(tmp_path, image(PIXELS, PhotometricInterpretation=photometric))
    with pytest.raises(UnreadableError, match="colour"):
        series.read(0)


def test_run_length_compression_needs_no_extra(tmp_path):
    data = image(PIXELS)
    data.compress(RLELossless)
    assert (only(tmp_path, data).read(0) == PIXELS).all()


def test_every_test_file_of_pydicom_gives_a_result_or_one_line():
    root = Path(pydicom.__file__).parent / "data" / "test_files"
    data_store = pytest.importorskip("data_store", reason="pydicom-data is not installed")
    more = Path(next(iter(data_store.__path__))) / "data"
    files = [(p.name, p) for folder in (root, more) for p in sorted(folder.rglob("*")) if p.is_file()]
    small = [(name, path) for name, path in files if path.stat().st_size < 2_000_000]
    series, broken = read_series(small)
    assert len(series) > 20
    for fault in broken:
        assert fault.message
        assert fault.remedy
        assert "\n" not in fault.message
    for stack in series:
        for index in range(min(2, len(stack.pictures))):
            with contextlib.suppress(UnreadableError):
                assert stack.read(index).dtype == np.float64


@pytest.mark.parametrize("name", ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless"])
def test_compressed_files_hold_the_values_of_the_plain_one(name):
    if name != "MR_small_RLE":
        pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    root = Path(pydicom.__file__).parent / "data" / "test_files"
    path = root / f"{name}.dcm"
    if not path.exists():
        pytest.skip(f"{name} is not installed")
    plain = pydicom.dcmread(root / "MR_small.dcm").pixel_array
    (series,), _ = read_series([(name, path)])
    assert (series.read(0) == plain).all()


def test_mutated_files_give_a_result_or_one_line(tmp_path):
    chance = random.Random(7)
    raw = save(tmp_path, "whole", image(PIXELS, RescaleSlope=1, RescaleIntercept=0))[1].read_bytes()
    many = save(tmp_path, "frames", enhanced(np.stack([PIXELS] * 3)))[1].read_bytes()
    path = tmp_path / "mutated"
    for n in range(200):
        data = bytearray(many if n % 2 else raw)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(128, len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(140, len(data))] if n % 5 == 0 else data)
        series, broken = read_series([("mutated", path)])
        assert all(fault.message and fault.remedy for fault in broken)
        for stack in series:
            for index in range(len(stack.pictures)):
                with contextlib.suppress(UnreadableError):
                    stack.read(index)


def test_signed_pixels_of_twelve_bits_and_a_range_of_padding(tmp_path):
    pixels = np.array([[-2048, -2000], [-1, 2047]], dtype=np.int16) & 0x0FFF  # the sign is bit 11
    data = image(pixels.astype(np.int16), BitsStored=12, HighBit=11)
    data.add_new("PixelPaddingValue", "SS", -2048)
    data.add_new("PixelPaddingRangeLimit", "SS", -1500)
    values = only(tmp_path, data).read(0)
    assert np.isnan(values[0]).all()
    assert values[1].tolist() == [-1, 2047]


@pytest.mark.parametrize(
    ("attribute", "value"), [("LossyImageCompression", "01"), ("LossyImageCompression", "00")]
)
def test_loss_is_known(tmp_path, attribute, value):
    (picture,) = only(tmp_path, image(PIXELS, **{attribute: value})).pictures
    assert picture.lossy == (value == "01")


def installed(name: str) -> Path:
    """A file of the package pydicom-data."""
    data_store = pytest.importorskip("data_store", reason="pydicom-data is not installed")
    return Path(next(iter(data_store.__path__))) / "data" / name


@pytest.mark.parametrize("kind", ["_RLE", "_big_endian", "_jpeg_2k_lossless", "_jpeg_ls_lossless"])
def test_a_multi_frame_mr_in_every_syntax(kind):
    if "jpeg" in kind:
        pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    plain = pydicom.dcmread(installed("emri_small.dcm")).pixel_array
    (series,), broken = read_series([("a", installed(f"emri_small{kind}.dcm"))])
    assert not broken
    assert [p.number for p in series.pictures] == list(range(1, 11))
    assert all((series.read(k) == plain[k]).all() for k in range(10))
    # Its functional groups were taken away, so that its places are not known.
    assert series.plane_name() == "unknown"


def test_a_multi_frame_that_is_cut_off():
    (series,), _ = read_series([("a", installed("emri_small_jpeg_2k_lossless_too_short.dcm"))])
    with pytest.raises(UnreadableError, match="no pixels, as in a truncated file"):
        series.read(0)


def test_a_real_enhanced_file_has_the_place_of_each_frame():
    data = pydicom.dcmread(installed("eCT_Supplemental.dcm"))
    series, broken = read_series([("a", installed("eCT_Supplemental.dcm"))])
    assert not broken
    groups = data.PerFrameFunctionalGroupsSequence
    places = {
        frame: group.PlanePositionSequence[0].ImagePositionPatient for frame, group in enumerate(groups, 1)
    }
    found = {p.number: p.plane.position for stack in series for p in stack.pictures}
    assert found == {frame: tuple(map(float, place)) for frame, place in places.items()}
    for stack in series:
        for index, shown_one in enumerate(stack.pictures):
            stored = data.pixel_array[shown_one.number - 1].astype(float)
            change = data.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
            expected = stored * float(change.RescaleSlope) + float(change.RescaleIntercept)
            values = stack.read(index)
            assert (values[~np.isnan(values)] == expected[~np.isnan(values)]).all()


def test_damaged_compressed_pixels_are_refused_without_noise(tmp_path, capfd):
    pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    chance = random.Random(5)
    pixels = np.random.default_rng(1).integers(0, 1000, (64, 64)).astype(np.uint16)
    refused = set()
    for syntax in ("JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless"):
        _, path = save(tmp_path, syntax, image(pixels))
        transcode(path, syntax)
        raw = path.read_bytes()
        capfd.readouterr()
        start = raw.index(b"\xe0\x7f\x10\x00")
        for _ in range(40):
            data = bytearray(raw)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(start, len(data))] = chance.randrange(256)
            path.write_bytes(data)
            series, broken = read_series([("a", path)])
            assert all("\n" not in fault.message for fault in broken)
            for stack in series:
                try:
                    assert stack.read(0).shape == (64, 64)
                except UnreadableError as error:
                    refused.add(error.fault.found)
        assert capfd.readouterr() == ("", "")
    # libjpeg tells of a stream that ends early, and fills in what is missing.
    assert "the pixels are damaged, according to their decoder" in refused
    assert "the pixels cannot be decoded (truncated or damaged)" in refused


def test_without_a_terminal_compressed_pixels_are_read(tmp_path):
    """As a cron job with stderr closed."""
    data = image(PIXELS)
    data.compress(RLELossless)
    save(tmp_path, "a", data)
    code = (
        "import os, sys; from pathlib import Path; from mriparaspinal.io.dicom import read_series\n"
        "os.close(2); (s,), _ = read_series([('a', Path(sys.argv[1]))]); print(s.read(0).sum())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert float(done.stdout) == PIXELS.sum()


def test_every_mr_image_of_pydicom_is_prepared_or_told_in_one_line(tmp_path):
    roots = [Path(pydicom.__file__).parent / "data" / "test_files", installed("")]
    paths = [
        p for root in roots for p in sorted(root.rglob("*")) if p.is_file() and "MR" in str(p.name).upper()
    ]
    paths += sorted((roots[0] / "dicomdirtests").rglob("MR*/*"))
    done = 0
    for number, path in enumerate(paths):
        if path.stat().st_size > 5_000_000 or path.suffix not in ("", ".dcm"):
            continue
        listed = run("prepare", path, "--list")
        assert listed.code in (0, 3), path
        first = listed.out.splitlines()[1].split("\t")[4].split(" ")[0] if listed.code == 0 else "1"
        table = tmp_path / f"{number}.csv"
        table.write_text(f"source,group,patient,segment,slice\n,MR,{number},3,{first}\n")
        outcome = run("prepare", path, "--levels", table, "--out", tmp_path / f"out{number}")
        assert outcome.code in (0, 3), path
        lines = outcome.err.splitlines()
        if outcome.code == 3:
            # The row, and the sum of it.
            assert len(lines) == 2 + any("broken files" in line for line in lines), (path, lines)
            assert all(line.count("; ") >= 2 for line in lines)
        done += outcome.code == 0
    assert done >= 10


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
@pytest.mark.parametrize("high", [10, 12, 15])
def test_bits_whose_place_is_not_clear_are_refused(tmp_path, kind, high):
    data = image(PIXELS.astype(kind), BitsStored=12, HighBit=high)
    with pytest.raises(UnreadableError, match=r"HighBit|cannot be read"):
        only(tmp_path, data).read(0)


def test_a_high_bit_that_is_not_told(tmp_path):
    data = image(PIXELS, BitsStored=12, HighBit=11)
    del data.HighBit
    assert (only(tmp_path, data).read(0) == PIXELS).all()


def test_copies_of_a_file_count_once(tmp_path):
    """As where an export has each series in a folder of its own, and all images in one, too."""
    slices = [image(PIXELS + n, n + 1, (0, 0, 4 * n)) for n in range(3)]
    files = [save(tmp_path, f"a{n}", data) for n, data in enumerate(slices)]
    files += [save(tmp_path / "copy", f"b{n}", data) for n, data in enumerate(slices)]
    (series,), broken = read_series(files)
    assert broken == []
    assert [picture.number for picture in series.pictures] == [1, 2, 3]
    assert not any(picture.twin for picture in series.pictures)
    assert series.place == "."
    other = pydicom.dcmread(tmp_path / "copy" / "b1")
    other.PixelData = (PIXELS + 7).tobytes()
    other.save_as(tmp_path / "copy" / "b1")
    (series,), _ = read_series(files)
    assert [picture.number for picture in series.pictures] == [1, 2, 2, 3]
    assert [picture.twin for picture in series.pictures] == [False, True, True, False]


def test_a_mosaic_has_no_place(tmp_path):
    data = image(np.zeros((64, 64), np.uint16), ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])
    series = only(tmp_path, data)
    assert (series.plane_name(), series.pictures[0].plane) == ("mosaic", None)
    out = run(
        "prepare",
        tmp_path,
        "--levels",
        levels(tmp_path / "levels.csv", ",ALS,1,3,1"),
        "--out",
        tmp_path / "o",
    )
    assert out.code == 3
    assert "no axial slices (series 4: 1 Siemens mosaics of many slices each" in out.err


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        (
            "1.2.840.10008.1.2.4.201",
            'pip install pylibjpeg "pylibjpeg-openjpeg>=2", or export it uncompressed',
        ),
        (
            "1.2.840.10008.1.2.4.202",
            'pip install pylibjpeg "pylibjpeg-openjpeg>=2", or export it uncompressed',
        ),
        (
            "1.2.840.10008.1.2.4.203",
            'pip install pylibjpeg "pylibjpeg-openjpeg>=2", or export it uncompressed',
        ),
        ("1.2.840.10008.1.2.4.92", "export it uncompressed"),
        ("1.2.840.10008.1.2.4.107", "export it uncompressed"),
        ("1.2.840.113619.5.2", "export it uncompressed"),
    ],
)
def test_the_remedy_is_what_helps(syntax, words):
    if "pylibjpeg" in words and find_spec("openjpeg"):
        return  # that decoder is installed
    with pytest.raises(UnreadableError) as refused:
        require_decoder(UID(syntax))
    assert refused.value.fault.remedy.endswith(words)
    assert "mriparaspinal[dicom]" not in refused.value.fault.remedy


def test_every_syntax_has_a_decoder_or_a_remedy():
    """All that the extra "dicom" promises are those that GDCM decodes, by pydicom's own table."""
    for syntax in AllTransferSyntaxes:
        try:
            decoder = get_decoder(syntax)
        except NotImplementedError:
            continue
        native = not syntax.is_encapsulated or syntax == RLELossless
        assert native or "gdcm" in decoder._unavailable | decoder._available or "HTJ2K" in syntax.keyword


@pytest.mark.parametrize("told", [2, 4])
def test_as_many_descriptions_as_frames(tmp_path, told):
    data = enhanced(np.stack([PIXELS] * 3))
    data.NumberOfFrames = told
    series, broken = read_series([save(tmp_path, "a", data)])
    assert series == []
    assert broken[0].message == f"3 descriptions of frames for {told} frames; expected one for each"
