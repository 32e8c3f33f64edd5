"""``refine``: a folder of clicks becomes a folder of contours, each with what became of it."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.core.draft_mark import contour_hash
from mriparaspinal.drafts.refine import refine_regions
from mriparaspinal.drafts.splines import closed_spline
from tests.support.builders.drafts import pillow_mask
from tests.support.builders.study import copy_sample, fingerprint, read_csv, run

SIDE = 160


def circle(x: float, y: float, radius: float, points: int = 8) -> list[list[float]]:
    turn = np.arange(points) * 2 * np.pi / points
    return np.column_stack((x + radius * np.cos(turn), y + radius * np.sin(turn))).round(1).tolist()


def image() -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    grey = np.full((SIDE, SIDE), 180, np.uint8)
    for x, y, radius in ((80, 45, 25), (45, 110, 22), (115, 110, 22)):
        grey[np.hypot(columns - x, rows - y) < radius] = 30
    return grey


CLICKS = {
    "IVD": circle(80, 45, 24),
    "left multifidus": circle(115, 110, 23, 10),
    "MF_R": circle(45, 110, 21.5, 6),
}


def write(folder: Path, clicks: dict[str, list[list[float]]] = CLICKS, **more: object) -> Path:
    folder.mkdir(exist_ok=True)
    Image.fromarray(image()).save(folder / "ALS_1_3.png")
    shapes = [
        {"label": label, "points": points, "shape_type": "polygon", "flags": {"sure": True}, "group_id": 7}
        for label, points in clicks.items()
    ]
    shapes.append({"label": "note", "points": [[1, 1]], "shape_type": "point", "flags": {}})
    document = {"version": "5.0.1", "flags": {"blurred": False}, "shapes": shapes, "imageData": None}
    document |= {"imagePath": "ALS_1_3.png", "imageHeight": SIDE, "imageWidth": SIDE, "lab": {"reader": "A"}}
    (folder / "ALS_1_3.json").write_text(json.dumps(document | more))
    return folder


def embedded(picture: Image.Image) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


SMALL = embedded(Image.fromarray(image()).resize((SIDE // 2, SIDE // 2)))


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "drafts.csv").open(encoding="utf-8", newline="") as file:
        return {row["label"]: row for row in csv.DictReader(file)}


def area(points: object) -> float:
    x, y = np.array(points).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def test_clicks_become_contours_and_all_else_stays(tmp_path: Path) -> None:
    rough = write(tmp_path / "rough")
    (rough / "slices.csv").write_text("image,row_spacing_mm,col_spacing_mm\nALS_1_3.png,0.5,0.5\n")
    before = fingerprint(rough)
    outcome = run("refine", rough, "--out", tmp_path / "fine")
    assert outcome.code == 0, outcome.err
    assert "refined 3 regions of 1 slice" in outcome.err
    assert fingerprint(rough) == before
    old, new = (json.loads((tmp_path / f / "ALS_1_3.json").read_text()) for f in ("rough", "fine"))
    assert new["flags"] == {"blurred": False, "draft": True}
    for document in (old, new):
        del document["flags"]
        for shape in document["shapes"][:3]:
            del shape["points"]
    assert new == old
    fine = tmp_path / "fine"
    assert (fine / "ALS_1_3.png").read_bytes() == (rough / "ALS_1_3.png").read_bytes()
    assert (fine / "slices.csv").read_bytes() == (rough / "slices.csv").read_bytes()


def test_what_became_of_each_line_stands_beside(tmp_path: Path) -> None:
    run("refine", write(tmp_path / "rough"), "--out", tmp_path / "fine")
    rows = rows_of(tmp_path / "fine")
    document = json.loads((tmp_path / "fine" / "ALS_1_3.json").read_text())
    for shape in document["shapes"][:3]:
        row, points = rows[shape["label"]], np.array(shape["points"])
        assert row["sha256"] == contour_hash(shape["points"])
        line = closed_spline(np.array(CLICKS[shape["label"]]), 0.1)
        change = 100 * (area(points) / area(line) - 1)
        assert float(row["area_change_pct"]) == pytest.approx(change, abs=0.2)
        distances = np.hypot(*(points[:, None] - line[None]).transpose(2, 0, 1)).min(axis=1)
        assert float(row["largest_move_px"]) == pytest.approx(distances.max(), abs=0.1)
    # The disc was clicked a pixel too small, left MF too large: both go to the edge.
    assert float(rows["IVD"]["area_change_pct"]) > 0 > float(rows["left multifidus"]["area_change_pct"])


def test_the_same_bytes_for_any_number_of_jobs_and_again(tmp_path: Path) -> None:
    rough = write(tmp_path / "rough")
    run("refine", rough, "--out", tmp_path / "one", "--jobs", 1)
    run("refine", rough, "--out", tmp_path / "two", "--jobs", 2)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    run("refine", rough, "--out", tmp_path / "one", "--jobs", 2)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


def test_contours_that_a_person_corrected_are_never_replaced(tmp_path: Path) -> None:
    rough, fine = write(tmp_path / "rough"), tmp_path / "fine"
    run("refine", rough, "--out", fine)
    path = fine / "ALS_1_3.json"
    path.write_text(path.read_text().replace('"draft":true', '"draft":false'))
    before = fingerprint(fine)
    outcome = run("refine", rough, "--out", fine, "--band", 9)
    assert outcome.code == 2
    assert "ALS_1_3.json: was changed since it was written" in outcome.err
    assert fingerprint(fine) == before


def test_a_band_of_nothing_is_the_plain_spline(tmp_path: Path) -> None:
    rough = write(tmp_path / "rough")
    run("refine", rough, "--out", tmp_path / "fine", "--band", 0)
    assert all(abs(float(row["largest_move_px"])) < 0.3 for row in rows_of(tmp_path / "fine").values())


def test_neighbours_do_not_take_what_the_other_holds() -> None:
    grey = np.full((SIDE, SIDE), 180, np.uint8)
    grey[40:120, 20:140] = 30  # two muscles side by side, without an edge between
    left, right = ([(x, y) for x, y in b] for b in (
        [(20, 40), (50, 38), (81, 40), (82, 80), (81, 120), (50, 121), (20, 120), (18, 80)],
        [(79, 40), (110, 38), (140, 40), (142, 80), (140, 120), (110, 121), (79, 120), (78, 80)],
    ))  # fmt: skip
    found = refine_regions(grey, [("MF", np.array(left, float)), ("ES", np.array(right, float))])
    masks = [pillow_mask(one.points, grey.shape) for one in found]
    drawn = [pillow_mask(closed_spline(np.array(points, float)), grey.shape) for points in (left, right)]
    assert (masks[0] & masks[1]).sum() < 0.5 * (drawn[0] & drawn[1]).sum()
    assert (masks[0] & masks[1]).sum() <= 2 * 90  # the border itself, which Pillow gives to both


@pytest.mark.parametrize(
    ("clicks", "more", "said"),
    [
        ({"MF_L": [[1, 1], [9, 9], [1, 9]]}, {}, "no polygon of 4 to 60 points"),
        ({"MF_L": circle(80, 80, 30, 61)}, {}, "no polygon of 4 to 60 points"),
        ({"fat": circle(80, 80, 30)}, {}, "nothing to refine on 1 slice;"),
        (CLICKS, {"imageWidth": 99}, "drawn on 99×160 px, but the image has 160×160"),
        (CLICKS, {"shapes": 3}, "no list of shapes"),
        (CLICKS, {"imageWidth": None, "imageHeight": None, "imageData": SMALL}, "drawn on 80×80 px"),
    ],
)
def test_what_cannot_be_refined_is_said(
    tmp_path: Path, clicks: dict[str, list[list[float]]], more: dict[str, object], said: str
) -> None:
    outcome = run("refine", write(tmp_path / "rough", clicks, **more), "--out", tmp_path / "fine")
    assert outcome.code == 3
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "fine").exists()


def test_the_folder_itself_is_no_output(tmp_path: Path) -> None:
    rough = write(tmp_path / "rough")
    assert run("refine", rough, "--out", rough).code == 2


def test_clicks_out_of_turn_are_an_error_and_no_contour_that_is_measured(tmp_path):
    rough, fine = tmp_path / "rough", tmp_path / "fine"
    copy_sample(rough, "ALS_1_3.*")
    document = json.loads((rough / "ALS_1_3.json").read_text())
    for shape in document["shapes"]:
        points = shape["points"]
        shape["points"] = [points[i * len(points) // 9] for i in range(9)]
        shape["points"][1], shape["points"][4] = shape["points"][4], shape["points"][1]
    (rough / "ALS_1_3.json").write_text(json.dumps(document))
    copy_sample(tmp_path / "more", "ALS_2_3.*")
    good = json.loads((tmp_path / "more" / "ALS_2_3.json").read_text())
    for shape in good["shapes"]:
        shape["points"] = [shape["points"][i * len(shape["points"]) // 9] for i in range(9)]
    (rough / "ALS_2_3.json").write_text(json.dumps(good))
    (rough / "ALS_2_3.png").write_bytes((tmp_path / "more" / "ALS_2_3.png").read_bytes())
    outcome = run("refine", rough, "--out", fine, "--verbose")
    assert outcome.code == 4, outcome.err
    assert outcome.err.count("self-intersecting") == len(document["shapes"])
    left = json.loads((fine / "ALS_1_3.json").read_text())
    assert left["flags"]["draft"] is True
    assert [s["points"] for s in left["shapes"]] == [s["points"] for s in document["shapes"]]


@pytest.mark.parametrize("points", [[[10, 10]] * 6, [[10, 10], [20, 10]] * 3])
def test_clicks_on_one_spot_do_not_end_the_run(tmp_path, points):
    rough, fine = tmp_path / "rough", tmp_path / "fine"
    copy_sample(rough, "ALS_1_3.*")
    document = json.loads((rough / "ALS_1_3.json").read_text())
    for number, shape in enumerate(document["shapes"]):
        corners = shape["points"]
        shape["points"] = points if not number else [corners[i * len(corners) // 9] for i in range(9)]
    (rough / "ALS_1_3.json").write_text(json.dumps(document))
    outcome = run("refine", rough, "--out", fine)
    assert "Traceback" not in outcome.err
    assert "no polygon of 4 to 60 points" in outcome.err
    assert len(read_csv(fine / "drafts.csv")) == len(document["shapes"]) - 1


def test_a_slice_without_clicks_is_in_the_output_as_it_was(tmp_path):
    rough, fine = tmp_path / "rough", tmp_path / "fine"
    copy_sample(rough, "ALS_[12]_3.*")
    for name in ("ALS_1_3", "ALS_2_3"):
        document = json.loads((rough / f"{name}.json").read_text())
        for shape in document["shapes"]:
            corners = shape["points"]
            shape["points"] = [corners[i * len(corners) // 9] for i in range(9)]
        document["shapes"] = document["shapes"] if name == "ALS_1_3" else []
        (rough / f"{name}.json").write_text(json.dumps(document))
    assert run("refine", rough, "--out", fine).code == 0
    assert (fine / "ALS_2_3.json").read_bytes() == (rough / "ALS_2_3.json").read_bytes()
    assert (fine / "ALS_2_3.png").read_bytes() == (rough / "ALS_2_3.png").read_bytes()


def test_a_mistyped_label_is_said_and_stays(tmp_path):
    clicks = {"IVD": CLICKS["IVD"], "multifidos_L": circle(115, 110, 23)}
    outcome = run("refine", write(tmp_path / "rough", clicks), "--out", tmp_path / "fine")
    assert outcome.code == 0
    assert "left as they are: multifidos_L; expected muscles and reference only" in outcome.err
    document = json.loads((tmp_path / "fine" / "ALS_1_3.json").read_text())
    assert document["shapes"][1]["points"] == clicks["multifidos_L"]


def test_clicks_on_a_line_are_an_error(tmp_path):
    clicks = {"IVD": CLICKS["IVD"], "MF_L": [[20, 20], [40, 40], [60, 60], [80, 80]]}
    outcome = run("refine", write(tmp_path / "rough", clicks), "--out", tmp_path / "fine")
    assert outcome.code == 4
    assert "ALS_1_3.json: MF_L: error: the line through the points" in outcome.err
    assert list(rows_of(tmp_path / "fine")) == ["IVD"]


def test_regions_clicked_over_each_other_both_keep_their_area():
    points = np.array(circle(45, 110, 21), float)
    alone = refine_regions(image(), [("MF", points)])[0]
    small = np.array(circle(45, 105, 6), float)
    both = refine_regions(image(), [("MF", points), ("ES", points), ("PM", small)])
    assert both[0].points.tolist() == both[1].points.tolist() == alone.points.tolist()
    assert abs(both[2].area_change_pct) < 10


def test_clicks_of_another_slice_do_not_become_contours_of_this_one(tmp_path):
    # A copy of a neighbour's file as a template: refined, it would name this image.
    rough = write(tmp_path / "rough")
    Image.fromarray(image()[:, ::-1]).save(rough / "ALS_1_4.png")
    (rough / "ALS_1_4.json").write_bytes((rough / "ALS_1_3.json").read_bytes())
    outcome = run("refine", rough, "--out", tmp_path / "fine")
    assert outcome.code == 4
    assert "ALS_1_4.json: error: imagePath names ALS_1_3.png" in outcome.err
    assert (tmp_path / "fine/ALS_1_3.json").exists()
    assert not (tmp_path / "fine/ALS_1_4.json").exists()


def test_clicks_on_an_image_that_is_gone_are_warned_of(tmp_path):
    outcome = run("refine", write(tmp_path / "rough", imagePath="ALS_9_3.png"), "--out", tmp_path / "fine")
    assert outcome.code == 0
    assert "imagePath names 'ALS_9_3.png', which is not there" in outcome.err
