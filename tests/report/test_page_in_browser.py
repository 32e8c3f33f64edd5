"""The page in a real browser, from disk and without a network: everything on it is clicked once."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.browser import Tab
from tests.support.builders.slices import SHAPES, grey_image, polygon, write_slice
from tests.support.builders.study import PROJECT, copy_sample, read_csv, rows_of, run

SAMPLE = PROJECT / "sample_data"
KEPT = "localStorage.length"
RADIOLOGICAL = {"MF_L": "MF left", "MF_R": "MF right", "ES_L": "ES left", "ES_R": "ES right"}


@dataclass
class Opened:
    """A page in the browser, and what it complained about."""

    tab: Any
    said: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return self.tab.locator(selector).all_inner_texts()


@pytest.fixture(scope="module")
def used(browser):
    """An offline tab that most tests share."""
    tab = Tab(browser, offline=True, accept_downloads=True)
    yield tab
    tab.close()


@pytest.fixture
def show(browser, used):
    """Open a page from disk in a fresh, offline browser; at the end there may be no complaint.

    ``options``: of a browser that is another one. A second page of a test has one of its own, too.
    """
    opened = []

    def open_page(path: Path, width: int = 1400, **options: Any) -> Opened:
        size = {"width": width, "height": 900}
        if opened or options:
            tab = Tab(browser, offline=True, accept_downloads=True, viewport=size, **options)
        else:
            tab = used
            tab.tab.set_viewport_size(size)
        page = Opened(tab.tab)
        tab.listen(
            console=lambda message: page.said.append(f"{message.type}: {message.text}"),
            pageerror=lambda error: page.said.append(str(error)),
            dialog=lambda dialog: (page.said.append("a dialog"), dialog.dismiss()),
            request=lambda request: (
                request.url.startswith(("file:", "data:", "blob:", "about:"))
                or page.said.append(f"asked for {request.url}")
            ),
        )
        opened.append((tab, page))
        page.tab.goto(path.as_uri())
        assert not options.get("java_script_enabled", True) or page.tab.evaluate(KEPT) == 0
        return page

    yield open_page
    said = [line for _, page in opened for line in page.said]
    for tab, _ in opened:
        tab.clear("file://") if tab is used else tab.close()
    assert said == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Two segments of the sample data, run; the page is ``report.html`` in it."""
    home = tmp_path_factory.mktemp("sample")
    scans = copy_sample(home / "scans", "*_[34].*")
    assert run("run", scans, "--out", home, "--quiet").code == 0
    return home


@pytest.fixture(scope="module")
def real(tmp_path_factory, shared):
    home = tmp_path_factory.mktemp("real")
    assert run("run", shared / "real" / "TUM01", "--out", home, "--quiet").code == 0
    return home


def plain_fi(folder: Path, image: str, threshold: int) -> dict[str, float]:
    """FI of each muscle and side by Pillow on the full canvas and NumPy."""
    grey = np.asarray(Image.open(folder / image))
    shapes = json.loads((folder / image).with_suffix(".json").read_text())["shapes"]
    masks = {}
    for label, key in RADIOLOGICAL.items():
        canvas = Image.new("1", grey.shape[::-1])
        for shape in shapes:
            if shape["label"] == label:
                points = [tuple(point) for point in shape["points"]]
                ImageDraw.Draw(canvas).polygon(points, outline=1, fill=1)
        masks[key] = np.asarray(canvas)
    for muscle in ("MF", "ES"):
        both = np.concatenate([grey[masks[f"{muscle} {side}"]] for side in ("left", "right")])
        masks[f"{muscle} both"] = both
    return {
        key: float(np.mean((mask if key.endswith("both") else grey[mask]) > threshold))
        for key, mask in masks.items()
    }


def tried(article: Any) -> dict[str, float]:
    cells = article.locator("tr[data-key]").evaluate_all(
        "rows => rows.map(row => [row.dataset.key, row.querySelector('td.try').textContent])"
    )
    return {key: float(text) for key, text in cells if text}


@pytest.mark.parametrize("home", ["sample", "real"])
@pytest.mark.parametrize("threshold", [0, 37, 120, 255])
def test_the_slider_gives_the_fi_of_numpy(home, threshold, show, request):
    folder = SAMPLE if home == "sample" else request.getfixturevalue("shared") / "real" / "TUM01"
    page = show(request.getfixturevalue(home) / "report.html")
    article = page.tab.locator(".slice").first
    before = article.locator(".numbers table").text_content()
    slider = article.locator(".explore input")
    slider.fill(str(threshold))
    article.locator(".explored").wait_for(state="visible")
    assert article.locator(".explored").inner_text() == "exploration, results unchanged"
    image = article.get_attribute("data-image")
    expected = plain_fi(folder, image, threshold)
    found = tried(article)
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=0.00051)
    assert article.locator(".histogram .threshold").get_attribute("x1") == str(threshold + 1)
    article.locator(".reset").click()
    assert tried(article) == {}
    assert article.locator(".numbers table").text_content() == before
    assert not article.locator(".explored").is_visible()


def test_fat_pixels_are_those_above_the_threshold(sample, show):
    page = show(sample / "report.html")
    page.tab.check("#see-fat")
    article = page.tab.locator(".slice").first
    article.locator("canvas").wait_for()
    painted = article.locator("canvas").evaluate(
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"
    )
    image = article.get_attribute("data-image")
    rows = [row for row in rows_of(sample / "results") if row["image"] == image and row["side"] == "both"]
    assert painted == sum(int(row["fat_px"]) for row in rows), "no muscles overlap in the sample data"
    page.tab.uncheck("#see-fat")
    article.locator("canvas").wait_for(state="detached")
    far = page.tab.locator(".slice").last
    far.scroll_into_view_if_needed()
    page.tab.check("#see-fat")
    far.locator("canvas").wait_for()
    assert page.tab.locator("canvas").count() < 10, "only slices near the window are painted"


def test_where_the_browser_changes_pixels_nothing_is_explored(sample, show, tmp_path):
    page = show(sample / "report.html")
    page.tab.evaluate(
        "() => { const plain = CanvasRenderingContext2D.prototype.getImageData;"
        " CanvasRenderingContext2D.prototype.getImageData = function (...a) {"
        " const found = plain.apply(this, a);"
        " for (let i = 0; i < found.data.length; i++) found.data[i] ^= 64;"
        " return found; }; }"
    )
    article = page.tab.locator(".slice").first
    article.locator(".explore input").fill("90")
    article.get_by_text("nothing to explore here").wait_for()
    assert tried(article) == {}
    page.tab.check("#see-fat")
    page.tab.wait_for_timeout(100)
    assert page.tab.locator("canvas").count() == 0


def test_filters(sample, show):
    page = show(sample / "report.html")
    shown = page.tab.locator("#shown")
    assert shown.inner_text() == "32 of 32 shown"
    page.tab.select_option("#show-group", "LR")
    page.tab.select_option("#show-segment", "L4")
    assert shown.inner_text() == "8 of 32 shown"
    visible = page.tab.locator(".slice:visible")
    assert {(a.get_attribute("data-group"), a.get_attribute("data-segment")) for a in visible.all()} == {
        ("LR", "L4")
    }
    page.tab.select_option("#show-group", "")
    page.tab.select_option("#show-segment", "")
    page.tab.select_option("#show-kind", "unusual")
    unusual = page.tab.locator(".slice:visible").count()
    assert 0 < unusual < 20
    assert page.tab.locator(".slice:visible .reasons").count() == unusual
    page.tab.select_option("#show-kind", "judged")
    assert page.tab.locator("#none-left").is_visible()


def test_arrows_go_from_slice_to_slice(sample, show):
    tab = show(sample / "report.html").tab
    tab.select_option("#show-segment", "L4")
    focused = "document.activeElement.dataset.image"
    tab.locator("h2#slices-title").click()
    images = [a.get_attribute("data-image") for a in tab.locator(".slice:visible").all()]
    tab.locator(".slice:visible").first.focus()
    assert tab.evaluate(focused) == images[0]
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(focused) == images[2]
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(focused) == images[1]
    tab.locator("#next").click()
    slider = tab.locator(f'.slice[data-image="{images[3]}"] .explore input')
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert slider.input_value() == "51", "arrows belong to the slider while it has the focus"


def test_verdicts_outlive_a_reload_and_are_read_back_by_quantify(sample, show, tmp_path):
    page = show(sample / "report.html")
    tab = page.tab
    first, second, third = (tab.locator(".slice").nth(i) for i in range(3))
    images = [a.get_attribute("data-image") for a in (first, second, third)]
    tab.fill("#reader", "anna")
    first.focus()
    tab.keyboard.press("e")
    assert tab.evaluate("document.activeElement.className") == "reason"
    tab.click("#save")
    assert "to exclude needs a reason" in tab.locator("#refusal").inner_text()
    first.locator(".reason").fill('motion, "ghosts"; =1+1')
    second.focus()
    tab.keyboard.press("a")
    second.locator(".comment").fill("=lateral border?")
    third.locator(".what").select_option("ES_L")
    third.locator(".said").select_option("exclude")
    third.locator(".reason").fill("=artefact")
    tab.reload()
    assert tab.locator("#reader").input_value() == "anna"
    assert first.locator(".told").inner_text() == 'Verdict: exclude – motion, "ghosts"; =1+1'
    assert third.locator(".told").inner_text() == "Verdict: ES_L: exclude – =artefact"
    assert tab.locator("#save").inner_text() == "Save review.csv (3)"
    with tab.expect_download() as download:
        tab.click("#save")
    assert download.value.suggested_filename == "review.csv"
    download.value.save_as(tmp_path / "review.csv")
    assert (tmp_path / "review.csv").read_text(encoding="utf-8").splitlines()[0] == (
        "image,region,reader,verdict,reason,comment"
    )
    results = tmp_path / "results"
    scans = sample / "scans"
    outcome = run("quantify", scans, "--review", tmp_path / "review.csv", "--out", results)
    assert outcome.code == 0, outcome.err
    rows = {(row["image"], row["muscle"], row["side"]) for row in rows_of(results)}
    assert images[0] not in {image for image, *_ in rows}
    assert (images[2], "ES", "left") not in rows
    assert (images[2], "ES", "right") in rows
    said = {row["file"]: row["message"] for row in read_csv(results / "problems.csv")}
    assert '(motion, "ghosts"; =1+1)' in said[images[0]]
    assert "ES_L is excluded by the review (=artefact)" in said[images[2]]
    assert "to be looked at again" in said[images[1]]


def test_what_an_earlier_review_excluded_stays_excluded(show, tmp_path):
    """Else a review.csv that is saved later would let it in again."""
    review = tmp_path / "review.csv"
    review.write_text(
        "image,region,verdict,reason\nALS_1_3.png,,exclude,motion\nALS_1_4.png,MF_L,exclude,cyst\n"
    )
    options = ("--participant-label", "ALS_1", "--quiet")
    results = tmp_path / "results"
    assert run("quantify", SAMPLE, "--review", review, *options, "--out", results).code == 0
    command = ("report", results, "--dataset", SAMPLE, "--out", tmp_path / "p.html", "--by-participant")
    assert run(*command).code == 0
    own = show(tmp_path / "p_participants" / "ALS_1.html", 390).tab
    assert own.locator(".slice").count() == 5
    assert own.evaluate("document.documentElement.scrollWidth") <= 390
    own.keyboard.press("ArrowRight")
    own.keyboard.press("r")
    assert own.locator("#save").inner_text() == "Save review.csv (3)"
    tab = show(tmp_path / "p.html").tab
    assert tab.locator("#save").inner_text() == "Save review.csv (2)"
    first = tab.locator('.slice[data-image="ALS_1_3.png"]')
    assert first.locator("img").is_visible()
    assert "exclude" in first.locator(".told").inner_text()
    first.locator(".said").select_option("")
    tab.reload()
    assert first.locator(".told").inner_text() == "Verdict: none"
    with tab.expect_download() as download:
        tab.click("#save")
    download.value.save_as(tmp_path / "next.csv")
    assert [(row["image"], row["region"], row["verdict"]) for row in read_csv(tmp_path / "next.csv")] == [
        ("ALS_1_4.png", "MF_L", "exclude")
    ]


def test_a_region_to_be_measured_of_an_excluded_slice_is_told_before_it_is_saved(sample, show):
    tab = show(sample / "report.html").tab
    article = tab.locator(".slice").first
    article.locator(".said").select_option("exclude")
    article.locator(".reason").fill("motion")
    article.locator(".what").select_option("MF_L")
    article.locator(".said").select_option("look-again")
    tab.click("#save")
    assert "MF_L: the slice is excluded" in tab.locator("#refusal").inner_text()


def test_a_browser_that_keeps_nothing_says_so(sample, show):
    page = show(sample / "report.html", locale="en-US")  # a browser of its own: the script stays in it
    page.tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    )
    page.tab.reload()
    assert "keeps nothing" in page.tab.locator("#kept").inner_text()


def grey_at(tab: Any, image: Any, u: float, v: float) -> int:
    """The grey level that is seen at a place of a picture, in parts of its size."""
    box = image.bounding_box()
    at = {"x": box["x"] + u * box["width"], "y": box["y"] + v * box["height"], "width": 2, "height": 2}
    return int(np.asarray(Image.open(io.BytesIO(tab.screenshot(clip=at))).convert("L"))[0, 0])


def test_window_and_level_by_mouse_and_keys(sample, show):
    tab = show(sample / "report.html").tab
    for box in ("#see-outlines", "#see-names"):
        tab.uncheck(box)
    article = tab.locator(".slice").first
    article.focus()
    image = article.locator("img")
    image.scroll_into_view_if_needed()
    stored = grey_at(tab, image, 0.5, 0.25)
    assert 20 < stored < 235
    box = image.bounding_box()
    tab.mouse.move(box["x"] + 200, box["y"] + 100)
    tab.mouse.down(button="right")
    tab.mouse.move(box["x"] + 100, box["y"] + 60, steps=4)
    tab.mouse.up(button="right")
    assert tab.locator("#window").inner_text() == "window 155, level 88"
    low = 87.5 - 155 / 2
    expected = min(255, max(0, 255 * (stored - low) / 155))
    assert grey_at(tab, image, 0.5, 0.25) == pytest.approx(expected, abs=3)
    article.focus()
    tab.keyboard.press("Alt+ArrowRight")
    tab.keyboard.press("Alt+ArrowUp")
    assert tab.locator("#window").inner_text() == "window 163, level 96"
    tab.keyboard.press("w")
    assert grey_at(tab, image, 0.5, 0.25) == stored
    assert tab.locator("#window-reset").is_disabled()


def test_zoom_and_place_keep_to_the_frame(sample, show):
    tab = show(sample / "report.html").tab
    article = tab.locator(".slice").first
    frame, image = article.locator(".frame"), article.locator("img")
    article.focus()
    first, outer = image.bounding_box(), frame.bounding_box()
    tab.mouse.move(outer["x"] + 0.25 * outer["width"], outer["y"] + 0.5 * outer["height"])
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -100)
    tab.keyboard.up("Control")
    tab.wait_for_function("document.querySelector('.frame').classList.contains('zoomed')")
    now = image.bounding_box()
    grown = now["width"] / first["width"]
    assert grown == pytest.approx(np.exp(0.25), rel=0.01)
    # What was under the pointer still is.
    assert now["x"] == pytest.approx(outer["x"] + 0.25 * outer["width"] * (1 - grown), abs=1.5)
    for _ in range(20):
        tab.keyboard.press("Control+ArrowRight")
    now = image.bounding_box()
    assert now["x"] + now["width"] == pytest.approx(outer["x"] + outer["width"], abs=1.5)
    assert article.locator(".at-left").bounding_box()["x"] >= outer["x"], "the letters stay"
    tab.keyboard.press("0")
    assert image.bounding_box() == first
    assert not tab.locator("#whole").is_visible(), "neither wheel nor drag opens the whole slice"


def test_the_whole_slice_has_the_measured_part_in_its_place(sample, show):
    tab = show(sample / "report.html").tab
    article = tab.locator(".slice").first
    article.locator(".frame").click()
    tab.locator("#whole").wait_for(state="visible")
    around, inner = (tab.locator(f"#whole .{name}").bounding_box() for name in ("around", "inner"))
    name = article.get_attribute("data-image")
    rows, columns = np.asarray(Image.open(SAMPLE / name)).shape
    left = int(article.locator(".frame").get_attribute("data-left"))
    width = int(article.locator("img").get_attribute("width"))
    scale = around["width"] / columns
    assert around["height"] == pytest.approx(rows * scale, abs=1)
    assert inner["x"] - around["x"] == pytest.approx(left * scale, abs=1)
    assert inner["width"] == pytest.approx(width * scale, abs=1)
    text = tab.locator("#whole .landmarks").inner_text()
    assert "the patient’s right" in text
    assert "towards the right of the picture" in text, "the aorta"
    assert tab.locator("#whole .at-left").inner_text() == "R"
    before = tab.locator("#whole-name").inner_text()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#whole-name").inner_text() != before
    tab.keyboard.press("a")
    assert tab.locator("#whole-told").inner_text() == "Verdict: look again"
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.activeElement.querySelector('.told').textContent") == "Verdict: look again"


def test_tables_sort_and_come_back(sample, show):
    page = show(sample / "report.html")
    table = page.tab.locator("#table2 table")
    last = "rows => rows.map(row => row.cells[row.cells.length - 2].textContent)"
    original = table.locator("tbody tr").evaluate_all(last)
    head = table.locator("th button").nth(-2)
    head.click()
    rising = table.locator("tbody tr").evaluate_all(last)
    numbers = [0.0 if text == "< 0.001" else float(text) for text in original]
    assert [0.0 if text == "< 0.001" else float(text) for text in rising] == sorted(numbers)
    assert table.locator("th[aria-sort=ascending]").count() == 1
    head.click()
    falling = table.locator("tbody tr").evaluate_all(last)
    assert [0.0 if text == "< 0.001" else float(text) for text in falling] == sorted(numbers, reverse=True)
    head.click()
    assert table.locator("tbody tr").evaluate_all(last) == original
    assert table.locator("th[aria-sort]").count() == 0
    written = read_csv(sample / "comparison" / "table2.csv")
    assert original == [row["P¹ value"] for row in written if row["P¹ value"]]


def test_the_first_screen_says_what_was_found(sample, show):
    page = show(sample / "report.html")
    seen = page.tab.evaluate(
        "[...document.querySelectorAll('.tiles, .findings li, .checks li')]"
        ".filter(e => e.getBoundingClientRect().bottom <= innerHeight).map(e => e.innerText).join(' ')"
    )
    for words in ("16", "32 of 32", "ALS against LR", "Hedges’ g", "SHA-256", "Yours to judge"):
        assert words in seen
    first = page.tab.locator("main svg, main img").first
    assert first.evaluate("e => e.closest('figure').id") == "effects"


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("home", ["sample", "real"])
def test_no_sideways_scrolling_at_any_width(home, width, show, request):
    page = show(request.getfixturevalue(home) / "report.html", width)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_the_pictures_and_numbers_are_there(sample, show):
    page = show(sample / "report.html", java_script_enabled=False)
    assert page.tab.locator(".slice").count() == 32
    first = page.tab.locator(".slice").first
    first.scroll_into_view_if_needed()
    assert first.locator("img").is_visible()
    assert first.locator(".outlines path").first.is_visible()
    assert first.locator(".histogram").is_visible()
    assert first.locator(".numbers td").first.is_visible()
    for hidden in ("#toolbar", "#keys", ".verdict", ".explore", ".try >> nth=0", "#whole"):
        assert not page.tab.locator(hidden).is_visible()


def test_accessible_by_its_structure(sample, show):
    page = show(sample / "report.html")
    found = page.tab.evaluate(
        """() => {
          const all = (selector) => [...document.querySelectorAll(selector)];
          const ids = all('[id]').map((e) => e.id);
          const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
          const light = (c) => { const [r, g, b] = rgb(c).map((v) => { v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const back = (e) => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (!/^rgba.*, 0\\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
          const faint = all('body *')
            .filter((e) => !e.closest('svg, script, [disabled], [hidden], template'))
            .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
            .filter((e) => {
              const [a, b] = [light(getComputedStyle(e).color), light(back(e))].sort((x, y) => y - x);
              return (a + 0.05) / (b + 0.05) < 4.5; }).map((e) => e.outerHTML.slice(0, 80));
          return {
            unnamed: all('img:not([alt]), svg[role=img]:not([aria-label]):not([aria-labelledby])').length,
            twice: ids.length - new Set(ids).size,
            bare: all('table:not(:has(caption)), th:not([scope])').length,
            unlabelled: all('input, select').filter((e) => !e.closest('label')).length,
            jumps: all('h1, h2, h3, h4').map((h) => +h.tagName[1])
              .filter((n, i, a) => i && n > a[i - 1] + 1).length,
            one: all('h1').length === 1 && all('main').length === 1 && all('nav').length === 1,
            faint: [...new Set(faint)],
          };
        }"""
    )
    assert found == {
        "unnamed": 0, "twice": 0, "bare": 0, "unlabelled": 0, "jumps": 0, "one": True, "faint": []
    }  # fmt: skip
    page.tab.keyboard.press("Tab")
    assert page.tab.evaluate("document.activeElement.className") == "skip"


def test_texts_of_files_stay_texts(show, tmp_path):
    """A label, a file's name, a group and a cell that try to be markup."""
    hostile = '"><img src=x onerror=alert(1)>'
    scans = tmp_path / "scans"
    other = polygon("</script><script>alert(1)</script>", [[1, 1], [9, 1], [9, 9]])
    for number in range(1, 4):
        write_slice(scans, f"{hostile}_{number}_4", grey_image(seed=number), [*SHAPES, other])
        write_slice(scans, f"LR_{number}_4", grey_image(seed=10 + number))
    write_slice(scans, "LR_4_4", grey_image(seed=14), [*SHAPES, other], flags={"draft": True})
    with (scans / "participants.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["participant_id", "onset_side", "kind"])
        for number in range(1, 4):
            writer.writerow([f"{hostile}_{number}", "left", "<script>alert(1)</script>"])
            writer.writerow([f"LR_{number}", "right", "{{ 7 * 7 }}"])
    pattern = r"(?P<group>.+)_(?P<patient>\d+)_(?P<segment>\d)"
    (scans / "paraspinal.toml").write_text(f"name-pattern = '{pattern}'\n", encoding="utf-8")
    outcome = run("run", scans, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 4, outcome.err
    page = show(tmp_path / "out" / "report.html")
    assert page.tab.locator(".slice").count() == 7
    assert "</script><script>" in page.tab.locator('.slice[data-image="LR_4_4.png"] .dashed').text_content()
    assert page.tab.locator("img:not([src^='data:image/']):not(#whole img)").count() == 0
    assert page.tab.locator("script").count() == 1
    text = page.tab.locator("body").inner_text()
    assert f"{hostile}_1" in text
    assert "</script><script>alert(1)</script>" in text
    page.tab.select_option("#show-group", hostile)
    assert page.tab.locator(".slice:visible").count() == 3
    page.tab.locator(".slice:visible .said").first.select_option("look-again")
    page.tab.locator(".slice:visible .comment").first.fill(hostile)
    assert hostile in page.tab.locator(".slice:visible .told").first.inner_text()
    page.tab.locator(".slice:visible .open").first.click()
    assert hostile in page.tab.locator("#whole-name").inner_text()


def test_its_policy_lets_nothing_foreign_run_or_load(sample, show, tmp_path):
    """The page itself is quiet (see ``show``); what is put into it is stopped by its policy."""
    copy = shutil.copy(sample / "report.html", tmp_path / "page.html")
    content = Path(copy).read_text(encoding="utf-8")
    Path(copy).write_text(
        content.replace(
            "<main", "<script>window.hit = 1</script><style>h1 { color: red }</style>"
            "<img src='https://example.org/x.png' alt=''><b onclick='window.hit = 1' id='b'>b</b><main"
        ),
        encoding="utf-8",
    )  # fmt: skip
    page = show(Path(copy))
    page.tab.click("#b")
    assert page.tab.evaluate("window.hit") is None
    assert page.tab.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 0, 0)"
    stopped = [line for line in page.said if "Content Security Policy" in line]
    assert {next(w for w in ("script", "style", "image") if w in line) for line in stopped} == {
        *("script", "style", "image")
    }
    # The browser names what it was asked for before the policy stops it.
    assert set(page.said) - set(stopped) <= {"asked for https://example.org/x.png"}
    page.said.clear()


def test_print_is_complete_and_as_it_was_measured(sample, show):
    page = show(sample / "report.html")
    tab = page.tab
    article = tab.locator(".slice").first
    article.locator(".explore input").fill("90")
    article.locator(".explored").wait_for(state="visible")
    article.focus()
    for key in ("Alt+ArrowLeft", "+", "a"):
        tab.keyboard.press(key)
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tried(article) == {}, "what was explored is not printed"
    for gone in ("nav", "#toolbar", "#keys", ".verdict >> nth=0", ".view-tools >> nth=0", ".try >> nth=0"):
        assert not tab.locator(gone).is_visible()
    assert article.locator(".told").inner_text() == "Verdict: look again"
    image = article.locator("img")
    assert image.evaluate(
        "e => [getComputedStyle(e).filter, getComputedStyle(e.parentElement).transform]"
    ) == [*("none", "none")]
    assert tab.locator("details:not([open])").count() == 0
    assert tab.locator(".words dd").first.is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0
    wide = (
        "[...document.querySelectorAll('pre, table')].filter(t => t.scrollWidth > t.clientWidth + 1).length"
    )
    tab.set_viewport_size({"width": 688, "height": 1000})
    assert tab.evaluate(wide) == 0, "nothing is cut at the edge of A4"


def test_headings_of_tables_are_repeated_in_print(sample, show):
    """Chromium does not repeat them where a heading holds a button that is a box."""
    tab = show(sample / "report.html").tab
    tab.emulate_media(media="print")
    assert tab.locator("#table2 th button").first.evaluate("e => getComputedStyle(e).display") == "contents"


@pytest.fixture(scope="module")
def further(tmp_path_factory):
    """A slice with more regions than a line of the page has room for, and all measures."""
    home = tmp_path_factory.mktemp("further")
    own = ["GL", "GM", "TF", "QF"]
    shapes = [
        polygon(f"{name}_{side}", [[x, y], [x + 4, y], [x + 4, 8], [x, 8]])
        for n, name in enumerate(own)
        for side, x, y in (("R", 5 + 8 * n, 1), ("L", 90 - 8 * n, 2))
    ]
    write_slice(home / "scans", "ALS_1_3", grey_image(seed=1), [*SHAPES, *shapes])
    toml = 'measures = ["signal", "shape", "size", "distribution"]\n'
    (home / "scans" / "paraspinal.toml").write_text(toml + "".join(f"[regions.{name}]\n" for name in own))
    assert run("run", home / "scans", "--out", home / "out", "--quiet").code == 0
    return home / "out" / "report.html"


@pytest.mark.parametrize("width", [390, 1400])
def test_further_measures_scroll_within_their_own_box(width, further, show):
    tab = show(further, width).tab
    tab.locator(".measures summary").click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    boxes = tab.locator(".measures .scroll").evaluate_all(
        "all => all.map((e) => [e.scrollWidth, e.clientWidth, getComputedStyle(e).overflowX])"
    )
    assert len(boxes) == 2
    assert all(style == "auto" for _, _, style in boxes)
    assert all(inner <= outer if width == 1400 else inner > outer for inner, outer, _ in boxes)


def test_further_measures_are_printed_whole(further, show):
    tab = show(further).tab
    heads = tab.locator(".measures thead th").all_text_contents()
    regions = [f"{name} {side}" for name in ("MF", "ES", "PM", "GL", "GM", "TF", "QF")
               for side in ("L", "R", "L+R")]  # fmt: skip
    assert [head for head in heads if head] == regions
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.set_viewport_size({"width": 688, "height": 1000})
    edges = tab.locator(".measures td").evaluate_all("all => all.map((e) => e.getBoundingClientRect().right)")
    assert 0 < max(edges) <= 688, "nothing is cut at the edge of A4"


# What was refused


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A slice on which one contour is labelled as two regions, and one of another participant."""
    home = tmp_path_factory.mktemp("refused")
    twin = [s | {"points": SHAPES[4]["points"]} if s["label"] == "ES_R" else s for s in SHAPES]
    write_slice(home / "scans", "ALS_1_3", grey_image(seed=1), twin)
    write_slice(home / "scans", "LR_1_3", grey_image(seed=2))
    assert run("run", home / "scans", "--out", home / "out", "--quiet").code == 4
    return home / "out" / "report.html"


REASON = "are one contour under several labels"


def test_a_reason_stands_once_on_a_slice_and_in_the_whole_slice(refused, show):
    page = show(refused)
    article = page.tab.locator('.slice[data-image="ALS_1_3.png"]')
    said = article.locator(".reasons, .dashed").all_text_contents()
    assert "".join(said).count(REASON) == 1
    (dashed,) = article.locator(".dashed li").all_text_contents()
    assert dashed == "ES_R, MF_R, dashed, not measured"
    article.locator(".open").click()
    assert page.tab.locator("#whole").inner_text().count(REASON) == 1
    page.tab.locator("#whole-next").click()
    assert page.tab.locator("#whole-reasons li").count() == 0


@pytest.mark.parametrize("where", ['.slice[data-image="ALS_1_3.png"]', "#whole"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_name_lies_on_another(where, width, refused, show):
    page = show(refused, width)
    article = page.tab.locator('.slice[data-image="ALS_1_3.png"]')
    article.scroll_into_view_if_needed()
    if where == "#whole":
        article.locator(".open").click()
    boxes = page.tab.locator(f"{where} .names text").evaluate_all(
        "all => all.map((e) => { const b = e.getBBox(); return [b.x, b.x + b.width, b.y, b.y + b.height]; })"
    )
    assert len(boxes) == 7
    for n, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[:n]:
            # Letters are lower than their boxes.
            height = (bottom - top) / 5
            apart = right <= other[0] or other[1] <= left
            assert apart or bottom - height <= other[2] or other[3] - height <= top


def test_the_column_of_a_tried_threshold_is_there_while_one_is_tried(refused, show):
    article = show(refused).tab.locator(".slice").first
    article.scroll_into_view_if_needed()
    assert not article.locator("th.try").is_visible()
    article.locator(".explore input").fill("90")
    article.locator("th.try").wait_for(state="visible")
    article.locator(".reset").click()
    assert not article.locator("th.try").is_visible()


def test_window_and_level_by_touch(refused, show):
    tab = show(refused, 390, has_touch=True, is_mobile=True).tab
    article = tab.locator(".slice").first
    article.scroll_into_view_if_needed()
    assert [article.locator(f".by-{name}").input_value() for name in ("width", "level")] == ["255", "128"]
    article.locator(".by-width").fill("100")
    article.locator(".by-level").fill("60")
    assert tab.locator("#window").inner_text() == "window 100, level 60"
    assert article.locator("img").evaluate("e => getComputedStyle(e).filter") != "none"
    article.locator(".open").click()
    assert tab.locator("#whole .by-level").input_value() == "60"
    tab.locator("#whole .as-stored").click()
    assert tab.locator("#window").inner_text() == "window 255, level 128"
    assert article.locator(".by-width").input_value() == "255"


def test_no_sliders_of_touch_beside_a_mouse(refused, show):
    assert show(refused).tab.locator(".touch:visible").count() == 0


def test_figures_fit_a_small_screen_and_are_larger_on_request(sample, show):
    tab = show(sample / "report.html", 390).tab
    picture = tab.locator("#effects img")
    assert picture.bounding_box()["width"] <= 390
    tab.locator("#effects .enlarge").click()
    assert picture.bounding_box()["width"] == 1000
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.locator("#effects .enlarge").click()
    assert picture.bounding_box()["width"] <= 390


def test_captions_of_wide_tables_are_within_a_small_screen(sample, show):
    """A caption is as wide as its table by itself: of Table 2 half of it was cut."""
    tab = show(sample / "report.html", 390).tab
    ends = tab.locator(".scroll > table > caption").evaluate_all(
        """all => all.map(caption => {
            const text = document.createRange();
            text.selectNodeContents(caption);
            return [caption.parentElement.offsetWidth, text.getBoundingClientRect().right];
        })"""
    )
    assert max(width for width, _ in ends) > 390
    assert max(right for _, right in ends) <= 390
