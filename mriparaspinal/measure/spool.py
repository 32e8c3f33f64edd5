"""What a run has to remember of every slice, out of memory's way."""

from __future__ import annotations

import io
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice, pairwise
from typing import IO, overload

from mriparaspinal.core.errors import UsageError

#: Bytes that stay in memory: what there is of an ordinary study never touches a disk.
_IN_MEMORY = 300_000

#: Blocks that are read at a time, where all of them are.
_AT_ONCE = 100

#: Blocks that are sorted at a time.
_PART = 4000


class Spool(Sequence[bytes]):
    """Blocks of bytes in the order in which they come; many lie in a temporary file without a name.

    Raises :class:`UsageError` where there is no room for that file.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self._ends = array("Q", [0])
        for block in blocks:
            try:
                if self._ends[-1] <= _IN_MEMORY < self._ends[-1] + len(block):
                    self._move_to_disk()
                self._file.write(block)
            except OSError as error:
                raise _no_room(error) from None
            self._ends.append(self._ends[-1] + len(block))
        try:
            self._file.flush()
        except OSError as error:
            raise _no_room(error) from None

    def _move_to_disk(self) -> None:
        import tempfile  # takes longer to import than most studies need

        file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the spool
        weakref.finalize(self, file.close)
        self._file.seek(0)
        file.write(self._file.read())
        self._file = file

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self[place] for place in places]
        return self._read(places, places + 1)

    def _read(self, first: int, end: int) -> bytes:
        self._file.seek(self._ends[first])
        return self._file.read(self._ends[end] - self._ends[first])

    def __iter__(self) -> Iterator[bytes]:
        for first in range(0, len(self), _AT_ONCE):
            ends = self._ends[first : first + _AT_ONCE + 1]
            raw = self._read(first, first + len(ends) - 1)
            yield from (raw[start - ends[0] : end - ends[0]] for start, end in pairwise(ends))


def in_order(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of bytes sorted, of which few are in memory at a time. Raises as :class:`Spool`."""
    blocks = iter(blocks)
    parts = iter(lambda: sorted(islice(blocks, _PART)), [])
    spool = Spool(block for part in parts for block in part)
    starts = range(0, len(spool), _PART)
    return merge(*(map(spool.__getitem__, range(len(spool))[start : start + _PART]) for start in starts))


def _no_room(error: OSError) -> UsageError:
    import tempfile

    found = f"a temporary file cannot be written ({error.strerror or error})"
    expected = "expected room for what was counted in each slice"
    remedy = "make room, or set TMPDIR to a folder that has it"
    return UsageError(f"{tempfile.tempdir or 'TMPDIR'}: {found}; {expected}; {remedy}")
