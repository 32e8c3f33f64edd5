"""What has been drawn and not yet saved: a line per finished region, on the disk before the page goes on.

A line is appended and flushed to the disk; after a crash the lines are read again. A line that was cut off is
passed over. The journal is locked by the one program that writes it, and goes when nothing in it is unsaved.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import JOURNAL
from mriparaspinal.core.text import natural_key
from mriparaspinal.io.lock import try_lock
from mriparaspinal.io.write import cannot_write
from mriparaspinal.review.document import parse_edits

#: What a line that was cut off, or is none of ours, gives rise to.
_NO_ENTRY = (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError)

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What a reader has drawn on a slice since its file was last written."""

    base: str | None
    """SHA-256 of the file that it was drawn upon; None: there was none."""
    shapes: list[dict[str, Any]]
    """All shapes of the regions, as the page sends them."""


class Journal:
    """The journal of a folder, open and locked."""

    def __init__(self, folder: Path) -> None:
        """Open it and read what is in it; raises :class:`UsageError` where another program has it."""
        self.path = folder / JOURNAL
        self.unsaved: dict[str, Unsaved] = {}
        self._saving: dict[str, str] = {}
        self._is_torn = False
        """Whether the last line was cut off, and the next is to begin on one of its own."""
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NOFOLLOW, 0o666)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        if not try_lock(self._descriptor):
            os.close(self._descriptor)
            found = "another review is open in this folder"
            raise UsageError(f"{folder}: {found}; expected one at a time; end it, or choose another --out")
        self._read()

    def _read(self) -> None:
        raw = self.path.read_bytes()
        _replay(raw, self.unsaved, self._saving)
        self._is_torn = bool(raw) and not raw.endswith(b"\n")

    def drawn(self, name: str, base: str | None, shapes: list[dict[str, Any]]) -> None:
        """Keep what is drawn on a slice; on the disk when this returns."""
        self._append({"slice": name, "base": base, "shapes": shapes})

    def saving(self, name: str, digest: str) -> None:
        """A file of this SHA-256 is about to be written."""
        self._append({"slice": name, "saving": digest})

    def saved_as(self, name: str) -> str | None:
        """The SHA-256 of the file that was being written when the program ended, if there is one."""
        return self._saving.get(name)

    def done(self, name: str) -> None:
        """What was drawn on a slice is in its file, or was given up."""
        if name in self.unsaved or name in self._saving:
            self._append({"slice": name, "done": True})
            if not self.unsaved:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, 0)

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        line = b"\n" * self._is_torn + line
        try:
            before = os.fstat(self._descriptor).st_size
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
                os.fsync(self._descriptor)
            except OSError:
                self._take_back(before)
                raise
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._is_torn = False
        _apply(entry, self.unsaved, self._saving)

    def _take_back(self, size: int) -> None:
        """Take a line back that could not be written whole: no later one is to be glued to it."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            self._is_torn = True

    def close(self) -> None:
        """Let go of it; an empty one is removed."""
        if self._descriptor >= 0:
            if os.name != "nt":
                self._remove()
            os.close(self._descriptor)
            if os.name == "nt":
                self._remove()  # Windows removes no file that is open
            self._descriptor = -1

    def _remove(self) -> None:
        if not self.unsaved:
            with contextlib.suppress(OSError):
                self.path.unlink()


def _replay(raw: bytes, unsaved: dict[str, Unsaved], saving: dict[str, str]) -> None:
    """Read the lines of a journal; one that was cut off, or is none of ours, is passed over."""
    for line in raw.split(b"\n"):
        with contextlib.suppress(*_NO_ENTRY):
            entry = json.loads(line)
            parse_edits(entry.get("shapes", []), None)
            _apply(entry, unsaved, saving)


def _apply(entry: dict[str, Any], unsaved: dict[str, Unsaved], saving: dict[str, str]) -> None:
    """What a line says of a slice."""
    name = str(entry["slice"])
    if "shapes" in entry:
        unsaved[name] = Unsaved(entry["base"], entry["shapes"])
        saving.pop(name, None)
    elif "saving" in entry:
        saving[name] = str(entry["saving"])
    elif entry.get("done"):
        unsaved.pop(name, None)
        saving.pop(name, None)


def unsaved_names(folder: Path) -> list[str]:
    """The slices on which more was drawn in a folder than was saved; while a review is open there, too."""
    unsaved: dict[str, Unsaved] = {}
    try:
        raw = (folder / JOURNAL).read_bytes()
    except OSError:
        return []
    _replay(raw, unsaved, {})
    return sorted(unsaved, key=natural_key)


def unsaved_in(folder: Path) -> dict[str, Unsaved]:
    """What was drawn in a folder and not saved; raises :class:`UsageError` while a review is open there."""
    if not (folder / JOURNAL).exists():
        return {}
    journal = Journal(folder)
    journal.close()
    return journal.unsaved
