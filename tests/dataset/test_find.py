"""Which slices belong to whom: names, pairs, and what is said where that is not sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Settings
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.names import name_parser

FOLDER = Settings(patient_from="folder")


def pair(*stems: str) -> list[str]:
    return [f"{stem}{ending}" for stem in stems for ending in (".json", ".png")]


def found(names: list[str], settings: Settings | None = None, dead: tuple[str, ...] = ()):
    dataset = find_slices(names, dead, settings or Settings())
    people = [(s.participant_id, s.group, s.segment) for s in dataset.slices]
    return people, {(p.code, p.severity): p for p in dataset.problems}


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("ALS_7_3", ("ALS_7", "ALS", "L3")),
        ("ALS_7_L3", ("ALS_7", "ALS", "L3")),
        ("ALS_7_l3", ("ALS_7", "ALS", "L3")),
        ("als_7_3", ("als_7", "als", "L3")),
        ("LR_12_5", ("LR_12", "LR", "L5")),
        ("ALS-lower_007_1", ("ALS-lower_007", "ALS-lower", "L1")),
        ("Gruppe1_7_3", ("Gruppe1_7", "Gruppe1", "L3")),
        ("Grüße_7_3", ("Grüße_7", "Grüße", "L3")),
        ("a folder/ü ß/ALS_7_3", ("ALS_7", "ALS", "L3")),
    ],
)
def test_names_of_the_contract(stem, expected):
    people, problems = found(pair(stem))
    assert people == [expected]
    assert not problems


@pytest.mark.parametrize(
    "stem",
    [
        "ALS_7_6",
        "ALS_7_0",
        "ALS_7_L",
        "ALS_7_L33",
        "ALS_7",
        "ALS7_3",
        "ALS 7 3",
        "_7_3",
        "7_3",
        "1_7_3",
        "ALS_x_3",
        "ALS__3",
        "ALS_7_3 ",
        "ALS_7_3 (1)",
        "ALS_7_3_copy",
        "ALS_-7_3",
        "ALS_٧_3",
        "ALS_7_3\n",
    ],
)
def test_a_pair_with_a_bad_name_is_an_error(stem):
    people, problems = found(pair(stem, "LR_1_1"))
    assert people == [("LR_1", "LR", "L1")]
    problem = problems["bad-name", "error"]
    assert stem in problem.message
    assert "; expected" in problem.message
    assert "ALS_7_3" in problem.message
    assert "--name-pattern" in problem.remedy


@pytest.mark.parametrize("name", ["notes.json", "logo.png", "ALS_1_3_overlay.png"])
def test_a_stray_file_of_another_name_is_a_warning(name):
    _, problems = found([name])
    assert set(problems) == {("bad-name", "warning")}


def test_files_of_other_kinds_are_no_matter():
    names = [
        "participants.csv",
        "slices.csv",
        "ALS_1_3.nii.gz",
        "ALS_1_3.dcm",
        "README",
        "a.json.bak",
        "quantify.json",
        "masks.json",
    ]
    assert found(names) == ([], {})


@pytest.mark.parametrize(
    "names",
    [
        ["ALS_1_3.PNG", "ALS_1_3.JSON"],
        ["ALS_1_3.Png", "ALS_1_3.json"],
        ["ALS_1_3.JPEG", "ALS_1_3.json"],
        ["ALS_1_3.jpg", "ALS_1_3.Json"],
    ],
)
def test_endings_are_read_without_regard_to_case(names):
    people, problems = found(names)
    assert people == [("ALS_1", "ALS", "L3")]
    assert not problems


def test_stems_that_differ_in_case_are_not_paired():
    dataset = find_slices(["als_1_3.png", "ALS_1_3.json"], (), Settings())
    (problem,) = dataset.problems
    assert (problem.severity, problem.code) == ("error", "names-differ")
    assert all(part in problem.message for part in ("als_1_3.png", "ALS_1_3.json", "differ in case"))
    assert not dataset.slices


def test_an_image_without_json():
    people, problems = found(["ALS_1_3.png"])
    assert people == []
    problem = problems["image-without-json", "error"]
    assert problem.file == "ALS_1_3.png"
    assert "ALS_1_3.json" in problem.message


def test_a_json_alone_stays_a_slice_whose_image_may_be_embedded():
    dataset = find_slices(["ALS_1_3.json"], (), Settings())
    assert dataset.slices[0].image is None
    assert dataset.slices[0].name == "ALS_1_3.json"


@pytest.mark.parametrize(
    "names", [["ALS_1_3.png", "ALS_1_3.jpg", "ALS_1_3.json"], ["ALS_1_3.png", "ALS_1_3.json", "ALS_1_3.JSON"]]
)
def test_two_files_that_could_be_one_slice(names):
    people, problems = found(names)
    assert people == []
    message = problems["duplicate-slice", "error"].message
    doubled = [n for n in names if n.lower().endswith("json")] if "ALS_1_3.JSON" in names else names[:2]
    assert all(name in message for name in doubled)


@pytest.mark.parametrize("second", ["ALS_1_L3", "b/ALS_1_3", "ALS_1_l3"])
def test_duplicates_name_both_files_and_both_options(second):
    people, problems = found(pair("ALS_1_3", second, "LR_1_2"))
    assert people == [("LR_1", "LR", "L2")], "neither of the two may be measured"
    problem = problems["duplicate-slice", "error"]
    line = problem.line()
    for part in ("ALS_1_3.png", f"{second}.png", "--name-pattern", "--patient-from folder"):
        assert part in line


def test_three_slices_for_one_place_are_all_named():
    _, problems = found(pair("a/ALS_1_3", "b/ALS_1_3", "c/ALS_1_3"))
    assert all(f"{f}/ALS_1_3.png" in problems["duplicate-slice", "error"].message for f in "abc")


# Own patterns


def test_name_pattern():
    pattern = r"(?P<patient>\d+)-(?P<group>[A-Z]+)-(?P<segment>[1-5])"
    people, problems = found(pair("7-ALS-3", "8-LR-4", "ALS_7_3"), Settings(name_pattern=pattern))
    assert people == [("ALS_7", "ALS", "L3"), ("LR_8", "LR", "L4")]
    assert pattern in problems["bad-name", "error"].message


def test_a_pattern_must_fit_the_whole_name():
    pattern = r"(?P<group>ALS)_(?P<patient>\d+)_(?P<segment>\d)"
    people, _ = found(pair("xALS_7_3", "ALS_7_3x", "ALS_7_33"), Settings(name_pattern=pattern))
    assert people == []


def test_a_segment_that_is_none_is_an_error_even_where_the_pattern_lets_it_through():
    pattern = r"(?P<group>\w+?)_(?P<patient>\d+)_(?P<segment>\w+)"
    people, problems = found(pair("ALS_7_S1", "LR_1_T12"), Settings(name_pattern=pattern))
    assert people == []
    assert "expected 1 to 5 or L1 to L5" in problems["bad-name", "error"].message


@pytest.mark.parametrize("optional", ["group", "patient", "segment"])
def test_a_group_of_the_pattern_that_matched_nothing(optional):
    parts = {"group": r"[A-Z]+", "patient": r"\d+", "segment": r"[1-5]"}
    texts = {"group": "ALS", "patient": "7", "segment": "3"}
    pattern = "_".join(
        f"(?P<{name}>{part})" + ("?" if name == optional else "") for name, part in parts.items()
    )
    stem = "_".join("" if name == optional else text for name, text in texts.items())
    people, problems = found(pair(stem), Settings(name_pattern=pattern))
    assert people == []
    assert ("bad-name", "error") in problems


@pytest.mark.parametrize(
    ("pattern", "missing"),
    [
        (r"(?P<group>[A-Z]+)_(?P<segment>\d)", ["(?P<patient>"]),
        (r"(?P<patient>\d+)", ["(?P<group>", "(?P<segment>"]),
        (r".*", ["(?P<group>", "(?P<patient>", "(?P<segment>"]),
    ],
)
def test_a_pattern_without_its_groups_is_refused(pattern, missing):
    with pytest.raises(UsageError) as caught:
        find_slices([], (), Settings(name_pattern=pattern))
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert message.startswith("--name-pattern: ")
    assert all(name in message for name in missing)
    assert message.count("; ") == 2


def test_by_folder_a_pattern_needs_no_patient():
    pattern = r"(?P<group>[A-Z]+)(?P<segment>\d)"
    settings = Settings(name_pattern=pattern, patient_from="folder")
    assert found(pair("p1/ALS3"), settings)[0] == [("p1", "ALS", "L3")]


@pytest.mark.parametrize("pattern", ["(", "(?P<group>", "[", "*", "(?P<group>a)(?P<group>b)"])
def test_a_broken_pattern_is_refused(pattern):
    with pytest.raises(UsageError, match=r"--name-pattern: .*; expected a regular expression; correct it"):
        name_parser(Settings(name_pattern=pattern))


# One folder per patient


def test_patient_from_folder():
    names = pair("Müller Ä/ALS_1_3", "Müller Ä/ALS_2_4", "x/patient 2/LR_1_3", "x/patient 10/LR_2_3")
    people, problems = found(names, FOLDER)
    assert people == [
        ("Müller Ä", "ALS", "L3"),
        ("Müller Ä", "ALS", "L4"),
        ("patient 2", "LR", "L3"),
        ("patient 10", "LR", "L3"),
    ]
    assert not problems


def test_by_folder_a_slice_in_the_root_has_no_patient():
    people, problems = found(pair("ALS_1_3", "p1/ALS_2_3"), FOLDER)
    assert people == [("p1", "ALS", "L3")]
    assert "folder" in problems["bad-name", "error"].message


def test_two_folders_of_one_name_are_not_one_patient():
    people, problems = found(pair("a/p1/ALS_1_3", "b/p1/ALS_1_4", "a/p2/ALS_1_3"), FOLDER)
    assert people == [("p2", "ALS", "L3")]
    problem = problems["mixed-patients", "error"]
    assert "a/p1" in problem.message
    assert "b/p1" in problem.message


def test_two_folders_of_one_name_with_the_same_segment():
    people, problems = found(pair("a/p1/ALS_1_3", "b/p1/ALS_1_3"), FOLDER)
    assert people == []
    assert "a/p1/ALS_1_3.png" in problems["duplicate-slice", "error"].message


def test_two_groups_in_one_patients_folder():
    people, problems = found(pair("p1/ALS_1_3", "p1/LR_1_4"), FOLDER)
    assert people == []
    message = problems["mixed-patients", "error"].message
    assert "ALS" in message
    assert "LR" in message


# Traps that cannot be told for sure: warnings


def test_one_segment_each_in_folders_of_several():
    people, problems = found(pair("p1/ALS_1_1", "p1/ALS_2_2", "p2/LR_1_1", "p2/LR_2_2"))
    assert len(people) == 4
    problem = problems["one-segment-each", "warning"]
    assert problem.file in ("p1", "p2")
    assert "--patient-from folder" in problem.remedy


def test_one_segment_each_in_the_root():
    assert ("one-segment-each", "warning") in found(pair("ALS_1_1", "ALS_2_2"))[1]


@pytest.mark.parametrize(
    "stems",
    [
        ["ALS_1_3", "ALS_1_4", "ALS_2_3"],  # several segments each
        ["ALS_1_3", "ALS_2_3", "LR_1_3"],  # a study of one segment
        ["p1/ALS_1_3", "p2/ALS_2_4"],  # one slice per folder
        ["L3/ALS_1_3", "L3/ALS_2_3", "L4/ALS_1_4", "L4/ALS_2_4"],  # one folder per segment
        ["ALS_1_3"],
    ],
)
def test_no_such_warning_where_the_names_tell_patients_apart(stems):
    assert not found(pair(*stems))[1]


def test_no_such_warning_by_folder():
    assert not found(pair("p1/ALS_1_1", "p1/ALS_2_2"), FOLDER)[1]


def test_patients_that_grow_together_over_folders():
    """N counts the images of each folder: ALS_1 here is two patients, whose segments happen to differ."""
    names = pair("p1/ALS_1_1", "p1/ALS_2_2", "p2/ALS_1_2", "p2/ALS_2_3")
    problem = found(names)[1]["several-folders", "warning"]
    assert "p1" in problem.message
    assert "p2" in problem.message
    assert "--patient-from folder" in problem.remedy


@pytest.mark.parametrize(
    ("stems", "both"),
    [
        (["ALS_7_3", "ALS_07_4"], ("ALS_7", "ALS_07")),
        (["ALS_7_3", "ALS_7_4", "als_7_5"], ("ALS_7", "als_7")),
    ],
)
def test_one_patient_written_in_two_ways(stems, both):
    people, problems = found(pair(*stems))
    assert len(people) == len(stems)
    assert all(name in problems["names-alike", "warning"].message for name in both)


def test_one_group_written_in_two_ways():
    _, problems = found(pair("ALS_1_3", "ALS_1_4", "als_2_3"))
    assert "ALS and als" in problems["names-alike", "warning"].message


# Links, order, many


def test_dead_names():
    _, problems = found([], dead=("ALS_1_3.png", "p7/"))
    assert problems["broken-link", "error"].file == "ALS_1_3.png"
    assert problems["unreadable-folder", "error"].file == "p7/"
    _, problems = found([], dead=("participants.csv",))
    assert problems["broken-link", "error"].file == "participants.csv"
    _, problems = found([], dead=("patient 7",))
    assert problems["broken-link", "warning"].file == "patient 7"


def test_order_is_by_group_then_number_then_segment():
    people, _ = found(pair("LR_1_1", "ALS_10_1", "ALS_9_5", "ALS_9_2", "ALS_10_L3"))
    assert people == [
        ("ALS_9", "ALS", "L2"),
        ("ALS_9", "ALS", "L5"),
        ("ALS_10", "ALS", "L1"),
        ("ALS_10", "ALS", "L3"),
        ("LR_1", "LR", "L1"),
    ]


@given(st.permutations([*pair("ALS_1_3", "ALS_1_L3", "ALS_2_1", "x_y", "LR_10_2", "LR_9_2"), "LR_3_3.png"]))
def test_the_order_of_the_files_does_not_matter(names):
    expected = find_slices(sorted(names), (), Settings())
    shuffled = find_slices(names, (), Settings())
    assert shuffled.slices == expected.slices
    assert {(p.code, p.severity) for p in shuffled.problems} == {
        (p.code, p.severity) for p in expected.problems
    }


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_file_name_is_a_slice_or_a_problem(stems):
    """Nothing that looks like a slice is passed over."""
    stems = sorted({stem.replace("/", "").replace(".", "") for stem in stems} - {""})
    dataset = find_slices(pair(*stems), (), Settings())
    told = {s.annotation for s in dataset.slices}
    said = " ".join(f"{p.file} {p.message}" for p in dataset.problems)
    for stem in stems:
        assert f"{stem}.json" in told or stem in said


def test_two_thousand_files():
    stems = [
        f"{group}_{n}_{segment}" for group in ("ALS", "LR") for n in range(100) for segment in range(1, 6)
    ]
    dataset = find_slices(sorted(pair(*stems)), (), Settings())
    assert len(dataset.slices) == 1000
    assert not dataset.problems


TEXTS = st.text(st.sampled_from("A_a-é. 0019\U0001f600\udcfc"), max_size=8).map("A{}z".format)


@given(st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from("135"), st.sampled_from(["a", "b", "2", "10"]))))
def test_slices_come_in_natural_order(parts):
    pattern = "(?P<group>.+)~(?P<patient>.+)~(?P<segment>.)~(?P<slice>.+)"
    names = [f"{'~'.join(part)}.{ending}" for part in sorted(set(parts)) for ending in ("json", "png")]
    slices = find_slices(names, (), Settings(name_pattern=pattern)).slices
    by_name = sorted(slices, key=lambda slice_: slice_.name)
    assert list(slices) == sorted(
        by_name,
        key=lambda s: (natural_key(s.group), natural_key(s.participant_id), s.segment, natural_key(s.letter)),
    )
    assert bool(slices) == bool(parts)


def test_names_with_dots_find_their_partners():
    settings = Settings(name_pattern="(?P<group>A)_(?P<patient>[0-9]+)_(?P<segment>3)([.](?P<slice>.))?")
    stems = ["A_1_3.j", "A_1_3.k", "A_1_3.k/A_2_3", "A_3_3", "x.y/A_4_3", "x/A_5_3"]
    dataset = find_slices(sorted(pair(*stems)), (), settings)
    assert [(s.image, s.annotation) for s in dataset.slices] == [(f"{s}.png", f"{s}.json") for s in stems]
    assert dataset.problems == ()


# TIFF and BMP


@pytest.mark.parametrize("ending", [".tif", ".TIF", ".tiff", ".bmp"])
def test_a_tiff_or_bmp_with_its_json_is_a_slice(ending):
    dataset = find_slices(["ALS_1_3.json", f"ALS_1_3{ending}", *pair("ALS_1_4")], (), Settings())
    assert [s.image for s in dataset.slices] == [f"ALS_1_3{ending}", "ALS_1_4.png"]
    assert not dataset.problems


def test_one_without_a_json_is_told_as_any_image():
    people, problems = found([*pair("ALS_1_4"), "ALS_1_3.tif"])
    assert people == [("ALS_1", "ALS", "L4")]
    assert ("image-without-json", "error") in problems


@pytest.mark.parametrize("original", ["ALS_1_3.tif", "raw/ALS_1_3.tif", "raw/ALS_1_L3.BMP"])
@pytest.mark.parametrize("alone", [False, True])
def test_the_original_of_an_exported_png_is_no_slice_of_its_own(original, alone):
    dataset = find_slices([*pair("ALS_1_3"), original], (), Settings(), images_alone=alone)
    assert [s.image for s in dataset.slices] == ["ALS_1_3.png"]
    assert not dataset.problems


def test_a_tiff_in_another_patients_folder_is_not_the_original():
    people, problems = found([*pair("a/ALS_1_3"), "b/ALS_1_3.tif"], FOLDER)
    assert people == [("a", "ALS", "L3")]
    assert ("image-without-json", "error") in problems


def test_two_slices_with_contours_are_still_duplicates():
    _, problems = found([*pair("ALS_1_3"), "raw/ALS_1_3.tif", "raw/ALS_1_3.json"])
    assert ("duplicate-slice", "error") in problems
    _, problems = found(["ALS_1_3.json", "ALS_1_3.tif", "ALS_1_3.bmp"])
    assert ("duplicate-slice", "error") in problems
