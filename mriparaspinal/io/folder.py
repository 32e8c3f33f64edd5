"""What lies in a dataset folder, and the bytes of its files. Read only."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from mriparaspinal.core.errors import NoInputError, unreadable
from mriparaspinal.core.spelling import forms

#: More bytes than any file has that is read as a whole; those who read texts ask for less.
FILE_SIZE_LIMIT = 300_000_000

#: What clouds and downloads leave in place of a file that is not there: ``.NAME.icloud``, ``NAME.part``.
_PLACEHOLDER = re.compile(
    r"(?:\.(?P<hidden>.+)\.icloud)|(?P<name>.+)\.(?:owncloud|nextcloud|cloudf?|part|partial|filepart|"
    r"crdownload|opdownload|download|gdoc|gsheet|lnk|url|webloc|alias|placeholder|dropbox|gstmp|te?mp|aria2|"
    r"!ut|incomplete|unfinished)",
    re.IGNORECASE | re.DOTALL,
)

#: How the texts begin that stand in place of large files where these were not fetched.
_POINTERS = {
    b"version https://git-lfs.github.com/spec/": ("Git LFS", "git lfs pull"),
    b"/annex/objects/": ("git annex", "git annex get"),
}

_LONGEST_POINTER = 2000

#: Endings of archives, whose files are not read.
PACKED = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")


def list_files(root: Path, leave_out: Path | None = None) -> tuple[list[str], list[str]]:
    """All regular files below ``root``, and all dead names, relative to it with forward slashes.

    Dead names are links that lead to no file, pipes and the like, and, with a slash at their end,
    folders that cannot be opened. Names that begin with a dot are passed over (among them the
    ``._`` files of macOS), but for what iCloud leaves (:func:`stands_for`); so is the folder
    ``leave_out``. Links to folders are followed, each folder once, and known by its own name where it
    has one.
    Raises :class:`NoInputError` where ``root`` itself cannot be read.
    """
    try:
        fault = "" if root.is_dir() else "is not a folder" if root.exists() else "does not exist"
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    if fault:
        packed = root.suffix.lower() in PACKED and "not a folder" in fault
        remedy = "unpack it, and give the folder" if packed else "check the path"
        raise NoInputError(f"{root}: {fault}; expected a dataset folder; {remedy}")
    files: list[str] = []
    dead: list[str] = []
    left_out = leave_out.resolve() if leave_out is not None else None
    visited: set[tuple[int, int]] = set()
    pending = [(root, "")]
    while pending:
        folder, prefix = pending.pop()
        if prefix and left_out is not None and folder.resolve() == left_out:
            continue
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            named: dict[str, list[str]] = {"file": [], "folder": [], "link": [], "": []}
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name[0] != "." or entry.name.endswith(".icloud"):
                        # Texts alone: the entries themselves take three times the memory.
                        named[_kind(entry)].append(prefix + entry.name)
        except OSError as error:
            if prefix:
                dead.append(prefix)
                continue
            reason = f"cannot be read ({error.strerror})"
            raise NoInputError(f"{root}: {reason}; expected a dataset folder; check its rights") from None
        files += named["file"]
        dead += named[""]
        # Links wait until the last, so that a folder goes by its own name.
        pending[:0] = [(root / name, name + "/") for name in sorted(named["link"], reverse=True)]
        pending += [(root / name, name + "/") for name in sorted(named["folder"])]
    files.sort()
    dead.sort()
    return files, dead


def _kind(entry: os.DirEntry[str]) -> str:
    """``file``, ``folder``, a ``link`` to a folder, or nothing."""
    try:
        if entry.is_dir():
            return "link" if entry.is_symlink() else "folder"
        return "file" if entry.is_file() else ""
    except OSError:  # a link that leads back to itself
        return ""


def stands_for(name: str) -> str:
    """The file (with its folders) that a placeholder of a cloud or a download stands for; empty for others.

    >>> stands_for("a/.ALS_2_3.png.icloud"), stands_for("ALS_2_3.png.part"), stands_for("ALS_2_3.png")
    ('a/ALS_2_3.png', 'ALS_2_3.png', '')
    """
    folder, slash, own = name.rpartition("/")
    match = _PLACEHOLDER.fullmatch(own)
    return f"{folder}{slash}{match['hidden'] or match['name']}" if match else ""


def find_name(folder: Path, name: str) -> str | None:
    """A file's name as it stands on the disk, accented letters in one piece or in two; None if not there."""
    if "\0" in name:
        return None
    here = ""
    for part in name.split("/"):
        there = (f"{here}{form}" for form in forms(part))
        found = next((path for path in there if _exists(folder / path)), None)
        if found is None:
            return None
        here = f"{found}/"
    return here[:-1]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _require_content(content: bytes) -> None:
    for start, (tool, command) in _POINTERS.items():
        if len(content) < _LONGEST_POINTER and content.startswith(start):
            found = f"a pointer of {tool}, and not the file itself"
            raise unreadable(found, "the file", f"fetch it with '{command}'")


#: So much of a file is hashed at once.
_PART = 1_000_000


def read_bytes(path: str | Path, limit: int = FILE_SIZE_LIMIT) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes; raises :class:`UnreadableError`."""
    with _opened(path, limit) as file:
        content = file.read()
    _require_content(content)
    return content


def file_sha256(path: Path, limit: int = FILE_SIZE_LIMIT) -> str:
    """The SHA-256 of such a file, which is never in memory as a whole; raises as :func:`read_bytes`."""
    digest = hashlib.sha256()
    with _opened(path, limit) as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()


@contextlib.contextmanager
def _opened(path: str | Path, limit: int) -> Iterator[io.FileIO]:
    """A regular file, to be read to its end."""
    try:
        # Not opened at once: to open a pipe would wait for its writer.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (no Path for each slice)
            raise unreadable("not a regular file", "one", "replace it by a file")
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            status = os.fstat(file.fileno())
            if status.st_size > limit:
                found = f"{status.st_size / 1e6:.0f} MB"
                raise unreadable(found, f"at most {limit / 1e6:.0f} MB", "check what the file is")
            yield file
            after = os.fstat(file.fileno())
            length = file.tell()
        if (status.st_size, status.st_mtime_ns) != (length, after.st_mtime_ns):
            # Part of it may be of before and part of after, and still read as one.
            found = "was written to while it was read"
            raise unreadable(found, "a file at rest", "run again when nothing writes into the folder")
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise unreadable(found, "a readable file", "check that it is there and its rights") from None
