"""``roc`` with what is reported beside the curves, as a user runs it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from PIL import Image

import mriparaspinal as mp
from tests.support.builders.study import run
from tests.support.builders.tables import write

GROUP = ("--outcome", "group", "--positive", "ALS")
TWO = ("--predictor", "fi", "--predictor", "rcsa", "--lower-is-positive", "rcsa")
MODEL = {"roc_model.csv", "roc_validation.csv", "roc_calibration.csv", "roc_decision.csv"}
FIGURES = {
    f"{name}{ending}"
    for name in ("roc_calibration", "roc_decision")
    for ending in (".png", ".svg", "_data.csv")
}


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    """38 ALS and 32 LR who overlap; two cells are missing."""
    rng = np.random.RandomState(8)
    group = np.where(np.arange(70) < 38, "ALS", "LR")
    ill = group == "ALS"
    table = pd.DataFrame(
        {
            "participant_id": [f"P{i:02d}" for i in range(70)],
            "group": group,
            "fi": rng.normal(0.45, 0.15, 70) + 0.1 * ill,
            "rcsa": rng.normal(0.7, 0.2, 70) - 0.15 * ill,
        }
    )
    table.loc[3, "fi"] = table.loc[50, "rcsa"] = np.nan
    return table


@pytest.fixture(scope="module")
def made(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("roc")
    more = ("--validate", "--bootstrap", "200", "--specificity", "0.9", "--sensitivity", "0.8", "--combine")
    command = ("roc", write(cases, folder / "cases.csv"), *GROUP, *TWO, *more, "--partial-auc", "0.8-1")
    outcome = run(*command, "--out", folder / "out")
    assert outcome.code == 0, outcome.err
    return folder, outcome, command


def test_the_files_and_what_is_said(made, cases) -> None:
    folder, outcome, _ = made
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= MODEL | FIGURES | {"roc_fixed.csv", "roc_partial.csv"}
    notes = (folder / "out" / "notes.txt").read_text(encoding="utf-8")
    assert notes.splitlines()[0].endswith(
        "validate yes; specificity 0.9; sensitivity 0.8; partial area 0.8-1; resamples 200; seed 1"
    )
    assert "logistic(fi + rcsa): 2 of 70 participants left out: a predictor has no value" in notes
    area = pd.read_csv(folder / "out" / "roc_validation.csv").iloc[0]
    assert outcome.err.splitlines()[-1] == (
        f"model of all predictors: area {area['apparent']:.3f}, expected in new patients "
        f"{area['corrected']:.3f} ({area['ci_low']:.3f}–{area['ci_high']:.3f})"
    )
    with Image.open(folder / "out" / "roc_decision.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_model_is_statsmodels(made, cases) -> None:
    folder, _, _ = made
    fitted = smf.logit("ill ~ fi + rcsa", cases.dropna().assign(ill=lambda t: t["group"].eq("ALS") * 1)).fit(
        disp=0
    )
    table = pd.read_csv(folder / "out" / "roc_model.csv").set_index("term")
    assert table["b"].tolist() == pytest.approx(fitted.params.tolist(), rel=1e-6)
    assert set(table["method"]) == {"maximum_likelihood"}
    curve = pd.read_csv(folder / "out" / "roc.csv").iloc[2]
    assert pd.read_csv(folder / "out" / "roc_validation.csv")["apparent"][0] == pytest.approx(
        curve["auc"], rel=1e-12
    )


def test_each_predictor_and_the_combination_have_their_rates(made) -> None:
    folder, _, _ = made
    fixed = pd.read_csv(folder / "out" / "roc_fixed.csv")
    names = ["fi", "rcsa", "logistic(fi + rcsa) [in-sample]"]
    assert list(fixed["predictor"]) == [name for name in names for _ in range(2)]
    assert (fixed["specificity"][::2] >= 0.9).all()
    assert (fixed["sensitivity"][1::2] >= 0.8).all()
    points = pd.read_csv(folder / "out" / "roc_points.csv")
    for row in fixed[fixed["fixed"] == "specificity"].itertuples():
        of_one = points[(points["predictor"] == row.predictor) & (points["specificity"] >= 0.9)]
        assert row.sensitivity == of_one["sensitivity"].max()
    assert list(pd.read_csv(folder / "out" / "roc_partial.csv")["predictor"]) == names


def test_the_curves_are_those_without_the_options(made, tmp_path) -> None:
    folder, _, command = made
    assert run(*command[: command.index("--validate")], "--combine", "--out", tmp_path / "out").code == 0
    for name in ("roc.csv", "roc_points.csv", "roc_differences.csv", "roc.png", "roc_data.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / "out" / name).read_bytes()


def test_neither_rows_nor_processes_nor_python_change_a_byte(made, cases, tmp_path) -> None:
    folder, _, command = made
    mixed = write(cases.sample(frac=1, random_state=3), tmp_path / "cases.csv")
    assert run("roc", mixed, *command[2:], "--jobs", "2", "--out", tmp_path / "out").code == 0
    mp.roc(
        folder / "cases.csv", "group", "ALS", ["fi", "rcsa"], lower_is_positive=["rcsa"], combine=True,
        validate=True, specificity=[0.9], sensitivity=[0.8], partial_auc="0.8-1", bootstrap=200,
    ).save(tmp_path / "python")  # fmt: skip
    for path in (folder / "out").iterdir():
        assert (tmp_path / "python" / path.name).read_bytes() == path.read_bytes(), path.name
        if path.name != "roc.json":  # has the SHA-256 of the table
            assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_seed_gives_other_resamples(made, tmp_path) -> None:
    folder, _, command = made
    assert run(*command, "--seed", "2", "--out", tmp_path / "out").code == 0
    one, other = (pd.read_csv(at / "out" / "roc_validation.csv") for at in (folder, tmp_path))
    assert one["apparent"].equals(other["apparent"])
    assert one["leave_pair_out"].equals(other["leave_pair_out"])
    assert one["optimism"][0] != other["optimism"][0]


def test_separated_groups_have_firths_model(cases, tmp_path) -> None:
    parted = cases.assign(fi=cases["fi"] + 5 * (cases["group"] == "ALS"))
    file = write(parted, tmp_path / "cases.csv")
    outcome = run("roc", file, *GROUP, *TWO, "--validate", "--bootstrap", "100", "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "the predictors separate the arms, so maximum likelihood has no finite solution" in outcome.err
    table = pd.read_csv(tmp_path / "out" / "roc_model.csv")
    assert set(table["method"]) == {"firth"}
    assert table.loc[1:, ["b", "ci_low", "ci_high", "p"]].notna().all(axis=None)
    found = pd.read_csv(tmp_path / "out" / "roc_validation.csv").set_index("measure")
    assert found.loc["calibration_slope", ["apparent", "corrected"]].isna().all()
    said = "model of all predictors: area 1.000, expected in new patients 1.000 (no interval)"
    assert outcome.err.splitlines()[-1] == said


@pytest.mark.parametrize(("each", "few"), [(4, "no model"), (12, "too few participants to rely on it")])
def test_few_participants_make_no_finding(cases, tmp_path, each: int, few: str) -> None:
    table = cases.groupby("group").tail(each)
    file = write(table, tmp_path / "few.csv")
    outcome = run("roc", file, *GROUP, *TWO, "--validate", "--bootstrap", "100", "--out", tmp_path / "out")
    assert outcome.code == 0
    assert few in outcome.err
    if few == "no model":
        said = "4 participants in the smaller arm; 5 at least, and better 10 or more for each predictor"
        assert said in outcome.err
        assert "expected in new patients" not in outcome.err
        assert all(len((tmp_path / "out" / name).read_text().splitlines()) == 1 for name in MODEL)


def test_no_model_leaves_tables_without_rows(cases, tmp_path) -> None:
    file = write(cases.assign(rcsa=1), tmp_path / "cases.csv")
    outcome = run("roc", file, *GROUP, *TWO, "--validate", "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "logistic(fi + rcsa): no model: a predictor is constant" in outcome.err
    assert "expected in new patients" not in outcome.err
    for name in MODEL:
        assert len((tmp_path / "out" / name).read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--specificity", "0"], "--specificity: 0 was found; expected a share above 0, up to 1"),
        (["--specificity", "90"], "--specificity: '90' was found; expected a number from 0 to 1"),
        (["--sensitivity", "0.9", "--sensitivity", "0.9"], "--sensitivity: 0.9 is given twice"),
        (["--partial-auc", "0.8"], "--partial-auc: '0.8' was found; expected LOW-HIGH within 0 and 1"),
        (["--partial-auc", "1-0.8"], "--partial-auc: '1-0.8' was found"),
        (
            ["--bootstrap", "50", "--validate"],
            "--bootstrap: '50' was found; expected a whole number from 100",
        ),
        (
            ["--bootstrap", "200"],
            "--bootstrap: there is nothing to resample; expected --validate or --partial-auc",
        ),
        (["--seed", "3"], "--seed: there is nothing to resample; expected --validate or --partial-auc"),
        (["--seed", "99999999999", "--validate"], "--seed: 99999999999 was found"),
    ],
)
def test_what_cannot_be_used_is_one_line(cases, tmp_path, options, said: str) -> None:
    outcome = run("roc", write(cases, tmp_path / "c.csv"), *GROUP, *TWO, *options, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
