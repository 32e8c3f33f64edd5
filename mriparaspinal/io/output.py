"""A folder of outputs, replaced as a whole, by one command at a time, and never what is not ours.

New files wait in a folder of their own beside the old ones until all are safely on the disk, and are then
put in place in one go. A signal to stop is obeyed before that or after it. A manifest (JSON) beside the files
lists those that were written, with their SHA-256; what it does not list is somebody else's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import MANIFEST, MARK
from mriparaspinal.io.lock import Mark, finished, refuse_where_taken
from mriparaspinal.io.manifest import listed_outputs
from mriparaspinal.io.write import (
    DRAFT,
    cannot_write,
    holds,
    is_device,
    remove_dead_drafts,
    remove_tree,
    take_place,
    to_disk,
    write_new,
)

#: How each manifest begins.
_MANIFEST_HEAD = b'{\n  "mriparaspinal": '


class OutputFolder:
    """An output folder that one command works in at a time: a context that replaces its files in one go.

    ``manifest``: the file, among those that are written, that lists the others by their SHA-256.
    ``keep_changed``: refuse to replace a file that was changed since we wrote it. ``first`` is called when
    all new files are on the disk, and before the first of them is put in place. ``lent``: it is held for
    another one of the same folder that is opened within, and writes.
    """

    def __init__(
        self,
        path: Path,
        manifest: str = MANIFEST,
        keep_changed: bool = False,
        first: Callable[[], None] | None = None,
        lent: bool = False,
    ) -> None:
        self.path = path
        self._lent = lent
        self._manifest, self._keep_changed, self._first = manifest, keep_changed, first
        self._mark: Mark | None = None
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
            self._mark = Mark.take(self.path, self._lent)
            if not self._mark.taken_again:
                remove_dead_drafts(self.path, folders=True)
        except FileExistsError:
            what = "a device or a pipe" if is_device(self.path) else "a file"
            found = f"cannot be written into ({what} is there)"
            raise UsageError(f"{self.path}: {found}; expected a folder; choose another --out") from None
        except OSError as error:
            mark = self.path / MARK
            raise cannot_write(mark if os.path.lexists(mark) else self.path, error) from None
        refuse_where_taken(self.path.resolve().parent)

    def __exit__(self, *_: object) -> None:
        with finished():
            self._close()

    def _close(self) -> None:
        if self._stage is not None:
            remove_tree(self._stage)
        if self._mark is not None:
            mark, self._mark = self._mark, None
            mark.release()
        # A run that came to nothing leaves nothing: folders that it made are empty then.
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()

    def written_before(self) -> dict[str, str]:
        """What earlier runs wrote here: SHA-256 by name, empty where it is not known.

        That of the manifest itself is not; nor are those of a run that was killed in its midst.
        """
        manifest = self.path / self._manifest
        written = listed_outputs(manifest)
        if written or _begins_as_manifest(manifest):
            written[self._manifest] = ""
        written |= dict.fromkeys(self.cut_off, "")
        return {name: digest for name, digest in written.items() if _is_below(name)}

    def outdated(self, files: Collection[str]) -> list[str]:
        """The files of earlier runs that are none of ``files``."""
        return [name for name in self.written_before() if name not in files and (self.path / name).is_file()]

    @property
    def cut_off(self) -> tuple[str, ...]:
        """The names that a run was replacing here when it was killed."""
        return () if self._mark is None else self._mark.cut_off

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
        assert self._mark is not None
        self._mark.note({*self.written_before(), *self._drafts})
        if self._first is not None:
            self._first()
        self._mark.mixed = True
        folders = {self.path}
        for name in self._drafts:
            target = self.path / name
            if "/" in name:
                target.parent.mkdir(parents=True, exist_ok=True)
                folders.add(target.parent)
            take_place(self.stage / name, target)
        self._drafts = []
        for name in stale:
            (self.path / name).unlink(missing_ok=True)
        for folder in folders:
            to_disk(folder)
        self._mark.whole()

    def take_away(self) -> None:
        """Remove the files of earlier runs that were not changed since; the folder stays taken."""
        written = self.written_before()
        ours = [n for n, d in written.items() if not d or not self._keep_changed or holds(self.path / n, d)]
        self.replace({}, [name for name in ours if (self.path / name).is_file()])


def _is_below(name: str) -> bool:
    """Whether a name of a manifest, which anybody may have edited, leads nowhere but into its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and not {"..", "."} & set(path.parts) and "\\" not in name


def _begins_as_manifest(path: Path) -> bool:
    """Whether a file is a manifest of ours, even if it cannot be read any more."""
    try:
        if not path.is_file():  # to open a pipe would wait for its writer
            return False
        with path.open("rb") as file:
            return file.read(len(_MANIFEST_HEAD)) == _MANIFEST_HEAD
    except OSError:
        return False


def _alike(one: Path, other: Path) -> bool:
    try:
        return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
    except OSError:
        return False
