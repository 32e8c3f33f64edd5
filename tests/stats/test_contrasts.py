from __future__ import annotations

import pandas as pd
import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.contrasts import (
    Contrast,
    default_contrasts,
    matches,
    members,
    parse_contrast,
    resolve,
)

LOWER = (("onset_region", "lower"),)


def cohort(*people: dict[str, object], sides: bool = True) -> pd.DataFrame:
    """Rows of left, right and both for each participant; the onset side is ``onset`` ('' where unknown)."""
    rows = []
    for number, person in enumerate(people):
        columns = {k: v for k, v in person.items() if k != "onset"}
        onset = person.get("onset", "left")
        for side in ("left", "right", "both") if sides else ("both",):
            role = "bilateral" if side == "both" else ""
            if onset and side != "both":
                role = "symptomatic" if side == onset else "contralateral"
            rows.append(
                {"participant_id": f"P_{number}", "segment": "L1", "muscle": "MF", "side": side, "role": role}
                | columns
            )
    return pd.DataFrame(rows)


STUDY = cohort(
    {"group": "ALS", "onset_region": "lower", "psa": 1.0},
    {"group": "ALS", "onset_region": "upper", "psa": 0.0},
    {"group": "LR", "onset_region": "", "psa": 1.0},
    {"group": "LR", "onset_region": "", "psa": float("nan")},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("side:ALS", ("side", "ALS", "", (), ())),
        (" side : ALS ", ("side", "ALS", "", (), ())),
        ("side:ALS-B", ("side", "ALS-B", "", (), ())),
        ("side:ALS[onset_region=lower]", ("side", "ALS", "", LOWER, LOWER)),
        ("group:ALS-LR", ("group", "ALS", "LR", (), ())),
        ("group:ALS[onset_region=lower]-LR", ("group", "ALS", "LR", LOWER, ())),
        ("group:LR-ALS[onset_region=lower]", ("group", "LR", "ALS", LOWER, LOWER)),
        ("group:LR[]-ALS[onset_region=lower]", ("group", "LR", "ALS", (), LOWER)),
        ("group:ALS[psa=1]-LR[psa=0]", ("group", "ALS", "LR", (("psa", "1"),), (("psa", "0"),))),
        ("psa:1-0[group=ALS]", ("psa", "1", "0", (("group", "ALS"),), (("group", "ALS"),))),
        ("group:ALS[onset_region=lower, psa = 1]-LR[]", ("group", "ALS", "LR", (*LOWER, ("psa", "1")), ())),
        ("group:ALS[site=a-b]-LR", ("group", "ALS", "LR", (("site", "a-b"),), ())),
        ("score:-1-1", ("score", "-1", "1", (), ())),
        ("interaction:ALS-LR", ("interaction", "ALS", "LR", (), ())),
        ("interaction:ALS[onset_region=lower]-LR", ("interaction", "ALS", "LR", LOWER, ())),
        ("interaction:ALS-LR[sex=M]", ("interaction", "ALS", "LR", (("sex", "M"),), (("sex", "M"),))),
    ],
)
def test_spellings(text, expected):
    contrast = parse_contrast(text)
    column, arm_a, arm_b, filter_a, filter_b = expected
    assert contrast == Contrast(text.strip(), column, arm_a, arm_b, filter_a, filter_b)


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "ALS-LR", "group:", ":ALS-LR", "group:ALS", "group:ALS-", "group:-LR", "group:-", "side:",
        "side:[group=ALS]", "group:ALS[onset_region=lower-LR", "group:ALS]-LR", "group:ALS[a=[b]]-LR",
        "group:ALS[lower]-LR", "group:ALS[=lower]-LR", "group:ALS[onset_region=]-LR", "group:ALS[a=1,]-LR",
        "group:ALS[a=1]x-LR", "group:ALS[a=1][b=2]-LR", "side:ALS]",
    ],
)  # fmt: skip
def test_misspellings_name_the_spelling_expected(text):
    with pytest.raises(UsageError, match=r"expected a spelling such as side:ALS, group:ALS-LR") as caught:
        parse_contrast(text)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_two_dashes_need_the_data():
    with pytest.raises(UsageError, match="more than one '-'"):
        parse_contrast("group:ALS-B-LR")


def test_a_dash_in_a_value_is_found_from_the_values():
    data = cohort({"group": "ALS-B"}, {"group": "LR"}, {"group": "L-R"})
    assert resolve("group:ALS-B-LR", data).labels == ("ALS-B", "LR")
    assert resolve("group:LR-ALS-B", data).labels == ("LR", "ALS-B")
    assert resolve("group:ALS-B-L-R", data).labels == ("ALS-B", "L-R")


def test_two_possible_readings_are_an_error():
    data = cohort(*({"group": g} for g in ("A", "B-C", "A-B", "C")))
    with pytest.raises(UsageError, match=r"more than one way; .* A, A-B, B-C, C;"):
        resolve("group:A-B-C", data)


def test_an_interaction_is_of_two_groups_whose_onset_sides_are_known():
    contrast = resolve("interaction:als-LR", STUDY)
    assert (contrast.of, contrast.conditions_b) == ("group", (("group", "LR"),))
    assert set(STUDY[members(STUDY, contrast.conditions_a)].participant_id) == {"P_0", "P_1"}
    data = cohort({"group": "ALS"}, {"group": "LR", "onset": ""})
    with pytest.raises(UsageError, match=r"no onset side is known in LR; .* give onset_side"):
        resolve("interaction:ALS-LR", data)
    with pytest.raises(UsageError, match="some participants are in both arms"):
        resolve("interaction:ALS-ALS", STUDY)


def test_labels_carry_an_own_filter_but_not_a_shared_one():
    assert parse_contrast("group:ALS[onset_region=lower]-LR").labels == ("ALS[onset_region=lower]", "LR")
    assert parse_contrast("group:LR[]-ALS[onset_region=lower]").labels == ("LR", "ALS[onset_region=lower]")
    assert parse_contrast("psa:1-0[group=ALS]").labels == ("1", "0")


def test_filters_choose_the_participants():
    contrast = resolve("group:ALS[onset_region=lower]-LR", STUDY)
    assert set(STUDY[members(STUDY, contrast.conditions_a)].participant_id) == {"P_0"}
    assert set(STUDY[members(STUDY, contrast.conditions_b)].participant_id) == {"P_2", "P_3"}
    within = resolve("psa:1-0[group=ALS]", STUDY)
    assert set(STUDY[members(STUDY, within.conditions_a)].participant_id) == {"P_0"}
    assert set(STUDY[members(STUDY, within.conditions_b)].participant_id) == {"P_1"}


@pytest.mark.parametrize(
    ("cells", "value", "expected"),
    [
        ([1.0, 0.0, float("nan")], "1", [True, False, False]),
        (["1", "1.0", " 01 ", "10", "", None], "1.0", [True, True, True, False, False, False]),
        (["ALS", " als ", "ALS2"], "Als", [True, True, False]),
        (["nan", "inf", ""], "nan", [True, False, False]),
        ([10, 1], "1_0", [False, False]),
        ([pd.NA, 3], "3", [False, True]),
    ],
)
def test_values_match_as_numbers_or_without_case(cells, value, expected):
    assert matches(pd.Series(cells, dtype=object), value).tolist() == expected
    if all(isinstance(cell, str) for cell in cells):
        assert matches(pd.Series(cells, dtype="string"), value).tolist() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group:ALS-HC", "names a value that was not found; expected two values .* ALS, LR"),
        ("grade:1-0", "no column grade was found; expected one of: group, onset_region, psa"),
        ("group:ALS[grade=1]-LR", "no column grade was found"),
        ("group:ALS[onset_region=bulbar]-LR", r"has onset_region bulbar; .* \(lower, upper\)"),
        ("psa:1-0[group=LR]", "no participant has psa 0 and group LR"),
        ("group:LR[onset_region=lower]-ALS[psa=0]", "no participant has group LR and onset_region lower"),
        ("side:HC", r"no participant has group HC; .* \(ALS, LR\)"),
        ("muscle:MF-ES", "column muscle is one of the measurements'"),
        ("group:ALS[side=left]-LR", "column side is one of the measurements'"),
        ("group:ALS-ALS[psa=1]", "some participants are in both arms"),
        ("group:ALS[]-ALS[psa=1]", "some participants are in both arms"),
    ],
)
def test_what_does_not_fit_the_data(text, message):
    with pytest.raises(UsageError, match=message) as caught:
        resolve(text, STUDY)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(";") == 2


def test_one_group_by_two_filters_is_fine():
    assert resolve("group:ALS[onset_region=lower]-ALS[onset_region=upper]", STUDY).arm_b == "ALS"


def test_sides_need_sided_rows():
    with pytest.raises(UsageError, match="no left or right measurements"):
        resolve("side:ALS", cohort({"group": "ALS"}, sides=False))


def test_the_papers_set():
    people = [
        {"group": g, "psa": p, "onset_region": r}
        for g in ("LR", "ALS")
        for p in (1.0, 0.0)
        for r in ("lower", "upper")
    ]
    contrasts, notes = default_contrasts(cohort(*people))
    assert [c.text for c in contrasts] == [
        "side:ALS", "side:LR", "group:ALS-LR", "group:ALS[onset_region=lower]-LR",
        "psa:1-0[group=ALS]", "psa:1-0[group=LR]",
    ]  # fmt: skip
    assert notes == []


def test_each_default_can_be_asked_for_by_its_text():
    people = [
        {"group": g, "psa": p, "onset_region": "lower"} for g in ("LR", "ALS", "HC") for p in (1.0, 0.0)
    ]
    data = cohort(*people)
    contrasts, _ = default_contrasts(data)
    assert [resolve(c.text, data) for c in contrasts] == contrasts


def test_other_groups_come_in_alphabetical_pairs():
    contrasts, notes = default_contrasts(cohort(*({"group": g} for g in ("SMA", "LR", "hc", "ALS"))))
    assert [c.text for c in contrasts] == [
        "side:ALS", "side:LR", "side:hc", "side:SMA",
        "group:ALS-LR", "group:ALS-hc", "group:ALS-SMA", "group:hc-LR", "group:hc-SMA", "group:LR-SMA",
    ]  # fmt: skip
    assert any("no column onset_region" in note for note in notes)
    assert "psa contrasts skipped: the participants table has no column psa" in notes


def test_a_default_without_participants_is_skipped_with_a_note():
    contrasts, notes = default_contrasts(STUDY)
    assert "psa:1-0[group=LR]" not in [c.text for c in contrasts]
    assert [n for n in notes if "psa:1-0[group=LR]" in n and "no participant has psa 0" in n]


def test_groups_that_differ_in_case_are_one():
    contrasts, _ = default_contrasts(cohort({"group": "ALS"}, {"group": "als"}, {"group": "LR"}))
    assert [c.text for c in contrasts] == ["side:ALS", "side:LR", "group:ALS-LR"]


def test_a_group_named_with_dashes_is_no_riddle_by_default():
    contrasts, _ = default_contrasts(cohort(*({"group": g} for g in ("A", "B-C", "A-B", "C"))))
    arms = {(c.arm_a, c.arm_b) for c in contrasts if c.text == "group:A-B-C"}
    assert arms == {("A", "B-C"), ("A-B", "C")}


def test_one_group_without_onset_sides_has_nothing_to_compare():
    contrasts, notes = default_contrasts(cohort({"group": "ALS", "onset": ""}))
    assert contrasts == []
    assert any(note.startswith("side:ALS skipped") for note in notes)
    assert any("only group" in note for note in notes)


def test_nobody_with_a_group():
    assert default_contrasts(cohort({"group": ""}))[0] == []
    assert default_contrasts(cohort({"psa": 1.0}))[1] == [
        "default contrasts skipped: no participant has a group"
    ]
