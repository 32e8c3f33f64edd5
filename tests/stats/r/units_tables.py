"""The random tables of units.R: ``python tests/stats/r/units_tables.py FOLDER`` writes them for R.

Two arms each, of which the first values are pairs, too; ties, missing cells, unequal sizes, tiny and constant
arms, units from 0.001 to a million.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20261129


class Table(NamedTuple):
    """Two arms, and a margin of equivalence."""

    a: Floats
    b: Floats
    margin: float

    @property
    def pairs(self) -> tuple[Floats, Floats]:
        n = min(self.a.size, self.b.size)
        return self.a[:n], self.b[:n]


class Cohort(NamedTuple):
    """Symptomatic and contralateral side of two groups, (participants, rows)."""

    sides_a: tuple[Floats, Floats]
    sides_b: tuple[Floats, Floats]
    ranked: NDArray[np.bool_]
    """Rows that are tested by ranks."""


def tables(number: int = 240) -> Iterator[Table]:
    """The tables, always the same."""
    for index in range(number):
        rng = np.random.default_rng([SEED, index])
        kind = index % 8
        n_a, n_b = (int(n) for n in rng.integers(2, 9 if kind == 5 else 26, 2))
        if kind == 7:
            n_b = n_a
        a, b = rng.standard_normal(n_a), rng.standard_normal(n_b) + rng.choice([0.0, 0.7])
        margin = float(rng.choice([0.25, 0.75, 1.5]))
        if kind == 1:  # skewed, unequal variances
            a, b = np.exp(a), np.exp(2 * b)
        if kind == 2:  # ties: eighths, which floats hold exactly
            a, b = np.round(4 * a) / 8, np.round(4 * b) / 8
        if kind == 3:  # grades
            a, b = (np.clip(np.round(arm + 2), 0, 4) for arm in (a, b))
            margin = float(rng.choice([1.0, 2.0]))
        if kind == 4:  # another unit
            unit = float(rng.choice([1e-3, 1e3]))
            a, b, margin = unit * (a + 5), unit * (b + 5), unit * margin
        if kind == 6:  # one arm constant, or nearly
            b = np.full(n_b, 1.0)
            b[: n_b // 3] = 2.0
            a = np.round(2 * a) / 2
        a[rng.random(n_a) < 0.05 * (kind == 0)] = np.nan
        yield Table(a, b, margin)


def cohorts(number: int = 60) -> Iterator[Cohort]:
    """Complete cohorts of one row for the interaction, the others tiny with several rows for max-T."""
    for index in range(number):
        rng = np.random.default_rng([SEED, 1000 + index])
        several = index >= number // 2
        rows = int(rng.integers(3, 6)) if several else 1
        sizes = rng.integers(3, 6, 2) if several else rng.integers(5, 16, 2)
        sides = []
        for n in sizes:
            person = rng.standard_normal((n, 1))
            s, c = (person + rng.standard_normal((n, rows)) for _ in range(2))
            if index % 3 == 2:
                s, c = np.round(2 * s) / 2, np.round(2 * c) / 2
            sides.append((s + rng.choice([0.0, 1.5]), c))
        if several and index % 2:
            sides[0][0][0, 0] = np.nan
        yield Cohort(sides[0], sides[1], rng.random(rows) < 0.5)


def main(folder: Path) -> None:
    """Write tables.csv and cohorts.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["table,arm,value,margin"]
    for number, table in enumerate(tables()):
        for arm in "ab":
            lines += [f"{number},{arm},{float(x)!r},{table.margin!r}" for x in getattr(table, arm)]
    (folder / "tables.csv").write_text("\n".join(lines).replace("nan", "NA") + "\n")
    lines = ["cohort,group,person,row,ranked,s,c"]
    for number, cohort in enumerate(cohorts()):
        for group, (s, c) in (("A", cohort.sides_a), ("B", cohort.sides_b)):
            for (person, row), value in np.ndenumerate(s):
                ranked = int(cohort.ranked[row])
                cells = (number, group, person, row, ranked, repr(float(value)), repr(float(c[person, row])))
                lines.append(",".join(map(str, cells)))
    (folder / "cohorts.csv").write_text("\n".join(lines).replace("nan", "NA") + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
