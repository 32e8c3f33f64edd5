"""``correlate`` as a user runs it: against pingouin on the same CSVs, and its answer to every mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pingouin
import pytest
from PIL import Image
from scipy import stats

from tests.support.builders.study import fingerprint, finish, read_csv, run, start
from tests.support.builders.tables import write

# pingouin rounds its intervals to two decimals by default.
for option in [name for name in pingouin.options if "CI95" in name]:
    pingouin.options[option] = None

#: As the contract has them.
COLUMNS = [
    *("segment", "muscle", "metric", "role", "score", "covariates", "method"),
    *("n", "df", "r", "ci_low", "ci_high", "p", "p_adjusted"),
]
PARTIAL = ("--score", "alsfrs_lower", "--covariate", "age", "--covariate", "bmi", "--group", "ALS")


@pytest.fixture(scope="module")
def results(sample_results):
    return sample_results


@pytest.fixture(scope="module")
def found(results, tmp_path_factory):
    """A run with the paper's settings on both roles: what it said, and its folder."""
    out = tmp_path_factory.mktemp("found") / "deep" / "er"
    outcome = run(
        "correlate", results, *PARTIAL, "--role", "bilateral", "--role", "symptomatic", "--out", out
    )
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    return outcome, out


@pytest.fixture
def clinic(tmp_path):
    """A table with one row per participant: ties, missing cells, categories, and a column of remarks."""
    rng = np.random.default_rng(11)
    n = 40
    age = rng.normal(60, 9, n).round(1)
    table = pd.DataFrame(
        {
            "participant_id": [f"P{i:03d}" for i in range(n)],
            "group": rng.choice(["ALS", "PLS"], n),
            "sex": rng.choice(["F", "M"], n),
            "age": age,
            "fa_cst": 0.6 - age / 400 + rng.normal(0, 0.05, n),
            "mrc_sum": rng.integers(30, 60, n).astype(float),
            "remark": rng.choice(["", "left-handed"], n),
        }
    )
    table["fvc"] = table["mrc_sum"] + rng.normal(0, 8, n)
    table.loc[[3, 7], "fa_cst"] = np.nan
    table.loc[[5], "mrc_sum"] = np.nan
    return table


def joined(results: Path) -> pd.DataFrame:
    """The measurements and the participants, by plain pandas."""
    rows = pd.concat([pd.read_csv(results / f"L{n}.csv") for n in range(1, 6)])
    return rows.merge(pd.read_csv(results / "participants.csv").drop(columns="group"), on="participant_id")


def assert_is_pingouins(row: pd.Series, table: pd.DataFrame, covariates: list[str]) -> None:
    oracle = pingouin.partial_corr(table, row.metric, row.score, covariates or None, method=row.method).iloc[
        0
    ]
    n, r, interval, p = oracle.iloc[:4]  # by position: the names changed between versions
    assert (row.n, row.df) == (n, n - 2 - len(covariates))
    assert row.r == pytest.approx(r, rel=1e-9)
    assert row.p == pytest.approx(p, rel=1e-6)
    assert (row.ci_low, row.ci_high) == pytest.approx(tuple(interval), abs=1e-6)


def test_results_against_pingouin(results, found):
    table = pd.read_csv(found[1] / "correlations.csv")
    assert list(table) == COLUMNS
    keys = [(f"L{n}", m, x) for n in range(1, 6) for m in ("MF", "ES", "PM") for x in ("fi", "rcsa")]
    assert list(table[["segment", "muscle", "metric"]].drop_duplicates().itertuples(index=False)) == keys
    assert list(table["role"]) == ["symptomatic", "bilateral"] * 30
    cohort = joined(results).query("group == 'ALS'")
    for row in table.itertuples():
        rows = cohort.query("segment == @row.segment and muscle == @row.muscle and role == @row.role")
        assert_is_pingouins(row, rows, ["age", "bmi"])
    assert set(table.query("role == 'symptomatic'")["n"]) == {7}  # ALS_5 has no onset side
    assert set(table.query("role == 'bilateral'")["n"]) == {8}
    assert table["p_adjusted"].to_numpy() == pytest.approx(
        stats.false_discovery_control(table["p"]), rel=1e-12
    )


def test_notes_are_said_and_written_with_the_settings(found):
    outcome, out = found
    settings, *notes = (out / "notes.txt").read_text(encoding="utf-8").splitlines()
    assert settings == (
        "settings: score alsfrs_lower; covariate age, bmi; metric fi, rcsa; group ALS; "
        "role bilateral, symptomatic; method pearson"
    )
    *said, last = outcome.err.splitlines()
    assert said == [f"note: {note}" for note in notes]
    assert any("ALS_5" in note for note in notes)
    assert last == f"made 60 correlations of 60 into {out}; 0 with p < 0.05, 0 with adjusted p < 0.05"


def test_table_4_says_what_the_csv_says(found):
    out = found[1]
    table = pd.read_csv(out / "correlations.csv")
    cells = {cell.replace("−", "-") for row in read_csv(out / "table4.csv") for cell in row.values()}
    for row in table.itertuples():
        assert f"r = {row.r:z.3f}, p = {row.p:.3f}" in cells
    markdown = (out / "table4.md").read_text(encoding="utf-8")
    assert markdown.startswith("### Table 4. Correlations of ALSFRS-R lower with FI and rCSA.")
    assert markdown.endswith("\nParticipants: ALS.\n")
    book = openpyxl.load_workbook(out / "table4.xlsx")
    assert book.sheetnames == ["table4"]


def test_scatter_plots_for_print(found):
    out = found[1]
    names = {f"scatter_{m}_alsfrs_lower_{r}" for m in ("fi", "rcsa") for r in ("symptomatic", "bilateral")}
    assert {path.stem for path in out.glob("*.png")} == {path.stem for path in out.glob("*.svg")} == names
    for name in names:
        with Image.open(out / f"{name}.png") as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_table_against_pingouin(clinic, tmp_path, method):
    file = write(clinic, tmp_path / "clinic.csv")
    options = ("--score", "mrc_sum", "--covariate", "age", "--method", method)
    assert run("correlate", "--table", file, *options, "--out", tmp_path / "out").code == 0
    table = pd.read_csv(tmp_path / "out" / "correlations.csv")
    assert list(table["metric"]) == ["fa_cst", "fvc"]
    assert table[["segment", "muscle", "role"]].isna().all(axis=None)
    for row in table.itertuples():
        assert_is_pingouins(row, clinic, ["age"])
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "scatter_fa_cst_mrc_sum.png",
        "scatter_fvc_mrc_sum.png",
    }


def test_a_category_as_covariate_and_one_group(clinic, tmp_path):
    file = write(clinic, tmp_path / "clinic.csv")
    options = ("--score", "mrc_sum", "--metric", "fvc", "--covariate", "sex", "--group", "PLS")
    assert run("correlate", "--table", file, *options, "--out", tmp_path / "out").code == 0
    (row,) = pd.read_csv(tmp_path / "out" / "correlations.csv").itertuples()
    pls = clinic[clinic["group"] == "PLS"].dropna(subset=["fvc", "mrc_sum"])
    r, _ = stats.pearsonr(*(pls[c] - pls.groupby("sex")[c].transform("mean") for c in ("fvc", "mrc_sum")))
    assert (row.n, row.df) == (len(pls), len(pls) - 3)
    assert row.r == pytest.approx(r, rel=1e-9)


@pytest.mark.parametrize("ids", ["every", "some", "none"])
def test_the_order_of_the_rows_changes_no_byte(clinic, tmp_path, ids):
    if ids == "none":
        clinic = clinic.drop(columns="participant_id")
    elif ids == "some":
        clinic.loc[::2, "participant_id"] = ""
    prints = []
    for seed in (1, 2):
        file = write(clinic.sample(frac=1, random_state=seed), tmp_path / "clinic.csv")
        options = ("--score", "mrc_sum", "--covariate", "age", "--covariate", "sex")
        out = tmp_path / f"out{seed}"
        assert run("correlate", "--table", file, *options, "--out", out, "--quiet").code == 0
        (out / "correlations.json").unlink()  # it knows the table by its bytes
        prints.append(fingerprint(out))
    assert prints[0] == prints[1]


def test_participants_of_a_table(clinic, tmp_path):
    scores = write(clinic[["participant_id", "mrc_sum"]], tmp_path / "scores.csv")
    file = write(clinic.drop(columns="mrc_sum"), tmp_path / "clinic.csv")
    command = ("correlate", "--table", file, "--score", "mrc_sum", "--metric", "fvc")
    assert run(*command, "--participants", scores, "--out", tmp_path / "out").code == 0
    (row,) = pd.read_csv(tmp_path / "out" / "correlations.csv").itertuples()
    complete = clinic.dropna(subset=["fvc", "mrc_sum"])
    assert row.r == pytest.approx(stats.pearsonr(complete["fvc"], complete["mrc_sum"])[0], rel=1e-9)


def test_a_column_with_texts_among_its_numbers_is_left_out_aloud(clinic, tmp_path):
    clinic["fvc"] = clinic["fvc"].astype(str)
    clinic.loc[4, "fvc"] = "n/d"
    file = write(clinic, tmp_path / "clinic.csv")
    outcome = run("correlate", "--table", file, "--score", "mrc_sum", "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "note: fvc: left out, as it holds 'n/d' beside numbers; correct it" in outcome.err
    assert "remark" not in outcome.err
    assert [row["metric"] for row in read_csv(tmp_path / "out" / "correlations.csv")] == ["age", "fa_cst"]


def test_names_of_columns_that_no_file_can_have(clinic, tmp_path):
    renamed = clinic.rename(columns={"fvc": "FA/CST (%)", "fa_cst": "fa cst (%)"})
    file = write(renamed.drop(columns="age"), tmp_path / "clinic.csv")
    assert run("correlate", "--table", file, "--score", "mrc_sum", "--out", tmp_path / "out").code == 0
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "scatter_fa_cst_mrc_sum.png",
        "scatter_fa_cst_mrc_sum_2.png",
    }


def test_figures_of_an_earlier_run_do_not_stay(clinic, tmp_path):
    file, out = write(clinic, tmp_path / "clinic.csv"), tmp_path / "out"
    out.mkdir()
    (out / "mine.png").write_bytes(b"mine")
    for metric in ("fvc", "fa_cst"):
        command = ("correlate", "--table", file, "--score", "mrc_sum", "--metric", metric, "--out", out)
        assert run(*command).code == 0
    assert {path.name for path in out.glob("*.png")} == {"mine.png", "scatter_fa_cst_mrc_sum.png"}


def test_what_cannot_be_computed_is_an_empty_cell_and_a_note(clinic, tmp_path):
    file = write(clinic.assign(fvc=1.0), tmp_path / "clinic.csv")
    command = ("correlate", "--table", file, "--score", "mrc_sum", "--metric", "fvc")
    outcome = run(*command, "--out", tmp_path / "out")
    assert outcome.code == 0
    (row,) = read_csv(tmp_path / "out" / "correlations.csv")
    assert {row[name] for name in COLUMNS[COLUMNS.index("df") :]} == {""}
    assert "note: fvc with mrc_sum: fvc has the same value in all complete cases" in outcome.err
    assert "made 0 correlations of 1" in outcome.err


def test_an_error_in_the_participants_table_is_exit_4(results, tmp_path):
    text = (results / "participants.csv").read_text().replace(",19.7,", ",thin,")
    (tmp_path / "people.csv").write_text(text)
    command = ("correlate", results, *PARTIAL, "--metric", "fi", "--participants", tmp_path / "people.csv")
    outcome = run(*command, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 4
    assert outcome.err == (
        "people.csv: ALS_1: error: bmi 'thin' was found; expected a number from 5 to 150 (kg/m²) or nothing; "
        "correct the cell; it is read as missing\n"
    )
    assert {row["n"] for row in read_csv(tmp_path / "out" / "correlations.csv")} == {"6"}


TABLE = ("--table", "clinic.csv")
MISTAKES = {
    "neither": ((), ("--score", "mrc_sum"), 2, "neither RESULTS nor --table was given"),
    "both": (("RESULTS", *TABLE), ("--score", "mrc_sum"), 2, "were both given"),
    "no such folder": (("nowhere",), ("--score", "mrc_sum"), 3, "nowhere: no such folder; expected"),
    "no such table": (("--table", "no.csv"), ("--score", "a"), 2, "--table: no.csv: cannot be read"),
    "no rows": (("--table", "header.csv"), ("--score", "a"), 3, "table: no rows were found; expected"),
    "no such score": (TABLE, ("--score", "mrc"), 2, "mrc: no such column; expected one of participant_id,"),
    "no such metric": (TABLE, ("--score", "fvc", "--metric", "x"), 2, "x: no such column; expected"),
    "no such covariate": (("RESULTS",), ("--score", "age", "--covariate", "x"), 2, "x: no such column"),
    "no such group": (TABLE, ("--score", "fvc", "--group", "LR"), 2, "LR: no participant of this group"),
    "one column twice": (TABLE, ("--score", "age", "--covariate", "age"), 2, "age: asked for twice"),
    "text as score": (TABLE, ("--score", "sex"), 2, "sex: 'F' for participant P00"),
    "text among numbers": (("--table", "typo.csv"), ("--score", "age"), 2, "age: '6o' for participant P002"),
    "text, no ids": (
        ("--table", "no_ids.csv"),
        ("--score", "age"),
        2,
        "age: '6o' for row 3; expected a number",
    ),
    "text as covariate": (
        ("--table", "typo.csv"),
        ("--score", "fvc", "--covariate", "age"),
        2,
        "age: '6o' for participant P002 among numbers; expected numbers throughout or texts throughout",
    ),
    "a role without roles": (
        TABLE,
        ("--score", "fvc", "--role", "symptomatic"),
        2,
        "--role symptomatic: the",
    ),
    "two rows each": (
        ("--table", "twice.csv"),
        ("--score", "fvc"),
        2,
        "participant P000: 2 rows; expected one",
    ),
    "nothing left": (
        ("--table", "bare.csv"),
        ("--score", "fvc"),
        2,
        "--table: no column of numbers is left apart from those that were named",
    ),
    "no onset side": (("no_sides",), ("--score", "csa_px"), 3, "--role symptomatic: no row has it; expected"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(mistake, results, clinic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, options, code, words = MISTAKES[mistake]
    typo = clinic.assign(age=clinic["age"].astype(str))
    typo.loc[2, "age"] = "6o"
    write(clinic, tmp_path / "clinic.csv")
    write(clinic[:0], tmp_path / "header.csv")
    write(typo, tmp_path / "typo.csv")
    write(typo.drop(columns="participant_id"), tmp_path / "no_ids.csv")
    write(pd.concat([clinic, clinic[:1]]), tmp_path / "twice.csv")
    write(clinic[["participant_id", "sex", "fvc"]], tmp_path / "bare.csv")
    (tmp_path / "no_sides").mkdir()
    write(
        pd.read_csv(results / "L4.csv").query("side != 'both'").assign(role=""), tmp_path / "no_sides/L4.csv"
    )
    source = [results if word == "RESULTS" else word for word in source]
    outcome = run("correlate", *source, *options, "--out", tmp_path / "out")
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("mriparaspinal: ")
    assert words in outcome.err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over_an_input(clinic, tmp_path):
    file = write(clinic, tmp_path / "correlations.csv")
    before = fingerprint(tmp_path)
    outcome = run("correlate", "--table", file, "--score", "fvc", "--metric", "age", "--out", tmp_path)
    assert outcome.code == 2
    assert f"{file} is an input and would be written over or into; expected another folder" in outcome.err
    assert fingerprint(tmp_path) == before


def test_wrong_words_are_exit_2_without_traceback(tmp_path):
    for words in (["--score", "a", "--role", "ill"], ["--score", "a", "--method", "tau"], []):
        outcome = finish(start("correlate", tmp_path, *words, "--out", tmp_path / "out"))
        assert outcome.code == 2
        assert "Traceback" not in outcome.err
