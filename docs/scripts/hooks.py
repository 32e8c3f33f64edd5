"""What ``mkdocs`` runs while it builds the site: the pages that are made from the program itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

import dictionary
import reference

_PAGES = {"reference.md": reference.page, "data-dictionary.md": dictionary.page}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file holds."""
    for name, page in _PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Put the table of problem codes in its place on the page."""
    return markdown.replace("<!-- codes -->", dictionary.codes())


def on_post_template(output_content: str, *, template_name: str, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Let the links of the page for missing pages lead from its own folder, as those of all pages do."""
    if template_name != "404.html":
        return output_content
    relative = re.sub(r'(href="|src="|"search": ")/', r"\1", output_content)
    return relative.replace('"base": "/"', '"base": "."')
