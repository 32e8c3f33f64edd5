"""All formats of label maps together with a study's own regions, several folders, and sides to be split."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.builders.itk import load_itk, save_itk
from tests.support.builders.slices import SHAPES, box, grey_image, labelme, polygon
from tests.support.builders.study import problems_of, read_csv, rows_of, run
from tests.support.builders.volumes import write_slices

AFFINE = np.diag([0.5, 0.5, 4.0, 1.0])

OWN = """
[regions.DS]
sided = false
names = ["dural sac"]
colour = "#123456"

[regions.GL]
names = ["gluteus"]

[labels]
iliopsoas_L = "PM_L"
iliopsoas_R = "PM_R"
"canalis" = "DS"
"""

#: Behind the disc, and outside of ES; the last lies over MF_L in part.
OWN_SHAPES = [
    polygon("DS", box(40, 52, 59, 61)),
    polygon("GL_R", box(0, 90, 29, 99)),
    polygon("GL_L", box(60, 80, 99, 99)),
]

FASCIA_SHAPES = [polygon(f"{name}_L", box(52, 62, 92, 92)) for name in ("MF_CSA", "ES_CSA", "EFT")]

FORMATS = {"nifti": "_mask.nii.gz", "nrrd": "_mask.nrrd", "seg.nrrd": "_mask.seg.nrrd", "mha": "_mask.mha"}

COUNTED = ("image", "muscle", "side", "csa_px", "fat_px", "fi", "mean_intensity", "reference_px", "rcsa")


def pixels(shapes: Iterable[dict]) -> dict[str, np.ndarray]:
    """The boxes as masks of (columns, rows)."""
    masks = {}
    for shape in shapes:
        (x0, y0), _, (x1, y1), _ = shape["points"]
        masks[shape["label"]] = np.zeros((100, 100), dtype=bool)
        masks[shape["label"]][int(x0) : int(x1) + 1, int(y0) : int(y1) + 1] = True
    return masks


BOXES = pixels([*SHAPES, *OWN_SHAPES])


def make_scans(folder: Path, own: str = OWN, shapes: list[dict] | None = None) -> Path:
    """Two slices of a participant with places, and contours on them where ``shapes`` are given."""
    grey = np.stack([grey_image(seed=seed).T for seed in (1, 2)], axis=2)
    write_slices(folder, grey, AFFINE, {"ALS_1_3": 0, "ALS_1_4": 1})
    (folder / "paraspinal.toml").write_text(own, encoding="utf-8")
    for path in folder.glob("*.png") if shapes else ():
        path.with_suffix(".json").write_text(json.dumps(labelme(path.name, (100, 100), shapes)))
    return folder


def volume(mask: np.ndarray) -> np.ndarray:
    """The mask, (columns, rows), on the first slice, and its upper half on the second."""
    both = np.stack([mask, mask], axis=2).astype(np.uint8)
    rows = np.flatnonzero(mask.any(axis=0))
    both[:, (rows[0] + rows[-1] + 1) // 2 :, 1] = 0
    return both


def segmentation(path: Path, names: dict[str, np.ndarray]) -> Path:
    """A segmentation of 3D Slicer with a layer for each segment."""
    fields = {}
    for number, name in enumerate(names):
        told = {"ID": f"s{number}", "Name": name, "LabelValue": "1", "Layer": str(number)}
        fields |= {f"Segment{number}_{key}": text for key, text in told.items()}
    layers = np.stack([volume(mask) for mask in names.values()])
    return save_itk(path, layers if len(layers) > 1 else layers[0], AFFINE, packed=True, **fields)


def sizes(results: Path, image: str) -> dict[str, int]:
    """The areas by label, on one slice."""
    return {
        row["muscle"] + {"left": "_L", "right": "_R", "both": ""}[row["side"]]: int(row["csa_px"])
        for row in rows_of(results)
        if row["image"] == image and (row["side"] != "both" or row["muscle"] == "DS")
    }


def counted(results: Path) -> list[list[str]]:
    rows = [[row[name] for name in COUNTED] for row in rows_of(results)]
    assert rows
    return rows


# ---------------------------------------------------------------- read


def test_folders_of_several_formats_with_own_regions(tmp_path):
    """Segments of 3D Slicer in one folder, a file for each structure in the other."""
    scans = make_scans(tmp_path / "scans")
    slicer = {"Left multifidus": "MF_L", "MF right": "MF_R", "erector spinae (L)": "ES_L", "ES_R": "ES_R"}
    slicer |= {"gluteus left": "GL_L", "GL_R": "GL_R"}  # GL_L lies over ES_L and MF_L in part
    segmentation(tmp_path / "slicer" / "ALS_1.seg.nrrd", {name: BOXES[key] for name, key in slicer.items()})
    for name, key in {
        "iliopsoas_left.nrrd": "PM_L",
        "iliopsoas_right.mha": "PM_R",
        "intervertebral_discs.nhdr": "IVD",
        "canalis.mhd": "DS",
    }.items():
        save_itk(tmp_path / "files" / "ALS_1" / name, volume(BOXES[key]), AFFINE)
    segmentation(tmp_path / "files" / "ALS_1" / "aorta.seg.nrrd", {"aorta": BOXES["IVD"]})
    words = ("--masks", tmp_path / "slicer", "--masks", tmp_path / "files")
    outcome = run("quantify", scans, *words, "--out", tmp_path / "results")
    assert outcome.code in (0, 4), outcome.err
    assert {code for *_, code in problems_of(tmp_path / "results")} <= {"unknown-label", "overlap"}
    expected = {key: int(mask.sum()) for key, mask in BOXES.items() if key != "IVD"}
    assert sizes(tmp_path / "results", "ALS_1_3.png") == expected
    assert sizes(tmp_path / "results", "ALS_1_4.png") == {key: size // 2 for key, size in expected.items()}
    assert {row["reference_px"] for row in rows_of(tmp_path / "results")} == {"900", "450"}
    # The same as contours.
    words = (tmp_path / "slicer", tmp_path / "files", "--dataset", scans, "--no-draft")
    assert run("contours", *words).code == 0
    assert run("quantify", scans, "--out", tmp_path / "drawn").code == 0
    assert counted(tmp_path / "drawn") == counted(tmp_path / "results")


@pytest.mark.parametrize("ending", [".seg.nrrd", ".nrrd", ".mha"])
def test_both_sides_in_one_number_or_segment(tmp_path, ending):
    scans = make_scans(tmp_path / "scans")
    boxes = {key: mask for key, mask in BOXES.items() if key != "GL_L"}
    boxes["GL_L"] = boxes["GL_R"][::-1]
    names = dict.fromkeys(key.removesuffix("_L").removesuffix("_R") for key in boxes)
    joined = {name: np.logical_or.reduce([boxes[k] for k in boxes if k.startswith(name)]) for name in names}
    path = tmp_path / "maps" / f"ALS_1{ending}"
    numbering: tuple[object, ...] = ()
    if ending == ".seg.nrrd":
        segmentation(path, joined)
    else:
        labels = sum(number * volume(mask) for number, mask in enumerate(joined.values(), 1))
        save_itk(path, labels.astype(np.uint8), AFFINE)
        rows = [f"{number},{name}\n" for number, name in enumerate(joined, 1)]
        (tmp_path / "table.csv").write_text("value,label\n" + "".join(rows))
        numbering = ("--numbering", tmp_path / "table.csv")
    words = ("quantify", scans, "--masks", tmp_path / "maps", *numbering, "--out", tmp_path / "results")
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    assert {code for *_, code in problems_of(tmp_path / "results")} == {"sides-split"}
    expected = {key: int(mask.sum()) for key, mask in boxes.items() if key != "IVD"}
    assert sizes(tmp_path / "results", "ALS_1_3.png") == expected


def test_an_own_region_in_two_folders_is_refused(tmp_path):
    scans = make_scans(tmp_path / "scans")
    segmentation(tmp_path / "a" / "ALS_1.seg.nrrd", BOXES)
    segmentation(tmp_path / "b" / "ALS_1.seg.nrrd", {"dural sac": BOXES["DS"]})
    words = ("--masks", tmp_path / "a", "--masks", tmp_path / "b")
    outcome = run("quantify", scans, *words, "--out", tmp_path / "results")
    assert outcome.code == 4
    assert "both have DS" in outcome.err
    found = problems_of(tmp_path / "results")
    assert {(shape, code) for _, shape, severity, code in found if severity == "error"} == {
        ("DS", "two-sources")
    }
    assert "DS" not in sizes(tmp_path / "results", "ALS_1_3.png")


@pytest.mark.parametrize(
    ("segments", "good"),
    [
        (("MF_L",), True),
        (("left multifidus",), True),
        (("Segment_1",), True),
        (("MF_R",), False),
        (("gluteus left",), False),
        (("MF_L", "ES_L"), False),
        (("Segment_1", "Segment_2"), False),
    ],
)
def test_a_structure_whose_segments_say_otherwise(tmp_path, segments, good):
    """One of them alone may be on a slice: without a look at their names it would be taken for MF."""
    scans = make_scans(tmp_path / "scans")
    empty = np.zeros((100, 100), dtype=bool)
    names = {name: BOXES["MF_L"] if n == 0 else empty for n, name in enumerate(segments)}
    folder = tmp_path / "maps" / "ALS_1"
    for key, mask in BOXES.items():
        if key != "MF_L":
            save_itk(folder / f"{key}.nrrd", volume(mask), AFFINE)
    (folder / "x").mkdir()
    fields = {}
    for number, name in enumerate(names):
        told = {"ID": f"s{number}", "Name": name, "LabelValue": str(number + 1), "Layer": "0"}
        fields |= {f"Segment{number}_{key}": text for key, text in told.items()}
    labels = sum((n + 1) * volume(mask) if mask.any() else 0 for n, mask in enumerate(names.values()))
    save_itk(folder / "multifidus_left.seg.nrrd", labels.astype(np.uint8), AFFINE, **fields)
    outcome = run("quantify", scans, "--masks", tmp_path / "maps", "--out", tmp_path / "results")
    if good:
        assert outcome.code == 0, outcome.err
        assert sizes(tmp_path / "results", "ALS_1_3.png")["MF_L"] == 200
    else:
        assert outcome.code in (3, 4)
        assert "expected multifidus_L alone" in outcome.err
        assert not (tmp_path / "results" / "L3.csv").exists()


# ---------------------------------------------------------------- written


@pytest.mark.parametrize("format", list(FORMATS))
def test_own_regions_in_each_format(tmp_path, format):
    """Pairs with them, too: GL_L lies over ES_L. Second outlines of muscles are in none."""
    shapes = [*SHAPES, *OWN_SHAPES]
    scans = make_scans(tmp_path / "scans", shapes=shapes)
    assert run("quantify", scans, "--out", tmp_path / "drawn").code == 0
    for out, drawn in (("plain", shapes), ("maps", [*shapes, *FASCIA_SHAPES])):
        make_scans(scans, shapes=drawn)
        outcome = run("masks", scans, "--out", tmp_path / out, "--format", format)
        assert outcome.code == 0, outcome.err
    name = f"ALS_1_3{FORMATS[format]}"
    assert (tmp_path / "maps" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    make_scans(scans, shapes=shapes)
    words = ("quantify", scans, "--masks", tmp_path / "maps", "--out", tmp_path / "read")
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    assert counted(tmp_path / "read") == counted(tmp_path / "drawn")
    assert sizes(tmp_path / "read", "ALS_1_3.png")["GL_L"] == BOXES["GL_L"].sum()


def test_numbers_and_colours_of_own_regions_in_a_segmentation(tmp_path):
    scans = make_scans(tmp_path / "scans", shapes=[*SHAPES, *OWN_SHAPES, *FASCIA_SHAPES])
    for format in ("seg.nrrd", "png", "nrrd"):
        assert run("masks", scans, "--out", tmp_path / format, "--format", format).code == 0
    table = {
        r["region"] + r["side"][:1].upper(): int(r["value"]) for r in read_csv(tmp_path / "png/values.csv")
    }
    named = {r["region"]: int(r["value"]) for r in read_csv(tmp_path / "nrrd/values.csv")}
    voxels, _, fields = load_itk(tmp_path / "seg.nrrd" / "ALS_1_3_mask.seg.nrrd")
    index = Image.open(tmp_path / "png" / "ALS_1_3_mask.png")
    palette = np.reshape(index.getpalette(), (-1, 3))
    numbers = sorted(int(key[7 : key.index("_")]) for key in fields if key.endswith("_LabelValue"))
    told = {}
    for n in numbers:
        label, value = fields[f"Segment{n}_Name"], int(fields[f"Segment{n}_LabelValue"])
        layer = int(fields[f"Segment{n}_Layer"])
        told[label] = value
        assert value == table[label.replace("_", "")]
        assert ((voxels[layer, :, :, 0] == value) == BOXES[label]).all(), label
        colour = [float(part) * 255 for part in fields[f"Segment{n}_Color"].split()]
        assert np.allclose(colour, palette[value], atol=0.01)
    assert set(told) == set(BOXES)
    assert palette[told["DS"]].tolist() == [0x12, 0x34, 0x56]
    # The pixels of two regions have the number of the pair.
    pair, _, _ = load_itk(tmp_path / "nrrd" / "ALS_1_3_mask.nrrd")
    both = BOXES["GL_L"] & BOXES["ES_L"]
    assert set(pair[:, :, 0][both]) == {named["ES_L+GL_L"]}


def test_a_slice_with_second_outlines_alone_has_no_label_map(tmp_path):
    scans = make_scans(tmp_path / "scans", shapes=[*SHAPES, *OWN_SHAPES])
    path = scans / "ALS_1_4.json"
    path.write_text(json.dumps(labelme("ALS_1_4.png", (100, 100), FASCIA_SHAPES)))
    for format, ending in FORMATS.items():
        run("masks", scans, "--out", tmp_path / format, "--format", format)
        assert sorted(p.name for p in (tmp_path / format).glob("ALS*")) == [f"ALS_1_3{ending}"]


def test_own_regions_in_dicom_seg(tmp_path):
    highdicom = pytest.importorskip("highdicom")
    from tests.commands.test_masks_dicom_seg import make_dataset

    shapes = [*SHAPES, *OWN_SHAPES]
    scans, source = make_dataset(tmp_path, shapes=[*shapes, *FASCIA_SHAPES])
    (scans / "paraspinal.toml").write_text(OWN, encoding="utf-8")
    words = ("masks", scans, "--format", "dicom-seg", "--source", source, "--out", tmp_path / "seg")
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    seg = highdicom.seg.segread(tmp_path / "seg" / "ALS_1.dcm")
    assert {d.SegmentLabel for d in seg.SegmentSequence} == set(BOXES)
    for described in seg.SegmentSequence:
        (kind,) = described.SegmentedPropertyTypeCodeSequence
        (category,) = described.SegmentedPropertyCategoryCodeSequence
        region, _, side = described.SegmentLabel.partition("_")
        if region in ("DS", "GL"):
            assert (category.CodeValue, kind.CodeValue) == ("85756007", "85756007")
        sides = [code.CodeMeaning for code in kind.get("SegmentedPropertyTypeModifierCodeSequence", [])]
        assert sides == {"L": ["Left"], "R": ["Right"], "": []}[side]
    again = tmp_path / "again"
    again.mkdir()
    for path in [*scans.glob("*.png"), scans / "slices.csv", scans / "paraspinal.toml"]:
        shutil.copy(path, again)
    assert run("contours", tmp_path / "seg", "--dataset", again).code == 0
    assert run("quantify", again, "--out", tmp_path / "read").code == 0
    for path in scans.glob("*.png"):
        path.with_suffix(".json").write_text(json.dumps(labelme(path.name, (100, 100), shapes)))
    assert run("quantify", scans, "--out", tmp_path / "drawn").code == 0
    assert counted(tmp_path / "read") == counted(tmp_path / "drawn")


def test_second_outlines_in_layers_are_measured_as_contours_are(tmp_path):
    fascia = [polygon("MF_CSA_L", box(52, 62, 67, 87)), polygon("EFT_R", box(30, 65, 34, 84))]
    drawn = make_scans(tmp_path / "drawn", shapes=[*SHAPES, *fascia])
    bare = make_scans(tmp_path / "bare")
    segmentation(tmp_path / "maps" / "ALS_1.seg.nrrd", pixels([*SHAPES, *fascia]))
    found = []
    for folder, masks in ((drawn, ()), (bare, ("--masks", tmp_path / "maps"))):
        out = tmp_path / "results" / folder.name
        outcome = run("quantify", folder, *masks, "--measure", "distribution", "--out", out)
        assert outcome.code == 0, outcome.err
        rows = [row for row in rows_of(out) if row["segment"] == "L3"]
        found.append([row | {"contour_area_px": "", "mask_rule": ""} for row in rows])
    assert found[0] == found[1]
    (mf,) = (row for row in found[0] if (row["muscle"], row["side"]) == ("MF", "left"))
    assert float(mf["compartment_px"]) == 16 * 26
