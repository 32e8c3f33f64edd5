"""The voxels behind a header of NRRD or MetaImage, which both tell as text: read whole or not at all."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import warnings
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.core.text import read_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: More voxels than any lumbar volume has: what is read is held in memory.
VOXEL_LIMIT = 60_000_000

#: More bytes than a header has; that of a segmentation of a hundred segments has 50,000.
HEADER_LIMIT = 1_000_000

#: More bytes than the longest number takes in a text, with its blank.
_TEXT_NUMBER = 32

_CHUNK = 1 << 20

#: Numbers of an affine beyond it are no places, and their products no numbers.
_FARTHEST_MM = 1e9

Encoding = Literal["raw", "packed", "bzip2", "text"]
"""``packed``: by gzip or zlib."""


@dataclass(frozen=True, slots=True)
class StoredVoxels:
    """Where the voxels are and how they are stored."""

    path: Path
    """The file of the voxels: the header's own, or the one that it names."""
    offset: int
    """Bytes before the voxels; -1: they are the last bytes of the file."""
    shape: tuple[int, ...]
    """The axis whose index grows fastest is the first."""
    dtype: np.dtype[Any]
    encoding: Encoding

    def read(self) -> NDArray[Any]:
        """The voxels of ``shape``; raises :class:`UnreadableError`."""
        count = math.prod(self.shape)
        try:
            with self.path.open("rb") as file:
                if self.encoding == "text":
                    values = self._of_text(file, count)
                else:
                    values = np.frombuffer(self._bytes(file, count * self.dtype.itemsize), self.dtype)
        except OSError as error:
            found = f"cannot be read ({error.strerror or 'damaged'})"
            raise unreadable(found, "a readable file", "check that it is there and its rights") from None
        except MemoryError:
            raise unreadable("larger than the memory", "one volume", "check the file") from None
        return values.astype(self.dtype.newbyteorder("="), copy=False).reshape(self.shape, order="F")

    def _bytes(self, file: BinaryIO, needed: int) -> bytes:
        size = self.path.stat().st_size
        file.seek(self.offset if self.offset >= 0 else max(0, size - needed))
        if self.encoding == "raw":
            there = size - file.tell()
            if there != needed:
                raise _other_length(there, needed)
            return file.read(needed)
        raw = bytearray()
        try:
            unpack, ended = _unpacker(self.encoding)
            while len(raw) <= needed and not ended():
                packed = file.read(_CHUNK)
                part = unpack(packed, needed + 1 - len(raw))
                raw += part
                if not packed and not part:
                    break
        except (zlib.error, OSError, EOFError, ValueError):
            found = "packed voxels that are damaged"
            raise unreadable(found, "a complete volume", "export it again") from None
        if len(raw) != needed or not ended():
            raise _other_length(len(raw), needed)
        return bytes(raw)

    def _of_text(self, file: BinaryIO, count: int) -> NDArray[Any]:
        file.seek(max(0, self.offset))
        text = file.read(count * _TEXT_NUMBER + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                numbers = np.fromstring(text.decode("ascii"), dtype=np.float64, sep=" ")
            except (UnicodeDecodeError, ValueError, DeprecationWarning):
                raise unreadable("voxels that are no numbers", "numbers", "export it again") from None
        if len(numbers) != count:
            raise unreadable(f"{len(numbers)} voxels", f"{count}, as the header tells", "export it again")
        with np.errstate(invalid="ignore", over="ignore"):
            values = numbers.astype(self.dtype)
        if self.dtype.kind in "iu" and not np.array_equal(values.astype(np.float64), numbers):
            found = f"voxels that are not of the header's type ({self.dtype.name})"
            raise unreadable(found, "numbers of it", "export it again")
        return values


def _unpacker(
    encoding: Encoding,
) -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    """What unpacks the next bytes, to a given number at most, and what says that the end was reached."""
    if encoding == "bzip2":
        bzip2 = bz2.BZ2Decompressor()
        return bzip2.decompress, lambda: bzip2.eof
    unpacked = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, whichever it is

    def unpack(raw: bytes, most: int) -> bytes:
        return unpacked.decompress(unpacked.unconsumed_tail + raw, most)

    return unpack, lambda: unpacked.eof


def _other_length(there: int, needed: int) -> UnreadableError:
    found = "more bytes of voxels" if there > needed else f"{there} bytes of voxels (truncated?)"
    return unreadable(found, f"{needed}, as the header tells", "export it again")


def data_file(header: Path, name: str) -> Path:
    """The file that a header names; raises :class:`UnreadableError` where it is none of its own folder."""
    parts = PureWindowsPath(name).parts
    if not name or "\0" in name or name[0] in "/\\" or PureWindowsPath(name).drive or ".." in parts:
        found = "a header whose voxels lie outside its folder"
        raise unreadable(found, "a file beside it", "put both into one folder, and name it there")
    path = header.parent / name
    if not path.is_file():
        found = "a header whose file of voxels is not there"
        raise unreadable(found, "both files", "put the file of the voxels beside it")
    return path


def require_volume(sizes: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Raise :class:`UnreadableError` for what is no volume, or too large for one of the lumbar spine."""
    voxels = f"{'×'.join(map(str, sizes))} voxels"
    if not sizes or min(sizes) < 1:
        raise unreadable(voxels, "some", "check what the file is")
    if math.prod(sizes) > VOXEL_LIMIT:
        expected = f"at most {VOXEL_LIMIT / 1e6:.0f} million"
        raise unreadable(voxels, expected, "cut the lumbar spine out of it")
    assert dtype.kind in "iuf"


def whole_numbers_of(text: str) -> tuple[int, ...]:
    """Whole numbers between blanks; raises ``ValueError`` for others (``int`` alone takes ``1_0``)."""
    numbers = numbers_of(text)
    if not all(abs(number) < 2**53 and number == int(number) for number in numbers):
        raise ValueError("numbers that are not whole")
    return tuple(int(number) for number in numbers)


def numbers_of(text: str) -> tuple[float, ...]:
    """Numbers between blanks; raises ``ValueError`` for what is none."""
    numbers = [read_number(word) for word in text.split()]
    known = tuple(number for number in numbers if number is not None)
    if len(known) < len(numbers):
        raise ValueError("words that are no numbers")
    return known


def placed(
    steps: NDArray[np.float64], origin: Sequence[float], scale: Sequence[float] = (1, 1, 1)
) -> NDArray[np.float64]:
    """The affine, 4×4, voxel index → mm in LPS+, of steps (3, axes) and the first voxel's place.

    A third step that is not given (a single slice) is 1 mm across the two others. ``scale``: ±1 for each
    axis of the patient. Raises :class:`UnreadableError` for an affine that is none.
    """
    affine = np.eye(4)
    if steps.shape == (3, 2):
        across = np.cross(steps[:, 0], steps[:, 1])
        length = float(np.linalg.norm(across))
        steps = np.column_stack([steps, across / length if length > 0 else across])
    affine[:3, :3] = steps
    affine[:3, 3] = origin
    affine[:3] *= np.asarray(scale, dtype=float)[:, None]
    if not (abs(affine) < _FARTHEST_MM).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise unreadable("a broken position or orientation", "one", "export it again")
    return affine


def gzipped(raw: bytes) -> bytes:
    """The same bytes by gzip, without its clock and name."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(raw)
    return packed.getvalue()


@contextmanager
def header_fenced(kind: str) -> Iterator[None]:
    """Turns what parsing a damaged header raises into :class:`UnreadableError`."""
    try:
        yield
    except UnreadableError:
        raise
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise unreadable(found, "a readable file", "check that it is there and its rights") from None
    except (ValueError, KeyError, IndexError, OverflowError):
        found = f"the header cannot be read as {kind} (truncated or damaged)"
        raise unreadable(found, "a complete volume", "export it again") from None


def first_of(fields: Mapping[str, str], *names: str) -> str | None:
    """The field that is there, by the first of its names."""
    return next((fields[name] for name in names if name in fields), None)
