"""Random tables whose rows share participants; ``python -m tests.stats.r.robust_tables FILE`` writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

SEED, TABLES = 11, 220


def tables() -> Iterator[pd.DataFrame]:
    """Columns patient, y, x, z, w: unequal clusters, ties, few clusters, x constant within a patient."""
    rng = np.random.default_rng(SEED)
    for number in range(TABLES):
        kind = number % 11
        patients = int(rng.integers(3, 6) if kind == 0 else rng.integers(6, 25))
        each = rng.integers(1, 7, patients)
        each[0] = max(each[0], 5)
        who = np.repeat(np.arange(patients), each)
        n = len(who)
        own = rng.normal(size=patients)
        x = rng.normal(size=n) + 0.7 * rng.normal(size=patients)[who]
        if kind == 1:  # of the patient
            x = rng.normal(size=patients)[who]
        if kind == 2:  # yes or no
            x = (rng.random(n) < 0.4).astype(float)
            x[:2] = 0, 1
        if kind == 3:  # two patients alone have it
            x = (who < 2).astype(float)
        z = np.round(rng.normal(size=n), 1) if kind == 4 else rng.normal(size=n) + own[who]
        w = rng.normal(60, 10, size=patients)[who] if kind != 5 else rng.normal(size=n) * 1e3
        y = 0.5 * x + own[who] + rng.normal(size=n) * (1 + (x > 0))
        order = rng.permutation(n)
        yield pd.DataFrame({"patient": [f"p{i:02d}" for i in who], "y": y, "x": x, "z": z, "w": w}).iloc[
            order
        ]


def main(path: Path) -> None:
    """All tables below each other."""
    whole = pd.concat([table.assign(table=number) for number, table in enumerate(tables())])
    whole.to_csv(path, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
