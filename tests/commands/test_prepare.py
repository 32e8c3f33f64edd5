"""``prepare``: the same picture from every source, left on the left, nothing of the patient in an output."""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.cli.console import show_table
from mriparaspinal.imaging.planes import on_plane
from mriparaspinal.imaging.slice_position import parse_places
from mriparaspinal.io.tables import read_table
from tests.support.builders.scans import SECRET, body, levels, lps_slices, mr, write
from tests.support.builders.study import fingerprint, read_csv, run

nibabel = pytest.importorskip("nibabel")

VARIANTS = [
    *({"swap": s, "rows": r, "columns": c} for s, r, c in itertools.product((False, True), (1, -1), (1, -1))),
    {"swap": True, "rows": -1, "columns": 1, "tilt": 0.6},
    {"swap": False, "rows": 1, "columns": -1, "tilt": -0.5},
]


def prepared(tmp_path, source, slice_, *more):
    tmp_path.mkdir(exist_ok=True)
    table = levels(tmp_path / "levels.csv", f",ALS,1,3,{slice_}")
    out = tmp_path / "out"
    outcome = run("prepare", source, "--levels", table, "--out", out, *more)
    assert outcome.code == 0, outcome.err
    return out


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", ["plain", "MONOCHROME1", "RLE", "JPEGLosslessProcess14_1"])
def test_every_way_to_store_a_series_gives_the_same_bytes(tmp_path, variant, kind):
    voxels = body()
    slices = lps_slices(voxels, **variant, invert=kind == "MONOCHROME1")
    if kind.startswith("JPEG"):
        pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    source = write(tmp_path / "dicom", slices, "" if kind in ("plain", "MONOCHROME1") else kind)
    out = prepared(tmp_path, source, 4)  # k = 1
    shown = np.asarray(Image.open(out / "ALS_1_3.png"))
    expected = np.floor(255.0 * voxels[:, :, 1].T / 1000 + 0.5)
    if kind == "MONOCHROME1":  # the stored value is 1000 − x; rounding is the formula's with its ends swapped
        expected = np.floor(255.0 * (1000.0 - voxels[:, :, 1].T - 1000) / (0 - 1000) + 0.5)
    assert (shown == expected).all()
    assert shown[0, 0] == 255  # the patient's right, front: upper left
    (row,) = read_csv(out / "slices.csv")
    assert (row["row_spacing_mm"], row["col_spacing_mm"], row["source"]) == ("1.5", "2.0", "2")
    low_high = ("1000.0", "0.0") if kind == "MONOCHROME1" else ("0.0", "1000.0")
    assert (row["window_low"], row["window_high"]) == low_high


@pytest.mark.parametrize(
    "syntax",
    ["RLE", "JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless"],
)
def test_compressed_series_give_the_bytes_of_the_plain_one(tmp_path, syntax):
    pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    voxels = np.random.default_rng(4).integers(0, 1001, (64, 48, 2)).astype(np.uint16)
    plain, packed = (
        write(tmp_path / f"dicom {name}", lps_slices(voxels, True, 1, -1), name) for name in ("", syntax)
    )
    assert (plain / "IM0000").read_bytes() != (packed / "IM0000").read_bytes()
    one, two = (prepared(tmp_path / folder.name[6:], folder, 1) for folder in (plain, packed))
    assert fingerprint(one) == fingerprint(two)


#: All ways to store a volume: which axis of the patient each of its axes follows, and which way.
AXES = [
    tuple(letters)
    for order in itertools.permutations(("LR", "PA", "SI"))
    for letters in itertools.product(*order)
]
OBLIQUE = np.array([[0.9, -0.4, 0.2], [0.3, 0.8, 0.5], [-0.3, -0.4, 0.8]])


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("oblique", [False, True])
def test_the_place_of_a_picture_cuts_its_own_pixels_out_of_the_volume(tmp_path, axes, oblique):
    voxels = np.random.default_rng(3).integers(0, 256, (7, 6, 5)).astype(np.uint8)
    turn = np.linalg.qr(OBLIQUE)[0] if oblique else np.eye(3)
    turn = turn * np.sign(np.diag(turn))  # columns near to left, back, head
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1, -1, 1]) @ turn @ np.diag([2.0, 1.5, 4.0])  # NIfTI is RAS+
    affine[:3, 3] = 12.5, -80.0, 33.0
    image = nibabel.Nifti1Image(voxels, affine)
    wanted = nibabel.orientations.axcodes2ornt(axes)
    change = nibabel.orientations.ornt_transform(nibabel.io_orientation(affine), wanted)
    stored = image.as_reoriented(change)
    nibabel.save(stored, tmp_path / "v.nii")
    out = prepared(tmp_path, tmp_path / "v.nii", 2, "--window", "0,255")  # grey levels are the values
    table = read_table(out / "slices.csv")
    (place,) = parse_places(table.columns, table.rows).values()
    shown = np.asarray(Image.open(out / "ALS_1_3.png"))
    assert place.slice_spacing_mm == pytest.approx(4.0, abs=1e-4)
    lps = np.diag([-1.0, -1, 1, 1])
    # The volume in the order that was stored, and in the first one: one patient, one place.
    assert (
        on_plane(np.asarray(stored.dataobj), lps @ stored.affine, place.plane, shown.shape) == shown
    ).all()
    assert (on_plane(voxels, lps @ affine, place.plane, shown.shape) == shown).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_place_of_a_dicom_picture_cuts_its_own_pixels_out_of_the_volume(tmp_path, variant):
    voxels, tilt = body() // 4, variant.get("tilt", 0.0)
    out = prepared(tmp_path, write(tmp_path / "dicom", lps_slices(voxels, **variant)), 4, "--window", "0,255")
    table = read_table(out / "slices.csv")
    (place,) = parse_places(table.columns, table.rows).values()
    affine = np.eye(4)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine[:3, :3] = turn @ np.diag([2.0, 1.5, 4.0])
    shown = np.asarray(Image.open(out / "ALS_1_3.png"))
    assert (on_plane(voxels, affine, place.plane, shown.shape) == shown).all()


def test_without_pixel_spacing_there_is_no_place(tmp_path):
    slices = lps_slices(body(), True, -1, 1)
    for data in slices:
        del data.PixelSpacing
    out = prepared(tmp_path, write(tmp_path / "dicom", slices), 4)
    (row,) = read_csv(out / "slices.csv")
    assert {row[name] for name in row if name.startswith(("position", "across", "down"))} == {""}


@pytest.mark.parametrize(
    "axes", [("L", "P", "S"), ("R", "A", "S"), ("P", "R", "I"), ("S", "A", "L"), ("I", "L", "A")]
)
def test_nifti_gives_the_bytes_of_the_dicom_series(tmp_path, axes):
    voxels = body()
    dicom = write(tmp_path / "dicom", lps_slices(voxels, False, 1, 1))
    one = prepared(tmp_path, dicom, 4, "--window", "0,1000")
    image = nibabel.Nifti1Image(voxels, np.diag([-2.0, -1.5, 4.0, 1.0]))
    current = nibabel.io_orientation(image.affine)
    wanted = nibabel.orientations.axcodes2ornt(axes)
    turned = image.as_reoriented(nibabel.orientations.ornt_transform(current, wanted))
    nibabel.save(turned, tmp_path / "v.nii.gz")
    number = 2 if "S" in axes else 4
    table = levels(tmp_path / "levels.csv", f"v.nii.gz,ALS,1,3,{number}")
    out = tmp_path / "nifti"
    assert (
        run("prepare", tmp_path / "v.nii.gz", "--levels", table, "--out", out, "--window", "0,1000").code == 0
    )
    assert (out / "ALS_1_3.png").read_bytes() == (one / "ALS_1_3.png").read_bytes()
    rows = [read_csv(folder / "slices.csv")[0] for folder in (one, out)]
    assert rows[0] == rows[1]


def test_the_real_volume_as_nifti_and_as_dicom(shared, tmp_path):
    path = shared / "real/TUM01/volumes/water.nii.gz"
    voxels = np.asarray(nibabel.load(path).dataobj)  # L-P-S, its origin is 0
    steps = tuple(float(step) for step in nibabel.load(path).header.get_zooms())
    dicom = write(tmp_path / "dicom", lps_slices(voxels, True, -1, 1, steps=steps)[18:19])
    one = prepared(tmp_path, dicom, voxels.shape[2] - 18, "--window", "0,1500")
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,19")
    out = tmp_path / "nifti"
    assert run("prepare", path, "--levels", table, "--out", out, "--window", "0,1500").code == 0
    assert (out / "ALS_1_3.png").read_bytes() == (one / "ALS_1_3.png").read_bytes()
    assert float(read_csv(out / "slices.csv")[0]["row_spacing_mm"]) == pytest.approx(1.0185, abs=1e-4)


def test_the_real_volume_looks_as_the_dataset_that_was_made_from_it(shared, tmp_path):
    root = shared / "real/TUM01"
    places = {5: 2, 4: 10, 3: 18, 2: 27}
    table = levels(tmp_path / "levels.csv", *(f",HV,1,{s},{k + 1}" for s, k in places.items()))
    out = tmp_path / "out"
    run("prepare", root / "volumes/fat.nii.gz", "--levels", table, "--out", out, "--window", "0,2000")
    for segment in places:
        ours, theirs = (np.asarray(Image.open(d / f"HV_1_{segment}.png"), float) for d in (out, root))
        # The fat image is not quite theirs (fat and water); the sides of a body are alike, but not equal.
        alike = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
        assert alike > 0.95
        assert alike > np.corrcoef(ours[:, ::-1].ravel(), theirs.ravel())[0, 1] + 0.05


def test_nothing_of_the_patient_reaches_an_output_or_a_message(tmp_path):
    sub = tmp_path / "in" / "ser"
    slices = lps_slices(body(), False, 1, 1, secret=True)
    del slices[0].ImageOrientationPatient
    slices[1].PhotometricInterpretation = "RGB"
    write(sub, slices)
    (sub / "IM0004").write_bytes((sub / "IM0004").read_bytes()[:-300])
    table = levels(tmp_path / "levels.csv", *(f"ser,ALS,{n},3,{n}" for n in (1, 2, 3, 4, 5, 9)))
    outcomes = [
        run("prepare", tmp_path / "in", "--list"),
        run("prepare", tmp_path / "in", "--contact-sheet", "--out", tmp_path / "sheets"),
        run("prepare", tmp_path / "in", "--levels", table, "--out", tmp_path / "out", "--verbose"),
    ]
    assert [outcome.code for outcome in outcomes] == [0, 0, 4]
    texts = [outcome.out + outcome.err for outcome in outcomes]
    for folder in (tmp_path / "sheets", tmp_path / "out"):
        for path in folder.iterdir():
            texts.append(path.read_bytes().decode("latin-1"))
            if path.suffix == ".png":
                with Image.open(path) as picture:
                    assert picture.info == {}
                assert path.read_bytes().count(b"tEXt") == 0
            else:
                assert str(tmp_path) not in texts[-1]
                # The table to fill in names the folder, as the person would.
                assert "ser," not in texts[-1].replace("series,", "") or path.name == "levels.csv"
    for text in texts:
        assert SECRET not in text
        assert SECRET[:8] not in text
        assert "19010203" not in text
        assert slices[0].SeriesInstanceUID not in text
        assert slices[0].SOPInstanceUID not in text


def test_other_rows_go_on_and_problems_are_listed(tmp_path):
    source = write(tmp_path / "dicom", lps_slices(body(), False, 1, 1))
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,1", ",ALS,2,3,77", "nowhere,ALS,3,3,1", ",ALS,4,9,1")
    out = tmp_path / "out"
    before = fingerprint(source)
    outcome = run("prepare", source, "--levels", table, "--out", out)
    assert outcome.code == 4
    assert fingerprint(source) == before
    problems = read_csv(out / "problems.csv")
    assert [(row["shape"], row["code"]) for row in problems] == [
        ("row 3", "no-slice"),
        ("row 4", "no-source"),
        ("row 5", "bad-level"),
    ]
    assert sorted(fingerprint(out)) == [
        "ALS_1_3.png",
        "labels.txt",
        "prepare.json",
        "problems.csv",
        "slices.csv",
    ]
    manifest = json.loads((out / "prepare.json").read_text())
    assert manifest["counts"] == {"rows": 4, "images": 1, "errors": 3, "warnings": 0}
    again = tmp_path / "again"
    run("prepare", source, "--levels", table, "--out", again)
    assert fingerprint(again) == fingerprint(out)


def test_no_row_at_all_is_no_input(tmp_path):
    source = write(tmp_path / "dicom", lps_slices(body(), False, 1, 1))
    table = levels(tmp_path / "levels.csv", ",ALS,2,3,77")
    outcome = run("prepare", source, "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert not (tmp_path / "out").exists()


def mixed(tmp_path) -> Path:
    root = tmp_path / "study"
    write(root / "a" / "t2", lps_slices(body(), False, 1, 1))
    write(root / "a" / "t1", lps_slices(body() // 2, False, 1, 1, series=6))
    sagittal = mr(np.zeros((4, 4), np.uint16), 50, ((0, 1, 0), (0, 0, -1), (0, 0, 0), (1, 1)), series=7)
    write(root / "a" / "sag", [sagittal])
    (root / "notes.txt").write_text("no picture")
    return root


def test_several_axial_series_need_a_series_or_a_folder(tmp_path):
    root = mixed(tmp_path)
    columns = "source,group,patient,segment,slice,series"
    rows = ("a,ALS,1,3,4,", "a,ALS,2,3,4,6", "a/t2,ALS,3,3,4,", "a,ALS,4,3,50,7", "a,ALS,5,3,1,99")
    table = levels(tmp_path / "levels.csv", *rows, columns=columns)
    out = tmp_path / "out"
    assert run("prepare", root, "--levels", table, "--out", out, "--window", "0,1000").code == 4
    codes = {row["shape"]: row["code"] for row in read_csv(out / "problems.csv")}
    assert codes == {"row 2": "ambiguous-series", "row 5": "not-axial", "row 6": "no-series"}
    first = next(row for row in read_csv(out / "problems.csv") if row["shape"] == "row 2")
    assert "series 5: 5 axial, slices 1 to 5" in first["message"]
    t1, t2 = (np.asarray(Image.open(out / f"ALS_{n}_3.png")).astype(int) for n in (2, 3))
    assert abs(t1 * 2 - t2).max() <= 2


def test_the_list_shows_every_series(tmp_path):
    outcome = run("prepare", mixed(tmp_path), "--list")
    lines = [line.split("\t") for line in outcome.out.splitlines()]
    assert [line[:5] for line in lines[1:]] == [
        ["a/t2", "5", "axial", "5", "1 to 5"],
        ["a/t1", "6", "axial", "5", "1 to 5"],
        ["a/sag", "7", "sagittal", "1", "50 to 50"],
    ]


def test_the_list_names_the_series_in_technical_words(tmp_path):
    slices = lps_slices(body(), False, 1, 1)
    for one in slices:
        one.SeriesDescription = "T2 tse tra Miller"
    outcome = run("prepare", write(tmp_path / "dicom", slices), "--list")
    head, row = (line.split("\t") for line in outcome.out.splitlines())
    assert (head[-1], row[-1]) == ("name", "T2 tse tra …")


@pytest.mark.parametrize("width", [40, 60, 200])
def test_a_terminal_shows_the_columns_that_have_room_whole(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    row = ["axial T2", "-31.8 to 41.5", "1.019×1.019", ""]
    show_table(["source", "position_mm", "pixel mm", "empty"], [row, row], ["position_mm", "pixel mm"])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(map(len, shown.splitlines())) <= width
    assert "empty" not in shown
    assert "…" not in shown, "no cell is cut off"
    # The three cells have 8, 13 and 11 characters, and 10 around them.
    assert [name in shown for name in row[:3]] == [True, width > 42, True]


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("study.zip", ["no series were found, but study.zip;", "unpack it, and give the folder"]),
        ("ALS_1.png", ["but 1 picture such as ALS_1.png;", "need no prepare", "name them GROUP_N_L.png"]),
        ("notes.txt", ["no series were found; expected DICOM slices or NIfTI; check the path"]),
    ],
)
def test_a_source_without_a_series_says_what_it_has(tmp_path, file, parts):
    source = tmp_path / "export"
    source.mkdir()
    (source / file).write_bytes(b"PK")
    for path in (source, source / file):
        outcome = run("prepare", path, "--list")
        assert outcome.code == 3
        assert outcome.err.startswith(f"mriparaspinal: {path}: ")
        assert all(part in outcome.err for part in parts), outcome.err


def test_two_images_of_one_number_are_ambiguous_but_a_place_is_not(tmp_path):
    slices = lps_slices(body(), False, 1, 1)
    slices[3].InstanceNumber = 4
    source = write(tmp_path / "dicom", slices)
    table = levels(
        tmp_path / "levels.csv",
        ",ALS,1,3,4,",
        ",ALS,2,3,,4.4",
        ",ALS,3,3,,40",
        columns="source,group,patient,segment,slice,position_mm",
    )
    out = tmp_path / "out"
    assert run("prepare", source, "--levels", table, "--out", out).code == 4
    codes = [row["code"] for row in read_csv(out / "problems.csv")]
    assert codes == ["ambiguous-slice", "no-slice"]
    shown = np.asarray(Image.open(out / "ALS_2_3.png"))
    assert (shown == np.floor(255.0 * body()[:, :, 1].T / 1000 + 0.5)).all()


def test_windows_per_series_and_per_slice(tmp_path):
    slices = lps_slices(body(), False, 1, 1)
    for n, data in enumerate(slices):
        data.WindowCenter, data.WindowWidth = 500.5, 1001 + 200 * n
    source = write(tmp_path / "dicom", slices)
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,5")
    for rule, high in (("dicom-series", 1200.0), ("dicom-slice", 1000.0)):
        out = tmp_path / rule
        outcome = run("prepare", source, "--levels", table, "--out", out, "--window", rule)
        assert outcome.code == 0
        assert ("go from 1001 to 1801" in outcome.err) == (rule == "dicom-series")
        (row,) = read_csv(out / "slices.csv")
        assert float(row["window_high"]) == high
        assert row["window"] == rule
    out = tmp_path / "percentile"
    assert run("prepare", source, "--levels", table, "--out", out, "--window", "percentile").code == 0
    (row,) = read_csv(out / "slices.csv")
    expected = np.percentile(body(), [1, 99])
    assert [float(row["window_low"]), float(row["window_high"])] == expected.tolist()


def test_without_a_window_there_is_no_picture(tmp_path):
    slices = lps_slices(body(), False, 1, 1)
    for data in slices:
        del data.WindowCenter
    source = write(tmp_path / "dicom", slices)
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,5")
    outcome = run("prepare", source, "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert "give --window" in outcome.err
    nibabel.save(nibabel.Nifti1Image(body(), np.diag([-2.0, -1.5, 4.0, 1.0])), tmp_path / "v.nii")
    for more in ((), ("--window", "dicom-slice")):
        outcome = run("prepare", tmp_path / "v.nii", "--levels", table, "--out", tmp_path / "out", *more)
        assert outcome.code == 2
        assert "--window" in outcome.err


def test_pictures_that_have_contours_are_not_replaced(tmp_path):
    source = write(tmp_path / "dicom", lps_slices(body(), False, 1, 1))
    out = prepared(tmp_path, source, 4)
    assert out == prepared(tmp_path, source, 4)
    (out / "ALS_1_3.json").write_text("{}")
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,5")
    before = fingerprint(out)
    outcome = run("prepare", source, "--levels", table, "--out", out)
    assert outcome.code == 2
    assert "has contours" in outcome.err
    levels(table, ",ALS,2,3,5")
    outcome = run("prepare", source, "--levels", table, "--out", out)
    assert outcome.code == 2
    assert "does not make" in outcome.err
    assert fingerprint(out) == before


def test_contact_sheets_and_a_table_to_fill_in(tmp_path):
    root, out = mixed(tmp_path), tmp_path / "sheets"
    outcome = run("prepare", root, "--contact-sheet", "--out", out)
    assert outcome.code == 0
    assert sorted(fingerprint(out)) == ["levels.csv", "sheet_1.png", "sheet_2.png", "sheets.json"]
    rows = read_csv(out / "levels.csv")
    assert [row["segment"] for row in rows[:5]] == ["L1", "L2", "L3", "L4", "L5"]
    assert not any(row[column] for row in rows for column in ("group", "patient", "slice", "confirmed"))
    assert np.asarray(Image.open(out / "sheet_1.png").convert("L")).max() == 255
    (out / "levels.csv").write_text("mine")
    assert run("prepare", root, "--contact-sheet", "--out", out).code == 0
    assert (out / "levels.csv").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [(), ("--list", "--contact-sheet"), ("--contact-sheet",), ("--contact-sheet", "--out", "HERE")],
)
def test_wrong_usage(tmp_path, arguments):
    source = write(tmp_path / "dicom", lps_slices(body(), False, 1, 1))
    outcome = run("prepare", source, *[source if a == "HERE" else a for a in arguments])
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1


def test_the_labels_are_those_that_quantify_knows(tmp_path):
    from mriparaspinal.core.labels import parse_label

    out = prepared(tmp_path, write(tmp_path / "dicom", lps_slices(body(), False, 1, 1)), 4)
    labels = (out / "labels.txt").read_text().splitlines()
    assert [str(parse_label(label)) for label in labels] == labels
    assert {"MF_L", "PM_R", "IVD", "VB"} <= set(labels)


def test_a_broken_file_of_a_series_is_told(tmp_path):
    source = write(tmp_path / "dicom", lps_slices(body(), False, 1, 1))
    (source / "IM0000").write_bytes((source / "IM0000").read_bytes()[:400])
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,2", ",ALS,1,4,5")
    outcome = run("prepare", source, "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert "no slice 5" in outcome.err
    listed = run("prepare", source, "--list")
    assert listed.code == 0
    assert "IM0000: the header ends before" in listed.err
    assert "1 broken file in its source" in outcome.err


def test_why_a_source_has_no_series_is_told(tmp_path):
    source = tmp_path / "SECRET"
    source.mkdir()
    (source / "a.nii").write_bytes(b"")
    (source / "b.nii").write_bytes(b"\0" * 500)
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,2")
    outcome = run("prepare", source, "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 3
    first, _ = outcome.err.splitlines()
    assert "no series in its source, but 2 broken files, the first: " in first
    assert first.endswith("expected a complete volume; export it again")
    assert "SECRET" not in outcome.err


def test_a_source_that_is_not_there(tmp_path):
    table = levels(tmp_path / "levels.csv", ",ALS,1,3,2")
    outcome = run("prepare", tmp_path / "nowhere", "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert outcome.err.splitlines()[-1].startswith(f"mriparaspinal: {tmp_path / 'nowhere'}: does not exist")


def test_a_slope_of_zero_is_no_picture(tmp_path):
    slices = lps_slices(body(), False, 1, 1)
    slices[2].RescaleSlope, slices[2].RescaleIntercept = 0, 5
    write(tmp_path / "dicom", slices)
    table = levels(tmp_path / "levels.csv", f",ALS,1,3,{slices[2].InstanceNumber}")
    outcome = run("prepare", tmp_path / "dicom", "--levels", table, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert "RescaleSlope 0, which makes all pixels alike" in outcome.err


def test_a_pair_of_two_files_is_named(tmp_path):
    pair = nibabel.Nifti1Pair(np.zeros((10, 10, 4), np.int16), np.eye(4))
    nibabel.save(pair, tmp_path / "v.img")
    for name in ("v.img", "v.hdr"):
        table = levels(tmp_path / "levels.csv", ",ALS,1,3,2")
        outcome = run("prepare", tmp_path / name, "--levels", table, "--out", tmp_path / "out")
        assert outcome.code == 3
        assert "a pair (Analyze or NIfTI); expected one file .nii or .nii.gz" in outcome.err
