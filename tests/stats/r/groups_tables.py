"""The random tables of groups.R: ``python tests/stats/r/groups_tables.py FOLDER`` writes them for R.

Three to five groups with ties, missing cells, unequal sizes and variances, tiny and constant groups, and
units from 0.001 to a million; tables of counts of two to four rows; pairs with a covariate.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20261205


class Pairs(NamedTuple):
    """An outcome, a predictor and a covariate of the same participants."""

    y: Floats
    x: Floats
    z: Floats


def groups(number: int = 216) -> Iterator[list[Floats]]:
    """Tables of several groups, always the same."""
    for index in range(number):
        rng = np.random.default_rng([SEED, 1, index])
        kind = index % 8
        k = int(rng.choice([3, 3, 3, 4, 5]))
        sizes = rng.integers(2, 6 if kind == 5 else 25, k)
        unequal = kind in (1, 6)
        spread = rng.choice([1.0, 3.0, 6.0], k) if unequal else np.ones(k)
        shift = rng.choice([0.0, 0.6, 1.5], k)
        found = [s * rng.standard_normal(n) + d for n, s, d in zip(sizes, spread, shift, strict=True)]
        if kind == 2:  # ties: eighths, which floats hold exactly
            found = [np.round(4 * x) / 8 for x in found]
        if kind == 3:  # grades
            found = [np.clip(np.round(x + 2), 0, 4) for x in found]
        if kind == 4:  # another unit
            unit = float(rng.choice([1e-3, 1e6]))
            found = [unit * (x + 5) for x in found]
        if kind == 6:  # one group is constant
            found[0] = np.full(sizes[0], 0.5)
        if kind == 7:  # skewed
            found = [np.exp(x) for x in found]
        if kind == 0:  # missing
            for x in found:
                x[2:][rng.random(x.size - 2) < 0.1] = np.nan
        yield found


def counts(number: int = 220) -> Iterator[NDArray[np.int64]]:
    """Tables of small counts, larger than 2 × 2."""
    for index in range(number):
        rng = np.random.default_rng([SEED, 2, index])
        rows = int(rng.choice([2, 2, 2, 3, 4]))
        columns = int(rng.integers(3, 7 if rows == 2 else 5))
        mean = float(rng.choice([0.7, 2.0, 5.0])) / (1, 2.5, 6)[rows - 2]
        table = rng.poisson(mean, (rows, columns))
        table[0, 0] += 1
        table[1, 1] += 1
        yield table.astype(np.int64)


def two_groups(number: int = 210) -> Iterator[tuple[Floats, Floats]]:
    """Values, or the numbers of categories, of two groups."""
    for index in range(number):
        rng = np.random.default_rng([SEED, 3, index])
        n_a, n_b = rng.integers(3, 40, 2)
        if index % 2:  # categories
            levels = int(rng.integers(2, 6))
            yield tuple(  # type: ignore[misc]
                rng.choice(levels, n, p=rng.dirichlet(np.full(levels, 2.0))).astype(float) for n in (n_a, n_b)
            )
        else:
            a, b = rng.standard_normal(n_a) * rng.choice([1, 4]), rng.standard_normal(n_b) + 0.5
            unit = float(rng.choice([1.0, 1e-3, 1e5]))
            yield unit * np.round(a, 2), unit * np.round(b, 2)


def pairs(number: int = 210) -> Iterator[Pairs]:
    """Outcome, predictor, covariate."""
    for index in range(number):
        rng = np.random.default_rng([SEED, 4, index])
        n = int(rng.integers(6, 40))
        z, x = rng.standard_normal((2, n))
        y = rng.choice([0.0, 0.8]) * x + 0.5 * z + rng.standard_normal(n)
        if index % 3 == 1:
            x, y = np.round(2 * x), np.round(2 * y)
        if index % 3 == 2:
            y = np.exp(y) * 1000
        if index % 5 == 0:
            y[rng.random(n) < 0.1] = np.nan
        yield Pairs(y, x, z)


def _written(values: Floats) -> str:
    return " ".join("NA" if np.isnan(x) else repr(float(x)) for x in values)


def main(folder: Path) -> None:
    """One table of each kind, a list of values in each cell."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        "groups": [f"{n},{_written(x)}" for n, table in enumerate(groups()) for x in table],
        "counts": [f"{n},{_written(x)}" for n, table in enumerate(counts()) for x in table.astype(float)],
        "two": [f"{n},{_written(x)}" for n, both in enumerate(two_groups()) for x in both],
        "pairs": [f"{n},{_written(x)}" for n, one in enumerate(pairs()) for x in one],
    }
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(["table,values", *rows]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
