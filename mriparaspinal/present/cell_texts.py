"""Numbers as the texts of a printed table's cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from mriparaspinal.present.p_values import p_number, p_text
from mriparaspinal.present.table_layout import ABSENT


def n_text(counts: Iterable[float]) -> str:
    """The number of participants, or its range: ``n = 30–34``."""
    return f"n = {range_text([float(n) for n in counts])}"


def range_text(values: Sequence[float]) -> str:
    """The lowest and the highest of whole numbers."""
    low, high = min(values), max(values)
    return f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"


def p_cell(p: object) -> str:
    """A p-value, or the sign for what is not available.

    >>> p_cell(0.8898), p_cell(math.nan)
    ('0.890', '–')
    """
    return p_number(p) or ABSENT


def r_and_p(r: object, p: float) -> str:
    """As in the paper's Table 4.

    >>> r_and_p(-0.3931, 0.0213), r_and_p(0.7, 1e-6)
    ('r = −0.393, p = 0.021', 'r = 0.700, p < 0.001')
    """
    if not isinstance(r, int | float) or math.isnan(r):
        return ABSENT
    return f"r = {with_minus_signs(f'{r:z.3f}')}, {p_text(p)}"


def with_minus_signs(text: str) -> str:
    """Typographic minus signs in front of numbers.

    >>> with_minus_signs("-0.12 ± 0.30")
    '−0.12 ± 0.30'
    """
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)
