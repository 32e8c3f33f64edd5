"""``regress --impute`` as a user runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import mriparaspinal as mp
from mriparaspinal.stats.regress import COLUMNS, IMPUTED_COLUMNS
from tests.support.builders.study import SAMPLE, fingerprint, run

MODEL = ("--predictor", "group", "--covariate", "age", "--covariate", "sex")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """The participants of the sample, with cells missing in age and sex."""
    table = pd.read_csv(SAMPLE / "participants.csv", dtype=str)
    table.loc[[1, 9], "age"] = ""
    table.loc[[6], "sex"] = ""
    table.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def test_missing_covariates_are_imputed(sample_results: Path, people: Path, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("L[1235].csv", "measurements.csv", "quantify.json")
    results = shutil.copytree(sample_results, tmp_path / "results", ignore=ignored)
    words = ("regress", results, *MODEL, "--participants", people, "--outcome", "fi")
    found = run(*words, "--impute", "10", "--out", tmp_path / "out")
    assert found.code == 0, found.err
    table = pd.read_csv(tmp_path / "out" / "regressions.csv")
    assert list(table) == [*COLUMNS, *IMPUTED_COLUMNS]
    assert set(table["n"]) == {15}  # one without a known onset side
    assert set(table["n_complete"]) == {12}
    assert set(table["cells_imputed"]) == {3}
    assert set(table["sets"]) == {10}
    assert table["fmi"].between(0, 1).all()
    assert table.loc[table["term"] == "group[LR]", "p_adjusted"].notna().all()
    assert found.err.splitlines()[-1] == (
        f"fitted 3 models of 3 into {tmp_path / 'out'}; pooled, without a test of the model"
    )
    notes = (tmp_path / "out" / "notes.txt").read_text("utf-8")
    assert "imputed data sets 10; seed 1" in notes
    assert "age: empty for 2 of 15 participants, imputed where it can be" in notes
    again = mp.regress(
        results, ["group"], covariates=["age", "sex"], outcomes=["fi"], participants=people, impute=10
    )
    again.save(tmp_path / "again")
    assert fingerprint(tmp_path / "again") == fingerprint(tmp_path / "out")
    other = run(*words, "--impute", "10", "--seed", "2", "--out", tmp_path / "other", "--quiet")
    assert other.code == 0
    assert not table["b"].equals(pd.read_csv(tmp_path / "other" / "regressions.csv")["b"])


def test_without_it_nothing_changes(people: Path, tmp_path: Path) -> None:
    words = (
        "regress",
        "--table",
        people,
        "--outcome",
        "bmi",
        "--predictor",
        "age",
        "--out",
        tmp_path / "out",
    )
    assert run(*words).code == 0
    assert list(pd.read_csv(tmp_path / "out" / "regressions.csv")) == COLUMNS


@pytest.mark.parametrize(
    ("number", "words"), [("1", "--impute: 1 was found; expected 2 to 1000"), ("x", "--impute")]
)
def test_a_mistake_is_one_line(number: str, words: str, people: Path, tmp_path: Path) -> None:
    found = run("regress", "--table", people, *MODEL, "--impute", number, "--out", tmp_path / "out")
    assert found.code == 2
    assert len(found.err.splitlines()) == 1
    assert words in found.err
    assert not (tmp_path / "out").exists()
