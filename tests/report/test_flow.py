"""The flow of participants, against a study of which is known who is left out, and why."""

from __future__ import annotations

import itertools

import pandas as pd

from mriparaspinal.core.model import Problem
from mriparaspinal.report.flow import Analysed, LeftOut, analysed, flow
from mriparaspinal.report.slices import RowView, SliceView

A_ROW = RowView("MF", "left", "100", "–", "0.1", "0.2", "–", 100, 10)


def a_slice(who: str, segment: str, measured: bool = True, problem: str = "") -> SliceView:
    problems = (Problem(f"{who}.json", "", "error", "bad-json", problem, "save it again"),) if problem else ()
    rows = (A_ROW,) if measured else ()
    return SliceView(
        who, who.split("_")[0], segment, f"{who}_{segment}.png", "", 50.0, rows, None, (), problems
    )


def long_table(*places: tuple[str, str, str], onset_known: tuple[str, ...] = ()) -> pd.DataFrame:
    """Rows (who, segment, side); the left side is that of the onset."""
    roles = {"left": "symptomatic", "right": "contralateral"}
    rows = [
        {
            "participant_id": who, "group": who[:-2], "segment": segment, "muscle": "MF", "side": side,
            "role": roles[side] if who in onset_known else "",
        }
        for who, segment, side in places
    ]  # fmt: skip
    return pd.DataFrame(rows)


def both(who: str, *segments: str) -> list[tuple[str, str, str]]:
    return [(who, *place) for place in itertools.product(segments, ("left", "right"))]


def test_who_is_left_out_of_which_step_and_why():
    people = pd.DataFrame(
        {"participant_id": ["ALS_1", "ALS_2", "LR_1", "LR_2"], "group": ["ALS"] * 2 + ["LR"] * 2}
    )
    views = [
        *(a_slice("ALS_1", s) for s in ("L4", "L5")),
        *(a_slice("LR_1", s) for s in ("L4", "L5")),
        *(a_slice("LR_2", s, measured=False, problem=f"broken at {s}") for s in ("L4", "L5")),
    ]
    rows = long_table(
        *both("ALS_1", "L4", "L5"), *both("LR_1", "L4"), ("LR_1", "L5", "left"), onset_known=("ALS_1",)
    )
    steps = flow(people, rows, views)
    assert [(step.number, step.name, step.by_group, step.left_out) for step in steps] == [
        (4, "in the study", (("ALS", 2), ("LR", 2)), ()),
        (3, "with slices", (("ALS", 1), ("LR", 2)), (LeftOut("no slice in the dataset", 1, "ALS_2"),)),
        (2, "measured", (("ALS", 1), ("LR", 1)), (LeftOut("broken at L4", 1, "LR_2"),)),
        (
            1,
            "measured at every level, on both sides",
            (("ALS", 1), ("LR", 0)),
            (LeftOut("1 muscle missing", 1, "LR_1"),),
        ),
        (1, "with a known onset side", (("ALS", 1), ("LR", 0)), (LeftOut("not known", 1, "LR_1"),)),
    ]
    assert [step.aside for step in steps] == [False, False, False, True, True]


def test_a_level_that_is_missing_whole_is_named_once():
    views = [a_slice("ALS_1", "L4"), a_slice("ALS_2", "L4"), a_slice("ALS_2", "L5")]
    rows = long_table(("ALS_1", "L4", "left"), *both("ALS_2", "L4", "L5"))
    complete = flow(None, rows, views)[-1]
    assert complete.left_out == (LeftOut("L5, 1 muscle elsewhere missing", 1, "ALS_1"),)


def test_without_a_table_or_an_onset_side_there_are_fewer_steps():
    steps = flow(None, long_table(*both("ALS_1", "L4")), [a_slice("ALS_1", "L4")])
    assert [step.name for step in steps] == [
        "in the study",
        "measured",
        "measured at every level, on both sides",
    ]


def test_numbers_of_a_contrast_are_those_of_its_tested_rows():
    table = pd.DataFrame(
        {
            "contrast": ["side:ALS"] * 3 + ["group:ALS-LR"],
            "label_a": ["symptomatic"] * 3 + ["ALS"],
            "label_b": ["contralateral"] * 3 + ["LR"],
            "n_a": [7, 6, 1, 7],
            "n_b": [7, 5, 1, 8],
            "p": [0.1, 0.2, float("nan"), 0.3],
        }
    )
    assert analysed(table) == (
        Analysed("ALS, symptomatic against contralateral side", "6 to 7", "5 to 7"),
        Analysed("ALS against LR", "7", "8"),
    )
