"""Random ratings of participants with several targets; ``python -m tests.stats.r.clusters_tables FOLDER``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

SEED, TABLES, DRAWS = 7, 220, 40


class Rated(NamedTuple):
    """One table: whose each target is, its values by each rater, and samples of the participants."""

    who: np.ndarray
    values: np.ndarray
    drawn: np.ndarray


def tables() -> Iterator[Rated]:
    """Of usual, tiny, whole, shifted, equal and constant values."""
    rng = np.random.default_rng(SEED)
    for number in range(TABLES):
        kind = number % 11
        participants = int(rng.integers(2, 4) if kind == 0 else rng.integers(4, 11))
        raters = 2 if kind < 5 else int(rng.integers(3, 5))
        who = np.repeat(np.arange(participants), rng.integers(1, 5, participants))
        if len(who) == participants:
            who = np.append(who, 0)
        rng.shuffle(who)
        truth = rng.normal(size=participants)[who] + rng.normal(size=len(who))
        noise = rng.normal(size=(participants, raters))[who] + rng.normal(size=(len(who), raters))
        values = 5 + truth[:, None] + rng.normal(size=raters) + rng.choice([0.2, 1.0]) * noise
        if kind == 1:  # ties
            values = np.round(values)
        if kind == 2:  # constant shifts only
            values = np.round(truth, 1)[:, None] + np.arange(raters)
        if kind == 3 and number % 2:
            values = np.full_like(values, 4.0)
        if kind == 4:  # large numbers, little spread
            values = 1e4 + values
        yield Rated(who, values, rng.integers(0, participants, (DRAWS, participants)))


def main(folder: Path) -> None:
    """values.csv has one row per target and rater, drawn.csv one per participant of a sample."""
    values, drawn = ["table,target,who,rater,value"], ["table,sample,who"]
    for number, table in enumerate(tables()):
        values += [
            f"{number},{i},{table.who[i]},{j},{value!r}"
            for (i, j), value in zip(
                np.ndindex(table.values.shape), table.values.ravel().tolist(), strict=True
            )
        ]
        drawn += [f"{number},{sample},{who}" for (sample, _), who in np.ndenumerate(table.drawn)]
    (folder / "values.csv").write_text("\n".join(values) + "\n", encoding="utf-8")
    (folder / "drawn.csv").write_text("\n".join(drawn) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
