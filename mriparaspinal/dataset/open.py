"""A dataset folder, opened: its slices, participants, spacings and the problems so far."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import IMAGE_ENDINGS, MARK, PARTICIPANTS, PREPARED, SLICES_TABLE
from mriparaspinal.core.model import Problem, Settings, Slice, SliceResult, Spacing
from mriparaspinal.core.participants import KEY, NOBODY, Participants, match_slices, read_participants
from mriparaspinal.core.spelling import composed, loose_key
from mriparaspinal.dataset.find import FoundSlices, find_slices
from mriparaspinal.dataset.strays import json_content, table_versions
from mriparaspinal.io.folder import UnreadableFileError, list_files, read_bytes
from mriparaspinal.io.images import png_size
from mriparaspinal.io.manifest import listed_outputs
from mriparaspinal.io.protocol import FILE as PROTOCOL
from mriparaspinal.io.slices_table import read_places, read_spacings
from mriparaspinal.io.tables import csv_bytes, parse_table, table_bytes
from mriparaspinal.io.write import sha256

if TYPE_CHECKING:
    from mriparaspinal.dataset.dixon import DixonSource
    from mriparaspinal.dataset.label_maps import LabelMaps
    from mriparaspinal.imaging.slice_position import SlicePlace


_PARTICIPANTS = (PARTICIPANTS, "participants.tsv", "participants.xlsx")

#: Looked at where none of the others is there: to say that they are not read.
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


def open_dataset(
    root: Path,
    settings: Settings,
    participants_file: Path | None = None,
    leave_out: Path | None = None,
    maps: LabelMaps | None = None,
    fat_and_water: tuple[Path, Path] | None = None,
    share: Sequence[str] = (),
) -> Dataset:
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
        from mriparaspinal.dataset.label_maps import is_picture_of_masks, masks_without_slice

        files = [name for name in files if not is_picture_of_masks(root, name, maps)]
    content = partial(json_content, root)
    dataset = find_slices(files, dead, settings, images_alone=maps is not None, content=content)
    known = (PROTOCOL, SLICES_TABLE, *_PARTICIPANTS, *_NOT_READ)
    tables = [name for name in files if name.casefold() in known]
    given = None if participants_file is None else participants_file.name
    problems = [*dataset.problems, *table_versions(files, given)]
    del files  # very many names, perhaps
    prepared = read_prepared(root, dataset.slices)
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
            spacings, unclear = read_spacings(text, [slice_.name for slice_ in dataset.slices])
            problems += [*unclear, *_odd_spacings(root, dataset.slices, spacings)]
            places = read_places(text, [slice_.name for slice_ in dataset.slices])
    if maps is not None:
        maps = dataclasses.replace(maps, places=places, affine=settings.affine)
        problems += masks_without_slice(maps, dataset.slices)
    everyone = tuple(dict.fromkeys(slice_.participant_id for slice_ in dataset.slices))
    share = tuple(map(composed, share))
    chosen, order = _share_of(dataset, share, everyone) if share else (dataset, ())
    dixon = None
    if fat_and_water is not None:
        from mriparaspinal.dataset.dixon import open_dixon

        dixon = open_dixon(*fat_and_water, places, chosen.slices, settings.same_voxels, settings.affine)
    return Dataset(
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


def _share_of(
    dataset: FoundSlices, share: Sequence[str], everyone: Sequence[str]
) -> tuple[FoundSlices, tuple[int, ...]]:
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
    chosen = FoundSlices([s for _, s in slices], dataset.problems, tuple(s for _, s in lost))
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
            found, _, expected = doubt.partition("; ")
            remedy = "compare with the scanner's PixelSpacing: csa_mm2 is as the table says"
            message = f"{found}{images}; {expected}"
            problems.append(Problem(SLICES_TABLE, slice_.name, "warning", "odd-spacing", message, remedy))
    return problems
