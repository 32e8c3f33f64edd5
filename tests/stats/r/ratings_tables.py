"""Random grades of raters, each time the same; ``python -m tests.stats.r.ratings_tables FILE`` writes all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SEED, TABLES = 17, 220


def tables() -> Iterator[tuple[int, np.ndarray]]:
    """Levels, and codes (targets, raters) from 0 on, −1 where a grade is missing."""
    rng = np.random.default_rng(SEED)
    for number in range(TABLES):
        kind = number % 11
        targets = int(rng.integers(2, 6) if kind == 0 else rng.integers(6, 41))
        raters, levels = int(rng.integers(2, 6)), int(rng.integers(2, 6))
        used = max(1, levels - 1) if kind == 1 else levels
        truth = rng.integers(0, used, targets)
        if kind == 2:  # one grade nearly always
            truth[rng.random(targets) < 0.9] = 0
        agree = rng.choice([0.1, 0.5, 0.8, 1.0])
        right = rng.random((targets, raters)) < agree
        codes = np.where(right, truth[:, None], rng.integers(0, used, (targets, raters)))
        if kind == 3:
            codes[:, 0] = 0
        if kind == 4:
            codes[:] = levels - 1
        if kind in (5, 6, 7):
            codes[rng.random(codes.shape) < 0.1 * (kind - 4)] = -1
        yield levels, codes


def main(path: Path) -> None:
    """One row per grade."""
    lines = ["table,levels,target,rater,grade"]
    for number, (levels, codes) in enumerate(tables()):
        lines += [
            f"{number},{levels},{i},{j},{'' if grade < 0 else grade}"
            for (i, j), grade in np.ndenumerate(codes)
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
