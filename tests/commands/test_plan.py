"""``plan`` as a user runs it: its files, its worked example, and its answer to every mistake."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from tests.support.builders.study import SAMPLE, fingerprint, run

TABLE = ("--table", SAMPLE / "participants.csv", "--contrast", "group:ALS-LR", "--metric", "bmi")


def test_results_are_planned(sample_results: Path, tmp_path: Path) -> None:
    words = ("plan", sample_results, "--metric", "fi", "--contrast", "group:ALS-LR", "--contrast", "side:LR")
    found = run(*words, "--difference", "0.08", "--tests", "15", "--json", "--out", tmp_path / "out")
    assert found.code == 0, found.err
    table = pd.read_csv(tmp_path / "out" / "plan.csv")
    assert json.loads(found.out) == {"command": "plan", "rows": len(table), "sizes": len(table)}
    assert found.err.splitlines()[-1] == f"planned {len(table)} sizes of {len(table)} into {tmp_path / 'out'}"
    assert len(table) == 15 * 3 + 3 + 15 * 2
    assert set(table["alpha"]) == {0.05 / 15}
    rows = pd.read_csv(sample_results / "L4.csv").query("muscle == 'MF' and role == 'symptomatic'")
    spread = rows.groupby("group")["fi"].std()
    row = table.query("segment == 'L4' and muscle == 'MF' and test == 'welch_t'").iloc[0]
    assert (row["sd_a"], row["sd_b"]) == pytest.approx((spread["ALS"], spread["LR"]))
    names = {path.name for path in (tmp_path / "out").glob("power_*.png")}
    assert names == {"power_fi_group_als-lr_symptomatic.png", "power_fi_side_lr.png"}
    drawn = pd.read_csv(tmp_path / "out" / "power_fi_side_lr_data.csv")
    curve = pd.read_csv(tmp_path / "out" / "plan_curve.csv").query("contrast == 'side:LR'")
    assert sorted(drawn["power"]) == pytest.approx(sorted(curve["power"]))
    assert "note: assumed, observed" not in found.err


def test_without_a_difference_the_observed_one_is_warned_of(tmp_path: Path) -> None:
    found = run("plan", *TABLE, "--out", tmp_path / "out")
    assert found.code == 0
    assert "a poor guide" in (tmp_path / "out" / "notes.txt").read_text("utf-8")
    people = pd.read_csv(SAMPLE / "participants.csv").groupby("group")["bmi"]
    row = pd.read_csv(tmp_path / "out" / "plan.csv").query("test == 'welch_t' and assumed == 'observed'")
    assert row["difference"].item() == pytest.approx(people.mean()["ALS"] - people.mean()["LR"])


def test_icc_and_auc_need_no_results(tmp_path: Path) -> None:
    words = ("--icc", "0.85", "--icc-width", "0.2", "--raters", "4", "--auc", "0.8")
    found = run("plan", *words, "--out", tmp_path / "out")
    assert (found.code, found.err) == (0, f"planned 2 sizes of 2 into {tmp_path / 'out'}\n")
    table = pd.read_csv(tmp_path / "out" / "plan_icc_auc.csv")
    assert table["needed_a"].tolist()[0] == 20  # Bonett's example
    assert not (tmp_path / "out" / "plan.csv").exists()


def test_the_seed_and_the_rows_decide_every_byte(sample_results: Path, tmp_path: Path) -> None:
    words = ("plan", sample_results, "--contrast", "group:ALS-LR", "--metric", "rcsa", "--quiet", "--out")
    assert run(*words, tmp_path / "a").code == 0
    assert run(*words, tmp_path / "b", "--jobs", "2").code == 0
    assert run(*words, tmp_path / "c", "--seed", "2").code == 0
    first, second, third = (fingerprint(tmp_path / name) for name in "abc")
    assert first == second
    assert {name for name in first if first[name] != third[name]} >= {"plan.csv"}
    other = [pd.read_csv(tmp_path / name / "plan.csv").drop(columns="power_simulated") for name in "ac"]
    pd.testing.assert_frame_equal(*other)


MISTAKES = {
    "nothing": ((), 2, "neither RESULTS nor --table was given"),
    "no such contrast": (("RESULTS", "--contrast", "group:ALS-HC"), 2, "names a value that was not found"),
    "no such metric": (("RESULTS", "--metric", "fat"), 2, "fat: no such column; expected"),
    "power": (("RESULTS", "--power", "80"), 2, "--power: 80 was found; expected a number between 0 and 1"),
    "power alone": (("--auc", "0.8", "--power", "0"), 2, "--power: 0 was found"),
    "two metrics": (("RESULTS", "--difference", "3"), 2, "--difference: a difference for 2 metrics"),
    "icc alone": (("--icc", "0.8"), 2, "--icc: given alone; expected --icc-null or --icc-width"),
    "no number": (("--auc", "big"), 2, "--auc"),
    "one arm": (
        ("--table", "one.csv", "--contrast", "group:A-B", "--metric", "x"),
        3,
        "no two values",
    ),
    "no folder": (("nowhere",), 3, "nowhere: no such folder"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(
    name: str, sample_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text("participant_id,group,x\nA_1,A,1\nA_2,A,2\nB_1,B,3\n")
    words, code, line = MISTAKES[name]
    found = run("plan", *(sample_results if word == "RESULTS" else word for word in words), "--out", "out")
    assert found.code == code, found.err
    assert len(found.err.splitlines()) == 1
    assert line in found.err
    assert not (tmp_path / "out").exists()


def test_welchs_sizes_are_those_of_the_formula_by_hand(tmp_path: Path) -> None:
    """n ≈ (z₁ + z₂)²·(s_a² + s_b²)/δ², and a little more for t in place of z."""
    found = run("plan", *TABLE, "--difference", "2", "--out", tmp_path / "out", "--quiet")
    assert found.code == 0
    row = pd.read_csv(tmp_path / "out" / "plan.csv").query("test == 'welch_t'").iloc[0]
    normal = (1.959964 + 0.841621) ** 2 * (row["sd_a"] ** 2 + row["sd_b"] ** 2) / 4
    assert normal < row["needed_a"] <= math.ceil(normal) + 2
