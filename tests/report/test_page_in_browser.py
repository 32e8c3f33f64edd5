"""The page in a real browser, from disk and without a network: everything on it is clicked once."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.builders.slices import SHAPES, grey_image, polygon, write_slice
from tests.support.builders.study import PROJECT, read_csv, rows_of, run

SAMPLE = PROJECT / "sample_data"
RADIOLOGICAL = {"MF_L": "MF left", "MF_R": "MF right", "ES_L": "ES left", "ES_R": "ES right"}


@dataclass
class Opened:
    """A page in the browser, and what it complained about."""

    tab: Any
    said: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return self.tab.locator(selector).all_inner_texts()


@pytest.fixture
def show(browser):
    """Open a page from disk in a fresh, offline browser; at the end there may be no complaint."""
    opened = []

    def open_page(path: Path, width: int = 1400, **options: Any) -> Opened:
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 900}, accept_downloads=True, **options
        )
        page = Opened(context.new_page())
        page.tab.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))
        page.tab.on("pageerror", lambda error: page.said.append(str(error)))
        page.tab.on("dialog", lambda dialog: (page.said.append("a dialog"), dialog.dismiss()))
        page.tab.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:"))
                or page.said.append(f"asked for {request.url}")
            ),
        )
        page.tab.goto(path.as_uri())
        opened.append((context, page))
        return page

    yield open_page
    for context, page in opened:
        assert page.said == []
        context.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample data, run; the page is ``report.html`` in it."""
    home = tmp_path_factory.mktemp("sample")
    assert run("run", SAMPLE, "--out", home, "--quiet").code == 0
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
    slider = article.locator("input[type=range]")
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
    article.locator("input[type=range]").fill("90")
    article.get_by_text("nothing to explore here").wait_for()
    assert tried(article) == {}
    page.tab.check("#see-fat")
    page.tab.wait_for_timeout(100)
    assert page.tab.locator("canvas").count() == 0


def test_filters(sample, show):
    page = show(sample / "report.html")
    shown = page.tab.locator("#shown")
    assert shown.inner_text() == "80 of 80 shown"
    page.tab.select_option("#show-group", "LR")
    page.tab.select_option("#show-segment", "L4")
    assert shown.inner_text() == "8 of 80 shown"
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
    page.tab.select_option("#show-kind", "marked")
    assert page.tab.locator("#none-left").is_visible()


def test_arrows_go_from_slice_to_slice_and_marks_become_a_csv(sample, show, tmp_path):
    page = show(sample / "report.html")
    tab = page.tab
    tab.select_option("#show-segment", "L4")
    focused = "document.activeElement.dataset.image"
    tab.locator("h2#slices-title").click()
    images = [a.get_attribute("data-image") for a in tab.locator(".slice:visible").all()]
    tab.locator(".slice:visible").first.focus()
    assert tab.evaluate(focused) == images[0]
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(focused) == images[2]
    tab.keyboard.press("m")
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(focused) == images[1]
    tab.locator("#next").click()
    slider = tab.locator(f'.slice[data-image="{images[3]}"] input[type=range]')
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert slider.input_value() == "51", "arrows belong to the slider while it has the focus"
    tab.locator(f'.slice[data-image="{images[0]}"] .mark input').check()
    assert tab.locator("#save").inner_text() == "Save marked as CSV (2)"
    tab.select_option("#show-kind", "marked")
    assert tab.locator(".slice:visible").count() == 2
    with tab.expect_download() as download:
        tab.click("#save")
    assert download.value.suggested_filename == "needs-another-look.csv"
    download.value.save_as(tmp_path / "marked.csv")
    rows = read_csv(tmp_path / "marked.csv")
    assert list(rows[0]) == ["participant_id", "segment", "image", "reasons"]
    assert {row["image"] for row in rows} == {images[0], images[2]}
    first = next(row for row in rows if row["image"] == images[0])
    assert first["participant_id"] + "_4.png" == images[0]
    assert first["segment"] == "L4"
    assert "modified z-score" in first["reasons"] or "differ" in first["reasons"]


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
    for words in ("16", "80 of 80", "ALS against LR", "Hedges’ g", "SHA-256", "Yours to judge"):
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
    assert page.tab.locator(".slice").count() == 80
    first = page.tab.locator(".slice").first
    first.scroll_into_view_if_needed()
    assert first.locator("img").is_visible()
    assert first.locator(".outlines path").first.is_visible()
    assert first.locator(".histogram").is_visible()
    assert first.locator(".numbers td").first.is_visible()
    for hidden in ("#toolbar", ".explore", ".try >> nth=0"):
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
            if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
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
    with (scans / "participants.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["participant_id", "onset_side", "kind"])
        for number in range(1, 4):
            writer.writerow([f"{hostile}_{number}", "left", "<script>alert(1)</script>"])
            writer.writerow([f"LR_{number}", "right", "{{ 7 * 7 }}"])
    pattern = r"(?P<group>.+)_(?P<patient>\d+)_(?P<segment>\d)"
    (scans / "paraspinal.toml").write_text(f"name-pattern = '{pattern}'\n", encoding="utf-8")
    outcome = run("run", scans, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 0, outcome.err
    page = show(tmp_path / "out" / "report.html")
    assert page.tab.locator(".slice").count() == 6
    assert page.tab.locator("img:not([src^='data:image/'])").count() == 0
    assert page.tab.locator("script").count() == 1
    text = page.tab.locator("body").inner_text()
    assert f"{hostile}_1" in text
    assert "</script><script>alert(1)</script>" in text
    page.tab.select_option("#show-group", hostile)
    assert page.tab.locator(".slice:visible").count() == 3
    page.tab.locator(".slice:visible .mark input").first.check()
    with page.tab.expect_download() as download:
        page.tab.click("#save")
    download.value.save_as(tmp_path / "marked.csv")
    assert read_csv(tmp_path / "marked.csv")[0]["participant_id"].startswith(hostile)


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


def test_print_has_pictures_and_no_controls(sample, show):
    page = show(sample / "report.html")
    article = page.tab.locator(".slice").first
    article.locator("input[type=range]").fill("90")
    article.locator(".explored").wait_for(state="visible")
    page.tab.emulate_media(media="print")
    page.tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tried(article) == {}, "what was explored is not printed"
    for gone in ("nav", "#toolbar", ".tools >> nth=0", ".try >> nth=0"):
        assert not page.tab.locator(gone).is_visible()
    assert article.locator("img").is_visible()
