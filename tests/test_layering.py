"""Who may import whom (rule 1), and how light start-up is (rule 2): the architecture, held by a test."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import mriparaspinal

PACKAGE = Path(mriparaspinal.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("__init__.py", "__main__.py")
}

#: Package → packages of ours that it may import. A new package gets a row; a new module gets none.
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "imaging": {"core"},
    "parallel": {"core"},
    "stats": {"core"},
    "present": {"core", "stats"},
    "io": {"core", "imaging"},
    "dataset": {"core", "imaging", "parallel", "io"},
    "scans": {"core", "imaging", "io"},
    "clinical": {"core", "io"},
    "brain": {"core", "imaging", "io"},
    "phantom": {"core", "io", "clinical"},
    "measure": {"core", "imaging", "io", "parallel", "dataset"},
    "annotations": {"core", "imaging", "io", "parallel", "dataset", "measure"},
    "drafts": {"core", "imaging", "io", "parallel", "dataset", "measure"},
    "review": {"core", "imaging", "io", "parallel", "dataset", "measure", "drafts"},
    "analysis": {
        *("core", "imaging", "io", "parallel", "dataset", "measure"),
        *("stats", "present", "brain", "clinical"),
    },
    "report": {"core", "imaging", "io", "parallel", "dataset", "measure", "stats", "present", "analysis"},
}
MAY_IMPORT["api"] = set(MAY_IMPORT)
MAY_IMPORT["cli"] = set(MAY_IMPORT)
#: They know no path, no terminal and no disk.
PURE = {"core", "imaging", "stats", "present"}


#: Imports against the table that are still to be cut.
STILL_THERE = {("stats.grades", "clinical.instrument"), ("stats.grades", "clinical.score")}


def package(module: str) -> str:
    return module.split(".")[0]


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions, too; not what only the type checker sees."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def own_imports(module: str) -> set[str]:
    """The modules of ours that a module imports."""
    names = {name.removeprefix("mriparaspinal.") for name in imports(MODULES[module])}
    return {name for name in names if name in MODULES and name != module}


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_table(module: str) -> None:
    own = package(module)
    for name in own_imports(module):
        if (module, name) in STILL_THERE:
            continue
        assert package(name) == own or package(name) in MAY_IMPORT[own], f"{module} imports {name}"


def test_there_are_no_import_circles() -> None:
    graphlib.TopologicalSorter({module: own_imports(module) for module in MODULES}).prepare()


@pytest.mark.parametrize("module", [m for m in MODULES if package(m) in PURE])
def test_pure_packages_touch_no_disk_and_no_terminal(module: str) -> None:
    forbidden = {"pathlib", "os", "io", "sys", "click", "typer", "rich", "tempfile", "shutil", "logging"}
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & forbidden
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert not {"print", "open", "input"} & set(calls)


@pytest.mark.parametrize("module", [m for m in MODULES if package(m) != "cli"])
def test_only_the_command_line_knows_typer_and_rich(module: str) -> None:
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & {"click", "typer", "rich"}


def test_every_package_says_what_it_is_for() -> None:
    for path in sorted(PACKAGE.rglob("__init__.py")):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_nothing_lies_at_the_top_but_the_interface() -> None:
    assert {module for module in MODULES if "." not in module} <= {"api"}


def test_oracles_stay_in_the_tests() -> None:
    for path in MODULES.values():
        assert "pingouin" not in {name.split(".")[0] for name in imports(path)}


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that a run of the command has imported at its end."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\n#', *sorted({m.split('.')[0] for m in sys.modules})))\n"
        f"sys.argv = ['mriparaspinal', *{list(arguments)!r}]\n"
        "from mriparaspinal.cli import main; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return set(result.stdout.rsplit("#", 1)[1].split())


HEAVY = {
    "numpy",
    "PIL",
    "msgspec",
    "pandas",
    "scipy",
    "statsmodels",
    "matplotlib",
    "nibabel",
    "pydicom",
    "skimage",
    "openpyxl",
    "jinja2",
    "dask",
    "dipy",
    "multiprocessing",
    "starlette",
    "uvicorn",
    "anyio",
}


def test_help_loads_nothing_past_typer() -> None:
    assert not loaded_by("--help") & {*HEAVY, "rich", "pydantic"}
    for command in ("quantify", "regions", "maps"):
        assert not loaded_by(command, "--help") & {*HEAVY, "rich", "pydantic"}


def test_quantify_loads_nothing_past_numpy_pillow_and_the_json_reader(tmp_path: Path) -> None:
    sample = PACKAGE.parent / "sample_data"
    loaded = loaded_by("quantify", str(sample), "--out", str(tmp_path / "out"), "--quiet")
    assert loaded & HEAVY <= {"numpy", "PIL", "msgspec"}
    assert not loaded & {"rich", "pydantic", "click"}
