"""What lies in a dataset folder, and the bytes of its files. Read only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mriparaspinal.errors import NoInputError, ParaspinalError

#: More bytes than any slice or annotation has (LabelMe embeds the image, as base64).
FILE_SIZE_LIMIT = 300_000_000


class UnreadableFileError(ParaspinalError):
    """A file that cannot be read: (what was found; what was expected), what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def list_files(root: Path, leave_out: Path | None = None) -> tuple[list[str], list[str]]:
    """All regular files below ``root``, and all dead names, relative to it with forward slashes.

    Dead names are links that lead to no file, pipes and the like, and, with a slash at their end,
    folders that cannot be opened. Names that begin with a dot are passed over (among them the
    ``._`` files of macOS), so is the folder ``leave_out``. Links to folders are followed, each
    folder once, and known by its own name where it has one.
    Raises :class:`NoInputError` where ``root`` itself cannot be read.
    """
    try:
        found = "" if root.is_dir() else "is not a folder" if root.exists() else "does not exist"
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
    if found:
        raise NoInputError(f"{root}: {found}; expected a dataset folder; check the path")
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
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if prefix:
                dead.append(prefix)
                continue
            found = f"cannot be read ({error.strerror})"
            raise NoInputError(f"{root}: {found}; expected a dataset folder; check its rights") from None
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = prefix + entry.name
            kind = _kind(entry)
            if kind == "folder":
                # Links wait until the last, so that a folder goes by its own name.
                place = 0 if entry.is_symlink() else len(pending)
                pending.insert(place, (folder / entry.name, name + "/"))
            else:
                (files if kind == "file" else dead).append(name)
    return sorted(files), sorted(dead)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError:  # a link that leads back to itself
        return ""


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file; raises :class:`UnreadableFileError`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for its writer
            raise UnreadableFileError("not a regular file; expected one", "replace it by a file")
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > FILE_SIZE_LIMIT:
                found = f"{status.st_size / 1e6:.0f} MB; expected at most {FILE_SIZE_LIMIT / 1e6:.0f} MB"
                raise UnreadableFileError(found, "check what the file is")
            return file.read()
    except OSError as error:
        found = f"cannot be read ({error.strerror}); expected a readable file"
        raise UnreadableFileError(found, "check that it is there and its rights") from None
