"""The random tables on which ``model`` is held against R; ``mixed.R`` says how R's answers are made.

Run: ``python -m tests.stats.r.mixed_tables FOLDER``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

COUNT = 231


@dataclass(frozen=True)
class Case:
    """One table's model: the formula is R's, too."""

    number: int
    kind: str
    formula: str
    slope: str = ""
    random: str = ""
    means: str = ""
    by: str = ""


#: Kind → formula, slope, random effect, means and by.
KINDS: dict[str, tuple[str, str, str, str, str]] = {
    "roles": ("group * role", "", "", "group:role", ""),
    "segments": ("group * role * segment", "", "", "group:role", "segment"),
    "covariate": ("group * segment + age", "", "", "group", "segment"),
    "slope": ("group * months", "months", "", "group", ""),
    "slope beside": ("group * role + months", "months", "", "role", ""),
    "site": ("group * role", "", "site", "role", "group"),
    "slope and site": ("group * months + age", "months", "site", "group", ""),
    "singular": ("group * role", "", "", "group:role", ""),
    "tiny": ("group + role", "", "", "group", ""),
    "covariance": ("group * sex + age + bmi", "", "", "group:sex", ""),
    "empty cell": ("group * segment", "", "", "segment", "group"),
}


def cases() -> Iterator[tuple[Case, pd.DataFrame]]:
    """Every case with its table."""
    for number in range(COUNT):
        kind = list(KINDS)[number % len(KINDS)]
        # The stream of RandomState is the same in every version of NumPy.
        rng = np.random.RandomState(1000 + number)
        yield Case(number, kind, *KINDS[kind]), _table(kind, rng)


def _table(kind: str, rng: np.random.RandomState) -> pd.DataFrame:
    people = rng.randint(2, 5) * 2 if kind == "tiny" else rng.randint(8, 20)
    sd_person = 0.0 if kind == "singular" else rng.choice([0.3, 0.8, 2.0])
    sd_slope = rng.choice([0.05, 0.2])
    sites = rng.randint(3, 7)
    site_effect = rng.normal(0, 0.6, sites)
    digits = rng.choice([1, 3])  # one digit: many ties
    missing = rng.choice([0.0, 0.1, 0.25])
    segments = ["L3", "L4", "L5"] if kind == "empty cell" else ["L4", "L5"]
    times = [0, 3, 6, 12] if "slope" in kind else [0]
    rows = []
    for person in range(people):
        group = ("ALS", "LR", "HC")[person % (3 if kind == "covariate" else 2)]
        age, bmi = rng.randint(35, 80), round(rng.normal(25, 3), 1)
        sex = "FM"[(person // 2 + (rng.rand() < 0.2)) % 2]
        intercept, slope, site = rng.normal(0, 1) * sd_person, rng.normal(0, sd_slope), rng.randint(sites)
        one_row = kind == "covariance"
        for segment in segments[:1] if one_row else segments:
            for role in ("symptomatic", "contralateral")[: 1 if one_row else 2]:
                for months in times:
                    noise, left_out, moved = rng.normal(), rng.rand(), rng.rand()
                    if left_out < missing or (kind == "empty cell" and group == "LR" and segment == "L5"):
                        continue
                    at = site if moved < 0.8 else (site + 1) % sites
                    y = intercept + slope * months + noise + (site_effect[at] if "site" in kind else 0)
                    y += 0.7 * (group == "ALS") * (role == "symptomatic") + 0.02 * age + 0.05 * months
                    rows.append((f"P{person:02d}", group, segment, role, months, age, bmi, sex, f"S{at}", y))
    names = ["participant_id", "group", "segment", "role", "months", "age", "bmi", "sex", "site", "y"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(y=table["y"].round(digits))


def main(folder: Path) -> None:
    """Write the tables, one below the other, and their models."""
    folder.mkdir(exist_ok=True)
    found = list(cases())
    pd.DataFrame([asdict(case) for case, _ in found]).to_csv(folder / "cases.csv", index=False)
    tables = [table.assign(number=case.number) for case, table in found]
    pd.concat(tables).to_csv(folder / "tables.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
