"""Flags of LabelMe by which a person says that a contour or an image is not to be used are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mriparaspinal as mp
from tests.support.builders.study import copy_sample, run

STEM = "ALS_1_3"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return copy_sample(tmp_path / "scans", f"{STEM}.*")


def tick(scans: Path, flags: dict[str, object], *labels: str) -> None:
    """Give flags to shapes, or without labels to the image."""
    file = scans / f"{STEM}.json"
    content = json.loads(file.read_text())
    for place in [shape for shape in content["shapes"] if shape["label"] in labels] or [content]:
        place["flags"] = flags
    file.write_text(json.dumps(content))


def told(scans: Path) -> list[tuple[str, str, str]]:
    problems = mp.check(scans).problem_list
    return [(p.shape, p.severity, p.message) for p in problems if p.code == "ticked-flag"]


@pytest.mark.parametrize(
    "flag",
    [
        "ignore",
        "__ignore__",
        "Exclude",
        "do not use",
        "don't use",
        "not_usable",
        "unusable",
        "uncertain",
        "difficult",
    ],
)
@pytest.mark.parametrize("value", [True, 1, "yes"])
def test_a_flag_of_a_shape(scans: Path, flag: str, value: object) -> None:
    tick(scans, {flag: value}, "MF_L")
    ((shape, severity, message),) = told(scans)
    assert (shape, severity) == ("MF_L", "warning")
    assert repr(flag) in message


def test_one_warning_for_all_shapes_and_one_for_the_image(scans: Path) -> None:
    tick(scans, {"ignore": True}, "MF_L", "ES_R")
    assert [shape for shape, *_ in told(scans)] == ["MF_L, ES_R"] or [shape for shape, *_ in told(scans)] == [
        "ES_R, MF_L"
    ]
    tick(scans, {"ignore": True})
    assert [shape for shape, *_ in told(scans)] == [""]


@pytest.mark.parametrize(
    "flags",
    [
        {"ignore": False},
        {"exclude": None},
        {"blurred": True},
        {"no artefact": True},
        {"contrast used": True},
        {},
        None,
        [],
        "ignore",
    ],
)
def test_other_flags_say_nothing(scans: Path, flags: object) -> None:
    tick(scans, flags, "MF_L")
    assert told(scans) == []
    tick(scans, flags)
    assert told(scans) == []


def test_a_file_that_is_read_leniently_is_told_too(scans: Path) -> None:
    """A shape of text in place of points is no LabelMe shape; the others count."""
    tick(scans, {"ignore": True}, "MF_L")
    file = scans / f"{STEM}.json"
    content = json.loads(file.read_text())
    content["shapes"].append({"label": "note", "points": "none"})
    file.write_text(json.dumps(content))
    assert [shape for shape, *_ in told(scans)] == ["MF_L"]


def test_it_changes_no_number_and_is_gone_where_a_review_leaves_the_region_out(
    scans: Path, tmp_path: Path
) -> None:
    before = mp.quantify(scans).contents["L3.csv"]
    tick(scans, {"ignore": True}, "MF_L")
    assert mp.quantify(scans).contents["L3.csv"] == before
    review = tmp_path / "review.csv"
    review.write_text(f"image,region,verdict,reason\n{STEM}.png,MF_L,exclude,motion\n")
    found = mp.quantify(scans, review=review)
    assert "ticked-flag" not in {problem.code for problem in found.problem_list}


def test_the_line_on_the_terminal(scans: Path) -> None:
    tick(scans, {"ignore": True}, "MF_L")
    outcome = run("check", scans)
    assert outcome.code == 0
    assert (
        "the flag 'ignore' is ticked, but the contour is measured all the same; expected no such flag"
        in " ".join(outcome.err.split())
    )
