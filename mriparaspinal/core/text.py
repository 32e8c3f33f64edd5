"""Text helpers: numbers in cells, names and counts in sentences, natural order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

#: Missing in every column but ``participant_id`` and ``group``; compared without regard to case.
MISSING = frozenset({"", "n/a", "na", "nan", "."})

#: Missing in columns of numbers as well; in a column of texts these are categories.
_MISSING_NUMBERS = MISSING | {"none", "null"}

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

#: A number as people write it, with what makes it none: 1,5 · 1 234 · 45 % · 12 mm · <0.5 · −5 · 0_5.
_NEARLY = re.compile(
    r"[<>≤≥~≈±]?\s*[-+−–]?\s*[.,]?\d[\d\s.,_'’]*(?:[eE][-+−]?\d+)?\s*(?:%|‰|[^\W\d_]{1,3}[²³/\w]*)?"
)


def read_number(text: str) -> float | None:
    """The finite number that a text holds, or None if it holds none.

    ASCII digits, one decimal point, an optional sign and exponent; outer space is passed over. Not ``1_0``,
    which Python reads as 10, nor ``0x10``, ``inf``, ``1e400``, ``1,5`` or the digits of other scripts.

    >>> read_number("+3.5"), read_number(" 1e3 "), read_number("1_0"), read_number("nan")
    (3.5, 1000.0, None, None)
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def read_whole(text: str) -> int | None:
    """The whole number that a text holds, written without a decimal point; None where it holds none.

    >>> read_whole("12"), read_whole("-3"), read_whole("1_0"), read_whole("1.0")
    (12, -3, None, None)
    """
    text = text.strip()
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,300}", text) else None


def read_pair(text: str) -> tuple[float, float] | None:
    """Two numbers with a comma between them, such as LOW,HIGH; None where the text is something else.

    >>> read_pair("0, 1200"), read_pair("1_0,2_0"), read_pair("5")
    ((0.0, 1200.0), None, None)
    """
    first, _, second = text.partition(",")
    low, high = read_number(first), read_number(second)
    return None if low is None or high is None else (low, high)


def is_missing(text: str, number: bool = False) -> bool:
    """Whether a cell is missing; ``number``: whether its column is one of numbers.

    Cells of ``participant_id`` and ``group`` are not asked here: only an empty one is missing there.

    >>> is_missing("NA"), is_missing("."), is_missing("None"), is_missing("None", number=True)
    (True, True, False, True)
    """
    return text.strip().casefold() in (_MISSING_NUMBERS if number else MISSING)


def read_cell(text: str) -> float | None:
    """A cell of a column of numbers: a finite number, NaN if it is missing, None if it is neither.

    >>> read_cell("0.5"), read_cell("NA"), read_cell("0_5")
    (0.5, nan, None)
    """
    return math.nan if is_missing(text, number=True) else read_number(text)


def is_nearly_number(text: str) -> bool:
    """Whether a text is a number but for how it is written: with a comma, a unit, a percent sign, ``<`` …

    >>> [is_nearly_number(text) for text in ("1,5", "12 mm", "45%", "<0.5", "−5", "0_5", "7", "left")]
    [True, True, True, True, True, True, False, False]
    """
    text = text.strip()
    return read_number(text) is None and _NEARLY.fullmatch(text) is not None


def join_names(names: Iterable[str]) -> str:
    """Names for a sentence.

    >>> join_names(["ALS"]), join_names(["ALS", "ALS-lower", "LR"])
    ('ALS', 'ALS, ALS-lower and LR')
    """
    *others, last = [*names] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def and_more(names: Iterable[object], most: int = 10, count: int | None = None) -> str:
    """The first of many names, and how many more there are; ``count``: how many, if ``names`` are not all.

    >>> and_more(["a", "b", "c"]), and_more(range(14), 3), and_more(["a", "b"], count=6)
    ('a, b, c', '0, 1, 2 and 11 more', 'a, b and 4 more')
    """
    shown = [str(name) for name in names]
    count = len(shown) if count is None else count
    more = f" and {count - len(shown[:most])} more" if count > len(shown[:most]) else ""
    return ", ".join(shown[:most]) + more


def that_fit(names: Iterable[object], room: int, most: int = 20) -> str:
    """As many of the names, at least one, as have ``room``, and how many more there are.

    >>> that_fit(["ALS_1", "ALS_2", "ALS_3"], 17), that_fit(["ALS_1", "ALS_2", "ALS_3"], 12)
    ('ALS_1 and 2 more', 'ALS_1 and 2 more')
    """
    listed = [str(name) for name in names]
    texts = (and_more(listed, number) for number in range(min(len(listed), most), 1, -1))
    return next((text for text in texts if len(text) <= room), and_more(listed, 1))


def count_of(number: int, noun: str, none: str = "0") -> str:
    """A number and its noun; ``none``: how zero is called.

    >>> count_of(1, "slice"), count_of(2, "slice"), count_of(0, "error"), count_of(0, "error", "no")
    ('1 slice', '2 slices', '0 errors', 'no errors')
    """
    return f"{number or none} {noun}{'' if number == 1 else 's'}"


def natural_key(text: str) -> list[tuple[int, str]]:
    """Sort key that puts numbers in numeric order.

    >>> sorted(["ALS_10", "ALS_9", "LR_1"], key=natural_key)
    ['ALS_9', 'ALS_10', 'LR_1']
    """
    parts = re.split(r"([0-9]+)", text)
    # Texts and numbers take turns; a number is compared by its length, then digit by digit.
    parts[1::2] = [digits.lstrip("0") for digits in parts[1::2]]
    return [(len(part) * (i % 2), part) for i, part in enumerate(parts)]
