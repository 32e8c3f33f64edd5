"""NRRD and MetaImage as SimpleITK writes and reads them; and what is refused of them, in one line."""

from __future__ import annotations

import bz2
import gzip
import itertools
import os
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.planes import Plane
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.label_volumes import read_label_volume
from mriparaspinal.io.metaimage import metaimage_bytes
from mriparaspinal.io.nrrd import Segment, nrrd_bytes
from mriparaspinal.io.volumes import files_of, read_volume, volume_sha256
from tests.support.builders.itk import load_itk, save_itk

LABELS = np.random.default_rng(3).integers(0, 5, (4, 5, 6)).astype(np.uint8)
TILT = 0.3
TILTED = np.array([[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]]) * (
    0.7,
    0.8,
    4.1,
)
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = TILTED, (-60.25, 31.5, -412.0625)

ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd")

KINDS = ("i1", "u1", "i2", "u4", "i8", "f8")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_kind(tmp_path, ending, packed, kind):
    path = save_itk(tmp_path / f"m{ending}", LABELS.astype(kind), AFFINE, packed)
    found = read_label_volume(path)
    assert found.voxels.dtype.kind in "iu"
    assert np.array_equal(found.voxels, LABELS)
    assert np.allclose(found.affine, AFFINE, atol=1e-9)
    assert found.names is None


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_all_orientations(tmp_path, ending):
    for axes, signs in itertools.product(
        itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)
    ):
        affine = AFFINE.copy()
        affine[:3, :3] = TILTED[:, axes] * signs
        found = read_label_volume(save_itk(tmp_path / f"m{ending}", LABELS, affine))
        _, itk, _ = load_itk(tmp_path / f"m{ending}")
        assert np.allclose(found.affine, affine, atol=1e-9)
        assert np.allclose(found.affine, itk, atol=1e-9)
        assert np.array_equal(found.voxels, LABELS)


@pytest.mark.parametrize("ending", ENDINGS)
def test_grey_levels_as_slices(tmp_path, ending):
    grey = np.random.default_rng(4).normal(300, 90, LABELS.shape).astype(np.float32)
    grey[1, 2, 3] = np.nan
    series = read_volume(save_itk(tmp_path / f"m{ending}", grey, AFFINE), "m")
    assert series.plane_name() == "axial"
    assert [picture.number for picture in series.pictures] == [1, 2, 3, 4, 5, 6]
    for k in range(6):
        assert np.array_equal(series.read(k), grey[:, :, k], equal_nan=True)
        assert series.pictures[k].plane.position == pytest.approx(AFFINE[:3, :3] @ (0, 0, k) + AFFINE[:3, 3])


# ---------------------------------------------------------------- headers by hand, as the formats' pages tell

DIRECTIONS = "space directions: (-2,0,0) (0,-3,0) (0,0,4)\nspace origin: (5,-7,11)\n"
SPACE = f"space: right-anterior-superior\n{DIRECTIONS}"
RAS = np.array([[2.0, 0, 0, -5], [0, 3, 0, 7], [0, 0, 4, 11], [0, 0, 0, 1]])


def nrrd(body: bytes, kind="short", encoding="raw", endian="big", more=SPACE, sizes="4 5 6") -> bytes:
    order = f"endian: {endian}\n" if endian else ""
    head = f"NRRD0005\n# a comment: with a colon\ntype: {kind}\ndimension: {len(sizes.split())}\n"
    return f"{head}sizes: {sizes}\nencoding: {encoding}\n{order}{more}\n".encode() + body


def mha(body: bytes, more="", kind="MET_SHORT", sizes="4 5 6", file="LOCAL") -> bytes:
    head = f"ObjectType = Image\nNDims = {len(sizes.split())}\nDimSize = {sizes}\nElementSpacing = 2 3 4\n"
    head += f"Offset = -5 7 11\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n{more}ElementType = {kind}\n"
    return f"{head}ElementDataFile = {file}\n".encode() + body


BIG = LABELS.astype(">i2").tobytes(order="F")
LITTLE = LABELS.astype("<i2").tobytes(order="F")
TEXT = " ".join(map(str, LABELS.ravel(order="F").tolist())).encode()


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("m.nrrd", nrrd(BIG)),
        ("m.nrrd", nrrd(BIG).replace(b"\n", b"\r\n", 11)),
        ("m.nrrd", nrrd(LITTLE, endian="little")),
        ("m.nrrd", nrrd(gzip.compress(BIG), encoding="gzip")),
        ("m.nrrd", nrrd(bz2.compress(BIG), encoding="bz2")),
        ("m.nrrd", nrrd(TEXT, encoding="ascii", endian="")),
        ("m.nrrd", nrrd(b"1234567" + BIG, more=f"{SPACE}byte skip: 7\n")),
        ("m.nrrd", nrrd(b"1234567" + BIG, more=f"{SPACE}byteskip: -1\n")),
        ("m.nrrd", nrrd(BIG, more=f'space: RAS\nspace units: "mm" "mm" "mm"\n{DIRECTIONS}')),
        ("m.mha", mha(LITTLE)),
        ("m.mha", mha(BIG, "BinaryDataByteOrderMSB = True\n")),
        ("m.mha", mha(BIG, "ElementByteOrderMSB = True\n")),
        ("m.mha", mha(zlib.compress(LITTLE), "CompressedData = True\n")),
        ("m.mha", mha(TEXT, "BinaryData = False\n")),
        ("m.mha", mha(LITTLE, sizes="4 5 6 1").replace(b"TransformMatrix = 1 0 0 0 1 0 0 0 1",
            b"TransformMatrix = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1")),
    ],
)  # fmt: skip
def test_what_the_formats_allow(tmp_path, name, raw):
    (tmp_path / name).write_bytes(raw)
    found = read_label_volume(tmp_path / name)
    assert np.array_equal(found.voxels, LABELS)
    assert np.allclose(found.affine, RAS)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("m.nrrd", nrrd(BIG, more="")),
        ("m.nrrd", nrrd(BIG, more="spacings: 2 3 4\n")),
        ("m.nrrd", nrrd(BIG, more=f"space dimension: 3\n{DIRECTIONS}")),
        ("m.nrrd", nrrd(BIG, more=SPACE.replace("right-anterior-superior", "scanner-xyz"))),
        ("m.nrrd", nrrd(BIG, more=SPACE.split("space origin")[0])),
        ("m.mha", mha(LITTLE).replace(b"Offset = -5 7 11\n", b"")),
        ("m.mha", mha(LITTLE).replace(b"TransformMatrix = 1 0 0 0 1 0 0 0 1\n", b"")),
    ],
)  # fmt: skip
def test_a_position_that_is_not_told_is_not_known(tmp_path, name, raw):
    (tmp_path / name).write_bytes(raw)
    assert read_label_volume(tmp_path / name).affine is None
    with pytest.raises(UnreadableError, match="no position in the patient"):
        read_volume(tmp_path / name, "m")


def test_one_slice_in_space(tmp_path):
    more = "space: LPS\nspace directions: (2,0,0) (0,3,0)\nspace origin: (-5,7,11)\n"
    (tmp_path / "m.nrrd").write_bytes(nrrd(BIG[:40], sizes="4 5", more=more))
    found = read_label_volume(tmp_path / "m.nrrd")
    assert found.voxels.shape == (4, 5, 1)
    assert np.allclose(found.affine, [[2, 0, 0, -5], [0, 3, 0, 7], [0, 0, 1, 11], [0, 0, 0, 1]])
    (tmp_path / "m.mha").write_bytes(mha(LITTLE[:40], sizes="4 5"))
    assert read_label_volume(tmp_path / "m.mha").affine is None


NAN = np.where(LABELS == 1, np.nan, LABELS).astype("<f4").tobytes(order="F")


@pytest.mark.parametrize(
    ("name", "raw", "found"),
    [
        ("m.nrrd", nrrd(BIG[:-1]), "239 bytes of voxels"),
        ("m.nrrd", nrrd(BIG + b"x"), "more bytes of voxels"),
        ("m.nrrd", nrrd(gzip.compress(BIG)[:-20], encoding="gzip"), "bytes of voxels (truncated?)"),
        ("m.nrrd", nrrd(gzip.compress(BIG)[:-6], encoding="gzip"), "bytes of voxels (truncated?)"),
        ("m.nrrd", nrrd(gzip.compress(BIG)[:-8] + b"12345678", encoding="gzip"), "damaged"),
        ("m.nrrd", nrrd(gzip.compress(bytes(10**6)), encoding="gzip"), "more bytes of voxels"),
        ("m.nrrd", nrrd(BIG, sizes="4000 5000 6000"), "4000×5000×6000 voxels"),
        ("m.nrrd", nrrd(BIG, sizes="99999999999999 5 6"), "voxels; expected at most 60 million"),
        ("m.nrrd", nrrd(BIG, sizes="0 5 6"), "0×5×6 voxels"),
        ("m.nrrd", nrrd(BIG, sizes="4 5 6.5"), "cannot be read as NRRD"),
        ("m.nrrd", nrrd(BIG, sizes="4_0 5 6"), "cannot be read as NRRD"),
        ("m.nrrd", nrrd(BIG, kind="block"), "voxels of type 'block'"),
        ("m.nrrd", nrrd(BIG, encoding="hex"), "encoding 'hex'"),
        ("m.nrrd", nrrd(BIG, endian=""), "cannot be read as NRRD"),
        ("m.nrrd", nrrd(BIG, endian="middle"), "cannot be read as NRRD"),
        ("m.nrrd", nrrd(NAN, kind="float", endian="little"), "not whole, such as nan"),
        ("m.nrrd", nrrd(TEXT + b" 1", encoding="text"), "121 voxels"),
        ("m.nrrd", nrrd(TEXT[:-1] + b"x", encoding="text"), "voxels"),
        ("m.nrrd", nrrd(TEXT[:-1] + b"300", encoding="text", kind="uchar"), "not of the header's type"),
        ("m.nrrd", nrrd(TEXT[:-1] + b"0.5", encoding="text"), "not of the header's type"),
        ("m.nrrd", nrrd(BIG, more=f"{SPACE}line skip: 1\n"), "to pass over"),
        ("m.nrrd", nrrd(BIG, more=SPACE * 2), "the field 'space' twice"),
        ("m.nrrd", nrrd(BIG, more='space units: "m" "m" "m"\n' + SPACE), "not in mm"),
        ("m.nrrd", nrrd(BIG, more=SPACE.replace("(0,0,4)", "(0,0,0)")), "a broken position"),
        ("m.nrrd", nrrd(BIG, more=SPACE.replace("(0,0,4)", "(0,0,nan)")), "cannot be read as NRRD"),
        ("m.nrrd", nrrd(BIG, more=SPACE.replace("(0,0,4)", "none")), "4×5×6 voxels with 2 axes in space"),
        ("m.nrrd", nrrd(BIG, sizes="2 2 5 6", more=""), "2×2×5×6 voxels with 4 axes"),
        ("m.nrrd", nrrd(BIG, more="kinds: RGB-color domain domain\n"), "with 2 axes in space"),
        ("m.nrrd", b"NRRD0009\n" + nrrd(BIG)[9:], "cannot be read as NRRD"),
        ("m.nrrd", b"", "cannot be read as NRRD"),
        ("m.nrrd", nrrd(b"")[:-1], "cannot be read as NRRD"),
        ("m.nhdr", nrrd(b"", more=f"{SPACE}data file: /etc/passwd\n"), "outside its folder"),
        ("m.nhdr", nrrd(b"", more=f"{SPACE}data file: ../x.raw\n"), "outside its folder"),
        ("m.nhdr", nrrd(b"", more=f"{SPACE}data file: C:\\x.raw\n"), "outside its folder"),
        ("m.nhdr", nrrd(b"", more=f"{SPACE}data file: none.raw\n"), "file of voxels is not there"),
        ("m.nhdr", nrrd(b"", more=f"{SPACE}data file: LIST\n"), "voxels in several files"),
        ("m.nhdr", nrrd(b"", more=f"{SPACE}data file: x%03d.raw 1 9 1\n"), "voxels in several files"),
        ("m.mha", mha(LITTLE[:-1]), "239 bytes of voxels"),
        ("m.mha", mha(zlib.compress(LITTLE)[:-5], "CompressedData = True\n"), "truncated"),
        ("m.mha", mha(zlib.compress(bytes(10**6)), "CompressedData = True\n"), "more bytes of voxels"),
        ("m.mha", mha(LITTLE, kind="MET_STRING"), "voxels of type 'MET_STRING'"),
        ("m.mha", mha(LITTLE, "ElementNumberOfChannels = 2\n"), "several numbers each"),
        ("m.mha", mha(LITTLE, sizes="4 5 3 2"), "4×5×3×2 voxels"),
        ("m.mha", mha(LITTLE, sizes="4000 5000 6000"), "at most 60 million"),
        ("m.mha", mha(LITTLE, "ObjectSubType = x\nDimSize = 1 2 3\n"), "the field 'DimSize' twice"),
        ("m.mha", mha(LITTLE, "CompressedData = perhaps\n"), "cannot be read as MetaImage"),
        ("m.mha", mha(LITTLE).replace(b"ElementDataFile", b"Element"), "cannot be read as MetaImage"),
        ("m.mha", mha(NAN, kind="MET_FLOAT"), "not whole, such as nan"),
        ("m.mha", mha(LITTLE, "DistanceUnits = um\n"), "not in mm"),
        ("m.mha", b"Scene" * 10, "cannot be read as MetaImage"),
        ("m.mhd", mha(b"", file="../x.raw"), "outside its folder"),
        ("m.mhd", mha(b"", file="LIST"), "voxels in several files"),
        ("m.mhd", mha(b"", file="x.raw"), "file of voxels is not there"),
    ],
)  # fmt: skip
def test_what_is_refused_in_one_line(tmp_path, name, raw, found):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "x.raw").write_bytes(BIG)
    (folder / name).write_bytes(raw)
    with pytest.raises(UnreadableError) as caught:
        read_label_volume(folder / name)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.fault.remedy


def test_a_detached_file_that_is_no_file(tmp_path):
    (tmp_path / "x.raw").mkdir()
    (tmp_path / "m.mhd").write_bytes(mha(b"", file="x.raw"))
    with pytest.raises(UnreadableError, match="is not there"):
        read_label_volume(tmp_path / "m.mhd")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "y.raw")
        (tmp_path / "m.mhd").write_bytes(mha(b"", file="y.raw"))
        with pytest.raises(UnreadableError, match="is not there"):
            read_label_volume(tmp_path / "m.mhd")


def test_the_hash_is_of_both_files(tmp_path):
    path = save_itk(tmp_path / "m.mhd", LABELS, AFFINE)
    before = volume_sha256(path)
    assert [file.name for file in files_of(path)] == ["m.mhd", "m.raw"]
    (tmp_path / "m.raw").write_bytes(bytes(LABELS.size))
    assert volume_sha256(path) != before


# ---------------------------------------------------------------- segmentations of 3D Slicer


def segmented(*segments: tuple[str, int, int]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, (name, layer, value) in enumerate(segments):
        told = {"ID": f"Segment_{number}", "Name": name, "LabelValue": str(value), "Layer": str(layer)}
        fields |= {f"Segment{number}_{key}": text for key, text in told.items()}
    return fields


def test_segments_have_their_names(tmp_path):
    fields = segmented(("Rückenmuskel links", 0, 3), ("MF_L", 0, 1), ("IVD", 0, 4))
    found = read_label_volume(save_itk(tmp_path / "m.seg.nrrd", LABELS, AFFINE, packed=True, **fields))
    assert found.names == {3: "Rückenmuskel links", 1: "MF_L", 4: "IVD"}
    assert np.array_equal(found.voxels, LABELS)
    assert found.layers == 1


def test_names_are_one_line_that_can_be_shown(tmp_path):
    fields = "Segment0_Name:=MF\x1b[31m\\nL\nSegment0_LabelValue:=1\n"
    fields += "Segment1_ID:=Segment_2\nSegment1_LabelValue:=2\n"
    (tmp_path / "m.nrrd").write_bytes(nrrd(BIG, more=SPACE + fields))
    assert read_label_volume(tmp_path / "m.nrrd").names == {1: "MF [31m L", 2: "Segment_2"}


def test_layers_keep_overlapping_segments(tmp_path):
    layers = np.random.default_rng(5).integers(0, 3, (2, 4, 5, 6)).astype(np.uint8)
    fields = segmented(("MF_L", 0, 1), ("ES_L", 0, 2), ("IVD", 1, 2))
    found = read_label_volume(save_itk(tmp_path / "m.seg.nrrd", layers, AFFINE, **fields))
    assert np.allclose(found.affine, AFFINE)
    assert found.layers == 2
    for name, layer, value in (("MF_L", 0, 1), ("ES_L", 0, 2), ("IVD", 1, 2), ("value 1 of layer 1", 1, 1)):
        labels = [label for label, told in found.names.items() if name in told.split("+")]
        assert np.array_equal(np.isin(found.voxels, labels), layers[layer] == value)


def test_an_old_file_has_a_layer_for_each_segment(tmp_path):
    layers = (np.random.default_rng(6).random((3, 4, 5, 6)) < 0.3).astype(np.uint8)
    fields = {f"Segment{n}_Name": name for n, name in enumerate(("MF_L", "MF_R", "IVD"))}
    found = read_label_volume(save_itk(tmp_path / "m.seg.nrrd", layers, AFFINE, **fields))
    for layer, name in enumerate(("MF_L", "MF_R", "IVD")):
        labels = [label for label, told in found.names.items() if name in told.split("+")]
        assert np.array_equal(np.isin(found.voxels, labels), layers[layer] == 1)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (segmented(("a", 0, 1), ("b", 0, 1)), "two segments with one layer and value"),
        (segmented(("a", 1, 1)), "segment 'a' in layer 1 with value 1"),
        (segmented(("a", 0, 0)), "with value 0"),
        ({"Segment0_Name": "a", "Segment1_Name": "b"}, "2 segments without label values in 1 layers"),
        (segmented(("a", 0, 1)) | {"Segment1_Name": "b"}, "a segment without a label value"),
        ({**segmented(("a", 0, 1)), "Segment0_LabelValue": "one"}, "cannot be read as NRRD"),
    ],
)
def test_segments_that_are_unclear(tmp_path, fields, found):
    path = save_itk(tmp_path / "m.seg.nrrd", LABELS, AFFINE, **fields)
    with pytest.raises(UnreadableError) as caught:
        read_label_volume(path)
    assert found in str(caught.value)


# ---------------------------------------------------------------- what is written

PLANE = Plane((0.8, 0.6, 0.0), (-0.6, 0.8, 0.0), (-61.5, 20.25, -300.1), 0.8, 0.5)


@settings(max_examples=25)
@given(
    labels=st.lists(st.integers(0, 255), min_size=12, max_size=12),
    placed=st.booleans(),
    step=st.sampled_from([None, 4.4]),
)
def test_what_is_written_itk_and_we_read_alike(tmp_path_factory, labels, placed, step):
    folder = tmp_path_factory.mktemp("volumes")
    rows = np.array(labels, dtype=np.uint8).reshape(3, 4)
    place = SlicePlace(PLANE, step) if placed else None
    for name, raw in (
        ("m.nrrd", nrrd_bytes(rows[None], place, (0.8, 0.5))),
        ("m.mha", metaimage_bytes(rows, place, (0.8, 0.5))),
    ):
        (folder / name).write_bytes(raw)
        found, (voxels, affine, _) = read_label_volume(folder / name), load_itk(folder / name)
        assert np.array_equal(found.voxels[:, :, 0].T, rows)
        assert np.array_equal(voxels[:, :, 0].T, rows)
        if placed:
            assert np.allclose(found.affine, affine, atol=1e-9)
            assert np.allclose(affine[:3, :3], np.array([[0.4, -0.48, 0], [0.3, 0.64, 0], [0, 0, step or 1]]))
            assert np.allclose(affine[:3, 3], PLANE.position)
        else:
            assert found.affine is None
            assert np.allclose(np.linalg.norm(affine[:3, :3], axis=0), [0.5, 0.8, 1])


def test_a_segmentation_that_is_written(tmp_path):
    layers = np.zeros((2, 3, 4), dtype=np.uint8)
    layers[0, 0], layers[0, 1], layers[1, :2, 1] = 1, 4, 9
    segments = [Segment("MF_L", 0, 1, (1, 0.5, 0)), Segment("ES_R", 0, 4), Segment("IVD", 1, 9)]
    (tmp_path / "m.seg.nrrd").write_bytes(nrrd_bytes(layers, SlicePlace(PLANE, 4.4), None, segments))
    voxels, _, fields = load_itk(tmp_path / "m.seg.nrrd")
    assert np.array_equal(voxels[..., 0].transpose(0, 2, 1), layers)
    told = [[fields[f"Segment{n}_{key}"] for key in ("Name", "LabelValue", "Layer")] for n in range(3)]
    assert told == [["MF_L", "1", "0"], ["ES_R", "4", "0"], ["IVD", "9", "1"]]
    assert fields["Segment0_Color"] == "1 0.5 0"
    assert fields["Segment0_Extent"] == "0 3 0 2 0 0"
    found = read_label_volume(tmp_path / "m.seg.nrrd")
    labels = [label for label, name in found.names.items() if "IVD" in name.split("+")]
    assert np.array_equal(np.isin(found.voxels[:, :, 0].T, labels), layers[1] == 9)
