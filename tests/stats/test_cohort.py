from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.model import COLUMNS
from mriparaspinal.stats.cohort import assemble


def measured(*ids: str, **changes: object) -> pd.DataFrame:
    """Rows as in ``L1.csv`` for left, right and both; group from the id, role empty on the sides."""
    rows = [
        dict.fromkeys(COLUMNS, np.nan)
        | {
            "participant_id": who, "group": who.split("_")[0], "segment": "L1", "muscle": "MF", "side": side,
            "role": "bilateral" if side == "both" else np.nan, "fi": 0.25, "image": f"{who}_1.png",
        }
        | changes
        for who in ids
        for side in ("left", "right", "both")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def people(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def roles(cohort: pd.DataFrame, who: str) -> list[str]:
    return cohort.loc[cohort.participant_id == who, "role"].tolist()


def test_roles_follow_the_onset_side():
    table = people(participant_id=["ALS_1", "ALS_2", "ALS_3"], onset_side=["left", "right", ""])
    cohort, notes = assemble(measured("ALS_1", "ALS_2", "ALS_3"), table)
    assert cohort.side.tolist() == ["both", "left", "right"] * 3
    assert roles(cohort, "ALS_1") == ["bilateral", "symptomatic", "contralateral"]
    assert roles(cohort, "ALS_2") == ["bilateral", "contralateral", "symptomatic"]
    assert roles(cohort, "ALS_3") == ["bilateral", "", ""]
    assert notes == ["onset side: unknown for 1 participant: ALS_3"]


def test_columns_of_the_participants_are_joined():
    table = people(
        participant_id=["ALS_1", "LR_1"],
        onset_side=["left", "left"],
        psa=[1.0, np.nan],
        bmi=[24.5, 22.0],
        onset_region=["lower", None],
    )
    cohort, _ = assemble(measured("ALS_1", "LR_1", "LR_2"), table)
    one = cohort[cohort.side == "left"].set_index("participant_id")
    assert one.loc["ALS_1", ["psa", "bmi", "onset_region"]].tolist() == [1.0, 24.5, "lower"]
    assert np.isnan(one.loc["LR_1", "psa"])
    assert one["onset_region"].tolist() == ["lower", "", ""]
    assert np.isnan(one.loc["LR_2", "bmi"])
    assert cohort["bmi"].dtype == float
    assert set(COLUMNS) <= set(cohort.columns)
    assert cohort["fi"].tolist() == [0.25] * 9


def test_the_order_of_the_rows_does_not_matter():
    rows = pd.concat(
        [measured("ALS_10", "ALS_9", "LR_1"), measured("ALS_9", segment="L2", muscle="ES")], ignore_index=True
    )
    table = people(participant_id=["LR_1", "ALS_10", "ALS_9"], onset_side=["left", "right", "right"])
    first, notes = assemble(rows, table)
    second, again = assemble(rows.sample(frac=1, random_state=1), table.iloc[::-1])
    pd.testing.assert_frame_equal(first, second)
    assert notes == again
    assert list(dict.fromkeys(first.participant_id)) == ["ALS_9", "ALS_10", "LR_1"]


def test_who_is_missing_where():
    table = people(participant_id=["ALS_1", "LR_10", "LR_9"], onset_side=["left"] * 3)
    _, notes = assemble(measured("ALS_1", "ALS_12", "ALS_2"), table)
    assert notes == [
        "participants table: no row for 2 participants with measurements: ALS_2, ALS_12",
        "participants table: 2 participants without measurements: LR_9, LR_10",
        "onset side: unknown for 2 participants: ALS_2, ALS_12",
    ]


def test_without_a_table_the_measurements_speak():
    rows = measured("ALS_1")
    rows["role"] = ["symptomatic", "contralateral", "bilateral"]
    cohort, notes = assemble(rows, None)
    assert roles(cohort, "ALS_1") == ["bilateral", "symptomatic", "contralateral"]
    assert notes == ["no participants table: groups and roles as in the measurements"]


def test_without_the_column_the_measurements_speak():
    rows = measured("ALS_1")
    rows["role"] = ["contralateral", "symptomatic", np.nan]
    cohort, notes = assemble(rows, people(participant_id=["ALS_1"], age=[50.0]))
    assert roles(cohort, "ALS_1") == ["bilateral", "contralateral", "symptomatic"]
    assert notes == ["participants table: no column onset_side; roles as in the measurements"]


def test_measures_of_different_rules_are_noted():
    rows = measured("ALS_1", "ALS_2")
    assert not any("different measures" in note for note in assemble(rows.assign(fat_rule="otsu"), None)[1])
    mixed = rows.assign(fat_rule=["fixed"] + ["otsu"] * (len(rows) - 1), mask_rule="labelme")
    notes = [note for note in assemble(mixed, None)[1] if "different measures" in note]
    assert len(notes) == 1
    assert notes[0].startswith("fat_rule: fixed and otsu in one table")


def test_no_onset_side_at_all():
    _, notes = assemble(measured("ALS_1", "ALS_2"), None)
    assert notes[-1] == "onset side: known for no participant; no side is symptomatic or contralateral"


def test_the_tables_group_counts_where_it_has_one():
    table = people(participant_id=["S_1", "S_2"], group=["ALS", ""])
    cohort, _ = assemble(measured("S_1", group=np.nan), table)
    assert set(cohort.group) == {"ALS"}
    cohort, notes = assemble(measured("S_2"), table)
    assert set(cohort.group) == {"S"}
    _, notes = assemble(measured("S_2", group=""), table)
    assert "group: unknown for 1 participant: S_2" in notes


def test_a_participants_column_named_like_a_measured_one_is_left_out():
    cohort, notes = assemble(
        measured("ALS_1"), people(participant_id=["ALS_1"], fi=[9.0], onset_side=["left"])
    )
    assert cohort["fi"].tolist() == [0.25] * 3
    assert notes == ["participants table: column fi left out: the measurements have a column of that name"]


def test_ids_that_are_numbers():
    rows = measured("ALS_1").assign(participant_id=7)
    cohort, notes = assemble(rows, people(participant_id=[7], onset_side=["right"], smoker=[True]))
    assert roles(cohort, "7") == ["bilateral", "contralateral", "symptomatic"]
    assert cohort["smoker"].tolist() == [1.0] * 3
    assert notes == []


def test_the_input_is_left_alone():
    rows, table = measured("ALS_1"), people(participant_id=["ALS_1"], onset_side=["left"])
    before = rows.copy(), table.copy()
    assemble(rows, table)
    pd.testing.assert_frame_equal(rows, before[0])
    pd.testing.assert_frame_equal(table, before[1])


LEFT = people(participant_id=["ALS_1"], onset_side=["left"], group=["ALS"])


@pytest.mark.parametrize(
    ("rows", "table", "message"),
    [
        (
            measured("ALS_1", group="LR"),
            LEFT,
            "ALS_1: group 'LR' in the measurements, 'ALS' in the participants",
        ),
        (
            measured("ALS_1").assign(role=["contralateral", "symptomatic", "bilateral"]),
            LEFT,
            "ALS_1: role 'contralateral' of side left in the measurements, 'symptomatic' by the participants",
        ),
        (
            measured("ALS_1").assign(role=["symptomatic", "contralateral", "bilateral"]),
            people(participant_id=["ALS_1"], onset_side=[""]),
            "ALS_1: role 'symptomatic' of side left in the measurements, 'no onset side' by the participants",
        ),
        (measured("ALS_1", "ALS_1"), LEFT, "ALS_1 L1 MF left: found more than once"),
        (measured("ALS_1"), people(participant_id=["ALS_1", "ALS_1 "]), "ALS_1 was found more than once"),
        (measured("ALS_1"), people(participant_id=["ALS_1"], onset_side=["L"]), "onset_side 'L' of ALS_1"),
        (measured("ALS_1", participant_id=""), None, "without participant_id"),
        (measured("ALS_1").assign(side=["l", "r", "both"]), None, "side 'l' was found"),
        (measured("ALS_1", role="worse"), None, "role 'worse' of ALS_1"),
        (
            measured("ALS_1").assign(role=["symptomatic"] * 3),
            None,
            "both sides the onset side|role 'symptomatic'",
        ),
        (
            measured("ALS_1").assign(role=["symptomatic", "symptomatic", ""]),
            None,
            "both sides the onset side",
        ),
        (measured("ALS_1").assign(role=["bilateral", "", ""]), None, "role 'bilateral' on side 'left'"),
        (measured("ALS_1").assign(group=["ALS", "LR", "ALS"]), None, "groups 'ALS' and 'LR' of ALS_1"),
    ],
)
def test_contradictions(rows, table, message):
    with pytest.raises(NoInputError, match=message) as caught:
        assemble(rows, table)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3
