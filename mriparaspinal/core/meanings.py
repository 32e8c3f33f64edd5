"""What the columns of the results mean, in words and units, and what their values stand for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import FIELDS, OwnRegion, Problem
from mriparaspinal.core.names import (
    MUSCLE_NAMES,
    REFERENCE_NAMES,
    SIDE_NAMES,
    VALUE_NAMES,
    clinical_name_of,
    name_of,
)
from mriparaspinal.core.participants import NUMBERS


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a column."""

    text: str
    unit: str = ""
    label: str = ""
    """In a few words, as output of statistics programs shows it."""


#: By column of the tables ``L1.csv`` … and ``measurements.csv``.
MEASUREMENTS: Mapping[str, Meaning] = {
    f.name: Meaning(f.metadata["doc"], f.metadata.get("unit", ""), name_of(f.name).axis) for f in FIELDS
} | {c.name: Meaning(c.doc, c.unit, name_of(c.name).axis) for c in BY_NAME.values()}

#: By column of ``problems.csv``.
PROBLEMS: Mapping[str, Meaning] = {
    "file": Meaning("name relative to the dataset, with forward slashes"),
    "shape": Meaning("label of the contour, or empty if it concerns the file"),
    "severity": Meaning("error: something was not measured; warning: it was, but look at it"),
    "code": Meaning("short name of the finding"),
    "message": Meaning("what was found; what was expected"),
    "remedy": Meaning("what to do"),
}
assert list(PROBLEMS) == [f.name for f in dataclasses.fields(Problem)]

_NUMBERS = {
    "age": "age at the MRI",
    "age_onset": "age at onset",
    "bmi": "body mass index",
    "height": "body height",
    "alsfrs_r": "ALSFRS-R, total",
    "alsfrs_lower": "ALSFRS-R, lower limb",
    "disease_duration": "from onset to the MRI",
}

#: By column of ``participants.csv``; others are people's own.
PARTICIPANTS: Mapping[str, Meaning] = {
    "participant_id": Meaning("such as ALS_7; the key"),
    "group": Meaning("study group, as in the file names"),
    "onset_side": Meaning("side of onset: left, right; empty for bulbar onset"),
    "onset_region": Meaning("region of onset: lower, upper, bulbar"),
    "psa": Meaning("pathological spontaneous activity: 1 found, 0 not found"),
    "sex": Meaning("such as F, M"),
    "session": Meaning("in a follow-up: which scan of the participant, such as v2"),
    "months": Meaning("since the first session", "months"),
    **{name: Meaning(text, NUMBERS[name][2]) for name, text in _NUMBERS.items()},
}

#: What values of a column stand for, where they are short.
VALUES: Mapping[str, Mapping[str, str]] = {
    "muscle": {name: of.long for name, of in MUSCLE_NAMES.items()},
    "side": {side: SIDE_NAMES.get(side, SIDE_NAMES["bilateral"]).long for side in ("left", "right", "both")},
    "role": {role: SIDE_NAMES[role].long for role in ("symptomatic", "contralateral", "bilateral")},
    "reference": {name: of.long for name, of in REFERENCE_NAMES.items()},
    "sex": {"F": "female", "M": "male"},
    **{
        column: {value: name for (of, value), name in VALUE_NAMES.items() if of == column}
        for column in ("psa", "onset_region")
    },
}


def values_with(regions: Iterable[OwnRegion]) -> dict[str, Mapping[str, str]]:
    """:data:`VALUES`, with the regions of a study's own by the first of their names."""
    own = {region.name: next(iter(region.names), "region of the study’s own") for region in regions}
    return {**VALUES, **{column: {**VALUES[column], **own} for column in ("muscle", "reference")}}


#: Sides and roles as they stand in the names of columns of ``wide.csv``.
SIDE_LETTERS = {
    "L": "left",
    "R": "right",
    "B": "both sides",
    "S": "symptomatic side",
    "C": "contralateral side",
}

#: What says which row it is, and texts that ``measurements.csv`` has.
_ROW = ("participant_id", "group", "session", "segment", "muscle", "side", "role")
NOT_WIDE = frozenset((*_ROW, "reference", "fat_rule", "mask_rule", "image"))

#: The same in all rows of a segment.
OF_SEGMENT = ("reference_px", "threshold", "slices", "draft")

_WIDE = re.compile(r"(?:(?P<region>\w+)_)?(?P<segment>[CTLS]\d+)_(?:(?P<side>[LRBSC])_)?(?P<metric>\w+)")


def participant_meaning(column: str) -> Meaning:
    """The meaning of a column of the participants table."""
    known = PARTICIPANTS.get(column, Meaning("column of the participants table"))
    name = clinical_name_of(column)
    return dataclasses.replace(known, label=column if name is None else name.axis)


def is_measure(column: str) -> bool:
    """Whether a column of ``wide.csv`` is a measure, and not one of the participants table.

    >>> [is_measure(name) for name in ("MF_L4_L_fi", "L4_threshold", "T1_image", "T2_fi", "MF_L4_fi")]
    [True, True, False, False, False]
    """
    parts = _WIDE.fullmatch(column)
    if parts is None or parts["metric"] not in MEASUREMENTS:
        return False
    metric, whole = parts["metric"], not parts["region"] and not parts["side"]
    return (
        metric in OF_SEGMENT if whole else bool(parts["region"] and parts["side"] and metric not in NOT_WIDE)
    )


def wide_meaning(column: str) -> Meaning:
    """The meaning of a column of ``wide.csv``.

    >>> wide_meaning("MF_L4_S_fi").label
    'MF L4 symptomatic side: FI (share, 0–1)'
    >>> wide_meaning("L4_reference_px").label, wide_meaning("bmi").label
    ('L4: reference (px)', 'BMI (kg/m²)')
    """
    parts = _WIDE.fullmatch(column)
    if parts is None or not is_measure(column):
        return participant_meaning(column)
    of = MEASUREMENTS[parts["metric"]]
    where = [p for p in (parts["region"], parts["segment"], SIDE_LETTERS.get(parts["side"] or "")) if p]
    return Meaning(f"{', '.join(where)}: {of.text}", of.unit, f"{' '.join(where)}: {of.label}")
