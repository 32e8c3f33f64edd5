"""``demo`` and ``init``: a study to look at, and what a person fills in for one of their own."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tomllib
from pathlib import Path

import pytest

import mriparaspinal as mp
from mriparaspinal.io import protocol_template as template
from mriparaspinal.io.protocol import read_protocol
from tests.support.builders.study import SAMPLE, fingerprint, one_line, read_csv, run

WRITTEN = ["participants.csv", "paraspinal.toml", "labels.txt"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Slices that nobody has drawn on, in a folder with a blank."""
    folder = tmp_path / "my scans"
    folder.mkdir()
    for name in ("ALS_1_3", "ALS_1_4", "LR_1_3", "LR_1_4", "ALS_10_3"):
        shutil.copy(SAMPLE / f"{name.replace('10', '2')}.png", folder / f"{name}.png")
    return folder


def drawn(folder: Path) -> Path:
    for image in folder.glob("*.png"):
        source = SAMPLE / f"{image.stem.replace('ALS_10', 'ALS_2')}.json"
        text = source.read_text().replace(f"{source.stem}.png", image.name)
        image.with_suffix(".json").write_text(text)
    return folder


# --- demo ---------------------------------------------------------------------------------------------------


def test_demo_says_what_to_open_and_it_is_there(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("demo", "a demo")
    assert outcome.code == 0, outcome.err
    said = re.findall(r"^(.+?): ", outcome.err, re.M)
    for name in said[:4]:
        assert Path(name).exists(), name
    assert "a demo/study/report.html: all of it on one page; open this first" in outcome.err
    rows = read_csv(tmp_path / "a demo/scans/participants.csv")
    assert len({row["participant_id"] for row in rows}) == 12
    assert "already holds files; expected a new or empty folder" in one_line(run("demo", "a demo"), 2)


def test_demo_refuses_a_folder_with_a_file_and_a_file(tmp_path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    assert "already holds files" in one_line(run("demo", tmp_path), 2)
    assert "note.txt" in one_line(run("demo", tmp_path / "note.txt"), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


# --- init ---------------------------------------------------------------------------------------------------


def test_init_has_the_ids_that_are_found_in_the_order_of_the_tables(images) -> None:
    outcome = run("init", images)
    assert outcome.code == 0
    assert "wrote participants.csv, paraspinal.toml, labels.txt into" in outcome.err
    rows = read_csv(images / "participants.csv")
    assert [(row["participant_id"], row["group"]) for row in rows] == [
        ("ALS_1", "ALS"),
        ("ALS_10", "ALS"),
        ("LR_1", "LR"),
    ]
    for column in ("onset_side", "onset_region", "sex", "age", "bmi", "psa", "alsfrs_r"):
        assert {row[column] for row in rows} == {""}
    labels = (images / "labels.txt").read_text().split()
    assert labels[:4] == ["MF_L", "MF_R", "ES_L", "ES_R"]
    assert {"PM_L", "PM_R", "IVD", "VB", "SAT"} <= set(labels)


def test_labels_of_ones_own_regions_are_in_the_list(images) -> None:
    (images / "paraspinal.toml").write_text("[regions.DS]\nsided = false\n[regions.GM]\n")
    assert run("init", images).code == 0
    assert {"DS", "GM_L", "GM_R"} <= set((images / "labels.txt").read_text().split())


def test_the_empty_tables_change_no_number(images) -> None:
    drawn(images)
    before = mp.quantify(images).contents
    assert run("init", images).code == 0
    assert run("check", images).code == 0
    after = mp.quantify(images).contents
    for name in ("L3.csv", "L4.csv", "problems.csv"):
        assert after[name] == before[name], name
    ran = run("run", images, "--out", images.parent / "study")
    assert ran.code == 0, ran.err
    assert "onset side: known for no participant" in ran.err


def test_init_never_touches_what_is_there(images) -> None:
    (images / "participants.csv").write_text("participant_id,onset_side\nALS_1,left\n")
    before = fingerprint(images)
    outcome = run("init", images)
    assert outcome.code == 0
    assert "there already, and left as they are: participants.csv" in outcome.err
    after = fingerprint(images)
    assert {name: after[name] for name in before} == before
    again = run("init", images)
    assert again.code == 0
    assert "nothing to write into" in again.err
    assert fingerprint(images) == after


@pytest.mark.parametrize(
    "name", ["participants.xlsx", "participants.tsv", "Participants.CSV", "participants.xls"]
)
def test_a_participants_table_of_another_kind_is_one(images, name) -> None:
    (images / name).write_bytes(b"whatever")
    assert run("init", images).code == 0
    assert sorted(path.name for path in images.iterdir() if path.stem.casefold() == "participants") == [name]


def test_init_of_a_follow_up_has_a_row_for_each_session(tmp_path) -> None:
    for session in ("v1", "v2"):
        shutil.copy(SAMPLE / "ALS_1_3.png", tmp_path / f"ALS_1_{session}_3.png")
    assert run("init", tmp_path).code == 0
    rows = read_csv(tmp_path / "participants.csv")
    assert [(row["participant_id"], row["session"], row["months"]) for row in rows] == [
        ("ALS_1", "v1", ""),
        ("ALS_1", "v2", ""),
    ]


def test_a_table_of_sessions_is_not_contradicted(tmp_path) -> None:
    for session in ("v1", "v2"):
        shutil.copy(SAMPLE / "ALS_1_3.png", tmp_path / f"ALS_1_{session}_3.png")
    (tmp_path / "sessions.csv").write_text("participant_id,session,months\nALS_1,v1,0\nALS_1,v2,6\n")
    assert run("init", tmp_path).code == 0
    assert [set(row) & {"session", "months"} for row in read_csv(tmp_path / "participants.csv")] == [set()]


def test_a_folder_without_slices_gets_nothing(tmp_path) -> None:
    line = one_line(run("init", tmp_path), 3)
    assert "no slices were found; expected images such as ALS_7_3.png" in line
    assert not list(tmp_path.iterdir())
    assert "does not exist" in run("init", tmp_path / "nowhere").err


def test_names_of_ones_own_are_kept_in_the_new_protocol(tmp_path) -> None:
    shutil.copy(SAMPLE / "ALS_1_3.png", tmp_path / "ALS7-L3.png")
    pattern = r"(?P<group>[A-Z]+)(?P<patient>\d+)-L(?P<segment>[1-5])"
    assert run("init", tmp_path, "--name-pattern", pattern).code == 0
    assert read_protocol(tmp_path).settings({}) == mp.Settings(name_pattern=pattern)
    assert [row["participant_id"] for row in read_csv(tmp_path / "participants.csv")] == ["ALS_7"]


def test_a_bad_protocol_is_said_and_nothing_is_written(images) -> None:
    (images / "paraspinal.toml").write_text("treshold = 3\n")
    assert "did you mean it?" in one_line(run("init", images), 2)
    assert not (images / "labels.txt").exists()


# --- paraspinal.toml ----------------------------------------------------------------------------------------

OPTION = re.compile(r"^#(?=[a-z_]+ = )", re.M)
NAMES = [field.name for field in dataclasses.fields(mp.Settings)]


def test_the_template_has_every_setting_and_says_nothing_by_itself() -> None:
    text = template.protocol_template()
    assert tomllib.loads(text) == {}
    there = set(re.findall(r"^#([a-z_]+) = ", text, re.M)) | set(re.findall(r"^#\[([a-z]+)", text, re.M))
    assert {*NAMES, "participants", "jobs"} <= there
    assert set(NAMES) <= set(template.MEANINGS)
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("name", NAMES)
def test_a_line_of_the_template_is_read_as_it_stands(name, tmp_path) -> None:
    """Without its #, a line gives the default; where that is nothing, its example is valid."""
    text = template.protocol_template()
    default = getattr(mp.Settings(), name)
    if f"#{name} = " in text:
        lines = [next(line[1:] for line in text.splitlines() if line.startswith(f"#{name} = "))]
    else:
        lines = [line[1:] for line in text.partition(f"\n#[{name}")[2].split("\n\n")[0].splitlines()]
        lines[0] = f"[{name}{text.partition(f'{chr(10)}#[{name}')[2].split(chr(10))[0]}"
    # A rule that uses the setting has to be there.
    needed = {"sat_fraction": 'fat_rule = "reference"', "same_voxels": 'fat_rule = "dixon"'}
    (tmp_path / "paraspinal.toml").write_text("\n".join([needed.get(name, ""), *lines]))
    found = getattr(read_protocol(tmp_path).settings({}), name)
    assert found == default if default not in (None, ()) else found not in (None, ())


def test_all_lines_of_the_template_together_are_toml() -> None:
    text = re.sub(r"^#(?=[\[\"a-z])", "", template.protocol_template(), flags=re.M)
    assert set(NAMES) <= set(tomllib.loads(text))
