"""The doors through which bytes from outside come in, each as one function of bytes.

Used by ``make fuzz`` and by the test that replays ``tests/corpus``. A door returns for input that it reads,
raises an error of the package for input that it refuses, and anything else is a bug: another exception,
a message of several lines, a result that contradicts itself.
"""

from __future__ import annotations

import base64
import functools
import gzip
import io
import json
import math
import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import nibabel
import numpy as np
import pandas as pd
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless
from pyreadstat import write_sav
from roifile import ImagejRoi

from mriparaspinal.core.errors import ParaspinalError, UnreadableError
from mriparaspinal.core.labels import region_of
from mriparaspinal.core.meanings import Meaning
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.core.participants import match_slices
from mriparaspinal.core.visits import match_sessions, read_people
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.imaging.slice_position import COLUMNS, SlicePlace, cells
from mriparaspinal.io import images
from mriparaspinal.io.dicom import read_series
from mriparaspinal.io.dicom_seg import read_segmentation
from mriparaspinal.io.imagej import read_rois
from mriparaspinal.io.images import decode_image, decode_mask
from mriparaspinal.io.label_volumes import decode_label_image, read_label_volume
from mriparaspinal.io.labelme import embedded_image, read_annotation
from mriparaspinal.io.metaimage import metaimage_bytes
from mriparaspinal.io.nifti import read_volume
from mriparaspinal.io.nrrd import Segment, nrrd_bytes
from mriparaspinal.io.numberings import parse_numbering
from mriparaspinal.io.png import decode_plain_png
from mriparaspinal.io.protocol import read_protocol, resolve_settings
from mriparaspinal.io.rtstruct import read_structures
from mriparaspinal.io.spss import sav_bytes
from mriparaspinal.io.tables import csv_bytes, parse_table
from mriparaspinal.io.volumes import read_volume as read_volume_of_any_format
from mriparaspinal.measure.fat import count_region
from mriparaspinal.scans.levels import parse_levels
from tests.support.builders.contours import PLANE, in_patient, write_rtstruct, write_seg
from tests.support.builders.scans import mr
from tests.support.builders.slices import (
    SHAPES,
    box,
    grey_image,
    labelme,
    png_bytes,
    png_chunk,
    png_stream,
    polygon,
    write_slice,
)


@dataclass(frozen=True, slots=True)
class Door:
    """How bytes are read, and sound bytes to begin with."""

    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    share: int
    """Of 100 inputs, so many are tried here."""
    words: tuple[str, ...] = ()
    """What its texts are made of."""


@functools.cache
def _folder() -> Path:
    """A folder for doors that open files; memory is quicker than a disk."""
    shared_memory = Path("/dev/shm")
    place = shared_memory if shared_memory.is_dir() else None
    _folder.kept = tempfile.TemporaryDirectory(prefix="doors-", dir=place)  # until the process ends
    return Path(_folder.kept.name)


def _file(name: str, raw: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(raw)
    return path


def require_wording(problems: tuple[Problem, ...] | list[Problem]) -> None:
    for problem in problems:
        assert problem.severity in ("error", "warning")
        assert "; expected " in problem.message, problem
        assert problem.remedy, problem


def require_refusal(error: ParaspinalError, lines: int = 1) -> None:
    """What a person reads of a refusal: as many lines, and never that memory ran out."""
    text = str(error)
    assert text, "a refusal without words"
    assert text.count("\n") < lines, text
    assert "larger than the memory" not in text, "it took all memory"


# ---------------------------------------------------------------- contours

GREY = grey_image((100, 120))


def labelme_door(raw: bytes) -> None:
    annotation = read_annotation(raw)
    embedded_image(annotation)
    for shape in annotation.broken:
        assert "; expected " in shape.message
    rule = "centre" if len(raw) % 2 else "labelme"
    found = sort_contours(annotation.contours, GREY.shape, Settings(mask_rule=rule), {}, "a.json")
    require_wording(found.problems)
    for key, patch in found.patches.items():
        count = count_region(GREY, patch, found.areas_px[key], 50)
        assert 0 < count.csa_px <= GREY.size
        assert 0 <= count.fat_px <= count.csa_px
        assert count.contour_area_px is None or 0 <= count.contour_area_px < math.inf
        assert key in found.seen


def labelme_seeds() -> list[bytes]:
    mask = io.BytesIO()
    Image.fromarray(np.ones((4, 5), dtype=np.uint8)).save(mask, "PNG")
    text = base64.b64encode(mask.getvalue()).decode()
    others = [
        polygon("left multifidus", [[70, 60], [90, 62], [80, 85]]),
        polygon("MF_R", [[20, 20], [30, 30]], shape_type="rectangle"),
        polygon("VB", [[60, 50], [60, 60]], shape_type="circle"),
        polygon("es l", box(80, 20, 99, 40), shape_type="oriented_rectangle"),
        polygon("PM_R", [[3, 4], [7, 7]], shape_type="mask", mask=text),
        polygon("line", [[1, 2], [3, 4]], shape_type="line"),
    ]
    size = GREY.shape
    old = {"shapes": [{"label": "IVD", "points": box(40, 20, 60, 40)}]}
    contents = [labelme("a.png", size, SHAPES), labelme("a.png", size, others, imageData=text), old]
    return [json.dumps(content).encode() for content in contents]


def label_door(raw: bytes) -> None:
    for text in raw.decode("utf-8", "surrogateescape").split("\n"):
        region = region_of(text, {})
        if region is not None:
            assert region_of(str(region), {}) == region


def imagej_door(raw: bytes) -> None:
    for roi in read_rois(raw, "MF_L.zip" if raw[:2] == b"PK" else "MF_L.roi"):
        for path in roi.paths:
            assert np.isfinite(path).all()
        assert bool(roi.paths) + bool(roi.no_area) + bool(roi.fault) == 1, roi


def imagej_seeds() -> list[bytes]:
    rois = [
        ImagejRoi.frompoints(np.array(box(3, 4, 20, 30), dtype=float), name="MF_L"),
        ImagejRoi.frompoints(np.array([[1, 2], [9, 2], [5, 9]], dtype=np.int32), name="ES R"),
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for roi in rois:
            archive.writestr(zipfile.ZipInfo(f"{roi.name}.roi"), roi.tobytes())
    return [*(roi.tobytes() for roi in rois), packed.getvalue()]


def rtstruct_door(raw: bytes) -> None:
    for outline in read_structures(_file("x.dcm", raw)).outlines:
        assert np.isfinite(outline.points).all()
        assert outline.points.shape[1] == 3


def rtstruct_seeds() -> list[bytes]:
    outline = in_patient(box(10, 20, 30, 40))
    drawn = [("MF_L", [outline, (outline, "CLOSEDPLANAR_XOR")]), ("point", [(outline[:1], "POINT")])]
    return [write_rtstruct(_folder() / "seed.dcm", drawn).read_bytes()]


def seg_door(raw: bytes) -> None:
    found = read_segmentation(_file("x.dcm", raw))
    for index in range(min(len(found.frames), 3)):
        for _, pixels in found.read(index):
            assert pixels.shape == found.size
            assert pixels.dtype == bool


def seg_seeds() -> list[bytes]:
    pixels = np.zeros((16, 24), dtype=np.uint8)
    pixels[4:9, 5:20] = 1
    labels = {1: "MF_L", 2: "IVD"}
    seeds = []
    for kind, value in (("BINARY", 1), ("FRACTIONAL", 200), ("LABELMAP", 1)):
        frames = [(1, pixels * value, PLANE), (2, pixels[::-1] * value, PLANE)]
        seeds.append(write_seg(_folder() / "seed.dcm", labels, frames, kind).read_bytes())
    return seeds


# ---------------------------------------------------------------- names, tables, settings

_BY_NAME = name_parser(Settings())
_BY_FOLDER = name_parser(Settings(patient_from="folder"))


def name_door(raw: bytes) -> None:
    names = [name for name in raw.decode("utf-8", "surrogateescape").split("\n") if name]
    for name in names:
        for parse in (_BY_NAME, _BY_FOLDER):
            who = parse(name)
            if not isinstance(who, str):
                assert who[2] in ("L1", "L2", "L3", "L4", "L5")
                assert not set(who[0][:1] + who[1][:1]) & set("=+-@\t\r"), who
            else:
                assert "; expected " in who
    dead, files = names[::7], [name for i, name in enumerate(names) if i % 7]
    found = find_slices(files, dead, Settings(patient_from="folder" if len(raw) % 2 else "name"))
    require_wording(found.problems)
    assert len({(s.participant_id, s.segment, s.letter) for s in found.slices}) == len(found.slices)


def name_seeds() -> list[bytes]:
    names = [
        "ALS_7_3.png",
        "ALS_7_3.json",
        "LR_12_L5.png",
        "LR_12_L5.json",
        "ALS_1_4_a.PNG",
        "ALS_1_4_a.json",
    ]
    names += ["ALS_1_v2_3.png", "ALS_1_v2_3.json", "ses-1/ALS_1_3.png", "P1/ses-02/ALS_1_3.json"]
    folders = ["patient 1/ALS_1_3.png", "patient 1/ALS_1_3.json", "Müller/x/LR_2_4.jpg", "prepare.json"]
    return ["\n".join([*names, *folders]).encode(), "\n".join(reversed([*names, *folders])).encode()]


def spss_door(raw: bytes) -> None:
    table = parse_table(raw, "participants.sav")
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert all(isinstance(cell, str) for row in table.rows for cell in row)


def spss_seeds() -> list[bytes]:
    meaning = Meaning("", "years")
    rows = [("ALS_1", "61.5", "F"), ("LR_2", "", "M")]
    columns = ("participant_id", "age", "sex")
    own = sav_bytes(columns, rows, dict.fromkeys(columns, meaning), {"sex": {"F": "female", "M": "male"}})
    path = _folder() / "seed.zsav"
    frame = pd.DataFrame({"code": [1.0, 2.0, 9.0], "word": ["a", "größer als acht", ""]})
    labels = {"code": {1.0: "one", 2.0: "two", 9.0: "none"}}
    write_sav(frame, path, compress=True, variable_value_labels=labels, missing_ranges={"code": [9]})
    return [own, path.read_bytes()]


def participants_door(raw: bytes) -> None:
    table = parse_table(raw, "participants.csv")
    people, problems = read_people(table.columns, table.rows, "participants.csv")
    require_wording(problems)
    require_wording(match_sessions(people, [("ALS_1", "v1"), ("LR_2", "v2")], "participants.csv"))
    require_wording(match_slices(people, {"ALS_1": "ALS", "LR_2": "LR"}, "participants.csv"))
    for row in people.rows.values():
        assert row.get("onset_side", "") in ("", "left", "right")
        assert row.get("psa", "") in ("", "0", "1")
        assert row.get("age", "") == "" or 0 <= float(row["age"]) <= 130
    copy = parse_table(csv_bytes(table.columns, table.rows), "copy.csv")
    assert copy.columns == tuple(re.sub("\r\n?", "\n", column).strip() for column in table.columns)


PEOPLE = "participant_id,group,onset_side,psa,age,bmi,alsfrs_r,note"


def participants_seeds() -> list[bytes]:
    rows = [PEOPLE, 'ALS_1,ALS,left,1,61.5,22.5,40,"a, ""b"""', "LR_2,LR,R,-,58,,n/a,=1+1"]
    plain = "\n".join(rows) + "\n"
    semicolons = plain.replace("a, ", "a ").replace(",", ";").replace("61.5", "61,5").replace("\n", "\r\n")
    tabs = plain.replace("a, ", "a ").replace(",", "\t")
    visits = "participant_id,session,onset_side,date\nALS_1,ses-v1,left,2024-01-31\nALS_1,v2,L,2024-07-31\n"
    return [plain.encode(), b"\xef\xbb\xbf" + semicolons.encode(), tabs.encode(), visits.encode()]


@functools.cache
def _dataset() -> Path:
    root = _folder() / "dataset"
    write_slice(root, "ALS_1_3")
    return root


def slices_door(raw: bytes) -> None:
    root = _dataset()
    (root / "slices.csv").write_bytes(raw)
    study = open_dataset(root, Settings())
    require_wording(study.problems)
    for place in study.places.values():
        assert np.isfinite(np.asarray(place.plane.position)).all()


def slices_seeds() -> list[bytes]:
    header = ("image", "row_spacing_mm", "col_spacing_mm")
    placed = csv_bytes((*header, *COLUMNS), [("ALS_1_3.png", 0.8, 0.5, *cells(PLANE, 4.0))])
    return [placed, csv_bytes(header, [("ALS_1_3.png", 0.4, 0.4), ("ALS_2_3.png", 1, 1)])]


def levels_door(raw: bytes) -> None:
    table = parse_table(raw, "levels.csv")
    levels, problems = parse_levels(table.columns, table.rows)
    require_wording(problems)
    for level in levels:
        assert level.segment in (None, "L1", "L2", "L3", "L4", "L5")
        assert len(level.slices) <= 26


def levels_seeds() -> list[bytes]:
    by_slice = "source,group,patient,segment,slice,series\nA,ALS,1,3,12,5\nA,ALS,1,L4,10-14,\n"
    by_place = "source,group,patient,segment,position_mm,label_map\nA,LR,2,1,-31.5,\nB,LR,3,,,map.nii.gz\n"
    return [by_slice.encode(), by_place.encode()]


def numbering_door(raw: bytes) -> None:
    table = parse_table(raw, "values.csv")
    for value in parse_numbering(table.columns, table.rows, "values.csv"):
        assert 0 < value < 2**31


def numbering_seeds() -> list[bytes]:
    return [b"value,label\n0,background\n4,ES_L\n", b"value,region,side\n1,MF,left\n9,IVD,\n"]


def protocol_door(raw: bytes) -> None:
    root = _folder() / "protocol"
    root.mkdir(exist_ok=True)
    (root / "paraspinal.toml").write_bytes(raw)
    settings = resolve_settings(root, {})
    assert 0 <= settings.threshold <= 255
    assert settings.window is None or settings.window[0] < settings.window[1]
    assert read_protocol(root).run_options(None, None)[1] >= 1


def protocol_seeds() -> list[bytes]:
    text = 'threshold = 50\nreference = "IVD"\nmask-rule = "labelme"\nwindow = [0, 400.5]\njobs = 2\n'
    text += 'contrasts = ["side:ALS", "group:ALS-LR"]\n\n[labels]\n"DLJ L" = "MF_L"\n'
    other = 'image_left = "left"\npatient-from = "folder"\nname-pattern = "(?P<group>[A-Z]+)"\n'
    return [text.encode(), other.encode() + b'fat-rule = "reference"\nsat-fraction = 0.5\n']


# ---------------------------------------------------------------- pixels


def with_right_checksum(raw: bytes) -> bytes:
    """A PNG whose compressed stream has another checksum than its own, which kornia-rs does not look at.

    The checksums of the chunks, which it does look at, are right: the pixels are those that were stored.
    """
    stream = png_stream(raw)
    pixels = zlib.decompressobj(-zlib.MAX_WBITS)
    lines = pixels.decompress(stream[2:])
    assert pixels.eof
    assert pixels.unused_data[:4] != zlib.adler32(lines).to_bytes(4, "big")
    return raw[:33] + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")


def image_door(raw: bytes) -> None:
    decode_mask(raw)
    quick = decode_plain_png(raw)
    if quick is not None:  # the extra ``fast`` shall not change what is read
        with mock.patch.object(images, "decode_plain_png", return_value=None):
            try:
                slow = decode_image(raw)
            except UnreadableError:
                slow = decode_image(with_right_checksum(raw))
        assert quick.tobytes() == slow.grey.tobytes()
    refusals = []
    for window in (None, (0.0, 1000.0)):
        try:
            image = decode_image(raw, window).grey
        except UnreadableError as error:
            refusals.append(error)
        else:
            assert image.mode == "L"
            assert np.asarray(image).shape == (image.height, image.width)
    try:
        assert decode_label_image(raw).ndim == 2
    except ParaspinalError as error:
        require_refusal(error)
    assert all("; expected " in refusal.fault.message for refusal in refusals)
    if len(refusals) == 2:
        raise refusals[0]


def image_seeds() -> list[bytes]:
    grey = grey_image((12, 17))
    seeds = [png_bytes(grey, 0), png_bytes(grey.astype(np.uint16) * 200, 0, 16)]
    for kind, channels in ((2, 3), (4, 2), (6, 4)):
        colour = np.repeat(grey[..., None], channels, axis=2)
        colour[..., channels if channels == 3 else -1 :] = 255  # opaque
        seeds.append(png_bytes(colour, kind))
    for kind, options in (
        ("PNG", {"interlace": 1}),
        ("PNG", {"bits": 4}),
        ("JPEG", {"quality": 90}),
        ("JPEG", {"progressive": True}),
    ):
        content = io.BytesIO()
        image = Image.fromarray(grey)
        (image.quantize(16) if "bits" in options else image).save(content, kind, **options)
        seeds.append(content.getvalue())
    chunks = ((b"gAMA", b"\0\0\xb1\x8f"), (b"tRNS", b"\0\5"), (b"tEXt", b"Title\0x"))
    return [*seeds, png_bytes(grey, 0, 8, *chunks)]


def dicom_door(raw: bytes) -> None:
    series, broken = read_series([("x.dcm", _file("x.dcm", raw))])
    for one in series:
        for index in range(min(len(one.pictures), 2)):
            assert one.read(index).shape == one.size
    if broken:
        raise RefusedError(broken[0].at(""))


class RefusedError(ParaspinalError):
    """What a door tells in words, and not by an exception."""


SAGITTAL = ((0, 1, 0), (0, 0, -1), (10, -50, 40), (0.9, 0.9))
AXIAL = ((1, 0, 0), (0, 1, 0), (-60, -50, 40), (0.5, 0.8))


def dicom_seeds() -> list[bytes]:
    pixels = np.random.default_rng(1).integers(0, 900, (12, 10))
    plain, compressed, deflated, many = (mr(pixels, n, AXIAL, secret=n == 3) for n in range(1, 5))
    compressed.compress(RLELossless)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    many.NumberOfFrames = 3
    many.PixelData = many.PixelData * 3
    lean = mr(pixels, 7, SAGITTAL, invert=True)
    lean.PixelPaddingValue, lean.RescaleSlope, lean.RescaleIntercept = 5, 2.5, -3
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 8], np.array([0, 50, 100, 255], "<u2").tobytes()
    lean.VOILUTSequence = [table]
    return [_dicom_bytes(data) for data in (plain, compressed, deflated, many, lean)]


def _dicom_bytes(data: Dataset) -> bytes:
    content = io.BytesIO()
    data.save_as(content, enforce_file_format=True)
    return content.getvalue()


def nifti_door(raw: bytes) -> None:
    name = "x.nii.gz" if raw[:2] == b"\x1f\x8b" else "x.nii"
    volume = read_volume(_file(name, raw), name)
    for index in {0, len(volume.pictures) - 1}:
        assert volume.read(index).shape == volume.size


def label_map_door(raw: bytes) -> None:
    name = "x.nii.gz" if raw[:2] == b"\x1f\x8b" else "x.nii"
    found = read_label_volume(_file(name, raw))
    assert found.voxels.ndim == 3
    assert found.voxels.dtype.kind in "iu"


def nrrd_door(raw: bytes) -> None:
    _volume_door("x.nrrd", raw)


def metaimage_door(raw: bytes) -> None:
    _volume_door("x.mha", raw)


def _volume_door(name: str, raw: bytes) -> None:
    """A volume as slices and as a label map: what one of them reads has to be in itself sound."""
    path = _file(name, raw)
    try:
        series = read_volume_of_any_format(path, name)
        assert series.read(0).shape == series.size
    except UnreadableError as error:
        require_refusal(error)
    found = read_label_volume(path)
    assert found.voxels.ndim == 3
    assert found.voxels.dtype.kind in "iu"
    assert found.affine is None or np.isfinite(found.affine).all()
    assert all("\n" not in name for name in (found.names or {}).values())


def nrrd_seeds() -> list[bytes]:
    layers = np.arange(2 * 5 * 6, dtype=np.uint8).reshape(2, 5, 6) % 7
    segments = [Segment("MF_L", 0, 1), Segment("IVD", 1, 2)]
    place = SlicePlace(PLANE, 4.0)
    packed = [nrrd_bytes(layers[:1], place, None), nrrd_bytes(layers, place, None, segments)]
    head, body = nrrd_bytes(layers[:1], None, (1.0, 2.0)).split(b"\n\n", 1)
    raw = head.replace(b"gzip", b"raw") + b"\n\n" + gzip.decompress(body)
    text = " ".join(map(str, layers[0].ravel().tolist())).encode()
    return [*packed, raw, head.replace(b"gzip", b"text") + b"\n\n" + text]


def metaimage_seeds() -> list[bytes]:
    labels = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6) % 7
    packed = metaimage_bytes(labels, SlicePlace(PLANE, 4.0), None)
    head = packed[: packed.index(b"LOCAL\n") + 6].replace(b"CompressedData = True", b"CompressedData = False")
    text = head.replace(b"BinaryData = True", b"BinaryData = False")
    return [packed, head + labels.tobytes(), text + " ".join(map(str, labels.ravel().tolist())).encode()]


def nifti_seeds() -> list[bytes]:
    affine = np.diag([-0.8, -0.8, 4.0, 1.0])
    seeds = []
    for dtype in (np.uint8, np.int16, np.float32):
        voxels = np.arange(6 * 5 * 3).reshape(6, 5, 3).astype(dtype)
        image = nibabel.Nifti1Image(voxels, affine)
        image.header.set_xyzt_units("mm")
        image.set_qform(affine, 1)
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"made here"))
        seeds.append(image.to_bytes())
    seeds.append(nibabel.Nifti2Image(voxels, affine).to_bytes())
    return [*seeds, *(gzip.compress(seed, mtime=0) for seed in seeds[:2])]


_LABELS = (
    "MF",
    "ES",
    "PM",
    "QL",
    "IVD",
    "VB",
    "SAT",
    "left",
    "right",
    "_L",
    "_R",
    "multifidus",
    "psoas major",
)
_CELLS = (
    "left",
    "L",
    "1",
    "0",
    "+",
    "-",
    "n/a",
    "1,5",
    "1.5",
    "=1+1",
    "@x",
    "\t",
    '"',
    "ALS_1",
    "1e400",
    "nan",
)
_JSON = ("shapes", "label", "points", "shape_type", "imageData", "imagePath", "polygon", "mask", "circle")

DOORS: dict[str, Door] = {
    "labelme": Door(labelme_door, labelme_seeds, 24, (*_JSON, *_LABELS)),
    "label": Door(label_door, lambda: [b"MF_L\nleft multifidus\nPsoasMajor-R\nvertebral body"], 6, _LABELS),
    "names": Door(name_door, name_seeds, 8, ("ALS_1_3.png", ".json", "/", "_L5", "_b", "..", "=", "Ä")),
    "participants": Door(participants_door, participants_seeds, 13, (*PEOPLE.split(","), *_CELLS)),
    "spss": Door(spss_door, spss_seeds, 1),
    "slices": Door(slices_door, slices_seeds, 5, ("ALS_1_3.png", *COLUMNS, *_CELLS)),
    "levels": Door(levels_door, levels_seeds, 5, ("10-14", "L3", "source", "map.nii", *_CELLS)),
    "numbering": Door(numbering_door, numbering_seeds, 3, ("value", "label", "background", *_CELLS)),
    "protocol": Door(
        protocol_door, protocol_seeds, 6, ("[labels]", "threshold", "window", "[[", "=", "true")
    ),
    "image": Door(image_door, image_seeds, 8),
    "dicom": Door(dicom_door, dicom_seeds, 4),
    "nifti": Door(nifti_door, nifti_seeds, 3),
    "label_map": Door(label_map_door, nifti_seeds, 3),
    "nrrd": Door(nrrd_door, nrrd_seeds, 3, ("space", "sizes: ", "Segment0_Name:=", "none", "-1")),
    "metaimage": Door(metaimage_door, metaimage_seeds, 3, ("DimSize = ", "ElementDataFile = ", "True", "-1")),
    "imagej": Door(imagej_door, imagej_seeds, 2),
    "rtstruct": Door(rtstruct_door, rtstruct_seeds, 1),
    "seg": Door(seg_door, seg_seeds, 2),
}


def attempt(name: str, raw: bytes) -> str:
    """``read`` or ``refused``; raises whatever is a bug."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nobody is warned by a line of a library
            DOORS[name].read(raw)
    except ParaspinalError as error:
        # The protocol tells all its faults at once, each in a line that begins with its name.
        several = name == "protocol" and re.fullmatch(r"(paraspinal\.toml: [^\n]*\n?)+", str(error))
        require_refusal(error, lines=100 if several else 1)
        return "refused"
    return "read"
