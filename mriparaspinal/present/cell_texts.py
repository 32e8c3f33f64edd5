"""Numbers as the texts of a printed table's cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

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


#: What the columns of standardised mean differences show.
SMD_NOTE = (
    "SMD, standardised mean difference with 95 % interval: first group minus second by the root mean square "
    "of their standard deviations; of categories without a sign (Yang and Dalton 2012)."
)


def smd_cell(record: Mapping[str, object]) -> str:
    """A standardised mean difference with its interval.

    >>> smd_cell({"smd": -0.284, "smd_ci_low": -1.46, "smd_ci_high": 0.9})
    '−0.28 (−1.46 to 0.90)'
    """
    smd, low, high = (record[name] for name in ("smd", "smd_ci_low", "smd_ci_high"))
    if not isinstance(smd, float) or math.isnan(smd):
        return ABSENT
    return with_minus_signs(f"{smd:z.2f} ({low:z.2f} to {high:z.2f})")


def exact_text(record: Mapping[str, object]) -> str:
    """The exact p of a table of counts, for the end of a footnote; empty where there is none.

    >>> exact_text({"p_exact": 0.0769})
    '; exact p = 0.077 (Fisher, Freeman and Halton)'
    """
    p = record.get("p_exact")
    if not isinstance(p, float) or math.isnan(p):
        return ""
    return f"; exact {p_text(p)} (Fisher, Freeman and Halton)"


def with_minus_signs(text: str) -> str:
    """Typographic minus signs in front of numbers.

    >>> with_minus_signs("-0.12 ± 0.30")
    '−0.12 ± 0.30'
    """
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)
