"""The slices of the page, one by one: their numbers, their picture, and why to look at them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mriparaspinal.core.labels import Own, parse_label
from mriparaspinal.core.measure_columns import BY_NAME, GREY, MeasureColumn
from mriparaspinal.core.model import DEFAULTS, Problem, Settings, Slice
from mriparaspinal.core.names import name_of
from mriparaspinal.core.spelling import composed
from mriparaspinal.report.fat_bands import FatBands, fat_bands
from mriparaspinal.report.outlines import SliceImage, first_fat_level

if TYPE_CHECKING:
    import pandas as pd

    from mriparaspinal.report.outliers import Finding

_NO_NUMBER = "–"

_EXCLUDED = "excluded-by-review"


@dataclass(frozen=True, slots=True)
class RowView:
    """The numbers of one muscle and side: as text for the reader, as pixels for the check in the browser."""

    muscle: str
    side: str
    csa_px: str
    csa_mm2: str
    fi: str
    rcsa: str
    asymmetry: str
    pixels: int
    fat_pixels: int


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One further measure of a slice: its name with the unit, and a cell for each column of its table."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasureTable:
    """Further measures of some regions of a slice."""

    columns: tuple[str, ...]
    """Region and side, in short."""
    measures: tuple[MeasureView, ...]


#: Columns that a printed page has room for.
_MOST_COLUMNS = 15


@dataclass(frozen=True, slots=True)
class SliceView:
    """One slice on the page."""

    participant_id: str
    group: str
    segment: str
    image: str
    table: str
    """The CSV that has its numbers; empty if there are none."""
    threshold: float | None
    """The grey level above which a pixel is fat; None if it is not a grey level."""
    rows: tuple[RowView, ...]
    picture: SliceImage | None
    unusual: tuple[str, ...]
    """Why its numbers deserve a look."""
    problems: tuple[Problem, ...]
    """Errors first."""
    session: str = ""
    """Which scan of the participant; empty where there is one only."""
    fat: tuple[FatBands, ...] = ()
    """Where the fat of each muscle lies, with ``--measure distribution``."""
    measures: tuple[MeasureTable, ...] = ()
    """What was asked for by ``--measure``, as far as the slice has values."""
    own_regions: Own = ()
    """The regions that the study declares beside ours."""

    @property
    def why_not(self) -> str:
        """Why it was not measured: the first error, else what a review said."""
        left_out = (p for p in self.problems if p.code == _EXCLUDED and not p.shape)
        worst = next(iter((*filter(_is_error, self.problems), *left_out)), None)
        return worst.message if worst else "no muscle in it"

    def why_refused(self, label: str) -> str:
        """Why a contour of this label was not measured."""
        faults = [p for p in self.problems if _is_error(p) and not p.code.startswith("missing")]
        faults += [p for p in self.problems if p.code == _EXCLUDED]
        own = [p for p in faults if label in (p.shape, *p.shape.split(", "))]
        own = own or [p for p in faults if _same_region(label, p.shape, self.own_regions)]
        about = own or [p for p in faults if not p.shape]
        return about[0].message if about else "see what is said of this slice above"

    @property
    def excluded(self) -> str:
        """What a review left out: ``slice`` or labels of regions, with a space between."""
        return " ".join(p.shape or "slice" for p in self.problems if p.code == _EXCLUDED)

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """The contours that were not measured: labels, and the reason that they share."""
        labels: dict[str, list[str]] = {}
        for contour in self.picture.refused if self.picture else ():
            labels.setdefault(self.why_refused(contour.label), []).append(contour.label)
        return tuple((", ".join(dict.fromkeys(names)), reason) for reason, names in labels.items())

    @property
    def first_fat(self) -> int | None:
        """The lowest grey level that is fat."""
        return None if self.threshold is None else first_fat_level(self.threshold)

    @property
    def regions(self) -> str:
        """The names of the regions, in words."""
        names = dict.fromkeys(region.name for region in self.picture.regions) if self.picture else ()
        return ", ".join(names)


def _is_error(problem: Problem) -> bool:
    return problem.severity == "error"


def _same_region(label: str, shape: str, own: Own) -> bool:
    """Whether a label and the shape that a problem names mean one region, or the shape is a part of it."""
    region = parse_label(label, own)
    is_part = region is not None and region.side and shape.startswith(label)  # MF_L and MF_L_b
    return region is not None and bool(is_part or region == parse_label(shape, own))


def as_written(name: str) -> str:
    """A file's name as the tables have it: NFC, and where it is not UTF-8, they hold its bytes as escapes."""
    return composed(name).encode("utf-8", "backslashreplace").decode("utf-8")


def slice_views(
    slices: Sequence[Slice],
    rows: pd.DataFrame,
    pictures: Mapping[str, SliceImage],
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    settings: Settings = DEFAULTS,
) -> list[SliceView]:
    """A view of each slice, in their order.

    ``rows``: one per slice, muscle and side, columns as ``L3.csv`` and ``table``, the CSV that has the row;
    ``pictures`` by the slice's name; ``image_left``: the patient's side on their left.
    """
    by_image: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_dict("records"):
        by_image.setdefault(row["image"], []).append(row)
    unusual: dict[str, list[str]] = {}
    for finding in findings:
        unusual.setdefault(finding.image, []).append(f"{finding.muscle} {finding.side}: {finding.reason}")
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(as_written(problem.file), []).append(problem)
    views = []
    for slice_ in slices:
        name = as_written(slice_.name)
        files = dict.fromkeys((name, as_written(slice_.annotation)))
        own = by_image.get(name, [])
        views.append(
            SliceView(
                slice_.participant_id,
                slice_.group,
                " ".join(filter(None, (slice_.segment, slice_.letter, slice_.session))),
                name,
                own[0]["table"] if own else "",
                _threshold(own),
                tuple(map(_row_view, own)),
                pictures.get(name),
                tuple(unusual.get(name, ())),
                tuple(
                    sorted(
                        (p for file in files for p in by_file.get(file, ())), key=lambda p: not _is_error(p)
                    )
                ),
                slice_.session,
                fat_bands(own, settings.image_left),
                tuple(_measures(own)),
                settings.regions,
            )
        )
    return views


def _measures(rows: Sequence[Mapping[str, Any]]) -> Iterable[MeasureTable]:
    """The measures of all regions, as many in one table as fit on a page."""
    measures = tuple(_measure_views(rows))
    regions = [row["muscle"] for row in rows]
    short = {"left": " L", "right": " R", "both": " L+R"}
    # A region without sides has one row, of both.
    columns = [
        name if row["side"] == "both" and regions.count(name) == 1 else name + short[row["side"]]
        for name, row in zip(regions, rows, strict=True)
    ]
    first = 0
    while measures and first < len(columns):
        last = min(first + _MOST_COLUMNS, len(columns))
        while last < len(columns) and regions[last] == regions[last - 1]:
            last -= 1  # the sides of a region stay together
        cut = (MeasureView(one.name, one.cells[first:last]) for one in measures)
        kept = (one for one in cut if set(one.cells) != {_NO_NUMBER})
        yield MeasureTable(tuple(columns[first:last]), tuple(kept))
        first = last


def _measure_views(rows: Sequence[Mapping[str, Any]]) -> Iterable[MeasureView]:
    for name, column in BY_NAME.items():
        numbers = [float(row.get(name, math.nan)) for row in rows]
        if known := [number for number in numbers if number == number]:
            digits = _decimals(known, column)
            # A tiny negative one is no -0.000.
            cells = tuple(_text(round(number, digits) + 0.0, f".{digits}f") for number in numbers)
            named = name_of(name)
            yield MeasureView(named.label if column.unit == GREY else named.axis, cells)


def _decimals(numbers: Sequence[float], column: MeasureColumn) -> int:
    """How many decimals all numbers of a measure have: as many as the smallest needs, three at most."""
    if column.unit == GREY:
        return 1
    if column.unit == "px" and all(number.is_integer() for number in numbers):
        return 0
    smallest = min((abs(number) for number in numbers if number), default=1)
    return min(3, max(1, 2 - math.floor(math.log10(smallest))))


def _threshold(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The grey level of the rows; None for the rule ``dixon``, whose threshold is a fat fraction."""
    if not rows or rows[0]["fat_rule"] == "dixon":
        return None
    return float(rows[0]["threshold"])


def _row_view(row: Mapping[str, Any]) -> RowView:
    return RowView(
        row["muscle"],
        row["side"],
        _text(row["csa_px"], ".0f"),
        _text(row["csa_mm2"], ".0f"),
        _text(row["fi"], ".3f"),
        _text(row["rcsa"], ".3f"),
        _text(row["asymmetry_pct"], ".1f"),
        int(row["csa_px"]),
        int(row["fat_px"]),
    )


def _text(number: float, digits: str) -> str:
    return f"{number:{digits}}" if number == number else _NO_NUMBER
