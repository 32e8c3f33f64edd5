"""Which slices a dataset folder holds, and of which participants."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import USUAL_ENDINGS
from mriparaspinal.core.model import SEGMENTS, Problem, Settings, Slice
from mriparaspinal.core.spelling import composed, difference, loose_key, meant_by
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.strays import (
    Content,
    Stray,
    Who,
    kind,
    not_downloaded,
    placeholders,
    sort_strays,
)
from mriparaspinal.io.folder import stands_for
from mriparaspinal.parallel.map import time_limit

#: ``GROUP_N_L``: letters and digits, the participant's number, the segment with or without its L;
#: ``GROUP_N_L_a``: one of several slices of the segment.
DEFAULT_NAME_PATTERN = (
    r"(?P<group>[^\W\d_](?:[^\W_]|-)*)_(?P<patient>[0-9]+)_(?P<segment>[Ll]?[1-5])(?:_(?P<slice>[A-Za-z]))?"
)

#: Seconds of computing that a pattern of the user's may take for all names: 20,000 take a tenth of one.
_MATCHING = 5.0

_OPTIONS = "--name-pattern or --patient-from folder"

#: How formulas begin.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class FoundSlices:
    """The slices of a folder in the order of the tables, and what is wrong with its files."""

    slices: Sequence[Slice]
    problems: tuple[Problem, ...]
    lost: tuple[Slice, ...] = ()
    """Lettered slices that are there and cannot be measured: without them their stack is incomplete."""


def find_slices(
    files: Sequence[str],
    dead: Iterable[str],
    settings: Settings,
    images_alone: bool = False,
    content: Callable[[str], Content] = lambda _: "labelme",
) -> FoundSlices:
    """Pair images and annotations by their stems and find their participants.

    ``files``, ``dead``: names relative to the dataset folder, as :func:`.files.folder.list_files`
    gives them. ``images_alone``: label maps take the place of annotations, which are passed over.
    ``content``: what a JSON holds, asked of those whose name is not that of a slice.
    Names are compared in one spelling of accented letters, and files go by their own.
    Raises :class:`UsageError` for a bad pattern.
    """
    who = name_parser(settings)
    dead = [name for name in dead if not images_alone or kind(name) != "json"]
    problems = [_dead_name(name) for name in dead]
    lost: list[Slice] = []
    strays: list[Stray] = []
    found: list[Slice] = []
    absent = _absent(files, images_alone)
    wanted = [name for name in files if kind(name) == "image" or (kind(name) and not images_alone)]
    wanted.sort(key=composed)
    stems: dict[str, list[str]] = defaultdict(list)
    for name in _without_originals(wanted, who):
        stems[composed(name[: name.rindex(".")])].append(name)
    for stem, names in stems.items():
        result = _pair(stem, names, who, images_alone)
        if isinstance(result, Slice):
            found.append(result)
        elif stem in absent:
            lost += _lettered(names[0], who)
        elif isinstance(result, Problem):
            problems.append(result)
            lost += _lettered(names[0], who)
        else:
            strays.append(result)
    for names in absent.values():
        problems.append(not_downloaded(names))
        lost += _lettered(stands_for(names[0]), who) if kind(stands_for(names[0])) else []
    others = [] if images_alone else [name for name in files if not kind(name) and ".nii" in name]
    if strays:
        found += _of_strays(found, strays, others, settings, content, problems, lost)
    lost += [slice_ for name in dead if kind(name) for slice_ in _lettered(name, who)]
    slices, duplicates = _without_duplicates(found, settings)
    problems += duplicates
    problems += _patients_may_be_folders(slices, settings)
    problems += _alike(slices)
    ordered = sorted(slices, key=table_order)
    return FoundSlices(ordered, tuple(problems), _lost_of_stacks(ordered, lost))


def _absent(files: Sequence[str], images_alone: bool) -> dict[str, list[str]]:
    """Placeholders of files that are not there yet, by the stem that they would have."""
    marks = [name for name in files if stands_for(name)]
    if images_alone:
        marks = [name for name in marks if kind(stands_for(name)) != "json"]
    return placeholders(marks, set(map(composed, files))) if marks else {}


def _of_strays(
    found: Sequence[Slice],
    strays: Sequence[Stray],
    others: Sequence[str],
    settings: Settings,
    content: Callable[[str], Content],
    problems: list[Problem],
    lost: list[Slice],
) -> list[Slice]:
    """The slices that are made of files that had no partner in their folder."""
    stems = {composed(s.annotation[: s.annotation.rindex(".")]): s.annotation for s in found}
    done = sort_strays(strays, stems, others, content, settings.patient_from == "folder", _no_json)
    problems += done.problems
    for stray in done.lost:
        if not isinstance(stray.who, str) and stray.who[3]:
            lost.append(_slice(stray.who, None, stray.name))
    more = [_slice(who, image, annotation) for who, image, annotation in done.pairs]
    more += [_slice(s.who, None, s.name) for s in done.alone if not isinstance(s.who, str)]
    return sorted(more, key=lambda slice_: composed(slice_.annotation))


def _without_originals(names: list[str], who: Callable[[str], Who | str]) -> list[str]:
    """Names without those TIFF and BMP that the PNG or JPEG of a slice was exported from.

    Such an original has no JSON of its own, or is in the folder of the PNG: then the JSON is of both, and its
    ``imagePath`` says which one was annotated.
    """
    stems = {name: name[: name.rindex(".")] for name in names}
    others = [n for n in names if kind(n) == "image" and not n.lower().endswith(USUAL_ENDINGS)]
    if not others:
        return names
    usual = {stem for name, stem in stems.items() if name.lower().endswith(USUAL_ENDINGS)}
    annotated = {stem for name, stem in stems.items() if kind(name) == "json"}
    exported = {parsed for stem in usual if not isinstance(parsed := who(stem), str)}
    originals = {
        name
        for name in others
        if stems[name] in usual or (stems[name] not in annotated and who(stems[name]) in exported)
    }
    return [name for name in names if name not in originals]


def table_order(slice_: Slice) -> tuple[object, ...]:
    """Sort key: group, participant (numbers in numeric order), segment, letter (or number) of the slice."""
    names = slice_.group, slice_.participant_id, slice_.segment, slice_.letter
    return tuple(tuple(natural_key(name)) for name in names)


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
    """Whose slice a file is, by its name (relative to the dataset); empty if the name does not give it.

    ``who``: of :func:`name_parser`.
    """
    name = stands_for(name) or name
    parsed = who(name[: name.rindex(".")]) if kind(name) else ""
    return "" if isinstance(parsed, str) else parsed[0]


def name_parser(settings: Settings) -> Callable[[str], Who | str]:
    """A function from a stem (with folders) to :data:`Who`, or to the words for what is wrong with it."""
    matching = _matching(settings)
    from_folder = settings.patient_from == "folder"

    def parse(stem: str) -> Who | str:
        stem = composed(stem)
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
        match = matching(name)
        if match is None:
            meant = meant_by(name) if settings.name_pattern is None else ""
            return f"the name {name} was found; expected {_expected(settings)}{meant}"
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


def _matching(settings: Settings) -> Callable[[str], re.Match[str] | None]:
    """The match of a name, or None; a pattern that backtracks without end raises :class:`UsageError`."""
    pattern = _compiled(settings)
    if settings.name_pattern is None:
        return pattern.fullmatch
    left = _MATCHING

    def match(name: str) -> re.Match[str] | None:
        nonlocal left
        try:
            with time_limit(left) as unused:
                return pattern.fullmatch(name)
        except TimeoutError:
            found = f"the pattern {settings.name_pattern!r} does not come to an end with the name {name[:80]}"
            expected = "expected one without a repetition inside a repetition, such as (a+)+"
            raise UsageError(f"--name-pattern: {found}; {expected}; write it otherwise") from None
        finally:
            left = max(unused(), 0.01)

    return match


def _compiled(settings: Settings) -> re.Pattern[str]:
    text = composed(settings.name_pattern or DEFAULT_NAME_PATTERN)
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
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


def _pair(
    stem: str, names: list[str], who: Callable[[str], Who | str], images_alone: bool
) -> Slice | Problem | Stray:
    images = [name for name in names if kind(name) == "image"]
    annotations = [name for name in names if kind(name) == "json"]
    parsed = who(stem)
    if isinstance(parsed, str):
        return Stray(stem, tuple(names), parsed)
    if len(images) > 1 or len(annotations) > 1:
        several = images if len(images) > 1 else annotations
        found = f"{', '.join(several)} were found for one slice; expected one image and one JSON"
        if len(set(map(composed, several))) == 1:
            found = (
                f"{' and '.join(map(ascii, several))} are one name, but for how accented letters are stored"
            )
            found += "; expected one file"
        return _problem(several[0], "error", "duplicate-slice", found, "keep the one that was annotated")
    if images_alone:
        annotations = images
    elif not (images and annotations):
        return Stray(stem, tuple(names), parsed)
    return _slice(parsed, images[0], annotations[0])


def _no_json(stray: Stray) -> Problem:
    found = f"no {posixpath.basename(stray.stem)}.json beside it; expected the contours of this slice"
    return _problem(stray.name, "error", "image-without-json", found, "annotate it, or take the image away")


def _slice(who: Who, image: str | None, annotation: str) -> Slice:
    participant, group, segment, letter = who
    return Slice(participant, group, segment, image, annotation, letter)


def _without_duplicates(slices: Sequence[Slice], settings: Settings) -> tuple[Sequence[Slice], list[Problem]]:
    problems: list[Problem] = []
    if slices_per_segment(slices):
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
        remedy = f"keep one, {several}, or distinguish patients by {_OPTIONS}"
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
    return composed(posixpath.dirname(slice_.annotation)) or "."


def _alike(slices: Sequence[Slice]) -> list[Problem]:
    """One patient or group that is written in two ways would count as two."""
    problems = []
    for field in ("group", "participant_id"):
        spellings: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in dict.fromkeys(getattr(slice_, field) for slice_ in slices):
            spellings[loose_key(name)].append(name)
        for names in spellings.values():
            if len(names) > 1:
                what = difference(*names[:2])
                found = f"{' and '.join(names)} were found as a {field}, which differ in {what}"
                found += "; expected one spelling"
                as_one = field == "group" and what == "case"
                taken = "the comparisons take them as one" if as_one else "they are kept apart"
                remedy = f"rename the files if they mean the same: {taken}"
                second = next(slice_ for slice_ in slices if getattr(slice_, field) == names[1])
                problems.append(_problem(second.name, "warning", "names-alike", found, remedy))
    return problems


def _dead_name(name: str) -> Problem:
    if name.endswith("/"):
        found = "a folder that cannot be opened; expected a readable one"
        return _problem(name, "error", "unreadable-folder", found, "check its rights: its slices are missing")
    # A link with another ending may still have been meant as a patient's folder.
    severity = "error" if kind(name) or name.endswith((".csv", ".tsv")) else "warning"
    found = "no file behind this name (a broken link, or not a regular file); expected a file"
    return _problem(name, severity, "broken-link", found, "put the file there, or take the name away")


def _problem(file: str, severity: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(file, "", "error" if severity == "error" else "warning", code, message, remedy)


def slices_per_segment(slices: Iterable[Slice]) -> bool:
    """Whether some slices are of one segment of one participant."""
    segments = [(slice_.participant_id, slice_.segment) for slice_ in slices]
    return len(set(segments)) < len(segments)
