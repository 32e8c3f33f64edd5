"""Sessions of a follow-up: in names, folders and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.open import open_dataset
from tests.support.builders.slices import write_slice

FOLDER = Settings(patient_from="folder")


def pair(*stems: str) -> list[str]:
    return [f"{stem}{ending}" for stem in stems for ending in (".json", ".png")]


@pytest.mark.parametrize(
    ("stem", "whose"),
    [
        ("ALS_7_v2_3", ("ALS_7", "ALS", "L3", "", "v2")),
        ("ALS_7_ses-01_L3_b", ("ALS_7", "ALS", "L3", "b", "01")),
        ("LR_12_m06_5", ("LR_12", "LR", "L5", "", "m06")),
        ("ALS_7_baseline_3", ("ALS_7", "ALS", "L3", "", "baseline")),
        ("sub-7/ses-2/ALS_7_3", ("ALS_7", "ALS", "L3", "", "2")),
        ("sub-7/ses-v2/anat/ALS_7_v2_3", ("ALS_7", "ALS", "L3", "", "v2")),
        ("ALS_7_3", ("ALS_7", "ALS", "L3", "", "")),
        ("ALS_7_3_a", ("ALS_7", "ALS", "L3", "a", "")),
    ],
)
def test_the_session_stands_between_participant_and_segment_or_in_a_folder(stem, whose):
    assert name_parser(Settings())(stem) == whose


@pytest.mark.parametrize(
    ("stem", "words"),
    [
        ("ALS_7_L3_2", "expected GROUP_N_L"),  # a segment is no session
        ("ALS_7_3_4", "expected GROUP_N_L"),
        ("ALS_7_a_3", "expected GROUP_N_L"),
        ("ses-1/ALS_7_v2_3", "the sessions 1 and v2 were found"),
        ("ses-1/ses-2/ALS_7_3", "the sessions 1 and 2 were found"),
    ],
)
def test_what_is_no_session_or_two_is_refused(stem, words):
    assert words in str(name_parser(Settings())(stem))


def test_the_patients_folder_is_that_around_the_session():
    parse = name_parser(FOLDER)
    assert parse("sub-07/ses-1/anat/ALS_1_3") == ("sub-07", "ALS", "L3", "", "1")
    assert parse("Miller/ALS_1_v2_3") == ("Miller", "ALS", "L3", "", "v2")
    assert "no patient's folder" in str(parse("ses-1/ALS_1_3"))


def test_a_pattern_may_name_the_session():
    pattern = r"(?P<group>[A-Z]+)(?P<patient>\d+)t(?P<session>\w+)L(?P<segment>\d)"
    parse = name_parser(Settings(name_pattern=pattern))
    assert parse("ALS7t2L3") == ("ALS_7", "ALS", "L3", "", "2")
    assert "session 'a_b' was found" in str(parse("ALS7ta_bL3"))


def test_one_slice_of_a_segment_in_each_session_is_no_duplicate():
    found = find_slices(pair("ALS_7_v10_3", "ALS_7_v2_3", "ALS_7_v2_1", "LR_1_v2_3"), (), Settings())
    assert not found.problems
    order = [(s.participant_id, s.session, s.segment) for s in found.slices]
    assert order == [
        ("ALS_7", "v2", "L1"),
        ("ALS_7", "v2", "L3"),
        ("ALS_7", "v10", "L3"),
        ("LR_1", "v2", "L3"),
    ]
    twice = find_slices(pair("a/ALS_7_v2_3", "b/ALS_7_v2_3"), (), Settings())
    assert [p.code for p in twice.problems] == ["duplicate-slice"]
    assert "are all ALS_7 v2 L3" in twice.problems[0].message


def test_sessions_in_folders_are_one_participant_of_one_folder():
    names = pair(*(f"sub-1/ses-{s}/ALS_1_{n}" for s in (1, 2) for n in (3, 4)))
    for settings in (Settings(), FOLDER):
        found = find_slices(names, (), settings)
        assert not found.problems
        assert {s.participant_id for s in found.slices} == {"sub-1" if settings is FOLDER else "ALS_1"}


def test_an_image_is_not_paired_with_the_contours_of_another_session():
    names = ["ses-1/ALS_1_3.png", "ses-2/ALS_1_3.json"]
    found = find_slices(names, (), Settings())
    assert [p.code for p in found.problems] == ["image-without-json"]
    # Of a JSON alone the image may be embedded: it is looked for, and not taken from the other session.
    assert [(s.image, s.session) for s in found.slices] == [(None, "2")]
    across = find_slices(["P1/ses-1/ALS_1_3.png", "P2/ses-1/ALS_1_3.json"], (), FOLDER)
    assert "image-without-json" in {p.code for p in across.problems}


def test_slices_without_a_session_beside_others_are_an_error():
    found = find_slices(pair("ALS_7_v1_3", "ALS_8_3"), (), Settings())
    (problem,) = found.problems
    assert (problem.code, problem.severity, problem.file) == ("no-session", "error", "ALS_8_3.png")
    assert "ALS_7_v1_3.png: v1" in problem.message


def test_two_spellings_of_a_session_are_told():
    found = find_slices(pair("ALS_7_V2_3", "ALS_8_v2_3"), (), Settings())
    assert [p.code for p in found.problems] == ["names-alike"]


def dataset(folder: Path, *stems: str) -> Path:
    for stem in stems:
        write_slice(folder, stem)
    return folder


def test_a_table_of_sessions_is_joined_with_the_participants(tmp_path):
    root = dataset(tmp_path, "ALS_7_v1_3", "ALS_7_v2_3", "LR_1_v1_3")
    (root / "participants.csv").write_text("participant_id,onset_side\nALS_7,left\nLR_1,right\n")
    (root / "sessions.tsv").write_text(
        "participant_id\tsession_id\tdate\nALS_7\tses-v1\t2024-01-31\nALS_7\tses-v2\t2024-07-31\n"
    )
    study = open_dataset(root, Settings())
    assert study.participants_csv == (
        b"participant_id,onset_side,session,months\nALS_7,left,v1,0\n"
        b"ALS_7,left,v2,5.979466119096509\nLR_1,right,v1,\n"
    )
    assert study.participants.value("LR_1", "onset_side") == "right"
    assert not study.problems
    assert set(study.sha256) == {"participants.csv", "sessions.tsv"}


def test_bids_tables_of_sessions_are_of_the_patient_around_them(tmp_path):
    root = dataset(tmp_path, "sub-7/ses-1/ALS_1_3", "sub-7/ses-2/ALS_1_3")
    (root / "sub-7/sub-7_sessions.tsv").write_text(
        "session_id\tacq_time\nses-1\t2024-01-01T09:00:00\nses-2\t2024-03-02T17:30:00\n"
    )
    study = open_dataset(root, FOLDER)
    assert study.participants_csv == b"participant_id,session,months\nsub-7,1,0\nsub-7,2,2.004106776180698\n"
    assert not study.problems


@pytest.mark.parametrize(
    ("table", "code", "words"),
    [
        ("participant_id,date\nALS_7,2024-01-01\n", "bad-table", "no column session"),
        ("session,date\nv1,2024-01-01\n", "no-participant-id", "no column participant_id"),
        ("participant_id,session\nALS_7,v1\nALS_7,v1\n", "duplicate-participant", "more than once"),
        ("participant_id,session\nALS_7,\n", "no-session", "without participant or session"),
        ("participant_id,session,date\nALS_7,v1,31.1.2024\n", "bad-value", "not ISO"),
        ("participant_id,session\nALS_7,v1\nALS_7,v9\n", "other-sessions", "session v9"),
    ],
)
def test_what_is_wrong_with_a_table_of_sessions_is_told(tmp_path, table, code, words):
    root = dataset(tmp_path, "ALS_7_v1_3")
    (root / "sessions.csv").write_text(table)
    told = {p.code: p.message for p in open_dataset(root, Settings()).problems}
    assert words in told[code]


def test_two_tables_of_sessions_are_refused(tmp_path):
    root = dataset(tmp_path, "ALS_7_v1_3")
    (root / "participants.csv").write_text("participant_id,session\nALS_7,v1\n")
    (root / "sessions.csv").write_text("participant_id,session\nALS_7,v1\n")
    assert [p.code for p in open_dataset(root, Settings()).problems] == ["bad-table"]


def test_a_bad_pattern_is_refused_as_before():
    with pytest.raises(UsageError, match="groups group, patient, segment"):
        name_parser(Settings(name_pattern=r"(?P<session>\w+)"))
