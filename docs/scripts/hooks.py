"""What ``mkdocs`` runs while it builds the site: the pages that are made from the program itself."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import dictionary
import reference

_PAGES = {"reference.md": reference.page, "data-dictionary.md": dictionary.page}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file holds."""
    for name, page in _PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files
