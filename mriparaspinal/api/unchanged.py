"""Whether a study is still what ``run`` would make: then it is told again, and not made again."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mriparaspinal import __version__
from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.core.filenames import MANIFEST, PARTICIPANTS, RECORD
from mriparaspinal.core.model import SPINE, Problem
from mriparaspinal.core.text import and_more
from mriparaspinal.core.versions import study_versions
from mriparaspinal.dataset.fingerprint import fingerprint, program_sha256
from mriparaspinal.dataset.map_sources import numbering_record
from mriparaspinal.io.manifest import COMPARISON
from mriparaspinal.io.study_record import (
    StudyRecord,
    changes,
    is_record,
    other_outputs,
    outputs_of,
    read_record,
    record_bytes,
)
from mriparaspinal.io.write import write_file
from mriparaspinal.measure.results import segment_tables, slice_tables

if TYPE_CHECKING:
    from mriparaspinal.api.measuring import Request

#: What a run writes: the last file of each step.
SEALS = (f"results/{MANIFEST}", f"comparison/{COMPARISON}", "report.html")

#: Arguments that change nothing, and those that are among the settings.
_NO_DIFFERENCE = ("force", "done", "annotations", "accept_drafts")

#: What may be otherwise next time although no file has changed.
_PASSING = {"timed-out", "unreadable-file", "unreadable-folder"}


def state_of(
    asked: Request, numberings: Sequence[str], study: Path, more: Mapping[str, Any]
) -> StudyRecord | None:
    """All that a run depends on, without what it makes; None where a file of it cannot be read now.

    ``more``: its further arguments; whatever they are, another value is another study.
    """
    wait = asked.execution.timeout
    others = {
        n: value
        for n, value in more.items()
        if n not in _NO_DIFFERENCE and value not in (None, (), [], False)
    }
    given = {n: Path(value) for n, value in others.items() if isinstance(value, str | Path)}
    places: dict[str, tuple[Path | None, bool]] = {
        **{name: (path, True) for name, path in given.items() if path.is_file()},
        "dataset": (asked.dataset, False),
        "participants": (asked.participants, True),
        "annotations": (asked.source.folder, False),
        **{source.told: (source.folder, True) for source in (asked.maps.sources if asked.maps else ())},
        "fat": (None if asked.dixon is None else asked.dixon[0], True),
        "water": (None if asked.dixon is None else asked.dixon[1], True),
    }
    try:
        inputs = {
            name: fingerprint(place, study, every, wait)
            for name, (place, every) in places.items()
            if place is not None
        }
        program = program_sha256()
    except (UnreadableError, NoInputError):
        return None
    return StudyRecord(
        version=__version__,
        program=program,
        libraries=study_versions(),
        settings=_settings(asked, numberings)
        | {n: f"{value}" for n, value in others.items() if n not in given}
        | {n: path.name for n, path in given.items()},
        inputs=inputs,
        outputs={},
        made={},
    )


def _settings(asked: Request, numberings: Sequence[str]) -> dict[str, Any]:
    """The settings as they are used, and the names of folders that results tell."""
    settings: dict[str, Any] = dataclasses.asdict(asked.settings)
    for later in ("measures", "regions", "segments"):
        if not settings[later]:
            del settings[later]
    settings |= {"accept_drafts": asked.source.accept_drafts, "annotations": asked.source.name}
    if asked.maps is not None:
        settings["numbering"] = numbering_record(source.numbering for source in asked.maps.sources)
        settings["numbering_from"] = ", ".join(Path(name).name for name in numberings) or None
    if asked.dixon is not None:
        settings |= dict(zip(("fat", "water"), (place.name for place in asked.dixon), strict=True))
    return settings


def as_it_was(study: Path, now: StudyRecord) -> StudyRecord | None:
    """The record of the study where nothing has changed since; else None, and a note says what has."""
    before = read_record(study)
    if before is None:
        return None
    own = {"results": frozenset(_tables(study / "results")), "comparison": frozenset[str]()}
    found = changes(before, now) or other_outputs(study, before, own)
    if set(before.outputs) != set(SEALS):
        found.append(f"{RECORD} does not list what a run writes")
    if not found:
        return before
    what = and_more(found, 3)
    logging.getLogger("mriparaspinal").info(f"note: {study}: since the last run: {what}; doing all steps")
    return None


def _tables(results: Path) -> Iterable[str]:
    """The tables that readers of the results would take for theirs."""
    own = [PARTICIPANTS] if (results / PARTICIPANTS).is_file() else []
    return [*segment_tables(results, SPINE), *slice_tables(results, SPINE), *own]


def keep_record(
    study: Path,
    now: StudyRecord | None,
    measured: Mapping[str, str],
    problems: Iterable[Problem],
    made: dict[str, dict[str, Any]],
) -> None:
    """Write the record of a study that was just made, where it can be told whether it will be the same.

    ``measured``: SHA-256 of what was read, by name. Without a record the next run does all steps again: where
    a file changed meanwhile, or could not be read this time.
    """
    if now is None or any(problem.code in _PASSING for problem in problems):
        return
    known = {digest for files in now.inputs.values() for digest in files.values()}
    # A series of fat or water has one digest for all its files.
    if any(d not in known for name, d in measured.items() if not name.startswith(("fat/", "water/"))):
        return
    try:
        record = msgspec.structs.replace(now, outputs=outputs_of(study, SEALS), made=made)
    except UnreadableError:
        return
    write_file(study / RECORD, record_bytes(record), is_record)
