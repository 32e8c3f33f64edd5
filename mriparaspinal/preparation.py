"""From DICOM series and NIfTI volumes to the slices of a dataset folder: ``prepare`` as one function.

Nothing that tells who a patient is goes into an output: of the sources, only pixels, geometry and
windows are used, and a slice's origin is recorded as its row in ``levels.csv``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mriparaspinal import __version__
from mriparaspinal.dataset import PREPARED
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.dicom import read_series
from mriparaspinal.files.folder import UnreadableFileError, list_files
from mriparaspinal.files.nifti import is_nifti, read_volume
from mriparaspinal.files.results import manifest_bytes, sha256
from mriparaspinal.files.tables import TextTable, csv_bytes, read_table
from mriparaspinal.grey_window import (
    PERCENTILES,
    Grey,
    Voi,
    WindowRule,
    linear_levels,
    percentile_window,
    series_window,
    shown,
)
from mriparaspinal.levels import COLUMNS as LEVEL_COLUMNS
from mriparaspinal.levels import TABLE as LEVELS_TABLE
from mriparaspinal.levels import Level, parse_levels, row_problem
from mriparaspinal.model import MUSCLES, PROBLEM_COLUMNS, REFERENCES, Problem
from mriparaspinal.volume import Series, plane_name, radiological, tilt_degrees

SLICES_TABLE = "slices.csv"
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
)
LABELS = "labels.txt"
PROBLEMS = "problems.csv"
#: More values than any series of slices has; the percentiles need all of them in memory at once.
_VALUE_LIMIT = 60_000_000
_THUMB = 160
_SHEET_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Source:
    """What a place holds: its series, and what could not be read there (name; found; remedy)."""

    series: tuple[Series, ...]
    broken: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The files of a dataset folder by name, the manifest last, and what was found on the way."""

    files: dict[str, bytes]
    problems: list[Problem]
    rows: int
    """Rows of levels.csv."""
    images: int


class _RowError(Exception):
    """A row that cannot be prepared: code, (what was found; what was expected), what to do."""


def read_source(path: Path, leave_out: Path | None = None) -> Source:
    """All series and volumes of a file or folder. Raises :class:`NoInputError` where it is not there."""
    if path.is_dir():
        names, _ = list_files(path, leave_out)
    elif path.is_file():
        names = [path.name]
    else:
        raise NoInputError(f"{path}: does not exist; expected DICOM series or a NIfTI volume; check the path")
    files = [(name, path / name if path.is_dir() else path) for name in names]
    series, broken = read_series([(name, file) for name, file in files if not is_nifti(name)])
    for name, file in files:
        if is_nifti(name):
            try:
                series.append(read_volume(file, name))
            except UnreadableFileError as error:
                broken.append((name, error.message, error.remedy))
    return Source(tuple(series), tuple(broken))


def prepare(
    sources: Sequence[Path],
    levels_file: Path,
    window: WindowRule | None,
    out: Path,
    progress: Callable[[], None] | None = None,
) -> Prepared:
    """The dataset's files for every row of a levels table.

    Rows that cannot be prepared become problems, the others are done. Raises :class:`UsageError`
    for a window that a source does not have, :class:`NoInputError` where no row could be prepared.
    """
    table = read_table(levels_file)
    levels, problems = parse_levels(table.columns, table.rows)
    images: dict[str, bytes] = {}
    rows: dict[str, tuple[str | int | float | None, ...]] = {}
    for place, members in _by_place(sources, levels, problems):
        source = read_source(place, leave_out=out)
        if source.broken:
            problems.append(_unread(members[0], len(source.broken)))
        windows: dict[str, _Window] = {}
        for level in members:
            try:
                images[level.image], rows[level.image] = _slice(source, level, window, windows, problems)
            except _RowError as error:
                problems.append(row_problem(level.row, *error.args))
            if progress is not None:
                progress()
    problems.sort(key=lambda problem: int(problem.shape.removeprefix("row ")))
    return Prepared(_files(images, rows, problems, window, table), problems, len(table.rows), len(images))


def _files(
    images: dict[str, bytes],
    rows: dict[str, tuple[str | int | float | None, ...]],
    problems: list[Problem],
    window: WindowRule | None,
    table: TextTable,
) -> dict[str, bytes]:
    files = dict(sorted(images.items()))
    files[SLICES_TABLE] = csv_bytes(SLICES_COLUMNS, [rows[name] for name in files])
    files[LABELS] = label_list()
    files[PROBLEMS] = csv_bytes(PROBLEM_COLUMNS, [[getattr(p, c) for c in PROBLEM_COLUMNS] for p in problems])
    settings = {"window": window or "dicom-series", "percentiles": PERCENTILES, "display": "radiological"}
    libraries = _versions()
    errors = sum(problem.severity == "error" for problem in problems)
    counts = {"rows": len(table.rows), "images": len(images), "errors": errors}
    counts["warnings"] = len(problems) - errors
    files[PREPARED] = manifest_bytes(
        {
            "mriparaspinal": __version__,
            "settings": settings,
            "libraries": libraries,
            "outputs": {name: sha256(content) for name, content in files.items()},
            "counts": counts,
        }
    )
    return files


def _versions() -> dict[str, str]:
    import nibabel
    import PIL
    import pydicom

    modules = {"numpy": np, "pillow": PIL, "pydicom": pydicom, "nibabel": nibabel}
    return {name: str(module.__version__) for name, module in modules.items()}


def label_list() -> bytes:
    """The labels of the contract, one a line, as LabelMe's ``--labels`` reads them."""
    names = [f"{muscle}_{side}" for muscle in MUSCLES for side in "LR"]
    return "".join(f"{name}\n" for name in (*names, *REFERENCES)).encode()


def _unread(level: Level, files: int) -> Problem:
    # The names of files often hold the patient's, so they are on the terminal only, in the list.
    found = f"{files} broken files in its source; expected whole ones: a slice or a window may be missing"
    return row_problem(level.row, "broken-files", found, "see --list for their names", "warning")


def _by_place(
    sources: Sequence[Path], levels: list[Level], problems: list[Problem]
) -> Iterator[tuple[Path, list[Level]]]:
    """The rows of each source together, so that one source at a time is in memory."""
    places: dict[Path, list[Level]] = {}
    for level in levels:
        found = _places(sources, level.source)
        if len(found) == 1:
            places.setdefault(found[0], []).append(level)
            continue
        what = "more than one source" if found else "no source"
        expected = "expected the name of one SOURCE, or of a folder or file below one"
        problems.append(
            row_problem(level.row, "no-source", f"its source names {what}; {expected}", "correct the row")
        )
    yield from places.items()


def _places(sources: Sequence[Path], name: str) -> list[Path]:
    if not name:
        return list(sources) if len(sources) == 1 else []
    found: dict[Path, Path] = {}
    for source in sources:
        below = source / name
        inside = source.is_dir() and below.exists() and below.resolve().is_relative_to(source.resolve())
        if source.name == name or str(source) == name or source.resolve().name == name:
            found.setdefault(source.resolve(), source)
        elif inside:
            found.setdefault(below.resolve(), below)
    return list(found.values())


def _check_rule(series: Series, window: WindowRule | None) -> None:
    if series.kind == "NIfTI" and window in (None, "dicom-series", "dicom-slice"):
        found = f"{window} was found" if window else "no window was given"
        expected = "expected percentile or LOW,HIGH: NIfTI volumes have no window of their own"
        raise UsageError(f"--window: {found}; {expected}; give one")


def choose(source: Source, level: Level) -> tuple[Series, int]:
    """The series and the index of the slice that a row means; raises ``_RowError``."""
    everything = list(source.series)
    if not everything:
        reason = f" ({len(source.broken)} broken files)" if source.broken else ""
        raise _RowError("no-series", f"no series in its source{reason}; expected one", "correct the row")
    if level.series is not None:
        everything = [series for series in everything if series.number == level.series]
        if not everything:
            found = f"no series {level.series} in its source ({_told(source.series)}); expected one of these"
            raise _RowError("no-series", found, "correct the row")
    axial = [series for series in everything if series.plane_name() == "axial"]
    if not axial:
        raise _RowError(
            "not-axial", f"no axial slices ({_told(everything)}); expected some", "choose an axial series"
        )
    if len({(series.kind, series.key) for series in axial}) > 1:
        found = f"several axial series ({_told(axial)}); expected one"
        remedy = "name the SeriesNumber in a column series, or the series' own folder or file in source"
        raise _RowError("ambiguous-series", found, remedy)
    return (
        _by_position(axial, level.position_mm)
        if level.slice is None
        else _by_number(axial, everything, level.slice)
    )


def _by_number(axial: list[Series], everything: list[Series], number: int) -> tuple[Series, int]:
    def at(stacks: list[Series]) -> list[tuple[Series, int]]:
        return [(s, i) for s in stacks for i, picture in enumerate(s.pictures) if picture.number == number]

    found = at(axial)
    if len(found) == 1:
        return found[0]
    if found:
        what = f"{len(found)} slices with the number {number} ({_told(axial)}); expected one"
        raise _RowError("ambiguous-slice", what, "name one folder or file in source, or give position_mm")
    others = sorted({series.plane_name() for series, _ in at(everything)})
    if others:
        what = f"slice {number} is {' and '.join(others)}; expected an axial one"
        raise _RowError("not-axial", what, "correct the slice")
    what = f"no slice {number} ({_told(axial)}); expected one of these"
    raise _RowError("no-slice", what, "correct the slice")


def _by_position(axial: list[Series], position: float | None) -> tuple[Series, int]:
    if position is None or len(axial) > 1:
        found = f"position_mm in a series of {len(axial)} stacks of different tilt; expected a slice number"
        raise _RowError("ambiguous-slice", found, "give slice instead")
    (series,) = axial
    places = [picture.plane.position_mm() for picture in series.pictures if picture.plane]
    distances = np.abs(np.asarray(places) - position)
    nearest = float(distances.min())
    half = (series.slice_spacing_mm() or 0.0) / 2
    if nearest > max(half, 0.5):
        found = (
            f"the nearest slice to {position:g} mm is {nearest:.1f} mm away; expected one within {half:g} mm"
        )
        found += f" (they go from {places[0]:g} to {places[-1]:g})"
        raise _RowError("no-slice", found, "correct position_mm")
    equal = np.flatnonzero(distances <= nearest + 0.01)
    if len(equal) > 1:
        found = f"{len(equal)} slices at {position:g} mm; expected one"
        raise _RowError("ambiguous-slice", found, "give slice instead")
    return series, int(equal[0])


def _told(series: Sequence[Series]) -> str:
    """Series in words that hold nothing of the patient."""
    return ", ".join(
        f"{_title(s)}: {len(s.pictures)} {_plane_words(s)}, {numbers(s)}" for s in series[:12]
    ) + (f" and {len(series) - 12} more" if len(series) > 12 else "")


def _plane_words(series: Series) -> str:
    name = series.plane_name()
    return "of unknown orientation" if name == "unknown" else name


def _title(series: Series) -> str:
    if series.kind == "NIfTI":
        return "NIfTI volume"
    return "series without number" if series.number is None else f"series {series.number}"


def numbers(series: Series) -> str:
    """The numbers of its slices, as a range."""
    known = [picture.number for picture in series.pictures if picture.number is not None]
    return f"slices {min(known)} to {max(known)}" if known else "slices without numbers"


@dataclass(frozen=True, slots=True)
class _Window:
    """The window of a series under the rule: limits or a VOI; None, with the reason, where there is none."""

    window: tuple[float, float] | Voi | None
    remark: str


def _slice(
    source: Source,
    level: Level,
    rule: WindowRule | None,
    windows: dict[str, _Window],
    problems: list[Problem],
) -> tuple[bytes, tuple[str | int | float | None, ...]]:
    """The PNG of one row, and its row of ``slices.csv``."""
    series, index = choose(source, level)
    _check_rule(series, rule)
    picture = series.pictures[index]
    assert picture.plane is not None  # it is axial
    values = _read(series, index)
    same = [s for s in source.series if (s.kind, s.key) == (series.kind, series.key)]
    stack = [s for s in same if s.plane_name() == "axial"]
    known = f"{series.kind} {series.key}"
    if rule == "dicom-slice":
        window = _Window(
            picture.voi if picture.voi and picture.voi.usable() else None, "no usable VOI window"
        )
    else:
        if known not in windows:
            windows[known] = _window(stack, rule)
            if windows[known].window is not None and windows[known].remark:
                problems.append(_spread(level, windows[known].remark))
        window = windows[known]
    if window.window is None:
        found = f"{window.remark}; expected a window for its grey levels"
        raise _RowError("no-window", found, "give --window LOW,HIGH or --window percentile")
    grey, limits = shown(values, window.window, picture.inverted)
    turned, plane = radiological(grey, picture.plane)
    _remark(level, series, values, plane.row_spacing_mm is None, problems)
    voi = window.window if isinstance(window.window, Voi) else None
    low, high = limits or (None, None)
    centre, width = (voi.centre, voi.width) if voi and voi.table is None else (None, None)
    name = rule if isinstance(rule, str) else "dicom-series" if rule is None else "low-high"
    place = (level.image, plane.row_spacing_mm, plane.col_spacing_mm, low, high, level.row)
    return _png(turned.astype(np.uint8)), (*place, name, voi.function if voi else "", centre, width)


def _window(stacks: list[Series], rule: WindowRule | None) -> _Window:
    if isinstance(rule, tuple):
        return _Window(rule, "")
    if rule == "percentile":
        limits = _percentiles(stacks)
        return _Window(limits, "" if limits else "1st and 99th percentile are equal")
    return _Window(*series_window([picture.voi for stack in stacks for picture in stack.pictures]))


def _percentiles(stacks: list[Series]) -> tuple[float, float] | None:
    """Percentiles of all values of a series."""
    parts: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    count = 0
    for stack in stacks:
        for index in range(len(stack.pictures)):
            values = _read(stack, index)
            count += values.size
            if count > _VALUE_LIMIT:
                found = f"more than {_VALUE_LIMIT / 1e6:.0f} million values; expected fewer for percentiles"
                raise _RowError("too-large", found, "give --window LOW,HIGH")
            parts.append(values[~np.isnan(values)])
    return percentile_window(np.concatenate(parts))


def _read(series: Series, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    try:
        return series.read(index)
    except UnreadableFileError as error:
        number = series.pictures[index].number
        raise _RowError("unreadable-slice", f"slice {number}: {error.message}", error.remedy) from None


def _spread(level: Level, remark: str) -> Problem:
    message = f"{remark}; expected one window; the medians are used for the whole series"
    remedy = "compare with --window dicom-slice, or give LOW,HIGH"
    return row_problem(level.row, "window-spread", message, remedy, "warning")


def _remark(
    level: Level,
    series: Series,
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    no_spacing: bool,
    problems: list[Problem],
) -> None:
    def warn(code: str, message: str, remedy: str) -> None:
        problems.append(row_problem(level.row, code, message, remedy, "warning"))

    if no_spacing:
        warn(
            "no-spacing", "no PixelSpacing; expected one", "areas in mm² stay empty; write it into slices.csv"
        )
    if series.modality not in ("", "MR"):
        warn("not-mr", f"modality {series.modality}; expected MR", "check that it is the series you mean")
    if series.kind == "NIfTI" and np.isnan(values).any():
        warn("no-value", "voxels without a value; expected numbers", "they are black: keep contours off them")


def _png(grey: Grey) -> bytes:
    raw = io.BytesIO()
    Image.fromarray(grey).save(raw, "PNG")
    return raw.getvalue()


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


def list_row(place: str, series: Series) -> tuple[str, ...]:
    """A series as a row of the list; ``place``: what to write as its source in levels.csv."""
    plane = series.pictures[0].plane
    name, spacing, positions = "unknown", "", ""
    if plane:
        tilt = tilt_degrees(plane)
        name = plane_name(plane)
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


def survey(sources: Sequence[Path], leave_out: Path | None = None) -> Surveyed:
    """Every series of the sources."""
    stacks: list[tuple[str, Series]] = []
    broken: list[str] = []
    for path in sources:
        source = read_source(path, leave_out)
        for series in source.series:
            whole = not path.is_dir() or series.place == "."
            stacks.append(((path.name or str(path)) if whole else series.place, series))
        broken += [f"{name}: {message}; {remedy}" for name, message, remedy in source.broken]
    return Surveyed(tuple(stacks), tuple(broken))


def sheet_files(found: Surveyed) -> dict[str, bytes]:
    """A contact sheet of each axial stack, numbered by the row of the list, and an empty levels.csv."""
    sheets = {
        f"sheet_{row}.png": contact_sheet(series)
        for row, (_, series) in enumerate(found.stacks, 1)
        if series.plane_name() == "axial"
    }
    return {**sheets, LEVELS_TABLE: levels_template()} if sheets else {}


def check_output(out: Path, files: Mapping[str, bytes]) -> None:
    """Raise :class:`UsageError` where writing would take something away that people rely on.

    That is a file that ``prepare`` did not write or that was changed since, a picture that has
    contours already, and pictures whose rows of ``slices.csv`` would be lost.
    """
    written = _written(out)
    for name, content in files.items():
        there = out / name
        if name == PREPARED or not there.is_file():
            continue
        old = there.read_bytes()
        if old == content:
            continue
        if sha256(old) != written.get(name):
            found = "was not written by prepare, or was changed since; expected nothing to be lost"
            raise UsageError(f"{there}: {found}; choose another --out")
        if name.endswith(".png") and there.with_suffix(".json").exists():
            found = "has contours, and would become another picture; expected the same levels and window"
            raise UsageError(f"{there}: {found}; choose another --out")
    lost = [name for name in written if name.endswith(".png") and name not in files]
    if lost:
        found = f"holds {len(lost)} prepared images that this run does not make, among them {lost[0]}"
        raise UsageError(f"{out}: {found}; expected rows for them in levels.csv; choose another --out")


def _written(out: Path) -> dict[str, str]:
    """What an earlier run wrote: SHA-256 by name."""
    try:
        return dict(json.loads((out / PREPARED).read_bytes())["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


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
        except UnreadableFileError:
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
