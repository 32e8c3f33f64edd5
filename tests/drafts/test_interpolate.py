"""``interpolate``: slices between contoured ones, against known shapes and a manual map of a real MRI."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from mriparaspinal.drafts.interpolate import between
from tests.support.builders.drafts import dice, pillow_mask
from tests.support.builders.study import fingerprint, run

SIDE = 128


def disc(radius: float, x: float = 64, y: float = 64) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.hypot(columns - x, rows - y) < radius


def outline(radius: float, x: float = 64, y: float = 64, points: int = 40) -> list[list[float]]:
    turn = np.arange(points) * 2 * np.pi / points
    return np.column_stack((x + radius * np.cos(turn), y + radius * np.sin(turn))).round(2).tolist()


def write(folder: Path, stem: str, radius: float | None, flags: dict[str, bool] | None = None) -> None:
    """A slice with a disc and two muscles that grow with it; None: without contours."""
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.full((SIDE, SIDE), 90, np.uint8)).save(folder / f"{stem}.png")
    if radius is None:
        return
    lines = {"IVD": outline(radius, 64, 40), "MF_R": outline(radius, 30, 95), "MF_L": outline(radius, 98, 95)}
    shapes = [
        {"label": label, "points": points, "shape_type": "polygon", "flags": {}, "group_id": None}
        for label, points in lines.items()
    ]
    document = {"version": "5.5.0", "flags": flags or {}, "shapes": shapes, "imagePath": f"{stem}.png"}
    document |= {"imageData": None, "imageHeight": SIDE, "imageWidth": SIDE}
    (folder / f"{stem}.json").write_text(json.dumps(document))


def areas(path: Path) -> dict[str, float]:
    found = {}
    for shape in json.loads(path.read_text())["shapes"]:
        x, y = np.array(shape["points"]).T
        found[shape["label"]] = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return found


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_disc_between_two_has_the_radius_between(share: float) -> None:
    lines = between({("IVD", ""): disc(20)}, {("IVD", ""): disc(40)}, share)
    (line,) = lines["IVD", ""]
    radius = np.hypot(line[:, 0] - 64, line[:, 1] - 64)
    assert radius.mean() == pytest.approx(20 + 20 * share, abs=0.3)
    assert np.ptp(radius) < 1.5


def test_regions_do_not_overlap_and_what_vanishes_has_no_line() -> None:
    one = {("MF", "left"): disc(25, 40), ("ES", "left"): disc(22, 88), ("PM", "left"): disc(3, 20, 20)}
    other = {("MF", "left"): disc(25, 60), ("ES", "left"): disc(22, 108), ("PM", "left"): disc(3, 100, 110)}
    lines = between(one, other, 0.5)
    assert {key for key, parts in lines.items() if parts} == {("MF", "left"), ("ES", "left")}
    masks = [pillow_mask(line, (SIDE, SIDE)) for parts in lines.values() for line in parts]
    assert (masks[0] & masks[1]).sum() <= 12  # the border itself, which Pillow gives to both


def test_a_real_stack_at_8_mm(shared: Path) -> None:
    path = shared / "real" / "TUM01" / "volumes" / "muscles_manual.nii.gz"
    labels = np.asanyarray(nibabel.load(path).dataobj)
    found: dict[str, list[float]] = {"ES": [], "MF": []}
    for k in range(2, labels.shape[2] - 2, 2):
        slices = [
            {(name, side): (labels[:, :, z] == value).T for value, name, side in KEYS}
            for z in (k - 2, k, k + 2)
        ]
        for (name, side), (line, *_) in between(slices[0], slices[2], 0.5).items():
            if slices[1][name, side].sum() > 30:
                found[name].append(dice(pillow_mask(line, labels.shape[1::-1]), slices[1][name, side]))
    assert min(map(len, found.values())) > 20
    for name, values in found.items():
        assert np.mean(values) >= 0.92, name


KEYS = ((1, "ES", "right"), (2, "MF", "right"), (3, "MF", "left"), (4, "ES", "left"))


def test_a_stack_is_filled_and_says_from_what(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    for letter, radius in zip("abcde", (10, None, 14, None, 18), strict=True):
        write(scans, f"ALS_1_3_{letter}", radius)
    write(scans, "ALS_1_4_a", 10)
    write(scans, "ALS_1_4_b", None)  # without a neighbour behind it
    judged = {path: path.read_bytes() for path in scans.glob("*.json")}
    outcome = run("interpolate", scans, "--jobs", 2)
    assert outcome.code == 0, outcome.err
    assert "interpolated 6 regions of 2 slices" in outcome.err
    assert all(path.read_bytes() == content for path, content in judged.items())
    assert not (scans / "ALS_1_4_b.json").exists()
    for letter, radius in (("b", 12), ("d", 16)):
        path = scans / f"ALS_1_3_{letter}.json"
        assert json.loads(path.read_text())["flags"] == {"draft": True}
        for label, area in areas(path).items():
            assert area == pytest.approx(np.pi * radius**2, rel=0.05), label
    with (scans / "drafts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["image"], row["made_from"]) for row in rows} == {
        ("ALS_1_3_b.png", "ALS_1_3_a.png; ALS_1_3_c.png"),
        ("ALS_1_3_d.png", "ALS_1_3_c.png; ALS_1_3_e.png"),
    }
    before = fingerprint(scans)
    assert run("interpolate", scans).code == 3
    assert fingerprint(scans) == before
    again = tmp_path / "again"
    for letter, radius in zip("abcde", (10, None, 14, None, 18), strict=True):
        write(again, f"ALS_1_3_{letter}", radius)
    run("interpolate", again, "--jobs", 1)
    assert (again / "ALS_1_3_d.json").read_bytes() == (scans / "ALS_1_3_d.json").read_bytes()
    assert (again / "drafts.csv").read_bytes() == (scans / "drafts.csv").read_bytes()


def test_a_disc_between_derived_ones_is_marked_as_they_are(tmp_path: Path) -> None:
    for letter in "abc":
        write(tmp_path, f"ALS_1_3_{letter}", None if letter == "b" else 10)
    path = tmp_path / "ALS_1_3_a.json"
    document = json.loads(path.read_text())
    labels = [shape["label"] for shape in document["shapes"]]
    document["shapes"][0]["flags"] = {"derived-disc": True}
    path.write_text(json.dumps(document))
    assert run("interpolate", tmp_path).code == 0
    made = json.loads((tmp_path / "ALS_1_3_b.json").read_text())["shapes"]
    flags = {shape["label"]: shape["flags"] for shape in made}
    assert flags == {label: {"derived-disc": True} if label == labels[0] else {} for label in labels}


def test_drafts_are_no_parents(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    write(scans, "ALS_1_3_a", 10)
    write(scans, "ALS_1_3_b", None)
    write(scans, "ALS_1_3_c", 14, {"draft": True})
    outcome = run("interpolate", scans)
    assert outcome.code == 3
    assert "no slice without contours lies between two contoured ones" in outcome.err


def test_parts_of_a_region_stay_parts_and_a_hole_is_none(tmp_path: Path) -> None:
    ring = disc(20, 40) & ~disc(8, 40)
    mask = ring | disc(9, 100) | disc(2, 100, 110)
    lines = between({("MF", "left"): mask}, {("MF", "left"): mask}, 0.5)["MF", "left"]
    radii = [
        np.hypot(line[:, 0] - x, line[:, 1] - 64).mean() for line, x in zip(lines, (40, 100), strict=True)
    ]
    assert radii == pytest.approx([20, 9], abs=0.3)  # the speck of radius 2 is left out
    for letter in "abc":
        write(tmp_path, f"ALS_1_3_{letter}", None if letter == "b" else 10)
    for letter in "ac":
        path = tmp_path / f"ALS_1_3_{letter}.json"
        document = json.loads(path.read_text())
        document["shapes"].append({**document["shapes"][1], "points": outline(8, 48, 112)})
        path.write_text(json.dumps(document))
    assert run("interpolate", tmp_path).code == 0
    shapes = json.loads((tmp_path / "ALS_1_3_b.json").read_text())["shapes"]
    assert [shape["label"] for shape in shapes] == ["IVD", "MF_R", "MF_R", "MF_L"]


def test_what_is_not_interpolated_is_told(tmp_path: Path) -> None:
    for stem in ("ALS_1_3_a", "ALS_1_3_c", "ALS_2_3_a", "ALS_2_3_c"):
        write(tmp_path, stem, 10)
    for stem in ("ALS_1_3_b", "ALS_2_3_b"):
        write(tmp_path, stem, None)
    path = tmp_path / "ALS_1_3_a.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "shapes": document["shapes"][:2]}))
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(tmp_path / "ALS_2_3_b.png")
    outcome = run("interpolate", tmp_path)
    assert outcome.code == 4
    assert "ALS_1_3_b.png: MF_L: warning: contoured on one of ALS_1_3_a.png and ALS_1_3_c.png" in outcome.err
    assert "ALS_2_3_b.png: error: it, ALS_2_3_a.png and ALS_2_3_c.png are not of one size" in outcome.err
    assert not (tmp_path / "ALS_2_3_b.json").exists()


def test_neighbours_that_may_be_of_another_image_are_told(tmp_path: Path) -> None:
    for letter, radius in (("a", 30.0), ("b", None), ("c", 20.0)):
        write(tmp_path, f"ALS_1_3_{letter}", radius)
    path = tmp_path / "ALS_1_3_a.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "imagePath": "ALS_2_3_a.png"}))
    outcome = run("interpolate", tmp_path)
    assert outcome.code == 0
    assert outcome.err.count("imagePath names 'ALS_2_3_a.png', which is not there") == 1


def test_a_block_of_another_tilt_is_a_stack_of_its_own(tmp_path: Path) -> None:
    """As lumbar slices are scanned: one block of parallel slices along each disc."""
    rows = []
    for segment, (tilt, radius) in {3: (0, 10), 4: (15, 14), 5: (0, 12)}.items():
        sine, cosine = np.sin(np.radians(tilt)), np.cos(np.radians(tilt))
        for i, letter in enumerate("abc"):
            stem = f"ALS_1_{segment}_{letter}"
            write(tmp_path, stem, None if letter == "b" else radius)
            across = 9 if stem == "ALS_1_5_b" else 0  # its pixels do not lie above those of its neighbours
            at = f"{across},{4 * i * sine},{-40 * segment - 4 * i * cosine}"
            rows.append(f"{stem}.png,1,1,4,{at},1,0,0,0,{cosine},{sine}")
    (tmp_path / "slices.csv").write_text("\n".join([places({}).split("\n", 1)[0], *rows, ""]))
    outcome = run("interpolate", tmp_path)
    assert outcome.code == 0, outcome.err
    for segment, radius in ((3, 10), (4, 14)):
        for area in areas(tmp_path / f"ALS_1_{segment}_b.json").values():
            assert area == pytest.approx(np.pi * radius**2, rel=0.05)
    assert not (tmp_path / "ALS_1_5_b.json").exists()


def places(heights: dict[str, float]) -> str:
    columns = "image,row_spacing_mm,col_spacing_mm,slice_spacing_mm,position_x_mm,position_y_mm,position_z_mm"
    columns += ",across_x,across_y,across_z,down_x,down_y,down_z"
    rows = [f"{name}.png,1,1,4,0,0,{z},1,0,0,0,1,0" for name, z in heights.items()]
    return "\n".join([columns, *rows, ""])


def test_places_tell_the_distance_across_segments(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    heights = {"ALS_1_2": 16.0, "ALS_1_3": 12.0, "ALS_1_4": 0.0}
    for (stem, _), radius in zip(heights.items(), (20, None, 12), strict=True):
        write(scans, stem, radius)
    (scans / "slices.csv").write_text(places(heights))
    outcome = run("interpolate", scans, "--largest-gap", 10)
    assert outcome.code == 3
    assert (
        "ALS_1_4.png and ALS_1_2.png are 16 mm apart; expected at most 10 mm (--largest-gap)" in outcome.err
    )
    outcome = run("interpolate", scans)
    assert outcome.code == 0, outcome.err
    for area in areas(scans / "ALS_1_3.json").values():
        assert area == pytest.approx(np.pi * 18**2, rel=0.05)
