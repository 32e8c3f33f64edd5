"""Which slices a dataset folder holds, and whom they belong to."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from mriparaspinal.errors import UsageError
from mriparaspinal.files.images import IMAGE_ENDINGS
from mriparaspinal.files.output import MANIFESTS
from mriparaspinal.model import SEGMENTS, Problem, Settings, Slice
from mriparaspinal.packed import PackedSlices, shared
from mriparaspinal.stacks import several_of_one
from mriparaspinal.vocabulary import natural_key

#: ``GROUP_N_L``: letters and digits, the participant's number, the segment with or without its L;
#: ``GROUP_N_L_a``: one of several slices of the segment.
DEFAULT_NAME_PATTERN = (
    r"(?P<group>[^\W\d_](?:[^\W_]|-)*)_(?P<patient>[0-9]+)_(?P<segment>[Ll]?[1-5])(?:_(?P<slice>[A-Za-z]))?"
)
#: What ``prepare`` leaves beside the slices that it makes: no annotation.
PREPARED = "prepare.json"
_OPTIONS = "--name-pattern or --patient-from folder"
#: How formulas begin.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Who = tuple[str, str, str, str]
"""Participant id, group, segment, and the letter that tells several slices of the segment apart."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The slices of a folder in the order of the tables, and what is wrong with its files."""

    slices: Sequence[Slice]
    problems: tuple[Problem, ...]
    lost: tuple[Slice, ...] = ()
    """Lettered slices that are there and cannot be measured: without them their stack is not whole."""


def find_slices(
    files: Iterable[str], dead: Iterable[str], settings: Settings, images_alone: bool = False
) -> Dataset:
    """Pair images and annotations by their stems and tell whom they belong to.

    ``files``, ``dead``: names relative to the dataset folder, as :func:`.files.folder.list_files`
    gives them. ``images_alone``: label maps take the place of annotations, which are passed over.
    Raises :class:`UsageError` for a bad pattern.
    """
    who = name_parser(settings)
    dead = [name for name in dead if not images_alone or _kind(name) != "json"]
    problems = [_dead_name(name) for name in dead]
    lost: list[Slice] = []
    wanted = (name for name in files if _kind(name) == "image" or (_kind(name) and not images_alone))

    def paired() -> Iterator[Slice]:
        for stem, names in _by_stem(sorted(wanted)):
            result = _pair(stem, names, who, images_alone)
            if isinstance(result, Problem):
                problems.append(result)
                lost.extend(_lettered(names[0], who))
            else:
                yield result

    found = PackedSlices(paired())
    lost += [slice_ for name in dead if _kind(name) for slice_ in _lettered(name, who)]
    slices, duplicates = _without_duplicates(found, settings)
    problems += duplicates
    problems += _patients_may_be_folders(slices, settings)
    problems += _alike(slices)
    ordered = PackedSlices(_in_table_order(slices))
    return Dataset(ordered, tuple(problems), _lost_of_stacks(ordered, lost))


def _in_table_order(slices: Sequence[Slice]) -> Iterator[Slice]:
    """Slices sorted by :func:`table_order`, but those of few participants at a time."""
    runs = []
    start = 0
    for who, run in groupby(slices, lambda slice_: table_order(slice_)[:2]):
        end = start + sum(1 for _ in run)
        runs.append((who, start, end))
        start = end
    for _, same in groupby(sorted(runs, key=itemgetter(0)), itemgetter(0)):
        yield from sorted((s for _, start, end in same for s in slices[start:end]), key=table_order)


def table_order(slice_: Slice) -> tuple[str, ...]:
    """Sort key: group, participant (numbers in numeric order), segment, letter (or number) of the slice."""
    who = _sort_key(slice_.group), _sort_key(slice_.participant_id)
    return (*who, slice_.segment, _sort_key(slice_.letter))


@lru_cache(maxsize=100)
def _sort_key(text: str) -> str:
    """A text that is in the order of :func:`natural_key`, whose own keys take six times the memory."""
    parts = natural_key(text)
    return "".join(part + "\0" if place % 2 == 0 else chr(n) + part for place, (n, part) in enumerate(parts))


def _lettered(name: str, who: Callable[[str], Who | str]) -> list[Slice]:
    """The slice that a file would have been, where its name has a letter."""
    parsed = who(name[: name.rindex(".")])
    return [] if isinstance(parsed, str) or not parsed[3] else [_slice(parsed, None, name)]


def _lost_of_stacks(slices: Sequence[Slice], lost: list[Slice]) -> tuple[Slice, ...]:
    """Those of the lost slices, each once, that belong to a stack of lettered slices."""
    if not lost:
        return ()
    there = {table_order(slice_) for slice_ in slices}
    stacks = {(slice_.participant_id, slice_.segment) for slice_ in slices if slice_.letter}
    missing = {
        table_order(slice_): slice_
        for slice_ in sorted(lost, key=table_order)
        if (slice_.participant_id, slice_.segment) in stacks
    }
    return tuple(slice_ for place, slice_ in missing.items() if place not in there)


def participant_of(name: str, who: Callable[[str], Who | str]) -> str:
    """Whose slice a file is, by its name (relative to the dataset); empty where that does not tell.

    ``who``: of :func:`name_parser`.
    """
    parsed = who(name[: name.rindex(".")]) if _kind(name) else ""
    return "" if isinstance(parsed, str) else parsed[0]


def _kind(name: str) -> str:
    lower = name.lower()
    if lower.endswith(".json"):
        return "" if lower.rsplit("/", 1)[-1] in MANIFESTS else "json"
    return "image" if lower.endswith(IMAGE_ENDINGS) else ""


def name_parser(settings: Settings) -> Callable[[str], Who | str]:
    """A function from a stem (with folders) to :data:`Who`, or to the words for what is wrong with it."""
    pattern = _compiled(settings)
    from_folder = settings.patient_from == "folder"

    def parse(stem: str) -> Who | str:
        who = tell(stem)
        if isinstance(who, str):
            return who
        # The file's name and its parts become cells of our tables.
        formula = next((text for text in (stem, *who) if text.startswith(_FORMULA)), None)
        if formula is None:
            return who
        found = f"{formula!r}, which a spreadsheet would run as a formula, was found"
        return f"{found}; expected a name that begins with a letter or digit"

    def tell(stem: str) -> Who | str:
        folder, _, name = stem.rpartition("/")
        match = pattern.fullmatch(name)
        if match is None:
            return f"the name {name} was found; expected {_expected(settings)}"
        parts = match.groupdict()
        segment = (parts["segment"] or "").upper()
        segment = segment if segment.startswith("L") else f"L{segment}"
        if segment not in SEGMENTS:
            return f"segment {parts['segment']!r} was found; expected 1 to 5 or L1 to L5"
        group = (parts.get("group") or "").strip()
        if not group:
            return "no group was found; expected one in the file name"
        letter = (parts.get("slice") or "").lower()
        if letter and not letter.isalnum():
            return f"slice {letter!r} was found; expected letters or digits"
        if from_folder:
            if not folder:
                return "no patient's folder was found; expected one folder per patient in the dataset"
            return posixpath.basename(folder), group, segment, letter
        patient = (parts.get("patient") or "").strip()
        if not patient:
            return "no patient was found; expected one in the file name"
        return f"{group}_{patient}", group, segment, letter

    return parse


def _compiled(settings: Settings) -> re.Pattern[str]:
    text = settings.name_pattern or DEFAULT_NAME_PATTERN
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"--name-pattern: {error}; expected a regular expression; correct it") from None
    needed = {"group", "segment"} | ({"patient"} if settings.patient_from == "name" else set())
    missing = sorted(needed - set(pattern.groupindex))
    if missing:
        names = ", ".join(f"(?P<{name}>…)" for name in missing)
        raise UsageError(f"--name-pattern: no {names}; expected the groups group, patient, segment; add them")
    return pattern


def _expected(settings: Settings) -> str:
    if settings.name_pattern:
        return f"one that fits --name-pattern {settings.name_pattern}"
    return "GROUP_N_L such as ALS_7_3 (group ALS, participant 7, segment L3), or ALS_7_3_a for one of several"


def _by_stem(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Sorted names by their stem, in the order of the first ones."""
    # Those up to the same first dot come one after another: no need to hold the stems of all.
    for _, alike in groupby(names, lambda name: name.partition(".")[0]):
        stems: dict[str, list[str]] = defaultdict(list)
        for name in alike:
            stems[name[: name.rindex(".")]].append(name)
        yield from stems.items()


def _pair(
    stem: str, names: list[str], who: Callable[[str], Who | str], images_alone: bool
) -> Slice | Problem:
    images = [name for name in names if _kind(name) == "image"]
    annotations = [name for name in names if _kind(name) == "json"]
    first = (images or annotations)[0]
    parsed = who(stem)
    if isinstance(parsed, str):
        # A picture or a JSON alone may be anything; together they are a slice that would be lost.
        severity = "error" if images and annotations else "warning"
        return _problem(first, severity, "bad-name", parsed, f"rename it, or see {_OPTIONS}")
    if len(images) > 1 or len(annotations) > 1:
        several = ", ".join(images if len(images) > 1 else annotations)
        found = f"{several} were found for one slice; expected one image and one JSON"
        return _problem(first, "error", "duplicate-slice", found, "keep the one that was annotated")
    if images_alone:
        annotations = images
    elif not annotations:
        found = f"no {posixpath.basename(stem)}.json beside it; expected the contours of this slice"
        return _problem(first, "error", "image-without-json", found, "annotate it, or take the image away")
    return _slice(parsed, images[0] if images else None, annotations[0])


def _slice(who: Who, image: str | None, annotation: str) -> Slice:
    participant, group, segment, letter = map(shared, who)
    return Slice(participant, group, segment, image, annotation, letter)


def _without_duplicates(slices: Sequence[Slice], settings: Settings) -> tuple[Sequence[Slice], list[Problem]]:
    problems: list[Problem] = []
    # Most datasets have neither: then the slices, which may be very many, stay as they are.
    if several_of_one(slices):
        slices, problems = _told_apart(slices)
    if settings.patient_from == "folder":
        slices, mixed = _without_mixed_patients(slices)
        problems += mixed
    return slices, problems


def _told_apart(slices: Sequence[Slice]) -> tuple[list[Slice], list[Problem]]:
    problems = []
    kept = []
    for (participant, segment), members in _grouped(slices, lambda s: (s.participant_id, s.segment)):
        if _are_told_apart(members):
            kept += members
            continue
        files = ", ".join(member.name for member in members)
        found = f"{files} are all {participant} {segment}; expected one slice per participant and segment"
        several = "give each slice of a stack a letter of its own, such as ALS_7_3_a"
        remedy = f"keep one, {several}, or tell patients apart by {_OPTIONS}"
        problems.append(_problem(members[0].name, "error", "duplicate-slice", found, remedy))
    return kept, problems


def _are_told_apart(members: list[Slice]) -> bool:
    """One slice, or a stack of slices that each have a letter (or number) of their own."""
    letters = {str(natural_key(member.letter)) for member in members}
    return len(members) == 1 or (len(letters) == len(members) and all(m.letter for m in members))


def _without_mixed_patients(slices: Sequence[Slice]) -> tuple[Sequence[Slice], list[Problem]]:
    """Two folders of one name are two patients, and one folder with two groups cannot be one."""
    first: dict[str, tuple[str, str]] = {}
    each = ((s.participant_id, (_folder(s), s.group)) for s in slices)
    if all(first.setdefault(participant, found) == found for participant, found in each):
        return slices, []
    problems = []
    kept = []
    for (participant,), members in _grouped(slices, lambda s: (s.participant_id,)):
        homes = sorted({_folder(s) for s in members})
        groups = sorted({s.group for s in members})
        if len(homes) == len(groups) == 1:
            kept += members
            continue
        several = f"folders {', '.join(homes)}" if len(homes) > 1 else f"groups {', '.join(groups)}"
        found = f"participant {participant} has the {several}; expected one of each"
        remedy = "rename the folders or files so that each patient has one"
        problems.append(_problem(members[0].name, "error", "mixed-patients", found, remedy))
    return kept, problems


def _grouped(
    slices: Iterable[Slice], key: Callable[[Slice], tuple[str, ...]]
) -> Iterable[tuple[tuple[str, ...], list[Slice]]]:
    groups: dict[tuple[str, ...], list[Slice]] = defaultdict(list)
    for slice_ in slices:
        groups[key(slice_)].append(slice_)
    return groups.items()


def _patients_may_be_folders(slices: Sequence[Slice], settings: Settings) -> list[Problem]:
    """The trap of a lab with a folder per patient, where N only counts the images."""
    if settings.patient_from == "folder" or len(slices) < 2:
        return []
    segments: dict[str, set[str]] = defaultdict(set)
    first: dict[str, str] = {}
    for slice_ in slices:
        segments[_folder(slice_)].add(slice_.segment)
        first.setdefault(slice_.participant_id, slice_.segment)
    remedy = "if each folder is one patient, use --patient-from folder"
    # Several slices of one segment are one level of one patient.
    if all(slice_.segment == first[slice_.participant_id] for slice_ in slices):
        folder = next((folder for folder, found in segments.items() if len(found) > 1), None)
        if folder is None:
            return []
        found = "every participant has just one segment, and the folder has several; expected several each"
        return [_problem(folder, "warning", "one-segment-each", found, remedy)]
    home: dict[str, str] = {}
    strays = {s.participant_id for s in slices if home.setdefault(s.participant_id, _folder(s)) != _folder(s)}
    theirs = (slice_ for slice_ in slices if slice_.participant_id in strays)
    for (participant,), members in _grouped(theirs, lambda s: (s.participant_id,)):
        homes = sorted({_folder(member) for member in members})
        if all(len(segments[home]) > 1 for home in homes):
            found = f"participant {participant} has slices in {' and '.join(homes)}; expected one folder"
            return [_problem(members[0].name, "warning", "several-folders", found, remedy)]
    return []


def _folder(slice_: Slice) -> str:
    return posixpath.dirname(slice_.annotation) or "."


def _alike(slices: Sequence[Slice]) -> list[Problem]:
    """One patient or group that is written in two ways would count as two."""
    problems = []
    for field in ("group", "participant_id"):
        spellings: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(getattr(slice_, field) for slice_ in slices):
            spellings[_sort_key(name.casefold())].append(name)
        for names in spellings.values():
            if len(names) > 1:
                found = f"{' and '.join(names)} were found as a {field}; expected one spelling"
                taken = "the comparisons take them as one" if field == "group" else "they are kept apart"
                remedy = f"rename the files if they mean the same: {taken}"
                second = next(slice_ for slice_ in slices if getattr(slice_, field) == names[1])
                problems.append(_problem(second.name, "warning", "names-alike", found, remedy))
    return problems


def _dead_name(name: str) -> Problem:
    if name.endswith("/"):
        found = "a folder that cannot be opened; expected a readable one"
        return _problem(name, "error", "unreadable-folder", found, "check its rights: its slices are missing")
    # A link with another ending may still have been meant as a patient's folder.
    severity = "error" if _kind(name) or name.endswith((".csv", ".tsv")) else "warning"
    found = "no file behind this name (a broken link, or not a regular file); expected a file"
    return _problem(name, severity, "broken-link", found, "put the file there, or take the name away")


def _problem(file: str, severity: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(file, "", "error" if severity == "error" else "warning", code, message, remedy)
