"""The slices of the page, one by one: their numbers, their picture, and why to look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mriparaspinal.core.model import Problem, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.report.outliers import Finding
from mriparaspinal.report.outlines import SliceImage, first_fat_level

_NO_NUMBER = "–"


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

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that speaks for a look at it, in words."""
        told = (f"{p.severity}: {f'{p.shape}: ' if p.shape else ''}{p.message}" for p in self.problems)
        return (*self.unusual, *told)

    @property
    def first_fat(self) -> int | None:
        """The lowest grey level that is fat."""
        return None if self.threshold is None else first_fat_level(self.threshold)

    @property
    def regions(self) -> str:
        """The names of the regions, in words."""
        names = dict.fromkeys(region.name for region in self.picture.regions) if self.picture else ()
        return ", ".join(names)


def as_written(name: str) -> str:
    """A file's name as the tables have it: NFC, and where it is not UTF-8, they hold its bytes as escapes."""
    return composed(name).encode("utf-8", "backslashreplace").decode("utf-8")


def slice_views(
    slices: Sequence[Slice],
    rows: pd.DataFrame,
    pictures: Mapping[str, SliceImage],
    findings: Sequence[Finding],
    problems: Sequence[Problem],
) -> list[SliceView]:
    """A view of each slice, in their order.

    ``rows``: one per slice, muscle and side, columns as ``L3.csv`` and ``table``, the CSV that has the row;
    ``pictures`` by the slice's name.
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
                f"{slice_.segment} {slice_.letter}".strip(),
                name,
                own[0]["table"] if own else "",
                _threshold(own),
                tuple(map(_row_view, own)),
                pictures.get(name),
                tuple(unusual.get(name, ())),
                tuple(problem for file in files for problem in by_file.get(file, ())),
            )
        )
    return views


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
