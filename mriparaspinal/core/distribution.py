"""The columns of ``--measure distribution``: FI by bands and rings, fat between muscle and fascia."""

from __future__ import annotations

from typing import NamedTuple

#: Into how many bands of equal area a muscle is divided, either way.
BANDS = (3, 4)

#: Rings from the border inwards, of equal depth.
RINGS = 5

#: The deepest part of a muscle, in per cent of its area (Khattab et al. 2025).
DEEPEST_PCT = 15


class Way(NamedTuple):
    """A direction in which a muscle is divided."""

    short: str
    first: str
    last: str


WAYS = (Way("ml", "medial", "lateral"), Way("ds", "deep", "superficial"))


def band_column(way: str, number: int, bands: int) -> str:
    """The column of a band, counted from 1; ``way`` is ``ml``, ``ds`` or ``ring``.

    >>> band_column("ml", 1, 4)
    'fi_ml_1of4'
    """
    return f"fi_{way}_{number}of{bands}"


class Profile(NamedTuple):
    """FI along a way through the muscle: the columns that a figure joins."""

    title: str
    first: str
    last: str
    columns: tuple[str, ...]


def _profile(way: Way, bands: int) -> Profile:
    columns = tuple(band_column(way.short, k, bands) for k in range(1, bands + 1))
    return Profile(f"{way.first} to {way.last}", way.first, way.last, columns)


#: Quarters either way, and the rings.
PROFILES = (*(_profile(way, max(BANDS)) for way in WAYS), _profile(Way("ring", "border", "core"), RINGS))

_PARTS = {3: "third", 4: "quarter"}

_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th")


def _band(way: Way, number: int, bands: int) -> tuple[str, str, str, str]:
    part = _PARTS[bands]
    where = {1: way.first, bands: way.last}.get(number)
    label = f"{where} {part}" if where else f"{_ORDINALS[number - 1]} {part} from {way.first}"
    doc = f"FI of band {number} of {bands} of equal area, counted from {way.first} to {way.last}"
    return band_column(way.short, number, bands), doc, "0–1", f"FI, {label}"


def _ring(number: int) -> tuple[str, str, str, str]:
    place = {1: " (border)", RINGS: " (core)"}.get(number, "")
    doc = f"FI of ring {number} of {RINGS} of equal depth, counted from the border inwards"
    return band_column("ring", number, RINGS), doc, "0–1", f"FI, ring {number}{place}"


#: Name, meaning, unit and label of each column.
COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    *(_band(way, k, bands) for bands in BANDS for way in WAYS for k in range(1, bands + 1)),
    *(_ring(k) for k in range(1, RINGS + 1)),
    (
        f"fi_deepest{DEEPEST_PCT}",
        f"FI of the {DEEPEST_PCT} % of the pixels that lie nearest to the centre of the reference",
        "0–1",
        f"FI, deepest {DEEPEST_PCT} %",
    ),
    (
        "compartment_px",
        "pixels within the fascia: the muscle, and what is between both; with MF_CSA, ES_CSA or EFT",
        "px",
        "area within the fascia",
    ),
    ("intermuscular_fat_px", "fat between muscle and fascia", "px", "intermuscular fat"),
    ("intramuscular_fat_px", "fat within the muscle", "px", "intramuscular fat"),
    (
        "intermuscular_share",
        "intermuscular_fat_px / (intermuscular_fat_px + intramuscular_fat_px)",
        "0–1",
        "intermuscular share of fat",
    ),
    ("intramuscular_fi", "intramuscular_fat_px / pixels of the muscle", "0–1", "intramuscular FI"),
)
