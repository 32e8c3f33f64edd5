"""``draft``, attacked: slices of no use, judged contours of no use, files in the way.

Without the optical flow, which takes most of the time: the affine map is enough for what is tested.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mriparaspinal.drafts import registration
from mriparaspinal.drafts.files import is_draft_file
from mriparaspinal.phantom.model import PhantomSlice
from tests.support.builders.drafts import dice_of, phantoms, write
from tests.support.builders.study import fingerprint, run

JUDGED = 6


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros((2, registration.FLOW_SIZE, registration.FLOW_SIZE), np.float32)
    monkeypatch.setattr(registration, "optical_flow_tvl1", lambda *_, **__: nothing)


@pytest.fixture(scope="module")
def slices() -> dict[str, PhantomSlice]:
    return phantoms(4, size=128)


@pytest.fixture
def scans(slices: dict[str, PhantomSlice], tmp_path: Path) -> Path:
    """Six judged slices and two bare ones, ALS_4_4 and LR_4_4."""
    return write(tmp_path / "scans", slices, list(slices)[JUDGED:])


def save(path: Path, grey: np.ndarray) -> None:
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(path)


def change(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_only_slices_of_the_same_kind_are_drafted(slices: dict[str, PhantomSlice], scans: Path) -> None:
    grey = slices["ALS_4_4"].image.astype(float)
    alike = {
        "gamma": 255 * (grey / 255) ** 0.7,
        "dark, bias field": grey * np.linspace(0.2, 0.8, grey.shape[1]),
    }
    others = {
        "black": np.zeros_like(grey),
        "T1": np.where(grey > 8, 255 - grey, grey),
        "fat suppressed": np.where(grey > 90, 20, grey),
        "upside down": grey[::-1],
    }
    for number, picture in enumerate((*alike.values(), *others.values()), 11):
        save(scans / f"ALS_{number}_4.png", picture)
    (scans / "ALS_4_4.png").unlink()
    (scans / "LR_4_4.png").unlink()
    outcome = run("draft", scans)
    assert outcome.code == 4
    drafted = {path.name for path in scans.glob("ALS_1?_4.json")}
    assert drafted == {"ALS_11_4.json", "ALS_12_4.json"}
    assert outcome.err.count("; expected a slice of the same sequence; ") == len(others)
    for name in drafted:
        assert min(dice_of(scans / name, slices["ALS_4_4"]).values()) > 0.8


def test_judged_slices_may_be_displayed_the_other_way_round(
    slices: dict[str, PhantomSlice], tmp_path: Path
) -> None:
    """Their folder has its own protocol: the patient's left at the left of the image."""
    stems = list(slices)
    judged = write(tmp_path / "judged", {stem: slices[stem] for stem in stems[:JUDGED]})
    for path in judged.glob("*.png"):
        save(path, np.asarray(Image.open(path))[:, ::-1])
        document = json.loads(path.with_suffix(".json").read_text())
        for shape in document["shapes"]:
            shape["points"] = [[128 - x, y] for x, y in shape["points"]]
        path.with_suffix(".json").write_text(json.dumps(document))
    (judged / "paraspinal.toml").write_text('image_left = "left"\n')
    scans = write(tmp_path / "scans", {stem: slices[stem] for stem in stems[JUDGED:]}, stems)
    outcome = run("draft", scans, "--from", judged)
    assert outcome.code == 0, outcome.err
    for stem in stems[JUDGED:]:
        found = dice_of(scans / f"{stem}.json", slices[stem])
        assert len(found) == 7
        assert min(found.values()) > 0.8
    assert run("quantify", scans, "--out", tmp_path / "results", "--accept-drafts").code == 0


def test_judged_contours_of_no_use_are_told(scans: Path) -> None:
    shapes = json.loads((scans / "ALS_1_4.json").read_text())["shapes"]
    swapped = [{**s, "label": s["label"].translate(str.maketrans("LR", "RL"))} for s in shapes[:2]] + shapes[
        2:
    ]
    change(scans / "ALS_1_4.json", shapes=swapped)
    (scans / "LR_1_4.json").write_text("{broken")
    for stem in ("ALS_2_4", "LR_2_4"):
        shapes = json.loads((scans / f"{stem}.json").read_text())["shapes"]
        change(scans / f"{stem}.json", shapes=[s for s in shapes if not s["label"].startswith("PM")])
    outcome = run("draft", scans, "--verbose")
    assert outcome.code == 4
    assert "ALS_1_4.json: MF_L, MF_R: error: the two lie on each other's side" in outcome.err
    assert "LR_1_4.json: error: broken JSON" in outcome.err
    assert "LR_4_4.png: PM_L: warning: 3 reviewed slices of those" in outcome.err
    labels = {shape["label"] for shape in json.loads((scans / "LR_4_4.json").read_text())["shapes"]}
    assert labels.isdisjoint({"PM_L", "PM_R"})
    # One less, and it is too few: the errors say why.
    (scans / "LR_4_4.json").unlink()
    (scans / "ALS_3_4.json").write_text("{broken")
    outcome = run("draft", scans)
    assert outcome.code == 3
    assert "ALS_3_4.json: error: broken JSON" in outcome.err
    assert "4 slices with judged contours were found" in outcome.err


def test_judged_contours_that_may_be_of_another_image_are_told(scans: Path) -> None:
    # As after a mix-up: the file names an image that is not there, and draft would learn from it in silence.
    judged = sorted(scans.glob("*.json"))[0]
    change(judged, imagePath="ALS_9_9.png")
    outcome = run("draft", scans)
    assert outcome.code == 0
    assert f"{judged.name}: warning: imagePath names 'ALS_9_9.png', which is not there" in outcome.err


def test_nothing_that_is_there_is_replaced(slices: dict[str, PhantomSlice], scans: Path) -> None:
    for number in (11, 12, 13, 14):
        save(scans / f"ALS_{number}_4.png", slices["ALS_4_4"].image)
    (scans / "ALS_11_4.json").write_bytes(b"")
    (scans / "ALS_12_4.JSON").write_text("{}")
    (scans / "ALS_13_4.json").symlink_to("nowhere.json")
    (scans / "ALS_14_4.json").mkdir()
    save(scans / "ALS_4_4.jpg", slices["ALS_4_4"].image)  # two images of one slice
    before = fingerprint(scans)
    outcome = run("draft", scans)
    assert outcome.code == 4
    after = fingerprint(scans)
    assert after.keys() - before.keys() == {"LR_4_4.json", "drafts.csv"}
    assert {name: after[name] for name in before} == before
    assert "ALS_4_4.jpg, ALS_4_4.png were found for one slice" in outcome.err


def test_a_table_that_a_spreadsheet_saved_is_still_ours(scans: Path) -> None:
    columns = "image;label;sha256;command;made_from;expected_dice;look_first;area_change_pct;largest_move_px"
    row = f"ALS_9_4.png;MF_L;{'ab' * 32};draft;ALS_1_4.png;0,91;1;;"
    (scans / "drafts.csv").write_text(f"\ufeff{columns}\r\n{row}\r\n", encoding="utf-8")
    assert run("draft", scans).code == 0
    text = (scans / "drafts.csv").read_text(encoding="utf-8")
    assert f"\nALS_9_4.png,MF_L,{'ab' * 32},draft,ALS_1_4.png,0.91," in text


def test_a_ticked_flag_is_a_draft_however_it_is_written(scans: Path) -> None:
    """What says yes is not measured and is no atlas."""
    ticked = ({"draft": True}, {"blurred": False, "Draft": 1}, {"draft": "true"})
    others = ({"draft": None}, {"draft": 0, "no draft": True}, ["draft"])
    drafts = set()
    for path, flags in zip(sorted(scans.glob("*.json")), (*ticked, *others), strict=True):
        change(path, flags=flags)
        drafts |= {path.name} if is_draft_file(path.read_bytes()) else set()
    outcome = run("quantify", scans, "--out", scans.parent / "results")
    refused = set(re.findall(r"^(\S+): error: a draft that nobody has judged", outcome.err, re.MULTILINE))
    assert refused == drafts == {"ALS_1_4.json", "ALS_2_4.json", "ALS_3_4.json"}


def test_contours_of_a_reader_s_folder_have_their_images_in_the_dataset(scans: Path, tmp_path: Path) -> None:
    reader = tmp_path / "reader"
    reader.mkdir()
    for path in scans.glob("*.json"):
        path.rename(reader / path.name)
    outcome = run("draft", scans, "--from", reader)
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in scans.glob("*.json")) == ["ALS_4_4.json", "LR_4_4.json"]
    change(reader / "ALS_1_4.json", flags={"draft": True})
    change(reader / "ALS_2_4.json", flags={"draft": True})
    outcome = run("draft", scans, "--from", reader)
    assert outcome.code == 3
    assert f"{reader}: 4 slices with judged contours were found (2 more are drafts" in outcome.err
