"""A file is replaced only while it is still the one that was opened."""

from __future__ import annotations

import os
from pathlib import Path

from mriparaspinal.core.errors import NoInputError, ParaspinalError, UsageError
from mriparaspinal.io.beside import write_beside
from mriparaspinal.io.lock import finished
from mriparaspinal.io.write import cannot_write, drafts_of, sha256


class ChangedOnDiskError(ParaspinalError):
    """The file is no longer the one that was opened, or the slice was opened anew elsewhere."""


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none. Raises :class:`NoInputError` where it cannot be read."""
    try:
        return sha256(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        found = f"cannot be read ({error.strerror or error})"
        raise NoInputError(
            f"{path.name}: {found}; expected a file; check what is there, and its rights"
        ) from None


def save_unless_changed(path: Path, content: bytes, opened: str | None) -> None:
    """Write a file, whole or not at all, in place of that of the SHA-256 ``opened`` (None: of no file).

    Raises :class:`ChangedOnDiskError` where another is there now, :class:`UsageError` where it cannot be
    written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_same(path, opened)
        if opened is None:
            # Linked to its name: never over a file that came in the meantime.
            try:
                write_beside(path.parent, {path.name: content})
            except UsageError:
                require_same(path, opened)
                raise
            return
        mode = path.stat().st_mode & 0o777
        if not mode & 0o222:
            expected = "expected one that may be changed; give it that right, or move it away"
            raise UsageError(f"{path.name}: is read-only; {expected}")
        with drafts_of({path: content}) as drafts, finished():
            require_same(path, opened)
            drafts[path].chmod(mode)
            os.replace(drafts[path], path)  # noqa: PTH105
    except OSError as error:
        raise cannot_write(path, error) from None


def require_same(path: Path, opened: str | None) -> None:
    """Raise :class:`ChangedOnDiskError` where the file is not the one of the SHA-256 ``opened``."""
    if digest_of(path) != opened:
        found = "was changed on the disk since it was opened" if path.exists() else "is no longer there"
        raise ChangedOnDiskError(
            f"{path.name}: {found}; expected the file as it was; choose which one is to stay"
        )
