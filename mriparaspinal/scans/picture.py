"""The picture of one slice as a dataset has it, and its row of ``slices.csv``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mriparaspinal.core.errors import UnreadableError, UsageError, unreadable
from mriparaspinal.core.model import Problem
from mriparaspinal.imaging import slice_position as slice_geometry
from mriparaspinal.imaging.planes import STEEPEST, Plane, Series, Values, radiological, tilt_degrees
from mriparaspinal.imaging.window import Grey, Voi, WindowRule, percentile_window, series_window, shown
from mriparaspinal.io.scan_files import ScanSource
from mriparaspinal.scans.choose import Chosen
from mriparaspinal.scans.levels import Level, problem_of_row, row_problem

SLICES_COLUMNS = (
    "image",
    "row_spacing_mm",
    "col_spacing_mm",
    "window_low",
    "window_high",
    "source",
    "window",
    "voi_function",
    "voi_centre",
    "voi_width",
    *slice_geometry.COLUMNS,
    "level_distance_mm",
)

Row = tuple[str | int | float | None, ...]

#: More values than any series of slices has; the percentiles need all of them in memory at once.
_VALUE_LIMIT = 60_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a series under the rule: limits or a VOI; None, with the reason, where there is none."""

    window: tuple[float, float] | Voi | None
    remark: str


Windows = dict[str, Window]
"""The windows of the series of one source, kept from slice to slice."""


def slice_picture(
    name: str,
    chosen: Chosen,
    source: ScanSource,
    rule: WindowRule | None,
    windows: Windows,
    problems: list[Problem],
) -> tuple[bytes, Row]:
    """The PNG of one slice, and its row of ``slices.csv``.

    Raises :class:`UnreadableError`, and :class:`UsageError` for a rule that its series cannot follow.
    """
    series, level = chosen.stack, chosen.level
    _check_rule(series, rule)
    picture = series.pictures[chosen.index]
    assert picture.plane is not None  # it is axial
    values = _read(series, chosen.index)
    window = _window(chosen, source, rule, windows, problems)
    if window.window is None:
        found = window.remark
        remedy = "give --window LOW,HIGH or --window percentile"
        raise unreadable(found, "a window for its grey levels", remedy, "no-window")
    grey, limits = shown(values, window.window, picture.inverted)
    turned, plane = radiological(grey, picture.plane)
    _remark(chosen, values, plane, problems)
    voi = window.window if isinstance(window.window, Voi) else None
    low, high = limits or (None, None)
    centre, width = (voi.centre, voi.width) if voi and voi.table is None else (None, None)
    rule_name = rule if isinstance(rule, str) else "dicom-series" if rule is None else "low-high"
    row: Row = (
        *(name, plane.row_spacing_mm, plane.col_spacing_mm, low, high, level.row),
        *(rule_name, voi.function if voi else "", centre, width),
        *_geometry(plane, series),
        chosen.distance_mm,
    )
    return _png(turned.astype(np.uint8)), row


def _check_rule(series: Series, window: WindowRule | None) -> None:
    if series.kind != "DICOM" and window in (None, "dicom-series", "dicom-slice"):
        found = f"{window} was found" if window else "no window was given"
        expected = f"expected percentile or LOW,HIGH: {series.kind} volumes have no window of their own"
        raise UsageError(f"--window: {found}; {expected}; give one")


def _geometry(plane: Plane, series: Series) -> Row:
    if plane.row_spacing_mm is None or plane.col_spacing_mm is None:
        # The upper left pixel of a turned picture is some spacings away from the first one.
        return (None,) * len(slice_geometry.COLUMNS)
    return slice_geometry.cells(plane, series.slice_spacing_mm())


def _window(
    chosen: Chosen, source: ScanSource, rule: WindowRule | None, windows: Windows, problems: list[Problem]
) -> Window:
    series = chosen.stack
    if rule == "dicom-slice":
        voi = series.pictures[chosen.index].voi
        return Window(voi if voi and voi.usable() else None, "no usable VOI window")
    known = f"{series.kind} {series.key}"
    if known not in windows:
        same = [s for s in source.series if (s.kind, s.key) == (series.kind, series.key)]
        windows[known] = _series_window([s for s in same if s.plane_name() == "axial" or s.steep], rule)
        if windows[known].window is not None and windows[known].remark:
            problems.append(_spread(chosen.level, windows[known].remark))
    return windows[known]


def _series_window(stacks: Sequence[Series], rule: WindowRule | None) -> Window:
    if isinstance(rule, tuple):
        return Window(rule, "")
    if rule == "percentile":
        limits = _percentiles(stacks)
        return Window(limits, "" if limits else "1st and 99th percentile are equal")
    return Window(*series_window([picture.voi for stack in stacks for picture in stack.pictures]))


def _percentiles(stacks: Sequence[Series]) -> tuple[float, float] | None:
    """Percentiles of all values of a series."""
    parts: list[Values] = []
    count = 0
    for stack in stacks:
        for index in range(len(stack.pictures)):
            values = _read(stack, index)
            count += values.size
            if count > _VALUE_LIMIT:
                found = f"more than {_VALUE_LIMIT / 1e6:.0f} million values"
                raise unreadable(found, "fewer for percentiles", "give --window LOW,HIGH", "too-large")
            parts.append(values[~np.isnan(values)])
    return percentile_window(np.concatenate(parts))


def _read(series: Series, index: int) -> Values:
    try:
        return series.read(index)
    except UnreadableError as error:
        number = series.pictures[index].number
        raise UnreadableError(error.fault.about(f"slice {number}").at("", "unreadable-slice")) from None


def _spread(level: Level, remark: str) -> Problem:
    message = f"{remark}; expected one window; the medians are used for the whole series"
    remedy = "compare with --window dicom-slice, or give LOW,HIGH"
    return row_problem(level.row, "window-spread", message, remedy, "warning")


def _remark(chosen: Chosen, values: Values, turned: Plane, problems: list[Problem]) -> None:
    def warn(code: str, message: str, remedy: str) -> None:
        problem = row_problem(chosen.level.row, code, message, remedy, "warning")
        if problem not in problems:  # a row can stand for several slices
            problems.append(problem)

    if turned.row_spacing_mm is None:
        warn(
            "no-spacing", "no PixelSpacing; expected one", "areas in mm² stay empty; write it into slices.csv"
        )
    series = chosen.stack
    if series.steep:
        tilt = tilt_degrees(turned)
        found = f"slice {chosen.number} is tilted by {tilt:.0f}° from the axial plane; expected at most 45°"
        warn("steep-slice", found, f"check that it lies along its disc: beyond {STEEPEST}° it is refused")
    if series.pictures[chosen.index].twin:
        found = f"another file has the SOPInstanceUID of slice {chosen.number}, and other content"
        warn("same-uid", f"{found}; expected one file", "keep the original, and take the other one away")
    if series.modality not in ("", "MR"):
        warn("not-mr", f"modality {series.modality}; expected MR", "check that it is the series you mean")
    if series.pictures[chosen.index].lossy:
        found = "pixels that were compressed with loss; expected those of the scanner"
        warn("lossy-pixels", found, "take the original series if there is one")
    if series.remark is not None:
        problems.append(problem_of_row(chosen.level.row, series.remark.at("", "two-places"), "warning"))
    if series.kind != "DICOM" and np.isnan(values).any():
        warn("no-value", "voxels without a value; expected numbers", "they are black: keep contours off them")


def _png(grey: Grey) -> bytes:
    raw = io.BytesIO()
    Image.fromarray(grey).save(raw, "PNG")
    return raw.getvalue()
