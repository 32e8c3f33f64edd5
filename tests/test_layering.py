"""Who may import whom (rule 1), and how light start-up is (rule 2): the architecture, held by a test."""

from __future__ import annotations

import ast
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

GROUND = {"errors", "model", "names", "text", "vocabulary"}
#: They know no path, no terminal, no disk.
PURE = {
    "anatomy",
    "cluster",
    "cohort",
    "contrasts",
    "derived_maps",
    "design",
    "effect_sizes",
    "exact_ranks",
    "fat_rules",
    "figures",
    "grade_figures",
    "grade_tables",
    "grey_window",
    "instrument",
    "level_maps",
    "levels",
    "mask_files",
    "measure",
    "numbering",
    "outlines",
    "packed",
    "paper_tables",
    "parallel",
    "participants",
    "phantom",
    "phantom_curves",
    "phantom_records",
    "phantom_surroundings",
    "pictures",
    "planar_contours",
    "plausibility",
    "rasterise",
    "scoring",
    "regions",
    "report.figure_svg",
    "report.findings",
    "report.methods_text",
    "report.outliers",
    "report.paper_view",
    "report.slice_list",
    "report.slice_view",
    "slice_geometry",
    "stacks",
    "tabulate",
    "tracing",
    "twins",
    "versions",
    "volume",
    "voxel_grid",
}
COMPOSITIONS = {
    "agreement",
    "analysis",
    "annotation_readers",
    "annotation_sources",
    "associations",
    "clinical",
    "comparison",
    "contouring",
    "dataset",
    "discrimination",
    "dixon",
    "embedded",
    "gallery",
    "grade_study",
    "joining",
    "label_maps",
    "map_making",
    "mask_agreement",
    "pipeline",
    "preparation",
    "regional",
    "report.compared",
    "report.contents",
    "report.measured_from",
    "report.render",
    "report.slice_pictures",
    "scans",
    "shares",
    "slice_choice",
    "slice_picture",
    "source",
    "study",
    "survey",
    "strays",
    "sweep",
}


def layer(module: str) -> str:
    top = module.split(".")[0]
    if module in GROUND:
        return "ground"
    if top == "files":
        return "doors"
    if top == "stats" or module in PURE:
        return "pure"
    if module in COMPOSITIONS:
        return "compositions"
    if top == "cli":
        return "cli"
    raise AssertionError(f"{module} belongs to no layer: name one in {Path(__file__).name}")


MAY_IMPORT = {
    "ground": {"ground"},
    "pure": {"ground", "pure"},
    "doors": {"ground", "pure", "doors"},
    "compositions": {"ground", "pure", "doors", "compositions"},
    "cli": {"ground", "pure", "doors", "compositions", "cli"},
}


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


@pytest.mark.parametrize("module", MODULES)
def test_imports_keep_to_their_layer(module: str) -> None:
    found = imports(MODULES[module])
    for name in found:
        inner = name.removeprefix("mriparaspinal.")
        if name.startswith("mriparaspinal.") and inner in MODULES:
            assert layer(inner) in MAY_IMPORT[layer(module)], f"{module} imports {inner}"


@pytest.mark.parametrize("module", [m for m in MODULES if layer(m) in ("ground", "pure")])
def test_pure_steps_know_no_disk_and_no_terminal(module: str) -> None:
    forbidden = {"pathlib", "os", "io", "sys", "click", "rich", "tempfile", "shutil", "logging"}
    if module == "cluster":
        forbidden.remove("logging")  # only to make its library quiet
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & forbidden
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert not {"print", "open", "input"} & set(calls)


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("stats.")])
def test_statistics_do_not_import_each_other(module: str) -> None:
    assert not [name for name in imports(MODULES[module]) if name.startswith("mriparaspinal.stats.")]


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith("cli.")])
def test_only_the_command_line_knows_click_and_rich(module: str) -> None:
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & {"click", "rich"}


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
}


def test_help_loads_nothing_past_click_and_rich() -> None:
    assert not loaded_by("--help") & HEAVY
    for command in ("quantify", "regions", "maps"):
        assert not loaded_by(command, "--help") & HEAVY


def test_quantify_loads_nothing_past_numpy_pillow_and_the_json_reader(tmp_path: Path) -> None:
    sample = PACKAGE.parent / "sample_data"
    loaded = loaded_by("quantify", str(sample), "--out", str(tmp_path / "out"), "--quiet")
    assert loaded & HEAVY <= {"numpy", "PIL", "msgspec"}
    assert "rich" not in loaded
