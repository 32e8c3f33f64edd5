"""What a wheel and an sdist hold: all of the package, its type marker, its licence, and nothing else."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "mriparaspinal"


def main(folder: Path) -> None:
    wheel, sdist = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"{PACKAGE}-{wheel.name.split('-')[1]}.dist-info/"
    require(f"{PACKAGE}/py.typed" in names, "the wheel has no py.typed")
    require(f"{info}licenses/LICENSE" in names, "the wheel has no licence")
    require(ours <= names, f"the wheel lacks {sorted(ours - names)}")
    others = {name for name in names - ours if not name.startswith(info)}
    require(not others, f"the wheel holds {sorted(others)}")
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    require(ours <= inside, f"the sdist lacks {sorted(ours - inside)}")
    for needed in (
        "tests/conftest.py",
        "sample_data/truth.csv",
        "constraints.txt",
        "Makefile",
        "docs/methods.md",
    ):
        require(needed in inside, f"the sdist lacks {needed}")
    junk = {name for name in inside if name.startswith((".venv", "demo/", "site/", "dist/", "fuzz/failures"))}
    require(not junk, f"the sdist holds {sorted(junk)[:5]}")
    print(f"{wheel.name}: {len(names)} files; {sdist.name}: {len(inside)} files")


def require(good: bool, fault: str) -> None:
    if not good:
        raise SystemExit(f"dist: {fault}")


main(Path(sys.argv[1]))
