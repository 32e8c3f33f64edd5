"""What of a study is missing: measurements by group and region, and participants' values by group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from mriparaspinal.core.model import EXPECTED_MUSCLES, SPINE
from mriparaspinal.core.text import and_more, is_missing, natural_key
from mriparaspinal.stats.cells import as_text, in_known_order, muscles_of

#: Who (id), segment, muscle, side.
Place = tuple[str, str, str, str]

REGION_COLUMNS = [
    *("group", "segment", "muscle", "side", "expected", "measured", "refused", "missing", "without"),
]

COLUMN_COLUMNS = ["group", "column", "expected", "missing", "missing_pct", "without"]

_SIDES = ("left", "right")

#: So many participants are named in a cell.
_MOST_NAMES = 10


def missing_regions(
    rows: pd.DataFrame, groups: Mapping[str, str], refused: Collection[Place] = ()
) -> pd.DataFrame:
    """How many of each group were measured in each region, and why the others were not.

    Args:
        rows: one row per participant × segment × muscle × side that was measured.
        groups: everybody in the study → group, measured or not.
        refused: what was there, and not measured; what is in ``rows`` all the same does not count.

    Returns:
        One row per group × segment × muscle × side, in :data:`REGION_COLUMNS`; expected = measured +
        refused + missing. The muscles are those of the paper and all others that somebody has; the segments
        those that somebody has a row or a refusal in.

    >>> keys = ["participant_id", "segment", "muscle", "side"]
    >>> rows = pd.DataFrame([("A_1", "L1", "MF", "left")], columns=keys)
    >>> found = missing_regions(rows, {"A_1": "A", "A_2": "A"}, {("A_2", "L1", "MF", "left")})
    >>> found[["expected", "measured", "refused", "missing"]].values[0].tolist()
    [2, 1, 1, 0]
    """
    keys = ("participant_id", "segment", "muscle", "side")
    found: set[Place] = set(zip(*(rows[key].map(as_text) for key in keys), strict=True))
    sided = {muscle for _, _, muscle, side in found | set(refused) if side in _SIDES} | set(EXPECTED_MUSCLES)
    # Both sides together are a place of a region without sides alone.
    measured = {place for place in found if place[3] in _SIDES or place[2] not in sided}
    kept = set(refused) - measured
    segments = in_known_order({segment for _, segment, _, _ in measured | kept}, SPINE)
    there_are = {muscle for _, _, muscle, _ in measured | kept} | set(EXPECTED_MUSCLES)
    muscles = in_known_order(there_are, muscles_of(rows))
    records: list[list[Any]] = []
    for group, ids in _by_group(groups):
        for segment in segments:
            for muscle in muscles:
                for side in _SIDES if muscle in sided else ("both",):
                    there = [who for who in ids if (who, segment, muscle, side) in measured]
                    lost = [who for who in ids if (who, segment, muscle, side) in kept]
                    gone = [who for who in ids if (who, segment, muscle, side) not in measured]
                    numbers = [len(ids), len(there), len(lost), len(gone) - len(lost)]
                    records.append([group, segment, muscle, side, *numbers, and_more(gone, _MOST_NAMES)])
    return pd.DataFrame(records, columns=REGION_COLUMNS)


def missing_columns(people: pd.DataFrame, groups: Mapping[str, str], columns: Sequence[str]) -> pd.DataFrame:
    """How many of each group have no value in each of some columns of a table.

    Args:
        people: one row per participant at most, with ``participant_id``; who has none lacks all values.
        groups: everybody in the study → group.
        columns: those to look at.

    Returns:
        One row per column × group, in :data:`COLUMN_COLUMNS`.
    """
    by_id = people.set_index(people["participant_id"].map(as_text))
    records: list[list[Any]] = []
    for column in columns:
        number = pd.api.types.is_numeric_dtype(by_id[column])
        cells = {who: as_text(cell) for who, cell in by_id[column].items()}
        for group, ids in _by_group(groups):
            gone = [who for who in ids if is_missing(cells.get(who, ""), number=number)]
            share = 100 * len(gone) / len(ids)
            records.append([group, column, len(ids), len(gone), share, and_more(gone, _MOST_NAMES)])
    return pd.DataFrame(records, columns=COLUMN_COLUMNS)


def _by_group(groups: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    names = sorted(set(groups.values()), key=natural_key)
    return [
        (name, sorted((who for who, group in groups.items() if group == name), key=natural_key))
        for name in names
    ]
