"""Means and volumes of the maps of one participant, or of a tree of them, in the regions of an atlas."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mriparaspinal.brain.atlas import (
    COLUMNS,
    AtlasRegion,
    MapValues,
    RegionRow,
    labelled_regions,
    region_rows,
    weighted_region,
    wide_table,
)
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError, unreadable
from mriparaspinal.core.model import Problem
from mriparaspinal.core.participants import read_participants
from mriparaspinal.core.text import and_more, is_missing, natural_key, read_cell, read_number
from mriparaspinal.imaging.grids import Grid, difference, same_grid
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.nifti_maps import MapImage, read_atlas, read_map
from mriparaspinal.io.numberings import parse_numbering
from mriparaspinal.io.tables import csv_bytes, parse_table, read_table

PLACEHOLDER = "{participant_id}"

#: What no human head is smaller or larger than, in ml: other numbers are in other units.
_TIV_ML = (100.0, 3000.0)

#: How far probabilities may pass 0 and 1 by rounding.
_ROUNDING = 1e-3

_LINES = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Files are paths, or patterns where there are subjects."""

    maps: Mapping[str, str]
    """Name → file."""
    tissues: Mapping[str, str]
    """The same of maps of tissue."""
    atlas: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    """Label (or number of the volume, from 1) → region."""
    probabilities: Mapping[str, str] = field(default_factory=dict)
    """Region → file; instead of an atlas."""
    percent: bool = False
    """Whether probabilities are 0–100."""
    ignore_zero: bool = False
    affine: Form | None = None
    """Which one counts where sform and qform of an image disagree."""

    def files(self) -> list[str]:
        """All files that were named."""
        named = (self.maps, self.tissues, self.probabilities)
        return [*([self.atlas] if self.atlas else []), *(file for group in named for file in group.values())]


@dataclass(frozen=True, slots=True)
class Subject:
    """One participant, whose files are found by replacing the placeholder."""

    participant_id: str
    folder: Path | None
    """That of all subjects; None for a single participant, whose files are paths as they are."""

    def find(self, pattern: str) -> Path:
        """The one file that a pattern stands for; raises :class:`UnreadableError` for none or several."""
        if self.folder is None or PLACEHOLDER not in pattern:
            return Path(pattern)
        wanted = pattern.replace(PLACEHOLDER, self.participant_id)
        literal = re.sub(r"([*?[])", r"[\1]", self.participant_id)
        glob = pattern.replace(PLACEHOLDER, literal)
        base = self.folder
        if Path(glob).is_absolute():
            base = Path(Path(glob).anchor)
            glob = str(Path(glob).relative_to(base))
        there = sorted(path for path in base.glob(glob) if path.is_file())
        if len(there) == 1:
            return there[0]
        if not there:
            raise unreadable(f"no file {wanted}", "one", "add it, or correct the pattern")
        names = " and ".join(path.name for path in there[:3])
        found = f"{len(there)} files fit {wanted} ({names})"
        raise unreadable(found, "one", "make the pattern distinguish them")


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows of all participants, and what was wrong."""

    rows: list[RegionRow]
    problems: list[Problem]
    participants: int


@dataclass(frozen=True, slots=True)
class _Atlas:
    """The regions of an atlas, and what was found on the way."""

    grid: Grid
    regions: tuple[AtlasRegion, ...]
    problems: tuple[Problem, ...]


def find_subjects(folder: Path) -> list[Subject]:
    """The folders ``sub-…`` of a folder; where there is none, all its folders. Raises NoInputError."""
    try:
        inside = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise NoInputError(f"--subjects {folder}: {found}; expected a folder; check the path") from None
    named = [path.name for path in inside if path.name.startswith("sub-")] or [path.name for path in inside]
    if not named:
        found = "no folders; expected one for each participant"
        raise NoInputError(f"--subjects {folder}: {found}; check the path")
    return [Subject(name, folder.absolute()) for name in sorted(named, key=natural_key)]


def single_subject(participant: str | None, request: Request) -> Subject:
    """One participant: as named, else by the one ``sub-…`` in the paths, else without a name."""
    if participant is not None:
        return Subject(participant, None)
    found = {name for file in request.files() for name in re.findall(r"sub-[A-Za-z0-9]+", file)}
    return Subject(found.pop() if len(found) == 1 else "", None)


def check_request(request: Request, subjects: bool) -> None:
    """Raise :class:`UsageError` where the files cannot be those of one participant, or of many."""
    if not subjects:
        for file in request.files():
            if PLACEHOLDER in file:
                found = f"{PLACEHOLDER} without --subjects"
                raise UsageError(f"{file}: {found}; expected a path; add --subjects DIR")
        return
    for option, maps in (("--map", request.maps), ("--tissue", request.tissues)):
        for name, file in maps.items():
            if PLACEHOLDER not in file:
                found = f"no {PLACEHOLDER} in it, so that all participants would have one map"
                expected = f"expected a pattern such as {PLACEHOLDER}/dwi/*_FA.nii.gz"
                raise UsageError(f"{option} {name}={file}: {found}; {expected}; correct it")


def read_names(path: Path) -> dict[int, str]:
    """Label → region from a table ``value,label``, or BIDS' ``index,name``; raises :class:`UsageError`."""
    try:
        table = read_table(path)
    except NoInputError as error:
        raise UsageError(f"--table: {error}") from None
    columns = [column.casefold() for column in table.columns]
    if "label" not in columns and {"index", "name"} <= set(columns):
        columns = [{"index": "value", "name": "label"}.get(column, column) for column in columns]
    names = parse_numbering(columns, table.rows, f"--table: {path.name}")
    seen: dict[str, int] = {}
    for value, name in names.items():
        if name in seen:
            found = f"{name!r} is the region of {seen[name]} and of {value}"
            raise UsageError(f"--table: {path.name}: {found}; expected each name once; rename one")
        seen[name] = value
    return names


def read_tiv(text: str, participants: Path | None) -> Mapping[str, float] | float:
    """Intracranial volumes in ml: a number, or those of a column of the participants table.

    Raises :class:`UsageError` for what is neither, and for numbers that are no ml.
    """
    number = read_cell(text)
    if number is None:
        return _tiv_column(text, participants)
    if participants is not None:
        raise UsageError("--participants: given with a number as --tiv; expected a column; leave one out")
    return _plausible(number, "--tiv")


def _tiv_column(column: str, file: Path | None) -> dict[str, float]:
    if file is None:
        found = f"{column!r} is no number, and there is no --participants"
        raise UsageError(f"--tiv: {found}; expected ml, or a column of that table; give the table")
    try:
        text = read_table(file)
    except NoInputError as error:
        raise UsageError(f"--participants: {error}") from None
    people, problems = read_participants(text.columns, text.rows, file.name)
    if broken := [problem for problem in problems if problem.severity == "error"]:
        raise UsageError(f"--participants: {broken[0].line()}")
    if column not in people.columns:
        there = and_more(people.columns, 20)
        raise UsageError(f"--tiv: no column {column} in {file.name}; expected one of {there}; name another")
    volumes: dict[str, float] = {}
    for who in people.rows:
        cell = people.value(who, column)
        if is_missing(cell, number=True):
            continue
        ml = read_number(cell)
        if ml is None:
            expected = "expected ml or an empty cell"
            raise UsageError(f"--tiv: {file.name}, {who}: {cell[:40]!r}; {expected}; correct it")
        volumes[who] = _plausible(ml, f"--tiv: {file.name}, {who}")
    return volumes


def _plausible(ml: float, where: str) -> float:
    low, high = _TIV_ML
    if not low <= ml <= high:
        expected = f"expected an intracranial volume of {low:g} to {high:g} ml"
        raise UsageError(f"{where}: {ml:g}; {expected}; give it in ml (1 ml is 1000 mm³)")
    return ml


def measure_regions(
    request: Request,
    subjects: Sequence[Subject],
    tiv: Mapping[str, float] | float | None = None,
    advance: Callable[[], None] | None = None,
) -> Measured:
    """Measure each participant; what is wrong with one, or with one map, costs that one alone.

    Raises :class:`UsageError` for an intracranial volume that nothing could be divided by,
    :class:`NoInputError` where nothing could be measured at all.
    """
    tree = subjects[0].folder is not None
    own = not tree or any(PLACEHOLDER in file for file in (request.atlas, *request.probabilities.values()))
    if tiv is not None and not own and not request.tissues:
        found = "all participants share one atlas, whose regions belong to no participant"
        raise UsageError(f"--tiv: {found}; expected atlases of each, or maps of tissue; leave it out")
    if isinstance(tiv, float) and len(subjects) > 1:
        found = f"one number for {len(subjects)} participants"
        raise UsageError(f"--tiv: {found}; expected a column of the participants table; name it")
    if isinstance(tiv, Mapping) and not any(subject.participant_id in tiv for subject in subjects):
        mine, theirs = subjects[0].participant_id or "no id", next(iter(tiv), "nobody")
        found = f"the table has volumes of none of the participants ({theirs} …; here: {mine} …)"
        raise UsageError(f"--tiv: {found}; expected the same ids; correct them, or name --participant")
    rows: list[RegionRow] = []
    problems: list[Problem] = []
    shared: _Atlas | None = None
    for subject in subjects:
        try:
            atlas = shared or _read_atlas(request, subject)
        except UnreadableError as error:
            problems.append(error.fault.problem())
            if not own:
                break  # the same for everyone
        else:
            if atlas is not shared:
                problems += atlas.problems
            shared = None if own else atlas
            volume, remarks = _tiv_of(tiv, subject)
            maps, faults = _read_maps(request, subject, atlas.grid)
            problems += [*remarks, *faults]
            if maps or not (request.maps or request.tissues):
                rows += region_rows(
                    subject.participant_id,
                    atlas.regions,
                    maps,
                    atlas.grid.voxel_mm3(),
                    volume,
                    request.ignore_zero,
                    own,
                )
        if advance is not None:
            advance()
    if not rows:
        lines = [problem.line() for problem in problems if problem.severity == "error"]
        more = [f"… and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
        raise NoInputError("\n".join([*lines[:_LINES], *more]))
    return Measured(rows, problems, len({row.participant_id for row in rows}))


def long_csv(rows: Sequence[RegionRow]) -> bytes:
    """``regions.csv``: the rows as they are."""
    return csv_bytes(COLUMNS, map(dataclasses.astuple, rows))


def wide_csv(rows: Sequence[RegionRow]) -> bytes:
    """The wide table; its cells are those of the long one to the letter."""
    return csv_bytes(*wide_table(parse_table(long_csv(rows), "regions").rows))


def _fault(file: str, what: str, code: str, found: str, expected: str, remedy: str) -> UnreadableError:
    """One file that costs what depends on it."""
    return UnreadableError(Fault(file, found, expected, remedy, code, what))


def _opened(subject: Subject, pattern: str, what: str, read: Callable[[Path], Any]) -> tuple[Any, str]:
    """What a file holds, and its name for messages: the participant's, where there are several."""
    shown = pattern.replace(PLACEHOLDER, subject.participant_id) if subject.folder else pattern
    try:
        path = subject.find(pattern)
        if subject.folder is not None and path.is_relative_to(subject.folder):
            shown = path.relative_to(subject.folder).as_posix()
        return read(path), shown
    except UnreadableError as error:
        raise UnreadableError(error.fault.at(shown, "unreadable-map", what)) from None


def _read_atlas(request: Request, subject: Subject) -> _Atlas:
    if request.probabilities:
        return _read_probabilities(request, subject)
    image, file = _opened(subject, request.atlas, "atlas", partial(read_atlas, form=request.affine))
    if isinstance(image, MapImage):
        regions, unnamed = labelled_regions(image.values.ravel(order="F"), request.names)
        return _checked(file, image.grid, regions, unnamed)
    beyond = [number for number in request.names if not 1 <= number <= len(image)]
    if beyond:
        found = f"{len(image)} volumes, but the table names number {beyond[0]}"
        remedy = f"number the volumes from 1 to {len(image)}"
        raise _fault(file, "atlas", "no-such-volume", found, "it among them", remedy)
    regions, largest = [], 0.0
    by_number = {}
    for number, volume in enumerate(image.volumes(), 1):
        if number in request.names:
            weights = _weights(volume, file, f"volume {number}", request.percent)
            largest = max(largest, float(weights.max(initial=0.0)))
            by_number[number] = weighted_region(request.names[number], weights)
    _require_percent(largest, file, "atlas", request.percent)
    regions = [by_number[number] for number in request.names]
    unnamed = {number: 0 for number in range(1, len(image) + 1) if number not in request.names}
    return _checked(file, image.grid, regions, unnamed, "volumes")


def _read_probabilities(request: Request, subject: Subject) -> _Atlas:
    grid: Grid | None = None
    regions = []
    first = ""
    for region, pattern in request.probabilities.items():
        image, file = _opened(subject, pattern, region, partial(read_map, form=request.affine))
        if grid is not None and not same_grid(image.grid, grid):
            found, expected = difference(image.grid, grid)
            remedy = "resample it, and look at it"
            raise _fault(file, region, "grid-differs", found, f"{expected}, as {first}", remedy)
        grid, first = grid or image.grid, first or file
        weights = _weights(image.values, file, region, request.percent)
        _require_percent(float(weights.max(initial=0.0)), file, region, request.percent)
        regions.append(weighted_region(region, weights))
    assert grid is not None  # there is at least one
    return _checked(first, grid, regions, {})


def _weights(values: np.ndarray[Any, Any], file: str, what: str, percent: bool) -> np.ndarray[Any, Any]:
    """Probabilities 0–1 of all voxels, (n,)."""
    weights = values.ravel(order="F").astype(np.float64) / (100 if percent else 1)
    known = weights[np.isfinite(weights)]
    low, high = float(known.min(initial=0.0)), float(known.max(initial=0.0))
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        scale = 100 if percent else 1
        found = f"values from {low * scale:g} to {high * scale:g}"
        remedy = "give --percent if they are per cent" if not percent and 1 < high <= 100 else "scale them"
        raise _fault(file, what, "not-probabilities", found, f"probabilities of 0 to {scale}", remedy)
    return np.where(np.isfinite(weights), weights, 0.0)


def _require_percent(largest: float, file: str, what: str, percent: bool) -> None:
    """Probabilities that are said to be per cent, and never pass 1 of them, are hardly so."""
    if percent and 0 < largest <= 0.01 + _ROUNDING / 100:
        found = f"values up to {100 * largest:g}"
        raise _fault(file, what, "not-probabilities", found, "per cent, 0 to 100", "leave --percent out")


def _checked(
    file: str, grid: Grid, regions: list[AtlasRegion], unnamed: Mapping[int, int], kind: str = "labels"
) -> _Atlas:
    """An atlas with what is to be told of it."""
    absent = [region.name for region in regions if not len(region.where)]
    if len(absent) == len(regions):
        found = f"no voxel of any region ({and_more(absent)})"
        raise _fault(file, "atlas", "empty-atlas", found, "some", "check the atlas and the table")
    problems = []
    if unnamed:
        voxels = f" ({sum(unnamed.values())} voxels)" if kind == "labels" else ""
        found = f"{kind} that the table does not name: {and_more(sorted(unnamed))}{voxels}"
        remedy = "add them to the table if they are regions"
        message = f"{found}; expected a row for each"
        problems.append(Problem(file, "atlas", "warning", "unnamed-region", message, remedy))
    if absent:
        found = f"no voxel of {and_more(absent)}; expected every region of the table"
        remedy = "their cells are empty; check the atlas"
        problems.append(Problem(file, "atlas", "warning", "absent-region", found, remedy))
    return _Atlas(grid, tuple(regions), tuple(problems))


def _read_maps(request: Request, subject: Subject, grid: Grid) -> tuple[list[MapValues], list[Problem]]:
    maps, problems = [], []
    asked = [(name, file, False) for name, file in request.maps.items()]
    asked += [(name, file, True) for name, file in request.tissues.items()]
    for name, pattern, is_tissue in asked:
        try:
            image, file = _opened(subject, pattern, name, partial(read_map, form=request.affine))
            if not same_grid(image.grid, grid):
                found, expected = difference(image.grid, grid)
                remedy = "resample the atlas with nearest neighbour, and look at it"
                raise _fault(file, name, "grid-differs", found, f"{expected}, as the atlas has them", remedy)
            if is_tissue and (lowest := image.lowest()) < 0:
                found, remedy = f"values down to {lowest:g}", "give it as --map, or check the file"
                raise _fault(file, name, "not-tissue", found, "shares of tissue from 0", remedy)
        except UnreadableError as error:
            problems.append(error.fault.problem())
        else:
            maps.append(MapValues(name, image.values.ravel(order="F"), is_tissue))
    return maps, problems


def _tiv_of(tiv: Mapping[str, float] | float | None, subject: Subject) -> tuple[float | None, list[Problem]]:
    if tiv is None or isinstance(tiv, float):
        return tiv, []
    who = subject.participant_id
    if who in tiv:
        return tiv[who], []
    found = "no intracranial volume in the participants table; expected one in ml"
    remedy = "its cells of per cent are empty; add it"
    return None, [Problem(who or "participant", "", "warning", "no-tiv", found, remedy)]
