"""A review while it is open: what is read, what was drawn, and where it is written."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.draft_mark import is_draft, set_draft
from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.core.model import SAT, Settings, Spacing
from mriparaspinal.dataset.contour_source import REVIEWED
from mriparaspinal.io.folder import find_name, read_bytes
from mriparaspinal.io.images import SLICE_FILE_LIMIT
from mriparaspinal.io.write import sha256
from mriparaspinal.review.blind import json_name
from mriparaspinal.review.document import (
    SHAPES_LIMIT,
    Document,
    Drawing,
    Edit,
    Gone,
    document_bytes,
    drawings_of,
    edited,
    new_document,
    parse_document,
    taken_away,
    upon_another,
)
from mriparaspinal.review.journal import Journal
from mriparaspinal.review.saving import ChangedOnDiskError, digest_of, require_same, save_unless_changed
from mriparaspinal.review.slices import NO_LABELME, Reading, below, image_bytes
from mriparaspinal.review.timing import add_seconds
from mriparaspinal.review.verdict_file import VerdictFile
from mriparaspinal.review.verdicts import Verdict
from mriparaspinal.review.workbench import Measured, Workbench

#: In px: how far a refined line may lie from the polygon that is shown, so that its points can be dragged.
_TOLERANCE = 0.2


@dataclass(frozen=True, slots=True)
class Proposal:
    """Contours to look at and to take over: those of the dataset, or of another reader."""

    name: str
    """How the page calls them."""
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Way:
    """How slices are read."""

    root: Path
    """The dataset."""
    folder: Path
    """Where contours and judgements are written: the dataset, or the folder of a reader."""
    settings: Settings
    reader: str = ""
    blind: bool = False
    proposals: tuple[Proposal, ...] = ()
    timing: bool = False
    why: dict[str, str] = field(default_factory=dict)
    """Why a slice is to be looked at, by its name."""
    expected: dict[str, dict[str, float]] = field(default_factory=dict)
    """The Dice coefficient to expect of drafted regions, by slice and region."""
    spacings: Mapping[str, Spacing] = field(default_factory=dict)
    """Row and column spacing in mm, by image."""
    has: frozenset[str] = frozenset()
    """The regions that the dataset has, without their sides."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The contours of a proposal on one slice."""

    draft: bool
    """Whether nobody has judged them yet."""
    drawn: list[Drawing]


@dataclass(frozen=True, slots=True)
class OpenSlice:
    """A slice as the page shows it."""

    shape: tuple[int, int]
    """Rows and columns."""
    digest: str | None
    """SHA-256 of the file of contours; None: there is none."""
    draft: bool
    drawn: list[Drawing]
    unsaved: list[dict[str, Any]] | None
    """What was drawn and not saved, as the page sent it."""
    changed: bool
    """Whether the file is no longer the one that this was drawn upon."""
    proposals: dict[str, Proposed]
    session: int
    """Which opening of the slice this is; what an earlier one sends is refused."""


@contextlib.contextmanager
def _named(file: str) -> Iterator[None]:
    """What cannot be read is told with the name of the file."""
    try:
        yield
    except UnreadableError as error:
        raise NoInputError(error.fault.at(file)) from None


class _Flags(msgspec.Struct):
    flags: dict[str, Any] | None = None


class Session:
    """All that the page asks for. A reading goes by its number in the list, never by a path."""

    def __init__(self, way: Way, readings: Sequence[Reading]) -> None:
        self.way, self.readings = way, tuple(readings)
        self.verdicts = VerdictFile(way.folder, way.reader, way.settings.regions)
        self.journal = Journal(way.folder)
        self._bench = Workbench(way.settings)
        self._alone = threading.RLock()
        self._numbers = itertools.count(1)
        self._opened: dict[str, int] = {}
        """The number of the latest opening, by slice."""
        self._gone: dict[str, list[Gone]] = {}
        """Shapes that a save took out of the file, by slice."""
        self._forget_what_was_saved()

    def close(self) -> None:
        """Let go of the folder."""
        self.journal.close()
        self._bench.close()

    def _forget_what_was_saved(self) -> None:
        """A program that was killed may have written a file, and not that it did."""
        for reading in self.readings:
            saving = self.journal.saved_as(reading.name)
            if saving is not None and digest_of(self._path(reading)) == saving:
                self.journal.done(reading.name)

    def _path(self, reading: Reading) -> Path:
        return below(self.way.folder, reading.file)

    # --- the list -------------------------------------------------------------------------------------------

    def overview(self) -> dict[str, Any]:
        """What the page shows of all readings."""
        settings = self.way.settings
        return {
            "reader": self.way.reader,
            "blind": self.way.blind,
            "timing": self.way.timing,
            "mostShapes": SHAPES_LIMIT,
            "imageLeft": settings.image_left,
            "regions": self._regions(),
            "colours": settings.own_colours,
            "optional": [region.name for region in settings.regions if not region.expected],
            "readings": [self._state(reading) for reading in self.readings],
        }

    def _regions(self) -> list[str]:
        """The regions of the protocol, in the order in which they are drawn."""
        settings, has = self.way.settings, self.way.has
        muscles = [name for name in settings.muscles if name != "QL" or name in has]
        sides = {"": "", "left": "_L", "right": "_R"}
        regions = [name + sides[side] for name in muscles for side in reversed(settings.sides_of(name))]
        regions.append(settings.reference or ("VB" if "VB" in has and "IVD" not in has else "IVD"))
        return regions + [SAT] * (settings.fat_rule == "reference")

    def _state(self, reading: Reading) -> dict[str, Any]:
        slice_ = reading.slice
        draft = False
        with contextlib.suppress(*NO_LABELME):
            raw = read_bytes(self._path(reading), SLICE_FILE_LIMIT)
            flags = msgspec.json.decode(raw.removeprefix(codecs.BOM_UTF8), type=_Flags).flags or {}
            draft = is_draft({"flags": flags})
        return {
            "name": reading.name,
            "participant": slice_.participant_id,
            "segment": "" if self.way.blind else f"{slice_.segment} {slice_.letter}".strip(),
            "contours": self._path_exists(reading),
            "draft": draft,
            "unsaved": reading.name in self.journal.unsaved,
            "why": self.way.why.get(reading.name, ""),
            "expected": self.way.expected.get(reading.name, {}),
            "verdicts": self.judged(reading),
        }

    def _path_exists(self, reading: Reading) -> bool:
        folder, file = self.way.folder, reading.file
        return os.path.lexists(folder / (find_name(folder, file) or file))

    def judged(self, reading: Reading) -> list[dict[str, str]]:
        """The judgements of this reader on a slice and its regions."""
        return [asdict(verdict) for verdict in self.verdicts.of(reading.name)]

    # --- one slice ------------------------------------------------------------------------------------------

    def grey(self, reading: Reading) -> NDArray[np.uint8]:
        """The grey levels of a slice, (rows, columns)."""
        with _named(reading.name):
            return self._bench.grey(image_bytes(self.way.root, reading))

    def open(self, reading: Reading, session: int | None = None) -> OpenSlice:
        """A slice, its contours, and what was drawn on it and not saved.

        ``session``: the number under which the same page has it open, and goes on if it is the latest.
        """
        with self._alone:
            rows, columns = self.grey(reading).shape
            document, digest = self._document(reading)
            drawn = [] if document is None else self._drawn(reading, document, (rows, columns))
            unsaved = self.journal.unsaved.get(reading.name)
            return OpenSlice(
                (rows, columns),
                digest,
                document is not None and is_draft(document),
                drawn,
                None if unsaved is None else unsaved.shapes,
                unsaved is not None and unsaved.base != digest,
                {p.name: self._proposed(reading, p.folder, (rows, columns)) for p in self.way.proposals},
                self._number(reading, session),
            )

    def _number(self, reading: Reading, session: int | None) -> int:
        if session is None or session != self._opened.get(reading.name):
            self._opened[reading.name] = next(self._numbers)
        return self._opened[reading.name]

    def _is_latest(self, reading: Reading, session: int | None) -> bool:
        return session is None or session == self._opened.get(reading.name, session)

    def _require_latest(self, reading: Reading, session: int | None) -> None:
        """Two tabs with one slice would take each other's drawings away."""
        if not self._is_latest(reading, session):
            found = "was opened once more, in another tab or window"
            raise ChangedOnDiskError(
                f"{reading.name}: {found}; expected it open in one; choose which one is to stay"
            )

    def _document(self, reading: Reading) -> tuple[Document | None, str | None]:
        """The file of contours as it is on the disk, and its SHA-256; None where there is none."""
        if not self._path_exists(reading):
            return None, None
        with _named(reading.file):
            raw = read_bytes(self._path(reading), SLICE_FILE_LIMIT)
            return parse_document(raw), sha256(raw)

    def _drawn(self, reading: Reading, document: Document, shape: tuple[int, int]) -> list[Drawing]:
        return drawings_of(document, shape, self.way.settings, reading.slice.segment)

    def _proposed(self, reading: Reading, folder: Path, shape: tuple[int, int]) -> Proposed:
        name = reading.slice.annotation if folder == self.way.root else json_name(reading.image)
        try:
            document = parse_document(read_bytes(below(folder, name), SLICE_FILE_LIMIT))
        except UnreadableError:
            return Proposed(False, [])
        drawn = drawings_of(document, shape, self.way.settings, reading.slice.segment, to_take=True)
        return Proposed(is_draft(document), drawn)

    def measure(self, reading: Reading, base: str | None, edits: Sequence[Edit]) -> Measured:
        """The numbers and problems of a slice as it is drawn at this moment."""
        with _named(reading.name):
            image = image_bytes(self.way.root, reading)
            rows, columns = self._bench.grey(image).shape
        document, there = self._document(reading)
        old = document or self._new(reading, (rows, columns))
        new = self._edited(reading, old, edits, (rows, columns), there == base)
        return self._bench.measure(reading, image, new)

    def refine(self, reading: Reading, points: list[list[float]]) -> list[list[float]]:
        """A smooth contour near clicked points (column, row), snapped to the slice."""
        # Here: scikit-image takes a second to load.
        from mriparaspinal.drafts.refine import refine_region
        from mriparaspinal.drafts.splines import simplify

        if len(set(map(tuple, points))) < 3:
            return points
        refined = refine_region(self.grey(reading), np.array(points))
        if len(refined) < 3:
            return points
        return [[float(x), float(y)] for x, y in simplify(refined, _TOLERANCE)]

    def _edited(
        self, reading: Reading, old: Document, edits: Sequence[Edit], shape: tuple[int, int], same: bool
    ) -> Document:
        """The document as the reader leaves it; ``same``: it is the one that the edits were made upon."""
        drawn = self._drawn(reading, old, shape)
        gone = self._gone.get(reading.name, ())
        return edited(old, edits if same else upon_another(edits, drawn), drawn, gone)

    def _new(self, reading: Reading, shape: tuple[int, int]) -> Document:
        """A file without contours; its image lies beside it, or in the dataset."""
        if self.way.blind:
            return new_document(f"{reading.name}.png", shape)
        image = self.way.root.resolve() / reading.image
        try:
            path = os.path.relpath(image, self._path(reading).parent)
        except ValueError:  # another drive
            path = image.name
        return new_document(path.replace(os.sep, "/"), shape)

    def keep(
        self, reading: Reading, base: str | None, shapes: list[dict[str, Any]], session: int | None = None
    ) -> None:
        """Keep what is drawn, until it is saved.

        Raises :class:`.saving.ChangedOnDiskError` where ``session`` is not the latest opening of the slice.
        """
        with self._alone:
            self._require_latest(reading, session)
            self.journal.drawn(reading.name, base, shapes)

    def discard(self, reading: Reading, session: int | None = None) -> None:
        """Give up what was drawn and not saved; not what was drawn in a later opening of the slice."""
        with self._alone:
            if self._is_latest(reading, session):
                self.journal.done(reading.name)

    def save(
        self,
        reading: Reading,
        base: str | None,
        edits: Sequence[Edit],
        force: bool = False,
        session: int | None = None,
    ) -> str | None:
        """Write the contours; the SHA-256 of the file. ``force``: over what is there now, as was chosen.

        Raises :class:`.saving.ChangedOnDiskError` where the file is no longer the one of ``base``, or
        ``session`` is not the latest opening of the slice.
        """
        with self._alone:
            if not force:
                self._require_latest(reading, session)
            elif session is not None:
                self._opened[reading.name] = session
            rows, columns = self.grey(reading).shape
            document, there = self._document(reading)
            if there != base and not force:
                require_same(self._path(reading), base)
            old = document or self._new(reading, (rows, columns))
            new = self._edited(reading, old, edits, (rows, columns), there == base)
            gone = taken_away(old, new, self._drawn(reading, old, (rows, columns)))
            digest = self._write(reading, document, new, there)
            self._gone.setdefault(reading.name, []).extend(gone)
            return digest

    def _write(self, reading: Reading, old: Document | None, new: Document, opened: str | None) -> str | None:
        """Write a document in place of another, if it says anything new."""
        if new == old or (old is None and not new["shapes"]):
            self.journal.done(reading.name)
            return opened
        content = document_bytes(new)
        digest = sha256(content)
        self.journal.saving(reading.name, digest)
        save_unless_changed(self._path(reading), content, opened)
        self.journal.done(reading.name)
        return digest

    # --- judging --------------------------------------------------------------------------------------------

    def judge(
        self, reading: Reading, verdict: Verdict, base: str | None, session: int | None = None
    ) -> str | None:
        """Keep a judgement (empty: take it back); the SHA-256 of the file: ``base``, unless it was written.

        A slice that was reviewed is no draft any more. Raises :class:`.saving.ChangedOnDiskError` where the
        file is no longer the one of ``base``: what is judged is what was seen.
        """
        with self._alone:
            self._require_latest(reading, session)
            require_same(self._path(reading), base)
            self.verdicts.judge(verdict)
            document, _ = self._document(reading)
            if verdict.verdict == REVIEWED and not verdict.region and document and is_draft(document):
                unsaved = self.journal.unsaved.get(reading.name)
                written = self._write(reading, document, set_draft(document, False), base)
                if unsaved is not None:  # only saving ends it
                    same = unsaved.base == base
                    self.journal.drawn(reading.name, written if same else unsaved.base, unsaved.shapes)
                return written
            return base

    def digest(self, reading: Reading) -> str | None:
        """SHA-256 of the file of contours as it is on the disk; None where there is none."""
        return digest_of(self._path(reading))

    def spend(self, reading: Reading, seconds: float) -> None:
        """Add to the time that was spent on a slice; nothing where time is not recorded."""
        if self.way.timing:
            with self._alone:
                add_seconds(self.way.folder, reading.name, self.way.reader, seconds)
