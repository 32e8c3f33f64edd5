"""Single files, written whole or not at all, never through a link that somebody planted.

They are replaced in one step each. Of several that belong together the last is taken away first and comes
back last, so that it never stands beside others of another run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.lock import alone_in, finished, refuse_where_taken, try_lock

#: How the names begin of what is not yet in place.
DRAFT = ".mriparaspinal-"

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)

_BINARY = getattr(os, "O_BINARY", 0)

#: So much of a file is read to see what it is.
_HEAD = 65_536


def cannot_write(path: Path, error: OSError) -> UsageError:
    """The line for an output that cannot be written."""
    found = f"cannot be written ({error.strerror or error})"
    remedy = "choose another place"
    if isinstance(error, PermissionError):  # on Windows a spreadsheet locks what it shows
        remedy = f"close the files that a spreadsheet shows, or {remedy}"
    return UsageError(f"{path}: {found}; expected a writable folder with free space; {remedy}")


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


def take_place(draft: Path, target: Path) -> None:
    """Put a finished file in place of another, whose rights it keeps."""
    with contextlib.suppress(OSError):
        status = target.lstat()
        if stat.S_ISREG(status.st_mode):
            draft.chmod(stat.S_IMODE(status.st_mode))
    os.replace(draft, target)  # noqa: PTH105 (a text is quicker)


def to_disk(folder: Path) -> None:
    """Wait until the names of a folder are on the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def holds(path: Path, digest: str) -> bool:
    """Whether a file has bytes of such a SHA-256."""
    try:
        return path.is_file() and sha256(path.read_bytes()) == digest
    except OSError:
        return False


def has_content(path: Path, content: bytes | None) -> bool:
    """True if a file holds these bytes."""
    return content is not None and holds(path, sha256(content))


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
            with alone_in(regular[-1][0].parent), finished():
                _all_in_place(regular, drafts)


@contextlib.contextmanager
def drafts_of(files: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """Files written beside their places, by these; the drafts of commands that were killed go.

    They stay open and locked, so that they are not taken for those of a command that was killed.
    """
    drafts: dict[Path, Path] = {}
    descriptors: list[int] = []
    try:
        for target, content in files.items():
            try:
                refuse_where_taken(target.parent)
                remove_dead_drafts(target.parent)
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
            take_place(drafts[target], target)
            to_disk(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from None


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as the system allows."""
    with contextlib.suppress(OSError):
        for place, folders, files in os.walk(folder, topdown=False):
            for name in files:
                (Path(place) / name).unlink()
            for name in folders:
                (Path(place) / name).rmdir()
        folder.rmdir()


def remove_dead_drafts(folder: Path, folders: bool = False) -> None:
    """Remove what commands that were killed left in a folder: the drafts without a lock.

    ``folders``: those of :class:`OutputFolder`, too, whose lock on the mark is ours now.
    """
    for left in folder.glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):
            mode = left.lstat().st_mode
            if stat.S_ISDIR(mode):
                if folders:
                    remove_tree(left)
            elif stat.S_ISREG(mode):
                descriptor = os.open(left, os.O_RDWR | _NOFOLLOW)
                try:
                    if try_lock(descriptor):
                        left.unlink()
                finally:
                    os.close(descriptor)
