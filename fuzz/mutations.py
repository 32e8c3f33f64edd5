"""Sound inputs made unsound: bytes, texts, JSON, PNG chunks, NIfTI headers, DICOM elements."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence

import pydicom

#: Longer inputs find nothing that shorter ones do not, and take longer.
LONGEST = 20_000
NUMBERS = (0, 1, -1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63)
_TEXT_NUMBERS = (
    "0",
    "-0.0",
    "1e18",
    "-1e18",
    "1e400",
    "NaN",
    "Infinity",
    "0x10",
    "1_0",
    "٣",
    "9" * 400,
    "1,5",
    ".5",
)
_TEXTS = (
    "",
    " ",
    "\0",
    "\r\n",
    "\r",
    "\n\n",
    "\ufeff",
    '"',
    '""',
    "'",
    ";",
    ",",
    "\t",
    "=1+1",
    "@A1",
    "<script>",
)
_MORE = (
    "../..",
    "/dev/zero",
    "C:\\x",
    "💥",
    "a" * 300,
    "[" * 60,
    "{",
    "}",
    "]",
    "\\u0000",
    "\udcff",
    "null",
    "true",
)
TEXTS = (*_TEXT_NUMBERS, *_TEXTS, *_MORE)
_JSON_VALUES = (
    None,
    True,
    0,
    -1,
    1e18,
    1e400,
    float("nan"),
    10**400,
    "",
    "MF_L",
    [],
    {},
    [[]],
    [1, 2],
    "mask",
    "circle",
)

Mutation = Callable[[bytes, random.Random, Sequence[str]], bytes]


def mutated(raw: bytes, other: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    """``raw`` after one to four changes; ``other`` is a second sound input, for splices."""
    if rng.random() < 0.05:
        at = rng.randrange(len(raw) + 1)
        raw = raw[:at] + other[rng.randrange(len(other) + 1) :]
    if raw[:2] == b"\x1f\x8b" and rng.random() < 0.8:  # what is packed, and not only the packing
        return gzip.compress(_changed(_unpacked(raw), rng, words), compresslevel=1, mtime=0)
    if raw[:2] == b"PK" and rng.random() < 0.7:
        return _repacked(raw, rng, words)
    return _changed(raw, rng, words)[:LONGEST]


def _unpacked(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, LONGEST) or b"\0"
    except zlib.error:
        return raw


def _changed(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        changes = [_bytes]
        if raw[:8] == b"\x89PNG\r\n\x1a\n":
            changes += [_png] * 3
        elif raw[:1] == b"{":
            changes += [_json] * 3 + [_text]
        elif raw[344:347] == b"n+1" or raw[4:7] == b"n+2":
            changes += [_nifti] * 3
        elif raw[128:132] == b"DICM":
            changes += [_dicom] * 2
        elif words:
            changes += [_text] * 4
        raw = rng.choice(changes)(raw, rng, words)
    return raw


def _bytes(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    data = bytearray(raw or b"\0")
    at = rng.randrange(len(data))
    span = min(rng.choice((1, 1, 2, 4, 8, 40, 400)), len(data) - at)
    kind = rng.randrange(8)
    if kind == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at : at + span] = rng.randbytes(span)
    elif kind == 2:
        del data[at : at + span]
    elif kind == 3:
        data[at:at] = data[at : at + span] * rng.choice((1, 2, 30))
    elif kind == 4:
        del data[at:]
    elif kind == 5:
        data[at:at] = rng.randbytes(span)
    elif kind == 6:
        size = rng.choice((1, 2, 4, 8))
        number = rng.choice(NUMBERS) % (1 << 8 * size)
        data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
    else:
        data[at : at + span] = bytes([rng.choice((0, 255, 32))]) * span
    return bytes(data)


def _text(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    text = raw.decode("utf-8", "surrogateescape")
    tokens = re.split(r"(\s+|[,;\t\"\[\]{}:=_./-])", text)
    at = rng.randrange(len(tokens))
    kind = rng.randrange(6)
    if kind == 0:
        tokens[at] = rng.choice(TEXTS)
    elif kind == 1:
        tokens[at] = rng.choice(words or TEXTS)
    elif kind == 2:
        tokens.insert(at, rng.choice((*TEXTS, *words)))
    elif kind == 3:
        del tokens[at : at + rng.choice((1, 2, 5))]
    elif kind == 4:
        lines = text.split("\n")
        line = rng.randrange(len(lines))
        lines.insert(rng.randrange(len(lines) + 1), lines.pop(line) if rng.random() < 0.5 else lines[line])
        tokens = ["\n".join(lines)]
    else:
        other = rng.randrange(len(tokens))
        tokens[at], tokens[other] = tokens[other], tokens[at]
    return "".join(tokens).encode("utf-8", "surrogateescape" if kind else "ignore")


def _json(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return _bytes(raw, rng, words)
    place = content
    while isinstance(place, (dict, list)) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = rng.choice(keys)
        if isinstance(place[key], (dict, list)) and rng.random() < 0.8:
            place = place[key]
            continue
        kind = rng.randrange(5)
        if kind == 0:
            del place[key]
        elif kind == 1 and isinstance(place, list):
            place.extend([place[key]] * rng.choice((1, 3, 50)))
        elif isinstance(place[key], (int, float)) and kind < 4:
            place[key] = rng.choice((0, -0.5, 99.5, 1e6, -1e6, 1e18, 1e-300, rng.uniform(-200, 300), 10**30))
        else:
            place[key] = rng.choice((*_JSON_VALUES, *words))
        break
    return json.dumps(content).encode("utf-8", "surrogatepass")


def _png(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    """Another order, content or header of chunks, whose checksums are right again."""
    chunks = []
    at = 8
    while at + 12 <= len(raw):
        (length,) = struct.unpack_from(">I", raw, at)
        chunks.append((raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return _bytes(raw, rng, words)
    at = rng.randrange(len(chunks))
    name, content = chunks[at]
    kind = rng.randrange(5)
    if kind == 0 and name == b"IHDR" and len(content) == 13:
        fields = list(struct.unpack(">IIBBBBB", content))
        place = rng.randrange(7)
        fields[place] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 17, 5000, 2**31 - 1)) % (
            2**32 if place < 2 else 256
        )
        chunks[at] = (name, struct.pack(">IIBBBBB", *fields))
    elif kind == 1 and name == b"IDAT":
        try:
            pixels = zlib.decompress(content)
        except zlib.error:
            pixels = content
        chunks[at] = (name, zlib.compress(_bytes(pixels, rng, words)[:100_000], 1))
    elif kind == 2:
        chunks.insert(at, chunks[rng.randrange(len(chunks))])
    elif kind == 3:
        names = (
            b"tRNS",
            b"PLTE",
            b"eXIf",
            b"acTL",
            b"fcTL",
            b"iCCP",
            b"zTXt",
            b"iTXt",
            b"pHYs",
            b"gAMA",
            b"cHRM",
        )
        chunks.insert(at, (rng.choice(names), rng.randbytes(rng.choice((0, 1, 4, 26, 60)))))
    else:
        chunks[at] = (name, _bytes(content, rng, words))
    return raw[:8] + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


#: Of NIfTI-1: where a field begins, how it is packed, how many there are.
_NIFTI_1 = (
    (0, "i", 1),
    (40, "h", 8),
    (70, "h", 2),
    (76, "f", 8),
    (108, "f", 3),
    (123, "b", 1),
    (252, "h", 2),
)
_NIFTI_1 += ((256, "f", 6), (280, "f", 12), (344, "b", 8), (352, "i", 2))
_NIFTI_2 = (
    (0, "i", 1),
    (12, "h", 2),
    (16, "q", 8),
    (104, "d", 8),
    (168, "q", 1),
    (176, "d", 2),
    (344, "i", 2),
)
_NIFTI_2 += ((352, "d", 6), (400, "d", 12), (500, "i", 1), (540, "b", 4))
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 352.0, 1e9, 1e30, float("nan"), float("inf"), 1e-40)


def _nifti(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    start, code, count = rng.choice(_NIFTI_2 if raw[4:7] == b"n+2" else _NIFTI_1)
    size = struct.calcsize("<" + code)
    at = start + size * rng.randrange(count)
    if at + size > len(raw):
        return _bytes(raw, rng, words)
    if code in "fd":
        packed = struct.pack("<" + code, rng.choice(_FLOATS))
    else:
        packed = (rng.choice((*NUMBERS, 3, 4, 16, 32, 64, 512)) % (1 << 8 * size)).to_bytes(size, "little")
    return raw[:at] + packed + raw[at + size :]


_DICOM_VALUES = (
    "",
    "0",
    "1",
    "-1",
    "1e9",
    "nan",
    "1\\2\\3",
    "MONOCHROME1",
    "RGB",
    "a" * 70,
    0,
    1,
    65535,
    2**31,
    1.5,
)


def _dicom(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    """Another value in an element, or one element less, wherever it stands."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(io.BytesIO(raw), force=True)
            elements = list(data.iterall()) + list(data.file_meta or [])
            element = rng.choice(elements)
            kind = rng.randrange(4)
            if kind == 0 and element.tag in data:
                del data[element.tag]
            elif kind == 1 and isinstance(element.value, bytes):
                element.value = _bytes(element.value, rng, words)
            elif element.VR == "SQ":
                element.value = [] if kind == 2 else list(element.value) * rng.choice((2, 40))
            else:
                several = element.VM > 1 and kind == 2
                new = rng.choice((*_DICOM_VALUES, *NUMBERS))
                element.value = [*element.value[:-1], new] if several else new
            content = io.BytesIO()
            data.save_as(content, enforce_file_format=True)
            return content.getvalue()
    except Exception:  # not every value can be written
        return _bytes(raw, rng, words)


def _repacked(raw: bytes, rng: random.Random, words: Sequence[str]) -> bytes:
    """Another member of a ZIP file."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:
        return _bytes(raw, rng, words)
    if not members:
        return _bytes(raw, rng, words)
    at = rng.randrange(len(members))
    name, content = members[at]
    kind = rng.randrange(4)
    if kind == 0:
        members[at] = (rng.choice(("../x.roi", ".roi", "x.txt", "a" * 300 + ".roi", "MF_L-1.roi")), content)
    elif kind == 1:
        members.append((name + ".roi", content[::-1]))
    else:
        members[at] = (name, _changed(content, rng, words))
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()
