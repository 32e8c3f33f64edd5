"""A dataset folder, opened: its slices, participants, spacings and the problems so far."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, NoInputError, UsageError
from mriparaspinal.core.filenames import IMAGE_ENDINGS, MARK, PARTICIPANTS, PREPARED, SLICES_TABLE
from mriparaspinal.core.model import WHOLE, Problem, Settings, Slice, SliceResult, Spacing
from mriparaspinal.core.participants import KEY, NOBODY, Participants, match_slices
from mriparaspinal.core.spelling import composed, loose_key
from mriparaspinal.core.visits import has_sessions, match_sessions, read_people, without_dates
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource, agreed
from mriparaspinal.dataset.find import FoundSlices, find_slices
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.sessions import joined, read_session_tables, session_tables
from mriparaspinal.dataset.strays import json_content, kind, table_versions
from mriparaspinal.io.folder import list_files, stands_for
from mriparaspinal.io.images import png_size
from mriparaspinal.io.manifest import listed_outputs
from mriparaspinal.io.slices_table import read_places, read_spacings, shifted_grey
from mriparaspinal.io.tables import csv_bytes, parse_table, table_bytes
from mriparaspinal.io.write import sha256

if TYPE_CHECKING:
    from mriparaspinal.dataset.dixon import DixonSource
    from mriparaspinal.dataset.map_sources import LabelMaps
    from mriparaspinal.imaging.slice_position import SlicePlace


_PARTICIPANTS = (PARTICIPANTS, "participants.tsv", "participants.xlsx", "participants.sav")

#: Looked for only if none of the others exists, to say that they are not read.
_NOT_READ = ("participants.xls", "participants.ods", "participants.numbers")


class UnknownParticipantError(UsageError):
    """A participant of a share who has no slices in the dataset."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset folder as it lies there, before anything is measured."""

    root: Path
    dataset: FoundSlices
    participants: Participants
    participants_csv: bytes | None
    """The participants table as CSV, to be written with the results."""
    spacings: dict[str, Spacing]
    sha256: dict[str, str]
    """Of the tables, by file name; the slices' come with their results."""
    problems: tuple[Problem, ...]
    places: dict[str, SlicePlace] = field(default_factory=dict)
    """Where slices lie in the patient, by image; only those with a position in ``slices.csv``."""
    maps: LabelMaps | None = None
    """The label maps that are measured in place of contours."""
    dixon: DixonSource | None = None
    """The fat and water images of the rule ``dixon``."""
    everyone: tuple[str, ...] = ()
    """Every participant who has slices, in the order of the tables."""
    share: tuple[str, ...] = ()
    """The participants that are measured, if not all; ``dataset`` has only their slices."""
    order: tuple[int, ...] = ()
    """Of a share: which slices of the whole dataset its slices, then its lost ones, are."""
    listing: str = ""
    """A SHA-256 over the names of all slices of the dataset."""
    prepared: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of the images that ``prepare`` wrote, by name."""
    source: ContourSource = BESIDE
    """Where the contours lie, and which of them count."""


def open_dataset(
    root: Path,
    settings: Settings,
    participants_file: Path | None = None,
    leave_out: Path | None = None,
    maps: LabelMaps | None = None,
    fat_and_water: tuple[Path, Path] | None = None,
    share: Sequence[str] = (),
    source: ContourSource = BESIDE,
) -> Dataset:
    """Find slices and read the tables of the dataset.

    ``share``: the participants to measure, if not everyone; what is wrong with the tables and with the
    dataset as a whole is found as for everyone.
    With ``maps`` every image is a slice, LabelMe files or not, and its regions are those of a label map.
    ``source``: a folder of contours in place of those of the dataset, and what a review says of them.
    ``leave_out`` is the output folder: it may lie in the dataset and is no part of it. What is
    wrong with the tables of the dataset itself becomes problems: the slices can be measured without.
    Raises :class:`NoInputError` for a folder that is not there, :class:`UsageError` for a
    participants file that was asked for and cannot be used, for an output folder of slices, for
    participants of the share who have no slices, and for a review of other slices.
    """
    if leave_out is not None:
        _refuse_slices_in(leave_out, root)
    files, dead = list_files(root, leave_out)
    if source.folder is not None:
        files, dead = _with_contours_of(source.folder, root, files, dead, leave_out)
    if source.judgements:
        images = [name for name in files if kind(name) == "image"]
        source = replace(source, judgements=agreed(source.judgements, images, source.review))
    if maps is not None:
        from mriparaspinal.dataset.label_maps import masks_without_slice
        from mriparaspinal.dataset.map_sources import is_picture_of_masks, words_of

        files = [name for name in files if not is_picture_of_masks(root, name, maps)]
    content = partial(json_content, source.folder or root)
    dataset = find_slices(files, dead, settings, images_alone=maps is not None, content=content)
    dataset = _without_excluded(dataset, source)
    tables = [name for name in files if name.casefold() in (SLICES_TABLE, *_PARTICIPANTS, *_NOT_READ)]
    problems = [*dataset.problems, *source.problems, *table_versions(files, participants_file)]
    prepared = read_prepared(root, dataset.slices)
    unread = _visits_of_files(dataset.problems, settings)
    people = _open_people(root, [*tables, *session_tables(files)], participants_file, dataset.slices, unread)
    signal = "signal" in settings.measures
    spacings, places, table_sha256, faults = _open_slices_table(root, tables, dataset.slices, signal)
    problems += [*people.problems, *faults]
    if maps is not None:
        maps = replace(maps, places=places, affine=settings.affine)
        problems += masks_without_slice(maps, dataset.slices, words_of(settings).is_used)
    study = Dataset(
        root=root,
        dataset=dataset,
        participants=people.participants,
        participants_csv=people.csv,
        spacings=spacings,
        sha256=people.sha256 | table_sha256,
        problems=tuple(problems),
        places=places,
        maps=maps,
        everyone=tuple(dict.fromkeys(slice_.participant_id for slice_ in dataset.slices)),
        listing=_listing(dataset.slices),
        prepared=prepared,
        source=source,
    )
    study = _share_of(study, tuple(map(composed, share))) if share else study
    if fat_and_water is None:
        return study
    from mriparaspinal.dataset.dixon import open_dixon

    slices = study.dataset.slices
    dixon = open_dixon(*fat_and_water, places, slices, settings.same_voxels, settings.affine)
    return replace(study, dixon=dixon)


def _with_contours_of(
    folder: Path, root: Path, files: list[str], dead: list[str], leave_out: Path | None
) -> tuple[list[str], list[str]]:
    """The names of a dataset with the JSONs of another folder in place of its own."""
    try:
        inside = f"{folder.resolve().relative_to(root.resolve()).as_posix()}/"
    except ValueError:
        inside = "/"
    theirs = list_files(folder, leave_out)
    if not any(map(_is_json, theirs[0])):
        name = argument("annotations")
        found = "no LabelMe files were found; expected one for each image, of its stem; check the path"
        raise UsageError(f"{name} {folder}: {found}")
    own, others = (
        [
            *(n for n in mine if not (_is_json(n) or n.startswith(inside))),
            *(n for n in also if _is_json(n)),
        ]
        for mine, also in zip((files, dead), theirs, strict=True)
    )
    return sorted(own), sorted(others)


def _is_json(name: str) -> bool:
    return (stands_for(name) or name).lower().endswith(".json")


def _without_excluded(dataset: FoundSlices, source: ContourSource) -> FoundSlices:
    """The same, told that a review leaves out the images that have no contours."""
    problems = [
        replaced
        for problem in dataset.problems
        for replaced in (
            [one.problem(problem.file) for one in source.judged(problem.file) if one.region == WHOLE]
            if problem.code == "image-without-json" and WHOLE in source.left_out(problem.file)
            else [problem]
        )
    ]
    return replace(dataset, problems=tuple(problems))


@dataclass(frozen=True, slots=True)
class _People:
    """The participants table, and what is wrong with it."""

    participants: Participants = NOBODY
    csv: bytes | None = None
    sha256: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def _visits_of_files(problems: Iterable[Problem], settings: Settings) -> list[tuple[str, str]]:
    """Participant and session of the files that made no slice, as they lack their contours or their image."""
    who = name_parser(settings)
    told = (p for p in problems if p.severity == "error" or p.code == "excluded-by-review")
    names = (stands_for(problem.file) or problem.file for problem in told)
    parsed = (who(name.rpartition(".")[0]) for name in names if kind(name))
    return [(one[0], one[4]) for one in parsed if not isinstance(one, str)]


def _open_people(
    root: Path,
    tables: list[str],
    asked_for: Path | None,
    slices: Sequence[Slice],
    unread: Sequence[tuple[str, str]],
) -> _People:
    """Read a participants table; raises :class:`UsageError` where one that was asked for cannot be read.

    ``unread``: participants and sessions that files name which made no slice.
    """
    path = asked_for or _participants_file(root, tables)
    sessions = read_session_tables(root, session_tables(tables), slices)
    if path is None and not sessions.cells:
        return _People(problems=sessions.problems, sha256=sessions.sha256)
    text, raw = None, b""
    if path is not None:
        try:
            raw = table_bytes(path)
            text = parse_table(raw, path.name, tells_notes=True)
        except NoInputError as error:
            if asked_for is not None:
                raise UsageError(f"--participants: {error}") from None
            return _People(problems=(error.fault.at(path.name, "bad-table").problem(),))
    name = PARTICIPANTS if path is None else path.name
    columns: tuple[str, ...] = (KEY,)
    rows: tuple[tuple[str, ...], ...] = ()
    plain = False
    problems = list(sessions.problems)
    if text is not None:
        columns, rows, plain = text.columns, text.rows, text.plain
        problems += [note.problem("warning") for note in text.notes]
    if sessions.cells and not has_sessions(columns):
        columns, rows = joined(text, sessions, slices)
    elif sessions.cells:
        found = (
            f"sessions were found in it and in {' and '.join(sessions.sha256)}; expected one table of them"
        )
        problems.append(Problem(name, "", "error", "bad-table", f"{found}; {name} is read", "take one away"))
    table = without_dates(columns, rows, name)
    participants, faults = read_people(table.columns, table.rows, name)
    problems += [*table.problems, *faults]
    if KEY in columns:
        groups = {slice_.participant_id: slice_.group for slice_ in slices}
        listed = participants.rows
        if text is not None and sessions.cells:
            listed = read_people(text.columns, text.rows, name)[0].rows | listed
        # Who has files that could not be read is not without slices: the files have been told.
        told = {who for who, _ in unread} - set(groups)
        listed = {who: row for who, row in listed.items() if who not in told}
        problems += match_slices(replace(participants, rows=listed), groups, name)
        visits = [*((slice_.participant_id, slice_.session) for slice_ in slices), *unread]
        problems += match_sessions(participants, visits, name)
    copy = raw if plain and not has_sessions(columns) else csv_bytes(table.columns, table.rows)
    own = {} if path is None else {name: sha256(raw)}
    return _People(participants, copy, {**own, **sessions.sha256}, tuple(problems))


def _open_slices_table(
    root: Path, tables: Sequence[str], slices: Sequence[Slice], signal: bool
) -> tuple[dict[str, Spacing], dict[str, SlicePlace], dict[str, str], list[Problem]]:
    """Spacings and places of ``slices.csv``, its SHA-256, and what is wrong with it.

    ``signal``: grey levels are compared with each other, so that it matters where their windows begin.
    """
    if SLICES_TABLE not in tables:
        return {}, {}, {}, []
    try:
        raw = table_bytes(root / SLICES_TABLE)
        text = parse_table(raw, SLICES_TABLE)
    except NoInputError as error:
        return {}, {}, {}, [error.fault.at(SLICES_TABLE, "bad-spacing").problem()]
    names = [slice_.name for slice_ in slices]
    spacings, unclear = read_spacings(text, names)
    problems = [*unclear, *_odd_spacings(root, slices, spacings)]
    problems += shifted_grey(text, names) if signal else []
    return spacings, read_places(text, names), {SLICES_TABLE: sha256(raw)}, problems


def read_prepared(root: Path, slices: Sequence[Slice]) -> dict[str, str]:
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


def other_than_prepared(study: Dataset, results: Sequence[SliceResult]) -> list[Problem]:
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


def _share_of(study: Dataset, share: Sequence[str]) -> Dataset:
    """The slices of some participants alone."""
    dataset, everyone = study.dataset, study.everyone
    unknown = [who for who in share if who not in everyone]
    if unknown:
        from difflib import get_close_matches

        alike = [who for who in everyone if loose_key(who) == loose_key(unknown[0])]
        near = alike or get_close_matches(unknown[0], everyone, n=4, cutoff=0.5) or everyone[:4]
        found = f"{unknown[0]!r} has no slices in the dataset"
        expected = f"one of {len(everyone)} participants, such as {', '.join(near)}" if near else "slices"
        raise UnknownParticipantError(Fault("--participant-label", found, expected, "correct it"))
    slices = [(i, s) for i, s in enumerate(dataset.slices) if s.participant_id in share]
    lost = [(i, s) for i, s in enumerate(dataset.lost) if s.participant_id in share]
    chosen = FoundSlices([s for _, s in slices], dataset.problems, tuple(s for _, s in lost))
    order = tuple(i for i, _ in (*slices, *lost))
    return replace(study, dataset=chosen, share=tuple(who for who in everyone if who in share), order=order)


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


def _odd_spacings(root: Path, slices: Sequence[Slice], spacings: Mapping[str, Spacing]) -> list[Problem]:
    """A warning for each spacing that a lumbar slice cannot have, judged on the first image that has it."""
    from mriparaspinal.imaging.slice_position import spacing_doubt

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
            found, expected = doubt
            remedy = "compare with the scanner's PixelSpacing: csa_mm2 is as the table says"
            fault = Fault(SLICES_TABLE, f"{found}{images}", expected, remedy, "odd-spacing", slice_.name)
            problems.append(fault.problem("warning"))
    return problems
