"""A BIDS dataset as the input of a study: which image, which label maps and which slices are of whom.

Of each scan (a participant, or a session of one) there is one axial ``T2w`` with a label map of its muscles.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError, unreadable
from mriparaspinal.core.model import Problem
from mriparaspinal.core.participants import KEY
from mriparaspinal.core.text import and_more, natural_key
from mriparaspinal.core.visits import SESSION, has_sessions, session_label
from mriparaspinal.io.tables import TextTable, csv_bytes, read_table
from mriparaspinal.scans.levels import COLUMNS, PLACES

PEOPLE = "participants.tsv"

_VOLUMES = (".nii.gz", ".nii")

#: What a label map's name says beside that of its image.
_OWN_ENTITIES = {"space", "desc", "label", "res", "den", "atlas", "seg"}

#: Of a participant's label: letters, if any, and the number.
_LABEL = re.compile("[A-Za-z]*([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Person:
    """A participant, and what the slices are called by."""

    label: str
    """Without ``sub-``."""
    group: str
    number: str
    cells: Mapping[str, str]
    """The other cells of ``participants.tsv``."""

    @property
    def name(self) -> str:
        """The participant's id in all tables: ``ALS_07`` of ``sub-ALS07`` of the group ALS."""
        return f"{self.group}_{self.number}"


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there of one scan."""

    person: Person
    session: str
    image: Path
    muscles: Path
    levels: bytes
    """A table for ``prepare``."""
    level_map: Path | None

    @property
    def place(self) -> str:
        """Its folder in input and output: ``sub-01``, ``sub-01/ses-A``."""
        return place_of(self.person.label, self.session)


def place_of(label: str, session: str) -> str:
    """The folder of a scan.

    >>> place_of("01", ""), place_of("01", "A")
    ('sub-01', 'sub-01/ses-A')
    """
    return f"sub-{label}/ses-{session}" if session else f"sub-{label}"


def read_people(root: Path) -> dict[str, Person]:
    """The participants of ``participants.tsv`` by label, in its order.

    Raises :class:`NoInputError` for a folder without it, or where it does not tell their groups, and
    :class:`UsageError` where two of them would have one name.
    """
    if not (root / PEOPLE).is_file():
        expected = f"expected a BIDS dataset, whose {PEOPLE} tells the groups"
        raise NoInputError(f"{root}: no {PEOPLE}; {expected}; check the path, or write one")
    table = read_table(root / PEOPLE)
    if missing := [name for name in (KEY, "group") if name not in table.columns]:
        found = f"no column {' or '.join(missing)}"
        raise NoInputError(f"{root / PEOPLE}: {found}; expected {KEY} and group, such as ALS; add it")
    people: dict[str, Person] = {}
    taken: dict[tuple[str, int], str] = {}
    for row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        label, group = cells.pop(KEY).strip().removeprefix("sub-"), cells.pop("group").strip()
        match = _LABEL.fullmatch(label)
        if match is None or not group:
            found = f"{label!r} of the group {group!r} was found"
            expected = "expected a label that ends in a number, such as sub-07 or sub-ALS07, and a group"
            raise NoInputError(f"{root / PEOPLE}: {found}; {expected}; correct the row")
        other = taken.setdefault((group.casefold(), int(match[1])), label)
        if other != label or label in people:
            found = f"sub-{other} and sub-{label} would both be {group}_{match[1]}"
            raise UsageError(f"{root / PEOPLE}: {found}; expected numbers that differ in a group; rename one")
        people[label] = Person(label, group, match[1], cells)
    return people


def chosen(root: Path, only: Sequence[str]) -> list[str]:
    """The labels of the participants to look at: those asked for, else all that have a folder."""
    there = [path.name.removeprefix("sub-") for path in root.glob("sub-*") if path.is_dir()]
    there.sort(key=natural_key)
    labels = [name.removeprefix("sub-") for name in only] or there
    for label in labels:
        if label not in there:
            expected = f"expected one of {and_more(there)}"
            raise UsageError(f"--participant-label {label}: no folder sub-{label}; {expected}; correct it")
    if not labels:
        raise NoInputError(f"{root}: no folder sub-…; expected one for each participant; check the path")
    return labels


def pipeline(root: Path, name: str, option: str) -> Path:
    """A folder of derivatives, by its name or its path."""
    for path in (root / "derivatives" / name, Path(name)):
        if path.is_dir():
            return path
    expected = f"expected a folder of {root / 'derivatives'}, or the path of one"
    raise UsageError(f"{option} {name}: no such folder; {expected}; correct it")


def find_scans(
    root: Path, people: Mapping[str, Person], labels: Sequence[str], muscles: Path, levels: Path
) -> tuple[list[Scan], list[Problem]]:
    """The scans of some participants, and what is missing of the others.

    ``levels``: a folder of label maps of the levels, or a table with participant_id (and session), segment
    and slice.
    """
    table = _LevelTable(read_table(levels), levels.name) if levels.is_file() else None
    scans: list[Scan] = []
    problems: list[Problem] = []
    for label in labels:
        sessions = sorted(path.name for path in (root / f"sub-{label}").glob("ses-*") if path.is_dir())
        for session in [name.removeprefix("ses-") for name in sessions] or [""]:
            place = place_of(label, session)
            try:
                if label not in people:
                    raise unreadable(f"no row in {PEOPLE}", "one for each folder", "add it")
                image, drawn = _image(root / place / "anat", muscles / place / "anat")
                if table is None:
                    level_map = _level_map(levels / place / "anat")
                    rows = _rows(people[label], image, [{"label_map": level_map.name}])
                else:
                    level_map, rows = None, _rows(people[label], image, table.of(label, session))
                scans.append(Scan(people[label], session, image, drawn, rows, level_map))
            except UnreadableError as error:
                problems.append(error.fault.at(place, "bids-incomplete").problem())
    return scans, problems


def _volumes(folder: Path, suffix: str) -> list[Path]:
    named = tuple(f"_{suffix}{ending}" for ending in _VOLUMES)
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.name.endswith(named) and not path.name.startswith(".")]


def _entities(path: Path) -> frozenset[str]:
    """What tells of which image a file is: the entities of its name, but for those of label maps."""
    parts = path.name.split(".")[0].split("_")
    return frozenset(p for p in parts if "-" in p and p.partition("-")[0] not in _OWN_ENTITIES)


def _image(images: Path, maps: Path) -> tuple[Path, Path]:
    """The T2w that has a label map of the muscles, and this map."""
    volumes, drawn = _volumes(images, "T2w"), _volumes(maps, "dseg")
    pairs = [(image, m) for image in volumes for m in drawn if _entities(image) == _entities(m)]
    if not volumes:
        raise unreadable("no …_T2w.nii.gz in anat", "the axial T2w", "put it there")
    if len(pairs) != 1:
        found = f"{' and '.join(m.name for _, m in pairs)} are label maps of a T2w"
        if not pairs:
            found = f"no label map of {and_more([image.name for image in volumes])} in {maps}"
        expected = "one …_dseg.nii.gz with the entities of its T2w, such as acq-ax"
        raise unreadable(found, expected, "keep the one that is meant" if pairs else "put it there")
    return pairs[0]


def _level_map(maps: Path) -> Path:
    there = _volumes(maps, "dseg")
    if len(there) != 1:
        found = f"{' and '.join(path.name for path in there) or 'no …_dseg.nii.gz'} in {maps}"
        raise unreadable(found, "one label map of discs or vertebrae", "correct the folder")
    return there[0]


def _rows(person: Person, image: Path, rows: Sequence[Mapping[str, str]]) -> bytes:
    """A levels table as ``prepare`` reads it."""
    columns = (*COLUMNS[:4], *(name for name in PLACES if name in rows[0]))
    whose = {"source": image.name, "group": person.group, "patient": person.number, "segment": ""}
    return csv_bytes(columns, [[{**whose, **row}[name] for name in columns] for row in rows])


class _LevelTable:
    """The slices of the segments of all scans, as a person wrote them."""

    def __init__(self, table: TextTable, name: str) -> None:
        self._name = name
        columns = table.columns
        needed = [column for column in (KEY, "segment") if column not in columns]
        if not set(PLACES[:2]) & set(columns):
            needed.append(PLACES[0])
        if needed:
            expected = f"expected {KEY}, segment and slice or position_mm, and session where there are any"
            raise NoInputError(f"{name}: no column {', '.join(needed)}; {expected}; add it")
        session = next((c for c in columns if has_sessions((c,))), None)
        self._rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        for row in table.rows:
            cells = dict(zip(columns, row, strict=True))
            visit = session_label(cells[session]) if session else ""
            wanted = {name: cells[name] for name in ("segment", *PLACES[:2]) if name in cells}
            self._rows[cells[KEY].strip().removeprefix("sub-"), visit].append(wanted)

    def of(self, label: str, session: str) -> list[dict[str, str]]:
        if (label, session) not in self._rows:
            whose = f"sub-{label}" + (f" with the {SESSION} {session}" if session else "")
            raise unreadable(f"no row of {whose} in {self._name}", "one for each segment", "add them")
        return self._rows[label, session]
