"""What the numbers of a label map mean: our own, those of tools known by name, and a user's table.

A number means one of our regions (``MF_L``, ``IVD``) only where the tool's structure *is* that region. Every
other structure keeps the tool's own name, so that it cannot become a muscle that it only resembles:

- ``autochthon`` of TotalSegmentator is all autochthonous back muscles together, not ES;
- ``iliopsoas`` is psoas major and iliacus together: psoas major at L1 to L4, with iliacus perhaps at L5;
- ``vertebrae`` are whole vertebrae with their arches, not VB.

A lab that decides otherwise says so by an alias in ``paraspinal.toml``, such as ``iliopsoas_L = "PM_L"``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib import resources
from itertools import combinations

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.labels import Own, Region
from mriparaspinal.core.model import MUSCLES, REFERENCES, SAT

BACKGROUND = "background"

#: A pixel that more than one region covers, where its number does not tell which.
OVERLAP = 255

OVERLAP_LABEL = "overlap"

#: Between the labels of one number that stands for pixels of several regions: ``MF_L+ES_L``.
AND = "+"

#: Value of each region in our own index images and label maps.
VALUES: dict[tuple[str, str], int] = {
    key: value
    for value, key in enumerate(
        [(muscle, side) for muscle in MUSCLES for side in ("left", "right")]
        + [(name, "") for name in (*REFERENCES, SAT)],
        start=1,
    )
}

#: Value of the pixels of two regions in our own NIfTI label maps; index images have ``OVERLAP`` there.
PAIR_VALUES: dict[frozenset[tuple[str, str]], int] = {
    frozenset(pair): value for value, pair in enumerate(combinations(VALUES, 2), start=100)
}

#: The columns of ``values.csv``, which stands beside our own label maps.
VALUE_COLUMNS = ("value", "region", "side")


def values_of(own: Own) -> dict[tuple[str, str], int]:
    """:data:`VALUES`, then those of a study's own regions in their order: one added behind changes none."""
    keys = [(region.name, side) for region in own for side in (("left", "right") if region.sided else ("",))]
    return VALUES | {key: value for value, key in enumerate(keys, start=len(VALUES) + 1)}


def pair_values_of(own: Own) -> dict[frozenset[tuple[str, str]], int]:
    """:data:`PAIR_VALUES`, then those of pairs with a study's own regions, while there are numbers left."""
    keys = list(values_of(own))
    pairs = (frozenset((one, keys[n])) for n in range(len(VALUES), len(keys)) for one in keys[:n])
    first = max(PAIR_VALUES.values()) + 1
    return PAIR_VALUES | dict(zip(pairs, range(first, OVERLAP), strict=False))


def value_table(pairs: bool = False, own: Own = ()) -> list[tuple[int, str, str]]:
    """(value, region, side) of every value that one of our own label maps can have.

    With ``pairs`` also those of pixels of two regions: ``MF_L+ES_L``, which needs no side.
    """
    rows = [(value, region, side) for (region, side), value in values_of(own).items()]
    if pairs:
        rows += [(value, _pair_label(pair, own), "") for pair, value in pair_values_of(own).items()]
    return [(0, BACKGROUND, ""), *rows, (OVERLAP, OVERLAP_LABEL, "")]


def _pair_label(pair: frozenset[tuple[str, str]], own: Own = ()) -> str:
    return AND.join(str(Region(*key)) for key in sorted(pair, key=values_of(own).__getitem__))


def labels_of(label: str) -> tuple[str, ...]:
    """The labels of all regions that a label of a numbering stands for.

    >>> labels_of("ES_L"), labels_of("MF_L+ES_L")
    (('ES_L',), ('MF_L', 'ES_L'))
    """
    return tuple(part.strip() for part in label.split(AND))


#: A label of a table whose values are vertebrae, a value each: the disc between two of them is derived.
DISC_BETWEEN = "disc-between"

#: What TotalSegmentator calls structures that are our regions, where it writes a file for each.
_CLASSES = {"intervertebral_discs": "IVD"}

_CLASS_SIDES = {"_left": "_L", "_right": "_R"}


def class_label(stem: str) -> str:
    """The label of a file that holds one structure, in the spelling of our numberings.

    >>> class_label("iliopsoas_left"), class_label("intervertebral_discs"), class_label("rib_left_1")
    ('iliopsoas_L', 'IVD', 'rib_left_1')
    """
    for end, short in _CLASS_SIDES.items():
        if stem.endswith(end):
            return stem.removesuffix(end) + short
    return _CLASSES.get(stem, stem)


#: More than any label map's numbers.
_LARGEST = 2**31 - 1


def parse_numbering(columns: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> dict[int, str]:
    """Value → label from a table with the columns ``value,label``, or ``value,region,side`` as ours have.

    Several values may have one label: their pixels are one region. 0 is the background, and may be named
    so. Raises :class:`UsageError` that tells all faults of the table in one line.

    >>> parse_numbering(["value", "label"], [["0", "background"], ["4", "ES_L"]], "table.csv")
    {4: 'ES_L'}
    >>> parse_numbering(["value", "region", "side"], [["1", "MF", "left"], ["9", "IVD", ""]], "values.csv")
    {1: 'MF_L', 9: 'IVD'}
    """
    named = {column.strip().casefold(): i for i, column in enumerate(columns)}
    by_region = "label" not in named
    needed = VALUE_COLUMNS if by_region else ("value", "label")
    if not set(needed) <= set(named):
        found = " ".join(f"the columns {', '.join(columns)} were found".split())  # one line
        expected = "expected value,label or value,region,side"
        raise UsageError(f"{name}: {found}; {expected}; correct the table")
    numbering: dict[int, str] = {}
    faults = []
    for number, row in enumerate(rows, 2):
        text, *words = (row[named[column]].strip() for column in needed)
        value = _value(text)
        label = _label(*words) if by_region else words[0]
        if value is None:
            faults.append(f"row {number} has the value {text[:40]!r}")
        elif not label:
            faults.append(f"row {number} names no {'region, or no side' if by_region else 'label'}")
        elif value == 0 and label.casefold() != BACKGROUND:
            faults.append(f"row {number} calls 0 {label[:40]!r}, but it is the background")
        elif value in numbering:
            faults.append(f"row {number} has the value {value} again")
        elif value:
            numbering[value] = label
    if faults:
        expected = "expected each value once, a whole number from 0, and a label for it"
        raise UsageError(f"{name}: {', '.join(faults)}; {expected}; correct the table")
    if not numbering:
        raise UsageError(f"{name}: no rows were found; expected values and labels; add them")
    return numbering


def _value(text: str) -> int | None:
    # Not int() alone: it takes "1_000" and the digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return None
    value = int(text)
    return value if value <= _LARGEST else None


def _label(region: str, side: str) -> str:
    """The label of a region on a side of the patient; empty where the side is none."""
    end = {"": "", "left": "_L", "right": "_R", "l": "_L", "r": "_R"}.get(side.casefold())
    return "" if end is None or not region else f"{region}{end}"


def published_table(name: str) -> list[list[str]]:
    """The rows of ``numberings/NAME.csv``, its header first."""
    text = resources.files("mriparaspinal.io").joinpath("numberings", f"{name}.csv").read_text("utf-8")
    return list(csv.reader(text.splitlines()))


def _published(name: str) -> dict[int, str]:
    """The numbering ``numberings/NAME.csv``, in the format that users write."""
    columns, *rows = published_table(name)
    return parse_numbering(columns, rows, f"{name}.csv")


#: The tables in ``numberings/``, as the tools publish them:
#: - TotalSegmentator, github.com/wasserth/TotalSegmentator, totalsegmentator/map_to_binary.py: ``total`` of
#:   versions 2 and 3 (value 26 is vertebrae_S1 in version 2), ``total_v3`` (resources/improvements_in_v3.md),
#:   ``total_mr`` since version 2.5 (before, it had 56 classes: CHANGELOG.md). Version 1 had other numbers.
#: - MuscleMap, github.com/MuscleMap/MuscleMap: whole-body model 1.4, doi 10.5281/zenodo.21929873. Models
#:   1.0 to 1.3 have the same numbers but for the leg. Those of single regions count from 1: give a table.
#: - ParaspinalSeg, github.com/LukasSchoennagel/ParaspinalSeg, README.md: what its model writes, both sides in
#:   one number, and what its split_left_right.py makes of it.
#: - LPM_Segmentator, github.com/johnnydfci/LPM_Segmentator: by the positions in its own label maps; its
#:   515_muscle_4class_seg.py names 3 and 4 the other way round.
_PUBLISHED = (
    *("totalsegmentator", "totalsegmentator_v3", "totalsegmentator_mr", "musclemap"),
    *("paraspinalseg", "paraspinalseg_lr", "lpm_segmentator"),
)

NUMBERINGS: dict[str, dict[int, str]] = {
    "mriparaspinal": {value: str(Region(*key)) for key, value in VALUES.items()}
    | {value: _pair_label(pair) for pair, value in PAIR_VALUES.items()}
    | {OVERLAP: OVERLAP_LABEL},
    **{name: _published(name) for name in _PUBLISHED},
}
"""Numbering by name: value → label. 0 is the background in all of them."""

#: TotalSegmentator's own names of its tasks, which ``--numbering`` takes, too.
TASKS = {"total_v3": "totalsegmentator_v3", "total_mr": "totalsegmentator_mr"}
