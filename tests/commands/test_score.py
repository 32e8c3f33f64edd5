"""``score`` as a user runs it: every bad record, templates, own instruments, and what the scores join."""

from __future__ import annotations

import csv
import re
import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from mriparaspinal.clinical.library import bundled
from tests.support.builders.scores import CELLS, write
from tests.support.builders.study import PROJECT, run

COLUMNS = ("participant_id", "muscle_group", "side", "sites", "rate", "grade")


def records(path: Path, change: dict[int, dict[str, object]] | None = None, drop: int | None = None) -> Path:
    """Two participants of 19 muscle groups; P1's rows changed (a row of None beyond the last is added)."""
    rows = [
        dict(zip(COLUMNS, (who, name, side, 1, 2, ""), strict=True))
        for who in ("P1", "P2")
        for name, side in CELLS
    ]
    for number, cells in (change or {}).items():
        if number == len(rows):
            rows.append(dict(rows[0]))
        rows[number] |= cells
    if drop is not None:
        del rows[drop]
    return write(path, COLUMNS, [list(row.values()) for row in rows])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


BAD = [
    ({0: {"sites": "", "rate": "", "grade": 5}}, None, ["flexors in upper limb, left", "'5'", "0 to 4"]),
    ({0: {"sites": "", "rate": "", "grade": "high"}}, None, ["'high'", "0 to 4"]),
    ({0: {"sites": "", "rate": "", "grade": 1.5}}, None, ["'1.5'", "a whole number from 0 to 4"]),
    ({0: {"sites": -1}}, None, ["sites '-1'", "0 to 100"]),
    ({0: {"sites": "two"}}, None, ["sites 'two'"]),
    ({0: {"rate": "nan"}}, None, ["rate 'nan'", "0 to 500"]),
    ({0: {"rate": "inf"}}, None, ["rate 'inf'"]),
    ({0: {"rate": ""}}, None, ["rate ''"]),
    ({0: {"sites": 0}}, None, ["sites 0 with rate 2", "both 0, or neither"]),
    ({0: {"sites": 2, "rate": 0}}, None, ["sites 2 with rate 0"]),
    ({0: {"grade": 4}}, None, ["grade 4 was found, but sites 1 with rate 2 is 1"]),
    ({0: {"sites": "", "rate": ""}}, None, ["no grade was found"]),
    ({0: {"side": ""}}, None, ["Proximal flexors in upper limb", "side ''", "left or right"]),
    ({0: {"side": "middle"}}, None, ["side 'middle'"]),
    ({16: {"side": "left"}}, None, ["Suprahyoid muscles", "side 'left'", "nothing, as it has no side"]),
    ({0: {"muscle_group": "biceps"}}, None, ["'biceps'", "one of Proximal flexors in upper limb"]),
    ({1: {"side": "left"}}, None, ["appears twice, in rows 2 and 3"]),
    ({38: {"grade": ""}}, None, ["appears twice, in rows 2 and 40"]),
    (None, 1, ["no value for Proximal flexors in upper limb, right"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "drop", "said"), BAD)
def test_a_bad_record_is_one_line_and_leaves_its_participant_out(
    change: dict[int, dict[str, object]] | None, drop: int | None, said: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out" / "scores.csv"
    outcome = run("score", "fasciculation", records(tmp_path / "us.csv", change, drop), "--out", out)
    lines = outcome.err.splitlines()
    assert outcome.code == 4
    assert len(lines) == 2
    assert lines[0].startswith("us.csv: P1: error: ")
    assert lines[0].count(";") >= 2
    assert all(text in lines[0] for text in said), lines[0]
    assert lines[1].startswith("scored 1 participant by fasciculation")
    assert "1 participant left out" in lines[1]
    assert [row["participant_id"] for row in read(out)] == ["P2"]
    assert [row["shape"] for row in read(out.with_name("scores_problems.csv"))] == ["P1"]


def test_the_mended_table_takes_the_list_of_problems_away(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    assert (
        run("score", "fasciculation", records(tmp_path / "us.csv", {0: {"rate": ""}}), "--out", out).code == 4
    )
    assert (tmp_path / "scores_problems.csv").is_file()
    assert run("score", "fasciculation", records(tmp_path / "us.csv"), "--out", out).code == 0
    assert not (tmp_path / "scores_problems.csv").exists()
    (tmp_path / "scores_problems.csv").write_text("my own\n")
    assert run("score", "fasciculation", tmp_path / "us.csv", "--out", out).code == 0
    assert (tmp_path / "scores_problems.csv").read_text() == "my own\n"


def test_nobody_scored_is_exit_2_with_the_same_line_and_no_file(tmp_path: Path) -> None:
    file = write(tmp_path / "k.csv", KINGS, [["P1", 1, 0, 0, 0, 2]])
    outcome = run("score", "kings", file, "--out", tmp_path / "o.csv")
    assert outcome.code == 2
    assert outcome.err == (
        "mriparaspinal: k.csv: P1: error: row 2, respiratory failure (non-invasive ventilation): '2' was "
        "found; expected a whole number from 0 to 1; correct the cell\n"
    )
    assert not (tmp_path / "o.csv").exists()


KINGS = ("participant_id", "bulbar", "upper_limb", "lower_limb", "nutritional_failure", "respiratory_failure")


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        (KINGS[1:], [[0] * 5], "no column participant_id"),
        (KINGS[:-1], [["P1", 0, 0, 0, 0]], "no column respiratory_failure"),
        ((*KINGS, "Bulbar "), [["P1", *[0] * 6]], "are one item"),
        (KINGS, [], "no records"),
        (KINGS, [["", *[0] * 5]], "row 2 has no participant_id"),
    ],
)
def test_a_table_that_cannot_be_used_is_exit_2(
    columns: tuple[str, ...], rows: list[list[object]], said: str, tmp_path: Path
) -> None:
    outcome = run("score", "kings", write(tmp_path / "k.csv", columns, rows), "--out", tmp_path / "o.csv")
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "o.csv").exists()


def test_two_rows_of_one_participant_and_a_missing_cell(tmp_path: Path) -> None:
    rows = [["P1", 1, 0, 0, 0, 0], ["P2", 1, 1, 0, 0, 0], ["P1", 1, 0, 0, 0, 0], ["P3", "n/a", 0, 0, 0, 0]]
    outcome = run("score", "kings", write(tmp_path / "k.csv", KINGS, rows), "--out", tmp_path / "o.csv")
    assert outcome.code == 4
    assert "k.csv: P1: error: row appears twice, in rows 2 and 4" in outcome.err
    assert "k.csv: P3: error: no value for bulbar; expected one for each item" in outcome.err
    assert (tmp_path / "o.csv").read_text() == (
        "participant_id,kings_regions,kings,kings_4a,kings_4b\nP2,2,2,0,0\n"
    )


def test_other_columns_are_told_not_read(tmp_path: Path) -> None:
    file = write(tmp_path / "k.csv", (*KINGS, "rater"), [["P1", 1, 0, 0, 0, 1, "AB"]])
    outcome = run("score", "kings", file, "--out", tmp_path / "o.csv")
    assert outcome.code == 0
    assert "warning: not columns of kings: rater; they are not read" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no INSTRUMENT was given"),
        (("nonsense", "r.csv", "--out", "o.csv"), "expected one of als-criteria, alsfrs-r, cmap-z"),
        (("absent.toml", "r.csv", "--out", "o.csv"), "absent.toml: cannot be read"),
        (("kings",), "no RECORDS.csv was given"),
        (("kings", "r.csv"), "no --out was given"),
        (("kings", "absent.csv", "--out", "o.csv"), "absent.csv"),
        (("kings", "r.csv", "--out", "r.csv"), "is an input"),
        (("cmap-z", "r.csv", "--out", "o.csv"), "no --reference was given"),
        (("kings", "r.csv", "--out", "o.csv", "--reference", "r.csv"), "has no use for it"),
        (("kings", "r.csv", "--out", "o.csv", "--summary", "s"), "no --participants was given"),
        (("kings", "r.csv", "--out", "o.csv", "--summary", "s", "--participants", "p.csv"), "kings has none"),
        (("kings", "r.csv", "--out", "o.csv", "--participants", "r2.csv"), "--participants: "),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "r.csv", KINGS, [["P1", 1, 0, 0, 0, 1]])
    write(tmp_path / "p.csv", ("participant_id", "group"), [["P1", "ALS"]])
    outcome = run("score", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.startswith("mriparaspinal: ")
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "o.csv").exists()


def test_list_and_templates(tmp_path: Path) -> None:
    listed = run("score", "--list").out
    names = [line.split("\t")[0] for line in listed.splitlines()[1:]]
    assert names == bundled()
    for name in names:
        printed = run("score", name, "--template").out
        assert run("score", name, "--template", "--out", tmp_path / f"{name}.csv").code == 0
        assert (tmp_path / f"{name}.csv").read_text() == printed
        assert printed.startswith("participant_id,")
    psa = run("score", "psa", "--template").out
    assert psa == "participant_id,muscle,side,site,grade,confirmed\n"
    goutallier = run("score", "goutallier", "--template").out.splitlines()
    assert goutallier[:3] == [
        "participant_id,muscle,side,segment,grade", ",multifidus,left,L1,", ",multifidus,right,L1,",
    ]  # fmt: skip
    assert len(goutallier) == 1 + 4 * 2 * 5
    people = write(tmp_path / "people.csv", ("participant_id",), [["P10"], ["P9"]])
    lines = run("score", "fasciculation", "--template", "--participants", people).out.splitlines()
    assert len(lines) == 1 + 2 * 19
    assert lines[1] == "P9,Proximal flexors in upper limb,left,,,"


def test_a_filled_template_is_read(tmp_path: Path) -> None:
    people = write(tmp_path / "people.csv", ("participant_id",), [["P9"], ["P10"]])
    for name, value in (("fasciculation", "2"), ("mrc", "5")):
        template = tmp_path / f"{name}.csv"
        assert run("score", name, "--template", "--participants", people, "--out", template).code == 0
        with template.open(newline="") as file:
            header, *rows = list(csv.reader(file))
        if name == "mrc":
            rows = [[row[0], *[value] * 32] for row in rows]
        else:
            rows = [[*row[:-1], value] for row in rows]
        assert (
            run("score", name, write(template, header, rows), "--out", tmp_path / f"{name}_scores.csv").code
            == 0
        )
        total = "fasciculation_total" if name == "fasciculation" else "mrc_total"
        expected = "38" if name == "fasciculation" else "160"
        assert [(row["participant_id"], row[total]) for row in read(tmp_path / f"{name}_scores.csv")] == [
            ("P9", expected), ("P10", expected),
        ]  # fmt: skip


def test_order_of_rows_and_columns_changes_no_byte(tmp_path: Path) -> None:
    rows = [[f"P{n}", n % 2, 1, 0, 0, n % 3 == 0] for n in range(1, 13)]
    rows = [[who, *map(int, rest)] for who, *rest in rows]  # type: ignore[call-overload]
    a = write(tmp_path / "a.csv", KINGS, rows)
    b = write(tmp_path / "b.csv", KINGS[::-1], [row[::-1] for row in rows[::-1]])
    for file in (a, b):
        assert run("score", "kings", file, "--out", tmp_path / f"{file.stem}_o.csv").code == 0
    assert (tmp_path / "a_o.csv").read_bytes() == (tmp_path / "b_o.csv").read_bytes()
    assert [row["participant_id"] for row in read(tmp_path / "a_o.csv")] == [f"P{n}" for n in range(1, 13)]


def test_names_cannot_run_as_formulas(tmp_path: Path) -> None:
    file = write(tmp_path / "k.csv", KINGS, [["=1+1", 1, 0, 0, 0, 0], ["@x", 9, 0, 0, 0, 0]])
    people = write(
        tmp_path / "p.csv", ("participant_id", "note", "bmi"), [["=1+1", "=cmd()", "20"], ["P2", "-1", ""]]
    )
    assert run("score", "kings", file, "--participants", people, "--out", tmp_path / "o.csv").code == 4
    assert [list(row.values())[:2] for row in read(tmp_path / "o.csv")] == [
        ["'=1+1", "'=cmd()"],
        ["P2", "-1"],
    ]
    assert read(tmp_path / "o_problems.csv")[0]["shape"] == "'@x"


def own_instrument() -> str:
    page = (PROJECT / "docs" / "scores.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    return str(block)


def test_own_instrument_of_the_docs(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(own_instrument())
    header = run("score", file, "--template").out.strip().split(",")
    row = ["P1", 5, 4.5, 5, 3, 2, 5, 0, 5]
    out = tmp_path / "o.csv"
    assert run("score", file, write(tmp_path / "r.csv", header, [row]), "--out", out).code == 0
    (found,) = read(out)
    assert found == {
        "participant_id": "P1", "mrc40": "29.5", "mrc40_left": "12", "mrc40_right": "17.5",
        "mrc40_upper": "17.5", "mrc40_lower": "12", "mrc40_below_4": "3",
    }  # fmt: skip


def test_own_instrument_with_faults_is_refused_line_by_line(tmp_path: Path) -> None:
    content = own_instrument().replace('"sum"', '"median"').replace('"wide"', '"tall"')
    assert tomllib.loads(content)
    (tmp_path / "my.toml").write_text(content)
    outcome = run("score", tmp_path / "my.toml", "--template")
    assert outcome.code == 2
    assert "my.toml: records 'tall' was found; expected wide or long" in outcome.err
    assert "my.toml: scores 1: how 'median' was found; expected sum, max, mean, count" in outcome.err
    (tmp_path / "my.toml").write_text("title = ")
    assert "expected TOML" in run("score", tmp_path / "my.toml", "--template").err


# --- with the participants, and on from there ---------------------------------------------------------------


def test_cells_of_the_participants_are_numbers_still_and_no_formulas(tmp_path: Path) -> None:
    file = write(tmp_path / "k.csv", KINGS, [["P1", 1, 0, 0, 0, 0]])
    people = write(tmp_path / "p.csv", ("participant_id", "change", "remark"), [["P1", "+3.5", "=1+1"]])
    assert run("score", "kings", file, "--participants", people, "--out", tmp_path / "o.csv").code == 0
    (row,) = read(tmp_path / "o.csv")
    assert (row["change"], row["remark"]) == ("3.5", "'=1+1")


def test_a_score_that_the_participants_have_otherwise_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "k.csv", KINGS, [["P1", 1, 0, 0, 0, 0], ["P2", 1, 1, 0, 0, 0]])
    people = tmp_path / "p.csv"
    command = ("score", "kings", file, "--participants", people, "--out", tmp_path / "o.csv")
    write(people, ("participant_id", "kings"), [["P1", "3"], ["P2", ""]])
    outcome = run(*command)
    assert outcome.code == 2
    assert "P1: kings is 3 in the participants table and 1 by its records" in outcome.err
    assert not (tmp_path / "o.csv").exists()
    write(people, ("participant_id", "kings"), [["P1", "1.0"], ["P2", ""], ["P3", "2"]])
    assert run(*command).code == 0
    assert [(r["participant_id"], r["kings"]) for r in read(tmp_path / "o.csv")] == [
        ("P1", "1"), ("P2", "2"), ("P3", "2"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def cohort(phantom_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic cohort with its clinical records, measured and scored."""
    folder = Path(shutil.copytree(phantom_cohort, tmp_path_factory.mktemp("score") / "cohort"))
    dataset = folder / "scans"
    first = ("score", "alsfrs-r", dataset / "records" / "alsfrs-r.csv", "--out", folder / "first.csv")
    assert run(*first, "--participants", dataset / "participants.csv").code == 0
    second = (
        "score",
        "fasciculation",
        dataset / "records" / "fasciculation.csv",
        "--out",
        folder / "scored.csv",
    )
    assert run(*second, "--participants", folder / "first.csv").code == 0
    return folder


def test_the_phantoms_items_add_up_to_its_participants_table(cohort: Path) -> None:
    own = pd.read_csv(cohort / "scans" / "participants.csv")
    scored = pd.read_csv(cohort / "scored.csv")
    # Had a sum differed, the command would have refused it; and all other columns are as they were.
    pd.testing.assert_frame_equal(scored[own.columns], own)
    als = scored[scored["group"] == "ALS"]
    parts = als[["alsfrs_bulbar", "alsfrs_upper", "alsfrs_lower", "alsfrs_respiratory"]]
    assert (parts.sum(axis=1) == als["alsfrs_r"]).all()
    assert scored["fasciculation_total"].notna().all()


def test_without_the_option_the_phantom_writes_no_records(tmp_path: Path) -> None:
    assert run("phantom", tmp_path / "p", "--als", 1, "--lr", 0, "--size", 128, "--quiet").code == 0
    assert not (tmp_path / "p" / "records").exists()


def test_scores_go_into_compare_roc_and_regress(cohort: Path) -> None:
    people, results = cohort / "scored.csv", cohort / "results"
    table = ("compare", "--table", people, "--contrast", "group:ALS-LR", "--metric", "fasciculation_total")
    assert run(*table, "--out", cohort / "compared").code == 0
    scored = pd.read_csv(people)
    (row,) = read(cohort / "compared" / "comparisons.csv")
    assert float(row["mean_a"]) == pytest.approx(scored.query("group == 'ALS'")["fasciculation_total"].mean())
    roc = ("roc", people, "--outcome", "group", "--positive", "ALS", "--predictor", "fasciculation_number")
    assert run(*roc, "--out", cohort / "roc").code == 0
    regress = ("regress", results, "--participants", people, "--predictor", "fasciculation_total")
    assert run(*regress, "--covariate", "age", "--out", cohort / "models").code == 0
    terms = {row["term"] for row in read(cohort / "models" / "regressions.csv")}
    assert terms == {"(Intercept)", "fasciculation_total", "age"}


def test_a_summary_of_three_groups_and_of_none(cohort: Path, tmp_path: Path) -> None:
    people = pd.read_csv(cohort / "scans" / "participants.csv")
    file = cohort / "scans" / "records" / "fasciculation.csv"
    people["group"] = ["A", "A", "B", "B", "C", ""]
    people.to_csv(tmp_path / "three.csv", index=False)
    command = ("score", "fasciculation", file, "--out", tmp_path / "s.csv", "--summary", tmp_path / "sum")
    outcome = run(*command, "--participants", tmp_path / "three.csv")
    assert outcome.code == 0
    assert "no group ALS, so no ROC curves" in outcome.err
    assert "group: unknown, so left out of the summary: LR_3" in outcome.err
    pairs = {(row["label_a"], row["label_b"]) for row in read(tmp_path / "sum" / "grades.csv")}
    assert pairs == {("A", "B"), ("A", "C"), ("B", "C")}
    assert not (tmp_path / "sum" / "roc.csv").exists()
    people["group"] = "A"
    people.to_csv(tmp_path / "one.csv", index=False)
    outcome = run(*command, "--participants", tmp_path / "one.csv")
    assert outcome.code == 2
    assert "fewer than two study groups" in outcome.err


@pytest.mark.parametrize(
    ("one", "other"), [("1", "01"), ("1", "1.0"), ("site 1", "Site1"), ("Site-01", "site 1")]
)
def test_a_site_spelt_in_two_ways_is_one_site(tmp_path: Path, one: str, other: str) -> None:
    rows = [f"A,TA,left,{one},2", f"A,TA,left,{other},2", "A,TA,left,9,0"]
    (tmp_path / "psa.csv").write_text("\n".join(["participant_id,muscle,side,site,grade", *rows]) + "\n")
    outcome = run("score", "psa", tmp_path / "psa.csv", "--out", tmp_path / "out.csv")
    assert outcome.code == 2
    assert "twice" in outcome.err


def test_a_reference_of_python_numbers_is_refused(tmp_path: Path) -> None:
    reference = "item,mean,sd\nmedian,8,3\nulnar,9,2\nperoneal,1_0,1\ntibial,1,3\n"
    (tmp_path / "reference.csv").write_text(reference)
    names = [
        f"{nerve}_{side}" for nerve in ("median", "ulnar", "peroneal", "tibial") for side in ("left", "right")
    ]
    (tmp_path / "cmap.csv").write_text(f"participant_id,{','.join(names)}\nB,8,8,9,9,5,5,1,1\n")
    options = ("--reference", tmp_path / "reference.csv", "--out", tmp_path / "out.csv")
    outcome = run("score", "cmap-z", tmp_path / "cmap.csv", *options)
    assert outcome.code == 2
    assert "mean '1_0'" in outcome.err


def test_a_mistyped_instrument_is_told_with_the_right_one(tmp_path):
    outcome = run("score", "alsfrs", tmp_path / "records.csv", "--out", tmp_path / "scores.csv")
    assert outcome.code == 2
    assert outcome.err.endswith("; did you mean alsfrs-r?\n")
