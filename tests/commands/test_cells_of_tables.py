"""What the statistics say of the cells of a table: the same at --participants and --table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.support.builders.study import run

CASES = Path(__file__).parents[3] / "shared" / "cases"
# fmt: off
SEXES = [
    "M", "male", "F", "female", "M", "female", "F", "male", "M",
    "F", "M", "female", "male", "M", "M", "male", "M", "F",
]
# fmt: on


def table(path: Path, columns: dict[str, list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def cohort() -> dict[str, list[object]]:
    rng = np.random.default_rng(5)
    groups = ["ALS"] * 9 + ["LR"] * 9
    ids = [f"{group}_{i}" for i, group in enumerate(groups)]
    fi = rng.normal(0.3, 0.1, 18).round(4).tolist()
    return {"participant_id": ids, "group": groups, "sex": [*SEXES], "age": list(range(60, 78)), "fi": fi}


def test_spellings_of_sex_are_one_covariate(cohort, tmp_path):
    file = table(tmp_path / "t.csv", cohort)
    asked = ("--score", "age", "--covariate", "sex", "--metric", "fi")
    assert run("correlate", "--table", file, *asked, "--out", tmp_path / "o").code == 0
    (found,) = rows(tmp_path / "o" / "correlations.csv")
    # The partial correlation by residuals on two levels, by NumPy and SciPy.
    design = np.column_stack([np.ones(18), [text[0].upper() == "M" for text in SEXES]])
    left = [
        y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        for y in (np.array(cohort["fi"]), np.array(cohort["age"], dtype=float))
    ]
    assert float(found["r"]) == pytest.approx(stats.pearsonr(*left).statistic, abs=1e-12)
    assert found["df"] == "15"
    assert "sex: read as M: M 7, male 4\n" in (tmp_path / "o" / "notes.txt").read_text()


@pytest.mark.parametrize("contrast", ["sex:M-F", "sex:male-female", "sex:männlich-weiblich"])
def test_contrasts_of_a_table_take_any_spelling(cohort, tmp_path, contrast):
    file = table(tmp_path / "t.csv", cohort)
    outcome = run(
        "compare", "--table", file, "--contrast", contrast, "--metric", "fi", "--out", tmp_path / "o"
    )
    assert outcome.code == 0, outcome.err
    (found,) = rows(tmp_path / "o" / "comparisons.csv")
    assert (found["n_a"], found["n_b"]) == ("11", "7")
    men = [fi for fi, text in zip(cohort["fi"], SEXES, strict=True) if text[0].upper() == "M"]
    assert float(found["mean_a"]) == pytest.approx(np.mean(men), abs=1e-12)


def test_roc_takes_any_spelling(cohort, tmp_path):
    file = table(tmp_path / "t.csv", cohort)
    asked = ("--outcome", "sex", "--positive", "female", "--predictor", "fi")
    outcome = run("roc", file, *asked, "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    assert rows(tmp_path / "o" / "roc.csv")[0]["n_positive"] == "7"


def test_onset_regions_of_a_table(cohort, tmp_path):
    spellings = ["lower", "Lower limb", "LL", "lumbosacral", "leg onset", "upper", "arm", "bulbar", "lower"]
    file = table(tmp_path / "t.csv", {**cohort, "onset_region": [*spellings, *[""] * 9]})
    outcome = run("compare", "--table", file, "--metric", "fi", "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    found = {row["contrast"]: row for row in rows(tmp_path / "o" / "comparisons.csv")}
    assert found["group:ALS[onset_region=lower]-LR"]["n_a"] == "5"
    notes = (tmp_path / "o" / "notes.txt").read_text()
    assert "without ALS participants of onset_region lumbosacral 1; write lower if that is meant" in notes


def test_what_is_missing_is_counted_with_its_spelling(cohort, tmp_path):
    cohort["fi"][:4] = ["NA", ".", "NA", "n/a"]
    file = table(tmp_path / "t.csv", cohort)
    note = "fi: 4 cells read as missing (NA 2, . 1, n/a 1)\n"
    for command, *asked in (
        ("compare", "--contrast", "group:ALS-LR"),
        ("correlate", "--score", "age"),
        ("regress", "--predictor", "age", "--outcome", "fi"),
    ):
        outcome = run(command, "--table", file, *asked, "--out", tmp_path / command)
        assert outcome.code == 0, outcome.err
        assert note in (tmp_path / command / "notes.txt").read_text()
    asked = ("--outcome", "group", "--positive", "ALS", "--predictor", "fi")
    assert run("roc", file, *asked, "--out", tmp_path / "roc").code == 0
    assert note in (tmp_path / "roc" / "notes.txt").read_text()


def test_ratings_are_read_alike(tmp_path):
    values = [1.0, 1.2, 2.0, 2.1, 3.0, 3.3, "NA", 4.0]
    ratings = {"target": [1, 1, 2, 2, 3, 3, 4, 4], "rater": ["A", "B"] * 4, "value": values}
    file = table(tmp_path / "t.csv", ratings)
    outcome = run("reliability", "--table", file, "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    assert "value: 1 cell read as missing (NA 1)\n" in (tmp_path / "o" / "notes.txt").read_text()
    assert rows(tmp_path / "o" / "reliability.csv")[0]["n"] == "3"
    table(file, {**ratings, "value": [*values[:6], "0_5", 4.0]})
    outcome = run("reliability", "--table", file, "--out", tmp_path / "o")
    assert outcome.code == 2
    assert "value: '0_5' found in row 7" in outcome.err


@pytest.mark.parametrize("text", ["0_5", "0,5", "5%", "12 mm", "<0.5", "−5", "1 234"])
def test_a_column_of_refused_numbers_is_named(cohort, tmp_path, text):
    file = table(tmp_path / "t.csv", {**cohort, "fa": [text] * 18, "md": [text, *range(17)]})
    outcome = run("compare", "--table", file, "--contrast", "group:ALS-LR", "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    notes = (tmp_path / "o" / "notes.txt").read_text()
    assert f"fa: left out, as it holds {text!r} in place of numbers" in notes
    assert f"md: left out, as it holds {text!r} beside numbers" in notes
    outcome = run(
        "compare", "--table", file, "--metric", "md", "--contrast", "group:ALS-LR", "--out", tmp_path / "o"
    )
    assert outcome.code == 2
    assert f"md: {text!r} was found" in outcome.err


def test_numbers_with_units_are_no_categories(cohort, tmp_path):
    file = table(tmp_path / "t.csv", {**cohort, "weight": [f"{60 + i} kg" for i in range(18)]})
    asked = ("--score", "age", "--metric", "fi", "--covariate", "weight")
    outcome = run("correlate", "--table", file, *asked, "--out", tmp_path / "o")
    assert outcome.code == 2
    assert "weight: '60 kg' for participant ALS_0; expected a plain number" in outcome.err


@pytest.mark.parametrize(
    ("ids", "differ"),
    [(("ALS_1", "als_1"), "case"), (("1", "001"), "leading zeros"), (("P 1", "P_1"), "separators")],
)
def test_ids_that_look_alike_are_told(tmp_path, ids, differ):
    """One person with two ids would count twice."""
    values = np.random.default_rng(1).normal(size=(2, 12)).tolist()
    names = [*ids, *(f"LR_{n}" for n in range(10))]
    columns = {"participant_id": names, "fi": values[0], "score": values[1]}
    file = table(tmp_path / "ids.csv", columns)
    outcome = run("correlate", "--table", file, "--score", "score", "--out", tmp_path / "out")
    alike = " and ".join(sorted(ids))
    said = f"{alike}: taken as 2 participants, as they differ in {differ}; one person has one id"
    assert said in outcome.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("999", "999 in 1 cell, the others are 1 to 11"),
        ("-9", "-9 in 1 cell, the others are 1 to 11"),
        ("99.0", "99 in 1 cell, the others are 1 to 11"),
        ("9", ""),
        ("12", ""),
    ],
)
def test_a_number_that_may_stand_for_a_missing_one_is_told(tmp_path, text, told):
    columns = {
        "participant_id": [f"P{n}" for n in range(12)],
        "score": [*range(1, 12), text],
        "change": [*range(-9, 0), 3, 5, 8],  # negative numbers among negative ones
        "value": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
    }
    file = table(tmp_path / "codes.csv", columns)
    outcome = run("correlate", "--table", file, "--score", "score", "--out", tmp_path / "out")
    assert outcome.code == 0
    said = outcome.err + (tmp_path / "out" / "notes.txt").read_text()
    assert said.count("leave the cell empty where it stands for a missing one") == 2 * bool(told)
    assert told in said


def test_h_and_m_of_a_table_are_refused(cohort, tmp_path):
    file = table(tmp_path / "t.csv", {**cohort, "sex": ["H", "M"] * 9})
    outcome = run(
        "correlate", "--table", file, "--score", "age", "--covariate", "sex", "--out", tmp_path / "o"
    )
    assert outcome.code == 2
    assert "sex H 9, M 9 were found together" in outcome.err


def test_a_column_psa_of_measurements_is_the_table_s_own(cohort, tmp_path):
    file = table(tmp_path / "t.csv", {**cohort, "psa": [0, 1, *[4.2] * 16]})
    outcome = run("correlate", "--table", file, "--score", "psa", "--metric", "fi", "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    assert rows(tmp_path / "o" / "correlations.csv")[0]["n"] == "18"


@pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not there")
def test_the_cases(tmp_path):
    data = CASES / "bids-sex-mixed" / "data"
    assert run("quantify", data, "--out", tmp_path / "r").code == 0
    asked = ("--score", "age", "--covariate", "sex", "--metric", "rcsa")
    assert run("correlate", tmp_path / "r", *asked, "--out", tmp_path / "k").code == 0
    (found,) = [row for row in rows(tmp_path / "k" / "correlations.csv") if row["muscle"] == "MF"]
    assert (round(float(found["r"]), 4), found["df"]) == (-0.0148, "15")
    assert run("compare", tmp_path / "r", "--out", tmp_path / "c").code == 0
    (sex,) = [row for row in rows(tmp_path / "c" / "characteristics.csv") if row["characteristic"] == "sex"]
    assert sex["levels"] == "M/F"
