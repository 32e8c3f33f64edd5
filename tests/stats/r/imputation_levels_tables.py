"""A table with a category of three levels, a quarter of it missing, for ``imputation_levels.R``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def main() -> None:
    """Write ``imputation_levels_table.csv``."""
    rng = np.random.default_rng(17)
    n = 240
    x = rng.normal(size=n)
    region = rng.choice(["bulbar", "lower", "upper"], n, p=[0.2, 0.5, 0.3])
    y = 0.5 * x + 0.9 * (region == "lower") - 0.7 * (region == "upper") + rng.normal(size=n)
    missing = rng.random(n) < 1 / (1 + np.exp(1.2 - 0.8 * y))
    table = pd.DataFrame({"y": y.round(4), "x": x.round(4), "region": np.where(missing, "", region)})
    table.to_csv(Path(__file__).parent / "imputation_levels_table.csv", index=False)


if __name__ == "__main__":
    main()
