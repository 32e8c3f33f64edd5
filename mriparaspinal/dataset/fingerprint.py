"""What lies in a folder, and the program itself, by SHA-256: whether anything of it has changed."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import NoReturn

import mriparaspinal
from mriparaspinal.core.errors import unreadable
from mriparaspinal.core.filenames import IMAGE_ENDINGS, JOURNAL, MARK, RECORD
from mriparaspinal.core.spelling import composed
from mriparaspinal.io.folder import file_sha256, list_files
from mriparaspinal.io.volumes import files_of
from mriparaspinal.parallel.map import in_time

#: The kinds of files that are opened in a dataset; of others the names alone are looked at.
_OPENED = (*IMAGE_ENDINGS, ".json", ".csv", ".tsv", ".xlsx", ".sav", ".toml")

#: What stands in place of a SHA-256.
NAME_ALONE, NO_FILE = "not opened", "no file"


def fingerprint(
    place: Path, leave_out: Path | None = None, every: bool = False, timeout: float | None = None
) -> dict[str, str]:
    """SHA-256 by name of all files at a place, a folder or a file, that a measurement may open.

    ``every``: all files are opened there; else the others stand with their names alone. ``leave_out``: a
    folder that is no part of it. Raises :class:`UnreadableError` for a file that cannot be read, or not
    within ``timeout`` seconds.
    """
    read = file_sha256 if timeout is None else partial(in_time, file_sha256, _too_late, timeout)
    if not place.is_dir():
        return {composed(file.name): read(file) for file in files_of(place)}
    files, dead = list_files(place, leave_out)
    folders = sorted({"", *(f"{name.rpartition('/')[0]}/".lstrip("/") for name in files)})
    hidden = [folder + own for folder in folders for own in (JOURNAL, MARK)]
    found: dict[str, str] = {}
    for name in (*files, *(name for name in hidden if (place / name).is_file())):
        # The records of two studies in one dataset would have each other's changes.
        opened = every or name in hidden or name.lower().endswith(_OPENED)
        opened = opened and name.rpartition("/")[2] != RECORD
        found[_key(name, found)] = read(place / name) if opened else NAME_ALONE
    for name in dead:
        found[_key(name, found)] = NO_FILE
    return dict(sorted(found.items()))


def _key(name: str, taken: dict[str, str]) -> str:
    """The name in the usual spelling of accented letters; two names may differ in nothing else."""
    key = composed(name)
    while key in taken:
        key += "'"
    return key


def _too_late(_: Path) -> NoReturn:
    raise unreadable("not read in time", "a file at hand", "give a longer --timeout")


def program_sha256() -> str:
    """A SHA-256 over all files of this package: a change of the program may change any number."""
    digest = hashlib.sha256()
    root = Path(mriparaspinal.__file__).parent
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            digest.update(f"{path.relative_to(root).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
