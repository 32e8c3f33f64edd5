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
from mriparaspinal.files.folder import list_files, read_bytes
from mriparaspinal.files.protocol import FILE as PROTOCOL
from mriparaspinal.files.results import sha256
from mriparaspinal.files.tables import TextTable, csv_bytes, harmless, parse_table, read_table
from mriparaspinal.model import COLUMNS, PROBLEM_COLUMNS, Measurement, Problem, Settings, SliceResult
from mriparaspinal.participants import NOBODY, Participants, match_slices, read_participants
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

    Raises :class:`NoInputError` for a folder without slices, :class:`UsageError` for a
    participants file that was asked for and cannot be used.
    """
    files, broken_links = list_files(root, leave_out)
    dataset = find_slices(files, broken_links, settings)
    problems = list(dataset.problems)
    digests = {PROTOCOL: sha256(read_bytes(root / PROTOCOL))} if PROTOCOL in files else {}
    table = _participants_table(root, files, participants_file)
    participants, participants_csv = NOBODY, None
    if table is not None:
        path, text = table
        digests[path.name] = sha256(read_bytes(path))
        participants, faults = read_participants(text.columns, text.rows, path.name)
        problems += faults
        groups = {slice_.participant_id: slice_.group for slice_ in dataset.slices}
        problems += match_slices(participants, groups, path.name) if participants.rows else ()
        participants_csv = read_bytes(path) if text.plain else csv_bytes(text.columns, text.rows)
    spacings: dict[str, Spacing] = {}
    if SLICES_TABLE in files:
        raw = read_bytes(root / SLICES_TABLE)
        digests[SLICES_TABLE] = sha256(raw)
        spacings, faults = _read_spacings(raw, [slice_.name for slice_ in dataset.slices])
        problems += faults
    return Study(root, dataset, participants, participants_csv, spacings, digests, tuple(problems))


def _participants_table(root: Path, files: list[str], asked: Path | None) -> tuple[Path, TextTable] | None:
    if asked is not None:
        try:
            return asked, read_table(asked)
        except NoInputError as error:
            raise UsageError(f"--participants: {error}") from None
    there = [name for name in ("participants.csv", "participants.tsv") if name in files]
    if len(there) > 1:
        raise UsageError(f"{' and '.join(there)} were found; expected one; choose with --participants")
    return (root / there[0], read_table(root / there[0])) if there else None


def _read_spacings(raw: bytes, images: list[str]) -> tuple[dict[str, Spacing], list[Problem]]:
    """Pixel spacings in mm by image; ``image`` cells may be names with or without their folder."""
    try:
        table = parse_table(raw, SLICES_TABLE)
    except NoInputError as error:
        return {}, [_spacing_error("", str(error), "correct it: areas in mm² stay empty without it")]
    missing = [column for column in _SPACING_COLUMNS if column not in table.columns]
    if missing:
        found = f"no column {', '.join(missing)}; expected {', '.join(_SPACING_COLUMNS)}"
        return {}, [_spacing_error("", found, "add it: areas in mm² stay empty without it")]
    places = [table.columns.index(column) for column in _SPACING_COLUMNS]
    by_name: dict[str, list[str]] = {}
    for image in images:
        for name in {image, image.rsplit("/", 1)[-1]}:
            by_name.setdefault(name, []).append(image)
    spacings: dict[str, Spacing] = {}
    problems = []
    for row in table.rows:
        name, *texts = (row[place] for place in places)
        spacing = _spacing(texts)
        targets = by_name.get(name, [])
        if not any(texts):
            continue  # prepared from a source that does not know its spacing
        if spacing is None:
            found = f"spacing {' × '.join(map(repr, texts))} was found; expected two positive numbers in mm"
            problems.append(_spacing_error(name, found, "correct the row: csa_mm2 stays empty without it"))
        elif len(targets) > 1 or any(target in spacings for target in targets):
            found = "the name fits several images or rows; expected one row per image, with its folder"
            problems.append(_spacing_error(name, found, "write the image's path below the dataset"))
            for target in targets:
                spacings.pop(target, None)
        else:
            spacings.update(dict.fromkeys(targets, spacing))
    without = [image for image in images if image not in spacings]
    if without and spacings:
        found = f"no spacing for {len(without)} images, among them {without[0]}; expected a row for each"
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
        found, expected, remedy = str(error).removeprefix("dataset: ").split("; ")
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
    for segment in sorted({row.segment for row in rows}):
        cells = [tuple(getattr(row, c) for c in COLUMNS) for row in rows if row.segment == segment]
        files[f"{segment}.csv"] = csv_bytes(COLUMNS, cells)
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
                "warnings": len(measured.problems) - measured.errors,
            },
        }
    )
