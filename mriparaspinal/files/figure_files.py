"""A figure as the bytes of a file: the same figure gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from mriparaspinal.figures import style

#: The font of all figures: it comes with matplotlib.
_FONT = "DejaVu Sans"
DPI = 300
_SVG = {"svg.fonttype": "path", "svg.hashsalt": "mriparaspinal"}


def every_letter(figure: Figure) -> None:
    """Set texts that DejaVu Sans has no letters for (Chinese, say) in a font of this machine that has them.

    Other texts stay as they are. What no font has is a box; :func:`missing_letters` tells it.
    """
    for text in figure.findobj(Text):
        lacking = _letters(text.get_text()) - _letters_of(_own_font())
        if lacking:
            names = [name for name, _ in _fonts_for(frozenset(lacking))]
            text.set_fontfamily([_FONT, *names])


def missing_letters(texts: Iterable[str]) -> str:
    """The letters that no font of this machine has, in order; they are boxes in a figure."""
    lacking = frozenset(_letters("".join(texts)) - _letters_of(_own_font()))
    there = {letter for _, letters in _fonts_for(lacking) for letter in letters}
    return "".join(sorted(lacking - there))


def _letters(text: str) -> set[str]:
    return {letter for letter in text if letter.isprintable()}


def _own_font() -> str:
    return font_manager.findfont(_FONT)


@lru_cache(maxsize=1000)
def _letters_of(path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # gone, or no font
        return frozenset()


@lru_cache(maxsize=100)
def _fonts_for(lacking: frozenset[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The fewest fonts for letters, by name: of those that have most of what is left, the first."""
    fonts: dict[str, str] = {}
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        # A font of last resort has a box for each letter, and comes with matplotlib.
        own = entry.name == _FONT or entry.name.startswith("Last Resort")
        if lacking and entry.style == "normal" and entry.weight == 400 and not own:
            fonts.setdefault(entry.name, entry.fname)
    found = []
    while lacking:
        has = {name: lacking & _letters_of(path) for name, path in fonts.items()}
        best = max(has, key=lambda name: len(has[name]), default="")  # the first of several
        if not best or not has[best]:
            break
        found.append((best, has[best]))
        lacking -= has[best]
    return tuple(found)


def png_bytes(figure: Figure) -> bytes:
    """A PNG of 300 dpi, without a date or the name of a program."""
    content = io.BytesIO()
    every_letter(figure)
    with style():
        figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()


def svg_bytes(figure: Figure) -> bytes:
    """An SVG, without a date or the name of a program.

    Its letters are paths: text would be set in another font where DejaVu Sans is not installed, and would
    then run into its neighbours.
    """
    content = io.BytesIO()
    # Ids inside the file are random unless they are salted with something fixed.
    every_letter(figure)
    with style(), matplotlib.rc_context(_SVG):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()
