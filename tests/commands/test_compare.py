from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.builders.study import SAMPLE, copy_sample, fingerprint, read_csv, run


@pytest.fixture(scope="module")
def results(sample_results):
    return sample_results


@pytest.fixture(scope="module")
def two_segments(results, tmp_path_factory):
    """The results without L1 to L3: fewer panels to draw."""
    folder = tmp_path_factory.mktemp("two") / "results"
    shutil.copytree(
        results, folder, ignore=shutil.ignore_patterns("L[123].csv", "measurements.csv", "quantify.json")
    )
    return folder


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_and_participants_without_groups(tmp_path):
    table = write(tmp_path / "v.csv", "participant_id,v", "p1,1", "p2,2", "p3,3", "p4,4", "p5,7", "p6,9")
    people = write(tmp_path / "people.csv", "participant_id,sex", "p1,M", "p2,F", "p3,M", "p4,F", "p7,F")
    outcome = run(
        *("compare", "--table", table, "--participants", people, "--contrast", "sex:M-F"),
        *("--out", tmp_path / "out"),
    )
    assert outcome.code == 0, outcome.err
    (row,) = read_csv(tmp_path / "out" / "comparisons.csv")
    assert (row["metric"], row["n_a"], row["n_b"]) == ("v", "2", "2")
    assert "participants table: no row for 2 participants with measurements: p5, p6" in outcome.err
    assert "participants table: 1 participant without measurements: p7" in outcome.err
    assert "sex:M-F: left out, sex is empty: 2 participants (p5, p6)" in outcome.err


def test_table_4_names_a_file_that_is_there(sample_comparison):
    rows = read_csv(sample_comparison / "table4_correlations.csv")
    assert len(rows) == 30
    assert {row["score"] for row in rows} == {"alsfrs_lower"}
    footnotes = (sample_comparison / "table4.md").read_text()
    assert "those of each row are in table4_correlations.csv" in footnotes
    assert " correlations.csv" not in footnotes
    listed = json.loads((sample_comparison / "comparison.json").read_text())["outputs"]
    assert "table4_correlations.csv" in listed


def test_no_empty_figures_where_no_onset_side_is_known(results, tmp_path):
    rows = read_csv(results / "participants.csv")
    people = write(
        tmp_path / "people.csv",
        "participant_id,group,psa",
        *(f"{row['participant_id']},{row['group']},{row['psa']}" for row in rows),
    )
    tables = tmp_path / "tables"
    tables.mkdir()
    for number in (4, 5):
        text = (results / f"L{number}.csv").read_text()
        for role in ("symptomatic", "contralateral"):
            text = text.replace(f",{role},", ",,")
        (tables / f"L{number}.csv").write_text(text)
    outcome = run("compare", tables, "--participants", people, "--metric", "fi", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "figure3_sides_als.png",
        "figure3_sides_lr.png",
        "figure_effects.png",
    }


# --- what was asked for -------------------------------------------------------------------------------------


def counts(rows, column, people):
    return "/".join(str(sum(row[column] == value for row in people)) for value in rows)


def test_each_contrast_that_is_asked_for_has_its_own_table_1(two_segments, sample_comparison, tmp_path):
    """The numbers are counted in the participants table, the tests are SciPy's."""
    results, out = two_segments, tmp_path / "out"
    outcome = run(
        *("compare", results, "--contrast", "psa:1-0[group=ALS]", "--contrast", "sex:M-F", "--out", out)
    )
    assert outcome.code == 0, outcome.err
    people = read_csv(results / "participants.csv")
    als = [row for row in people if row["group"] == "ALS"]
    with_psa, without = ([row for row in als if row["psa"] == psa] for psa in "10")
    rows = {row["characteristic"]: row for row in read_csv(out / "characteristics_psa_1-0_group_als.csv")}
    assert not {"psa", "group", "study group"} & set(rows)  # a test of them would say nothing
    assert (rows["age"]["label_a"], rows["age"]["label_b"]) == ("psa = 1", "psa = 0")
    assert (rows["age"]["n_a"], rows["age"]["n_b"]) == (str(len(with_psa)), str(len(without)))
    for letter, arm in (("a", with_psa), ("b", without)):
        mean = sum(float(row["age"]) for row in arm) / len(arm)
        assert float(rows["age"][f"mean_{letter}"]) == pytest.approx(mean, rel=1e-12)
        assert rows["sex"][f"counts_{letter}"] == counts("MF", "sex", arm)
    rows = {row["characteristic"]: row for row in read_csv(out / "characteristics_sex_m-f.csv")}
    men = [row for row in people if row["sex"] == "M"]
    assert rows["study group"]["counts_a"] == counts(("ALS", "LR"), "group", men)
    page = (out / "table1_psa_1-0_group_als.md").read_text()
    assert page.startswith(
        "### Table 1 of psa:1-0[group=ALS]. Demographic and clinical features of psa = 1 and"
    )
    assert f"psa = 1 (n = {len(with_psa)})" in page
    # Table 1 of the groups stands beside it as before, and other contrasts take theirs away again.
    for name in ("table1.csv", "table1.md", "characteristics.csv"):
        assert (out / name).read_bytes() == (sample_comparison / name).read_bytes()
    assert not list(sample_comparison.glob("*_psa_1-0*.csv"))
    assert run("compare", results, "--metric", "fi", "--out", out, "--quiet").code == 0
    assert not list(out.glob("table1_*")) + list(out.glob("characteristics_*"))


def test_contrasts_of_the_protocol_have_their_own_table_1_and_the_report_shows_it(tmp_path):
    copy_sample(tmp_path / "scans", "*_3.*")
    (tmp_path / "scans" / "paraspinal.toml").write_text('contrasts = ["group:ALS[onset_region=lower]-LR"]\n')
    outcome = run("run", tmp_path / "scans", "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 0, outcome.err
    name = "group_als_onset_region_lower_-lr"
    rows = read_csv(tmp_path / "out" / "comparison" / f"characteristics_{name}.csv")
    assert {row["label_a"] for row in rows} == {"ALS[onset_region=lower]"}
    title = "Table 1 of group:ALS[onset_region=lower]-LR."
    page = (tmp_path / "out" / "report.html").read_text()
    assert title in page
    # One that was changed by hand is not shown as if it belonged to these participants.
    file = tmp_path / "out" / "comparison" / f"characteristics_{name}.csv"
    file.write_text(file.read_text().replace(rows[0]["n_a"], "77", 1))
    again = (
        *("report", tmp_path / "out" / "results", "--dataset", tmp_path / "scans"),
        *("--comparison", tmp_path / "out" / "comparison", "--out", tmp_path / "again.html"),
    )
    outcome = run(*again)
    assert outcome.code == 3
    assert f"another characteristics_{name}.csv" in outcome.err


def test_a_comparison_of_an_older_version_is_refused_by_the_report_in_words(
    results, sample_comparison, tmp_path
):
    out = Path(shutil.copytree(sample_comparison, tmp_path / "out"))
    table = out / "comparisons.csv"
    table.write_text("".join(f"{line.rsplit(',', 15)[0]}\n" for line in table.read_text().splitlines()))
    outcome = run(
        *("report", results, "--dataset", SAMPLE),
        *("--comparison", out, "--out", tmp_path / "report.html"),
    )
    assert outcome.code == 3
    assert outcome.err.count("\n") == 1
    assert (
        "of an older version, without p_exact, paired_p_exact, paired_p_adjusted, difference_kind"
        in outcome.err
    )
    assert "run compare again" in outcome.err


# --- on request ---------------------------------------------------------------------------------------------

MORE = (
    *("--contrast", "interaction:ALS-LR", "--contrast", "group:ALS-LR", "--contrast", "side:LR"),
    *("--margin", "fi=0.2", "--max-t", "2000", "--seed", "7"),
)


def test_interaction_margins_and_max_t_and_the_report_takes_them(sample_comparison, tmp_path):
    scans, results, out = copy_sample(tmp_path / "scans", "*_[45].*"), tmp_path / "results", tmp_path / "out"
    assert run("quantify", scans, "--out", results, "--quiet").code == 0
    outcome = run("compare", results, *MORE, "--out", out)
    assert outcome.code == 0, outcome.err
    rows = read_csv(out / "comparisons.csv")
    plain = read_csv(sample_comparison / "comparisons.csv")
    asked = ("margin", "p_equivalence", "p_max_t", "paired_p_max_t")
    assert not set(asked) & set(plain[0])
    # Nothing that stands in the table unasked changes.
    key = ("contrast", "segment", "muscle", "metric", "role")
    was = {tuple(row[name] for name in key): row for row in plain}
    for row in rows:
        if row["contrast"] != "interaction:ALS-LR":
            before = was[tuple(row[name] for name in key)]
            assert {n: row[n] for n in before if "adjusted" not in n} == {
                n: before[n] for n in before if "adjusted" not in n
            }
    sides = [row for row in rows if row["contrast"] == "side:LR"]
    others = [row for row in rows if row["contrast"] != "side:LR"]
    assert all(row["p_max_t"] == "" and float(row["paired_p_max_t"]) <= 1 for row in sides)
    assert all(row["paired_p_max_t"] == "" and float(row["p_max_t"]) >= 1 / 6435 for row in others)
    assert all((row["margin"] == "0.2") == (row["metric"] == "fi") for row in rows)
    assert {row["equivalent"] for row in rows if row["metric"] == "fi"} == {"yes", "no"}
    assert {row["equivalent"] for row in rows if row["metric"] == "rcsa"} == {""}
    assert "interaction:ALS-LR: p_max_t over 12 rows, from 2000 random arrangements" in outcome.err
    assert "side:LR: paired_p_max_t over 12 rows, from all 256 arrangements" in outcome.err
    assert json.loads((out / "comparison.json").read_text())["settings"]["permutations"] == ["2000"]
    page = tmp_path / "report.html"
    made = run("report", results, "--dataset", scans, "--comparison", out, "--out", page)
    assert made.code in (0, 4), made.err
    assert "symptomatic minus contralateral side, ALS against LR" in page.read_text()
    assert "Differences in the unit of the metric: FI (figure_differences_fi.svg)" in page.read_text()
    # The interaction was asked for: no note says that there is one.
    assert "does not show that the groups differ" not in outcome.err


def test_a_note_names_the_interaction_where_one_group_alone_differs(sample_comparison):
    notes = (sample_comparison / "notes.txt").read_text()
    rows = read_csv(sample_comparison / "comparisons.csv")
    below = {}
    for row in rows:
        if row["contrast"].startswith("side:"):
            place = (row["segment"], row["muscle"], row["metric"])
            below.setdefault(place, []).append(float(row["paired_p"]) < 0.05)
    apart = sum(len(set(found)) == 2 for found in below.values())
    assert apart > 5
    assert (
        f"side:ALS and side:LR: in {apart} rows paired p is below 0.05 in one group alone, which does not "
        "show that the groups differ: the contrast interaction:ALS-LR tests that\n"
    ) in notes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--margin", "fi=0"], "--margin: fi = 0 was found; expected a number above 0"),
        (["--margin", "fi=-1"], "--margin: fi = -1 was found; expected a number above 0"),
        (["--margin", "csa=3"], "--margin: csa was found, which is not compared; expected one of: fi, rcsa"),
        (["--margin", "fi"], "--margin: 'fi' was found; expected METRIC=NUMBER such as fi=0.03"),
        (["--margin", "fi=much"], "--margin: 'fi=much' was found; expected METRIC=NUMBER"),
        (["--margin", "fi=1", "--margin", "fi=2"], "--margin: fi was found twice; expected one margin"),
        (["--max-t", "10"], "--max-t: 10 was found; expected 1000 to 1000000 permutations"),
        (["--max-t", "0"], "--max-t: 0 was found; expected 1000 to 1000000 permutations"),
        (["--max-t", "x"], "--max-t: 'x' was found; expected a whole number"),
        (["--max-t", "1000", "--seed", "-3"], "--seed: -3 was found; expected 0 or more"),
        (["--contrast", "interaction:ALS-HC"], "names a value that was not found"),
        (["--contrast", "interaction:ALS"], "found no two arms with '-' between them"),
    ],
)
def test_what_cannot_be_asked_for(results, tmp_path, words, message):
    outcome = run("compare", results, *words, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_the_interaction_needs_onset_sides(tmp_path):
    table = write(
        tmp_path / "v.csv", "participant_id,group,v", *(f"p{k},{'AB'[k % 2]},{k}" for k in range(9))
    )
    outcome = run("compare", "--table", table, "--contrast", "interaction:A-B", "--out", tmp_path / "out")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "interaction:A-B: no onset side is known in A; expected symptomatic and" in outcome.err


# --- what is said -------------------------------------------------------------------------------------------


def test_comparisons_are_counted_where_they_were_tested(tmp_path):
    """w is the same for everyone and z has one value in M: rows, but no comparisons."""
    table = write(
        tmp_path / "v.csv", "participant_id,v,w,z",
        *(f"p{k},{k * k % 7},1,{k if k in (2, 3, 4, 6) else ''}" for k in range(1, 9)),
    )  # fmt: skip
    people = write(
        tmp_path / "people.csv", "participant_id,sex", *(f"p{k},{'MF'[k % 2]}" for k in range(1, 9))
    )
    people.write_text(people.read_text().replace("p4,M", "p4,F").replace("p6,M", "p6,F"))
    arguments = ("compare", "--table", table, "--participants", people, "--contrast", "sex:M-F")
    outcome = run(*arguments, "--out", tmp_path / "out")
    rows = read_csv(tmp_path / "out" / "comparisons.csv")
    assert {row["metric"]: row["test"] != "" for row in rows} == {"v": True, "w": False, "z": False}
    assert "made 1 comparison (2 more could not be tested) into" in outcome.err
    outcome = run(*arguments, "--out", tmp_path / "out", "--json")
    found = json.loads(outcome.out)
    assert (found["comparisons"], found["not_tested"]) == (1, 2)
    assert found["by_contrast"]["sex:M-F"]["comparisons"] == 1


def test_long_lists_are_cut_on_the_terminal_alone(tmp_path):
    ids = [f"p{k}" for k in range(1, 31)]
    table = write(tmp_path / "v.csv", "participant_id,v", *(f"{who},{len(who)}" for who in ids))
    people = write(tmp_path / "people.csv", "participant_id,sex", "p1,M", "p2,M", "p3,F", "p4,F")
    outcome = run(
        *("compare", "--table", table, "--participants", people, "--contrast", "sex:M-F"),
        *("--out", tmp_path / "out"),
    )
    assert outcome.code == 0, outcome.err
    beginning = "participants table: no row for 26 participants with measurements: p5, p6, p7, p8, p9, p10"
    assert f"note: {beginning} and 20 more (all in notes.txt)\n" in outcome.err
    notes = (tmp_path / "out" / "notes.txt").read_text().splitlines()
    assert f"{beginning}, {', '.join(ids[10:])}" in notes


# --- figures ------------------------------------------------------------------------------------------------


def test_figures_on_request_by_two_processes_in_a_style(two_segments, tmp_path):
    style = write(tmp_path / "lab.mplstyle", "axes.prop_cycle: cycler('color', ['112233', '445566'])")
    figures = ["--figure-format", "pdf", "--metric", "fi", "--contrast", "side:ALS", "--style", style]
    for jobs in (1, 2):
        outcome = run("compare", two_segments, *figures, "--out", tmp_path / str(jobs), "--jobs", jobs)
        assert outcome.code == 0, outcome.err
    assert {"figure3_sides_als.png", "figure_effects.png"} <= fingerprint(tmp_path / "1").keys()
    assert fingerprint(tmp_path / "2") == fingerprint(tmp_path / "1")
    assert (tmp_path / "2" / "figure3_sides_als.pdf").read_bytes()[:5] == b"%PDF-"
    assert b"#112233" in (tmp_path / "2" / "figure3_sides_als.svg").read_bytes()
    settings = json.loads((tmp_path / "2" / "comparison.json").read_text())["settings"]
    assert settings["figure format"] == ["pdf"]
    assert settings["style"][0].startswith("lab.mplstyle, SHA-256 ")


def test_a_style_that_is_none_is_said_before_anything_is_done(tmp_path):
    style = write(tmp_path / "lab.mplstyle", "font.size: large\nfont.sizes: 3")
    outcome = run("compare", tmp_path / "no-results", "--style", style, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert outcome.err == (
        f"mriparaspinal: --style {style}: line 1: Key font.size: Could not convert 'large' to float; "
        "expected a value of font.size; correct the line\n"
    )
    assert not (tmp_path / "out").exists()
