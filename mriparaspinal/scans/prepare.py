"""From DICOM series and NIfTI volumes to the slices of a dataset folder: ``prepare`` as one function.

Nothing that tells who a patient is goes into an output: of the sources, only pixels, geometry and
windows are used, and a slice's origin is recorded as its row in ``levels.csv``.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mriparaspinal import __version__
from mriparaspinal.core.errors import UnreadableError, UsageError, unreadable
from mriparaspinal.core.filenames import PREPARED, require_short
from mriparaspinal.core.label_list import LABELS, label_list
from mriparaspinal.core.model import PROBLEM_COLUMNS, SEGMENTS, Problem
from mriparaspinal.core.text import count_of, natural_key
from mriparaspinal.imaging.window import PERCENTILES, WindowRule
from mriparaspinal.io.label_volumes import read_label_volume
from mriparaspinal.io.manifest import listed_outputs, manifest_bytes
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.scan_files import has_series, places, read_source, read_sources, require_there
from mriparaspinal.io.tables import csv_bytes, read_table
from mriparaspinal.io.volumes import volume_kind
from mriparaspinal.io.write import sha256
from mriparaspinal.scans.choose import Chosen, choose, named
from mriparaspinal.scans.level_maps import FoundLevels, LevelRule, find_levels
from mriparaspinal.scans.levels import Level, count_refused, parse_levels, problem_of_row, row_problem
from mriparaspinal.scans.picture import SLICES_COLUMNS, Row, Windows, slice_picture

SLICES_TABLE = "slices.csv"

PROBLEMS = "problems.csv"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The files of a dataset folder by name, the manifest last, and what was found on the way."""

    files: dict[str, bytes]
    problems: list[Problem]
    rows: int
    """Rows of levels.csv, but for those that a person has said no to."""
    images: int


def prepare(
    sources: Sequence[Path],
    levels_file: Path,
    window: WindowRule | None,
    out: Path,
    rule: LevelRule | None = None,
    progress: Callable[[], None] | None = None,
    form: Form | None = None,
) -> Prepared:
    """The dataset's files for every row of a levels table.

    ``rule``: how slices are taken from label maps; ``form``: which place of a NIfTI header counts where its
    two disagree. Rows that cannot be prepared become problems, the
    others are done. Raises :class:`UsageError` for a window that a source does not have, and where
    rows have label maps without a rule or the other way round.
    """
    for path in sources:
        require_there(path)
    table = read_table(levels_file)
    levels, problems = parse_levels(table.columns, table.rows)
    _check_label_rule(levels, rule)
    images: dict[str, bytes] = {}
    rows: dict[str, Row] = {}
    maps = {level.label_map: places(sources, level.label_map) for level in levels if level.label_map}
    map_files = {path.resolve() for paths in maps.values() for path in paths}
    # Kept, as the rows of a patient have one map; what is kept of it is small.
    levels_in = functools.cache(lambda name: _read_levels(maps[name], rule, form))
    # A row that names a file of a series names a part of it: its window is that of the whole series.
    everywhere = functools.cache(lambda: read_sources(sources, out, map_files, form))
    windows_everywhere: Windows = {}
    for place, members in _by_place(sources, levels, problems).items():
        source = read_source(place, out, map_files, form)
        if source.broken and source.series:  # without series each row tells it
            problems.append(_unread(members[0], len(source.broken)))
        chosen: list[Chosen] = []
        for level in members:
            try:
                found = levels_in(level.label_map) if level.label_map else None
                if isinstance(found, UnreadableError):
                    raise found
                chosen += choose(source, level, found, rule, problems)
            except UnreadableError as error:
                problems.append(problem_of_row(level.row, error.fault))
        windows: Windows = {}
        for name, one in named(chosen, problems):
            try:
                require_short(name)
                dicom = one.stack.kind == "DICOM"
                part = place.is_file() and dicom and has_series(everywhere(), one.stack)
                whole, known = (everywhere(), windows_everywhere) if part else (source, windows)
                images[name], rows[name] = slice_picture(name, one, whole, window, known, problems)
            except UnreadableError as error:
                problems.append(problem_of_row(one.level.row, error.fault))
        if progress is not None:
            for _ in members:
                progress()
    problems.sort(key=lambda problem: natural_key(problem.shape))
    wanted = len(table.rows) - count_refused(table.columns, table.rows)
    files = _files(images, rows, problems, _settings(window, rule, form), wanted)
    return Prepared(files, problems, wanted, len(images))


def _check_label_rule(levels: Sequence[Level], rule: LevelRule | None) -> None:
    row = next((level.row for level in levels if level.label_map), None)
    if row is not None and rule is None:
        found = f"not given, but row {row} of levels.csv has a label_map"
        expected = "expected what its numbers mean: the name of a numbering or a table"
        raise UsageError(f"--level-numbering: {found}; {expected}; give it")
    if row is None and rule is not None:
        found = "given, but no usable row of levels.csv has a label_map"
        raise UsageError(f"--level-numbering: {found}; expected one; leave it out, or fill in label_map")


def _settings(window: WindowRule | None, rule: LevelRule | None, form: Form | None) -> dict[str, object]:
    """What was asked for, or taken in its place, for the manifest."""
    settings: dict[str, object] = {"window": window or "dicom-series", "percentiles": PERCENTILES}
    settings |= {"display": "radiological", **_told_rule(rule)}
    return settings if form is None else settings | {"affine": form}


def _told_rule(rule: LevelRule | None) -> dict[str, object]:
    if rule is None:
        return {}
    values = rule.numbering.values(rule.at)
    numbering = {segment: sorted(values[segment]) for segment in SEGMENTS if segment in values}
    return {"level_numbering": numbering, "level_at": rule.at, "slices_per_level": rule.slices}


def _read_levels(
    paths: Sequence[Path], rule: LevelRule | None, form: Form | None
) -> FoundLevels | UnreadableError:
    """The levels of the label map that a row names, or what is wrong with it."""
    if len(paths) != 1 or not paths[0].is_file() or not volume_kind(paths[0].name):
        found = "more than one file" if len(paths) > 1 else "no volume (NIfTI, NRRD, MetaImage)"
        expected = "the name of one below a SOURCE"
        return unreadable(f"its label_map names {found}", expected, "correct the row", "no-label-map")
    assert rule is not None  # else the table has no label maps
    try:
        volume = read_label_volume(paths[0], form)
        if volume.affine is None:
            found = "a label map without its position (of NIfTI: neither sform nor qform)"
            remedy = "write it again with the header of its image"
            return unreadable(found, "one: its place is not known without", remedy, "broken-label-map")
        if volume.layers > 1:
            found = "a segmentation of several layers"
            remedy = "export it as one label map, whose numbers --level-numbering names"
            return unreadable(found, "one", remedy, "broken-label-map")
        return replace(find_levels(volume.voxels, volume.affine, rule), remark=volume.remark)
    except UnreadableError as error:
        known = bool(error.fault.code)  # by what is in the map, not by the file
        return error if known else UnreadableError(error.fault.about("label map").at("", "broken-label-map"))
    except MemoryError:
        found = "a label map larger than the memory"
        return unreadable(
            found, "one of the lumbar spine", "cut the lumbar spine out of it", "broken-label-map"
        )


def _files(
    images: dict[str, bytes],
    rows: dict[str, Row],
    problems: list[Problem],
    settings: dict[str, object],
    table_rows: int,
) -> dict[str, bytes]:
    files = dict(sorted(images.items()))
    files[SLICES_TABLE] = csv_bytes(SLICES_COLUMNS, [rows[name] for name in files])
    files[LABELS] = label_list()
    files[PROBLEMS] = csv_bytes(PROBLEM_COLUMNS, [[getattr(p, c) for c in PROBLEM_COLUMNS] for p in problems])
    errors = sum(problem.severity == "error" for problem in problems)
    counts = {"rows": table_rows, "images": len(images), "errors": errors}
    counts["warnings"] = len(problems) - errors
    files[PREPARED] = manifest_bytes(
        {
            "mriparaspinal": __version__,
            "settings": settings,
            "libraries": _versions(),
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


def _unread(level: Level, files: int) -> Problem:
    # The names of files often hold the patient's, so they are on the terminal only, in the list.
    found = f"{count_of(files, 'broken file')} in its source; "
    found += "expected complete ones: a slice or a window may be missing"
    return row_problem(level.row, "broken-files", found, "see --list for their names", "warning")


def _by_place(
    sources: Sequence[Path], levels: Sequence[Level], problems: list[Problem]
) -> dict[Path, list[Level]]:
    """The rows of each source together, so that one source at a time is in memory."""
    placed: list[tuple[Path, Level]] = []
    segments: dict[tuple[str, str, str], list[tuple[Path, Level]]] = defaultdict(list)
    for level in levels:
        found = places(sources, level.source)
        if len(found) != 1:
            what = "more than one source" if found else "no source"
            expected = "expected the name of one SOURCE, or of a folder or file below one"
            problems.append(
                row_problem(level.row, "no-source", f"its source names {what}; {expected}", "correct the row")
            )
            continue
        placed.append((found[0].resolve(), level))
        for segment in SEGMENTS if level.segment is None else (level.segment,):
            segments[level.group, level.patient, segment].append(placed[-1])
    scattered: dict[int, str] = {}
    for (group, patient, segment), same in segments.items():
        if len({path for path, _ in same}) > 1:
            rows = ", ".join(str(level.row) for _, level in same)
            clash = f"rows {rows} take {group}_{patient} {segment} from several sources; expected one"
            scattered |= {level.row: clash for _, level in same}
    problems += [
        row_problem(row, "duplicate-slice", clash, "keep one of them, or name the folder that holds all")
        for row, clash in scattered.items()
    ]
    by_place: dict[Path, list[Level]] = defaultdict(list)
    for path, level in placed:
        if level.row not in scattered:
            by_place[path].append(level)
    return by_place


def check_output(out: Path, files: Mapping[str, bytes], cut_off: Container[str] = ()) -> None:
    """Raise :class:`UsageError` where writing would take something away that people rely on.

    That is a file that ``prepare`` did not write or that was changed since, a picture that has
    contours already, and pictures whose rows of ``slices.csv`` would be lost. ``cut_off``: the files that a
    run was replacing when it was killed.
    """
    written = _written(out)
    for name, content in files.items():
        there = out / name
        if name == PREPARED or not there.is_file():
            continue
        old = there.read_bytes()
        if old == content:
            continue
        if sha256(old) != written.get(name) and name not in cut_off:
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
    return listed_outputs(out / PREPARED)
