"""The site: it builds without a warning, fetches nothing, and tells of all that the program has."""

from __future__ import annotations

import ast
import html
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

import mriparaspinal
from mriparaspinal.cli import COMMANDS as NAMES
from mriparaspinal.cli import load
from mriparaspinal.cli.kinds import KINDS
from mriparaspinal.core.model import COLUMNS, OPTIONAL_COLUMNS
from mriparaspinal.core.participants import WORDS
from mriparaspinal.stats import compare, correlate, regress, reliability, roc
from mriparaspinal.stats import on_request as asked
from tests.support.pages import DOCS, ROOT

PACKAGE = Path(mriparaspinal.__file__).parent
COMMANDS = {name: load(name) for name in NAMES}


def script(name: str) -> ModuleType:
    sys.path.insert(0, str(DOCS / "scripts"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


# --- the built site -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make docs`` builds it."""
    for module in ("mkdocs", "material"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install 'mriparaspinal[docs]'")
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


class _Fetched(HTMLParser):
    """What a browser would fetch of a page: everything but the targets of links to click."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        names = ["src", "srcset", "data", "poster"] + ([] if tag == "a" else ["href"])
        self.addresses += [told[name] or "" for name in names if name in told]
        self.styles.append(told.get("style") or "")
        if tag == "meta" and (told.get("http-equiv") or "").lower() == "refresh":
            self.addresses.append(told.get("content") or "")

    def handle_data(self, data: str) -> None:
        if self.rawdata and "url(" in data:
            self.styles.append(data)


def test_nothing_is_fetched_when_the_site_is_read(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        fetched = _Fetched()
        text = page.read_text(encoding="utf-8")
        fetched.feed(text)
        for address in fetched.addresses:
            assert not re.match(r"(https?:)?//", address.strip()), f"{page.name}: {address}"
        assert not re.findall(r"url\([\"']?(?:https?:)?//", "".join(fetched.styles)), page.name
        # The theme fetches these from elsewhere, but only for pages that have them.
        assert 'class="mermaid"' not in text
        assert "data-md-source" not in text
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//", style.read_text("utf-8")), (
            style.name
        )


class _Links(HTMLParser):
    """All addresses of a page, and the places in it that an address can name."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        self.addresses += [told[name] or "" for name in ("href", "src") if name in told]
        self.places |= {told[name] or "" for name in ("id", "name") if name in told}


def test_every_address_leads_somewhere_on_disk(site: Path) -> None:
    """Links to click, too, of the page for missing pages, too: each file is there, and the place in it."""
    pages: dict[Path, _Links] = {}
    for page in site.rglob("*.html"):
        pages[page] = _Links()
        pages[page].feed(page.read_text(encoding="utf-8"))
    assert site / "404.html" in pages
    for page, links in pages.items():
        for address in links.addresses:
            if re.match(r"[a-z]+:", address):
                continue
            path, _, place = address.partition("#")
            path = unquote(path.partition("?")[0])
            target = page.parent / path if path else page
            assert not path.startswith("/"), f"{page.name}: {address}"
            assert target.is_file(), f"{page.name}: {address}"
            if place and not place.startswith("__"):
                assert unquote(place) in pages[target.resolve()].places, f"{page.name}: {address}"


def test_the_search_needs_no_server(site: Path) -> None:
    """Its index is a script, which every page may load from disk, as the program that looks in it."""
    assert (site / "search" / "search_index.js").is_file()
    home = (site / "index.html").read_text(encoding="utf-8")
    assert "iframe-worker" in home
    (worker,) = re.findall(r'"search": "([^"]+)"', home)
    assert (site / worker).is_file()


def test_every_page_of_the_docs_can_be_reached(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in [*DOCS.glob("*.md"), DOCS / "reference.md", DOCS / "data-dictionary.md"]:
        assert f'href="{page.stem}.html"' in home or page.stem == "index", page.name


# --- pages that are held to the program ---------------------------------------------------------------------


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_reference_has_every_command_option_and_example() -> None:
    page = sections(script("reference").page())
    several = page.pop("Options of several commands")
    assert set(page) == {"Exit codes", *COMMANDS}
    for name, command in COMMANDS.items():
        own = page[name]
        text = f"{own}\n{several}"
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    row = rf"^\| `(-h, )?(--[a-z-]+, )?{option}[ `,]"
                    assert re.search(row, text, flags=re.MULTILINE), (name, option)
                    there = re.search(row, own, flags=re.MULTILINE) or f"`{option}`" in own
                    assert there or option in ("--quiet", "--verbose", "--log-file", "--help"), (name, option)
            assert " ".join((parameter.help or "").split())[:30].split("docs/")[0].strip() in text
        examples = command.help.split("Example:", 1)[1].split("\n\n")[0].split("\n")
        for line in filter(None, map(str.strip, examples)):
            assert line in text
        for row in re.findall(r"^\|.*\|$", text, flags=re.MULTILINE):
            assert len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) == 3, row


def test_the_dictionary_has_every_column_in_its_order() -> None:
    page = sections(script("dictionary").page())

    def columns(file: str) -> list[str]:
        return re.findall(r"^\| `(\w+)` \|", page[file], flags=re.MULTILINE)

    assert columns("L1.csv … L5.csv") == [*COLUMNS, *OPTIONAL_COLUMNS]
    on_request = [*asked.MARGIN_COLUMNS, *asked.MAX_T_COLUMNS]
    assert columns("comparisons.csv") == [*compare.COMPARISON_COLUMNS, *on_request]
    spearman = [*correlate.COLUMNS, *correlate.SPEARMAN_COLUMNS]
    assert columns("correlations.csv") == [*spearman, *regress.CLUSTER_COLUMNS]
    assert columns("regressions.csv") == [*regress.COLUMNS, *regress.CLUSTER_COLUMNS, "predictor"]
    assert columns("roc.csv") == list(roc.ROC_COLUMNS)
    assert columns("reliability.csv") == list(reliability.RELIABILITY_COLUMNS)
    for file, text in page.items():
        for row in re.findall(r"^\| `.*$", text, flags=re.MULTILINE):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
            assert cells[1], f"{file}: {cells[0]} has no meaning"


def test_the_dictionary_has_every_spelling() -> None:
    page = sections(script("dictionary").page())["Words of participants.csv"]
    for column, words in WORDS.items():
        for word, spellings in words.items():
            start = f"| `{column}` | {f'`{word}`' if word else 'no side'}"
            (row,) = (line for line in page.splitlines() if line.startswith(start))
            assert re.findall(r"`(.*?)`", row.rsplit(" | ", 1)[1]) == list(spellings)


def test_a_column_without_a_meaning_stops_the_build() -> None:
    dictionary = script("dictionary")
    with pytest.raises(SystemExit, match=r"x\.csv.*new_column"):
        dictionary.meant("x.csv", ["segment", "new_column"], {"segment": "L1 to L5"})


#: Words of the program that look like codes: values of options, names of instruments.
NO_CODES = {"dicom-series", "dicom-slice", "low-high", "alsfrs-r", "fat-fraction", "look-again"}
NO_CODES |= {"dicom-seg", "left-posterior-superior", "right-anterior-superior", "left-anterior-superior"}
NO_CODES |= {"kornia-rs", "python-gdcm", "scikit-image", "kenward-roger", "disc-between"}


def test_the_problem_codes_are_those_of_the_program() -> None:
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if {"cli", "report"} & set(path.relative_to(PACKAGE).parts):
            continue
        used |= {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    found = {text for text in used if re.fullmatch(r"[a-z]+(-[a-z]+)+", text)} - NO_CODES
    assert found - set(KINDS) == set(), "codes without words in cli/kinds.py (or no codes: NO_CODES)"
    assert set(KINDS) - used == set(), "codes that the program no longer has"


def test_the_page_of_problems_has_every_code_and_no_other(site: Path) -> None:
    page = (site / "problems.html").read_text(encoding="utf-8")
    told = dict(
        re.findall(r"<td><code>([a-z-]+)</code></td>\s*<td>(.*?)</td>", page.split('id="all-codes"')[1])
    )
    assert {code: html.unescape(words) for code, words in told.items()} == KINDS
    named = re.findall(r"`([a-z]+(?:-[a-z]+)+)`", (DOCS / "problems.md").read_text("utf-8"))
    assert set(named) <= set(KINDS)
