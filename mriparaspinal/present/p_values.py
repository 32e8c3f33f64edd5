"""How p-values are printed, in tables, figures and sentences alike."""

from __future__ import annotations

import math

from mriparaspinal.stats.limits import ALPHA

#: What the stars mean, for the legend of each figure that has them.
STARS_KEY = "* p < 0.05, ** p < 0.01, *** p < 0.001, ns p ≥ 0.05"


def p_number(p: object) -> str:
    """Three decimals; four where three would hide that it is below 0.05; nothing where there is no test.

    >>> [p_number(p) for p in (0.8898, 0.0004, 0.021, 0.0497, 0.9998, math.nan)]
    ['0.890', '< 0.001', '0.021', '0.0497', '> 0.999', '']
    """
    if not isinstance(p, int | float) or math.isnan(p):
        return ""
    if p < 0.001:
        return "< 0.001"
    if p > 0.999:
        return "> 0.999"
    if round(p, 3) == ALPHA and p < ALPHA:
        # Cut, not rounded: 0.04999 is not 0.0500.
        return f"{math.floor(p * 1e4) / 1e4:.4f}"
    return f"{p:.3f}"


def p_text(p: float) -> str:
    """The same in a sentence.

    >>> [p_text(p) for p in (0.0004, 0.021, math.nan)]
    ['p < 0.001', 'p = 0.021', 'no test']
    """
    number = p_number(p)
    if not number:
        return "no test"
    return f"p {number}" if number[0] in "<>" else f"p = {number}"


def is_significant(p: object) -> bool:
    """True for a p-value below 0.05, before rounding."""
    return isinstance(p, int | float) and p < ALPHA


def stars(p: float) -> str:
    """The usual stars, which :data:`STARS_KEY` explains.

    >>> [stars(p) for p in (0.0004, 0.004, 0.04, 0.05, math.nan)]
    ['***', '**', '*', 'ns', 'no test']
    """
    if math.isnan(p):
        return "no test"
    return "***" if p < 0.001 else "**" if p < 0.01 else "*" if p < ALPHA else "ns"
