"""``report``: what is on the page, that it belongs together, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import mriparaspinal
from tests.commands.test_stacks import stacks
from tests.dataset.test_dixon import dataset as dixon_dataset
from tests.dataset.test_dixon import signals, volume
from tests.support.browser import NAMES
from tests.support.builders.slices import SHAPES, grey_image, polygon, write_dataset, write_slice
from tests.support.builders.study import SAMPLE, copy_sample, fingerprint, one_line, read_csv, rows_of, run


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two participants of each group, L3 and L4, of the sample data: scans, results, comparison, page."""
    home = tmp_path_factory.mktemp("report")
    copy_sample(home / "scans", "*_[12]_[34].*")
    (home / "scans" / "paraspinal.toml").write_text('contrasts = ["side:ALS", "group:ALS-LR"]\n')
    assert run("quantify", home / "scans", "--out", home / "results", "--quiet").code == 0
    compared = run("compare", home / "results", "--out", home / "comparison")
    assert compared.code == 0, compared.err
    (home / "said.txt").write_text(compared.err, encoding="utf-8")
    outcome = report(home, home / "report.html")
    assert outcome.code == 0, outcome.err
    return home


def report(study: Path, out: Path, *options: object, **folders: Path):
    results, scans = folders.get("results", study / "results"), folders.get("scans", study / "scans")
    comparison = folders.get("comparison", study / "comparison")
    return run("report", results, "--dataset", scans, "--comparison", comparison, "--out", out, *options)


def page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_same_bytes_whatever_the_jobs_and_the_place(study, tmp_path):
    shutil.copytree(study, tmp_path / "elsewhere")
    assert report(tmp_path / "elsewhere", tmp_path / "again.html", "--jobs", 2).code == 0
    assert (tmp_path / "again.html").read_bytes() == (study / "report.html").read_bytes()


def test_only_the_page_is_written(study, tmp_path):
    before = fingerprint(study)
    assert report(study, tmp_path / "new" / "page.html").code == 0
    assert fingerprint(study) == before
    assert set(fingerprint(tmp_path / "new")) == {"page.html"}


def test_no_paths_and_no_network(study):
    text = page(study / "report.html")
    assert not re.search(r"/tmp|/home|/work|[A-Z]:\\", re.sub(r"base64,[^\"]*", "", text))
    addresses = set(re.findall(r"(?:src|href|action)=\"(?!#|data:image/)[^\"]*", text))
    assert addresses == set()
    assert not re.search(r"<link|<iframe|<object|<form|@import|url\((?!#)", text)
    assert " style=" not in text
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
    assert "unsafe" not in policy


def test_every_number_of_a_slice_is_that_of_its_csv(study):
    text = page(study / "report.html")
    rows = rows_of(study / "results")
    articles = re.findall(r'<article.*?data-image="([^"]*)".*?</article>', text, re.DOTALL)
    assert sorted(articles) == sorted({row["image"] for row in rows})
    for row in rows[::7]:
        article = re.search(rf'data-image="{row["image"]}".*?</article>', text, re.DOTALL)[0]
        cells = re.search(rf'data-key="{row["muscle"]} {row["side"]}" data-px.*?</tr>', article)[0]
        assert f">{row['csa_px']}</td>" in cells
        assert f">{float(row['fi']):.3f}</td>" in cells
        assert f">{float(row['rcsa']):.3f}</td>" in cells
        assert f"Numbers: {row['segment']}.csv" in article


def test_pictures_are_the_pixels_of_the_files(study):
    text = page(study / "report.html")
    for name in ("ALS_1_3.png", "LR_2_4.png"):
        article = re.search(rf'data-image="{name}".*?</article>', text, re.DOTALL)[0]
        content = base64.b64decode(re.search(r'<img src="[^"]*base64,([^"]*)"', article)[1])
        shown = Image.open(io.BytesIO(content))
        assert not {"exif", "icc_profile", "xmp"} & set(shown.info)
        shown = np.asarray(shown.convert("RGB"))
        whole = np.asarray(Image.open(study / "scans" / name))
        windows = np.lib.stride_tricks.sliding_window_view(whole, shown.shape[:2])
        first = np.argwhere(windows[:, :, 0, 0] == shown[0, 0, 0])
        assert any((windows[r, c] == shown[..., 0]).all() for r, c in first)
        assert (shown[..., 0] == shown[..., 1]).all()


def test_without_a_comparison(study, tmp_path):
    outcome = run("report", study / "results", "--dataset", study / "scans", "--out", tmp_path / "p.html")
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "p.html")
    assert "no comparison was given (--comparison)" in text
    assert "scipy" not in text.lower()


def test_a_comparison_of_other_results_is_refused(study, tmp_path):
    other = tmp_path / "other"
    assert run("quantify", study / "scans", "--threshold", 60, "--out", other, "--quiet").code == 0
    line = one_line(report(study, tmp_path / "p.html", results=other), 3)
    assert (
        "comparisons.csv: side:ALS L3 MF fi: mean_a" in line or "comparisons.csv: side:ALS L3 MF fi:" in line
    )
    assert "as these results give" in line
    assert not (tmp_path / "p.html").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("comparisons.csv", "side:ALS,L3", "side:HC,L3", "expected"),
        ("comparisons.csv", "contrast,", "what,", "no column"),
        ("table2.csv", "0.", "1.", "is not what its numbers give"),
        ("figure_effects.svg", "<svg", "<sv", "cannot be read as SVG"),
    ],
)
def test_a_comparison_that_was_changed_is_refused(study, tmp_path, file, old, new, said):
    changed = Path(shutil.copytree(study / "comparison", tmp_path / "comparison")) / file
    changed.write_text(changed.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    line = one_line(report(study, tmp_path / "p.html", comparison=changed.parent), 3)
    assert file in line
    assert said in line


def test_options_of_the_comparison_are_found_again(study, tmp_path):
    out = tmp_path / "comparison"
    options = (
        "--contrast",
        "group:ALS-LR",
        "--metric",
        "csa_px",
        "--divide-by",
        "bmi",
        "--normality",
        "shapiro",
    )
    assert run("compare", study / "results", *options, "--out", out, "--quiet").code == 0
    outcome = report(study, tmp_path / "p.html", comparison=out)
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "p.html")
    assert "Shapiro–Wilk" in text
    assert "divided by bmi" in text


@pytest.fixture(scope="module")
def with_shapiro(tmp_path_factory):
    """L3 of everyone in the sample data, enough for a test of normality: scans, results, comparison."""
    home = tmp_path_factory.mktemp("shapiro")
    (home / "scans").mkdir()
    for file in [*SAMPLE.glob("*_3.*"), SAMPLE / "participants.csv"]:
        shutil.copy(file, home / "scans")
    assert run("quantify", home / "scans", "--out", home / "results", "--quiet").code == 0
    options = ("--normality", "shapiro", "--contrast", "group:ALS-LR", "--metric", "fi", "--quiet")
    assert run("compare", home / "results", *options, "--out", home / "comparison").code == 0
    return home


@pytest.mark.parametrize("file", ["notes.txt", "comparison.json"])
def test_a_file_of_the_comparison_that_is_missing_is_the_one_that_is_named(with_shapiro, tmp_path, file):
    """Not ``comparisons.csv``, in which nothing is wrong."""
    folder = Path(shutil.copytree(with_shapiro / "comparison", tmp_path / "comparison"))
    (folder / file).unlink()
    line = one_line(report(with_shapiro, tmp_path / "p.html", comparison=folder), 3)
    assert f"{file}: " in line
    assert line.endswith("run compare again")
    assert "comparisons.csv" not in line


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"shapiro"', '"lilliefors"', "its settings do not give the comparisons.csv that it lists"),
        ('"shapiro"', '"anderson"', "the test of normality 'anderson' was found; expected lilliefors or"),
        ('"settings"', '"setting"', "missing required field `settings`"),
        ("{", "[", "no JSON"),
        (f'"{mriparaspinal.__version__}"', '"99.1"', "written by mriparaspinal 99.1, which is later than"),
    ],
)
def test_settings_of_the_comparison_that_are_not_those_of_compare(with_shapiro, tmp_path, old, new, said):
    file = Path(shutil.copytree(with_shapiro / "comparison", tmp_path / "comparison")) / "comparison.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    line = one_line(report(with_shapiro, tmp_path / "p.html", comparison=file.parent), 3)
    assert "comparison.json: " in line
    assert said in line


def test_notes_are_for_people_alone(with_shapiro, tmp_path):
    """Whatever stands in their first line: the settings are those of ``comparison.json``."""
    folder = Path(shutil.copytree(with_shapiro / "comparison", tmp_path / "comparison"))
    lines = (folder / "notes.txt").read_text(encoding="utf-8").splitlines()
    lines[0] = "settings: normality lilliefors; divided by bmi; the comparison is skipped"
    (folder / "notes.txt").write_text("\n".join(lines), encoding="utf-8")
    assert report(with_shapiro, tmp_path / "p.html", comparison=folder).code == 0
    assert "Shapiro–Wilk" in page(tmp_path / "p.html")


def test_other_participants_have_to_be_named_again(study, tmp_path):
    table = tmp_path / "people.csv"
    people = read_csv(study / "scans" / "participants.csv")
    rows = [f"{one['participant_id']},{one['onset_side']},{number % 2}" for number, one in enumerate(people)]
    table.write_text("\n".join(["participant_id,onset_side,kind", *rows]))
    options = ("--participants", table)
    asked = ("--contrast", "kind:1-0", "--metric", "fi")
    out = tmp_path / "comparison"
    assert run("compare", study / "results", *options, *asked, "--out", out, "--quiet").code == 0
    assert report(study, tmp_path / "p.html", comparison=out).code == 3
    assert report(study, tmp_path / "p.html", *options, comparison=out).code == 0


def test_a_dataset_that_changed_is_refused(study, tmp_path):
    scans = Path(shutil.copytree(study / "scans", tmp_path / "scans"))
    image = np.array(Image.open(scans / "ALS_1_3.png"))
    image[0, 0] ^= 1
    Image.fromarray(image).save(scans / "ALS_1_3.png")
    line = one_line(report(study, tmp_path / "p.html", scans=scans), 3)
    assert "ALS_1_3.png: changed since it was measured" in line


def test_wrong_usage_is_one_line(study, tmp_path):
    out = tmp_path / "p.html"
    assert "no such folder" in one_line(report(study, out, comparison=tmp_path / "none"), 3)
    assert "no comparisons.csv" in one_line(report(study, out, comparison=study / "scans"), 3)
    assert "lies in the input" in one_line(report(study, study / "results" / "p.html"), 2)
    assert "is a folder" in one_line(report(study, tmp_path), 2)
    assert "measured from contours" in one_line(report(study, out, "--masks", study / "scans"), 2)
    bare = Path(shutil.copytree(study / "results", tmp_path / "bare"))
    (bare / "quantify.json").unlink()
    assert "no quantify.json" in report(study, out, results=bare).err.splitlines()[-1]
    assert not out.exists()


def test_faulty_slices_are_named_with_their_reasons(tmp_path):
    scans = write_dataset(tmp_path / "scans", als=1, lr=1, segments=(3,))
    (scans / "paraspinal.toml").write_text('contrasts = ["group:ALS-LR"]\n')
    write_slice(scans, "ALS_2_3", shapes=[shape for shape in SHAPES if shape["label"] != "MF_L"])
    (scans / "LR_2_3.json").write_text("{")
    shutil.copy(scans / "LR_1_3.png", scans / "LR_2_3.png")
    assert run("run", scans, "--out", tmp_path / "out", "--quiet").code == 4
    text = page(tmp_path / "out" / "report.html")
    assert "3 <span>of 4</span>" in text
    assert "1 of 4 slices have no number" in text
    first = text.split('class="part"')[1]
    assert re.findall(r'data-image="([^"]*)"', first) == ["ALS_2_3.png", "LR_2_3.png"]
    assert "no contour of the left MF" in first
    assert first.count("<img ") == 2, "the image of the one that was not measured, too"
    assert "nothing on it was measured" in first


def refusing(tmp_path: Path) -> str:
    """The page of slices of which contours are refused, each for another reason."""
    scans = tmp_path / "scans"
    moved = [
        {**shape, "points": [[x + 40, y] for x, y in shape["points"]]} if shape["label"] == "ES_R" else shape
        for shape in SHAPES
    ]
    write_slice(scans, "ALS_1_3", shapes=[*moved, polygon("other", [[1, 1], [9, 1], [9, 9]])])
    write_slice(scans, "ALS_1_4", flags={"draft": True})
    write_slice(scans, "ALS_1_5")
    review = tmp_path / "review.csv"
    review.write_text("image,region,verdict,reason\nALS_1_5.png,MF_L,exclude,artefact\n", encoding="utf-8")
    results = tmp_path / "results"
    assert run("quantify", scans, "--review", review, "--out", results, "--quiet").code == 4
    outcome = run("report", results, "--dataset", scans, "--out", tmp_path / "p.html")
    assert outcome.code in (0, 4), outcome.err
    return page(tmp_path / "p.html")


def test_refused_contours_are_dashed_with_the_error_that_refused_them(tmp_path):
    text = refusing(tmp_path)
    dashed = {
        name: re.findall(r"<title>([^<]*), not measured: ([^<]*)</title>", one)
        for name, one in re.findall(r'data-image="([^"]*)"(.*?)</article>', text, re.DOTALL)
    }
    ((label, reason),) = dashed["ALS_1_3.png"]
    assert label == "ES_R"
    assert "lies on the patient" in reason
    assert "other labels" not in reason, "a warning, which comes before it in no list"
    labels = {shape["label"] for shape in SHAPES}
    assert {label for label, _ in dashed["ALS_1_4.png"]} == labels
    assert {reason.split("(")[0] for _, reason in dashed["ALS_1_4.png"]} == {
        "a draft that nobody has judged "
    }
    assert dashed["ALS_1_5.png"] == [
        ("MF_L", "MF_L is excluded by the review (artefact); expected no number of it")
    ]
    draft = re.search(r'data-image="ALS_1_4.png".*?</article>', text, re.DOTALL)[0]
    points = next(shape["points"] for shape in SHAPES if shape["label"] == "MF_L")
    drawn = "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "z"
    assert f'<path class="refused" d="{drawn}">' in draft, "on the whole slice, as it was drawn"


def whole_of(text: str, name: str) -> np.ndarray:
    article = re.search(rf'data-image="{name}".*?</article>', text, re.DOTALL)[0]
    content = base64.b64decode(re.search(r'data-whole="[^"]*base64,([^"]*)"', article)[1])
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def test_the_whole_slice_is_there_without_what_is_burnt_in_beside_the_body(study, tmp_path):
    scans = Path(shutil.copytree(study / "scans", tmp_path / "scans"))
    image = Image.open(scans / "ALS_1_3.png")
    ImageDraw.Draw(image).text((3, 3), "DOE^JOHN 1950", fill=255)
    image.save(scans / "ALS_1_3.png")
    assert run("quantify", scans, "--out", tmp_path / "results", "--quiet").code == 0
    outcome = run("report", tmp_path / "results", "--dataset", scans, "--out", tmp_path / "p.html")
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "p.html")
    named, other = (whole_of(text, f"ALS_1_{segment}.png") for segment in (3, 4))
    assert np.asarray(image)[:12, :60].max() > 230
    assert named[:12, :60].max() < 10
    original = np.asarray(Image.open(scans / "ALS_1_4.png")).astype(float)
    assert other.shape == original.shape
    article = re.search(r'data-image="ALS_1_4.png".*?</article>', text, re.DOTALL)[0]
    top = int(re.search(r'data-top="(\d+)"', article)[1])
    front = original[:top] > 60
    assert front.sum() > 1000
    loss = np.abs(other[:top][front] - original[:top][front])
    assert loss.mean() < 8, "the body in front of the measured part is there, with little loss"


def test_a_muscle_that_was_refused_on_both_sides_has_its_line(study, tmp_path):
    scans = Path(shutil.copytree(study / "scans", tmp_path / "scans"))
    text = (scans / "ALS_1_3.json").read_text()
    exchanged = text.replace("PM_L", "PM_?").replace("PM_R", "PM_L").replace("PM_?", "PM_R")
    (scans / "ALS_1_3.json").write_text(exchanged)
    assert run("quantify", scans, "--out", tmp_path / "results").code == 4
    options = ("--dataset", scans, "--out", tmp_path / "report.html", "--by-participant")
    run("report", tmp_path / "results", *options)
    text = page(tmp_path / "report_participants" / "ALS_1.html")
    (line,) = re.findall(r'<tr><th scope="row">L3</th><td>PM</td>(.*?)</tr>', text)
    cells = re.findall(r"<td>([^<]*)</td>", line)
    assert cells[:5] == ["–"] * 5
    assert "Every slice was measured" not in page(tmp_path / "report.html")


def test_a_page_for_each_participant(study, tmp_path):
    out = tmp_path / "report.html"
    assert report(study, out, "--by-participant").code == 0
    folder = tmp_path / "report_participants"
    assert set(fingerprint(folder)) == {"ALS_1.html", "ALS_2.html", "LR_1.html", "LR_2.html"}
    text = page(folder / "ALS_1.html")
    assert re.findall(r'data-image="([^"]*)"', text) == ["ALS_1_3.png", "ALS_1_4.png"]
    assert "LR_1" not in text
    rows = [row for row in rows_of(study / "results") if row["segment"] == "L3" and row["muscle"] == "MF"]
    own = {row["side"]: row for row in rows if row["participant_id"] == "ALS_1"}
    others = sorted(
        float(row["fi"]) for row in rows if row["participant_id"] == "ALS_2" and row["side"] != "both"
    )
    line = re.search(r'<tr><th scope="row">L3</th><td>MF</td>.*?</tr>', text)[0]
    cells = re.findall(r"<td>([^<]*)</td>", line)
    assert cells[1:3] == [own["left"]["csa_px"], own["right"]["csa_px"]]
    usual = f"{sum(others) / 2:.2f} ({others[0]:.2f}–{others[1]:.2f})"
    assert cells[7:] == [f"{float(own[side]['fi']):.3f}" for side in ("left", "right")] + [usual, "1"]
    (folder / "mine.html").write_text("mine")
    left = folder / "HC_9.html"
    shutil.copy(folder / "ALS_1.html", left)
    before = fingerprint(folder)
    assert report(study, out, "--by-participant", "--jobs", 2).code == 0
    assert not left.exists(), "of somebody who is not in the study"
    assert fingerprint(folder) == {name: digest for name, digest in before.items() if name != "HC_9.html"}
    assert report(study, out).code == 0
    assert set(fingerprint(folder)) == {"mine.html"}, (
        "those of an earlier report do not stay beside a new one"
    )


def test_no_page_of_a_participant_into_an_input(study, tmp_path):
    scans = Path(shutil.copytree(study / "scans", tmp_path / "page_participants"))
    before = fingerprint(scans)
    outcome = report(study, tmp_path / "page.html", "--by-participant", scans=scans)
    assert "is an input" in one_line(outcome, 2)
    assert fingerprint(scans) == before


def test_pdf_without_a_browser_is_one_line(study, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    line = one_line(report(study, tmp_path / "p.html", "--pdf"), 2)
    assert "--pdf: no Chromium" in line
    assert not (tmp_path / "p.html").exists()


def test_pdf_that_fails_or_is_not_ours_leaves_all_as_it_was(study, tmp_path, monkeypatch):
    (tmp_path / "p.pdf").write_bytes(b"%PDF-1.4 mine")
    assert "p.pdf" in one_line(report(study, tmp_path / "p.html", "--pdf"), 2)
    assert "the name of a PDF" in one_line(report(study, tmp_path / "q.pdf", "--pdf"), 2)
    (tmp_path / "p.pdf").unlink()
    broken = tmp_path / "bin" / "chromium"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent))
    assert "chromium did not print the page" in one_line(report(study, tmp_path / "p.html", "--pdf"), 2)
    assert set(fingerprint(tmp_path)) == {"bin/chromium"}


@pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="no Chromium")
def test_pdf_is_complete_and_the_same_each_time(study, tmp_path):
    for name in ("one", "two"):
        outcome = report(study, tmp_path / name / "report.html", "--pdf")
        assert outcome.code == 0, outcome.err
    content = (tmp_path / "one" / "report.pdf").read_bytes()
    assert content == (tmp_path / "two" / "report.pdf").read_bytes()
    assert b"CreationDate" not in content[:4096]
    assert b"/Creator (mriparaspinal" in content
    assert str(tmp_path).encode() not in content
    pages = len(re.findall(rb"/Type /Page\b", content))
    assert pages > 5
    assert len(re.findall(rb"/Subtype /Image", content)) >= 8, "a picture of each slice"


def test_counts_of_comparisons_agree(study):
    """The table, the terminal and the page, each counted or said by itself."""
    rows = read_csv(study / "comparison" / "comparisons.csv")
    tested = sum(row["p"] != "" for row in rows)
    below, adjusted = (
        sum(row[name] != "" and float(row[name]) < 0.05 for row in rows) for name in ("p", "p_adjusted")
    )
    err = (study / "said.txt").read_text(encoding="utf-8")
    said = re.search(r"made (\d+) comparisons?(?: \((\d+) more could not be tested\))?", err)
    assert (int(said[1]), int(said[2] or 0)) == (tested, len(rows) - tested)
    assert f"; {below} with p < 0.05, {adjusted} with adjusted p < 0.05" in err
    text = page(study / "report.html")
    assert f"<dd>{adjusted} <span>of {tested}</span></dd>" in text
    if tested:
        assert (
            f"{adjusted} of {tested} comparisons stand out: adjusted p below 0.05 ({below} unadjusted)"
            in text
        )


def test_run_writes_the_page_of_these_results_or_none(study, tmp_path):
    scans = Path(shutil.copytree(study / "scans", tmp_path / "scans"))
    out = tmp_path / "out"
    assert run("run", scans, "--out", out, "--quiet").code == 0
    assert (out / "report.html").read_bytes() == (study / "report.html").read_bytes()
    table = scans / "participants.csv"
    table.write_text(table.read_text().replace("ALS_1,ALS", "ALS_1,LR"))
    assert run("run", scans, "--out", out, "--quiet").code == 3
    assert not (out / "report.html").exists()


def test_several_slices_per_segment_stand_by_themselves(tmp_path):
    scans = stacks(tmp_path / "scans")
    (scans / "paraspinal.toml").write_text('contrasts = ["group:ALS-LR"]\n')
    outcome = run("run", scans, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "out" / "report.html")
    assert text.count("<article") == 24
    assert "L3 a" in text
    assert "Numbers: L3_slices.csv" in text
    assert "Numbers: L4.csv" in text
    assert "Where a segment has several slices, areas are means" in text


def test_label_maps_need_their_folder(study, tmp_path):
    scans, masks, results = study / "scans", tmp_path / "masks", tmp_path / "results"
    assert run("masks", scans, "--out", masks, "--quiet").code == 0
    assert run("quantify", scans, "--masks", masks, "--out", results, "--quiet").code == 0
    command = ("report", results, "--dataset", scans, "--out", tmp_path / "p.html")
    assert "give --masks DIR" in one_line(run(*command), 2)
    outcome = run(*command, "--masks", masks)
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "p.html")
    assert "those of label maps, pixel by pixel" in text
    rows = {row["image"]: row for row in rows_of(results)}
    assert text.count("<article") == len(rows)
    label_map = masks / "ALS_1_3_mask.png"
    values = Image.open(label_map)
    changed = np.array(values)
    changed[changed > 0] = 0
    image = Image.fromarray(changed).convert("P")
    image.putpalette(values.getpalette())
    image.save(label_map)
    assert "changed since it was measured" in one_line(run(*command, "--masks", masks), 3)


def test_fat_fractions_have_no_grey_threshold(tmp_path):
    scans = dixon_dataset(tmp_path / "scans")
    fat, water = (volume(tmp_path / name / "ALS_1.nii.gz", signals(seed)) for seed, name in enumerate("fw"))
    given = ("--fat-rule", "dixon", "--fat", fat.parent, "--water", water.parent)
    outcome = run("quantify", scans, *given, "--out", tmp_path / "results", "--quiet")
    assert outcome.code == 0, outcome.err
    outcome = run("report", tmp_path / "results", "--dataset", scans, "--out", tmp_path / "p.html")
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "p.html")
    article = re.search(r"<article.*?</article>", text, re.DOTALL)[0]
    assert "data-threshold" not in article
    assert 'class="threshold"' not in article
    assert "fat / (fat + water) of Dixon images" in text


def test_each_slice_may_have_its_own_threshold(study, tmp_path):
    results = tmp_path / "results"
    assert run("quantify", study / "scans", "--fat-rule", "otsu", "--out", results, "--quiet").code == 0
    outcome = run("report", results, "--dataset", study / "scans", "--out", tmp_path / "p.html")
    assert outcome.code == 0, outcome.err
    text = page(tmp_path / "p.html")
    for row in rows_of(results):
        article = re.search(rf'data-image="{row["image"]}".*?>', text)[0]
        assert float(re.search(r'data-threshold="([^"]*)"', article)[1]) == float(row["threshold"])


def test_the_page_names_what_it_was_made_from(study):
    import hashlib

    raw = (study / "results" / "quantify.json").read_bytes()
    text = page(study / "report.html")
    assert hashlib.sha256(raw).hexdigest() in text
    assert json.loads(raw)["libraries"]["pillow"] in text
    assert "mriparaspinal quantify DATASET --out RESULTS --threshold 50 --reference IVD" in text


def test_coarser_grey_outside_makes_room():
    """Coarser grey outside the regions does make smaller pictures (350 slices take too long for a test)."""
    from mriparaspinal.imaging.rasterise import Patch
    from mriparaspinal.report.outlines import coarser_outside
    from mriparaspinal.report.pictures import png

    grey = grey_image((200, 200), seed=2)
    mask = np.zeros((200, 200), dtype=bool)
    mask[50:100, 50:150] = True
    sizes = [len(png(coarser_outside(grey, [Patch(0, 0, mask)], step))) for step in (1, 4, 8, 16, 32)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.7 * sizes[0]


def test_a_comparison_that_lost_a_table_is_not_taken_for_none(study, tmp_path):
    for name in ("comparisons.csv", "characteristics.csv"):
        shutil.copytree(study / "comparison", tmp_path / name)
        (tmp_path / name / name).unlink()
        outcome = report(study, tmp_path / "page.html", comparison=tmp_path / name)
        assert f"no {name}" in one_line(outcome, 3)


def test_a_table_1_of_other_participants_is_refused(study, tmp_path):
    """Ages alone change: the comparisons are the same, Table 1 is not."""
    rows = read_csv(study / "results" / "participants.csv")
    lines = [",".join(rows[0]), *(",".join((row | {"age": "81"}).values()) for row in rows)]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "comparison"
    done = run(
        *("compare", study / "results", "--participants", tmp_path / "people.csv"),
        *("--contrast", "group:ALS-LR", "--metric", "fi", "--out", out, "--quiet"),
    )
    assert done.code == 0
    outcome = report(study, tmp_path / "page.html", comparison=out)
    assert "another characteristics.csv was found" in one_line(outcome, 3)


def test_no_page_below_an_input(study):
    outcome = report(study, study / "results" / "deep" / "page.html")
    assert "lies in the input" in one_line(outcome, 2)


def test_a_page_that_no_browser_would_show_is_refused(study: Path, tmp_path: Path) -> None:
    outcome = report(study, tmp_path / "page")
    assert outcome.code == 2
    assert "expected a name that ends in .html" in outcome.err
    assert not (tmp_path / "page").exists()
