"""DICOM objects that are no images: opened by their kind. Read only.

Only the attributes that are asked for are kept: no name, date or UID of a patient comes in here.
What a damaged file makes pydicom raise can be anything, and its words may quote the file; so every
call into it is fenced, and the message is ours.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import HTJ2K, UID, DeflatedExplicitVRLittleEndian, HTJ2KLossless, HTJ2KLosslessRPCL

from mriparaspinal.files.folder import FILE_SIZE_LIMIT, UnreadableFileError

#: The decoders of syntaxes that the extra "dicom" cannot decode.
_HTJ2K = 'pylibjpeg "pylibjpeg-openjpeg>=2"'
_OWN_DECODERS = dict.fromkeys((HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), _HTJ2K)
_KIND = ("SOPClassUID", "Modality", "SpecificCharacterSet")


def modality_of(path: Path) -> str:
    """``RTSTRUCT``, ``SEG`` …; empty for what is no DICOM file. Raises :class:`UnreadableFileError`."""
    header = _read(path, (), pixels=False)
    if header is None:
        return ""
    with fenced("the header"):
        return str(header.get("Modality", "")).strip().upper()


def read_object(path: Path, keywords: Sequence[str]) -> Dataset:
    """The attributes of a file that are asked for; raises :class:`UnreadableFileError`."""
    found = _read(path, keywords, pixels=True)
    if found is None:
        raise _broken("the file")
    return found


def _read(path: Path, keywords: Sequence[str], pixels: bool) -> Dataset | None:
    try:
        with path.open("rb") as file:
            start = file.read(132)
        if path.stat().st_size > FILE_SIZE_LIMIT:
            found = f"more than {FILE_SIZE_LIMIT / 1e6:.0f} MB; expected contours or a segmentation"
            raise UnreadableFileError(found, "check what the file is")
    except OSError as error:
        found = f"cannot be read ({error.strerror}); expected a readable file"
        raise UnreadableFileError(found, "check that it is there and its rights") from None
    # Without the preamble a file may be anything: it has to begin as a data set does, in group 2 or 8.
    bare = start[128:132] != b"DICM"
    if bare and start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return None
    with fenced("the file"):
        try:
            require_inflatable(path, bare)
            with WithinFile(io.FileIO(str(path))) as file:
                tags = [*_KIND, *keywords]
                return pydicom.dcmread(file, force=bare, stop_before_pixels=not pixels, specific_tags=tags)
        except InvalidDicomError:
            return None


class WithinFile(io.BufferedReader):
    """Reads no more than the file holds: for a damaged length of 4 GB the plain reader sets them aside."""

    def read(self, size: int | None = -1) -> bytes:
        """As the plain reader; what the file does not hold is not asked for."""
        if size is not None and size > 1 << 16:
            size = min(size, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


def require_inflatable(path: Path, bare: bool) -> None:
    """Raise :class:`UnreadableFileError` for a file that unpacks to more than any that is read as a whole.

    pydicom unpacks the deflated syntax at once, however large it becomes. ``bare``: without a preamble.
    """
    if bare:
        return
    size = 0
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    with WithinFile(io.FileIO(str(path))) as file:
        read_preamble(file, False)
        # pydicom's own, since what follows begins where this ends, whatever length the file tells.
        if _read_file_meta_info(file).get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        while packed := unpack.unconsumed_tail or file.read(1 << 20):
            size += len(unpack.decompress(packed, 1 << 20))
            if size > FILE_SIZE_LIMIT:
                found = f"deflated from more than {FILE_SIZE_LIMIT / 1e6:.0f} MB; expected slices or contours"
                raise UnreadableFileError(found, "export it uncompressed")


def require_decoder(syntax: UID) -> None:
    """Raise :class:`UnreadableFileError`, which says what to install, where pixels cannot be decoded."""
    remedy = "export it uncompressed"
    try:
        if get_decoder(syntax).is_available:
            return
        install = _OWN_DECODERS.get(syntax, '"mriparaspinal[dicom]"')
        remedy = f"install its decoder with pip install {install}, or {remedy}"
    except NotImplementedError:  # there is none
        pass
    name = "in a way of its maker" if syntax.is_private else f"as {syntax.name}"
    raise UnreadableFileError(f"compressed {name}; expected a syntax that there is a decoder for", remedy)


@contextlib.contextmanager
def fenced(what: str) -> Iterator[None]:
    """Turns whatever is raised inside into :class:`UnreadableFileError`, and keeps warnings quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableFileError:
        raise
    except MemoryError:
        raise UnreadableFileError("larger than the memory; expected one patient", "check the file") from None
    except Exception:
        raise _broken(what) from None


def _broken(what: str) -> UnreadableFileError:
    found = f"{what} cannot be read as DICOM (cut off or damaged); expected a whole DICOM file"
    return UnreadableFileError(found, "export it again")
