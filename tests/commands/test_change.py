"""``change`` on a synthetic follow-up whose true slopes are known, and all others on one session of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mriparaspinal as mp
from mriparaspinal.analysis.result import Analysis
from tests.support.builders.study import one_line, run
from tests.support.pages import blocks, shell

EXAMPLE = next(b for b in blocks("follow-up.md") if b.heading == "Change").text.splitlines()

KEY = ["participant_id", "segment", "muscle", "side"]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's own example, up to its last command."""
    home = tmp_path_factory.mktemp("page")
    assert shell("\n".join(EXAMPLE[:2]), home)[0] == 0
    return home / "followup"


@pytest.fixture(scope="module")
def results(scans: Path) -> Path:
    return scans.parent / "results"


@pytest.fixture(scope="module")
def two(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """L3 and L4 of it, measured: ``scans`` and ``results``."""
    home = tmp_path_factory.mktemp("two")
    (home / "scans").mkdir()
    for path in [*scans.glob("*_[34].*"), scans / "participants.csv"]:
        shutil.copy(path, home / "scans")
    (home / "scans" / "paraspinal.toml").write_text('contrasts = ["side:ALS", "group:ALS-LR"]\n')
    mp.quantify(home / "scans", out=home / "results")
    return home


@pytest.fixture(scope="module")
def followed(results: Path) -> Analysis:
    return mp.change(results)


def test_true_slopes_come_back(scans, followed):
    truth = pd.read_csv(scans / "truth_slopes.csv").rename(columns={"region": "muscle"})
    own = followed.tables["participant_slopes"]
    for metric in ("fi", "rcsa"):
        both = own[own["metric"] == metric].merge(truth, on=KEY, suffixes=("", "_true"))
        assert len(both) == len(truth) == 4 * 5 * 6
        errors = both["slope_per_month"] - both[f"{metric}_per_month"]
        assert np.sqrt((errors**2).mean()) < 0.0015  # the true ones reach 0.012 and −0.02
        assert np.corrcoef(both["slope_per_month"], both[f"{metric}_per_month"])[0, 1] > 0.9
        of_als = both["group"] == "ALS"
        assert abs(errors[of_als].mean()) < 0.001
        assert abs(errors[~of_als].mean()) < 0.001


def test_slopes_and_changes_are_those_of_the_tables(results, followed):
    rows = pd.concat(pd.read_csv(results / f"L{n}.csv") for n in range(1, 6))
    months = pd.read_csv(results / "participants.csv").set_index(["participant_id", "session"])["months"]
    slopes, changes = (followed.tables[name] for name in ("participant_slopes", "changes"))
    slopes = slopes[slopes["metric"] == "fi"].set_index(KEY)["slope_per_month"]
    changes = changes[changes["metric"] == "fi"].set_index([*KEY, "session"])["change"]
    for key, own in rows.groupby(KEY):
        own = own.set_index("session")["fi"]
        times = [months[key[0], session] for session in own.index]
        assert slopes[key] == pytest.approx(np.polyfit(times, own, 1)[0], rel=1e-9, abs=1e-12)
        assert changes[(*key, "v3")] == own["v3"] - own["v1"]
        assert np.isnan(changes[(*key, "v1")])


def test_als_changes_and_lr_does_not(followed):
    slopes = followed.tables["slopes"]
    fi = slopes[slopes["metric"] == "fi"].set_index("group")["slope_per_month"]
    assert (fi["ALS"] > 0.002).all()
    assert (fi["LR"].abs() < 0.0025).all()
    differences = followed.tables["change_differences"]
    slope = differences[(differences["quantity"] == "slope_per_month") & (differences["metric"] == "fi")]
    assert (slope["contrast"] == "ALS-LR").all()
    assert (slope["difference"] > 0).all()


def test_without_sessions_nothing_is_followed(sample_results, tmp_path):
    ended = run("change", sample_results, "--out", tmp_path / "change")
    assert ended.code == 2
    assert "have no sessions; expected two or more" in one_line(ended, 2)


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "RESULTS"),
        ("correlate", "RESULTS", "--score", "alsfrs_lower"),
        ("regress", "RESULTS", "--predictor", "age"),
        ("roc", "RESULTS", "--outcome", "group", "--positive", "ALS", "--predictor", "fi_L4_MF"),
        ("reliability", "RESULTS", "COPY"),
        ("threshold-sweep", "RESULTS", "--dataset", "SCANS"),
        ("model", "RESULTS", "--formula", "group"),
        ("plan", "RESULTS"),
    ],
)
def test_sessions_are_never_pooled(scans, results, tmp_path, words):
    copy = Path(shutil.copytree(results, tmp_path / "copy"))
    places = {"RESULTS": results, "COPY": copy, "SCANS": scans}
    words = [places.get(word, word) for word in words]
    ended = run(*words, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "the sessions v1, v2, v3 of the same participants" in one_line(ended, 2)
    ended = run(*words, "--out", tmp_path / "out", "--session", "v7")
    assert ended.code == 2
    assert "no such session (v1, v2, v3 are there)" in one_line(ended, 2)
    assert not (tmp_path / "out").exists()


def test_one_session_is_the_study_without_sessions(scans, results, tmp_path):
    for path in scans.glob("*_v1_*"):
        content = path.read_bytes()
        bare = tmp_path / path.name.replace("_v1_", "_")
        bare.write_bytes(content.replace(b"_v1_", b"_") if path.suffix == ".json" else content)
    people = pd.read_csv(scans / "participants.csv").query("session == 'v1'")
    people.drop(columns=["session", "months"]).to_csv(tmp_path / "participants.csv", index=False)
    alone = mp.quantify(tmp_path)
    one = mp.read_results(results).at("v1")
    assert alone.sessions == []
    assert one.sessions == ["v1", "v2", "v3"]
    first = one.table[one.table["session"] == "v1"].drop(columns=["session", "image"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(first, alone.table.drop(columns="image"))
    pd.testing.assert_frame_equal(mp.compare(one).table, mp.compare(alone).table)
    asked = {"scores": ["alsfrs_r"], "group": "ALS", "covariates": ["age"]}
    pd.testing.assert_frame_equal(mp.correlate(one, **asked).table, mp.correlate(alone, **asked).table)
    which = ("group", "ALS", ["rcsa_L4_MF", "fi_L3_ES"])
    pd.testing.assert_frame_equal(mp.roc(one, *which).table, mp.roc(alone, *which).table)
    # Scores of later sessions are those of that session.
    later = mp.correlate(one.at("v3"), ["alsfrs_r"], group="ALS")
    assert "session: v3 of v1, v2, v3" in later.notes
    assert later.table["r"].tolist() != mp.correlate(alone, ["alsfrs_r"], group="ALS").table["r"].tolist()


def test_a_table_with_several_rows_of_a_participant_is_refused(scans, results, tmp_path):
    ended = run("compare", "--table", scans / "participants.csv", "--out", tmp_path / "out")
    assert "several rows of one participant, and a column for the session" in one_line(ended, 2)
    people = mp.read_results(results).participants
    assert people is not None
    assert people[["participant_id", "session"]].values.tolist()[:2] == [["ALS_1", "v1"], ["ALS_1", "v2"]]
    assert people["alsfrs_r"].tolist()[:3] == sorted(people["alsfrs_r"].tolist()[:3], reverse=True)


def test_reliability_and_sweep_of_one_session(two, tmp_path):
    scans, results = two / "scans", two / "results"
    copy = Path(shutil.copytree(results, tmp_path / "copy"))
    found = mp.reliability([results, copy], session="v2", mean_out=tmp_path / "mean")
    assert set(found.table.loc[found.table["segment"] == "L3", "n"]) == {4 * 2}
    (tmp_path / "mean").mkdir()
    for name, content in found.mean.items():
        (tmp_path / "mean" / name).write_bytes(content)
    mean = pd.read_csv(tmp_path / "mean" / "L3.csv")
    assert set(mean["session"]) == {"v2"}
    assert mp.compare(tmp_path / "mean", metrics=["fi"]).table["n_a"].max() == 2
    sweep = mp.sweep_thresholds(mp.read_results(results).at("v2"), scans)
    assert sweep.summary["slices"] == 4 * 2
    swept = sweep.table
    at_50 = swept[swept["threshold"] == 50].set_index(["contrast", "segment", "muscle", "role"])
    again = mp.compare(mp.read_results(results).at("v2"), metrics=["fi"]).table
    again = again.set_index(["contrast", "segment", "muscle", "role"]).loc[at_50.index]
    pd.testing.assert_series_equal(at_50["p"], again["p"])


def test_files_of_the_command(two, tmp_path):
    limits = 'segment,muscle,metric,form,mdc95\n,MF,fi,"ICC(A,1)",0.02\nL4,MF,fi,"ICC(A,1)",0.05\n'
    (tmp_path / "reliability.csv").write_text(limits)
    assert EXAMPLE[2] == "mriparaspinal change results --metric fi --out change"
    given = ("--metric", "fi", "--mdc", tmp_path / "reliability.csv", "--json")
    ended = run("change", two / "results", "--out", tmp_path / "change", *given)
    assert ended.code == 0
    summary = json.loads(ended.out)
    assert (summary["participants"], summary["sessions"]) == (4, ["v1", "v2", "v3"])
    made = {path.name for path in (tmp_path / "change").iterdir()}
    assert made == {
        *(
            "changes.csv",
            "participant_slopes.csv",
            "change_tests.csv",
            "slopes.csv",
            "change_differences.csv",
            "change_model.csv",
        ),
        *("notes.txt", "change.json"),
        *(f"{name}_fi{end}" for name in ("change", "spaghetti") for end in (".png", ".svg", "_data.csv")),
    }
    changes = pd.read_csv(tmp_path / "change" / "changes.csv")
    known = changes.dropna(subset=["mdc95"])
    assert set(known["muscle"]) == {"MF"}
    assert set(known["side"]) == {"left", "right"}
    assert set(known.loc[known["segment"] == "L4", "mdc95"]) == {0.05}
    assert set(known.loc[known["segment"] != "L4", "mdc95"]) == {0.02}
    judged = known.dropna(subset=["change"])
    assert (judged["beyond_mdc"] == (judged["change"].abs() > judged["mdc95"])).all()
    drawn = pd.read_csv(tmp_path / "change" / "change_fi_data.csv")
    assert set(drawn["drawn"]) == {"mdc95", "participant", "mean"}
    assert "mdc95: not known of ES fi, PM fi" in (tmp_path / "change" / "notes.txt").read_text()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("a,b\n1,2\n", "--mdc: no column segment, muscle, metric, form, mdc95"),
        ('segment,muscle,metric,form,mdc95\n,MF,fi,"ICC(C,1)",0.02\n', "no row of the form ICC(A,1)"),
        ('segment,muscle,metric,form,mdc95\n,MF,fi,"ICC(A,1)",x\n', "mdc95 as x"),
        ('segment,muscle,metric,form,mdc95\n,MF,fi,"ICC(A,1)",1\n,MF,fi,"ICC(A,1)",1\n', "mdc95 twice"),
    ],
)
def test_a_table_of_detectable_changes_that_is_none(results, tmp_path, table, words):
    (tmp_path / "mdc.csv").write_text(table)
    ended = run("change", results, "--out", tmp_path / "out", "--mdc", tmp_path / "mdc.csv")
    assert ended.code == 2
    assert words in one_line(ended, 2)


def test_names_without_an_order_need_months(results, tmp_path):
    copy = tmp_path / "results"
    copy.mkdir()
    rows = pd.read_csv(results / "L3.csv").replace({"session": {"v1": "pre", "v2": "mid", "v3": "post"}})
    rows.to_csv(copy / "L3.csv", index=False)
    ended = run("change", copy, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "mid, post, pre have no numbers that tell their order" in one_line(ended, 2)
    people = [
        (who, s, m) for who in set(rows["participant_id"]) for s, m in (("post", 9), ("pre", 0), ("mid", 4))
    ]
    table = pd.DataFrame(people, columns=["participant_id", "session", "months"])
    found = mp.change(copy, participants=table, metrics=["fi"])
    assert found.summary["sessions"] == ["pre", "mid", "post"]


def test_an_onset_side_that_changes_is_told_at_once(scans, tmp_path):
    few = tmp_path / "scans"
    few.mkdir()
    for name in [n for n in scans.iterdir() if n.name.startswith("ALS_1_")]:
        shutil.copy(name, few)
    people = pd.read_csv(scans / "participants.csv").query("participant_id == 'ALS_1'")
    people.loc[people["session"] == "v2", "onset_side"] = "both"
    people.loc[people["session"] == "v3", "onset_side"] = [
        "left" if people["onset_side"].iloc[0] == "right" else "right"
    ]
    people.to_csv(few / "participants.csv", index=False)
    checked = mp.check(few)
    assert "sessions-differ" in {p.code for p in checked.problem_list}
    assert set(checked.segments["session"]) == {"v1", "v2", "v3"}


def test_the_page_shows_all_sessions_and_the_comparison_of_one(two, tmp_path):
    scans, results = two / "scans", two / "results"
    compared = mp.compare(mp.read_results(results).at("v2"), metrics=["fi"], contrasts=["group:ALS-LR"])
    compared.save(tmp_path / "comparison")
    page = mp.make_report(
        results,
        scans,
        out=tmp_path / "report.html",
        comparison=tmp_path / "comparison",
        also=["participants"],
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count == 4 * 3 * 2
    assert "L3 v1" in text
    assert "L3 v3" in text


def test_shares_of_a_follow_up_are_merged_to_the_same_bytes(scans, results, tmp_path):
    people = [f"{group}_{n}" for group in ("ALS", "LR") for n in (1, 2)]
    shares = []
    for number, own in enumerate((people[:3], people[3:])):
        shares.append(tmp_path / f"share_{number}")
        mp.quantify(scans, out=shares[-1], only=own)
    merged = mp.merge(shares, tmp_path / "merged")
    for name in ("L1.csv", "L5.csv", "participants.csv", "problems.csv"):
        assert merged.contents[name] == (results / name).read_bytes()


def test_a_model_with_time_takes_all_sessions(results, tmp_path):
    """Every row of the side once; without time in the formula, or of one session, nothing is pooled."""
    words = ("model", results, "--formula", "group * session", "--metric", "fi", "--role", "symptomatic")
    assert run(*words, "--out", tmp_path / "out").code == 0
    rows = mp.read_results(results).table
    expected = int((rows["role"] == "symptomatic").sum())
    assert pd.read_csv(tmp_path / "out" / "models.csv")["n"].tolist() == [expected]
    assert "sessions: v1, v2, v3 together" in (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8")
    assert run(*words, "--out", tmp_path / "one", "--session", "v2").code == 2


def test_results_of_several_sessions_are_not_joined_to_those_of_none(results, sample_results, tmp_path):
    ended = run("compare", sample_results, "--join", results, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "what it is joined to has none; expected one session" in one_line(ended, 2)


def test_a_metric_without_values_has_no_figure(results, tmp_path):
    copy = Path(shutil.copytree(results, tmp_path / "copy"))
    for name in ("quantify.json", "measurements.csv"):
        (copy / name).unlink()
    for file in copy.glob("L?.csv"):
        pd.read_csv(file, dtype=str).assign(fi="").to_csv(file, index=False)
    assert run("change", copy, "--metric", "fi", "--out", tmp_path / "out").code == 0
    assert not [*(tmp_path / "out").glob("*.png")]


def test_run_of_a_follow_up_measures_and_shows_all_sessions(scans, tmp_path):
    (tmp_path / "scans").mkdir()
    for path in [*scans.glob("ALS_1_v[12]_3.*"), *scans.glob("LR_1_v[12]_3.*")]:
        shutil.copy(path, tmp_path / "scans")
    people = pd.read_csv(scans / "participants.csv", dtype=str)
    people = people[people["participant_id"].isin(["ALS_1", "LR_1"]) & people["session"].isin(["v1", "v2"])]
    people.to_csv(tmp_path / "scans" / "participants.csv", index=False)
    ended = run("run", tmp_path / "scans", "--out", tmp_path / "study")
    assert ended.code == 0
    assert "the comparison is skipped" in ended.err
    assert f"change {tmp_path / 'study' / 'results'} --out change" in ended.err
    page = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    assert "L3 v2" in page
    assert "2 sessions (v1, v2)</dd>" in page
    assert "axial MRI slices of 2 participants in 2 sessions (v1, v2) (lumbar" in page
    results = tmp_path / "study" / "results"
    compared = tmp_path / "compared"
    assert (
        run("compare", results, "--session", "v2", "--contrast", "group:ALS-LR", "--out", compared).code == 0
    )
    words = ("report", results, "--dataset", tmp_path / "scans", "--comparison", compared)
    assert run(*words, "--out", tmp_path / "page.html").code == 0
    assert "2 sessions (v1, v2), compared: v2</dd>" in (tmp_path / "page.html").read_text(encoding="utf-8")
