"""What two people, two tabs or a full disk do at the same time takes nobody's work away."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import JOURNAL
from mriparaspinal.core.model import Contour
from mriparaspinal.imaging.tracing import mask_shapes, pixels_of
from mriparaspinal.review.journal import Journal
from mriparaspinal.review.outlines import outlines
from tests.support.builders.slices import SHAPES, box, polygon, write_slice
from tests.support.builders.study import fingerprint, read_csv, run
from tests.support.review import png_base64, serve, shape

MF_R = box(35, 65, 44, 84)


def test_a_judgement_of_what_is_no_longer_there_is_refused(tmp_path):
    path = write_slice(tmp_path, "ALS_1_3", flags={"draft": True})
    served = serve(tmp_path)
    base = served.ask("slices/0")["digest"]
    same = served.ask("slices/0/judge", {"region": "MF_R", "verdict": "look-again", "base": base})
    assert same["digest"] == base, "nothing was written"
    write_slice(tmp_path, "ALS_1_3", shapes=SHAPES[1:], flags={"draft": True})
    before = fingerprint(tmp_path)
    for verdict in ("reviewed", "look-again"):
        status, _, content = served.send("/api/slices/0/judge", {"verdict": verdict, "base": base})
        assert status == 409
        assert json.loads(content)["changed"] is True
    assert served.send("/api/slices/0/judge", {"verdict": "reviewed", "base": None})[0] == 409
    assert fingerprint(tmp_path) == before
    # Unticked, the file is another; what was drawn on it and not saved is still kept.
    base = served.ask("slices/0")["digest"]
    served.ask("slices/0/keep", {"base": base, "shapes": [shape("MF_R", MF_R)]})
    written = served.ask("slices/0/judge", {"verdict": "reviewed", "base": base})["digest"]
    assert json.loads(path.read_text())["flags"] == {"draft": False}
    opened = served.ask("slices/0")
    assert (opened["digest"], opened["changed"]) == (written, False)
    assert opened["unsaved"] == [shape("MF_R", MF_R)]
    served.end()


def test_two_tabs_do_not_take_each_others_drawings_away(tmp_path):
    path = write_slice(tmp_path, "ALS_1_3")
    before = path.read_bytes()
    served = serve(tmp_path)
    one, two = (served.ask("slices/0") for _ in range(2))
    assert two["session"] > one["session"]
    theirs = {"base": two["digest"], "shapes": [shape("PM_L", MF_R)], "session": two["session"]}
    mine = {"base": one["digest"], "shapes": [shape("MF_R", MF_R)], "session": one["session"]}
    served.ask("slices/0/keep", theirs)
    for name, body in (("keep", mine), ("save", mine), ("judge", {"verdict": "reviewed", **mine})):
        status, _, content = served.send(f"/api/slices/0/{name}", body)
        assert status == 409
        told = json.loads(content)
        assert told["changed"] is True
        assert "opened once more, in another tab" in told["error"]
    served.ask("slices/0/discard", {"session": one["session"]})
    again = served.ask(f"slices/0?session={two['session']}")
    assert again["session"] == two["session"], "the same page goes on"
    assert again["unsaved"] == theirs["shapes"]
    assert path.read_bytes() == before
    # As was chosen; from then on it is the other tab that asks.
    served.ask("slices/0/save", {**mine, "force": True})
    assert served.send("/api/slices/0/keep", theirs)[0] == 409
    served.end()


def test_after_a_full_disk_no_line_is_glued_to_a_torn_one(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    first, more = [shape("MF_R", MF_R)], [shape("MF_R", MF_R), shape("ES_L", box(1, 2, 3, 4))]
    journal.drawn("a.png", None, first)
    write, cut = os.write, os.ftruncate

    def full(descriptor, line):
        write(descriptor, line[:40])
        raise OSError(28, "No space left on device")

    def refused(*_):
        raise OSError(5, "Input/output error")

    for truncate in (cut, refused):
        with monkeypatch.context() as broken:
            broken.setattr(os, "write", full)
            broken.setattr(os, "ftruncate", truncate)
            with pytest.raises(UsageError, match="cannot be written"):
                journal.drawn("a.png", None, more)
        journal.drawn("a.png", None, [*more, shape("IVD", box(5, 6, 7, 8))])
        journal.close()
        journal = Journal(tmp_path)
        assert [s["region"] for s in journal.unsaved["a.png"].shapes] == ["MF_R", "ES_L", "IVD"]
        journal.drawn("a.png", None, first)
    assert (tmp_path / JOURNAL).read_bytes().count(b"\n") == 6, "five lines and a torn one"
    journal.close()


def test_a_shape_without_its_number_keeps_the_fields_of_the_one_it_takes_the_place_of(tmp_path):
    told = {"description": "by hand", "group_id": 7, "flags": {"sure": True}}
    shapes = [s | told | {"label": s["label"].replace("_", "-").lower()} for s in SHAPES]
    two = [polygon("VB", box(x, 1, x + 8, 9), description=d) for x, d in ((1, "a"), (11, "b"))]
    path = write_slice(tmp_path, "ALS_1_3", shapes=[*shapes, *two])
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    edits = [shape(s["region"], s["points"]) for s in opened["shapes"]]
    at = next(i for i, s in enumerate(edits) if s["region"] == "MF_R")
    edits[at] = shape("MF_R", box(30, 60, 44, 84))
    served.ask("slices/0/save", {"base": opened["digest"], "shapes": edits})
    before = json.loads(path.read_text())["shapes"]
    assert [s["description"] for s in before] == ["by hand"] * len(SHAPES) + ["a", "b"]
    expected = [s | {"points": box(30, 60, 44, 84)} if s["label"] == "mf-r" else s for s in [*shapes, *two]]
    assert before == expected
    # Upon a file that another changed, too.
    body = {"base": "0" * 64, "shapes": opened["shapes"], "force": True}
    served.ask("slices/0/save", body)
    assert json.loads(path.read_text())["shapes"] == [*shapes, *two]
    served.end()


def test_a_shape_that_comes_back_after_it_was_saved_away_is_as_it_was(tmp_path):
    told = {"description": "by hand", "group_id": 7, "flags": {"sure": True}, "mine": [1]}
    path = write_slice(tmp_path, "ALS_1_3", shapes=[s | told for s in SHAPES])
    before = json.loads(path.read_text())["shapes"]
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    # Two go; one comes back as it was, one as it is not known any more.
    left = [shape(s["region"], s["points"], s["index"]) for s in opened["shapes"][2:]]
    served.ask("slices/0/save", {"base": opened["digest"], "shapes": left})
    opened = served.ask("slices/0")
    kept = [shape(s["region"], s["points"], s["index"]) for s in opened["shapes"]]
    back = [shape(before[0]["label"], before[0]["points"]), shape(before[1]["label"], box(1, 1, 5, 5))]
    served.ask("slices/0/save", {"base": opened["digest"], "shapes": [*kept, *back]})
    after = json.loads(path.read_text())["shapes"]
    assert after[:-1] == [*before[2:], before[0]]
    assert (after[-1]["label"], after[-1]["description"]) == (before[1]["label"], "")
    served.end()


def test_what_is_in_the_place_of_a_file_is_told_by_its_name(tmp_path):
    path = write_slice(tmp_path, "ALS_1_3")
    write_slice(tmp_path, "ALS_2_3")
    whole = path.read_bytes()
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    body = {"base": opened["digest"], "shapes": [shape("MF_R", MF_R)]}
    judged = {"verdict": "look-again", "base": opened["digest"]}

    def refused(said: str, *asked: tuple[str, object]) -> None:
        for name, given in asked:
            status, _, content = served.send(f"/api/slices/{name}", given)
            assert (status, said in json.loads(content)["error"]) == (400, True), content

    path.unlink()
    path.mkdir()
    refused("ALS_1_3.json: ", ("0", None), ("0/save", body), ("0/judge", judged), ("0/measure", body))
    path.rmdir()
    path.write_bytes(b"{")
    refused("ALS_1_3.json: broken JSON", ("0", None), ("0/save", body), ("0/measure", body))
    path.write_bytes(whole)
    path.chmod(0o444)
    refused("ALS_1_3.json: is read-only; expected", ("0/save", body), ("0/save", {**body, "force": True}))
    assert path.read_bytes() == whole
    path.chmod(0o644)
    served.ask("slices/0/save", body)
    (tmp_path / "ALS_2_3.png").unlink()
    refused("ALS_2_3.png: cannot be read", ("1", None), ("1/grey", None), ("1/measure", body))
    many = {"base": None, "shapes": [shape("MF_R", MF_R)] * 2001}
    refused("2001 contours were found; expected at most 2000", ("0/keep", many))
    served.end()


def test_all_parts_of_a_mask_are_taken_over(tmp_path):
    root, out = tmp_path / "scans", tmp_path / "anna"
    pixels = np.zeros((100, 100), dtype=bool)
    pixels[60:80, 10:30] = pixels[65:75, 35:45] = True
    pixels[66:70, 15:20] = False  # a hole
    pixels[85, 10:20] = pixels[90:99, 12] = True  # as wide as a pixel
    rng = np.random.default_rng(5)
    odd = rng.random((30, 30)) > 0.5
    for drawn in (pixels, odd):
        lines = [Contour("", "polygon", tuple(map(tuple, line))) for line in outlines(drawn)]
        assert np.array_equal(pixels_of(lines, drawn.shape), drawn)
    mask = mask_shapes(pixels, "MF_R")[0]
    entry = polygon("MF_R", [list(p) for p in mask.points], shape_type="mask", mask=png_base64(mask.mask))
    write_slice(root, "ALS_1_3", shapes=[s for s in SHAPES if s["label"] != "MF_R"] + [entry])
    served = serve(root, "--reader", "anna", "--out", out)
    offered = served.ask("slices/0")["proposals"][0]["shapes"]
    taken = [shape("MF_R", s["points"]) for s in offered if s["region"] == "MF_R"]
    assert len(taken) > 2
    measured = served.ask("slices/0/measure", {"base": None, "shapes": taken})
    assert measured["regions"]["MF_R"]["csa_px"] == np.count_nonzero(pixels)
    served.end()


def test_texts_of_more_than_a_line_and_odd_numbers_are_refused(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    served = serve(tmp_path)
    for text in ("a\0b", "a\nb", "\x1b[2J", "\ud800", "a\r\nb\x7f"):
        for name in ("reason", "comment"):
            status, _, content = served.send("/api/slices/0/judge", {"verdict": "look-again", name: text})
            assert status == 400
            assert "expected one line of plain text" in json.loads(content)["error"]
    for number in ("9" * 10, "9" * 5000, "%D9%A3"):
        assert served.send(f"/api/slices/{number}")[0] == 404
    served.ask("slices/0/judge", {"verdict": "look-again", "comment": "größer?"})
    assert served.end()[0] == 0
    refused = run("review", tmp_path, "--reader", "a\nb", "--no-browser")
    assert refused.code == 2
    assert "--reader: the character U+000A was found" in refused.err


def test_the_name_of_a_reader_is_one_with_and_without_spaces(tmp_path):
    root, out = tmp_path / "scans", tmp_path / "anna"
    write_slice(root, "ALS_1_3")
    for name in ("anna ", " anna"):
        served = serve(root, "--reader", name, "--out", out)
        served.ask("slices/0/judge", {"verdict": "look-again"})
        served.end()
    assert [row["reader"] for row in read_csv(out / "review.csv")] == ["anna"]


def test_no_key_is_written_for_the_folder_of_another_reader(tmp_path):
    root, out = tmp_path / "scans", tmp_path / "anna"
    write_slice(root, "ALS_1_3")
    serve(root, "--reader", "anna", "--out", out).end()
    options = ("--out", out, "--blind", 7, "--key", tmp_path / "key.csv", "--no-browser")
    assert run("review", root, "--reader", "ben", *options).code == 2
    assert run("review", root, "--reader", "anna", *options).code == 2
    assert not (tmp_path / "key.csv").exists()


def test_unblind_does_not_write_over_what_was_corrected_since(tmp_path):
    root, out, key, named = (tmp_path / name for name in ("scans", "blinded", "key.csv", "named"))
    for number in (1, 2):
        write_slice(root, f"ALS_{number}_3")
    served = serve(root, "--reader", "anna", "--out", out, "--blind", 7, "--key", key)
    body = {"base": None, "shapes": [shape("MF_R", MF_R)]}
    for number in (0, 1):
        served.ask(f"slices/{number}/save", body)
    served.end()
    assert run("unblind", out, "--key", key, "--out", named).code == 0
    for number in (1, 2):
        path = named / f"ALS_{number}_3.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"flags": {"mine": True}}))
    before = fingerprint(named)
    refused = run("unblind", out, "--key", key, "--out", named)
    assert refused.code == 2
    assert "changed since unblind wrote them: ALS_1_3.json, ALS_2_3.json" in refused.err
    assert fingerprint(named) == before


def test_readers_who_differ_in_what_they_excluded_are_shown_and_the_rest_is_counted(tmp_path):
    root, anna, ben, carl = (tmp_path / name for name in ("scans", "anna", "ben", "carl"))
    for number in range(1, 8):
        for folder in (root, anna, ben):
            write_slice(folder, f"ALS_{number}_3")
    (ben / "ALS_1_3.json").unlink()
    (root / "ALS_7_3.png").write_bytes(b"no image")
    head = "image,region,reader,verdict,reason,comment\n"
    both = "ALS_3_3.png,,{0},exclude,motion,\nALS_5_3.png,ES_L,{0},exclude,cut,\n"
    alone = "ALS_2_3.png,,anna,exclude,motion,\nALS_4_3.png,MF_R,anna,exclude,blur,\n"
    (anna / "review.csv").write_text(head + both.format("anna") + alone)
    (ben / "review.csv").write_text(head + both.format("ben"))
    options = ("--compare", anna, "--compare", ben, "--out", carl, "--reader", "carl")
    served = serve(root, *options)
    why = {reading["name"]: reading["why"] for reading in served.ask("session")["readings"]}
    assert why == {
        "ALS_2_3.png": "the slice: excluded by anna alone",
        "ALS_4_3.png": "MF_R: excluded by anna alone",
    }
    served.end()
    listed = [(row["image"], row["region"]) for row in read_csv(carl / "adjudication.csv")]
    assert listed == [("ALS_2_3.png", ""), ("ALS_4_3.png", "MF_R")]
    # Without a difference there is nothing to show, and what was not compared is told all the same.
    (anna / "review.csv").write_text(head + both.format("anna"))
    refused = run("review", root, *options, "--no-browser")
    assert refused.code == 3
    for what in ("that one reader alone has contoured", "that both readers excluded", "image cannot be read"):
        assert what in refused.err
    assert "not compared: 1 slice that both" in refused.err


def test_what_a_reader_excluded_leaves_the_pair_out(tmp_path):
    root, anna, ben = (tmp_path / name for name in ("scans", "anna", "ben"))
    for number in range(1, 7):
        for folder in (root, anna, ben):
            write_slice(folder, f"ALS_{number}_3")
    judged = "image,region,reader,verdict,reason\nALS_2_3.png,,anna,exclude,motion\n"
    (anna / "review.csv").write_text(judged + "ALS_4_3.png,MF_R,anna,exclude,blur\n")
    out = tmp_path / "agreement"
    done = run("reliability", "--dataset", root, "--readers", anna, ben, "--out", out)
    assert done.code == 0, done.err
    assert "anna/ALS_2_3.png: warning: the slice is excluded by the review (motion)" in done.err
    assert "anna/ALS_4_3.png: MF_R: warning: MF_R is excluded by the review (blur)" in done.err
    left_out = "ALS_2 L3 left (anna); ALS_2 L3 right (anna)"
    assert f"MF fi: 3 of 12 targets left out, no value from: {left_out}; ALS_4 L3 right (anna)" in done.err
    assert f"ES fi: 2 of 12 targets left out, no value from: {left_out}" in done.err


def test_contours_that_were_not_saved_are_told_when_a_dataset_is_measured(tmp_path):
    root = tmp_path / "scans"
    for number in (1, 2):
        write_slice(root, f"ALS_{number}_3")
    served = serve(root)
    opened = served.ask("slices/1")
    served.ask("slices/1/keep", {"base": opened["digest"], "shapes": [shape("MF_R", MF_R)]})
    for still_open in (True, False):
        checked = run("check", root)
        assert "ALS_2_3.png\t\twarning\tunsaved-contours\tmore was drawn on it" in checked.out
        assert "ALS_1_3" not in checked.out
        if still_open:
            assert served.end()[0] == 0
    measured = run("quantify", root, "--out", tmp_path / "results")
    assert measured.code == 0
    assert "ALS_2_3.png: warning: more was drawn" in measured.err
