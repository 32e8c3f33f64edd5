"""From what was asked for on the command line to a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import Settings
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import count_of
from mriparaspinal.drafts.files import read_drafts
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.write import cannot_write, same_header, write_file
from mriparaspinal.review import adjudicate
from mriparaspinal.review.blind import (
    json_name,
    keep_key,
    keep_reader,
    key_digest,
    make_codes,
    require_reader,
)
from mriparaspinal.review.session import Proposal, Session, Way
from mriparaspinal.review.slices import Reading, blinded, find_readings, regions_in, spacings_of
from mriparaspinal.review.verdicts import read_marks, require_plain

#: A region of two readers differs where its Dice is below this.
DICE_LIMIT = 0.9


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How slices are to be read; the fields are the options of ``review``."""

    reader: str | None = None
    out: Path | None = None
    blind: int | None = None
    key: Path | None = None
    repeat: float | None = None
    with_contours: bool = False
    compare: tuple[Path, ...] = ()
    dice_below: float | None = None
    marks: Path | None = None
    timing: bool = False


def begin(root: Path, settings: Settings, wanted: Wanted) -> tuple[Session, list[str]]:
    """Open a review of a dataset, and what there is to say about it.

    Raises :class:`UsageError` where files would be written that are not the reader's, and
    :class:`NoInputError` where there is nothing to look at.
    """
    reader = (wanted.reader or "").strip()
    require_plain(reader, "--reader")
    readings, lost = find_readings(root, settings)
    notes = [problem.line() for problem in lost if wanted.blind is None]
    why: dict[str, str] = {}
    folder = wanted.out or root
    if wanted.out is not None:
        _require_apart(wanted.out, (root, *wanted.compare))
        _make(wanted.out)
        readings = [replace(reading, file=json_name(reading.image)) for reading in readings]
    proposals: tuple[Proposal, ...] = ()
    if wanted.compare:
        readings, why, passed_over = _to_adjudicate(root, settings, wanted, readings)
        notes.append(f"{count_of(len(readings), 'slice')} on which the readers differ: see {adjudicate.FILE}")
        notes += passed_over
        proposals = tuple(Proposal(path.name or str(path), path) for path in wanted.compare)
        if len({proposal.name for proposal in proposals}) < len(proposals):
            proposals = tuple(Proposal(str(proposal.folder), proposal.folder) for proposal in proposals)
    elif wanted.out is not None and (wanted.blind is None or wanted.with_contours):
        proposals = (Proposal("dataset", root),)
    expected: dict[str, dict[str, float]] = {}
    if wanted.blind is None and not wanted.compare:
        why, expected = _of_drafts(root, readings)
    has = regions_in(root, readings, settings)
    digest = None
    if wanted.blind is not None and wanted.key is not None:
        _require_apart(wanted.key, [root, folder])
        codes = make_codes([r.image for r in readings], wanted.blind, wanted.repeat or 0.0)
        if wanted.out is not None:
            require_reader(wanted.out, reader, key_digest(codes))
        digest = keep_key(wanted.key, codes)
        readings = blinded(readings, codes)
    if wanted.out is not None:
        keep_reader(wanted.out, reader, digest)
    way = Way(
        root=root,
        folder=folder,
        settings=settings,
        reader=reader,
        blind=wanted.blind is not None,
        proposals=proposals,
        timing=wanted.timing,
        why=why,
        expected=expected,
        spacings=spacings_of(root, readings),
        has=has,
    )
    session = Session(way, readings)
    try:
        if wanted.marks is not None:
            notes.append(_take_marks(session, wanted.marks))
    except BaseException:
        session.close()
        raise
    return session, notes


def _to_adjudicate(
    root: Path, settings: Settings, wanted: Wanted, readings: Sequence[Reading]
) -> tuple[list[Reading], dict[str, str], list[str]]:
    for path in wanted.compare:
        require_finished(path, "the folder of a reader", "review")
    one, other = wanted.compare
    limit = DICE_LIMIT if wanted.dice_below is None else wanted.dice_below
    compared = adjudicate.compare(root, readings, (one, other), settings, limit)
    found = compared.differences
    why: dict[str, str] = {}
    for difference in found:
        why[difference.image] = "; ".join(filter(None, (why.get(difference.image, ""), difference.text)))
    if not found:
        said = f"no region with a Dice below {limit:g}; expected differences to look at"
        lines = [f"{one}, {other}: {note}" for note in compared.notes]
        last = f"{one}, {other}: {said}; give a higher --dice-below, or none is needed"
        raise NoInputError("\n".join([*lines, last]))
    assert wanted.out is not None  # the command requires it
    content = adjudicate.adjudication_bytes(found)
    write_file(wanted.out / adjudicate.FILE, content, same_header(content))
    return [reading for reading in readings if reading.image in why], why, compared.notes


def _of_drafts(root: Path, readings: Sequence[Reading]) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """What ``draft`` expects of its contours: where to look first, and the Dice of each region."""
    why: dict[str, str] = {}
    expected: dict[str, dict[str, float]] = {}
    names = {composed(reading.image): reading.name for reading in readings}
    for row in read_drafts(root):
        name = names.get(composed(row.image), row.image)
        if row.expected_dice is not None:
            expected.setdefault(name, {})[row.label] = row.expected_dice
            if row.look_first:
                first = f"{row.label} (expected Dice {row.expected_dice:.2f})"
                before = f"{why[name]}, " if name in why else "look first at "
                why[name] = before + first
    return why, expected


def _take_marks(session: Session, path: Path) -> str:
    """Keep what was judged on the report, where nothing was judged yet."""
    images = {composed(reading.image): reading.name for reading in session.readings}
    marks = read_marks(path, session.way.settings.regions)
    unknown = [mark.image for mark in marks if composed(mark.image) not in images]
    if unknown:
        found = f"{unknown[0]!r} is no slice of the dataset"
        raise NoInputError(f"{path.name}: {found}; expected images of this dataset; check both")
    named = [replace(mark, image=images[composed(mark.image)], reader=session.way.reader) for mark in marks]
    fresh = [m for m in named if all(v.region != m.region for v in session.verdicts.of(m.image))]
    if fresh:
        session.verdicts.judge_all(fresh)
    return f"{len(fresh)} of {len(marks)} verdicts of {path.name} kept"


def _require_apart(path: Path, others: Sequence[Path]) -> None:
    """Raise :class:`UsageError` where something is to be written into a folder that is not for it."""
    here = path.resolve()
    for other in others:
        if other.resolve() in (here, *here.parents):
            found = f"lies in {other}"
            raise UsageError(f"{path}: {found}; expected it apart from that; choose another place")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
