"""The mark of a draft: LabelMe's image flag ``draft``, which a reviewer unticks, and a hash of each contour.

A file is the parsed JSON here, with all that other programs wrote into it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

#: The name of the flag, and of the tick box in LabelMe.
FLAG = "draft"

_TICKED = ("true", "1", "yes")

#: Decimals of a pixel that drafted points are written with.
DECIMALS = 2


def is_draft(document: Mapping[str, Any]) -> bool:
    """Whether a LabelMe file says that nobody has judged its contours yet.

    LabelMe writes ``true``; other programs may write 1 or a text. Capitals do not matter.

    >>> is_draft({"flags": {"draft": True}}), is_draft({"flags": {"draft": False}}), is_draft({"flags": None})
    (True, False, False)
    >>> is_draft({"flags": {"Draft": 1}}), is_draft({"flags": {"draft": None}})
    (True, False)
    """
    return is_ticked(document.get("flags"), FLAG)


def is_ticked(flags: object, flag: str) -> bool:
    """Whether a flag is set among those of an image or of a shape.

    >>> is_ticked({"Derived-Disc": "yes"}, "derived-disc"), is_ticked(["derived-disc"], "derived-disc")
    (True, False)
    """
    return any(name.casefold() == flag for name in _ticked(flags))


def _ticked(flags: object) -> list[str]:
    """The names of the flags that are set."""
    if not isinstance(flags, Mapping):
        return []
    return [str(name) for name, value in flags.items() if str(value).casefold() in _TICKED]


#: How the words of a flag begin by which a person says: do not use this.
_DOUBTS = (
    "ignor",
    "exclu",
    "skip",
    "reject",
    "unus",
    "uncertain",
    "unsure",
    "doubt",
    "difficult",
    "bad",
    "wrong",
)

_USE = ("us", "measur", "include", "count")


def doubts(flags: object) -> tuple[str, ...]:
    """The ticked flags by which a person says that an image or a shape is not to be used.

    >>> doubts({"__ignore__": True, "Not usable": 1, "no artefact": True, "exclude": False})
    ('__ignore__', 'Not usable')
    """
    return tuple(filter(_is_doubt, _ticked(flags)))


def _is_doubt(name: str) -> bool:
    words = re.findall(r"[^\W_]+", name.casefold())
    # "do not use", "not usable"
    negated = not {"no", "not", "don", "dont"}.isdisjoint(words)
    return any(word.startswith(_DOUBTS) or (negated and word.startswith(_USE)) for word in words)


def set_draft(document: Mapping[str, Any], value: bool) -> dict[str, Any]:
    """A copy of a LabelMe file with the box ticked or not, and everything else as it was.

    >>> set_draft({"flags": {"blurred": True}, "shapes": []}, True)
    {'flags': {'blurred': True, 'draft': True}, 'shapes': []}
    """
    flags = document.get("flags")
    kept = flags if isinstance(flags, Mapping) else {}
    others = {name: said for name, said in kept.items() if name == FLAG or not _is_flag(name)}
    return {**document, "flags": {**others, FLAG: value}}


def _is_flag(name: object) -> bool:
    return str(name).casefold() == FLAG


def as_written(points: Iterable[Iterable[float]]) -> tuple[tuple[float, float], ...]:
    """Points (x, y) as they are written, to a hundredth of a pixel.

    >>> as_written([[1.2345, 2], [-0.001, 7.0]])
    ((1.23, 2.0), (0.0, 7.0))
    """
    rounded = ((round(float(x), DECIMALS) + 0.0, round(float(y), DECIMALS) + 0.0) for x, y in points)
    return tuple(rounded)


def contour_hash(points: Iterable[Iterable[float]]) -> str:
    """SHA-256 of a contour's points as they are written: what tells whether a person moved one.

    The text that is hashed is ``x,y`` of every point with two decimals, parted by spaces.

    >>> contour_hash([[10, 20], [30.004, 20], [30, 40]])[:16]
    '3032a016aef46463'
    """
    text = " ".join(f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}" for x, y in as_written(points))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
