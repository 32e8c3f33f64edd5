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
    """All regular files below ``root``, and all broken links, relative to it with forward slashes.

    Names that begin with a dot are passed over (among them the ``._`` files of macOS), so is the
    folder ``leave_out``. Links to folders are followed, each folder once.
    Raises :class:`NoInputError` where the folder cannot be read.
    """
    if not root.is_dir():
        found = "is not a folder" if root.exists() else "does not exist"
        raise NoInputError(f"{root}: {found}; expected a dataset folder; check the path")
    files: list[str] = []
    broken: list[str] = []
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
            found = f"cannot be read ({error.strerror})"
            raise NoInputError(f"{prefix or root}: {found}; expected a folder; check its rights") from None
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = prefix + entry.name
            if entry.is_dir():
                pending.append((folder / entry.name, name + "/"))
            elif entry.is_file():
                files.append(name)
            elif entry.is_symlink():
                broken.append(name)
    return sorted(files), sorted(broken)


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file; raises :class:`UnreadableFileError`."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFileError("not a regular file; expected one", "replace it by a file")
            if status.st_size > FILE_SIZE_LIMIT:
                found = f"{status.st_size / 1e6:.0f} MB; expected at most {FILE_SIZE_LIMIT / 1e6:.0f} MB"
                raise UnreadableFileError(found, "check what the file is")
            return file.read()
    except OSError as error:
        found = f"cannot be read ({error.strerror}); expected a readable file"
        raise UnreadableFileError(found, "check that it is there and its rights") from None
