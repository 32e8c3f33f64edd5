"""Drafts, contours in a folder of their own, and reviews: what is measured, left out, counted and refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import mriparaspinal as mp
from mriparaspinal.core.draft_mark import contour_hash
from tests.support.builders.study import run
from tests.support.builders.volumes import load, write_slices

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"

WHO = ["ALS_1", "ALS_2"]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two participants of the sample, with five slices each."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for path in (*SAMPLE.glob("ALS_1_*"), *SAMPLE.glob("ALS_2_*")):
        shutil.copy(path, folder)
    return folder


def tick(path: Path, value: object = True) -> None:
    document = json.loads(path.read_text())
    document["flags"] = {"draft": value}
    path.write_text(json.dumps(document))


def codes(found: mp.StudyResults) -> list[tuple[str, str, str, str]]:
    return [(p.file, p.shape, p.severity, p.code) for p in found.problem_list]


def counts(found: mp.StudyResults) -> dict[str, int]:
    return dict(json.loads(found.contents["quantify.json"])["counts"])


def pixels(folder: Path, stem: str, label: str) -> tuple[int, int]:
    """Pixels of a region, and of these above 50, as Pillow fills the polygon on the whole canvas."""
    grey = np.asarray(Image.open(folder / f"{stem}.png"))
    canvas = Image.new("1", grey.shape[::-1])
    for shape in json.loads((folder / f"{stem}.json").read_text())["shapes"]:
        if shape["label"] == label:
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
    mask = np.asarray(canvas)
    return int(mask.sum()), int((grey[mask] > 50).sum())


# --- drafts -------------------------------------------------------------------------------------------------


def test_a_draft_has_no_row(scans: Path) -> None:
    tick(scans / "ALS_1_3.json")
    found = mp.quantify(scans)
    assert codes(found) == [("ALS_1_3.json", "", "error", "unreviewed-draft")]
    assert "ALS_1_3.png" not in set(found.table["image"])
    assert len(found.table) == 9 * 9
    assert "draft" not in found.table


@pytest.mark.parametrize("value", [False, None, "no"])
def test_an_unticked_draft_is_measured_to_the_same_bytes(scans: Path, value: object) -> None:
    before = mp.quantify(scans).contents["L3.csv"]
    tick(scans / "ALS_1_3.json", value)
    assert mp.quantify(scans).contents["L3.csv"] == before


def test_an_accepted_draft_says_so_in_each_row(scans: Path) -> None:
    tick(scans / "ALS_1_3.json")
    found = mp.quantify(scans, accept_drafts=True)
    assert codes(found) == []
    rows = found.table
    assert set(rows.loc[rows["draft"] == 1, "image"]) == {"ALS_1_3.png"}
    assert rows["draft"].notna().all()
    mf = rows[(rows["image"] == "ALS_1_3.png") & (rows["muscle"] == "MF") & (rows["side"] == "left")].iloc[0]
    assert (mf["csa_px"], mf["fat_px"]) == pixels(scans, "ALS_1_3", "MF_L")
    assert counts(found)["drafts_measured"] == 1
    manifest = json.loads(found.contents["quantify.json"])
    assert manifest["contours"] == {"accept_drafts": True}


def test_a_draft_empties_the_segment_of_a_stack(scans: Path) -> None:
    for ending in ("png", "json"):
        text = (scans / f"ALS_1_3.{ending}").read_bytes()
        (scans / f"ALS_1_3.{ending}").unlink()
        for letter in "ab":
            named = text.replace(b"ALS_1_3", f"ALS_1_3_{letter}".encode())
            (scans / f"ALS_1_3_{letter}.{ending}").write_bytes(named)
    tick(scans / "ALS_1_3_b.json")
    found = mp.quantify(scans)
    assert {code for *_, code in codes(found)} >= {"unreviewed-draft", "incomplete-stack"}
    assert "ALS_1" not in set(found.table.loc[found.table["segment"] == "L3", "participant_id"])


def test_contours_accepted_as_drawn_are_counted(scans: Path) -> None:
    shapes = json.loads((scans / "ALS_1_3.json").read_text())["shapes"]
    same, moved = shapes[0], shapes[1]
    points = [[x + 1, y] for x, y in moved["points"]]
    header = "image,label,sha256,command,made_from,expected_dice,look_first,area_change_pct,largest_move_px"
    rows = [
        f"ALS_1_3.png,{label},{contour_hash(drawn)},draft,ALS_2_3.png,,,,"
        for label, drawn in ((same["label"], same["points"]), (moved["label"], points))
    ]
    (scans / "drafts.csv").write_text("\n".join([header, *rows, ""]))
    found = mp.quantify(scans)
    assert counts(found)["accepted_as_drawn"] == 1
    assert mp.check(scans).summary["accepted_as_drawn"] == 1
    assert "drafts.csv" in json.loads(found.contents["quantify.json"])["inputs"]


def test_a_drafts_table_of_somebody_elses_is_told_of_once(scans: Path) -> None:
    (scans / "drafts.csv").write_text("letter,sent\nfirst,2020\n")
    assert codes(mp.quantify(scans)) == [("drafts.csv", "", "warning", "bad-table")]


# --- a folder of contours -----------------------------------------------------------------------------------


def test_contours_of_another_folder_give_the_same_tables(scans: Path, tmp_path: Path) -> None:
    before = mp.quantify(scans)
    (tmp_path / "anna").mkdir()
    for path in scans.glob("*.json"):
        path.rename(tmp_path / "anna" / path.name)
    found = mp.quantify(scans, annotations=tmp_path / "anna")
    for name in ("L1.csv", "L2.csv", "L3.csv", "L4.csv", "L5.csv", "problems.csv"):
        assert found.contents[name] == before.contents[name]
    manifest = json.loads(found.contents["quantify.json"])
    assert manifest["contours"] == {"annotations": "anna"}
    assert "ALS_1_3.json" in manifest["inputs"]


def test_contours_beside_the_images_are_not_read_then(scans: Path, tmp_path: Path) -> None:
    anna = scans / "anna"
    anna.mkdir()
    shutil.copy(scans / "ALS_1_3.json", anna)
    shutil.copy(scans / "ALS_1_3.png", anna)
    (scans / "ALS_1_3.json").write_text("{")
    found = mp.quantify(scans, annotations=anna)
    assert set(found.table["image"]) == {"ALS_1_3.png"}
    assert {code for *_, code in codes(found)} == {"image-without-json"}
    assert len(codes(found)) == 9


def test_a_report_finds_the_contours_again_or_says_what_to_give(scans: Path, tmp_path: Path) -> None:
    anna = tmp_path / "elsewhere" / "anna"
    anna.mkdir(parents=True)
    for path in scans.glob("*.json"):
        path.rename(anna / path.name)
    mp.quantify(scans, annotations=anna, out=tmp_path / "results")
    page = tmp_path / "report.html"
    with pytest.raises(mp.errors.UsageError, match="of a folder anna, and annotations is missing"):
        mp.make_report(tmp_path / "results", scans, out=page)
    assert mp.make_report(tmp_path / "results", scans, out=page, annotations=anna).count == 10
    shutil.copytree(anna, tmp_path / "anna")
    assert mp.make_report(tmp_path / "results", scans, out=page).count == 10
    (tmp_path / "anna" / "ALS_1_3.json").write_bytes(b" " + (anna / "ALS_1_3.json").read_bytes())
    with pytest.raises(mp.errors.NoInputError, match=r"ALS_1_3\.json: changed since it was measured"):
        mp.make_report(tmp_path / "results", scans, out=page)


# --- a review -----------------------------------------------------------------------------------------------


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: str) -> Path:
        header = "image,region,reader,verdict,reason,comment"
        path = tmp_path / "review.csv"
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write


def test_what_a_review_excludes_has_no_row(scans: Path, review: Callable[..., Path]) -> None:
    file = review(
        "ALS_1_3.png,,anna,exclude,motion,",
        "ALS_1_4.png,MF_L,anna,exclude,artefact,",
        "ALS_1_5.png,,anna,look-again,,",
        "ALS_2_5.png,,anna,reviewed,,",
    )
    found = mp.quantify(scans, review=file)
    assert codes(found) == [
        ("ALS_1_3.png", "", "warning", "excluded-by-review"),
        ("ALS_1_4.png", "MF_L", "warning", "excluded-by-review"),
        ("ALS_1_5.png", "", "warning", "look-again"),
    ]
    rows = found.table
    assert "ALS_1_3.png" not in set(rows["image"])
    of_mf = rows[(rows["image"] == "ALS_1_4.png") & (rows["muscle"] == "MF")]
    assert list(of_mf["side"]) == ["right"]
    assert len(rows[rows["image"] == "ALS_1_5.png"]) == 9
    told = {name: counts(found)[name] for name in ("excluded_slices", "excluded_regions", "look_again")}
    assert told == {"excluded_slices": 1, "excluded_regions": 1, "look_again": 1}
    manifest = json.loads(found.contents["quantify.json"])
    assert manifest["contours"]["excluded"] == {"ALS_1_3.png": ["slice"], "ALS_1_4.png": ["MF_L"]}
    assert "review.csv" in manifest["inputs"]


def test_an_excluded_slice_needs_no_contours(scans: Path, review: Callable[..., Path]) -> None:
    (scans / "ALS_1_3.json").unlink()
    found = mp.quantify(scans, review=review("ALS_1_3.png,,,exclude,motion,"))
    assert codes(found) == [("ALS_1_3.png", "", "warning", "excluded-by-review")]


def test_an_excluded_region_needs_no_contour(scans: Path, review: Callable[..., Path]) -> None:
    document = json.loads((scans / "ALS_1_3.json").read_text())
    document["shapes"] = [shape for shape in document["shapes"] if shape["label"] != "MF_L"]
    (scans / "ALS_1_3.json").write_text(json.dumps(document))
    assert {code for *_, code in codes(mp.quantify(scans))} == {"missing-muscle"}
    found = mp.quantify(scans, review=review("ALS_1_3.png,MF_L,,exclude,torn,"))
    assert codes(found) == [("ALS_1_3.png", "MF_L", "warning", "excluded-by-review")]


def test_an_excluded_slice_empties_the_segment_of_a_stack(scans: Path, review: Callable[..., Path]) -> None:
    for ending in ("png", "json"):
        text = (scans / f"ALS_1_3.{ending}").read_bytes()
        (scans / f"ALS_1_3.{ending}").unlink()
        for letter in "ab":
            named = text.replace(b"ALS_1_3", f"ALS_1_3_{letter}".encode())
            (scans / f"ALS_1_3_{letter}.{ending}").write_bytes(named)
    found = mp.quantify(scans, review=review("ALS_1_3_b.png,,,exclude,motion,"))
    assert not any(problem.severity == "error" for problem in found.problem_list)
    assert "ALS_1" not in set(found.table.loc[found.table["segment"] == "L3", "participant_id"])
    found = mp.quantify(scans, review=review("ALS_1_3_b.png,MF_L,,exclude,motion,"))
    here = found.table[(found.table["segment"] == "L3") & (found.table["participant_id"] == "ALS_1")]
    assert list(here.loc[here["muscle"] == "MF", "side"]) == ["right"]
    assert not any(problem.severity == "error" for problem in found.problem_list)


def test_all_faults_of_a_review_are_told_at_once(scans: Path, review: Callable[..., Path]) -> None:
    file = review(
        "ALS_9_9.png,,anna,reviewed,,",
        "ALS_1_3.png,MF_L,anna,reviewed,,",
        "ALS_1_3.png,MF_L,ben,exclude,artefact,",
        "ALS_1_4.png,,anna,exclude,motion,",
        "ALS_1_4.png,ES_R,anna,look-again,,",
    )
    with pytest.raises(mp.errors.UsageError) as error:
        mp.quantify(scans, review=file)
    unknown, two_ways, both = str(error.value).split("\n")
    assert unknown.startswith("review.csv: ALS_9_9.png: no such image in the dataset")
    assert "ALS_1_3.png: MF_L is judged in two ways (anna: reviewed, ben: exclude)" in two_ways
    assert "ALS_1_4.png: the slice is excluded, and ES_R of it is look-again" in both


def test_all_faulty_rows_of_a_review_are_told_at_once(scans: Path, review: Callable[..., Path]) -> None:
    file = review(
        *("ALS_1_3.png,,anna,maybe,,", "ALS_1_3.png,TIBIA,anna,reviewed,,", "ALS_1_4.png,,,exclude,,"),
        "ALS_9_9.png,,anna,reviewed,,",
    )
    with pytest.raises(mp.errors.UsageError) as error:
        mp.quantify(scans, review=file)
    *rows, unknown = [line.split(": ")[:3] for line in str(error.value).split("\n")]
    assert rows == [["review", "review.csv", f"row {number}"] for number in (2, 3, 4)]
    assert unknown[:2] == ["review.csv", "ALS_9_9.png"]


def test_a_study_with_a_review_is_reported_and_joined_of_shares(
    scans: Path, review: Callable[..., Path], tmp_path: Path
) -> None:
    file = review("ALS_1_3.png,,anna,exclude,motion,", "ALS_2_4.png,PM_R,anna,exclude,artefact,")
    tick(scans / "ALS_2_5.json")
    how = {"review": file, "accept_drafts": True}
    whole = mp.quantify(scans, out=tmp_path / "whole", **how)
    for who in WHO:
        mp.quantify(scans, out=tmp_path / who, only=[who], **how)
    joined = mp.merge([tmp_path / who for who in WHO], tmp_path / "joined")
    assert dict(joined.contents) == dict(whole.contents)
    mp.make_report(whole, out=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "1 slice has contours that the program drafted and nobody has judged." in page
    assert "1 slice, 1 single region were excluded" in page or "1 slice and 1 single region were" in page


# --- readers ------------------------------------------------------------------------------------------------


@pytest.fixture
def readers(scans: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two readers of the dataset; the second draws every multifidus of the left a pixel lower."""
    anna, ben = tmp_path / "anna", tmp_path / "ben"
    for folder in (anna, ben):
        folder.mkdir()
        for path in scans.glob("*.json"):
            document = json.loads(path.read_text())
            for shape in document["shapes"]:
                if folder == ben and shape["label"] == "MF_L":
                    shape["points"] = [[x, y + 1] for x, y in shape["points"]]
            (folder / path.name).write_text(json.dumps(document))
    for path in scans.glob("*.json"):
        path.unlink()
    return anna, ben


def test_readers_are_measured_and_compared_as_their_results_are(
    scans: Path, readers: tuple[Path, Path], tmp_path: Path
) -> None:
    found = mp.reliability(datasets=[scans], readers=readers)
    for reader in readers:
        mp.quantify(scans, annotations=reader, out=tmp_path / "results" / reader.name)
    of_results = mp.reliability([tmp_path / "results" / reader.name for reader in readers])
    assert found.files["reliability.csv"] == of_results.files["reliability.csv"]
    assert found.files["bland_altman.csv"] == of_results.files["bland_altman.csv"]
    dice = found.tables["overlap_summary"].set_index("muscle")["dice_mean"]
    assert dice["ES"] == dice["PM"] == 1
    assert 0.9 < dice["MF"] < 1
    assert found.problem_list == ()
    found.save(tmp_path / "agreement")
    assert (tmp_path / "agreement" / "reliability.csv").is_file()


def test_what_a_reader_did_not_draw_is_a_note(scans: Path, readers: tuple[Path, Path]) -> None:
    (readers[1] / "ALS_1_3.json").unlink()
    tick(readers[1] / "ALS_1_4.json")
    found = mp.reliability(datasets=[scans], readers=readers)
    assert "ben: no contours of 1 of 10 slices" in found.notes
    told = [(problem.file, problem.code) for problem in found.problem_list]
    assert told == [("ben/ALS_1_4.json", "unreviewed-draft")]


def test_readers_that_cannot_be_compared_are_refused(scans: Path, readers: tuple[Path, Path]) -> None:
    anna, ben = readers
    with pytest.raises(mp.errors.UsageError, match="alone was given; expected two folders or more"):
        mp.reliability(datasets=[scans], readers=[anna])
    with pytest.raises(mp.errors.UsageError, match="given more than once"):
        mp.reliability(datasets=[scans], readers=[anna, anna])
    with pytest.raises(mp.errors.UsageError, match="0 datasets were given"):
        mp.reliability(readers=readers)
    shutil.copy(scans / "ALS_1_3.png", ben)
    assert len(mp.reliability(datasets=[scans], readers=readers).table)
    shutil.copy(scans / "ALS_1_4.png", ben / "ALS_1_3.png")
    with pytest.raises(mp.errors.UsageError, match=r"ALS_1_3\.png: another image than"):
        mp.reliability(datasets=[scans], readers=readers)


# --- the commands -------------------------------------------------------------------------------------------


def test_the_commands_take_contours_of_readers(
    scans: Path, readers: tuple[Path, Path], review: Callable[..., Path], tmp_path: Path
) -> None:
    anna, ben = readers
    out = tmp_path / "out"
    there = run("reliability", "--dataset", scans, "--readers", anna, ben, "--out", out / "agreement")
    assert there.code == 0
    assert "mean Dice coefficient: MF 0.9" in there.err
    tick(anna / "ALS_1_3.json")
    contours = ("--annotations", anna)
    checked = run("check", scans, *contours)
    assert (checked.code, "unreviewed-draft" in checked.out) == (4, True)
    assert run("quantify", scans, *contours, "--out", out / "results").code == 4
    assert run("masks", scans, *contours, "--out", out / "masks").code == 4
    assert not (out / "masks" / "ALS_1_3_mask.png").exists()
    assert run("masks", scans, *contours, "--accept-drafts", "--out", out / "masks").code == 0
    assert (out / "masks" / "ALS_1_3_mask.png").exists()
    file = review("ALS_1_3.png,,anna,exclude,motion,", "ALS_2_3.png,,anna,look-again,,")
    how = (*contours, "--review", file)
    ran = run("run", scans, *how, "--out", out / "study")
    assert ran.code == 0
    assert "excluded-by-review" in ran.err
    assert "1 slice was excluded after review." in (out / "study" / "report.html").read_text()
    sweep = ("--annotations", anna, "--out", out / "sweep")
    assert run("threshold-sweep", out / "study" / "results", "--dataset", scans, *sweep).code == 0


def test_options_that_contradict_label_maps_are_refused(scans: Path, tmp_path: Path) -> None:
    assert run("masks", scans, "--out", tmp_path / "maps").code == 0
    for option in (("--accept-drafts",), ("--annotations", scans)):
        ended = run("quantify", scans, "--masks", tmp_path / "maps", *option, "--out", tmp_path / "out")
        assert (ended.code, f"{option[0]}: given with --masks" in ended.err) == (2, True)


def test_a_review_of_label_maps_leaves_out_too(
    scans: Path, review: Callable[..., Path], tmp_path: Path
) -> None:
    mp.masks(scans, tmp_path / "maps")
    found = mp.quantify(scans, masks=tmp_path / "maps", review=review("ALS_1_3.png,MF_L,,exclude,torn,"))
    assert ("ALS_1_3.png", "MF_L", "warning", "excluded-by-review") in codes(found)
    here = found.table[(found.table["image"] == "ALS_1_3.png") & (found.table["muscle"] == "MF")]
    assert list(here["side"]) == ["right"]


def test_real_slices_that_are_drafts_are_counted_only_when_asked_for(tmp_path: Path, shared: Path) -> None:
    """TUM01: a manual map as contours, counted as the map itself."""
    volumes = shared / "real" / "TUM01" / "volumes"
    labels, _ = load(volumes / "muscles_manual.nii.gz")
    voxels, affine = load(volumes / "fat.nii.gz")
    (tmp_path / "maps").mkdir()
    shutil.copy(volumes / "muscles_manual.nii.gz", tmp_path / "maps" / "HV_1.nii.gz")
    (tmp_path / "table.csv").write_text("value,label\n1,ES_R\n2,MF_R\n3,MF_L\n4,ES_L\n")
    scans = tmp_path / "scans"
    write_slices(scans, voxels / 2, affine, {"HV_1_3": 18})
    numbers = str(tmp_path / "table.csv")
    assert mp.contours(tmp_path / "maps", scans, numbering=numbers).summary["drafts"] == 1
    with pytest.raises(mp.errors.NoInputError):
        mp.quantify(scans)
    rows = mp.quantify(scans, accept_drafts=True).table.set_index(["muscle", "side"])
    for value, key in {1: ("ES", "right"), 2: ("MF", "right"), 3: ("MF", "left"), 4: ("ES", "left")}.items():
        assert rows.loc[key, "csa_px"] == np.count_nonzero(labels[:, :, 18] == value)
    assert set(rows["draft"]) == {1}


def test_one_reader_twice_blinded_is_compared_with_himself(scans: Path, tmp_path: Path) -> None:
    """Intra-rater: the folders that ``unblind`` gives of slices that were read twice."""
    blinded = tmp_path / "blinded"
    blinded.mkdir()
    rows = ["code,image,reading"]
    for number, path in enumerate(sorted(scans.glob("*.json")), 1):
        for reading, code in ((1, f"S{2 * number:03}"), (2, f"S{2 * number + 1:03}")):
            document = json.loads(path.read_text())
            for shape in document["shapes"]:
                shape["points"] = [[x, y + reading - 1] for x, y in shape["points"]]
            document["imagePath"] = f"{code}.png"
            (blinded / f"{code}.json").write_text(json.dumps(document))
            rows.append(f"{code},{path.stem}.png,{reading}")
    (tmp_path / "key.csv").write_text("\n".join([*rows, ""]))
    named = mp.unblind(blinded, tmp_path / "key.csv", tmp_path / "named")
    found = mp.reliability(datasets=[scans], readers=[named.out / "first", named.out / "second"])
    assert found.problem_list == ()
    single = found.table[(found.table["form"] == "ICC(A,1)") & (found.table["segment"] == "")]
    assert set(single["n"]) == {20}
    assert 0.9 < found.tables["overlap_summary"]["dice_mean"].min() < 1
