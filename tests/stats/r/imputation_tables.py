"""Tables with several completions of their missing cells, for R to pool: writes ``imputation_tables.csv``.

Also 240 sets of estimates and variances for ``pool.scalar``: ``imputation_scalars.csv``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def completions(count: int = 60, seed: int = 20261129) -> pd.DataFrame:
    """y, x and z of 8 to 16 participants, 2 to 5 completions each; x differs where it was missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        n, sets = int(rng.integers(8, 17)), int(rng.integers(2, 6))
        x, z = rng.normal(size=n), rng.integers(0, 3, n)
        y = 0.5 * x + 0.3 * z + rng.normal(size=n)
        gone = rng.random(n) < rng.choice([0.1, 0.3, 0.6])
        for k in range(sets):
            drawn = np.where(gone, rng.normal(size=n), x)
            rows += [(number, k, *row) for row in zip(y, drawn, z, strict=True)]
    return pd.DataFrame(rows, columns=["table", "set", "y", "x", "z"]).round(3)


def scalars(count: int = 240, seed: int = 20261130) -> pd.DataFrame:
    """Estimates and variances of one term: none, little and much between the sets; few and many cases."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        sets = int(rng.choice([2, 3, 5, 20]))
        n, k = int(rng.choice([8, 20, 40, 500])), int(rng.integers(2, 6))
        spread = rng.choice([0.0, 1e-4, 0.1, 1.0, 10.0])
        estimates = 1 + spread * rng.normal(size=sets)
        variances = rng.uniform(0.5, 2, sets)
        rows += [(number, n, k, *pair) for pair in zip(estimates, variances, strict=True)]
    return pd.DataFrame(rows, columns=["table", "n", "k", "estimate", "variance"]).round(6)


if __name__ == "__main__":
    here = Path(__file__)
    completions().to_csv(here.with_name("imputation_tables.csv"), index=False)
    scalars().to_csv(here.with_name("imputation_scalars.csv"), index=False)
