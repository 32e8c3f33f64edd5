"""Balanced tables of two groups, for the mixed model of ``plan``: writes ``plan_tables.csv`` beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def tables(count: int = 40, seed: int = 20261129) -> pd.DataFrame:
    """Tables of two groups of 3 to 9 participants, each with 2 to 5 segments."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        segments = int(rng.integers(2, 6))
        spread, noise = rng.uniform(0.5, 2), rng.uniform(0.1, 1)
        for group in "AB":
            for person in range(int(rng.integers(3, 10))):
                own = rng.normal(0.8 * (group == "A"), spread)
                rows += [
                    (number, group, f"{group}_{person}", f"L{level}", own + rng.normal(level / 5, noise))
                    for level in range(1, segments + 1)
                ]
    return pd.DataFrame(rows, columns=["table", "group", "participant_id", "segment", "fi"]).round(6)


if __name__ == "__main__":
    tables().to_csv(Path(__file__).with_name("plan_tables.csv"), index=False)
