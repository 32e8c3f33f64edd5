"""Files of a dataset that make no slice by themselves: whose partner, copy or placeholder they are."""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.filenames import IMAGE_ENDINGS
from mriparaspinal.core.model import Problem
from mriparaspinal.core.spelling import composed, difference, loose_key
from mriparaspinal.core.text import and_more
from mriparaspinal.io.folder import read_bytes, stands_for
from mriparaspinal.io.images import SLICE_FILE_LIMIT
from mriparaspinal.io.manifest import MANIFESTS

Who = tuple[str, str, str, str, str]
"""Participant id, group, segment, the letter that distinguishes several slices of the segment, session."""

Content = Literal["labelme", "nothing", "other"]
"""What a JSON holds."""

#: The tables of a dataset, and the protocol.
_TABLE_STEMS = ("participants", "slices")

_TABLES = ("participants.csv", "participants.tsv", "slices.csv", "paraspinal.toml")

#: What copies of a file have after (or before) its name, besides numbers and computers' names.
_WORDS = (
    r"copy|kopie|copie|copia|kopia|kopi|cópia|копия|副本|コピー|복사본|conflict\w*|old|alt|bak|backup|orig|"
    r"original|new|neu|final|prev|previous"
)

_BEHIND = re.compile(rf"~|\s*\(.+\)|\s+[0-9]+|[\s_.-]*(?:{_WORDS})(?:[^a-z].*)?", re.IGNORECASE | re.DOTALL)

_BEFORE = re.compile(
    r".*(?:copy|kopie|copie|copia|kopia|cópia|копия|副本|コピー|복사본).*", re.IGNORECASE | re.DOTALL
)

#: JSON files of BIDS: those of the dataset, and sidecars of files with such entities.
_BIDS = re.compile(
    r"(?:dataset_description|participants|samples|genetic_info|.*_(?:sessions|scans|events|channels))\.json"
    r"|(?:.*_)?(?:sub|ses|task|acq|run|echo|rec|dir|space|desc|ce)-[a-z0-9]+(?:_.*)?\.json",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Stray:
    """A file (or several) of one stem that makes no slice by itself."""

    stem: str
    """With its folders, NFC."""
    names: tuple[str, ...]
    """As they are on the disk."""
    who: Who | str
    """Whose it is, or the words for what is wrong with the name."""

    @property
    def name(self) -> str:
        """The file by which messages name it."""
        return next((name for name in self.names if kind(name) == "image"), self.names[0])

    @property
    def kinds(self) -> set[str]:
        """``image``, ``json`` or both."""
        return {kind(name) for name in self.names}


@dataclass(slots=True)
class Sorted:
    """What has become of the strays."""

    pairs: list[tuple[Who, str, str]]
    """Whose it is, image and annotation, which lie in two folders."""
    alone: list[Stray]
    """JSONs without an image, whose own may be embedded."""
    problems: list[Problem]
    lost: list[Stray]
    """Those that belong to a slice that cannot be measured."""


def kind(name: str) -> str:
    """``image``, ``json``, or nothing for a file that is no part of a slice."""
    lower = name.lower()
    if lower.endswith(".json"):
        return "" if lower.rsplit("/", 1)[-1] in MANIFESTS else "json"
    return "image" if lower.endswith(IMAGE_ENDINGS) else ""


def json_content(root: Path, name: str) -> Content:
    """What a JSON of the dataset holds; one that cannot be read may be an annotation."""
    try:
        raw = read_bytes(root / name, SLICE_FILE_LIMIT)
    except UnreadableError:
        return "labelme"
    if b'"shapes"' in raw.replace(b"\0", b""):
        return "labelme"
    try:
        return "other" if json.loads(raw) else "nothing"
    except (ValueError, RecursionError):
        return "other"


def placeholders(names: Iterable[str], there: set[str]) -> dict[str, list[str]]:
    """Files that a cloud or a download has not brought yet, by the stem of the file that is missing."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        real = composed(stands_for(name))
        if real and real not in there and _matters(name, real):
            found[real[: real.rindex(".")] if kind(real) else real].append(name)
    return found


def _matters(name: str, real: str) -> bool:
    own = real.rpartition("/")[2].casefold()
    if name.lower().endswith((".gdoc", ".gsheet")):
        return own.partition(".")[0] in ("participants", "slices") or bool(kind(real))
    return bool(kind(real)) or own in _TABLES or (name.endswith(".icloud") and "." not in own)


def not_downloaded(names: Sequence[str]) -> Problem:
    """The problem of the placeholders of one stem."""
    real = " and ".join(posixpath.basename(stands_for(name)) for name in names)
    verb = "is" if len(names) == 1 else "are"
    found = f"{real} {verb} not on this disk: a placeholder of a cloud, a link or a broken download was found"
    remedy = "download it (in Finder or the cloud's program: keep on this device), or finish the copy"
    # A folder of the cloud may be a patient's; it may also be anything.
    a_folder = names[0].endswith(".icloud") and "." not in posixpath.basename(stands_for(names[0]))
    severity: Literal["error", "warning"] = "warning" if a_folder else "error"
    return Problem(names[0], "", severity, "not-downloaded", f"{found}; expected the file itself", remedy)


def table_versions(names: Iterable[str], used: Path | None) -> list[Problem]:
    """Copies of the dataset's tables, as ``participants (1).csv``, of which none is read.

    ``used``: a table that was asked for.
    """
    there: dict[str, str] = {}
    copies: dict[str, list[str]] = defaultdict(list)
    for name in names:
        stem, _, ending = composed(name).casefold().rpartition(".")
        if "/" in name or ending not in ("csv", "tsv"):
            continue
        if stem in _TABLE_STEMS:
            there[stem] = name
        elif used is None or name != used.name:
            for table in set(_TABLE_STEMS).intersection(_originals(Stray(stem, (name,), ""))):
                copies[table].append(name)
    problems = []
    for table, found in copies.items():
        if table in there:
            problems.append(_other_versions(there[table], found, "read"))
        else:
            message = f"the name was found; expected {table}.csv: a table of another name is not read"
            remedy = f"rename the last version to {table}.csv, or take it away"
            problems.append(Problem(found[0], "", "warning", "other-version", message, remedy))
    return problems


def sort_strays(
    strays: Sequence[Stray],
    stems: dict[str, str],
    others: Sequence[str],
    content: Callable[[str], Content],
    by_folder: bool,
    no_json: Callable[[Stray], Problem],
) -> Sorted:
    """Find the partner of each stray, or say what it is.

    ``stems``: stem → the file that messages name, of complete slices. ``others``: files of no kind
    that may be volumes.
    ``by_folder``: the last folder is the patient. ``no_json``: the problem of an image alone.
    """
    done = Sorted([], [], [], [])
    good = [stray for stray in strays if not isinstance(stray.who, str)]
    bad = [stray for stray in strays if isinstance(stray.who, str)]
    bad = _without_foreign_json(bad, others, content, done)
    good, bad = _differing(good, bad, stems, done)
    good = _in_two_folders(good, by_folder, done)
    known = {**stems, **{stray.stem: stray.name for stray in good}}
    copies, bad = _copies(bad, known)
    for stray in good:
        if stray.kinds == {"image"}:
            problem = no_json(stray)
            found = copies.pop(stray.stem, [])
            if found:
                message = f"no {posixpath.basename(stray.stem)}.json beside it, but {and_more(found)}"
                remedy = "give the last version that name, or annotate the slice"
                problem = Problem(
                    stray.name, "", "error", problem.code, f"{message}; expected one of that name", remedy
                )
            done.problems.append(problem)
            done.lost.append(stray)
        else:
            done.alone.append(stray)
    done.problems += [_other_versions(known[stem], names) for stem, names in copies.items()]
    for stray in bad:
        # A picture or a JSON alone may be anything; together they are a slice that would be lost.
        severity: Literal["error", "warning"] = "error" if len(stray.kinds) == 2 else "warning"
        remedy = "rename it, or see --name-pattern or --patient-from folder"
        done.problems.append(Problem(stray.name, "", severity, "bad-name", str(stray.who), remedy))
    return done


def _without_foreign_json(
    bad: list[Stray], others: Sequence[str], content: Callable[[str], Content], done: Sorted
) -> list[Stray]:
    """Skip the JSONs of BIDS, and report those that are not LabelMe files in one line."""
    ours, foreign = [], []
    volumes = {composed(name.partition(".nii")[0]) for name in others if ".nii" in name}
    for stray in bad:
        what = content(stray.name) if stray.kinds == {"json"} else "labelme"
        if what == "labelme":
            ours.append(stray)
        elif what == "other" and not (
            _BIDS.fullmatch(posixpath.basename(stray.name)) or stray.stem in volumes
        ):
            foreign.append(stray.name)
    if foreign:
        found = f"{and_more(foreign)}: JSON without LabelMe's shapes, passed over"
        remedy = "if contours are in it (COCO and others), export them as LabelMe files, one per slice"
        message = f"{found}; expected LabelMe files or none"
        done.problems.append(Problem(foreign[0], "", "warning", "other-json", message, remedy))
    return ours


def _differing(
    good: list[Stray], bad: list[Stray], stems: dict[str, str], done: Sorted
) -> tuple[list[Stray], list[Stray]]:
    """Take out images and JSONs of one folder whose names are nearly the same: they are one slice."""
    groups: dict[tuple[str, tuple[str, ...]], list[Stray]] = defaultdict(list)
    for stray in (s for s in (*good, *bad) if len(s.kinds) == 1):
        folder, _, own = stray.stem.rpartition("/")
        groups[folder, loose_key(own)].append(stray)
    whole = {stem.casefold(): name for stem, name in stems.items()} if good else {}
    taken: set[str] = set()
    for alike in groups.values():
        readable = [stray for stray in alike if not isinstance(stray.who, str)]
        kinds = {kind for stray in alike for kind in stray.kinds}
        first = alike[0]
        if len(alike) > 1 and readable and kinds == {"image", "json"}:
            names = [name for stray in alike for name in stray.names]
            what = difference(*(posixpath.basename(stray.stem) for stray in alike[:2]))
        elif readable and first.kinds == {"json"} and first.stem.casefold() in whole:
            names, what = [whole[first.stem.casefold()], *first.names], "case"
        else:
            continue
        found = f"the names of {' and '.join(names)} differ in {what}; expected one name but for the ending"
        remedy = "rename one of them if they are one slice: neither is measured with the other"
        done.problems.append(Problem(names[0], "", "error", "names-differ", found, remedy))
        done.lost += readable
        taken |= {stray.stem for stray in alike}
    return tuple([s for s in group if s.stem not in taken] for group in (good, bad))  # type: ignore[return-value]


def _in_two_folders(good: list[Stray], by_folder: bool, done: Sorted) -> list[Stray]:
    """Pair images and JSONs of two folders, as ``images/`` and ``labels/``, where just one of each fits."""

    def place(stray: Stray) -> tuple[str, ...]:
        assert not isinstance(stray.who, str)
        patient, *_, session = stray.who
        return (patient if by_folder else ""), session, posixpath.basename(stray.stem)

    rest = []
    for alike in _grouped(good, place):
        images, annotations = ([s for s in alike if s.kinds == {which}] for which in ("image", "json"))
        if not (images and annotations):
            rest += alike
        elif len(images) == len(annotations) == 1 and not isinstance(images[0].who, str):
            done.pairs.append((images[0].who, images[0].names[0], annotations[0].names[0]))
        else:
            found = f"{and_more([s.name for s in alike])} may be one slice; expected one image and one JSON"
            remedy = "keep the JSON that is meant, beside its image"
            done.problems.append(Problem(alike[0].name, "", "error", "duplicate-slice", found, remedy))
            done.lost += alike
    if not by_folder:
        return rest
    left = []
    for alike in _grouped(rest, lambda stray: ("", posixpath.basename(stray.stem))):
        if len(alike) != 2 or alike[0].kinds == alike[1].kinds:
            left += alike
            continue
        found = (
            f"{' and '.join(s.name for s in alike)} lie in two folders; expected both in the patient's own"
        )
        remedy = "put the JSON beside its image if they are one slice"
        done.problems.append(Problem(alike[0].name, "", "error", "image-without-json", found, remedy))
        done.lost += alike
    return left


def _grouped(strays: Iterable[Stray], key: Callable[[Stray], tuple[str, ...]]) -> Iterator[list[Stray]]:
    groups: dict[tuple[str, ...], list[Stray]] = defaultdict(list)
    for stray in strays:
        groups[key(stray)].append(stray)
    yield from groups.values()


def _copies(bad: list[Stray], known: dict[str, str]) -> tuple[dict[str, list[str]], list[Stray]]:
    """The other versions of known files, by their stem, and the strays that are not."""
    copies: dict[str, list[str]] = defaultdict(list)
    rest = []
    for stray in bad:
        original = next((stem for stem in _originals(stray) if stem in known), None)
        if original is None:
            rest.append(stray)
        else:
            copies[original] += stray.names
    return copies, rest


def _originals(stray: Stray) -> Iterator[str]:
    """The stems of which a file may be a copy by its name, the longest first."""
    folder, slash, own = stray.stem.rpartition("/")
    # A JSON that begins as another may have any words behind it, such as a computer's name; pictures of a
    # slice have other uses.
    any_words = stray.kinds == {"json"}
    for end in range(len(own) - 1, 0, -1):
        behind = own[end:]
        if _BEHIND.fullmatch(behind) or (any_words and not (behind[0].isascii() and behind[0].isalnum())):
            yield f"{folder}{slash}{own[:end]}"
    for start in range(1, len(own)):
        before = own[:start]
        if _BEFORE.fullmatch(before) and not (before[-1].isascii() and before[-1].isalnum()):
            yield f"{folder}{slash}{own[start:]}"


def _other_versions(original: str, names: Sequence[str], done: str = "measured") -> Problem:
    count = "another version" if len(names) == 1 else f"{len(names)} other versions"
    verb = "is" if len(names) == 1 else "are"
    message = f"{count} of it {verb} there, not {done} ({and_more(names)}); expected one: which is the last?"
    remedy = "keep the last under this name, and take the others away"
    return Problem(original, "", "warning", "other-version", message, remedy)
