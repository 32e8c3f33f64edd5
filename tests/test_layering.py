"""The architecture, held by tests: who may import whom, how large parts may be, how light start-up is."""

from __future__ import annotations

import ast
import functools
import graphlib
import re
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


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def package(module: str) -> str:
    return module.split(".")[0]


@functools.cache
def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions, too; not what only the type checker sees."""
    tree = tree_of(path)
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
        assert package(name) == own or package(name) in MAY_IMPORT[own], f"{module} imports {name}"


def test_there_are_no_import_circles() -> None:
    graphlib.TopologicalSorter({module: own_imports(module) for module in MODULES}).prepare()


@pytest.mark.parametrize("module", [m for m in MODULES if package(m) in PURE])
def test_pure_packages_touch_no_disk_and_no_terminal(module: str) -> None:
    forbidden = {"pathlib", "os", "io", "sys", "click", "typer", "rich", "tempfile", "shutil", "logging"}
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & forbidden
    calls = [
        node.func.id
        for node in ast.walk(tree_of(MODULES[module]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert not {"print", "open", "input"} & set(calls)


@pytest.mark.parametrize("module", [m for m in MODULES if package(m) != "cli"])
def test_only_the_command_line_knows_typer_and_rich(module: str) -> None:
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & {"click", "typer", "rich"}


def test_every_package_says_what_it_is_for() -> None:
    for path in sorted(PACKAGE.rglob("__init__.py")):
        assert ast.get_docstring(tree_of(path)), path


def test_nothing_lies_at_the_top_but_the_interface() -> None:
    assert {module for module in MODULES if "." not in module} <= {"api"}


def test_oracles_stay_in_the_tests() -> None:
    for path in MODULES.values():
        assert "pingouin" not in {name.split(".")[0] for name in imports(path)}


# --- sizes --------------------------------------------------------------------------------------------------

#: The most lines of a module, lines of a function without its docstring, and parameters of a function.
MOST = {"lines of a module": 450, "lines of a function": 60, "parameters": 10}
#: What is larger still, and how large it is: entries shrink and go, none comes.
TOO_LARGE: dict[tuple[str, str], int] = {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From ``def`` to the last line, without the docstring."""
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) is not None else 0
    return function.end_lineno - function.lineno + 1 - docstring


def parameters_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([argument for argument in named if argument.arg not in ("self", "cls")])


def too_large(module: str) -> dict[tuple[str, str], int]:
    """What of a module is larger than the most, and how large it is."""
    path = MODULES[module]
    sizes = {("lines of a module", module): len(path.read_text(encoding="utf-8").splitlines())}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            sizes["lines of a function", f"{module}.{node.name}"] = lines_of(node)
            sizes["parameters", f"{module}.{node.name}"] = parameters_of(node)
    return {(what, name): size for (what, name), size in sizes.items() if size > MOST[what]}


def test_modules_functions_and_their_parameters_stay_few() -> None:
    found = {name: size for module in MODULES for name, size in too_large(module).items()}
    grown = {name: size for name, size in found.items() if size > TOO_LARGE.get(name, 0)}
    assert grown == {}, "split it: TOO_LARGE takes nothing new"
    assert set(TOO_LARGE) - set(found) == set(), "small enough now: take it out of TOO_LARGE"


# --- private names ------------------------------------------------------------------------------------------

OTHERS = sorted(
    path
    for folder in ("tests", "benchmarks", "fuzz", "docs", "scripts")
    for path in (PACKAGE.parent / folder).rglob("*.py")
)
#: Private names of other libraries, and how they are written.
FOREIGN = {"os._exit", "decoder._available", "decoder._unavailable"}
PRIVATE = re.compile(r"_(?!_)\w+")


def private_names(tree: ast.AST) -> set[str]:
    """Private names that a file takes from elsewhere: imported, read as attributes, or patched by name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            words = [*(getattr(node, "module", None) or "").split("."), *(alias.name for alias in node.names)]
            found |= {word for name in words for word in name.split(".") if PRIVATE.fullmatch(word)}
        elif isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr):
            if ast.unparse(node.value) not in ("self", "cls"):
                found.add(ast.unparse(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("attr", "patch", "patch.object")
        ):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            found |= {text for text in texts if PRIVATE.fullmatch(text.rsplit(".", 1)[-1])}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # code of another process
            found |= set(re.findall(r"mriparaspinal[\w.]*(?:\.| import )_(?!_)\w+", node.value))
    return found - FOREIGN


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.relative_to(PACKAGE.parent).as_posix())
def test_no_private_name_is_used_from_outside(path: Path) -> None:
    assert private_names(tree_of(path)) == set()


# --- start-up -----------------------------------------------------------------------------------------------


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
    "xlsxwriter",
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
