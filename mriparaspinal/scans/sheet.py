"""The contact sheet of an axial series: its slices with their numbers, and a scout with their lines.

For choosing slices, not for measuring.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.planes import Plane, Series, plane_name, radiological, upright
from mriparaspinal.imaging.window import linear_levels, percentile_window

_SCOUT, _MARGIN, _GAP, _LINE = 600, 76, 14, 26

#: Up to so many slices: columns of the sheet, and the size of a slice on it.
_LAYOUTS = ((60, 3, 420), (150, 5, 300), (10**9, 8, 180))

#: No more slices are shown than about so many: of a longer series every second, or third …
_SHOWN = 400

_WHITE, _GREY, _YELLOW, _CYAN = (255, 255, 255), (190, 190, 190), (240, 228, 66), (86, 220, 255)

#: So many characters of a file's name have room.
_NAME = 60

#: Slices of this many of a stack tell where the body is.
_LOOKED_AT = 5

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the picture."""


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size=size)


def contact_sheet(
    series: Series, scouts: Sequence[Series], row: int, source: str, proposed: Mapping[int, str]
) -> bytes:
    """The slices of an axial stack, head to foot, each in its own grey levels, as a PNG.

    ``scouts``: the series that may show where its slices lie; ``row``, ``source``: its row of the list and
    what stands there as its source; ``proposed``: segment by the index of a slice.
    """
    box = _body_box(series)
    step = -(-len(series.pictures) // _SHOWN)
    # A stack runs from foot to head.
    shown = sorted({*range(0, len(series.pictures), step), *proposed}, reverse=True)
    columns, wide = next((columns, wide) for most, columns, wide in _LAYOUTS if len(shown) <= most)
    thumbs = [_thumbnail(series, index, box, wide) for index in shown]
    height = max((thumb.height for thumb in thumbs if thumb), default=wide)
    scout = _scout(series, scouts, proposed)
    left = _GAP + (scout.width + _GAP if scout else 0)
    top = _GAP + 3 * _LINE
    cell = wide + _GAP, height + _LINE + _GAP
    rows = -(-len(thumbs) // columns)
    size = left + columns * cell[0], max(top + rows * cell[1], top + (scout.height + _GAP if scout else 0))
    sheet = Image.new("RGB", size, 0)
    draw = ImageDraw.Draw(sheet)
    for line, text in enumerate(_heading(series, row, source, step, scout is not None, bool(proposed))):
        colour, font = (_GREY, _font(16)) if line else (_WHITE, _font(20))
        draw.text((_GAP, _GAP + line * _LINE), text, colour, font)
    if scout:
        sheet.paste(scout, (_GAP, top))
    for place, (index, thumb) in enumerate(zip(shown, thumbs, strict=True)):
        x, y = left + place % columns * cell[0], top + place // columns * cell[1]
        _one(sheet, (x, y), thumb, _caption(series, index), proposed.get(index))
    raw = io.BytesIO()
    sheet.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(raw, "PNG", optimize=True)
    return raw.getvalue()


def shortened(source: str) -> str:
    """A file's name as there is room for it; of a long one the end, which tells it from the others.

    >>> shortened("sub-01/fat.nii.gz"), len(shortened("folder/" * 20 + "fat.nii.gz"))
    ('sub-01/fat.nii.gz', 60)
    """
    return source if len(source) <= _NAME else f"…{source[1 - _NAME :]}"


def _heading(
    series: Series, row: int, source: str, every: int, scout: bool, proposed: bool
) -> tuple[str, str, str]:
    # A DICOM series has a number and words of the field; its folder may have the name of a person.
    number = "" if series.number is None else f"series {series.number}"
    name = shortened(source) if series.kind != "DICOM" else series.name
    slices = f"{len(series.pictures)} axial slices"
    step = series.slice_spacing_mm()
    apart = "" if step is None else f"{step:.3g} mm apart"
    some = f"1 of {every} shown" if every > 1 else ""
    first = "   ".join(text for text in (f"sheet {row}", number, name, slices, apart, some) if text)
    where = "the lines on the scout are the slices" if scout else "no scout: no other plane of the same visit"
    guess = "; a segment with ? is a proposal, to be confirmed" if proposed else ""
    return (
        first,
        f"R and L are the patient's. From head to foot; {where}{guess}.",
        "The first number is the slice of levels.csv. Grey levels differ: for choosing, not for measuring.",
    )


def _caption(series: Series, index: int) -> str:
    picture = series.pictures[index]
    number = "-" if picture.number is None else str(picture.number)
    return f"{number}   {picture.plane.position_mm():.1f} mm" if picture.plane else number


def _one(
    sheet: Image.Image, at: tuple[int, int], thumb: Image.Image | None, caption: str, segment: str | None
) -> None:
    """One slice with its caption and sides; that of a proposal in a frame."""
    draw, (x, y) = ImageDraw.Draw(sheet), at
    draw.text((x, y), caption, _WHITE, _font(18))
    if thumb is None:
        draw.text((x, y + _LINE), "unreadable", _WHITE, _font(18))
        return
    sheet.paste(thumb, (x, y + _LINE))
    end = x + thumb.width - 1
    for letter, place, anchor in (("R", x + 6, "lm"), ("L", end - 6, "rm")):
        middle = (place, y + _LINE + thumb.height // 2)
        draw.text(middle, letter, _WHITE, _font(20), anchor, stroke_width=2, stroke_fill=0)
    if segment:
        draw.text((end, y), f"{segment}?", _CYAN, _font(18), "ra")
        draw.rectangle((x, y + _LINE, end, y + _LINE + thumb.height - 1), outline=_CYAN, width=2)


def _grey(series: Series, index: int) -> tuple[NDArray[np.generic], Plane]:
    """The grey levels of a slice as stored, by its own percentiles; raises :class:`UnreadableError`."""
    picture = series.pictures[index]
    values = series.read(index)
    limits = percentile_window(values[~np.isnan(values)]) or (0.0, 1.0)
    low, high = limits[::-1] if picture.inverted else limits
    assert picture.plane is not None  # only axial stacks and scouts come here
    return linear_levels(values, low, high), picture.plane


def _body_box(series: Series) -> Box:
    """Where the body is in all slices, with a small margin; the whole picture if it cannot be told."""
    boxes = []
    for index in np.unique(np.linspace(0, len(series.pictures) - 1, _LOOKED_AT).round().astype(int)):
        try:
            grey, _ = radiological(*_grey(series, int(index)))
        except UnreadableError:
            continue
        bright = np.asarray(grey, dtype=float) > 30
        ends = [np.flatnonzero(bright.mean(axis=axis) > 0.05) for axis in (0, 1)]
        if all(len(along) for along in ends):
            (left, right), (top, bottom) = ((along[0], along[-1] + 1) for along in ends)
            rows, columns = grey.shape
            boxes.append((left / columns, top / rows, right / columns, bottom / rows))
    if not boxes:
        return (0.0, 0.0, 1.0, 1.0)
    low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
    left, top = (max(0.0, float(edge) - 0.02) for edge in low[:2])
    right, bottom = (min(1.0, float(edge) + 0.02) for edge in high[2:])
    return (left, top, right, bottom)


def _thumbnail(series: Series, index: int, box: Box, wide: int) -> Image.Image | None:
    try:
        grey, plane = radiological(*_grey(series, index))
    except UnreadableError:
        return None
    rows, columns = grey.shape
    # Muscle is dark, in a series of fat nearly black: the square root brings it up.
    grey = np.sqrt(255.0 * np.asarray(grey, dtype=float)).round()
    edges = (round(box[0] * columns), round(box[1] * rows), round(box[2] * columns), round(box[3] * rows))
    return _picture(grey, plane, edges, (wide, wide))


def _picture(
    grey: NDArray[np.generic], plane: Plane, edges: tuple[int, int, int, int], most: tuple[int, int]
) -> Image.Image:
    """A part of a slice with square pixels, as large as fits into ``most``."""
    width = (edges[2] - edges[0]) * (plane.col_spacing_mm or 1.0)
    height = (edges[3] - edges[1]) * (plane.row_spacing_mm or 1.0)
    scale = min(most[0] / width, most[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    part = Image.fromarray(grey.astype(np.uint8)).crop(edges)
    return part.resize(size, Image.Resampling.BICUBIC)


def _scout(series: Series, others: Sequence[Series], proposed: Mapping[int, str]) -> Image.Image | None:
    """The slice of another plane that most of the slices cross, with their lines; None without one."""
    if not series.space:
        return None
    ranked = []
    for place, other in enumerate(others):
        if other.space == series.space and other.plane_name() in ("sagittal", "coronal"):
            index = _nearest(series, other)
            plane = other.pictures[index].plane
            crossing = 0
            if plane:
                # As it will be shown: a volume may be stored with its columns along the body.
                turned, at = upright(np.broadcast_to(0, other.size), plane)
                crossing = len(_cuts(series, at, turned.shape))
            detail = other.size[0] * other.size[1]
            rank = (-crossing, other.plane_name() != "sagittal", -detail, place)
            ranked.append((rank, other, index))
    for (crossing, *_), other, index in sorted(ranked, key=lambda one: one[0]):
        try:
            grey, plane = upright(*_grey(other, index))
        except UnreadableError:
            continue
        if crossing:
            rows, columns = grey.shape
            picture = _picture(grey, plane, (0, 0, columns, rows), (_SCOUT, 2 * _SCOUT))
            canvas = Image.new("RGB", (picture.width + _MARGIN, picture.height + 2 * _GAP), 0)
            canvas.paste(picture, (0, _GAP))
            _draw_lines(canvas, picture.size, series, plane, grey.shape, proposed)
            return canvas
    return None


def _centre(plane: Plane, size: tuple[int, int]) -> NDArray[np.float64]:
    rows, columns = size
    across = np.asarray(plane.across) * (plane.col_spacing_mm or 1.0) * (columns - 1) / 2
    down = np.asarray(plane.down) * (plane.row_spacing_mm or 1.0) * (rows - 1) / 2
    middle: NDArray[np.float64] = np.asarray(plane.position) + across + down
    return middle


def slice_centres(series: Series) -> NDArray[np.float64]:
    """The centre of each slice of a stack, mm."""
    return np.array([_centre(p.plane, series.size) for p in series.pictures if p.plane])


def _nearest(series: Series, other: Series) -> int:
    """The slice of another stack that is nearest to the middle of this one."""
    middle = slice_centres(series).mean(axis=0)
    planes = [picture.plane for picture in other.pictures]
    return int(
        np.argmin([abs(p.position_mm() - float(middle @ p.normal())) if p else np.inf for p in planes])
    )


def _cuts(
    series: Series, scout: Plane, shape: tuple[int, int]
) -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Where the slices of a stack cross the picture of a scout: columns and rows of points, by index.

    Only within the picture of the slice itself.
    """
    rows, columns = shape
    across, down = np.asarray(scout.across), np.asarray(scout.down)
    wide, high = scout.col_spacing_mm or 1.0, scout.row_spacing_mm or 1.0
    c = np.linspace(-0.5, columns - 0.5, 4 * columns)
    found = {}
    for index, picture in enumerate(series.pictures):
        plane = picture.plane
        if plane is None or abs(down @ plane.normal()) < 0.2:
            continue
        offset = plane.position_mm() - float(np.asarray(scout.position) @ plane.normal())
        r = (offset - c * wide * float(across @ plane.normal())) / (high * float(down @ plane.normal()))
        points = np.asarray(scout.position) + np.outer(c * wide, across) + np.outer(r * high, down)
        from_corner = points - np.asarray(plane.position)
        column = from_corner @ np.asarray(plane.across) / (plane.col_spacing_mm or 1.0)
        row = from_corner @ np.asarray(plane.down) / (plane.row_spacing_mm or 1.0)
        inside = (r >= -0.5) & (r <= rows - 0.5) & (column >= -0.5) & (column <= series.size[1] - 0.5)
        inside &= (row >= -0.5) & (row <= series.size[0] - 0.5)
        if inside.sum() > 1:
            found[index] = (c[inside], r[inside])
    return found


def _draw_lines(
    canvas: Image.Image,
    size: tuple[int, int],
    series: Series,
    plane: Plane,
    shape: tuple[int, int],
    proposed: Mapping[int, str],
) -> None:
    """The lines of the slices on a scout of such a size, and beside it the numbers that there is room for."""
    draw = ImageDraw.Draw(canvas)
    (rows, columns), (width, height) = shape, size
    taken: list[float] = []
    lines = _cuts(series, plane, shape)
    # The slices of a proposal first: their numbers are wanted most.
    for index in sorted(lines, key=lambda one: (one not in proposed, one)):
        c, r = lines[index]
        x = (c[[0, -1]] + 0.5) / columns * width
        y = (r[[0, -1]] + 0.5) / rows * height + _GAP
        colour = _CYAN if index in proposed else _YELLOW
        draw.line([(x[0], y[0]), (x[1], y[1])], colour, 2 if index in proposed else 1)
        if all(abs(y[1] - other) >= 17 for other in taken):
            taken.append(y[1])
            number = series.pictures[index].number
            text = (
                f"{proposed[index]}? {number}"
                if index in proposed
                else "-"
                if number is None
                else str(number)
            )
            draw.line([(x[1], y[1]), (width + 4, y[1])], colour, 1)
            draw.text((width + 8, y[1]), text, colour, _font(16), "lm")
    ends = ("A", "P") if plane_name(plane) == "sagittal" else ("R", "L")
    for letter, at_x, anchor in ((ends[0], 6, "la"), (ends[1], width - 6, "ra")):
        draw.text((at_x, _GAP + 6), letter, _WHITE, _font(20), anchor, stroke_width=2, stroke_fill=0)
