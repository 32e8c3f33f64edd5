"""``reliability``: what it writes, compared with pingouin, NumPy and masks drawn on the whole canvas."""

from __future__ import annotations

import itertools
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from PIL import Image, ImageDraw
from scipy.spatial.distance import directed_hausdorff

import mriparaspinal as mp
from mriparaspinal.core.model import COLUMNS, PROBLEM_COLUMNS
from mriparaspinal.stats.icc import FORMS
from mriparaspinal.stats.reliability import BLAND_ALTMAN_COLUMNS, RELIABILITY_COLUMNS
from tests.support.builders.slices import SHAPES, write_slice
from tests.support.builders.study import PROJECT, fingerprint, read_csv, rows_of, run

STEMS = [f"{who}_{n}_{segment}" for who in ("ALS", "LR") for n in range(1, 5) for segment in (3, 4)]

#: One metric, and its figure alone, where the figures are not looked at.
FI = ("--metric", "fi")


def redrawn(folder: Path, seed: int) -> Path:
    """Slices of the sample data as another rater would have drawn them."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for stem in STEMS:
        shutil.copy(PROJECT / "sample_data" / f"{stem}.png", folder)
        content = json.loads((PROJECT / "sample_data" / f"{stem}.json").read_text())
        for shape in content["shapes"]:
            points = np.array(shape["points"])
            shape["points"] = (points + rng.normal(0, 0.7, 2) + rng.normal(0, 0.3, points.shape)).tolist()
        (folder / f"{stem}.json").write_text(json.dumps(content))
    shutil.copy(PROJECT / "sample_data" / "participants.csv", folder)
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three raters: scans_a … scans_c and results_a … results_c; b knows the spacing."""
    home = tmp_path_factory.mktemp("raters")
    for seed, name in enumerate("abc"):
        scans = redrawn(home / f"scans_{name}", seed)
        if name == "b":
            lines = [f"{stem}.png,0.5,0.75" for stem in STEMS]
            (scans / "slices.csv").write_text("\n".join(["image,row_spacing_mm,col_spacing_mm", *lines]))
        assert run("quantify", scans, "--out", home / f"results_{name}", "--quiet").code == 0
    return home


@pytest.fixture(scope="module")
def agreed(study):
    """Raters a and b with all that the command can write; the output stands in ``agreement``."""
    outcome = run(
        *("reliability", study / "results_a", study / "results_b", "--out", study / "agreement"),
        *("--dataset", study / "scans_a", "--dataset", study / "scans_b", "--mean-out", study / "mean"),
    )
    assert outcome.code == 0, outcome.err
    return outcome


def ratings(study: Path, names: str, segment: str, muscle: str, metric: str) -> pd.DataFrame:
    """The raters' values in the long form, straight from their CSVs."""
    return pd.DataFrame(
        [
            (f"{row['participant_id']} {row['segment']} {row['side']}", name, float(row[metric]))
            for name in names
            for row in rows_of(study / f"results_{name}")
            if row["side"] != "both" and row["muscle"] == muscle and row["segment"] in (segment or "L3 L4")
        ],
        columns=["target", "rater", "value"],
    )


def of_pingouin(long: pd.DataFrame) -> pd.DataFrame:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # pingouin uses what pandas is about to drop
        for name in [name for name in pingouin.options if name.startswith("round.column.CI95")]:
            patch.setitem(pingouin.options, name, None)
        return pingouin.intraclass_corr(long, "target", "rater", "value").rename(columns={"CI95%": "CI95"})


@pytest.mark.parametrize(
    ("segment", "muscle", "metric"), [("", "MF", "fi"), ("", "PM", "rcsa"), ("L4", "ES", "fi")]
)
def test_iccs_are_pingouins(study, agreed, segment, muscle, metric):
    table = pd.read_csv(study / "agreement" / "reliability.csv", keep_default_na=False)
    ours = table[(table.segment == segment) & (table.muscle == muscle) & (table.metric == metric)]
    expected = of_pingouin(ratings(study, "ab", segment, muscle, metric))
    assert tuple(ours.columns) == RELIABILITY_COLUMNS
    assert tuple(ours["form"]) == FORMS
    assert set(ours["n"]) == {16 if segment else 32}
    for name, theirs in (("icc", "ICC"), ("f", "F"), ("p", "pval")):
        np.testing.assert_allclose(ours[name].astype(float), expected[theirs], rtol=1e-9)
    np.testing.assert_allclose(
        ours[["ci_low", "ci_high"]].astype(float), np.array(expected["CI95"].tolist()), rtol=1e-8
    )


def wide(study: Path, *region: str) -> np.ndarray:
    """Targets by the raters a and b."""
    return ratings(study, "ab", *region).pivot(index="target", columns="rater", values="value").to_numpy()


def test_limits_and_cv_are_those_of_numpy(study, agreed):
    (row,) = (
        row
        for row in read_csv(study / "agreement" / "bland_altman.csv")
        if (row["segment"], row["muscle"], row["metric"]) == ("L3", "PM", "fi")
    )
    a, b = wide(study, "L3", "PM", "fi").T
    assert tuple(row) == BLAND_ALTMAN_COLUMNS
    assert (row["rater_a"], row["rater_b"], row["n"]) == ("results_a", "results_b", "16")
    assert float(row["bias"]) == pytest.approx((b - a).mean(), rel=1e-9)
    assert float(row["loa_high"]) == pytest.approx((b - a).mean() + 1.96 * (b - a).std(ddof=1), rel=1e-9)


def cv_pct(values: np.ndarray) -> float:
    return 100 * np.sqrt((values.var(axis=1, ddof=1) / values.mean(axis=1) ** 2).mean())


def test_gate_names_exactly_the_regions_above_it_after_writing(study, tmp_path):
    regions = list(itertools.product(["", "L3", "L4"], ["MF", "ES", "PM"], ["fi", "rcsa"]))
    cvs = {region: cv_pct(wide(study, *region)) for region in regions}
    limit = float(np.median(list(cvs.values())))
    raters = study / "results_a", study / "results_b"
    outcome = run("reliability", *raters, "--out", tmp_path / "out", "--require-cv", limit)
    assert outcome.code == 5
    line = outcome.err.splitlines()[-1]
    named = line.split("CV ")[1].split(" found")[0].split(", ")
    above = [f"{' '.join(filter(None, region))} {cv:.4g} %" for region, cv in cvs.items() if cv > limit]
    assert sorted(named) == sorted(above)
    assert (tmp_path / "out" / "reliability.csv").is_file()
    assert run("reliability", *raters, *FI, "--out", tmp_path / "out", "--require-cv", "100").code == 0


def test_an_unknown_cv_does_not_pass_the_gate(tmp_path):
    table = tmp_path / "ratings.csv"
    table.write_text("target,rater,value\n1,a,-1\n1,b,1\n2,a,-2\n2,b,2\n")  # each target's mean is 0
    outcome = run("reliability", "--table", table, "--out", tmp_path / "out", "--require-cv", "5")
    assert outcome.code == 5
    assert "CV value unknown found" in outcome.err


def test_the_mean_is_a_folder_of_results(study, agreed):
    mean, first, second = (rows_of(study / name) for name in ("mean", "results_a", "results_b"))
    assert len(mean) == len(first) == len(second) == 16 * 9
    for row, a, b in zip(mean, first, second, strict=True):
        assert tuple(row) == COLUMNS
        assert all(row[key] == a[key] == b[key] for key in ("participant_id", "side", "muscle", "threshold"))
        for column in ("csa_px", "fi", "rcsa", "lean_rcsa", "mean_intensity"):
            assert float(row[column]) == pytest.approx((float(a[column]) + float(b[column])) / 2, rel=1e-12)
        assert row["csa_mm2"] == ""  # rater a knows no spacing
    compared = mp.compare(study / "mean")
    assert "no participants table" not in "\n".join(compared.notes)
    assert "side:ALS" in set(compared.table["contrast"])


def test_the_means_manifest_guards_it_and_names_nobody(study, agreed, tmp_path):
    text = (study / "mean" / "quantify.json").read_text()
    content = json.loads(text)
    assert content["outputs"] == {
        k: v for k, v in fingerprint(study / "mean").items() if k != "quantify.json"
    }
    assert content["inputs"]["rater_2/L4.csv"] == fingerprint(study / "results_b")["L4.csv"]
    assert content["settings"]["threshold"] == 50
    assert str(study) not in text
    assert "results_a" not in text
    assert list(pd.read_csv(study / "mean" / "problems.csv").columns) == list(PROBLEM_COLUMNS)
    shutil.copytree(study / "mean", tmp_path / "mean")
    table = tmp_path / "mean" / "L3.csv"
    table.write_text(table.read_text().replace("ALS_1", "ALS_9"))
    assert run("compare", tmp_path / "mean", "--out", tmp_path / "out").code == 3


def test_rows_that_one_rater_lacks_are_left_out_of_the_mean_and_said(study, tmp_path):
    scans = shutil.copytree(study / "scans_b", tmp_path / "scans")
    (scans / "LR_4_4.json").unlink()
    run("quantify", scans, "--out", tmp_path / "results", "--quiet")
    raters = study / "results_a", tmp_path / "results"
    outcome = run("reliability", *raters, *FI, "--out", tmp_path / "out", "--mean-out", tmp_path / "mean")
    assert outcome.code == 0
    assert "left out of the mean, 9 rows without a measurement of results" in outcome.err
    assert len(rows_of(tmp_path / "mean")) == 15 * 9
    problems = read_csv(tmp_path / "mean" / "problems.csv")
    assert any(row["code"] == "left-out-of-mean" and "LR_4 L4" in row["message"] for row in problems)
    assert any(row["file"] == "rater_2/LR_4_4.png" for row in problems)
    assert {row["n"] for row in read_csv(tmp_path / "out" / "reliability.csv")} == {"30", "16", "14"}


def full_masks(folder: Path, stem: str) -> dict[tuple[str, str], np.ndarray]:
    """Every region of a slice, drawn on the whole canvas with Pillow alone."""
    with Image.open(folder / f"{stem}.png") as image:
        size = image.size
    masks = {}
    for shape in json.loads((folder / f"{stem}.json").read_text())["shapes"]:
        canvas = Image.new("L", size)
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
        muscle, _, side = shape["label"].partition("_")
        masks[muscle, {"L": "left", "R": "right", "": ""}[side]] = np.asarray(canvas) == 1
    return masks


def boundary(mask: np.ndarray) -> np.ndarray:
    """(row, column) of the pixels that touch the outside by an edge."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inner).astype(float)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0])


def test_overlap_is_that_of_masks_on_the_whole_canvas(study, agreed):
    rows = read_csv(study / "agreement" / "overlap.csv")
    assert list(rows[0]) == [
        *("participant_id", "segment", "muscle", "side"),
        *("dice", "hausdorff_px", "hausdorff95_px", "hausdorff_mm"),
    ]
    assert len(rows) == len(STEMS) * 7
    for row in rows[:: len(rows) // 12]:
        stem, region = f"{row['participant_id']}_{row['segment'][1]}", (row["muscle"], row["side"])
        a, b = (full_masks(study / f"scans_{name}", stem)[region] for name in "ab")
        assert float(row["dice"]) == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()), rel=1e-12)
        edges, mm = (boundary(a), boundary(b)), np.array([0.5, 0.75])
        assert float(row["hausdorff_px"]) == pytest.approx(distance(*edges), rel=1e-12)
        assert float(row["hausdorff95_px"]) <= float(row["hausdorff_px"])
        assert float(row["hausdorff_mm"]) == pytest.approx(distance(edges[0] * mm, edges[1] * mm), rel=1e-12)


def test_overlap_summary_is_pandas(study, agreed):
    table = pd.read_csv(study / "agreement" / "overlap.csv")
    summary = pd.read_csv(study / "agreement" / "overlap_summary.csv").set_index("muscle")
    assert list(summary.index) == ["MF", "ES", "PM", "IVD"]
    expected = table.groupby("muscle")["dice"].agg(["mean", "std", "min"]).loc[summary.index]
    np.testing.assert_allclose(summary[["dice_mean", "dice_sd", "dice_min"]], expected, rtol=1e-12)
    assert "mean Dice coefficient: MF 0." in agreed.err


def test_files_notes_and_bytes(study, agreed, tmp_path):
    ends = (".png", ".svg", "_data.csv")
    figures = {f"bland_altman_{metric}{end}" for metric in ("fi", "rcsa") for end in ends}
    tables = {
        "reliability.csv",
        "bland_altman.csv",
        "overlap.csv",
        "overlap_summary.csv",
        "notes.txt",
        "reliability.json",
    }
    assert set(fingerprint(study / "agreement")) == figures | tables
    with Image.open(study / "agreement" / "bland_altman_fi.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    notes = (study / "agreement" / "notes.txt").read_text().splitlines()
    assert notes[0] == "settings: raters 1: results_a, 2: results_b; metric fi, rcsa"
    assert len(notes) == len(set(notes))
    # Long lists are cut on the terminal, after their beginning.
    assert all(f"note: {note[:60]}" in agreed.err for note in notes[1:])
    again = run("reliability", study / "results_a", study / "results_b", "--out", tmp_path / "out")
    assert again.code == 0
    for name in ("reliability.csv", "bland_altman.csv", *figures):
        assert (tmp_path / "out" / name).read_bytes() == (study / "agreement" / name).read_bytes(), name


def test_a_later_run_leaves_nothing_of_an_earlier_one(study, agreed, tmp_path):
    out = shutil.copytree(study / "agreement", tmp_path / "out")
    (out / "my_notes.md").write_text("kept")
    assert (
        run("reliability", study / "results_a", study / "results_b", "--metric", "fi", "--out", out).code == 0
    )
    assert set(fingerprint(out)) == {
        *("reliability.csv", "bland_altman.csv", "notes.txt", "reliability.json", "my_notes.md"),
        *("bland_altman_fi.png", "bland_altman_fi.svg", "bland_altman_fi_data.csv"),
    }


def test_three_raters_have_a_figure_per_pair_and_no_bias(study, tmp_path):
    raters = [study / f"results_{name}" for name in "abc"]
    outcome = run("reliability", *raters, "--metric", "csa_px", "--out", tmp_path)
    assert outcome.code == 0
    assert {path.name for path in tmp_path.glob("*.png")} == {
        f"bland_altman_csa_px_{pair}.png" for pair in ("1-2", "1-3", "2-3")
    }
    rows = read_csv(tmp_path / "reliability.csv")
    assert {(row["raters"], row["bias"], row["metric"]) for row in rows} == {("3", "", "csa_px")}
    ours = [float(row["icc"]) for row in rows if (row["segment"], row["muscle"]) == ("", "MF")]
    expected = of_pingouin(ratings(study, "abc", "", "MF", "csa_px"))
    np.testing.assert_allclose(ours, expected["ICC"], rtol=1e-9)


def test_shrout_and_fleiss_come_out_of_a_table(tmp_path):
    """Their printed ICCs of six targets and four judges: .17, .29, .71, .44, .62, .91 (1979, Table 4)."""
    judged = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    lines = [f"{t:03},judge {r},{v}" for t, row in enumerate(judged) for r, v in enumerate(row)]
    (tmp_path / "judges.csv").write_text("\n".join(["target,rater,value", *lines]))
    assert run("reliability", "--table", tmp_path / "judges.csv", "--out", tmp_path / "out").code == 0
    rows = read_csv(tmp_path / "out" / "reliability.csv")
    assert [f"{float(row['icc']):.2f}" for row in rows] == ["0.17", "0.29", "0.71", "0.44", "0.62", "0.91"]
    assert (tmp_path / "out" / "bland_altman_value_1-2.png").is_file()


def test_raters_of_one_folder_name_are_told_apart(study, tmp_path):
    for who in "ab":
        shutil.copytree(study / f"results_{who}", tmp_path / f"reader {who}" / "results")
    raters = [tmp_path / f"reader {who}" / "results" for who in "ab"]
    assert run("reliability", *raters, *FI, "--out", tmp_path / "out").code == 0
    row = read_csv(tmp_path / "out" / "bland_altman.csv")[0]
    assert (row["rater_a"], row["rater_b"]) == ("reader a/results", "reader b/results")


def one_line(outcome, code: int) -> str:
    """The only line that was said besides notes; neither a traceback nor another exit code."""
    assert outcome.code == code, outcome.err
    lines = [line for line in outcome.err.splitlines() if not line.startswith("note: ")]
    assert len(lines) == 1
    return lines[0]


def test_wrong_usage_is_one_line(study, tmp_path):
    a, b = study / "results_a", study / "results_b"
    out = ("--out", tmp_path / "out")
    table = tmp_path / "t.csv"
    table.write_text("target,rater,value\n1,a,1\n1,b,x\n")
    for arguments, said in (
        ([a], "expected two or more"),
        ([], "neither raters nor --table"),
        ([a, study / "mean" / ".." / "results_a"], "given more than once"),
        ([a, b, "--table", table], "--table: was given with"),
        (["--table", table, "--metric", "fi"], "--table: was given with"),
        (["--table", table], "--table: value: 'x' found in row 2"),
        (["--table", tmp_path / "none.csv"], "--table: none.csv"),
        ([a, b, "--metric", "fatness"], "no column fatness"),
        ([a, b, "--metric", "image"], "image: 'ALS_1_3.png' found"),
        ([a, b, "--require-cv", "-1"], "--require-cv: -1.0 found"),
        ([a, b, "--require-cv", "nan"], "--require-cv: nan found"),
        ([a, b, "--mean-out", a], "is an input or --out"),
        ([a, b, "--mean-out", tmp_path / "out"], "is an input or --out"),
        ([a, b, "--dataset", study / "scans_a"], "--dataset: 1 datasets of 2 raters"),
    ):
        assert said in one_line(run("reliability", *arguments, *out), 2)
    assert not list((tmp_path / "out").glob("*"))
    before = fingerprint(b)
    assert "is an input and would be written over" in one_line(run("reliability", a, b, "--out", b), 2)
    assert fingerprint(b) == before


def test_raters_with_different_participants_have_no_mean(study, tmp_path):
    other = shutil.copytree(study / "results_b", tmp_path / "b")
    (other / "quantify.json").unlink()
    copy = other / "participants.csv"
    copy.write_text(copy.read_text().replace("19.7", "19.8"))
    raters = study / "results_a", other
    outcome = run("reliability", *raters, "--out", tmp_path / "out", "--mean-out", tmp_path / "mean")
    assert "participants.csv: results_a and b have different ones" in one_line(outcome, 2)
    assert not (tmp_path / "mean").exists()
    assert not list((tmp_path / "out").glob("*"))


def test_raters_of_different_settings_have_no_mean(study, tmp_path):
    run("quantify", study / "scans_b", "--threshold", "60", "--out", tmp_path / "b", "--quiet")
    raters = study / "results_a", tmp_path / "b"
    outcome = run("reliability", *raters, "--out", tmp_path / "out", "--mean-out", tmp_path / "mean")
    assert "threshold" in one_line(outcome, 2)
    outcome = run("reliability", *raters, *FI, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "raters differ in threshold" in outcome.err


def test_a_broken_or_absent_folder_is_refused(study, tmp_path):
    broken = shutil.copytree(study / "results_b", tmp_path / "b")
    (broken / "L3.csv").write_text((broken / "L3.csv").read_text().replace("ALS_1,", "ALS_2,", 1))
    for folder, said in ((broken, "L3.csv: changed since"), (tmp_path / "none", "no such folder")):
        outcome = run("reliability", study / "results_a", folder, "--out", tmp_path / "out")
        assert said in one_line(outcome, 3)
    (broken / "quantify.json").unlink()
    (broken / "measurements.csv").unlink()
    table = (broken / "L4.csv").read_text().splitlines()
    (broken / "L4.csv").write_text("\n".join([table[0], table[1].replace(",50,", ",fifty,")]))
    outcome = run("reliability", study / "results_a", broken, "--out", tmp_path / "out")
    assert f"{broken}: L4.csv: row 2, column threshold: 'fifty'" in one_line(outcome, 3)


def masks(study: Path, tmp_path: Path, scans_b: Path, results_b: Path | None = None):
    """``reliability`` of rater a and another dataset, which is measured first where no results are given."""
    if results_b is None:
        results_b = tmp_path / "b"
        assert run("quantify", scans_b, "--out", results_b, "--quiet").code in (0, 4)
    datasets = ("--dataset", study / "scans_a", "--dataset", scans_b)
    return run("reliability", study / "results_a", results_b, *FI, *datasets, "--out", tmp_path / "out")


def test_a_dataset_that_was_not_measured_is_refused(study, tmp_path):
    scans = shutil.copytree(study / "scans_b", tmp_path / "scans")
    content = json.loads((scans / "LR_2_3.json").read_text())
    content["shapes"][0]["points"][0][0] += 1
    (scans / "LR_2_3.json").write_text(json.dumps(content))
    outcome = masks(study, tmp_path, scans, study / "results_b")
    assert f"{scans / 'LR_2_3.json'}: changed since it was measured" in one_line(outcome, 3)
    swapped = masks(study, tmp_path, study / "scans_a", study / "results_b")
    assert "changed since it was measured" in one_line(swapped, 3)
    bare = shutil.copytree(study / "results_b", tmp_path / "bare")
    (bare / "quantify.json").unlink()
    assert "no quantify.json" in one_line(masks(study, tmp_path, study / "scans_b", bare), 3)


def test_what_cannot_be_compared_is_left_out_and_said(study, tmp_path):
    scans = shutil.copytree(study / "scans_b", tmp_path / "scans")
    with Image.open(scans / "ALS_1_3.png") as image:
        grey = np.array(image)
    grey[0, 0] ^= 1
    Image.fromarray(grey).save(scans / "ALS_1_3.png")
    (scans / "ALS_2_3.json").write_text("{")
    (scans / "ALS_3_3.json").unlink()
    content = json.loads((scans / "ALS_4_3.json").read_text())
    content["shapes"] = [shape for shape in content["shapes"] if shape["label"] != "MF_L"]
    (scans / "ALS_4_3.json").write_text(json.dumps(content))
    outcome = masks(study, tmp_path, scans)
    assert outcome.code == 0, outcome.err
    for said in (
        "slices whose images differ: ALS_1 L3",
        "slices that could not be read: ALS_2 L3",
        "slices of one dataset alone: ALS_3 L3",
        "regions of one rater alone: ALS_4 L3 MF left",
    ):
        assert f"note: masks left out, {said}" in outcome.err
    rows = read_csv(tmp_path / "out" / "overlap.csv")
    assert len(rows) == (len(STEMS) - 3) * 7 - 1


def test_datasets_without_a_slice_in_common_are_refused(study, tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3", shapes=SHAPES)
    assert "no region in common" in one_line(masks(study, tmp_path, tmp_path / "scans"), 3)


def test_the_distance_in_mm_is_left_empty_where_spacings_contradict(study, tmp_path):
    home = tmp_path / "home"
    for name, spacing in (("a", "0.5,0.5"), ("b", "0.6,0.6")):
        write_slice(home / name, "ALS_1_3")
        write_slice(home / name, "ALS_2_3")
        rows = [f"ALS_1_3.png,{spacing}", "ALS_2_3.png,0.7,0.7"]
        (home / name / "slices.csv").write_text("\n".join(["image,row_spacing_mm,col_spacing_mm", *rows]))
        run("quantify", home / name, "--out", home / f"results_{name}", "--quiet")
    outcome = run(
        *("reliability", home / "results_a", home / "results_b", "--out", tmp_path / "out"),
        *("--dataset", home / "a", "--dataset", home / "b"),
    )
    assert outcome.code == 0, outcome.err
    rows = read_csv(tmp_path / "out" / "overlap.csv")
    assert {(row["participant_id"], row["dice"], row["hausdorff_mm"]) for row in rows} == {
        ("ALS_1", "1.0", ""),
        ("ALS_2", "1.0", "0.0"),
    }
    assert "hausdorff_mm: empty for 7 regions" in outcome.err
