"""One command at a time: the mark and the lock of an output folder, and signals that wait.

While a command works, the mark ``.unfinished`` lies in its output folder and is locked. It goes when the new
files stand complete, or when the command ends before it has touched the old ones. A mark without a lock is
that of a command that was killed: readers refuse the folder, the next command takes it over. Before the
first old file is touched, the mark holds the names of all that are being replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import MARK

#: The first line of a mark, before the names of the files that are being replaced.
MARK_HEAD = "mriparaspinal"

#: The signals that ask a command to stop; not all systems have the last.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)

#: Where Windows locks a file: nobody can read the byte there, so it is one that no file has.
_FAR = 2**30

#: Another command may look, for a moment, whether a lock is free.
_TRIES, _PAUSE = 5, 0.02

#: Seconds to wait for another command to put its single files in place.
_PATIENCE = 10.0

#: The marks that this process holds, by device and number of the file.
_held: dict[tuple[int, int], Mark] = {}


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

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks (some network mounts): the mark alone has to do.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN)
    return True


def _busy(path: Path) -> UsageError:
    found = "another run is writing into this folder"
    return UsageError(f"{path}: {found}; expected one at a time; wait for it, or choose another")


class Mark:
    """The mark of a folder, locked by this process.

    ``lent``: a command holds it from its start to its end, and within takes it once more to write.
    """

    def __init__(self, path: Path, descriptor: int, names: Iterable[str], lent: bool) -> None:
        self.path = path
        self.cut_off = tuple(names)
        """The names that a run was replacing here when it was killed."""
        self.mixed = bool(self.cut_off)
        """Whether files of two runs may stand beside each other: then the mark stays."""
        self._descriptor = descriptor
        self._lent_to = threading.get_ident() if lent else None
        self._holders = 1
        _held[_key(descriptor)] = self

    @classmethod
    def take(cls, folder: Path, lent: bool = False) -> Mark:
        """The mark of a folder; raises :class:`UsageError` where another command holds it."""
        path = folder / MARK
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o666)
            own = _held.get(_key(descriptor))
            if own is not None and own._lent_to == threading.get_ident() and not own.taken_again:
                os.close(descriptor)
                own._holders += 1
                return own
            if not _locked_soon(descriptor):
                os.close(descriptor)
                raise _busy(folder)
            # The run before may have taken its mark away between our opening and locking it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.lstat()):
                    head, *names = os.read(descriptor, 100_000_000).decode("utf-8", "replace").split("\n")
                    if head in ("", MARK_HEAD):
                        return cls(path, descriptor, filter(None, names), lent)
                    os.close(descriptor)
                    found = "is there and was not written by this version of the program"
                    expected = "expected nothing of yours to be replaced"
                    raise UsageError(f"{path}: {found}; {expected}; move it away, or choose another --out")
            os.close(descriptor)

    @property
    def taken_again(self) -> bool:
        """Whether somebody further up holds it, too."""
        return self._holders > 1

    def note(self, names: Iterable[str]) -> None:
        """Write down the names of the files that are being replaced, on the disk."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, "\n".join([MARK_HEAD, *sorted(names)]).encode())
        os.fsync(self._descriptor)

    def whole(self) -> None:
        """All files are of one run."""
        self.mixed, self.cut_off = False, ()

    def release(self) -> None:
        """Let the folder go, and take the mark away where nothing is mixed."""
        self._holders -= 1
        if self._holders:
            return
        del _held[_key(self._descriptor)]
        if os.name != "nt":
            self._remove()
        os.close(self._descriptor)
        if os.name == "nt":
            self._remove()  # Windows removes no file that is open

    def _remove(self) -> None:
        if self.mixed:
            return
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            found = f"cannot be removed ({error.strerror}); expected no mark in a complete folder"
            raise UsageError(f"{self.path}: {found}; remove it, or choose another --out") from None


def _locked_soon(descriptor: int) -> bool:
    for _ in range(_TRIES):
        if try_lock(descriptor):
            return True
        time.sleep(_PAUSE)
    return False


def _key(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def refuse_where_taken(folder: Path) -> None:
    """Raise :class:`UsageError` where another command works in a folder."""
    try:
        descriptor = os.open(folder / MARK, os.O_RDWR | _NOFOLLOW)
    except OSError:
        return
    try:
        if _key(descriptor) not in _held and not _locked_soon(descriptor):
            raise _busy(folder)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
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


def require_finished(folder: Path, expected: str, command: str) -> None:
    """Raise :class:`NoInputError` for a folder that is missing, or whose writer was cut off or is at work."""
    if not folder.is_dir() and os.path.lexists(folder):
        what = "a file" if folder.is_file() else "a dead link" if not folder.exists() else "a pipe or device"
        raise NoInputError(f"{folder}: {what}, and no folder; expected {expected}; check the path")
    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder; expected {expected}; check the path")
    if (folder / MARK).exists():
        found = "a run was cut off here, or is still writing"
        if command == "review":
            found = "review is still open here, or was cut off"
            remedy = "end review with Finish; where it was cut off, start it once more, and then end it"
            raise NoInputError(f"{folder}: {found}; expected {expected}, closed; {remedy}")
        what = "finished " + expected.removeprefix("the ").removesuffix(" of quantify")
        raise NoInputError(f"{folder}: {found}; expected {what}; run {command} again")
