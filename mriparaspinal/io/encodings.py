"""Which encoding a text may have that is not UTF-8: a guess for a message, never to read it by."""

from __future__ import annotations

import codecs
import re

#: Byte order marks; that of UTF-32 begins as that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_HAN = "\u3000-\u303f\u4e00-\u9fff\uff01-\uff60"

_LATIN = ("WINDOWS-1252", "Western Windows", "cp1252", "[\u00c0-\u00ff\u0152-\u0178\u00b0-\u00b5]")

#: Name for iconv, whose computers write it, the Python codec of its common letters, and these letters.
_CANDIDATES = (
    ("GB18030", "Chinese Windows", "gb2312", f"[{_HAN}]"),
    ("EUC-KR", "Korean Windows", "euc_kr", "[\uac00-\ud7a3]"),
    ("SHIFT_JIS", "Japanese Windows", "shift_jis", f"[{_HAN}\u3040-\u30ff]"),
    ("BIG5", "traditional Chinese Windows", "big5", f"[{_HAN}]"),
    ("GB18030", "Chinese Windows", "gb18030", f"[{_HAN}]"),
    ("WINDOWS-1251", "Cyrillic Windows", "cp1251", "[\u0400-\u045f]"),
    _LATIN,
)

#: How many are named.
_TOLD = 2


def likely_encodings(raw: bytes) -> list[tuple[str, str]]:
    """Encodings in which the bytes are sound text, the likeliest first: (name for iconv, who writes it).

    Empty for UTF-8, and where none is plausible.

    >>> likely_encodings("多裂肌".encode("gb18030"))[0]
    ('GB18030', 'Chinese Windows')
    >>> likely_encodings("多裂肌".encode())
    []
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return [(name, 'Windows\' "Unicode"')]
    for place, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        # Each second byte of a JSON's beginning, which is ASCII, is zero.
        if len(raw) >= 8 and not any(raw[place:8:2]) and all(raw[1 - place : 8 : 2]):
            return [(name, "without a byte order mark")]
    if _decoded(raw, "utf-8") is not None:
        return []
    found: list[tuple[str, str]] = []
    # Accents stand alone among Latin letters, in other scripts several such bytes follow each other.
    alone = re.search(rb"[\x80-\xff]{2}", raw) is None
    for name, where, codec, letters in (_LATIN, *_CANDIDATES) if alone else _CANDIDATES:
        text = _decoded(raw, codec)
        others = "" if text is None else "".join(re.findall(r"[^\x00-\x7f]+", text))
        if others and re.fullmatch(f"{letters}+", others) and (name, where) not in found:
            found.append((name, where))
    return found[:_TOLD]


def _decoded(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None
