"""The 240 designs whose power R computes.

Run: ``python tests/stats/r/power_tables.py``, which writes ``power_designs.csv`` beside it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def designs(count: int = 240, seed: int = 20261129) -> pd.DataFrame:
    """Unequal arms and SDs, tiny and large studies, effects from none to huge, strict levels."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "n_a": rng.choice([2, 3, 5, 8, 12, 20, 40, 80, 150], count),
            "n_b": rng.choice([2, 3, 5, 8, 12, 20, 40, 80, 150], count),
            "difference": rng.choice([0.0, 0.01, 0.2, 0.5, 0.8, 1.2, 2.5], count),
            "sd_a": rng.choice([0.3, 0.7, 1.0, 1.6], count),
            "sd_b": rng.choice([0.3, 0.7, 1.0, 2.5], count),
            "level": rng.choice([0.05, 0.05, 0.01, 0.05 / 30], count),
            "area": rng.choice([0.5, 0.55, 0.6, 0.75, 0.9, 0.99], count),
            "null": rng.choice([0.5, 0.6, 0.7], count),
            "icc": rng.choice([0.5, 0.7, 0.75, 0.9, 0.97], count),
            "icc_null": rng.choice([0.0, 0.3, 0.45], count),
            "raters": rng.choice([2, 3, 5], count),
            "width": rng.choice([0.05, 0.1, 0.2, 0.4], count),
        }
    )
    return table.round(6)


if __name__ == "__main__":
    designs().to_csv(Path(__file__).with_name("power_designs.csv"), index=False)
