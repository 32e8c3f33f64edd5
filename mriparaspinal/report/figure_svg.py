"""A figure's SVG file as a picture of the page: a browser runs no script of it and fetches nothing for it."""

from __future__ import annotations

import base64
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from mriparaspinal.core.errors import unreadable


def svg_picture(content: bytes, title: str) -> str:
    """An ``<img>`` that holds the SVG file as it is; ``title`` for who cannot see it.

    Raises :class:`UnreadableError`.
    """
    no_svg = unreadable("cannot be read as SVG", "an SVG file", "draw it again")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        raise no_svg from None
    if root.tag != "{http://www.w3.org/2000/svg}svg" or not root.get("viewBox"):
        raise no_svg
    text = base64.b64encode(content).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{text}" alt={quoteattr(title)}>'
