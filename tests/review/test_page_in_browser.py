"""The review page in a real browser: slices are contoured by clicks, corrected, judged, and measured."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.browser import Tab
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_slice
from tests.support.builders.study import PROJECT, read_csv, rows_of, run, wait_until
from tests.support.review import Served, png_base64, serve

SAMPLE = PROJECT / "sample_data"
REGIONS = ["MF_R", "MF_L", "ES_R", "ES_L", "PM_R", "PM_L", "IVD"]


@dataclass
class Page:
    """The page in the browser, and what it complained about."""

    tab: Any
    served: Served
    size: int
    """Rows and columns of its square slices."""
    said: list[str] = field(default_factory=list)

    def at(self, point: Any) -> tuple[float, float]:
        """Where a point of the slice is on the screen, while the whole slice is shown."""
        frame = self.tab.locator("#canvas").bounding_box()
        scale = min(frame["width"], frame["height"]) / self.size
        left = frame["x"] + (frame["width"] - scale * self.size) / 2
        top = frame["y"] + (frame["height"] - scale * self.size) / 2
        return left + scale * float(point[0]), top + scale * float(point[1])

    def click(self, point: Any) -> None:
        self.tab.mouse.click(*self.at(point))

    def drag(self, start: Any, end: Any, button: str = "left") -> None:
        self.tab.mouse.move(*self.at(start))
        self.tab.mouse.down(button=button)
        self.tab.mouse.move(*self.at(end), steps=5)
        self.tab.mouse.up(button=button)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def numbers(self, region: str) -> str:
        return self.tab.locator(f"#regions [data-region={region}] .numbers").inner_text()

    def area(self, region: str) -> int:
        """The pixels of a region as the page tells them, when it has measured what is drawn."""
        self.tab.locator(f"#regions [data-region={region}] .numbers", has_text="px").wait_for()
        return int(self.numbers(region).split()[0])

    def settled(self, text: str = "saved") -> None:
        self.tab.locator(f"#state:text-is('{text}')").wait_for()


class Held:
    """Requests to an address wait on their way, or their answers on the way back, until they are let go."""

    def __init__(self, tab: Any, pattern: str, answered: bool = False) -> None:
        self._tab, self._answered, self._over = tab, answered, False
        self._waiting: list[tuple[Any, Any]] = []
        tab.route(pattern, self._take)

    def _take(self, route: Any) -> None:
        if self._over:
            route.continue_()
        else:
            self._waiting.append((route, route.fetch() if self._answered else None))

    def first(self) -> Any:
        """What the first one sends, when it has come."""
        # The browser is asked for anything: meanwhile what it tells is heard.
        assert wait_until(lambda: self._tab.evaluate("true") and self._waiting)
        return json.loads(self._waiting[0][0].request.post_data)

    def let_go(self) -> None:
        self._over = True
        for route, answer in self._waiting:
            route.fulfill(response=answer) if self._answered else route.continue_()


@pytest.fixture(scope="module")
def used(browser):
    """A tab that most tests share."""
    tab = Tab(browser)
    yield tab
    tab.close()


@pytest.fixture
def show(browser, used):
    """Open the page of a started review; at the end there may be no complaint.

    A second has its own tab, as has one whose requests are held (``own``).
    """
    opened = []

    def open_page(
        served: Served, size: int = 100, width: int = 1280, height: int = 720, own: bool = False
    ) -> Page:
        tab = Tab(browser) if opened or own else used
        tab.tab.set_viewport_size({"width": width, "height": height})
        page = Page(tab.tab, served, size)
        origin = f"http://127.0.0.1:{served.port}/"
        tab.listen(
            console=lambda message: page.said.append(f"{message.type}: {message.text}"),
            pageerror=lambda error: page.said.append(str(error)),
            request=lambda request: (
                request.url.startswith((origin, f"blob:{origin}", "about:"))
                or page.said.append(f"asked for {request.url}")
            ),
        )
        opened.append((tab, page))
        page.tab.goto(served.address)
        page.tab.locator("#regions button").first.wait_for()
        return page

    yield open_page
    for tab, page in opened:
        tab.clear(f"http://127.0.0.1:{page.served.port}") if tab is used else tab.close()
        if not page.served.process.stderr.closed:
            page.served.end()
    assert [line for _, page in opened for line in page.said] == []


def pillow_px(path: Path, label: str, size: int) -> int:
    """Pixels of a region by Pillow on the full canvas."""
    canvas = Image.new("1", (size, size))
    for shape in json.loads(path.read_text())["shapes"]:
        if shape["label"] == label:
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
    return int(np.count_nonzero(np.asarray(canvas)))


def clicks_on(label: str, count: int = 10) -> np.ndarray:
    """Points on the true border of a region of the sample, evenly along it."""
    shapes = json.loads((SAMPLE / "ALS_1_3.json").read_text())["shapes"]
    points = np.array(next(s["points"] for s in shapes if s["label"] == label))
    closed = np.concatenate((points, points[:1]))
    along = np.concatenate(([0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    wanted = np.linspace(0, along[-1], count, endpoint=False)
    return np.stack([np.interp(wanted, along, closed[:, k]) for k in (0, 1)], axis=1)


def test_a_slice_is_contoured_from_nothing_and_measured_to_the_pixel(show, tmp_path):
    root = tmp_path / "scans"
    root.mkdir()
    shutil.copy(SAMPLE / "ALS_1_3.png", root)
    path = root / "ALS_1_3.json"
    page = show(serve(root), size=256)
    truth = {s: pillow_px(SAMPLE / "ALS_1_3.json", s, 256) for s in REGIONS}
    for region in REGIONS:
        page.tab.locator("#hint", has_text=f"{region}: click 8 to 12").wait_for()
        for point in clicks_on(region):
            page.click(point)
        page.press("Enter")
        assert page.area(region) == pytest.approx(truth[region], rel=0.12)
        page.press("Enter")
    assert "not drawn yet" not in page.tab.locator("#problems").inner_text()
    assert not path.exists(), "nothing is written before it is saved"
    # Corrected: the left-most point of the right psoas is pulled outwards.
    page.press("5")
    before = page.area("PM_R")
    kept = json.loads((root / ".review-journal.jsonl").read_text().splitlines()[-1])["shapes"]
    points = next(s["points"] for s in kept if s["region"] == "PM_R")
    corner = min(points)
    page.drag(corner, [corner[0] - 8, corner[1]])
    wait_until(lambda: page.area("PM_R") > before)
    assert page.area("PM_R") > before
    page.press("s")
    page.settled()
    content = json.loads(path.read_text())
    assert sorted(s["label"] for s in content["shapes"]) == sorted(REGIONS)
    assert (content["imagePath"], content["imageHeight"]) == ("ALS_1_3.png", 256)
    told = {region: page.area(region) for region in REGIONS}
    # Opened again, it is the same; and quantify finds the pixels of Pillow on the full canvas.
    page.tab.reload()
    page.settled()
    assert {region: page.area(region) for region in REGIONS} == told
    assert told == {region: pillow_px(path, region, 256) for region in REGIONS}
    out = tmp_path / "out"
    assert run("quantify", root, "--out", out).code == 0
    rows = [row for row in rows_of(out) if row["side"] != "both"]
    for row in rows:
        region = f"{row['muscle']}_{row['side'][0].upper()}"
        assert int(row["csa_px"]) == told[region]
        assert page.numbers(region).endswith(f"FI {float(row['fi']):.3f}")
        assert int(row["reference_px"]) == told["IVD"]
    assert len(rows) == 6


def test_fat_pixels_are_those_that_quantify_counts(show, tmp_path):
    for name in ("ALS_1_3.png", "ALS_1_3.json"):
        (tmp_path / "scans").mkdir(exist_ok=True)
        shutil.copy(SAMPLE / name, tmp_path / "scans")
    page = show(serve(tmp_path / "scans"), size=256)
    page.area("IVD")
    run("quantify", tmp_path / "scans", "--out", tmp_path / "out", "--quiet")
    expected = sum(int(row["fat_px"]) for row in rows_of(tmp_path / "out") if row["side"] == "both")
    opened = page.served.ask("slices/0")
    shapes = [{"region": s["region"], "index": s["index"], "points": None} for s in opened["shapes"]]
    bits = page.served.ask("slices/0/measure", {"base": opened["digest"], "shapes": shapes})["fat"]
    # What is laid over the slice: yellow pixels, at one screen pixel for each of the slice.
    page.press("c", "f")
    painted = page.tab.evaluate(
        """async (bits) => {
            const { View } = await import("/page/view.js");
            const view = new View(document.createElement("canvas"));
            view.show(new Uint8Array(256 * 256), 256, 256);
            const count = view.setFat(bits);
            const data = view.fat.getContext("2d").getImageData(0, 0, 256, 256).data;
            let seen = 0;
            for (let i = 3; i < data.length; i += 4) seen += data[i] > 0;
            return [count, seen];
        }""",
        bits,
    )
    assert painted == [expected, expected]


def test_undo_points_brush_mirror_and_delete(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3")
    page = show(serve(root))
    page.press("1")
    first = page.area("MF_R")
    page.drag([35, 65], [30, 60])
    wait_until(lambda: page.area("MF_R") > first)
    dragged = page.area("MF_R")
    assert dragged > first
    page.press("Control+z")
    wait_until(lambda: page.area("MF_R") == first)
    assert page.area("MF_R") == first
    page.press("Control+y")
    wait_until(lambda: page.area("MF_R") == dragged)
    assert page.area("MF_R") == dragged
    # A point is put on the line and pulled out, then taken away again.
    page.drag([40, 84], [40, 88])
    wait_until(lambda: page.area("MF_R") > dragged)
    assert page.area("MF_R") > dragged
    page.tab.mouse.move(*page.at([40, 88]))
    page.press("Delete")
    wait_until(lambda: page.area("MF_R") == dragged)
    assert page.area("MF_R") == dragged
    # The brush pushes outwards from inside, inwards from outside.
    page.press("b", "[", "[", "[", "[")
    page.drag([38, 75], [31, 75])
    wait_until(lambda: page.area("MF_R") > dragged)
    out = page.area("MF_R")
    assert out > dragged
    page.drag([22, 75], [30, 75])
    wait_until(lambda: page.area("MF_R") < out)
    assert page.area("MF_R") < out
    page.press("b", "x")
    page.tab.locator("#problems", has_text="not drawn yet: MF_R").wait_for()
    # Mirrored at the middle of the disc (49.5): what is on the left comes to the right.
    page.press("m", "s")
    page.settled()
    shapes = {s["label"]: s["points"] for s in json.loads((root / "ALS_1_3.json").read_text())["shapes"]}
    assert sorted(shapes["MF_R"]) == sorted([99 - x, y] for x, y in box(55, 65, 64, 84))


def test_window_zoom_and_the_cross_of_the_keyboard(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3", shapes=[s for s in SHAPES if s["label"] != "MF_R"])
    page = show(serve(root))
    readout = page.tab.locator("#readout")
    page.tab.locator("#readout", has_text="W 255 L 128 ×").wait_for()
    page.drag([50, 50], [60, 40], button="right")
    assert wait_until(lambda: not readout.inner_text().startswith("W 255 L 128 ×"))
    page.press("w")
    page.tab.locator("#readout", has_text="W 255 L 128 ×").wait_for()
    page.press("Alt+ArrowLeft", "Alt+ArrowUp")
    page.tab.locator("#readout", has_text="W 247 L 136 ×").wait_for()
    page.press("w", "0")
    scale = readout.inner_text().split("×")[1].split()[0]
    page.tab.mouse.move(*page.at([20.5, 20.5]))
    page.tab.mouse.wheel(0, -400)
    page.tab.wait_for_function(
        "before => document.querySelector('#readout').textContent.split('×')[1].split(' ')[0] > before",
        arg=scale,
    )
    page.tab.locator("#readout", has_text=" at 20, 20").wait_for()  # what is under the pointer stays there
    page.press("0")
    # Without the mouse: the cross begins in the middle (50, 50), which the clicks then go round from.
    page.press("1", "g", "ArrowUp")
    here = (50, 50)
    for there in ((44, 66), (36, 66), (36, 82), (44, 82)):
        for steps, keys in zip(np.subtract(there, here), (("Left", "Right"), ("Up", "Down")), strict=True):
            key = f"Arrow{keys[int(steps > 0)]}"
            page.press(*[f"Shift+{key}"] * (abs(steps) // 10), *[key] * (abs(steps) % 10))
        here = there
        page.tab.locator("#readout", has_text=f" at {there[0]}, {there[1]}").wait_for()
        page.press("Space")
    page.press("Enter")
    page.area("MF_R")
    page.press("s")
    page.settled()
    shapes = {s["label"]: s["points"] for s in json.loads((root / "ALS_1_3.json").read_text())["shapes"]}
    for corner in ([44, 66], [36, 66], [36, 82], [44, 82]):
        assert np.hypot(*(np.array(shapes["MF_R"]) - corner).T).min() < 1.5


def test_a_key_in_the_middle_of_a_drag_and_another_size_of_the_window(show, tmp_path):
    root = tmp_path / "scans"
    path = write_slice(root, "ALS_1_3")
    page = show(serve(root))
    page.press("1")
    page.area("MF_R")
    for corner, to, key in (([35, 65], [30, 60], "2"), ([35, 84], [33, 88], "Control+z")):
        page.press("1")
        page.tab.mouse.move(*page.at(corner))
        page.tab.mouse.down()
        page.tab.mouse.move(*page.at(to), steps=3)
        page.press(key)
        page.tab.mouse.move(*page.at([50, 95]), steps=3)
        page.tab.mouse.up()
    page.press("s")
    page.settled()
    shapes = {s["label"]: s["points"] for s in json.loads(path.read_text())["shapes"]}
    expected = {s["label"]: s["points"] for s in SHAPES}
    before = expected.pop("MF_R")
    moved = [p for p in rounded_points(path, "MF_R") if p not in before]
    assert moved == [[30, 60]]
    assert {label: shapes[label] for label in expected} == expected
    # What was zoomed into stays when a line comes or goes above the slice.
    scale = "document.querySelector('#readout').textContent.split('×')[1].split(' ')[0]"
    whole = page.tab.evaluate(scale)
    page.press("+")
    page.tab.wait_for_function(f"whole => {scale} > whole", arg=whole)
    zoomed = page.tab.evaluate(scale)
    page.tab.set_viewport_size({"width": 1280, "height": 640})
    page.tab.wait_for_function("() => document.querySelector('#canvas').height < 640")
    assert page.tab.evaluate(scale) == zoomed
    page.press("0")
    page.tab.wait_for_function(f"zoomed => {scale} < zoomed", arg=zoomed)
    whole = page.tab.evaluate(scale)
    page.tab.set_viewport_size({"width": 1280, "height": 500})
    page.tab.wait_for_function(f"whole => {scale} < whole", arg=whole)


def test_judging_with_keys_alone(show, tmp_path):
    root = tmp_path / "scans"
    for number in (1, 2, 3):
        write_slice(root, f"ALS_{number}_3", flags={"draft": number == 1})
    page = show(serve(root))
    name = page.tab.locator("#name")
    assert page.tab.locator("#draft").is_visible()
    page.press("r")
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    assert json.loads((root / "ALS_1_3.json").read_text())["flags"] == {"draft": False}
    page.press("e")
    assert page.tab.evaluate("document.activeElement.id") == "reason", "nothing is excluded without a reason"
    assert len(read_csv(root / "review.csv")) == 1
    page.tab.keyboard.type("motion")
    page.press("Enter")
    page.tab.locator("#verdicts [data-verdict=exclude][aria-pressed=true]").wait_for()
    page.tab.check("#scope input[value=region]")
    page.tab.locator("#canvas").focus()
    page.press("3", "a")
    page.tab.locator("#verdicts [data-verdict=look-again][aria-pressed=true]").wait_for()
    page.press("n")
    page.tab.locator("#name", has_text="ALS_3_3.png").wait_for()
    assert page.tab.locator("#done").inner_text() == "2 of 3 judged"
    page.press("PageUp")
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    assert name.inner_text() == "ALS_2_3.png"
    assert [tuple(row.values()) for row in read_csv(root / "review.csv")] == [
        ("ALS_1_3.png", "", "", "reviewed", "", ""),
        ("ALS_2_3.png", "", "", "exclude", "motion", ""),
        ("ALS_2_3.png", "ES_R", "", "look-again", "", ""),
    ]


def test_problems_of_the_slice_arise_beside_it(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3")
    page = show(serve(root))
    page.press("5")
    page.area("PM_R")
    page.drag([24, 39], [45, 39])
    page.tab.locator("#problems [data-code=overlap]").wait_for()
    page.press("Control+z")
    page.tab.locator("#problems [data-code=overlap]").wait_for(state="detached")


def rounded_points(path: Path, label: str) -> list[list[int]]:
    shapes = json.loads(path.read_text())["shapes"]
    return [[round(x), round(y)] for s in shapes if s["label"] == label for x, y in s["points"]]


def test_what_is_drawn_while_it_is_being_saved_stays_and_is_still_to_be_saved(show, tmp_path):
    root = tmp_path / "scans"
    path = write_slice(root, "ALS_1_3")
    page = show(serve(root), own=True)
    page.press("1")
    page.area("MF_R")
    page.drag([35, 65], [30, 60])
    page.settled("not saved")
    # The answer comes late; the second drag is finished by then, the third is not.
    saving = Held(page.tab, "**/slices/0/save", answered=True)
    page.press("s")
    saving.first()
    page.drag([44, 84], [48, 88])
    page.tab.mouse.move(*page.at([35, 84]))
    page.tab.mouse.down()
    page.tab.mouse.move(*page.at([33, 88]), steps=3)
    assert [30, 60] in rounded_points(path, "MF_R")
    # The second drag is kept when the page has taken in that the first is saved.
    with page.tab.expect_response("**/slices/0/keep"):
        saving.let_go()
    assert page.tab.locator("#state").inner_text() == "not saved"
    with page.tab.expect_response("**/slices/0/keep"):
        page.tab.mouse.up()
    assert page.tab.locator("#state").inner_text() == "not saved"
    assert [48, 88] not in rounded_points(path, "MF_R")
    kept = json.loads((root / ".review-journal.jsonl").read_text().splitlines()[-1])
    assert [33, 88] in [[round(x), round(y)] for s in kept["shapes"] for x, y in s["points"]]
    page.press("s")
    page.settled()
    assert not page.tab.locator("#bar").is_visible()
    assert [p in rounded_points(path, "MF_R") for p in ([30, 60], [48, 88], [33, 88])] == [True] * 3


def test_undo_after_saving_leaves_all_fields_of_every_shape(show, tmp_path):
    root = tmp_path / "scans"
    shapes = [{**s, "description": f"note {i}", "group_id": i} for i, s in enumerate(SHAPES)]
    path = write_slice(root, "ALS_1_3", shapes=shapes)
    page = show(serve(root))
    page.press("1")
    page.area("MF_R")
    page.drag([35, 65], [30, 60])
    # A shape of the file goes in between, so that those after it are numbered anew.
    page.press("5", "x", "s")
    page.settled()
    assert [s["label"] for s in json.loads(path.read_text())["shapes"]] == [s["label"] for s in SHAPES[1:]]
    page.press("Control+z", "Control+z")
    page.settled("not saved")
    page.press("s")
    page.settled()
    fields = ("label", "points", "description", "group_id")
    there = {s["label"]: [s[name] for name in fields] for s in json.loads(path.read_text())["shapes"]}
    before = {s["label"]: [s[name] for name in fields] for s in shapes}
    assert there == before


def test_a_judgement_is_of_the_file_that_was_seen(show, tmp_path):
    root = tmp_path / "scans"
    files = [write_slice(root, f"ALS_{number}_3", flags={"draft": True}) for number in (1, 2)]
    page = show(serve(root), own=True)
    page.press("1")
    page.area("MF_R")
    # The next slice is asked for while this one is being saved, and shown while it is being judged …
    saving, judging = (Held(page.tab, f"**/slices/0/{what}") for what in ("save", "judge"))
    page.drag([35, 65], [30, 60])
    page.press("r")
    saving.first()
    page.press("n")
    saving.let_go()
    assert judging.first()["base"] == hashlib.sha256(files[0].read_bytes()).hexdigest()
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    assert read_csv(root / "review.csv") == []
    # … and keeps its own digest when the answer comes.
    judging.let_go()
    page.tab.locator("#done", has_text="1 of 2 judged").wait_for()
    assert len(read_csv(root / "review.csv")) == 1
    page.press("1")
    page.area("MF_R")
    page.drag([35, 65], [30, 60])
    page.press("s")
    page.settled()
    assert [30, 60] in rounded_points(files[1], "MF_R")
    # A file that is another by now is a choice.
    told = {"error": "ALS_2_3.json: was changed on the disk since it was opened", "changed": True}
    judged = []

    def refuse(route):
        judged.append(json.loads(route.request.post_data))
        route.fulfill(status=409, json=told)

    page.tab.route("**/slices/1/judge", refuse)
    page.press("r")
    page.tab.locator("#bar").get_by_text("The file: give mine up").wait_for()
    assert judged[0]["base"] == hashlib.sha256(files[1].read_bytes()).hexdigest()
    page.said[:] = [line for line in page.said if "409" not in line]  # the browser's own word for it


def test_the_older_of_two_tabs_is_told_and_takes_nothing_away(show, tmp_path):
    path = write_slice(tmp_path / "scans", "ALS_1_3")
    served = serve(tmp_path / "scans")
    older, newer = show(served), show(served)
    answers = []
    for page, corner, to in ((newer, [35, 65], [30, 60]), (older, [44, 84], [48, 88])):
        page.press("1")
        page.area("MF_R")
        with page.tab.expect_response("**/slices/0/keep") as kept:
            page.drag(corner, to)
        answers.append(kept.value.status)
    assert answers == [200, 409]
    bar = older.tab.locator("#bar", has_text="opened once more, in another tab")
    bar.wait_for()
    older.said[:] = [line for line in older.said if "409" not in line]  # the browser's own word for it
    # What the newer tab drew is what is there, for both; the slice that is opened anew has nothing to undo.
    older.tab.locator("#undo:enabled").wait_for()
    bar.get_by_text("The file: give mine up").click()
    older.tab.locator("#undo:disabled").wait_for()
    older.settled("not saved")
    older.press("s")
    older.settled()
    points = rounded_points(path, "MF_R")
    assert [30, 60] in points
    assert [48, 88] not in points


def test_sizes_are_told_in_mm_and_more_parts_than_can_be_saved_are_not_taken(show, tmp_path):
    root = tmp_path / "scans"
    pixels = np.zeros((99, 99), dtype=bool)
    pixels[::2, ::2] = True
    entry = polygon("PM_L", [[0, 0], [98, 98]], shape_type="mask", mask=png_base64(pixels))
    write_slice(root, "ALS_1_3", shapes=[*(s for s in SHAPES if s["label"] != "PM_L"), entry])
    (root / "slices.csv").write_text("image,row_spacing_mm,col_spacing_mm\nALS_1_3.png,0.5,0.8\n")
    page = show(serve(root, "--reader", "anna", "--out", tmp_path / "anna"))
    page.press("1", "t")
    # 20 × 10 pixels of 0.5 × 0.8 mm.
    page.tab.locator("#hint", has_text="MF_R 0.80 cm²: drag").wait_for()
    white = page.tab.evaluate(
        """() => {
            const canvas = document.querySelector("#canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const white = (x, y) => data[4 * (y * canvas.width + x)] === 255;
            const [right, bottom] = [canvas.width - 14, canvas.height - 14];
            let [across, down] = [0, 0];
            while (white(right - across, bottom)) across++;
            while (white(right, bottom - down)) down++;
            return [across, down];
        }"""
    )
    frame = page.tab.locator("#canvas").bounding_box()
    scale = min(frame["width"], frame["height"]) / 100
    assert white == pytest.approx([10 / 0.8 * scale, 10 / 0.5 * scale], abs=2)
    page.press("6", "t")
    page.tab.locator("#bar", has_text="PM_L was not taken: 2501 contours would lie on this slice").wait_for()
    assert page.tab.locator("#problems", has_text="not drawn yet: MF_L, ES_R, ES_L, PM_R, PM_L").count() == 1


def test_seconds_are_recorded_and_it_is_told_where_they_cannot_be(show, tmp_path):
    root, out = tmp_path / "scans", tmp_path / "anna"
    for number in (1, 2):
        write_slice(root, f"ALS_{number}_3")
    page = show(serve(root, "--reader", "anna", "--out", out, "--timing"))
    bar = page.tab.locator("#bar")
    page.tab.locator("#name", has_text="ALS_1_3.png").wait_for()
    with page.tab.expect_response("**/slices/0/spend"):
        page.press("ArrowLeft", "ArrowLeft", "n")
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    assert [row["image"] for row in read_csv(out / "timing.csv")] == ["ALS_1_3.png"]
    (out / "timing.csv").write_text("a,b\n1,2\n")
    with page.tab.expect_response("**/slices/1/spend"):
        page.press("ArrowLeft", "p")
    page.tab.locator("#name", has_text="ALS_1_3.png").wait_for()
    bar.get_by_text("timing.csv: row 2 cannot be read").wait_for()
    page.said[:] = [line for line in page.said if "400" not in line]  # the browser's own word for it
    (out / "timing.csv").unlink()
    with page.tab.expect_response("**/slices/0/spend"):
        page.press("ArrowLeft", "n")
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    bar.wait_for(state="hidden")


def test_reviewed_is_asked_once_where_it_looks_like_a_slip(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3", shapes=[])
    write_slice(root, "ALS_2_3", shapes=[s for s in SHAPES if s["label"] != "MF_R"])
    page = show(serve(root))
    bar = page.tab.locator("#bar")
    page.tab.locator("#name", has_text="ALS_1_3.png").wait_for()
    page.press("r")
    bar.get_by_text("no contour is drawn on this slice").wait_for()
    assert not (root / "review.csv").exists()
    page.press("r")
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    page.area("IVD")
    page.click([40, 70])
    page.press("r")
    bar.get_by_text("MF_R: 1 point not yet closed").wait_for()
    assert len(read_csv(root / "review.csv")) == 1
    # What is no longer so is no longer asked.
    page.press("Control+z", "2", "x")
    bar.wait_for(state="hidden")
    page.press("Control+z", "1")
    page.click([40, 70])
    page.press("r")
    bar.get_by_text("MF_R: 1 point not yet closed").wait_for()
    bar.get_by_role("button", name="Not yet").click()
    page.tab.locator("#canvas").focus()
    page.press("Escape", "r")
    assert wait_until(lambda: len(read_csv(root / "review.csv")) == 2)


def test_a_typed_reason_stays_until_it_is_used(show, tmp_path):
    root = tmp_path / "scans"
    for number in (1, 2):
        write_slice(root, f"ALS_{number}_3")
    page = show(serve(root))
    page.area("IVD")
    reason = page.tab.locator("#reason")
    reason.click()
    page.tab.keyboard.type("motion")
    page.press("Enter", "1")
    page.area("MF_R")
    page.drag([35, 65], [30, 60])
    page.settled("not saved")
    page.press("s")
    page.settled()
    page.tab.check("#scope input[value=region]")
    assert reason.input_value() == "motion"
    page.tab.check("#scope input[value='']")
    page.tab.locator("#canvas").focus()
    page.press("e")
    page.tab.locator("#verdicts [data-verdict=exclude][aria-pressed=true]").wait_for()
    assert [tuple(row.values()) for row in read_csv(root / "review.csv")] == [
        ("ALS_1_3.png", "", "", "exclude", "motion", "")
    ]
    page.press("n")
    page.tab.locator("#name", has_text="ALS_2_3.png").wait_for()
    page.area("IVD")
    assert reason.input_value() == ""


def test_a_dashed_draft_is_called_one_and_numbers_that_are_awaited_are_no_clean_bill(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3", flags={"draft": True})
    page = show(serve(root, "--reader", "anna", "--out", tmp_path / "anna"), own=True)
    page.tab.locator("#hint", has_text="dashed: dataset (draft)").wait_for()
    measuring = Held(page.tab, "**/measure")
    page.press("Shift+T")
    page.tab.locator("#problems", has_text="measuring…").wait_for()
    measuring.let_go()
    page.area("IVD")
    page.tab.locator("#problems", has_text="measuring…").wait_for(state="detached")


@pytest.mark.parametrize("mine", [True, False])
def test_a_file_that_was_changed_meanwhile_is_a_choice(show, tmp_path, mine):
    root = tmp_path / "scans"
    path = write_slice(root, "ALS_1_3")
    page = show(serve(root))
    page.press("1")
    page.area("MF_R")
    page.drag([35, 65], [30, 60])
    page.settled("not saved")
    write_slice(root, "ALS_1_3", shapes=[s for s in SHAPES if s["label"] != "PM_L"])
    theirs = path.read_bytes()
    page.press("s")
    bar = page.tab.locator("#bar")
    bar.get_by_text("was changed on the disk since it was opened").wait_for()
    assert path.read_bytes() == theirs
    page.said.remove(next(line for line in page.said if "409" in line))  # the browser's own word for it
    bar.get_by_text("Mine: write it over the file" if mine else "The file: give mine up").click()
    page.settled()
    shapes = {s["label"]: s["points"] for s in json.loads(path.read_text())["shapes"]}
    assert ("PM_L" in shapes) is mine
    assert ([30, 60] in [[round(x), round(y)] for x, y in shapes["MF_R"]]) is mine
    assert mine or path.read_bytes() == theirs


def test_what_was_drawn_is_there_after_the_program_died(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3")
    page = show(serve(root))
    page.press("1")
    first = page.area("MF_R")
    page.drag([35, 65], [30, 60])
    wait_until(lambda: page.area("MF_R") > first)
    page.served.kill()
    page.drag([30, 60], [28, 60])
    page.tab.locator("#bar", has_text="does not answer").wait_for()
    page.tab.goto("about:blank")
    page.said[:] = [line for line in page.said if "ERR_CONNECTION" not in line]
    again = show(serve(root))
    again.settled("not saved")
    again.press("s")
    again.settled()
    shapes = {s["label"]: s["points"] for s in json.loads((root / "ALS_1_3.json").read_text())["shapes"]}
    assert [30, 60] in [[round(x), round(y)] for x, y in shapes["MF_R"]]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_all_of_it_fits_the_screen(show, tmp_path, width, height):
    root = tmp_path / "scans"
    for segment in range(1, 6):
        write_slice(root, f"ALS_1_{segment}")
    page = show(serve(root), width=width, height=height)
    page.area("IVD")
    outside = page.tab.evaluate(
        """() => [...document.querySelectorAll("button, input, #corner-left, #corner-right")]
            .filter((e) => e.offsetParent !== null && !e.closest("#list"))
            .filter((e) => { const b = e.getBoundingClientRect();
                const beyond = b.right > innerWidth || b.bottom > innerHeight;
                return beyond || b.left < 0 || b.top < 0 || b.width < 8; })
            .map((e) => e.id || e.textContent)"""
    )
    assert outside == []
    assert page.tab.locator("#levels img").count() == 5
    assert page.tab.locator("#corner-left").inner_text() == "R"
    canvas = page.tab.locator("#canvas").bounding_box()
    assert canvas["height"] > 0.9 * height
    page.tab.locator("#levels button", has_text="L4").click()
    page.tab.locator("#place", has_text="ALS_1 · L4").wait_for()


def test_a_blinded_page_names_no_slice_and_a_reader_takes_what_is_proposed(show, tmp_path):
    root, out = tmp_path / "scans", tmp_path / "anna"
    for number in (1, 2, 3):
        write_slice(root, f"ALS_{number}_4", grey_image(seed=number))
    key = tmp_path / "key.csv"
    page = show(serve(root, "--reader", "anna", "--out", out, "--blind", 5, "--key", key, "--with-contours"))
    page.tab.locator("#name", has_text="S001").wait_for()
    assert not page.tab.locator("#levels-part").is_visible()
    assert "dashed: dataset" in page.tab.locator("#hint").inner_text()
    everything = page.tab.content()
    assert not any(word in everything for word in ("ALS", "L4", str(root)))
    page.press("7", "t")
    assert page.area("IVD") == 30 * 30
    page.press("Shift+T")
    page.area("PM_L")
    page.press("r")
    page.tab.locator("#name", has_text="S002").wait_for()
    content = json.loads((out / "S001.json").read_text())
    assert {s["label"]: s["points"] for s in content["shapes"]} == {s["label"]: s["points"] for s in SHAPES}
    assert content["imagePath"] == "S001.png"
    assert [tuple(row.values())[:4] for row in read_csv(out / "review.csv")] == [
        ("S001", "", "anna", "reviewed")
    ]


def test_both_readers_are_shown_where_they_differ(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3")
    write_slice(root, "ALS_2_3")
    for reader, left in (("anna", 35), ("ben", 40)):
        moved = polygon("MF_R", box(left, 65, 44, 84))
        shapes = [moved if s["label"] == "MF_R" else s for s in SHAPES]
        write_slice(tmp_path / reader, "ALS_1_3", shapes=shapes)
        write_slice(tmp_path / reader, "ALS_2_3")
    readers = [word for name in ("anna", "ben") for word in ("--compare", tmp_path / name)]
    page = show(serve(root, "--reader", "carl", "--out", tmp_path / "agreed", *readers))
    # 10 and 5 columns of 20 rows, of which 5 are shared: Dice 2 · 5 / (10 + 5).
    page.tab.locator("#place", has_text="MF_R: Dice 0.67").wait_for()
    assert page.tab.locator("#counter").inner_text() == "1 / 1"
    assert "dashed: anna · dotted: ben" in page.tab.locator("#hint").inner_text()
    page.press("1", "y")
    assert page.area("MF_R") == 5 * 20
    page.press("t")
    wait_until(lambda: page.area("MF_R") == 10 * 20)
    page.press("s")
    page.settled()
    shapes = json.loads((tmp_path / "agreed" / "ALS_1_3.json").read_text())["shapes"]
    assert [s["points"] for s in shapes] == [box(35, 65, 44, 84)]


def test_where_to_look_first_among_drafts(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3", flags={"draft": True})
    header = "image,label,sha256,command,made_from,expected_dice,look_first,area_change_pct,largest_move_px"
    row = "ALS_1_3.png,MF_L,0,draft,LR_1_3.png,0.62,1,,"
    (root / "drafts.csv").write_text(f"{header}\n{row}\n")
    page = show(serve(root))
    page.tab.locator("#place", has_text="look first at MF_L (expected Dice 0.62)").wait_for()
    assert page.tab.locator("#draft").is_visible()
    assert "look at every MF" in page.tab.locator("#problems").inner_text()
    page.area("MF_L")


def test_a_slice_that_cannot_be_opened_leaves_nothing_of_the_one_before(show, tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3")
    write_slice(root, "ALS_2_3")
    write_slice(root, "ALS_3_3")
    (root / "ALS_2_3.png").write_bytes((root / "ALS_1_3.png").read_bytes()[:500])
    page = show(serve(root))
    page.area("IVD")
    page.press("n")
    page.tab.locator("#bar").wait_for()
    assert page.tab.locator("#name").inner_text() == "ALS_2_3.png"
    assert page.tab.locator("#regions button").count() == 0
    assert page.tab.locator("#readout").inner_text() == ""
    page.press("s", "r", "1", "Enter", "x", "m", "t")
    page.click([50, 50])
    assert not (root / "review.csv").exists()
    page.press("n")
    page.area("IVD")
    page.said[:] = [line for line in page.said if "400" not in line]  # the browser's own word for it


def test_another_page_of_the_same_browser_reaches_nothing(show, browser, tmp_path):
    path = write_slice(tmp_path / "scans", "ALS_1_3")
    before = path.read_bytes()
    page = show(serve(tmp_path / "scans"))
    page.area("IVD")
    own = f"http://127.0.0.1:{page.served.port}"
    context = browser.new_context()
    other = context.new_page()
    empty = {"body": "<!doctype html><body>", "content_type": "text/html"}
    context.route("http://evil.example/*", lambda route: route.fulfill(**empty))
    other.goto("http://evil.example/")
    tried = other.evaluate(
        """async ([own, token]) => {
            const answers = [];
            for (const options of [
                { headers: { "X-Review-Token": token } },
                { method: "POST", body: "{}", headers: { "X-Review-Token": token } },
                { method: "POST", body: "{}", mode: "no-cors" },
                { mode: "no-cors" },
            ]) {
                const answer = fetch(`${own}/api/slices/0/save`, options);
                const told = answer.then((a) => a.type === "opaque" ? "opaque" : "read", () => "refused");
                answers.push(await told);
            }
            return answers;
        }""",
        [own, page.served.token],
    )
    assert "read" not in tried
    framed = other.evaluate(
        """(address) => new Promise((done) => {
            const frame = document.createElement("iframe");
            frame.onload = () => done("loaded");
            frame.src = address;
            document.body.append(frame);
            setTimeout(() => done("never"), 3000);
        })""",
        page.served.address,
    )
    inside = [frame for frame in other.frames if frame != other.main_frame]
    assert framed == "never" or all("mriparaspinal" not in frame.title() for frame in inside)
    context.close()
    assert path.read_bytes() == before


def test_finish_ends_the_program(show, tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    page = show(serve(tmp_path / "scans"))
    page.tab.locator("#finish").click()
    page.tab.locator("#bar", has_text="The program has ended").wait_for()
    assert page.served.process.wait(timeout=60) == 0
