"""The compact letter display: which groups differ, as letters beside them."""

from __future__ import annotations

import string
from collections.abc import Iterable

#: So many groups have no more sets than there are letters.
MOST_GROUPS = 10


def compact_letters(groups: int, differ: Iterable[tuple[int, int]]) -> list[str]:
    """One text per group; two groups share a letter exactly if they are not among the pairs that ``differ``.

    Insert and absorb (Piepho, J Comput Graph Stat 2004;13:456–466), with the letters in the order of the
    groups. At most :data:`MOST_GROUPS` groups.

    >>> compact_letters(3, [(0, 2)])
    ['a', 'ab', 'b']
    """
    if not 0 <= groups <= MOST_GROUPS:
        raise ValueError(f"{groups} groups were found; expected {MOST_GROUPS} at most")
    sets = {frozenset(range(groups))}
    for a, b in differ:
        apart = {part for one in sets for part in ((one - {a}, one - {b}) if {a, b} <= one else (one,))}
        sets = {one for one in apart if not any(one < other for other in apart)}
    order = sorted(map(sorted, sets))
    return [
        "".join(letter for letter, one in zip(string.ascii_letters, order, strict=False) if group in one)
        for group in range(groups)
    ]
