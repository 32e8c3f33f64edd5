"""Files put beside the images of a dataset: all or none, and nobody's file is replaced."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.lock import finished
from mriparaspinal.io.write import cannot_write, drafts_of


def write_beside(root: Path, files: Mapping[str, bytes]) -> int:
    """Write new files into a folder, all or none; the number of those that had to be written.

    ``files``: name below ``root`` → bytes. A file that is there with these very bytes stays as it is. Raises
    :class:`UsageError` that lists every other file that is there, and where nothing can be written.
    """
    there = {name: _holds(_there(root / name), content) for name, content in files.items()}
    in_the_way = [name for name, same in there.items() if same is False]
    if in_the_way:
        found = f"{', '.join(in_the_way)} there already, with other contours"
        remedy = "move them away to have new ones; nothing was written"
        raise UsageError(f"{root}: {found}; expected no LabelMe files of these slices; {remedy}")
    fresh = {root / name: content for name, content in files.items() if there[name] is None}
    try:
        with drafts_of(fresh) as drafts, finished():
            _place_all(drafts)
    except OSError as error:
        raise cannot_write(root, error) from None
    return len(fresh)


def _place_all(drafts: Mapping[Path, Path]) -> None:
    """Give all files their names, or none."""
    written: list[Path] = []
    try:
        for path, draft in drafts.items():
            _place(draft, path)
            written.append(path)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _there(path: Path) -> Path | None:
    """The entry of this name, written in small letters or in capitals; None if there is none."""
    with contextlib.suppress(OSError):
        for entry in path.parent.iterdir():
            if entry.name.casefold() == path.name.casefold():
                return entry
    return None


def _holds(path: Path | None, content: bytes) -> bool | None:
    """Whether a file has these bytes; None if there is none."""
    if path is None:
        return None
    try:
        return path.is_file() and path.read_bytes() == content
    except OSError:
        return False


def _place(temporary: Path, path: Path) -> None:
    """Give a file its name, unless somebody else took it in the meantime."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(17, "File exists") from None
        temporary.rename(path)
