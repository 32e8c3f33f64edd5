"""Where a slice's fat lies, as tiles for the page: FI of each quarter, laid out as on the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mriparaspinal.core.distribution import PROFILES

#: Width and height of a tile, and the gap between the patient's sides, in units of the drawing.
_WIDTH, _HEIGHT, _GAP = 22, 11, 6


@dataclass(frozen=True, slots=True)
class Tile:
    """One band: its place, and FI as a number for the colour and as text."""

    x: int
    y: int
    fi: float
    text: str


@dataclass(frozen=True, slots=True)
class FatBands:
    """The bands of one muscle: from medial to lateral in a row, from deep to superficial in columns."""

    muscle: str
    tiles: tuple[Tile, ...]


def fat_bands(rows: Sequence[Mapping[str, Any]], image_left: str) -> tuple[FatBands, ...]:
    """The bands of each muscle of a slice; none where they were not measured.

    ``rows``: columns as ``L3.csv``, one per muscle and side; ``image_left``: the side on the picture's left.
    """
    across, down = PROFILES[0].columns, PROFILES[1].columns
    found: dict[str, list[Tile]] = {}
    for row in rows:
        if row["side"] == "both":
            continue
        at_left = row["side"] == image_left
        bands = len(across)
        # On the left of the picture, lateral comes first.
        order = reversed(across) if at_left else across
        start = 0 if at_left else bands * _WIDTH + _GAP
        tiles = [
            _tile(row, column, start + k * _WIDTH, (len(down) - 1) * _HEIGHT // 2)
            for k, column in enumerate(order)
        ]
        column_at = 2 * bands * _WIDTH + 3 * _GAP + (0 if at_left else _WIDTH + _GAP)
        tiles += [_tile(row, column, column_at, k * _HEIGHT) for k, column in enumerate(down)]
        if known := [tile for tile in tiles if tile is not None]:
            found.setdefault(row["muscle"], []).extend(known)
    return tuple(FatBands(muscle, tuple(tiles)) for muscle, tiles in found.items())


def _tile(row: Mapping[str, Any], column: str, x: int, y: int) -> Tile | None:
    fi = row.get(column, math.nan)
    return Tile(x, y, round(fi, 3), f"{fi:.2f}".removeprefix("0")) if fi == fi else None
