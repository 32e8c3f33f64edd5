"""The columns that ``--measure`` adds to ``L1.csv`` … ``L5.csv``, by the name of their group.

They stand here for the tables, the names on axes and the data dictionary; ``measure/groups.py`` says how each
group is computed. All columns of a group stand in every table of results, whether a row has a value or not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mriparaspinal.core.distribution import COLUMNS as DISTRIBUTION
from mriparaspinal.core.model import SIDES


@dataclass(frozen=True, slots=True)
class MeasureColumn:
    """One column of a group of measures."""

    name: str
    doc: str
    """What it means, for the data dictionary."""
    unit: str = ""
    label: str = ""
    """On axes and in tables; empty: its name."""
    muscles: tuple[str, ...] = ()
    """The muscles that have it; empty: all."""
    sides: tuple[str, ...] = SIDES
    """The sides of a muscle that have it."""


#: The unit of what is a grey level itself.
GREY = "grey level"

_SIGNAL = (
    MeasureColumn("grey_sd", "standard deviation of the grey levels (of n, not n − 1)", GREY, "SD of grey"),
    MeasureColumn(
        "grey_skewness",
        "skewness of the grey levels, not corrected for bias; 0: symmetric",
        "",
        "skewness of grey",
    ),
    MeasureColumn(
        "grey_kurtosis",
        "excess kurtosis of the grey levels, not corrected for bias; 0: as normal",
        "",
        "kurtosis of grey",
    ),
    *(
        MeasureColumn(
            f"grey_p{p}", f"{p}th percentile of the grey levels, interpolated linearly", GREY, f"P{p} of grey"
        )
        for p in (5, 25, 50, 75, 95)
    ),
    MeasureColumn(
        "sat_mean", "mean grey level of subcutaneous fat, the contour SAT, on the slice", GREY, "grey of SAT"
    ),
    MeasureColumn("sat_ratio", "mean_intensity / sat_mean", "ratio", "grey / SAT"),
    MeasureColumn(
        "reference_mean", "mean grey level of the reference on the slice", GREY, "grey of reference"
    ),
    MeasureColumn("reference_ratio", "mean_intensity / reference_mean", "ratio", "grey / reference"),
    MeasureColumn(
        "pm_mf_es_ratio",
        "on rows of PM: mean_intensity / mean grey level of MF and ES of that side, their pixels together",
        "ratio",
        "grey / MF+ES",
        ("PM",),
    ),
)

_SHAPE = (
    MeasureColumn("transverse_px", "of one region: columns from edge to edge", "px", "width"),
    MeasureColumn("anteroposterior_px", "of one region: rows from front to back", "px", "AP diameter"),
    MeasureColumn("transverse_mm", "transverse_px × column spacing", "mm", "width"),
    MeasureColumn("anteroposterior_mm", "anteroposterior_px × row spacing", "mm", "AP diameter"),
    MeasureColumn(
        "major_axis_mm", "longer axis of the ellipse of the region’s second moments", "mm", "major axis"
    ),
    MeasureColumn("minor_axis_mm", "shorter axis of that ellipse", "mm", "minor axis"),
    MeasureColumn(
        "eccentricity", "of that ellipse: 0 a circle, towards 1 a line; square pixels without spacing", "0–1"
    ),
    MeasureColumn("solidity", "pixels of the region / pixels of its convex hull", "0–1"),
)

_SIZE = (
    MeasureColumn("rcsa_ivd", "csa_px / pixels of the disc, where it is drawn", "ratio", "CSA / IVD"),
    MeasureColumn("rcsa_vb", "csa_px / pixels of the vertebral body, where it is drawn", "ratio", "CSA / VB"),
    MeasureColumn("csa_height2", "csa_mm2 / height²", "mm²/m²", "CSA / height²"),
    MeasureColumn(
        "psoas_index",
        "on rows of PM, both sides: area of both psoas muscles in cm² / height² in m²",
        "cm²/m²",
        "psoas muscle index",
        ("PM",),
        ("both",),
    ),
)

#: The groups in the order of their columns.
MEASURE_COLUMNS: Mapping[str, tuple[MeasureColumn, ...]] = {
    "signal": _SIGNAL,
    "distribution": tuple(MeasureColumn(*column) for column in DISTRIBUTION),
    "shape": tuple(replace(column, sides=("left", "right")) for column in _SHAPE),
    "size": _SIZE,
}

#: The names of the groups.
MEASURES = tuple(MEASURE_COLUMNS)

#: Every column of every group, by name.
BY_NAME: Mapping[str, MeasureColumn] = {
    column.name: column for columns in MEASURE_COLUMNS.values() for column in columns
}


def columns_of(measures: Collection[str]) -> tuple[str, ...]:
    """The columns of the groups that are asked for, in their order.

    >>> columns_of(("signal",))[:2], columns_of(())
    (('grey_sd', 'grey_skewness'), ())
    """
    return tuple(column.name for name in in_order(measures) for column in MEASURE_COLUMNS[name])


def in_order(measures: Collection[str]) -> tuple[str, ...]:
    """The groups in the order of their columns, each once.

    >>> in_order(["size", "signal", "size"])
    ('signal', 'size')
    """
    return tuple(name for name in MEASURES if name in measures)
