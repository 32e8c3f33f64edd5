"""Random tables of a follow-up for R: ``python -m tests.stats.r.change_tables > FILE``; see change.R."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

COUNT = 208

KINDS = ("usual", "ties", "missing", "unequal", "tiny", "constant", "large", "one_shift")


class Follow(NamedTuple):
    """One table: a value per participant and session."""

    number: int
    kind: str
    rows: pd.DataFrame
    """``group, participant_id, session, months, value``."""


def tables() -> Iterator[Follow]:
    """The tables, always the same."""
    for number in range(COUNT):
        rng = np.random.default_rng([17, 4, number])
        kind = KINDS[number % len(KINDS)]
        yield Follow(number, kind, _table(kind, rng))


def _table(kind: str, rng: np.random.Generator) -> pd.DataFrame:
    sizes = {"A": int(rng.integers(3, 16)), "B": int(rng.integers(3, 16))}
    if kind == "tiny":
        sizes = {"A": int(rng.integers(1, 4)), "B": 2}
    if kind == "unequal":
        sizes["A"] = 25
    sessions = int(rng.integers(2, 4))
    rows = []
    for group, size in sizes.items():
        for n in range(size):
            months = np.round(np.arange(sessions) * 6 + np.r_[0, rng.uniform(-1, 1, sessions - 1)], 1)
            values = (
                0.4 + rng.normal(0, 0.1) + rng.normal(0.004, 0.003) * months + rng.normal(0, 0.02, sessions)
            )
            if kind == "ties":
                values = np.round(values, 1)
            if kind == "large":
                values = values * 1e6 + 1e7
            if kind == "constant":
                values = np.full(sessions, values[0])
            if kind == "one_shift":
                values = values[0] + (0.25 if group == "A" else 0.0) * np.arange(sessions)
            if kind == "missing":
                values = np.where(rng.random(sessions) < 0.3, np.nan, values)
            rows += [
                (group, f"{group}_{n + 1}", f"v{k + 1}", float(months[k]), float(values[k]))
                for k in range(sessions)
            ]
    return pd.DataFrame(rows, columns=["group", "participant_id", "session", "months", "value"])


if __name__ == "__main__":
    parts = [one.rows.assign(table=one.number) for one in tables()]
    pd.concat(parts).to_csv(sys.stdout, index=False, na_rep="NA", lineterminator="\n")
