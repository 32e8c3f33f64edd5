"""The recipes and the page on reproducibility, followed to the letter."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.pages import DOCS, SAMPLE, Block, blocks, commands_with_output, shell, shows


def of(page: str, heading: str, language: str = "") -> list[Block]:
    found = [b for b in blocks(page) if b.heading == heading and language in ("", b.language)]
    assert found, f"{page}: {heading}"
    return found


def copy_slices(pattern: str, to: Path) -> None:
    to.mkdir(parents=True)
    for path in sorted(SAMPLE.iterdir()):
        if re.match(pattern, path.name):
            shutil.copy(path, to)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with ``scans``: some slices of the sample cohort."""
    folder = tmp_path / "study"
    copy_slices(r"(ALS|LR)_[1-4]_[34]\.|participants", folder / "scans")
    return folder


def few_figures(*scans: Path) -> None:
    """Ask for one contrast where the commands of a page ask for none."""
    for folder in scans:
        (folder / "paraspinal.toml").write_text('contrasts = ["side:ALS"]\n')


def without(segment: str, scans: Path) -> None:
    """Remove the slices of a segment where one is enough."""
    for path in scans.glob(f"*_{segment}.*"):
        path.unlink()


# --- when and where -----------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_makefile_fragment_runs_and_does_nothing_twice(study: Path) -> None:
    (fragment,) = of("recipes.md", "Makefile", "make")
    (study / "Makefile").write_text(fragment.text)
    few_figures(study / "scans")
    without("4", study / "scans")
    code, printed = shell("make", study)
    assert code == 0, printed
    assert (study / "comparison" / "comparisons.csv").is_file()
    assert "up to date" in shell("make", study)[1]
    (study / "scans" / "ALS_1_3.json").touch()
    assert "quantify" in shell("make --dry-run", study)[1]
    (study / "scans" / "ALS_1_3.json").write_text("{broken")
    code, printed = shell("make", study)
    assert code == 0  # exit code 4 goes on
    assert "broken JSON" in printed


def test_the_commands_of_the_statistics_run(study: Path) -> None:
    shutil.copy(study / "scans" / "participants.csv", study)
    few_figures(study / "scans")
    without("3", study / "scans")
    assert shell("mriparaspinal quantify scans --out study/results", study)[0] == 0
    for rater in ("rater_a", "rater_b"):
        shutil.copytree(study / "study" / "results", study / rater)
    (block,) = of("recipes.md", "Statistics", "sh")
    lines = block.text.splitlines()
    assert {line.split()[1] for line in lines} == {
        "compare", "correlate", "regress", "roc", "threshold-sweep", "reliability",
    }  # fmt: skip
    for line in lines:
        code, printed = shell(line, study)
        assert code == 0, f"{line}\n{printed}"


def test_the_slurm_array_gives_the_bytes_of_one_run(study: Path) -> None:
    people = (study / "scans" / "participants.csv").read_text().splitlines()
    kept = [line for line in people if re.match(r"participant_id|(ALS|LR)_[1-4],", line)]
    (study / "scans" / "participants.csv").write_text("\n".join(kept) + "\n")
    list_everyone, join = (block.text for block in of("cluster.md", "Slurm array", "sh"))
    (script,) = of("cluster.md", "Slurm array", "slurm")
    (study / "measure.sh").write_text(script.text)
    few_figures(study / "scans")
    assert shell(list_everyone, study) == (0, "")
    (study / "scans" / "LR_4_4.json").write_text("{broken")
    for task in ("1", "2", "3"):
        variables = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_CPUS_PER_TASK": "2"}
        code, printed = shell("bash measure.sh", study, **variables)
        assert code == 0, printed
    merge, compare = join.strip().splitlines()
    assert shell(merge, study)[0] == 4
    assert shell(compare, study)[0] == 0
    shell("mriparaspinal quantify scans --out at_once", study)
    names = sorted(path.name for path in (study / "at_once").iterdir())
    assert {"L3.csv", "L4.csv", "quantify.json"} <= set(names)
    for name in names:
        assert (study / "results" / name).read_bytes() == (study / "at_once" / name).read_bytes(), name


def test_a_task_that_fails_fails(study: Path) -> None:
    (script,) = of("cluster.md", "Slurm array", "slurm")
    (study / "measure.sh").write_text(script.text)
    (study / "everyone.txt").write_text("nobody\n")
    variables = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "1"}
    assert shell("bash measure.sh", study, **variables)[0] in (2, 3)


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    """Two sites with two patients of each group, and the script of the recipe."""
    folder = tmp_path / "study"
    header, *people = (SAMPLE / "participants.csv").read_text().splitlines()
    for site, numbers in (("beijing", "12"), ("guangzhou", "34")):
        copy_slices(rf"(ALS|LR)_[{numbers}]_[34]\.", folder / site)
        mine = [line for line in people if re.match(rf"(ALS|LR)_[{numbers}],", line)]
        (folder / site / "participants.csv").write_text("\n".join([header, *mine]) + "\n")
    few_figures(folder / "beijing", folder / "guangzhou")
    (join,) = of("recipes.md", "Several sites", "python")
    (folder / join.title).write_text(join.text)
    return folder


def test_the_sites_are_joined_and_compared(sites: Path) -> None:
    measure, join = (block.text for block in of("recipes.md", "Several sites", "sh"))
    code, printed = shell(measure, sites)
    assert code == 0, printed
    code, printed = shell(join, sites)
    assert code == 0, printed
    assert "quantify.json" in printed
    rows = (sites / "joined" / "L4.csv").read_text().splitlines()
    alone = [(sites / "results" / s / "L4.csv").read_text().splitlines() for s in ("beijing", "guangzhou")]
    assert sorted(rows[1:]) == sorted(alone[0][1:] + alone[1][1:])
    assert rows[0] == alone[0][0]
    assert (sites / "comparison" / "comparisons.csv").is_file()


def test_the_join_refuses_other_settings_and_the_same_patient(sites: Path) -> None:
    shell("mriparaspinal quantify beijing --out a && mriparaspinal quantify guangzhou --out b", sites)
    shell("mriparaspinal quantify guangzhou --threshold 60 --out c", sites)
    code, printed = shell("python join.py joined a c", sites)
    assert code == 1
    assert "different settings" in printed
    code, printed = shell("python join.py joined2 a b a", sites)
    assert code == 1
    assert "a participant is in two sites" in printed


# --- raters and protocols -----------------------------------------------------------------------------------


def test_the_raters_of_the_annotation_page_are_compared(study: Path) -> None:
    for rater in ("rater_a", "rater_b"):
        shutil.copytree(study / "scans", study / rater)
    (block,) = of("annotate.md", "Two raters", "sh")
    code, printed = shell(block.text, study)
    assert code == 0, printed
    assert (study / "agreement" / "overlap.csv").is_file()
    assert (study / "results_mean" / "L4.csv").is_file()


@pytest.mark.parametrize("page", ["annotate.md", "reproducibility.md"])
def test_the_protocols_of_the_pages_are_understood(page: str, study: Path) -> None:
    (protocol,) = (block.text for block in blocks(page) if block.language == "toml")
    (study / "scans" / "paraspinal.toml").write_text(protocol)
    annotation = study / "scans" / "ALS_1_3.json"
    if "DLJ L" in protocol:
        annotation.write_text(annotation.read_text().replace('"MF_L"', '"dlj l"'))
    code, printed = shell("mriparaspinal quantify scans --out results", study)
    assert code == 0, printed
    assert "; 0 errors" in printed
    assert "ALS_1,ALS,L3,MF,left" in (study / "results" / "L3.csv").read_text()


# --- reproducibility ----------------------------------------------------------------------------------------


def test_an_archive_is_checked_as_the_page_says(study: Path) -> None:
    shell("mriparaspinal quantify scans --out results --jobs 2", study)
    ((command, shown),) = commands_with_output("reproducibility.md")
    code, printed = shell(command, study)
    assert code == 0, printed
    assert shown is not None
    assert shows(shown, printed), printed
    (script,) = of("reproducibility.md", "Check an archive", "python")
    *_, said = of("reproducibility.md", "Check an archive", "text")
    (study / "check.py").write_text(script.text)
    assert shell("python check.py", study) == (0, said.text)
    (study / "results" / "L4.csv").write_text("changed")
    assert shell("python check.py", study) == (0, "['L4.csv']\n")


def test_the_page_names_every_key_of_the_record(study: Path) -> None:
    shell("mriparaspinal quantify scans --out results", study)
    record = json.loads((study / "results" / "quantify.json").read_text())
    page = (DOCS / "reproducibility.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+)` \|", page, flags=re.MULTILINE)) == set(record)
