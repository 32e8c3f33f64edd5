"""Input made to do harm: bombs, huge files, wild paths, formulas, markup. A clear line, or the right answer.

Each within seconds, and within 1 GB of memory beyond what the tests themselves hold.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import functools
import gzip
import io
import json
import math
import resource
import struct
import sys
import time
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.io.dicom import read_series
from mriparaspinal.io.image_limits import PIXEL_LIMIT
from mriparaspinal.io.imagej import read_rois
from mriparaspinal.io.images import decode_image
from mriparaspinal.io.label_volumes import decode_label_image, read_label_volume
from mriparaspinal.io.labelme import embedded_image, read_annotation
from mriparaspinal.io.nifti import read_volume
from mriparaspinal.io.protocol import resolve_settings
from mriparaspinal.io.tables import parse_table, read_table
from tests.support.builders.scans import mr
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    labelme,
    png_bytes,
    png_chunk,
    polygon,
    write_image,
    write_slice,
)
from tests.support.builders.study import problems_of, run
from tests.support.builders.study import rows_of as rows_of_results
from tests.support.strategies import dressed

PLANE = ((1, 0, 0), (0, 1, 0), (-60, -50, 40), (0.5, 0.8))


@contextmanager
def little_memory():
    """1 GB more than there is now, and 5 s."""
    if not sys.platform.startswith("linux"):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 1_000_000_000, before[1]))
    start = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - start < 5


def refused(kind, function, *arguments) -> str:
    """What is said when input is refused, in one line, quickly and without eating memory."""
    with little_memory(), pytest.raises(kind) as caught:
        function(*arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert "larger than the memory" not in text
    return text


# Bombs: a few bytes that unpack to gigabytes


def png(width: int, height: int, content: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", content), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def _megabyte() -> bytes:
    """A million zeros, packed so that any number of them may follow each other."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)


MEGABYTE, END = _megabyte(), b"\x03\0"
#: 900 MB of zeros as zlib packs them: their checksum is 1 and their number.
BOMB = b"\x78\x9c" + MEGABYTE * 900 + END + struct.pack(">HH", 900_000_000 % 65521, 1)
#: 100 MB of zeros as a member of a gzip file; members may follow each other.
GZ_100 = b"\x1f\x8b\x08" + bytes(7) + MEGABYTE * 100 + END
GZ_100 += struct.pack("<II", zlib.crc32(bytes(100_000_000)), 100_000_000)


def test_the_bombs_are_what_they_say():
    assert zlib.decompress(
        b"\x78\x9c" + MEGABYTE * 3 + END + struct.pack(">HH", 3_000_000 % 65521, 1)
    ) == bytes(3_000_000)
    assert gzip.decompress(GZ_100 * 2) == bytes(200_000_000)
    assert len(BOMB) < 1_000_000


def test_an_image_of_many_pixels_in_few_bytes():
    raw = png(30_000, 30_000, BOMB)
    assert len(raw) < 1_000_000
    assert "expected one slice" in refused(UnreadableError, decode_image, raw)


@pytest.mark.parametrize("size", [(1, PIXEL_LIMIT), (PIXEL_LIMIT, 1)])
def test_an_image_of_one_column_or_row(size):
    """Pillow keeps memory for each row."""
    raw = png(*size, BOMB)
    assert "expected one slice" in refused(UnreadableError, decode_image, raw)
    assert "expected those of one slice" in refused(UnreadableError, decode_label_image, raw)


def test_an_image_with_more_pixels_than_its_header_says():
    """What is behind the last line is not unpacked."""
    with little_memory():
        image = decode_image(png(10, 10, BOMB)).grey
    assert (np.asarray(image) == 0).all()


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_bomb_in_the_side_data_of_an_image(name):
    head = {b"zTXt": b"x\0\0", b"iTXt": b"x\0\1\0\0\0", b"iCCP": b"x\0\0"}[name]
    with little_memory(), contextlib.suppress(UnreadableError):
        decode_image(png(2, 2, zlib.compress(bytes(6)), (name, head + BOMB)))


def test_the_largest_images_take_less_than_a_gigabyte():
    side = math.isqrt(PIXEL_LIMIT)
    colour = io.BytesIO()
    Image.new("RGB", (side, side)).save(colour, "PNG")
    deep = png_bytes(np.zeros((side, side), dtype=np.uint16), 0, 16)
    with little_memory():
        assert decode_image(colour.getvalue()).grey.size == (side, side)
    with little_memory():
        assert decode_image(deep, (0, 100)).grey.size == (side, side)


def test_a_bomb_embedded_in_a_labelme_file():
    text = base64.b64encode(png(30_000, 30_000, BOMB)).decode()
    raw = json.dumps(labelme("a.png", (100, 100), SHAPES, imageData=text)).encode()
    image = embedded_image(read_annotation(raw))
    assert "expected one slice" in refused(UnreadableError, decode_image, image)


def test_many_masks_that_unpack_to_much():
    side = 4000
    packed = io.BytesIO()
    Image.new("1", (side, side), 1).save(packed, "PNG")
    text = base64.b64encode(packed.getvalue()).decode()
    corners = [[0, 0], [side - 1, side - 1]]
    shape = polygon("MF_L", corners, shape_type="mask", mask=text)
    raw = json.dumps(labelme("a.png", (side, side), [shape] * 100)).encode()
    assert len(raw) < 2_000_000
    assert "pixels of masks; expected those of one slice" in refused(UnreadableError, read_annotation, raw)


def nifti_header(**fields: object) -> bytearray:
    """A NIfTI-1 header of 6 × 5 × 3 voxels of 8 bits, with its four bytes for extensions."""
    image = nibabel.Nifti1Image(np.zeros((6, 5, 3), dtype=np.uint8), np.diag([-1.0, -1.0, 4.0, 1.0]))
    for name, value in fields.items():
        image.header[name] = value
    return bytearray(image.header.binaryblock + bytes(4))


def gz(path: Path, head: bytes) -> Path:
    """Packed, with 1.5 GB of zeros behind it."""
    path.write_bytes(gzip.compress(head) + GZ_100 * 15)
    return path


def test_a_volume_that_begins_behind_gigabytes(tmp_path):
    path = gz(tmp_path / "x.nii.gz", nifti_header(vox_offset=1.5e9))
    assert path.stat().st_size < 10_000_000
    for read in (lambda: read_volume(path, "x"), lambda: read_label_volume(path)):
        assert "voxels that begin at byte 1.5e+09" in refused(UnreadableError, read)


@pytest.mark.parametrize("size", [0, 4, -8, 1_200_000_000, 2**31 - 1])
def test_an_extension_of_gigabytes(tmp_path, size):
    header = nifti_header(vox_offset=9_000_000)
    header[348] = 1
    path = gz(tmp_path / "x.nii.gz", header + struct.pack("<ii", size, 0))
    said = refused(UnreadableError, read_volume, path, "x")
    assert "the extensions of the header cannot be read" in said


def test_a_volume_without_an_offset_has_no_extensions(tmp_path):
    header = nifti_header(vox_offset=0)
    header[348] = 1
    path = gz(tmp_path / "x.nii.gz", header)
    assert "cannot be read as NIfTI" in refused(UnreadableError, read_volume, path, "x")


def test_a_volume_with_gigabytes_behind_its_voxels_is_read(tmp_path):
    path = gz(tmp_path / "x.nii.gz", nifti_header(vox_offset=352))
    with little_memory():
        assert (read_volume(path, "x").read(0) == 0).all()


def test_a_volume_of_many_thin_slices(tmp_path):
    header = nifti_header(vox_offset=352)
    struct.pack_into("<3h", header, 42, 2, 2, 32767)
    (tmp_path / "x.nii").write_bytes(bytes(header) + bytes(2 * 2 * 32767))
    assert "32767 slices" in refused(UnreadableError, read_volume, tmp_path / "x.nii", "x")


def test_dicom_that_is_deflated_from_gigabytes(tmp_path):
    """Its length in the file is told to be less than it is, as if to hide where the packed part begins."""
    data = mr(np.zeros((8, 8)), 1, PLANE)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = io.BytesIO()
    data.save_as(content, enforce_file_format=True)
    raw = bytearray(content.getvalue())
    begin = 132 + 12 + struct.unpack_from("<I", raw, 132 + 8)[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(zlib.decompress(raw[begin:], -zlib.MAX_WBITS))
    # A private element of 500 MB behind the pixels.
    packed += packer.compress(struct.pack("<HH2sHI", 0x7FE1, 0x0010, b"OB", 0, 500_000_000))
    packed += packer.flush(zlib.Z_FULL_FLUSH) + MEGABYTE * 500 + END
    raw[132 + 8 : 132 + 12] = struct.pack("<I", 30)
    path = tmp_path / "x.dcm"
    path.write_bytes(bytes(raw[:begin]) + packed)
    with little_memory():
        series, broken = read_series([("x.dcm", path)])
    assert not series
    assert "deflated from more than 300 MB" in broken[0].message


def test_dicom_that_is_deflated_is_read(tmp_path):
    pixels = np.arange(64).reshape(8, 8)
    data = mr(pixels, 1, PLANE)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    ((series,), broken) = read_series([("x.dcm", tmp_path / "x.dcm")])
    assert not broken
    assert (series.read(0) == pixels).all()


@pytest.mark.parametrize("bits", [1, 8])
def test_dicom_of_millions_of_frames(tmp_path, bits):
    data = mr(np.zeros((1, 1)), 1, PLANE)
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.NumberOfFrames = 2_000_000_000
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    with little_memory():
        series, broken = read_series([("x.dcm", tmp_path / "x.dcm")])
    assert not series
    assert "2000000000 frames of 1×1 pixels; expected slices" in broken[0].message


def test_dicom_whose_element_claims_4_gb(tmp_path):
    data = mr(np.zeros((8, 8)), 1, PLANE)
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    raw = (tmp_path / "x.dcm").read_bytes()
    at = raw.rindex(struct.pack("<HH2sH", 0x7FE0, 0x0010, b"OW", 0)) + 8
    (tmp_path / "x.dcm").write_bytes(raw[:at] + struct.pack("<I", 0xFFFFFFF0) + raw[at + 4 :])
    with little_memory():
        (series,), _ = read_series([("x.dcm", tmp_path / "x.dcm")])
        assert (series.read(0) == 0).all()  # they are all there


def test_an_roi_set_that_unpacks_to_gigabytes():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(60):
            archive.writestr(f"{number}.roi", bytes(19_000_000))
    assert "larger than any ROI set" in refused(UnreadableError, read_rois, packed.getvalue(), "x.zip")


# Files of gigabytes: refused by their size, never read


def sparse(path: Path, size: int = 2_000_000_000) -> Path:
    """A file of so many bytes that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("ending", ["json", "png"])
def test_a_slice_file_of_two_gigabytes_costs_that_slice(tmp_path, ending):
    write_slice(tmp_path / "data", "ALS_1_3")
    write_slice(tmp_path / "data", "ALS_2_3")
    sparse(tmp_path / "data" / f"ALS_1_3.{ending}")
    with little_memory():
        outcome = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert outcome.code == 4
    (line,) = [line for line in outcome.err.splitlines() if f"ALS_1_3.{ending}" in line]
    assert "2000 MB; expected at most 100 MB; check what the file is" in line
    assert {row["participant_id"] for row in rows_of_results(tmp_path / "out")} == {"ALS_2"}


def test_tables_and_a_protocol_of_two_gigabytes(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    for name in ("participants.csv", "slices.csv"):
        sparse(tmp_path / "data" / name)
        with little_memory():
            outcome = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
        assert outcome.code == 4
        assert f"{name}: error: 2000 MB; expected at most 50 MB" in outcome.err
        (tmp_path / "data" / name).unlink()
    sparse(tmp_path / "data" / "paraspinal.toml")
    with little_memory():
        outcome = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "paraspinal.toml: 2000 MB; expected at most 1 MB" in outcome.err


def test_a_table_of_many_cells_or_columns():
    said = refused(NoInputError, parse_table, b"a,b\n" + b"1,2\n" * 2_600_000, "t.csv")
    assert "5200002 cells; expected at most 5000000" in said
    with little_memory():
        table = parse_table(",".join(f"c{n}" for n in range(200_000)).encode(), "t.csv")
    assert len(table.columns) == 200_000


def test_a_protocol_that_no_person_wrote(tmp_path):
    for text in (
        "a=" + "[" * 100_000,
        "threshold=" + "1" * 5000,
        f"window=[0,{'1' * 400}]",
        "x=" + "{a=" * 9000,
    ):
        (tmp_path / "paraspinal.toml").write_text(text)
        said = refused(UsageError, resolve_settings, tmp_path, {})
        assert "; expected" in said
        assert len(said) < 500


# Contours


def points_of_a_circle(count: int, radius: float = 200) -> list[tuple[float, float]]:
    angles = np.arange(count) * (2 * np.pi / count)
    return list(
        zip((250 + radius * np.cos(angles)).tolist(), (250 + radius * np.sin(angles)).tolist(), strict=True)
    )


@functools.cache
def million() -> bytes:
    return json.dumps(labelme("a.png", (500, 500), [polygon("MF_R", points_of_a_circle(1_000_000))])).encode()


@pytest.mark.parametrize("rule", ["labelme", "centre"])
def test_a_polygon_of_a_million_points(rule):
    raw = million()
    with little_memory():
        annotation = read_annotation(raw)
        found = sort_contours(annotation.contours, (500, 500), Settings(mask_rule=rule), {}, "a.json")
    assert not found.problems
    assert found.areas_px["MF", "right"] == pytest.approx(math.pi * 200**2, rel=1e-6)
    # Half of the outline's length, by Pillow's rule: docs/measurement.md.
    excess = {"labelme": math.pi * 200, "centre": 0}[rule]
    assert found.patches["MF", "right"].pixels.sum() == pytest.approx(math.pi * 200**2 + excess, abs=300)


def test_a_scribble_of_a_million_points_is_refused():
    scribble = np.random.default_rng(1).uniform(0, 499, (1_000_000, 2)).tolist()
    raw = json.dumps(labelme("a.png", (500, 500), [polygon("MF_R", scribble), *SHAPES])).encode()
    with little_memory():
        annotation = read_annotation(raw)
        found = sort_contours(annotation.contours, (500, 500), Settings(), {}, "a.json")
    assert [problem.code for problem in found.problems] == ["too-much-to-draw"]
    assert not found.patches
    assert ("MF", "right") in found.seen


def test_a_file_of_more_values_or_shapes_than_any_slice():
    raw = b'{"shapes":[{"label":"MF_R","points":[' + b",".join([b"[1,2]"] * 2_100_000) + b"]}]}"
    assert "values; expected those of one slice" in refused(UnreadableError, read_annotation, raw)
    for extra in ({}, {"x": float("nan")}):  # the quick way, and the lenient one
        many = json.dumps(
            {"shapes": [{"label": "MF_R", "points": box(1, 1, 5, 5)}] * 10_001} | extra
        ).encode()
        assert "10001 shapes; expected" in refused(UnreadableError, read_annotation, many)


@pytest.mark.parametrize("apart", [True, False])
def test_ten_thousand_parts_of_one_region(apart):
    step = 10 if apart else 3
    shapes = [
        polygon("MF_R", [(x, y), (x + 5, y), (x, y + 5)])
        for x in range(0, 100 * step, step)
        for y in range(0, 90 * step, step)
    ]
    raw = json.dumps(labelme("a.png", (1000, 1000), shapes)).encode()
    with little_memory():
        found = sort_contours(read_annotation(raw).contours, (1000, 1000), Settings(), {}, "a.json")
    assert [problem.code for problem in found.problems] == ([] if apart else ["parts-overlap"])
    if apart:
        assert found.patches["MF", "right"].pixels.sum() == 9000 * 21
        assert found.areas_px["MF", "right"] == 9000 * 12.5


def test_a_thousand_contours_that_fill_a_large_image():
    shape = polygon("MF_R", box(0, 0, 4095, 4095))
    raw = json.dumps(labelme("a.png", (4096, 4096), [shape] * 1000)).encode()
    with little_memory():
        found = sort_contours(read_annotation(raw).contours, (4096, 4096), Settings(), {}, "a.json")
    assert [problem.code for problem in found.problems] == ["too-much-to-draw"]


@pytest.mark.parametrize("far", [1e18, -1e18, 1e7, 1e308])
def test_coordinates_beyond_all_images_cost_their_contour(tmp_path, far):
    wild = polygon("MF_L", [(55, 65), (far, 65), (64, 84)])
    write_slice(tmp_path / "data", "ALS_1_3", shapes=[s for s in SHAPES if s["label"] != "MF_L"] + [wild])
    with little_memory():
        outcome = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert outcome.code == 4
    assert "MF_L: error: a coordinate of 1e+" in outcome.err
    assert {(r["muscle"], r["side"]) for r in rows_of_results(tmp_path / "out")} == {
        *((m, s) for m in ("PM", "ES") for s in ("left", "right", "both")),
        ("MF", "right"),
    }


@pytest.mark.parametrize("radius", [20_001, 1e6])
def test_a_circle_beyond_all_images_costs_itself(radius):
    """Pillow would draw it for ever."""
    wild = polygon(
        "MF_L", [(20, 20), (20 + radius - 20, 20)] if radius == 1e6 else [(20, 20), (20, 20 + radius)]
    )
    raw = json.dumps(labelme("a.png", (100, 100), [*SHAPES, wild | {"shape_type": "circle"}])).encode()
    with little_memory():
        annotation = read_annotation(raw)
    assert [(shape.label, shape.code) for shape in annotation.broken] == [("MF_L", "not-a-position")]
    assert len(annotation.contours) == len(SHAPES)


def test_the_largest_circle_is_drawn():
    circle = polygon("MF_R", [(0, -19_900), (0, 50)], shape_type="circle")
    raw = json.dumps(labelme("a.png", (100, 100), [circle])).encode()
    with little_memory():
        found = sort_contours(read_annotation(raw).contours, (100, 100), Settings(), {}, "a.json")
    # The circle's lower edge, nearly flat: rows 0 to 50.
    assert found.patches["MF", "right"].pixels.shape == (51, 100)


# Where imagePath leads


@pytest.mark.parametrize(
    "told",
    [
        "/dev/zero",
        "/dev/stdin",
        "../../../../../../dev/zero",
        "\\\\.\\PHYSICALDRIVE0",
        "zero.png",
        "pipe.png",
        "out.png",
    ],
)
def test_image_path_to_devices_and_out_of_the_folder_opens_nothing(tmp_path, told):
    """Links in the dataset that lead to a device, and out of it, are not followed for a JSON's sake."""
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3", imagePath=told)
    (root / "zero.png").symlink_to("/dev/zero")
    write_image(tmp_path / "secret.png", grey_image())
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    with little_memory():
        outcome = run("quantify", root, "--out", tmp_path / "out")
    if told == "out.png":  # it is there, and so it may be the one that was annotated
        assert outcome.code == 3
        assert "imagePath names out.png, but ALS_1_3.png has the JSON's stem" in outcome.err
        return
    assert "image-path-missing" in {row[3] for row in problems_of(tmp_path / "out")}
    inputs = json.loads((tmp_path / "out" / "quantify.json").read_text())["inputs"]
    assert set(inputs) == {"ALS_1_3.json", "ALS_1_3.png"}


def test_a_slice_that_is_a_device_is_a_dead_name(tmp_path):
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3")
    write_slice(root, "ALS_2_3")
    (root / "ALS_1_3.png").unlink()
    (root / "ALS_1_3.png").symlink_to("/dev/zero")
    with little_memory():
        outcome = run("quantify", root, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert ("ALS_1_3.png", "broken-link") in {(row[0], row[3]) for row in problems_of(tmp_path / "out")}


# Cells that a spreadsheet would run


FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)"]


def cells_of(folder: Path) -> list[tuple[str, str]]:
    """(file, cell) of every cell that is no number."""
    cells = []
    for path in folder.glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")):
            cells += [(path.name, cell) for cell in row if not _is_number(cell)]
    return cells


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_name_of_a_folder_or_file_becomes_a_formula(tmp_path, formula):
    root = tmp_path / "data"
    write_slice(root, "ALS_9_3")
    write_slice(root, f"{formula}/ALS_1_3")
    write_slice(root, f"sub/{formula}/ALS_2_4")
    write_slice(root, f"{formula}_5_5")
    outcome = run("quantify", root, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert "bad-name" in {row[3] for row in problems_of(tmp_path / "out")}
    by_folder = run("quantify", root, "--out", tmp_path / "folders", "--patient-from", "folder")
    assert by_folder.code == 3 or by_folder.code == 4
    pattern = r"(?P<group>.*)_(?P<patient>\d+)_(?P<segment>\d)"
    assert run("quantify", root, "--out", tmp_path / "pattern", "--name-pattern", pattern).code == 4
    for folder in ("out", "folders", "pattern"):
        assert [
            cell for cell in cells_of(tmp_path / folder) if cell[1].startswith(("=", "+", "-", "@"))
        ] == []


@pytest.mark.parametrize("formula", [*FORMULAS, "\t=1", '=HYPERLINK("http://x","y")'])
def test_no_label_becomes_a_formula(tmp_path, formula):
    root = tmp_path / "data"
    write_slice(
        root, "ALS_1_3", shapes=[*SHAPES, polygon(formula, box(1, 1, 5, 5)), polygon(formula, [(1, 1)])]
    )
    (root / "paraspinal.toml").write_text(f"[labels]\n{json.dumps(formula)} = 'QL_R'\n")
    outcome = run("quantify", root, "--out", tmp_path / "out")
    assert outcome.code == 4
    shapes = {row[1] for row in problems_of(tmp_path / "out")}
    assert f"'{formula}" in shapes
    assert not [cell for cell in cells_of(tmp_path / "out") if cell[1].startswith(("=", "+", "-", "@", "\t"))]


def test_the_participants_table_is_the_users_own_and_copied_as_it_is(tmp_path):
    """A formula that stands in it comes from the user's own file, and -1 must stay a number."""
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3")
    raw = b"participant_id,onset_side,change,note\nALS_1,left,-1,=1+1\n"
    (root / "participants.csv").write_bytes(raw)
    assert run("quantify", root, "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "participants.csv").read_bytes() == raw


# Texts


HTML = "<img src=x onerror=alert(1)>"


def test_markup_in_labels_and_names_stays_text(tmp_path):
    root = tmp_path / "data"
    for number in (1, 2, 3):
        write_slice(
            root, f"ALS_{number}_3", grey_image(seed=number), [*SHAPES, polygon(HTML, box(1, 1, 5, 5))]
        )
        write_slice(root, f"LR_{number}_3", grey_image(seed=9 + number), [*SHAPES, polygon(HTML, [(1, 1)])])
    (root / "participants.csv").write_text(
        "participant_id,onset_side,onset_region\n"
        + "".join(f"{g}_{n},left,{HTML}\n" for g in ("ALS", "LR") for n in (1, 2, 3))
    )
    assert run("quantify", root, "--out", tmp_path / "out").code == 0
    page = tmp_path / "report.html"
    assert run("report", tmp_path / "out", "--dataset", root, "--out", page).code == 0
    text = page.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text or "onerror" not in text


def test_a_problem_is_one_line_whatever_the_names_hold():
    problem = Problem(
        "a\nb\x1b[2J.png", "\r\u202eMF", "error", "x", "found\u2028this; expected that", "mend it"
    )
    assert problem.line() == (
        "a\\nb\\x1b[2J.png: \\r\\u202eMF: error: found\\u2028this; expected that; mend it"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"])
def test_participants_in_every_dress_give_the_same_rows(tmp_path, separator, line_end, mark):
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3")
    number = "22.5" if separator == "," else "22,5"
    rows = [("ALS_1", "R", number, "Müller; a, b\tc")]
    raw = dressed(("participant_id", "onset_side", "bmi", "note\n(free)"), rows, separator, line_end, mark)
    name = "participants.tsv" if separator == "\t" else "participants.csv"
    (root / name).write_bytes(raw)
    outcome = run("quantify", root, "--out", tmp_path / "out")
    assert (outcome.code, problems_of(tmp_path / "out")) == (0, set())
    roles = {(r["side"], r["role"]) for r in rows_of_results(tmp_path / "out")}
    assert roles == {("right", "symptomatic"), ("left", "contralateral"), ("both", "bilateral")}
    copy = read_table(tmp_path / "out" / "participants.csv")
    assert dict(zip(copy.columns, copy.rows[0], strict=True))["bmi"] == "22.5"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"participant_id,onset_side\nALS_1,M\xfcller\n", "byte 34 is not UTF-8 text"),
        ("participant_id,onset_side\nALS_1,left\n".encode("utf-16"), "not UTF-8"),
        (b"participant_id,onset_side\nALS_1,left\0\n", "zero bytes"),
        (b"participant_id,bmi\nALS_1,22,5\n", "row 2 has 3 cells; expected 2"),
    ],
)
def test_participants_that_cannot_be_read_are_one_line_and_cost_no_number(tmp_path, raw, said):
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3")
    (root / "participants.csv").write_bytes(raw)
    outcome = run("quantify", root, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert said in outcome.err
    assert len(rows_of_results(tmp_path / "out")) == 9
    assert {row["role"] for row in rows_of_results(tmp_path / "out")} == {"", "bilateral"}
