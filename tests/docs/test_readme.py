"""What the README tells people to type, typed."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import mriparaspinal
from mriparaspinal.cli import COMMANDS
from mriparaspinal.core.model import COLUMNS
from tests.support.pages import SAMPLE, shell

ROOT = Path(__file__).parents[2]
PACKAGE = Path(mriparaspinal.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", README, flags=re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


def test_it_is_one_page() -> None:
    assert len(README.split()) <= 650
    assert README.count("![") == 1


def test_the_first_run_works_as_it_stands_in_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (block,) = blocks("sh")
    code, printed = shell(f"set -e\n{block}", folder, BROWSER="true")
    assert code == 0, printed
    assert "opened study/report.html in the browser" in printed
    assert (folder / "study" / "comparison" / "comparisons.csv").is_file()


def test_the_five_steps_with_ones_own_slices(tmp_path: Path) -> None:
    folder = tmp_path / "the study"
    (folder / "scans").mkdir(parents=True)
    for path in sorted(SAMPLE.iterdir()):
        if re.match(r"(ALS|LR)_[1-4]_[34]\.", path.name):
            shutil.copy(path, folder / "scans")
    (table,) = blocks("csv")
    (folder / "scans" / "participants.csv").write_text(table.replace("ALS_7", "ALS_1"))
    typed = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("mripara")]
    assert [line.split()[1] for line in typed] == ["check", "masks", "run"]
    for line in typed:
        code, printed = shell(line, folder, BROWSER="true")
        assert code == 0, f"{line}\n{printed}"
    assert (folder / "study" / "report.html").is_file()


def test_every_command_and_column_of_the_readme_exists() -> None:
    used = set(re.findall(r"mriparaspinal ([a-z][a-z-]*)(?= |`)", README)) - {"works"}
    assert used <= set(COMMANDS)
    assert {"`fi`", "`rcsa`"} <= set(re.findall(r"`[a-z]+`", README))
    assert {"fi", "rcsa"} <= set(COLUMNS)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        # The package may be installed, and no part of the folder.
        package = target.startswith("mriparaspinal/") and (PACKAGE.parent / target).exists()
        assert target.startswith("http") or package or (ROOT / target).exists(), target
