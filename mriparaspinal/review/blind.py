"""Blinded reading: a code for each reading of a slice, in random order, and the key that undoes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mriparaspinal import __version__
from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.core.filenames import REVIEW
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import and_more
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.manifest import manifest_bytes, outputs_manifest
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.tables import csv_bytes, read_table
from mriparaspinal.io.write import require_ours, same_header, sha256, write_file
from mriparaspinal.review.document import document_bytes, parse_document
from mriparaspinal.review.journal import unsaved_in
from mriparaspinal.review.saving import digest_of
from mriparaspinal.review.timing import FILE as TIMING
from mriparaspinal.review.timing import read_seconds, seconds_bytes
from mriparaspinal.review.verdicts import Verdict, read_verdicts, verdicts_bytes

COLUMNS = ("code", "image", "reading")

#: What ``unblind`` leaves beside the files that it writes.
MANIFEST = "unblind.json"

#: Where readings lie of which some were repeated: to be compared with each other.
READINGS = {1: "first", 2: "second"}


@dataclass(frozen=True, slots=True)
class Code:
    """One reading of a slice, as the reader knows it."""

    code: str
    image: str
    reading: int
    """1, or 2 where the slice is read again."""


def make_codes(images: Sequence[str], seed: int, repeat: float = 0.0) -> list[Code]:
    """Codes ``S001`` … in random order; a share ``repeat`` of the slices comes twice, far apart.

    The same images and the same seed give the same codes, on every machine.
    """
    again = round(repeat * len(images)) or int(repeat > 0)
    twice = sorted(images, key=lambda image: _chance(seed, "repeat", image))[:again]
    places = [(_chance(seed, "place", image), image) for image in images]
    # Half the others lie between the two readings, whichever comes first.
    places += [((_chance(seed, "place", image) + 0.5) % 1, image) for image in twice]
    width = max(3, len(str(len(places))))
    codes: list[Code] = []
    seen: set[str] = set()
    for number, (_, image) in enumerate(sorted(places), 1):
        codes.append(Code(f"S{number:0{width}d}", image, 2 if image in seen else 1))
        seen.add(image)
    return codes


def _chance(seed: int, what: str, image: str) -> float:
    """A number from 0 to 1 that looks random."""
    text = f"{seed}/{what}/{image}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big") / 2**48


def key_bytes(codes: Sequence[Code]) -> bytes:
    """The key as a table."""
    return csv_bytes(COLUMNS, [(code.code, code.image, code.reading) for code in codes])


def keep_key(path: Path, codes: Sequence[Code]) -> str:
    """Write the key, unless it is there already; its digest. Raises :class:`UsageError` for another's."""
    content = key_bytes(codes)
    ours = same_header(content)
    require_ours(path, ours, "--key")
    if path.exists() and path.read_bytes() != content:
        found = "is the key of other slices, or of another seed or share of repeats"
        raise UsageError(f"--key {path}: {found}; expected that of this reading; choose another file")
    if not path.exists():
        write_file(path, content, ours)
    return key_digest(codes)


def key_digest(codes: Sequence[Code]) -> str:
    """What a reader's folder knows its key by: the SHA-256 of the table as it is read, in one spelling."""
    return sha256(key_bytes([replace(code, image=composed(code.image)) for code in codes]))


def read_key(path: Path) -> tuple[list[Code], str]:
    """The codes of a key and its :func:`key_digest`; raises :class:`NoInputError` for another table."""
    table = read_table(path)
    if table.columns != COLUMNS:
        found = f"the columns {', '.join(table.columns)} were found; expected {', '.join(COLUMNS)}"
        raise NoInputError(f"{path.name}: {found}; give the key that review wrote")
    codes = []
    for number, (code, image, reading) in enumerate(table.rows, 2):
        if reading not in ("1", "2") or not code or not image or {"..", ""} & set(image.split("/")):
            found = f"row {number} names {code!r}, {image!r}, {reading!r}; expected a code, an image, 1 or 2"
            raise NoInputError(f"{path.name}: {found}; give the key as review wrote it")
        codes.append(Code(code, image, int(reading)))
    if len({code.code for code in codes}) < len(codes):
        raise NoInputError(f"{path.name}: a code stands there twice; expected each once; correct it")
    return codes, key_digest(codes)


@dataclass(frozen=True, slots=True)
class Unblinded:
    """What ``unblind`` wrote."""

    files: int
    unread: int
    """Codes of the key that the reader left no contours for."""
    repeated: bool
    unsaved: int
    """Codes on which more was drawn than was saved."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known about it."""
        told = [f"{self.unread} of the codes have no contours"] if self.unread else []
        if self.unsaved:
            left = f"on {self.unsaved} of the slices more was drawn than was saved"
            told.append(f"{left}; open the folder with review once more, and save")
        return tuple(told)


def unblind(reader: Path, key: Path, out: Path) -> Unblinded:
    """Give a reader's files the names of their images, in ``out``.

    ``NAME.json``, ``review.csv`` and ``timing.csv`` where every slice was read once; else in ``first`` and
    ``second``.
    Raises :class:`NoInputError` where folder and key do not belong together, :class:`UsageError` where
    ``out`` holds files of somebody else's.
    """
    require_finished(reader, "the folder of a reader", "review")
    codes, digest = read_key(key)
    _require_its_key(reader, key, digest)
    unsaved = len(unsaved_in(reader))
    repeated = any(code.reading == 2 for code in codes)
    folder_of = {code.code: f"{READINGS[code.reading]}/" if repeated else "" for code in codes}
    files: dict[str, bytes] = {}
    for code in codes:
        path = reader / f"{code.code}.json"
        if path.is_file():
            files[f"{folder_of[code.code]}{json_name(code.image)}"] = _renamed(path, code.image)
    if not files:
        found = f"no contours of any of {len(codes)} codes of {key.name}"
        raise NoInputError(f"{reader}: {found}; expected the folder of a blinded reader; check both")
    read = len(files)
    images = {code.code: code.image for code in codes}
    files |= _verdicts(reader, images, folder_of) | _seconds(reader, images, folder_of)
    manifest = outputs_manifest({name: sha256(raw) for name, raw in sorted(files.items())})
    with OutputFolder(out, MANIFEST, keep_changed=True) as folder:
        _require_unchanged(out, folder.written_before(), files)
        written = {**files, MANIFEST: manifest}
        folder.replace(written, folder.outdated(written))
    return Unblinded(read, len(codes) - read, repeated, unsaved)


def _require_unchanged(out: Path, written: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    """Raise :class:`UsageError` where files were changed since an earlier ``unblind`` wrote them."""
    there = {name: digest_of(out / name) for name, digest in written.items() if digest}
    changed = [
        name
        for name, digest in there.items()
        if digest not in (None, written[name]) and (name not in files or digest != sha256(files[name]))
    ]
    if changed:
        found = f"changed since unblind wrote them: {and_more(changed)}"
        remedy = "choose another --out, or move these files away"
        raise UsageError(f"{out}: {found}; expected nothing of yours to be replaced; {remedy}")


def json_name(image: str) -> str:
    """The LabelMe file of an image."""
    return f"{image[: image.rindex('.')]}.json"


def _renamed(path: Path, image: str) -> bytes:
    try:
        document = parse_document(read_bytes(path))
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{path}")) from None
    return document_bytes({**document, "imagePath": image.rpartition("/")[2]})


def _verdicts(reader: Path, images: Mapping[str, str], folder_of: Mapping[str, str]) -> dict[str, bytes]:
    path = reader / REVIEW
    if not path.is_file():
        return {}
    sorted_out: dict[str, list[Verdict]] = {}
    for verdict in read_verdicts(path, None):
        _require_code(verdict.image, images, path)
        named = replace(verdict, image=images[verdict.image])
        sorted_out.setdefault(folder_of[verdict.image], []).append(named)
    return {f"{folder}{REVIEW}": verdicts_bytes(verdicts) for folder, verdicts in sorted_out.items()}


def _seconds(reader: Path, images: Mapping[str, str], folder_of: Mapping[str, str]) -> dict[str, bytes]:
    sorted_out: dict[str, dict[tuple[str, str], float]] = {}
    for (code, name), seconds in read_seconds(reader).items():
        _require_code(code, images, reader / TIMING)
        sorted_out.setdefault(folder_of[code], {})[images[code], name] = seconds
    return {f"{folder}{TIMING}": seconds_bytes(spent) for folder, spent in sorted_out.items()}


def _require_code(code: str, images: Mapping[str, str], path: Path) -> None:
    if code not in images:
        found = f"{code} is no code of the key"
        raise NoInputError(f"{path}: {found}; expected codes alone; check that the key is this reader's")


# --- who reads in a folder ----------------------------------------------------------------------------------

#: What a reader's folder says of itself; the name begins with a dot: it is no annotation.
READER = ".reader.json"


def keep_reader(folder: Path, reader: str, key: str | None) -> None:
    """Note whose folder it is, and by which key; raises :class:`UsageError` for another's folder."""
    if require_reader(folder, reader, key):
        return
    content = {"mriparaspinal": __version__, "reader": reader, "key": key}
    write_file(folder / READER, manifest_bytes(content), lambda head: b'"reader"' in head)


def require_reader(folder: Path, reader: str, key: str | None) -> bool:
    """Whether a folder is noted as that reader's; raises :class:`UsageError` where it is another's."""
    told = _told(folder)
    if told is None:
        return False
    if told.get("reader") != reader:
        found = f"is the folder of the reader {told.get('reader')!r}"
        raise UsageError(f"{folder}: {found}; expected that of {reader!r}; choose another --out")
    if told.get("key") != key:
        how = "with another key (another seed, other repeats, or other slices)"
        found = f"was begun {how if told.get('key') else 'without --blind'}"
        remedy = "go on as it was begun, or choose another --out"
        raise UsageError(f"{folder}: {found}; expected one way of reading throughout; {remedy}")
    return True


def _told(folder: Path) -> dict[str, object] | None:
    try:
        told = json.loads((folder / READER).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        told = None
    if not isinstance(told, dict):
        raise UsageError(f"{folder / READER}: cannot be read; expected it as review wrote it; take it away")
    return told


def _require_its_key(reader: Path, key: Path, digest: str) -> None:
    told = _told(reader)
    if told is not None and told.get("key") != digest:
        found = "is not the key of this folder" if told.get("key") else f"{reader} was not read blinded"
        raise NoInputError(f"{key}: {found}; expected the key that review wrote with it; check both")
