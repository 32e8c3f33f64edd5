"""The flag and the hash of a draft, as LabelMe and other programs see them."""

from __future__ import annotations

import hashlib
import json

from mriparaspinal.core.draft_mark import as_written, contour_hash, is_draft, set_draft


def test_the_flag_is_set_and_everything_else_stays() -> None:
    document = {"version": "5.5.0", "flags": {"blurred": True}, "shapes": [], "lab": {"reader": "A"}}
    marked = set_draft(document, True)
    assert marked == {**document, "flags": {"blurred": True, "draft": True}}
    assert is_draft(marked)
    assert not is_draft(set_draft(marked, False))
    assert document["flags"] == {"blurred": True}


def test_only_a_ticked_box_is_a_draft() -> None:
    for flags in ({}, None, [], "draft", {"draft": False}, {"draft": 0}, {"draft": "no"}, {"drafts": True}):
        assert not is_draft({"flags": flags})
    for flags in ({"draft": True}, {"draft": 1}, {"draft": "true"}, {"Draft": True}):
        assert is_draft({"flags": flags})
    assert not is_draft({})


def test_a_hash_is_that_of_the_points_as_written() -> None:
    points = [(1.234, 5.0), (7.0, 8.996), (-0.001, 3.0)]
    assert contour_hash(points) == hashlib.sha256(b"1.23,5.00 7.00,9.00 0.00,3.00").hexdigest()
    # Written and read again, by LabelMe or by a browser (which writes 5.0 as 5), it stays the same.
    read = json.loads(json.dumps(as_written(points)).replace(".0,", ",").replace(".0]", "]"))
    assert contour_hash(read) == contour_hash(points)
    assert contour_hash([*points[:2], (0.01, 3.0)]) != contour_hash(points)
    assert contour_hash([*points[1:], points[0]]) != contour_hash(points)
