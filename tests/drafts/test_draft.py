"""``draft``: from judged slices to drafts of others, against phantoms that are known, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from mriparaspinal.core.draft_mark import contour_hash
from mriparaspinal.drafts.evaluation import Comparison, compare, qualities
from mriparaspinal.phantom.model import PhantomSlice
from tests.support.builders.drafts import dice_of, phantoms, write, write_real
from tests.support.builders.study import Outcome, fingerprint, run

JUDGED = 6

#: The quick flow, where there is OpenCV, for what does not depend on the flow.
QUICK = ("--quick",) if find_spec("cv2") else ()


@pytest.fixture(scope="module")
def slices() -> dict[str, PhantomSlice]:
    return phantoms(4)


@pytest.fixture(scope="module")
def bare(slices: dict[str, PhantomSlice]) -> list[str]:
    return list(slices)[JUDGED:]


@pytest.fixture(scope="module")
def drafted(
    slices: dict[str, PhantomSlice], bare: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    folder = write(tmp_path_factory.mktemp("draft") / "scans", slices, bare)
    return folder, run("draft", folder, "--jobs", 2)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "drafts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def held_out(folder: Path, slices: dict[str, PhantomSlice], bare: list[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for stem in bare:
        for label, value in dice_of(folder / f"{stem}.json", slices[stem]).items():
            found[label.split("_")[0]].append(value)
    return found


def test_six_judged_slices_draft_the_others(
    drafted: tuple[Path, Outcome], slices: dict[str, PhantomSlice], bare: list[str]
) -> None:
    folder, outcome = drafted
    assert outcome.code == 0, outcome.err
    found = held_out(folder, slices, bare)
    assert {name: len(values) for name, values in found.items()} == {"MF": 4, "ES": 4, "PM": 4, "IVD": 2}
    for name, values in found.items():
        assert np.mean(values) >= 0.93, (name, values)
        assert min(values) >= 0.88, (name, values)


def test_leave_one_out_tells_what_held_out_slices_give(
    drafted: tuple[Path, Outcome], slices: dict[str, PhantomSlice], bare: list[str]
) -> None:
    folder, outcome = drafted
    told = dict(re.findall(r"^(MF|ES|PM|IVD)\t\d+\t([\d.]+) \(", outcome.out, flags=re.MULTILINE))
    for name, values in held_out(folder, slices, bare).items():
        assert abs(float(told[name]) - np.mean(values)) <= 0.07, name


def test_every_draft_is_flagged_and_has_its_hash(drafted: tuple[Path, Outcome], bare: list[str]) -> None:
    folder, _ = drafted
    rows = {(row["image"], row["label"]): row for row in rows_of(folder)}
    shapes = {}
    for stem in bare:
        document = json.loads((folder / f"{stem}.json").read_text())
        assert document["flags"] == {"draft": True}
        assert document["imagePath"] == f"{stem}.png"
        shapes |= {(f"{stem}.png", shape["label"]): shape["points"] for shape in document["shapes"]}
    assert set(shapes) == set(rows)
    for key, points in shapes.items():
        assert rows[key]["sha256"] == contour_hash(points)
        assert 12 <= len(points) <= 40
    # Only judged slices are parents, and the fifth with the least to expect is marked.
    parents = {name for row in rows.values() for name in row["made_from"].split("; ")}
    assert parents.isdisjoint(name for name, _ in rows)
    first = [float(row["expected_dice"]) for row in rows.values() if row["look_first"] == "1"]
    others = [float(row["expected_dice"]) for row in rows.values() if row["look_first"] == "0"]
    assert len(first) == len(rows) // 5
    assert max(first) <= min(others)


def test_the_regions_to_look_at_first_are_named(drafted: tuple[Path, Outcome]) -> None:
    folder, outcome = drafted
    named = re.findall(r"look first at (\S+): (\S+) ", outcome.err)
    marked = {(row["image"], row["label"]) for row in rows_of(folder) if row["look_first"] == "1"}
    assert set(named) == marked


def test_a_second_run_has_nothing_to_do_and_changes_nothing(drafted: tuple[Path, Outcome]) -> None:
    folder, _ = drafted
    before = fingerprint(folder)
    outcome = run("draft", folder, *QUICK)
    assert outcome.code == 0, outcome.err
    assert "drafted 0 regions" in outcome.err
    assert fingerprint(folder) == before


def test_the_same_bytes_for_any_number_of_jobs(
    drafted: tuple[Path, Outcome],
    slices: dict[str, PhantomSlice],
    bare: list[str],
    tmp_path: Path,
) -> None:
    again = write(tmp_path / "scans", slices, bare)
    outcome = run("draft", again, "--jobs", 1)
    assert outcome.out == drafted[1].out
    assert fingerprint(again) == fingerprint(drafted[0])


def test_slices_of_another_sequence_are_refused(
    slices: dict[str, PhantomSlice], shared: Path, tmp_path: Path
) -> None:
    judged = list(slices)[:5]
    scans = write(tmp_path / "scans", {stem: slices[stem] for stem in judged})
    for path in (shared / "real" / "TUM01").glob("HV_1_[34].png"):
        shutil.copy(path, scans)
    before = fingerprint(scans)
    outcome = run("draft", scans, *QUICK)
    assert outcome.code == 3
    assert outcome.err.count("error: correlation of grey levels with the reviewed slices 0.") == 2
    assert "no draft could be made for any of 2 slices" in outcome.err
    assert fingerprint(scans) == before


def test_a_real_sequence_refuses_phantoms(
    slices: dict[str, PhantomSlice], shared: Path, tmp_path: Path
) -> None:
    real = write_real(tmp_path / "real", shared / "real" / "TUM01" / "volumes", (5, 8, 11, 14, 17))
    scans = write(tmp_path / "scans", dict(list(slices.items())[:2]), list(slices)[:2])
    outcome = run("draft", scans, "--from", real, *QUICK)
    assert outcome.code == 3
    assert outcome.err.count("another") + outcome.err.count("expected a slice of the same sequence") == 2
    assert sorted(path.suffix for path in scans.iterdir()) == [".png", ".png"]


def test_a_field_of_view_counts_where_it_is_known(slices: dict[str, PhantomSlice], tmp_path: Path) -> None:
    stems = list(slices)[:6]
    scans = write(tmp_path / "scans", {stem: slices[stem] for stem in stems}, stems[5:])
    rows = [f"{stem}.png,0.8,0.8" for stem in stems[:5]] + [f"{stems[5]}.png,0.4,0.4"]
    text = "\n".join(["image,row_spacing_mm,col_spacing_mm", *rows, ""])
    (scans / "slices.csv").write_text(text)
    outcome = run("draft", scans, *QUICK)
    assert outcome.code == 3
    expected = "a field of view of 102×102 mm; expected about that of the reviewed slices, 205×205 mm"
    assert f"{stems[5]}.png: error: {expected}" in outcome.err


def test_drafts_and_too_few_slices_are_no_atlases(slices: dict[str, PhantomSlice], tmp_path: Path) -> None:
    stems = list(slices)[:6]
    scans = write(tmp_path / "scans", {stem: slices[stem] for stem in stems}, stems[5:])
    path = scans / f"{stems[0]}.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "flags": {"draft": True}}))
    before = fingerprint(scans)
    outcome = run("draft", scans)
    assert outcome.code == 3
    (line,) = outcome.err.splitlines()
    assert (
        "4 slices with judged contours were found (1 more are drafts, excluded, or without an image)" in line
    )
    assert fingerprint(scans) == before


def test_what_the_review_excludes_is_no_atlas(slices: dict[str, PhantomSlice], tmp_path: Path) -> None:
    stems = list(slices)[:6]
    scans = write(tmp_path / "scans", {stem: slices[stem] for stem in stems}, stems[5:])
    (scans / "review.csv").write_text(f"image,region,verdict,reason\n{stems[0]}.png,,exclude,motion\n")
    outcome = run("draft", scans)
    assert outcome.code == 3
    assert "4 slices with judged contours were found" in outcome.err


def test_a_table_of_somebody_else_is_not_replaced(slices: dict[str, PhantomSlice], tmp_path: Path) -> None:
    stems = list(slices)[:6]
    scans = write(tmp_path / "scans", {stem: slices[stem] for stem in stems}, stems[5:])
    (scans / "drafts.csv").write_text("title,author\nDraft,me\n")
    before = fingerprint(scans)
    outcome = run("draft", scans)
    assert outcome.code == 2
    assert "drafts.csv: columns title, author; expected those that draft writes; " in outcome.err
    assert fingerprint(scans) == before


def test_opencv_gives_drafts_as_good(
    slices: dict[str, PhantomSlice], drafted: tuple[Path, Outcome], bare: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("cv2")
    scans = write(tmp_path / "scans", slices, bare)
    outcome = run("draft", scans, "--quick")
    assert outcome.code == 0, outcome.err
    quick = held_out(scans, slices, bare)
    for name, values in held_out(drafted[0], slices, bare).items():
        assert np.mean(quick[name]) >= np.mean(values) - 0.02, name


def test_comparisons_count_pixels() -> None:
    draft, truth, fat = (np.zeros((10, 10), bool) for _ in range(3))
    draft[2:8, 2:8] = truth[2:8, 4:8] = True
    fat[2:8, 4] = True
    found = compare("ALS_1", "MF", draft, truth, fat)
    assert found == Comparison("ALS_1", "MF", 2 * 24 / (36 + 24), 50.0, 6 / 36 - 6 / 24)


def test_intervals_are_those_of_a_bootstrap_over_participants() -> None:
    values = {"A": [0.9, 0.92], "B": [0.8], "C": [0.95, 0.97, 0.99], "D": [0.7]}
    rows = [Comparison(who, "MF", dice, 0.0, 0.0) for who, many in values.items() for dice in many]
    (found,) = qualities(rows, ("MF", "ES"))
    assert found.n == 7
    assert found.dice == pytest.approx(np.mean([dice for many in values.values() for dice in many]))
    chance = np.random.default_rng(99)
    names = list(values)
    means = [np.mean([dice for who in chance.choice(names, 4) for dice in values[who]]) for _ in range(4000)]
    assert found.dice_low == pytest.approx(np.percentile(means, 2.5), abs=0.01)
    assert found.dice_high == pytest.approx(np.percentile(means, 97.5), abs=0.01)
    (alone,) = qualities(rows[:2], ("MF",))
    assert alone.dice_low is None
