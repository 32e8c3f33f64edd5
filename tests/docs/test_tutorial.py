"""The tutorial, typed in an empty folder: its commands run, print what it shows, and make its pictures."""

from __future__ import annotations

import csv
import importlib
import io
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from tests.support.pages import DOCS, SAMPLE, blocks, commands_with_output, shell, shows

PHANTOM = "mriparaspinal phantom sample_data\n"
#: What the page says of the exit code; all others are 0.
EXIT_CODES = {"mriparaspinal quantify slip": 4}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str | None, int, str]]]:
    """The folder after all commands; each command, what the page shows, its exit code and output."""
    folder = tmp_path_factory.mktemp("tutorial") / "empty"
    folder.mkdir()
    found = []
    for line, shown in commands_with_output("tutorial.md"):
        if " slip " in line:
            mislabel(folder)
        found.append((line, shown, *run(line, folder)))
    return folder, found


def mislabel(folder: Path) -> None:
    """What the page has the reader do by hand, in a text editor."""
    shutil.copytree(folder / "sample_data", folder / "slip")
    slipped = folder / "slip" / "ALS_1_3.json"
    slipped.write_text(slipped.read_text().replace('"MF_L"', '"MF_R"'))


def run(line: str, folder: Path) -> tuple[int, str]:
    """Type a command. The first one takes long and draws what the repository has, as test_phantom tells."""
    if line != PHANTOM:
        return shell(line, folder)
    shutil.copytree(SAMPLE, folder / "sample_data")
    _, printed = shell("mriparaspinal phantom sample_data --als 1 --lr 0", folder.parent)
    return 0, printed.replace("5 slices of 1 participant ", "80 slices of 16 participants ")


def test_the_commands_run_and_print_what_the_page_shows(typed) -> None:
    _, found = typed
    assert len(found) == 5
    assert found[0][0] == PHANTOM
    for command, shown, code, printed in found:
        expected = next((code for start, code in EXIT_CODES.items() if start in command), 0)
        assert code == expected, f"{command}\n{printed}"
        assert "Traceback" not in printed
        if shown is not None:
            assert shows(shown, printed), f"{command}\n--- the page\n{shown}\n--- printed\n{printed}"


def test_most_of_the_commands_show_their_output() -> None:
    shown = [shown for _, shown in commands_with_output("tutorial.md")]
    assert sum(text is not None for text in shown) >= len(shown) - 2


def test_no_other_program_is_needed(typed) -> None:
    """Nothing that Windows does not have: no pipe, no cut, no sed."""
    _, found = typed
    assert all(re.fullmatch(r"mriparaspinal [\w ./-]+\n", command) for command, *_ in found)


def test_the_message_of_the_slip_names_the_slice(typed) -> None:
    _, found = typed
    assert "ALS_1_3.json" in found[-1][3]
    assert "the patient's left" in found[-1][3]


@pytest.mark.parametrize(("number", "file"), [(0, "study/results/L4.csv"), (1, "sample_data/truth.csv")])
def test_the_rows_of_the_page_are_those_of_the_files(number: int, file: str, typed) -> None:
    folder, _ = typed
    page = [block.text for block in blocks("tutorial.md") if block.language == "csv"][number]
    with (folder / file).open(encoding="utf-8") as there:
        rows = list(csv.DictReader(there))
    for shown in csv.DictReader(page.splitlines()):
        same = [row for row in rows if all(alike(row[column], cell) for column, cell in shown.items())]
        assert len(same) == 1, shown


def alike(cell: str, shown: str) -> bool:
    """Whether a page shows a cell, its number rounded or not."""
    _, point, digits = shown.partition(".")
    return cell == shown or (bool(point) and f"{float(cell):.{len(digits)}f}" == shown)


def test_the_table_of_the_page_is_the_papers_table_2(typed) -> None:
    folder, _ = typed
    table = (folder / "study" / "comparison" / "table2.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| [A-Z]{2} (?:FI|rCSA) \|.*$", (DOCS / "tutorial.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) == 4
    there = {"".join(row.split()) for row in table.partition("| L4 |")[2].partition("| L5 |")[0].splitlines()}
    assert {"".join(row.split()) for row in rows} <= there


def test_what_the_tutorial_says_of_the_first_row(typed) -> None:
    """5 % too large, the contour within 0.5 %, FI 0.04 too high."""
    shown = "".join(block.text for block in blocks("tutorial.md"))
    measured = re.search(r"MF,left,(\d+),([\d.]+),\d+,([\d.]+),", shown)
    truth = re.search(r"MF,left,([\d.]+),([\d.]+)$", shown, flags=re.MULTILINE)
    assert measured is not None
    assert truth is not None
    pixels, contour, fi = map(float, measured.groups())
    area, true_fi = map(float, truth.groups())
    assert round(100 * (pixels / area - 1)) == 5
    assert abs(contour / area - 1) < 0.005
    assert round(fi - true_fi, 2) == 0.04


def pictures_script():
    sys.path.insert(0, str(DOCS / "scripts"))
    try:
        return importlib.import_module("pictures")
    finally:
        sys.path.pop(0)


def test_the_pictures_are_those_that_the_script_makes(typed) -> None:
    """Letters may differ by a pixel between versions of Pillow and matplotlib, the whole may not."""
    if int(PIL.__version__.split(".")[0]) < 12:
        pytest.skip("the committed pictures have the letters of a newer Pillow")
    folder, _ = typed
    made = pictures_script().pictures(folder)
    assert {path.name for path in (DOCS / "pictures").iterdir()} == set(made)
    for name, picture in made.items():
        raw = (DOCS / "pictures" / name).read_bytes()
        assert len(raw) < 150_000, name
        with Image.open(io.BytesIO(raw)) as committed:
            assert committed.size == picture.size, name
            gap = np.abs(np.asarray(committed.convert("RGB"), int) - np.asarray(picture, int))
        assert gap.mean() < 4, name


def test_every_picture_is_shown_and_described() -> None:
    used: dict[str, str] = {}
    for page in DOCS.glob("*.md"):
        used |= {
            name: words
            for words, name in re.findall(r"!\[([^\]]*)\]\(pictures/([^)]+)\)", page.read_text("utf-8"))
        }
    assert set(used) == {path.name for path in (DOCS / "pictures").iterdir()}
    assert all(used.values())
