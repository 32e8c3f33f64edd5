"""The words of the field: regions, sides, and how annotators write them in LabelMe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from mriparaspinal.model import MUSCLES, REFERENCES, SAT


class Region(NamedTuple):
    """What a label means: a muscle, a reference or fat, and the side if the label tells it."""

    name: str
    """``MF``, ``ES``, ``PM``, ``QL``, ``IVD``, ``VB`` or ``SAT``."""
    side: str
    """``left``, ``right``, or empty."""

    @property
    def is_muscle(self) -> bool:
        """True for muscles, False for references and subcutaneous fat."""
        return self.name in MUSCLES

    def __str__(self) -> str:
        return f"{self.name}_{self.side[0].upper()}" if self.side else self.name


#: Accepted names, in words; between words, ``_ - .``, space or nothing may stand.
_NAMES = {
    "MF": ("mf", "multifidus", "multifidus muscle"),
    "ES": ("es", "erector spinae", "erector spinae muscle"),
    "PM": ("pm", "psoas", "psoas major", "psoas muscle", "psoas major muscle"),
    "QL": ("ql", "quadratus lumborum", "quadratus lumborum muscle"),
    "IVD": ("ivd", "disc", "disk", "intervertebral disc", "intervertebral disk"),
    "VB": ("vb", "vertebra", "vertebral body"),
    SAT: ("sat", "subcutaneous fat", "subcutaneous adipose tissue"),
}
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_GAP = r"[_\-. ]*"
#: More characters than any name and its gaps have.
_LONGEST = 200


def _compile(regions: tuple[str, ...], sided: bool) -> re.Pattern[str]:
    written = (
        f"(?P<{region}>{'|'.join(_GAP.join(name.split()) for name in _NAMES[region])})" for region in regions
    )
    name = f"(?:{'|'.join(written)})"
    if sided:
        side = "left|right|l|r"
        name = f"(?:(?P<before>{side}){_GAP})?{name}(?:{_GAP}(?P<after>{side}))?"
    return re.compile(name)


_MUSCLE = _compile(MUSCLES, sided=True)
_UNSIDED = _compile((*REFERENCES, SAT), sided=False)


@lru_cache(maxsize=4096)
def parse_label(label: str) -> Region | None:
    """Region and side that a label names; None where it is not one of ours.

    >>> parse_label("left multifidus")
    Region(name='MF', side='left')
    >>> str(parse_label("psoasMajorR")), str(parse_label("Disc"))
    ('PM_R', 'IVD')
    >>> parse_label("L MF R") is None and parse_label("MF_L_2") is None
    True
    """
    text = label.strip().casefold()
    if match := _UNSIDED.fullmatch(text):
        return Region(match.lastgroup or "", "")
    match = _MUSCLE.fullmatch(text)
    if match is None:
        return None
    before, after = match["before"], match["after"]
    if before and after:
        return None
    name = next(region for region in MUSCLES if match[region])
    return Region(name, _SIDES.get(before or after or "", ""))


def region_of(label: str, aliases: Mapping[str, str]) -> Region | None:
    """Like :func:`parse_label`, with the lab's own labels first (keys as :func:`alias_key` makes them)."""
    alias = aliases.get(alias_key(label)) if aliases else None
    text = label if alias is None else alias
    return parse_label(text) if len(text) <= _LONGEST else None  # what is parsed is remembered


def alias_key(label: str) -> str:
    """How two labels are compared: without regard to case and outer space."""
    return label.strip().casefold()


def natural_key(text: str) -> list[tuple[int, str]]:
    """Sort key that puts numbers in numeric order.

    >>> sorted(["ALS_10", "ALS_9", "LR_1"], key=natural_key)
    ['ALS_9', 'ALS_10', 'LR_1']
    """
    parts = re.split(r"([0-9]+)", text)
    # Texts and numbers take turns; a number is compared by its length, then digit by digit.
    parts[1::2] = [digits.lstrip("0") for digits in parts[1::2]]
    return [(len(part) * (i % 2), part) for i, part in enumerate(parts)]
