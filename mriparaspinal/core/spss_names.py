"""Names of columns as SPSS takes them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

#: Bytes of a name.
LONGEST = 64

_RESERVED = frozenset(["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"])


def spss_names(columns: Iterable[str]) -> list[str]:
    """A name for each column: letters, digits and underscores, a letter first, at most 64 bytes, each once.

    Names that are so already stay; SPSS does not tell capitals apart, so the second of two gets a number.

    >>> spss_names(["MF_L4_L_fi", "Größe (cm)", "2nd", "Sex", "sex", "by", "体重"])
    ['MF_L4_L_fi', 'Grosse_cm', 'v_2nd', 'Sex', 'sex_2', 'by_1', 'v']
    """
    columns = list(columns)
    taken: set[str] = set()
    # Those that fit keep their names, whatever stands before them.
    plain = {c for c in columns if _plain(c) == c}
    first: dict[str, str] = {}
    for column in columns:
        if column in plain:
            first.setdefault(column.casefold(), column)
    names = []
    for column in columns:
        stem = _plain(column)
        name, number = stem, 1
        while name.casefold() in taken or first.get(name.casefold(), column) != column:
            number += 1
            ending = f"_{number}"
            name = stem[: LONGEST - len(ending)] + ending
        taken.add(name.casefold())
        names.append(name)
    return names


def _plain(column: str) -> str:
    letters = unicodedata.normalize("NFKD", column).replace("ß", "ss")
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    name = re.sub(r"[^A-Za-z0-9_]+", "_", bare).strip("_")
    if not re.match(r"[A-Za-z]", name):
        name = f"v_{name}" if name else "v"
    name = name[:LONGEST].rstrip("_")
    return f"{name}_1" if name.upper() in _RESERVED else name
