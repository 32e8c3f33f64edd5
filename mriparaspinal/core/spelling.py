"""How names are compared: of files, of participants and groups, of columns. Which ones only look alike."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from mriparaspinal.core.model import SPINE

#: A slip leaves at least this share of a name.
_NEAR = 0.82

_WORDS = re.compile(r"[0-9]+|[^\W\d_]+|\d+")


def composed(text: str) -> str:
    r"""A text in the one spelling that all outputs have, Unicode's NFC: macOS takes letters apart.

    >>> composed("Jose\u0301") == "Jos\u00e9"
    True
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def forms(text: str) -> tuple[str, ...]:
    """The spellings under which a file of such a name may lie on a disk: as given, NFC, NFD."""
    if text.isascii():
        return (text,)
    return tuple(dict.fromkeys((text, composed(text), unicodedata.normalize("NFD", text))))


def loose_key(text: str) -> tuple[str, ...]:
    r"""What is left of a name without case, leading zeros, separators and invisible characters.

    Equal keys are a reason to ask, never to take two names for one.

    >>> loose_key("ALS_07") == loose_key("als-7") == loose_key("ALS7\u200b")
    True
    >>> loose_key("ALS_1_07") == loose_key("ALS_10_7") or loose_key("ALS_7") == loose_key("ALS_70")
    False
    """
    shown = "".join(c for c in unicodedata.normalize("NFKC", text) if not _is_invisible(c))
    words: list[str] = []
    for word in _WORDS.findall(shown.casefold()):
        if words and not word.isdigit() and not words[-1].isdigit():
            words[-1] += word
        else:
            words.append(str(int(word)) if word.isdecimal() and len(word) < 100 else word)
    return tuple(words) or (text,)


def difference(a: str, b: str) -> str:
    r"""In what two names of one :func:`loose_key` differ, for a sentence.

    >>> difference("ALS_7", "ALS_07"), difference("ALS_7", "als-7"), difference("ALS_7", "ALS_7\u200b")
    ('leading zeros', 'case and separators', 'an invisible character (U+200B)')
    """
    if composed(a) == composed(b):
        return "how accented letters are stored"
    hidden = sorted({c for c in a + b if _is_invisible(c) or (c.isspace() and c != " ")})
    a, b = ("".join(c for c in unicodedata.normalize("NFKC", t) if not _is_invisible(c)) for t in (a, b))
    found = []
    if a.casefold() == b.casefold():
        found += ["case"] if a != b else []
    else:
        found += ["case"] if _letters(a) != _letters(b) else []
        found += ["leading zeros"] if _numbers(a) != _numbers(b) else []
        found += ["separators"] if _separators(a) != _separators(b) else []
    if hidden:
        codes = ", ".join(f"U+{ord(c):04X}" for c in hidden)
        found.append(f"an invisible character ({codes})" if len(hidden) == 1 else f"characters ({codes})")
    return " and ".join(found) or "characters that look alike"


#: A name with all that a default one has, otherwise separated: ALS-7-3, als 7 L3, ALS7_03.
_NEARLY = re.compile(
    r"\W*([^\W\d_]+)[\W_]*0*([0-9]{1,9})(?:[\W_]+[Ll]*|[Ll]+)[\W_]*0*([1-5])(?:\.0)?(?:[\W_]*([A-Da-d]))?\W*"
)


def near_stem(name: str) -> str:
    """The name by the default pattern that another one may be meant as; empty where none is near.

    >>> near_stem("ALS-7-3"), near_stem("ALS7_L03"), near_stem("ALS 7 (3)"), near_stem("sheet_1")
    ('ALS_7_3', 'ALS_7_3', 'ALS_7_3', '')
    """
    match = _NEARLY.fullmatch(composed(name)) if len(name) < 60 else None
    return "_".join(part for part in match.groups() if part) if match else ""


#: A name by the default pattern but for its segment: ALS_7_6, ALS_7_S1.
_OTHER_SEGMENT = re.compile(r"[^\W\d_](?:[^\W_]|-)*_[0-9]+_([A-Za-z]{,2}[0-9]{1,2})")


def undeclared(segment: str) -> str:
    """How a segment that is none here can become one; empty for what can be none.

    >>> undeclared("t12"), undeclared("6")
    (', unless segments in paraspinal.toml lists T12', '')
    """
    name = segment.upper()
    return f", unless segments in paraspinal.toml lists {name}" if name in SPINE else ""


def meant_by(name: str, segments: Sequence[str] = ()) -> str:
    """What the name of a slice may be meant as, or what is wrong with its segment, for the end of a message.

    >>> meant_by("ALS-7-3"), meant_by("ALS_7_6")
    (': did you mean ALS_7_3?', ': 6 is no segment (1 to 5, or L1 to L5)')
    """
    if near := near_stem(name):
        return f": did you mean {near}?"
    other = _OTHER_SEGMENT.fullmatch(name)
    known = ", ".join(segments) or "1 to 5, or L1 to L5"
    return f": {other[1]} is no segment ({known}){undeclared(other[1])}" if other else ""


#: Words that columns have besides their name.
_FILLING = {"a", "at", "of", "the", "in", "years", "year", "months", "mm", "cm", "points"}


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a name has a slip of, or its words in another order; empty if none is.

    >>> nearest("Alsfrs-T", ["alsfrs_r", "age"]), nearest("side of onset", ["onset_side"]), nearest("a", "b")
    ('alsfrs_r', 'onset_side', '')
    >>> nearest("mm", ["points", "age"])
    ''
    """
    words = {other: _words_of(other) for other in known}
    own = _words_of(name)
    if same := [other for other, theirs in words.items() if own and sorted(theirs) == sorted(own)]:
        return same[0]
    from difflib import get_close_matches

    joined = {"_".join(theirs): other for other, theirs in words.items() if theirs}
    near = get_close_matches("_".join(own), joined, n=1, cutoff=_NEAR)
    return joined[near[0]] if near and near[0][0] == own[0][0] else ""


def _words_of(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", composed(name).casefold()) if word and word not in _FILLING]


def slipped_ids(slices: set[str], rows: set[str]) -> list[tuple[str, str]]:
    """Ids that only the first have, each with the one of the second that differs in a letter, or in ``sub-``.

    >>> slipped_ids({"AL_7", "LR_1", "ALS8"}, {"ALS_7", "LR_2", "sub-ALS8"})
    [('ALS8', 'sub-ALS8'), ('AL_7', 'ALS_7')]
    """
    numbers: dict[tuple[str, ...], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for place, ids in enumerate((slices - rows, rows - slices)):
        for who in ids:
            numbers[tuple(re.findall(r"\d+", who))][place].append(who)
    pairs = [(mine[0], theirs[0]) for mine, theirs in numbers.values() if len(mine) == len(theirs) == 1]
    return sorted(pair for pair in pairs if _one_slip(*pair))


def _one_slip(one: str, other: str) -> bool:
    short, long = sorted((re.sub(r"[\W_]+", "", text).casefold() for text in (one, other)), key=len)
    return long == f"sub{short}" or nearest(short, [long]) != ""


def near_matches(
    here: Collection[str], there: Collection[str]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Names that are in one of two lists only, with those of the other list (or both) that look alike.

    Each finding: the names of the first list, those of the second. Names that both lists have are in both.
    """
    only = set(here) ^ set(there)
    if not only:
        return []
    groups: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name in {*here, *there}:
        groups[loose_key(name)].add(name)
    first, second = set(here), set(there)
    found = []
    for names in groups.values():
        if len(names) > 1 and names & only and names & first and names & second:
            found.append((tuple(sorted(names & first)), tuple(sorted(names & second))))
    return sorted(found)


def near_names(here: Iterable[str], there: Iterable[str]) -> set[str]:
    """All names of :func:`near_matches`: what is said of them there is not to be said again."""
    return {name for both in near_matches(set(here), set(there)) for names in both for name in names}


def near_notes(here: Iterable[str], there: Iterable[str], table: str, other: str) -> list[str]:
    """A note for each pair of names that two tables write differently: they are not joined."""
    notes = []
    for mine, theirs in near_matches(set(here), set(there)):
        a = next((name for name in mine if name not in theirs), mine[0])
        b = next(name for name in theirs if name != a)
        found = f"{' and '.join(mine)} in {table}, {' and '.join(theirs)} in {other}"
        notes.append(f"{found}: not joined, as they differ in {difference(a, b)}; write them in one way")
    return notes


def alike_notes(names: Iterable[str]) -> list[str]:
    """A note for names of one table that only look alike, such as ALS_7 and ALS_07: they may be one person.

    >>> alike_notes(["ALS_7", "ALS_07", "LR_7"])
    ['ALS_07 and ALS_7: taken as 2 participants, as they differ in leading zeros; one person has one id']
    """
    groups: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name in names:
        groups[loose_key(name)].add(name)
    return [
        f"{' and '.join(alike)}: taken as {len(alike)} participants, as they differ in "
        f"{difference(*alike[:2])}; one person has one id"
        for alike in sorted(map(sorted, groups.values()))
        if len(alike) > 1
    ]


def _is_invisible(character: str) -> bool:
    """Format and control characters: of no width, or a hyphen that shows at the end of a line only."""
    return unicodedata.category(character) in ("Cf", "Cc")


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalpha())


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _separators(text: str) -> list[str]:
    return re.split(r"[^\W_]+", text)
