"""Numbers as the texts of a printed table's cells."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pandas as pd

from mriparaspinal.present.table_layout import ABSENT
from mriparaspinal.stats.limits import ALPHA


def n_text(counts: pd.Series) -> str:
    """The number of participants, or its range: ``n = 30–34``."""
    return f"n = {range_text([float(n) for n in counts])}"


def range_text(values: Sequence[float]) -> str:
    """The lowest and the highest of whole numbers."""
    low, high = min(values), max(values)
    return f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"


def is_significant(p: object) -> bool:
    """True for a p-value below 0.05, before rounding."""
    return isinstance(p, int | float) and p < ALPHA


def p_cell(p: object) -> str:
    """Three decimals, as the paper's Table 2.

    >>> p_cell(0.8898), p_cell(0.0004), p_cell(math.nan)
    ('0.890', '<0.001', '–')
    """
    if not isinstance(p, int | float) or math.isnan(p):
        return ABSENT
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def r_and_p(r: object, p: object) -> str:
    """As in the paper's Table 4.

    >>> r_and_p(-0.3931, 0.0213), r_and_p(0.7, 1e-6)
    ('r = −0.393, p = 0.021', 'r = 0.700, p < 0.001')
    """
    if not isinstance(r, int | float) or math.isnan(r):
        return ABSENT
    text = p_cell(p)
    relation = f"< {text[1:]}" if text.startswith("<") else f"= {text}"
    return f"r = {with_minus_signs(f'{r:z.3f}')}, p {relation}"


def with_minus_signs(text: str) -> str:
    """Typographic minus signs in front of numbers.

    >>> with_minus_signs("-0.12 ± 0.30")
    '−0.12 ± 0.30'
    """
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)
