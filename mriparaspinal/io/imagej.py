"""ROI sets of ImageJ and Fiji (``.roi``, ``.zip``), by the package roifile. Read only.

In ImageJ the corners of pixel (0, 0) lie at (0, 0) and (1, 1), as in LabelMe, so coordinates stay as they
are; a pixel belongs to an area where its centre lies inside the outline (ImageJ's ``PolygonFiller``).
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, UnreadableError, UsageError, unreadable

#: More than any ROI has, and any ROI set, in bytes, and more ROIs than any slice has.
_ROI_LIMIT = 20_000_000

_SET_LIMIT = 100_000_000

_COUNT_LIMIT = 10_000

_COORDINATE_LIMIT = 1e6

#: Corners of the polygon that stands for an oval: as many as ImageJ gives its ellipses.
_OVAL_CORNERS = 72

_SPLINE_FIT = 1


@dataclass(frozen=True, slots=True)
class Roi:
    """One selection. ``paths``: outlines, each (n, 2) as (column, row)."""

    label: str
    paths: tuple[NDArray[np.float64], ...] = ()
    traced: bool = False
    """True where the selection is a set of pixels: those whose centre lies inside an odd number of paths."""
    no_area: str = ""
    """What it is, where it encloses no area: a line, a point."""
    fault: Fault | None = None
    """Why its area cannot be told exactly."""


def read_rois(raw: bytes, name: str) -> list[Roi]:
    """The selections of a ``.roi`` or ``.zip`` file.

    Raises :class:`UnreadableError`, and :class:`UsageError` where roifile is not installed.
    """
    entries = _entries(raw) if name.lower().endswith(".zip") else [(PurePosixPath(name).stem, raw)]
    rois = [_read(content, entry) for entry, content in entries]
    return _without_copies_names(_without_prefixes(rois))


def _entries(raw: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [i for i in archive.infolist() if i.filename.lower().endswith(".roi")]
            names = [i for i in names if not i.filename.startswith("__MACOSX/")]
            sizes = [i.file_size for i in names]
            if len(names) > _COUNT_LIMIT or max(sizes, default=0) > _ROI_LIMIT or sum(sizes) > _SET_LIMIT:
                raise unreadable("larger than any ROI set", "ROIs", "check what the file is")
            entries = [(PurePosixPath(i.filename).stem, archive.read(i)) for i in names]
    except UnreadableError:
        raise
    except Exception:
        found = "not a complete ZIP file (truncated or damaged)"
        raise unreadable(found, "an ROI set of ImageJ", "save it again in the ROI Manager") from None
    if not entries:
        raise unreadable("a ZIP file without ROIs", "an ROI set of ImageJ", "save it again")
    return entries


#: What the ROI Manager and macros put before a name: the number in the list, the slice of the stack.
_PREFIX = re.compile(r"(?P<numbers>(?:\d{3,4}-)+)(?P<label>[^\d\W].*)")


def _without_prefixes(rois: list[Roi]) -> list[Roi]:
    """``0003-0012-MF_L`` is ``MF_L``, where its slice, the last number, is that of all ROIs.

    Of several slices, or of one name with several numbers, it cannot be told which is meant.
    """
    matches = [_PREFIX.fullmatch(roi.label) for roi in rois]
    numbers = [match["numbers"].rstrip("-").split("-") if match else [] for match in matches]
    slices = {numbered[-1] for numbered in numbers if len(numbered) > 1}
    labels = [match["label"] if match else roi.label for roi, match in zip(rois, matches, strict=True)]
    result = []
    for roi, match, label in zip(rois, matches, labels, strict=True):
        fault = roi.fault
        if match and (len(slices) > 1 or labels.count(label) > 1):
            found = f"{roi.label!r} beside ROIs of other numbers"
            remedy = "save the ROIs of each slice by themselves, named as the regions"
            fault = Fault("", found, "those of one slice, each name once", remedy)
        result.append(replace(roi, label=label, fault=fault))
    return result


def _without_copies_names(rois: list[Roi]) -> list[Roi]:
    """The ROI Manager saves a second ``MF_L`` as ``MF_L-1``: it is meant to be another part of MF_L."""
    names = {roi.label for roi in rois}
    result = []
    for roi in rois:
        copy = re.fullmatch(r"(.+)-\d{1,3}", roi.label)
        result.append(replace(roi, label=copy[1]) if copy and copy[1] in names else roi)
    return result


def _read(raw: bytes, entry: str) -> Roi:
    try:
        from roifile import ImagejRoi
    except ImportError:
        found = "roifile: this package is not installed; expected it, for ROI sets of ImageJ"
        raise UsageError(f'{found}; run: pip install "mriparaspinal[contours]"') from None
    broken = unreadable("not a complete ImageJ ROI (truncated or damaged)", "one", "save it again in ImageJ")
    try:
        with warnings.catch_warnings(), _warnings_of_roifile() as heard:
            warnings.simplefilter("ignore")
            roi = ImagejRoi.frombytes(raw[:_ROI_LIMIT])
            result = _roi(roi, entry)
        if heard:
            raise broken
    except UnreadableError:
        raise
    except Exception:
        raise broken from None
    for points in result.paths:
        if not (len(points) and abs(points).max() <= _COORDINATE_LIMIT):
            raise broken
    return result


@contextlib.contextmanager
def _warnings_of_roifile() -> Iterator[list[logging.LogRecord]]:
    """What roifile has to say of a file goes to its logger, where it would go unnoticed."""
    heard: list[logging.LogRecord] = []

    def hear(record: logging.LogRecord) -> bool:
        heard.append(record)
        return False

    logger = logging.getLogger("roifile")
    logger.addFilter(hear)
    try:
        yield heard
    finally:
        logger.removeFilter(hear)


def _roi(roi: Any, entry: str) -> Roi:
    from roifile import ROI_SUBTYPE, ROI_TYPE

    label = str(roi.name or entry)
    positions = (roi.position, roi.c_position, roi.z_position, roi.t_position)
    if any(position > 1 for position in positions):
        found = f"an ROI of image {max(positions)} of a stack"
        remedy = "save those of each slice by themselves, without position"
        return Roi(label, fault=Fault("", found, "ROIs of one slice", remedy))
    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.IMAGE):
        return Roi(label, no_area="text or image")
    if roi.options & _SPLINE_FIT:
        found = "a spline, of which the file has only the knots"
        remedy = "in ImageJ: Edit > Selection > Interpolate, and save it again"
        return Roi(label, fault=Fault("", found, "an outline", remedy))
    if roi.composite:
        return _composite(roi, label)
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        points = np.asarray(roi.coordinates(), dtype=np.float64)
        if len(points) > 1 and np.array_equal(points[0], points[-1]):
            points = points[:-1]
        if len(points) < 3:
            return Roi(label, no_area=f"outline of {len(points)} points")
        return Roi(label, (points,), traced=roi.roitype == ROI_TYPE.TRACED)
    if roi.roitype in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        if roi.roitype == ROI_TYPE.RECT and roi.rounded_rect_arc_size:
            found = "a rectangle with rounded corners"
            return Roi(label, fault=Fault("", found, "an outline", "draw it as a polygon or freehand"))
        return _box(roi, label, oval=roi.roitype == ROI_TYPE.OVAL)
    kind = roi.roitype.name.lower() if roi.roitype in ROI_TYPE.__members__.values() else "selection"
    return Roi(label, no_area=kind)


def _box(roi: Any, label: str, oval: bool) -> Roi:
    left, top, width, height = roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top
    if roi.subpixelrect:
        left, top, width, height = roi.xd, roi.yd, roi.widthd, roi.heightd
    if not (width > 0 and height > 0):
        return Roi(label, no_area="empty box")
    if oval:
        angles = np.arange(_OVAL_CORNERS) * (2 * math.pi / _OVAL_CORNERS)
        # The polygon that encloses as much as the oval: its corners lie a thousandth of a radius outside.
        wider = math.sqrt((2 * math.pi / _OVAL_CORNERS) / math.sin(2 * math.pi / _OVAL_CORNERS))
        unit = wider * np.column_stack((np.cos(angles), np.sin(angles)))
        points = np.round((unit + 1) / 2 * (width, height) + (left, top), 4)
    else:
        points = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (width, height) + (left, top)
    return Roi(label, (np.asarray(points, dtype=np.float64),))


def _composite(roi: Any, label: str) -> Roi:
    try:
        paths = [np.asarray(path, dtype=np.float64) for path in roi.coordinates(multi=True)]
    except NotImplementedError:
        remedy = "in ImageJ: Edit > Selection > Create Mask, Create Selection, save it"
        return Roi(label, fault=Fault("", "a composite ROI with curves", "straight edges", remedy))
    paths = [path for path in paths if len(path) >= 3]
    return Roi(label, tuple(paths), traced=True) if paths else Roi(label, no_area="empty selection")
