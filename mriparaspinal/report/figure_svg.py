"""A figure's SVG file made fit for the page: only known elements, own ids, no styles, no scripts."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

_SVG = "{http://www.w3.org/2000/svg}"

_LINK = "{http://www.w3.org/1999/xlink}href"

_ELEMENTS = {"g", "path", "defs", "use", "clipPath", "rect", "pattern", "image", "circle", "line", "polyline"}

#: What may stand on an element; properties of a ``style`` become attributes, as the page forbids styles.
_ATTRIBUTES = {
    *("id", "d", "x", "y", "width", "height", "cx", "cy", "r", "x1", "y1", "x2", "y2", "points", "transform"),
    *("clip-path", "patternUnits", "patternTransform", "viewBox", "preserveAspectRatio"),
    *("fill", "fill-opacity", "fill-rule", "opacity", "stroke", "stroke-width", "stroke-opacity"),
    *("stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset"),
    *("image-rendering", "clip-rule"),
}

_PICTURE = "data:image/png;base64,"

_NUMBER = re.compile(r"-?\d+\.\d{3,}")

_REFERENCE = re.compile(r"url\(#([^)]*)\)")


class UnreadableFigureError(Exception):
    """A file that is no SVG."""


def inline_svg(content: bytes, name: str, title: str) -> str:
    """The drawing of an SVG file as markup; ``name`` (letters, digits, ``_``, ``-``) makes its ids unique.

    Coordinates are rounded to hundredths of a point. Raises :class:`UnreadableFigureError`.
    """
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        raise UnreadableFigureError from None
    box = root.get("viewBox", "")
    if root.tag != f"{_SVG}svg" or not re.fullmatch(r"[-+0-9. ]+", box):
        raise UnreadableFigureError
    inside = "".join(_markup(child, name) for child in root)
    # What matplotlib says in a style sheet for all elements.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img" aria-labelledby="{name}-title" '
        f'stroke-linejoin="round" stroke-linecap="butt"><title id="{name}-title">{escape(title)}</title>'
        f"{inside}</svg>"
    )


def _markup(element: ElementTree.Element, name: str) -> str:
    tag = element.tag.removeprefix(_SVG) if isinstance(element.tag, str) else ""
    if tag not in _ELEMENTS:
        return ""
    attributes = _attributes(element, tag, name)
    inside = "".join(_markup(child, name) for child in element)
    if tag in ("g", "defs") and not inside:
        return ""
    if tag == "g" and not attributes:
        return inside
    opened = f"<{tag}" + "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"{opened}>{inside}</{tag}>" if inside else f"{opened}/>"


def _attributes(element: ElementTree.Element, tag: str, name: str) -> dict[str, str]:
    found = dict(element.attrib)
    for part in found.pop("style", "").split(";"):
        key, _, value = part.partition(":")
        found[key.strip()] = value.strip()
    kept = {}
    for key, value in found.items():
        if key in ("href", _LINK):
            target = "".join(value.split())
            if tag == "use" and target.startswith("#"):
                kept["href"] = f"#{name}-{target[1:]}"
            elif tag == "image" and target.startswith(_PICTURE):
                kept["href"] = target
        elif key == "id" and tag == "g":
            continue  # names of groups, which nothing refers to
        elif key in _ATTRIBUTES:
            kept[key] = _own(key, value, name)
    return kept


def _own(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key in ("d", "x", "y", "points"):
        value = _NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), value)
        return " ".join(value.split())
    return _REFERENCE.sub(lambda reference: f"url(#{name}-{reference[1]})", value)
