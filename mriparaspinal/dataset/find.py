"""Which slices a dataset folder holds, and of which participants."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mriparaspinal.core.filenames import USUAL_ENDINGS
from mriparaspinal.core.model import SPINE, Problem, Settings, Slice
from mriparaspinal.core.spelling import composed, difference, loose_key
from mriparaspinal.core.text import count_of, natural_key
from mriparaspinal.dataset.names import home_of, name_parser
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

_OPTIONS = "--name-pattern or --patient-from folder"


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
    problems += _without_session(slices)
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
            lost.append(slice_of(stray.who, None, stray.name))
    more = [slice_of(who, image, annotation) for who, image, annotation in done.pairs]
    more += [slice_of(s.who, None, s.name) for s in done.alone if not isinstance(s.who, str)]
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
    """Sort key: group, participant (numbers in numeric order), session, segment from above, letter."""
    level = str(SPINE.index(slice_.segment))
    names = slice_.group, slice_.participant_id, slice_.session, level, slice_.letter
    return tuple(tuple(natural_key(name)) for name in names)


def _lettered(name: str, who: Callable[[str], Who | str]) -> list[Slice]:
    """The slice that a file would have been, where its name has a letter."""
    parsed = who(name[: name.rindex(".")])
    return [] if isinstance(parsed, str) or not parsed[3] else [slice_of(parsed, None, name)]


def _lost_of_stacks(slices: Sequence[Slice], lost: list[Slice]) -> tuple[Slice, ...]:
    """Those of the lost slices, each once, that belong to a stack of lettered slices."""
    if not lost:
        return ()
    there = {table_order(slice_) for slice_ in slices}
    stacks = {_place(slice_) for slice_ in slices if slice_.letter}
    missing = {
        table_order(slice_): slice_ for slice_ in sorted(lost, key=table_order) if _place(slice_) in stacks
    }
    return tuple(slice_ for place, slice_ in missing.items() if place not in there)


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
    return slice_of(parsed, images[0], annotations[0])


def _no_json(stray: Stray) -> Problem:
    found = f"no {posixpath.basename(stray.stem)}.json beside it; expected the contours of this slice"
    return _problem(stray.name, "error", "image-without-json", found, "annotate it, or take the image away")


def slice_of(who: Who, image: str | None, annotation: str) -> Slice:
    """The slice of two files, of which the name says whose it is."""
    participant, group, segment, letter, session = who
    return Slice(participant, group, segment, image, annotation, letter, session)


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
    for _, members in _grouped(slices, _place):
        if _are_told_apart(members):
            kept += members
            continue
        files = ", ".join(member.name for member in members)
        whose = f"{members[0].visit} {members[0].segment}"
        found = f"{files} are all {whose}; expected one slice per participant and segment"
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
    each = ((s.participant_id, (_home(s), s.group)) for s in slices)
    if all(first.setdefault(participant, found) == found for participant, found in each):
        return slices, []
    problems = []
    kept = []
    for (participant,), members in _grouped(slices, lambda s: (s.participant_id,)):
        homes = sorted({_home(s) for s in members})
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


def _without_session(slices: Sequence[Slice]) -> list[Problem]:
    """Slices of no session beside others: which scan of the participant are they?"""
    bare = [slice_ for slice_ in slices if not slice_.session]
    if not bare or len(bare) == len(slices):
        return []
    named = next(slice_ for slice_ in slices if slice_.session)
    found = (
        f"{count_of(len(bare), 'slice')} (this is the first) without a session, {len(slices) - len(bare)} "
    )
    found += f"with one (such as {named.name}: {named.session}); expected a session in all names or in none"
    remedy = "name the session (ALS_7_v1_3.png, or a folder ses-v1): they belong to no session now"
    return [_problem(bare[0].name, "error", "no-session", found, remedy)]


def _patients_may_be_folders(slices: Sequence[Slice], settings: Settings) -> list[Problem]:
    """The trap of a lab with a folder per patient, where N only counts the images."""
    if settings.patient_from == "folder" or len(slices) < 2:
        return []
    segments: dict[str, set[str]] = defaultdict(set)
    first: dict[str, str] = {}
    for slice_ in slices:
        segments[_home(slice_)].add(slice_.segment)
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
    strays = {s.participant_id for s in slices if home.setdefault(s.participant_id, _home(s)) != _home(s)}
    theirs = (slice_ for slice_ in slices if slice_.participant_id in strays)
    for (participant,), members in _grouped(theirs, lambda s: (s.participant_id,)):
        homes = sorted({_home(member) for member in members})
        if all(len(segments[home]) > 1 for home in homes):
            found = f"participant {participant} has slices in {' and '.join(homes)}; expected one folder"
            return [_problem(members[0].name, "warning", "several-folders", found, remedy)]
    return []


def _place(slice_: Slice) -> tuple[str, str, str]:
    """What one slice, or one stack, is expected of."""
    return slice_.participant_id, slice_.session, slice_.segment


def _home(slice_: Slice) -> str:
    return home_of(_folder(slice_)) or "."


def _folder(slice_: Slice) -> str:
    return composed(posixpath.dirname(slice_.annotation)) or "."


def _alike(slices: Sequence[Slice]) -> list[Problem]:
    """One patient or group that is written in two ways would count as two."""
    problems = []
    for field in ("group", "participant_id", "session"):
        spellings: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in dict.fromkeys(filter(None, (getattr(slice_, field) for slice_ in slices))):
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
    segments = [_place(slice_) for slice_ in slices]
    return len(set(segments)) < len(segments)
