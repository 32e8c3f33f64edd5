"""The ultrasound study's printed numbers, from records that give its printed counts, as a user gets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.builders.scores import (
    DETECTION_PCT,
    MUSCLE_GROUPS,
    POSITIVE,
    highest_records,
    people,
    study_records,
)
from tests.support.builders.study import run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ultrasound")
    arguments = ("--participants", people(folder / "people.csv"), "--quiet")
    for name, records in (("study", study_records), ("highest", highest_records)):
        file = records(folder / f"{name}.csv")
        out = ("--out", folder / f"{name}_scores.csv", "--summary", folder / name)
        assert run("score", "fasciculation", file, *arguments, *out).code == 0
    return folder


def test_detection_rates_of_figure_2(study: Path) -> None:
    table = pd.read_csv(study / "study" / "detection.csv").set_index("label")
    for (name, _), (als, other) in zip(MUSCLE_GROUPS, DETECTION_PCT, strict=True):
        row = table.loc[name]
        assert round(100 * row["share_a"], 1) == als
        # The study prints 2 for 2 of 108 paravertebral muscles, which is 1.9.
        assert round(100 * row["share_b"], 1) == other or (name, other) == ("Paravertebral muscles", 2.0)
        assert row["p"] < 0.001
        assert row["test"] == "chi_squared"
    counts = table.loc["All"]
    assert counts["count_a"].tolist() == [1217, 505]
    assert counts["n_a"].tolist() == [1672, 1217]
    assert counts["count_b"].tolist() == [185, 22]
    assert counts["n_b"].tolist() == [1026, 185]
    assert [f"{100 * s:.1f}" for s in (*counts["share_a"], *counts["share_b"])] == [
        "72.8",
        "41.5",
        "18.0",
        "11.9",
    ]
    for (_, row), cells in zip(
        counts.iterrows(), ([[1217, 455], [185, 841]], [[505, 712], [22, 163]]), strict=True
    ):
        expected = stats.chi2_contingency(cells, correction=False)
        assert row["statistic"] == pytest.approx(expected[0])
        assert row["p"] == pytest.approx(expected[1])


def test_grades_of_all_muscle_groups(study: Path) -> None:
    """Medians and IQRs 2 (0–3) and 0 (0–0), P < 0.001."""
    row = pd.read_csv(study / "study" / "grades.csv").set_index("label").loc["All"]
    assert (row["n_a"], row["median_a"], row["q1_a"], row["q3_a"]) == (1672, 2, 0, 3)
    assert (row["n_b"], row["median_b"], row["q1_b"], row["q3_b"]) == (1026, 0, 0, 0)
    als = np.repeat(range(5), (455, *POSITIVE["ALS"]))
    other = np.repeat(range(5), (841, *POSITIVE["non-ALS"]))
    expected = stats.mannwhitneyu(als, other, use_continuity=False, method="asymptotic")
    assert row["u"] == min(expected.statistic, 1672 * 1026 - expected.statistic)
    ranks = stats.rankdata([*als, *other])
    assert (row["mean_rank_a"], row["mean_rank_b"]) == (ranks[:1672].mean(), ranks[1672:].mean())
    assert row["p"] == pytest.approx(expected.pvalue)
    assert row["p"] < 0.001


def test_suprahyoid_row_of_table_4(study: Path) -> None:
    """88 and 54; 0 (0–1) and 0 (0–0); mean ranks 81.01 and 56.00; Z −4.885; P < 0.001."""
    row = pd.read_csv(study / "study" / "grades.csv").set_index("label").loc["Suprahyoid muscles"]
    assert (row["n_a"], row["median_a"], row["q1_a"], row["q3_a"]) == (88, 0, 0, 1)
    assert (row["n_b"], row["median_b"], row["q1_b"], row["q3_b"]) == (54, 0, 0, 0)
    assert (round(row["mean_rank_a"], 2), round(row["mean_rank_b"], 2)) == (81.01, 56.00)
    assert round(row["z"], 3) == -4.885
    text = (study / "study" / "grades_table.md").read_text(encoding="utf-8")
    assert (
        "| Suprahyoid muscles | 88 | 0 (0–1) | 54 | 0 (0–0) | 81.01 | 56.00 | −4.885 | **< 0.001** |" in text
    )


def test_distribution_of_grades_of_figure_1(study: Path) -> None:
    items = pd.read_csv(study / "study" / "distribution.csv").query("unit == 'items'")
    assert items.query("group == 'ALS'")["count"].tolist() == [455, 311, 401, 155, 350]
    assert items.query("group == 'non-ALS'")["count"].tolist() == [841, 114, 49, 8, 14]
    # The proportions as printed; grade 0 of non-ALS and grade 2 of ALS without a decimal.
    printed = ["27.2", "18.6", "24.0", "9.3", "20.9", "82.0", "11.1", "4.8", "0.8", "1.4"]
    assert [f"{100 * share:.1f}" for share in items["share"]] == printed
    highest = pd.read_csv(study / "highest" / "distribution.csv").query("unit == 'participants'")
    assert highest.query("group == 'ALS'")["count"].tolist() == [0, 0, 9, 8, 71]
    assert highest.query("group == 'non-ALS'")["count"].tolist() == [18, 10, 21, 0, 5]


def test_highest_grade_of_participants(study: Path) -> None:
    """4 (4–4) in ALS, 1 (0–2) in non-ALS."""
    row = pd.read_csv(study / "highest" / "grades.csv").set_index("item").loc["fasciculation_max"]
    assert (row["median_a"], row["q1_a"], row["q3_a"]) == (4, 4, 4)
    assert (row["median_b"], row["q1_b"], row["q3_b"]) == (1, 0, 2)


def test_roc_of_the_highest_grade(study: Path) -> None:
    """AUC 0.925 (0.873–0.977), cut-off 2.5, sensitivity 89.8 %, specificity 90.7 %: by itself and by roc."""
    command = ("roc", study / "highest_scores.csv", "--outcome", "group", "--positive", "ALS")
    predictors = [x for name in ("number", "max", "total") for x in ("--predictor", f"fasciculation_{name}")]
    assert run(*command, *predictors, "--combine", "--out", study / "roc", "--quiet").code == 0
    assert (study / "roc" / "roc.csv").read_bytes() == (study / "highest" / "roc.csv").read_bytes()
    row = pd.read_csv(study / "highest" / "roc.csv").set_index("predictor").loc["fasciculation_max"]
    assert round(row["auc"], 4) == 0.9249
    assert (round(row["ci_low"], 3), round(row["ci_high"], 3)) == (0.873, 0.977)
    assert row["cutoff"] == 2.5
    assert (round(100 * row["sensitivity"], 1), round(100 * row["specificity"], 1)) == (89.8, 90.7)


def test_places_of_figure_3(study: Path) -> None:
    places = pd.read_csv(study / "study" / "places.csv")
    for group, counts in POSITIVE.items():
        own = places[places["group"] == group]
        assert own["n"].unique().tolist() == [sum(counts)]
        assert own[own["level"] == "low"]["count"].sum() == counts[0] + counts[1]
        assert own[own["level"] == "high"]["count"].sum() == counts[2] + counts[3]
        assert own["share"].sum() == pytest.approx(1)
    bulbar = places[(places["group"] == "ALS") & (places["place"] == "bulbar")]
    assert bulbar["count"].tolist() == [30, 1]


def test_all_figures_are_there(study: Path) -> None:
    for name in ("figure1_grades", "figure2_detection", "figure3_places", "figure4_roc"):
        assert (study / "study" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (study / "study" / f"{name}.svg").is_file()
