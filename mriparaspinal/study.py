"""A whole dataset folder: its slices, participants and spacings, measured together."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriparaspinal import __version__
from mriparaspinal.dataset import Dataset, find_slices
from mriparaspinal.errors import NoInputError, ParaspinalError, UsageError
from mriparaspinal.files.folder import UnreadableFileError, list_files, read_bytes
from mriparaspinal.files.images import IMAGE_ENDINGS
from mriparaspinal.files.protocol import FILE as PROTOCOL
from mriparaspinal.files.results import PARTICIPANTS, sha256
from mriparaspinal.files.tables import TextTable, csv_bytes, harmless, parse_table, table_bytes
from mriparaspinal.model import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    PROBLEM_COLUMNS,
    Measurement,
    Problem,
    Settings,
    SliceResult,
)
from mriparaspinal.participants import KEY, NOBODY, Participants, match_slices, read_participants
from mriparaspinal.pipeline import measure_slices
from mriparaspinal.tabulate import Spacing, choose_reference, missing_regions, tabulate
from mriparaspinal.vocabulary import natural_key

SLICES_TABLE = "slices.csv"
_SPACING_COLUMNS = ("image", "row_spacing_mm", "col_spacing_mm")


@dataclass(frozen=True, slots=True)
class Study:
    """A dataset folder as it lies there, before anything is measured."""

    root: Path
    dataset: Dataset
    participants: Participants
    participants_csv: bytes | None
    """The participants table as CSV, to stand beside the results."""
    spacings: dict[str, Spacing]
    sha256: dict[str, str]
    """Of the tables and the protocol, by file name; the slices' come with their results."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class MeasuredStudy:
    """What measuring a study gave."""

    study: Study
    results: list[SliceResult]
    problems: list[Problem]
    """Of files, tables and slices, sorted by file."""

    @property
    def errors(self) -> int:
        """The number of problems that are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        """The number of problems that are warnings."""
        return len(self.problems) - self.errors

    @property
    def measured(self) -> int:
        """The number of slices of which at least one muscle was measured."""
        return sum(_has_rows(result) for result in self.results)

    def require_slices(self) -> None:
        """Raise :class:`NoInputError` where no muscle of any slice was measured."""
        if self.measured:
            return
        slices = len(self.results)
        found = f"{slices} slices, but no muscle could be measured" if slices else "no annotated slices"
        expected = "expected images GROUP_N_L.png with LabelMe files of the same stem"
        remedy = "mend the problems above" if self.problems else "check the path and the names"
        raise NoInputError(f"{self.study.root}: {found}; {expected}; {remedy}")


def open_study(
    root: Path, settings: Settings, participants_file: Path | None = None, leave_out: Path | None = None
) -> Study:
    """Find slices and read the tables beside them.

    ``leave_out`` is the output folder: it may lie in the dataset and is no part of it. What is
    wrong with the tables of the dataset itself becomes problems: the slices can be measured without.
    Raises :class:`NoInputError` for a folder that is not there, :class:`UsageError` for a
    participants file that was asked for and cannot be used, and for an output folder of slices.
    """
    if leave_out is not None:
        _refuse_slices_in(leave_out, root)
    files, dead = list_files(root, leave_out)
    dataset = find_slices(files, dead, settings)
    problems = list(dataset.problems)
    digests = {}
    if PROTOCOL in files:
        try:
            digests[PROTOCOL] = sha256(read_bytes(root / PROTOCOL))
        except UnreadableFileError as error:
            raise UsageError(f"{PROTOCOL}: {error.message}; {error.remedy}") from None
    path = participants_file or _participants_file(root, files)
    participants, participants_csv = NOBODY, None
    if path is not None:
        try:
            raw = table_bytes(path)
            text = parse_table(raw, path.name)
        except NoInputError as error:
            if participants_file is not None:
                raise UsageError(f"--participants: {error}") from None
            problems.append(_table_problem(path.name, "bad-table", error))
        else:
            digests[path.name] = sha256(raw)
            participants, faults = read_participants(text.columns, text.rows, path.name)
            problems += faults
            if KEY in text.columns:
                groups = {slice_.participant_id: slice_.group for slice_ in dataset.slices}
                problems += match_slices(participants, groups, path.name)
            participants_csv = raw if text.plain else csv_bytes(text.columns, text.rows)
    spacings: dict[str, Spacing] = {}
    if SLICES_TABLE in files:
        try:
            raw = table_bytes(root / SLICES_TABLE)
            text = parse_table(raw, SLICES_TABLE)
        except NoInputError as error:
            problems.append(_table_problem(SLICES_TABLE, "bad-spacing", error))
        else:
            digests[SLICES_TABLE] = sha256(raw)
            spacings, unclear = _read_spacings(text, [slice_.name for slice_ in dataset.slices])
            problems += unclear
    return Study(root, dataset, participants, participants_csv, spacings, digests, tuple(problems))


def refuse_own_copy(participants_file: Path | None, results: Path) -> None:
    """Raise :class:`UsageError` for a participants file that would be replaced by its own copy."""
    if participants_file is not None and participants_file.resolve() == (results / PARTICIPANTS).resolve():
        found = f"{participants_file} lies where the results are written; expected it elsewhere"
        raise UsageError(f"--participants: {found}; choose another --out")


def _refuse_slices_in(out: Path, root: Path) -> None:
    """What lies in the output folder is not measured: no slices may be lost that way."""
    if not out.is_dir() or root.resolve() not in out.resolve().parents:
        return
    files = {name.casefold() for name in list_files(out)[0]}
    pair = next((name for name in sorted(files) if _is_slice(name, files)), None)
    if pair is not None:
        found = f"holds slices such as {pair}, which would not be measured; expected no slices in --out"
        raise UsageError(f"{out}: {found}; choose another --out")


def _is_slice(name: str, files: set[str]) -> bool:
    return name.endswith(IMAGE_ENDINGS) and f"{name[: name.rindex('.')]}.json" in files


def _participants_file(root: Path, files: list[str]) -> Path | None:
    there = [name for name in files if name.casefold() in (PARTICIPANTS, "participants.tsv")]
    if len(there) > 1:
        found = f"{' and '.join(there)} were found"
        raise UsageError(f"{root}: {found}; expected one; choose with --participants")
    return root / there[0] if there else None


def _table_problem(name: str, code: str, error: NoInputError) -> Problem:
    message, _, remedy = str(error).removeprefix(f"{name}: ").rpartition("; ")
    return Problem(name, "", "error", code, message, remedy)


def _read_spacings(table: TextTable, images: list[str]) -> tuple[dict[str, Spacing], list[Problem]]:
    """Pixel spacings in mm by image; ``image`` cells may be names with or without their folder."""
    missing = [column for column in _SPACING_COLUMNS if column not in table.columns]
    if missing:
        found = f"no column {', '.join(missing)}; expected {', '.join(_SPACING_COLUMNS)}"
        return {}, [_spacing_error("", found, "add it: areas in mm² stay empty without it")]
    places = [table.columns.index(column) for column in _SPACING_COLUMNS]
    told: dict[str, list[Spacing | None]] = {image: [] for image in images}
    by_name: dict[str, list[str]] = {}
    for image in images:
        by_name.setdefault(image.rsplit("/", 1)[-1], []).append(image)
    problems = []
    for row in table.rows:
        name, *texts = (row[place] for place in places)
        # Without a spacing: prepared from a source that does not know it.
        spacing = _spacing(texts) if any(texts) else None
        targets = [name] if name in told else by_name.get(name, [])
        if any(texts) and spacing is None:
            found = f"spacing {' × '.join(map(repr, texts))} was found; expected two positive numbers in mm"
            problems.append(_spacing_error(name, found, "correct the row: csa_mm2 stays empty without it"))
        elif len(targets) > 1:
            found = f"the name fits {' and '.join(targets)}; expected one row per image, with its folder"
            problems.append(_spacing_error(name, found, "write the image's path below the dataset"))
            spacing = None
        for target in targets:
            told[target].append(spacing)
    for image, rows in told.items():
        if len(rows) > 1:
            found = f"{len(rows)} rows were found for the image; expected one"
            problems.append(_spacing_error(image, found, "keep one: csa_mm2 stays empty without it"))
    spacings = {image: rows[0] for image, rows in told.items() if len(rows) == 1 and rows[0] is not None}
    without = [image for image, rows in told.items() if not rows]
    if without:
        found = f"no row for {len(without)} images, among them {without[0]}; expected one for each"
        remedy = "add the rows: csa_mm2 stays empty without them"
        problems.append(Problem(SLICES_TABLE, "", "warning", "no-spacing", found, remedy))
    return spacings, problems


def _spacing(texts: list[str]) -> Spacing | None:
    try:
        rows, columns = map(float, texts)
    except ValueError:
        return None
    good = all(math.isfinite(mm) and 0 < mm < 100 for mm in (rows, columns))
    return (rows, columns) if good else None


def _spacing_error(name: str, message: str, remedy: str) -> Problem:
    return Problem(SLICES_TABLE, name, "error", "bad-spacing", message, remedy)


def measure_study(
    study: Study, settings: Settings, jobs: int = 1, progress: Callable[[], None] | None = None
) -> MeasuredStudy:
    """Measure every slice of a study and gather all problems, those of missing regions among them."""
    results = measure_slices(study.root, study.dataset.slices, settings, jobs, progress)
    problems = [*study.problems, *(problem for result in results for problem in result.problems)]
    try:
        reference = choose_reference(results, settings)
    except ParaspinalError as error:
        found, expected, remedy = str(error).removeprefix("dataset: ").rsplit("; ", 2)
        problems.append(Problem("dataset", "", "error", "mixed-reference", f"{found}; {expected}", remedy))
    else:
        problems += missing_regions(results, reference)
    return MeasuredStudy(study, results, sorted(problems, key=lambda problem: natural_key(problem.file)))


def _has_rows(result: SliceResult) -> bool:
    return any(side for _, side in result.counts)


def measurements_of(measured: MeasuredStudy, settings: Settings) -> list[Measurement]:
    """The rows of all tables.

    Raises :class:`UsageError` where the reference is not clear, :class:`NoInputError` where
    nothing could be measured.
    """
    reference = choose_reference(measured.results, settings)
    measured.require_slices()
    study = measured.study
    people = study.participants
    onset_sides = {who: people.value(who, "onset_side") for who in people.rows}
    return tabulate(measured.results, reference, settings, onset_sides, study.spacings)


def result_files(measured: MeasuredStudy, settings: Settings) -> dict[str, bytes]:
    """The files of a folder of results, by name; the manifest is the last."""
    rows = measurements_of(measured, settings)
    files: dict[str, bytes] = {}
    columns = (*COLUMNS, *(c for c in OPTIONAL_COLUMNS if any(getattr(row, c) is not None for row in rows)))
    for segment in sorted({row.segment for row in rows}):
        cells = [tuple(getattr(row, c) for c in columns) for row in rows if row.segment == segment]
        files[f"{segment}.csv"] = csv_bytes(columns, cells)
    files["problems.csv"] = problems_csv(measured.problems)
    if measured.study.participants_csv is not None:
        files["participants.csv"] = measured.study.participants_csv
    manifest = _manifest(measured, settings, rows, files)
    files["quantify.json"] = manifest
    return files


def problems_csv(problems: list[Problem]) -> bytes:
    """``problems.csv``; what comes from file names and labels cannot run as a formula."""
    cells = [tuple(harmless(getattr(problem, c)) for c in PROBLEM_COLUMNS) for problem in problems]
    return csv_bytes(PROBLEM_COLUMNS, cells)


def problem_records(problems: list[Problem]) -> list[dict[str, str]]:
    """The problems as plain data."""
    return [dataclasses.asdict(problem) for problem in problems]


def _manifest(
    measured: MeasuredStudy, settings: Settings, rows: list[Measurement], files: dict[str, bytes]
) -> bytes:
    import msgspec
    import numpy
    import PIL

    from mriparaspinal.files.results import manifest_bytes

    inputs = dict(measured.study.sha256)
    for result in measured.results:
        inputs.update(result.sha256)
    resolved: dict[str, Any] = dataclasses.asdict(settings)
    resolved["reference"] = choose_reference(measured.results, settings) or None
    resolved["labels"] = dict(settings.labels)
    return manifest_bytes(
        {
            "mriparaspinal": __version__,
            "settings": resolved,
            "libraries": {
                "python": ".".join(map(str, sys.version_info[:3])),
                "numpy": numpy.__version__,
                "pillow": PIL.__version__,
                "msgspec": msgspec.__version__,
            },
            "inputs": dict(sorted(inputs.items())),
            "outputs": {name: sha256(content) for name, content in files.items()},
            "counts": {
                "slices_found": len(measured.results),
                "slices_measured": measured.measured,
                "participants": len({row.participant_id for row in rows}),
                "rows": len(rows),
                "errors": measured.errors,
                "warnings": measured.warnings,
            },
        }
    )
