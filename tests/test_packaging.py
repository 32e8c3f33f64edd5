"""The recipes by which it is installed: they require what pyproject.toml does, and name no host."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from mriparaspinal import __version__

ROOT = Path(__file__).parents[1]
RECIPES = ("containers/Dockerfile", "containers/apptainer.def", "containers/install.sh", "conda/recipe.yaml")
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"

#: Packages that conda calls otherwise: that of Matplotlib without Qt.
OF_CONDA = {"matplotlib": "matplotlib-base"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def as_conda(requirement: str) -> str:
    """``numpy>=1.26.4`` as conda writes it."""
    name, bound = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", requirement).groups()
    return f"{OF_CONDA.get(name, name)} {bound}".strip()


def test_the_conda_recipe_requires_what_the_package_does() -> None:
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    own = project()["project"]
    python = f"python {own['requires-python']}"
    assert recipe["requirements"]["run"] == [python, *map(as_conda, own["dependencies"])]
    assert recipe["requirements"]["host"] == [
        python,
        "pip",
        *map(as_conda, project()["build-system"]["requires"]),
    ]
    assert recipe["context"]["version"] == __version__
    (entry,) = own["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [" = ".join(entry)]
    assert recipe["about"]["summary"] == own["description"]
    assert recipe["about"]["license"] == own["license"]


def test_the_recipes_name_no_host() -> None:
    for path in (*(ROOT / name for name in RECIPES), WORKFLOW):
        if path.exists():
            found = re.findall(
                r"\w+://\S+|\b[\w-]+\.(?:com|org|io|net|dev)\b", path.read_text(encoding="utf-8")
            )
            assert not found, path


def test_the_image_is_made_of_files_that_are_there_and_runs_as_nobody_special() -> None:
    text = (ROOT / "containers" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    words = dict(lines)
    assert words["FROM"] == "python:3.12-slim"
    assert words["USER"] == "1000"
    assert words["ENTRYPOINT"] == '["mriparaspinal"]'
    assert [name for name, _ in lines].index("RUN") < [name for name, _ in lines].index("USER")
    *sources, target = words["COPY"].split()
    definition = (ROOT / "containers" / "apptainer.def").read_text(encoding="utf-8")
    files = re.search(r"%files\n((?: .*\n)+)", definition)[1].split("\n")
    assert [line.split() for line in files if line] == [[source, target] for source in sources]
    assert all((ROOT / source).is_file() for source in sources if "*" not in source)
    assert f"sh {target}install.sh" in words["RUN"]
    assert f"sh {target}install.sh" in definition
    assert "From: python:3.12-slim\n" in definition


def test_the_script_of_the_images_is_a_shell_script() -> None:
    done = subprocess.run(
        ["sh", "-n", str(ROOT / "containers" / "install.sh")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    extras = re.search(r"\$wheel\[([a-z,-]+)\]", (ROOT / "containers" / "install.sh").read_text())[1].split(
        ","
    )
    assert set(extras) <= set(project()["project"]["optional-dependencies"])


@pytest.mark.skipif(not WORKFLOW.exists(), reason="the sdist has no workflows")
def test_the_release_tries_one_wheel_on_each_system_and_version() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    check = jobs["check"]
    assert check["needs"] == "build"
    assert check["strategy"]["matrix"] == {
        "os": ["ubuntu-latest", "macos-latest", "windows-latest"],
        "python": ["3.11", "3.12", "3.13"],
    }
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands[0].split()[:2] == ["make", "dist"]
    (script,) = re.findall(r"scripts/\w+\.py", commands[1])
    assert (ROOT / script).is_file()
    assert re.search(r"^dist:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
