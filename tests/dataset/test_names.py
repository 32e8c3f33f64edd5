"""Names that look alike: of files, participants and groups; what is one, what is asked, what is not there."""

from __future__ import annotations

import csv
import filecmp
import io
import json
import shutil
import unicodedata
from pathlib import Path

import pytest

from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.core.participants import match_slices, read_participants
from mriparaspinal.core.spelling import difference, loose_key, near_matches, near_notes
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.strays import json_content
from tests.support.builders import study
from tests.support.builders.slices import own_image, write_dataset, write_slice

HANGUL, ACCENTS = "환자_1_3", "José_1_3"


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def run(*arguments: object) -> tuple[int, str]:
    """Exit code, and what was said."""
    outcome = study.run(*arguments)
    return outcome.code, outcome.out + outcome.err


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def problems(out: Path) -> list[tuple[str, str]]:
    return [(row["severity"], row["code"]) for row in rows(out / "problems.csv")]


def told(files, **arguments) -> list[Problem]:
    return list(find_slices(sorted(files), (), Settings(), **arguments).problems)


def pair(stem: str) -> list[str]:
    return [f"{stem}.png", f"{stem}.json"]


# --- letters that are stored in one piece or in two ---------------------------------------------------------


@pytest.mark.parametrize("stem", [HANGUL, ACCENTS, "Ärzte-ÖÜ_12_L4"])
def test_a_study_from_a_mac_gives_the_same_bytes(tmp_path, stem):
    """Every output of a dataset whose names are decomposed is that of the composed one."""
    group, number, _ = stem.split("_")
    table = f"participant_id,onset_side,group\n{group}_{number},left,{group}\n"
    slices = f"image,row_spacing_mm,col_spacing_mm\n{stem}.png,0.5,0.5\n"
    for name, spelled in (("nfc", str), ("nfd", nfd)):
        # One image in both: it is drawn from the stem.
        write_slice(tmp_path / name, spelled(stem), own_image(stem))
        (tmp_path / name / "participants.csv").write_text(table, encoding="utf-8")
        (tmp_path / name / "slices.csv").write_text(slices, encoding="utf-8")
        assert run("quantify", tmp_path / name, "--out", tmp_path / f"out_{name}", "--quiet")[0] == 0
    names = sorted(path.name for path in (tmp_path / "out_nfc").iterdir())
    same, differing, _ = filecmp.cmpfiles(tmp_path / "out_nfc", tmp_path / "out_nfd", names, shallow=False)
    # The manifest holds the SHA-256 of the JSON, of which imagePath is a part.
    assert set(names) - set(same) <= {"quantify.json"}, differing
    (table,) = (tmp_path / "out_nfd").glob("L?.csv")
    assert {row["role"] for row in rows(table)} == {"symptomatic", "contralateral", "bilateral"}
    assert all(row["csa_mm2"] for row in rows(table))


@pytest.mark.parametrize("stem", [HANGUL, ACCENTS])
@pytest.mark.parametrize("ending", ["png", "json"])
def test_image_and_json_of_one_name_in_two_forms(stem, ending):
    files = [f"{nfd(stem)}.{end}" if end == ending else f"{stem}.{end}" for end in ("png", "json")]
    dataset = find_slices(files, (), Settings())
    assert not dataset.problems
    (slice_,) = dataset.slices
    assert {slice_.image, slice_.annotation} == set(files), "files are opened by their own names"
    assert slice_.participant_id == stem.removesuffix("_3")


def test_one_patient_in_two_forms_is_one_participant():
    dataset = find_slices([*pair("환자_1_3"), *pair(nfd("환자_1_4"))], (), Settings())
    assert {slice_.participant_id for slice_ in dataset.slices} == {"환자_1"}
    by_folder = Settings(patient_from="folder")
    dataset = find_slices([*pair("José/ALS_1_3"), *pair(nfd("José/ALS_2_4"))], (), by_folder)
    assert {slice_.participant_id for slice_ in dataset.slices} == {"José"}
    assert not dataset.problems


def test_two_files_that_become_one_name_are_told_apart():
    (problem,) = told([*pair(ACCENTS), f"{nfd(ACCENTS)}.png"])
    assert (problem.severity, problem.code) == ("error", "duplicate-slice")
    assert r"Jos\xe9_1_3.png" in problem.message
    assert r"Jose\u0301_1_3.png" in problem.message
    both = told([*pair(ACCENTS), *pair(nfd(ACCENTS))])
    assert [problem.code for problem in both] == ["duplicate-slice"]


def test_a_name_pattern_in_either_form():
    pattern = r"(?P<group>José)-(?P<patient>\d+)-(?P<segment>\d)"
    for spelled in (pattern, nfd(pattern)):
        dataset = find_slices(pair(nfd("José-1-3")), (), Settings(name_pattern=spelled))
        assert [slice_.participant_id for slice_ in dataset.slices] == ["José_1"]


def test_an_image_path_that_names_another_file_in_the_other_form(tmp_path):
    write_slice(tmp_path, nfd("José_1_3"))
    write_slice(tmp_path, nfd("José_1_4"), imagePath="José_1_3.png")
    assert run("quantify", tmp_path, "--out", tmp_path / "out", "--quiet")[0] == 4
    assert problems(tmp_path / "out") == [("error", "image-path-names-another")]


def test_label_maps_in_the_other_form(tmp_path):
    write_slice(tmp_path / "data", nfd(ACCENTS))
    assert run("masks", tmp_path / "data", "--out", tmp_path / "masks", "--quiet")[0] == 0
    made = tmp_path / "masks" / f"{ACCENTS}_mask.png"
    assert made.is_file(), "outputs have one spelling"
    made.rename(made.with_name(f"{nfd(ACCENTS)}_mask.png"))
    found = run("quantify", tmp_path / "data", "--masks", tmp_path / "masks", "--out", tmp_path / "out")
    assert found[0] == 0, found[1]
    assert problems(tmp_path / "out") == []


def test_options_and_tables_of_the_statistics_in_either_form(tmp_path):
    lines = [f"{nfd('José')}_{n},{nfd('José')},{n},{n * n % 7}" for n in range(1, 9)]
    lines += [f"LR_{n},LR,{n + 1},{n * 3 % 5}" for n in range(1, 9)]
    header = f"participant_id,group,{nfd('Größe')},score\n"
    (tmp_path / "t.csv").write_text(header + "\n".join(lines), encoding="utf-8")
    for spelled in (str, nfd):
        out = tmp_path / spelled.__name__
        got = run(
            "roc", tmp_path / "t.csv", "--outcome", "group", "--positive", spelled("José"),
            "--predictor", spelled("Größe"), "--out", out / "roc",
        )  # fmt: skip
        assert got[0] == 0, got[1]
        assert rows(out / "roc" / "roc.csv")[0]["predictor"] == "Größe"
        contrast = spelled("group:José-LR")
        got = run("compare", "--table", tmp_path / "t.csv", "--contrast", contrast, "--out", out / "compare")
        assert got[0] == 0, got[1]
        got = run(
            "correlate", "--table", tmp_path / "t.csv", "--score", spelled("Größe"),
            "--group", spelled("José"), "--out", out / "correlate",
        )  # fmt: skip
        assert got[0] == 0, got[1]


def test_a_share_is_named_in_either_form(tmp_path):
    write_slice(tmp_path / "data", nfd(ACCENTS))
    got = run("quantify", tmp_path / "data", "--out", tmp_path / "out", "--participant-label", nfd("José_1"))
    assert got[0] == 0, got[1]


def test_two_columns_that_are_one_name(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    table = f"participant_id,größe,{nfd('größe')}\nALS_1,1,2\n"
    (tmp_path / "data/participants.csv").write_text(table, encoding="utf-8")
    assert run("quantify", tmp_path / "data", "--out", tmp_path / "out", "--quiet")[0] == 4
    assert problems(tmp_path / "out") == [("error", "bad-table")]


# --- ids that are nearly the same ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ("ALS_07", "leading zeros"),
        ("als_7", "case"),
        ("ALS-7", "separators"),
        ("ALS 7", "separators"),
        ("ALS7", "separators"),
        ("als-007", "case and leading zeros and separators"),
        ("ALS_7\u200b", "an invisible character (U+200B)"),
        ("ALS_\u00ad7", "an invisible character (U+00AD)"),
        ("\ufeffALS_7", "an invisible character (U+FEFF)"),
        ("ALS\u00a07", "separators and an invisible character (U+00A0)"),
        ("ＡＬＳ_７", "characters that look alike"),
    ],
)
def test_ids_that_are_nearly_the_same_are_one_finding(other, what):
    assert difference("ALS_7", other) == what
    for slices, table in (("ALS_7", other), (other, "ALS_7")):
        people, _ = read_participants(("participant_id",), [(table,)], "p.csv")
        (problem,) = match_slices(people, {slices: "ALS"}, "p.csv")
        assert (problem.severity, problem.code, problem.shape) == ("warning", "ids-alike", slices)
        assert what in problem.message


@pytest.mark.parametrize("other", ["ALS_70", "ALS_17", "LR_7", "ALS_7_1", "ALS_71", "AL_S_7x"])
def test_ids_of_two_people_are_not_alike(other):
    assert loose_key("ALS_7") != loose_key(other)
    assert near_matches(["ALS_7"], [other]) == []


def test_numbers_do_not_grow_together():
    assert near_matches(["ALS_1_07"], ["ALS_10_7"]) == []


def test_ids_that_both_tables_tell_apart_are_nobodys_mistake():
    assert near_matches(["ALS_7", "ALS_07"], ["ALS_7", "ALS_07"]) == []
    assert near_matches(["ALS_7"], ["ALS_7", "ALS_07"]) == [(("ALS_7",), ("ALS_07", "ALS_7"))]


def test_the_finding_of_a_whole_study(tmp_path):
    write_dataset(tmp_path / "data", als=1, lr=1, segments=(3,))
    (tmp_path / "data/participants.csv").write_text("participant_id,onset_side\nALS_01,left\nLR_1,left\n")
    code, said = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 0
    assert problems(tmp_path / "out") == [("warning", "ids-alike")]
    roles = {(r["participant_id"], r["role"]) for r in rows(tmp_path / "out/L3.csv") if r["side"] == "left"}
    assert roles == {("ALS_1", ""), ("LR_1", "symptomatic")}, "never joined silently"
    assert "ALS_01 in the table and ALS_1 in the file names differ in leading zeros" in said


def test_a_note_of_two_tables():
    (note,) = near_notes(["ALS_7", "LR_1"], ["ALS_07", "LR_1"], "a.csv", "b.csv")
    assert "ALS_7 in a.csv, ALS_07 in b.csv: not joined, as they differ in leading zeros" in note


# --- files whose partner has another name, or lies elsewhere ------------------------------------------------


@pytest.mark.parametrize(
    ("json_name", "what"),
    [
        ("als_1_3.json", "case"),
        ("ALS_01_3.json", "leading zeros"),
        ("ALS-1-3.json", "separators"),
        ("ALS_1_3 .json", "separators"),
        ("ALS_1_3\u200b.json", "an invisible character (U+200B)"),
    ],
)
def test_an_image_and_a_json_of_nearly_one_name(json_name, what):
    files = ["ALS_1_3.png", json_name]
    dataset = find_slices(files, (), Settings())
    (problem,) = dataset.problems
    assert (problem.severity, problem.code) == ("error", "names-differ")
    assert f"differ in {what}" in problem.message
    assert all(name in problem.message for name in files)
    assert not dataset.slices


def test_a_second_json_in_small_letters_is_told():
    (problem,) = told([*pair("ALS_1_3"), "als_1_3.json"])
    assert (problem.severity, problem.code) == ("error", "names-differ")


@pytest.mark.parametrize("image_path", ["..\\images\\ALS_1_3.png", "../images/ALS_1_3.png", "ALS_1_3.png"])
def test_images_and_labels_in_two_folders(tmp_path, image_path):
    """The numbers of slices whose JSON lies in another folder are those of the same files side by side."""
    write_slice(tmp_path / "one", "ALS_1_3", imagePath=image_path)
    for folder, ending in (("images", "png"), ("labels", "json")):
        (tmp_path / "two" / folder).mkdir(parents=True)
        shutil.copy(tmp_path / f"one/ALS_1_3.{ending}", tmp_path / "two" / folder)
    for name in ("one", "two"):
        (tmp_path / name / "slices.csv").write_text(
            "image,row_spacing_mm,col_spacing_mm\nALS_1_3.png,0.5,0.5\n"
        )
        assert run("quantify", tmp_path / name, "--out", tmp_path / f"out_{name}", "--quiet")[0] == 0
    assert problems(tmp_path / "out_two") == []
    one, two = (rows(tmp_path / f"out_{name}/L3.csv") for name in ("one", "two"))
    assert [row | {"image": ""} for row in one] == [row | {"image": ""} for row in two]
    assert {row["image"] for row in two} == {"images/ALS_1_3.png"}
    # The label maps of it are found again.
    assert run("masks", tmp_path / "two", "--out", tmp_path / "m", "--quiet")[0] == 0
    got = run("quantify", tmp_path / "two", "--masks", tmp_path / "m", "--out", tmp_path / "o", "--quiet")
    assert got[0] == 0, got[1]


def test_two_folders_of_labels_are_not_guessed():
    files = ["images/ALS_1_3.png", "rater1/ALS_1_3.json", "rater2/ALS_1_3.json"]
    dataset = find_slices(files, (), Settings())
    (problem,) = dataset.problems
    assert (problem.severity, problem.code) == ("error", "duplicate-slice")
    assert all(name in problem.message for name in files)
    assert not dataset.slices


def test_two_folders_by_patient():
    files = [
        f"{part}/{who}/ALS_1_3.{end}" for part, end in (("images", "png"), ("labels", "json")) for who in "AB"
    ]
    dataset = find_slices(files, (), Settings(patient_from="folder"))
    assert not dataset.problems
    assert [(s.participant_id, s.image, s.annotation) for s in dataset.slices] == [
        (who, f"images/{who}/ALS_1_3.png", f"labels/{who}/ALS_1_3.json") for who in "AB"
    ]


def test_two_folders_where_the_folder_is_the_patient():
    """images/ and labels/ are no patients."""
    settings = Settings(patient_from="folder")
    dataset = find_slices(["images/ALS_1_3.png", "labels/ALS_1_3.json"], (), settings)
    (problem,) = dataset.problems
    assert problem.severity == "error"
    assert all(name in problem.message for name in ("images/ALS_1_3.png", "labels/ALS_1_3.json"))
    assert not dataset.slices


# --- other versions of a file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "ALS_1_3 (1).json", "ALS_1_3(2).json", "ALS_1_3 - Kopie.json", "ALS_1_3 - Kopie (2).json",
        "ALS_1_3 - Copy.json", "ALS_1_3 copy.json", "ALS_1_3 copy 2.json", "Copy of ALS_1_3.json",
        "Kopie von ALS_1_3.json", "Copie de ALS_1_3.json", "ALS_1_3 - copie.json", "ALS_1_3副本.json",
        "ALS_1_3 - 副本.json", "副本 ALS_1_3.json", "ALS_1_3-DESKTOP-7QK.json", "ALS_1_3 2.json",
        "ALS_1_3 (Anna's conflicted copy 2025-01-02).json", "ALS_1_3~.json", "ALS_1_3_old.json",
        "ALS_1_3_AB.json",
        "ALS_1_3 (1).png", "ALS_1_3 - Copy.png", "Copy of ALS_1_3.png", "ALS_1_3_old.png",
    ],
)  # fmt: skip
def test_another_version_of_a_file(name):
    for folder in ("", "site/a/"):
        (problem,) = told([*pair(f"{folder}ALS_1_3"), f"{folder}{name}"])
        assert (problem.severity, problem.code) == ("warning", "other-version")
        assert problem.file == f"{folder}ALS_1_3.json"
        assert name in problem.message
        assert "which is the last?" in problem.message


def test_many_versions_are_one_finding():
    (problem,) = told(
        [*pair("ALS_1_3"), *(f"ALS_1_3 ({n}).json" for n in range(1, 6)), *pair("ALS_1_3 - Copy")]
    )
    assert problem.code == "other-version"
    assert "7 other versions" in problem.message


def test_a_version_where_the_file_itself_is_missing():
    (problem,) = told(["ALS_1_3.png", "ALS_1_3 (1).json"])
    assert (problem.severity, problem.code) == ("error", "image-without-json")
    assert "ALS_1_3 (1).json" in problem.message


@pytest.mark.parametrize(
    "name",
    [
        "ALS_1_35.json",
        "ALS_1_3b.json",
        "ALS_1_3_mask.png",
        "ALS_1_3_overlay.png",
        "notes.json",
    ],
)
def test_what_is_no_version(name):
    (problem,) = told([*pair("ALS_1_3"), name])
    assert (problem.severity, problem.code) == ("warning", "bad-name")


@pytest.mark.parametrize(
    "name", ["ALS_1_3.txt", "old.bak", "ALS_1_3.json.bak", "ALS_1_3.json~", "ALS_1_3.nii.gz"]
)
def test_other_files_are_no_matter(name):
    assert told([*pair("ALS_1_3"), name]) == []


# --- files that are not there yet ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mark",
    [
        "{}.tmp",
        "{}.alias",
        "{}.placeholder",
        ".{}.icloud",
        "{}.owncloud",
        "{}.nextcloud",
        "{}.part",
        "{}.crdownload",
        "{}.filepart",
        "{}.lnk",
        "{}.download",
    ],
)
def test_placeholders_are_errors_one_for_each_slice(mark):
    marked = [mark.format(name) for name in pair("ALS_2_3")]
    (problem,) = told([*pair("ALS_1_3"), *marked])
    assert (problem.severity, problem.code) == ("error", "not-downloaded")
    assert "ALS_2_3.json and ALS_2_3.png" in problem.message
    # One of the two files is there: still one cause, one message.
    for there in pair("ALS_2_3"):
        (problem,) = told([*pair("ALS_1_3"), there, *(m for m in marked if there not in m)])
        assert (problem.severity, problem.code) == ("error", "not-downloaded")


@pytest.mark.parametrize("name", [".participants.csv.icloud", ".slices.csv.icloud", "participants.gsheet"])
def test_placeholders_of_tables(name):
    (problem,) = told([*pair("ALS_1_3"), name])
    assert (problem.severity, problem.code) == ("error", "not-downloaded")


@pytest.mark.parametrize("name", [".paper.docx.icloud", "thesis.gdoc", "movie.mp4.part", "ALS_1_3.png.part"])
def test_placeholders_of_other_files_and_of_files_that_are_there(name):
    assert told([*pair("ALS_1_3"), name]) == []


def test_a_folder_in_the_cloud_is_a_warning():
    (problem,) = told([*pair("a/ALS_1_3"), ".b.icloud"])
    assert (problem.severity, problem.code) == ("warning", "not-downloaded")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "0 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s30737--4d7a.png\n", "git annex get"),
    ],
)
@pytest.mark.parametrize("ending", ["png", "json"])
def test_files_that_stand_for_others_are_errors(tmp_path, raw, said, ending):
    write_slice(tmp_path / "data", "ALS_1_3")
    write_slice(tmp_path / "data", "ALS_1_4")
    (tmp_path / f"data/ALS_1_3.{ending}").write_bytes(raw)
    code, output = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 4
    assert said in output
    assert [severity for severity, _ in problems(tmp_path / "out")] == ["error"]


def test_a_pointer_in_place_of_the_participants(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (tmp_path / "data/participants.csv").write_text(pointer)
    code, output = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 4
    assert "git lfs pull" in output


# --- JSON that is no annotation -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "dataset_description.json",
        "participants.json",
        "sub-01/sub-01_T2w.json",
        "task-rest_bold.json",
        "ALS1.json",
    ],
)
def test_json_of_bids_is_no_matter(tmp_path, name):
    write_slice(tmp_path, "ALS_1_3")
    (tmp_path / "ALS1.nii.gz").touch()  # what ALS1.json stands beside
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps({"Name": "a", "age": {"Units": "years"}}))
    assert run("quantify", tmp_path, "--out", tmp_path / "out", "--quiet")[0] == 0
    assert problems(tmp_path / "out") == []


def test_other_json_is_one_honest_line(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    for name in ("instances_default.json", "instances_val.json"):
        (tmp_path / name).write_text(json.dumps({"images": [], "annotations": [{"id": 1}]}))
    code, said = run("quantify", tmp_path, "--out", tmp_path / "out")
    assert code == 0
    assert problems(tmp_path / "out") == [("warning", "other-json")]
    assert "instances_default.json, instances_val.json: JSON without LabelMe's shapes" in said
    assert "rename" not in said


def test_a_labelme_file_of_a_strange_name_is_still_one(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    write_slice(tmp_path, "sub-01_T2w")
    (tmp_path / "sub-01_T2w.png").unlink()
    assert json_content(tmp_path, "sub-01_T2w.json") == "labelme"
    assert run("quantify", tmp_path, "--out", tmp_path / "out", "--quiet")[0] == 0
    assert problems(tmp_path / "out") == [("warning", "bad-name")]


# --- options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [
        "--fat",
        "--window",
        "--participants",
        "--out",
        "--reference",
        "--threshold",
        "--jobs",
        "--image-left",
    ],
)
def test_an_option_of_one_value_that_is_given_twice(tmp_path, option):
    value = {
        "--window": "0,100",
        "--reference": "VB",
        "--threshold": "50",
        "--jobs": "1",
        "--image-left": "right",
    }
    given = [option, value.get(option, tmp_path)] * 2
    code, said = run(
        "quantify", tmp_path, *([] if option == "--out" else ["--out", tmp_path / "out"]), *given
    )
    assert code == 2
    assert f"{option}: given 2 times; expected it once" in said


def test_options_of_several_values_and_flags_may_be_given_again(tmp_path):
    write_dataset(tmp_path / "data", als=2, lr=0, segments=(3,))
    names = ["--participant-label", "ALS_1", "--participant-label", "ALS_2"]
    got = run("quantify", tmp_path / "data", "--out", tmp_path / "out", *names, "--quiet", "--quiet")
    assert got[0] == 0, got[1]


# --- two tables, and what is said of them -------------------------------------------------------------------


def test_notes_are_whole_in_the_file_and_cut_on_the_terminal(tmp_path):
    lines = [f"ALS_{n},{n},{n * n % 11}" for n in range(1, 41)]
    (tmp_path / "t.csv").write_text("participant_id,fa,score\n" + "\n".join(lines))
    people = "\n".join(f"ALS_{n},{40 + n}" for n in range(1, 10))
    (tmp_path / "p.csv").write_text("participant_id,age\n" + people)
    code, said = run(
        "correlate", "--table", tmp_path / "t.csv", "--participants", tmp_path / "p.csv", "--score", "score",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, said
    notes = (tmp_path / "out/notes.txt").read_text()
    everyone = ", ".join(f"ALS_{n}" for n in range(10, 41))
    assert everyone in notes
    assert everyone not in said
    assert "ALS_10, ALS_11, " in said
    assert "ALS_15 and 25 more (all in notes.txt)" in said


def test_ids_of_two_tables_that_are_nearly_the_same(tmp_path):
    first = "\n".join(f"ALS_{n},{n % 5}" for n in range(1, 13))
    second = "\n".join(f"ALS_{n},{n * n % 7}" for n in range(1, 12))
    (tmp_path / "a.csv").write_text("participant_id,fa\n" + first)
    (tmp_path / "b.csv").write_text(f"participant_id,score\n{second}\nals-012,3\n")
    code, said = run(
        "correlate", "--table", tmp_path / "a.csv", "--join", tmp_path / "b.csv", "--score", "score",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, said
    notes = [line for line in (tmp_path / "out/notes.txt").read_text().splitlines() if "ALS_12" in line]
    assert len(notes) == 1
    assert "not joined, as they differ in case and leading zeros and separators" in notes[0]
    assert rows(tmp_path / "out/correlations.csv")[0]["n"] == "11"


def test_raters_who_write_ids_differently(tmp_path):
    lines = [f"ALS_{n},{rater},{n + (rater == 'B') / 10}" for n in range(1, 6) for rater in "AB"]
    lines += ["ALS_6,A,6", "ALS_06,B,6.1"]
    (tmp_path / "t.csv").write_text("target,rater,value\n" + "\n".join(lines))
    code, said = run("reliability", "--table", tmp_path / "t.csv", "--out", tmp_path / "out")
    assert code == 0, said
    assert "ALS_6 in A, ALS_06 in B: not joined, as they differ in leading zeros" in said


@pytest.mark.parametrize(
    "name", ["participants (1).csv", "participants - Copy.csv", "Copy of participants.csv"]
)
def test_copies_of_the_participants_table(tmp_path, name):
    write_slice(tmp_path / "data", "ALS_1_3")
    table = "participant_id,onset_side\nALS_1,left\n"
    (tmp_path / "data" / name).write_text(table)
    for n, real in enumerate((False, True)):
        if real:
            (tmp_path / "data/participants.csv").write_text(table)
        code, said = run("quantify", tmp_path / "data", "--out", tmp_path / f"out{n}")
        assert code == 0
        assert problems(tmp_path / f"out{n}") == [("warning", "other-version")]
        assert name in said
    given = tmp_path / "data" / name
    run("quantify", tmp_path / "data", "--out", tmp_path / "out3", "--participants", given)
    assert problems(tmp_path / "out3") == []


def test_images_of_slices_csv_that_are_nearly_named(tmp_path):
    write_slice(tmp_path / "data", "ALS_1_3")
    table = "image,row_spacing_mm,col_spacing_mm\nals_1_3.PNG,0.5,0.5\n"
    (tmp_path / "data/slices.csv").write_text(table)
    code, said = run("quantify", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 0
    assert problems(tmp_path / "out") == [("warning", "no-spacing")]
    assert "als_1_3.PNG in the table differs from ALS_1_3.png in case" in said
