"""What the numbers of a label map mean: our own, those of tools known by name, and a user's table.

A number means one of our regions (``MF_L``, ``IVD``) only where the tool's structure *is* that region. Every
other structure keeps the tool's own name, so that it cannot become a muscle that it only resembles:

- ``autochthon`` of TotalSegmentator is all autochthonous back muscles together, not ES;
- ``iliopsoas`` is psoas major and iliacus together: psoas major at L1 to L4, with iliacus perhaps at L5;
- ``vertebrae`` are whole vertebrae with their arches, not VB.

A lab that decides otherwise says so by an alias in ``paraspinal.toml``, such as ``iliopsoas_L = "PM_L"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.labels import Region
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


def value_table(pairs: bool = False) -> list[tuple[int, str, str]]:
    """(value, region, side) of every value that one of our own label maps can have.

    With ``pairs`` also those of pixels of two regions: ``MF_L+ES_L``, which needs no side.
    """
    rows = [(value, region, side) for (region, side), value in VALUES.items()]
    if pairs:
        rows += [(value, _pair_label(pair), "") for pair, value in PAIR_VALUES.items()]
    return [(0, BACKGROUND, ""), *rows, (OVERLAP, OVERLAP_LABEL, "")]


def _pair_label(pair: frozenset[tuple[str, str]]) -> str:
    return AND.join(str(Region(*key)) for key in sorted(pair, key=lambda key: VALUES[key]))


def labels_of(label: str) -> tuple[str, ...]:
    """The labels of all regions that a label of a numbering stands for.

    >>> labels_of("ES_L"), labels_of("MF_L+ES_L")
    (('ES_L',), ('MF_L', 'ES_L'))
    """
    return tuple(part.strip() for part in label.split(AND))


def _sided(names: str) -> list[str]:
    """Names in the order of their values; ``name:LR``, ``name:RL``: the two sides in that order."""
    labels = []
    for name in names.split():
        structure, _, sides = name.partition(":")
        labels += [f"{structure}_{side}" for side in sides] if sides else [structure]
    return labels


# TotalSegmentator's class maps, github.com/wasserth/TotalSegmentator, totalsegmentator/map_to_binary.py:
# `total` of versions 2 and 3 (in version 3, value 26 is vertebrae_L6, says resources/improvements_in_v3.md;
# version 1 had other numbers), `total_mr` since version 2.5 (before, it had 56 classes: CHANGELOG.md).
_TOTAL = _sided(
    """
    spleen kidney:RL gallbladder liver stomach pancreas adrenal_gland:RL lung_upper_lobe_L lung_lower_lobe_L
    lung_upper_lobe_R lung_middle_lobe_R lung_lower_lobe_R esophagus trachea thyroid_gland small_bowel
    duodenum colon urinary_bladder prostate kidney_cyst:LR sacrum vertebrae_S1_or_L6 vertebrae_L5
    vertebrae_L4 vertebrae_L3 vertebrae_L2 vertebrae_L1 vertebrae_T12 vertebrae_T11 vertebrae_T10
    vertebrae_T9 vertebrae_T8 vertebrae_T7 vertebrae_T6 vertebrae_T5 vertebrae_T4 vertebrae_T3 vertebrae_T2
    vertebrae_T1 vertebrae_C7 vertebrae_C6 vertebrae_C5 vertebrae_C4 vertebrae_C3 vertebrae_C2 vertebrae_C1
    heart aorta pulmonary_vein brachiocephalic_trunk subclavian_artery:RL common_carotid_artery:RL
    brachiocephalic_vein:LR atrial_appendage_L superior_vena_cava inferior_vena_cava
    portal_vein_and_splenic_vein iliac_artery:LR iliac_vena:LR humerus:LR scapula:LR clavicula:LR femur:LR
    hip:LR spinal_cord gluteus_maximus:LR gluteus_medius:LR gluteus_minimus:LR autochthon:LR iliopsoas:LR
    brain skull rib_left_1 rib_left_2 rib_left_3 rib_left_4 rib_left_5 rib_left_6 rib_left_7 rib_left_8
    rib_left_9 rib_left_10 rib_left_11 rib_left_12 rib_right_1 rib_right_2 rib_right_3 rib_right_4
    rib_right_5 rib_right_6 rib_right_7 rib_right_8 rib_right_9 rib_right_10 rib_right_11 rib_right_12
    sternum costal_cartilages
    """
)

_TOTAL_MR = _sided(
    """
    spleen kidney:RL gallbladder liver stomach pancreas adrenal_gland:RL lung:LR esophagus small_bowel
    duodenum colon urinary_bladder prostate sacrum vertebrae IVD spinal_cord heart aorta inferior_vena_cava
    portal_vein_and_splenic_vein iliac_artery:LR iliac_vena:LR humerus:LR scapula:LR clavicula:LR femur:LR
    hip:LR gluteus_maximus:LR gluteus_medius:LR gluteus_minimus:LR autochthon:LR iliopsoas:LR brain
    """
)

# MuscleMap's whole-body model, github.com/MuscleMap/MuscleMap, docs/muscle-anatomy.md: the left is the number
# here followed by 1, the right by 2. Its older models of single body regions count from 1: give a table.
_MUSCLEMAP = {
    110: "levator_scapulae",
    111: "semispinalis_cervicis_and_multifidus",
    112: "semispinalis_capitis",
    113: "splenius_capitis",
    114: "sternocleidomastoid",
    115: "longus_colli",
    116: "trapezius",
    210: "supraspinatus",
    211: "subscapularis",
    212: "infraspinatus",
    214: "deltoid",
    410: "rhomboid",
    510: "MF",
    511: "ES",
    512: "PM",
    513: "QL",
    514: "latissimus_dorsi",
    610: "gluteus_minimus",
    611: "gluteus_medius",
    612: "gluteus_maximus",
    613: "tensor_fasciae_latae",
    614: "iliacus",
    615: "ilium",
    617: "femur",
    618: "piriformis",
    619: "pectineus",
    620: "obturator_internus",
    621: "obturator_externus",
    622: "gemelli_and_quadratus_femoris",
    710: "vastus_lateralis",
    711: "vastus_intermedius",
    712: "vastus_medialis",
    713: "rectus_femoris",
    714: "sartorius",
    715: "gracilis",
    716: "semimembranosus",
    717: "semitendinosus",
    718: "biceps_femoris_long_head",
    719: "biceps_femoris_short_head",
    720: "adductor_magnus",
    721: "adductor_longus",
    722: "adductor_brevis",
    810: "anterior_compartment",
    811: "deep_posterior_compartment",
    812: "lateral_compartment",
    813: "soleus",
    814: "gastrocnemius",
    815: "tibia",
    816: "fibula",
}

NUMBERINGS: dict[str, dict[int, str]] = {
    "mriparaspinal": {value: str(Region(*key)) for key, value in VALUES.items()}
    | {value: _pair_label(pair) for pair, value in PAIR_VALUES.items()}
    | {OVERLAP: OVERLAP_LABEL},
    "totalsegmentator": dict(enumerate(_TOTAL, 1)),
    "totalsegmentator_mr": dict(enumerate(_TOTAL_MR, 1)),
    "musclemap": {6160: "sacrum"}
    | {10 * n + s: f"{name}_{side}" for n, name in _MUSCLEMAP.items() for s, side in ((1, "L"), (2, "R"))},
}
"""Numbering by name: value → label. 0 is the background in all of them."""

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
