"""Clinical records for tests, among them those that give the counts printed in the ultrasound study."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Table 1 of the study: muscle group, and whether it is looked at on both sides.
MUSCLE_GROUPS = [
    ("Proximal flexors in upper limb", True),
    ("Proximal extensors in upper limb", True),
    ("Distal flexors in upper limb", True),
    ("Distal extensors in upper limb", True),
    ("Proximal flexors in lower limb", True),
    ("Proximal extensors in lower limb", True),
    ("Distal flexors in lower limb", True),
    ("Distal extensors in lower limb", True),
    ("Suprahyoid muscles", False),
    ("Paravertebral muscles", True),
]
#: The 19 of them, with their sides.
CELLS = [(name, side) for name, sided in MUSCLE_GROUPS for side in (("left", "right") if sided else ("",))]

#: Figure 2: detection rates in per cent, as printed, by muscle group: ALS, non-ALS.
DETECTION_PCT = [
    (78.4, 12.0), (77.3, 11.1), (81.8, 31.5), (68.8, 25.0), (80.7, 16.7),
    (78.4, 16.7), (77.8, 29.6), (68.2, 26.9), (35.2, 0.0), (62.5, 2.0),
]  # fmt: skip
#: Figure 1B in counts: muscle groups with grade 1, 2, 3, 4.
POSITIVE = {"ALS": (311, 401, 155, 350), "non-ALS": (114, 49, 8, 14)}
#: Figure 1A in counts: participants by their highest grade.
HIGHEST = {"ALS": {4: 71, 3: 8, 2: 9}, "non-ALS": {4: 5, 2: 21, 1: 10, 0: 18}}
SIZES = {"ALS": 88, "non-ALS": 54}


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return path


def ids(group: str) -> list[str]:
    return [f"{group}_{n}" for n in range(1, SIZES[group] + 1)]


def people(path: Path) -> Path:
    return write(path, ("participant_id", "group"), [(w, g) for g in SIZES for w in ids(g)])


def detected_counts(group: str) -> list[int]:
    """How many of a muscle group's records show fasciculation: Figure 2's per cents as counts."""
    which = list(SIZES).index(group)
    return [
        round(pct[which] / 100 * SIZES[group] * (2 if sided else 1))
        for pct, (_, sided) in zip(DETECTION_PCT, MUSCLE_GROUPS, strict=True)
    ]


def study_records(path: Path) -> Path:
    """Records that give the study's Figures 1B and 2; who has which grade is made up.

    In ALS the suprahyoid grades are 22, 8 and 1 of the grades 1, 2 and 3, which fits its printed Z.
    """
    rows: list[tuple[object, ...]] = []
    for group, counts in POSITIVE.items():
        left = list(counts)
        suprahyoid = (22, 8, 1, 0) if group == "ALS" else (0, 0, 0, 0)
        left = [n - taken for n, taken in zip(left, suprahyoid, strict=True)]
        grades = itertools.chain.from_iterable([g] * n for g, n in zip((1, 2, 3, 4), left, strict=True))
        for (name, sided), n in zip(MUSCLE_GROUPS, detected_counts(group), strict=True):
            cells = [(who, side) for who in ids(group) for side in (("left", "right") if sided else ("",))]
            if name == "Suprahyoid muscles":
                own = [g for g, k in zip((1, 2, 3, 4), suprahyoid, strict=True) for _ in range(k)]
            else:
                own = list(itertools.islice(grades, n))
            assert len(own) == n
            own += [0] * (len(cells) - n)
            rows += [(who, name, side, g) for (who, side), g in zip(cells, own, strict=True)]
        assert next(grades, None) is None
    return write(path, ("participant_id", "muscle_group", "side", "grade"), rows)


def highest_records(path: Path) -> Path:
    """Records that give Figure 1A: the highest grade in one muscle group of each participant."""
    rows: list[tuple[object, ...]] = []
    for group, counts in HIGHEST.items():
        highest = [grade for grade, n in counts.items() for _ in range(n)]
        for who, grade in zip(ids(group), highest, strict=True):
            rows += [(who, name, side, grade if i == 4 else 0) for i, (name, side) in enumerate(CELLS)]
    return write(path, ("participant_id", "muscle_group", "side", "grade"), rows)
