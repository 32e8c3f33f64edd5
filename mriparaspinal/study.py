"""A whole dataset folder: its slices, participants and spacings, measured together."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mriparaspinal import __version__
from mriparaspinal.dataset import Dataset, find_slices, name_parser, participant_of
from mriparaspinal.errors import NoInputError, ParaspinalError, UsageError
from mriparaspinal.files.folder import UnreadableFileError, list_files, read_bytes
from mriparaspinal.files.images import IMAGE_ENDINGS, png_size
from mriparaspinal.files.manifest import listed_outputs
from mriparaspinal.files.output import MANIFEST, MARK, OutputFolder, manifest_pieces, sha256
from mriparaspinal.files.protocol import FILE as PROTOCOL
from mriparaspinal.files.results import PARTICIPANTS, SHARE, stale_tables
from mriparaspinal.files.spool import in_order
from mriparaspinal.files.tables import (
    Cell,
    TextTable,
    csv_bytes,
    csv_lines,
    parse_table,
    table_bytes,
)
from mriparaspinal.model import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    PROBLEM_COLUMNS,
    Measurement,
    Problem,
    Settings,
    Slice,
    SliceResult,
)
from mriparaspinal.names import composed, difference, loose_key, near_matches
from mriparaspinal.packed import PackedResults, PackedSlices, Part, Parts, slices_of, unpack
from mriparaspinal.parallel import Spread, map_in_order
from mriparaspinal.participants import KEY, NOBODY, Participants, match_slices, read_participants
from mriparaspinal.pipeline import measure_slices
from mriparaspinal.plausibility import Gathered
from mriparaspinal.stacks import Spacing, stack_problems
from mriparaspinal.strays import PREPARED, json_content, table_versions
from mriparaspinal.tabulate import Regions, choose_reference, each_row, missing_regions, tabulate_slices
from mriparaspinal.text import is_missing, read_number
from mriparaspinal.twins import key_of, no_keys, twin_problems
from mriparaspinal.versions import library_versions
from mriparaspinal.vocabulary import natural_key

if TYPE_CHECKING:
    from mriparaspinal.dixon import DixonSource
    from mriparaspinal.label_maps import LabelMaps
    from mriparaspinal.slice_geometry import SlicePlace

SLICES_TABLE = "slices.csv"
_PARTICIPANTS = (PARTICIPANTS, "participants.tsv", "participants.xlsx")
#: Looked at where none of the others is there: to say that they are not read.
_NOT_READ = ("participants.xls", "participants.ods", "participants.numbers")
#: Slices whose rows become text at a time.
_PART = 100
_SPACING_COLUMNS = ("image", "row_spacing_mm", "col_spacing_mm")


class UnknownParticipantError(UsageError):
    """A participant of a share who has no slices in the dataset."""


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
    places: dict[str, SlicePlace] = field(default_factory=dict)
    """Where slices lie in the patient, by image; only those of which ``slices.csv`` tells it."""
    maps: LabelMaps | None = None
    """The label maps that are measured in place of contours."""
    dixon: DixonSource | None = None
    """The fat and water images of the rule ``dixon``."""
    everyone: tuple[str, ...] = ()
    """Every participant who has slices, in the order of the tables."""
    share: tuple[str, ...] = ()
    """The participants that are measured, where it is not everyone; ``dataset`` has only their slices."""
    order: tuple[int, ...] = ()
    """Of a share: which slices of the whole dataset its slices, then its lost ones, are."""
    listing: str = ""
    """A SHA-256 over the names of all slices of the dataset."""
    prepared: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of the images that ``prepare`` wrote, by name."""


@dataclass(frozen=True, slots=True)
class MeasuredStudy:
    """What measuring a study gave."""

    study: Study
    results: Sequence[SliceResult]
    problems: list[Problem]
    """Of files, tables and slices, sorted by file."""
    by_segment: dict[str, int]
    """By segment, the number of slices of which at least one muscle was measured."""
    people: frozenset[tuple[str, str]]
    """Group and id of the participants whose slices those are."""
    reference: str | None
    """What areas are divided by, empty where there is nothing; None where that is not clear."""

    @property
    def measured(self) -> int:
        """The number of slices of which at least one muscle was measured."""
        return sum(self.by_segment.values())

    @property
    def errors(self) -> int:
        """The number of problems that are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        """The number of problems that are warnings."""
        return len(self.problems) - self.errors

    def require_slices(self) -> None:
        """Raise :class:`NoInputError` where no muscle of any slice was measured."""
        if self.measured:
            return
        slices = len(self.results)
        none = "no annotated slices" if self.study.maps is None else "no slices"
        found = f"{slices} slices, but no muscle could be measured" if slices else none
        beside = "LabelMe files of the same stem" if self.study.maps is None else "label maps"
        expected = f"expected images GROUP_N_L.png with {beside}"
        remedy = "mend the problems above" if self.problems else "check the path and the names"
        raise NoInputError(f"{self.study.root}: {found}; {expected}; {remedy}")


def open_study(
    root: Path,
    settings: Settings,
    participants_file: Path | None = None,
    leave_out: Path | None = None,
    maps: LabelMaps | None = None,
    fat_and_water: tuple[Path, Path] | None = None,
    share: Sequence[str] = (),
) -> Study:
    """Find slices and read the tables beside them.

    ``share``: the participants to measure, if not everyone; what is wrong with the tables and with the
    dataset as a whole is found as for everyone.

    With ``maps`` every image is a slice, LabelMe files or not, and its regions are those of a label map.
    ``leave_out`` is the output folder: it may lie in the dataset and is no part of it. What is
    wrong with the tables of the dataset itself becomes problems: the slices can be measured without.
    Raises :class:`NoInputError` for a folder that is not there, :class:`UsageError` for a
    participants file that was asked for and cannot be used, for an output folder of slices, and for
    participants of the share who have no slices.
    """
    if leave_out is not None:
        _refuse_slices_in(leave_out, root)
    files, dead = list_files(root, leave_out)
    if maps is not None:
        from mriparaspinal.label_maps import is_picture_of_masks, masks_without_slice

        files = [name for name in files if not is_picture_of_masks(root, name, maps)]
    content = partial(json_content, root)
    dataset = find_slices(files, dead, settings, images_alone=maps is not None, content=content)
    known = (PROTOCOL, SLICES_TABLE, *_PARTICIPANTS, *_NOT_READ)
    tables = [name for name in files if name.casefold() in known]
    given = None if participants_file is None else participants_file.name
    problems = [*dataset.problems, *table_versions(files, given)]
    del files  # very many names, perhaps
    prepared = _prepared(root, dataset.slices)
    digests = {}
    if PROTOCOL in tables:
        try:
            digests[PROTOCOL] = sha256(read_bytes(root / PROTOCOL))
        except UnreadableFileError as error:
            raise UsageError(f"{PROTOCOL}: {error.message}; {error.remedy}") from None
    path = participants_file or _participants_file(root, tables)
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
            problems += [_other_sheets(path.name, note) for note in text.notes]
            if KEY in text.columns:
                groups = {slice_.participant_id: slice_.group for slice_ in dataset.slices}
                problems += match_slices(participants, groups, path.name)
            participants_csv = raw if text.plain else csv_bytes(text.columns, text.rows)
    spacings: dict[str, Spacing] = {}
    places: dict[str, SlicePlace] = {}
    if SLICES_TABLE in tables:
        try:
            raw = table_bytes(root / SLICES_TABLE)
            text = parse_table(raw, SLICES_TABLE)
        except NoInputError as error:
            problems.append(_table_problem(SLICES_TABLE, "bad-spacing", error))
        else:
            digests[SLICES_TABLE] = sha256(raw)
            spacings, unclear = _read_spacings(text, [slice_.name for slice_ in dataset.slices])
            problems += [*unclear, *_odd_spacings(root, dataset.slices, spacings)]
            places = _read_places(text, [slice_.name for slice_ in dataset.slices])
    if maps is not None:
        maps = dataclasses.replace(maps, places=places, affine=settings.affine)
        problems += masks_without_slice(maps, dataset.slices)
    everyone = tuple(dict.fromkeys(slice_.participant_id for slice_ in dataset.slices))
    share = tuple(map(composed, share))
    chosen, order = _share_of(dataset, share, everyone) if share else (dataset, ())
    dixon = None
    if fat_and_water is not None:
        from mriparaspinal.dixon import open_dixon

        dixon = open_dixon(*fat_and_water, places, chosen.slices, settings.same_voxels, settings.affine)
    return Study(
        root,
        chosen,
        participants,
        participants_csv,
        spacings,
        digests,
        tuple(problems),
        places,
        maps,
        dixon,
        everyone,
        tuple(who for who in everyone if who in share),
        order,
        _listing(dataset.slices),
        prepared,
    )


def _prepared(root: Path, slices: Sequence[Slice]) -> dict[str, str]:
    """What ``prepare`` wrote of the images, by the manifests in their folders.

    Raises :class:`NoInputError` where a folder of slices is half that of another run of ``prepare``.
    """
    prepared: dict[str, str] = {}
    for folder in sorted({"", *(slice_.name.rpartition("/")[0] for slice_ in slices)}):
        place = root / folder
        if os.path.lexists(place / MARK):
            found = f"has the mark {MARK}: prepare was cut off here, or is still writing"
            raise NoInputError(f"{place}: {found}; expected finished slices; run prepare again")
        # Whatever else may be wrong with it: it is not what is measured.
        outputs = listed_outputs(place / PREPARED)
        prepared |= {composed(f"{folder}/{name}".lstrip("/")): digest for name, digest in outputs.items()}
    return prepared


def _other_than_prepared(study: Study, results: Sequence[SliceResult]) -> list[Problem]:
    """One warning for all images that are not those which ``prepare`` wrote."""
    if not study.prepared:
        return []
    now = ((composed(name), digest) for result in results for name, digest in result.sha256)
    read = [(name, digest) for name, digest in now if name in study.prepared]
    other = [name for name, digest in read if digest != study.prepared[name]]
    if not other:
        return []
    found = f"{len(other)} of {len(read)} images are not those that prepare wrote, among them {other[0]}"
    message = f"{found} (its SHA-256 differs); expected them as they were written"
    remedy = "prepare them again; or, if you changed them on purpose, take prepare.json away"
    return [Problem(PREPARED, "", "warning", "other-than-prepared", message, remedy)]


def _listing(slices: Sequence[Slice]) -> str:
    digest = hashlib.sha256()
    between = ""
    for slice_ in slices:
        line = composed(f"{between}{slice_.image}\t{slice_.annotation}")
        digest.update(line.encode("utf-8", "backslashreplace"))
        between = "\n"
    return digest.hexdigest()


def _share_of(
    dataset: Dataset, share: Sequence[str], everyone: Sequence[str]
) -> tuple[Dataset, tuple[int, ...]]:
    """The slices of some participants, and which ones of the dataset's they are."""
    unknown = [who for who in share if who not in everyone]
    if unknown:
        from difflib import get_close_matches

        alike = [who for who in everyone if loose_key(who) == loose_key(unknown[0])]
        near = alike or get_close_matches(unknown[0], everyone, n=4, cutoff=0.5) or everyone[:4]
        found = f"{unknown[0]!r} has no slices in the dataset"
        expected = f"one of {len(everyone)} participants, such as {', '.join(near)}" if near else "slices"
        raise UnknownParticipantError(f"--participant-label: {found}; expected {expected}; correct it")
    slices = [(i, s) for i, s in enumerate(dataset.slices) if s.participant_id in share]
    lost = [(i, s) for i, s in enumerate(dataset.lost) if s.participant_id in share]
    chosen = Dataset(PackedSlices(s for _, s in slices), dataset.problems, tuple(s for _, s in lost))
    return chosen, tuple(i for i, _ in (*slices, *lost))


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
    there = [name for name in files if name.casefold() in _PARTICIPANTS]
    if len(there) > 1:
        found = f"{' and '.join(there)} were found"
        raise UsageError(f"{root}: {found}; expected one; choose with --participants")
    there += [name for name in files if name.casefold() in _NOT_READ]
    return root / there[0] if there else None


def _other_sheets(name: str, note: str) -> Problem:
    found = f"{note.removeprefix(f'{name}: ')}; expected one sheet"
    return Problem(name, "", "warning", "other-sheets", found, "remove the others, or put the table first")


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
    whole = {composed(image): image for image in images}
    by_name: dict[str, list[str]] = {}
    for image in map(composed, images):
        by_name.setdefault(image.rsplit("/", 1)[-1], []).append(image)
    problems = []
    written: list[str] = []
    for row in table.rows:
        name, *texts = (row[place] for place in places)
        written.append(name)
        # Without a spacing: prepared from a source that does not know it.
        given = not all(is_missing(text, number=True) for text in texts)
        spacing = _spacing(texts) if given else None
        targets = [name] if name in whole else by_name.get(name, [])
        if given and spacing is None:
            found = f"spacing {' × '.join(map(repr, texts))} was found; expected two positive numbers in mm"
            found += _unit_meant(texts)
            problems.append(_spacing_error(name, found, "correct the row: csa_mm2 stays empty without it"))
        elif len(targets) > 1:
            found = f"the name fits {' and '.join(targets)}; expected one row per image, with its folder"
            problems.append(_spacing_error(name, found, "write the image's path below the dataset"))
            spacing = None
        for target in targets:
            told[whole[target]].append(spacing)
    for image, rows in told.items():
        if len(rows) > 1:
            found = f"{len(rows)} rows were found for the image; expected one"
            problems.append(_spacing_error(image, found, "keep one: csa_mm2 stays empty without it"))
    spacings = {image: rows[0] for image, rows in told.items() if len(rows) == 1 and rows[0] is not None}
    without = [image for image, rows in told.items() if not rows]
    if without:
        found = f"no row for {len(without)} images, among them {without[0]}"
        for (image, *_), (cell, *_) in near_matches(list(map(composed, without)), written)[:1]:
            found += f" ({cell} in the table differs from {image} in {difference(cell, image)})"
        found += "; expected one for each"
        remedy = "add the rows: csa_mm2 stays empty without them"
        problems.append(Problem(SLICES_TABLE, "", "warning", "no-spacing", found, remedy))
    return spacings, problems


def _unit_meant(texts: list[str]) -> str:
    """The mm that two refused numbers would be in another unit, in brackets; else empty."""
    from mriparaspinal.slice_geometry import other_unit

    rows, columns = map(read_number, texts)
    return "" if rows is None or columns is None else other_unit((rows, columns))


def _odd_spacings(root: Path, slices: Sequence[Slice], spacings: Mapping[str, Spacing]) -> list[Problem]:
    """A warning for each spacing that a lumbar slice cannot have, judged on the first image that has it."""
    from mriparaspinal.slice_geometry import spacing_doubt

    first: dict[Spacing, Slice] = {}
    for slice_ in slices:
        if slice_.name in spacings:
            first.setdefault(spacings[slice_.name], slice_)
    times = Counter(spacings.values())
    problems = []
    for spacing, slice_ in first.items():
        doubt = spacing_doubt(spacing, png_size(root / slice_.image) if slice_.image else None)
        if doubt:
            images = f", in {times[spacing]} images" if times[spacing] > 1 else ""
            found, _, expected = doubt.partition("; ")
            remedy = "compare with the scanner's PixelSpacing: csa_mm2 is as the table says"
            message = f"{found}{images}; {expected}"
            problems.append(Problem(SLICES_TABLE, slice_.name, "warning", "odd-spacing", message, remedy))
    return problems


def _spacing(texts: list[str]) -> Spacing | None:
    rows, columns = map(read_number, texts)
    if rows is None or columns is None:
        return None
    return (rows, columns) if 0 < rows < 100 and 0 < columns < 100 else None


def _read_places(table: TextTable, images: list[str]) -> dict[str, SlicePlace]:
    """Where the images lie, of those that have one row; ``image`` cells may lack the folder."""
    from mriparaspinal.slice_geometry import parse_places

    told = parse_places(table.columns, table.rows)
    names = Counter(dict(zip(table.columns, row, strict=True)).get("image", "") for row in table.rows)
    alike = Counter(composed(image.rsplit("/", 1)[-1]) for image in images)
    places: dict[str, SlicePlace] = {}
    for image in images:
        whole = composed(image)
        short = whole.rsplit("/", 1)[-1]
        # As the spacings are read: a name without its folder counts where it can mean one image only.
        rows = {whole, short} if alike[short] == 1 else {whole}
        if sum(names[name] for name in rows) == 1:
            places.update((image, told[name]) for name in rows if name in told)
    return places


def _spacing_error(name: str, message: str, remedy: str) -> Problem:
    return Problem(SLICES_TABLE, name, "error", "bad-spacing", message, remedy)


def measure_study(
    study: Study, settings: Settings, spread: int | Spread = 1, progress: Callable[[], None] | None = None
) -> MeasuredStudy:
    """Measure every slice of a study and gather all problems, those of missing regions among them."""
    slices = study.dataset.slices
    results = measure_slices(study.root, slices, settings, spread, progress, study.maps, study.dixon)
    return gather_problems(study, results, settings)


def _trusted(study: Study) -> dict[str, Spacing]:
    """The spacings without those that were told as odd: areas by them are odd for the same reason."""
    odd = {study.spacings.get(p.shape) for p in study.problems if p.code == "odd-spacing"}
    return {image: spacing for image, spacing in study.spacings.items() if spacing not in odd}


def gather_problems(study: Study, results: Sequence[SliceResult], settings: Settings) -> MeasuredStudy:
    """The results of a study's slices with all problems, those of the whole dataset among them."""
    problems = _own_problems(study, settings)
    by_segment: Counter[str] = Counter()
    people: set[tuple[str, str]] = set()
    seen: list[Regions] = []
    depths = _Depths()
    keys = no_keys(len(results))
    gathered = Gathered(_trusted(study))
    for place, result in enumerate(results):
        problems += result.problems
        gathered.add(result)
        if any(side for _, side in result.counts):
            by_segment[result.slice.segment] += 1
            people.add((result.slice.group, result.slice.participant_id))
        seen.append(result.seen if result.measurable else frozenset())
        depths.add(result)
        keys[place] = key_of(result)
    slices = slices_of(results)
    reference: str | None = None
    try:
        reference = choose_reference(zip(slices, seen, strict=True), settings)
    except ParaspinalError as error:
        what, expected, remedy = str(error).removeprefix("dataset: ").rsplit("; ", 2)
        problems.append(Problem("dataset", "", "error", "mixed-reference", f"{what}; {expected}", remedy))
    else:
        problems += missing_regions(slices, seen, reference, study.maps is not None)
    problems += stack_problems(_with_lost(study, results), study.spacings, study.places or None)
    problems += twin_problems(results, keys)
    problems += depths.problems(settings)
    problems += gathered.problems()
    problems += _other_than_prepared(study, results)
    # What is said of a file that several slices share is said once.
    problems = list(dict.fromkeys(problems))
    problems.sort(key=lambda problem: natural_key(composed(problem.file)))
    segments = dict(sorted(by_segment.items()))
    return MeasuredStudy(study, results, problems, segments, frozenset(people), reference)


class _Depths:
    """How many of the slices that could be read have 8 bits, and how many have more, with the first names."""

    def __init__(self) -> None:
        self._counts = [0, 0]
        self._first = ["", ""]

    def add(self, result: SliceResult) -> None:
        """Count a slice."""
        if result.measurable:
            self._counts[result.deep] += 1
            self._first[result.deep] = self._first[result.deep] or result.slice.name

    def problems(self, settings: Settings) -> list[Problem]:
        """The warning that the grey levels of slices are on two scales, where they are."""
        if settings.window is None or not all(self._counts):
            return []
        eight, deep = self._counts
        found = f"{eight} of {eight + deep} slices have 8 bits (first {self._first[0]}), {deep} have more "
        found += f"(first {self._first[1]}): two grey scales in one study; expected one for all slices"
        remedy = "export all slices in the same way: --window changes those of more than 8 bits alone"
        return [Problem("dataset", "", "warning", "mixed-depth", found, remedy)]


def _clear_reference(measured: MeasuredStudy, settings: Settings) -> str:
    if measured.reference is not None:
        return measured.reference
    # Not clear: this says why.
    return choose_reference(((result.slice, result.seen) for result in measured.results), settings)


def _own_problems(study: Study, settings: Settings) -> list[Problem]:
    """Those of files and tables; of a share without those of the slices that others measure."""
    if not study.share:
        return list(study.problems)
    who = name_parser(settings)
    others = set(study.everyone) - set(study.share)
    return [problem for problem in study.problems if participant_of(problem.file, who) not in others]


def _with_lost(study: Study, results: Sequence[SliceResult]) -> Sequence[SliceResult]:
    """The results, and one without any region for each slice that its stack is not whole without."""
    lost = [SliceResult(slice_, {}, frozenset(), False, (), ()) for slice_ in study.dataset.lost]
    return [*results, *lost] if lost else results


def measurements_of(measured: MeasuredStudy, settings: Settings) -> list[Measurement]:
    """The rows of all tables ``L1.csv`` … ``L5.csv``.

    Raises :class:`UsageError` where the reference is not clear, :class:`NoInputError` where
    nothing could be measured.
    """
    reference = _clear_reference(measured, settings)
    measured.require_slices()
    return list(_each_row(measured, settings, reference))


def _each_row(measured: MeasuredStudy, settings: Settings, reference: str) -> Iterator[Measurement]:
    study = measured.study
    settings = _rule_of_masks(study, settings)
    results = _with_lost(study, measured.results)
    return each_row(results, reference, settings, _onset_sides(study), study.spacings, study.places)


def _slice_rows(measured: MeasuredStudy, settings: Settings, reference: str) -> list[Measurement]:
    """The rows of ``L1_slices.csv`` …: each slice by itself, of the segments that have several."""
    study = measured.study
    settings = _rule_of_masks(study, settings)
    results = _with_lost(study, measured.results)
    return tabulate_slices(results, reference, settings, _onset_sides(study), study.spacings)


def _onset_sides(study: Study) -> dict[str, str]:
    people = study.participants
    return {who: people.value(who, "onset_side") for who in people.rows}


def _rule_of_masks(study: Study, settings: Settings) -> Settings:
    """The settings as they were used: the pixels of a label map need no rule."""
    return settings if study.maps is None else dataclasses.replace(settings, mask_rule="mask")


def result_files(measured: MeasuredStudy, settings: Settings, spread: int | Spread = 1) -> dict[str, bytes]:
    """The files of a folder of results, by name; the manifest is the last.

    Raises as :func:`measurements_of`; but a share without any muscle is written, for others to be joined.
    """
    blocks: dict[str, list[bytes]] = {}
    tables, others = _make_files(
        measured, settings, lambda name, block: blocks.setdefault(name, []).append(block), spread
    )
    return {name: b"".join(blocks[name]) for name in (*tables, *others, MANIFEST)}


def write_results(
    measured: MeasuredStudy, settings: Settings, folder: OutputFolder, spread: int | Spread = 1
) -> list[str]:
    """Put the files of :func:`result_files` into a folder, piece by piece; returns the tables' names."""
    tables, others = _make_files(measured, settings, folder.append, spread)
    folder.replace({}, stale_tables(folder, tables | others))
    return list(tables)


def _make_files(
    measured: MeasuredStudy,
    settings: Settings,
    append: Callable[[str, bytes], None],
    spread: int | Spread,
) -> tuple[dict[str, str], dict[str, str]]:
    """Give all files to ``append`` (name, block) by and by, the manifest as the last one.

    Returns the SHA-256 of the tables by name, and those of the other files that the manifest lists.
    """
    reference = _clear_reference(measured, settings)
    study = measured.study
    if not study.share:
        measured.require_slices()
    tables = _Tables(append)
    several = any(slice_.letter for slice_ in chain(study.dataset.slices, study.dataset.lost))
    results = measured.results
    if several or settings.fat_rule == "dixon" or not isinstance(results, PackedResults):
        tables.add(*_with_optional_columns(_each_row(measured, settings, reference)))
    else:
        # Each slice makes its rows by itself: processes can share them.
        rule = _rule_of_masks(study, settings)
        work = partial(_text_of_part, reference, rule, _onset_sides(study), study.spacings)
        tables.add(map_in_order(work, Parts(results, _PART), spread, large=True), COLUMNS)
    counts = {"participants": len(tables.participants), "rows": tables.rows}
    tables.add(*_with_optional_columns(_slice_rows(measured, settings, reference)), "_slices")
    digests = {name: tables.hashes[name].hexdigest() for name in sorted(tables.hashes)}
    others = {"problems.csv": problems_csv(measured.problems)}
    if study.participants_csv is not None:
        others[PARTICIPANTS] = study.participants_csv
    if study.share:
        from mriparaspinal.shares import share_bytes

        others[SHARE] = share_bytes(measured, settings)
    for name, content in others.items():
        append(name, content)
    hashes = {name: sha256(content) for name, content in others.items()}
    for piece in _manifest(measured, settings, reference, counts, digests | hashes):
        append(MANIFEST, piece)
    return digests, hashes


@dataclass(frozen=True, slots=True)
class _TableText:
    """Rows as the text of tables, and whose they are."""

    by_segment: dict[str, bytes]
    participants: frozenset[str]
    rows: int


def _text_of(rows: Iterable[Measurement], columns: tuple[str, ...]) -> _TableText:
    cells_of = attrgetter(*columns)
    by_segment: dict[str, list[tuple[Cell, ...]]] = {}
    participants = set()
    for row in rows:
        by_segment.setdefault(row.segment, []).append(cells_of(row))
        participants.add(row.participant_id)
    texts = {segment: csv_lines(cells) for segment, cells in by_segment.items()}
    return _TableText(texts, frozenset(participants), sum(map(len, by_segment.values())))


def _text_of_part(
    reference: str,
    settings: Settings,
    onset_sides: Mapping[str, str],
    spacings: Mapping[str, Spacing],
    part: Part,
) -> _TableText:
    """The rows of some slices, of which no segment of a participant has several."""
    results = [unpack(slice_, raw) for slice_, raw in part]
    return _text_of(each_row(results, reference, settings, onset_sides, spacings), COLUMNS)


def _with_optional_columns(rows: Iterable[Measurement]) -> tuple[list[_TableText], tuple[str, ...]]:
    """Rows, and their columns: those that have a value in a row of any segment."""
    rows = list(rows)
    columns = tuple(c for c in OPTIONAL_COLUMNS if any(getattr(row, c) is not None for row in rows))
    return [_text_of(rows, COLUMNS + columns)], COLUMNS + columns


class _Tables:
    """Tables that grow part by part, one for each segment."""

    def __init__(self, append: Callable[[str, bytes], None]) -> None:
        self._append = append
        self.hashes: dict[str, hashlib._Hash] = {}
        self.participants: set[str] = set()
        self.rows = 0

    def add(self, texts: Iterable[_TableText], columns: tuple[str, ...], ending: str = "") -> None:
        """Add rows, which have such columns, to the tables of such an ending."""
        for text in texts:
            self.participants |= text.participants
            self.rows += text.rows
            for segment, lines in text.by_segment.items():
                self._write(f"{segment}{ending}.csv", columns, lines)

    def _write(self, name: str, columns: tuple[str, ...], text: bytes) -> None:
        if name not in self.hashes:
            self.hashes[name] = hashlib.sha256()
            text = csv_lines([columns]) + text
        self.hashes[name].update(text)
        self._append(name, text)


def problems_csv(problems: list[Problem]) -> bytes:
    """``problems.csv``; what comes from file names and labels cannot run as a formula."""
    cells = [tuple(getattr(problem, c) for c in PROBLEM_COLUMNS) for problem in problems]
    return csv_bytes(PROBLEM_COLUMNS, cells)


def problem_records(problems: list[Problem]) -> list[dict[str, str]]:
    """The problems as plain data."""
    return [dataclasses.asdict(problem) for problem in problems]


def _manifest(
    measured: MeasuredStudy,
    settings: Settings,
    reference: str,
    counts: Mapping[str, int],
    outputs: Mapping[str, str],
) -> Iterator[bytes]:
    maps = measured.study.maps
    resolved: dict[str, Any] = dataclasses.asdict(_rule_of_masks(measured.study, settings))
    resolved["reference"] = reference or None
    resolved["labels"] = dict(settings.labels)
    if settings.affine is None:
        del resolved["affine"]
    if maps is not None:
        from mriparaspinal.label_maps import numbering_record

        resolved["numbering"] = numbering_record(maps)
    return manifest_pieces(
        {
            "mriparaspinal": __version__,
            "settings": resolved,
            **_share_record(measured.study),
            "libraries": library_versions(),
            "inputs": _inputs(measured),
            "outputs": outputs,
            "counts": {
                "slices_found": len(measured.results),
                "slices_measured": measured.measured,
                **counts,
                "errors": measured.errors,
                "warnings": measured.warnings,
            },
        }
    )


def _inputs(measured: MeasuredStudy) -> Iterator[tuple[str, str]]:
    """All files that were read, and their SHA-256, sorted by name; of one that was read twice the last."""
    slices = (pair for result in measured.results for pair in result.sha256)
    # No name has a zero byte: these are in the order of the names, then of the reading.
    entries = (
        b"%s\0%016x%s" % (composed(name).encode("utf-8", "surrogatepass"), number, digest.encode())
        for number, (name, digest) in enumerate(chain(measured.study.sha256.items(), slices))
    )
    for name, (*_, last) in groupby(in_order(entries), lambda entry: entry[:-81]):
        yield name.decode("utf-8", "surrogatepass"), last[-64:].decode()


def _share_record(study: Study) -> dict[str, Any]:
    if not study.share:
        return {}
    return {"share": {"participants": list(study.share), "of": len(study.everyone)}}
