"""The lowest versions that pyproject.toml allows, as constraints for pip: ``name==version``, a line each.

Those of the package itself and of its extras for users; the tools of the developers are left as they are.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_TOOLS = {"dev", "docs", "fuzz"}


def lowest(requirements: list[str]) -> dict[str, str]:
    """Name → version for requirements such as ``numpy>=1.26.4``."""
    found = {}
    for requirement in requirements:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)(\s*;.*)?", requirement)
        if match is None:
            raise SystemExit(f"pyproject.toml: {requirement}: expected a lower bound such as numpy>=1.26.4")
        found[match[1]] = match[2]
    return found


project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
bounds = lowest(project["dependencies"])
for extra, requirements in project["optional-dependencies"].items():
    if extra not in _TOOLS:
        bounds |= lowest(requirements)
print("\n".join(f"{name}=={version}" for name, version in sorted(bounds.items())))
