"""A figure's SVG file as a picture of the page: a browser runs no script of it and fetches nothing for it."""

from __future__ import annotations

import base64
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.text import read_number

#: Figures up to this width are those of one column of a journal.
_COLUMN_MM = 100


def svg_picture(content: bytes, title: str) -> str:
    """An ``<img>`` that holds the SVG file as it is; ``title`` for who cannot see it.

    One of a single column of a journal is of the class ``column``: its letters are as large as all others.

    Raises :class:`UnreadableError`.
    """
    no_svg = unreadable("cannot be read as SVG", "an SVG file", "draw it again")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        raise no_svg from None
    if root.tag != "{http://www.w3.org/2000/svg}svg" or not root.get("viewBox"):
        raise no_svg
    points = read_number((root.get("width") or "").removesuffix("pt"))
    narrow = ' class="column"' if points and points * 25.4 / 72 <= _COLUMN_MM else ""
    text = base64.b64encode(content).decode("ascii")
    return f'<img{narrow} src="data:image/svg+xml;base64,{text}" alt={quoteattr(title)}>'
