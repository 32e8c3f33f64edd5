"""The page as one HTML file: template, style and script put together, everything else escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mriparaspinal import __version__

if TYPE_CHECKING:
    from mriparaspinal.report.gather import Contents
    from mriparaspinal.report.people import PersonView


#: The template of the page of a study.
STUDY = "study.html.j2"

#: The script of a page, in parts that share their names.
_SCRIPT = ("pixels.js", "window.js", "verdicts.js", "whole.js", "slices.js", "tables.js")


def render(contents: Contents, person: PersonView | None = None) -> bytes:
    """The page of a study, or of one ``person`` of it; the same contents give the same bytes.

    Its policy lets nothing run or load but its own style and script, which are known by their hashes.
    """
    own = contents.study.settings.own_colours
    style = _part("page.css") + "".join(f".{name} {{ color: {colour}; }}\n" for name, colour in own.items())
    script = "".join(map(_part, _SCRIPT))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    template = templates().get_template(STUDY if person is None else "person.html.j2")
    parts = {"style": Markup(style), "script": Markup(script), "policy": policy, "version": __version__}
    page = template.render(page=contents, person=person, **parts)
    return page.encode("utf-8", "backslashreplace")


@cache
def templates() -> Environment:
    """The templates, each of which is compiled once."""
    environment = Environment(
        loader=PackageLoader("mriparaspinal.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawn"] = Markup
    return environment


def is_page(head: bytes) -> bool:
    """Whether a file begins as a page of ours does."""
    return b'<meta name="generator" content="mriparaspinal' in head


def _part(name: str) -> str:
    return resources.files("mriparaspinal.report").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
