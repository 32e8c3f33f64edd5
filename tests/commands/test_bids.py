"""``bids``: a BIDS dataset measured participant by participant, then as a group."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

import mriparaspinal as mp
from tests.support.builders.bids import SEGMENTS, bids_dataset, volume
from tests.support.builders.study import PROJECT, SAMPLE, fingerprint, one_line, read_csv, run

#: Labels in BIDS, with letters and without, and the participants of the sample they are.
PEOPLE = {"ALS01": "ALS_1", "02": "ALS_2", "22": "LR_2"}
NAMES = {"ALS_01": "ALS_1", "ALS_02": "ALS_2", "LR_22": "LR_2"}
HOW = ("--masks", "drawn", "--window", "0,255")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bids_dataset(tmp_path_factory.mktemp("a lab") / "bids", PEOPLE)


@pytest.fixture(scope="module")
def measured(dataset: Path) -> Path:
    out = dataset.parent / "out"
    how = (*HOW, "--levels", dataset / "levels.csv")
    assert run("bids", dataset, out, "participant", *how).code == 0
    outcome = run("bids", dataset, out, "group")
    assert outcome.code == 0, outcome.err
    return out


def numbers(rows: list[dict[str, str]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    keys, values = ("participant_id", "muscle", "side", "role"), ("csa_px", "fat_px", "fi", "rcsa")
    return {tuple(row[key] for key in keys): tuple(row[value] for value in values) for row in rows}


@pytest.mark.parametrize("segment", [f"L{n}" for n in SEGMENTS])
def test_the_numbers_are_those_of_the_slices_that_the_volumes_are_made_of(measured, segment) -> None:
    """The label maps are what ``masks`` drew of the sample's contours: the same pixels."""
    found = numbers(read_csv(measured / "group/results" / f"{segment}.csv"))
    rows = mp.quantify(SAMPLE, only=list(PEOPLE.values())).contents[f"{segment}.csv"].decode().splitlines()
    columns = rows[0].split(",")
    drawn = numbers([dict(zip(columns, row.split(","), strict=True)) for row in rows[1:]])
    assert {(NAMES[who], *rest): values for (who, *rest), values in found.items()} == drawn


def test_a_participant_alone_has_the_numbers_of_the_group(measured) -> None:
    group = read_csv(measured / "group/results/L4.csv")
    for label, name in (("ALS01", "ALS_01"), ("22", "LR_22")):
        own = read_csv(measured / f"sub-{label}/results/L4.csv")
        assert numbers(own) == numbers([row for row in group if row["participant_id"] == name])


def test_what_is_written(measured, dataset) -> None:
    assert json.loads((measured / "dataset_description.json").read_text())["DatasetType"] == "derivative"
    assert (measured / "group/report.html").is_file()
    assert (measured / "group/comparison/comparisons.csv").is_file()
    people = {
        row["participant_id"]: row["bids_id"] for row in read_csv(measured / "group/scans/participants.csv")
    }
    assert people == {"ALS_01": "sub-ALS01", "ALS_02": "sub-02", "LR_22": "sub-22"}


def test_the_slices_of_the_group_as_bids_derivatives(measured, tmp_path) -> None:
    masks = ("--masks", measured / "group/masks", "--bids", tmp_path / "bids")
    assert run("quantify", measured / "group/scans", *masks, "--out", tmp_path / "results").code == 0
    lines = (tmp_path / "bids/participants.tsv").read_text().splitlines()
    people = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert [(p["participant_id"], p["source_id"], p["bids_id"]) for p in people] == [
        ("sub-ALS01", "ALS_01", "sub-ALS01"),
        ("sub-ALS02", "ALS_02", "sub-02"),
        ("sub-LR22", "LR_22", "sub-22"),
    ]


def test_slices_tables_of_other_columns_are_not_joined(dataset, measured, tmp_path) -> None:
    out = shutil.copytree(measured, tmp_path / "out")
    table = out / "sub-22/scans/slices.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join(f"{line},{'more' if n == 0 else 1}" for n, line in enumerate(lines)))
    outcome = run("bids", dataset, out, "group")
    assert "sub-22: slices.csv has other columns than that of sub-" in one_line(outcome, 2)


def test_done_again_nothing_changes_and_the_input_never_does(dataset, tmp_path) -> None:
    before = fingerprint(dataset)
    out = tmp_path / "out"
    how = (*HOW, "--levels", dataset / "levels.csv", "--participant-label", "02")
    assert run("bids", dataset, out, "participant", *how).code == 0
    first = fingerprint(out)
    assert run("bids", dataset, out, "participant", *how).code == 0
    assert (fingerprint(out), fingerprint(dataset)) == (first, before)


def test_what_a_participant_lacks_is_said_and_the_others_are_measured(dataset, tmp_path) -> None:
    root = shutil.copytree(dataset, tmp_path / "bids")
    (root / "derivatives/drawn/sub-02/anat/sub-02_acq-ax_desc-muscles_dseg.nii.gz").unlink()
    (root / "sub-ALS01/anat/sub-ALS01_acq-ax_T2w.nii.gz").unlink()
    (root / "sub-99").mkdir()
    table = (root / "levels.csv").read_text().splitlines()
    (root / "levels.csv").write_text("\n".join(row for row in table if "sub-22" not in row))
    outcome = run("bids", root, tmp_path / "out", "participant", *HOW, "--levels", root / "levels.csv")
    assert outcome.code == 3
    assert "no participant could be measured" in outcome.err
    assert "sub-99: error: no row in participants.tsv; expected one for each folder; add it" in outcome.err
    assert "sub-02: error: no label map of sub-02_acq-ax_T2w.nii.gz in" in outcome.err
    assert "sub-ALS01: error: no …_T2w.nii.gz in anat; expected the axial T2w; put it there" in outcome.err
    assert "sub-22: error: no row of sub-22 in levels.csv; expected one for each segment" in outcome.err
    table = [row for row in table if "sub-22" in row]
    (root / "levels.csv").write_text("\n".join(["participant_id,segment,slice", *table]))
    outcome = run("bids", root, tmp_path / "out", "participant", *HOW, "--levels", root / "levels.csv")
    assert outcome.code == 4
    assert "measured 1 scan into" in outcome.err


def test_a_sagittal_image_without_a_map_of_muscles_is_passed_over(dataset, tmp_path) -> None:
    root = shutil.copytree(dataset, tmp_path / "bids")
    axial = root / "sub-02/anat/sub-02_acq-ax_T2w.nii.gz"
    shutil.copy(axial, axial.with_name("sub-02_acq-sag_T2w.nii.gz"))
    how = (*HOW, "--levels", root / "levels.csv", "--participant-label", "sub-02")
    assert run("bids", root, tmp_path / "out", "participant", *how).code == 0
    maps = root / "derivatives/drawn/sub-02/anat"
    shutil.copy(maps / "sub-02_acq-ax_desc-muscles_dseg.nii.gz", maps / "sub-02_acq-sag_dseg.nii.gz")
    outcome = run("bids", root, tmp_path / "out", "participant", *how)
    assert outcome.code == 3
    assert "are label maps of a T2w; expected one" in outcome.err


def test_levels_by_label_maps(dataset, tmp_path) -> None:
    root = shutil.copytree(dataset, tmp_path / "bids")
    slices = [np.zeros((256, 256), np.int16) for _ in SEGMENTS]
    for value, one in zip((100, 95, 94, 93, 92), slices, strict=True):  # TotalSpineSeg's discs L5 to L1
        one[100:120, 110:140] = value
    volume(root / "derivatives/discs/sub-02/anat/sub-02_acq-sag_dseg.nii.gz", slices)
    how = ("--levels", "discs", "--level-numbering", "totalspineseg", "--participant-label", "02")
    outcome = run("bids", root, tmp_path / "out", "participant", *HOW, *how)
    assert outcome.code == 0, outcome.err
    rows = read_csv(tmp_path / "out/sub-02/results/L2.csv")
    drawn = mp.quantify(SAMPLE, only=["ALS_2"]).table.query("segment == 'L2'")
    assert [float(row["fi"]) for row in rows] == drawn["fi"].astype(float).tolist()


def test_sessions_become_a_follow_up(dataset, tmp_path) -> None:
    root = bids_dataset(tmp_path / "bids", {"01": "ALS_1"}, ("A", "B"))
    table = (root / "levels.csv").read_text().splitlines()
    rows = [f"{row},{session}" for row in table[1:] for session in "AB"]
    (root / "levels.csv").write_text("\n".join([f"{table[0]},session_id", *rows]))
    out = tmp_path / "out"
    assert run("bids", root, out, "participant", *HOW, "--levels", root / "levels.csv").code == 0
    outcome = run("bids", root, out, "group")
    assert outcome.code == 0, outcome.err
    found = {(row["participant_id"], row["session"]) for row in read_csv(out / "group/results/L3.csv")}
    assert found == {("ALS_01", "A"), ("ALS_01", "B")}


def test_the_settings_of_the_dataset_count(dataset, tmp_path) -> None:
    root = shutil.copytree(dataset, tmp_path / "bids")
    (root / "code").mkdir()
    (root / "code/paraspinal.toml").write_text("threshold = 120\n")
    how = (*HOW, "--levels", root / "levels.csv", "--participant-label", "02")
    assert run("bids", root, tmp_path / "out", "participant", *how).code == 0
    assert {row["threshold"] for row in read_csv(tmp_path / "out/sub-02/results/L3.csv")} == {"120"}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "participants.tsv").unlink(), "no participants.tsv; expected a BIDS dataset"),
        (
            lambda root: (root / "participants.tsv").write_text("participant_id\tage\nsub-02\t50\n"),
            "no column group; expected participant_id and group, such as ALS; add it",
        ),
        (
            lambda root: (root / "participants.tsv").write_text("participant_id\tgroup\nsub-ab\tALS\n"),
            "'ab' of the group 'ALS' was found; expected a label that ends in a number",
        ),
        (
            lambda root: (root / "participants.tsv").write_text(
                "participant_id\tgroup\nsub-A1\tALS\nsub-B01\tALS\n"
            ),
            "sub-A1 and sub-B01 would both be ALS_01; expected numbers that differ in a group",
        ),
        (lambda root: shutil.rmtree(root / "derivatives"), "--masks drawn: no such folder"),
        (
            lambda root: (root / "derivatives/drawn/dseg.tsv").unlink(),
            "neither dseg.tsv nor values.csv in it; expected one that tells",
        ),
        (
            lambda root: (root / "levels.csv").write_text("participant_id,slice\nsub-02,1\n"),
            "levels.csv: no column segment; expected participant_id, segment and slice",
        ),
    ],
)
def test_what_a_dataset_lacks_is_one_line(dataset, tmp_path, spoil, said) -> None:
    root = shutil.copytree(dataset, tmp_path / "bids")
    spoil(root)
    outcome = run("bids", root, tmp_path / "out", "participant", *HOW, "--levels", root / "levels.csv")
    assert outcome.code in (2, 3)
    assert said in one_line(outcome, outcome.code)


def test_what_is_not_given_or_not_there(dataset, tmp_path) -> None:
    out = tmp_path / "out"
    assert "--levels: not given" in one_line(run("bids", dataset, out, "participant", *HOW), 2)
    assert "no measured participant; expected" in one_line(run("bids", dataset, out, "group"), 3)
    assert "is the dataset itself" in one_line(run("bids", dataset, dataset, "group"), 2)
    wrong = run("bids", dataset, out, "group", "--participant-label", "99")
    assert "--participant-label 99: no folder sub-99; expected one of 02, 22, ALS01" in one_line(wrong, 2)


def test_the_group_refuses_what_was_changed_since(measured, dataset, tmp_path) -> None:
    out = shutil.copytree(measured, tmp_path / "out")
    image = next((out / "sub-02/scans").glob("*.png"))
    image.write_bytes(image.read_bytes() + b"\0")
    assert "is not as it was prepared; expected it unchanged" in one_line(
        run("bids", dataset, out, "group"), 2
    )
    root = shutil.copytree(dataset, tmp_path / "bids")
    text = (root / "participants.tsv").read_text()
    (root / "participants.tsv").write_text(text.replace("sub-ALS01\tALS", "sub-ALS01\tLR"))
    assert "but the participant is LR_01 now" in one_line(
        run("bids", root, out, "group", "--participant-label", "ALS01"), 2
    )


def test_another_numbering_in_one_group_is_refused(measured, dataset, tmp_path) -> None:
    out = shutil.copytree(measured, tmp_path / "out")
    table = out / "sub-22/masks/values.csv"
    table.write_text(table.read_text().replace("MF_left", "mf").replace("MF_right", "MF_left"))
    assert "another numbering than that of other participants" in one_line(
        run("bids", dataset, out, "group"), 2
    )


REAL = PROJECT / ".." / "shared" / "real" / "TUM01" / "volumes"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real volumes (../shared/real) are not here")
def test_real_volumes_are_measured_voxel_for_voxel(tmp_path) -> None:
    """A published segmentation: 1 right ES, 2 right MF, 3 left MF, 4 left ES; L4 is the eleventh slice."""
    root = tmp_path / "bids"
    maps = root / "derivatives/manual"
    for folder, name, file in (
        (root, "sub-01_acq-ax_T2w", "fat"),
        (maps, "sub-01_acq-ax_dseg", "muscles_manual"),
    ):
        (folder / "sub-01/anat").mkdir(parents=True)
        shutil.copy(REAL / f"{file}.nii.gz", folder / "sub-01/anat" / f"{name}.nii.gz")
    (root / "participants.tsv").write_text("participant_id\tgroup\nsub-01\tHV\n")
    (maps / "dseg.tsv").write_text("index\tname\n1\tES_R\n2\tMF_R\n3\tMF_L\n4\tES_L\n")
    (tmp_path / "levels.csv").write_text("participant_id,segment,slice\nsub-01,L4,11\n")
    how = ("--masks", "manual", "--levels", tmp_path / "levels.csv", "--window", "percentile")
    outcome = run("bids", root, tmp_path / "out", "participant", *how)
    assert outcome.code == 4  # no disc was drawn: rcsa stays empty
    voxels = np.asanyarray(nibabel.load(REAL / "muscles_manual.nii.gz").dataobj)[:, :, 10]
    names = {("ES", "right"): 1, ("MF", "right"): 2, ("MF", "left"): 3, ("ES", "left"): 4}
    found = {
        (r["muscle"], r["side"]): int(r["csa_px"]) for r in read_csv(tmp_path / "out/sub-01/results/L4.csv")
    }
    for key, value in names.items():
        assert found[key] == np.count_nonzero(voxels == value)
