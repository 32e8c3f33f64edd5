"""Nothing that was drawn is lost when the program, or the computer, dies."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import sys
import threading
import time

import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import JOURNAL
from mriparaspinal.review.journal import Journal
from tests.support.builders.slices import SHAPES, box, write_slice
from tests.support.builders.study import fingerprint
from tests.support.review import serve, shape


def test_what_was_drawn_comes_back(tmp_path):
    journal = Journal(tmp_path)
    journal.drawn("a.png", "0" * 64, [shape("MF_R", box(1, 2, 3, 4))])
    journal.drawn("b.png", None, [])
    journal.drawn("a.png", "0" * 64, [shape("MF_R", box(1, 2, 3, 5))])
    journal.done("b.png")
    journal.close()
    again = Journal(tmp_path)
    assert set(again.unsaved) == {"a.png"}
    assert again.unsaved["a.png"].base == "0" * 64
    assert again.unsaved["a.png"].shapes == [shape("MF_R", box(1, 2, 3, 5))]
    again.done("a.png")
    again.close()
    assert not (tmp_path / JOURNAL).exists(), "a journal in which all is saved goes"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path, cut):
    journal = Journal(tmp_path)
    for row in range(3):
        journal.drawn("a.png", None, [shape("MF_R", box(1, 2, 3, 10 + row))])
    journal.close()
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole[:-cut])
    again = Journal(tmp_path)
    assert again.unsaved["a.png"].shapes[0]["points"][2][1] == (12 if cut == 1 else 11)
    again.drawn("a.png", None, [shape("MF_R", box(1, 2, 3, 20))])
    again.close()
    assert Journal(tmp_path).unsaved["a.png"].shapes[0]["points"][2][1] == 20


@pytest.mark.parametrize(
    "line",
    [
        *("1", "[]", "null", '"x"', "{}", '{"slice": "a.png", "base": null, "shapes": 5}', "[" * 50_000),
        *(
            '{"slice": "a.png", "shapes": []}',
            '{"slice": "a.png", "base": null, "shapes": [{"region": "x"}]}',
        ),
    ],
)
def test_lines_of_somebody_else_are_passed_over(tmp_path, line):
    (tmp_path / JOURNAL).write_text(f"{line}\n")
    journal = Journal(tmp_path)
    assert journal.unsaved == {}
    journal.close()


def test_two_programs_have_not_one_journal(tmp_path):
    journal = Journal(tmp_path)
    with pytest.raises(UsageError, match="another review is open in this folder"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_a_link_in_the_place_of_the_journal_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("keep")
    (tmp_path / JOURNAL).symlink_to(tmp_path / "mine")
    with pytest.raises(UsageError, match="cannot be written"):
        Journal(tmp_path)
    assert (tmp_path / "mine").read_text() == "keep"


def test_what_was_drawn_survives_the_program(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    shapes = [shape("MF_R", box(30, 60, 44, 84))]
    served.ask("slices/0/keep", {"base": opened["digest"], "shapes": shapes})
    served.kill()
    served = serve(tmp_path)
    assert served.ask("session")["readings"][0]["unsaved"] is True
    assert served.ask("slices/0")["unsaved"] == shapes
    assert served.ask("slices/0")["changed"] is False
    served.ask("slices/0/discard", {})
    assert served.ask("slices/0")["unsaved"] is None
    assert served.end()[0] == 0
    assert sorted(fingerprint(tmp_path)) == ["ALS_1_3.json", "ALS_1_3.png"]


#: So many in every run of the tests; ``make faults`` tries fifty.
KILLS = int(os.environ.get("REVIEW_KILLS", "5"))


def test_killed_in_mid_save_many_times_nothing_is_lost(tmp_path):
    """At any moment the file is whole, and what it does not hold yet is in the journal."""
    path = write_slice(tmp_path, "ALS_1_3")
    random.seed(7)
    served = serve(tmp_path)
    written = unsaved = 0
    for round_ in range(KILLS):
        opened = served.ask("slices/0")
        base = opened["digest"]
        points = [[30, 60], [44, 60], [44, 84], [30, 70 + round_ / 10]]
        index = next(s["index"] for s in opened["shapes"] if s["region"] == "MF_R")
        others = [
            shape(s["region"], s["points"], s["index"]) for s in opened["shapes"] if s["index"] != index
        ]
        body = {"base": base, "shapes": [*others, shape("MF_R", points, index)]}
        served.ask("slices/0/keep", body)
        saving = threading.Thread(target=_quietly, args=(served, body))
        saving.start()
        time.sleep(random.uniform(0, 0.04))  # a save takes 30 ms
        served.kill()
        saving.join()
        content = json.loads(path.read_text())
        assert len(content["shapes"]) == len(SHAPES)
        on_disk = next(s["points"] for s in content["shapes"] if s["label"] == "MF_R")
        served = serve(tmp_path)
        again = served.ask("slices/0")
        assert again["changed"] is False
        if on_disk == points:
            written += 1
            assert again["unsaved"] is None, "what is in the file is not drawn once more"
        else:
            unsaved += 1
            kept = {s["region"]: s["points"] for s in again["unsaved"]}
            assert kept["MF_R"] == points
            served.ask("slices/0/save", body)
    assert served.end()[0] == 0
    assert written + unsaved == KILLS
    assert sorted(fingerprint(tmp_path)) == ["ALS_1_3.json", "ALS_1_3.png"], "and nothing is left behind"


def _quietly(served, body):
    # The answer may be cut off anywhere.
    with contextlib.suppress(OSError, http.client.HTTPException):
        served.send("/api/slices/0/save", body)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
def test_where_the_disk_is_full_the_file_stays_and_what_was_drawn_is_kept(tmp_path):
    import resource

    path = write_slice(tmp_path, "ALS_1_3", imageData="QUJD" * 20_000)
    before = path.read_bytes()
    limits = (60_000, resource.RLIM_INFINITY)
    served = serve(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
    opened = served.ask("slices/0")
    body = {"base": opened["digest"], "shapes": [shape("MF_R", box(30, 60, 44, 84))]}
    served.ask("slices/0/keep", body)
    status, _, content = served.send("/api/slices/0/save", body)
    assert status == 400
    assert "cannot be written" in json.loads(content)["error"]
    assert path.read_bytes() == before
    assert served.ask("slices/0")["unsaved"] == body["shapes"]
    assert served.end()[0] == 0
    again = serve(tmp_path)
    assert again.ask("slices/0")["unsaved"] == body["shapes"]
    again.ask("slices/0/save", body)
    again.end()
    assert [s["label"] for s in json.loads(path.read_text())["shapes"]] == ["MF_R"]
    assert sorted(fingerprint(tmp_path)) == ["ALS_1_3.json", "ALS_1_3.png"]
