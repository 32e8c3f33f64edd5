"""p-values adjusted for their number."""

from __future__ import annotations

import math
from collections.abc import Iterable, MutableMapping
from typing import Any

from scipy import stats


def adjust(rows: Iterable[MutableMapping[str, Any]], column: str = "p") -> None:
    """Benjamini and Hochberg's p (J R Stat Soc B 1995;57:289–300), over the rows that have a p.

    The rows are one family; ``p_adjusted`` is written into them, or ``<column>_adjusted``.

    >>> rows = [{"p": 0.01}, {"p": float("nan")}, {"p": 0.04}, {}]
    >>> adjust(rows)
    >>> [row.get("p_adjusted") for row in rows]
    [0.02, None, 0.04, None]
    """
    with_p = [row for row in rows if not math.isnan(row.get(column, math.nan))]
    if with_p:
        adjusted = stats.false_discovery_control([row[column] for row in with_p], method="bh")
        for row, p in zip(with_p, adjusted, strict=True):
            row[f"{column}_adjusted"] = float(p)
