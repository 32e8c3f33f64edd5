"""What the sources hold, for a person to choose slices from: the list of series and the contact sheets."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.planes import Series, radiological, tilt_degrees
from mriparaspinal.imaging.window import linear_levels, percentile_window, series_window
from mriparaspinal.io.manifest import outputs_manifest
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.scan_files import numbers, read_source
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.scans.levels import COLUMNS as LEVEL_COLUMNS
from mriparaspinal.scans.levels import TABLE as LEVELS_TABLE

LIST_COLUMNS = (
    "source",
    "series",
    "plane",
    "slices",
    "numbers",
    "position_mm",
    "sequence",
    "TE ms",
    "TR ms",
    "size",
    "pixel mm",
    "slice mm",
    "VOI window",
)

#: The file that lists the sheets.
SHEETS = "sheets.json"

_THUMB = 160

_SHEET_COLUMNS = 6


def list_row(place: str, series: Series) -> tuple[str, ...]:
    """A series as a row of the list; ``place``: what to write as its source in levels.csv."""
    plane = series.pictures[0].plane
    name, spacing, positions = series.plane_name(), "", ""
    if plane:
        tilt = tilt_degrees(plane)
        name += f", tilted {tilt:.0f}°" if name == "axial" and tilt >= 1 else ""
        if plane.row_spacing_mm and plane.col_spacing_mm:
            spacing = f"{plane.row_spacing_mm:.4g}×{plane.col_spacing_mm:.4g}"
        ends = [p.plane.position_mm() for p in (series.pictures[0], series.pictures[-1]) if p.plane]
        positions = f"{ends[0]:.1f} to {ends[-1]:.1f}"
    voi, remark = series_window([picture.voi for picture in series.pictures])
    step = series.slice_spacing_mm()
    return (
        place,
        "" if series.number is None else str(series.number),
        name,
        str(len(series.pictures)),
        numbers(series).removeprefix("slices "),
        positions,
        series.sequence,
        *("" if ms is None else f"{ms:g}" for ms in (series.te_ms, series.tr_ms)),
        f"{series.size[0]}×{series.size[1]}",
        spacing,
        "" if step is None else f"{step:.4g}",
        ""
        if voi is None
        else voi.function
        if voi.table
        else f"{voi.centre:g}/{voi.width:g}" + "*" * bool(remark),
    )


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the sources hold: each stack with what to write as its source in levels.csv, and broken files."""

    stacks: tuple[tuple[str, Series], ...]
    broken: tuple[str, ...]
    """One line for each DICOM or NIfTI file that cannot be read."""

    def rows(self) -> list[tuple[str, ...]]:
        """The list, with the columns of :data:`LIST_COLUMNS`."""
        return [list_row(place, series) for place, series in self.stacks]


def survey(sources: Sequence[Path], leave_out: Path | None = None, form: Form | None = None) -> Surveyed:
    """Every series of the sources; ``form``: which one counts where sform and qform disagree."""
    stacks: list[tuple[str, Series]] = []
    broken: list[str] = []
    for path in sources:
        source = read_source(path, leave_out, form=form)
        for series in source.series:
            whole = not path.is_dir() or series.place == "."
            stacks.append(((path.name or str(path)) if whole else series.place, series))
        broken += map(str, source.broken)
    return Surveyed(tuple(stacks), tuple(broken))


def sheet_files(found: Surveyed) -> dict[str, bytes]:
    """A contact sheet of each axial stack, numbered by the row of the list, and an empty levels.csv."""
    sheets = {
        f"sheet_{row}.png": contact_sheet(series)
        for row, (_, series) in enumerate(found.stacks, 1)
        if series.plane_name() == "axial"
    }
    return {**sheets, LEVELS_TABLE: levels_template()} if sheets else {}


def sheets_manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of contact sheets."""
    return outputs_manifest({name: sha256(content) for name, content in files.items()})


def contact_sheet(series: Series) -> bytes:
    """Numbered thumbnails of an axial stack, foot to head, each in its own grey levels, as a PNG.

    For choosing slices, not for measuring. The number is what goes into levels.csv as ``slice``.
    """
    rows = -(-len(series.pictures) // _SHEET_COLUMNS)
    cell = _THUMB + 14
    sheet = Image.new("L", (_SHEET_COLUMNS * cell, rows * (cell + 14)), 0)
    draw = ImageDraw.Draw(sheet)
    for index, picture in enumerate(series.pictures):
        x, y = index % _SHEET_COLUMNS * cell + 7, index // _SHEET_COLUMNS * (cell + 14) + 20
        number = "-" if picture.number is None else str(picture.number)
        where = f"{picture.plane.position_mm():.1f} mm" if picture.plane else ""
        draw.text((x, y - 16), f"{number}   {where}", fill=255)
        try:
            sheet.paste(_thumbnail(series, index), (x, y))
        except UnreadableError:
            draw.text((x, y + 20), "unreadable", fill=255)
    raw = io.BytesIO()
    sheet.save(raw, "PNG")
    return raw.getvalue()


def _thumbnail(series: Series, index: int) -> Image.Image:
    picture = series.pictures[index]
    values = series.read(index)
    limits = percentile_window(values[~np.isnan(values)]) or (0.0, 1.0)
    low, high = limits[::-1] if picture.inverted else limits
    assert picture.plane is not None  # only axial stacks have sheets
    grey, plane = radiological(linear_levels(values, low, high), picture.plane)
    height = grey.shape[0] * (plane.row_spacing_mm or 1.0)
    width = grey.shape[1] * (plane.col_spacing_mm or 1.0)
    scale = _THUMB / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(grey.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)


def levels_template() -> bytes:
    """An empty levels.csv."""
    return csv_bytes((*LEVEL_COLUMNS, "series"), [])
