"""A folder of results: trusted only where it is whole, and read once, so that all of it is of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.folder import UnreadableFileError, read_bytes
from mriparaspinal.files.manifest import Manifest, parse_manifest, read_manifest
from mriparaspinal.files.output import MANIFEST, MARK, OutputFolder, holds, sha256
from mriparaspinal.files.tables import table_bytes

PARTICIPANTS = "participants.csv"
#: What a share of a dataset keeps for others to be joined with it.
SHARE = "share.msgpack"


def stale_tables(folder: OutputFolder, fresh: Mapping[str, bytes | str]) -> list[str]:
    """The tables of an earlier run that the results ``fresh`` no longer have.

    ``fresh``: name → content, or its SHA-256.

    People keep tables of such names themselves: one that no run wrote is never removed or replaced, but
    :class:`UsageError` is raised where it would be (a ``participants.csv`` of their own may stay otherwise).
    """
    stale = []
    written = folder.written_before()
    for name in (*segment_tables(folder.path), *slice_tables(folder.path), PARTICIPANTS, SHARE):
        path = folder.path / name
        if not path.is_file():
            continue
        if name in written:
            stale += [] if name in fresh else [name]
        elif (name in fresh or name != PARTICIPANTS) and not _holds(path, fresh.get(name)):
            found = "a table that quantify did not write"
            raise UsageError(f"{path}: {found}; expected a folder without one; choose another --out")
    return stale


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


def _holds(path: Path, content: bytes | str | None) -> bool:
    return content is not None and holds(path, sha256(content) if isinstance(content, bytes) else content)


def segment_tables(folder: Path) -> list[str]:
    """The names ``L1.csv`` … ``L5.csv`` that exist in a folder of results."""
    return [name for name in (f"L{n}.csv" for n in range(1, 6)) if (folder / name).is_file()]


def slice_tables(folder: Path) -> list[str]:
    """The names ``L1_slices.csv`` … that exist in a folder of results: each slice of a stack by itself."""
    return [name for name in (f"L{n}_slices.csv" for n in range(1, 6)) if (folder / name).is_file()]


@dataclass(frozen=True, slots=True)
class Results:
    """A folder of results as it was read: every file once, and the bytes that were checked are those used."""

    folder: Path
    manifest: Manifest | None
    """``quantify.json``; None for a folder of CSVs that was not written by ``quantify``."""
    tables: tuple[str, ...]
    """Of ``L1.csv`` … ``L5.csv`` those that are there."""
    contents: dict[str, bytes]
    """The bytes of the tables, and of all else that the manifest lists, by name."""
    sealed: bytes = b""
    """The bytes of the manifest."""

    def require_same(self) -> None:
        """Raise :class:`NoInputError` where the folder is no longer what was read."""
        if read_results(self.folder).sealed != self.sealed:
            found = "other results stand there now than when they were read"
            raise NoInputError(f"{self.folder}: {found}; expected them at rest; run this command again")


def read_results(folder: Path) -> Results:
    """Read a folder of results, after checking that it is whole.

    Raises :class:`NoInputError` where a run was cut off, or a table is not the one that was written.
    """
    names = segment_tables(folder)
    require_finished(folder, "the results of quantify", "quantify")
    for name in (f"L{n}.csv" for n in range(1, 6)):
        if name not in names and (folder / name).exists():
            raise NoInputError(f"{folder / name}: not a regular file; expected one; replace it by a file")
    if not names:
        raise NoInputError(f"{folder}: no L1.csv … L5.csv; expected the results of quantify; run it first")
    own = folder / PARTICIPANTS
    if not (folder / MANIFEST).exists():
        beside = [*slice_tables(folder), *([PARTICIPANTS] if own.is_file() else [])]
        return Results(folder, None, tuple(names), {n: table_bytes(folder / n) for n in (*names, *beside)})
    manifest, sealed = _read_manifest(folder)
    found = _read_outputs(folder, manifest)
    if own.is_file() and PARTICIPANTS not in found:
        found[PARTICIPANTS] = table_bytes(own)
    return Results(folder, manifest, tuple(names), found, sealed)


def open_results(folder: Path) -> tuple[Manifest | None, list[str]]:
    """The manifest of a folder of results and the names of its tables; raises as :func:`read_results`."""
    results = read_results(folder)
    return results.manifest, list(results.tables)


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
    return manifest, _read_outputs(folder, manifest)[SHARE]


def require_finished(folder: Path, expected: str, command: str) -> None:
    """Raise :class:`NoInputError` for a folder that is missing, or whose writer was cut off or is at work."""
    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder; expected {expected}; check the path")
    if (folder / MARK).exists():
        found = "a run was cut off here, or is still writing"
        what = "finished " + expected.removeprefix("the ").removesuffix(" of quantify")
        raise NoInputError(f"{folder}: {found}; expected {what}; run {command} again")


def _read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    """The manifest, made from the bytes that are given back with it."""
    file = folder / MANIFEST
    try:
        sealed = read_bytes(file)
    except UnreadableFileError as error:
        raise NoInputError(f"{file}: {error.message}; {error.remedy}") from None
    return parse_manifest(sealed, file), sealed


def _read_outputs(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """The bytes of all tables that are there, and of all else that the manifest lists."""
    listed = dict.fromkeys([*segment_tables(folder), *slice_tables(folder), *manifest.outputs])
    return {name: _read_output(folder, name, manifest.outputs) for name in listed}


def _read_output(folder: Path, name: str, outputs: Mapping[str, str]) -> bytes:
    again = "run quantify again, or take quantify.json away to use the CSVs as they are"
    if name not in outputs:
        raise NoInputError(f"{folder / name}: not a table of the last quantify; expected its own; {again}")
    try:
        content = read_bytes(folder / name)
    except UnreadableFileError as error:
        found = f"{error.message.split(';')[0]}; expected it whole, as the manifest lists it"
        raise NoInputError(f"{folder / name}: {found}; {again}") from None
    if sha256(content) != outputs[name]:
        found = "changed since quantify wrote it (its SHA-256 differs)"
        raise NoInputError(f"{folder / name}: {found}; expected it untouched; {again}")
    return content
