"""Texts of cells as numbers, for programs that tell both apart, and numbers as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mriparaspinal.core.text import read_cell

#: A code: as a number it would lose its zeros, or its last digits.
_CODE = re.compile(r"[+-]?0[0-9]+(?:\.[0-9]*)?|[+-]?[0-9]{16,}")

#: Names, whatever they look like.
_NAMES = ("participant_id", "group", "session")


def numbers_in(column: str, cells: Sequence[str]) -> list[float | None] | None:
    """The numbers of a column, None for a missing one; None where the column is one of texts.

    >>> numbers_in("bmi", ["21.5", "", "NA"]), numbers_in("hospital", ["007", "12"])
    ([21.5, None, None], None)
    """
    if column in _NAMES or any(map(_CODE.fullmatch, cells)):
        return None
    values = [read_cell(cell) for cell in cells]
    if None in values or all(value != value for value in values):
        return None
    return [value if value == value else None for value in values]


def number_text(value: float, digits: int = 0) -> str:
    """A number as a person writes it: ``7`` and not ``7.0``; with leading zeros to as many ``digits``.

    >>> number_text(7.0), number_text(0.1), number_text(7.0, 3)
    ('7', '0.1', '007')
    """
    return f"{value:0{digits}.0f}" if float(value).is_integer() else repr(value)
