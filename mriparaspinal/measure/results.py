"""The folder of results: its tables and manifest, opened again."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError
from mriparaspinal.core.filenames import MANIFEST, PARTICIPANTS, SHARE
from mriparaspinal.core.model import (
    PROBLEM_COLUMNS,
    SEGMENTS,
    SPINE,
    Problem,
)
from mriparaspinal.core.text import natural_key
from mriparaspinal.core.visits import SESSION
from mriparaspinal.io.folder import file_sha256, read_bytes
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.manifest import Manifest, parse_manifest, read_manifest
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.tables import parse_table, table_bytes, table_rows
from mriparaspinal.io.write import has_content, sha256
from mriparaspinal.measure.for_others import FOR_OTHERS, refuse_other_measurements


def stale_tables(folder: OutputFolder, fresh: Mapping[str, bytes]) -> list[str]:
    """The tables of an earlier run that the results ``fresh`` no longer have.

    People keep tables of such names themselves: one that no run wrote is never removed or replaced, but
    :class:`UsageError` is raised where it would be (a ``participants.csv`` of their own may stay otherwise).
    """
    stale = []
    written = folder.written_before()
    ours = {*segment_tables(folder.path), *slice_tables(folder.path), PARTICIPANTS, SHARE}
    known = (*segment_tables(folder.path, SPINE), *slice_tables(folder.path, SPINE), PARTICIPANTS, SHARE)
    for name in (name for name in known if name in ours or name in written or name in fresh):
        path = folder.path / name
        if not path.is_file():
            continue
        if name in written:
            stale += [] if name in fresh else [name]
        elif (name in fresh or name != PARTICIPANTS) and not has_content(path, fresh.get(name)):
            found = "a table that quantify did not write"
            raise UsageError(f"{path}: {found}; expected a folder without one; choose another --out")
    return stale + [name for name in folder.outdated(fresh) if name in FOR_OTHERS]


def refuse_other_share(folder: Path, share: Sequence[str]) -> None:
    """Raise :class:`UsageError` where a share would take the place of the results of other participants.

    ``share``: the participants of a share; empty where everyone was measured, which replaces anything.
    """
    manifest = folder / MANIFEST
    if not share or not manifest.is_file():
        return
    record = read_manifest(manifest).share
    there = None if record is None else record.participants
    if there != tuple(share):
        whose = "everyone" if there is None else ", ".join(there[:3]) + (" …" if len(there) > 3 else "")
        expected = "expected a folder for each share"
        remedy = "choose another --out, then join them by 'mriparaspinal merge'"
        raise UsageError(f"{folder}: holds the results of {whose}; {expected}; {remedy}")


def segment_tables(folder: Path, segments: Iterable[str] = SEGMENTS) -> list[str]:
    """The names ``L1.csv`` … ``L5.csv`` that exist in a folder of results, or those of its segments."""
    return [name for name in (f"{segment}.csv" for segment in segments) if (folder / name).is_file()]


def slice_tables(folder: Path, segments: Iterable[str] = SEGMENTS) -> list[str]:
    """The names ``L1_slices.csv`` … that exist in a folder of results: each slice of a stack by itself."""
    return [name for name in (f"{segment}_slices.csv" for segment in segments) if (folder / name).is_file()]


def sessions_of(contents: Mapping[str, bytes], tables: Iterable[str]) -> list[str]:
    """The sessions in tables of results in the order of their names; none where they have no such column."""
    found: set[str] = set()
    for name in tables:
        rows = table_rows(contents[name], name)
        header = next(rows)
        if SESSION in header:
            place = header.index(SESSION)
            found.update(row[place] for row in rows)
    return sorted(found - {""}, key=natural_key)


class _Files(Mapping[str, bytes]):
    """Files of a folder, each read when it is asked for, and refused where it is not the one of before.

    Kept in memory, the tables of 10,000 participants would take more of it than all else.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str]) -> None:
        self._folder, self._digests = folder, digests

    def __getitem__(self, name: str) -> bytes:
        digest = self._digests[name]
        try:
            content = read_bytes(self._folder / name)
        except UnreadableError as error:
            raise NoInputError(error.fault.at(f"{self._folder / name}")) from None
        if sha256(content) != digest:
            raise _other_results(self._folder)
        return content

    def __contains__(self, name: object) -> bool:
        return name in self._digests

    def __iter__(self) -> Iterator[str]:
        return iter(self._digests)

    def __len__(self) -> int:
        return len(self._digests)


def _other_results(folder: Path) -> NoInputError:
    found = "the results have changed since they were read"
    return NoInputError(f"{folder}: {found}; expected them at rest; run this command again")


@dataclass(frozen=True, slots=True)
class Results:
    """A folder of results that was checked: what is read of it later is refused where it has changed."""

    folder: Path
    manifest: Manifest | None
    """``quantify.json``; None for a folder of CSVs that was not written by ``quantify``."""
    tables: tuple[str, ...]
    """Of ``L1.csv`` … ``L5.csv`` those that are there."""
    contents: Mapping[str, bytes]
    """The bytes of the tables, and of all else that the manifest lists, by name."""
    sealed: bytes = b""
    """The bytes of the manifest."""
    session: str = ""
    """The session to look at, where one was chosen."""

    def require_same(self) -> None:
        """Raise :class:`NoInputError` where the folder is no longer what was read."""
        if read_results(self.folder).sealed != self.sealed:
            raise _other_results(self.folder)

    def sha256(self, name: str) -> str:
        """The SHA-256 of a file."""
        known = {} if self.manifest is None else self.manifest.outputs
        return known.get(name) or sha256(self.contents[name])


def read_results(folder: Path) -> Results:
    """Read a folder of results, after checking that it is complete.

    Raises :class:`NoInputError` where a run was cut off, or a table is not the one that was written.
    """
    require_finished(folder, "the results of quantify", "quantify")
    own = folder / PARTICIPANTS
    read = _read_manifest(folder) if (folder / MANIFEST).exists() else None
    segments = SEGMENTS if read is None else read[0].segments
    names = segment_tables(folder, segments)
    for name in (f"{segment}.csv" for segment in segments):
        if name not in names and (folder / name).exists():
            raise NoInputError(f"{folder / name}: not a regular file; expected one; replace it by a file")
    _refuse_other_segments(folder, names, segments)
    if not names:
        none = f"no {tables_of(segments)}"
        raise NoInputError(f"{folder}: {none}; expected the results of quantify; run it first")
    if read is None:
        beside = [*slice_tables(folder), *([PARTICIPANTS] if own.is_file() else [])]
        digests = {name: sha256(table_bytes(folder / name)) for name in (*names, *beside)}
        refuse_other_measurements(folder, names)
        return Results(folder, None, tuple(names), _Files(folder, digests))
    manifest, sealed = read
    digests = {name: _checked(folder, name, manifest.outputs) for name in _listed(folder, manifest)}
    if own.is_file() and PARTICIPANTS not in digests:
        digests[PARTICIPANTS] = sha256(table_bytes(own))
    return Results(folder, manifest, tuple(names), _Files(folder, digests), sealed)


def tables_of(segments: Sequence[str]) -> str:
    """The tables of segments, for a message."""
    return f"{segments[0]}.csv … {segments[-1]}.csv"


def _refuse_other_segments(folder: Path, names: Collection[str], segments: Sequence[str]) -> None:
    """Raise :class:`NoInputError` for a table such as ``L6.csv``, which would be passed over."""
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    beside = slice_tables(folder, segments)
    for name in there:
        segment = re.fullmatch(r"([CLTS]\d+)(_slices)?\.csv", name, re.IGNORECASE)
        if segment and name not in beside and f"{segment[1].upper()}.csv" not in names:
            found = "a table of no segment that is read"
            remedy = "rename it, or take it out of the folder"
            raise NoInputError(f"{folder / name}: {found}; expected {tables_of(segments)}; {remedy}")


def open_share(folder: Path) -> tuple[Manifest, bytes]:
    """The manifest of a share of a dataset, and what it keeps for others to be joined with it.

    Raises :class:`NoInputError` where the folder is no share, or not whole.
    """
    require_finished(folder, "the results of quantify", "quantify")
    if not (folder / MANIFEST).is_file():
        raise NoInputError(f"{folder}: no {MANIFEST}; expected a share that quantify wrote; check the path")
    manifest, _ = _read_manifest(folder)
    if SHARE not in manifest.outputs:
        found = "measured without --participant-label; expected a share of a dataset"
        raise NoInputError(f"{folder}: {found}; leave it out, or measure shares")
    digests = {name: _checked(folder, name, manifest.outputs) for name in _listed(folder, manifest)}
    return manifest, _Files(folder, digests)[SHARE]


def _read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    """The manifest, made from the bytes that are given back with it."""
    file = folder / MANIFEST
    try:
        sealed = read_bytes(file)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{file}")) from None
    return parse_manifest(sealed, file), sealed


def _listed(folder: Path, manifest: Manifest) -> list[str]:
    """The names of all tables that are there, and of all else that the manifest lists.

    But for tables for others that were taken away.
    """
    own = (*segment_tables(folder, manifest.segments), *slice_tables(folder, manifest.segments))
    listed = [n for n in manifest.outputs if n not in FOR_OTHERS or os.path.lexists(folder / n)]
    return list(dict.fromkeys([*own, *listed]))


def _checked(folder: Path, name: str, outputs: Mapping[str, str]) -> str:
    """The SHA-256 of a file, which is the one that the manifest lists."""
    again = "run quantify again, or take quantify.json away to use the CSVs as they are"
    if name not in outputs:
        raise NoInputError(f"{folder / name}: not a table of the last quantify; expected its own; {again}")
    try:
        digest = file_sha256(folder / name)
    except UnreadableError as error:
        expected = "it complete, as the manifest lists it"
        raise NoInputError(Fault(f"{folder / name}", error.fault.found, expected, again)) from None
    if digest != outputs[name]:
        found = "changed since quantify wrote it (its SHA-256 differs)"
        if name in FOR_OTHERS:
            again = "take it out of the folder (numbers are read from L1.csv …), or run quantify again"
        raise NoInputError(f"{folder / name}: {found}; expected it untouched; {again}")
    return digest


def problems_in(raw: bytes | None) -> list[Problem]:
    """The problems in the bytes of a ``problems.csv``; none where there is no such table."""
    if raw is None:
        return []
    table = parse_table(raw, "problems.csv")
    return [_problem(dict(zip(table.columns, row, strict=True))) for row in table.rows]


def _problem(row: Mapping[str, str]) -> Problem:
    file, shape, severity, *rest = (row.get(name, "") for name in PROBLEM_COLUMNS)
    return Problem(file, shape, "error" if severity == "error" else "warning", *rest)
