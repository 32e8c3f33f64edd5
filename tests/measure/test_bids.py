"""BIDS derivatives: the numbers of the results, under names that the validator takes."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mriparaspinal as mp
from mriparaspinal.core.errors import UsageError
from tests.support.builders.slices import write_slice
from tests.support.builders.study import run

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


def tsv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text()), delimiter="\t"))


def follow_up(data: Path) -> Path:
    for name in ("ALS_1_v1_3", "ALS_1_v2_3", "LR_1_v1_3"):
        write_slice(data, name)
    (data / "participants.csv").write_text(
        "participant_id,session,sex,alsfrs_r\nALS_1,v1,F,40\nALS_1,v2,F,36\nLR_1,v1,M,\n"
    )
    return data


def valid(folder: Path) -> None:
    """What the BIDS validator says, where it is installed; it needs no network."""
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("bids-validator-deno is not installed")
    command = [validator, "--format", "json", folder]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    issues = json.loads(said.stdout)["issues"]["issues"]
    assert {issue["code"] for issue in issues} <= {"SIDECAR_KEY_RECOMMENDED", "TOO_FEW_AUTHORS"}, issues
    assert said.returncode == 0


def test_the_numbers_of_the_results(tmp_path):
    mp.quantify(SAMPLE, out=tmp_path / "results", bids=tmp_path / "bids")
    bids = tmp_path / "bids"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "results" / "measurements.csv").read_text())))
    own = [row for row in rows if row["participant_id"] == "ALS_7"]
    found = tsv(bids / "sub-ALS7" / "anat" / "sub-ALS7_desc-paraspinal_measurements.tsv")
    kept = [name for name in own[0] if name not in ("participant_id", "group")]
    assert [[row[name] for name in kept] for row in found] == [[row[n] or "n/a" for n in kept] for row in own]
    wide = list(csv.DictReader(io.StringIO((tmp_path / "results" / "wide.csv").read_text())))
    pheno = tsv(bids / "phenotype" / "paraspinal.tsv")
    assert [row["MF_L4_S_fi"] for row in pheno] == [row["MF_L4_S_fi"] or "n/a" for row in wide]
    people = tsv(bids / "participants.tsv")
    assert [row["source_id"] for row in people] == [row["participant_id"] for row in wide]
    assert [row["participant_id"] for row in people] == [
        f"sub-{w['participant_id'].replace('_', '')}" for w in wide
    ]
    told = json.loads((bids / "desc-paraspinal_measurements.json").read_text())
    assert told["csa_px"]["Units"] == "px"
    assert told["muscle"]["Levels"]["MF"] == "multifidus"
    assert list(told) == kept
    for table in ("participants", "phenotype/paraspinal"):
        columns = set(tsv(bids / f"{table}.tsv")[0]) - {"participant_id"}
        assert columns == set(json.loads((bids / f"{table}.json").read_text()))
    for path in bids.rglob("*"):
        assert path.is_dir() or str(tmp_path) not in path.read_text()


def test_the_validator_finds_no_error(tmp_path):
    mp.quantify(SAMPLE, only=["ALS_1", "LR_1"], bids=tmp_path / "bids")
    valid(tmp_path / "bids")


def test_a_follow_up_is_one_the_validator_takes(tmp_path):
    mp.quantify(follow_up(tmp_path / "data"), bids=tmp_path / "bids")
    valid(tmp_path / "bids")


def test_sessions(tmp_path):
    mp.quantify(follow_up(tmp_path / "data"), bids=tmp_path / "bids")
    bids = tmp_path / "bids"
    names = {path.relative_to(bids).as_posix() for path in bids.rglob("*") if path.is_file()}
    assert names == {
        "dataset_description.json", "README.md", ".bidsignore", "participants.tsv", "participants.json",
        "sessions.json", "phenotype/paraspinal_ses-v1.tsv", "phenotype/paraspinal_ses-v1.json",
        "phenotype/paraspinal_ses-v2.tsv", "phenotype/paraspinal_ses-v2.json",
        "desc-paraspinal_measurements.json", "code/mriparaspinal.json",
        "sub-ALS1/sub-ALS1_sessions.tsv", "sub-LR1/sub-LR1_sessions.tsv",
        "sub-ALS1/ses-v1/anat/sub-ALS1_ses-v1_desc-paraspinal_measurements.tsv",
        "sub-ALS1/ses-v2/anat/sub-ALS1_ses-v2_desc-paraspinal_measurements.tsv",
        "sub-LR1/ses-v1/anat/sub-LR1_ses-v1_desc-paraspinal_measurements.tsv",
    }  # fmt: skip
    assert tsv(bids / "sub-ALS1" / "sub-ALS1_sessions.tsv") == [
        {"session_id": "ses-v1", "alsfrs_r": "40"},
        {"session_id": "ses-v2", "alsfrs_r": "36"},
    ]
    assert [(row["participant_id"], row["sex"]) for row in tsv(bids / "participants.tsv")] == [
        ("sub-ALS1", "F"), ("sub-LR1", "M")
    ]  # fmt: skip
    for session, who in (("v1", ["sub-ALS1", "sub-LR1"]), ("v2", ["sub-ALS1"])):
        rows = tsv(bids / "phenotype" / f"paraspinal_ses-{session}.tsv")
        assert [row["participant_id"] for row in rows] == who


def test_ids_that_are_the_same_in_bids_are_refused(tmp_path):
    for name in ("a_b", "ab"):
        write_slice(tmp_path / "data" / name, "ALS_1_3")
    more = ("--patient-from", "folder", "--bids", tmp_path / "bids")
    outcome = run("quantify", tmp_path / "data", "--out", tmp_path / "out", *more)
    assert outcome.code == 2
    assert "participant 'a_b' and 'ab' are both 'ab' in BIDS; expected names that differ" in outcome.err
    assert not (tmp_path / "bids").exists()
    assert not (tmp_path / "out").exists()


def test_a_bids_folder_that_cannot_be_written_leaves_the_results_as_they_were(tmp_path):
    data, out, bids = tmp_path / "data", tmp_path / "out", tmp_path / "bids"
    write_slice(data, "ALS_1_3")
    assert run("quantify", data, "--out", out).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    write_slice(data, "ALS_2_3")
    bids.mkdir()
    (bids / "dataset_description.json").write_text("{}")
    assert run("quantify", data, "--out", out, "--bids", bids).code == 2
    shutil.rmtree(bids)
    bids.write_text("a file")
    assert run("quantify", data, "--out", out, "--bids", bids).code == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert run("run", data, "--out", tmp_path / "study", "--bids", bids).code == 2
    assert not (tmp_path / "study").exists()


def test_what_cannot_be_written_is_refused_before_the_measuring(tmp_path, monkeypatch):
    for name in ("a_b", "ab"):
        write_slice(tmp_path / "data" / name, "ALS_1_3")
    told: list[str] = []
    settings = {"patient_from": "folder"}
    for more in ({"bids": tmp_path / "bids"}, {"sav": True}):
        monkeypatch.setitem(sys.modules, "pyreadstat", None)
        with pytest.raises(UsageError):
            mp.quantify(
                tmp_path / "data", settings=settings, progress=lambda step, *_: told.append(step), **more
            )
    assert set(told) == {"opening the dataset"}


def test_nothing_of_others_is_replaced_and_what_is_stale_goes(tmp_path):
    data, bids = tmp_path / "data", tmp_path / "bids"
    write_slice(data, "ALS_1_3")
    write_slice(data, "ALS_2_3")
    out = ("--out", tmp_path / "out", "--bids", bids)
    assert run("quantify", data, *out).code == 0
    (bids / "mine.txt").write_text("mine")
    for path in data.glob("ALS_2*"):
        path.unlink()
    assert run("quantify", data, *out).code == 0
    assert not (bids / "sub-ALS2").exists()
    assert (bids / "mine.txt").is_file()
    (bids / "participants.tsv").write_text("edited")
    outcome = run("quantify", data, *out)
    assert outcome.code == 2
    assert "participants.tsv: was changed since it was written" in outcome.err
    shutil.rmtree(bids)
    bids.mkdir()
    (bids / "dataset_description.json").write_text("{}")
    assert "dataset_description.json: is there and was not written" in run("quantify", data, *out).err


@pytest.mark.parametrize("place", ["data", "data/derivatives", "out"])
def test_where_it_cannot_lie(tmp_path, place):
    write_slice(tmp_path / "data", "ALS_1_3")
    outcome = run("quantify", tmp_path / "data", "--out", tmp_path / "out", "--bids", tmp_path / place)
    assert outcome.code == 2
    assert outcome.err.startswith("mriparaspinal: --bids")
    assert not (tmp_path / "out").exists()


def test_run_writes_it_again_where_it_is_gone(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    more = ("--out", tmp_path / "study", "--bids", tmp_path / "study" / "bids")
    assert run("run", tmp_path / "data", *more).code == 0
    shutil.rmtree(tmp_path / "study" / "bids")
    again = run("run", tmp_path / "data", *more)
    assert "nothing was done" in again.err
    assert (tmp_path / "study" / "bids" / "participants.tsv").is_file()
