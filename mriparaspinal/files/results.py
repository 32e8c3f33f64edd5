"""A folder of results: written whole or not at all, and trusted only where it is whole.

While a run works, the mark ``.unfinished`` lies in the folder and is locked; it goes when the new
tables stand there complete, or when the run ends before it has touched the old ones. A mark without
a lock is that of a run that was killed: readers refuse the folder, the next run takes it over. Before
the first old table is touched, the mark holds the names of all that are being replaced.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.folder import UnreadableFileError, read_bytes
from mriparaspinal.files.manifest import Manifest, listed_outputs, read_manifest
from mriparaspinal.names import composed

MARK = ".unfinished"
MANIFEST = "quantify.json"
PARTICIPANTS = "participants.csv"
#: What a share of a dataset keeps for others to be joined with it.
SHARE = "share.msgpack"


def _try_lock(descriptor: int) -> bool:
    """Lock an open file against other runs; the system frees it when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks (some network mounts): the mark alone has to do.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN)
    return True


def cannot_write(path: Path, error: OSError) -> UsageError:
    """The line for an output that cannot be written."""
    found = f"cannot be written ({error.strerror or error})"
    return UsageError(f"{path}: {found}; expected a writable folder with free space; choose another --out")


class OutputFolder:
    """An output folder that one run works in at a time: a context that replaces its files in one go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._replacing = False
        self._made: list[Path] = []
        self._drafts: dict[str, BinaryIO] = {}

    def __enter__(self) -> OutputFolder:
        try:
            self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_mark()
        except OSError as error:
            raise cannot_write(self.path, error) from None
        return self

    def _take_mark(self) -> None:
        mark = self.path / MARK
        while True:
            descriptor = os.open(mark, os.O_RDWR | os.O_CREAT, 0o666)
            if not _try_lock(descriptor):
                os.close(descriptor)
                found = "another run is writing into this folder"
                raise UsageError(
                    f"{self.path}: {found}; expected one at a time; wait for it, or choose another"
                )
            # The run before may have taken its mark away between our opening and locking it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), mark.stat()):
                    self._descriptor = descriptor
                    self._clear_leftovers()
                    return
            os.close(descriptor)

    def _clear_leftovers(self) -> None:
        for leftover in self.path.glob(".*.new"):
            with contextlib.suppress(OSError):
                leftover.unlink()

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        for draft in self._drafts.values():
            with contextlib.suppress(OSError):
                draft.close()
        self._clear_leftovers()
        if not self._replacing:
            self._drop_mark()
        os.close(self._descriptor)
        if not self._replacing and os.name == "nt":
            self._drop_mark()  # Windows removes no file that is open
        # A run that came to nothing leaves nothing: folders that it made are empty then.
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()

    def written_before(self) -> set[str]:
        """The names that earlier runs wrote here, a run that was killed among them."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        names = set(os.read(self._descriptor, 100_000).decode("utf-8", "replace").split("\n"))
        return names | set(listed_outputs(self.path / MANIFEST))

    def _drop_mark(self) -> None:
        with contextlib.suppress(OSError):
            (self.path / MARK).unlink()

    def append(self, name: str, block: bytes) -> None:
        """Add to a new file of that name, which :meth:`replace` puts in place together with the others."""
        try:
            if name not in self._drafts:
                self._drafts[name] = (self.path / f".{name}.new").open("wb")
            self._drafts[name].write(block)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def replace(self, files: Mapping[str, bytes], stale: list[str]) -> None:
        """Put what was appended in place, then ``files`` (name → bytes), and remove ``stale`` ones.

        The last one is the seal. Nothing there is changed before all new files are safely on the disk.
        """
        fresh = [(self.path / f".{name}.new", self.path / name) for name in self._drafts]
        try:
            for draft in self._drafts.values():
                draft.flush()
                os.fsync(draft.fileno())
                draft.close()
            for name, content in files.items():
                temporary = self.path / f".{name}.new"
                fresh.append((temporary, self.path / name))
                with temporary.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            names = "\n".join(sorted({*self.written_before(), *self._drafts, *files})).encode()
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, names)
            self._replacing = True
            for temporary, final in fresh:
                temporary.replace(final)
            for name in stale:
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._replacing = False


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
    try:
        return sha256(path.read_bytes()) == (sha256(content) if isinstance(content, bytes) else content)
    except OSError:
        return False


def write_file(path: Path, content: bytes) -> None:
    """Write one file, whole or not at all; its folder is made if missing."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from None


def sha256(content: bytes) -> str:
    """SHA-256 as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """A manifest as JSON, always the same bytes for the same content."""
    return b"".join(manifest_pieces(content))


def manifest_pieces(content: Mapping[str, Any]) -> Iterator[bytes]:
    """The bytes of :func:`manifest_bytes`, piece by piece.

    What lists very many things may be an iterator of (name, value) in place of a mapping.
    """
    text_of = json.JSONEncoder(indent=2, ensure_ascii=False).encode
    before = "{\n  "
    for name, value in content.items():
        yield _bytes(f"{before}{text_of(name)}: ")
        if isinstance(value, Iterator):
            inner = "{\n    "
            for key, one in value:
                yield _bytes(f"{inner}{text_of(key)}: {text_of(one)}")
                inner = ",\n    "
            yield b"{}" if inner[0] == "{" else b"\n  }"
        else:
            # Line breaks within texts are escaped: these are between lines, which lie deeper here.
            yield _bytes(text_of(value).replace("\n", "\n  "))
        before = ",\n  "
    yield b"{}\n" if before[0] == "{" else b"\n}\n"


def _bytes(text: str) -> bytes:
    # Names of files that are not UTF-8 hold characters that cannot be written as such.
    return composed(text).encode("utf-8", "backslashreplace")


def segment_tables(folder: Path) -> list[str]:
    """The names ``L1.csv`` … ``L5.csv`` that exist in a folder of results."""
    return [name for name in (f"L{n}.csv" for n in range(1, 6)) if (folder / name).is_file()]


def slice_tables(folder: Path) -> list[str]:
    """The names ``L1_slices.csv`` … that exist in a folder of results: each slice of a stack by itself."""
    return [name for name in (f"L{n}_slices.csv" for n in range(1, 6)) if (folder / name).is_file()]


def open_results(folder: Path) -> tuple[Manifest | None, list[str]]:
    """The manifest of a folder of results and the names of its tables, after checking that it is whole.

    The manifest is None for a folder of CSVs that was not written by ``quantify``.
    Raises :class:`NoInputError` where a run was cut off, or a table is not the one that was written.
    """
    names = segment_tables(folder)
    _require_finished(folder)
    for name in (f"L{n}.csv" for n in range(1, 6)):
        if name not in names and (folder / name).exists():
            raise NoInputError(f"{folder / name}: not a regular file; expected one; replace it by a file")
    if not names:
        raise NoInputError(f"{folder}: no L1.csv … L5.csv; expected the results of quantify; run it first")
    if not (folder / MANIFEST).exists():
        return None, names
    manifest = read_manifest(folder / MANIFEST)
    for name in _tables_of(manifest.outputs, [*names, *slice_tables(folder)]):
        _check_output(folder, name, manifest.outputs)
    return manifest, names


def open_share(folder: Path) -> tuple[Manifest, bytes]:
    """The manifest of a share of a dataset, and what it keeps for others to be joined with it.

    Raises :class:`NoInputError` where the folder is no share, or not whole.
    """
    _require_finished(folder)
    if not (folder / MANIFEST).is_file():
        raise NoInputError(f"{folder}: no {MANIFEST}; expected a share that quantify wrote; check the path")
    manifest = read_manifest(folder / MANIFEST)
    outputs = manifest.outputs
    if SHARE not in outputs:
        found = "measured without --participant-label; expected a share of a dataset"
        raise NoInputError(f"{folder}: {found}; leave it out, or measure shares")
    for name in _tables_of(outputs, [*segment_tables(folder), *slice_tables(folder)]):
        _check_output(folder, name, outputs)
    return manifest, read_bytes(folder / SHARE)


def _require_finished(folder: Path) -> None:
    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder; expected the results of quantify; check the path")
    if (folder / MARK).exists():
        found = "a run was cut off here, or is still writing"
        raise NoInputError(f"{folder}: {found}; expected finished results; run quantify again")


def _tables_of(outputs: dict[str, str], names: list[str]) -> Iterator[str]:
    yield from names
    yield from (name for name in outputs if name not in names)


def _check_output(folder: Path, name: str, outputs: dict[str, str]) -> None:
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
