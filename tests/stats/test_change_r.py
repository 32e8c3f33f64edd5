"""Change, slopes and their tests against R: 208 random tables (ties, missing, unequal, tiny, constant …)."""

from __future__ import annotations

import csv
import math
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.stats.change import change
from mriparaspinal.stats.change_model import change_model
from mriparaspinal.stats.change_tests import change_differences, change_tests, slopes_of_groups
from tests.stats.r.change_tables import COUNT, tables

ANSWERS = Path(__file__).parent / "r" / "change.csv"

TEST = (
    "n",
    "change",
    "sd_change",
    "ci_low",
    "ci_high",
    "paired_t",
    "wilcoxon",
    "srm",
    "srm_ci_low",
    "srm_ci_high",
)


@cache
def answers() -> dict[tuple[int, str], dict[str, list[float]]]:
    """R's numbers by table and kind, then by where; NaN where R had none."""
    found: dict[tuple[int, str], dict[str, list[float]]] = {}
    with ANSWERS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            numbers = [float(row[f"x{n}"] or "nan") for n in range(1, 11)]
            found.setdefault((int(row["table"]), row["what"]), {})[row["where"]] = numbers
    return found


@cache
def found_by_us() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All tables at once, each as a muscle of its own."""
    place = {"segment": "L3", "side": "left", "role": "symptomatic"}
    rows = pd.concat([one.rows.assign(**place, muscle=str(one.number)) for one in tables()])
    sessions = ["v1", "v2", "v3"]
    changes, own, _ = change(rows.rename(columns={"value": "fi"}), ["fi"], sessions)
    tests = change_tests(changes, sessions, "lilliefors")
    differences = change_differences(changes, own, sessions, "lilliefors")
    return tests, own, slopes_of_groups(own), differences


def by_table(frame: pd.DataFrame) -> dict[int, pd.DataFrame]:
    return {int(str(number)): rows for number, rows in frame.groupby("muscle")}


def near(ours: float, r: float, where: str) -> None:
    assert ours == pytest.approx(r, rel=1e-6, abs=1e-12), where


def test_tests_within_groups_are_those_of_r() -> None:
    compared: Counter[str] = Counter()
    for number, tests in by_table(found_by_us()[0]).items():
        told = answers().get((number, "test"), {})
        assert len(told) == len(tests)
        for row in tests.to_dict("records"):
            where = f"{row['group']} {row['session_a']} {row['session_b']}"
            r = dict(zip(TEST, told[where], strict=True))
            assert row["n"] == r["n"]
            for name in ("change", "sd_change", "ci_low", "ci_high", "srm", "srm_ci_low", "srm_ci_high"):
                if not math.isnan(r[name]):
                    near(row[name], r[name], f"{number} {where} {name}")
                    compared[name] += 1
            if row["test"] and not math.isnan(r["paired_t"]):
                near(row["p"], r[row["test"]], f"{number} {where} {row['test']}")
                compared[row["test"]] += 1
    assert min(compared[name] for name in (*TEST[1:5], *TEST[7:])) > 400
    assert min(compared[name] for name in ("paired_t", "wilcoxon")) > 100


def test_slopes_are_those_of_lm() -> None:
    compared = 0
    for number, own in by_table(found_by_us()[1]).items():
        told = answers().get((number, "slope"), {})
        ours = own.set_index("participant_id")["slope_per_month"]
        for who, (r, *_) in told.items():
            if math.isnan(r):
                assert math.isnan(ours[who])
            else:
                assert ours[who] == pytest.approx(r, rel=1e-6, abs=1e-9)
                compared += 1
    assert compared > 500


def test_mean_slopes_of_groups_are_those_of_t_test() -> None:
    compared = 0
    for number, slopes in by_table(found_by_us()[2]).items():
        for group, (n, mean, sd, low, high, *_) in answers().get((number, "slopes"), {}).items():
            row = slopes[slopes["group"] == group].iloc[0]
            assert row["n"] == n
            for name, r in (("slope_per_month", mean), ("sd", sd), ("ci_low", low), ("ci_high", high)):
                near(row[name], r, f"{number} {group} {name}")
                compared += 1
    assert compared > 900


def test_differences_of_slopes_are_those_of_r() -> None:
    compared: Counter[str] = Counter()
    for number, differences in by_table(found_by_us()[3]).items():
        for n_a, n_b, difference, low, high, *p in (
            line[:8] for line in answers().get((number, "difference"), {}).values()
        ):
            row = differences[differences["quantity"] == "slope_per_month"].iloc[0]
            assert (row["n_a"], row["n_b"]) == (n_a, n_b)
            for name, r in (("difference", difference), ("ci_low", low), ("ci_high", high)):
                near(row[name], r, f"{number} {name}")
            if row["test"]:
                by_test = dict(zip(("welch_t", "student_t", "mann_whitney_u"), p, strict=True))
                near(row["p"], by_test[row["test"]], f"{number} {row['test']}")
                compared[row["test"]] += 1
    assert sum(compared.values()) > 150
    assert set(compared) == {"welch_t", "student_t", "mann_whitney_u"}


def test_group_by_time_is_that_of_lmer() -> None:
    compared: Counter[str] = Counter()
    chosen = [number for number, what in answers() if what == "model"]
    rows = pd.concat(
        one.rows.assign(segment="L3", side="left", role="symptomatic", muscle=str(one.number))
        for one in tables()
        if one.number in chosen
    )
    for sessions in (2, 3):
        own = rows[rows.groupby("muscle")["session"].transform("nunique") == sessions]
        named = ["v1", "v2", "v3"][:sessions]
        changes, _, _ = change(own.rename(columns={"value": "fi"}), ["fi"], named)
        models, _ = change_model(changes, named)
        for row in models[models["status"] == "converged"].to_dict("records"):
            told = answers()[int(row["muscle"]), "model"]
            assert row["random"] == next(iter(told))  # the slope, where R does not find it singular
            b, se, df, p, *_ = told[row["random"]]
            assert row["difference"] == pytest.approx(b, rel=1e-4, abs=1e-8)
            assert row["se"] == pytest.approx(se, rel=1e-4)
            assert row["df"] == pytest.approx(df, abs=1e-2)
            assert row["p"] == pytest.approx(p, rel=1e-2, abs=1e-8)
            compared[row["random"]] += 1
    assert min(compared.values()) >= 10


def test_all_tables_and_kinds_are_there() -> None:
    kinds = Counter(one.kind for one in tables())
    assert sum(kinds.values()) == COUNT >= 200
    assert min(kinds.values()) >= 26
    some = next(one for one in tables() if one.kind == "missing")
    assert np.isnan(some.rows["value"]).any()
