"""Shares of a dataset, joined: the same bytes as measuring everyone in one run, or one clear line."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from mriparaspinal.core.filenames import MARK
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_dataset, write_slice
from tests.support.builders.study import Outcome, fingerprint, one_line, problems_of, read_csv, run

EVERYONE = ("ALS_1", "ALS_2", "ALS_3", "LR_1", "LR_2", "als_1")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A dataset with a problem of every reach: of a slice, a stack, a table, and the dataset as a whole."""
    root = write_dataset(tmp_path_factory.mktemp("shares") / "data", 3, 2, (3, 4, 5))
    without = [shape for shape in SHAPES if not shape["label"].startswith("PM")]
    write_slice(root, "ALS_2_4", grey_image(seed=5), without)  # PM is drawn elsewhere: an error
    for number in (1, 2, 3):  # nobody of this group draws ES: known only where all are together
        shapes = [shape for shape in SHAPES if not shape["label"].startswith("ES")]
        write_slice(root, f"LR_1_{number + 2}", grey_image(seed=number), shapes)
    (root / "LR_2_5.json").write_text("{")
    (root / "ALS_3_3.png").unlink()
    for letter in "abc":  # a stack with a slice that is lost
        write_slice(root, f"LR_2_2_{letter}", grey_image(seed=ord(letter)))
    (root / "LR_2_2_b.json").unlink()
    for letter in "ab":
        write_slice(root, f"ALS_1_2_{letter}", grey_image(seed=ord(letter) + 9))
    write_slice(root, "als_1_3", grey_image(seed=77), [*SHAPES, polygon("MF L", box(50, 60, 60, 70))])
    (root / "what is this.png").write_bytes((root / "ALS_1_3.png").read_bytes())
    (root / "participants.csv").write_text(
        "participant_id,onset_side,age\nALS_1,L,50\nALS_2,R,abc\nALS_3,,61\nLR_1,R,40\nLR_9,L,3\n"
    )
    (root / "slices.csv").write_text(
        "image,row_spacing_mm,col_spacing_mm\n"
        + "".join(f"{p.name},0.5,0.5\n" for p in sorted(root.glob("ALS*.png")))
    )
    return root


def measure(data: Path, out: Path, *who: str, options: tuple[object, ...] = ()) -> Outcome:
    labels = [word for one in who for word in ("--participant-label", one)]
    return run("quantify", data, "--out", out, "--quiet", *labels, *options)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    assert measure(data, out).code == 4
    return out


@pytest.fixture(scope="module")
def singles(data, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("singles")
    for who in EVERYONE:
        assert measure(data, folder / f"share {who}", who).code in (0, 4)
    return {who: folder / f"share {who}" for who in EVERYONE}


def merge(out: Path, *shares: Path) -> Outcome:
    return run("merge", *shares, "--out", out)


def test_one_share_each(whole, singles, tmp_path):
    outcome = merge(tmp_path / "out", *reversed(singles.values()))
    assert outcome.code == 4
    assert outcome.err.splitlines()[-1].startswith("joined 6 shares into ")
    assert fingerprint(tmp_path / "out") == fingerprint(whole)


@pytest.mark.parametrize("seed", range(6))
def test_shares_of_any_size_joined_in_any_order(data, whole, tmp_path, seed):
    """In one go, or first some of them, and the rest later."""
    chance = random.Random(seed)
    people = list(EVERYONE)
    chance.shuffle(people)
    cuts = sorted(chance.sample(range(1, len(people)), 2))
    shares = []
    for number, (low, high) in enumerate(zip([0, *cuts], [*cuts, len(people)], strict=True)):
        shares.append(tmp_path / str(number))
        measure(data, shares[-1], *people[low:high])
    if seed % 2:
        first = merge(tmp_path / "first", *shares[:2])
        assert "a share itself" in first.err
        measured_together = tmp_path / "together"
        measure(data, measured_together, *people[: cuts[1]])
        assert fingerprint(tmp_path / "first") == fingerprint(measured_together)
        shares = [shares[2], tmp_path / "first"]
    merge(tmp_path / "out", *shares)
    assert fingerprint(tmp_path / "out") == fingerprint(whole)


def test_a_share_has_its_own_problems_and_those_of_the_dataset(whole, singles):
    table = {problem for problem in problems_of(whole) if problem[0].endswith(".csv")}
    assert any(code == "participant-without-slices" for *_, code in table)
    found = problems_of(singles["ALS_1"])
    assert table < found, "the tables are those of everyone"
    assert ("what is this.png", "", "warning", "bad-name") in found
    assert not [file for file, *_ in found if file.startswith(("ALS_2", "ALS_3", "LR_"))]
    assert {shape for *_, shape, _, code in found if code == "participant-without-slices"} == {"LR_9"}
    assert ("LR_2_5.json", "", "error", "bad-json") in problems_of(singles["LR_2"])


def test_a_share_can_be_read_by_itself(data, singles, tmp_path):
    manifest = json.loads((singles["ALS_1"] / "quantify.json").read_text())
    assert manifest["share"] == {"participants": ["ALS_1"], "of": 6}
    assert {row["participant_id"] for row in read_csv(singles["ALS_1"] / "L3.csv")} == {"ALS_1"}
    compared = run("compare", singles["ALS_1"], "--out", tmp_path / "c", "--quiet")
    assert compared.code == 4, "the table of participants has an error"
    again = tmp_path / "again"
    measure(data, again, "ALS_1")
    assert fingerprint(again) == fingerprint(singles["ALS_1"]), "the same bytes each time"


def test_a_share_without_any_muscle_is_kept_for_its_problems(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 0)
    for path in root.glob("ALS_2_*.json"):
        path.write_text("{")
    measure(root, tmp_path / "whole")
    outcome = measure(root, tmp_path / "2", "ALS_2")
    assert outcome.code == 4
    assert not list((tmp_path / "2").glob("L*.csv"))
    assert run("compare", tmp_path / "2", "--out", tmp_path / "c").code == 3
    measure(root, tmp_path / "1", "ALS_1")
    merge(tmp_path / "out", tmp_path / "1", tmp_path / "2")
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "whole")


def test_label_maps_and_rules_come_through(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 1)
    assert run("masks", root, "--out", tmp_path / "masks", "--quiet").code == 0
    how = ("--masks", tmp_path / "masks", "--fat-rule", "otsu")
    measure(root, tmp_path / "whole", options=how)
    for who in ("ALS_1", "ALS_2", "LR_1"):
        measure(root, tmp_path / who, who, options=how)
    merge(tmp_path / "out", *(tmp_path / who for who in ("ALS_1", "ALS_2", "LR_1")))
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "whole")


def test_file_names_that_are_not_utf8(tmp_path):
    root, people = tmp_path / "data", ("anna", "M\udcfcller")
    for who in people:
        for number in (3, 4):
            try:
                write_slice(root, f"{who}/ALS_1_{number}", imagePath="")
            except OSError:
                pytest.skip("this file system takes UTF-8 names only")
    (root / people[1] / "ALS_1_4.json").write_text("{")
    how = ("--patient-from", "folder")
    measure(root, tmp_path / "whole", options=how)
    for number, who in enumerate(people):
        assert measure(root, tmp_path / str(number), who, options=how).code in (0, 4)
    merge(tmp_path / "out", tmp_path / "0", tmp_path / "1")
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "whole")
    assert "M\\udcfcller" in (tmp_path / "out" / "L3.csv").read_text()


def test_an_unknown_label_names_close_ones(data, tmp_path):
    line = one_line(measure(data, tmp_path / "out", "ALS_1", "ALS_33"), 2)
    assert "'ALS_33' has no slices in the dataset; expected one of 6 participants, such as ALS_3," in line
    assert not (tmp_path / "out").exists()
    assert run("check", data, "--participant-label", "ALS_33").code == 2
    assert run("masks", data, "--out", tmp_path / "m", "--participant-label", "ALS_33").code == 2


def test_check_and_masks_of_one_participant(data, tmp_path):
    outcome = run("check", data, "--participant-label", "ALS_2")
    assert outcome.code == 4
    assert "ALS_2_4.json" in outcome.out
    assert "LR_2_5.json" not in outcome.out
    run("masks", data, "--out", tmp_path / "m", "--participant-label", "ALS_2", "--quiet")
    assert {path.name for path in (tmp_path / "m").glob("*_mask.png")} == {
        f"ALS_2_{n}_mask.png" for n in (3, 4, 5)
    }


def test_a_share_does_not_take_the_place_of_others(data, whole, singles, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(singles["ALS_1"], out)
    before = fingerprint(out)
    line = one_line(measure(data, out, "ALS_2"), 2)
    assert "holds the results of ALS_1; expected a folder for each share; choose another --out" in line
    assert "mriparaspinal merge" in line
    assert fingerprint(out) == before
    assert measure(data, out, "ALS_1").code in (0, 4), "the same share again"
    shutil.rmtree(out)
    shutil.copytree(whole, out)
    assert "the results of everyone" in one_line(measure(data, out, "ALS_2"), 2)
    line = one_line(merge(out, singles["ALS_1"], singles["ALS_2"]), 2)
    assert "the results of everyone" in line, "nor does a part of them, joined"
    assert fingerprint(out) == fingerprint(whole)


def test_everyone_takes_the_place_of_a_share_and_leaves_nothing_of_it(data, whole, singles, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(singles["ALS_1"], out)
    measure(data, out)
    assert fingerprint(out) == fingerprint(whole)


def test_shares_that_do_not_belong_together(data, singles, tmp_path):
    one = singles["ALS_1"]
    line = one_line(merge(tmp_path / "out", one, singles["ALS_2"], one), 2)
    assert "ALS_1 is in " in line

    measure(data, tmp_path / "other rule", "ALS_2", options=("--threshold", 60))
    line = one_line(merge(tmp_path / "out", one, tmp_path / "other rule"), 2)
    assert f"{tmp_path / 'other rule'}: other settings than {one}" in line

    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    write_slice(copy, "LR_7_3")
    measure(copy, tmp_path / "more slices", "ALS_2")
    outcome = merge(tmp_path / "out", one, tmp_path / "more slices")
    assert "other participants in the dataset than" in one_line(outcome, 2)
    (copy / "LR_7_3.json").unlink()
    (copy / "LR_7_3.png").unlink()
    (copy / "participants.csv").write_text("participant_id,onset_side\nALS_1,R\n")
    measure(copy, tmp_path / "other table", "ALS_2")
    outcome = merge(tmp_path / "out", one, tmp_path / "other table")
    assert "other contents of participants table" in one_line(outcome, 2)
    assert merge(one, singles["ALS_2"], one).code == 2
    assert not (tmp_path / "out").exists()


def test_references_that_differ_between_shares(tmp_path):
    root = write_dataset(tmp_path / "data", 2, 0)
    vertebra = [shape | {"label": "VB"} if shape["label"] == "IVD" else shape for shape in SHAPES]
    for segment in (3, 4):
        write_slice(root, f"ALS_2_{segment}", shapes=vertebra)
    for who in ("ALS_1", "ALS_2"):
        assert measure(root, tmp_path / who, who).code == 0
    line = one_line(merge(tmp_path / "out", tmp_path / "ALS_1", tmp_path / "ALS_2"), 2)
    assert "IVD (as in ALS_1_3.png) and VB (as in ALS_2_3.png) were found" in line
    assert "--reference" in line


def test_folders_that_are_no_share_or_not_whole(whole, singles, tmp_path):
    one = singles["ALS_1"]
    line = one_line(merge(tmp_path / "out", one, whole), 3)
    assert "measured without --participant-label" in line
    assert "no such folder" in one_line(merge(tmp_path / "out", one, tmp_path / "none"), 3)
    (tmp_path / "empty").mkdir()
    assert "no quantify.json" in one_line(merge(tmp_path / "out", one, tmp_path / "empty"), 3)
    for name in ("L3.csv", "share.msgpack", "problems.csv"):
        damaged = tmp_path / f"damaged {name}"
        shutil.copytree(singles["ALS_2"], damaged)
        with (damaged / name).open("ab") as file:
            file.write(b"1")
        assert f"{damaged / name}: changed since" in one_line(merge(tmp_path / "out", one, damaged), 3)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(singles["ALS_2"], unfinished)
    (unfinished / MARK).touch()
    assert "cut off" in one_line(merge(tmp_path / "out", one, unfinished), 3)
    assert not (tmp_path / "out").exists()


def test_another_version_measured(singles, tmp_path):
    """The tables are made anew, by this version: it must be the one that counted."""
    import hashlib

    for who in ("ALS_1", "ALS_2"):
        shutil.copytree(singles[who], tmp_path / who)
        path = tmp_path / who / "share.msgpack"
        raw = path.read_bytes().replace(b"mriparaspinal\xa50.1.0", b"mriparaspinal\xa50.0.9")
        assert raw != path.read_bytes()
        path.write_bytes(raw)
        manifest = json.loads((tmp_path / who / "quantify.json").read_text())
        manifest["outputs"]["share.msgpack"] = hashlib.sha256(raw).hexdigest()
        (tmp_path / who / "quantify.json").write_text(json.dumps(manifest))
    line = one_line(merge(tmp_path / "out", tmp_path / "ALS_1", tmp_path / "ALS_2"), 2)
    assert "measured with mriparaspinal 0.0.9; expected mriparaspinal 0.1.0 as here" in line


def test_the_threshold_sweep_of_a_share(data, singles, tmp_path):
    results = singles["ALS_2"]
    outcome = run("threshold-sweep", results, "--dataset", data, "--out", tmp_path / "sweep", "--quiet")
    assert outcome.code == 4, "the table of participants has an error"
    assert (tmp_path / "sweep" / "sweep.csv").is_file()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda share: share.update(members=["LR_1"]),
        lambda share: share["slices"][0].__setitem__(0, share["slices"][1][0]),
        lambda share: share["slices"][0].__setitem__(0, -1),
        lambda share: share["slices"][0].__setitem__(2, b"\x93\x90"),
        lambda share: share["slices"][0][1].update(participant_id="LR_1"),
        lambda share: share["slices"][0][1].update(segment="L9"),
        lambda share: share["common"]["settings"].update(threshold=999),
        lambda share: share["common"]["settings"].update(name_pattern=5),
        lambda share: share["spacings"].update({next(iter(share["spacings"])): [float("nan"), 1.0]}),
        lambda share: share.pop("places"),
    ],
)
def test_a_share_that_contradicts_itself(singles, tmp_path, spoil):
    """Its SHA-256 fits: somebody has changed both."""
    import hashlib

    import msgspec

    folder = shutil.copytree(singles["ALS_1"], tmp_path / "ALS_1")
    share = msgspec.msgpack.decode((folder / "share.msgpack").read_bytes())
    spoil(share)
    raw = msgspec.msgpack.encode(share)
    (folder / "share.msgpack").write_bytes(raw)
    manifest = json.loads((folder / "quantify.json").read_text())
    manifest["outputs"]["share.msgpack"] = hashlib.sha256(raw).hexdigest()
    (folder / "quantify.json").write_text(json.dumps(manifest))
    line = one_line(merge(tmp_path / "out", folder, singles["ALS_2"]), 3)
    assert "share.msgpack: cannot be read" in line
