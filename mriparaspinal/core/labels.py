"""The words of the field: regions, sides, and how annotators write them in LabelMe."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from mriparaspinal.core.model import FASCIA, MUSCLES, REFERENCES, SAT, OwnRegion, Settings, is_sided


class Region(NamedTuple):
    """What a label means: a muscle, a reference, fat, a region of one's own; its side if the label tells."""

    name: str
    """``MF``, ``ES``, ``PM``, ``QL``, ``IVD``, ``VB``, ``SAT``, of :data:`FASCIA`, or as it was declared."""
    side: str
    """``left``, ``right``, or empty."""

    def __str__(self) -> str:
        return f"{self.name}_{self.side[0].upper()}" if self.side else self.name


#: Accepted names, in words, which ``_``, ``-``, ``.``, a space or nothing may separate.
_NAMES = {
    "MF": ("mf", "multifidus", "multifidus muscle"),
    "ES": ("es", "erector spinae", "erector spinae muscle"),
    "PM": ("pm", "psoas", "psoas major", "psoas muscle", "psoas major muscle"),
    "QL": ("ql", "quadratus lumborum", "quadratus lumborum muscle"),
    "MF_CSA": ("mf csa", "multifidus csa"),
    "ES_CSA": ("es csa", "erector spinae csa"),
    "EFT": ("eft", "epifascial tent"),
    "IVD": ("ivd", "disc", "disk", "intervertebral disc", "intervertebral disk"),
    "VB": ("vb", "vertebra", "vertebral body"),
    SAT: ("sat", "subcutaneous fat", "subcutaneous adipose tissue"),
}

_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}

_GAP = r"[_\-. ]*"

#: More characters than any name and its gaps have.
_LONGEST = 200


def _compile(names: Mapping[str, Iterable[str]], sided: bool) -> re.Pattern[str]:
    """``names``: of each region, its names in words, as patterns."""
    written = (
        f"(?P<{region}>{'|'.join(_GAP.join(name.split()) for name in own)})" for region, own in names.items()
    )
    name = f"(?:{'|'.join(written)})"
    if sided:
        side = "left|right|l|r"
        after = rf"(?:(?P<after>{side})|[(\[] *(?P<within>{side}) *[)\]])"
        name = f"(?:(?P<before>{side}){_GAP})?{name}(?:{_GAP}{after})?"
    return re.compile(name)


_SIDED = _compile({name: _NAMES[name] for name in (*MUSCLES, *FASCIA)}, sided=True)

_UNSIDED = _compile({name: _NAMES[name] for name in (*REFERENCES, SAT)}, sided=False)

Own = tuple[OwnRegion, ...]
"""The regions that a study declares beside ours."""


class Aliases(dict[str, str]):
    """The lab's own labels, keys as :func:`alias_key` makes them, and the regions of its own."""

    own: Own = ()


def aliases_of(settings: Settings) -> Aliases:
    """What labels mean in a study, beside what they always mean."""
    aliases = Aliases({alias_key(label): meaning for label, meaning in settings.labels})
    aliases.own = settings.regions
    return aliases


def own_of(aliases: Mapping[str, str]) -> Own:
    """The regions of one's own that come with aliases."""
    return aliases.own if isinstance(aliases, Aliases) else ()


#: How a label of one's own region is written in short, whatever is declared.
OWN_LABEL = re.compile("[A-Z][A-Za-z0-9]{1,11}(_[LR])?")


def names_of(region: OwnRegion) -> tuple[str, ...]:
    """How labels may call a region of one's own, in words as they are compared.

    >>> names_of(OwnRegion("DS", names=("Dural_sac",)))
    ('ds', 'dural sac')
    """
    return tuple(
        " ".join(re.split(r"[_\-. ]+", alias_key(name)))
        for name in dict.fromkeys((region.name, *region.names))
    )


@lru_cache(maxsize=256)
def _own_pattern(region: OwnRegion) -> re.Pattern[str]:
    names = (" ".join(map(re.escape, name.split())) for name in names_of(region))
    return _compile({"own": names}, region.sided)


@lru_cache(maxsize=4096)
def parse_label(label: str, own: Own = ()) -> Region | None:
    """Region and side that a label names; None if the label is not known.

    >>> parse_label("left multifidus")
    Region(name='MF', side='left')
    >>> str(parse_label("psoasMajorR")), str(parse_label("Disc"))
    ('PM_R', 'IVD')
    >>> parse_label("L MF R") is None and parse_label("MF_L_2") is None
    True
    >>> str(parse_label("dural-sac", (OwnRegion("DS", sided=False, names=("dural sac",)),)))
    'DS'
    """
    text = alias_key(label)
    if text in _SIDES:
        return None  # "left" is no EFT of the left
    if match := _UNSIDED.fullmatch(text):
        return Region(match.lastgroup or "", "")
    if match := _SIDED.fullmatch(text):
        return _with_side(next(region for region in (*MUSCLES, *FASCIA) if match[region]), match)
    for region in own:
        if match := _own_pattern(region).fullmatch(text):
            return _with_side(region.name, match) if region.sided else Region(region.name, "")
    return None


def _with_side(name: str, match: re.Match[str]) -> Region | None:
    before, after = match["before"], match["after"] or match["within"]
    return None if before and after else Region(name, _SIDES.get(before or after or "", ""))


def lacks_side(region: Region, own: Own = ()) -> bool:
    """Whether a region has sides, and it is not said which one is meant."""
    return is_sided(region.name, own) and not region.side


def region_of(label: str, aliases: Mapping[str, str]) -> Region | None:
    """Like :func:`parse_label`, with the lab's own labels first (keys as :func:`alias_key` makes them)."""
    alias = aliases.get(alias_key(label)) if aliases else None
    text = label if alias is None else alias
    return parse_label(text, own_of(aliases)) if len(text) <= _LONGEST else None  # parsed once


@lru_cache(maxsize=4096)
def alias_key(label: str) -> str:
    """How two labels are compared: without regard to case, width of letters, kind of dash and of space.

    Unicode's compatibility form (NFKC), without what cannot be seen (zero-width spaces and such).

    >>> alias_key("\uff2d\uff26\uff3f\uff2c"), alias_key(" MF\u2013L\u200b")
    ('mf_l', 'mf-l')
    """
    if label.isascii():
        return label.strip().casefold()
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    return "".join(map(_plain, text)).strip()


def _plain(character: str) -> str:
    if character.isascii():
        return character
    kind = unicodedata.category(character)
    if kind in ("Cf", "Mn") and not unicodedata.combining(character):
        return ""  # no width, or the choice of a form
    if kind == "Pd" or character == "\u2212":
        return "-"
    return " " if character.isspace() else character


_PART = re.compile(r"(?P<base>.*[^\s\-_.#(\[\d])(?:[\s\-_.#]+|\s*[(\[]\s*)(?P<number>\d{1,3})\s*[)\]]?")

#: Endings that may mean another part: ``:2``, ``/2``, a letter, or a word such as copy.
_PERHAPS_PART = re.compile(
    r"(?P<base>.*[^\W_])(?:\s*[:/;+*~]\s*\d{1,3}|[\W_]+[a-d]|[\W_]*(?:copy|kopie|copie|copia|part|teil|bis|副本)[\W_]*\d*)"
)

_HOLES = {
    *("hole", "holes", "background", "bg", "ignore", "ignored", "exclude", "excluded", "exclusion", "void"),
    *("cutout", "subtract", "inner", "loch", "hintergrund", "trou", "fond", "agujero", "fondo", "buco"),
}

#: Numbers that may be those of a lumbar level.
_LEVELS = 5


@dataclass(slots=True)
class Meanings:
    """What the labels of one slice mean together."""

    regions: dict[str, Region] = field(default_factory=dict)
    """By label; labels of no region are not in it."""
    unclear: dict[str, Region] = field(default_factory=dict)
    """Labels such as ``MF_L-3`` on a slice of L3 that has ``MF_L`` too: another part of it, or its level?"""
    lone: dict[str, Region] = field(default_factory=dict)
    """Labels such as ``MF_L-4`` that are read as the region, without any other part: is 4 a level?"""


def meanings_of(labels: Iterable[str], aliases: Mapping[str, str], segment: str = "") -> Meanings:
    """The regions of all labels of a slice of ``segment`` (such as ``L1``, or empty).

    A number after a label, separated from it (``MF_L-2``, ``MF_L_2``, ``MF_L (2)``, ``MF_L#2``, ``MF_L 2``),
    denotes another part of the region. If it is the number of the slice's segment, it may mean that as well:
    then it is a part only if parts with other numbers exist. What may be another part of a labelled region
    (``MF_L_b``, ``MF_L copy``, ``MF_L:2``) is unclear, too.
    """
    found = Meanings()
    numbered: dict[str, tuple[Region, int]] = {}
    labels_of_none: list[str] = []
    for label in dict.fromkeys(labels):
        if region := region_of(label, aliases):
            found.regions[label] = region
        elif part := part_of(label, aliases):
            numbered[label] = part
        else:
            labels_of_none.append(label)
    plain = set(found.regions.values())
    for label in labels_of_none:
        match = _PERHAPS_PART.fullmatch(alias_key(label)) if len(label) <= _LONGEST else None
        region = region_of(match["base"], aliases) if match else None
        if region in plain and region is not None:
            found.unclear[label] = region
    for label, (region, number) in numbered.items():
        others = {n for r, n in numbered.values() if r == region} - {number}
        if segment[1:] == str(number) and not others:
            if region in plain:
                found.unclear[label] = region
            continue
        found.regions[label] = region
        if 1 < number <= _LEVELS and not others and region not in plain:
            found.lone[label] = region
    return found


def part_of(label: str, aliases: Mapping[str, str]) -> tuple[Region, int] | None:
    """The region of which a label names a numbered part, and the number; None for other labels.

    >>> part_of("MF_L-2", {}), part_of("MF_L2", {})
    ((Region(name='MF', side='left'), 2), None)
    """
    match = _PART.fullmatch(alias_key(label)) if len(label) <= _LONGEST else None
    region = region_of(match["base"], aliases) if match else None
    return (region, int(match["number"])) if match and region else None


def means_hole(label: str) -> bool:
    """Whether a label marks what belongs to no region, such as ``_background_`` or ``MF_L hole``.

    >>> means_hole("_background_"), means_hole("MF_L_hole2"), means_hole("whole")
    (True, True, False)
    """
    return not _HOLES.isdisjoint(re.split(r"[^a-z]+", alias_key(label[:_LONGEST])))


def may_be_lumbar(label: str) -> bool:
    """Whether the L of a label can mean lumbar as well as left: ``LES``, ``LMF``."""
    return re.fullmatch("l(mf|es|pm|ql)", alias_key(label)) is not None


_USUAL = tuple(f"{muscle}_{side}" for muscle in MUSCLES for side in "LR") + REFERENCES

#: Sides in other languages, as annotators write them behind a name.
_FOREIGN_SIDES = {
    "L": ("links", "li", "lt", "gauche", "izquierda", "izq", "sinistra", "sin", "esquerda", "左"),
    "R": ("rechts", "re", "rt", "droite", "derecha", "der", "destra", "dx", "direita", "右"),
}

#: Names in other languages, which no slip is looked for in.
_FOREIGN_NAMES = {
    "MF": ("多裂肌",),
    "ES": ("竖脊肌", "豎脊肌"),
    "PM": ("腰大肌",),
    "QL": ("腰方肌",),
    "IVD": ("椎间盘", "椎間盤", "bandscheibe", "disque", "disco"),
    "VB": ("椎体", "椎體", "wirbelkörper", "vertèbre", "vértebra"),
}


def hint(label: str, aliases: Mapping[str, str]) -> str:
    """What a label that means no region may have been meant as, for a message; empty where nothing is near.

    >>> hint("MF_LL", {}), hint("MF_L2", {}), hint("fat", {})
    ('did you mean MF_L?', 'part 2 is written MF_L-2', '')
    """
    text = alias_key(label[:_LONGEST])
    if match := re.fullmatch(r"(.*\D)(\d{1,3})", text):
        region = region_of(match[1], aliases)
        if region is not None and region.side:
            return f"part {int(match[2])} is written {region}-{int(match[2])}"
    if part := part_of(label, aliases):
        return f"part of {part[0]}, or its level?"
    if re.fullmatch(r"\d{3,4}(-\d{3,4}){1,2}(-\d+)?", text):
        return "a name that ImageJ gave: rename the ROI in its ROI Manager"
    near = near_regions(label, own_of(aliases))
    return f"did you mean {near[0]}?" if near else ""


@lru_cache(maxsize=4096)
def near_regions(label: str, own: Own = ()) -> tuple[Region, ...]:
    """The regions that a label may have been meant as, the nearest first; those of none are not near.

    >>> sorted(map(str, near_regions("MF_X"))), [str(region) for region in near_regions("Multifidus links")]
    (['MF_L', 'MF_R'], ['MF_L'])
    """
    from difflib import get_close_matches  # here: few labels need it

    text = alias_key(label[:_LONGEST])
    bare = re.sub(r"[\W_]+", "", text)
    if not bare:
        return ()
    names = _slips(own)
    if exact := names.get(bare) or _foreign().get(bare):
        return (_region(exact),)
    numbered = re.fullmatch(r"(.*\D)\d{1,3}", text)
    if numbered and (region := parse_label(numbered[1], own)) and region.side:
        return (region,)
    words = re.split(r"[\W_]+", text)
    # Without a level, or the numbers that ImageJ sets before a name.
    rest = [word for word in words if not re.fullmatch(r"l?[1-5]|\d+", word)]
    if rest != words and (region := parse_label("_".join(rest), own)):
        return (region,)
    exchanged = [name for name in names if sorted(name) == sorted(bare)]
    near = exchanged or get_close_matches(bare, names, n=4, cutoff=0.66)
    return tuple(dict.fromkeys(_region(names[name]) for name in near))


def _region(label: str) -> Region:
    name, _, side = label.partition("_")
    return Region(name, _SIDES.get(side.casefold(), ""))


@lru_cache(maxsize=8)
def _slips(own: Own = ()) -> dict[str, str]:
    """The usual labels and the long names, without gaps, and the label that each means."""
    ends = {region.name: ("_L", "_R") if region.sided else ("",) for region in own}
    usual = (*_USUAL, *(name + end for name, some in ends.items() for end in some))
    names = {name.replace("_", "").casefold(): name for name in usual}
    ours = {region: words for region, words in _NAMES.items() if region not in FASCIA}
    for region, words in {**ours, **{region.name: names_of(region) for region in own}}.items():
        for word in (word.replace(" ", "") for word in words if len(word) > 3):
            names[word] = region
            if region in MUSCLES or len(ends.get(region, ())) > 1:
                names |= {word + side: f"{region}_{short[0].upper()}" for side, short in _SIDES.items()}
    return names


@lru_cache(maxsize=1)
def _foreign() -> dict[str, str]:
    """Names with a side of another language, without gaps: too short to look for slips in them."""
    names = {name: region for region, words in _FOREIGN_NAMES.items() for name in words}
    return names | {
        pair: f"{muscle}_{side}"
        for muscle in MUSCLES
        for side, spellings in _FOREIGN_SIDES.items()
        for word in (*(word.replace(" ", "") for word in _NAMES[muscle]), *_FOREIGN_NAMES[muscle])
        for spelling in spellings
        for pair in (word + spelling, spelling + word)
    }
