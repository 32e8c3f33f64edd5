"""The one writer of files: whole or not at all, one command at a time, never over what is not ours.

**A folder.** While a command works, the mark ``.unfinished`` lies in its output folder and is locked; new
files wait in a folder of their own beside it until all are safely on the disk, and are then put in place in
one go. A signal to stop is obeyed before that or after it. The mark goes when the new files stand complete,
or when the command ends before it has touched the old ones. A mark without a lock is that of a command that
was killed: readers refuse the folder, the next command takes it over. Before the first old file is touched,
the mark holds the names of all that are being replaced. A manifest (JSON) beside the files lists those that
were written, with their SHA-256; what it does not list is somebody else's.

**Single files** are replaced in one step each. Of several that belong together the last is taken away first
and comes back last, so that it never stands beside others of another run.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import MANIFEST, MARK
from mriparaspinal.core.spelling import composed
from mriparaspinal.io.manifest import listed_outputs

COMPARISON = "comparison.json"

#: The first line of a mark, before the names of the files that are being replaced.
MARK_HEAD = "mriparaspinal"

#: The manifests of all commands, which are no annotations where they lie in a dataset.
MANIFESTS = frozenset(
    {
        MANIFEST,
        "prepare.json",
        "sheets.json",
        "masks.json",
        "maps.json",
        "comparison.json",
        "correlations.json",
        "refine.json",
    }
    | {"regressions.json", "roc.json", "reliability.json", "threshold_sweep.json", "grades.json"}
)

#: How the names begin of what is not yet in place.
DRAFT = ".mriparaspinal-"

#: The signals that ask a command to stop; not all systems have the last.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)

_BINARY = getattr(os, "O_BINARY", 0)

#: Another command may look, for a moment, whether a lock is free.
_TRIES, _PAUSE = 5, 0.02

#: Seconds to wait for another command to put its single files in place.
_PATIENCE = 10.0

#: How each manifest begins.
_MANIFEST_HEAD = b'{\n  "mriparaspinal": '

#: So much of a file is read to see what it is.
_HEAD = 65_536

#: The marks that this process holds, by device and number of the file.
_held_marks: set[tuple[int, int]] = set()


@contextlib.contextmanager
def finished() -> Iterator[None]:
    """What is begun in here is finished: a signal to stop is obeyed afterwards."""
    caught: list[int] = []
    before: dict[int, Any] = {}
    try:
        # Only the main thread may, and only it is interrupted.
        with contextlib.suppress(ValueError):
            for number in STOP_SIGNALS:
                handler = signal.getsignal(number)
                if handler not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, lambda found, _: caught.append(found))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def try_lock(descriptor: int) -> bool:
    """Lock an open file against others; the system frees it when the process ends, however it ends."""
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


def _busy(path: Path) -> UsageError:
    found = "another run is writing into this folder"
    return UsageError(f"{path}: {found}; expected one at a time; wait for it, or choose another")


def sha256(content: bytes) -> str:
    """SHA-256 as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, never through a link, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _take_place(draft: Path, target: Path) -> None:
    """Put a finished file in place of another, whose rights it keeps."""
    with contextlib.suppress(OSError):
        status = target.lstat()
        if stat.S_ISREG(status.st_mode):
            draft.chmod(stat.S_IMODE(status.st_mode))
    os.replace(draft, target)  # noqa: PTH105 (a text is quicker)


def _to_disk(folder: Path) -> None:
    """Wait until the names of a folder are on the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- a folder -----------------------------------------------------------------------------------------------


class OutputFolder:
    """An output folder that one command works in at a time: a context that replaces its files in one go.

    ``manifest``: the file, among those that are written, that lists the others by their SHA-256.
    ``keep_changed``: refuse to replace a file that was changed since we wrote it. ``first`` is called when
    all new files are on the disk, and before the first of them is put in place.
    """

    def __init__(
        self,
        path: Path,
        manifest: str = MANIFEST,
        keep_changed: bool = False,
        first: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self._manifest, self._keep_changed, self._first = manifest, keep_changed, first
        self._descriptor = -1
        self._cut_off: tuple[str, ...] = ()
        self._mixed = False
        self._made: list[Path] = []
        self._stage: Path | None = None
        self._drafts: list[str] = []

    def __enter__(self) -> OutputFolder:
        try:
            with finished():
                self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open(self) -> None:
        try:
            self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_mark()
        except OSError as error:
            mark = self.path / MARK
            raise cannot_write(mark if os.path.lexists(mark) else self.path, error) from None
        _refuse_where_taken(self.path.resolve().parent)

    def _take_mark(self) -> None:
        mark = self.path / MARK
        while True:
            descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o666)
            if not _locked_soon(descriptor):
                os.close(descriptor)
                raise _busy(self.path)
            # The run before may have taken its mark away between our opening and locking it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), mark.lstat()):
                    head, *names = os.read(descriptor, 100_000_000).decode("utf-8", "replace").split("\n")
                    if head not in ("", MARK_HEAD):
                        os.close(descriptor)
                        found = "is there and was not written by this version of the program"
                        expected = "expected nothing of yours to be replaced"
                        raise UsageError(
                            f"{mark}: {found}; {expected}; move it away, or choose another --out"
                        )
                    self._descriptor = descriptor
                    _held_marks.add(_key(descriptor))
                    self._cut_off = tuple(name for name in names if name)
                    self._mixed = bool(self._cut_off)
                    _remove_dead_drafts(self.path, folders=True)
                    return
            os.close(descriptor)

    def __exit__(self, *_: object) -> None:
        with finished():
            self._close()

    def _close(self) -> None:
        if self._stage is not None:
            _remove_tree(self._stage)
        if self._descriptor >= 0:
            _held_marks.discard(_key(self._descriptor))
            if os.name != "nt":
                self._drop_mark()
            os.close(self._descriptor)
            if os.name == "nt":
                self._drop_mark()  # Windows removes no file that is open
            self._descriptor = -1
        # A run that came to nothing leaves nothing: folders that it made are empty then.
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()

    def _drop_mark(self) -> None:
        mark = self.path / MARK
        if self._mixed:
            return
        try:
            mark.unlink(missing_ok=True)
        except OSError as error:
            found = f"cannot be removed ({error.strerror}); expected no mark in a folder that is whole"
            raise UsageError(f"{mark}: {found}; remove it, or choose another --out") from None

    def written_before(self) -> dict[str, str]:
        """What earlier runs wrote here: SHA-256 by name, empty where it is not known.

        That of the manifest itself is not; nor are those of a run that was killed in its midst.
        """
        manifest = self.path / self._manifest
        written = listed_outputs(manifest)
        if written or _begins_as_manifest(manifest):
            written[self._manifest] = ""
        written |= dict.fromkeys(self._cut_off, "")
        return {name: digest for name, digest in written.items() if _is_below(name)}

    @property
    def cut_off(self) -> tuple[str, ...]:
        """The names that a run was replacing here when it was killed."""
        return self._cut_off

    @property
    def stage(self) -> Path:
        """The folder in which new files wait; what others put there is told by :meth:`staged`."""
        if self._stage is None:
            stage = self.path / f"{DRAFT}{os.urandom(6).hex()}"
            stage.mkdir(mode=0o700)
            self._stage = stage
        return self._stage

    def staged(self, names: Iterable[str]) -> None:
        """Take files of the :attr:`stage` that are written whole, by their names below it."""
        self._drafts += names

    def put(self, name: str, content: bytes) -> None:
        """Write a new file of that name (``a/b``, too), which :meth:`replace` puts in place."""
        try:
            path = self.stage / name
            if "/" in name:
                path.parent.mkdir(parents=True, exist_ok=True)
            write_new(path, content)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._drafts.append(name)

    def require_ours(self, names: Iterable[str]) -> None:
        """Raise :class:`UsageError` for a file that is there and was not written by this command."""
        written = self.written_before()
        for name in names:
            there = self.path / name
            if not os.path.lexists(there):
                continue
            digest = written.get(name)
            if digest is None:
                found = f"is there and was not written by this command{self._or_earlier()}"
            elif self._keep_changed and digest and not holds(there, digest):
                found = "was changed since it was written (its SHA-256 differs)"
            else:
                continue
            if self._stage is not None and _alike(there, self._stage / name):
                continue
            remedy = "move it away, or choose another --out"
            raise UsageError(f"{there}: {found}; expected nothing of yours to be replaced; {remedy}")

    def _or_earlier(self) -> str:
        """What else may be so where nothing tells what was written; quantify always wrote its manifest."""
        if self._manifest == MANIFEST or (self.path / self._manifest).exists():
            return ""
        return f", or by an earlier version, which left no {self._manifest} here"

    def replace(self, files: Mapping[str, bytes], stale: Iterable[str] = ()) -> None:
        """Put what waits in place, then ``files`` (name → bytes), and remove ``stale`` ones.

        The last one is the seal. Nothing there is changed before all new files are safely on the disk.
        Raises :class:`UsageError` where one would take the place of a file that is not ours.
        """
        for name, content in files.items():
            self.put(name, content)
        stale = tuple(stale)
        self.require_ours([*self._drafts, *stale])
        try:
            with finished():
                self._put_in_place(stale)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def _put_in_place(self, stale: Sequence[str]) -> None:
        names = "\n".join([MARK_HEAD, *sorted({*self.written_before(), *self._drafts})]).encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, names)
        os.fsync(self._descriptor)
        if self._first is not None:
            self._first()
        self._mixed = True
        folders = {self.path}
        for name in self._drafts:
            target = self.path / name
            if "/" in name:
                target.parent.mkdir(parents=True, exist_ok=True)
                folders.add(target.parent)
            _take_place(self.stage / name, target)
        self._drafts = []
        for name in stale:
            (self.path / name).unlink(missing_ok=True)
        for folder in folders:
            _to_disk(folder)
        self._mixed = False
        self._cut_off = ()

    def take_away(self) -> None:
        """Remove what earlier runs wrote here and nobody changed since; the folder stays taken."""
        written = self.written_before()
        ours = [n for n, d in written.items() if not d or not self._keep_changed or holds(self.path / n, d)]
        self.replace({}, [name for name in ours if (self.path / name).is_file()])


def _locked_soon(descriptor: int) -> bool:
    for _ in range(_TRIES):
        if try_lock(descriptor):
            return True
        time.sleep(_PAUSE)
    return False


def _key(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _refuse_where_taken(folder: Path) -> None:
    """Raise :class:`UsageError` where another command works in a folder."""
    try:
        descriptor = os.open(folder / MARK, os.O_RDWR | _NOFOLLOW)
    except OSError:
        return
    try:
        if _key(descriptor) not in _held_marks and not _locked_soon(descriptor):
            raise _busy(folder)
    finally:
        os.close(descriptor)


def _is_below(name: str) -> bool:
    """Whether a name of a manifest, which anybody may have edited, leads nowhere but into its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and not {"..", "."} & set(path.parts) and "\\" not in name


def holds(path: Path, digest: str) -> bool:
    """Whether a file has bytes of such a SHA-256."""
    try:
        return path.is_file() and sha256(path.read_bytes()) == digest
    except OSError:
        return False


def _begins_as_manifest(path: Path) -> bool:
    """Whether a file is a manifest of ours, even if it cannot be read any more."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MANIFEST_HEAD)) == _MANIFEST_HEAD
    except OSError:
        return False


def _alike(one: Path, other: Path) -> bool:
    try:
        return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _remove_tree(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for place, folders, files in os.walk(folder, topdown=False):
            for name in files:
                (Path(place) / name).unlink()
            for name in folders:
                (Path(place) / name).rmdir()
        folder.rmdir()


def _remove_dead_drafts(folder: Path, folders: bool = False) -> None:
    """Remove what commands that were killed left in a folder: the drafts that nobody holds a lock on.

    ``folders``: those of :class:`OutputFolder`, too, whose lock on the mark is ours now.
    """
    for left in folder.glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):
            mode = left.lstat().st_mode
            if stat.S_ISDIR(mode):
                if folders:
                    _remove_tree(left)
            elif stat.S_ISREG(mode):
                descriptor = os.open(left, os.O_RDWR | _NOFOLLOW)
                try:
                    if try_lock(descriptor):
                        left.unlink()
                finally:
                    os.close(descriptor)


# --- single files -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """A single file to write."""

    path: Path
    content: bytes | None
    """None: a file that must not be there any more."""
    is_ours: Callable[[bytes], bool]
    """Whether the beginning of a file, up to 64 KiB, is that of one which this command writes."""


def same_header(*contents: bytes) -> Callable[[bytes], bool]:
    """Whether a table begins with the header of one of these."""
    headers = {content.split(b"\n", 1)[0] for content in contents}
    return lambda head: head.split(b"\n", 1)[0] in headers


def is_device(path: Path) -> bool:
    """Whether an output is written into as it is: a device, a pipe, a stream of the process."""
    lexical = Path(os.path.normpath(path.absolute()))
    if lexical.parts[1:2] in (("dev",), ("proc",)) and lexical.parts[1:3] != ("dev", "shm"):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def require_ours(path: Path, is_ours: Callable[[bytes], bool], option: str = "--out") -> None:
    """Raise :class:`UsageError` for a file that is there and that this command did not write."""
    if is_device(path):
        return
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from None
    if head and not is_ours(head):
        found = "is there and was not written by this command, or not in this form"
        remedy = "move it away, or choose another"
        raise UsageError(f"{option} {path}: {found}; expected nothing of yours to be replaced; {remedy}")


def write_file(path: Path, content: bytes, is_ours: Callable[[bytes], bool]) -> None:
    """Write one file, whole or not at all; its folder is made if missing."""
    write_files([Output(path, content, is_ours)])


def write_files(outputs: Sequence[Output]) -> None:
    """Write single files that belong together, the most important one last; folders are made if missing.

    Links are followed. Raises :class:`UsageError` for a file that is there and is not ours, and where one
    cannot be written; then nothing was replaced.
    """
    for output in outputs:
        require_ours(output.path, output.is_ours)
    regular = []
    for output in outputs:
        if is_device(output.path):
            _write_into(output.path, output.content or b"")
        else:
            regular.append((Path(os.path.realpath(output.path)), output.content))
    wanted = {target: content for target, content in regular if content is not None}
    for target in wanted:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(target, error) from None
    with drafts_of(wanted) as drafts:
        if drafts:
            with _alone_in(regular[-1][0].parent), finished():
                _all_in_place(regular, drafts)


@contextlib.contextmanager
def drafts_of(files: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """Files written beside their places, by these; the drafts of commands that were killed go.

    They stay open and locked, so that nobody takes them for those of a command that was killed.
    """
    drafts: dict[Path, Path] = {}
    descriptors: list[int] = []
    try:
        for target, content in files.items():
            try:
                _refuse_where_taken(target.parent)
                _remove_dead_drafts(target.parent)
                draft = target.with_name(f"{DRAFT}{os.urandom(6).hex()}")
                with finished():
                    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY
                    descriptors.append(os.open(draft, flags, 0o666))
                    drafts[target] = draft
                    try_lock(descriptors[-1])
                with os.fdopen(descriptors[-1], "wb", closefd=False) as file:
                    file.write(content)
                os.fsync(descriptors[-1])
                if os.name == "nt":  # Windows renames no file that is open
                    os.close(descriptors.pop())
            except OSError as error:
                raise cannot_write(target, error) from None
        yield drafts
    finally:
        with finished():
            for descriptor in descriptors:
                os.close(descriptor)
            for draft in drafts.values():
                with contextlib.suppress(OSError):
                    draft.unlink(missing_ok=True)


def _write_into(device: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(device, os.O_WRONLY | os.O_APPEND | _BINARY), "wb") as file:
            file.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(device, error) from None


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder while files of it are replaced; nothing is left behind. Not on Windows."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        end = time.monotonic() + _PATIENCE
        while not try_lock(descriptor):
            if time.monotonic() > end:
                raise _busy(folder)
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _all_in_place(regular: Sequence[tuple[Path, bytes | None]], drafts: Mapping[Path, Path]) -> None:
    """The seal, which is the last one, is taken away first where others come with it."""
    target = seal = regular[-1][0]
    try:
        mode = stat.S_IMODE(seal.stat().st_mode) if seal.exists() else None
        if len(regular) > 1:
            seal.unlink(missing_ok=True)
        for target, content in regular:
            if content is None:
                target.unlink(missing_ok=True)
                continue
            if target == seal and mode is not None:
                drafts[target].chmod(mode)
            _take_place(drafts[target], target)
            _to_disk(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from None


# --- manifests ----------------------------------------------------------------------------------------------


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """A manifest as JSON, always the same bytes for the same content."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    # Names of files that are not UTF-8 hold characters that cannot be written as such.
    return composed(text).encode("utf-8", "backslashreplace")


def has_content(path: Path, content: bytes | None) -> bool:
    """True if a file holds these bytes."""
    return content is not None and holds(path, sha256(content))


def require_finished(folder: Path, expected: str, command: str) -> None:
    """Raise :class:`NoInputError` for a folder that is missing, or whose writer was cut off or is at work."""
    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder; expected {expected}; check the path")
    if (folder / MARK).exists():
        found = "a run was cut off here, or is still writing"
        what = "finished " + expected.removeprefix("the ").removesuffix(" of quantify")
        raise NoInputError(f"{folder}: {found}; expected {what}; run {command} again")
